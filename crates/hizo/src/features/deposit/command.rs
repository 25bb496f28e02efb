//! `hizo deposit`

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use hizo_ledger::log::receipt::Receipt;
use hizo_vault::event::{Class, LABELS_MAX, NAME_BYTES_MAX};
use serde_json::{Value, json};

use super::{Made, Request, Watcher};
use crate::Setting;
use crate::console::{self, Console, Progress};
use crate::failure::{Failure, Outcome, shown, shown_bytes};
use crate::folder::listing::LeftOut;
use crate::home::Home;
use crate::queue::Queue;
use crate::receipts::Answer;
use crate::words::{self, Words, words};
use crate::{log, rotation};

/// How often a deposit is repeated at once because files changed while they were read.
const REPEATS_MAX: usize = 2;

/// Seal files and folders and keep them as the next deposit of a series
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Folders and files to keep
    #[arg(required = true)]
    paths: Vec<PathBuf>,
    /// The series this belongs to: one secret's life
    #[arg(long, value_name = "NAME")]
    series: String,
    /// A note on this deposit; may be given several times
    #[arg(long, value_name = "TEXT")]
    label: Vec<String>,
    /// Leave out what matches, written as in .gitignore; may be given several times
    #[arg(long, value_name = "PATTERN")]
    exclude: Vec<String>,
    /// Read every file again, even if nothing says that it changed
    #[arg(long)]
    reread: bool,
    /// Store content again even if the series has it already
    #[arg(long)]
    no_reuse: bool,
    /// Seal contents apart from their list, so that proof --kept can hand them over; the keeper sees one more object
    #[arg(long)]
    apart: bool,
    /// How a new series is stored: core is neither compressed nor reused, so that sizes tell nothing
    #[arg(long, value_enum)]
    class: Option<ClassWord>,
    /// Seal although an organisation that reads this safe has new keys: whoever has left it opens this deposit, too
    #[arg(long)]
    though_due: bool,
    /// Say what would be kept, and keep nothing
    #[arg(long)]
    dry_run: bool,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum ClassWord {
    Standard,
    Core,
}

pub(crate) fn run(setting: &Setting, arguments: &Arguments) -> Outcome<()> {
    let request = request(arguments)?;
    if arguments.dry_run {
        return dry_run(setting, &request);
    }
    let mut safe = setting.safe_at_hand()?;
    safe.seals_though_stale = arguments.though_due;
    rotation::before_sealing(setting, &mut safe);
    let device = safe.home.device()?;
    setting.name_series(&mut safe, &device, &request.series)?;
    let mut made = super::deposit(&mut safe, &device, &request, &Bar::new(setting.console))?;
    for _ in 0..REPEATS_MAX {
        if made.unsteady.is_empty() {
            break;
        }
        setting.console.note(words!(
            "some files changed while they were read; depositing them again",
            "読み取り中に変わったファイルがあるため、もう一度預けます"
        ));
        made = super::deposit(&mut safe, &device, &request, &Bar::new(setting.console))?;
    }
    report(setting.console, &request, &made);
    if made.answer.is_some()
        && let Some(warning) = log::standing(&safe).ok().and_then(|standing| standing.warning())
    {
        setting.console.warn(warning);
    }
    whole(made, &safe.home)
}

fn request(arguments: &Arguments) -> Outcome<Request> {
    check_names(&arguments.series, &arguments.label)?;
    Ok(Request {
        paths: arguments.paths.clone(),
        series: arguments.series.clone(),
        labels: arguments.label.clone(),
        class: arguments.class.map(|class| match class {
            ClassWord::Standard => Class::Standard,
            ClassWord::Core => Class::Core,
        }),
        reuse: !arguments.no_reuse,
        reread: arguments.reread,
        apart: arguments.apart,
        excludes: arguments.exclude.clone(),
    })
}

