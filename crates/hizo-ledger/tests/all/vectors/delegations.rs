//! Delegations and revocations to accept, and such notes with one fault each.

use ed25519_dalek::Signer as _;
use hizo_ledger::delegation::{Delegation, Error, NOTE_BYTES_MAX, RECIPIENT_BYTES_MAX, Revocation};
use hizo_ledger::record::{ClaimedTime, Role};

use super::{Refused, Vector, changed, line};
use crate::kit::{key, note, secret, signature_line, space};

/// Who plays the organisation, whose key acts for it, and the identity behind that key.
const WHO: &str = "partner";
const KEY: &str = "clerk";
const IDENTITY: &str = "deputy";

fn time(text: &str) -> ClaimedTime {
    ClaimedTime::parse(text).unwrap()
}

fn delegation() -> Delegation {
    Delegation {
        organisation: key(WHO),
        space: space("test space"),
        key: key(KEY),
        identity: key(IDENTITY),
        role: Role::ReaderWriter,
        recipient: Some("age1pq1qqqsyqcyq5rqwzqf".into()),
        not_before: time("2027-05-03T09:00:00Z"),
        not_after: time("2028-04-30T23:59:59Z"),
        rotator: None,
    }
}

/// As [`delegation`], with the organisation's key to begin epochs.
fn rotator() -> Delegation {
    Delegation { rotator: Some(key("rotator")), ..delegation() }
}

fn revocation() -> Revocation {
    Revocation { organisation: key(WHO), space: space("test space"), key: key(KEY), time: time("2027-08-01T00:00:00Z") }
}

/// What the page makes of a note, by its first line.
pub(super) fn judge(bytes: &[u8]) -> Result<String, Error> {
    match bytes.starts_with(b"hizo/revocation/") {
        true => Revocation::verify(bytes).map(|revocation| revocation.text()),
        false => Delegation::verify(bytes).map(|delegation| delegation.text()),
    }
}

pub(super) fn delegation_vectors() -> Vec<Vector> {
    let mut vectors = accepted();
    for (rule, name, says, bytes) in refused_texts().into_iter().map(signed_anew).chain(refused_frames()) {
        vectors.push(Vector { name, says, bytes, rule: Some(rule) });
    }
    vectors
}

fn accepted() -> Vec<Vector> {
    let writer = Delegation { role: Role::Writer, recipient: None, ..delegation() };
    let admin = Delegation { role: Role::Admin, ..delegation() };
    let one_second = Delegation { not_after: delegation().not_before, ..delegation() };
    let longest = format!("age1{}", "q".repeat(RECIPIENT_BYTES_MAX - 4));
    let longest = Delegation { recipient: Some(longest), ..delegation() };
    let signed = |text: &str| secret(WHO).sign(text.as_bytes()).to_bytes();
    let notes = [
        ("reader_writer", "a key that reads and deposits for its organisation", delegation()),
        ("rotator", "brings the organisation's key that may begin epochs", rotator()),
        ("writer", "a key that deposits, and reads nothing", writer),
        ("admin", "a key that may let people in", admin),
        ("one_second", "good for one second", one_second),
        ("recipient_longest", "a recipient as long as one may be", longest),
    ]
    .map(|(name, says, delegation)| (name, says, delegation.note(&signed(&delegation.text())).unwrap()));
    let ended = revocation().note(&signed(&revocation().text())).unwrap();
    let all = notes.into_iter().chain([("revocation", "the end of it", ended)]);
    all.map(|(name, says, note)| Vector { name, says, bytes: note.into_bytes(), rule: None }).collect()
}

/// Signed anew, so that the text is its one fault.
fn signed_anew((rule, name, says, text): Refused<String>) -> Refused<Vec<u8>> {
    (rule, name, says, note(&text, &[WHO]).into_bytes())
}

