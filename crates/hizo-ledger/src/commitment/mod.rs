//! The public 64 bytes that bind every entry of a deposit, and what shows chosen fields of some entries against them.
//!
//! Everything here is computed from what a proof discloses: values, salts, blind, and the key of the dummies. Where these
//! come from, the seed of a deposit, is the depositor's business and stays out of this crate. See docs/spec/commit.md.

mod complete;
mod content;
mod meta;
mod opening;
mod tree;

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

pub use self::complete::Complete;
pub use self::content::{ContentHasher, ContentValue};
pub use self::meta::{META_BYTES, Meta, MetaKind};
pub use self::opening::{Branch, OPENING_BYTES_MAX, Opening, OpeningError, Part, Shown, open, verify};
pub use self::tree::Node;
use crate::record;
use tree::depth;

/// Most entries one deposit may have: every tree holds at least one dummy.
pub const ENTRIES_MAX: usize = (1 << 22) - 1;

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

/// The three committed fields of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    /// What stands for its bytes.
    Content,
    /// Its path.
    Name,
    /// Type, size, mode, time, what stands for the link target.
    Meta,
}

impl Field {
    /// In the order of the leaf.
    pub const ALL: [Self; 3] = [Self::Content, Self::Name, Self::Meta];

    /// The field's label in derivations and hashes.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Content => "content",
            Self::Name => "name",
            Self::Meta => "meta",
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

    /// What a value of this field is committed as.
    pub fn commit(self, salt: &[u8; 32], value: &[u8]) -> FieldHashes {
        FieldHashes { sha256: Family::Sha256.field(self, salt, value), blake3: Family::Blake3.field(self, salt, value) }
    }
}

/// What stands for a link's target in its metadata, in both trees: a commitment of its own, so that whoever is shown the
/// metadata cannot test guesses of a path that is not shown.
pub fn link_target(salt: &[u8; 32], target: &[u8]) -> [u8; 32] {
    Family::Sha256.hash(&[FIELD_LABEL, b"\x06target", salt, target])
}

/// Which fields of an entry to show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Fields {
    /// SHA-256, key and keyed BLAKE3 of its bytes.
    pub content: bool,
    /// Its path.
    pub name: bool,
    /// Type, size, mode, time, what stands for the link target.
    pub meta: bool,
}

impl Fields {
    /// All three.
    pub const ALL: Self = Self { content: true, name: true, meta: true };

    /// Whether this one is shown.
    pub const fn has(self, field: Field) -> bool {
        match field {
            Field::Content => self.content,
            Field::Name => self.name,
            Field::Meta => self.meta,
        }
    }

    fn to_byte(self) -> u8 {
        u8::from(self.content) | u8::from(self.name) << 1 | u8::from(self.meta) << 2
    }

    fn from_byte(byte: u8) -> Option<Self> {
        (byte < 8).then_some(Self { content: byte & 1 != 0, name: byte & 2 != 0, meta: byte & 4 != 0 })
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

impl From<&record::Commitment> for Commitment {
    fn from(lines: &record::Commitment) -> Self {
        Self { sha256: *lines.sha256.as_bytes(), blake3: *lines.blake3.as_bytes() }
    }
}

/// What one field is committed as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FieldHashes {
    /// `c` under SHA-256.
    pub sha256: Node,
    /// `c` under BLAKE3.
    pub blake3: Node,
}

/// The leaf hashes of one entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LeafHashes {
    /// In the tree built with SHA-256.
    pub sha256: Node,
    /// In the tree built with BLAKE3.
    pub blake3: Node,
}

impl LeafHashes {
    /// Of the entry with these three fields, in their order.
    pub fn of(fields: &[FieldHashes; 3]) -> Self {
        Self {
            sha256: Family::Sha256.leaf(&fields.map(|field| field.sha256)),
            blake3: Family::Blake3.leaf(&fields.map(|field| field.blake3)),
        }
    }
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

    /// The commitment to these leaves, of which each entry gave one, under the deposit's blind and dummies.
    ///
    /// # Errors
    /// [`Error::TooManyEntries`] past [`ENTRIES_MAX`], [`Error::DuplicateLeaf`] when an entry was added twice.
    pub fn commit(self, blind: &[u8; 32], dummies: &Dummies) -> Result<Commitment, Error> {
        let half = |family: Family, leaves: Vec<Node>| {
            let depth = depth(leaves.len()).ok_or(Error::TooManyEntries)?;
            let root = tree::fold(family, dummies.fill(family, depth, leaves)?, &mut []);
            Ok(family.root(blind, depth, &root))
        };
        let (sha256, blake3) =
            tree::both(self.sha256.len(), || half(Family::Sha256, self.sha256), || half(Family::Blake3, self.blake3));
        Ok(Commitment { sha256: sha256?, blake3: blake3? })
    }
}

/// The key `k_d`, ready to make the leaf hashes of dummies. They have no preimage, so none can be opened as an entry.
#[derive(Clone)]
pub struct Dummies(Hmac<Sha256>);

impl fmt::Debug for Dummies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Dummies")
    }
}

impl Dummies {
    /// From the key.
    pub fn new(key: &[u8; 32]) -> Self {
        // The key stands in the first half of HMAC's block (RFC 2104), which is never too long or too short.
        let mut block = [0; 64];
        block.iter_mut().zip(key).for_each(|(place, byte)| *place = *byte);
        Self(Hmac::<Sha256>::new(&block.into()))
    }

    /// Adds the dummies and sorts. The order by hash carries neither names nor the order of the deposit.
    fn fill(&self, family: Family, depth: u8, mut leaves: Vec<Node>) -> Result<Vec<Node>, Error> {
        let dummies = tree::leaves(depth).saturating_sub(leaves.len());
        leaves.reserve_exact(dummies);
        leaves.extend((0_u32..).take(dummies).map(|number| self.leaf(family, number)));
        leaves.sort_unstable();
        let duplicate = leaves.array_windows().any(|[left, right]| left == right);
        if duplicate { Err(Error::DuplicateLeaf) } else { Ok(leaves) }
    }

    fn leaf(&self, family: Family, number: u32) -> Node {
        let mut mac = self.0.clone();
        mac.update(family.dummy_label());
        mac.update(&number.to_be_bytes());
        mac.finalize().into_bytes().into()
    }
}
