//! Connections: so many in all and of one address, each with an end.

use std::collections::HashMap;
use std::future::Future;
use std::io;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
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
use tokio::sync::Semaphore;
use tokio::time::{Sleep, interval, sleep, timeout};
use tokio_rustls::TlsAcceptor;

use super::gate::Peer;
use super::rates::sender_of;
use super::{Listening, Shared, about, router};

/// Most bytes and lines of a request's head; the buffer holds what came of a body, too.
const HEAD_BYTES_MAX: usize = 32 << 10;
const HEAD_LINES_MAX: usize = 64;

/// How often the files of certificates are looked at.
const CERTIFICATES_PAUSE: Duration = Duration::from_secs(30);

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
    let mut ticks = interval(CERTIFICATES_PAUSE);
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
    let places = Arc::new(Semaphore::new(shared.limits.connections));
    let addresses = Arc::new(Addresses::default());
    // The semaphore is never closed.
    while let Ok(place) = Arc::clone(&places).acquire_owned().await {
        let Ok((stream, peer)) = listener.accept().await else {
            // Out of files, most likely: connections that end give some back.
            sleep(Duration::from_millis(100)).await;
            continue;
        };
        let peer = peer.ip().to_canonical();
        // Behind a proxy every connection is the proxy's.
        let most = if shared.proxy == Some(peer) { usize::MAX } else { shared.limits.connections_of_address };
        let Some(of_address) = Addresses::enter(&addresses, sender_of(peer), most) else {
            shared.telling.refused_connections.fetch_add(1, Ordering::Relaxed);
            continue;
        };
        let (router, shared, tls) = (router.clone(), Arc::clone(&shared), tls.clone());
        let watcher = connections.watcher();
        tokio::spawn(async move {
            shared.telling.connections.fetch_add(1, Ordering::Relaxed);
            let life = timeout(shared.limits.connection, connection(stream, peer, router, tls, &shared, watcher));
            let _ = life.await;
            shared.telling.connections.fetch_sub(1, Ordering::Relaxed);
            drop((place, of_address));
        });
    }
}

async fn connection(
    stream: TcpStream,
    peer: IpAddr,
    router: Router,
    tls: Option<TlsAcceptor>,
    shared: &Shared,
    watcher: hyper_util::server::graceful::Watcher,
) {
    let _ = stream.set_nodelay(true);
    let stream = Impatient::new(stream, shared.limits.stalled);
    match tls {
        None => spoken(stream, peer, router, shared, watcher).await,
        Some(tls) => {
            if let Ok(Ok(stream)) = timeout(shared.limits.head, tls.accept(stream)).await {
                spoken(stream, peer, router, shared, watcher).await;
            }
        }
    }
}

async fn spoken<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
    stream: S,
    peer: IpAddr,
    router: Router,
    shared: &Shared,
    watcher: hyper_util::server::graceful::Watcher,
) {
    let router = TowerToHyperService::new(router);
    let service = service_fn(move |mut request: hyper::Request<Incoming>| {
        request.extensions_mut().insert(Peer(peer));
        router.call(request)
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(shared.limits.head)
        .max_headers(HEAD_LINES_MAX)
        .max_buf_size(HEAD_BYTES_MAX)
        .serve_connection(TokioIo::new(stream), service);
    let _ = watcher.watch(connection).await;
}

/// How many connections each address has.
#[derive(Default)]
struct Addresses(Mutex<HashMap<IpAddr, usize>>);

impl Addresses {
    fn enter(addresses: &Arc<Self>, address: IpAddr, most: usize) -> Option<OfAddress> {
        let mut counts = addresses.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(address).or_default();
        if *count >= most {
            return None;
        }
        *count += 1;
        Some(OfAddress { addresses: Arc::clone(addresses), address })
    }
}

/// One connection of an address.
struct OfAddress {
    addresses: Arc<Addresses>,
    address: IpAddr,
}

impl Drop for OfAddress {
    fn drop(&mut self) {
        let mut counts = self.addresses.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(&self.address) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                counts.remove(&self.address);
            }
        }
    }
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
