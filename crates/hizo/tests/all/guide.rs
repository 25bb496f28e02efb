//! The guides are true: every console block of them runs as it stands, in a folder of its own, and prints what is there.
//!
//! `[..]` in a page stands for what differs each time: ids, times, folders. A comment that begins with `run` prepares what
//! a reader has already, and ends at its first line that fails; a comment `exits with N` before a block says how its last
//! command ends. `crontab` and `systemctl` are stand-ins: no page touches the schedule of whoever runs the tests. Such a
//! comment waits with `wait-until COMMAND`, and not for ever.
//!
//! A comment `added to FILE` before a block writes the block there, behind what the file has. A block behind `runs on` has one
//! command, which does not end when it has printed what is there, but at the comment `ctrl-c`, with exit code 0. Where a page has
//! [`ADDRESS`], it runs with another port, which no other run has.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use tempfile::TempDir;

use crate::kit;

/// Where the keeper of a page answers.
const ADDRESS: &str = "127.0.0.1:7800";

/// As long as a page waits for what must come.
const LONG: Duration = Duration::from_secs(120);

#[test]
fn the_owner_guide_in_english_is_true() {
    Guide::new("C").run("owner.md");
}

#[test]
fn the_owner_guide_in_japanese_is_true() {
    Guide::new("ja_JP.UTF-8").run("owner.ja.md");
}

#[test]
fn the_sharing_guide_in_english_is_true() {
    Guide::new("C").run("sharing.md");
}

#[test]
fn the_sharing_guide_in_japanese_is_true() {
    Guide::new("ja_JP.UTF-8").run("sharing.ja.md");
}

#[test]
fn the_handover_guide_in_english_is_true() {
    Guide::new("C").run("handover.md");
}

#[test]
fn the_handover_guide_in_japanese_is_true() {
    Guide::new("ja_JP.UTF-8").run("handover.ja.md");
}

#[test]
fn the_case_guide_in_english_is_true() {
    Guide::new("C").run("case.md");
}

#[test]
fn the_case_guide_in_japanese_is_true() {
    Guide::new("ja_JP.UTF-8").run("case.ja.md");
}

#[test]
fn the_organisation_guide_in_english_is_true() {
    Guide::new("C").run("organisation.md");
}

#[test]
fn the_organisation_guide_in_japanese_is_true() {
    Guide::new("ja_JP.UTF-8").run("organisation.ja.md");
}

#[test]
fn the_witness_guide_in_english_is_true() {
    Guide::new("C").run("witness.md");
}

#[test]
fn the_witness_guide_in_japanese_is_true() {
    Guide::new("ja_JP.UTF-8").run("witness.ja.md");
}

#[test]
fn the_operator_guide_in_english_is_true() {
    Guide::new("C").run("operator.md");
}

#[test]
fn the_operator_guide_in_japanese_is_true() {
    Guide::new("ja_JP.UTF-8").run("operator.ja.md");
}

#[test]
fn what_starts_a_keeper_is_what_the_operator_guides_show_and_holds_before_its_judges() {
    let deploy = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy");
    let unit = fs::read_to_string(deploy.join("hizo-keeper.service")).unwrap();
    for name in ["operator.md", "operator.ja.md"] {
        assert!(page(name).contains(&format!("```\n{unit}```\n")), "{name} shows another unit");
    }
    a_unit_holds(&unit);
    let linter = deploy.join("../target/pypi/bin/hadolint");
    if !linter.is_file() {
        kit::say_aloud("hadolint is not here to judge the container's file");
        return;
    }
    let said = kit::said(Command::new(linter).arg(deploy.join("Containerfile")));
    assert_eq!((said.code, said.out.as_str()), (Some(0), ""), "{said:?}");
}

