//! Witnesses: somebody else who remembers a log's head and signs what goes on from it (C2SP tlog-witness).
//!
//! [`Witness`] is one, [`WitnessFolder`] one in a folder of this machine, [`serve`] lets others ask it over HTTP, and
//! [`ask`] asks those of a policy. See docs/spec/witness.md.

mod client;
mod folder;
mod policy;
mod service;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::{Mutex, MutexGuard, PoisonError};

use ed25519_dalek::{Signer, SigningKey};
use hizo_ledger::identity::VerifyingKey;
use hizo_ledger::log::checkpoint::{Checkpoint, UnverifiedCheckpoint};
use hizo_ledger::log::note::{self, CheckpointKey, NamedKey};
use hizo_ledger::log::policy::Policy;
use hizo_ledger::log::tree;
use hizo_ledger::log::witness::{AddCheckpoint, REQUEST_BYTES_MAX};
use hizo_ledger::record::Origin;
use hizo_store::disk::{Disk, SystemDisk};
use hizo_store::published::{self, PublishedFiles};
use sha2::{Digest, Sha256};

use crate::signer::MlDsaSigner;

pub use client::{Alarm, Answer, Cosignature, Patience, Question, Silence, WITNESSES_MAX, ask};
pub use folder::{Error, LOG_KEYS_MAX, WitnessFolder};
pub use policy::{PolicyError, WitnessPolicy};
pub use service::{Limits, serve};

