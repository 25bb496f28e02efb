//! An organisation whose own safe lies open, with its key at hand.

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
use crate::{Setting, bundle, passphrase};

/// An organisation whose own safe lies open: what it says, it says there first.
pub(crate) struct Office {
    pub safe: Safe,
    pub card: Card,
    pub keyring: Keyring,
    pub identity: IdentityFile,
    passphrase: Zeroizing<String>,
}

impl Office {
    pub(crate) fn open(setting: &Setting) -> Outcome<Self> {
        let safe = setting.safe()?;
        Self::of(setting, safe, setting.read_passphrase()?)
    }

    /// The same of a safe that was followed.
    pub(crate) fn of(setting: &Setting, safe: Safe, passphrase: Zeroizing<String>) -> Outcome<Self> {
        let card = register::card(&safe.home)?;
        let identity = safe::open_identity(&safe.home, &passphrase)?;
        let keyring = setting.unlock_with(&safe, &identity)?;
        Ok(Self { safe, card, keyring, identity, passphrase })
    }

    pub(crate) fn register(&self) -> Register {
        Register::of(Opened { safe: &self.safe, keyring: &self.keyring }, &self.card.key)
    }

    pub(crate) fn has_key(&self) -> bool {
        self.safe.home.organisation_key_file().exists()
    }

    pub(crate) fn key(&self) -> Outcome<OrganisationKey> {
        Ok(self.seed()?.signing_key())
    }

    /// From which its key comes, and the key by which it begins epochs in each space.
    pub(crate) fn seed(&self) -> Outcome<OrganisationSeed> {
        let home = &self.safe.home;
        let seed = open_seed(home, &self.passphrase)?;
        let is_of_card = seed.signing_key().verifying_key() == self.card.key;
        if is_of_card { Ok(seed) } else { Err(damaged(&home.organisation_key_file())) }
    }

    /// Writes what was signed into the register. Nothing is handed out that does not stand there.
    pub(crate) fn say(&mut self, events: Vec<Event>) -> Outcome<Appended> {
        Change::saying(events).append(&mut self.safe, &self.identity)
    }
}

/// The organisation's seed in a home, which has the passphrase of the identity that made it.
pub(crate) fn open_seed(home: &Home, given: &str) -> Outcome<OrganisationSeed> {
    let path = home.organisation_key_file();
    if !path.exists() {
        return Err(Failure::fixable(words!(
            "the key of the organisation is not in this home: {path}",
            "機関の鍵が、このフォルダーにありません: {path}",
            path = shown(&path)
        ))
        .hint(words!(
            "Let whoever holds it do this, or bring the file here.",
            "鍵を持つ人に頼むか、鍵ファイルをここに置いてください。"
        )));
    }
    let bytes = bundle::read(&path, IDENTITY_BYTES_MAX)?;
    OrganisationSeed::open(bytes, given).map_err(|error| {
        let hint = words!(
            "It is the one of the identity that ran `hizo office make`.",
            "`hizo office make` を実行した人の鍵ファイルのパスフレーズです。"
        );
        passphrase::does_not_open(&path, hint, error)
    })
}
