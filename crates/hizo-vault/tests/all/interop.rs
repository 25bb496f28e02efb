//! hizo's files and those of another age implementation (npm `age-encryption`), in both directions.
//!
//! Needs `node` and what `tests/interop/install.sh` fetches; without them the test says aloud that it did not run.

use std::path::{Path, PathBuf};
use std::process::Command;

use hizo_vault::age::{self, Identity, PackBuilder, Recipient, WorkFactor};
use hizo_vault::keys::{IdentityFile, generate_passphrase};

use crate::seeded::Seeded;

const PLAINTEXT_BYTES: usize = 200_000;

#[test]
fn another_age_implementation_opens_our_files_and_we_open_its() {
    let Some(modules) = modules() else { return };
    let folder = tempfile::tempdir().unwrap();
    let ours = Ours::put(folder.path());
    run("age.mjs", &modules.join("age-encryption"), folder.path());
    ours.compare(folder.path());
}

#[test]
fn sealing_written_from_the_specification_alone_gives_the_vectors_to_the_byte() {
    let Some(modules) = modules() else { return };
    let vectors = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../vectors/age/v1/accepted");
    let report = run("sealing.mjs", &modules, &vectors);
    let same = report.lines().filter(|line| line.starts_with("same ")).count();
    assert_eq!(same, std::fs::read_dir(vectors).unwrap().count());
}

/// Where the other implementation's packages are.
fn modules() -> Option<PathBuf> {
    let modules = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/npm/node_modules");
    if modules.join("age-encryption").exists() && Command::new("node").arg("--version").output().is_ok() {
        return Some(modules.canonicalize().unwrap());
    }
    crate::say_aloud::say_aloud("another age implementation: install node and run tests/interop/install.sh");
    None
}

fn run(script: &str, modules: &Path, folder: &Path) -> String {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/interop").join(script);
    let run = Command::new("node").arg(script).args([modules, folder]).output().unwrap();
    assert!(run.status.success(), "{}{}", String::from_utf8_lossy(&run.stdout), String::from_utf8_lossy(&run.stderr));
    String::from_utf8(run.stdout).unwrap()
}

struct Ours {
    identity: Identity,
    passphrase: String,
    plaintext: Vec<u8>,
}

impl Ours {
    /// An identity file, a wrap for it, a pack for the epoch in the wrap.
    fn put(folder: &Path) -> Self {
        let mut entropy = Seeded::new(1);
        let file = IdentityFile::generate(&mut entropy);
        let passphrase = generate_passphrase(&mut entropy).to_string();
        let epoch = Identity::generate(&mut entropy);
        let plaintext: Vec<u8> = (0..PLAINTEXT_BYTES).map(|place| (place % 251) as u8).collect();
        let stranger = Identity::generate(&mut entropy).recipient().clone();
        let readers = [stranger, file.identity.recipient().clone()];
        let mut pack = PackBuilder::new();
        assert_eq!(pack.push(&plaintext), plaintext.len());

        let put = |name: &str, bytes: &[u8]| std::fs::write(folder.join(name), bytes).unwrap();
        put("passphrase", passphrase.as_bytes());
        put("recipient", file.identity.recipient().to_string().as_bytes());
        put("plaintext", &plaintext);
        put("identity.age", file.seal(&passphrase, WorkFactor::USUAL, &mut entropy).as_bytes());
        put("wrap.age", &age::seal(epoch.to_secret_line().as_bytes(), &readers, &mut entropy).unwrap());
        put("pack.age", &pack.seal(epoch.recipient(), &mut entropy));
        Self { identity: file.identity, passphrase, plaintext }
    }

    fn compare(&self, folder: &Path) {
        let bytes = |name: &str| std::fs::read(folder.join(name)).unwrap();
        let text = |name: &str| String::from_utf8(bytes(name)).unwrap();
        assert!(bytes("pack.opened") == self.plaintext, "the pack opened to something else");
        assert_eq!(text("recipient.derived").parse().as_ref(), Ok(self.identity.recipient()));

        let theirs = Identity::parse(&text("their.identity")).unwrap();
        assert_eq!(text("their.recipient").parse::<Recipient>().as_ref(), Ok(theirs.recipient()));
        let opened = |name: &str, identity: &Identity| age::open_own(bytes(name), identity);
        assert!(opened("theirs.age", &self.identity).as_ref() == Ok(&self.plaintext));
        assert!(opened("theirs.age", &theirs).is_err());
        assert!(opened("theirs-to-two.age", &self.identity).as_ref() == Ok(&self.plaintext));
        assert!(opened("theirs-to-two.age", &theirs).as_ref() == Ok(&self.plaintext));
        assert!(opened("theirs-armored.age", &self.identity).as_ref() == Ok(&self.plaintext));
        let by_passphrase = age::open_own_passphrase(bytes("theirs-passphrase.age"), &self.passphrase);
        assert!(by_passphrase.as_ref() == Ok(&self.plaintext));
    }
}
