//! Manifests: the sealed list of a deposit's entries, one line each, in one canonical form.
//!
//! See docs/spec/manifest.md. A manifest is full, or a delta against an earlier deposit of its series.

mod checking;
mod entry_line;
mod step;

pub use self::checking::{Checking, Rules, Shared};
pub use self::step::Step;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use crate::archive::{Xattr, check_path};
use crate::commit::{self, Commitment, ContentValue, EntryId, Seed};
use crate::event;

/// Longest line, in bytes, its end of line not counted.
pub const LINE_BYTES_MAX: usize = 64 << 10;

/// Most entries of one deposit.
pub const ENTRIES_MAX: u64 = (1 << 22) - 1;

/// Most deltas between a manifest and the full one that it rests on.
pub const CHAIN_MAX: u32 = 16;

/// Unit in which a file is composed, in bytes, counted from its beginning; the last segment may be shorter.
pub const SEGMENT_BYTES: u64 = 64 << 10;

/// Most spans of one file.
pub const SPANS_MAX: usize = 512;

/// Numbers above this stand as decimal strings (RFC 8259, section 6: what every reader keeps exactly).
const INTEGER_MAX: u64 = (1 << 53) - 1;

/// What a line is given room for: most are shorter.
const LINE_BYTES_USUAL: usize = 320;

/// How lines begin that are none of entries.
const LIST_KEYS: [&[u8]; 2] = [b"{\"starts\":", b"{\"gone\":"];

const PACKS_PER_LINE: usize = 1000;
const GONE_PER_LINE: usize = 1000;

/// Why a manifest is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A line is not in its one canonical form, too long, or out of place.
    #[error("line {line} of the manifest is not in its one form")]
    Line {
        /// Counted from 1.
        line: u64,
    },
    /// The first line names a format this version does not know.
    #[error("the manifest is of a format that this version does not know")]
    Version,
    /// Lines are missing at the end, or entries are more or fewer than the first line says.
    #[error("the manifest does not have the entries that its first line promises")]
    Incomplete,
    /// A delta does not fit the manifest that it names as its base.
    #[error("the manifest does not fit the earlier one that it builds on")]
    Base,
    /// More entries than [`ENTRIES_MAX`].
    #[error("more than {ENTRIES_MAX} entries in one deposit")]
    TooManyEntries,
    /// What the entries commit to is not what the record says.
    #[error("the entries are not those that the record commits to")]
    Commitment,
    /// A further name of a file names another content than it was committed with, or no file.
    #[error("a further name of a file names another file, or none")]
    Link,
    /// Two contents have one place: at most one of them can lie there.
    #[error("two different contents are said to lie at one place")]
    Place,
    /// The sizes of all files do not add up to a number of 64 bits.
    #[error("the files are longer together than can be counted")]
    TooLong,
}

/// The first line: what the deposit is, and what the lines below hold.
#[derive(Debug)]
pub struct Head {
    /// This deposit's number in its series, from 1.
    pub deposit: u64,
    /// The commitment's secret; written here and nowhere else.
    pub seed: Seed,
    /// Entries of the whole deposit, those of its base included.
    pub entries: u64,
    /// The earlier deposit this delta builds on; none for a full manifest.
    pub base: Option<u64>,
    /// How many deltas lie between this manifest and a full one; 0 for a full one.
    pub chain: u32,
    /// Every file whose entry stays as it is in the base was read again by this deposit; only in a delta.
    pub reread: bool,
    /// Bytes of the deposit's own tar; 0 when nothing new was stored.
    pub archive_bytes: u64,
    /// How many of the deposit's objects are packs of its tar: the last ones of its list. A small deposit has none.
    pub archive_packs: u64,
    /// The folder whose contents the entries are; none when several things were named, or a file.
    pub root: Option<Root>,
    /// Events of a small deposit, whose record has no body; canonical JSON objects.
    pub events: Vec<Value>,
}

/// What the folder itself has whose contents are a deposit. It is no entry: nothing of it is committed to.
#[derive(Clone, PartialEq, Debug)]
pub struct Root {
    /// Permission bits, at most 0o7777.
    pub mode: u32,
    /// Time of the last change of what is in it, nanoseconds since 1970, as the device says.
    pub mtime_ns: i64,
    /// Extended attributes, ascending by name.
    pub xattrs: Vec<Xattr>,
}

