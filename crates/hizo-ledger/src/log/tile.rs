//! Tiles: the tree and the log's entries as files that never change (C2SP tlog-tiles).
//!
//! See docs/spec/log.md, section "Tiles".

use std::collections::BTreeMap;

use super::tree::{self, SIZE_MAX, Subtrees};
use super::{LEAF_BYTES, Leaf};
use crate::id::NodeHash;

/// Hashes in a full tile, and entries in a full bundle.
pub const WIDTH: u64 = 256;
/// Levels of the tree that one tile spans.
const HEIGHT: u32 = 8;
/// Length of a hash in a tile, in bytes.
const HASH_BYTES: usize = 32;
/// Length of an entry in a bundle: two bytes of length, and the leaf.
const ENTRY_BYTES: usize = LEAF_BYTES + 2;
/// Highest level of tiles: 256 to its power is more than a tree may have.
const LEVEL_MAX: u32 = 7;
/// Tiles that a [`Tiles`] keeps at hand.
const TILES_AT_HAND: usize = 64;

/// Which file of the tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tile {
    /// What it holds.
    pub kind: Kind,
    /// Its number at its level.
    pub index: u64,
    /// How many hashes or entries it holds, 1 to 256.
    pub width: u64,
}

/// What a file of the tree holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Hashes of this level: leaf hashes at 0, roots of full tiles of the level below from 1 on.
    Hashes(u32),
    /// The leaves' data.
    Entries,
}

/// Why a file is not the tile that it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// It is not as long as its width asks for.
    #[error("a tile is not as long as it must be")]
    Length,
    /// An entry is not a leaf of 64 bytes.
    #[error("an entry of the log is not 64 bytes")]
    Entry,
    /// The tree has no such tile.
    #[error("the tree has no such tile")]
    Place,
}

impl Tile {
    /// The path below the log's prefix, as tlog-tiles spells it.
    pub fn path(&self) -> String {
        let kind = match self.kind {
            Kind::Hashes(level) => level.to_string(),
            Kind::Entries => "entries".to_owned(),
        };
        let mut groups = vec![format!("{:03}", self.index % 1000)];
        let mut rest = self.index / 1000;
        while rest > 0 {
            groups.push(format!("x{:03}", rest % 1000));
            rest /= 1000;
        }
        groups.reverse();
        let partial = if self.width < WIDTH { format!(".p/{}", self.width) } else { String::new() };
        format!("tile/{kind}/{}{partial}", groups.join("/"))
    }

    /// Whether nothing can be added to it.
    pub const fn is_full(&self) -> bool {
        self.width == WIDTH
    }

    /// The full tile in its place.
    pub const fn full(&self) -> Self {
        Self { width: WIDTH, ..*self }
    }

    /// Its length in bytes.
    pub fn bytes(&self) -> usize {
        let each = match self.kind {
            Kind::Hashes(_) => HASH_BYTES,
            Kind::Entries => ENTRY_BYTES,
        };
        usize::try_from(self.width).unwrap_or(0).saturating_mul(each)
    }

    /// The tiles and bundles that the tree of `new` leaves has and that of `old` leaves has not, bundles first, then
    /// level by level from the leaves up.
    pub fn between(old: u64, new: u64) -> Vec<Self> {
        let levels = (0..=LEVEL_MAX).map(|level| (Kind::Hashes(level), level));
        std::iter::once((Kind::Entries, 0))
            .chain(levels)
            .flat_map(|(kind, level)| {
                let (before, now) = (at_level(old, level), at_level(new, level));
                // A level that did not grow has no new file.
                let first = if before == now { u64::MAX } else { before / WIDTH };
                let last = now.div_ceil(WIDTH);
                (first..last).filter_map(move |index| Self::of(kind, index, new))
            })
            .collect()
    }

    /// The tile at this place in the tree of `size` leaves, as wide as it is there.
    pub fn of(kind: Kind, index: u64, size: u64) -> Option<Self> {
        let level = match kind {
            Kind::Hashes(level) => level,
            Kind::Entries => 0,
        };
        let width = at_level(size, level).checked_sub(index.checked_mul(WIDTH)?)?.min(WIDTH);
        (width > 0 && level <= LEVEL_MAX).then_some(Self { kind, index, width })
    }
}

/// Hashes of a tile level in the tree of `size` leaves.
fn at_level(size: u64, level: u32) -> u64 {
    level.checked_mul(HEIGHT).and_then(|bits| size.checked_shr(bits)).unwrap_or(0)
}

/// Hashes as a tile's bytes.
pub fn from_hashes(hashes: &[NodeHash]) -> Vec<u8> {
    hashes.iter().flat_map(|hash| *hash.as_bytes()).collect()
}

/// A tile's hashes.
///
/// # Errors
/// [`Error::Length`].
pub fn hashes(tile: Tile, bytes: &[u8]) -> Result<Vec<NodeHash>, Error> {
    let (hashes, rest) = bytes.as_chunks::<HASH_BYTES>();
    if bytes.len() != tile.bytes() || !rest.is_empty() || matches!(tile.kind, Kind::Entries) {
        return Err(Error::Length);
    }
    Ok(hashes.iter().copied().map(NodeHash::from_bytes).collect())
}

