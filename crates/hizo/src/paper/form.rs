//! Forms: what stands in the records, in rows, and lines and boxes for what a hand writes. One part for each language.

use jiff::civil::Date;

use super::typeface::Typeface;
use super::{INDIGO, INK, LEFT, LINE, Names, Paper, RIGHT, SOFT, Style};
use crate::eras::{self, Era};
use crate::failure::Outcome;
use crate::words::{Language, Words, words};

const WIDTH: f32 = RIGHT - LEFT;
/// Where values stand beside their labels.
const VALUES: f32 = LEFT + 132.0;
const BODY: Style = Style::new(9.5, INK);
const NOTE: Style = Style::new(8.0, SOFT);
const LABEL: Style = Style::new(8.5, SOFT);
/// A line to write on is so high.
const BLANK: f32 = 24.0;

/// A form that is being written.
pub(crate) struct Form {
    paper: Paper,
    language: Language,
}

impl Form {
    /// No page yet. `foot` stands at the foot of every page: what the paper is of.
    pub(crate) fn new(foot: String) -> Outcome<Self> {
        Ok(Self { paper: Paper::new(Typeface::new()?, foot), language: Language::Japanese })
    }

    /// Begins the part in a language. `code` is what a machine reads off it.
    pub(crate) fn begin(&mut self, language: Language, title: &Words, code: &str) {
        self.language = language;
        let part = title.to(language).to_owned();
        self.paper.begin(language, Names { foot: format!("hizo · {part} ·"), part });
        self.paper.brand(LEFT, 48.0);
        self.paper.qr(code, RIGHT - 62.0, 48.0, 62.0);
        let (large, size, small) = match language {
            Language::Japanese => (title.japanese(), 24.0, title.english()),
            Language::English => (title.english(), 20.0, title.japanese()),
        };
        self.paper.put_centred(LEFT, RIGHT, 114.0, Style::strong(size, INDIGO), large);
        self.paper.put_centred(LEFT, RIGHT, 132.0, Style::new(9.5, SOFT), small);
        self.paper.rule(LEFT, 144.0, WIDTH, 1.2, INDIGO);
        self.paper.y = 156.0;
    }

    pub(crate) const fn language(&self) -> Language {
        self.language
    }

    pub(crate) fn heading(&mut self, text: &Words) {
        // A heading never stands alone at the foot of a page.
        self.paper.need(64.0);
        self.paper.y += 8.0;
        let y = self.paper.y + 11.0;
        self.paper.put(LEFT, y, Style::strong(10.5, INDIGO), text.to(self.language));
        self.paper.rule(LEFT, y + 6.0, WIDTH, 0.6, LINE);
        self.paper.y = y + 12.0;
    }

    /// A label, and what stands in the records beside it.
    pub(crate) fn row(&mut self, label: &Words, value: &str) {
        self.paper.need(20.0);
        self.paper.put(LEFT, self.paper.y + BODY.size, LABEL, label.to(self.language));
        self.lines(VALUES, BODY, value);
        self.paper.y += 2.0;
    }

    pub(crate) fn row_of(&mut self, label: &Words, value: &Words) {
        let value = value.to(self.language).to_owned();
        self.row(label, &value);
    }

    /// Something that was said: who and when above it.
    pub(crate) fn said(&mut self, head: &str, text: &str) {
        self.paper.need(34.0);
        self.lines(LEFT, NOTE, head);
        self.lines(LEFT + 12.0, BODY, text);
        self.paper.y += 4.0;
    }

    /// A sentence of the form itself.
    pub(crate) fn note(&mut self, text: &Words) {
        self.paper.y += 3.0;
        self.paper.flow(LEFT, WIDTH, NOTE, text.to(self.language));
        self.paper.y += 2.0;
    }

    /// That nothing of this was said. It is never left to be guessed.
    pub(crate) fn nothing(&mut self) {
        self.note(&words!("Nothing of this stands in the case.", "この相談には、まだ記録がありません。"));
    }

    /// A label, and so many lines to write on.
    pub(crate) fn blank(&mut self, label: &Words, lines: usize) {
        self.paper.need(BLANK * lines as f32);
        self.paper.put(LEFT, self.paper.y + BLANK - 6.0, LABEL, label.to(self.language));
        for _ in 0..lines {
            self.paper.y += BLANK;
            self.paper.rule(VALUES, self.paper.y - 3.0, RIGHT - VALUES, 0.5, SOFT);
        }
    }

    /// Boxes of which a hand ticks one.
    pub(crate) fn choices(&mut self, label: &Words, choices: &[Words]) {
        self.paper.need(20.0 * choices.len() as f32 + 3.0);
        self.paper.y += 3.0;
        self.paper.put(LEFT, self.paper.y + 13.0, LABEL, label.to(self.language));
        for choice in choices {
            self.paper.frame(VALUES, self.paper.y + 4.0, 10.0, 10.0, 0.7, INK);
            self.paper.put(VALUES + 17.0, self.paper.y + 12.5, BODY, choice.to(self.language));
            self.paper.y += 20.0;
        }
    }

    /// Who signs: lines for name and date, and a box for the seal.
    pub(crate) fn seal(&mut self, who: &Words) {
        // Heading, lines and box stay together.
        self.paper.need(98.0);
        self.heading(who);
        let fields = [words!("Name", "氏名"), words!("Organisation", "所属"), words!("Date", "日付")];
        let fields: Vec<_> = fields.iter().map(|field| field.to(self.language)).collect();
        self.paper.seal(&fields, LABEL);
    }

    /// The document.
    pub(crate) fn finish(self, title: &str) -> Outcome<Vec<u8>> {
        self.paper.finish(title)
    }

    /// Text of somebody's own, of any number of lines, with nothing in it that turns or hides.
    fn lines(&mut self, x: f32, style: Style, text: &str) {
        for line in text.split('\n') {
            let line = self.paper.typeface.shown(line.trim_end_matches('\r').as_bytes());
            self.paper.flow(x, RIGHT - x, style, &line);
        }
    }
}

/// Eras in which people who are alive were born: of a day before them the calendar's year says enough.
const ERAS: &[Era] = eras::ERAS.split_at(3).0;

/// A day as it stands on paper in Japan: with the year of the era beside that of the calendar.
pub(crate) fn dated(day: Date) -> Words {
    let (english, japanese) = (day.strftime("%-d %B %Y").to_string(), day.strftime("%Y年%-m月%-d日").to_string());
    let era = ERAS.iter().find(|era| day >= era.first);
    let Some(Era { first, name, name_ja }) = era else { return Words::both(english, japanese) };
    let number = day.year() - first.year() + 1;
    let number_ja = if number == 1 { "元".to_owned() } else { number.to_string() };
    Words::both(format!("{english} ({name} {number})"), format!("{japanese}（{name_ja}{number_ja}年）"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn a_day_has_the_year_of_its_era_beside_it() {
        for (day, english, japanese) in [
            (date(2026, 11, 27), "27 November 2026 (Reiwa 8)", "2026年11月27日（令和8年）"),
            (date(2019, 5, 1), "1 May 2019 (Reiwa 1)", "2019年5月1日（令和元年）"),
            (date(2019, 4, 30), "30 April 2019 (Heisei 31)", "2019年4月30日（平成31年）"),
            (date(1989, 1, 7), "7 January 1989 (Showa 64)", "1989年1月7日（昭和64年）"),
            (date(1900, 2, 3), "3 February 1900", "1900年2月3日"),
        ] {
            let said = dated(day);
            assert_eq!((said.english(), said.japanese()), (english, japanese));
        }
    }
}
