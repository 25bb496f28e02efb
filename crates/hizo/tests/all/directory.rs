//! The directory of organisations: one publishes it, everybody installs each number once, and it stands for compared words.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use hizo_ledger::directory::{Directory, Entry, Purpose};
use hizo_ledger::identity::VerifyingKey;
use hizo_ledger::record::ClaimedTime;
use hizo_vault::keys::PublisherSeed;
use serde_json::Value;
use tempfile::TempDir;

use crate::case::Beside;
use crate::desk::Desk;
use crate::faults::FalseClock;
use crate::keeper::Process;
use crate::kit::{Home, PASSPHRASE, Said, copy_tree, program, said, say_aloud};
use crate::organisations::Case;
use crate::outside::{Outside, list};
use crate::stamps;

/// Somebody who publishes directories, and has them stamped by an authority of somebody else.
struct Publisher {
    home: Home,
    outside: Outside,
}

/// A directory, and the proof that it is logged.
struct Published {
    note: PathBuf,
    proof: PathBuf,
}

impl Publisher {
    /// Nothing where there is no `openssl`.
    fn new() -> Option<Self> {
        let Some(outside) = Outside::start() else {
            say_aloud("directories: there is no openssl to stamp them");
            return None;
        };
        let home = Home::new();
        home.ok(["log", "authorities", list(&[&outside]).to_str().unwrap()]);
        Some(Self { home, outside })
    }

    fn at(&self, name: &str) -> PathBuf {
        self.home.folder.path().join(name)
    }

    fn compose(&self, name: &str, entries: &str, more: &[&str]) -> PathBuf {
        let (from, to) = (self.at("entries"), self.at(name));
        fs::write(&from, entries).unwrap();
        let arguments = ["directory", "publish", from.to_str().unwrap(), "--to", to.to_str().unwrap()];
        self.home.ok(arguments.iter().chain(more));
        to
    }

    fn prove(&self, note: PathBuf) -> Published {
        let proof = note.with_extension("zip");
        self.home.ok(["deposit", note.to_str().unwrap(), "--series", "directory"]);
        self.home.ok(["proof", "latest:directory", "--to", proof.to_str().unwrap()]);
        // What a stranger trusts, written down beside it.
        let said = stamps::verify(&self.home, &proof, &[&self.outside]);
        assert_eq!(said.code, Some(0), "{said:?}");
        Published { note, proof }
    }

    fn publish(&self, name: &str, entries: &str, more: &[&str]) -> Published {
        self.prove(self.compose(name, entries, more))
    }

    /// The same publisher elsewhere, who goes another way from here on.
    fn copy(&self) -> Home {
        let copy = Home::unmade();
        copy_tree(&self.home.path, &copy.path);
        copy
    }

    fn key(&self) -> PathBuf {
        self.home.path.join("publisher.key")
    }

    fn install(&self, into: &Home, published: &Published, more: &[&str]) -> Said {
        let path = |path: &Path| path.to_str().unwrap().to_owned();
        let (policy, roots) = (self.at("policy"), self.at("roots.pem"));
        let mut arguments = vec!["directory".to_owned(), "install".into(), path(&published.note), "--json".into()];
        arguments.extend(["--proof".into(), path(&published.proof), "--policy".into(), path(&policy)]);
        arguments.extend(["--roots".into(), path(&roots)]);
        arguments.extend(more.iter().map(|word| (*word).to_owned()));
        into.run(arguments)
    }

    /// Has a client ask its keeper, or another one, for what comes next.
    fn update(&self, client: &Home, more: &[&str]) -> Said {
        client.run(["directory", "update", "--json"].iter().chain(more))
    }

    #[track_caller]
    fn refuses(&self, into: &Home, published: &Published, code: i32, words: &str) {
        let before = fs::read(into.path.join("directory.note")).ok();
        let said = self.install(into, published, &[]);
        assert_eq!(said.code, Some(code), "{said:?}");
        assert!(said.err.contains(words), "{words:?} is not in {said:?}");
        assert_eq!(fs::read(into.path.join("directory.note")).ok(), before, "nothing is changed");
        assert_eq!(code == 5, into.path.join("directory.refused").exists(), "a lie is kept as evidence");
        let _ = fs::remove_file(into.path.join("directory.refused"));
    }
}

/// A keeper that hands directories out.
struct Handing {
    place: TempDir,
    process: Process,
}

