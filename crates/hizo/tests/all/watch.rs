//! Scheduled deposits: what the timer runs, what is written down, and what a person is told when a run did not happen.
//!
//! `crontab` and `systemctl` are scripts here, found first on the path: what is given to them is what would be installed.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::Value;

use crate::kit::{self, Home, PASSPHRASE, Said, is_there, said, say_aloud};
use crate::witness::Process;

const DAY: u64 = 86_400;
const SERIES: &str = "反応釜 recipe R-17";

pub(crate) const CRONTAB: &str = r#"#!/bin/sh
case "$1" in
  -l) if [ -f "$TEST_TABLE" ]; then cat "$TEST_TABLE"; else echo "no crontab for taro" >&2; exit 1; fi ;;
  -) cat > "$TEST_TABLE" ;;
esac
"#;

const SYSTEMCTL: &str = r#"#!/bin/sh
[ "$1" = --user ] || exit 2
shift
echo "$@" >> "$TEST_TABLE"
case "$*" in
  *is-enabled*) [ -f "$TEST_TABLE.enabled" ] ;;
  enable*) touch "$TEST_TABLE.enabled" ;;
  disable*) rm -f "$TEST_TABLE.enabled" ;;
esac
"#;

/// A safe whose path has everything that a timer could misread, and a folder to watch.
struct Watched {
    home: Home,
    folder: PathBuf,
    tools: PathBuf,
    table: PathBuf,
}

impl Watched {
    fn new(tool: &str, script: &str) -> Self {
        let mut home = Home::unmade();
        home.path = home.folder.path().join("金庫 100% \"秘\" & <co> $HOME it's");
        home.ok(["init"]);
        // Nothing here may need what opens the safe.
        fs::remove_file(home.path.join("identity.age")).unwrap();
        let folder = home.beside("金型 100% 'KX-204'");
        fs::write(folder.join("図面.dxf"), "0\nSECTION\n").unwrap();
        let tools = home.beside("tools");
        let path = tools.join(tool);
        fs::write(&path, script).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        let table = home.folder.path().join("table");
        Self { home, folder, tools, table }
    }

    fn with_crontab() -> Self {
        Self::new("crontab", CRONTAB)
    }

    fn with_systemd() -> Self {
        Self::new("systemctl", SYSTEMCTL)
    }

    fn prepare(&self, command: &mut Command) {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let path = std::env::join_paths([self.tools.clone()].into_iter().chain(std::env::split_paths(&path))).unwrap();
        command.env("PATH", path).env("TEST_TABLE", &self.table);
        command.env("XDG_CONFIG_HOME", self.home.folder.path().join("config"));
    }

    fn run(&self, arguments: &[&str]) -> Said {
        let mut command = self.home.writer_command();
        self.prepare(&mut command);
        said(command.args(arguments))
    }

    #[track_caller]
    fn ok(&self, arguments: &[&str]) -> Said {
        let said = self.run(arguments);
        assert_eq!(said.code, Some(0), "{said:?}");
        said
    }

    #[track_caller]
    fn fails(&self, words: &str, arguments: &[&str]) -> Said {
        let said = self.run(arguments);
        assert_eq!(said.code, Some(1), "{said:?}");
        assert!(said.err.contains(words), "{words:?} is not in {said:?}");
        said
    }

    /// Installs a watch every day; the series' id.
    #[track_caller]
    fn install(&self, scheduler: &str) -> String {
        let folder = self.folder.to_str().unwrap();
        let watch = ["watch", "install", folder, "--series", SERIES, "--every", "1d", "--scheduler", scheduler, "-q"];
        self.ok(&watch).out.trim_end().to_owned()
    }

    fn settings(&self) -> PathBuf {
        let found = kit::files_below(&self.home.path.join("watch"));
        assert_eq!(found.len(), 1, "{found:?}");
        found[0].clone()
    }

