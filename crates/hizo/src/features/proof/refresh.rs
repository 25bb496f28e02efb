//! A proof that is there, made good for longer by later stamps. What it has is never changed and never made worse.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use hizo_keeper::stamp::{Asked, Due, Patience, due};
use hizo_ledger::log::checkpoint::UnverifiedCheckpoint;
use hizo_ledger::proof::{Finding, Report, StampOutcome, Verdict};
use hizo_ledger::record::UnverifiedRecord;
use hizo_ledger::timestamp::{Authority, Moment};

use super::renewing::{self, Level};
use super::{Files, before_the_move, check, facts, of_former, pages, policy_of, write};
use crate::bundle;
use crate::failure::{Failure, Outcome};
use crate::folder::staging;
use crate::log::SeenLog;
use crate::safe::{self, Safe};
use crate::stamps::Stamps;
use crate::system;
use crate::words::{Words, words};

/// For people; a check of the proof does not read them.
const PAGES: [&str; 2] = ["certificate.pdf", "README.md"];

/// Which proof, and where it goes.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub bundle: PathBuf,
    /// A new folder or ZIP; `None`: what is new is added to the old one.
    pub to: Option<PathBuf>,
    /// Authorities that may be asked, beside those of this machine's list.
    pub authorities: Vec<Authority>,
}

/// What came of it.
#[derive(Debug)]
pub(crate) struct Refreshed {
    /// Renewals that were added, and how many there are now.
    pub added: usize,
    pub renewals: usize,
    /// What a check says now, as [`super::Proved::report`].
    pub report: Report,
    pub asked: Asked,
    /// What does not hold of the stamps that the keeper shows.
    pub faults: Vec<Words>,
    /// What is due of this proof now.
    pub due: Due,
}

/// Adds the later stamps that make a proof good for longer, if there are any.
///
/// # Errors
/// When the proof does not hold, is of another safe, or cannot be written; it is as it was then.
pub(crate) fn refresh(safe: &Safe, request: &Request) -> Outcome<Refreshed> {
    let packed = match request.bundle.is_dir() {
        true => None,
        false => Some(bundle::packed(&request.bundle, &PAGES)?),
    };
    if request.to.is_none() && packed.as_ref().is_some_and(|packed| packed.has_more) {
        return Err(Failure::fixable(words!(
            "this ZIP holds more than the proof",
            "この ZIP には、証明のほかにも何か入っています"
        ))
        .hint(words!("Name a new place with --to.", "--to で新しい場所を指定してください。")));
    }
    let mut old = match &packed {
        Some(packed) => packed.files.clone(),
        None => bundle::files(&request.bundle)?,
    };
    old.retain(|name, _| !PAGES.contains(&name.as_str()));
    bundle::of(old.clone())?;
    let record = record(safe, &old)?;
    let former = before_the_move(safe, record)?;
    let safe = former.as_ref().unwrap_or(safe);
    let seen = SeenLog::publish(safe).map_err(|failure| of_former(former.as_ref(), failure))?;
    let mut stamps = Stamps::open(safe, &seen, &request.authorities, &sizes(&old))?;
    let before = check(&seen, stamps.vouching(), old.clone())?;
    if let Verdict::DoesNotHold(fault) = &before.verdict {
        let step = fault.step().word();
        return Err(Failure::untrue(words!(
            "this proof does not hold, and is left as it is: {step}: {fault}",
            "この証明は正しくないので、そのままにしました: {step}: {fault}"
        ))
        .hint(words!(
            "Keep it as it is, and ask where it comes from; `hizo proof` makes a new one.",
            "そのまま残して、どこから来たものかを確かめてください。新しい証明は `hizo proof` で作れます。"
        )));
    }
    let asked = stamps.ask_wanting(&Patience::default(), None)?;
    let held = count(&old);
    let mut new = renewing::later(&stamps, &level(&old, held, &before), held + 1)?;
    let mut files = old.clone();
    files.extend(new.clone());
    let mut report = check(&seen, stamps.vouching(), files.clone())?;
    let mut faults = stamps.faults();
    if is_worse(&before.verdict, &report.verdict) {
        if let Verdict::DoesNotHold(fault) = &report.verdict {
            faults.push(words!(
                "what the keeper shows to renew it does not hold, and was left out: {fault}",
                "預け先が更新のために示したものは正しくないので、加えませんでした: {fault}"
            ));
        }
        (new, files, report) = (Files::new(), old, before);
    }
    let head = files.get("checkpoint").cloned().unwrap_or_default();
    let is_independent = independent(&report).next().is_some();
    let people = match is_independent {
        true => {
            let policy = policy_of(&seen, &files);
            let facts = facts::of(safe, record, &report, (&head, policy), &[])?;
            pages(&facts, &seen.policy_file(policy))?.to_vec()
        }
        false => Vec::new(),
    };
    let added = count(&files) - held;
    match &request.to {
        None if added == 0 => {}
        None if packed.is_none() => add(&request.bundle, &new, held + 1..=held + added, &people)?,
        to => {
            files.extend(people);
            let pages = match &packed {
                Some(packed) => packed.files.iter().map(|(name, bytes)| (name.clone(), bytes.clone())).collect(),
                None => bundle::beside(&request.bundle, &PAGES)?,
            };
            for (name, bytes) in pages {
                files.entry(name).or_insert(bytes);
            }
            match to {
                Some(to) => write(to, &files)?,
                None => {
                    let before = packed.map_or_else(Vec::new, |packed| packed.bytes);
                    replace(&request.bundle, &before, &super::zip::archive(&files)?)?;
                }
            }
        }
    }
    let ends = match report.verdict {
        Verdict::Holds { before, .. } => Some(before),
        Verdict::CannotBeTold(_) | Verdict::DoesNotHold(_) => None,
    };
    Ok(Refreshed { added, renewals: held + added, report, asked, faults, due: due(ends, safe::moment()?) })
}

