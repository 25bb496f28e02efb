//! Directories of organisations that a keeper hands out: each as it was published, and the proof that it is logged.
//!
//! See docs/spec/directory.md, section "Handing out, and hearing of the next one". Whose they are, and whether they count, is for whoever
//! reads them.

use std::path::Path;

use hizo_ledger::directory::Directory;
use hizo_ledger::id::KeyName;
use hizo_ledger::identity::VerifyingKey;
use hizo_store::disk::SystemDisk;
use hizo_store::published::{self, PublishedFiles};

use crate::{Error, log};

const FOLDER: &str = "directories";
const PROOF_SUFFIX: &str = ".proof";

/// The directories in a keeper's folder.
pub struct Directories {
    files: PublishedFiles<SystemDisk>,
}

impl Directories {
    /// Those of the keeper in this folder; none at first.
    ///
    /// # Errors
    /// The disk's.
    pub fn open(data: &Path) -> Result<Self, Error> {
        let files = PublishedFiles::open(SystemDisk, &data.join(FOLDER)).map_err(log::Error::from)?;
        Ok(Self { files })
    }

    /// The newest directory of a publisher that lies here, and its note.
    ///
    /// # Errors
    /// The disk's; [`Error::Directory`] when what lies here is none, or another publisher's.
    pub fn newest(&self, publisher: &VerifyingKey) -> Result<Option<(Directory, Vec<u8>)>, Error> {
        let folder = format!("{}/", publisher.name());
        let mut newest = None;
        self.files
            .each(&mut |path| {
                newest = newest.max(path.strip_prefix(&folder).and_then(number));
                Ok::<_, published::Error>(())
            })
            .map_err(log::Error::from)?;
        let Some(newest) = newest else { return Ok(None) };
        let note = self.read(&note_path(publisher.name(), newest))?.ok_or(Error::Directory)?;
        let directory = Directory::verify(&note).map_err(|_| Error::Directory)?;
        if directory.publisher != *publisher || directory.serial != newest {
            return Err(Error::Directory);
        }
        Ok(Some((directory, note)))
    }

    /// Lays a directory down with its proof, which has a place before the note is seen.
    ///
    /// # Errors
    /// The disk's, also when one of them is longer than a published file is; what lay here is unchanged then, but for the proof.
    pub fn lay_down(&self, directory: &Directory, note: &[u8], proof: &[u8]) -> Result<(), Error> {
        let (publisher, serial) = (directory.publisher.name(), directory.serial);
        self.files.publish(&proof_path(publisher, serial), proof).map_err(log::Error::from)?;
        self.files.publish(&note_path(publisher, serial), note).map_err(log::Error::from)?;
        Ok(())
    }

    /// What lies under this path: `<publisher>/<serial>`, or the same with `.proof`.
    ///
    /// # Errors
    /// The disk's.
    pub fn file(&self, path: &str) -> Result<Option<Vec<u8>>, Error> {
        let named = path.split_once('/').filter(|(folder, _)| KeyName::from_hex(folder).is_ok());
        let is_ours = named.is_some_and(|(_, name)| number(name.strip_suffix(PROOF_SUFFIX).unwrap_or(name)).is_some());
        if is_ours { self.read(path) } else { Ok(None) }
    }

    /// Brings those that are not in a second folder there, each behind its proof, and proofs that are others there.
    ///
    /// # Errors
    /// The disk's. What was brought stays.
    pub(crate) fn copy_to(&self, folder: &Path) -> Result<(), Error> {
        let mut paths = Vec::new();
        self.files
            .each(&mut |path| {
                paths.push(path.to_owned());
                Ok::<_, published::Error>(())
            })
            .map_err(log::Error::from)?;
        if paths.is_empty() {
            return Ok(());
        }
        paths.sort_by_key(|path| !is_proof(path));
        let there = Self::open(folder)?;
        for path in paths {
            if let Some(bytes) = self.file(&path)?
                && there.read(&path)?.as_ref() != Some(&bytes)
            {
                there.files.publish(&path, &bytes).map_err(log::Error::from)?;
            }
        }
        Ok(())
    }

    fn read(&self, path: &str) -> Result<Option<Vec<u8>>, Error> {
        Ok(self.files.read(path).map_err(log::Error::from)?)
    }
}

/// Whether a proof lies under this path, and no directory.
pub(crate) fn is_proof(path: &str) -> bool {
    path.ends_with(PROOF_SUFFIX)
}

/// Where a directory lies, below all of them.
pub(crate) fn note_path(publisher: KeyName, serial: u64) -> String {
    format!("{publisher}/{serial}")
}

/// Where its proof lies.
pub(crate) fn proof_path(publisher: KeyName, serial: u64) -> String {
    format!("{}{PROOF_SUFFIX}", note_path(publisher, serial))
}

fn number(name: &str) -> Option<u64> {
    name.parse::<u64>().ok().filter(|serial| *serial > 0 && serial.to_string() == name)
}
