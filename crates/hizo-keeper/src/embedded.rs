//! A keeper in a folder of this machine: files and one SQLite journal, without a port.

use std::collections::BTreeMap;
use std::fs::{self, TryLockError};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use ed25519_dalek::SigningKey;
use hizo_ledger::id::{ObjectId, Slot, SpaceId};
use hizo_ledger::identity::VerifyingKey;
use hizo_ledger::log::Leaf;
use hizo_ledger::log::note::NamedKey;
use hizo_ledger::record::{Origin, Seen};
use hizo_store::disk::{Disk, DiskFile, SystemDisk, open_lock};
use hizo_store::journal::{self, BUSY_WAIT_MAX, LogHead, SqliteJournal};
use hizo_store::objects::FileObjects;
use hizo_store::published::PublishedFiles;
use hizo_store::{Journal, Objects};
use zeroize::Zeroizing;

use crate::log::{self, LogReader, LogSigner, NewStamp, Published, ReceiptSigner, Sequencer};
use crate::witness::{Patience, WitnessPolicy};
use crate::{Copied, Error, Keeper, Kept, OwnSpace};

/// A keeper in a folder.
pub type EmbeddedKeeper = Keeper<FileObjects<SystemDisk>, SqliteJournal>;

/// An object that comes in to such a one.
pub(crate) type EmbeddedArriving = <FileObjects<SystemDisk> as Objects>::Arriving;

/// The journal's fact that says who this keeper is: `<origin> <log key in base64>`.
const IDENTITY: &str = "keeper";

/// The log key's file: one line of 64 hexadecimal digits.
const LOG_KEY_FILE: &str = "log.key";

/// Until it is looked at again whether somebody else still publishes.
const TURN_WAIT: Duration = Duration::from_millis(5);
/// The journal's file, and what SQLite keeps beside it.
const JOURNAL_FILE: &str = "journal.sqlite";
const JOURNAL_FILES: [&str; 2] = [JOURNAL_FILE, "journal.sqlite-journal"];
/// Everything that was put.
const OBJECTS_FOLDER: &str = "objects";
/// Where objects lie in there while they come in.
const ARRIVING_FOLDER: &str = "arriving";
/// The policy whose witnesses are asked.
const POLICY_FILE: &str = "log.policy";

/// What a new keeper is made of, straight from the system's random source. What has been settled before is kept, and
/// these are then not used.
pub struct Seeds {
    /// Becomes the origin, `local.hizo/<32 hexadecimal digits>`.
    pub origin: [u8; 16],
    /// The seed of the Ed25519 key that signs the log (RFC 8032).
    pub log_key: Zeroizing<[u8; 32]>,
}

impl EmbeddedKeeper {
    /// Where an object of the keeper in this folder lies, for whoever is told of a damaged file.
    pub fn object_file(folder: &Path, space: SpaceId, id: ObjectId) -> PathBuf {
        hizo_store::objects::object_file(&folder.join(OBJECTS_FOLDER), space, id)
    }

    /// Sets up a keeper in this folder, or finishes what was cut short, and opens it. A keeper that is there is opened
    /// as it is.
    ///
    /// # Errors
    /// [`Error::Folder`], [`Error::LogKey`], or the store's.
    pub fn init_embedded(folder: &Path, seeds: &Seeds) -> Result<Self, Error> {
        Self::init_as(folder, &Origin::local(seeds.origin), seeds)
    }

    /// The same for a keeper that others reach, under a name of its own.
    ///
    /// # Errors
    /// As there. A keeper that has another name already is opened as it is: compare [`Keeper::origin`].
    pub fn init_as(folder: &Path, origin: &Origin, seeds: &Seeds) -> Result<Self, Error> {
        make_folder(folder)?;
        let seed = match read_seed(folder)? {
            Some(seed) => seed,
            None => write_seed(folder, seeds)?,
        };
        let journal = SqliteJournal::create(&folder.join(JOURNAL_FILE))?;
        settle_identity(&journal, origin, &public(&seed)?)?;
        FileObjects::open(SystemDisk, &folder.join(OBJECTS_FOLDER))?;
        Self::open_embedded(folder)
    }

