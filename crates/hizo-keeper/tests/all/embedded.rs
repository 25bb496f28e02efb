//! The keeper in a folder: set up once, opened often, never made anew by accident.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use hizo_keeper::witness::Patience;
use hizo_keeper::{EmbeddedKeeper, EmbeddedLog, Error, Seeds};
use hizo_store::Journal;
use zeroize::Zeroizing;

use crate::kit::Company;

pub(crate) fn seeds(number: u8) -> Seeds {
    Seeds { origin: [number; 16], log_key: Zeroizing::new([number ^ 0xFF; 32]) }
}

/// A keeper with one space of a few records, closed again.
fn filled(folder: &Path) -> Company {
    let keeper = EmbeddedKeeper::init_embedded(folder, &seeds(1)).unwrap();
    let mut company = Company::new("a small company", keeper.origin());
    company.keep(&keeper, &company.genesis()).unwrap();
    company.keep(&keeper, &company.deposit("drawings", 3).1).unwrap();
    company
}

#[test]
fn a_keeper_that_was_set_up_opens_with_what_was_kept() {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().join("keeper");
    let mut company = filled(&folder);
    let keeper = EmbeddedKeeper::open_embedded(&folder).unwrap();
    assert_eq!(keeper.origin().as_str(), format!("local.hizo/{}", "01".repeat(16)));
    assert_eq!(keeper.head(company.space).unwrap(), Some(company.chain.as_ref().unwrap().head()));
    company.keep(&keeper, &company.saying()).unwrap();
    let found = keeper.check(company.space).unwrap().unwrap();
    assert_eq!((found.records, found.missing.len(), found.damaged.len()), (3, 0, 0));
    let integrity = keeper.journal().integrity().unwrap();
    assert_eq!((integrity.spaces, integrity.records, integrity.facts), (1, 3, 1));
}

#[test]
fn a_keeper_that_others_append_to_is_copied_as_it_was_at_one_moment() {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().join("keeper");
    let mut company = filled(&folder);
    let space = company.space;
    let keeper = EmbeddedKeeper::open_embedded(&folder).unwrap();
    let log = EmbeddedLog::open(&folder, &keeper).unwrap();
    log.publish(&keeper, &Patience::default()).unwrap();
    let copied = AtomicBool::new(false);
    thread::scope(|scope| {
        let (folder, copied, company) = (&folder, &copied, &mut company);
        scope.spawn(move || {
            let other = EmbeddedKeeper::open_embedded(folder).unwrap();
            let log = EmbeddedLog::open(folder, &other).unwrap();
            while !copied.load(Ordering::Relaxed) {
                company.keep(&other, &company.deposit("drawings", 3).1).unwrap();
                log.publish(&other, &Patience::default()).unwrap();
            }
        });
        for number in 0..4 {
            log.copy_to(&keeper, &place.path().join(format!("copy{number}"))).unwrap();
        }
        copied.store(true, Ordering::Relaxed);
    });
    for number in 0..4 {
        let folder = place.path().join(format!("copy{number}"));
        let copy = EmbeddedKeeper::open_embedded(&folder).unwrap();
        copy.journal().integrity().unwrap();
        let found = copy.check(space).unwrap().unwrap();
        assert_eq!((found.missing.len(), found.damaged.len()), (0, 0), "copy {number} of {} records", found.records);
        let (copied, whole) = (copy.head(space).unwrap().unwrap(), company.chain.as_ref().unwrap());
        assert!(whole.contains(copied.number, copied.id));
        // It goes on by itself: what it has signed is a part of what it holds.
        EmbeddedLog::open(&folder, &copy).unwrap().publish(&copy, &Patience::default()).unwrap();
    }
    // Nothing is copied over what is there.
    assert!(log.copy_to(&keeper, &place.path().join("copy0")).is_err());
}

#[test]
fn setting_up_again_changes_nothing() {
    let place = tempfile::tempdir().unwrap();
    let company = filled(place.path());
    let first = EmbeddedKeeper::open_embedded(place.path()).unwrap();
    let again = EmbeddedKeeper::init_embedded(place.path(), &seeds(2)).unwrap();
    assert_eq!((again.origin(), again.log_key()), (first.origin(), first.log_key()));
    assert_eq!(again.head(company.space).unwrap(), first.head(company.space).unwrap());
}

#[test]
fn processes_that_set_up_one_folder_at_once_agree() {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().join("keeper");
    let agreed: Vec<_> = thread::scope(|scope| {
        let racers: Vec<_> = (1..=4)
            .map(|number| {
                let folder = &folder;
                scope.spawn(move || {
                    let keeper = EmbeddedKeeper::init_embedded(folder, &seeds(number)).unwrap();
                    (keeper.origin().clone(), *keeper.log_key())
                })
            })
            .collect();
        racers.into_iter().map(|racer| racer.join().unwrap()).collect()
    });
    assert!(agreed.windows(2).all(|pair| pair[0] == pair[1]), "{agreed:?}");
    let keeper = EmbeddedKeeper::open_embedded(&folder).unwrap();
    assert_eq!((keeper.origin(), keeper.log_key()), (&agreed[0].0, &agreed[0].1));
}

