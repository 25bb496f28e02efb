//! Laws of the commitment: order is nothing, every byte is something.

use hizo_vault::commit::{Commitment, Fields, Opening, Seed, verify};
use proptest::{collection, prelude::*, sample::Index};

use crate::{
    commit::{Sample, SampleKind, commit, deposit, open},
    seeded::Seeded,
};

fn fields() -> impl Strategy<Value = Fields> {
    any::<[bool; 3]>().prop_map(|[content, name, meta]| Fields { content, name, meta })
}

fn changed(mut sample: Sample, what: u8) -> Sample {
    match what % 5 {
        0 => sample.name.push(b'x'),
        1 => sample.mode ^= 1,
        2 => sample.mtime_ns ^= 1,
        3 => sample.kind = SampleKind::Symlink { target: vec![what] },
        _ => sample.id = hizo_vault::commit::EntryId::from_bytes([what; 16]),
    }
    sample
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_order_of_adding_is_nothing(count in 0..40_usize, seed in any::<[u8; 32]>(), order in any::<u64>()) {
        let seed = Seed::from_bytes(seed);
        let samples = deposit(&mut Seeded::new(order), count);
        let mut shuffled = samples.clone();
        shuffled.sort_by_key(|sample| blake3::hash(&[&order.to_be_bytes(), sample.name.as_slice()].concat()).to_hex());
        prop_assert_eq!(commit(&seed, &shuffled).unwrap(), commit(&seed, &samples).unwrap());
    }

    #[test]
    fn every_change_of_an_entry_changes_both_commitments(
        count in 1..30_usize, which in any::<Index>(), what in any::<u8>(), number in any::<u64>(),
    ) {
        let seed = Seed::from_bytes([9; 32]);
        let samples = deposit(&mut Seeded::new(number), count);
        let mut other = samples.clone();
        let which = which.index(count);
        other[which] = changed(other[which].clone(), what);
        let (here, there) = (commit(&seed, &samples).unwrap(), commit(&seed, &other).unwrap());
        prop_assert_ne!(here.sha256, there.sha256);
        prop_assert_ne!(here.blake3, there.blake3);
        let fewer = commit(&seed, &samples[1..]).unwrap();
        prop_assert_ne!(here.sha256, fewer.sha256);
        prop_assert_ne!(here.blake3, fewer.blake3);
    }

    #[test]
    fn a_flipped_bit_of_an_opening_is_refused(
        count in 1..30_usize, which in any::<Index>(), fields in fields(), byte in any::<Index>(), bit in 0..8_u8,
    ) {
        let seed = Seed::from_bytes([3; 32]);
        let samples = deposit(&mut Seeded::new(7), count);
        let commitment = commit(&seed, &samples).unwrap();
        let opening = open(&seed, &samples, &[(which.index(count), fields)]).remove(0);
        prop_assert!(verify(&commitment, std::slice::from_ref(&opening)).is_ok());
        let mut bytes = opening.to_bytes();
        let byte = byte.index(bytes.len());
        bytes[byte] ^= 1 << bit;
        prop_assert!(refused(&commitment, &bytes));
    }

    #[test]
    fn an_opening_has_one_form(bytes in collection::vec(any::<u8>(), 0..1500), count in 1..20_usize) {
        let foreign = [b"hizo-opening/v1\n".as_slice(), &bytes].concat();
        if let Ok(opening) = Opening::parse(&foreign) {
            prop_assert_eq!(opening.to_bytes(), foreign);
        }
        let seed = Seed::from_bytes([4; 32]);
        let samples = deposit(&mut Seeded::new(8), count);
        let good = open(&seed, &samples, &[(0, Fields::ALL)]).remove(0).to_bytes();
        prop_assert!(Opening::parse(&[good.as_slice(), &[0]].concat()).is_err());
        prop_assert!(Opening::parse(&good[..good.len() - 1]).is_err());
    }
}

fn refused(commitment: &Commitment, bytes: &[u8]) -> bool {
    Opening::parse(bytes).and_then(|opening| verify(commitment, &[opening])).is_err()
}

#[test]
fn every_flipped_byte_of_one_opening_is_refused() {
    let seed = Seed::from_bytes([5; 32]);
    let samples = deposit(&mut Seeded::new(9), 10);
    let commitment = commit(&seed, &samples).unwrap();
    for fields in [Fields::ALL, Fields { content: true, ..Fields::default() }, Fields::default()] {
        let bytes = open(&seed, &samples, &[(4, fields)]).remove(0).to_bytes();
        for (byte, change) in (0..bytes.len()).flat_map(|byte| [1, 0x80, 0xff].map(|change| (byte, change))) {
            let mut changed = bytes.clone();
            changed[byte] ^= change;
            assert!(refused(&commitment, &changed), "byte {byte} changed by {change:#x}");
        }
    }
}
