//! A proof that came as one file: its files, with every way refused in which two readers of a ZIP could see two things.
//!
//! See docs/spec/proof.md, section "As one file". Nothing is written anywhere.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;

use flate2::read::DeflateDecoder;
use hizo_ledger::proof::{Names, NotABundle, bytes_max};
use rawzip::{CompressionMethod, ZipArchive, ZipFileHeaderRecord, ZipSliceArchive, ZipSliceEntry};

/// Length of the file, at most, in bytes.
pub(super) const BYTES_MAX: usize = 256 << 20;

/// Entries, at most: every file that a proof may have, and some that are not read.
const ENTRIES_MAX: usize = 1_024;

/// Length of a page for people, at most, in bytes.
const PAGE_BYTES_MAX: usize = 16 << 20;

/// The file that shows where a proof lies.
const RECORD: &str = "record.note";

/// Why a ZIP is not read as a proof.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    /// It is none, or was cut short or damaged.
    #[error("it is no whole ZIP: {0}")]
    Unreadable(String),
    /// Longer than [`BYTES_MAX`].
    #[error("the ZIP is longer than a proof may be")]
    TooLong,
    /// More than [`ENTRIES_MAX`].
    #[error("the ZIP holds more entries than a proof may")]
    TooMany,
    /// More stamps, renewals or files than a proof has.
    #[error("in the ZIP {0}")]
    NotABundle(#[from] NotABundle),
    /// Something lies before, between or behind what its directory names, or two entries share bytes.
    #[error("the ZIP holds bytes that its directory does not name, or names twice")]
    Layout,
    /// A name that is no plain relative path, or other than the one at the entry itself.
    #[error("the ZIP holds a name that could lead elsewhere")]
    Name,
    /// Two entries that some system would lay at one place.
    #[error("the ZIP holds a name twice")]
    Twice,
    /// A link, something encrypted, or packed in another way than stored or by DEFLATE.
    #[error("the ZIP holds an entry of a kind that a proof has not")]
    Kind,
    /// An entry that is longer than a file of its name may be.
    #[error("{0} in the ZIP is longer than it may be")]
    FileTooLong(String),
}

impl From<rawzip::Error> for Error {
    fn from(error: rawzip::Error) -> Self {
        Self::Unreadable(error.to_string())
    }
}

/// The files of a proof, by name. Others are checked for tricks and not read.
pub(super) fn files(bytes: &[u8]) -> Result<BTreeMap<String, Vec<u8>>, Error> {
    Ok(read(bytes, &[])?.0)
}

/// The same with pages for people of these names beside them; and whether there is anything else in it.
pub(super) fn read(bytes: &[u8], beside: &[&str]) -> Result<(BTreeMap<String, Vec<u8>>, bool), Error> {
    if bytes.len() > BYTES_MAX {
        return Err(Error::TooLong);
    }
    let archive = ZipArchive::from_slice(bytes)?;
    if archive.end_offset() != bytes.len() as u64 {
        return Err(Error::Layout);
    }
    let (mut found, mut seen, mut ends) = (Vec::new(), BTreeSet::new(), BTreeMap::new());
    let mut entries = archive.entries();
    while let Some(record) = entries.next_entry()? {
        if found.len() == ENTRIES_MAX {
            return Err(Error::TooMany);
        }
        let entry = archive.get_entry(record.wayfinder())?;
        let name = name(&record, &entry)?;
        // Some systems take names for one that differ in case alone.
        if !seen.insert(name.to_ascii_lowercase()) || ends.insert(record.local_header_offset(), end(&entry)?).is_some()
        {
            return Err(Error::Twice);
        }
        found.push((name, record, entry));
    }
    if archive.entries_hint() != found.len() as u64 {
        return Err(Error::Unreadable("its directory is not as long as it says".into()));
    }
    if !is_laid_end_to_end(&archive, &ends) {
        return Err(Error::Layout);
    }
    let folder = folder(found.iter().map(|(name, ..)| name.as_str())).to_owned();
    let own = || found.iter().filter_map(|(name, record, entry)| Some((name.strip_prefix(&folder)?, record, entry)));
    let mut names = Names::default();
    own().try_for_each(|(name, ..)| names.add(name.to_owned()))?;
    let wanted: BTreeSet<&str> = names.to_read().collect();
    let mut files = BTreeMap::new();
    for (name, record, entry) in own().filter(|(name, ..)| wanted.contains(name) || beside.contains(name)) {
        let bytes_max = bytes_max(name).unwrap_or(if beside.contains(&name) { PAGE_BYTES_MAX } else { 0 });
        let content = content(record, entry, bytes_max)?.ok_or_else(|| Error::FileTooLong(name.to_owned()))?;
        files.insert(name.to_owned(), content);
    }
    // A folder that was packed whole has its own entry, and those of the folders in it.
    let has_more = found.iter().any(|(name, ..)| {
        !name.ends_with('/') && !name.strip_prefix(&folder).is_some_and(|name| files.contains_key(name))
    });
    Ok((files, has_more))
}

