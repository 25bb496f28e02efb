//! The log: in what order records were kept, in a form that nobody can rewrite unnoticed.
//!
//! It holds 64 bytes a record that say nothing, under a Merkle tree whose signed head is cosigned by others. See
//! docs/spec/log.md.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::id::{NodeHash, RecordId, Slot};

pub mod checkpoint;
pub mod note;
pub mod policy;
pub mod proof;
pub mod receipt;
pub mod tile;
pub mod tree;
pub mod witness;

/// Length of a leaf's data in bytes.
pub const LEAF_BYTES: usize = 64;

impl Slot {
    /// The slot of a record's number in the space with this slot key.
    pub fn of(slot_key: &[u8; 32], number: u64) -> Self {
        // HMAC takes keys of every length; a key of 32 bytes is never refused.
        let Ok(mut hmac) = Hmac::<Sha256>::new_from_slice(slot_key) else { return Self::from_bytes([0; 32]) };
        hmac.update(&number.to_be_bytes());
        Self::from_bytes(hmac.finalize().into_bytes().into())
    }
}

/// What the log holds of one record: its slot, which only members can tell from chance, and its id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Leaf {
    /// Which place in which space. A slot that occurs twice is a space with two histories.
    pub slot: Slot,
    /// The record.
    pub record: RecordId,
}

impl Leaf {
    /// The 64 bytes that are hashed and stand in entry bundles.
    pub fn to_bytes(&self) -> [u8; LEAF_BYTES] {
        let mut bytes = [0; LEAF_BYTES];
        let halves = self.slot.as_bytes().iter().chain(self.record.as_bytes());
        bytes.iter_mut().zip(halves).for_each(|(byte, from)| *byte = *from);
        bytes
    }

    /// Reads the 64 bytes.
    pub fn from_bytes(bytes: &[u8; LEAF_BYTES]) -> Option<Self> {
        let (slot, record) = bytes.split_first_chunk::<32>()?;
        Some(Self { slot: Slot::from_bytes(*slot), record: RecordId::from_bytes(record.try_into().ok()?) })
    }

    /// Its hash in the tree.
    pub fn hash(&self) -> NodeHash {
        tree::leaf_hash(&self.to_bytes())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects)]

    use super::*;

    #[test]
    fn a_leaf_is_its_slot_and_its_record_and_reads_back() {
        let leaf = Leaf { slot: Slot::of(&[1; 32], 7), record: RecordId::from_bytes([9; 32]) };
        let bytes = leaf.to_bytes();
        assert_eq!(bytes[..32], *leaf.slot.as_bytes());
        assert_eq!(bytes[32..], [9; 32]);
        assert_eq!(Leaf::from_bytes(&bytes), Some(leaf));
    }

    #[test]
    fn slots_differ_by_key_and_by_number() {
        // openssl dgst -sha256 -mac hmac -macopt hexkey:0101…01 over eight zero bytes.
        let slot = Slot::of(&[1; 32], 0);
        assert_ne!(slot, Slot::of(&[1; 32], 1));
        assert_ne!(slot, Slot::of(&[2; 32], 0));
        assert_eq!(slot, Slot::of(&[1; 32], 0));
    }
}
