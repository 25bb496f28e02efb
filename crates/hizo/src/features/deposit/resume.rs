//! The resume journal: what of an unfinished deposit is kept already, so that a killed one goes on where it was.
//!
//! It holds what the walk holds, and which packs are durable; no name, no content, no secret. A line that was cut short
//! or changed ends it: everything from there on is done again. See docs/spec/local-state.md, section "Resume journal".

use std::fs::{self, File};
use std::io::{self, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use hizo_ledger::id::ObjectId;
use hizo_vault::manifest::PackStart;

use super::local::{REMEMBERED_BYTES, Remembered, WalkOf, take};
use super::segments::{spans_from_bytes, spans_to_bytes};
use crate::failure::{Failure, Outcome};
use crate::packing::{Boundary, Framing, PackKept};
use crate::system;

const MAGIC: &[u8; 16] = b"hizo/resume/v1\n\0";
const CHECK_BYTES: usize = 16;
/// An entry with all the spans that a content may have takes less.
const PAYLOAD_BYTES_MAX: u32 = 16 << 10;
/// How much is put together before it is written, where nothing has to be durable yet.
const PENDING_BYTES_MAX: usize = 1 << 20;
const BLOCK_BYTES: u64 = hizo_vault::stream::BLOCK_BYTES as u64;

/// What must be the same for an unfinished deposit to go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Circumstances {
    pub deposit: u64,
    pub epoch: u32,
    /// The walk that decides what is stored and what is not.
    pub last: Option<WalkOf>,
    pub framing: Framing,
    pub reread: bool,
    pub reuse: bool,
    pub compose: bool,
    /// What the last walk remembers of segments: with other ones, other files would be composed.
    pub segments: Option<[u8; 32]>,
}

/// The journal of the deposit being made.
pub(super) struct ResumeJournal {
    path: PathBuf,
    inner: Mutex<Inner>,
}

struct Inner {
    file: File,
    pending: Vec<u8>,
    check: blake3::Hasher,
}

/// Where an unfinished deposit goes on.
pub(super) struct Continuation {
    pub done: Done,
    /// Bytes of the tar before the first entry that is done again.
    pub position: u64,
    pub packs: Vec<PackKept>,
}

/// Entries that are done, in the order of the listing, read as they are taken over: there may be millions.
#[derive(Default)]
pub(super) struct Done {
    lines: Option<Lines>,
    left: usize,
}

/// What a journal says, as far as it can be read.
#[derive(Default)]
struct Told {
    /// How many entries it tells of.
    entries: usize,
    /// The position of the tar after each of the first ones that are as they were.
    positions: Vec<u64>,
    packs: Vec<PackKept>,
    /// A large file that was begun.
    begun: Option<Remembered>,
}

/// From where the same stream can be made again.
struct Start {
    /// How many entries are done.
    done: usize,
    position: u64,
    packs: Vec<PackKept>,
    begun: Begun,
}

/// The file in which the last pack's last whole frame ends.
enum Begun {
    /// The first one that is not done.
    Next,
    /// The large one that was being stored.
    Large(Option<Box<Remembered>>),
}

impl Circumstances {
    fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend(self.deposit.to_le_bytes());
        bytes.extend(self.epoch.to_le_bytes());
        let compressed = self.framing == Framing::Compressed;
        let known = [self.last.is_some(), self.segments.is_some()];
        let flags = [self.reread, self.reuse, known[0], compressed, self.compose, known[1]];
        bytes.push(flags.iter().rev().fold(0, |byte, flag| byte << 1 | u8::from(*flag)));
        if let Some(last) = &self.last {
            bytes.extend(last.record.as_bytes());
        }
        bytes.extend(self.segments.unwrap_or_default());
        bytes
    }
}

impl ResumeJournal {
    /// Begins a journal, or goes on with the one that is there if it fits; then what it tells comes too.
    ///
    /// `same` says whether the entry at a place of the listing is the remembered one, unchanged; `is_kept`, whether a
    /// pack still lies where it was put.
    pub(super) fn open(
        path: &Path,
        key: &[u8; 32],
        circumstances: &Circumstances,
        same: impl Fn(usize, &Remembered) -> bool,
        is_kept: impl Fn(&PackKept) -> bool,
    ) -> io::Result<(Self, Option<Continuation>)> {
        let header = circumstances.to_bytes();
        let start = read(path, key, &header, &same).and_then(|told| start(told, same, is_kept));
        let mut inner = Inner { file: replace(path)?, pending: Vec::new(), check: blake3::Hasher::new_keyed(key) };
        inner.line(b'H', &header);
        if let Some(start) = &start {
            // What is taken over is written again: a second kill must find it too.
            inner.take_over(start, Lines::of_entries(path, key)?)?;
        }
        inner.sync()?;
        fs::rename(path.with_extension("resuming"), path)?;
        system::sync_directory(path.parent().unwrap_or(Path::new(".")))?;
        let continuation = match start {
            Some(Start { done, position, packs, .. }) => {
                let done = Done { lines: Some(Lines::of_entries(path, key)?), left: done };
                Some(Continuation { done, position, packs })
            }
            None => None,
        };
        Ok((Self { path: path.to_owned(), inner: Mutex::new(inner) }, continuation))
    }

