//! The sweep: takes away what was put and no record names, long after it was put, in both directories.
//!
//! What a record names is told by the records alone, and read anew in each pass; marks only say what no record may name any
//! more. See docs/spec/keeper.md, section "Sweep".

mod clock;

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, SystemTime};

use hizo_ledger::id::{ObjectId, SpaceId};
use hizo_ledger::space::Head;
use hizo_store::disk::Disk;
use hizo_store::{Journal, Objects, journal, objects};

use crate::names::{each_name, lying};
use crate::spaces::COST_MIN;
use crate::{Error, Keeper, SecondCopy};

pub use clock::SweepClock;

/// From the mark to the removal, at least, in seconds by the clock of the sweep.
pub const MARKED_SECONDS: u64 = 24 * 60 * 60;

/// From then on the mark of what was removed is forgotten, in the same seconds: no append lasts for so long.
const FORGOTTEN_SECONDS: u64 = 30 * MARKED_SECONDS;

/// Half of the names that are held in memory at once. A space that has more is gone through in parts of this many at least.
const NAMES_MAX: usize = 1 << 20;

/// Objects of one space that are marked or removed in one pass.
const DUE_MAX: usize = 1 << 16;

/// Objects that are marked or removed in one turn at the journal: nobody who appends waits for more.
const TURN: usize = 64;

/// How often marking is tried in a space that is appended to meanwhile.
const TRIES: usize = 16;

/// Names between two times at which a caller may take his time.
const NAMES_STEP: u64 = 1_000;

/// What a pass did.
#[derive(Debug, Default)]
pub struct Swept {
    /// Objects that were removed.
    pub objects: u64,
    /// Their lengths together, in bytes.
    pub bytes: u64,
    /// Objects that were marked.
    pub marked: u64,
    /// What lies in each space and no record names, in bytes as it counts against a quota, less what is counted already.
    pub unnamed: BTreeMap<SpaceId, u64>,
    /// Spaces in which nothing is marked or removed, since what their records name cannot all be told: all that is not known to be
    /// named counts as unnamed there. And those in which something failed, from there on.
    pub unclear: BTreeSet<SpaceId>,
    /// Whether all spaces were gone through and all that lies there was counted, or the rest was left to another time.
    pub is_whole: bool,
    /// The first error that the pass met. The space is unclear, and those behind it were gone through all the same.
    pub failure: Option<Error>,
    /// Why the second directory was left as it is, where there is one and it was.
    pub copy_left: Option<Error>,
}

impl Swept {
    /// What can be told of a space; where it cannot, the space is unclear.
    fn told<T, E: Into<Error>>(&mut self, space: SpaceId, result: Result<T, E>) -> Option<T> {
        let error = match result {
            Ok(told) => return Some(told),
            Err(error) => error.into(),
        };
        self.unclear.insert(space);
        // It says nothing of what lies here: nobody pays for it.
        self.is_whole &= !matches!(error, Error::Journal(journal::Error::Busy));
        self.failure.get_or_insert(error);
        None
    }
}

/// A pass over a keeper and its second directory, if there is one.
pub struct Sweep<'a, O, J, D: Disk, K> {
    /// The keeper.
    pub keeper: &'a Keeper<O, J>,
    /// Its second directory.
    pub copy: Option<&'a SecondCopy<D, K>>,
    /// The time, as the disk has it, at which the pass begins.
    pub began: SystemTime,
    /// The same moment by the clock of the sweep: [`SweepClock::seconds`].
    pub clock: u64,
    /// How long something lies unnamed before it is marked, counted from the last put of the deposit that it may belong to: until
    /// then something was put again and again, never this long after the one before, that no record names.
    pub after: Duration,
    /// Whether an object that no record names is counted already by whoever puts it, as [`Swept::unnamed`] says. It is left alone then.
    pub is_counted_already: &'a IsCountedAlready<'a>,
}

/// Asked of an object that lies in a space's folders, after it was found there.
pub type IsCountedAlready<'a> = dyn Fn(SpaceId, ObjectId) -> bool + Sync + 'a;

/// Told of so many names that were read; whether to go on.
pub type EachNames<'a> = dyn FnMut(u64) -> bool + 'a;

/// Why a pass ends before its end.
enum Halt {
    /// The caller does not go on.
    Stopped,
    Failed(Error),
}

