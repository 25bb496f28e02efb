//! `hizo directory update`, and the same in passing.

use std::fs;
use std::path::{Path, PathBuf};

use hizo_keeper::client::{self, RemoteKeeper};
use hizo_ledger::directory::{Directory, Purpose, Seen};
use serde_json::json;

use super::install::{self, Judged};
use crate::failure::{Failure, Kind, Outcome};
use crate::home::{self, Home};
use crate::words::{Words, words};
use crate::{Setting, directory, safe, system};

/// Directories that are fetched at once, at most: ten years of monthly ones.
const FETCHED_MAX: usize = 120;

/// How long before its end the installed directory is spoken of, in seconds: 14 days.
const NEAR_ITS_END_SECONDS: u64 = 14 * 86_400;

/// Fetch the next directories from the keeper, and install the newest
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Whose logs and witnesses you trust, where that is another file than at the last time
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// Root certificates, as PEM, of the authorities whose stamps you trust, where that is another file than at the last time
    #[arg(long, value_name = "PEM")]
    roots: Option<PathBuf>,
}

pub(super) fn run(setting: &Setting, arguments: &Arguments) -> Outcome<()> {
    // A directory may come from another keeper than the safe's own.
    let home = Home::open(&setting.home_folder()?)?;
    let address = setting.keeper.as_deref().or_else(|| home.address()).ok_or_else(|| {
        Failure::new(
            Kind::Usage,
            words!("there is no keeper here to be asked for directories", "名簿を尋ねる預け先がありません"),
        )
        .hint(words!(
            "Name one that hands directories out: `hizo directory update --keeper URL`.",
            "名簿を配っている預け先を指定してください: `hizo directory update --keeper アドレス`。"
        ))
    })?;
    let (policy, roots) = (home.directory_policy_file(), home.directory_roots_file());
    let (policy, roots) = (arguments.policy.as_ref().unwrap_or(&policy), arguments.roots.as_ref().unwrap_or(&roots));
    let (directory, is_new) = next(&home, address, policy, roots)?;
    let result = json!({
        "serial": directory.serial, "until": directory.valid_until.to_string(), "organisations": directory.entries.len(),
        "new": is_new,
    });
    setting.console.result(result, |out| writeln!(out, "{}", setting.console.say(told(&directory, is_new))));
    Ok(())
}

fn told(directory: &Directory, is_new: bool) -> Words {
    let (serial, until) = (directory.serial, directory.valid_until);
    match is_new {
        true => install::told(directory),
        false => words!(
            "directory {serial} is the newest that the keeper hands out; it is good until {until}",
            "預け先が配る最新の名簿は、取り込み済みの第{serial}号です（{until} まで有効）"
        ),
    }
}

/// Where a keeper is asked for the next one without a word of a person: what he trusts was said when the installed one was.
fn asked_by_itself(home: &Home) -> Option<&str> {
    let is_known = home.directory_policy_file().exists() && home.directory_roots_file().exists();
    home.address().filter(|_| is_known && home.directory_file().exists())
}

/// Whether the desk can ask for the next one.
pub(super) fn can_be_asked(home: &Home) -> bool {
    asked_by_itself(home).is_some()
}

/// The same at the desk; what to tell whoever asked.
pub(super) fn by_itself(home: &Home) -> Outcome<Option<Words>> {
    let Some(address) = asked_by_itself(home) else { return Ok(None) };
    let (directory, is_new) = next(home, address, &home.directory_policy_file(), &home.directory_roots_file())?;
    Ok(Some(told(&directory, is_new)))
}

/// The same for a machine that runs by itself: what a person should know of it, else nothing. A line that is down is told of elsewhere.
pub(crate) fn in_passing(home: &Home) -> Option<Words> {
    let address = asked_by_itself(home)?;
    match next(home, address, &home.directory_policy_file(), &home.directory_roots_file()) {
        Ok((directory, is_new)) => is_new.then(|| install::told(&directory)),
        Err(failure) if failure.is_unreachable() => None,
        Err(Failure { message: why, .. }) => Some(words!(
            "the next directory of organisations was not installed: {why}",
            "次の機関の名簿を取り込めませんでした: {why}";
            why
        )),
    }
}

/// Says so when the installed directory is about to end, or has ended, and no next one has come.
pub(crate) fn remind(setting: &Setting) {
    let installed = setting.home_folder().and_then(|folder| directory::installed(&Home::open(&folder)?));
    // A home that cannot be read was told of by the command itself.
    let (Ok(Some((installed, _))), Ok(now)) = (installed, safe::now()) else { return };
    if installed.purpose == Purpose::Sample {
        return;
    }
    let until = installed.valid_until;
    if until.unix_seconds().saturating_sub(now.unix_seconds()) < NEAR_ITS_END_SECONDS {
        setting.console.warn(words!(
            "the directory of organisations is good until {until}, and no next one has come: run `hizo directory update`",
            "機関の名簿の期限は {until} で、次の名簿がまだありません。`hizo directory update` を実行してください"
        ));
    }
}

/// Installs the newest of the directories behind the installed one that the keeper at an address hands out: which one is installed
/// then, and whether it is new.
fn next(home: &Home, address: &str, policy: &Path, roots: &Path) -> Outcome<(Directory, bool)> {
    let (installed, note) = super::installed(home)?;
    if !policy.exists() || !roots.exists() {
        return Err(Failure::new(
            Kind::Usage,
            words!("it is not known here whose logs you trust", "信頼する台帳と時刻認証局が分かりません"),
        )
        .hint(words!(
            "Name them once: `hizo directory update --policy FILE --roots PEM`.",
            "一度だけ指定してください: `hizo directory update --policy ファイル --roots PEM`。"
        )));
    }
    let keeper = RemoteKeeper::of_nobody(address, client::patience(), home.keeper_roots()?.as_deref());
    let keeper = keeper.map_err(Failure::from)?;
    let folder = home.fetched_directories();
    // What was cut short is fetched anew.
    remove(&folder)?;
    system::create_private_directory(&folder).map_err(|error| Failure::file("make the folder", &folder, error))?;
    let proof = folder.join("proof.zip");
    let taken = match fetch(&keeper, installed.seen(&note), &folder, &proof) {
        Ok(files) if files.is_empty() => Ok((installed, false)),
        Ok(files) => install::take(home, &files, None, &Judged { proof: &proof, policy, roots }).map(|new| (new, true)),
        Err(failure) => Err(failure),
    };
    remove(&folder)?;
    taken
}

/// Lays what the keeper hands out behind the directory that was seen into a folder, in order, with the proof of the last.
fn fetch(keeper: &RemoteKeeper, mut seen: Seen, folder: &Path, proof: &Path) -> Outcome<Vec<PathBuf>> {
    let mut files = Vec::new();
    while files.len() < FETCHED_MAX {
        let serial = seen.serial.saturating_add(1);
        let given = keeper.handed_out(seen.publisher.name(), serial).map_err(Failure::from)?;
        let Some((note, proof_of_it)) = given else { break };
        let file = folder.join(serial.to_string());
        home::replace(&file, &note)?;
        home::replace(proof, &proof_of_it)?;
        files.push(file);
        // One that does not go on is judged, and no more are asked for.
        match Directory::verify(&note) {
            Ok(new) if new.goes_on_from(&note, &seen).is_ok() && new.serial == serial => seen = new.seen(&note),
            Ok(_) | Err(_) => break,
        }
    }
    Ok(files)
}

fn remove(folder: &Path) -> Outcome<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(Failure::file("remove", folder, error)),
        Ok(()) | Err(_) => Ok(()),
    }
}
