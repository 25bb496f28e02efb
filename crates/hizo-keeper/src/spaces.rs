//! The spaces that a keeper follows, and the one act that makes them longer.

mod takeover;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hizo_ledger::id::{ObjectId, RecordId, Slot, SpaceId};
use hizo_ledger::identity::VerifyingKey;
use hizo_ledger::object::{OBJECT_LIST_LINE_BYTES_MAX, ObjectList, ObjectRef, RECIPIENT_BYTES_MAX};
use hizo_ledger::record::{Control, Deposit, Envelope, Record, UnverifiedRecord};
use hizo_ledger::space::{self, Chain, Following, Head, RECOVERY_CLOCK_SECONDS, SessionBy};
use hizo_store::journal::{AccountId, Charge, Entry, PAGE_RECORDS_MAX, StoredRecord};
use hizo_store::objects::{self, ABSENT_MAX};
use hizo_store::{Journal, Objects};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::{Error, Keeper, Kept};

pub use takeover::{TAKEN_BYTES_MAX, TAKEN_OBJECTS_MAX, Takeover};
pub(crate) use takeover::{take_over, turn_to_take};

/// Most spaces whose chains are kept in memory. Beyond that all are forgotten and followed anew when they are touched.
const CHAINS_MAX: usize = 4_096;

/// Each space touched since the start, as far as it was followed.
#[derive(Default)]
pub(crate) struct Chains {
    spaces: Mutex<BTreeMap<SpaceId, Arc<Mutex<Option<Followed>>>>>,
    /// Held by whoever has a whole space in memory to take it over.
    taking: Mutex<()>,
}

/// A space that was followed to a head.
struct Followed {
    chain: Chain,
    slot_key: Zeroizing<[u8; 32]>,
}

impl Chains {
    /// Spaces wait for themselves only.
    fn of(&self, space: SpaceId) -> Arc<Mutex<Option<Followed>>> {
        let mut spaces = lock(&self.spaces);
        if spaces.len() >= CHAINS_MAX && !spaces.contains_key(&space) {
            spaces.clear();
        }
        Arc::clone(spaces.entry(space).or_default())
    }
}

/// A record that is kept, by this act or by an earlier one.
pub(crate) struct Done {
    pub(crate) kept: Kept,
    /// Whether this very act has appended it.
    pub(crate) appended: bool,
    /// What the objects cost that are named by what this act has appended, in bytes.
    pub(crate) named: u64,
}

