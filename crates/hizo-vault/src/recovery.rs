//! Recovery cards: the recovery seed in the words of SLIP-39, of which `needed` cards together give it back.
//!
//! See docs/spec/recovery.md.

mod share;
mod sharing;
#[cfg(test)]
mod vectors;

use hizo_ledger::identity::VerifyingKey;
use zeroize::Zeroizing;

use self::share::{Set, Share};
use crate::age::Recipient;
use crate::entropy::Entropy;
use crate::keys::RecoverySeed;

/// Most cards of one set.
pub const CARDS_MAX: u8 = 16;
/// Fewest cards that open: one alone would be a key under a doormat.
pub const NEEDED_MIN: u8 = 2;
/// Words of a card.
pub const CARD_WORDS: usize = 33;
/// SLIP-39's own choice for new sets: 20,000 iterations of PBKDF2.
const EXPONENT: u8 = 1;

/// Why words are no card.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CardError {
    /// A word that the list does not have.
    #[error("word {at} is not a word of the list")]
    Word {
        /// Which one, counted from 1.
        at: usize,
    },
    /// Not [`CARD_WORDS`] words.
    #[error("a card has {CARD_WORDS} words, not {found}")]
    WordCount {
        /// How many there are.
        found: usize,
    },
    /// A word is wrong, or two stand in each other's place.
    #[error("the words are not a card: one is wrong, or two are interchanged")]
    Checksum,
    /// Words of SLIP-39 that are made for something else.
    #[error("the words are not a recovery card of hizo")]
    NotOurs,
}

/// Why cards do not open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// How many cards, and of how many, cannot be.
    #[error("of {cards} cards {needed} cannot be what is needed")]
    Numbers {
        /// How many are needed.
        needed: u8,
        /// How many there are.
        cards: u8,
    },
    /// One card is of another set than the first.
    #[error("the cards are not of one set")]
    OtherSet,
    /// The same card twice.
    #[error("card {number} is there twice")]
    Twice {
        /// Which one, counted from 1.
        number: u8,
    },
    /// Not enough of them.
    #[error("{found} cards of {needed} that are needed")]
    TooFew {
        /// How many are needed.
        needed: u8,
        /// How many there are.
        found: usize,
    },
    /// The words of each hold, and together they give nothing: one was made to mislead.
    #[error("the cards do not fit together")]
    Digest,
    /// They give a seed, and it is not this safe's.
    #[error("the cards are of another safe, or of a set that was replaced")]
    NotPinned,
}

/// One card. Prints nothing of its words; wiped when dropped.
#[derive(Debug, Clone)]
pub struct Card(Share);

impl Card {
    /// Reads the words of a card, in any case and with any white space between.
    ///
    /// # Errors
    /// As [`CardError`] says; the first fault is named.
    pub fn parse(text: &str) -> Result<Self, CardError> {
        let share = Share::parse(text).map_err(|error| match error {
            share::Error::Word { at } => CardError::Word { at },
            share::Error::WordCount { found } => CardError::WordCount { found },
            share::Error::Checksum => CardError::Checksum,
            share::Error::Groups | share::Error::Padding => CardError::NotOurs,
        })?;
        let found = text.split_whitespace().count();
        let set = Set { identifier: share.set.identifier, ..OURS };
        match share.value.len() == RecoverySeed::BYTES {
            false => Err(CardError::WordCount { found }),
            true if share.set != set || share.group != 0 || share.needed < NEEDED_MIN => Err(CardError::NotOurs),
            true => Ok(Self(share)),
        }
    }

    /// The words, with a space between.
    pub fn words(&self) -> Zeroizing<String> {
        self.0.words()
    }

    /// Which card of the set this is, from 1.
    pub fn number(&self) -> u8 {
        self.0.number.saturating_add(1)
    }

    /// How many cards of the set are needed.
    pub fn needed(&self) -> u8 {
        self.0.needed
    }

