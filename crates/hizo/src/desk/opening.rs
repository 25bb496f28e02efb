//! A large safe on its way to being open: how far that has come, and what was in it when its person looked last.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};
use std::thread;

use askama::Template;

use super::last_seen::LastSeen;
use super::session::{Key, Unlocked};
use super::{Frame, Reply, Visit, door, shown};
use crate::console::bytes;
use crate::failure::{Failure, Outcome};
use crate::words::words;

/// It ends when nobody holds it any more: whoever locks the desk meanwhile stops it.
pub(super) struct Opening {
    /// Records that are to be read, and that were.
    total: AtomicU64,
    done: AtomicU64,
    end: OnceLock<Result<Mutex<Option<Unlocked>>, Failure>>,
    seen: Option<LastSeen>,
    /// Records that came since.
    added: u64,
}

impl Opening {
    pub(super) fn begin(key: Key) -> Outcome<Arc<Self>> {
        let seen = LastSeen::recall(&key.home, &key.identity);
        let opening = Arc::new(Self {
            total: AtomicU64::new(0),
            done: AtomicU64::new(0),
            end: OnceLock::new(),
            added: seen.as_ref().map_or(0, |seen| seen.added_since(&key.home)),
            seen,
        });
        let told = Arc::downgrade(&opening);
        let run = move || {
            let open = || key.unlock_telling(&|number, total| tell(&told, number, total));
            let end = catch_unwind(AssertUnwindSafe(open)).unwrap_or_else(|_| Err(stopped_inside()));
            if let Some(opening) = told.upgrade() {
                let _ = opening.end.set(end.map(|unlocked| Mutex::new(Some(unlocked))));
            }
        };
        thread::Builder::new().name(String::from("desk-opening")).spawn(run).map_err(Failure::internal)?;
        Ok(opening)
    }

    /// Why it did not come to anything, if that is so: said to whoever looks, until somebody unlocks or locks.
    pub(super) fn failure(&self) -> Option<&Failure> {
        self.end.get()?.as_ref().err()
    }

    /// The safe, once it is open; to whoever asks first.
    fn take(&self) -> Option<Unlocked> {
        self.end.get()?.as_ref().ok()?.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// So many records have been read, while somebody waits for them.
fn tell(opening: &Weak<Opening>, number: u64, total: u64) -> Outcome<()> {
    let Some(opening) = opening.upgrade() else {
        return Err(Failure::fixable(words!("the safe was locked", "金庫に鍵をかけました")));
    };
    opening.total.store(total, Ordering::Relaxed);
    opening.done.store(number, Ordering::Relaxed);
    Ok(())
}

fn stopped_inside() -> Failure {
    Failure::internal_message(words!("hizo stopped inside", "hizo が途中で止まりました"))
}

/// A row of what was in it.
struct Row {
    name: String,
    newest: String,
    files: String,
    bytes: String,
}

/// The safe as it was.
struct Before {
    said: String,
    lead: String,
    rows: Vec<Row>,
}

#[derive(Template)]
#[template(path = "opening.html")]
struct OpeningPage<'v> {
    f: Frame<'v>,
    percent: u64,
    done: String,
    before: Option<Before>,
}

/// How far it has come; once it is open, the safe.
pub(super) fn page(visit: &Visit) -> Outcome<Reply> {
    let Some(opening) = visit.session.opening() else { return door::home(visit) };
    if let Some(failure) = opening.failure() {
        return visit.failed(failure);
    }
    if let Some(unlocked) = opening.take() {
        visit.session.opened(&opening, Arc::new(unlocked));
        return Ok(door::after_unlocking(visit));
    }
    let t = visit.text();
    let (total, done) = (opening.total.load(Ordering::Relaxed), opening.done.load(Ordering::Relaxed));
    let before = opening.seen.as_ref().map(|seen| Before {
        said: match opening.added {
            0 => t.one("opening-before", "time", shown::moment(t, seen.time)),
            added => t.two("opening-before-added", "time", shown::moment(t, seen.time), "count", added),
        },
        lead: t.two("safe-lead", "series", seen.series, "deposits", seen.deposits),
        rows: seen
            .newest
            .iter()
            .map(|newest| Row {
                name: newest.name.clone(),
                newest: t.two("deposit-at", "number", newest.number, "time", shown::moment(t, newest.time)),
                files: newest.files.to_string(),
                bytes: bytes(newest.bytes),
            })
            .collect(),
    });
    let name = opening.seen.as_ref().and_then(|seen| seen.name.clone());
    visit.page(&OpeningPage {
        f: visit.frame(t.say("opening-title"), "hizo list").waiting(true).of_safe(name),
        percent: done.saturating_mul(100).checked_div(total).unwrap_or(0).min(100),
        done: match total {
            0 => t.say("opening-begins"),
            _ => t.two("opening-done", "done", done, "total", total),
        },
        before,
    })
}
