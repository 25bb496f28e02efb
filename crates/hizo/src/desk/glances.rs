//! What a list says of many safes of one person, so that not each of them is opened each time that somebody looks at the list.

use std::any::Any;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::thread;
use std::time::{Duration, Instant};

use hizo_ledger::space::Head;

use super::session::{FRESH, Looked, Unlocked};
use crate::failure::Outcome;
use crate::keeper::Keeper;

/// So many are looked at while their page is waited for; more are looked at behind it.
const AT_ONCE: usize = 8;

/// How long what is known of a longer list is shown before its keepers are asked again.
const REST: Duration = Duration::from_secs(60);

/// So many are looked at in the same moment behind a page.
const LANES: usize = 2;

/// What is known of each safe, by its folder.
#[derive(Default)]
pub(super) struct Glances(Mutex<Known>);

#[derive(Default)]
struct Known {
    found: HashMap<PathBuf, Glance>,
    /// How often something was forgotten: what was looked at before that is not remembered after it.
    forgotten: u64,
    /// Whether somebody looks at them behind a page.
    is_looking: bool,
}

struct Glance {
    /// The head that it was made of; none where the safe could not be looked at.
    head: Option<Head>,
    since: Instant,
    said: Arc<dyn Any + Send + Sync>,
}

/// What is known of safes for a list.
pub(crate) struct Glanced<T> {
    pub found: Vec<Arc<Outcome<T>>>,
    /// How many nobody has looked at yet.
    pub unknown: usize,
    /// Whether some of them may have gone on since.
    pub is_older: bool,
}

impl Glances {
    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Somebody changes something in that safe.
    pub(super) fn forget(&self, folder: &Path) {
        let mut known = self.known();
        known.forgotten = known.forgotten.wrapping_add(1);
        known.found.remove(folder);
    }

    /// That safe was looked at, and this is its head: what was made of another one is forgotten.
    pub(super) fn compare(&self, folder: &Path, head: Head) {
        if self.head(folder).is_some_and(|known| known != head) {
            self.forget(folder);
        }
    }

    fn head(&self, folder: &Path) -> Option<Head> {
        self.known().found.get(folder)?.head
    }

    /// Those of which nothing is known, or nothing since then.
    fn older(&self, homes: &[PathBuf], than: Duration) -> Vec<PathBuf> {
        let known = self.known();
        let is_fresh = |home: &&PathBuf| known.found.get(*home).is_some_and(|glance| glance.since.elapsed() < than);
        homes.iter().filter(|home| !is_fresh(home)).cloned().collect()
    }

    fn is_unknown(&self, home: &Path) -> bool {
        !self.known().found.contains_key(home)
    }

    /// Whether nobody looks at them yet; from now on somebody does.
    fn begin(&self) -> bool {
        !std::mem::replace(&mut self.known().is_looking, true)
    }

    fn end(&self) {
        self.known().is_looking = false;
    }

    /// What was found is still so.
    fn again(&self, folder: &Path) {
        if let Some(glance) = self.known().found.get_mut(folder) {
            glance.since = Instant::now();
        }
    }

    /// Remembers what was found, unless something was forgotten since `forgotten`.
    fn remember(&self, folder: &Path, forgotten: u64, head: Option<Head>, said: Arc<dyn Any + Send + Sync>) {
        let mut known = self.known();
        if known.forgotten == forgotten {
            known.found.insert(folder.to_owned(), Glance { head, since: Instant::now(), said });
        }
    }
}

impl Unlocked {
    /// What `say` says of these safes. Of a few, as they are now; of many, as they were when they were looked at last, and they are
    /// looked at again behind the page.
    pub(crate) fn glance<T: Any + Send + Sync>(
        self: &Arc<Self>,
        homes: &[PathBuf],
        say: fn(&Looked, &Self) -> Outcome<T>,
    ) -> Outcome<Glanced<T>> {
        // Whether the unlocked safe is what it was is asked of what is open already.
        if homes.contains(&self.folder) {
            self.glance_at(&self.folder, say);
        }
        let due = self.glances.older(homes, FRESH);
        let new: Vec<_> = due.iter().filter(|home| self.glances.is_unknown(home)).cloned().collect();
        let now = if due.len() <= AT_ONCE { due } else { new };
        if now.len() <= AT_ONCE {
            now.iter().for_each(|home| self.glance_at(home, say));
        }
        let later = self.glances.older(homes, REST);
        if !later.is_empty() {
            self.glance_behind(later, say)?;
        }
        let known = self.glances.known();
        let found: Vec<Arc<Outcome<T>>> =
            homes.iter().filter_map(|home| Arc::clone(&known.found.get(home)?.said).downcast().ok()).collect();
        let unknown = homes.len() - found.len();
        drop(known);
        Ok(Glanced { found, unknown, is_older: !self.glances.older(homes, FRESH).is_empty() })
    }

