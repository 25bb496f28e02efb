//! X.509 certificates (RFC 5280), as much of them as a chain of stamps needs. Nothing here decides whom to trust.

use super::Error;
use super::der::{self, Element, NotDer, Reader, tag};
use super::info::SERIAL_BYTES_MAX;
use super::moment::Moment;
use super::oid::known;
use super::signature::{Algorithm, Key};

/// Most bytes that one certificate may have.
pub const CERTIFICATE_BYTES_MAX: usize = 16 << 10;

/// Most extensions that one certificate may have.
pub const EXTENSIONS_MAX: usize = 64;

/// Most purposes that one certificate may name.
pub const PURPOSES_MAX: usize = 32;

/// The bits of keyUsage that matter here, as [`der::named_bits`] gives them.
const DIGITAL_SIGNATURE: u16 = 0x8000;
const NON_REPUDIATION: u16 = 0x4000;
const KEY_CERT_SIGN: u16 = 0x0400;
const CRL_SIGN: u16 = 0x0200;

/// A certificate that could be read.
#[derive(Debug, Clone)]
pub(crate) struct Certificate<'a> {
    pub(crate) whole: &'a [u8],
    signed: &'a [u8],
    pub(crate) serial: &'a [u8],
    pub(crate) issuer: &'a [u8],
    pub(crate) subject: &'a [u8],
    not_before: Moment,
    pub(crate) not_after: Moment,
    pub(crate) key: Result<Key<'a>, Error>,
    algorithm: Result<Algorithm, Error>,
    signature: &'a [u8],
    extensions: Extensions<'a>,
}

#[derive(Debug, Clone, Default)]
struct Extensions<'a> {
    basic_constraints: Option<BasicConstraints>,
    key_usage: Option<u16>,
    purposes: Option<Purposes<'a>>,
    distribution_points: Option<&'a [u8]>,
    unknown_critical: bool,
}

#[derive(Debug, Clone, Copy)]
struct BasicConstraints {
    authority: bool,
    path_length: Option<u32>,
}

#[derive(Debug, Clone)]
struct Purposes<'a> {
    critical: bool,
    named: Vec<&'a [u8]>,
}

/// When a certificate ends (`notAfter`; RFC 5280, section 4.1.2.5), of whomever it is. Nothing else of it is looked at.
///
/// # Errors
/// [`Error`] of bytes that are no certificate of version 3, or one longer than [`CERTIFICATE_BYTES_MAX`].
pub fn certificate_ends(bytes: &[u8]) -> Result<Moment, Error> {
    Ok(Certificate::parse(bytes)?.not_after)
}

/// What an issuer signed, under which algorithm, and the signature: the outermost form of certificates and of revocation
/// lists (RFC 5280, 4.1.1 and 5.1.1).
pub(super) fn parts(bytes: &[u8]) -> Result<(Element<'_>, Element<'_>, &[u8]), Error> {
    let mut outer = der::only(bytes, tag::SEQUENCE)?;
    let signed = outer.element(tag::SEQUENCE)?;
    let algorithm = outer.element(tag::SEQUENCE)?;
    let signature = der::whole_bytes(outer.take(tag::BIT_STRING)?)?;
    outer.end()?;
    Ok((signed, algorithm, signature))
}

