//! Connections: so many in all and of one address, each with an end.

use std::future::Future;
use std::io;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Sleep, interval, sleep, timeout};
use tokio_rustls::TlsAcceptor;

use super::gate::Peer;
use super::places::{Place, Places, Room};
use super::{Limits, Listening, Shared, about, router};

/// Most bytes and lines of a request's head; the buffer holds what came of a body, too.
const HEAD_BYTES_MAX: usize = 32 << 10;
const HEAD_LINES_MAX: usize = 64;

/// Takes connections until `stop` is done, and answers what has begun.
pub(super) async fn accept(
    shared: &Arc<Shared>,
    listening: Listening,
    metrics: bool,
    stop: impl Future<Output = ()>,
) -> io::Result<()> {
    let tls = match &listening.certificates {
        Some(certificates) => {
            let config = Arc::clone(certificates).config().map_err(io::Error::other)?;
            tokio::spawn(renew(Arc::clone(shared), Arc::clone(certificates)));
            Some(TlsAcceptor::from(Arc::new(config)))
        }
        None => None,
    };
    let connections = Arc::new(GracefulShutdown::new());
    let mut taking = vec![Taking { listener: listening.listener, router: router(shared, metrics), tls }];
    if let Some(listener) = listening.metrics {
        let router = Router::new().route("/metrics", axum::routing::get(about::metrics));
        taking.push(Taking { listener, router: router.with_state(Arc::clone(shared)), tls: None });
    }
    let mut tasks = Vec::new();
    for Taking { listener, router, tls } in taking {
        listener.set_nonblocking(true)?;
        let listener = tokio::net::TcpListener::from_std(listener)?;
        tasks.push(tokio::spawn(take(listener, router, tls, Arc::clone(shared), Arc::clone(&connections))));
    }
    shared.telling.event("the keeper answers", None, shared.now());
    stop.await;
    for task in tasks {
        task.abort();
        let _ = task.await;
    }
    if let Some(connections) = Arc::into_inner(connections) {
        let _ = timeout(shared.limits.stop, connections.shutdown()).await;
    }
    shared.telling.event("the keeper stops", None, shared.now());
    Ok(())
}

struct Taking {
    listener: std::net::TcpListener,
    router: Router,
    tls: Option<TlsAcceptor>,
}

async fn renew(shared: Arc<Shared>, certificates: Arc<super::Certificates>) {
    let mut ticks = interval(shared.limits.certificates_pause);
    loop {
        ticks.tick().await;
        let certificates = Arc::clone(&certificates);
        let refreshed = tokio::task::spawn_blocking(move || certificates.refresh()).await;
        match refreshed {
            Ok(Ok(true)) => shared.telling.event("the certificates were read again", None, shared.now()),
            Ok(Ok(false)) | Err(_) => {}
            Ok(Err(error)) => {
                let cause = super::answer::first_word(&error);
                shared.telling.event("new certificates cannot be used", Some(&cause), shared.now());
            }
        }
    }
}

async fn take(
    listener: tokio::net::TcpListener,
    router: Router,
    tls: Option<TlsAcceptor>,
    shared: Arc<Shared>,
    connections: Arc<GracefulShutdown>,
) {
    let Limits { connections: all, connections_of_address: of_address, connections_of_network: of_network, .. } =
        shared.limits;
    let places = Places::new(Room { all, of_address, of_network });
    loop {
        let Ok((stream, peer)) = listener.accept().await else {
            // Out of files, most likely: connections that end give some back.
            sleep(Duration::from_millis(100)).await;
            continue;
        };
        let peer = peer.ip().to_canonical();
        // Behind a proxy every connection is the proxy's.
        let Some(place) = places.enter(peer, shared.proxy == Some(peer)).await else {
            shared.telling.refused_connections.fetch_add(1, Ordering::Relaxed);
            continue;
        };
        let (number, router, tls) = (place.number(), router.clone(), tls.clone());
        let (open, watcher) = (Open::new(&shared, place), connections.watcher());
        let task = tokio::spawn(async move {
            let life = open.shared.limits.connection;
            let _ = timeout(life, connection(stream, peer, router, tls, &open, watcher)).await;
        });
        places.hold(number, task.abort_handle());
    }
}

/// A connection that is open, and counted as such until this is dropped.
struct Open {
    shared: Arc<Shared>,
    place: Arc<Place>,
}

impl Open {
    fn new(shared: &Arc<Shared>, place: Place) -> Self {
        shared.telling.connections.fetch_add(1, Ordering::Relaxed);
        Self { shared: Arc::clone(shared), place: Arc::new(place) }
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.shared.telling.connections.fetch_sub(1, Ordering::Relaxed);
    }
}

async fn connection(
    stream: TcpStream,
    peer: IpAddr,
    router: Router,
    tls: Option<TlsAcceptor>,
    open: &Open,
    watcher: hyper_util::server::graceful::Watcher,
) {
    let _ = stream.set_nodelay(true);
    let stream = Impatient::new(stream, open.shared.limits.stalled);
    match tls {
        None => spoken(stream, peer, router, open, watcher).await,
        Some(tls) => {
            if let Ok(Ok(stream)) = timeout(open.shared.limits.head, tls.accept(stream)).await {
                spoken(stream, peer, router, open, watcher).await;
            }
        }
    }
}

async fn spoken<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
    stream: S,
    peer: IpAddr,
    router: Router,
    open: &Open,
    watcher: hyper_util::server::graceful::Watcher,
) {
    let router = TowerToHyperService::new(router);
    let place = Arc::clone(&open.place);
    let service = service_fn(move |mut request: hyper::Request<Incoming>| {
        request.extensions_mut().insert(Peer(peer));
        let (busy, answer) = (place.busy(), router.call(request));
        async move { answer.await.map(|answer| busy.answered(answer)) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(open.shared.limits.head)
        .max_headers(HEAD_LINES_MAX)
        .max_buf_size(HEAD_BYTES_MAX)
        .serve_connection(TokioIo::new(stream), service);
    let _ = watcher.watch(connection).await;
}

/// A stream that breaks off when the other side takes nothing of what is written for too long.
struct Impatient {
    stream: TcpStream,
    stalled: Duration,
    until: Option<Pin<Box<Sleep>>>,
}

impl Impatient {
    fn new(stream: TcpStream, stalled: Duration) -> Self {
        Self { stream, stalled, until: None }
    }

    fn judge<T>(&mut self, context: &mut Context<'_>, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.until = None;
            return written;
        }
        let stalled = self.stalled;
        let until = self.until.get_or_insert_with(|| Box::pin(sleep(stalled)));
        match until.as_mut().poll(context) {
            Poll::Ready(()) => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
            Poll::Pending => Poll::Pending,
        }
    }
}

impl AsyncRead for Impatient {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Impatient {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.judge(context, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, pieces);
        self.judge(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(context);
        self.judge(context, flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let shut = Pin::new(&mut self.stream).poll_shutdown(context);
        self.judge(context, shut)
    }
}
