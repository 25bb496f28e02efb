//! Object identifiers: names of policies and algorithms.

use std::borrow::Cow;
use std::fmt;

use super::der::{self, tag};

/// Most bytes of content that an object identifier may have.
pub const OID_BYTES_MAX: usize = 64;

/// The policy of every stamp that a keeper gives itself: 2.25 and the UUID 9fa45455-de04-4bc0-b82b-01c349cf8850 as a
/// number (ITU-T X.667). A stamp under it is not independent, whoever vouches for its root.
pub const SELF_STAMP_POLICY: Oid = Oid(Cow::Borrowed(&[
    0x69, 0x82, 0xbf, 0xa4, 0xaa, 0x95, 0xbb, 0xe0, 0xa2, 0xaf, 0x81, 0xb8, 0x95, 0xc0, 0xb8, 0xb4, 0xce, 0xbe, 0x90,
    0x50,
]));

/// An object identifier, from which policies are made.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Oid(Cow<'static, [u8]>);

/// The bytes or the text are no object identifier that is accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an object identifier is numbers with dots between, of at most 128 bits each")]
pub struct NotAnOid;

impl Oid {
    /// Reads the content of an OBJECT IDENTIFIER.
    ///
    /// # Errors
    /// [`NotAnOid`] for nothing, more than [`OID_BYTES_MAX`] bytes, an arc that is cut short or not written shortest, and
    /// one of more than 128 bits.
    pub fn from_content(content: &[u8]) -> Result<Self, NotAnOid> {
        if content.is_empty() || content.len() > OID_BYTES_MAX || content.last().is_some_and(|byte| byte & 0x80 != 0) {
            return Err(NotAnOid);
        }
        let oid = Self(Cow::Owned(content.to_vec()));
        if oid.numbers().all(|number| number.is_some()) { Ok(oid) } else { Err(NotAnOid) }
    }

    /// Reads the text, numbers with dots between.
    ///
    /// # Errors
    /// [`NotAnOid`].
    pub fn parse(text: &str) -> Result<Self, NotAnOid> {
        let mut arcs = text.split('.').map(|digits| {
            let canonical =
                digits.bytes().all(|digit| digit.is_ascii_digit()) && !(digits.starts_with('0') && digits != "0");
            digits.parse::<u128>().ok().filter(|_| canonical).ok_or(NotAnOid)
        });
        let mut arc = || arcs.next().ok_or(NotAnOid)?;
        let (root, second) = (arc()?, arc()?);
        if root > 2 || (root < 2 && second >= 40) {
            return Err(NotAnOid);
        }
        let mut content = Vec::new();
        base_128(&mut content, root.saturating_mul(40).checked_add(second).ok_or(NotAnOid)?);
        for arc in arcs {
            base_128(&mut content, arc?);
        }
        Self::from_content(&content)
    }

    /// The content of the OBJECT IDENTIFIER.
    pub fn content(&self) -> &[u8] {
        &self.0
    }

    /// The whole element.
    pub fn to_der(&self) -> Vec<u8> {
        der::element(tag::OID, &self.0)
    }

    /// The numbers that stand in the content, the first of which holds two arcs; `None` for one that is not accepted.
    fn numbers(&self) -> impl Iterator<Item = Option<u128>> {
        self.0.split_inclusive(|byte| byte & 0x80 == 0).map(|digits| {
            if digits.first() == Some(&0x80) {
                return None;
            }
            digits.iter().try_fold(0_u128, |number, digit| {
                (number.leading_zeros() >= 7).then(|| (number << 7) | u128::from(digit & 0x7f))
            })
        })
    }
}

fn base_128(content: &mut Vec<u8>, number: u128) {
    let groups = (128_u32.saturating_sub(number.leading_zeros())).div_ceil(7).max(1);
    for group in (0..groups).rev() {
        let digit = (number >> group.saturating_mul(7)).to_le_bytes().first().copied().unwrap_or(0) & 0x7f;
        content.push(if group == 0 { digit } else { digit | 0x80 });
    }
}

impl fmt::Display for Oid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, number) in self.numbers().map(Option::unwrap_or_default).enumerate() {
            if place > 0 {
                write!(f, ".{number}")?;
            } else {
                let root = (number / 40).min(2);
                write!(f, "{root}.{}", number.saturating_sub(root.saturating_mul(40)))?;
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Oid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Oid({self})")
    }
}