    /// Opens the keeper that has been set up in this folder.
    ///
    /// # Errors
    /// [`Error::NotSetUp`], [`Error::LogKey`], or the store's.
    pub fn open_embedded(folder: &Path) -> Result<Self, Error> {
        let journal = match SqliteJournal::open(&folder.join(JOURNAL_FILE)) {
            Err(journal::Error::Absent) => return Err(Error::NotSetUp),
            other => other?,
        };
        let objects = FileObjects::open(SystemDisk, &folder.join(OBJECTS_FOLDER))?;
        let keeper = Self::open(objects, journal, Box::new(system_time))?;
        let seed = read_seed(folder)?.ok_or(Error::LogKey)?;
        if public(&seed)? != *keeper.log_key() {
            return Err(Error::LogKey);
        }
        Ok(keeper)
    }
}

/// The log of a keeper in a folder.
pub struct EmbeddedLog {
    sequencer: Sequencer,
    receipts: ReceiptSigner,
    own: OwnSpace,
    /// The keeper's own folder, whose files are written as published ones are.
    beside: PublishedFiles,
    /// Held by whoever publishes.
    lock: PathBuf,
    /// Held by whoever is the next to publish.
    next: PathBuf,
}

impl EmbeddedLog {
    /// Opens the log of the keeper that has been set up in this folder, and has been opened.
    ///
    /// # Errors
    /// [`Error::LogKey`], or the store's.
    pub fn open(folder: &Path, keeper: &EmbeddedKeeper) -> Result<Self, Error> {
        let seed = read_seed(folder)?.ok_or(Error::LogKey)?;
        let signer = LogSigner::new(keeper.origin().clone(), &seed).ok_or(Error::LogKey)?;
        let files = PublishedFiles::open(SystemDisk, &folder.join("log")).map_err(log::Error::from)?;
        let receipts = ReceiptSigner::new(keeper.origin(), &seed).ok_or(Error::LogKey)?;
        let own = OwnSpace::new(&seed).ok_or(Error::LogKey)?;
        let beside = PublishedFiles::open(SystemDisk, folder).map_err(log::Error::from)?;
        let (lock, next) = (folder.join("log.lock"), folder.join("log.next"));
        Ok(Self { sequencer: Sequencer::new(files, signer), receipts, own, beside, lock, next })
    }

    /// The signed promise that a record is kept, in as many places as it is, and stands in the log soon; `None` when there is
    /// no such record.
    ///
    /// # Errors
    /// The store's; [`log::Error::Shorter`] or [`log::Error::Other`] when the log cannot go on, so that nothing is promised
    /// that is not meant.
    pub fn receipt(
        &self,
        keeper: &EmbeddedKeeper,
        space: SpaceId,
        number: u64,
        copied: &Copied,
    ) -> Result<Option<Vec<u8>>, Error> {
        let journal = keeper.journal();
        let (Some(record), Some(slot_key)) =
            (journal.records(space, number, 1)?.into_iter().next(), journal.slot_key(space)?)
        else {
            return Ok(None);
        };
        // Whether what is published can be read now says nothing about what will be.
        if let Err(error @ (log::Error::Shorter { .. } | log::Error::Other)) = self.sequencer.goes_on(journal) {
            return Err(error.into());
        }
        let leaf = Leaf { slot: Slot::of(&slot_key, record.number), record: record.id };
        Ok(self.receipts.sign(keeper.origin(), leaf, record.kept, copied.holds(record.position)))
    }

    /// The same promise for what the keeper has just kept; nothing is read for it. `None` only for a time that no receipt
    /// can name.
    pub fn receipt_of(&self, keeper: &EmbeddedKeeper, kept: &Kept) -> Option<Vec<u8>> {
        self.receipts.sign(keeper.origin(), kept.leaf(), kept.time, false)
    }

