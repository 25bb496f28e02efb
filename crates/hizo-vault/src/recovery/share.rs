//! One share of SLIP-39: its fields, its words, and the checksum over both.

// Every number here has at most 40 bits and stands in a wider type; every shift is by less than its width.
#![allow(clippy::arithmetic_side_effects)]

use zeroize::{Zeroize as _, Zeroizing};

/// The specification's list: 1,024 words in alphabetical order, each known by its first four letters.
const WORD_LIST: &str = include_str!("words.txt");
const WORD_BITS: usize = 10;

const HEADER_WORDS: usize = 4;
const CHECKSUM_WORDS: usize = 3;
/// A share of the shortest secret, 16 bytes.
const WORDS_MIN: usize = 20;
/// Far more than any share of ours.
const WORDS_MAX: usize = 64;
const PADDING_BITS_MAX: usize = 8;

/// Why words are no share.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Error {
    #[error("word {at} is not in the list")]
    Word { at: usize },
    #[error("no share has {found} words")]
    WordCount { found: usize },
    #[error("the checksum does not hold")]
    Checksum,
    #[error("more groups are needed than there are")]
    Groups,
    #[error("bits that must be zero are not")]
    Padding,
}

/// What all shares of one set have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Set {
    pub identifier: u16,
    pub is_extendable: bool,
    pub exponent: u8,
    pub groups_needed: u8,
    pub groups: u8,
}

/// One share. Prints nothing but its numbers; its value is wiped when dropped.
#[derive(Clone)]
pub(super) struct Share {
    pub set: Set,
    pub group: u8,
    pub number: u8,
    pub needed: u8,
    pub value: Zeroizing<Vec<u8>>,
}

impl Share {
    /// The words of a share, as they were typed or read: in any case, with any white space between.
    pub(super) fn parse(text: &str) -> Result<Self, Error> {
        let mut words = Zeroizing::new(Vec::with_capacity(WORDS_MAX));
        for (at, word) in text.split_whitespace().enumerate() {
            // Nothing that long is a share; its end is not looked at.
            if at == WORDS_MAX {
                return Err(Error::WordCount { found: text.split_whitespace().count() });
            }
            words.push(place(word).ok_or(Error::Word { at: at + 1 })?);
        }
        Self::from_words(&words)
    }

    fn from_words(words: &[u16]) -> Result<Self, Error> {
        let found = words.len();
        let wrong_count = Error::WordCount { found };
        let (header, rest) = words.split_at_checked(HEADER_WORDS).ok_or(wrong_count)?;
        let value_words = rest.len().checked_sub(CHECKSUM_WORDS).ok_or(wrong_count)?;
        let value = rest.get(..value_words).ok_or(wrong_count)?;
        let padding = WORD_BITS * value_words % 16;
        if found < WORDS_MIN || padding > PADDING_BITS_MAX {
            return Err(wrong_count);
        }
        let header = header.iter().fold(0, |bits: u64, word| bits << WORD_BITS | u64::from(*word));
        let nibble = |at: u32| (header >> at & 15) as u8;
        let set = Set {
            identifier: (header >> 25) as u16,
            is_extendable: header >> 24 & 1 == 1,
            exponent: nibble(20),
            groups_needed: nibble(12) + 1,
            groups: nibble(8) + 1,
        };
        if checksum(set.is_extendable, words) != 1 {
            return Err(Error::Checksum);
        }
        if set.groups_needed > set.groups {
            return Err(Error::Groups);
        }
        let value = bytes(value, padding).ok_or(Error::Padding)?;
        Ok(Self { set, group: nibble(16), number: nibble(4), needed: nibble(0) + 1, value })
    }

    /// The share's words, with a space between.
    pub(super) fn words(&self) -> Zeroizing<String> {
        let Set { identifier, is_extendable, exponent, groups_needed, groups } = self.set;
        let mut header = u64::from(identifier) << 1 | u64::from(is_extendable);
        for nibble in [exponent, self.group, groups_needed - 1, groups - 1, self.number, self.needed - 1] {
            header = header << 4 | u64::from(nibble & 15);
        }
        let mut words = Zeroizing::new(Vec::with_capacity(WORDS_MAX));
        words.extend([30, 20, 10, 0].map(|at| (header >> at & 1023) as u16));
        push_bytes(&mut words, &self.value);
        words.extend([0; CHECKSUM_WORDS]);
        let check = checksum(is_extendable, &words) ^ 1;
        let data = words.len() - CHECKSUM_WORDS;
        words.truncate(data);
        words.extend([20, 10, 0].map(|at| (check >> at & 1023) as u16));
        let list: Vec<&str> = WORD_LIST.lines().collect();
        let mut text = Zeroizing::new(String::with_capacity(WORDS_MAX * 9));
        for word in words.iter() {
            if !text.is_empty() {
                text.push(' ');
            }
            text.push_str(list.get(usize::from(*word)).expect("ten bits name one of 1,024 words"));
        }
        text
    }
}

impl std::fmt::Debug for Share {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Share").field("set", &self.set).field("number", &self.number).finish_non_exhaustive()
    }
}

fn place(word: &str) -> Option<u16> {
    let mut word = word.to_ascii_lowercase();
    let found = WORD_LIST.lines().position(|known| known == word);
    word.zeroize();
    u16::try_from(found?).ok()
}

/// Bytes as words, with as many zero bits before them as fill the first one.
fn push_bytes(words: &mut Vec<u16>, value: &[u8]) {
    let mut waiting = (WORD_BITS - value.len() * 8 % WORD_BITS) % WORD_BITS;
    let mut bits = 0_u32;
    for byte in value {
        bits = bits << 8 & 0xf_ffff | u32::from(*byte);
        waiting += 8;
        if waiting >= WORD_BITS {
            waiting -= WORD_BITS;
            words.push((bits >> waiting & 1023) as u16);
        }
    }
}

/// The bytes behind so many zero bits; nothing where those are not zero.
fn bytes(words: &[u16], padding: usize) -> Option<Zeroizing<Vec<u8>>> {
    let mut value = Zeroizing::new(Vec::with_capacity(WORDS_MAX));
    let (mut bits, mut waiting) = (0_u32, 0);
    for (at, word) in words.iter().enumerate() {
        waiting += WORD_BITS;
        if at == 0 {
            waiting -= padding;
            (word >> waiting == 0).then_some(())?;
        }
        bits = bits << WORD_BITS & 0xf_ffff | u32::from(*word);
        while waiting >= 8 {
            waiting -= 8;
            value.push((bits >> waiting & 255) as u8);
        }
    }
    Some(value)
}

/// The Reed-Solomon code over GF(1024) of the specification, "Checksum".
fn checksum(is_extendable: bool, words: &[u16]) -> u32 {
    const GENERATOR: [u32; 10] = [
        0x00e0_e040,
        0x01c1_c080,
        0x0383_8100,
        0x0707_0200,
        0x0e0e_0009,
        0x1c0c_2412,
        0x3808_6c24,
        0x3090_fc48,
        0x21b1_f890,
        0x03f3_f120,
    ];
    let custom = if is_extendable { "shamir_extendable" } else { "shamir" };
    let all = custom.bytes().map(u32::from).chain(words.iter().map(|word| u32::from(*word)));
    all.fold(1, |check, value| {
        let top = check >> 20;
        let next = (check & 0xf_ffff) << 10 ^ value;
        GENERATOR.iter().enumerate().fold(next, |next, (at, term)| next ^ (0_u32.wrapping_sub(top >> at & 1) & term))
    })
}