    /// What the set is called: the two words with which each of its cards begins. They are drawn, and tell nothing.
    pub fn set(&self) -> String {
        self.words().split(' ').take(2).collect::<Vec<_>>().join(" ")
    }
}

const OURS: Set = Set { identifier: 0, is_extendable: true, exponent: EXPONENT, groups_needed: 1, groups: 1 };

/// The cards of a new set: `needed` of them give the seed back, fewer tell nothing of it.
///
/// # Errors
/// [`Error::Numbers`] unless 2 ≤ needed ≤ cards ≤ 16.
pub fn split(seed: &RecoverySeed, needed: u8, cards: u8, entropy: &mut dyn Entropy) -> Result<Vec<Card>, Error> {
    if needed < NEEDED_MIN || needed > cards || cards > CARDS_MAX {
        return Err(Error::Numbers { needed, cards });
    }
    let identifier = u16::from_be_bytes(*entropy.draw::<2>()) & 0x7fff;
    let set = Set { identifier, ..OURS };
    Ok(sharing::split(seed.as_bytes(), needed, cards, set, entropy).into_iter().map(Card).collect())
}

/// The seed of these cards. Whose it is, [`open`] tells.
///
/// # Errors
/// As [`Error`] says. More cards than are needed are no fault: the first ones count, and the others must agree.
pub fn combine(cards: &[Card]) -> Result<RecoverySeed, Error> {
    let first = cards.first().ok_or(Error::TooFew { needed: NEEDED_MIN, found: 0 })?;
    for (at, card) in cards.iter().enumerate() {
        if card.0.set != first.0.set || card.needed() != first.needed() {
            return Err(Error::OtherSet);
        }
        if cards.iter().take(at).any(|other| other.0.number == card.0.number) {
            return Err(Error::Twice { number: card.number() });
        }
    }
    let needed = usize::from(first.needed());
    if cards.len() < needed {
        return Err(Error::TooFew { needed: first.needed(), found: cards.len() });
    }
    let shares: Vec<Share> = cards.iter().map(|card| card.0.clone()).collect();
    let mut found = None;
    // Each further card is tried in the place of the last one that is needed.
    for more in needed.saturating_sub(1)..shares.len() {
        let mut chosen: Vec<Share> = shares.iter().take(needed.saturating_sub(1)).cloned().collect();
        chosen.extend(shares.get(more).cloned());
        let secret = sharing::combine(&chosen, &[]).map_err(|error| match error {
            sharing::Error::OtherSet => Error::OtherSet,
            sharing::Error::Twice | sharing::Error::Count { .. } | sharing::Error::Digest => Error::Digest,
        })?;
        if found.as_ref().is_some_and(|found| *found != secret) {
            return Err(Error::Digest);
        }
        found = Some(secret);
    }
    let seed = found.and_then(|secret| Some(RecoverySeed::from_bytes(secret.as_slice().try_into().ok()?)));
    seed.ok_or(Error::Digest)
}

/// What a space says of its recovery seed: the key that its chain names, and the recipient of its wraps.
#[derive(Debug, Clone)]
pub struct Pinned {
    /// The recovery key of the chain.
    pub key: VerifyingKey,
    /// The recipient, where it is known before anything was opened.
    pub recipient: Option<Recipient>,
}

/// The seed of these cards, which is the one that the space pins.
///
/// # Errors
/// Besides those of [`combine`], [`Error::NotPinned`] when it gives another key or recipient.
pub fn open(cards: &[Card], pinned: &Pinned) -> Result<RecoverySeed, Error> {
    let seed = combine(cards)?;
    let same_key = seed.signing_key().verifying_key() == pinned.key;
    let identity = seed.identity();
    let same_recipient = pinned.recipient.as_ref().is_none_or(|recipient| recipient == identity.recipient());
    match same_key && same_recipient {
        true => Ok(seed),
        false => Err(Error::NotPinned),
    }
}
