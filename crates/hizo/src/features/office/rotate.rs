//! `hizo office rotate`

use serde_json::json;

use crate::Setting;
use crate::failure::Outcome;
use crate::office::Office;
use crate::rotation;
use crate::words::words;

/// Take back what whoever has left was delegated, and begin new keys wherever the organisation reads
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {}

pub(super) fn run(setting: &Setting, _arguments: &Arguments) -> Outcome<()> {
    let rotated = rotation::rotate(&mut Office::open(setting)?)?;
    let result = json!({ "delegated": rotated.delegated, "revoked": rotated.revoked, "rotated": rotated.as_json(), "waits": rotated.waits_as_json(), "left": rotated.left_as_json() });
    setting.console.result(result, |out| {
        let done = words!(
            "{delegated} delegated anew, {revoked} taken back, {rotated} safes have new keys",
            "改めて委任: {delegated}件、取り消し: {revoked}件、鍵を新しくした金庫: {rotated}件",
            delegated = rotated.delegated,
            revoked = rotated.revoked,
            rotated = rotated.done.len()
        );
        writeln!(out, "{}", setting.console.say(done))?;
        rotated.lines().into_iter().try_for_each(|line| writeln!(out, "{}", setting.console.say(line)))
    });
    rotated.outcome()
}
