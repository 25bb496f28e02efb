//! Session notes that are old, to come, foreign, used or forged, and tokens that have ended.

use std::sync::atomic::Ordering;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hizo_ledger::id::SpaceId;
use hizo_ledger::record::{ClaimedTime, Control, Envelope, Origin, Role};
use hizo_ledger::session::{Session, Verbs};
use hizo_ledger::space::RECOVERY_DELAY_SECONDS;
use hizo_store::NamedBytes;

use super::world::{Begun, Running, begin, genesis, session, signed, system_time, token_in};
use crate::kit::{Company, Draft, key, object, sign};

fn moved(session: &Session, seconds: i64) -> Session {
    let time = session.time.unix_seconds().checked_add_signed(seconds).unwrap();
    Session { time: ClaimedTime::from_unix_seconds(time).unwrap(), ..session.clone() }
}

#[test]
fn a_note_starts_one_session_within_its_minute_and_at_its_keeper() {
    let running = Running::start();
    let begun = Begun::new(&running, "a company");
    let note = running.note(begun.space(), "owner", 50, Verbs::Read);
    running.send(&note, "owner").is(201);
    running.send(&note, "owner").says(401, "SessionSpent");
    running.send(&moved(&note, 1), "owner").says(401, "SessionSpent");

    running.ahead.store(1_000, Ordering::Relaxed);
    let now = running.note(begun.space(), "owner", 51, Verbs::Read);
    let told = running.send(&moved(&now, -70), "owner");
    told.says(401, "SessionTime");
    let there: u64 = told.header("hizo-time").unwrap().parse().unwrap();
    assert!(there.abs_diff(now.time.unix_seconds()) < 60, "it says what its clock says: {there}");
    running.send(&moved(&now, 70), "owner").says(401, "SessionTime");
    running.send(&moved(&now, -50), "owner").is(201);
    let ahead = running.note(begun.space(), "owner", 52, Verbs::Read);
    running.send(&moved(&ahead, 50), "owner").is(201);
    let elsewhere = Session { keeper: Origin::parse("keeper.example").unwrap(), ..now.clone() };
    running.send(&elsewhere, "owner").says(401, "OtherKeeper");
}

#[test]
fn a_note_from_before_the_start_is_not_taken() {
    let running = Running::start();
    let begun = Begun::new(&running, "a company");
    let note = moved(&running.note(begun.space(), "owner", 50, Verbs::Read), -30);
    // Whether it was used the keeper cannot know: it has just begun.
    running.send(&note, "owner").says(503, "JustBegun");
}

#[test]
fn only_a_members_session_key_starts_a_session() {
    let running = Running::start();
    let begun = Begun::new(&running, "a company");
    let note = |who: &str, nonce| running.note(begun.space(), who, nonce, Verbs::ReadWrite);
    running.send(&note("stranger", 60), "stranger").says(403, "NotMember");
    // The key that signs records starts no session.
    let by_record_key = Session { key: key("owner"), ..note("owner", 61) };
    let signature =
        ed25519_dalek::Signer::sign(&crate::kit::secret("owner"), by_record_key.text().as_bytes()).to_bytes();
    running.send_note(&by_record_key.note(&signature).unwrap(), None).says(403, "NotMember");
    let forged = signed(&note("owner", 62), "owner").replace("verbs read write", "verbs read");
    running.send_note(&forged, None).says(401, "SessionSignature");
    running.send_note("hello", None).says(401, "SessionNote");
    for body in ["", "[]", "{}", "{\"note\": 7}", "{\"note\": \"x\", \"more\": \"y\"}", "{\"note\": \"x\""] {
        running.ask("POST", "/v1/sessions", None, body.as_bytes()).says(400, "SessionForm");
    }
    running.ask("POST", "/v1/sessions", None, &vec![b'a'; 9_000]).says(413, "TooLarge");
}

#[test]
fn a_token_is_for_its_space_its_verbs_and_its_minutes() {
    let running = Running::start();
    let (one, two) = (Begun::new(&running, "one"), Begun::new(&running, "two"));
    let path = |begun: &Begun| format!("{}?from=0", begun.records());
    running.ask("GET", &path(&one), Some(&one.owner), b"").is(200);
    running.ask("GET", &path(&two), Some(&one.owner), b"").says(403, "OtherSpace");
    running.ask("GET", &path(&one), None, b"").says(401, "TokenNeeded");
    running.ask("GET", &path(&one), Some(&"0".repeat(64)), b"").says(401, "TokenEnded");
    running.ask("GET", &path(&one), Some("0"), b"").says(401, "TokenNeeded");
    let reads = running.token(one.space(), "owner", 70, Verbs::Read);
    running.ask("GET", &path(&one), Some(&reads), b"").is(200);
    running.put(one.space(), &reads, &object("what")).says(403, "ReadOnly");
    running.ask("POST", &one.records(), Some(&reads), b"note").says(403, "ReadOnly");
    running.ahead.store(15 * 60 - 5, Ordering::Relaxed);
    running.ask("GET", &path(&one), Some(&one.owner), b"").is(200);
    running.ahead.store(15 * 60 + 5, Ordering::Relaxed);
    running.ask("GET", &path(&one), Some(&one.owner), b"").says(401, "TokenEnded");
}

