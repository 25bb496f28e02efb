//! Recovery cards: laws, vectors (docs/spec/recovery.md), and PyPI `shamir-mnemonic` in both directions.

use std::path::Path;
use std::process::Command;

use hizo_ledger::identity::VerifyingKey;
use hizo_vault::entropy::Entropy;
use hizo_vault::keys::RecoverySeed;
use hizo_vault::recovery::{self, CARD_WORDS, CARDS_MAX, Card, CardError, Error, Pinned};
use proptest::prelude::*;
use serde_json::Value;

use crate::seeded::Seeded;
use crate::vectors::Vectors;

const VECTORS: Vectors = Vectors::new("recovery", "cards");

fn seed(number: u64) -> RecoverySeed {
    RecoverySeed::generate(&mut Seeded::new(number))
}

fn cards(number: u64, needed: u8, cards: u8) -> Vec<Card> {
    recovery::split(&seed(number), needed, cards, &mut Seeded::new(number ^ 0xc0de)).unwrap()
}

fn pinned(seed: &RecoverySeed) -> Pinned {
    Pinned { key: seed.signing_key().verifying_key(), recipient: Some(seed.identity().recipient().clone()) }
}

/// Every choice of `size` out of these.
fn choices(cards: &[Card], size: usize) -> Vec<Vec<Card>> {
    let chosen = (0_u32..1 << cards.len()).filter(|choice| choice.count_ones() as usize == size);
    let of = |choice: u32| cards.iter().enumerate().filter(move |(at, _)| choice >> at & 1 == 1);
    chosen.map(|choice| of(choice).map(|(_, card)| card.clone()).collect()).collect()
}

#[test]
fn every_k_of_n_cards_open_and_none_fewer_do() {
    for (needed, count) in [(2, 2), (2, 3), (3, 5), (4, 6)] {
        let seed = seed(7);
        let cards = cards(7, needed, count);
        for chosen in choices(&cards, needed.into()) {
            let opened = recovery::open(&chosen, &pinned(&seed)).unwrap();
            assert_eq!(opened.as_bytes(), seed.as_bytes());
        }
        for fewer in 0..usize::from(needed) {
            for chosen in choices(&cards, fewer) {
                let needed = if fewer == 0 { 2 } else { needed };
                assert_eq!(recovery::combine(&chosen).err(), Some(Error::TooFew { needed, found: fewer }));
            }
        }
        assert_eq!(recovery::combine(&cards).unwrap().as_bytes(), seed.as_bytes());
    }
    let most = cards(8, CARDS_MAX, CARDS_MAX);
    assert_eq!(recovery::combine(&most).unwrap().as_bytes(), seed(8).as_bytes());
}

#[test]
fn numbers_that_make_no_sense_are_refused() {
    for (needed, cards) in [(0, 3), (1, 1), (1, 3), (3, 2), (2, 17), (17, 17)] {
        let refused = recovery::split(&seed(1), needed, cards, &mut Seeded::new(1)).err();
        assert_eq!(refused, Some(Error::Numbers { needed, cards }));
    }
}

#[test]
fn a_card_says_which_it_is_and_reads_back() {
    let cards = cards(3, 2, 3);
    for (number, card) in (1..).zip(&cards) {
        let words = card.words();
        assert_eq!((card.number(), card.needed(), words.split(' ').count()), (number, 2, CARD_WORDS));
        assert!(words.starts_with(&card.set()) && card.set() == cards[0].set());
        assert_eq!(*Card::parse(&words.to_uppercase().replace(' ', " \n")).unwrap().words(), *words);
        assert!(!format!("{card:?}").contains(words.split(' ').nth(9).unwrap()));
    }
}

