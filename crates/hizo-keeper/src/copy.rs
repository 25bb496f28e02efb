//! The second directory: what a keeper keeps, once more at another place, and what can be answered for as kept twice.
//!
//! It is filled as a keeper is: objects first, then the record, in the order of the log. So its own journal says how far it
//! has come, and no crash leaves a record in it whose objects are not there. See docs/spec/keeper.md, section "The second
//! directory".

mod progress;
mod scrub;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hizo_ledger::id::{ObjectId, SpaceId};
use hizo_ledger::record::{Envelope, UnverifiedRecord};
use hizo_ledger::space::Head;
use hizo_store::disk::{Disk, SystemDisk};
use hizo_store::journal::{self, Charge, Entry, SqliteJournal, StoredRecord};
use hizo_store::objects::FileObjects;
use hizo_store::published::PublishedFiles;
use hizo_store::{Journal, NamedBytes, Objects};

use crate::log::{self, CHECKPOINT};
use crate::names::names_of;
use crate::spaces::cost;
use crate::{Error, Keeper, embedded};

pub use progress::{By, LOST_MAX, Progress, Reading};
pub use scrub::{Damage, Directory, Each, Mark, Scrub, Scrubbed, Step};

/// Records that are copied in one durable step.
const STEP_RECORDS: usize = 256;

/// Records with objects that were not to be had, of which is looked again in one round.
const WANTING_STEP: usize = 64;

/// Positions of records in the copy whose objects are not all there, a line each; it lies in the copy.
const WANTING: &str = "wanting";

/// Locked while an object is put into the copy or taken away there; it lies in the copy.
const LOCK: &str = "objects.lock";

/// Which second directory was begun; it lies in the keeper's own folder.
const BEGUN: &str = "copy.begun";

/// How far the second directory has come, in memory: whoever asks waits for no disk.
#[derive(Debug, Default)]
pub struct Copied {
    /// That what is there was compared with the keeper.
    is_known: AtomicBool,
    size: AtomicU64,
    wanting: Mutex<BTreeSet<u64>>,
}

impl Copied {
    /// Whether the record at this place of the log, and all that it names, is durable at the second place.
    pub fn holds(&self, position: u64) -> bool {
        self.is_known.load(Ordering::Acquire)
            && position < self.size.load(Ordering::Acquire)
            && !self.lock().contains(&position)
    }

    /// Records of the log that the copy has.
    pub fn size(&self) -> u64 {
        self.size.load(Ordering::Acquire)
    }

