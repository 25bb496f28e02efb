//! What holds for every sealed file, whatever is in it.

use hizo_vault::age::{self, Identity, OpenError, PACK_BYTES, PACK_PLAINTEXT_BYTES, PackBuilder, SealError};
use proptest::prelude::*;

use crate::seeded::Seeded;

const CHUNK_BYTES: usize = 64 << 10;
const SEALED_CHUNK_BYTES: usize = CHUNK_BYTES + 16;
const PREFIX_BYTES: usize = 1_627 + 16;

fn identity(seed: u64) -> Identity {
    Identity::generate(&mut Seeded::new(seed))
}

fn seal_to(readers: &[&Identity], plaintext: &[u8], seed: u64) -> Vec<u8> {
    let recipients: Vec<_> = readers.iter().map(|reader| reader.recipient().clone()).collect();
    age::seal(plaintext, &recipients, &mut Seeded::new(seed)).unwrap()
}

/// Bytes that differ from place to place, so that moved ones are noticed.
fn text(bytes: usize) -> Vec<u8> {
    let mut text = vec![0; bytes];
    blake3::Hasher::new().update(b"text").finalize_xof().fill(&mut text);
    text
}

fn near_chunk_ends() -> impl Strategy<Value = usize> {
    (0_usize..4, -2_isize..=2).prop_map(|(chunks, off)| (chunks * CHUNK_BYTES).saturating_add_signed(off))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, rng_seed: proptest::test_runner::RngSeed::Fixed(1), ..Default::default() })]

    #[test]
    fn whoever_is_sealed_to_opens_and_nobody_else(
        bytes in prop_oneof![0_usize..300, near_chunk_ends(), 0_usize..300_000],
        readers in 1_u64..5,
        seed: u64,
    ) {
        let readers: Vec<_> = (0..readers).map(identity).collect();
        let text = text(bytes);
        let sealed = seal_to(&readers.iter().collect::<Vec<_>>(), &text, seed);
        prop_assert_eq!(sealed.len(), age::sealed_bytes(bytes, readers.len()));
        for reader in &readers {
            prop_assert!(age::open_own(sealed.clone(), reader).as_deref() == Ok(&text));
        }
        prop_assert_eq!(age::open_own(sealed, &identity(99)), Err(OpenError));
    }

    #[test]
    fn a_pack_filled_in_any_pieces_opens_to_all_of_them(pieces in prop::collection::vec(0_usize..200_000, 0..12), seed: u64) {
        let reader = identity(1);
        let text = text(pieces.iter().sum());
        let mut pack = PackBuilder::new();
        let mut rest = text.as_slice();
        for piece in pieces {
            prop_assert_eq!(pack.push(&rest[..piece]), piece);
            rest = &rest[piece..];
        }
        prop_assert_eq!(pack.plaintext_bytes(), text.len());
        let sealed = pack.seal(reader.recipient(), &mut Seeded::new(seed));
        prop_assert_eq!(sealed.len(), age::sealed_bytes(text.len(), 1));
        prop_assert!(age::open_own(sealed, &reader).as_deref() == Ok(&text));
    }

    #[test]
    fn a_file_with_anything_changed_cut_or_added_is_refused(place: prop::sample::Index, bit in 0_u8..8, seed: u64) {
        let reader = identity(1);
        let sealed = seal_to(&[&reader], &text(CHUNK_BYTES + 100), seed);
        let place = place.index(sealed.len());
        let mut flipped = sealed.clone();
        flipped[place] ^= 1 << bit;
        prop_assert_eq!(age::open_own(flipped, &reader), Err(OpenError));
        prop_assert_eq!(age::open_own(sealed[..place].to_vec(), &reader), Err(OpenError));
        let mut without = sealed.clone();
        without.remove(place);
        prop_assert_eq!(age::open_own(without, &reader), Err(OpenError));
        let mut with = sealed;
        with.push(bit);
        prop_assert_eq!(age::open_own(with, &reader), Err(OpenError));
    }
}

