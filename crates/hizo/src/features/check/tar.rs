//! Walks a deposit's own tar beside its manifest: every member is an entry, every content is there and is the right one.

use std::collections::{BTreeMap, HashSet};
use std::sync::Mutex;

use crossbeam_channel::{Sender, bounded};
use hizo_ledger::id::ObjectId;
use hizo_vault::archive::{self, Event, Member, MemberKind, Reader};
use hizo_vault::commit::ContentValue;
use hizo_vault::manifest::{Content, Entry, Kind, Layer};
use hizo_vault::stream::{self, BLOCK_BYTES};

use super::objects::State;
use super::packs::{Packs, Piece};
use crate::failure::shown_bytes;
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
    /// Blocks of contents that are there and have the hashes that the manifest says.
    pub held: Vec<u64>,
    pub bad: Vec<(ObjectId, State)>,
    pub faults: Vec<Words>,
    /// Entries without content of their own for which there is no member, by their place in the manifest. Nothing is said
    /// of a tar with gaps.
    pub absent: Vec<usize>,
}

/// Contents that this deposit's own tar has to hold, by their place.
pub(super) fn expected(layer: &Layer) -> BTreeMap<u64, &Content> {
    let own = layer.entries.iter().filter_map(|entry| entry.kind.content());
    own.filter(|content| content.place.deposit == layer.head.deposit)
        .map(|content| (content.place.block, content))
        .collect()
}

/// What is found when there is no tar.
pub(super) fn none(layer: &Layer) -> Found {
    Found { absent: absent(layer, |_| false), ..Found::default() }
}

/// Entries that only a member of their own can show, and that were not met.
fn absent(layer: &Layer, met: impl Fn(usize) -> bool) -> Vec<usize> {
    let plain = |entry: &Entry| !matches!(entry.kind, Kind::File(_));
    (0..).zip(&layer.entries).filter(|(index, entry)| plain(entry) && !met(*index)).map(|(index, _)| index).collect()
}

/// Walks a tar that came with its manifest.
pub(super) fn small(layer: &Layer, tar: &[u8]) -> Found {
    let held = Mutex::default();
    let mut walk = Walk::new(layer, None, &held);
    for (number, block) in (0..).zip(tar.chunks(BLOCK_BYTES)) {
        walk.piece(Piece::Block(number, block.to_vec()));
    }
    let mut found = walk.finish();
    found.held = held.into_inner().expect("no thread panics while it reports");
    found
}

/// Walks a tar in packs.
pub(super) fn packed(layer: &Layer, packs: Packs) -> Found {
    let held = Mutex::default();
    let mut found = std::thread::scope(|scope| {
        let (jobs, jobs_in) = bounded::<Job>(cores() * QUEUE_PER_CORE);
        for _ in 0..cores() {
            let (jobs_in, held) = (jobs_in.clone(), &held);
            scope.spawn(move || jobs_in.iter().for_each(|job| job.run(held)));
        }
        let mut walk = Walk::new(layer, Some(jobs), &held);
        packs.read(|piece| walk.piece(piece));
        walk.finish()
    });
    found.held = held.into_inner().expect("no thread panics while it reports");
    found
}

struct Job {
    block: u64,
    value: ContentValue,
    bytes: Vec<u8>,
}

impl Job {
    fn run(self, held: &Mutex<Vec<u64>>) {
        if self.value.matches(&self.bytes) {
            held.lock().expect("no thread panics while it reports").push(self.block);
        }
    }
}

struct Walk<'a> {
    layer: &'a Layer,
    expected: BTreeMap<u64, &'a Content>,
    jobs: Option<Sender<Job>>,
    held: &'a Mutex<Vec<u64>>,
    /// Nothing while bytes are skipped up to `next`.
    reader: Option<Reader>,
    /// Where reading goes on: the place of a content, counted in blocks of 512 bytes.
    next: Option<u64>,
    /// Place of the last member that began.
    last: u64,
    /// Entries of the manifest that have a member.
    met: HashSet<usize>,
    /// Bytes of the tar so far, gaps included.
    position: u64,
    current: Option<Current<'a>>,
    gaps: bool,
    ended: bool,
    found: Found,
}