/// One entry of a deposit.
#[derive(Clone, PartialEq, Debug)]
pub struct Entry {
    /// Path below the deposit's root: raw bytes, `/` between the parts.
    pub path: Vec<u8>,
    /// What it is, with what only that kind has.
    pub kind: Kind,
    /// Permission bits, at most 0o7777.
    pub mode: u32,
    /// Time of the last change of content, nanoseconds since 1970, as the device says.
    pub mtime_ns: i64,
    /// Extended attributes, ascending by name.
    pub xattrs: Vec<Xattr>,
    /// The entry's own random id.
    pub id: EntryId,
}

/// What an entry is.
#[derive(Clone, PartialEq, Debug)]
pub enum Kind {
    /// A file and its content.
    File(Content),
    /// A further name of a file of this deposit.
    HardLink {
        /// Path of that file, which sorts before this one.
        target: Vec<u8>,
        /// That file's content.
        content: Content,
    },
    /// A symbolic link.
    Symlink {
        /// Where it points, raw bytes, never resolved.
        target: Vec<u8>,
    },
    /// A directory.
    Directory,
}

/// What a file holds, and where it lies in the series.
#[derive(Clone, PartialEq, Debug)]
pub struct Content {
    /// Length in bytes.
    pub size: u64,
    /// The three hashes the commitment is made of.
    pub value: ContentValue,
    /// Where it is stored.
    pub place: Place,
    /// Where its segments lie, in order, if some of them lie in earlier deposits; empty for content stored whole.
    pub spans: Box<[Span]>,
    /// The deposit that last read the file and found this content.
    pub read: u64,
    /// It changed during every attempt to read it: what is kept is one read, perhaps of no single moment.
    pub unsteady: bool,
}

/// Where content is stored: a member of some deposit's tar.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Place {
    /// Number of the deposit in the series.
    pub deposit: u64,
    /// First 512-byte block of the member in that deposit's tar.
    pub block: u64,
}

/// Successive segments of a file that lie in one member, at the same offset as in the file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Span {
    /// How many, at least one.
    pub segments: u64,
    /// The member.
    pub place: Place,
}

/// Where a pack's first whole frame begins, so that one file can be had without its neighbours' packs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PackStart {
    /// Number of the frame, which is the number of its 1 MiB block of the tar.
    pub frame: u64,
    /// Offset of that frame in the pack's plaintext.
    pub offset: u64,
}

/// A line of a manifest after the first.
#[derive(Clone, PartialEq, Debug)]
pub enum Line {
    /// Pack starts, in order, continuing those before.
    Packs(Vec<PackStart>),
    /// Entries of the base that are no longer there.
    Gone(Vec<EntryId>),
    /// An entry: all of them in a full manifest, new and changed ones in a delta.
    Entry(Box<Entry>),
}

impl Head {
    /// The first line, with its end of line.
    pub fn line(&self) -> Zeroizing<Vec<u8>> {
        let mut object = Map::new();
        object.insert("hizo".into(), "manifest/v1".into());
        object.insert("deposit".into(), integer(self.deposit));
        object.insert("seed".into(), STANDARD.encode(self.seed.as_bytes()).into());
        object.insert("entries".into(), integer(self.entries));
        if let Some(base) = self.base {
            object.insert("base".into(), integer(base));
            object.insert("chain".into(), integer(self.chain.into()));
            if self.reread {
                object.insert("reread".into(), true.into());
            }
        }
        object.insert("archive".into(), integer(self.archive_bytes));
        object.insert("packs".into(), integer(self.archive_packs));
        if let Some(root) = &self.root {
            object.insert("root".into(), root.to_value());
        }
        if !self.events.is_empty() {
            object.insert("events".into(), Value::Array(self.events.clone()));
        }
        Zeroizing::new(serialise(object))
    }

    fn parse(line: &[u8]) -> Result<Self, Error> {
        const FAULT: Error = Error::Line { line: 1 };
        let object = object(line).ok_or(FAULT)?;
        if object.get("hizo").and_then(Value::as_str) != Some("manifest/v1") {
            return Err(Error::Version);
        }
        let head = Self::from_object(&object).ok_or(FAULT)?;
        if head.line().as_slice().strip_suffix(b"\n") != Some(line) {
            return Err(FAULT);
        }
        if head.entries > ENTRIES_MAX {
            return Err(Error::TooManyEntries);
        }
        let root_is_sound = head.root.as_ref().is_none_or(Root::is_sound);
        if !root_is_sound || !head.events.iter().all(|event| event::is_plain(event, event::DEPTH_MAX)) {
            return Err(FAULT);
        }
        let chained = match head.base {
            Some(base) => base < head.deposit && (1..=CHAIN_MAX).contains(&head.chain),
            None => true,
        };
        if head.deposit == 0 || !chained { Err(FAULT) } else { Ok(head) }
    }

