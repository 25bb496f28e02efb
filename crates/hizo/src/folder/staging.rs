//! A new folder in the making: it stands beside its place, under a name that ends in `.partial`, until it is whole.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use crate::failure::{Failure, Outcome, shown};
use crate::system;
use crate::words::words;

/// A folder that is not yet in its place.
#[derive(Debug)]
pub(crate) struct Staging {
    to: PathBuf,
    partial: PathBuf,
}

impl Staging {
    /// Begins beside `to`, which must not be there or be empty.
    ///
    /// # Errors
    /// When something is there already, also from an earlier run that was cut short; nothing was written then.
    pub(crate) fn begin(to: &Path) -> Outcome<Self> {
        let failed = |error| Failure::file("write to", to, error);
        match fs::read_dir(to) {
            Ok(mut items) => {
                if items.next().is_some() {
                    return Err(not_empty(to));
                }
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => (),
            Err(error) => return Err(failed(error)),
        }
        let to = std::path::absolute(to).map_err(failed)?;
        let Some(name) = to.file_name() else {
            return Err(Failure::fixable(words!(
                "the root of a disk cannot be made anew",
                "ディスクの最上位は新しく作れません"
            ))
            .hint(words!("Name a folder below it.", "その下のフォルダーを指定してください。")));
        };
        let mut partial = name.to_owned();
        partial.push(".partial");
        let partial = to.with_file_name(partial);
        if let Some(parent) = to.parent() {
            fs::create_dir_all(parent).map_err(failed)?;
        }
        system::create_directory(&partial).map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => left_over(&partial),
            _ => failed(error),
        })?;
        Ok(Self { to, partial })
    }

    /// The folder to write into.
    pub(crate) fn folder(&self) -> &Path {
        &self.partial
    }

    /// Writes a file of it, at a path below its folder; durable on return.
    pub(crate) fn lay(&self, name: &Path, bytes: &[u8]) -> io::Result<()> {
        let path = self.partial.join(name);
        let parents = || path.ancestors().skip(1).take_while(|parent| parent.starts_with(&self.partial));
        parents().next().map_or(Ok(()), fs::create_dir_all)?;
        write(fs::File::create_new(&path)?, bytes)?;
        parents().try_for_each(system::sync_directory)
    }

    /// Moves the whole to its place; durable on return if all in it was.
    pub(crate) fn settle(self) -> Outcome<()> {
        let settle = || -> io::Result<()> {
            let _ = fs::remove_dir(&self.to);
            fs::rename(&self.partial, &self.to)?;
            system::sync_directory(self.to.parent().unwrap_or(Path::new(".")))
        };
        settle().map_err(|error| Failure::file("write to", &self.to, error))
    }

    /// Removes what was written so far: for a folder that is of no use unless it is whole.
    pub(crate) fn discard(self) {
        // What cannot be removed now is found, and said, by the next run.
        let _ = fs::remove_dir_all(&self.partial);
    }
}

/// One new file, whole or not at all; durable on return.
///
/// # Errors
/// When something is there already; nothing was written then.
pub(crate) fn lay_file(to: &Path, bytes: &[u8]) -> Outcome<()> {
    if fs::symlink_metadata(to).is_ok() {
        return Err(there_already(to));
    }
    put(to, bytes, None)
}

/// Writes another content into a file that is there, in one step: whoever reads it finds the one or the other.
///
/// # Errors
/// When it cannot be written; the file is as it was then.
pub(crate) fn replace_file(to: &Path, bytes: &[u8]) -> Outcome<()> {
    // A name that leads elsewhere goes on leading there.
    let found = fs::canonicalize(to).and_then(|to| Ok((fs::metadata(&to)?, to)));
    let (found, to) = found.map_err(|error| Failure::file("read", to, error))?;
    put(&to, bytes, Some(found.permissions()))
}

