//! `hizo watch`

use std::path::{Path, PathBuf};

use hizo_ledger::id::SeriesId;
use serde_json::{Value, json};

use super::every::ago;
use super::schedule::Plan;
use super::{Every, Request, Scheduler, State, Watch};
use crate::Setting;
use crate::console;
use crate::failure::{Failure, Outcome, shown, shown_bytes};
use crate::features::check::sample_in_time;
use crate::features::deposit::command::{Bar, check_names, left_out, whole};
use crate::features::deposit::{self, Made};
use crate::features::directory;
use crate::home::Home;
use crate::log;
use crate::safe::{self, Safe};
use crate::words::{self, Words, words};

/// Deposit folders on schedule, and say when that did not happen
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    act: Act,
}

#[derive(Debug, clap::Subcommand)]
enum Act {
    Install(InstallArguments),
    Status(StatusArguments),
    Run(RunArguments),
    Remove(RemoveArguments),
}

/// Deposit a folder now, and from now on by itself
#[derive(Debug, clap::Args)]
struct InstallArguments {
    /// The folder to keep
    folder: PathBuf,
    /// The series this belongs to: one secret's life
    #[arg(long, value_name = "NAME")]
    series: String,
    /// How often: a number and m, h, d or w
    #[arg(long, value_name = "INTERVAL", default_value = "1d")]
    every: Every,
    /// Leave out what matches, written as in .gitignore; may be given several times
    #[arg(long, value_name = "PATTERN")]
    exclude: Vec<String>,
    /// What runs it; by default what this system has
    #[arg(long, value_enum)]
    scheduler: Option<Scheduler>,
    /// Print what would be set up, and change nothing
    #[arg(long)]
    dry_run: bool,
}

/// Say whether every watched folder was deposited in time
#[derive(Debug, clap::Args)]
struct StatusArguments {}

/// Deposit a watched folder now
#[derive(Debug, clap::Args)]
struct RunArguments {
    /// The series: its name, or its id
    series: String,
    /// Only if the interval has passed; this is what the timer runs
    #[arg(long)]
    if_due: bool,
}

/// Stop depositing a folder by itself; what is kept stays
#[derive(Debug, clap::Args)]
struct RemoveArguments {
    /// The series: its name, or its id
    series: String,
    /// Say what would be removed, and change nothing
    #[arg(long)]
    dry_run: bool,
}

pub(crate) fn run(setting: &Setting, arguments: &Arguments) -> Outcome<()> {
    match &arguments.act {
        Act::Install(arguments) => install(setting, arguments),
        Act::Status(StatusArguments {}) => status(setting),
        Act::Run(arguments) => run_now(setting, arguments),
        Act::Remove(arguments) => remove(setting, arguments),
    }
}

/// Says so when a watched folder was not deposited in time: nobody has to remember to ask.
pub(crate) fn remind(setting: &Setting) {
    let behind = setting.home_folder().and_then(|folder| super::behind(&Home::open(&folder)?, now()?));
    // A home that cannot be read was told of by the command itself.
    if let Ok(count @ 1..) = behind {
        setting.console.warn(words!(
            "{count} watched folders were not deposited in time: run `hizo watch status`",
            "自動預け入れ{count}件が予定どおりに行われていません。`hizo watch status` で確かめてください"
        ));
    }
}

pub(super) fn now() -> Outcome<u64> {
    safe::now().map(|time| time.unix_seconds())
}

fn absolute(path: &Path) -> Outcome<PathBuf> {
    std::path::absolute(path).map_err(|error| Failure::file("read", path, error))
}

fn plan(home: &Path, series: SeriesId, every: Every) -> Outcome<Plan> {
    let program = std::env::current_exe().map_err(Failure::internal)?;
    Plan::new(&program, &absolute(home)?, series, every)
}

