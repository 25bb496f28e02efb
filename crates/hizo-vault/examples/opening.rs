//! What sealing and opening cost on this machine: `cargo run --release -p hizo-vault --example opening`.

use std::hint::black_box;
use std::time::{Duration, Instant};

use hizo_vault::age::{self, Identity, PackBuilder, Recipient};
use hizo_vault::entropy::Entropy;

const SMALL_BYTES: usize = 512;
const ROUNDS: u32 = 2_000;
const PACKS: u32 = 24;

/// Not a source of secrets: bytes that differ from draw to draw, so that only hizo's own work is measured.
struct Counting(u64);

impl Entropy for Counting {
    fn fill(&mut self, out: &mut [u8]) {
        self.0 += 1;
        blake3::Hasher::new().update(&self.0.to_be_bytes()).finalize_xof().fill(out);
    }
}

fn main() {
    let mut entropy = Counting(0);
    let identity = Identity::generate(&mut entropy);
    keys(&mut entropy, &identity);
    small(&mut entropy, &identity);
    packs(&mut entropy, &identity);
}

fn keys(entropy: &mut Counting, identity: &Identity) {
    let seed = *identity.seed();
    let text = identity.recipient().to_string();
    report("expand an identity from its seed", per_round(|| drop(black_box(Identity::from_seed(&seed)))));
    report("read a recipient from its text", per_round(|| drop(black_box(text.parse::<Recipient>().unwrap()))));
    let started = Instant::now();
    let sealed = age::seal_passphrase(b"text", "passphrase", age::WorkFactor::USUAL, entropy).unwrap();
    report("seal with a passphrase", started.elapsed());
    let started = Instant::now();
    age::open_own_passphrase(sealed.into_bytes(), "passphrase").unwrap();
    report("open with a passphrase", started.elapsed());
}

fn small(entropy: &mut Counting, identity: &Identity) {
    let recipient = identity.recipient().clone();
    let text = [7; SMALL_BYTES];
    let sealed = age::seal(&text, std::slice::from_ref(&recipient), entropy).unwrap();
    report(
        "seal a small object to one",
        per_round(|| drop(black_box(age::seal(&text, std::slice::from_ref(&recipient), entropy).unwrap()))),
    );
    report("open a small object", per_round(|| drop(black_box(age::open_own(sealed.clone(), identity).unwrap()))));
    let others: Vec<_> = (0..20).map(|_| Identity::generate(entropy).recipient().clone()).collect();
    let readers: Vec<_> = others.into_iter().chain([recipient]).collect();
    let wrap = age::seal(&text, &readers, entropy).unwrap();
    report("seal a wrap to 21", per_round(|| drop(black_box(age::seal(&text, &readers, entropy).unwrap()))));
    report(
        "open a wrap as the last of 21",
        per_round(|| drop(black_box(age::open_own(wrap.clone(), identity).unwrap()))),
    );
}

fn packs(entropy: &mut Counting, identity: &Identity) {
    let plaintext: Vec<u8> = (0..age::PACK_PLAINTEXT_BYTES).map(|place| (place % 251) as u8).collect();
    let (mut filling, mut sealing, mut opening) = (Duration::ZERO, Duration::ZERO, Duration::ZERO);
    for _ in 0..PACKS {
        let started = Instant::now();
        let mut pack = PackBuilder::new();
        assert_eq!(pack.push(&plaintext), plaintext.len());
        filling += started.elapsed();
        let started = Instant::now();
        let sealed = pack.seal(identity.recipient(), entropy);
        sealing += started.elapsed();
        assert_eq!(sealed.len(), age::PACK_BYTES);
        let started = Instant::now();
        let opened = age::open_own(sealed, identity).unwrap();
        opening += started.elapsed();
        assert!(opened == plaintext);
    }
    for (what, took) in [("fill a pack", filling), ("seal a full pack", sealing), ("open a full pack", opening)] {
        let bytes = age::PACK_BYTES as f64 * f64::from(PACKS);
        println!("{what:<36}{:>10.0} MB/s", bytes / 1e6 / took.as_secs_f64());
    }
}

fn per_round(mut work: impl FnMut()) -> Duration {
    let started = Instant::now();
    (0..ROUNDS).for_each(|_| work());
    started.elapsed() / ROUNDS
}

fn report(what: &str, took: Duration) {
    println!("{what:<36}{:>10.1} µs", took.as_secs_f64() * 1e6);
}