impl<'a> Certificate<'a> {
    pub(crate) fn parse(bytes: &'a [u8]) -> Result<Self, Error> {
        if bytes.len() > CERTIFICATE_BYTES_MAX {
            return Err(Error::TooLong);
        }
        let (signed, algorithm, signature) = parts(bytes)?;

        let mut inner = Reader::new(signed.content);
        // Only version 3 has extensions, and without them no certificate says what it is for.
        let mut version = inner.inside(tag::CONTEXT_0)?;
        if version.take(tag::INTEGER)? != [2] {
            return Err(Error::Version);
        }
        version.end()?;
        let serial = inner.take(tag::INTEGER)?;
        if serial.is_empty() || serial.len() > SERIAL_BYTES_MAX.saturating_add(1) {
            return Err(Error::SerialLength);
        }
        // The outer name of the algorithm is not signed: it must be the one that is.
        if inner.element(tag::SEQUENCE)?.whole != algorithm.whole {
            return Err(Error::AlgorithmBinding);
        }
        let issuer = inner.element(tag::SEQUENCE)?.whole;
        let mut validity = inner.inside(tag::SEQUENCE)?;
        let (not_before, not_after) = (read_time(validity.any()?)?, read_time(validity.any()?)?);
        validity.end()?;
        let subject = inner.element(tag::SEQUENCE)?.whole;
        let key = Key::read(inner.inside(tag::SEQUENCE)?);
        inner.optional(tag::IMPLICIT_1)?;
        inner.optional(IMPLICIT_2)?;
        let mut extensions = inner.inside(tag::CONTEXT_3)?;
        inner.end()?;
        let list = extensions.inside(tag::SEQUENCE)?;
        extensions.end()?;
        Ok(Self {
            whole: bytes,
            signed: signed.whole,
            serial,
            issuer,
            subject,
            not_before,
            not_after,
            key,
            algorithm: Algorithm::read(Reader::new(algorithm.content)),
            signature,
            extensions: Extensions::read(list)?,
        })
    }

    /// What must hold of every certificate of a chain.
    pub(crate) fn check_at(&self, time: Moment) -> Result<(), Error> {
        if self.extensions.unknown_critical {
            return Err(Error::CertificateCriticalExtension);
        }
        if time < self.not_before || time > self.not_after {
            return Err(Error::OutsideValidity);
        }
        Ok(())
    }

    /// What must hold of the certificate that signs stamps (RFC 3161, section 2.3).
    pub(crate) fn check_signer(&self) -> Result<(), Error> {
        if self.extensions.basic_constraints.is_some_and(|constraints| constraints.authority) {
            return Err(Error::SignerIsAuthority);
        }
        let purposes = self.extensions.purposes.as_ref().ok_or(Error::SignerPurpose)?;
        if !purposes.named.contains(&known::TIME_STAMPING) {
            return Err(Error::SignerPurpose);
        }
        if purposes.named.len() != 1 {
            return Err(Error::SignerPurposeNotSole);
        }
        if !purposes.critical {
            return Err(Error::SignerPurposeNotCritical);
        }
        // Signing and nothing else: the rule of the stock tools.
        let signing = DIGITAL_SIGNATURE | NON_REPUDIATION;
        match self.extensions.key_usage {
            Some(usage) if usage & signing == 0 || usage & !signing != 0 => Err(Error::SignerKeyUsage),
            Some(_) | None => Ok(()),
        }
    }

    /// What must hold of a certificate that others hang from, `below` of them between it and the signer.
    pub(crate) fn check_issuer(&self, below: u32) -> Result<(), Error> {
        let constraints = self.extensions.basic_constraints.filter(|constraints| constraints.authority);
        let constraints = constraints.ok_or(Error::IssuerNotAuthority)?;
        if constraints.path_length.is_some_and(|length| below > length) {
            return Err(Error::PathLength);
        }
        if self.extensions.key_usage.is_some_and(|usage| usage & KEY_CERT_SIGN == 0) {
            return Err(Error::IssuerKeyUsage);
        }
        let purposes = self.extensions.purposes.as_ref().map(|purposes| &purposes.named);
        let timely =
            |named: &Vec<&[u8]>| named.iter().any(|it| [known::TIME_STAMPING, known::ANY_PURPOSE].contains(it));
        if purposes.is_some_and(|named| !timely(named)) {
            return Err(Error::IssuerPurpose);
        }
        Ok(())
    }

    /// Whether this issuer signed that certificate.
    pub(crate) fn check_signed(&self, other: &Certificate<'_>) -> Result<(), Error> {
        let (algorithm, key) = (other.algorithm.clone()?, self.key.clone()?);
        algorithm.verify(&key, other.signed, other.signature).map_err(|error| match error {
            Error::Signature => Error::ChainSignature,
            other => other,
        })
    }

