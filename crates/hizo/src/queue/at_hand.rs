//! Small sealed objects that this machine has seen, for when the keeper cannot be reached.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use hizo_ledger::id::{ObjectId, SpaceId};
use hizo_store::NamedBytes;
use hizo_store::disk::SystemDisk;
use hizo_store::objects::{FileObjects, Objects as _};

use super::bytes_below;
use crate::system;

/// Longer ones are contents, and not kept here: those who deposit need the recipient, those who open the wraps and bodies.
const OBJECT_BYTES_MAX: usize = 64 << 10;
/// Bytes of all of them.
const BYTES_MAX: u64 = 64 << 20;

/// A copy of what the keeper holds and this machine has put or read, as far as it is small. Whoever reads it checks the hash.
pub(crate) struct AtHand {
    folder: PathBuf,
    objects: OnceLock<Option<FileObjects<SystemDisk>>>,
    bytes: AtomicU64,
}

impl AtHand {
    /// What lies at hand in a home folder.
    pub(crate) fn of(home: &Path) -> Self {
        Self { folder: home.join("at-hand"), objects: OnceLock::new(), bytes: AtomicU64::new(0) }
    }

    /// Nothing, and nothing is kept: where there is no home yet.
    pub(crate) fn nowhere() -> Self {
        Self { folder: PathBuf::new(), objects: OnceLock::from(None), bytes: AtomicU64::new(0) }
    }

    fn objects(&self) -> Option<&FileObjects<SystemDisk>> {
        let open = || {
            system::create_private_directory(&self.folder).ok()?;
            self.bytes.store(bytes_below(&self.folder).ok()?, Ordering::Relaxed);
            FileObjects::open(SystemDisk, &self.folder.join("objects")).ok()
        };
        self.objects.get_or_init(open).as_ref()
    }

    /// Keeps a copy, if it is small and there is room. Without one, less is at hand when the keeper is not.
    pub(crate) fn keep(&self, space: SpaceId, id: ObjectId, bytes: &[u8]) {
        let length = bytes.len() as u64;
        if bytes.len() > OBJECT_BYTES_MAX {
            return;
        }
        let Some(objects) = self.objects() else { return };
        let is_new = matches!(objects.stat(space, id), Ok(None));
        if is_new
            && self.bytes.fetch_add(length, Ordering::Relaxed) + length <= BYTES_MAX
            && let Ok(object) = NamedBytes::claimed(id, bytes.to_vec())
        {
            let _ = objects.put(space, &object);
        }
    }

    /// The copy, if there is one.
    pub(crate) fn get(&self, space: SpaceId, id: ObjectId) -> Option<Vec<u8>> {
        if !self.folder.exists() {
            return None;
        }
        self.objects()?.get(space, id).ok().flatten()
    }
}
