//! Work that waits for the disk, out of the way of the connections: so many at once, so many that wait, and no more.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use hizo_ledger::id::SpaceId;
use tokio::sync::Semaphore;
use tokio::task;

use super::answer::Refusal;

/// Most spaces whose turns are kept after nobody waits for them.
const TURNS_MAX: usize = 4_096;

pub(super) struct Workers {
    places: Arc<Semaphore>,
    turns: Mutex<HashMap<SpaceId, Weak<tokio::sync::Mutex<()>>>>,
    waiting: AtomicUsize,
    waiting_max: usize,
}

impl Workers {
    pub(super) fn new(workers: usize, waiting_max: usize) -> Self {
        Self {
            places: Arc::new(Semaphore::new(workers)),
            turns: Mutex::default(),
            waiting: AtomicUsize::new(0),
            waiting_max,
        }
    }

    /// Does a request's work; [`Refusal::busy`] when too many wait already.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, crate::Error> + Send + 'static,
    ) -> Result<T, Refusal> {
        if self.places.available_permits() == 0 && self.waiting.load(Ordering::Relaxed) >= self.waiting_max {
            return Err(Refusal::busy());
        }
        self.run_begun(work).await
    }

    /// Does a request's work on a space's chain, which one thread at a time can do: whoever waits for his turn takes no place
    /// from other spaces.
    pub(super) async fn run_in<T: Send + 'static>(
        &self,
        space: SpaceId,
        work: impl FnOnce() -> Result<T, crate::Error> + Send + 'static,
    ) -> Result<T, Refusal> {
        let waits = Waits::new(&self.waiting);
        let turn = self.turn(space).lock_owned().await;
        drop(waits);
        self.run(move || {
            let _turn = turn;
            work()
        })
        .await
    }

    fn turn(&self, space: SpaceId) -> Arc<tokio::sync::Mutex<()>> {
        let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(turn) = turns.get(&space).and_then(Weak::upgrade) {
            return turn;
        }
        if turns.len() >= TURNS_MAX {
            turns.retain(|_, turn| turn.strong_count() > 0);
        }
        let turn = Arc::default();
        turns.insert(space, Arc::downgrade(&turn));
        turn
    }

    /// Does a piece of work of a request that has begun: whoever has sent half of an object is not sent away for the other
    /// half. How many there can be is bounded by the connections.
    pub(super) async fn run_begun<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, crate::Error> + Send + 'static,
    ) -> Result<T, Refusal> {
        let waits = Waits::new(&self.waiting);
        let place = Arc::clone(&self.places).acquire_owned().await.map_err(|_| Refusal::busy())?;
        drop(waits);
        let done = task::spawn_blocking(move || {
            // Held to the end of the work, also when nobody waits for it any more.
            let _place = place;
            work()
        });
        match done.await {
            Ok(done) => Ok(done?),
            Err(_) => Err(Refusal::internal("a worker panicked".to_owned())),
        }
    }

    pub(super) fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }
}

/// One that waits, until it is dropped: its request may end before its turn.
struct Waits<'a>(&'a AtomicUsize);

impl<'a> Waits<'a> {
    fn new(waiting: &'a AtomicUsize) -> Self {
        waiting.fetch_add(1, Ordering::Relaxed);
        Self(waiting)
    }
}

impl Drop for Waits<'_> {
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

    use super::*;

    #[test]
    fn a_space_that_is_busy_takes_one_place_and_leaves_the_others_to_the_rest() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let [busy, other] = [[1; 16], [2; 16]].map(SpaceId::from_bytes);
        let workers = Workers::new(2, 100);
        let (end, ended) = channel::<()>();
        let outcome = runtime.block_on(async {
            let mut long = pin!(workers.run_in(busy, move || Ok(ended.recv().is_err())));
            let mut behind = pin!(workers.run_in(busy, || Ok(())));
            // Each has begun, or waits.
            assert!(poll_fn(|context| Poll::Ready(long.as_mut().poll(context).is_pending())).await);
            assert!(poll_fn(|context| Poll::Ready(behind.as_mut().poll(context).is_pending())).await);
            assert_eq!((workers.places.available_permits(), workers.waiting()), (1, 1));
            let elsewhere = workers.run_in(other, || Ok(7));
            let elsewhere = tokio::time::timeout(Duration::from_secs(60), elsewhere).await;
            drop(end);
            assert!(long.await.unwrap());
            behind.await.unwrap();
            elsewhere
        });
        assert_eq!(outcome.unwrap().unwrap(), 7);
        assert!(workers.turn(busy).try_lock().is_ok(), "the last turn has come to its end");
    }
}
