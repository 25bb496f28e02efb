//! What the tests of the whole program share: a safe in a folder that vanishes, the real binary, and trees compared.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use aws_lc_rs::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD as BASE64;
use hkdf::Hkdf;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;

pub(crate) use crate::say_aloud::say_aloud;

pub(crate) const PASSPHRASE: &str = "correct horse battery staple canary";

/// Waits until the clock that stamps changes has ticked since the last change in this folder: before that, nobody can
/// tell by the times whether a file changed once more.
pub(crate) fn settle(folder: &Path) {
    let changed = |path: &Path| {
        let about = fs::symlink_metadata(path).unwrap();
        std::time::UNIX_EPOCH + std::time::Duration::new(about.ctime() as u64, about.ctime_nsec() as u32)
    };
    let mut newest = changed(folder);
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
            newest = newest.max(changed(&entry.path()));
            if entry.file_type().unwrap().is_dir() {
                folders.push(entry.path());
            }
        }
    }
    while std::time::SystemTime::now() < newest + std::time::Duration::from_millis(25) {
        std::thread::yield_now();
    }
}

/// A safe of its own for one test.
pub(crate) struct Home {
    pub(crate) folder: TempDir,
    pub(crate) path: PathBuf,
}

/// What a run of the program left behind.
#[derive(Debug)]
pub(crate) struct Said {
    /// Exit code; `None` when a signal ended it.
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Home {
    /// A new safe, made by the program itself.
    ///
    /// Its identity file has the cheapest work factor that is accepted: key derivation is tested where it lives, and half a second for
    /// every command would leave no time for what is tested here.
    pub(crate) fn new() -> Self {
        let home = Self::unmade();
        home.ok(["init"]);
        home.make_cheap();
        home
    }

    /// Writes the identity file again with that work factor, if the program did not: built as it is shipped, it takes no other than the
    /// usual one.
    pub(crate) fn make_cheap(&self) {
        if cfg!(debug_assertions) {
            return;
        }
        let path = self.path.join("identity.age");
        let dear = fs::read(&path).unwrap();
        let plain = hizo_vault::age::open_own_passphrase(dear, PASSPHRASE).unwrap();
        fs::write(&path, cheap_passphrase_file(&plain)).unwrap();
    }

    /// Room for a safe that is not there yet.
    pub(crate) fn unmade() -> Self {
        let folder = tempfile::Builder::new().prefix("hizo-test").tempdir().unwrap();
        let path = folder.path().join("home");
        fs::write(folder.path().join("passphrase"), format!("{PASSPHRASE}\n")).unwrap();
        Self { folder, path }
    }

    /// A copy of this safe, as a backup or an attacker would make it.
    pub(crate) fn copy(&self) -> Self {
        let copy = Self::unmade();
        copy_tree(&self.path, &copy.path);
        copy
    }

    pub(crate) fn passphrase_file(&self) -> PathBuf {
        self.folder.path().join("passphrase")
    }

    /// A folder beside the safe, made if need be.
    pub(crate) fn beside(&self, name: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        fs::create_dir_all(&path).unwrap();
        path
    }

    /// The program with this safe and its passphrase, in English.
    pub(crate) fn command(&self) -> Command {
        let mut command = self.writer_command();
        command.arg("--passphrase-file").arg(self.passphrase_file());
        command
    }

    /// The program with this safe and without any passphrase.
    pub(crate) fn writer_command(&self) -> Command {
        let mut command = program(env!("CARGO_BIN_EXE_hizo"));
        command.arg("--home").arg(&self.path);
        command
    }

    /// Runs the program and says what came of it.
    pub(crate) fn run<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Said {
        said(self.command().args(arguments))
    }

    /// Runs the program, which must succeed.
    #[track_caller]
    pub(crate) fn ok<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Said {
        let said = self.run(arguments);
        assert_eq!(said.code, Some(0), "{said:?}");
        said
    }

    /// Runs the program, which must end with this code and say `words`.
    #[track_caller]
    pub(crate) fn fails<A: AsRef<OsStr>>(
        &self,
        code: i32,
        words: &str,
        arguments: impl IntoIterator<Item = A>,
    ) -> Said {
        let said = self.run(arguments);
        assert_eq!(said.code, Some(code), "{said:?}");
        assert!(said.err.contains(words), "{words:?} is not in {said:?}");
        said
    }

    /// Deposits a folder; what the program says as JSON.
    #[track_caller]
    pub(crate) fn deposit(&self, folder: &Path, series: &str) -> Value {
        self.deposit_with(folder, series, &[])
    }

    #[track_caller]
    pub(crate) fn deposit_with(&self, folder: &Path, series: &str, more: &[&str]) -> Value {
        let mut command = self.command();
        command.arg("deposit").arg(folder).args(["--series", series, "--json"]).args(more);
        let said = said(&mut command);
        assert_eq!(said.code, Some(0), "{said:?}");
        said.json()
    }

    /// Restores a whole deposit into a folder that is not there yet.
    #[track_caller]
    pub(crate) fn restore(&self, deposit: &str, to: &str) -> PathBuf {
        let to = self.folder.path().join(to);
        self.ok([OsStr::new("restore"), deposit.as_ref(), "--to".as_ref(), to.as_os_str()]);
        to
    }

    /// The ids of all deposits, by series name, oldest first.
    #[track_caller]
    pub(crate) fn deposits(&self) -> BTreeMap<String, Vec<String>> {
        let listed = self.ok(["list", "--json"]).json();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let series = listed["series"].as_array().unwrap().iter();
        series
            .map(|series| {
                let deposits = series["deposits"].as_array().unwrap();
                (text(&series["name"]), deposits.iter().map(|deposit| text(&deposit["deposit"])).collect())
            })
            .collect()
    }

    /// Every object that the keeper holds, with its file.
    pub(crate) fn objects(&self) -> Vec<PathBuf> {
        let named = |path: &PathBuf| {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            name.len() == 64 && name.bytes().all(|byte| byte.is_ascii_hexdigit())
        };
        files_below(&self.path.join("keeper")).into_iter().filter(named).collect()
    }
}

impl Said {
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(self.out.trim_end()).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

/// What tells the program under test that its keys are thrown away.
pub(crate) const LEAST_WORK: &str = "HIZO_LEAST_WORK";

/// A program with an environment that does not depend on who runs the test.
pub(crate) fn program(path: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(path);
    command.stdin(Stdio::null()).env("LC_ALL", "C").env_remove("HIZO_HOME").env_remove("HIZO_KEEPER");
    command.env(LEAST_WORK, "1");
    command
}

/// Runs a command to its end.
pub(crate) fn said(command: &mut Command) -> Said {
    let output = command.output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    Said { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
}

/// Whether a program of the system is there.
pub(crate) fn is_there(program: &str) -> bool {
    let paths = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&paths).any(|folder| folder.join(program).is_file())
}

/// Removes what a restore may have left of a folder, whole or not.
pub(crate) fn forget_restore(to: &Path) {
    for left in [to.to_owned(), to.with_extension("partial"), to.with_extension("incomplete")] {
        let _ = fs::remove_dir_all(left);
    }
}

/// Every file below a folder, ascending. What goes meanwhile, as in the folder of a keeper that runs, is not there.
pub(crate) fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut waiting = vec![folder.to_owned()];
    assert!(folder.is_dir(), "{} is no folder", folder.display());
    while let Some(folder) = waiting.pop() {
        for item in if_there(fs::read_dir(&folder)).into_iter().flatten() {
            let path = item.unwrap().path();
            match if_there(path.symlink_metadata()).map(|found| found.is_dir()) {
                Some(true) => waiting.push(path),
                Some(false) => found.push(path),
                None => (),
            }
        }
    }
    found.sort();
    found
}

/// The contents of every file below a folder. What goes meanwhile is not there.
pub(crate) fn contents_below(folder: &Path) -> Vec<Vec<u8>> {
    files_below(folder).iter().filter_map(|file| if_there(fs::read(file))).collect()
}

fn if_there<T>(found: std::io::Result<T>) -> Option<T> {
    match found {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        found => Some(found.unwrap()),
    }
}

/// Copies files and folders, nothing else of them.
pub(crate) fn copy_tree(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for item in fs::read_dir(from).unwrap() {
        let item = item.unwrap();
        let to = to.join(item.file_name());
        match item.file_type().unwrap().is_dir() {
            true => copy_tree(&item.path(), &to),
            false => drop(fs::copy(item.path(), to).unwrap()),
        }
    }
}

/// What the program promises to bring back of one entry.
#[derive(PartialEq, Eq, Clone)]
pub(crate) struct Kept {
    pub(crate) kind: char,
    pub(crate) mode: u32,
    pub(crate) mtime: (i64, i64),
    pub(crate) size: u64,
    /// SHA-256 of a file's bytes, or a link's target.
    pub(crate) content: Vec<u8>,
    /// The first path of the same file, where it has several.
    pub(crate) same_as: Option<OsString>,
    pub(crate) xattrs: Vec<(OsString, Vec<u8>)>,
}

impl std::fmt::Debug for Kept {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {:04o} {:?} {} ", self.kind, self.mode, self.mtime, self.size)?;
        write!(f, "{} {:?} {:?}", hex(&self.content), self.same_as, self.xattrs)
    }
}

