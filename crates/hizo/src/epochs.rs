//! The secrets of a space's epochs, sealed to those who may open: the one place where wraps are made.
//!
//! What is sealed here is sealed to the recovery cards too (docs/spec/recovery.md), whoever begins the epoch and why.

use hizo_ledger::identity::VerifyingKey;
use hizo_ledger::record::Control;
use hizo_vault::age::{self, Identity, Recipient};
use hizo_vault::organisation::Delegations;
use zeroize::Zeroizing;

use crate::cards::{self, CardSet};
use crate::contents::Opened;
use crate::entropy::SystemEntropy;
use crate::failure::{Failure, Outcome};
use crate::people::Company;
use crate::safe::Draft;
use crate::words::words;

/// Has a record begin an epoch for these readers, and for the recovery cards: `cards` where the same record pins new ones, else
/// those that there are. What the record says is sealed to the recipient that comes back.
pub(crate) fn begin(
    draft: &mut Draft,
    opened: Opened,
    readers: &[Recipient],
    cards: Option<&Recipient>,
) -> Outcome<Recipient> {
    let secret = Identity::generate(&mut SystemEntropy);
    let number = opened.safe.chain.epoch().saturating_add(1);
    let cards = match cards {
        Some(new) => Some(new.clone()),
        None => recovery(opened)?,
    };
    let to: Vec<Recipient> = readers.iter().cloned().chain(cards).collect();
    let recipient = secret.recipient().clone();
    let (object, _) = draft.hold(recipient.to_string().into_bytes());
    draft.controls.push(Control::Epoch { epoch: number, recipient: object });
    wrap(draft, number, &secret, &to)?;
    Ok(recipient)
}

/// Those of the present members who read, and whom this act does not remove: to whom a new epoch is sealed.
///
/// # Errors
/// When nobody has certified who one of them is: nobody may be left out in silence.
pub(crate) fn readers(opened: Opened, without: &[VerifyingKey]) -> Outcome<Vec<Recipient>> {
    readers_by(opened, &opened.keyring.people()?.delegations, without)
}

/// The same, by delegations that do not stand yet.
pub(crate) fn readers_by(
    opened: Opened,
    delegations: &Delegations,
    without: &[VerifyingKey],
) -> Outcome<Vec<Recipient>> {
    readers_as(opened, delegations, without, None)
}

/// The same where an organisation begins the epoch: for the company of a hand-over it seals to what the consent says, and so need
/// not know who that is (docs/spec/handover.md, "New keys").
pub(crate) fn readers_by_rotator(opened: Opened, delegations: &Delegations) -> Outcome<Vec<Recipient>> {
    readers_as(opened, delegations, &[], opened.keyring.people()?.company())
}

fn readers_as(
    opened: Opened,
    delegations: &Delegations,
    without: &[VerifyingKey],
    company: Option<&Company>,
) -> Outcome<Vec<Recipient>> {
    let people = opened.keyring.people()?;
    let of_company = |key: &VerifyingKey| company.filter(|company| company.key == *key);
    let is_left = |key: &VerifyingKey| !without.contains(key) && of_company(key).is_none();
    if let Some(unknown) = people.uncertified(opened.safe).find(is_left) {
        let name = unknown.name();
        return Err(Failure::fixable(words!(
            "nobody has certified who {name} is, who reads this safe and would be left out",
            "この金庫を見られる {name} が誰なのか証明されていないため、その人を締め出してしまいます"
        ))
        .hint(words!(
            "Remove that member first: `hizo space remove {name}`.",
            "先にその人を外してください: `hizo space remove {name}`。"
        )));
    }
    let readers = opened.safe.chain.members().filter(|(key, role)| role.opens() && !without.contains(key));
    let to = readers.filter_map(|(key, _)| match of_company(&key) {
        Some(company) => Some(&company.recipient),
        None => people.recipient_by(delegations, people.certificates.of(&key)?),
    });
    let mut recipients: Vec<Recipient> = Vec::new();
    for recipient in to {
        // To an organisation is sealed once, however many its people are.
        if !recipients.contains(recipient) {
            recipients.push(recipient.clone());
        }
    }
    Ok(recipients)
}

/// Has a record give an epoch's secret to those who may open it.
pub(crate) fn wrap(draft: &mut Draft, epoch: u32, secret: &Identity, to: &[Recipient]) -> Outcome<()> {
    let (wrap, bytes) = draft.hold(seal(secret, to)?);
    draft.controls.push(Control::Wrap { epoch, wrap, bytes });
    Ok(())
}

/// A wrap's bytes.
pub(crate) fn seal(secret: &Identity, to: &[Recipient]) -> Outcome<Vec<u8>> {
    let line = Zeroizing::new(format!("{}\n", *secret.to_secret_line()));
    age::seal(line.as_bytes(), to, &mut SystemEntropy).map_err(Failure::internal)
}

/// The recipient of the present recovery cards; nothing where the space has none.
fn recovery(opened: Opened) -> Outcome<Option<Recipient>> {
    let Some((record, _)) = cards::pinned(opened.safe) else { return Ok(None) };
    // Cards by somebody who might not make any open nothing new; he is an alarm until he has gone.
    if opened.keyring.refuse_undelegated(record).is_err() {
        return Ok(None);
    }
    // Nobody may be left out in silence, least of all the cards.
    let set = CardSet::of(opened)?.ok_or_else(|| {
        Failure::untrue(words!(
            "what was said of the recovery cards cannot be read, so nothing new can be sealed to them",
            "復旧カードについての記録を読めないため、今後の鍵をカードでも開けられるようにできません"
        ))
        .hint(words!(
            "Replace the cards: `hizo recovery make --replace`.",
            "カードを作り直してください: `hizo recovery make --replace`。"
        ))
    })?;
    Ok(Some(set.recipient))
}
