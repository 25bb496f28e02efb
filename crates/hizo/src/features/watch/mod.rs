//! Scheduled deposits: what this machine deposits by itself, how often, and whether it happened.
//!
//! A watch belongs to a series and is one file in the home folder: docs/spec/watch.md. A run needs the machine's own key
//! alone, which opens nothing; nothing secret stands on the timer's command line.

pub(crate) mod command;
mod every;
pub(crate) mod page;
mod schedule;
mod timer;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use hizo_ledger::id::SeriesId;
use serde::{Deserialize, Serialize};

use crate::cards;
use crate::failure::{Failure, Kind as FailureKind, Outcome, shown};
use crate::features::check::sample_in_passing;
use crate::features::deposit::{self, Made};
use crate::home::{self, Home};
use crate::queue;
use crate::safe::Safe;
use crate::system;
use crate::words::{Words, words};
pub(crate) use every::Every;
pub(crate) use schedule::Scheduler;

const FORMAT: &str = "watch/v1";

/// One watched folder, as its file in the home folder has it. Times are seconds since 1970.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Watch {
    hizo: String,
    series: String,
    /// The folder's path; `folder_base64` instead where it is not text.
    #[serde(skip_serializing_if = "Option::is_none")]
    folder: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    folder_base64: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    exclude: Vec<String>,
    every_seconds: u64,
    pub scheduler: Scheduler,
    installed: u64,
    /// The last run, whatever came of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_run: Option<Run>,
    /// The last run that made a deposit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_kept: Option<Kept>,
    /// When the last run began that sealed a deposit for a keeper that could not be reached.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_sealed: Option<u64>,
}

/// A run, when it began, and what went wrong if something did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Run {
    pub began: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<Reason>,
}

/// Why a run failed. The failure's own words would name files, and the home's files hold no name of what is deposited.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Reason {
    Empty,
    NotThere,
    NotAllowed,
    DiskFull,
    DiskReadOnly,
    Disk,
    SafeDamaged,
    NotAsPinned,
    /// Sealed, and not kept: the keeper cannot be reached.
    Waits,
    Internal,
    Other,
}

impl Reason {
    fn of(failure: &Failure) -> Self {
        let first = failure.source.as_deref().map(|source| source as &dyn std::error::Error);
        let causes = || std::iter::successors(first, |cause| cause.source());
        if causes().any(|cause| cause.is::<EmptyFolder>()) {
            return Self::Empty;
        }
        let disk = causes().find_map(|cause| cause.downcast_ref::<io::Error>());
        match (failure.kind, disk.map(io::Error::kind)) {
            (FailureKind::False | FailureKind::Unknown, _) => Self::SafeDamaged,
            (FailureKind::Lying, _) => Self::NotAsPinned,
            (FailureKind::Waits, _) => Self::Waits,
            (_, Some(io::ErrorKind::NotFound)) => Self::NotThere,
            (_, Some(io::ErrorKind::PermissionDenied)) => Self::NotAllowed,
            (_, Some(io::ErrorKind::StorageFull)) => Self::DiskFull,
            (_, Some(io::ErrorKind::ReadOnlyFilesystem)) => Self::DiskReadOnly,
            (_, Some(_)) => Self::Disk,
            (FailureKind::Internal, None) => Self::Internal,
            (FailureKind::Fixable | FailureKind::Usage, None) => Self::Other,
        }
    }

    fn words(self) -> Words {
        match self {
            Self::Empty => words!("the folder is empty", "フォルダーが空です"),
            Self::NotThere => words!("something that it needs is not there", "必要なものが見つかりません"),
            Self::NotAllowed => words!("something is not allowed", "権限のないものがあります"),
            Self::DiskFull => words!("the disk is full", "ディスクがいっぱいです"),
            Self::DiskReadOnly => words!("the disk is read-only", "ディスクが読み取り専用です"),
            Self::Disk => words!("a disk gave an error", "ディスクでエラーが起きました"),
            Self::SafeDamaged => words!("the safe is not in order", "金庫が正しい状態ではありません"),
            Self::NotAsPinned => {
                words!("the safe is not the one that was noted down", "金庫が、控えてあるものと違います")
            }
            Self::Waits => words!(
                "it is sealed and waits for the keeper, which could not be reached",
                "封をしましたが、預け先につながらず、送信を待っています"
            ),
            Self::Internal => words!("something is wrong in hizo itself", "hizo の内部で問題が起きました"),
            Self::Other => words!("it could not be done", "実行できませんでした"),
        }
    }
}

