//! Work that waits for the disk, out of the way of the connections: so many at once, so many that wait, and no more.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hizo_ledger::id::SpaceId;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tokio::task;

use super::answer::Refusal;

/// Pieces of work that a space does in one place before others that wait for a place have their turn.
const TURN_MAX: usize = 64;

/// Pieces of work that wait for one space, at most: also those whose requests have gone away.
const QUEUE_MAX: usize = 1_024;

pub(super) struct Workers {
    turns: Arc<Turns>,
    waiting: Arc<AtomicUsize>,
    waiting_max: usize,
}

impl Workers {
    pub(super) fn new(workers: usize, waiting_max: usize) -> Self {
        let turns = Turns { places: Arc::new(Semaphore::new(workers)), queues: Mutex::default() };
        Self { turns: Arc::new(turns), waiting: Arc::default(), waiting_max }
    }

    /// Does a request's work; [`Refusal::busy`] when too many wait already.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, crate::Error> + Send + 'static,
    ) -> Result<T, Refusal> {
        self.admit()?;
        self.run_begun(work).await
    }

    fn admit(&self) -> Result<(), Refusal> {
        let full = self.turns.places.available_permits() == 0 && self.waiting() >= self.waiting_max;
        if full { Err(Refusal::busy()) } else { Ok(()) }
    }

    /// Does a request's work on a space's chain, which one thread at a time can do: what comes meanwhile is done behind it in
    /// the same place, and takes none from other spaces.
    pub(super) async fn run_in<T: Send + 'static>(
        &self,
        space: SpaceId,
        work: impl FnOnce() -> Result<T, crate::Error> + Send + 'static,
    ) -> Result<T, Refusal> {
        self.admit()?;
        let (done, outcome) = oneshot::channel();
        let waits = Waits::new(&self.waiting);
        let work = move || {
            drop(waits);
            // Where nobody waits for it any more it does not begin.
            if !done.is_closed() {
                drop(done.send(work()));
            }
        };
        self.turns.join(space, Box::new(work))?;
        finished(outcome.await)
    }

    /// Does a piece of work of a request that has begun: whoever has sent half of an object is not sent away for the other
    /// half. How many there can be is bounded by the connections.
    pub(super) async fn run_begun<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, crate::Error> + Send + 'static,
    ) -> Result<T, Refusal> {
        let waits = Waits::new(&self.waiting);
        let place = Arc::clone(&self.turns.places).acquire_owned().await.map_err(|_| Refusal::busy())?;
        drop(waits);
        let done = task::spawn_blocking(move || {
            // Held to the end of the work, also when nobody waits for it any more.
            let _place = place;
            work()
        });
        finished(done.await)
    }

    pub(super) fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }
}

fn finished<T, E>(done: Result<Result<T, crate::Error>, E>) -> Result<T, Refusal> {
    match done {
        Ok(done) => Ok(done?),
        Err(_) => Err(Refusal::internal("a worker panicked".to_owned())),
    }
}

type Work = Box<dyn FnOnce() + Send>;

/// What is to be done in each space in which something is being done.
struct Turns {
    places: Arc<Semaphore>,
    queues: Mutex<HashMap<SpaceId, VecDeque<Work>>>,
}

impl Turns {
    fn queues(&self) -> MutexGuard<'_, HashMap<SpaceId, VecDeque<Work>>> {
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn join(self: &Arc<Self>, space: SpaceId, work: Work) -> Result<(), Refusal> {
        match self.queues().entry(space) {
            Entry::Occupied(busy) if busy.get().len() >= QUEUE_MAX => return Err(Refusal::busy()),
            Entry::Occupied(mut busy) => {
                busy.get_mut().push_back(work);
                return Ok(());
            }
            Entry::Vacant(idle) => drop(idle.insert(VecDeque::from([work]))),
        }
        self.begin(space);
        Ok(())
    }

    /// Works in a space as soon as there is a place. It does not end with the request that was first.
    fn begin(self: &Arc<Self>, space: SpaceId) {
        let (turns, places) = (Arc::clone(self), Arc::clone(&self.places));
        match Arc::clone(&places).try_acquire_owned() {
            Ok(place) => drop(task::spawn_blocking(move || turns.work(space, place))),
            Err(_) => drop(task::spawn(async move {
                if let Ok(place) = places.acquire_owned().await {
                    task::spawn_blocking(move || turns.work(space, place));
                }
            })),
        }
    }

    fn work(self: Arc<Self>, space: SpaceId, place: OwnedSemaphorePermit) {
        for _ in 0..TURN_MAX {
            let Some(work) = self.next(space) else { return };
            // Whoever waits for it learns that it did not come to its end.
            drop(catch_unwind(AssertUnwindSafe(work)));
        }
        drop(place);
        self.begin(space);
    }

    fn next(&self, space: SpaceId) -> Option<Work> {
        let mut queues = self.queues();
        let next = queues.get_mut(&space)?.pop_front();
        if next.is_none() {
            queues.remove(&space);
        }
        next
    }
}

/// One that waits, until it is dropped: its request may end before its turn.
struct Waits(Arc<AtomicUsize>);

impl Waits {
    fn new(waiting: &Arc<AtomicUsize>) -> Self {
        waiting.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(waiting))
    }
}

impl Drop for Waits {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::future::{Future, poll_fn};
    use std::pin::pin;
    use std::sync::mpsc::channel;
    use std::task::Poll;
    use std::time::Duration;

