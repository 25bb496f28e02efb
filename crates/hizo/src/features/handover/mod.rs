//! Handing items of a case over to another organisation, by the company's consent and by nothing else.

mod admit;
mod answer;
mod case;
pub(crate) mod command;
pub(crate) mod consent;
mod enter;
mod filling;
mod make;
mod open;
mod status;

use std::path::Path;
use std::rc::Rc;

use hizo_ledger::identity::VerifyingKey;
use hizo_ledger::record::Role;
use hizo_vault::event::Event;
use hizo_vault::event::handover::Refusal;
use hizo_vault::keys::IdentityFile;

use crate::Setting;
use crate::contents::Opened;
use crate::failure::{Failure, Outcome};
use crate::handover::{HandOver, refused};
use crate::home::Home;
use crate::membership::{Appended, Change};
use crate::safe::{self, Keyring, Safe};
use crate::words::words;

/// A space as this identity opens it: the case, or the hand-over.
struct Side {
    safe: Safe,
    identity: Rc<IdentityFile>,
    keyring: Keyring,
}

impl Side {
    /// The space of this home.
    fn of(setting: &Setting) -> Outcome<Self> {
        let safe = setting.safe()?;
        let identity = Rc::new(safe::open_identity(&safe.home, &setting.read_passphrase()?)?);
        let keyring = safe.unlock_with(&identity)?;
        setting.warn_of_doubts(&keyring);
        Ok(Self { safe, identity, keyring })
    }

    /// The space of another home of the same person: keys of both come from one identity.
    fn at(&self, folder: &Path) -> Outcome<Self> {
        let safe = Safe::open(Home::open(folder)?)?;
        self.in_space(safe)
    }

    fn in_space(&self, safe: Safe) -> Outcome<Self> {
        let identity = Rc::clone(&self.identity);
        let keyring = safe.unlock_with(&identity)?;
        Ok(Self { safe, identity, keyring })
    }

    fn opened(&self) -> Opened<'_> {
        Opened { safe: &self.safe, keyring: &self.keyring }
    }

    /// The key that this identity signs with here.
    fn key(&self) -> VerifyingKey {
        self.identity.signing_seed.space_key(&self.safe.home.space).verifying_key()
    }

    fn is_admin(&self) -> bool {
        self.safe.chain.role(&self.key()) == Some(Role::Admin)
    }

    /// What this identity is everywhere.
    fn identity_key(&self) -> VerifyingKey {
        self.identity.signing_seed.identity_key().verifying_key()
    }

    /// Says something, by the person's own key.
    fn say(&mut self, events: Vec<Event>) -> Outcome<Appended> {
        let change = Change::saying(events);
        self.keyring.people()?.may_make(&self.safe, &change)?;
        change.append(&mut self.safe, &self.identity)
    }

    /// What was said here of a hand-over.
    ///
    /// # Errors
    /// When this is none.
    fn handover(&self) -> Outcome<HandOver> {
        HandOver::of(self.opened())?.ok_or_else(|| {
            refused(Refusal::Space).hint(words!(
                "No consent stands at the beginning of this safe. Name the home of the hand-over with --home.",
                "この金庫の初めに、会社の同意がありません。引き渡しのフォルダーを --home で指定してください。"
            ))
        })
    }
}

/// That only an admin of a case speaks for its company.
fn must_be_company(side: &Side) -> Outcome<()> {
    if side.is_admin() {
        return Ok(());
    }
    Err(Failure::fixable(words!(
        "only an admin of the case consents for the company",
        "会社として同意できるのは、相談の金庫の管理者だけです"
    ))
    .hint(words!(
        "Run this in the company's home of the case.",
        "会社側の、相談の金庫のフォルダーで実行してください。"
    )))
}
