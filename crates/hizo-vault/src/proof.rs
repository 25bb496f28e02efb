//! What a proof needs from whoever can open: chosen fields of chosen entries, without the seed that binds them.
//!
//! See docs/spec/proof.md, section "opening.json"; checking is [`hizo_ledger::proof`].

use hizo_ledger::commitment::{Field, LeafHashes, Part};
use hizo_ledger::proof::Disclosure;

use crate::commit::{self, Commitment, Fields};
use crate::manifest::{self, Checking, Entry};

/// Why nothing is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The list is not the one that the record commits to.
    #[error(transparent)]
    Manifest(#[from] manifest::Error),
    /// The entries cannot be opened.
    #[error(transparent)]
    Opening(#[from] commit::Error),
}

/// Shows these fields of these entries, of a list that `whole` has taken all of; and, where they are all that it has, that they
/// are. The list is held against its record's commitment here, so that a large one is hashed once; that it keeps the
/// rules of [`manifest::Rules`] and [`manifest::Shared`] is for the caller to see.
///
/// # Errors
/// [`Error::Manifest`] when the list is not the one committed to; [`commit::Error::NotALeaf`] when an entry is none of it.
pub fn disclose(
    whole: Checking,
    expected: &Commitment,
    shown: &[(&Entry, Fields)],
    are_all: bool,
) -> Result<Disclosure, Error> {
    let shown: Vec<_> = shown.iter().map(|(entry, fields)| (entry.committed(), *fields)).collect();
    // Entries stand in the order of paths here. A proof must not: it would tell how hidden names sort.
    if are_all {
        let mut complete = whole.open_all(expected, &shown)?;
        complete.entries.sort_by_cached_key(leaf);
        return Ok(Disclosure::Complete(complete));
    }
    let mut openings = whole.open(expected, &shown)?;
    openings.sort_by_key(|opening| opening.branches().map(|branch| branch.index));
    Ok(Disclosure::Chosen(openings))
}

fn leaf(parts: &[Part; 3]) -> [u8; 32] {
    let [content, name, meta] = parts;
    LeafHashes::of(&[content.hashes(Field::Content), name.hashes(Field::Name), meta.hashes(Field::Meta)]).sha256
}
