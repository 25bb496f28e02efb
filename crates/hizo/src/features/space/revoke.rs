//! `hizo space revoke`

use std::path::PathBuf;

use hizo_ledger::delegation;
use hizo_vault::event::Event;
use serde_json::json;

use crate::failure::{Failure, Outcome, shown};
use crate::membership::Change;
use crate::people::{shown_organisation, why_refused};
use crate::words::words;
use crate::{Setting, bundle, safe};

/// Bring what an organisation signed to take a delegation back: from this record on, whatever that person adds is refused
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The revocation that the organisation sent
    #[arg(value_name = "FILE")]
    revocation: PathBuf,
}

pub(super) fn run(setting: &Setting, arguments: &Arguments) -> Outcome<()> {
    let mut safe = setting.safe()?;
    let identity = safe::open_identity(&safe.home, &setting.read_passphrase()?)?;
    let keyring = setting.unlock_with(&safe, &identity)?;
    let people = keyring.people()?;
    let note = String::from_utf8(bundle::read(&arguments.revocation, delegation::NOTE_BYTES_MAX)?).unwrap_or_default();
    let (revoked, revocation) = people.delegations.revocation(&safe.home.space, &note).map_err(|refused| {
        let (file, why) = (shown(&arguments.revocation), why_refused(refused));
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
    let change = Change::saying(vec![said]);
    people.may_make(&safe, &change)?;
    let organisation = people.delegations.organisation_of(&revoked).map(shown_organisation);
    let name = people.name(&revocation.key).map(str::to_owned);
    let key = revocation.key.name().to_string();
    let appended = change.append(&mut safe, &identity)?;
    let (number, id) = (safe.chain.head().number, appended.id.to_string());
    let result = json!({ "name": name, "key": key, "record": number, "id": id });
    setting.console.result(result, |out| {
        let organisation = organisation.unwrap_or_else(|| words!("nobody", "なし"));
        let done = words!(
            "{name} acts for {organisation} here no more; whatever is added by that key is refused from now on",
            "{name}さんは、{organisation}の人ではなくなりました。今後その鍵で追加されるものは受け付けられません",
            name = name.as_deref().unwrap_or(&key);
            organisation
        );
        writeln!(out, "{}", setting.console.say(done))
    });
    setting.console.note(words!(
        "next: an admin removes that member with `hizo space remove`",
        "次に: 管理者が `hizo space remove` でそのメンバーを外してください"
    ));
    appended.promised
}