impl<E: Into<Error>> From<E> for Halt {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

/// An object that no record names.
struct Orphan {
    /// The longer one, if the two directories differ.
    bytes: u64,
    last_put: SystemTime,
}

/// What no record names in a space.
#[derive(Default)]
struct Unnamed {
    /// What it costs, as it counts against a quota, in bytes.
    cost: u64,
    runs: Runs,
    /// What was put long ago and does not only wait, or as much of it as is held at once; the rest is for the next pass.
    due: Vec<(ObjectId, Orphan, Fate)>,
}

/// When it was put, first and last: in each run, less than a certain time lies from one put to the next. There is no more than one run
/// for each such time that has passed.
#[derive(Default)]
struct Runs(Vec<(SystemTime, SystemTime)>);

impl Runs {
    fn add(&mut self, put: SystemTime, gap: Duration) {
        let is_near = |from: SystemTime, to: SystemTime| to.duration_since(from).map_or(true, |between| between < gap);
        let (mut first, mut last) = (put, put);
        self.0.retain(|(begun, ended)| {
            let is_joined = is_near(*ended, put) && is_near(put, *begun);
            if is_joined {
                (first, last) = (first.min(*begun), last.max(*ended));
            }
            !is_joined
        });
        self.0.push((first, last));
    }

    fn newest(&self) -> Option<(SystemTime, SystemTime)> {
        self.0.iter().copied().max_by_key(|(_, last)| *last)
    }
}

/// What becomes of one.
enum Fate {
    /// It was put not long ago, or after now.
    Young,
    Marked,
    /// Its mark is of a time that has not come: the clock of the sweep was lost.
    MarkedAnew,
    /// It was marked not long ago.
    Waits,
    Removed,
}

/// What became of one in the first directory.
enum Removed {
    /// It was put again, and stays.
    Young,
    Here,
    /// It lay in the second directory alone, or another pass was first.
    Absent,
}

impl<O: Objects, J: Journal, D: Disk + Clone, K: Journal> Sweep<'_, O, J, D, K> {
    /// Goes through every space. `each` is where a caller takes his time, and where he ends. A second directory that is not
    /// known to be this keeper's, and no further than it, is left as it is: what it has, records may name that are not here.
    ///
    /// # Errors
    /// The store's, where the spaces cannot be listed. What goes wrong in one space is told in [`Swept::failure`].
    pub fn run(&self, each: &mut EachNames<'_>) -> Result<Swept, Error> {
        let copy_left = self.copy.and_then(|copy| copy.belongs(self.keeper).err());
        let copy = self.copy.filter(|_| copy_left.is_none());
        Sweep { copy, ..*self }.spaces(Swept { copy_left, ..Swept::default() }, each)
    }

    fn spaces(&self, mut swept: Swept, each: &mut EachNames<'_>) -> Result<Swept, Error> {
        let mut spaces: BTreeSet<SpaceId> = self.keeper.objects().spaces()?.into_iter().collect();
        if let Some(copy) = self.copy {
            spaces.extend(copy.objects.spaces()?);
        }
        swept.is_whole = true;
        for space in spaces {
            match self.space(space, &mut swept, each) {
                Ok(()) => {}
                Err(Halt::Stopped) => {
                    swept.is_whole = false;
                    break;
                }
                Err(Halt::Failed(error)) => {
                    swept.is_whole = false;
                    swept.told::<(), _>(space, Err(error));
                }
            }
        }
        Ok(swept)
    }

    fn space(&self, space: SpaceId, swept: &mut Swept, each: &mut EachNames<'_>) -> Result<(), Halt> {
        if swept.told(space, self.has_all_that_is_copied(space)) == Some(false) {
            swept.unclear.insert(space);
        }
        // Before the records are read: nothing that is marked by now is named by a record that comes after those.
        let marks = swept.told(space, self.keeper.journal().condemned(space)).unwrap_or_default();
        let mut marks: BTreeMap<ObjectId, u64> = marks.into_iter().collect();
        // Before the records, too: what comes later is looked at before anything is marked.
        let mut head = swept.told(space, self.keeper.head(space)).flatten();
        let (mut from, mut after, mut unnamed) = (None, None, Unnamed::default());
        loop {
            let names = self.names(space, from, swept, each)?;
            // Whatever the rows say, what a record names is not touched.
            let named: Vec<ObjectId> = marks.keys().copied().filter(|id| names.has(*id)).collect();
            swept.told(space, self.keeper.journal().pardon(space, &named, &mut |_| true));
            while let Some(page) = self.page(space, &names, &mut after)? {
                let read = page.len() as u64;
                self.unnamed(space, page, &names, &mut marks, swept, &mut unnamed);
                go_on(each, read)?;
            }
            from = names.end;
            if from.is_none() {
                break;
            }
        }
        if !swept.unclear.contains(&space) {
            let acted = self.act(space, &mut head, &mut unnamed, swept);
            swept.told(space, acted);
        }
        swept.told(space, self.forget(space, &marks));
        if unnamed.cost > 0 {
            swept.unnamed.insert(space, unnamed.cost);
        } else if lying(self.keeper.objects(), self.second(), space, None)?.0.is_empty() {
            swept.told(space, self.keeper.journal().claim(space, None));
        }
        Ok(())
    }

