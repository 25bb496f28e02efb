//! `hizo space rotator`

use hizo_ledger::identity::VerifyingKey;
use hizo_ledger::record::Control;
use hizo_vault::organisation::Card;
use serde_json::json;

use super::entering::Admin;
use crate::Setting;
use crate::failure::{Failure, Outcome};
use crate::membership::{Change, Made, Proposing};
use crate::people::{People, shown_organisation};
use crate::safe::Safe;
use crate::words::words;

/// Let an organisation that reads this safe begin new keys by itself when somebody leaves it, or end that
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// A member who acts for the organisation; with --end also the first digits of the key that may begin new keys
    #[arg(value_name = "NAME")]
    member: String,
    /// End it: from then on, an admin begins new keys
    #[arg(long)]
    end: bool,
    #[command(flatten)]
    proposing: Proposing,
}

pub(super) fn run(setting: &Setting, arguments: &Arguments) -> Outcome<()> {
    let mut safe = setting.safe()?;
    let admin = Admin::unheeded(setting, &safe)?;
    let people = admin.keyring.people()?;
    let (change, keys, card) = match arguments.end {
        true => end(&safe, people, &arguments.member)?,
        false => begin(&safe, people, &arguments.member)?,
    };
    // Whoever might not name a key must not keep it by that.
    people.heed(&safe, if arguments.end { &keys } else { &[] })?;
    let appended = match admin.make(change, &mut safe, &arguments.proposing)? {
        Made::Stands(appended) => appended,
        Made::Proposed(proposed) => return proposed.tell(setting),
    };
    let names: Vec<String> = keys.iter().map(|key| key.name().to_string()).collect();
    let (number, id) = (safe.chain.head().number, appended.id.to_string());
    let result = json!({
        "organisation": card.as_ref().map(|card| &card.name), "keys": names, "ended": arguments.end,
        "record": number, "id": id,
    });
    let organisation = card.as_ref().map_or_else(|| names.join(", ").into(), shown_organisation);
    setting.console.result(result, |out| {
        let done = match arguments.end {
            true => words!(
                "{organisation} begins new keys by itself no more",
                "{organisation}だけで鍵を新しくすることは、できなくなりました";
                organisation
            ),
            false => words!(
                "{organisation} may begin new keys by itself, and nothing else",
                "{organisation}が、管理者なしで鍵を新しくできるようになりました。ほかのことはできません";
                organisation
            ),
        };
        writeln!(out, "{}", setting.console.say(done))
    });
    appended.promised
}

/// What is to be done, for which keys, and whose they are.
type Asked = (Change, Vec<VerifyingKey>, Option<Card>);

fn begin(safe: &Safe, people: &People, member: &str) -> Outcome<Asked> {
    let card = acting_for(safe, people, member)?;
    let organisation = shown_organisation(&card);
    let key = people.rotator_of(&card.key).ok_or_else(|| {
        Failure::fixable(words!(
            "{organisation} has not said which of its keys would do that",
            "そのための鍵を、{organisation}がまだ示していません";
            organisation
        ))
        .hint(words!(
            "Ask it for a new delegation, and let the person in again by it: `hizo space admit`.",
            "新しい委任を頼み、`hizo space admit` で記録してから実行してください。"
        ))
    })?;
    if safe.chain.rotators().any(|named| named == key) {
        let organisation = shown_organisation(&card);
        return Err(Failure::fixable(words!(
            "{organisation} may begin new keys here already",
            "{organisation}は、すでに鍵を新しくできます";
            organisation
        )));
    }
    let mut change = Change::default();
    change.draft.controls.push(Control::Rotator(key));
    Ok((change, vec![key], Some(card)))
}

fn end(safe: &Safe, people: &People, member: &str) -> Outcome<Asked> {
    let rotators = people.rotators(safe);
    let by_key = |key: &VerifyingKey| member.len() >= 6 && key.name().to_string().starts_with(member);
    let mut named: Vec<_> = rotators.iter().filter(|(key, _)| by_key(key)).copied().collect();
    if named.is_empty() {
        let card = acting_for(safe, people, member)?;
        named = rotators.into_iter().filter(|(_, of)| *of == Some(&card)).collect();
    }
    if named.is_empty() {
        return Err(Failure::fixable(words!(
            "that organisation begins no new keys here by itself",
            "その機関が管理者なしで鍵を新しくすることは、もともとできません"
        )));
    }
    let card = named.first().and_then(|(_, card)| card.cloned());
    let keys: Vec<VerifyingKey> = named.into_iter().map(|(key, _)| key).collect();
    let mut change = Change::default();
    change.draft.controls.extend(keys.iter().map(|key| Control::RotatorEnds(*key)));
    Ok((change, keys, card))
}

/// The organisation that a member acts for.
fn acting_for(safe: &Safe, people: &People, member: &str) -> Outcome<Card> {
    people.named(safe, member)?.organisation.ok_or_else(|| {
        Failure::fixable(words!("that member acts for no organisation", "そのメンバーは、機関の人ではありません"))
            .hint(words!("`hizo space members` shows who does.", "機関の人は `hizo space members` で分かります。"))
    })
}
