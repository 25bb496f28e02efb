//! Records of somebody who acts for an organisation, and of those about him, as a dishonest hand would write them.

use std::fs;
use std::path::PathBuf;

use hizo_ledger::delegation::{Delegation, Revocation};
use hizo_ledger::id::SpaceId;
use hizo_ledger::log::note::{CheckpointKey, NamedKey};
use hizo_ledger::record::{AdminRule, ClaimedTime, Control, Origin, Role};
use hizo_ledger::space::Head;
use hizo_vault::event::Event;
use hizo_vault::event::certificate::UnverifiedCertificate;
use hizo_vault::fingerprint::{Spoken, WordList};
use hizo_vault::joining::{Invite, UnverifiedRequest};
use hizo_vault::keys::{IdentityFile, OrganisationKey, OrganisationSeed, RecoverySeed, SigningSeed};
use hizo_vault::organisation::{Card, UnverifiedDelegatedRequest};
use serde_json::Value;

use crate::certificates::{joins, key, owner, person};
use crate::forge::Insider;
use crate::kit::{Home, Said};

fn organisation(byte: u8) -> OrganisationKey {
    OrganisationSeed::from_bytes(&[byte; 32]).signing_key()
}

fn time(text: &str) -> ClaimedTime {
    ClaimedTime::parse(text).unwrap()
}

/// That an admin has compared an organisation's key.
fn pinned(byte: u8) -> Event {
    let key = organisation(byte).verifying_key().to_base64();
    Event::OrganisationPinned { key, name: format!("Office {byte}"), name_ja: format!("第{byte}庁") }
}

/// That somebody acts for it, as an admin.
fn delegated(byte: u8, person: &IdentityFile, space: &SpaceId) -> Event {
    Event::KeyDelegated { note: note(byte, person, space, "2099-12-31T23:59:59Z") }
}

fn note(byte: u8, person: &IdentityFile, space: &SpaceId, until: &str) -> String {
    let delegation = Delegation {
        organisation: organisation(byte).verifying_key(),
        space: *space,
        key: key(person, space),
        identity: person.signing_seed.identity_key().verifying_key(),
        role: Role::Admin,
        recipient: Some(person.identity.recipient().to_string()),
        not_before: time("2020-01-01T00:00:00Z"),
        not_after: time(until),
        rotator: None,
    };
    let signature = organisation(byte).sign(delegation.text().as_bytes());
    delegation.note(&signature).unwrap()
}

fn revoked(byte: u8, person: &IdentityFile, space: &SpaceId) -> Event {
    let revocation = Revocation {
        organisation: organisation(byte).verifying_key(),
        space: *space,
        key: key(person, space),
        time: time("2026-01-01T00:00:00Z"),
    };
    let signature = organisation(byte).sign(revocation.text().as_bytes());
    Event::DelegationRevoked { note: revocation.note(&signature).unwrap() }
}

/// Who somebody is who comes.
fn introduced(person: &IdentityFile, name: &str, space: &SpaceId) -> [Event; 2] {
    let key = key(person, space).to_base64();
    let certificate = UnverifiedCertificate::issue(person, space);
    [Event::KeyCertified(certificate), Event::MemberAdded { key, name: name.to_owned() }]
}

/// What somebody sends who asks to join.
fn request(insider: &Insider, person: &IdentityFile, machine: &SigningSeed) -> UnverifiedRequest {
    let space = insider.chain.space();
    let name = key(person, &space).name().to_string();
    UnverifiedRequest {
        space,
        genesis: insider.chain.id_at(0).unwrap(),
        name,
        machine: "machine".to_owned(),
        person: UnverifiedCertificate::issue(person, &space),
        device: UnverifiedCertificate::issue_machine(person, machine, &space),
    }
}

/// A safe with its owner, and an admin who acts for office 21.
struct Scene {
    home: Home,
    insider: Insider,
    space: SpaceId,
    owner: IdentityFile,
    official: IdentityFile,
}

impl Scene {
    fn new() -> Self {
        let home = Home::new();
        let mut insider = Insider::of(&home);
        let (space, owner, official) = (insider.chain.space(), owner(&home), person(1));
        let mut events = introduced(&official, "鈴木", &space).to_vec();
        events.extend([pinned(21), delegated(21, &official, &space)]);
        insider.say(&owner.signing_seed, &events, joins(&official, &space, Role::Admin));
        Self { home, insider, space, owner, official }
    }

    /// The same, where two admins sign.
    fn of_two() -> Self {
        let mut scene = Self::new();
        scene.both_say(&[], vec![Control::Admins(AdminRule::Two)]);
        scene
    }

