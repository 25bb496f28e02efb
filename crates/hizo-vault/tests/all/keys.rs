//! What holds for signing keys and the files that keep them.

use std::collections::BTreeSet;

use hizo_ledger::id::SpaceId;
use hizo_vault::age::{self, Identity, WorkFactor};
use hizo_vault::entropy::Entropy;
use hizo_vault::keys::{
    Error, IdentityFile, OrganisationSeed, PASSPHRASE_BITS, RecoverySeed, SigningSeed, generate_passphrase,
};

use crate::seeded::Seeded;

fn space(byte: u8) -> SpaceId {
    SpaceId::from_bytes([byte; 16])
}

#[test]
fn keys_are_those_of_the_specification() {
    // Computed apart from this code, with HMAC and Ed25519 of another library; see docs/spec/keys.md.
    let seed = SigningSeed::from_bytes(&[7; 32]);
    let recovery = RecoverySeed::from_bytes(&[7; 32]);
    let derived = [
        seed.identity_key().verifying_key(),
        seed.space_key(&space(1)).verifying_key(),
        seed.session_key(&space(1)).verifying_key(),
        seed.last_seen_key(&space(1)).verifying_key(),
        recovery.signing_key().verifying_key(),
        OrganisationSeed::from_bytes(&[7; 32]).rotator_key(&space(1)).verifying_key(),
    ];
    assert_eq!(derived.map(|key| hex::encode(key.as_bytes())), KEYS);
    let person = IdentityFile { signing_seed: seed, identity: Identity::from_seed(&[7; 32]) };
    let opens = person.hand_over_identity(&space(1));
    assert_eq!(hex::encode(opens.seed()), "d98fa2201c3cf9349145aebaa1d53846e39d2ff82ac353cf9380bf64e74aa364");
}

#[test]
fn a_company_is_sealed_to_by_another_recipient_in_each_hand_over() {
    let person =
        IdentityFile { signing_seed: SigningSeed::from_bytes(&[7; 32]), identity: Identity::from_seed(&[8; 32]) };
    let [one, other] = [1, 2].map(|byte| person.hand_over_identity(&space(byte)).recipient().to_string());
    assert!(one != other && one != person.identity.recipient().to_string());
    // Whoever signs for it opens nothing by that.
    let signs = IdentityFile { signing_seed: SigningSeed::from_bytes(&[9; 32]), ..person };
    assert_eq!(signs.hand_over_identity(&space(1)).recipient().to_string(), one);
}

const KEYS: [&str; 6] = [
    "750a1318401825e0bf6413788e241e85aa0269da4e31a427a6c4aa235adf5894",
    "97d6ada05066e7ac1f9d656d735c59e5b80f417d059363907857eecc3c1c0b42",
    "32fb69af419f1f1b93fd52421dbe3d6c7ef1b5a3376ea49bcfb803e3c617db68",
    "5ac1e8fb85ba56c338b2e2eb06b9c241f46db48632f879b5a1dc9c93821a5205",
    "308ee035d65ee90fb13d96b62136f2c749355d6aa27f78a45f96529eafb7e2e6",
    "e60d8fc8d89748771a0b32548565915ae3dc3e2cea681f4048860b455fa2d85c",
];

#[test]
fn one_seed_gives_another_key_for_every_purpose_and_every_space() {
    let bytes = [9; 32];
    let (seed, recovery) = (SigningSeed::from_bytes(&bytes), RecoverySeed::from_bytes(&bytes));
    let organisation = OrganisationSeed::from_bytes(&bytes);
    let mut seen = BTreeSet::from([*seed.identity_key().verifying_key().as_bytes()]);
    assert!(seen.insert(*recovery.signing_key().verifying_key().as_bytes()));
    assert!(seen.insert(*ed25519_dalek::SigningKey::from_bytes(&bytes).verifying_key().as_bytes()));
    assert!(seen.insert(*organisation.signing_key().verifying_key().as_bytes()));
    for number in 0..20 {
        assert!(seen.insert(*organisation.rotator_key(&space(number)).verifying_key().as_bytes()), "rotator {number}");
        assert!(seen.insert(*seed.space_key(&space(number)).verifying_key().as_bytes()), "space {number}");
        assert!(seen.insert(*seed.session_key(&space(number)).verifying_key().as_bytes()), "session {number}");
        assert!(seen.insert(*seed.last_seen_key(&space(number)).verifying_key().as_bytes()), "last seen {number}");
    }
}

#[test]
fn a_signature_holds_under_its_own_key_only() {
    let seed = SigningSeed::generate(&mut Seeded::new(1));
    let (one, two) = (seed.space_key(&space(1)), seed.space_key(&space(2)));
    let signature = one.sign(b"hizo/record/v1\n");
    assert!(one.verifying_key().verify(b"hizo/record/v1\n", &signature).is_ok());
    let others =
        [two.verifying_key(), seed.session_key(&space(1)).verifying_key(), seed.identity_key().verifying_key()];
    for other in others {
        assert!(other.verify(b"hizo/record/v1\n", &signature).is_err());
    }
}

