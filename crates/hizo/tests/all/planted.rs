//! Marks in everything that is told, kept and done in one full run: none is found outside of whom it was for, in any form, and the search finds what is put there.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use aho_corasick::AhoCorasick;
use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE_NO_PAD};
use hizo_vault::keys::IdentityFile;

use crate::case::{Beside, Scene};
use crate::desk::Desk;
use crate::handover::everything;
use crate::keeper::Process;
use crate::kit::{Home, PASSPHRASE, files_below};

/// Begins every zstd frame (RFC 8878).
const ZSTD: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
/// What is unpacked of one frame, at most.
const UNPACKED_BYTES_MAX: u64 = 16 << 20;

/// What was planted, and who may read it: the company may all of it, "c" is the counsellor and "r" the receiver.
const PLANTED: [(&str, &str); 28] = [
    ("漏洩content-4101", "cr"),
    ("漏洩file-4102", "cr"),
    ("漏洩left-out-4103", "c"),
    ("漏洩left-file-4104", "c"),
    ("漏洩series-4105", "c"),
    ("漏洩label-4106", "c"),
    ("漏洩told-4107", "c"),
    ("漏洩advice-4108", "c"),
    ("漏洩task-4109", "c"),
    ("漏洩place-4110", "c"),
    ("漏洩visit-note-4111", "c"),
    ("漏洩keep-note-4112", "c"),
    ("漏洩searched-4113", "c"),
    ("漏洩purpose-4114", "cr"),
    ("漏洩receiver-4115", "cr"),
    ("漏洩other-purpose-4116", "c"),
    ("漏洩withdrawn-4117", "c"),
    ("漏洩desk-told-4118", "c"),
    ("漏洩thing-4119", "c"),
    ("漏洩thing-place-4120", "c"),
    ("漏洩thing-note-4121", "c"),
    ("漏洩finding-4122", "r"),
    ("漏洩finding-file-4123", "r"),
    ("漏洩finding-series-4124", "r"),
    ("漏洩paper-receiver-4125", "c"),
    ("漏洩paper-number-4126", "c"),
    ("漏洩paper-note-4127", "c"),
    (TITLE, "c"),
];

/// What the case of a scene is called.
const TITLE: &str = "図面の件";

/// A mark as it could stand somewhere: what the form is called, and the bytes.
fn forms(mark: &str) -> Vec<(&'static str, Vec<u8>)> {
    let percent = |upper: bool, plain: &dyn Fn(u8) -> bool| -> String {
        let one = |byte: u8| match (plain(byte), upper) {
            (true, _) => char::from(byte).to_string(),
            (false, true) => format!("%{byte:02X}"),
            (false, false) => format!("%{byte:02x}"),
        };
        mark.bytes().map(one).collect()
    };
    let usual = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
    let escaped: String = mark
        .chars()
        .map(|sign| if sign.is_ascii() { sign.to_string() } else { format!("\\u{:04x}", u32::from(sign)) })
        .collect();
    let hex: String = mark.bytes().map(|byte| format!("{byte:02x}")).collect();
    let mut forms = vec![
        ("utf-8", mark.as_bytes().to_vec()),
        ("utf-16, little end first", mark.encode_utf16().flat_map(u16::to_le_bytes).collect()),
        ("utf-16, big end first", mark.encode_utf16().flat_map(u16::to_be_bytes).collect()),
        ("percent", percent(true, &usual).into_bytes()),
        ("percent", percent(false, &usual).into_bytes()),
        ("percent", percent(false, &|_| false).into_bytes()),
        ("json", escaped.into_bytes()),
        ("hex", hex.clone().into_bytes()),
        ("hex", hex.to_uppercase().into_bytes()),
    ];
    // Wherever it begins within three bytes, what lies whole between the edges is always written alike.
    for skipped in 0..3 {
        let inner = &mark.as_bytes()[skipped..];
        let whole = &inner[..inner.len() / 3 * 3];
        forms.push(("base64", BASE64_STANDARD_NO_PAD.encode(whole).into_bytes()));
        forms.push(("base64", BASE64_URL_SAFE_NO_PAD.encode(whole).into_bytes()));
    }
    forms
}

