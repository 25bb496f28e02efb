//! What holds for certificates: whose key signs in a space.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use hizo_ledger::id::{ObjectId, SlotKeyHash, SpaceId};
use hizo_ledger::identity::VerifyingKey;
use hizo_ledger::record::{ClaimedTime, Control, Envelope, Origin, Record, Role, UnverifiedRecord};
use hizo_ledger::space::Chain;
use hizo_vault::age::Recipient;
use hizo_vault::event::certificate::{Certificate, Certificates, Error, UnverifiedCertificate, keys_of};
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

/// A certificate as this identity would sign it for any space, key and recipient; written out from the page.
pub(crate) fn written(
    identity: &IdentityFile,
    space: &SpaceId,
    key: VerifyingKey,
    recipient: &Recipient,
) -> UnverifiedCertificate {
    let text = format!("hizo/join/v1\nspace {space}\nkey {}\nrecipient {recipient}\n", key.to_base64());
    let identity = identity.signing_seed.identity_key();
    UnverifiedCertificate {
        key: key.to_base64(),
        identity: identity.verifying_key().to_base64(),
        recipient: recipient.to_string(),
        signature: BASE64.encode(identity.sign(text.as_bytes())),
    }
}

#[test]
fn a_certificate_is_a_signature_over_the_text_of_the_specification() {
    let person = person(1);
    let expected = written(&person, &SPACE, key(&person), person.identity.recipient());
    assert_eq!(UnverifiedCertificate::issue(&person, &SPACE), expected);
}

#[test]
fn a_certificate_holds_for_its_space_its_key_and_its_recipient_only() {
    let (honest, other) = (person(1), person(2));
    let said = UnverifiedCertificate::issue(&honest, &SPACE);
    assert_eq!(said.verify(&SPACE, &[key(&honest)]), Ok(Certificate::of(&honest, &SPACE)));
    assert_eq!(said.verify(&SPACE, &[key(&other)]), Err(Error::Place));
    assert_eq!(said.verify(&SPACE, &[]), Err(Error::Place));
    assert_eq!(said.verify(&SpaceId::from_bytes([2; 16]), &[key(&honest)]), Err(Error::Signature));
    let elsewhere = UnverifiedCertificate::issue(&other, &SPACE);
    let wrong = [
        UnverifiedCertificate { key: elsewhere.key, ..said.clone() },
        UnverifiedCertificate { identity: elsewhere.identity, ..said.clone() },
        UnverifiedCertificate { recipient: elsewhere.recipient, ..said.clone() },
        UnverifiedCertificate { signature: elsewhere.signature, ..said },
    ];
    for wrong in wrong {
        assert_eq!(wrong.verify(&SPACE, &[key(&honest), key(&other)]), Err(Error::Signature), "{wrong:?}");
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
        assert!(wrong.verify(&SPACE, &[key(&honest)]).is_err(), "{wrong:?}");
    }
}

#[test]
fn a_key_belongs_to_one_identity_and_an_identity_has_one_key() {
    let own = || Certificate::of(&person(1), &SPACE);
    let mut certificates = Certificates::new(own());
    assert_eq!(certificates.of(&key(&person(1))), None, "what is expected was not said yet");
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
    assert_eq!(certificates.of(&key(&person(2))), Some(&other), "what was refused changed nothing");
    assert_eq!(certificates.of(&key(&person(3))), None);
}

/// Record 0 of a space that person 1 founds and person 2 reads.
fn founded() -> Record {
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
        controls: vec![
            Control::Founder(founder.verifying_key()),
            Control::Slot(SlotKeyHash::from_bytes([3; 32])),
            Control::Recovery(None),
            Control::Member { key: key(&person(2)), role: Role::Reader },
            Control::Epoch { epoch: 0, recipient: ObjectId::of(b"recipient") },
            Control::Wrap { epoch: 0, wrap: ObjectId::of(b"wrap"), bytes: 4096 },
        ],
    };
    envelope.sort_controls();
    let signature = founder.sign(envelope.text().unwrap().as_bytes());
    let note = UnverifiedRecord::compose(&envelope, &[(founder.verifying_key(), signature)]).unwrap();
    Chain::begin(note).unwrap().1
}

#[test]
fn a_record_speaks_for_its_signer_and_for_those_it_lets_in() {
    let record = founded();
    let keys = keys_of(&record);
    assert!(keys.contains(&key(&person(1))) && keys.contains(&key(&person(2))) && !keys.contains(&key(&person(3))));
    let mut certificates = Certificates::new(Certificate::of(&person(1), &SPACE));
    for (seed, taken) in [(1, Ok(())), (2, Ok(())), (3, Err(Error::Place))] {
        assert_eq!(certificates.take(&record, &UnverifiedCertificate::issue(&person(seed), &SPACE)), taken);
    }
    let moved = written(&person(2), &SpaceId::from_bytes([2; 16]), key(&person(2)), person(2).identity.recipient());
    assert_eq!(certificates.take(&record, &moved), Err(Error::Signature));
}
