//! Records over HTTP: a space begins, grows, and is read.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri};
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hizo_ledger::id::{ObjectId, SpaceId};
use hizo_ledger::identity::VerifyingKey;
use hizo_ledger::record::{self, Control, NOTE_BYTES_MAX, UnverifiedRecord};
use hizo_store::Journal as _;
use hizo_store::journal::Page;
use serde_json::json;

use super::admission::Account;
use super::answer::{Refusal, json as answer_json, text};
use super::bodies::{Before, Beginning};
use super::body::Reading;
use super::{Need, Shared};
use crate::EmbeddedKeeper;
use crate::spaces::{self, Done, Payer, TAKEN_BYTES_MAX, Takeover};

/// Notes in one answer, at most, in bytes; one note is always given.
const PAGE_BYTES_MAX: usize = 1 << 20;
const PAGE_RECORDS_MAX: usize = 1_000;

/// A genesis and its slot key as JSON, where each byte of the note may be written as six characters.
const BEGIN_BYTES_MAX: u64 = NOTE_BYTES_MAX as u64 * 6 + 4_096;

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
    let malformed = || {
        let sentence = "send JSON with `note` and `slot_key`, 32 bytes in base64; for a space that comes from another keeper also `before`";
        Refusal::malformed("BeginForm", sentence)
    };
    let Beginning { note, slot_key, before } = Beginning::parse(&body).ok_or_else(malformed)?;
    let record = of_space(note.as_bytes(), space)?;
    if let Some(Before { notes: before, absent }) = before {
        let session = admitted.key;
        return keep(shared, space, admitted.begins, move |keeper, payer| {
            let _turn = spaces::turn_to_take(keeper)?;
            let notes = notes_in(keeper, space, &before, note)?;
            let absent = absent.map(|list| ids_in(keeper, space, list)).transpose()?.unwrap_or_default();
            let taken = Takeover { notes: &notes, slot_key: &slot_key, absent: &absent, session: Some(session) };
            spaces::take_over(keeper, &taken, payer)
        })
        .await;
    }
    if !names_session(&record, &admitted.key) {
        let sentence = "record 0 must name this session's key as its founder's; start a session with that key";
        return Err(Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, "FounderSession", sentence));
    }
    keep(shared, space, admitted.begins, move |keeper, payer| spaces::create(keeper, note.as_bytes(), &slot_key, payer))
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
    keep(shared, space, None, move |keeper, payer| spaces::append(keeper, &note, payer)).await
}

/// The notes that lie in objects, one after the other, and behind them the last one.
fn notes_in(
    keeper: &EmbeddedKeeper,
    space: SpaceId,
    objects: &[ObjectId],
    last: String,
) -> Result<Vec<Vec<u8>>, crate::Error> {
    let too_much = || crate::Error::TooMuch { what: "its notes are longer than what is taken over at once" };
    let mut lengths = 0_u64;
    for id in objects {
        let length = keeper.object_length(space, *id)?;
        lengths = lengths.saturating_add(length.ok_or_else(|| crate::Error::PutAgain { objects: vec![*id] })?);
    }
    if lengths > TAKEN_BYTES_MAX {
        return Err(too_much());
    }
    let mut joined = Vec::new();
    for id in objects {
        joined.extend(spaces::whole(keeper, space, *id)?.ok_or(crate::Error::PutAgain { objects: vec![*id] })?);
    }
    let notes = record::split_notes(&joined).ok_or(crate::Error::NotGenesis)?;
    Ok(notes.into_iter().map(<[u8]>::to_vec).chain([last.into_bytes()]).collect())
}

/// The ids that stand in an object, one a line.
fn ids_in(keeper: &EmbeddedKeeper, space: SpaceId, list: ObjectId) -> Result<BTreeSet<ObjectId>, crate::Error> {
    let again = || crate::Error::PutAgain { objects: vec![list] };
    let lines = spaces::whole(keeper, space, list)?.ok_or_else(again)?;
    let lines = String::from_utf8(lines).unwrap_or_default();
    Ok(lines.lines().filter_map(|line| ObjectId::from_hex(line).ok()).collect())
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
    space: SpaceId,
    begins: Option<Account>,
    act: impl FnOnce(&EmbeddedKeeper, Option<Payer>) -> Result<Done, crate::Error> + Send + 'static,
) -> Result<Response, Refusal> {
    let working = Arc::clone(&shared);
    let done = shared.workers.run_in(space, move || {
        let shared = working;
        let payer = shared.payer(space, begins)?;
        let Done { kept, appended, named } = act(&shared.keeper, payer)?;
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
