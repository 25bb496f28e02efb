//! A space that comes from another keeper, whole: its records from 0 to the one by which it moves here.
//!
//! See docs/spec/moving.md.

use std::collections::BTreeSet;
use std::sync::{MutexGuard, TryLockError};

use hizo_ledger::id::ObjectId;
use hizo_ledger::identity::VerifyingKey;
use hizo_ledger::record::{Control, Record, UnverifiedRecord};
use hizo_ledger::space::{Chain, Head, SessionBy};
use hizo_store::journal::{self, Entry};
use hizo_store::objects::ABSENT_MAX;
use hizo_store::{Journal, Objects};
use zeroize::Zeroizing;

use super::{Done, Followed, Payer, check_slot_key, confirm, cost, follow, kept, lock, objects_cost, repeat};
use crate::{Error, Keeper};

/// Most notes that are taken over at once, in bytes: they are in memory together.
pub const TAKEN_BYTES_MAX: u64 = 128 << 20;

/// Most objects that the records of a space may name that is taken over.
pub const TAKEN_OBJECTS_MAX: usize = 1 << 22;

/// A space as it is given to the keeper that it moves to.
#[derive(Clone, Copy)]
pub struct Takeover<'a> {
    /// Every note in order, from record 0 to the one whose `origin` line names the keeper.
    pub notes: &'a [Vec<u8>],
    /// The space's slot key.
    pub slot_key: &'a [u8; 32],
    /// Named objects that nobody has any more: the records that name them are taken all the same.
    pub absent: &'a BTreeSet<ObjectId>,
    /// The session key of whoever gives it, who must have signed the last record; `None` where nobody is asked.
    pub session: Option<VerifyingKey>,
}

/// The turn of whoever has a whole space in memory: one at a time.
///
/// # Errors
/// That the journal is busy, while it is somebody else's. Nobody waits: that would hold up threads that all others need.
pub(crate) fn turn_to_take<O, J>(keeper: &Keeper<O, J>) -> Result<MutexGuard<'_, ()>, Error> {
    match keeper.chains.taking.try_lock() {
        Ok(turn) => Ok(turn),
        Err(TryLockError::Poisoned(turn)) => Ok(turn.into_inner()),
        Err(TryLockError::WouldBlock) => Err(Error::Journal(journal::Error::Busy)),
    }
}

/// Takes a space over in one step: all of its records are here then, each at the next place of the log, or none is.
///
/// # Errors
/// [`Error::OtherKeeper`] when the last record, and no earlier one, does not name this keeper as the one of all later records;
/// [`Error::Conflict`] when the space is here, or what is here of it is not its beginning; [`Error::Mover`]; those of an append.
pub(crate) fn take_over<O: Objects, J: Journal>(
    keeper: &Keeper<O, J>,
    taken: &Takeover<'_>,
    payer: Option<Payer>,
) -> Result<Done, Error> {
    let (note, before) = taken.notes.split_last().ok_or(Error::NotGenesis)?;
    let last = UnverifiedRecord::parse(note).map_err(Error::Form)?;
    let envelope = last.envelope();
    if !envelope.controls.iter().any(|control| matches!(control, Control::Origin(origin) if *origin == keeper.origin)) {
        return Err(Error::OtherKeeper);
    }
    let (space, number, id) = (envelope.space, envelope.number, last.id());
    let cached = keeper.chains.of(space);
    let mut cached = lock(&cached);
    let mut chain = None;
    if let Some(followed) = follow(keeper, space, keeper.journal.head(space)?, &mut cached)? {
        if followed.chain.contains(number, id) {
            let before = number.checked_sub(1).zip(envelope.prev).map(|(number, id)| Head { number, id });
            return repeat(keeper, followed, before.ok_or(Error::NotGenesis)?, note);
        }
        if *followed.chain.keeper() == keeper.origin {
            return Err(Error::Conflict { head: Some(followed.chain.head()) });
        }
        // It was here before, went away, and comes back.
        chain = Some(followed.chain.clone());
    }
    let mut records = Vec::new();
    for note in before {
        chain = Some(lengthened(chain, UnverifiedRecord::parse(note).map_err(Error::Form)?, &mut records)?);
        // What names this keeper and was never here, this keeper has never kept.
        if chain.as_ref().is_some_and(|chain| *chain.keeper() == keeper.origin) {
            return Err(Error::OtherKeeper);
        }
    }
    let chain = lengthened(chain, last, &mut records)?;
    check_slot_key(&chain, taken.slot_key)?;
    if let Some(session) = taken.session {
        let signers = records.last().map(Record::signers).unwrap_or_default();
        let signed =
            matches!(chain.session_by(&session), Some(SessionBy::Member { key, .. }) if signers.contains(&key));
        if !signed {
            return Err(Error::Mover);
        }
    }
    let objects = confirm_all(keeper, &records, taken.absent)?;
    let time = (keeper.clock)();
    let entries: Vec<Entry<'_>> = records
        .iter()
        .zip(&objects)
        .map(|(record, objects)| {
            let envelope = record.envelope();
            Entry {
                space,
                expected: envelope.number.checked_sub(1).zip(envelope.prev).map(|(number, id)| Head { number, id }),
                note: record.note_bytes(),
                objects,
                slot_key: (envelope.number == 0).then_some(taken.slot_key),
                kept: time,
                charge: payer.map(|payer| payer.charge(cost(envelope, record.note_bytes()))),
            }
        })
        .collect();
    keeper.journal.append_whole(&entries)?;
    let named = records.iter().map(|record| objects_cost(record.envelope())).fold(0, u64::saturating_add);
    *cached = Some(Followed { chain, slot_key: Zeroizing::new(*taken.slot_key) });
    Ok(Done { kept: kept(keeper, space, number, taken.slot_key)?, appended: true, named })
}

/// The chain with its next record, which is put behind the others; without it where the record stands already.
fn lengthened(chain: Option<Chain>, record: UnverifiedRecord, records: &mut Vec<Record>) -> Result<Chain, Error> {
    let Some(mut chain) = chain else {
        let (chain, genesis) = Chain::begin(record).map_err(|error| match error {
            hizo_ledger::space::Error::NotGenesis => Error::NotGenesis,
            other => Error::Rule(other),
        })?;
        records.push(genesis);
        return Ok(chain);
    };
    let (number, head) = (record.envelope().number, chain.head());
    if number > head.number {
        records.push(chain.append(record).map_err(Error::Rule)?);
    } else if !chain.contains(number, record.id()) {
        return Err(Error::Conflict { head: Some(head) });
    }
    Ok(chain)
}

/// What each record names, once all of it is durable here that is not absent.
fn confirm_all<O: Objects, J: Journal>(
    keeper: &Keeper<O, J>,
    records: &[Record],
    absent: &BTreeSet<ObjectId>,
) -> Result<Vec<Vec<ObjectId>>, Error> {
    let (mut named, mut count, mut again) = (Vec::with_capacity(records.len()), 0_usize, Vec::new());
    for record in records {
        match confirm(keeper, record, absent) {
            Ok(objects) => {
                count = count.saturating_add(objects.len());
                named.push(objects);
            }
            Err(Error::PutAgain { objects }) => again.extend(objects),
            Err(other) => return Err(other),
        }
        if count > TAKEN_OBJECTS_MAX {
            return Err(Error::TooMuch { what: "its records name more objects than are taken over at once" });
        }
        if again.len() >= ABSENT_MAX {
            break;
        }
    }
    again.truncate(ABSENT_MAX);
    if again.is_empty() { Ok(named) } else { Err(Error::PutAgain { objects: again }) }
}