    /// An entry is done; the tar is this long after it. Durable with the next pack.
    pub(super) fn entry(&self, entry: &Remembered, position: u64) {
        self.inner().line(b'E', &entry_bytes(entry, position));
    }

    /// A large file begins.
    pub(super) fn begin(&self, entry: &Remembered) {
        self.inner().line(b'B', &entry_bytes(entry, 0));
    }

    /// A pack is durable; on return that is written down.
    pub(super) fn pack(&self, pack: &PackKept) -> Outcome<()> {
        let mut inner = self.inner();
        inner.line(b'P', &pack_bytes(pack));
        inner.sync().map_err(|error| Failure::file("write", &self.path, error))
    }

    /// The deposit is kept, or can never be: nothing goes on from here.
    pub(super) fn remove(self) -> Outcome<()> {
        fs::remove_file(&self.path).map_err(|error| Failure::file("remove", &self.path, error))
    }

    fn inner(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.inner.lock().expect("nobody panics while writing a line")
    }
}

impl Inner {
    /// Each line carries a check over all lines so far, under the device's key.
    fn line(&mut self, tag: u8, payload: &[u8]) {
        let start = self.pending.len();
        self.pending.push(tag);
        self.pending.extend((payload.len() as u32).to_le_bytes());
        self.pending.extend(payload);
        self.check.update(&self.pending[start..]);
        let mut check = [0; CHECK_BYTES];
        self.check.finalize_xof().fill(&mut check);
        self.pending.extend(check);
    }

    fn write(&mut self) -> io::Result<()> {
        self.file.write_all(&self.pending)?;
        self.pending.clear();
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        self.write()?;
        self.file.sync_data()
    }

    /// Writes what an earlier journal says of what is done, and of what was begun.
    fn take_over(&mut self, start: &Start, mut entries: Lines) -> io::Result<()> {
        for _ in 0..start.done {
            let (_, payload) = entries.entry()?;
            self.line(b'E', &payload);
            if self.pending.len() > PENDING_BYTES_MAX {
                self.write()?;
            }
        }
        start.packs.iter().for_each(|pack| self.line(b'P', &pack_bytes(pack)));
        match &start.begun {
            Begun::Next => {
                let (begun, _) = entries.entry()?;
                self.line(b'B', &entry_bytes(&begun, 0));
            }
            Begun::Large(Some(begun)) => self.line(b'B', &entry_bytes(begun, 0)),
            Begun::Large(None) => (),
        }
        Ok(())
    }
}

impl Done {
    pub(super) fn len(&self) -> usize {
        self.left
    }
}

impl Iterator for Done {
    type Item = io::Result<Remembered>;

    fn next(&mut self) -> Option<Self::Item> {
        let lines = self.lines.as_mut()?;
        self.left = self.left.checked_sub(1)?;
        Some(lines.entry().map(|(entry, _)| entry))
    }
}

fn replace(path: &Path) -> io::Result<File> {
    let next = path.with_extension("resuming");
    match fs::remove_file(&next) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => system::create_private(&next),
    }
}

fn entry_bytes(entry: &Remembered, position: u64) -> Vec<u8> {
    let mut bytes = entry.to_bytes().to_vec();
    bytes.extend(position.to_le_bytes());
    bytes.extend(entry.content.iter().flat_map(|content| spans_to_bytes(&content.spans)));
    bytes
}

/// An entry with the position of the tar after it.
fn parse_entry(payload: &[u8]) -> Option<(Remembered, u64)> {
    let (entry, mut rest) = payload.split_first_chunk::<REMEMBERED_BYTES>()?;
    let position = u64::from_le_bytes(take(&mut rest)?);
    let entry = Remembered::from_bytes(entry, |_| spans_from_bytes(rest))?;
    Some((entry, position))
}

fn pack_bytes(pack: &PackKept) -> Vec<u8> {
    let mut bytes = pack.index.to_le_bytes().to_vec();
    bytes.extend(pack.id.as_bytes());
    bytes.extend(pack.bytes.to_le_bytes());
    bytes.push(u8::from(pack.start.is_some()));
    let start = pack.start.unwrap_or(PackStart { frame: 0, offset: 0 });
    bytes.extend(start.frame.to_le_bytes());
    bytes.extend(start.offset.to_le_bytes());
    bytes.extend(pack.end.frame.to_le_bytes());
    bytes.extend(pack.end.skip.to_le_bytes());
    bytes.extend(pack.end.level.to_le_bytes());
    bytes.extend(pack.end.framed_bytes.to_le_bytes());
    bytes.extend(pack.end.check);
    bytes
}