/// Leaves as a bundle's bytes.
pub fn from_leaves(leaves: &[Leaf]) -> Vec<u8> {
    let length = u16::try_from(LEAF_BYTES).unwrap_or(0).to_be_bytes();
    leaves.iter().flat_map(|leaf| length.into_iter().chain(leaf.to_bytes())).collect()
}

/// A bundle's leaves.
///
/// # Errors
/// [`Error::Length`], [`Error::Entry`].
pub fn leaves(tile: Tile, bytes: &[u8]) -> Result<Vec<Leaf>, Error> {
    let (entries, rest) = bytes.as_chunks::<ENTRY_BYTES>();
    if bytes.len() != tile.bytes() || !rest.is_empty() || !matches!(tile.kind, Kind::Entries) {
        return Err(Error::Length);
    }
    let leaf = |entry: &[u8; ENTRY_BYTES]| {
        let (length, data) = entry.split_first_chunk::<2>()?;
        let data: &[u8; LEAF_BYTES] = data.try_into().ok()?;
        (usize::from(u16::from_be_bytes(*length)) == LEAF_BYTES).then(|| Leaf::from_bytes(data))?
    };
    entries.iter().map(|entry| leaf(entry).ok_or(Error::Entry)).collect()
}

/// The root of a tile's hashes: what stands for it one level up.
pub fn root(hashes: &[NodeHash]) -> Option<NodeHash> {
    let mut row = hashes.to_vec();
    if !row.len().is_power_of_two() {
        return None;
    }
    while row.len() > 1 {
        row = row.as_chunks::<2>().0.iter().map(|[left, right]| tree::node_hash(left, right)).collect();
    }
    row.first().copied()
}

/// A tree of a known size whose tiles are read as they are needed, each once.
///
/// What it gives is as true as the tiles are: whoever makes a proof of it checks the proof against a root he trusts.
pub struct Tiles<R> {
    size: u64,
    read: R,
    at_hand: BTreeMap<Tile, Vec<NodeHash>>,
}

/// Why a tree's tile cannot be had.
#[derive(Debug, PartialEq, Eq)]
pub enum ReadError<E> {
    /// It could not be read.
    Read(E),
    /// What was read is not that tile.
    Tile(Error),
}

impl<E, R: FnMut(Tile) -> Result<Vec<u8>, E>> Tiles<R> {
    /// The tree of `size` leaves; `read` gives a tile's bytes.
    pub const fn new(size: u64, read: R) -> Self {
        Self { size, read, at_hand: BTreeMap::new() }
    }

    /// Leaves of the tree.
    pub const fn size(&self) -> u64 {
        self.size
    }

    fn tile(&mut self, tile: Tile) -> Result<&[NodeHash], ReadError<E>> {
        if !self.at_hand.contains_key(&tile) {
            let bytes = (self.read)(tile).map_err(ReadError::Read)?;
            let read = hashes(tile, &bytes).map_err(ReadError::Tile)?;
            if self.at_hand.len() >= TILES_AT_HAND {
                self.at_hand.clear();
            }
            self.at_hand.insert(tile, read);
        }
        self.at_hand.get(&tile).map(Vec::as_slice).ok_or(ReadError::Tile(Error::Place))
    }
}

impl<E, R: FnMut(Tile) -> Result<Vec<u8>, E>> Subtrees for Tiles<R> {
    type Error = ReadError<E>;

