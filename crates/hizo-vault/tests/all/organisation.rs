//! The vectors of docs/spec/organisation.md: files, and what bodies come to in which organisations speak.

use std::collections::BTreeSet;

use hizo_ledger::delegation::{Delegation, Revocation};
use hizo_ledger::id::{RecordId, SpaceId};
use hizo_ledger::identity::VerifyingKey;
use hizo_ledger::record::{ClaimedTime, Role};
use hizo_vault::age::WorkFactor;
use hizo_vault::event::certificate::UnverifiedCertificate;
use hizo_vault::event::{self, Event};
use hizo_vault::fingerprint::{Spoken, WordList};
use hizo_vault::joining::UnverifiedRequest;
use hizo_vault::keys::{OrganisationSeed, PublisherSeed};
use hizo_vault::organisation::{CARD_BYTES_MAX, Card, Delegations, Refused, UnverifiedDelegatedRequest};
use serde_json::{Value, json};

use crate::certificate::{SPACE, key, person};
use crate::vectors::Vectors;

const VECTORS: Vectors = Vectors::new("organisation", "text");
const OTHER_SPACE: SpaceId = SpaceId::from_bytes([2; 16]);

fn seed(byte: u8) -> OrganisationSeed {
    OrganisationSeed::from_bytes(&[byte; 32])
}

pub(crate) fn organisation(byte: u8) -> VerifyingKey {
    seed(byte).signing_key().verifying_key()
}

fn identity(seed: u64) -> VerifyingKey {
    person(seed).signing_seed.identity_key().verifying_key()
}

fn time(text: &str) -> ClaimedTime {
    ClaimedTime::parse(text).unwrap()
}

fn card(byte: u8) -> Card {
    Card { name: "Patent Office".into(), name_ja: "特許庁".into(), key: organisation(byte) }
}

/// Person 1 acts for organisation 21; what its epochs are sealed to is person 8's recipient.
pub(crate) fn delegation() -> Delegation {
    Delegation {
        organisation: organisation(21),
        space: SPACE,
        key: key(&person(1)),
        identity: identity(1),
        role: Role::ReaderWriter,
        recipient: Some(person(8).identity.recipient().to_string()),
        not_before: time("2027-05-03T09:00:00Z"),
        not_after: time("2028-04-30T23:59:59Z"),
        rotator: None,
    }
}

pub(crate) fn note(delegation: &Delegation, by: u8) -> String {
    delegation.note(&seed(by).signing_key().sign(delegation.text().as_bytes())).unwrap()
}

fn ended(at: &str) -> String {
    let revocation = Revocation { organisation: organisation(21), space: SPACE, key: key(&person(1)), time: time(at) };
    revocation.note(&seed(21).signing_key().sign(revocation.text().as_bytes())).unwrap()
}

fn request() -> UnverifiedDelegatedRequest {
    let request = UnverifiedRequest {
        space: SPACE,
        genesis: RecordId::of(b"a genesis"),
        name: "佐藤".into(),
        machine: "窓口".into(),
        person: UnverifiedCertificate::issue(&person(1), &SPACE),
        device: UnverifiedCertificate::issue_machine(&person(1), &person(9).signing_seed, &SPACE),
    };
    UnverifiedDelegatedRequest { request, card: card(21), delegation: note(&delegation(), 21) }
}

fn pinned() -> Event {
    let Card { name, name_ja, key } = card(21);
    Event::OrganisationPinned { key: key.to_base64(), name, name_ja }
}

fn delegated(delegation: Delegation) -> Event {
    Event::KeyDelegated { note: note(&delegation, 21) }
}

/// What a reader makes of a text, by its first line. Of a body he takes the notes in order, as if its record had control lines or
/// not, and person 1 was a `member` before it or not, and then asks what he may do at a time.
fn read(bytes: &[u8], said: &Value) -> Result<Value, String> {
    if bytes.starts_with(b"{\"hizo\":\"organisation/") {
        let card = Card::parse(bytes).map_err(|error| format!("{error:?}"))?;
        return Ok(Spoken::of_organisation(&card.key).words(WordList::English).join(" ").into());
    }
    if bytes.starts_with(b"{\"hizo\":\"delegated-request/") {
        let request = UnverifiedDelegatedRequest::parse(bytes).and_then(UnverifiedDelegatedRequest::verify);
        let request = request.map_err(|error| format!("{error:?}"))?;
        let key = request.delegation.key.to_base64();
        return Ok(json!({ "name": request.request.said.name, "organisation": request.card.name, "key": key }));
    }
    let events = event::parse(bytes).map_err(|error| format!("{error:?}"))?;
    let by_admin = said["by_admin"].as_bool().unwrap();
    let role = Role::from_word(said["role"].as_str().unwrap()).unwrap();
    let at = time(said["at"].as_str().unwrap());
    let is_member = said["member"].as_bool().unwrap_or(false);
    let delegations = fold(&events, by_admin, is_member).map_err(|refused| format!("{refused:?}"))?;
    delegations.check(&identity(1), role, at).map_err(|refused| format!("{refused:?}"))?;
    let acts_for = delegations.organisation_of(&identity(1)).map(|card| card.name.clone());
    let sealed_to = delegations.recipient(&organisation(21), at).map(ToString::to_string);
    Ok(json!({ "for": acts_for, "recipient": sealed_to }))
}

