//! Whose key it is: certificates of members that do not exist yet, as an honest and a dishonest hand would write them.

use std::fs;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use hizo_ledger::id::SpaceId;
use hizo_ledger::identity::VerifyingKey;
use hizo_ledger::record::{Control, Role};
use hizo_vault::event::Event;
use hizo_vault::event::certificate::UnverifiedCertificate;
use hizo_vault::keys::IdentityFile;

use crate::forge::{Drawn, Insider, device};
use crate::kit::{Dice, Home, PASSPHRASE, said};

pub(crate) fn person(seed: u64) -> IdentityFile {
    IdentityFile::generate(&mut Drawn(Dice::new(seed)))
}

pub(crate) fn owner(home: &Home) -> IdentityFile {
    IdentityFile::open(fs::read(home.path.join("identity.age")).unwrap(), PASSPHRASE).unwrap()
}

pub(crate) fn key(person: &IdentityFile, space: &SpaceId) -> VerifyingKey {
    person.signing_seed.space_key(space).verifying_key()
}

pub(crate) fn joins(person: &IdentityFile, space: &SpaceId, role: Role) -> Vec<Control> {
    let (member, session) = (key(person, space), person.signing_seed.session_key(space).verifying_key());
    vec![Control::Member { key: member, role }, Control::Session { member, session }]
}

fn certified(certificate: UnverifiedCertificate) -> Event {
    Event::KeyCertified(certificate)
}

/// What an identity signs of its own key, whatever it is to say; written out from the page.
fn signed(
    identity: &IdentityFile,
    space: &SpaceId,
    session: Option<VerifyingKey>,
    reads: Option<&IdentityFile>,
) -> UnverifiedCertificate {
    let key = key(identity, space).to_base64();
    let session = session.map_or("-".to_owned(), |session| session.to_base64());
    let recipient = reads.map_or("-".to_owned(), |reads| reads.identity.recipient().to_string());
    let text = format!("hizo/join/v1\nspace {space}\nkey {key}\nsession {session}\nrecipient {recipient}\n");
    let identity = identity.signing_seed.identity_key();
    let signature = BASE64.encode(identity.sign(text.as_bytes()));
    UnverifiedCertificate { key, session, identity: identity.verifying_key().to_base64(), recipient, signature }
}

/// A safe whose owner lets a person read, with what `make` says of him for a certificate.
fn joined(template: &Home, make: impl FnOnce(&IdentityFile, &SpaceId) -> Vec<Event>) -> Home {
    let home = template.copy();
    let (person, mut insider) = (person(1), Insider::of(&home));
    let space = insider.chain.space();
    let events = make(&person, &space);
    insider.say(&owner(&home).signing_seed, &events, joins(&person, &space, Role::Reader));
    home
}

#[test]
fn a_member_whose_identity_certified_his_key_is_accepted_without_a_word() {
    let home = joined(&Home::new(), |person, space| vec![certified(UnverifiedCertificate::issue(person, space))]);
    assert_eq!(home.ok(["list"]).err, "");
    // The same again, by himself.
    let (person, mut insider) = (person(1), Insider::of(&home));
    let again = certified(UnverifiedCertificate::issue(&person, &insider.chain.space()));
    insider.say(&person.signing_seed, &[again], Vec::new());
    assert_eq!(home.ok(["list"]).err, "");
}

#[test]
fn a_reader_without_a_certificate_is_shown_and_a_machine_that_only_deposits_is_not() {
    let home = joined(&Home::new(), |_, _| Vec::new());
    let mut insider = Insider::of(&home);
    let space = insider.chain.space();
    let name = key(&person(1), &space).name().to_string();
    let warned = home.ok(["list"]).err;
    assert!(warned.contains(&format!("nobody has certified whose key {name} is")), "{warned}");
    let japanese = said(home.command().env("LC_ALL", "ja_JP.UTF-8").arg("list")).err;
    assert!(japanese.contains(&format!("鍵 {name} の持ち主を")), "{japanese}");

    insider.say(&owner(&home).signing_seed, &[], joins(&person(2), &space, Role::Writer));
    assert_eq!(home.ok(["list"]).err, warned);
}

