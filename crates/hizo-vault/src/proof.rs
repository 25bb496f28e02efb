//! What a proof needs from whoever can open: chosen fields of chosen entries, without the seed that binds them.
//!
//! See docs/spec/proof.md, section "opening.json"; checking is [`hizo_ledger::proof`].

use std::collections::BTreeMap;

use hizo_ledger::commitment::{Field, LeafHashes, Part};
use hizo_ledger::proof::Disclosure;

use crate::commit::{CommitKey, Error, Fields, Leaves};
use crate::manifest::Manifest;

/// Shows these fields of the entries with these paths; and, with `others`, that these and those with the other fields are
/// all. The manifest is one that [`Manifest::check`] has held against its record.
///
/// # Errors
/// [`Error::NotALeaf`] when a path is none of the deposit's; [`Error::DuplicateLeaf`], [`Error::TooManyEntries`].
pub fn disclose(
    manifest: &Manifest,
    chosen: &BTreeMap<Vec<u8>, Fields>,
    others: Option<Fields>,
) -> Result<Disclosure, Error> {
    let place = |path: &Vec<u8>| manifest.entries.binary_search_by(|entry| entry.path.cmp(path));
    if chosen.keys().any(|path| place(path).is_err()) {
        return Err(Error::NotALeaf);
    }
    let key = CommitKey::new(&manifest.head.seed);
    let entries = manifest.entries.iter();
    // Entries stand in the order of paths here. A proof must not: it would tell how hidden names sort.
    if let Some(others) = others {
        let all: Vec<_> =
            entries.map(|entry| (entry.committed(), *chosen.get(&entry.path).unwrap_or(&others))).collect();
        let mut complete = key.open_all(&all)?;
        complete.entries.sort_by_cached_key(leaf);
        return Ok(Disclosure::Complete(complete));
    }
    let mut leaves = Leaves::with_capacity(manifest.entries.len());
    manifest.entries.iter().for_each(|entry| leaves.push(key.leaf(&entry.committed())));
    let shown: Vec<_> = entries.filter_map(|entry| Some((entry.committed(), *chosen.get(&entry.path)?))).collect();
    let mut openings = key.open(leaves, &shown)?;
    openings.sort_by_key(|opening| opening.branches().map(|branch| branch.index));
    Ok(Disclosure::Chosen(openings))
}

fn leaf(parts: &[Part; 3]) -> [u8; 32] {
    let [content, name, meta] = parts;
    LeafHashes::of(&[content.hashes(Field::Content), name.hashes(Field::Name), meta.hashes(Field::Meta)]).sha256
}
