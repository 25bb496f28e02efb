//! What is answered: a status, a word for programs, and a sentence that says what happened and what to do.

use std::fmt::{Debug, Write as _};

use axum::body::Body;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use hizo_store::{journal, objects};

use crate::{Error, log};

/// The header with the word for programs.
pub(super) const ERROR: HeaderName = HeaderName::from_static("hizo-error");

/// The header with what the keeper's clock says.
const TIME: HeaderName = HeaderName::from_static("hizo-time");

const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");
const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// Why a request was not done.
#[derive(Debug)]
pub(super) struct Refusal {
    status: StatusCode,
    /// One word, the same for ever.
    word: String,
    /// One line, or a list of lines where the page says so.
    sentence: String,
    retry_seconds: Option<u32>,
    /// What the keeper's clock says, where that is why.
    time: Option<u64>,
    /// What the keeper's own log says besides: rules and system errors, and never what was asked for.
    cause: Option<Cause>,
}

/// What went wrong inside, for the operator. It travels with the answer to where requests are logged.
#[derive(Debug, Clone)]
pub(super) struct Cause(pub(super) String);

impl Refusal {
    pub(super) fn new(status: StatusCode, word: &str, sentence: &str) -> Self {
        Self {
            status,
            word: word.to_owned(),
            sentence: sentence.to_owned(),
            retry_seconds: None,
            time: None,
            cause: None,
        }
    }

    pub(super) fn unauthorized(word: &str, sentence: &str) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, word, sentence)
    }

    /// A session's note is not of this moment.
    pub(super) fn clocks_apart(now: u64) -> Self {
        let sentence =
            format!("the note's time and the keeper's clock, {now}, are more than a minute apart; set the clock");
        Self { time: Some(now), ..Self::unauthorized("SessionTime", &sentence) }
    }

    pub(super) fn forbidden(word: &str, sentence: &str) -> Self {
        Self::new(StatusCode::FORBIDDEN, word, sentence)
    }

    pub(super) fn malformed(word: &str, sentence: &str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, word, sentence)
    }

    pub(super) fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "NotFound", "there is nothing here; compare the address with openapi.json")
    }

    pub(super) fn too_large(what: &str, bytes: u64) -> Self {
        let sentence = format!("{what} has at most {bytes} bytes; send less");
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "TooLarge", &sentence)
    }

    pub(super) fn slow() -> Self {
        Self::new(StatusCode::REQUEST_TIMEOUT, "TooSlow", "the request came too slowly; send it again")
    }

    pub(super) fn broken_off() -> Self {
        Self::new(StatusCode::BAD_REQUEST, "BrokenOff", "the request's body broke off; send it again")
    }

    pub(super) fn busy() -> Self {
        let sentence = "the keeper has more to do than it can; send the same again in a second";
        Self { retry_seconds: Some(1), ..Self::new(StatusCode::SERVICE_UNAVAILABLE, "Busy", sentence) }
    }

    pub(super) fn just_begun() -> Self {
        let sentence = "the keeper has begun after the note's time; sign another note in a second";
        Self { retry_seconds: Some(1), ..Self::new(StatusCode::SERVICE_UNAVAILABLE, "JustBegun", sentence) }
    }

    pub(super) fn too_many() -> Self {
        let sentence = "these are more requests than are taken from one sender; send the same again in a second";
        Self { retry_seconds: Some(1), ..Self::new(StatusCode::TOO_MANY_REQUESTS, "TooMany", sentence) }
    }

    pub(super) fn over_quota(used: u64, quota: u64) -> Self {
        let sentence = format!(
            "this is more than the account may fill: {used} of {quota} bytes are used; ask the operator for more"
        );
        Self::new(StatusCode::INSUFFICIENT_STORAGE, "QuotaOver", &sentence)
    }

    pub(super) fn internal(cause: String) -> Self {
        let sentence = "the keeper could not do it; send the same again later, and tell the operator if it stays so";
        let refusal = Self::new(StatusCode::INTERNAL_SERVER_ERROR, "Internal", sentence);
        Self { cause: Some(Cause(cause)), ..refusal }
    }

    fn full(cause: String) -> Self {
        let sentence = "the keeper's disk is full; send the same again later, and tell the operator if it stays so";
        let refusal = Self::new(StatusCode::INSUFFICIENT_STORAGE, "StorageFull", sentence);
        Self { cause: Some(Cause(cause)), ..refusal }
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        let rule = |rule: &dyn Debug, sentence: String| {
            Self::new(StatusCode::UNPROCESSABLE_ENTITY, &first_word(rule), &sentence)
        };
        match error {
            Error::Form(broken) => rule(&broken, format!("the note is not a record: {broken}")),
            Error::Rule(broken) => rule(&broken, format!("the record may not stand there: {broken}")),
            Error::List(broken) => rule(&broken, format!("the object list is not what the record says: {broken}")),
            Error::OtherKeeper
            | Error::Moved { .. }
            | Error::Mover
            | Error::TooMuch { .. }
            | Error::NotGenesis
            | Error::SlotKey
            | Error::ObjectSize { .. } => rule(&error, format!("{error}; nothing was kept")),
            Error::NotBegun => Self::new(StatusCode::NOT_FOUND, "NotBegun", "the space has not begun here"),
            Error::Conflict { head } => {
                let head = head.map_or_else(|| "head -".to_owned(), |head| format!("head {} {}", head.number, head.id));
                Self::new(StatusCode::CONFLICT, "Conflict", &head)
            }
            Error::PutAgain { objects } => {
                let lines = objects.iter().fold(String::new(), |mut lines, id| {
                    let _ = writeln!(lines, "{id}");
                    lines
                });
                Self::new(StatusCode::FAILED_DEPENDENCY, "PutAgain", lines.trim_end())
            }
            Error::Objects(objects::Error::WrongName { .. }) => {
                let sentence = "the bytes have another SHA-256 than the address says; nothing was kept";
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, "WrongName", sentence)
            }
            Error::Objects(objects::Error::Size { bytes: 0 }) => {
                let sentence = "an object has at least one byte; nothing was kept";
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, "Empty", sentence)
            }
            Error::Objects(objects::Error::Size { .. }) => {
                Self::too_large("an object", hizo_ledger::object::OBJECT_BYTES_MAX)
            }
            Error::Objects(error) if error.is_full() => Self::full(inner(&error)),
            Error::Objects(error) => Self::internal(inner(&error)),
            Error::Journal(journal::Error::Busy) => Self::busy(),
            Error::Journal(journal::Error::Quota { used, quota }) => Self::over_quota(used, quota),
            Error::Journal(journal::Error::AccountUsed) => Self::forbidden(
                "CodeUsed",
                "this admission code has begun a space already; ask the operator for another one",
            ),
            Error::Journal(error @ journal::Error::Full { .. }) => Self::full(first_word(&error)),
            Error::Journal(error) => Self::internal(format!("Journal {}", first_word(&error))),
            Error::Log(_) => Self::internal(of_the_log(&error)),
            Error::Folder { act, source } => Self::internal(format!("the folder could not {act}: {}", source.kind())),
            Error::NotSetUp
            | Error::LogKey
            | Error::Facts
            | Error::Kept(_)
            | Error::Clock
            | Error::Policy(_)
            | Error::CopyOther
            | Error::CopyAhead { .. }
            | Error::CopyGone => Self::internal(first_word(&error)),
            // Whoever asks a keeper elsewhere meets these; this one asks none.
            Error::Address
            | Error::Roots
            | Error::Session
            | Error::Answer
            | Error::Unreachable { .. }
            | Error::Certificate { .. }
            | Error::ClockApart { .. }
            | Error::Directory
            | Error::Refused { .. } => Self::internal(first_word(&error)),
        }
    }
}

