//! Deposits while the keeper cannot be reached: sealed, queued, and sent when it answers again.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::elsewhere::begun;
use crate::keeper::Process;
use crate::kit::{Dice, Home, Said, assert_same, contains, files_below, noise, said, tree};
use crate::liar::{Answer, Liar};
use crate::sharing::Firm;

/// A safe whose keeper is elsewhere, with one deposit, and a keeper that comes and goes.
pub(crate) struct Scene {
    pub(crate) home: Home,
    pub(crate) folder: PathBuf,
    pub(crate) data: PathBuf,
    pub(crate) address: String,
    pub(crate) keeper: Option<Process>,
    pub(crate) liar: Liar,
}

impl Scene {
    pub(crate) fn new() -> Self {
        let (home, data, keeper, liar) = begun();
        let folder = home.beside("moulds");
        fs::write(folder.join("KX-204.dxf"), "first\n").unwrap();
        home.deposit(&folder, "moulds");
        Self { home, folder, data, address: keeper.address(), keeper: Some(keeper), liar }
    }

    pub(crate) fn goes(&mut self) {
        self.keeper.take().unwrap().end("-KILL");
    }

    pub(crate) fn comes(&mut self) {
        self.keeper = Some(Process::start_at(&self.data, &self.address));
    }

    /// Deposits something that changed while nobody answers.
    #[track_caller]
    pub(crate) fn seals(&self, home: &Home, series: &str, content: &str) -> Value {
        fs::write(self.folder.join("KX-204.dxf"), content).unwrap();
        let said = deposit(home, &self.folder, series);
        assert_eq!(said.code, Some(6), "{said:?}");
        assert!(said.err.contains("sealed, not yet kept: will be sent when http://"), "{said:?}");
        let sealed = said.json();
        assert_eq!(sealed["kept"], false, "{sealed}");
        assert!(sealed["receipt"].is_null(), "{sealed}");
        sealed
    }

    /// A second machine with the same keys: somebody else, as far as the keeper can tell.
    fn other(&self) -> Home {
        self.home.copy()
    }
}

fn deposit(home: &Home, folder: &Path, series: &str) -> Said {
    let mut command = home.command();
    said(command.arg("deposit").arg(folder).args(["--series", series, "--json", "--reread"]))
}

#[track_caller]
fn waiting(home: &Home) -> u64 {
    let status = home.run(["status", "--json"]);
    status.json()["waiting"]["deposits"].as_u64().unwrap()
}

#[test]
fn a_deposit_without_its_keeper_is_sealed_can_be_restored_and_is_sent_when_the_keeper_answers() {
    let mut scene = Scene::new();
    scene.goes();
    let mut expected = Vec::new();
    for content in ["second\n", "third\n"] {
        let sealed = scene.seals(&scene.home, "moulds", content);
        expected.push((sealed["number"].as_u64().unwrap(), tree(&scene.folder)));
    }
    scene.seals(&scene.home, "drawings", "in a series that begins now\n");
    assert_eq!(expected.iter().map(|(number, _)| *number).collect::<Vec<_>>(), [2, 3]);
    // What waits can be listed, shown and restored, and says that it waits.
    let listed = scene.home.ok(["list"]);
    assert_eq!(listed.out.matches("sealed, not yet kept").count(), 3, "{listed:?}");
    assert!(listed.err.contains("cannot be reached"), "{listed:?}");
    scene.home.ok(["show", "moulds:3"]);
    for (number, tree_then) in &expected {
        let out = scene.home.restore(&format!("moulds:{number}"), &format!("away-{number}"));
        assert_same(tree_then, &tree(&out));
    }
    assert_eq!(waiting(&scene.home), 3);
    scene.comes();
    let listed = scene.home.ok(["list"]);
    assert!(!listed.out.contains("not yet kept"), "{listed:?}");
    assert_eq!(listed.err.matches("sent what waited").count(), 3, "{listed:?}");
    assert_eq!(waiting(&scene.home), 0);
    scene.home.ok(["check"]);
    for (number, tree_then) in &expected {
        let out = scene.home.restore(&format!("moulds:{number}"), &format!("sent-{number}"));
        assert_same(tree_then, &tree(&out));
    }
    // What nobody changed is not stored again, by the walk of a deposit that waited.
    let again = scene.home.deposit(&scene.folder, "drawings");
    assert!(again["stored_bytes"].as_u64().unwrap() < 10_000, "{again}");
}