    fn subtree(&mut self, level: u32, index: u64) -> Result<NodeHash, ReadError<E>> {
        let (tile_level, within) = (level / HEIGHT, level % HEIGHT);
        let place = ReadError::Tile(Error::Place);
        let (Some(first), Some(count)) = (index.checked_shl(within), 1_usize.checked_shl(within)) else {
            return Err(place);
        };
        let tile = Tile::of(Kind::Hashes(tile_level), first / WIDTH, self.size.min(SIZE_MAX));
        let hashes = self.tile(tile.ok_or(ReadError::Tile(Error::Place))?)?;
        let start = usize::try_from(first % WIDTH).unwrap_or(usize::MAX);
        let row = hashes.get(start..start.saturating_add(count)).ok_or(ReadError::Tile(Error::Place))?;
        root(row).ok_or(place)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects)]

    use std::collections::HashMap;

    use super::*;
    use crate::id::{RecordId, Slot};
    use crate::log::tree::{Edge, check_consistency, check_inclusion, consistency_path, inclusion_path};

    fn tile(kind: Kind, index: u64, width: u64) -> Tile {
        Tile { kind, index, width }
    }

    #[test]
    fn paths_are_spelled_as_in_the_specification() {
        assert_eq!(tile(Kind::Hashes(0), 1_234_067, 256).path(), "tile/0/x001/x234/067");
        assert_eq!(tile(Kind::Hashes(2), 0, 1).path(), "tile/2/000.p/1");
        assert_eq!(tile(Kind::Entries, 273, 112).path(), "tile/entries/273.p/112");
        assert_eq!(tile(Kind::Entries, 1000, 256).path(), "tile/entries/x001/000");
    }

    #[test]
    fn a_tree_of_70000_has_the_tiles_that_the_specification_counts() {
        let all = Tile::between(0, 70_000);
        let count = |kind: Kind, full: bool| all.iter().filter(|t| t.kind == kind && t.is_full() == full).count();
        assert_eq!((count(Kind::Hashes(0), true), count(Kind::Hashes(0), false)), (273, 1));
        assert_eq!((count(Kind::Hashes(1), true), count(Kind::Hashes(1), false)), (1, 1));
        assert_eq!((count(Kind::Hashes(2), true), count(Kind::Hashes(2), false)), (0, 1));
        assert_eq!((count(Kind::Entries, true), count(Kind::Entries, false)), (273, 1));
        assert!(all.contains(&tile(Kind::Hashes(0), 273, 112)));
        assert!(all.contains(&tile(Kind::Hashes(1), 1, 17)));
        assert!(all.contains(&tile(Kind::Hashes(2), 0, 1)));
        assert_eq!(Tile::between(0, 256).len(), 3, "entries, full tile 0, and one hash above");
        assert_eq!(Tile::between(255, 256).len(), 3);
        assert_eq!(Tile::between(256, 257), [tile(Kind::Entries, 1, 1), tile(Kind::Hashes(0), 1, 1)]);
        assert_eq!(Tile::between(9, 9), []);
    }

    /// All tiles of a log that grew in steps.
    fn grown(steps: &[u64]) -> (HashMap<Tile, Vec<u8>>, Vec<Leaf>) {
        let last = *steps.last().unwrap();
        let leaf = |n: u64| Leaf { slot: Slot::of(&[3; 32], n), record: RecordId::of(&n.to_be_bytes()) };
        let leaves: Vec<_> = (0..last).map(leaf).collect();
        let mut rows = vec![leaves.iter().map(Leaf::hash).collect::<Vec<_>>()];
        while rows.last().unwrap().len() >= 256 {
            rows.push(rows.last().unwrap().as_chunks::<256>().0.iter().map(|full| root(full).unwrap()).collect());
        }
        let mut files = HashMap::new();
        let mut old = 0;
        for new in steps {
            for tile in Tile::between(old, *new) {
                let range = (tile.index * 256) as usize..(tile.index * 256 + tile.width) as usize;
                let bytes = match tile.kind {
                    Kind::Hashes(level) => from_hashes(&rows[level as usize][range]),
                    Kind::Entries => from_leaves(&leaves[range]),
                };
                assert_eq!(bytes.len(), tile.bytes());
                files.insert(tile, bytes);
            }
            old = *new;
        }
        (files, leaves)
    }

    #[test]
    fn proofs_made_of_tiles_hold_at_every_size_that_was_published() {
        let steps = [1, 5, 255, 256, 257, 300, 700, 65_536, 65_537, 70_000];
        let (files, leaves) = grown(&steps);
        let tiles = |size| Tiles::new(size, |tile: Tile| files.get(&tile).cloned().ok_or(tile));
        let mut edge = Edge::default();
        let mut roots = HashMap::new();
        for leaf in &leaves {
            edge.push(leaf.hash());
            roots.insert(edge.size(), edge.root());
        }
        let mut before = None;
        for size in steps {
            let root = tree::root(&mut tiles(size), size).unwrap();
            assert_eq!(root, roots[&size]);
            for index in [0, size / 3, size / 2, size - 1] {
                let path = inclusion_path(&mut tiles(size), index, size).unwrap().unwrap();
                check_inclusion(&leaves[index as usize].hash(), index, size, &root, &path).unwrap();
            }
            if let Some((old, old_root)) = before {
                let path = consistency_path(&mut tiles(size), old, size).unwrap().unwrap();
                check_consistency(old, &old_root, size, &root, &path).unwrap();
            }
            before = Some((size, root));
        }
    }

    #[test]
    fn a_tile_of_another_length_and_an_entry_of_another_size_are_refused() {
        let leaf = Leaf { slot: Slot::of(&[3; 32], 0), record: RecordId::of(b"") };
        let bundle = tile(Kind::Entries, 0, 2);
        let bytes = from_leaves(&[leaf, leaf]);
        assert_eq!(super::leaves(bundle, &bytes).unwrap(), [leaf, leaf]);
        assert_eq!(super::leaves(bundle, &bytes[..131]), Err(Error::Length));
        let mut longer = bytes.clone();
        longer[1] = 65;
        assert_eq!(super::leaves(bundle, &longer), Err(Error::Entry));
        assert_eq!(hashes(tile(Kind::Hashes(0), 0, 2), &[0; 63]), Err(Error::Length));
        assert_eq!(hashes(bundle, &bytes), Err(Error::Length));
    }
}
