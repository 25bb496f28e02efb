//! Who speaks in a case for whom: the company, its staff, and the counsellor of the organisation that helps it.
//!
//! Nobody says so himself: it follows from roles, delegations, and from who opened the case. See docs/spec/case.md, "The parties".

use hizo_ledger::identity::VerifyingKey;
use hizo_ledger::record::{Record, Role};
use hizo_vault::event::Event;
use hizo_vault::event::case::{Said, Way};

use crate::contents::Opened;
use crate::failure::Outcome;
use crate::people::{self, People, Roles};
use crate::words::{Words, words};

/// For whom somebody speaks in a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Party {
    /// An admin, who speaks for the company.
    Company,
    /// Somebody else who reads, and acts for no other organisation.
    Staff,
    /// Whoever opened the case for somebody, and whoever acts in it for another organisation.
    Counsellor,
}

impl Party {
    /// The word that stands for it in files.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Company => "company",
            Self::Staff => "staff",
            Self::Counsellor => "counsellor",
        }
    }

    /// As people call it.
    pub(crate) fn words(self) -> Words {
        match self {
            Self::Company => words!("company", "会社"),
            Self::Staff => words!("staff", "会社の社員"),
            Self::Counsellor => words!("counsellor", "相談員"),
        }
    }
}

/// The parties of a case, as they are before its next record.
pub(crate) struct Parties<'a> {
    people: &'a People,
    roles: Roles,
    opener: Option<VerifyingKey>,
}

impl<'a> Parties<'a> {
    /// Before record 0.
    pub(crate) fn new(people: &'a People, opener: Option<VerifyingKey>) -> Self {
        Self { people, roles: Roles::new(), opener }
    }

    /// After its last one.
    fn now(opened: Opened, people: &'a People, opener: Option<VerifyingKey>) -> Self {
        let mut parties = Self::new(people, opener);
        opened.safe.records.iter().for_each(|record| parties.follow(record));
        parties
    }

    /// Takes who comes and goes by a record.
    pub(crate) fn follow(&mut self, record: &Record) {
        people::come_and_go(&mut self.roles, record);
    }

    /// Whether somebody speaks for this party now.
    pub(crate) fn has(&self, party: Party) -> bool {
        self.roles.keys().any(|key| self.of(key) == Some(party))
    }

    /// For whom the holder of a key speaks; nothing where he says nothing in a case.
    pub(crate) fn of(&self, key: &VerifyingKey) -> Option<Party> {
        let certificate = self.people.certificates.of(key).filter(|certificate| certificate.recipient.is_some())?;
        let role = self.roles.get(key).filter(|role| role.opens())?;
        if self.opener == Some(certificate.identity) {
            return Some(Party::Counsellor);
        }
        if *role == Role::Admin {
            return Some(Party::Company);
        }
        let organisation = self.organisation_of(key);
        let is_companys = || {
            let mut admins = self.roles.iter().filter(|(_, role)| **role == Role::Admin);
            admins.any(|(admin, _)| self.organisation_of(admin) == organisation)
        };
        match organisation.is_some() && !is_companys() {
            true => Some(Party::Counsellor),
            false => Some(Party::Staff),
        }
    }

    fn organisation_of(&self, key: &VerifyingKey) -> Option<VerifyingKey> {
        let identity = self.people.certificates.of(key)?.identity;
        self.people.delegations.organisation_of(&identity).map(|card| card.key)
    }
}

/// For whom the person speaks now who opens the space.
pub(crate) fn own(opened: Opened) -> Outcome<Option<Party>> {
    let people = opened.keyring.people()?;
    Ok(Parties::now(opened, people, opener(opened)).of(&people.certificates.own().key))
}

/// Whether this is the key of somebody who reads the case and does not speak for its company, or of an organisation for which one acts.
pub(crate) fn reads_for_another(opened: Opened, key: &VerifyingKey) -> Outcome<bool> {
    let people = opened.keyring.people()?;
    let mut parties = Parties::now(opened, people, None);
    let is_his = |member: &VerifyingKey| {
        people.certificates.of(member).is_some_and(|certificate| certificate.identity == *key)
            || parties.organisation_of(member) == Some(*key)
    };
    let his: Vec<_> = parties.roles.keys().copied().filter(is_his).collect();
    // Most receivers are nobody there: then record 0 is not read.
    parties.opener = his.first().and_then(|_| opener(opened));
    Ok(his.iter().any(|member| parties.of(member).is_some_and(|party| party != Party::Company)))
}

/// The identity of the counsellor who opened a case for somebody else, as record 0 says; nothing where the company opened it, or the
/// space is no case.
pub(crate) fn opener(opened: Opened) -> Option<VerifyingKey> {
    let genesis = opened.safe.records.first()?;
    let events = opened.keyring.events(opened.safe, genesis).ok()?;
    let is_for_another = |event: &Event| match event {
        Event::Case(said) => matches!(**said, Said::Opened { way, .. } if way != Way::Company),
        _ => false,
    };
    let first = events.iter().find(|event| matches!(event, Event::Case(_)))?;
    let founder = genesis.signers().first().filter(|_| is_for_another(first))?;
    Some(opened.keyring.people().ok()?.certificates.of(founder)?.identity)
}

/// Whether the holder of this identity opened the case for somebody else: he does not speak for the company, whatever his role.
pub(crate) fn is_opened_for_another(opened: Opened, identity: &VerifyingKey) -> bool {
    opener(opened) == Some(*identity)
}