    fn both_say(&mut self, events: &[Event], controls: Vec<Control>) {
        self.insider.say_by(&[&self.official.signing_seed, &self.owner.signing_seed], events, controls);
    }

    /// The office takes back what it has delegated.
    fn revoke(&mut self) {
        let event = revoked(21, &self.official, &self.space);
        self.insider.say(&self.owner.signing_seed, &[event], Vec::new());
    }

    /// The official makes somebody a member.
    fn official_lets_in(&mut self, person: &IdentityFile, events: &[Event]) {
        self.insider.say(&self.official.signing_seed, events, joins(person, &self.space, Role::Writer));
    }

    /// What the official proposes to the owner.
    fn proposal(&self, events: &[Event], controls: Vec<Control>) -> PathBuf {
        let to = self.owner.identity.recipient();
        let file = self.home.folder.path().join("proposal");
        fs::write(&file, self.insider.propose(&self.official.signing_seed, events, controls, to)).unwrap();
        file
    }

    fn agree(&self, events: &[Event], controls: Vec<Control>, how: &str) -> Said {
        let file = self.proposal(events, controls);
        self.home.run(["space", "agree", file.to_str().unwrap(), how, "--json"])
    }

    fn name(&self, person: &IdentityFile) -> String {
        key(person, &self.space).name().to_string()
    }

    /// For whom a member acts.
    fn acts_for(&self, name: &str) -> Value {
        let said = self.home.ok(["space", "members", "--json"]).json();
        let member = said["members"].as_array().unwrap().iter().find(|member| member["name"] == name);
        member.unwrap_or_else(|| panic!("{said}"))["organisation"].clone()
    }
}

#[test]
fn a14_a_proposal_by_an_admin_without_a_delegation_is_not_signed() {
    let mut scene = Scene::of_two();
    let one = || vec![Control::Admins(AdminRule::One)];
    assert_eq!(scene.agree(&[], one(), "--dry-run").code, Some(0), "while he is delegated");
    scene.revoke();
    let said = scene.agree(&[], one(), "--yes");
    assert!(said.code == Some(3) && said.err.contains("it had taken the delegation back"), "{said:?}");
    assert!(said.err.contains(&scene.name(&scene.official)), "{said:?}");
    scene.home.ok(["list"]);
}

#[test]
fn a14_the_alarm_over_a_change_that_two_signed_ends_when_whoever_might_not_has_gone() {
    let mut scene = Scene::of_two();
    scene.revoke();
    let newcomer = person(2);
    let mut controls = joins(&newcomer, &scene.space, Role::Writer);
    controls.push(Control::Admins(AdminRule::One));
    scene.both_say(&introduced(&newcomer, "佐藤", &scene.space), controls);
    let name = scene.name(&scene.official);
    let said = scene.home.fails(5, "changes who is a member", ["list"]);
    assert!(said.err.contains(&name) && !said.err.contains(&scene.name(&scene.owner)), "{said:?}");
    scene.home.ok(["space", "remove", &name]);
    scene.home.fails(5, "changes who is a member", ["list"]);
    scene.home.ok(["space", "remove", &scene.name(&newcomer)]);
    scene.home.fails(3, "nothing of it believed", ["list"]);
}

/// A key by which an organisation of this number might begin epochs.
fn rotator(byte: u8, space: &SpaceId) -> Control {
    Control::Rotator(OrganisationSeed::from_bytes(&[byte; 32]).rotator_key(space).verifying_key())
}

#[test]
fn a14_a_key_that_whoever_might_not_has_named_is_an_alarm_and_ends_with_him() {
    let mut scene = Scene::new();
    scene.revoke();
    scene.insider.say(&scene.official.signing_seed, &[], vec![rotator(99, &scene.space)]);
    scene.home.fails(5, "changes who is a member", ["list"]);
    scene.home.ok(["space", "remove", &scene.name(&scene.official)]);
    let told = scene.home.fails(3, "nothing of it believed", ["list"]);
    assert!(!told.err.contains("may begin new keys"), "{told:?}");
}

#[test]
fn a14_a_key_that_no_organisation_calls_its_own_is_told_of_until_an_admin_ends_it() {
    let mut scene = Scene::new();
    let named = rotator(99, &scene.space);
    let Control::Rotator(key) = named else { unreachable!() };
    scene.insider.say(&scene.official.signing_seed, &[], vec![named]);
    let told = scene.home.run(["list"]);
    assert!(told.err.contains("no organisation has said that key"), "{told:?}");
    scene.home.ok(["space", "rotator", &key.name().to_string(), "--end"]);
    let told = scene.home.run(["list"]);
    assert!(!told.err.contains("no organisation has said that key"), "{told:?}");
}

