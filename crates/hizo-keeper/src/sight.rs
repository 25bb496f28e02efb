//! What a keeper sees of a space: everything it could tell anybody, as plain values.

use std::collections::{BTreeMap, BTreeSet};
use std::time::UNIX_EPOCH;

use hizo_ledger::id::{KeyName, ObjectId, RecordId, SeriesId, SpaceId};
use hizo_ledger::record::{Act, ClaimedTime, Control, Record, Role, UnverifiedRecord};
use hizo_ledger::space::{self, Chain, Head, ReplayError};
use hizo_store::journal::{PAGE_RECORDS_MAX, StoredRecord};
use hizo_store::{Journal, Objects, objects};

use crate::spaces::{Named, named_by_list, named_directly};
use crate::{Error, Keeper};

/// Ids of one folder listing.
const LIST_PAGE: usize = 1_000;

/// Everything that a keeper can tell about a space. There is no name, no type of content, no true size in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpaceSeen {
    /// The space's random id.
    pub space: SpaceId,
    /// Its newest record.
    pub head: Head,
    /// The current epoch's number.
    pub epoch: u32,
    /// Present members: keys made for this space alone, and what they may sign.
    pub members: Vec<MemberSeen>,
    /// Every series with the number of its deposits.
    pub series: Vec<SeriesSeen>,
    /// Every record in order.
    pub records: Vec<RecordSeen>,
    /// Every object, also those that nothing names (yet), by id.
    pub objects: Vec<ObjectSeen>,
    /// Sum of the objects' lengths in bytes.
    pub bytes: u64,
}

/// A member as the keeper knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MemberSeen {
    /// The name of its key, which no other space knows.
    pub name: KeyName,
    /// What it may sign.
    pub role: Role,
}

/// A series as the keeper knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SeriesSeen {
    /// Its random id.
    pub series: SeriesId,
    /// How many deposits it has.
    pub deposits: u64,
}

/// A record as the keeper knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordSeen {
    /// Its number.
    pub number: u64,
    /// SHA-256 of its note.
    pub id: RecordId,
    /// When the keeper took it, in seconds since 1970.
    pub kept: u64,
    /// What the signer's clock said.
    pub claimed: ClaimedTime,
    /// Whose signatures it has.
    pub signers: Vec<KeyName>,
    /// Which of the three kinds it is.
    pub act: Act,
    /// Length of the sealed body in bytes.
    pub body_bytes: Option<u64>,
    /// A deposit's series and its number there.
    pub deposit: Option<(SeriesId, u64)>,
    /// How many objects a deposit lists, and the sum of their padded lengths in bytes.
    pub listed: Option<(u64, u64)>,
}

/// What a record says that an object is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ObjectUse {
    /// The sealed body of this record.
    Body(u64),
    /// The object list of this record.
    List(u64),
    /// In the object list of this record.
    Part(u64),
    /// The recipient of the epoch that this record begins.
    Recipient(u64),
    /// The wrap of an epoch's secret that this record adds.
    Wrap(u64),
    /// Put, and named by no record so far.
    Unnamed,
}

/// An object as the keeper knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ObjectSeen {
    /// SHA-256 of its bytes.
    pub id: ObjectId,
    /// Its length in bytes.
    pub bytes: u64,
    /// When it was last put, in seconds since 1970.
    pub last_put: u64,
    /// What the first record that names it says it is for.
    pub is: ObjectUse,
}

/// What a full check of a space found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SpaceChecked {
    /// Records whose signatures and places hold: all of them, or there is an error instead.
    pub records: u64,
    /// Different objects that the records name.
    pub objects: u64,
    /// Sum of the lengths of those that are whole, in bytes.
    pub bytes: u64,
    /// Named, but not here.
    pub missing: Vec<ObjectId>,
    /// Here, but with other bytes than their name says.
    pub damaged: Vec<ObjectId>,
}

pub(crate) fn inspect<O: Objects, J: Journal>(
    keeper: &Keeper<O, J>,
    space: SpaceId,
) -> Result<Option<SpaceSeen>, Error> {
    let mut records = Vec::new();
    let mut uses = BTreeMap::new();
    let chain = walk(keeper, space, |stored, record| {
        for (id, is) in uses_in(keeper, record)? {
            uses.entry(id).or_insert(is);
        }
        records.push(record_seen(stored, record));
        Ok(())
    })?;
    let Some(chain) = chain else { return Ok(None) };
    let objects = objects_seen(keeper, space, &uses)?;
    Ok(Some(SpaceSeen {
        space,
        head: chain.head(),
        epoch: chain.epoch(),
        members: chain.members().map(|(key, role)| MemberSeen { name: key.name(), role }).collect(),
        series: chain.series().iter().map(|(series, head)| SeriesSeen { series: *series, deposits: head.k }).collect(),
        records,
        bytes: objects.iter().map(|object| object.bytes).sum(),
        objects,
    }))
}

pub(crate) fn check<O: Objects, J: Journal>(
    keeper: &Keeper<O, J>,
    space: SpaceId,
) -> Result<Option<SpaceChecked>, Error> {
    let mut found = SpaceChecked::default();
    let mut seen = BTreeSet::new();
    let chain = walk(keeper, space, |_, record| {
        found.records = found.records.saturating_add(1);
        let mut named = named_directly(record);
        // A list that is missing or damaged is found with the rest of what the record names.
        named.extend(named_by_list(keeper, record)?.unwrap_or_default());
        for Named { id, .. } in named {
            if seen.insert(id) {
                found.take(id, read(keeper, space, id)?);
            }
        }
        Ok(())
    })?;
    Ok(chain.map(|_| found))
}