impl Handing {
    fn start() -> Self {
        let place = tempfile::tempdir().unwrap();
        let config = place.path().join("keeper.toml");
        fs::write(&config, "data = \"data\"\nlisten = \"127.0.0.1:0\"\n[admission]\nmode = \"open\"\n").unwrap();
        let process = Process::start_by(&config);
        Self { place, process }
    }

    fn hand_out(&self, published: &Published) -> Said {
        let mut command = program(env!("CARGO_BIN_EXE_hizo"));
        command.args(["--json", "keeper", "directory"]).arg(&published.note).arg("--proof").arg(&published.proof);
        said(command.arg("--config").arg(self.place.path().join("keeper.toml")))
    }

    /// Where a directory lies, as a keeper that lies would change it.
    fn file(&self, publisher: &VerifyingKey, serial: u64) -> PathBuf {
        self.place.path().join(format!("data/directories/{}/{serial}", publisher.name()))
    }
}

/// One organisation, as a publisher writes it down.
fn entry(key: &str, name: &str, name_ja: &str) -> String {
    format!(
        "entry office\nkey {key}\nkeeper keeper.example.org/one\naddress https://office.example.org/\nname {name}\nname-ja {name_ja}\n"
    )
}

fn key_of(case: &Case) -> String {
    let card = case.office.founder.ok(["office", "card", "--json"]).json();
    card["key"].as_str().unwrap().to_owned()
}

/// What each act of `hizo directory` prints as JSON.
pub(crate) fn every_act_as_json() -> Option<Vec<(&'static str, Value)>> {
    let publisher = Publisher::new()?;
    let (from, to) = (publisher.at("entries"), publisher.at("first"));
    fs::write(&from, entry("BIgqET958FRVbkW1F9ECx2ytpQ9pWJECdu7DoQHrfaw=", "Office", "役所")).unwrap();
    let publish = ["directory", "publish", from.to_str().unwrap(), "--to", to.to_str().unwrap(), "--json"];
    let published = publisher.home.ok(publish).json();
    let first = publisher.prove(to);
    let keeper = Handing::start();
    let handed_out = keeper.hand_out(&first);
    let client = Home::new();
    let installed = publisher.install(&client, &first, &["--publisher", publisher.key().to_str().unwrap()]);
    assert_eq!(installed.code, Some(0), "{installed:?}");
    assert_eq!(handed_out.code, Some(0), "{handed_out:?}");
    Some(vec![
        ("keeper directory", handed_out.json()),
        ("directory update", client.ok(["directory", "update", "--json", "--keeper", keeper.process.url()]).json()),
        ("directory publish", published),
        ("directory install", installed.json()),
        ("directory show", client.ok(["directory", "show", "--json"]).json()),
        ("directory find", client.ok(["directory", "find", "役所", "--json"]).json()),
    ])
}

#[test]
fn a05_a15_a_directory_is_taken_after_the_one_that_was_seen_and_each_lie_has_its_own_words() {
    let Some(publisher) = Publisher::new() else { return };
    let client = Home::new();
    let office = entry("BIgqET958FRVbkW1F9ECx2ytpQ9pWJECdu7DoQHrfaw=", "Office", "役所");
    let first = publisher.publish("first", &office, &[]);
    let other = Home::new();
    other.ok([
        "directory",
        "publish",
        publisher.at("entries").to_str().unwrap(),
        "--to",
        &format!("{}", publisher.at("strange").display()),
    ]);

    // The key comes first, and by hand.
    publisher.refuses(&client, &first, 2, "needs its publisher's key");
    let strange = other.path.join("publisher.key");
    let said = publisher.install(&client, &first, &["--publisher", strange.to_str().unwrap()]);
    assert_eq!(said.code, Some(5), "{said:?}");
    fs::remove_file(client.path.join("directory.refused")).unwrap();
    let said = publisher.install(&client, &first, &["--publisher", publisher.key().to_str().unwrap()]);
    assert_eq!((said.code, said.json()["serial"].as_u64()), (Some(0), Some(1)), "{said:?}");
    assert_eq!(publisher.install(&client, &first, &[]).code, Some(0), "the same one again");

    // Two ways from the first one on: one is installed, the other is found.
    let twin = publisher.copy();
    let compose_elsewhere = |name: &str| {
        let to = publisher.at(name);
        let empty = publisher.at("no entries");
        fs::write(&empty, "").unwrap();
        twin.ok(["directory", "publish", empty.to_str().unwrap(), "--to", to.to_str().unwrap()]);
        to
    };
    let second = publisher.publish("second", &office, &[]);
    let third = publisher.publish("third", &office, &[]);
    let with_proof = |note: PathBuf| Published { note, proof: third.proof.clone() };
    publisher.refuses(&client, &third, 1, "does not come right after");
    publisher.refuses(
        &client,
        &Published { note: second.note.clone(), proof: first.proof.clone() },
        3,
        "the proof does not hold",
    );
    assert_eq!(publisher.install(&client, &second, &[]).code, Some(0));
    publisher.refuses(&client, &first, 5, "is older than 2");
    publisher.refuses(&client, &with_proof(compose_elsewhere("other second")), 5, "there are two directories 2");
    publisher.refuses(&client, &with_proof(compose_elsewhere("other third")), 5, "does not go on from 2");
    publisher.refuses(&client, &with_proof(publisher.at("strange")), 5, "signed by another key");
    publisher.refuses(&client, &with_proof(over(&publisher, &second.note)), 1, "was good until 2021");
    let mut bytes = fs::read(&third.note).unwrap();
    bytes[40] ^= 1;
    fs::write(publisher.at("changed"), bytes).unwrap();
    publisher.refuses(&client, &with_proof(publisher.at("changed")), 3, "is no directory that holds");
    assert_eq!(publisher.install(&client, &third, &[]).code, Some(0));
    let shown = client.ok(["directory", "find", "offi"]);
    assert!(shown.out.contains("directory 3, good until") && shown.out.contains("Office  key "), "{shown:?}");
}

