//! The little of JSON (RFC 8259) that `opening.json` has, in one byte form: texts without escapes, numbers, arrays, objects;
//! one value a line, two spaces for each level.

use crate::path::is_unseen;

/// How deep values may stand in each other.
const DEPTH_MAX: usize = 8;

/// How many values one of them has in it, at most: the siblings of the deepest tree.
const ITEMS_MAX: usize = 22;

/// A value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value {
    Text(String),
    Number(u64),
    Array(Vec<Self>),
    Object(Vec<(&'static str, Self)>),
}

/// A value that was read: keys are whatever stood there.
#[derive(Debug)]
pub(super) enum Read<'a> {
    Text(&'a str),
    Number(u64),
    Array(Vec<Self>),
    Object(Vec<(&'a str, Self)>),
}

/// Whether a text may stand in quotation marks as it is.
pub(super) fn is_plain(text: &str) -> bool {
    !text.chars().any(|character| character.is_control() || matches!(character, '"' | '\\') || is_unseen(character))
}

impl Value {
    pub(super) fn write(&self, out: &mut String, level: usize) {
        match self {
            Self::Text(text) => out.extend(["\"", text, "\""]),
            Self::Number(number) => out.push_str(&number.to_string()),
            Self::Array(values) => write_all(out, level, ['[', ']'], values.iter().map(|value| (None, value))),
            Self::Object(members) => {
                write_all(out, level, ['{', '}'], members.iter().map(|(key, value)| (Some(*key), value)));
            }
        }
    }
}

fn write_all<'v>(
    out: &mut String,
    level: usize,
    [open, close]: [char; 2],
    values: impl ExactSizeIterator<Item = (Option<&'static str>, &'v Value)>,
) {
    let (inside, mut first, some) = (level.saturating_add(1), true, values.len() > 0);
    let line = |out: &mut String, level: usize| {
        out.push('\n');
        (0..level).for_each(|_| out.push_str("  "));
    };
    out.push(open);
    for (key, value) in values {
        if !std::mem::replace(&mut first, false) {
            out.push(',');
        }
        line(out, inside);
        key.into_iter().for_each(|key| out.extend(["\"", key, "\": "]));
        value.write(out, inside);
    }
    if some {
        line(out, level);
    }
    out.push(close);
}

/// Reads a text from its first character to its last. White space may stand anywhere; the caller writes again and compares.
pub(super) struct Cursor<'a> {
    rest: &'a str,
}

impl<'a> Cursor<'a> {
    pub(super) const fn new(text: &'a str) -> Self {
        Self { rest: text }
    }

    /// The members of an object before the one of this name, which is its last.
    pub(super) fn members_before(&mut self, last: &str) -> Option<Vec<(&'a str, Read<'a>)>> {
        let mut members = Vec::new();
        self.take('{')?;
        while members.len() < ITEMS_MAX {
            let key = self.key()?;
            if key == last {
                return Some(members);
            }
            members.push((key, self.value(1)?));
            self.take(',')?;
        }
        None
    }

    /// The array of `members_before`, which may be long: of each item nothing is kept but what becomes of it.
    pub(super) fn last_array<T>(&mut self, items_max: usize, item: impl Fn(&Read<'a>) -> Option<T>) -> Option<Vec<T>> {
        let items = self.list(['[', ']'], items_max, |cursor| item(&cursor.value(2)?))?;
        self.take('}')?;
        self.space();
        self.rest.is_empty().then_some(items)
    }

    fn key(&mut self) -> Option<&'a str> {
        self.space();
        let key = self.text()?;
        self.take(':')?;
        Some(key)
    }

    fn space(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\n']);
    }

    fn take(&mut self, token: char) -> Option<()> {
        self.space();
        self.rest = self.rest.strip_prefix(token)?;
        Some(())
    }

    fn value(&mut self, depth: usize) -> Option<Read<'a>> {
        self.space();
        let inside = depth.checked_add(1).filter(|depth| *depth <= DEPTH_MAX)?;
        match self.rest.chars().next()? {
            '"' => self.text().map(Read::Text),
            '[' => self.list(['[', ']'], ITEMS_MAX, |cursor| cursor.value(inside)).map(Read::Array),
            '{' => {
                let member = |cursor: &mut Self| Some((cursor.key()?, cursor.value(inside)?));
                self.list(['{', '}'], ITEMS_MAX, member).map(Read::Object)
            }
            _ => self.number().map(Read::Number),
        }
    }

    fn text(&mut self) -> Option<&'a str> {
        let (text, rest) = self.rest.strip_prefix('"')?.split_once('"')?;
        self.rest = rest;
        is_plain(text).then_some(text)
    }

    fn number(&mut self) -> Option<u64> {
        let digits = self.rest.bytes().take_while(u8::is_ascii_digit).count();
        let (number, rest) = self.rest.split_at_checked(digits)?;
        self.rest = rest;
        number.parse().ok()
    }

    fn list<T>(
        &mut self,
        [open, close]: [char; 2],
        items_max: usize,
        mut item: impl FnMut(&mut Self) -> Option<T>,
    ) -> Option<Vec<T>> {
        self.take(open)?;
        let mut items = Vec::new();
        if self.take(close).is_some() {
            return Some(items);
        }
        loop {
            // Refused before it is read: what is held in memory follows from limits and not from the text.
            if items.len() == items_max {
                return None;
            }
            items.push(item(self)?);
            if self.take(',').is_none() {
                break;
            }
        }
        self.take(close)?;
        Some(items)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_held_in_memory_follows_from_limits_and_not_from_the_text() {
        let array = |items: usize| format!("{{\"a\": [{}], \"entries\": []}}", vec!["0"; items].join(","));
        let head = |text: &str| Cursor::new(text).members_before("entries").is_some();
        assert!(head(&array(ITEMS_MAX)) && !head(&array(ITEMS_MAX + 1)));
        let members = |count: usize| format!("{{{}\"entries\": []}}", "\"a\": 0,".repeat(count));
        assert!(head(&members(ITEMS_MAX - 1)) && !head(&members(ITEMS_MAX)));
        let entries = |items: &[&str]| {
            let text = format!("{{\"entries\": [{}]}}", items.join(","));
            let mut cursor = Cursor::new(&text);
            let head = cursor.members_before("entries");
            let array = cursor.last_array(3, |item| matches!(item, Read::Object(_)).then_some(()));
            head.is_some() && array.is_some()
        };
        assert!(entries(&["{}", "{}", "{}"]) && !entries(&["{}", "{}", "{}", "{}"]) && !entries(&["0"]));
    }
}