    /// Makes the last run look as if it had been so long ago.
    fn age_by(&self, seconds: u64) {
        let mut settings: Value = serde_json::from_slice(&fs::read(self.settings()).unwrap()).unwrap();
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        settings["last_run"]["began"] = (now - seconds).into();
        settings["last_kept"]["began"] = (now - seconds).into();
        fs::write(self.settings(), settings.to_string()).unwrap();
    }

    #[track_caller]
    fn state(&self) -> Value {
        let told = self.run(&["watch", "status", "--json"]);
        let status = told.json();
        let watches = status["watches"].as_array().unwrap();
        assert_eq!(watches.len(), 1, "{told:?}");
        assert_eq!(told.code == Some(0), status["ok"].as_bool().unwrap(), "the exit code says the same: {told:?}");
        watches[0].clone()
    }

    /// Runs what the service says, as systemd does, and asks systemd what it thinks of the units.
    fn run_as_systemd(&self, series: &str) -> Said {
        let units = self.home.folder.path().join("config/systemd/user");
        let unit = |kind: &str| units.join(format!("hizo-watch-{series}.{kind}"));
        let service = fs::read_to_string(unit("service")).unwrap();
        let line = service.lines().find_map(|line| line.strip_prefix("ExecStart=")).unwrap();
        if is_there("systemd-analyze") {
            let verify = || {
                let mut analyze = kit::program("systemd-analyze");
                analyze.env("XDG_RUNTIME_DIR", self.home.beside("run")).args(["--user", "verify"]);
                said(analyze.args([unit("service"), unit("timer")]))
            };
            let accepted = verify();
            assert!(accepted.code == Some(0) && !accepted.err.contains("hizo-watch"), "{accepted:?}");
            fs::write(unit("service"), service.replace("ExecStart=", "ExecStart=\"")).unwrap();
            let refused = verify();
            assert!(refused.err.contains("Unbalanced quoting"), "the judge judges: {refused:?}");
            fs::write(unit("service"), &service).unwrap();
        } else {
            say_aloud("systemd-analyze is not here to judge the units");
        }
        let [program, arguments @ ..] = &read_systemd(line)[..] else { panic!("{line}") };
        let mut command = kit::program(program);
        self.prepare(&mut command);
        said(command.args(arguments))
    }

    /// Runs what the crontab says, as cron does: up to the first bare percent sign, in a shell.
    fn run_as_cron(&self) -> Said {
        let table = fs::read_to_string(&self.table).unwrap();
        let line = table.lines().find(|line| line.contains("# hizo watch")).unwrap();
        let command = line.splitn(6, ' ').nth(5).unwrap().replace("\\%", "\0");
        assert!(!command.contains('%'), "cron would cut {command}");
        let mut shell = kit::program("sh");
        self.prepare(&mut shell);
        said(shell.arg("-c").arg(command.replace('\0', "%")))
    }
}

fn number(state: &Value) -> u64 {
    state["last_kept"]["number"].as_u64().unwrap()
}

#[test]
fn witnesses_that_did_not_answer_a_scheduled_run_are_named_by_status() {
    let watched = Watched::with_crontab();
    let series = watched.install("crontab");
    let status = || {
        let said = watched.ok(&["watch", "status"]);
        let json = watched.ok(&["watch", "status", "--json"]).json();
        (said.err.contains("the log is not witnessed yet: W1 did not cosign"), json["witnessed"].clone())
    };
    assert_eq!(status(), (false, Value::Null), "nobody is asked");
    let key = watched.ok(&["log", "-q"]).out.trim().to_owned();
    let folder = watched.home.folder.path().join("witness");
    let witness = |arguments: &[&str]| {
        let made =
            said(kit::program(env!("CARGO_BIN_EXE_hizo")).arg("witness").args(arguments).arg("--dir").arg(&folder));
        assert_eq!(made.code, Some(0), "{made:?}");
    };
    witness(&["init", "--name", "witness.example/1", "-q"]);
    witness(&["add", &key]);
    let ask = |process: &Process| {
        let (key, url) = (process.said["keys"][0].as_str().unwrap(), process.said["url"].as_str().unwrap());
        let file = watched.home.folder.path().join("asked");
        fs::write(&file, format!("witness W1 {key} {url}\nquorum W1\n")).unwrap();
        watched.ok(&["log", "policy", file.to_str().unwrap()]);
    };
    let run = || watched.ok(&["-q", "watch", "run", &series]);
    let running = Process::start(&folder);
    ask(&running);
    drop(running);
    let said = run();
    assert!(said.err.contains("not witnessed yet"), "for the system's own log: {said:?}");
    assert_eq!(status(), (true, Value::Bool(false)));
    let running = Process::start(&folder);
    ask(&running);
    let said = run();
    assert!(!said.err.contains("not witnessed yet"), "{said:?}");
    assert_eq!(status(), (false, Value::Bool(true)));
}