    fn from_object(object: &Map<String, Value>) -> Option<Self> {
        let base = match object.get("base") {
            Some(base) => Some(as_integer(base)?),
            None => None,
        };
        let chain = match object.get("chain") {
            Some(chain) => u32::try_from(as_integer(chain)?).ok()?,
            None => 0,
        };
        let root = match object.get("root") {
            Some(root) => Some(Root::from_value(root)?),
            None => None,
        };
        let events = match object.get("events") {
            Some(events) => events.as_array()?.clone(),
            None => Vec::new(),
        };
        Some(Self {
            deposit: as_integer(object.get("deposit")?)?,
            seed: Seed::from_bytes(bytes(object.get("seed")?)?),
            entries: as_integer(object.get("entries")?)?,
            base,
            chain,
            reread: object.contains_key("reread"),
            archive_bytes: as_integer(object.get("archive")?)?,
            archive_packs: as_integer(object.get("packs")?)?,
            root,
            events,
        })
    }
}

impl Root {
    fn to_value(&self) -> Value {
        let mut object = Map::new();
        object.insert("m".into(), self.mode.into());
        object.insert("mt".into(), self.mtime_ns.to_string().into());
        if !self.xattrs.is_empty() {
            let pair = |(name, value): &Xattr| Value::from(vec![STANDARD.encode(name), STANDARD.encode(value)]);
            object.insert("x".into(), self.xattrs.iter().map(pair).collect());
        }
        object.into()
    }

    fn from_value(value: &Value) -> Option<Self> {
        let pair = |pair: &Value| -> Option<Xattr> {
            let [name, value] = pair.as_array()?.as_slice() else { return None };
            Some((STANDARD.decode(name.as_str()?).ok()?, STANDARD.decode(value.as_str()?).ok()?))
        };
        let xattrs = match value.get("x") {
            Some(pairs) => pairs.as_array()?.iter().map(pair).collect::<Option<_>>()?,
            None => Vec::new(),
        };
        let mode = u32::try_from(as_integer(value.get("m")?)?).ok()?;
        Some(Self { mode, mtime_ns: value.get("mt")?.as_str()?.parse().ok()?, xattrs })
    }

    fn is_sound(&self) -> bool {
        self.mode <= 0o7777 && ascend(&self.xattrs)
    }
}

/// Extended attributes stand in the order of their names, none twice.
fn ascend(xattrs: &[Xattr]) -> bool {
    xattrs.windows(2).all(|pair| matches!(pair, [a, b] if a.0 < b.0))
}

impl Entry {
    /// The same, found to be so once more.
    fn read_by(mut self, deposit: u64) -> Self {
        if let Kind::File(content) | Kind::HardLink { content, .. } = &mut self.kind {
            content.read = deposit;
        }
        self
    }

    /// The entry's line, with its end of line.
    pub fn line(&self) -> Vec<u8> {
        let mut line = Vec::with_capacity(LINE_BYTES_USUAL);
        entry_line::write(self, &mut line);
        line
    }

    /// The entry as the commitment takes it.
    pub fn committed(&self) -> commit::Entry<'_> {
        let kind = match &self.kind {
            Kind::File(content) => commit::Kind::File { size: content.size, content: &content.value },
            Kind::HardLink { target, content } => {
                commit::Kind::HardLink { target, size: content.size, content: &content.value }
            }
            Kind::Symlink { target } => commit::Kind::Symlink { target },
            Kind::Directory => commit::Kind::Directory,
        };
        commit::Entry { id: &self.id, name: &self.path, mode: self.mode, mtime_ns: self.mtime_ns, kind }
    }

    fn is_sound(&self) -> bool {
        let target_is_sound = match &self.kind {
            Kind::HardLink { target, .. } => check_path(target).is_ok() && *target < self.path,
            Kind::Symlink { target } => !target.is_empty() && !target.contains(&0),
            Kind::File(_) | Kind::Directory => true,
        };
        let composing_is_sound = self.kind.content().is_none_or(Content::is_soundly_composed);
        target_is_sound
            && composing_is_sound
            && ascend(&self.xattrs)
            && self.mode <= 0o7777
            && check_path(&self.path).is_ok()
    }
}

