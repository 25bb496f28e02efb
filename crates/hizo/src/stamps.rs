//! Stamps over the keeper's log: who is asked and when, what was kept, and until when it can be relied on.
//!
//! When authorities are asked is written in docs/spec/keeper.md, section "The keeper's own space".

use std::path::Path;
use std::time::{Duration, Instant};

use hizo_keeper::LoggedStamp;
use hizo_keeper::log::NewStamp;
use hizo_keeper::stamp::{Client, Error, LocalAuthority, Patience, StampSeeds};
use hizo_ledger::id::ObjectId;
use hizo_ledger::timestamp::{
    Authority, DigestAlgorithm, Expected, Imprint, LIST_BYTES_MAX, Moment, Nonce, Request, Token, parse_response,
    revocation_lists_to_pem,
};
use zeroize::Zeroizing;

use crate::bundle;
use crate::entropy::random;
use crate::failure::{Failure, Kind, Outcome, shown};
use crate::keeper::log_failed;
use crate::log::SeenLog;
use crate::safe::{self, Safe};
use crate::words::{Words, words};

/// The name of the keeper's own authority, and of its stamps.
pub(crate) const SELF: &str = "self";

/// How long before the end of a stamp's certificates it is renewed.
const RENEWAL_LEAD_SECONDS: u64 = 366 * 86_400;

/// While renewal is due and no new record calls for a stamp, an authority is asked once in so many seconds.
const RENEWAL_PAUSE_SECONDS: u64 = 7 * 86_400;

/// So many of the newest stamps are looked at to find each authority's last one: that takes no longer in an old log.
const NEWEST_STAMPS: u64 = 256;

/// What is due of the stamps over the log as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Due {
    /// There is no independent stamp, so that there is none to renew.
    Nothing,
    /// Nothing before this moment.
    From(Moment),
    /// Renewal, before this moment.
    Before(Moment),
}

/// What is due when the best of the newest independent stamps can be relied on until `ends`.
pub(crate) fn due(ends: Option<Moment>, now: Moment) -> Due {
    let Some(ends) = ends else { return Due::Nothing };
    match Moment::from_unix(ends.unix_seconds().saturating_sub(RENEWAL_LEAD_SECONDS), 0) {
        Some(from) if now < from => Due::From(from),
        Some(_) | None => Due::Before(ends),
    }
}

/// How long authorities are waited for where a person waits for something else: what is not answered is asked again.
pub(crate) fn in_passing() -> Patience {
    Patience { connect: Duration::from_secs(2), answer: Duration::from_secs(8), between: Vec::new() }
}

/// After so long no further authority is asked in passing.
const IN_PASSING_MAX: Duration = Duration::from_secs(10);

/// What came of asking.
#[derive(Debug, Default)]
pub(crate) struct Asked {
    /// Authorities whose stamps were kept.
    pub taken: Vec<Authority>,
    /// Authorities that gave none, and why.
    pub refused: Vec<(String, Error)>,
}

impl Asked {
    /// A line for each authority that gave no stamp.
    pub(crate) fn notes(&self) -> Vec<Words> {
        let note = |(name, error): &(String, Error)| {
            words!("no stamp by {name}: {error}", "{name} のタイムスタンプは得られませんでした: {error}")
        };
        self.refused.iter().map(note).collect()
    }
}

/// A kept stamp that somebody whom this machine knows vouches for.
#[derive(Debug, Clone)]
pub(crate) struct Kept {
    pub logged: LoggedStamp,
    /// What it is over, byte for byte.
    pub head: Vec<u8>,
    /// A name for its files.
    pub name: String,
    pub response: Vec<u8>,
    pub token: Token,
    /// The revocation lists of the day on which it was taken, as PEM.
    pub revocation: Option<Vec<u8>>,
}

/// The stamps of a log as this machine sees it.
pub(crate) struct Stamps<'a> {
    safe: &'a Safe,
    pub seen: &'a SeenLog,
    /// Whoever may be asked and counts: the keeper's own authority is not among them.
    authorities: Vec<Authority>,
    own: Option<Authority>,
    /// How many of the newest are looked at, and these.
    newest: u64,
    logged: Vec<LoggedStamp>,
}

impl<'a> Stamps<'a> {
    /// Those that this machine's list names, and `more`, which go before one of the same name.
    pub(crate) fn open(safe: &'a Safe, seen: &'a SeenLog, more: &[Authority]) -> Outcome<Self> {
        Self::open_newest(safe, seen, more, u64::MAX)
    }

