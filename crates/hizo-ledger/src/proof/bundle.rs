//! The files of a bundle, as bytes.

use std::collections::{BTreeMap, BTreeSet};

use super::disclosure::DISCLOSURE_BYTES_MAX;
use super::kept::{KEPT_BYTES_MAX, KEPT_PACKS_MAX, KEPT_RECORDS_MAX};
use crate::id::ObjectId;
use crate::log::{note, proof::PROOF_BYTES_MAX, receipt::RECEIPT_BYTES_MAX};
use crate::object::{OBJECT_LIST_LINE_BYTES_MAX, OBJECT_LIST_LINES_MAX};
use crate::record::{self, SIGNATURES_MAX};
use crate::timestamp::{LIST_BYTES_MAX, RESPONSE_BYTES_MAX};

/// Stamps in one bundle, those of its renewals with them, at most.
pub const STAMPS_MAX: usize = 64;

/// Renewals in one bundle, at most.
pub const RENEWALS_MAX: usize = 32;

/// The files that a bundle must have.
pub const FILES: [&str; 5] = ["record.note", "receipt.note", "checkpoint", "record.tlog-proof", "opening.json"];

/// A file that a bundle may have: the keys that signed the record.
const KEYS: &str = "record.keys";

/// What a renewal has of each earlier stamp that it covers.
const EARLIER: [&str; 3] = [".note", ".receipt", ".tlog-proof"];
/// A file that a bundle may have: where the bytes of shown contents lie.
const KEPT: &str = "kept.json";

/// Lengths of an object list and of a pack, at most, in bytes.
const LIST_LINES_BYTES_MAX: usize = OBJECT_LIST_LINES_MAX.saturating_mul(OBJECT_LIST_LINE_BYTES_MAX as usize);
const PACK_BYTES_MAX: usize = 16 << 20;

/// Files of a bundle, at most, certificates beside no stamp with them.
pub const NAMES_MAX: usize = 1_024;

/// Length of a name in `stamps/`, at most, in bytes.
const NAME_BYTES_MAX: usize = 100;

/// Why files are not a bundle. Nothing about what they say.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotABundle {
    /// A file is missing.
    #[error("there is no {0}")]
    Missing(String),
    /// A file is longer than [`bytes_max`] of its name.
    #[error("{0} is longer than it may be")]
    TooLong(String),
    /// More than [`STAMPS_MAX`] stamps.
    #[error("there are more than {STAMPS_MAX} stamps")]
    TooManyStamps,
    /// More than [`NAMES_MAX`] files.
    #[error("there are more than {NAMES_MAX} files of a proof")]
    TooManyFiles,
    /// More than [`RENEWALS_MAX`] renewals.
    #[error("there are more than {RENEWALS_MAX} renewals")]
    TooManyRenewals,
    /// More than [`KEPT_PACKS_MAX`] packs, or [`KEPT_RECORDS_MAX`] earlier records.
    #[error("there are more packs or earlier records than a proof may have")]
    TooManyKept,
}

/// A bundle that has its files. Nothing of it is believed before [`Bundle::verify`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bundle {
    pub(super) record: Vec<u8>,
    pub(super) keys: Option<Vec<u8>>,
    pub(super) receipt: Vec<u8>,
    pub(super) tlog_proof: Vec<u8>,
    pub(super) opening: Vec<u8>,
    pub(super) stamped: Stamped,
    pub(super) renewals: Vec<Renewal>,
    pub(super) kept: Option<Vec<u8>>,
    /// Earlier records of the series and object lists, by the deposit's number; packs by their id as it is claimed.
    pub(super) earlier: BTreeMap<u64, Vec<u8>>,
    pub(super) lists: BTreeMap<u64, Vec<u8>>,
    pub(super) packs: BTreeMap<ObjectId, Vec<u8>>,
}

/// A head of the log as it was stamped, and the stamps over it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stamped {
    pub(super) checkpoint: Vec<u8>,
    pub(super) stamps: Vec<StampFile>,
}

/// A later head, and what of the stamps over the head before stands under it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Renewal {
    pub(super) stamped: Stamped,
    pub(super) earlier: Vec<Earlier>,
}

/// The record of a stamp, and the proof that it stands in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Earlier {
    /// The stamp's file over the head before, without ending.
    pub(super) name: String,
    pub(super) note: Vec<u8>,
    pub(super) receipt: Vec<u8>,
    pub(super) tlog_proof: Vec<u8>,
    /// Revocation lists of the day on which it was renewed, as PEM.
    pub(super) revocation: Option<Vec<u8>>,
}

/// An authority's answer, and certificates that may help to build its chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StampFile {
    pub(super) name: String,
    pub(super) response: Vec<u8>,
    pub(super) certificates: Option<Vec<u8>>,
    /// Revocation lists as PEM.
    pub(super) revocation: Option<Vec<u8>>,
}