    use axum::http::StatusCode;
    use axum::http::header::RETRY_AFTER;
    use axum::response::IntoResponse as _;

    use super::*;

    fn runtime() -> tokio::runtime::Runtime {
        tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap()
    }

    const SPACES: [SpaceId; 2] = [SpaceId::from_bytes([1; 16]), SpaceId::from_bytes([2; 16])];

    /// Begins it, and leaves it waiting.
    async fn pending(future: &mut std::pin::Pin<&mut impl Future>) -> bool {
        poll_fn(|context| Poll::Ready(future.as_mut().poll(context).is_pending())).await
    }

    #[test]
    fn a_space_that_is_busy_takes_one_place_and_leaves_the_others_to_the_rest() {
        let (runtime, [busy, other]) = (runtime(), SPACES);
        let workers = Workers::new(2, 100);
        let (end, ended) = channel::<()>();
        let (begin, begun) = channel();
        let outcome = runtime.block_on(async {
            let mut long = pin!(workers.run_in(busy, move || {
                begin.send(()).unwrap();
                Ok(ended.recv().is_err())
            }));
            let mut behind = pin!(workers.run_in(busy, || Ok(())));
            assert!(pending(&mut long).await && pending(&mut behind).await);
            begun.recv().unwrap();
            assert_eq!((workers.turns.places.available_permits(), workers.waiting()), (1, 1));
            let elsewhere = workers.run_in(other, || Ok(7));
            let elsewhere = tokio::time::timeout(Duration::from_secs(60), elsewhere).await;
            drop(end);
            assert!(long.await.unwrap());
            behind.await.unwrap();
            elsewhere
        });
        assert_eq!(outcome.unwrap().unwrap(), 7);
    }

    #[test]
    fn a_space_with_more_to_do_than_a_turn_lets_another_one_in_between() {
        let (runtime, [busy, other]) = (runtime(), SPACES);
        let workers = Workers::new(1, 10_000);
        let order = Arc::new(Mutex::new(Vec::new()));
        let (begin, begun) = channel::<()>();
        runtime.block_on(async {
            let first = workers.run_in(busy, move || Ok(begun.recv().is_ok()));
            let note = |name: usize| {
                let order = Arc::clone(&order);
                move || {
                    order.lock().unwrap().push(name);
                    Ok(())
                }
            };
            let mut works: Vec<_> = (1..=2 * TURN_MAX).map(|name| Box::pin(workers.run_in(busy, note(name)))).collect();
            let (mut first, mut elsewhere) = (pin!(first), pin!(workers.run_in(other, note(0))));
            assert!(pending(&mut first).await);
            for work in &mut works {
                assert!(pending(&mut work.as_mut()).await);
            }
            assert!(pending(&mut elsewhere).await);
            begin.send(()).unwrap();
            assert!(first.await.unwrap());
            for work in works {
                work.await.unwrap();
            }
            elsewhere.await.unwrap();
        });
        let mut order = order.lock().unwrap().clone();
        assert_eq!(order.iter().position(|name| *name == 0), Some(TURN_MAX - 1), "after one turn of the busy one");
        order.retain(|name| *name != 0);
        assert!(order.is_sorted(), "and in a space in the order in which it came");
    }

    #[test]
    fn what_comes_when_too_much_waits_is_sent_away_and_told_when_to_come_again() {
        let (runtime, [busy, other]) = (runtime(), SPACES);
        let workers = Workers::new(1, 1);
        let ((begin, begun), (end, ended)) = (channel(), channel::<()>());
        runtime.block_on(async {
            let mut long = pin!(workers.run_in(busy, move || {
                begin.send(()).unwrap();
                Ok(ended.recv().is_err())
            }));
            assert!(pending(&mut long).await);
            begun.recv().unwrap();
            let mut waits = pin!(workers.run(|| Ok(7)));
            assert!(pending(&mut waits).await);
            for refused in [workers.run(|| Ok(())).await, workers.run_in(other, || Ok(())).await] {
                let answer = refused.unwrap_err().into_response();
                assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
                assert!(answer.headers().contains_key(RETRY_AFTER));
            }
            drop(end);
            assert!(long.await.unwrap());
            assert_eq!(waits.await.unwrap(), 7, "whoever waited already is served");
            assert_eq!(workers.run(|| Ok(8)).await.unwrap(), 8);
        });
    }

    #[test]
    fn work_that_panics_takes_no_other_with_it_and_what_nobody_waits_for_is_not_begun() {
        let (runtime, [space, _]) = (runtime(), SPACES);
        let workers = Workers::new(1, 100);
        let (end, ended) = channel::<()>();
        runtime.block_on(async {
            let mut panicking = pin!(workers.run_in::<()>(space, move || {
                ended.recv().unwrap();
                panic!("as it must not");
            }));
            assert!(pending(&mut panicking).await);
            {
                let mut left = pin!(workers.run_in::<()>(space, || unreachable!("nobody waits for it")));
                assert!(pending(&mut left).await);
            }
            let mut behind = pin!(workers.run_in(space, || Ok(7)));
            assert!(pending(&mut behind).await);
            end.send(()).unwrap();
            assert!(panicking.await.is_err());
            assert_eq!(behind.await.unwrap(), 7);
        });
        assert_eq!(workers.waiting(), 0);
    }
}
