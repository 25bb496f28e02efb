//! The whole round on a folder, in a safe that is gone afterwards: seal, keep, list, restore, compare, prove.
//!
//! This is the one feature that calls others: it shows them at work, and decides nothing of its own.

pub(crate) mod command;
mod network;
pub(crate) mod page;
mod sample;

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use hizo_ledger::commitment::Fields;
use hizo_ledger::id::{ObjectId, SeriesId, SpaceId};
use hizo_ledger::object::ObjectList;
use hizo_ledger::proof::{Doubt, Verdict};
use hizo_ledger::record::Record;
use hizo_vault::keys::generate_passphrase;
use hizo_vault::manifest::{Kind, Manifest};

use crate::contents::Opened;
use crate::entropy::{SystemEntropy, random};
use crate::failure::{Failure, Kind as FailureKind, Outcome};
use crate::features::deposit::{self, Made};
use crate::features::{init, proof, restore, verify};
use crate::folder::listing::{FoundKind, Listing};
use crate::folder::walk;
use crate::hashing::hex;
use crate::home;
use crate::log;
use crate::safe::Safe;
use crate::system;
use crate::there::There;
use crate::view::View;
use crate::words::words;

/// Where the safe of a round lies in its folder, and beside it what opens that where the folder stays.
const HOME: &str = "home";
const PASSPHRASE_FILE: &str = "passphrase";

/// Everything a round found out.
pub(super) struct Round {
    pub folder: PathBuf,
    pub safe_name: String,
    pub series: String,
    pub first: Made,
    pub first_took: Duration,
    pub second: Made,
    pub second_took: Duration,
    pub restored: Compared,
    pub restore_took: Duration,
    /// Some names of what was kept.
    pub names: Vec<String>,
    pub keeper: Seen,
    /// The keeper is another one than the round's own.
    pub is_elsewhere: bool,
    /// A proof of one file; nothing where there is no file.
    pub shown: Option<Shown>,
}

/// What a keeper sees of a safe: all that records name in the clear.
pub(super) struct Seen {
    pub space: SpaceId,
    pub series: Option<SeriesId>,
    /// Each object, by its id, with its length in bytes.
    pub objects: Vec<(ObjectId, u64)>,
    pub records: usize,
}

/// A proof of one file, found consistent by whoever trusts the log, with nobody's word but the keeper's for its time.
pub(super) struct Shown {
    /// Its path in the deposit.
    pub file: String,
    pub took: Duration,
    /// The command of the stock tool that the proof's own page names.
    pub command: String,
    /// Whether that tool is on this machine and says that the stamp holds.
    pub stock_agrees: bool,
    pub certificate: PathBuf,
}

/// How long a keeper elsewhere is waited for that has no stamp yet: as long as it rests between two, and a little more.
const STAMP_PATIENCE: Duration = Duration::from_secs(75);
const STAMP_WAIT: Duration = Duration::from_secs(1);

/// What a byte-by-byte comparison went through.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Compared {
    pub files: u64,
    pub bytes: u64,
}

/// A folder for one round, removed when it is over unless it is to stay.
pub(super) struct Scratch {
    folder: PathBuf,
    stays: bool,
}

impl Scratch {
    /// Makes the folder: where the person wants it to stay, or among temporary files.
    pub(super) fn make(keep: Option<&Path>) -> Outcome<Self> {
        let folder = match keep {
            Some(folder) => folder.to_owned(),
            None => {
                let name = hex(&random::<8>());
                std::env::temp_dir().join(format!("hizo-try-{name}"))
            }
        };
        if folder.exists() {
            return Err(Failure::fixable(words!(
                "{folder} is there already",
                "{folder} はすでにあります",
                folder = crate::failure::shown(&folder)
            ))
            .hint(words!(
                "Nothing was changed. Name a folder that is not there yet.",
                "何も変更していません。まだないフォルダーを指定してください。"
            )));
        }
        system::create_private_directory(&folder).map_err(|error| Failure::file("make the folder", &folder, error))?;
        Ok(Self { folder, stays: keep.is_some() })
    }

    fn join(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if !self.stays {
            // What cannot be removed lies among temporary files, sealed but for the restored copy.
            let _ = fs::remove_dir_all(&self.folder);
        }
    }
}

/// Series of the sample company: the folders of the sample.
const COMPANY: [&str; 4] = ["金型", "配合", "営業", "開発"];

/// A company to look at, with a safe that holds the sample, in a folder that is not there yet. Nothing is left of one that cannot be made.
///
/// # Errors
/// When the folder is there, or cannot be written to.
fn company(folder: &Path) -> Outcome<()> {
    let mut scratch = Scratch::make(Some(folder))?;
    scratch.stays = false;
    let source = write_sample(&scratch.join("sample"))?;
    let passphrase = generate_passphrase(&mut SystemEntropy);
    home::write_new(&scratch.join(PASSPHRASE_FILE), format!("{}\n", *passphrase).as_bytes())?;
    let home = init::init(&scratch.join(HOME), "徳田精機（見本） Tokuda Seiki (sample)", &passphrase, None)?;
    let device = home.device()?;
    let mut safe = Safe::open(home)?;
    for series in COMPANY {
        deposit::deposit(&mut safe, &device, &deposit::Request::of(vec![source.join(series)], series), &())?;
    }
    scratch.stays = true;
    Ok(())
}

