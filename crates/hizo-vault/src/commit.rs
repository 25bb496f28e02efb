//! The public 64 bytes that bind every entry of a deposit and reveal nothing about any of them.
//!
//! Only the depositor can commit, and only he can open. Whoever checks an opening needs neither seed nor manifest, and
//! learns nothing but the fields that are shown. See docs/spec/commit.md.

mod opening;
mod tree;

use std::fmt;

use hkdf::Hkdf;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

pub use self::opening::{Fields, Meta, MetaKind, OPENING_BYTES_MAX, Opening, OpeningError, Shown, verify};
use self::tree::{Node, depth};

/// Most entries one deposit may have: every tree holds at least one dummy.
pub const ENTRIES_MAX: usize = (1 << 22) - 1;

const EXTRACT_LABEL: &[u8] = b"hizo-commit/v1";
const FIELD_LABEL: &[u8] = b"hizo-field/v1\n";
const LEAF_LABEL: &[u8] = b"hizo-leaf/v1\n";
const ROOT_LABEL: &[u8] = b"hizo-root/v1\n";
const LEAF_PREFIX: &[u8] = &[0];

/// Why a set of entries cannot be committed to, or an entry of it not be opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A deposit holds at most [`ENTRIES_MAX`] entries.
    #[error("a deposit holds at most {ENTRIES_MAX} entries")]
    TooManyEntries,
    /// Two leaves are the same: one entry was added twice.
    #[error("one entry stands twice among the leaves")]
    DuplicateLeaf,
    /// The entry to open is not among the leaves.
    #[error("the entry is not among the leaves")]
    NotALeaf,
}

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
        let [sha256, key, blake3] = *thirds else { unreachable!("96 bytes are three times 32") };
        Self { sha256, key, blake3 }
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

/// The three committed fields of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Field {
    Content,
    Name,
    Meta,
}

impl Field {
    /// In the order of the leaf.
    const ALL: [Self; 3] = [Self::Content, Self::Name, Self::Meta];

    const fn label(self) -> &'static [u8] {
        match self {
            Self::Content => b"content",
            Self::Name => b"name",
            Self::Meta => b"meta",
        }
    }

    /// The label as it is hashed: a length byte, then the text.
    const fn prefixed_label(self) -> &'static [u8] {
        match self {
            Self::Content => b"\x07content",
            Self::Name => b"\x04name",
            Self::Meta => b"\x04meta",
        }
    }
}

/// Which hash a tree is built with. Everything is committed twice, so that a break of one leaves the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Family {
    Sha256,
    Blake3,
}

impl Family {
    fn hash(self, parts: &[&[u8]]) -> Node {
        match self {
            Self::Sha256 => {
                let mut hasher = Sha256::new();
                parts.iter().for_each(|part| hasher.update(part));
                hasher.finalize().into()
            }
            Self::Blake3 => {
                let mut hasher = blake3::Hasher::new();
                parts.iter().for_each(|part| {
                    hasher.update(part);
                });
                hasher.finalize().into()
            }
        }
    }

    fn field(self, field: Field, salt: &[u8; 32], value: &[u8]) -> Node {
        self.hash(&[FIELD_LABEL, field.prefixed_label(), salt, value])
    }

    fn leaf(self, fields: &[Node; 3]) -> Node {
        self.hash(&[LEAF_PREFIX, LEAF_LABEL, fields.as_flattened()])
    }

    fn root(self, blind: &[u8; 32], depth: u8, root: &Node) -> Node {
        self.hash(&[ROOT_LABEL, blind, &[depth], root])
    }

    /// What stands before the number of a dummy: equal dummies in both trees would give themselves away.
    const fn dummy_label(self) -> &'static [u8] {
        match self {
            Self::Sha256 => b"",
            Self::Blake3 => b"b3",
        }
    }
}

/// What the world sees of a deposit's entries: 32 bytes of each hash family.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Commitment {
    /// `C` of the tree built with SHA-256.
    pub sha256: [u8; 32],
    /// `C` of the tree built with BLAKE3.
    pub blake3: [u8; 32],
}

impl fmt::Debug for Commitment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Commitment(")?;
        self.sha256.iter().try_for_each(|byte| write!(f, "{byte:02x}"))?;
        f.write_str(" ")?;
        self.blake3.iter().try_for_each(|byte| write!(f, "{byte:02x}"))?;
        f.write_str(")")
    }
}

/// The leaf hashes of one entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LeafHashes {
    /// In the tree built with SHA-256.
    pub sha256: [u8; 32],
    /// In the tree built with BLAKE3.
    pub blake3: [u8; 32],
}

