//! The disk as the store uses it: the few calls whose order decides what survives a power cut.
//!
//! This is the one module that differs from system to system. It decides nothing; [`crate::objects`] does.

use std::fs::{self, OpenOptions};
use std::io::{self, Read, Write};
use std::path::Path;
use std::time::SystemTime;

/// A disk: one method for each call to the system, so that a test can fail or forget any of them.
///
/// No call but [`DiskFile::sync`] and [`Disk::sync_dir`] promises to outlive a power cut.
pub trait Disk: Send + Sync {
    /// An open file.
    type File: DiskFile;

    /// A lock, held until it is dropped.
    type Lock;

    /// Makes a file that was not there, readable by its owner alone. `AlreadyExists` if it was.
    fn create(&self, path: &Path) -> io::Result<Self::File>;

    /// Opens a file to read it, to renew its time or to sync it.
    fn open(&self, path: &Path) -> io::Result<Self::File>;

    /// Gives a file another name, in this folder or another one, in one step for whoever looks. A file that had that name is
    /// gone. After a power cut each folder has its half of it or has not, until it is synced.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Takes a file's name away.
    fn remove(&self, path: &Path) -> io::Result<()>;

    /// Makes a folder, open to its owner alone. `AlreadyExists` if something has the name.
    fn create_dir(&self, path: &Path) -> io::Result<()>;

    /// Takes an empty folder's name away.
    fn remove_dir(&self, path: &Path) -> io::Result<()>;

    /// Makes every name in this folder durable, also those that are gone.
    fn sync_dir(&self, path: &Path) -> io::Result<()>;

    /// The names in a folder, in no order. Names that are not UTF-8 are left out: the store writes none.
    fn list(&self, path: &Path) -> io::Result<Vec<String>>;

    /// The time that [`DiskFile::renew`] would write now.
    fn now(&self) -> SystemTime;

    /// Holds the lock of this file, which is made if it is missing, once no other thread and no other process does.
    fn lock(&self, path: &Path) -> io::Result<Self::Lock>;
}

/// An open file of a [`Disk`].
pub trait DiskFile: Read + Write + Send {
    /// The next byte read is the one at this place.
    fn seek(&mut self, place: u64) -> io::Result<()>;

    /// Makes the file's bytes, length and time durable. After an error the bytes must be taken for lost.
    fn sync(&mut self) -> io::Result<()>;

    /// Length in bytes, and the time of the last write or renewal.
    fn stat(&self) -> io::Result<(u64, SystemTime)>;

    /// Sets the file's time to now.
    fn renew(&mut self) -> io::Result<()>;
}

/// The system's own disk.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemDisk;

impl Disk for SystemDisk {
    type File = fs::File;
    type Lock = fs::File;

    fn create(&self, path: &Path) -> io::Result<fs::File> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        options.open(path)
    }

    #[cfg(unix)]
    fn open(&self, path: &Path) -> io::Result<fs::File> {
        fs::File::open(path)
    }

    // Windows sets times and flushes only through a handle that may write.
    #[cfg(not(unix))]
    fn open(&self, path: &Path) -> io::Result<fs::File> {
        OpenOptions::new().read(true).write(true).open(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn create_dir(&self, path: &Path) -> io::Result<()> {
        let mut builder = fs::DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(path)
    }

    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        fs::remove_dir(path)
    }

    #[cfg(unix)]
    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        fs::File::open(path)?.sync_all()
    }

    // Windows gives no way to flush a folder; NTFS writes names through its own log.
    #[cfg(not(unix))]
    fn sync_dir(&self, _path: &Path) -> io::Result<()> {
        Ok(())
    }

    fn list(&self, path: &Path) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(path)? {
            names.extend(entry?.file_name().into_string());
        }
        Ok(names)
    }

    fn now(&self) -> SystemTime {
        SystemTime::now()
    }

    fn lock(&self, path: &Path) -> io::Result<fs::File> {
        let file = open_lock(path)?;
        file.lock()?;
        Ok(file)
    }
}

/// A file that serves as a lock, made if it is not there yet; only its owner may open it.
///
/// # Errors
/// The disk's.
pub fn open_lock(path: &Path) -> io::Result<fs::File> {
    let mut options = OpenOptions::new();
    options.create(true).truncate(false).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

impl DiskFile for fs::File {
    fn seek(&mut self, place: u64) -> io::Result<()> {
        io::Seek::seek(self, io::SeekFrom::Start(place)).map(|_| ())
    }

    fn sync(&mut self) -> io::Result<()> {
        self.sync_all()
    }

    fn stat(&self) -> io::Result<(u64, SystemTime)> {
        let metadata = self.metadata()?;
        Ok((metadata.len(), metadata.modified()?))
    }

    fn renew(&mut self) -> io::Result<()> {
        self.set_modified(SystemTime::now())
    }
}
