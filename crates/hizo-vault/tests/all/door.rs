//! From a record to what lies under it: the one way in which bytes from a keeper reach a key.

use hizo_ledger::id::{ObjectId, SlotKeyHash, SpaceId};
use hizo_ledger::object::ObjectRef;
use hizo_ledger::record::{ClaimedTime, Control, Envelope, Origin, Record, UnverifiedRecord};
use hizo_ledger::space::Chain;
use hizo_vault::age::{self, Identity, OpenError, Recipient};
use hizo_vault::keys::IdentityFile;

use crate::seeded::Seeded;

struct Kept {
    owner: IdentityFile,
    epoch: Identity,
    record: Record,
    recipient: Vec<u8>,
    wrap: Vec<u8>,
    body: Vec<u8>,
}

/// A space of one record: its epoch wrapped to the founder, its body sealed to the epoch.
fn kept() -> Kept {
    let mut entropy = Seeded::new(1);
    let owner = IdentityFile::generate(&mut entropy);
    let epoch = Identity::generate(&mut entropy);
    let recipient = epoch.recipient().to_string().into_bytes();
    let wrap =
        age::seal(epoch.to_secret_line().as_bytes(), &[owner.identity.recipient().clone()], &mut entropy).unwrap();
    let body = age::seal(b"{}", &[epoch.recipient().clone()], &mut entropy).unwrap();
    let space = SpaceId::from_bytes([1; 16]);
    let key = owner.signing_seed.space_key(&space);
    let mut envelope = Envelope {
        keeper: Origin::local([2; 16]),
        space,
        number: 0,
        prev: None,
        epoch: 0,
        time: ClaimedTime::from_unix_seconds(1_809_335_564).unwrap(),
        seen: None,
        body: Some((ObjectId::of(&body), body.len() as u64)),
        deposit: None,
        controls: vec![
            Control::Founder(key.verifying_key()),
            Control::Slot(SlotKeyHash::from_bytes([3; 32])),
            Control::Recovery(None),
            Control::Epoch { epoch: 0, recipient: ObjectId::of(&recipient) },
            Control::Wrap { epoch: 0, wrap: ObjectId::of(&wrap), bytes: wrap.len() as u64 },
        ],
    };
    envelope.sort_controls();
    let signature = key.sign(envelope.text().unwrap().as_bytes());
    let note = UnverifiedRecord::compose(&envelope, &[(key.verifying_key(), signature)]).unwrap();
    let (_, record) = Chain::begin(note).unwrap();
    Kept { owner, epoch, record, recipient, wrap, body }
}

impl Kept {
    fn wrap_named(&self) -> ObjectRef {
        self.record.wraps().next().unwrap().1
    }
}

#[test]
fn a_verified_record_leads_to_the_epoch_and_to_the_body() {
    let kept = kept();
    let wrap = kept.wrap_named().verify(kept.wrap.clone()).unwrap();
    let line = String::from_utf8(age::open(wrap, &kept.owner.identity).unwrap()).unwrap();
    let epoch = Identity::parse(&line).unwrap();
    let named = kept.record.recipient().unwrap().verify(kept.recipient.clone()).unwrap();
    let in_chain: Recipient = std::str::from_utf8(named.as_bytes()).unwrap().parse().unwrap();
    assert_eq!(epoch.recipient(), &in_chain);
    let body = kept.record.body_object().unwrap().verify(kept.body.clone()).unwrap();
    assert_eq!(age::open(body, &epoch).unwrap(), b"{}");
}

#[test]
fn bytes_that_no_record_names_never_reach_a_key() {
    let kept = kept();
    let named = kept.wrap_named();
    let another = age::seal(b"chosen by a keeper", &[kept.owner.identity.recipient().clone()], &mut Seeded::new(2));
    assert!(named.verify(another.unwrap()).is_err());
    assert!(named.verify(kept.body.clone()).is_err());
    assert!(named.verify([kept.wrap.as_slice(), b"\n"].concat()).is_err());
    for place in 0..kept.wrap.len() {
        let mut flipped = kept.wrap.clone();
        flipped[place] ^= 1;
        assert!(named.verify(flipped).is_err(), "byte {place}");
    }
}

#[test]
fn a_record_does_not_open_what_is_sealed_to_somebody_else() {
    let kept = kept();
    let wrap = || kept.wrap_named().verify(kept.wrap.clone()).unwrap();
    assert_eq!(age::open(wrap(), &kept.epoch), Err(OpenError));
    let body = kept.record.body_object().unwrap().verify(kept.body.clone()).unwrap();
    assert_eq!(age::open(body, &kept.owner.identity), Err(OpenError));
}
