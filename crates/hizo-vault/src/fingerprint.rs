//! Words that people compare by voice: of an identity that wants to join a space, of an organisation, of a keeper, and of a space's
//! last record.
//!
//! See docs/spec/fingerprint.md.

use bip39::Language;
use hizo_ledger::id::RecordId;
use hizo_ledger::identity::VerifyingKey;
use hizo_ledger::log::note::NamedKey;
use sha2::{Digest as _, Sha256};
use unicode_normalization::UnicodeNormalization as _;

use crate::age::Recipient;

/// Words of an identity's fingerprint, of an organisation's and of a keeper's: 110 bits. Fewer could be met by search.
pub const IDENTITY_WORDS: usize = 10;
/// Words of a head: 88 bits.
pub const HEAD_WORDS: usize = 8;

const IDENTITY_LABEL: &[u8] = b"hizo/fingerprint/v1";
const ORGANISATION_LABEL: &[u8] = b"hizo/organisation-fingerprint/v1";
const KEEPER_LABEL: &[u8] = b"hizo/keeper-fingerprint/v1";
const HEAD_LABEL: &[u8] = b"hizo/head/v1";
const WORD_BITS: usize = 11;

/// The list that words are spoken from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WordList {
    /// BIP 39, English.
    English,
    /// BIP 39, Japanese.
    Japanese,
}

/// The numbers of words, which are the same in every list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spoken(Vec<u16>);

impl Spoken {
    /// Ten words for an identity that is to become a member of the space that began with this record.
    pub fn of_identity(identity: &VerifyingKey, recipient: &Recipient, genesis: &RecordId) -> Self {
        let parts = [IDENTITY_LABEL, identity.as_bytes(), recipient.as_bytes(), genesis.as_bytes()];
        Self::of(&parts, IDENTITY_WORDS)
    }

    /// Ten words for the key of an organisation, the same in every space.
    pub fn of_organisation(key: &VerifyingKey) -> Self {
        Self::of(&[ORGANISATION_LABEL, key.as_bytes()], IDENTITY_WORDS)
    }

    /// Ten words for a keeper: by the keys of its log and of its receipts, with its name.
    pub fn of_keeper(log_key: &NamedKey, receipt_key: &NamedKey) -> Self {
        let keys = format!("{log_key}\n{receipt_key}\n");
        Self::of(&[KEEPER_LABEL, keys.as_bytes()], IDENTITY_WORDS)
    }

    /// Eight words for the last record of a space.
    pub fn of_head(id: &RecordId) -> Self {
        Self::of(&[HEAD_LABEL, id.as_bytes()], HEAD_WORDS)
    }

    fn of(parts: &[&[u8]], words: usize) -> Self {
        let digest = Sha256::digest(parts.concat());
        let bits = digest.iter().flat_map(|byte| (0..8).rev().map(move |place| (byte >> place) & 1));
        let bits: Vec<u8> = bits.collect();
        let number = |bits: &[u8]| bits.iter().fold(0_u16, |number, bit| (number << 1) | u16::from(*bit));
        Self(bits.chunks(WORD_BITS).take(words).map(number).collect())
    }

    /// The words, to be read out.
    pub fn words(&self, list: WordList) -> Vec<String> {
        let words = list.words();
        // The Japanese list is kept decomposed, which few terminals draw well.
        self.0.iter().filter_map(|number| words.get(usize::from(*number))).map(|word| word.nfc().collect()).collect()
    }

    /// Whether these are the words, in their order; each may be of either list, in capitals, and with any space between.
    pub fn is_typed(&self, text: &str) -> bool {
        let typed: Option<Vec<u16>> = text.split_whitespace().map(number_of).collect();
        typed.is_some_and(|typed| typed == self.0)
    }
}

impl WordList {
    fn words(self) -> &'static [&'static str; 2048] {
        match self {
            Self::English => Language::English.word_list(),
            Self::Japanese => Language::Japanese.word_list(),
        }
    }
}

fn number_of(word: &str) -> Option<u16> {
    let word: String = word.nfkd().flat_map(char::to_lowercase).collect();
    let place = |list: WordList| list.words().iter().position(|known| *known == word);
    place(WordList::English).or_else(|| place(WordList::Japanese)).and_then(|place| u16::try_from(place).ok())
}
