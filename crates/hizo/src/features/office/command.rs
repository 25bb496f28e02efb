//! `hizo office`

use super::{card, delegate, list, make, revoke, rotate};
use crate::Setting;
use crate::failure::Outcome;

/// Act as an organisation: make its key and card, say who acts for it in which safe, and take that back
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    act: Act,
}

#[derive(Debug, clap::Subcommand)]
enum Act {
    Make(make::Arguments),
    Card(card::Arguments),
    Delegate(delegate::Arguments),
    List(list::Arguments),
    Revoke(revoke::Arguments),
    Rotate(rotate::Arguments),
}

pub(crate) fn run(setting: &Setting, arguments: &Arguments) -> Outcome<()> {
    match &arguments.act {
        Act::Make(arguments) => make::run(setting, arguments),
        Act::Card(arguments) => card::run(setting, arguments),
        Act::Delegate(arguments) => delegate::run(setting, arguments),
        Act::List(arguments) => list::run(setting, arguments),
        Act::Revoke(arguments) => revoke::run(setting, arguments),
        Act::Rotate(arguments) => rotate::run(setting, arguments),
    }
}
