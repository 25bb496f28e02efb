//! A body from anywhere: what parses has one form.
#![no_main]

use hizo_vault::event;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &[u8]| {
    if let Ok(events) = event::parse(text) {
        assert_eq!(event::compose(&events), text);
    }
});
