//! Records over HTTP: a space begins, grows, and is read.

use std::sync::Arc;

use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri};
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hizo_ledger::id::SpaceId;
use hizo_ledger::identity::VerifyingKey;
use hizo_ledger::record::{Control, NOTE_BYTES_MAX, UnverifiedRecord};
use hizo_store::Journal as _;
use hizo_store::journal::Page;
use serde_json::{Value, json};

use super::admission::Account;
use super::answer::{Refusal, json as answer_json, text};
use super::body::Reading;
use super::{Need, Shared};
use crate::EmbeddedKeeper;
use crate::spaces::{self, Done, Payer, objects_cost};

/// Notes in one answer, at most, in bytes; one note is always given.
const PAGE_BYTES_MAX: usize = 1 << 20;
const PAGE_RECORDS_MAX: usize = 1_000;

/// A genesis and its slot key as JSON, where each byte of the note may be written as six characters.
const BEGIN_BYTES_MAX: u64 = NOTE_BYTES_MAX as u64 * 6 + 1_024;

const HEAD: HeaderName = HeaderName::from_static("hizo-head");
/// The record's place in the log: the keeper's word, until a proof was checked.
const POSITION: HeaderName = HeaderName::from_static("hizo-position");

fn space_of(space: &str) -> Result<SpaceId, Refusal> {
    SpaceId::from_hex(space).map_err(|_| Refusal::not_found())
}

async fn body_of(shared: &Shared, request: Request, bytes_max: u64) -> Result<Vec<u8>, Refusal> {
    let (head, body) = request.into_parts();
    Reading::new(body, &head.headers, shared.limits.pace, bytes_max, "this request's body")?.whole().await
}

pub(super) async fn begin(
    State(shared): State<Arc<Shared>>,
    Path(space): Path<String>,
    request: Request,
) -> Result<Response, Refusal> {
    let space = space_of(&space)?;
    let admitted = shared.admitted(request.headers(), space, Need::Begin).await?.ok_or_else(Refusal::not_found)?;
    let body = body_of(&shared, request, BEGIN_BYTES_MAX).await?;
    let malformed = || Refusal::malformed("BeginForm", "send JSON with `note` and `slot_key`, 32 bytes in base64");
    let fields = fields(&body, &["note", "slot_key"]).ok_or_else(malformed)?;
    let note = fields.get("note").ok_or_else(malformed)?.clone();
    let slot_key = fields.get("slot_key").and_then(|key| STANDARD.decode(key).ok()).ok_or_else(malformed)?;
    let slot_key: [u8; 32] = slot_key.try_into().map_err(|_| malformed())?;
    let record = of_space(note.as_bytes(), space)?;
    if !names_session(&record, &admitted.key) {
        let sentence = "record 0 must name this session's key as its founder's; start a session with that key";
        return Err(Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, "FounderSession", sentence));
    }
    keep(shared, &record, admitted.begins, move |keeper, payer| {
        spaces::create(keeper, note.as_bytes(), &slot_key, payer)
    })
    .await
}

/// The key by which members find their places in the log; its hash stands in record 0.
pub(super) async fn slot_key(
    State(shared): State<Arc<Shared>>,
    Path(space): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let space = space_of(&space)?;
    // Nobody is let into the keeper's own space, whose slots are the keeper's business.
    shared.admitted(&headers, space, Need::Read).await?.ok_or_else(Refusal::not_found)?;
    let keeper = Arc::clone(&shared.keeper);
    let found = shared.workers.run(move || Ok(keeper.journal().slot_key(space)?)).await?;
    let absent = || Refusal::new(StatusCode::NOT_FOUND, "NotBegun", "the space has not begun here");
    Ok(answer_json(StatusCode::OK, &json!({ "slot_key": STANDARD.encode(found.ok_or_else(absent)?) })))
}

pub(super) async fn append(
    State(shared): State<Arc<Shared>>,
    Path(space): Path<String>,
    request: Request,
) -> Result<Response, Refusal> {
    let space = space_of(&space)?;
    let admitted = shared.admitted(request.headers(), space, Need::Append).await?.ok_or_else(Refusal::not_found)?;
    let note = body_of(&shared, request, NOTE_BYTES_MAX as u64).await?;
    let record = of_space(&note, space)?;
    // What else the recovery key signs, the chain refuses.
    if admitted.recovers && record.signatures().iter().any(|line| line.name != admitted.key.name()) {
        let sentence = "in a session of the recovery key nothing but its own record is appended";
        return Err(Refusal::forbidden("RecoveryOnly", sentence));
    }
    keep(shared, &record, None, move |keeper, payer| spaces::append(keeper, &note, payer)).await
}

