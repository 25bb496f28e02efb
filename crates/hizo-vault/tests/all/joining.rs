//! The vectors of docs/spec/joining.md, and what holds for invites and requests.

use hizo_ledger::id::RecordId;
use hizo_ledger::log::note::{CheckpointKey, NamedKey};
use hizo_ledger::record::Origin;
use hizo_ledger::space::Head;
use hizo_vault::event::NAME_BYTES_MAX;
use hizo_vault::event::certificate::UnverifiedCertificate;
use hizo_vault::fingerprint::WordList;
use hizo_vault::joining::{INVITE_BYTES_MAX, Invite, UnverifiedRequest};
use serde_json::{Value, json};

use crate::certificate::{SPACE, key, person, session, written};
use crate::vectors::Vectors;

const VECTORS: Vectors = Vectors::new("joining", "file");

fn invite() -> Invite {
    let named = |seed: u64| NamedKey::new("keeper.example/1", CheckpointKey::Log(key(&person(seed)))).unwrap();
    Invite {
        space: SPACE,
        genesis: RecordId::of(b"a genesis"),
        head: Head { number: 4, id: RecordId::of(b"a head") },
        keeper: Origin::parse("keeper.example/1").unwrap(),
        log_key: named(11),
        receipt_key: named(12),
        address: "https://keeper.example".into(),
        roots: None,
        policy: None,
    }
}

fn request() -> UnverifiedRequest {
    UnverifiedRequest {
        space: SPACE,
        genesis: RecordId::of(b"a genesis"),
        name: "佐藤".into(),
        machine: "現場のノート".into(),
        person: UnverifiedCertificate::issue(&person(1), &SPACE),
        device: UnverifiedCertificate::issue_machine(&person(1), &person(9).signing_seed, &SPACE),
    }
}

/// What a reader makes of a file, by its format.
fn read(bytes: &[u8]) -> Result<Value, String> {
    let word = |error: hizo_vault::joining::Error| format!("{error:?}");
    if bytes.starts_with(b"{\"hizo\":\"invite/") {
        let invite = Invite::parse(bytes).map_err(word)?;
        return Ok(json!({ "space": invite.space.to_string(), "head": invite.head.number }));
    }
    let request = UnverifiedRequest::parse(bytes).and_then(UnverifiedRequest::verify).map_err(word)?;
    Ok(json!({ "name": request.said.name, "words": request.words.words(WordList::English).join(" ") }))
}

fn accepted() -> Vec<(&'static str, &'static str, Vec<u8>)> {
    let whole =
        Invite { roots: Some("-----BEGIN CERTIFICATE-----\n".into()), policy: Some("log x\n".into()), ..invite() };
    let longest = UnverifiedRequest { name: "n".repeat(NAME_BYTES_MAX), ..request() };
    vec![
        ("invite", "an invite to a keeper that any browser trusts", invite().compose()),
        ("invite_whole", "an invite with roots and a witness policy", whole.compose()),
        ("request", "a person and a machine", request().compose()),
        ("request_name_longest", "a name as long as one may be", longest.compose()),
    ]
}

fn changed(bytes: &[u8], from: &str, to: &str) -> Vec<u8> {
    let text = String::from_utf8(bytes.to_vec()).unwrap();
    assert_eq!(text.matches(from).count(), 1, "{from}");
    text.replace(from, to).into_bytes()
}

