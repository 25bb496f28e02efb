//! What header bytes mean. Composing the meaning again must give the same bytes, so this may read generously where that
//! comparison decides; it refuses by name what people may meet in archives of other programs.

use std::{borrow::Cow, str};

use super::{
    BLOCK_BYTES, EXTENTS_MAX, Error, Extent, Member, MemberKind, PAX_BYTES_MAX, Xattr,
    header::{NAME_BYTES, NANOSECONDS, PREFIX_BYTES, header},
    padding,
};

/// Keyword of an extended attribute, before its name.
pub(super) const XATTR_PREFIX: &[u8] = b"SCHILY.xattr.";

/// Most bytes of a sparse map: a count, and two numbers of up to 19 digits for each stretch and the end marker.
const MAP_BYTES_MAX: usize = (2 * (EXTENTS_MAX + 1) + 1) * 20;

/// Most lines of a sparse map: the count, and two for each stretch and the end marker.
const MAP_LINES_MAX: usize = 2 * (EXTENTS_MAX + 1) + 1;

/// Collects the header blocks of one member until they are whole.
#[derive(Debug, Default)]
pub(super) struct Collector {
    bytes: Vec<u8>,
    stage: Stage,
}

#[derive(Debug, Default)]
enum Stage {
    /// The first block, which says whether there are records.
    #[default]
    First,
    /// Records of this many bytes, filled to a block, then the member's own block.
    Records { length: usize },
    /// The map of a sparse file, `lines` of it so far.
    Map { records: Box<Records>, block: Block, lines: usize },
}

/// What the blocks collected so far are.
#[derive(Debug)]
pub(super) enum Collected {
    /// Not yet whole.
    Part,
    /// A block of zeros where a header could be.
    Zeros,
    /// A member, and the length of its header in bytes.
    Member(Member<'static>, usize),
}

impl Collector {
    /// Takes what the next decision needs from the input, and decides when it has it.
    pub(super) fn take(&mut self, input: &mut &[u8]) -> Result<Collected, Error> {
        loop {
            let missing = self.goal().saturating_sub(self.bytes.len());
            let (taken, rest) = input.split_at(missing.min(input.len()));
            self.bytes.extend_from_slice(taken);
            *input = rest;
            if taken.len() < missing {
                return Ok(Collected::Part);
            }
            match self.decide()? {
                Collected::Part => {}
                whole @ (Collected::Zeros | Collected::Member(..)) => {
                    *self = Self::default();
                    return Ok(whole);
                }
            }
        }
    }

    /// How many bytes the next decision needs.
    fn goal(&self) -> usize {
        match self.stage {
            Stage::First => BLOCK_BYTES,
            Stage::Records { length } => length.saturating_add(padding(length as u64)).saturating_add(2 * BLOCK_BYTES),
            Stage::Map { .. } => self.bytes.len().saturating_add(1).next_multiple_of(BLOCK_BYTES),
        }
    }

    fn decide(&mut self) -> Result<Collected, Error> {
        let last = self.bytes.last_chunk::<BLOCK_BYTES>().ok_or(Error::Truncated)?;
        match std::mem::take(&mut self.stage) {
            Stage::First if last.iter().all(|byte| *byte == 0) => Ok(Collected::Zeros),
            Stage::First => {
                let block = Block::parse(last)?;
                if block.kind != b'x' {
                    return self.member(Records::default(), block);
                }
                let length = usize::try_from(block.size).ok().filter(|length| *length <= PAX_BYTES_MAX);
                self.stage = Stage::Records { length: length.ok_or(Error::HeaderTooLong)? };
                Ok(Collected::Part)
            }
            Stage::Records { length } => {
                let block = Block::parse(last)?;
                let records = self.bytes.get(BLOCK_BYTES..).and_then(|bytes| bytes.get(..length));
                let records = Records::parse(records.ok_or(Error::PaxRecord)?)?;
                if records.sparse_size.is_none() || block.kind != b'0' {
                    return self.member(records, block);
                }
                self.stage = Stage::Map { records: Box::new(records), block, lines: 0 };
                Ok(Collected::Part)
            }
            Stage::Map { mut records, block, lines } => {
                let lines = lines.saturating_add(last.iter().filter(|byte| **byte == b'\n').count());
                records.map_bytes = records.map_bytes.saturating_add(BLOCK_BYTES);
                if lines >= self.map_lines(records.map_bytes)? {
                    return self.member(*records, block);
                }
                self.stage = Stage::Map { records, block, lines };
                Ok(Collected::Part)
            }
        }
    }

