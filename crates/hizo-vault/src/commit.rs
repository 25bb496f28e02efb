//! The public 64 bytes that bind every entry of a deposit and reveal nothing about any of them.
//!
//! Only the depositor can commit, and only he can open: here is what needs his seed. Whoever checks an opening needs neither
//! seed nor manifest, and learns nothing but the fields that are shown: that half is [`hizo_ledger::commitment`]. See
//! docs/spec/commit.md.

use std::fmt;

use hizo_ledger::commitment::{self, Dummies, Field, Part};
use hkdf::Hkdf;
use sha2::Sha256;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

pub use hizo_ledger::commitment::{
    Commitment, Complete, ContentHasher, ContentValue, ENTRIES_MAX, Error, Fields, LeafHashes, Leaves, Meta, MetaKind,
    OPENING_BYTES_MAX, Opening, OpeningError, Shown, verify,
};

const EXTRACT_LABEL: &[u8] = b"hizo-commit/v1";

/// Whose salt a link's target has, beside the labels of the three fields.
const TARGET_LABEL: &str = "target";

/// Permission bits that are committed.
const MODE_MASK: u32 = 0o7777;

/// The secret from which one deposit's salts, blind and dummies are derived: 32 random bytes, drawn by the caller.
///
/// It stands in the first line of the sealed manifest and nowhere else, and is never disclosed.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct Seed([u8; 32]);

impl Seed {
    /// Wraps bytes that the system's random source drew for this deposit alone.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes, for the manifest.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seed")
    }
}

/// The random name `F` of an entry (16 bytes), kept while the entry is unchanged.
///
/// Two entries of one deposit never have the same: they would share their salts, so that opening one opens the other.
/// The manifest refuses it; here only wholly equal entries are noticed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntryId([u8; 16]);

impl EntryId {
    /// Wraps raw bytes.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The raw bytes.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

/// What an entry is, with what only that kind has.
#[derive(Debug, Clone, Copy)]
pub enum Kind<'a> {
    /// A file, also one of no bytes.
    File {
        /// Length of the plaintext in bytes.
        size: u64,
        /// What stands for the plaintext.
        content: &'a ContentValue,
    },
    /// A further name of a file of this deposit, with that file's size and content.
    HardLink {
        /// Path of the file that it names, raw bytes.
        target: &'a [u8],
        /// Length of that file in bytes.
        size: u64,
        /// What stands for that file's plaintext.
        content: &'a ContentValue,
    },
    /// A symbolic link.
    Symlink {
        /// Where it points, raw bytes, never resolved.
        target: &'a [u8],
    },
    /// A directory.
    Directory,
}

/// One entry of a manifest as the commitment sees it.
#[derive(Debug, Clone, Copy)]
pub struct Entry<'a> {
    /// The entry's random name `F`.
    pub id: &'a EntryId,
    /// Path inside the deposit, raw bytes.
    pub name: &'a [u8],
    /// Permission bits; only the low twelve (07777) are committed.
    pub mode: u32,
    /// Modification time in nanoseconds since 1970-01-01T00:00:00Z.
    pub mtime_ns: i64,
    /// What it is.
    pub kind: Kind<'a>,
}

impl<'a> Entry<'a> {
    /// What is committed as its content: nothing for a directory or a symbolic link.
    fn content(&self) -> Option<&'a ContentValue> {
        match self.kind {
            Kind::File { content, .. } | Kind::HardLink { content, .. } => Some(content),
            Kind::Symlink { .. } | Kind::Directory => None,
        }
    }
}

/// Everything that one deposit's seed derives. Shared by reference between threads that compute leaves.
pub struct CommitKey {
    salts: Hkdf<Sha256>,
    blind: Zeroizing<[u8; 32]>,
    dummy_key: Zeroizing<[u8; 32]>,
}

impl fmt::Debug for CommitKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CommitKey")
    }
}

impl CommitKey {
    /// Derives from a deposit's seed.
    pub fn new(seed: &Seed) -> Self {
        let salts = Hkdf::<Sha256>::new(Some(EXTRACT_LABEL), seed.as_bytes());
        let blind = expand(&salts, &[b"blind"]);
        let dummy_key = expand(&salts, &[b"dummy"]);
        Self { salts, blind, dummy_key }
    }

    /// Both leaf hashes of an entry.
    pub fn leaf(&self, entry: &Entry<'_>) -> LeafHashes {
        let content = entry.content().map(ContentValue::to_bytes);
        let meta = self.meta(entry).to_bytes();
        let values: [(Field, &[u8]); 3] = [
            (Field::Content, content.as_ref().map_or(&[], |value| value)),
            (Field::Name, entry.name),
            (Field::Meta, &meta),
        ];
        LeafHashes::of(&values.map(|(field, value)| field.commit(&self.salt(entry.id, field.label()), value)))
    }

