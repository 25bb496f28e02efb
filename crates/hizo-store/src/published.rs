//! Published files: what anyone may read, under paths that say what they are. Whole under its name, or not there.
//!
//! See docs/spec/store.md, section "Published files".

use std::collections::BTreeSet;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::disk::{Disk, DiskFile, SystemDisk};

/// Length of a published file, at most, in bytes.
pub const PUBLISHED_BYTES_MAX: usize = 1 << 20;

/// Files that this process was about to name: several threads may each have opened the same folder.
static TEMPORARIES: AtomicU64 = AtomicU64::new(0);

/// Why a file was not published, or cannot be told.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The disk refused.
    #[error("the disk could not {act}")]
    Disk {
        /// What was asked.
        act: &'static str,
        /// The system's own answer.
        source: io::Error,
    },
    /// Longer than [`PUBLISHED_BYTES_MAX`], or a path that leads elsewhere.
    #[error("{rule}")]
    Refused {
        /// The rule.
        rule: &'static str,
    },
}

/// Files in a folder, published one at a time.
///
/// Guarantees:
/// - Durable on return, and all or nothing: a reader, and whoever comes after a power cut, finds the whole file that was
///   published last under its path, or the one before it, or none.
/// - In order: a file that was published is durable before the next one begins.
/// - Safe to repeat.
pub struct PublishedFiles<D: Disk = SystemDisk> {
    disk: D,
    root: PathBuf,
    /// Folders whose own name this process knows to be durable.
    settled: Mutex<BTreeSet<PathBuf>>,
}

impl<D: Disk> PublishedFiles<D> {
    /// Files below this folder, which is made if it is missing; the folder that holds it must exist.
    ///
    /// # Errors
    /// [`Error::Disk`].
    pub fn open(disk: D, root: &Path) -> Result<Self, Error> {
        let files = Self { disk, root: root.to_path_buf(), settled: Mutex::default() };
        files.settle(root)?;
        Ok(files)
    }

    /// Publishes a file, in place of one that has this path.
    ///
    /// # Errors
    /// [`Error::Refused`], and [`Error::Disk`]: the path then has what it had before, or the whole new file.
    pub fn publish(&self, path: &str, bytes: &[u8]) -> Result<(), Error> {
        if bytes.len() > PUBLISHED_BYTES_MAX {
            return Err(Error::Refused { rule: "a published file is not longer than 1 MiB" });
        }
        let path = self.root.join(checked(path)?);
        let folder = path.parent().unwrap_or(&self.root);
        self.settle_below(folder)?;
        let number = TEMPORARIES.fetch_add(1, Ordering::Relaxed);
        let temporary = folder.join(format!(".{}-{number}.new", std::process::id()));
        // A process of this number may have died before it gave its file a name.
        let _ = self.disk.remove(&temporary);
        let written = self
            .write(&temporary, bytes)
            .and_then(|()| self.disk.rename(&temporary, &path).map_err(failed("name a published file")));
        if written.is_err() {
            let _ = self.disk.remove(&temporary);
        }
        written?;
        self.disk.sync_dir(folder).map_err(failed("make a published file's name durable"))
    }

    /// Takes every file of a folder away, and the folder itself, for which nothing more must be published. A power cut may
    /// bring some of it back, and who reads at the same time may find some of it. What is not there is passed over.
    ///
    /// # Errors
    /// [`Error::Refused`], [`Error::Disk`].
    pub fn withdraw_folder(&self, path: &str) -> Result<(), Error> {
        let folder = self.root.join(checked(path)?);
        let gone = |outcome: io::Result<()>| match outcome {
            Err(source) if source.kind() != io::ErrorKind::NotFound => {
                Err(Error::Disk { act: "take a published file away", source })
            }
            Ok(()) | Err(_) => Ok(()),
        };
        let names = match self.disk.list(&folder) {
            Err(source) if source.kind() == io::ErrorKind::NotFound => return Ok(()),
            names => names.map_err(failed("list published files"))?,
        };
        for name in names {
            gone(self.disk.remove(&folder.join(name)))?;
        }
        self.settled.lock().unwrap_or_else(PoisonError::into_inner).remove(&folder);
        gone(self.disk.remove_dir(&folder))
    }

