//! Everything that a safe's records name is brought from one keeper to another, and what cannot be had is named.

use std::collections::{BTreeMap, BTreeSet};

use hizo_keeper::Error as KeeperError;
use hizo_ledger::id::{ObjectId, SeriesId, SpaceId};
use hizo_ledger::object::{ObjectList, ObjectRef, VerifiedObject};
use hizo_ledger::record::Record;
use hizo_store::NamedBytes;
use hizo_store::objects::Error::Damaged;
use hizo_vault::keys::IdentityFile;

use crate::Setting;
use crate::console::{Console, Progress};
use crate::contents::Opened;
use crate::failure::{Failure, Outcome};
use crate::home::Home;
use crate::keeper::Keeper;
use crate::lanes::lanes;
use crate::queue::{AtHand, WORTH_ASKING_BYTES};
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
    /// What nobody had when it was looked for last.
    pub missing: Vec<Missing>,
}

/// Everything that a safe's records name, on its way to another keeper.
pub(super) struct Bringing<'a> {
    new: &'a Keeper,
    /// The home as it will be.
    next: &'a Home,
    at_hand: AtHand,
    /// What the new keeper has taken, by earlier tries too.
    taken: BTreeSet<ObjectId>,
    /// Whether it is believed that it has what it says.
    is_believed: bool,
    pub brought: Brought,
}

/// All of it once, as the records of a safe name it.
struct Round<'r> {
    to: &'r Bringing<'r>,
    safe: &'r Safe,
    /// What the new keeper has lost.
    again: &'r BTreeSet<ObjectId>,
    bar: &'r Progress,
}

/// An object that a record names, and what was found of it, if it was looked for.
struct Named<'r> {
    object: ObjectRef,
    record: &'r Record,
    found: Option<Outcome<Option<VerifiedObject>>>,
}

/// What became of it.
enum Carried {
    Brought(u64),
    /// The new keeper has it, by another way.
    There,
    Missing,
    /// It could not be asked for, which says nothing of whether it is there.
    Failed(Failure),
}

impl<'a> Bringing<'a> {
    pub(super) fn new(home: &Home, new: &'a Keeper, next: &'a Home) -> Outcome<Self> {
        let (at_hand, taken) = (AtHand::of(home.folder()), next.brought()?);
        Ok(Self { new, next, at_hand, taken, is_believed: true, brought: Brought::default() })
    }

    /// Puts what the keeper so far need not have: its id and its length, as a record names it.
    pub(super) fn put(&mut self, space: SpaceId, bytes: Vec<u8>) -> Outcome<(ObjectId, u64)> {
        let named = self.new.put_bytes(space, bytes)?;
        self.next.note_brought(named.0)?;
        self.taken.insert(named.0);
        Ok(named)
    }

    /// Has everything brought once more: the new keeper has lost more than it can name.
    pub(super) fn forget(&mut self) -> Outcome<()> {
        self.taken.clear();
        self.is_believed = false;
        self.next.forget_brought()
    }

    /// Brings everything that the records from one on name and that was not brought before, and these again.
    ///
    /// # Errors
    /// When something could not be asked for, and neither when all the rest was brought.
    pub(super) fn bring(
        &mut self,
        safe: &Safe,
        from: usize,
        console: Console,
        again: &BTreeSet<ObjectId>,
    ) -> Outcome<()> {
        let records = safe.records.get(from..).unwrap_or_default();
        let mut taken = std::mem::take(&mut self.taken);
        taken.retain(|id| !again.contains(id));
        let bytes = records.iter().filter_map(|record| Some(record.envelope().deposit?.objects.total)).sum();
        let bar = console.progress(words!("bringing", "移しています"), bytes);
        let round = Round { to: self, safe, again, bar: &bar };
        let (mut brought, failed) = round.run(&mut taken, records.iter())?;
        if !failed.is_empty() {
            brought.missing.retain(|missing| !failed.contains_key(&missing.record));
            let records = records.iter().filter(|record| failed.contains_key(&record.number()));
            let (more, failed) = round.run(&mut taken, records)?;
            if let Some(failure) = failed.into_values().next() {
                return Err(failure.hint(words!(
                    "The safe has not moved. Try again: it goes on where it stopped. If the keeper never answers for what is left, cut this machine off from it and add --without-the-missing: it then counts as gone, and all that was brought is at the new one.",
                    "まだ移していません。もう一度試すと、続きから進みます。残りについて預け先がずっと答えないときは、預け先との通信を止め、--without-the-missing を付けて実行してください。預け先はなくなったものとして扱われ、それまでに運んだものは新しい預け先に残ります。"
                )));
            }
            brought.objects += more.objects;
            brought.bytes += more.bytes;
            brought.missing.extend(more.missing);
        }
        self.taken = taken;
        self.brought.objects += brought.objects;
        self.brought.bytes += brought.bytes;
        self.brought.missing.retain(|missing| missing.record < from as u64);
        self.brought.missing.extend(brought.missing);
        self.brought.missing.sort_by_key(|missing| (missing.record, missing.object));
        Ok(())
    }
}

