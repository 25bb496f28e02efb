//! Bodies in both directions: with an end, at a pace, and never whole in memory where they may be long.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::http::header::CONTENT_LENGTH;
use axum::http::{HeaderMap, StatusCode};
use http_body_util::BodyExt as _;
use hyper::body::{Frame, SizeHint};
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};

use super::answer::Refusal;

/// How slowly a body may come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// So long it may come as it likes.
    pub grace: Duration,
    /// From then on so many bytes for each second since it began.
    pub bytes_per_second: u32,
}

/// A body that is being read.
pub(super) struct Reading {
    body: Body,
    began: Instant,
    pace: Pace,
    bytes: u64,
    bytes_max: u64,
    what: &'static str,
    claimed: Option<u64>,
}

impl Reading {
    /// Begins to read a body that has at most so many bytes.
    pub(super) fn new(
        body: Body,
        headers: &HeaderMap,
        pace: Pace,
        bytes_max: u64,
        what: &'static str,
    ) -> Result<Self, Refusal> {
        let claimed = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
        // Said before anything is read: whoever asks first is spared sending it.
        if claimed.is_some_and(|claimed| claimed > bytes_max) {
            return Err(Refusal::too_large(what, bytes_max));
        }
        Ok(Self { body, began: Instant::now(), pace, bytes: 0, bytes_max, what, claimed })
    }

    /// How long it says it is.
    pub(super) const fn claimed(&self) -> Option<u64> {
        self.claimed
    }

    /// The next bytes; `None` at the end.
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>, Refusal> {
        loop {
            let earned = self.bytes / u64::from(self.pace.bytes_per_second.max(1));
            // What came fast earns no rest of many minutes: whoever sends nothing at all is let go after the grace.
            let until =
                (self.began + self.pace.grace + Duration::from_secs(earned)).min(Instant::now() + self.pace.grace);
            let frame = timeout_at(until, self.body.frame()).await.map_err(|_| Refusal::slow())?;
            let Some(frame) = frame else { return Ok(None) };
            let Ok(piece) = frame.map_err(|_| Refusal::broken_off())?.into_data() else { continue };
            self.bytes = self.bytes.saturating_add(piece.len() as u64);
            if self.bytes > self.bytes_max {
                return Err(Refusal::too_large(self.what, self.bytes_max));
            }
            if !piece.is_empty() {
                return Ok(Some(piece));
            }
        }
    }

    /// How much has come.
    pub(super) const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// At least so many of the next bytes, or all that are left; then also whether that was all.
    pub(super) async fn gather(&mut self, least: usize) -> Result<(Vec<u8>, bool), Refusal> {
        let mut gathered = Vec::new();
        while gathered.len() < least {
            match self.next().await? {
                Some(piece) => gathered.extend_from_slice(&piece),
                None => return Ok((gathered, true)),
            }
        }
        Ok((gathered, false))
    }

    /// All of it: for what is small.
    pub(super) async fn whole(mut self) -> Result<Vec<u8>, Refusal> {
        let mut bytes = Vec::new();
        while let Some(piece) = self.next().await? {
            bytes.extend_from_slice(&piece);
        }
        Ok(bytes)
    }
}

/// A body that is made while it is sent.
pub(super) struct Sending {
    parts: mpsc::Receiver<Result<Bytes, StatusCode>>,
    rest: u64,
}

impl Sending {
    /// A body of so many bytes, and where its parts are to be given. One waits at a time.
    pub(super) fn new(bytes: u64) -> (mpsc::Sender<Result<Bytes, StatusCode>>, Self) {
        let (sender, parts) = mpsc::channel(1);
        (sender, Self { parts, rest: bytes })
    }
}

/// What was promised in the head did not come: the connection ends.
#[derive(Debug, thiserror::Error)]
#[error("the object could not be read to its end")]
pub(super) struct CutShort;

impl HttpBody for Sending {
    type Data = Bytes;
    type Error = CutShort;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, CutShort>>> {
        if self.rest == 0 {
            return Poll::Ready(None);
        }
        let part = std::task::ready!(self.parts.poll_recv(context));
        Poll::Ready(match part {
            Some(Ok(part)) if part.len() as u64 <= self.rest => {
                self.rest -= part.len() as u64;
                Some(Ok(Frame::data(part)))
            }
            Some(_) | None => Some(Err(CutShort)),
        })
    }

    fn is_end_stream(&self) -> bool {
        self.rest == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.rest)
    }
}