#[test]
fn a_removed_members_token_ends_at_once() {
    let running = Running::start();
    let mut begun = Begun::new(&running, "a company");
    let owner = begun.owner.clone();
    let joins = begun.joins("clerk", Role::Reader);
    begun.keep(&running, &owner, &joins).is(201);
    let clerk = running.token(begun.space(), "clerk", 80, Verbs::ReadWrite);
    let path = format!("{}?from=0", begun.records());
    running.ask("GET", &path, Some(&clerk), b"").is(200);
    running.put(begun.space(), &clerk, &object("a clerk's body")).is(201);
    let removal = begun.control(&[Control::Remove(key("clerk"))]);
    begun.keep(&running, &owner, &removal).is(201);
    running.ask("GET", &path, Some(&clerk), b"").says(403, "NotMember");
    running.put(begun.space(), &clerk, &object("another")).is_one_of(&[401, 403]);
    running.send(&running.note(begun.space(), "clerk", 81, Verbs::Read), "clerk").says(403, "NotMember");
    // Whoever comes back without a session key opens none.
    let back = begun.control(&[Control::Member { key: key("clerk"), role: Role::Reader }]);
    begun.keep(&running, &owner, &back).is(201);
    running.send(&running.note(begun.space(), "clerk", 82, Verbs::Read), "clerk").says(403, "NotMember");
}

#[test]
fn whoever_begins_a_space_names_his_session_key_in_it() {
    let running = Running::start();
    let company = Company::new("a company", &running.origin);
    let token = running.token(company.space, "owner", 1, Verbs::ReadWrite);
    // The space has not begun: nothing can be read, and no record appended.
    running.ask("GET", &format!("/v1/spaces/{}/records", company.space), Some(&token), b"").says(404, "NotBegun");
    running.ask("POST", &format!("/v1/spaces/{}/records", company.space), Some(&token), b"").says(404, "NotBegun");
    begin(&running, &company, &token, &company.genesis()).says(422, "FounderSession");
    let stranger =
        token_in(running.send(&running.note(company.space, "stranger", 2, Verbs::ReadWrite), "stranger").is(201));
    begin(&running, &company, &stranger, &genesis(&company)).says(422, "FounderSession");
    begin(&running, &company, &token, &genesis(&company)).is(201);
    begin(&running, &company, &token, &genesis(&company)).is(200);
    // What a stranger was admitted for is over.
    running.put(company.space, &stranger, &object("what")).is_one_of(&[401, 403]);
    let path = format!("/v1/spaces/{}", company.space);
    for body in ["", "{}", "{\"note\": \"x\"}", "{\"note\": \"x\", \"slot_key\": \"AAAA\"}"] {
        running.ask("POST", &path, Some(&token), body.as_bytes()).says(400, "BeginForm");
    }
}

