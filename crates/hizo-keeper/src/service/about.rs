//! What the keeper says of itself, sessions, and the log as static files.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::extract::{Path, Request, State};
use axum::http::header::CACHE_CONTROL;
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hizo_ledger::object::OBJECT_BYTES_MAX;
use hizo_ledger::record::NOTE_BYTES_MAX;
use hizo_ledger::session::{SESSION_SKEW_SECONDS_MAX, Session};
use hizo_ledger::timestamp::Authority;
use serde_json::{Value, json};

use super::answer::{Refusal, json as answer_json, set, text, typed};
use super::bodies::Starting;
use super::body::Reading;
use super::{Shared, Stamping, Standing, TOKEN_SECONDS};
use crate::directories;
use crate::log::{CHECKPOINT, MERGE_SECONDS_MAX};

/// A note and a code as JSON, where each byte may be written as six characters.
const SESSION_BODY_BYTES_MAX: u64 = 8 << 10;

/// What never changes under its name.
const FOR_EVER: &str = "public, max-age=31536000, immutable";
/// What may be taken away, or give way to another.
const FOR_MINUTES: &str = "public, max-age=300";

pub(super) async fn keeper(State(shared): State<Arc<Shared>>) -> Response {
    let [log, log_ml_dsa] = shared.log.keys();
    answer_json(
        StatusCode::OK,
        &json!({
            "version": "v1",
            "origin": shared.keeper.origin().as_str(),
            "log_key": log.to_string(),
            "log_key_ml_dsa": log_ml_dsa.to_string(),
            "receipt_key": shared.log.receipt_key().to_string(),
            "own_space": shared.log.own().id().to_string(),
            "admission": shared.admission.as_str(),
            "stamps": stamps(&shared.stamping),
            "limits": {
                "object_bytes": OBJECT_BYTES_MAX,
                "note_bytes": NOTE_BYTES_MAX,
                "session_skew_seconds": SESSION_SKEW_SECONDS_MAX,
                "token_seconds": TOKEN_SECONDS,
                "merge_seconds": MERGE_SECONDS_MAX,
            },
        }),
    )
}

fn stamps(stamping: &Stamping) -> Value {
    let names: Vec<_> = stamping.authorities.iter().map(Authority::name).collect();
    json!({
        "authorities": names,
        "self": stamping.by_itself,
        "self_root": stamping.own.as_ref().map(|own| STANDARD.encode(own.root())),
        "pause_seconds": stamping.pause.as_secs(),
    })
}

pub(super) async fn session(State(shared): State<Arc<Shared>>, request: Request) -> Result<Response, Refusal> {
    let (head, body) = request.into_parts();
    let reading = Reading::new(body, &head.headers, shared.limits.pace, SESSION_BODY_BYTES_MAX, "this request's body")?;
    let body = reading.whole().await?;
    let malformed =
        || Refusal::malformed("SessionForm", "send JSON with `note`, and `admission` where a code is needed");
    let Starting { note, admission } = Starting::parse(&body).ok_or_else(malformed)?;
    let session = Session::verify(note.as_bytes()).map_err(|error| {
        let word = super::answer::first_word(&error);
        Refusal::unauthorized(&format!("Session{word}"), &format!("{error}; sign another note"))
    })?;
    if session.keeper != *shared.keeper.origin() {
        let sentence = "the note is for another keeper; compare the keeper's origin with the one that was pinned";
        return Err(Refusal::unauthorized("OtherKeeper", sentence));
    }
    if session.space == shared.log.own().id() {
        return Err(super::own_space());
    }
    shared.sessions.check_time(&session, shared.now())?;
    let (keeper, space, key) = (Arc::clone(&shared.keeper), session.space, session.key);
    let begins = match shared.workers.run_in(space, move || Standing::of(&keeper, space, &key)).await? {
        Standing::By(_) => None,
        other => {
            // First, so that nobody without a code learns which spaces there are.
            let account = shared.admission.admit(admission.as_deref())?;
            if matches!(other, Standing::Stranger) {
                let sentence = "the key starts no session in this space now; ask an admin of the space";
                return Err(Refusal::forbidden("NotMember", sentence));
            }
            Some(account)
        }
    };
    // What waited for its turn is of another moment by now.
    let token = shared.sessions.grant(&session, begins, shared.now(), (shared.random)())?;
    Ok(answer_json(StatusCode::CREATED, &json!({ "token": token, "seconds": TOKEN_SECONDS })))
}