fn install(setting: &Setting, arguments: &InstallArguments) -> Outcome<()> {
    check_names(&arguments.series, &[])?;
    let request = Request {
        folder: absolute(&arguments.folder)?,
        exclude: arguments.exclude.clone(),
        every: arguments.every,
        scheduler: arguments.scheduler.map_or_else(Scheduler::of_this_system, Ok)?,
    };
    if arguments.dry_run {
        return dry_run(setting, &arguments.series, &request);
    }
    let mut safe = setting.safe()?;
    let home = safe.home.clone();
    let device = home.device()?;
    let known = home.series_by_name(&device, &arguments.series)?.map(|known| known.id);
    refuse_another_folder(&home, (&arguments.series, known), &request.folder)?;
    super::refuse_an_empty(&request.folder)?;
    setting.name_series(&mut safe, &device, &arguments.series)?;
    let made = set_up(safe, &arguments.series, known, &request, &Bar::new(setting.console))?;
    made.left_out.iter().for_each(|thing| setting.console.warn(left_out(thing)));
    unstamped(&made).iter().for_each(|why| setting.console.warn(why.clone()));
    report_installed(setting, &request, &made);
    whole(made, &home)
}

/// Makes the first deposit of a watched folder, and has the system make the later ones; `known` is the series, if this machine knows it.
pub(super) fn set_up(
    mut safe: Safe,
    series: &str,
    known: Option<SeriesId>,
    request: &Request,
    watcher: &dyn deposit::Watcher,
) -> Outcome<Made> {
    let (home, began) = (safe.home.clone(), now()?);
    refuse_another_folder(&home, (series, known), &request.folder)?;
    super::refuse_an_empty(&request.folder)?;
    // The first deposit needs the series' name, and shows that the later ones will work.
    let first = super::deposit_request(&request.folder, series, &request.exclude);
    let made = deposit::deposit(&mut safe, &home.device()?, &first, watcher)?;
    drop(safe);
    let plan = plan(home.folder(), made.series, request.every)?;
    let mut watch = Watch::new(made.series, request, began);
    watch.note(began, Ok(&made));
    // A timer that is there without its settings would fail at every tick; settings without a timer are told of.
    super::write(&home, made.series, &watch)?;
    request.scheduler.install(&plan, made.series)?;
    Ok(made)
}

/// A series is one secret's life: two folders in turn would each look as if everything had changed.
fn refuse_another_folder(home: &Home, (name, known): (&str, Option<SeriesId>), folder: &Path) -> Outcome<()> {
    let watched = super::all(home)?.into_iter().find(|(series, _)| known == Some(*series));
    match watched.map(|(_, watch)| watch.folder()) {
        Some(other) if other != folder => Err(Failure::fixable(words!(
            "series {name} is already watched for {other}",
            "束「{name}」は、すでに {other} の自動預け入れに使われています",
            name = shown_bytes(name.as_bytes()),
            other = shown(&other)
        ))
        .hint(words!(
            "Name another series, or run `hizo watch remove` for this one first.",
            "別の束を指定するか、先に `hizo watch remove` でやめてください。"
        ))),
        _ => Ok(()),
    }
}

fn report_installed(setting: &Setting, request: &Request, made: &Made) {
    let result = json!({
        "series_id": made.series.to_string(), "folder": request.folder.to_string_lossy(),
        "every_seconds": request.every.seconds(), "scheduler": scheduler_word(request.scheduler),
        "deposit": made.id.to_string(), "number": made.number, "files": made.files, "bytes": made.bytes,
    });
    setting.console.result(result, |out| {
        if !setting.console.quiet {
            let (files, every) = (words::files(made.files), request.every.words());
            let told = words!(
                "kept {files}, {bytes}; {folder} is deposited {every} from now on",
                "{files}（{bytes}）を預けました。これからは {folder} を{every}、自動で預けます",
                bytes = console::bytes(made.bytes),
                folder = shown(&request.folder);
                files, every
            );
            writeln!(out, "{}", setting.console.say(told))?;
        }
        writeln!(out, "{}", made.series)
    });
    if request.scheduler == Scheduler::Systemd {
        setting.console.note(words!(
            "it runs while you are logged in; `loginctl enable-linger` makes it run always",
            "ログインしている間だけ動きます。`loginctl enable-linger` を実行すると、いつでも動きます"
        ));
    }
}