    fn second(&self) -> Option<&impl Objects> {
        self.copy.map(|copy| &copy.objects)
    }

    /// Whether the keeper has the last record that the copy has of a space, and so all before it: each holds the hash of the one
    /// before. Nothing is named there then that is not named here.
    fn has_all_that_is_copied(&self, space: SpaceId) -> Result<bool, Error> {
        let Some(copy) = self.copy else { return Ok(true) };
        let Some(head) = copy.journal.head(space)? else { return Ok(true) };
        Ok(self.keeper.records(space, head.number, 1)?.first().is_some_and(|record| record.id == head.id))
    }

    /// What the records of a space name from this id on, as much as is held at once. Where it cannot all be told, the space is
    /// unclear.
    fn names(
        &self,
        space: SpaceId,
        from: Option<ObjectId>,
        swept: &mut Swept,
        each: &mut EachNames<'_>,
    ) -> Result<Names, Halt> {
        let mut names = Names::new(from);
        let mut read = 0_u64;
        let all = each_name(self.keeper, self.second(), space, 0, &mut |_, id| {
            names.take(id, NAMES_MAX);
            read = read.saturating_add(1);
            if read.is_multiple_of(NAMES_STEP) { go_on(each, NAMES_STEP) } else { Ok::<_, Halt>(()) }
        });
        let all = match all {
            Err(Halt::Stopped) => return Err(Halt::Stopped),
            Err(Halt::Failed(error)) => swept.told(space, Err(error)),
            Ok(all) => Some(all),
        };
        if all == Some(false) {
            swept.unclear.insert(space);
        }
        // A space that has next to none costs as much as a name.
        go_on(each, (read % NAMES_STEP).saturating_add(1))?;
        names.sort();
        Ok(names)
    }

    /// The next ids that lie in the folders of a space and that these names are about; `None` behind the last one.
    fn page(&self, space: SpaceId, names: &Names, after: &mut Option<ObjectId>) -> Result<Option<Vec<ObjectId>>, Halt> {
        let (ids, _) = lying(self.keeper.objects(), self.second(), space, *after)?;
        let ids: Vec<ObjectId> = ids.into_iter().take_while(|id| names.reach(*id)).collect();
        *after = ids.last().copied().or(*after);
        Ok(Some(ids).filter(|ids| !ids.is_empty()))
    }

    /// Takes up what of these objects no record names.
    fn unnamed(
        &self,
        space: SpaceId,
        page: Vec<ObjectId>,
        names: &Names,
        marks: &mut BTreeMap<ObjectId, u64>,
        swept: &mut Swept,
        unnamed: &mut Unnamed,
    ) {
        for id in page {
            let mark = marks.remove(&id);
            if names.has(id) {
                continue;
            }
            let is_counted_already = (self.is_counted_already)(space, id);
            let orphan = match swept.told(space, self.look(space, id)) {
                Some(Some(orphan)) => orphan,
                Some(None) => continue,
                None => {
                    let cost = if is_counted_already { 0 } else { COST_MIN };
                    unnamed.cost = unnamed.cost.saturating_add(cost);
                    continue;
                }
            };
            unnamed.runs.add(orphan.last_put, self.after);
            if is_counted_already {
                continue;
            }
            unnamed.cost = unnamed.cost.saturating_add(COST_MIN.max(orphan.bytes));
            match self.fate(&orphan, mark) {
                Fate::Young | Fate::Waits => {}
                fate if unnamed.due.len() < DUE_MAX => unnamed.due.push((id, orphan, fate)),
                Fate::Marked | Fate::MarkedAnew | Fate::Removed => {}
            }
        }
    }

