//! A witness in a folder of this machine. What its files are: docs/spec/witness.md, "What a witness keeps".

use std::fs::{File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use hizo_ledger::id::ObjectId;
use hizo_ledger::log::note::{CheckpointKey, NamedKey};
use hizo_ledger::log::policy::{self, Policy};
use hizo_store::disk::{SystemDisk, open_lock};
use hizo_store::published::{self, PublishedFiles};
use zeroize::Zeroizing;

use super::{Refusal, Witness, WitnessSigner};
use crate::embedded::{FileError, read_file, settle_file};

const KEY_FILE: &str = "witness.key";
/// A name of 255 bytes, a space, 64 digits, a line feed, and one more: a longer file is another one.
const KEY_FILE_BYTES_MAX: u64 = 322;
const LOGS_FILE: &str = "logs";

/// Keys of one log that a witness trusts, at most.
pub const LOG_KEYS_MAX: usize = 8;

/// Why a witness's folder is not what it must be.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No witness was set up there.
    #[error("no witness has been set up here")]
    NotSetUp,
    /// A witness of another name or seed is there already.
    #[error("a witness has been set up here already")]
    AlreadySetUp,
    /// The text cannot be a witness's name: 1 to 255 bytes without white space and `+`.
    #[error("a witness's name has 1 to 255 bytes, no white space and no +")]
    Name,
    /// The file of its keys is damaged.
    #[error("the file of the witness's keys is damaged")]
    Key,
    /// The list of logs is damaged.
    #[error("the list of logs is damaged: {0}")]
    Logs(#[source] policy::Error),
    /// A key that no log can sign with.
    #[error("this is the key of a witness, not of a log")]
    NotALog,
    /// The key is trusted already, under another name or as another kind.
    #[error("this key is trusted already, under another name")]
    KnownKey,
    /// [`LOG_KEYS_MAX`] keys of this log are trusted already.
    #[error("{LOG_KEYS_MAX} keys of this log are trusted already")]
    TooManyKeys,
    /// Another process runs this witness.
    #[error("another process runs this witness")]
    Running,
    /// A file could not be read or written.
    #[error("the witness's folder could not {act}")]
    File {
        /// What was asked.
        act: &'static str,
        /// The system's own answer.
        source: io::Error,
    },
    /// A file could not be made durable.
    #[error(transparent)]
    Store(#[from] published::Error),
}

impl From<FileError> for Error {
    fn from(FileError { act, source }: FileError) -> Self {
        Self::File { act, source }
    }
}

/// A witness that runs on a folder, alone.
pub struct WitnessFolder {
    witness: Witness,
    files: PublishedFiles,
    _running: File,
}

impl WitnessFolder {
    /// Sets up a witness of this name: its verifier keys. `seed` and `random` come straight from the system's random
    /// source. Doing it again with the same name changes nothing.
    ///
    /// # Errors
    /// [`Error::Name`], [`Error::AlreadySetUp`], [`Error::File`], [`Error::Store`].
    pub fn init(
        folder: &Path,
        name: &str,
        seed: &Zeroizing<[u8; 32]>,
        random: [u8; 16],
    ) -> Result<[NamedKey; 2], Error> {
        WitnessSigner::new(name, seed).ok_or(Error::Name)?;
        let folder = absolute(folder)?;
        PublishedFiles::open(SystemDisk, &folder)?;
        let line = Zeroizing::new(format!("{name} {}\n", ObjectId::from_bytes(**seed)));
        settle_file(&folder, KEY_FILE, random, line.as_bytes())?;
        let settled = read_signer(&folder)?;
        let [key, _] = settled.keys();
        if key.name() == name { Ok(settled.keys().clone()) } else { Err(Error::AlreadySetUp) }
    }

    /// Trusts a key of a log from now on; a witness that runs does so too. One that is trusted already stays.
    ///
    /// # Errors
    /// [`Error::NotSetUp`], [`Error::NotALog`], [`Error::KnownKey`], [`Error::TooManyKeys`], [`Error::Logs`], [`Error::File`], [`Error::Store`].
    pub fn add_log(folder: &Path, key: &NamedKey) -> Result<(), Error> {
        let folder = absolute(folder)?;
        read_signer(&folder)?;
        if !matches!(key.key(), CheckpointKey::Log(_) | CheckpointKey::MlDsa(_)) {
            return Err(Error::NotALog);
        }
        let turn = open_lock(&folder.join("logs.lock")).map_err(failed("be locked"))?;
        turn.lock().map_err(failed("be locked"))?;
        let files = PublishedFiles::open(SystemDisk, &folder)?;
        let known = read_logs(&files)?;
        if known.logs().iter().any(|log| log.key == *key) {
            return Ok(());
        }
        if known.logs().iter().any(|log| log.key.is_same_key(key)) {
            return Err(Error::KnownKey);
        }
        if known.logs().iter().filter(|log| log.key.name() == key.name()).count() >= LOG_KEYS_MAX {
            return Err(Error::TooManyKeys);
        }
        let keys = known.logs().iter().map(|log| &log.key).chain([key]);
        let lines: String = keys.map(|key| format!("log {key}\n")).collect();
        let text = lines + "quorum none\n";
        // A list that has become too long could not be read again.
        Policy::parse(text.as_bytes()).map_err(Error::Logs)?;
        Ok(files.publish(LOGS_FILE, text.as_bytes())?)
    }

    /// Runs the witness that was set up in this folder, as the only process that does.
    ///
    /// # Errors
    /// [`Error::NotSetUp`], [`Error::Running`], [`Error::Key`], [`Error::Logs`], [`Error::File`], [`Error::Store`].
    pub fn open(folder: &Path) -> Result<Self, Error> {
        let folder = absolute(folder)?;
        let signer = read_signer(&folder)?;
        let running = open_lock(&folder.join("witness.lock")).map_err(failed("be locked"))?;
        running.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => Error::Running,
            TryLockError::Error(source) => Error::File { act: "be locked", source },
        })?;
        let files = PublishedFiles::open(SystemDisk, &folder)?;
        read_logs(&files)?;
        let public = PublishedFiles::open(SystemDisk, &folder.join("public"))?;
        Ok(Self { witness: Witness::new(public, signer), files, _running: running })
    }

    /// The keys that a reader needs: Ed25519, and ML-DSA-44.
    pub const fn keys(&self) -> &[NamedKey; 2] {
        self.witness.keys()
    }

    /// The logs that it signs for.
    ///
    /// # Errors
    /// [`Error::Logs`], [`Error::Store`].
    pub fn logs(&self) -> Result<Policy, Error> {
        read_logs(&self.files)
    }

    /// As [`Witness::add_checkpoint`], for the logs that it was told of, now.
    ///
    /// # Errors
    /// As [`Witness::add_checkpoint`]; [`Refusal::Folder`].
    pub fn add_checkpoint(&self, body: &[u8]) -> Result<String, Refusal> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        self.witness.add_checkpoint(&self.logs()?, body, now)
    }

    /// As [`Witness::checkpoint`].
    ///
    /// # Errors
    /// As [`Witness::checkpoint`].
    pub fn checkpoint(&self, origin_hash: &str) -> Result<Vec<u8>, Refusal> {
        self.witness.checkpoint(origin_hash)
    }
}

fn read_logs(files: &PublishedFiles) -> Result<Policy, Error> {
    let text = files.read(LOGS_FILE)?;
    Policy::parse(text.as_deref().unwrap_or(b"quorum none\n")).map_err(Error::Logs)
}

fn read_signer(folder: &Path) -> Result<WitnessSigner, Error> {
    let text = read_file(&folder.join(KEY_FILE), KEY_FILE_BYTES_MAX)?.ok_or(Error::NotSetUp)?;
    let (name, digits) = text.strip_suffix('\n').and_then(|line| line.rsplit_once(' ')).ok_or(Error::Key)?;
    let seed = Zeroizing::new(*ObjectId::from_hex(digits).map_err(|_| Error::Key)?.as_bytes());
    WitnessSigner::new(name, &seed).ok_or(Error::Key)
}

/// A folder named without its parent lies in the present one; the files below want to know which one that is.
fn absolute(folder: &Path) -> Result<PathBuf, Error> {
    std::path::absolute(folder).map_err(failed("be found"))
}

fn failed(act: &'static str) -> impl FnOnce(io::Error) -> Error {
    move |source| Error::File { act, source }
}