/// A deposit that a run made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Kept {
    pub began: u64,
    pub deposit: String,
    pub number: u64,
    pub files: u64,
    pub left_out: u64,
}

/// What is to be watched.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub folder: PathBuf,
    pub exclude: Vec<String>,
    pub every: Every,
    pub scheduler: Scheduler,
}

/// How a watch stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    /// The last run kept everything, and it is not too long ago.
    Kept,
    /// The last run kept a deposit, but not all of the folder.
    Incomplete,
    /// The last run sealed everything, and it waits for the keeper.
    Sealed,
    /// The last run failed; the next one tries again.
    Failed,
    /// No run has kept anything for longer than it should.
    Missed,
    /// The clock shows a time before the last run.
    ClockSetBack,
    /// The system has no such timer any more.
    NotScheduled,
}

impl State {
    /// As scripts read it.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Kept => "kept",
            Self::Incomplete => "incomplete",
            Self::Sealed => "sealed",
            Self::Failed => "failed",
            Self::Missed => "missed",
            Self::ClockSetBack => "clock-set-back",
            Self::NotScheduled => "not-scheduled",
        }
    }
}

impl Watch {
    fn new(series: SeriesId, request: &Request, now: u64) -> Self {
        let text = request.folder.to_str().map(str::to_owned);
        let raw = text.is_none().then(|| home::base64(&system::path_bytes(request.folder.as_os_str())));
        Self {
            hizo: FORMAT.into(),
            series: series.to_string(),
            folder: text,
            folder_base64: raw,
            exclude: request.exclude.clone(),
            every_seconds: request.every.seconds(),
            scheduler: request.scheduler,
            installed: now,
            last_run: None,
            last_kept: None,
            last_sealed: None,
        }
    }

    fn parse(text: &[u8], series: SeriesId) -> Option<Self> {
        let watch: Self = serde_json::from_slice(text).ok()?;
        let whole = watch.hizo == FORMAT
            && watch.series == series.to_string()
            && watch.folder.is_some() != watch.folder_base64.is_some()
            && Every::from_seconds(watch.every_seconds).is_some()
            && watch.folder_path().is_some();
        whole.then_some(watch)
    }

    fn folder_path(&self) -> Option<PathBuf> {
        match (&self.folder, &self.folder_base64) {
            (Some(text), None) => Some(PathBuf::from(text)),
            (None, Some(text)) => system::path_from_bytes(&home::from_base64(text)?).ok(),
            (_, _) => None,
        }
    }

    /// The folder that is watched.
    pub(crate) fn folder(&self) -> PathBuf {
        self.folder_path().expect("a watch without a folder is refused when it is read")
    }

    /// How often it is deposited.
    pub(crate) fn every(&self) -> Every {
        Every::from_seconds(self.every_seconds).expect("an impossible interval is refused when a watch is read")
    }

    /// Whether the timer should deposit now. It ticks more often than it deposits, so that a machine that was off at
    /// the time catches up soon after it is on again.
    pub(crate) fn is_due(&self, now: u64) -> bool {
        let kept = self.last_kept.as_ref().map(|kept| kept.began);
        let Some(last) = kept.max(self.last_sealed) else { return true };
        let slack = self.every().tick_seconds() / 2;
        now < last || now - last + slack >= self.every_seconds
    }

    /// How the watch stands at `now`, if the system still has its timer.
    pub(crate) fn state(&self, now: u64, is_scheduled: bool) -> State {
        let last = self.last_kept.as_ref().map_or(self.installed, |kept| kept.began);
        let failure = self.last_run.as_ref().and_then(|run| run.failure);
        if !is_scheduled {
            State::NotScheduled
        } else if last.saturating_sub(now) > self.every().tick_seconds() {
            State::ClockSetBack
        } else if now.saturating_sub(last) > self.every_seconds.saturating_add(self.every().grace_seconds()) {
            State::Missed
        } else if let Some(failure) = failure {
            if failure == Reason::Waits { State::Sealed } else { State::Failed }
        } else if self.last_kept.as_ref().is_some_and(|kept| kept.left_out > 0) {
            State::Incomplete
        } else {
            State::Kept
        }
    }

