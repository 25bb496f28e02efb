//! `hizo recovery drill`

use std::path::PathBuf;

use hizo_vault::event::Event;
use serde_json::json;

use crate::Setting;
use crate::cards;
use crate::failure::{Failure, Outcome};
use crate::receipts;
use crate::safe::{Draft, Keyring};
use crate::words::words;

/// Try the cards: say whether they open the safe, show nothing, and note that it was done
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// A file with the words of one card, once for each card; without one they are asked for
    #[arg(long = "card-file", value_name = "FILE")]
    card_files: Vec<PathBuf>,
}

pub(super) fn run(setting: &Setting, arguments: &Arguments) -> Outcome<()> {
    let mut safe = setting.safe()?;
    let cards = cards::read(&arguments.card_files, setting.console)?;
    let seed = cards::open(&safe, &cards)?;
    let keyring = Keyring::unlock(&safe, &seed.identity())?;
    if !keyring.opens(safe.chain.epoch()) {
        return Err(Failure::untrue(words!(
            "the cards are this safe's, and do not open what is kept now",
            "この金庫のカードですが、今の中身を開けられません"
        ))
        .hint(words!(
            "Make new ones: `hizo recovery make --replace`.",
            "作り直してください: `hizo recovery make --replace`。"
        )));
    }
    let closed = safe.chain.epochs().len().saturating_sub(keyring.epochs().count());
    if closed > 0 {
        setting.console.warn(words!(
            "the cards do not open everything: what was kept in {closed} earlier epochs stays closed to them",
            "このカードでは開けられないものがあります（以前の{closed}期分）"
        ));
    }
    let key = seed.signing_key().verifying_key();
    drop(seed);
    let numbers: Vec<u64> = cards.iter().map(|card| card.number().into()).collect();
    let event = Event::RecoveryDrilled { key: key.to_base64(), cards: numbers.clone() };
    // No passphrase is asked for: a machine that deposits may say it, and who brought cards need not be who has the keys.
    let device = safe.home.device()?.signing.space_key(&safe.home.space);
    let (recipient, epoch) = (safe.recipient()?, safe.chain.epoch());
    let mut draft = Draft::default();
    draft.say(&[event], &recipient)?;
    let record = safe.append(&device, &draft, |chain| chain.recovery() == Some(key) && chain.epoch() == epoch)?;
    safe.home.remember_drill(record)?;
    let set = cards.first().map(hizo_vault::recovery::Card::set).unwrap_or_default();
    let result =
        json!({ "opens": true, "closed_epochs": closed, "set": set, "cards": numbers, "record": record.to_string() });
    setting.console.result(result, |out| {
        let which = numbers.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        let said = words!(
            "the cards open the safe: set {set}, numbers {which}",
            "カードで金庫を開けられます: 組 {set}、番号 {which}"
        );
        writeln!(out, "{}", setting.console.say(said))
    });
    // They open it all the same.
    receipts::answer(&safe, record).holds()
}