    fn open_newest(safe: &'a Safe, seen: &'a SeenLog, more: &[Authority], newest: u64) -> Outcome<Self> {
        let mut authorities = more.to_vec();
        let is_new = |authority: &Authority| more.iter().all(|other| other.name() != authority.name());
        authorities.extend(safe.home.authorities()?.into_iter().filter(is_new));
        let local = LocalAuthority::open(&safe.home.keeper_folder()).map_err(no_stamp)?;
        let own = local.map(|local| local.authority(SELF)).transpose().map_err(no_stamp)?;
        let logged = seen.keeper_log().stamps(&safe.keeper, newest)?;
        Ok(Self { safe, seen, authorities, own, newest, logged })
    }

    /// Everybody who vouches for a stamp, the keeper itself with them.
    pub(crate) fn vouching(&self) -> Vec<Authority> {
        self.authorities.iter().chain(&self.own).cloned().collect()
    }

    /// Every stamp over a head of at least so many leaves that somebody vouches for, the oldest first.
    pub(crate) fn covering(&self, size: u64) -> Outcome<Vec<Kept>> {
        let covering = self.logged.iter().filter(|logged| logged.size >= size);
        covering.filter_map(|logged| self.kept(logged).transpose()).collect()
    }

    /// The record of a stamp, by the answer.
    pub(crate) fn logged(&self, response: &[u8]) -> Option<LoggedStamp> {
        let answer = ObjectId::of(response);
        self.logged.iter().find(|logged| logged.answer == answer).copied()
    }

    /// The revocation lists of this day for a stamp, as PEM; `None` when none can be had.
    pub(crate) fn revocation_now(&self, response: &[u8], head: &[u8]) -> Option<Vec<u8>> {
        let authorities = &self.authorities;
        let expected = Expected { data: head, nonce: None, certificates: &[], authorities };
        let token = parse_response(response).and_then(|token| token.verify(&expected)).ok()?;
        let lists = Client::new(&in_passing()).revocation_lists(&token);
        (!lists.is_empty()).then(|| revocation_lists_to_pem(&lists).into_bytes())
    }

    /// The note of a record of the keeper's own space, and its receipt.
    pub(crate) fn record(&self, number: u64) -> Outcome<[Vec<u8>; 2]> {
        let (log, keeper) = (self.seen.keeper_log(), &self.safe.keeper);
        let own = log.own_space()?;
        let record = keeper.notes(own, number)?.into_iter().next();
        let receipt = log.receipt(keeper, own, number).map_err(Failure::from)?;
        let both = record.zip(receipt).map(|(note, receipt)| [note, receipt]);
        both.ok_or_else(|| Failure::internal_message("the record of a stamp is gone"))
    }

    /// What a logged stamp is over: the one of the stamped heads of its size that it holds for, whoever gave it.
    pub(crate) fn head_of(&self, logged: &LoggedStamp, response: &[u8]) -> Outcome<Option<Vec<u8>>> {
        let heads = self.seen.keeper_log().published().stamped(logged.size);
        let heads = heads.map_err(log_failed)?;
        let Ok(token) = parse_response(response) else { return Ok(None) };
        let said = &token.claims().imprint;
        Ok(heads.into_iter().find(|head| Imprint::of(said.algorithm(), head) == *said))
    }

    /// Until when the best of the authorities' newest independent stamps can be relied on.
    pub(crate) fn ends(&self) -> Outcome<Option<Moment>> {
        Ok(self.newest()?.iter().map(|kept| kept.token.ends()).max())
    }

    /// The newest stamp of each authority.
    fn newest(&self) -> Outcome<Vec<Kept>> {
        let mut newest: Vec<Kept> = Vec::new();
        for logged in self.logged.iter().rev().take(NEWEST_STAMPS as usize) {
            if newest.len() == self.authorities.len() {
                break;
            }
            let Some(kept) = self.kept(logged)?.filter(|kept| kept.token.is_independent()) else { continue };
            if newest.iter().all(|other| other.token.authority() != kept.token.authority()) {
                newest.push(kept);
            }
        }
        Ok(newest)
    }

