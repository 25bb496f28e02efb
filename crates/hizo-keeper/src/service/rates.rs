//! How many requests are taken from one sender: buckets that fill by the second.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};

use tokio::time::Instant;

/// Most senders that are remembered. Beyond that those who have sent least lately are forgotten, and begin anew.
const SENDERS_MAX: usize = 1 << 16;

/// So many a second, and so many at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// Requests a second in the long run.
    pub per_second: u32,
    /// Requests at once after a rest.
    pub burst: u32,
}

pub(super) struct Rates<K> {
    rate: Rate,
    buckets: Mutex<HashMap<K, (f64, Instant)>>,
}

impl<K: Eq + Hash> Rates<K> {
    pub(super) fn new(rate: Rate) -> Self {
        Self { rate, buckets: Mutex::default() }
    }

    /// Whether one more request is taken from this sender.
    pub(super) fn take(&self, sender: K) -> bool {
        let now = Instant::now();
        let full = f64::from(self.rate.burst.max(1));
        let filled = |(level, since): (f64, Instant)| {
            (level + now.duration_since(since).as_secs_f64() * f64::from(self.rate.per_second)).min(full)
        };
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= SENDERS_MAX && !buckets.contains_key(&sender) {
            buckets.retain(|_, bucket| filled(*bucket) < full);
            if buckets.len() >= SENDERS_MAX {
                buckets.clear();
            }
        }
        let bucket = buckets.entry(sender).or_insert((full, now));
        let level = filled(*bucket);
        let taken = level >= 1.0;
        *bucket = (if taken { level - 1.0 } else { level }, now);
        taken
    }
}
