//! Opened bytes that do not outlive their use.

use std::fmt;
use std::ops::{Deref, DerefMut};

/// Opened bytes of any number, overwritten with zeros when they are dropped.
///
/// `Zeroizing<Vec<u8>>` does the same one byte after the other, which is for keys: over the packs of a restore it takes as long as hashing them.
#[derive(Default)]
pub struct Plaintext(Vec<u8>);

impl From<Vec<u8>> for Plaintext {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }
}

impl fmt::Debug for Plaintext {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} opened bytes", self.0.len())
    }
}

impl Deref for Plaintext {
    type Target = Vec<u8>;

    fn deref(&self) -> &Vec<u8> {
        &self.0
    }
}

impl DerefMut for Plaintext {
    fn deref_mut(&mut self) -> &mut Vec<u8> {
        &mut self.0
    }
}

impl Drop for Plaintext {
    fn drop(&mut self) {
        // What was cut off stands behind the end still.
        self.0.clear();
        self.0.resize(self.0.capacity(), 0);
        zeroize::optimization_barrier(self.0.as_slice());
    }
}
