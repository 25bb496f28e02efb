//! Times and lengths as people say them.

use hizo_vault::fingerprint::{Spoken, WordList};
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};

use super::{Looked, Text, Visit};
use crate::cards::{CardSet, Tried};
use crate::failure::{Outcome, shown_bytes};
use crate::keeper::unix_seconds;
use crate::safe::JAPAN;
use crate::words::Language;

/// The clock of every page: that of Japan, where those are who answer. The frame says so once.
pub(crate) fn japan() -> TimeZone {
    TimeZone::fixed(JAPAN)
}

fn zoned(seconds: u64, zone: &TimeZone) -> Option<Zoned> {
    let time = i64::try_from(seconds).ok().and_then(|seconds| Timestamp::from_second(seconds).ok())?;
    Some(time.to_zoned(zone.clone()))
}

fn this_year() -> i16 {
    Timestamp::now().to_zoned(japan()).year()
}

/// A moment, in seconds since 1970: the year only when it is not this one.
pub(crate) fn moment(t: Text, seconds: u64) -> String {
    moment_in(t, seconds, Timestamp::now(), &japan())
}

/// The same with the day of the week, for what somebody has promised.
pub(crate) fn term(t: Text, seconds: u64) -> String {
    let Some(time) = zoned(seconds, &japan()) else { return String::new() };
    if !t.is_japanese() {
        return format!("{} {}", time.strftime("%a"), moment(t, seconds));
    }
    let days = ["日", "月", "火", "水", "木", "金", "土"];
    let day = usize::try_from(time.weekday().to_sunday_zero_offset()).ok().and_then(|day| days.get(day));
    let (date, clock) = (day_in(t, time.date(), this_year()), time.strftime("%H:%M"));
    format!("{date}（{}）{clock}", day.unwrap_or(&""))
}

fn moment_in(t: Text, seconds: u64, now: Timestamp, zone: &TimeZone) -> String {
    let Some(time) = zoned(seconds, zone) else { return String::new() };
    let date = day_in(t, time.date(), now.to_zoned(zone.clone()).year());
    format!("{date} {}", time.strftime("%H:%M"))
}

/// A day or a time that somebody typed, as people say it; anything else as it stands.
pub(crate) fn day_said(t: Text, said: &str) -> String {
    let Ok(day) = said.parse::<jiff::civil::Date>() else { return shown_bytes(said.as_bytes()) };
    // A time is more than its day.
    if said.len() > "2026-11-20".len() {
        return shown_bytes(said.as_bytes());
    }
    day_in(t, day, this_year())
}

fn day_in(t: Text, day: jiff::civil::Date, this_year: i16) -> String {
    let form = match (t.is_japanese(), day.year() == this_year) {
        (true, true) => "%-m月%-d日",
        (true, false) => "%Y年%-m月%-d日",
        (false, true) => "%-d %B",
        (false, false) => "%-d %B %Y",
    };
    day.strftime(form).to_string()
}

/// A command as it can be typed: what a name holds stays one argument, whoever chose the name.
pub(crate) fn command<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "-_./:,=+@…".contains(c);
    let words = words.into_iter().map(|word| match !word.is_empty() && word.chars().all(is_plain) {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', r"'\''")),
    });
    words.collect::<Vec<_>>().join(" ")
}

/// Rows of a long list on one page.
const ROWS: usize = 50;

/// One page of a long list.
pub(crate) struct Paging {
    number: usize,
    /// Which page it is, where there are several.
    pub said: Option<String>,
    pub before: Option<usize>,
    pub after: Option<usize>,
}

impl Paging {
    /// The page that somebody asked for, counted from one.
    pub(crate) fn of(visit: &Visit, rows: usize) -> Self {
        Self::at(visit.text(), visit.param("page"), rows)
    }

    /// The same, of a list whose page is asked for by something else than the address.
    pub(crate) fn at(t: Text, asked: &str, rows: usize) -> Self {
        let pages = rows.div_ceil(ROWS).max(1);
        let number = asked.parse().unwrap_or(1).clamp(1, pages);
        let said = (pages > 1).then(|| t.two("page-of", "number", number, "all", pages));
        let (before, after) = ((number > 1).then(|| number - 1), (number < pages).then(|| number + 1));
        Self { number, said, before, after }
    }

    pub(crate) const fn is_first(&self) -> bool {
        self.number == 1
    }

    /// The rows on it.
    pub(crate) fn rows<T>(&self, all: impl Iterator<Item = T>) -> Vec<T> {
        all.skip((self.number - 1) * ROWS).take(ROWS).collect()
    }
}