/// A record that is of the space in the address.
fn of_space(note: &[u8], space: SpaceId) -> Result<UnverifiedRecord, Refusal> {
    let record = UnverifiedRecord::parse(note).map_err(|error| Refusal::from(crate::Error::Form(error)))?;
    if record.envelope().space != space {
        let sentence = "the record is of another space than the address says; nothing was kept";
        return Err(Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, "Space", sentence));
    }
    Ok(record)
}

/// Whether record 0 makes this the founder's session key.
fn names_session(genesis: &UnverifiedRecord, key: &VerifyingKey) -> bool {
    let controls = &genesis.envelope().controls;
    let founder = controls.iter().find_map(|control| match control {
        Control::Founder(founder) => Some(founder),
        _ => None,
    });
    controls.iter().any(
        |control| matches!(control, Control::Session { member, session } if Some(member) == founder && session == key),
    )
}

/// Has the keeper keep a record, and answers with its receipt.
async fn keep(
    shared: Arc<Shared>,
    record: &UnverifiedRecord,
    begins: Option<Account>,
    act: impl FnOnce(&EmbeddedKeeper, Option<Payer>) -> Result<Done, crate::Error> + Send + 'static,
) -> Result<Response, Refusal> {
    let space = record.envelope().space;
    let named = objects_cost(record.envelope());
    let working = Arc::clone(&shared);
    let done = shared.workers.run_in(space, move || {
        let shared = working;
        let payer = shared.payer(space, begins)?;
        let Done { kept, appended } = act(&shared.keeper, payer)?;
        if let Some(payer) = payer.filter(|_| appended) {
            shared.unnamed.named(payer.account, named);
        }
        shared.bell.ring();
        let receipt = shared.log.receipt_of(&shared.keeper, &kept).ok_or(crate::Error::Clock)?;
        Ok((appended, receipt))
    });
    let (appended, receipt) = done.await?;
    let status = if appended { StatusCode::CREATED } else { StatusCode::OK };
    Ok(text(status, receipt))
}

pub(super) async fn page(
    State(shared): State<Arc<Shared>>,
    Path(space): Path<String>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let space = space_of(&space)?;
    let from = match uri.query() {
        None => 0,
        Some(query) => {
            let from = query.strip_prefix("from=").and_then(number);
            from.ok_or_else(|| Refusal::malformed("From", "`from` is the number of a record; ask for ?from=0"))?
        }
    };
    let page = shared.page(&headers, space, from, PAGE_RECORDS_MAX).await?;
    let Page { head, records } = page.ok_or(crate::Error::NotBegun)?;
    let mut notes = Vec::new();
    for record in records {
        if !notes.is_empty() && notes.len().saturating_add(record.note.len()) > PAGE_BYTES_MAX {
            break;
        }
        notes.extend(record.note);
    }
    let mut answer = text(StatusCode::OK, notes);
    if let Ok(head) = HeaderValue::from_str(&format!("{} {}", head.number, head.id)) {
        answer.headers_mut().insert(HEAD, head);
    }
    Ok(answer)
}

pub(super) async fn receipt(
    State(shared): State<Arc<Shared>>,
    Path((space, record)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let space = space_of(&space)?;
    let number = number(&record).ok_or_else(Refusal::not_found)?;
    let absent = || Refusal::new(StatusCode::NOT_FOUND, "NoRecord", "the space has no such record yet");
    let page = shared.page(&headers, space, number, 1).await?;
    let record = page.and_then(|page| page.records.into_iter().next()).ok_or_else(absent)?;
    let (place, working) = (record.position, Arc::clone(&shared));
    let sign = move || working.log.receipt(&working.keeper, space, number, &working.copied);
    let receipt = shared.workers.run(sign).await?.ok_or_else(absent)?;
    let mut answer = text(StatusCode::OK, receipt);
    answer.headers_mut().insert(POSITION, HeaderValue::from(place));
    Ok(answer)
}

fn number(text: &str) -> Option<u64> {
    text.parse::<u64>().ok().filter(|number| number.to_string() == text)
}

/// The text fields of a JSON object that has no others.
pub(super) fn fields(body: &[u8], known: &[&str]) -> Option<std::collections::BTreeMap<String, String>> {
    let Value::Object(object) = serde_json::from_slice(body).ok()? else { return None };
    object
        .into_iter()
        .map(|(name, value)| match value {
            Value::String(value) if known.contains(&name.as_str()) => Some((name, value)),
            _ => None,
        })
        .collect()
}
