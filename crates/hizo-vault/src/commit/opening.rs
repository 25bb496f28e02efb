//! Showing chosen fields of one entry, and checking them against a commitment, without the seed.
//!
//! See docs/spec/commit.md, sections "Opening" and "How to verify".

use std::{collections::HashSet, fmt};

use sha2::{Digest, Sha256};

use super::{
    CommitKey, Commitment, ContentValue, Entry, Error, Family, Field, Kind, Leaves,
    tree::{self, Branch, DEPTHS, Node},
};
use crate::archive;

/// Most bytes an opening may have: three shown fields, the longest name, the deepest trees.
pub const OPENING_BYTES_MAX: usize = 8 << 10;

const MAGIC: &[u8] = b"hizo-opening/v1\n";
/// Length of the committed metadata: type, size, mode, mtime, SHA-256 of the link target.
const META_BYTES: usize = 1 + 8 + 4 + 8 + 32;
const MODE_MAX: u32 = 0o7777;

/// Why an opening does not show what it claims. It says which rule is broken, never how near the bytes came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OpeningError {
    /// The bytes are not an opening in its one form.
    #[error("the bytes are not an opening")]
    Malformed,
    /// The depth is none that a tree may have, or an index does not fit it.
    #[error("the opening's place is not in a tree of an allowed depth")]
    Place,
    /// The fields do not lead to the commitment, in one hash family or both.
    #[error("the opening does not lead to the commitment")]
    Mismatch,
    /// What was committed to is not a field of an entry: the depositor did not follow the format.
    #[error("a shown field is not in its committed form")]
    Value,
    /// One leaf is shown twice.
    #[error("one entry is shown twice")]
    RepeatedLeaf,
    /// Two shown leaves have one name: the deposit does not have one meaning.
    #[error("two entries are shown under one name")]
    RepeatedName,
}

/// The metadata that an entry is committed with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Meta {
    /// What the entry is.
    pub kind: MetaKind,
    /// Permission bits, at most 07777.
    pub mode: u32,
    /// Modification time in nanoseconds since 1970-01-01T00:00:00Z.
    pub mtime_ns: i64,
}

/// What the metadata says an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MetaKind {
    /// A file of this many bytes.
    File {
        /// Length of the plaintext in bytes.
        size: u64,
    },
    /// A further name of a file of this many bytes.
    HardLink {
        /// Length of that file in bytes.
        size: u64,
        /// SHA-256 of that file's path.
        target_sha256: [u8; 32],
    },
    /// A symbolic link.
    Symlink {
        /// SHA-256 of where it points.
        target_sha256: [u8; 32],
    },
    /// A directory.
    Directory,
}

impl MetaKind {
    /// Type byte, size and link target hash. The type bytes are those of tar.
    const fn parts(self) -> (u8, u64, [u8; 32]) {
        const NO_TARGET: [u8; 32] = [0; 32];
        match self {
            Self::File { size } => (b'0', size, NO_TARGET),
            Self::HardLink { size, target_sha256 } => (b'1', size, target_sha256),
            Self::Symlink { target_sha256 } => (b'2', 0, target_sha256),
            Self::Directory => (b'5', 0, NO_TARGET),
        }
    }

    const fn has_content(self) -> bool {
        matches!(self, Self::File { .. } | Self::HardLink { .. })
    }
}

impl Meta {
    /// What is committed of an entry.
    pub(super) fn of(entry: &Entry<'_>) -> Self {
        let hash = |target: &[u8]| Sha256::digest(target).into();
        let kind = match entry.kind {
            Kind::File { size, .. } => MetaKind::File { size },
            Kind::HardLink { target, size, .. } => MetaKind::HardLink { size, target_sha256: hash(target) },
            Kind::Symlink { target } => MetaKind::Symlink { target_sha256: hash(target) },
            Kind::Directory => MetaKind::Directory,
        };
        Self { kind, mode: entry.mode & MODE_MAX, mtime_ns: entry.mtime_ns }
    }