#[test]
fn what_is_wrong_with_cards_is_named() {
    let ours = cards(3, 2, 3);
    let other = cards(4, 2, 3);
    let combined =
        |cards: &[&Card]| recovery::combine(&cards.iter().map(|card| (*card).clone()).collect::<Vec<_>>()).err();
    assert_eq!(combined(&[&ours[0], &other[1]]), Some(Error::OtherSet));
    assert_eq!(combined(&[&ours[1], &ours[1]]), Some(Error::Twice { number: 2 }));
    assert_eq!(combined(&[&ours[1]]), Some(Error::TooFew { needed: 2, found: 1 }));
    let pinned = pinned(&seed(3));
    assert_eq!(recovery::open(&other[..2], &pinned).err(), Some(Error::NotPinned));
    let other_recipient = Pinned { recipient: Some(seed(4).identity().recipient().clone()), ..pinned };
    assert_eq!(recovery::open(&ours[..2], &other_recipient).err(), Some(Error::NotPinned));
    let words = ours[0].words();
    assert_eq!(Card::parse(&words.replacen(' ', " xyzzy ", 1)).err(), Some(CardError::Word { at: 2 }));
    let short = words.rsplit_once(' ').unwrap().0;
    assert_eq!(Card::parse(short).err(), Some(CardError::WordCount { found: CARD_WORDS - 1 }));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    /// The code finds up to three wrong words for certain.
    #[test]
    fn words_that_were_changed_or_interchanged_are_refused(
        number in 0..20_u64, at in prop::collection::btree_set(0..CARD_WORDS, 1..=3), by in 1..1024_usize, swap in any::<bool>(),
    ) {
        let list: Vec<&str> = include_str!("../../src/recovery/words.txt").lines().collect();
        let card = &cards(number, 2, 3)[0];
        let words = card.words();
        let mut words: Vec<&str> = words.split(' ').collect();
        let at: Vec<usize> = at.into_iter().collect();
        match swap && at.len() > 1 {
            true => words.swap(at[0], at[1]),
            false => at.iter().for_each(|at| {
                let place = list.iter().position(|word| *word == words[*at]).unwrap();
                words[*at] = list[(place + by) % 1024];
            }),
        }
        let text = words.join(" ");
        prop_assume!(text != *card.words());
        prop_assert_eq!(Card::parse(&text).err(), Some(CardError::Checksum));
    }

    #[test]
    fn a_text_of_any_kind_is_read_or_refused(text in "[a-z ]{0,400}") {
        prop_assert!(Card::parse(&text).is_err());
    }
}

/// Opens the cards of a vector: the seed's hexadecimal digits, or the rule that refuses.
fn opened(bytes: &[u8], said: &Value) -> Result<String, String> {
    let text = std::str::from_utf8(bytes).unwrap();
    let mut cards = Vec::new();
    for line in text.lines() {
        cards.push(Card::parse(line).map_err(|error| format!("{error:?}"))?);
    }
    let pinned = Pinned {
        key: VerifyingKey::from_base64(said["key"].as_str().unwrap()).unwrap(),
        recipient: Some(said["recipient"].as_str().unwrap().parse().unwrap()),
    };
    let seed = recovery::open(&cards, &pinned).map_err(|error| format!("{error:?}"))?;
    Ok(hex::encode(seed.as_bytes()))
}

#[test]
fn every_vector_opens_or_is_refused_as_it_says() {
    for (name, bytes, said) in VECTORS.all("accepted", 4) {
        assert_eq!(opened(&bytes, &said).as_deref(), Ok(said["seed"].as_str().unwrap()), "{name}");
    }
    for (name, bytes, said) in VECTORS.all("refused", 9) {
        assert_eq!(opened(&bytes, &said).as_ref().err().map(String::as_str), said["refused"].as_str(), "{name}");
    }
}

#[test]
#[ignore = "writes vectors that are missing; a released one is never changed"]
fn write_missing_vectors() {
    let (ours, other) = (cards(3, 2, 3), cards(4, 2, 3));
    let of = |seed: &RecoverySeed| {
        let pinned = pinned(seed);
        let recipient = pinned.recipient.unwrap().to_string();
        serde_json::json!({ "key": pinned.key.to_base64(), "recipient": recipient })
    };
    let write = |kind: &str, name: &str, lines: &[String], mut said: Value, result: (&str, &str)| {
        said[result.0] = result.1.into();
        VECTORS.put_missing(kind, name, (lines.join("\n") + "\n").as_bytes(), &said);
    };
    let words = |cards: &[&Card]| cards.iter().map(|card| card.words().to_string()).collect::<Vec<_>>();
    let good = hex::encode(seed(3).as_bytes());
    let accept = |name: &str, lines: &[String]| write("accepted", name, lines, of(&seed(3)), ("seed", &good));
    accept("two_of_three", &words(&[&ours[0], &ours[1]]));
    accept("two_of_three_in_another_order", &words(&[&ours[2], &ours[0]]));
    accept("all_three", &words(&[&ours[0], &ours[1], &ours[2]]));
    let five = cards(5, 3, 5);
    let seed5 = hex::encode(seed(5).as_bytes());
    write("accepted", "three_of_five", &words(&[&five[0], &five[2], &five[4]]), of(&seed(5)), ("seed", &seed5));
    let refuse =
        |name: &str, lines: &[String], rule: &str| write("refused", name, lines, of(&seed(3)), ("refused", rule));
    let first = ours[0].words().to_string();
    let mut swapped: Vec<&str> = first.split(' ').collect();
    swapped.swap(10, 11);
    refuse("word_unknown", &[first.replacen(' ', " xyzzy ", 1)], "Word { at: 2 }");
    refuse("word_missing", &[first.rsplit_once(' ').unwrap().0.to_owned()], "WordCount { found: 32 }");
    refuse("words_interchanged", &[swapped.join(" ")], "Checksum");
    refuse("one_card", &words(&[&ours[0]]), "TooFew { needed: 2, found: 1 }");
    refuse("one_card_twice", &words(&[&ours[0], &ours[0]]), "Twice { number: 1 }");
    refuse("two_sets", &words(&[&ours[0], &other[1]]), "OtherSet");
    refuse("another_safe", &words(&[&other[0], &other[1]]), "NotPinned");
    // Of SLIP-39's own vectors: for one alone, and of exponent 0.
    let alone = "theory painting academic academic armed sweater year military elder discuss acne wildlife boring employer fused large satoshi bundle carbon diagnose anatomy hamster leaves tracks paces beyond phantom capital marvel lips brave detect luck";
    refuse("for_one_alone", &[alone.to_owned()], "NotOurs");
    let forged = forged_card(&ours[0], &ours[1]);
    refuse("cards_do_not_fit", &[first, forged], "Digest");
}

