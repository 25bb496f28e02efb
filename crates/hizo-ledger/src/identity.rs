//! Public halves of signing keys, and signatures checked with them. The secret halves never come into this crate.
//!
//! See docs/spec/record.md, section "Signatures".

use std::cmp::Ordering;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

use crate::id::KeyName;

/// Length of a public signing key in bytes; its text is 44 characters of base64.
pub const KEY_BYTES: usize = 32;

/// Length of an Ed25519 signature in bytes.
pub const SIGNATURE_BYTES: usize = 64;

/// C2SP signed-note's type byte of a plain Ed25519 signature.
const NOTE_TYPE_ED25519: u8 = 1;

/// Why bytes are not a key that hizo accepts, or not that key's signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Not 32 bytes in canonical base64.
    #[error("a signing key is 32 bytes in canonical base64")]
    Text,
    /// No point of the curve, or one that is not written in its one canonical form.
    #[error("the bytes are not an Ed25519 key in canonical form")]
    NotCanonical,
    /// A point of small order: one signature would fit many messages.
    #[error("the Ed25519 key is weak")]
    Weak,
    /// The signature does not hold under strict verification (RFC 8032, canonical S, no small-order points).
    #[error("the signature does not hold")]
    Signature,
}

/// The public half of an Ed25519 signing key: canonical, and not of small order.
///
/// Ordered and compared by its 32 bytes.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct VerifyingKey(ed25519_dalek::VerifyingKey);

impl VerifyingKey {
    /// Takes the 32 bytes of RFC 8032.
    ///
    /// # Errors
    /// [`Error::NotCanonical`] and [`Error::Weak`].
    pub fn from_bytes(bytes: &[u8; KEY_BYTES]) -> Result<Self, Error> {
        let key = ed25519_dalek::VerifyingKey::from_bytes(bytes).map_err(|_| Error::NotCanonical)?;
        // Decoding reduces the coordinate, so that one point has several texts; two names for one key must not exist.
        if key.to_edwards().compress().as_bytes() != bytes {
            return Err(Error::NotCanonical);
        }
        if key.is_weak() {
            return Err(Error::Weak);
        }
        Ok(Self(key))
    }

    /// Reads the 44 characters of canonical base64 that stand in records.
    ///
    /// # Errors
    /// [`Error::Text`], and those of [`VerifyingKey::from_bytes`].
    pub fn from_base64(text: &str) -> Result<Self, Error> {
        let bytes = STANDARD.decode(text).map_err(|_| Error::Text)?;
        Self::from_bytes(bytes.as_slice().try_into().map_err(|_| Error::Text)?)
    }

    /// The 44 characters of base64 that stand in records.
    pub fn to_base64(&self) -> String {
        STANDARD.encode(self.as_bytes())
    }

    /// The 32 bytes.
    pub fn as_bytes(&self) -> &[u8; KEY_BYTES] {
        self.0.as_bytes()
    }

    /// The name on this key's signature lines: the first 16 hexadecimal digits of SHA-256 of its bytes.
    pub fn name(&self) -> KeyName {
        let hash = <[u8; 32]>::from(Sha256::digest(self.as_bytes()));
        let [a, b, c, d, e, f, g, h, ..] = hash;
        KeyName::from_bytes([a, b, c, d, e, f, g, h])
    }

    /// The key id on this key's signature lines in records, where the key's name is [`VerifyingKey::name`].
    pub fn key_id(&self) -> [u8; 4] {
        note_key_id(&self.name().to_string(), self)
    }

    /// Checks a signature strictly: canonical S, canonical R, no small-order point, no cofactor.
    ///
    /// # Errors
    /// [`Error::Signature`], which does not say how near the signature came.
    pub fn verify(&self, message: &[u8], signature: &[u8; SIGNATURE_BYTES]) -> Result<(), Error> {
        let signature = ed25519_dalek::Signature::from_bytes(signature);
        self.0.verify_strict(message, &signature).map_err(|_| Error::Signature)
    }
}

impl Ord for VerifyingKey {
    fn cmp(&self, other: &Self) -> Ordering {
        self.as_bytes().cmp(other.as_bytes())
    }
}

impl PartialOrd for VerifyingKey {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_base64())
    }
}

impl fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VerifyingKey({self})")
    }
}

