//! An organisation's note from anywhere: what is accepted has one form.
#![no_main]

use hizo_ledger::delegation::{Delegation, Revocation};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|note: &[u8]| {
    if let Ok(delegation) = Delegation::verify(note) {
        assert!(note.starts_with(delegation.text().as_bytes()));
    }
    if let Ok(revocation) = Revocation::verify(note) {
        assert!(note.starts_with(revocation.text().as_bytes()));
    }
});
