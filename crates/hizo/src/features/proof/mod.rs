//! A proof of a deposit, or of chosen files of it: a folder that convinces a stranger, who brings what he trusts.
//!
//! See docs/spec/proof.md.

pub(crate) mod certificate;
pub(crate) mod command;
mod facts;
mod kept;
pub(crate) mod page;
mod readme;
pub(crate) mod refresh;
mod renewing;
mod zip;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use hizo_keeper::stamp::Asked;
use hizo_ledger::commitment::Fields;
use hizo_ledger::log::policy::Policy;
use hizo_ledger::log::proof::InclusionProof;
use hizo_ledger::proof::{Brought, Report, Verdict};
use hizo_ledger::record::Record;
use hizo_ledger::timestamp::Authority;
use hizo_vault::manifest::Entry;
use hizo_vault::proof::{Error, disclose};

use crate::bundle;
use crate::contents::{Chosen, Opened, commitment_of};
use crate::failure::{Failure, Kind, Outcome};
use crate::folder::staging::{self, Staging};
use crate::log::{self, SeenLog};
use crate::safe::Safe;
use crate::stamps::Stamps;
use crate::words::{Words, words};
use certificate::Facts;

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
    /// Also the packs in which the shown contents lie, with their keys: all in them can be read then.
    pub kept: bool,
    /// Authorities to ask for stamps, beside the keeper's own.
    pub authorities: Vec<Authority>,
}

/// What was made.
#[derive(Debug)]
pub(crate) struct Proved {
    pub entries: usize,
    /// Packs that were handed over with their keys, and their bytes.
    pub packs: usize,
    pub packs_bytes: usize,
    /// What a check of the bundle says that trusts the keeper's log and every authority that this machine knows.
    pub report: Report,
    /// Authorities that gave no stamp, and why.
    pub asked: Asked,
    /// What does not hold of the stamps that the keeper shows.
    pub faults: Vec<Words>,
    /// Position in the log, and the log's size.
    pub index: u64,
    pub size: u64,
    /// How the stock tool checks its stamps, the one that its time rests on first; run in the folder of the proof.
    pub stock_commands: Vec<String>,
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
    let list = opened.unchecked_list(record)?;
    list.rules()?;
    let whole = list.leaves()?;
    let are_all = request.complete || request.paths.is_empty();
    let (chosen, mut shown) = (Chosen(&request.paths), Vec::new());
    let mut search = chosen.search();
    for entry in list.entries()? {
        let entry = entry?;
        search.meet(&entry);
        if are_all || chosen.has(&entry.path) {
            shown.push(entry);
        }
    }
    let commitment = commitment_of(record)?;
    // That a path is not in a deposit can be said of the list alone that the record commits to.
    if let Err(missing) = search.finish() {
        return Err(whole.finish(&commitment).map_or_else(Failure::from, |()| missing));
    }
    let fields = |entry: &Entry| if chosen.has(&entry.path) { request.show } else { Fields::default() };
    let shown: Vec<(&Entry, Fields)> = shown.iter().map(|entry| (&**entry, fields(entry))).collect();
    let entries = shown.iter().filter(|(entry, _)| chosen.has(&entry.path)).count();
    let disclosure = disclose(whole, &commitment, &shown, are_all).map_err(|error| match error {
        Error::Manifest(error) => error.into(),
        Error::Opening(error) => Failure::internal(error),
    })?;
    let former = before_the_move(safe, record)?;
    let safe = former.as_ref().unwrap_or(safe);
    let unproved = |failure| of_former(former.as_ref(), failure);
    let seen = SeenLog::publish(safe).map_err(unproved)?;
    let logged = logged(safe, &seen, record, &request.authorities).map_err(unproved)?;
    let Logged { stamps, first, asked, inclusion, files: logged } = logged;
    let signers: String = record.signers().iter().map(|key| format!("{key}\n")).collect();
    let mut files = Files::from([
        ("record.note".to_owned(), record.note_bytes().to_vec()),
        ("record.keys".to_owned(), signers.into_bytes()),
        ("opening.json".to_owned(), disclosure.to_bytes()),
    ]);
    files.extend(logged);
    if request.kept {
        files.extend(kept::files(opened, record, &shown, &disclosure)?);
    }
    // What is handed over has been checked as a stranger would, whatever he trusts.
    let report = check(&seen, stamps.vouching(), files.clone())?;
    if let Verdict::DoesNotHold(fault) = &report.verdict {
        return Err(match safe.keeper.here() {
            Some(_) => Failure::internal_message(fault.to_string()),
            None => log::lying(words!(
                "what it shows for a proof does not hold: {fault}",
                "証明のために示したものが正しくありません: {fault}"
            )),
        });
    }
    let policy = policy_of(&seen, &files);
    let facts = facts::of(safe, record, &report, (&first.head, policy), &first.stamps)?;
    files.extend(pages(&facts, &seen.policy_file(policy))?);
    let stock_commands = readme::stock_commands(&facts);
    write(&request.to, &files)?;
    let size = seen.checkpoint.size;
    let packs = || files.iter().filter(|(name, _)| name.ends_with(".age")).map(|(_, bytes)| bytes.len());
    let (packs, packs_bytes) = (packs().count(), packs().sum());
    Ok(Proved {
        entries,
        packs,
        packs_bytes,
        report,
        asked,
        faults: stamps.faults(),
        index: inclusion.index,
        size,
        stock_commands,
    })
}

/// What the log of a record's keeper says of it: files of the bundle, and what they were made of.
pub(crate) struct Logged<'a> {
    stamps: Stamps<'a>,
    first: renewing::Stamped,
    asked: Asked,
    inclusion: InclusionProof,
    files: Files,
}

