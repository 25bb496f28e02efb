//! Walks a deposit's own tar beside its manifest: every member is an entry, every content is there and is the right one.
//!
//! Members and entries both ascend by path, so the two are read side by side and neither is held.

use std::iter::Peekable;
use std::sync::Mutex;

use crossbeam_channel::{Sender, bounded};
use hizo_ledger::id::ObjectId;
use hizo_vault::archive::{self, Event, Member, MemberKind, Reader};
use hizo_vault::commit::{ContentValue, EntryId};
use hizo_vault::manifest::{Content, Entry, Kind, Place};
use hizo_vault::stream::{self, BLOCK_BYTES};

use super::objects::State;
use super::packs::{Packs, Piece};
use crate::contents::{Entries, Listed};
use crate::failure::{Failure, Outcome, shown_bytes};
use crate::hashing::Hashing;
use crate::packing::cores;
use crate::words::{Words, words};

/// Contents up to this many bytes are hashed whole, several at a time.
const WHOLE_BYTES_MAX: u64 = 1 << 20;

/// Whole contents that wait to be hashed, per core.
const QUEUE_PER_CORE: usize = 8;

/// Most single faults of one tar that are told; a damaged one would have thousands.
pub(super) const FAULTS_MAX: usize = 20;

/// What was found in a tar.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Contents that are there and have the hashes that the manifest says.
    pub held: Held,
    pub bad: Vec<(ObjectId, State)>,
    pub faults: Vec<Words>,
    /// Blocks of contents that this tar has to hold, in the order of the entries; some stand here several times.
    pub expected: Vec<u64>,
    /// Those of them that lie in several deposits, whose bytes are not in this tar alone.
    pub composed: Vec<Content>,
    /// Paths of entries without content of their own that nothing shows, as many of them as are told. Nothing is said of a
    /// tar with gaps.
    pub absent: Vec<Vec<u8>>,
    /// All entries without content of their own.
    pub plain: Vec<EntryId>,
}

/// Contents that were found to be right.
#[derive(Debug, Default)]
pub(super) struct Held {
    /// The block of each and a short hash of what it has to be.
    pub contents: Vec<(u64, ShortHash)>,
    pub bytes: u64,
}

/// What tells a content from others, as far as a check needs it.
pub(super) type ShortHash = [u8; 16];

/// A deposit's own manifest on its way.
pub(super) struct Own<'a> {
    pub deposit: u64,
    /// Length of the tar.
    pub archive_bytes: u64,
    pub entries: Entries<'a>,
    /// Whether an entry without content of its own need not have a member here.
    pub is_shown: &'a dyn Fn(EntryId) -> bool,
}

pub(super) fn short(content: &Content) -> ShortHash {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&content.size.to_be_bytes()).update(&content.value.to_bytes());
    let mut short = [0; 16];
    hasher.finalize_xof().fill(&mut short);
    short
}

/// What is found when there is no tar.
pub(super) fn none(own: Own) -> Outcome<Found> {
    let mut beside = Beside::new(own);
    beside.skip_to_the_end()?;
    Ok(beside.found)
}

/// Walks a tar that came with its manifest.
pub(super) fn small(own: Own, tar: &[u8]) -> Outcome<Found> {
    let held = Mutex::default();
    let mut walk = Walk::new(own, None, &held);
    for (number, block) in (0..).zip(tar.chunks(BLOCK_BYTES)) {
        walk.piece(Piece::Block(number, block.to_vec()));
    }
    let found = walk.finish()?;
    Ok(Found { held: held.into_inner().expect("no thread panics while it reports"), ..found })
}

/// Walks a tar in packs.
pub(super) fn packed(own: Own, packs: Packs) -> Outcome<Found> {
    let held = Mutex::default();
    let found = std::thread::scope(|scope| {
        let (jobs, jobs_in) = bounded::<Job>(cores() * QUEUE_PER_CORE);
        for _ in 0..cores() {
            let (jobs_in, held) = (jobs_in.clone(), &held);
            scope.spawn(move || jobs_in.iter().for_each(|job| job.run(held)));
        }
        let mut walk = Walk::new(own, Some(jobs), &held);
        packs.read(|piece| walk.piece(piece));
        walk.finish()
    })?;
    Ok(Found { held: held.into_inner().expect("no thread panics while it reports"), ..found })
}

