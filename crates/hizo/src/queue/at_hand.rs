//! Small sealed objects that this machine has seen, for when the keeper cannot be reached.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use hizo_ledger::id::ObjectId;

use super::bytes_below;
use crate::entropy::random;
use crate::system;

/// Longer ones are contents, and not kept here: those who deposit need the recipient, those who open the wraps and bodies.
const OBJECT_BYTES_MAX: usize = 64 << 10;
/// Bytes of all of them.
const BYTES_MAX: u64 = 64 << 20;

/// A copy of what the keeper holds and this machine has put or read, as far as it is small: a file for each, under its id.
///
/// Nothing waits for the disk: what a power cut takes is asked for again.
pub(crate) struct AtHand {
    /// Nothing where there is no home yet, and nothing is kept.
    folder: Option<PathBuf>,
    /// Bytes of all copies; nothing where the folder cannot be made.
    bytes: OnceLock<Option<AtomicU64>>,
}

impl AtHand {
    /// What lies at hand in a home folder.
    pub(crate) fn of(home: &Path) -> Self {
        Self { folder: Some(home.join("at-hand")), bytes: OnceLock::new() }
    }

    /// Nothing, and nothing is kept: where there is no home yet.
    pub(crate) fn nowhere() -> Self {
        Self { folder: None, bytes: OnceLock::new() }
    }

    /// Keeps a copy, if it is small and there is room. Without one, less is at hand when the keeper is not.
    pub(crate) fn keep(&self, id: ObjectId, bytes: &[u8]) {
        let Some(folder) = self.folder.as_deref().filter(|_| bytes.len() <= OBJECT_BYTES_MAX) else { return };
        let open = || {
            system::create_private_directory(folder).ok()?;
            bytes_below(folder).ok().map(AtomicU64::new)
        };
        let Some(all) = self.bytes.get_or_init(open) else { return };
        let (path, length) = (folder.join(id.to_string()), bytes.len() as u64);
        if !path.exists() && all.fetch_add(length, Ordering::Relaxed) + length <= BYTES_MAX {
            let _ = lay(&path, bytes);
        }
    }

    /// The copy, if there is one: these bytes have this id.
    pub(crate) fn get(&self, id: ObjectId) -> Option<Vec<u8>> {
        let path = self.folder.as_ref()?.join(id.to_string());
        let bytes = fs::read(&path).ok()?;
        if ObjectId::of(&bytes) == id {
            return Some(bytes);
        }
        // The next one that the keeper gives takes its place.
        let _ = fs::remove_file(&path);
        None
    }
}

/// Lays a file whole or not at all, whoever else does.
fn lay(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let next = path.with_extension(format!("new{:016x}", u64::from_ne_bytes(random())));
    let laid =
        system::create_private(&next).and_then(|mut file| file.write_all(bytes)).and_then(|()| fs::rename(&next, path));
    laid.inspect_err(|_| drop(fs::remove_file(&next)))
}