    /// The key under which receipts are signed.
    pub const fn receipt_key(&self) -> &NamedKey {
        self.receipts.key()
    }

    /// Publishes all that the keeper has appended, and asks the witnesses of its policy to cosign the head. Of several
    /// processes one publishes at a time; the others wait, as long as for the journal.
    ///
    /// # Errors
    /// [`Error::Log`], [`Error::Policy`], [`Error::Folder`].
    pub fn publish(&self, keeper: &EmbeddedKeeper, patience: &Patience) -> Result<Published, Error> {
        self.publish_within(keeper, patience, BUSY_WAIT_MAX)
    }

    /// As [`EmbeddedLog::publish`], with a wait of this length.
    ///
    /// # Errors
    /// [`log::Error::Busy`] when it is over, and nothing was done.
    pub fn publish_within(
        &self,
        keeper: &EmbeddedKeeper,
        patience: &Patience,
        wait: Duration,
    ) -> Result<Published, Error> {
        let _turn = self.turn(wait)?;
        let (journal, time) = (keeper.journal(), system_time());
        match self.policy()? {
            Some(WitnessPolicy { policy, .. }) => {
                Ok(self.sequencer.publish_witnessed(journal, time, &policy, patience)?)
            }
            None => {
                let head = self.sequencer.publish(journal, time)?;
                Ok(Published { head, answers: BTreeMap::new(), witnessed: None })
            }
        }
    }

    /// Of several processes one publishes at a time: until this is dropped. Whoever has just had his turn comes behind the one
    /// that waits: a process that publishes without a pause would else keep all others out, who only look now and then.
    fn turn(&self, wait: Duration) -> Result<fs::File, Error> {
        let until = Instant::now() + wait;
        let _next = locked(&self.next, until)?;
        locked(&self.lock, until)
    }

    /// Keeps an authority's answer over a published head: published beside it, and then a record of the keeper's own space,
    /// which is what counts. It stands in the log with what is published next.
    ///
    /// # Errors
    /// [`Error::Log`] when the head is none of this log's; the store's.
    pub fn keep_stamp(&self, keeper: &EmbeddedKeeper, stamp: &NewStamp<'_>) -> Result<Kept, Error> {
        let turn = self.turn(BUSY_WAIT_MAX)?;
        let LogHead { size, root } = self.sequencer.publish_stamp(stamp)?;
        drop(turn);
        self.own.log_stamp(keeper, Seen { size, root }, stamp.answer)
    }

    /// Copies the keeper of this folder into another one that is not there yet, whole, whoever appends meanwhile.
    ///
    /// Nobody publishes while the log and the journal are copied, so that the copy's log goes on from what it has signed. Objects come
    /// last: whatever the copied journal names was durable before.
    ///
    /// # Errors
    /// [`Error::Folder`], [`log::Error::Busy`], or the journal's. What was copied until then is no keeper.
    pub fn copy_to(&self, keeper: &EmbeddedKeeper, to: &Path) -> Result<(), Error> {
        let from = self.lock.parent().unwrap_or(Path::new("."));
        make_folder(to)?;
        let turn = self.turn(BUSY_WAIT_MAX)?;
        copy_files(from, to, &[&JOURNAL_FILES[..], &[OBJECTS_FOLDER]].concat())?;
        keeper.journal().copy_to(&to.join(JOURNAL_FILE))?;
        drop(turn);
        let objects = to.join(OBJECTS_FOLDER);
        make_folder(&objects)?;
        copy_files(&from.join(OBJECTS_FOLDER), &objects, &[ARRIVING_FOLDER])
    }

    /// The keeper's own space, which holds the stamps.
    pub const fn own(&self) -> &OwnSpace {
        &self.own
    }

