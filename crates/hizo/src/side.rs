//! A space that somebody has opened with his identity: he says something in it, and opens other spaces of his beside it.

use std::path::Path;
use std::sync::Arc;

use hizo_ledger::identity::VerifyingKey;
use hizo_ledger::record::{AdminRule, Role};
use hizo_vault::event::Event;
use hizo_vault::keys::IdentityFile;

use crate::contents::Opened;
use crate::failure::Outcome;
use crate::home::Home;
use crate::membership::{Appended, Change};
use crate::safe::{self, Keyring, Safe};
use crate::{Setting, epochs};

/// A space as this identity opens it: a case, or a hand-over.
pub(crate) struct Side {
    pub safe: Safe,
    pub identity: Arc<IdentityFile>,
    pub keyring: Keyring,
}

impl Side {
    /// The space of this home.
    pub(crate) fn of(setting: &Setting) -> Outcome<Self> {
        let safe = setting.safe()?;
        let identity = Arc::new(safe::open_identity(&safe.home, &setting.read_passphrase()?)?);
        let keyring = safe.unlock_with(&identity)?;
        setting.warn_of_doubts(&keyring);
        Ok(Self { safe, identity, keyring })
    }

    /// The space of a home, for an identity that was opened before.
    pub(crate) fn open(home: Home, identity: Arc<IdentityFile>) -> Outcome<Self> {
        let safe = Safe::open(home)?;
        let keyring = safe.unlock_with(&identity)?;
        Ok(Self { safe, identity, keyring })
    }

    /// The space of another home of the same person: keys of both come from one identity.
    pub(crate) fn at(&self, folder: &Path) -> Outcome<Self> {
        let safe = Safe::open(self.safe.home.another(folder)?)?;
        self.in_space(safe)
    }

    pub(crate) fn in_space(&self, safe: Safe) -> Outcome<Self> {
        let identity = Arc::clone(&self.identity);
        let keyring = safe.unlock_with(&identity)?;
        Ok(Self { safe, identity, keyring })
    }

    pub(crate) fn opened(&self) -> Opened<'_> {
        Opened { safe: &self.safe, keyring: &self.keyring }
    }

    /// The key that this identity signs with here.
    pub(crate) fn key(&self) -> VerifyingKey {
        self.identity.signing_seed.space_key(&self.safe.home.space).verifying_key()
    }

    pub(crate) fn is_admin(&self) -> bool {
        self.safe.chain.role(&self.key()) == Some(Role::Admin)
    }

    /// What this identity is everywhere.
    pub(crate) fn identity_key(&self) -> VerifyingKey {
        self.identity.signing_seed.identity_key().verifying_key()
    }

    /// Says something, by the person's own key.
    pub(crate) fn say(&mut self, events: Vec<Event>) -> Outcome<Appended> {
        let mut change = Change::saying(events);
        let people = self.keyring.people()?;
        people.may_make(&self.safe, &change)?;
        // An organisation that reads here has new keys: what is said now is for those whom it still has.
        let is_enough = self.is_admin() && self.safe.chain.admin_rule() == AdminRule::One;
        if is_enough && !people.stale(&self.safe, &people.delegations).is_empty() {
            change.begin_epoch(self.opened(), &epochs::readers(self.opened(), &[])?)?;
        }
        change.append(&mut self.safe, &self.identity)
    }
}
