//! Scrub: everything that is kept is read again, in both directories, and mended from the other one where it is damaged.
//!
//! What is written matches its name, what it replaces does not: good bytes are never overwritten. See docs/spec/keeper.md,
//! section "Scrub".

use std::collections::BTreeSet;

use hizo_ledger::id::{ObjectId, SpaceId};
use hizo_store::disk::Disk;
use hizo_store::objects;
use hizo_store::published::PublishedFiles;
use hizo_store::{Journal, NamedBytes, Objects};

use super::{SecondCopy, is_full_tile, may_change};
use crate::log::{self, LogReader};
use crate::names::{each_name, lying};
use crate::{Error, Keeper};

/// Records that are read together: no append waits for longer.
const RECORDS: usize = 256;

/// How far a scrub has come: it goes on behind this object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mark {
    /// Spaces before this one were read.
    pub space: SpaceId,
    /// So were its objects up to this one.
    pub object: Option<ObjectId>,
}

impl Mark {
    /// Before everything.
    pub(super) const BEGINNING: Self = Self { space: SpaceId::from_bytes([0; 16]), object: None };
}

/// One of the two directories.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Directory {
    /// The keeper's own.
    First,
    /// The copy.
    Second,
}

impl Directory {
    /// As files and results name it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::First => "first",
            Self::Second => "second",
        }
    }
}

/// What was found damaged or missing.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Damage {
    /// An object that a record names.
    Object {
        /// Where.
        at: Directory,
        /// Whose it is.
        space: SpaceId,
        /// Which one.
        object: ObjectId,
    },
    /// A file of the published log.
    File {
        /// Where.
        at: Directory,
        /// Its path below the log's folder.
        path: String,
    },
    /// Rows of a journal, which cannot be told or are not those of the other one.
    Journal {
        /// Where.
        at: Directory,
        /// What does not hold.
        what: String,
    },
}

/// What a scrub has read and found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Scrubbed {
    /// Objects that were read, those of both directories.
    pub objects: u64,
    /// Their lengths together, in bytes.
    pub bytes: u64,
    /// Records that were read.
    pub records: u64,
    /// Whether everything was read, or the rest was left to another time.
    pub is_whole: bool,
    /// What was put right.
    pub mended: BTreeSet<Damage>,
    /// What nobody here can put right.
    pub lost: BTreeSet<Damage>,
}

/// A keeper, what it has published, and its second directory if there is one.
pub struct Scrub<'a, O, J, D: Disk, K, F: Disk> {
    /// The keeper.
    pub keeper: &'a Keeper<O, J>,
    /// Its log.
    pub log: &'a LogReader<PublishedFiles<F>>,
    /// Its second directory.
    pub copy: Option<&'a SecondCopy<D, K>>,
}

/// A piece of work that is done.
pub struct Step<'a> {
    /// Where a later scrub goes on; `None` where it cannot go on from here, but from the mark before.
    pub mark: Option<Mark>,
    /// What it has cost the disks, in bytes: what is small costs a seek.
    pub cost: u64,
    /// What was read and found until now.
    pub found: &'a Scrubbed,
}

/// Told of each piece of work; whether to go on.
pub type Each<'a> = dyn FnMut(&Step<'_>) -> bool + 'a;

/// What a file that is read costs at least, in bytes: a seek.
const READ_COST: u64 = 64 << 10;

/// What it costs to look whether a file is there, in bytes.
const STAT_COST: u64 = 4 << 10;

enum Found {
    Absent,
    Damaged,
    Whole(NamedBytes),
}

