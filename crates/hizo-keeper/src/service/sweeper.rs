//! Takes away what no record names, on a thread of its own, behind everything else.

use std::collections::HashMap;
use std::io;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use hizo_store::Journal as _;
use hizo_store::journal::AccountId;

use super::Shared;
use super::answer::first_word;
use super::copier::Working;
use crate::sweep::{Sweep, SweepClock, Swept};

/// Between two times at which the clock of the sweep is written down, at most. What a kill loses of it is waited once more.
const SAVE: Duration = Duration::from_secs(10 * 60);

/// How what no record names is taken away.
#[derive(Debug, Clone, Copy)]
pub struct Sweeping {
    /// How long something lies unnamed before it is marked.
    pub after: Duration,
    /// From the end of one pass to the beginning of the next.
    pub pause: Duration,
    /// Names that are read, of records and of files, at most.
    pub names_per_second: u64,
}

/// The clock of the sweep, while this process moves it on.
struct Running<'a> {
    shared: &'a Shared,
    /// Once it could be read.
    clock: Option<SweepClock>,
    counted: Instant,
}

impl Running<'_> {
    /// Moves it on by the whole seconds that have passed, and writes it down.
    fn count(&mut self) -> Result<u64, crate::Error> {
        let clock = self.clock.map_or_else(|| SweepClock::load(&self.shared.data), Ok)?;
        let passed = Duration::from_secs(self.counted.elapsed().as_secs());
        let clock = clock.ran(passed, self.shared.now());
        self.clock = Some(clock);
        self.counted += passed;
        clock.save(&self.shared.data)?;
        Ok(clock.seconds())
    }
}

pub(super) fn start(shared: &Arc<Shared>) -> io::Result<Working> {
    let shared = Arc::clone(shared);
    Working::start("sweeper", move || run(&shared))
}

fn run(shared: &Shared) {
    let mut running = Running { shared, clock: None, counted: Instant::now() };
    while !shared.sweeper.is_over() {
        if let Err(error) = pass(&mut running) {
            shared.telling.sweep_failures.fetch_add(1, Ordering::Relaxed);
            shared.telling.event("the sweep did not go through", Some(&first_word(&error)), shared.now());
        }
        let next = Instant::now() + shared.sweeping.pause;
        while !shared.sweeper.is_over() && Instant::now() < next {
            shared.sweeper.rest(next.saturating_duration_since(Instant::now()).min(SAVE));
            // What cannot be written down is waited once more.
            drop(running.count());
        }
    }
}

fn pass(running: &mut Running<'_>) -> Result<(), crate::Error> {
    let (shared, clock) = (running.shared, running.count()?);
    let copy = shared.second.lock().unwrap_or_else(PoisonError::into_inner).clone();
    shared.keeper.objects().clean()?;
    let counting = shared.unnamed.begin_pass();
    let sweep = Sweep {
        keeper: &shared.keeper,
        copy: copy.as_deref(),
        began: SystemTime::now(),
        clock,
        after: shared.sweeping.after,
        is_counted_already: &|space, id| counting.is_counted_already(space, id),
    };
    let swept = sweep.run(&mut |names| {
        let nanoseconds = names.saturating_mul(1_000_000_000) / shared.sweeping.names_per_second.max(1);
        shared.sweeper.rest(Duration::from_nanos(nanoseconds));
        !shared.sweeper.is_over()
    })?;
    tell(shared, &swept);
    if swept.is_whole {
        counting.end(held(shared, &swept)?);
    }
    swept.failure.map_or(Ok(()), Err)
}

/// Whose that is which lies here and no record names.
fn held(shared: &Shared, swept: &Swept) -> Result<HashMap<AccountId, u64>, crate::Error> {
    let mut held = HashMap::new();
    for (space, bytes) in &swept.unnamed {
        if let Some(account) = shared.keeper.journal().account(*space)? {
            let sum: &mut u64 = held.entry(account).or_default();
            *sum = sum.saturating_add(*bytes);
        }
    }
    Ok(held)
}

fn tell(shared: &Shared, swept: &Swept) {
    shared.telling.sweep_objects.fetch_add(swept.objects, Ordering::Relaxed);
    shared.telling.sweep_bytes.fetch_add(swept.bytes, Ordering::Relaxed);
    if swept.objects > 0 {
        let cause = format!("{} objects, {} bytes", swept.objects, swept.bytes);
        shared.telling.event("what no record names was removed", Some(&cause), shared.now());
    }
    if let Some(error) = &swept.copy_left {
        shared.telling.event("the second directory was not swept", Some(&first_word(error)), shared.now());
    }
    if !swept.unclear.is_empty() {
        let cause = format!("{}: records or object lists are lost; hizo keeper scrub names them", swept.unclear.len());
        shared.telling.event("spaces were not swept", Some(&cause), shared.now());
    }
}
