//! What a depositing device remembers of its last walk, so that unchanged files are neither read nor stored again.
//!
//! It holds no name, no content and nothing that opens anything: paths stand as keyed hashes. Losing it costs one full
//! deposit and nothing else. See docs/spec/local-state.md.

use std::cell::RefCell;
use std::collections::HashSet;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use hizo_ledger::id::{RecordId, SeriesId};
use hizo_vault::commit::{ContentValue, EntryId};
use hizo_vault::manifest::{Content, ENTRIES_MAX, Place, Span};

use super::marks::Marks;
use super::segments::{Segments, SegmentsWriter};
use crate::folder::listing::Found;
use crate::hashing::ChainingValue;
use crate::system;

const MAGIC: &[u8; 16] = b"hizo/walk/v1\n\0\0\0";
const FOOTER_BYTES: usize = 16 + 8 + 8 + 32 + 4 + CHECK_BYTES;
/// Bytes of one remembered entry.
pub(super) const REMEMBERED_BYTES: usize = 208;
const CHECK_BYTES: usize = 32;

/// A path as a device remembers it: keyed BLAKE3, cut to 16 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct PathId([u8; 16]);

impl PathId {
    /// Stands where there is no path.
    pub(crate) const NONE: Self = Self([0; 16]);

    /// The id of `path` under this device's key.
    pub(crate) fn of(key: &[u8; 32], path: &[u8]) -> Self {
        let mut id = [0; 16];
        blake3::Hasher::new_keyed(key).update(path).finalize_xof().fill(&mut id);
        Self(id)
    }
}

/// An entry as it was at the last walk.
#[derive(Debug, Clone)]
pub(crate) struct Remembered {
    pub path: PathId,
    pub kind: RememberedKind,
    pub mode: u32,
    pub size: u64,
    pub mtime_ns: i64,
    pub ctime_ns: i64,
    pub inode: u64,
    /// Keyed hash of a link's target; zero without one.
    pub target: PathId,
    pub id: EntryId,
    pub content: Option<Content>,
    /// It changed so shortly before it was read that a later change may carry the same times: they tell nothing.
    pub young: bool,
    /// It has more extended attributes than can be kept: told again with every deposit, though nothing is read again.
    pub attributes_left_out: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RememberedKind {
    File,
    Directory,
    Symlink,
    HardLink,
}

/// Which deposit a walk belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct WalkOf {
    pub series: SeriesId,
    pub deposit: u64,
    pub record: RecordId,
    /// Deltas between its manifest and a full one.
    pub chain: u32,
}

impl Remembered {
    /// Whether nothing says that the file changed since: path, size, times and inode are as they were.
    pub(crate) fn is_as(&self, found: &Found) -> bool {
        let stat = &found.stat;
        self.kind == RememberedKind::File
            && !self.young
            && (self.size, self.mtime_ns, self.ctime_ns, self.inode)
                == (stat.size, stat.mtime_ns, stat.ctime_ns, stat.inode)
            && self.content.as_ref().is_some_and(|content| !content.unsteady)
    }

    /// Whether this is the remembered entry, and nothing says that it changed since.
    pub(crate) fn is_found_again(&self, found: &Found, key: &[u8; 32]) -> bool {
        let stat = &found.stat;
        let target = found.kind.target().map_or(PathId::NONE, |target| PathId::of(key, target));
        (self.path, self.kind, self.target) == (PathId::of(key, &found.path), (&found.kind).into(), target)
            && (self.mode, self.size, self.mtime_ns, self.ctime_ns, self.inode)
                == (stat.mode, stat.size, stat.mtime_ns, stat.ctime_ns, stat.inode)
    }

    /// Whether a manifest and a walk say the same of both; whether one of them is to be read again says nothing, nor does
    /// it in a deposit that reads everything when each was read.
    pub(crate) fn says_the_same(&self, other: &Self, reread: bool) -> bool {
        let times = |entry: &Self| (entry.ctime_ns, entry.inode);
        let is_same_content = match (&self.content, &other.content) {
            (Some(content), Some(other)) if reread => *content == Content { read: content.read, ..other.clone() },
            (content, other) => content == other,
        };
        self.is_same_entry(other) && times(self) == times(other) && self.id == other.id && is_same_content
    }

    /// Whether everything that a deposit commits to is the same, so that the entry keeps its id.
    pub(crate) fn is_same_entry(&self, other: &Self) -> bool {
        let facts = |entry: &Self| (entry.path, entry.kind, entry.mode, entry.size, entry.mtime_ns, entry.target);
        let value = |entry: &Self| entry.content.as_ref().map(|content| content.value.clone());
        facts(self) == facts(other) && value(self) == value(other)
    }

