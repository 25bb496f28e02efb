//! What a device remembers of large contents by segments: their chaining values, and where those of composed ones lie.
//!
//! It holds no name and no content. Losing it costs storing changed files whole. See docs/spec/local-state.md, section
//! "Segments".

use std::cell::RefCell;
use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use hizo_vault::manifest::{Content, Place, SPANS_MAX, Span};

use super::local::take;
use crate::hashing::{COMPOSED_BYTES, ChainingValue};
use crate::system;

const MAGIC: &[u8; 16] = b"hizo/segments/v1";
const CHECK_BYTES: usize = 32;
const FOOTER_BYTES: u64 = (MAGIC.len() + CHECK_BYTES) as u64;
const HEAD_BYTES: usize = 8 + 8 + 32 + 4 + 4;
/// Bytes of one span, here and in the resume journal.
pub(super) const SPAN_BYTES: usize = 24;
const VALUE_BYTES: usize = 32;
const VALUES_MAX: u64 = COMPOSED_BYTES.end().div_ceil(hizo_vault::manifest::SEGMENT_BYTES);

/// Parts of a file, by the place of the content that each is about.
struct Parts {
    file: RefCell<File>,
    at: HashMap<Place, u64>,
}

/// A part but for its spans and values.
struct PartHead {
    place: Place,
    blake3: [u8; 32],
    spans: usize,
    values: usize,
}

/// What was remembered with the last walk.
pub(super) struct Segments {
    parts: Parts,
    /// What the file says of itself: another file has another one.
    pub check: [u8; 32],
}

impl Segments {
    /// Reads a file whole; nothing when there is none, or its bytes are not what was written.
    pub(super) fn read(path: &Path, key: &[u8; 32]) -> Option<Self> {
        let mut file = BufReader::with_capacity(1 << 20, File::open(path).ok()?);
        let body = file.get_ref().metadata().ok()?.len().checked_sub(FOOTER_BYTES)?;
        let (mut at, mut position) = (HashMap::new(), 0);
        let mut check = blake3::Hasher::new_keyed(key);
        let mut bytes = vec![0; 1 << 16];
        while position < body {
            let head = bytes.first_chunk_mut::<HEAD_BYTES>()?;
            file.read_exact(head).ok()?;
            check.update(head);
            let head = PartHead::from_bytes(head)?;
            at.insert(head.place, position);
            let mut left = head.following_bytes();
            position += HEAD_BYTES as u64 + left;
            while left > 0 {
                let now = left.min(bytes.len() as u64);
                let piece = bytes.get_mut(..now as usize)?;
                file.read_exact(piece).ok()?;
                check.update(piece);
                left -= now;
            }
        }
        let mut footer = [0; FOOTER_BYTES as usize];
        file.read_exact(&mut footer).ok()?;
        let (magic, expected) = footer.split_last_chunk::<CHECK_BYTES>()?;
        check.update(magic);
        let whole = position == body && magic == MAGIC && check.finalize() == *expected;
        let parts = Parts { file: RefCell::new(file.into_inner()), at };
        whole.then_some(Self { parts, check: *expected })
    }

    /// The spans of content that is composed.
    pub(super) fn spans(&self, content: &Content) -> Option<Box<[Span]>> {
        self.parts.spans(content).ok()
    }

    /// The chaining values of content, under its own key; none when they are not known.
    pub(super) fn values(&self, content: &Content) -> Vec<ChainingValue> {
        self.parts.values(content).unwrap_or_default()
    }
}

impl Parts {
    fn spans(&self, content: &Content) -> io::Result<Box<[Span]>> {
        let head = self.find(content)?;
        let mut bytes = vec![0; head.spans * SPAN_BYTES];
        self.file.borrow_mut().read_exact(&mut bytes)?;
        spans_from_bytes(&bytes).ok_or_else(|| io::ErrorKind::InvalidData.into())
    }