fn fold(events: &[Event], by_admin: bool, is_member: bool) -> Result<Delegations, Refused> {
    let mut delegations = Delegations::default();
    for event in events {
        match event {
            Event::OrganisationPinned { key, name, name_ja } => {
                let key = VerifyingKey::from_base64(key).unwrap();
                delegations.pin(Card { name: name.clone(), name_ja: name_ja.clone(), key });
            }
            Event::KeyDelegated { note } => delegations.take(&SPACE, note, by_admin, |_| is_member)?,
            Event::DelegationRevoked { note } => delegations.revoke(&SPACE, note)?,
            other => panic!("{other:?}"),
        }
    }
    Ok(delegations)
}

struct Described {
    name: &'static str,
    about: &'static str,
    bytes: Vec<u8>,
    /// What is asked of the body: whether an admin signed, in which role person 1 acts, and when.
    asked: Value,
}

fn file(name: &'static str, about: &'static str, bytes: Vec<u8>) -> Described {
    Described { name, about, bytes, asked: json!({}) }
}

fn body(name: &'static str, about: &'static str, events: &[Event], role: Role, at: &str) -> Described {
    let asked = json!({ "by_admin": true, "role": role.as_str(), "at": at });
    Described { name, about, bytes: event::compose(events), asked }
}

fn accepted() -> Vec<Described> {
    let whole = || vec![pinned(), delegated(delegation())];
    let later = Delegation {
        recipient: Some(person(7).identity.recipient().to_string()),
        not_before: time("2028-04-01T00:00:00Z"),
        not_after: time("2029-04-30T23:59:59Z"),
        ..delegation()
    };
    let again = Delegation { not_before: time("2027-08-01T00:00:01Z"), ..delegation() };
    let ended = Event::DelegationRevoked { note: ended("2027-08-01T00:00:00Z") };
    let longest = Card { name: "n".repeat(1000), ..card(21) };
    let renewed = [whole(), vec![delegated(later)]].concat();
    vec![
        file("card", "an organisation", card(21).compose()),
        file("card_name_longest", "a name as long as one may be", longest.compose()),
        file("request", "somebody who acts for an organisation", request().compose()),
        body("acts", "reads and deposits in its term", &whole(), Role::ReaderWriter, "2027-05-03T09:00:00Z"),
        body("less", "a role that is less than what was delegated", &whole(), Role::Reader, "2028-04-30T23:59:59Z"),
        body(
            "before_the_later",
            "the earlier delegation until the later begins",
            &renewed,
            Role::Writer,
            "2028-03-31T00:00:00Z",
        ),
        body(
            "after_the_later",
            "from then on the later one, with its recipient",
            &renewed,
            Role::Writer,
            "2028-05-01T00:00:00Z",
        ),
        body(
            "delegated_again",
            "a delegation that begins after the revocation",
            &[whole(), vec![ended, delegated(again)]].concat(),
            Role::ReaderWriter,
            "2027-09-01T00:00:00Z",
        ),
        body("nobody", "who acts for nobody", &[pinned()], Role::Admin, "2027-05-03T09:00:00Z"),
    ]
}

fn changed(bytes: &[u8], from: &str, to: &str) -> Vec<u8> {
    let text = String::from_utf8(bytes.to_vec()).unwrap();
    assert_eq!(text.matches(from).count(), 1, "{from}");
    text.replace(from, to).into_bytes()
}

