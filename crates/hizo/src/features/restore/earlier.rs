//! What an earlier restore to the same place has left. Its files are taken and not fetched again, each compared with what was committed
//! to; whatever is not of the deposit stays where it is.

use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use hizo_vault::manifest::Content;

use super::laying::WHOLE_BYTES_MAX;
use crate::failure::{Failure, Outcome, shown};
use crate::hashing::Hashing;
use crate::system;
use crate::words::words;

/// Earlier restores that are set aside at a time.
const EARLIER_MAX: u32 = 99;

/// Bytes that are compared at a time.
const PIECE_BYTES: usize = 1 << 20;

/// Folders that earlier restores have left, out of the way of the next one.
#[derive(Debug, Default)]
pub(super) struct Earlier {
    folders: Vec<PathBuf>,
}

impl Earlier {
    /// Sets aside what stands in the way, under a name that ends in `.earlier-1` or the next number. What was set aside before, by a
    /// restore that did not come to its end either, is used too.
    ///
    /// # Errors
    /// When a restore is still at work there, or [`EARLIER_MAX`] are set aside already.
    pub(super) fn set_aside(in_the_way: [&Path; 2], beside: impl Fn(&str) -> PathBuf) -> Outcome<Self> {
        let names: Vec<_> = (1..=EARLIER_MAX).map(|number| beside(&format!(".earlier-{number}"))).collect();
        for folder in in_the_way.into_iter().filter(|folder| is_folder(folder)) {
            let failed = |error| Failure::file("set aside", folder, error);
            let held = system::hold_directory(folder).map_err(|error| match error.kind() {
                io::ErrorKind::WouldBlock => at_work(folder),
                _ => failed(error),
            })?;
            let free = names.iter().find(|name| name.symlink_metadata().is_err());
            fs::rename(folder, free.ok_or_else(|| too_many(folder, &names))?).map_err(failed)?;
            drop(held);
        }
        Ok(Self { folders: names.into_iter().filter(|name| is_folder(name)).collect() })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.folders.is_empty()
    }

    /// Where a file stands that has this content.
    pub(super) fn find(&self, path: &[u8], content: &Content) -> Option<PathBuf> {
        let relative = system::path_from_bytes(path).ok()?;
        self.folders.iter().find_map(|folder| {
            let found = reach(folder, &relative)?;
            is_committed(&found, content).unwrap_or(false).then_some(found)
        })
    }

    /// Takes away what stands in the restored folder too, and says which folders hold something else.
    pub(super) fn clear(self, restored: &Path) -> Vec<PathBuf> {
        self.folders.into_iter().filter(|folder| !clear(folder, restored).unwrap_or(false)).collect()
    }
}

/// Whether a folder stands there, and no link to one.
fn is_folder(path: &Path) -> bool {
    path.symlink_metadata().is_ok_and(|found| found.is_dir())
}

/// A path beneath a folder, through folders alone: no link leads out of it. They may be such that nobody enters them, as the deposit
/// has it; here their owner may.
fn reach(folder: &Path, relative: &Path) -> Option<PathBuf> {
    let mut reached = folder.to_owned();
    for part in relative.components() {
        enter(&reached).ok()?;
        reached.push(part);
    }
    Some(reached)
}

fn enter(folder: &Path) -> io::Result<()> {
    let found = folder.symlink_metadata()?;
    if !found.is_dir() {
        return Err(io::ErrorKind::NotADirectory.into());
    }
    match system::stat(&found).mode & 0o700 {
        0o700 => Ok(()),
        _ => system::set_mode(folder, 0o700),
    }
}