#[test]
fn a14_a_key_that_no_organisation_calls_its_own_is_not_signed_for_by_the_second_admin() {
    let scene = Scene::of_two();
    let said = scene.agree(&[], vec![rotator(99, &scene.space)], "--yes");
    assert!(said.code == Some(3) && said.err.contains("no organisation says"), "{said:?}");
}

#[test]
fn a13_cards_in_a_record_that_breaks_another_rule_too_open_nothing_that_comes_later() {
    let mut scene = Scene::new();
    let member = person(2);
    let events = introduced(&member, "田中", &scene.space);
    scene.insider.say(&scene.owner.signing_seed, &events, joins(&member, &scene.space, Role::Writer));
    scene.home.ok(["space", "remove", "田中"]);
    scene.insider = Insider::of(&scene.home);
    scene.revoke();
    let seed = RecoverySeed::from_bytes(&[5; 32]);
    let (cards, other) = (seed.signing_key().verifying_key(), person(3).signing_seed.session_key(&scene.space));
    let made = Event::RecoveryMade {
        key: cards.to_base64(),
        recipient: seed.identity().recipient().to_string(),
        set: "two words".to_owned(),
        cards: 3,
        needed: 2,
    };
    // The session key of whoever comes back is another one than he has certified.
    let member_key = key(&member, &scene.space);
    let controls = vec![
        Control::Member { key: member_key, role: Role::Writer },
        Control::Session { member: member_key, session: other.verifying_key() },
        Control::Recovery(Some(cards)),
    ];
    scene.insider.say(&scene.official.signing_seed, &[made], controls);
    let said = scene.home.fails(5, "changes who is a member", ["list"]);
    assert!(said.err.contains(&scene.name(&scene.official)), "{said:?}");
    scene.home.ok(["space", "remove", &scene.name(&scene.official)]);
    scene.home.ok(["space", "remove", "田中"]);
    let chain = Insider::of(&scene.home).chain;
    let one_reader = hizo_vault::age::sealed_bytes("AGE-SECRET-KEY-PQ-1".len() + 59, 1);
    let wraps: Vec<_> = chain.wraps(chain.epoch()).iter().map(|wrap| wrap.bytes()).collect();
    assert_eq!(wraps, [one_reader as u64], "the owner alone");
}

#[test]
fn a11_a_refused_record_pins_no_organisation_and_binds_nobody() {
    let mut scene = Scene::new();
    scene.revoke();
    let (third, bound) = (person(2), person(3));
    scene.official_lets_in(&third, &[pinned(22), delegated(22, &bound, &scene.space)]);
    for gone in [&scene.official, &third] {
        scene.home.ok(["space", "remove", &scene.name(gone)]);
    }
    // The owner lets him in for himself.
    let mut insider = Insider::of(&scene.home);
    let events = introduced(&bound, "田中", &scene.space);
    insider.say(&scene.owner.signing_seed, &events, joins(&bound, &scene.space, Role::Writer));
    assert_eq!(scene.acts_for("田中"), Value::Null);
    // Nor does the office count as compared.
    insider.say(&scene.owner.signing_seed, &[delegated(22, &person(4), &scene.space)], Vec::new());
    scene.home.fails(3, "nobody here has compared", ["list"]);
}

#[test]
fn a11_a_member_who_acts_for_himself_is_taken_by_no_organisation() {
    let mut scene = Scene::new();
    let (member, newcomer) = (person(2), person(3));
    let events = introduced(&member, "田中", &scene.space);
    scene.insider.say(&scene.owner.signing_seed, &events, joins(&member, &scene.space, Role::ReaderWriter));
    let mut events = introduced(&newcomer, "佐藤", &scene.space).to_vec();
    events.extend([pinned(22), delegated(22, &member, &scene.space)]);
    let controls = joins(&newcomer, &scene.space, Role::Writer);
    scene.insider.say(&scene.official.signing_seed, &events, controls);
    assert_eq!(scene.acts_for("田中"), Value::Null);
    let said = scene.home.ok(["list"]);
    assert!(said.err.contains("that person is a member already, and not for it"), "{said:?}");
    // Whoever has gone and comes anew may come for an organisation.
    scene.home.ok(["space", "remove", "田中"]);
    let mut insider = Insider::of(&scene.home);
    let mut events = introduced(&member, "田中", &scene.space).to_vec();
    events.extend([pinned(22), delegated(22, &member, &scene.space)]);
    insider.say(&scene.owner.signing_seed, &events, joins(&member, &scene.space, Role::ReaderWriter));
    assert_eq!(scene.acts_for("田中"), "Office 22");
}

