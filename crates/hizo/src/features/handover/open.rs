//! `hizo hand-over open`

use hizo_vault::event::Event;
use serde_json::{Value, json};

use super::consent;
use super::handover_of;
use crate::Setting;
use crate::console;
use crate::failure::Outcome;
use crate::handover::{HandOver, Suspect};
use crate::side::Side;
use crate::view::View;
use crate::words::{self, words};

/// Check the company's consent, note that you open, and list what was handed over to you
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {}

pub(super) fn run(setting: &Setting, _arguments: &Arguments) -> Outcome<()> {
    let mut side = Side::of(setting)?;
    let (handover, promised) = open(&mut side)?;
    let view = View::of(side.opened())?;
    let is_item = |id: &str| handover.custody.iter().any(|entry| entry.record == id);
    let items: Vec<_> = view
        .series
        .values()
        .flat_map(|series| series.deposits.iter().map(|deposit| (series.name.clone(), deposit)))
        .filter(|(_, deposit)| is_item(&deposit.id.to_string()))
        .collect();
    let said = &handover.said;
    let listed = items.iter().map(|(name, deposit)| {
        json!({ "series": name, "deposit": deposit.id.to_string(), "files": deposit.files, "bytes": deposit.bytes })
    });
    let company = Some(said.company.as_str()).filter(|company| *company != "-");
    let result = json!({
        "handover": said.space, "company": company, "purpose": said.purpose, "level": said.level.word(),
        "onward": said.onward, "until": said.until, "items": listed.collect::<Vec<Value>>(),
        "suspects": handover.suspects.iter().map(Suspect::as_json).collect::<Vec<_>>(),
    });
    setting.console.result(result, |out| {
        let head = words!(
            "the consent holds, and the company sees that you opened it",
            "同意を確かめました。開いたことは会社にも見えます"
        );
        writeln!(out, "{}", setting.console.say(head))?;
        writeln!(out, "    {}", setting.console.say(consent::about(said)))?;
        for (name, deposit) in &items {
            let (name, bytes) = (name.clone().unwrap_or_default(), console::bytes(deposit.bytes));
            let files = words::files(deposit.files);
            let line = words!("    {name}: {files}, {bytes}", "    {name}: {files}（{bytes}）", name = name, bytes = bytes; files);
            writeln!(out, "{}", setting.console.say(line))?;
        }
        for suspect in &handover.suspects {
            writeln!(out, "{}", setting.console.say(suspect.line()))?;
        }
        Ok(())
    });
    if !handover.suspects.is_empty() {
        setting.console.note(words!(
            "the counsellor reads your answer: do not write the name of whom the company suspects in it",
            "回答は相談員も読みます。会社が疑っている人の名前は書かないでください"
        ));
    }
    setting.console.note(words!(
        "next: `hizo restore` brings an item out; then answer with `hizo hand-over answer`",
        "次に: 資料は `hizo restore` で取り出せます。そのあと `hizo hand-over answer` で回答してください"
    ));
    promised
}

/// Checks the consent, and says that the receiver opens.
pub(super) fn open(side: &mut Side) -> Outcome<(HandOver, Outcome<()>)> {
    let handover = handover_of(side)?;
    handover.check_opened_by(side.opened(), &side.identity)?;
    let mut promised = Ok(());
    if !handover.opened.contains_key(&side.key()) {
        // Before anything is shown: the company sees it whatever comes then.
        let space = side.safe.home.space.to_string();
        promised = side.say(vec![Event::Opened { space, items: handover.custody.clone() }])?.promised;
    }
    Ok((handover, promised))
}
