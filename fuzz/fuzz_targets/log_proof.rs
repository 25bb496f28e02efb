//! A proof of inclusion from anywhere: it has one form, and none holds for a leaf that is not in the log.
#![no_main]

use std::sync::LazyLock;

use hizo_ledger::id::{RecordId, Slot};
use hizo_ledger::log::Leaf;
use hizo_ledger::log::policy::Policy;
use hizo_ledger::log::proof::InclusionProof;
use libfuzzer_sys::fuzz_target;

const POLICY: &[u8] = include_bytes!("../../vectors/log/v1/policy");

fuzz_target!(|bytes: &[u8]| {
    static BROUGHT: LazyLock<Policy> = LazyLock::new(|| Policy::parse(POLICY).unwrap());
    if let Ok(proof) = InclusionProof::parse(bytes) {
        assert_eq!(proof.to_bytes(), bytes);
        let stranger = Leaf { slot: Slot::from_bytes([0; 32]), record: RecordId::from_bytes([0; 32]) };
        assert!(proof.check(&stranger, &BROUGHT).is_err());
    }
});
