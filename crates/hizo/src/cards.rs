//! What a space says of its recovery cards, and when they should be tried again.

use std::path::{Path, PathBuf};

use hizo_ledger::id::RecordId;
use hizo_ledger::identity::VerifyingKey;
use hizo_ledger::record::{ClaimedTime, Control, Record};
use hizo_ledger::space::Waiting;
use hizo_vault::age::Recipient;
use hizo_vault::event::Event;
use hizo_vault::keys::RecoverySeed;
use hizo_vault::recovery::{self, Card, CardError, Pinned};
use zeroize::Zeroizing;

use crate::contents::Opened;
use crate::failure::{Failure, Kind, Outcome, shown};
use crate::safe::Safe;
use crate::words::{Language, Words, words};
use crate::{bundle, console::Console};

const DAY: u64 = 86_400;
/// New cards should be tried once, this long after they were made.
const FIRST_DRILL_SECONDS: u64 = 30 * DAY;
/// And then again after each of these.
const DRILL_SECONDS: u64 = 365 * DAY;
/// Length of a file with the words of one card, at most, in bytes.
const CARD_FILE_BYTES_MAX: usize = 4 << 10;

/// The present set of cards, as whoever can open the safe sees it.
#[derive(Debug, Clone)]
pub(crate) struct CardSet {
    /// To which every epoch is wrapped.
    pub recipient: Recipient,
    /// The record that says the last drill.
    pub drilled: Option<RecordId>,
    /// What was said of them when they were made.
    pub said: Event,
}

impl CardSet {
    /// The present cards of a safe; nothing where there are none, or where what was said of them cannot be read.
    pub(crate) fn of(opened: Opened) -> Outcome<Option<Self>> {
        let Some((made, key)) = pinned(opened.safe) else { return Ok(None) };
        let mut set = None;
        for record in opened.safe.records.iter().skip(made.number() as usize) {
            if record.envelope().deposit.is_some() {
                continue;
            }
            for event in opened.keyring.events(opened.safe, record).unwrap_or_default() {
                match &event {
                    // Said again by an admin to those who came later. What was said first counts.
                    Event::RecoveryMade { key: said, recipient, .. }
                        if set.is_none() && !record.envelope().controls.is_empty() && *said == key.to_base64() =>
                    {
                        let recipient = recipient.parse().map_err(Failure::internal)?;
                        set = Some(Self { recipient, drilled: None, said: event.clone() });
                    }
                    Event::RecoveryDrilled { key: said, .. } if *said == key.to_base64() => {
                        set.iter_mut().for_each(|set: &mut Self| set.drilled = Some(record.id()));
                    }
                    _ => (),
                }
            }
        }
        Ok(set)
    }
}

/// The record that pins the present recovery key, and that key.
pub(crate) fn pinned(safe: &Safe) -> Option<(&Record, VerifyingKey)> {
    let key = safe.chain.recovery()?;
    let sets = |record: &&Record| record.envelope().controls.contains(&Control::Recovery(Some(key)));
    Some((safe.records.iter().rfind(sets)?, key))
}

/// When the present cards were made and last tried, as far as this machine knows: seconds since 1970, as the devices say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tried {
    pub made: u64,
    pub drilled: Option<u64>,
}

impl Tried {
    /// Nothing where the safe has no cards. `drill` is a record of which somebody who can open knows that it says one.
    pub(crate) fn of(safe: &Safe, drill: Option<RecordId>) -> Option<Self> {
        let (made, _) = pinned(safe)?;
        let since = safe.records.get(made.number() as usize..).unwrap_or_default();
        let time = |id: RecordId| since.iter().find(|record| record.id() == id).map(seconds);
        let drilled = [drill, safe.home.known_drill()].into_iter().flatten().filter_map(time).max();
        Some(Self { made: seconds(made), drilled })
    }