    /// The committed form: type, size, mode, mtime, link target hash.
    pub(super) fn to_bytes(&self) -> [u8; META_BYTES] {
        let (kind, size, target) = self.kind.parts();
        let mut bytes = [0; META_BYTES];
        let parts = [kind].into_iter().chain(size.to_be_bytes()).chain(self.mode.to_be_bytes());
        let parts = parts.chain(self.mtime_ns.to_be_bytes()).chain(target);
        bytes.iter_mut().zip(parts).for_each(|(byte, part)| *byte = part);
        bytes
    }

    /// Reads the committed form; `None` for anything that [`Meta::to_bytes`] does not write.
    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let mut cursor = Cursor { rest: bytes };
        let [kind] = cursor.array()?;
        let size = u64::from_be_bytes(cursor.array()?);
        let mode = u32::from_be_bytes(cursor.array()?);
        let mtime_ns = i64::from_be_bytes(cursor.array()?);
        let target_sha256 = cursor.array()?;
        let kind = match kind {
            b'0' => MetaKind::File { size },
            b'1' => MetaKind::HardLink { size, target_sha256 },
            b'2' => MetaKind::Symlink { target_sha256 },
            b'5' => MetaKind::Directory,
            _ => return None,
        };
        let meta = Self { kind, mode, mtime_ns };
        (mode <= MODE_MAX && meta.to_bytes() == bytes).then_some(meta)
    }
}

/// Which fields of an entry to show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Fields {
    /// SHA-256, key and keyed BLAKE3 of its bytes.
    pub content: bool,
    /// Its path.
    pub name: bool,
    /// Type, size, mode, time, hash of the link target.
    pub meta: bool,
}

impl Fields {
    /// All three.
    pub const ALL: Self = Self { content: true, name: true, meta: true };

    const fn has(self, field: Field) -> bool {
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

/// One field of an opening: with its salt and value, or as the two hashes that hide it.
#[derive(Clone, PartialEq, Eq)]
enum Part {
    Shown { salt: [u8; 32], value: Vec<u8> },
    Hidden { sha256: Node, blake3: Node },
}

impl Part {
    fn commitment(&self, family: Family, field: Field) -> Node {
        match (self, family) {
            (Self::Shown { salt, value }, _) => family.field(field, salt, value),
            (Self::Hidden { sha256, .. }, Family::Sha256) => *sha256,
            (Self::Hidden { blake3, .. }, Family::Blake3) => *blake3,
        }
    }
}

/// Chosen fields of one entry, with what leads from them to a commitment. Nothing of it is believed before [`verify`].
#[derive(Clone, PartialEq, Eq)]
pub struct Opening {
    blind: [u8; 32],
    depth: u8,
    parts: [Part; 3],
    sha256: Branch,
    blake3: Branch,
}

impl fmt::Debug for Opening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Opening")
    }
}

/// What a verified opening shows. A field that was kept hidden is `None`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// What the entry's bytes are committed as; `Some(None)`: it is of a kind without bytes.
    pub content: Option<Option<ContentValue>>,
    /// The entry's path, raw bytes, safe in the sense of [`archive::check_path`].
    pub name: Option<Vec<u8>>,
    /// The entry's metadata.
    pub meta: Option<Meta>,
    /// The deposit has fewer entries than this, and no more is known about their number.
    pub entries_below: usize,
}