    /// Marks and removes what is due. What belongs to a deposit that may still go on is not.
    fn act(
        &self,
        space: SpaceId,
        head: &mut Option<Head>,
        unnamed: &mut Unnamed,
        swept: &mut Swept,
    ) -> Result<(), Error> {
        let going_on = unnamed.runs.newest().filter(|(_, last)| self.is_young(*last)).map(|(first, _)| first);
        let (mut due, mut anew, mut old) = (Vec::new(), Vec::new(), Vec::new());
        for (id, orphan, fate) in unnamed.due.drain(..) {
            match fate {
                _ if going_on.is_some_and(|first| orphan.last_put >= first) => {}
                Fate::Young | Fate::Waits => {}
                Fate::Marked => due.push(id),
                Fate::MarkedAnew => anew.push(id),
                Fate::Removed => old.push((id, orphan.bytes)),
            }
        }
        self.keeper.journal().pardon(space, &anew, &mut |_| true)?;
        due.append(&mut anew);
        for turn in due.chunks(TURN) {
            self.mark(space, turn.to_vec(), head, swept)?;
        }
        for turn in old.chunks(TURN) {
            unnamed.cost = unnamed.cost.saturating_sub(self.remove(space, turn, swept)?);
        }
        Ok(())
    }

    fn look(&self, space: SpaceId, id: ObjectId) -> Result<Option<Orphan>, objects::Error> {
        let first = self.keeper.objects().stat(space, id)?;
        let second = self.second().map(|second| second.stat(space, id)).transpose()?.flatten();
        let found = first.into_iter().chain(second);
        Ok(found.fold(None, |orphan: Option<Orphan>, stat| {
            let (bytes, last_put) = orphan.map_or((0, stat.last_put), |orphan| (orphan.bytes, orphan.last_put));
            Some(Orphan { bytes: bytes.max(stat.bytes), last_put: last_put.max(stat.last_put) })
        }))
    }

    fn fate(&self, orphan: &Orphan, mark: Option<u64>) -> Fate {
        match mark {
            _ if self.is_young(orphan.last_put) => Fate::Young,
            None => Fate::Marked,
            Some(since) => match self.clock.checked_sub(since) {
                None => Fate::MarkedAnew,
                Some(seconds) if seconds < MARKED_SECONDS => Fate::Waits,
                Some(_) => Fate::Removed,
            },
        }
    }

    /// Whether something was put not long ago, or after now.
    fn is_young(&self, last_put: SystemTime) -> bool {
        self.began.duration_since(last_put).map_or(true, |age| age < self.after)
    }

    /// Marks these objects, less those that are named meanwhile.
    fn mark(
        &self,
        space: SpaceId,
        mut objects: Vec<ObjectId>,
        head: &mut Option<Head>,
        swept: &mut Swept,
    ) -> Result<(), Error> {
        for _ in 0..TRIES {
            match self.keeper.journal().condemn(space, *head, &objects, self.clock) {
                Err(journal::Error::Conflict { head: now }) => {
                    let from = head.map_or(0, |head| head.number.saturating_add(1));
                    let mut named = BTreeSet::new();
                    let all = each_name(self.keeper, self.second(), space, from, &mut |_, id| {
                        named.insert(id);
                        Ok::<_, Error>(())
                    })?;
                    if !all {
                        break;
                    }
                    *head = now;
                    objects.retain(|id| !named.contains(id));
                }
                marked => {
                    marked?;
                    swept.marked = swept.marked.saturating_add(objects.len() as u64);
                    break;
                }
            }
        }
        Ok(())
    }