    /// How many lines the map has by its count, which stands in its first block.
    fn map_lines(&self, map_bytes: usize) -> Result<usize, Error> {
        let mut lines = self.map(map_bytes).ok_or(Error::Extents)?.split(|byte| *byte == b'\n');
        let count = lines.next().and_then(decimal).and_then(|count| usize::try_from(count).ok());
        let lines = count.and_then(|count| count.checked_mul(2)?.checked_add(1)).ok_or(Error::Extents)?;
        if lines > MAP_LINES_MAX || map_bytes > MAP_BYTES_MAX.next_multiple_of(BLOCK_BYTES) {
            return Err(Error::Extents);
        }
        Ok(lines)
    }

    fn map(&self, map_bytes: usize) -> Option<&[u8]> {
        self.bytes.get(self.bytes.len().checked_sub(map_bytes)?..)
    }

    /// The member that the collected bytes describe. They must be the bytes that it is written as.
    fn member(&self, records: Records, block: Block) -> Result<Collected, Error> {
        let kind = match (block.kind, records.sparse_size) {
            (b'0', None) => MemberKind::File { size: records.size.unwrap_or(block.size), sparse: None },
            (b'0', Some(size)) => {
                let map = self.map(records.map_bytes).ok_or(Error::Extents)?;
                MemberKind::File { size, sparse: Some(Cow::Owned(extents(map, size)?)) }
            }
            (b'1', None) => MemberKind::HardLink { target: Cow::Owned(records.link.unwrap_or(block.link)) },
            (b'2', None) => MemberKind::Symlink { target: Cow::Owned(records.link.unwrap_or(block.link)) },
            (b'5', None) => MemberKind::Directory,
            (b'1' | b'2' | b'5', Some(_)) => return Err(Error::NotCanonical),
            (other, _) => return Err(Error::MemberType(other)),
        };
        let path = Cow::Owned(records.sparse_path.or(records.path).unwrap_or(block.path));
        let mtime_ns = match records.mtime_ns {
            Some(mtime_ns) => mtime_ns,
            None => i64::try_from(block.mtime)
                .ok()
                .and_then(|seconds| seconds.checked_mul(NANOSECONDS))
                .ok_or(Error::Number)?,
        };
        let member = Member { path, kind, mode: block.mode, mtime_ns, xattrs: Cow::Owned(records.xattrs) };
        if header(&member)? != self.bytes {
            return Err(Error::NotCanonical);
        }
        Ok(Collected::Member(member, self.bytes.len()))
    }
}

/// The stretches of a map, without the mark of a hole at the end.
fn extents(map: &[u8], size: u64) -> Result<Vec<Extent>, Error> {
    let mut numbers = map.split(|byte| *byte == b'\n').map(|line| decimal(line).ok_or(Error::Extents));
    let count = numbers.next().ok_or(Error::Extents)??;
    let mut extents = Vec::new();
    for _ in 0..count {
        let (Some(offset), Some(length)) = (numbers.next(), numbers.next()) else { return Err(Error::Extents) };
        extents.push(Extent { offset: offset?, length: length? });
    }
    extents.pop_if(|last| *last == Extent { offset: size, length: 0 });
    Ok(extents)
}

/// A decimal number without sign or leading zeros.
fn decimal(digits: &[u8]) -> Option<u64> {
    let text = str::from_utf8(digits).ok()?;
    text.parse().ok().filter(|number: &u64| number.to_string() == text)
}

/// The fields of a header block that matter.
#[derive(Debug)]
struct Block {
    kind: u8,
    path: Vec<u8>,
    link: Vec<u8>,
    mode: u32,
    size: u64,
    mtime: u64,
}

impl Block {
    fn parse(block: &[u8; BLOCK_BYTES]) -> Result<Self, Error> {
        let mut rest = block.as_slice();
        let mut field = |width: usize| {
            let (field, after) = rest.split_at(width);
            rest = after;
            field
        };
        let (name, mode, _, _) = (field(NAME_BYTES), field(8), field(8), field(8));
        let (size, mtime, checksum) = (field(12), field(12), field(8));
        let (kind, link, magic) = (field(1), field(NAME_BYTES), field(8));
        let (_, _, _, prefix) = (field(64), field(16), field(0), field(PREFIX_BYTES));
        let blank = checksum.iter().fold(0_u64, |sum, byte| sum.saturating_add((*byte).into()));
        let sum = block.iter().fold(0_u64, |sum, byte| sum.saturating_add((*byte).into()));
        let sum = sum.saturating_sub(blank).saturating_add(8 * u64::from(b' '));
        if checksum.get(..6).and_then(octal) != Some(sum) {
            return Err(Error::Checksum);
        }
        let kind = kind.first().copied().unwrap_or_default();
        if !matches!(kind, b'0' | b'1' | b'2' | b'5' | b'x') {
            return Err(Error::MemberType(kind));
        }
        if magic != b"ustar\x0000" {
            return Err(Error::NotUstar);
        }
        let (prefix, name) = (until_nul(prefix), until_nul(name));
        let path = if prefix.is_empty() { name.to_vec() } else { [prefix, b"/", name].concat() };
        Ok(Self {
            kind,
            path,
            link: until_nul(link).to_vec(),
            mode: number(mode)?.try_into().map_err(|_| Error::Number)?,
            size: number(size)?,
            mtime: number(mtime)?,
        })
    }
}

fn until_nul(field: &[u8]) -> &[u8] {
    field.split(|byte| *byte == 0).next().unwrap_or_default()
}

/// A field of octal digits with a NUL after them.
fn number(field: &[u8]) -> Result<u64, Error> {
    field.strip_suffix(b"\0").and_then(octal).ok_or(Error::Number)
}

fn octal(digits: &[u8]) -> Option<u64> {
    let digits = str::from_utf8(digits).ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()))?;
    u64::from_str_radix(digits, 8).ok()
}

