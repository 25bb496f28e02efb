//! A record note from anywhere: what parses has one form.
#![no_main]

use hizo_ledger::record::UnverifiedRecord;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|note: &[u8]| {
    if let Ok(record) = UnverifiedRecord::parse(note) {
        assert_eq!(record.note_bytes(), note);
        assert!(note.starts_with(record.signed_bytes()));
    }
});