#[test]
fn a_setup_cut_short_is_finished_by_the_next() {
    let cuts: [&dyn Fn(&Path); 4] = [
        &|folder| fs::remove_file(folder.join("journal.sqlite")).unwrap(),
        &|folder| fs::write(folder.join("journal.sqlite"), "").unwrap(),
        &|folder| fs::remove_dir(folder.join("objects")).unwrap(),
        &|folder| fs::write(folder.join("log.key.00.new"), "0").unwrap(),
    ];
    for cut in cuts {
        let place = tempfile::tempdir().unwrap();
        let log_key = *EmbeddedKeeper::init_embedded(place.path(), &seeds(1)).unwrap().log_key();
        cut(place.path());
        let keeper = EmbeddedKeeper::init_embedded(place.path(), &seeds(2)).unwrap();
        assert_eq!(*keeper.log_key(), log_key);
        EmbeddedKeeper::open_embedded(place.path()).unwrap();
    }
}

#[test]
fn a_folder_without_a_keeper_is_not_made_into_one_by_opening() {
    let place = tempfile::tempdir().unwrap();
    for folder in [place.path().to_path_buf(), place.path().join("nowhere")] {
        assert!(matches!(EmbeddedKeeper::open_embedded(&folder), Err(Error::NotSetUp)));
        assert!(!folder.join("journal.sqlite").exists());
    }
}

#[test]
fn a_lost_journal_is_told_not_replaced() {
    for loss in [|path: &Path| fs::remove_file(path).unwrap(), |path: &Path| fs::write(path, "").unwrap()] {
        let place = tempfile::tempdir().unwrap();
        filled(place.path());
        loss(&place.path().join("journal.sqlite"));
        assert!(matches!(EmbeddedKeeper::open_embedded(place.path()), Err(Error::NotSetUp)));
    }
}

#[test]
fn a_lost_or_altered_log_key_is_told() {
    let place = tempfile::tempdir().unwrap();
    filled(place.path());
    let path = place.path().join("log.key");
    let right = fs::read_to_string(&path).unwrap();
    let other = format!("{}\n", "00".repeat(32));
    let upper = right.to_uppercase();
    for wrong in [&other, &upper, &format!("{right}\n"), right.trim_end(), &right[1..], ""] {
        fs::write(&path, wrong).unwrap();
        assert!(matches!(EmbeddedKeeper::open_embedded(place.path()), Err(Error::LogKey)), "{wrong:?} was taken");
    }
    fs::remove_file(&path).unwrap();
    assert!(matches!(EmbeddedKeeper::open_embedded(place.path()), Err(Error::LogKey)));
    fs::write(&path, right).unwrap();
    EmbeddedKeeper::open_embedded(place.path()).unwrap();
}

#[cfg(unix)]
#[test]
fn everything_in_the_folder_is_closed_to_others() {
    use std::os::unix::fs::PermissionsExt;

    fn look(path: &Path, seen: &mut usize) {
        let metadata = fs::symlink_metadata(path).unwrap();
        let mode = metadata.permissions().mode() & 0o777;
        assert_eq!(mode, if metadata.is_dir() { 0o700 } else { 0o600 }, "{path:?}");
        *seen += 1;
        if metadata.is_dir() {
            fs::read_dir(path).unwrap().for_each(|entry| look(&entry.unwrap().path(), seen));
        }
    }

    let place = tempfile::tempdir().unwrap();
    let folder = place.path().join("keeper");
    filled(&folder);
    let mut seen = 0;
    look(&folder, &mut seen);
    assert!(seen > 15, "only {seen} files and folders were looked at");
}

#[test]
fn errors_name_no_path() {
    fn sentences(error: &dyn std::error::Error) -> String {
        let source = error.source().map(sentences).unwrap_or_default();
        format!("{error}; {source}")
    }

    let place = tempfile::tempdir().unwrap();
    let folder = place.path().join("a-secret-project");
    fs::write(&folder, "a file").unwrap();
    let told = sentences(&EmbeddedKeeper::init_embedded(&folder, &seeds(1)).err().unwrap());
    assert!(!told.contains("a-secret-project"), "{told}");
    let folder = place.path().join("another-secret");
    fs::create_dir_all(folder.join("journal.sqlite")).unwrap();
    let told = sentences(&EmbeddedKeeper::open_embedded(&folder).err().unwrap());
    assert!(!told.contains("another-secret"), "{told}");
}

/// The folder and every file in it, in order, each file with its length.
fn listing(folder: &Path, below: &str) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap()).collect();
    names.sort_by_key(|entry| entry.file_name());
    let mut lines = Vec::new();
    for entry in names {
        let name = format!("{below}{}", entry.file_name().to_str().unwrap());
        if entry.file_type().unwrap().is_dir() {
            lines.extend(listing(&entry.path(), &format!("{name}/")));
        } else {
            lines.push(name);
        }
    }
    lines
}

#[test]
fn the_page_of_the_store_shows_what_is_written() {
    let place = tempfile::tempdir().unwrap();
    filled(place.path());
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/spec/store.md");
    let page = fs::read_to_string(page).unwrap();
    let written = listing(place.path(), "").join("\n");
    assert!(page.contains(&written), "docs/spec/store.md has another listing than\n{written}");
}