    /// Every path at which something is published, in ascending order within a folder; `take` is given one after the other.
    /// What is published or withdrawn meanwhile may be among them or not.
    ///
    /// # Errors
    /// [`Error::Disk`], and what `take` fails with.
    pub fn each<E: From<Error>>(&self, take: &mut dyn FnMut(&str) -> Result<(), E>) -> Result<(), E> {
        self.each_below("", take)
    }

    fn each_below<E: From<Error>>(&self, path: &str, take: &mut dyn FnMut(&str) -> Result<(), E>) -> Result<(), E> {
        let mut names = match self.disk.list(&self.root.join(path)) {
            Ok(names) => names,
            // A folder that was withdrawn, or a file: what is neither will not be read either.
            Err(_) if !path.is_empty() => return take(path),
            Err(source) => return Err(Error::Disk { act: "list published files", source }.into()),
        };
        names.sort_unstable();
        for name in names {
            let path = if path.is_empty() { name } else { format!("{path}/{name}") };
            if checked(&path).is_ok() {
                self.each_below(&path, take)?;
            }
        }
        Ok(())
    }

    /// The bytes of a published file; `None` when nothing has this path.
    ///
    /// # Errors
    /// [`Error::Refused`] for a file that is too long to be one of ours; [`Error::Disk`].
    pub fn read(&self, path: &str) -> Result<Option<Vec<u8>>, Error> {
        let file = match self.disk.open(&self.root.join(checked(path)?)) {
            Ok(file) => file,
            Err(source) if source.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(Error::Disk { act: "open a published file", source }),
        };
        let mut bytes = Vec::new();
        let limit = PUBLISHED_BYTES_MAX as u64 + 1;
        file.take(limit).read_to_end(&mut bytes).map_err(failed("read a published file"))?;
        if bytes.len() > PUBLISHED_BYTES_MAX {
            return Err(Error::Refused { rule: "a published file is not longer than 1 MiB" });
        }
        Ok(Some(bytes))
    }

    fn write(&self, path: &Path, bytes: &[u8]) -> Result<(), Error> {
        let mut file = self.disk.create(path).map_err(failed("make a published file"))?;
        file.write_all(bytes).map_err(failed("write a published file"))?;
        file.sync().map_err(failed("make a published file durable"))
    }

    fn settle_below(&self, folder: &Path) -> Result<(), Error> {
        let below = folder.strip_prefix(&self.root).unwrap_or(Path::new(""));
        let mut step = self.root.clone();
        for part in below {
            step.push(part);
            self.settle(&step)?;
        }
        Ok(())
    }

    /// Makes sure that a folder is there and its name durable: whoever made it may have died before the sync.
    fn settle(&self, folder: &Path) -> Result<(), Error> {
        let settled = |folders: &Mutex<BTreeSet<PathBuf>>| {
            folders.lock().unwrap_or_else(PoisonError::into_inner).contains(folder)
        };
        if settled(&self.settled) {
            return Ok(());
        }
        match self.disk.create_dir(folder) {
            Err(source) if source.kind() != io::ErrorKind::AlreadyExists => {
                return Err(Error::Disk { act: "make a folder for published files", source });
            }
            Ok(()) | Err(_) => {}
        }
        if let Some(parent) = folder.parent() {
            // A folder named without its parent lies in the present one.
            let parent = if parent.as_os_str().is_empty() { Path::new(".") } else { parent };
            self.disk.sync_dir(parent).map_err(failed("make a folder for published files durable"))?;
        }
        self.settled.lock().unwrap_or_else(PoisonError::into_inner).insert(folder.to_path_buf());
        Ok(())
    }
}