#[test]
fn nobody_begins_or_enters_the_keepers_own_space() {
    let running = Running::start();
    let begun = Begun::new(&running, "a company");
    let facts = running.ask("GET", "/v1/keeper", None, b"");
    let own = facts.text().split("\"own_space\":\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let space = SpaceId::from_hex(&own).unwrap();
    running.send(&running.note(space, "owner", 90, Verbs::ReadWrite), "owner").says(403, "OwnSpace");
    running.put(space, &begun.owner, &object("a squatter's")).says(403, "OwnSpace");
    let body = b"{\"note\": \"hizo\", \"slot_key\": \"\"}";
    running.ask("POST", &format!("/v1/spaces/{own}"), Some(&begun.owner), body).says(403, "OwnSpace");
    running.ask("GET", &format!("/v1/spaces/{own}/records?from=0"), None, b"").is_one_of(&[200, 404]);
}

/// A record of this moment, as the service's clock tells it.
fn now(running: &Running, begun: &Begun, controls: Vec<Control>, who: &str) -> Draft {
    let seconds = system_time() + running.ahead.load(Ordering::Relaxed);
    let time = ClaimedTime::from_unix_seconds(seconds).unwrap();
    let envelope = Envelope { controls, time, ..begun.company.say() };
    let body = object(&format!("sealed body {} of {}", envelope.number, envelope.space));
    Draft { objects: vec![body], note: sign(&envelope, who) }
}

/// The recovery key starts sessions itself, so that its name here is that of a session key.
const CARDS: &str = "cards, session";

fn with_cards(running: &Running) -> Begun {
    let mut begun = Begun::new(running, "a company with cards");
    let owner = begun.owner.clone();
    let pins = begun.control(&[Control::Recovery(Some(key(CARDS)))]);
    begun.keep(running, &owner, &pins).is(201);
    begun
}

#[test]
fn a13_a_session_of_the_recovery_key_reads_and_appends_its_one_record_and_nothing_else() {
    let running = Running::start();
    let mut begun = with_cards(&running);
    let (owner, path) = (begun.owner.clone(), format!("{}?from=0", begun.records()));
    let cards = running.token(begun.space(), "cards", 90, Verbs::ReadWrite);
    running.ask("GET", &path, Some(&cards), b"").is(200);
    running.put(begun.space(), &cards, &NamedBytes::name(vec![7; 65_537]).unwrap()).says(413, "TooLarge");
    running.put(begun.space(), &cards, &object("a certificate")).is(201);
    // Somebody else's record, which the chain would take.
    let others = now(&running, &begun, Vec::new(), "owner");
    begun.keep(&running, &cards, &others).says(403, "RecoveryOnly");
    let own = now(&running, &begun, Vec::new(), CARDS);
    begun.keep(&running, &cards, &own).says(422, "SignerNotMember");
    let lets_in = vec![Control::Member { key: key("newcomer"), role: Role::Admin }, session("newcomer")];
    let lets_in = now(&running, &begun, lets_in, CARDS);
    begun.keep(&running, &cards, &lets_in).is(201);
    // Other cards end it at once.
    let refuses = begun.control(&[Control::Recovery(None)]);
    begun.keep(&running, &owner, &refuses).is(201);
    running.ask("GET", &path, Some(&cards), b"").says(403, "NotMember");
    running.send(&running.note(begun.space(), "cards", 91, Verbs::Read), "cards").says(403, "NotMember");
    running.send(&running.note(begun.space(), "newcomer", 92, Verbs::Read), "newcomer").says(403, "NotMember");
}

#[test]
fn a13_who_waits_reads_and_does_what_a_member_may_once_the_delay_has_passed() {
    let running = Running::start();
    let mut begun = with_cards(&running);
    let path = format!("{}?from=0", begun.records());
    let cards = running.token(begun.space(), "cards", 90, Verbs::ReadWrite);
    running.send(&running.note(begun.space(), "newcomer", 91, Verbs::Read), "newcomer").says(403, "NotMember");
    let lets_in = vec![Control::Member { key: key("newcomer"), role: Role::Admin }, session("newcomer")];
    let lets_in = now(&running, &begun, lets_in, CARDS);
    begun.keep(&running, &cards, &lets_in).is(201);
    let waits = running.token(begun.space(), "newcomer", 92, Verbs::ReadWrite);
    running.ask("GET", &path, Some(&waits), b"").is(200);
    running.put(begun.space(), &waits, &object("his")).says(403, "Waiting");
    let early = now(&running, &begun, Vec::new(), "newcomer");
    running.ask("POST", &begun.records(), Some(&waits), &early.note).says(403, "Waiting");

    running.ahead.store(RECOVERY_DELAY_SECONDS + 5, Ordering::Relaxed);
    let comes = running.token(begun.space(), "newcomer", 93, Verbs::ReadWrite);
    running.put(begun.space(), &comes, &object("his")).is(201);
    // The clock that was moved is that of sessions alone: what a record's time is held to goes by the system's.
    let first = now(&running, &begun, Vec::new(), "newcomer");
    begun.keep(&running, &comes, &first).says(422, "TimeOff");
}

#[test]
fn a_member_is_told_the_slot_key_and_nobody_else() {
    let running = Running::start();
    let (begun, other) = (Begun::new(&running, "one"), Begun::new(&running, "two"));
    let path = format!("/v1/spaces/{}", begun.space());
    let told = running.ask("GET", &path, Some(&begun.machine), b"");
    assert!(told.is(200).text().contains(&STANDARD.encode(begun.company.slot_key)), "{told:?}");
    running.ask("GET", &path, None, b"").says(401, "TokenNeeded");
    running.ask("GET", &path, Some(&other.owner), b"").says(403, "OtherSpace");
    let about = running.ask("GET", "/v1/keeper", None, b"");
    let own = about.text().split("\"own_space\":\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    running.ask("GET", &format!("/v1/spaces/{own}"), None, b"").is(404);
}
