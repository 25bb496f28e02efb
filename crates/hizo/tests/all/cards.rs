//! Recovery cards at the terminal (docs/spec/recovery.md): made, tried, replaced, and used when the keys are lost.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use hizo_vault::age::{self, Identity};
use hizo_vault::recovery::{self, Card};

use crate::forge::Insider;
use crate::keeper::Process;
use crate::kit::{Home, assert_same, hex, noise, say_aloud, tree};
use crate::liar::{Answer, Asked, Liar};

/// The text of a printed page; nothing where the tool is not installed.
fn text(pdf: &Path) -> Option<String> {
    match Command::new("pdftotext").arg("-layout").arg(pdf).arg("-").output() {
        Ok(output) => Some(String::from_utf8(output.stdout).unwrap()),
        Err(error) => {
            say_aloud(&format!("recovery cards: pdftotext does not run: {error}"));
            None
        }
    }
}

/// Reads the words off a printed card, as a person would, into a file: its path.
pub(crate) fn read_off(pdf: &Path) -> Option<PathBuf> {
    let text = text(pdf)?;
    let grid = text.split("Words").nth(1).unwrap().split("使い方").next().unwrap();
    let pieces: Vec<&str> = grid.split_whitespace().collect();
    let numbered = pieces.chunks(2).map(|pair| (pair[0].parse::<u8>().unwrap(), pair[1]));
    let words: BTreeMap<u8, &str> = numbered.collect();
    assert_eq!(words.keys().copied().collect::<Vec<_>>(), (1..=33).collect::<Vec<_>>());
    let path = pdf.with_extension("words");
    fs::write(&path, words.into_values().collect::<Vec<_>>().join("\n")).unwrap();
    Some(path)
}

/// Makes cards: a file with the words of each.
fn make(home: &Home, to: &str, more: &[&str]) -> Option<Vec<PathBuf>> {
    let folder = home.folder.path().join(to);
    let said = home.ok(["recovery", "make", "--json", "--to", folder.to_str().unwrap()].iter().chain(more));
    let files = said.json()["files"].as_array().unwrap().clone();
    let cards = files.iter().filter(|file| file.as_str().unwrap().contains("card-")).count();
    (1..=cards).map(|number| read_off(&folder.join(format!("card-{number}.pdf")))).collect()
}