#[test]
fn nothing_secret_is_printed() {
    let file = IdentityFile::generate(&mut Seeded::new(1));
    assert_eq!(format!("{file:?}"), "IdentityFile { signing_seed: SigningSeed, identity: Identity }");
    assert_eq!(format!("{:?}", file.signing_seed.identity_key()), "IdentityKey");
    assert_eq!(format!("{:?}", file.signing_seed.space_key(&space(1))), "SpaceSigningKey");
    assert_eq!(format!("{:?}", file.signing_seed.session_key(&space(1))), "SessionKey");
    assert_eq!(format!("{:?}", RecoverySeed::from_bytes(&[1; 32]).signing_key()), "RecoveryKey");
    assert_eq!(format!("{:?}", RecoverySeed::from_bytes(&[1; 32])), "RecoverySeed");
}

#[test]
fn an_identity_file_comes_back_whole_and_serves_any_age_tool() {
    let file = IdentityFile::generate(&mut Seeded::new(1));
    let passphrase = generate_passphrase(&mut Seeded::new(2));
    let sealed = file.seal(&passphrase, WorkFactor::USUAL, &mut Seeded::new(3));
    assert!(sealed.starts_with("-----BEGIN AGE ENCRYPTED FILE-----\n"));

    let text = String::from_utf8(age::open_own_passphrase(sealed.clone().into_bytes(), &passphrase).unwrap()).unwrap();
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines.len(), 3);
    assert_eq!(lines[0], "# hizo/identity/v1");
    assert!(lines[1].starts_with("# signing-seed "));
    let as_age_reads: Vec<_> = text.lines().filter(|line| !line.starts_with('#')).collect();
    assert_eq!(as_age_reads, [file.identity.to_secret_line().as_str()]);

    let back = IdentityFile::open(sealed.clone().into_bytes(), &passphrase).unwrap();
    assert_eq!(back.identity.seed(), file.identity.seed());
    let key = |file: &IdentityFile| file.signing_seed.identity_key().verifying_key();
    assert_eq!(key(&back), key(&file));
    assert_eq!(IdentityFile::open(sealed.into_bytes(), "wrong").err(), Some(Error::Open(age::OpenError)));
}

#[test]
fn a_writer_file_holds_a_signing_seed_and_nothing_that_opens() {
    let seed = SigningSeed::generate(&mut Seeded::new(4));
    let text = seed.to_writer_file();
    assert!(!text.contains("AGE-SECRET-KEY"));
    let back = SigningSeed::from_writer_file(&text).unwrap();
    assert_eq!(back.identity_key().verifying_key(), seed.identity_key().verifying_key());
    let wrong = [
        String::new(),
        text.replace("v1", "v2"),
        text.trim_end().to_owned(),
        format!("{}\n", *text),
        text.replace("seed ", "seed  "),
        text.replace("=\n", "\n"),
        text.replace('\n', "\r\n"),
    ];
    for text in wrong {
        assert!(SigningSeed::from_writer_file(&text).is_err(), "{text:?} was read as a writer file");
    }
}

#[test]
fn cards_give_back_the_identity_that_was_pinned() {
    let seed = RecoverySeed::generate(&mut Seeded::new(5));
    let pinned = seed.identity().recipient().clone();
    let back = RecoverySeed::from_bytes(seed.as_bytes());
    assert_eq!(back.identity().recipient(), &pinned);
    assert_eq!(Identity::from_seed(seed.as_bytes()).recipient(), &pinned);
    let mut other = *seed.as_bytes();
    other[31] ^= 1;
    assert_ne!(RecoverySeed::from_bytes(&other).identity().recipient(), &pinned);
}

#[test]
fn a_generated_passphrase_has_a_hundred_bits_that_all_come_from_the_source() {
    assert_eq!(PASSPHRASE_BITS, 100);
    struct Fixed(u8);
    impl Entropy for Fixed {
        fn fill(&mut self, out: &mut [u8]) {
            out.fill(self.0);
        }
    }
    let mut characters = BTreeSet::new();
    for byte in 0..=255 {
        let passphrase = generate_passphrase(&mut Fixed(byte));
        let groups: Vec<_> = passphrase.split('-').collect();
        assert!(groups.len() == 5 && groups.iter().all(|group| group.len() == 4), "{}", *passphrase);
        characters.insert(groups[0].chars().next().unwrap());
    }
    assert_eq!(characters.into_iter().collect::<String>(), "0123456789abcdefghjkmnpqrstvwxyz");
    let several: BTreeSet<_> = (0..100).map(|seed| generate_passphrase(&mut Seeded::new(seed)).to_string()).collect();
    assert_eq!(several.len(), 100);
}
