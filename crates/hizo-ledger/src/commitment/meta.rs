//! What is committed of an entry's metadata.

use super::opening::Cursor;

/// Length of the committed metadata: type, size, mode, mtime, what stands for the link target.
pub const META_BYTES: usize = 1 + 8 + 4 + 8 + 32;

/// Permission bits, at most.
pub(super) const MODE_MAX: u32 = 0o7777;

/// The metadata that an entry is committed with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Meta {
    /// What the entry is.
    pub kind: MetaKind,
    /// Permission bits, at most 07777.
    pub mode: u32,
    /// Modification time in nanoseconds since 1970-01-01T00:00:00Z.
    pub mtime_ns: i64,
}

/// What the metadata says an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MetaKind {
    /// A file of this many bytes.
    File {
        /// Length of the plaintext in bytes.
        size: u64,
    },
    /// A further name of a file of this many bytes.
    HardLink {
        /// Length of that file in bytes.
        size: u64,
        /// What stands for that file's path: [`link_target`](super::link_target).
        target: [u8; 32],
    },
    /// A symbolic link.
    Symlink {
        /// What stands for where it points: [`link_target`](super::link_target).
        target: [u8; 32],
    },
    /// A directory.
    Directory,
}

impl MetaKind {
    /// Type byte, size and what stands for the link target. The type bytes are those of tar.
    const fn parts(self) -> (u8, u64, [u8; 32]) {
        const NO_TARGET: [u8; 32] = [0; 32];
        match self {
            Self::File { size } => (b'0', size, NO_TARGET),
            Self::HardLink { size, target } => (b'1', size, target),
            Self::Symlink { target } => (b'2', 0, target),
            Self::Directory => (b'5', 0, NO_TARGET),
        }
    }

    /// Length of its bytes; `None` for a kind without.
    pub const fn size(self) -> Option<u64> {
        match self {
            Self::File { size } | Self::HardLink { size, .. } => Some(size),
            Self::Symlink { .. } | Self::Directory => None,
        }
    }

    /// Whether an entry of this kind has bytes.
    pub const fn has_content(self) -> bool {
        matches!(self, Self::File { .. } | Self::HardLink { .. })
    }
}

impl Meta {
    /// The committed form: type, size, mode, mtime, what stands for the link target.
    pub fn to_bytes(&self) -> [u8; META_BYTES] {
        let (kind, size, target) = self.kind.parts();
        let mut bytes = [0; META_BYTES];
        let parts = [kind].into_iter().chain(size.to_be_bytes()).chain(self.mode.to_be_bytes());
        let parts = parts.chain(self.mtime_ns.to_be_bytes()).chain(target);
        bytes.iter_mut().zip(parts).for_each(|(byte, part)| *byte = part);
        bytes
    }

    /// Reads the committed form; `None` for anything that [`Meta::to_bytes`] does not write.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let mut cursor = Cursor::new(bytes);
        let [kind] = cursor.array()?;
        let size = u64::from_be_bytes(cursor.array()?);
        let mode = u32::from_be_bytes(cursor.array()?);
        let mtime_ns = i64::from_be_bytes(cursor.array()?);
        let target = cursor.array()?;
        let kind = match kind {
            b'0' => MetaKind::File { size },
            b'1' => MetaKind::HardLink { size, target },
            b'2' => MetaKind::Symlink { target },
            b'5' => MetaKind::Directory,
            _ => return None,
        };
        let meta = Self { kind, mode, mtime_ns };
        (mode <= MODE_MAX && meta.to_bytes() == bytes).then_some(meta)
    }
}