/// Asks systemd what it thinks of the unit; its program is this one, since the one that it names is not there.
fn a_unit_holds(unit: &str) {
    if !kit::is_there("systemd-analyze") {
        return kit::say_aloud("systemd-analyze is not here to judge the keeper's unit");
    }
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("hizo-keeper.service");
    let verify = |unit: &str| {
        fs::write(&place, unit).unwrap();
        kit::said(kit::program("systemd-analyze").arg("verify").arg(&place))
    };
    let program = unit.lines().find_map(|line| line.strip_prefix("ExecStart=")?.split(' ').next()).unwrap();
    let unit = unit.replace(program, env!("CARGO_BIN_EXE_hizo"));
    let accepted = verify(&unit);
    assert!(accepted.code == Some(0) && !accepted.err.contains("hizo-keeper"), "{accepted:?}");
    let refused = verify(&unit.replace("ExecStart=", "ExecStart=\""));
    assert!(refused.err.contains("Unbalanced quoting"), "the judge judges: {refused:?}");
}

#[test]
fn the_owner_guides_never_say_what_owners_need_not_know() {
    let ours = ["epoch", "manifest", "checkpoint", "エポック", "マニフェスト", "チェックポイント"];
    for name in ["owner.md", "owner.ja.md", "sharing.md", "sharing.ja.md", "handover.md", "handover.ja.md"] {
        let page = page(name).to_lowercase();
        let word = ours.iter().find(|word| page.contains(*word));
        assert!(word.is_none(), "{name} says {}", word.unwrap());
    }
}

#[test]
fn the_owner_guides_run_the_same_commands_in_both_languages() {
    // What a reader names (folders, labels, the company) is in his own language; programs, acts and options are not.
    let acts = "hizo init deposit list show diff restore proof watch install status run check export cp cat cd sha256sum \
                space invite join admit grant members remove head consent give withdraw hand-over make enter open answer";
    let is_act = |word: &&str| word.starts_with("--") || acts.split(' ').any(|act| act == *word);
    let commands = |name: &str| -> Vec<Vec<String>> {
        let words = |step: Step| step.command.split(' ').filter(is_act).map(str::to_owned).collect::<Vec<_>>();
        steps(&page(name)).into_iter().filter(|step| step.manner != Manner::Hidden).map(words).collect()
    };
    for page in ["owner", "sharing", "handover"] {
        assert_eq!(commands(&format!("{page}.md")), commands(&format!("{page}.ja.md")));
    }
}

/// What a guide for the desk tells people to press or to look for, they find: it is in the language's catalogue, or a state of a case.
#[test]
fn what_the_guides_for_the_desk_name_stands_at_the_desk() {
    let states = include_str!("../../src/features/case/states.rs");
    let english = [include_str!("../../src/words/desk.en.ftl"), states];
    let japanese = [include_str!("../../src/words/desk.ja.ftl"), states];
    for guide in ["desk", "counsellor"] {
        // *So*, and not **so**: those are what people say and hand each other.
        let text = page(&format!("{guide}.md")).replace("**", "").replace('\n', " ");
        let named: Vec<_> = text.split('*').skip(1).step_by(2).collect();
        all_stand(guide, &named, &english);
        let text = page(&format!("{guide}.ja.md"));
        let named: Vec<_> = text.split('「').skip(1).filter_map(|rest| rest.split('」').next()).collect();
        all_stand(guide, &named, &japanese);
    }
}

#[track_caller]
fn all_stand(guide: &str, named: &[&str], catalogue: &[&str]) {
    assert!(named.len() > 10, "{guide} is read wrong: {named:?}");
    let missing: Vec<_> = named.iter().filter(|name| !catalogue.iter().any(|text| text.contains(**name))).collect();
    assert!(missing.is_empty(), "{guide} names what is not at the desk: {missing:?}");
}

#[test]
fn the_operator_guides_run_the_same_commands_in_both_languages() {
    let commands = |name: &str| -> Vec<String> { steps(&page(name)).into_iter().map(|step| step.command).collect() };
    assert_eq!(commands("operator.md"), commands("operator.ja.md"));
}

