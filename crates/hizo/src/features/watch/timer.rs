//! Installs a plan in what this system has for schedules, and looks whether it is still there.
//!
//! Only the two kinds that Linux has have ever run: see docs/guide/systems.md.

use std::env;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use hizo_ledger::id::SeriesId;

use super::Scheduler;
use super::schedule::{self, Plan};
use crate::failure::{Failure, Outcome};
use crate::words::words;

/// A text, and the file that it belongs in; a crontab has no file of its own.
pub(crate) struct Text {
    pub place: Option<PathBuf>,
    pub text: String,
}

impl Scheduler {
    /// What this system runs commands on schedule with.
    ///
    /// # Errors
    /// When it has nothing that is known.
    pub(crate) fn of_this_system() -> Outcome<Self> {
        match env::consts::OS {
            "macos" => Ok(Self::Launchd),
            "windows" => Ok(Self::Tasks),
            _ if answers("systemctl", &["--user", "show-environment"]) => Ok(Self::Systemd),
            _ if is_there("crontab", &["-l"]) => Ok(Self::Crontab),
            _ => Err(Failure::fixable(words!(
                "this system has neither systemd for users nor crontab",
                "このシステムには、ユーザー用の systemd も crontab もありません"
            ))
            .hint(words!(
                "Install cron, or run `hizo watch run` from a scheduler of your own; --dry-run prints its command line.",
                "cron を導入するか、お使いのスケジューラーから `hizo watch run` を実行してください。--dry-run を付けるとコマンドを表示します。"
            ))),
        }
    }

    /// The texts that make the plan run.
    pub(crate) fn texts(self, plan: &Plan, series: SeriesId) -> Outcome<Vec<Text>> {
        let in_file = |place: PathBuf, text| Text { place: Some(place), text };
        Ok(match self {
            Self::Systemd => {
                let [service, timer] = systemd_files(series)?;
                vec![in_file(service, schedule::systemd_service(plan)?), in_file(timer, schedule::systemd_timer(plan))]
            }
            Self::Crontab => vec![Text { place: None, text: format!("{}\n", schedule::crontab_line(plan)?) }],
            Self::Launchd => vec![in_file(launchd_file(series)?, schedule::launchd_plist(plan))],
            Self::Tasks => vec![in_file(task_file(series), schedule::task_xml(plan)?)],
        })
    }

    /// Makes the system run the plan from now on.
    pub(crate) fn install(self, plan: &Plan, series: SeriesId) -> Outcome<()> {
        let texts = self.texts(plan, series)?;
        match self {
            Self::Systemd => {
                write_all(&texts)?;
                run("systemctl", &["--user", "daemon-reload"])?;
                run("systemctl", &["--user", "enable", "--now", &systemd_timer_name(series)])
            }
            Self::Crontab => {
                let line = texts.into_iter().next().map(|text| text.text);
                replace_crontab(series, line.as_deref())
            }
            Self::Launchd => {
                write_all(&texts)?;
                let file = launchd_file(series)?;
                // A job that is loaded keeps its old text until it is unloaded.
                let _ = quietly(Command::new("launchctl").arg("unload").arg(&file));
                run("launchctl", &["load".as_ref(), "-w".as_ref(), file.as_os_str()])
            }
            Self::Tasks => {
                write_utf16(&texts)?;
                let (name, file) = (schedule::task_name(series), task_file(series));
                let xml: [&std::ffi::OsStr; 6] =
                    ["/Create".as_ref(), "/F".as_ref(), "/TN".as_ref(), name.as_ref(), "/XML".as_ref(), file.as_ref()];
                let created = run("schtasks", &xml);
                let _ = fs::remove_file(&file);
                created
            }
        }
    }

    /// Makes the system forget it.
    pub(crate) fn remove(self, series: SeriesId) -> Outcome<()> {
        match self {
            Self::Systemd => {
                let _ = quietly(Command::new("systemctl").args([
                    "--user",
                    "disable",
                    "--now",
                    &systemd_timer_name(series),
                ]));
                systemd_files(series)?.iter().try_for_each(|file| remove_file(file))?;
                run("systemctl", &["--user", "daemon-reload"])
            }
            Self::Crontab => replace_crontab(series, None),
            Self::Launchd => {
                let file = launchd_file(series)?;
                let _ = quietly(Command::new("launchctl").arg("unload").arg("-w").arg(&file));
                remove_file(&file)
            }
            Self::Tasks => match self.is_installed(series) {
                true => run("schtasks", &["/Delete", "/F", "/TN", &schedule::task_name(series)]),
                false => Ok(()),
            },
        }
    }

    /// Whether the system still has it.
    pub(crate) fn is_installed(self, series: SeriesId) -> bool {
        match self {
            Self::Systemd => answers("systemctl", &["--user", "--quiet", "is-enabled", &systemd_timer_name(series)]),
            Self::Crontab => {
                let mark = schedule::crontab_mark(series);
                crontab().is_ok_and(|table| table.lines().any(|line| is_line_of(line, &mark)))
            }
            Self::Launchd => {
                launchd_file(series).is_ok_and(|file| file.is_file())
                    && answers("launchctl", &["list", &schedule::launchd_label(series)])
            }
            Self::Tasks => answers("schtasks", &["/Query", "/TN", &schedule::task_name(series)]),
        }
    }
}

