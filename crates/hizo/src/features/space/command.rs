//! `hizo space`

use super::{admins, admit, agree, due, grant, head, invite, join, members, remove, revoke, role, rotate, rotator};
use crate::Setting;
use crate::failure::Outcome;

/// Share a safe: invite people, join, see who is in, change what they may do, remove them
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    act: Act,
}

#[derive(Debug, clap::Subcommand)]
enum Act {
    Invite(invite::Arguments),
    Join(join::Arguments),
    Admit(admit::Arguments),
    Members(members::Arguments),
    Role(role::Arguments),
    Grant(grant::Arguments),
    Remove(remove::Arguments),
    Revoke(revoke::Arguments),
    Rotate(rotate::Arguments),
    Rotator(rotator::Arguments),
    Admins(admins::Arguments),
    Agree(agree::Arguments),
    Due(due::Arguments),
    Head(head::Arguments),
}

pub(crate) fn run(setting: &Setting, arguments: &Arguments) -> Outcome<()> {
    match &arguments.act {
        Act::Invite(arguments) => invite::run(setting, arguments),
        Act::Join(arguments) => join::run(setting, arguments),
        Act::Admit(arguments) => admit::run(setting, arguments),
        Act::Members(arguments) => members::run(setting, arguments),
        Act::Role(arguments) => role::run(setting, arguments),
        Act::Grant(arguments) => grant::run(setting, arguments),
        Act::Remove(arguments) => remove::run(setting, arguments),
        Act::Revoke(arguments) => revoke::run(setting, arguments),
        Act::Rotate(arguments) => rotate::run(setting, arguments),
        Act::Rotator(arguments) => rotator::run(setting, arguments),
        Act::Admins(arguments) => admins::run(setting, arguments),
        Act::Due(arguments) => due::run(setting, arguments),
        Act::Agree(arguments) => agree::run(setting, arguments),
        Act::Head(arguments) => head::run(setting, arguments),
    }
}
