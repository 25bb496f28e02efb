//! `hizo init`

use std::path::{Path, PathBuf};

use hizo_vault::event::Event;
use serde_json::json;

use super::Owner;
use crate::failure::{Outcome, shown};
use crate::home::{Home, IDENTITY_BYTES_MAX};
use crate::passphrase::NewPassphrase;
use crate::there::{Terms, There};
use crate::words::words;
use crate::{Setting, bundle, receipts, safe};

/// Set up a safe on this machine
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// What the safe is called; only those who can open it see the name
    #[arg(long, default_value = "safe")]
    name: String,
    #[command(flatten)]
    terms: Terms,
    /// Your identity file of another safe: you have the same passphrase here, and nobody who knows one safe learns of the other
    #[arg(long, value_name = "FILE")]
    identity: Option<PathBuf>,
}

pub(crate) fn run(setting: &Setting, arguments: &Arguments) -> Outcome<()> {
    let Arguments { name, terms, identity } = arguments;
    let there = setting.keeper.as_deref().map(|address| terms.there(address)).transpose()?;
    terms.need(there.is_some())?;
    let (home, passphrase) = set_up(setting, there.as_ref(), identity.as_deref(), name, Vec::new())?;
    passphrase.tell(setting.console, &words!("the safe", "金庫"));
    let safe = safe::Safe::open(home)?;
    let folder = safe.home.folder();
    let result = json!({ "home": folder.to_string_lossy(), "space": safe.home.space.to_string() });
    setting.console.result(result, |out| {
        let made = words!("safe set up in {folder}", "{folder} に金庫を作りました", folder = shown(folder));
        writeln!(out, "{}", setting.console.say(made))?;
        let advice = match safe.home.address() {
            None => words!(
                "keep a copy of identity.age elsewhere: without it and the passphrase nobody opens the safe",
                "鍵ファイル identity.age の控えを別の場所に置いてください。これとパスフレーズがないと、誰も金庫を開けられません"
            ),
            Some(_) => words!(
                "keep copies of identity.age and of an invite (`hizo space invite`) elsewhere: with both and the passphrase you come back when this machine is gone",
                "鍵ファイル identity.age と招待状（`hizo space invite`）の控えを別の場所に置いてください。コンピューターを失っても、この2つとパスフレーズで元に戻せます"
            ),
        };
        writeln!(out, "{}", setting.console.say(advice))
    });
    // The safe is there all the same.
    match safe.home.address() {
        Some(_) => receipts::answer(&safe, safe.home.genesis).holds(),
        None => Ok(()),
    }
}

/// Sets up a safe in this home, at the keeper there or in the home itself, whose record 0 says this besides; and the passphrase that
/// opens it.
///
/// # Errors
/// When there is a safe already, or the keeper does not begin one.
pub(crate) fn set_up(
    setting: &Setting,
    there: Option<&There>,
    identity: Option<&Path>,
    name: &str,
    says: Vec<Event>,
) -> Outcome<(Home, NewPassphrase)> {
    let folder = setting.home_folder()?;
    let (passphrase, known) = match identity {
        Some(path) => {
            let passphrase = NewPassphrase::given(setting.read_passphrase()?);
            let sealed = bundle::read(path, IDENTITY_BYTES_MAX)?;
            let identity = safe::open_identity_file(path, sealed.clone(), &passphrase.text)?;
            (passphrase, Some((identity, sealed)))
        }
        None => (setting.passphrase.for_something_new()?, None),
    };
    let owner = match &known {
        Some((identity, sealed)) => Owner::Known { identity, sealed: sealed.clone() },
        None => Owner::New { passphrase: &passphrase.text, called: None },
    };
    let home = super::init_for(&folder, (super::drawn(), name), owner, there, says)?;
    Ok((home, passphrase))
}
