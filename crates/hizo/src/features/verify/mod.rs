//! Whether a bundle proves what it shows: read from its folder and held against what the verifier brought. Needs no safe,
//! no keeper and no network, and takes nothing from the bundle as trust.

pub(crate) mod command;

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use hizo_ledger::commitment::ContentHasher;
use hizo_ledger::log::note::NamedKey;
use hizo_ledger::log::policy::Policy;
use hizo_ledger::proof::{Brought, Bundle, GivenFile, Report};
use hizo_ledger::timestamp::{Authority, LIST_BYTES_MAX, certificates_from_pem, revocation_lists_from_pem};
use sha2::{Digest as _, Sha256};

use crate::bundle;
use crate::failure::{Failure, Kind, Outcome, shown};
use crate::kept;
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
    let files = request.files.iter().map(|path| given(&bundle, path)).collect::<Outcome<Vec<_>>>()?;
    let brought = Brought {
        policy: policy.as_ref(),
        authorities: &authorities,
        revocation: &revocation,
        receipt_key: receipt_key.as_ref(),
        files: &files,
    };
    Ok(kept::verify(&bundle, &brought))
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

/// A file's hashes, however large it is; once more for each key under which it may have been committed to.
fn given(bundle: &Bundle, path: &Path) -> Outcome<GivenFile> {
    let (mut hasher, mut size) = (Sha256::new(), 0_u64);
    stream(path, |piece| {
        hasher.update(piece);
        size += piece.len() as u64;
    })?;
    let sha256 = hasher.finalize().into();
    let mut hashers: Vec<_> = bundle.keys_for(&sha256).into_iter().map(ContentHasher::new).collect();
    if !hashers.is_empty() {
        stream(path, |piece| hashers.iter_mut().for_each(|hasher| hasher.update(piece)))?;
    }
    Ok(GivenFile { sha256, size, values: hashers.into_iter().map(ContentHasher::finish).collect() })
}

fn stream(path: &Path, mut take: impl FnMut(&[u8])) -> Outcome<()> {
    let mut piece = vec![0; PIECE_BYTES];
    let mut file = fs::File::open(path).map_err(|error| Failure::file("read", path, error))?;
    loop {
        match file.read(&mut piece).map_err(|error| Failure::file("read", path, error))? {
            0 => return Ok(()),
            count => take(&piece[..count]),
        }
    }
}
