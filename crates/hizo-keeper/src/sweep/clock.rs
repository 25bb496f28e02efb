//! The clock by which a sweep removes: seconds that a keeper has seen pass, in one small file of its folder.

use std::path::Path;
use std::time::Duration;

use hizo_store::disk::SystemDisk;
use hizo_store::published::PublishedFiles;

use crate::{Error, log};

const FILE: &str = "sweep";
const FIRST_LINE: &str = "hizo/sweep/v1";

/// What is counted at most for the time in which nobody looked, in seconds. So a single setting of the system's clock never
/// makes up the time that a mark has to stand.
const UNSEEN_SECONDS_MAX: u64 = super::MARKED_SECONDS / 2;

/// Seconds that have passed, never more than there were: setting the system's clock forward or back does not move it on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SweepClock {
    seconds: u64,
    /// When it was read last, in seconds since 1970.
    seen: Option<u64>,
}

impl SweepClock {
    /// As it was written down in a keeper's folder. A file that cannot be read as such is as good as none: it begins anew, and
    /// everything that is marked waits once more.
    ///
    /// # Errors
    /// The store's.
    pub fn load(data: &Path) -> Result<Self, Error> {
        let text = files(data)?.read(FILE).map_err(log::Error::from)?;
        Ok(text.and_then(|text| Self::parse(std::str::from_utf8(&text).ok()?)).unwrap_or_default())
    }

    /// Writes it down: durable on return.
    ///
    /// # Errors
    /// The store's.
    pub fn save(&self, data: &Path) -> Result<(), Error> {
        Ok(files(data)?.publish(FILE, self.text().as_bytes()).map_err(log::Error::from)?)
    }

    /// What it says.
    pub const fn seconds(&self) -> u64 {
        self.seconds
    }

    /// For whoever has run for so long by a clock that nobody sets, until `now` in seconds since 1970.
    #[must_use]
    pub const fn ran(self, time: Duration, now: u64) -> Self {
        Self { seconds: self.seconds.saturating_add(time.as_secs()), seen: Some(now) }
    }

    /// For whoever comes now and then, in seconds since 1970: what has passed since the last time, but 12 hours at most.
    #[must_use]
    pub fn looked_at(self, now: u64) -> Self {
        let passed = self.seen.map_or(0, |seen| now.saturating_sub(seen));
        Self { seconds: self.seconds.saturating_add(passed.min(UNSEEN_SECONDS_MAX)), seen: Some(now) }
    }

    fn text(&self) -> String {
        let seen = self.seen.map_or_else(|| "-".to_owned(), |seen| seen.to_string());
        format!("{FIRST_LINE}\nseconds {}\nseen {seen}\n", self.seconds)
    }

    fn parse(text: &str) -> Option<Self> {
        let mut lines = text.lines();
        if lines.next() != Some(FIRST_LINE) {
            return None;
        }
        let seconds = lines.next()?.strip_prefix("seconds ")?.parse().ok()?;
        let seen = match lines.next()?.strip_prefix("seen ")? {
            "-" => None,
            seen => Some(seen.parse().ok()?),
        };
        let clock = Self { seconds, seen };
        (clock.text() == text).then_some(clock)
    }
}

fn files(data: &Path) -> Result<PublishedFiles<SystemDisk>, Error> {
    Ok(PublishedFiles::open(SystemDisk, data).map_err(log::Error::from)?)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::sweep::MARKED_SECONDS;

    #[test]
    fn no_single_setting_of_the_systems_clock_makes_up_the_time_of_a_mark() {
        let begun = SweepClock::default().looked_at(1_000_000);
        assert_eq!(begun.seconds(), 0, "what was before is not known");
        assert_eq!(begun.looked_at(1_000_100).seconds(), 100);
        let forward = begun.looked_at(u64::MAX);
        assert!(forward.seconds() < MARKED_SECONDS);
        let back = forward.looked_at(1_000_000);
        assert_eq!(back.seconds(), forward.seconds(), "set back it stands");
        assert_eq!(back.looked_at(1_000_060).seconds(), back.seconds() + 60, "and goes on from there");
        let ran = back.ran(Duration::from_secs(7), u64::MAX);
        assert_eq!(ran.seconds(), back.seconds() + 7, "whoever runs looks at no clock that is set");
    }

    #[test]
    fn it_is_written_down_and_what_is_no_clock_begins_anew() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(SweepClock::load(folder.path()).unwrap(), SweepClock::default());
        let clock = SweepClock::default().ran(Duration::from_secs(5), 77);
        for clock in [SweepClock::default(), clock] {
            clock.save(folder.path()).unwrap();
            assert_eq!(SweepClock::load(folder.path()).unwrap(), clock);
        }
        for text in [
            "",
            "hizo/sweep/v1\nseconds 5\n",
            "hizo/sweep/v2\nseconds 5\nseen -\n",
            "hizo/sweep/v1\nseconds 05\nseen -\n",
        ] {
            std::fs::write(folder.path().join(FILE), text).unwrap();
            assert_eq!(SweepClock::load(folder.path()).unwrap(), SweepClock::default(), "{text:?}");
        }
    }
}
