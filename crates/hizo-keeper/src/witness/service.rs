//! A witness that others ask over HTTP: two routes, and a limit on everything.

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use tokio::task;
use tokio::time::timeout;

use crate::connections::{self, Coming, Connections, Room, Stopped};

use super::{REQUEST_BYTES_MAX, Refusal, WitnessFolder};

const SIZE_TYPE: HeaderValue = HeaderValue::from_static("text/x.tlog.size");
const TEXT_TYPE: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");

/// Most bytes and lines of a request's head.
const HEAD_BYTES_MAX: usize = 16 << 10;
const HEAD_LINES_MAX: usize = 32;

/// Requests that are worked on at once: they wait for each other and for the disk.
const WORKERS_MAX: usize = 4;

/// How much of it others may take up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Connections at once. When all are taken, one without a request makes room for whoever comes.
    pub connections: usize,
    /// Longest wait for a request's head.
    pub head: Duration,
    /// Longest time from a request's head to its answer.
    pub answer: Duration,
    /// Longest life of a connection.
    pub connection: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self { connections: 128, head: seconds(10), answer: seconds(20), connection: seconds(120) }
    }
}

/// Lets others ask a witness through this listener until `stop` is done; requests that have begun are then answered.
///
/// # Errors
/// Those of the system before the first connection is taken.
pub fn serve(
    listener: TcpListener,
    witness: Arc<WitnessFolder>,
    limits: &Limits,
    stop: impl Future<Output = ()>,
) -> io::Result<()> {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().max_blocking_threads(WORKERS_MAX).build()?;
    let within = limits.answer;
    runtime.block_on(async {
        let mut connections = Connections::new(connections::Limits {
            // Whoever has a proxy before it has one sender.
            room: Room::of(limits.connections),
            head: limits.head,
            head_bytes: HEAD_BYTES_MAX,
            head_lines: HEAD_LINES_MAX,
            stalled: limits.answer,
            life: Some(limits.connection),
        });
        connections.listen(listener, service_fn(move |request| answer(Arc::clone(&witness), request, within)))?;
        stop.await;
        connections.end(within).await;
        Ok(())
    })
}

type Answer = Response<Body>;

async fn answer(witness: Arc<WitnessFolder>, request: Request<Coming>, within: Duration) -> Result<Answer, Infallible> {
    let answer = timeout(within, route(witness, request)).await;
    Ok(answer.unwrap_or_else(|_| status(StatusCode::REQUEST_TIMEOUT)))
}

async fn route(witness: Arc<WitnessFolder>, request: Request<Coming>) -> Answer {
    let path = request.uri().path();
    let origin_hash = path.strip_prefix('/').and_then(|path| path.strip_suffix("/checkpoint")).map(str::to_owned);
    match (request.method(), origin_hash, path) {
        (&Method::POST, None, "/add-checkpoint") => add_checkpoint(witness, request).await,
        (_, None, "/add-checkpoint") => not_allowed("POST"),
        (&Method::GET, Some(hash), _) => blocking(move || monitored(&witness, &hash)).await,
        (_, Some(_), _) => not_allowed("GET"),
        (_, None, _) => status(StatusCode::NOT_FOUND),
    }
}

async fn add_checkpoint(witness: Arc<WitnessFolder>, request: Request<Coming>) -> Answer {
    let body = match Limited::new(request.into_body(), REQUEST_BYTES_MAX).collect().await {
        Ok(body) => body.to_bytes(),
        Err(error) if error.is::<LengthLimitError>() => return status(StatusCode::PAYLOAD_TOO_LARGE),
        Err(error) if Stopped::has_stalled(&*error) => return status(StatusCode::REQUEST_TIMEOUT),
        Err(_) => return status(StatusCode::BAD_REQUEST),
    };
    blocking(move || match witness.add_checkpoint(&body) {
        Ok(lines) => text(StatusCode::OK, TEXT_TYPE, lines.into_bytes()),
        Err(refusal) => refused(&refusal),
    })
    .await
}

fn monitored(witness: &WitnessFolder, origin_hash: &str) -> Answer {
    match witness.checkpoint(origin_hash) {
        Ok(note) => {
            let mut answer = text(StatusCode::OK, TEXT_TYPE, note);
            answer.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("max-age=5"));
            answer
        }
        Err(refusal) => refused(&refusal),
    }
}

/// Work that waits for the disk, out of the way of the connections.
async fn blocking(work: impl FnOnce() -> Answer + Send + 'static) -> Answer {
    task::spawn_blocking(work).await.unwrap_or_else(|_| status(StatusCode::INTERNAL_SERVER_ERROR))
}

fn refused(refusal: &Refusal) -> Answer {
    let code = StatusCode::from_u16(refusal.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    match refusal {
        Refusal::Conflict { size } => text(code, SIZE_TYPE, format!("{size}\n").into_bytes()),
        // What is wrong inside is nobody's business outside.
        Refusal::Damaged | Refusal::Store(_) | Refusal::Folder(_) => status(code),
        Refusal::Form
        | Refusal::OldSize
        | Refusal::UnknownLog
        | Refusal::Signature
        | Refusal::Inconsistent
        | Refusal::Clock => text(code, TEXT_TYPE, format!("{refusal}\n").into_bytes()),
    }
}

fn not_allowed(allowed: &'static str) -> Answer {
    let mut answer = status(StatusCode::METHOD_NOT_ALLOWED);
    answer.headers_mut().insert(ALLOW, HeaderValue::from_static(allowed));
    answer
}

fn status(code: StatusCode) -> Answer {
    text(code, TEXT_TYPE, format!("{code}\n").into_bytes())
}

fn text(code: StatusCode, kind: HeaderValue, body: Vec<u8>) -> Answer {
    let mut answer = Response::new(Body::from(body));
    *answer.status_mut() = code;
    answer.headers_mut().insert(CONTENT_TYPE, kind);
    answer
}