/// Contents of the object identifiers that this module knows.
pub mod known {
    /// 1.2.840.113549.1.7.2
    pub const SIGNED_DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02];
    /// 1.2.840.113549.1.9.16.1.4
    pub const TST_INFO: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x10, 0x01, 0x04];
    /// 1.2.840.113549.1.9.3
    pub const CONTENT_TYPE: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x03];
    /// 1.2.840.113549.1.9.4
    pub const MESSAGE_DIGEST: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x04];
    /// 1.2.840.113549.1.9.16.2.47
    pub const SIGNING_CERTIFICATE_V2: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x10, 0x02, 0x2f];
    /// 2.16.840.1.101.3.4.2.1
    pub const SHA256: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01];
    /// 2.16.840.1.101.3.4.2.2
    pub const SHA384: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x02];
    /// 2.16.840.1.101.3.4.2.3
    pub const SHA512: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x03];
    /// 1.2.840.113549.1.1.1
    pub const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
    /// 1.2.840.113549.1.1.8
    pub const MGF1: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x08];
    /// 1.2.840.113549.1.1.10
    pub const RSA_PSS: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0a];
    /// 1.2.840.113549.1.1.11
    pub const RSA_SHA256: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0b];
    /// 1.2.840.113549.1.1.12
    pub const RSA_SHA384: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0c];
    /// 1.2.840.113549.1.1.13
    pub const RSA_SHA512: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0d];
    /// 1.2.840.10045.2.1
    pub const EC: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
    /// 1.2.840.10045.3.1.7
    pub const P256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
    /// 1.3.132.0.34
    pub const P384: &[u8] = &[0x2b, 0x81, 0x04, 0x00, 0x22];
    /// 1.2.840.10045.4.3.2
    pub const ECDSA_SHA256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02];
    /// 1.2.840.10045.4.3.3
    pub const ECDSA_SHA384: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x03];
    /// 1.2.840.10045.4.3.4
    pub const ECDSA_SHA512: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x04];
    /// 2.5.4.3
    pub const COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];
    /// 2.5.4.10
    pub const ORGANIZATION: &[u8] = &[0x55, 0x04, 0x0a];
    /// 2.5.29.14
    pub const SUBJECT_KEY_ID: &[u8] = &[0x55, 0x1d, 0x0e];
    /// 2.5.29.15
    pub const KEY_USAGE: &[u8] = &[0x55, 0x1d, 0x0f];
    /// 2.5.29.19
    pub const BASIC_CONSTRAINTS: &[u8] = &[0x55, 0x1d, 0x13];
    /// cRLReasons, of one entry of a list.
    pub const CRL_REASON: &[u8] = &[0x55, 0x1d, 0x15];
    /// issuingDistributionPoint.
    pub const ISSUING_DISTRIBUTION_POINT: &[u8] = &[0x55, 0x1d, 0x1c];
    /// cRLDistributionPoints.
    pub const CRL_DISTRIBUTION_POINTS: &[u8] = &[0x55, 0x1d, 0x1f];
    /// 2.5.29.32
    pub const CERTIFICATE_POLICIES: &[u8] = &[0x55, 0x1d, 0x20];
    /// 2.5.29.35
    pub const AUTHORITY_KEY_ID: &[u8] = &[0x55, 0x1d, 0x23];
    /// 2.5.29.37
    pub const EXTENDED_KEY_USAGE: &[u8] = &[0x55, 0x1d, 0x25];
    /// 2.5.29.37.0
    pub const ANY_PURPOSE: &[u8] = &[0x55, 0x1d, 0x25, 0x00];
    /// 1.3.6.1.5.5.7.3.8
    pub const TIME_STAMPING: &[u8] = &[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x08];
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn the_self_stamp_policy_is_the_uuid_as_a_number() {
        let uuid: u128 = 0x9fa4_5455_de04_4bc0_b82b_01c3_49cf_8850;
        assert_eq!(SELF_STAMP_POLICY.to_string(), format!("2.25.{uuid}"));
        assert_eq!(Oid::parse(&SELF_STAMP_POLICY.to_string()), Ok(SELF_STAMP_POLICY));
    }

    #[test]
    fn text_and_bytes_agree() {
        for (text, bytes) in [
            ("1.2.840.113549.1.9.16.1.4", known::TST_INFO),
            ("2.16.840.1.101.3.4.2.1", known::SHA256),
            ("1.3.132.0.34", known::P384),
            ("2.5.29.37.0", known::ANY_PURPOSE),
            ("0.0", &[0]),
            ("2.999", &[0x88, 0x37]),
        ] {
            assert_eq!(Oid::parse(text).unwrap().content(), bytes);
            assert_eq!(Oid::from_content(bytes).unwrap().to_string(), text);
        }
    }

    #[test]
    fn other_spellings_and_arcs_beyond_128_bits_are_refused() {
        for wrong in [
            "",
            "1",
            "3.1",
            "1.40",
            "1.2.",
            "1.02",
            "1.+2",
            "1..2",
            " 1.2",
            "2.25.340282366920938463463374607431768211456",
        ] {
            assert_eq!(Oid::parse(wrong), Err(NotAnOid), "{wrong:?}");
        }
        let too_large = [&[0x69, 0x84][..], &[0x80; 17], &[0]].concat();
        for wrong in [&[][..], &[0x81], &[0x2a, 0x80, 0x01], &too_large, &[1; OID_BYTES_MAX + 1]] {
            assert_eq!(Oid::from_content(wrong), Err(NotAnOid), "{wrong:02x?}");
        }
    }
}
