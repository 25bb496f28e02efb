//! One keeper that lies in 35 ways, each to at least two of seven commands: list, restore, check, sample, status, proof
//! and deposit. One lie goes to three of them, one to six, and every other one to two.
//!
//! Each is told on a machine that has not yet seen what the keeper holds by now. However the command ends, three things
//! hold: what it shows as done is the truth, nothing of what it gives up is left in its place, and the honest keeper finds
//! the machine as able as before.

use std::ffi::OsString;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::Value;

use crate::elsewhere::begun;
use crate::keeper::Process;
use crate::kit::{Home, Said, Tree, assert_same, tree};
use crate::liar::{Answer, Asked, Liar};

/// A safe with three deposits, as its machine was after the first one.
struct Scene {
    early: Home,
    folder: PathBuf,
    truth: Tree,
    listed: Value,
    held: Arc<Held>,
    liar: Liar,
    _home: Home,
    _keeper: Process,
}

/// What a person asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Act {
    List,
    Restore,
    Check,
    Sample,
    Status,
    Proof,
    Deposit,
}

use Act::{Check, Deposit, List, Proof, Restore, Sample, Status};

/// What a lie can be made of.
struct Held {
    /// Every record of the safe.
    notes: Vec<String>,
    /// Record 0 of another safe.
    foreign: String,
    /// The head of another log, and what its keeper says of itself.
    head: Vec<u8>,
    keeper: String,
    /// An object of that safe.
    object: Vec<u8>,
}

/// Something false instead of an answer; nothing where there is nothing to say it about.
type Lie = fn(&Asked, &Answer, &Held) -> Option<Answer>;

impl Scene {
    fn new() -> Self {
        let (home, _, keeper, liar) = begun();
        let folder = home.beside("moulds");
        fs::write(folder.join("KX-204.dxf"), "0\nSECTION\n").unwrap();
        home.deposit(&folder, "moulds");
        let early = home.copy();
        // A copy that this machine has of an object is as good as the keeper's: here it has none.
        fs::remove_dir_all(early.path.join("at-hand")).unwrap();
        for content in ["0\nSECTION\n2\n", "0\nSECTION\n3\n"] {
            fs::write(folder.join("KX-204.dxf"), content).unwrap();
            home.deposit_with(&folder, "moulds", &["--reread"]);
        }
        let (truth, listed) = (tree(&folder), home.ok(["list", "--json"]).json());
        let held = Arc::new(Held::of(&home));
        Self { early, folder, truth, listed, held, liar, _home: home, _keeper: keeper }
    }

    /// Does it on a machine as it was early, and looks at what it shows as done.
    fn run(&self, act: Act, home: &Home, name: &str) -> Said {
        let place = tempfile::tempdir_in(home.folder.path()).unwrap().keep().join("out");
        let mut words: Vec<OsString> = match act {
            List => vec!["list", "--json"],
            Restore => vec!["restore", "latest:moulds", "--to"],
            Check => vec!["check"],
            Sample => vec!["check", "--sample", "1000"],
            Status => vec!["status", "latest:moulds"],
            Proof => vec!["proof", "latest:moulds", "--to"],
            Deposit => vec!["deposit", "--series", "moulds", "--reread"],
        }
        .into_iter()
        .map(OsString::from)
        .collect();
        match act {
            Restore | Proof => words.push(place.clone().into()),
            Deposit => words.push(self.folder.clone().into()),
            List | Check | Sample | Status => {}
        }
        let said = home.run(&words);
        let sane = matches!(said.code, Some(0 | 1 | 3 | 4 | 5 | 6));
        assert!(sane && !said.err.contains("panicked"), "{name}: {act:?}: {said:?}");
        match (act, said.code) {
            (List, Some(0)) => self.holds_for(&said.json(), name),
            (Restore, Some(0)) => assert_same(&self.truth, &tree(&place)),
            (Restore | Proof, Some(code)) if code != 0 => assert!(!place.exists(), "{name}: {act:?}: {said:?}"),
            _ => {}
        }
        said
    }

    /// What is listed is what was deposited: where the keeper is not believed, what this machine knew before.
    fn holds_for(&self, listed: &Value, name: &str) {
        let deposits = |listed: &Value| -> Vec<Value> {
            let series = listed["series"].as_array().unwrap().iter();
            series
                .flat_map(|series| series["deposits"].as_array().unwrap().clone())
                .map(|one| one["deposit"].clone())
                .collect()
        };
        let (truth, told) = (deposits(&self.listed), deposits(listed));
        let believed = if listed["reached"] == false { &truth[..1] } else { &truth[..] };
        assert!(told.starts_with(believed), "{name}: {told:?} for {truth:?}");
    }

