//! Publishes the log: tiles, and then the head that names them. It signs only what is stored, and never less or other
//! than it has signed before.
//!
//! The journal gives every record its place when it is appended; publishing follows behind. See docs/spec/log.md,
//! section "Publishing".

use std::iter;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use ed25519_dalek::{Signer, SigningKey};
use hizo_ledger::id::{ObjectId, RootHash};
use hizo_ledger::identity::VerifyingKey;
use hizo_ledger::log::Leaf;
use hizo_ledger::log::checkpoint::Checkpoint;
use hizo_ledger::log::note::{self, CheckpointKey, NamedKey};
use hizo_ledger::log::receipt::Receipt;
use hizo_ledger::log::tile::{self, Kind, ReadError, Tile, WIDTH};
use hizo_ledger::record::{ClaimedTime, Origin};
use hizo_store::Journal;
use hizo_store::disk::{Disk, SystemDisk};
use hizo_store::journal::{LogHead, LogState, PAGE_RECORDS_MAX};
use hizo_store::published::{self, PublishedFiles};
use hkdf::Hkdf;
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::signer::MlDsaSigner;
use crate::witness::Alarm;

mod check;
mod reader;
mod rows;
mod witnessed;

use self::rows::{LEVELS, Rows, partial};
pub use check::Checked;
pub use reader::{LogFiles, LogReader};
pub use witnessed::{Cosigned, Published};

/// Where the newest head is published.
pub const CHECKPOINT: &str = "checkpoint";

/// The name of the list of stamped heads of one size.
const HEADS: &str = "heads";

/// The name of the list of answers over one stamped head.
const ANSWERS: &str = "answers";

/// Most heads of one size that are stamped, and most answers over one: a reader takes no longer list.
const LISTED_MAX: usize = 64;

/// By when a record that was kept stands in the log, at most, in seconds: what a receipt promises.
pub const MERGE_SECONDS_MAX: u64 = 24 * 60 * 60;

