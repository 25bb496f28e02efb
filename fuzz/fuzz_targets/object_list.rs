//! An object list from anywhere: what parses has one form.
#![no_main]

use hizo_ledger::object::ObjectList;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(objects) = ObjectList::parse_unverified(bytes) {
        assert_eq!(ObjectList::compose(&objects), bytes);
    }
});