/// A search for marks in every form, which goes through bytes once.
struct Search<'m> {
    /// The mark, and what its form is called.
    forms: Vec<(&'m str, &'static str)>,
    /// Finds the bytes of each, by its place in that list.
    bytes: AhoCorasick,
}

impl<'m> Search<'m> {
    fn of(marks: &[&'m str]) -> Self {
        let of = |mark: &&'m str| forms(mark).into_iter().map(|(name, form)| ((*mark, name), form)).collect::<Vec<_>>();
        let (forms, bytes): (Vec<_>, Vec<_>) = marks.iter().flat_map(of).unzip();
        Self { forms, bytes: AhoCorasick::new(bytes).unwrap() }
    }

    /// What stands in these bytes as they are: each mark once, with a form.
    fn plainly(&self, bytes: &[u8]) -> BTreeMap<&'m str, &'static str> {
        let mut found = BTreeMap::new();
        for at in self.bytes.find_overlapping_iter(bytes) {
            let (mark, name) = self.forms[at.pattern().as_usize()];
            found.entry(mark).or_insert(name);
        }
        found
    }

    /// The same, with what is compressed there.
    fn of_bytes(&self, bytes: &[u8]) -> BTreeMap<&'m str, &'static str> {
        let mut found = self.plainly(bytes);
        for plain in unpacked(bytes) {
            for mark in self.plainly(&plain).into_keys() {
                found.entry(mark).or_insert("zstd");
            }
        }
        found
    }
}

/// What every zstd frame in these bytes holds, as far as it can be read.
fn unpacked(bytes: &[u8]) -> Vec<Vec<u8>> {
    let plain = |at: usize| {
        let mut plain = Vec::new();
        let frame = zstd::stream::read::Decoder::new(&bytes[at..]).ok()?;
        // What comes before a fault was readable, too.
        let _ = frame.single_frame().take(UNPACKED_BYTES_MAX).read_to_end(&mut plain);
        Some(plain)
    };
    memchr::memmem::find_iter(bytes, &ZSTD).filter_map(plain).filter(|plain| !plain.is_empty()).collect()
}

/// Where marks are found that may not be there: the mark, its form, and the place.
fn leaks<'m>(marks: &[&'m str], files: &[PathBuf]) -> Vec<(&'m str, &'static str, PathBuf)> {
    let search = Search::of(marks);
    let mut leaks = Vec::new();
    for file in files {
        let Ok(bytes) = fs::read(file) else { continue };
        let mut found = search.of_bytes(&bytes);
        found.extend(search.plainly(file.to_string_lossy().as_bytes()));
        leaks.extend(found.into_iter().map(|(mark, form)| (mark, form, file.clone())));
    }
    leaks
}

fn marks_of(may: impl Fn(&str) -> bool) -> Vec<&'static str> {
    PLANTED.iter().filter(|(_, readers)| may(readers)).map(|(mark, _)| *mark).collect()
}

fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// A run of everything, with what its programs told.
struct Run {
    scene: Scene,
    receiver: Home,
    /// Where the lines of the keeper and of the desk went, and what the keeper answers to anybody.
    told: Vec<PathBuf>,
    _lines: tempfile::TempDir,
}

