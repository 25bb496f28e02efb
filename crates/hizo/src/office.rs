//! An organisation whose own safe lies open, with its key at hand.

use std::path::Path;

use hizo_ledger::delegation::Delegation;
use hizo_ledger::record::{ClaimedTime, Role};
use hizo_vault::event::Event;
use hizo_vault::joining::{Request, UnverifiedRequest};
use hizo_vault::keys::{IdentityFile, OrganisationKey, OrganisationSeed};
use hizo_vault::organisation::{Card, UnverifiedDelegatedRequest};
use zeroize::Zeroizing;

use crate::contents::Opened;
use crate::failure::{Failure, Outcome, shown};
use crate::home::{Home, IDENTITY_BYTES_MAX, ToSend, damaged};
use crate::membership::{Appended, Change};
use crate::register::{self, Register};
use crate::safe::{self, Keyring, Safe};
use crate::words::words;
use crate::{Setting, bundle, passphrase};

const SECONDS_PER_DAY: u64 = 86_400;

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

    /// The one whose own safe this home is of; what is in doubt there, whoever looks at its safe is told.
    pub(crate) fn at(home: Home, passphrase: &str) -> Outcome<Self> {
        let safe = Safe::open(home)?;
        let card = register::card(&safe.home)?;
        let identity = safe::open_identity(&safe.home, passphrase)?;
        let keyring = safe.unlock_with(&identity)?;
        Ok(Self { safe, card, keyring, identity, passphrase: Zeroizing::new(passphrase.to_owned()) })
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

    /// Delegates somebody who reads its own space, for so many days from now: his request with the delegation is written into a file. A
    /// delegation stands in the register before it is handed out.
    ///
    /// # Errors
    /// When he does not read the own space, it is a request for that very space, or the file cannot be made.
    pub(crate) fn delegate(&mut self, request: Request, role: Role, days: u64, to: &Path) -> Outcome<Delegated> {
        let Request { said, person, .. } = request;
        if said.space == self.safe.home.space {
            return Err(Failure::fixable(words!(
                "that request is for the organisation's own safe",
                "それは、機関自身の金庫への参加願です"
            ))
            .hint(words!("Let the person in with `hizo space admit`.", "`hizo space admit` で加えてください。")));
        }
        // What the organisation reads, whoever acts for it has to read in its own space; and nobody else acts for it.
        let persons = self.keyring.people()?.persons(&self.safe);
        let known = persons.into_iter().find(|known| known.identity == Some(person.identity));
        if !known.is_some_and(|known| known.own.is_some_and(|own| own.role.opens())) {
            return Err(Failure::fixable(words!(
                "nobody who reads this safe has the identity in that request",
                "参加願の鍵の人は、この金庫を見られるメンバーではありません"
            ))
            .hint(words!(
                "Whoever acts for the organisation joins its own safe first, and then the other one with `hizo space join --organisation`.",
                "機関の人は、先に機関自身の金庫に加わり、次に `hizo space join --organisation` で相手の金庫に参加願を書きます。"
            )));
        }
        let before = self.register();
        let before = before.get(said.space, person.key);
        let now = safe::now()?.unix_seconds();
        let from = before.map_or(now, |entry| entry.counts_from(now));
        let at = |seconds| ClaimedTime::from_unix_seconds(seconds).map_err(Failure::internal);
        let (not_before, not_after) = (at(from)?, at(from + days * SECONDS_PER_DAY)?);
        let seed = self.seed()?;
        let recipient = role.opens().then(|| self.safe.recipient()).transpose()?;
        let delegation = Delegation {
            organisation: self.card.key,
            space: said.space,
            key: person.key,
            identity: person.identity,
            role,
            recipient: recipient.map(|recipient| recipient.to_string()),
            not_before,
            not_after,
            rotator: role.opens().then(|| seed.rotator_key(&said.space).verifying_key()),
        };
        let signature = seed.signing_key().sign(delegation.text().as_bytes());
        let note = delegation.note(&signature).map_err(Failure::internal)?;
        let (request, card) = (said.clone(), self.card.clone());
        let delegated = UnverifiedDelegatedRequest { request: said, card, delegation: note.clone() };
        let to_send = ToSend::reserve(to)?;
        let appended = self.say(vec![Event::KeyDelegated { note }])?;
        // Whoever is handed it may use it at once.
        safe::wait_for(not_before)?;
        to_send.write(&delegated.compose())?;
        Ok(Delegated { request, delegation, promised: appended.promised })
    }

    /// Writes what was signed into the register. Nothing is handed out that does not stand there.
    pub(crate) fn say(&mut self, events: Vec<Event>) -> Outcome<Appended> {
        Change::saying(events).append(&mut self.safe, &self.identity)
    }
}

/// What was delegated.
pub(crate) struct Delegated {
    pub request: UnverifiedRequest,
    pub delegation: Delegation,
    pub promised: Outcome<()>,
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