/// The entries beside the tar, as far as they were passed.
struct Beside<'a> {
    deposit: u64,
    entries: Peekable<Entries<'a>>,
    is_shown: &'a dyn Fn(EntryId) -> bool,
    found: Found,
}

impl<'a> Beside<'a> {
    fn new(own: Own<'a>) -> Self {
        let (entries, found) = (own.entries.peekable(), Found::default());
        Self { deposit: own.deposit, entries, is_shown: own.is_shown, found }
    }

    /// The entry at this path. Those before it are passed: they have no member.
    fn at(&mut self, path: &[u8]) -> Outcome<Option<Listed<'a>>> {
        let before = |entry: &Outcome<Listed>| entry.as_ref().is_ok_and(|entry| *entry.path < *path);
        while let Some(entry) = self.entries.next_if(before) {
            self.pass(&*entry?, false);
        }
        let found = self.entries.next_if(|entry| entry.as_ref().is_ok_and(|entry| *entry.path == *path));
        found.or_else(|| self.entries.next_if(Outcome::is_err)).transpose()
    }

    /// The place of the next content that lies at or behind this block. Entries before it are passed.
    fn content_from(&mut self, block: u64) -> Outcome<Option<u64>> {
        loop {
            let place = match self.entries.peek() {
                None => return Ok(None),
                Some(Ok(entry)) => entry.kind.content().map(|content| content.place),
                Some(Err(_)) => None,
            };
            match place.filter(|place| place.deposit == self.deposit && place.block >= block) {
                Some(place) => return Ok(Some(place.block)),
                None => {
                    if let Some(entry) = self.entries.next() {
                        self.pass(&*entry?, false);
                    }
                }
            }
        }
    }

    fn skip_to_the_end(&mut self) -> Outcome<()> {
        while let Some(entry) = self.entries.next() {
            self.pass(&*entry?, false);
        }
        Ok(())
    }

    /// Takes down what has to be known of an entry when it is behind; whether a member that is no file has its path.
    fn pass(&mut self, entry: &Entry, is_met: bool) {
        if let Some(content) = entry.kind.content().filter(|content| content.place.deposit == self.deposit) {
            self.found.expected.push(content.place.block);
            if content.is_composed() {
                self.found.composed.push(content.clone());
            }
        }
        if !matches!(entry.kind, Kind::File(_)) {
            self.found.plain.push(entry.id);
            if !is_met && self.found.absent.len() < FAULTS_MAX && !(self.is_shown)(entry.id) {
                self.found.absent.push(entry.path.clone());
            }
        }
    }
}

struct Job {
    block: u64,
    short: ShortHash,
    value: ContentValue,
    bytes: Vec<u8>,
}

impl Job {
    fn run(self, held: &Mutex<Held>) {
        if self.value.matches(&self.bytes) {
            let size = self.bytes.len() as u64;
            held.lock().expect("no thread panics while it reports").add(self.block, self.short, size);
        }
    }
}

impl Held {
    fn add(&mut self, block: u64, short: ShortHash, size: u64) {
        self.contents.push((block, short));
        self.bytes = self.bytes.saturating_add(size);
    }
}

struct Walk<'a, 'h> {
    beside: Beside<'a>,
    /// Length of the tar, as the manifest says it.
    archive_bytes: u64,
    jobs: Option<Sender<Job>>,
    held: &'h Mutex<Held>,
    /// Nothing while bytes are skipped up to `next`.
    reader: Option<Reader>,
    /// Where reading goes on: the place of a content, counted in blocks of 512 bytes.
    next: Option<u64>,
    /// Place of the last member that began.
    last: u64,
    /// Bytes of the tar so far, gaps included.
    position: u64,
    current: Option<Current>,
    gaps: bool,
    ended: bool,
    bad: Vec<(ObjectId, State)>,
    faults: Vec<Words>,
    /// Why the manifest cannot be read on.
    trouble: Option<Failure>,
}