    /// Removes these objects where they are still marked. What they cost.
    fn remove(&self, space: SpaceId, objects: &[(ObjectId, u64)], swept: &mut Swept) -> Result<u64, Error> {
        let ids: Vec<ObjectId> = objects.iter().map(|(id, _)| *id).collect();
        let (mut outcome, mut removed, mut left) = (Ok(()), BTreeSet::new(), Vec::new());
        let until = self.clock.saturating_sub(MARKED_SECONDS);
        // Whoever appends waits for this, and so not for the second disk.
        self.keeper.journal().expire(space, &ids, until, &mut |id| match self.remove_one(space, id) {
            Ok(Removed::Young) => {}
            Ok(Removed::Here) => {
                removed.insert(id);
                left.push(id);
            }
            Ok(Removed::Absent) => left.push(id),
            Err(error) => outcome = Err(error),
        })?;
        if let Some(copy) = self.copy.filter(|_| !left.is_empty()) {
            removed.extend(copy.remove_marked(self.keeper, space, &left)?);
        }
        let mut cost = 0_u64;
        for (_, bytes) in objects.iter().filter(|(id, _)| removed.contains(id)) {
            swept.objects = swept.objects.saturating_add(1);
            swept.bytes = swept.bytes.saturating_add(*bytes);
            cost = cost.saturating_add(COST_MIN.max(*bytes));
        }
        outcome?;
        Ok(cost)
    }

    /// Removes an object from the first directory.
    fn remove_one(&self, space: SpaceId, id: ObjectId) -> Result<Removed, objects::Error> {
        let Some(stat) = self.keeper.objects().stat(space, id)? else { return Ok(Removed::Absent) };
        // One that has been put again since it was looked at is about to lose its mark.
        if self.is_young(stat.last_put) {
            return Ok(Removed::Young);
        }
        Ok(if self.keeper.objects().remove(space, id)? { Removed::Here } else { Removed::Absent })
    }

    /// Forgets the marks of what was removed long ago.
    fn forget(&self, space: SpaceId, left: &BTreeMap<ObjectId, u64>) -> Result<(), Error> {
        let is_old = |since: u64| self.clock.checked_sub(since).is_some_and(|seconds| seconds >= FORGOTTEN_SECONDS);
        let old: Vec<ObjectId> = left.iter().filter(|(_, since)| is_old(**since)).map(|(id, _)| *id).collect();
        for turn in old.chunks(TURN) {
            self.keeper.journal().pardon(space, turn, &mut |_| true)?;
        }
        Ok(())
    }
}

fn go_on(each: &mut EachNames<'_>, names: u64) -> Result<(), Halt> {
    if each(names) { Ok(()) } else { Err(Halt::Stopped) }
}

/// What records name of the ids from one on and before another one.
struct Names {
    ids: Vec<ObjectId>,
    from: Option<ObjectId>,
    end: Option<ObjectId>,
}

impl Names {
    const fn new(from: Option<ObjectId>) -> Self {
        Self { ids: Vec::new(), from, end: None }
    }

    /// Takes an id up. Beyond so many the end moves down.
    fn take(&mut self, id: ObjectId, most: usize) {
        if self.from.is_some_and(|from| id < from) || !self.reach(id) {
            return;
        }
        self.ids.push(id);
        // Not each time that there is one more: the same ids may have been named twice, and sorting costs.
        if self.ids.len() > most.saturating_mul(2) {
            self.sort();
            if let Some(end) = self.ids.get(most) {
                self.end = Some(*end);
                self.ids.truncate(most);
            }
        }
    }

    fn sort(&mut self) {
        self.ids.sort_unstable();
        self.ids.dedup();
    }

    fn has(&self, id: ObjectId) -> bool {
        self.ids.binary_search(&id).is_ok()
    }

    /// Whether this id lies before the end.
    fn reach(&self, id: ObjectId) -> bool {
        self.end.is_none_or(|end| id < end)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn names_that_are_too_many_are_gone_through_in_parts_that_miss_none() {
        let ids: Vec<ObjectId> = (0..1_000_u32).map(|number| ObjectId::of(&number.to_be_bytes())).collect();
        for most in [1, 7, 499, 500, 999, 1_000, 5_000] {
            let (mut from, mut parts, mut found) = (None, 0, Vec::new());
            loop {
                let mut names = Names::new(from);
                ids.iter().chain(&ids).for_each(|id| names.take(*id, most));
                names.sort();
                assert!(names.ids.len() <= most * 2, "{} are held where {most} may be", names.ids.len());
                assert!(
                    ids.iter().all(|id| names.has(*id) == (from.is_none_or(|from| *id >= from) && names.reach(*id)))
                );
                found.append(&mut names.ids);
                (from, parts) = (names.end, parts + 1);
                if from.is_none() {
                    break;
                }
            }
            let mut all = ids.clone();
            all.sort_unstable();
            assert_eq!(found, all, "{most}");
            assert!(parts >= ids.len() / (most * 2), "{parts} parts for {most}");
        }
    }
}
