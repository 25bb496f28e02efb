//! Fills the second directory, and reads everything that is kept again, on two threads of their own. Nobody waits for either,
//! not even the end for longer than for requests: a disk that hangs holds nothing else up, and both may be cut at any step.

use std::io;
use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::Shared;
use super::answer::first_word;
use crate::copy::{By, Progress, Reading, Scrub, Scrubbed, SecondCopy};

/// Until a second directory that could not be reached is tried again, at least.
const RETRY: Duration = Duration::from_secs(10);

/// Until it is looked at again whether it is time to read.
const LOOK: Duration = Duration::from_secs(60);

/// A second directory, and how often something is brought there.
#[derive(Debug, Clone)]
pub struct Copying {
    /// Where; the folder is there.
    pub directory: PathBuf,
    /// Shortest time from one round to the next.
    pub pause: Duration,
}

/// How everything is read again.
#[derive(Debug, Clone, Copy)]
pub struct Scrubbing {
    /// Everything is read once in so long; a reading begins when half of it is over.
    pub period: Duration,
    /// Not faster than this.
    pub bytes_per_second: u64,
}

/// One of the threads that work behind the requests.
pub(super) struct Working(Receiver<()>);

impl Working {
    pub(super) fn start(name: &str, work: impl FnOnce() + Send + 'static) -> io::Result<Self> {
        let (ended, waiting) = channel();
        let work = move || {
            // Dropped at its end, also by a panic.
            let _ended = ended;
            work();
        };
        drop(thread::Builder::new().name(name.to_owned()).spawn(work)?);
        Ok(Self(waiting))
    }

    /// Waits for its end, which it was told of, but for no disk that hangs.
    pub(super) fn wait(&self, most: Duration) {
        let _ = self.0.recv_timeout(most);
    }
}

pub(super) fn start(shared: &Arc<Shared>) -> io::Result<[Working; 2]> {
    let (copying, scrubbing) = (Arc::clone(shared), Arc::clone(shared));
    Ok([Working::start("copier", move || copy(&copying))?, Working::start("scrubber", move || scrub(&scrubbing))?])
}

fn copy(shared: &Shared) {
    let Some(Copying { pause, .. }) = shared.copying.as_ref() else { return };
    while shared.copier.wait() {
        match catch_up(shared) {
            Ok(()) => {
                shared.telling.copied.store(shared.copied.size(), Ordering::Relaxed);
                shared.telling.copy_wanting.store(shared.copied.wanting() as u64, Ordering::Relaxed);
                shared.telling.copy_fails.store(false, Ordering::Relaxed);
                shared.copier.rest(*pause);
            }
            Err(error) => {
                shared.telling.copy_failures.fetch_add(1, Ordering::Relaxed);
                shared.telling.copy_fails.store(true, Ordering::Relaxed);
                shared.telling.event("nothing was copied", Some(&first_word(&error)), shared.now());
                shared.copier.rest(RETRY.max(*pause));
                shared.copier.ring();
            }
        }
    }
}

fn catch_up(shared: &Shared) -> Result<(), crate::Error> {
    let Some(Copying { directory, .. }) = shared.copying.as_ref() else { return Ok(()) };
    let copy = match second(shared) {
        Some(copy) => copy,
        None => {
            let copy = Arc::new(SecondCopy::open(directory, &shared.data, Arc::clone(&shared.copied))?);
            // Nobody else looks at what may be another keeper's.
            copy.belongs(&shared.keeper)?;
            *shared.second.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&copy));
            shared.scrubber.ring();
            copy
        }
    };
    copy.catch_up(&shared.keeper, shared.log.files(), &|| !shared.copier.is_over())?;
    shared.directories.copy_to(directory)
}

fn second(shared: &Shared) -> Option<Arc<SecondCopy>> {
    shared.second.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

fn scrub(shared: &Shared) {
    while !shared.scrubber.is_over() {
        if let Err(error) = look(shared) {
            shared.telling.event("what is kept was not read", Some(&first_word(&error)), shared.now());
        }
        shared.scrubber.doze(LOOK);
    }
}

/// Reads, if it is time and the second directory can be reached.
fn look(shared: &Shared) -> Result<(), crate::Error> {
    told_last(shared)?;
    let copy = second(shared);
    if copy.is_none() && shared.copying.is_some() {
        return Ok(());
    }
    let known = Progress::load(&shared.data, By::Service)?;
    let is_due = |known: &Progress| shared.now().saturating_sub(known.began) >= shared.scrubbing.period.as_secs() / 2;
    if known.is_some_and(|known| known.at.is_none() && !is_due(&known)) {
        return Ok(());
    }
    let mut reading = Reading::begin(&shared.data, By::Service, shared.scrubbing.bytes_per_second, shared.now())?;
    told_last(shared)?;
    let scrub = Scrub { keeper: &shared.keeper, log: shared.log.published(), copy: copy.as_deref() };
    let mut told = Instant::now();
    let mut rest = |pause: Duration| {
        shared.scrubber.rest(pause);
        if told.elapsed() >= LOOK {
            told = Instant::now();
            // A reading takes days, and one by hand may end meanwhile.
            let _ = told_last(shared);
        }
        !shared.scrubber.is_over()
    };
    let found = scrub.run(reading.from(), &mut |step| {
        shared.telling.scrub_objects.fetch_add(u64::from(step.mark.is_some()), Ordering::Relaxed);
        reading.step(step, &mut rest)
    })?;
    reading.end(&found, !shared.scrubber.is_over())?;
    told_last(shared)?;
    tell(shared, &found);
    Ok(())
}

/// What is known by readings that are over, also those of before the start, and those by hand.
fn told_last(shared: &Shared) -> Result<(), crate::Error> {
    if let Some((read, lost)) = Progress::known(&shared.data)? {
        shared.telling.scrub_read(read);
        shared.telling.scrub_lost.store(lost as u64, Ordering::Relaxed);
    }
    Ok(())
}

fn tell(shared: &Shared, found: &Scrubbed) {
    shared.telling.scrub_mended.fetch_add(found.mended.len() as u64, Ordering::Relaxed);
    for (event, count) in [("damage was mended", found.mended.len()), ("damage cannot be mended", found.lost.len())] {
        if count > 0 {
            shared.telling.event(
                event,
                Some(&format!("{count}: hizo keeper scrub names what is damaged")),
                shared.now(),
            );
        }
    }
}
