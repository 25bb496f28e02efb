//! Work that waits for the disk, out of the way of the connections: so many at once, so many that wait, and no more.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::Semaphore;
use tokio::task;

use super::answer::Refusal;

pub(super) struct Workers {
    places: Arc<Semaphore>,
    waiting: AtomicUsize,
    waiting_max: usize,
}

impl Workers {
    pub(super) fn new(workers: usize, waiting_max: usize) -> Self {
        Self { places: Arc::new(Semaphore::new(workers)), waiting: AtomicUsize::new(0), waiting_max }
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