/// The directory after this one, signed by its publisher years ago.
fn over(publisher: &Publisher, before: &Path) -> PathBuf {
    let sealed = fs::read(publisher.home.path.join("publisher.age")).unwrap();
    let key = PublisherSeed::open(sealed, PASSPHRASE).unwrap().signing_key();
    let bytes = fs::read(before).unwrap();
    let last = Directory::verify(&bytes).unwrap();
    let time = |text| ClaimedTime::parse(text).unwrap();
    let directory = Directory {
        serial: last.serial + 1,
        previous: Some(last.seen(&bytes).id),
        issued: time("2021-03-01T00:00:00Z"),
        valid_until: time("2021-05-01T00:00:00Z"),
        ..last
    };
    let to = publisher.at("over");
    fs::write(&to, directory.note(&key.sign(directory.text().as_bytes())).unwrap()).unwrap();
    to
}

/// A client of that keeper, with the first directory installed.
fn client_of(publisher: &Publisher, keeper: &Handing, first: &Published) -> Home {
    let client = Home::unmade();
    client.ok(["init", "--keeper", keeper.process.url()]);
    client.make_cheap();
    let said = publisher.install(&client, first, &["--publisher", publisher.key().to_str().unwrap()]);
    assert_eq!(said.code, Some(0), "{said:?}");
    client
}

