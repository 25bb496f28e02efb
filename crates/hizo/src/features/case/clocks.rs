//! Promised times: working days and office hours in Japan, and when a promise ends. See docs/spec/case.md, "Clocks".

use std::collections::BTreeSet;
use std::sync::OnceLock;

use jiff::civil::{Date, DateTime, Time, Weekday};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};

use crate::safe::JAPAN;
use crate::words::{Words, words};

/// The list of holidays that comes with the program.
const HOLIDAYS: &str = include_str!("../../../../../assets/holidays/japan.txt");

const OPENS: Time = jiff::civil::time(9, 0, 0, 0);
const CLOSES: Time = jiff::civil::time(17, 45, 0, 0);

/// Nobody promises anything that is further away: a walk through days ends.
const DAYS_MAX: u32 = 4000;

const DAY_SECONDS: u64 = 24 * 60 * 60;

/// After so many quiet days whoever holds a case is told that it will be closed.
pub(crate) const QUIET_DAYS_WARNED: u64 = 21;

/// Until when somebody has promised to act.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Promise {
    Nothing,
    SameDay,
    WorkingDays(u32),
    OfficeHours(u32),
    /// By the clock of the wall.
    WallHours(u64),
    /// From the last thing that anybody said.
    QuietDays(u64),
}

/// When a promise ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Due {
    /// In seconds since 1970.
    pub at: u64,
    /// It was counted through a year whose holidays are not known.
    pub is_beyond: bool,
}

/// Which days are off.
#[derive(Debug)]
pub(crate) struct Calendar {
    holidays: BTreeSet<Date>,
    /// The first and the last year that are known.
    years: (i16, i16),
}

impl Calendar {
    /// The calendar that comes with the program.
    pub(crate) fn japan() -> &'static Self {
        static CALENDAR: OnceLock<Calendar> = OnceLock::new();
        CALENDAR.get_or_init(|| Self::parse(HOLIDAYS).expect("the list that comes with the program is in its form"))
    }

    fn parse(text: &str) -> Option<Self> {
        let (head, days): (Vec<&str>, Vec<&str>) = text.lines().partition(|line| line.starts_with('#'));
        let covers = head.iter().find_map(|line| line.split_once("covers: "))?.1;
        let (first, last) = covers.split_once('-')?;
        let holidays: Option<BTreeSet<Date>> = days.iter().map(|line| line.split(' ').next()?.parse().ok()).collect();
        Some(Self { holidays: holidays?, years: (first.parse().ok()?, last.parse().ok()?) })
    }

    /// The last year whose holidays are known.
    pub(crate) const fn last_year(&self) -> i16 {
        self.years.1
    }

    fn knows(&self, date: Date) -> bool {
        (self.years.0..=self.years.1).contains(&date.year())
    }

    /// Whether public offices work on this day.
    pub(crate) fn is_working(&self, date: Date) -> bool {
        let is_weekend = matches!(date.weekday(), Weekday::Saturday | Weekday::Sunday);
        // Closed by law, whatever the weekday.
        let is_turn_of_year = matches!((date.month(), date.day()), (12, 29..=31) | (1, 1..=3));
        !(is_weekend || is_turn_of_year || self.holidays.contains(&date))
    }

    /// This moment if it is in office hours, else when the office opens next.
    fn opening(&self, at: DateTime) -> DateTime {
        if self.is_working(at.date()) && at.time() < CLOSES {
            return if at.time() < OPENS { at.date().to_datetime(OPENS) } else { at };
        }
        self.next_working(at.date()).to_datetime(OPENS)
    }

    fn next_working(&self, date: Date) -> Date {
        let behind = (1..=DAYS_MAX).filter_map(|days| date.checked_add(i64::from(days).days()).ok());
        let mut working = behind.filter(|date| self.is_working(*date));
        working.next().unwrap_or(date)
    }

    /// When a promise ends that was given at `since`; `quiet_since` is when anybody last said something.
    pub(crate) fn due(&self, promise: Promise, since: u64, quiet_since: u64) -> Option<Due> {
        let begins = japanese(since);
        let opening = self.opening(begins);
        let ends = match promise {
            Promise::Nothing => return None,
            Promise::WallHours(hours) => return Some(Due { at: since.saturating_add(hours * 3600), is_beyond: false }),
            Promise::QuietDays(days) => {
                return Some(Due { at: quiet_since.saturating_add(days * DAY_SECONDS), is_beyond: false });
            }
            Promise::SameDay => opening.date().to_datetime(CLOSES),
            Promise::WorkingDays(days) => {
                let date = (0..days).fold(opening.date(), |date, _| self.next_working(date));
                date.to_datetime(CLOSES)
            }
            Promise::OfficeHours(hours) => self.office_minutes(opening, i64::from(hours) * 60),
        };
        Some(Due { at: unix(ends), is_beyond: !(self.knows(begins.date()) && self.knows(ends.date())) })
    }

    fn office_minutes(&self, opening: DateTime, minutes: i64) -> DateTime {
        let (mut at, mut left) = (opening, minutes);
        for _ in 0..DAYS_MAX {
            let today = (unix(at.date().to_datetime(CLOSES)).saturating_sub(unix(at)) / 60) as i64;
            if left <= today {
                return at.checked_add(left.minutes()).unwrap_or(at);
            }
            left -= today;
            at = self.next_working(at.date()).to_datetime(OPENS);
        }
        at
    }

    /// When the office opens next; nothing while it is open.
    pub(crate) fn closed_until(&self, now: u64) -> Option<u64> {
        let at = japanese(now);
        let opening = self.opening(at);
        (opening != at).then(|| unix(opening))
    }

    /// What somebody is told who asks while nobody is there.
    pub(crate) fn out_of_hours(&self, now: u64) -> Option<Words> {
        let opens = japanese(self.closed_until(now)?);
        let (date, time) = (opens.strftime("%Y-%m-%d").to_string(), opens.strftime("%H:%M").to_string());
        let (english, japanese) = weekday(opens.weekday());
        let day = Words::both(english.to_owned(), japanese.to_owned());
        Some(words!(
            "outside the usual office hours of centres: they open on {day}, {date}, at {time} (Japan). What cannot wait: the police, 110, or their desk in your prefecture",
            "いまは窓口のふつうの受付時間外です。次に開くのは {date}（{day}）{time} です。待てないときは、警察（110番、または都道府県警察の窓口）に電話してください",
            date = date, time = time;
            day
        ))
    }
}