fn with<'a>(act: &[&'a str], cards: &[&'a PathBuf]) -> Vec<&'a str> {
    let cards = cards.iter().flat_map(|path| ["--card-file", path.to_str().unwrap()]);
    ["recovery"].into_iter().chain(act.iter().copied()).chain(cards).collect()
}

/// How many objects of a safe these cards open by themselves, as any age tool would.
fn opened(home: &Home, cards: &[&PathBuf]) -> usize {
    let identity = identity(cards);
    home.objects().iter().filter(|path| age::open_own(fs::read(path).unwrap(), &identity).is_ok()).count()
}

fn identity(cards: &[&PathBuf]) -> Identity {
    let cards: Vec<Card> = cards.iter().map(|path| Card::parse(&fs::read_to_string(path).unwrap()).unwrap()).collect();
    recovery::combine(&cards).unwrap().identity()
}

#[test]
fn when_the_keys_are_lost_two_of_three_cards_bring_everything_back() {
    let home = Home::new();
    let source = home.beside("source");
    fs::create_dir(source.join("型")).unwrap();
    fs::write(source.join("型/KX-204.dxf"), noise(1, 3 << 20)).unwrap();
    fs::write(source.join("recipe.csv"), "resin,12\n").unwrap();
    home.deposit(&source, "moulds");
    let Some(cards) = make(&home, "cards", &[]) else { return };
    // What was deposited after the cards were made comes back too.
    fs::write(source.join("later.txt"), "later").unwrap();
    home.deposit(&source, "moulds");

    // Nothing is left but what was copied of the home, without the key and its passphrase.
    let found = home.copy();
    fs::remove_file(found.path.join("identity.age")).unwrap();
    drop(home.path);
    found.fails(1, "holds no identity", ["restore", "latest:moulds", "--to", "nowhere"]);
    let one = with(&["use", "--to", "nowhere"], &[&cards[0]]);
    found.fails(1, "2 cards are needed", &one);

    let mut new = Home::unmade();
    let to = new.path.to_str().unwrap().to_owned();
    new.path = found.path.clone();
    new.ok(with(&["use", "--to", &to], &[&cards[2], &cards[0]]));
    new.path = PathBuf::from(&to);
    assert_same(&tree(&source), &tree(&new.restore("latest:moulds", "back")));
    new.ok(["check"]);
    assert!(fs::read_to_string(new.path.join("identity.age")).unwrap().starts_with("-----BEGIN AGE"));
    // What the cards opened lies there sealed to the new identity, and the cards' own words nowhere.
    for path in crate::kit::files_below(&new.path) {
        assert!(!crate::kit::contains(&fs::read(&path).unwrap(), b"AGE-SECRET-KEY"), "{}", path.display());
    }
    // Everybody sees that somebody was let in, and since he waits he does nothing yet.
    let seen = new.ok(["status", "--json"]);
    assert!(seen.err.contains("recovery cards have let in"), "{seen:?}");
    assert!(seen.json()["recovery"]["waiting"]["until"].is_string(), "{seen:?}");
    let again = new.folder.path().join("again").to_str().unwrap().to_owned();
    new.fails(1, "waits until", ["recovery", "make", "--replace", "--to", &again]);
    // Whoever brings the cards again waits in place of the first, for as long anew.
    let before = new.ok(["status", "--json"]).json()["recovery"]["waiting"]["key"].clone();
    let third = Home { path: new.folder.path().join("third"), folder: tempfile::tempdir().unwrap() };
    fs::copy(new.passphrase_file(), third.passphrase_file()).unwrap();
    new.ok(with(&["use", "--to", third.path.to_str().unwrap()], &[&cards[0], &cards[1]]));
    let waiting = third.ok(["status", "--json"]).json()["recovery"]["waiting"]["key"].clone();
    assert!(waiting.is_string() && waiting != before, "{waiting} {before}");
    // A folder with something in it is not written over.
    new.fails(1, "is not empty", with(&["use", "--to", &to], &[&cards[0], &cards[1]]));
}

#[test]
fn what_a_home_from_cards_does_not_bring_along_is_named() {
    let home = Home::new();
    let folder = home.beside("watched");
    fs::write(folder.join("file"), "kept").unwrap();
    home.deposit(&folder, "nightly");
    let Some(cards) = make(&home, "cards", &[]) else { return };
    let series = fs::read_to_string(home.path.join("series/names")).unwrap().split(' ').nth(1).unwrap().to_owned();
    fs::create_dir(home.path.join("watch")).unwrap();
    // What is in the setting does not matter: it stays where it is.
    fs::write(home.path.join("watch").join(&series), "").unwrap();
    let to = home.folder.path().join("to");
    let said = home.ok(with(&["use", "--to", to.to_str().unwrap()], &[&cards[0], &cards[1]]));
    assert!(said.err.contains(&format!("the schedule of series id:{series} was left behind")), "{said:?}");
    assert!(!to.join("watch").exists());
}

#[test]
fn an_admin_refuses_whom_stolen_cards_let_in() {
    let mut home = Home::new();
    let Some(cards) = make(&home, "cards", &[]) else { return };
    let read = home.folder.path().join("read").to_str().unwrap().to_owned();
    let told = home.ok(with(&["use", "--json", "--read-only", "--to", &read], &[&cards[0], &cards[1]]));
    assert!(told.json()["admin_from"].is_null());
    assert!(home.ok(["status", "--json"]).json()["recovery"]["waiting"].is_null(), "reading leaves no trace");

    // The thief's copy of the home goes on; what stands there, the owner sees as soon as he looks at that keeper.
    let stolen = home.folder.path().join("stolen").to_str().unwrap().to_owned();
    assert!(
        home.ok(with(&["use", "--json", "--to", &stolen], &[&cards[0], &cards[1]])).json()["admin_from"].is_string()
    );
    let (keeper, stolen) = (home.path.join("keeper"), PathBuf::from(stolen));
    fs::remove_dir_all(&keeper).unwrap();
    crate::kit::copy_tree(&stolen.join("keeper"), &keeper);
    let seen = home.ok(["list"]);
    assert!(seen.err.contains("recovery cards have let in"), "{seen:?}");
    let Some(new) = make(&home, "new", &["--replace"]) else { return };
    let seen = home.ok(["status", "--json"]);
    assert!(seen.err.is_empty() && seen.json()["recovery"]["waiting"].is_null(), "{seen:?}");
    home.ok(with(&["drill"], &[&new[0], &new[1]]));
    let refused = with(&["use", "--to", "nowhere"], &[&cards[0], &cards[1]]).into_iter().map(str::to_owned);
    home.fails(5, "not the ones that this safe names", refused);
    home.path = stolen;
}

#[test]
fn a_drill_says_what_is_wrong_and_is_remembered() {
    let (home, other) = (Home::new(), Home::new());
    let Some(cards) = make(&home, "cards", &["--cards", "5", "--needed", "3"]) else { return };
    let Some(others) = make(&other, "cards", &[]) else { return };
    assert_eq!(cards.len(), 5);
    Home::new().fails(1, "no recovery cards", with(&["drill"], &[&cards[0]]));
    let untried = home.ok(["status", "--json"]).json();
    assert_eq!((&untried["recovery"]["drilled"], &untried["recovery"]["due"]), (&().into(), &false.into()));

    home.fails(1, "3 cards are needed, 2 are there", with(&["drill"], &[&cards[0], &cards[1]]));
    home.fails(1, "card 1 is there twice", with(&["drill"], &[&cards[0], &cards[1], &cards[0]]));
    home.fails(1, "not of one set", with(&["drill"], &[&cards[0], &cards[1], &others[2]]));
    let said = home.fails(5, "not the ones that this safe names", with(&["drill"], &[&others[0], &others[1]]));
    let flipped = home.folder.path().join("flipped");
    let words = fs::read_to_string(&cards[0]).unwrap();
    fs::write(&flipped, words.replacen('\n', " zero ", 1)).unwrap();
    home.fails(1, "a card has 33 words, not 34", with(&["drill"], &[&flipped]));
    fs::write(&flipped, words.replacen('\n', "\nx", 1)).unwrap();
    home.fails(1, "word 2 is not a word of the list", with(&["drill"], &[&flipped]));
    let mut swapped: Vec<&str> = words.lines().collect();
    swapped.swap(7, 20);
    fs::write(&flipped, swapped.join(" ")).unwrap();
    if swapped[7] != swapped[20] {
        home.fails(1, "a word is wrong", with(&["drill"], &[&flipped]));
    }
    let is_shown =
        |said: &str| words.lines().skip(4).filter(|word| said.split(' ').any(|shown| shown == *word)).count();
    assert!(is_shown(&said.err) < 3, "{said:?}");

    // No passphrase is needed: whoever brings cards need not be who has the keys.
    let mut command = home.writer_command();
    let said = crate::kit::said(command.args(with(&["drill"], &[&cards[4], &cards[1], &cards[2]])));
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(said.out.contains("the cards open the safe") && said.out.contains("5, 2, 3"), "{said:?}");
    let tried = home.ok(["status", "--json"]).json();
    assert!(tried["recovery"]["drilled"].is_string(), "{tried}");
    // Another machine learns it from the records, once they are opened.
    fs::remove_file(home.path.join("drill")).unwrap();
    assert!(home.ok(["status", "--json"]).json()["recovery"]["drilled"].is_string());
}

#[test]
fn replaced_cards_open_what_was_before_and_nothing_after() {
    let home = Home::new();
    let source = home.beside("source");
    fs::write(source.join("a"), noise(2, 4 << 10)).unwrap();
    home.deposit(&source, "before");
    let Some(old) = make(&home, "old", &[]) else { return };
    assert_eq!(opened(&home, &[&old[0], &old[1]]), 1);
    home.fails(1, "has recovery cards already", ["recovery", "make", "--to", "other"]);
    let Some(new) = make(&home, "new", &["--replace"]) else { return };
    home.deposit(&source, "after");
    assert_eq!(opened(&home, &[&old[0], &old[1]]), 1, "the old cards open the first epoch, and no other");
    assert_eq!(opened(&home, &[&new[0], &new[2]]), 2);
    home.fails(5, "not the ones", with(&["drill"], &[&old[0], &old[1]]));
    home.ok(with(&["drill"], &[&new[0], &new[1]]));
    home.fails(
        1,
        "is there already",
        ["recovery", "make", "--replace", "--to", home.folder.path().join("new").to_str().unwrap()],
    );
    assert_same(&tree(&source), &tree(&home.restore("latest:before", "one")));
    assert_same(&tree(&source), &tree(&home.restore("latest:after", "two")));
    home.ok(["check"]);
}

#[test]
fn cards_are_for_their_owner_alone_and_say_what_they_are() {
    let home = Home::unmade();
    home.ok(["init", "--name", "山田金型"]);
    let Some(cards) = make(&home, "cards", &[]) else { return };
    let folder = home.folder.path().join("cards");
    let space: serde_json::Value = serde_json::from_slice(&fs::read(home.path.join("safe.json")).unwrap()).unwrap();
    let words: Vec<String> = cards.iter().map(|path| fs::read_to_string(path).unwrap()).collect();
    for name in ["card-1.pdf", "card-2.pdf", "card-3.pdf", "emergency.pdf"] {
        let path = folder.join(name);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600, "{name}");
        let bytes = fs::read(&path).unwrap();
        assert!(!crate::kit::contains(&bytes, b"/XObject") && !crate::kit::contains(&bytes, b"/Image"), "{name}");
        let text = text(&path).unwrap();
        assert_eq!(text.matches('\u{c}').count(), 1, "{name} has one page");
        match name.strip_prefix("card-").and_then(|rest| rest.strip_suffix(".pdf")) {
            Some(number) => {
                let title = [format!("復旧カード {number} / 3"), format!("Recovery card {number} of 3")];
                assert!(title.iter().all(|title| text.contains(title)), "{text}");
                for said in [
                    "山田金型",
                    "any 2 of 3 cards",
                    "3枚のうち、どれでも2枚",
                    "leaves no trace",
                    "跡は残りません",
                    "drill",
                ] {
                    assert!(text.contains(said), "{said}: {text}");
                }
            }
            None => {
                assert!(text.contains(space["space"].as_str().unwrap()) && text.contains("緊急カード"), "{text}");
                assert!(!text.contains("山田金型"), "what the safe is called is no business of who passes by");
                // One word alone may be among those by which the safe is told by voice.
                let card: Vec<&str> = words[0].lines().skip(5).take(3).collect();
                let shown: Vec<&str> = text.split_whitespace().collect();
                assert!(!shown.windows(3).any(|shown| shown == card), "{card:?}: {text}");
            }
        }
    }
    assert_eq!(fs::metadata(&folder).unwrap().permissions().mode() & 0o777, 0o700);
    // Nothing of the seed stays on the machine.
    let identity = identity(&[&cards[0], &cards[1]]);
    let (seed, line) = (*identity.seed(), identity.to_secret_line());
    for path in crate::kit::files_below(&home.path) {
        let bytes = fs::read(&path).unwrap();
        for secret in [&seed[..], hex(&seed).as_bytes(), line.as_bytes()] {
            assert!(!crate::kit::contains(&bytes, secret), "{}", path.display());
        }
    }
}

