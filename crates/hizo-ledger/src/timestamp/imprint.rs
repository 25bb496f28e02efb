//! What is sent to an authority in place of the data: its hash, and a number to know the answer by.

use std::fmt;

use sha2::{Digest as _, Sha256, Sha384, Sha512};

use super::Error;
use super::der::{self, NotDer, Reader, tag};
use super::oid::known;

/// Most bytes that a nonce may have.
pub const NONCE_BYTES_MAX: usize = 32;

/// A hash function that is accepted, for data, attributes, certificates and signatures alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DigestAlgorithm {
    /// SHA-256.
    Sha256,
    /// SHA-384.
    Sha384,
    /// SHA-512.
    Sha512,
}

impl DigestAlgorithm {
    /// Every one.
    pub const ALL: [Self; 3] = [Self::Sha256, Self::Sha384, Self::Sha512];

    /// Length of its hashes.
    pub const fn bytes(self) -> usize {
        match self {
            Self::Sha256 => 32,
            Self::Sha384 => 48,
            Self::Sha512 => 64,
        }
    }

    /// The hash of these bytes.
    pub fn hash(self, data: &[u8]) -> Vec<u8> {
        match self {
            Self::Sha256 => Sha256::digest(data).to_vec(),
            Self::Sha384 => Sha384::digest(data).to_vec(),
            Self::Sha512 => Sha512::digest(data).to_vec(),
        }
    }

    pub(crate) const fn oid(self) -> &'static [u8] {
        match self {
            Self::Sha256 => known::SHA256,
            Self::Sha384 => known::SHA384,
            Self::Sha512 => known::SHA512,
        }
    }

    pub(crate) fn from_oid(oid: &[u8]) -> Result<Self, Error> {
        Self::ALL.into_iter().find(|algorithm| algorithm.oid() == oid).ok_or(Error::Digest)
    }

    /// Reads the content of an AlgorithmIdentifier, whose parameters are NULL or not there.
    pub(crate) fn read(mut identifier: Reader<'_>) -> Result<Self, Error> {
        let algorithm = Self::from_oid(identifier.take(tag::OID)?)?;
        if let Some(null) = identifier.optional(tag::NULL)?
            && !null.content.is_empty()
        {
            return Err(Error::Der(NotDer));
        }
        identifier.end()?;
        Ok(algorithm)
    }

    /// The AlgorithmIdentifier, without parameters (RFC 5754).
    pub fn to_der(self) -> Vec<u8> {
        der::sequence(&[&der::element(tag::OID, self.oid())])
    }
}

/// The hash of the data that is stamped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Imprint {
    algorithm: DigestAlgorithm,
    hash: Vec<u8>,
}

impl Imprint {
    /// The imprint of these bytes.
    pub fn of(algorithm: DigestAlgorithm, data: &[u8]) -> Self {
        Self { algorithm, hash: algorithm.hash(data) }
    }

    /// The function.
    pub const fn algorithm(&self) -> DigestAlgorithm {
        self.algorithm
    }

    /// The hash.
    pub fn hash(&self) -> &[u8] {
        &self.hash
    }

    pub(crate) fn read(mut imprint: Reader<'_>) -> Result<Self, Error> {
        let algorithm = DigestAlgorithm::read(imprint.inside(tag::SEQUENCE)?)?;
        let hash = imprint.take(tag::OCTET_STRING)?;
        imprint.end()?;
        if hash.len() != algorithm.bytes() {
            return Err(Error::ImprintLength);
        }
        Ok(Self { algorithm, hash: hash.to_vec() })
    }

    pub(crate) fn to_der(&self) -> Vec<u8> {
        der::sequence(&[&self.algorithm.to_der(), &der::element(tag::OCTET_STRING, &self.hash)])
    }
}

/// A number that a request carries and the answer must carry back: that the answer was made after the question.
#[derive(Clone, PartialEq, Eq)]
pub struct Nonce(Vec<u8>);

impl Nonce {
    /// A nonce of these 16 random bytes.
    pub fn from_random(random: [u8; 16]) -> Self {
        Self(random.iter().copied().skip_while(|byte| *byte == 0).collect())
    }

    pub(crate) fn read(content: &[u8]) -> Result<Self, Error> {
        let digits = der::unsigned(content)?;
        if digits.len() > NONCE_BYTES_MAX {
            return Err(Error::NonceLength);
        }
        Ok(Self(digits.to_vec()))
    }

    pub(crate) fn to_der(&self) -> Vec<u8> {
        der::integer(&self.0)
    }
}

impl fmt::Debug for Nonce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Nonce(")?;
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))?;
        f.write_str(")")
    }
}
