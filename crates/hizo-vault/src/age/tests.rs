//! What only the inside of the container can show: equal secrets, forged chunks, and the stage that refuses.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects)]

mod two_keys;

use super::*;
use header::NewStanza;
use hybrid::ENCAPSULATION_BYTES;
use passphrase::Passphrase;

/// Bytes that a seed decides. Nothing outside tests can be seeded.
struct Seeded(blake3::OutputReader);

impl Seeded {
    fn new(seed: u64) -> Self {
        Self(blake3::Hasher::new().update(&seed.to_be_bytes()).finalize_xof())
    }
}

impl Entropy for Seeded {
    fn fill(&mut self, out: &mut [u8]) {
        self.0.fill(out);
    }
}

fn identity(seed: u64) -> Identity {
    Identity::generate(&mut Seeded::new(seed))
}

fn file_key(seed: u64) -> FileKey {
    let mut entropy = Seeded::new(seed);
    FileKey((&mut entropy as &mut dyn Entropy).draw())
}

fn stanza_to(identity: &Identity, file_key: &FileKey) -> NewStanza {
    identity.recipient().wrap(file_key, &[7; ENCAPSULATION_BYTES])
}

fn file_of(stanzas: &[NewStanza], file_key: &FileKey) -> Vec<u8> {
    let mut file = header::compose(stanzas, file_key);
    append_payload(&mut file, b"text", file_key, &[3; NONCE_BYTES]);
    file
}

fn fault(file: &[u8], key: &dyn Unwrap) -> Option<Fault> {
    open_in_place(&mut file.to_vec(), key).err()
}

#[test]
fn the_hybrid_key_agrees_with_another_implementation_in_both_directions() {
    use x_wing::{Decapsulate, Decapsulator, KeyExport};
    for seed in 0..20 {
        let ours = identity(seed);
        let theirs = x_wing::DecapsulationKey::from(*ours.seed());
        assert_eq!(ours.recipient().as_bytes(), &theirs.encapsulation_key().to_bytes().0);

        let mut randomness = [0; ENCAPSULATION_BYTES];
        Seeded::new(seed + 100).fill(&mut randomness);
        let (enc, shared) = theirs.encapsulation_key().encapsulate_deterministic(&randomness.into());
        let stanza = ours.recipient().wrap(&file_key(1), &randomness);
        let written: [u8; 1120] = header::decode_exact(stanza.arguments.split_once(' ').unwrap().1).unwrap();
        assert_eq!(written, enc.0, "the encapsulated key differs");
        assert_eq!(theirs.decapsulate(&written.into()), shared);

        let parsed = [Stanza { arguments: stanza.arguments.split(' ').collect(), body: stanza.body.clone() }];
        let opened = ours.unwrap(&parsed).unwrap().unwrap();
        assert_eq!(opened.0, file_key(1).0, "what was wrapped does not come back");
    }
}

#[test]
fn sizes_are_those_of_the_specification() {
    assert_eq!(header::hybrid_header_bytes(1), 1_627);
    assert_eq!(HEADER_BYTES_MAX, 70 + 2_048 * 1_557);
    assert_eq!(PACK_PLAINTEXT_BYTES, 16_771_477);
    assert_eq!(sealed_bytes(PACK_PLAINTEXT_BYTES, 1), PACK_BYTES);
    assert_eq!([0, 1, 65_536, 65_537].map(stream::sealed_bytes), [16, 17, 65_552, 65_569]);
}

#[test]
fn a_repeated_random_source_gives_fresh_secrets_for_every_plaintext_and_every_reader() {
    let readers = [identity(1).recipient().clone(), identity(2).recipient().clone()];
    let draw = |recipients: &[Recipient], plaintext: &[u8]| {
        let mut hedge = Hedge::new(recipients, &mut Seeded::new(9));
        hedge.update(plaintext);
        let mut drawn = hedge.finish();
        (*drawn.file_key.0, drawn.nonce, *drawn.encapsulation(), *drawn.encapsulation())
    };
    let inputs: [(&[Recipient], &[u8]); 6] = [
        (&readers[..1], b"one"),
        (&readers[..1], b"two"),
        (&readers[..1], b""),
        (&readers[1..], b"one"),
        (&readers, b"one"),
        (&[], b"one"),
    ];
    let drawn = inputs.map(|(recipients, plaintext)| draw(recipients, plaintext));
    for (place, one) in drawn.iter().enumerate() {
        assert_eq!(one, &draw(inputs[place].0, inputs[place].1), "sealing cannot be repeated from its vector");
        assert_ne!(one.2, one.3, "two stanzas of one file share their randomness");
        for other in &drawn[place + 1..] {
            assert!(one.0 != other.0 && one.1 != other.1 && one.2 != other.2, "a secret repeats");
        }
    }
}

#[test]
fn a_plaintext_in_pieces_draws_the_same_secrets_as_in_one() {
    let plaintext: Vec<u8> = (0..200_000_u32).map(|place| (place % 251) as u8).collect();
    let reader = identity(1);
    let whole = seal(&plaintext, std::slice::from_ref(reader.recipient()), &mut Seeded::new(5)).unwrap();
    let mut pack = PackBuilder::new();
    for piece in plaintext.chunks(4_099) {
        assert_eq!(pack.push(piece), piece.len());
    }
    assert!(pack.seal(reader.recipient(), &mut Seeded::new(5)) == whole);
}