/// Puts another content into a proof that is one file, unless somebody else has done so meanwhile.
fn replace(path: &Path, before: &[u8], after: &[u8]) -> Outcome<()> {
    if fs::read(path).map_err(|error| Failure::file("read", path, error))? != before {
        return Err(Failure::fixable(words!(
            "the proof was changed meanwhile, and is left as it is now",
            "その間に証明が変えられたので、今のままにしました"
        ))
        .hint(words!("Run the command again.", "もう一度実行してください。")));
    }
    staging::replace_file(path, after)
}

/// The record of this safe that the proof is of.
fn record<'a>(safe: &'a Safe, files: &Files) -> Outcome<&'a hizo_ledger::record::Record> {
    let note = files.get("record.note").map_or(&[][..], Vec::as_slice);
    let id = UnverifiedRecord::parse(note).map_err(|error| {
        Failure::untrue(words!("this proof does not hold: {error}", "この証明は正しくありません: {error}"))
            .source(error)
    });
    let id = id?.id();
    safe.records.iter().find(|record| record.id() == id).ok_or_else(|| {
        Failure::fixable(words!("this proof is of another safe", "この金庫の証明ではありません")).hint(words!(
            "Refresh it with the safe that made it: name its folder with --home.",
            "この証明を作った金庫のフォルダーを --home で指定してください。"
        ))
    })
}

/// The sizes of the heads that the proof has.
fn sizes(files: &Files) -> Vec<u64> {
    let heads = files.iter().filter(|(name, _)| *name == "checkpoint" || name.ends_with("/checkpoint"));
    heads.filter_map(|(_, head)| Some(UnverifiedCheckpoint::parse(head).ok()?.claimed().size)).collect()
}

/// How many renewals there are. A bundle that was read has no gap between them.
fn count(files: &Files) -> usize {
    files.keys().filter(|name| name.starts_with("renewals/") && name.ends_with("/checkpoint")).count()
}