    /// What is committed as an entry's metadata.
    fn meta(&self, entry: &Entry<'_>) -> Meta {
        let stands_for = |target| commitment::link_target(&self.salt(entry.id, TARGET_LABEL), target);
        let kind = match entry.kind {
            Kind::File { size, .. } => MetaKind::File { size },
            Kind::HardLink { target, size, .. } => MetaKind::HardLink { size, target: stands_for(target) },
            Kind::Symlink { target } => MetaKind::Symlink { target: stands_for(target) },
            Kind::Directory => MetaKind::Directory,
        };
        Meta { kind, mode: entry.mode & MODE_MASK, mtime_ns: entry.mtime_ns }
    }

    /// The commitment to these leaves, of which each entry gave one.
    ///
    /// # Errors
    /// [`Error::TooManyEntries`] past [`ENTRIES_MAX`], [`Error::DuplicateLeaf`] when an entry was added twice.
    pub fn commit(&self, leaves: Leaves) -> Result<Commitment, Error> {
        leaves.commit(&self.blind, &self.dummies())
    }

    /// Opens entries of a deposit, each with the fields to show, given the leaves of all entries; with the commitment to
    /// these, which costs nothing more.
    ///
    /// # Errors
    /// [`Error::NotALeaf`] when an entry is not among the leaves; else as [`CommitKey::commit`].
    pub fn open(&self, leaves: Leaves, entries: &[(Entry<'_>, Fields)]) -> Result<(Commitment, Vec<Opening>), Error> {
        let parts = entries.iter().map(|(entry, fields)| self.parts(entry, *fields)).collect();
        commitment::open(&self.blind, &self.dummies(), leaves, parts)
    }

    /// Shows all entries of a deposit, each with the fields to show: that was everything. The seed stays here.
    ///
    /// # Errors
    /// [`Error::TooManyEntries`].
    pub fn open_all(&self, entries: &[(Entry<'_>, Fields)]) -> Result<Complete, Error> {
        let dummies = Complete::dummies_beside(entries.len()).ok_or(Error::TooManyEntries)?;
        let entries = entries.iter().map(|(entry, fields)| self.parts(entry, *fields)).collect();
        Ok(Complete { blind: *self.blind, dummy_key: *self.dummy_key, dummies, entries })
    }

    fn parts(&self, entry: &Entry<'_>, fields: Fields) -> [Part; 3] {
        Field::ALL.map(|field| {
            let value = match field {
                Field::Content => entry.content().map_or_else(Vec::new, |value| value.to_bytes().to_vec()),
                Field::Name => entry.name.to_vec(),
                Field::Meta => self.meta(entry).to_bytes().to_vec(),
            };
            let salt = self.salt(entry.id, field.label());
            if fields.has(field) {
                return Part::Shown { salt: *salt, value };
            }
            Part::Hidden(field.commit(&salt, &value))
        })
    }

    fn dummies(&self) -> Dummies {
        Dummies::new(&self.dummy_key)
    }

    fn salt(&self, id: &EntryId, label: &str) -> Zeroizing<[u8; 32]> {
        expand(&self.salts, &[b"salt", id.as_bytes(), label.as_bytes()])
    }
}

fn expand(prk: &Hkdf<Sha256>, info: &[&[u8]]) -> Zeroizing<[u8; 32]> {
    let mut okm = Zeroizing::new([0; 32]);
    prk.expand_multi_info(info, okm.as_mut_slice()).expect("HKDF-SHA-256 gives up to 8,160 bytes");
    okm
}

/// Commits to entries one after the other, in any order.
#[derive(Debug)]
pub struct Committer {
    key: CommitKey,
    leaves: Leaves,
}

impl Committer {
    /// Starts a deposit of about this many entries with its own seed.
    pub fn new(seed: &Seed, entries: usize) -> Self {
        Self { key: CommitKey::new(seed), leaves: Leaves::with_capacity(entries) }
    }

    /// Adds an entry.
    pub fn add(&mut self, entry: &Entry<'_>) {
        self.leaves.push(self.key.leaf(entry));
    }

    /// The commitment to all entries added.
    ///
    /// # Errors
    /// As [`CommitKey::commit`].
    pub fn finish(self) -> Result<Commitment, Error> {
        self.key.commit(self.leaves)
    }
}
