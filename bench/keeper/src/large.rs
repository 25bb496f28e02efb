//! A log of many records, grown through the journal and the sequencer as they are, in large groups.

use std::path::Path;
use std::time::Instant;

use hizo_keeper::witness::Patience;
use hizo_keeper::{EmbeddedKeeper, EmbeddedLog, Seeds};
use hizo_ledger::id::{RecordId, Slot, SpaceId};
use hizo_ledger::log::Leaf;
use hizo_ledger::log::tree::Edge;
use hizo_store::Journal;
use hizo_store::journal::{Entry, Head};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::{Failure, quantile};

const SPACES: u64 = 256;
/// Records of one space in a row, and of one durable step.
const RUN: u64 = 64;

/// Grows the journal to so many records, and publishes the log in steps of a million.
pub(crate) fn grow(folder: &Path, records: u64) -> Result<Value, Failure> {
    let seeds = Seeds { origin: *b"sixteen  bytes!!", log_key: Zeroizing::new([7; 32]) };
    let keeper = EmbeddedKeeper::init_embedded(folder, &seeds)?;
    let log = EmbeddedLog::open(folder, &keeper)?;
    let began = Instant::now();
    let mut heads = Vec::new();
    for number in 0..SPACES {
        heads.push(keeper.head(space(number))?);
    }
    let (mut appended, mut written_s, mut published_s) = (keeper.journal().log()?.size, 0.0, 0.0);
    while appended < records {
        let start = Instant::now();
        let until = records.min((appended / 1_000_000 + 1) * 1_000_000);
        while appended < until {
            appended += step(&keeper, &mut heads, until - appended)?;
        }
        written_s += start.elapsed().as_secs_f64();
        let start = Instant::now();
        log.publish(&keeper, &Patience::default())?;
        published_s += start.elapsed().as_secs_f64();
        eprintln!("{appended} records after {:.0} s", began.elapsed().as_secs_f64());
    }
    log.publish(&keeper, &Patience::default())?;
    Ok(json!({ "records": appended, "written_s": written_s, "published_s": published_s }))
}

fn space(number: u64) -> SpaceId {
    SpaceId::from_bytes((u128::from(number) << 64 | 0x5a).to_be_bytes())
}

/// One durable step: a run of records in every space, at most so many in all.
fn step(keeper: &EmbeddedKeeper, heads: &mut [Option<Head>], most: u64) -> Result<u64, Failure> {
    let mut notes = Vec::new();
    for (number, head) in (0..).zip(heads.iter_mut()) {
        for _ in 0..RUN.min(most - notes.len() as u64) {
            let next = head.map_or(0, |head| head.number + 1);
            let note = format!("{number:08x}{next:023x}\n").into_bytes();
            let new = Head { number: next, id: RecordId::of(&note) };
            notes.push((space(number), head.replace(new), note));
        }
    }
    let keys: Vec<[u8; 32]> = notes.iter().map(|(space, ..)| Sha256::digest(space.as_bytes()).into()).collect();
    let entries: Vec<Entry<'_>> = notes
        .iter()
        .zip(&keys)
        .map(|((space, expected, note), slot_key)| Entry {
            space: *space,
            expected: *expected,
            note,
            objects: &[],
            slot_key: expected.is_none().then_some(slot_key),
            kept: 1,
            charge: None,
        })
        .collect();
    for outcome in keeper.journal().append_all(&entries) {
        outcome?;
    }
    Ok(entries.len() as u64)
}

/// From a closed folder to a signed head over one record more.
pub(crate) fn start(folder: &Path) -> Result<Value, Failure> {
    let began = Instant::now();
    let keeper = EmbeddedKeeper::open_embedded(folder)?;
    let log = EmbeddedLog::open(folder, &keeper)?;
    let published = log.publish(&keeper, &Patience::default())?.head;
    let opened_s = began.elapsed().as_secs_f64();
    let mut heads = vec![keeper.head(space(0))?];
    step(&keeper, &mut heads, 1)?;
    let head = log.publish(&keeper, &Patience::default())?.head;
    if head.size != published.size + 1 {
        return Err("the record more is not published".into());
    }
    Ok(json!({ "records": published.size, "opened_s": opened_s, "published_s": began.elapsed().as_secs_f64() }))
}

/// Proofs all over the log, each with its checkpoint.
pub(crate) fn prove(folder: &Path, proofs: u64) -> Result<Value, Failure> {
    let keeper = EmbeddedKeeper::open_embedded(folder)?;
    let log = EmbeddedLog::open(folder, &keeper)?;
    let size = log.publish(&keeper, &Patience::default())?.head.size;
    let mut taken = Vec::new();
    for number in 0..proofs {
        let index = number.wrapping_mul(0x9E37_79B9_7F4A_7C15) % size;
        let began = Instant::now();
        let proof = log.published().prove(index)?;
        taken.push(began.elapsed().as_secs_f64());
        if proof.index != index {
            return Err("a proof of another leaf".into());
        }
    }
    taken.sort_by(f64::total_cmp);
    Ok(json!({ "records": size, "proofs": proofs, "median_s": quantile(&taken, 500), "p99_s": quantile(&taken, 990) }))
}

pub(crate) fn check(folder: &Path) -> Result<Value, Failure> {
    let keeper = EmbeddedKeeper::open_embedded(folder)?;
    let log = EmbeddedLog::open(folder, &keeper)?;
    let began = Instant::now();
    let head = log.published().check()?;
    Ok(json!({ "records": head.size, "wall_s": began.elapsed().as_secs_f64() }))
}

/// The least that a check must do: every leaf hashed, and every node above the leaves.
pub(crate) fn hash(records: u64) -> Value {
    let mut leaf = Leaf { slot: Slot::of(&[9; 32], 0), record: RecordId::of(b"record") };
    let mut edge = Edge::default();
    let began = Instant::now();
    for number in 0..records {
        let mut bytes = *leaf.record.as_bytes();
        bytes[..8].copy_from_slice(&number.to_be_bytes());
        leaf.record = RecordId::from_bytes(bytes);
        edge.push(leaf.hash());
    }
    let root = edge.root().to_string();
    json!({ "records": records, "wall_s": began.elapsed().as_secs_f64(), "root": root })
}
