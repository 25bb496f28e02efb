//! `hizo log`

use clap::Subcommand;

use super::{authorities, renew};
use crate::Setting;
use crate::failure::Outcome;

/// Say who stamps the log of every record, and renew its stamps
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    act: Act,
}

#[derive(Debug, Subcommand)]
enum Act {
    Authorities(authorities::Arguments),
    Renew(renew::Arguments),
}

pub(crate) fn run(setting: &Setting, arguments: &Arguments) -> Outcome<()> {
    match &arguments.act {
        Act::Authorities(arguments) => authorities::run(setting, arguments),
        Act::Renew(arguments) => renew::run(setting, arguments),
    }
}