    /// Why the last run failed, if it did.
    pub(crate) fn last_failure(&self) -> Option<Words> {
        Some(self.last_run.as_ref()?.failure?.words())
    }
}

/// The folder's watches, by series.
///
/// # Errors
/// When one of them is damaged.
pub(crate) fn all(home: &Home) -> Outcome<Vec<(SeriesId, Watch)>> {
    home.watched()?.into_iter().map(|series| Ok((series, read(home, series)?))).collect()
}

/// How many watches have missed their time or failed, by what is written down alone: no scheduler is asked.
pub(crate) fn behind(home: &Home, now: u64) -> Outcome<usize> {
    let states = all(home)?.into_iter().map(|(_, watch)| watch.state(now, true));
    Ok(states.filter(|state| matches!(state, State::Failed | State::Missed)).count())
}

/// The watch of one series.
pub(crate) fn read(home: &Home, series: SeriesId) -> Outcome<Watch> {
    let path = file(home, series);
    let text = fs::read(&path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => not_watched(&series.to_string()),
        _ => Failure::file("read", &path, error),
    })?;
    Watch::parse(&text, series).ok_or_else(|| {
        Failure::fixable(words!("{path} is damaged", "{path} が壊れています", path = shown(&path))).hint(words!(
            "Nothing that is kept is touched. Remove this file and run `hizo watch install` again.",
            "預けたものは無事です。このファイルを消して、`hizo watch install` をもう一度実行してください。"
        ))
    })
}

fn write(home: &Home, series: SeriesId, watch: &Watch) -> Outcome<()> {
    let folder = home.watch_folder();
    system::create_private_directory(&folder).map_err(|error| Failure::file("make the folder", &folder, error))?;
    let mut text = serde_json::to_vec_pretty(watch).expect("text and numbers serialise");
    text.push(b'\n');
    home::replace(&file(home, series), &text)
}

fn forget(home: &Home, series: SeriesId) -> Outcome<()> {
    let path = file(home, series);
    fs::remove_file(&path).map_err(|error| Failure::file("remove", &path, error))
}

fn file(home: &Home, series: SeriesId) -> PathBuf {
    home.watch_folder().join(series.to_string())
}

fn not_watched(named: &str) -> Failure {
    Failure::fixable(words!("nothing is watched for {named}", "{named} の自動預け入れはありません")).hint(words!(
        "Run `hizo watch status` to see what is.",
        "`hizo watch status` で、設定されているものを見られます。"
    ))
}

/// The series that a person or a timer names: its id, or its name if this machine knows it.
pub(crate) fn series_of(home: &Home, named: &str) -> Outcome<SeriesId> {
    if let Some(known) = home.series_by_name(&home.device()?, named)? {
        return Ok(known.id);
    }
    SeriesId::from_hex(named).map_err(|_| not_watched(named))
}

/// Deposits the watched folder now and writes down what came of it.
///
/// # Errors
/// As a deposit; the failure is written down too, for `hizo watch status`. `alarm` is told of what people have to know who look at
/// nothing else of this machine.
pub(crate) fn run(
    home: &Home,
    series: SeriesId,
    now: u64,
    watcher: &dyn deposit::Watcher,
    alarm: impl Fn(Words),
) -> Outcome<Made> {
    let watch = read(home, series)?;
    let request = deposit_request(&watch.folder(), &format!("id:{series}"), &watch.exclude);
    let made = attempt(home, &request, watcher, alarm);
    // The settings may have been changed meanwhile: only what this run did is written into them.
    let mut watch = read(home, series)?;
    watch.note(now, made.as_ref().map_err(Reason::of));
    write(home, series, &watch)?;
    made
}

impl Watch {
    fn note(&mut self, began: u64, made: Result<&Made, Reason>) {
        let failure = match &made {
            Ok(made) if made.answer.is_none() => Some(Reason::Waits),
            made => made.err(),
        };
        self.last_run = Some(Run { began, failure });
        if failure == Some(Reason::Waits) {
            self.last_sealed = Some(began);
        } else if let Ok(made) = made {
            let (deposit, number) = (made.id.to_string(), made.number);
            let left_out = made.left_out.len() as u64;
            self.last_kept = Some(Kept { began, deposit, number, files: made.files, left_out });
        }
    }
}

