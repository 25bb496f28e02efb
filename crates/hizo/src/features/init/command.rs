//! `hizo init`

use hizo_vault::keys::generate_passphrase;
use serde_json::json;

use crate::entropy::SystemEntropy;
use crate::failure::{Outcome, shown};
use crate::words::words;
use crate::{Setting, safe};

/// Set up a safe on this machine
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// What the safe is called; only those who can open it see the name
    #[arg(long, default_value = "safe")]
    name: String,
}

pub(crate) fn run(setting: &Setting, arguments: &Arguments) -> Outcome<()> {
    let folder = setting.home_folder()?;
    let (passphrase, generated) = match setting.passphrase.is_given() {
        true => (setting.passphrase.read()?, false),
        false => (generate_passphrase(&mut SystemEntropy), true),
    };
    let home = super::init(&folder, &arguments.name, &passphrase)?;
    let safe = safe::Safe::open(home)?;
    if generated {
        setting.console.warn(words!(
            "this passphrase opens the safe. It is shown once: write it down and keep it apart.",
            "これが金庫を開けるパスフレーズです。表示は今回だけです。書き写して、別の場所に保管してください。"
        ));
        setting.console.beside(&format!("\n    {}\n", *passphrase));
    }
    let result = json!({ "home": folder.to_string_lossy(), "space": safe.home.space.to_string() });
    setting.console.result(result, |out| {
        let made = words!("safe set up in {folder}", "{folder} に金庫を作りました", folder = shown(&folder));
        writeln!(out, "{}", setting.console.say(made))?;
        let advice = words!(
            "keep a copy of identity.age elsewhere: without it and the passphrase nobody opens the safe",
            "鍵ファイル identity.age の控えを別の場所に置いてください。これとパスフレーズがないと、誰も金庫を開けられません"
        );
        writeln!(out, "{}", setting.console.say(advice))
    });
    Ok(())
}
