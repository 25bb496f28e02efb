//! `hizo hand-over make`

use std::path::{Path, PathBuf};

use hizo_ledger::record::Role;
use hizo_vault::event::Event;
use hizo_vault::event::handover::Consent;
use serde_json::json;

use super::filling;
use super::for_sender;
use crate::consents::{Consents, Given};
use crate::failure::{Failure, Outcome, shown};
use crate::founding;
use crate::parties::Party;
use crate::safe::Safe;
use crate::side::Side;
use crate::words::words;
use crate::{Setting, receipts, sides};

/// Make the safe of a hand-over, with exactly what the company consented to, sealed anew
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The consent: the first digits of its hand-over, as `hizo hand-over status` shows them
    #[arg(value_name = "HANDOVER")]
    handover: String,
    /// The folder to make: your home of the hand-over
    #[arg(long, value_name = "DIR")]
    to: PathBuf,
    /// A file with the code that lets a safe begin at this keeper
    #[arg(long, value_name = "FILE")]
    admission_file: Option<PathBuf>,
}

pub(super) fn run(setting: &Setting, arguments: &Arguments) -> Outcome<()> {
    let case = Side::of(setting)?;
    let Made { side, items, missing } =
        make(&case, &arguments.handover, &arguments.to, arguments.admission_file.as_deref())?;
    let handover = side.safe.home.space.to_string();
    let result = json!({
        "handover": handover, "home": arguments.to.to_string_lossy(), "items": items, "missing": missing,
    });
    let made = items - missing;
    setting.console.result(result, |out| {
        let home = shown(&arguments.to);
        let done = words!(
            "made in {home}: {made} of {items} items sealed anew, nobody let in yet",
            "{home} に作りました。{items}件のうち{made}件に封をし直しました。まだ誰も入れていません"
        );
        writeln!(out, "{}", setting.console.say(done))
    });
    setting.console.note(words!(
        "next: `hizo --home {home} space invite --to FILE`; send it to the receiver and to the company, then `hizo hand-over admit`",
        "次に: `hizo --home {home} space invite --to ファイル` の招待状を受け取り先と会社に送り、届いた参加願で `hizo hand-over admit` を実行します",
        home = shown(&arguments.to)
    ));
    Ok(())
}

/// A hand-over that was made, or went on.
pub(super) struct Made {
    pub side: Side,
    pub items: usize,
    /// Items that the sender cannot open: the company seals them.
    pub missing: usize,
}

/// Makes the hand-over of a consent, which is named by its first digits, in a folder; one that was begun there goes on.
pub(super) fn make(case: &Side, named: &str, to: &Path, admission: Option<&Path>) -> Outcome<Made> {
    // Only a counsellor sends; whose organisation may not help in a case hands nothing of it over.
    sides::refuse_blocked(case, Some(Party::Counsellor))?;
    let said = Consents::of(case.opened())?;
    let given = said.named(named)?;
    let consent = for_sender(given, case)?;
    let mut side = match case.safe.home.another(to) {
        Ok(home) if home.space == consent.space => case.in_space(Safe::open(home)?)?,
        // Another safe's home is refused by whoever begins one there.
        _ => found(case, given, &consent, to, admission)?,
    };
    let missing = filling::fill(case, &mut side, &consent)?;
    Ok(Made { side, items: consent.items.len(), missing })
}

/// Begins the space: the sender and his machine, the company's keys as the consent names them, and the consent itself.
fn found(case: &Side, given: &Given, consent: &Consent, to: &Path, admission: Option<&Path>) -> Outcome<Side> {
    let company = case.keyring.people()?.certificates.of(&given.by).and_then(|company| company.recipient.clone());
    let company = company.ok_or_else(|| Failure::internal_message("the company of a consent is certified"))?;
    let (key, machine) = ((consent.key, consent.session), (consent.machine, consent.machine_session));
    let named = (consent.space, given.said.purpose.as_str());
    let home = founding::beside(&case.safe.home, &case.identity, to, named, admission, |founding| {
        let mut founding =
            founding.with(key.0, key.1, Role::Admin).with(machine.0, machine.1, Role::Writer).read_by(&company);
        founding.events.push(Event::Consent(Box::new(given.said.clone())));
        founding
    })?;
    let side = case.in_space(Safe::open(home)?)?;
    let genesis = side.safe.home.genesis;
    receipts::answer(&side.safe, genesis).holds()?;
    Ok(side)
}