enum Current<'a> {
    Whole { block: u64, content: &'a Content, bytes: Vec<u8> },
    Large { block: u64, content: &'a Content, hashing: Hashing, position: u64 },
}

impl<'a> Walk<'a> {
    fn new(layer: &'a Layer, jobs: Option<Sender<Job>>, held: &'a Mutex<Vec<u64>>) -> Self {
        Self {
            layer,
            expected: expected(layer),
            jobs,
            held,
            reader: Some(Reader::new()),
            next: None,
            last: 0,
            met: HashSet::new(),
            position: 0,
            current: None,
            gaps: false,
            ended: false,
            found: Found::default(),
        }
    }

    fn piece(&mut self, piece: Piece) {
        match piece {
            Piece::Block(number, bytes) => self.block(number, &bytes),
            Piece::Bad(id, state) => {
                self.gaps = true;
                self.found.bad.push((id, state));
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

    fn block(&mut self, number: u64, bytes: &[u8]) {
        let offset = number.saturating_mul(BLOCK_BYTES as u64);
        if offset != self.position {
            self.gaps = true;
            self.resume(offset);
        }
        self.position = offset.saturating_add(bytes.len() as u64);
        let mut rest = bytes;
        loop {
            if self.reader.is_none() {
                let Some(next) = self.next else { return };
                let skip = next.saturating_mul(archive::BLOCK_BYTES as u64).saturating_sub(offset);
                match usize::try_from(skip).ok().and_then(|skip| bytes.get(skip..)) {
                    Some(from) => rest = from,
                    None => return,
                }
                (self.reader, self.next, self.last) = (Some(Reader::at(next)), None, next);
            }
            if !self.read(&mut rest) {
                self.resume(offset);
                continue;
            }
            return;
        }
    }

    /// Gives up what is being read and goes on with the first content at or behind this byte that was not met before.
    fn resume(&mut self, offset: u64) {
        self.current = None;
        self.reader = None;
        let from = offset.div_ceil(archive::BLOCK_BYTES as u64).max(self.last.saturating_add(1));
        self.next = self.expected.range(from..).next().map(|(block, _)| *block);
    }

    /// Reads on; false when the tar is not in its form from here.
    fn read(&mut self, rest: &mut &[u8]) -> bool {
        let Some(mut reader) = self.reader.take() else { return true };
        loop {
            let event = match reader.read(rest) {
                Ok(Some(event)) => event,
                Ok(None) => {
                    self.reader = Some(reader);
                    return true;
                }
                Err(error) => {
                    self.gaps = true;
                    self.fault(words!("its archive: {error}", "中身をまとめた tar の形が正しくありません: {error}"));
                    return false;
                }
            };
            match event {
                Event::Member { block, member } => self.member(block, &member),
                Event::Data { offset, bytes } => self.data(offset, bytes),
                Event::MemberEnd => self.member_end(),
                Event::End => self.ended = true,
            }
        }
    }

    fn member(&mut self, block: u64, member: &Member) {
        self.last = block;
        let index = self.layer.entries.binary_search_by(|entry| entry.path.as_slice().cmp(&member.path)).ok();
        let entry = index.and_then(|index| self.layer.entries.get(index));
        if !matches!(member.kind, MemberKind::File { .. }) {
            self.met.extend(index);
        }
        let path = shown_bytes(&member.path);
        match entry {
            None => self.fault(words!(
                "the archive holds {path}, which the manifest does not list",
                "一覧にない {path} が tar に入っています"
            )),
            Some(entry) if !self.is_as_listed(block, member, entry) => self.fault(words!(
                "the archive holds {path} otherwise than the manifest lists it",
                "tar の {path} が一覧の記載と違います"
            )),
            Some(_) => (),
        }
        let MemberKind::File { size, .. } = member.kind else { return };
        let content = self.expected.get(&block).copied();
        // What is composed lies in several tars: its bytes are compared when this one has been walked.
        let Some(content) = content.filter(|content| content.size == size && !content.is_composed()) else { return };
        self.current = Some(if size <= WHOLE_BYTES_MAX {
            Current::Whole { block, content, bytes: Vec::with_capacity(size as usize) }
        } else {
            Current::Large { block, content, hashing: Hashing::start(content.value.key), position: 0 }
        });
    }

    fn is_as_listed(&self, block: u64, member: &Member, entry: &Entry) -> bool {
        let kind = match (&member.kind, &entry.kind) {
            (MemberKind::File { size, .. }, Kind::File(content)) => {
                let place = content.place;
                *size == content.size && place.block == block && place.deposit == self.layer.head.deposit
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
                hashing.bytes(data.to_vec());
                *position = offset.saturating_add(data.len() as u64);
            }
            None => (),
        }
    }

    fn member_end(&mut self) {
        match self.current.take() {
            Some(Current::Whole { block, content, mut bytes }) => {
                bytes.resize(content.size as usize, 0);
                let job = Job { block, value: content.value.clone(), bytes };
                match &self.jobs {
                    Some(jobs) => jobs.send(job).expect("the hashing threads outlive the walk"),
                    None => job.run(self.held),
                }
            }
            Some(Current::Large { block, content, mut hashing, position }) => {
                hashing.zeros(content.size.saturating_sub(position));
                if hashing.finish() == content.value {
                    self.held.lock().expect("no thread panics while it reports").push(block);
                }
            }
            None => (),
        }
    }

    fn finish(mut self) -> Found {
        if !self.gaps && (!self.ended || self.position != self.layer.head.archive_bytes) {
            self.fault(words!("the archive is not as long as the manifest says", "tar の長さが一覧の記載と違います"));
        }
        if !self.gaps {
            self.found.absent = absent(self.layer, |index| self.met.contains(&index));
        }
        self.found
    }

    fn fault(&mut self, fault: Words) {
        if self.found.faults.len() < FAULTS_MAX {
            self.found.faults.push(fault);
        }
    }
}
