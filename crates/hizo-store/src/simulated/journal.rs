//! The journal.

use std::collections::BTreeMap;
use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hizo_ledger::id::{ObjectId, Slot, SpaceId};
use hizo_ledger::log::Leaf;

use super::SimulatedDisk;
use super::disk::Alone;
use crate::journal::{
    self, AccountId, Entry, FACT_BYTES_MAX, Head, Integrity, Journal, LogHead, LogState, PAGE_RECORDS_MAX, Page,
    StoredRecord, Usage,
};

/// A journal in memory whose every act is one step of a simulated disk, done and durable, or not done at all. It is
/// what SQLite promises, so that a test of the order between objects and journal need not cut SQLite's own power.
#[derive(Clone)]
pub struct MemoryJournal {
    disk: SimulatedDisk,
    kept: Arc<Mutex<Kept>>,
}

/// What is kept, while nobody else can reach it.
struct Turn<'a> {
    kept: MutexGuard<'a, Kept>,
    /// Given back after the above.
    _alone: Alone,
}

impl Deref for Turn<'_> {
    type Target = Kept;

    fn deref(&self) -> &Kept {
        &self.kept
    }
}

impl DerefMut for Turn<'_> {
    fn deref_mut(&mut self) -> &mut Kept {
        &mut self.kept
    }
}

#[derive(Default, Clone)]
struct Kept {
    spaces: BTreeMap<SpaceId, ([u8; 32], Vec<StoredRecord>)>,
    condemned: BTreeMap<(SpaceId, ObjectId), u64>,
    facts: BTreeMap<String, Vec<u8>>,
    leaves: Vec<Leaf>,
    /// Space and number of each leaf's record.
    places: Vec<(SpaceId, u64)>,
    signed: Option<LogHead>,
    payers: BTreeMap<SpaceId, AccountId>,
    accounts: BTreeMap<AccountId, Usage>,
}

impl Kept {
    fn head(&self, space: SpaceId) -> Option<Head> {
        let (_, records) = self.spaces.get(&space)?;
        records.last().map(|record| Head { number: record.number, id: record.id })
    }

    fn log(&self) -> LogState {
        LogState { size: u64::try_from(self.leaves.len()).unwrap_or(u64::MAX), signed: self.signed }
    }

    fn expect(&self, space: SpaceId, expected: Option<Head>) -> Result<(), journal::Error> {
        let head = self.head(space);
        if head == expected { Ok(()) } else { Err(journal::Error::Conflict { head }) }
    }

    fn append(&mut self, entry: &Entry<'_>) -> Result<Head, journal::Error> {
        let new = entry.new_head()?;
        if let Some((slot_key, records)) = self.spaces.get(&entry.space) {
            let mut newest = records.iter().rev();
            let last = newest.next().is_some_and(|last| (last.id, last.kept) == (new.id, entry.kept));
            let before = newest.next().map(|record| Head { number: record.number, id: record.id });
            if last && before == entry.expected && entry.slot_key.is_none_or(|key| key == slot_key) {
                return Ok(new);
            }
        }
        self.expect(entry.space, entry.expected)?;
        let condemned = |object: &&ObjectId| self.condemned.contains_key(&(entry.space, **object));
        let objects: Vec<ObjectId> = entry.objects.iter().filter(condemned).copied().collect();
        if !objects.is_empty() {
            return Err(journal::Error::Condemned { objects });
        }
        if let Some(charge) = entry.charge {
            let begins = entry.expected.is_none();
            if !begins && self.payers.get(&entry.space) != Some(&charge.account) {
                return Err(journal::Error::Refused { rule: "a space is paid for by the account of its genesis" });
            }
            let usage = self.accounts.get(&charge.account).copied().unwrap_or_default();
            self.accounts.insert(charge.account, charge.add(usage, begins)?);
            self.payers.insert(entry.space, charge.account);
        } else if entry.expected.is_none() {
            // Whoever claimed the space until now does so no more.
            self.payers.remove(&entry.space);
        }
        let (position, note) = (self.log().size, entry.note.to_vec());
        let record = StoredRecord { number: new.number, id: new.id, kept: entry.kept, position, note };
        let slot_key = entry.slot_key.copied().unwrap_or_default();
        let (slot_key, records) = self.spaces.entry(entry.space).or_insert_with(|| (slot_key, Vec::new()));
        let leaf = Leaf { slot: Slot::of(slot_key, new.number), record: new.id };
        records.push(record);
        self.leaves.push(leaf);
        self.places.push((entry.space, new.number));
        Ok(new)
    }
}