enum Current {
    Whole { block: u64, content: Content, bytes: Vec<u8> },
    Large { block: u64, content: Content, hashing: Hashing, position: u64 },
}

impl<'a, 'h> Walk<'a, 'h> {
    fn new(own: Own<'a>, jobs: Option<Sender<Job>>, held: &'h Mutex<Held>) -> Self {
        Self {
            archive_bytes: own.archive_bytes,
            beside: Beside::new(own),
            jobs,
            held,
            reader: Some(Reader::new()),
            next: None,
            last: 0,
            position: 0,
            current: None,
            gaps: false,
            ended: false,
            bad: Vec::new(),
            faults: Vec::new(),
            trouble: None,
        }
    }

    fn piece(&mut self, piece: Piece) {
        match piece {
            Piece::Block(..) if self.trouble.is_some() => (),
            Piece::Block(number, bytes) => {
                if let Err(failure) = self.block(number, &bytes) {
                    self.trouble = Some(failure);
                }
            }
            Piece::Bad(id, state) => {
                self.gaps = true;
                self.bad.push((id, state));
            }
            Piece::Stream(error) => self.stream_fault(error),
            Piece::Start => self.fault(words!(
                "a pack does not start where the manifest says",
                "部品の始まりが、ファイルの一覧に書かれた位置と違います"
            )),
        }
    }

    fn stream_fault(&mut self, error: stream::Error) {
        // Behind a pack that is missing, a stream that ends too early is no news.
        if !(self.gaps && error == stream::Error::Truncated) {
            self.fault(words!("its sealed stream: {error}", "封をした流れの形が正しくありません: {error}"));
        }
        self.gaps = true;
    }

    fn block(&mut self, number: u64, bytes: &[u8]) -> Outcome<()> {
        let offset = number.saturating_mul(BLOCK_BYTES as u64);
        if offset != self.position {
            self.gaps = true;
            self.resume(offset)?;
        }
        self.position = offset.saturating_add(bytes.len() as u64);
        let mut rest = bytes;
        loop {
            if self.reader.is_none() {
                let Some(next) = self.next else { return Ok(()) };
                let skip = next.saturating_mul(archive::BLOCK_BYTES as u64).saturating_sub(offset);
                match usize::try_from(skip).ok().and_then(|skip| bytes.get(skip..)) {
                    Some(from) => rest = from,
                    None => return Ok(()),
                }
                (self.reader, self.next, self.last) = (Some(Reader::at(next)), None, next);
            }
            if !self.read(&mut rest)? {
                self.resume(offset)?;
                continue;
            }
            return Ok(());
        }
    }

    /// Gives up what is being read and goes on with the first content at or behind this byte that was not met before.
    fn resume(&mut self, offset: u64) -> Outcome<()> {
        self.current = None;
        self.reader = None;
        let from = offset.div_ceil(archive::BLOCK_BYTES as u64).max(self.last.saturating_add(1));
        self.next = self.beside.content_from(from)?;
        Ok(())
    }

    /// Reads on; false when the tar is not in its form from here.
    fn read(&mut self, rest: &mut &[u8]) -> Outcome<bool> {
        let Some(mut reader) = self.reader.take() else { return Ok(true) };
        loop {
            let event = match reader.read(rest) {
                Ok(Some(event)) => event,
                Ok(None) => {
                    self.reader = Some(reader);
                    return Ok(true);
                }
                Err(error) => {
                    self.gaps = true;
                    self.fault(words!("its archive: {error}", "中身をまとめた tar の形が正しくありません: {error}"));
                    return Ok(false);
                }
            };
            match event {
                Event::Member { block, member } => self.member(block, &member)?,
                Event::Data { offset, bytes } => self.data(offset, bytes),
                Event::MemberEnd => self.member_end(),
                Event::End => self.ended = true,
            }
        }
    }

