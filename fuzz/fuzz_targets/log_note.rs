//! A note, a key, a policy or a receipt from anywhere: what is taken has one form, and no stranger has signed it.
#![no_main]

use std::sync::LazyLock;

use hizo_ledger::log::note::{NamedKey, Note, signature_lines};
use hizo_ledger::log::policy::Policy;
use hizo_ledger::log::receipt::UnverifiedReceipt;
use libfuzzer_sys::fuzz_target;

/// A key whose secret half nobody has at hand here.
const KEY: &str = include_str!("../../vectors/proof/v1/receipt-key");

fuzz_target!(|bytes: &[u8]| {
    static OWN: LazyLock<NamedKey> = LazyLock::new(|| NamedKey::parse(KEY.trim_end()).unwrap());
    if let Ok(note) = Note::parse(bytes) {
        assert!(bytes.starts_with(note.text().as_bytes()));
        assert!(note.signatures_of(&OWN).count() <= note.signatures().len());
    }
    let _ = Policy::parse(bytes);
    if let Ok(receipt) = UnverifiedReceipt::parse(bytes) {
        let _ = receipt.verify(&OWN);
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        let _ = signature_lines(text);
        if let Ok(key) = NamedKey::parse(text) {
            assert_eq!(NamedKey::parse(&key.to_string()).unwrap().id(), key.id());
        }
    }
});