#[test]
fn numbers_of_cards_that_make_no_sense_are_refused_before_anything_is_written() {
    let home = Home::new();
    let to = home.folder.path().join("cards");
    for (cards, needed) in [("3", "1"), ("2", "3"), ("17", "2"), ("1", "1")] {
        let more = ["--cards", cards, "--needed", needed, "--to", to.to_str().unwrap()];
        home.fails(2, "is not possible", ["recovery", "make"].iter().chain(&more));
    }
    assert!(!to.exists());
    assert!(home.ok(["status", "--json"]).json()["recovery"].is_null());
}

#[test]
fn cards_that_would_leave_out_what_was_kept_are_not_made() {
    let home = Home::new();
    fs::write(home.beside("folder").join("file"), "kept before").unwrap();
    home.deposit(&home.beside("folder"), "s");
    home.ok(["recovery", "make", "--to", home.folder.path().join("one").to_str().unwrap()]);
    home.ok(["recovery", "make", "--replace", "--to", home.folder.path().join("two").to_str().unwrap()]);
    let chain = Insider::of(&home).chain;
    for wrap in chain.wraps(0) {
        let name = wrap.id().to_string();
        let path = home.objects().into_iter().find(|path| path.ends_with(&name)).unwrap();
        fs::remove_file(path).unwrap();
    }
    let three = home.folder.path().join("three");
    let arguments = ["recovery", "make", "--replace", "--to", three.to_str().unwrap()];
    home.fails(3, "a key object of epoch 0 is missing", arguments);
    assert!(!three.exists() && Insider::of(&home).chain.recovery() == chain.recovery());
}