/// The log's files: what the sequencer has published, and nothing else.
pub(super) async fn published(
    State(shared): State<Arc<Shared>>,
    Path(path): Path<String>,
) -> Result<Response, Refusal> {
    let first = path.split('/').next().unwrap_or_default();
    if !["tile", "stamps", "cosigned"].contains(&first) && path != CHECKPOINT {
        return Err(Refusal::not_found());
    }
    let (kind, cache) = match first {
        // A partial tile is taken away once the full one is there.
        "tile" if path.contains(".p/") => ("application/octet-stream", FOR_MINUTES),
        "tile" => ("application/octet-stream", FOR_EVER),
        // These lists grow.
        "stamps" if path.ends_with("/heads") || path.ends_with("/answers") => ("text/plain; charset=utf-8", "no-cache"),
        // Its folder is named by its SHA-256.
        "stamps" if path.ends_with("/checkpoint") => ("text/plain; charset=utf-8", FOR_EVER),
        "stamps" if path.ends_with(".tsr") => ("application/timestamp-reply", FOR_MINUTES),
        "stamps" => ("text/plain; charset=utf-8", FOR_MINUTES),
        _ => ("text/plain; charset=utf-8", "no-cache"),
    };
    let working = Arc::clone(&shared);
    let file = shared.workers.run(move || Ok(working.log.published().file(&path)?)).await?;
    let absent =
        || Refusal::new(StatusCode::NOT_FOUND, "NotPublished", "the log has not published this; read checkpoint");
    Ok(kept_by_caches(kind, cache, file.ok_or_else(absent)?))
}

/// Directories of organisations, and their proofs.
pub(super) async fn handed_out(
    State(shared): State<Arc<Shared>>,
    Path(path): Path<String>,
) -> Result<Response, Refusal> {
    // A younger proof may take an older one's place; a directory stays what it is.
    let (kind, cache) = match directories::is_proof(&path) {
        true => ("application/zip", FOR_MINUTES),
        false => ("text/plain; charset=utf-8", FOR_EVER),
    };
    let working = Arc::clone(&shared);
    let file = shared.workers.run(move || working.directories.file(&path)).await?;
    let absent = || Refusal::new(StatusCode::NOT_FOUND, "NoDirectory", "no such directory is handed out here");
    Ok(kept_by_caches(kind, cache, file.ok_or_else(absent)?))
}

fn kept_by_caches(kind: &'static str, cache: &'static str, body: Vec<u8>) -> Response {
    let mut answer = typed(StatusCode::OK, HeaderValue::from_static(kind), body);
    answer.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static(cache));
    answer
}

pub(super) async fn health(State(shared): State<Arc<Shared>>) -> Result<Response, Refusal> {
    let working = Arc::clone(&shared);
    let goes_on = shared.workers.run(move || working.log.goes_on(&working.keeper)).await;
    if goes_on.is_err() || !shared.log_goes_on.load(Ordering::Relaxed) {
        let sentence = "the journal does not answer or the log does not go on; look at the keeper's own log";
        return Err(Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "Unwell", sentence));
    }
    // An authority or a witness that stays away holds nothing up.
    let telling = &shared.telling;
    let lines = [telling.without_stamps(), telling.without_cosignatures(), telling.copies()].concat();
    Ok(text(StatusCode::OK, format!("well\n{lines}")))
}

pub(super) async fn metrics(State(shared): State<Arc<Shared>>) -> Response {
    let text =
        shared.telling.metrics(shared.sessions.count(), shared.workers.waiting(), shared.unnamed.total(), shared.now());
    typed(StatusCode::OK, HeaderValue::from_static("text/plain; version=0.0.4"), text)
}

pub(super) async fn openapi() -> Response {
    answer_json(StatusCode::OK, &description())
}

/// Method, path, what it does, whether it needs a token, the type of its body, and what it answers with.
pub(super) type Described =
    (&'static str, &'static str, &'static str, bool, Option<&'static str>, &'static [(u16, &'static str)]);

const TEXT: &str = "text/plain";
const JSON: &str = "application/json";
const BYTES: &str = "application/octet-stream";
const ZIP: &str = "application/zip";

