//! A directory from anywhere: what is accepted has one form.
#![no_main]

use hizo_ledger::directory::Directory;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|note: &[u8]| {
    if let Ok(directory) = Directory::verify(note) {
        assert!(note.starts_with(directory.text().as_bytes()));
    }
});