impl Run {
    fn new() -> Self {
        let lines = tempfile::tempdir().unwrap();
        let file = |name: &str| lines.path().join(name);
        let keeper_said = file("keeper");
        let scene = Scene::at("leak", |data| {
            let said = Stdio::from(fs::File::create(&keeper_said).unwrap());
            Process::start_with(&["--data", path(data), "--listen", "127.0.0.1:0"], said)
        });
        let Scene { company, counsellor, .. } = &scene;
        let folder = company.beside("planted");
        fs::write(folder.join("漏洩file-4102.csv"), "漏洩content-4101").unwrap();
        fs::write(folder.join("漏洩left-file-4104.csv"), "漏洩left-out-4103").unwrap();
        company.deposit_with(&folder, "漏洩series-4105", &["--label", "漏洩label-4106"]);
        company.ok(["case", "tell", "漏洩told-4107", "--happened", "2026-11-20"]);
        counsellor.ok(["case", "advise", "漏洩advice-4108"]);
        counsellor.ok(["case", "task", "漏洩task-4109", "--due", "2099-12-01"]);
        let visit = ["case", "visit", "--on", "2099-12-01", "--place", "漏洩place-4110", "--json"];
        let visit = counsellor.ok(visit).json()["named"].as_str().unwrap().to_owned();
        counsellor.ok(["case", "visit", &visit, "--made", "--note", "漏洩visit-note-4111"]);
        company.ok(["case", "keep", "badge", "--state", "gone", "--note", "漏洩keep-note-4112"]);
        company.ok(["case", "search", "--on", "2026-11-25", "--where", "漏洩searched-4113", "--found", "nothing"]);

        let thing =
            ["case", "thing", "--what", "漏洩thing-4119", "--holder", "会社", "--place", "漏洩thing-place-4120"];
        company.ok(thing.into_iter().chain(["--note", "漏洩thing-note-4121"]));
        let paper = ["hand-over", "taken", "latest:漏洩series-4105", "--receiver-name", "漏洩paper-receiver-4125"];
        company.ok(paper.into_iter().chain(["--reference", "漏洩paper-number-4126", "--note", "漏洩paper-note-4127"]));

        let receiver = Home::new();
        let key = receiver.ok(["consent", "key", "--json"]).json()["key"].as_str().unwrap().to_owned();
        let consent = |purpose: &str| {
            let mut give = vec!["consent", "give", "latest:漏洩series-4105//漏洩file-4102.csv", "--receiver", &key];
            give.extend(["--receiver-name", "漏洩receiver-4115", "--purpose", purpose, "--level", "B"]);
            give.extend(["--until", "2099-12-31", "--json"]);
            company.ok(give).json()["handover"].as_str().unwrap().to_owned()
        };
        let given = consent("漏洩purpose-4114");
        let got = scene.delivered(&given, &receiver);
        assert_eq!(got.len(), 1);
        assert_eq!(fs::read_to_string(&got[0]).unwrap(), "漏洩content-4101");
        // What the receiver finds is kept where it was handed over, and seen by whoever can open that.
        let received = Beside(&receiver, receiver.folder.path().join("home of it"));
        let found = receiver.beside("found");
        fs::write(found.join("漏洩finding-file-4123.txt"), "漏洩finding-4122").unwrap();
        received.ok(&["deposit", path(&found), "--series", "漏洩finding-series-4124"]);
        let other = consent("漏洩other-purpose-4116");
        company.ok(["consent", "withdraw", &other, "--reason", "漏洩withdrawn-4117"]);

        // At the desk: what it prints goes into a file of its own.
        let desk_said = file("desk");
        let mut command = company.writer_command();
        let desk = Desk::start(command.stderr(fs::File::create(&desk_said).unwrap()));
        let (cookie, csrf) = desk.unlock(company);
        let cases = desk.get(&format!("{}/cases", desk.at()), &cookie).body;
        let (_, rest) = cases.split_once(&format!("{}/case/", desk.at())).expect("a case");
        let case = format!("{}/case/{}", desk.at(), rest.split('"').next().unwrap());
        let told = format!("csrf={csrf}&act=tell&text=漏洩desk-told-4118");
        assert_eq!(desk.post(&case, &cookie, &told).status, 303);
        for page in ["/safe", "/cases", "/people", "/health"] {
            assert_eq!(desk.get(&format!("{}{page}", desk.at()), &cookie).status, 200);
        }
        assert!(desk.get(&case, &cookie).body.contains("漏洩told-4107"), "the desk has shown it");
        drop(desk);
        // And at the receiver's desk, who looks at it all.
        let received_said = file("desk of the receiver");
        let mut command = crate::kit::program(env!("CARGO_BIN_EXE_hizo"));
        command.arg("--home").arg(&received.1).stderr(fs::File::create(&received_said).unwrap());
        let desk = Desk::start(&mut command);
        let (cookie, _) = desk.unlock(&receiver);
        let at = |page: &str| format!("{}{page}", desk.at());
        let safe = desk.get(&at("/safe"), &cookie).body;
        assert!(safe.contains("漏洩finding-series-4124"), "{safe}");
        for page in ["/people", "/health", "/received"] {
            assert_eq!(desk.get(&at(page), &cookie).status, 200, "{page}");
        }
        drop(desk);
        // What a keeper serves to whoever asks.
        let mut served = Vec::new();
        for (number, page) in ["/metrics", "/health", "/v1/keeper"].iter().enumerate() {
            let (status, answer) = scene.keeper.get(page);
            assert_eq!(status, 200, "{page}");
            let to = file(&format!("served {number}"));
            fs::write(&to, answer).unwrap();
            served.push(to);
        }
        let told = [keeper_said, desk_said, received_said].into_iter().chain(served).collect();
        Self { scene, receiver, told, _lines: lines }
    }

