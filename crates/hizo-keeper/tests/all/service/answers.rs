//! What every route says of its answer: of which type it is, and how long whoever passes it on may keep it.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hizo_ledger::session::Verbs;
use serde_json::Value;

use super::stamping::{own, stamping};
use super::world::{Answer, Begun, Running, genesis, signed, soon, unhurried};
use crate::kit::Company;
use crate::process::nearly_full;

const TEXT: &str = "text/plain; charset=utf-8";
const JSON: &str = "application/json";
const BYTES: &str = "application/octet-stream";

const NEVER: &str = "no-store";
/// Kept, and asked for anew each time.
const ANEW: &str = "no-cache";
const FOR_MINUTES: &str = "public, max-age=300";
const FOR_EVER: &str = "public, max-age=31536000, immutable";
const FOR_EVER_BY_MEMBERS: &str = "private, max-age=31536000, immutable";

/// What an answer has to say of itself, by method and route as the description has them.
const EXPECTED: [(&str, &str, &str, &str); 14] = [
    ("get", "/v1/keeper", JSON, NEVER),
    ("post", "/v1/sessions", JSON, NEVER),
    ("post", "/v1/spaces/{space}", TEXT, NEVER),
    ("get", "/v1/spaces/{space}", JSON, NEVER),
    ("put", "/v1/spaces/{space}/objects/{object}", TEXT, NEVER),
    ("get", "/v1/spaces/{space}/objects/{object}", BYTES, FOR_EVER_BY_MEMBERS),
    ("post", "/v1/spaces/{space}/records", TEXT, NEVER),
    ("get", "/v1/spaces/{space}/records", TEXT, NEVER),
    ("get", "/v1/spaces/{space}/records/{record}/receipt", TEXT, NEVER),
    // Its checkpoint; what else the log has is looked at by itself.
    ("get", "/log/{path}", TEXT, ANEW),
    // One of them; a proof is looked at below.
    ("get", "/directories/{path}", TEXT, FOR_EVER),
    ("get", "/health", TEXT, NEVER),
    ("get", "/metrics", "text/plain; version=0.0.4", NEVER),
    ("get", "/openapi.json", JSON, NEVER),
];

#[track_caller]
fn is(answer: &Answer, kind: &str, kept: &str) {
    let said = (answer.header("content-type"), answer.header("cache-control"));
    assert_eq!(said, (Some(kind), Some(kept)), "{}", answer.head);
}

/// All that the router has, which is what the description has, and the metrics.
fn routes(running: &Running) -> BTreeSet<(String, String)> {
    let description: Value = serde_json::from_str(&running.text("/openapi.json")).unwrap();
    let paths = description["paths"].as_object().unwrap();
    let described = paths
        .iter()
        .flat_map(|(path, methods)| methods.as_object().unwrap().keys().map(|method| (method.clone(), path.clone())));
    described.chain([("get".to_owned(), "/metrics".to_owned())]).collect()
}

#[test]
fn every_route_says_of_which_type_its_answer_is_and_how_long_it_may_be_kept() {
    let running = Running::start();
    let mut begun = Begun::new(&running, "a company");
    let (space, owner) = (begun.space(), begun.owner.clone());
    let begins = genesis(&Company::new("a company", &running.origin)).note;
    let said = begun.company.saying();
    begun.keep(&running, &owner, &said).is(201);
    soon("the log is published", || running.ask("GET", "/log/checkpoint", None, b"").status == 200);
    let object = &said.objects[0];
    let directories = running.folder().join("keeper/directories/0123456789abcdef");
    std::fs::create_dir_all(&directories).unwrap();
    for name in ["1", "1.proof"] {
        std::fs::write(directories.join(name), name).unwrap();
    }
    let proof = running.ask("GET", "/directories/0123456789abcdef/1.proof", None, b"");
    is(proof.is(200), "application/zip", FOR_MINUTES);

    let expected: BTreeSet<_> =
        EXPECTED.iter().map(|(method, path, ..)| ((*method).to_owned(), (*path).to_owned())).collect();
    assert_eq!(routes(&running), expected, "a route that nothing is expected of, or one that is gone");
    for (method, route, kind, kept) in EXPECTED {
        let body = match (method, route) {
            ("post", "/v1/sessions") => {
                let note = signed(&running.note(space, "owner", 9, Verbs::Read), "owner").replace('\n', "\\n");
                format!("{{\"note\": \"{note}\"}}").into_bytes()
            }
            ("post", "/v1/spaces/{space}") => {
                let note = String::from_utf8(begins.clone()).unwrap().replace('\n', "\\n");
                let slot_key = STANDARD.encode(begun.company.slot_key);
                format!("{{\"note\": \"{note}\", \"slot_key\": \"{slot_key}\"}}").into_bytes()
            }
            ("put", _) => object.as_bytes().to_vec(),
            ("post", "/v1/spaces/{space}/records") => said.note.clone(),
            _ => Vec::new(),
        };
        let path = route.replace("{space}", &space.to_string()).replace("{object}", &object.id().to_string());
        let file = if route.starts_with("/log/") { "checkpoint" } else { "0123456789abcdef/1" };
        let path = path.replace("{record}", "1").replace("{path}", file);
        let answer = running.ask(&method.to_uppercase(), &path, Some(&owner), &body);
        is(answer.is_one_of(&[200, 201]), kind, kept);
        if method == "get" {
            let head = running.ask("HEAD", &path, Some(&owner), b"");
            is(head.is(200), kind, kept);
        }
    }
}

