//! Objects over HTTP: put if absent, and read whole or in part. Both pass through in pieces.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::body::{Body, Bytes};
use axum::extract::{Path, Request, State};
use axum::http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_RANGE, ETAG, IF_NONE_MATCH, IF_RANGE, RANGE,
};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::response::Response;
use hizo_ledger::id::{ObjectId, SpaceId};
use hizo_ledger::object::OBJECT_BYTES_MAX;
use hizo_store::objects::{Arriving as _, Put};
use hizo_store::{Journal as _, journal};

use super::admission::{Account, Reserved};
use super::answer::{Refusal, text, typed};
use super::body::{Reading, Sending};
use super::{Need, Shared};
use crate::embedded::EmbeddedArriving;
use crate::spaces::{COST_MIN, Payer};

/// How much is gathered before it goes to the disk, and read from it at a time.
const PIECE_BYTES: usize = 64 << 10;

const BYTES_TYPE: HeaderValue = HeaderValue::from_static("application/octet-stream");
/// Members only, and never another one under this name.
const CACHE: HeaderValue = HeaderValue::from_static("private, max-age=31536000, immutable");

fn names(space: &str, object: &str) -> Result<(SpaceId, ObjectId), Refusal> {
    let space = SpaceId::from_hex(space).map_err(|_| Refusal::not_found())?;
    Ok((space, ObjectId::from_hex(object).map_err(|_| Refusal::not_found())?))
}

pub(super) async fn put(
    State(shared): State<Arc<Shared>>,
    Path((space, object)): Path<(String, String)>,
    request: Request,
) -> Result<Response, Refusal> {
    let (space, id) = names(&space, &object)?;
    let admitted = shared.admitted(request.headers(), space, Need::Put).await?.ok_or_else(Refusal::not_found)?;
    let (head, body) = request.into_parts();
    let mut reading = Reading::new(body, &head.headers, shared.limits.pace, admitted.object_bytes_max(), "an object")?;
    let coming = reading.claimed().unwrap_or(admitted.object_bytes_max()).max(COST_MIN);
    let (mut gathered, mut whole) = reading.gather(PIECE_BYTES).await?;
    let (working, begins, bytes) = (Arc::clone(&shared), admitted.begins, reading.bytes());
    let begun = shared.workers.run(move || {
        claim(&working, space, begins)?;
        let reserved = match working.payer(space, begins)? {
            None => None,
            // What is here already costs nothing: it may be put again for a while, or mended.
            Some(_) if working.keeper.object_length(space, id)?.is_some() => None,
            Some(Payer { account, quota, .. }) => {
                let used = working.keeper.journal().usage(account)?.bytes;
                let reserved = working.unnamed.reserve(account, (space, id), coming, quota.saturating_sub(used));
                Some(reserved.ok_or(journal::Error::Quota { used, quota })?)
            }
        };
        let arriving = working.keeper.receive(space, id)?;
        let coming = Box::new(Coming { space, id, begins, reserved, arriving });
        coming.take_up(&working, &gathered, whole, bytes)
    });
    let mut step = begun.await?;
    let put = loop {
        let coming = match step {
            Step::Put(put) => break put,
            Step::Coming(coming) => coming,
        };
        (gathered, whole) = reading.gather(PIECE_BYTES).await?;
        let (working, bytes) = (Arc::clone(&shared), reading.bytes());
        step = shared.workers.run_begun(move || coming.take_up(&working, &gathered, whole, bytes)).await?;
    };
    Ok(match put {
        Put::New => text(StatusCode::CREATED, "new\n"),
        Put::Present => text(StatusCode::OK, "present\n"),
        Put::Mended => text(StatusCode::OK, "mended\n"),
    })
}

/// How far an object has come.
enum Step {
    Coming(Box<Coming>),
    Put(Put),
}

/// An object that comes in.
struct Coming {
    space: SpaceId,
    id: ObjectId,
    /// Who would begin the space, which has not begun.
    begins: Option<Account>,
    reserved: Option<Reserved>,
    arriving: EmbeddedArriving,
}

impl Coming {
    /// Takes its next bytes up, and the object when they are its last, of so many in all.
    fn take_up(
        mut self: Box<Self>,
        shared: &Shared,
        next: &[u8],
        whole: bool,
        bytes: u64,
    ) -> Result<Step, crate::Error> {
        self.arriving.write(next)?;
        shared.telling.bytes_in.fetch_add(next.len() as u64, Ordering::Relaxed);
        if !whole {
            return Ok(Step::Coming(self));
        }
        let Self { space, id, begins, reserved, arriving } = *self;
        let put = shared.keeper.take(space, id, arriving).map_err(|error| match error {
            // The sweep took away what was found present. The same bytes, sent once more, win.
            crate::Error::PutAgain { .. } => journal::Error::Busy.into(),
            other => other,
        })?;
        if let Some(reserved) = reserved.filter(|_| put == Put::New) {
            reserved.put(bytes.max(COST_MIN));
        }
        // While it came in nothing may have lain in the space, and the sweep takes a claim to nothing away.
        claim(shared, space, begins)?;
        Ok(Step::Put(put))
    }
}

