//! Reading the stamps that a keeper took: which hold, by whom, and until when they can be relied on.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;
use std::rc::Rc;

use hizo_ledger::id::ObjectId;
use hizo_ledger::timestamp::{self, Authority, Expected, Imprint, Moment, RESPONSE_BYTES_MAX, Token, parse_response};

use crate::log::{self, LogFiles, LogReader};
use crate::{Error, LoggedStamp};

/// A stamp that a keeper took and that one of those vouches for who are known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptStamp {
    /// Its record.
    pub logged: LoggedStamp,
    /// What it is over, byte for byte.
    pub head: Vec<u8>,
    /// The answer as it came.
    pub response: Vec<u8>,
    /// The stamp in it, verified.
    pub token: Token,
}

/// What is wrong with a stamp that a keeper says it took, whoever is trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The answer is not there.
    Withheld,
    /// The answer is longer than an answer can be.
    TooLong,
    /// What is there is not the answer that the record names.
    Changed,
    /// It is over none of the heads of its size that are said to be stamped, or they are not this log's.
    NoHead,
    /// It cannot be read, or contradicts itself.
    Token(timestamp::Error),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Withheld => f.write_str("its answer is missing"),
            Self::TooLong => f.write_str("its answer is longer than an answer can be"),
            Self::Changed => f.write_str("its answer is not the one that the record names"),
            Self::NoHead => f.write_str("it is over no head of this log that was stamped"),
            Self::Token(error) => error.fmt(f),
        }
    }
}

/// What a stamp is that a keeper says it took.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// Somebody who is known vouches for it.
    Kept(Rc<KeptStamp>),
    /// Nobody who is known does: it counts for nothing here.
    Unknown,
    /// It does not hold.
    False(Fault),
}

/// Gives an authority's answer by its name; `None` when it is not there.
type Answers<'a> = Box<dyn Fn(ObjectId) -> Result<Option<Vec<u8>>, Error> + 'a>;

/// Reads the stamps over one log. Nothing that the keeper gives is believed, and nothing is asked for twice.
pub struct StampReader<'a, F> {
    published: &'a LogReader<F>,
    answers: Answers<'a>,
    vouching: Vec<Authority>,
    heads: RefCell<BTreeMap<u64, Rc<[Vec<u8>]>>>,
    found: RefCell<BTreeMap<u64, Found>>,
}

impl<'a, F: LogFiles> StampReader<'a, F> {
    /// Over this log, with what gives its keeper's answers, by those who vouch.
    pub fn new(
        published: &'a LogReader<F>,
        answers: impl Fn(ObjectId) -> Result<Option<Vec<u8>>, Error> + 'a,
        vouching: Vec<Authority>,
    ) -> Self {
        Self { published, answers: Box::new(answers), vouching, heads: RefCell::default(), found: RefCell::default() }
    }

    /// Those who vouch.
    pub fn vouching(&self) -> &[Authority] {
        &self.vouching
    }

    /// From now on this one vouches too.
    pub fn let_vouch(&mut self, authority: Authority) {
        self.vouching.push(authority);
        self.found.get_mut().clear();
        self.heads.get_mut().clear();
    }

    /// What a stamp is.
    ///
    /// # Errors
    /// The keeper's, when it does not answer: that says nothing about the stamp.
    pub fn read(&self, logged: &LoggedStamp) -> Result<Found, Error> {
        if let Some(found) = self.found.borrow().get(&logged.number) {
            return Ok(found.clone());
        }
        let found = self.judge(logged)?;
        self.found.borrow_mut().insert(logged.number, found.clone());
        Ok(found)
    }

    /// Those that were read and do not hold, by the numbers of their records.
    pub fn faults(&self) -> Vec<(u64, Fault)> {
        let fault = |(number, found): (&u64, &Found)| match found {
            Found::False(fault) => Some((*number, *fault)),
            Found::Kept(_) | Found::Unknown => None,
        };
        self.found.borrow().iter().filter_map(fault).collect()
    }

    /// Whether one was read for which nobody vouches who is known.
    pub fn met_unknown(&self) -> bool {
        self.found.borrow().values().any(|found| *found == Found::Unknown)
    }

    /// The newest of these stamps by each of these authorities, the newest first; at most so many are looked at.
    ///
    /// # Errors
    /// As [`StampReader::read`].
    pub fn newest(
        &self,
        logged: &[LoggedStamp],
        authorities: &[Authority],
        most: usize,
    ) -> Result<Vec<Rc<KeptStamp>>, Error> {
        let mut newest: Vec<Rc<KeptStamp>> = Vec::new();
        for logged in logged.iter().rev().take(most) {
            if newest.len() == authorities.len() {
                break;
            }
            let Found::Kept(kept) = self.read(logged)? else { continue };
            let name = kept.token.authority();
            let is_wanted = authorities.iter().any(|authority| authority.name() == name);
            if is_wanted && newest.iter().all(|other| other.token.authority() != name) {
                newest.push(kept);
            }
        }
        Ok(newest)
    }