/// Goes the whole round on `folder`, or on the sample, at a keeper of its own or at one elsewhere.
///
/// # Errors
/// As the features it calls; and when the restored folder differs, which must not happen.
pub(super) fn round(
    scratch: &Scratch,
    folder: Option<&Path>,
    there: Option<&There>,
    told: &dyn deposit::Watcher,
) -> Outcome<Round> {
    let source = match folder {
        Some(folder) => folder.to_owned(),
        None => write_sample(&scratch.join("sample"))?,
    };
    let safe_name = if folder.is_none() { "徳田精機 Tokuda Seiki" } else { "trial" };
    let series = if folder.is_none() { "KX-204" } else { "trial" };
    let passphrase = generate_passphrase(&mut SystemEntropy);
    if scratch.stays {
        let path = scratch.join(PASSPHRASE_FILE);
        home::write_new(&path, format!("{}\n", *passphrase).as_bytes())?;
    }
    let home = init::init(&scratch.join(HOME), safe_name, &passphrase, there)?;
    let device = home.device()?;
    let mut safe = Safe::open(home)?;
    let request = deposit::Request::of(vec![source.clone()], series);
    let start = Instant::now();
    let first = deposit::deposit(&mut safe, &device, &request, told)?;
    let first_took = start.elapsed();
    let start = Instant::now();
    let second = deposit::deposit(&mut safe, &device, &request, &())?;
    let second_took = start.elapsed();

    let keyring = safe.unlock(&passphrase)?;
    let opened = Opened { safe: &safe, keyring: &keyring };
    let record = View::of(opened)?.find(opened, &format!("latest:{series}"))?;
    let to = scratch.join("restored");
    let start = Instant::now();
    let restored = restore::restore(opened, record, &restore::Request::private(to.clone(), Vec::new()), &())?;
    let restore_took = start.elapsed();
    if let Some((path, reason)) = restored.left_out.first() {
        let path = crate::failure::shown_bytes(path);
        return Err(Failure::fixable(words!(
            "{path} could not be restored here: {reason}",
            "{path} は、ここには取り出せませんでした: {reason}"
        )));
    }
    if let Some(failure) = restored.shortfall() {
        return Err(failure);
    }
    let restored = compare(&source, &to)?;
    let manifest = opened.manifest(record)?;
    let shown = chosen(&manifest).map(|path| show(scratch, opened, record, &source, path)).transpose()?;
    let names = manifest
        .entries
        .iter()
        .filter(|entry| entry.kind.content().is_some())
        .take(3)
        .map(|entry| crate::failure::shown_bytes(&entry.path))
        .collect();
    let (keeper, is_elsewhere) = (seen(&safe)?, there.is_some());
    Ok(Round {
        is_elsewhere,
        folder: source,
        safe_name: safe_name.to_owned(),
        series: series.to_owned(),
        first,
        first_took,
        second,
        second_took,
        restored,
        restore_took,
        names,
        keeper,
        shown,
    })
}

/// What the keeper of a safe sees of it, by what the records name.
fn seen(safe: &Safe) -> Outcome<Seen> {
    let mut objects = BTreeMap::new();
    for record in &safe.records {
        let direct = record.body_object().into_iter().chain(record.recipient()).chain(record.object_list());
        let wraps = record.wraps().map(|(_, wrap)| wrap);
        for object in direct.chain(wraps) {
            let length = safe.object(object)?.as_bytes().len() as u64;
            objects.insert(object.id(), length);
        }
        if let Some(list) = record.object_list() {
            let list = ObjectList::parse(&safe.object(list)?).map_err(Failure::internal)?;
            objects.extend(list.objects().iter().map(|object| (object.id(), object.bytes())));
        }
    }
    let series = safe.chain.series().keys().next().copied();
    Ok(Seen { space: safe.home.space, series, objects: objects.into_iter().collect(), records: safe.records.len() })
}

/// The file that is proved: the sample's drawing, else the first one.
fn chosen(manifest: &Manifest) -> Option<&[u8]> {
    let mut files = manifest.entries.iter().filter(|entry| matches!(entry.kind, Kind::File(_)));
    let drawing = files.clone().find(|entry| entry.path == sample::DRAWING.as_bytes());
    drawing.or_else(|| files.next()).map(|entry| entry.path.as_slice())
}

