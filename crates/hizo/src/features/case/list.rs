//! `hizo case list`

use std::path::{Path, PathBuf};

use serde_json::json;

use super::command::time;
use super::show::{clock_as_json, clock_line, kind_words, urgency_words};
use super::{Case, Present};
use crate::failure::{Failure, Outcome, shown, shown_bytes};
use crate::side::Side;
use crate::words::words;
use crate::{Setting, handover, safe};

/// List cases, what is due first
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Homes of cases; without any, those in which you act for the organisation whose own safe this is the home of, or this one
    #[arg(value_name = "DIR")]
    homes: Vec<PathBuf>,
}

pub(super) fn run(setting: &Setting, arguments: &Arguments) -> Outcome<()> {
    let side = Side::of(setting)?;
    let homes = match arguments.homes.as_slice() {
        [] => side.safe.home.acting_homes()?,
        named => named.to_vec(),
    };
    let mut found = Vec::new();
    if homes.is_empty() {
        let present = guarded(&side)?;
        present.case(side.opened())?;
        found.push((side.safe.home.folder().to_owned(), present));
    }
    for home in homes {
        match look(&side, &home) {
            Ok(Some(present)) => found.push((home, present)),
            // A safe that is no case, and one that this identity does not open, are not listed.
            Ok(None) => (),
            Err(Failure { message: why, .. }) => setting.console.warn(words!(
                "{home} is not listed: {why}",
                "{home} は一覧に入っていません: {why}",
                home = shown(&home);
                why
            )),
        }
    }
    tell(setting, found)
}

fn guarded(side: &Side) -> Outcome<Present> {
    handover::guard(&side.safe, &side.keyring, &side.identity)?;
    Present::of(side.opened())
}

fn look(side: &Side, home: &Path) -> Outcome<Option<Present>> {
    let other = side.at(home)?;
    let present = guarded(&other)?;
    Ok(present.fold.case.is_some().then_some(present))
}

fn tell(setting: &Setting, found: Vec<(PathBuf, Present)>) -> Outcome<()> {
    let now = safe::now()?.unix_seconds();
    let mut cases: Vec<(PathBuf, Case)> =
        found.into_iter().filter_map(|(home, present)| Some((home, present.fold.case?))).collect();
    let soonest = |case: &Case| case.clocks().filter_map(|(_, _, due)| Some(due?.at)).min().unwrap_or(u64::MAX);
    cases.sort_by_key(|(home, case)| (soonest(case), home.clone()));
    let listed: Vec<_> = cases
        .iter()
        .map(|(home, case)| {
            json!({
                "home": home.to_string_lossy(), "title": case.title, "kind": case.kind.word(),
                "urgency": case.urgency.word(), "last": time(case.last),
                "states": case.clocks().map(|clock| clock_as_json(clock, now)).collect::<Vec<_>>(),
            })
        })
        .collect();
    setting.console.result(json!({ "cases": listed }), |out| {
        for (home, case) in &cases {
            let title = shown_bytes(case.title.as_bytes());
            let (kind, urgency, home) = (kind_words(case.kind), urgency_words(case.urgency), shown(home));
            let head = words!("{title}  {kind}  {urgency}  {home}", "{title}  {kind}  {urgency}  {home}", title = title, home = home; kind, urgency);
            writeln!(out, "{}", setting.console.say(head))?;
            for clock in case.clocks() {
                writeln!(out, "    {}", setting.console.say(clock_line(clock, now)))?;
            }
        }
        if cases.is_empty() {
            let none = words!(
                "no case yet: `hizo case open` begins one",
                "相談はまだありません。`hizo case open` で始められます"
            );
            writeln!(out, "{}", setting.console.say(none))?;
        }
        Ok(())
    });
    Ok(())
}
