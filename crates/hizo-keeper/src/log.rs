//! Publishes the log: tiles, and then the head that names them. It signs only what is stored, and never less or other
//! than it has signed before.
//!
//! The journal gives every record its place when it is appended; publishing follows behind. See docs/spec/log.md,
//! section "Publishing".

use std::{io, iter};

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use ed25519_dalek::{Signer, SigningKey};
use hizo_ledger::id::NodeHash;
use hizo_ledger::identity::VerifyingKey;
use hizo_ledger::log::Leaf;
use hizo_ledger::log::checkpoint::{Checkpoint, UnverifiedCheckpoint};
use hizo_ledger::log::note::{self, CheckpointKey, NamedKey};
use hizo_ledger::log::proof::InclusionProof;
use hizo_ledger::log::receipt::Receipt;
use hizo_ledger::log::tile::{self, Kind, ReadError, Tile, Tiles, WIDTH};
use hizo_ledger::log::tree;
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
mod rows;
mod witnessed;

use self::rows::{LEVELS, Rows, partial};
pub use witnessed::{Cosigned, Published};

/// Where the newest head is published.
pub const CHECKPOINT: &str = "checkpoint";

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

    /// The receipt of a record that is kept: durable, before anybody calls this.
    pub fn sign(&self, origin: &Origin, leaf: Leaf, kept: u64) -> Option<Vec<u8>> {
        let time = ClaimedTime::from_unix_seconds(kept).ok()?;
        let index_by = ClaimedTime::from_unix_seconds(kept.checked_add(MERGE_SECONDS_MAX)?).ok()?;
        let receipt = Receipt { keeper: origin.clone(), leaf, time, index_by };
        let signature = self.secret.sign(receipt.text().as_bytes());
        Some(receipt.note(&self.key, signature.as_ref().try_into().ok()?).into_bytes())
    }
}

/// An authority's answer over a head that was published.
#[derive(Debug, Clone, Copy)]
pub struct NewStamp<'a> {
    /// The head, byte for byte.
    pub head: &'a [u8],
    /// A name for the files: 1 to 64 of the characters `A-Z a-z 0-9 - _`.
    pub authority: &'a str,
    /// The answer as it came.
    pub answer: &'a [u8],
    /// Revocation lists of the day as PEM; empty when there are none.
    pub revocation: &'a str,
}

/// The log of one keeper, as it is published. Only one at a time may publish.
pub struct Sequencer<D: Disk = SystemDisk> {
    files: PublishedFiles<D>,
    signer: LogSigner,
}

impl<D: Disk> Sequencer<D> {
    /// The log whose files lie here.
    pub const fn new(files: PublishedFiles<D>, signer: LogSigner) -> Self {
        Self { files, signer }
    }

    /// The keys that a reader needs.
    pub const fn keys(&self) -> &[NamedKey; 2] {
        self.signer.keys()
    }

    /// The newest published checkpoint note; `None` before the first.
    ///
    /// # Errors
    /// [`Error::Files`].
    pub fn checkpoint(&self) -> Result<Option<Vec<u8>>, Error> {
        Ok(self.files.read(CHECKPOINT)?)
    }

    /// A tile or a bundle, as it was published.
    ///
    /// # Errors
    /// [`Error::Files`].
    pub fn tile(&self, tile: Tile) -> Result<Option<Vec<u8>>, Error> {
        Ok(self.files.read(&tile.path())?)
    }

    /// A published file by its path below the log's folder; `None` when nothing is published there.
    ///
    /// # Errors
    /// [`Error::Files`].
    pub fn file(&self, path: &str) -> Result<Option<Vec<u8>>, Error> {
        match self.files.read(path) {
            // No path of ours, or a folder.
            Err(published::Error::Refused { .. }) => Ok(None),
            Err(published::Error::Disk { source, .. }) if source.kind() == io::ErrorKind::IsADirectory => Ok(None),
            other => Ok(other?),
        }
    }

    /// Whether the journal goes on from what was signed before, so that what it holds can be published.
    ///
    /// # Errors
    /// [`Error::Shorter`] and [`Error::Other`] when it does not.
    pub fn goes_on<J: Journal>(&self, journal: &J) -> Result<(), Error> {
        check_not_older(journal.log()?, self.published()?)
    }

