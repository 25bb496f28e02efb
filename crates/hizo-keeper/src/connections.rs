//! Connections over which HTTP is asked: so many at once, each request with an end. Whoever stalls is let go, and whoever asks nothing
//! makes room. What is asked and answered is known to those who listen, and not here.
//!
//! The keeper's service, a witness and the desk take theirs by this.

mod patient;
mod places;

use std::convert::Infallible;
use std::io;
use std::net::{IpAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::body::Body;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;

use patient::Patient;
use places::{Place, Places};

pub use patient::{Coming, Stopped};
pub use places::Room;
pub(crate) use places::sender_of;

/// How much of a listener others may take up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// How many connections there may be.
    pub room: Room,
    /// Longest wait for a request's head, for the next request on a connection, and for a TLS handshake.
    pub head: Duration,
    /// Most bytes of a request's head; the buffer holds what came of a body, too.
    pub head_bytes: usize,
    /// Most lines of it.
    pub head_lines: usize,
    /// Longest time in which the other side takes nothing of an answer, or sends nothing of a body that is waited for.
    pub stalled: Duration,
    /// Longest life of a connection, if it has an end.
    pub life: Option<Duration>,
}

/// What answers the requests of a listener.
pub trait Answers:
    Service<Request<Coming>, Response = Response<Body>, Error = Infallible, Future: Send> + Clone + Send + 'static
{
}

impl<S> Answers for S where
    S: Service<Request<Coming>, Response = Response<Body>, Error = Infallible, Future: Send> + Clone + Send + 'static
{
}

/// Whose connection a request came over: each request carries it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer(pub(crate) IpAddr);

/// What comes and goes.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub(crate) open: AtomicU64,
    pub(crate) refused: AtomicU64,
}

/// Listeners whose connections end together.
#[derive(Debug)]
pub struct Connections {
    limits: Limits,
    counts: Arc<Counts>,
    ending: Arc<GracefulShutdown>,
    listening: Vec<JoinHandle<()>>,
}

impl Connections {
    /// With no listener yet.
    pub fn new(limits: Limits) -> Self {
        Self::counted(limits, Arc::default())
    }

    /// The same, and somebody wants to know how many there are.
    pub(crate) fn counted(limits: Limits, counts: Arc<Counts>) -> Self {
        Self { limits, counts, ending: Arc::default(), listening: Vec::new() }
    }

    /// Takes connections from here on, and has the service answer what is asked on them. Called on a runtime of tokio.
    ///
    /// # Errors
    /// The system's.
    pub fn listen(&mut self, listener: TcpListener, service: impl Answers) -> io::Result<()> {
        self.listen_over(listener, None, service)
    }

    /// The same over TLS.
    pub(crate) fn listen_over(
        &mut self,
        listener: TcpListener,
        tls: Option<TlsAcceptor>,
        service: impl Answers,
    ) -> io::Result<()> {
        listener.set_nonblocking(true)?;
        let listener = tokio::net::TcpListener::from_std(listener)?;
        let (counts, ending) = (Arc::clone(&self.counts), Arc::clone(&self.ending));
        let taking = take(listener, tls, service, self.limits.clone(), counts, ending);
        self.listening.push(tokio::spawn(taking));
        Ok(())
    }

    /// Takes no further connection, and lets those end that are open: each when what was asked on it is answered, and all after so long.
    pub async fn end(self, within: Duration) {
        for listening in self.listening {
            listening.abort();
            let _ = listening.await;
        }
        // Nobody else has it once nothing is taken any more.
        if let Some(ending) = Arc::into_inner(self.ending) {
            let _ = timeout(within, ending.shutdown()).await;
        }
    }
}

async fn take(
    listener: tokio::net::TcpListener,
    tls: Option<TlsAcceptor>,
    service: impl Answers,
    limits: Limits,
    counts: Arc<Counts>,
    ending: Arc<GracefulShutdown>,
) {
    let places = Places::new(limits.room);
    loop {
        let Ok((stream, peer)) = listener.accept().await else {
            // Out of files, most likely: connections that end give some back.
            sleep(Duration::from_millis(100)).await;
            continue;
        };
        let peer = peer.ip().to_canonical();
        let Some(place) = places.enter(peer).await else {
            counts.refused.fetch_add(1, Ordering::Relaxed);
            continue;
        };
        let number = place.number();
        let open = Open::new(&counts, place, peer);
        let (tls, service, limits, watcher) = (tls.clone(), service.clone(), limits.clone(), ending.watcher());
        let task = tokio::spawn(async move {
            let spoken = connection(stream, tls, service, &open, &limits, watcher);
            match limits.life {
                Some(life) => drop(timeout(life, spoken).await),
                None => spoken.await,
            }
        });
        places.hold(number, task.abort_handle());
    }
}

/// A connection that is open, and counted as such until this is dropped.
struct Open {
    counts: Arc<Counts>,
    place: Arc<Place>,
    peer: IpAddr,
}

impl Open {
    fn new(counts: &Arc<Counts>, place: Place, peer: IpAddr) -> Self {
        counts.open.fetch_add(1, Ordering::Relaxed);
        Self { counts: Arc::clone(counts), place: Arc::new(place), peer }
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.counts.open.fetch_sub(1, Ordering::Relaxed);
    }
}

async fn connection(
    stream: TcpStream,
    tls: Option<TlsAcceptor>,
    service: impl Answers,
    open: &Open,
    limits: &Limits,
    watcher: Watcher,
) {
    let _ = stream.set_nodelay(true);
    let stream = Patient::new(stream, limits.stalled);
    match tls {
        None => spoken(stream, service, open, limits, watcher).await,
        Some(tls) => {
            if let Ok(Ok(stream)) = timeout(limits.head, tls.accept(stream)).await {
                spoken(stream, service, open, limits, watcher).await;
            }
        }
    }
}

async fn spoken(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    service: impl Answers,
    open: &Open,
    limits: &Limits,
    watcher: Watcher,
) {
    let (place, peer, stalled) = (Arc::clone(&open.place), open.peer, limits.stalled);
    let service = service_fn(move |request: Request<Incoming>| {
        let mut request = request.map(|body| Coming::new(body, stalled));
        request.extensions_mut().insert(Peer(peer));
        let (busy, answer) = (place.busy(), service.call(request));
        async move { answer.await.map(|answer| busy.answered(answer)) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head)
        .max_headers(limits.head_lines)
        .max_buf_size(limits.head_bytes)
        .serve_connection(TokioIo::new(stream), service);
    let _ = watcher.watch(connection).await;
}