/// Refuses names that are empty or longer than an event holds.
pub(crate) fn check_names(series: &str, labels: &[String]) -> Outcome<()> {
    let too_long = |text: &str| text.is_empty() || text.len() > NAME_BYTES_MAX;
    if too_long(series) || labels.iter().any(|label| too_long(label)) || labels.len() > LABELS_MAX {
        return Err(Failure::new(
            crate::failure::Kind::Usage,
            words!(
                "a series name or label has 1 to {NAME_BYTES_MAX} bytes, and a deposit at most {LABELS_MAX} labels",
                "束の名前とメモは1~{NAME_BYTES_MAX}バイト、メモは1回の預け入れに{LABELS_MAX}個までです"
            ),
        )
        .hint(words!("Choose shorter ones.", "短くしてください。")));
    }
    Ok(())
}

fn dry_run(setting: &Setting, request: &Request) -> Outcome<()> {
    let listing = super::list(&setting.home_folder()?, request)?;
    let result =
        json!({ "dry_run": true, "files": listing.files(), "bytes": listing.bytes(), "entries": listing.len() });
    setting.console.result(result, |out| {
        let files = words::files(listing.files());
        let planned = words!(
            "would keep {files}, {bytes}, in series {series}",
            "{files}（{bytes}）を束「{series}」に預けます（まだ預けていません）",
            bytes = console::bytes(listing.bytes()),
            series = shown_bytes(request.series.as_bytes());
            files
        );
        writeln!(out, "{}", setting.console.say(planned))
    });
    listing.passed_over.iter().for_each(|folder| setting.console.warn(passed_over(folder)));
    listing.left_out.iter().for_each(|thing| setting.console.warn(left_out(thing)));
    Ok(())
}

fn report(console: Console, request: &Request, made: &Made) {
    made.notes().into_iter().for_each(|words| console.warn(words));
    let answer = made.answer.as_ref();
    let unstamped = answer.map_or(&[][..], |answer| &answer.unstamped);
    unstamped.iter().for_each(|why| console.warn(why.clone()));
    let left_out: Vec<_> = made
        .left_out
        .iter()
        .map(|thing| json!({ "path": thing.path.to_string_lossy(), "reason": thing.reason }))
        .collect();
    let unsteady: Vec<_> = made.unsteady.iter().map(|path| path.to_string_lossy()).collect();
    let result = json!({
        "deposit": made.id.to_string(), "series": request.series, "series_id": made.series.to_string(),
        "number": made.number, "files": made.files, "bytes": made.bytes, "entries": made.entries,
        "objects": made.objects, "stored_bytes": made.stored_bytes, "left_out": left_out, "unsteady": unsteady,
        "safe_in_it": made.safe_in_it.iter().map(|folder| folder.to_string_lossy()).collect::<Vec<_>>(),
        "kept": answer.is_some(), "receipt": answer.and_then(receipt_as_json),
        "unstamped": unstamped.iter().map(Words::english).collect::<Vec<_>>(),
    });
    console.result(result, |out| {
        if !console.quiet {
            let files = words::files(made.files);
            let (bytes, stored) = (console::bytes(made.bytes), console::bytes(made.stored_bytes));
            let (series, number) = (shown_bytes(request.series.as_bytes()), made.number);
            let told = match answer {
                Some(_) => words!(
                    "kept {files}, {bytes}, as {series} deposit {number} ({stored} sealed)",
                    "{files}（{bytes}）を、束「{series}」の第{number}回として預けました（封をした大きさ {stored}）",
                    bytes = bytes, series = series, number = number, stored = stored;
                    files
                ),
                None => words!(
                    "sealed {files}, {bytes}, as {series} deposit {number} ({stored} sealed)",
                    "{files}（{bytes}）に、束「{series}」の第{number}回として封をしました（封をした大きさ {stored}）",
                    bytes = bytes, series = series, number = number, stored = stored;
                    files
                ),
            };
            writeln!(out, "{}", console.say(told))?;
            if let Some((answer, Ok(receipt))) = answer.map(|answer| (answer, &answer.receipt)) {
                writeln!(out, "{}", console.say(promise(receipt, answer.place())))?;
            }
        }
        writeln!(out, "{}", made.id)
    });
}

