//! An organisation: its key, its card, and whom it delegates to act for it in spaces that it is a member of.
//!
//! See docs/spec/organisation.md. What was delegated and taken back is said in the organisation's own space too: its `register`.

mod card;
pub(crate) mod command;
mod delegate;
mod list;
mod make;
mod revoke;

use hizo_vault::event::Event;
use hizo_vault::keys::{IdentityFile, OrganisationKey, OrganisationSeed};
use hizo_vault::organisation::Card;
use zeroize::Zeroizing;

use crate::contents::Opened;
use crate::failure::{Failure, Outcome, shown};
use crate::home::{Home, IDENTITY_BYTES_MAX, damaged};
use crate::membership::{Appended, Change};
use crate::register::{self, Register};
use crate::safe::{self, Keyring, Safe};
use crate::words::words;
use crate::{Setting, bundle};

/// An organisation whose own safe lies open: what it says, it says there first.
struct Office {
    safe: Safe,
    card: Card,
    keyring: Keyring,
    identity: IdentityFile,
    passphrase: Zeroizing<String>,
}

impl Office {
    fn open(setting: &Setting) -> Outcome<Self> {
        let safe = setting.safe()?;
        let card = register::card(&safe.home)?;
        let passphrase = setting.read_passphrase()?;
        let identity = safe::open_identity(&safe.home, &passphrase)?;
        let keyring = setting.unlock_with(&safe, &identity)?;
        Ok(Self { safe, card, keyring, identity, passphrase })
    }

    fn register(&self) -> Register {
        Register::of(Opened { safe: &self.safe, keyring: &self.keyring }, &self.card.key)
    }

    fn key(&self) -> Outcome<OrganisationKey> {
        let home = &self.safe.home;
        let key = open_key(home, &self.passphrase)?;
        if key.verifying_key() == self.card.key { Ok(key) } else { Err(damaged(&home.organisation_key_file())) }
    }

    /// Writes what was signed into the register. Nothing is handed out that does not stand there.
    fn say(&mut self, event: Event) -> Outcome<Appended> {
        Change::saying(vec![event]).append(&mut self.safe, &self.identity)
    }
}

/// The organisation's key in a home, which has the passphrase of the identity that made it.
fn open_key(home: &Home, passphrase: &str) -> Outcome<OrganisationKey> {
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
    Ok(seed.signing_key())
}