/// A moment as a clock on a wall in Japan shows it.
pub(crate) fn japanese(seconds: u64) -> DateTime {
    let seconds = i64::try_from(seconds).unwrap_or(i64::MAX);
    let moment = Timestamp::from_second(seconds).unwrap_or(Timestamp::MAX);
    moment.to_zoned(TimeZone::fixed(JAPAN)).datetime()
}

/// As people read it.
pub(crate) fn shown(seconds: u64) -> String {
    japanese(seconds).strftime("%Y-%m-%d %H:%M").to_string()
}

fn unix(at: DateTime) -> u64 {
    let zoned = at.to_zoned(TimeZone::fixed(JAPAN));
    zoned.ok().and_then(|zoned| u64::try_from(zoned.timestamp().as_second()).ok()).unwrap_or_default()
}

const fn weekday(day: Weekday) -> (&'static str, &'static str) {
    match day {
        Weekday::Monday => ("Monday", "月"),
        Weekday::Tuesday => ("Tuesday", "火"),
        Weekday::Wednesday => ("Wednesday", "水"),
        Weekday::Thursday => ("Thursday", "木"),
        Weekday::Friday => ("Friday", "金"),
        Weekday::Saturday => ("Saturday", "土"),
        Weekday::Sunday => ("Sunday", "日"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> u64 {
        unix(text.parse().unwrap())
    }

    fn ends(promise: Promise, since: &str) -> (String, bool) {
        let due = Calendar::japan().due(promise, at(since), at(since)).unwrap();
        (shown(due.at), due.is_beyond)
    }

    #[track_caller]
    fn check(promise: Promise, since: &str, until: &str) {
        assert_eq!(ends(promise, since), (until.to_owned(), false), "{promise:?} from {since}");
    }

    /// What the Act on National Holidays (articles 2 and 3) makes of a year, with the days of its equinoxes.
    fn by_the_act(year: i16, equinoxes: [(i8, i8); 2]) -> BTreeSet<Date> {
        let monday = |month, nth: i8| {
            let first = jiff::civil::date(year, month, 1);
            first.nth_weekday_of_month(nth, Weekday::Monday).unwrap()
        };
        let fixed = [(1, 1), (2, 11), (2, 23), (4, 29), (5, 3), (5, 4), (5, 5), (8, 11), (11, 3), (11, 23)];
        let mut days: BTreeSet<Date> =
            fixed.into_iter().chain(equinoxes).map(|(month, day)| jiff::civil::date(year, month, day)).collect();
        days.extend([monday(1, 2), monday(7, 3), monday(9, 3), monday(10, 2)]);
        let mut off = days.clone();
        for day in &days {
            if day.weekday() == Weekday::Sunday {
                let mut next = day.tomorrow().unwrap();
                while days.contains(&next) {
                    next = next.tomorrow().unwrap();
                }
                off.insert(next);
            }
            let between = day.tomorrow().unwrap();
            if days.contains(&between.tomorrow().unwrap()) && !days.contains(&between) {
                off.insert(between);
            }
        }
        off
    }

    #[test]
    fn the_list_is_what_the_act_makes_of_its_years() {
        let calendar = Calendar::japan();
        let equinoxes = [(2024, 20, 22), (2025, 20, 23), (2026, 20, 23), (2027, 21, 23)];
        let years = (equinoxes[0].0, equinoxes[3].0);
        assert_eq!(calendar.years, years, "a year more needs its equinoxes here");
        let expected: BTreeSet<Date> = equinoxes
            .iter()
            .flat_map(|(year, spring, autumn)| by_the_act(*year, [(3, *spring), (9, *autumn)]))
            .collect();
        assert_eq!(calendar.holidays, expected);
        // Between two holidays, and for a Sunday behind which two more follow.
        for off in ["2026-09-22", "2026-05-06", "2024-02-12", "2025-11-24", "2027-03-22"] {
            assert!(calendar.holidays.contains(&off.parse().unwrap()), "{off}");
        }
    }

    #[test]
    fn working_days_end_with_office_hours_and_pass_over_days_off() {
        // A Thursday, in hours, before them, at their end.
        check(Promise::WorkingDays(1), "2026-11-26T10:00", "2026-11-27 17:45");
        check(Promise::WorkingDays(1), "2026-11-26T06:00", "2026-11-27 17:45");
        check(Promise::WorkingDays(1), "2026-11-26T17:44", "2026-11-27 17:45");
        check(Promise::WorkingDays(1), "2026-11-26T17:45", "2026-11-30 17:45");
        check(Promise::WorkingDays(1), "2026-11-28T12:00", "2026-12-01 17:45");
        // Over the turn of the year, and over five days off in a row.
        check(Promise::WorkingDays(1), "2026-12-28T10:00", "2027-01-04 17:45");
        check(Promise::WorkingDays(2), "2026-09-18T10:00", "2026-09-25 17:45");
        check(Promise::WorkingDays(3), "2026-04-30T17:00", "2026-05-08 17:45");
        check(Promise::SameDay, "2026-11-26T10:00", "2026-11-26 17:45");
        check(Promise::SameDay, "2026-11-27T18:00", "2026-11-30 17:45");
    }

    #[test]
    fn office_hours_run_while_the_office_is_open_and_wall_hours_always() {
        check(Promise::OfficeHours(2), "2026-11-26T10:00", "2026-11-26 12:00");
        check(Promise::OfficeHours(2), "2026-11-26T15:45", "2026-11-26 17:45");
        check(Promise::OfficeHours(2), "2026-11-27T17:00", "2026-11-30 10:15");
        check(Promise::OfficeHours(2), "2026-11-28T12:00", "2026-11-30 11:00");
        check(Promise::OfficeHours(10), "2026-11-26T09:00", "2026-11-27 10:15");
        check(Promise::WallHours(24), "2026-11-27T17:00", "2026-11-28 17:00");
        let quiet = Calendar::japan().due(Promise::QuietDays(30), at("2026-01-01T00:00"), at("2026-11-01T09:00"));
        assert_eq!(shown(quiet.unwrap().at), "2026-12-01 09:00");
        assert_eq!(Calendar::japan().due(Promise::Nothing, 0, 0), None);
    }

    #[test]
    fn a_date_behind_the_list_is_said_to_be_counted_without_holidays() {
        assert_eq!(ends(Promise::WorkingDays(1), "2027-12-28T10:00"), ("2028-01-04 17:45".to_owned(), true));
        assert!(!ends(Promise::WorkingDays(1), "2027-12-27T10:00").1);
        assert!(ends(Promise::WorkingDays(1), "2023-06-01T10:00").1);
        assert!(ends(Promise::OfficeHours(2), "2030-06-03T10:00").1);
    }

    #[test]
    fn whoever_asks_out_of_hours_is_told_who_answers_when() {
        let said = |now: &str| Calendar::japan().out_of_hours(at(now));
        assert_eq!(said("2026-11-26T09:00"), None);
        assert_eq!(said("2026-11-26T17:44"), None);
        let friday = said("2026-11-27T17:45").unwrap();
        assert!(friday.english().contains("on Monday, 2026-11-30, at 09:00"), "{friday:?}");
        assert!(friday.japanese().contains("2026-11-30（月）09:00"), "{friday:?}");
        assert!(friday.english().contains("110") && friday.japanese().contains("110番"));
        assert!(said("2026-12-31T12:00").unwrap().english().contains("on Monday, 2027-01-04"));
        assert!(said("2026-11-26T08:59").unwrap().english().contains("on Thursday, 2026-11-26, at 09:00"));
    }

    #[test]
    fn times_are_those_of_japan() {
        // 23:30 in universal time is half past eight in the morning of the next day.
        let seconds = Timestamp::from_second(0).unwrap().as_second() as u64;
        assert_eq!(shown(seconds), "1970-01-01 09:00");
    }
}