#[test]
fn a_full_pack_is_exactly_sixteen_mebibytes_and_takes_no_more() {
    let reader = identity(1);
    let text = text(PACK_PLAINTEXT_BYTES + 5);
    let mut pack = PackBuilder::new();
    assert_eq!(pack.push(&text[..1_000]), 1_000);
    assert!(!pack.is_full());
    assert_eq!(pack.push(&text[1_000..]), PACK_PLAINTEXT_BYTES - 1_000);
    assert!(pack.is_full());
    assert_eq!(pack.push(&text), 0);
    let sealed = pack.seal(reader.recipient(), &mut Seeded::new(1));
    assert_eq!(sealed.len(), PACK_BYTES);
    assert!(age::open_own(sealed, &reader).unwrap() == text[..PACK_PLAINTEXT_BYTES]);
}

#[test]
fn an_empty_pack_opens_to_nothing() {
    let reader = identity(1);
    let sealed = PackBuilder::new().seal(reader.recipient(), &mut Seeded::new(1));
    assert_eq!(sealed.len(), age::sealed_bytes(0, 1));
    assert_eq!(age::open_own(sealed, &reader), Ok(vec![]));
}

#[test]
fn every_flipped_bit_of_a_wrap_is_refused_with_one_kind_of_error() {
    let (reader, epoch) = (identity(1), identity(2));
    let wrap = seal_to(&[&reader], epoch.to_secret_line().as_bytes(), 3);
    assert!(age::open_own(wrap.clone(), &reader).is_ok());
    for place in 0..wrap.len() {
        for bit in 0..8 {
            let mut flipped = wrap.clone();
            flipped[place] ^= 1 << bit;
            assert_eq!(age::open_own(flipped, &reader), Err(OpenError), "byte {place}, bit {bit}");
        }
    }
}

#[test]
fn chunks_in_another_order_twice_or_left_out_are_refused() {
    let reader = identity(1);
    let sealed = seal_to(&[&reader], &text(4 * CHUNK_BYTES), 1);
    let (prefix, chunks) = sealed.split_at(PREFIX_BYTES);
    let chunks: Vec<_> = chunks.chunks(SEALED_CHUNK_BYTES).collect();
    let file =
        |order: &[usize]| [&[prefix], &*order.iter().map(|place| chunks[*place]).collect::<Vec<_>>()].concat().concat();
    assert!(age::open_own(file(&[0, 1, 2, 3]), &reader).is_ok());
    let mut refused = 0;
    for code in 0..4_usize.pow(4) {
        let order = [code % 4, code / 4 % 4, code / 16 % 4, code / 64];
        for shorter in 0..=4 {
            if order[..shorter] != [0, 1, 2, 3] {
                assert_eq!(age::open_own(file(&order[..shorter]), &reader), Err(OpenError), "{:?}", &order[..shorter]);
                refused += 1;
            }
        }
    }
    assert_eq!(refused, 5 * 256 - 1);
}

#[test]
fn a_random_source_that_repeats_never_repeats_a_key_over_two_plaintexts() {
    let reader = identity(1);
    let [one, two] = ["one", "two"].map(|text| seal_to(&[&reader], text.as_bytes(), 7));
    let enc = |file: &[u8]| file[40..1_534].to_vec();
    let nonce = |file: &[u8]| file[1_627..1_643].to_vec();
    assert_ne!(enc(&one), enc(&two), "the encapsulation repeats");
    assert_ne!(nonce(&one), nonce(&two), "the nonce repeats");
    // The same key and nonce would show the exclusive or of the two texts.
    let difference: Vec<u8> = one[1_643..1_646].iter().zip(&two[1_643..1_646]).map(|(a, b)| a ^ b).collect();
    assert_ne!(difference, [b'o' ^ b't', b'n' ^ b'w', b'e' ^ b'o'], "the key stream repeats");
}

