//! Laws that hold for every stamp.

use hizo_ledger::timestamp::{
    Accuracy, Authority, DigestAlgorithm, Error, Expected, Imprint, Info, Moment, Nonce, Oid, Request, Serial, Token,
    UnverifiedToken, parse_response,
};
use proptest::prelude::*;
use proptest::sample::select;

use super::forge::{Forge, data, info, list, nonce};
use super::vectors::{Against, vectors};

fn meaning(token: &Token) -> (&Info, &str, &[Vec<u8>]) {
    (token.info(), token.subject(), token.chain())
}

#[test]
fn any_flipped_byte_of_a_token_is_refused_or_changes_nothing() {
    let authorities = list("test");
    let (data, nonce) = (data(), nonce());
    let expected = Expected { data: &data, nonce: Some(&nonce), certificates: &[], authorities: &authorities };
    let whole = Forge::new(&info()).token();
    let right = UnverifiedToken::parse(&whole).unwrap().verify(&expected).unwrap();
    let mut bytes = whole.clone();
    let mut unnoticed = 0;
    for place in 0..bytes.len() {
        for mask in [0x01, 0x20, 0x80] {
            bytes[place] ^= mask;
            if let Ok(token) = UnverifiedToken::parse(&bytes).and_then(|token| token.verify(&expected)) {
                assert_eq!(meaning(&token), meaning(&right), "byte {place} flipped by {mask:#x}");
                unnoticed += 1;
            }
            bytes[place] ^= mask;
        }
    }
    // Everything in this token is signed, or bound by what is.
    assert_eq!(unnoticed, 0);
}

#[test]
fn any_flipped_byte_of_an_accepted_answer_is_refused_or_changes_nothing() {
    let mut accepted = 0;
    for vector in vectors() {
        let against = Against::of(&vector);
        let Ok(right) = against.judge(&vector.bytes) else { continue };
        accepted += 1;
        let mut bytes = vector.bytes.clone();
        // One flip for each byte, by a mask that depends on the place.
        for place in 0..bytes.len() {
            bytes[place] ^= 1 << (place % 8);
            if let Ok(token) = against.judge(&bytes) {
                assert_eq!(meaning(&token), meaning(&right), "{}: byte {place}", vector.name);
            }
            bytes[place] = vector.bytes[place];
        }
    }
    assert!(accepted > 20);
}

#[test]
fn every_cut_of_a_token_is_refused() {
    let whole = Forge::new(&info()).token();
    assert!((0..whole.len()).all(|end| UnverifiedToken::parse(&whole[..end]).is_err()));
}

fn moment() -> impl Strategy<Value = Moment> {
    (0..253_402_300_799_u64, 0..1_000_000_000_u32)
        .prop_map(|(seconds, nanos)| Moment::from_unix(seconds, nanos).unwrap())
}

fn policy() -> impl Strategy<Value = Oid> {
    (0..40_u128, prop::collection::vec(any::<u128>(), 0..3)).prop_map(|(second, arcs)| {
        let text = arcs.iter().fold(format!("2.{second}"), |text, arc| format!("{text}.{arc}"));
        Oid::parse(&text).unwrap()
    })
}

fn imprint() -> impl Strategy<Value = Imprint> {
    (select(DigestAlgorithm::ALL.to_vec()), any::<[u8; 8]>())
        .prop_map(|(algorithm, data)| Imprint::of(algorithm, &data))
}

proptest! {
    #[test]
    fn what_a_stamp_says_is_read_as_it_was_written(
        (policy, imprint, serial, time) in (policy(), imprint(), any::<[u8; 16]>(), moment()),
        accuracy in prop::option::of((any::<u32>(), 0..1000_u16, 0..1000_u16)),
        ordering in any::<bool>(),
        nonce in prop::option::of(any::<[u8; 16]>()),
    ) {
        let accuracy = accuracy.map(|(seconds, millis, micros)| Accuracy { seconds, millis, micros });
        let (serial, nonce) = (Serial::from_random(serial), nonce.map(Nonce::from_random));
        let info = Info { policy, imprint, serial, time, accuracy, ordering, nonce };
        let token = UnverifiedToken::parse(&Forge::new(&info).token()).unwrap();
        prop_assert_eq!(token.claims(), &info);
        prop_assert!(info.latest() >= info.time);
    }

    #[test]
    fn a_request_is_read_as_it_was_written(
        imprint in imprint(),
        policy in prop::option::of(policy()),
        nonce in prop::option::of(any::<[u8; 16]>()),
        certificates in any::<bool>(),
    ) {
        let request = Request { imprint, policy, nonce: nonce.map(Nonce::from_random), certificates };
        prop_assert_eq!(Request::parse(&request.to_der()), Ok(request));
    }

    #[test]
    fn bytes_from_anywhere_are_refused_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(parse_response(&bytes).is_err());
        prop_assert!(UnverifiedToken::parse(&bytes).is_err());
        prop_assert!(Request::parse(&bytes).is_err());
        prop_assert!(Authority::new("any", &[bytes]).is_err());
    }
}

#[test]
fn a_request_of_another_form_is_refused() {
    let request = Request {
        imprint: Imprint::of(DigestAlgorithm::Sha256, b"data"),
        policy: None,
        nonce: None,
        certificates: true,
    };
    let right = request.to_der();
    assert_eq!(Request::parse(&vec![0x30; 5000]).err(), Some(Error::TooLong));
    assert!((0..right.len()).all(|end| Request::parse(&right[..end]).is_err()));
    let mut version = right.clone();
    version[4] = 2;
    assert_eq!(Request::parse(&version).err(), Some(Error::Version));
    let mut sha1 = right;
    // The last byte of the hash function's name.
    let place = sha1.windows(3).position(|window| window == [4, 2, 1]).unwrap() + 2;
    sha1[place] = 9;
    assert_eq!(Request::parse(&sha1).err(), Some(Error::Digest));
}