impl Kind {
    /// What a file or hard link holds.
    pub fn content(&self) -> Option<&Content> {
        match self {
            Self::File(content) | Self::HardLink { content, .. } => Some(content),
            Self::Symlink { .. } | Self::Directory => None,
        }
    }

    /// What a link points to.
    pub fn target(&self) -> Option<&[u8]> {
        match self {
            Self::HardLink { target, .. } | Self::Symlink { target } => Some(target),
            Self::File(_) | Self::Directory => None,
        }
    }

    fn letter(&self) -> &'static str {
        match self {
            Self::File(_) => "f",
            Self::HardLink { .. } => "h",
            Self::Symlink { .. } => "l",
            Self::Directory => "d",
        }
    }
}

impl Line {
    /// The lines that say where packs start.
    pub fn packs(starts: &[PackStart]) -> Vec<u8> {
        starts
            .chunks(PACKS_PER_LINE)
            .flat_map(|chunk| {
                let pairs = chunk.iter().map(|start| Value::Array(vec![integer(start.frame), integer(start.offset)]));
                serialise(Map::from_iter([("starts".into(), Value::Array(pairs.collect()))]))
            })
            .collect()
    }

    /// The lines that name what is gone since the base.
    pub fn gone(ids: &[EntryId]) -> Vec<u8> {
        ids.chunks(GONE_PER_LINE)
            .flat_map(|chunk| {
                let ids = chunk.iter().map(|id| Value::from(STANDARD_NO_PAD.encode(id.as_bytes())));
                serialise(Map::from_iter([("gone".into(), Value::Array(ids.collect()))]))
            })
            .collect()
    }

    /// Reads a line, and writes it again over what `written` holds: it must be in its one form.
    fn parse(line: &[u8], written: &mut Vec<u8>) -> Option<Self> {
        written.clear();
        let parsed = match LIST_KEYS.map(|key| line.starts_with(key)) {
            [true, _] => {
                let pairs = object(line)?;
                let starts = pairs.get("starts")?.as_array()?.iter().map(pack_start).collect::<Option<Vec<_>>>()?;
                written.extend(Self::packs(&starts));
                Self::Packs(starts)
            }
            [_, true] => {
                let ids = object(line)?;
                let id = |id| bytes_unpadded(id).map(EntryId::from_bytes);
                let ids = ids.get("gone")?.as_array()?.iter().map(id).collect::<Option<Vec<_>>>()?;
                written.extend(Self::gone(&ids));
                Self::Gone(ids)
            }
            [false, false] => {
                let entry = entry_line::read(line).filter(Entry::is_sound)?;
                entry_line::write(&entry, written);
                Self::Entry(Box::new(entry))
            }
        };
        (written.strip_suffix(b"\n") == Some(line)).then_some(parsed)
    }
}

/// Takes a manifest's text as it comes and gives back its lines, checked one by one.
///
/// The order is: head, pack starts, gone, entries ascending by path.
#[derive(Default)]
pub struct Reader {
    pending: Vec<u8>,
    /// Room in which each line is written again.
    written: Vec<u8>,
    lines: u64,
    head: Option<Head>,
    stage: u8,
    last_path: Option<Vec<u8>>,
    entries: u64,
}

