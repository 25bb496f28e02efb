//! A proposal from anywhere: what is accepted has one form.
#![no_main]

use hizo_ledger::proposal::Proposal;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(proposal) = Proposal::parse(bytes) {
        assert_eq!(proposal.compose(), bytes);
    }
});
