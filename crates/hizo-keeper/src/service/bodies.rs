//! The two bodies that are JSON: what starts a session, and what begins a space. Bytes in; nothing out where they have another form.
//!
//! The file uses nothing else of this crate: it is fuzzed without it.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hizo_ledger::id::ObjectId;
use serde_json::Value;

/// What starts a session.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Starting {
    pub(super) note: String,
    pub(super) admission: Option<String>,
}

impl Starting {
    pub(super) fn parse(body: &[u8]) -> Option<Self> {
        let mut fields = fields(body, &["note", "admission"])?;
        Some(Self { note: fields.remove("note")?, admission: fields.remove("admission") })
    }
}

/// What begins a space.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Beginning {
    pub(super) note: String,
    pub(super) slot_key: [u8; 32],
    pub(super) before: Option<Before>,
}

/// What a space that comes from another keeper has already.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Before {
    /// The objects in which its notes lie, one after the other.
    pub(super) notes: Vec<ObjectId>,
    /// The object with the ids of those that did not come.
    pub(super) absent: Option<ObjectId>,
}

impl Beginning {
    pub(super) fn parse(body: &[u8]) -> Option<Self> {
        let mut fields = fields(body, &["note", "slot_key", "before", "absent"])?;
        let slot_key = STANDARD.decode(fields.get("slot_key")?).ok()?.try_into().ok()?;
        let id = |text: &str| ObjectId::from_hex(text).ok();
        let absent = match fields.get("absent") {
            Some(absent) => Some(id(absent)?),
            None => None,
        };
        let before = match (fields.get("before"), absent) {
            (Some(notes), absent) => Some(Before { notes: notes.split(' ').map(id).collect::<Option<_>>()?, absent }),
            (None, Some(_)) => return None,
            (None, None) => None,
        };
        Some(Self { note: fields.remove("note")?, slot_key, before })
    }
}

/// The text fields of a JSON object that has no others.
fn fields(body: &[u8], known: &[&str]) -> Option<BTreeMap<String, String>> {
    let Value::Object(object) = serde_json::from_slice(body).ok()? else { return None };
    object
        .into_iter()
        .map(|(name, value)| match value {
            Value::String(value) if known.contains(&name.as_str()) => Some((name, value)),
            _ => None,
        })
        .collect()
}