    /// Looks at one of them, if its head is another one than what is known was made of.
    fn glance_at<T: Any + Send + Sync>(&self, folder: &Path, say: fn(&Looked, &Self) -> Outcome<T>) {
        let forgotten = self.glances.known().forgotten;
        let last = self.glances.head(folder);
        let is_own = folder == self.folder;
        if last.is_some() && !is_own && self.is_still(folder, last) {
            return self.glances.again(folder);
        }
        let looked = if is_own { self.look() } else { self.look_apart(folder) };
        let head = looked.as_ref().ok().map(|looked| looked.safe.chain.head());
        if last.is_some() && head == last {
            return self.glances.again(folder);
        }
        let said = looked.and_then(|looked| say(&looked, self));
        let head = head.filter(|_| said.is_ok());
        self.glances.remember(folder, forgotten, head, Arc::new(said));
    }

    /// Whether its keeper says that it is still at this head, or cannot be asked.
    fn is_still(&self, folder: &Path, last: Option<Head>) -> bool {
        let asked = || {
            let home = self.reached(folder)?;
            Keeper::open(&home)?.head(home.space)
        };
        match asked() {
            Ok(head) => head == last,
            Err(failure) => failure.is_out_of_reach(),
        }
    }

    /// Looks at them behind the page, unless somebody does so already, until it is done or the safe is locked.
    fn glance_behind<T: Any + Send + Sync>(
        self: &Arc<Self>,
        homes: Vec<PathBuf>,
        say: fn(&Looked, &Self) -> Outcome<T>,
    ) -> Outcome<()> {
        if !self.glances.begin() {
            return Ok(());
        }
        let (unlocked, homes) = (Arc::downgrade(self), Mutex::new(homes.into_iter()));
        let next = move || homes.lock().unwrap_or_else(PoisonError::into_inner).next();
        let all = move || {
            let _end = EndsLooking(&unlocked);
            thread::scope(|scope| {
                for _ in 0..LANES {
                    scope.spawn(|| {
                        // Its secrets go with the last who holds it: it is held for one safe at a time.
                        while let Some((unlocked, home)) = unlocked.upgrade().zip(next()) {
                            unlocked.glance_at(&home, say);
                        }
                    });
                }
            });
        };
        let begun = thread::Builder::new().spawn(all);
        begun.map(drop).map_err(|error| {
            self.glances.end();
            crate::failure::Failure::internal(error)
        })
    }
}

/// Somebody looks behind a page until this goes, whatever ends it.
struct EndsLooking<'a>(&'a Weak<Unlocked>);

impl Drop for EndsLooking<'_> {
    fn drop(&mut self) {
        if let Some(unlocked) = self.0.upgrade() {
            unlocked.glances.end();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use hizo_ledger::id::RecordId;

    #[test]
    fn what_was_looked_at_before_a_change_is_not_remembered_after_it() {
        let (glances, home) = (Glances::default(), PathBuf::from("one"));
        let homes = [home.clone()];
        let head = |number| Head { number, id: RecordId::from_bytes([7; 32]) };
        let said = || Arc::new(()) as Arc<dyn Any + Send + Sync>;
        glances.remember(&home, 0, Some(head(3)), said());
        assert!(!glances.is_unknown(&home) && glances.older(&homes, REST).is_empty());
        assert_eq!(glances.older(&homes, Duration::ZERO), homes);
        glances.compare(&home, head(3));
        assert!(!glances.is_unknown(&home));
        glances.compare(&home, head(4));
        assert!(glances.is_unknown(&home));
        glances.remember(&home, 0, Some(head(3)), said());
        assert!(glances.is_unknown(&home), "that was looked at before somebody changed it");
        glances.remember(&home, 1, Some(head(4)), said());
        assert_eq!(glances.head(&home), Some(head(4)));
    }

    #[test]
    fn one_looks_behind_a_page_at_a_time() {
        let glances = Glances::default();
        assert!(glances.begin() && !glances.begin());
        glances.end();
        assert!(glances.begin());
    }
}
