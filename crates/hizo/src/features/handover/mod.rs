//! Handing items of a case over to another organisation, by the company's consent and by nothing else.

mod admit;
mod answer;
mod attest;
mod choice;
pub(crate) mod command;
pub(crate) mod consent;
mod enter;
mod filling;
mod finding;
pub(crate) mod giving;
#[cfg(test)]
mod histories;
mod make;
mod on_paper;
mod open;
pub(crate) mod page;
mod preview;
pub(crate) mod printing;
pub(crate) mod receiving;
mod status;
mod suspect;

use hizo_ledger::identity::VerifyingKey;
use hizo_ledger::record::{ClaimedTime, Role};
use hizo_vault::event::handover::{Consent, Level, Refusal};

use crate::consents::Given;
use crate::contents::Opened;
use crate::failure::{Failure, Kind, Outcome};
use crate::handover::{HandOver, refused};
use crate::side::Side;
use crate::words::words;
use crate::{parties, safe};

/// What was said here of a hand-over.
///
/// # Errors
/// When this is none.
fn handover_of(side: &Side) -> Outcome<HandOver> {
    HandOver::of(side.opened())?.ok_or_else(|| {
        let said = words!(
            "this safe is no hand-over: no consent stands at its beginning",
            "この金庫は引き渡しではありません。初めに会社の同意がないためです"
        );
        Failure::new(Kind::False, said).source(Refusal::Space).hint(words!(
            "Name the home of the hand-over with --home.",
            "引き渡しのフォルダーを --home で指定してください。"
        ))
    })
}

/// That only an admin of a case speaks for its company.
fn must_be_company(side: &Side) -> Outcome<()> {
    if side.is_admin() && !parties::is_opened_for_another(side.opened(), &side.identity_key()) {
        return Ok(());
    }
    Err(Failure::fixable(words!(
        "only an admin of the case consents for the company",
        "会社として同意できるのは、相談の金庫の管理者だけです"
    ))
    .hint(words!(
        "Run this in the company's home of the case.",
        "会社側の、相談の金庫のフォルダーで実行してください。"
    )))
}

/// That whoever may learn whom the company suspects is nobody who helps in the case.
fn check_receiver(case: Opened, level: Level, receiver: &VerifyingKey) -> Outcome<()> {
    if level != Level::D || !parties::reads_for_another(case, receiver)? {
        return Ok(());
    }
    Err(Failure::fixable(words!(
        "at level D nobody receives who reads the case, nor his organisation: who helps is not to learn whom the company suspects",
        "段階 D では、相談の中を見られる人やその機関には渡せません。疑わしい人の名前が、相談を受ける側に伝わってしまうためです"
    ))
    .hint(words!(
        "Choose another receiver, or level A, B or C.",
        "別の受け取り先を選ぶか、段階を A・B・C のどれかにしてください。"
    )))
}

/// The consent, if this member may act on it as the sender.
///
/// # Errors
/// Exit code 3, and why not.
fn for_sender(given: &Given, side: &Side) -> Outcome<Consent> {
    for_sender_at(given, side, safe::now()?)
}

fn for_sender_at(given: &Given, side: &Side, now: ClaimedTime) -> Outcome<Consent> {
    if side.is_admin() || given.by == side.key() {
        return Err(Failure::untrue(words!(
            "whoever speaks for the company in a case does not hand it over: nobody consents to his own act",
            "相談の金庫の管理者は引き渡しを行えません。自分の行為に自分で同意することになるためです"
        ))
        .hint(words!(
            "Let a member hand over who reads and is no admin.",
            "管理者でなく、金庫の中を見られるメンバーが行ってください。"
        )));
    }
    if side.safe.chain.role(&given.by) != Some(Role::Admin) {
        return Err(Failure::untrue(words!(
            "whoever gave this consent does not speak for the company any more, and holds its key in the hand-over",
            "この同意をした人は、今は会社の管理者ではありません。引き渡しで会社の鍵を持つのもその人です"
        ))
        .hint(words!(
            "Let an admin of the case withdraw it and consent again.",
            "相談の金庫の管理者に、この同意を取り消し、改めて同意してもらってください。"
        )));
    }
    let consent = given.consent.clone().map_err(refused)?;
    consent.is_open(given.is_withdrawn, now).map_err(refused)?;
    check_receiver(side.opened(), consent.level, &consent.receiver)?;
    for item in &consent.items {
        let record = side.safe.records.iter().find(|record| record.id() == item.deposit);
        let deposit = record.and_then(|record| record.envelope().deposit.as_ref());
        if deposit.is_none_or(|deposit| deposit.commit.sha256 != item.commit) {
            return Err(refused(Refusal::Items));
        }
    }
    Ok(consent)
}
