//! A safe as the desk looks at it: what was added is looked at by itself, and a large one is shown as it was.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hizo_keeper::EmbeddedKeeper;
use hizo_vault::keys::IdentityFile;
use tempfile::TempDir;

use crate::contents::Opened;
use crate::desk::{Key, LastSeen, Looked};
use crate::failure::{Failure, Kind};
use crate::features::{deposit, init};
use crate::home::Home;
use crate::membership::Change;
use crate::safe::{self, Safe};
use crate::words::words;

const PASSPHRASE: &str = "a passphrase for tests";

/// A safe, and a folder that is kept in it.
struct Place {
    all: TempDir,
    home: PathBuf,
    folder: PathBuf,
    identity: Arc<IdentityFile>,
}

impl Place {
    fn new() -> Self {
        let all = tempfile::tempdir().unwrap();
        let (home, folder) = (all.path().join("home"), all.path().join("folder"));
        let made = init::init(&home, "test", PASSPHRASE, None).unwrap();
        let identity = Arc::new(safe::open_identity(&made, PASSPHRASE).unwrap());
        fs::create_dir(&folder).unwrap();
        Self { all, home, folder, identity }
    }

    fn open(&self) -> Safe {
        Safe::open(Home::open(&self.home).unwrap()).unwrap()
    }

    fn deposit(&self, series: &str) {
        let mut safe = self.open();
        fs::write(self.folder.join("f"), safe.records.len().to_string()).unwrap();
        let device = safe.home.device().unwrap();
        let request = deposit::Request::of(vec![self.folder.clone()], series);
        deposit::deposit(&mut safe, &device, &request, &()).unwrap();
    }

    fn key(&self) -> Key {
        Key { home: Home::open(&self.home).unwrap(), identity: Arc::clone(&self.identity) }
    }

    fn rotate(&self) {
        let mut safe = self.open();
        let keyring = safe.unlock_with(&self.identity).unwrap();
        let mut change = Change::default();
        let readers = [self.identity.identity.recipient().clone()];
        change.begin_epoch(Opened { safe: &safe, keyring: &keyring }, &readers).unwrap();
        change.append(&mut safe, &self.identity).unwrap();
    }

    fn copy_keeper(&self, to: &Path) {
        let copied = std::process::Command::new("cp").arg("-r").arg(self.home.join("keeper")).arg(to).status();
        assert!(copied.unwrap().success());
    }

    fn last_seen(&self) -> Option<LastSeen> {
        let Key { home, identity } = self.key();
        LastSeen::recall(&home, &identity)
    }
}

/// What a page shows of it.
fn shown(looked: &Looked) -> String {
    format!("{:?} {:?}", looked.safe.chain.head(), looked.view)
}

#[test]
fn what_was_added_is_looked_at_by_itself_and_shows_as_if_all_of_it_had_been() {
    let place = Place::new();
    let unlocked = place.key().unlock().unwrap();
    for series in ["one", "two", "one"] {
        place.deposit(series);
        let last = unlocked.last();
        let going_on =
            last.going_on(unlocked.home().unwrap(), &unlocked.identity).unwrap().expect("deposits alone were added");
        assert!(Arc::ptr_eq(&going_on.keyring, &last.keyring));
        let all = Looked::of(unlocked.home().unwrap(), &unlocked.identity, &|_, _| Ok(())).unwrap();
        assert_eq!(shown(&going_on), shown(&all));
        assert_eq!(shown(&unlocked.look().unwrap()), shown(&all));
    }
    // New keys open what comes behind them: all of it is looked at.
    place.rotate();
    place.deposit("one");
    assert!(unlocked.last().going_on(unlocked.home().unwrap(), &unlocked.identity).unwrap().is_none());
    let looked = unlocked.look().unwrap();
    assert!(looked.view.unreadable.is_empty() && looked.view.series.values().any(|of| of.deposits.len() == 3));
}

#[test]
fn a_keeper_that_takes_something_back_is_told_of_and_nothing_is_shown_in_its_place() {
    let place = Place::new();
    place.deposit("one");
    let before = place.all.path().join("before");
    place.copy_keeper(&before);
    place.deposit("one");
    let unlocked = place.key().unlock().unwrap();
    fs::remove_dir_all(place.home.join("keeper")).unwrap();
    fs::rename(&before, place.home.join("keeper")).unwrap();
    assert!(unlocked.last().going_on(unlocked.home().unwrap(), &unlocked.identity).unwrap().is_none());
    assert_eq!(unlocked.look_again().err().unwrap().kind, Kind::Lying);
}