enum Read {
    Whole(u64),
    Damaged,
    Missing,
}

impl SpaceChecked {
    fn take(&mut self, id: ObjectId, read: Read) {
        self.objects = self.objects.saturating_add(1);
        match read {
            Read::Whole(bytes) => self.bytes = self.bytes.saturating_add(bytes),
            Read::Damaged => self.damaged.push(id),
            Read::Missing => self.missing.push(id),
        }
    }
}

fn read<O: Objects, J: Journal>(keeper: &Keeper<O, J>, space: SpaceId, id: ObjectId) -> Result<Read, Error> {
    match keeper.objects.get(space, id) {
        Ok(None) => Ok(Read::Missing),
        Ok(Some(bytes)) if ObjectId::of(&bytes) == id => Ok(Read::Whole(bytes.len() as u64)),
        Ok(Some(_)) | Err(objects::Error::Damaged { .. }) => Ok(Read::Damaged),
        Err(other) => Err(other.into()),
    }
}

/// Follows a space page by page, checking every signature.
fn walk<O: Objects, J: Journal>(
    keeper: &Keeper<O, J>,
    space: SpaceId,
    mut visit: impl FnMut(&StoredRecord, &Record) -> Result<(), Error>,
) -> Result<Option<Chain>, Error> {
    let Some(head) = keeper.journal.head(space)? else { return Ok(None) };
    let mut chain: Option<Chain> = None;
    let mut next = 0;
    while next <= head.number {
        let page = keeper.journal.records(space, next, PAGE_RECORDS_MAX)?;
        if page.is_empty() {
            return Err(Error::Kept(ReplayError { number: next, error: space::Error::NotFollowed }));
        }
        for stored in page.iter().take_while(|stored| stored.number <= head.number) {
            let fault = |error| Error::Kept(ReplayError { number: stored.number, error });
            let record = UnverifiedRecord::parse(&stored.note).map_err(|error| fault(error.into()))?;
            let record = match &mut chain {
                Some(chain) => chain.append(record).map_err(fault)?,
                None => {
                    let (begun, genesis) = Chain::begin(record).map_err(fault)?;
                    chain = Some(begun);
                    genesis
                }
            };
            visit(stored, &record)?;
            next = stored.number.saturating_add(1);
        }
    }
    Ok(chain)
}

fn record_seen(stored: &StoredRecord, record: &Record) -> RecordSeen {
    let envelope = record.envelope();
    RecordSeen {
        number: stored.number,
        id: stored.id,
        kept: stored.kept,
        claimed: envelope.time,
        signers: record.signers().iter().map(|key| key.name()).collect(),
        act: envelope.act(),
        body_bytes: envelope.body.map(|(_, bytes)| bytes),
        deposit: envelope.deposit.map(|deposit| (deposit.series, deposit.k)),
        listed: envelope.deposit.map(|deposit| (deposit.objects.count, deposit.objects.total)),
    }
}

fn uses_in<O: Objects, J: Journal>(
    keeper: &Keeper<O, J>,
    record: &Record,
) -> Result<Vec<(ObjectId, ObjectUse)>, Error> {
    let number = record.number();
    let envelope = record.envelope();
    let mut uses: Vec<(ObjectId, ObjectUse)> =
        envelope.body.map(|(id, _)| (id, ObjectUse::Body(number))).into_iter().collect();
    for control in &envelope.controls {
        match control {
            Control::Epoch { recipient, .. } => uses.push((*recipient, ObjectUse::Recipient(number))),
            Control::Wrap { wrap, .. } => uses.push((*wrap, ObjectUse::Wrap(number))),
            Control::Founder(_) | Control::Slot(_) | Control::Recovery(_) | Control::Admins(_) => {}
            Control::Remove(_) | Control::Member { .. } | Control::Session { .. } | Control::Origin(_) => {}
            Control::RotatorEnds(_) | Control::Rotator(_) => {}
        }
    }
    uses.extend(envelope.deposit.map(|deposit| (deposit.objects.list, ObjectUse::List(number))));
    let listed = named_by_list(keeper, record)?.unwrap_or_default();
    uses.extend(listed.into_iter().map(|object| (object.id, ObjectUse::Part(number))));
    Ok(uses)
}

fn objects_seen<O: Objects, J: Journal>(
    keeper: &Keeper<O, J>,
    space: SpaceId,
    uses: &BTreeMap<ObjectId, ObjectUse>,
) -> Result<Vec<ObjectSeen>, Error> {
    let mut seen: Vec<ObjectSeen> = Vec::new();
    let mut after = None;
    loop {
        let page = keeper.objects.list(space, after, LIST_PAGE)?;
        let last = page.len() < LIST_PAGE;
        after = page.last().copied();
        for id in page {
            let Some(stat) = keeper.objects.stat(space, id)? else { continue };
            let last_put = stat.last_put.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
            let is = uses.get(&id).copied().unwrap_or(ObjectUse::Unnamed);
            seen.push(ObjectSeen { id, bytes: stat.bytes, last_put, is });
        }
        if last {
            return Ok(seen);
        }
    }
}
