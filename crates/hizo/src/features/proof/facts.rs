//! What a certificate says of a bundle: taken from its check, and not from what was put in.

use hizo_ledger::commitment::{MetaKind, Shown};
use hizo_ledger::proof::{Finding, Report, Verdict};
use hizo_ledger::record::Record;
use hizo_ledger::timestamp::Moment;

use super::Stamp;
use super::certificate::{self, Commitment, Entry, Facts, Kind, Log, Meta, Scope, Signer, Strength};
use crate::contents::{Opened, deposit_of};
use crate::failure::{Failure, Outcome};
use crate::log::SeenLog;

/// The facts of a bundle that holds, but for what its reader trusts.
pub(super) fn of(opened: Opened, record: &Record, report: &Report, seen: &SeenLog, stamps: &[Stamp]) -> Outcome<Facts> {
    let deposit = deposit_of(record)?;
    let series = opened.safe.chain.series().get(&deposit.series);
    let mut facts = Facts {
        record: record.id(),
        series: deposit.series,
        number: deposit.k,
        deposits: series.map_or(deposit.k, |head| head.k),
        commitment: Commitment { sha256: *deposit.commit.sha256.as_bytes(), blake3: *deposit.commit.blake3.as_bytes() },
        log: Log {
            origin: seen.checkpoint.origin.to_string(),
            index: 0,
            size: seen.checkpoint.size,
            root: *seen.checkpoint.root.as_bytes(),
        },
        signers: record.signers().iter().map(|key| Signer { key: key.to_base64(), name: None }).collect(),
        witnesses: Vec::new(),
        device_says: record.envelope().time.unix_seconds(),
        keeper_says: None,
        at_the_latest: 0,
        stamps: stamps.iter().map(stamp).collect(),
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
                facts.witnesses = witnesses.iter().map(|(name, _)| name.clone()).collect();
            }
            Finding::Opening { .. } | Finding::Receipt { .. } | Finding::Checkpoint(Err(_)) => {}
            Finding::Record { .. } | Finding::Commitment { .. } | Finding::Names { .. } => {}
            Finding::Kept { .. } => facts.strength = Strength::Kept,
            Finding::Stamped | Finding::Stamp { .. } | Finding::NoStamp | Finding::File { .. } => {}
        }
    }
    let (since, before) = times(report, stamps)?;
    facts.at_the_latest = since.unix_seconds_rounded_up();
    facts.refresh_before = before.unix_seconds();
    // The stamp that the time rests on stands first.
    facts.stamps.sort_by_key(|stamp| (!stamp.is_independent, stamp.time));
    Ok(facts)
}

/// Since when, and until when that can be checked: as the check says, or as the earliest stamp does where none is
/// independent.
fn times(report: &Report, stamps: &[Stamp]) -> Outcome<(Moment, Moment)> {
    if let Verdict::Holds { since, before } = &report.verdict {
        return Ok((*since, *before));
    }
    let earliest = stamps.iter().min_by_key(|stamp| stamp.token.latest());
    let earliest = earliest.ok_or_else(|| Failure::internal_message("a proof has the keeper's own stamp at least"))?;
    Ok((earliest.token.latest(), earliest.token.ends()))
}

fn stamp(stamp: &Stamp) -> certificate::Stamp {
    let accuracy = stamp.token.accuracy();
    let accuracy_ms = accuracy
        .map_or(0, |exact| u64::from(exact.seconds) * 1_000 + u64::from(exact.millis) + u64::from(exact.micros > 0));
    certificate::Stamp {
        authority: stamp.token.subject().to_owned(),
        time: stamp.token.time().unix_seconds(),
        accuracy_ms,
        is_independent: stamp.token.is_independent(),
        token: format!("stamps/{}.tsr", stamp.name),
        chain: format!("stamps/{}.pem", stamp.name),
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