fn deposit_request(folder: &Path, series: &str, exclude: &[String]) -> deposit::Request {
    deposit::Request { excludes: exclude.to_vec(), ..deposit::Request::of(vec![folder.to_owned()], series) }
}

fn attempt(
    home: &Home,
    request: &deposit::Request,
    watcher: &dyn deposit::Watcher,
    alarm: impl Fn(Words),
) -> Outcome<Made> {
    request.paths.iter().try_for_each(|folder| refuse_an_empty(folder))?;
    let (mut safe, _) = Safe::open_at_hand(home.clone())?;
    let mut sent = queue::Sent::default();
    if !safe.is_away() {
        // What cannot be sent goes on waiting, and this deposit behind it.
        match queue::send(&mut safe, false, &mut sent, &|_| ()) {
            Err(failure) if matches!(failure.kind, FailureKind::False | FailureKind::Lying) => return Err(failure),
            Ok(()) | Err(_) => (),
        }
    }
    sent.aside.iter().chain(&safe.set_aside).for_each(|aside| alarm(aside.words()));
    if let Some(waiting) = safe.chain.waiting() {
        alarm(cards::waits(waiting));
    }
    let device = home.device()?;
    let made = deposit::deposit(&mut safe, &device, request, watcher)?;
    if let Some(fault) = sample_in_passing(&safe) {
        alarm(fault);
    }
    Ok(made)
}

/// Nothing is in a watched folder.
#[derive(Debug, thiserror::Error)]
#[error("the folder is empty")]
struct EmptyFolder;

