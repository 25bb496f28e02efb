//! A proof as one file. See docs/spec/proof.md, section "As one file".

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;

use flate2::Compression;
use flate2::write::DeflateEncoder;
use rawzip::time::UtcDateTime;
use rawzip::{CompressionMethod, ZipArchiveWriter};

use crate::failure::{Failure, Outcome};

/// Whether a proof of this name is to be one file.
pub(super) fn is_named(to: &Path) -> bool {
    to.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("zip"))
}

/// The files in the order of their names. The same files make the same bytes: every one carries the earliest time that a
/// ZIP can hold.
pub(super) fn archive(files: &BTreeMap<String, Vec<u8>>) -> Outcome<Vec<u8>> {
    let mut archive = ZipArchiveWriter::new(Vec::new());
    for (name, bytes) in files {
        add(&mut archive, name, bytes).map_err(Failure::internal)?;
    }
    archive.finish().map_err(Failure::internal)
}

fn add(archive: &mut ZipArchiveWriter<Vec<u8>>, name: &str, bytes: &[u8]) -> Result<(), rawzip::Error> {
    let file = archive.new_file(name).compression_method(CompressionMethod::DEFLATE);
    let (mut entry, config) = match UtcDateTime::from_components(1980, 1, 1, 0, 0, 0, 0) {
        Some(earliest) => file.last_modified(earliest),
        None => file,
    }
    .start()?;
    let mut writer = config.wrap(DeflateEncoder::new(&mut entry, Compression::default()));
    writer.write_all(bytes)?;
    let (encoder, descriptor) = writer.finish()?;
    encoder.finish()?;
    entry.finish(descriptor)?;
    Ok(())
}