impl Round<'_> {
    /// Brings what these records name: what came of it, and of which of them something could not be asked for.
    fn run<'r>(
        &self,
        taken: &mut BTreeSet<ObjectId>,
        mut records: impl Iterator<Item = &'r Record> + Send,
    ) -> Outcome<(Brought, BTreeMap<u64, Failure>)> {
        let (mut brought, mut failed, mut left) = (Brought::default(), BTreeMap::new(), Vec::new());
        let carry = |named: Named<'r>| -> Outcome<(ObjectRef, &'r Record, Carried)> {
            let (object, record) = (named.object, named.record);
            let carried = self.carry(named)?;
            self.bar.add(object.bytes());
            Ok((object, record, carried))
        };
        std::thread::scope(|scope| -> Outcome<()> {
            let (mut things, results) = lanes(scope, AT_ONCE, 1, carry);
            let named = &mut *taken;
            scope.spawn(move || records.all(|record| self.name(record, named, &mut |named| things.give(named))));
            for result in results {
                let (object, record, carried) = result?;
                match carried {
                    Carried::There => {}
                    Carried::Brought(bytes) => {
                        brought.objects += 1;
                        brought.bytes += bytes;
                    }
                    Carried::Missing => {
                        left.push(object.id());
                        brought.missing.push(missing(object, record));
                    }
                    Carried::Failed(failure) => {
                        left.push(object.id());
                        failed.entry(record.number()).or_insert(failure);
                    }
                }
            }
            Ok(())
        })?;
        for id in left {
            taken.remove(&id);
        }
        Ok((brought, failed))
    }

    /// Gives what a record names, directly and in its list, but for what was named before; false when nobody wants more.
    fn name<'r>(
        &self,
        record: &'r Record,
        named: &mut BTreeSet<ObjectId>,
        give: &mut dyn FnMut(Named<'r>) -> bool,
    ) -> bool {
        let mut once = |object: ObjectRef, found| match named.insert(object.id()) {
            true => give(Named { object, record, found }),
            false => {
                self.bar.add(object.bytes());
                true
            }
        };
        let direct = record.body_object().into_iter().chain(record.recipient());
        if !direct.chain(record.wraps().map(|(_, wrap)| wrap)).all(|object| once(object, None)) {
            return false;
        }
        let Some(list) = record.object_list() else { return true };
        let found = match self.find(list) {
            Ok(Some(found)) => match ObjectList::parse(&found) {
                Ok(listed) => {
                    let listed = listed.objects().iter().all(|object| once(*object, None));
                    return listed && once(list, Some(Ok(Some(found))));
                }
                Err(error) => Err(Failure::untrue(error.to_string())),
            },
            other => other,
        };
        // Without the list nobody knows what else there was, though it was brought itself.
        give(Named { object: list, record, found: Some(found) })
    }

    /// Brings an object, unless the new keeper has it.
    ///
    /// # Errors
    /// When the new keeper does not take it.
    fn carry(&self, Named { object, found, .. }: Named<'_>) -> Outcome<Carried> {
        let (space, id) = (self.safe.home.space, object.id());
        let is_believed = self.to.is_believed && !self.again.contains(&id);
        let is_asked = is_believed && found.is_none() && object.bytes() > WORTH_ASKING_BYTES;
        let carried = if is_asked && self.to.new.object_length(space, id)? == Some(object.bytes()) {
            Carried::There
        } else {
            let found = match found.unwrap_or_else(|| self.find(object)) {
                Ok(Some(found)) => found.into_bytes(),
                Ok(None) => return Ok(Carried::Missing),
                Err(failure) => return Ok(Carried::Failed(failure)),
            };
            self.to.new.put(space, &NamedBytes::claimed(id, found).map_err(Failure::internal)?)?;
            Carried::Brought(object.bytes())
        };
        self.to.next.note_brought(id)?;
        Ok(carried)
    }

    /// An object from the keeper so far, or from this machine, if it is the one that was named; nothing where neither has it.
    ///
    /// # Errors
    /// When that could not be told: another time the keeper may show it.
    fn find(&self, object: ObjectRef) -> Outcome<Option<VerifiedObject>> {
        let (space, id) = (self.safe.home.space, object.id());
        let found = match self.safe.keeper.recall(space, id) {
            Ok(bytes) => bytes,
            Err(KeeperError::Objects(Damaged { .. })) => None,
            // It was gone before anything was asked for.
            Err(KeeperError::Unreachable { .. }) if self.safe.is_away() => None,
            Err(error) => return Err(error.into()),
        };
        let is_it = |bytes| object.verify(bytes).ok();
        Ok(found.and_then(is_it).or_else(|| self.to.at_hand.get(id).and_then(is_it)))
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
