//! What a proof needs from whoever can open: chosen fields of chosen entries, without the seed that binds them.
//!
//! See docs/spec/proof.md, section "opening.json"; checking is [`hizo_ledger::proof`].

use std::collections::BTreeMap;

use hizo_ledger::commitment::{Field, LeafHashes, Part};
use hizo_ledger::proof::Disclosure;

use crate::commit::{self, CommitKey, Commitment, Fields};
use crate::manifest::{self, Manifest};

/// Why nothing is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The manifest is not the one that the record commits to.
    #[error(transparent)]
    Manifest(#[from] manifest::Error),
    /// The entries cannot be opened.
    #[error(transparent)]
    Opening(#[from] commit::Error),
}

/// Shows these fields of the entries with these paths; and, with `others`, that these and those with the other fields are
/// all. The manifest is held against its record's commitment first, as [`Manifest::check`] does, so that a large one is
/// hashed once.
///
/// # Errors
/// [`Error::Manifest`] as [`Manifest::check`]; [`commit::Error::NotALeaf`] when a path is none of the deposit's.
pub fn disclose(
    manifest: &Manifest,
    expected: &Commitment,
    chosen: &BTreeMap<Vec<u8>, Fields>,
    others: Option<Fields>,
) -> Result<Disclosure, Error> {
    let is_there = |path: &Vec<u8>| manifest.entry(path).is_some();
    if !chosen.keys().all(is_there) {
        return Err(commit::Error::NotALeaf.into());
    }
    let key = CommitKey::new(&manifest.head.seed);
    let entries = manifest.entries.iter();
    // Entries stand in the order of paths here. A proof must not: it would tell how hidden names sort.
    if let Some(others) = others {
        manifest.check(expected)?;
        let all: Vec<_> =
            entries.map(|entry| (entry.committed(), *chosen.get(&entry.path).unwrap_or(&others))).collect();
        let mut complete = key.open_all(&all)?;
        complete.entries.sort_by_cached_key(leaf);
        return Ok(Disclosure::Complete(complete));
    }
    manifest.check_entries()?;
    let shown: Vec<_> = entries.filter_map(|entry| Some((entry.committed(), *chosen.get(&entry.path)?))).collect();
    let (commitment, mut openings) = key.open(manifest.leaves(&key), &shown)?;
    if commitment != *expected {
        return Err(manifest::Error::Commitment.into());
    }
    openings.sort_by_key(|opening| opening.branches().map(|branch| branch.index));
    Ok(Disclosure::Chosen(openings))
}

fn leaf(parts: &[Part; 3]) -> [u8; 32] {
    let [content, name, meta] = parts;
    LeafHashes::of(&[content.hashes(Field::Content), name.hashes(Field::Name), meta.hashes(Field::Meta)]).sha256
}