    /// Whether it is time to try them.
    pub(crate) fn is_due(&self, now: u64) -> bool {
        let by = match self.drilled {
            Some(drilled) => drilled.saturating_add(DRILL_SECONDS),
            None => self.made.saturating_add(FIRST_DRILL_SECONDS),
        };
        now >= by
    }
}

/// That the cards let somebody in, who will be an admin, and how that is refused.
pub(crate) fn waits(waiting: &Waiting) -> Words {
    let (name, until) = (waiting.key.name(), time(waiting.until()));
    words!(
        "recovery cards have let in {name}, who may act as an admin from {until} on; if none of you did that, an admin refuses it with `hizo recovery refuse`",
        "復旧カードで {name} が加えられました。{until} から管理者として操作できます。心当たりがなければ、管理者が `hizo recovery refuse` で拒んでください"
    )
}

/// A time as people and scripts read it.
pub(crate) fn time(seconds: u64) -> String {
    ClaimedTime::from_unix_seconds(seconds).map_or_else(|_| seconds.to_string(), |time| time.to_string())
}

fn seconds(record: &Record) -> u64 {
    record.envelope().time.unix_seconds()
}

/// Enough cards of one set: from files, or typed without being shown.
pub(crate) fn read(files: &[PathBuf], console: Console) -> Outcome<Vec<Card>> {
    if files.is_empty() {
        return ask(console);
    }
    files.iter().map(|path| of_file(path)).collect()
}

fn of_file(path: &Path) -> Outcome<Card> {
    let bytes = Zeroizing::new(bundle::read(path, CARD_FILE_BYTES_MAX)?);
    let text = std::str::from_utf8(&bytes).unwrap_or_default();
    Card::parse(text).map_err(|error| {
        let (path, reason) = (shown(path), unread(error));
        Failure::fixable(words!("{path} is no card: {reason}", "{path} はカードとして読めません: {reason}"; reason))
            .hint(words!("Compare it with the paper, word by word.", "紙のカードと、1語ずつ見比べてください。"))
    })
}

/// A card whose words were typed: the first of a form, the second, and so on.
pub(crate) fn typed_as(number: usize, text: &str) -> Outcome<Card> {
    Card::parse(text).map_err(|error| {
        let reason = unread(error);
        Failure::fixable(words!(
            "what was typed for card {number} is no card: {reason}",
            "{number}枚目の入力は、カードとして読めません: {reason}";
            reason
        ))
        .hint(words!("Compare it with the paper, word by word.", "紙のカードと、1語ずつ見比べてください。"))
    })
}

fn ask(console: Console) -> Outcome<Vec<Card>> {
    let mut cards: Vec<Card> = Vec::new();
    loop {
        let number = cards.len() + 1;
        let needed = cards.first().map_or(2, |card| usize::from(card.needed()));
        if number > needed {
            return Ok(cards);
        }
        let question = match cards.is_empty() {
            true => words!("Words of the first card: ", "1枚目のカードの言葉: "),
            false => words!("Words of card {number} of {needed}: ", "{needed}枚のうち{number}枚目のカードの言葉: "),
        };
        match Card::parse(&typed(&question, console.language)?) {
            Ok(card) => cards.push(card),
            Err(error) => console.warn(unread(error)),
        }
    }
}

fn typed(question: &Words, language: Language) -> Outcome<Zeroizing<String>> {
    rpassword::prompt_password(question.to(language)).map(Zeroizing::new).map_err(|error| {
        Failure::fixable(words!("there is no terminal to ask for the cards on", "カードの言葉を尋ねる画面がありません"))
            .hint(words!(
                "Name a file for each card with --card-file.",
                "カードごとのファイルを --card-file で指定してください。"
            ))
            .source(error)
    })
}