/// Why the log was not published, or cannot be told.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The journal's.
    #[error(transparent)]
    Journal(#[from] hizo_store::journal::Error),
    /// The published files'.
    #[error(transparent)]
    Files(#[from] published::Error),
    /// A keeper at an address did not give a file.
    #[error(transparent)]
    Elsewhere(Box<crate::Error>),
    /// More was published, or settled to be signed, than the journal holds: it was put back from an older copy.
    #[error("the log was signed for {signed} leaves and the journal has {size}")]
    Shorter {
        /// Leaves that were signed for.
        signed: u64,
        /// Leaves of the journal.
        size: u64,
    },
    /// What was signed before is not what the journal holds: one of them is of another log.
    #[error("the journal's leaves are not those that were signed before")]
    Other,
    /// A published file is missing or not what it must be. The journal holds all that it was made of.
    #[error("a published file of the log is missing or damaged: {path}")]
    Damaged {
        /// Which, below the log's folder.
        path: String,
    },
    /// One slot stands at two places: a space has two histories.
    #[error("the leaves {first} and {second} of the log have one slot: a space has two histories")]
    RepeatedSlot {
        /// The first place.
        first: u64,
        /// The second.
        second: u64,
    },
    /// Another process was publishing the log all the time: two keepers work in one folder, or one hangs.
    #[error("the log is being published by another process")]
    Busy,
    /// A witness has seen more of the log than there is, or another one.
    #[error("the witness {name} says: {alarm}")]
    Witness {
        /// Its name in the policy.
        name: String,
        /// What it has seen.
        alarm: Alarm,
    },
    /// The tree has no such leaf.
    #[error("the published log has no leaf {index}")]
    NoLeaf {
        /// Counted from 0.
        index: u64,
    },
}

/// The secret halves of a log's keys. Each signs one kind of thing.
pub struct LogSigner {
    origin: Origin,
    ed25519: SigningKey,
    ml_dsa: MlDsaSigner,
    keys: [NamedKey; 2],
}

impl LogSigner {
    /// The signer of the log with this origin: its Ed25519 seed, and the ML-DSA-44 key that follows from it. `None` if
    /// the seed gives no key that a verifier takes.
    pub fn new(origin: Origin, seed: &[u8; 32]) -> Option<Self> {
        let ed25519 = SigningKey::from_bytes(seed);
        let public = VerifyingKey::from_bytes(ed25519.verifying_key().as_bytes()).ok()?;
        let ml_dsa = MlDsaSigner::derive(origin.as_str(), seed, b"hizo/log-ml-dsa/v1")?;
        let keys = [NamedKey::new(origin.as_str(), CheckpointKey::Log(public))?, ml_dsa.key().clone()];
        Some(Self { origin, ed25519, ml_dsa, keys })
    }

    /// The keys that a reader needs: Ed25519, and ML-DSA-44.
    pub const fn keys(&self) -> &[NamedKey; 2] {
        &self.keys
    }

    /// A checkpoint note. `time`, in seconds since 1970, is this keeper's own word and proves nothing.
    fn sign(&self, checkpoint: &Checkpoint, time: u64) -> Option<Vec<u8>> {
        let [log, _] = &self.keys;
        // Later ones are refused by whoever reads them (tlog-cosignature), whatever the clock says.
        let time = time.min(i64::MAX.unsigned_abs());
        let text = checkpoint.text();
        let by_log = self.ed25519.sign(text.as_bytes()).to_bytes();
        let lines = note::signature_line(log, &by_log) + &self.ml_dsa.line(checkpoint, time)?;
        Some(format!("{text}\n{lines}").into_bytes())
    }
}

/// The secret key that signs receipts, and nothing else. There is one for each append, so it is the fastest of the
/// libraries at hand that signs.
pub struct ReceiptSigner {
    secret: Ed25519KeyPair,
    key: NamedKey,
}

impl ReceiptSigner {
    /// The signer of the keeper with this origin and this seed of its log's key.
    pub fn new(origin: &Origin, seed: &[u8; 32]) -> Option<Self> {
        let mut own = Zeroizing::new([0; 32]);
        Hkdf::<Sha256>::new(None, seed).expand(b"hizo/receipt-sign/v1", own.as_mut()).ok()?;
        let secret = Ed25519KeyPair::from_seed_unchecked(own.as_ref()).ok()?;
        let public = VerifyingKey::from_bytes(secret.public_key().as_ref().try_into().ok()?).ok()?;
        Some(Self { key: NamedKey::new(origin.as_str(), CheckpointKey::Log(public))?, secret })
    }

    /// The key that a reader needs.
    pub const fn key(&self) -> &NamedKey {
        &self.key
    }

    /// The receipt of a record that is kept, or kept twice: durable, before anybody calls this.
    pub fn sign(&self, origin: &Origin, leaf: Leaf, kept: u64, is_twice: bool) -> Option<Vec<u8>> {
        let time = ClaimedTime::from_unix_seconds(kept).ok()?;
        let index_by = ClaimedTime::from_unix_seconds(kept.checked_add(MERGE_SECONDS_MAX)?).ok()?;
        let receipt = Receipt { keeper: origin.clone(), leaf, time, index_by, is_twice };
        let signature = self.secret.sign(receipt.text().as_bytes());
        Some(receipt.note(&self.key, signature.as_ref().try_into().ok()?).into_bytes())
    }
}

/// An authority's answer over a head that was published.
#[derive(Debug, Clone, Copy)]
pub struct NewStamp<'a> {
    /// The head, byte for byte.
    pub head: &'a [u8],
    /// A name for the files ([`is_file_name`](crate::stamp::is_file_name)).
    pub authority: &'a str,
    /// The answer as it came.
    pub answer: &'a [u8],
    /// Revocation lists of the day as PEM; empty when there are none.
    pub revocation: &'a str,
}

/// The log of one keeper, as it is published. Only one at a time may publish.
pub struct Sequencer<D: Disk = SystemDisk> {
    log: LogReader<PublishedFiles<D>>,
    signer: LogSigner,
}

impl<D: Disk> Sequencer<D> {
    /// The log whose files lie here.
    pub fn new(files: PublishedFiles<D>, signer: LogSigner) -> Self {
        let [key, _] = signer.keys();
        Self { log: LogReader::new(files, key.clone()), signer }
    }

    /// What is published.
    pub const fn log(&self) -> &LogReader<PublishedFiles<D>> {
        &self.log
    }

    /// The keys that a reader needs.
    pub const fn keys(&self) -> &[NamedKey; 2] {
        self.signer.keys()
    }

    /// Whether the journal goes on from what was signed before, so that what it holds can be published.
    ///
    /// # Errors
    /// [`Error::Shorter`] and [`Error::Other`] when it does not.
    pub fn goes_on<J: Journal>(&self, journal: &J) -> Result<(), Error> {
        check_not_older(journal.log()?, self.log.published()?)
    }

