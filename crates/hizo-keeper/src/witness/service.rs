//! A witness that others ask over HTTP: two routes, and a limit on everything.

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::sync::Semaphore;
use tokio::task;
use tokio::time::{sleep, timeout};

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
    /// Connections at once; more wait until they are taken.
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
    runtime.block_on(async {
        listener.set_nonblocking(true)?;
        let listener = tokio::net::TcpListener::from_std(listener)?;
        let connections = Arc::new(GracefulShutdown::new());
        let accepting = tokio::spawn(accept(listener, witness, limits.clone(), Arc::clone(&connections)));
        stop.await;
        accepting.abort();
        let _ = accepting.await;
        if let Some(connections) = Arc::into_inner(connections) {
            let _ = timeout(limits.answer, connections.shutdown()).await;
        }
        Ok(())
    })
}

async fn accept(
    listener: tokio::net::TcpListener,
    witness: Arc<WitnessFolder>,
    limits: Limits,
    connections: Arc<GracefulShutdown>,
) {
    let places = Arc::new(Semaphore::new(limits.connections));
    // The semaphore is never closed.
    while let Ok(place) = Arc::clone(&places).acquire_owned().await {
        let Ok((stream, _)) = listener.accept().await else {
            // Out of files, most likely: connections that end give some back.
            sleep(Duration::from_millis(100)).await;
            continue;
        };
        let (witness, answer_within) = (Arc::clone(&witness), limits.answer);
        let service = service_fn(move |request| answer(Arc::clone(&witness), request, answer_within));
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(limits.head)
            .max_headers(HEAD_LINES_MAX)
            .max_buf_size(HEAD_BYTES_MAX)
            .serve_connection(TokioIo::new(stream), service);
        let connection = timeout(limits.connection, connections.watch(connection));
        tokio::spawn(async move {
            let _ = connection.await;
            drop(place);
        });
    }
}

type Answer = Response<Full<Bytes>>;

async fn answer(
    witness: Arc<WitnessFolder>,
    request: Request<Incoming>,
    within: Duration,
) -> Result<Answer, Infallible> {
    let answer = timeout(within, route(witness, request)).await;
    Ok(answer.unwrap_or_else(|_| status(StatusCode::REQUEST_TIMEOUT)))
}

async fn route(witness: Arc<WitnessFolder>, request: Request<Incoming>) -> Answer {
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

async fn add_checkpoint(witness: Arc<WitnessFolder>, request: Request<Incoming>) -> Answer {
    let body = match Limited::new(request.into_body(), REQUEST_BYTES_MAX).collect().await {
        Ok(body) => body.to_bytes(),
        Err(error) if error.is::<LengthLimitError>() => return status(StatusCode::PAYLOAD_TOO_LARGE),
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
    let mut answer = Response::new(Full::new(Bytes::from(body)));
    *answer.status_mut() = code;
    answer.headers_mut().insert(CONTENT_TYPE, kind);
    answer
}