#[test]
fn the_crontab_line_deposits_when_it_is_due_and_only_then() {
    let watched = Watched::with_crontab();
    let series = watched.install("crontab");
    assert_eq!(number(&watched.state()), 1, "the first deposit is made at once");
    assert_eq!(watched.state()["series_id"], series.as_str());
    let early = watched.run_as_cron();
    assert_eq!((early.code, early.out.as_str(), early.err.as_str()), (Some(0), "", ""));
    assert_eq!(number(&watched.state()), 1, "nothing is due yet");
    fs::write(watched.folder.join("図面.dxf"), "0\nENDSEC\n").unwrap();
    watched.age_by(DAY);
    let due = watched.run_as_cron();
    assert_eq!((due.code, due.out.as_str(), due.err.as_str()), (Some(0), "", ""), "cron mails nothing");
    assert_eq!(number(&watched.state()), 2);
    assert_eq!(watched.state()["state"], "kept");
}

#[test]
fn the_systemd_service_deposits_when_it_is_due() {
    let watched = Watched::with_systemd();
    let series = watched.install("systemd");
    watched.age_by(2 * DAY);
    let ran = watched.run_as_systemd(&series);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(number(&watched.state()), 2);
    let told = fs::read_to_string(&watched.table).unwrap();
    assert!(told.contains("daemon-reload"), "{told}");
    assert!(told.contains(&format!("enable --now hizo-watch-{series}.timer")), "{told}");
}

/// Splits an `ExecStart` line as systemd.service(5) says, for lines whose every argument of ours is quoted.
fn read_systemd(line: &str) -> Vec<String> {
    let (line, mut found) = match line.strip_prefix("/usr/bin/env ") {
        Some(rest) => (rest, vec!["/usr/bin/env".to_owned()]),
        None => (line, Vec::new()),
    };
    let mut characters = line.chars();
    while characters.next() == Some('"') {
        let mut argument = String::new();
        while let Some(character) = characters.next() {
            match character {
                '"' => break,
                '\\' | '%' => argument.extend(characters.next()),
                '$' if !found.is_empty() => argument.extend(characters.next()),
                other => argument.push(other),
            }
        }
        found.push(argument);
        let _ = characters.next();
    }
    found
}

#[test]
fn timers_of_a_program_in_a_strange_folder_run_too() {
    for (watched, scheduler) in [(Watched::with_crontab(), "crontab"), (Watched::with_systemd(), "systemd")] {
        let program = watched.home.beside("町工場's 100% \"道具\" & <co> $HOME").join("hizo");
        fs::copy(env!("CARGO_BIN_EXE_hizo"), &program).unwrap();
        let mut install = kit::program(&program);
        watched.prepare(&mut install);
        install.arg("--home").arg(&watched.home.path).args(["watch", "install"]).arg(&watched.folder);
        let installed = said(install.args(["--series", SERIES, "--scheduler", scheduler, "-q"]));
        assert_eq!(installed.code, Some(0), "{installed:?}");
        watched.age_by(DAY);
        let ran = match scheduler {
            "crontab" => watched.run_as_cron(),
            _ => watched.run_as_systemd(installed.out.trim_end()),
        };
        assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""), "{ran:?}");
        assert_eq!(number(&watched.state()), 2);
    }
}

