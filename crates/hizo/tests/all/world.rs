//! `hizo try --network`: a whole small world in one folder, with everybody in it.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::kit::{Said, files_below, program, said};

/// A world, and where somebody would see if more was written.
struct World {
    place: tempfile::TempDir,
    said: Value,
}

impl World {
    fn make() -> Self {
        let place = tempfile::tempdir().unwrap();
        let said = said(hizo(place.path()).args(["try", "--network", "world", "--no-keeper", "--json"]));
        assert_eq!(said.code, Some(0), "{said:?}");
        Self { said: said.json(), place }
    }

    fn folder(&self) -> PathBuf {
        self.place.path().join("world")
    }

    fn person(&self, does: &str) -> &Value {
        let people = self.said["people"].as_array().unwrap();
        people.iter().find(|person| person["does"] == does).unwrap_or_else(|| panic!("{does}: {people:?}"))
    }

    /// Somebody does something in one of his homes.
    fn does(&self, person: &Value, home: &Path, arguments: &[&str]) -> Said {
        let mut command = hizo(self.place.path());
        command.arg("--home").arg(home).arg("--passphrase-file").arg(text(&person["passphrase_file"]));
        said(command.args(arguments).arg("--json"))
    }

    #[track_caller]
    fn did(&self, person: &Value, home: &Path, arguments: &[&str]) -> Value {
        let said = self.does(person, home, arguments);
        assert_eq!(said.code, Some(0), "{said:?}");
        said.json()
    }

    /// Its keeper, as the printed line starts it.
    fn keeper(&self) -> Keeper {
        let line = text(&self.said["keeper"]["command"]);
        let mut words = line.split(' ');
        assert_eq!(words.next(), Some("hizo"));
        Keeper::start(hizo(self.place.path()).args(words))
    }
}

struct Keeper(Child);

impl Keeper {
    /// Started, and ready to answer.
    fn start(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        assert!(!line.is_empty(), "it listens");
        Self(child)
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The program with nothing of this machine's own account but the folder that it stands in.
fn hizo(place: &Path) -> Command {
    let mut command = program(env!("CARGO_BIN_EXE_hizo"));
    command.current_dir(place).env("HOME", place);
    command
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value}")).to_owned()
}

#[test]
fn a_world_on_one_machine_holds_everybody_with_keys_of_his_own_and_a_case_that_was_begun() {
    let world = World::make();
    let there: Vec<_> = fs::read_dir(world.place.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(there, ["world"], "nothing outside of its folder");
    let again = said(hizo(world.place.path()).args(["try", "--network", "world"]));
    assert!(again.code == Some(1) && again.err.contains("is there already"), "{again:?}");

    let _keeper = world.keeper();
    let people = world.said["people"].as_array().unwrap();
    assert_eq!(people.len(), 7);
    let mut passphrases = Vec::new();
    for person in people {
        let home = PathBuf::from(text(&person["home"]));
        assert!(home.starts_with(world.folder()), "{home:?}");
        assert_eq!(text(&person["desk"]), format!("hizo --home {} desk", home.display()));
        passphrases.push(fs::read_to_string(text(&person["passphrase_file"])).unwrap());
        // His own safe opens to him, at the keeper; and he has the directory, by which things are sealed.
        world.did(person, &home, &["list"]);
        let directory = world.did(person, &home, &["directory", "show"]);
        assert_eq!((directory["purpose"].as_str(), directory["good"].as_bool()), (Some("real"), Some(true)));
        let kinds: Vec<_> = directory["organisations"].as_array().unwrap().iter().map(|it| text(&it["kind"])).collect();
        assert_eq!(kinds.iter().filter(|kind| *kind == "centre").count(), 1, "{kinds:?}");
        assert_eq!(kinds.len(), 4);
        assert!(directory["organisations"].as_array().unwrap().iter().all(|it| text(&it["name"]).contains("(sample)")));
    }
    passphrases.sort();
    passphrases.dedup();
    assert_eq!(passphrases.len(), people.len(), "everybody has a passphrase of his own");

    // Each organisation's key is with the first of its people, and the deputy reads its safe without it.
    for does in ["owner", "counsellor", "specialist", "rescue team", "officer"] {
        let lead = world.person(does);
        let card = world.did(lead, text(&lead["home"]).as_ref(), &["office", "card"]);
        assert_eq!(card["name"], lead["organisation"], "{does}");
    }
    let counsellor = world.person("counsellor");
    let centre = PathBuf::from(text(&counsellor["home"]));
    let members = world.did(counsellor, &centre, &["space", "members"]).to_string();
    assert!(members.contains("佐藤"), "{members}");
    let deputy = world.person("deputy of the counsellor");
    assert_eq!(world.does(deputy, text(&deputy["home"]).as_ref(), &["office", "card"]).code, Some(1));
    let delegated = world.did(counsellor, &centre, &["office", "list"]);
    assert_eq!(delegated["delegations"].as_array().unwrap().len(), 2, "{delegated}");

    // The case, as each of the three sees it.
    let case = PathBuf::from(text(&world.said["case"]));
    let folder = world.folder();
    for (person, home, you) in [
        (world.person("owner"), case, "company"),
        (counsellor, folder.join("centre/counsellor/case"), "counsellor"),
        (deputy, folder.join("centre/deputy/case"), "counsellor"),
    ] {
        let shown = world.did(person, &home, &["case", "show"]);
        assert_eq!((shown["kind"].as_str(), shown["you"].as_str()), (Some("leak"), Some(you)), "{shown}");
        assert!(text(&shown["told"][0]["text"]).contains("KX-204") && shown["refused"] == serde_json::json!([]));
    }
    // The keeper of it all has read none of it.
    let kept = files_below(&folder.join("keeper"));
    assert!(!kept.iter().any(|file| crate::kit::contains(&fs::read(file).unwrap(), "退職者".as_bytes())));
}

#[test]
fn the_keeper_of_a_world_runs_until_it_is_stopped_and_what_was_proved_there_is_consistent() {
    let place = tempfile::tempdir().unwrap();
    let mut keeper = Keeper::start(hizo(place.path()).args(["try", "--network", "world", "--json"]));
    let owner = place.path().join("world/company/owner");
    let listed = said(
        hizo(place.path())
            .arg("--home")
            .arg(owner.join("home"))
            .arg("--passphrase-file")
            .arg(owner.join("passphrase"))
            .args(["list", "--json"]),
    );
    assert_eq!(listed.json()["series"][0]["name"], "KX-204", "{listed:?}");
    // Nobody but the keeper says since when it was there: a demonstration does not look like more.
    let verified = said(hizo(place.path()).arg("verify").arg(owner.join("proof")));
    assert_eq!(verified.code, Some(4), "{verified:?}");
    assert!(owner.join("proof/certificate.pdf").is_file());
    let stopped = Command::new("kill").args(["-TERM", &keeper.0.id().to_string()]).status().unwrap();
    assert!(stopped.success());
    assert_eq!(keeper.0.wait().unwrap().code(), Some(0), "asked to stop, it stops");
}