#[test]
fn what_waits_is_made_anew_over_what_others_have_added_meanwhile_and_is_still_built_upon() {
    let mut scene = Scene::new();
    let other = scene.other();
    fs::write(scene.folder.join("large"), noise(3, 3 << 20)).unwrap();
    scene.goes();
    let sealed = scene.seals(&scene.home, "moulds", "second\n");
    scene.seals(&scene.home, "moulds", "third\n");
    let then = tree(&scene.folder);
    scene.comes();
    let beside = other.beside("beside");
    fs::write(beside.join("note"), "somebody else\n").unwrap();
    other.deposit(&beside, "another series");
    let sent = scene.home.ok(["send", "--json"]).json();
    assert_eq!(sent["sent"].as_array().unwrap().len(), 2, "{sent}");
    assert_ne!(sent["sent"][0]["deposit"], sealed["deposit"], "it follows another record now");
    scene.home.ok(["check"]);
    assert_same(&then, &tree(&scene.home.restore("latest:moulds", "out")));
    let again = scene.home.deposit(&scene.folder, "moulds");
    assert!(again["stored_bytes"].as_u64().unwrap() < 100_000, "the large file is stored again: {again}");
}

#[test]
fn what_waits_follows_a_head_that_moves_again_and_again_whatever_a_kill_left_unwritten() {
    let mut scene = Scene::new();
    let other = scene.other();
    let beside = other.beside("beside");
    scene.goes();
    scene.seals(&scene.home, "moulds", "second\n");
    for (round, series) in ["one", "two", "three"].into_iter().enumerate() {
        scene.comes();
        fs::write(beside.join("note"), series).unwrap();
        other.deposit(&beside, series);
        let renamed = scene.home.path.join("queue/renamed");
        let before = fs::read(&renamed).unwrap_or_default();
        // It is made to follow the new head, and then the keeper has no room for it.
        scene.liar.refuses(|asked| (asked.method == "PUT").then(|| Answer::new(507, "full\n")));
        let listed = scene.home.ok(["list"]);
        assert!(listed.err.contains("is not sent yet: the keeper has no more room"), "{listed:?}");
        scene.liar.is_honest();
        if round == 1 {
            // A kill between the two writes.
            fs::write(&renamed, &before).unwrap();
        }
        scene.goes();
        scene.seals(&scene.home, "moulds", &format!("round {round}\n"));
    }
    let then = tree(&scene.folder);
    scene.comes();
    other.deposit(&beside, "four");
    let sent = scene.home.ok(["send", "--json"]).json();
    assert_eq!(sent["sent"].as_array().unwrap().len(), 4, "{sent}");
    assert_same(&then, &tree(&scene.home.restore("latest:moulds", "out")));
    scene.home.ok(["check"]);
}

#[test]
fn a_keeper_that_refuses_is_not_one_that_cannot_be_reached() {
    let scene = Scene::new();
    scene.liar.refuses(|asked| (asked.method == "PUT").then(|| Answer::new(507, "full\n")));
    fs::write(scene.folder.join("KX-204.dxf"), "second\n").unwrap();
    let refused = deposit(&scene.home, &scene.folder, "moulds");
    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert_eq!(waiting(&scene.home), 0);
}

