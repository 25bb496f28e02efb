//! How far a scrub has come and what it has found, over starts: one small file of the keeper's folder.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use hizo_ledger::id::{ObjectId, SpaceId};
use hizo_store::disk::SystemDisk;
use hizo_store::published::PublishedFiles;

use super::{Damage, Directory, Mark, Scrubbed, Step};
use crate::{Error, log};

const FIRST_LINE: &str = "hizo/scrub/v2";

/// What is damaged and written down, at most, of each reading: a disk that has lost everything says as much. It fits into one
/// published file.
pub const LOST_MAX: usize = 4_000;

/// What may be read between two times at which it is written down how far it has come, in bytes of [`Step::cost`].
const SAVE_COST: u64 = 256 << 20;

/// Shorter pauses are taken together, in bytes of [`Step::cost`].
const PAUSE_COST: u64 = 64 << 10;

/// Whose readings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// The running service's.
    Service,
    /// Those that a person begins.
    Hand,
}

impl By {
    const fn file(self) -> &'static str {
        match self {
            Self::Service => "scrub",
            Self::Hand => "scrub.by-hand",
        }
    }
}

/// How far a scrub has come. Times are in seconds since 1970.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    /// When the present reading began, or the last one.
    pub began: u64,
    /// When the last whole reading began: nothing that was there then was read longer ago.
    pub read: Option<u64>,
    /// Where the present reading goes on; `None` when it is over.
    pub at: Option<Mark>,
    /// What the reading before the present one found that nobody could mend; empty when the present one was whole.
    pub before: BTreeSet<Damage>,
    /// What the present reading found that nobody could mend, or the last one.
    pub lost: BTreeSet<Damage>,
}

impl Progress {
    /// What is written down in a keeper's folder. A file that cannot be read, or not as such, is as good as none: then everything is
    /// read anew.
    ///
    /// # Errors
    /// The store's.
    pub fn load(data: &Path, by: By) -> Result<Option<Self>, Error> {
        let text = files(data)?.read(by.file()).unwrap_or_default();
        Ok(text.and_then(|text| Self::parse(std::str::from_utf8(&text).ok()?)))
    }

    /// What is known to be damaged by the newest whole reading, whoever made it, and by what was read since; and when that one began.
    ///
    /// # Errors
    /// The store's.
    pub fn known(data: &Path) -> Result<Option<(u64, usize)>, Error> {
        let each = [Self::load(data, By::Service)?, Self::load(data, By::Hand)?];
        let each: Vec<_> = each.iter().flatten().collect();
        let whole = each.iter().filter_map(|one| one.read).max();
        let Some(since) = whole.or_else(|| each.iter().map(|one| one.began).min()) else { return Ok(None) };
        let mut lost = BTreeSet::new();
        for one in each {
            let is_last = whole.is_none() || one.read == whole;
            if is_last {
                lost.extend(one.before.iter());
            }
            // What is found while another reading is made is there, too.
            if is_last || one.at.is_some() || one.began > since {
                lost.extend(one.lost.iter());
            }
        }
        Ok(Some((since, lost.len())))
    }

    fn save(&self, data: &Path, by: By) -> Result<(), Error> {
        Ok(files(data)?.publish(by.file(), self.text().as_bytes()).map_err(log::Error::from)?)
    }

    fn text(&self) -> String {
        let read = self.read.map_or_else(|| "-".to_owned(), |read| read.to_string());
        let object = |object: Option<ObjectId>| object.map_or_else(|| "-".to_owned(), |object| object.to_string());
        let at = self.at.map_or_else(|| "-".to_owned(), |at| format!("{} {}", at.space, object(at.object)));
        let mut text = format!("{FIRST_LINE}\nbegan {}\nread {read}\nat {at}\n", self.began);
        for (word, damages) in [("before", &self.before), ("lost", &self.lost)] {
            text.extend(damages.iter().map(|damage| format!("{word} {}\n", line(damage))));
        }
        text
    }

    fn parse(text: &str) -> Option<Self> {
        let mut lines = text.lines();
        if lines.next() != Some(FIRST_LINE) {
            return None;
        }
        let mut value = |word: &str| lines.next()?.strip_prefix(word)?.strip_prefix(' ');
        let began = value("began")?.parse().ok()?;
        let read = match value("read")? {
            "-" => None,
            read => Some(read.parse().ok()?),
        };
        let at = match value("at")? {
            "-" => None,
            at => {
                let (space, object) = at.split_once(' ')?;
                let object = match object {
                    "-" => None,
                    object => Some(ObjectId::from_hex(object).ok()?),
                };
                Some(Mark { space: SpaceId::from_hex(space).ok()?, object })
            }
        };
        let (mut before, mut lost) = (BTreeSet::new(), BTreeSet::new());
        for line in lines {
            let (word, damage) = line.split_once(' ')?;
            match word {
                "before" => before.insert(damage_of(damage)?),
                "lost" => lost.insert(damage_of(damage)?),
                _ => return None,
            };
        }
        let progress = Self { began, read, at, before, lost };
        (progress.text() == text).then_some(progress)
    }
}

