//! The signatures that are accepted: RSA from 2048 bits, ECDSA over P-256 and P-384, each with SHA-2.

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA384_ASN1, ECDSA_P256_SHA512_ASN1, ECDSA_P384_SHA256_ASN1,
    ECDSA_P384_SHA384_ASN1, ECDSA_P384_SHA512_ASN1, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384,
    RSA_PKCS1_2048_8192_SHA512, RSA_PSS_2048_8192_SHA256, RSA_PSS_2048_8192_SHA384, RSA_PSS_2048_8192_SHA512,
    UnparsedPublicKey, VerificationAlgorithm,
};

use super::Error;
use super::der::{self, Reader, tag};
use super::imprint::DigestAlgorithm;
use super::oid::known;

/// Fewest bits that an RSA key may have.
pub const RSA_BITS_MIN: usize = 2048;

/// Most bits that an RSA key may have: more only cost the reader time.
pub const RSA_BITS_MAX: usize = 8192;

/// How a signature was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Algorithm {
    kind: Kind,
    pub(crate) digest: DigestAlgorithm,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    RsaPkcs1,
    RsaPss,
    Ecdsa,
}

/// A key that signs.
#[derive(Debug, Clone)]
pub(crate) enum Key<'a> {
    /// An RSAPublicKey (RFC 8017).
    Rsa(&'a [u8]),
    /// A point of P-256, uncompressed.
    P256(&'a [u8]),
    /// A point of P-384, uncompressed.
    P384(&'a [u8]),
}

impl Algorithm {
    /// Reads the content of an AlgorithmIdentifier.
    pub(crate) fn read(mut identifier: Reader<'_>) -> Result<Self, Error> {
        let (kind, digest) = match identifier.take(tag::OID)? {
            known::RSA_SHA256 => (Kind::RsaPkcs1, DigestAlgorithm::Sha256),
            known::RSA_SHA384 => (Kind::RsaPkcs1, DigestAlgorithm::Sha384),
            known::RSA_SHA512 => (Kind::RsaPkcs1, DigestAlgorithm::Sha512),
            known::ECDSA_SHA256 => (Kind::Ecdsa, DigestAlgorithm::Sha256),
            known::ECDSA_SHA384 => (Kind::Ecdsa, DigestAlgorithm::Sha384),
            known::ECDSA_SHA512 => (Kind::Ecdsa, DigestAlgorithm::Sha512),
            known::RSA_PSS => (Kind::RsaPss, read_pss(identifier.inside(tag::SEQUENCE)?)?),
            _ => return Err(Error::SignatureAlgorithm),
        };
        if kind == Kind::RsaPkcs1 {
            read_null(&mut identifier)?;
        }
        identifier.end()?;
        Ok(Self { kind, digest })
    }

    /// Reads the algorithm of a SignerInfo, which may name RSA alone and leave the hash to its own digestAlgorithm; one
    /// that names a hash names the same.
    pub(crate) fn read_with(identifier: Reader<'_>, digest: DigestAlgorithm) -> Result<Self, Error> {
        let mut plain = identifier;
        if plain.take(tag::OID)? == known::RSA {
            read_null(&mut plain)?;
            plain.end()?;
            return Ok(Self { kind: Kind::RsaPkcs1, digest });
        }
        let algorithm = Self::read(identifier)?;
        if algorithm.digest == digest { Ok(algorithm) } else { Err(Error::AlgorithmBinding) }
    }

    /// Checks a signature.
    pub(crate) fn verify(&self, key: &Key<'_>, message: &[u8], signature: &[u8]) -> Result<(), Error> {
        use DigestAlgorithm::{Sha256, Sha384, Sha512};
        let (algorithm, key): (&'static dyn VerificationAlgorithm, _) = match (self.kind, key, self.digest) {
            (Kind::RsaPkcs1, Key::Rsa(key), Sha256) => (&RSA_PKCS1_2048_8192_SHA256, key),
            (Kind::RsaPkcs1, Key::Rsa(key), Sha384) => (&RSA_PKCS1_2048_8192_SHA384, key),
            (Kind::RsaPkcs1, Key::Rsa(key), Sha512) => (&RSA_PKCS1_2048_8192_SHA512, key),
            (Kind::RsaPss, Key::Rsa(key), Sha256) => (&RSA_PSS_2048_8192_SHA256, key),
            (Kind::RsaPss, Key::Rsa(key), Sha384) => (&RSA_PSS_2048_8192_SHA384, key),
            (Kind::RsaPss, Key::Rsa(key), Sha512) => (&RSA_PSS_2048_8192_SHA512, key),
            (Kind::Ecdsa, Key::P256(key), Sha256) => (&ECDSA_P256_SHA256_ASN1, key),
            (Kind::Ecdsa, Key::P256(key), Sha384) => (&ECDSA_P256_SHA384_ASN1, key),
            (Kind::Ecdsa, Key::P256(key), Sha512) => (&ECDSA_P256_SHA512_ASN1, key),
            (Kind::Ecdsa, Key::P384(key), Sha256) => (&ECDSA_P384_SHA256_ASN1, key),
            (Kind::Ecdsa, Key::P384(key), Sha384) => (&ECDSA_P384_SHA384_ASN1, key),
            (Kind::Ecdsa, Key::P384(key), Sha512) => (&ECDSA_P384_SHA512_ASN1, key),
            (Kind::RsaPkcs1 | Kind::RsaPss, Key::P256(_) | Key::P384(_), _) | (Kind::Ecdsa, Key::Rsa(_), _) => {
                return Err(Error::SignatureAlgorithm);
            }
        };
        UnparsedPublicKey::new(algorithm, key).verify(message, signature).map_err(|_| Error::Signature)
    }
}

/// NULL, or nothing: both are in use.
fn read_null(identifier: &mut Reader<'_>) -> Result<(), Error> {
    match identifier.optional(tag::NULL)? {
        Some(null) if !null.content.is_empty() => Err(Error::Der(der::NotDer)),
        Some(_) | None => Ok(()),
    }
}

/// RSASSA-PSS with one hash function throughout and a salt of its length; the defaults, which are SHA-1, are not taken.
fn read_pss(mut parameters: Reader<'_>) -> Result<DigestAlgorithm, Error> {
    let digest = DigestAlgorithm::read(parameters.inside(tag::CONTEXT_0)?.inside(tag::SEQUENCE)?)?;
    let mut mask = parameters.inside(tag::CONTEXT_1)?.inside(tag::SEQUENCE)?;
    let is_mgf1 = mask.take(tag::OID)? == known::MGF1;
    let mask_digest = DigestAlgorithm::read(mask.inside(tag::SEQUENCE)?)?;
    let salt = der::small(parameters.inside(tag::CONTEXT_2)?.take(tag::INTEGER)?)?;
    parameters.end()?;
    if !is_mgf1 || mask_digest != digest || usize::try_from(salt) != Ok(digest.bytes()) {
        return Err(Error::SignatureAlgorithm);
    }
    Ok(digest)
}

impl<'a> Key<'a> {
    /// Reads the content of a SubjectPublicKeyInfo.
    pub(crate) fn read(mut info: Reader<'a>) -> Result<Self, Error> {
        let mut algorithm = info.inside(tag::SEQUENCE)?;
        let bytes = der::whole_bytes(info.take(tag::BIT_STRING)?)?;
        info.end()?;
        let key = match algorithm.take(tag::OID)? {
            known::RSA => {
                read_null(&mut algorithm)?;
                Self::rsa(bytes)?
            }
            known::EC => match (algorithm.take(tag::OID)?, bytes.len(), bytes.first()) {
                (known::P256, 65, Some(4)) => Self::P256(bytes),
                (known::P384, 97, Some(4)) => Self::P384(bytes),
                _ => return Err(Error::Key),
            },
            _ => return Err(Error::Key),
        };
        algorithm.end()?;
        Ok(key)
    }

    fn rsa(bytes: &'a [u8]) -> Result<Self, Error> {
        let mut key = der::only(bytes, tag::SEQUENCE)?;
        let modulus = der::unsigned(key.take(tag::INTEGER)?)?;
        let spare = modulus.first().map_or(0, |first| first.leading_zeros());
        let bits = modulus.len().saturating_mul(8).saturating_sub(usize::try_from(spare).unwrap_or(0));
        if !(RSA_BITS_MIN..=RSA_BITS_MAX).contains(&bits) {
            return Err(Error::Key);
        }
        Ok(Self::Rsa(bytes))
    }
}