fn receipt_as_json(answer: &Answer) -> Option<Value> {
    let receipt = answer.receipt.as_ref().ok()?;
    let place = answer.place().map(|(index, size)| json!({ "index": index, "size": size }));
    Some(json!({
        "time": receipt.time.as_str(), "index_by": receipt.index_by.as_str(), "slot": receipt.leaf.slot.to_string(),
        "log": place,
    }))
}

/// What the keeper signed.
fn promise(receipt: &Receipt, place: Option<(u64, u64)>) -> Words {
    let (time, by) = (&receipt.time, &receipt.index_by);
    match place {
        Some((index, size)) => words!(
            "receipt: the keeper took it at {time}, to be in its log by {by}; it is, at {index} of {size}",
            "受領書: 預け先は {time} に受け取り、{by} までに台帳に載せると約束し、{size}件の台帳の {index} 番に載せました"
        ),
        None => words!(
            "receipt: the keeper took it at {time}, to be in its log by {by}; it is not there yet",
            "受領書: 預け先は {time} に受け取り、{by} までに台帳に載せると約束しました。まだ載っていません"
        ),
    }
}

/// Done, unless something was left out, or nothing is kept yet: what is kept is kept, and the person must know.
pub(crate) fn whole(made: Made, home: &Home) -> Outcome<()> {
    let is_kept = made.answer.is_some();
    made.answer.map_or(Ok(()), Answer::holds)?;
    match made.left_out.len() {
        _ if !is_kept => Err(Queue::of(home).waits(home)),
        0 => Ok(()),
        count => {
            let (id, left_out) = (made.id, words::left_out(count as u64));
            Err(Failure::fixable(words!(
                "deposit {id} is kept, but {left_out}",
                "{id} として預けましたが、{left_out}",
                id = id;
                left_out
            ))
            .hint(words!(
                "Make it readable and deposit again, or exclude it by --exclude or .hizoignore.",
                "読み取れるようにして預け直すか、--exclude または .hizoignore で除いてください。"
            )))
        }
    }
}

/// What was left out, and why.
pub(crate) fn left_out(thing: &LeftOut) -> Words {
    if thing.reason == LeftOut::ATTRIBUTES {
        let path = shown(&thing.path);
        return words!(
            "kept {path} without its extended attributes: they are more than 32 KiB, or cannot be read",
            "{path} は、拡張属性を除いて預けました（属性が 32 KiB を超えているか、読み取れません）"
        );
    }
    let (path, reason) = (shown(&thing.path), words::reason(&thing.reason));
    words!("left out {path}: {reason}", "{path} は預けませんでした: {reason}", path = path; reason)
}

impl Made {
    /// What was left out, and what did not stand still while it was read.
    pub(crate) fn notes(&self) -> Vec<Words> {
        let unsteady = self.unsteady.iter().map(|path| {
            words!(
                "{path} changed during every attempt to read it",
                "{path} は、読み取るたびに変わっていました",
                path = shown(path)
            )
        });
        let passed_over = self.safe_in_it.iter().map(|folder| passed_over(folder));
        passed_over.chain(self.left_out.iter().map(left_out)).chain(unsteady).collect()
    }
}

fn passed_over(folder: &Path) -> Words {
    let folder = shown(folder);
    words!("{folder} is the safe itself, and is not kept in it", "{folder} は金庫そのものなので、預けませんでした")
}

/// Shows progress once it is known how much there is.
pub(crate) struct Bar {
    console: Console,
    progress: OnceLock<Progress>,
}

impl Bar {
    pub(crate) fn new(console: Console) -> Self {
        Self { console, progress: OnceLock::new() }
    }
}

impl Watcher for Bar {
    fn listed(&self, _files: u64, bytes: u64) {
        let _ = self.progress.set(self.console.progress(words!("keeping", "預け入れ中"), bytes));
    }

    fn progress(&self, bytes: u64) {
        if let Some(progress) = self.progress.get() {
            progress.add(bytes);
        }
    }
}
