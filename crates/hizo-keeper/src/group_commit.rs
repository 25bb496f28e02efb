//! Appends that come at once are made durable in one step.
//!
//! Whoever comes while a step is under way waits, and the first of those who wait takes all of them through the next one.
//! Nobody waits for others to come: an append by itself costs what it always did.

use std::collections::VecDeque;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::{iter, vec};

use hizo_ledger::id::{ObjectId, SpaceId};
use hizo_ledger::space::Head;
use hizo_store::journal::{Charge, Entry, Error};
use zeroize::Zeroizing;

/// Most entries of one step.
const GROUP_MAX: usize = 1_024;

/// Those who wait for a journal.
#[derive(Default)]
pub(crate) struct GroupCommit {
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
    charge: Option<Charge>,
    turn: SyncSender<Turn>,
}

/// What ends the waiting.
enum Turn {
    /// The next step is yours to take.
    Lead,
    /// It was taken for you, and for others who still wait to hear of it.
    Done(Result<Head, Error>, Outcomes),
}

/// What became of entries, and who waits for that.
type Outcomes = vec::IntoIter<(SyncSender<Turn>, Result<Head, Error>)>;

/// Takes entries through one durable step: [`hizo_store::Journal::append_all`].
pub(crate) trait Commit: Fn(&[Entry<'_>]) -> Vec<Result<Head, Error>> {}

impl<F: Fn(&[Entry<'_>]) -> Vec<Result<Head, Error>>> Commit for F {}

impl GroupCommit {
    /// Appends an entry, together with whatever else has come meanwhile.
    pub(crate) fn append(&self, entry: Entry<'_>, commit: impl Commit) -> Result<Head, Error> {
        let Some(turn) = self.wait(&entry) else { return self.lead(entry, commit) };
        match turn.recv() {
            Ok(Turn::Lead) => self.lead(entry, commit),
            Ok(Turn::Done(outcome, others)) => {
                hand_on(others);
                outcome
            }
            // Whoever led was torn away in the middle. An entry may be appended again.
            Err(_) => first(commit(&[entry])),
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

    fn lead(&self, own: Entry<'_>, commit: impl Commit) -> Result<Head, Error> {
        let step = Step(self);
        let others: Vec<Waiting> = {
            let mut state = self.lock();
            let count = state.waiting.len().min(GROUP_MAX.saturating_sub(1));
            state.waiting.drain(..count).collect()
        };
        let entries: Vec<Entry<'_>> = others.iter().map(Waiting::entry).chain(iter::once(own)).collect();
        let mut outcomes = commit(&entries);
        // The next step begins while this one's outcomes are handed out.
        drop(step);
        let outcome = outcomes.pop();
        let others: Vec<_> = others.into_iter().map(|waiting| waiting.turn).zip(outcomes).collect();
        hand_on(others.into_iter());
        first(outcome)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Whoever is torn away has handed the step on.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Tells the first of them, who tells the next: hundreds that woke at once would take the processors from the step that is
/// under way by then.
fn hand_on(mut outcomes: Outcomes) {
    if let Some((turn, outcome)) = outcomes.next() {
        // It waits for this as long as it lives. Without it the others would append again.
        let _ = turn.send(Turn::Done(outcome, outcomes));
    }
}

fn first(outcomes: impl IntoIterator<Item = Result<Head, Error>>) -> Result<Head, Error> {
    outcomes.into_iter().next().unwrap_or(Err(Error::Refused { rule: "every entry has an outcome" }))
}

/// A step under way. Whatever becomes of it, the next one follows.
struct Step<'a>(&'a GroupCommit);

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
            charge: entry.charge,
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
            charge: self.charge,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]

    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::thread;

    use hizo_ledger::id::RecordId;

    use super::*;

    fn entry(note: &[u8]) -> Entry<'_> {
        Entry {
            space: SpaceId::from_bytes([1; 16]),
            expected: None,
            note,
            objects: &[],
            slot_key: None,
            kept: 0,
            charge: None,
        }
    }

    /// Each is appended, but for a note that says otherwise.
    fn outcome(entry: &Entry<'_>) -> Result<Head, Error> {
        match entry.note {
            b"wrong" => Err(Error::Refused { rule: "it is wrong" }),
            note => Ok(Head { number: 0, id: RecordId::of(note) }),
        }
    }

    /// Begins a step with `first`, has the others come while it is under way, and ends it then. Returns what each was
    /// answered, and the sizes of the steps.
    fn meanwhile(first: impl Commit + Sync, others: &[&[u8]]) -> (Vec<Result<Head, Error>>, Vec<usize>) {
        let (commits, steps) = (GroupCommit::default(), Mutex::new(Vec::new()));
        let commit = |entries: &[Entry<'_>]| {
            steps.lock().unwrap().push(entries.len());
            entries.iter().map(outcome).collect()
        };
        let answers = thread::scope(|scope| {
            let leading = |entries: &[Entry<'_>]| {
                steps.lock().unwrap().push(entries.len());
                while commits.lock().waiting.len() < others.len() {
                    thread::yield_now();
                }
                first(entries)
            };
            let commits = &commits;
            let leader =
                scope.spawn(move || catch_unwind(AssertUnwindSafe(|| commits.append(entry(b"first"), leading))));
            while !commits.lock().under_way {
                thread::yield_now();
            }
            let commit = &commit;
            let waiting: Vec<_> =
                others.iter().map(|note| scope.spawn(move || commits.append(entry(note), commit))).collect();
            let _ = leader.join().unwrap();
            waiting.into_iter().map(|waiting| waiting.join().unwrap()).collect()
        });
        assert!(!commits.lock().under_way, "the last step has ended");
        (answers, steps.into_inner().unwrap())
    }

    #[test]
    fn those_who_come_meanwhile_go_through_one_step_and_each_has_its_own_answer() {
        let others: [&[u8]; 5] = [b"one", b"two", b"wrong", b"four", b"five"];
        let (answers, steps) = meanwhile(|entries: &[Entry<'_>]| entries.iter().map(outcome).collect(), &others);
        assert_eq!(steps, [1, 5]);
        for (answer, note) in answers.iter().zip(others) {
            match answer {
                Ok(head) => assert_eq!(head.id, RecordId::of(note)),
                Err(error) => assert!(note == b"wrong" && matches!(error, Error::Refused { .. }), "{error}"),
            }
        }
    }

    #[test]
    fn whoever_is_answered_answers_the_next_one() {
        let (turns, waiting): (Vec<_>, Vec<_>) = (0..3).map(|_| sync_channel(1)).unzip();
        let head = Head { number: 0, id: RecordId::of(b"note") };
        hand_on(turns.into_iter().map(|turn| (turn, Ok(head))).collect::<Vec<_>>().into_iter());
        for (place, own) in waiting.iter().enumerate() {
            let Ok(Turn::Done(outcome, others)) = own.try_recv() else { panic!("{place} is not told") };
            assert_eq!((outcome.unwrap(), others.len()), (head, 2 - place));
            assert!(waiting.iter().skip(place + 1).all(|later| later.try_recv().is_err()), "one at a time");
            hand_on(others);
        }
    }

    #[test]
    fn a_leader_who_is_torn_away_leaves_nobody_waiting() {
        let (answers, steps) = meanwhile(|_: &[Entry<'_>]| panic!("torn away"), &[b"one", b"two"]);
        assert_eq!(steps, [1, 2]);
        assert!(answers.iter().all(Result::is_ok));
    }

    #[test]
    fn whoever_comes_alone_waits_for_nobody() {
        let commits = GroupCommit::default();
        for note in [&b"one"[..], b"wrong", b"three"] {
            let answer = commits.append(entry(note), |entries: &[Entry<'_>]| entries.iter().map(outcome).collect());
            assert_eq!(answer.is_ok(), note != b"wrong");
        }
    }
}
