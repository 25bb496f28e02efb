//! Publishes the log: tiles, and then the head that names them. It signs only what is stored, and never less or other
//! than it has signed before.
//!
//! The journal gives every record its place when it is appended; publishing follows behind. See docs/spec/log.md,
//! section "Publishing".

use std::collections::BTreeMap;

use ed25519_dalek::{Signer, SigningKey};
use hizo_ledger::id::NodeHash;
use hizo_ledger::identity::VerifyingKey;
use hizo_ledger::log::Leaf;
use hizo_ledger::log::checkpoint::{Checkpoint, UnverifiedCheckpoint};
use hizo_ledger::log::note::{self, CheckpointKey, NamedKey};
use hizo_ledger::log::proof::InclusionProof;
use hizo_ledger::log::receipt::Receipt;
use hizo_ledger::log::tile::{self, Kind, ReadError, Tile, Tiles, WIDTH};
use hizo_ledger::log::tree::{self, Edge};
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

mod witnessed;

pub use witnessed::{Cosigned, Published};

/// Where the newest head is published.
pub const CHECKPOINT: &str = "checkpoint";

/// By when a record that was kept stands in the log, at most, in seconds: what a receipt promises.
pub const MERGE_SECONDS_MAX: u64 = 24 * 60 * 60;

/// Levels of tiles that a log may have.
const LEVELS: usize = 8;

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
        let text = checkpoint.text();
        let by_log = self.ed25519.sign(text.as_bytes()).to_bytes();
        let lines = note::signature_line(log, &by_log) + &self.ml_dsa.line(checkpoint, time)?;
        Some(format!("{text}\n{lines}").into_bytes())
    }
}

/// The secret key that signs receipts, and nothing else.
pub struct ReceiptSigner {
    secret: SigningKey,
    key: NamedKey,
}