/// The newest of a list that has the oldest first, the newest first, and how many are not among them.
pub(crate) fn newest<T>(mut all: Vec<T>) -> (Vec<T>, usize) {
    let older = all.len().saturating_sub(ROWS);
    all.drain(..older);
    all.reverse();
    (all, older)
}

/// Year, month and day, as in a seal.
pub(crate) fn day(seconds: u64) -> String {
    zoned(seconds, &japan()).map_or_else(String::new, |time| time.strftime("%Y.%-m.%-d").to_string())
}

/// Words to be read out, in the reader's list, and the same in the other one.
pub(crate) fn spoken(visit: &Visit, words: &Spoken) -> (String, String) {
    let (own, other) = match visit.language() {
        Language::Japanese => (WordList::Japanese, WordList::English),
        Language::English => (WordList::English, WordList::Japanese),
    };
    (words.words(own).join(" "), words.words(other).join(" "))
}

/// How the key cards stand, in one sentence.
pub(crate) fn cards(visit: &Visit, looked: &Looked) -> Outcome<String> {
    let t = visit.text();
    let set = CardSet::of(looked.opened())?;
    let Some(tried) = Tried::of(&looked.safe, set.and_then(|set| set.drilled)) else { return Ok(t.say("cards-none")) };
    let made = moment(t, tried.made);
    let is_due = tried.is_due(unix_seconds());
    Ok(match (tried.drilled.map(|drilled| moment(t, drilled)), is_due) {
        (Some(drilled), false) => t.two("cards-tried", "made", made, "tried", drilled),
        (Some(drilled), true) => t.two("cards-due", "made", made, "tried", drilled),
        (None, _) => t.one("cards-untried", "made", made),
    })
}

/// What is left of work.
pub(crate) fn left(t: Text, seconds: u64) -> String {
    match seconds {
        0..90 => t.one("left-seconds", "count", seconds.max(1)),
        90..5_400 => t.one("left-minutes", "count", seconds.div_ceil(60)),
        _ => t.one("left-hours", "count", seconds.div_ceil(3_600)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_named_stays_one_argument_of_a_command() {
        assert_eq!(command(["hizo", "list", "--series", "金型/KX-204"]), "hizo list --series 金型/KX-204");
        assert_eq!(command(["hizo", "x; touch y", "", "it's"]), r"hizo 'x; touch y' '' 'it'\''s'");
    }

    use crate::words::Language;

    #[test]
    fn a_long_list_has_each_row_on_one_page_and_no_page_is_longer_than_another() {
        for (rows, pages) in [(0, 1), (50, 1), (51, 2), (120, 3), (10_000, 200)] {
            let mut seen = Vec::new();
            for page in 1..=pages {
                let paging = Paging::at(Text(Language::English), &page.to_string(), rows);
                let here = paging.rows(0..rows);
                assert!(here.len() <= ROWS, "{rows}");
                assert_eq!(paging.is_first(), page == 1);
                assert_eq!(
                    (paging.before, paging.after),
                    ((page > 1).then(|| page - 1), (page < pages).then(|| page + 1))
                );
                assert_eq!(paging.said.is_some(), pages > 1);
                seen.extend(here);
            }
            assert!(seen.into_iter().eq(0..rows), "{rows}");
        }
        for (asked, number) in [("", 1), ("0", 1), ("-1", 1), ("x", 1), ("4", 3), ("99999999999999999999999", 1)] {
            assert_eq!(Paging::at(Text(Language::Japanese), asked, 120).number, number, "{asked}");
        }
    }

    #[test]
    fn the_newest_come_first_and_the_older_ones_are_counted() {
        assert_eq!(newest(vec![1, 2]), (vec![2, 1], 0));
        let (shown, older) = newest((0..ROWS + 7).collect());
        assert_eq!(
            (shown.len(), shown.first().copied(), shown.last().copied(), older),
            (ROWS, Some(ROWS + 6), Some(7), 7)
        );
    }

    #[test]
    fn a_year_is_said_when_it_is_not_this_one() {
        let now = Timestamp::from_second(1_795_000_000).unwrap();
        let said = |language, seconds| moment_in(Text(language), seconds, now, &TimeZone::UTC);
        assert_eq!(said(Language::Japanese, 1_794_900_000), "11月17日 07:20");
        assert_eq!(said(Language::English, 1_794_900_000), "17 November 07:20");
        assert_eq!(said(Language::Japanese, 1_700_000_000), "2023年11月14日 22:13");
        assert_eq!(said(Language::English, 1_700_000_000), "14 November 2023 22:13");
    }
}
