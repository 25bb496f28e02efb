//! `hizo restore`

use std::path::PathBuf;
use std::sync::OnceLock;

use serde_json::json;

use super::{Plan, Request, Watcher, path_in_deposit};
use crate::Setting;
use crate::console::{self, Console, Progress};
use crate::contents::{Chosen, Opened};
use crate::failure::{Outcome, shown, shown_bytes};
use crate::view::View;
use crate::words::{self, words};

/// Lost files that are shown to people; scripts get all.
const LOST_SHOWN: usize = 10;

/// Bring a deposit, or parts of it, back into a new folder
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The deposit's id or its first digits, latest:NAME, or NAME:NUMBER
    deposit: String,
    /// What to restore, as `hizo show` writes it; everything if nothing is named
    paths: Vec<PathBuf>,
    /// The folder to make; it must not be there yet, or be empty
    #[arg(long, value_name = "DIR")]
    to: PathBuf,
    /// Restore set-user-id bits and security attributes too
    #[arg(long)]
    special: bool,
    /// Use what a restore to the same folder has left that was cut short: only the rest is fetched
    #[arg(long)]
    go_on: bool,
    /// Say what would be restored, and write nothing
    #[arg(long)]
    dry_run: bool,
}

pub(crate) fn run(setting: &Setting, arguments: &Arguments) -> Outcome<()> {
    let safe = setting.safe_at_hand()?;
    let keyring = setting.unlock(&safe)?;
    let opened = Opened { safe: &safe, keyring: &keyring };
    let record = setting.find(&View::of(opened)?, opened, &arguments.deposit)?;
    let paths = arguments.paths.iter().map(|path| path_in_deposit(path)).collect();
    let request = Request::by_person(opened, arguments.to.clone(), paths, arguments.special)?;
    let request = Request { goes_on: arguments.go_on, ..request };
    if arguments.dry_run {
        return dry_run(setting, opened, record, &request);
    }
    let bar = Bar { console: setting.console, progress: OnceLock::new() };
    let restored = super::restore(opened, record, &request, &bar)?;
    drop(bar);
    for (path, reason) in &restored.left_out {
        let (path, reason) = (shown_bytes(path), words::reason(reason));
        setting.console.warn(
            words!("not restored {path}: {reason}", "{path} は取り出せませんでした: {reason}", path = path; reason),
        );
    }
    for (path, reason) in restored.lost.iter().take(LOST_SHOWN) {
        let (path, reason) = (shown_bytes(path), reason.clone());
        setting.console.warn(words!("lost {path}: {reason}", "{path} は取り出せません: {reason}"; reason));
    }
    if restored.lost.len() > LOST_SHOWN {
        let more = restored.lost.len() - LOST_SHOWN;
        setting.console.warn(words!(
            "and {more} more are lost; --json names them",
            "ほか{more}個も取り出せません。--json で一覧できます"
        ));
    }
    for folder in &restored.earlier {
        let folder = shown(folder);
        setting.console.warn(words!(
            "{folder} holds what an earlier restore has left and is not of this deposit, or was changed since",
            "{folder} には、前に取り出したときに残ったもののうち、この預け入れにないものと、あとで変わったものがあります"
        ));
    }
    let left_out = restored.left_out.iter().map(|(path, reason)| entry_as_json(path, reason));
    let lost = restored.lost.iter().map(|(path, reason)| entry_as_json(path, reason.english()));
    let is_whole = restored.lost.is_empty();
    let to = if is_whole { &request.to } else { &restored.to };
    let result = json!({
        "deposit": record.id().to_string(), "to": to.to_string_lossy(), "complete": is_whole,
        "files": restored.files, "bytes": restored.bytes, "files_there": restored.files_there,
        "earlier": restored.earlier.iter().map(|folder| folder.to_string_lossy()).collect::<Vec<_>>(),
        "left_out": left_out.collect::<Vec<_>>(), "lost": lost.collect::<Vec<_>>(),
    });
    setting.console.result(result, |out| {
        let (files, bytes, to) = (words::files(restored.files), console::bytes(restored.bytes), shown(to));
        let done = match is_whole {
            true => words!(
                "restored {files}, {bytes}, to {to}; each is the one committed to",
                "{files}（{bytes}）を {to} に取り出しました。どれも預けたときと同じものです",
                bytes = bytes, to = to; files
            ),
            false => words!(
                "restored what could be had, {files}, {bytes}, to {to}; each is the one committed to",
                "取り出せるものだけ、{files}（{bytes}）を {to} に取り出しました。どれも預けたときと同じものです",
                bytes = bytes, to = to; files
            ),
        };
        writeln!(out, "{}", setting.console.say(done))?;
        if restored.files_there > 0 {
            let there = words::files(restored.files_there);
            let line = words!("of these, {there} were there already", "そのうち、すでにあったもの: {there}"; there);
            writeln!(out, "{}", setting.console.say(line))?;
        }
        Ok(())
    });
    restored.shortfall().map_or(Ok(()), Err)
}

/// A path that is not text comes as base64 too.
fn entry_as_json(path: &[u8], reason: &str) -> serde_json::Value {
    let mut object = json!({ "path": String::from_utf8_lossy(path), "reason": reason });
    if std::str::from_utf8(path).is_err() {
        object["path_base64"] = crate::home::base64(path).into();
    }
    object
}

fn dry_run(setting: &Setting, opened: Opened, record: &hizo_ledger::record::Record, request: &Request) -> Outcome<()> {
    let Plan { entries, bytes, .. } = Plan::of(&opened.list(record)?, Chosen(&request.paths))?;
    setting.console.result(json!({ "dry_run": true, "entries": entries, "bytes": bytes }), |out| {
        let planned = words!(
            "would restore {entries} entries, {bytes}, to {to}",
            "{entries}件（{bytes}）を {to} に取り出します（まだ取り出していません）",
            entries = entries,
            bytes = console::bytes(bytes),
            to = shown(&request.to)
        );
        writeln!(out, "{}", setting.console.say(planned))
    });
    Ok(())
}

struct Bar {
    console: Console,
    progress: OnceLock<Progress>,
}

impl Watcher for Bar {
    fn planned(&self, _files: u64, bytes: u64) {
        let _ = self.progress.set(self.console.progress(words!("restoring", "取り出し中"), bytes));
    }

    fn progress(&self, bytes: u64) {
        if let Some(progress) = self.progress.get() {
            progress.add(bytes);
        }
    }
}