impl ReceiptSigner {
    /// The signer of the keeper with this origin and this seed of its log's key.
    pub fn new(origin: &Origin, seed: &[u8; 32]) -> Option<Self> {
        let mut own = Zeroizing::new([0; 32]);
        Hkdf::<Sha256>::new(None, seed).expand(b"hizo/receipt-sign/v1", own.as_mut()).ok()?;
        let secret = SigningKey::from_bytes(&own);
        let public = VerifyingKey::from_bytes(secret.verifying_key().as_bytes()).ok()?;
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
        let signature = self.secret.sign(receipt.text().as_bytes()).to_bytes();
        Some(receipt.note(&self.key, &signature).into_bytes())
    }
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
        let mut growing = self.growing(published)?;
        while growing.edge.size() < state.size {
            let wanted = usize::try_from(state.size.saturating_sub(growing.edge.size())).unwrap_or(usize::MAX);
            for leaf in journal.leaves(growing.edge.size(), wanted.min(PAGE_RECORDS_MAX))? {
                growing.push(leaf, &self.files)?;
                let settled = state.signed.filter(|signed| signed.size == growing.edge.size());
                if settled.is_some_and(|signed| signed.root != growing.edge.root()) {
                    return Err(Error::Other);
                }
            }
        }
        growing.finish(published_size, &self.files)?;
        let head = LogHead { size: growing.edge.size(), root: growing.edge.root() };
        // Every tile is durable. The head is settled before it is signed, so that no crash and no second signer can make
        // two heads of one size.
        journal.settle_signed(state.signed, head)?;
        self.files.publish(CHECKPOINT, &self.sign(head, time)?)?;
        Ok(head)
    }

    fn sign(&self, head: LogHead, time: u64) -> Result<Vec<u8>, Error> {
        let checkpoint = Checkpoint { origin: self.signer.origin.clone(), size: head.size, root: head.root };
        self.signer.sign(&checkpoint, time).ok_or_else(|| damaged(CHECKPOINT))
    }

    /// An authority's answer over the published head of so many leaves, if one is kept.
    ///
    /// # Errors
    /// [`Error::Files`].
    pub fn stamp(&self, size: u64, authority: &str) -> Result<Option<Vec<u8>>, Error> {
        Ok(self.files.read(&stamp_path(size, authority))?)
    }

    /// Keeps an authority's answer over the published head of so many leaves.
    ///
    /// # Errors
    /// [`Error::Files`].
    pub fn keep_stamp(&self, size: u64, authority: &str, answer: &[u8]) -> Result<(), Error> {
        Ok(self.files.publish(&stamp_path(size, authority), answer)?)
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
        let checkpoint = self.checkpoint()?.ok_or(Error::NoLeaf { index })?;
        let size = self.published()?.map_or(0, |head| head.size);
        let path = tree::inclusion_path(&mut self.tiles(size), index, size).map_err(unread)?;
        let path = path.ok_or(Error::NoLeaf { index })?;
        Ok(InclusionProof { index, path, checkpoint })
    }

    /// The path from an earlier size of the log to the published one; `None` where there is none.
    ///
    /// # Errors
    /// [`Error::Damaged`].
    pub fn consistency(&self, earlier: u64) -> Result<Option<Vec<NodeHash>>, Error> {
        let size = self.published()?.map_or(0, |head| head.size);
        tree::consistency_path(&mut self.tiles(size), earlier, size).map_err(unread)
    }

    /// Reads every published file of the newest head again, derives every tile from the leaves, and looks for a slot
    /// that stands twice.
    ///
    /// # Errors
    /// The first thing that does not hold.
    pub fn check(&self) -> Result<LogHead, Error> {
        self.check_each(&mut |_| {})
    }

    /// As [`Sequencer::check`], and shows every leaf in order. What was shown before an error is not to be believed, nor
    /// is it when the error comes last.
    ///
    /// # Errors
    /// The first thing that does not hold.
    pub fn check_each(&self, each: &mut dyn FnMut(Leaf)) -> Result<LogHead, Error> {
        let Some(head) = self.published()? else { return Ok(LogHead { size: 0, root: tree::empty_root() }) };
        let mut rows: Vec<Vec<NodeHash>> = vec![Vec::new(); LEVELS];
        let (mut edge, mut slots) = (Edge::default(), BTreeMap::new());
        for index in 0..head.size.div_ceil(WIDTH) {
            let bundle = Tile::of(Kind::Entries, index, head.size).ok_or_else(|| damaged(CHECKPOINT))?;
            for leaf in tile::leaves(bundle, &self.must_read(bundle)?).map_err(|_| damaged(&bundle.path()))? {
                each(leaf);
                let place = edge.size();
                if let Some(first) = slots.insert(leaf.slot, place) {
                    return Err(Error::RepeatedSlot { first, second: place });
                }
                edge.push(leaf.hash());
                self.check_rows(&mut rows, leaf.hash(), edge.size())?;
            }
        }
        for (level, row) in (0..).zip(&rows) {
            self.check_tile(level, edge.size(), row)?;
        }
        if edge.root() == head.root { Ok(head) } else { Err(Error::Other) }
    }

    /// Takes one more leaf; a tile that became full is compared with its file.
    fn check_rows(&self, rows: &mut [Vec<NodeHash>], leaf: NodeHash, size: u64) -> Result<(), Error> {
        let mut node = leaf;
        for (level, row) in (0..).zip(rows) {
            row.push(node);
            if row.len() < WIDTH as usize {
                break;
            }
            self.check_tile(level, size, row)?;
            node = tile::root(row).ok_or_else(|| damaged(CHECKPOINT))?;
            row.clear();
        }
        Ok(())
    }

    /// Compares the tile that ends at `size` leaves with its file.
    fn check_tile(&self, level: u32, size: u64, row: &[NodeHash]) -> Result<(), Error> {
        if row.is_empty() {
            return Ok(());
        }
        let hashes = size.checked_shr(level.saturating_mul(8)).unwrap_or(0);
        let index = hashes.saturating_sub(1) / WIDTH;
        let tile = Tile { kind: Kind::Hashes(level), index, width: row.len() as u64 };
        if self.must_read(tile)? == tile::from_hashes(row) { Ok(()) } else { Err(damaged(&tile.path())) }
    }

    /// The head of the published checkpoint, whose signature must be this log's own.
    fn published(&self) -> Result<Option<LogHead>, Error> {
        let Some(note) = self.checkpoint()? else { return Ok(None) };
        let [log, _] = &self.signer.keys;
        let read = UnverifiedCheckpoint::parse(&note).map_err(|_| damaged(CHECKPOINT))?;
        let own = read.claimed().origin == self.signer.origin && read.signed_by(log).is_ok_and(|time| time.is_some());
        if !own {
            return Err(damaged(CHECKPOINT));
        }
        Ok(Some(LogHead { size: read.claimed().size, root: read.claimed().root }))
    }

    fn tiles(&self, size: u64) -> Tiles<impl FnMut(Tile) -> Result<Vec<u8>, Error>> {
        Tiles::new(size, |tile| self.must_read(tile))
    }

    fn must_read(&self, tile: Tile) -> Result<Vec<u8>, Error> {
        self.files.read(&tile.path())?.ok_or_else(|| damaged(&tile.path()))
    }

    /// The published log, ready to grow.
    fn growing(&self, published: Option<LogHead>) -> Result<Growing, Error> {
        let Some(head) = published else { return Ok(Growing::default()) };
        let edge = Edge::of(&mut self.tiles(head.size), head.size).map_err(unread)?;
        if edge.root() != head.root {
            return Err(Error::Other);
        }
        let mut growing = Growing { edge, ..Growing::default() };
        let partial = |kind| Tile::of(kind, head.size.checked_shr(shift(kind)).unwrap_or(0) / WIDTH, head.size);
        if let Some(tile) = partial(Kind::Entries) {
            growing.leaves = tile::leaves(tile, &self.must_read(tile)?).map_err(|_| damaged(&tile.path()))?;
        }
        for (level, row) in (0..).zip(&mut growing.rows) {
            if let Some(tile) = partial(Kind::Hashes(level)) {
                *row = tile::hashes(tile, &self.must_read(tile)?).map_err(|_| damaged(&tile.path()))?;
            }
        }
        Ok(growing)
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

fn stamp_path(size: u64, authority: &str) -> String {
    format!("stamps/{size}/{authority}.tsr")
}

/// Bits by which a size is shifted to count what a tile of this kind holds.
const fn shift(kind: Kind) -> u32 {
    match kind {
        Kind::Hashes(level) => level.saturating_mul(8),
        Kind::Entries => 0,
    }
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

/// A log that takes leaves: its edge, and what stands in tiles that are not full.
struct Growing {
    edge: Edge,
    leaves: Vec<Leaf>,
    rows: Vec<Vec<NodeHash>>,
}

impl Default for Growing {
    fn default() -> Self {
        Self { edge: Edge::default(), leaves: Vec::new(), rows: vec![Vec::new(); LEVELS] }
    }
}

impl Growing {
    /// Takes the next leaf; tiles that it fills are published.
    fn push<D: Disk>(&mut self, leaf: Leaf, files: &PublishedFiles<D>) -> Result<(), Error> {
        let index = self.edge.size() / WIDTH;
        self.edge.push(leaf.hash());
        self.leaves.push(leaf);
        if self.leaves.len() as u64 == WIDTH {
            let bundle = Tile { kind: Kind::Entries, index, width: WIDTH };
            files.publish(&bundle.path(), &tile::from_leaves(&self.leaves))?;
            self.leaves.clear();
        }
        let (mut node, mut place) = (leaf.hash(), self.edge.size().saturating_sub(1));
        for (level, row) in (0..).zip(&mut self.rows) {
            row.push(node);
            if (row.len() as u64) < WIDTH {
                break;
            }
            let full = Tile { kind: Kind::Hashes(level), index: place / WIDTH, width: WIDTH };
            files.publish(&full.path(), &tile::from_hashes(row))?;
            node = tile::root(row).ok_or_else(|| damaged(&full.path()))?;
            place /= WIDTH;
            row.clear();
        }
        Ok(())
    }

    /// Publishes what is not full, where it grew since the tree of `before` leaves.
    fn finish<D: Disk>(&self, before: u64, files: &PublishedFiles<D>) -> Result<(), Error> {
        for tile in Tile::between(before, self.edge.size()).into_iter().filter(|tile| !tile.is_full()) {
            let bytes = match tile.kind {
                Kind::Entries => tile::from_leaves(&self.leaves),
                Kind::Hashes(level) => tile::from_hashes(self.rows.get(level as usize).map_or(&[], Vec::as_slice)),
            };
            if bytes.len() != tile.bytes() {
                return Err(damaged(&tile.path()));
            }
            files.publish(&tile.path(), &bytes)?;
        }
        Ok(())
    }
}
