//! One language's part of a certificate, from its head to the box for the seal, and its annex.

use super::{Entry, Facts, wording};
use crate::hashing::hex;
use crate::paper::{INDIGO, INK, LEFT, LINE, Names, PANEL, Paper, RIGHT, SOFT, Style, VERMILION};
use crate::words::{Language, Words};

/// More entries than this stand in an annex, so that what the certificate says fits on its first pages.
const ENTRIES_WITHIN: usize = 6;

const WIDTH: f32 = RIGHT - LEFT;
/// Where values stand beside their labels.
const VALUES: f32 = LEFT + 113.0;

const BODY: Style = Style::new(9.0, INK);
const NOTE: Style = Style::new(7.5, SOFT);
const LABEL: Style = Style::new(8.5, SOFT);
const HASH: Style = Style::new(7.2, INK);
const COMMAND: Style = Style::new(8.2, INK);
/// Where a hash stands beside the name of its family.
const FAMILY: f32 = 46.0;

pub(super) fn write(paper: &mut Paper, facts: &Facts, language: Language) {
    let has_annex = facts.entries.len() > ENTRIES_WITHIN;
    let mut part = Part { paper, facts, language };
    part.head();
    part.verdict();
    part.heading(wording::heading::shown());
    if has_annex {
        part.say(LEFT, WIDTH, BODY, &wording::in_annex(facts.entries.len()));
        part.paper.y += 4.0;
    } else {
        part.entries();
    }
    part.times();
    part.record();
    part.strength();
    part.limits();
    part.checking();
    part.seal();
    if has_annex {
        part.paper.turn();
        part.heading(wording::heading::annex());
        part.entries();
    }
}

struct Part<'a> {
    paper: &'a mut Paper,
    facts: &'a Facts,
    language: Language,
}