    fn values(&self, content: &Content) -> io::Result<Vec<ChainingValue>> {
        let head = self.find(content)?;
        let mut file = self.file.borrow_mut();
        file.seek(SeekFrom::Current((head.spans * SPAN_BYTES) as i64))?;
        let mut bytes = vec![0; head.values * VALUE_BYTES];
        file.read_exact(&mut bytes)?;
        Ok(bytes.as_chunks::<VALUE_BYTES>().0.to_vec())
    }

    /// The part of exactly this content; the file stands behind its head then.
    fn find(&self, content: &Content) -> io::Result<PartHead> {
        let at = self.at.get(&content.place).ok_or(io::ErrorKind::NotFound)?;
        let mut file = self.file.borrow_mut();
        file.seek(SeekFrom::Start(*at))?;
        let mut head = [0; HEAD_BYTES];
        file.read_exact(&mut head)?;
        let head = PartHead::from_bytes(&head).filter(|head| head.blake3 == content.value.blake3);
        head.ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

impl PartHead {
    fn from_bytes(bytes: &[u8; HEAD_BYTES]) -> Option<Self> {
        let mut rest = bytes.as_slice();
        let place = take_place(&mut rest)?;
        let blake3 = take(&mut rest)?;
        let [spans, values] = [u32::from_le_bytes(take(&mut rest)?), u32::from_le_bytes(take(&mut rest)?)];
        let within = spans as usize <= SPANS_MAX && u64::from(values) <= VALUES_MAX;
        within.then_some(Self { place, blake3, spans: spans as usize, values: values as usize })
    }

    fn following_bytes(&self) -> u64 {
        (self.spans * SPAN_BYTES + self.values * VALUE_BYTES) as u64
    }
}

/// Writes what is remembered as it is found, under another name until the deposit is kept.
pub(super) struct SegmentsWriter {
    path: PathBuf,
    out: BufWriter<File>,
    position: u64,
    check: blake3::Hasher,
    parts: Parts,
}

impl SegmentsWriter {
    /// Begins the file that will stand at `path`; one that was left unfinished there is forgotten.
    pub(super) fn create(path: &Path, key: &[u8; 32]) -> io::Result<Self> {
        let unfinished = unfinished(path);
        match fs::remove_file(&unfinished) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => (),
        }
        let out = BufWriter::with_capacity(1 << 18, system::create_private(&unfinished)?);
        let parts = Parts { file: RefCell::new(File::open(&unfinished)?), at: HashMap::new() };
        Ok(Self { path: path.to_owned(), out, position: 0, check: blake3::Hasher::new_keyed(key), parts })
    }

    /// Adds content, unless it is there already or has nothing worth remembering.
    pub(super) fn push(&mut self, content: &Content, values: impl FnOnce() -> Vec<ChainingValue>) -> io::Result<()> {
        if !COMPOSED_BYTES.contains(&content.size) || self.parts.at.contains_key(&content.place) {
            return Ok(());
        }
        let values = values();
        if values.is_empty() && !content.is_composed() {
            return Ok(());
        }
        self.parts.at.insert(content.place, self.position);
        let mut head = place_bytes(&content.place).to_vec();
        head.extend(content.value.blake3);
        head.extend((content.spans.len() as u32).to_le_bytes());
        head.extend((values.len() as u32).to_le_bytes());
        self.write(&head)?;
        self.write(&spans_to_bytes(&content.spans))?;
        self.write(values.as_flattened())
    }

    /// The spans of content that was added; what was added must have been flushed.
    pub(super) fn spans(&self, content: &Content) -> Option<Box<[Span]>> {
        self.parts.spans(content).ok()
    }

    pub(super) fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }

    /// Puts the file in its place.
    pub(super) fn finish(mut self) -> io::Result<()> {
        self.write(MAGIC)?;
        let check = self.check.finalize();
        self.out.write_all(check.as_bytes())?;
        self.out.flush()?;
        self.out.get_ref().sync_all()?;
        fs::rename(unfinished(&self.path), &self.path)
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.check.update(bytes);
        self.position += bytes.len() as u64;
        self.out.write_all(bytes)
    }
}

fn unfinished(path: &Path) -> PathBuf {
    path.with_extension("segments-next")
}