impl CommitKey {
    /// Opens entries of a deposit, each with the fields to show, given the leaves of all entries.
    ///
    /// # Errors
    /// [`Error::NotALeaf`] when an entry is not among the leaves; else as [`CommitKey::commit`].
    pub fn open(&self, leaves: Leaves, entries: &[(Entry<'_>, Fields)]) -> Result<Vec<Opening>, Error> {
        let depth = tree::depth(leaves.len()).ok_or(Error::TooManyEntries)?;
        let hashes: Vec<_> = entries.iter().map(|(entry, _)| self.leaf(entry)).collect();
        let wanted: Vec<_> = hashes.iter().map(|leaf| leaf.sha256).collect();
        let sha256 = self.branches(Family::Sha256, depth, leaves.sha256, &wanted)?;
        let wanted: Vec<_> = hashes.iter().map(|leaf| leaf.blake3).collect();
        let blake3 = self.branches(Family::Blake3, depth, leaves.blake3, &wanted)?;
        let openings = entries.iter().zip(sha256.into_iter().zip(blake3)).map(|((entry, fields), (sha256, blake3))| {
            Opening { blind: *self.blind, depth, parts: self.parts(entry, *fields), sha256, blake3 }
        });
        Ok(openings.collect())
    }

    fn branches(&self, family: Family, depth: u8, leaves: Vec<Node>, wanted: &[Node]) -> Result<Vec<Branch>, Error> {
        let leaves = self.fill(family, depth, leaves)?;
        let place = |leaf: &Node| leaves.binary_search(leaf).ok().and_then(|index| u32::try_from(index).ok());
        let branch = |leaf| place(leaf).map(|index| Branch { index, path: Vec::with_capacity(depth.into()) });
        let mut branches = wanted.iter().map(branch).collect::<Option<Vec<_>>>().ok_or(Error::NotALeaf)?;
        tree::fold(family, leaves, &mut branches);
        Ok(branches)
    }

    fn parts(&self, entry: &Entry<'_>, fields: Fields) -> [Part; 3] {
        Field::ALL.map(|field| {
            let value = match field {
                Field::Content => entry.content().map_or_else(Vec::new, |value| value.to_bytes().to_vec()),
                Field::Name => entry.name.to_vec(),
                Field::Meta => Meta::of(entry).to_bytes().to_vec(),
            };
            let part = Part::Shown { salt: *self.salt(entry.id, field), value };
            if fields.has(field) {
                return part;
            }
            Part::Hidden {
                sha256: part.commitment(Family::Sha256, field),
                blake3: part.commitment(Family::Blake3, field),
            }
        })
    }
}

impl Opening {
    /// The opening's one byte form. Its length depends on depth and shown fields only.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = [MAGIC, &self.blind, &[self.depth, self.fields().to_byte()]].concat();
        for part in &self.parts {
            match part {
                Part::Shown { salt, value } => {
                    let length = u32::try_from(value.len()).expect("a value is shorter than an opening");
                    bytes.extend([salt.as_slice(), &length.to_be_bytes(), value].concat());
                }
                Part::Hidden { sha256, blake3 } => bytes.extend([sha256.as_slice(), blake3].concat()),
            }
        }
        for branch in [&self.sha256, &self.blake3] {
            bytes.extend(branch.index.to_be_bytes());
            bytes.extend(branch.path.as_flattened());
        }
        bytes
    }

    /// Reads the byte form. Only the form is checked.
    ///
    /// # Errors
    /// [`OpeningError::Malformed`] for anything that [`Opening::to_bytes`] does not write, or past
    /// [`OPENING_BYTES_MAX`]; [`OpeningError::Place`] for a depth that no tree has, or an index outside the tree.
    pub fn parse(bytes: &[u8]) -> Result<Self, OpeningError> {
        if bytes.len() > OPENING_BYTES_MAX {
            return Err(OpeningError::Malformed);
        }
        let rest = bytes.strip_prefix(MAGIC).ok_or(OpeningError::Malformed)?;
        let mut cursor = Cursor { rest };
        let blind = cursor.array().ok_or(OpeningError::Malformed)?;
        let [depth, fields] = cursor.array().ok_or(OpeningError::Malformed)?;
        if !DEPTHS.contains(&depth) {
            return Err(OpeningError::Place);
        }
        let (parts, [sha256, blake3]) = cursor.parts_and_branches(fields, depth).ok_or(OpeningError::Malformed)?;
        let outside = |branch: &Branch| branch.index.checked_shr(depth.into()).is_none_or(|above| above != 0);
        if outside(&sha256) || outside(&blake3) {
            return Err(OpeningError::Place);
        }
        Ok(Self { blind, depth, parts, sha256, blake3 })
    }

    /// Which fields it shows.
    pub fn fields(&self) -> Fields {
        let [content, name, meta] = self.parts.each_ref().map(|part| matches!(part, Part::Shown { .. }));
        Fields { content, name, meta }
    }

    fn leads_to(&self, commitment: &Commitment) -> bool {
        let root = |family: Family, branch: &Branch| {
            let [content, name, meta] = self.parts.each_ref();
            let fields = [
                content.commitment(family, Field::Content),
                name.commitment(family, Field::Name),
                meta.commitment(family, Field::Meta),
            ];
            family.root(&self.blind, self.depth, &branch.root(family, family.leaf(&fields)))
        };
        root(Family::Sha256, &self.sha256) == commitment.sha256
            && root(Family::Blake3, &self.blake3) == commitment.blake3
    }

    fn shown(&self) -> Option<Shown> {
        let [content, name, meta] = self.parts.each_ref().map(|part| match part {
            Part::Shown { value, .. } => Some(value.as_slice()),
            Part::Hidden { .. } => None,
        });
        let content = content.map(content_of).map_or(Some(None), |value| value.map(Some))?;
        let meta = meta.map(Meta::from_bytes).map_or(Some(None), |value| value.map(Some))?;
        if name.is_some_and(|name| archive::check_path(name).is_err()) {
            return None;
        }
        if let (Some(content), Some(meta)) = (&content, &meta)
            && content.is_some() != meta.kind.has_content()
        {
            return None;
        }
        Some(Shown { content, name: name.map(<[u8]>::to_vec), meta, entries_below: tree::leaves(self.depth) })
    }
}

/// The outer `None`: neither empty nor a content value.
fn content_of(value: &[u8]) -> Option<Option<ContentValue>> {
    if value.is_empty() {
        return Some(None);
    }
    value.try_into().ok().map(|bytes| Some(ContentValue::from_bytes(bytes)))
}

/// Checks openings against the one commitment they claim, in both hash families, and gives what each shows.
///
/// What it does not check: that the bytes of a file are the shown content ([`ContentValue::matches`]), and when the
/// commitment was made, which the log and the stamps say.
///
/// # Errors
/// [`OpeningError`]; one fault refuses them all.
pub fn verify(commitment: &Commitment, openings: &[Opening]) -> Result<Vec<Shown>, OpeningError> {
    let (mut sha256_leaves, mut blake3_leaves, mut names) = (HashSet::new(), HashSet::new(), HashSet::new());
    let mut all = Vec::with_capacity(openings.len());
    for opening in openings {
        if !opening.leads_to(commitment) {
            return Err(OpeningError::Mismatch);
        }
        let shown = opening.shown().ok_or(OpeningError::Value)?;
        if !sha256_leaves.insert(opening.sha256.index) || !blake3_leaves.insert(opening.blake3.index) {
            return Err(OpeningError::RepeatedLeaf);
        }
        if shown.name.as_ref().is_some_and(|name| !names.insert(name.clone())) {
            return Err(OpeningError::RepeatedName);
        }
        all.push(shown);
    }
    Ok(all)
}

struct Cursor<'a> {
    rest: &'a [u8],
}