#[test]
fn no_page_takes_a_port_that_another_run_may_have_or_waits_for_ever() {
    let names: Vec<_> = fs::read_dir(guides()).unwrap().map(|item| item.unwrap().file_name()).collect();
    assert!(!names.is_empty());
    for name in names.iter().map(|name| name.to_str().unwrap()) {
        for line in steps(&page(name).replace(ADDRESS, "")).iter().flat_map(|step| step.command.lines()) {
            let is_loop = ["while ", "until "].iter().any(|word| line.trim_start().starts_with(word));
            assert!(!is_loop, "{name} waits for ever, instead of with wait-until: {line}");
            let is_fixed = line.split("127.0.0.1:").skip(1).any(|port| port.starts_with(|c| ('1'..='9').contains(&c)));
            assert!(!is_fixed, "{name} takes a port, instead of 0, which is any that is free: {line}");
        }
    }
}

#[test]
fn a_page_that_is_wrong_is_found_out() {
    let guide = Guide::new("C");
    let fails = |page: &str| guide.check(page).is_err();
    assert!(!fails("```console\n$ echo one; echo two\none\n[..]o\n```\n"));
    assert!(fails("```console\n$ echo one\ntwo\n```\n"));
    assert!(fails("```console\n$ echo one\n```\n"), "unsaid output");
    assert!(fails("```console\n$ echo one\none\ntwo\n```\n"), "promised output");
    assert!(fails("```console\n$ false\n```\n"), "an exit code that is not announced");
    assert!(!fails("<!-- exits with 1 -->\n```console\n$ false\n```\n"));
    assert!(fails("<!-- exits with 1 -->\n```console\n$ true\n```\n"));
    assert!(!fails("<!-- run\nmkdir made\n-->\n```console\n$ ls -d made\nmade\n```\n"));
    assert!(fails("<!-- run\nfalse\n-->\n"));
    assert!(fails("<!-- run\nfalse\ntrue\n-->\n"), "a line that fails before the last");
    assert!(!fails("<!-- run\nwait-until test -d made\n-->\n"));
    assert!(!fails("<!-- added to file -->\n```toml\na = \"$b\"\n```\n```console\n$ cat file\na = \"$b\"\n```\n"));
    let running = "<!-- run\nrm -f never; mkfifo never\n-->\n<!-- runs on -->\n```console\n\
                   $ sh -c 'trap \"exit 0\" INT; echo one; read nothing <> never'\none\n```\n";
    assert!(!fails(&format!("{running}<!-- ctrl-c -->\n")));
    assert!(fails(&running.replace("\none\n", "\ntwo\n")), "unsaid output of what runs on");
    assert!(fails(&format!("{}<!-- ctrl-c -->\n", running.replace("exit 0", "exit 1"))), "a bad end");
    assert!(fails("<!-- ctrl-c -->\n"), "nothing runs");
    assert!(fails("<!-- runs on -->\n```console\n$ true\none\n```\n"), "what ends before it says what it should");
    let waited = guide.check("<!-- run\nattempts=2 wait-until test -d nothing\ntrue\n-->\n").unwrap_err();
    assert!(waited.contains("did not come in 2 attempts: test -d nothing"), "{waited}");
}

fn guides() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/guide")
}