impl MemoryJournal {
    /// An empty journal beside this disk.
    pub fn beside(disk: &SimulatedDisk) -> Self {
        Self { disk: disk.clone(), kept: Arc::default() }
    }

    /// The same journal beside what is left of its disk.
    #[must_use]
    pub fn moved_beside(&self, disk: &SimulatedDisk) -> Self {
        Self { disk: disk.clone(), kept: Arc::clone(&self.kept) }
    }

    fn kept(&self, step: &'static str) -> Result<Turn<'_>, journal::Error> {
        let stopped = |source| journal::Error::Disk { act: "be reached", source: Arc::new(source) };
        let alone = self.disk.step_alone(step).map_err(stopped)?;
        Ok(Turn { kept: self.kept.lock().unwrap_or_else(PoisonError::into_inner), _alone: alone })
    }
}

impl Journal for MemoryJournal {
    fn append_all(&self, entries: &[Entry<'_>]) -> Vec<Result<Head, journal::Error>> {
        match self.kept("append") {
            Ok(mut kept) => entries.iter().map(|entry| kept.append(entry)).collect(),
            Err(error) => vec![Err(error); entries.len()],
        }
    }

    fn append_whole(&self, entries: &[Entry<'_>]) -> Result<(), journal::Error> {
        let mut kept = self.kept("append")?;
        let mut appended = kept.clone();
        entries.iter().try_for_each(|entry| appended.append(entry).map(drop))?;
        *kept = appended;
        Ok(())
    }

    fn head(&self, space: SpaceId) -> Result<Option<Head>, journal::Error> {
        Ok(self.kept("head")?.head(space))
    }

    fn page(&self, space: SpaceId, from: u64, limit: usize) -> Result<Option<Page>, journal::Error> {
        let kept = self.kept("page")?;
        let Some((head, (_, records))) = kept.head(space).zip(kept.spaces.get(&space)) else { return Ok(None) };
        let from = usize::try_from(from).unwrap_or(usize::MAX);
        let records = records.iter().skip(from).take(limit.min(PAGE_RECORDS_MAX)).cloned().collect();
        Ok(Some(Page { head, records }))
    }

    fn spaces(&self) -> Result<Vec<SpaceId>, journal::Error> {
        Ok(self.kept("spaces")?.spaces.keys().copied().collect())
    }

    fn slot_key(&self, space: SpaceId) -> Result<Option<[u8; 32]>, journal::Error> {
        Ok(self.kept("slot_key")?.spaces.get(&space).map(|(key, _)| *key))
    }

    fn account(&self, space: SpaceId) -> Result<Option<AccountId>, journal::Error> {
        Ok(self.kept("account")?.payers.get(&space).copied())
    }

    fn claim(&self, space: SpaceId, account: Option<AccountId>) -> Result<(), journal::Error> {
        let mut kept = self.kept("claim")?;
        if kept.head(space).is_none() {
            match account {
                Some(account) => kept.payers.insert(space, account),
                None => kept.payers.remove(&space),
            };
        }
        Ok(())
    }

    fn usage(&self, account: AccountId) -> Result<Usage, journal::Error> {
        Ok(self.kept("usage")?.accounts.get(&account).copied().unwrap_or_default())
    }

    fn log(&self) -> Result<LogState, journal::Error> {
        Ok(self.kept("log")?.log())
    }

    fn leaves(&self, from: u64, limit: usize) -> Result<Vec<Leaf>, journal::Error> {
        let kept = self.kept("leaves")?;
        let from = usize::try_from(from).unwrap_or(usize::MAX);
        Ok(kept.leaves.iter().skip(from).take(limit.min(PAGE_RECORDS_MAX)).copied().collect())
    }

    fn logged(&self, from: u64, limit: usize) -> Result<Vec<(SpaceId, StoredRecord)>, journal::Error> {
        let kept = self.kept("logged")?;
        let from = usize::try_from(from).unwrap_or(usize::MAX);
        let places = kept.places.iter().skip(from).take(limit.min(PAGE_RECORDS_MAX));
        let found = places.filter_map(|(space, number)| {
            let (_, records) = kept.spaces.get(space)?;
            Some((*space, records.get(usize::try_from(*number).ok()?)?.clone()))
        });
        Ok(found.collect())
    }

    fn settle_signed(&self, newest: Option<LogHead>, head: LogHead) -> Result<(), journal::Error> {
        let mut kept = self.kept("settle_signed")?;
        kept.log().may_sign(newest, head)?;
        kept.signed = Some(head);
        Ok(())
    }

    fn condemn(
        &self,
        space: SpaceId,
        expected: Option<Head>,
        objects: &[ObjectId],
        since: u64,
    ) -> Result<(), journal::Error> {
        let mut kept = self.kept("condemn")?;
        kept.expect(space, expected)?;
        for object in objects {
            kept.condemned.entry((space, *object)).or_insert(since);
        }
        Ok(())
    }

    fn pardon(
        &self,
        space: SpaceId,
        objects: &[ObjectId],
        is_here: &mut dyn FnMut(ObjectId) -> bool,
    ) -> Result<Vec<ObjectId>, journal::Error> {
        let mut kept = self.kept("pardon")?;
        let marked = objects.iter().copied().filter(|object| kept.condemned.contains_key(&(space, *object)));
        let (here, gone): (Vec<ObjectId>, Vec<ObjectId>) =
            marked.collect::<Vec<_>>().into_iter().partition(|id| is_here(*id));
        for object in here {
            kept.condemned.remove(&(space, object));
        }
        Ok(gone)
    }

    fn expire(
        &self,
        space: SpaceId,
        objects: &[ObjectId],
        until: u64,
        remove: &mut dyn FnMut(ObjectId),
    ) -> Result<(), journal::Error> {
        let kept = self.kept("expire")?;
        let since = |object: &ObjectId| kept.condemned.get(&(space, *object)).copied();
        objects.iter().filter(|id| since(id).is_some_and(|since| since <= until)).for_each(|id| remove(*id));
        Ok(())
    }

    fn condemned(&self, space: SpaceId) -> Result<Vec<(ObjectId, u64)>, journal::Error> {
        let kept = self.kept("condemned")?;
        let of_space = kept.condemned.iter().filter(|((of, _), _)| *of == space);
        Ok(of_space.map(|((_, object), since)| (*object, *since)).collect())
    }

    fn settle_fact(&self, key: &str, value: &[u8]) -> Result<(), journal::Error> {
        if key.is_empty() || key.len() > FACT_BYTES_MAX || value.len() > FACT_BYTES_MAX {
            return Err(journal::Error::Refused {
                rule: "a fact has a key of 1 to 4096 letters and at most 4096 bytes",
            });
        }
        let mut kept = self.kept("settle_fact")?;
        let settled = kept.facts.entry(key.to_owned()).or_insert_with(|| value.to_vec());
        if settled == value { Ok(()) } else { Err(journal::Error::Settled { key: key.to_owned() }) }
    }

    fn fact(&self, key: &str) -> Result<Option<Vec<u8>>, journal::Error> {
        Ok(self.kept("fact")?.facts.get(key).cloned())
    }

    fn integrity(&self) -> Result<Integrity, journal::Error> {
        let kept = self.kept("integrity")?;
        let count = |length: usize| u64::try_from(length).unwrap_or(u64::MAX);
        Ok(Integrity {
            spaces: count(kept.spaces.len()),
            records: kept.spaces.values().map(|(_, records)| count(records.len())).sum(),
            leaves: count(kept.leaves.len()),
            condemned: count(kept.condemned.len()),
            facts: count(kept.facts.len()),
        })
    }
}