    /// The policy whose witnesses are asked, if one was set.
    ///
    /// # Errors
    /// [`Error::Policy`], [`Error::Log`].
    pub fn policy(&self) -> Result<Option<WitnessPolicy>, Error> {
        let Some(text) = self.beside.read(POLICY_FILE).map_err(log::Error::from)? else { return Ok(None) };
        Ok(Some(WitnessPolicy::read(&text, self.sequencer.keys())?))
    }

    /// Sets the policy whose witnesses are asked from now on: a tlog-policy, in which this log need not be named.
    ///
    /// # Errors
    /// [`Error::Policy`], [`Error::Log`]; the policy before stays then.
    pub fn set_policy(&self, text: &[u8]) -> Result<WitnessPolicy, Error> {
        let policy = WitnessPolicy::read(text, self.sequencer.keys())?;
        self.beside.publish(POLICY_FILE, policy.text.as_bytes()).map_err(log::Error::from)?;
        Ok(policy)
    }

    /// Whether what the keeper holds can be published.
    ///
    /// # Errors
    /// [`log::Error::Shorter`] or [`log::Error::Other`] when it does not go on from what was signed before.
    pub fn goes_on(&self, keeper: &EmbeddedKeeper) -> Result<(), Error> {
        Ok(self.sequencer.goes_on(keeper.journal())?)
    }

    /// The files that are published.
    pub const fn files(&self) -> &PublishedFiles<SystemDisk> {
        self.sequencer.log().files()
    }

    /// What is published.
    pub const fn published(&self) -> &LogReader<PublishedFiles<SystemDisk>> {
        self.sequencer.log()
    }

    /// The keys that a reader of the log needs: Ed25519, and ML-DSA-44.
    pub const fn keys(&self) -> &[NamedKey; 2] {
        self.sequencer.keys()
    }
}

/// Origin and log key as they were settled.
pub(crate) fn identity<J: Journal>(journal: &J) -> Result<Option<(Origin, VerifyingKey)>, Error> {
    let Some(fact) = journal.fact(IDENTITY)? else { return Ok(None) };
    let text = String::from_utf8(fact).map_err(|_| Error::Facts)?;
    let (origin, key) = text.split_once(' ').ok_or(Error::Facts)?;
    let origin = Origin::parse(origin).map_err(|_| Error::Facts)?;
    Ok(Some((origin, VerifyingKey::from_base64(key).map_err(|_| Error::Facts)?)))
}

/// Both in one fact, so that no crash parts them.
pub(crate) fn settle_identity<J: Journal>(journal: &J, origin: &Origin, key: &VerifyingKey) -> Result<(), Error> {
    match journal.settle_fact(IDENTITY, format!("{origin} {key}").as_bytes()) {
        Err(journal::Error::Settled { .. }) => Ok(()),
        other => Ok(other?),
    }
}

fn system_time() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

fn make_folder(folder: &Path) -> Result<(), Error> {
    match SystemDisk.create_dir(folder) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(failed("be made")(error)),
        Ok(()) | Err(_) => {}
    }
    // A folder named without its parent lies in the present one.
    let parent = folder.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    SystemDisk.sync_dir(parent).map_err(failed("be made durable"))
}

/// Copies what lies in a folder, but for these names. What is gone when it would be copied, nobody needs: a partial tile, a file
/// that was being written.
fn copy_files(from: &Path, to: &Path, without: &[&str]) -> Result<(), Error> {
    for item in fs::read_dir(from).map_err(failed("be read"))? {
        let item = item.map_err(failed("be read"))?;
        let (name, kind) = (item.file_name(), item.file_type().map_err(failed("be read"))?);
        if without.iter().any(|left| name == *left) {
            continue;
        }
        let (from, to) = (item.path(), to.join(&name));
        if kind.is_dir() {
            make_folder(&to)?;
            copy_files(&from, &to, &[])?;
        } else if kind.is_file()
            && let Err(error) = fs::copy(&from, &to).and_then(|_| fs::File::open(&to)?.sync_all())
            && error.kind() != io::ErrorKind::NotFound
        {
            return Err(failed("be copied")(error));
        }
    }
    SystemDisk.sync_dir(to).map_err(failed("be made durable"))
}