    /// Tells the lie to each of these commands, which end so, and then the truth.
    #[track_caller]
    fn tell(&self, name: &str, lie: Lie, ends: &[(Act, i32)]) {
        for (act, code) in ends {
            let (home, held, told) = (self.early.copy(), Arc::clone(&self.held), Arc::new(AtomicBool::new(false)));
            let telling = Arc::clone(&told);
            self.liar.tells(move |asked, honest| {
                let lie = lie(asked, honest, &held);
                telling.fetch_or(lie.is_some(), Ordering::Relaxed);
                lie
            });
            let said = self.run(*act, &home, name);
            assert!(told.load(Ordering::Relaxed), "{name}: {act:?} did not ask: {said:?}");
            assert_eq!(said.code, Some(*code), "{name}: {act:?}: {said:?}");
            self.liar.is_honest();
            if (*act, *code) != (Restore, 0) {
                let restored = self.run(Restore, &home, name);
                assert_eq!(restored.code, Some(0), "{name}: after {act:?} the truth is not believed: {restored:?}");
            }
        }
    }
}

impl Held {
    fn of(home: &Home) -> Self {
        let read = |home: &Home, name: &str| fs::read(home.path.join(name)).unwrap();
        let notes = String::from_utf8(read(home, "notes")).unwrap();
        let notes = notes.split("hizo/record/v1\n").skip(1).map(|rest| format!("hizo/record/v1\n{rest}")).collect();
        let (other, _, keeper, liar) = begun();
        other.deposit(&other.beside("empty"), "empty");
        let foreign = String::from_utf8(read(&other, "notes")).unwrap();
        let object = liar.heard().into_iter().rfind(|asked| asked.method == "PUT").unwrap().body;
        let (_, keeper) = keeper.get("/v1/keeper");
        let keeper = keeper.split("\r\n\r\n").last().unwrap().to_owned();
        Self { notes, foreign, head: read(&other, "checkpoint"), keeper, object }
    }
}

fn is_page(asked: &Asked) -> bool {
    asked.path.contains("/records?from=")
}

fn is_object(asked: &Asked) -> bool {
    asked.method == "GET" && asked.path.contains("/objects/")
}

fn with(honest: &Answer, change: impl FnOnce(&mut Vec<u8>)) -> Answer {
    let mut answer = honest.clone();
    change(&mut answer.body);
    answer
}

fn flipped(honest: &Answer, place: usize) -> Option<Answer> {
    let at = honest.body.len().checked_sub(1)?.min(place);
    Some(with(honest, |body| body[at] ^= 1))
}

fn is_at(path: &str, asked: &Asked) -> bool {
    asked.path == path
}

fn is_tile(asked: &Asked) -> bool {
    asked.path.starts_with("/log/tile/")
}

/// Whether the answer holds a receipt: asked for, or to the record that is appended.
fn is_receipt(asked: &Asked) -> bool {
    asked.path.ends_with("/receipt") || (asked.method == "POST" && asked.path.ends_with("/records"))
}

fn replaced(honest: &Answer, from: &str, to: &str) -> Answer {
    with(honest, |body| *body = String::from_utf8_lossy(body).replace(from, to).into())
}

/// These records instead, under the head that the keeper shows.
fn instead(honest: &Answer, notes: &[&String]) -> Answer {
    with(honest, |body| *body = notes.iter().flat_map(|note| note.bytes()).collect())
}

fn headed(honest: &Answer, head: &str) -> Answer {
    let mut answer = honest.clone();
    answer.set("hizo-head", head);
    answer
}

const HEAD: &str = "/log/checkpoint";

#[test]
fn a01_a02_a08_a09_a17_a27_no_object_stands_for_another_one() {
    let scene = Scene::new();
    let lies: [(&str, Lie); 6] = [
        ("a flipped byte", |asked, honest, _| is_object(asked).then(|| flipped(honest, 40))?),
        ("one byte less", |asked, honest, _| {
            is_object(asked).then(|| with(honest, |body| body.truncate(body.len() - 1)))
        }),
        ("one byte more", |asked, honest, _| is_object(asked).then(|| with(honest, |body| body.push(0)))),
        ("an empty object", |asked, _, _| is_object(asked).then(|| Answer::new(200, ""))),
        ("it is not here", |asked, _, _| is_object(asked).then(|| Answer::new(404, "no such object\n"))),
        ("another object", |asked, _, held| is_object(asked).then(|| Answer::new(200, held.object.clone()))),
    ];
    for (number, (name, lie)) in lies.into_iter().enumerate() {
        let ends = [(Restore, 3), (Sample, 3), (List, 3), (Check, 3), (Proof, 3), (Deposit, 3)];
        // One lie is told to all, each of the others to two of them.
        scene.tell(name, lie, if number == 0 { &ends } else { &ends[..2] });
    }
}

