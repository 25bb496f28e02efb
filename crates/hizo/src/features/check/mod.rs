//! Checking: everything kept is read again, and whatever does not hold is told with the deposits that it touches.
//!
//! It goes on behind the first damage. Without the keys it compares every record and object with its hash; with them it
//! also opens everything, recomputes every commitment, and walks every tar beside its manifest.

pub(crate) mod command;
mod objects;
mod own;
mod packs;
pub(crate) mod page;
mod sample;
mod series;
mod sweep;
mod tar;

use std::collections::{BTreeMap, BTreeSet};

use hizo_keeper::EmbeddedKeeper;
use hizo_ledger::id::{ObjectId, SeriesId, SpaceId};
use hizo_ledger::object::{ObjectList, ObjectRef};
use hizo_ledger::record::Record;
use hizo_store::{Journal, Objects};

use crate::contents::Opened;
use crate::failure::{Failure, Kind, Outcome};
use crate::log;
use crate::safe::{Keyring, Safe};
use crate::words::{Words, words};
pub(crate) use objects::State;
pub(crate) use own::Own;
pub(crate) use sample::{sample_in_passing, sample_in_time};
pub(crate) use series::Touched;
pub(crate) use sweep::sweep;

/// Ids of one page of the keeper's list of objects.
const LIST_PAGE: usize = 1000;

/// What was found.
#[derive(Debug, Default)]
pub(crate) struct Report {
    /// Records whose signatures and places hold.
    pub records: u64,
    /// Objects that the records name, and the bytes of those that were read.
    pub objects: u64,
    pub bytes: u64,
    pub deposits: u64,
    /// Those of them that were made before this identity came, and compared with their hashes only.
    pub closed: u64,
    /// Different contents that were compared with their hashes, and their bytes. Nothing without the keys.
    pub contents: Option<(u64, u64)>,
    /// Objects of the safe that are missing or damaged.
    pub bad: BTreeMap<ObjectId, State>,
    /// The keeper's own space; nothing where it was not looked at.
    pub own: Option<Own>,
    /// Deposits of which something does not hold.
    pub touched: Vec<Touched>,
    /// What else does not hold.
    pub faults: Vec<Words>,
    /// Objects that no record names: left over from deposits that were cut short.
    pub unnamed: u64,
    /// Those of them that had lain for long, and were removed.
    pub swept: u64,
}

impl Report {
    pub(crate) fn holds(&self) -> bool {
        self.bad.is_empty() && self.touched.is_empty() && self.faults.is_empty() && self.own_bad().is_empty()
    }

    /// Objects of the keeper's own space that are missing or damaged.
    pub(crate) fn own_bad(&self) -> &[(ObjectId, State)] {
        self.own.as_ref().map_or(&[], |own| &own.bad)
    }
}

/// Told about the work as it goes on.
pub(crate) trait Watcher: Sync {
    /// About this many bytes will be read.
    fn planned(&self, bytes: u64);
    /// This many more bytes were read.
    fn progress(&self, bytes: u64);
}

/// Nobody.
impl Watcher for () {
    fn planned(&self, _: u64) {}

    fn progress(&self, _: u64) {}
}

/// Checks a safe, or one series of it; `keyring` opens what is sealed.
///
/// # Errors
/// Only when the checking itself cannot go on. What does not hold is in the report.
pub(crate) fn check(
    safe: &Safe,
    keyring: Option<&Keyring>,
    wanted: Option<SeriesId>,
    watcher: &dyn Watcher,
) -> Outcome<Report> {
    let mut report = Report { records: safe.records.len() as u64, ..Report::default() };
    if let Some(Err(error)) = safe.keeper.here().map(|keeper| keeper.journal().integrity()) {
        report.faults.push(words!("the keeper's journal: {error}", "預け先の記録簿: {error}"));
    }
    match log::check(safe) {
        Ok(()) => {}
        Err(failure) if is_silence(safe, &failure) => return Err(failure),
        Err(failure) => report.faults.push(failure.message),
    }
    let named = Named::of(safe, wanted, &mut report)?;
    watcher.planned(named.bytes());
    named.read_directly(safe, &mut report, watcher);
    match keyring {
        Some(keyring) => open_all(Opened { safe, keyring }, &named, &mut report, watcher)?,
        None => named.read_listed(safe, &mut report, watcher, |_| true)?,
    }
    named.count(&mut report);
    if wanted.is_none() {
        report.unnamed = named.unnamed(safe, &mut report);
        match own::check(safe) {
            Ok(mut own) => {
                report.faults.append(&mut own.faults);
                report.own = Some(own);
            }
            Err(failure) if is_silence(safe, &failure) => return Err(failure),
            Err(failure) => report.faults.push(failure.message),
        }
    }
    Ok(report)
}

