//! A log that takes leaves: what stands in tiles that are not full yet, which is all that it takes to go on.

use hizo_ledger::id::{NodeHash, RootHash};
use hizo_ledger::log::tile::{self, Kind, ReadError, Tile, Tiles, WIDTH};
use hizo_ledger::log::tree;

use super::{CHECKPOINT, Error, damaged};

/// Levels of tiles that a log may have.
pub(super) const LEVELS: usize = 8;

/// The last row of each level of tiles, as far as it is not full.
pub(super) struct Rows {
    size: u64,
    levels: Vec<Vec<NodeHash>>,
}

impl Default for Rows {
    fn default() -> Self {
        Self { size: 0, levels: vec![Vec::new(); LEVELS] }
    }
}

impl Rows {
    /// The rows of a published tree, from its partial tiles.
    pub(super) fn of(size: u64, mut read: impl FnMut(Tile) -> Result<Vec<u8>, Error>) -> Result<Self, Error> {
        let mut rows = Self { size, ..Self::default() };
        for (level, row) in (0..).zip(&mut rows.levels) {
            if let Some(tile) = partial(Kind::Hashes(level), size) {
                *row = tile::hashes(tile, &read(tile)?).map_err(|_| damaged(&tile.path()))?;
            }
        }
        Ok(rows)
    }

    /// Hashes of the leaves behind the last full tile.
    pub(super) fn newest_leaves(&self) -> &[NodeHash] {
        self.levels.first().map_or(&[], Vec::as_slice)
    }

    /// Leaves so far.
    pub(super) const fn size(&self) -> u64 {
        self.size
    }

    /// Takes the next leaf, and hands on each tile that it fills.
    pub(super) fn push(
        &mut self,
        leaf: NodeHash,
        mut full: impl FnMut(Tile, &[NodeHash]) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let (mut node, mut place) = (leaf, self.size);
        self.size = self.size.saturating_add(1);
        for (level, row) in (0..).zip(&mut self.levels) {
            row.push(node);
            if (row.len() as u64) < WIDTH {
                break;
            }
            place /= WIDTH;
            let tile = Tile { kind: Kind::Hashes(level), index: place, width: WIDTH };
            full(tile, row)?;
            node = tile::root(row).ok_or_else(|| damaged(CHECKPOINT))?;
            row.clear();
        }
        Ok(())
    }

    /// The tiles that are not full.
    pub(super) fn partial(&self) -> impl Iterator<Item = (Tile, &[NodeHash])> {
        let rows =
            (0..).zip(&self.levels).map(|(level, row)| (partial(Kind::Hashes(level), self.size), row.as_slice()));
        rows.filter_map(|(tile, row)| Some((tile?, row)))
    }

    /// The root. Every subtree that it is made of stands in one of the rows.
    pub(super) fn root(&self) -> Result<RootHash, Error> {
        let row = |tile: Tile| match tile.kind {
            Kind::Hashes(level) => self.levels.get(level as usize).map(|row| tile::from_hashes(row)),
            Kind::Entries => None,
        };
        let mut tiles = Tiles::new(self.size, |tile| row(tile).ok_or_else(|| damaged(&tile.path())));
        tree::root(&mut tiles, self.size).map_err(|error| match error {
            ReadError::Read(error) => error,
            ReadError::Tile(_) => damaged(CHECKPOINT),
        })
    }
}

/// The last tile of this kind in a tree of `size` leaves, if it is not full.
pub(super) fn partial(kind: Kind, size: u64) -> Option<Tile> {
    let bits = match kind {
        Kind::Hashes(level) => level.saturating_mul(8),
        Kind::Entries => 0,
    };
    Tile::of(kind, size.checked_shr(bits).unwrap_or(0) / WIDTH, size)
}
