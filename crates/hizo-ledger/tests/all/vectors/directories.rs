//! Directories to accept, and directories with one fault each.

use ed25519_dalek::Signer as _;
use hizo_ledger::directory::{Directory, ENTRIES_MAX, Entry, Kind, Purpose, Refused, Seen, TEXT_BYTES_MAX};
use hizo_ledger::id::DirectoryId;
use hizo_ledger::record::{ClaimedTime, Origin};

use super::{Refused as Fault, Vector, changed, line};
use crate::kit::{key, note, secret, signature_line};

const WHO: &str = "deputy";

fn time(text: &str) -> ClaimedTime {
    ClaimedTime::parse(text).unwrap()
}

fn entry(who: &str, kind: Kind, name: &str, name_ja: &str) -> Entry {
    Entry {
        kind,
        key: key(who),
        keeper: Origin::parse("keeper.example.org/one").unwrap(),
        address: "https://office.example.org/".into(),
        name: name.into(),
        name_ja: name_ja.into(),
    }
}

fn directory() -> Directory {
    let mut entries = vec![
        entry("partner", Kind::Office, "Patent Office, trade secret desk", "特許庁 営業秘密室"),
        entry("clerk", Kind::Centre, "Consultation Centre", "知財総合支援窓口"),
    ];
    entries.sort_by_key(|entry| entry.key);
    Directory {
        publisher: key(WHO),
        serial: 2,
        previous: Some(DirectoryId::of(b"the first one")),
        purpose: Purpose::Real,
        issued: time("2027-05-03T09:00:00Z"),
        valid_until: time("2027-08-01T09:00:00Z"),
        entries,
    }
}

fn signed(directory: &Directory) -> String {
    directory.note(&secret(WHO).sign(directory.text().as_bytes()).to_bytes()).unwrap()
}

pub(super) fn directory_vectors() -> Vec<Vector> {
    let mut vectors = accepted();
    for (rule, name, says, bytes) in refused_texts().into_iter().map(signed_anew).chain(refused_frames()) {
        vectors.push(Vector { name, says, bytes, rule: Some(rule) });
    }
    vectors
}

fn accepted() -> Vec<Vector> {
    let longest = "n".repeat(TEXT_BYTES_MAX);
    [
        ("second", "two organisations, after an earlier directory", directory()),
        ("first", "the first one", Directory { serial: 1, previous: None, ..directory() }),
        ("empty", "no organisation", Directory { entries: Vec::new(), ..directory() }),
        ("sample", "to be looked at", Directory { purpose: Purpose::Sample, ..directory() }),
        (
            "name_longest",
            "a name as long as one may be",
            Directory { entries: vec![entry("clerk", Kind::Police, &longest, "県警")], ..directory() },
        ),
    ]
    .map(|(name, says, directory)| Vector { name, says, bytes: signed(&directory).into_bytes(), rule: None })
    .into()
}

/// Signed anew, so that the text is its one fault.
fn signed_anew((rule, name, says, text): Fault<String>) -> Fault<Vec<u8>> {
    (rule, name, says, note(&text, &[WHO]).into_bytes())
}

fn refused_texts() -> Vec<Fault<String>> {
    let whole = directory();
    let text = &whole.text();
    let one = &Directory { entries: vec![entry("clerk", Kind::Rescue, "Rescue", "救済")], ..directory() }.text();
    let swap = |word: &str, value: &str| changed(text, line(text, &format!("{word} ")), &format!("{word} {value}\n"));
    let of_entry = |word: &str, value: &str| changed(one, line(one, &format!("{word} ")), &format!("{word} {value}\n"));
    let without = |word: &str| changed(text, line(text, word), "");
    let backwards = Directory { entries: whole.entries.iter().rev().cloned().collect(), ..directory() };
    let twice = Directory { entries: vec![whole.entries[0].clone(); 2], ..directory() };
    let first = changed(&swap("serial", "1"), line(text, "previous "), "previous -\n");
    vec![
        ("Note", "carriage_return", "the first line ends with CR LF", changed(text, "v1\n", "v1\r\n")),
        ("Lines", "version_2", "a format that does not exist yet", changed(text, "/v1", "/v2")),
        ("Lines", "publisher_missing", "by no publisher", without("publisher ")),
        ("Lines", "serial_missing", "no number", without("serial ")),
        ("Lines", "serial_zero", "the number 0", changed(&first, "serial 1", "serial 0")),
        ("Lines", "serial_zeros", "leading zeros", swap("serial", "02")),
        ("Lines", "previous_missing", "no word of the one before", without("previous ")),
        ("Lines", "previous_short", "63 digits", swap("previous", &"a".repeat(63))),
        ("Lines", "purpose_missing", "for nothing in particular", without("purpose ")),
        ("Lines", "purpose_unknown", "a purpose that does not exist", swap("purpose", "draft")),
        ("Lines", "issued_missing", "made at no time", without("issued ")),
        ("Lines", "never_ends", "no end", without("valid-until ")),
        ("Lines", "time_offset", "an offset instead of Z", swap("issued", "2027-05-03T09:00:00+00:00")),
        ("Lines", "line_more", "a line that the format does not know", format!("{text}remark none\n")),
        ("Lines", "entry_cut", "an entry without its last line", changed(one, line(one, "name-ja "), "")),
        ("Lines", "entry_swapped", "the key before the kind", {
            let (entry, key) = (line(one, "entry "), line(one, "key "));
            changed(one, &format!("{entry}{key}"), &format!("{key}{entry}"))
        }),
        ("Lines", "kind_unknown", "a kind that does not exist", of_entry("entry", "court")),
        (
            "Lines",
            "key_small_order",
            "a key of order 2",
            of_entry("key", "7P///////////////////////////////////////38="),
        ),
        ("Lines", "keeper_capitals", "capitals in an origin", of_entry("keeper", "Keeper.example.org")),
        ("Lines", "name_none", "no name", changed(one, line(one, "name "), "name \n")),
        ("Lines", "name_long", "a name of a byte more", of_entry("name", &"n".repeat(TEXT_BYTES_MAX + 1))),
        ("Previous", "first_with_previous", "the first one, after another", swap("serial", "1")),
        ("Previous", "second_without", "the second one, after none", swap("previous", "-")),
        ("Term", "too_long_good", "good for 90 days and a second", swap("valid-until", "2027-08-01T09:00:01Z")),
        ("Term", "ends_before", "ends before it begins", swap("valid-until", "2027-05-03T08:59:59Z")),
        ("Entries", "unsorted", "keys that fall", backwards.text()),
        ("Entries", "key_twice", "one key twice", twice.text()),
    ]
}