#[test]
fn cards_whose_record_may_stand_are_never_taken_away() {
    let home = Home::unmade();
    let keeper = Process::start(&home.folder.path().join("data"));
    let liar = Liar::before(&keeper.address());
    home.ok(["init", "--keeper", &liar.address]);
    home.make_cheap();
    let files = |to: &str| fs::read_dir(home.folder.path().join(to)).map_or(0, Iterator::count);
    let make = |to: &str, more: &[&str]| {
        let to = home.folder.path().join(to);
        home.run(["recovery", "make", "--to", to.to_str().unwrap()].iter().chain(more))
    };
    let is_append = |asked: &Asked| asked.method == "POST" && asked.path.ends_with("/records");
    // It does not take the record, and can be asked what stands: cards that open nothing are gone.
    liar.refuses(move |asked| is_append(asked).then(|| Answer::new(507, "")));
    assert_ne!(make("one", &[]).code, Some(0));
    assert_eq!(files("one"), 0);
    // It takes the record, and says that it did not.
    liar.is_honest();
    liar.tells(move |asked, _| is_append(asked).then(|| Answer::new(507, "")));
    let said = make("two", &[]);
    assert_ne!(said.code, Some(0));
    assert!(said.err.contains("keep the files and the old cards"), "{said:?}");
    assert_eq!(files("two"), 5, "three cards, the emergency card and its file");
    liar.is_honest();
    let Some(words) =
        (1..3).map(|n| read_off(&home.folder.path().join(format!("two/card-{n}.pdf")))).collect::<Option<Vec<_>>>()
    else {
        return;
    };
    home.ok(with(&["drill"], &words.iter().collect::<Vec<_>>()));
}

