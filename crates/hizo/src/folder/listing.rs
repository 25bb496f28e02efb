//! What a walk found, one compact record an entry, so that the listing of millions of entries stays in memory.
//!
//! ```text
//! record = bytes shared with the path before ‖ length of the rest ‖ rest ‖ facts
//! ```
//!
//! Every [`BLOCK`]th path stands whole: any entry is found by reading a block at most. Numbers are little-endian in groups
//! of seven bits, the highest bit of a byte saying that another one follows.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::io;
use std::path::{Path, PathBuf};

use crate::system::{self, Stat, StatKind};

/// Entries of which the first has its path whole.
const BLOCK: usize = 64;

/// One thing to keep.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Found {
    /// Path below the deposit's root, raw bytes with `/`.
    pub path: Box<[u8]>,
    pub kind: FoundKind,
    pub stat: Stat,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum FoundKind {
    File,
    Directory,
    /// With its target, raw bytes.
    Symlink(Box<[u8]>),
    /// With the path of the first name of the same file.
    HardLink(Box<[u8]>),
}

impl FoundKind {
    /// What a link points to.
    pub(crate) fn target(&self) -> Option<&[u8]> {
        match self {
            Self::Symlink(target) | Self::HardLink(target) => Some(target),
            Self::File | Self::Directory => None,
        }
    }
}

/// Something that is not kept, and why, in words for the person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LeftOut {
    pub path: PathBuf,
    pub reason: String,
}

impl LeftOut {
    /// The reason where everything else of the thing is kept.
    pub(crate) const ATTRIBUTES: &str =
        "its extended attributes are more than 32 KiB or cannot be read, and are not kept; everything else of it is";
}

/// All there is to keep, ascending by path.
#[derive(Debug)]
pub(crate) struct Listing {
    roots: Vec<Root>,
    records: Vec<u8>,
    /// Where each block begins.
    blocks: Vec<usize>,
    count: usize,
    files: u64,
    bytes: u64,
    pub left_out: Vec<LeftOut>,
    /// Folders that were met and were not to be listed.
    pub passed_over: Vec<PathBuf>,
}

/// A folder or file that a person named, and the path its entries have in the deposit.
#[derive(Debug)]
pub(super) struct Root {
    pub on_disk: PathBuf,
    pub stat: Stat,
    /// Empty for the one folder whose contents are the deposit's root.
    pub in_deposit: Vec<u8>,
}

/// What an entry is, as its record says it.
enum Kind<'a> {
    File,
    Directory,
    Symlink(&'a [u8]),
    /// With the number of the entry that is the first name of the same file.
    HardLink(u64),
}

impl Listing {
    /// The entries that several threads found, in order. Files with several names are kept once, under the first; the
    /// others become links to it.
    pub(super) fn of(roots: Vec<Root>, found: &[Unsorted], left_out: Vec<LeftOut>) -> Self {
        let (records, blocks) = (Vec::new(), Vec::new());
        let mut listing =
            Self { roots, records, blocks, count: 0, files: 0, bytes: 0, left_out, passed_over: Vec::new() };
        let mut first_names: HashMap<(u64, u64), u64> = HashMap::new();
        let mut before = Vec::new();
        let mut threads: Vec<_> = found.iter().map(Unsorted::records).collect();
        let mut next: BinaryHeap<_> = threads
            .iter_mut()
            .enumerate()
            .filter_map(|(thread, records)| records.next().map(|(path, facts)| Reverse((path, thread, facts))))
            .collect();
        while let Some(Reverse((path, thread, mut facts))) = next.pop() {
            let (mut kind, stat) = read_facts(&mut facts);
            if matches!(kind, Kind::File) && stat.links > 1 {
                let this = listing.count as u64;
                let first = *first_names.entry((stat.device, stat.inode)).or_insert(this);
                kind = if first == this { Kind::File } else { Kind::HardLink(first) };
            }
            listing.push(&before, path, &kind, &stat);
            before.clear();
            before.extend_from_slice(path);
            next.extend(threads[thread].next().map(|(path, facts)| Reverse((path, thread, facts))));
        }
        listing.records.shrink_to_fit();
        listing
    }

    fn push(&mut self, before: &[u8], path: &[u8], kind: &Kind, stat: &Stat) {
        let begins = self.count.is_multiple_of(BLOCK);
        if begins {
            self.blocks.push(self.records.len());
        }
        let shared = if begins { 0 } else { before.iter().zip(path).take_while(|(a, b)| a == b).count() };
        write_number(&mut self.records, shared as u64);
        write_bytes(&mut self.records, &path[shared..]);
        write_facts(&mut self.records, kind, stat);
        self.count += 1;
        if matches!(kind, Kind::File) {
            self.files += 1;
            self.bytes += stat.size;
        }
    }

