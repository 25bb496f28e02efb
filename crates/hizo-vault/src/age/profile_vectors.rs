//! hizo's own vectors, `vectors/age/v1`: what sealing writes to the byte, and what opening refuses at which stage.
//!
//! The files are described in docs/spec/pack-container.md, section "Vectors".
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use std::path::PathBuf;

use sha2::{Digest, Sha256};

use super::passphrase::Passphrase;
use super::*;

#[test]
fn sealing_writes_every_accepted_vector_to_the_byte() {
    let vectors = read("accepted");
    assert!(vectors.len() >= 8, "vectors are missing");
    for vector in &vectors {
        let sealed = vector.seal();
        assert_eq!(hash(&sealed), vector.one("file-sha256"), "{}: sealed to other bytes", vector.name);
        assert!(vector.file.is_empty() || vector.file == sealed, "{}: not the file it names", vector.name);
        assert_eq!(vector.open(sealed), Ok(vector.plaintext()), "{}", vector.name);
    }
}

#[test]
fn opening_refuses_every_refused_vector_at_the_stage_it_names() {
    let vectors = read("refused");
    assert!(vectors.len() >= 16, "vectors are missing");
    for vector in &vectors {
        assert_eq!(vector.open(vector.file.clone()), Err(vector.one("stage").to_owned()), "{}", vector.name);
        let released = match vector.one("door") {
            "object" => open_profile(vector.file.clone(), &vector.identity()),
            "own" => open_own(vector.file.clone(), &vector.identity()),
            "passphrase" => open_own_passphrase(vector.file.clone(), vector.one("passphrase")),
            other => panic!("{}: unknown door {other}", vector.name),
        };
        assert_eq!(released, Err(OpenError), "{}", vector.name);
    }
}

struct Vector {
    name: String,
    fields: Vec<(String, String)>,
    file: Vec<u8>,
}

/// Gives the 32 bytes that a vector names, once.
struct Once(Option<[u8; 32]>);

impl Entropy for Once {
    fn fill(&mut self, out: &mut [u8]) {
        out.copy_from_slice(&self.0.take().expect("sealing draws once"));
    }
}

impl Vector {
    fn all<'a>(&'a self, wanted: &str) -> Vec<&'a str> {
        self.fields.iter().filter(|(name, _)| name == wanted).map(|(_, value)| value.as_str()).collect()
    }

    fn one(&self, wanted: &str) -> &str {
        let [value] = *self.all(wanted) else { panic!("{}: one `{wanted}` is needed", self.name) };
        value
    }

    fn identity(&self) -> Identity {
        Identity::parse(self.all("identity")[0]).unwrap()
    }

    fn plaintext(&self) -> Vec<u8> {
        let bytes = match *self.all("plaintext") {
            [text] => hex::decode(text).unwrap(),
            _ => (0..self.one("plaintext-bytes").parse().unwrap()).map(|place: usize| (place % 251) as u8).collect(),
        };
        assert_eq!(hash(&bytes), self.one("plaintext-sha256"), "{}", self.name);
        bytes
    }

    fn seal(&self) -> Vec<u8> {
        let mut entropy = Once(Some(hex::decode(self.one("entropy")).unwrap().try_into().unwrap()));
        if let [passphrase] = *self.all("passphrase") {
            return seal_passphrase(&self.plaintext(), passphrase, WorkFactor::USUAL, &mut entropy)
                .unwrap()
                .into_bytes();
        }
        let readers = self.all("identity").into_iter().map(|line| Identity::parse(line).unwrap().recipient().clone());
        seal(&self.plaintext(), &readers.collect::<Vec<_>>(), &mut entropy).unwrap()
    }

    /// Opens it, for the last reader too, and names the stage that refuses.
    fn open(&self, file: Vec<u8>) -> Result<Vec<u8>, String> {
        if let [passphrase] = *self.all("passphrase") {
            return opened(armor::remove_if_armored(file), &Passphrase::new(passphrase));
        }
        if self.all("door") == ["own"] {
            return opened(armor::remove_if_armored(file), &self.identity());
        }
        let outcomes = self.all("identity").into_iter().map(|line| {
            let opened = opened(Ok(file.clone()), &Identity::parse(line).unwrap())?;
            open_profile(file.clone(), &Identity::parse(line).unwrap()).map_err(|_| "profile".to_owned())?;
            Ok(opened)
        });
        let outcomes: Vec<_> = outcomes.collect();
        assert!(outcomes.iter().all(|outcome| *outcome == outcomes[0]), "{}: readers differ", self.name);
        outcomes[0].clone()
    }
}

fn opened(file: Result<Vec<u8>, Fault>, key: &dyn Unwrap) -> Result<Vec<u8>, String> {
    let stage = |fault| {
        let name = match fault {
            Fault::Armor => "armor",
            Fault::Header => "header",
            Fault::NoMatch => "no match",
            Fault::Mac => "MAC",
            Fault::Payload => "payload",
        };
        name.to_owned()
    };
    let mut file = file.map_err(stage)?;
    let bytes = open_in_place(&mut file, key).map_err(stage)?;
    file.truncate(bytes);
    Ok(file)
}

fn read(folder: &str) -> Vec<Vector> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../vectors/age/v1").join(folder);
    let mut paths: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let parse = |path: PathBuf| {
        let bytes = std::fs::read(&path).unwrap();
        let end = bytes.windows(2).position(|pair| pair == b"\n\n").unwrap();
        let lines = std::str::from_utf8(&bytes[..end]).unwrap().lines().map(|line| line.split_once(": ").unwrap());
        let fields = lines.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        Vector { name, fields, file: bytes[end + 2..].to_vec() }
    };
    paths.into_iter().map(parse).collect()
}

fn hash(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}
