//! The register of an organisation: what it has said, in its own space, of who acts for it in others.
//!
//! See docs/spec/organisation.md.

use std::collections::{BTreeMap, btree_map};
use std::convert::Infallible;

use hizo_ledger::delegation::{Delegation, Revocation};
use hizo_ledger::id::SpaceId;
use hizo_ledger::identity::VerifyingKey;
use hizo_ledger::record::ClaimedTime;
use hizo_vault::event::Event;
use hizo_vault::organisation::{CARD_BYTES_MAX, Card};

use crate::bundle;
use crate::contents::Opened;
use crate::failure::{Failure, Outcome, shown};
use crate::home::{Home, damaged};
use crate::lanes;
use crate::words::{Words, words};

/// The card of the organisation whose own space this is the home of.
pub(crate) fn card(home: &Home) -> Outcome<Card> {
    let path = home.organisation_card_file();
    if !path.exists() && home.organisation_key_file().exists() {
        return Err(Failure::fixable(words!(
            "the organisation's card is missing: {path}",
            "機関カード（{path}）がありません",
            path = shown(&path)
        ))
        .hint(words!(
            "Put it back from your copy; or run `hizo office make` with the same names: it writes the card of the key that is there.",
            "控えから戻すか、同じ名前で `hizo office make` を実行してください。今ある機関の鍵からカードを作り直します。"
        )));
    }
    if !path.exists() {
        return Err(Failure::fixable(words!(
            "no organisation was set up in {folder}",
            "{folder} では、機関の鍵が作られていません",
            folder = shown(home.folder())
        ))
        .hint(words!(
            "Run `hizo office make` first, or name the home of the organisation's own safe with --home.",
            "先に `hizo office make` を実行するか、機関の金庫のフォルダーを --home で指定してください。"
        )));
    }
    Card::parse(&bundle::read(&path, CARD_BYTES_MAX)?).map_err(|error| damaged(&path).source(error))
}

/// How a delegation stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    Good,
    /// The own space has begun an epoch since: what the other space seals for the organisation, whoever left it may open.
    Due,
    /// Its time has not come, or is over.
    Ended,
    Revoked,
}

impl State {
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Due => "due",
            Self::Ended => "ended",
            Self::Revoked => "revoked",
        }
    }

    pub(crate) fn words(self) -> Words {
        match self {
            Self::Good => words!("good", "有効"),
            Self::Due => words!("due", "要更新"),
            Self::Ended => words!("ended", "期間外"),
            Self::Revoked => words!("revoked", "取り消し済み"),
        }
    }
}

/// What the organisation has said of one key in one space.
pub(crate) struct Entry {
    /// The one that counts there: that begins last.
    pub delegation: Delegation,
    note: String,
    /// The last time until which what has begun was taken back.
    pub revoked: Option<ClaimedTime>,
    revocation: Option<String>,
}

impl Entry {
    /// How it stands at this time, where the own space is sealed to this recipient.
    pub(crate) fn state(&self, now: ClaimedTime, sealed_to: &str) -> State {
        match &self.delegation.recipient {
            _ if self.revoked.is_some_and(|until| self.delegation.not_before <= until) => State::Revoked,
            _ if !self.delegation.is_good_at(now) => State::Ended,
            Some(recipient) if recipient != sealed_to => State::Due,
            _ => State::Good,
        }
    }

    /// What was said of it, to be said in the space that it is for.
    pub(crate) fn events(&self) -> impl Iterator<Item = Event> {
        let revoked = self.revocation.clone().map(|note| Event::DelegationRevoked { note });
        [Event::KeyDelegated { note: self.note.clone() }].into_iter().chain(revoked)
    }

    /// In Unix seconds, from when on a delegation counts that is said now: behind all that was said of the key.
    pub(crate) fn counts_from(&self, now: u64) -> u64 {
        let last = self.revoked.map_or(self.delegation.not_before, |until| until.max(self.delegation.not_before));
        now.max(last.unix_seconds().saturating_add(1))
    }
}

/// Whom the organisation has delegated, by space and key.
#[derive(Default)]
pub(crate) struct Register(BTreeMap<SpaceId, BTreeMap<VerifyingKey, Entry>>);

/// How many events are held at once while their notes are verified, beside those of a record.
const AT_ONCE: usize = 4_096;

/// What an organisation has signed of a key in a space.
enum Said {
    Delegated(Box<Delegation>),
    Revoked(Box<Revocation>),
}

impl Said {
    /// What an event says, if it is by this organisation, with its note.
    fn by<'e>(organisation: &VerifyingKey, event: &'e Event) -> Option<(Self, &'e str)> {
        match event {
            Event::KeyDelegated { note } => {
                let said = Delegation::verify(note.as_bytes()).ok()?;
                (said.organisation == *organisation).then(|| (Self::Delegated(Box::new(said)), note.as_str()))
            }
            Event::DelegationRevoked { note } => {
                let said = Revocation::verify(note.as_bytes()).ok()?;
                (said.organisation == *organisation).then(|| (Self::Revoked(Box::new(said)), note.as_str()))
            }
            _ => None,
        }
    }
}

impl Register {
    /// What stands in the own space, as far as this organisation has signed it.
    pub(crate) fn of(opened: Opened, organisation: &VerifyingKey) -> Self {
        let records = opened.safe.records.iter().filter(|record| record.envelope().deposit.is_none());
        let (mut register, mut some) = (Self::default(), Vec::new());
        for record in records {
            // A body that cannot be read says nothing here; `hizo check` tells of it.
            some.extend(opened.keyring.events(opened.safe, record).unwrap_or_default());
            if some.len() >= AT_ONCE {
                register.take_all(&some, organisation);
                some.clear();
            }
        }
        register.take_all(&some, organisation);
        register
    }

