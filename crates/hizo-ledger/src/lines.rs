//! Texts of lines that are each a word and its value, in one order: what this crate signs, but for records.

use std::str::Split;

use crate::identity::VerifyingKey;
use crate::record::{ClaimedTime, Origin};

/// The lines that are left of a text.
pub(crate) struct Lines<'a>(Split<'a, char>);

impl<'a> Lines<'a> {
    /// Those of a whole text.
    pub(crate) fn all(text: &'a str) -> Self {
        Self(text.split('\n'))
    }

    /// Those behind the first one, if that is this.
    pub(crate) fn behind(first: &str, text: &'a str) -> Option<Self> {
        let mut lines = text.split('\n');
        (lines.next() == Some(first)).then_some(Self(lines))
    }

    /// The value of the next line, if it has this word.
    pub(crate) fn value(&mut self, word: &str) -> Option<&'a str> {
        self.0.next()?.strip_prefix(word)?.strip_prefix(' ')
    }

    pub(crate) fn key(&mut self, word: &str) -> Option<VerifyingKey> {
        VerifyingKey::from_base64(self.value(word)?).ok()
    }

    pub(crate) fn time(&mut self, word: &str) -> Option<ClaimedTime> {
        ClaimedTime::parse(self.value(word)?).ok()
    }

    pub(crate) fn origin(&mut self, word: &str) -> Option<Origin> {
        Origin::parse(self.value(word)?).ok()
    }

    /// All that is left, as it stood.
    pub(crate) fn rest(self) -> String {
        self.0.collect::<Vec<_>>().join("\n")
    }
}
