//! The files of a bundle, as bytes.

use std::collections::BTreeMap;

use super::disclosure::DISCLOSURE_BYTES_MAX;
use super::kept::{KEPT_BYTES_MAX, KEPT_PACKS_MAX, KEPT_RECORDS_MAX};
use crate::id::ObjectId;
use crate::log::{note, proof::PROOF_BYTES_MAX, receipt::RECEIPT_BYTES_MAX};
use crate::object::{OBJECT_LIST_LINE_BYTES_MAX, OBJECT_LIST_LINES_MAX};
use crate::record::{self, SIGNATURES_MAX};
use crate::timestamp::{LIST_BYTES_MAX, RESPONSE_BYTES_MAX};

/// Stamps in one bundle, at most.
pub const STAMPS_MAX: usize = 64;

/// The files that a bundle must have.
pub const FILES: [&str; 5] = ["record.note", "receipt.note", "checkpoint", "record.tlog-proof", "opening.json"];

/// A file that a bundle may have: the keys that signed the record.
const KEYS: &str = "record.keys";

/// A file that a bundle may have: where the bytes of shown contents lie.
const KEPT: &str = "kept.json";

/// Lengths of an object list and of a pack, at most, in bytes.
const LIST_LINES_BYTES_MAX: usize = OBJECT_LIST_LINES_MAX.saturating_mul(OBJECT_LIST_LINE_BYTES_MAX as usize);
const PACK_BYTES_MAX: usize = 16 << 20;

/// Length of a name in `stamps/`, at most, in bytes.
const NAME_BYTES_MAX: usize = 100;

/// Why files are not a bundle. Nothing about what they say.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotABundle {
    /// A file is missing.
    #[error("there is no {0}")]
    Missing(&'static str),
    /// A file is longer than [`bytes_max`] of its name.
    #[error("{0} is longer than it may be")]
    TooLong(String),
    /// More than [`STAMPS_MAX`] stamps.
    #[error("there are more than {STAMPS_MAX} stamps")]
    TooManyStamps,
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
    pub(super) checkpoint: Vec<u8>,
    pub(super) tlog_proof: Vec<u8>,
    pub(super) opening: Vec<u8>,
    pub(super) stamps: Vec<StampFile>,
    pub(super) kept: Option<Vec<u8>>,
    /// Earlier records of the series and object lists, by the deposit's number; packs by their id as it is claimed.
    pub(super) earlier: BTreeMap<u64, Vec<u8>>,
    pub(super) lists: BTreeMap<u64, Vec<u8>>,
    pub(super) packs: BTreeMap<ObjectId, Vec<u8>>,
}

/// An authority's answer, and certificates that may help to build its chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StampFile {
    pub(super) name: String,
    pub(super) response: Vec<u8>,
    pub(super) certificates: Option<Vec<u8>>,
}

/// The most bytes that a file of this name may have; `None` when a bundle's check reads no such file.
pub fn bytes_max(name: &str) -> Option<usize> {
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
        _ if stamp(name, ".tsr").is_some() => RESPONSE_BYTES_MAX,
        _ if stamp(name, ".pem").is_some() => LIST_BYTES_MAX,
        _ => return None,
    })
}

/// The name of a stamp: `a` of `stamps/a.tsr`.
fn stamp<'a>(name: &'a str, ending: &str) -> Option<&'a str> {
    let name = name.strip_prefix("stamps/")?.strip_suffix(ending)?;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    ((1..=NAME_BYTES_MAX).contains(&name.len()) && name.bytes().all(plain) && !name.starts_with('.')).then_some(name)
}

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
        let names: Vec<String> = files.keys().filter_map(|name| stamp(name, ".tsr")).map(str::to_owned).collect();
        if names.len() > STAMPS_MAX {
            return Err(NotABundle::TooManyStamps);
        }
        let mut stamps = Vec::new();
        for name in names {
            let response = files.remove(&format!("stamps/{name}.tsr")).unwrap_or_default();
            let certificates = files.remove(&format!("stamps/{name}.pem"));
            stamps.push(StampFile { name, response, certificates });
        }
        let keys = files.remove(KEYS);
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
        let mut take = |name: &'static str| files.remove(name).ok_or(NotABundle::Missing(name));
        let [record, receipt, checkpoint, tlog_proof, opening] = FILES.map(&mut take);
        Ok(Self {
            record: record?,
            keys,
            receipt: receipt?,
            checkpoint: checkpoint?,
            tlog_proof: tlog_proof?,
            opening: opening?,
            stamps,
            kept,
            earlier,
            lists,
            packs,
        })
    }

    /// The keys under which a file with this SHA-256 must be hashed to be compared, as `opening.json` claims; none when
    /// that cannot be read.
    pub fn keys_for(&self, sha256: &[u8; 32]) -> Vec<[u8; 32]> {
        super::Disclosure::parse(&self.opening).map(|shown| shown.keys_for(sha256)).unwrap_or_default()
    }
}