fn refused() -> Vec<(&'static str, Described)> {
    let (card_bytes, asks) = (card(21).compose(), request());
    let with = |delegation: Delegation, by: u8| {
        UnverifiedDelegatedRequest { delegation: note(&delegation, by), ..request() }.compose()
    };
    let mut other_machine = request();
    other_machine.request.device = UnverifiedCertificate::issue_machine(&person(2), &person(9).signing_seed, &SPACE);
    let acts = |name, about, events: &[Event], at| body(name, about, events, Role::ReaderWriter, at);
    let whole = || vec![pinned(), delegated(delegation())];
    let at = "2027-06-01T00:00:00Z";
    let member_says = |name, about, events: &[Event]| {
        let mut described = acts(name, about, events, at);
        described.asked["by_admin"] = false.into();
        described
    };
    let for_himself = |name, about, events: &[Event]| {
        let mut described = acts(name, about, events, at);
        described.asked["member"] = true.into();
        described
    };
    let elsewhere = || Delegation { space: OTHER_SPACE, ..delegation() };
    let of_other = Delegation { organisation: organisation(22), ..delegation() };
    let by_other = Event::KeyDelegated { note: note(&of_other, 22) };
    let revoked = |at| Event::DelegationRevoked { note: ended(at) };
    let not_a_note = |event: fn(String) -> Event| vec![pinned(), delegated(delegation()), event("hizo\n".into())];
    let no_recipient = Delegation { recipient: Some("age1pq1qqqq".into()), ..delegation() };
    let other_key = Delegation { key: key(&person(3)), ..delegation() };
    vec![
        ("Format", file("card_later", "a later format", changed(&card_bytes, "/v1", "/v2"))),
        ("Form", file("card_spaced", "a space after a colon", changed(&card_bytes, "\"name\":\"", "\"name\": \""))),
        ("Form", file("card_nameless", "no name", Card { name: String::new(), ..card(21) }.compose())),
        (
            "Form",
            file("card_name_long", "a name of a byte more", Card { name_ja: "n".repeat(1001), ..card(21) }.compose()),
        ),
        ("Form", file("card_more", "a key that nobody knows", changed(&card_bytes, "}", ",\"z\":1}"))),
        (
            "Format",
            file(
                "request_later",
                "a later format",
                changed(&asks.compose(), "delegated-request/v1", "delegated-request/v2"),
            ),
        ),
        ("Form", file("request_cut", "no line feed at the end", asks.compose()[..asks.compose().len() - 1].to_vec())),
        ("Request(Pair)", file("request_other_machine", "a machine of somebody else", other_machine.compose())),
        (
            "Delegation(Lines)",
            file("request_no_delegation", "a word in place of the delegation", {
                changed(&asks.compose(), "hizo/delegation/v1", "hizo/delegation/v2")
            }),
        ),
        ("Apart", file("request_other_space", "a delegation for another space", with(elsewhere(), 21))),
        ("Apart", file("request_other_key", "a delegation of another key", with(other_key.clone(), 21))),
        (
            "Apart",
            file("request_other_identity", "a delegation of somebody else's key", {
                with(Delegation { identity: identity(3), ..delegation() }, 21)
            }),
        ),
        (
            "Apart",
            file("request_other_organisation", "a delegation by another organisation", with(of_other.clone(), 22)),
        ),
        ("Form", file("request_recipient", "a recipient that is none", with(no_recipient.clone(), 21))),
        ("Unpinned", acts("unpinned", "an organisation that nobody has compared", &[delegated(delegation())], at)),
        (
            "Unpinned",
            acts(
                "other_organisation",
                "another organisation than the one that was compared",
                &[pinned(), by_other],
                at,
            ),
        ),
        ("Space", acts("other_space", "a delegation for another space", &[pinned(), delegated(elsewhere())], at)),
        (
            "Note",
            acts(
                "delegation_none",
                "a word in place of a delegation",
                &not_a_note(|note| Event::KeyDelegated { note }),
                at,
            ),
        ),
        (
            "Note",
            acts(
                "revocation_none",
                "a word in place of a revocation",
                &not_a_note(|note| Event::DelegationRevoked { note }),
                at,
            ),
        ),
        ("Note", acts("recipient_none", "a recipient that is none", &[pinned(), delegated(no_recipient)], at)),
        ("Unbound", member_says("no_admin", "a member who is no admin lets a key act for an organisation", &whole())),
        ("Member", for_himself("for_himself", "a member who acts for himself", &whole())),
        (
            "Unbound",
            acts("second_key", "a second key of one identity", &[whole(), vec![delegated(other_key)]].concat(), at),
        ),
        (
            "Unbound",
            acts("revocation_of_nobody", "a revocation of a key that acts for nobody", &[pinned(), revoked(at)], at),
        ),
        ("Time", acts("too_early", "a second before it begins", &whole(), "2027-05-03T08:59:59Z")),
        ("Time", acts("too_late", "a second after its last", &whole(), "2028-05-01T00:00:00Z")),
        ("Revoked", acts("revoked", "a delegation that was taken back", &[whole(), vec![revoked(at)]].concat(), at)),
        ("Role", body("more", "more than was delegated", &whole(), Role::Admin, at)),
    ]
}

#[test]
fn every_accepted_vector_reads_as_it_says_and_is_what_we_write() {
    let described = accepted();
    for (name, bytes, said) in VECTORS.all("accepted", described.len()) {
        assert_eq!(read(&bytes, &said).unwrap_or_else(|error| panic!("{name}: {error}")), said["reads"], "{name}");
        let ours = described.iter().find(|ours| ours.name == name).unwrap_or_else(|| panic!("{name}"));
        assert_eq!(ours.bytes, bytes, "{name}");
    }
}

