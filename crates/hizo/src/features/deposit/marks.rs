//! Where entries stand in a walk, by a hash that each of them has: nine bytes a mark.

use std::collections::HashSet;
use std::hash::{Hash, Hasher};

use hizo_vault::manifest::ENTRIES_MAX;

/// Bits that the place of an entry takes: the others are the first bits of its hash.
const PLACE_BITS: u32 = ENTRIES_MAX.ilog2() + 1;

/// Places of entries. Two hashes that begin alike have one mark, the first one's: the entry itself decides, and one that is
/// not found is dealt with as new.
#[derive(Debug, Default)]
pub(super) struct Marks(HashSet<Mark>);

/// The first bits of a hash, which it is known by, and a place.
#[derive(Debug, Clone, Copy)]
struct Mark(u64);

impl Marks {
    pub(super) fn with_capacity(count: usize) -> Self {
        Self(HashSet::with_capacity(count))
    }

    /// Marks where the entry with this hash stands, unless there is one already.
    pub(super) fn set(&mut self, hash: &[u8], place: u32) {
        self.0.insert(Mark::of(hash, place));
    }

    /// The first place that was marked with a hash that begins like this one.
    pub(super) fn find(&self, hash: &[u8]) -> Option<u32> {
        self.0.get(&Mark::of(hash, 0)).map(|mark| mark.place())
    }
}

impl Mark {
    fn of(hash: &[u8], place: u32) -> Self {
        let first = hash.first_chunk().map_or(0, |first| u64::from_be_bytes(*first));
        debug_assert!(u64::from(place) <= ENTRIES_MAX, "a walk has no more entries than a deposit");
        Self(first >> PLACE_BITS << PLACE_BITS | u64::from(place))
    }

    fn first_bits(self) -> u64 {
        self.0 >> PLACE_BITS
    }

    fn place(self) -> u32 {
        (self.0 & ((1 << PLACE_BITS) - 1)) as u32
    }
}

impl PartialEq for Mark {
    fn eq(&self, other: &Self) -> bool {
        self.first_bits() == other.first_bits()
    }
}

impl Eq for Mark {}

impl Hash for Mark {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.first_bits());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_place_of_a_hash_is_found_up_to_the_last_one() {
        let mut marks = Marks::default();
        let last = ENTRIES_MAX as u32;
        for (hash, place) in [([7; 16], 0), ([7; 16], 1), ([0xff; 16], last), ([0; 16], last)] {
            marks.set(&hash, place);
        }
        let mut other_end = [7; 16];
        other_end[15] = 8;
        let found = [[7; 16], other_end, [0xff; 16], [0; 16], [8; 16]].map(|hash| marks.find(&hash));
        assert_eq!(found, [Some(0), Some(0), Some(last), Some(last), None]);
    }
}
