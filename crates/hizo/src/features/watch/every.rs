//! How often a folder is deposited.

use std::str::FromStr;

use crate::words::{Words, words};

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;
const WEEK: u64 = 7 * DAY;

/// The shortest interval: every timer can tick as often.
const SHORTEST_SECONDS: u64 = 15 * MINUTE;

/// The longest interval.
const LONGEST_SECONDS: u64 = 4 * WEEK;

/// An interval: a multiple of 15 minutes, from 15 minutes to 4 weeks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Every {
    seconds: u64,
}

impl Every {
    /// The interval of so many seconds, if there may be one.
    pub(crate) fn from_seconds(seconds: u64) -> Option<Self> {
        let fits = (SHORTEST_SECONDS..=LONGEST_SECONDS).contains(&seconds) && seconds.is_multiple_of(SHORTEST_SECONDS);
        fits.then_some(Self { seconds })
    }

    pub(crate) fn seconds(self) -> u64 {
        self.seconds
    }

    /// How often the timer asks whether a deposit is due: every hour, or every quarter of one for intervals that need it.
    pub(crate) fn tick_seconds(self) -> u64 {
        if self.seconds.is_multiple_of(HOUR) { HOUR } else { SHORTEST_SECONDS }
    }

    /// How much later than due a run may be before it counts as missed: half an interval, a day at most.
    pub(crate) fn grace_seconds(self) -> u64 {
        (self.seconds / 2).clamp(self.tick_seconds(), DAY)
    }

    /// In words, for after what is done.
    pub(crate) fn words(self) -> Words {
        let (count, unit) = self.largest_unit();
        match (count, unit) {
            (1, DAY) => words!("every day", "毎日"),
            (1, HOUR) => words!("every hour", "毎時"),
            (1, WEEK) => words!("every week", "毎週"),
            (_, WEEK) => words!("every {count} weeks", "{count}週間ごと"),
            (_, DAY) => words!("every {count} days", "{count}日ごと"),
            (_, HOUR) => words!("every {count} hours", "{count}時間ごと"),
            (_, _) => words!("every {count} minutes", "{count}分ごと"),
        }
    }

    fn largest_unit(self) -> (u64, u64) {
        let unit = [WEEK, DAY, HOUR].into_iter().find(|unit| self.seconds.is_multiple_of(*unit)).unwrap_or(MINUTE);
        (self.seconds / unit, unit)
    }
}

impl FromStr for Every {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let split = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        let (count, unit) = text.split_at(split);
        let unit = match unit {
            "m" => Some(MINUTE),
            "h" => Some(HOUR),
            "d" => Some(DAY),
            "w" => Some(WEEK),
            _ => None,
        };
        let seconds = count.parse::<u64>().ok().zip(unit).and_then(|(count, unit)| count.checked_mul(unit));
        seconds.and_then(Self::from_seconds).ok_or_else(|| {
            "write a number and m, h, d or w: a multiple of 15 minutes, at most 4 weeks; for example 1d".to_owned()
        })
    }
}

/// How long ago, in words: the largest unit that fits.
pub(crate) fn ago(seconds: u64) -> Words {
    let (count, unit) = match seconds {
        0..MINUTE => return words!("just now", "たった今"),
        MINUTE..HOUR => (seconds / MINUTE, MINUTE),
        HOUR..DAY => (seconds / HOUR, HOUR),
        _ => (seconds / DAY, DAY),
    };
    let s = if count == 1 { "" } else { "s" };
    let (en, ja) = match unit {
        MINUTE => ("minute", "分前"),
        HOUR => ("hour", "時間前"),
        _ => ("day", "日前"),
    };
    Words::both(format!("{count} {en}{s} ago"), format!("{count}{ja}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_are_written_as_people_write_them() {
        for (text, seconds) in
            [("15m", 900), ("90m", 5_400), ("1h", 3_600), ("36h", 129_600), ("1d", DAY), ("4w", 4 * WEEK)]
        {
            assert_eq!(text.parse::<Every>().unwrap().seconds(), seconds, "{text}");
        }
    }

    #[test]
    fn intervals_that_no_timer_can_keep_are_refused() {
        let all =
            ["", "1", "d", "0d", "-1d", "1 d", "1D", "1.5d", "1y", "14m", "20m", "5w", "99999999999999999999d", "1dd"];
        for text in all {
            assert!(text.parse::<Every>().is_err(), "{text:?} is refused");
        }
    }

    #[test]
    fn ticks_and_grace_follow_the_interval() {
        let every = |text: &str| text.parse::<Every>().unwrap();
        assert_eq!((every("15m").tick_seconds(), every("15m").grace_seconds()), (900, 900));
        assert_eq!((every("90m").tick_seconds(), every("90m").grace_seconds()), (900, 2_700));
        assert_eq!((every("1h").tick_seconds(), every("1h").grace_seconds()), (HOUR, HOUR));
        assert_eq!((every("1d").tick_seconds(), every("1d").grace_seconds()), (HOUR, DAY / 2));
        assert_eq!(every("1w").grace_seconds(), DAY);
    }

    #[test]
    fn intervals_and_distances_are_said_in_both_languages() {
        let said = |text: &str| text.parse::<Every>().unwrap().words();
        assert_eq!((said("1d").english(), said("24h").japanese()), ("every day", "毎日"));
        assert_eq!((said("12h").english(), said("12h").japanese()), ("every 12 hours", "12時間ごと"));
        assert_eq!((said("90m").english(), said("14d").japanese()), ("every 90 minutes", "2週間ごと"));
        assert_eq!((ago(5).english(), ago(61).english()), ("just now", "1 minute ago"));
        assert_eq!((ago(7_300).english(), ago(3 * DAY).japanese()), ("2 hours ago", "3日前"));
    }
}
