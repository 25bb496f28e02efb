//! `hizo space head`

use hizo_vault::fingerprint::Spoken;
use serde_json::json;

use crate::failure::Outcome;
use crate::words::words;
use crate::{Setting, membership};

/// Say the last record in eight words: two people who hear the same ones see the same safe
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {}

pub(super) fn run(setting: &Setting, _arguments: &Arguments) -> Outcome<()> {
    let safe = setting.safe()?;
    let head = safe.chain.head();
    let spoken = membership::read_out(setting, &Spoken::of_head(&head.id));
    let result = json!({ "record": head.number, "id": head.id.to_string(), "words": spoken });
    setting.console.result(result, |out| {
        let said = words!("record {number}:", "記録 {number}:", number = head.number);
        writeln!(out, "{}\n\n    {spoken}\n", setting.console.say(said))
    });
    Ok(())
}
