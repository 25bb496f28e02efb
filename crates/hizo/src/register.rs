//! The register of an organisation: what it has said, in its own space, of who acts for it in others.
//!
//! See docs/spec/organisation.md.

use std::collections::BTreeMap;

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
    /// The one that began last.
    pub delegation: Delegation,
    pub revoked: Option<ClaimedTime>,
}

impl Entry {
    /// How it stands at this time, where the own space is sealed to this recipient.
    pub(crate) fn state(&self, now: ClaimedTime, sealed_to: &str) -> State {
        match &self.delegation.recipient {
            _ if self.revoked.is_some() => State::Revoked,
            _ if !self.delegation.is_good_at(now) => State::Ended,
            Some(recipient) if recipient != sealed_to => State::Due,
            _ => State::Good,
        }
    }
}

/// Whom the organisation has delegated, by space and key.
pub(crate) struct Register(BTreeMap<(SpaceId, VerifyingKey), Entry>);

impl Register {
    /// What stands in the own space, as far as this organisation has signed it.
    pub(crate) fn of(opened: Opened, organisation: &VerifyingKey) -> Self {
        let mut entries: BTreeMap<(SpaceId, VerifyingKey), Entry> = BTreeMap::new();
        for record in opened.safe.records.iter().filter(|record| record.envelope().deposit.is_none()) {
            // A body that cannot be read says nothing here; `hizo check` tells of it.
            for event in opened.keyring.events(opened.safe, record).unwrap_or_default() {
                match event {
                    Event::KeyDelegated { note } => {
                        let said = Delegation::verify(note.as_bytes()).ok();
                        let Some(delegation) = said.filter(|said| said.organisation == *organisation) else { continue };
                        entries.insert((delegation.space, delegation.key), Entry { delegation, revoked: None });
                    }
                    Event::DelegationRevoked { note } => {
                        let said = Revocation::verify(note.as_bytes()).ok();
                        let Some(said) = said.filter(|said| said.organisation == *organisation) else { continue };
                        if let Some(entry) = entries.get_mut(&(said.space, said.key)) {
                            entry.revoked = Some(said.time);
                        }
                    }
                    _ => (),
                }
            }
        }
        Self(entries)
    }

    /// All of it, by space.
    pub(crate) fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.0.values()
    }

    /// What was said of a key in a space.
    pub(crate) fn get(&self, space: SpaceId, key: VerifyingKey) -> Option<&Entry> {
        self.0.get(&(space, key))
    }
}
