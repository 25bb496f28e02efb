//! The tar inside a deposit: one byte form for each member, written and read without touching a disk.
//!
//! The reader composes every header again and demands the same bytes, so it accepts exactly what this writer writes:
//! ustar and pax `x` headers, no devices, no GNU or vendor forms but sparse 1.0 and extended attributes.
//! See docs/spec/archive.md.

mod header;
mod parse;
mod reader;

use std::borrow::Cow;

pub use hizo_ledger::path::{PATH_BYTES_MAX, PathError, check_path};

pub use self::{
    header::header,
    reader::{Event, Reader},
};

/// Tar's unit, in bytes. A member's place is counted in it.
pub const BLOCK_BYTES: usize = 512;

/// Longest link target, in bytes.
pub const LINK_TARGET_BYTES_MAX: usize = 4095;

/// Longest name of an extended attribute, in bytes: what Linux allows.
pub const XATTR_NAME_BYTES_MAX: usize = 255;

/// Most bytes the pax records of one member may have: the room for extended attributes.
pub const PAX_BYTES_MAX: usize = 1 << 20;

/// Most stretches of data a sparse file may have.
pub const EXTENTS_MAX: usize = 1 << 16;

/// Longest file, in bytes: what a signed 64-bit offset reaches.
pub const FILE_BYTES_MAX: u64 = i64::MAX as u64;

/// The end of an archive: two blocks of zeros, and nothing after them.
pub const END: [u8; 2 * BLOCK_BYTES] = [0; 2 * BLOCK_BYTES];

/// Why bytes are not an archive of ours, or a member cannot be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A path breaks a rule of [`check_path`].
    #[error("unsafe path: {0}")]
    Path(#[from] PathError),
    /// A link target is empty, too long, has a NUL byte, or a hard link's does not sort before its own path.
    #[error("a link target is not allowed")]
    LinkTarget,
    /// Permission bits above 07777.
    #[error("permission bits above 07777")]
    Mode,
    /// A file is longer than [`FILE_BYTES_MAX`].
    #[error("a file is longer than {FILE_BYTES_MAX} bytes")]
    FileTooLong,
    /// Stretches of data are not ascending, touch, are empty, reach past the end, leave no hole, are too many, or one
    /// before the last is not whole blocks long.
    #[error("the map of a sparse file is not allowed")]
    Extents,
    /// An extended attribute has an empty or too long name, a NUL byte in it, or is not in ascending order.
    #[error("an extended attribute is not allowed")]
    Xattr,
    /// The pax records are longer than [`PAX_BYTES_MAX`].
    #[error("the extended header is longer than {PAX_BYTES_MAX} bytes")]
    HeaderTooLong,
    /// The sum over a header block is not the one written in it.
    #[error("a header's checksum is wrong")]
    Checksum,
    /// The block is not a ustar header.
    #[error("a header is not ustar")]
    NotUstar,
    /// A type of member that no deposit has: a device, a pipe, a GNU or vendor form, a global header.
    #[error("members of type {0:#04x} are refused")]
    MemberType(u8),
    /// A number is not in the one form it is written in.
    #[error("a number in a header is malformed")]
    Number,
    /// A pax record is not in its form, or its keyword is repeated or unknown.
    #[error("an extended header record is malformed, repeated or unknown")]
    PaxRecord,
    /// The header means something, but is not what this writer writes for it.
    #[error("a header is not in its one form")]
    NotCanonical,
    /// A path does not sort after the path of the member before it.
    #[error("members are repeated or out of order")]
    Order,
    /// Bytes that fill a block are not zero.
    #[error("padding is not zero")]
    Padding,
    /// A block of zeros that no second one follows.
    #[error("the end marker is incomplete")]
    EndMarker,
    /// Bytes follow the end marker.
    #[error("bytes follow the end of the archive")]
    Trailing,
    /// The bytes end before the end marker.
    #[error("the archive is cut short")]
    Truncated,
}

/// A stretch of a sparse file that has data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extent {
    /// Where it begins in the file, in bytes.
    pub offset: u64,
    /// How many bytes it has, at least one; whole blocks, if another stretch follows.
    pub length: u64,
}

impl Extent {
    fn end(self) -> Option<u64> {
        self.offset.checked_add(self.length)
    }
}

/// What a member is, with what only that kind has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MemberKind<'a> {
    /// A file of this many bytes.
    File {
        /// Length in bytes, holes included.
        size: u64,
        /// The stretches that have data, ascending and apart; `None`: the file has no holes.
        sparse: Option<Cow<'a, [Extent]>>,
    },
    /// A directory.
    Directory,
    /// A symbolic link.
    Symlink {
        /// Where it points, raw bytes.
        target: Cow<'a, [u8]>,
    },
    /// A further name of a file.
    HardLink {
        /// Path of the file, which sorts before this one.
        target: Cow<'a, [u8]>,
    },
}

/// The name and value of one extended attribute, raw bytes.
pub type Xattr = (Vec<u8>, Vec<u8>);

