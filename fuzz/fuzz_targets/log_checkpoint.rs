//! A checkpoint from anywhere: what it claims says the same once more, and none meets a policy that did not sign it.
#![no_main]

use std::sync::LazyLock;

use hizo_ledger::log::checkpoint::{Checkpoint, UnverifiedCheckpoint};
use hizo_ledger::log::policy::Policy;
use libfuzzer_sys::fuzz_target;

const POLICY: &[u8] = include_bytes!("../../vectors/log/v1/policy");
/// Every text that a key of the policy has signed in the vectors.
const ORIGIN: &str = "keeper.example/log";

fuzz_target!(|bytes: &[u8]| {
    static BROUGHT: LazyLock<Policy> = LazyLock::new(|| Policy::parse(POLICY).unwrap());
    if let Ok(read) = UnverifiedCheckpoint::parse(bytes) {
        let text = read.claimed().text();
        assert_eq!(Checkpoint::parse(&text).as_ref(), Ok(read.claimed()));
        assert!(bytes.starts_with(text.as_bytes()));
        if let Ok(witnessed) = BROUGHT.check(&read) {
            assert_eq!(witnessed.checkpoint.origin.as_str(), ORIGIN);
        }
    }
});
