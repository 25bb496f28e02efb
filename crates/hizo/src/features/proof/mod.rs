//! A proof of a deposit, or of chosen files of it: a folder that convinces a stranger, who brings what he trusts.
//!
//! See docs/spec/proof.md.

pub(crate) mod certificate;
pub(crate) mod command;
mod facts;
mod readme;
pub(crate) mod refresh;
mod renewing;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use hizo_ledger::commitment::Fields;
use hizo_ledger::log::policy::Policy;
use hizo_ledger::proof::{Brought, Report, Verdict};
use hizo_ledger::record::Record;
use hizo_ledger::timestamp::Authority;
use hizo_vault::manifest::Manifest;

use crate::bundle;
use crate::contents::Opened;
use crate::failure::{Failure, Outcome, shown_bytes};
use crate::folder::staging::Staging;
use crate::log::{self, SeenLog};
use crate::safe::Safe;
use crate::stamps::{Asked, Kept, Stamps};
use crate::words::words;

/// What is to be proved, and where the proof goes.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub to: PathBuf,
    /// Paths in the deposit, with everything below them; all of it when empty.
    pub paths: Vec<Vec<u8>>,
    /// Fields that are shown of each of them.
    pub show: Fields,
    /// Also that the deposit has no other entries.
    pub complete: bool,
    /// Authorities to ask for stamps, beside the keeper's own.
    pub authorities: Vec<Authority>,
}

/// What was made.
#[derive(Debug)]
pub(crate) struct Proved {
    pub entries: usize,
    /// What a check of the bundle says that trusts the keeper's log and every authority that this machine knows.
    pub report: Report,
    /// Authorities that gave no stamp, and why.
    pub asked: Asked,
    /// Position in the log, and the log's size.
    pub index: u64,
    pub size: u64,
}

/// The files of a bundle, by their names in its folder.
type Files = BTreeMap<String, Vec<u8>>;

/// Makes the bundle.
///
/// # Errors
/// When a path is not in the deposit, the record does not stand in the log, or the folder cannot be written; nothing is
/// left then.
pub(crate) fn prove(opened: Opened, record: &Record, request: &Request) -> Outcome<Proved> {
    let safe = opened.safe;
    let manifest = opened.manifest(record)?;
    let chosen = select(&manifest, &request.paths, request.show)?;
    let entries = chosen.len();
    let others = (request.complete || request.paths.is_empty()).then_some(Fields::default());
    let disclosure = hizo_vault::proof::disclose(&manifest, &chosen, others).map_err(Failure::internal)?;
    let seen = SeenLog::publish(safe)?;
    let mut stamps = Stamps::open(safe, &seen, &request.authorities)?;
    let position = log::position(safe, record.number())?;
    let (first, asked) = renewing::first(&mut stamps, position)?;
    let inclusion = seen.prove(safe, record, &first.head)?;
    let receipt = seen.keeper_log().receipt(&safe.keeper, safe.home.space, record.number());
    let receipt = receipt.map_err(Failure::from)?.ok_or_else(|| Failure::internal_message("the record is gone"))?;
    let signers: String = record.signers().iter().map(|key| format!("{key}\n")).collect();
    let mut files = Files::from([
        ("record.note".to_owned(), record.note_bytes().to_vec()),
        ("record.keys".to_owned(), signers.into_bytes()),
        ("receipt.note".to_owned(), receipt),
        ("record.tlog-proof".to_owned(), inclusion.to_bytes()),
        ("opening.json".to_owned(), disclosure.to_bytes()),
    ]);
    files.extend(first.files(""));
    files.extend(renewing::later(&stamps, &first.level(), 1)?);
    // What is handed over has been checked as a stranger would, whatever he trusts.
    let report = check(&stamps, safe, files.clone())?;
    if let Verdict::DoesNotHold(fault) = &report.verdict {
        return Err(Failure::internal_message(fault.to_string()));
    }
    for (name, bytes) in pages(safe, record, &report, &first.head, &first.stamps)? {
        files.insert(name, bytes);
    }
    write(&request.to, &files)?;
    let size = seen.checkpoint.size;
    Ok(Proved { entries, report, asked, index: inclusion.index, size })
}

/// Checks a bundle against this keeper's log and everybody whom this machine lets vouch for stamps.
fn check(stamps: &Stamps<'_>, safe: &Safe, files: Files) -> Outcome<Report> {
    let policy = Policy::of_log(log::named_key(&safe.home)?);
    Ok(bundle::of(files)?.verify(&Brought {
        policy: Some(&policy),
        authorities: &stamps.vouching(),
        receipt_key: Some(stamps.seen.keeper_log().receipt_key()),
        ..Brought::default()
    }))
}

/// The pages of a bundle for people: the certificate, and how to check it.
fn pages(safe: &Safe, record: &Record, report: &Report, head: &[u8], own: &[Kept]) -> Outcome<[(String, Vec<u8>); 2]> {
    let policy = Policy::of_log(log::named_key(&safe.home)?);
    let facts = facts::of(safe, record, report, head, own)?;
    Ok([
        ("certificate.pdf".to_owned(), certificate::certificate(&facts)?),
        ("README.md".to_owned(), readme::text(&facts, &policy).into_bytes()),
    ])
}

/// Everything at or below the named paths, each with the fields that are shown of it.
fn select(manifest: &Manifest, paths: &[Vec<u8>], show: Fields) -> Outcome<BTreeMap<Vec<u8>, Fields>> {
    let below = |path: &[u8], named: &[u8]| {
        path.strip_prefix(named).is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/"))
    };
    for named in paths {
        if !manifest.entries.iter().any(|entry| below(&entry.path, named)) {
            return Err(Failure::fixable(words!(
                "{path} is not in this deposit",
                "{path} は、この預け入れにありません",
                path = shown_bytes(named)
            ))
            .hint(words!("Run `hizo show` to see what is.", "`hizo show` で中身を見られます。")));
        }
    }
    let wanted = |path: &[u8]| paths.is_empty() || paths.iter().any(|named| below(path, named));
    let entries = manifest.entries.iter().filter(|entry| wanted(&entry.path));
    Ok(entries.map(|entry| (entry.path.clone(), show)).collect())
}

/// The whole folder or none.
fn write(to: &Path, files: &BTreeMap<String, Vec<u8>>) -> Outcome<()> {
    let staging = Staging::begin(to)?;
    let written = files.iter().try_for_each(|(name, bytes)| {
        let path = staging.folder().join(name);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::write(&path, bytes)
    });
    match written {
        Ok(()) => staging.settle(),
        Err(error) => {
            staging.discard();
            Err(Failure::file("write to", to, error))
        }
    }
}
