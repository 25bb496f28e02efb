//! `hizo export`

use std::path::PathBuf;
use std::sync::OnceLock;

use hizo_ledger::id::SeriesId;
use serde_json::json;

use super::{Exported, Request, Watcher};
use crate::Setting;
use crate::console::{self, Console, Progress};
use crate::contents::Opened;
use crate::failure::{Failure, Outcome, shown};
use crate::safe::Safe;
use crate::view::View;
use crate::words::{deposits, words};

/// Copy sealed deposits into a folder that stock tools can recover from
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The folder to make; it must not be there yet, or be empty
    #[arg(long, value_name = "DIR")]
    to: PathBuf,
    /// Only this series
    #[arg(long, value_name = "NAME")]
    series: Option<String>,
    /// Write down what each series is called, for everybody to read
    #[arg(long)]
    names: bool,
    /// Put the identity file in too; whoever has the folder then needs the passphrase alone
    #[arg(long)]
    with_identity: bool,
    /// Leave out what is missing or damaged, and say so
    #[arg(long)]
    incomplete: bool,
    /// Say what would be exported, and write nothing
    #[arg(long)]
    dry_run: bool,
}

pub(crate) fn run(setting: &Setting, arguments: &Arguments) -> Outcome<()> {
    let safe = setting.safe()?;
    let request = request(setting, arguments, &safe)?;
    if arguments.dry_run {
        return dry_run(setting.console, &safe, &request);
    }
    let bar = Bar { console: setting.console, progress: OnceLock::new() };
    let exported = super::export(&safe, &request, &bar)?;
    drop(bar);
    report(setting.console, &safe, &request, &exported);
    match exported.missing.len() {
        0 => Ok(()),
        count => Err(Failure::untrue(words!(
            "{count} objects are missing or damaged and were left out",
            "なくなったか壊れている部品が{count}個あり、書き出していません"
        ))
        .hint(words!(
            "MISSING.txt names them. Run `hizo check` to see which deposits they touch.",
            "MISSING.txt に一覧があります。`hizo check` で、どの預け入れに影響するか分かります。"
        ))),
    }
}

fn request(setting: &Setting, arguments: &Arguments, safe: &Safe) -> Outcome<Request> {
    let mut request = Request {
        to: arguments.to.clone(),
        series: None,
        names: None,
        identity: arguments.with_identity,
        incomplete: arguments.incomplete,
    };
    if let Some(name) = &arguments.series {
        request.series = known_here(safe, name)?;
    }
    if arguments.names || (arguments.series.is_some() && request.series.is_none()) {
        let keyring = setting.unlock(safe)?;
        let view = View::of(Opened { safe, keyring: &keyring })?;
        if let Some(name) = &arguments.series {
            request.series = Some(view.named(safe, name)?.0);
        }
        request.names = arguments.names.then(|| super::names(&view, request.series));
    }
    Ok(request)
}

/// The series that this machine knows by this name, without opening anything.
fn known_here(safe: &Safe, name: &str) -> Outcome<Option<SeriesId>> {
    let known = safe.home.series_by_name(&safe.home.device()?, name)?.map(|facts| facts.id);
    Ok(known.filter(|id| safe.deposit(*id, 1).is_some()))
}

fn dry_run(console: Console, safe: &Safe, request: &Request) -> Outcome<()> {
    let plan = super::plan(safe, request)?;
    let bytes: u64 = plan.items.iter().map(|item| item.content.bytes()).sum();
    let (deposits, files) = (plan.exported.deposits, plan.items.len());
    let result = json!({
        "dry_run": true, "series": plan.exported.series, "deposits": deposits, "files": files, "bytes": bytes,
    });
    let to = shown(&request.to);
    console.result(result, |out| {
        let bytes = console::bytes(bytes);
        let line = words!(
            "would export {deposits} deposits, at most {bytes} in {files} files, to {to}",
            "預け入れ{deposits}回分、最大 {bytes}（{files}個のファイル）を {to} に書き出します"
        );
        writeln!(out, "{}", console.say(line))
    });
    Ok(())
}

fn report(console: Console, safe: &Safe, request: &Request, exported: &Exported) {
    let sums = exported.sums.map(|sums| sums.to_string()).unwrap_or_default();
    let missing: Vec<_> =
        exported.missing.iter().map(|(path, id)| json!({ "path": path, "object": id.to_string() })).collect();
    let result = json!({
        "to": request.to.to_string_lossy(), "series": exported.series, "deposits": exported.deposits,
        "records": exported.records, "objects": exported.objects, "bytes": exported.bytes,
        "identity": request.identity, "sha256sums": sums, "missing": missing,
    });
    console.result(result, |out| {
        let (bytes, to) = (console::bytes(exported.bytes), shown(&request.to));
        let deposits = deposits(exported.deposits);
        let line = words!(
            "exported {deposits}, {bytes}, to {to}; RECOVERY.md there tells how to get them back",
            "預け入れ{deposits}、{bytes} を {to} に書き出しました。取り出し方はその中の RECOVERY.md にあります";
            deposits
        );
        writeln!(out, "{}", console.say(line))?;
        writeln!(out, "SHA256SUMS {sums}")
    });
    if !request.identity {
        let identity = shown(&safe.home.identity_file());
        console.note(words!(
            "It opens only with {identity} and its passphrase: keep copies of both elsewhere.",
            "開けるには {identity} とそのパスフレーズが要ります。両方の控えを別の場所に置いてください。"
        ));
    }
}

struct Bar {
    console: Console,
    progress: OnceLock<Progress>,
}

impl Watcher for Bar {
    fn planned(&self, bytes: u64) {
        let _ = self.progress.set(self.console.progress(words!("exporting", "書き出し中"), bytes));
    }

    fn progress(&self, bytes: u64) {
        if let Some(progress) = self.progress.get() {
            progress.add(bytes);
        }
    }
}