    pub(super) fn to_bytes(&self) -> [u8; REMEMBERED_BYTES] {
        let mut bytes = Vec::with_capacity(REMEMBERED_BYTES);
        bytes.extend(self.path.0);
        bytes.push(kind_byte(self.kind));
        bytes.push(
            u8::from(self.content.is_some())
                | u8::from(self.content.as_ref().is_some_and(|content| content.unsteady)) << 1
                | u8::from(self.attributes_left_out) << 2
                | u8::from(self.young) << 3
                | u8::from(self.content.as_ref().is_some_and(Content::is_composed)) << 4,
        );
        bytes.extend([0; 2]);
        bytes.extend(self.mode.to_le_bytes());
        bytes.extend(self.size.to_le_bytes());
        bytes.extend(self.mtime_ns.to_le_bytes());
        bytes.extend(self.ctime_ns.to_le_bytes());
        bytes.extend(self.inode.to_le_bytes());
        bytes.extend(self.target.0);
        bytes.extend(self.id.as_bytes());
        if let Some(content) = &self.content {
            bytes.extend(content.value.sha256);
            bytes.extend(content.value.key);
            bytes.extend(content.value.blake3);
            bytes.extend(content.place.deposit.to_le_bytes());
            bytes.extend(content.place.block.to_le_bytes());
            bytes.extend(content.read.to_le_bytes());
        }
        bytes.resize(REMEMBERED_BYTES, 0);
        bytes.try_into().expect("resized to this length")
    }

    /// Reads an entry. `spans` gives those of composed content; content whose spans nobody knows is as good as unknown.
    pub(super) fn from_bytes(
        bytes: &[u8; REMEMBERED_BYTES],
        spans: impl FnOnce(&Content) -> Option<Box<[Span]>>,
    ) -> Option<Self> {
        let mut rest = bytes.as_slice();
        let path = PathId(take(&mut rest)?);
        let [kind, flags, _, _] = take::<4>(&mut rest)?;
        let mode = u32::from_le_bytes(take(&mut rest)?);
        let size = u64::from_le_bytes(take(&mut rest)?);
        let mtime_ns = i64::from_le_bytes(take(&mut rest)?);
        let ctime_ns = i64::from_le_bytes(take(&mut rest)?);
        let inode = u64::from_le_bytes(take(&mut rest)?);
        let target = PathId(take(&mut rest)?);
        let id = EntryId::from_bytes(take(&mut rest)?);
        let value = ContentValue { sha256: take(&mut rest)?, key: take(&mut rest)?, blake3: take(&mut rest)? };
        let place =
            Place { deposit: u64::from_le_bytes(take(&mut rest)?), block: u64::from_le_bytes(take(&mut rest)?) };
        let read = u64::from_le_bytes(take(&mut rest)?);
        let (spans_none, unsteady) = (Box::default(), flags & 2 != 0);
        let content = Content { size, value, place, spans: spans_none, read, unsteady };
        let content = match flags & 0b1_0001 {
            0b0_0001 => Some(content),
            0b1_0001 => spans(&content).map(|spans| Content { spans, ..content }),
            _ => None,
        };
        let kind = kind_from_byte(kind)?;
        let (attributes_left_out, young) = (flags & 4 != 0, flags & 8 != 0);
        Some(Self {
            path,
            kind,
            mode,
            size,
            mtime_ns,
            ctime_ns,
            inode,
            target,
            id,
            content,
            young,
            attributes_left_out,
        })
    }
}

pub(super) fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (head, after) = rest.split_first_chunk::<N>()?;
    *rest = after;
    Some(*head)
}

fn kind_byte(kind: RememberedKind) -> u8 {
    match kind {
        RememberedKind::File => 0,
        RememberedKind::Directory => 1,
        RememberedKind::Symlink => 2,
        RememberedKind::HardLink => 3,
    }
}

fn kind_from_byte(byte: u8) -> Option<RememberedKind> {
    [RememberedKind::File, RememberedKind::Directory, RememberedKind::Symlink, RememberedKind::HardLink]
        .into_iter()
        .find(|kind| kind_byte(*kind) == byte)
}

/// The last walk, to look things up in. Its entries stay on disk; memory holds a mark of each at most twice.
pub(crate) struct LastWalk {
    pub of: WalkOf,
    count: u32,
    file: RefCell<File>,
    /// None when it is lost: composed content is not known then, and nothing is laid over what is.
    segments: Option<Segments>,
    window: RefCell<Window>,
    by_path: Marks,
    by_content: Marks,
    sizes: HashSet<u64>,
}

