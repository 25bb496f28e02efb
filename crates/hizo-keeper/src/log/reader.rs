//! Reading a published log: where it is published, or at an address.

use std::collections::BTreeSet;
use std::io;

use hizo_ledger::id::{NodeHash, ObjectId};
use hizo_ledger::log::checkpoint::UnverifiedCheckpoint;
use hizo_ledger::log::note::NamedKey;
use hizo_ledger::log::proof::InclusionProof;
use hizo_ledger::log::tile::{Tile, Tiles};
use hizo_ledger::log::tree;
use hizo_store::disk::Disk;
use hizo_store::journal::LogHead;
use hizo_store::published::{self, PublishedFiles};

use super::{CHECKPOINT, Error, HEADS, damaged, stamped_folder, stamped_list, stamped_name, unread};
use crate::client::RemoteKeeper;

/// Where the files of a published log are.
pub trait LogFiles {
    /// A file by its path below the log; `None` when it is not there.
    ///
    /// # Errors
    /// [`Error::Files`] or [`Error::Elsewhere`].
    fn read(&self, path: &str) -> Result<Option<Vec<u8>>, Error>;
}

impl<D: Disk> LogFiles for PublishedFiles<D> {
    fn read(&self, path: &str) -> Result<Option<Vec<u8>>, Error> {
        Ok(Self::read(self, path)?)
    }
}

impl LogFiles for RemoteKeeper {
    fn read(&self, path: &str) -> Result<Option<Vec<u8>>, Error> {
        self.published(path).map_err(|error| Error::Elsewhere(Box::new(error)))
    }
}

impl<F: LogFiles> LogFiles for LogReader<F> {
    fn read(&self, path: &str) -> Result<Option<Vec<u8>>, Error> {
        self.files.read(path)
    }
}

impl<F: LogFiles + ?Sized> LogFiles for std::sync::Arc<F> {
    fn read(&self, path: &str) -> Result<Option<Vec<u8>>, Error> {
        (**self).read(path)
    }
}

/// The log of one keeper, as whoever reads it finds it. Its files may be anybody's word: what a head does not prove is not
/// handed on.
pub struct LogReader<F> {
    pub(super) files: F,
    key: NamedKey,
}

impl<F: LogFiles> LogReader<F> {
    /// The log whose files are here and whose heads this key signs; its name is the log's origin.
    pub const fn new(files: F, key: NamedKey) -> Self {
        Self { files, key }
    }

    /// The key that signs its heads.
    pub const fn key(&self) -> &NamedKey {
        &self.key
    }

    /// The newest published checkpoint note; `None` before the first.
    ///
    /// # Errors
    /// [`Error::Files`].
    pub fn checkpoint(&self) -> Result<Option<Vec<u8>>, Error> {
        self.files.read(CHECKPOINT)
    }

    /// A tile or a bundle, as it was published.
    ///
    /// # Errors
    /// [`Error::Files`].
    pub fn tile(&self, tile: Tile) -> Result<Option<Vec<u8>>, Error> {
        self.files.read(&tile.path())
    }

    /// The heads of so many leaves as they were stamped, byte for byte: more than one if a published head was lost and signed
    /// again.
    ///
    /// # Errors
    /// [`Error::Files`]; [`Error::Damaged`] when one of them is not what it is called.
    pub fn stamped(&self, size: u64) -> Result<Vec<Vec<u8>>, Error> {
        let mut heads = Vec::new();
        for name in self.stamped_heads(size)? {
            let path = format!("stamps/{size}/{name}/{CHECKPOINT}");
            let head = self.files.read(&path)?.filter(|head| stamped_name(head) == name);
            heads.push(head.ok_or_else(|| damaged(&path))?);
        }
        Ok(heads)
    }

    /// The names of those heads.
    pub(super) fn stamped_heads(&self, size: u64) -> Result<BTreeSet<String>, Error> {
        let path = stamped_list(size);
        let list = String::from_utf8(self.files.read(&path)?.unwrap_or_default()).map_err(|_| damaged(&path))?;
        let is_name = |line: &str| ObjectId::from_hex(line).is_ok();
        if list.lines().all(is_name) { Ok(list.lines().map(str::to_owned).collect()) } else { Err(damaged(&path)) }
    }

    /// The revocation lists, as PEM, that were kept with an authority's answer over this head.
    ///
    /// # Errors
    /// [`Error::Files`]; [`Error::Damaged`] when the head is none of this log's.
    pub fn revocation(&self, head: &[u8], authority: &str) -> Result<Option<Vec<u8>>, Error> {
        let folder = stamped_folder(self.own_head(head)?.size, head);
        self.files.read(&format!("{folder}/{authority}.crl"))
    }

