//! Files that a browser hands over, on their way into a deposit: in a private folder of the home, which is removed in every case.
//!
//! See docs/spec/desk.md, "Files out of a browser".

use std::collections::BTreeSet;
use std::fs::{self, File, TryLockError};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use hizo_vault::archive::check_path;

use crate::failure::{Failure, Outcome, shown_bytes};
use crate::home::{self, Home};
use crate::system;
use crate::words::words;

const FOLDER: &str = "dropped";
const LOCK: &str = "dropped.lock";
/// A path that a browser gives, at most.
const PATH_BYTES_MAX: usize = 4_096;

/// Every folder that this program has made.
static MADE: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());

/// What is on its way; gone when this is.
pub(crate) struct Dropped {
    folder: PathBuf,
    /// Held as long as the folder is there.
    _turn: File,
}

impl Dropped {
    /// Makes the folder.
    ///
    /// # Errors
    /// When another one is on its way.
    pub(crate) fn begin(home: &Home) -> Outcome<Self> {
        let folder = home.folder().join(FOLDER);
        let Some(turn) = turn(home.folder())? else {
            return Err(Failure::fixable(words!(
                "other files are on their way into this safe",
                "ほかのファイルを預けている途中です"
            ))
            .hint(words!("Wait until they are kept.", "終わってから、もう一度預けてください。")));
        };
        let dropped = Self { folder, _turn: turn };
        remove(&dropped.folder)?;
        MADE.lock().unwrap_or_else(PoisonError::into_inner).insert(dropped.folder.clone());
        system::create_private_directory(&dropped.folder)
            .map_err(|error| Failure::file("make the folder", &dropped.folder, error))?;
        Ok(dropped)
    }

    /// Makes a file under a name that somebody else has given, with the folders that it lies in.
    ///
    /// # Errors
    /// When the name leads elsewhere, or stands for something that is there.
    pub(crate) fn file(&self, name: &str) -> Outcome<File> {
        let is_plain = name.len() <= PATH_BYTES_MAX
            && !name.contains('\0')
            && check_path(name.as_bytes()).is_ok()
            && name.split('/').all(system::is_file_name);
        let shown = shown_bytes(name.as_bytes());
        if !is_plain {
            return Err(Failure::fixable(words!(
                "{shown} is no name that can be kept",
                "「{shown}」という名前のものは預けられません"
            ))
            .hint(words!(
                "Nothing was kept. Rename it, or leave it out.",
                "何も預けていません。名前を変えるか、除いてください。"
            )));
        }
        let path = self.folder.join(name);
        let made = path.parent().map_or(Ok(()), system::create_private_directory);
        made.and_then(|()| system::create_private(&path)).map_err(|error| match error.kind() {
            ErrorKind::AlreadyExists | ErrorKind::NotADirectory | ErrorKind::IsADirectory => Failure::fixable(words!(
                "{shown} is there twice",
                "「{shown}」が2つあります"
            ))
            .hint(words!("Nothing was kept. Leave one of them out.", "何も預けていません。どちらかを除いてください。")),
            // A path of the home says nothing to whoever chose a file elsewhere.
            _ => Failure::file("write", Path::new(name), error),
        })
    }

    /// What is to be deposited: the folder that was chosen, or what lies beside each other.
    pub(crate) fn root(&self) -> Outcome<PathBuf> {
        let failed = |error| Failure::file("read the folder", Path::new(FOLDER), error);
        let mut entries = fs::read_dir(&self.folder).map_err(failed)?;
        let first = entries.next().transpose().map_err(failed)?;
        let alone = first.filter(|first| entries.next().is_none() && first.path().is_dir());
        Ok(alone.map_or_else(|| self.folder.clone(), |folder| folder.path()))
    }
}

impl Drop for Dropped {
    fn drop(&mut self) {
        let _ = remove(&self.folder);
    }
}

/// Removes whatever is still on its way when the program ends: threads that hold it are not waited for.
pub(crate) fn end() {
    for folder in MADE.lock().unwrap_or_else(PoisonError::into_inner).iter() {
        let _ = remove(folder);
    }
}

/// Removes what a desk left that was killed; nothing where another one is at it.
pub(crate) fn sweep(home: &Path) {
    if home.join(FOLDER).exists()
        && let Ok(Some(_turn)) = turn(home)
    {
        let _ = remove(&home.join(FOLDER));
    }
}

fn turn(home: &Path) -> Outcome<Option<File>> {
    let path = home.join(LOCK);
    let file = home::open_lock(&path)?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(Failure::file("lock", &path, error)),
    }
}

fn remove(folder: &Path) -> Outcome<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(Failure::file("remove", folder, error)),
        _ => Ok(()),
    }
}