/// A card whose words hold, with the number of `other`, and with the value of `card`.
fn forged_card(card: &Card, other: &Card) -> String {
    let (card, other) = (card.words(), other.words());
    let mut words: Vec<&str> = card.split(' ').take(CARD_WORDS - 3).collect();
    words[3] = other.split(' ').nth(3).unwrap();
    let list: Vec<&str> = include_str!("../../src/recovery/words.txt").lines().collect();
    let places: Vec<u32> =
        words.iter().map(|word| list.iter().position(|known| known == word).unwrap() as u32).collect();
    let step = |check: u32, value: u32| {
        let terms: [u32; 10] = [
            0xe0e040, 0x1c1c080, 0x3838100, 0x7070200, 0xe0e0009, 0x1c0c2412, 0x38086c24, 0x3090fc48, 0x21b1f890,
            0x3f3f120,
        ];
        let next = (check & 0xfffff) << 10 ^ value;
        (0..10).filter(|at| check >> 20 >> at & 1 == 1).fold(next, |next, at| next ^ terms[at])
    };
    let all = b"shamir_extendable".iter().map(|byte| u32::from(*byte)).chain(places).chain([0; 3]);
    let check = all.fold(1, step) ^ 1;
    words.extend([20, 10, 0].map(|at| list[(check >> at & 1023) as usize]));
    words.join(" ")
}

#[test]
fn cards_and_those_of_another_implementation_are_the_same() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut given = Vec::new();
    for (number, (needed, count)) in (0..).zip([(2, 2), (2, 3), (3, 5), (5, 9), (16, 16)]) {
        let words: Vec<String> = cards(number, needed, count).iter().map(|card| card.words().to_string()).collect();
        given.push(serde_json::json!({
            "seed": hex::encode(seed(number).as_bytes()), "needed": needed, "count": count, "cards": words,
        }));
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("given.json");
    std::fs::write(&file, Value::from(given).to_string()).unwrap();
    let mut python = Command::new("python3");
    python.env("PYTHONPATH", root.join("target/pypi"));
    let script = root.join("crates/hizo-vault/tests/interop/slip39.py");
    let said = python.arg(script).arg(&file).output();
    let Some(said) = said.ok().filter(|said| said.status.code() != Some(77)) else {
        return crate::say_aloud::say_aloud("shamir-mnemonic is absent; run tests/interop/install.sh");
    };
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
    // What it opened of ours it has compared itself; here are its own.
    let made: Vec<Value> = serde_json::from_slice(&said.stdout).unwrap();
    assert_eq!(made.len(), 5);
    for made in made {
        let texts = made["cards"].as_array().unwrap();
        let cards: Vec<Card> = texts.iter().map(|text| Card::parse(text.as_str().unwrap()).unwrap()).collect();
        let needed = made["needed"].as_u64().unwrap() as usize;
        for chosen in [&cards[..needed], &cards[cards.len() - needed..]] {
            let opened = recovery::combine(chosen).unwrap();
            assert_eq!(hex::encode(opened.as_bytes()), made["seed"].as_str().unwrap());
        }
        assert!(recovery::combine(&cards[..needed - 1]).is_err());
    }
}

#[test]
fn no_two_sets_of_one_seed_are_alike() {
    struct Counting(u8);
    impl Entropy for Counting {
        fn fill(&mut self, out: &mut [u8]) {
            self.0 += 1;
            out.fill(self.0);
        }
    }
    let first = recovery::split(&seed(1), 2, 3, &mut Counting(0)).unwrap();
    let second = recovery::split(&seed(1), 2, 3, &mut Counting(40)).unwrap();
    assert_eq!(recovery::combine(&[first[0].clone(), second[1].clone()]).err(), Some(Error::OtherSet));
    assert!(first.iter().zip(&second).all(|(one, other)| *one.words() != *other.words()));
}