#[test]
fn neither_the_timer_nor_the_settings_carry_a_secret_or_the_name_of_the_series() {
    for (watched, scheduler) in [(Watched::with_crontab(), "crontab"), (Watched::with_systemd(), "systemd")] {
        watched.install(scheduler);
        let home = watched.home.folder.path();
        let mut texts = vec![watched.table.clone(), watched.settings()];
        if scheduler == "systemd" {
            texts.extend(kit::files_below(&home.join("config")));
        }
        let secrets = ["device.key", "local.key"].map(|name| fs::read_to_string(watched.home.path.join(name)).unwrap());
        for path in texts {
            let text = fs::read(&path).unwrap();
            let words = [SERIES, "反応釜", "R-17", PASSPHRASE].into_iter().chain(secrets.iter().map(|s| s.trim_end()));
            for word in words {
                assert!(!kit::contains(&text, word.as_bytes()), "{word:?} stands in {}", path.display());
            }
        }
    }
}

#[test]
fn settings_are_for_their_owner_alone() {
    let watched = Watched::with_crontab();
    watched.install("crontab");
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&watched.settings()), 0o600);
    assert_eq!(mode(watched.settings().parent().unwrap()), 0o700);
    watched.ok(&["watch", "run", SERIES]);
    assert_eq!(mode(&watched.settings()), 0o600, "also after they were replaced");
}

#[test]
fn a_missed_run_is_said_in_words_in_json_and_by_the_exit_code() {
    let watched = Watched::with_crontab();
    let series = watched.install("crontab");
    watched.age_by(DAY + DAY / 2 - 60);
    assert_eq!(watched.state()["state"], "kept", "half an interval of grace");
    watched.age_by(3 * DAY);
    let told = watched.fails("1 of 1 watched folders need a look", &["watch", "status"]);
    assert!(told.out.contains("a run was missed: it should be kept every day; last kept 3 days ago"), "{told:?}");
    assert!(told.err.contains(&format!("hizo watch run {series}")), "{told:?}");
    assert_eq!(watched.state()["missed"], true);
    let mut japanese = watched.home.writer_command();
    watched.prepare(&mut japanese);
    let japanese = said(japanese.env("LC_ALL", "ja_JP.UTF-8").args(["watch", "status"]));
    assert!(japanese.out.contains("預け入れが抜けています（予定は毎日、最後は3日前、第1回）"), "{japanese:?}");
    watched.ok(&["watch", "run", &series]);
    assert_eq!(watched.state()["state"], "kept", "and it is well again after a run");
}

#[test]
fn a_missed_run_is_mentioned_by_the_other_commands_too() {
    let watched = Watched::with_crontab();
    watched.install("crontab");
    let folder = watched.folder.to_str().unwrap();
    let deposit = ["deposit", folder, "--series", "another", "-q", "--dry-run"];
    assert_eq!(watched.ok(&deposit).err, "");
    watched.age_by(3 * DAY);
    let told = watched.ok(&deposit);
    assert!(told.err.contains("1 watched folders were not deposited in time"), "{told:?}");
    fs::write(watched.settings(), "damaged").unwrap();
    assert_eq!(watched.ok(&deposit).code, Some(0), "what is about something else goes on");
}

#[test]
fn a_series_is_watched_for_one_folder_only() {
    let watched = Watched::with_crontab();
    watched.install("crontab");
    let other = watched.home.beside("other");
    fs::write(other.join("file"), "x").unwrap();
    let install = ["watch", "install", other.to_str().unwrap(), "--series", SERIES, "--scheduler", "crontab"];
    watched.fails("is already watched for", &install);
    assert_eq!(number(&watched.state()), 1, "nothing was deposited");
    watched.ok(&["watch", "remove", SERIES]);
    watched.ok(&install);
}