#[test]
fn whoever_makes_a_home_from_cards_is_told_its_passphrase_before_anything_can_go_wrong() {
    let home = Home::unmade();
    let keeper = Process::start(&home.folder.path().join("data"));
    let liar = Liar::before(&keeper.address());
    home.ok(["init", "--keeper", &liar.address]);
    home.make_cheap();
    let Some(cards) = make(&home, "cards", &[]) else { return };
    liar.refuses(move |asked| {
        (asked.method == "POST" && asked.path.ends_with("/records")).then(|| Answer::new(507, ""))
    });
    let new = home.folder.path().join("new");
    let arguments = with(&["use", "--to", new.to_str().unwrap()], &[&cards[0], &cards[1]]);
    let said = crate::kit::said(home.writer_command().args(arguments));
    assert_ne!(said.code, Some(0));
    let shown =
        said.err.lines().find_map(|line| line.strip_prefix("    ")).unwrap_or_else(|| panic!("{said:?}")).to_owned();
    liar.is_honest();
    fs::write(home.folder.path().join("shown"), shown).unwrap();
    let mut list = crate::kit::program(env!("CARGO_BIN_EXE_hizo"));
    list.arg("--home").arg(&new).arg("--passphrase-file").arg(home.folder.path().join("shown")).arg("list");
    assert_eq!(crate::kit::said(&mut list).code, Some(0));
}