fn put(to: &Path, bytes: &[u8], permissions: Option<fs::Permissions>) -> Outcome<()> {
    let failed = |error| Failure::file("write to", to, error);
    let to = std::path::absolute(to).map_err(failed)?;
    let parent = to.parent().unwrap_or(Path::new("."));
    let mut partial = to.file_name().unwrap_or_default().to_owned();
    partial.push(".partial");
    let partial = to.with_file_name(partial);
    fs::create_dir_all(parent).map_err(failed)?;
    let made = match permissions {
        // Nobody else reads it before it has the rights of the one before.
        Some(_) => system::create_private(&partial),
        None => fs::File::create_new(&partial),
    };
    let written = made
        .and_then(|file| write(file, bytes))
        .and_then(|()| permissions.map_or(Ok(()), |permissions| fs::set_permissions(&partial, permissions)))
        .and_then(|()| fs::rename(&partial, &to));
    written.and_then(|()| system::sync_directory(parent)).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => left_over(&partial),
        _ => {
            let _ = fs::remove_file(&partial);
            failed(error)
        }
    })
}

fn write(mut file: fs::File, bytes: &[u8]) -> io::Result<()> {
    file.write_all(bytes)?;
    file.sync_all()
}

fn there_already(to: &Path) -> Failure {
    let file = shown(to);
    Failure::fixable(words!("{file} is there already", "{file} はすでにあります")).hint(words!(
        "Nothing was written. Name a file that is not there yet.",
        "何も書き込んでいません。まだないファイル名を指定してください。"
    ))
}

fn not_empty(to: &Path) -> Failure {
    let folder = shown(to);
    Failure::fixable(words!("{folder} is not empty", "{folder} は空ではありません")).hint(words!(
        "Nothing was written. Name a folder that is not there yet.",
        "何も書き込んでいません。まだないフォルダーを指定してください。"
    ))
}

fn left_over(partial: &Path) -> Failure {
    let folder = shown(partial);
    Failure::fixable(words!("{folder} is left over from an earlier run", "{folder} は前回の実行が途中で止まった跡です"))
        .hint(words!(
            "Look whether you need what is in it, then remove it and try again.",
            "中身が要らないことを確かめてから取り除き、もう一度試してください。"
        ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_appears_whole_or_not_at_all() {
        let base = tempfile::tempdir().unwrap();
        let to = base.path().join("deep/new");
        let staging = Staging::begin(&to).unwrap();
        fs::write(staging.folder().join("file"), "x").unwrap();
        assert!(!to.exists());
        staging.settle().unwrap();
        assert_eq!(fs::read(to.join("file")).unwrap(), b"x");
        assert_eq!(fs::read_dir(base.path().join("deep")).unwrap().count(), 1);
    }

    #[test]
    fn a_file_appears_whole_and_never_in_the_place_of_another() {
        let base = tempfile::tempdir().unwrap();
        let to = base.path().join("deep/new.zip");
        lay_file(&to, b"whole").unwrap();
        assert_eq!(fs::read(&to).unwrap(), b"whole");
        assert_eq!(fs::read_dir(base.path().join("deep")).unwrap().count(), 1);
        assert!(lay_file(&to, b"other").is_err());
        assert_eq!(fs::read(&to).unwrap(), b"whole");
        fs::write(base.path().join("half.partial"), "").unwrap();
        assert!(lay_file(&base.path().join("half"), b"x").is_err());
        assert!(!base.path().join("half").exists() && base.path().join("half.partial").exists());
    }

    #[test]
    fn nothing_that_is_there_is_written_over() {
        let base = tempfile::tempdir().unwrap();
        let to = base.path().join("there");
        fs::create_dir(&to).unwrap();
        Staging::begin(&to).unwrap().discard();
        fs::write(to.join("file"), "x").unwrap();
        assert!(Staging::begin(&to).is_err());
        let other = base.path().join("other");
        fs::create_dir(base.path().join("other.partial")).unwrap();
        assert!(Staging::begin(&other).is_err());
        assert!(!other.exists());
    }
}