    fn member(&mut self, block: u64, member: &Member) -> Outcome<()> {
        self.last = block;
        let entry = self.beside.at(&member.path)?;
        let path = shown_bytes(&member.path);
        let Some(entry) = entry else {
            self.fault(words!(
                "the archive holds {path}, which the manifest does not list",
                "一覧にない {path} が tar に入っています"
            ));
            return Ok(());
        };
        self.beside.pass(&entry, !matches!(member.kind, MemberKind::File { .. }));
        if !self.is_as_listed(block, member, &entry) {
            self.fault(words!(
                "the archive holds {path} otherwise than the manifest lists it",
                "tar の {path} が一覧の記載と違います"
            ));
        }
        let (MemberKind::File { size, .. }, Kind::File(content)) = (&member.kind, &entry.kind) else { return Ok(()) };
        let is_here = content.place == Place { deposit: self.beside.deposit, block } && content.size == *size;
        // What is composed lies in several tars: its bytes are compared when this one has been walked.
        if !is_here || content.is_composed() {
            return Ok(());
        }
        let content = content.clone();
        self.current = Some(if *size <= WHOLE_BYTES_MAX {
            Current::Whole { block, content, bytes: Vec::with_capacity(*size as usize) }
        } else {
            Current::Large { block, hashing: Hashing::start(content.value.key), content, position: 0 }
        });
        Ok(())
    }

    fn is_as_listed(&self, block: u64, member: &Member, entry: &Entry) -> bool {
        let kind = match (&member.kind, &entry.kind) {
            (MemberKind::File { size, .. }, Kind::File(content)) => {
                let place = content.place;
                *size == content.size && place.block == block && place.deposit == self.beside.deposit
            }
            (MemberKind::Directory, Kind::Directory) => true,
            (MemberKind::Symlink { target }, Kind::Symlink { target: listed })
            | (MemberKind::HardLink { target }, Kind::HardLink { target: listed, .. }) => **target == **listed,
            _ => false,
        };
        let same = member.mode == entry.mode && member.mtime_ns == entry.mtime_ns;
        kind && same && *member.xattrs == *entry.xattrs
    }

    fn data(&mut self, offset: u64, data: &[u8]) {
        match self.current.as_mut() {
            // The reader keeps offsets ascending and inside the size that was compared above.
            Some(Current::Whole { bytes, .. }) => {
                bytes.resize(offset as usize, 0);
                bytes.extend_from_slice(data);
            }
            Some(Current::Large { hashing, position, .. }) => {
                hashing.zeros(offset.saturating_sub(*position));
                hashing.copy(data);
                *position = offset.saturating_add(data.len() as u64);
            }
            None => (),
        }
    }

    fn member_end(&mut self) {
        match self.current.take() {
            Some(Current::Whole { block, content, mut bytes }) => {
                bytes.resize(content.size as usize, 0);
                let job = Job { block, short: short(&content), value: content.value, bytes };
                match &self.jobs {
                    Some(jobs) => jobs.send(job).expect("the hashing threads outlive the walk"),
                    None => job.run(self.held),
                }
            }
            Some(Current::Large { block, content, mut hashing, position }) => {
                hashing.zeros(content.size.saturating_sub(position));
                if hashing.finish() == content.value {
                    let mut held = self.held.lock().expect("no thread panics while it reports");
                    held.add(block, short(&content), content.size);
                }
            }
            None => (),
        }
    }

    fn finish(mut self) -> Outcome<Found> {
        if let Some(failure) = self.trouble {
            return Err(failure);
        }
        self.beside.skip_to_the_end()?;
        if !self.gaps && (!self.ended || self.position != self.archive_bytes) {
            self.fault(words!("the archive is not as long as the manifest says", "tar の長さが一覧の記載と違います"));
        }
        let absent = if self.gaps { Vec::new() } else { self.beside.found.absent };
        Ok(Found { bad: self.bad, faults: self.faults, absent, ..self.beside.found })
    }

    fn fault(&mut self, fault: Words) {
        if self.faults.len() < FAULTS_MAX {
            self.faults.push(fault);
        }
    }
}