fn page(name: &str) -> String {
    let path = guides().join(name);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A command of a page, and what the page says it prints.
struct Step {
    command: String,
    printed: Vec<String>,
    code: i32,
    manner: Manner,
}

#[derive(Clone, Copy, PartialEq)]
enum Manner {
    /// A reader types it.
    Shown,
    Hidden,
    /// A reader types it, and it does not end by itself.
    RunsOn,
    /// Ends what runs on.
    CtrlC,
}

fn steps(page: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let mut code = 0;
    let mut shown = Manner::Shown;
    let mut lines = page.lines();
    let unshown = |command: &str, manner| Step { command: command.into(), printed: Vec::new(), code: 0, manner };
    while let Some(line) = lines.next() {
        if let Some(number) = line.strip_prefix("<!-- exits with ").and_then(|rest| rest.strip_suffix(" -->")) {
            code = number.parse().unwrap();
        } else if line == "<!-- run" {
            let script: Vec<_> = lines.by_ref().take_while(|line| *line != "-->").collect();
            steps.push(unshown(&script.join("\n"), Manner::Hidden));
        } else if let Some(file) = line.strip_prefix("<!-- added to ").and_then(|rest| rest.strip_suffix(" -->")) {
            assert!(lines.next().is_some_and(|line| line.starts_with("```")), "no block is added to {file}");
            let block: Vec<_> = lines.by_ref().take_while(|line| *line != "```").collect();
            steps.push(unshown(&format!("cat >> {file} <<'END'\n{}\nEND", block.join("\n")), Manner::Hidden));
        } else if line == "<!-- runs on -->" {
            shown = Manner::RunsOn;
        } else if line == "<!-- ctrl-c -->" {
            steps.push(unshown("ctrl-c", Manner::CtrlC));
        } else if line == "```console" {
            for line in lines.by_ref().take_while(|line| *line != "```") {
                match line.strip_prefix("$ ") {
                    Some(command) => steps.push(unshown(command, std::mem::replace(&mut shown, Manner::Shown))),
                    None => steps.last_mut().expect("a block begins with a command").printed.push(line.into()),
                }
            }
            steps.last_mut().expect("a block has a command").code = std::mem::take(&mut code);
        }
    }
    steps
}

/// Tries a command ten times a second, for two minutes unless `attempts` says another number.
const WAIT_UNTIL: &str = r#"for _ in $(seq "${attempts:=1200}"); do "$@" && exit; sleep 0.1; done
echo "did not come in $attempts attempts: $*"
exit 1"#;

/// A machine of its own for one page.
struct Guide {
    folder: TempDir,
    locale: &'static str,
    address: String,
}

/// What runs on.
struct Running {
    child: Child,
    lines: Receiver<String>,
}

impl Running {
    fn start(mut shell: Command) -> Self {
        let mut child = shell.stdout(Stdio::piped()).spawn().unwrap();
        let said = BufReader::new(child.stdout.take().unwrap());
        let (told, lines) = channel();
        // A pipe that nobody empties holds it up sooner or later.
        std::thread::spawn(move || said.lines().map_while(Result::ok).for_each(|line| drop(told.send(line))));
        Self { child, lines }
    }

    /// Holds its next lines against what the page says that it prints.
    fn prints(&self, printed: &[String]) -> Result<(), String> {
        for pattern in printed {
            let line = self.lines.recv_timeout(LONG).map_err(|_| format!("it does not print {pattern}"))?;
            if !is_like(&line, pattern) {
                return Err(format!("the page says\n{pattern}\nand this is printed:\n{line}"));
            }
        }
        Ok(())
    }

    fn end(mut self) -> Result<(), String> {
        let pid = self.child.id().to_string();
        kit::said(kit::program("kill").args(["-INT", &pid]));
        let mut told = String::new();
        loop {
            match self.lines.recv_timeout(LONG) {
                Ok(line) => told += &format!("{line}\n"),
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => return Err(format!("it does not end:\n{told}")),
            }
        }
        let code = self.child.wait().unwrap().code();
        if code == Some(0) { Ok(()) } else { Err(format!("it ends with {code:?}:\n{told}")) }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An address that no other run takes: by the number of this process, and below the ports that the system gives out by itself.
fn own_address() -> String {
    static TAKEN: AtomicU32 = AtomicU32::new(0);
    let number = std::process::id().wrapping_mul(8).wrapping_add(TAKEN.fetch_add(1, Ordering::Relaxed));
    let mut ports = (number..).map(|number| 10_000 + number % 20_000);
    let is_free = |port: &u32| std::net::TcpListener::bind(format!("127.0.0.1:{port}")).is_ok();
    format!("127.0.0.1:{}", ports.find(is_free).unwrap())
}

impl Guide {
    fn new(locale: &'static str) -> Self {
        let folder = tempfile::Builder::new().prefix("hizo-guide").tempdir().unwrap();
        let tools = folder.path().join("tools");
        fs::create_dir_all(&tools).unwrap();
        fs::create_dir_all(folder.path().join("work")).unwrap();
        std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_hizo"), tools.join("hizo")).unwrap();
        let table = "if [ \"$1\" = -l ]; then cat \"$0.table\"; else cat > \"$0.table\"; fi";
        for (name, script) in [("crontab", table), ("systemctl", "exit 1"), ("wait-until", WAIT_UNTIL)] {
            let path = tools.join(name);
            fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        }
        fs::write(tools.join("crontab.table"), "").unwrap();
        Self { folder, locale, address: own_address() }
    }

    fn run(&self, name: &str) {
        if let Err(difference) = self.check(&page(name)) {
            panic!("docs/guide/{name} is not true: {difference}");
        }
    }

    fn check(&self, page: &str) -> Result<(), String> {
        let mut running: Option<Running> = None;
        for step in steps(&page.replace(ADDRESS, &self.address)) {
            let told = |error| format!("{error}\n$ {}", step.command);
            match step.manner {
                Manner::Shown | Manner::Hidden => self.ends(&step)?,
                Manner::RunsOn => {
                    assert!(running.is_none(), "a page has one that runs on at a time");
                    running.insert(Running::start(self.shell(&step))).prints(&step.printed).map_err(told)?;
                }
                Manner::CtrlC => running.take().ok_or("nothing runs on")?.end()?,
            }
        }
        Ok(())
    }

    fn ends(&self, step: &Step) -> Result<(), String> {
        let said = kit::said(&mut self.shell(step));
        let told = format!("$ {}\n{}", step.command, said.out);
        if said.code != Some(step.code) {
            return Err(format!("{:?} instead of exit code {}:\n{told}", said.code, step.code));
        }
        let printed: Vec<_> = said.out.lines().collect();
        let alike = printed.len() == step.printed.len()
            && printed.iter().zip(&step.printed).all(|(line, pattern)| is_like(line, pattern));
        if step.manner == Manner::Shown && !alike {
            return Err(format!("the page says\n{}\nand this is printed:\n{told}", step.printed.join("\n")));
        }
        Ok(())
    }

    fn shell(&self, step: &Step) -> Command {
        let tools = self.folder.path().join("tools");
        let paths = std::env::var_os("PATH").unwrap_or_default();
        let paths = std::env::join_paths([tools].into_iter().chain(std::env::split_paths(&paths))).unwrap();
        let mut shell = kit::program("sh");
        if step.manner == Manner::Hidden {
            shell.arg("-e");
        }
        // What runs on takes the shell's place, so that a signal comes to it.
        let exec = if step.manner == Manner::RunsOn { "exec " } else { "" };
        shell.arg("-c").arg(format!("{{ {exec}{}\n}} 2>&1", step.command)).env("PATH", paths).env("COLUMNS", "100");
        shell.env("LC_ALL", self.locale);
        shell.current_dir(self.folder.path().join("work")).env("HIZO_HOME", self.folder.path().join("home"));
        shell.env("TZ", "UTC").env("HOME", self.folder.path()).env_remove("XDG_CONFIG_HOME");
        shell
    }
}

/// Whether a line is what a pattern says, `[..]` standing for anything.
fn is_like(line: &str, pattern: &str) -> bool {
    let mut parts = pattern.split("[..]");
    let Some(mut rest) = line.strip_prefix(parts.next().unwrap_or_default()) else { return false };
    let mut parts: Vec<_> = parts.collect();
    let Some(last) = parts.pop() else { return rest.is_empty() };
    for part in parts {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}