#[test]
fn a15_a_client_hears_of_the_next_directories_from_a_keeper_and_takes_them_by_the_same_rules() {
    let Some(publisher) = Publisher::new() else { return };
    let office = entry("BIgqET958FRVbkW1F9ECx2ytpQ9pWJECdu7DoQHrfaw=", "Office", "役所");
    let first = publisher.publish("first", &office, &[]);
    let keeper = Handing::start();
    let client = client_of(&publisher, &keeper, &first);
    let says = |said: &Said| (said.code, said.json()["serial"].as_u64(), said.json()["new"].as_bool());
    assert_eq!(says(&publisher.update(&client, &[])), (Some(0), Some(1), Some(false)), "none is handed out");

    let twin = publisher.copy();
    let [second, third] = ["second", "third"].map(|name| publisher.publish(name, &office, &[]));
    for published in [&second, &third] {
        let said = keeper.hand_out(published);
        assert_eq!(said.code, Some(0), "{said:?}");
    }
    let refuses = |published: &Published, code: i32, words: &str| {
        let said = keeper.hand_out(published);
        assert!(said.code == Some(code) && said.err.contains(words), "{said:?}");
    };
    refuses(&second, 1, "is older than 3");
    refuses(&Published { note: third.note.clone(), proof: first.proof.clone() }, 3, "the proof");
    let fifth = {
        let fourth = publisher.compose("fourth", &office, &[]);
        let fifth = publisher.publish("fifth", &office, &[]);
        refuses(&fifth, 1, "does not come right after 3");
        assert_eq!(keeper.hand_out(&publisher.prove(fourth)).code, Some(0));
        fifth
    };
    // All that came since at once, each bound by the last; at the desk by a button.
    let desk = Desk::start(&mut client.writer_command());
    let (cookie, csrf) = desk.unlock(&client);
    let whom = format!("{}/whom", desk.at());
    let page = desk.get(&whom, &cookie).body;
    assert!(page.contains("This directory is good until") && page.contains("Fetch the next one"), "{page}");
    let fetched = desk.ended(&desk.post(&whom, &cookie, &format!("csrf={csrf}")), &cookie);
    assert!(fetched.body.contains("directory 4 "), "{}", fetched.body);
    assert_eq!(says(&publisher.update(&client, &[])), (Some(0), Some(4), Some(false)));
    assert!(!client.path.join("directory.fetched").exists());

    // A machine that runs by itself takes the next one in passing.
    let (tools, folder) = (client.beside("tools"), client.beside("moulds"));
    fs::write(folder.join("KX-204.dxf"), "0\nSECTION\n").unwrap();
    let crontab = tools.join("crontab");
    fs::write(&crontab, crate::watch::CRONTAB).unwrap();
    fs::set_permissions(&crontab, fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:{}", tools.display(), std::env::var("PATH").unwrap());
    let watched = |words: &[&str]| {
        let mut command = client.command();
        command.env("PATH", &path).env("TEST_TABLE", tools.join("table")).arg("watch").args(words);
        let said = said(&mut command);
        assert_eq!(said.code, Some(0), "{said:?}");
        said
    };
    watched(&["install", folder.to_str().unwrap(), "--series", "moulds", "--every", "1d", "--scheduler", "crontab"]);
    assert_eq!(keeper.hand_out(&fifth).code, Some(0));
    assert!(watched(&["run", "moulds"]).err.contains("directory 5 installed"));

    // What the keeper lies about is refused, and kept as evidence.
    let sixth = publisher.publish("sixth", &office, &[]);
    assert_eq!(keeper.hand_out(&sixth).code, Some(0));
    let elsewhere = publisher.at("another sixth");
    for _ in 2..=6 {
        let _ = fs::remove_file(&elsewhere);
        twin.ok([
            "directory",
            "publish",
            publisher.at("entries").to_str().unwrap(),
            "--to",
            elsewhere.to_str().unwrap(),
        ]);
    }
    let signed_by = Directory::verify(&fs::read(&first.note).unwrap()).unwrap().publisher;
    let (note, before) = (keeper.file(&signed_by, 6), fs::read(client.path.join("directory.note")).unwrap());
    fs::copy(&elsewhere, &note).unwrap();
    let said = publisher.update(&client, &[]);
    assert!(said.code == Some(5) && said.err.contains("does not go on from 5"), "{said:?}");
    assert_eq!(fs::read(client.path.join("directory.refused")).unwrap(), fs::read(&elsewhere).unwrap());
    assert_eq!(fs::read(client.path.join("directory.note")).unwrap(), before);
    assert!(watched(&["run", "moulds"]).err.contains("was not installed"), "and told where nobody asks");
    // One whose proof is of something else is none.
    fs::copy(&sixth.note, &note).unwrap();
    fs::copy(&fifth.proof, note.with_extension("proof")).unwrap();
    let said = publisher.update(&client, &[]);
    assert!(said.code == Some(3), "{said:?}");
    fs::copy(&sixth.proof, note.with_extension("proof")).unwrap();
    assert_eq!(says(&publisher.update(&client, &[])), (Some(0), Some(6), Some(true)));
}

#[test]
fn directories_are_static_files_and_nothing_else_lies_there() {
    let Some(publisher) = Publisher::new() else { return };
    let office = entry("BIgqET958FRVbkW1F9ECx2ytpQ9pWJECdu7DoQHrfaw=", "Office", "役所");
    let (first, keeper) = (publisher.publish("first", &office, &[]), Handing::start());
    assert_eq!(keeper.hand_out(&first).code, Some(0));
    let note = fs::read_to_string(&first.note).unwrap();
    let name = Directory::verify(note.as_bytes()).unwrap().publisher.name();
    let (status, answer) = keeper.process.get(&format!("/directories/{name}/1"));
    assert_eq!(status, 200);
    assert!(answer.ends_with(&note), "{answer}");
    for header in ["cache-control: public, max-age=31536000, immutable", "content-type: text/plain; charset=utf-8"] {
        assert!(answer.contains(header), "{header} is not in {answer}");
    }
    fs::write(keeper.place.path().join("data/directories/private"), "x").unwrap();
    for path in ["2", "2.proof", "01", "1.note", "", "../../log.key", "1/1"] {
        assert_eq!(keeper.process.get(&format!("/directories/{name}/{path}")).0, 404, "{path}");
    }
    for path in ["private", "log.key", "../log.key", "%2e%2e/log.key"] {
        assert_eq!(keeper.process.get(&format!("/directories/{path}")).0, 404, "{path}");
    }
}

#[test]
fn a_machine_that_was_off_for_months_takes_the_newest_one_whatever_has_run_out_between() {
    let Some(publisher) = Publisher::new() else { return };
    let office = entry("BIgqET958FRVbkW1F9ECx2ytpQ9pWJECdu7DoQHrfaw=", "Office", "役所");
    let first = publisher.publish("first", &office, &[]);
    let client = Home::new();
    assert_eq!(publisher.install(&client, &first, &["--publisher", publisher.key().to_str().unwrap()]).code, Some(0));
    // The second one ran out long ago, and the publisher went on from it.
    let second = over(&publisher, &first.note);
    fs::copy(&second, publisher.home.path.join("published/2")).unwrap();
    let third = publisher.publish("third", &office, &[]);
    publisher.refuses(&client, &third, 1, "does not come right after 1");
    let all = |files: &[&Path]| {
        let mut arguments = vec![PathBuf::from("directory"), "install".into()];
        arguments.extend(files.iter().map(|file| file.to_path_buf()));
        arguments.extend(["--json".into(), "--proof".into(), third.proof.clone(), "--policy".into()]);
        client.run(arguments.into_iter().chain([publisher.at("policy"), "--roots".into(), publisher.at("roots.pem")]))
    };
    assert_eq!(all(&[&third.note, &second]).code, Some(1), "in order");
    let said = all(&[&second, &third.note]);
    assert_eq!((said.code, said.json()["serial"].as_u64()), (Some(0), Some(3)), "{said:?}");
    // It says so when its own end is near and nothing has come.
    let Some(clock) = FalseClock::there() else { return };
    let near = |away: &str| clock.run(&client, away, &["list"]).err.contains("no next one has come");
    assert_eq!(["+0d", "+70d", "+80d", "+95d"].map(near), [false, false, true, true]);
}

#[test]
fn a05_an_organisation_that_the_directory_knows_needs_no_words_and_its_double_is_refused() {
    let Some(publisher) = Publisher::new() else { return };
    let case = Case::new();
    let company = &case.company.founder;
    let key = publisher.key();
    let named = ["--publisher", key.to_str().unwrap()];
    let (_home, delegated) = case.ask(&case.office.founder, "鈴木", &[]);

    // A sample is there to be looked at.
    let sample = publisher.publish("first", &entry(&key_of(&case), "Patent Office", "特許庁"), &["--sample"]);
    let said = publisher.install(company, &sample, &named);
    assert_eq!(said.code, Some(0), "{said:?}");
    let said = case.admit(&delegated, &["--words", &case.words]);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.err.contains("stands in a sample directory"), "{said:?}");

    // Somebody else under that name: his words are right, and the directory knows better.
    let double = entry("BIgqET958FRVbkW1F9ECx2ytpQ9pWJECdu7DoQHrfaw=", "The Patent Office", "特許庁");
    let second = publisher.publish("second", &double, &[]);
    assert_eq!(publisher.install(company, &second, &[]).code, Some(0));
    let said = case.admit(&delegated, &["--words", &case.words]);
    assert_eq!(said.code, Some(5), "{said:?}");
    assert!(said.err.contains("has another key for Patent Office"), "{said:?}");

    // A case that a desk began lies in the home of its safe, and goes by the directory of that.
    let safe = Home::new();
    let begun = safe.path.join("cases/one");
    copy_tree(&company.path, &begun);
    let by = |home: &Path, words: &str| {
        let home = Beside(company, home.to_owned());
        home.run(&["space", "admit", delegated.to_str().unwrap(), "--words", words])
    };
    fs::rename(begun.join("directory.note"), safe.path.join("directory.note")).unwrap();
    let said = by(&begun, &case.words);
    assert_eq!(said.code, Some(5), "{said:?}");
    assert!(said.err.contains("has another key for Patent Office"), "{said:?}");
    // A folder that only looks like it is none.
    let elsewhere = safe.folder.path().join("cases/one");
    copy_tree(&begun, &elsewhere);
    fs::copy(safe.path.join("directory.note"), safe.folder.path().join("directory.note")).unwrap();
    let said = by(&elsewhere, "wrong words");
    assert!(!said.err.contains("has another key"), "{said:?}");

    let third = publisher.publish("third", &entry(&key_of(&case), "JPO", "特許庁 営業秘密室"), &[]);
    assert_eq!(publisher.install(company, &third, &[]).code, Some(0));
    let said = case.admit(&delegated, &[]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let member = case.members().into_iter().find(|member| member["name"] == "鈴木").unwrap();
    assert_eq!(member["organisation"], "JPO", "the directory's name, not the one that was brought");
}

#[test]
fn a_file_of_entries_that_would_be_no_directory_is_refused() {
    let home = Home::new();
    let (from, to) = (home.folder.path().join("entries"), home.folder.path().join("to"));
    let publish = ["directory", "publish", from.to_str().unwrap(), "--to", to.to_str().unwrap()];
    let one = entry("BIgqET958FRVbkW1F9ECx2ytpQ9pWJECdu7DoQHrfaw=", "Office", "役所");
    for (entries, words) in [
        (one.replace("entry office", "entry court"), "holds no entries"),
        (format!("{one}\n"), "holds no entries"),
        (one.repeat(2), "would be no directory"),
    ] {
        fs::write(&from, entries).unwrap();
        home.fails(1, words, publish);
    }
    fs::write(&from, one).unwrap();
    home.ok(publish);
    assert_eq!(
        Directory::verify(&fs::read(&to).unwrap()).map(|made| (made.serial, made.purpose)),
        Ok((1, Purpose::Real))
    );
    assert!(Entry::parse_all("").is_some_and(|none| none.is_empty()));
}

#[test]
fn the_sample_is_shown_without_a_safe_and_published_like_any_other_directory() {
    let home = Home::unmade();
    let shown = home.ok(["directory", "show", "--sample", "--json"]).json();
    assert_eq!((shown["purpose"].as_str(), shown["good"].as_bool()), (Some("sample"), Some(true)));
    let organisations = shown["organisations"].as_array().unwrap().clone();
    assert_eq!(organisations.len(), 57 + 1 + 1 + 1 + 2 * 47);
    let said = home.ok(["directory", "show", "--sample"]).out;
    assert!(said.contains("a sample, made up") && said.contains("Okinawa centre (sample)"), "{said}");
    assert!(!home.path.exists(), "looking leaves nothing behind");

    let home = Home::new();
    let to = home.folder.path().join("sample");
    home.ok(["directory", "publish", "--sample", "--to", to.to_str().unwrap()]);
    let published = Directory::verify(&fs::read(&to).unwrap()).unwrap();
    assert_eq!((published.purpose, published.entries.len()), (Purpose::Sample, organisations.len()));
    home.fails(2, "required", ["directory", "publish", "--to", to.to_str().unwrap()]);
}

#[test]
fn a_directory_that_cannot_be_written_uses_up_no_number() {
    let home = Home::new();
    let path = |name: &str| home.folder.path().join(name).to_str().unwrap().to_owned();
    fs::write(path("entries"), "").unwrap();
    let publish = |to: &str| home.run(["directory", "publish", &path("entries"), "--to", &path(to), "--json"]);
    assert_eq!(publish("first").json()["serial"], 1);
    let first = fs::read(path("first")).unwrap();
    let said = publish("first");
    assert!(said.code == Some(1) && said.err.contains("is there already"), "{said:?}");
    assert_eq!(fs::read(path("first")).unwrap(), first);
    let said = publish("nowhere/second");
    assert_eq!(said.code, Some(1), "{said:?}");
    assert_eq!(publish("second").json()["serial"], 2);
    let second = Directory::verify(&fs::read(path("second")).unwrap()).unwrap();
    assert_eq!(second.previous, Some(Directory::verify(&first).unwrap().seen(&first).id));
    // What was published stays, each under its number, and a file that was being written is none of it.
    assert_eq!(fs::read(home.path.join("published/1")).unwrap(), first);
    fs::write(home.path.join("published/9.new1"), "").unwrap();
    assert_eq!(publish("third").json()["serial"], 3);
}