fn place_bytes(place: &Place) -> [u8; 16] {
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&place.deposit.to_le_bytes());
    bytes[8..].copy_from_slice(&place.block.to_le_bytes());
    bytes
}

fn take_place(rest: &mut &[u8]) -> Option<Place> {
    Some(Place { deposit: u64::from_le_bytes(take(rest)?), block: u64::from_le_bytes(take(rest)?) })
}

/// Spans as they stand in local state.
pub(super) fn spans_to_bytes(spans: &[Span]) -> Vec<u8> {
    let span = |span: &Span| [span.segments.to_le_bytes().as_slice(), &place_bytes(&span.place)].concat();
    spans.iter().flat_map(span).collect()
}

pub(super) fn spans_from_bytes(bytes: &[u8]) -> Option<Box<[Span]>> {
    let (spans, rest) = bytes.as_chunks::<SPAN_BYTES>();
    let span = |span: &[u8; SPAN_BYTES]| {
        let mut rest = span.as_slice();
        Some(Span { segments: u64::from_le_bytes(take(&mut rest)?), place: take_place(&mut rest)? })
    };
    rest.is_empty().then(|| spans.iter().map(span).collect())?
}

/// An earlier content of a file, with the chaining values of its segments.
pub(super) struct Older {
    pub content: Content,
    pub values: Vec<ChainingValue>,
}