/// What the second admin is told of a proposal.
fn does(said: &Said) -> String {
    assert_eq!(said.code, Some(0), "{said:?}");
    said.json()["does"].as_array().unwrap().iter().map(|line| format!("{}\n", line.as_str().unwrap())).collect()
}

fn words_of(spoken: &Spoken) -> String {
    spoken.words(WordList::English).join(" ")
}

#[test]
fn a05_the_second_admin_is_told_which_organisation_counts_as_compared_and_who_acts_for_it() {
    let scene = Scene::of_two();
    let newcomer = person(2);
    let mut events = introduced(&newcomer, "佐藤", &scene.space).to_vec();
    let strange = Event::Unknown(serde_json::json!({ "event": "asset.classified" }));
    events.extend([pinned(21), pinned(22), delegated(22, &newcomer, &scene.space), strange]);
    let told = does(&scene.agree(&events, joins(&newcomer, &scene.space, Role::Reader), "--dry-run"));
    let genesis = scene.insider.chain.id_at(0).unwrap();
    let identity = newcomer.signing_seed.identity_key().verifying_key();
    let his = words_of(&Spoken::of_identity(&identity, newcomer.identity.recipient(), &genesis));
    let its = words_of(&Spoken::of_organisation(&organisation(22).verifying_key()));
    let acts = format!("佐藤 (key {}) acts for Office 22, as admin at most, from 2020-01-01", scene.name(&newcomer));
    for line in [
        "lets in 佐藤 as reader, for Office 22\n",
        &format!(
            "counts the key of Office 22 as compared; before you sign, compare these ten words with those that it publishes: {its}\n"
        ),
        &acts,
        "says this beside: asset.classified\n",
        "what you know to the word: 1 in all\n",
    ] {
        assert!(told.contains(line), "{line}\n{told}");
    }
    assert!(!told.contains(&his), "{told}");
    // Whoever comes for himself is heard, and what takes a delegation back is told.
    let mut events = introduced(&newcomer, "佐藤", &scene.space).to_vec();
    events.push(revoked(21, &scene.official, &scene.space));
    let told = does(&scene.agree(&events, joins(&newcomer, &scene.space, Role::Reader), "--dry-run"));
    let ends = format!("鈴木 (key {}) acts for Office 21 no more\n", scene.name(&scene.official));
    assert!(told.contains(&his) && told.contains(&ends), "{told}");
}

#[test]
fn a05_a_proposal_that_takes_a_member_for_an_organisation_or_lies_about_one_is_not_signed() {
    let mut scene = Scene::of_two();
    let (member, newcomer) = (person(2), person(3));
    let events = introduced(&member, "田中", &scene.space);
    scene.both_say(&events, joins(&member, &scene.space, Role::Reader));
    let cases = [
        (vec![pinned(22), delegated(22, &member, &scene.space)], "that person is a member already, and not for it"),
        (vec![delegated(22, &newcomer, &scene.space)], "nobody here has compared that organisation's key"),
        (vec![pinned(22), delegated(22, &scene.official, &scene.space)], "no admin has let that person act for it"),
        (vec![revoked(21, &newcomer, &scene.space)], "no admin has let that person act for it"),
        (vec![Event::KeyCertified(UnverifiedCertificate::issue(&newcomer, &scene.space))], "not its key's"),
    ];
    for (events, why) in cases {
        let said = scene.agree(&events, vec![Control::Admins(AdminRule::One)], "--yes");
        assert!(said.code == Some(3) && said.err.contains(why), "{why}: {said:?}");
    }
}

