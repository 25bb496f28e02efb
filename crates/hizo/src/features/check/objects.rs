//! Reads objects again and compares each with its name, on all cores.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use hizo_ledger::object::{ObjectRef, VerifiedObject};
use hizo_store::objects;
use hizo_vault::plaintext::Plaintext;

use crate::contents::Opened;
use crate::packing::cores;
use crate::safe::Safe;

/// What is wrong with an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum State {
    /// The keeper has nothing of this name.
    Missing,
    /// Its bytes are not those that its name was made of.
    Damaged,
    /// The disk does not give it.
    Unreadable,
    /// It is what the record names, and does not open.
    Unopened,
}

impl State {
    /// As scripts read it.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Damaged => "damaged",
            Self::Unreadable => "unreadable",
            Self::Unopened => "unopened",
        }
    }
}

/// Fetches an object and compares it with its name.
pub(super) fn read(safe: &Safe, named: ObjectRef) -> Result<VerifiedObject, State> {
    use hizo_keeper::Error::Objects;
    match safe.keeper.object(safe.home.space, named.id()) {
        Ok(Some(bytes)) => named.verify(bytes).map_err(|_| State::Damaged),
        Ok(None) => Err(State::Missing),
        Err(Objects(objects::Error::Damaged { .. })) => Err(State::Damaged),
        Err(_) => Err(State::Unreadable),
    }
}

/// Fetches an object, compares it with its name, and opens it.
pub(super) fn open(opened: Opened, epoch: u32, named: ObjectRef) -> Result<Plaintext, State> {
    let object = read(opened.safe, named)?;
    opened.keyring.open(epoch, object).map_err(|_| State::Unopened)
}

/// Does the same to many things on all cores; the results stand in the order of the things.
pub(super) fn each<T: Sync, R: Send>(things: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let results = Mutex::new(Vec::with_capacity(things.len()));
    std::thread::scope(|scope| {
        for _ in 0..cores().min(things.len()) {
            scope.spawn(|| {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(thing) = things.get(index) else { return };
                    let result = work(thing);
                    results.lock().expect("no thread panics while it reports").push((index, result));
                }
            });
        }
    });
    let mut results = results.into_inner().expect("no thread panics while it reports");
    results.sort_by_key(|(index, _)| *index);
    results.into_iter().map(|(_, result)| result).collect()
}
