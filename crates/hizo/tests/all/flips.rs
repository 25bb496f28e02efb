//! Every byte at rest flipped in turn: it is found, or every answer is unchanged.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use hizo_keeper::EmbeddedKeeper;
use hizo_ledger::id::{ObjectId, SpaceId};
use hizo_ledger::object::{ObjectList, ObjectRef};
use hizo_ledger::record::Record;
use hizo_ledger::space::Chain;

use crate::kit::{Dice, Home, Said, assert_same, files_below, forget_restore, noise, tree};

/// One byte in so many of the journal's file is flipped, and each of its first page.
const JOURNAL_STRIDE: u64 = 13;

#[test]
fn every_flipped_byte_of_every_object_is_found() {
    let (home, _) = small_safe();
    let objects = named_objects(&home);
    let files: BTreeMap<ObjectId, _> = home.objects().into_iter().map(|path| (id_of(&path), path)).collect();
    let named: Vec<_> = objects.keys().collect();
    assert_eq!(named, files.keys().collect::<Vec<_>>(), "records name exactly what is kept");
    let (keeper, space) = keeper(&home);
    let mut dice = Dice::new(1);
    let mut flips = 0;
    for (id, path) in files {
        let whole = fs::read(&path).unwrap();
        let file = writable(&path);
        for (at, byte) in whole.iter().enumerate() {
            let mask = 1 + dice.below(255) as u8;
            file.write_all_at(&[byte ^ mask], at as u64).unwrap();
            if let Ok(Some(bytes)) = keeper.object(space, id) {
                assert!(objects[&id].verify(bytes).is_err(), "byte {at} of {id} may be any");
            }
            file.write_all_at(&[*byte], at as u64).unwrap();
            flips += 1;
        }
        let bytes = keeper.object(space, id).unwrap().unwrap();
        assert!(objects[&id].verify(bytes).is_ok(), "the object is whole again");
    }
    assert!(flips > 20_000, "{flips} bytes are hardly a safe");
}

#[test]
fn every_flipped_byte_of_every_record_note_is_found() {
    let (home, _) = small_safe();
    let mut notes = notes(&home);
    let mut dice = Dice::new(2);
    for number in 0..notes.len() {
        for at in 0..notes[number].len() {
            let mask = 1 + dice.below(255) as u8;
            notes[number][at] ^= mask;
            // The record itself and the one after it are enough: nobody reads past the first that fails.
            let end = notes.len().min(number + 2);
            assert!(Chain::replay(&notes[..end], drop).is_err(), "byte {at} of record {number} may be any");
            notes[number][at] ^= mask;
        }
    }
    assert!(Chain::replay(&notes, drop).is_ok());
}

#[test]
fn a_flipped_byte_of_the_journal_is_found_or_changes_no_answer() {
    let (home, _) = small_safe();
    let path = home.path.join("keeper/journal.sqlite");
    let whole = fs::read(&path).unwrap();
    let truth = answers(&home).expect("the journal is whole");
    let mut dice = Dice::new(3);
    let offset = dice.below(JOURNAL_STRIDE);
    let chosen = (0..whole.len() as u64).filter(|at| *at < 512 || at % JOURNAL_STRIDE == offset);
    let mut found = 0;
    for at in chosen {
        let file = writable(&path);
        let byte = whole[at as usize];
        file.write_all_at(&[byte ^ (1 + dice.below(255) as u8)], at).unwrap();
        match answers(&home) {
            None => found += 1,
            Some(told) => assert!(told == truth, "byte {at} changes an answer"),
        }
        fs::write(&path, &whole).unwrap();
    }
    assert!(found > 100, "only {found} flips were found");
    assert!(answers(&home).expect("the journal is whole again") == truth);
}

#[test]
fn the_program_finds_flipped_bytes_wherever_it_stores_anything() {
    let (home, folder) = small_safe();
    home.deposit(&folder, "other");
    let listed = home.ok(["list", "--json"]).out;
    let expected = tree(&folder);
    let mut dice = Dice::new(4);
    for path in files_below(&home.path) {
        let whole = fs::read(&path).unwrap();
        if whole.is_empty() || path.file_name() == Some(OsStr::new("passphrase")) {
            continue;
        }
        for _ in 0..3 {
            let at = dice.below(whole.len() as u64) as usize;
            let mut flipped = whole.clone();
            flipped[at] ^= 1 + dice.below(255) as u8;
            fs::write(&path, flipped).unwrap();
            let to = home.folder.path().join("out");
            let said = home.run([OsStr::new("restore"), "latest:other".as_ref(), "--to".as_ref(), to.as_os_str()]);
            if said.code == Some(0) {
                assert_same(&expected, &tree(&to));
                fs::remove_dir_all(&to).unwrap();
            } else {
                refused(&said, &format!("byte {at} of {}", path.display()));
                assert!(!to.exists());
                forget_restore(&to);
            }
            let said = home.run(["list", "--json"]);
            match said.code {
                Some(0) => assert_eq!(said.out, listed, "byte {at} of {}", path.display()),
                _ => refused(&said, &format!("byte {at} of {}", path.display())),
            }
            fs::write(&path, &whole).unwrap();
        }
    }
    assert_eq!(home.ok(["list", "--json"]).out, listed);
}