#[test]
fn a05_a_move_that_says_another_keeper_than_it_goes_to_is_not_signed() {
    let scene = Scene::of_two();
    let origin = |name: &str| Origin::parse(name).unwrap();
    let named = |name: &str| NamedKey::new(name, CheckpointKey::Log(organisation(7).verifying_key())).unwrap();
    let (to, chain) = ("other.example/1", &scene.insider.chain);
    let invite = Invite {
        space: scene.space,
        genesis: chain.id_at(0).unwrap(),
        head: chain.head(),
        keeper: origin(to),
        log_key: named(to),
        receipt_key: named(to),
        // Nobody is there.
        address: "http://127.0.0.1:1".to_owned(),
        roots: None,
        policy: None,
    };
    let says = |invite: &Invite| {
        let text = String::from_utf8(invite.compose()).unwrap();
        Event::KeeperMoved { invite: text.trim_end().to_owned() }
    };
    let earlier = Head { number: 0, id: invite.genesis };
    let cases = [
        (vec![], "nobody says where"),
        (vec![says(&invite), says(&invite)], "nobody says where"),
        (vec![says(&Invite { keeper: origin("yet.example/1"), ..invite.clone() })], "another keeper"),
        (vec![says(&Invite { log_key: named("yet.example/1"), ..invite.clone() })], "another keeper"),
        (vec![says(&Invite { receipt_key: named("yet.example/1"), ..invite.clone() })], "another keeper"),
        (vec![says(&Invite { head: earlier, ..invite.clone() })], "another keeper"),
        (vec![says(&Invite { space: SpaceId::from_bytes([9; 16]), ..invite.clone() })], "another keeper"),
    ];
    for (events, why) in cases {
        let said = scene.agree(&events, vec![Control::Origin(origin(to))], "--dry-run");
        assert!(said.code == Some(3) && said.err.contains(why), "{why}: {said:?}");
    }
    let said = scene.agree(&[says(&invite)], vec![Control::Origin(origin(to))], "--dry-run");
    assert_eq!(said.code, Some(4), "it is asked who it is: {said:?}");
}

#[test]
fn an_organisation_that_has_delegated_nobody_is_named_when_new_keys_are_closed_to_it_and_when_it_comes_back() {
    let home = Home::new();
    let mut insider = Insider::of(&home);
    let (space, owner, official) = (insider.chain.space(), owner(&home), person(1));
    let mut events = introduced(&official, "鈴木", &space).to_vec();
    events.extend([pinned(21), Event::KeyDelegated { note: note(21, &official, &space, "2021-01-01T00:00:00Z") }]);
    insider.say(&owner.signing_seed, &events, joins(&official, &space, Role::ReaderWriter));
    let others = [person(2), person(3)];
    for other in &others {
        let name = key(other, &space).name().to_string();
        insider.say(&owner.signing_seed, &introduced(other, &name, &space), joins(other, &space, Role::Writer));
    }
    for other in &others {
        let said = home.ok(["space", "remove", &key(other, &space).name().to_string()]);
        assert!(said.err.contains("Office 21 has delegated nobody who reads now"), "{said:?}");
    }
    let machine = person(100).signing_seed;
    let said = UnverifiedDelegatedRequest {
        request: request(&insider, &official, &machine),
        card: Card {
            name: "Office 21".to_owned(),
            name_ja: "第21庁".to_owned(),
            key: organisation(21).verifying_key(),
        },
        delegation: note(21, &official, &space, "2099-12-31T23:59:59Z"),
    };
    let file = home.folder.path().join("delegated");
    fs::write(&file, said.compose()).unwrap();
    let said = home.ok(["space", "admit", file.to_str().unwrap(), "--json"]);
    assert_eq!(said.json()["closed"], serde_json::json!([1, 2]));
    assert!(said.err.contains("what was kept in epochs 1, 2 stays closed to Office 21"), "{said:?}");
    let said = home.ok(["space", "grant", "鈴木"]);
    assert!(!said.err.contains("Office 21"), "{said:?}");
    // Once they are given nothing is closed.
    let again = UnverifiedDelegatedRequest::parse(&fs::read(&file).unwrap()).unwrap();
    let delegation = note(21, &official, &space, "2098-12-31T23:59:59Z");
    fs::write(&file, UnverifiedDelegatedRequest { delegation, ..again }.compose()).unwrap();
    let said = home.ok(["space", "admit", file.to_str().unwrap(), "--json"]);
    assert_eq!(said.json()["closed"], serde_json::json!([]));
}

#[test]
fn however_many_newcomers_are_told_again_of_an_organisation_they_are_told_once() {
    let scene = Scene::new();
    let genesis = scene.insider.chain.id_at(0).unwrap();
    // Twice as much for each would be more than a record holds at the tenth.
    for seed in 10..21 {
        let (newcomer, machine) = (person(seed), person(seed + 100).signing_seed);
        let request = request(&scene.insider, &newcomer, &machine);
        let file = scene.home.folder.path().join("request");
        fs::write(&file, request.compose()).unwrap();
        let identity = newcomer.signing_seed.identity_key().verifying_key();
        let words = words_of(&Spoken::of_identity(&identity, newcomer.identity.recipient(), &genesis));
        scene.home.ok(["space", "admit", file.to_str().unwrap(), "--words", &words]);
    }
}