    /// What a stamp is over: the one of the stamped heads of its size that it holds for, whoever gave it.
    ///
    /// # Errors
    /// As [`StampReader::read`].
    pub fn head_of(&self, logged: &LoggedStamp, response: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        let Ok(token) = parse_response(response) else { return Ok(None) };
        let (said, heads) = (&token.claims().imprint, self.heads(logged.size)?);
        Ok(heads.iter().find(|head| Imprint::of(said.algorithm(), head) == *said).cloned())
    }

    fn judge(&self, logged: &LoggedStamp) -> Result<Found, Error> {
        if logged.bytes > RESPONSE_BYTES_MAX as u64 {
            return Ok(Found::False(Fault::TooLong));
        }
        let response = match (self.answers)(logged.answer) {
            Ok(Some(response)) if ObjectId::of(&response) == logged.answer => response,
            // What is longer than was said is another thing, too.
            Ok(Some(_)) | Err(Error::Answer) => return Ok(Found::False(Fault::Changed)),
            Ok(None) => return Ok(Found::False(Fault::Withheld)),
            Err(error) => return Err(error),
        };
        let token = match parse_response(&response) {
            Ok(token) => token,
            Err(error) => return Ok(Found::False(Fault::Token(error))),
        };
        let Some(head) = self.head_of(logged, &response)? else { return Ok(Found::False(Fault::NoHead)) };
        let expected = Expected { data: &head, nonce: None, certificates: &[], authorities: &self.vouching };
        Ok(match token.verify(&expected) {
            Ok(token) => Found::Kept(Rc::new(KeptStamp { logged: *logged, head, response, token })),
            Err(error) if error.is_contradiction() => Found::False(Fault::Token(error)),
            Err(_) => Found::Unknown,
        })
    }

    /// The stamped heads of so many leaves. What is none of this log's, or cannot be read, takes no other with it.
    fn heads(&self, size: u64) -> Result<Rc<[Vec<u8>]>, Error> {
        if let Some(heads) = self.heads.borrow().get(&size) {
            return Ok(Rc::clone(heads));
        }
        let mut heads = Vec::new();
        for name in given(self.published.stamped_heads(size))?.unwrap_or_default() {
            heads.extend(given(self.published.stamped_head(size, &name))?);
        }
        let heads: Rc<[Vec<u8>]> = heads.into();
        self.heads.borrow_mut().insert(size, Rc::clone(&heads));
        Ok(heads)
    }
}

/// What a keeper gave; `None` when it is not what it must be.
fn given<T>(outcome: Result<T, log::Error>) -> Result<Option<T>, Error> {
    match outcome {
        Ok(given) => Ok(Some(given)),
        Err(log::Error::Damaged { .. }) => Ok(None),
        Err(log::Error::Elsewhere(error)) if matches!(*error, Error::Answer) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// How long before the end of a stamp's certificates it is renewed.
const RENEWAL_LEAD_SECONDS: u64 = 366 * 86_400;

/// What is due of the stamps over a log as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Due {
    /// There is no independent stamp, so that there is none to renew.
    Nothing,
    /// Nothing before this moment.
    From(Moment),
    /// Renewal, before this moment.
    Before(Moment),
}

/// What is due when the best of the newest independent stamps can be relied on until `ends`.
pub fn due(ends: Option<Moment>, now: Moment) -> Due {
    let Some(ends) = ends else { return Due::Nothing };
    match Moment::from_unix(ends.unix_seconds().saturating_sub(RENEWAL_LEAD_SECONDS), 0) {
        Some(from) if now < from => Due::From(from),
        Some(_) | None => Due::Before(ends),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn renewal_is_due_a_year_before_the_certificates_end() {
        let at = |text| Moment::parse(text).unwrap();
        let ends = at("2036-06-01T00:00:00Z");
        assert_eq!(due(None, at("2036-01-01T00:00:00Z")), Due::Nothing);
        assert_eq!(due(Some(ends), at("2026-01-01T00:00:00Z")), Due::From(at("2035-06-01T00:00:00Z")));
        assert_eq!(due(Some(ends), at("2035-05-31T23:59:59Z")), Due::From(at("2035-06-01T00:00:00Z")));
        assert_eq!(due(Some(ends), at("2035-06-01T00:00:00Z")), Due::Before(ends));
        // Also when it has ended long ago, and when the clock jumps.
        assert_eq!(due(Some(ends), at("2099-01-01T00:00:00Z")), Due::Before(ends));
        assert_eq!(
            due(Some(at("1970-01-02T00:00:00Z")), at("1970-01-01T00:00:00Z")),
            Due::Before(at("1970-01-02T00:00:00Z"))
        );
    }
}