/// A file of the keeper's folder could not be read or written.
#[derive(Debug)]
pub(crate) struct FileError {
    pub(crate) act: &'static str,
    pub(crate) source: io::Error,
}

impl From<FileError> for Error {
    fn from(FileError { act, source }: FileError) -> Self {
        Self::Folder { act, source }
    }
}

/// A small text that may be secret, at most so many bytes of it; `None` when the file is not there.
pub(crate) fn read_file(path: &Path, bytes_max: u64) -> Result<Option<Zeroizing<String>>, FileError> {
    let failed = |source| FileError { act: "be read", source };
    let file = match SystemDisk.open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        other => other.map_err(failed)?,
    };
    // As much as there can be at once: a text that grows would leave its first part behind.
    let mut text = Zeroizing::new(String::with_capacity(usize::try_from(bytes_max).unwrap_or(0)));
    file.take(bytes_max).read_to_string(&mut text).map_err(failed)?;
    Ok(Some(text))
}

/// Whole and durable under its name, or not there: and of two that set up one folder, the first one's. `random` only makes
/// a name that nobody else has.
pub(crate) fn settle_file(folder: &Path, name: &str, random: [u8; 16], content: &[u8]) -> Result<(), FileError> {
    let failed = |act| move |source| FileError { act, source };
    let temporary = folder.join(format!("{name}.{}.new", SpaceId::from_bytes(random)));
    let mut file = SystemDisk.create(&temporary).map_err(failed("be written"))?;
    file.write_all(content).and_then(|()| file.sync()).map_err(failed("be written"))?;
    drop(file);
    // Unlike a rename, a link never replaces what has the name.
    let linked = fs::hard_link(&temporary, folder.join(name));
    let removed = SystemDisk.remove(&temporary);
    match linked {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(failed("be written")(error)),
        Ok(()) | Err(_) => {}
    }
    removed.map_err(failed("be written"))?;
    SystemDisk.sync_dir(folder).map_err(failed("be made durable"))
}

fn read_seed(folder: &Path) -> Result<Option<Zeroizing<[u8; 32]>>, Error> {
    // One byte more than the line has: a longer file is another one.
    let Some(text) = read_file(&folder.join(LOG_KEY_FILE), 66)? else { return Ok(None) };
    let digits = text.strip_suffix('\n').ok_or(Error::LogKey)?;
    let seed = ObjectId::from_hex(digits).map_err(|_| Error::LogKey)?;
    Ok(Some(Zeroizing::new(*seed.as_bytes())))
}

fn write_seed(folder: &Path, seeds: &Seeds) -> Result<Zeroizing<[u8; 32]>, Error> {
    let line = Zeroizing::new(format!("{}\n", ObjectId::from_bytes(*seeds.log_key)));
    settle_file(folder, LOG_KEY_FILE, seeds.origin, line.as_bytes())?;
    read_seed(folder)?.ok_or(Error::LogKey)
}

fn public(seed: &[u8; 32]) -> Result<VerifyingKey, Error> {
    VerifyingKey::from_bytes(SigningKey::from_bytes(seed).verifying_key().as_bytes()).map_err(|_| Error::LogKey)
}

/// Holds the lock of a file, once nobody else does.
fn locked(path: &Path, until: Instant) -> Result<fs::File, Error> {
    let file = open_lock(path).map_err(failed("be locked"))?;
    while let Err(refused) = file.try_lock() {
        match refused {
            TryLockError::Error(source) => return Err(failed("be locked")(source)),
            TryLockError::WouldBlock if Instant::now() >= until => return Err(log::Error::Busy.into()),
            TryLockError::WouldBlock => thread::sleep(TURN_WAIT),
        }
    }
    Ok(file)
}

fn failed(act: &'static str) -> impl FnOnce(io::Error) -> Error {
    move |source| Error::Folder { act, source }
}
