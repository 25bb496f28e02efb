//! `hizo office delegate`

use std::path::PathBuf;

use hizo_ledger::record::Role;
use serde_json::json;

use crate::Setting;
use crate::failure::{Outcome, shown, shown_bytes};
use crate::membership::{self, RoleWord};
use crate::office::{Delegated, Office};
use crate::words::words;

/// Delegate somebody who asks to join another safe for the organisation, or whose delegation ends soon
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The request of the person, who is a member of this safe
    #[arg(value_name = "REQUEST")]
    request: PathBuf,
    /// The most that the person may do there
    #[arg(long, value_enum, default_value = "reader+writer")]
    role: RoleWord,
    /// For so many days from now
    #[arg(long, value_name = "DAYS", default_value_t = 365, value_parser = clap::value_parser!(u64).range(1..=3650))]
    days: u64,
    /// The file to write, to be sent to an admin of that safe
    #[arg(long, value_name = "FILE")]
    to: PathBuf,
}

pub(super) fn run(setting: &Setting, arguments: &Arguments) -> Outcome<()> {
    let mut office = Office::open(setting)?;
    let request = membership::read_any_request(&arguments.request)?.verify();
    let request = request.map_err(|error| membership::no_request(&arguments.request, error))?;
    let made = office.delegate(request, arguments.role.role(), arguments.days, &arguments.to)?;
    tell(setting, arguments, &made);
    made.promised
}

fn tell(setting: &Setting, arguments: &Arguments, Delegated { request, delegation, .. }: &Delegated) {
    let name = &request.name;
    let (key, space) = (delegation.key.name().to_string(), delegation.space.to_string());
    let (role, until): (Role, _) = (delegation.role, delegation.not_after.to_string());
    let result = json!({
        "file": arguments.to.to_string_lossy(), "name": name, "key": key, "space": space, "role": role.as_str(),
        "from": delegation.not_before.to_string(), "until": until,
    });
    setting.console.result(result, |out| {
        let done = words!(
            "{name} may act for the organisation in safe {space}, as {role}, until {until}; written to {file}",
            "{name}さんは、金庫 {space} で機関の人として {role} の役割で行えます（{until} まで）。{file} に書きました",
            name = shown_bytes(name.as_bytes()),
            space = space,
            role = role.as_str(),
            until = until,
            file = shown(&arguments.to)
        );
        writeln!(out, "{}", setting.console.say(done))
    });
    setting.console.note(words!(
        "next: send it to an admin of that safe, who lets the person in with `hizo space admit`",
        "次に: その金庫の管理者に送ってください。管理者は `hizo space admit` で加えます"
    ));
}
