//! Reading a published log: where it is published, or at an address.

use std::collections::{BTreeMap, BTreeSet};
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

use super::{ANSWERS, CHECKPOINT, Error, LISTED_MAX, damaged, stamped_folder, stamped_list, stamped_name, unread};
use crate::client::RemoteKeeper;
use crate::stamp::is_file_name;

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
        self.stamped_heads(size)?.iter().map(|name| self.stamped_head(size, name)).collect()
    }

    /// The head of so many leaves that has this name, and that is this log's own.
    pub(crate) fn stamped_head(&self, size: u64, name: &str) -> Result<Vec<u8>, Error> {
        let path = format!("stamps/{size}/{name}/{CHECKPOINT}");
        let head = self.files.read(&path)?.filter(|head| stamped_name(head) == name);
        let head = head.ok_or_else(|| damaged(&path))?;
        if self.own_head(&head)?.size == size { Ok(head) } else { Err(damaged(&path)) }
    }

    /// The names of those heads.
    pub(crate) fn stamped_heads(&self, size: u64) -> Result<BTreeSet<String>, Error> {
        let path = stamped_list(size);
        let heads = self.list(&path, |line| ObjectId::from_hex(line).ok().map(|_| line.to_owned()))?;
        Ok(heads.into_iter().collect())
    }

    /// The answers over a stamped head, by the names of their files.
    pub(super) fn answers(&self, size: u64, head: &str) -> Result<BTreeMap<String, ObjectId>, Error> {
        let answer = |line: &str| {
            let (answer, name) = line.split_once(' ')?;
            Some((name.to_owned(), ObjectId::from_hex(answer).ok()?)).filter(|(name, _)| is_file_name(name))
        };
        let answers = self.list(&format!("stamps/{size}/{head}/{ANSWERS}"), answer)?;
        Ok(answers.into_iter().collect())
    }

    /// A published list, a line each; nothing where there is none.
    fn list<T>(&self, path: &str, line: impl Fn(&str) -> Option<T>) -> Result<Vec<T>, Error> {
        let text = String::from_utf8(self.files.read(path)?.unwrap_or_default()).map_err(|_| damaged(path))?;
        let lines: Option<Vec<T>> = text.lines().take(LISTED_MAX + 1).map(line).collect();
        lines.filter(|lines| lines.len() <= LISTED_MAX).ok_or_else(|| damaged(path))
    }

    /// The revocation lists, as PEM, that were kept with this answer over this head.
    ///
    /// # Errors
    /// [`Error::Files`]; [`Error::Damaged`] when the head is none of this log's.
    pub fn revocation(&self, head: &[u8], answer: ObjectId) -> Result<Option<Vec<u8>>, Error> {
        let size = self.own_head(head)?.size;
        let answers = self.answers(size, &stamped_name(head))?;
        let Some((name, _)) = answers.iter().find(|(_, known)| **known == answer) else { return Ok(None) };
        self.files.read(&format!("{}/{name}.crl", stamped_folder(size, head)))
    }

    /// Every published file of the stamps over heads of this size, each with its path below the log's folder.
    ///
    /// # Errors
    /// [`Error::Files`]; [`Error::Damaged`] when one of them is missing, or is not what it is called.
    pub fn stamps_over(&self, size: u64) -> Result<Vec<(String, Vec<u8>)>, Error> {
        let list = stamped_list(size);
        let names = self.files.read(&list)?.ok_or_else(|| damaged(&list))?;
        let mut found = vec![(list, names)];
        for head in self.stamped(size)? {
            let folder = stamped_folder(size, &head);
            for (name, answer) in self.answers(size, &stamped_name(&head))? {
                let path = format!("{folder}/{name}.tsr");
                let bytes = self.files.read(&path)?.filter(|bytes| ObjectId::of(bytes) == answer);
                found.push((path.clone(), bytes.ok_or_else(|| damaged(&path))?));
                let path = format!("{folder}/{name}.crl");
                found.extend(self.files.read(&path)?.map(|lists| (path, lists)));
            }
            // Absent where a keeper was cut short before its first answer.
            let list = format!("{folder}/{ANSWERS}");
            found.extend(self.files.read(&list)?.map(|names| (list, names)));
            found.push((format!("{folder}/{CHECKPOINT}"), head));
        }
        Ok(found)
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
    pub(crate) fn published(&self) -> Result<Option<LogHead>, Error> {
        self.checkpoint()?.map(|note| self.own_head(&note)).transpose()
    }

    /// What a checkpoint says, whose signature must be this log's own.
    pub(crate) fn own_head(&self, note: &[u8]) -> Result<LogHead, Error> {
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
    /// The files that are read.
    pub(crate) const fn files(&self) -> &PublishedFiles<D> {
        &self.files
    }

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
}