fn line(damage: &Damage) -> String {
    match damage {
        Damage::Object { at: place, space, object } => format!("object {} {space} {object}", place.word()),
        Damage::File { at: place, path } => format!("file {} {path}", place.word()),
        Damage::Journal { at: place, what } => format!("journal {} {what}", place.word()),
    }
}

fn damage_of(line: &str) -> Option<Damage> {
    let (kind, rest) = line.split_once(' ')?;
    let (at, what) = rest.split_once(' ')?;
    let at = [Directory::First, Directory::Second].into_iter().find(|one| one.word() == at)?;
    match kind {
        "object" => {
            let (space, object) = what.split_once(' ')?;
            let (space, object) = (SpaceId::from_hex(space).ok()?, ObjectId::from_hex(object).ok()?);
            Some(Damage::Object { at, space, object })
        }
        "file" => Some(Damage::File { at, path: what.to_owned() }),
        "journal" => Some(Damage::Journal { at, what: what.to_owned() }),
        _ => None,
    }
}

/// A reading that is under way: it takes its time, and writes down how far it has come.
pub struct Reading<'a> {
    data: &'a Path,
    by: By,
    bytes_per_second: u64,
    progress: Progress,
    /// What was found by it before it was cut short.
    earlier: BTreeSet<Damage>,
    unpaused: u64,
    unsaved: u64,
}

impl<'a> Reading<'a> {
    /// Goes on with the reading that was cut short, or begins one at this time.
    ///
    /// # Errors
    /// The store's.
    pub fn begin(data: &'a Path, by: By, bytes_per_second: u64, now: u64) -> Result<Self, Error> {
        let progress = match Progress::load(data, by)? {
            Some(known) if known.at.is_some() => known,
            known => {
                // Also what one before it had found that did not come to its end.
                let known = known.map(|known| (known.read, most(known.before.union(&known.lost))));
                let (read, before) = known.unwrap_or_default();
                Progress { began: now, read, at: Some(Mark::BEGINNING), before, lost: BTreeSet::new() }
            }
        };
        progress.save(data, by)?;
        let earlier = progress.lost.clone();
        Ok(Self { data, by, bytes_per_second, progress, earlier, unpaused: 0, unsaved: 0 })
    }

    /// Where it begins, or goes on.
    pub fn from(&self) -> Option<Mark> {
        self.progress.at
    }

    /// Whether it goes on with one that was cut short.
    pub fn is_resumed(&self) -> bool {
        self.progress.at != Some(Mark::BEGINNING)
    }

    /// Takes note of a piece of work, and its time: `rest` waits for as long as it is told, and says whether to go on.
    pub fn step(&mut self, step: &Step<'_>, rest: &mut dyn FnMut(Duration) -> bool) -> bool {
        self.unpaused = self.unpaused.saturating_add(step.cost);
        self.unsaved = self.unsaved.saturating_add(step.cost);
        self.progress.at = step.mark.or(self.progress.at);
        let mut pause = Duration::ZERO;
        if self.unpaused >= PAUSE_COST {
            pause = Duration::from_nanos(self.unpaused.saturating_mul(1_000_000_000) / self.bytes_per_second.max(1));
            self.unpaused = 0;
        }
        let goes_on = rest(pause);
        if self.unsaved >= SAVE_COST || !goes_on {
            self.note(step.found);
            // What cannot be written down is read once more.
            drop(self.progress.save(self.data, self.by));
            self.unsaved = 0;
        }
        goes_on
    }

    fn note(&mut self, found: &Scrubbed) {
        self.progress.lost = most(self.earlier.union(&found.lost));
    }

    /// What came of it, written down; where there was no more time, it goes on another time.
    ///
    /// # Errors
    /// The store's.
    pub fn end(mut self, found: &Scrubbed, has_time: bool) -> Result<Progress, Error> {
        self.note(found);
        if has_time {
            self.progress.at = None;
        }
        if found.is_whole {
            self.progress.before.clear();
            self.progress.read = Some(self.progress.began);
        }
        self.progress.save(self.data, self.by)?;
        Ok(self.progress)
    }
}

/// As much of it as is written down: journals and files of the log before objects, of which there are many.
fn most<'d>(lost: impl Iterator<Item = &'d Damage>) -> BTreeSet<Damage> {
    let (objects, others): (Vec<_>, Vec<_>) = lost.partition(|damage| matches!(damage, Damage::Object { .. }));
    others.into_iter().chain(objects).take(LOST_MAX).cloned().collect()
}

fn files(data: &Path) -> Result<PublishedFiles<SystemDisk>, Error> {
    Ok(PublishedFiles::open(SystemDisk, data).map_err(log::Error::from)?)
}