#[test]
fn a06_a11_a14_a15_a16_no_record_is_dropped_moved_doubled_changed_or_planted() {
    let scene = Scene::new();
    let lies: [(&str, i32, Lie); 14] = [
        ("an older head", 5, |asked, honest, held| {
            let id = held.notes[1].lines().find_map(|line| line.strip_prefix("prev ")).unwrap();
            is_page(asked).then(|| headed(&instead(honest, &[]), &format!("0 {id}")))
        }),
        ("it never heard of it", 5, |asked, _, _| is_page(asked).then(|| Answer::new(404, "it has not begun\n"))),
        ("one record less", 5, |asked, honest, held| is_page(asked).then(|| instead(honest, &[&held.notes[3]]))),
        ("two records change places", 5, |asked, honest, held| {
            is_page(asked).then(|| instead(honest, &[&held.notes[3], &held.notes[2]]))
        }),
        ("a record twice", 3, |asked, honest, held| {
            is_page(asked).then(|| instead(honest, &[&held.notes[2], &held.notes[2]]))
        }),
        ("a record of another safe", 5, |asked, honest, held| {
            is_page(asked).then(|| instead(honest, &[&held.foreign]))
        }),
        ("a record of another safe behind its own", 3, |asked, honest, held| {
            is_page(asked).then(|| instead(honest, &[&held.notes[2], &held.foreign]))
        }),
        ("a flipped byte in the text", 3, |asked, honest, _| is_page(asked).then(|| flipped(honest, 60))?),
        ("a flipped byte in a signature", 3, |asked, honest, _| {
            is_page(asked).then(|| flipped(honest, honest.body.len() - 6))?
        }),
        ("an older format", 4, |asked, honest, _| is_page(asked).then(|| replaced(honest, "record/v1", "record/v0"))),
        ("an end in the middle", 3, |asked, honest, _| {
            is_page(asked).then(|| with(honest, |body| body.truncate(body.len() / 2 + 7)))
        }),
        ("records left out", 3, |asked, honest, _| is_page(asked).then(|| instead(honest, &[]))),
        ("another last record", 5, |asked, honest, _| {
            is_page(asked).then(|| headed(honest, &format!("3 {}", "ab".repeat(32))))
        }),
        ("no head", 5, |asked, honest, _| is_page(asked).then(|| Answer::new(200, honest.body.clone()))),
    ];
    for (name, code, lie) in lies {
        scene.tell(name, lie, &[(List, code), (Deposit, code)]);
    }
}

#[test]
fn a15_a16_the_log_goes_on_from_the_one_seen_and_its_tiles_lead_to_its_head() {
    let scene = Scene::new();
    let lies: [(&str, i32, Lie); 6] = [
        ("no log", 5, |asked, _, _| asked.path.starts_with("/log/").then(|| Answer::new(404, ""))),
        ("no head", 5, |asked, _, _| is_at(HEAD, asked).then(|| Answer::new(200, ""))),
        ("a flipped byte of the head", 5, |asked, honest, _| is_at(HEAD, asked).then(|| flipped(honest, 50))?),
        ("another log's head", 5, |asked, _, held| is_at(HEAD, asked).then(|| Answer::new(200, held.head.clone()))),
        ("a flipped byte of a tile", 3, |asked, honest, _| is_tile(asked).then(|| flipped(honest, 40))?),
        ("no tiles", 3, |asked, _, _| is_tile(asked).then(|| Answer::new(404, ""))),
    ];
    for (name, code, lie) in lies {
        scene.tell(name, lie, &[(Status, code), (Deposit, code)]);
    }
}

#[test]
fn a04_a05_a10_what_a_keeper_says_of_itself_and_promises_is_held_against_what_was_pinned() {
    let scene = Scene::new();
    let lies: [(&str, &[(Act, i32)], Lie); 9] = [
        ("a receipt with a flipped byte", &[(Status, 5), (Deposit, 5)], |asked, honest, _| {
            is_receipt(asked).then(|| flipped(honest, 60))?
        }),
        ("no receipt", &[(Status, 3), (Proof, 3)], |asked, _, _| is_receipt(asked).then(|| Answer::new(404, ""))),
        ("an empty receipt", &[(Status, 5), (Deposit, 5)], |asked, _, _| {
            is_receipt(asked).then(|| Answer::new(200, ""))
        }),
        ("another keeper", &[(Status, 5), (Check, 3)], |asked, _, held| {
            is_at("/v1/keeper", asked).then(|| Answer::new(200, held.keeper.clone()))
        }),
        ("a token that breaks a line", &[(List, 4), (Deposit, 4)], |asked, _, _| {
            let token = "{\"token\": \"a\\r\\nx: y\", \"seconds\": 900}";
            is_at("/v1/sessions", asked).then(|| Answer::new(201, token))
        }),
        ("no session", &[(List, 1), (Restore, 1), (Deposit, 1)], |asked, _, _| {
            is_at("/v1/sessions", asked).then(|| Answer::new(403, "no\n"))
        }),
        // Nobody follows: neither a token nor an object goes to whoever stands there.
        ("go elsewhere", &[(Restore, 4), (Deposit, 4)], |asked, _, _| {
            let mut answer = Answer::new(307, "");
            answer.set("location", &format!("http://127.0.0.1:9{}", asked.path));
            Some(answer)
        }),
        ("an error", &[(Check, 4), (Deposit, 4)], |_, _, _| Some(Answer::new(500, "not now\n"))),
        ("a page of a web site", &[(Restore, 4), (Status, 4)], |_, _, _| Some(Answer::new(200, "<html></html>"))),
    ];
    for (name, ends, lie) in lies {
        scene.tell(name, lie, ends);
    }
}