#[test]
fn no_refusal_is_kept() {
    let running = Running::start();
    let begun = Begun::new(&running, "a company");
    let object = format!("/v1/spaces/{}/objects/{}", begun.space(), "a".repeat(64));
    for (path, token, status) in [
        ("/nothing", None, 404),
        ("/log/tile/0/000", None, 404),
        (object.as_str(), None, 401),
        (object.as_str(), Some(begun.owner.as_str()), 404),
    ] {
        is(running.ask("GET", path, token, b"").is(status), TEXT, NEVER);
    }
    is(running.ask("DELETE", "/health", None, b"").is(405), TEXT, NEVER);
    is(running.ask("POST", "/v1/sessions", None, b"{").is(400), TEXT, NEVER);
}

#[test]
fn of_the_log_what_never_changes_is_kept_for_ever_and_nothing_else_is() {
    let folder = tempfile::tempdir().unwrap();
    nearly_full(&folder.path().join("keeper"));
    let stamping = stamping(own(), Vec::new());
    let running = Running::start_in(folder, hizo_keeper::service::Settings { stamping, ..unhurried() });
    let mut begun = Begun::new(&running, "a company");
    soon("the log is stamped", || running.stamps() >= 1);
    for _ in 0..4 {
        let (said, owner) = (begun.company.saying(), begun.owner.clone());
        begun.keep(&running, &owner, &said).is(201);
    }
    // The end publishes all that was kept, and nothing changes from then on.
    let running = Running::start_in(running.stop(), unhurried());
    // Each kind of file that is published, by one of it.
    let published = running.folder().join("keeper/log");
    let mut seen = BTreeSet::new();
    let mut folders = vec![published.clone()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap().map(Result::unwrap) {
            if entry.file_type().unwrap().is_dir() {
                folders.push(entry.path());
                continue;
            }
            let path = entry.path().strip_prefix(&published).unwrap().to_str().unwrap().to_owned();
            if path.split('/').any(|name| name.starts_with('.')) {
                continue;
            }
            let (what, kind, kept) = match path.split('/').collect::<Vec<_>>()[..] {
                ["checkpoint"] => ("checkpoint", TEXT, ANEW),
                ["tile", "entries", _, _] => ("partial bundle", BYTES, FOR_MINUTES),
                ["tile", "entries", _] => ("bundle", BYTES, FOR_EVER),
                ["tile", _, _, _] => ("partial tile", BYTES, FOR_MINUTES),
                ["tile", _, _] => ("tile", BYTES, FOR_EVER),
                ["stamps", _, "heads"] => ("heads", TEXT, ANEW),
                ["stamps", _, _, "answers"] => ("answers", TEXT, ANEW),
                ["stamps", _, _, "checkpoint"] => ("stamped head", TEXT, FOR_EVER),
                ["stamps", _, _, name] if name.ends_with(".tsr") => {
                    ("stamp", "application/timestamp-reply", FOR_MINUTES)
                }
                _ => panic!("{path} is published, and nothing is expected of it"),
            };
            let answer = running.ask("GET", &format!("/log/{path}"), None, b"");
            is(answer.is(200), kind, kept);
            seen.insert(what);
        }
    }
    let all =
        ["answers", "bundle", "checkpoint", "heads", "partial bundle", "partial tile", "stamp", "stamped head", "tile"];
    assert_eq!(seen.into_iter().collect::<Vec<_>>(), all);
}