    /// Publishes all leaves of the journal, and the head over them. What a crash has left half-done is done again.
    ///
    /// # Errors
    /// [`Error`]. [`Error::Shorter`] and [`Error::Other`] mean that nothing may be signed until somebody has looked.
    pub fn publish<J: Journal>(&self, journal: &J, time: u64) -> Result<LogHead, Error> {
        let state = journal.log()?;
        let published = self.log.published()?;
        let published_size = published.map_or(0, |head| head.size);
        check_not_older(state, published)?;
        if let Some(head) = published.filter(|head| head.size == state.size) {
            return Ok(head);
        }
        let mut growing = self.growing(journal, published)?;
        while growing.rows.size() < state.size {
            let wanted = usize::try_from(state.size.saturating_sub(growing.rows.size())).unwrap_or(usize::MAX);
            for leaf in journal.leaves(growing.rows.size(), wanted.min(PAGE_RECORDS_MAX))? {
                growing.push(leaf, &self.log.files)?;
                if let Some(signed) = state.signed.filter(|signed| signed.size == growing.rows.size())
                    && signed.root != growing.rows.root()?
                {
                    return Err(Error::Other);
                }
            }
        }
        growing.finish(published_size, &self.log.files)?;
        let head = LogHead { size: growing.rows.size(), root: growing.rows.root()? };
        // Every tile is durable. The head is settled before it is signed, so that no crash and no second signer can make
        // two heads of one size.
        journal.settle_signed(state.signed, head)?;
        // Whoever was held up here finds that others have gone on: he signs nothing older, and puts nothing in place of theirs.
        if let Some(later) = self.log.published()?.filter(|later| later.size > head.size) {
            return Ok(later);
        }
        self.log.files.publish(CHECKPOINT, &self.sign(head, time)?)?;
        self.withdraw_filled(published_size, head.size)?;
        Ok(head)
    }

    fn sign(&self, head: LogHead, time: u64) -> Result<Vec<u8>, Error> {
        let checkpoint = Checkpoint { origin: self.signer.origin.clone(), size: head.size, root: head.root };
        self.signer.sign(&checkpoint, time).ok_or_else(|| damaged(CHECKPOINT))
    }

    /// Takes away what is left of a tile from when it was not full: the full one is published, and so is a head that asks
    /// for it.
    fn withdraw_filled(&self, before: u64, now: u64) -> Result<(), Error> {
        let kinds = iter::once(Kind::Entries).chain((0..).take(LEVELS).map(Kind::Hashes));
        for tile in kinds.filter_map(|kind| partial(kind, before)) {
            if Tile::of(tile.kind, tile.index, now).is_some_and(|tile| tile.is_full()) {
                self.log.files.withdraw_folder(&format!("{}.p", tile.full().path()))?;
            }
        }
        Ok(())
    }

    /// Publishes what was stamped, what an authority answered, and the revocation lists of the day if there are any.
    ///
    /// # Errors
    /// [`Error::Files`]; [`Error::Damaged`] when the head is none of this log's.
    pub fn publish_stamp(&self, stamp: &NewStamp<'_>) -> Result<LogHead, Error> {
        let found = self.log.own_head(stamp.head)?;
        let (folder, authority) = (stamped_folder(found.size, stamp.head), stamp.authority);
        let publish = |path: String, bytes: &[u8]| self.log.files.publish(&path, bytes);
        publish(format!("{folder}/{CHECKPOINT}"), stamp.head)?;
        let mut heads = self.log.stamped_heads(found.size)?;
        if heads.insert(stamped_name(stamp.head)) {
            let list: String = heads.iter().map(|name| format!("{name}\n")).collect();
            publish(stamped_list(found.size), list.as_bytes())?;
        }
        publish(format!("{folder}/{authority}.tsr"), stamp.answer)?;
        if !stamp.revocation.is_empty() {
            publish(format!("{folder}/{authority}.crl"), stamp.revocation.as_bytes())?;
        }
        // Last: what the list names is there.
        let mut answers = self.log.answers(found.size, &stamped_name(stamp.head))?;
        answers.insert(authority.to_owned(), ObjectId::of(stamp.answer));
        let list: String = answers.iter().map(|(name, answer)| format!("{answer} {name}\n")).collect();
        publish(format!("{folder}/{ANSWERS}"), list.as_bytes())?;
        Ok(found)
    }

    /// The published log, ready to grow. Its newest leaves are those of the journal, so that a bundle that was damaged is not
    /// carried on into a full one.
    fn growing<J: Journal>(&self, journal: &J, published: Option<LogHead>) -> Result<Growing, Error> {
        let Some(head) = published else { return Ok(Growing::default()) };
        let rows = Rows::of(head.size, |tile| self.log.must_read(tile))?;
        if rows.root()? != head.root {
            return Err(Error::Other);
        }
        let hashes = rows.newest_leaves();
        let leaves = match hashes.len() {
            0 => Vec::new(),
            many => journal.leaves(head.size.saturating_sub(many as u64), many)?,
        };
        let same = leaves.iter().map(Leaf::hash).eq(hashes.iter().copied());
        if same { Ok(Growing { rows, leaves }) } else { Err(Error::Other) }
    }
}