    /// Those of them whose objects are not all there.
    pub fn wanting(&self) -> usize {
        self.lock().len()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeSet<u64>> {
        self.wanting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A second directory. One process fills it; any number may mend its objects.
pub struct SecondCopy<D: Disk = SystemDisk, J = SqliteJournal> {
    pub(crate) objects: FileObjects<D>,
    pub(crate) journal: J,
    disk: D,
    lock: PathBuf,
    beside: PublishedFiles<D>,
    log: PublishedFiles<D>,
    copied: Arc<Copied>,
    /// Where it is looked again next for what was not to be had.
    next_wanting: AtomicU64,
    /// Full tiles, which never change and were found there.
    tiles: Mutex<BTreeSet<String>>,
}

impl SecondCopy {
    /// Opens the second directory of the keeper whose folder is `data`, or begins it in a folder that is there.
    ///
    /// # Errors
    /// [`Error::CopyGone`] when it was begun and there is nothing: what should be mounted there is not. The store's.
    pub fn open(folder: &Path, data: &Path, copied: Arc<Copied>) -> Result<Self, Error> {
        let path = folder.join("journal.sqlite");
        let own = PublishedFiles::open(SystemDisk, data).map_err(log::Error::from)?;
        let name = ObjectId::of(folder.as_os_str().as_encoded_bytes()).to_string();
        let journal = match SqliteJournal::open(&path) {
            Err(journal::Error::Absent) => {
                let begun = own.read(BEGUN).map_err(log::Error::from)?;
                if begun.as_deref() == Some(name.as_bytes()) {
                    return Err(Error::CopyGone);
                }
                SqliteJournal::create(&path)?
            }
            other => other?,
        };
        own.publish(BEGUN, name.as_bytes()).map_err(log::Error::from)?;
        Self::over(SystemDisk, folder, journal, copied)
    }
}

impl<D: Disk + Clone, J: Journal> SecondCopy<D, J> {
    /// The copy in this folder of a disk, which has this journal.
    ///
    /// # Errors
    /// The store's.
    pub fn over(disk: D, folder: &Path, journal: J, copied: Arc<Copied>) -> Result<Self, Error> {
        let beside = PublishedFiles::open(disk.clone(), folder).map_err(log::Error::from)?;
        let objects = FileObjects::open(disk.clone(), &folder.join("objects"))?;
        let log = PublishedFiles::open(disk.clone(), &folder.join("log")).map_err(log::Error::from)?;
        let lock = folder.join(LOCK);
        let copy = Self {
            objects,
            journal,
            disk,
            lock,
            beside,
            log,
            copied,
            next_wanting: AtomicU64::new(0),
            tiles: Mutex::default(),
        };
        *copy.copied.lock() = copy.read_wanting()?;
        copy.copied.size.store(copy.journal.log()?.size, Ordering::Release);
        Ok(copy)
    }

    /// How far it has come.
    pub fn copied(&self) -> &Copied {
        &self.copied
    }

    /// Brings everything that the keeper has by now to the second directory, or as much as there is time for: `go_on` is
    /// asked before each object.
    ///
    /// # Errors
    /// [`Error::CopyOther`] and [`Error::CopyAhead`] when it is not a copy of this keeper; the store's. What was copied stays.
    pub fn catch_up<O: Objects, K: Journal, F: Disk>(
        &self,
        keeper: &Keeper<O, K>,
        published: &PublishedFiles<F>,
        go_on: &dyn Fn() -> bool,
    ) -> Result<(), Error> {
        self.counts(keeper)?;
        // Read first: what it is over is copied before it.
        let checkpoint = published.read(CHECKPOINT).map_err(log::Error::from)?;
        self.look_again(keeper, go_on)?;
        while go_on() {
            let page = keeper.journal().logged(self.copied.size(), STEP_RECORDS)?;
            if page.is_empty() {
                self.copy_log(keeper, published, checkpoint.as_deref())?;
                break;
            }
            if !self.copy_records(keeper, &page, go_on)? {
                break;
            }
        }
        Ok(())
    }

    /// Makes sure that it is a copy of this keeper. Until it is known to be, nothing counts as kept there.
    fn counts<O: Objects, K: Journal>(&self, keeper: &Keeper<O, K>) -> Result<(), Error> {
        let compared = self.belongs(keeper);
        self.copied.is_known.store(compared.is_ok(), Ordering::Release);
        compared
    }

    /// Makes sure that what is there is of this keeper, and no more than it has.
    ///
    /// # Errors
    /// [`Error::CopyOther`], [`Error::CopyAhead`]; the store's, when it cannot be told.
    pub(crate) fn belongs<O: Objects, K: Journal>(&self, keeper: &Keeper<O, K>) -> Result<(), Error> {
        embedded::settle_identity(&self.journal, keeper.origin(), keeper.log_key())?;
        if embedded::identity(&self.journal)? != Some((keeper.origin().clone(), *keeper.log_key())) {
            return Err(Error::CopyOther);
        }
        let (copied, size) = (self.journal.log()?.size, keeper.journal().log()?.size);
        if copied > size {
            return Err(Error::CopyAhead { copied, size });
        }
        let Some(last) = copied.checked_sub(1) else { return Ok(()) };
        if self.journal.logged(last, 1)? == keeper.journal().logged(last, 1)? { Ok(()) } else { Err(Error::CopyOther) }
    }

    /// Objects first, then the records, in one durable step. Whether it was done.
    fn copy_records<O: Objects, K: Journal>(
        &self,
        keeper: &Keeper<O, K>,
        page: &[(SpaceId, StoredRecord)],
        go_on: &dyn Fn() -> bool,
    ) -> Result<bool, Error> {
        let (mut entries, mut wanting) = (Vec::new(), self.copied.lock().clone());
        let known = wanting.len();
        for (space, record) in page {
            let envelope = envelope(record)?;
            match self.copy_objects(keeper, &envelope, false, go_on)? {
                Outcome::Stopped => return Ok(false),
                Outcome::Wanting => drop(wanting.insert(record.position)),
                Outcome::Whole => {}
            }
            entries.push((
                *space,
                record,
                envelope.prev,
                keeper.journal().slot_key(*space)?,
                self.charge(keeper, &envelope, record)?,
            ));
        }
        if wanting.len() != known {
            // Before the records are there: what is not on the list is whole.
            self.keep_wanting(&wanting)?;
        }
        let entries: Vec<Entry<'_>> = entries
            .iter()
            .map(|(space, record, prev, slot_key, charge)| Entry {
                space: *space,
                expected: record.number.checked_sub(1).zip(*prev).map(|(number, id)| Head { number, id }),
                note: &record.note,
                objects: &[],
                slot_key: slot_key.as_ref().filter(|_| record.number == 0),
                kept: record.kept,
                charge: *charge,
            })
            .collect();
        self.journal.append_whole(&entries)?;
        *self.copied.lock() = wanting;
        self.copied.size.store(self.journal.log()?.size, Ordering::Release);
        Ok(true)
    }

    /// What the record cost where it was kept: a keeper that is put back from the copy counts on from there.
    fn charge<O: Objects, K: Journal>(
        &self,
        keeper: &Keeper<O, K>,
        envelope: &Envelope,
        record: &StoredRecord,
    ) -> Result<Option<Charge>, Error> {
        let account = keeper.journal().account(envelope.space)?;
        let bytes = cost(envelope, &record.note);
        Ok(account.map(|account| Charge { account, bytes, quota: u64::MAX, alone: false }))
    }

    /// Everything that a record names; `again`: only what does not lie there is read.
    fn copy_objects<O: Objects, K: Journal>(
        &self,
        keeper: &Keeper<O, K>,
        envelope: &Envelope,
        again: bool,
        go_on: &dyn Fn() -> bool,
    ) -> Result<Outcome, Error> {
        let space = envelope.space;
        let (names, are_all) = names_of(keeper.objects(), Some(&self.objects), envelope);
        let mut outcome = if are_all { Outcome::Whole } else { Outcome::Wanting };
        for id in &names {
            let id = *id;
            if !go_on() {
                return Ok(Outcome::Stopped);
            }
            if again && self.objects.stat(space, id)?.is_some() {
                continue;
            }
            match whole(keeper.objects(), space, id) {
                Some(object) => self.put(space, &object)?,
                // The scrub finds it, and whoever has it puts it again.
                None => outcome = Outcome::Wanting,
            }
        }
        if again && outcome == Outcome::Whole {
            // Whoever put what was found there may have died before its name was durable.
            self.objects.confirm(space, &names)?;
        }
        Ok(outcome)
    }

    /// Puts an object that a record of the keeper names, while none is taken away.
    fn put(&self, space: SpaceId, object: &NamedBytes) -> Result<(), Error> {
        let _lock = self.locked()?;
        self.objects.put(space, object)?;
        Ok(())
    }

    /// Takes those of these objects away that are still marked, and says which ones were there. No record names what is marked;
    /// so nobody has brought it here by then, and nobody does meanwhile.
    pub(crate) fn remove_marked<O: Objects, K: Journal>(
        &self,
        keeper: &Keeper<O, K>,
        space: SpaceId,
        objects: &[ObjectId],
    ) -> Result<Vec<ObjectId>, Error> {
        let _lock = self.locked()?;
        let mut removed = Vec::new();
        for id in keeper.journal().pardon(space, objects, &mut |_| false)? {
            removed.extend(self.objects.remove(space, id)?.then_some(id));
        }
        Ok(removed)
    }

    fn locked(&self) -> Result<D::Lock, Error> {
        self.disk.lock(&self.lock).map_err(|source| Error::Folder { act: "be locked", source })
    }

    /// Looks again for what was not to be had, and goes on behind the record that was looked at last.
    fn look_again<O: Objects, K: Journal>(&self, keeper: &Keeper<O, K>, go_on: &dyn Fn() -> bool) -> Result<(), Error> {
        let wanting = self.copied.lock().clone();
        let mut left = wanting.clone();
        let next = self.next_wanting.load(Ordering::Relaxed);
        for position in wanting.range(next..).chain(wanting.range(..next)).take(WANTING_STEP) {
            let Some((_, record)) = keeper.journal().logged(*position, 1)?.pop() else { continue };
            match self.copy_objects(keeper, &envelope(&record)?, true, go_on)? {
                Outcome::Stopped => break,
                Outcome::Wanting => {}
                Outcome::Whole => drop(left.remove(position)),
            }
            self.next_wanting.store(position.saturating_add(1), Ordering::Relaxed);
        }
        if left.len() != wanting.len() {
            self.keep_wanting(&left)?;
            *self.copied.lock() = left;
        }
        Ok(())
    }

    fn read_wanting(&self) -> Result<BTreeSet<u64>, Error> {
        let Some(list) = self.beside.read(WANTING).map_err(log::Error::from)? else { return Ok(BTreeSet::new()) };
        let text = std::str::from_utf8(&list).map_err(|_| Error::CopyOther)?;
        text.lines().map(|line| line.parse().map_err(|_| Error::CopyOther)).collect()
    }

    fn keep_wanting(&self, wanting: &BTreeSet<u64>) -> Result<(), Error> {
        let list: String = wanting.iter().map(|position| format!("{position}\n")).collect();
        Ok(self.beside.publish(WANTING, list.as_bytes()).map_err(log::Error::from)?)
    }

    /// What is published: tiles first, the head last, and before it what was settled to be signed, so that a keeper that is put
    /// back from here signs nothing twice.
    fn copy_log<O: Objects, K: Journal, F: Disk>(
        &self,
        keeper: &Keeper<O, K>,
        published: &PublishedFiles<F>,
        checkpoint: Option<&[u8]>,
    ) -> Result<(), Error> {
        let copied = self.journal.log()?;
        let signed = keeper.journal().log()?.signed.filter(|signed| signed.size <= copied.size);
        if let Some(signed) = signed.filter(|signed| Some(*signed) != copied.signed) {
            self.journal.settle_signed(copied.signed, signed)?;
        }
        published.each(&mut |path: &str| -> Result<(), log::Error> {
            if path == CHECKPOINT || self.has_tile(path) {
                return Ok(());
            }
            // What is withdrawn meanwhile is not needed any more.
            let Some(bytes) = published.read(path)? else { return Ok(()) };
            let copied = self.log.read(path)?;
            // What never changes is not overwritten: the first one may be the one that is damaged.
            if copied.is_none() || (may_change(path) && copied.as_ref() != Some(&bytes)) {
                self.log.publish(path, &bytes)?;
            }
            if is_full_tile(path) {
                self.log.withdraw_folder(&format!("{path}.p"))?;
                self.tiles.lock().unwrap_or_else(PoisonError::into_inner).insert(path.to_owned());
            }
            Ok(())
        })?;
        let Some(checkpoint) = checkpoint else { return Ok(()) };
        if self.log.read(CHECKPOINT).map_err(log::Error::from)?.as_deref() != Some(checkpoint) {
            self.log.publish(CHECKPOINT, checkpoint).map_err(log::Error::from)?;
        }
        Ok(())
    }

    fn has_tile(&self, path: &str) -> bool {
        self.tiles.lock().unwrap_or_else(PoisonError::into_inner).contains(path)
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Whole,
    /// Something was not to be had.
    Wanting,
    /// There was no more time.
    Stopped,
}

/// Whether a published file is another one later: the head, and lists that grow.
fn may_change(path: &str) -> bool {
    path == CHECKPOINT || path.starts_with("cosigned") || path.ends_with("/heads") || path.ends_with("/answers")
}

fn is_full_tile(path: &str) -> bool {
    path.starts_with("tile/") && !path.contains(".p/")
}

/// An object that is there and matches its name. What cannot be read is as good as missing.
pub(crate) fn whole<O: Objects>(objects: &O, space: SpaceId, id: ObjectId) -> Option<NamedBytes> {
    let bytes = objects.get(space, id).ok().flatten()?;
    NamedBytes::claimed(id, bytes).ok()
}

pub(crate) fn envelope(record: &StoredRecord) -> Result<Envelope, Error> {
    Ok(UnverifiedRecord::parse(&record.note).map_err(Error::Form)?.envelope().clone())
}