#[test]
fn what_somebody_else_has_overtaken_is_set_aside_with_all_that_builds_on_it_and_told() {
    let mut scene = Scene::new();
    let other = scene.other();
    scene.goes();
    scene.seals(&scene.home, "moulds", "second\n");
    scene.seals(&scene.home, "moulds", "third\n");
    scene.seals(&scene.home, "drawings", "untouched\n");
    scene.comes();
    other.deposit(&scene.folder, "moulds");
    let send = scene.home.run(["send", "--json"]);
    assert_eq!(send.code, Some(1), "{send:?}");
    assert_eq!(send.json()["set_aside"].as_array().unwrap().len(), 2, "{send:?}");
    assert_eq!(send.json()["sent"].as_array().unwrap().len(), 1, "{send:?}");
    assert!(send.err.contains("somebody else has added to this series"), "{send:?}");
    assert_eq!(fs::read_dir(scene.home.path.join("queue/aside")).unwrap().count(), 2);
    // The same folder is deposited again, over what is kept.
    assert_eq!(scene.home.deposit(&scene.folder, "moulds")["number"], 3);
    assert_eq!(scene.home.ok(["send", "--forget", "--json"]).json()["forgotten"], 2);
    scene.home.ok(["check"]);
}

#[test]
fn a11_what_was_sealed_before_somebody_was_removed_is_never_sent() {
    let mut firm = Firm::new();
    let (address, data) = (firm.keeper.address(), firm.founder.folder.path().join("data"));
    drop(firm.let_in("Sato", &[]));
    let machine = firm.founder.copy();
    let folder = machine.beside("drawings");
    fs::write(folder.join("KX-204.dxf"), "after Sato has gone\n").unwrap();
    machine.ok(["list"]);
    firm.keeper.end("-KILL");
    let sealed = deposit(&machine, &folder, "drawings");
    assert_eq!(sealed.code, Some(6), "{sealed:?}");
    firm.keeper = Process::start_at(&data, &address);
    firm.founder.ok(["space", "remove", "Sato"]);
    let objects = files_below(&data.join("objects")).len();
    let listed = machine.ok(["list"]);
    assert!(listed.err.contains("key was changed meanwhile"), "{listed:?}");
    assert_eq!(files_below(&data.join("objects")).len(), objects, "something of it has left the machine");
    // The same folder, sealed for those who are left.
    assert_eq!(deposit(&machine, &folder, "drawings").code, Some(0));
    machine.ok(["check"]);
}

#[test]
fn a31_what_waits_holds_no_name_no_content_and_nothing_that_opens() {
    let mut scene = Scene::new();
    scene.goes();
    scene.seals(&scene.home, "moulds", "canary-content\n");
    for folder in ["queue", "at-hand"] {
        let files = files_below(&scene.home.path.join(folder));
        assert!(files.len() > 2, "{files:?}");
        for path in files {
            let bytes = fs::read(&path).unwrap();
            for secret in ["canary-content", "KX-204", "moulds", "AGE-SECRET-KEY", crate::kit::PASSPHRASE] {
                assert!(!contains(&bytes, secret.as_bytes()), "{secret} stands in {}", path.display());
            }
        }
    }
}

#[test]
fn a_deposit_that_is_killed_anywhere_or_a_sending_is_kept_whole_or_goes_on() {
    let mut scene = Scene::new();
    for name in 0..4 {
        fs::write(scene.folder.join(format!("f{name}")), noise(name, 9 << 20)).unwrap();
    }
    let mut dice = Dice::new(11);
    let mut kills = 0;
    for round in 0..4 {
        scene.goes();
        let before = Instant::now();
        scene.seals(&scene.home, "moulds", &format!("round {round}\n"));
        let usual = before.elapsed();
        for _ in 0..3 {
            fs::write(scene.folder.join("KX-204.dxf"), format!("round {round} {}\n", dice.below(1 << 40))).unwrap();
            fs::write(scene.folder.join("f0"), noise(dice.below(1 << 40), 9 << 20)).unwrap();
            let mut command = scene.home.writer_command();
            command.args(["deposit", "--series", "moulds"]).arg(&scene.folder);
            kills += usize::from(killed_after(&mut command, usual.mul_f64(dice.below(1_000) as f64 / 800.0)));
        }
        // Whatever the kills left, what waits is whole.
        let listed = scene.home.ok(["list", "--json"]).json();
        let last = listed["series"][0]["deposits"].as_array().unwrap().last().unwrap().clone();
        assert_eq!(last["kept"], false, "the one that was not killed waits: {listed}");
        let to = scene.home.folder.path().join(format!("away-{round}"));
        let asked = ["restore", "latest:moulds", "KX-204.dxf", "--to", &to.to_string_lossy()];
        scene.home.ok(asked);
        let before = waiting(&scene.home);
        scene.comes();
        kills += usize::from(killed_after(
            scene.home.writer_command().arg("send"),
            usual.mul_f64(dice.below(1_000) as f64 / 2_000.0),
        ));
        scene.home.ok(["send"]);
        assert_eq!(waiting(&scene.home), 0, "{before} waited");
    }
    scene.home.ok(["check"]);
    let kept = scene.home.deposits()["moulds"].len();
    assert!(kills > 4 && kept > 4, "{kills} kills, {kept} deposits");
    scene.home.deposit(&scene.folder, "moulds");
    assert_same(&tree(&scene.folder), &tree(&scene.home.restore("latest:moulds", "out")));
}

