//! How each program is told to do the same thing: minimal settings, its own defaults.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::bench::measure;
use crate::bench::peers::{Kind, Program};
use crate::shell::{self, About, Failure, Result};

pub(crate) const PASSPHRASE: &str = "correct horse battery staple";

/// A folder of its own for one program and one round: repository, caches, secrets.
pub(crate) struct Place {
    folder: PathBuf,
}

/// One thing to do.
pub(crate) enum Act<'a> {
    Init,
    Deposit(&'a Path),
    /// A deposit that reads every file, whatever its times say.
    Reread(&'a Path),
    /// A command that unlocks the repository and does nothing.
    Empty,
    Restore(&'a Path, &'a Path),
    /// Source, path of the file in it, target folder.
    RestoreOne(&'a Path, &'a str, &'a Path),
    /// Reads everything that is kept.
    Check,
    /// Path of a file in the deposit, target folder.
    Proof(&'a str, &'a Path),
}

impl Place {
    pub(crate) fn new(folder: PathBuf) -> Result<Self> {
        fs::create_dir_all(folder.join("cache")).about(&folder)?;
        fs::create_dir_all(folder.join("repo")).about(&folder)?;
        let passphrase = folder.join("passphrase");
        fs::write(&passphrase, PASSPHRASE).about(&passphrase)?;
        Ok(Self { folder })
    }

    /// What is kept: the repository. For hizo that is the keeper's folder, journal included; what a device remembers to
    /// save work is left out, as are the caches of the others.
    pub(crate) fn stored_bytes(&self) -> Result<u64> {
        let keeper = self.repo().join("home/keeper");
        measure::stored_bytes(&if keeper.exists() { keeper } else { self.repo() })
    }

    fn repo(&self) -> PathBuf {
        self.folder.join("repo")
    }

    /// A command of the program with an environment that keeps to this folder.
    fn command(&self, program: &Program) -> Command {
        let mut command = program.command();
        command.current_dir(&self.folder);
        command.env("HOME", self.folder.join("cache")).env("XDG_CACHE_HOME", self.folder.join("cache"));
        command.env("BORG_BASE_DIR", self.folder.join("cache")).env("BORG_PASSPHRASE", PASSPHRASE);
        command
    }
}

/// The command for an act; `None` where a program has no such act.
pub(crate) fn command(kind: Kind, program: &Program, place: &Place, act: &Act<'_>) -> Result<Option<Command>> {
    let mut command = place.command(program);
    let told = match kind {
        Kind::Hizo => hizo(&mut command, program, place, act)?,
        Kind::Restic => restic(&mut command, place, act),
        Kind::Rustic => rustic(&mut command, place, act),
        Kind::Borg => borg(&mut command, place, act)?,
        Kind::Age => age(&mut command, program, place, act)?,
        Kind::Cp => cp(&mut command, act),
    };
    Ok(told.then_some(command))
}

/// Where a restored source lies beneath the target: programs differ in how much of the path they lay out again.
pub(crate) fn restored(source: &Path, target: &Path) -> PathBuf {
    let name = source.file_name().unwrap_or_default();
    let candidates = [target.join(name), target.join(source.strip_prefix("/").unwrap_or(source))];
    candidates.into_iter().rev().find(|path| path.exists()).unwrap_or_else(|| target.to_path_buf())
}

fn hizo(command: &mut Command, program: &Program, place: &Place, act: &Act<'_>) -> Result<bool> {
    let globals = |command: &mut Command| {
        command.arg("--home").arg(place.repo().join("home"));
        command.arg("--passphrase-file").arg(place.folder.join("passphrase"));
    };
    globals(command);
    match act {
        Act::Init => command.arg("init"),
        Act::Deposit(source) => command.arg("deposit").arg(source).args(["--series", "bench"]),
        Act::Reread(source) => command.arg("deposit").arg(source).args(["--series", "bench", "--reread"]),
        Act::Empty => command.args(["list", "--json"]),
        Act::Restore(_, target) => command.args(["restore", "latest:bench", "--to"]).arg(target),
        Act::RestoreOne(_, path, target) => {
            let mut show = place.command(program);
            globals(&mut show);
            let shown = shell::output(show.args(["show", "latest:bench", "--json"]))?;
            let listed = listed_path(&serde_json::from_str(&shown)?, path);
            let listed = listed.ok_or_else(|| Failure(format!("hizo show does not list {path}")))?;
            command.args(["restore", "latest:bench", "--to"]).arg(target).arg(listed)
        }
        Act::Check => command.arg("check"),
        Act::Proof(path, target) => command.args(["proof", "latest:bench", path, "--to"]).arg(target),
    };
    Ok(true)
}

/// The path as the manifest spells it: the longest text in the listing that ends with the wanted path.
fn listed_path(listing: &Value, wanted: &str) -> Option<String> {
    match listing {
        Value::String(text) => (text == wanted || text.ends_with(&format!("/{wanted}"))).then(|| text.clone()),
        Value::Array(items) => items.iter().find_map(|item| listed_path(item, wanted)),
        Value::Object(fields) => fields.values().find_map(|value| listed_path(value, wanted)),
        _ => None,
    }
}

fn restic(command: &mut Command, place: &Place, act: &Act<'_>) -> bool {
    command.arg("--repo").arg(place.repo()).arg("--password-file").arg(place.folder.join("passphrase")).arg("--quiet");
    match act {
        Act::Init => command.arg("init"),
        Act::Deposit(source) => command.arg("backup").arg(source),
        Act::Reread(source) => command.args(["backup", "--force"]).arg(source),
        Act::Empty => command.args(["cat", "config"]),
        Act::Restore(_, target) => command.args(["restore", "latest", "--target"]).arg(target),
        Act::RestoreOne(source, path, target) => {
            command.args(["restore", "latest", "--target"]).arg(target).arg("--include").arg(source.join(path))
        }
        Act::Check => command.args(["check", "--read-data"]),
        Act::Proof(..) => return false,
    };
    true
}

fn rustic(command: &mut Command, place: &Place, act: &Act<'_>) -> bool {
    command.arg("--repository").arg(place.repo()).arg("--password-file").arg(place.folder.join("passphrase"));
    command.arg("--no-progress").args(["--log-level", "warn"]);
    let latest = |path: &Path| {
        let mut snapshot = OsString::from("latest:");
        snapshot.push(path);
        snapshot
    };
    match act {
        Act::Init => command.arg("init"),
        Act::Deposit(source) => command.arg("backup").arg(source),
        Act::Reread(source) => command.args(["backup", "--force"]).arg(source),
        Act::Empty => command.args(["cat", "config"]),
        Act::Restore(source, target) => command.arg("restore").arg(latest(source)).arg(beneath(source, target)),
        Act::RestoreOne(source, path, target) => {
            let file = source.join(path);
            command.arg("restore").arg(latest(&file)).arg(target.join(file.file_name().unwrap_or_default()))
        }
        Act::Check => command.args(["check", "--read-data"]),
        Act::Proof(..) => return false,
    };
    true
}

/// rustic restores a file to the path that is named and a folder into it.
fn beneath(source: &Path, target: &Path) -> PathBuf {
    target.join(source.file_name().unwrap_or_default())
}

fn borg(command: &mut Command, place: &Place, act: &Act<'_>) -> Result<bool> {
    let repo = place.repo();
    let archive = |name: &str| format!("{}::{name}", repo.display());
    let inside = |path: &Path| path.strip_prefix("/").unwrap_or(path).to_path_buf();
    let new = ["{now:%H%M%S%f}"];
    match act {
        // AES-CTR with HMAC-SHA-256, both in hardware here, is the faster of borg's two modes.
        Act::Init => command.args(["init", "--encryption", "repokey"]).arg(&repo),
        Act::Deposit(source) => command.arg("create").arg(archive(new[0])).arg(source),
        Act::Reread(source) => command.args(["create", "--files-cache", "disabled"]).arg(archive(new[0])).arg(source),
        Act::Empty => command.arg("list").arg(&repo),
        Act::Restore(_, target) | Act::RestoreOne(_, _, target) => {
            fs::create_dir_all(target).about(target)?;
            let mut list = Command::new(command.get_program());
            list.args(command.get_args()).envs(command.get_envs().filter_map(|(key, value)| Some((key, value?))));
            let names = shell::output(list.args(["list", "--short", "--last", "1"]).arg(&repo))?;
            command.current_dir(target).arg("extract").arg(archive(names.trim()));
            if let Act::RestoreOne(source, path, _) = act {
                command.arg(inside(&source.join(path)));
            }
            command
        }
        Act::Check => command.args(["check", "--verify-data"]).arg(&repo),
        Act::Proof(..) => return Ok(false),
    };
    Ok(true)
}

fn age(command: &mut Command, program: &Program, place: &Place, act: &Act<'_>) -> Result<bool> {
    let (key, sealed) = (place.folder.join("key"), place.repo().join("sealed.age"));
    match act {
        Act::Init => {
            let made = shell::output(Command::new(program.path.with_file_name("age-keygen")).arg("-o").arg(&key));
            made.map(|_| false)
        }
        Act::Deposit(source) if source.is_file() => {
            let recipient = shell::output(Command::new(program.path.with_file_name("age-keygen")).arg("-y").arg(&key))?;
            command.arg("-r").arg(recipient.trim()).arg("-o").arg(&sealed).arg(source);
            Ok(true)
        }
        Act::Restore(source, target) if source.is_file() => {
            fs::create_dir_all(target).about(target)?;
            command.arg("-d").arg("-i").arg(&key).arg("-o").arg(beneath(source, target)).arg(&sealed);
            Ok(true)
        }
        Act::Deposit(_) | Act::Restore(..) | Act::Reread(_) | Act::Empty | Act::RestoreOne(..) | Act::Check => {
            Ok(false)
        }
        Act::Proof(..) => Ok(false),
    }
}

fn cp(command: &mut Command, act: &Act<'_>) -> bool {
    match act {
        Act::Restore(source, target) => {
            // The floor of a restore: the same files written once more.
            command.arg("-a").arg(source).arg(target);
            true
        }
        Act::Init | Act::Deposit(_) | Act::Reread(_) | Act::Empty | Act::RestoreOne(..) | Act::Check => false,
        Act::Proof(..) => false,
    }
}
