//! Objects: immutable bytes under the name of their hash, durable before anybody is told so.
//!
//! Nothing here knows what an object holds. See docs/spec/store.md, section "Objects".

use std::io;
use std::time::SystemTime;

use hizo_ledger::id::{ObjectId, SpaceId};
use hizo_ledger::object::OBJECT_BYTES_MAX;

mod files;
pub use files::{ArrivingFile, FileObjects, TEMPORARY_AGE_MIN, object_file};

/// Why an object could not be put, read or listed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The bytes hash to another id than the one they were handed over with.
    #[error("the bytes do not match object id {id}")]
    WrongName {
        /// The id that was claimed.
        id: ObjectId,
    },
    /// An object is never empty and never longer than a full pack.
    #[error("an object has 1 to {OBJECT_BYTES_MAX} bytes, not {bytes}")]
    Size {
        /// How many bytes were offered.
        bytes: u64,
    },
    /// What lies under this name cannot be the object: its length is outside the limits.
    #[error("object {id} is damaged at rest")]
    Damaged {
        /// The name under which it lies.
        id: ObjectId,
    },
    /// The disk refused. Nothing that it refused counts as done.
    #[error("the disk could not {act}")]
    Disk {
        /// What was asked of it.
        act: &'static str,
        /// The system's own answer.
        source: io::Error,
    },
}

impl Error {
    /// Whether the disk is full, or a quota of the system is, or a file may not grow: the caller can say so and try later.
    pub fn is_full(&self) -> bool {
        matches!(self, Self::Disk { source, .. }
            if matches!(source.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge))
    }
}

/// Bytes together with their SHA-256, hashed once. There is no other way to hand an object over.
pub struct NamedBytes {
    id: ObjectId,
    bytes: Vec<u8>,
}

impl NamedBytes {
    /// Names bytes by hashing them: for whoever has just made them.
    ///
    /// # Errors
    /// [`Error::Size`] when they are empty or longer than 16 MiB.
    pub fn name(bytes: Vec<u8>) -> Result<Self, Error> {
        let length = length(&bytes);
        if length == 0 || length > OBJECT_BYTES_MAX {
            return Err(Error::Size { bytes: length });
        }
        Ok(Self { id: ObjectId::of(&bytes), bytes })
    }

    /// Takes bytes that somebody else has named.
    ///
    /// # Errors
    /// [`Error::Size`] as [`NamedBytes::name`], [`Error::WrongName`] when the hash differs.
    pub fn claimed(id: ObjectId, bytes: Vec<u8>) -> Result<Self, Error> {
        let named = Self::name(bytes)?;
        if named.id != id {
            return Err(Error::WrongName { id });
        }
        Ok(named)
    }

    /// SHA-256 of the bytes.
    pub const fn id(&self) -> ObjectId {
        self.id
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Length in bytes, 1 to 16 MiB.
    pub fn length(&self) -> u64 {
        length(&self.bytes)
    }

    /// The bytes, to go on working with them.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}

impl std::fmt::Debug for NamedBytes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "NamedBytes({}, {} bytes)", self.id, self.bytes.len())
    }
}

fn length(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}

/// What a put found. All three mean the same promise: the object is here, whole and durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Put {
    /// It was not here before.
    New,
    /// It was here with the same bytes; its `last_put` is renewed.
    Present,
    /// Other bytes lay under its name, or could not be read: they were replaced by the right ones.
    Mended,
}

/// Most objects that [`Objects::confirm`] finds absent before it looks for no more.
pub const ABSENT_MAX: usize = 1_000;

/// What the store knows of an object without reading it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ObjectStat {
    /// Length in bytes.
    pub bytes: u64,
    /// When it was last put, also when it had been present.
    pub last_put: SystemTime,
}

/// An object whose bytes come piece by piece, so that nobody has to hold all of them. Nothing is under its name before
/// [`Objects::take`]; what is dropped before that is gone.
pub trait Arriving: Send {
    /// Takes the next bytes.
    ///
    /// # Errors
    /// [`Error::Size`] when they are more than an object may have, [`Error::Disk`]. Nothing more can come of it then.
    fn write(&mut self, piece: &[u8]) -> Result<(), Error>;
}

