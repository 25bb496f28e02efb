//! Whether a bundle proves what it shows: read from its folder and held against what the verifier brought. Needs no safe,
//! no keeper and no network, and takes nothing from the bundle as trust.

pub(crate) mod command;
mod zip;

use std::collections::BTreeMap;
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use hizo_ledger::commitment::ContentHasher;
use hizo_ledger::log::note::NamedKey;
use hizo_ledger::log::policy::Policy;
use hizo_ledger::proof::{self, Brought, Bundle, GivenFile, NotABundle, Report};
use hizo_ledger::timestamp::{Authority, LIST_BYTES_MAX, certificates_from_pem};
use sha2::{Digest as _, Sha256};

use crate::failure::{Failure, Kind, Outcome, shown};
use crate::kept;
use crate::words::{Words, words};

/// Bytes of a file that are read at once.
const PIECE_BYTES: usize = 1 << 20;

/// What to check, and what to hold it against.
pub(crate) struct Request<'a> {
    pub bundle: &'a Path,
    pub files: &'a [PathBuf],
    pub policy: Option<&'a Path>,
    pub roots: Option<&'a Path>,
    pub receipt_key: Option<&'a str>,
}

/// Checks a bundle.
pub(crate) fn verify(request: &Request<'_>) -> Outcome<Report> {
    let policy = request.policy.map(read_policy).transpose()?;
    let authorities = request.roots.map(read_roots).transpose()?.unwrap_or_default();
    let receipt_key = request.receipt_key.map(read_key).transpose()?;
    let bundle = read_bundle(request.bundle)?;
    let files = request.files.iter().map(|path| given(&bundle, path)).collect::<Outcome<Vec<_>>>()?;
    let brought = Brought {
        policy: policy.as_ref(),
        authorities: &authorities,
        receipt_key: receipt_key.as_ref(),
        files: &files,
    };
    Ok(kept::verify(&bundle, &brought))
}

/// A bundle is a folder, or one file that holds the same.
fn read_bundle(place: &Path) -> Outcome<Bundle> {
    let is_folder = fs::metadata(place).map_err(|error| Failure::file("read", place, error))?.is_dir();
    let files = if is_folder { read_folder(place)? } else { read_zip(place)? };
    Bundle::new(files).map_err(|error| match &error {
        NotABundle::Missing(name) => not_whole(words!("{name} is missing", "{name} がありません")),
        NotABundle::TooLong(_) | NotABundle::TooManyStamps | NotABundle::TooManyKept => no_proof(error),
    })
}

fn read_folder(folder: &Path) -> Outcome<BTreeMap<String, Vec<u8>>> {
    let mut files = BTreeMap::new();
    for below in ["", "stamps/", "kept/"] {
        let place = folder.join(below);
        let listing = match fs::read_dir(&place) {
            Ok(listing) => listing,
            Err(error) if below.is_empty() => return Err(Failure::file("read", folder, error)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            Err(error) => return Err(Failure::file("read", &place, error)),
        };
        for entry in listing {
            let entry = entry.map_err(|error| Failure::file("read", &place, error))?;
            let kind = entry.file_type().map_err(|error| Failure::file("read", &entry.path(), error))?;
            let Ok(name) = entry.file_name().into_string() else { continue };
            let name = format!("{below}{name}");
            // A pipe or a link would lead out of what was handed over.
            if let (true, Some(bytes_max)) = (kind.is_file(), proof::bytes_max(&name)) {
                files.insert(name, read(&entry.path(), bytes_max)?);
            }
        }
    }
    Ok(files)
}

fn read_zip(path: &Path) -> Outcome<BTreeMap<String, Vec<u8>>> {
    zip::files(&read(path, zip::BYTES_MAX)?).map_err(|error| match error {
        zip::Error::Unreadable(_) => not_whole(words!("{error}", "ZIP として読めません（{error}）")),
        error => no_proof(error),
    })
}

fn not_whole(reason: Words) -> Failure {
    Failure::new(
        Kind::Unknown,
        words!("this is no whole proof: {reason}", "証明として揃っていません: {reason}"; reason),
    )
    .hint(words!(
        "Name the folder or the ZIP that the proof came in, with everything that was in it.",
        "受け取った証明のフォルダーか ZIP を、中身をすべて揃えて指定してください。"
    ))
}

fn no_proof(error: impl std::error::Error) -> Failure {
    Failure::untrue(words!("this is no proof: {error}", "証明ではありません: {error}"))
}

/// At most one byte more than may be there.
fn read(path: &Path, bytes_max: usize) -> Outcome<Vec<u8>> {
    let mut bytes = Vec::new();
    let file = fs::File::open(path).map_err(|error| Failure::file("read", path, error))?;
    let room = u64::try_from(bytes_max).unwrap_or(u64::MAX).saturating_add(1);
    file.take(room).read_to_end(&mut bytes).map_err(|error| Failure::file("read", path, error))?;
    Ok(bytes)
}

fn read_policy(path: &Path) -> Outcome<Policy> {
    let bytes = read(path, hizo_ledger::log::policy::POLICY_BYTES_MAX)?;
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
    let bytes = read(path, LIST_BYTES_MAX)?;
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