    /// How many entries there are.
    pub(crate) fn len(&self) -> usize {
        self.count
    }

    /// Number of files, hard links counted once.
    pub(crate) fn files(&self) -> u64 {
        self.files
    }

    /// Bytes of all files, hard links counted once.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// All entries, in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Found> {
        self.entries_from(0)
    }

    /// The entry at a place.
    pub(crate) fn get(&self, index: usize) -> Option<Found> {
        self.entries_from(index / BLOCK).nth(index % BLOCK)
    }

    /// The one folder whose contents these are, and what the system says of it.
    pub(crate) fn folder(&self) -> Option<(&Path, &Stat)> {
        let root = self.roots.iter().find(|root| root.in_deposit.is_empty())?;
        Some((&root.on_disk, &root.stat))
    }

    /// Where an entry lies on disk.
    pub(crate) fn on_disk(&self, path: &[u8]) -> io::Result<PathBuf> {
        for root in &self.roots {
            if root.in_deposit.is_empty() {
                return Ok(root.on_disk.join(system::path_from_bytes(path)?));
            }
            if path == root.in_deposit {
                return Ok(root.on_disk.clone());
            }
            let below = path.strip_prefix(root.in_deposit.as_slice()).and_then(|rest| rest.strip_prefix(b"/"));
            if let Some(below) = below {
                return Ok(root.on_disk.join(system::path_from_bytes(below)?));
            }
        }
        Err(io::ErrorKind::NotFound.into())
    }

    fn entries_from(&self, block: usize) -> impl Iterator<Item = Found> {
        self.records_from(block).map(|(path, kind, stat)| {
            let kind = match kind {
                Kind::File => FoundKind::File,
                Kind::Directory => FoundKind::Directory,
                Kind::Symlink(target) => FoundKind::Symlink(target.into()),
                Kind::HardLink(first) => FoundKind::HardLink(self.path(first as usize)),
            };
            Found { path, kind, stat }
        })
    }

    fn path(&self, index: usize) -> Box<[u8]> {
        let found = self.records_from(index / BLOCK).nth(index % BLOCK);
        found.expect("a further name of a file comes behind the first").0
    }

    fn records_from(&self, block: usize) -> impl Iterator<Item = (Box<[u8]>, Kind<'_>, Stat)> {
        let mut rest = self.blocks.get(block).map_or(&[][..], |begins| &self.records[*begins..]);
        let mut path = Vec::new();
        std::iter::from_fn(move || {
            if rest.is_empty() {
                return None;
            }
            path.truncate(read_number(&mut rest) as usize);
            path.extend_from_slice(read_bytes(&mut rest));
            let (kind, stat) = read_facts(&mut rest);
            Some((path.as_slice().into(), kind, stat))
        })
    }
}

/// What one thread has found, until all is put in order.
#[derive(Default)]
pub(super) struct Unsorted {
    records: Vec<u8>,
    /// Where each record begins.
    begins: Vec<usize>,
}

impl Unsorted {
    /// Takes an entry that is no further name of another one, as far as is known yet.
    pub(super) fn push(&mut self, path: &[u8], stat: &Stat, symlink: Option<&[u8]>) {
        let kind = match (symlink, stat.kind) {
            (Some(target), _) => Kind::Symlink(target),
            (None, StatKind::Directory) => Kind::Directory,
            (None, StatKind::File | StatKind::Symlink | StatKind::Special) => Kind::File,
        };
        self.begins.push(self.records.len());
        write_bytes(&mut self.records, path);
        write_facts(&mut self.records, &kind, stat);
    }

    pub(super) fn sort(&mut self) {
        let records = &self.records;
        self.begins.sort_unstable_by(|a, b| record_at(records, *a).0.cmp(record_at(records, *b).0));
    }

    fn records(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.begins.iter().map(|begins| record_at(&self.records, *begins))
    }
}

/// The path of a record, and its facts with everything behind them.
fn record_at(records: &[u8], begins: usize) -> (&[u8], &[u8]) {
    let mut rest = &records[begins..];
    let path = read_bytes(&mut rest);
    (path, rest)
}

fn write_facts(out: &mut Vec<u8>, kind: &Kind, stat: &Stat) {
    let letter = match kind {
        Kind::File => b'f',
        Kind::Directory => b'd',
        Kind::Symlink(_) => b'l',
        Kind::HardLink(_) => b'h',
    };
    out.push(letter);
    match kind {
        Kind::File | Kind::Directory => (),
        Kind::Symlink(target) => write_bytes(out, target),
        Kind::HardLink(first) => write_number(out, *first),
    }
    // Most files were changed for the last time when their times were set, or a moment before.
    let since = (stat.ctime_ns as u64).wrapping_sub(stat.mtime_ns as u64);
    out.extend(stat.mtime_ns.to_le_bytes());
    for number in [since, stat.size, stat.mode.into(), stat.device, stat.inode, stat.links, stat.allocated] {
        write_number(out, number);
    }
}

