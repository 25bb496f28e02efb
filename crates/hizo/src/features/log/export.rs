//! `hizo log export`: the log as plain files (C2SP tlog-tiles), after a check of all of it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use hizo_ledger::log::tile::Tile;
use serde_json::json;

use crate::Setting;
use crate::failure::{Failure, Outcome, shown};
use crate::folder::staging::Staging;
use crate::keeper::log_failed;
use crate::log::{self, SeenLog};
use crate::safe::Safe;
use crate::words::words;

/// Check the log and write it into a folder that others can read
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The folder to make; it must not be there yet, or be empty
    #[arg(long, value_name = "DIR")]
    to: PathBuf,
}

pub(super) fn run(setting: &Setting, arguments: &Arguments) -> Outcome<()> {
    let safe = setting.safe()?;
    let seen = SeenLog::publish(&safe)?;
    log::check(&safe)?;
    let staging = Staging::begin(&arguments.to)?;
    let written = match write(&safe, &seen, staging.folder()) {
        Ok(written) => written,
        Err(failure) => {
            staging.discard();
            return Err(failure);
        }
    };
    staging.settle()?;
    let size = seen.checkpoint.size;
    let result = json!({
        "to": arguments.to.to_string_lossy(), "origin": seen.checkpoint.origin.as_str(), "size": size,
        "root": seen.checkpoint.root.to_string(), "files": written.files, "bytes": written.bytes,
    });
    let console = setting.console;
    console.result(result, |out| {
        let said = words!(
            "log of {size} records, checked, in {to}",
            "記録 {size} 件の台帳を確かめて、{to} に書き出しました",
            to = shown(&arguments.to)
        );
        if console.quiet { Ok(()) } else { writeln!(out, "{}", console.say(said)) }
    });
    Ok(())
}

/// What was written.
#[derive(Default)]
struct Written {
    files: u64,
    bytes: u64,
}

impl Written {
    fn file(&mut self, path: &Path, bytes: &[u8]) -> Outcome<()> {
        let write = || -> io::Result<()> {
            fs::create_dir_all(path.parent().unwrap_or(Path::new(".")))?;
            fs::write(path, bytes)
        };
        write().map_err(|error| Failure::file("write to", path, error))?;
        self.files += 1;
        self.bytes += bytes.len() as u64;
        Ok(())
    }
}

fn write(safe: &Safe, seen: &SeenLog, to: &Path) -> Outcome<Written> {
    let (mut written, published) = (Written::default(), seen.keeper_log().published());
    let failed = log_failed;
    written.file(&to.join("checkpoint"), &seen.witnessed(&seen.note)?.0)?;
    for tile in Tile::between(0, seen.checkpoint.size) {
        let bytes = published.tile(tile).map_err(failed)?;
        let bytes = bytes.ok_or_else(|| Failure::internal_message("a tile of a log that was checked is gone"))?;
        written.file(&to.join(tile.path()), &bytes)?;
    }
    // Each beside the head that it is over, which has no cosignatures.
    let sizes = seen.keeper_log().stamped_sizes(&safe.keeper)?;
    for size in sizes {
        for (path, bytes) in published.stamps_over(size).map_err(failed)? {
            written.file(&to.join(path), &bytes)?;
        }
    }
    Ok(written)
}
