//! Whether a bundle proves what it shows: read from its folder and held against what the verifier brought. Needs no safe,
//! no keeper and no network, and takes nothing from the bundle as trust.

pub(crate) mod command;
pub(crate) mod page;

use std::fs::{self, File};
use std::io::{Read as _, Seek as _};
use std::path::{Path, PathBuf};

use hizo_ledger::commitment::ContentValue;
use hizo_ledger::log::note::NamedKey;
use hizo_ledger::log::policy::Policy;
use hizo_ledger::proof::{Brought, GivenFile, Opened, Report};
use hizo_ledger::timestamp::{Authority, LIST_BYTES_MAX, certificates_from_pem, revocation_lists_from_pem};
use sha2::{Digest as _, Sha256};

use crate::bundle;
use crate::failure::{Failure, Kind, Outcome, shown};
use crate::kept;
use crate::system;
use crate::words::words;

/// Bytes of a file that are read at once.
const PIECE_BYTES: usize = 1 << 20;

/// What to check, and what to hold it against.
pub(crate) struct Request<'a> {
    pub bundle: &'a Path,
    pub files: &'a [PathBuf],
    pub policy: Option<&'a Path>,
    pub roots: Option<&'a Path>,
    pub crls: Option<&'a Path>,
    pub receipt_key: Option<&'a str>,
}

/// Checks a bundle.
pub(crate) fn verify(request: &Request<'_>) -> Outcome<Report> {
    let policy = request.policy.map(read_policy).transpose()?;
    let authorities = request.roots.map(read_roots).transpose()?.unwrap_or_default();
    let receipt_key = request.receipt_key.map(read_key).transpose()?;
    let revocation = request.crls.map(read_revocation).transpose()?.unwrap_or_default();
    let bundle = bundle::of(bundle::files(request.bundle)?)?;
    let opened = bundle.open();
    let files = request.files.iter().map(|path| given(&opened, path)).collect::<Outcome<Vec<_>>>()?;
    let brought = Brought {
        policy: policy.as_ref(),
        authorities: &authorities,
        revocation: &revocation,
        receipt_key: receipt_key.as_ref(),
        files: &files,
    };
    Ok(kept::checked(&bundle, opened.verify(&brought)))
}

fn read_policy(path: &Path) -> Outcome<Policy> {
    let bytes = bundle::read(path, hizo_ledger::log::policy::POLICY_BYTES_MAX)?;
    Policy::parse(&bytes).map_err(|error| {
        let path = shown(path);
        Failure::fixable(words!("{path} is no policy: {error}", "{path} は信頼先の一覧として読めません: {error}")).hint(
            words!(
                "Ask for the file once more, from somebody you trust and not from who sent the proof.",
                "証明の送り主ではなく、信頼できる人から、もう一度受け取ってください。"
            ),
        )
    })
}

/// Roots as PEM, or a list of authorities.
fn read_roots(path: &Path) -> Outcome<Vec<Authority>> {
    let bytes = bundle::read(path, LIST_BYTES_MAX)?;
    let text = String::from_utf8_lossy(&bytes);
    let pem = || match certificates_from_pem(&text) {
        Ok(roots) => Ok(vec![Authority::new(&shown(path), &roots)?]),
        Err(error) => Err(error),
    };
    let is_list = text.lines().find(|line| !line.is_empty() && !line.starts_with('#')) == Some("hizo/authorities/v1");
    let read = if is_list { Authority::parse_list(&text) } else { pem() };
    read.map_err(|error| {
        let path = shown(path);
        Failure::fixable(words!("{path} holds no roots: {error}", "{path} をルート証明書として読めません: {error}"))
            .hint(words!(
                "Give the authority's root certificate as PEM.",
                "時刻認証局のルート証明書を、PEM 形式で指定してください。"
            ))
    })
}

/// A file without a list would let somebody believe that there is nothing against a stamp.
fn read_revocation(path: &Path) -> Outcome<Vec<Vec<u8>>> {
    let lists = revocation_lists_from_pem(&String::from_utf8_lossy(&bundle::read(path, LIST_BYTES_MAX)?));
    if lists.is_empty() {
        let path = shown(path);
        return Err(Failure::fixable(words!("{path} holds no revocation list", "{path} に失効リストがありません"))
            .hint(words!(
                "Give the authority's revocation lists as PEM: `openssl crl -inform DER -in FILE` writes one.",
                "時刻認証局の失効リストを PEM 形式で指定してください。`openssl crl -inform DER -in FILE` で作れます。"
            )));
    }
    Ok(lists)
}

fn read_key(text: &str) -> Outcome<NamedKey> {
    NamedKey::parse(text).map_err(|error| {
        Failure::new(Kind::Usage, words!("--receipt-key: {error}", "--receipt-key を読めません: {error}")).hint(words!(
            "Write it as the keeper publishes it: name+id+key.",
            "預かる側が公開しているとおり、名前+番号+鍵 の形で指定してください。"
        ))
    })
}

/// A file's hashes, however large it is; read once more under each key under which it was committed to.
fn given(opened: &Opened<'_>, path: &Path) -> Outcome<GivenFile> {
    let mut file = open(path)?;
    let (sha256, size) = digest(path, &mut file, &mut [])?;
    let keys = opened.keys_for(&sha256);
    let mut hashers: Vec<_> = keys.iter().map(blake3::Hasher::new_keyed).collect();
    if !hashers.is_empty() {
        file.rewind().map_err(|error| Failure::file("read", path, error))?;
        // What changed meanwhile would look like a file of which only the digest was known: a false accusation.
        if digest(path, &mut file, &mut hashers)? != (sha256, size) {
            let path = shown(path);
            return Err(Failure::fixable(words!(
                "{path} changed while it was read",
                "{path} は読み取り中に変わりました"
            ))
            .hint(words!("Compare a copy that nobody changes.", "誰も変更しない控えを作り、それを比べてください。")));
        }
    }
    let hashes = hashers.iter().map(|hasher| hasher.finalize().into());
    let values = keys.into_iter().zip(hashes).map(|(key, blake3)| ContentValue { sha256, key, blake3 });
    Ok(GivenFile { sha256, size, values: values.collect() })
}

/// A regular file, which can be read twice. It may be named by way of links.
fn open(path: &Path) -> Outcome<File> {
    let real = fs::canonicalize(path).and_then(|real| system::open_to_read(&real));
    let file = real.map_err(|error| Failure::file("read", path, error))?;
    if file.metadata().map_err(|error| Failure::file("read", path, error))?.is_file() {
        return Ok(file);
    }
    let path = shown(path);
    Err(Failure::fixable(words!("{path} is no regular file", "{path} は通常のファイルではありません"))
        .hint(words!("Save it to a file first, and name that.", "いったんファイルに保存し、それを指定してください。")))
}

/// SHA-256 and length of a file, whose bytes the other hashers take too.
fn digest(path: &Path, file: &mut File, others: &mut [blake3::Hasher]) -> Outcome<([u8; 32], u64)> {
    let (mut hasher, mut size, mut piece) = (Sha256::new(), 0_u64, vec![0; PIECE_BYTES]);
    loop {
        let count = file.read(&mut piece).map_err(|error| Failure::file("read", path, error))?;
        if count == 0 {
            return Ok((hasher.finalize().into(), size));
        }
        hasher.update(&piece[..count]);
        for other in &mut *others {
            other.update(&piece[..count]);
        }
        size += count as u64;
    }
}