fn is_committed(path: &Path, content: &Content) -> io::Result<bool> {
    let found = path.symlink_metadata()?;
    if !found.is_file() || found.len() != content.size {
        return Ok(false);
    }
    let mut file = system::open_own(path)?;
    if content.size <= WHOLE_BYTES_MAX {
        let mut bytes = Vec::with_capacity(content.size as usize);
        file.take(content.size).read_to_end(&mut bytes)?;
        return Ok(content.value.matches(&bytes));
    }
    let mut hashing = Hashing::start(content.value.key);
    let mut piece = vec![0; PIECE_BYTES];
    loop {
        match file.read(&mut piece)? {
            0 => return Ok(hashing.finish() == content.value),
            read => drop(hashing.copy(&piece[..read])),
        }
    }
}

/// Whether nothing is left of a folder whose files, links and folders are all in the other one.
fn clear(folder: &Path, restored: &Path) -> io::Result<bool> {
    enter(folder)?;
    for item in fs::read_dir(folder)? {
        let item = item?;
        let (here, there) = (item.path(), restored.join(item.file_name()));
        let kind = item.file_type()?;
        let is_there = match () {
            () if kind.is_dir() => clear(&here, &there).map(|_| false),
            // Where the deposit has a link, what that leads to is not restored.
            () if !is_folder(restored) => Ok(false),
            () if kind.is_symlink() => fs::read_link(&here).and_then(|target| Ok(fs::read_link(&there)? == target)),
            () if kind.is_file() => begins(&there, &here),
            () => Ok(false),
        };
        if is_there.unwrap_or(false) {
            fs::remove_file(&here)?;
        }
    }
    Ok(fs::remove_dir(folder).is_ok())
}

/// Whether a file begins with all that is in another one: with a file that was cut short nothing is lost.
fn begins(whole: &Path, part: &Path) -> io::Result<bool> {
    let (mut whole, mut part) = (system::open_own(whole)?, system::open_own(part)?);
    let found = whole.metadata()?;
    if !found.is_file() || found.len() < part.metadata()?.len() {
        return Ok(false);
    }
    let (mut here, mut there) = (vec![0; PIECE_BYTES], vec![0; PIECE_BYTES]);
    loop {
        let read = part.read(&mut here)?;
        if read == 0 {
            return Ok(true);
        }
        whole.read_exact(&mut there[..read])?;
        if here[..read] != there[..read] {
            return Ok(false);
        }
    }
}

fn too_many(folder: &Path, names: &[PathBuf]) -> Failure {
    let (folder, first) = (shown(folder), names.first().map(|name| shown(name)).unwrap_or_default());
    Failure::fixable(words!(
        "{folder} cannot be set aside: {EARLIER_MAX} folders that earlier restores have left stand beside it",
        "{folder} をよけておけません。前に取り出したときに残ったフォルダーが、その隣に{EARLIER_MAX}個あります"
    ))
    .hint(words!(
        "Look through {first} and those after it, move what you need of them elsewhere, and remove them; then try again.",
        "{first} から始まるフォルダーの中身を確かめ、要るものを別の場所に移してからフォルダーを取り除き、もう一度試してください。"
    ))
}

fn at_work(folder: &Path) -> Failure {
    let folder = shown(folder);
    Failure::fixable(words!("a restore is at work in {folder}", "{folder} には、いま取り出している最中です")).hint(
        words!(
            "Wait until it has ended, or name another folder.",
            "終わるまで待つか、別のフォルダーを指定してください。"
        ),
    )
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn what_a_link_of_the_deposit_leads_to_takes_nothing_away() {
        let base = tempfile::tempdir().unwrap();
        let at = |path: &str| base.path().join(path);
        for folder in ["earlier/linked", "earlier/there", "restored/there", "outside"] {
            fs::create_dir_all(at(folder)).unwrap();
        }
        for file in ["earlier/linked/same", "earlier/there/same", "restored/there/same", "outside/same"] {
            fs::write(at(file), "same").unwrap();
        }
        std::os::unix::fs::symlink(at("outside"), at("restored/linked")).unwrap();
        assert!(!clear(&at("earlier"), &at("restored")).unwrap());
        assert!(at("earlier/linked/same").exists() && !at("earlier/there").exists());
    }
}
