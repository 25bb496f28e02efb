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
use crate::packing::{Boundary, Framing, PackKept, Resumed};
use crate::system;

const MAGIC: &[u8; 16] = b"hizo/resume/v1\n\0";
const CHECK_BYTES: usize = 16;
/// An entry with all the spans that a content may have takes less.
const PAYLOAD_BYTES_MAX: u32 = 16 << 10;
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
    /// Entries that are done, in the order of the listing.
    pub done: Vec<Remembered>,
    /// Bytes of the tar before the first entry that is done again.
    pub position: u64,
    pub packing: Resumed,
    /// The file in which the last pack's last whole frame ends.
    begun: Option<Remembered>,
}

/// What a journal says, as far as it can be read.
#[derive(Default)]
struct Told {
    /// Entries with the position of the tar after each.
    entries: Vec<(Remembered, u64)>,
    packs: Vec<PackKept>,
    /// A large file that was begun.
    begun: Option<Remembered>,
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
        let continuation = read(path, key, &header).and_then(|told| continuation(told, same, is_kept));
        let mut inner = Inner { file: replace(path)?, pending: Vec::new(), check: blake3::Hasher::new_keyed(key) };
        inner.line(b'H', &header);
        if let Some(continuation) = &continuation {
            // What is taken over is written again: a second kill must find it too.
            let mut position = 0;
            for (entry, after) in continuation.done.iter().zip(&continuation.packing.positions) {
                inner.line(b'E', &entry_bytes(entry, *after));
                position = *after;
            }
            debug_assert!(continuation.done.is_empty() || position == continuation.position);
            for pack in &continuation.packing.packs {
                inner.line(b'P', &pack_bytes(pack));
            }
            if let Some(begun) = &continuation.begun {
                inner.line(b'B', &entry_bytes(begun, 0));
            }
        }
        inner.sync()?;
        fs::rename(path.with_extension("resuming"), path)?;
        system::sync_directory(path.parent().unwrap_or(Path::new(".")))?;
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

    fn sync(&mut self) -> io::Result<()> {
        self.file.write_all(&self.pending)?;
        self.pending.clear();
        self.file.sync_data()
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

/// Reads a journal up to the first line that is not as it was written.
fn read(path: &Path, key: &[u8; 32], header: &[u8]) -> Option<Told> {
    let mut file = BufReader::with_capacity(1 << 20, File::open(path).ok()?);
    let mut check = blake3::Hasher::new_keyed(key);
    let (tag, payload) = read_line(&mut file, &mut check)?;
    if tag != b'H' || payload != header {
        return None;
    }
    let mut told = Told::default();
    while let Some((tag, payload)) = read_line(&mut file, &mut check) {
        match tag {
            b'E' | b'B' => {
                let (entry, position) = parse_entry(&payload)?;
                match tag {
                    b'E' => told.entries.push((entry, position)),
                    _ => told.begun = Some(entry),
                }
            }
            b'P' => told.packs.push(parse_pack(&payload)?),
            _ => return None,
        }
    }
    told.packs.sort_by_key(|pack| pack.index);
    Some(told)
}

fn read_line(file: &mut impl Read, check: &mut blake3::Hasher) -> Option<(u8, Vec<u8>)> {
    let mut head = [0; 5];
    file.read_exact(&mut head).ok()?;
    let [tag, length @ ..] = head;
    let length = u32::from_le_bytes(length);
    if length > PAYLOAD_BYTES_MAX {
        return None;
    }
    let mut payload = vec![0; length as usize];
    file.read_exact(&mut payload).ok()?;
    let mut expected = [0; CHECK_BYTES];
    file.read_exact(&mut expected).ok()?;
    check.update(&head).update(&payload);
    let mut found = [0; CHECK_BYTES];
    check.finalize_xof().fill(&mut found);
    (found == expected).then_some((tag, payload))
}

/// The furthest place from which the same stream can be made again.
fn continuation(
    told: Told,
    same: impl Fn(usize, &Remembered) -> bool,
    is_kept: impl Fn(&PackKept) -> bool,
) -> Option<Continuation> {
    let unchanged = told.entries.iter().enumerate().take_while(|(index, (entry, _))| same(*index, entry)).count();
    let position_before = |index: usize| index.checked_sub(1).map_or(0, |before| told.entries[before].1);
    // A large file that was being stored may go on too, if it is still the one that was begun.
    let all = unchanged == told.entries.len();
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
    let done = told.entries[..unchanged].iter().take_while(|(_, after)| *after <= from).count();
    let position = position_before(done);
    // A second kill must find the file in which the last whole frame ends, or it could not tell that it is unchanged.
    let begun = told.entries[..unchanged].get(done).map(|(entry, _)| entry.clone()).or(begun);
    let (done, positions) = told.entries.into_iter().take(done).unzip();
    Some(Continuation { done, position, packing: Resumed { packs, positions }, begun })
}
