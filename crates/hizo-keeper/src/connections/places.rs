//! Places for connections: so many in all, of one address, and of one network. When all are taken, whoever does nothing with
//! his makes room, and first of all in the network that has the most.

use std::collections::{BTreeMap, HashMap};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use axum::body::{Body, HttpBody};
use axum::http::Response;
use hyper::body::{Frame, SizeHint};
use tokio::sync::Notify;
use tokio::task::AbortHandle;

/// How many connections there may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Room {
    /// In all.
    pub all: usize,
    /// Of one address; more are closed.
    pub of_address: usize,
    /// Of one network: an IPv4 /24, an IPv6 /48.
    pub of_network: usize,
    /// Whose connections count among all only: behind a proxy every connection is the proxy's.
    pub proxy: Option<IpAddr>,
}

impl Room {
    /// For so many, wherever they come from.
    pub const fn of(all: usize) -> Self {
        Self { all, of_address: usize::MAX, of_network: usize::MAX, proxy: None }
    }
}

/// All connections of one listener.
#[derive(Debug)]
pub(super) struct Places {
    room: Room,
    state: Mutex<State>,
    /// Somebody has left, or has nothing to do any more.
    changed: Notify,
}

#[derive(Debug, Default)]
struct State {
    /// Counts what happens, so that what happened longer ago has a lower number.
    moment: u64,
    taken: BTreeMap<u64, Taken>,
}

#[derive(Debug)]
struct Taken {
    address: IpAddr,
    /// Requests that are not answered to their last byte.
    under_way: usize,
    /// Since when there is none.
    idle_since: u64,
    connection: Option<AbortHandle>,
}

impl Places {
    /// With all of them free.
    pub(super) fn new(room: Room) -> Arc<Self> {
        Arc::new(Self { room, state: Mutex::default(), changed: Notify::new() })
    }

    /// A place for a connection of this address; `None` when the address, or its network, has as many as it may have.
    ///
    /// Waits while nobody can make room.
    pub(super) async fn enter(self: &Arc<Self>, peer: IpAddr) -> Option<Place> {
        let address = sender_of(peer);
        if self.room.proxy != Some(peer) && !self.lock().has_room_for(address, self.room) {
            return None;
        }
        loop {
            let changed = self.changed.notified();
            {
                let mut state = self.lock();
                if state.taken.len() < self.room.all {
                    let number = state.next();
                    let taken = Taken { address, under_way: 0, idle_since: number, connection: None };
                    state.taken.insert(number, taken);
                    return Some(Place { places: Arc::clone(self), number });
                }
                if let Some(connection) = state.idlest() {
                    connection.abort();
                }
            }
            changed.await;
        }
    }

    /// Says what to end when this place is wanted.
    pub(super) fn hold(&self, number: u64, connection: AbortHandle) {
        if let Some(taken) = self.lock().taken.get_mut(&number) {
            taken.connection = Some(connection);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn next(&mut self) -> u64 {
        self.moment = self.moment.saturating_add(1);
        self.moment
    }

    fn has_room_for(&self, address: IpAddr, room: Room) -> bool {
        let count =
            |belongs: &dyn Fn(IpAddr) -> bool| self.taken.values().filter(|taken| belongs(taken.address)).count();
        count(&|other| other == address) < room.of_address
            && count(&|other| network_of(other) == network_of(address)) < room.of_network
    }

    /// Of the network with the most connections among those that have one without a request, the one that has been so for
    /// the longest time.
    fn idlest(&self) -> Option<AbortHandle> {
        let mut counts: HashMap<IpAddr, usize> = HashMap::new();
        for taken in self.taken.values() {
            *counts.entry(network_of(taken.address)).or_default() += 1;
        }
        let idle = self.taken.values().filter(|taken| taken.under_way == 0);
        let worth = |taken: &&Taken| (counts.get(&network_of(taken.address)).copied(), u64::MAX - taken.idle_since);
        idle.max_by_key(worth)?.connection.clone()
    }
}

/// What counts as one sender: an IPv6 host can have any address of its /64.
pub(crate) fn sender_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
    }
}

/// Whose neighbours are likely his own: an IPv4 /24, an IPv6 /48.
fn network_of(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(address) => Ipv4Addr::from_bits(address.to_bits() & (!0 << 8)).into(),
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & (!0 << 80)).into(),
    }
}

/// One connection's place; it is free again when this is dropped.
#[derive(Debug)]
pub(super) struct Place {
    places: Arc<Places>,
    number: u64,
}

impl Place {
    /// By what [`Places::hold`] knows it.
    pub(super) const fn number(&self) -> u64 {
        self.number
    }

