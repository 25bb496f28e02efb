//! `hizo hand-over enter`

use std::path::{Path, PathBuf};

use hizo_vault::event::Event;
use hizo_vault::event::certificate::UnverifiedCertificate;
use hizo_vault::event::handover::Refusal;
use hizo_vault::joining::Invite;
use serde_json::json;

use super::handover_of;
use super::{filling, must_be_company};
use crate::Setting;
use crate::consents::{Consents, Given};
use crate::failure::{Outcome, shown};
use crate::handover::refused;
use crate::home::{self, Home};
use crate::keeper::Keeper;
use crate::safe::Safe;
use crate::side::Side;
use crate::words::words;

/// Enter, as the company, the safe of a hand-over that you consented to, and seal what the sender cannot open
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The invite that the sender sent
    #[arg(value_name = "INVITE")]
    invite: PathBuf,
    /// The folder to make: your home of the hand-over
    #[arg(long, value_name = "DIR")]
    to: PathBuf,
}

pub(super) fn run(setting: &Setting, arguments: &Arguments) -> Outcome<()> {
    let case = Side::of(setting)?;
    let invite = home::read_invite(&arguments.invite)?;
    let Entered { items, missing } = enter(&case, &invite, &arguments.to)?;
    let result = json!({
        "handover": invite.space.to_string(), "home": arguments.to.to_string_lossy(), "items": items, "missing": missing,
    });
    setting.console.result(result, |out| {
        let home = shown(&arguments.to);
        let done = match missing {
            0 => words!(
                "{home} is your home of the hand-over; every item is there",
                "{home} で引き渡しを見られます。資料は揃っています"
            ),
            _ => words!(
                "{home} is your home of the hand-over; {missing} items are missing that you cannot open",
                "{home} で引き渡しを見られます。開けられない資料が{missing}件あります"
            ),
        };
        writeln!(out, "{}", setting.console.say(done))
    });
    Ok(())
}

/// A hand-over that the company has entered.
pub(super) struct Entered {
    pub items: usize,
    /// Items that neither the sender nor the company can open.
    pub missing: usize,
}

/// Enters it as the company, in a folder, and seals what the sender could not.
pub(super) fn enter(case: &Side, invite: &Invite, to: &Path) -> Outcome<Entered> {
    must_be_company(case)?;
    let fold = Consents::of(case.opened())?;
    let given = fold.named(&invite.space.to_string())?;
    // What the sender said in the case is about this very space.
    if given.by != case.key()
        || given.handed.as_ref().is_some_and(|handed| handed.genesis != invite.genesis.to_string())
    {
        return Err(refused(Refusal::Space));
    }
    let consent = given.consent.clone().map_err(refused)?;
    let mut side = match case.safe.home.another(to) {
        Ok(home) if home.space == consent.space => case.in_space(Safe::open(home)?)?,
        _ => settle(case, given, invite, to)?,
    };
    if consent.level.tells_company() && side.keyring.people()?.said(&side.key()).is_none() {
        let certificate = UnverifiedCertificate::issue(&side.identity, &consent.space);
        side.say(vec![Event::KeyCertified(certificate)])?.promised?;
    }
    let missing = filling::fill(case, &mut side, &consent)?;
    filling::compare(case, &side, &consent)?;
    Ok(Entered { items: consent.items.len(), missing })
}

/// Makes the home, once the space is seen to begin with the company's own words and keys.
fn settle(case: &Side, given: &Given, invite: &Invite, folder: &Path) -> Outcome<Side> {
    case.safe.home.begin_beside(folder)?;
    home::begin_joining(folder, invite)?;
    let home = Home::invited(folder, invite)?;
    let keeper = Keeper::open(&home)?;
    let side = case.in_space(Safe::look(home, keeper, invite)?)?;
    if handover_of(&side)?.said != given.said || !side.is_admin() {
        return Err(refused(Refusal::Space));
    }
    case.in_space(Safe::open(Home::join(folder, invite)?)?)
}
