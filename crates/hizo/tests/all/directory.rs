//! The directory of organisations: one publishes it, everybody installs each number once, and it stands for compared words.

use std::fs;
use std::path::{Path, PathBuf};

use hizo_ledger::directory::{Directory, Entry, Purpose};
use hizo_ledger::record::ClaimedTime;
use hizo_vault::keys::PublisherSeed;
use serde_json::Value;

use crate::case::Beside;
use crate::kit::{Home, PASSPHRASE, Said, copy_tree, say_aloud};
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
        let proof = note.with_extension("proof");
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
    let client = Home::new();
    let installed = publisher.install(&client, &first, &["--publisher", publisher.key().to_str().unwrap()]);
    assert_eq!(installed.code, Some(0), "{installed:?}");
    Some(vec![
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