    /// `None` when nobody vouches for it, or it cannot be read any more: then it is of no use.
    fn kept(&self, logged: &LoggedStamp) -> Outcome<Option<Kept>> {
        let own = self.seen.keeper_log().own_space()?;
        let response = self.safe.keeper.object(own, logged.answer).map_err(Failure::from)?;
        let Some(response) = response else { return Ok(None) };
        let Some(head) = self.head_of(logged, &response)? else { return Ok(None) };
        if ObjectId::of(&response) != logged.answer {
            return Ok(None);
        }
        let authorities = self.vouching();
        let expected = Expected { data: &head, nonce: None, certificates: &[], authorities: &authorities };
        let Ok(token) = parse_response(&response).and_then(|token| token.verify(&expected)) else { return Ok(None) };
        let name = self.file_name(token.authority());
        let revocation = self.seen.keeper_log().published().revocation(&head, &name);
        let revocation = revocation.map_err(log_failed)?;
        Ok(Some(Kept { logged: *logged, head, name, response, token, revocation }))
    }

    /// A name for an authority's files: its own where that is plain, else its place in the list.
    fn file_name(&self, name: &str) -> String {
        let place = self.authorities.iter().position(|authority| authority.name() == name);
        if is_plain(name) || name == SELF {
            name.to_owned()
        } else {
            format!("authority-{}", place.map_or(0, |it| it + 1))
        }
    }

    /// Who is asked over the head now.
    fn wanting(&self, now: Moment) -> Outcome<Vec<Authority>> {
        let newest = self.newest()?;
        let ends = newest.iter().map(|kept| kept.token.ends()).max();
        let is_due = matches!(due(ends, now), Due::Before(_));
        let mut wanting = Vec::new();
        for authority in self.authorities.iter().filter(|authority| authority.url().is_some()) {
            let last = newest.iter().find(|kept| kept.token.authority() == authority.name());
            let is_new = self.holds_others_since(last.map_or(0, |kept| kept.logged.size))?;
            let paused = last.is_some_and(|kept| now < kept.token.time().plus(RENEWAL_PAUSE_SECONDS, 0));
            if is_new || is_due && !paused {
                wanting.push(authority.clone());
            }
        }
        Ok(wanting)
    }

    /// Whether a record of another space than the keeper's own stands in the log from this place on, or may: of more stamps
    /// than are looked at, the older ones are not known from others.
    fn holds_others_since(&self, size: u64) -> Outcome<bool> {
        let own = self.seen.keeper_log().own_space()?;
        let genesis = self.safe.keeper.place(own, 0).map_err(Failure::from)?;
        let own = self.logged.iter().map(|logged| logged.position).chain(genesis);
        let own = own.filter(|position| (size..self.seen.checkpoint.size).contains(position)).count();
        Ok(self.seen.checkpoint.size.saturating_sub(size) > own as u64)
    }

    /// Asks those whose stamp is wanted. What comes is kept; what does not come is told of, and asked for again next time.
    pub(crate) fn ask_wanting(&mut self, patience: &Patience, longest: Option<Duration>) -> Outcome<Asked> {
        let now = safe::moment()?;
        self.ask(&self.wanting(now)?, patience, longest, now)
    }

    /// Asks every authority that has an address.
    pub(crate) fn ask_all(&mut self, patience: &Patience) -> Outcome<Asked> {
        let all: Vec<_> = self.authorities.iter().filter(|authority| authority.url().is_some()).cloned().collect();
        self.ask(&all, patience, None, safe::moment()?)
    }