fn read_facts<'a>(rest: &mut &'a [u8]) -> (Kind<'a>, Stat) {
    let (kind, stat_kind) = match read(rest, 1) {
        b"f" => (Kind::File, StatKind::File),
        b"d" => (Kind::Directory, StatKind::Directory),
        b"l" => (Kind::Symlink(read_bytes(rest)), StatKind::Symlink),
        _ => (Kind::HardLink(read_number(rest)), StatKind::File),
    };
    let mtime_ns = i64::from_le_bytes(*read(rest, 8).first_chunk().expect("eight bytes were read"));
    let [since, size, mode, device, inode, links, allocated] = std::array::from_fn(|_| read_number(rest));
    let ctime_ns = since.wrapping_add(mtime_ns as u64) as i64;
    (kind, Stat { kind: stat_kind, size, mode: mode as u32, mtime_ns, ctime_ns, device, inode, links, allocated })
}

fn write_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    write_number(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

fn read_bytes<'a>(rest: &mut &'a [u8]) -> &'a [u8] {
    let length = read_number(rest);
    read(rest, length as usize)
}

fn write_number(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

fn read_number(rest: &mut &[u8]) -> u64 {
    let (mut number, mut shift) = (0, 0);
    loop {
        let byte = read(rest, 1)[0];
        number |= u64::from(byte & 0x7f) << shift;
        shift += 7;
        if byte < 0x80 {
            return number;
        }
    }
}

fn read<'a>(rest: &mut &'a [u8], length: usize) -> &'a [u8] {
    let (bytes, after) = rest.split_at_checked(length).expect("a listing reads what it wrote itself");
    *rest = after;
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stat(kind: StatKind, number: u64) -> Stat {
        Stat {
            kind,
            size: number << (number % 50),
            mode: 0o644,
            mtime_ns: if number.is_multiple_of(3) { -1 } else { 1_700_000_000_123_456_789 },
            ctime_ns: if number.is_multiple_of(7) { i64::MIN } else { 1_700_000_000_123_456_789 },
            device: u64::MAX,
            inode: number,
            links: 1,
            allocated: number,
        }
    }

    #[test]
    fn entries_come_in_the_order_of_their_paths_whoever_found_them() {
        let (mut threads, mut expected) = ([Unsorted::default(), Unsorted::default(), Unsorted::default()], Vec::new());
        for number in 0..1000_u64 {
            // Neighbours that share much, little and nothing of their paths, and blocks that begin anywhere.
            let path = format!("{}/{:x}-{}", number % 7, number.wrapping_mul(0x9E37_79B9_7F4A_7C15), number);
            let (kind, stat, target) = match number % 3 {
                0 => (FoundKind::File, stat(StatKind::File, number), None),
                1 => (FoundKind::Directory, stat(StatKind::Directory, number), None),
                _ => {
                    (FoundKind::Symlink(path.as_bytes().into()), stat(StatKind::Symlink, number), Some(path.as_bytes()))
                }
            };
            threads[number as usize % 2].push(path.as_bytes(), &stat, target);
            expected.push(Found { path: path.as_bytes().into(), kind, stat });
        }
        threads.iter_mut().for_each(Unsorted::sort);
        expected.sort_by(|a, b| a.path.cmp(&b.path));
        let listing = Listing::of(Vec::new(), &threads, Vec::new());
        assert_eq!(listing.iter().collect::<Vec<_>>(), expected);
        assert_eq!(listing.len(), 1000);
        for (index, found) in expected.iter().enumerate() {
            assert_eq!(listing.get(index).as_ref(), Some(found));
        }
        assert_eq!(listing.get(1000), None);
        assert_eq!(listing.files(), 334);
    }

    #[test]
    fn further_names_are_those_of_the_first_in_order() {
        let mut thread = Unsorted::default();
        let named = |number| Stat { links: 2, ..stat(StatKind::File, number) };
        for (path, number) in [("z", 1), ("b", 2), ("c", 1), ("d", 2), ("a", 3)] {
            thread.push(path.as_bytes(), &named(number), None);
        }
        thread.sort();
        let listing = Listing::of(Vec::new(), &[thread], Vec::new());
        let target = |found: Found| found.kind.target().map(|target| String::from_utf8(target.to_vec()).unwrap());
        let targets: Vec<_> = listing.iter().map(target).collect();
        assert_eq!(targets, [None, None, None, Some("b".into()), Some("c".into())]);
    }
}