fn refused_frames() -> Vec<Fault<Vec<u8>>> {
    let text = directory().text();
    let whole = note(&text, &[WHO]);
    let sign = |who: &str, text: &str| secret(who).sign(text.as_bytes()).to_bytes();
    let framed = |line: &str| format!("{text}\n{line}").into_bytes();
    let sample = Directory { purpose: Purpose::Sample, ..directory() }.text();
    vec![
        ("Note", "text_only", "the text alone", text.clone().into_bytes()),
        ("Note", "last_line_open", "the last line does not end", whole.trim_end().as_bytes().to_vec()),
        ("Signer", "two_signatures", "a stranger's signature beside it", note(&text, &[WHO, "stranger"]).into_bytes()),
        ("Signer", "by_another", "another publisher's signature", note(&text, &["stranger"]).into_bytes()),
        ("Signature", "forged", "a stranger's signature under the publisher's name", {
            framed(&signature_line(&key(WHO), &sign("stranger", &text)))
        }),
        ("Signature", "sample_as_real", "a sample was signed", {
            framed(&signature_line(&key(WHO), &sign(WHO, &sample)))
        }),
    ]
}

#[test]
fn a_directory_follows_the_one_that_was_seen_and_no_other() {
    let first = Directory { serial: 1, previous: None, ..directory() };
    let first_note = signed(&first);
    let seen = first.seen(first_note.as_bytes());
    let now = time("2027-06-01T00:00:00Z");
    let follows = |directory: &Directory, seen: &Seen, now| directory.follows(signed(directory).as_bytes(), seen, now);
    let second = Directory { previous: Some(seen.id), ..directory() };
    let third = Directory { serial: 3, ..second.clone() };
    assert_eq!(follows(&second, &seen, now), Ok(()));
    assert_eq!(follows(&first, &seen, now), Ok(()), "the same one again");
    assert_eq!(follows(&second, &seen, second.valid_until), Ok(()), "its last second");
    let over = time("2027-08-01T09:00:01Z");
    let other_first = Directory { entries: Vec::new(), ..first.clone() };
    let second_seen = second.seen(signed(&second).as_bytes());
    let stranger = Seen { publisher: key("stranger"), ..seen };
    for (refused, judged) in [
        (Refused::Publisher, follows(&second, &stranger, now)),
        (Refused::Rollback, follows(&first, &second_seen, now)),
        (Refused::Split, follows(&other_first, &seen, now)),
        (Refused::Fork, follows(&directory(), &seen, now)),
        (Refused::Gap, follows(&third, &seen, now)),
        (Refused::Expired, follows(&second, &seen, over)),
    ] {
        assert_eq!(judged, Err(refused));
    }
}

#[test]
fn a_directory_holds_no_more_entries_than_it_may() {
    let one = Directory { entries: vec![entry("clerk", Kind::Other, "n", "n")], ..directory() }.text();
    let one = &one[one.find("entry ").unwrap()..];
    assert_eq!(Entry::parse_all(&one.repeat(ENTRIES_MAX)).map(|entries| entries.len()), Some(ENTRIES_MAX));
    assert_eq!(Entry::parse_all(&one.repeat(ENTRIES_MAX + 1)), None);
}
