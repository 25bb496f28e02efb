//! Holds a whole list against its record's commitment as its entries come, in three passes, so that little is held at once:
//! the two hashes of every leaf, then ids and places, then something of the entries alone that share a place.
//!
//! See docs/spec/manifest.md, section "How to verify".

use std::collections::{HashMap, HashSet};

use super::{Content, Entry, Error, Head, Kind, Place};
use crate::commit::{self, CommitKey, Commitment, Complete, EntryId, Fields, Leaves, Opening};
use crate::proof;

/// How many threads make leaves, and from how many entries on a further one is worth it.
const LEAF_THREADS: usize = 4;
const ENTRIES_WORTH_A_THREAD: usize = 2 << 10;

/// The first pass: are the entries those that were committed to.
pub struct Checking {
    key: CommitKey,
    leaves: Leaves,
}

/// The second pass: each entry has an id of its own, and which of them have a place in common.
#[derive(Default)]
pub struct Rules {
    ids: Vec<EntryId>,
    places: Vec<Place>,
    bytes: u64,
    is_too_long: bool,
    has_links: bool,
}

/// The third pass: a restored file is compared with the content of the entry that its bytes were read for. So a further
/// name must have the content of the file that it names, and contents at one place must be one.
pub struct Shared {
    /// Places of several contents, each with the first of them when it has come.
    places: HashMap<Place, Option<ContentDigest>>,
    /// Files at those places, where there are further names at all: what their paths and contents are together.
    files: HashSet<[u8; 32]>,
    has_links: bool,
}

type ContentDigest = [u8; 32];

impl Checking {
    /// How many entries are worth being taken at a time.
    pub const ENTRIES_AT_A_TIME: usize = LEAF_THREADS * ENTRIES_WORTH_A_THREAD;

    /// Begins with the list of this head.
    pub fn of(head: &Head) -> Self {
        Self { key: CommitKey::new(&head.seed), leaves: Leaves::default() }
    }

    /// Takes the next entries, in order; several threads make their leaves where there are many.
    pub fn take(&mut self, entries: &[Entry]) {
        self.leaves.append(leaves(entries, &self.key));
    }

    /// Ends the pass.
    ///
    /// # Errors
    /// [`Error::Commitment`] when the entries are not those.
    pub fn finish(self, expected: &Commitment) -> Result<(), Error> {
        match self.key.commit(self.leaves) {
            Ok(commitment) if commitment == *expected => Ok(()),
            _ => Err(Error::Commitment),
        }
    }

    /// Ends the pass, and opens some of the entries.
    pub(crate) fn open(
        self,
        expected: &Commitment,
        entries: &[(commit::Entry<'_>, Fields)],
    ) -> Result<Vec<Opening>, proof::Error> {
        let (commitment, openings) = self.key.open(self.leaves, entries)?;
        if commitment == *expected { Ok(openings) } else { Err(Error::Commitment.into()) }
    }

    /// Ends the pass, and opens all of the entries.
    pub(crate) fn open_all(
        self,
        expected: &Commitment,
        entries: &[(commit::Entry<'_>, Fields)],
    ) -> Result<Complete, proof::Error> {
        let complete = self.key.open_all(entries)?;
        self.finish(expected)?;
        Ok(complete)
    }
}

/// The leaves of these entries.
fn leaves(entries: &[Entry], key: &CommitKey) -> Leaves {
    let leaves_of = |entries: &[Entry], room: usize| {
        let mut leaves = Leaves::with_capacity(room);
        entries.iter().for_each(|entry| leaves.push(key.leaf(&entry.committed())));
        leaves
    };
    let share = entries.len().div_ceil(LEAF_THREADS).max(ENTRIES_WORTH_A_THREAD);
    let (first, others) = entries.split_at_checked(share).unwrap_or((entries, &[]));
    std::thread::scope(|scope| {
        let others: Vec<_> = others.chunks(share).map(|share| scope.spawn(|| leaves_of(share, share.len()))).collect();
        let mut leaves = leaves_of(first, entries.len());
        for share in others {
            leaves.append(share.join().expect("making leaves does not panic"));
        }
        leaves
    })
}

impl Rules {
    /// Takes the next entry.
    pub fn take(&mut self, entry: &Entry) {
        self.ids.push(entry.id);
        let Some(content) = entry.kind.content() else { return };
        self.places.push(content.place);
        self.has_links |= matches!(entry.kind, Kind::HardLink { .. });
        let (bytes, is_too_long) = self.bytes.overflowing_add(content.size);
        (self.bytes, self.is_too_long) = (bytes, self.is_too_long || is_too_long);
    }

    /// Ends the pass: what the third one has to look at, and whether the rules of this one are kept.
    ///
    /// If not, it is [`Error::Commitment`] of an id that stands twice, or [`Error::TooLong`].
    pub fn finish(mut self) -> (Shared, Result<(), Error>) {
        self.ids.sort_unstable();
        let unique = self.ids.array_windows().all(|[a, b]| a != b);
        drop(self.ids);
        self.places.sort_unstable();
        let shared = self.places.array_windows().filter(|[a, b]| a == b).map(|[place, _]| (*place, None));
        let shared = Shared { places: shared.collect(), files: HashSet::new(), has_links: self.has_links };
        let kept = match (self.is_too_long, unique) {
            (true, _) => Err(Error::TooLong),
            (false, false) => Err(Error::Commitment),
            (false, true) => Ok(()),
        };
        (shared, kept)
    }
}

impl Shared {
    /// Whether nothing is shared, so that no third pass is needed.
    pub fn is_empty(&self) -> bool {
        self.places.is_empty() && !self.has_links
    }

    /// Takes the next entry, in the order of the list.
    ///
    /// # Errors
    /// [`Error::Link`] of a further name that does not name a file with its content, [`Error::Place`] of content at the place
    /// of another one. The next entries may be taken all the same.
    pub fn take(&mut self, entry: &Entry) -> Result<(), Error> {
        let Some(content) = entry.kind.content() else { return Ok(()) };
        let Some(first) = self.places.get_mut(&content.place) else {
            return if matches!(entry.kind, Kind::HardLink { .. }) { Err(Error::Link) } else { Ok(()) };
        };
        let digest = content.digest();
        match &entry.kind {
            Kind::File(_) if self.has_links => drop(self.files.insert(named(&entry.path, &digest))),
            // The file sorts before its further names.
            Kind::HardLink { target, .. } if !self.files.contains(&named(target, &digest)) => return Err(Error::Link),
            Kind::File(_) | Kind::HardLink { .. } | Kind::Symlink { .. } | Kind::Directory => (),
        }
        if *first.get_or_insert(digest) == digest { Ok(()) } else { Err(Error::Place) }
    }
}

impl Content {
    /// What two contents have in common that mean the same bytes at the same place. Who read them last, and how, may differ.
    fn digest(&self) -> ContentDigest {
        let mut hasher = blake3::Hasher::new();
        let mut numbers = |numbers: &[u64]| {
            for number in numbers {
                hasher.update(&number.to_le_bytes());
            }
        };
        numbers(&[self.size, self.place.deposit, self.place.block]);
        self.spans.iter().for_each(|span| numbers(&[span.segments, span.place.deposit, span.place.block]));
        hasher.update(&self.value.to_bytes()).finalize().into()
    }
}

/// What a path and a content are together: the digest of the content has one length.
fn named(path: &[u8], digest: &ContentDigest) -> [u8; 32] {
    blake3::Hasher::new().update(digest).update(path).finalize().into()
}