#[test]
fn every_flipped_bit_of_a_passphrase_file_is_refused_with_one_kind_of_error() {
    let sealed = seal_passphrase(b"secret", "pass", WorkFactor::LEAST, &mut Seeded::new(1)).unwrap().into_bytes();
    assert_eq!(open_own_passphrase(sealed.clone(), "pass").unwrap(), b"secret");
    for place in 0..sealed.len() {
        for bit in 0..8 {
            let mut flipped = sealed.clone();
            flipped[place] ^= 1 << bit;
            assert_eq!(open_own_passphrase(flipped, "pass"), Err(OpenError), "byte {place}, bit {bit}");
        }
    }
    let file = armor::parse(&sealed).unwrap();
    for place in 0..file.len() {
        let mut flipped = file.clone();
        flipped[place] ^= 1;
        assert_eq!(open_own_passphrase(flipped, "pass"), Err(OpenError), "byte {place} before armor");
    }
    assert_eq!(open_own_passphrase(sealed, "Pass"), Err(OpenError));
}

#[test]
fn a_work_factor_is_read_only_as_it_is_written_and_only_up_to_the_limit() {
    let key = file_key(1);
    let stanza = |log_n: &str| {
        let mut stanza = passphrase::wrap(&key, "pass", WorkFactor::LEAST, &[0; 16]);
        stanza.arguments.truncate(stanza.arguments.len() - 1);
        stanza.arguments.push_str(log_n);
        file_of(&[stanza], &key)
    };
    assert_eq!(fault(&stanza("1"), &Passphrase::new("pass")), None);
    for wrong in ["0", "01", "+1", "-1", "0x1", "21", "64", "256", "257", "4294967297", "1.0", "१"] {
        assert_eq!(fault(&stanza(wrong), &Passphrase::new("pass")), Some(Fault::Header), "{wrong:?} was accepted");
    }
}

#[test]
fn what_comes_from_a_keeper_has_hybrid_stanzas_only() {
    let (reader, other) = (identity(1), identity(2));
    let key = file_key(1);
    let unknown = || NewStanza { arguments: "X25519 abc".into(), body: vec![1; 32] };
    let alone = file_of(&[stanza_to(&reader, &key)], &key);
    let with_other = file_of(&[stanza_to(&other, &key), stanza_to(&reader, &key)], &key);
    let mixed = file_of(&[stanza_to(&reader, &key), unknown()], &key);
    let greased =
        file_of(&[NewStanza { arguments: "abc-grease".into(), body: vec![] }, stanza_to(&reader, &key)], &key);
    for (file, kept) in [(alone, true), (with_other, true), (mixed, false), (greased, false)] {
        assert_eq!(fault(&file, &reader), None);
        assert_eq!(open_profile(file, &reader).is_ok(), kept);
    }
}

#[test]
fn a_stanza_of_the_wrong_form_is_refused_even_beside_a_good_one() {
    let reader = identity(1);
    let key = file_key(1);
    let good = || stanza_to(&reader, &key);
    let enc = good().arguments.split_once(' ').unwrap().1.to_owned();
    let shape = |arguments: String, body: Vec<u8>| NewStanza { arguments, body };
    let mut low_order = [0; 1120];
    low_order[1088] = 1;
    let wrong = [
        shape("mlkem768x25519".into(), good().body),
        shape(format!("mlkem768x25519 {enc} {enc}"), good().body),
        shape(format!("mlkem768x25519 {}", &enc[..1490]), good().body),
        shape(format!("mlkem768x25519 {enc}AAAA"), good().body),
        shape(format!("mlkem768x25519 {}B", &enc[..1493]), good().body),
        shape(format!("mlkem768x25519 {enc}=="), good().body),
        shape(good().arguments, good().body[..31].to_vec()),
        shape(good().arguments, [good().body, vec![0]].concat()),
        shape(format!("mlkem768x25519 {}", header::encode(&[0; 1120])), good().body),
        shape(format!("mlkem768x25519 {}", header::encode(&low_order)), good().body),
    ];
    for (case, stanza) in wrong.into_iter().enumerate() {
        let file = file_of(&[stanza, good()], &key);
        assert_eq!(fault(&file, &reader), Some(Fault::Header), "case {case} was tried");
    }
}

#[test]
fn a_header_without_end_or_with_too_many_stanzas_is_refused() {
    let reader = identity(1);
    let key = file_key(1);
    let small = || NewStanza { arguments: "a".into(), body: vec![] };
    let mut many: Vec<_> = (1..RECIPIENTS_MAX).map(|_| small()).collect();
    many.push(stanza_to(&reader, &key));
    assert_eq!(fault(&file_of(&many, &key), &reader), None);
    many.insert(0, small());
    assert_eq!(fault(&file_of(&many, &key), &reader), Some(Fault::Header));

    let mut endless = b"age-encryption.org/v1\n-> ".to_vec();
    endless.resize(PACK_BYTES, b'a');
    assert_eq!(fault(&endless, &reader), Some(Fault::Header));
    assert_eq!(fault(b"age-encryption.org/v1\n", &reader), Some(Fault::Header));
    assert_eq!(fault(&header::compose(&[], &key), &reader), Some(Fault::Header));
}

#[test]
fn a_header_changed_by_someone_who_knows_no_key_is_refused() {
    let (reader, other) = (identity(1), identity(2));
    let key = file_key(1);
    let ours = file_of(&[stanza_to(&reader, &key)], &key);
    let theirs = file_of(&[stanza_to(&reader, &key), stanza_to(&other, &file_key(2))], &file_key(2));
    let (mark, extra) = (ours.windows(3).position(|three| three == b"---").unwrap(), &theirs[1_579..3_136]);
    let added = [&ours[..mark], extra, &ours[mark..]].concat();
    assert_eq!(fault(&added, &reader), Some(Fault::Mac));
    assert_eq!(fault(&ours, &other), Some(Fault::NoMatch));
}