    fn data(&self) -> PathBuf {
        self.scene.company.folder.path().join("data")
    }
}

/// What this program has left in the folder for temporary files, where others have files of their own.
fn temporary() -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(std::env::temp_dir()).unwrap().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if !name.starts_with("hizo") || name.starts_with("hizo-test") {
            continue;
        }
        match entry.file_type() {
            Ok(kind) if kind.is_file() => found.push(entry.path()),
            Ok(kind) if kind.is_dir() => found.extend(files_below(&entry.path())),
            _ => (),
        }
    }
    found
}

#[test]
fn a12_what_was_planted_in_a_whole_run_is_found_with_nobody_whom_it_was_not_for() {
    let run = Run::new();
    let Scene { company, counsellor, centre, .. } = &run.scene;
    let all: Vec<_> = marks_of(|_| true).into_iter().chain([PASSPHRASE]).collect();
    // A title and a passphrase that other tests have, too, are not looked for where these leave their files.
    let inside: Vec<_> = marks_of(|_| true).into_iter().filter(|mark| *mark != TITLE).collect();
    // Blind: the keeper with its lines and answers, the centre's own keeper, the desk's lines, and the temporary files.
    let mut blind = files_below(&run.data());
    assert!(blind.len() > 20 && fs::metadata(&run.told[3]).unwrap().len() > 100, "there is something to search");
    blind.extend(files_below(&centre.data()));
    blind.extend(run.told.iter().cloned());
    assert_eq!(leaks(&all, &blind), []);
    assert_eq!(leaks(&inside, &temporary()), []);
    // The passphrase is in no home of anybody.
    let homes = [company, counsellor, &run.receiver].map(|home| home.folder.path());
    let of_homes = homes.iter().flat_map(|home| files_below(home));
    let of_homes: Vec<_> = of_homes.filter(|file| file.file_name().unwrap() != "passphrase").collect();
    assert_eq!(leaks(&[PASSPHRASE], &of_homes), []);

    // What somebody's keys open, and all his files: what is for him is there, and nothing else.
    let identity = |home: &Path| IdentityFile::open(fs::read(home.join("identity.age")).unwrap(), PASSPHRASE).unwrap();
    let received = run.receiver.folder.path().join("home of it");
    let bodies = [("c", counsellor.path.clone(), counsellor), ("r", received, &run.receiver)];
    for (letter, home, of) in &bodies {
        let (opened, readable) = everything(&run.data(), home, &identity(home));
        assert!(opened > 0);
        let others = marks_of(|readers| !readers.contains(letter));
        let own = marks_of(|readers| readers.contains(letter));
        let search = Search::of(&marks_of(|_| true));
        let has: BTreeSet<_> = readable.iter().flat_map(|bytes| search.of_bytes(bytes).into_keys()).collect();
        // A counsellor reads by his centre's key: what he sees is tried at his commands, below.
        if *letter == "r" {
            assert_eq!(own.iter().filter(|mark| !has.contains(*mark)).collect::<Vec<_>>(), Vec::<&&str>::new());
        }
        assert_eq!(
            others.iter().filter(|mark| has.contains(*mark)).collect::<Vec<_>>(),
            Vec::<&&str>::new(),
            "{letter}"
        );
        let files: Vec<_> =
            files_below(of.folder.path()).into_iter().filter(|file| !file.ends_with("passphrase")).collect();
        assert_eq!(leaks(&others, &files), [], "{letter}");
    }
    // The centre's own safe has been told of the case and of nothing in it.
    assert_eq!(leaks(&inside, &files_below(&centre.founder.path)), []);
    // The receiver's program says no more than his keys open.
    let receiving = Beside(&run.receiver, bodies[1].1.clone());
    let said: String = [&["list", "--json"][..], &["hand-over", "status", "--json"], &["space", "members", "--json"]]
        .iter()
        .map(|act| receiving.ok(act).out)
        .collect();
    let search = Search::of(&marks_of(|_| true));
    let said = search.of_bytes(said.as_bytes());
    assert!(said.contains_key("漏洩purpose-4114"), "{said:?}");
    for mark in marks_of(|readers| !readers.contains('r')) {
        assert_eq!(said.get(mark), None, "{mark}");
    }
    // And the counsellor's program shows him the story.
    let told = counsellor.ok(["case", "show", "--json"]).out;
    for mark in ["漏洩told-4107", "漏洩advice-4108", "漏洩task-4109", "漏洩desk-told-4118", "漏洩thing-4119"]
    {
        assert!(told.contains(mark), "{mark}: {told}");
    }
}