    /// Checks that this issuer signed a list of what it revoked.
    pub(crate) fn signed_list(&self, algorithm: &Algorithm, list: &[u8], signature: &[u8]) -> Result<(), Error> {
        if self.extensions.key_usage.is_some_and(|usage| usage & CRL_SIGN == 0) {
            return Err(Error::IssuerKeyUsage);
        }
        algorithm.verify(&self.key.clone()?, list, signature)
    }

    /// The value of the extension that says where lists of what was revoked lie.
    pub(crate) const fn distribution_points(&self) -> Option<&'a [u8]> {
        self.extensions.distribution_points
    }

    pub(crate) fn is_self_issued(&self) -> bool {
        self.issuer == self.subject
    }
}

/// `[2]` in place of a BIT STRING's tag: a unique identifier that nobody uses.
const IMPLICIT_2: u8 = 0x82;

pub(crate) fn read_time(time: Element<'_>) -> Result<Moment, Error> {
    Moment::from_certificate_time(time).ok_or(Error::CertificateTime)
}

impl<'a> Extensions<'a> {
    fn read(mut list: Reader<'a>) -> Result<Self, Error> {
        let mut extensions = Self::default();
        let mut seen: Vec<&[u8]> = Vec::new();
        while !list.is_empty() {
            let mut extension = list.inside(tag::SEQUENCE)?;
            let oid = extension.take(tag::OID)?;
            // `FALSE` is the default, which DER leaves out; some authorities write it.
            let critical =
                extension.optional(tag::BOOLEAN)?.map(|critical| der::boolean(critical.content)).transpose()?;
            let value = extension.take(tag::OCTET_STRING)?;
            extension.end()?;
            if seen.contains(&oid) {
                return Err(Error::ExtensionTwice);
            }
            seen.push(oid);
            if seen.len() > EXTENSIONS_MAX {
                return Err(Error::TooMany);
            }
            extensions.take(oid, critical.unwrap_or(false), value)?;
        }
        Ok(extensions)
    }

    fn take(&mut self, oid: &[u8], critical: bool, value: &'a [u8]) -> Result<(), Error> {
        match oid {
            known::BASIC_CONSTRAINTS => self.basic_constraints = Some(read_basic_constraints(value)?),
            known::KEY_USAGE => {
                let mut reader = Reader::new(value);
                self.key_usage = Some(der::named_bits(reader.take(tag::BIT_STRING)?)?);
                reader.end()?;
            }
            known::EXTENDED_KEY_USAGE => self.purposes = Some(Purposes { critical, named: read_purposes(value)? }),
            // No policy is required of a certificate, so that whichever it names is in order (RFC 5280, section 6.1.1).
            known::CERTIFICATE_POLICIES => {}
            known::CRL_DISTRIBUTION_POINTS => {
                self.distribution_points = Some(value);
                self.unknown_critical |= critical;
            }
            _ => self.unknown_critical |= critical,
        }
        Ok(())
    }
}

fn read_basic_constraints(value: &[u8]) -> Result<BasicConstraints, NotDer> {
    let mut constraints = der::only(value, tag::SEQUENCE)?;
    let authority = constraints.optional(tag::BOOLEAN)?.map(|authority| der::boolean(authority.content)).transpose()?;
    let path_length = constraints.optional(tag::INTEGER)?.map(|length| der::small(length.content)).transpose()?;
    constraints.end()?;
    Ok(BasicConstraints { authority: authority.unwrap_or(false), path_length })
}

fn read_purposes(value: &[u8]) -> Result<Vec<&[u8]>, Error> {
    let mut purposes = der::only(value, tag::SEQUENCE)?;
    let mut named = Vec::new();
    while !purposes.is_empty() {
        if named.len() == PURPOSES_MAX {
            return Err(Error::TooMany);
        }
        named.push(purposes.take(tag::OID)?);
    }
    Ok(named)
}