/// Why a witness gave no cosignature. Nothing was signed then, but after [`Refusal::Store`], which is not handed out.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// No request of C2SP's form, or no checkpoint of hizo's.
    #[error("this is no request to add a checkpoint")]
    Form,
    /// The old size is above the checkpoint's.
    #[error("the old size is larger than the checkpoint's")]
    OldSize,
    /// Nobody told this witness of such a log.
    #[error("this witness does not know the log")]
    UnknownLog,
    /// No key that is trusted for the log has signed, or a signature by one does not hold.
    #[error("the checkpoint is not signed by the log")]
    Signature,
    /// The old size is not that of the newest checkpoint signed.
    #[error("the newest checkpoint signed has {size} leaves")]
    Conflict {
        /// Its size.
        size: u64,
    },
    /// The path does not lead from the newest checkpoint signed to this one.
    #[error("the checkpoint does not go on from the newest one signed")]
    Inconsistent,
    /// The clock stands before the time of the last cosignature.
    #[error("this witness's clock is behind its last cosignature")]
    Clock,
    /// What this witness remembers of the log cannot be read.
    #[error("what this witness remembers of the log is damaged")]
    Damaged,
    /// What this witness remembers could not be read or made durable.
    #[error(transparent)]
    Store(#[from] published::Error),
    /// What is set down beside it cannot be read.
    #[error(transparent)]
    Folder(#[from] Error),
}

impl Refusal {
    /// The status of HTTP that says so (tlog-witness, "add-checkpoint"; 500 and 503 as RFC 9110 has them).
    pub const fn status(&self) -> u16 {
        match self {
            Self::Form | Self::OldSize => 400,
            Self::Signature => 403,
            Self::UnknownLog => 404,
            Self::Conflict { .. } => 409,
            Self::Inconsistent => 422,
            Self::Damaged | Self::Store(_) | Self::Folder(_) => 500,
            Self::Clock => 503,
        }
    }
}

/// The secret halves of a witness's keys. Both sign cosignatures and nothing else.
pub struct WitnessSigner {
    ed25519: SigningKey,
    ml_dsa: MlDsaSigner,
    keys: [NamedKey; 2],
}

impl WitnessSigner {
    /// The witness of this name with this seed; `None` if the text cannot be a name, or the seed gives no key that a
    /// verifier takes.
    pub fn new(name: &str, seed: &[u8; 32]) -> Option<Self> {
        let ed25519 = SigningKey::from_bytes(seed);
        let public = VerifyingKey::from_bytes(ed25519.verifying_key().as_bytes()).ok()?;
        let ml_dsa = MlDsaSigner::derive(name, seed, b"hizo/witness-ml-dsa/v1")?;
        let keys = [NamedKey::new(name, CheckpointKey::Cosigner(public))?, ml_dsa.key().clone()];
        Some(Self { ed25519, ml_dsa, keys })
    }

    /// The keys that a reader needs: Ed25519, and ML-DSA-44.
    pub const fn keys(&self) -> &[NamedKey; 2] {
        &self.keys
    }

    /// One line of each key.
    fn lines(&self, checkpoint: &Checkpoint, time: u64) -> Option<String> {
        let [key, _] = &self.keys;
        let signature = self.ed25519.sign(checkpoint.cosigned_text(time).as_bytes()).to_bytes();
        let line = note::signature_line(key, &[&time.to_be_bytes(), signature.as_slice()].concat());
        Some(line + &self.ml_dsa.line(checkpoint, time)?)
    }
}

/// A witness over a folder of published files, one for each log: the newest checkpoint that it has signed.
///
/// Guarantees:
/// - What it signs goes on from everything that it has signed of this log before.
/// - A cosignature is durable before anybody sees it.
///
/// Threads may share one; of two over one folder nothing is promised, and [`WitnessFolder`] lets one run at a time.
pub struct Witness<D: Disk = SystemDisk> {
    signer: WitnessSigner,
    files: PublishedFiles<D>,
    /// Held from the first look at what is remembered until the new is durable. It holds the files that this process
    /// knows to be durable: one that it merely found may have been named by a process that died before its sync.
    durable: Mutex<BTreeSet<String>>,
}

impl<D: Disk> Witness<D> {
    /// The witness that remembers in these files.
    pub const fn new(files: PublishedFiles<D>, signer: WitnessSigner) -> Self {
        Self { signer, files, durable: Mutex::new(BTreeSet::new()) }
    }

    /// The keys that a reader needs: Ed25519, and ML-DSA-44.
    pub const fn keys(&self) -> &[NamedKey; 2] {
        self.signer.keys()
    }

    /// Answers a request to add a checkpoint of one of these logs, at this time in seconds since 1970: the signature
    /// lines.
    ///
    /// # Errors
    /// The first rule that does not hold, in the order of docs/spec/witness.md.
    pub fn add_checkpoint(&self, logs: &Policy, body: &[u8], time: u64) -> Result<String, Refusal> {
        let request = AddCheckpoint::parse(body).map_err(|_| Refusal::Form)?;
        let unverified = UnverifiedCheckpoint::parse(&request.checkpoint).map_err(|_| Refusal::Form)?;
        let by_log = lines_of_log(logs, &unverified)?;
        let new = unverified.claimed();
        if request.old > new.size {
            return Err(Refusal::OldSize);
        }
        let path = path_of(&new.origin);
        let mut durable = self.turn();
        let last = self.last(&mut durable, &path, &new.origin)?;
        let (last, last_time) = last.map_or((None, 0), |(last, time)| (Some(last), time));
        goes_on(last.as_ref(), &request, new)?;
        // A later word with an earlier time would belie the earlier one.
        if time == 0 || time < last_time {
            return Err(Refusal::Clock);
        }
        let lines = self.signer.lines(new, time).ok_or(Refusal::Damaged)?;
        let note = format!("{}\n{by_log}{lines}", new.text());
        durable.remove(&path);
        self.files.publish(&path, note.as_bytes())?;
        durable.insert(path);
        Ok(lines)
    }

    /// The newest checkpoint signed of the log whose origin has this SHA-256 in hexadecimal digits, with the log's
    /// signatures and this witness's own.
    ///
    /// # Errors
    /// [`Refusal::UnknownLog`] when nothing was signed; [`Refusal::Store`].
    pub fn checkpoint(&self, origin_hash: &str) -> Result<Vec<u8>, Refusal> {
        let is_hash =
            origin_hash.len() == 64 && origin_hash.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        if !is_hash {
            return Err(Refusal::UnknownLog);
        }
        self.remembered(&mut self.turn(), &format!("{origin_hash}/checkpoint"))?.ok_or(Refusal::UnknownLog)
    }

    fn turn(&self) -> MutexGuard<'_, BTreeSet<String>> {
        self.durable.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What was signed last of the log, and when.
    fn last(
        &self,
        durable: &mut BTreeSet<String>,
        path: &str,
        origin: &Origin,
    ) -> Result<Option<(Checkpoint, u64)>, Refusal> {
        let Some(note) = self.remembered(durable, path)? else { return Ok(None) };
        let read = UnverifiedCheckpoint::parse(&note).map_err(|_| Refusal::Damaged)?;
        let [key, _] = self.keys();
        let Ok(Some(time)) = read.signed_by(key) else { return Err(Refusal::Damaged) };
        if read.claimed().origin != *origin {
            return Err(Refusal::Damaged);
        }
        Ok(Some((read.claimed().clone(), time)))
    }

    /// A file, once it is durable.
    fn remembered(&self, durable: &mut BTreeSet<String>, path: &str) -> Result<Option<Vec<u8>>, Refusal> {
        let note = self.files.read(path)?;
        match &note {
            None if durable.contains(path) => return Err(Refusal::Damaged),
            Some(note) if !durable.contains(path) => {
                self.files.publish(path, note)?;
                durable.insert(path.to_owned());
            }
            Some(_) | None => {}
        }
        Ok(note)
    }
}

/// Whether the checkpoint goes on from the last one signed, along the request's path.
fn goes_on(last: Option<&Checkpoint>, request: &AddCheckpoint, new: &Checkpoint) -> Result<(), Refusal> {
    let size = last.map_or(0, |last| last.size);
    if request.old != size {
        return Err(Refusal::Conflict { size });
    }
    let holds = match last.filter(|last| last.size > 0) {
        // Every tree goes on from the empty one, of which there is one only.
        None => request.path.is_empty() && (new.size > 0 || new.root == tree::empty_root()),
        Some(last) => tree::check_consistency(size, &last.root, new.size, &new.root, &request.path).is_ok(),
    };
    if holds { Ok(()) } else { Err(Refusal::Inconsistent) }
}

/// The signature lines of the log's own keys, all of which hold.
fn lines_of_log(logs: &Policy, unverified: &UnverifiedCheckpoint<'_>) -> Result<String, Refusal> {
    let is_of = |key: &&NamedKey| key.name() == unverified.claimed().origin.as_str();
    let keys: Vec<&NamedKey> = logs.logs().iter().map(|log| &log.key).filter(is_of).collect();
    if keys.is_empty() {
        return Err(Refusal::UnknownLog);
    }
    let mut lines = String::new();
    for key in keys {
        if unverified.signed_by(key).map_err(|_| Refusal::Signature)?.is_some() {
            lines += &unverified.line_of(key);
        }
    }
    if lines.is_empty() { Err(Refusal::Signature) } else { Ok(lines) }
}

/// Where a log's newest checkpoint is remembered, and served.
fn path_of(origin: &Origin) -> String {
    hex(&Sha256::digest(origin.as_str()).into()) + "/checkpoint"
}

pub(crate) fn hex(bytes: &[u8; 32]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