/// So that it is known after the next start whose orphans these are, should the space never begin.
fn claim(shared: &Shared, space: SpaceId, begins: Option<Account>) -> Result<(), crate::Error> {
    if let Some(begins) = begins {
        shared.keeper.journal().claim(space, Some(begins.id))?;
    }
    Ok(())
}

pub(super) async fn get(
    State(shared): State<Arc<Shared>>,
    Path((space, object)): Path<(String, String)>,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let (space, id) = names(&space, &object)?;
    shared.admitted(&headers, space, Need::Read).await?;
    let keeper = Arc::clone(&shared.keeper);
    let length = shared.workers.run(move || keeper.object_length(space, id)).await?;
    let absent = || Refusal::new(StatusCode::NOT_FOUND, "NoObject", "there is no such object in this space");
    let length = length.ok_or_else(absent)?;
    if !(1..=OBJECT_BYTES_MAX).contains(&length) {
        return Err(Refusal::internal("an object is damaged at rest".to_owned()));
    }
    let tag = HeaderValue::from_str(&format!("\"{id}\"")).map_err(|_| Refusal::not_found())?;
    if headers.get(IF_NONE_MATCH).is_some_and(|known| known == tag) {
        return Ok(with_tag(text(StatusCode::NOT_MODIFIED, Body::empty()), tag));
    }
    // Another version that a part could be of does not exist; a tag that is not this one's asks for all of it.
    let range = headers.get(RANGE).filter(|_| headers.get(IF_RANGE).is_none_or(|known| known == tag));
    let range = match range.and_then(|range| range.to_str().ok()).map(|range| part_of(range, length)) {
        None | Some(Part::Whole) => None,
        Some(Part::Of(first, last)) => Some((first, last)),
        Some(Part::Outside) => {
            let sentence = format!("the object has {length} bytes; ask for a part of them");
            let refusal = Refusal::new(StatusCode::RANGE_NOT_SATISFIABLE, "Range", &sentence);
            let mut answer = axum::response::IntoResponse::into_response(refusal);
            answer.headers_mut().extend(header(CONTENT_RANGE, &format!("bytes */{length}")));
            return Ok(answer);
        }
    };
    let (first, last) = range.unwrap_or((0, length.saturating_sub(1)));
    let bytes = last.saturating_sub(first).saturating_add(1);
    let body = if method == Method::HEAD { Body::empty() } else { sent(&shared, space, id, first, bytes) };
    let status = if range.is_some() { StatusCode::PARTIAL_CONTENT } else { StatusCode::OK };
    let mut answer = with_tag(typed(status, BYTES_TYPE, body), tag);
    answer.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(bytes));
    if range.is_some() {
        answer.headers_mut().extend(header(CONTENT_RANGE, &format!("bytes {first}-{last}/{length}")));
    }
    Ok(answer)
}

fn header(name: axum::http::HeaderName, value: &str) -> Option<(axum::http::HeaderName, HeaderValue)> {
    Some((name, HeaderValue::from_str(value).ok()?))
}

fn with_tag(mut answer: Response, tag: HeaderValue) -> Response {
    let headers = answer.headers_mut();
    headers.insert(ETAG, tag);
    headers.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    headers.insert(CACHE_CONTROL, CACHE);
    answer
}

/// Reads the object piece by piece, as fast as the other side takes it.
fn sent(shared: &Arc<Shared>, space: SpaceId, id: ObjectId, first: u64, bytes: u64) -> Body {
    let (parts, sending) = Sending::new(bytes);
    let shared = Arc::clone(shared);
    tokio::spawn(async move {
        let (mut place, end) = (first, first.saturating_add(bytes));
        while place < end {
            let keeper = Arc::clone(&shared.keeper);
            let limit = usize::try_from(end - place).unwrap_or(PIECE_BYTES).min(PIECE_BYTES);
            let read = shared.workers.run_begun(move || keeper.object_part(space, id, place, limit)).await;
            let part = match read {
                Ok(Some(part)) if !part.is_empty() => part,
                Ok(_) | Err(_) => break,
            };
            place = place.saturating_add(part.len() as u64);
            shared.telling.bytes_out.fetch_add(part.len() as u64, Ordering::Relaxed);
            if parts.send(Ok(Bytes::from(part))).await.is_err() {
                break;
            }
        }
    });
    Body::new(sending)
}

/// What a `Range` header asks for (RFC 9110, section 14). Several ranges, and what is no range of bytes, are passed over.
enum Part {
    Whole,
    Of(u64, u64),
    Outside,
}

fn part_of(range: &str, length: u64) -> Part {
    let number =
        |text: &str| text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse::<u64>().ok()).flatten();
    let Some((first, last)) = range.strip_prefix("bytes=").and_then(|range| range.split_once('-')) else {
        return Part::Whole;
    };
    match (number(first), number(last)) {
        (None, Some(0)) if first.is_empty() => Part::Outside,
        (None, Some(suffix)) if first.is_empty() => Part::Of(length.saturating_sub(suffix), length.saturating_sub(1)),
        (Some(first), None) if last.is_empty() => part_from(first, length.saturating_sub(1), length),
        (Some(first), Some(last)) if first <= last => part_from(first, last, length),
        _ => Part::Whole,
    }
}

fn part_from(first: u64, last: u64, length: u64) -> Part {
    if first >= length { Part::Outside } else { Part::Of(first, last.min(length.saturating_sub(1))) }
}