/// The most bytes that a file of this name may have; `None` when a bundle's check reads no such file.
pub fn bytes_max(name: &str) -> Option<usize> {
    if let Some((_, within)) = renewal(name) {
        return match within {
            "checkpoint" => Some(note::NOTE_BYTES_MAX),
            _ if named(within, "earlier/", ".note").is_some() => Some(record::NOTE_BYTES_MAX),
            _ if named(within, "earlier/", ".receipt").is_some() => Some(RECEIPT_BYTES_MAX),
            _ if named(within, "earlier/", ".tlog-proof").is_some() => Some(PROOF_BYTES_MAX),
            _ if named(within, "earlier/", ".crl").is_some() => Some(LIST_BYTES_MAX),
            _ => stamp_bytes_max(within),
        };
    }
    Some(match name {
        "record.note" => record::NOTE_BYTES_MAX,
        KEYS => SIGNATURES_MAX.saturating_mul(64),
        "receipt.note" => RECEIPT_BYTES_MAX,
        "checkpoint" => note::NOTE_BYTES_MAX,
        "record.tlog-proof" => PROOF_BYTES_MAX,
        "opening.json" => DISCLOSURE_BYTES_MAX,
        KEPT => KEPT_BYTES_MAX,
        _ if numbered(name, ".note").is_some() => record::NOTE_BYTES_MAX,
        _ if numbered(name, ".objects").is_some() => LIST_LINES_BYTES_MAX,
        _ if pack(name).is_some() => PACK_BYTES_MAX,
        _ => return stamp_bytes_max(name),
    })
}

/// The names of the files that are there, counted before anything is read: no number of them takes more memory than a
/// bundle may.
#[derive(Debug, Default)]
pub struct Names {
    found: BTreeSet<String>,
    stamps: usize,
}

impl Names {
    /// Takes a name up, unless a check reads no such file.
    ///
    /// # Errors
    /// [`NotABundle`], when there are more than a bundle has.
    pub fn add(&mut self, name: String) -> Result<(), NotABundle> {
        if bytes_max(&name).is_none() {
            return Ok(());
        }
        if renewal(&name).is_some_and(|(number, _)| number > RENEWALS_MAX) {
            return Err(NotABundle::TooManyRenewals);
        }
        self.stamps = self.stamps.saturating_add(usize::from(name.ends_with(".tsr")));
        if self.stamps > STAMPS_MAX {
            return Err(NotABundle::TooManyStamps);
        }
        self.found.insert(name);
        if self.found.len() > NAMES_MAX { Err(NotABundle::TooManyFiles) } else { Ok(()) }
    }

    /// Those that are read: certificates and revocation lists only beside what they are for.
    pub fn to_read(&self) -> impl Iterator<Item = &str> {
        let lacks = |name: &str, ending, beside| {
            name.strip_suffix(ending).is_some_and(|stem| !self.found.contains(&format!("{stem}{beside}")))
        };
        let is_alone = move |name: &str| match name.contains("earlier/") {
            true => lacks(name, ".crl", ".note"),
            false => lacks(name, ".pem", ".tsr") || lacks(name, ".crl", ".tsr"),
        };
        self.found.iter().map(String::as_str).filter(move |name| !is_alone(name))
    }
}

/// Whether a bundle's check reads files in a folder of this name.
pub fn is_folder(name: &str) -> bool {
    let within = format!("{name}/");
    match renewal(&within) {
        Some((number, within)) => {
            number <= RENEWALS_MAX.saturating_add(1) && ["", "stamps/", "earlier/"].contains(&within)
        }
        None => ["stamps/", "renewals/", "kept/"].contains(&within.as_str()),
    }
}

fn stamp_bytes_max(name: &str) -> Option<usize> {
    let answer = named(name, "stamps/", ".tsr").map(|_| RESPONSE_BYTES_MAX);
    let beside = [".pem", ".crl"].into_iter().find_map(|ending| named(name, "stamps/", ending));
    answer.or(beside.map(|_| LIST_BYTES_MAX))
}

/// The name between: `a` of `stamps/a.tsr`.
fn named<'a>(path: &'a str, folder: &str, ending: &str) -> Option<&'a str> {
    let name = path.strip_prefix(folder)?.strip_suffix(ending)?;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    ((1..=NAME_BYTES_MAX).contains(&name.len()) && name.bytes().all(plain) && !name.starts_with('.')).then_some(name)
}

/// A renewal's number and a path in its folder: 2 and `checkpoint` of `renewals/2/checkpoint`.
fn renewal(path: &str) -> Option<(usize, &str)> {
    let (digits, within) = path.strip_prefix("renewals/")?.split_once('/')?;
    let number: usize = digits.parse().ok()?;
    (number > 0 && number.to_string() == digits).then_some((number, within))
}

type Files = BTreeMap<String, Vec<u8>>;
/// The number of an earlier deposit: 3 of `kept/3.note`.
fn numbered(name: &str, ending: &str) -> Option<u64> {
    let digits = name.strip_prefix("kept/")?.strip_suffix(ending)?;
    digits.parse().ok().filter(|number: &u64| number.to_string() == digits)
}

