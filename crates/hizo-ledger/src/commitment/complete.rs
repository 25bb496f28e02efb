//! Showing that what is shown was everything, without the seed.
//!
//! See docs/spec/commit.md, section "How to verify".

use std::{collections::HashSet, fmt};

use super::opening::{OpeningError, Part, Shown, leaf_of, shown};
use super::tree;
use super::{Commitment, Dummies, Error, Leaves};

/// Every entry of a deposit, each with chosen fields, and what all other leaves follow from. Nothing of it is believed
/// before [`Complete::verify`].
#[derive(Clone, PartialEq, Eq)]
pub struct Complete {
    /// The deposit's blind.
    pub blind: [u8; 32],
    /// The key of its dummies, `k_d`.
    pub dummy_key: [u8; 32],
    /// How many dummies there are.
    pub dummies: u32,
    /// Content, name and meta of every entry.
    pub entries: Vec<[Part; 3]>,
}

impl fmt::Debug for Complete {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Complete({} entries)", self.entries.len())
    }
}

impl Complete {
    /// How many dummies stand beside so many entries; `None` for more entries than a deposit has.
    pub fn dummies_beside(entries: usize) -> Option<u32> {
        let leaves = tree::leaves(tree::depth(entries)?);
        u32::try_from(leaves.saturating_sub(entries)).ok()
    }

    /// Computes the commitment from all leaves and compares both halves; then gives what each entry shows.
    ///
    /// # Errors
    /// [`OpeningError`]; [`OpeningError::RepeatedName`] among the names that are shown.
    pub fn verify(&self, commitment: &Commitment) -> Result<Vec<Shown>, OpeningError> {
        let depth = tree::depth(self.entries.len()).ok_or(OpeningError::Place)?;
        if Self::dummies_beside(self.entries.len()) != Some(self.dummies) {
            return Err(OpeningError::Place);
        }
        let mut leaves = Leaves::with_capacity(self.entries.len());
        self.entries.iter().for_each(|entry| leaves.push(leaf_of(entry)));
        match leaves.commit(&self.blind, &Dummies::new(&self.dummy_key)) {
            Ok(computed) if computed == *commitment => {}
            Err(Error::DuplicateLeaf) => return Err(OpeningError::RepeatedLeaf),
            Ok(_) | Err(Error::TooManyEntries | Error::NotALeaf) => return Err(OpeningError::Mismatch),
        }
        let mut names = HashSet::new();
        let mut all = Vec::with_capacity(self.entries.len());
        for entry in &self.entries {
            let shown = shown(entry, depth).ok_or(OpeningError::Value)?;
            if shown.name.as_ref().is_some_and(|name| !names.insert(name.clone())) {
                return Err(OpeningError::RepeatedName);
            }
            all.push(shown);
        }
        Ok(all)
    }
}
