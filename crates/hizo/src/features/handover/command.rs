//! `hizo hand-over`

use super::{admit, answer, enter, make, on_paper, open, status, suspect};
use crate::Setting;
use crate::failure::Outcome;

/// Hand items of a case over to another organisation, receive them, and see how far it has come
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    act: Act,
}

#[derive(Debug, clap::Subcommand)]
enum Act {
    Make(make::Arguments),
    Enter(enter::Arguments),
    Admit(admit::Arguments),
    Open(open::Arguments),
    Answer(answer::Arguments),
    Suspect(suspect::Arguments),
    Print(on_paper::PrintArguments),
    Taken(on_paper::TakenArguments),
    Status(status::Arguments),
}

pub(crate) fn run(setting: &Setting, arguments: &Arguments) -> Outcome<()> {
    match &arguments.act {
        Act::Make(arguments) => make::run(setting, arguments),
        Act::Enter(arguments) => enter::run(setting, arguments),
        Act::Admit(arguments) => admit::run(setting, arguments),
        Act::Open(arguments) => open::run(setting, arguments),
        Act::Answer(arguments) => answer::run(setting, arguments),
        Act::Suspect(arguments) => suspect::run(setting, arguments),
        Act::Print(arguments) => on_paper::print(setting, arguments),
        Act::Taken(arguments) => on_paper::taken(setting, arguments),
        Act::Status(arguments) => status::run(setting, arguments),
    }
}