fn systemd_timer_name(series: SeriesId) -> String {
    format!("hizo-watch-{series}.timer")
}

fn systemd_files(series: SeriesId) -> Outcome<[PathBuf; 2]> {
    let named = env::var_os("XDG_CONFIG_HOME").map(PathBuf::from).filter(|folder| folder.is_absolute());
    let config = named.map_or_else(|| in_account(".config"), Ok)?;
    let folder = config.join("systemd").join("user");
    Ok([folder.join(format!("hizo-watch-{series}.service")), folder.join(systemd_timer_name(series))])
}

fn launchd_file(series: SeriesId) -> Outcome<PathBuf> {
    Ok(in_account("Library/LaunchAgents")?.join(format!("{}.plist", schedule::launchd_label(series))))
}

fn task_file(series: SeriesId) -> PathBuf {
    env::temp_dir().join(format!("hizo-watch-{series}.xml"))
}

fn in_account(path: &str) -> Outcome<PathBuf> {
    let home = env::home_dir().filter(|home| !home.as_os_str().is_empty());
    home.map(|home| home.join(path)).ok_or_else(|| {
        Failure::fixable(words!("this account has no home folder", "このアカウントにはホームフォルダーがありません"))
            .hint(words!("Run it as the person whose folder it is.", "フォルダーの持ち主として実行してください。"))
    })
}

fn write_all(texts: &[Text]) -> Outcome<()> {
    texts.iter().try_for_each(|text| write(text, text.text.as_bytes()))
}

fn write_utf16(texts: &[Text]) -> Outcome<()> {
    texts.iter().try_for_each(|text| {
        let units = std::iter::once('\u{feff}').chain(text.text.replace('\n', "\r\n").chars().collect::<Vec<_>>());
        let units: String = units.collect();
        let bytes: Vec<u8> = units.encode_utf16().flat_map(u16::to_le_bytes).collect();
        write(text, &bytes)
    })
}

fn write(text: &Text, bytes: &[u8]) -> Outcome<()> {
    let Some(place) = &text.place else { return Ok(()) };
    let folder = place.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder).map_err(|error| Failure::file("make the folder", folder, error))?;
    fs::write(place, bytes).map_err(|error| Failure::file("write", place, error))
}

fn remove_file(path: &Path) -> Outcome<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(Failure::file("remove", path, error)),
        _ => Ok(()),
    }
}

/// The account's crontab as it is; empty if there is none.
fn crontab() -> Outcome<String> {
    let output = quietly(Command::new("crontab").arg("-l").env("LC_ALL", "C"));
    let output = output.map_err(|error| cannot_run("crontab", &error.to_string()))?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    match output.status.success() {
        true => String::from_utf8(output.stdout).map_err(|_| cannot_run("crontab", "the crontab is not text")),
        false if said.contains("no crontab for") => Ok(String::new()),
        // Anything else must not end in a table that holds our line alone.
        false => Err(cannot_run("crontab", said.trim())),
    }
}

/// Replaces the line of a series and leaves every other one as it is.
fn replace_crontab(series: SeriesId, line: Option<&str>) -> Outcome<()> {
    let old = crontab()?;
    let mark = schedule::crontab_mark(series);
    let mut table: String = old.split_inclusive('\n').filter(|line| !is_line_of(line.trim_end(), &mark)).collect();
    if line.is_none() && table == old {
        return Ok(());
    }
    if let Some(line) = line {
        if !table.is_empty() && !table.ends_with('\n') {
            table.push('\n');
        }
        table.push_str(line);
    }
    let failed = |error: io::Error| cannot_run("crontab", &error.to_string());
    let mut child = Command::new("crontab")
        .arg("-")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(failed)?;
    let given = child.stdin.take().map_or(Ok(()), |mut input| input.write_all(table.as_bytes()));
    let output = child.wait_with_output().map_err(failed)?;
    given.map_err(failed)?;
    succeeded("crontab", &output)
}

fn is_line_of(line: &str, mark: &str) -> bool {
    line.ends_with(mark) && !line.trim_start().starts_with('#')
}

fn run<A: AsRef<std::ffi::OsStr>>(program: &str, arguments: &[A]) -> Outcome<()> {
    let output = quietly(Command::new(program).args(arguments));
    succeeded(program, &output.map_err(|error| cannot_run(program, &error.to_string()))?)
}

fn succeeded(program: &str, output: &Output) -> Outcome<()> {
    match output.status.success() {
        true => Ok(()),
        false => Err(cannot_run(program, String::from_utf8_lossy(&output.stderr).trim())),
    }
}

fn answers(program: &str, arguments: &[&str]) -> bool {
    quietly(Command::new(program).args(arguments)).is_ok_and(|output| output.status.success())
}

fn is_there(program: &str, arguments: &[&str]) -> bool {
    quietly(Command::new(program).args(arguments)).is_ok()
}

/// Runs a program that has nothing to say to the person.
fn quietly(command: &mut Command) -> io::Result<Output> {
    command.stdin(Stdio::null()).output()
}

fn cannot_run(program: &str, said: &str) -> Failure {
    Failure::fixable(words!(
        "{program} could not set the timer: {said}",
        "{program} でタイマーを設定できませんでした: {said}"
    ))
    .hint(words!(
        "Look at what it says, or choose another with --scheduler.",
        "表示された内容を確かめるか、--scheduler で別の方法を指定してください。"
    ))
}