impl<O: Objects, J: Journal, D: Disk + Clone, K: Journal, F: Disk> Scrub<'_, O, J, D, K, F> {
    /// Reads everything behind this mark again, and mends what the other directory has. `each` is where a caller takes his
    /// time, and where he ends. Journals are read whole each time.
    ///
    /// # Errors
    /// [`Error::CopyOther`], [`Error::CopyAhead`]: nothing is put into a directory that is not this keeper's. The store's, where it
    /// cannot write or not even be asked. What is damaged is no error, but told.
    pub fn run(&self, from: Option<Mark>, each: &mut Each<'_>) -> Result<Scrubbed, Error> {
        if let Some(Err(error @ (Error::CopyOther | Error::CopyAhead { .. }))) =
            self.copy.map(|copy| copy.belongs(self.keeper))
        {
            return Err(error);
        }
        let mut found = Scrubbed::default();
        let Some(spaces) = self.journals(&mut found, each)? else { return Ok(found) };
        for space in spaces.into_iter().filter(|space| from.is_none_or(|from| *space >= from.space)) {
            let after = from.filter(|from| from.space == space).and_then(|from| from.object);
            if after.is_none() && !self.named(space, &mut found, each)? {
                return Ok(found);
            }
            if !self.lying(space, after, &mut found, each)? {
                return Ok(found);
            }
        }
        found.is_whole = self.files(&mut found, each)?;
        Ok(found)
    }

    /// Every record of the log, in both journals. The spaces, where they can be told and there was time.
    fn journals(&self, found: &mut Scrubbed, each: &mut Each<'_>) -> Result<Option<Vec<SpaceId>>, Error> {
        // It is written down as a line, and short.
        let line = |what: String| what.chars().map(|c| if c.is_control() { ' ' } else { c }).take(160).collect();
        let broken = |at, error: hizo_store::journal::Error| Damage::Journal { at, what: line(error.to_string()) };
        let mut next = 0;
        loop {
            let page = match self.keeper.journal().logged(next, RECORDS) {
                Ok(page) => page,
                Err(error) => {
                    found.lost.insert(broken(Directory::First, error));
                    return Ok(None);
                }
            };
            if let Some(copy) = self.copy.filter(|copy| copy.copied.size() > next) {
                let what = match copy.journal.logged(next, RECORDS) {
                    Ok(copied) if copied.iter().zip(&page).all(|(copied, first)| copied == first) => None,
                    Ok(_) => Some("its records are not those of the first directory".to_owned()),
                    Err(error) => Some(line(error.to_string())),
                };
                found.lost.extend(what.map(|what| Damage::Journal { at: Directory::Second, what }));
            }
            let read = u64::try_from(page.len()).unwrap_or(u64::MAX);
            (next, found.records) = (next.saturating_add(read), found.records.saturating_add(read));
            if page.is_empty() {
                break;
            }
            let notes = page.iter().map(|(_, record)| record.note.len() as u64).sum::<u64>();
            if !each(&Step { mark: None, cost: notes.max(READ_COST), found }) {
                return Ok(None);
            }
        }
        match self.keeper.journal().spaces() {
            Ok(spaces) => Ok(Some(spaces)),
            Err(error) => {
                found.lost.insert(broken(Directory::First, error));
                Ok(None)
            }
        }
    }

    /// Looks whether everything that the records of a space name is there; its bytes are read later. Whether there was time.
    fn named(&self, space: SpaceId, found: &mut Scrubbed, each: &mut Each<'_>) -> Result<bool, Error> {
        let told = each_name(self.keeper, self.second(), space, 0, &mut |position, id| {
            let is_first = self.keeper.objects().stat(space, id).map_err(Error::from)?.is_some();
            let copy = self.copy.filter(|copy| position < copy.copied.size());
            let second = copy.map(|copy| copy.objects.stat(space, id)).transpose().map_err(Error::from)?;
            let is_second = second.is_some_and(|stat| stat.is_some());
            let mut cost = STAT_COST;
            if !is_first || (copy.is_some() && !is_second) {
                cost = self.object(space, id, copy.is_some(), &mut |_| true, found)?.max(READ_COST);
            }
            if each(&Step { mark: None, cost, found }) { Ok(()) } else { Err(Ended::NoTime) }
        });
        match told {
            Ok(_) => Ok(true),
            Err(Ended::NoTime) => Ok(false),
            Err(Ended::Failed(error)) => Err(error),
        }
    }

    fn second(&self) -> Option<&impl Objects> {
        self.copy.map(|copy| &copy.objects)
    }

    /// Reads every object that lies in the folders of a space. Whether there was time for all.
    fn lying(
        &self,
        space: SpaceId,
        mut after: Option<ObjectId>,
        found: &mut Scrubbed,
        each: &mut Each<'_>,
    ) -> Result<bool, Error> {
        let mut names = None;
        loop {
            let (ids, is_last) = lying(self.keeper.objects(), self.second(), space, after)?;
            for id in &ids {
                let mut is_named = |id: ObjectId| match &names {
                    Some(names) => BTreeSet::contains(names, &id),
                    None => {
                        let mut all = BTreeSet::new();
                        // What cannot be followed is taken for named.
                        let told = each_name(self.keeper, self.second(), space, 0, &mut |_, id| {
                            all.insert(id);
                            Ok::<_, Error>(())
                        });
                        !told.unwrap_or(false) || names.insert(all).contains(&id)
                    }
                };
                let bytes = self.object(space, *id, false, &mut is_named, found)?;
                after = Some(*id);
                let mark = Some(Mark { space, object: after });
                if !each(&Step { mark, cost: bytes.max(READ_COST), found }) {
                    return Ok(false);
                }
            }
            if is_last {
                return Ok(true);
            }
        }
    }

    /// Reads an object wherever it lies, and mends it; `both`: it has to lie in the second directory too.
    fn object(
        &self,
        space: SpaceId,
        id: ObjectId,
        both: bool,
        is_named: &mut dyn FnMut(ObjectId) -> bool,
        found: &mut Scrubbed,
    ) -> Result<u64, Error> {
        let first = read(self.keeper.objects(), space, id)?;
        let second = self.copy.map(|copy| read(&copy.objects, space, id)).transpose()?.unwrap_or(Found::Absent);
        let mut bytes = 0_u64;
        for read in [&first, &second] {
            if let Found::Whole(object) = read {
                (found.objects, bytes) = (found.objects.saturating_add(1), bytes.saturating_add(object.length()));
            }
        }
        found.bytes = found.bytes.saturating_add(bytes);
        let damage = |at| Damage::Object { at, space, object: id };
        match (&first, &second) {
            (Found::Whole(_), Found::Whole(_)) => {}
            (Found::Whole(_), Found::Absent) if !both => {}
            // What no record names is nobody's loss, and the sweep's to remove.
            _ if !is_named(id) => {}
            (Found::Whole(object), Found::Damaged | Found::Absent) => {
                if let Some(copy) = self.copy {
                    copy.put(space, object)?;
                    found.mended.insert(damage(Directory::Second));
                }
            }
            (Found::Damaged | Found::Absent, Found::Whole(object)) => {
                self.keeper.put(space, object)?;
                found.mended.insert(damage(Directory::First));
            }
            (_, second) => {
                found.lost.insert(damage(Directory::First));
                if matches!(second, Found::Damaged) {
                    found.lost.insert(damage(Directory::Second));
                }
            }
        }
        Ok(bytes)
    }

    /// The published log of both directories: tiles against what the journal's leaves make, everything else against the other
    /// directory. Whether there was time.
    fn files(&self, found: &mut Scrubbed, each: &mut Each<'_>) -> Result<bool, Error> {
        let Some(head) = self.log.published()? else { return Ok(true) };
        let journal = self.keeper.journal();
        if log::derive(journal, head.size, &mut |_, _| Ok(()))? != head.root {
            let what = "its leaves are not those of the published head".to_owned();
            found.lost.insert(Damage::Journal { at: Directory::First, what });
            return Ok(false);
        }
        let mut has_time = true;
        let mut after =
            |bytes: usize, found: &Scrubbed| each(&Step { mark: None, cost: READ_COST.max(bytes as u64), found });
        log::derive(journal, head.size, &mut |path, bytes| {
            if !has_time {
                return Ok(());
            }
            if self.log.files().read(&path).ok().flatten().as_deref() != Some(bytes) {
                // Behind a later head the tiles that have filled since are withdrawn.
                if !is_full_tile(&path) && self.log.published()? != Some(head) {
                    return Ok(());
                }
                self.log.files().publish(&path, bytes)?;
                found.mended.insert(Damage::File { at: Directory::First, path: path.clone() });
            }
            // What was not copied yet comes with the next copy.
            if let Some(copy) = self.copy
                && copy.log.read(&path).map_or(true, |copied| copied.is_some_and(|copied| copied != bytes))
            {
                copy.log.publish(&path, bytes)?;
                found.mended.insert(Damage::File { at: Directory::Second, path });
            }
            has_time = after(bytes.len(), found);
            Ok(())
        })?;
        let Some(copy) = self.copy else { return Ok(has_time) };
        self.log.files().each(&mut |path: &str| -> Result<(), log::Error> {
            if !has_time || path.starts_with("tile/") || may_change(path) {
                return Ok(());
            }
            let Some(first) = self.log.files().read(path)? else { return Ok(()) };
            if copy.log.read(path)?.is_some_and(|second| second != first) {
                // Neither says of itself which one it was.
                found.lost.insert(Damage::File { at: Directory::First, path: path.to_owned() });
                found.lost.insert(Damage::File { at: Directory::Second, path: path.to_owned() });
            }
            has_time = after(first.len(), found);
            Ok(())
        })?;
        Ok(has_time)
    }
}

/// Why looking for what records name did not come to its end.
enum Ended {
    NoTime,
    Failed(Error),
}

impl From<Error> for Ended {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

fn read<O: Objects>(store: &O, space: SpaceId, id: ObjectId) -> Result<Found, Error> {
    match store.get(space, id) {
        Ok(None) => Ok(Found::Absent),
        Ok(Some(bytes)) => Ok(NamedBytes::claimed(id, bytes).map_or(Found::Damaged, Found::Whole)),
        // A sector that cannot be read is damage like any other.
        Err(objects::Error::Damaged { .. } | objects::Error::Disk { act: "read an object", .. }) => Ok(Found::Damaged),
        Err(other) => Err(other.into()),
    }
}
