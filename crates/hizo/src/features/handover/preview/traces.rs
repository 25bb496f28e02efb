//! Traces of a name, or of another mark, in a text: whatever its width, kana, legal form, spaces, or calendar.
//!
//! It takes texts and gives places in them. Where texts come from, [`super::looking`] says.

use crate::eras::{ERAS, Era};
use crate::naming::{Folded, fold, is_between, without_forms};

/// Characters that are looked at in one go, and how many of them the next go sees again.
const WINDOW: usize = 1 << 16;
const OVERLAP: usize = 1 << 10;

/// Traces of one text that are shown; whoever sees them knows enough to decide.
const SHOWN_MAX: usize = 3;

/// Characters around a trace that are shown with it.
const AROUND: usize = 16;

/// What must not be found.
#[derive(Debug, Default)]
pub(super) struct Marks {
    names: Vec<Vec<char>>,
    dates: Vec<Date>,
}

/// A day, or as much of one as was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Date {
    year: u32,
    month: Option<u32>,
    day: Option<u32>,
}

impl Marks {
    /// Takes a name or a date. Whether it can be sought: of a single letter everything would be a trace.
    pub(super) fn add(&mut self, mark: &str) -> bool {
        let folded = fold(mark);
        if let [(date, at)] = dates(&folded).as_slice()
            && at.len() == folded.len()
        {
            self.dates.push(*date);
            return true;
        }
        let name = without_forms(&folded);
        let is_enough = name.len() >= 2;
        if is_enough {
            self.names.push(name);
        }
        is_enough
    }

    /// What is found in a text, each with a little around it.
    pub(super) fn find(&self, text: &str) -> Vec<String> {
        let mut found: Vec<String> = Vec::new();
        for window in windows(text) {
            let folded = fold(window);
            let bare: Vec<Folded> = folded.iter().copied().filter(|one| !is_between(one.as_compared)).collect();
            let named = self.names.iter().flat_map(|name| {
                let is_here = move |at: &[Folded]| at.iter().map(|one| one.as_compared).eq(name.iter().copied());
                bare.windows(name.len()).filter(move |at| is_here(at))
            });
            let dated = dates(&folded);
            let dated = dated.iter().filter(|(date, _)| self.dates.iter().any(|mark| mark.is_told_by(date)));
            for at in named.chain(dated.map(|(_, at)| *at)) {
                let (Some(first), Some(last)) = (at.first(), at.last()) else { continue };
                let excerpt = excerpt(window, first.from, last.until);
                if !found.contains(&excerpt) {
                    found.push(excerpt);
                }
                if found.len() == SHOWN_MAX {
                    return found;
                }
            }
        }
        found
    }
}

impl Date {
    /// Whether another date tells this one, as far as both say something.
    fn is_told_by(&self, other: &Self) -> bool {
        let agree = |a: Option<u32>, b: Option<u32>| a.is_none() || b.is_none() || a == b;
        self.year == other.year && agree(self.month, other.month) && agree(self.day, other.day)
    }
}

/// Pieces of a text that overlap, so that nothing is cut by the limit of one.
fn windows(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest?;
        let end = text.char_indices().nth(WINDOW).map(|(at, _)| at);
        let next = text.char_indices().nth(WINDOW - OVERLAP).map(|(at, _)| at);
        rest = end.and(next).and_then(|next| text.get(next..));
        text.get(..end.unwrap_or(text.len()))
    })
}

/// Dates in a text, in either calendar, and where each stands.
fn dates(folded: &[Folded]) -> Vec<(Date, &[Folded])> {
    let letters: Vec<char> = folded.iter().map(|one| one.as_compared).collect();
    let (mut found, mut at) = (Vec::new(), 0);
    while at < letters.len() {
        match date(&letters, at) {
            Some((date, end)) if end > at => {
                found.extend(folded.get(at..end).map(|place| (date, place)));
                at = end;
            }
            // The rest of a number is no date of its own.
            _ => {
                let is_number = letters[at].is_ascii_digit();
                at += 1;
                while is_number && letters.get(at).is_some_and(char::is_ascii_digit) {
                    at += 1;
                }
            }
        }
    }
    found
}

