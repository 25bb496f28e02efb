//! Taking stamps over a published head: whose are wanted, and how one that came is kept.

use std::ops::Range;
use std::time::{Duration, Instant};

use hizo_ledger::id::ObjectId;
use hizo_ledger::timestamp::{Authority, Moment, revocation_lists_to_pem};

use super::kept::{Due, StampReader, due};
use super::{Client, Error, SELF};
use crate::log::NewStamp;
use crate::{EmbeddedKeeper, EmbeddedLog};

/// While renewal is due and no new record calls for a stamp, an authority is asked once in so many seconds.
const RENEWAL_PAUSE_SECONDS: u64 = 7 * 86_400;

/// So many of the newest stamps are looked at to find each authority's last one: that takes no longer in an old log.
const NEWEST_STAMPS: u64 = 256;

/// A published head of a keeper's log, over which stamps are taken.
pub struct Taking<'a> {
    keeper: &'a EmbeddedKeeper,
    log: &'a EmbeddedLog,
    head: &'a [u8],
}

/// What came of asking.
#[derive(Debug, Default)]
pub struct Asked {
    /// Authorities whose stamps were kept.
    pub taken: Vec<Authority>,
    /// Authorities that gave none, and why.
    pub refused: Vec<(String, Error)>,
}

impl<'a> Taking<'a> {
    /// Over this head, byte for byte as it was published.
    pub const fn new(keeper: &'a EmbeddedKeeper, log: &'a EmbeddedLog, head: &'a [u8]) -> Self {
        Self { keeper, log, head }
    }

    /// Those of these authorities whose stamp over the head is wanted now.
    ///
    /// # Errors
    /// The keeper's.
    pub fn wanting(&self, authorities: &[Authority], now: Moment) -> Result<Vec<Authority>, crate::Error> {
        let (keeper, own) = (self.keeper, self.log.own());
        let answers = |answer| keeper.object(own.id(), answer);
        let reader = StampReader::new(self.log.published(), answers, authorities.to_vec());
        let logged = own.stamps(keeper, NEWEST_STAMPS)?;
        let newest = reader.newest(&logged, authorities, usize::MAX)?;
        let independent = newest.iter().filter(|kept| kept.token.is_independent());
        let is_due = matches!(due(independent.map(|kept| kept.token.ends()).max(), now), Due::Before(_));
        let size = self.log.published().own_head(self.head)?.size;
        let mut wanting = Vec::new();
        for authority in authorities {
            let last = newest.iter().find(|kept| kept.token.authority() == authority.name());
            let is_new = self.holds_others(&(last.map_or(0, |kept| kept.logged.size)..size))?;
            let paused = last.is_some_and(|kept| now < kept.token.time().plus(RENEWAL_PAUSE_SECONDS, 0));
            if is_new || is_due && !paused && authority.name() != SELF {
                wanting.push(authority.clone());
            }
        }
        Ok(wanting)
    }

    /// Whether a record of another space than the keeper's own stands in this part of the log, or may: of more stamps than
    /// are looked at, the older ones are not known from others.
    fn holds_others(&self, range: &Range<u64>) -> Result<bool, crate::Error> {
        let own = self.log.own().places(self.keeper, range, NEWEST_STAMPS)?;
        Ok(range.end.saturating_sub(range.start) > own)
    }

    /// Asks these authorities one after another, for so long at most. What comes is kept; what does not come is told of,
    /// and asked for again next time.
    ///
    /// # Errors
    /// The keeper's, when a stamp that came cannot be kept.
    pub fn ask(
        &self,
        authorities: &[Authority],
        client: &Client,
        longest: Option<Duration>,
        now: Moment,
        random: &mut dyn FnMut() -> [u8; 16],
    ) -> Result<Asked, crate::Error> {
        let (began, mut asked) = (Instant::now(), Asked::default());
        for authority in authorities {
            if longest.is_some_and(|longest| began.elapsed() >= longest) {
                asked.refused.push((authority.name().to_owned(), Error::NotAsked));
                continue;
            }
            match client.stamp(authority, self.head, now, random) {
                Ok(answer) => {
                    // In passing there is time for a few seconds, not for one list after another.
                    let has_time = longest.is_none_or(|longest| began.elapsed() < longest);
                    let lists = if has_time { client.revocation_lists(&answer.token) } else { Vec::new() };
                    self.keep(authority.name(), &answer.response, &revocation_lists_to_pem(&lists))?;
                    asked.taken.push(authority.clone());
                }
                Err(error) => asked.refused.push((authority.name().to_owned(), error)),
            }
        }
        Ok(asked)
    }

    /// Keeps what an authority of this name answered, with the revocation lists of the day as PEM.
    ///
    /// # Errors
    /// The keeper's.
    pub fn keep(&self, authority: &str, answer: &[u8], revocation: &str) -> Result<(), crate::Error> {
        let stamp = NewStamp { head: self.head, authority: &file_name(authority), answer, revocation };
        self.log.keep_stamp(self.keeper, &stamp).map(drop)
    }
}

/// A name for an authority's files: its own where that is plain.
pub fn file_name(authority: &str) -> String {
    match is_file_name(authority) {
        true => authority.to_owned(),
        false => format!("authority-{}", ObjectId::of(authority.as_bytes()).to_string().get(..16).unwrap_or_default()),
    }
}

/// Whether files can have this name, and no other authority's files have it.
pub fn is_plain(name: &str) -> bool {
    is_file_name(name) && name != SELF
}

/// Whether an authority's files can have this name: 1 to 64 of the characters `A-Z a-z 0-9 - _`.
pub fn is_file_name(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    (1..=64).contains(&name.len()) && name.bytes().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_plain_when_it_can_name_files_of_nobody_else() {
        assert!(["a", "seiko-1", "TSA_2"].into_iter().all(is_plain));
        assert!(!["", "self", "a b", "../a", "a.b", "時刻"].into_iter().any(is_plain));
        assert!(!is_plain(&"a".repeat(65)));
        assert_eq!((file_name("seiko-1"), file_name("self")), ("seiko-1".to_owned(), "self".to_owned()));
        assert!(is_plain(&file_name("時刻")) && file_name("時刻") != file_name("../a"));
    }
}
