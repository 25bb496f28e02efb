//! An invite or request from anywhere: what reads has one form.
#![no_main]

use hizo_vault::joining::{Invite, UnverifiedRequest};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(invite) = Invite::parse(bytes) {
        assert_eq!(invite.compose(), bytes);
    }
    if let Ok(request) = UnverifiedRequest::parse(bytes) {
        assert_eq!(request.compose(), bytes);
        let _ = request.verify();
    }
});
