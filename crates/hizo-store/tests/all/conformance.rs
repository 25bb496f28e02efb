//! The same laws for every back end that there is.

use hizo_store::conformance::{journal_laws, objects_laws};
use hizo_store::disk::SystemDisk;
use hizo_store::journal::SqliteJournal;
use hizo_store::objects::FileObjects;
use hizo_store::simulated::{MemoryJournal, SimulatedDisk};

#[test]
fn files_on_the_systems_disk_keep_every_law_of_objects() {
    for (name, law) in objects_laws() {
        println!("{name}");
        let folder = tempfile::tempdir().unwrap();
        law(&|| FileObjects::open(SystemDisk, &folder.path().join("objects")).unwrap());
    }
}

#[test]
fn files_on_a_simulated_disk_keep_every_law_of_objects() {
    for (name, law) in objects_laws() {
        println!("{name}");
        let disk = SimulatedDisk::new(512);
        law(&|| FileObjects::open(disk.clone(), "objects".as_ref()).unwrap());
    }
}

#[test]
fn sqlite_keeps_every_law_of_a_journal() {
    for (name, law) in journal_laws() {
        println!("{name}");
        let folder = crate::passing_folder();
        let path = folder.path().join("journal.sqlite");
        law(&|| SqliteJournal::create(&path).unwrap());
    }
}

#[test]
fn the_journal_in_memory_keeps_every_law_of_a_journal() {
    for (name, law) in journal_laws() {
        println!("{name}");
        let journal = MemoryJournal::beside(&SimulatedDisk::new(512));
        law(&|| journal.clone());
    }
}
