//! `hizo log authorities`

use std::path::PathBuf;

use hizo_ledger::timestamp::Authority;
use serde_json::{Value, json};

use crate::Setting;
use crate::failure::Outcome;
use crate::stamps;
use crate::words::words;

/// Name the time-stamp authorities that are asked; without a file, show them
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// A list of time-stamp authorities; it takes the place of the one before
    file: Option<PathBuf>,
}

pub(crate) fn run(setting: &Setting, arguments: &Arguments) -> Outcome<()> {
    let home = setting.home()?;
    if let Some(file) = &arguments.file {
        let (text, _) = stamps::read_list_to_ask(file)?;
        home.keep_authorities(&text)?;
    }
    let list = home.authorities()?;
    let (console, is_here) = (setting.console, home.address().is_none());
    console.result(json!({ "authorities": list.iter().map(as_json).collect::<Vec<_>>() }), |out| {
        if list.is_empty() && !console.quiet {
            let none = words!(
                "no authority is asked for stamps: a proof has the keeper's own only",
                "時刻認証局は登録されていません。証明には自分で押したタイムスタンプだけが付きます"
            );
            return writeln!(out, "{}", console.say(none));
        }
        list.iter().try_for_each(|authority| {
            let name = authority.name();
            let line = match authority.url().filter(|_| is_here) {
                Some(url) => words!("{name}: asked at {url}", "{name}: {url} に求めます"),
                None if !is_here => words!(
                    "{name}: its stamps count; the keeper asks whom its operator names",
                    "{name}: 押されたものを数えます。誰に求めるかは、預け先が決めます"
                ),
                None => words!("{name}: not asked, its stamps count", "{name}: 求めませんが、押されたものは数えます"),
            };
            writeln!(out, "{}", console.say(line))
        })
    });
    Ok(())
}

fn as_json(authority: &Authority) -> Value {
    json!({
        "name": authority.name(),
        "url": authority.url(),
        "policy": authority.policy().map(ToString::to_string),
    })
}
