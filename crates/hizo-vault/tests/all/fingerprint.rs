//! The vectors of docs/spec/fingerprint.md, and what people may type.

use hizo_ledger::id::RecordId;
use hizo_ledger::identity::VerifyingKey;
use hizo_ledger::log::note::{CheckpointKey, NamedKey};
use hizo_vault::age::Recipient;
use hizo_vault::fingerprint::{Spoken, WordList};
use hizo_vault::keys::OrganisationSeed;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::certificate::person;

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../vectors/fingerprint/v1/words.json");

fn spoken(said: &Value) -> Spoken {
    let text = |key: &str| said[key].as_str();
    let id = |key: &str| RecordId::from_hex(text(key).unwrap()).unwrap();
    match text("identity") {
        Some(identity) => {
            let identity = VerifyingKey::from_base64(identity).unwrap();
            let recipient: Recipient = text("recipient").unwrap().parse().unwrap();
            Spoken::of_identity(&identity, &recipient, &id("genesis"))
        }
        None if said["organisation"].is_string() => {
            Spoken::of_organisation(&VerifyingKey::from_base64(text("organisation").unwrap()).unwrap())
        }
        None if said["log_key"].is_string() => {
            let key = |name: &str| NamedKey::parse(text(name).unwrap()).unwrap();
            Spoken::of_keeper(&key("log_key"), &key("receipt_key"))
        }
        None => Spoken::of_head(&id("head")),
    }
}

fn keeper_key(seed: u64) -> NamedKey {
    let key = person(seed).signing_seed.identity_key().verifying_key();
    NamedKey::new("keeper.example/1", CheckpointKey::Log(key)).unwrap()
}

fn described() -> Value {
    let mut cases = Vec::new();
    for seed in 1..=3 {
        let file = person(seed);
        cases.push(json!({
            "identity": file.signing_seed.identity_key().verifying_key().to_base64(),
            "recipient": file.identity.recipient().to_string(),
            "genesis": RecordId::of(b"a genesis").to_string(),
        }));
    }
    for note in ["a genesis", "a head"] {
        cases.push(json!({ "head": RecordId::of(note.as_bytes()).to_string() }));
    }
    let organisation = OrganisationSeed::from_bytes(&[7; 32]).signing_key().verifying_key();
    cases.push(json!({ "organisation": organisation.to_base64() }));
    cases.push(json!({ "log_key": keeper_key(1).to_string(), "receipt_key": keeper_key(2).to_string() }));
    for case in &mut cases {
        let spoken = spoken(case);
        case["english"] = spoken.words(WordList::English).join(" ").into();
        case["japanese"] = spoken.words(WordList::Japanese).join(" ").into();
    }
    cases.into()
}

#[test]
fn the_vectors_are_the_ones_described_here() {
    let vectors: Value = serde_json::from_slice(&std::fs::read(FILE).unwrap()).unwrap();
    assert_eq!(vectors, described());
}

#[test]
#[ignore = "writes vectors that are missing; a released one is never changed"]
fn missing_vectors_are_written() {
    if !std::path::Path::new(FILE).exists() {
        std::fs::create_dir_all(std::path::Path::new(FILE).parent().unwrap()).unwrap();
        std::fs::write(FILE, serde_json::to_string_pretty(&described()).unwrap() + "\n").unwrap();
    }
}

#[test]
fn the_words_are_the_first_bits_of_the_digest_that_the_page_gives() {
    let file = person(1);
    let (identity, genesis) = (file.signing_seed.identity_key().verifying_key(), RecordId::of(b"a genesis"));
    let recipient = file.identity.recipient();
    let spoken = Spoken::of_identity(&identity, recipient, &genesis);
    let text = [&b"hizo/fingerprint/v1"[..], identity.as_bytes(), recipient.as_bytes(), genesis.as_bytes()].concat();
    let digest = Sha256::digest(text);
    let first = u128::from_be_bytes(digest[..16].try_into().unwrap()) >> 18;
    let list = bip39::Language::English.word_list();
    let words: Vec<_> = (0..10).rev().map(|place| list[(first >> (11 * place)) as usize & 2047]).collect();
    assert_eq!(spoken.words(WordList::English), words);
    assert_eq!(Spoken::of_head(&genesis).words(WordList::Japanese).len(), 8);
}

#[test]
fn every_part_changes_the_words() {
    let (one, two) = (person(1), person(2));
    let key = |person: &hizo_vault::keys::IdentityFile| person.signing_seed.identity_key().verifying_key();
    let genesis = RecordId::of(b"a genesis");
    let of = |signs, reads: &hizo_vault::keys::IdentityFile, genesis| {
        Spoken::of_identity(&key(signs), reads.identity.recipient(), genesis)
    };
    let all = [
        of(&one, &one, &genesis),
        of(&two, &one, &genesis),
        of(&one, &two, &genesis),
        of(&one, &one, &RecordId::of(b"another")),
        Spoken::of_head(&genesis),
        Spoken::of_keeper(&keeper_key(1), &keeper_key(2)),
        Spoken::of_keeper(&keeper_key(1), &keeper_key(3)),
        Spoken::of_keeper(&keeper_key(3), &keeper_key(2)),
    ];
    for (place, spoken) in all.iter().enumerate() {
        assert!(!all[..place].contains(spoken));
    }
}

#[test]
fn words_are_accepted_in_either_list_and_in_their_order_only() {
    let spoken = Spoken::of_head(&RecordId::of(b"a head"));
    let english = spoken.words(WordList::English);
    let japanese = spoken.words(WordList::Japanese);
    for typed in [
        english.join(" "),
        english.join("  ").to_uppercase(),
        format!(" {}\n", english.join("\t")),
        japanese.join("\u{3000}"),
        [&english[..4], &japanese[4..]].concat().join(" "),
    ] {
        assert!(spoken.is_typed(&typed), "{typed}");
    }
    let mut turned = english.clone();
    turned.swap(0, 1);
    for typed in [
        String::new(),
        turned.join(" "),
        english[..7].join(" "),
        format!("{} abandon", english.join(" ")),
        english.join(" ").replacen(&english[3], "nonsense", 1),
    ] {
        assert!(!spoken.is_typed(&typed), "{typed}");
    }
}
