//! What a proof shows: exactly what was chosen, checked by a crate that knows no seed, and nothing that tells the rest.

use std::collections::{BTreeMap, BTreeSet};

use hizo_ledger::proof::Disclosure;
use hizo_vault::commit::{self, Commitment, ContentValue, Fields, OpeningError, Shown};
use hizo_vault::manifest::{self, Checking, Entry, Kind, Manifest};
use hizo_vault::proof::{self, Error};

use crate::manifest::{commitment, content, entry, everything, head};

const CONTENT: Fields = Fields { content: true, name: false, meta: false };
const NAME: Fields = Fields { content: false, name: true, meta: false };
const NOTHING: Fields = Fields { content: false, name: false, meta: false };

fn manifest(entries: Vec<Entry>) -> (Manifest, Commitment) {
    let head = head(1, &entries);
    let commitment = commitment(&head, &entries);
    (Manifest { head, packs: Vec::new(), entries }, commitment)
}

/// Shows these fields of these entries; with `others`, those of all others too, and that there are no more.
fn disclose(
    manifest: &Manifest,
    expected: &Commitment,
    chosen: &BTreeMap<Vec<u8>, Fields>,
    others: Option<Fields>,
) -> Result<Disclosure, Error> {
    let mut whole = Checking::of(&manifest.head);
    whole.take(&manifest.entries);
    let fields = |entry: &Entry| chosen.get(&entry.path).copied().or(others);
    let shown: Vec<_> = manifest.entries.iter().filter_map(|entry| Some((entry, fields(entry)?))).collect();
    proof::disclose(whole, expected, &shown, others.is_some())
}

/// What a verifier finds in the file.
fn read_back(disclosure: &Disclosure, commitment: &Commitment) -> Vec<Shown> {
    let read = Disclosure::parse(&disclosure.to_bytes()).unwrap();
    assert_eq!(read, *disclosure);
    read.verify(commitment).unwrap()
}

fn hex(bytes: &[u8]) -> String {
    hex::encode(bytes)
}

#[test]
fn the_chosen_fields_of_the_chosen_entries_are_shown_and_no_others() {
    let (manifest, commitment) = manifest(everything());
    for fields in [Fields::ALL, CONTENT, NAME, NOTHING] {
        for entry in &manifest.entries {
            let chosen = BTreeMap::from([(entry.path.clone(), fields)]);
            let disclosure = disclose(&manifest, &commitment, &chosen, None).unwrap();
            let shown = read_back(&disclosure, &commitment).remove(0);
            assert_eq!(shown.name, fields.name.then(|| entry.path.clone()));
            assert_eq!(shown.meta.is_some(), fields.meta);
            let value = entry.kind.content().map(|content| content.value.clone());
            assert_eq!(shown.content, fields.content.then_some(value));
        }
    }
    let mut whole = Checking::of(&manifest.head);
    whole.take(&manifest.entries);
    let stranger = entry(b"nothing of it", 99, Kind::Directory);
    let shown = proof::disclose(whole, &commitment, &[(&stranger, NAME)], false);
    assert_eq!(shown, Err(Error::Opening(commit::Error::NotALeaf)));
}

#[test]
fn everything_can_be_shown_to_be_everything_without_the_seed() {
    let (manifest, commitment) = manifest(everything());
    let all: BTreeSet<_> = manifest.entries.iter().map(|entry| entry.path.clone()).collect();
    let disclosure = disclose(&manifest, &commitment, &BTreeMap::new(), Some(NAME)).unwrap();
    let shown = read_back(&disclosure, &commitment);
    assert_eq!(shown.iter().filter_map(|shown| shown.name.clone()).collect::<BTreeSet<_>>(), all);
    assert!(shown.iter().all(|shown| shown.content.is_none() && shown.meta.is_none()));

    let path = manifest.entries[0].path.clone();
    let one = disclose(&manifest, &commitment, &BTreeMap::from([(path.clone(), Fields::ALL)]), Some(NOTHING)).unwrap();
    let shown = read_back(&one, &commitment);
    assert_eq!((shown.len(), shown.iter().filter_map(|shown| shown.name.clone()).collect()), (all.len(), vec![path]));

    let Disclosure::Complete(mut fewer) = disclosure else { panic!("all entries were asked for") };
    fewer.entries.pop();
    assert_eq!(fewer.verify(&commitment), Err(OpeningError::Place), "the dummies no longer fit");
    fewer.dummies += 1;
    assert_eq!(fewer.verify(&commitment), Err(OpeningError::Mismatch));
}

#[test]
fn nothing_is_shown_of_a_manifest_that_is_not_the_one_committed_to() {
    let (manifest, commitment) = manifest(everything());
    let chosen = BTreeMap::from([(manifest.entries[0].path.clone(), Fields::ALL)]);
    let refused = |manifest: &Manifest, expected: &Commitment, error| {
        for others in [None, Some(NAME)] {
            assert_eq!(disclose(manifest, expected, &chosen, others), Err(Error::Manifest(error)));
        }
    };
    let halves = [Commitment { sha256: [1; 32], ..commitment }, Commitment { blake3: [1; 32], ..commitment }];
    halves.iter().for_each(|other| refused(&manifest, other, manifest::Error::Commitment));
}