    /// Takes what these say, in their order. The signatures are what takes time.
    fn take_all(&mut self, events: &[Event], organisation: &VerifyingKey) {
        let Ok(()) = lanes::in_order(
            events,
            |event| Said::by(organisation, event),
            |_, said| {
                said.into_iter().for_each(|(said, note)| self.take(said, note));
                Ok::<_, Infallible>(())
            },
        );
    }

    /// Takes what was said. Two machines may have said it whose clocks differ: which delegation counts, the times in it decide,
    /// as in the space that it is for.
    fn take(&mut self, said: Said, note: &str) {
        match said {
            Said::Delegated(delegation) => match self.0.entry(delegation.space).or_default().entry(delegation.key) {
                btree_map::Entry::Vacant(free) => {
                    let (delegation, note) = (*delegation, note.to_owned());
                    free.insert(Entry { delegation, note, revoked: None, revocation: None });
                }
                btree_map::Entry::Occupied(mut entry) => {
                    let before = entry.get_mut();
                    if before.delegation.not_before <= delegation.not_before {
                        (before.delegation, before.note) = (*delegation, note.to_owned());
                    }
                }
            },
            Said::Revoked(said) => {
                let entry = self.0.get_mut(&said.space).and_then(|keys| keys.get_mut(&said.key));
                if let Some(entry) = entry.filter(|entry| entry.revoked < Some(said.time)) {
                    (entry.revoked, entry.revocation) = (Some(said.time), Some(note.to_owned()));
                }
            }
        }
    }

    /// All of it, by space.
    pub(crate) fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.0.values().flat_map(BTreeMap::values)
    }

    /// What was said of the keys in one space.
    pub(crate) fn of_space(&self, space: SpaceId) -> impl Iterator<Item = &Entry> {
        self.0.get(&space).into_iter().flat_map(BTreeMap::values)
    }

    /// What was said of a key in a space.
    pub(crate) fn get(&self, space: SpaceId, key: VerifyingKey) -> Option<&Entry> {
        self.0.get(&space)?.get(&key)
    }
}

#[cfg(test)]
mod tests {
    use hizo_ledger::record::Role;
    use hizo_vault::keys::{OrganisationKey, OrganisationSeed};

    use super::*;

    fn at(seconds: u64) -> ClaimedTime {
        ClaimedTime::from_unix_seconds(seconds).unwrap()
    }

    fn office() -> OrganisationKey {
        OrganisationSeed::from_bytes(&[7; 32]).signing_key()
    }

    /// What was said of one key, in this order: delegations from a time on, and revocations.
    fn said(events: &[(&str, u64)]) -> Entry {
        let (office, space) = (office(), SpaceId::from_bytes([1; 16]));
        let [key, identity] =
            [8, 9].map(|byte| OrganisationSeed::from_bytes(&[byte; 32]).signing_key().verifying_key());
        let events = events.iter().map(|(word, seconds)| {
            if *word == "revoked" {
                let said = Revocation { organisation: office.verifying_key(), space, key, time: at(*seconds) };
                Event::DelegationRevoked { note: said.note(&office.sign(said.text().as_bytes())).unwrap() }
            } else {
                let said = Delegation {
                    organisation: office.verifying_key(),
                    space,
                    key,
                    identity,
                    role: Role::Writer,
                    recipient: None,
                    not_before: at(*seconds),
                    not_after: at(1_000),
                    rotator: None,
                };
                Event::KeyDelegated { note: said.note(&office.sign(said.text().as_bytes())).unwrap() }
            }
        });
        let mut register = Register::default();
        register.take_all(&events.collect::<Vec<_>>(), &office.verifying_key());
        register.0.into_values().flat_map(BTreeMap::into_values).next().unwrap()
    }

    #[test]
    fn of_several_delegations_of_a_key_the_one_counts_that_begins_last_as_in_the_space_it_is_for() {
        let check = |events: &[(&str, u64)], from: u64, state: State| {
            let entry = said(events);
            assert_eq!((entry.delegation.not_before, entry.state(at(500), "")), (at(from), state), "{events:?}");
        };
        check(&[("delegated", 100), ("delegated", 200)], 200, State::Good);
        // By a machine whose clock is behind.
        check(&[("delegated", 200), ("delegated", 100)], 200, State::Good);
        check(&[("delegated", 100), ("revoked", 150), ("delegated", 200)], 200, State::Good);
        check(&[("delegated", 100), ("delegated", 200), ("revoked", 150)], 200, State::Good);
        check(&[("delegated", 100), ("revoked", 300), ("delegated", 200)], 200, State::Revoked);
        check(&[("delegated", 200), ("revoked", 300), ("delegated", 100), ("revoked", 150)], 200, State::Revoked);
    }

    #[test]
    fn what_is_said_now_counts_whatever_a_clock_had_said_before() {
        let check = |events: &[(&str, u64)], now: u64, from: u64| assert_eq!(said(events).counts_from(now), from);
        check(&[("delegated", 100)], 500, 500);
        check(&[("delegated", 100), ("revoked", 500)], 500, 501);
        check(&[("delegated", 800)], 500, 801);
        check(&[("delegated", 800), ("revoked", 900)], 500, 901);
        check(&[("delegated", 800), ("revoked", 500)], 500, 801);
    }
}
