//! What a certificate says of a bundle: taken from its check, and not from what was put in.

use std::rc::Rc;

use hizo_keeper::stamp::{KeptStamp, file_name};
use hizo_ledger::commitment::{MetaKind, Shown};
use hizo_ledger::id::{ObjectId, SeriesId};
use hizo_ledger::log::checkpoint::UnverifiedCheckpoint;
use hizo_ledger::log::policy::Policy;
use hizo_ledger::proof::{Finding, Report, StampOutcome, Verdict};
use hizo_ledger::record::Record;
use hizo_ledger::timestamp::{Accuracy, Moment, Token};

use super::certificate::{self, Commitment, Entry, Facts, Kind, Log, Meta, Scope, Signer, Strength};
use crate::contents::deposit_of;
use crate::failure::{Failure, Outcome};
use crate::log::position;
use crate::safe::Safe;

/// The facts of a bundle that holds, but for what its reader trusts. `own` are the stamps over its head that stand in the
/// place of independent ones where there are none.
pub(super) fn of(
    safe: &Safe,
    record: &Record,
    report: &Report,
    (head, policy): (&[u8], &Policy),
    own: &[Rc<KeptStamp>],
) -> Outcome<Facts> {
    let deposit = deposit_of(record)?;
    let head = UnverifiedCheckpoint::parse(head).map_err(Failure::internal)?.claimed().clone();
    let stamps = stamps(report, own);
    let mut facts = Facts {
        record: record.id(),
        series: deposit.series,
        number: deposit.k,
        deposits: deposits(safe, deposit.series, deposit.k, head.size)?,
        commitment: Commitment { sha256: *deposit.commit.sha256.as_bytes(), blake3: *deposit.commit.blake3.as_bytes() },
        log: Log { origin: head.origin.to_string(), index: 0, size: head.size, root: *head.root.as_bytes() },
        signers: record.signers().iter().map(|key| Signer { key: key.to_base64(), name: None }).collect(),
        witnesses: Vec::new(),
        device_says: record.envelope().time.unix_seconds(),
        keeper_says: None,
        at_the_latest: 0,
        stamps: stamps.iter().map(|(place, token)| stamp(place, token)).collect(),
        strength: Strength::Committed,
        scope: Scope::Complete,
        entries: report.shown.iter().map(entry).collect(),
        refresh_before: 0,
    };
    for finding in &report.findings {
        match finding {
            Finding::Opening { complete: false, below, .. } => {
                facts.scope = Scope::Chosen { depth: u8::try_from(below.max(&1).ilog2()).unwrap_or(u8::MAX) };
            }
            Finding::Receipt { receipt, checked: true } => facts.keeper_says = Some(receipt.time.unix_seconds()),
            Finding::Inclusion { index, .. } => facts.log.index = *index,
            Finding::Checkpoint(Ok(witnesses)) => {
                // By the names on their keys: those of the policy mean nothing outside it.
                let has_signed = |name: &String| witnesses.iter().any(|(signed, _)| signed == name);
                let signed = policy.witnesses().iter().filter(|(name, _)| has_signed(name));
                facts.witnesses = signed.map(|(_, witness)| witness.key.name().to_owned()).collect();
            }
            Finding::Opening { .. } | Finding::Receipt { .. } | Finding::Checkpoint(Err(_)) => {}
            Finding::Record { .. } | Finding::Commitment { .. } | Finding::Names { .. } => {}
            Finding::Kept { .. } => facts.strength = Strength::Kept,
            Finding::Stamped | Finding::Stamp { .. } | Finding::NoStamp | Finding::File { .. } => {}
            Finding::Renewal { .. } | Finding::Gap { .. } | Finding::ReceiptLater { .. } => {}
        }
    }
    let (since, before) = times(report, &stamps)?;
    facts.at_the_latest = since.unix_seconds_rounded_up();
    facts.refresh_before = before.unix_seconds();
    // The stamp that the time rests on stands first.
    facts.stamps.sort_by_key(|stamp| (!stamp.is_independent, stamp.time));
    Ok(facts)
}

/// How many deposits the series had when the log had so many leaves.
fn deposits(safe: &Safe, series: SeriesId, mut k: u64, size: u64) -> Outcome<u64> {
    while let Some(next) = safe.deposit(series, k.saturating_add(1)) {
        // What came after the space had left this log does not stand in it as a deposit.
        if next.envelope().keeper != safe.home.keeper || position(safe, next.number())? >= size {
            break;
        }
        k = k.saturating_add(1);
    }
    Ok(k)
}

/// Where each stamp that counts lies, without ending, and what it says.
fn stamps<'a>(report: &'a Report, own: &'a [Rc<KeptStamp>]) -> Vec<(String, &'a Token)> {
    let independent = report.findings.iter().filter_map(|finding| match finding {
        Finding::Stamp { renewal: 0, name, outcome: StampOutcome::Independent { token, .. } } => {
            Some((format!("stamps/{name}"), &**token))
        }
        Finding::Stamp { renewal, name, outcome: StampOutcome::Independent { token, .. } } => {
            Some((format!("renewals/{renewal}/stamps/{name}"), &**token))
        }
        _ => None,
    });
    let independent: Vec<_> = independent.collect();
    if !independent.is_empty() {
        return independent;
    }
    own.iter().map(|kept| (format!("stamps/{}", file_name(kept.token.authority())), &kept.token)).collect()
}

/// Since when, and until when that can be checked: as the check says, or as the earliest stamp does where none is
/// independent.
fn times(report: &Report, stamps: &[(String, &Token)]) -> Outcome<(Moment, Moment)> {
    if let Verdict::Holds { since, before } = &report.verdict {
        return Ok((*since, *before));
    }
    let earliest = stamps.iter().map(|(_, token)| token).min_by_key(|token| token.latest());
    let earliest = earliest.ok_or_else(|| Failure::internal_message("a proof has the keeper's own stamp at least"))?;
    Ok((earliest.latest(), earliest.ends()))
}

fn stamp(place: &str, token: &Token) -> certificate::Stamp {
    let milliseconds =
        |exact: Accuracy| u64::from(exact.seconds) * 1_000 + u64::from(exact.millis) + u64::from(exact.micros > 0);
    certificate::Stamp {
        authority: token.subject().to_owned(),
        time: token.time().unix_seconds(),
        accuracy_ms: token.accuracy().map(milliseconds),
        signer: ObjectId::of(token.chain().first().map_or(&[], Vec::as_slice)),
        is_independent: token.is_independent(),
        token: format!("{place}.tsr"),
        chain: format!("{place}.pem"),
    }
}

fn entry(shown: &Shown) -> Entry {
    let kind = |kind: MetaKind| match kind {
        MetaKind::File { size } => Kind::File { bytes: size },
        MetaKind::HardLink { size, .. } => Kind::HardLink { bytes: size },
        MetaKind::Symlink { .. } => Kind::Symlink,
        MetaKind::Directory => Kind::Folder,
    };
    Entry {
        name: shown.name.clone(),
        content: shown.content.as_ref().map(|content| content.as_ref().map(|value| value.sha256)),
        meta: shown.meta.as_ref().map(|meta| Meta { kind: kind(meta.kind), modified_ns: meta.mtime_ns }),
    }
}
