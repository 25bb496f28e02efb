//! Session notes to accept, and session notes with one fault each.

use ed25519_dalek::Signer as _;
use hizo_ledger::id::Nonce;
use hizo_ledger::record::{ClaimedTime, Origin};
use hizo_ledger::session::{SESSION_BYTES_MAX, Session, Verbs};

use super::{Refused, Vector, changed, line};
use crate::kit::{key, note, secret, session_key, signature_line, space};

const WHO: &str = "clerk, session";

fn session(verbs: Verbs) -> Session {
    Session {
        keeper: Origin::parse("keeper.example.org/one").unwrap(),
        space: space("test space"),
        key: session_key("clerk"),
        nonce: Nonce::from_bytes(*b"drawn for itself"),
        time: ClaimedTime::parse("2027-05-03T09:12:44Z").unwrap(),
        verbs,
    }
}

pub(super) fn session_vectors() -> Vec<Vector> {
    let mut vectors = accepted();
    for (rule, name, says, bytes) in refused_texts().into_iter().map(signed_anew).chain(refused_frames()) {
        vectors.push(Vector { name, says, bytes, rule: Some(rule) });
    }
    vectors
}

fn accepted() -> Vec<Vector> {
    let longest = Session { keeper: Origin::parse(&"k".repeat(255)).unwrap(), ..session(Verbs::ReadWrite) };
    let embedded = Session { keeper: Origin::local(*b"sixteen  bytes!!"), ..session(Verbs::Read) };
    [
        ("read", "a session that reads", session(Verbs::Read)),
        ("read_write", "a session that puts and appends too", session(Verbs::ReadWrite)),
        ("longest_origin", "255 characters in the keeper's origin", longest),
        ("embedded", "a keeper in a folder that others reach", embedded),
    ]
    .map(|(name, says, session)| {
        let signature = secret(WHO).sign(session.text().as_bytes()).to_bytes();
        Vector { name, says, bytes: session.note(&signature).unwrap().into_bytes(), rule: None }
    })
    .into()
}

/// Signed anew, so that the text is its one fault.
fn signed_anew((rule, name, says, text): Refused<String>) -> Refused<Vec<u8>> {
    (rule, name, says, note(&text, &[WHO]).into_bytes())
}

fn refused_texts() -> Vec<Refused<String>> {
    let text = &session(Verbs::ReadWrite).text();
    let swap = |word: &str, value: &str| changed(text, line(text, word), &format!("{word} {value}\n"));
    let without = |word: &str| changed(text, line(text, word), "");
    let (keeper, space) = (line(text, "keeper "), line(text, "space "));
    vec![
        ("Note", "carriage_return", "the first line ends with CR LF", changed(text, "v1\n", "v1\r\n")),
        ("Lines", "version_2", "a format that does not exist yet", changed(text, "/v1", "/v2")),
        ("Lines", "record_note", "another kind of note", changed(text, "hizo/session/v1", "hizo/record/v1")),
        ("Lines", "keeper_missing", "for no keeper", without("keeper ")),
        ("Lines", "space_missing", "for no space", without("space ")),
        ("Lines", "key_missing", "by no key", without("key ")),
        ("Lines", "nonce_missing", "no nonce", without("nonce ")),
        ("Lines", "time_missing", "no time", without("time ")),
        ("Lines", "verbs_missing", "no verbs", without("verbs ")),
        ("Lines", "swapped", "space before keeper", {
            changed(text, &format!("{keeper}{space}"), &format!("{space}{keeper}"))
        }),
        ("Lines", "line_more", "a line that the format does not know", format!("{text}admission code\n")),
        ("Lines", "origin_capitals", "capitals in the origin", swap("keeper", "Keeper.example.org")),
        ("Lines", "space_short", "31 digits in a space id", swap("space", &"a".repeat(31))),
        ("Lines", "key_small_order", "a key of order 2", swap("key", "7P///////////////////////////////////////38=")),
        ("Lines", "nonce_capitals", "capitals in the nonce", swap("nonce", &"A".repeat(32))),
        ("Lines", "nonce_long", "33 digits in the nonce", swap("nonce", &"a".repeat(33))),
        ("Lines", "time_offset", "an offset instead of Z", swap("time", "2027-05-03T09:12:44+00:00")),
        ("Lines", "verbs_unknown", "a verb that does not exist", swap("verbs", "read delete")),
        ("Lines", "verbs_order", "the verbs in the other order", swap("verbs", "write read")),
        ("Lines", "verbs_write", "a session that writes and does not read", swap("verbs", "write")),
        ("Lines", "verbs_two_spaces", "two spaces between the verbs", swap("verbs", "read  write")),
    ]
}

fn refused_frames() -> Vec<Refused<Vec<u8>>> {
    let text = session(Verbs::ReadWrite).text();
    let whole = note(&text, &[WHO]);
    let sign = |who: &str, text: &str| secret(who).sign(text.as_bytes()).to_bytes();
    let right = sign(WHO, &text);
    let framed = |line: &str| format!("{text}\n{line}").into_bytes();
    let other_id = {
        let key_id = whole.rfind(' ').unwrap() + 1;
        let mut bytes = whole.clone().into_bytes();
        bytes[key_id] = if bytes[key_id] == b'A' { b'B' } else { b'A' };
        bytes
    };
    vec![
        ("TooLong", "too_long", "one byte more than a session note may have", {
            format!("{text}{}\n", "a".repeat(SESSION_BYTES_MAX - text.len())).into_bytes()
        }),
        ("Note", "text_only", "the text alone", text.clone().into_bytes()),
        ("Note", "not_utf8", "a byte that is not UTF-8", [whole.as_bytes(), &[0xff]].concat()),
        ("Note", "last_line_open", "the last line does not end", whole.trim_end().as_bytes().to_vec()),
        ("Lines", "two_notes", "two notes in one", format!("{whole}{whole}").into_bytes()),
        ("Signer", "two_signatures", "a stranger's signature beside it", note(&text, &[WHO, "stranger"]).into_bytes()),
        ("Signer", "by_record_key", "the key that signs the member's records", note(&text, &["clerk"]).into_bytes()),
        ("Signer", "key_id_of_another", "another key id", other_id),
        ("Signer", "signature_short", "63 bytes", framed(&signature_line(&key(WHO), &right[..63]))),
        ("Signature", "by_another", "a stranger's signature under the name of the key", {
            framed(&signature_line(&key(WHO), &sign("stranger", &text)))
        }),
        ("Signature", "other_verbs", "read was signed, read write is asked for", {
            framed(&signature_line(&key(WHO), &sign(WHO, &session(Verbs::Read).text())))
        }),
        ("Signature", "signature_zero", "64 zero bytes", framed(&signature_line(&key(WHO), &[0; 64]))),
    ]
}