    /// A proof that the leaf at `index` stands in the published log.
    ///
    /// # Errors
    /// [`Error::NoLeaf`]; [`Error::Damaged`] when a file that it needs is not there.
    pub fn prove(&self, index: u64) -> Result<InclusionProof, Error> {
        self.prove_under(index, self.checkpoint()?.ok_or(Error::NoLeaf { index })?)
    }

    /// A proof that the leaf at `index` stands under this head, which was published once.
    ///
    /// # Errors
    /// As [`LogReader::prove`].
    pub fn prove_under(&self, index: u64, checkpoint: Vec<u8>) -> Result<InclusionProof, Error> {
        let size = self.own_head(&checkpoint)?.size;
        let path = tree::inclusion_path(&mut self.tiles(size), index, size).map_err(unread)?;
        let path = path.ok_or(Error::NoLeaf { index })?;
        Ok(InclusionProof { index, path, checkpoint })
    }

    /// The path from an earlier size of the log to one that was published; `None` where there is none.
    ///
    /// # Errors
    /// [`Error::Damaged`].
    pub fn consistency(&self, earlier: u64, size: u64) -> Result<Option<Vec<NodeHash>>, Error> {
        tree::consistency_path(&mut self.tiles(size), earlier, size).map_err(unread)
    }

    /// The head of the published checkpoint, whose signature must be this log's own.
    pub(super) fn published(&self) -> Result<Option<LogHead>, Error> {
        self.checkpoint()?.map(|note| self.own_head(&note)).transpose()
    }

    /// What a checkpoint says, whose signature must be this log's own.
    pub(super) fn own_head(&self, note: &[u8]) -> Result<LogHead, Error> {
        let read = UnverifiedCheckpoint::parse(note).map_err(|_| damaged(CHECKPOINT))?;
        let own = read.claimed().origin.as_str() == self.key.name()
            && read.signed_by(&self.key).is_ok_and(|time| time.is_some());
        if !own {
            return Err(damaged(CHECKPOINT));
        }
        Ok(LogHead { size: read.claimed().size, root: read.claimed().root })
    }

    pub(super) fn tiles(&self, size: u64) -> Tiles<impl FnMut(Tile) -> Result<Vec<u8>, Error>> {
        Tiles::new(size, |tile| self.must_read(tile))
    }

    /// A tile that the tree has. The full tile stands for a partial one that has been taken away meanwhile.
    pub(super) fn must_read(&self, tile: Tile) -> Result<Vec<u8>, Error> {
        if let Some(bytes) = self.files.read(&tile.path())? {
            return Ok(bytes);
        }
        let full = self.files.read(&tile.full().path())?.filter(|full| full.len() == tile.full().bytes());
        let mut bytes = full.ok_or_else(|| damaged(&tile.path()))?;
        bytes.truncate(tile.bytes());
        Ok(bytes)
    }
}

impl<D: Disk> LogReader<PublishedFiles<D>> {
    /// A published file by its path below the log's folder; `None` when nothing is published there.
    ///
    /// # Errors
    /// [`Error::Files`].
    pub fn file(&self, path: &str) -> Result<Option<Vec<u8>>, Error> {
        match self.files.read(path) {
            // No path of ours, or a folder.
            Err(published::Error::Refused { .. }) => Ok(None),
            Err(published::Error::Disk { source, .. }) if source.kind() == io::ErrorKind::IsADirectory => Ok(None),
            other => Ok(other?),
        }
    }

    /// Every stamp that is kept, each with its path below the log's folder.
    ///
    /// # Errors
    /// [`Error::Files`], [`Error::Damaged`].
    pub fn stamps(&self) -> Result<Vec<(String, Vec<u8>)>, Error> {
        let mut found = Vec::new();
        for size in self.files.list("stamps")? {
            for head in self.files.list(&format!("stamps/{size}"))? {
                let place = format!("stamps/{size}/{head}");
                let names = match head.as_str() {
                    HEADS => vec![place],
                    name if ObjectId::from_hex(name).is_ok() => self.beneath(&place)?,
                    // Whatever else lies there is no head.
                    _ => Vec::new(),
                };
                for path in names {
                    let bytes = self.files.read(&path)?.ok_or_else(|| damaged(&path))?;
                    found.push((path, bytes));
                }
            }
        }
        Ok(found)
    }

    fn beneath(&self, folder: &str) -> Result<Vec<String>, Error> {
        let names = self.files.list(folder)?;
        Ok(names.into_iter().map(|name| format!("{folder}/{name}")).collect())
    }
}
