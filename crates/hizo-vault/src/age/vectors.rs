//! The age vectors of C2SP/CCTV, all of them: what must open does, and what must not fails at the stage they name.
//!
//! They are read from `../shared/vectors/age` beside the repository, or from the npm package `cctv-age` once
//! `crates/hizo-vault/tests/interop/install.sh` has fetched it.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

use base64::Engine;
use bech32::primitives::decode::CheckedHrpstring;
use sha2::{Digest, Sha256};

use super::passphrase::Passphrase;
use super::stream::{CHUNK_BYTES, SEALED_CHUNK_BYTES, TAG_BYTES};
use super::*;

/// How many vectors there are, and how many of each outcome, so that none is lost on the way.
const EXPECTED: [(&str, usize); 6] = [
    ("HMAC failure", 1),
    ("armor failure", 22),
    ("header failure", 62),
    ("no match", 13),
    ("payload failure", 19),
    ("success", 26),
];

#[test]
fn every_public_age_vector_has_the_outcome_it_names() {
    let Some(vectors) = find_vectors() else {
        return crate::say_aloud::say_aloud(
            "the public age vectors: run crates/hizo-vault/tests/interop/install.sh to fetch them",
        );
    };
    let mut outcomes = BTreeMap::new();
    let mut wrong = Vec::new();
    for (name, bytes) in &vectors {
        let vector = Vector::parse(bytes);
        *outcomes.entry(vector.expect.clone()).or_insert(0) += 1;
        let outcome = vector.outcome();
        let hash_wanted = vector.payload.is_some() || vector.expect == "success";
        if outcome.name != vector.expect || (hash_wanted && Some(&outcome.released) != vector.payload.as_ref()) {
            wrong.push(format!("{name}: {} {:?}, but {outcome:?}", vector.expect, vector.payload));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(outcomes, EXPECTED.map(|(name, count)| (name.to_owned(), count)).into());
}

struct Vector {
    expect: String,
    payload: Option<String>,
    identities: Vec<String>,
    passphrases: Vec<String>,
    armored: bool,
    file: Vec<u8>,
}

#[derive(Debug)]
struct Outcome {
    name: &'static str,
    /// SHA-256 of everything that a reader who streams would have let out.
    released: String,
}

impl Vector {
    fn parse(bytes: &[u8]) -> Self {
        let end = bytes.windows(2).position(|pair| pair == b"\n\n").unwrap();
        let (head, file) = (std::str::from_utf8(&bytes[..end]).unwrap(), &bytes[end + 2..]);
        let all = |wanted: &str| -> Vec<String> {
            let fields = head.lines().map(|line| line.split_once(": ").unwrap());
            fields.filter(|(name, _)| *name == wanted).map(|(_, value)| value.to_owned()).collect()
        };
        let mut plain = Vec::new();
        match all("compressed").pop().as_deref() {
            Some("zlib") => drop(flate2::read::ZlibDecoder::new(file).read_to_end(&mut plain).unwrap()),
            None => plain.extend_from_slice(file),
            Some(other) => panic!("unknown compression {other}"),
        }
        Self {
            expect: all("expect").pop().unwrap(),
            payload: all("payload").pop(),
            identities: all("identity"),
            passphrases: all("passphrase"),
            armored: all("armored") == ["yes"],
            file: plain,
        }
    }

    /// Every key is tried in turn, until one is for the file.
    fn outcome(&self) -> Outcome {
        let identities = self.identities.iter().map(|line| identity(line));
        let passphrases = self.passphrases.iter().map(|text| Box::new(Passphrase::new(text)) as Box<dyn Unwrap>);
        let mut keys: Vec<_> = identities.chain(passphrases).collect();
        if keys.is_empty() {
            keys.push(Box::new(Identity::from_seed(&[1; 32])));
        }
        let file = if self.armored { armor::parse(&self.file) } else { Ok(self.file.clone()) };
        let Ok(file) = file else { return Outcome { name: "armor failure", released: hash(&[]) } };
        keys.iter().map(|key| open(&file, key.as_ref())).find(|outcome| outcome.name != "no match").unwrap_or(NO_MATCH)
    }
}

const NO_MATCH: Outcome = Outcome { name: "no match", released: String::new() };

fn open(file: &[u8], key: &dyn Unwrap) -> Outcome {
    let mut buffer = file.to_vec();
    match open_in_place(&mut buffer, key) {
        Ok(plaintext_bytes) => {
            let streamed = stream_open(file, key);
            assert_eq!(streamed, buffer[..plaintext_bytes], "one reader opens what another does not");
            Outcome { name: "success", released: hash(&streamed) }
        }
        Err(Fault::Payload) => Outcome { name: "payload failure", released: hash(&stream_open(file, key)) },
        Err(Fault::Armor) => Outcome { name: "armor failure", released: hash(&[]) },
        Err(Fault::Header) => Outcome { name: "header failure", released: hash(&[]) },
        Err(Fault::NoMatch) => NO_MATCH,
        Err(Fault::Mac) => Outcome { name: "HMAC failure", released: hash(&[]) },
    }
}

/// What a reader lets out who takes one chunk at a time and does not know how long the file is. [`super::open`] lets
/// out nothing of a file that is not whole; the vectors are stricter about the chunks themselves.
fn stream_open(file: &[u8], key: &dyn Unwrap) -> Vec<u8> {
    let header = Header::parse(file).unwrap();
    let file_key = header.file_key(key).unwrap();
    let (nonce, chunks) = file[header.bytes..].split_first_chunk().unwrap();
    let payload = Payload::new(&file_key, nonce);
    let mut released = Vec::new();
    for (number, sealed) in chunks.chunks(SEALED_CHUNK_BYTES).enumerate() {
        let may_go_on = sealed.len() == SEALED_CHUNK_BYTES;
        for last in [false, true] {
            let mut chunk = sealed.to_vec();
            let empty_after_others = number > 0 && sealed.len() == TAG_BYTES;
            if empty_after_others || (!last && !may_go_on) {
                continue;
            }
            if let Ok(text_bytes) = payload.open_chunk(number, last, &mut chunk, 0) {
                released.extend_from_slice(&chunk[..text_bytes]);
                if last {
                    return released;
                }
                break;
            }
        }
        if released.len() < (number + 1) * CHUNK_BYTES {
            return released;
        }
    }
    released
}

fn hash(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

fn identity(line: &str) -> Box<dyn Unwrap> {
    if line.starts_with("AGE-SECRET-KEY-PQ-1") {
        return Box::new(Identity::parse(line).unwrap());
    }
    let decoded = CheckedHrpstring::new::<bech32::Bech32>(line).unwrap();
    let scalar: Vec<u8> = decoded.byte_iter().collect();
    Box::new(X25519Identity { scalar: scalar.try_into().unwrap() })
}

/// The classical recipient of age. Nothing is ever sealed to one here: most vectors need it to be read at all.
struct X25519Identity {
    scalar: [u8; 32],
}

impl Unwrap for X25519Identity {
    fn unwrap(&self, stanzas: &[Stanza<'_>]) -> Result<Option<FileKey>, Fault> {
        for stanza in stanzas.iter().filter(|stanza| stanza.arguments[0] == "X25519") {
            let [_, share] = *stanza.arguments.as_slice() else { return Err(Fault::Header) };
            let share: [u8; 32] = header::decode_exact(share)?;
            let mut body: [u8; 32] = stanza.body.as_slice().try_into().map_err(|_| Fault::Header)?;
            let key = x25519_wrap_key(&self.scalar, &share)?;
            let nonce = aws_lc_rs::aead::Nonce::assume_unique_for_key([0; 12]);
            let opened = stream::cipher(&key).open_in_place(nonce, aws_lc_rs::aead::Aad::empty(), &mut body);
            if let Ok(text) = opened {
                let text: [u8; FILE_KEY_BYTES] = (*text).try_into().map_err(|_| Fault::Header)?;
                return Ok(Some(FileKey(Zeroizing::new(text))));
            }
        }
        Ok(None)
    }
}

fn x25519_wrap_key(scalar: &[u8; 32], share: &[u8; 32]) -> Result<[u8; 32], Fault> {
    use aws_lc_rs::agreement::{PrivateKey, UnparsedPublicKey, X25519, agree};
    let private = PrivateKey::from_private_key(&X25519, scalar).unwrap();
    let salt = [share.as_slice(), private.compute_public_key().unwrap().as_ref()].concat();
    agree(&private, UnparsedPublicKey::new(&X25519, share), Fault::Header, |secret| {
        let mut key = [0; 32];
        let derived = hkdf::Hkdf::<Sha256>::new(Some(&salt), secret);
        derived.expand(b"age-encryption.org/v1/X25519", &mut key).unwrap();
        Ok(key)
    })
}

fn find_vectors() -> Option<BTreeMap<String, Vec<u8>>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let folder = root.join("../shared/vectors/age");
    if let Ok(entries) = std::fs::read_dir(folder) {
        let entries = entries.map(|entry| entry.unwrap());
        let read = |entry: std::fs::DirEntry| (name_of(&entry), std::fs::read(entry.path()).unwrap());
        return Some(entries.map(read).collect());
    }
    let package = root.join("target/npm/node_modules/cctv-age/index.js");
    std::fs::read_to_string(package).ok().map(|script| from_package(&script))
}

fn name_of(entry: &std::fs::DirEntry) -> String {
    entry.file_name().into_string().unwrap()
}

/// The package holds one line a vector: `var NAME_default = __toBinary("BASE64");`.
fn from_package(script: &str) -> BTreeMap<String, Vec<u8>> {
    let lines = script.lines().filter_map(|line| line.strip_prefix("var ")?.split_once("_default = __toBinary(\""));
    let digits = lines.map(|(name, rest)| (name, rest.strip_suffix("\");").unwrap()));
    let engine = base64::engine::general_purpose::STANDARD;
    digits.map(|(name, digits)| (name.to_owned(), engine.decode(digits).unwrap())).collect()
}
