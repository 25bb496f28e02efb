//! Showing chosen fields of one entry, and checking them against a commitment, without the seed.
//!
//! See docs/spec/commit.md, sections "Opening" and "How to verify".

use std::{collections::HashSet, fmt};

use super::content::ContentValue;
use super::meta::Meta;
use super::tree::{self, DEPTHS, Node};
use super::{Commitment, Dummies, Error, Family, Field, FieldHashes, Fields, LeafHashes, Leaves};
use crate::path::check_path;

/// Most bytes an opening may have: three shown fields, the longest name, the deepest trees.
pub const OPENING_BYTES_MAX: usize = 8 << 10;

const MAGIC: &[u8] = b"hizo-opening/v1\n";

/// Why an opening does not show what it claims. It says which rule is broken, never how near the bytes came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OpeningError {
    /// The bytes are not an opening in its one form.
    #[error("the bytes are not an opening")]
    Malformed,
    /// The depth is none that a tree may have, an index does not fit it, or the number of dummies does not.
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

/// One field of an opening: with its salt and value, or as the two hashes that hide it.
#[derive(Clone, PartialEq, Eq)]
pub enum Part {
    /// Anybody can compute what it was committed as.
    Shown {
        /// The field's own salt.
        salt: [u8; 32],
        /// Its committed value.
        value: Vec<u8>,
    },
    /// Only what it was committed as.
    Hidden(FieldHashes),
}

impl fmt::Debug for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Shown { .. } => "Shown",
            Self::Hidden(_) => "Hidden",
        })
    }
}

impl Part {
    /// What the field was committed as.
    pub fn hashes(&self, field: Field) -> FieldHashes {
        match self {
            Self::Shown { salt, value } => field.commit(salt, value),
            Self::Hidden(hashes) => *hashes,
        }
    }

    /// The committed value, if it is shown.
    pub fn value(&self) -> Option<&[u8]> {
        match self {
            Self::Shown { value, .. } => Some(value),
            Self::Hidden(_) => None,
        }
    }
}

/// The leaf hashes of the entry with these three fields, in their order.
pub(super) fn leaf_of(parts: &[Part; 3]) -> LeafHashes {
    let [content, name, meta] = parts;
    LeafHashes::of(&[content.hashes(Field::Content), name.hashes(Field::Name), meta.hashes(Field::Meta)])
}

/// Where a leaf stands in one tree, and the siblings from it up to the root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Branch {
    /// Counted from 0.
    pub index: u32,
    /// From the leaf's sibling up.
    pub path: Vec<Node>,
}

impl Branch {
    /// The root that this branch leads to from a leaf hash.
    fn root(&self, family: Family, leaf: Node) -> Node {
        let (mut position, mut node) = (self.index, leaf);
        for sibling in &self.path {
            let (left, right) = if position & 1 == 0 { (&node, sibling) } else { (sibling, &node) };
            node = tree::parent(family, left, right);
            position >>= 1;
        }
        node
    }

    fn is_inside(&self, depth: u8) -> bool {
        self.index.checked_shr(depth.into()) == Some(0)
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
    /// The entry's path, raw bytes, safe in the sense of [`check_path`].
    pub name: Option<Vec<u8>>,
    /// The entry's metadata.
    pub meta: Option<Meta>,
    /// The deposit has fewer entries than this, and no more is known about their number.
    pub entries_below: usize,
}

/// Opens the entries with these fields, given the leaves of all entries of their deposit, its blind and its dummies; with
/// the commitment that the openings lead to.
///
/// # Errors
/// [`Error::NotALeaf`] when an entry is not among the leaves; else as [`Leaves::commit`].
pub fn open(
    blind: &[u8; 32],
    dummies: &Dummies,
    leaves: Leaves,
    entries: Vec<[Part; 3]>,
) -> Result<(Commitment, Vec<Opening>), Error> {
    let depth = tree::depth(leaves.len()).ok_or(Error::TooManyEntries)?;
    let hashes: Vec<_> = entries.iter().map(leaf_of).collect();
    let half = |family: Family, leaves: Vec<Node>, wanted: Vec<Node>| {
        let leaves = dummies.fill(family, depth, leaves)?;
        let place = |leaf: &Node| leaves.binary_search(leaf).ok().and_then(|index| u32::try_from(index).ok());
        let branch = |leaf| place(leaf).map(|index| Branch { index, path: Vec::with_capacity(depth.into()) });
        let mut branches = wanted.iter().map(branch).collect::<Option<Vec<_>>>().ok_or(Error::NotALeaf)?;
        let root = tree::fold(family, leaves, &mut branches);
        Ok((family.root(blind, depth, &root), branches))
    };
    let wanted = |of: fn(&LeafHashes) -> Node| hashes.iter().map(of).collect::<Vec<_>>();
    let (sha256_wanted, blake3_wanted) = (wanted(|leaf| leaf.sha256), wanted(|leaf| leaf.blake3));
    let (sha256, blake3) = tree::both(
        leaves.len(),
        || half(Family::Sha256, leaves.sha256, sha256_wanted),
        || half(Family::Blake3, leaves.blake3, blake3_wanted),
    );
    let ((sha256, sha256_branches), (blake3, blake3_branches)) = (sha256?, blake3?);
    let branches = sha256_branches.into_iter().zip(blake3_branches);
    let openings = entries.into_iter().zip(branches);
    let opening = |(parts, (sha256, blake3))| Opening { blind: *blind, depth, parts, sha256, blake3 };
    Ok((Commitment { sha256, blake3 }, openings.map(opening).collect()))
}

impl Opening {
    /// Puts together what another form of an opening says. Only the form is checked.
    ///
    /// # Errors
    /// [`OpeningError::Place`] for a depth that no tree has, an index outside the tree, or a path of another length.
    pub fn new(
        blind: [u8; 32],
        depth: u8,
        parts: [Part; 3],
        sha256: Branch,
        blake3: Branch,
    ) -> Result<Self, OpeningError> {
        let fits = |branch: &Branch| branch.is_inside(depth) && branch.path.len() == usize::from(depth);
        if !DEPTHS.contains(&depth) || !fits(&sha256) || !fits(&blake3) {
            return Err(OpeningError::Place);
        }
        Ok(Self { blind, depth, parts, sha256, blake3 })
    }

