//! `hizo case thing`: what is no file, from hand to hand.

use hizo_vault::event::case::Said;

use super::command::enter;
use super::open::unknown_word;
use super::say::{named, new_id, one};
use super::{Case, Thing};
use crate::Setting;
use crate::failure::Outcome;
use crate::words::words;

/// Say in whose hands a thing is: a laptop, a disk, whatever is no file
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The number on its tag, at least its first digits; without one, a new thing
    #[arg(value_name = "TAG")]
    tag: Option<String>,
    /// What it is, with its own number
    #[arg(long, value_name = "TEXT", required_unless_present = "tag", conflicts_with = "tag")]
    what: Option<String>,
    /// Who has it from now on: a role, or a body
    #[arg(long, value_name = "NAME")]
    holder: String,
    /// Where it lies, and in what state
    #[arg(long, value_name = "TEXT")]
    place: String,
    /// Who saw that
    #[arg(long, value_name = "NAME", default_value = "")]
    witness: String,
    /// Whatever else there is to say
    #[arg(long, value_name = "TEXT", default_value = "")]
    note: String,
}

pub(super) fn run(setting: &Setting, arguments: &Arguments) -> Outcome<()> {
    let (side, present) = enter(setting)?;
    let case = present.case(side.opened())?;
    let Arguments { tag, what, holder, place, witness, note } = arguments;
    let known = tag.as_deref().map(|digits| thing(case, digits)).transpose()?;
    let [holder, place, witness, note] = [holder, place, witness, note].map(Clone::clone);
    let (id, what) = match known {
        Some(thing) => (thing.id.clone(), thing.what.clone()),
        None => (new_id(), what.clone().ok_or_else(unknown_word)?),
    };
    let done = match known {
        Some(_) => words!("written down who has it now", "いま誰が持っているかを記録しました"),
        None => words!(
            "the thing is in custody; print its tag with `hizo case paper tag`",
            "物を保管の記録に加えました。札は `hizo case paper tag` で印刷できます"
        ),
    };
    let said = Said::Thing { id: id.clone(), what, holder, place, witness, note };
    one(setting, (side, present), said, Some(&id), &done)
}

/// The thing whose tag begins with these digits.
fn thing<'c>(case: &'c Case, digits: &str) -> Outcome<&'c Thing> {
    named(&case.things, digits, |thing| &thing.id)
}
