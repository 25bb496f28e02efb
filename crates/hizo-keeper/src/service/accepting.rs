//! Connections: so many in all and of one address, each with an end.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::future::{Future, poll_fn};
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use axum::Router;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::{Notify, Semaphore};
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
    let open = Arc::new(Open::default());
    loop {
        let Ok((stream, peer)) = listener.accept().await else {
            // Out of files, most likely: connections that end give some back.
            sleep(Duration::from_millis(100)).await;
            continue;
        };
        let peer = peer.ip().to_canonical();
        // Behind a proxy every connection is the proxy's.
        let most = if shared.proxy == Some(peer) { usize::MAX } else { shared.limits.connections_of_address };
        let Some(entered) = Open::enter(&open, peer, most) else {
            shared.telling.refused_connections.fetch_add(1, Ordering::Relaxed);
            continue;
        };
        let places = Arc::clone(&places);
        let place = match Arc::clone(&places).try_acquire_owned() {
            Ok(place) => place,
            Err(_) => {
                open.close_one(entered.number);
                // Never closed. Where all are at work, whoever comes waits.
                let Ok(place) = places.acquire_owned().await else { return };
                place
            }
        };
        let (router, shared, tls) = (router.clone(), Arc::clone(&shared), tls.clone());
        let watcher = connections.watcher();
        tokio::spawn(async move {
            shared.telling.connections.fetch_add(1, Ordering::Relaxed);
            // Both are given back when this connection is over.
            let (_place, entered) = (place, entered);
            let state = Arc::clone(&entered.state);
            let life = connection(stream, peer, router, tls, &shared, watcher, state);
            let mut life = pin!(timeout(shared.limits.connection, life));
            let mut closed = pin!(entered.state.close.notified());
            poll_fn(|context| match closed.as_mut().poll(context) {
                Poll::Ready(()) => Poll::Ready(()),
                Poll::Pending => life.as_mut().poll(context).map(|_| ()),
            })
            .await;
            shared.telling.connections.fetch_sub(1, Ordering::Relaxed);
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
    state: Arc<State>,
) {
    let _ = stream.set_nodelay(true);
    let stream = Impatient::new(stream, shared.limits.stalled, Arc::clone(&state));
    match tls {
        None => spoken(stream, peer, router, shared, watcher, state).await,
        Some(tls) => {
            if let Ok(Ok(stream)) = timeout(shared.limits.head, tls.accept(stream)).await {
                spoken(stream, peer, router, shared, watcher, state).await;
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
    state: Arc<State>,
) {
    let router = TowerToHyperService::new(router);
    let service = service_fn(move |mut request: hyper::Request<Incoming>| {
        request.extensions_mut().insert(Peer(peer));
        let (answer, working) = (router.call(request), Working::begin(&state));
        async move {
            let answer = answer.await;
            drop(working);
            answer
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(shared.limits.head)
        .max_headers(HEAD_LINES_MAX)
        .max_buf_size(HEAD_BYTES_MAX)
        .serve_connection(TokioIo::new(stream), service);
    let _ = watcher.watch(connection).await;
}

/// Every connection that is open.
#[derive(Default)]
struct Open {
    next: AtomicU64,
    all: Mutex<HashMap<u64, (IpAddr, Arc<State>)>>,
}

/// What a connection is doing.
#[derive(Default)]
struct State {
    /// Whether a request is being answered, its body being read included.
    at_work: AtomicBool,
    /// When bytes last went over it, in milliseconds since the service met its first connection.
    moved: AtomicU64,
    close: Notify,
}

impl State {
    fn moved(&self) {
        self.moved.store(milliseconds(), Ordering::Relaxed);
    }
}

fn milliseconds() -> u64 {
    static BEGAN: OnceLock<Instant> = OnceLock::new();
    u64::try_from(BEGAN.get_or_init(Instant::now).elapsed().as_millis()).unwrap_or(u64::MAX)
}

/// A request is being answered until this is dropped.
struct Working(Arc<State>);

impl Working {
    fn begin(state: &Arc<State>) -> Self {
        state.at_work.store(true, Ordering::Relaxed);
        Self(Arc::clone(state))
    }
}

impl Drop for Working {
    fn drop(&mut self) {
        self.0.at_work.store(false, Ordering::Relaxed);
    }
}

impl Open {
    fn lock(&self) -> MutexGuard<'_, HashMap<u64, (IpAddr, Arc<State>)>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One more of this address, if it has not `most` already.
    fn enter(open: &Arc<Self>, address: IpAddr, most: usize) -> Option<Entered> {
        let mut all = open.lock();
        let of_address = all.values().filter(|(other, _)| sender_of(*other) == sender_of(address)).take(most);
        if of_address.count() >= most {
            return None;
        }
        let (number, state) = (open.next.fetch_add(1, Ordering::Relaxed), Arc::<State>::default());
        state.moved();
        all.insert(number, (address, Arc::clone(&state)));
        Some(Entered { open: Arc::clone(open), number, state })
    }

    /// Closes one to make room for another: of the network that has most of those that wait for a request, the one over which
    /// nothing went for longest.
    fn close_one(&self, newest: u64) {
        let all = self.lock();
        let waiting =
            || all.iter().filter(|(number, (_, state))| **number != newest && !state.at_work.load(Ordering::Relaxed));
        let mut networks: HashMap<IpAddr, usize> = HashMap::new();
        for (_, (address, _)) in waiting() {
            let count = networks.entry(network_of(*address)).or_default();
            *count = count.saturating_add(1);
        }
        let of_network = |address: IpAddr| networks.get(&network_of(address)).copied().unwrap_or_default();
        let longest = waiting().max_by_key(|(number, (address, state))| {
            (of_network(*address), Reverse(state.moved.load(Ordering::Relaxed)), Reverse(**number))
        });
        if let Some((_, (_, state))) = longest {
            state.close.notify_one();
        }
    }
}

/// What one operator is likely to have all of: an IPv6 /48, an IPv4 /24.
fn network_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => {
            let [a, b, c, _] = address.octets();
            IpAddr::V4(Ipv4Addr::new(a, b, c, 0))
        }
        IpAddr::V6(address) => {
            let [a, b, c, ..] = address.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0))
        }
    }
}

/// One connection, among the open ones until it is dropped.
struct Entered {
    open: Arc<Open>,
    number: u64,
    state: Arc<State>,
}

impl Drop for Entered {
    fn drop(&mut self) {
        self.open.lock().remove(&self.number);
    }
}

/// A stream that breaks off when the other side takes nothing of what is written for too long.
struct Impatient {
    stream: TcpStream,
    stalled: Duration,
    until: Option<Pin<Box<Sleep>>>,
    state: Arc<State>,
}

impl Impatient {
    fn new(stream: TcpStream, stalled: Duration, state: Arc<State>) -> Self {
        Self { stream, stalled, until: None, state }
    }

    fn judge<T>(&mut self, context: &mut Context<'_>, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.state.moved();
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
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        if read.is_ready() {
            self.state.moved();
        }
        read
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn is_closed(entered: &Entered) -> bool {
        let mut closed = std::pin::pin!(entered.state.close.notified());
        closed.as_mut().poll(&mut Context::from_waker(std::task::Waker::noop())).is_ready()
    }

    #[test]
    fn the_one_that_is_closed_is_of_the_network_that_has_most_and_has_waited_longest() {
        let open = Arc::new(Open::default());
        let enter = |address: &str| Open::enter(&open, address.parse().unwrap(), 9).unwrap();
        let few = enter("198.51.100.1");
        let many: Vec<_> = (1..5).map(|host| enter(&format!("2001:db8:1:{host}::{host}"))).collect();
        let [at_work, moved, waits, last] = many.as_slice() else { panic!() };
        moved.state.moved.store(u64::MAX, Ordering::Relaxed);
        let working = Working::begin(&at_work.state);
        open.close_one(last.number);
        assert!(is_closed(waits));
        assert!(![&few, at_work, moved, last].into_iter().any(is_closed));
        drop(working);
    }

    #[test]
    fn an_address_has_so_many_and_ipv6_hosts_count_by_their_subnet() {
        let open = Arc::new(Open::default());
        let enter = |address: &str| Open::enter(&open, address.parse().unwrap(), 2);
        let held = [enter("2001:db8::1"), enter("2001:db8::2"), enter("192.0.2.1")];
        assert!(held.iter().all(Option::is_some));
        assert!(enter("2001:db8::3").is_none() && enter("192.0.2.1").is_some());
        drop(held);
        assert!(enter("2001:db8::3").is_some());
    }
}
