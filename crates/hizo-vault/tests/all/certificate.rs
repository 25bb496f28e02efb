//! What holds for certificates: whose key signs in a space.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use hizo_ledger::id::{ObjectId, SlotKeyHash, SpaceId};
use hizo_ledger::identity::VerifyingKey;
use hizo_ledger::record::{ClaimedTime, Control, Envelope, Origin, Record, Role, UnverifiedRecord};
use hizo_ledger::space::Chain;
use hizo_vault::age::Recipient;
use hizo_vault::event::certificate::{Certificate, Certificates, Error, Sessions, UnverifiedCertificate};
use hizo_vault::keys::IdentityFile;

use crate::seeded::Seeded;

pub(crate) const SPACE: SpaceId = SpaceId::from_bytes([1; 16]);

pub(crate) fn person(seed: u64) -> IdentityFile {
    IdentityFile::generate(&mut Seeded::new(seed))
}

/// Signs here as the first and is somebody else for the rest: what an impostor would like to be believed.
fn chimera(signs: u64, reads: u64) -> IdentityFile {
    IdentityFile { signing_seed: person(signs).signing_seed, identity: person(reads).identity }
}

pub(crate) fn key(person: &IdentityFile) -> VerifyingKey {
    person.signing_seed.space_key(&SPACE).verifying_key()
}

pub(crate) fn session(person: &IdentityFile) -> VerifyingKey {
    person.signing_seed.session_key(&SPACE).verifying_key()
}

/// Keys with the sessions of their persons.
pub(crate) fn keys<const N: usize>(people: [&IdentityFile; N]) -> Sessions {
    people.into_iter().map(|person| (key(person), Some(session(person)))).collect()
}

/// A certificate as this identity would sign it for any space, keys and recipient; written out from the page.
pub(crate) fn written(
    identity: &IdentityFile,
    space: &SpaceId,
    (key, session): (VerifyingKey, Option<VerifyingKey>),
    recipient: Option<&Recipient>,
) -> UnverifiedCertificate {
    let session = session.map_or("-".to_owned(), |session| session.to_base64());
    let recipient = recipient.map_or("-".to_owned(), Recipient::to_string);
    let text =
        format!("hizo/join/v1\nspace {space}\nkey {}\nsession {session}\nrecipient {recipient}\n", key.to_base64());
    let identity = identity.signing_seed.identity_key();
    UnverifiedCertificate {
        key: key.to_base64(),
        session,
        identity: identity.verifying_key().to_base64(),
        recipient,
        signature: BASE64.encode(identity.sign(text.as_bytes())),
    }
}

#[test]
fn a_certificate_is_a_signature_over_the_text_of_the_specification() {
    let (person, machine) = (person(1), person(9));
    let own = (key(&person), Some(session(&person)));
    let expected = written(&person, &SPACE, own, Some(person.identity.recipient()));
    assert_eq!(UnverifiedCertificate::issue(&person, &SPACE), expected);
    let expected = written(&person, &SPACE, (key(&machine), Some(session(&machine))), None);
    assert_eq!(UnverifiedCertificate::issue_machine(&person, &machine.signing_seed, &SPACE), expected);
}

#[test]
fn a_certificate_holds_for_its_space_its_keys_and_its_recipient_only() {
    let (honest, other) = (person(1), person(2));
    let said = UnverifiedCertificate::issue(&honest, &SPACE);
    assert_eq!(said.verify_in(&SPACE, &keys([&honest])), Ok(Certificate::of(&honest, &SPACE)));
    assert_eq!(said.verify(&SPACE), Ok(Certificate::of(&honest, &SPACE)));
    assert_eq!(said.verify_in(&SPACE, &keys([&other])), Err(Error::Place));
    assert_eq!(said.verify_in(&SPACE, &keys([])), Err(Error::Place));
    assert_eq!(said.verify_in(&SpaceId::from_bytes([2; 16]), &keys([&honest])), Err(Error::Signature));
    for known in [None, Some(session(&other))] {
        assert_eq!(said.verify_in(&SPACE, &Sessions::from([(key(&honest), known)])), Err(Error::Session));
    }
    let elsewhere = UnverifiedCertificate::issue(&other, &SPACE);
    let wrong = [
        UnverifiedCertificate { key: elsewhere.key, ..said.clone() },
        UnverifiedCertificate { session: elsewhere.session, ..said.clone() },
        UnverifiedCertificate { session: "-".into(), ..said.clone() },
        UnverifiedCertificate { identity: elsewhere.identity, ..said.clone() },
        UnverifiedCertificate { recipient: elsewhere.recipient, ..said.clone() },
        UnverifiedCertificate { recipient: "-".into(), ..said.clone() },
        UnverifiedCertificate { signature: elsewhere.signature, ..said },
    ];
    for wrong in wrong {
        assert_eq!(wrong.verify(&SPACE), Err(Error::Signature), "{wrong:?}");
        assert!(wrong.verify_in(&SPACE, &keys([&honest, &other])).is_err(), "{wrong:?}");
    }
}