fn parse_pack(mut rest: &[u8]) -> Option<PackKept> {
    let rest = &mut rest;
    let index = u64::from_le_bytes(take(rest)?);
    let id = ObjectId::from_bytes(take(rest)?);
    let bytes = u64::from_le_bytes(take(rest)?);
    let [has_start] = take(rest)?;
    let start = PackStart { frame: u64::from_le_bytes(take(rest)?), offset: u64::from_le_bytes(take(rest)?) };
    let end = Boundary {
        frame: u64::from_le_bytes(take(rest)?),
        skip: u64::from_le_bytes(take(rest)?),
        level: i32::from_le_bytes(take(rest)?),
        framed_bytes: u64::from_le_bytes(take(rest)?),
        check: take(rest)?,
    };
    Some(PackKept { index, id, bytes, start: (has_start == 1).then_some(start), end })
}

/// The lines of a journal up to the first one that is not as it was written.
struct Lines {
    file: BufReader<File>,
    check: blake3::Hasher,
}

impl Lines {
    fn of(path: &Path, key: &[u8; 32]) -> io::Result<Self> {
        let file = BufReader::with_capacity(1 << 20, File::open(path)?);
        Ok(Self { file, check: blake3::Hasher::new_keyed(key) })
    }

    /// Those behind the first.
    fn of_entries(path: &Path, key: &[u8; 32]) -> io::Result<Self> {
        let mut lines = Self::of(path, key)?;
        lines.next().ok_or(io::ErrorKind::InvalidData)?;
        Ok(lines)
    }

    /// The next entry of a journal that was read to its end before, and its payload.
    fn entry(&mut self) -> io::Result<(Remembered, Vec<u8>)> {
        let payload = self.find_map(|(tag, payload)| (tag == b'E').then_some(payload));
        let entry = payload.and_then(|payload| Some((parse_entry(&payload)?.0, payload)));
        entry.ok_or_else(|| io::ErrorKind::InvalidData.into())
    }
}

impl Iterator for Lines {
    type Item = (u8, Vec<u8>);

    fn next(&mut self) -> Option<(u8, Vec<u8>)> {
        let mut head = [0; 5];
        self.file.read_exact(&mut head).ok()?;
        let [tag, length @ ..] = head;
        let length = u32::from_le_bytes(length);
        if length > PAYLOAD_BYTES_MAX {
            return None;
        }
        let mut payload = vec![0; length as usize];
        self.file.read_exact(&mut payload).ok()?;
        let mut expected = [0; CHECK_BYTES];
        self.file.read_exact(&mut expected).ok()?;
        self.check.update(&head).update(&payload);
        let mut found = [0; CHECK_BYTES];
        self.check.finalize_xof().fill(&mut found);
        (found == expected).then_some((tag, payload))
    }
}

/// Reads a journal, and which of its entries are as they were.
fn read(path: &Path, key: &[u8; 32], header: &[u8], same: impl Fn(usize, &Remembered) -> bool) -> Option<Told> {
    let mut lines = Lines::of(path, key).ok()?;
    let (tag, payload) = lines.next()?;
    if tag != b'H' || payload != header {
        return None;
    }
    let mut told = Told::default();
    for (tag, payload) in lines {
        match tag {
            b'E' => {
                let (entry, position) = parse_entry(&payload)?;
                if told.positions.len() == told.entries && same(told.entries, &entry) {
                    told.positions.push(position);
                }
                told.entries += 1;
            }
            b'B' => told.begun = Some(parse_entry(&payload)?.0),
            b'P' => told.packs.push(parse_pack(&payload)?),
            _ => return None,
        }
    }
    told.packs.sort_by_key(|pack| pack.index);
    Some(told)
}

/// The furthest place from which the same stream can be made again.
fn start(told: Told, same: impl Fn(usize, &Remembered) -> bool, is_kept: impl Fn(&PackKept) -> bool) -> Option<Start> {
    let unchanged = told.positions.len();
    let position_before = |index: usize| index.checked_sub(1).map_or(0, |before| told.positions[before]);
    // A large file that was being stored may go on too, if it is still the one that was begun.
    let all = unchanged == told.entries;
    let begun = told.begun.filter(|begun| all && same(unchanged, begun));
    let reach = if begun.is_some() { u64::MAX } else { position_before(unchanged) };
    let next = |(pack, index): &(&PackKept, u64)| pack.index == *index && is_kept(pack);
    let contiguous = told.packs.iter().zip(0..).take_while(next).count();
    let fits = |pack: &PackKept| {
        let straddling = u64::from(pack.end.skip > 0);
        (pack.end.frame + straddling).checked_mul(BLOCK_BYTES).is_some_and(|end| end <= reach)
    };
    let packs = told.packs[..contiguous].iter().rposition(fits).map(|last| told.packs[..=last].to_vec())?;
    let from = packs.last()?.end.frame * BLOCK_BYTES;
    // Entries whose bytes all lie before that place are done; the others are read again.
    let done = told.positions.iter().take_while(|after| **after <= from).count();
    let position = position_before(done);
    // A second kill must find the file in which the last whole frame ends, or it could not tell that it is unchanged.
    let begun = if done < unchanged { Begun::Next } else { Begun::Large(begun.map(Box::new)) };
    Some(Start { done, position, packs, begun })
}