impl Done {
    const fn before(kept: Kept) -> Self {
        Self { kept, appended: false, named: 0 }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A chain grows by whole records, and is compared with the journal's head before it is used.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(crate) fn create<O: Objects, J: Journal>(
    keeper: &Keeper<O, J>,
    note: &[u8],
    slot_key: &[u8; 32],
    payer: Option<Payer>,
) -> Result<Done, Error> {
    let genesis = parse(keeper, note)?;
    let space = genesis.envelope().space;
    let (chain, record) = Chain::begin(genesis).map_err(|error| match error {
        hizo_ledger::space::Error::NotGenesis => Error::NotGenesis,
        other => Error::Rule(other),
    })?;
    check_slot_key(&chain, slot_key)?;
    let cached = keeper.chains.of(space);
    let mut cached = lock(&cached);
    match keeper.journal.head(space)? {
        None => {}
        Some(head) if genesis_is(keeper, space, record.id())? => {
            let kept = kept(keeper, space, 0, slot_key)?;
            if head.number == 0 {
                resettle(keeper, space, None, note, Some(slot_key), &kept)?;
            }
            return Ok(Done::before(kept));
        }
        head => return Err(Error::Conflict { head }),
    }
    let kept = commit(keeper, &record, None, slot_key, payer)?;
    *cached = Some(Followed { chain, slot_key: Zeroizing::new(*slot_key) });
    Ok(Done { kept, appended: true, named: objects_cost(record.envelope()) })
}

fn check_slot_key(chain: &Chain, slot_key: &[u8; 32]) -> Result<(), Error> {
    let is_named = <[u8; 32]>::from(Sha256::digest(slot_key)) == *chain.slot().as_bytes();
    if is_named { Ok(()) } else { Err(Error::SlotKey) }
}

fn genesis_is<O: Objects, J: Journal>(keeper: &Keeper<O, J>, space: SpaceId, id: RecordId) -> Result<bool, Error> {
    Ok(keeper.journal.records(space, 0, 1)?.iter().any(|first| first.id == id))
}

pub(crate) fn append<O: Objects, J: Journal>(
    keeper: &Keeper<O, J>,
    note: &[u8],
    payer: Option<Payer>,
) -> Result<Done, Error> {
    let record = parse(keeper, note)?;
    let (space, number, prev) = (record.envelope().space, record.envelope().number, record.envelope().prev);
    let before = number.checked_sub(1).zip(prev).map(|(number, id)| Head { number, id });
    let cached = keeper.chains.of(space);
    let mut cached = lock(&cached);
    // Where nobody else has appended the journal need not be read: the append itself compares the head.
    if let Some(followed) = cached.as_mut().filter(|followed| Some(followed.chain.head()) == before) {
        match lengthen(keeper, followed, record.clone(), payer) {
            Ok(done) => return Ok(done),
            Err(error @ (Error::Journal(_) | Error::Objects(_))) => return Err(error),
            // Nobody has appended in between: the answer would be the same.
            Err(error) if keeper.journal.head(space)? == before => return Err(error),
            // The journal as it is now decides which answer comes first.
            Err(_) => {}
        }
    }
    let head = keeper.journal.head(space)?;
    let followed = follow(keeper, space, head, &mut cached)?.ok_or(Error::NotBegun)?;
    let before = before.ok_or(Error::NotGenesis)?;
    if followed.chain.contains(number, record.id()) {
        return repeat(keeper, followed, before, note);
    }
    lengthen(keeper, followed, record, payer)
}

/// Appends what follows the head of a space that was followed.
fn lengthen<O: Objects, J: Journal>(
    keeper: &Keeper<O, J>,
    followed: &mut Followed,
    record: UnverifiedRecord,
    payer: Option<Payer>,
) -> Result<Done, Error> {
    let Followed { chain, slot_key } = followed;
    if chain.keeper() != &keeper.origin {
        return Err(Error::Moved { to: chain.keeper().clone() });
    }
    let (head, envelope) = (chain.head(), record.envelope());
    if (head.number.checked_add(1), Some(head.id)) != (Some(envelope.number), envelope.prev) {
        return Err(Error::Conflict { head: Some(head) });
    }
    let next = chain.check(record).map_err(Error::Rule)?;
    if chain.counts_by(&next) {
        // The delay of a recovery is as long as the keeper's clock says: nobody else's time is in the chain.
        let off = next.record().envelope().time.unix_seconds().abs_diff((keeper.clock)());
        if off > RECOVERY_CLOCK_SECONDS {
            return Err(Error::Rule(space::Error::TimeOff));
        }
    }
    let kept = commit(keeper, next.record(), Some(head), slot_key, payer)?;
    let named = objects_cost(next.record().envelope());
    chain.advance(next).map_err(Error::Rule)?;
    Ok(Done { kept, appended: true, named })
}

/// Who starts sessions with this key in a space whose head was just read.
pub(crate) fn session_by<O: Objects, J: Journal>(
    keeper: &Keeper<O, J>,
    space: SpaceId,
    head: Head,
    session: &VerifyingKey,
) -> Result<Option<SessionBy>, Error> {
    let cached = keeper.chains.of(space);
    let mut cached = lock(&cached);
    // Somebody may have appended since: the chain does not go back to answer.
    let head = if cached.as_ref().is_some_and(|followed| followed.chain.head().number > head.number) {
        keeper.journal.head(space)?
    } else {
        Some(head)
    };
    Ok(follow(keeper, space, head, &mut cached)?.and_then(|followed| followed.chain.session_by(session)))
}

fn parse<O, J>(keeper: &Keeper<O, J>, note: &[u8]) -> Result<UnverifiedRecord, Error> {
    let record = UnverifiedRecord::parse(note).map_err(Error::Form)?;
    if record.envelope().keeper != keeper.origin {
        return Err(Error::OtherKeeper);
    }
    Ok(record)
}

/// What was kept before is kept: its objects were here, and may have been deleted since by order.
fn repeat<O: Objects, J: Journal>(
    keeper: &Keeper<O, J>,
    Followed { chain, slot_key }: &Followed,
    before: Head,
    note: &[u8],
) -> Result<Done, Error> {
    let kept = kept(keeper, chain.space(), before.number.saturating_add(1), slot_key)?;
    if chain.head().number == kept.number {
        resettle(keeper, chain.space(), Some(before), note, None, &kept)?;
    }
    Ok(Done::before(kept))
}

/// The first answer for what is the head now may have been an error: the journal makes sure that it is durable.
/// Whatever is behind the head is as durable as the head.
fn resettle<O: Objects, J: Journal>(
    keeper: &Keeper<O, J>,
    space: SpaceId,
    expected: Option<Head>,
    note: &[u8],
    slot_key: Option<&[u8; 32]>,
    kept: &Kept,
) -> Result<(), Error> {
    let entry = Entry { space, expected, note, objects: &[], slot_key, kept: kept.time, charge: None };
    journal(keeper, entry)?;
    Ok(())
}

fn kept<O: Objects, J: Journal>(
    keeper: &Keeper<O, J>,
    space: SpaceId,
    number: u64,
    slot_key: &[u8; 32],
) -> Result<Kept, Error> {
    let record = keeper.journal.records(space, number, 1)?.into_iter().next();
    let StoredRecord { id, number, kept: time, .. } = record.ok_or(Error::Conflict { head: None })?;
    Ok(Kept { id, number, time, slot: Slot::of(slot_key, number) })
}

/// Appends to the journal, together with what comes at the same time.
fn journal<O: Objects, J: Journal>(keeper: &Keeper<O, J>, entry: Entry<'_>) -> Result<Head, Error> {
    Ok(keeper.commits.append(entry, |entries: &[Entry<'_>]| keeper.journal.append_all(entries))?)
}

/// Objects first, then the record: the append is the one commit point, and whatever it names is durable before it.
fn commit<O: Objects, J: Journal>(
    keeper: &Keeper<O, J>,
    record: &Record,
    expected: Option<Head>,
    slot_key: &[u8; 32],
    payer: Option<Payer>,
) -> Result<Kept, Error> {
    let objects = confirm(keeper, record, &BTreeSet::new())?;
    let time = (keeper.clock)();
    let entry = Entry {
        space: record.envelope().space,
        expected,
        note: record.note_bytes(),
        objects: &objects,
        // It comes with the genesis, and is not told again.
        slot_key: expected.is_none().then_some(slot_key),
        kept: time,
        charge: payer.map(|payer| payer.charge(cost(record.envelope(), record.note_bytes()))),
    };
    let Head { number, id } = journal(keeper, entry)?;
    Ok(Kept { id, number, time, slot: Slot::of(slot_key, number) })
}

/// Who pays for what a record names, and how much he may pay for.
#[derive(Clone, Copy)]
pub(crate) struct Payer {
    /// The account that the space is settled to by its genesis.
    pub(crate) account: AccountId,
    /// What the account may pay for in all, in bytes.
    pub(crate) quota: u64,
    /// It may have one space.
    pub(crate) alone: bool,
}

impl Payer {
    const fn charge(self, bytes: u64) -> Charge {
        Charge { account: self.account, bytes, quota: self.quota, alone: self.alone }
    }
}

/// What a record costs beside its note and its objects, and an object at least, in bytes: about what either takes up here,
/// however short it is.
pub(crate) const COST_MIN: u64 = 4 << 10;

/// What a record costs: its note, and every object that it names.
pub(crate) fn cost(envelope: &Envelope, note: &[u8]) -> u64 {
    objects_cost(envelope).saturating_add(COST_MIN).saturating_add(note.len() as u64)
}

/// What a record's objects cost, as it names them: those that its object list holds, too.
pub(crate) fn objects_cost(envelope: &Envelope) -> u64 {
    let controls = envelope.controls.iter().map(|control| match control {
        Control::Wrap { bytes, .. } => COST_MIN.max(*bytes),
        Control::Epoch { .. } => COST_MIN.max(RECIPIENT_BYTES_MAX),
        _ => 0,
    });
    let body = envelope.body.map_or(0, |(_, bytes)| COST_MIN.max(bytes));
    let deposit = envelope.deposit.map_or(0, |Deposit { objects, .. }| {
        let list = COST_MIN.max(objects.count.saturating_mul(OBJECT_LIST_LINE_BYTES_MAX));
        list.saturating_add(objects.total.max(objects.count.saturating_mul(COST_MIN)))
    });
    controls.fold(body.saturating_add(deposit), u64::saturating_add)
}

/// An object as a record, or a list that it names, speaks of it.
pub(crate) struct Named {
    pub(crate) id: ObjectId,
    /// In bytes; for an object list and a recipient, whose length no record names, the most it may be.
    bytes: u64,
    exact: bool,
}

impl Named {
    fn exactly(object: ObjectRef) -> Self {
        Self { id: object.id(), bytes: object.bytes(), exact: true }
    }

    fn at_most(object: ObjectRef) -> Self {
        Self { id: object.id(), bytes: object.bytes(), exact: false }
    }

    fn allows(&self, found: u64) -> bool {
        if self.exact { found == self.bytes } else { found <= self.bytes }
    }
}

/// The ids of what an envelope itself names, without what its object list names.
pub(crate) fn direct(envelope: &Envelope) -> Vec<ObjectId> {
    let mut ids: Vec<ObjectId> = envelope.body.map(|(id, _)| id).into_iter().collect();
    ids.extend(envelope.controls.iter().filter_map(|control| match control {
        Control::Epoch { recipient: id, .. } | Control::Wrap { wrap: id, .. } => Some(*id),
        _ => None,
    }));
    ids.extend(envelope.deposit.map(|deposit| deposit.objects.list));
    ids
}

/// What the record itself names, without what its object list names.
pub(crate) fn named_directly(record: &Record) -> Vec<Named> {
    let mut named: Vec<Named> = record.body_object().into_iter().map(Named::exactly).collect();
    named.extend(record.recipient().map(Named::at_most));
    named.extend(record.wraps().map(|(_, wrap)| Named::exactly(wrap)));
    named.extend(record.object_list().map(Named::at_most));
    named
}

/// What the record's object list names; `None` when the list is not here or damaged.
pub(crate) fn named_by_list<O: Objects, J: Journal>(
    keeper: &Keeper<O, J>,
    record: &Record,
) -> Result<Option<Vec<Named>>, Error> {
    let Some(list) = record.object_list() else { return Ok(Some(Vec::new())) };
    let Some(bytes) = whole(keeper, record.envelope().space, list.id())? else { return Ok(None) };
    let found = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    let misnamed = |_| Error::ObjectSize { id: list.id(), named: list.bytes(), found };
    let listed = ObjectList::parse(&list.verify(bytes).map_err(misnamed)?).map_err(Error::List)?;
    Ok(Some(listed.objects().iter().copied().map(Named::exactly).collect()))
}

/// An object's bytes if they are here and match its id.
pub(crate) fn whole<O: Objects, J: Journal>(
    keeper: &Keeper<O, J>,
    space: SpaceId,
    id: ObjectId,
) -> Result<Option<Vec<u8>>, Error> {
    match keeper.objects.get(space, id) {
        Ok(bytes) => Ok(bytes.filter(|bytes| ObjectId::of(bytes) == id)),
        Err(objects::Error::Damaged { .. }) => Ok(None),
        Err(other) => Err(other.into()),
    }
}

/// Everything that the record names, directly and in its list, once all of it is durable here, but for what is `absent`. Of what
/// is not, at most [`ABSENT_MAX`] are named: whoever names what he never put has nobody look for all of it.
fn confirm<O: Objects, J: Journal>(
    keeper: &Keeper<O, J>,
    record: &Record,
    absent: &BTreeSet<ObjectId>,
) -> Result<Vec<ObjectId>, Error> {
    let space = record.envelope().space;
    let mut named = named_directly(record);
    let listed = named_by_list(keeper, record)?;
    let mut again: BTreeSet<ObjectId> = BTreeSet::new();
    match (listed, record.object_list()) {
        (Some(listed), _) => named.extend(listed),
        (None, list) => again.extend(list.map(|list| list.id()).filter(|id| !absent.contains(id))),
    }
    let ids: Vec<ObjectId> = named.iter().map(|object| object.id).collect();
    for (object, found) in named.iter().zip(keeper.objects.confirm(space, &ids)?) {
        match found {
            Some(found) if object.allows(found) => {}
            // Another length is the record's fault if the hash holds, and the disk's if it does not.
            Some(found) if whole(keeper, space, object.id)?.is_some() => {
                return Err(Error::ObjectSize { id: object.id, named: object.bytes, found });
            }
            None if absent.contains(&object.id) => {}
            Some(_) | None => drop(again.insert(object.id)),
        }
        if again.len() >= ABSENT_MAX {
            break;
        }
    }
    if again.is_empty() {
        return Ok(ids);
    }
    Err(Error::PutAgain { objects: ids.into_iter().filter(|id| again.remove(id)).collect() })
}

/// Brings a chain up to the journal's head: other processes append too. `None` when it has none: the space has not begun.
fn follow<'a, O: Objects, J: Journal>(
    keeper: &Keeper<O, J>,
    space: SpaceId,
    head: Option<Head>,
    cached: &'a mut Option<Followed>,
) -> Result<Option<&'a mut Followed>, Error> {
    let Some(head) = head else {
        *cached = None;
        return Ok(None);
    };
    let known = match cached.take() {
        Some(Followed { chain, slot_key }) => extend(keeper, chain, head)?.map(|chain| Followed { chain, slot_key }),
        None => None,
    };
    let followed = match known {
        Some(followed) => followed,
        None => {
            let slot_key = Zeroizing::new(keeper.journal.slot_key(space)?.ok_or(Error::NotBegun)?);
            Followed { chain: replay(keeper, space, head)?, slot_key }
        }
    };
    Ok(Some(cached.insert(followed)))
}

/// Takes up what others have appended since; `None` when the journal is not a continuation of the chain.
fn extend<O: Objects, J: Journal>(keeper: &Keeper<O, J>, mut chain: Chain, head: Head) -> Result<Option<Chain>, Error> {
    while chain.head().number < head.number {
        let next = chain.head().number.saturating_add(1);
        let page = keeper.journal.records(chain.space(), next, PAGE_RECORDS_MAX)?;
        if page.is_empty() {
            return Ok(None);
        }
        for record in page {
            let Ok(record) = UnverifiedRecord::parse(&record.note) else { return Ok(None) };
            if chain.append(record).is_err() {
                return Ok(None);
            }
            if chain.head() == head {
                break;
            }
        }
    }
    Ok((chain.head() == head).then_some(chain))
}

/// Follows a space from its genesis. Its signatures held when each record was taken, and each note holds the hash of
/// the one before: hashes are enough here, and [`crate::Keeper::check`] looks at the signatures again.
pub(crate) fn replay<O: Objects, J: Journal>(
    keeper: &Keeper<O, J>,
    space: SpaceId,
    head: Head,
) -> Result<Chain, Error> {
    let mut following = Following::to(head);
    while let Some(next) = following.next_number() {
        let page = keeper.journal.records(space, next, PAGE_RECORDS_MAX)?;
        if page.is_empty() {
            break;
        }
        page.iter().try_for_each(|record| following.take(&record.note)).map_err(Error::Kept)?;
    }
    following.end().map_err(Error::Kept)
}
