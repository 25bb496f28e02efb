//! Reads a whole published log again: every tile is derived from the leaves, and no slot may stand twice.

use std::collections::{BTreeMap, BTreeSet};

use hizo_ledger::id::{RootHash, Slot};
use hizo_ledger::log::Leaf;
use hizo_ledger::log::tile::{self, Kind, Tile, WIDTH};
use hizo_ledger::log::tree;
use hizo_store::journal::LogHead;

use super::rows::Rows;
use super::{CHECKPOINT, Error, LogFiles, LogReader, damaged};

/// Slots that one reading of the log looks at, and how many are held until the largest ones are left to the next: 128
/// MiB, however long the log is.
const SLOTS_OF_A_READING: Slots = Slots { kept: 6 << 20, held: 8 << 20 };

#[derive(Clone, Copy)]
struct Slots {
    kept: usize,
    held: usize,
}

/// A slot by its first half: no two HMACs agree in 128 bits.
type Half = u128;

/// A log that was read again whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// Its newest head.
    pub head: LogHead,
    /// The root that it had with each number of leaves that was asked for, as far as it has so many.
    pub roots: BTreeMap<u64, RootHash>,
}

impl<F: LogFiles> LogReader<F> {
    /// Reads every published file of the newest head again, derives every tile from the leaves, and looks for a slot
    /// that stands twice. Memory does not grow with the log; it is read once more for every six million leaves.
    ///
    /// # Errors
    /// The first thing that does not hold.
    pub fn check(&self) -> Result<LogHead, Error> {
        Ok(self.check_each(&BTreeSet::new(), &mut |_| {})?.head)
    }

    /// As [`LogReader::check`], and shows every leaf in order, and the root that the log had with so many leaves. What was shown
    /// before an error is not to be believed, nor is it when the error comes last.
    ///
    /// # Errors
    /// The first thing that does not hold.
    pub fn check_each(&self, sizes: &BTreeSet<u64>, each: &mut dyn FnMut(Leaf)) -> Result<Checked, Error> {
        self.check_by(SLOTS_OF_A_READING, sizes, each)
    }

    fn check_by(&self, slots: Slots, sizes: &BTreeSet<u64>, each: &mut dyn FnMut(Leaf)) -> Result<Checked, Error> {
        let mut roots = BTreeMap::new();
        let Some(head) = self.published()? else {
            return Ok(Checked { head: LogHead { size: 0, root: tree::empty_root() }, roots });
        };
        let mut rows = Rows::default();
        let mut reading = Reading::new(slots, 0, head.size);
        self.each_leaf(head.size, |leaf| {
            rows.push(leaf.hash(), |tile, row| self.compare(tile, &tile::from_hashes(row)))?;
            reading.take(half(leaf.slot));
            if sizes.contains(&rows.size()) {
                roots.insert(rows.size(), rows.root()?);
            }
            each(leaf);
            Ok(())
        })?;
        for (tile, row) in rows.partial() {
            self.compare(tile, &tile::from_hashes(row))?;
        }
        while let Some(next) = self.unrepeated(reading, head.size)? {
            reading = Reading::new(slots, next, head.size);
            self.each_leaf(head.size, |leaf| {
                reading.take(half(leaf.slot));
                Ok(())
            })?;
        }
        if rows.root()? == head.root { Ok(Checked { head, roots }) } else { Err(Error::Other) }
    }

    /// Hands on every leaf of the published log in order.
    fn each_leaf(&self, size: u64, mut take: impl FnMut(Leaf) -> Result<(), Error>) -> Result<(), Error> {
        for index in 0..size.div_ceil(WIDTH) {
            let bundle = Tile::of(Kind::Entries, index, size).ok_or_else(|| damaged(CHECKPOINT))?;
            for leaf in tile::leaves(bundle, &self.must_read(bundle)?).map_err(|_| damaged(&bundle.path()))? {
                take(leaf)?;
            }
        }
        Ok(())
    }

    fn compare(&self, tile: Tile, derived: &[u8]) -> Result<(), Error> {
        if self.must_read(tile)? == derived { Ok(()) } else { Err(damaged(&tile.path())) }
    }