fn date(letters: &[char], at: usize) -> Option<(Date, usize)> {
    let (begins, year, mut end) = year(letters, at)?;
    let is_era = begins > 0;
    let mut date = Date { year, month: None, day: None };
    let mut part = |max: u32| {
        let begins = matches!(letters.get(end)?, '年' | '月' | '-' | '/' | '.' | '‐' | '‑').then_some(end + 1)?;
        let (value, ends) = number(letters, begins).filter(|(value, _)| (1..=max).contains(value))?;
        end = ends;
        Some(value)
    };
    date.month = part(12);
    date.day = date.month.and_then(|_| part(31));
    let is_named = match letters.get(end) {
        Some('年') if date.month.is_none() => true,
        Some('月') if date.month.is_some() && date.day.is_none() => true,
        Some('日') if date.day.is_some() => true,
        _ => false,
    };
    // A number alone is no year, and a letter with a number no era.
    let is_date = is_named || date.day.is_some() || (is_era && date.month.is_some() && begins > 1);
    is_date.then_some((date, end + usize::from(is_named)))
}

/// A year, the letters that name its era, and where it ends.
fn year(letters: &[char], at: usize) -> Option<(usize, u32, usize)> {
    let starts = |word: &str| word.chars().enumerate().all(|(n, letter)| letters.get(at + n) == Some(&letter));
    let is_in_word = at > 0 && letters[at - 1].is_ascii_alphanumeric();
    for Era { first, name, name_ja } in ERAS {
        // A letter stands for an era only where digits follow.
        let is_letter = letters.get(at).is_some_and(|letter| name.starts_with(letter.to_ascii_uppercase()));
        let begins = match (starts(name_ja), is_letter && !is_in_word) {
            (true, _) => name_ja.chars().count(),
            (false, true) => 1,
            (false, false) => continue,
        };
        let counted = match letters.get(at + begins) {
            Some('元') => Some((1, at + begins + 1)),
            _ => number(letters, at + begins).filter(|(year, _)| (1..=99).contains(year)),
        };
        if let Some((year, end)) = counted {
            return Some((begins, u32::try_from(first.year()).ok()? + year - 1, end));
        }
    }
    let (year, end) = number(letters, at).filter(|(year, end)| (1800..2200).contains(year) && end - at == 4)?;
    Some((0, year, end))
}

/// A number in digits, or in Chinese ones up to 99.
fn number(letters: &[char], at: usize) -> Option<(u32, usize)> {
    let rest = letters.get(at..)?;
    let digits: Vec<u32> = rest.iter().map_while(|letter| letter.to_digit(10)).take(5).collect();
    if !digits.is_empty() {
        return Some((digits.iter().fold(0, |sum, digit| sum * 10 + digit), at + digits.len()));
    }
    let one = |letter: char| "〇一二三四五六七八九".chars().position(|known| known == letter);
    let written: Vec<char> =
        rest.iter().copied().take_while(|letter| *letter == '十' || one(*letter).is_some()).take(4).collect();
    if written.is_empty() {
        return None;
    }
    let value = match written.iter().position(|letter| *letter == '十') {
        None => written.iter().fold(0, |sum, letter| sum * 10 + one(*letter).unwrap_or(0)),
        Some(ten) => {
            let tens = written.get(..ten).and_then(|tens| tens.first()).map_or(1, |tens| one(*tens).unwrap_or(1));
            tens * 10 + written.get(ten + 1).map_or(0, |ones| one(*ones).unwrap_or(0))
        }
    };
    Some((u32::try_from(value).ok()?, at + written.len()))
}