#[test]
fn a_certificate_that_does_not_hold_is_an_alarm() {
    type Lie = fn(&IdentityFile, &SpaceId) -> UnverifiedCertificate;
    let lies: [(&str, &str, Lie); 8] = [
        ("with the session key of a carrier", "the session key in it is not the one", |joining, space| {
            // Honestly signed for another session key than the record's.
            let carrier = person(2).signing_seed.session_key(space).verifying_key();
            signed(joining, space, Some(carrier), Some(joining))
        }),
        ("without its session key", "the session key in it is not the one", |joining, space| {
            signed(joining, space, None, Some(joining))
        }),
        ("of another space", "the identity did not sign it", |person, space| {
            let here = UnverifiedCertificate::issue(person, space);
            let elsewhere = UnverifiedCertificate::issue(person, &SpaceId::from_bytes([9; 16]));
            UnverifiedCertificate { signature: elsewhere.signature, ..here }
        }),
        ("of another key", "not its key's", |_, space| UnverifiedCertificate::issue(&person(2), space)),
        ("by another identity", "the identity did not sign it", |joining, space| UnverifiedCertificate {
            identity: UnverifiedCertificate::issue(&person(2), space).identity,
            ..UnverifiedCertificate::issue(joining, space)
        }),
        ("for another recipient", "the identity did not sign it", |joining, space| UnverifiedCertificate {
            recipient: person(2).identity.recipient().to_string(),
            ..UnverifiedCertificate::issue(joining, space)
        }),
        ("with a flipped byte", "the identity did not sign it", |joining, space| {
            let honest = UnverifiedCertificate::issue(joining, space);
            let first = if honest.signature.starts_with('A') { "B" } else { "A" };
            UnverifiedCertificate { signature: format!("{first}{}", &honest.signature[1..]), ..honest }
        }),
        ("without a signature", "is none", |joining, space| UnverifiedCertificate {
            signature: String::new(),
            ..UnverifiedCertificate::issue(joining, space)
        }),
    ];
    let template = Home::new();
    for (what, reason, lie) in lies {
        let home = joined(&template, |person, space| vec![certified(lie(person, space))]);
        for command in [&["list"][..], &["check"]] {
            let said = home.fails(5, "record 1 says falsely whose key it is", command);
            assert!(said.err.contains(reason), "{what}: {said:?}");
        }
        let japanese = said(home.command().env("LC_ALL", "ja_JP.UTF-8").arg("list"));
        assert_eq!(japanese.code, Some(5), "{what}: {japanese:?}");
        assert!(japanese.err.contains("鍵の持ち主の証明が偽りです"), "{what}: {japanese:?}");
    }
}

/// A member says of himself that another one's recipient is his: mail for him would be sealed to somebody else.
fn says_another_recipient(home: &Home, member: IdentityFile) {
    let (two, mut insider) = (IdentityFile { identity: person(2).identity, ..member }, Insider::of(home));
    let other = certified(UnverifiedCertificate::issue(&two, &insider.chain.space()));
    insider.say(&two.signing_seed, &[other], Vec::new());
}

#[test]
fn a_key_with_two_recipients_is_an_alarm() {
    let home = joined(&Home::new(), |person, space| vec![certified(UnverifiedCertificate::issue(person, space))]);
    says_another_recipient(&home, person(1));
    home.fails(5, "it contradicts another certificate", ["list"]);
}

#[test]
fn what_contradicts_the_identity_file_of_this_home_is_an_alarm() {
    let home = Home::new();
    says_another_recipient(&home, owner(&home));
    home.fails(5, "it contradicts the identity file of this home", ["list"]);
}

#[test]
fn nobody_certifies_the_key_of_another_member() {
    let home = joined(&Home::new(), |person, space| vec![certified(UnverifiedCertificate::issue(person, space))]);
    let mut insider = Insider::of(&home);
    // Rightly signed by the owner's identity, and brought up by somebody else.
    let honest = certified(UnverifiedCertificate::issue(&owner(&home), &insider.chain.space()));
    insider.say(&person(1).signing_seed, &[honest], Vec::new());
    home.fails(5, "it stands in a record that is not its key's", ["list"]);
}

#[test]
fn a_machine_that_only_deposits_cannot_lock_its_owner_out_by_a_lie() {
    let home = Home::new();
    let mut insider = Insider::of(&home);
    let lie = certified(UnverifiedCertificate::issue(&owner(&home), &insider.chain.space()));
    insider.say(&device(&home), &[lie], Vec::new());
    let warned = home.ok(["list"]).err;
    assert!(warned.contains("record 1 says falsely whose key it is") && warned.lines().count() == 1, "{warned}");
    let japanese = said(home.command().env("LC_ALL", "ja_JP.UTF-8").arg("list"));
    assert!(japanese.code == Some(0) && japanese.err.contains("信用せずに続けます"), "{japanese:?}");
}

#[test]
fn a_member_who_lied_and_was_removed_stops_nobody() {
    let home = joined(&Home::new(), |person, space| vec![certified(UnverifiedCertificate::issue(person, space))]);
    says_another_recipient(&home, person(1));
    home.fails(5, "it contradicts another certificate", ["list"]);
    let leaves = key(&person(1), &Insider::of(&home).chain.space()).name().to_string();
    home.fails(5, "it contradicts another certificate", ["space", "members"]);
    home.ok(["space", "remove", &leaves]);
    let warned = home.ok(["list"]).err;
    assert!(warned.contains("record 2 says falsely whose key it is") && warned.lines().count() == 1, "{warned}");
}

#[test]
fn the_lost_wrap_of_another_reader_locks_nobody_out() {
    let home = Home::new();
    home.deposit(&home.beside("folder"), "test");
    let mut insider = Insider::of(&home);
    let theirs = insider.put(b"a wrap that somebody else would open".to_vec());
    let (wrap, bytes) = theirs;
    insider.say(&owner(&home).signing_seed, &[], vec![Control::Wrap { epoch: 0, wrap, bytes }]);
    let listed = home.ok(["list", "--json"]).out;
    let file = home.objects().into_iter().find(|path| path.ends_with(wrap.to_string())).unwrap();
    fs::remove_file(file).unwrap();
    assert_eq!(home.ok(["list", "--json"]).out, listed);
}