#[test]
fn the_search_for_what_was_planted_reports_a_leak_in_every_form() {
    let folder = tempfile::tempdir().unwrap();
    let mark = PLANTED[0].0;
    let place = folder.path().join("leak");
    let is_found = |bytes: &[u8]| {
        fs::write(&place, bytes).unwrap();
        leaks(&[mark], std::slice::from_ref(&place)).into_iter().map(|(_, form, _)| form).next()
    };
    assert_eq!(is_found(b"nothing of it"), None);
    for (name, form) in forms(mark).into_iter().filter(|(name, _)| *name != "base64") {
        let form = [b"before ", form.as_slice(), b" after"].concat();
        assert_eq!(is_found(&form), Some(name));
    }
    // Wherever it begins in what is written in base64.
    for before in ["", "a", "ab", "abc"] {
        let text = format!("{before}{mark} after");
        assert_eq!(is_found(BASE64_STANDARD_NO_PAD.encode(&text).as_bytes()), Some("base64"), "{before:?}");
        assert_eq!(is_found(BASE64_URL_SAFE_NO_PAD.encode(&text).as_bytes()), Some("base64"), "{before:?}");
    }
    // Compressed, in the middle of something, and so that it stands nowhere in one piece.
    let text = format!("{} {mark} {mark}", "漏洩content-410 ".repeat(50));
    let frame = zstd::stream::encode_all(text.as_bytes(), 19).unwrap();
    let packed = [b"some bytes before", frame.as_slice(), b"and after"].concat();
    assert_eq!(Search::of(&[mark]).plainly(&packed), BTreeMap::new(), "it stands nowhere as it is");
    assert_eq!(is_found(&packed), Some("zstd"));
    // And in a file's name.
    let named = folder.path().join(mark);
    fs::write(&named, b"").unwrap();
    assert_eq!(leaks(&[mark], &[named]).len(), 1);
}
