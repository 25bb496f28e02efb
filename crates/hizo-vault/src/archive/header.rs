//! The header bytes of a member. See docs/spec/archive.md, sections "Header block" and "Extended header".

use std::{borrow::Cow, mem};

use super::{BLOCK_BYTES, Error, Extent, Member, MemberKind, PAX_BYTES_MAX, data_bytes, padding};

/// Largest number that eleven octal digits hold: 8 GiB − 1.
pub(super) const OCTAL_MAX: u64 = (1 << 33) - 1;

/// Path in the `x` header; a program that does not know pax would write the records to a file of this name.
const PAX_PATH: &[u8] = b"PaxHeaders/x";
/// Mode in the `x` header.
const PAX_MODE: u32 = 0o644;
/// The folder beside a sparse file where a program that does not know the form puts map and data, so that it does not
/// take them for the file.
const SPARSE_FOLDER: &[u8] = b"GNUSparseFile.0/";

pub(super) const NAME_BYTES: usize = 100;
pub(super) const PREFIX_BYTES: usize = 155;
pub(super) const NANOSECONDS: i64 = 1_000_000_000;

/// All bytes before the member's data: `x` header if one is needed, ustar header, map of a sparse file.
///
/// Its length is a multiple of [`BLOCK_BYTES`]. Equal members have equal headers, different ones never.
///
/// # Errors
/// The rule that the member breaks; [`Error::HeaderTooLong`] when its pax records pass [`PAX_BYTES_MAX`].
pub fn header(member: &Member<'_>) -> Result<Vec<u8>, Error> {
    member.check()?;
    let map = sparse_map(member);
    let map_bytes = u64::try_from(map.len()).map_err(|_| Error::HeaderTooLong)?;
    let stored = data_bytes(member).checked_add(map_bytes).ok_or(Error::FileTooLong)?;
    let path = written_path(member);
    let records = pax_records(member, &path, stored);
    if records.len() > PAX_BYTES_MAX {
        return Err(Error::HeaderTooLong);
    }
    let mut bytes = Vec::new();
    if !records.is_empty() {
        let size = records.len() as u64;
        bytes.extend(Ustar { name: PAX_PATH, kind: b'x', mode: PAX_MODE, size, ..Ustar::default() }.block());
        bytes.extend(records);
        fill_block(&mut bytes);
    }
    bytes.extend(ustar_block(member, &path, stored));
    bytes.extend(map);
    Ok(bytes)
}

fn fill_block(bytes: &mut Vec<u8>) {
    let filled = bytes.len().saturating_add(padding(bytes.len() as u64));
    bytes.resize(filled, 0);
}

/// The map of a sparse file: count, then offset and length of each stretch, a decimal number a line, filled to a block.
/// A hole at the end is marked by an empty stretch there.
fn sparse_map(member: &Member<'_>) -> Vec<u8> {
    let MemberKind::File { size, sparse: Some(extents) } = &member.kind else { return Vec::new() };
    let end = extents.last().and_then(|last| last.end());
    let marker = (end != Some(*size)).then_some(Extent { offset: *size, length: 0 });
    let mut map = Vec::new();
    let mut line = |number: u64| map.extend(format!("{number}\n").into_bytes());
    line((extents.len() as u64).saturating_add(marker.is_some().into()));
    for extent in extents.iter().copied().chain(marker) {
        line(extent.offset);
        line(extent.length);
    }
    fill_block(&mut map);
    map
}

/// The records in their fixed order, each only where the ustar header cannot say it.
fn pax_records(member: &Member<'_>, path: &[u8], stored: u64) -> Vec<u8> {
    let sparse = match member.kind {
        MemberKind::File { size, sparse: Some(_) } => Some(size),
        _ => None,
    };
    let path = split_path(path).is_none().then_some(path);
    let linkpath = link_target(member).filter(|target| target.len() > NAME_BYTES);
    let texts = [path, linkpath, sparse.map(|_| &*member.path)];
    let mut records = Vec::new();
    if texts.into_iter().flatten().any(|text| std::str::from_utf8(text).is_err()) {
        record(&mut records, b"hdrcharset", b"BINARY");
    }
    let mut optional = |key: &[u8], value: Option<&[u8]>| {
        if let Some(value) = value {
            record(&mut records, key, value);
        }
    };
    optional(b"path", path);
    optional(b"linkpath", linkpath);
    optional(b"size", (stored > OCTAL_MAX).then(|| stored.to_string()).as_deref().map(str::as_bytes));
    optional(b"mtime", pax_mtime(member.mtime_ns).as_deref().map(str::as_bytes));
    if let Some(size) = sparse {
        optional(b"GNU.sparse.major", Some(b"1"));
        optional(b"GNU.sparse.minor", Some(b"0"));
        optional(b"GNU.sparse.name", Some(&member.path));
        optional(b"GNU.sparse.realsize", Some(size.to_string().as_bytes()));
    }
    for (name, value) in member.xattrs.iter() {
        optional(&[super::parse::XATTR_PREFIX, escape(name).as_slice()].concat(), Some(value));
    }
    records
}

/// `length key=value\n`, where the length counts its own digits.
fn record(records: &mut Vec<u8>, key: &[u8], value: &[u8]) {
    let rest = [b" ", key, b"=", value, b"\n"].concat();
    let mut length = rest.len();
    loop {
        let whole = rest.len().saturating_add(length.to_string().len());
        if whole == length {
            break;
        }
        length = whole;
    }
    records.extend(length.to_string().into_bytes());
    records.extend(rest);
}