/// Entries of a folder by their path in it.
pub(crate) type Tree = BTreeMap<OsString, Kept>;

/// Everything below a folder, as it must come back. The folder itself is not part of a deposit of it.
pub(crate) fn tree(folder: &Path) -> Tree {
    let mut tree = BTreeMap::new();
    let mut names: BTreeMap<(u64, u64), Vec<OsString>> = BTreeMap::new();
    let mut waiting = vec![folder.to_owned()];
    let stat = folder.metadata().unwrap();
    let (mode, mtime) = (stat.mode() & 0o1777, (stat.mtime(), stat.mtime_nsec()));
    let own = Kept { kind: 'd', mode, mtime, size: 0, content: Vec::new(), same_as: None, xattrs: xattrs(folder) };
    tree.insert(".".into(), own);
    while let Some(inner) = waiting.pop() {
        for item in fs::read_dir(&inner).unwrap() {
            let path = item.unwrap().path();
            let stat = path.symlink_metadata().unwrap();
            let relative = path.strip_prefix(folder).unwrap().as_os_str().to_owned();
            let (kind, content, size) = if stat.is_dir() {
                waiting.push(path.clone());
                ('d', Vec::new(), 0)
            } else if stat.is_symlink() {
                ('l', fs::read_link(&path).unwrap().into_os_string().into_vec(), 0)
            } else {
                if stat.nlink() > 1 {
                    names.entry((stat.dev(), stat.ino())).or_default().push(relative.clone());
                }
                ('f', sha256_of_file(&path), stat.size())
            };
            // The permission bits of a link mean nothing.
            let mode = if kind == 'l' { 0 } else { stat.mode() & 0o1777 };
            let mtime = (stat.mtime(), stat.mtime_nsec());
            tree.insert(relative, Kept { kind, mode, mtime, size, content, same_as: None, xattrs: xattrs(&path) });
        }
    }
    for mut same in names.into_values() {
        same.sort();
        for name in &same {
            tree.get_mut(name).unwrap().same_as = Some(same[0].clone());
        }
    }
    tree
}