/// Kills a command after a while; false when it was done before.
fn killed_after(command: &mut std::process::Command, moment: Duration) -> bool {
    use std::process::Stdio;
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    std::thread::sleep(moment);
    child.kill().unwrap();
    child.wait().unwrap().code().is_none()
}

#[test]
fn no_more_waits_than_was_allowed_and_nothing_of_what_waited_is_lost() {
    let mut scene = Scene::new();
    scene.goes();
    scene.seals(&scene.home, "moulds", "second\n");
    scene.home.ok_or_waits(["send", "--limit", "100000"]);
    fs::write(scene.folder.join("large"), noise(5, 1 << 20)).unwrap();
    let refused = deposit(&scene.home, &scene.folder, "moulds");
    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert!(refused.err.contains("no more than"), "{refused:?}");
    assert_eq!(waiting(&scene.home), 1);
    scene.comes();
    scene.home.ok(["send"]);
    assert_eq!(scene.home.deposits()["moulds"].len(), 2);
}

#[test]
fn a_scheduled_deposit_without_its_keeper_is_sealed_once_an_interval_and_says_so() {
    let mut scene = Scene::new();
    let install = |command: &mut std::process::Command| {
        said(command.args([OsStr::new("watch"), "install".as_ref(), scene.folder.as_os_str()]).args([
            "--series",
            "moulds",
            "--scheduler",
            "crontab",
            "--json",
        ]))
    };
    let tools = scene.home.beside("tools");
    fs::write(tools.join("crontab"), "#!/bin/sh\n[ \"$1\" = - ] && cat > /dev/null\nexit 0\n").unwrap();
    fs::set_permissions(tools.join("crontab"), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let path = format!("{}:{}", tools.display(), std::env::var("PATH").unwrap());
    let installed = install(scene.home.command().env("PATH", &path));
    assert_eq!(installed.code, Some(0), "{installed:?}");
    let series = installed.json()["series_id"].as_str().unwrap().to_owned();
    scene.goes();
    fs::write(scene.folder.join("KX-204.dxf"), "by the timer\n").unwrap();
    let mut run = scene.home.writer_command();
    let run = said(run.args(["watch", "run", &series, "--json"]));
    assert_eq!(run.code, Some(6), "{run:?}");
    assert_eq!(run.json()["kept"], false, "{run:?}");
    let mut due = scene.home.writer_command();
    let due = said(due.args(["watch", "run", &series, "--if-due", "--json"]));
    assert_eq!(due.json()["due"], false, "what is sealed is not sealed again at the next tick: {due:?}");
    scene.comes();
    let mut run = scene.home.writer_command();
    let run = said(run.args(["watch", "run", &series, "--json"]));
    assert_eq!(run.code, Some(0), "{run:?}");
    assert_eq!(run.json()["number"], 4, "the one that waited was sent before: {run:?}");
}

impl Home {
    /// Runs the program, whose keeper may be out of reach.
    fn ok_or_waits<const N: usize>(&self, arguments: [&str; N]) {
        let said = self.run(arguments);
        assert!(matches!(said.code, Some(0 | 4 | 6)), "{said:?}");
    }
}

/// Commands that ask a keeper, and how each ends when that cannot be reached: with what is at hand, sealed, or not at all.
const ASKING: [(i32, &[&str]); 17] = [
    (6, &["deposit", "FOLDER", "--series", "moulds"]),
    (0, &["list"]),
    (0, &["show", "latest:moulds"]),
    (0, &["restore", "latest:moulds", "--to", "NEW"]),
    (0, &["diff", "moulds:1", "moulds:2"]),
    (4, &["status"]),
    (4, &["send"]),
    (4, &["check"]),
    (4, &["export", "--to", "NEW"]),
    (4, &["proof", "latest:moulds", "--to", "NEW"]),
    (4, &["log"]),
    (4, &["log", "export", "--to", "NEW"]),
    (4, &["log", "renew"]),
    (4, &["space", "members"]),
    (4, &["space", "head"]),
    (4, &["space", "invite", "--to", "NEW"]),
    (4, &["recovery", "make", "--to", "NEW"]),
];

/// Those that change a safe or act in it for others, in the same way.
const CHANGING: [(i32, &[&str]); 14] = [
    (4, &["recovery", "refuse"]),
    (4, &["recovery", "drill", "--card-file", "WORDS"]),
    (4, &["space", "admit", "REQUEST", "--words", "SPOKEN"]),
    (4, &["space", "role", "Tanaka", "reader"]),
    (4, &["space", "grant", "Tanaka"]),
    (4, &["space", "remove", "Tanaka"]),
    (4, &["space", "rotate"]),
    (4, &["space", "rotator", "Tanaka"]),
    (4, &["space", "admins", "2"]),
    (4, &["move", "--to", "http://127.0.0.1:1"]),
    (4, &["office", "list"]),
    (4, &["office", "rotate"]),
    (4, &["case", "list"]),
    (4, &["hand-over", "status"]),
];

#[test]
fn unreachable_refusing_and_lying_are_told_apart_by_every_command_that_asks_a_keeper() {
    are_told_apart(&ASKING);
}

#[test]
fn unreachable_refusing_and_lying_are_told_apart_by_every_command_that_changes_a_safe() {
    are_told_apart(&CHANGING);
}

#[track_caller]
fn are_told_apart(commands: &[(i32, &[&str])]) {
    let scene = Scene::new();
    fs::write(scene.folder.join("KX-204.dxf"), "second\n").unwrap();
    scene.home.deposit(&scene.folder, "moulds");
    scene.home.ok(["show", "latest:moulds"]);
    // Somebody whom changes are about, and somebody who waits.
    let (tanaka, sato) = (Home::unmade(), Home::unmade());
    let (invite, request, words) =
        (scene.home.beside("for them"), scene.home.beside("from them"), scene.home.path.join("words"));
    let (invite, asked) = (invite.join("invite"), |name: &str| request.join(name));
    scene.home.ok(["space", "invite", "--to", invite.to_str().unwrap()]);
    let asks = |home: &Home, name: &str| {
        let (invite, to) = (invite.to_str().unwrap(), asked(name));
        let said = home.ok(["space", "join", invite, "--name", name, "--to", to.to_str().unwrap(), "--json"]).json();
        said["words"].as_str().unwrap().to_owned()
    };
    let spoken = asks(&tanaka, "Tanaka");
    scene.home.ok(["space", "admit", asked("Tanaka").to_str().unwrap(), "--words", &spoken]);
    let spoken = asks(&sato, "Sato");
    fs::write(&words, "words\n").unwrap();
    let mut tries = 0;
    let mut run = |home: &Home, arguments: &[&str]| {
        tries += 1;
        let new = home.folder.path().join(format!("new-{tries}"));
        let named = |argument: &&str| match *argument {
            "FOLDER" => scene.folder.clone().into_os_string(),
            "NEW" => new.clone().into_os_string(),
            "REQUEST" => asked("Sato").into_os_string(),
            "WORDS" => words.clone().into_os_string(),
            "SPOKEN" => (&spoken).into(),
            word => word.into(),
        };
        home.run(arguments.iter().map(named).collect::<Vec<_>>())
    };
    let (note, waits) = (fs::read(scene.home.path.join("notes")).unwrap(), scene.other());
    let mut sealed = waits.command();
    let nobody = "http://127.0.0.1:1";
    let sealed = said(sealed.args(["--keeper", nobody, "deposit", "--series", "waits"]).arg(&scene.folder));
    assert_eq!(sealed.code, Some(6), "{sealed:?}");
    for &(code, arguments) in commands {
        // A machine with something to send, so that `send` asks too.
        let home = if arguments[0] == "send" { &waits } else { &scene.home };
        scene.liar.refuses(|_| Some(Answer::new(403, "nobody is let in\n")));
        let refused = run(home, arguments);
        assert_eq!(refused.code, Some(1), "{arguments:?}: {refused:?}");
        assert!(refused.err.contains("the keeper does not let this machine in"), "{arguments:?}: {refused:?}");
        scene.liar.is_honest();
        let first = hizo_ledger::record::split_notes(&note).unwrap()[0].to_vec();
        scene.liar.tells(move |asked, honest| {
            asked.path.contains("/records?from=").then(|| {
                let mut lie = honest.clone();
                lie.set("hizo-head", &format!("0 {}", hizo_ledger::id::RecordId::from_bytes([7; 32])));
                lie.body.clone_from(&first);
                lie
            })
        });
        let lied = run(home, arguments);
        assert_eq!(lied.code, Some(5), "{arguments:?}: {lied:?}");
        scene.liar.is_honest();
        for unreachable in [502, 0] {
            if unreachable != 0 {
                scene.liar.refuses(move |_| Some(Answer::new(unreachable, "nobody behind me\n")));
            }
            let address = if unreachable == 0 { nobody } else { &scene.liar.address };
            let with_keeper: Vec<_> = [&["--keeper", address][..], arguments].concat();
            let said = run(home, &with_keeper);
            assert_eq!(said.code, Some(code), "{with_keeper:?}: {said:?}");
            let words = if code == 6 { "not yet kept" } else { "cannot be reached" };
            assert!(said.err.contains(words), "{with_keeper:?}: {said:?}");
            scene.liar.is_honest();
        }
        let _ = fs::remove_dir_all(scene.home.path.join("queue"));
    }
}

#[test]
fn the_keeper_is_where_it_is_said_to_be_now_and_stays_the_one_that_was_pinned() {
    let mut scene = Scene::new();
    scene.goes();
    scene.address = "127.0.0.1:0".into();
    scene.comes();
    let url = scene.keeper.as_ref().unwrap().url().to_owned();
    scene.home.fails(4, "cannot be reached", ["check"]);
    scene.home.ok(["check", "--keeper", &url]);
    let by_environment = said(scene.home.command().env("HIZO_KEEPER", &url).arg("check"));
    assert_eq!(by_environment.code, Some(0), "{by_environment:?}");
    // What stands on the command line counts before it.
    let both = said(scene.home.command().env("HIZO_KEEPER", "http://127.0.0.1:1").args(["check", "--keeper", &url]));
    assert_eq!(both.code, Some(0), "{both:?}");
    for address in ["http://keeper.example", "https://suzuki:secret@keeper.example", "https://keeper.example?token=x"] {
        let refused = scene.home.fails(2, "a keeper's address begins with https://", ["list", "--keeper", address]);
        assert!(!refused.err.contains("secret"), "{refused:?}");
    }
    // Another keeper, at an address of its own, is asked for nothing and believed in nothing.
    let stranger = Process::start(&scene.home.folder.path().join("stranger"));
    let asked = scene.home.run(["check", "--keeper", stranger.url()]);
    assert!(matches!(asked.code, Some(1 | 5)), "{asked:?}");
    Home::new().fails(2, "lies in its own folder", ["list", "--keeper", &url]);
}
