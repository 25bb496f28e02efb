//! A card or a delegated request from anywhere: what reads has one form.
#![no_main]

use hizo_vault::organisation::{Card, UnverifiedDelegatedRequest};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(card) = Card::parse(bytes) {
        assert_eq!(card.compose(), bytes);
    }
    if let Ok(request) = UnverifiedDelegatedRequest::parse(bytes) {
        assert_eq!(request.compose(), bytes);
        let _ = request.verify();
    }
});
