//! The vectors of policies: each is read or refused as its index says.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use hizo_ledger::log::policy::{Error, Policy};
use serde_json::Value;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../vectors/policy/v1")
}

/// Every file of a folder, with what the index says of it: none is without, on either side.
fn cases(kind: &str) -> Vec<(String, Vec<u8>, Value)> {
    let index: Value = serde_json::from_slice(&fs::read(folder().join("index.json")).unwrap()).unwrap();
    let index = index[kind].as_object().unwrap();
    let files = fs::read_dir(folder().join(kind)).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap());
    assert_eq!(files.collect::<BTreeSet<_>>(), index.keys().cloned().collect(), "{kind}");
    let case = |(name, says): (&String, &Value)| {
        (name.clone(), fs::read(folder().join(kind).join(name)).unwrap(), says.clone())
    };
    index.iter().map(case).collect()
}

fn told(error: &Error) -> Value {
    match error {
        Error::Text => serde_json::json!({ "error": "text" }),
        Error::NoQuorum => serde_json::json!({ "error": "quorum" }),
        Error::Line { line } => serde_json::json!({ "error": "line", "line": line }),
        Error::Key { line } => serde_json::json!({ "error": "key", "line": line }),
        Error::Twice { line } => serde_json::json!({ "error": "twice", "line": line }),
        Error::Undefined { line } => serde_json::json!({ "error": "undefined", "line": line }),
        Error::Threshold { line } => serde_json::json!({ "error": "threshold", "line": line }),
    }
}

#[test]
fn accepted_policies_are_read() {
    for (name, bytes, says) in cases("accepted") {
        let policy = Policy::parse(&bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
        let read = serde_json::json!({ "logs": policy.logs().len(), "witnesses": policy.witnesses().len() });
        assert_eq!(read, says, "{name}");
        assert!(policy.is_quorum(|_| true), "{name}: all of them are no quorum");
        assert_eq!(policy.is_quorum(|_| false), !policy.asks_for_witnesses(), "{name}: none of them are a quorum");
    }
}

#[test]
fn refused_policies_are_refused_by_the_rule_that_they_break() {
    let cases = cases("refused");
    assert!(cases.len() > 25);
    for (name, bytes, says) in cases {
        let error = Policy::parse(&bytes).expect_err(&name);
        assert_eq!(told(&error), says, "{name}");
    }
}