#[test]
fn a_keeper_that_shows_another_history_is_told_of_however_long_that_is_and_nothing_of_it_is_remembered() {
    let place = Place::new();
    place.deposit("one");
    let unlocked = place.key().unlock().unwrap();
    let (keeper, pin) = (place.home.join("keeper"), place.home.join("head"));
    place.copy_keeper(&place.all.path().join("before"));
    let head = fs::read(&pin).unwrap();
    // This machine has seen one more; the keeper, put back, has two others instead.
    place.deposit("one");
    let seen = fs::read(&pin).unwrap();
    fs::remove_dir_all(&keeper).unwrap();
    fs::rename(place.all.path().join("before"), &keeper).unwrap();
    fs::write(&pin, head).unwrap();
    place.deposit("two");
    place.deposit("two");
    fs::write(&pin, &seen).unwrap();
    for _ in 0..2 {
        assert_eq!(unlocked.look_again().err().unwrap().kind, Kind::Lying);
        assert_eq!(fs::read(&pin).unwrap(), seen, "what was seen is held");
    }
}

#[test]
fn what_could_not_be_read_is_looked_for_again() {
    let place = Place::new();
    place.deposit("one");
    let named = place.open().records.last().unwrap().object_list().unwrap();
    let file = EmbeddedKeeper::object_file(&place.home.join("keeper"), place.open().home.space, named.id());
    let away = place.all.path().join("away");
    fs::rename(&file, &away).unwrap();
    let unlocked = place.key().unlock().unwrap();
    assert_eq!(unlocked.last().view.unreadable.len(), 1);
    fs::rename(&away, &file).unwrap();
    place.deposit("two");
    assert!(unlocked.last().going_on(unlocked.home().unwrap(), &unlocked.identity).unwrap().is_none());
    assert!(unlocked.look().unwrap().view.unreadable.is_empty());
}

#[test]
fn a_large_safe_is_written_down_for_its_person_alone_and_shown_only_as_he_saw_it() {
    let place = Place::new();
    drop(place.key().unlock().unwrap());
    assert!(!place.home.join("last-seen.age").exists() && !place.key().opens_many());
    for series in ["one", "two", "one"] {
        place.deposit(series);
    }
    assert!(place.key().opens_many() && place.last_seen().is_none());
    let looked = place.key().unlock().unwrap().look().unwrap();
    let seen = place.last_seen().unwrap();
    assert_eq!(
        seen.newest.iter().map(|of| (of.name.as_str(), of.number)).collect::<Vec<_>>(),
        [("one", 2), ("two", 1)]
    );
    assert_eq!((seen.record, seen.series, seen.deposits), (3, 2, 3));
    // Of a state that is older it says how much came since; one that this machine has not seen is not shown.
    place.deposit("two");
    assert_eq!(place.last_seen().unwrap().added_since(&place.key().home), 1);
    let (file, head) = (place.home.join("last-seen.age"), place.home.join("head"));
    let (written, pinned) = (fs::read(&file).unwrap(), fs::read_to_string(&head).unwrap());
    for head_line in [format!("2 {}\n", "0".repeat(64)), format!("3 {}\n", "0".repeat(64))] {
        fs::write(&head, head_line).unwrap();
        assert!(place.last_seen().is_none());
    }
    fs::write(&head, pinned).unwrap();
    // Somebody else can seal to him, and sign with keys of his own.
    let (home, identity) = (place.key().home, &place.identity);
    let other = IdentityFile::generate(&mut crate::entropy::SystemEntropy);
    let age = hizo_vault::age::Identity::parse(&identity.identity.to_secret_line()).unwrap();
    let forger = IdentityFile { signing_seed: other.signing_seed.clone(), identity: age };
    LastSeen::of(&looked).remember(&home, &forger);
    assert!(place.last_seen().is_none());
    LastSeen::of(&looked).remember(&home, &other);
    assert!(place.last_seen().is_none());
    for at in (0..written.len()).step_by(97) {
        let mut damaged = written.clone();
        damaged[at] ^= 1;
        fs::write(&file, damaged).unwrap();
        assert!(place.last_seen().is_none(), "byte {at}");
    }
    fs::write(&file, written).unwrap();
    assert_eq!(place.last_seen(), Some(seen));
}

#[test]
fn whoever_locks_stops_what_is_being_opened() {
    let place = Place::new();
    place.deposit("one");
    let told = |number, _| match number {
        0 => Ok(()),
        _ => Err(Failure::fixable(words!("locked", "鍵をかけた"))),
    };
    assert_eq!(place.key().unlock_telling(&told).err().unwrap().kind, Kind::Fixable);
}