/// What would be written. A series that this machine does not know yet has no id: zeros stand for it.
fn dry_run(setting: &Setting, name: &str, request: &Request) -> Outcome<()> {
    let home = setting.home()?;
    let known = home.series_by_name(&home.device()?, name)?;
    let series = known.map_or(SeriesId::from_bytes([0; 8]), |known| known.id);
    let plan = plan(&setting.home_folder()?, series, request.every)?;
    let texts = request.scheduler.texts(&plan, series)?;
    let place = |place: &Option<PathBuf>| place.as_ref().map_or("crontab".into(), |place| shown(place));
    let files: Vec<_> =
        texts.iter().map(|text| json!({ "place": place(&text.place), "text": text.text.as_str() })).collect();
    let result = json!({
        "dry_run": true, "folder": request.folder.to_string_lossy(), "every_seconds": request.every.seconds(),
        "scheduler": scheduler_word(request.scheduler), "command": plan.command_line(), "writes": files,
    });
    setting.console.result(result, |out| {
        let (folder, every) = (shown(&request.folder), request.every.words());
        let told = words!(
            "would deposit {folder} now and {every}, and write:",
            "{folder} を今すぐ、その後は{every}預けます。書き込む内容は次のとおりです（まだ書き込んでいません）:",
            folder = folder;
            every
        );
        writeln!(out, "{}", setting.console.say(told))?;
        texts.iter().try_for_each(|text| writeln!(out, "\n{}\n{}", place(&text.place), text.text))
    });
    Ok(())
}

fn scheduler_word(scheduler: Scheduler) -> Value {
    serde_json::to_value(scheduler).expect("a word serialises")
}

fn run_now(setting: &Setting, arguments: &RunArguments) -> Outcome<()> {
    let home = setting.home()?;
    let series = super::series_of(&home, &arguments.series)?;
    let began = now()?;
    setting.do_what_is_due();
    if arguments.if_due && !super::read(&home, series)?.is_due(began) {
        if let Some(fault) = sample_in_time(&home, began) {
            setting.console.warn(fault);
        }
        let result = json!({ "series_id": series.to_string(), "due": false });
        let told = words!("not due yet", "まだ預ける時刻ではありません");
        setting.console.result(result, |out| match setting.console.quiet {
            true => Ok(()),
            false => writeln!(out, "{}", setting.console.say(told)),
        });
        return Ok(());
    }
    let made = super::run(&home, series, began, &Bar::new(setting.console), |said| setting.console.warn(said))?;
    made.left_out.iter().for_each(|thing| setting.console.warn(left_out(thing)));
    unstamped(&made).iter().for_each(|why| setting.console.warn(why.clone()));
    if let Some(said) = directory::update::in_passing(&home) {
        setting.console.warn(said);
    }
    if let Some(warning) = Safe::open(home).and_then(|safe| log::standing(&safe)).ok().and_then(|log| log.warning()) {
        setting.console.warn(warning);
    }
    let result = json!({
        "series_id": series.to_string(), "due": true, "deposit": made.id.to_string(), "number": made.number,
        "files": made.files, "bytes": made.bytes, "left_out": made.left_out.len(), "kept": made.answer.is_some(),
    });
    setting.console.result(result, |out| {
        if !setting.console.quiet {
            let files = words::files(made.files);
            let (bytes, number) = (console::bytes(made.bytes), made.number);
            let told = match &made.answer {
                Some(_) => words!(
                    "kept {files}, {bytes}, as deposit {number}",
                    "{files}（{bytes}）を、第{number}回として預けました",
                    bytes = bytes, number = number;
                    files
                ),
                None => words!(
                    "sealed {files}, {bytes}, as deposit {number}",
                    "{files}（{bytes}）に、第{number}回として封をしました",
                    bytes = bytes, number = number;
                    files
                ),
            };
            writeln!(out, "{}", setting.console.say(told))?;
        }
        writeln!(out, "{}", made.id)
    });
    whole(made, &setting.home()?)
}