/// What stands in a folder, without the folder itself.
pub(crate) fn names(folder: &Path) -> Vec<OsString> {
    tree(folder).into_keys().filter(|name| name != ".").collect()
}

/// Compares two trees and names the first entries that differ.
#[track_caller]
pub(crate) fn assert_same(expected: &Tree, found: &Tree) {
    let mut differences = Vec::new();
    for (path, kept) in expected {
        match found.get(path) {
            Some(other) if other == kept => (),
            Some(other) => differences.push(format!("{path:?}: {kept:?}\n  came back as {other:?}")),
            None => differences.push(format!("{path:?} did not come back")),
        }
    }
    differences
        .extend(found.keys().filter(|path| !expected.contains_key(*path)).map(|path| format!("{path:?} is new")));
    let shown: Vec<_> = differences.iter().take(8).cloned().collect();
    assert!(differences.is_empty(), "{} differences:\n{}", differences.len(), shown.join("\n"));
}

fn xattrs(path: &Path) -> Vec<(OsString, Vec<u8>)> {
    let mut names = vec![0; 16 << 10];
    let Ok(length) = rustix::fs::llistxattr(path, &mut names[..]) else { return Vec::new() };
    let mut found = Vec::new();
    for name in names[..length].split(|byte| *byte == 0).filter(|name| name.starts_with(b"user.")) {
        let mut value = vec![0; 64 << 10];
        let length = rustix::fs::lgetxattr(path, name, &mut value[..]).unwrap();
        found.push((OsStr::from_bytes(name).to_owned(), value[..length].to_vec()));
    }
    found.sort();
    found
}

