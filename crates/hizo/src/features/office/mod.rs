//! An organisation: its key, its card, and whom it delegates to act for it in spaces that it is a member of.
//!
//! See docs/spec/organisation.md. What was delegated and taken back is said in the organisation's own space too: its register.

mod card;
pub(crate) mod command;
mod delegate;
mod list;
mod make;
mod revoke;

use std::collections::BTreeMap;

use hizo_ledger::delegation::{Delegation, Revocation};
use hizo_ledger::id::SpaceId;
use hizo_ledger::identity::VerifyingKey;
use hizo_ledger::record::ClaimedTime;
use hizo_vault::event::Event;
use hizo_vault::keys::OrganisationSeed;
use hizo_vault::organisation::{CARD_BYTES_MAX, Card};

use crate::bundle;
use crate::contents::Opened;
use crate::failure::{Failure, Outcome, shown};
use crate::home::{Home, IDENTITY_BYTES_MAX, damaged};
use crate::words::words;

/// The card of the organisation whose own space this is the home of.
fn card(home: &Home) -> Outcome<Card> {
    let path = home.organisation_card_file();
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

/// The organisation's key, which has the passphrase of the identity that made it.
fn key(home: &Home, card: &Card, passphrase: &str) -> Outcome<OrganisationSeed> {
    let path = home.organisation_key_file();
    let bytes = bundle::read(&path, IDENTITY_BYTES_MAX)?;
    let seed = OrganisationSeed::open(bytes, passphrase).map_err(|error| {
        Failure::fixable(words!(
            "the passphrase does not open {path}",
            "パスフレーズが違うため、{path} を開けません",
            path = shown(&path)
        ))
        .hint(words!(
            "It is the one of the identity that ran `hizo office make`.",
            "`hizo office make` を実行した人の鍵ファイルのパスフレーズです。"
        ))
        .source(error)
    })?;
    match seed.signing_key().verifying_key() == card.key {
        true => Ok(seed),
        false => Err(damaged(&path)),
    }
}

/// What the organisation has said of one key in one space.
struct Entry {
    /// The one that began last.
    delegation: Delegation,
    revoked: Option<ClaimedTime>,
}

/// Whom the organisation has delegated, by space and key.
struct Register(BTreeMap<(SpaceId, VerifyingKey), Entry>);

impl Register {
    /// What stands in the own space, as far as this organisation has signed it.
    fn of(opened: Opened, organisation: &VerifyingKey) -> Self {
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
}