/// One member of an archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member<'a> {
    /// Path, raw bytes, as in the manifest: safe by [`check_path`], without a slash at the end.
    pub path: Cow<'a, [u8]>,
    /// What it is.
    pub kind: MemberKind<'a>,
    /// Permission bits, at most 07777.
    pub mode: u32,
    /// Modification time in nanoseconds since 1970-01-01T00:00:00Z.
    pub mtime_ns: i64,
    /// Extended attributes in ascending order of their names.
    pub xattrs: Cow<'a, [Xattr]>,
}

/// How many bytes of data follow a member's header, before padding.
pub fn data_bytes(member: &Member<'_>) -> u64 {
    match &member.kind {
        MemberKind::File { sparse: Some(extents), .. } => {
            extents.iter().fold(0, |sum, extent| sum.saturating_add(extent.length))
        }
        MemberKind::File { size, sparse: None } => *size,
        MemberKind::Directory | MemberKind::Symlink { .. } | MemberKind::HardLink { .. } => 0,
    }
}

/// The map to keep a file with, given the stretches that a file system says have data, in ascending order.
///
/// Stretches are widened to whole blocks, and as far as needed for their number to stay within [`EXTENTS_MAX`]; what is
/// widened into a hole is read as zeros. `None`: no hole is left, and the file is kept as one without holes.
pub fn sparse_map(size: u64, stretches: &[Extent]) -> Option<Vec<Extent>> {
    let mut unit = BLOCK_BYTES as u64;
    loop {
        let map = widened(size, stretches, unit);
        if map.len() <= EXTENTS_MAX {
            return check_extents(size, &map).is_ok().then_some(map);
        }
        unit = unit.saturating_mul(2);
    }
}

fn widened(size: u64, stretches: &[Extent], unit: u64) -> Vec<Extent> {
    let mut map: Vec<Extent> = Vec::new();
    for stretch in stretches {
        let offset = stretch.offset.saturating_sub(stretch.offset.checked_rem(unit).unwrap_or(0));
        let end = stretch.end().and_then(|end| end.checked_next_multiple_of(unit)).map_or(size, |end| end.min(size));
        let length = end.saturating_sub(offset);
        match map.last_mut() {
            _ if length == 0 || stretch.length == 0 => {}
            Some(last) if last.end().is_some_and(|last| last >= offset) => {
                last.length = last.length.max(end.saturating_sub(last.offset));
            }
            _ => map.push(Extent { offset, length }),
        }
    }
    map
}

/// How many zero bytes fill the last block of this many bytes of data.
pub const fn padding(data_bytes: u64) -> usize {
    // 512 divides 2^64, so the bytes that are missing to the next block are the remainder of the negative.
    data_bytes.wrapping_neg().rem_euclid(BLOCK_BYTES as u64) as usize
}

impl Member<'_> {
    /// Whether this writer writes the member.
    ///
    /// # Errors
    /// The rule broken.
    pub(crate) fn check(&self) -> Result<(), Error> {
        check_path(&self.path)?;
        if self.mode > 0o7777 {
            return Err(Error::Mode);
        }
        match &self.kind {
            MemberKind::File { size, sparse } => {
                if *size > FILE_BYTES_MAX {
                    return Err(Error::FileTooLong);
                }
                sparse.as_ref().map_or(Ok(()), |extents| check_extents(*size, extents))?;
            }
            MemberKind::Directory => {}
            MemberKind::Symlink { target } => {
                if target.is_empty() || target.len() > LINK_TARGET_BYTES_MAX || target.contains(&0) {
                    return Err(Error::LinkTarget);
                }
            }
            MemberKind::HardLink { target } => {
                if check_path(target).is_err() || target >= &self.path {
                    return Err(Error::LinkTarget);
                }
            }
        }
        check_xattrs(&self.xattrs)
    }
}

fn check_extents(size: u64, extents: &[Extent]) -> Result<(), Error> {
    let mut end = None;
    for (number, extent) in extents.iter().enumerate() {
        // Stretches that touch are one: a map has one form.
        if extent.length == 0 || end.is_some_and(|end| extent.offset <= end) {
            return Err(Error::Extents);
        }
        // GNU tar begins each stretch in a block of its own; others count on. Both are right only for whole blocks.
        if padding(extent.length) != 0 && number.saturating_add(1) != extents.len() {
            return Err(Error::Extents);
        }
        end = extent.end();
        if end.is_none_or(|end| end > size) {
            return Err(Error::Extents);
        }
    }
    let whole = size == 0 || matches!(extents, [only] if only.length == size);
    if whole || extents.len() > EXTENTS_MAX { Err(Error::Extents) } else { Ok(()) }
}

fn check_xattrs(xattrs: &[Xattr]) -> Result<(), Error> {
    let name_fault = |name: &[u8]| name.is_empty() || name.len() > XATTR_NAME_BYTES_MAX || name.contains(&0);
    let order_fault = xattrs.array_windows().any(|[(before, _), (after, _)]| before >= after);
    if order_fault || xattrs.iter().any(|(name, _)| name_fault(name)) { Err(Error::Xattr) } else { Ok(()) }
}