impl Reader {
    /// A reader before the first byte.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next bytes of text and hands over every whole line.
    ///
    /// # Errors
    /// As [`Error`] says; nothing of a manifest that fails may be used.
    pub fn push(&mut self, text: &[u8], mut take: impl FnMut(Line) -> Result<(), Error>) -> Result<(), Error> {
        let mut rest = text;
        while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
            let (line, after) = rest.split_at_checked(end).ok_or(Error::Incomplete)?;
            rest = after.get(1..).unwrap_or_default();
            if self.pending.is_empty() {
                self.line(line, &mut take)?;
            } else {
                let mut whole = std::mem::take(&mut self.pending);
                whole.extend_from_slice(line);
                self.line(&whole, &mut take)?;
            }
        }
        self.pending.extend_from_slice(rest);
        if self.pending.len() > LINE_BYTES_MAX {
            return Err(self.fault());
        }
        Ok(())
    }

    /// The first line, once it is there.
    pub fn head(&self) -> Option<&Head> {
        self.head.as_ref()
    }

    /// Ends the text.
    ///
    /// # Errors
    /// [`Error::Incomplete`] when it ends inside a line, has no head, or a full manifest lacks entries.
    pub fn finish(self) -> Result<Head, Error> {
        let head = self.head.ok_or(Error::Incomplete)?;
        let complete = head.base.is_some() || self.entries == head.entries;
        if self.pending.is_empty() && complete { Ok(head) } else { Err(Error::Incomplete) }
    }

    fn fault(&self) -> Error {
        Error::Line { line: self.lines.saturating_add(1) }
    }

    fn line(&mut self, line: &[u8], take: &mut impl FnMut(Line) -> Result<(), Error>) -> Result<(), Error> {
        let fault = self.fault();
        if line.len() > LINE_BYTES_MAX {
            return Err(fault);
        }
        let Some(head) = &self.head else {
            self.head = Some(Head::parse(line)?);
            self.lines = 1;
            return Ok(());
        };
        let parsed = Line::parse(line, &mut self.written).ok_or(fault)?;
        let stage = match &parsed {
            Line::Packs(_) => 0,
            Line::Gone(_) => 1,
            Line::Entry(_) => 2,
        };
        if stage < self.stage || (stage == 1 && head.base.is_none()) {
            return Err(fault);
        }
        self.stage = stage;
        if let Line::Entry(entry) = &parsed {
            if self.last_path.as_ref().is_some_and(|last| *last >= entry.path) {
                return Err(fault);
            }
            if entry.kind.content().is_some_and(|content| content.place.deposit > head.deposit) {
                return Err(fault);
            }
            self.last_path = Some(entry.path.clone());
            self.entries = self.entries.saturating_add(1);
            // Neither has a delta more entries than the whole list that it makes.
            if self.entries > head.entries {
                return Err(Error::Incomplete);
            }
        }
        self.lines = self.lines.saturating_add(1);
        take(parsed)
    }
}

/// A deposit's manifest, whole: its base applied, its commitment to be checked.
#[derive(Debug)]
pub struct Manifest {
    /// The first line.
    pub head: Head,
    /// Where the deposit's own packs start.
    pub packs: Vec<PackStart>,
    /// All entries, ascending by path.
    pub entries: Vec<Entry>,
}

/// One manifest as it was sealed, before its base is applied.
pub struct Layer {
    /// The first line.
    pub head: Head,
    /// Where the deposit's own packs start.
    pub packs: Vec<PackStart>,
    /// Ids of entries of the base that are no longer there.
    pub gone: Vec<EntryId>,
    /// Entries, ascending by path.
    pub entries: Vec<Entry>,
}

impl Layer {
    /// Reads the whole text of one manifest.
    ///
    /// # Errors
    /// As [`Reader`].
    pub fn parse(text: &[u8]) -> Result<Self, Error> {
        let mut reader = Reader::new();
        let mut builder = LayerBuilder::default();
        reader.push(text, |line| {
            builder.take(line);
            Ok(())
        })?;
        Ok(builder.finish(reader.finish()?))
    }
}

/// Gathers the lines that a [`Reader`] hands over.
#[derive(Default)]
pub struct LayerBuilder {
    packs: Vec<PackStart>,
    gone: Vec<EntryId>,
    entries: Vec<Entry>,
}

impl LayerBuilder {
    /// Takes one line.
    pub fn take(&mut self, line: Line) {
        match line {
            Line::Packs(starts) => self.packs.extend(starts),
            Line::Gone(ids) => self.gone.extend(ids),
            Line::Entry(entry) => self.entries.push(*entry),
        }
    }

    /// The layer under this head.
    pub fn finish(self, head: Head) -> Layer {
        Layer { head, packs: self.packs, gone: self.gone, entries: self.entries }
    }
}

impl Manifest {
    /// The manifest of a full layer.
    ///
    /// # Errors
    /// [`Error::Base`] when the layer is a delta.
    pub fn full(layer: Layer) -> Result<Self, Error> {
        match layer.head.base {
            Some(_) => Err(Error::Base),
            None => Ok(Self { head: layer.head, packs: layer.packs, entries: layer.entries }),
        }
    }

    /// The later manifest that `delta` makes of this one.
    ///
    /// # Errors
    /// [`Error::Base`] when the delta names another base, or does not fit it; [`Error::Incomplete`] when the result
    /// has more or fewer entries than promised.
    pub fn apply(self, delta: Layer) -> Result<Self, Error> {
        if delta.head.base != Some(self.head.deposit) || delta.head.chain != self.head.chain.saturating_add(1) {
            return Err(Error::Base);
        }
        let step = Step::new(&delta.head, &self.head, delta.gone)?;
        let mut entries = Vec::with_capacity(self.entries.len().saturating_add(delta.entries.len()));
        for entry in step.over(self.entries.into_iter().map(Ok), delta.entries.into_iter().map(Ok)) {
            entries.push(entry?);
        }
        Ok(Self { head: delta.head, packs: delta.packs, entries })
    }

