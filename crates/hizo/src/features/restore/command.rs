//! `hizo restore`

use std::path::PathBuf;
use std::sync::OnceLock;

use serde_json::json;

use super::{Request, Watcher, path_in_deposit};
use crate::Setting;
use crate::console::{self, Console, Progress};
use crate::contents::Opened;
use crate::failure::{Failure, Outcome, shown, shown_bytes};
use crate::view::View;
use crate::words::{self, words};

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
    /// Say what would be restored, and write nothing
    #[arg(long)]
    dry_run: bool,
}

pub(crate) fn run(setting: &Setting, arguments: &Arguments) -> Outcome<()> {
    let safe = setting.safe()?;
    let keyring = setting.unlock(&safe)?;
    let opened = Opened { safe: &safe, keyring: &keyring };
    let record = setting.find(&View::of(opened)?, opened, &arguments.deposit)?;
    let paths = arguments.paths.iter().map(|path| path_in_deposit(path)).collect();
    let request = Request { to: arguments.to.clone(), paths, special: arguments.special };
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
    let left_out: Vec<_> = restored
        .left_out
        .iter()
        .map(|(path, reason)| json!({ "path": String::from_utf8_lossy(path), "reason": reason }))
        .collect();
    let result = json!({
        "deposit": record.id().to_string(), "to": request.to.to_string_lossy(),
        "files": restored.files, "bytes": restored.bytes, "left_out": left_out,
    });
    setting.console.result(result, |out| {
        let files = words::files(restored.files);
        let done = words!(
            "restored {files}, {bytes}, to {to}; each is the one committed to",
            "{files}（{bytes}）を {to} に取り出しました。どれも預けたときと同じものです",
            bytes = console::bytes(restored.bytes),
            to = shown(&request.to);
            files
        );
        writeln!(out, "{}", setting.console.say(done))
    });
    match restored.left_out.len() {
        0 => Ok(()),
        count => Err(Failure::fixable(words!(
            "{count} things could not be restored on this system",
            "{count}件は、このシステムでは取り出せませんでした"
        ))
        .hint(words!(
            "Restore them on a system that has such files.",
            "そのようなファイルを扱えるシステムで取り出してください。"
        ))),
    }
}

fn dry_run(setting: &Setting, opened: Opened, record: &hizo_ledger::record::Record, request: &Request) -> Outcome<()> {
    let manifest = opened.manifest(record)?;
    let wanted = super::select(&manifest, &request.paths)?;
    let bytes: u64 = wanted.iter().filter_map(|entry| Some(entry.kind.content()?.size)).sum();
    setting.console.result(json!({ "dry_run": true, "entries": wanted.len(), "bytes": bytes }), |out| {
        let planned = words!(
            "would restore {entries} entries, {bytes}, to {to}",
            "{entries}件（{bytes}）を {to} に取り出します（まだ取り出していません）",
            entries = wanted.len(),
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