/// Nothing may be signed that is less or other than what was signed before.
fn check_not_older(state: LogState, published: Option<LogHead>) -> Result<(), Error> {
    let Some(published) = published else { return Ok(()) };
    if published.size > state.size {
        return Err(Error::Shorter { signed: published.size, size: state.size });
    }
    // What is published was settled first: a journal that does not know of it is an older one, or that of another log.
    match state.signed {
        Some(signed) if signed.size > published.size || signed == published => Ok(()),
        Some(signed) if signed.size == published.size => Err(Error::Other),
        Some(_) | None => {
            Err(Error::Shorter { signed: published.size, size: state.signed.map_or(0, |head| head.size) })
        }
    }
}

/// Where what belongs to a stamped head lies.
fn stamped_folder(size: u64, head: &[u8]) -> String {
    format!("stamps/{size}/{}", stamped_name(head))
}

/// Named by what was stamped: a head that is signed again takes no stamp from the first one.
fn stamped_name(head: &[u8]) -> String {
    ObjectId::of(head).to_string()
}

/// Where the names of all stamped heads of a size stand, a line each.
fn stamped_list(size: u64) -> String {
    format!("stamps/{size}/{HEADS}")
}

/// Every tile that the journal's leaves make of a log of this size, with its path, and the root.
pub(crate) fn derive<J: Journal>(
    journal: &J,
    size: u64,
    take: &mut dyn FnMut(String, &[u8]) -> Result<(), Error>,
) -> Result<RootHash, Error> {
    let (mut rows, mut bundle) = (Rows::default(), Vec::new());
    while rows.size() < size {
        let wanted = usize::try_from(size.saturating_sub(rows.size())).unwrap_or(usize::MAX).min(PAGE_RECORDS_MAX);
        let leaves = journal.leaves(rows.size(), wanted)?;
        if leaves.is_empty() {
            return Err(Error::Shorter { signed: size, size: rows.size() });
        }
        for leaf in leaves {
            let index = rows.size() / WIDTH;
            bundle.push(leaf);
            if bundle.len() as u64 == WIDTH {
                take(Tile { kind: Kind::Entries, index, width: WIDTH }.path(), &tile::from_leaves(&bundle))?;
                bundle.clear();
            }
            rows.push(leaf.hash(), |tile, row| take(tile.path(), &tile::from_hashes(row)))?;
        }
    }
    if let Some(partial) = partial(Kind::Entries, size) {
        take(partial.path(), &tile::from_leaves(&bundle))?;
    }
    for (tile, row) in rows.partial() {
        take(tile.path(), &tile::from_hashes(row))?;
    }
    rows.root()
}

fn damaged(path: &str) -> Error {
    Error::Damaged { path: path.to_owned() }
}

fn unread(error: ReadError<Error>) -> Error {
    match error {
        ReadError::Read(error) => error,
        ReadError::Tile(_) => damaged("tile"),
    }
}

/// A log that takes leaves.
#[derive(Default)]
struct Growing {
    rows: Rows,
    /// What stands in the bundle that is not full.
    leaves: Vec<Leaf>,
}

impl Growing {
    /// Takes the next leaf; tiles that it fills are published.
    fn push<D: Disk>(&mut self, leaf: Leaf, files: &PublishedFiles<D>) -> Result<(), Error> {
        let index = self.rows.size() / WIDTH;
        self.leaves.push(leaf);
        if self.leaves.len() as u64 == WIDTH {
            let bundle = Tile { kind: Kind::Entries, index, width: WIDTH };
            files.publish(&bundle.path(), &tile::from_leaves(&self.leaves))?;
            self.leaves.clear();
        }
        self.rows.push(leaf.hash(), |tile, row| Ok(files.publish(&tile.path(), &tile::from_hashes(row))?))
    }

    /// Publishes what is not full, where it grew since the tree of `before` leaves.
    fn finish<D: Disk>(&self, before: u64, files: &PublishedFiles<D>) -> Result<(), Error> {
        if let Some(bundle) = partial(Kind::Entries, self.rows.size()) {
            files.publish(&bundle.path(), &tile::from_leaves(&self.leaves))?;
        }
        for (tile, row) in self.rows.partial() {
            // A row that did not grow is published already.
            if partial(tile.kind, before) != Some(tile) {
                files.publish(&tile.path(), &tile::from_hashes(row))?;
            }
        }
        Ok(())
    }
}
