//! Splitting a secret into shares and combining them, as SLIP-39 has it.
//!
//! The arithmetic in GF(256) is the library's, in constant time; here is only at which places it is asked.

use hmac::{Hmac, KeyInit as _, Mac as _};
use pbkdf2::pbkdf2_hmac;
use sha2::Sha256;
use vsss_rs::Gf256;
use zeroize::{Zeroize as _, Zeroizing};

use super::share::{Set, Share};
use crate::entropy::Entropy;

/// Where the polynomial has the secret, and where a digest that tells a wrong one.
const SECRET_AT: u8 = 255;
const DIGEST_AT: u8 = 254;
const DIGEST_BYTES: usize = 4;
const ROUNDS: [u8; 4] = [0, 1, 2, 3];
/// Iterations of one round, where the exponent is 0.
const ITERATIONS: u32 = 2500;

/// Why shares do not combine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Error {
    #[error("shares of different sets")]
    OtherSet,
    #[error("one share twice")]
    Twice,
    #[error("{found} of {needed}")]
    Count { needed: usize, found: usize },
    #[error("the digest does not hold")]
    Digest,
}

/// A polynomial's value at a place.
type Point = (u8, Zeroizing<Vec<u8>>);

/// The secret of these shares, of which there are exactly as many as are needed.
pub(super) fn combine(shares: &[Share], passphrase: &[u8]) -> Result<Zeroizing<Vec<u8>>, Error> {
    let first = shares.first().ok_or(Error::Count { needed: 1, found: 0 })?;
    let same = |share: &Share| share.set == first.set && share.value.len() == first.value.len();
    if !shares.iter().all(same) {
        return Err(Error::OtherSet);
    }
    let mut groups: Vec<u8> = shares.iter().map(|share| share.group).collect();
    groups.sort_unstable();
    groups.dedup();
    let mut secrets = Vec::with_capacity(groups.len());
    for group in &groups {
        secrets.push((*group, group_secret(shares.iter().filter(|share| share.group == *group))?));
    }
    let sealed = interpolated_secret(first.set.groups_needed, &secrets)?;
    Ok(decrypt(&sealed, passphrase, &first.set))
}

fn group_secret<'a>(shares: impl Iterator<Item = &'a Share> + Clone) -> Result<Zeroizing<Vec<u8>>, Error> {
    let needed = shares.clone().next().map_or(1, |share| share.needed);
    if shares.clone().any(|share| share.needed != needed) {
        return Err(Error::OtherSet);
    }
    let points: Vec<Point> = shares.map(|share| (share.number, share.value.clone())).collect();
    interpolated_secret(needed, &points)
}

fn interpolated_secret(needed: u8, points: &[Point]) -> Result<Zeroizing<Vec<u8>>, Error> {
    let twice = points
        .iter()
        .enumerate()
        .any(|(at, (place, _))| points.iter().skip(at).skip(1).any(|(other, _)| other == place));
    if twice {
        return Err(Error::Twice);
    }
    let (needed, found) = (usize::from(needed), points.len());
    match points {
        _ if needed != found => Err(Error::Count { needed, found }),
        // A secret that one share gives is that share.
        [(_, only)] => Ok(only.clone()),
        _ => {
            let secret = interpolated(points, SECRET_AT).ok_or(Error::Digest)?;
            let digest = interpolated(points, DIGEST_AT).ok_or(Error::Digest)?;
            let (digest, random) = digest.split_at_checked(DIGEST_BYTES).ok_or(Error::Digest)?;
            keyed(random, &secret).verify_truncated_left(digest).map_err(|_| Error::Digest)?;
            Ok(secret)
        }
    }
}

/// Shares of a secret as one group, without a passphrase: `needed` of `cards` give it back, where `needed` is at least 2.
pub(super) fn split(secret: &[u8], needed: u8, cards: u8, set: Set, entropy: &mut dyn Entropy) -> Vec<Share> {
    let sealed = encrypt(secret, &[], &set);
    let drawn = |entropy: &mut dyn Entropy, bytes: usize| {
        let mut value = Zeroizing::new(vec![0; bytes]);
        entropy.fill(&mut value);
        value
    };
    let mut points: Vec<Point> = Vec::with_capacity(usize::from(cards).saturating_add(2));
    points.extend((0..needed.saturating_sub(2)).map(|place| (place, drawn(entropy, sealed.len()))));
    let random = drawn(entropy, sealed.len().saturating_sub(DIGEST_BYTES));
    let digest = keyed(&random, &sealed).finalize().into_bytes();
    let mut check = Zeroizing::new(Vec::with_capacity(sealed.len()));
    check.extend(digest.iter().take(DIGEST_BYTES));
    check.extend(random.iter());
    points.extend([(DIGEST_AT, check), (SECRET_AT, sealed)]);
    let value = |number: u8| match points.iter().find(|(place, _)| *place == number) {
        Some((_, value)) => value.clone(),
        None => interpolated(&points, number).expect("places differ, and values are equally long"),
    };
    (0..cards).map(|number| Share { set, group: 0, number, needed, value: value(number) }).collect()
}

/// The value, at a place, of the polynomial through these points, none of which is at that place.
///
/// The library asks at 0. In GF(256) moving all places by the same difference moves the polynomial and changes no value.
fn interpolated(points: &[Point], place: u8) -> Option<Zeroizing<Vec<u8>>> {
    let moved = |(at, value): &Point| [&[at ^ place], value.as_slice()].concat();
    let mut shares: Vec<Vec<u8>> = points.iter().map(moved).collect();
    let value = Gf256::combine_bytes(&shares).ok().map(Zeroizing::new);
    shares.iter_mut().for_each(|share| share.zeroize());
    value
}

fn keyed(key: &[u8], message: &[u8]) -> Hmac<Sha256> {
    Hmac::new_from_slice(key).expect("HMAC takes keys of any length").chain_update(message)
}

/// The Feistel network of the specification, which makes guessing a passphrase dear; without one it hides nothing.
fn encrypt(secret: &[u8], passphrase: &[u8], set: &Set) -> Zeroizing<Vec<u8>> {
    network(secret, passphrase, set, ROUNDS.into_iter())
}

fn decrypt(secret: &[u8], passphrase: &[u8], set: &Set) -> Zeroizing<Vec<u8>> {
    network(secret, passphrase, set, ROUNDS.into_iter().rev())
}

fn network(secret: &[u8], passphrase: &[u8], set: &Set, rounds: impl Iterator<Item = u8>) -> Zeroizing<Vec<u8>> {
    let (left, right) = secret.split_at(secret.len() / 2);
    let (mut left, mut right) = (Zeroizing::new(left.to_vec()), Zeroizing::new(right.to_vec()));
    for round in rounds {
        let password = Zeroizing::new([&[round], passphrase].concat());
        let id = set.identifier.to_be_bytes();
        let prefix = if set.is_extendable { Vec::new() } else { [b"shamir".as_slice(), &id].concat() };
        let salt = Zeroizing::new([prefix.as_slice(), &right].concat());
        let mut mask = Zeroizing::new(vec![0; left.len()]);
        let iterations = ITERATIONS.checked_shl(set.exponent.into()).unwrap_or(u32::MAX);
        pbkdf2_hmac::<Sha256>(&password, &salt, iterations, &mut mask);
        left.iter_mut().zip(mask.iter()).for_each(|(byte, mask)| *byte ^= mask);
        std::mem::swap(&mut left, &mut right);
    }
    Zeroizing::new([right.as_slice(), &left].concat())
}