    /// Publishes all leaves of the journal, and the head over them. What a crash has left half-done is done again.
    ///
    /// # Errors
    /// [`Error`]. [`Error::Shorter`] and [`Error::Other`] mean that nothing may be signed until somebody has looked.
    pub fn publish<J: Journal>(&self, journal: &J, time: u64) -> Result<LogHead, Error> {
        let state = journal.log()?;
        let published = self.published()?;
        let published_size = published.map_or(0, |head| head.size);
        check_not_older(state, published)?;
        if let Some(head) = published.filter(|head| head.size == state.size) {
            return Ok(head);
        }
        let mut growing = self.growing(journal, published)?;
        while growing.rows.size() < state.size {
            let wanted = usize::try_from(state.size.saturating_sub(growing.rows.size())).unwrap_or(usize::MAX);
            for leaf in journal.leaves(growing.rows.size(), wanted.min(PAGE_RECORDS_MAX))? {
                growing.push(leaf, &self.files)?;
                if let Some(signed) = state.signed.filter(|signed| signed.size == growing.rows.size())
                    && signed.root != growing.rows.root()?
                {
                    return Err(Error::Other);
                }
            }
        }
        growing.finish(published_size, &self.files)?;
        let head = LogHead { size: growing.rows.size(), root: growing.rows.root()? };
        // Every tile is durable. The head is settled before it is signed, so that no crash and no second signer can make
        // two heads of one size.
        journal.settle_signed(state.signed, head)?;
        // Whoever was held up here finds that others have gone on: he signs nothing older, and puts nothing in place of theirs.
        if let Some(later) = self.published()?.filter(|later| later.size > head.size) {
            return Ok(later);
        }
        self.files.publish(CHECKPOINT, &self.sign(head, time)?)?;
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
                self.files.withdraw_folder(&format!("{}.p", tile.full().path()))?;
            }
        }
        Ok(())
    }

    /// The head of so many leaves as it was stamped, byte for byte; `None` when none was.
    ///
    /// # Errors
    /// [`Error::Files`].
    pub fn stamped(&self, size: u64) -> Result<Option<Vec<u8>>, Error> {
        Ok(self.files.read(&stamped_path(size, CHECKPOINT))?)
    }

    /// The revocation lists, as PEM, that were kept with an authority's answer over the head of so many leaves.
    ///
    /// # Errors
    /// [`Error::Files`].
    pub fn revocation(&self, size: u64, authority: &str) -> Result<Option<Vec<u8>>, Error> {
        Ok(self.files.read(&stamped_path(size, &format!("{authority}.crl")))?)
    }

    /// Publishes what was stamped, what an authority answered, and the revocation lists of the day if there are any.
    ///
    /// # Errors
    /// [`Error::Files`]; [`Error::Damaged`] when the head is none of this log's.
    pub fn publish_stamp(&self, stamp: &NewStamp<'_>) -> Result<LogHead, Error> {
        let found = self.own_head(stamp.head)?;
        self.files.publish(&stamped_path(found.size, CHECKPOINT), stamp.head)?;
        self.files.publish(&stamped_path(found.size, &format!("{}.tsr", stamp.authority)), stamp.answer)?;
        if !stamp.revocation.is_empty() {
            let path = stamped_path(found.size, &format!("{}.crl", stamp.authority));
            self.files.publish(&path, stamp.revocation.as_bytes())?;
        }
        Ok(found)
    }

    /// Every stamp that is kept, each with its path below the log's folder.
    ///
    /// # Errors
    /// [`Error::Files`], [`Error::Damaged`].
    pub fn stamps(&self) -> Result<Vec<(String, Vec<u8>)>, Error> {
        let mut found = Vec::new();
        for size in self.files.list("stamps")? {
            for name in self.files.list(&format!("stamps/{size}"))? {
                let path = format!("stamps/{size}/{name}");
                let bytes = self.files.read(&path)?.ok_or_else(|| damaged(&path))?;
                found.push((path, bytes));
            }
        }
        Ok(found)
    }

    /// A proof that the leaf at `index` stands in the published log.
    ///
    /// # Errors
    /// [`Error::NoLeaf`]; [`Error::Damaged`] when a file that it needs is not there.
    pub fn prove(&self, index: u64) -> Result<InclusionProof, Error> {
        self.prove_under(index, self.checkpoint()?.ok_or(Error::NoLeaf { index })?)
    }

    /// A proof that the leaf at `index` stands under this head, which was published once.
    ///
    /// # Errors
    /// As [`Sequencer::prove`].
    pub fn prove_under(&self, index: u64, checkpoint: Vec<u8>) -> Result<InclusionProof, Error> {
        let size = self.own_head(&checkpoint)?.size;
        let path = tree::inclusion_path(&mut self.tiles(size), index, size).map_err(unread)?;
        let path = path.ok_or(Error::NoLeaf { index })?;
        Ok(InclusionProof { index, path, checkpoint })
    }

    /// The path from an earlier size of the log to one that was published; `None` where there is none.
    ///
    /// # Errors
    /// [`Error::Damaged`].
    pub fn consistency(&self, earlier: u64, size: u64) -> Result<Option<Vec<NodeHash>>, Error> {
        tree::consistency_path(&mut self.tiles(size), earlier, size).map_err(unread)
    }

    /// The head of the published checkpoint, whose signature must be this log's own.
    fn published(&self) -> Result<Option<LogHead>, Error> {
        self.checkpoint()?.map(|note| self.own_head(&note)).transpose()
    }

    /// What a checkpoint says, whose signature must be this log's own.
    fn own_head(&self, note: &[u8]) -> Result<LogHead, Error> {
        let [log, _] = &self.signer.keys;
        let read = UnverifiedCheckpoint::parse(note).map_err(|_| damaged(CHECKPOINT))?;
        let own = read.claimed().origin == self.signer.origin && read.signed_by(log).is_ok_and(|time| time.is_some());
        if !own {
            return Err(damaged(CHECKPOINT));
        }
        Ok(LogHead { size: read.claimed().size, root: read.claimed().root })
    }

    fn tiles(&self, size: u64) -> Tiles<impl FnMut(Tile) -> Result<Vec<u8>, Error>> {
        Tiles::new(size, |tile| self.must_read(tile))
    }

    /// A tile that the tree has. The full tile stands for a partial one that has been taken away meanwhile.
    fn must_read(&self, tile: Tile) -> Result<Vec<u8>, Error> {
        if let Some(bytes) = self.files.read(&tile.path())? {
            return Ok(bytes);
        }
        let full = self.files.read(&tile.full().path())?.filter(|full| full.len() == tile.full().bytes());
        let mut bytes = full.ok_or_else(|| damaged(&tile.path()))?;
        bytes.truncate(tile.bytes());
        Ok(bytes)
    }

    /// The published log, ready to grow. Its newest leaves are those of the journal, so that a bundle that was damaged is not
    /// carried on into a full one.
    fn growing<J: Journal>(&self, journal: &J, published: Option<LogHead>) -> Result<Growing, Error> {
        let Some(head) = published else { return Ok(Growing::default()) };
        let rows = Rows::of(head.size, |tile| self.must_read(tile))?;
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

fn stamped_path(size: u64, name: &str) -> String {
    format!("stamps/{size}/{name}")
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