/// Entries read ahead: walks come in one order.
#[derive(Default)]
struct Window {
    first: u32,
    entries: Vec<Remembered>,
}

const WINDOW_ENTRIES: u32 = 512;

impl LastWalk {
    /// Reads a walk; nothing when there is none or its bytes are not what was written: then everything is read again.
    pub(crate) fn read(path: &Path, key: &[u8; 32]) -> Option<Self> {
        let mut file = BufReader::with_capacity(1 << 20, File::open(path).ok()?);
        let length = file.get_ref().metadata().ok()?.len();
        let count = length.checked_sub(FOOTER_BYTES as u64)? / REMEMBERED_BYTES as u64;
        let count = u32::try_from(count.min(ENTRIES_MAX)).ok()?;
        let (mut by_path, mut by_content) = (Marks::with_capacity(count as usize), Marks::default());
        let mut sizes = HashSet::new();
        let mut check = blake3::Hasher::new_keyed(key);
        let mut bytes = [0; REMEMBERED_BYTES];
        for index in 0..count {
            file.read_exact(&mut bytes).ok()?;
            check.update(&bytes);
            let entry = Remembered::from_bytes(&bytes, |_| Some(Box::default()))?;
            by_path.set(&entry.path.0, index);
            if let Some(content) = &entry.content {
                by_content.set(&content.value.sha256, index);
                sizes.insert(entry.size);
            }
        }
        let mut footer = [0; FOOTER_BYTES];
        file.read_exact(&mut footer).ok()?;
        let whole = file.read(&mut [0]).ok()? == 0;
        let (facts, expected) = footer.split_last_chunk::<CHECK_BYTES>()?;
        check.update(facts);
        if !whole || check.finalize() != *expected {
            return None;
        }
        let (of, file, window) = (parse_facts(facts)?, RefCell::new(file.into_inner()), RefCell::default());
        let segments = Segments::read(&segments_file(path), key);
        Some(Self { of, count, file, segments, window, by_path, by_content, sizes })
    }

    /// The entry of this path, and its place.
    pub(crate) fn find(&self, path: PathId) -> Option<(u32, Remembered)> {
        let at = self.by_path.find(&path.0)?;
        let entry = self.entry(at)?;
        (entry.path == path).then_some((at, entry))
    }

    /// The entry at a place. Asked in the order of the walk it costs one read for many.
    pub(crate) fn entry(&self, at: u32) -> Option<Remembered> {
        let mut window = self.window.borrow_mut();
        let inside = |window: &Window| {
            at.checked_sub(window.first).and_then(|offset| window.entries.get(offset as usize).cloned())
        };
        if let Some(entry) = inside(&window) {
            return Some(entry);
        }
        let mut file = self.file.borrow_mut();
        file.seek(SeekFrom::Start(u64::from(at) * REMEMBERED_BYTES as u64)).ok()?;
        let count = WINDOW_ENTRIES.min(self.count.checked_sub(at)?);
        let mut bytes = vec![0; count as usize * REMEMBERED_BYTES];
        file.read_exact(&mut bytes).ok()?;
        let (chunks, _) = bytes.as_chunks::<REMEMBERED_BYTES>();
        *window = Window { first: at, entries: chunks.iter().filter_map(|bytes| self.remembered(bytes)).collect() };
        inside(&window)
    }

    /// Whether any content of this size is kept: only then can a file's content be known.
    pub(crate) fn has_size(&self, size: u64) -> bool {
        self.sizes.contains(&size)
    }

    /// Content kept at the last walk.
    pub(crate) fn content(&self, sha256: &[u8; 32]) -> Option<Content> {
        let at = self.by_content.find(sha256)?;
        let mut bytes = [0; REMEMBERED_BYTES];
        let mut file = self.file.borrow_mut();
        file.seek(SeekFrom::Start(u64::from(at) * REMEMBERED_BYTES as u64)).ok()?;
        file.read_exact(&mut bytes).ok()?;
        self.remembered(&bytes)?.content.filter(|content| content.value.sha256 == *sha256)
    }

    /// The chaining values of content kept at the last walk; none when they are not known.
    pub(super) fn values(&self, content: &Content) -> Vec<ChainingValue> {
        self.segments.as_ref().map_or_else(Vec::new, |segments| segments.values(content))
    }

    /// What tells one file of segments from every other one.
    pub(super) fn segments_check(&self) -> Option<[u8; 32]> {
        self.segments.as_ref().map(|segments| segments.check)
    }

    fn remembered(&self, bytes: &[u8; REMEMBERED_BYTES]) -> Option<Remembered> {
        Remembered::from_bytes(bytes, |content| self.segments.as_ref()?.spans(content))
    }

