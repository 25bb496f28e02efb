//! Choosing a folder of this machine, without a path in any address.

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use hizo_vault::manifest::Manifest;

use super::Visit;
use crate::failure::{Failure, Outcome, shown, shown_bytes};
use crate::system;
use crate::words::words;

/// Entries of a folder that are shown; a person who has more types the path.
const SHOWN_MAX: usize = 500;

/// A folder that somebody looks into.
pub(crate) struct Picker {
    /// As forms carry it.
    pub here: String,
    pub shown: String,
    name: String,
    /// Folders above, from the root: what each is called, and as forms carry it.
    pub above: Vec<(String, String)>,
    /// Folders in it.
    pub folders: Vec<(String, String)>,
    /// Files in it, so that people know where they are.
    pub files: usize,
    /// The same, where one of them is to be chosen: what each is called, and as forms carry it.
    pub choices: Vec<(String, String)>,
    pub more: bool,
}

impl Picker {
    /// The folder that a form names: one that was clicked, or one that was typed; else the person's own, and why it is that.
    pub(crate) fn of(visit: &Visit) -> Outcome<(Self, Option<Failure>)> {
        Self::to_choose(visit, false)
    }

    /// The same, to choose a file in it.
    pub(crate) fn for_a_file(visit: &Visit) -> Outcome<(Self, Option<Failure>)> {
        Self::to_choose(visit, true)
    }

    fn to_choose(visit: &Visit, files: bool) -> Outcome<(Self, Option<Failure>)> {
        let own = || Self::look(&own_folder(), files);
        match chosen(visit).and_then(|folder| folder.map(|folder| Self::look(&folder, files)).transpose()) {
            Ok(Some(picker)) => Ok((picker, None)),
            Ok(None) => Ok((own()?, None)),
            Err(failure) => Ok((own()?, Some(failure))),
        }
    }

    /// What the folder itself is called.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    fn look(folder: &Path, to_choose: bool) -> Outcome<Self> {
        let failed = |error| Failure::file("read the folder", folder, error);
        let (mut folders, mut choices, mut files, mut more) = (Vec::new(), Vec::new(), 0, false);
        for entry in folder.read_dir().map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let name = entry.file_name();
            // Links are kept as links, and not walked through.
            match entry.file_type().map_err(failed)?.is_dir() {
                true if name.to_string_lossy().starts_with('.') => (),
                true if folders.len() == SHOWN_MAX => more = true,
                true => folders.push((shown_bytes(&system::path_bytes(&name)), carried(&entry.path()))),
                false => {
                    files += 1;
                    if to_choose && choices.len() < SHOWN_MAX {
                        choices.push((shown_bytes(&system::path_bytes(&name)), carried(&entry.path())));
                    }
                }
            }
        }
        folders.sort();
        choices.sort();
        let called =
            |path: &Path| path.file_name().map_or_else(|| shown(path), |name| shown_bytes(&system::path_bytes(name)));
        let mut above: Vec<_> = folder.ancestors().skip(1).map(|above| (called(above), carried(above))).collect();
        above.reverse();
        Ok(Self {
            here: carried(folder),
            shown: shown(folder),
            name: called(folder),
            above,
            folders,
            files,
            choices,
            more,
        })
    }
}

fn own_folder() -> PathBuf {
    std::env::home_dir().filter(|home| home.is_dir()).unwrap_or_else(|| PathBuf::from("/"))
}

/// The folder that the form names, if it names one.
fn chosen(visit: &Visit) -> Outcome<Option<PathBuf>> {
    if visit.has("typed") && !visit.has("into") {
        return typed(visit.field("typed")).map(Some);
    }
    let field = if visit.has("into") { "into" } else { "here" };
    visit.has(field).then(|| carried_in(visit, field)).transpose()
}

/// The folder of which the button spoke that somebody pressed; nothing where he has typed another one since. That one is shown first.
pub(crate) fn pressed(visit: &Visit) -> Outcome<Option<PathBuf>> {
    let is_unseen = || typed(visit.field("typed")).map_or(true, |typed| carried(&typed) != visit.field("here"));
    if visit.has("typed") && is_unseen() {
        return Ok(None);
    }
    carried_in(visit, "here").map(Some)
}

/// A path that somebody typed: whole, or beneath his own folder.
pub(crate) fn typed(text: &str) -> Outcome<PathBuf> {
    let text = text.trim();
    let below_own = text.strip_prefix('~').filter(|rest| rest.is_empty() || rest.starts_with(['/', '\\']));
    let path = match below_own.zip(std::env::home_dir()) {
        Some((rest, own)) => own.join(rest.trim_start_matches(['/', '\\'])),
        None => PathBuf::from(text),
    };
    if path.is_absolute() {
        return Ok(path);
    }
    Err(Failure::fixable(words!(
        "{path} is not a whole path",
        "{path} は、場所のすべてを表していません",
        path = shown(&path)
    ))
    .hint(words!(
        "Type it from its beginning, or begin it with ~ for your own folder. Nothing was done.",
        "先頭から入力するか、ご自分のフォルダーを表す ~ から始めてください。まだ何もしていません。"
    )))
}

/// The file that the form names: one that was clicked, or one that was typed.
pub(crate) fn file(visit: &Visit) -> Outcome<Option<PathBuf>> {
    if visit.has("into") {
        return Ok(None);
    }
    if visit.has("file") {
        return carried_in(visit, "file").map(Some);
    }
    // What is no file is looked into, and what cannot be is said then.
    Ok(typed(visit.field("typed")).ok().filter(|typed| typed.is_file()))
}

/// A path as a form carries it.
pub(crate) fn carried(path: &Path) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(system::path_bytes(path.as_os_str()))
}

/// The path that a field of a form carries.
pub(crate) fn carried_in(visit: &Visit, field: &str) -> Outcome<PathBuf> {
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(visit.field(field)).unwrap_or_default();
    system::path_from_bytes(&bytes).map_err(|error| Failure::file("read", Path::new(""), error))
}

/// The path of an entry of a deposit that a form names by its place in the list, since no name stands in an address; nothing where the form
/// means all of them.
///
/// # Errors
/// When there is no such entry: it would mean more than somebody chose.
pub(crate) fn entry(number: &str, manifest: &Manifest) -> Outcome<Option<Vec<u8>>> {
    if number.is_empty() {
        return Ok(None);
    }
    let found = number.parse::<usize>().ok().and_then(|number| manifest.entries.get(number));
    found.map(|entry| Some(entry.path.clone())).ok_or_else(|| {
        Failure::fixable(words!("this deposit has no such file", "この預け入れに、そのファイルはありません"))
            .hint(words!("Go back and choose it in the contents.", "戻って、中身の一覧から選んでください。"))
    })
}

/// A folder in the person's own that is not there yet, called so.
pub(crate) fn new_folder(name: &str) -> PathBuf {
    let is_kept = |c: char| !c.is_control() && !"/\\:*?\"<>|".contains(c);
    let name: String = name.chars().map(|c| if is_kept(c) { c } else { '_' }).take(60).collect();
    let name = name.trim_matches([' ', '.']);
    let own = std::env::home_dir().unwrap_or_default();
    let documents = own.join("Documents");
    let place = if documents.is_dir() { documents } else { own };
    let numbered = (2..1_000).map(|number| place.join(format!("{name} ({number})")));
    let mut places = std::iter::once(place.join(name)).chain(numbered);
    places.find(|folder| !folder.exists()).unwrap_or_else(|| place.join(name))
}
