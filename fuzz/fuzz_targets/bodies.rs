//! The two bodies of requests that are JSON, from anywhere: what is read is written and read again as the same.
#![no_main]
#![allow(dead_code)]

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use libfuzzer_sys::fuzz_target;
use serde_json::json;

#[path = "../../crates/hizo-keeper/src/service/bodies.rs"]
mod bodies;

use bodies::{Beginning, Starting};

fuzz_target!(|body: &[u8]| {
    if let Some(read) = Starting::parse(body) {
        let mut again = json!({ "note": read.note });
        if let Some(code) = &read.admission {
            again["admission"] = json!(code);
        }
        assert_eq!(Starting::parse(again.to_string().as_bytes()), Some(read));
    }
    if let Some(read) = Beginning::parse(body) {
        let mut again = json!({ "note": read.note, "slot_key": STANDARD.encode(read.slot_key) });
        if let Some(before) = &read.before {
            let notes: Vec<String> = before.notes.iter().map(ToString::to_string).collect();
            again["before"] = json!(notes.join(" "));
            if let Some(absent) = before.absent {
                again["absent"] = json!(absent.to_string());
            }
        }
        assert_eq!(Beginning::parse(again.to_string().as_bytes()), Some(read));
    }
});