fn sha256_of_file(path: &Path) -> Vec<u8> {
    Sha256::digest(fs::read(path).unwrap()).to_vec()
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Bytes that do not compress, the same for one seed everywhere.
pub(crate) fn noise(seed: u64, bytes: usize) -> Vec<u8> {
    let mut output = vec![0; bytes];
    blake3::Hasher::new().update(b"hizo test noise").update(&seed.to_le_bytes()).finalize_xof().fill(&mut output);
    output
}

/// Numbers that look random, the same for one seed everywhere.
pub(crate) struct Dice(blake3::OutputReader);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(blake3::Hasher::new().update(b"hizo test dice").update(&seed.to_le_bytes()).finalize_xof())
    }

    /// A number below `end`.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        let mut bytes = [0; 8];
        self.0.fill(&mut bytes);
        u64::from_le_bytes(bytes) % end
    }
}

/// Whether `needle` stands anywhere in `haystack`.
pub(crate) fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    memchr::memmem::find(haystack, needle).is_some()
}

/// A passphrase file in the format of age with the work factor 2^1, from the specification alone (C2SP age, scrypt).
pub(crate) fn cheap_passphrase_file(plain: &[u8]) -> Vec<u8> {
    // Everything is fixed: this file lives in one test.
    let (file_key, salt, nonce) = ([7_u8; 16], [8_u8; 16], [9_u8; 16]);
    let mut wrap_key = [0; 32];
    let full_salt = [b"age-encryption.org/v1/scrypt".as_slice(), &salt].concat();
    let cost = scrypt::Params::new(1, 8, 1).unwrap();
    scrypt::scrypt(PASSPHRASE.as_bytes(), &full_salt, &cost, &mut wrap_key).unwrap();
    let body = BASE64.encode(sealed(&wrap_key, [0; 12], &file_key));
    let head = format!("age-encryption.org/v1\n-> scrypt {} 1\n{body}\n---", BASE64.encode(salt));
    let mut mac = Hmac::<Sha256>::new_from_slice(&derived(&[], &file_key, b"header")).unwrap();
    mac.update(head.as_bytes());
    let mut file = format!("{head} {}\n", BASE64.encode(mac.finalize().into_bytes())).into_bytes();
    file.extend(nonce);
    let mut last_chunk = [0; 12];
    last_chunk[11] = 1;
    file.extend(sealed(&derived(&nonce, &file_key, b"payload"), last_chunk, plain));
    file
}

fn derived(salt: &[u8], secret: &[u8], label: &[u8]) -> [u8; 32] {
    let mut key = [0; 32];
    Hkdf::<Sha256>::new(Some(salt), secret).expand(label, &mut key).unwrap();
    key
}

fn sealed(key: &[u8; 32], nonce: [u8; 12], plain: &[u8]) -> Vec<u8> {
    let key = LessSafeKey::new(UnboundKey::new(&CHACHA20_POLY1305, key).unwrap());
    let mut bytes = plain.to_vec();
    key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::empty(), &mut bytes).unwrap();
    bytes
}