/// The id of a pack: that of `kept/<id>.age`.
fn pack(name: &str) -> Option<ObjectId> {
    ObjectId::from_hex(name.strip_prefix("kept/")?.strip_suffix(".age")?).ok()
}

impl Bundle {
    /// Takes the files by their names in the bundle's folder. Others than [`bytes_max`] knows are passed over.
    ///
    /// # Errors
    /// [`NotABundle`].
    pub fn new(mut files: BTreeMap<String, Vec<u8>>) -> Result<Self, NotABundle> {
        for (name, bytes) in &files {
            if bytes_max(name).is_some_and(|max| bytes.len() > max) {
                return Err(NotABundle::TooLong(name.clone()));
            }
        }
        let renewals = take_renewals(&mut files)?;
        let stamps = take_stamps(&mut files);
        let count =
            renewals.iter().map(|renewal| renewal.stamped.stamps.len()).fold(stamps.len(), usize::saturating_add);
        if count > STAMPS_MAX {
            return Err(NotABundle::TooManyStamps);
        }
        let keys = files.remove(KEYS);
        let [record, receipt, checkpoint, tlog_proof, opening] = FILES.map(|name| take(&mut files, name, name));
        let kept = files.remove(KEPT);
        let (mut earlier, mut lists, mut packs) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        let below = files.split_off("kept/");
        for (name, bytes) in below {
            if let Some(number) = numbered(&name, ".note") {
                earlier.insert(number, bytes);
            } else if let Some(number) = numbered(&name, ".objects") {
                lists.insert(number, bytes);
            } else if let Some(id) = pack(&name) {
                packs.insert(id, bytes);
            } else {
                files.insert(name, bytes);
            }
        }
        if packs.len() > KEPT_PACKS_MAX || earlier.len() > KEPT_RECORDS_MAX || lists.len() > KEPT_RECORDS_MAX {
            return Err(NotABundle::TooManyKept);
        }
        Ok(Self {
            record: record?,
            keys,
            receipt: receipt?,
            stamped: Stamped { checkpoint: checkpoint?, stamps },
            tlog_proof: tlog_proof?,
            opening: opening?,
            renewals,
            kept,
            earlier,
            lists,
            packs,
        })
    }

    /// How many renewals it has.
    pub const fn renewals(&self) -> usize {
        self.renewals.len()
    }
}

fn take(files: &mut Files, name: &str, path: &str) -> Result<Vec<u8>, NotABundle> {
    files.remove(name).ok_or_else(|| NotABundle::Missing(path.to_owned()))
}

fn names(files: &Files, folder: &str, ending: &str) -> Vec<String> {
    files.keys().filter_map(|path| named(path, folder, ending)).map(str::to_owned).collect()
}

fn take_stamps(files: &mut Files) -> Vec<StampFile> {
    let found = names(files, "stamps/", ".tsr");
    let stamp = |name: String| StampFile {
        response: files.remove(&format!("stamps/{name}.tsr")).unwrap_or_default(),
        certificates: files.remove(&format!("stamps/{name}.pem")),
        revocation: files.remove(&format!("stamps/{name}.crl")),
        name,
    };
    found.into_iter().map(stamp).collect()
}

fn take_renewals(files: &mut Files) -> Result<Vec<Renewal>, NotABundle> {
    let mut folders: BTreeMap<usize, Files> = BTreeMap::new();
    files.retain(|path, bytes| match renewal(path).filter(|_| bytes_max(path).is_some()) {
        Some((number, within)) => {
            folders.entry(number).or_default().insert(within.to_owned(), std::mem::take(bytes));
            false
        }
        None => true,
    });
    if folders.len() > RENEWALS_MAX {
        return Err(NotABundle::TooManyRenewals);
    }
    (1..).zip(folders).map(|(wanted, (number, folder))| take_renewal(wanted, number, folder)).collect()
}

fn take_renewal(wanted: usize, number: usize, mut files: Files) -> Result<Renewal, NotABundle> {
    if number != wanted {
        return Err(NotABundle::Missing(format!("renewals/{wanted}")));
    }
    let place = |within: &str| format!("renewals/{number}/{within}");
    let mut earlier = Vec::new();
    let known: BTreeSet<String> = EARLIER.iter().flat_map(|ending| names(&files, "earlier/", ending)).collect();
    for name in known {
        let [note, receipt, tlog_proof] = EARLIER.map(|ending| {
            let path = format!("earlier/{name}{ending}");
            take(&mut files, &path, &place(&path))
        });
        let revocation = files.remove(&format!("earlier/{name}.crl"));
        earlier.push(Earlier { revocation, note: note?, receipt: receipt?, tlog_proof: tlog_proof?, name });
    }
    let checkpoint = take(&mut files, "checkpoint", &place("checkpoint"))?;
    Ok(Renewal { stamped: Stamped { checkpoint, stamps: take_stamps(&mut files) }, earlier })
}
