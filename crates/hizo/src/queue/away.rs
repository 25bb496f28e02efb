//! What stands for a keeper that cannot be reached: what is put waits here, and what is at hand can be read.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hizo_keeper::Error;
use hizo_ledger::id::{ObjectId, SeriesId, SpaceId};
use hizo_ledger::record::UnverifiedRecord;
use hizo_ledger::space::Head;
use hizo_store::NamedBytes;
use hizo_store::disk::SystemDisk;
use hizo_store::objects::{FileObjects, Objects as _};

use super::{AtHand, Queue, disk_failed, open_objects};
use crate::console;
use crate::failure::{Failure, Outcome};
use crate::home::Home;
use crate::words::words;

/// A keeper that is elsewhere and does not answer.
pub(crate) struct Away {
    home: Home,
    queue: Queue,
    at_hand: AtHand,
    waiting: Mutex<Vec<FileObjects<SystemDisk>>>,
    sealing: Mutex<Option<Sealing>>,
    bytes: AtomicU64,
    bytes_max: u64,
}

/// A deposit that is being sealed.
struct Sealing {
    series: SeriesId,
    folder: PathBuf,
    since: u64,
    objects: Arc<FileObjects<SystemDisk>>,
}

impl Away {
    pub(crate) fn new(home: &Home) -> Outcome<Self> {
        let queue = Queue::of(home);
        let waiting = queue.waiting()?.iter().map(super::Waiting::objects).collect::<Outcome<_>>()?;
        let extent = queue.extent()?;
        Ok(Self {
            home: home.clone(),
            queue,
            at_hand: AtHand::of(home.folder()),
            waiting: Mutex::new(waiting),
            sealing: Mutex::default(),
            bytes: AtomicU64::new(extent.bytes),
            bytes_max: extent.bytes_max,
        })
    }

    /// Begins a deposit of a series, or goes on with one that was cut short: what is put is part of it from now on. `since` is
    /// the record since which all readers share everything.
    pub(crate) fn begin(&self, series: SeriesId, since: u64) -> Outcome<()> {
        self.queue.make()?;
        let folder = self.queue.sealing_folder(series);
        crate::system::create_private_directory(&folder)
            .map_err(|error| Failure::file("make the folder", &folder, error))?;
        let objects = Arc::new(open_objects(&folder)?);
        *lock(&self.sealing) = Some(Sealing { series, folder, since, objects });
        Ok(())
    }

    /// As [`Away::begin`], and nothing of one that was cut short is taken over.
    pub(crate) fn begin_anew(&self, series: SeriesId, since: u64) -> Outcome<()> {
        self.queue.forget_sealing(series);
        self.bytes.store(self.queue.extent()?.bytes, Ordering::Relaxed);
        self.begin(series, since)
    }

    /// Has an object wait; durable on return.
    pub(crate) fn put(&self, space: SpaceId, object: &NamedBytes) -> Outcome<()> {
        let bytes = self.bytes.fetch_add(object.length(), Ordering::Relaxed) + object.length();
        if bytes > self.bytes_max {
            let max = console::bytes(self.bytes_max);
            return Err(Failure::fixable(words!(
                "the keeper cannot be reached, and no more than {max} may wait for it on this machine",
                "預け先につながらず、このコンピューターで送信を待てる量（{max}）を超えます"
            ))
            .hint(words!(
                "Nothing is lost. Run this again when the keeper can be reached, or let more wait: hizo send --limit BYTES.",
                "失われたものはありません。預け先につながるときにもう一度実行するか、hizo send --limit バイト数 で、待てる量を増やしてください。"
            )));
        }
        // Several threads put at once.
        let sealing =
            lock(&self.sealing).as_ref().map(|sealing| (sealing.folder.clone(), Arc::clone(&sealing.objects)));
        let (folder, objects) = sealing.ok_or_else(nothing_begun)?;
        objects.put(space, object).map(drop).map_err(|error| disk_failed(&folder, error))
    }

    /// Has a record wait behind all others; with that, its deposit waits. Durable on return.
    pub(crate) fn append(&self, note: &[u8]) -> Result<(), Error> {
        let record = UnverifiedRecord::parse(note).map_err(Error::Form)?;
        let failed =
            |failure: Failure| Error::Folder { act: "queue a deposit", source: std::io::Error::other(failure) };
        let _turn = self.queue.lock().map_err(failed)?;
        let head = self.notes().map_err(failed)?.last().and_then(|note| head_of(note));
        if record.envelope().prev != head.map(|head| head.id) {
            return Err(Error::Conflict { head });
        }
        let mut sealing = lock(&self.sealing);
        let Some(Sealing { series, since, .. }) = sealing.take() else { return Err(Error::Session) };
        let place = self.queue.add(series, note, since).map_err(failed)?;
        lock(&self.waiting).push(open_objects(&place).map_err(failed)?);
        Ok(())
    }

    /// Every note of the space that this machine has: those that it has followed, and behind them those that wait.
    pub(crate) fn notes(&self) -> Outcome<Vec<Vec<u8>>> {
        let mut notes = self.home.remembered_notes()?;
        let mut head = notes.last().and_then(|note| head_of(note));
        for waiting in self.queue.waiting()? {
            // Another process may have followed more since: what waits is then fitted by whoever opens the safe next.
            if waiting.record.envelope().prev == head.map(|head| head.id) {
                let note = waiting.record.note_bytes().to_vec();
                head = head_of(&note);
                notes.push(note);
            }
        }
        Ok(notes)
    }

    /// An object, if it waits or is at hand; the reader checks the hash.
    pub(crate) fn object(&self, space: SpaceId, id: ObjectId) -> Result<Option<Vec<u8>>, Error> {
        if let Some(sealing) = lock(&self.sealing).as_ref()
            && let Some(bytes) = sealing.objects.get(space, id)?
        {
            return Ok(Some(bytes));
        }
        for objects in lock(&self.waiting).iter() {
            if let Some(bytes) = objects.get(space, id)? {
                return Ok(Some(bytes));
            }
        }
        self.at_hand.get(id).map(Some).ok_or_else(Error::unreachable)
    }

    /// The length of an object of the deposit that is being sealed; `None` when it is not there.
    pub(crate) fn sealed_length(&self, space: SpaceId, id: ObjectId) -> Result<Option<u64>, Error> {
        let sealing = lock(&self.sealing);
        let Some(sealing) = sealing.as_ref() else { return Ok(None) };
        Ok(sealing.objects.stat(space, id)?.map(|stat| stat.bytes))
    }
}

fn head_of(note: &[u8]) -> Option<Head> {
    let record = UnverifiedRecord::parse(note).ok()?;
    Some(Head { number: record.envelope().number, id: record.id() })
}

fn nothing_begun() -> Failure {
    Failure::internal_message("an object was put while no deposit was being sealed")
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