/// Proves one file, and checks the proof as a stranger would: by hizo, and by the stock tool where it is there.
fn show(scratch: &Scratch, opened: Opened, record: &Record, source: &Path, path: &[u8]) -> Outcome<Shown> {
    let request = proof::Request {
        to: scratch.join("proof"),
        paths: vec![path.to_vec()],
        show: Fields { content: true, name: true, meta: true },
        complete: false,
        kept: false,
        authorities: Vec::new(),
    };
    let is_elsewhere = opened.safe.keeper.here().is_none();
    let until = Instant::now() + STAMP_PATIENCE;
    let (proved, took) = loop {
        let start = Instant::now();
        match proof::prove(opened, record, &request) {
            Ok(proved) => break (proved, start.elapsed()),
            // A keeper elsewhere has not stamped it yet.
            Err(failure)
                if is_elsewhere
                    && failure.kind == FailureKind::Unknown
                    && !failure.is_unreachable()
                    && Instant::now() < until =>
            {
                thread::sleep(STAMP_WAIT);
            }
            Err(failure) => return Err(failure),
        }
    };
    let policy = scratch.join("policy");
    let trusted = format!("log {}\nquorum none\n", log::named_key(&opened.safe.home)?);
    fs::write(&policy, trusted).map_err(|error| Failure::file("write", &policy, error))?;
    let file = system::path_from_bytes(path).map_err(|error| Failure::file("read", source, error))?;
    let report = verify::verify(&verify::Request {
        bundle: &request.to,
        files: &[source.join(file)],
        policy: Some(&policy),
        roots: None,
        crls: None,
        receipt_key: Some(&opened.safe.home.receipt_key.to_string()),
    })?;
    // Nothing else may be in doubt, and the time must be: this machine knows nobody else who stamps.
    if report.verdict != Verdict::CannotBeTold(vec![Doubt::SelfStamped]) {
        return Err(match is_elsewhere {
            true => log::lying(words!("its proof is not as it must be", "証明が正しくありません")),
            false => Failure::internal_message(format!("the proof is not as it must be: {:?}", report.verdict)),
        });
    }
    let command = proved.stock_commands.into_iter().next().unwrap_or_default();
    let stock_agrees = run_stock(&command, &request.to)?;
    let file = crate::failure::shown_bytes(path);
    Ok(Shown { file, took, command, stock_agrees, certificate: request.to.join("certificate.pdf") })
}

/// Runs a stock tool in a folder; whether it is there.
fn run_stock(command: &str, folder: &Path) -> Outcome<bool> {
    let mut words = command.split(' ');
    let mut program = Command::new(words.next().unwrap_or_default());
    program.args(words).current_dir(folder).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    match program.status() {
        Ok(done) if done.success() => Ok(true),
        Ok(_) => Err(Failure::internal_message(words!(
            "the stock tool does not accept the proof: {command}",
            "一般の道具が証明を認めません: {command}"
        ))),
        Err(_) => Ok(false),
    }
}

fn write_sample(folder: &Path) -> Outcome<PathBuf> {
    for (path, bytes) in sample::FILES {
        let path = folder.join(path);
        let write = || {
            fs::create_dir_all(path.parent().unwrap_or(folder))?;
            fs::write(&path, bytes)
        };
        write().map_err(|error| Failure::file("write the sample to", &path, error))?;
    }
    Ok(folder.to_owned())
}

/// Compares two folders: the same entries, and every byte of every file.
fn compare(one: &Path, other: &Path) -> Outcome<Compared> {
    let walk =
        |folder: &Path| walk::walk(&[folder.to_owned()], &[]).map_err(|error| Failure::file("read", folder, error));
    let (one, other) = (walk(one)?, walk(other)?);
    let facts = |listing: &Listing| -> Vec<_> {
        listing.iter().map(|entry| (entry.path, entry.kind, entry.stat.size)).collect()
    };
    if facts(&one) != facts(&other) {
        return Err(differs());
    }
    let mut compared = Compared::default();
    for entry in one.iter().filter(|entry| entry.kind == FoundKind::File) {
        let open = |listing: &Listing| {
            let path = listing.on_disk(&entry.path).unwrap_or_default();
            fs::File::open(&path).map_err(|error| Failure::file("read", &path, error))
        };
        let same = same_bytes(open(&one)?, open(&other)?);
        if !same.map_err(|error| cannot_compare().source(error))? {
            return Err(differs());
        }
        compared.files += 1;
        compared.bytes += entry.stat.size;
    }
    Ok(compared)
}

fn differs() -> Failure {
    Failure::untrue(words!("what was restored is not what was deposited", "取り出したものが、預けたものと違います"))
        .hint(words!(
            "If nothing changed the folder meanwhile, please report this.",
            "その間にフォルダーが変わっていなければ、お手数ですがお知らせください。"
        ))
}

fn cannot_compare() -> Failure {
    Failure::fixable(words!("cannot compare what was restored", "取り出したものを見比べられません"))
}

fn same_bytes(mut one: fs::File, mut other: fs::File) -> io::Result<bool> {
    let (mut left, mut right) = (Vec::new(), Vec::new());
    loop {
        left.clear();
        right.clear();
        (&mut one).take(1 << 20).read_to_end(&mut left)?;
        (&mut other).take(1 << 20).read_to_end(&mut right)?;
        if left != right {
            return Ok(false);
        }
        if left.is_empty() {
            return Ok(true);
        }
    }
}