/// Where the proof lies: at the top, or in the one folder that somebody packed whole.
fn folder<'a>(mut names: impl Iterator<Item = &'a str> + Clone) -> &'a str {
    if names.clone().any(|name| name == RECORD) {
        return "";
    }
    let is_in_folder = |folder: &&str| folder.strip_suffix('/').is_some_and(|name| !name.contains('/'));
    names.find_map(|name| name.strip_suffix(RECORD).filter(is_in_folder)).unwrap_or_default()
}

/// A relative path of plain parts, the same in the directory and at the entry.
fn name(record: &ZipFileHeaderRecord<'_>, entry: &ZipSliceEntry<'_>) -> Result<String, Error> {
    let (path, local) = (record.file_path(), entry.local_header());
    let name = std::str::from_utf8(path.as_bytes()).map_err(|_| Error::Name)?;
    let is_plain = |part: &str| !part.is_empty() && part != "." && part != "..";
    let is_tricky = |letter: char| letter.is_control() || matches!(letter, '\\' | ':');
    let parts = name.strip_suffix('/').unwrap_or(name).split('/');
    if local.file_path().as_bytes() != path.as_bytes() || name.contains(is_tricky) || !parts.into_iter().all(is_plain) {
        return Err(Error::Name);
    }
    let method = record.compression_method();
    let is_packed_as_known = method == CompressionMethod::STORE || method == CompressionMethod::DEFLATE;
    let is_of_a_kind = !record.mode().is_symlink() && !record.flags().is_encrypted() && is_packed_as_known;
    if is_of_a_kind && local.compression_method() == method { Ok(name.to_owned()) } else { Err(Error::Kind) }
}

/// The content, unless it is longer than this: not one byte more is unpacked. Length and checksum are the directory's.
fn content(
    record: &ZipFileHeaderRecord<'_>,
    entry: &ZipSliceEntry<'_>,
    bytes_max: usize,
) -> Result<Option<Vec<u8>>, Error> {
    let room = u64::try_from(bytes_max).unwrap_or(u64::MAX);
    if record.uncompressed_size_hint() > room {
        return Ok(None);
    }
    let packed: Box<dyn Read + '_> = match record.compression_method() {
        CompressionMethod::STORE => Box::new(entry.data()),
        _ => Box::new(DeflateDecoder::new(entry.data())),
    };
    let mut content = Vec::new();
    // The one byte more shows what is longer than it says.
    let read = entry.verifying_reader(packed.take(room.saturating_add(1))).read_to_end(&mut content);
    match read {
        Ok(_) if content.len() > bytes_max => Ok(None),
        Ok(_) => Ok(Some(content)),
        Err(error) => Err(Error::Unreadable(error.to_string())),
    }
}

/// Where an entry may end: behind its content, or behind the descriptor that repeats its lengths. That has two forms, each
/// with its signature or without (APPNOTE, 4.3.9).
fn end(entry: &ZipSliceEntry<'_>) -> Result<Vec<u64>, Error> {
    let (_, end) = entry.compressed_data_range();
    let descriptors: &[u64] = if entry.data_descriptor()?.is_some() { &[12, 16, 20, 24] } else { &[0] };
    Ok(descriptors.iter().map(|length| end.saturating_add(*length)).collect())
}

/// Whether the entries fill the file up to its directory, without a gap and without sharing a byte.
fn is_laid_end_to_end(archive: &ZipSliceArchive<&[u8]>, ends: &BTreeMap<u64, Vec<u64>>) -> bool {
    let first = vec![0];
    let before = [&first].into_iter().chain(ends.values());
    before.zip(ends.keys().copied().chain([archive.directory_offset()])).all(|(ends, start)| ends.contains(&start))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The hostile ones are in vectors/zip/v1, and the tests of the whole program run them.
    #[test]
    fn no_flipped_byte_and_no_cut_gives_other_files_or_a_panic() {
        for name in ["stored", "deflated"] {
            let path = format!("{}/../../vectors/zip/v1/accepted/{name}.zip", env!("CARGO_MANIFEST_DIR"));
            let whole = std::fs::read(path).unwrap();
            let right = files(&whole).unwrap();
            for place in 0..whole.len() {
                let mut flipped = whole.clone();
                flipped[place] ^= 1 << (place % 8);
                // A name may become that of a file that is not read; no content may become another.
                let found = files(&flipped).unwrap_or_default();
                assert!(found.iter().all(|(name, content)| right.get(name) == Some(content)), "{name}: byte {place}");
            }
            for length in 0..whole.len() {
                assert!(files(&whole[..length]).is_err(), "{name}: cut to {length}");
            }
        }
    }
}