#[test]
fn a_deposit_over_damaged_local_state_is_whole() {
    let (home, folder) = small_safe();
    let mut dice = Dice::new(5);
    for round in 0..10_u64 {
        let mut state = files_below(&home.path.join("series")).into_iter();
        let walk = state.find(|path| path.extension() == Some(OsStr::new("walk"))).unwrap();
        let mut bytes = fs::read(&walk).unwrap();
        match round % 3 {
            0 => bytes.truncate(dice.below(bytes.len() as u64) as usize),
            1 => bytes.extend(noise(round, 1 + dice.below(300) as usize)),
            _ => {
                let at = dice.below(bytes.len() as u64) as usize;
                bytes[at] ^= 1 + dice.below(255) as u8;
            }
        }
        fs::write(&walk, bytes).unwrap();
        fs::write(folder.join("changing"), noise(round, 2000)).unwrap();
        home.deposit(&folder, "test");
        assert_same(&tree(&folder), &tree(&home.restore("latest:test", &format!("out {round}"))));
    }
}

#[test]
fn a_missing_short_long_or_swapped_object_is_named_and_nothing_is_restored() {
    let (home, _) = small_safe();
    let objects = home.objects();
    let truth = tree(&home.restore("latest:test", "truth"));
    let listed = home.ok(["list", "--json"]).out;
    for path in &objects {
        let whole = fs::read(path).unwrap();
        let other = fs::read(objects.iter().find(|other| *other != path).unwrap()).unwrap();
        let longer = [whole.as_slice(), b"\0"].concat();
        let faults: [Option<&[u8]>; 5] = [None, Some(&whole[1..]), Some(&longer), Some(&other), Some(b"")];
        for fault in faults {
            match fault {
                None => fs::remove_file(path).unwrap(),
                Some(bytes) => fs::write(path, bytes).unwrap(),
            }
            let to = home.folder.path().join("out");
            let said = home.run([OsStr::new("restore"), "latest:test".as_ref(), "--to".as_ref(), to.as_os_str()]);
            match said.code {
                Some(0) => {
                    assert_same(&truth, &tree(&to));
                    fs::remove_dir_all(&to).unwrap();
                }
                _ => refused(&said, &path.display().to_string()),
            }
            assert!(!to.exists());
            forget_restore(&to);
            fs::write(path, &whole).unwrap();
        }
    }
    assert_eq!(home.ok(["list", "--json"]).out, listed);
}

/// It fails with words and advice, and not as a fault of ours.
#[track_caller]
fn refused(said: &Said, what: &str) {
    assert!(matches!(said.code, Some(1 | 3 | 4 | 5)), "{what}: {said:?}");
    assert!(said.err.contains("error:"), "{what}: {said:?}");
}

/// A safe with a large enough story to have every kind of object, and few bytes.
fn small_safe() -> (Home, std::path::PathBuf) {
    let home = Home::new();
    let folder = home.beside("folder");
    for number in 0..12 {
        fs::write(folder.join(format!("f{number}")), noise(number, 300)).unwrap();
    }
    home.deposit(&folder, "test");
    fs::write(folder.join("f3"), b"changed").unwrap();
    home.deposit(&folder, "test");
    (home, folder)
}

fn writable(path: &Path) -> fs::File {
    fs::OpenOptions::new().write(true).open(path).unwrap()
}

fn id_of(path: &Path) -> ObjectId {
    ObjectId::from_hex(&path.file_name().unwrap().to_string_lossy()).unwrap()
}

fn keeper(home: &Home) -> (EmbeddedKeeper, SpaceId) {
    let keeper = EmbeddedKeeper::open_embedded(&home.path.join("keeper")).unwrap();
    let spaces = keeper.spaces().unwrap();
    (keeper, spaces[0])
}

fn notes(home: &Home) -> Vec<Vec<u8>> {
    let (keeper, space) = keeper(home);
    keeper.records(space, 0, 100).unwrap().into_iter().map(|record| record.note).collect()
}

/// Every object that the records of a safe name.
fn named_objects(home: &Home) -> BTreeMap<ObjectId, ObjectRef> {
    let (keeper, space) = keeper(home);
    let mut named = Vec::new();
    let take = |record: Record| {
        named.extend(record.body_object());
        named.extend(record.recipient());
        named.extend(record.wraps().map(|(_, wrap)| wrap));
        if let Some(list) = record.object_list() {
            let verified = list.verify(keeper.object(space, list.id()).unwrap().unwrap()).unwrap();
            named.extend(ObjectList::parse(&verified).unwrap().objects());
            named.push(list);
        }
    };
    Chain::replay(notes(home), take).unwrap();
    named.into_iter().map(|object| (object.id(), object)).collect()
}

/// What the keeper answers about everything; nothing when it says that something is wrong.
fn answers(home: &Home) -> Option<Vec<Vec<u8>>> {
    let keeper = EmbeddedKeeper::open_embedded(&home.path.join("keeper")).ok()?;
    let mut told = vec![keeper.origin().to_string().into_bytes()];
    for space in keeper.spaces().ok()? {
        told.push(space.to_string().into_bytes());
        let records = keeper.records(space, 0, 100).ok()?;
        let notes: Vec<_> = records.into_iter().map(|record| record.note).collect();
        // A client follows the chain before it believes anything.
        let chain = Chain::replay(&notes, drop).ok()?;
        told.push(format!("{:?} {:?}", chain.head().number, keeper.head(space).ok()?).into_bytes());
        told.extend(notes);
    }
    Some(told)
}
