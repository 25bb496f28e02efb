//! `hizo init`

use hizo_vault::keys::generate_passphrase;
use serde_json::json;

use crate::entropy::SystemEntropy;
use crate::failure::{Outcome, shown};
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
        setting.console.warn("this passphrase opens the safe. It is shown once: write it down and keep it apart.");
        eprintln!("\n    {}\n", *passphrase);
    }
    let result = json!({ "home": folder.to_string_lossy(), "space": safe.home.space.to_string() });
    setting.console.result(result, |out| {
        writeln!(out, "safe set up in {}", shown(&folder))?;
        writeln!(out, "keep a copy of identity.age elsewhere: without it and the passphrase nobody opens the safe")
    });
    Ok(())
}