#[test]
fn neither_the_seed_nor_the_salt_of_a_hidden_field_is_in_the_file() {
    let (manifest, commitment) = manifest(everything());
    let all: BTreeMap<_, _> = manifest.entries.iter().map(|entry| (entry.path.clone(), Fields::ALL)).collect();
    let text = |disclosure: Disclosure| String::from_utf8(disclosure.to_bytes()).unwrap();
    let whole = text(disclose(&manifest, &commitment, &all, Some(NOTHING)).unwrap());
    let salts: BTreeSet<&str> =
        whole.lines().filter_map(|line| line.trim().strip_prefix("\"salt\": \"")?.get(..64)).collect();
    assert_eq!(salts.len(), 3 * all.len());
    let names = text(disclose(&manifest, &commitment, &BTreeMap::new(), Some(NAME)).unwrap());
    assert_eq!(salts.iter().filter(|salt| names.contains(**salt)).count(), all.len(), "the names' salts alone");
    for text in [whole, names] {
        assert!(!text.contains(&hex(manifest.head.seed.as_bytes())));
    }
}

/// A23: a proof of all names, and a dictionary of all contents that the file can have.
#[test]
fn a_dictionary_on_contents_finds_nothing_in_a_proof_of_all_names() {
    let secret = b"0417";
    let (manifest, commitment) = manifest(vec![entry(b"price", 1, Kind::File(content(secret, 0)))]);
    let file = disclose(&manifest, &commitment, &BTreeMap::new(), Some(NAME)).unwrap().to_bytes();
    let text = String::from_utf8(file).unwrap();
    let values: Vec<&str> = text.split('"').filter(|piece| piece.len() == 64).collect();
    let found = |digest: [u8; 32]| values.contains(&hex(&digest).as_str());
    // Whoever guesses knows everything but the salt, even the key of the content.
    for guess in 0..10_000 {
        let guess = format!("{guess:04}");
        let value = ContentValue::of([4; 32], guess.as_bytes());
        assert!(!found(value.sha256) && !found(value.blake3), "{guess} was found");
        for salt in values.iter().map(|salt| hex::decode(salt).unwrap().try_into().unwrap()) {
            let hashes = hizo_ledger::commitment::Field::Content.commit(&salt, &value.to_bytes());
            assert!(!found(hashes.sha256) && !found(hashes.blake3), "{guess} was found");
        }
    }
    // With the content's own salt the same search succeeds, so that it is a search.
    let shown = disclose(&manifest, &commitment, &BTreeMap::from([(b"price".to_vec(), CONTENT)]), None).unwrap();
    let shown = String::from_utf8(shown.to_bytes()).unwrap();
    let salt = shown.lines().find_map(|line| line.trim().strip_prefix("\"salt\": \"")?.get(..64)).unwrap();
    let salt = hex::decode(salt).unwrap().try_into().unwrap();
    let value = ContentValue::of([4; 32], secret).to_bytes();
    assert!(found(hizo_ledger::commitment::Field::Content.commit(&salt, &value).sha256));
}

#[test]
fn the_order_of_entries_tells_nothing_of_their_names() {
    let entries = |prefix: &str| {
        let named = |number: u8| format!("{prefix}{number:02}").into_bytes();
        (0..12).map(|number| entry(&named(number), number, Kind::File(content(&[number], number.into())))).collect()
    };
    let (manifest, commitment) = manifest(entries("file "));
    let all = disclose(&manifest, &commitment, &BTreeMap::new(), Some(NAME)).unwrap();
    let names: Vec<_> = read_back(&all, &commitment).into_iter().filter_map(|shown| shown.name).collect();
    assert!(!names.is_sorted(), "entries stand in the order of their paths");
    let chosen = manifest.entries.iter().map(|entry| (entry.path.clone(), NAME)).collect();
    let some = disclose(&manifest, &commitment, &chosen, None).unwrap();
    let again: Vec<_> = read_back(&some, &commitment).into_iter().filter_map(|shown| shown.name).collect();
    assert_eq!(again, names, "one order, by leaf hash");
}

#[test]
fn a_proof_of_one_entry_is_as_long_whatever_else_the_deposit_holds() {
    let length = |count: u8| {
        let entries =
            (0..count).map(|number| entry(&[b'a' + number], number, Kind::File(content(b"same", 0)))).collect();
        let (manifest, commitment) = manifest(entries);
        // Digits of an index are the only thing that may differ.
        let file =
            disclose(&manifest, &commitment, &BTreeMap::from([(b"a".to_vec(), Fields::ALL)]), None).unwrap().to_bytes();
        String::from_utf8(file).unwrap().lines().filter(|line| !line.contains("\"index\"")).map(str::len).sum::<usize>()
    };
    assert_eq!(length(1), length(15));
}