/// `=` ends a keyword, so it and the escape sign are written as GNU tar writes them.
fn escape(name: &[u8]) -> Vec<u8> {
    let mut escaped = Vec::with_capacity(name.len());
    for byte in name {
        match byte {
            b'%' => escaped.extend(b"%25"),
            b'=' => escaped.extend(b"%3D"),
            byte => escaped.push(*byte),
        }
    }
    escaped
}

/// Seconds with as many decimals as needed; `None` where the ustar field says it.
fn pax_mtime(mtime_ns: i64) -> Option<String> {
    let (seconds, nanoseconds) = (mtime_ns.div_euclid(NANOSECONDS), mtime_ns.rem_euclid(NANOSECONDS));
    if nanoseconds == 0 && ustar_mtime(mtime_ns) == seconds as u64 {
        return None;
    }
    let sign = if mtime_ns < 0 { "-" } else { "" };
    let magnitude = mtime_ns.unsigned_abs();
    let whole = magnitude.div_euclid(NANOSECONDS.unsigned_abs());
    let fraction = format!("{:09}", magnitude.rem_euclid(NANOSECONDS.unsigned_abs()));
    let fraction = fraction.trim_end_matches('0');
    let point = if fraction.is_empty() { "" } else { "." };
    Some(format!("{sign}{whole}{point}{fraction}"))
}

/// Whole seconds, rounded down, where they fit; else zero.
fn ustar_mtime(mtime_ns: i64) -> u64 {
    u64::try_from(mtime_ns.div_euclid(NANOSECONDS)).ok().filter(|seconds| *seconds <= OCTAL_MAX).unwrap_or(0)
}

fn link_target<'a>(member: &'a Member<'_>) -> Option<&'a [u8]> {
    match &member.kind {
        MemberKind::Symlink { target } | MemberKind::HardLink { target } => Some(target),
        MemberKind::File { .. } | MemberKind::Directory => None,
    }
}

fn ustar_block(member: &Member<'_>, path: &[u8], stored: u64) -> [u8; BLOCK_BYTES] {
    let kind = match &member.kind {
        MemberKind::File { .. } => b'0',
        MemberKind::HardLink { .. } => b'1',
        MemberKind::Symlink { .. } => b'2',
        MemberKind::Directory => b'5',
    };
    let (prefix, name) = split_path(path).unwrap_or((&[], path));
    let link = link_target(member).unwrap_or_default();
    let size = if stored > OCTAL_MAX { 0 } else { stored };
    Ustar { prefix, name, link, kind, mode: member.mode, size, mtime: ustar_mtime(member.mtime_ns) }.block()
}

/// The path as headers have it: a sparse file's own stands in a record of the form.
fn written_path<'a>(member: &'a Member<'_>) -> Cow<'a, [u8]> {
    let path: &[u8] = &member.path;
    let MemberKind::File { sparse: Some(_), .. } = member.kind else { return Cow::Borrowed(path) };
    let name = path.iter().rposition(|byte| *byte == b'/').map_or(0, |slash| slash.saturating_add(1));
    let (folder, name) = path.split_at(name);
    Cow::Owned([folder, SPARSE_FOLDER, name].concat())
}

/// A path as prefix and name of a ustar header: split at the last slash that leaves both within their fields.
fn split_path(path: &[u8]) -> Option<(&[u8], &[u8])> {
    if path.len() <= NAME_BYTES {
        return Some((&[], path));
    }
    let reach = path.get(..=PREFIX_BYTES).unwrap_or(path);
    let slash = reach.iter().rposition(|byte| *byte == b'/')?;
    let (prefix, name) = path.split_at_checked(slash)?;
    let name = name.get(1..)?;
    (name.len() <= NAME_BYTES).then_some((prefix, name))
}

/// The fields of a header block that are not always the same.
#[derive(Default)]
struct Ustar<'a> {
    prefix: &'a [u8],
    name: &'a [u8],
    link: &'a [u8],
    kind: u8,
    mode: u32,
    size: u64,
    mtime: u64,
}

impl Ustar<'_> {
    /// Names that are too long are cut: a pax record has them whole.
    fn block(&self) -> [u8; BLOCK_BYTES] {
        let blank = self.fields(b"        ");
        let sum: u64 = blank.iter().map(|byte| u64::from(*byte)).fold(0, u64::saturating_add);
        self.fields(format!("{sum:06o}\0 ").as_bytes())
    }

    fn fields(&self, checksum: &[u8]) -> [u8; BLOCK_BYTES] {
        let mut block = [0; BLOCK_BYTES];
        let mut rest = block.as_mut_slice();
        let mut field = |width: usize, value: &[u8]| {
            let (field, after) = mem::take(&mut rest).split_at_mut(width);
            field.iter_mut().zip(value).for_each(|(byte, part)| *byte = *part);
            rest = after;
        };
        field(NAME_BYTES, self.name);
        field(8, format!("{:07o}", self.mode).as_bytes());
        field(8, b"0000000");
        field(8, b"0000000");
        field(12, format!("{:011o}", self.size).as_bytes());
        field(12, format!("{:011o}", self.mtime).as_bytes());
        field(8, checksum);
        field(1, &[self.kind]);
        field(NAME_BYTES, self.link);
        field(8, b"ustar\x0000");
        field(64, b"");
        field(8, b"0000000");
        field(8, b"0000000");
        field(PREFIX_BYTES, self.prefix);
        block
    }
}