fn unread(error: CardError) -> Words {
    match error {
        CardError::Word { at } => words!("word {at} is not a word of the list", "{at}番目は、一覧にない言葉です"),
        CardError::WordCount { found } => {
            words!("a card has 33 words, not {found}", "カードの言葉は33個です（{found}個ありました）")
        }
        CardError::Checksum => {
            words!("a word is wrong, or two are interchanged", "どれかの言葉が違うか、順序が入れ替わっています")
        }
        CardError::NotOurs => words!("its words are made for something else", "hizo の復旧カードではありません"),
    }
}

/// The seed of these cards, which is the one that the safe's chain pins.
pub(crate) fn open(safe: &Safe, cards: &[Card]) -> Outcome<RecoverySeed> {
    let Some((_, key)) = pinned(safe) else {
        return Err(Failure::fixable(words!("this safe has no recovery cards", "この金庫に復旧カードはありません"))
            .hint(words!("Make some: `hizo recovery make`.", "`hizo recovery make` で作れます。")));
    };
    recovery::open(cards, &Pinned { key, recipient: None }).map_err(unfit)
}

/// The seed of these cards, before anybody could say whose it is.
pub(crate) fn combine(cards: &[Card]) -> Outcome<RecoverySeed> {
    recovery::combine(cards).map_err(unfit)
}

fn unfit(error: recovery::Error) -> Failure {
    let (kind, message, hint) = refused(error);
    Failure::new(kind, message).hint(hint).source(error)
}

fn refused(error: recovery::Error) -> (Kind, Words, Words) {
    use recovery::Error;
    let all = || words!("Bring cards of one set.", "同じ組のカードを用意してください。");
    match error {
        Error::Numbers { needed, cards } => (
            Kind::Usage,
            words!(
                "{needed} of {cards} cards is not possible",
                "{cards}枚のうち{needed}枚、という組み合わせにはできません"
            ),
            words!(
                "Two to sixteen cards, of which two or more are needed.",
                "カードは2枚から16枚まで、必要な枚数は2枚からです。"
            ),
        ),
        Error::OtherSet => {
            (Kind::Fixable, words!("the cards are not of one set", "別の組のカードが混ざっています"), all())
        }
        Error::Twice { number } => {
            (Kind::Fixable, words!("card {number} is there twice", "{number}番のカードが2回あります"), all())
        }
        Error::TooFew { needed, found } => (
            Kind::Fixable,
            words!(
                "{needed} cards are needed, {found} are there",
                "カードは{needed}枚必要です（{found}枚しかありません）"
            ),
            all(),
        ),
        Error::Digest => (
            Kind::False,
            words!("the cards do not fit together", "カードどうしが合いません"),
            words!(
                "Somebody made one of them to mislead. Keep them, and try the others.",
                "どれかは偽物です。証拠として残し、ほかのカードを試してください。"
            ),
        ),
        Error::NotPinned => (
            Kind::Lying,
            words!("the cards are not the ones that this safe names", "この金庫に登録されているカードではありません"),
            words!(
                "They are of another safe, or of a set that was replaced; or somebody put other records in this safe's place.",
                "別の金庫のものか、作り直す前のカードです。そうでなければ、金庫の記録がすり替えられています。"
            ),
        ),
    }
}

/// As [`recovery::split`], in the person's words.
pub(crate) fn split(
    seed: &RecoverySeed,
    needed: u8,
    cards: u8,
    entropy: &mut dyn hizo_vault::entropy::Entropy,
) -> Outcome<Vec<Card>> {
    recovery::split(seed, needed, cards, entropy).map_err(unfit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cards_are_due_a_month_after_they_were_made_and_a_year_after_each_drill() {
        let untried = Tried { made: 1_000, drilled: None };
        assert!(!untried.is_due(1_000 + FIRST_DRILL_SECONDS - 1) && untried.is_due(1_000 + FIRST_DRILL_SECONDS));
        let tried = Tried { drilled: Some(5_000), ..untried };
        assert!(!tried.is_due(5_000 + DRILL_SECONDS - 1) && tried.is_due(5_000 + DRILL_SECONDS));
    }
}
