//! What is committed of a file's bytes.

use std::fmt;

use sha2::{Digest, Sha256};

/// What stands for the bytes of a file: SHA-256, a random key, and BLAKE3 keyed with it, all three over the same bytes.
///
/// Whoever only knows the SHA-256 of a file cannot make one, because the key is drawn before the bytes are read.
#[derive(Clone, PartialEq, Eq)]
pub struct ContentValue {
    /// SHA-256 of the plaintext.
    pub sha256: [u8; 32],
    /// The key `k`: 32 random bytes, drawn once per distinct content and kept while it is unchanged.
    pub key: [u8; 32],
    /// BLAKE3 of the plaintext in keyed mode under `key`.
    pub blake3: [u8; 32],
}

impl ContentValue {
    /// Length of the committed form, in bytes.
    pub const BYTES: usize = 96;

    /// Computes the value of bytes that are at hand whole.
    pub fn of(key: [u8; 32], plaintext: &[u8]) -> Self {
        let mut hasher = ContentHasher::new(key);
        hasher.update(plaintext);
        hasher.finish()
    }

    /// Whether these bytes are the committed ones, by both hashes.
    pub fn matches(&self, plaintext: &[u8]) -> bool {
        *self == Self::of(self.key, plaintext)
    }

    /// The committed form: `sha256 ‖ key ‖ blake3`.
    pub fn to_bytes(&self) -> [u8; Self::BYTES] {
        let mut bytes = [0; Self::BYTES];
        let parts = self.sha256.iter().chain(&self.key).chain(&self.blake3);
        bytes.iter_mut().zip(parts).for_each(|(byte, part)| *byte = *part);
        bytes
    }

    /// Reads the committed form.
    pub fn from_bytes(bytes: &[u8; Self::BYTES]) -> Self {
        let (thirds, _) = bytes.as_chunks::<32>();
        let third = |place: usize| thirds.get(place).copied().unwrap_or_default();
        Self { sha256: third(0), key: third(1), blake3: third(2) }
    }
}

impl fmt::Debug for ContentValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ContentValue")
    }
}

/// Computes a [`ContentValue`] while a file streams by.
pub struct ContentHasher {
    sha256: Sha256,
    key: [u8; 32],
    blake3: blake3::Hasher,
}

impl ContentHasher {
    /// Starts with the key drawn for this content.
    pub fn new(key: [u8; 32]) -> Self {
        Self { sha256: Sha256::new(), key, blake3: blake3::Hasher::new_keyed(&key) }
    }

    /// Takes the next bytes of the file.
    pub fn update(&mut self, plaintext: &[u8]) {
        self.sha256.update(plaintext);
        self.blake3.update(plaintext);
    }

    /// The value of all bytes taken.
    pub fn finish(self) -> ContentValue {
        ContentValue { sha256: self.sha256.finalize().into(), key: self.key, blake3: self.blake3.finalize().into() }
    }
}
