//! The files of a proof, read from its folder or its ZIP.

mod zip;

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read as _};
use std::path::Path;

use hizo_ledger::proof::{self, Bundle, Names, NotABundle};

use crate::failure::{Failure, Kind, Outcome};
use crate::system;
use crate::words::{Words, words};

/// Every file that a check of a proof reads, by its name in it. A proof is a folder, or one file that holds the same.
pub(crate) fn files(place: &Path) -> Outcome<BTreeMap<String, Vec<u8>>> {
    let is_folder = fs::metadata(place).map_err(|error| Failure::file("read", place, error))?.is_dir();
    if is_folder { of_folder(place) } else { of_zip(place) }
}

/// What lies in a folder beside those, of these names: pages for people.
pub(crate) fn beside(folder: &Path, names: &[&str]) -> Outcome<BTreeMap<String, Vec<u8>>> {
    let mut found = BTreeMap::new();
    for name in names {
        match fs::read(folder.join(name)) {
            Ok(bytes) => drop(found.insert((*name).to_owned(), bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(Failure::file("read", &folder.join(name), error)),
        }
    }
    Ok(found)
}

/// A proof that is one file.
pub(crate) struct Packed {
    /// The file as it is.
    pub bytes: Vec<u8>,
    /// Its files, with the pages for people.
    pub files: BTreeMap<String, Vec<u8>>,
    /// There is something else in it.
    pub has_more: bool,
}

/// The same of one file, with pages of these names.
pub(crate) fn packed(path: &Path, pages: &[&str]) -> Outcome<Packed> {
    let bytes = read(path, zip::BYTES_MAX)?;
    let (files, has_more) = zip::read(&bytes, pages).map_err(not_a_zip)?;
    Ok(Packed { bytes, files, has_more })
}

fn of_zip(path: &Path) -> Outcome<BTreeMap<String, Vec<u8>>> {
    zip::files(&read(path, zip::BYTES_MAX)?).map_err(not_a_zip)
}

fn not_a_zip(error: zip::Error) -> Failure {
    match error {
        zip::Error::Unreadable(_) => not_whole(words!("{error}", "ZIP として読めません（{error}）")),
        error => no_proof(error),
    }
}

fn of_folder(folder: &Path) -> Outcome<BTreeMap<String, Vec<u8>>> {
    let names = names(folder)?;
    let content = |name: &str| {
        let path = folder.join(name);
        let bytes_max = proof::bytes_max(name).unwrap_or(0);
        let content = read_own(&path, bytes_max).map_err(|error| Failure::file("read", &path, error))?;
        Ok(content.map(|content| (name.to_owned(), content)))
    };
    names.to_read().filter_map(|name| content(name).transpose()).collect()
}

fn names(folder: &Path) -> Outcome<Names> {
    let mut names = Names::default();
    let mut places = vec![String::new()];
    while let Some(below) = places.pop() {
        let place = folder.join(&below);
        for entry in fs::read_dir(&place).map_err(|error| Failure::file("read", &place, error))? {
            let entry = entry.map_err(|error| Failure::file("read", &place, error))?;
            let kind = entry.file_type().map_err(|error| Failure::file("read", &entry.path(), error))?;
            let Ok(name) = entry.file_name().into_string() else { continue };
            let name = format!("{below}{name}");
            // A pipe or a link would lead out of what was handed over.
            if kind.is_file() {
                names.add(name).map_err(no_proof)?;
            } else if kind.is_dir() && proof::is_folder(&name) {
                places.push(name + "/");
            }
        }
    }
    Ok(names)
}

/// The proof that these files are.
pub(crate) fn of(files: BTreeMap<String, Vec<u8>>) -> Outcome<Bundle> {
    Bundle::new(files).map_err(|error| match &error {
        NotABundle::Missing(name) => not_whole(words!("{name} is missing", "{name} がありません")),
        NotABundle::TooLong(_) | NotABundle::TooManyFiles => no_proof(error),
        NotABundle::TooManyStamps | NotABundle::TooManyRenewals | NotABundle::TooManyKept => no_proof(error),
    })
}

fn not_whole(reason: Words) -> Failure {
    Failure::new(
        Kind::Unknown,
        words!("this is no whole proof: {reason}", "証明として揃っていません: {reason}"; reason),
    )
    .hint(words!(
        "Name the folder or the ZIP that the proof came in, with everything that was in it.",
        "受け取った証明のフォルダーか ZIP を、中身をすべて揃えて指定してください。"
    ))
}

fn no_proof(error: impl std::error::Error) -> Failure {
    Failure::untrue(words!("this is no proof: {error}", "証明ではありません: {error}"))
}

/// A file that the person names: at most one byte more than may be there.
pub(crate) fn read(path: &Path, bytes_max: usize) -> Outcome<Vec<u8>> {
    let bytes = fs::File::open(path).and_then(|file| read_open(file, bytes_max));
    bytes.map_err(|error| Failure::file("read", path, error))
}

/// A file of a proof; `None` when what stands there by now is none.
fn read_own(path: &Path, bytes_max: usize) -> io::Result<Option<Vec<u8>>> {
    let file = system::open_to_read(path)?;
    if file.metadata()?.is_file() { read_open(file, bytes_max).map(Some) } else { Ok(None) }
}

fn read_open(file: fs::File, bytes_max: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let room = u64::try_from(bytes_max).unwrap_or(u64::MAX).saturating_add(1);
    file.take(room).read_to_end(&mut bytes)?;
    Ok(bytes)
}