/// A trace with a little of what stands around it, in one line.
fn excerpt(text: &str, from: usize, until: usize) -> String {
    let (before, here, after) = match (text.get(..from), text.get(from..until), text.get(until..)) {
        (Some(before), Some(here), Some(after)) => (before, here, after),
        _ => return String::new(),
    };
    let lead = before.char_indices().rev().nth(AROUND - 1).map_or(0, |(at, _)| at);
    let trail = after.char_indices().nth(AROUND).map_or(after.len(), |(at, _)| at);
    let open = if lead > 0 { "…" } else { "" };
    let close = if trail < after.len() { "…" } else { "" };
    let whole = format!("{open}{}【{here}】{}{close}", &before[lead..], &after[..trail]);
    whole.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn marks(of: &[&str]) -> Marks {
        let mut marks = Marks::default();
        of.iter().for_each(|mark| assert!(marks.add(mark), "{mark}"));
        marks
    }

    #[track_caller]
    fn check(mark: &str, text: &str, expected: bool) {
        let found = marks(&[mark]).find(text);
        assert_eq!(!found.is_empty(), expected, "{mark} in {text}: {found:?}");
    }

    #[test]
    fn a_name_is_found_in_every_width_kana_and_form() {
        for text in [
            "徳田精機",
            "株式会社徳田精機",
            "徳田精機㈱",
            "(株)徳田精機の図面",
            "（株）徳田 精機",
            "有限会社 徳田精機",
            "徳 田 精\n機",
            "徳田・精機",
            "drawings/徳田精機/may.csv",
            "徳\u{200b}田精機",
        ] {
            check("株式会社徳田精機", text, true);
        }
        for text in ["トクダセイキ", "とくだせいき", "ﾄｸﾀﾞｾｲｷ", "ﾄｸﾀﾞ ｾｲｷ", "トクタ\u{3099}セイキ", "とくだ_せいき"]
        {
            check("トクダセイキ㈱", text, true);
        }
        for text in ["ＴＯＫＵＤＡ　ＳＥＩＫＩ", "tokuda-seiki.co.jp", "Tokuda Seiki Co., Ltd.", "TokudaSeiki"]
        {
            check("Tokuda Seiki Co.,Ltd.", text, true);
        }
        check("キヤノン", "きゃのん", true);
        for text in ["徳田製機", "徳 精機", "株式会社", "(株)", ""] {
            check("株式会社徳田精機", text, false);
        }
    }

    #[test]
    fn a_date_is_found_in_the_other_calendar() {
        for text in [
            "昭和23年3月1日創業",
            "昭和二十三年三月一日",
            "S23.3.1",
            "s23/3/1",
            "1948年3月1日",
            "1948-03-01",
            "1948/3/1",
            "昭和23年",
            "１９４８年３月",
            "㍼23年3月1日",
        ] {
            check("昭和23年3月1日", text, true);
            check("1948-03-01", text, true);
        }
        for text in ["昭和24年3月1日", "1948年4月1日", "1948", "23.3.1", "ABS23.3.1", "21948-03-01"] {
            check("1948-03-01", text, false);
        }
        check("令和元年5月", "2019年5月", true);
        check("平成十年十二月", "1998/12/25", true);
    }

    #[test]
    fn what_would_be_found_everywhere_is_not_sought() {
        for mark in ["", " ", "a", "㈱", "・"] {
            assert!(!Marks::default().add(mark), "{mark}");
        }
    }

    #[test]
    fn a_name_across_the_border_of_two_windows_is_found_once() {
        let text = format!("{}徳田精機{}", "あ".repeat(WINDOW - 2), "い".repeat(WINDOW));
        assert_eq!(marks(&["徳田精機"]).find(&text).len(), 1);
    }

    proptest! {
        #[test]
        fn a_planted_name_is_found_and_its_absence_is_not(
            before in "[あ-ん0-9 ]{0,40}", after in "[ア-ン0-9\n]{0,40}", width in any::<bool>(), gap in "[ 　・_\\-\u{200b}]{0,2}",
        ) {
            let name = if width { "ＫＸ金型" } else { "kx金型" };
            let mut letters = name.chars();
            let first: String = letters.by_ref().take(2).collect();
            let planted = format!("{before}{first}{gap}{}{after}", letters.as_str());
            prop_assert!(!marks(&["KX金型㈱"]).find(&planted).is_empty());
            let without = format!("{before}{after}");
            prop_assert!(marks(&["KX金型㈱"]).find(&without).is_empty());
        }

        #[test]
        fn any_text_can_be_looked_at(text in "\\PC{0,200}") {
            let _ = marks(&["徳田精機", "1948-03-01"]).find(&text);
        }
    }
}
