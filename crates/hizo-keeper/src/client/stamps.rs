//! The stamps of a keeper at an address: of all that it has taken, as few are looked at as are needed.

use std::collections::BTreeMap;

use hizo_ledger::id::{ObjectId, SpaceId};
use hizo_ledger::record::UnverifiedRecord;
use hizo_ledger::timestamp::RESPONSE_BYTES_MAX;

use super::{Question, RemoteKeeper, object_path};
use crate::{Error, LoggedStamp};

/// So many of the newest stamps are looked at, and so many from each size on.
const STAMPS_MAX: u64 = 32;

/// Most steps of a search by halves.
const HALVES_MAX: usize = 64;

/// What is known of a keeper's own space.
struct Known<'a> {
    keeper: &'a RemoteKeeper,
    own: SpaceId,
    /// The number of its last record, as the keeper says.
    last: u64,
    /// Its records by their numbers; nothing where one says no stamp.
    records: BTreeMap<u64, Option<LoggedStamp>>,
}

impl RemoteKeeper {
    /// The newest stamps that are records of the keeper's own space, and the first over heads of at least each of these sizes,
    /// by their numbers; the keeper's word, all of it.
    ///
    /// # Errors
    /// [`Error::Unreachable`], [`Error::Refused`]; [`Error::Answer`] for records that are none of that space.
    pub fn stamps(&self, sizes: &[u64]) -> Result<Vec<LoggedStamp>, Error> {
        let Some(mut known) = Known::begin(self)? else { return Ok(Vec::new()) };
        let mut starts = vec![known.last.saturating_sub(STAMPS_MAX - 1)];
        for size in sizes {
            starts.push(known.first_of(*size)?);
        }
        let mut stamps = BTreeMap::new();
        for from in starts {
            for number in from..=known.last.min(from.saturating_add(STAMPS_MAX - 1)) {
                stamps.extend(known.record(number)?.map(|stamp| (number, stamp)));
            }
        }
        Ok(stamps.into_values().collect())
    }

    /// An authority's answer, an object of the keeper's own space, as it came; the reader checks its hash. `None` when it is not
    /// there.
    ///
    /// # Errors
    /// [`Error::Unreachable`], [`Error::Refused`]; [`Error::Answer`] for one that is longer than an answer can be.
    pub fn stamp(&self, answer: ObjectId) -> Result<Option<Vec<u8>>, Error> {
        let path = object_path(self.facts()?.own_space, answer);
        let bytes_max = RESPONSE_BYTES_MAX as u64;
        self.ask(&Question { path: &path, bytes_max, ..Question::default() })?.found()
    }
}

impl<'a> Known<'a> {
    /// `None` when the space has not begun.
    fn begin(keeper: &'a RemoteKeeper) -> Result<Option<Self>, Error> {
        let own = keeper.facts()?.own_space;
        let page = match keeper.records(own, 0) {
            Err(Error::NotBegun) => return Ok(None),
            other => other?,
        };
        let last = page.head.ok_or(Error::Answer)?.number;
        let mut known = Self { keeper, own, last, records: BTreeMap::new() };
        known.learn(0, &page.notes)?;
        Ok(Some(known))
    }

    /// The number of the first stamp over a head of at least so many leaves, or the one behind the last. Stamps are logged as
    /// they come, so that a few may be out of order.
    fn first_of(&mut self, size: u64) -> Result<u64, Error> {
        // Record 0 is no stamp.
        let (mut from, mut to) = (1, self.last.saturating_add(1));
        for _ in 0..HALVES_MAX {
            if from >= to {
                break;
            }
            let middle = from.midpoint(to);
            match self.record(middle)? {
                Some(stamp) if stamp.size >= size => to = middle,
                Some(_) | None => from = middle.saturating_add(1),
            }
        }
        Ok(from)
    }

    /// A record up to the last, whose page is asked for when it is not known yet.
    fn record(&mut self, number: u64) -> Result<Option<LoggedStamp>, Error> {
        if !self.records.contains_key(&number) {
            let page = self.keeper.records(self.own, number)?;
            self.learn(number, &page.notes)?;
        }
        self.records.get(&number).copied().ok_or(Error::Answer)
    }

    fn learn(&mut self, from: u64, notes: &[Vec<u8>]) -> Result<(), Error> {
        for (number, note) in (from..).zip(notes) {
            let record = UnverifiedRecord::parse(note).map_err(|_| Error::Answer)?;
            if record.envelope().space != self.own || record.envelope().number != number {
                return Err(Error::Answer);
            }
            self.records.insert(number, LoggedStamp::of(&record));
        }
        Ok(())
    }
}
