//! Work that takes long: it goes on when its page is closed, and shows bytes, rate and time left.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use askama::Template;

use super::{Frame, Reply, Unlocked, Visit, shown};
use crate::console::bytes;
use crate::failure::{Failure, Outcome};
use crate::words::{Words, words};

/// Works of one safe that are remembered.
const WORKS_MAX: usize = 64;

/// All of one safe, from when the desk was opened: locking ends no work, and whoever unlocks again finds what came of it.
#[derive(Default)]
pub(crate) struct Works(Mutex<Vec<Arc<Work>>>);

/// By the folder of the safe.
static ALL: LazyLock<Mutex<HashMap<PathBuf, Arc<Works>>>> = LazyLock::new(Mutex::default);

/// Work that goes on, or whose end nobody has looked at.
pub(crate) struct Unread {
    pub to: String,
    pub title: String,
    pub tone: &'static str,
    pub word: String,
}

/// One of them.
pub(crate) struct Work {
    number: u64,
    title: Words,
    begun: Instant,
    total: AtomicU64,
    done: AtomicU64,
    end: OnceLock<Outcome<Ended>>,
    /// Somebody has seen its end.
    is_read: AtomicBool,
}

/// What came of it.
pub(crate) struct Ended {
    /// The page that shows it.
    pub go: String,
    /// What has to be said first.
    pub notes: Vec<Words>,
}

impl Works {
    /// Those of the safe in this folder.
    pub(super) fn of(folder: &Path) -> Arc<Self> {
        let folder = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
        Arc::clone(ALL.lock().unwrap_or_else(PoisonError::into_inner).entry(folder).or_default())
    }

    /// What has to be looked at, the newest first.
    pub(crate) fn unread(&self, visit: &Visit) -> Vec<Unread> {
        let (t, language) = (visit.text(), visit.language());
        let all = self.all();
        let unread = all.iter().rev().filter(|work| !work.is_read.load(Ordering::Relaxed));
        let row = |work: &Arc<Work>| {
            let (tone, word) = match work.end.get() {
                None => ("wait", "work-pending"),
                Some(Ok(_)) => ("ok", "work-ended"),
                Some(Err(_)) => ("bad", "work-failed"),
            };
            let to = visit.at(&format!("/work/{}", work.number));
            Unread { to, title: work.title.to(language).to_owned(), tone, word: t.say(word) }
        };
        unread.map(row).collect()
    }

    fn all(&self) -> MutexGuard<'_, Vec<Arc<Work>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether something is going on.
    pub(crate) fn is_busy(&self) -> bool {
        self.all().iter().any(|work| work.end.get().is_none())
    }

    fn get(&self, number: u64) -> Option<Arc<Work>> {
        self.all().iter().find(|work| work.number == number).cloned()
    }
}

impl Work {
    /// So many bytes are to be dealt with.
    pub(crate) fn expect(&self, bytes: u64) {
        self.total.store(bytes, Ordering::Relaxed);
    }

    pub(crate) fn add(&self, bytes: u64) {
        self.done.fetch_add(bytes, Ordering::Relaxed);
    }
}

/// Begins work on a safe, and shows how far it has come.
pub(crate) fn begin(
    visit: &Visit,
    unlocked: &Arc<Unlocked>,
    title: Words,
    doing: impl FnOnce(&Unlocked, &Work) -> Outcome<Ended> + Send + 'static,
) -> Outcome<Reply> {
    let work = {
        let mut all = unlocked.works.all();
        let number = all.last().map_or(0, |last| last.number + 1);
        let work = Arc::new(Work {
            number,
            title,
            begun: Instant::now(),
            total: AtomicU64::new(0),
            done: AtomicU64::new(0),
            end: OnceLock::new(),
            is_read: AtomicBool::new(false),
        });
        if all.len() >= WORKS_MAX {
            let ended = |work: &&Arc<Work>| work.end.get().is_some();
            let read = all.iter().position(|work| ended(&work) && work.is_read.load(Ordering::Relaxed));
            read.or_else(|| all.iter().position(|work| ended(&work))).map(|over| all.remove(over));
        }
        all.push(Arc::clone(&work));
        work
    };
    let (number, unlocked, begun) = (work.number, Arc::clone(unlocked), Arc::clone(&work));
    let run = move || {
        let done = catch_unwind(AssertUnwindSafe(|| doing(&unlocked, &work)));
        let done = done.unwrap_or_else(|_| {
            Err(Failure::internal_message(words!("hizo stopped inside", "hizo が途中で止まりました")))
        });
        let _ = work.end.set(done);
    };
    thread::Builder::new().name(String::from("desk-work")).spawn(run).map_err(|error| {
        // What never began goes on no longer.
        let _ =
            begun.end.set(Err(Failure::internal_message(words!("hizo stopped inside", "hizo が途中で止まりました"))));
        Failure::internal(error)
    })?;
    Ok(visit.go(&format!("/work/{number}")))
}

#[derive(Template)]
#[template(path = "work.html")]
struct WorkPage<'v> {
    f: Frame<'v>,
    /// Still going on.
    goes_on: bool,
    percent: u64,
    done: String,
    total: Option<String>,
    rate: Option<String>,
    left: Option<String>,
    notes: Vec<String>,
    go: String,
}

/// How far it has come; once it is done, what came of it.
pub(super) fn page(visit: &Visit, unlocked: &Arc<Unlocked>) -> Outcome<Reply> {
    let work = visit.param("work").parse().ok().and_then(|number| unlocked.works.get(number));
    let Some(work) = work else { return Ok(visit.go("/")) };
    let (language, t) = (visit.language(), visit.text());
    work.is_read.store(work.end.get().is_some(), Ordering::Relaxed);
    let (notes, go) = match work.end.get() {
        None => (Vec::new(), String::new()),
        Some(Ok(ended)) if ended.notes.is_empty() => return Ok(visit.go(&ended.go)),
        Some(Ok(ended)) => (ended.notes.iter().map(|note| note.to(language).to_owned()).collect(), visit.at(&ended.go)),
        Some(Err(failure)) => return visit.failed(failure),
    };
    let goes_on = work.end.get().is_none();
    let (total, done) = (work.total.load(Ordering::Relaxed), work.done.load(Ordering::Relaxed));
    let took = work.begun.elapsed();
    let rate = (done as f64 / took.as_secs_f64().max(0.001)) as u64;
    let is_known = goes_on && total > 0 && took > Duration::from_secs(1) && rate > 0;
    visit.page(&WorkPage {
        f: visit.frame(work.title.to(language), "").tab(t.say("tab-work")).waiting(goes_on),
        goes_on,
        percent: done.saturating_mul(100).checked_div(total).unwrap_or(0).min(100),
        done: bytes(done),
        total: (total > 0).then(|| bytes(total)),
        rate: is_known.then(|| t.one("work-rate", "bytes", bytes(rate))),
        left: is_known.then(|| shown::left(t, total.saturating_sub(done) / rate)),
        notes,
        go,
    })
}