/// The pax records of a member, by meaning.
#[derive(Debug, Default)]
struct Records {
    path: Option<Vec<u8>>,
    link: Option<Vec<u8>>,
    size: Option<u64>,
    mtime_ns: Option<i64>,
    sparse_path: Option<Vec<u8>>,
    sparse_size: Option<u64>,
    xattrs: Vec<Xattr>,
    /// How many of the collected bytes are the map.
    map_bytes: usize,
}

impl Records {
    fn parse(bytes: &[u8]) -> Result<Self, Error> {
        let mut records = Self::default();
        let mut rest = bytes;
        while !rest.is_empty() {
            let (key, value);
            (key, value, rest) = record(rest).ok_or(Error::PaxRecord)?;
            records.insert(key, value)?;
        }
        Ok(records)
    }

    fn insert(&mut self, key: &[u8], value: &[u8]) -> Result<(), Error> {
        match key {
            // Only where others need it, and always the same: the comparison of bytes decides.
            b"hdrcharset" | b"GNU.sparse.major" | b"GNU.sparse.minor" => Ok(()),
            b"path" => once(&mut self.path, value.to_vec()),
            b"linkpath" => once(&mut self.link, value.to_vec()),
            b"size" => once(&mut self.size, decimal(value).ok_or(Error::Number)?),
            b"mtime" => once(&mut self.mtime_ns, time(value).ok_or(Error::Number)?),
            b"GNU.sparse.name" => once(&mut self.sparse_path, value.to_vec()),
            b"GNU.sparse.realsize" => once(&mut self.sparse_size, decimal(value).ok_or(Error::Number)?),
            key => {
                let name = key.strip_prefix(XATTR_PREFIX).and_then(unescape).ok_or(Error::PaxRecord)?;
                self.xattrs.push((name, value.to_vec()));
                Ok(())
            }
        }
    }
}

fn once<T>(place: &mut Option<T>, value: T) -> Result<(), Error> {
    if place.replace(value).is_some() { Err(Error::PaxRecord) } else { Ok(()) }
}

/// Key, value and what follows the first record.
fn record(bytes: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let space = bytes.iter().take(8).position(|byte| *byte == b' ')?;
    let length = decimal(bytes.get(..space)?)?;
    let (record, rest) = bytes.split_at_checked(length.try_into().ok()?)?;
    let pair = record.get(space.checked_add(1)?..)?.strip_suffix(b"\n")?;
    let equals = pair.iter().position(|byte| *byte == b'=')?;
    Some((pair.get(..equals)?, pair.get(equals.checked_add(1)?..)?, rest))
}

fn unescape(name: &[u8]) -> Option<Vec<u8>> {
    let mut plain = Vec::with_capacity(name.len());
    let mut rest = name;
    while let Some((first, after)) = rest.split_first() {
        let (byte, after) = match (first, after.split_first_chunk()) {
            (b'%', Some((b"25", after))) => (b'%', after),
            (b'%', Some((b"3D", after))) => (b'=', after),
            (b'%', _) => return None,
            (byte, _) => (*byte, after),
        };
        plain.push(byte);
        rest = after;
    }
    Some(plain)
}

/// Seconds with up to nine decimals, in nanoseconds.
fn time(text: &[u8]) -> Option<i64> {
    let text = str::from_utf8(text).ok()?;
    let (negative, magnitude) = text.strip_prefix('-').map_or((false, text), |magnitude| (true, magnitude));
    let (whole, fraction) = magnitude.split_once('.').unwrap_or((magnitude, ""));
    let seconds = decimal(whole.as_bytes())?;
    if fraction.len() > 9 || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let nanoseconds: i128 = format!("{fraction:0<9}").parse().ok()?;
    let sum = i128::from(seconds).checked_mul(NANOSECONDS.into())?.checked_add(nanoseconds)?;
    i64::try_from(if negative { sum.checked_neg()? } else { sum }).ok()
}