/// Immutable objects, one namespace a space, named by the SHA-256 of their bytes.
///
/// Guarantees that every back end keeps, and [`crate::conformance`] tests:
/// - Put-if-absent: whoever puts, and however many at once, one whole object is there afterwards. Any number of
///   threads and processes may use one store.
/// - Durable on return: a put that returned outlives a power cut the moment after. A put that failed promises nothing,
///   and leaves under the object's name either nothing or the whole object.
/// - Never wrong under its name: no crash and no full disk leaves other or fewer bytes under an object's name.
/// - Safe to repeat: putting again changes nothing but `last_put`, and mends an object that the disk has damaged.
/// - What was removed can be put again, and is as durable then as anything else.
pub trait Objects: Send + Sync {
    /// An object that is coming in.
    type Arriving: Arriving;

    /// Makes the object durable, or makes sure that it is.
    ///
    /// # Errors
    /// [`Error::Disk`] when the disk refused.
    fn put(&self, space: SpaceId, object: &NamedBytes) -> Result<Put, Error>;

    /// Begins to take in an object that somebody else has named.
    ///
    /// # Errors
    /// [`Error::Disk`] when the disk refused.
    fn receive(&self, space: SpaceId, id: ObjectId) -> Result<Self::Arriving, Error>;

    /// Makes an object that has come in whole durable, as [`Objects::put`] does.
    ///
    /// # Errors
    /// [`Error::WrongName`] when its bytes have another hash, [`Error::Size`] when there are none: nothing is left of them.
    /// [`Error::Disk`] when the disk refused.
    fn take(&self, arrived: Self::Arriving) -> Result<Put, Error>;

    /// At most `limit` bytes of an object from this place on, as [`Objects::get`] gives them; `None` when nothing has this
    /// name. None from its end on.
    ///
    /// # Errors
    /// [`Error::Disk`] when the disk refused.
    fn part(&self, space: SpaceId, id: ObjectId, place: u64, limit: usize) -> Result<Option<Vec<u8>>, Error>;

    /// The bytes under this name as the disk gives them, or `None`. Their hash is for the reader to check, who must
    /// not trust this side anyway.
    ///
    /// # Errors
    /// [`Error::Damaged`] when the length cannot be an object's, [`Error::Disk`] when the disk refused.
    fn get(&self, space: SpaceId, id: ObjectId) -> Result<Option<Vec<u8>>, Error>;

    /// Length and `last_put`, or `None` when nothing has this name.
    ///
    /// # Errors
    /// [`Error::Disk`] when the disk refused.
    fn stat(&self, space: SpaceId, id: ObjectId) -> Result<Option<ObjectStat>, Error>;

    /// The lengths of these objects in the same order, `None` for one that is not here; those that are here are
    /// durable on return, even if another process put them and died before it could say so. The answer ends with the
    /// [`ABSENT_MAX`]th that is not here: nobody looks for the rest.
    ///
    /// # Errors
    /// [`Error::Disk`] when the disk refused.
    fn confirm(&self, space: SpaceId, ids: &[ObjectId]) -> Result<Vec<Option<u64>>, Error>;

    /// At most `limit` ids of a space in ascending order, from the first one above `after`. Shorter than `limit`
    /// means that it was the last page.
    ///
    /// # Errors
    /// [`Error::Disk`] when the disk refused.
    fn list(&self, space: SpaceId, after: Option<ObjectId>, limit: usize) -> Result<Vec<ObjectId>, Error>;

    /// Every space into which something was put, in ascending order, whether anything is left there or not.
    ///
    /// # Errors
    /// [`Error::Disk`] when the disk refused.
    fn spaces(&self) -> Result<Vec<SpaceId>, Error>;

    /// Takes an object away; whether it was there. Nothing makes that durable: a power cut may bring it back. Only
    /// [`crate::Journal::expire`] says when nobody can be about to name it.
    ///
    /// # Errors
    /// [`Error::Disk`] when the disk refused.
    fn remove(&self, space: SpaceId, id: ObjectId) -> Result<bool, Error>;
}