/// The key id of C2SP signed-note for an Ed25519 key under any name: the first four bytes of
/// SHA-256(name ‖ 0x0A ‖ 0x01 ‖ key). It only tells lines apart; 32 bits prove nothing.
pub fn note_key_id(name: &str, key: &VerifyingKey) -> [u8; 4] {
    let mut hash = Sha256::new();
    hash.update(name.as_bytes());
    hash.update([b'\n', NOTE_TYPE_ED25519]);
    hash.update(key.as_bytes());
    let [a, b, c, d, ..] = <[u8; 32]>::from(hash.finalize());
    [a, b, c, d]
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects)]

    use super::*;
    use ed25519_dalek::{Signer, SigningKey};
    use sha2::Sha512;

    fn key() -> (SigningKey, VerifyingKey) {
        let secret = SigningKey::from_bytes(&[7; 32]);
        let public = VerifyingKey::from_bytes(secret.verifying_key().as_bytes()).unwrap();
        (secret, public)
    }

    #[test]
    fn a_key_reads_back_from_its_text_and_from_no_other_text() {
        let (_, key) = key();
        let text = key.to_base64();
        assert_eq!(VerifyingKey::from_base64(&text), Ok(key));
        let unpadded = text.trim_end_matches('=').to_owned();
        // 43 characters carry 258 bits: the last one has two spare bits, which must be zero.
        let spare_bit: String = {
            let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
            let last = unpadded.bytes().last().unwrap();
            let place = alphabet.iter().position(|character| *character == last).unwrap();
            format!("{}{}=", &unpadded[..42], alphabet[place + 1] as char)
        };
        for wrong in
            [unpadded, spare_bit, format!("{text}="), format!(" {text}"), text.replace('=', "\n="), String::new()]
        {
            assert_eq!(VerifyingKey::from_base64(&wrong), Err(Error::Text), "{wrong:?} was read as a key");
        }
    }

    #[test]
    fn keys_of_small_order_are_refused() {
        // The eight small-order points have these y coordinates; the sign bit gives the rest.
        let small = [
            "0000000000000000000000000000000000000000000000000000000000000000",
            "0100000000000000000000000000000000000000000000000000000000000000",
            "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
            "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
            "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        ];
        for text in small {
            for sign in [0, 0x80] {
                let mut bytes: [u8; 32] = hex::decode(text).unwrap().try_into().unwrap();
                bytes[31] |= sign;
                let refused = VerifyingKey::from_bytes(&bytes).err();
                assert!(matches!(refused, Some(Error::Weak | Error::NotCanonical)), "{text} with {sign} was accepted");
            }
        }
    }

    #[test]
    fn a_second_spelling_of_a_key_is_refused() {
        // y + p for small y: the same points with a coordinate that is not reduced.
        for low in 0xed..=0xff_u8 {
            for high in [0x7f, 0xff] {
                let mut bytes = [0xff; 32];
                bytes[0] = low;
                bytes[31] = high;
                assert_eq!(VerifyingKey::from_bytes(&bytes), Err(Error::NotCanonical), "{low:x} {high:x}");
            }
        }
    }

    #[test]
    fn a_signature_holds_for_its_message_and_key_only() {
        let (secret, key) = key();
        let other = VerifyingKey::from_bytes(SigningKey::from_bytes(&[8; 32]).verifying_key().as_bytes()).unwrap();
        let signature = secret.sign(b"text").to_bytes();
        assert_eq!(key.verify(b"text", &signature), Ok(()));
        assert_eq!(key.verify(b"texT", &signature), Err(Error::Signature));
        assert_eq!(other.verify(b"text", &signature), Err(Error::Signature));
        for place in 0..SIGNATURE_BYTES {
            let mut flipped = signature;
            flipped[place] ^= 1;
            assert_eq!(key.verify(b"text", &flipped), Err(Error::Signature), "byte {place}");
        }
    }

    #[test]
    fn a_signature_with_s_past_the_group_order_is_refused() {
        // S + L solves the same equation; only its encoding tells.
        let order = hex::decode("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010").unwrap();
        let (secret, key) = key();
        let mut signature = secret.sign(b"text").to_bytes();
        let mut carry = 0;
        for (byte, add) in signature[32..].iter_mut().zip(order) {
            let sum = u16::from(*byte) + u16::from(add) + carry;
            *byte = sum.to_le_bytes()[0];
            carry = sum >> 8;
        }
        assert_eq!(key.verify(b"text", &signature), Err(Error::Signature));
    }

    #[test]
    fn a_signature_over_a_point_of_small_order_is_refused() {
        // With the neutral element as R, S = h·a solves the equation without any nonce: signatures of this kind fit
        // several messages under keys made for it, and a lax verifier takes them.
        let (secret, key) = key();
        let mut signature = [0; 64];
        signature[0] = 1;
        let hash = Sha512::new().chain_update(&signature[..32]).chain_update(key.as_bytes()).chain_update(b"text");
        let scalar = times(secret.to_scalar(), &hash.finalize());
        signature[32..].copy_from_slice(scalar.as_bytes());
        let lax = ed25519_dalek::Verifier::verify(&key.0, b"text", &ed25519_dalek::Signature::from_bytes(&signature));
        assert!(lax.is_ok());
        assert_eq!(key.verify(b"text", &signature), Err(Error::Signature));
    }

    /// A scalar times a little-endian number, byte by byte.
    fn times<S: Copy + From<u64> + std::ops::Mul<Output = S> + std::ops::Add<Output = S>>(
        scalar: S,
        bytes: &[u8],
    ) -> S {
        let number = bytes.iter().rev().fold(S::from(0), |sum, byte| sum * S::from(256) + S::from(u64::from(*byte)));
        scalar * number
    }

    #[test]
    fn names_and_key_ids_follow_signed_note() {
        // Recomputed by hand: printf '%s\n\001%b' NAME KEY | sha256sum.
        let (_, key) = key();
        let digest = hex::encode(Sha256::digest(key.as_bytes()));
        assert_eq!(key.name().to_string(), digest[..16]);
        let mut preimage = digest.as_bytes()[..16].to_vec();
        preimage.extend([0x0a, 0x01]);
        preimage.extend(key.as_bytes());
        assert_eq!(key.key_id(), Sha256::digest(preimage)[..4]);
    }
}
