//! Appends that come at once are made durable in one step.
//!
//! Whoever comes while a step is under way waits, and the first of those who wait takes all of them through the next one.
//! Nobody waits for others to come: an append by itself costs what it always did.

use std::collections::VecDeque;
use std::iter;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Mutex, MutexGuard, PoisonError};

use hizo_ledger::id::{ObjectId, SpaceId};
use hizo_ledger::space::Head;
use hizo_store::Journal;
use hizo_store::journal::{Entry, Error};
use zeroize::Zeroizing;

/// Most entries of one step.
const GROUP_MAX: usize = 1_024;

/// Those who wait for a journal.
#[derive(Default)]
pub(crate) struct Queue {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    under_way: bool,
    waiting: VecDeque<Waiting>,
}

/// An entry whose owner waits.
struct Waiting {
    space: SpaceId,
    expected: Option<Head>,
    note: Vec<u8>,
    objects: Vec<ObjectId>,
    slot_key: Option<Zeroizing<[u8; 32]>>,
    kept: u64,
    turn: SyncSender<Turn>,
}

/// What ends the waiting.
enum Turn {
    /// The next step is yours to take.
    Lead,
    /// It was taken for you.
    Done(Result<Head, Error>),
}

impl Queue {
    /// As [`Journal::append`], together with whatever else has come meanwhile.
    pub(crate) fn append<J: Journal>(&self, journal: &J, entry: Entry<'_>) -> Result<Head, Error> {
        let Some(turn) = self.wait(&entry) else { return self.lead(journal, entry) };
        match turn.recv() {
            Ok(Turn::Lead) => self.lead(journal, entry),
            Ok(Turn::Done(outcome)) => outcome,
            // Whoever led was torn away in the middle. An entry may be appended again.
            Err(_) => journal.append(entry),
        }
    }

    /// `None` when no step is under way: the next one has begun with this.
    fn wait(&self, entry: &Entry<'_>) -> Option<Receiver<Turn>> {
        let mut state = self.lock();
        if !state.under_way {
            state.under_way = true;
            return None;
        }
        let (turn, waiting) = sync_channel(1);
        state.waiting.push_back(Waiting::new(entry, turn));
        Some(waiting)
    }

    fn lead<J: Journal>(&self, journal: &J, own: Entry<'_>) -> Result<Head, Error> {
        let step = Step(self);
        let others: Vec<Waiting> = {
            let mut state = self.lock();
            let count = state.waiting.len().min(GROUP_MAX.saturating_sub(1));
            state.waiting.drain(..count).collect()
        };
        let entries: Vec<Entry<'_>> = iter::once(own).chain(others.iter().map(Waiting::entry)).collect();
        let mut outcomes = journal.append_all(&entries).into_iter();
        // The next step begins while this one's outcomes are handed out.
        drop(step);
        let outcome = outcomes.next();
        for (waiting, outcome) in others.iter().zip(outcomes) {
            // It waits for this as long as it lives.
            let _ = waiting.turn.send(Turn::Done(outcome));
        }
        outcome.unwrap_or_else(|| journal.append(own))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Whoever is torn away has handed the step on.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A step under way. Whatever becomes of it, the next one follows.
struct Step<'a>(&'a Queue);

impl Drop for Step<'_> {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        while let Some(next) = state.waiting.pop_front() {
            if next.turn.send(Turn::Lead).is_ok() {
                return;
            }
        }
        state.under_way = false;
    }
}

impl Waiting {
    fn new(entry: &Entry<'_>, turn: SyncSender<Turn>) -> Self {
        Self {
            space: entry.space,
            expected: entry.expected,
            note: entry.note.to_vec(),
            objects: entry.objects.to_vec(),
            slot_key: entry.slot_key.map(|key| Zeroizing::new(*key)),
            kept: entry.kept,
            turn,
        }
    }

    fn entry(&self) -> Entry<'_> {
        Entry {
            space: self.space,
            expected: self.expected,
            note: &self.note,
            objects: &self.objects,
            slot_key: self.slot_key.as_deref(),
            kept: self.kept,
        }
    }
}