#[test]
fn the_system_is_asked_what_it_has_for_schedules() {
    let folder = |watched: &Watched| watched.folder.to_str().unwrap().to_owned();
    let watched = Watched::with_systemd();
    watched.ok(&["watch", "install", &folder(&watched), "--series", SERIES]);
    assert_eq!(watched.state()["scheduler"], "systemd");
    let watched = Watched::with_crontab();
    fs::write(watched.tools.join("systemctl"), "#!/bin/sh\nexit 1\n").unwrap();
    fs::set_permissions(watched.tools.join("systemctl"), fs::Permissions::from_mode(0o755)).unwrap();
    watched.ok(&["watch", "install", &folder(&watched), "--series", SERIES]);
    assert_eq!(watched.state()["scheduler"], "crontab");
}

#[test]
fn a_run_that_fails_is_remembered_with_its_reason_and_tried_again() {
    let watched = Watched::with_crontab();
    let series = watched.install("crontab");
    let away = watched.home.folder.path().join("away");
    fs::rename(&watched.folder, &away).unwrap();
    watched.age_by(DAY);
    let run = ["watch", "run", "--if-due", &series];
    watched.fails("it is not there", &run);
    assert_eq!(watched.state()["state"], "failed");
    assert!(watched.state()["last_run"]["failure"].as_str().unwrap().contains("is not there"));
    let written = fs::read_to_string(watched.home.path.join("watch").join(&series)).unwrap();
    assert!(written.contains(r#""failure": "not-there""#), "{written}");
    assert_eq!(number(&watched.state()), 1, "the last good deposit is still told of");
    fs::rename(&away, &watched.folder).unwrap();
    watched.ok(&run);
    assert_eq!(watched.state()["state"], "kept");
}

#[test]
fn an_empty_folder_is_a_disk_that_is_not_connected_and_no_new_version() {
    let watched = Watched::with_crontab();
    let series = watched.install("crontab");
    fs::remove_file(watched.folder.join("図面.dxf")).unwrap();
    let told = watched.fails("is empty", &["watch", "run", &series]);
    assert!(told.err.contains("connected"), "{told:?}");
    assert_eq!(number(&watched.state()), 1);
}

#[test]
fn a_deposit_with_things_left_out_is_kept_and_told_of() {
    let watched = Watched::with_crontab();
    let series = watched.install("crontab");
    kit::said(kit::program("mkfifo").arg(watched.folder.join("pipe")));
    watched.fails("1 thing was left out", &["watch", "run", &series]);
    assert_eq!(number(&watched.state()), 2);
    assert_eq!(watched.state()["state"], "incomplete");
    let told = watched.run(&["watch", "status"]);
    assert_eq!(told.code, Some(1));
    assert!(told.out.contains("1 thing was left out"), "{told:?}");
}

#[test]
fn a_timer_that_somebody_removed_is_missed() {
    let watched = Watched::with_crontab();
    watched.install("crontab");
    fs::write(&watched.table, "").unwrap();
    watched.fails("hizo watch install", &["watch", "status"]);
    assert_eq!(watched.state()["state"], "not-scheduled");
    fs::write(&watched.table, format!("# a comment that ends in # hizo watch {}\n", watched.state()["series_id"]))
        .unwrap();
    assert_eq!(watched.state()["state"], "not-scheduled", "a line that is commented out does not run");
}

#[test]
fn other_lines_of_a_crontab_are_left_as_they_are() {
    let watched = Watched::with_crontab();
    let others = "MAILTO=taro\n# 日報\n0 9 * * 1-5 nippo --at '9時' % stdin\n* * * * * no end of line";
    fs::write(&watched.table, others).unwrap();
    watched.install("crontab");
    watched.install("crontab");
    let table = fs::read_to_string(&watched.table).unwrap();
    assert!(table.starts_with(others), "{table}");
    assert_eq!(table.matches("# hizo watch").count(), 1, "installed twice is installed once: {table}");
    watched.ok(&["watch", "remove", SERIES]);
    assert_eq!(fs::read_to_string(&watched.table).unwrap().trim_end(), others);
}

#[test]
fn a_crontab_that_cannot_be_read_is_never_replaced() {
    let watched = Watched::with_crontab();
    fs::write(&watched.table, "0 9 * * * nippo\n").unwrap();
    let refusing = CRONTAB.replace("-l) if", "-l) echo 'you are not allowed' >&2; exit 1; if");
    fs::write(watched.tools.join("crontab"), refusing).unwrap();
    let folder = watched.folder.to_str().unwrap();
    let install = ["watch", "install", folder, "--series", SERIES, "--scheduler", "crontab"];
    watched.fails("you are not allowed", &install);
    assert_eq!(fs::read_to_string(&watched.table).unwrap(), "0 9 * * * nippo\n");
}

#[test]
fn what_is_removed_no_longer_runs_and_what_is_kept_stays() {
    for (watched, scheduler) in [(Watched::with_crontab(), "crontab"), (Watched::with_systemd(), "systemd")] {
        let series = watched.install(scheduler);
        watched.ok(&["watch", "remove", SERIES, "--dry-run"]);
        assert_eq!(watched.state()["state"], "kept", "a dry run changes nothing");
        watched.ok(&["watch", "remove", SERIES]);
        assert!(kit::files_below(&watched.home.path.join("watch")).is_empty());
        let units = watched.home.folder.path().join("config");
        assert!(!units.exists() || kit::files_below(&units).is_empty());
        watched.fails("nothing is watched", &["watch", "run", &series]);
        watched.fails("nothing is watched", &["watch", "remove", &series]);
        let status = watched.ok(&["watch", "status", "--json"]).json();
        assert_eq!((status["ok"].as_bool(), status["watches"].as_array().unwrap().len()), (Some(true), 0));
    }
}

#[test]
fn a_dry_run_prints_the_texts_of_every_kind_and_changes_nothing() {
    let watched = Watched::with_crontab();
    let folder = watched.folder.to_str().unwrap();
    let before = kit::tree(&watched.home.path);
    for scheduler in ["systemd", "crontab", "launchd", "task-scheduler"] {
        let told = watched.ok(&["watch", "install", folder, "--series", SERIES, "--scheduler", scheduler, "--dry-run"]);
        assert!(told.out.contains("--if-due"), "{told:?}");
    }
    kit::assert_same(&before, &kit::tree(&watched.home.path));
    assert!(!watched.table.exists());
}

#[test]
fn damaged_or_misplaced_settings_are_refused_by_name() {
    let watched = Watched::with_crontab();
    let series = watched.install("crontab");
    let good = fs::read_to_string(watched.settings()).unwrap();
    for bad in ["", "{}", &good.replace("watch/v1", "watch/v9"), &good[..good.len() / 2], &good.replace(&series, "00")]
    {
        fs::write(watched.settings(), bad).unwrap();
        watched.fails("is damaged", &["watch", "status"]);
        watched.fails("is damaged", &["watch", "run", &series]);
    }
}

#[test]
fn a_series_is_named_by_its_id_only_when_it_is_there() {
    let watched = Watched::with_crontab();
    let folder = watched.folder.to_str().unwrap();
    for unknown in ["id:", "id:0123456789abcdef", "id:../../x"] {
        watched.fails("this machine knows no series", &["deposit", folder, "--series", unknown]);
    }
    let series = watched.install("crontab");
    watched.ok(&["deposit", folder, "--series", &format!("id:{series}")]);
    for strange in ["0123456789abcdef", "no such name", "../watch", ""] {
        watched.fails("nothing is watched", &["watch", "run", strange]);
    }
}

#[test]
fn intervals_that_cannot_be_kept_are_wrong_usage() {
    let watched = Watched::with_crontab();
    for every in ["0d", "1s", "20m", "9w", "daily"] {
        let told = watched.run(&["watch", "install", ".", "--series", SERIES, "--every", every]);
        assert_eq!(told.code, Some(2), "{told:?}");
        assert!(told.err.contains(every), "{told:?}");
    }
}