impl Part<'_> {
    fn head(&mut self) {
        let title = wording::title();
        let caption = wording::record_id();
        let names = Names { part: title.to(self.language).to_owned(), foot: caption.to(self.language).to_owned() };
        self.paper.begin(self.language, names);
        self.paper.brand(LEFT, 48.0);
        self.paper.qr(&self.facts.record.to_string(), RIGHT - 62.0, 48.0, 62.0);
        self.paper.put_centred(RIGHT - 62.0, RIGHT, 119.0, Style::new(6.5, SOFT), caption.to(self.language));

        let (large, size, small) = match self.language {
            Language::Japanese => (title.japanese(), 25.0, title.english()),
            Language::English => (title.english(), 20.0, title.japanese()),
        };
        self.paper.put_centred(LEFT, RIGHT, 115.0, Style::strong(size, INDIGO), large);
        self.paper.put_centred(LEFT, RIGHT, 134.0, Style::new(9.5, SOFT), small);
        self.paper.rule(LEFT, 148.0, WIDTH, 1.2, INDIGO);
        self.paper.rule(LEFT, 150.6, WIDTH, 0.4, INDIGO);
        self.paper.y = 166.0;
    }

    fn verdict(&mut self) {
        let (colour, standing) = match self.facts.is_independent() {
            true => (INDIGO, Style::new(9.0, INDIGO)),
            false => (VERMILION, Style::strong(10.5, VERMILION)),
        };
        let (inset, width) = (LEFT + 20.0, WIDTH - 40.0);
        let lines = [
            (Style::new(10.0, INK), wording::subject(self.facts)),
            (Style::strong(16.0, INDIGO), wording::verdict(self.facts)),
            (standing, wording::independence(self.facts)),
            (Style::new(9.0, INK), wording::refresh(self.facts)),
        ];
        let text: f32 =
            lines.iter().map(|(style, text)| self.paper.height(width, *style, text.to(self.language))).sum();
        let (top, padding, gap) = (self.paper.y, 14.0, 6.0);
        let height = text + padding * 2.0 + gap - 4.0;
        self.paper.block(LEFT, top, WIDTH, height, PANEL);
        self.paper.block(LEFT, top, 3.0, height, colour);
        self.paper.y = top + padding;
        for (number, (style, text)) in lines.iter().enumerate() {
            self.say(inset, width, *style, text);
            self.paper.y += if number == 1 { gap } else { 0.0 };
        }
        self.paper.y = top + height + 6.0;
    }

    fn heading(&mut self, text: Words) {
        // A heading never stands alone at the foot of a page.
        self.paper.need(64.0);
        self.paper.y += 9.0;
        let y = self.paper.y + 11.0;
        self.paper.put(LEFT, y, Style::strong(10.5, INDIGO), text.to(self.language));
        self.paper.rule(LEFT, y + 6.0, WIDTH, 0.6, LINE);
        self.paper.y = y + 12.0;
    }

    fn say(&mut self, x: f32, width: f32, style: Style, text: &Words) {
        self.paper.flow(x, width, style, text.to(self.language));
    }

    /// A label, and what is written beside it.
    fn row(&mut self, label: &Words, values: impl FnOnce(&mut Self)) {
        self.paper.need(20.0);
        let top = self.paper.y;
        self.paper.put(LEFT, top + BODY.size, LABEL, label.to(self.language));
        values(self);
        self.paper.y += 3.5;
    }

    fn entries(&mut self) {
        for (number, entry) in (1..).zip(&self.facts.entries) {
            self.entry(number, entry);
        }
        if self.facts.entries.iter().any(|entry| entry.name.is_some()) {
            self.paper.y += 2.0;
            self.say(LEFT, WIDTH, NOTE, &wording::names_are_escaped());
        }
    }

    fn entry(&mut self, number: usize, entry: &Entry) {
        let (names, sizes) = (LEFT + 26.0, 108.0);
        // An entry of usual length is never torn.
        self.paper.need(if entry.meta.is_some() { 46.0 } else { 34.0 });
        let y = self.paper.y + BODY.size;
        self.paper.put(LEFT, y, LABEL, &number.to_string());
        let size = entry.meta.map_or_else(wording::meta_not_shown, |meta| wording::size(meta.kind));
        let style = if entry.meta.is_some() { BODY } else { Style { colour: SOFT, ..BODY } };
        self.paper.put_right(RIGHT, y, style, size.to(self.language));
        match &entry.name {
            Some(name) => {
                let name = self.paper.typeface.shown(name);
                self.paper.flow(names, RIGHT - names - sizes, BODY, &name);
            }
            None => self.say(names, RIGHT - names - sizes, Style { colour: SOFT, ..BODY }, &wording::name_not_shown()),
        }
        match &entry.content {
            Some(Some(hash)) => {
                self.paper.need(13.0);
                self.paper.put(names, self.paper.y + HASH.size, NOTE, "SHA-256");
                self.paper.flow(names + FAMILY, RIGHT - names - FAMILY, HASH, &hex(hash));
            }
            Some(None) => self.say(names, RIGHT - names, NOTE, &wording::no_content()),
            None => self.say(names, RIGHT - names, NOTE, &wording::content_not_shown()),
        }
        if let Some(meta) = entry.meta {
            self.say(names, RIGHT - names, NOTE, &wording::modified(meta.modified_ns));
        }
        self.paper.y += 3.0;
        self.paper.rule(LEFT, self.paper.y, WIDTH, 0.4, LINE);
        self.paper.y += 4.0;
    }

    fn times(&mut self) {
        self.heading(wording::heading::times());
        let facts = self.facts;
        self.time(wording::device_says(), Some(facts.device_says), false);
        self.time(wording::keeper_says(), facts.keeper_says, false);
        self.time(wording::at_the_latest(facts), Some(facts.at_the_latest), true);
        for stamp in &facts.stamps {
            let authority = self.paper.typeface.shown(stamp.authority.as_bytes());
            let colour = if stamp.is_independent { INK } else { VERMILION };
            self.say(VALUES, RIGHT - VALUES, Style::new(8.0, colour), &wording::stamp(stamp, &authority));
        }
        self.paper.y += 2.0;
    }

    fn time(&mut self, (label, meaning): (Words, Words), seconds: Option<u64>, is_proved: bool) {
        self.row(&label, |part| {
            match seconds {
                Some(seconds) => {
                    let y = part.paper.y + BODY.size;
                    let style = if is_proved { Style::strong(BODY.size, INDIGO) } else { BODY };
                    part.say(VALUES, RIGHT - VALUES - 96.0, style, &wording::moment(seconds));
                    part.paper.put_right(RIGHT, y, NOTE, &wording::moment_in_utc(seconds));
                }
                None => part.say(VALUES, RIGHT - VALUES, BODY, &wording::keeper_says_nothing()),
            }
            part.say(VALUES, RIGHT - VALUES, NOTE, &meaning);
        });
    }

    fn record(&mut self) {
        let facts = self.facts;
        self.heading(wording::heading::record());
        self.row(&wording::record_id(), |part| part.hash(&facts.record.to_string()));
        let (label, series) = wording::series(facts);
        self.row(&label, |part| part.say(VALUES, RIGHT - VALUES, BODY, &series));
        let origin = self.paper.typeface.shown(facts.log.origin.as_bytes());
        let (label, log) = wording::log(facts, &origin);
        self.row(&label, |part| part.say(VALUES, RIGHT - VALUES, BODY, &log));
        self.row(&wording::root(), |part| part.hash(&hex(&facts.log.root)));
        for (family, bytes) in [("SHA-256", &facts.commitment.sha256), ("BLAKE3", &facts.commitment.blake3)] {
            self.row(&wording::commitment(family), |part| part.hash(&hex(bytes)));
        }
        // A key and its holder stay together.
        self.paper.need(30.0);
        self.row(&wording::signed_by(), |part| {
            for signer in &facts.signers {
                let key = part.paper.typeface.shown(signer.key.as_bytes());
                part.hash(&key);
                let name = part.paper.typeface.shown(signer.name.as_deref().unwrap_or_default().as_bytes());
                part.say(VALUES, RIGHT - VALUES, NOTE, &wording::signer_name(signer, &name));
            }
        });
        self.row(&wording::witnesses(), |part| {
            for witness in &facts.witnesses {
                let witness = part.paper.typeface.shown(witness.as_bytes());
                part.paper.flow(VALUES, RIGHT - VALUES, BODY, &witness);
            }
            if facts.witnesses.is_empty() {
                part.say(VALUES, RIGHT - VALUES, BODY, &wording::no_witness());
            }
        });
    }

    fn hash(&mut self, digits: &str) {
        self.paper.y += BODY.size - HASH.size;
        self.paper.flow(VALUES, RIGHT - VALUES, HASH, digits);
    }

    fn strength(&mut self) {
        self.heading(wording::heading::strength());
        let (word, meaning) = wording::strength(self.facts.strength);
        self.row(&word, |part| part.say(VALUES, RIGHT - VALUES, BODY, &meaning));
    }

    fn limits(&mut self) {
        self.heading(wording::heading::not_shown());
        for limit in wording::limits(self.facts) {
            self.paper.need(BODY.size * 1.6);
            self.paper.block(LEFT + 2.0, self.paper.y + 5.6, 3.0, 3.0, INDIGO);
            self.say(LEFT + 14.0, WIDTH - 14.0, BODY, &limit);
            self.paper.y += 1.5;
        }
    }

    fn checking(&mut self) {
        self.heading(wording::heading::checking());
        let typeface = &self.paper.typeface;
        let checks = wording::checks(self.facts, |name| typeface.shown(name.as_bytes()));
        for (why, commands) in checks {
            self.paper.need(40.0);
            self.say(LEFT, WIDTH, BODY, &why);
            self.paper.y += 1.0;
            self.commands(&commands);
        }
        self.say(LEFT, WIDTH, BODY, &wording::readme());
    }

    fn commands(&mut self, commands: &[String]) {
        let commands: Vec<_> = commands.iter().map(|command| self.as_typed(command, WIDTH - 36.0)).collect();
        for lines in commands {
            let height = lines.len() as f32 * COMMAND.size * 1.6 + 5.0;
            self.paper.need(height);
            self.paper.block(LEFT, self.paper.y + 1.0, WIDTH, height, PANEL);
            self.paper.y += 3.0;
            for (number, line) in lines.iter().enumerate() {
                let indent = if number > 0 { 22.0 } else { 10.0 };
                self.paper.flow(LEFT + indent, WIDTH, COMMAND, line);
            }
            self.paper.y += 4.0;
        }
        self.paper.y += 3.0;
    }

    /// A command as lines that end before an option, and as the shell wants it where the command goes on.
    fn as_typed(&self, command: &str, width: f32) -> Vec<String> {
        let mut lines: Vec<String> = Vec::new();
        for (number, piece) in command.split(" -").enumerate() {
            let piece = if number > 0 { format!("-{piece}") } else { piece.to_owned() };
            match lines.last_mut() {
                Some(line) if self.paper.typeface.width(&format!("{line} {piece}"), COMMAND.size) <= width => {
                    line.push(' ');
                    line.push_str(&piece);
                }
                Some(line) => {
                    line.push_str(" \\");
                    lines.push(piece);
                }
                None => lines.push(piece),
            }
        }
        lines
    }

    fn seal(&mut self) {
        self.paper.need(122.0);
        self.heading(wording::heading::seal());
        let fields = wording::seal_fields();
        let fields: Vec<_> = fields.iter().map(|field| field.to(self.language)).collect();
        self.paper.seal(&fields, LABEL);
        self.say(LEFT, WIDTH, NOTE, &wording::seal_meaning());
    }
}