    /// A request has come. It is under way until what this gives is dropped.
    pub(super) fn busy(&self) -> Busy {
        if let Some(taken) = self.places.lock().taken.get_mut(&self.number) {
            taken.under_way = taken.under_way.saturating_add(1);
        }
        Busy { places: Arc::clone(&self.places), number: self.number }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.places.lock().taken.remove(&self.number);
        self.places.changed.notify_one();
    }
}

/// A request that is under way.
#[derive(Debug)]
pub(super) struct Busy {
    places: Arc<Places>,
    number: u64,
}

impl Busy {
    /// Goes on until the answer's last byte was handed over.
    pub(super) fn answered(self, answer: Response<Body>) -> Response<Body> {
        answer.map(|body| Body::new(Answering { body, _busy: self }))
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        let mut state = self.places.lock();
        let moment = state.next();
        if let Some(taken) = state.taken.get_mut(&self.number) {
            taken.under_way = taken.under_way.saturating_sub(1);
            taken.idle_since = moment;
        }
        drop(state);
        self.places.changed.notify_one();
    }
}

struct Answering {
    body: Body,
    _busy: Busy,
}

impl HttpBody for Answering {
    type Data = axum::body::Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]

    use std::future::pending;
    use std::pin::pin;
    use std::task::Waker;
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;

    fn places(all: usize, of_network: usize) -> Arc<Places> {
        Places::new(Room { all, of_address: 3, of_network, proxy: Some("192.0.2.9".parse().unwrap()) })
    }

    /// What a future comes to at once.
    fn now<T>(future: impl Future<Output = T>) -> Option<T> {
        match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(done) => Some(done),
            Poll::Pending => None,
        }
    }

    fn enter(places: &Arc<Places>, address: &str) -> Option<Place> {
        now(places.enter(address.parse().unwrap())).flatten()
    }

    /// A connection that lasts until it is ended.
    fn connect(runtime: &tokio::runtime::Runtime, places: &Arc<Places>, address: &str) -> u64 {
        let place = enter(places, address).unwrap();
        let number = place.number();
        let task = runtime.spawn(async move {
            let _place = place;
            pending::<()>().await;
        });
        places.hold(number, task.abort_handle());
        number
    }

    #[test]
    fn an_address_and_a_network_have_so_many_and_no_more() {
        let places = places(100, 5);
        let mut held: Vec<_> = (0..3).map(|_| enter(&places, "192.0.2.1").unwrap()).collect();
        assert!(enter(&places, "192.0.2.1").is_none());
        held.extend((0..2).map(|_| enter(&places, "192.0.2.200").unwrap()));
        assert!(enter(&places, "192.0.2.201").is_none(), "the network has five");
        assert!(enter(&places, "192.0.2.9").is_some(), "a proxy has no such end");
        held.push(enter(&places, "192.0.3.1").unwrap());
        held.pop();
        held.remove(0);
        assert!(enter(&places, "192.0.2.201").is_some(), "whoever leaves gives his place back");
        let sixes: Vec<_> = (0..5).map(|number| enter(&places, &format!("2001:db8:0:{number}::1")).unwrap()).collect();
        assert!(enter(&places, "2001:db8:0:9::1").is_none(), "a /48 is a network");
        assert!(enter(&places, "2001:db8:1::1").is_some());
        drop(sixes);
    }

    #[test]
    fn when_all_are_taken_the_idlest_of_the_largest_network_makes_room() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let places = places(5, 9);
        let honest = connect(&runtime, &places, "198.51.100.1");
        let others: Vec<u64> = (0..4).map(|last| connect(&runtime, &places, &format!("192.0.2.{last}"))).collect();
        let newcomer = "203.0.113.1".parse().unwrap();
        let entered = async { timeout(Duration::from_secs(60), places.enter(newcomer)).await };
        let place = runtime.block_on(entered).expect("nobody makes room").unwrap();
        let left: Vec<u64> = places.lock().taken.keys().copied().collect();
        assert_eq!(
            left,
            [honest, others[1], others[2], others[3], place.number()],
            "the first of the largest network left"
        );
    }

    #[test]
    fn nobody_who_has_asked_for_something_makes_room_until_he_was_answered() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let places = places(1, 9);
        let place = enter(&places, "192.0.2.1").unwrap();
        let (number, busy) = (place.number(), place.busy());
        let task = runtime.spawn(async move {
            let _place = place;
            pending::<()>().await;
        });
        places.hold(number, task.abort_handle());
        let newcomer = places.enter("203.0.113.1".parse().unwrap());
        let mut newcomer = pin!(newcomer);
        assert!(now(newcomer.as_mut()).is_none(), "he waits");
        let answer = busy.answered(Response::new(Body::from("the answer")));
        assert!(now(newcomer.as_mut()).is_none(), "it is on its way");
        drop(answer);
        assert!(runtime.block_on(newcomer).is_some());
    }
}
