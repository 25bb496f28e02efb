//! Everything that a safe's records name is brought from one keeper to another, and what cannot be had is named.

use std::collections::{BTreeMap, BTreeSet};

use hizo_keeper::Error as KeeperError;
use hizo_ledger::id::{ObjectId, SeriesId};
use hizo_ledger::object::{ObjectList, ObjectRef, VerifiedObject};
use hizo_ledger::record::Record;
use hizo_store::NamedBytes;
use hizo_vault::keys::IdentityFile;

use crate::Setting;
use crate::console::Console;
use crate::contents::Opened;
use crate::failure::{Failure, Outcome};
use crate::home::Home;
use crate::keeper::Keeper;
use crate::lanes::lanes;
use crate::queue::AtHand;
use crate::safe::Safe;
use crate::view::View;
use crate::words::words;

/// Objects that are on their way at once.
const AT_ONCE: usize = 4;

/// Missing objects that are named one by one for a person.
const NAMED_MAX: usize = 100;

/// An object that a record names and nobody has.
#[derive(Debug, Clone)]
pub(crate) struct Missing {
    pub object: ObjectId,
    /// The number of the first record that names it.
    pub record: u64,
    /// Series and number of the deposit that the record makes.
    pub deposit: Option<(SeriesId, u64)>,
}

/// What was brought, and what not.
#[derive(Default)]
pub(super) struct Brought {
    pub objects: usize,
    pub bytes: u64,
    pub missing: Vec<Missing>,
}

/// A safe whose objects go to another keeper.
pub(super) struct Bringing<'a> {
    safe: &'a Safe,
    new: &'a Keeper,
    /// The home as it will be.
    next: &'a Home,
    at_hand: AtHand,
    /// What the new keeper has taken by an earlier try.
    before: BTreeSet<ObjectId>,
}

impl<'a> Bringing<'a> {
    pub(super) fn new(safe: &'a Safe, new: &'a Keeper, next: &'a Home) -> Outcome<Self> {
        let (at_hand, before) = (AtHand::of(safe.home.folder()), next.brought()?);
        Ok(Self { safe, new, next, at_hand, before })
    }

    /// Brings everything that was not brought before, and these again.
    pub(super) fn bring(mut self, console: Console, again: &BTreeSet<ObjectId>) -> Outcome<Brought> {
        self.before.retain(|id| !again.contains(id));
        let (mut named, mut brought) = (BTreeMap::new(), Brought::default());
        for record in &self.safe.records {
            self.name(record, &mut named, &mut brought.missing)?;
        }
        named.retain(|id, _| !self.before.contains(id));
        let bar = console
            .progress(words!("bringing", "移しています"), named.values().map(|(object, _)| object.bytes()).sum());
        let bringing = &self;
        let carry = |(object, record): (ObjectRef, &'a Record)| -> Outcome<Result<u64, Missing>> {
            let carried = bringing.carry(object)?;
            bar.add(object.bytes());
            Ok(carried.ok_or_else(|| missing(object, record)))
        };
        let outcomes = std::thread::scope(|scope| -> Outcome<Vec<_>> {
            let (mut things, results) = lanes(scope, AT_ONCE, 1, carry);
            let named = named.into_values();
            scope.spawn(move || { named }.all(|thing| things.give(thing)));
            results.into_iter().collect()
        })?;
        for outcome in outcomes {
            match outcome {
                Ok(bytes) => {
                    brought.objects += 1;
                    brought.bytes += bytes;
                }
                Err(missing) => brought.missing.push(missing),
            }
        }
        brought.missing.sort_by_key(|missing| (missing.record, missing.object));
        Ok(brought)
    }

    /// What a record names, directly and in its list, that no record before it names.
    fn name(
        &self,
        record: &'a Record,
        named: &mut BTreeMap<ObjectId, (ObjectRef, &'a Record)>,
        lost: &mut Vec<Missing>,
    ) -> Outcome<()> {
        let direct = record.body_object().into_iter().chain(record.recipient());
        for object in direct.chain(record.wraps().map(|(_, wrap)| wrap)) {
            named.entry(object.id()).or_insert((object, record));
        }
        let Some(list) = record.object_list() else { return Ok(()) };
        match self.find(list)? {
            // Without the list nobody knows what else there was.
            None => lost.push(missing(list, record)),
            Some(bytes) => {
                let listed = ObjectList::parse(&bytes).map_err(|error| Failure::untrue(error.to_string()))?;
                for object in listed.objects().iter().chain([&list]) {
                    named.entry(object.id()).or_insert((*object, record));
                }
            }
        }
        Ok(())
    }

    /// Brings an object: its length; nothing when nobody has it.
    fn carry(&self, object: ObjectRef) -> Outcome<Option<u64>> {
        let Some(found) = self.find(object)? else { return Ok(None) };
        let found = NamedBytes::claimed(object.id(), found.as_bytes().to_vec()).map_err(Failure::internal)?;
        self.new.put(self.safe.home.space, &found)?;
        self.next.note_brought(object.id())?;
        Ok(Some(found.length()))
    }

    /// An object from the keeper so far, or from this machine, if it is the one that was named.
    fn find(&self, object: ObjectRef) -> Outcome<Option<VerifiedObject>> {
        let (space, id) = (self.safe.home.space, object.id());
        match self.safe.keeper.object(space, id) {
            Ok(bytes) => {
                if let Some(found) = bytes.and_then(|bytes| object.verify(bytes).ok()) {
                    return Ok(Some(found));
                }
            }
            // It answered a moment ago: somebody has to look before anything is taken for lost.
            Err(error @ KeeperError::Unreachable { .. }) if !self.safe.is_away() => return Err(error.into()),
            Err(_) => {}
        }
        Ok(self.at_hand.get(space, id).and_then(|bytes| object.verify(bytes).ok()))
    }
}

fn missing(object: ObjectRef, record: &Record) -> Missing {
    let deposit = record.envelope().deposit.map(|deposit| (deposit.series, deposit.k));
    Missing { object: object.id(), record: record.number(), deposit }
}

/// Names what is missing, with what the deposits are called if that can be told.
pub(super) fn name(setting: &Setting, safe: &Safe, identity: &IdentityFile, missing: &[Missing]) {
    let keyring = safe.unlock_unheeded(identity).ok();
    let view = keyring.as_ref().and_then(|keyring| View::of(Opened { safe, keyring }).ok());
    let name_of = |series: SeriesId| {
        let known = view.as_ref().and_then(|view| view.series.get(&series));
        known.map_or_else(|| format!("id:{series}"), |known| known.shown_name(series))
    };
    for Missing { object, record, deposit } in missing.iter().take(NAMED_MAX) {
        setting.console.warn(match deposit {
            Some((series, k)) => words!(
                "missing: object {object} of {name} deposit {k} (record {record})",
                "ありません: {name} 第{k}回の部品 {object}（記録 {record}）",
                name = name_of(*series)
            ),
            None => words!(
                "missing: object {object} of record {record}, which makes no deposit",
                "ありません: 預け入れではない記録 {record} の部品 {object}"
            ),
        });
    }
    let more = missing.len().saturating_sub(NAMED_MAX);
    if more > 0 {
        setting.console.warn(words!("and {more} more objects", "ほかに{more}個の部品"));
    }
}
