//! `hizo office revoke`

use std::path::{Path, PathBuf};

use hizo_ledger::delegation::Revocation;
use hizo_vault::event::Event;
use serde_json::json;

use crate::failure::{Failure, Outcome, shown, shown_bytes};
use crate::home::ToSend;
use crate::office::Office;
use crate::register::{Entry, Register};
use crate::words::words;
use crate::{Setting, safe};

/// Take a delegation back: write what ends it, to be brought to that safe by any member
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The key, or its first digits, as `hizo office list` shows it
    #[arg(value_name = "KEY")]
    key: String,
    /// The file to write, to be sent to a member of that safe
    #[arg(long, value_name = "FILE")]
    to: PathBuf,
}

pub(super) fn run(setting: &Setting, arguments: &Arguments) -> Outcome<()> {
    let mut office = Office::open(setting)?;
    let (revocation, promised) = revoke(&mut office, &arguments.key, &arguments.to)?;
    let (key, space) = (revocation.key.name().to_string(), revocation.space.to_string());
    let result = json!({ "file": arguments.to.to_string_lossy(), "key": key, "space": space });
    setting.console.result(result, |out| {
        let done = words!(
            "the delegation of {key} in safe {space} is taken back; written to {file}",
            "金庫 {space} での {key} の委任を取り消しました。{file} に書きました",
            key = key,
            space = space,
            file = shown(&arguments.to)
        );
        writeln!(out, "{}", setting.console.say(done))
    });
    setting.console.note(words!(
        "next: it holds once a member of that safe has brought it there with `hizo space revoke`",
        "次に: その金庫のメンバーが `hizo space revoke` で記録すると、有効になります"
    ));
    promised
}

/// Takes back what was delegated to a key, named by its first digits: what ends it is written into a file.
pub(super) fn revoke(office: &mut Office, key: &str, to: &Path) -> Outcome<(Revocation, Outcome<()>)> {
    let register = office.register();
    let delegation = &meant(&register, key)?.delegation;
    let time = safe::now()?.max(delegation.not_before);
    let revocation = Revocation { organisation: office.card.key, space: delegation.space, key: delegation.key, time };
    let signature = office.key()?.sign(revocation.text().as_bytes());
    let note = revocation.note(&signature).map_err(Failure::internal)?;
    let to_send = ToSend::reserve(to)?;
    let appended = office.say(vec![Event::DelegationRevoked { note: note.clone() }])?;
    to_send.write(note.as_bytes())?;
    Ok((revocation, appended.promised))
}

/// The one delegation that a person named.
pub(super) fn meant<'r>(register: &'r Register, named: &str) -> Outcome<&'r Entry> {
    let is_meant = |entry: &&Entry| named.len() >= 6 && entry.delegation.key.name().to_string().starts_with(named);
    let mut found = register.entries().filter(is_meant);
    match (found.next(), found.next()) {
        (Some(entry), None) => Ok(entry),
        _ => {
            let named = shown_bytes(named.as_bytes());
            Err(Failure::fixable(words!("there is not one delegation of {named}", "{named} の委任を特定できません"))
                .hint(words!(
                    "Name it by its key, six digits or more, as `hizo office list` shows it.",
                    "`hizo office list` に表示される鍵を、先頭の6桁以上で指定してください。"
                )))
        }
    }
}