/// A disk or share that is not connected often leaves an empty folder behind: that is no version to keep.
fn refuse_an_empty(folder: &Path) -> Outcome<()> {
    let mut items = fs::read_dir(folder).map_err(|error| Failure::file("read", folder, error))?;
    if items.next().is_some() {
        return Ok(());
    }
    let failure = Failure::fixable(words!("{folder} is empty", "{folder} が空です", folder = shown(folder)));
    let failure = failure.hint(words!(
        "Look whether its disk or share is connected.",
        "ディスクや共有フォルダーがつながっているか確かめてください。"
    ));
    Err(failure.source(EmptyFolder))
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: u64 = 86_400;
    const NOON: u64 = 1_800_000_000;

    fn watch(every: &str, last_kept: Option<u64>, failure: bool) -> Watch {
        let request = Request {
            folder: "/data/金型 図面".into(),
            exclude: vec!["*.tmp".into()],
            every: every.parse().unwrap(),
            scheduler: Scheduler::Systemd,
        };
        let mut watch = Watch::new(SeriesId::from_bytes([7; 8]), &request, NOON - 30 * DAY);
        watch.last_kept = last_kept.map(|began| Kept { began, deposit: "ab".into(), number: 1, files: 2, left_out: 0 });
        let reason = failure.then_some(Reason::DiskFull);
        watch.last_run = last_kept.map(|began| Run { began, failure: reason });
        watch
    }

    #[test]
    fn a_watch_reads_back_as_it_was_written() {
        let watch = watch("1d", Some(NOON), true);
        let text = serde_json::to_vec_pretty(&watch).unwrap();
        assert_eq!(Watch::parse(&text, SeriesId::from_bytes([7; 8])), Some(watch));
    }

    #[test]
    fn a_watch_of_another_series_or_format_or_with_unknown_fields_is_refused() {
        let good = serde_json::to_string(&watch("1d", None, false)).unwrap();
        let series = SeriesId::from_bytes([7; 8]);
        assert!(Watch::parse(good.as_bytes(), series).is_some());
        assert_eq!(Watch::parse(good.as_bytes(), SeriesId::from_bytes([8; 8])), None);
        for (fault, with) in [
            ("watch/v1", "watch/v2"),
            (r#""every_seconds":86400"#, r#""every_seconds":1"#),
            (r#""installed""#, r#""planted""#),
            (r#""folder":"/data/金型 図面","#, ""),
            (r#""folder":"#, r#""folder_base64":"#),
            (r#""scheduler":"systemd""#, r#""scheduler":"luck""#),
        ] {
            assert!(good.contains(fault), "{fault} is in {good}");
            assert_eq!(Watch::parse(good.replace(fault, with).as_bytes(), series), None, "{with}");
        }
        assert_eq!(Watch::parse(&good.as_bytes()[..good.len() - 1], series), None);
    }

    #[test]
    fn why_a_run_failed_is_written_down_without_the_name_of_any_file() {
        let check = |failure: Failure, reason: Reason, word: &str| {
            assert_eq!(Reason::of(&failure), reason);
            assert_eq!(serde_json::to_string(&reason).unwrap(), format!("\"{word}\""));
        };
        let file = |kind: io::ErrorKind| Failure::file("read", Path::new("/data/secret alloy.dxf"), kind.into());
        check(file(io::ErrorKind::NotFound), Reason::NotThere, "not-there");
        check(file(io::ErrorKind::PermissionDenied), Reason::NotAllowed, "not-allowed");
        check(file(io::ErrorKind::StorageFull), Reason::DiskFull, "disk-full");
        check(file(io::ErrorKind::ReadOnlyFilesystem), Reason::DiskReadOnly, "disk-read-only");
        check(file(io::ErrorKind::InvalidData), Reason::Disk, "disk");
        check(Failure::fixable("x").source(EmptyFolder), Reason::Empty, "empty");
        check(Failure::untrue("a record"), Reason::SafeDamaged, "safe-damaged");
        check(Failure::new(FailureKind::Lying, "a head"), Reason::NotAsPinned, "not-as-pinned");
        check(Failure::internal_message("x"), Reason::Internal, "internal");
        check(Failure::fixable("x"), Reason::Other, "other");
    }

    #[test]
    fn a_timer_deposits_when_an_interval_has_passed_and_not_before() {
        let kept = |ago: u64| watch("1d", Some(NOON - ago), false).is_due(NOON);
        assert!(watch("1d", None, false).is_due(NOON));
        assert!(!kept(60));
        assert!(!kept(DAY - 3_600));
        assert!(kept(DAY - 60), "a timer that comes a little early must not wait for the next hour");
        assert!(kept(5 * DAY));
        assert!(watch("1d", Some(NOON + DAY), false).is_due(NOON), "a clock that was set back must not stop deposits");
    }

    #[test]
    fn a_run_is_missed_after_the_interval_and_its_grace() {
        let state = |ago: u64| watch("1d", Some(NOON - ago), false).state(NOON, true);
        assert_eq!(state(0), State::Kept);
        assert_eq!(state(DAY + DAY / 2), State::Kept);
        assert_eq!(state(DAY + DAY / 2 + 1), State::Missed);
        assert_eq!(watch("1d", None, false).state(NOON, true), State::Missed);
    }

    #[test]
    fn what_is_wrong_is_named_by_what_matters_most() {
        let now = |kept: u64, failure: bool| watch("1d", Some(kept), failure).state(NOON, true);
        assert_eq!(now(NOON - 60, true), State::Failed);
        assert_eq!(now(NOON - 9 * DAY, true), State::Missed);
        assert_eq!(now(NOON + 2 * DAY, false), State::ClockSetBack);
        assert_eq!(watch("1d", Some(NOON), false).state(NOON, false), State::NotScheduled);
        let mut partial = watch("1d", Some(NOON), false);
        partial.last_kept.as_mut().unwrap().left_out = 1;
        assert_eq!(partial.state(NOON, true), State::Incomplete);
    }

    #[test]
    #[cfg(unix)]
    fn a_folder_whose_name_is_not_text_is_remembered_by_its_bytes() {
        let request = Request {
            folder: system::path_from_bytes(b"/data/\x90}\x96\xca").unwrap(),
            exclude: Vec::new(),
            every: "1d".parse().unwrap(),
            scheduler: Scheduler::Crontab,
        };
        let series = SeriesId::from_bytes([7; 8]);
        let watch = Watch::new(series, &request, NOON);
        let text = serde_json::to_vec(&watch).unwrap();
        assert_eq!(Watch::parse(&text, series).unwrap().folder(), request.folder);
    }
}