#[test]
fn every_changed_character_of_a_certificate_is_refused() {
    let honest = person(1);
    let said = UnverifiedCertificate::issue(&honest, &SPACE);
    let changed = |text: &str, place: usize| {
        let other = if text.as_bytes()[place] == b'q' { "p" } else { "q" };
        [&text[..place], other, &text[place + 1..]].concat()
    };
    // The recipient is long and has a checksum of its own.
    let recipients = (0..said.recipient.len()).step_by(97);
    let wrong = (0..said.key.len())
        .map(|place| UnverifiedCertificate { key: changed(&said.key, place), ..said.clone() })
        .chain(
            (0..said.session.len())
                .map(|place| UnverifiedCertificate { session: changed(&said.session, place), ..said.clone() }),
        )
        .chain(
            (0..said.identity.len())
                .map(|place| UnverifiedCertificate { identity: changed(&said.identity, place), ..said.clone() }),
        )
        .chain(
            recipients
                .map(|place| UnverifiedCertificate { recipient: changed(&said.recipient, place), ..said.clone() }),
        )
        .chain(
            (0..said.signature.len())
                .map(|place| UnverifiedCertificate { signature: changed(&said.signature, place), ..said.clone() }),
        );
    for wrong in wrong {
        assert!(wrong.verify(&SPACE).is_err(), "{wrong:?}");
    }
}

#[test]
fn a_key_belongs_to_one_identity_and_an_identity_has_one_key_that_opens() {
    let own = || Certificate::of(&person(1), &SPACE);
    let mut certificates = Certificates::new(own());
    assert_eq!(certificates.of(&key(&person(1))), Some(&own()), "his own one needs nobody who says it");
    assert_eq!(certificates.of(&key(&person(2))), None);
    assert_eq!(certificates.add(own()), Ok(()));
    assert_eq!(certificates.of(&key(&person(1))), Some(&own()));
    let other = Certificate::of(&person(2), &SPACE);
    assert_eq!(certificates.add(other.clone()), Ok(()));
    assert_eq!(certificates.add(other.clone()), Ok(()), "the same again says nothing new");

    let taken = Certificate { identity: person(3).signing_seed.identity_key().verifying_key(), ..other.clone() };
    assert_eq!(certificates.add(taken), Err(Error::Contradiction));
    assert_eq!(certificates.add(Certificate::of(&chimera(2, 3), &SPACE)), Err(Error::Contradiction));
    assert_eq!(certificates.add(Certificate { key: key(&person(3)), ..other.clone() }), Err(Error::Contradiction));
    assert_eq!(certificates.add(Certificate { key: key(&person(1)), ..other.clone() }), Err(Error::NotOurs));
    assert_eq!(certificates.add(Certificate { key: key(&person(3)), ..own() }), Err(Error::NotOurs));
    assert_eq!(certificates.add(Certificate::of(&chimera(1, 3), &SPACE)), Err(Error::NotOurs));
    assert_eq!(certificates.add(Certificate { recipient: None, ..other.clone() }), Err(Error::Contradiction));
    assert_eq!(certificates.add(Certificate { recipient: None, ..own() }), Err(Error::NotOurs));
    assert_eq!(certificates.of(&key(&person(2))), Some(&other), "what was refused changed nothing");
    assert_eq!(certificates.of(&key(&person(3))), None);

    // Machines: as many as an identity says, each of one identity.
    let machine = |owner: u64, seed: u64| Certificate::of_machine(&person(owner), &person(seed).signing_seed, &SPACE);
    for (owner, seed) in [(1, 7), (1, 8), (2, 9)] {
        assert_eq!(certificates.add(machine(owner, seed)), Ok(()));
    }
    assert_eq!(certificates.add(machine(2, 7)), Err(Error::Contradiction));
    assert_eq!(certificates.add(machine(2, 1)), Err(Error::NotOurs));
    assert_eq!(certificates.all().count(), 5);
}

