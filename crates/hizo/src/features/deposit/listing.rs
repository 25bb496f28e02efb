//! Writes a deposit's manifest and makes its commitment, in one pass over the walk, on all cores.

use hizo_vault::commit::{CommitKey, Commitment, LeafHashes, Leaves};
use hizo_vault::manifest::{Entry, Head, Kind, LINE_BYTES_MAX, Line, PackStart};

use super::assembling::Assembled;
use super::local::{Remembered, WalkWriter};
use super::reading;
use crate::failure::{Failure, Outcome};
use crate::folder::listing::{Found, FoundKind, Listing};
use crate::packing::cores;

/// Entries a thread takes at a time.
const SHARE: usize = 2048;

pub(super) struct Lines<'a> {
    pub listing: &'a Listing,
    pub made: &'a Assembled,
    /// All entries have a line, not only changed ones.
    pub full: bool,
}

/// An entry of the listing that is kept.
struct Item {
    /// Its place in the listing.
    index: usize,
    found: Found,
    remembered: Remembered,
}

impl Lines<'_> {
    /// Writes head, pack starts, what is gone and the entries; every entry is committed to, written or not.
    pub(super) fn write(
        &self,
        head: &Head,
        starts: &[PackStart],
        walk: &mut WalkWriter,
        out: &mut dyn FnMut(&[u8]) -> Outcome<()>,
    ) -> Outcome<Commitment> {
        out(&head.line())?;
        out(&Line::packs(starts))?;
        if !self.full {
            out(&Line::gone(&self.made.gone))?;
        }
        let key = CommitKey::new(&head.seed);
        let mut leaves = Leaves::with_capacity(self.listing.len());
        let mut skipped = self.made.skipped.iter().copied().peekable();
        let kept = self.listing.iter().enumerate().filter(|(index, _)| skipped.next_if_eq(index).is_none());
        let path = walk.path().to_owned();
        let walked = walk.entries().map_err(|error| Failure::file("write to", &path, error))?;
        let mut entries = kept.zip(walked).peekable();
        while entries.peek().is_some() {
            let mut round = Vec::with_capacity(SHARE * cores());
            for ((index, found), entry) in entries.by_ref().take(SHARE * cores()) {
                let remembered = entry.map_err(|error| Failure::file("read", &path, error))?;
                round.push(Item { index, found, remembered });
            }
            let done: Vec<_> = std::thread::scope(|scope| {
                let shares = round.chunks(round.len().div_ceil(cores()).max(1));
                let working: Vec<_> = shares.map(|share| scope.spawn(|| self.share(&key, share))).collect();
                working.into_iter().map(|thread| thread.join().expect("writing lines does not panic")).collect()
            });
            for share in done {
                let (text, hashes) = share?;
                out(&text)?;
                hashes.into_iter().for_each(|leaf| leaves.push(leaf));
            }
        }
        key.commit(leaves).map_err(Failure::internal)
    }

    fn share(&self, key: &CommitKey, share: &[Item]) -> Outcome<(Vec<u8>, Vec<LeafHashes>)> {
        let mut text = Vec::new();
        let mut leaves = Vec::with_capacity(share.len());
        for item in share {
            let entry = self.entry(item);
            leaves.push(key.leaf(&entry.committed()));
            if self.full || self.made.changed[item.index] {
                let line = entry.line();
                if line.len() > LINE_BYTES_MAX {
                    return Err(
                        Failure::fixable("a path is too long to be listed").hint("Leave it out with --exclude.")
                    );
                }
                text.extend(line);
            }
        }
        Ok((text, leaves))
    }

    fn entry(&self, Item { index, found, remembered }: &Item) -> Entry {
        Entry {
            path: found.path.to_vec(),
            kind: kind(found, remembered),
            mode: remembered.mode,
            mtime_ns: remembered.mtime_ns,
            xattrs: self.xattrs(*index, found),
            id: remembered.id,
        }
    }

    /// Those of changed entries were read with them; others are needed only where a line is written.
    fn xattrs(&self, index: usize, found: &Found) -> Vec<hizo_vault::archive::Xattr> {
        if self.made.changed[index] || !self.full {
            return self.made.xattrs.get(&index).cloned().unwrap_or_default();
        }
        let path = self.listing.on_disk(&found.path);
        path.and_then(|path| reading::attributes(&path)).unwrap_or_default().kept
    }
}

fn kind(found: &Found, remembered: &Remembered) -> Kind {
    match (&found.kind, &remembered.content) {
        (FoundKind::File, Some(content)) => Kind::File(content.clone()),
        (FoundKind::HardLink(target), Some(content)) => {
            Kind::HardLink { target: target.to_vec(), content: content.clone() }
        }
        (FoundKind::Symlink(target), _) => Kind::Symlink { target: target.to_vec() },
        (FoundKind::Directory | FoundKind::File | FoundKind::HardLink(_), _) => Kind::Directory,
    }
}