    /// Recomputes what the entries commit to and compares it with what the record says; and refuses entries that are
    /// each as committed but cannot all be had.
    ///
    /// # Errors
    /// [`Error::Commitment`] when they differ: an alarm, whoever served the manifest. [`Error::Link`],
    /// [`Error::Place`], [`Error::TooLong`]: whoever signed it did not follow the format.
    pub fn check(&self, expected: &Commitment) -> Result<(), Error> {
        self.check_entries()?;
        let mut checking = Checking::of(&self.head);
        checking.take(&self.entries);
        checking.finish(expected)
    }

    /// What of [`Manifest::check`] needs no commitment.
    fn check_entries(&self) -> Result<(), Error> {
        let mut rules = Rules::default();
        self.entries.iter().for_each(|entry| rules.take(entry));
        let (mut shared, kept) = rules.finish();
        if !shared.is_empty() {
            self.entries.iter().try_for_each(|entry| shared.take(entry))?;
        }
        kept
    }

    /// The entry at exactly this path.
    pub fn entry(&self, path: &[u8]) -> Option<&Entry> {
        let index = self.entries.binary_search_by(|entry| entry.path.as_slice().cmp(path)).ok()?;
        self.entries.get(index)
    }
}

impl Content {
    /// Whether some of it lies in members of earlier deposits.
    pub fn is_composed(&self) -> bool {
        !self.spans.is_empty()
    }

    /// Which bytes of it lie where, in order and without a gap: each stretch at the same offset in a member.
    pub fn stretches(&self) -> impl Iterator<Item = (std::ops::Range<u64>, Place)> {
        let whole = (!self.is_composed()).then_some((0..self.size, self.place));
        let mut segment = 0u64;
        let spans = self.spans.iter().map(move |span| {
            let end = segment.saturating_add(span.segments);
            let from = std::mem::replace(&mut segment, end);
            let byte = |segment: u64| segment.saturating_mul(SEGMENT_BYTES).min(self.size);
            (byte(from)..byte(end), span.place)
        });
        whole.into_iter().chain(spans)
    }

    /// Whether the spans are those of a file of this size, or there are none.
    fn is_soundly_composed(&self) -> bool {
        let segments = self.spans.iter().try_fold(0u64, |sum, span| sum.checked_add(span.segments));
        let earlier = |span: &Span| span.place.deposit < self.place.deposit;
        let sound = self.spans.iter().all(|span| span.segments > 0 && (span.place == self.place || earlier(span)))
            && self.spans.array_windows().all(|[a, b]| a.place != b.place)
            && self.spans.iter().any(earlier)
            && self.spans.len() <= SPANS_MAX
            && segments == Some(self.size.div_ceil(SEGMENT_BYTES));
        sound || !self.is_composed()
    }
}

fn pack_start(pair: &Value) -> Option<PackStart> {
    let [frame, offset] = pair.as_array()?.as_slice() else { return None };
    Some(PackStart { frame: as_integer(frame)?, offset: as_integer(offset)? })
}

fn object(line: &[u8]) -> Option<Map<String, Value>> {
    match serde_json::from_slice(line).ok()? {
        Value::Object(object) => Some(object),
        _ => None,
    }
}

/// Keys stay in the order of insertion (`preserve_order`), which is the canonical one.
fn serialise(object: Map<String, Value>) -> Vec<u8> {
    let mut line = Value::Object(object).to_string().into_bytes();
    line.push(b'\n');
    line
}

/// A number where every reader keeps it exactly, a decimal string above.
fn integer(value: u64) -> Value {
    if value <= INTEGER_MAX { value.into() } else { value.to_string().into() }
}

fn as_integer(value: &Value) -> Option<u64> {
    match value {
        Value::Number(number) => number.as_u64(),
        Value::String(digits) => digits.parse().ok(),
        _ => None,
    }
}

fn bytes<const N: usize>(value: &Value) -> Option<[u8; N]> {
    STANDARD.decode(value.as_str()?).ok()?.try_into().ok()
}

fn bytes_unpadded<const N: usize>(value: &Value) -> Option<[u8; N]> {
    STANDARD_NO_PAD.decode(value.as_str()?).ok()?.try_into().ok()
}