fn refused() -> Vec<(&'static str, &'static str, Vec<u8>, &'static str)> {
    let (invite, asks, own) = (invite().compose(), request(), person(1));
    let with = |person: UnverifiedCertificate, device: UnverifiedCertificate| {
        UnverifiedRequest { person, device, ..request() }.compose()
    };
    let machine_of_other = UnverifiedCertificate::issue_machine(&person(2), &person(9).signing_seed, &SPACE);
    let sessionless = written(&own, &SPACE, (key(&person(9)), None), None);
    let one_session = written(&own, &SPACE, (key(&person(9)), Some(session(&own))), None);
    let elsewhere = UnverifiedCertificate::issue(&own, &hizo_ledger::id::SpaceId::from_bytes([2; 16]));
    vec![
        ("invite_later", "a later format", changed(&invite, "invite/v1", "invite/v2"), "Format"),
        ("invite_spaced", "a space after a colon", changed(&invite, "\"head\":{", "\"head\": {"), "Form"),
        ("invite_cut", "no line feed at the end", invite[..invite.len() - 1].to_vec(), "Form"),
        (
            "invite_more",
            "a key that nobody knows",
            changed(&invite, "\"policy\":null", "\"policy\":null,\"z\":1"),
            "Form",
        ),
        ("invite_twice", "a key twice", changed(&invite, "\"roots\":null", "\"roots\":null,\"roots\":null"), "Form"),
        ("invite_head_none", "no head", changed(&invite, "\"number\":4,", ""), "Form"),
        ("request_name_none", "no name", UnverifiedRequest { name: String::new(), ..request() }.compose(), "Form"),
        (
            "request_name_long",
            "a name of a byte more",
            UnverifiedRequest { name: "n".repeat(NAME_BYTES_MAX + 1), ..request() }.compose(),
            "Form",
        ),
        ("request_two_machines", "no person", with(asks.device.clone(), asks.device.clone()), "Pair"),
        ("request_two_persons", "no machine", with(asks.person.clone(), asks.person.clone()), "Pair"),
        ("request_other_machine", "a machine of somebody else", with(asks.person.clone(), machine_of_other), "Pair"),
        ("request_sessionless", "a machine without a session key", with(asks.person.clone(), sessionless), "Pair"),
        ("request_one_session", "two keys with one session key", with(asks.person.clone(), one_session), "Pair"),
        (
            "request_other_space",
            "a key for another space",
            with(elsewhere, asks.device.clone()),
            "Certificate(Signature)",
        ),
    ]
}

#[test]
fn every_accepted_vector_reads_as_it_says_and_is_what_we_write() {
    let described = accepted();
    for (name, bytes, said) in VECTORS.all("accepted", described.len()) {
        assert_eq!(read(&bytes).unwrap_or_else(|error| panic!("{name}: {error}")), said["reads"], "{name}");
        let (_, _, ours) = described.iter().find(|(ours, ..)| *ours == name).unwrap_or_else(|| panic!("{name}"));
        assert_eq!(*ours, bytes, "{name}");
    }
}

#[test]
fn every_refused_vector_is_refused_for_its_one_fault() {
    for (name, bytes, said) in VECTORS.all("refused", refused().len()) {
        assert_eq!(read(&bytes).expect_err(&name), said["refused"], "{name}");
    }
}

#[test]
fn every_byte_of_a_request_that_is_changed_is_refused_or_changes_a_name_or_the_words() {
    let (bytes, honest) = (request().compose(), request().verify().unwrap());
    for place in 0..bytes.len() {
        let mut other = bytes.clone();
        other[place] ^= 1;
        let Ok(read) = UnverifiedRequest::parse(&other).and_then(UnverifiedRequest::verify) else { continue };
        let names = (read.said.name != honest.said.name) || (read.said.machine != honest.said.machine);
        assert!(names || read.words != honest.words, "byte {place}");
    }
}

#[test]
fn an_invite_past_the_longest_is_refused_unread() {
    let roots = |bytes: usize| Invite { roots: Some("x".repeat(bytes)), ..invite() }.compose();
    let room = INVITE_BYTES_MAX - roots(0).len();
    assert!(Invite::parse(&roots(room)).is_ok());
    assert!(Invite::parse(&roots(room + 1)).is_err());
}

#[test]
#[ignore = "writes vectors that are missing; a released one is never changed"]
fn missing_vectors_are_written() {
    for (name, about, bytes) in accepted() {
        VECTORS.put_missing("accepted", name, &bytes, &json!({ "about": about, "reads": read(&bytes).unwrap() }));
    }
    for (name, about, bytes, rule) in refused() {
        VECTORS.put_missing("refused", name, &bytes, &json!({ "about": about, "refused": rule }));
    }
}
