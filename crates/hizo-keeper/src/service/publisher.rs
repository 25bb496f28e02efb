//! Publishes the log behind the appends, on a thread of its own.

use std::io;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use hizo_store::Journal as _;

use super::Shared;
use super::answer::of_the_log;
use super::stamper::Event;
use crate::witness::Patience;

/// Until a log that could not be published is tried again.
const RETRY: Duration = Duration::from_secs(1);

/// Tells a thread that there is something new, or that it is to come to its end.
#[derive(Default)]
pub(super) struct Bell {
    state: Mutex<Rung>,
    changed: Condvar,
}

#[derive(Default)]
struct Rung {
    new: bool,
    end: bool,
}

impl Bell {
    pub(super) fn ring(&self) {
        self.lock().new = true;
        self.changed.notify_all();
    }

    pub(super) fn end(&self) {
        self.lock().end = true;
        self.changed.notify_all();
    }

    pub(super) fn is_over(&self) -> bool {
        self.lock().end
    }

    fn lock(&self) -> MutexGuard<'_, Rung> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for something new: `false` at the end.
    pub(super) fn wait(&self) -> bool {
        let idle = |rung: &mut Rung| !rung.new && !rung.end;
        let mut rung = self.changed.wait_while(self.lock(), idle).unwrap_or_else(PoisonError::into_inner);
        rung.new = false;
        !rung.end
    }

    /// A pause, which something new cuts short, and the end.
    pub(super) fn doze(&self, pause: Duration) {
        let idle = |rung: &mut Rung| !rung.new && !rung.end;
        if let Ok((mut rung, _)) = self.changed.wait_timeout_while(self.lock(), pause, idle) {
            rung.new = false;
        }
    }

    /// A pause, which the end cuts short.
    pub(super) fn rest(&self, pause: Duration) {
        drop(self.changed.wait_timeout_while(self.lock(), pause, |rung| !rung.end));
    }
}

/// Publishes what is new, at most once in `pause`, and all that is left at the end.
pub(super) fn start(shared: Arc<Shared>, pause: Duration) -> io::Result<JoinHandle<()>> {
    thread::Builder::new().name("publisher".to_owned()).spawn(move || {
        while shared.bell.wait() {
            if publish(&shared) {
                shared.bell.rest(pause);
            } else {
                shared.bell.rest(RETRY.max(pause));
                shared.bell.ring();
            }
        }
        publish(&shared);
    })
}

fn publish(shared: &Shared) -> bool {
    let telling = &shared.telling;
    // A log of nothing has no head.
    if shared.keeper.journal().log().is_ok_and(|log| log.size == 0) {
        return true;
    }
    match shared.log.publish(&shared.keeper, &Patience::default()) {
        Ok(published) => {
            telling.published.fetch_add(1, Ordering::Relaxed);
            telling.log_size.store(published.head.size, Ordering::Relaxed);
            telling.cosigned(published.head.size, &published.answers, shared.now());
            shared.log_goes_on.store(true, Ordering::Relaxed);
            shared.stamper.tell(Event::Published);
            shared.copier.ring();
            true
        }
        Err(error) => {
            telling.publish_failures.fetch_add(1, Ordering::Relaxed);
            shared.log_goes_on.store(false, Ordering::Relaxed);
            telling.event("the log was not published", Some(&of_the_log(&error)), shared.now());
            false
        }
    }
}