#[test]
fn nothing_is_sealed_to_nobody_to_too_many_or_past_the_size_of_an_object() {
    let reader = identity(1);
    let seal = |bytes: usize, readers: usize| {
        let recipients = vec![reader.recipient().clone(); readers];
        age::seal(&vec![0; bytes], &recipients, &mut Seeded::new(1)).map(|file| file.len())
    };
    assert_eq!(seal(1, 0), Err(SealError::Recipients(0)));
    assert_eq!(seal(1, age::RECIPIENTS_MAX + 1), Err(SealError::Recipients(2_049)));
    assert_eq!(seal(PACK_PLAINTEXT_BYTES, 1), Ok(PACK_BYTES));
    assert_eq!(seal(PACK_PLAINTEXT_BYTES + 1, 1), Err(SealError::TooLarge(PACK_BYTES + 1)));
}

#[test]
fn a_recipient_reads_back_from_its_own_text_and_from_nothing_else() {
    let recipient = identity(1).recipient().clone();
    let text = recipient.to_string();
    assert_eq!(text.len(), 1_959);
    assert_eq!(text.parse(), Ok(recipient));
    let mut wrong = vec![
        String::new(),
        text.to_uppercase(),
        format!(" {text}"),
        format!("{text}\n"),
        text[..1_958].to_owned(),
        format!("{text}q"),
        text.replace("age1pq", "age1pp"),
        text.replacen('q', "Q", 1),
        identity(1).to_secret_line().to_string(),
        "age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj".to_owned(),
    ];
    for place in (7..text.len()).step_by(13) {
        let other = if text.as_bytes()[place] == b'q' { "p" } else { "q" };
        wrong.push(format!("{}{other}{}", &text[..place], &text[place + 1..]));
    }
    for text in wrong {
        assert!(text.parse::<age::Recipient>().is_err(), "{text:?} was read as a recipient");
    }
}

#[test]
fn a_key_that_its_owner_could_not_have_made_is_no_recipient() {
    let good = *identity(1).recipient().as_bytes();
    assert!(age::Recipient::from_bytes(&good).is_ok());
    let with = |place: usize, bytes: &[u8]| {
        let mut changed = good;
        changed[place..place + bytes.len()].copy_from_slice(bytes);
        age::Recipient::from_bytes(&changed)
    };
    // 3,329 is not below the modulus: FIPS 203 has such a key refused.
    assert!(with(0, &[0x01, 0x0d]).is_err(), "a coefficient of 3,329 was taken");
    assert!(with(0, &[0xff, 0xff, 0xff]).is_err(), "a coefficient of 4,095 was taken");
    let low_order = [
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
        "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    ];
    for share in low_order {
        assert!(with(1_184, &hex::decode(share).unwrap()).is_err(), "the share {share} was taken");
    }
}

#[test]
fn an_identity_reads_back_from_its_own_line_and_prints_nothing() {
    let identity = identity(1);
    let line = identity.to_secret_line();
    let back = Identity::parse(&line).unwrap();
    assert_eq!((back.seed(), back.recipient()), (identity.seed(), identity.recipient()));
    assert_eq!(format!("{identity:?}"), "Identity");
    let wrong = [
        line.to_lowercase(),
        format!("{}\n", *line),
        format!(" {}", *line),
        line[..line.len() - 1].to_owned(),
        line.replace("-PQ-", "-"),
        identity.recipient().to_string(),
        "AGE-SECRET-KEY-1EGTZVFFV20835NWYV6270LXYVK2VKNX2MMDKWYKLMGR48UAWX40Q2P2LM0".to_owned(),
    ];
    for text in wrong {
        assert!(Identity::parse(&text).is_err(), "{text:?} was read as an identity");
    }
}

#[test]
fn a_public_example_of_the_specification_reads_back() {
    // The identity and the start of its recipient stand in C2SP's age specification.
    let line = "AGE-SECRET-KEY-PQ-1XX76JRALNLXDMEW0CRK45QMCCH4X06SE84UN3VPM33W6HWDX0H3SK3ZQFR";
    let recipient = Identity::parse(line).unwrap().recipient().to_string();
    assert!(
        recipient.starts_with("age1pq1x34nzsvr0rxjsgdn8zgyhfe8j7ceq5r9rdelkjuh3y235jzxshfg87pzf5zrqtzdxz95paef6ca")
    );
    assert!(recipient.ends_with("ty7saeq0d3fzv49zc0k"));
}