    /// Where the next reading begins, if there is one, when this one has no slot twice.
    fn unrepeated(&self, reading: Reading, size: u64) -> Result<Option<Half>, Error> {
        let next = reading.below;
        let Some(repeated) = reading.repeated() else { return Ok(next) };
        let (mut places, mut place) = (Vec::new(), 0_u64);
        self.each_leaf(size, |leaf| {
            if half(leaf.slot) == repeated && places.len() < 2 {
                places.push(place);
            }
            place = place.saturating_add(1);
            Ok(())
        })?;
        match places.as_slice() {
            [first, second] => Err(Error::RepeatedSlot { first: *first, second: *second }),
            _ => Err(damaged(CHECKPOINT)),
        }
    }
}

fn half(slot: Slot) -> Half {
    let (first, _) = slot.as_bytes().split_at(16);
    first.iter().fold(0, |half, byte| half << 8 | Half::from(*byte))
}

/// The smallest slots from a bound on, as many as fit; larger ones are left to the next reading.
struct Reading {
    slots: Slots,
    from: Half,
    below: Option<Half>,
    found: Vec<Half>,
    repeated: Option<Half>,
}

impl Reading {
    fn new(slots: Slots, from: Half, size: u64) -> Self {
        let room = usize::try_from(size).unwrap_or(usize::MAX).min(slots.held);
        Self { slots, from, below: None, found: Vec::with_capacity(room), repeated: None }
    }

    fn take(&mut self, slot: Half) {
        if slot < self.from || self.below.is_some_and(|below| slot >= below) {
            return;
        }
        if self.found.len() >= self.slots.held {
            self.leave_the_largest();
            return self.take(slot);
        }
        self.found.push(slot);
    }

    fn leave_the_largest(&mut self) {
        let (smaller, bound, _) = self.found.select_nth_unstable(self.slots.kept);
        let bound = *bound;
        // As often as this: were they left to the next reading, it might have nothing but them.
        if smaller.contains(&bound) {
            self.repeated = Some(bound);
        }
        self.below = Some(bound);
        self.found.truncate(self.slots.kept);
        self.found.retain(|slot| *slot < bound);
    }

    /// A slot that was found twice.
    fn repeated(mut self) -> Option<Half> {
        self.found.sort_unstable();
        let twice = self.found.windows(2).find_map(|pair| match pair {
            [first, second] if first == second => Some(*first),
            _ => None,
        });
        self.repeated.or(twice)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]

    use hizo_store::simulated::Random;

    use super::*;

    /// Reads slots as often as it takes, and says how often, and what was found twice.
    fn read(all: &[Half], slots: Slots) -> (usize, Option<Half>) {
        let (mut readings, mut from) = (0, Some(0));
        while let Some(next) = from {
            let mut reading = Reading::new(slots, next, all.len() as u64);
            all.iter().for_each(|slot| reading.take(*slot));
            assert!(reading.found.capacity() <= slots.held.max(all.len().min(slots.held)));
            readings += 1;
            from = reading.below;
            if let Some(repeated) = reading.repeated() {
                return (readings, Some(repeated));
            }
        }
        (readings, None)
    }

    #[test]
    fn a_slot_that_stands_twice_is_found_wherever_it_stands_and_none_is_made_up() {
        let mut random = Random(20_261_125);
        for few in [Slots { kept: 1, held: 2 }, Slots { kept: 7, held: 9 }, Slots { kept: 64, held: 100 }] {
            let mut all: Vec<Half> =
                (0..200).map(|_| Half::from(random.next()) << 64 | Half::from(random.next())).collect();
            let (readings, repeated) = read(&all, few);
            assert_eq!(repeated, None);
            assert!(readings <= 1 + all.len().div_ceil(few.kept), "{readings} readings");
            for _ in 0..50 {
                let (from, to) = (random.below(all.len()), random.below(all.len()));
                let kept = all[to];
                all[to] = all[from];
                assert_eq!(read(&all, few).1, (from != to).then_some(all[from]), "{from} at {to}");
                all[to] = kept;
            }
        }
    }

    #[test]
    fn slots_that_are_all_one_or_all_near_each_other_need_no_more_room() {
        let few = Slots { kept: 7, held: 9 };
        assert_eq!(read(&[5; 100], few).1, Some(5));
        let near: Vec<Half> = (0..100).collect();
        assert_eq!(read(&near, few).1, None);
        let far: Vec<Half> = (0..100).rev().map(|number| Half::MAX - number).collect();
        assert_eq!(read(&far, few).1, None);
    }
}
