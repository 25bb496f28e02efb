//! A session note from anywhere: what is accepted has one form.
#![no_main]

use hizo_ledger::session::Session;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|note: &[u8]| {
    if let Ok(session) = Session::verify(note) {
        assert!(note.starts_with(session.text().as_bytes()));
    }
});
