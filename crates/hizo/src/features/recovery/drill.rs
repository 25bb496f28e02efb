//! `hizo recovery drill`

use std::path::PathBuf;

use hizo_ledger::id::RecordId;
use hizo_vault::event::Event;
use hizo_vault::recovery::Card;
use serde_json::json;

use crate::Setting;
use crate::cards;
use crate::failure::{Failure, Outcome};
use crate::receipts;
use crate::safe::{Draft, Keyring, Safe};
use crate::words::{Words, words};

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
    let Drilled { closed, numbers, set, record } = drill(&mut safe, &cards)?;
    closed_words(closed).into_iter().for_each(|words| setting.console.warn(words));
    let result =
        json!({ "opens": true, "closed_epochs": closed, "set": set, "cards": numbers, "record": record.to_string() });
    setting.console.result(result, |out| writeln!(out, "{}", setting.console.say(opens(&set, &numbers))));
    // They open it all the same.
    receipts::answer(&safe, record).holds()
}

/// Cards that were tried and open the safe.
pub(super) struct Drilled {
    /// Earlier epochs that stay closed to them.
    pub closed: usize,
    pub numbers: Vec<u64>,
    pub set: String,
    /// The record that says so.
    pub record: RecordId,
}

/// Tries cards, shows nothing, and notes that it was done.
///
/// # Errors
/// When they are not this safe's, too few, or do not open what is kept now.
pub(super) fn drill(safe: &mut Safe, cards: &[Card]) -> Outcome<Drilled> {
    let seed = cards::open(safe, cards)?;
    let keyring = Keyring::unlock(safe, &seed.identity())?;
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
    let set = cards.first().map(Card::set).unwrap_or_default();
    Ok(Drilled { closed, numbers, set, record })
}

/// That these cards open the safe.
pub(super) fn opens(set: &str, numbers: &[u64]) -> Words {
    let which = numbers.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    words!("the cards open the safe: set {set}, numbers {which}", "カードで金庫を開けられます: 組 {set}、番号 {which}")
}

/// That they do not open everything.
pub(super) fn closed_words(closed: usize) -> Option<Words> {
    (closed > 0).then(|| {
        words!(
            "the cards do not open everything: what was kept in {closed} earlier epochs stays closed to them",
            "このカードでは開けられないものがあります（以前の{closed}期分）"
        )
    })
}
