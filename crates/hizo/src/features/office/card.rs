//! `hizo office card`

use std::path::{Path, PathBuf};

use hizo_vault::fingerprint::Spoken;
use hizo_vault::organisation::Card;
use serde_json::json;

use crate::failure::{Outcome, shown};
use crate::people::shown_organisation;
use crate::register;
use crate::words::words;
use crate::{Setting, home, membership};

/// Show the organisation's card: its names and the ten words of its key; with --to, write it down for others
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The file to write the card to, to be sent
    #[arg(long, value_name = "FILE")]
    to: Option<PathBuf>,
}

pub(super) fn run(setting: &Setting, arguments: &Arguments) -> Outcome<()> {
    let card = register::card(&setting.home()?)?;
    if let Some(to) = &arguments.to {
        home::write_to_send(to, &card.compose())?;
    }
    tell(setting, &card, arguments.to.as_deref());
    Ok(())
}

pub(super) fn tell(setting: &Setting, card: &Card, to: Option<&Path>) {
    let spoken = membership::read_out(setting, &Spoken::of_organisation(&card.key));
    let result = json!({
        "name": card.name, "name_ja": card.name_ja, "key": card.key.to_base64(), "words": spoken,
        "card": to.map(|to| to.to_string_lossy()),
    });
    setting.console.result(result, |out| {
        let organisation = shown_organisation(card);
        let known = words!(
            "{organisation} is known by these ten words, the same everywhere; print them where everybody finds them:",
            "{organisation}の10語（どの金庫でも同じ）です。誰でも見られるところに示してください:";
            organisation
        );
        writeln!(out, "{}\n\n    {spoken}\n", setting.console.say(known))?;
        match to {
            Some(to) => {
                let written = words!("card written to {file}", "機関カードを {file} に書きました", file = shown(to));
                writeln!(out, "{}", setting.console.say(written))
            }
            None => Ok(()),
        }
    });
}