/// What should be known of the stamps over a deposit that was kept.
fn unstamped(made: &Made) -> &[Words] {
    made.answer.as_ref().map_or(&[], |answer| &answer.unstamped)
}

fn remove(setting: &Setting, arguments: &RemoveArguments) -> Outcome<()> {
    let home = setting.home()?;
    let series = super::series_of(&home, &arguments.series)?;
    let watch = super::read(&home, series)?;
    let result = json!({ "dry_run": arguments.dry_run, "series_id": series.to_string() });
    let folder = shown(&watch.folder());
    let told = match arguments.dry_run {
        true => {
            words!(
                "would stop depositing {folder} by itself",
                "{folder} の自動預け入れをやめます（まだやめていません）"
            )
        }
        false => {
            end(&home, series)?;
            words!(
                "{folder} is no longer deposited by itself; what is kept stays",
                "{folder} の自動預け入れをやめました。これまでに預けたものは残ります"
            )
        }
    };
    setting.console.result(result, |out| match setting.console.quiet {
        true => Ok(()),
        false => writeln!(out, "{}", setting.console.say(told)),
    });
    Ok(())
}

/// Ends a watch; what is kept stays.
pub(super) fn end(home: &Home, series: SeriesId) -> Outcome<()> {
    // First the timer: settings without it are told of, a timer without settings would fail at every tick.
    super::read(home, series)?.scheduler.remove(series)?;
    super::forget(home, series)
}

/// A watch and how it stands.
pub(super) struct Standing {
    series: SeriesId,
    watch: Watch,
    state: State,
}

fn status(setting: &Setting) -> Outcome<()> {
    let home = setting.home()?;
    let now = now()?;
    let standings: Vec<_> =
        super::all(&home)?.into_iter().map(|(series, watch)| Standing::now(series, watch, now)).collect();
    let wrong: Vec<_> = standings.iter().filter(|standing| standing.state != State::Kept).collect();
    let watches: Vec<_> = standings.iter().map(|standing| standing.as_json()).collect();
    // Who was asked to cosign during a scheduled run and did not, nobody was there to be told.
    let log = if standings.is_empty() { None } else { Safe::open(home).and_then(|safe| log::standing(&safe)).ok() };
    let witnessed = log.as_ref().filter(|log| log.asks_for_witnesses()).map(|log| log.is_witnessed);
    let told = json!({ "ok": wrong.is_empty(), "witnessed": witnessed, "watches": watches });
    setting.console.result(told, |out| {
        if standings.is_empty() {
            let none = words!(
                "nothing is watched: hizo watch install FOLDER --series NAME deposits a folder every day",
                "自動預け入れはまだありません。hizo watch install フォルダー --series 束の名前 で、フォルダーを毎日預けます"
            );
            writeln!(out, "{}", setting.console.say(none))?;
        }
        standings.iter().try_for_each(|standing| writeln!(out, "{}", setting.console.say(standing.sentence(now))))
    });
    if let Some(warning) = log.and_then(|log| log.warning()) {
        setting.console.warn(warning);
    }
    match wrong.as_slice() {
        [] => Ok(()),
        [first, ..] => Err(Failure::fixable(words!(
            "{count} of {all} watched folders need a look",
            "自動預け入れ{all}件のうち{count}件を確かめてください",
            count = wrong.len(),
            all = standings.len()
        ))
        .hint(first.hint())),
    }
}

impl Standing {
    /// How the watch of a series stands.
    pub(super) fn of(home: &Home, series: SeriesId, now: u64) -> Outcome<Self> {
        Ok(Self::now(series, super::read(home, series)?, now))
    }

