//! `hizo case give`

use std::path::{Path, PathBuf};

use hizo_ledger::record::{Control, Role};
use hizo_vault::event::Event;
use hizo_vault::fingerprint::Spoken;
use serde_json::json;

use super::command::{appended_as_json, enter, refused};
use super::{Present, Refusal};
use crate::failure::{Failure, Outcome, shown_bytes};
use crate::membership::{self, Appended, Change};
use crate::parties::{self, Party};
use crate::side::Side;
use crate::words::words;
use crate::{Setting, epochs};

/// Give a case that you opened for somebody to the company: it becomes the admin, and you go on as its counsellor
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The company's request
    #[arg(value_name = "FILE")]
    request: PathBuf,
    /// The ten words that the company reads out to you
    #[arg(long, value_name = "WORDS")]
    words: String,
}

pub(super) fn run(setting: &Setting, arguments: &Arguments) -> Outcome<()> {
    let (mut side, present) = enter(setting)?;
    let (appended, name) = give(&mut side, &present, &arguments.request, &arguments.words)?;
    let spoken = membership::read_out(setting, &Spoken::of_head(&appended.id));
    let mut result = appended_as_json(&side, &appended);
    result["name"] = json!(name);
    result["words"] = json!(spoken);
    setting.console.result(result, |out| {
        let name = shown_bytes(name.as_bytes());
        let done = words!(
            "the case is {name}'s now; you are its counsellor",
            "相談を{name}に渡しました。あなたは相談員として残ります"
        );
        let say = words!(
            "read these eight words to the company, which types them into `hizo space join`:",
            "次の8語を会社に読み上げてください。会社は `hizo space join` に入力します:"
        );
        writeln!(out, "{}\n{}\n\n    {spoken}\n", setting.console.say(done), setting.console.say(say))
    });
    appended.promised
}

/// Gives the case to the company whose request lies in a file and whose words were heard; the record, and what the company calls itself.
pub(super) fn give(side: &mut Side, present: &Present, file: &Path, words: &str) -> Outcome<(Appended, String)> {
    if present.own != Some(Party::Counsellor) || !side.is_admin() {
        return Err(refused(Refusal::Party).hint(words!(
            "Only the counsellor who opened the case for somebody gives it, and only once.",
            "渡せるのは、相手のために相談を始めた相談員だけです。一度しか渡せません。"
        )));
    }
    if !parties::is_opened_for_another(side.opened(), &side.identity_key()) {
        return Err(refused(Refusal::Party));
    }
    let request = membership::read_request(file, &side.safe)?;
    if !request.words.is_typed(words) {
        return Err(membership::other_words());
    }
    let Some(company) = request.person.recipient.clone() else {
        return Err(Failure::fixable(words!(
            "the company's request brings no key that opens",
            "会社の参加願に、金庫を開ける鍵がありません"
        )));
    };
    let mut change = Change::default();
    let own = side.keyring.people()?.certificates.own().clone();
    // Whoever speaks for the company reads everything that was typed for it.
    change.give_history(side.opened(), &company)?;
    change.let_in(&request, Role::Admin);
    change.draft.controls.push(Control::Remove(own.key));
    change.seat(&own, Role::ReaderWriter);
    let mut readers = epochs::readers(side.opened(), &[own.key])?;
    for recipient in own.recipient.iter().chain([&company]) {
        if !readers.contains(recipient) {
            readers.push(recipient.clone());
        }
    }
    change.begin_epoch(side.opened(), &readers)?;
    let name = side.keyring.people()?.name(&own.key).map(str::to_owned);
    change.events.extend(name.map(|name| Event::MemberAdded { key: own.key.to_base64(), name }));
    let appended = change.append(&mut side.safe, &side.identity)?;
    Ok((appended, request.said.name))
}