/// Asks the log of its keeper for everything that a proof of a record needs; `safe` is as that keeper has it.
///
/// # Errors
/// When the record does not stand in the log, or no stamp covers it.
pub(crate) fn logged<'a>(
    safe: &'a Safe,
    seen: &'a SeenLog,
    record: &Record,
    authorities: &[Authority],
) -> Outcome<Logged<'a>> {
    let position = log::position(safe, record.number())?;
    let mut stamps = Stamps::open(safe, seen, authorities, &[position.saturating_add(1)])?;
    let (first, asked) = renewing::first(&mut stamps, position)?;
    let inclusion = seen.prove(safe, record, &first.head)?;
    let receipt = seen.keeper_log().receipt(&safe.keeper, safe.home.space, record.number());
    let receipt = receipt.map_err(Failure::from)?.ok_or_else(|| Failure::internal_message("the record is gone"))?;
    let mut files =
        Files::from([("receipt.note".to_owned(), receipt), ("record.tlog-proof".to_owned(), inclusion.to_bytes())]);
    files.extend(first.files(&stamps, "")?);
    files.extend(renewing::later(&stamps, &first.level(), 1)?);
    Ok(Logged { stamps, first, asked, inclusion, files })
}

/// The safe as the keeper of a record had it, if that is not the present one: a proof is of a record by the keeper that it names.
///
/// # Errors
/// When this machine has never known that keeper: what its successor took over from it proves nothing of its log.
fn before_the_move(safe: &Safe, record: &Record) -> Outcome<Option<Safe>> {
    let keeper = &record.envelope().keeper;
    if *keeper == safe.home.keeper {
        return Ok(None);
    }
    safe.when_kept_by(keeper)?.map(Some).ok_or_else(|| {
        Failure::new(
            Kind::Unknown,
            words!(
                "this deposit was made at an earlier keeper, {keeper}, which this machine has never known",
                "この預け入れは前の預け先（{keeper}）のもので、このコンピューターはその預け先を知りません"
            ),
        )
        .hint(ask_whoever_moved())
    })
}

/// Why there is no proof of a record that an earlier keeper had, in place of what its log could not be asked for.
fn of_former(former: Option<&Safe>, failure: Failure) -> Failure {
    let Some(former) = former.filter(|_| failure.is_unreachable()) else { return failure };
    let keeper = &former.home.keeper;
    if former.keeper.is_written_down() {
        return Failure::new(
            Kind::Unknown,
            words!(
                "this deposit was made at an earlier keeper, {keeper}, whose log showed no proof of it before the safe moved",
                "この預け入れは前の預け先（{keeper}）のもので、移転の前に、その台帳から証明を得られていません"
            ),
        )
        .hint(words!(
            "Proofs that were made before hold as they did. A new deposit of the same files is proved by the present keeper, from then on.",
            "以前に作った証明は、そのまま有効です。同じファイルをもう一度預ければ、その時点からは今の預け先で証明できます。"
        ));
    }
    Failure::new(
        Kind::Unknown,
        words!(
            "this deposit was made at an earlier keeper, {keeper}, which cannot be reached, and this machine has nothing of what its log showed",
            "この預け入れは前の預け先（{keeper}）のものですが、そこにつながらず、その台帳の内容もこのコンピューターに残っていません"
        ),
    )
    .hint(ask_whoever_moved())
}

fn ask_whoever_moved() -> Words {
    words!(
        "Ask whoever moved the safe for a proof: that machine has what the earlier keeper showed. A new deposit of the same files is proved by the present keeper, from then on.",
        "金庫を移した人に証明を頼んでください。そのコンピューターには、前の預け先から得たものがあります。同じファイルをもう一度預ければ、その時点からは今の預け先で証明できます。"
    )
}

/// Checks a bundle against this keeper's log and everybody whom this machine lets vouch for stamps.
fn check(seen: &SeenLog, vouching: &[Authority], files: Files) -> Outcome<Report> {
    let policy = policy_of(seen, &files);
    let brought = Brought {
        policy: Some(policy),
        authorities: vouching,
        receipt_key: Some(seen.keeper_log().receipt_key()),
        ..Brought::default()
    };
    let bundle = bundle::of(files)?;
    Ok(crate::kept::checked(&bundle, bundle.verify(&brought)))
}

/// Whom a reader of this bundle has to trust for its head, as this machine sees it.
fn policy_of<'a>(seen: &'a SeenLog, files: &Files) -> &'a Policy {
    let proof = files.get("record.tlog-proof").and_then(|bytes| InclusionProof::parse(bytes).ok());
    seen.policy_met_by(proof.as_ref().map_or(&[], |proof| &proof.checkpoint))
}

/// The pages of a bundle for people: the certificate, and how to check it.
fn pages(facts: &Facts, policy_file: &str) -> Outcome<[(String, Vec<u8>); 2]> {
    Ok([
        ("certificate.pdf".to_owned(), certificate::certificate(facts)?),
        ("README.md".to_owned(), readme::text(facts, policy_file).into_bytes()),
    ])
}

/// The whole or nothing: a folder, or one file where the name ends so.
fn write(to: &Path, files: &BTreeMap<String, Vec<u8>>) -> Outcome<()> {
    if zip::is_named(to) {
        return staging::lay_file(to, &zip::archive(files)?);
    }
    let staging = Staging::begin(to)?;
    let written = files.iter().try_for_each(|(name, bytes)| staging.lay(Path::new(name), bytes));
    match written {
        Ok(()) => staging.settle(),
        Err(error) => {
            staging.discard();
            Err(Failure::file("write to", to, error))
        }
    }
}
