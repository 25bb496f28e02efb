//! `hizo directory show` and `hizo directory find`

use hizo_ledger::directory::{Directory, Entry, Purpose};
use hizo_vault::organisation::Card;
use serde_json::{Value, json};

use super::sample;
use crate::failure::{Outcome, shown_bytes};
use crate::people::shown_organisation;
use crate::words::words;
use crate::{Setting, safe};

/// Show the installed directory: its number, until when it is good, and every organisation
#[derive(Debug, clap::Args)]
pub(crate) struct ShowArguments {
    /// The made-up one that comes along, to be looked at
    #[arg(long)]
    sample: bool,
}

/// Find organisations of the installed directory by a part of their names
#[derive(Debug, clap::Args)]
pub(crate) struct FindArguments {
    /// A part of the name, in either language
    #[arg(value_name = "NAME")]
    name: String,
}

pub(super) fn show(setting: &Setting, arguments: &ShowArguments) -> Outcome<()> {
    match arguments.sample {
        true => tell(setting, &sample::directory()?, |_| true),
        false => tell(setting, &installed(setting)?, |_| true),
    }
}

pub(super) fn find(setting: &Setting, arguments: &FindArguments) -> Outcome<()> {
    let part = arguments.name.to_lowercase();
    tell(setting, &installed(setting)?, |entry| {
        let has_part = |name: &str| name.to_lowercase().contains(&part);
        has_part(&entry.name) || has_part(&entry.name_ja)
    })
}

fn installed(setting: &Setting) -> Outcome<Directory> {
    Ok(super::installed(&setting.home()?)?.0)
}

fn tell(setting: &Setting, directory: &Directory, is_meant: impl Fn(&Entry) -> bool) -> Outcome<()> {
    let is_good = directory.is_good_at(safe::now()?).is_ok();
    let entries: Vec<&Entry> = directory.entries.iter().filter(|entry| is_meant(entry)).collect();
    let listed: Vec<Value> = entries.iter().map(|entry| as_json(entry)).collect();
    let (serial, until) = (directory.serial, directory.valid_until.to_string());
    let result = json!({
        "serial": serial, "purpose": directory.purpose.as_str(), "until": until, "good": is_good,
        "organisations": listed,
    });
    setting.console.result(result, |out| {
        let head = match is_good {
            true => words!("directory {serial}, good until {until}", "機関の名簿 第{serial}号（{until} まで有効）"),
            false => words!(
                "directory {serial}, good until {until}: over, install the next one",
                "機関の名簿 第{serial}号（{until} で期限切れ。次の名簿を取り込んでください）"
            ),
        };
        writeln!(out, "{}", setting.console.say(head))?;
        if directory.purpose == Purpose::Sample {
            let sample = words!(
                "a sample, made up: ring nobody, and nothing is sealed by it",
                "これは作りものの見本です。連絡先ではなく、これによって封をすることはできません"
            );
            writeln!(out, "{}", setting.console.say(sample))?;
        }
        for entry in &entries {
            let card = Card { name: entry.name.clone(), name_ja: entry.name_ja.clone(), key: entry.key };
            let (organisation, key) = (shown_organisation(&card), entry.key.name());
            let line = words!(
                "{organisation}  key {key}  {address}",
                "{organisation}  鍵 {key}  {address}",
                key = key,
                address = shown_bytes(entry.address.as_bytes());
                organisation
            );
            writeln!(out, "    {}", setting.console.say(line))?;
        }
        Ok(())
    });
    Ok(())
}

fn as_json(entry: &Entry) -> Value {
    json!({
        "name": entry.name, "name_ja": entry.name_ja, "kind": entry.kind.as_str(), "key": entry.key.to_base64(),
        "keeper": entry.keeper.as_str(), "address": entry.address,
    })
}
