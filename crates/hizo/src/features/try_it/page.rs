//! The pages of a sample company: made with one click beside where the first safe will be, and removed with one.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::{fs, io};

use askama::Template;

use super::{HOME, PASSPHRASE_FILE};
use crate::desk::{Frame, Reply, Unlocked, Visit};
use crate::failure::{Failure, Outcome, shown};
use crate::passphrase::Source;

#[derive(Template)]
#[template(path = "sample.html")]
struct SamplePage<'v> {
    f: Frame<'v>,
    passphrase: String,
    folder: String,
}

/// Held while a sample is made: whoever presses twice waits.
static MAKING: Mutex<()> = Mutex::new(());

/// Makes the sample where it is not there yet: whole or not at all, also when the desk ends meanwhile.
fn make_once(folder: &Path) -> Outcome<()> {
    let _turn = MAKING.lock().unwrap_or_else(PoisonError::into_inner);
    if folder.exists() {
        return Ok(());
    }
    let next = folder.with_extension("making");
    match fs::remove_dir_all(&next) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(Failure::file("remove", &next, error)),
        _ => super::company(&next)?,
    }
    fs::rename(&next, folder).map_err(|error| Failure::file("make the folder", folder, error))
}

/// Where the sample lies: never where a safe of somebody's own is begun.
fn place(visit: &Visit) -> Option<PathBuf> {
    let first = visit.first_folder()?;
    let mut name = first.file_name()?.to_owned();
    name.push("-sample");
    Some(first.with_file_name(name))
}

/// Makes the sample where it is not there yet, and unlocks it.
pub(crate) fn make(visit: &Visit) -> Outcome<Reply> {
    let Some(folder) = place(visit) else { return Ok(visit.go("/begin")) };
    make_once(&folder)?;
    let passphrase = Source { file: Some(folder.join(PASSPHRASE_FILE)), descriptor: None }.read()?;
    visit.unlock(Arc::new(Unlocked::open(&folder.join(HOME), None, &passphrase)?));
    Ok(visit.go("/sample"))
}

/// What it is, what opens it, and how to be rid of it.
pub(crate) fn told(visit: &Visit, unlocked: &Arc<Unlocked>) -> Outcome<Reply> {
    let Some(folder) = place(visit).filter(|folder| unlocked.folder == folder.join(HOME)) else {
        return Ok(visit.go("/safe"));
    };
    let passphrase = Source { file: Some(folder.join(PASSPHRASE_FILE)), descriptor: None }.read()?;
    visit.page(&SamplePage {
        f: visit.frame(visit.text().say("sample-title"), "hizo try --keep …"),
        passphrase: passphrase.to_string(),
        folder: shown(&folder),
    })
}

/// Removes the sample, and nothing else.
pub(crate) fn remove(visit: &Visit, unlocked: &Arc<Unlocked>) -> Outcome<Reply> {
    let Some(folder) = place(visit).filter(|folder| unlocked.folder == folder.join(HOME)) else {
        return Ok(visit.go("/safe"));
    };
    visit.lock();
    fs::remove_dir_all(&folder).map_err(|error| Failure::file("remove", &folder, error))?;
    Ok(visit.go("/"))
}
