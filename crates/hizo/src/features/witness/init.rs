//! `hizo witness init`

use std::path::PathBuf;

use hizo_keeper::witness::WitnessFolder;
use serde_json::json;
use zeroize::Zeroizing;

use super::{failed, keys};
use crate::Setting;
use crate::entropy::random;
use crate::failure::{Outcome, shown};
use crate::words::words;

/// Make the keys of a new witness
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The witness's folder
    #[arg(long, value_name = "DIR")]
    dir: PathBuf,
    /// What the witness is called, for example witness.example/1
    #[arg(long, value_name = "NAME")]
    name: String,
}

pub(super) fn run(setting: &Setting, arguments: &Arguments) -> Outcome<()> {
    let seed = Zeroizing::new(random());
    let made = WitnessFolder::init(&arguments.dir, &arguments.name, &seed, random());
    let keys = keys(&made.map_err(|error| failed(&arguments.dir, error))?);
    let console = setting.console;
    let result = json!({ "dir": arguments.dir.to_string_lossy(), "name": arguments.name, "keys": keys });
    console.result(result, |out| {
        if !console.quiet {
            let said = words!(
                "witness {name} in {dir}; its keys, Ed25519 and ML-DSA-44, for the policies of those who ask it:",
                "立会人 {name} を {dir} に作りました。連署を求める側の方針に書く鍵（Ed25519、ML-DSA-44）:",
                name = arguments.name,
                dir = shown(&arguments.dir)
            );
            writeln!(out, "{}", console.say(said))?;
        }
        keys.iter().try_for_each(|key| writeln!(out, "{key}"))
    });
    Ok(())
}