#[test]
fn every_refused_vector_is_refused_for_its_one_fault() {
    let rules: BTreeSet<_> = refused().into_iter().map(|(rule, _)| rule).collect();
    let page = include_str!("../../../../docs/spec/organisation.md");
    for (name, bytes, said) in VECTORS.all("refused", refused().len()) {
        assert_eq!(read(&bytes, &said).expect_err(&name), said["refused"], "{name}");
    }
    for rule in rules.iter().filter(|rule| !rule.contains('(')) {
        assert!(page.contains(&format!("`{rule}`")), "the page does not name {rule}");
    }
}

#[test]
fn what_is_said_again_counts_once_and_in_its_first_place() {
    let again = Delegation { role: Role::Reader, ..delegation() };
    let whole = [
        pinned(),
        delegated(delegation()),
        delegated(again),
        Event::DelegationRevoked { note: ended("2027-04-01T00:00:00Z") },
    ];
    let once = fold(&whole, true, false).unwrap();
    let twice = fold(&[&whole[..], &whole[..]].concat(), true, false).unwrap();
    assert_eq!(once.said_of(&identity(1)).count(), 3);
    assert!(once.said_of(&identity(1)).eq(twice.said_of(&identity(1))));
    // Of two that begin at once the one that was said last counts, whoever repeats the other.
    for delegations in [once, twice] {
        assert_eq!(delegations.current(&identity(1), time("2027-06-01T00:00:00Z")).unwrap().role, Role::Reader);
    }
    let repeated = fold(&[&whole[..], &whole[1..2]].concat(), true, false).unwrap();
    assert_eq!(repeated.current(&identity(1), time("2027-06-01T00:00:00Z")).unwrap().role, Role::Reader);
}

#[test]
fn every_byte_of_a_delegated_request_that_is_changed_is_refused_or_changes_a_name() {
    let (bytes, honest) = (request().compose(), request().verify().unwrap());
    let mut taken = 0;
    for place in 0..bytes.len() {
        let mut other = bytes.clone();
        other[place] ^= 1;
        let parsed = UnverifiedDelegatedRequest::parse(&other).and_then(UnverifiedDelegatedRequest::verify);
        let Ok(read) = parsed else { continue };
        // The names of a person and of a machine, and of the organisation, are claims; so is the genesis, which the admin compares.
        assert_eq!((&read.delegation, &read.request.person), (&honest.delegation, &honest.request.person), "{place}");
        assert_eq!((&read.request.device, read.card.key), (&honest.request.device, honest.card.key), "byte {place}");
        taken += 1;
    }
    assert!(taken > 0 && taken < bytes.len() / 10, "{taken}");
}

#[test]
fn a_card_past_the_longest_is_refused_unread() {
    let long = [card(21).compose(), vec![b' '; CARD_BYTES_MAX]].concat();
    assert!(Card::parse(&long).is_err());
}

#[test]
fn an_organisations_key_is_opened_by_its_passphrase_and_is_of_a_kind_of_its_own() {
    let sealed = seed(21).seal("a passphrase", WorkFactor::LEAST, &mut crate::seeded::Seeded::new(1));
    let opened = OrganisationSeed::open(sealed.clone().into_bytes(), "a passphrase").unwrap();
    assert_eq!(opened.signing_key().verifying_key(), organisation(21));
    assert!(OrganisationSeed::open(sealed.into_bytes(), "another").is_err());
    let publisher = PublisherSeed::from_bytes(&[21; 32]);
    assert_ne!(publisher.signing_key().verifying_key(), organisation(21));
    let sealed = publisher.seal("a passphrase", WorkFactor::LEAST, &mut crate::seeded::Seeded::new(2)).into_bytes();
    assert!(OrganisationSeed::open(sealed.clone(), "a passphrase").is_err(), "a file of another kind");
    assert!(PublisherSeed::open(sealed, "a passphrase").is_ok());
    // Computed apart from this code; see docs/spec/keys.md.
    let key = hex::encode(OrganisationSeed::from_bytes(&[7; 32]).signing_key().verifying_key().as_bytes());
    assert_eq!(key, "c45c4918fe62dbff9d0848b06be42831fb7d9607150a4a942abae696f39e446c");
}

#[test]
#[ignore = "writes vectors that are missing; a released one is never changed"]
fn missing_vectors_are_written() {
    for Described { name, about, bytes, asked } in accepted() {
        let mut said = asked;
        (said["about"], said["reads"]) = (about.into(), read(&bytes, &said).unwrap());
        VECTORS.put_missing("accepted", name, &bytes, &said);
    }
    for (rule, Described { name, about, bytes, asked }) in refused() {
        let mut said = asked;
        (said["about"], said["refused"]) = (about.into(), rule.into());
        VECTORS.put_missing("refused", name, &bytes, &said);
    }
}