#[rustfmt::skip]
pub(super) const DESCRIBED: [Described; 13] = [
    ("get", "/v1/keeper", "What the keeper is called, its keys and limits: to be compared with what was pinned", false, None, &[(200, JSON)]),
    ("post", "/v1/sessions", "Starts a session by a signed note", false, Some(JSON), &[(201, JSON), (400, TEXT), (401, TEXT), (403, TEXT), (413, TEXT)]),
    ("post", "/v1/spaces/{space}", "Begins a space with its record 0, or takes one over from another keeper with the record by which it moves; answers with that record's receipt", true, Some(JSON), &[(200, TEXT), (201, TEXT), (400, TEXT), (409, TEXT), (422, TEXT), (424, TEXT), (507, TEXT)]),
    ("get", "/v1/spaces/{space}", "The slot key of a space", true, None, &[(200, JSON), (404, TEXT)]),
    ("put", "/v1/spaces/{space}/objects/{object}", "Puts an object if it is absent", true, Some(BYTES), &[(200, TEXT), (201, TEXT), (413, TEXT), (422, TEXT), (507, TEXT)]),
    ("get", "/v1/spaces/{space}/objects/{object}", "Reads an object, or one range of it", true, None, &[(200, BYTES), (206, BYTES), (304, BYTES), (404, TEXT), (416, TEXT)]),
    ("post", "/v1/spaces/{space}/records", "Appends a record; answers with the receipt", true, Some(TEXT), &[(200, TEXT), (201, TEXT), (409, TEXT), (413, TEXT), (422, TEXT), (424, TEXT), (507, TEXT)]),
    ("get", "/v1/spaces/{space}/records", "Reads records from number `from` on, one note after the other", true, None, &[(200, TEXT), (400, TEXT), (404, TEXT)]),
    ("get", "/v1/spaces/{space}/records/{record}/receipt", "The receipt of a record", true, None, &[(200, TEXT), (404, TEXT)]),
    ("get", "/log/{path}", "A file of the published log: checkpoint, tiles, stamps", false, None, &[(200, BYTES), (200, TEXT), (404, TEXT)]),
    ("get", "/directories/{path}", "A directory of organisations that is handed out here, or its proof", false, None, &[(200, TEXT), (200, ZIP), (404, TEXT)]),
    ("get", "/health", "Whether the journal answers and the log goes on", false, None, &[(200, TEXT), (503, TEXT)]),
    ("get", "/openapi.json", "This description", false, None, &[(200, JSON)]),
];

/// The description of all routes (OpenAPI 3.1).
fn description() -> Value {
    let mut paths = serde_json::Map::new();
    for (method, path, summary, token, body, answers) in DESCRIBED {
        let names = path.split('{').skip(1).filter_map(|rest| rest.split('}').next());
        let mut parameters: Vec<Value> = names
            .map(|name| json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string", "pattern": pattern(name) } }))
            .collect();
        if method == "get" && path.ends_with("/records") {
            parameters.push(json!({ "name": "from", "in": "query", "schema": { "type": "integer", "minimum": 0 } }));
        }
        let mut operation =
            json!({ "summary": summary, "parameters": parameters, "responses": responses(token, answers) });
        if token {
            set(&mut operation, "security", json!([{ "token": [] }]));
        }
        if let Some(kind) = body {
            set(
                &mut operation,
                "requestBody",
                json!({ "required": true, "content": { kind: { "schema": schema(path, kind) } } }),
            );
        }
        set(paths.entry(path).or_insert_with(|| json!({})), method, operation);
    }
    json!({
        "openapi": "3.1.0",
        "info": { "title": "hizo keeper", "version": "v1" },
        "paths": paths,
        "components": { "securitySchemes": { "token": { "type": "http", "scheme": "bearer" } } },
    })
}

fn pattern(name: &str) -> &'static str {
    match name {
        "space" => "^[0-9a-f]{32}$",
        "object" => "^[0-9a-f]{64}$",
        "record" => "^(0|[1-9][0-9]*)$",
        _ => "^.+$",
    }
}

fn schema(path: &str, kind: &str) -> Value {
    let text = json!({ "type": "string" });
    match (path, kind) {
        ("/v1/sessions", JSON) => json!({
            "type": "object", "required": ["note"], "additionalProperties": false,
            "properties": { "note": text, "admission": text },
        }),
        (_, JSON) => json!({
            "type": "object", "required": ["note", "slot_key"], "additionalProperties": false,
            "properties": { "note": text, "slot_key": text, "before": text, "absent": text },
        }),
        (_, BYTES) => json!({ "type": "string", "format": "binary" }),
        _ => text,
    }
}

fn responses(token: bool, answers: &[(u16, &str)]) -> Value {
    let mut all = serde_json::Map::new();
    // Any request may be too many, too slow or too much; any with a token may lack a good one.
    let common: &[(u16, &str)] = &[(408, TEXT), (429, TEXT), (500, TEXT), (503, TEXT)];
    let refused: &[(u16, &str)] = if token { &[(401, TEXT), (403, TEXT), (404, TEXT)] } else { &[] };
    for (status, kind) in answers.iter().chain(refused).chain(common) {
        let meaning =
            StatusCode::from_u16(*status).ok().and_then(|status| status.canonical_reason()).unwrap_or_default();
        let answer = all.entry(status.to_string()).or_insert(json!({ "description": meaning, "content": {} }));
        if let Some(content) = answer.get_mut("content") {
            set(content, kind, json!({}));
        }
    }
    Value::Object(all)
}