    fn now(series: SeriesId, watch: Watch, now: u64) -> Self {
        let state = watch.state(now, watch.scheduler.is_installed(series));
        Self { series, watch, state }
    }

    pub(super) fn is_good(&self) -> bool {
        self.state == State::Kept
    }

    fn as_json(&self) -> Value {
        let time = |seconds: u64| jiff::Timestamp::from_second(seconds as i64).map(|time| time.to_string()).ok();
        let kept = self.watch.last_kept.as_ref().map(|kept| {
            json!({
                "time": time(kept.began), "deposit": kept.deposit, "number": kept.number, "files": kept.files,
                "left_out": kept.left_out,
            })
        });
        let failure = self.watch.last_failure();
        let ran = self.watch.last_run.as_ref().map(
            |run| json!({ "time": time(run.began), "failure": failure.as_ref().map(|failure| failure.english()) }),
        );
        json!({
            "series_id": self.series.to_string(), "folder": self.watch.folder().to_string_lossy(),
            "every_seconds": self.watch.every().seconds(), "scheduler": scheduler_word(self.watch.scheduler),
            "state": self.state.word(), "missed": self.state == State::Missed, "last_run": ran, "last_kept": kept,
        })
    }

    pub(super) fn sentence(&self, now: u64) -> Words {
        let (folder, every) = (shown(&self.watch.folder()), self.watch.every().words());
        let last = match &self.watch.last_kept {
            Some(kept) => {
                let (when, number) = (ago(now.saturating_sub(kept.began)), kept.number);
                words!("last kept {when} as deposit {number}", "最後は{when}、第{number}回", number = number; when)
            }
            None => words!("never kept yet", "まだ預けていません"),
        };
        match self.state {
            State::Kept => {
                words!("{folder}: kept {every}; {last}", "{folder}: 自動で預けています（{every}、{last}）", folder = folder; every, last)
            }
            State::Incomplete => {
                let left_out = words::left_out(self.watch.last_kept.as_ref().map_or(0, |kept| kept.left_out));
                words!("{folder}: {left_out}; {last}", "{folder}: {left_out}（{last}）", folder = folder; left_out, last)
            }
            State::Sealed => words!(
                "{folder}: sealed, and waits for the keeper; {last}",
                "{folder}: 封をして、預け先につながるのを待っています（{last}）",
                folder = folder;
                last
            ),
            State::Failed => {
                let why = self.watch.last_failure().unwrap_or_else(|| "".into());
                words!(
                    "{folder}: the last run failed: {why}; {last}",
                    "{folder}: 前回は失敗しました（{last}）。理由: {why}",
                    folder = folder;
                    why, last
                )
            }
            State::Missed => words!(
                "{folder}: a run was missed: it should be kept {every}; {last}",
                "{folder}: 預け入れが抜けています（予定は{every}、{last}）",
                folder = folder;
                every, last
            ),
            State::ClockSetBack => words!(
                "{folder}: this machine's clock shows a time before the last run",
                "{folder}: このコンピューターの時計が、前回の預け入れより前を指しています"
            ),
            State::NotScheduled => words!(
                "{folder}: its timer is gone from this system; {last}",
                "{folder}: タイマーがこのコンピューターから消えています（{last}）",
                folder = folder;
                last
            ),
        }
    }

    pub(super) fn hint(&self) -> Words {
        let series = self.series;
        match self.state {
            State::NotScheduled => {
                words!("Run `hizo watch install` for it again.", "もう一度 `hizo watch install` を実行してください。")
            }
            State::ClockSetBack => words!("Set the clock.", "時計を合わせてください。"),
            State::Sealed => words!(
                "`hizo send` sends it when the keeper can be reached.",
                "預け先につながるときに `hizo send` を実行すると送れます。"
            ),
            State::Kept | State::Incomplete | State::Failed | State::Missed => words!(
                "Run `hizo watch run {series}` and see what it says.",
                "`hizo watch run {series}` を実行して、表示を確かめてください。"
            ),
        }
    }
}