impl Older {
    /// How a file whose segments have these chaining values, under this content's key, is laid over it: `own` is the place
    /// of what is new. Nothing when too little is there already, or it would lie in too many spans.
    pub(super) fn lay_over(&self, values: &[ChainingValue], own: Place) -> Option<Box<[Span]>> {
        let before = &self.content;
        let whole = (!before.is_composed()).then_some(Span { segments: u64::MAX, place: before.place });
        let mut earlier = before.spans.iter().chain(&whole).flat_map(|span| (0..span.segments).map(|_| span.place));
        let mut spans: Vec<Span> = Vec::new();
        let mut reused = 0;
        for (at, value) in values.iter().enumerate() {
            let place = earlier.next().filter(|_| self.values.get(at) == Some(value));
            reused += usize::from(place.is_some());
            let place = place.unwrap_or(own);
            match spans.last_mut().filter(|last| last.place == place) {
                Some(last) => last.segments += 1,
                None => spans.push(Span { segments: 1, place }),
            }
            if spans.len() > SPANS_MAX {
                return None;
            }
        }
        (reused > 0 && reused * 2 >= values.len()).then(|| spans.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hizo_vault::commit::ContentValue;
    use hizo_vault::manifest::SEGMENT_BYTES;

    const KEY: [u8; 32] = [3; 32];

    fn place(deposit: u64, block: u64) -> Place {
        Place { deposit, block }
    }

    fn content(segments: u64, place: Place, spans: &[(u64, Place)]) -> Content {
        let spans = spans.iter().map(|(segments, place)| Span { segments: *segments, place: *place }).collect();
        let value = ContentValue { sha256: [1; 32], key: [2; 32], blake3: [place.block as u8; 32] };
        Content { size: segments * SEGMENT_BYTES, value, place, spans, read: 1, unsteady: false }
    }

    fn values(text: &str) -> Vec<ChainingValue> {
        text.bytes().map(|byte| [byte; 32]).collect()
    }

    #[test]
    fn a_file_is_laid_over_an_earlier_one_segment_by_segment() {
        let (old, older, own) = (place(2, 5), place(1, 9), place(3, 0));
        let whole = content(4, old, &[]);
        let composed = content(4, old, &[(1, older), (2, old), (1, older)]);
        let check = |before: &Content, was: &str, is: &str, expected: Option<&[(u64, Place)]>| {
            let expected = expected.map(|expected| content(0, own, expected).spans);
            let older = Older { content: before.clone(), values: values(was) };
            assert_eq!(older.lay_over(&values(is), own), expected, "{was} {is}");
        };
        check(&whole, "abcd", "abcd", Some(&[(4, old)]));
        check(&whole, "abcd", "abXd", Some(&[(2, old), (1, own), (1, old)]));
        check(&whole, "abcd", "abcdE", Some(&[(4, old), (1, own)]));
        check(&whole, "abcd", "ab", Some(&[(2, old)]));
        check(&whole, "abcd", "aXXd", Some(&[(1, old), (2, own), (1, old)]));
        check(&whole, "abcd", "aXXX", None);
        check(&whole, "abcd", "bcda", None);
        check(&whole, "", "abcd", None);
        check(&composed, "abcd", "abXd", Some(&[(1, older), (1, old), (1, own), (1, older)]));
        check(&composed, "abcd", "Xbcd", Some(&[(1, own), (2, old), (1, older)]));
        // More values than a content has segments, as no honest file says.
        check(&composed, "abcde", "abcde", Some(&[(1, older), (2, old), (1, older), (1, own)]));
    }

    #[test]
    fn a_file_in_too_many_spans_is_stored_whole() {
        let (old, own) = (place(1, 0), place(2, 0));
        let check = |segments: usize| {
            let before = (0..segments).map(|at| [at as u8; 32]).collect();
            let after: Vec<_> = (0..segments).map(|at| [(at + at % 2) as u8; 32]).collect();
            let older = Older { content: content(segments as u64, old, &[]), values: before };
            older.lay_over(&after, own).map(|spans| spans.len())
        };
        assert_eq!((check(SPANS_MAX), check(SPANS_MAX + 1)), (Some(SPANS_MAX), None));
    }

    #[test]
    fn what_is_remembered_comes_back_for_the_same_content_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("s.segments");
        let plain = content(4, place(1, 7), &[]);
        let composed = content(2, place(2, 8), &[(1, place(1, 7)), (1, place(2, 8))]);
        let small = content(1, place(2, 9), &[]);
        let mut writer = SegmentsWriter::create(&path, &KEY).unwrap();
        writer.push(&plain, || values("abcd")).unwrap();
        writer.push(&plain, || panic!("it is there already")).unwrap();
        writer.push(&small, || panic!("it is too small")).unwrap();
        writer.push(&composed, Vec::new).unwrap();
        writer.flush().unwrap();
        assert_eq!(writer.spans(&composed), Some(composed.spans.clone()));
        assert!(Segments::read(&path, &KEY).is_none(), "it is not finished");
        writer.finish().unwrap();
        let read = Segments::read(&path, &KEY).unwrap();
        assert_eq!(read.values(&plain), values("abcd"));
        assert_eq!((read.values(&composed), read.spans(&composed)), (Vec::new(), Some(composed.spans.clone())));
        let mut other = plain.clone();
        other.value.blake3[0] ^= 1;
        assert!(read.values(&other).is_empty(), "another content at that place");
        assert!(read.values(&small).is_empty() && read.spans(&small).is_none());
        assert!(Segments::read(&path, &[4; 32]).is_none(), "another device's");
    }

    #[test]
    fn a_damaged_or_cut_file_is_as_good_as_none() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("s.segments");
        let mut writer = SegmentsWriter::create(&path, &KEY).unwrap();
        let composed = content(2, place(2, 8), &[(1, place(1, 7)), (1, place(2, 8))]);
        writer.push(&composed, || values("ab")).unwrap();
        writer.finish().unwrap();
        let whole = fs::read(&path).unwrap();
        for at in 0..whole.len() {
            let mut changed = whole.clone();
            changed[at] ^= 1;
            fs::write(&path, changed).unwrap();
            assert!(Segments::read(&path, &KEY).is_none(), "byte {at}");
            fs::write(&path, &whole[..at]).unwrap();
            assert!(Segments::read(&path, &KEY).is_none(), "cut at {at}");
        }
        fs::write(&path, [whole.as_slice(), &[0]].concat()).unwrap();
        assert!(Segments::read(&path, &KEY).is_none(), "longer");
        fs::write(&path, &whole).unwrap();
        assert!(Segments::read(&path, &KEY).is_some());
    }
}