/// A keeper elsewhere that does not answer has not shown anything false.
fn is_silence(safe: &Safe, failure: &Failure) -> bool {
    failure.kind == Kind::Unknown && safe.keeper.here().is_none()
}

/// Everything that the records name.
struct Named<'a> {
    /// Bodies, object lists, recipients, wraps; with the record that names each.
    directly: Vec<(&'a Record, ObjectRef)>,
    /// Deposits with their objects, in the order of series and number.
    deposits: BTreeMap<(SeriesId, u64), (&'a Record, Vec<ObjectRef>)>,
}

impl<'a> Named<'a> {
    fn of(safe: &'a Safe, wanted: Option<SeriesId>, report: &mut Report) -> Outcome<Self> {
        let mut named = Self { directly: Vec::new(), deposits: BTreeMap::new() };
        for record in &safe.records {
            let deposit = record.envelope().deposit.as_ref();
            if deposit.is_some_and(|deposit| wanted.is_some_and(|wanted| wanted != deposit.series)) {
                continue;
            }
            let of_controls = record.recipient().into_iter().chain(record.wraps().map(|(_, wrap)| wrap));
            let direct = record.body_object().into_iter().chain(record.object_list()).chain(of_controls);
            named.directly.extend(direct.map(|object| (record, object)));
            if let (Some(deposit), Some(list)) = (deposit, record.object_list()) {
                named.deposits.insert((deposit.series, deposit.k), (record, listed(safe, record, list, report)?));
            }
        }
        report.deposits = named.deposits.len() as u64;
        Ok(named)
    }

    fn bytes(&self) -> u64 {
        let listed = self.deposits.values().flat_map(|(_, objects)| objects).map(ObjectRef::bytes).sum::<u64>();
        listed + self.directly.iter().map(|(_, object)| object.bytes()).sum::<u64>()
    }

    /// Compares everything that records name themselves with its hash.
    fn read_directly(&self, safe: &Safe, report: &mut Report, watcher: &dyn Watcher) {
        let states = objects::each(&self.directly, |(_, object)| {
            let state = objects::read(safe, *object).err();
            watcher.progress(object.bytes());
            state
        });
        for ((_, object), state) in self.directly.iter().zip(states) {
            state.map(|state| report.bad.insert(object.id(), state));
        }
    }

    /// Compares everything that the wanted deposits list with its hash, and names the deposits of what is not right.
    fn read_listed(
        &self,
        safe: &Safe,
        report: &mut Report,
        watcher: &dyn Watcher,
        is_wanted: impl Fn(&Record) -> bool,
    ) -> Outcome<()> {
        let wanted = || self.deposits.values().filter(|(record, _)| is_wanted(record));
        let listed: Vec<ObjectRef> = wanted().flat_map(|(_, objects)| objects).copied().collect();
        let states = objects::each(&listed, |object| {
            let state = objects::read(safe, *object).err();
            watcher.progress(object.bytes());
            state
        });
        for (object, state) in listed.iter().zip(states) {
            state.map(|state| report.bad.insert(object.id(), state));
        }
        for (record, objects) in wanted() {
            let direct = [record.body_object(), record.object_list()];
            let all = objects.iter().copied().chain(direct.into_iter().flatten());
            let bad = all.filter(|object| report.bad.contains_key(&object.id())).count();
            if bad > 0 {
                let mut touched = Touched::new(record)?;
                touched.faults.push(words!(
                    "{bad} of its objects are missing or damaged; later deposits of the series may rest on them",
                    "部品{bad}個がないか壊れています。同じ束のこれより後の回にも影響することがあります"
                ));
                report.touched.push(touched);
            }
        }
        Ok(())
    }

    fn count(&self, report: &mut Report) {
        let mut seen = BTreeSet::new();
        let all = self.deposits.values().flat_map(|(_, objects)| objects);
        for object in all.chain(self.directly.iter().map(|(_, object)| object)) {
            if seen.insert(object.id()) {
                report.objects += 1;
                if !report.bad.contains_key(&object.id()) {
                    report.bytes += object.bytes();
                }
            }
        }
    }

    /// How many objects no record names.
    fn unnamed(&self, safe: &Safe, report: &mut Report) -> u64 {
        let named: BTreeSet<ObjectId> = self
            .deposits
            .values()
            .flat_map(|(_, objects)| objects)
            .chain(self.directly.iter().map(|(_, object)| object))
            .map(ObjectRef::id)
            .collect();
        let Some(keeper) = safe.keeper.here() else { return 0 };
        match list(keeper, safe.home.space, |id| !named.contains(&id)) {
            Ok(unnamed) => unnamed.len() as u64,
            Err(fault) => {
                report.faults.push(fault);
                0
            }
        }
    }
}

/// The objects of a deposit; none when the list is not there or not in its form, which is told elsewhere or here.
fn listed(safe: &Safe, record: &Record, list: ObjectRef, report: &mut Report) -> Outcome<Vec<ObjectRef>> {
    let Ok(bytes) = objects::read(safe, list) else { return Ok(Vec::new()) };
    match ObjectList::parse(&bytes) {
        Ok(list) => Ok(list.objects().to_vec()),
        Err(error) => {
            let number = record.number();
            report.faults.push(words!("record {number}: {error}", "記録 {number}: {error}"));
            Ok(Vec::new())
        }
    }
}

/// Opens everything that is sealed and compares it with what it has to be.
fn open_all(opened: Opened, named: &Named, report: &mut Report, watcher: &dyn Watcher) -> Outcome<()> {
    let is_closed = |record: &Record| opened.keyring.came_after(record.envelope().epoch);
    named.read_listed(opened.safe, report, watcher, is_closed)?;
    let said = |record: &&Record| record.envelope().deposit.is_none() && !is_closed(record);
    for record in opened.safe.records.iter().filter(said) {
        let readable = record.body_object().is_none_or(|body| !report.bad.contains_key(&body.id()));
        if let Err(failure) = opened.keyring.events(opened.safe, record)
            && readable
        {
            let (number, reason) = (record.number(), failure.message);
            report.faults.push(words!(
                "what record {number} says cannot be read: {reason}",
                "記録 {number} の内容を読めません: {reason}";
                reason
            ));
        }
    }
    let (mut files, mut bytes) = (0, 0);
    let mut series: BTreeMap<SeriesId, Vec<&Record>> = BTreeMap::new();
    for ((id, _), (record, _)) in &named.deposits {
        match is_closed(record) {
            true => report.closed += 1,
            false => series.entry(*id).or_default().push(record),
        }
    }
    for deposits in series.values() {
        let found = series::check(opened, deposits, &|bytes| watcher.progress(bytes))?;
        report.bad.extend(found.bad);
        report.touched.extend(found.touched);
        files += found.files;
        bytes += found.bytes;
    }
    report.contents = Some((files, bytes));
    Ok(())
}

/// What can be checked when the records do not hold: every object that lies there, by its own name.
///
/// # Errors
/// When the keeper does not even list them.
pub(crate) fn check_objects(keeper: &EmbeddedKeeper, space: SpaceId) -> Outcome<Report> {
    let ids = list(keeper, space, |_| true).map_err(Failure::untrue)?;
    let states = objects::each(&ids, |id| match keeper.object(space, *id) {
        Ok(Some(bytes)) if ObjectId::of(&bytes) == *id => (bytes.len() as u64, None),
        Ok(Some(_)) => (0, Some(State::Damaged)),
        Ok(None) => (0, Some(State::Missing)),
        Err(_) => (0, Some(State::Unreadable)),
    });
    let mut report = Report { objects: ids.len() as u64, ..Report::default() };
    for (id, (bytes, state)) in ids.into_iter().zip(states) {
        report.bytes += bytes;
        state.map(|state| report.bad.insert(id, state));
    }
    Ok(report)
}

fn list(keeper: &EmbeddedKeeper, space: SpaceId, wanted: impl Fn(ObjectId) -> bool) -> Result<Vec<ObjectId>, Words> {
    let mut found = Vec::new();
    let mut after = None;
    loop {
        let page = keeper.objects().list(space, after, LIST_PAGE).map_err(|error| {
            words!("the keeper's objects cannot be listed: {error}", "預け先の部品の一覧を読めません: {error}")
        })?;
        let last = page.len() < LIST_PAGE;
        after = page.last().copied();
        found.extend(page.into_iter().filter(|id| wanted(*id)));
        if last {
            return Ok(found);
        }
    }
}
