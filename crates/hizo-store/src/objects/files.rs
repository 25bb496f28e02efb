//! Objects as files: `objects/<space>/<first digit>/<id>`, and below `objects/arriving` while they come in.

use std::collections::BTreeSet;
use std::io::{self, Read, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hizo_ledger::id::{ObjectId, SpaceId};
use hizo_ledger::object::OBJECT_BYTES_MAX;
use sha2::{Digest as _, Sha256};

use super::{ABSENT_MAX, Arriving, Error, NamedBytes, ObjectStat, Objects, Put};
use crate::disk::{Disk, DiskFile, SystemDisk};

/// A temporary file younger than this may belong to a put that is still under way.
pub const TEMPORARY_AGE_MIN: Duration = Duration::from_secs(24 * 60 * 60);

/// How a temporary file's name ends; an object's name has no dot.
const TEMPORARY_SUFFIX: &str = ".new";

/// Where objects come in piece by piece. No space's folder is made before something of it is whole.
const ARRIVING: &str = "arriving";

/// How many names in use a put steps over.
const TEMPORARY_TRIES_MAX: u32 = 1_000;

/// How much of a present object is compared at a time.
const COMPARE_BYTES: usize = 1 << 16;

/// How much is written at a time. A write of a whole pack makes Linux take memory in pieces so large that writing and
/// syncing it costs six times the processor time (measured on ext4, 6.18).
const WRITE_BYTES: usize = 1 << 20;

/// Most puts remembered between a put and the append that names it. Forgetting costs a sync, never a promise.
const ACKNOWLEDGED_MAX: usize = 1 << 16;

/// Objects in a folder of a disk.
pub struct FileObjects<D: Disk = SystemDisk> {
    disk: D,
    root: PathBuf,
    temporaries: AtomicU64,
    /// Folders whose own name this process knows to be durable. A name that another process made may not be.
    settled: Mutex<BTreeSet<PathBuf>>,
    /// What this process put and nobody has confirmed since.
    acknowledged: Mutex<BTreeSet<(SpaceId, ObjectId)>>,
}

impl<D: Disk> FileObjects<D> {
    /// Objects below this folder, which is made if it is missing; the folder that holds it must exist.
    ///
    /// # Errors
    /// [`Error::Disk`] when the folder can be neither found nor made durable.
    pub fn open(disk: D, root: &Path) -> Result<Self, Error> {
        let objects = Self {
            disk,
            root: root.to_path_buf(),
            temporaries: AtomicU64::new(0),
            settled: Mutex::default(),
            acknowledged: Mutex::default(),
        };
        objects.settle(root)?;
        Ok(objects)
    }

    /// Removes what puts cut short more than [`TEMPORARY_AGE_MIN`] ago have left, in every folder, and says how many
    /// files that were. A put does the same for the one folder that it enters first.
    ///
    /// # Errors
    /// [`Error::Disk`] when a folder cannot be read.
    pub fn clean(&self) -> Result<usize, Error> {
        let mut removed = 0;
        for name in self.names(&self.root)? {
            let space = self.root.join(&name);
            if name == ARRIVING {
                removed += self.clean_folder(&space)?;
                continue;
            }
            for prefix in self.names(&space)? {
                removed += self.clean_folder(&space.join(prefix))?;
            }
        }
        Ok(removed)
    }

    fn folder(&self, space: SpaceId, id: ObjectId) -> PathBuf {
        folder(&self.root, space, id)
    }

    fn path(&self, space: SpaceId, id: ObjectId) -> PathBuf {
        object_file(&self.root, space, id)
    }

    /// Makes sure that the folder is there and its name durable. Finding it there is not enough: whoever made it
    /// may have died before the sync.
    fn settle(&self, folder: &Path) -> Result<bool, Error> {
        if lock(&self.settled).contains(folder) {
            return Ok(false);
        }
        match self.disk.create_dir(folder) {
            Err(source) if source.kind() != io::ErrorKind::AlreadyExists => {
                return Err(Error::Disk { act: "make a folder for objects", source });
            }
            Ok(()) | Err(_) => {}
        }
        if let Some(parent) = folder.parent() {
            self.disk.sync_dir(parent).map_err(disk("make a folder for objects durable"))?;
        }
        lock(&self.settled).insert(folder.to_path_buf());
        Ok(true)
    }

    fn settle_for(&self, space: SpaceId, id: ObjectId) -> Result<PathBuf, Error> {
        self.settle(&self.root.join(space.to_string()))?;
        self.settle_clean(self.folder(space, id))
    }

    fn settle_clean(&self, folder: PathBuf) -> Result<PathBuf, Error> {
        if self.settle(&folder)? {
            self.clean_folder(&folder)?;
        }
        Ok(folder)
    }

    fn clean_folder(&self, folder: &Path) -> Result<usize, Error> {
        let mut removed = 0;
        for name in self.names(folder)?.iter().filter(|name| name.ends_with(TEMPORARY_SUFFIX)) {
            let path = folder.join(name);
            // Its owner, or another cleaner, may take it away at any moment: whatever fails here is left for next time.
            let Ok((_, written)) = self.disk.open(&path).and_then(|file| file.stat()) else { continue };
            let age = self.disk.now().duration_since(written).unwrap_or_default();
            if age >= TEMPORARY_AGE_MIN && self.disk.remove(&path).is_ok() {
                removed += 1;
            }
        }
        Ok(removed)
    }

    fn names(&self, folder: &Path) -> Result<Vec<String>, Error> {
        match self.disk.list(folder) {
            Ok(names) => Ok(names),
            Err(source) if is_absent(&source) => Ok(Vec::new()),
            Err(source) => Err(Error::Disk { act: "list a folder of objects", source }),
        }
    }

    fn find(&self, space: SpaceId, id: ObjectId) -> Result<Option<D::File>, Error> {
        match self.disk.open(&self.path(space, id)) {
            Ok(file) => Ok(Some(file)),
            Err(source) if is_absent(&source) => Ok(None),
            Err(source) => Err(Error::Disk { act: "open an object", source }),
        }
    }

    /// The bytes are durable under a temporary name before the object's name appears, so the name never stands for
    /// less than the whole object. Replacing is harmless: whatever had the name is the same object, or damaged.
    fn write(&self, folder: &Path, object: &NamedBytes) -> Result<(), Error> {
        let (temporary, file) = self.create_temporary(folder, object.id())?;
        let written = fill(file, object.as_bytes()).and_then(|()| {
            let name = folder.join(object.id().to_string());
            self.disk.rename(&temporary, &name).map_err(disk("name an object"))
        });
        if written.is_err() {
            // Best effort: what stays is removed when it is old.
            let _ = self.disk.remove(&temporary);
        }
        written?;
        self.disk.sync_dir(folder).map_err(disk("make an object's name durable"))
    }

    fn create_temporary(&self, folder: &Path, id: ObjectId) -> Result<(PathBuf, D::File), Error> {
        let mut tries = 0;
        loop {
            let number = self.temporaries.fetch_add(1, Ordering::Relaxed);
            let path = folder.join(format!("{id}.{}-{number}{TEMPORARY_SUFFIX}", std::process::id()));
            match self.disk.create(&path) {
                Ok(file) => return Ok((path, file)),
                // A process of the same number, before a restart or in another container, uses or left this name.
                Err(source) if source.kind() == io::ErrorKind::AlreadyExists && tries < TEMPORARY_TRIES_MAX => {
                    tries += 1;
                }
                Err(source) => return Err(self.doubting("create an object")(source)),
            }
        }
    }

    /// The disk's error; if something is absent, somebody has taken a folder away, and it must be made anew.
    fn doubting(&self, act: &'static str) -> impl FnOnce(io::Error) -> Error {
        move |source| {
            if is_absent(&source) {
                lock(&self.settled).clear();
            }
            Error::Disk { act, source }
        }
    }

    /// Gives what has come in its name: the bytes are durable before it appears, as in every put.
    fn name(&self, arrived: &mut ArrivingFile<D>, folder: &Path) -> Result<(), Error> {
        let lost = || io::Error::from(io::ErrorKind::BrokenPipe);
        let file = arrived.file.as_mut().ok_or_else(lost).map_err(disk("make an object durable"))?;
        file.sync().map_err(disk("make an object durable"))?;
        let name = folder.join(arrived.id.to_string());
        self.disk.rename(&arrived.temporary, &name).map_err(self.doubting("name an object"))?;
        arrived.file = None;
        self.disk.sync_dir(folder).map_err(disk("make an object's name durable"))
    }

    /// Its bytes were durable before its name was; the name may not be, if its writer died before the last sync.
    fn renew(&self, folder: &Path, mut file: D::File) -> Result<(), Error> {
        file.renew().and_then(|()| file.sync()).map_err(disk("renew an object"))?;
        self.disk.sync_dir(folder).map_err(disk("make an object's name durable"))
    }

    fn remember(&self, space: SpaceId, id: ObjectId) {
        let mut acknowledged = lock(&self.acknowledged);
        if acknowledged.len() >= ACKNOWLEDGED_MAX {
            acknowledged.clear();
        }
        acknowledged.insert((space, id));
    }
}

/// An object that comes into a file without its name. Dropped, it is gone.
pub struct ArrivingFile<D: Disk> {
    disk: D,
    space: SpaceId,
    id: ObjectId,
    temporary: PathBuf,
    /// Until it has its name, or is taken for lost.
    file: Option<D::File>,
    hash: Sha256,
    bytes: u64,
}

impl<D: Disk> Arriving for ArrivingFile<D> {
    fn write(&mut self, piece: &[u8]) -> Result<(), Error> {
        self.bytes = self.bytes.saturating_add(super::length(piece));
        if self.bytes > OBJECT_BYTES_MAX {
            return Err(Error::Size { bytes: self.bytes });
        }
        let lost = || io::Error::from(io::ErrorKind::BrokenPipe);
        let file = self.file.as_mut().ok_or_else(lost).map_err(disk("write an object"))?;
        self.hash.update(piece);
        file.write_all(piece).map_err(disk("write an object"))
    }
}

impl<D: Disk> Drop for ArrivingFile<D> {
    fn drop(&mut self) {
        if self.file.take().is_some() {
            // Best effort: what stays is removed when it is old.
            let _ = self.disk.remove(&self.temporary);
        }
    }
}

impl<D: Disk + Clone> Objects for FileObjects<D> {
    type Arriving = ArrivingFile<D>;

    fn receive(&self, space: SpaceId, id: ObjectId) -> Result<Self::Arriving, Error> {
        let folder = self.settle_clean(self.root.join(ARRIVING))?;
        let (temporary, file) = self.create_temporary(&folder, id)?;
        let (disk, file, hash) = (self.disk.clone(), Some(file), Sha256::new());
        Ok(ArrivingFile { disk, space, id, temporary, file, hash, bytes: 0 })
    }

    fn take(&self, mut arrived: Self::Arriving) -> Result<Put, Error> {
        let (space, id) = (arrived.space, arrived.id);
        if arrived.bytes == 0 {
            return Err(Error::Size { bytes: 0 });
        }
        if <[u8; 32]>::from(arrived.hash.finalize_reset()) != *id.as_bytes() {
            return Err(Error::WrongName { id });
        }
        let folder = self.settle_for(space, id)?;
        let put = match self.find(space, id)? {
            None => {
                self.name(&mut arrived, &folder)?;
                Put::New
            }
            Some(mut file) => match is_whole(&mut file, id) {
                Ok(true) => {
                    self.renew(&folder, file)?;
                    Put::Present
                }
                Ok(false) | Err(_) => {
                    drop(file);
                    self.name(&mut arrived, &folder)?;
                    Put::Mended
                }
            },
        };
        self.remember(space, id);
        Ok(put)
    }

    fn part(&self, space: SpaceId, id: ObjectId, place: u64, limit: usize) -> Result<Option<Vec<u8>>, Error> {
        let Some(mut file) = self.find(space, id)? else { return Ok(None) };
        let mut bytes = Vec::with_capacity(limit);
        file.seek(place).map_err(disk("read an object"))?;
        let limit = u64::try_from(limit).unwrap_or(u64::MAX);
        file.take(limit).read_to_end(&mut bytes).map_err(disk("read an object"))?;
        Ok(Some(bytes))
    }

    fn put(&self, space: SpaceId, object: &NamedBytes) -> Result<Put, Error> {
        let folder = self.settle_for(space, object.id())?;
        let put = match self.find(space, object.id())? {
            None => {
                self.write(&folder, object)?;
                Put::New
            }
            Some(mut file) => match same(&mut file, object.as_bytes()) {
                Ok(true) => {
                    self.renew(&folder, file)?;
                    Put::Present
                }
                Ok(false) | Err(_) => {
                    drop(file);
                    self.write(&folder, object)?;
                    Put::Mended
                }
            },
        };
        self.remember(space, object.id());
        Ok(put)
    }

    fn get(&self, space: SpaceId, id: ObjectId) -> Result<Option<Vec<u8>>, Error> {
        let Some(file) = self.find(space, id)? else { return Ok(None) };
        let (length, _) = file.stat().map_err(disk("look at an object"))?;
        if length == 0 || length > OBJECT_BYTES_MAX {
            return Err(Error::Damaged { id });
        }
        let mut bytes = Vec::with_capacity(usize::try_from(length).map_err(|_| Error::Damaged { id })?);
        file.take(OBJECT_BYTES_MAX).read_to_end(&mut bytes).map_err(disk("read an object"))?;
        Ok(Some(bytes))
    }

    fn stat(&self, space: SpaceId, id: ObjectId) -> Result<Option<ObjectStat>, Error> {
        let Some(file) = self.find(space, id)? else { return Ok(None) };
        let (bytes, last_put) = file.stat().map_err(disk("look at an object"))?;
        Ok(Some(ObjectStat { bytes, last_put }))
    }

    fn confirm(&self, space: SpaceId, ids: &[ObjectId]) -> Result<Vec<Option<u64>>, Error> {
        let (mut lengths, mut absent) = (Vec::with_capacity(ids.len()), 0);
        let mut unsure = BTreeSet::new();
        for &id in ids {
            let stat = self.stat(space, id)?;
            if stat.is_some() && !lock(&self.acknowledged).contains(&(space, id)) {
                unsure.insert(self.folder(space, id));
            }
            absent += usize::from(stat.is_none());
            lengths.push(stat.map(|stat| stat.bytes));
            if absent >= ABSENT_MAX {
                break;
            }
        }
        // A folder that holds an object has a durable name itself: whoever put the object had settled it.
        for folder in unsure {
            self.disk.sync_dir(&folder).map_err(disk("make an object's name durable"))?;
        }
        let mut acknowledged = lock(&self.acknowledged);
        for (id, _) in ids.iter().zip(&lengths) {
            acknowledged.remove(&(space, *id));
        }
        Ok(lengths)
    }

    fn list(&self, space: SpaceId, after: Option<ObjectId>, limit: usize) -> Result<Vec<ObjectId>, Error> {
        let folder = self.root.join(space.to_string());
        let first = after.map(prefix).unwrap_or_default();
        let mut prefixes = self.names(&folder)?;
        prefixes.retain(|name| *name >= first);
        prefixes.sort_unstable();
        let mut ids = Vec::new();
        for name in prefixes {
            if ids.len() >= limit {
                break;
            }
            let mut found: Vec<ObjectId> =
                self.names(&folder.join(&name))?.iter().filter_map(|name| ObjectId::from_hex(name).ok()).collect();
            found.retain(|id| after.is_none_or(|after| *id > after) && prefix(*id) == name);
            found.sort_unstable();
            ids.extend(found);
        }
        ids.truncate(limit);
        Ok(ids)
    }

    fn spaces(&self) -> Result<Vec<SpaceId>, Error> {
        let names = self.names(&self.root)?;
        let mut spaces: Vec<SpaceId> = names.iter().filter_map(|name| SpaceId::from_hex(name).ok()).collect();
        spaces.sort_unstable();
        Ok(spaces)
    }

    fn remove(&self, space: SpaceId, id: ObjectId) -> Result<bool, Error> {
        match self.disk.remove(&self.path(space, id)) {
            Ok(()) => Ok(true),
            Err(source) if is_absent(&source) => Ok(false),
            Err(source) => Err(Error::Disk { act: "remove an object", source }),
        }
    }
}

/// Where an object's file lies beneath the folder of the store.
pub fn object_file(root: &Path, space: SpaceId, id: ObjectId) -> PathBuf {
    folder(root, space, id).join(id.to_string())
}

fn folder(root: &Path, space: SpaceId, id: ObjectId) -> PathBuf {
    root.join(space.to_string()).join(prefix(id))
}

/// The folder of an object within its space: 16 of them keep each one short. Each costs a step of the disk when it is made,
/// and a keeper has many spaces in which little lies.
fn prefix(id: ObjectId) -> String {
    let [first, ..] = id.as_bytes();
    format!("{:x}", first >> 4)
}

/// The caller's bytes are never copied, and synced once.
fn fill<F: DiskFile>(mut file: F, bytes: &[u8]) -> Result<(), Error> {
    for piece in bytes.chunks(WRITE_BYTES) {
        file.write_all(piece).map_err(disk("write an object"))?;
    }
    file.sync().map_err(disk("make an object durable"))
}

/// Whether what lies under a name is what the name says.
fn is_whole<F: DiskFile>(file: &mut F, id: ObjectId) -> io::Result<bool> {
    if file.stat()?.0 > OBJECT_BYTES_MAX {
        return Ok(false);
    }
    let mut hash = Sha256::new();
    let mut buffer = vec![0; COMPARE_BYTES];
    loop {
        match file.read(&mut buffer) {
            Ok(0) => return Ok(<[u8; 32]>::from(hash.finalize()) == *id.as_bytes()),
            Ok(read) => hash.update(buffer.get(..read).unwrap_or_default()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

fn same<F: DiskFile>(file: &mut F, bytes: &[u8]) -> io::Result<bool> {
    if file.stat()?.0 != super::length(bytes) {
        return Ok(false);
    }
    let mut buffer = vec![0; COMPARE_BYTES];
    for expected in bytes.chunks(COMPARE_BYTES) {
        let found = buffer.get_mut(..expected.len()).unwrap_or_default();
        file.read_exact(found)?;
        if found != expected {
            return Ok(false);
        }
    }
    Ok(true)
}

fn is_absent(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::NotFound
}

fn disk(act: &'static str) -> impl FnOnce(io::Error) -> Error {
    move |source| Error::Disk { act, source }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // The sets stay true whatever panicked: entries are added only after the disk has answered.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