impl<'a> Cursor<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        Some(taken)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.rest.split_first_chunk()?;
        self.rest = rest;
        Some(*taken)
    }

    /// All that follows depth and fields, to the last byte.
    fn parts_and_branches(&mut self, fields: u8, depth: u8) -> Option<([Part; 3], [Branch; 2])> {
        let fields = Fields::from_byte(fields)?;
        let [content, name, meta] = Field::ALL.map(|field| self.part(fields.has(field)));
        let parts = [content?, name?, meta?];
        let branches = [self.branch(depth)?, self.branch(depth)?];
        self.rest.is_empty().then_some((parts, branches))
    }

    fn part(&mut self, shown: bool) -> Option<Part> {
        if !shown {
            return Some(Part::Hidden { sha256: self.array()?, blake3: self.array()? });
        }
        let salt = self.array()?;
        let length = usize::try_from(u32::from_be_bytes(self.array()?)).ok()?;
        Some(Part::Shown { salt, value: self.take(length)?.to_vec() })
    }

    fn branch(&mut self, depth: u8) -> Option<Branch> {
        let index = u32::from_be_bytes(self.array()?);
        let (path, _) = self.take(usize::from(depth).checked_mul(32)?)?.as_chunks();
        Some(Branch { index, path: path.to_vec() })
    }
}
