//! A24: one ciphertext that opens under two file keys, made by whoever seals it, to show two readers two things.
//!
//! The cipher alone allows it: with both keys known, one block can be solved for so that both tags agree. The header MAC
//! does not: it holds under one file key only.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use super::*;

const NONCE: [u8; NONCE_BYTES] = [3; NONCE_BYTES];
/// The payload's only chunk: two blocks, and a tag.
const TEXT_BYTES: usize = 32;

#[test]
fn a_file_made_to_open_under_two_keys_opens_under_one_only() {
    let (alice, bob) = (identity(1), identity(2));
    let (for_alice, for_bob) = (file_key(11), file_key(12));
    let chunk = chunk_for_both(&for_alice, &for_bob);

    let texts = [&for_alice, &for_bob].map(|key| {
        let mut room = chunk.clone();
        let text_bytes = Payload::new(key, &NONCE).open_chunk(0, true, &mut room, 0).unwrap();
        room[..text_bytes].to_vec()
    });
    assert_ne!(texts[0], texts[1], "the attack is not played: without the header it must succeed");

    let stanzas = || [stanza_to(&alice, &for_alice), stanza_to(&bob, &for_bob)];
    for (committed, opens, refused) in [(&for_alice, &alice, &bob), (&for_bob, &bob, &alice)] {
        let file = [header::compose(&stanzas(), committed), NONCE.to_vec(), chunk.clone()].concat();
        assert_eq!(fault(&file, opens), None);
        assert_eq!(fault(&file, refused), Some(Fault::Mac));
        assert_eq!(open_own(file, refused), Err(OpenError));
    }
}

/// A sealed chunk whose tag holds under both payload keys.
fn chunk_for_both(one: &FileKey, other: &FileKey) -> Vec<u8> {
    let [(r1, s1), (r2, s2)] = [one, other].map(|key| poly1305_key(&payload_key(key)));
    let (r1_2, r2_2) = (mul(r1, r1), mul(r2, r2));
    let (r1_3, r2_3) = (mul(r1_2, r1), mul(r2_2, r2));
    let lengths = block(u128::from(TEXT_BYTES as u64) << 64);
    let divisor = inverse(sub(r1_2, r2_2));
    for first in 0_u128.. {
        let fixed = |r_3, r| add(mul(block(first), r_3), mul(lengths, r));
        // Tags are taken modulo 2^128, sums modulo 2^130 - 5: the carry between the two is guessed.
        for carry in 0..4_u64 {
            let wanted = sub(add([s2 as u64, (s2 >> 64) as u64, 0], [0, 0, carry]), [s1 as u64, (s1 >> 64) as u64, 0]);
            let solved = mul(sub(wanted, sub(fixed(r1_3, r1), fixed(r2_3, r2))), divisor);
            if solved[2] != 1 {
                continue;
            }
            let second = u128::from(solved[0]) | u128::from(solved[1]) << 64;
            let tag = |r_3, r_2, r, s: u128| low(add(fixed(r_3, r), mul(block(second), r_2))).wrapping_add(s);
            if tag(r1_3, r1_2, r1, s1) == tag(r2_3, r2_2, r2, s2) {
                let tag = tag(r1_3, r1_2, r1, s1);
                return [first, second, tag].map(u128::to_le_bytes).concat();
            }
        }
    }
    unreachable!("about one block in four can be solved for")
}

fn payload_key(file_key: &FileKey) -> [u8; 32] {
    let mut key = [0; 32];
    hkdf::Hkdf::<sha2::Sha256>::new(Some(&NONCE), file_key.0.as_ref()).expand(b"payload", &mut key).unwrap();
    key
}

/// The one-time key of the first and last chunk (RFC 8439, 2.6).
fn poly1305_key(key: &[u8; 32]) -> (Num, u128) {
    let mut nonce = [0; 12];
    nonce[11] = 1;
    let block = chacha20_block(key, &nonce);
    let r = u128::from_le_bytes(block[..16].try_into().unwrap()) & 0x0fff_fffc_0fff_fffc_0fff_fffc_0fff_ffff;
    ([r as u64, (r >> 64) as u64, 0], u128::from_le_bytes(block[16..32].try_into().unwrap()))
}

/// RFC 8439, 2.3, with counter zero.
fn chacha20_block(key: &[u8; 32], nonce: &[u8; 12]) -> [u8; 64] {
    let mut start = [0; 16];
    let input = [b"expand 32-byte k".as_slice(), key, &[0; 4], nonce].concat();
    for (word, bytes) in start.iter_mut().zip(input.chunks(4)) {
        *word = u32::from_le_bytes(bytes.try_into().unwrap());
    }
    let mut state = start;
    for _ in 0..10 {
        for column in 0..4 {
            quarter(&mut state, [column, column + 4, column + 8, column + 12]);
        }
        for column in 0..4 {
            quarter(&mut state, [column, (column + 1) % 4 + 4, (column + 2) % 4 + 8, (column + 3) % 4 + 12]);
        }
    }
    let mut out = [0; 64];
    for (place, bytes) in out.chunks_mut(4).enumerate() {
        bytes.copy_from_slice(&state[place].wrapping_add(start[place]).to_le_bytes());
    }
    out
}

fn quarter(state: &mut [u32; 16], [a, b, c, d]: [usize; 4]) {
    for (to, from, turned, by) in [(a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)] {
        state[to] = state[to].wrapping_add(state[from]);
        state[turned] = (state[turned] ^ state[to]).rotate_left(by);
    }
}

/// A number below 2^130 - 5, lowest word first.
type Num = [u64; 3];

const P: Num = [u64::MAX - 4, u64::MAX, 3];

fn block(bytes: u128) -> Num {
    [bytes as u64, (bytes >> 64) as u64, 1]
}

fn low(number: Num) -> u128 {
    u128::from(number[0]) | u128::from(number[1]) << 64
}

fn reduced(number: Num) -> Num {
    let (difference, below) = difference(number, P);
    if below { number } else { difference }
}

fn add(a: Num, b: Num) -> Num {
    let mut carry = 0;
    let sum = [0, 1, 2].map(|place| {
        let wide = u128::from(a[place]) + u128::from(b[place]) + carry;
        carry = wide >> 64;
        wide as u64
    });
    reduced(sum)
}

fn sub(a: Num, b: Num) -> Num {
    add(a, difference(P, b).0)
}

fn difference(a: Num, b: Num) -> (Num, bool) {
    let mut borrow = false;
    let words = [0, 1, 2].map(|place| {
        let (word, one) = a[place].overflowing_sub(b[place]);
        let (word, two) = word.overflowing_sub(u64::from(borrow));
        borrow = one || two;
        word
    });
    (words, borrow)
}

fn mul(a: Num, b: Num) -> Num {
    (0..130).rev().fold([0; 3], |sum, bit| {
        let doubled = add(sum, sum);
        if b[bit / 64] >> (bit % 64) & 1 == 1 { add(doubled, a) } else { doubled }
    })
}

/// By Fermat: the power p - 2.
fn inverse(a: Num) -> Num {
    let exponent = [P[0] - 2, P[1], P[2]];
    (0..130).rev().fold([1, 0, 0], |power, bit| {
        let squared = mul(power, power);
        if exponent[bit / 64] >> (bit % 64) & 1 == 1 { mul(squared, a) } else { squared }
    })
}
