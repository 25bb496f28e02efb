//! The time that a device claims for its own record: RFC 3339, UTC, whole seconds, one form.

use std::fmt;

/// Length of the text: `2027-05-03T09:12:44Z`.
const TEXT_BYTES: usize = 20;
/// A digit stands at every `0`; everything else stands for itself.
const SHAPE: &[u8; TEXT_BYTES] = b"0000-00-00T00:00:00Z";
const FIRST_YEAR: u64 = 1970;
const LAST_YEAR: u64 = 9999;
const SECONDS_PER_DAY: u64 = 86_400;
/// Days before each month of a common year.
const DAYS_BEFORE_MONTH: [u64; 12] = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];

/// The text is not a time that a record can carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a time is written like 2027-05-03T09:12:44Z, from 1970 to 9999")]
pub struct NotATime;

/// What a device says the time was: nobody checks it, and a proof shows it as the device's word only.
///
/// Years 1970 to 9999, no leap second, no fraction, `Z` only. Texts sort as the times do.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClaimedTime([u8; TEXT_BYTES]);

impl ClaimedTime {
    /// Reads the one form of a time.
    ///
    /// # Errors
    /// [`NotATime`] for any other text, and for a day or an hour that does not exist.
    pub fn parse(text: &str) -> Result<Self, NotATime> {
        let bytes: [u8; TEXT_BYTES] = text.as_bytes().try_into().map_err(|_| NotATime)?;
        let shaped = bytes.iter().zip(SHAPE).all(|(byte, shape)| match shape {
            b'0' => byte.is_ascii_digit(),
            other => byte == other,
        });
        let time = Self(bytes);
        let [year, month, day, hour, minute, second] = time.parts();
        let exists = (FIRST_YEAR..=LAST_YEAR).contains(&year)
            && (1..=12).contains(&month)
            && (1..=days_in_month(year, month)).contains(&day)
            && hour < 24
            && minute < 60
            && second < 60;
        if shaped && exists { Ok(time) } else { Err(NotATime) }
    }

    /// The text of so many seconds since 1970-01-01T00:00:00Z, leap seconds not counted.
    ///
    /// # Errors
    /// [`NotATime`] past the year 9999.
    pub fn from_unix_seconds(seconds: u64) -> Result<Self, NotATime> {
        let (days, rest) = (seconds / SECONDS_PER_DAY, seconds % SECONDS_PER_DAY);
        // No year has more than 366 days, so that the guess is never too late.
        let mut year = FIRST_YEAR.saturating_add(days / 366);
        while year <= LAST_YEAR && days_before(year.saturating_add(1), 1) <= days {
            year = year.saturating_add(1);
        }
        if year > LAST_YEAR {
            return Err(NotATime);
        }
        let month = (1..=12).rev().find(|month| days_before(year, *month) <= days).ok_or(NotATime)?;
        let day = days.saturating_sub(days_before(year, month)).saturating_add(1);
        let (hour, minute, second) = (rest / 3600, rest / 60 % 60, rest % 60);
        Self::parse(&format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z"))
    }

    /// Seconds since 1970-01-01T00:00:00Z, leap seconds not counted.
    pub fn unix_seconds(&self) -> u64 {
        let [year, month, day, hour, minute, second] = self.parts();
        days_before(year, month)
            .saturating_add(day)
            .saturating_sub(1)
            .saturating_mul(SECONDS_PER_DAY)
            .saturating_add(hour.saturating_mul(3600))
            .saturating_add(minute.saturating_mul(60))
            .saturating_add(second)
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// Year, month, day, hour, minute, second.
    fn parts(&self) -> [u64; 6] {
        [0..4, 5..7, 8..10, 11..13, 14..16, 17..19].map(|places| {
            let digits = self.0.get(places).unwrap_or_default();
            digits.iter().fold(0_u64, |value, digit| {
                value.saturating_mul(10).saturating_add(u64::from(digit.saturating_sub(b'0')))
            })
        })
    }
}

impl fmt::Display for ClaimedTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for ClaimedTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ClaimedTime({self})")
    }
}

fn is_leap(year: u64) -> bool {
    (year.is_multiple_of(4) && !year.is_multiple_of(100)) || year.is_multiple_of(400)
}

fn days_in_month(year: u64, month: u64) -> u64 {
    match month {
        2 => 28_u64.saturating_add(u64::from(is_leap(year))),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days from 1970-01-01 to the first of this month.
fn days_before(year: u64, month: u64) -> u64 {
    let leap_days_until = |year: u64| (year / 4).saturating_sub(year / 100).saturating_add(year / 400);
    let whole_years = year.saturating_sub(FIRST_YEAR).saturating_mul(365);
    let leap_days =
        leap_days_until(year.saturating_sub(1)).saturating_sub(leap_days_until(FIRST_YEAR.saturating_sub(1)));
    let this_leap_day = u64::from(month > 2 && is_leap(year));
    let in_year = usize::try_from(month).ok().and_then(|month| DAYS_BEFORE_MONTH.get(month.saturating_sub(1)));
    whole_years.saturating_add(leap_days).saturating_add(in_year.copied().unwrap_or(0)).saturating_add(this_leap_day)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects)]

    use super::*;

    #[test]
    fn seconds_and_texts_agree() {
        // Known points: the epoch, both ends of leap days, a century that leaps and one that does not.
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_399, "2000-02-28T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (951_868_800, "2000-03-01T00:00:00Z"),
            (1_000_000_000, "2001-09-09T01:46:40Z"),
            (4_107_542_399, "2100-02-28T23:59:59Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
            (253_402_300_799, "9999-12-31T23:59:59Z"),
        ] {
            assert_eq!(ClaimedTime::from_unix_seconds(seconds).unwrap().as_str(), text);
            assert_eq!(ClaimedTime::parse(text).unwrap().unix_seconds(), seconds);
        }
        for seconds in [253_402_300_800, u64::MAX] {
            assert_eq!(ClaimedTime::from_unix_seconds(seconds), Err(NotATime));
        }
    }

    #[test]
    fn every_day_follows_the_day_before() {
        let mut last = ClaimedTime::from_unix_seconds(0).unwrap();
        for day in 1..150_000_u64 {
            let next = ClaimedTime::from_unix_seconds(day * SECONDS_PER_DAY).unwrap();
            assert!(last < next && next.unix_seconds() == day * SECONDS_PER_DAY, "{last} {next}");
            last = next;
        }
    }

    #[test]
    fn other_spellings_and_days_that_do_not_exist_are_refused() {
        for wrong in [
            "",
            "2027-05-03T09:12:44",
            "2027-05-03T09:12:44z",
            "2027-05-03t09:12:44Z",
            "2027-05-03 09:12:44Z",
            "2027-05-03T09:12:44+00:00",
            "2027-05-03T09:12:44.0Z",
            "2027-5-03T09:12:44ZZ",
            "+027-05-03T09:12:44Z",
            "1969-12-31T23:59:59Z",
            "2027-00-03T09:12:44Z",
            "2027-13-03T09:12:44Z",
            "2027-05-00T09:12:44Z",
            "2027-04-31T09:12:44Z",
            "2027-02-29T09:12:44Z",
            "2100-02-29T09:12:44Z",
            "2027-05-03T24:00:00Z",
            "2027-05-03T09:60:44Z",
            "2016-12-31T23:59:60Z",
            "２７-05-03T09:12:44Z",
        ] {
            assert_eq!(ClaimedTime::parse(wrong), Err(NotATime), "{wrong:?} was read as a time");
        }
    }
}