/// Record 0 of a space that person 1 founds and person 2 reads; further records by person 1.
fn followed(further: &[Vec<Control>]) -> Vec<Record> {
    let founder = person(1).signing_seed.space_key(&SPACE);
    let mut envelope = Envelope {
        keeper: Origin::local([2; 16]),
        space: SPACE,
        number: 0,
        prev: None,
        epoch: 0,
        time: ClaimedTime::from_unix_seconds(1_809_335_564).unwrap(),
        seen: None,
        body: Some((ObjectId::of(b"body"), 4096)),
        deposit: None,
        controls: [
            vec![
                Control::Founder(founder.verifying_key()),
                Control::Slot(SlotKeyHash::from_bytes([3; 32])),
                Control::Recovery(None),
            ],
            joins(2, Role::Reader),
            vec![Control::Session { member: key(&person(1)), session: session(&person(1)) }],
            epoch(0),
        ]
        .concat(),
    };
    let sign = |envelope: &mut Envelope| {
        envelope.sort_controls();
        let signature = founder.sign(envelope.text().unwrap().as_bytes());
        UnverifiedRecord::compose(envelope, &[(founder.verifying_key(), signature)]).unwrap()
    };
    let (mut chain, record) = Chain::begin(sign(&mut envelope)).unwrap();
    let mut records = vec![record];
    for controls in further {
        (envelope.number, envelope.prev) = (chain.head().number + 1, Some(chain.head().id));
        (envelope.controls, envelope.epoch) = (controls.clone(), chain.epoch());
        if controls.iter().any(|control| matches!(control, Control::Epoch { .. })) {
            envelope.epoch += 1;
        }
        records.push(chain.append(sign(&mut envelope)).unwrap());
    }
    records
}

fn joins(seed: u64, role: Role) -> Vec<Control> {
    let (member, session) = (key(&person(seed)), session(&person(seed)));
    vec![Control::Member { key: member, role }, Control::Session { member, session }]
}

fn epoch(epoch: u32) -> Vec<Control> {
    vec![
        Control::Epoch { epoch, recipient: ObjectId::of(b"recipient") },
        Control::Wrap { epoch, wrap: ObjectId::of(b"wrap"), bytes: 4096 },
    ]
}

#[test]
fn a_record_speaks_for_its_signer_and_for_those_it_lets_in() {
    let [record] = &followed(&[])[..] else { unreachable!("one record was made") };
    let mut certificates = Certificates::new(Certificate::of(&person(1), &SPACE));
    let keys = certificates.follow(record).unwrap();
    for (seed, taken) in [(1, Ok(())), (2, Ok(())), (3, Err(Error::Place))] {
        assert_eq!(certificates.take(&SPACE, &keys, &UnverifiedCertificate::issue(&person(seed), &SPACE)), taken);
    }
    let two = (key(&person(2)), Some(session(&person(2))));
    let moved = written(&person(2), &SpaceId::from_bytes([2; 16]), two, Some(person(2).identity.recipient()));
    assert_eq!(certificates.take(&SPACE, &keys, &moved), Err(Error::Signature));
}

#[test]
fn a_record_that_begins_an_epoch_speaks_for_every_member_who_sees_it() {
    let records = followed(&[
        joins(4, Role::Writer),
        [joins(3, Role::Reader), vec![Control::Remove(key(&person(2)))], epoch(1)].concat(),
    ]);
    let mut certificates = Certificates::new(Certificate::of(&person(3), &SPACE));
    let said = |seed| UnverifiedCertificate::issue(&person(seed), &SPACE);
    certificates.follow(&records[0]).unwrap();
    let keys = certificates.follow(&records[1]).unwrap();
    assert_eq!(certificates.take(&SPACE, &keys, &said(2)), Err(Error::Place), "it lets in another one");
    let keys = certificates.follow(&records[2]).unwrap();
    assert_eq!(certificates.take(&SPACE, &keys, &said(2)), Err(Error::Place), "who leaves does not see it");
    for seed in [1, 3, 4] {
        assert_eq!(certificates.take(&SPACE, &keys, &said(seed)), Ok(()), "{seed}");
    }
}

#[test]
fn a_session_key_is_the_one_that_the_identity_certified() {
    let other = Control::Session { member: key(&person(3)), session: session(&person(5)) };
    let swapped = vec![Control::Member { key: key(&person(3)), role: Role::Writer }, other];
    // The record names the session key of somebody else beside an honest certificate.
    let records = followed(std::slice::from_ref(&swapped));
    let mut certificates = Certificates::new(Certificate::of(&person(1), &SPACE));
    certificates.follow(&records[0]).unwrap();
    let keys = certificates.follow(&records[1]).unwrap();
    let said = UnverifiedCertificate::issue(&person(3), &SPACE);
    assert_eq!(certificates.take(&SPACE, &keys, &said), Err(Error::Session));
    // A later record puts another one in the place of the one that was certified.
    let removed = [vec![Control::Remove(key(&person(3)))], swapped, epoch(1)].concat();
    let records = followed(&[joins(3, Role::Writer), removed]);
    let mut certificates = Certificates::new(Certificate::of(&person(1), &SPACE));
    certificates.follow(&records[0]).unwrap();
    let keys = certificates.follow(&records[1]).unwrap();
    assert_eq!(certificates.take(&SPACE, &keys, &said), Ok(()));
    assert_eq!(certificates.follow(&records[2]), Err(Error::Session));
}