    /// How many entries it has.
    pub(crate) fn count(&self) -> u32 {
        self.count
    }
}

/// Where what is remembered of segments lies beside a walk.
fn segments_file(walk: &Path) -> PathBuf {
    walk.with_extension("segments")
}

fn compose_facts(of: &WalkOf) -> Vec<u8> {
    let mut facts = MAGIC.to_vec();
    facts.extend(of.series.as_bytes());
    facts.extend(of.deposit.to_le_bytes());
    facts.extend(of.record.as_bytes());
    facts.extend(of.chain.to_le_bytes());
    facts
}

fn parse_facts(mut rest: &[u8]) -> Option<WalkOf> {
    if take::<16>(&mut rest)? != *MAGIC {
        return None;
    }
    Some(WalkOf {
        series: SeriesId::from_bytes(take(&mut rest)?),
        deposit: u64::from_le_bytes(take(&mut rest)?),
        record: RecordId::from_bytes(take(&mut rest)?),
        chain: u32::from_le_bytes(take(&mut rest)?),
    })
}

/// Writes a walk as it is made, under another name until the deposit is kept.
pub(crate) struct WalkWriter {
    path: PathBuf,
    file: BufWriter<File>,
    reader: Option<File>,
    segments: SegmentsWriter,
    check: blake3::Hasher,
}

impl WalkWriter {
    /// Begins the walk that will stand at `path`; one that was left unfinished there is forgotten.
    pub(crate) fn create(path: &Path, key: &[u8; 32]) -> io::Result<Self> {
        let unfinished = path.with_extension("next");
        match std::fs::remove_file(&unfinished) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => (),
        }
        let file = BufWriter::with_capacity(1 << 20, system::create_private(&unfinished)?);
        let segments = SegmentsWriter::create(&segments_file(path), key)?;
        Ok(Self { path: path.to_owned(), file, reader: None, segments, check: blake3::Hasher::new_keyed(key) })
    }

    /// Adds the next entry. `values` gives the chaining values of its content, as far as they are known.
    pub(crate) fn push(
        &mut self,
        entry: &Remembered,
        values: impl FnOnce(&Content) -> Vec<ChainingValue>,
    ) -> io::Result<()> {
        if let Some(content) = &entry.content {
            self.segments.push(content, || values(content))?;
        }
        let bytes = entry.to_bytes();
        self.check.update(&bytes);
        self.file.write_all(&bytes)
    }

    /// The entry at a place of what was written so far.
    pub(crate) fn entry(&mut self, at: u32) -> io::Result<Remembered> {
        self.flush()?;
        let mut bytes = [0; REMEMBERED_BYTES];
        let reader = match &mut self.reader {
            Some(reader) => reader,
            none => none.insert(File::open(self.path.with_extension("next"))?),
        };
        reader.seek(SeekFrom::Start(u64::from(at) * REMEMBERED_BYTES as u64))?;
        reader.read_exact(&mut bytes)?;
        self.remembered(&bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.segments.flush()?;
        self.file.flush()
    }

    fn remembered(&self, bytes: &[u8; REMEMBERED_BYTES]) -> io::Result<Remembered> {
        let entry = Remembered::from_bytes(bytes, |content| self.segments.spans(content));
        entry.ok_or_else(|| io::ErrorKind::InvalidData.into())
    }

    /// Where it lies.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// What was written so far, from the first entry on.
    pub(crate) fn entries(&mut self) -> io::Result<impl Iterator<Item = io::Result<Remembered>>> {
        self.flush()?;
        let mut file = BufReader::with_capacity(1 << 20, File::open(self.path.with_extension("next"))?);
        Ok(std::iter::from_fn(move || {
            let mut bytes = [0; REMEMBERED_BYTES];
            match file.read_exact(&mut bytes) {
                Ok(()) => Some(self.remembered(&bytes)),
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => None,
                Err(error) => Some(Err(error)),
            }
        }))
    }

    /// Makes this the last walk. Called after the deposit is kept; a crash before leaves the walk of the one before.
    pub(crate) fn finish(mut self, of: &WalkOf) -> io::Result<()> {
        let facts = compose_facts(of);
        self.check.update(&facts);
        self.file.write_all(&facts)?;
        self.file.write_all(self.check.finalize().as_bytes())?;
        self.file.flush()?;
        self.file.get_ref().sync_all()?;
        // A walk beside the segments of a later one knows less, and nothing that is wrong.
        self.segments.finish()?;
        std::fs::rename(self.path.with_extension("next"), &self.path)
    }
}