#[test]
fn a13_stolen_cards_are_refused_whatever_else_is_damaged() {
    let home = Home::new();
    let Some(cards) = make(&home, "cards", &[]) else { return };
    let stolen = home.folder.path().join("stolen").to_str().unwrap().to_owned();
    home.ok(with(&["use", "--to", &stolen], &[&cards[0], &cards[1]]));
    let stolen = PathBuf::from(stolen);
    fs::remove_dir_all(home.path.join("keeper")).unwrap();
    crate::kit::copy_tree(&stolen.join("keeper"), &home.path.join("keeper"));
    assert!(home.run(["list"]).err.contains("recovery cards have let in"));
    // So says a machine whose timer is all that runs on it.
    let (folder, tools) = (home.beside("watched"), home.beside("tools"));
    fs::write(folder.join("file"), "kept").unwrap();
    fs::write(tools.join("crontab"), "#!/bin/sh\n[ \"$1\" = -l ] && cat \"$0.table\" || cat > \"$0.table\"\n").unwrap();
    fs::write(tools.join("crontab.table"), "").unwrap();
    fs::set_permissions(tools.join("crontab"), fs::Permissions::from_mode(0o755)).unwrap();
    let paths = std::env::var_os("PATH").unwrap();
    let path = std::env::join_paths([tools].into_iter().chain(std::env::split_paths(&paths))).unwrap();
    let watch =
        |arguments: &[&str]| crate::kit::said(home.writer_command().env("PATH", &path).arg("watch").args(arguments));
    let installed = watch(&["install", folder.to_str().unwrap(), "--series", "nightly", "--scheduler", "crontab"]);
    let run = watch(&["run", "nightly"]);
    assert!(run.err.contains("recovery cards have let in"), "{installed:?} {run:?}");
    // Not one object is left: no body, no wrap.
    for path in home.objects() {
        fs::remove_file(path).unwrap();
    }
    let told = home.ok(["recovery", "refuse", "--json"]).json();
    assert!(told["refused"].is_string(), "{told}");
    home.fails(1, "no recovery cards", ["recovery", "refuse"]);
    assert!(!home.run(["list"]).err.contains("recovery cards have let in"));
}

#[test]
fn cards_that_were_not_tried_for_long_are_told_of_by_status_until_they_are_tried_again() {
    let Some(clock) = crate::faults::FalseClock::there() else { return };
    let home = Home::new();
    let Some(cards) = make(&home, "cards", &[]) else { return };
    let told = |away: &str| {
        let said = clock.run(&home, away, &["status"]).out;
        let due = clock.run(&home, away, &["status", "--json"]).json()["recovery"]["due"].clone();
        assert_eq!(due.as_bool(), Some(said.contains("`hizo recovery drill`")), "{said}");
        said
    };
    assert!(!told("+29d").contains("recovery cards"));
    assert!(told("+31d").contains("were never tried"));
    home.ok(with(&["drill"], &[&cards[0], &cards[1]]));
    assert!(!told("+364d").contains("recovery cards"));
    assert!(told("+367d").contains("were last tried on"));
}
