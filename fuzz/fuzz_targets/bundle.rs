//! A proof from anywhere: it is judged without harm, and holds for nobody who brings nothing.
#![no_main]

use std::collections::BTreeMap;

use hizo_ledger::proof::{Brought, Bundle, Disclosure, Kept, Verdict};
use libfuzzer_sys::fuzz_target;

/// Files one behind the other, each after its length in three bytes, in this order.
const NAMES: [&str; 16] = [
    "record.note",
    "receipt.note",
    "checkpoint",
    "record.tlog-proof",
    "opening.json",
    "stamps/a.tsr",
    "stamps/a.pem",
    "record.keys",
    "renewals/1/checkpoint",
    "renewals/1/earlier/a.note",
    "renewals/1/earlier/a.receipt",
    "renewals/1/earlier/a.tlog-proof",
    "renewals/1/stamps/a.tsr",
    "kept.json",
    "kept/1.objects",
    "kept/1.note",
];

fuzz_target!(|bytes: &[u8]| {
    if let Ok(disclosure) = Disclosure::parse(bytes) {
        assert_eq!(disclosure.to_bytes(), bytes);
    }
    if let Ok(kept) = Kept::parse(bytes) {
        assert_eq!(kept.to_bytes(), bytes);
    }
    let (mut files, mut rest) = (BTreeMap::new(), bytes);
    for name in NAMES {
        let Some(([a, b, c], after)) = rest.split_first_chunk() else { break };
        let length = usize::from(*a) << 16 | usize::from(*b) << 8 | usize::from(*c);
        let Some((file, after)) = after.split_at_checked(length) else { break };
        files.insert(name.to_owned(), file.to_vec());
        rest = after;
    }
    if let Ok(bundle) = Bundle::new(files) {
        let report = bundle.verify(&Brought::default());
        assert!(!matches!(report.verdict, Verdict::Holds { .. }));
        let _ = bundle.kept(&report);
    }
});