/// Leaf hashes of many entries, 64 bytes an entry, in any order. One per thread, then appended to each other.
#[derive(Debug, Clone, Default)]
pub struct Leaves {
    sha256: Vec<Node>,
    blake3: Vec<Node>,
}

impl Leaves {
    /// With room for the tree of this many entries, so that nothing is copied while it grows.
    pub fn with_capacity(entries: usize) -> Self {
        let room = depth(entries).map_or(0, tree::leaves);
        Self { sha256: Vec::with_capacity(room), blake3: Vec::with_capacity(room) }
    }

    /// Adds one entry's.
    pub fn push(&mut self, leaf: LeafHashes) {
        self.sha256.push(leaf.sha256);
        self.blake3.push(leaf.blake3);
    }

    /// Adds those of another thread.
    pub fn append(&mut self, mut other: Self) {
        self.sha256.append(&mut other.sha256);
        self.blake3.append(&mut other.blake3);
    }

    /// How many entries they are of.
    pub fn len(&self) -> usize {
        self.sha256.len()
    }

    /// Whether no entry was added.
    pub fn is_empty(&self) -> bool {
        self.sha256.is_empty()
    }
}

/// Everything that one deposit's seed derives. Shared by reference between threads that compute leaves.
pub struct CommitKey {
    salts: Hkdf<Sha256>,
    blind: Zeroizing<[u8; 32]>,
    dummies: Hmac<Sha256>,
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
        let dummies = Hmac::<Sha256>::new_from_slice(dummy_key.as_slice()).expect("HMAC takes keys of any length");
        Self { salts, blind, dummies }
    }

    /// Both leaf hashes of an entry.
    pub fn leaf(&self, entry: &Entry<'_>) -> LeafHashes {
        let content = entry.content().map(ContentValue::to_bytes);
        let meta = Meta::of(entry).to_bytes();
        let values: [(Field, &[u8]); 3] = [
            (Field::Content, content.as_ref().map_or(&[], |value| value)),
            (Field::Name, entry.name),
            (Field::Meta, &meta),
        ];
        let pairs = values.map(|(field, value)| {
            let salt = self.salt(entry.id, field);
            (Family::Sha256.field(field, &salt, value), Family::Blake3.field(field, &salt, value))
        });
        LeafHashes {
            sha256: Family::Sha256.leaf(&pairs.map(|(sha256, _)| sha256)),
            blake3: Family::Blake3.leaf(&pairs.map(|(_, blake3)| blake3)),
        }
    }

    /// The commitment to these leaves, of which each entry gave one.
    ///
    /// # Errors
    /// [`Error::TooManyEntries`] past [`ENTRIES_MAX`], [`Error::DuplicateLeaf`] when an entry was added twice.
    pub fn commit(&self, leaves: Leaves) -> Result<Commitment, Error> {
        let Leaves { sha256, blake3 } = leaves;
        let sha256 = self.commit_family(Family::Sha256, sha256)?;
        let blake3 = self.commit_family(Family::Blake3, blake3)?;
        Ok(Commitment { sha256, blake3 })
    }

    fn commit_family(&self, family: Family, leaves: Vec<Node>) -> Result<Node, Error> {
        let depth = depth(leaves.len()).ok_or(Error::TooManyEntries)?;
        let root = tree::fold(family, self.fill(family, depth, leaves)?, &mut []);
        Ok(family.root(&self.blind, depth, &root))
    }

    /// Adds the dummies and sorts. The order by hash carries neither names nor the order of the deposit.
    fn fill(&self, family: Family, depth: u8, mut leaves: Vec<Node>) -> Result<Vec<Node>, Error> {
        let dummies = tree::leaves(depth).saturating_sub(leaves.len());
        leaves.reserve_exact(dummies);
        leaves.extend((0_u32..).take(dummies).map(|number| self.dummy(family, number)));
        leaves.sort_unstable();
        let duplicate = leaves.array_windows().any(|[left, right]| left == right);
        if duplicate { Err(Error::DuplicateLeaf) } else { Ok(leaves) }
    }

    /// The leaf hash of a dummy. It has no preimage, so it can never be opened as an entry.
    fn dummy(&self, family: Family, number: u32) -> Node {
        let mut mac = self.dummies.clone();
        mac.update(family.dummy_label());
        mac.update(&number.to_be_bytes());
        mac.finalize().into_bytes().into()
    }

    fn salt(&self, id: &EntryId, field: Field) -> Zeroizing<[u8; 32]> {
        expand(&self.salts, &[b"salt", id.as_bytes(), field.label()])
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