/// What the next renewal has to cover: the stamps over the newest head.
fn level(files: &Files, renewals: usize, report: &Report) -> Level {
    let place = if renewals == 0 { "stamps/".to_owned() } else { format!("renewals/{renewals}/stamps/") };
    let named = files.iter().filter_map(|(path, bytes)| {
        let name = path.strip_prefix(&place)?.strip_suffix(".tsr")?;
        Some((name.to_owned(), bytes.clone()))
    });
    let ends = independent(report).filter(|(renewal, _)| *renewal == renewals).map(|(_, ends)| ends);
    Level { stamps: named.collect(), until: ends.max() }
}

/// Over which head each independent stamp is, and when its certificates end.
fn independent(report: &Report) -> impl Iterator<Item = (usize, Moment)> {
    report.findings.iter().filter_map(|finding| match finding {
        Finding::Stamp { renewal, outcome: StampOutcome::Independent { token, .. }, .. } => {
            Some((*renewal, token.ends()))
        }
        _ => None,
    })
}

/// Whether what could be told before is told no longer, of a later time, or for less long.
fn is_worse(before: &Verdict, after: &Verdict) -> bool {
    match (before, after) {
        (_, Verdict::DoesNotHold(_)) => true,
        (Verdict::Holds { since, before }, Verdict::Holds { since: new_since, before: new_before }) => {
            new_since > since || new_before < before
        }
        (Verdict::Holds { .. }, Verdict::CannotBeTold(_)) => true,
        (Verdict::CannotBeTold(_) | Verdict::DoesNotHold(_), _) => false,
    }
}

/// Adds whole renewals in their order, each in one step, and then replaces the pages for people. Cut at any step, the
/// folder is a proof that holds for as long as before at least.
fn add(
    folder: &Path,
    new: &Files,
    numbers: std::ops::RangeInclusive<usize>,
    people: &[(String, Vec<u8>)],
) -> Outcome<()> {
    let written = || -> io::Result<()> {
        let renewals = folder.join("renewals");
        fs::create_dir_all(&renewals)?;
        system::sync_directory(folder)?;
        for number in numbers {
            let partial = renewals.join(format!(".{number}.partial"));
            match fs::remove_dir_all(&partial) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                Ok(()) | Err(_) => {}
            }
            for below in ["stamps", "earlier"] {
                fs::create_dir_all(partial.join(below))?;
            }
            let place = format!("renewals/{number}/");
            for (name, bytes) in new.iter().filter_map(|(name, bytes)| Some((name.strip_prefix(&place)?, bytes))) {
                durable(&partial.join(name), bytes)?;
            }
            for below in ["stamps", "earlier", ""] {
                system::sync_directory(&partial.join(below))?;
            }
            fs::rename(&partial, renewals.join(number.to_string()))?;
            system::sync_directory(&renewals)?;
        }
        for (name, bytes) in people {
            let partial = folder.join(format!(".{name}.partial"));
            durable(&partial, bytes)?;
            fs::rename(&partial, folder.join(name))?;
        }
        system::sync_directory(folder)
    };
    written().map_err(|error| Failure::file("write to", folder, error))
}

fn durable(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_later_time_or_a_shorter_one_is_worse() {
        let at = |text| Moment::parse(text).unwrap();
        let holds = |since, before| Verdict::Holds { since: at(since), before: at(before) };
        let (old, unknown) = (holds("2027-01-01T00:00:00Z", "2030-01-01T00:00:00Z"), Verdict::CannotBeTold(Vec::new()));
        assert!(!is_worse(&old, &holds("2027-01-01T00:00:00Z", "2040-01-01T00:00:00Z")));
        assert!(!is_worse(&unknown, &old));
        assert!(!is_worse(&old, &old));
        assert!(is_worse(&old, &holds("2028-01-01T00:00:00Z", "2040-01-01T00:00:00Z")));
        assert!(is_worse(&old, &holds("2027-01-01T00:00:00Z", "2029-01-01T00:00:00Z")));
        assert!(is_worse(&old, &unknown));
    }
}