    /// The opening's one byte form. Its length depends on depth and shown fields only.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = [MAGIC, &self.blind, &[self.depth, self.fields().to_byte()]].concat();
        for part in &self.parts {
            match part {
                Part::Shown { salt, value } => {
                    // A value that is longer than that is longer than an opening.
                    let length = u32::try_from(value.len()).unwrap_or(u32::MAX);
                    bytes.extend([salt.as_slice(), &length.to_be_bytes(), value].concat());
                }
                Part::Hidden(FieldHashes { sha256, blake3 }) => bytes.extend([sha256.as_slice(), blake3].concat()),
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
        let mut cursor = Cursor::new(rest);
        let blind = cursor.array().ok_or(OpeningError::Malformed)?;
        let [depth, fields] = cursor.array().ok_or(OpeningError::Malformed)?;
        if !DEPTHS.contains(&depth) {
            return Err(OpeningError::Place);
        }
        let (parts, [sha256, blake3]) = cursor.parts_and_branches(fields, depth).ok_or(OpeningError::Malformed)?;
        Self::new(blind, depth, parts, sha256, blake3)
    }

    /// Which fields it shows.
    pub fn fields(&self) -> Fields {
        let [content, name, meta] = self.parts.each_ref().map(|part| matches!(part, Part::Shown { .. }));
        Fields { content, name, meta }
    }

    /// The deposit's blind.
    pub const fn blind(&self) -> &[u8; 32] {
        &self.blind
    }

    /// How deep both trees are.
    pub const fn depth(&self) -> u8 {
        self.depth
    }

    /// Content, name and meta.
    pub const fn parts(&self) -> &[Part; 3] {
        &self.parts
    }

    /// Its place in the tree with SHA-256, and in the one with BLAKE3.
    pub const fn branches(&self) -> [&Branch; 2] {
        [&self.sha256, &self.blake3]
    }

    fn leads_to(&self, commitment: &Commitment) -> bool {
        let leaf = leaf_of(&self.parts);
        let root = |family: Family, branch: &Branch, leaf: Node| {
            family.root(&self.blind, self.depth, &branch.root(family, leaf))
        };
        root(Family::Sha256, &self.sha256, leaf.sha256) == commitment.sha256
            && root(Family::Blake3, &self.blake3, leaf.blake3) == commitment.blake3
    }
}

/// What these fields show; `None` when a value is in no form that an entry's has.
pub(super) fn shown(parts: &[Part; 3], depth: u8) -> Option<Shown> {
    let [content, name, meta] = parts.each_ref().map(Part::value);
    let content = content.map(content_of).map_or(Some(None), |value| value.map(Some))?;
    let meta = meta.map(Meta::from_bytes).map_or(Some(None), |value| value.map(Some))?;
    if name.is_some_and(|name| check_path(name).is_err()) {
        return None;
    }
    if let (Some(content), Some(meta)) = (&content, &meta)
        && content.is_some() != meta.kind.has_content()
    {
        return None;
    }
    Some(Shown { content, name: name.map(<[u8]>::to_vec), meta, entries_below: tree::leaves(depth) })
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
        let shown = shown(&opening.parts, opening.depth).ok_or(OpeningError::Value)?;
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

pub(super) struct Cursor<'a> {
    rest: &'a [u8],
}

impl<'a> Cursor<'a> {
    pub(super) const fn new(rest: &'a [u8]) -> Self {
        Self { rest }
    }

    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        Some(taken)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
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
            return Some(Part::Hidden(FieldHashes { sha256: self.array()?, blake3: self.array()? }));
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