/// Parts of letters, digits, dots, hyphens and low lines, joined by `/`: nothing that leads out, and no name of a temporary file.
fn checked(path: &str) -> Result<&str, Error> {
    let part = |part: &str| {
        !part.is_empty()
            && !part.starts_with('.')
            && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_".contains(&byte))
    };
    if path.split('/').all(part) { Ok(path) } else { Err(Error::Refused { rule: "a published path has plain parts" }) }
}

fn failed(act: &'static str) -> impl FnOnce(io::Error) -> Error {
    move |source| Error::Disk { act, source }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulated::{SimulatedDisk, Turns};

    fn files() -> (SimulatedDisk, PublishedFiles<SimulatedDisk>) {
        let disk = SimulatedDisk::new(512);
        let files = PublishedFiles::open(disk.clone(), Path::new("/log")).unwrap();
        (disk, files)
    }

    #[test]
    fn what_was_published_is_read_and_replaced_whole() {
        let (_, files) = files();
        assert_eq!(files.read("tile/0/000").unwrap(), None);
        files.publish("tile/0/000", b"one").unwrap();
        files.publish("tile/0/000.p/3", b"part").unwrap();
        files.publish("checkpoint", b"first").unwrap();
        files.publish("checkpoint", b"second").unwrap();
        assert_eq!(files.read("tile/0/000").unwrap().as_deref(), Some(b"one".as_slice()));
        assert_eq!(files.read("checkpoint").unwrap().as_deref(), Some(b"second".as_slice()));
    }

    #[test]
    fn two_that_publish_into_one_folder_at_once_have_each_their_own_file() {
        for seed in 0..50 {
            let (disk, turns) = (SimulatedDisk::new(512), Turns::new(2, seed));
            std::thread::scope(|scope| {
                for (thread, path) in ["scrub", "sweep"].into_iter().enumerate() {
                    let (disk, turns) = (disk.in_turn(&turns, thread), &turns);
                    scope.spawn(move || {
                        let files = PublishedFiles::open(disk, Path::new("/keeper")).unwrap();
                        files.publish(path, path.as_bytes()).unwrap();
                        turns.leave(thread);
                    });
                }
            });
            let files = PublishedFiles::open(disk, Path::new("/keeper")).unwrap();
            for path in ["scrub", "sweep"] {
                assert_eq!(files.read(path).unwrap().as_deref(), Some(path.as_bytes()), "seed {seed}");
            }
        }
    }

    #[test]
    fn a_folder_is_withdrawn_with_all_that_is_in_it_and_may_be_withdrawn_again() {
        let (disk, files) = files();
        for path in ["tile/000.p/1", "tile/000.p/17", "tile/000", "tile/001.p/1"] {
            files.publish(path, path.as_bytes()).unwrap();
        }
        for _ in 0..2 {
            files.withdraw_folder("tile/000.p").unwrap();
            let mut left = disk.list(Path::new("/log/tile")).unwrap();
            left.sort();
            assert_eq!(left, ["000", "001.p"]);
        }
        assert_eq!(files.read("tile/000.p/17").unwrap(), None);
        assert_eq!(files.read("tile/001.p/1").unwrap().as_deref(), Some(b"tile/001.p/1".as_slice()));
        assert!(matches!(files.withdraw_folder("../log"), Err(Error::Refused { .. })));
    }

    #[test]
    fn no_path_leads_out_and_no_file_is_too_long() {
        let (_, files) = files();
        for path in ["", "/x", "../x", "a/../x", "a//x", ".hidden", "a/.x", "a\\x", "a b", "ä"] {
            assert!(matches!(files.publish(path, b""), Err(Error::Refused { .. })), "{path} was published");
            assert!(matches!(files.read(path), Err(Error::Refused { .. })), "{path} was read");
        }
        assert!(files.publish("long", &vec![0; PUBLISHED_BYTES_MAX + 1]).is_err());
    }
}