/// An object's error without its name.
fn inner(error: &objects::Error) -> String {
    match error {
        objects::Error::Disk { act, source } => format!("the disk could not {act}: {}", source.kind()),
        other => first_word(other),
    }
}

/// Why the log was not published: of a witness that objects, which one, and what it has seen.
pub(super) fn of_the_log(error: &Error) -> String {
    match error {
        Error::Log(log::Error::Witness { name, alarm }) => format!("Witness {name}: {alarm}"),
        Error::Log(error) => format!("Log {}", first_word(error)),
        other => first_word(other),
    }
}

/// An error's name as it is written in the code, without what it carries.
pub(super) fn first_word(error: &dyn Debug) -> String {
    let text = format!("{error:?}");
    let text = text.strip_prefix("Form(").unwrap_or(&text);
    text.split(|character: char| !character.is_ascii_alphanumeric()).next().unwrap_or_default().to_owned()
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut answer = text(self.status, format!("{}\n", self.sentence));
        let headers = answer.headers_mut();
        if let Ok(word) = HeaderValue::from_str(&self.word) {
            headers.insert(ERROR, word);
        }
        if let Some(seconds) = self.retry_seconds {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        if let Some(time) = self.time {
            headers.insert(TIME, HeaderValue::from(time));
        }
        if let Some(cause) = self.cause {
            answer.extensions_mut().insert(cause);
        }
        answer
    }
}

/// Text that nobody keeps a copy of.
pub(super) fn text(status: StatusCode, body: impl Into<Body>) -> Response {
    typed(status, TEXT, body)
}

pub(super) fn json(status: StatusCode, value: &serde_json::Value) -> Response {
    typed(status, JSON, format!("{value}\n"))
}

pub(super) fn typed(status: StatusCode, kind: HeaderValue, body: impl Into<Body>) -> Response {
    let mut answer = Response::new(body.into());
    *answer.status_mut() = status;
    answer.headers_mut().insert(CONTENT_TYPE, kind);
    answer.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer
}

/// Puts a field into what is a JSON object.
pub(super) fn set(value: &mut serde_json::Value, name: &str, field: serde_json::Value) {
    if let serde_json::Value::Object(fields) = value {
        fields.insert(name.to_owned(), field);
    }
}
