//! `hizo witness add`

use std::path::PathBuf;

use hizo_keeper::witness::WitnessFolder;
use serde_json::json;

use super::{failed, log_key};
use crate::Setting;
use crate::failure::Outcome;
use crate::words::words;

/// Trust the key of a log from now on
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The witness's folder
    #[arg(long, value_name = "DIR")]
    dir: PathBuf,
    /// The log's verifier key, as `hizo log` shows it
    key: String,
}

pub(super) fn run(setting: &Setting, arguments: &Arguments) -> Outcome<()> {
    let key = log_key(&arguments.key)?;
    WitnessFolder::add_log(&arguments.dir, &key).map_err(|error| failed(&arguments.dir, error))?;
    let console = setting.console;
    console.result(json!({ "log": key.name(), "key": key.to_string() }), |out| {
        let said = words!(
            "from now on this witness cosigns the log {name}",
            "これから、台帳 {name} に連署します",
            name = key.name()
        );
        if console.quiet { Ok(()) } else { writeln!(out, "{}", console.say(said)) }
    });
    Ok(())
}
