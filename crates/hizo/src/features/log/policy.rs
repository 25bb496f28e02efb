//! `hizo log policy`: which witnesses the keeper asks, and how many must have cosigned.

use std::path::PathBuf;

use hizo_keeper::EmbeddedLog;
use serde_json::json;

use crate::Setting;
use crate::failure::{Failure, Outcome, shown_bytes};
use crate::log::{read_policy, without_witnesses};
use crate::words::words;

/// Show whose cosignatures the keeper asks for, or set it
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// A policy as C2SP writes it: witnesses with their keys and addresses, and a quorum
    file: Option<PathBuf>,
}

pub(super) fn run(setting: &Setting, arguments: &Arguments) -> Outcome<()> {
    let safe = setting.safe()?;
    let log = EmbeddedLog::open(&safe.home.keeper_folder(), safe.keeper.must_be_here()?).map_err(Failure::from)?;
    let policy = match &arguments.file {
        Some(file) => Some(log.set_policy(&read_policy(file)?).map_err(Failure::from)?),
        None => log.policy().map_err(Failure::from)?,
    };
    let [key, _] = log.keys();
    let text = policy.as_ref().map_or_else(|| format!("log {key}\nquorum none\n"), |policy| policy.text.clone());
    let witnesses = policy.iter().flat_map(|policy| policy.policy.witnesses());
    let names: Vec<_> = witnesses.map(|(name, _)| shown_bytes(name.as_bytes())).collect();
    let (witnesses, names) = (names.len(), names.join(", "));
    let is_set = arguments.file.is_some();
    let (console, asks) = (setting.console, policy.is_some_and(|policy| policy.policy.asks_for_witnesses()));
    console.result(json!({ "policy": text, "witnesses": witnesses, "set": is_set }), |out| match is_set {
        false => write!(out, "{text}"),
        true if console.quiet => Ok(()),
        true => {
            let set = match names.as_str() {
                "" => words!("no witness is asked from now on", "これから、誰にも連署を求めません"),
                names => words!(
                    "asked to cosign with each deposit and proof from now on: {names}",
                    "これから、預け入れと証明のたびに連署を求めます: {names}"
                ),
            };
            writeln!(out, "{}", console.say(set))
        }
    });
    if !asks {
        console.note(without_witnesses());
    }
    Ok(())
}