fn refused_texts() -> Vec<Refused<String>> {
    let (text, ended) = (&delegation().text(), &revocation().text());
    let swap = |word: &str, value: &str| changed(text, line(text, word), &format!("{word} {value}\n"));
    let without = |word: &str| changed(text, line(text, word), "");
    let small = "7P///////////////////////////////////////38=";
    let (space, role) = (line(text, "space "), line(text, "role "));
    vec![
        ("Note", "carriage_return", "the first line ends with CR LF", changed(text, "v1\n", "v1\r\n")),
        ("Lines", "version_2", "a format that does not exist yet", changed(text, "/v1", "/v2")),
        ("Lines", "record_note", "another kind of note", changed(text, "hizo/delegation/", "hizo/record/")),
        ("Lines", "organisation_missing", "by no organisation", without("organisation ")),
        ("Lines", "space_missing", "for no space", without("space ")),
        ("Lines", "key_missing", "for no key", without("key ")),
        ("Lines", "identity_missing", "of no identity", without("identity ")),
        ("Lines", "role_missing", "for nothing in particular", without("role ")),
        ("Lines", "recipient_missing", "no word of what is sealed to it", without("recipient ")),
        ("Lines", "never_ends", "no end", without("not-after ")),
        ("Lines", "swapped", "role before space", {
            changed(&changed(text, role, ""), space, &format!("{role}{space}"))
        }),
        ("Lines", "line_more", "a line that the format does not know", format!("{text}purpose advice\n")),
        ("Lines", "key_small_order", "a key of order 2", swap("key", small)),
        ("Lines", "role_unknown", "a role that does not exist", swap("role", "owner")),
        ("Lines", "role_order", "the role's words in the other order", swap("role", "writer+reader")),
        ("Lines", "recipient_capitals", "capitals in the recipient", swap("recipient", "AGE1PQ1QQQ")),
        ("Lines", "recipient_none", "something else than a recipient", swap("recipient", "ssh-ed25519")),
        ("Lines", "recipient_too_long", "a recipient longer than one may be", {
            swap("recipient", &format!("age1{}", "q".repeat(RECIPIENT_BYTES_MAX - 3)))
        }),
        ("Lines", "time_offset", "an offset instead of Z", swap("not-before", "2027-05-03T09:00:00+00:00")),
        ("Keys", "key_is_organisation", "the organisation's own key signs records", {
            swap("key", &key(WHO).to_base64())
        }),
        ("Keys", "identity_is_organisation", "the organisation's key is somebody's identity", {
            swap("identity", &key(WHO).to_base64())
        }),
        ("Keys", "key_is_identity", "an identity key signs records", swap("key", &key(IDENTITY).to_base64())),
        ("Recipient", "reader_without_recipient", "reads, and nothing is sealed to it", swap("recipient", "-")),
        ("Recipient", "writer_with_recipient", "does not read, and something is sealed to it", swap("role", "writer")),
        ("Lines", "rotator_twice", "two keys to begin epochs", {
            format!("{0}rotator {1}\nrotator {1}\n", text, key("rotator"))
        }),
        ("Lines", "rotator_none", "a line for a key that is not there", format!("{text}rotator -\n")),
        ("Lines", "rotator_before_its_place", "the key to begin epochs before the term", {
            let begins = line(text, "not-before ");
            changed(text, begins, &format!("rotator {}\n{begins}", key("rotator")))
        }),
        ("Keys", "rotator_is_key", "the key that acts begins epochs too", format!("{text}rotator {}\n", key(KEY))),
        ("Keys", "rotator_is_organisation", "the organisation's own key begins epochs", {
            format!("{text}rotator {}\n", key(WHO))
        }),
        ("Keys", "rotator_is_identity", "an identity key begins epochs", format!("{text}rotator {}\n", key(IDENTITY))),
        ("Rotator", "writer_with_rotator", "does not read, and begins epochs", {
            let writes = changed(&swap("role", "writer"), line(text, "recipient "), "recipient -\n");
            format!("{writes}rotator {}\n", key("rotator"))
        }),
        ("Term", "ends_before", "ends a second before it begins", swap("not-after", "2027-05-03T08:59:59Z")),
        ("Lines", "revocation_without_key", "of no key", changed(ended, line(ended, "key "), "")),
        ("Lines", "revocation_without_time", "at no time", changed(ended, line(ended, "time "), "")),
        ("Keys", "revocation_of_organisation", "of the organisation's own key", {
            changed(ended, line(ended, "key "), &format!("key {}\n", key(WHO)))
        }),
    ]
}

fn refused_frames() -> Vec<Refused<Vec<u8>>> {
    let text = delegation().text();
    let whole = note(&text, &[WHO]);
    let sign = |who: &str, text: &str| secret(who).sign(text.as_bytes()).to_bytes();
    let framed = |line: &str| format!("{text}\n{line}").into_bytes();
    let admin = Delegation { role: Role::Admin, ..delegation() }.text();
    vec![
        ("TooLong", "too_long", "one byte more than a note may have", {
            format!("{text}{}\n", "a".repeat(NOTE_BYTES_MAX - text.len())).into_bytes()
        }),
        ("Note", "text_only", "the text alone", text.clone().into_bytes()),
        ("Note", "last_line_open", "the last line does not end", whole.trim_end().as_bytes().to_vec()),
        ("Lines", "two_notes", "two notes in one", format!("{whole}{whole}").into_bytes()),
        ("Signer", "two_signatures", "a stranger's signature beside it", note(&text, &[WHO, "stranger"]).into_bytes()),
        ("Signer", "by_its_own_key", "signed by the key that it is for", note(&text, &[KEY]).into_bytes()),
        ("Signature", "by_another", "a stranger's signature under the organisation's name", {
            framed(&signature_line(&key(WHO), &sign("stranger", &text)))
        }),
        ("Signature", "other_role", "less was signed for", {
            format!("{admin}\n{}", signature_line(&key(WHO), &sign(WHO, &text))).into_bytes()
        }),
        ("Signature", "signature_zero", "64 zero bytes", framed(&signature_line(&key(WHO), &[0; 64]))),
    ]
}
