//! `hizo space revoke`

use std::path::{Path, PathBuf};

use hizo_ledger::delegation;
use hizo_vault::event::Event;
use hizo_vault::keys::IdentityFile;
use serde_json::json;

use crate::failure::{Failure, Outcome, shown, shown_bytes};
use crate::membership::{Appended, Change};
use crate::people::{People, shown_organisation, why_refused};
use crate::safe::Safe;
use crate::words::{Words, words};
use crate::{Setting, bundle, safe};

/// Bring what an organisation signed to take a delegation back: from this record on, whatever that person adds is refused
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The revocation that the organisation sent
    #[arg(value_name = "FILE")]
    revocation: PathBuf,
}

/// What an organisation signed to take a delegation back that counts here.
pub(super) struct Revoked {
    /// What the one is called who acts for it no more, if that was said.
    name: Option<String>,
    key: String,
    organisation: Words,
    change: Change,
}

impl Revoked {
    /// Reads it from a file.
    ///
    /// # Errors
    /// When it ends nothing here, or was said already.
    pub(super) fn read(safe: &Safe, people: &People, file: &Path) -> Outcome<Self> {
        let note = String::from_utf8(bundle::read(file, delegation::NOTE_BYTES_MAX)?).unwrap_or_default();
        let (revoked, revocation) = people.delegations.revocation(&safe.home.space, &note).map_err(|refused| {
            let (file, why) = (shown(file), why_refused(refused));
            Failure::untrue(words!(
                "{file} ends nothing here: {why}",
                "{file} で取り消されるものは、この金庫にはありません（{why}）",
                file = file;
                why
            ))
            .hint(words!("Let the organisation send it again.", "機関に、もう一度送ってもらってください。"))
            .source(refused)
        })?;
        let said = Event::DelegationRevoked { note };
        if people.delegations.said_of(&revoked).any(|before| *before == said) {
            return Err(Failure::fixable(words!(
                "this revocation was said here already",
                "この取り消しは、すでに記録されています"
            )));
        }
        let organisation = people.delegations.organisation_of(&revoked).map(shown_organisation);
        Ok(Self {
            name: people.name(&revocation.key).map(str::to_owned),
            key: revocation.key.name().to_string(),
            organisation: organisation.unwrap_or_else(|| words!("nobody", "なし")),
            change: Change::saying(vec![said]),
        })
    }

    pub(super) fn shown_name(&self) -> String {
        self.name.as_ref().map_or_else(|| self.key.clone(), |name| shown_bytes(name.as_bytes()))
    }

    pub(super) fn organisation(&self) -> &Words {
        &self.organisation
    }

    /// What came of it, as people read it.
    pub(super) fn done(&self) -> Words {
        let organisation = self.organisation.clone();
        words!(
            "{name} acts for {organisation} here no more; whatever is added by that key is refused from now on",
            "{name}さんは、{organisation}の人ではなくなりました。今後その鍵で追加されるものは受け付けられません",
            name = self.shown_name();
            organisation
        )
    }

    /// Says it.
    pub(super) fn say(self, safe: &mut Safe, people: &People, identity: &IdentityFile) -> Outcome<Appended> {
        people.may_make(safe, &self.change)?;
        self.change.append(safe, identity)
    }
}

pub(super) fn run(setting: &Setting, arguments: &Arguments) -> Outcome<()> {
    let mut safe = setting.safe()?;
    let identity = safe::open_identity(&safe.home, &setting.read_passphrase()?)?;
    let keyring = setting.unlock_with(&safe, &identity)?;
    let people = keyring.people()?;
    let revoked = Revoked::read(&safe, people, &arguments.revocation)?;
    let (done, name, key) = (revoked.done(), revoked.name.clone(), revoked.key.clone());
    let appended = revoked.say(&mut safe, people, &identity)?;
    let (number, id) = (safe.chain.head().number, appended.id.to_string());
    let result = json!({ "name": name, "key": key, "record": number, "id": id });
    setting.console.result(result, |out| writeln!(out, "{}", setting.console.say(done)));
    setting.console.note(words!(
        "next: an admin removes that member with `hizo space remove`",
        "次に: 管理者が `hizo space remove` でそのメンバーを外してください"
    ));
    appended.promised
}