    fn ask(
        &mut self,
        authorities: &[Authority],
        patience: &Patience,
        longest: Option<Duration>,
        now: Moment,
    ) -> Outcome<Asked> {
        let (client, began, mut asked) = (Client::new(patience), Instant::now(), Asked::default());
        for authority in authorities {
            if longest.is_some_and(|longest| began.elapsed() >= longest) {
                asked.refused.push((authority.name().to_owned(), Error::NotAsked));
                continue;
            }
            match client.stamp(authority, &self.seen.note, now, &mut random) {
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

    /// The keeper's own stamp over the head, which is not independent.
    pub(crate) fn stamp_by_itself(&mut self) -> Outcome<()> {
        if self.safe.keeper.here().is_none() {
            return Err(Failure::new(
                Kind::Unknown,
                words!(
                    "the keeper has no stamp over this part of its log yet, and a proof needs one",
                    "預け先の台帳のこの部分に、まだタイムスタンプがないため、証明を作れません"
                ),
            )
            .hint(words!(
                "Ask whoever runs the keeper. Until then the receipt shows what it promised: `hizo status` tells.",
                "預け先に頼んでください。それまでは受領書が約束の証拠になります（`hizo status` で確かめられます）。"
            )));
        }
        let now = safe::moment()?;
        let seeds = StampSeeds {
            key: Zeroizing::new(random()),
            root_key: Zeroizing::new(random()),
            serial: random(),
            root_serial: random(),
        };
        let folder = self.safe.home.keeper_folder();
        let local = LocalAuthority::init(&folder, self.safe.chain.keeper(), &seeds, now).map_err(no_stamp)?;
        self.own = Some(local.authority(SELF).map_err(no_stamp)?);
        let asked = Request {
            imprint: Imprint::of(DigestAlgorithm::Sha256, &self.seen.note),
            policy: None,
            nonce: Some(Nonce::from_random(random())),
            certificates: true,
        };
        let answer = local.answer(&asked.to_der(), now, random()).map_err(no_stamp)?;
        if let Err(error) = parse_response(&answer) {
            return Err(no_stamp(Error::Refused(error)));
        }
        self.keep(SELF, &answer, "")
    }

    fn keep(&mut self, authority: &str, answer: &[u8], revocation: &str) -> Outcome<()> {
        let (log, name) = (self.seen.keeper_log(), self.file_name(authority));
        let stamp = NewStamp { head: &self.seen.note, authority: &name, answer, revocation };
        log.keep_stamp(&self.safe.keeper, &stamp)?;
        self.logged = log.stamps(&self.safe.keeper, self.newest)?;
        Ok(())
    }
}

/// Asks in passing, after something else was done, which stays done whatever comes of it: what a person should know.
pub(crate) fn ask_in_passing(safe: &Safe, seen: &SeenLog) -> Vec<Words> {
    let told = || -> Outcome<Vec<Words>> {
        if safe.home.authorities()?.is_empty() {
            return Ok(Vec::new());
        }
        let mut stamps = Stamps::open_newest(safe, seen, &[], NEWEST_STAMPS)?;
        let mut notes = stamps.ask_wanting(&in_passing(), Some(IN_PASSING_MAX))?.notes();
        if let Due::Before(ends) = due(stamps.ends()?, safe::moment()?) {
            notes.push(words!(
                "the newest independent stamp can be relied on until {ends} only; `hizo log renew` says more",
                "いちばん新しい第三者のタイムスタンプは {ends} までです。詳しくは `hizo log renew` で分かります"
            ));
        }
        Ok(notes)
    };
    told().unwrap_or_else(|failure| vec![failure.message])
}

/// A list of authorities that a person names: its text, and who is in it.
pub(crate) fn read_list(path: &Path) -> Outcome<(String, Vec<Authority>)> {
    let bytes = bundle::read(path, LIST_BYTES_MAX)?;
    let text = String::from_utf8(bytes).ok();
    let list = text.and_then(|text| Authority::parse_list(&text).ok().map(|list| (text, list)));
    list.ok_or_else(|| {
        let path = shown(path);
        Failure::fixable(words!("{path} is no list of authorities", "{path} は時刻認証局の一覧として読めません")).hint(
            words!("docs/spec/timestamp.md shows how one is written.", "書き方は docs/spec/timestamp.md にあります。"),
        )
    })
}

/// Whether files can have this name, and no other authority's files have it.
pub(crate) fn is_plain(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    (1..=64).contains(&name.len()) && name.bytes().all(plain) && name != SELF
}

fn no_stamp(error: Error) -> Failure {
    Failure::new(Kind::Unknown, words!("there is no stamp: {error}", "タイムスタンプを押せません: {error}"))
        .hint(words!(
            "Look at the clock and the disk of this machine, then run the same command again.",
            "このコンピューターの時計とディスクを確かめてから、同じコマンドをもう一度実行してください。"
        ))
        .source(error)
}

#[cfg(test)]
mod tests {
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

    #[test]
    fn a_name_is_plain_when_it_can_name_files_of_nobody_else() {
        assert!(["a", "seiko-1", "TSA_2"].into_iter().all(is_plain));
        assert!(!["", "self", "a b", "../a", "a.b", "時刻"].into_iter().any(is_plain));
        assert!(!is_plain(&"a".repeat(65)));
    }
}
