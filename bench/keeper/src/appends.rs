//! Many spaces that append at once, each append answered by a signed receipt, and the log published behind them.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Barrier, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use hizo_keeper::witness::Patience;
use hizo_keeper::{EmbeddedKeeper, EmbeddedLog, Seeds};
use hizo_ledger::id::SpaceId;
use hizo_store::Journal;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use crate::owner::Owner;
use crate::{Failure, quantile};

const SPACES: u64 = 256;
/// A head costs signatures and syncs, which appends want too.
const PUBLISH_EVERY: Duration = Duration::from_millis(200);

/// A space with records that are signed and wait.
struct Space {
    id: SpaceId,
    notes: Vec<Vec<u8>>,
}

/// When a record was handed over, and when its receipt was there.
#[derive(Clone, Copy)]
struct Answered {
    asked: Instant,
    receipt: Instant,
}

pub(crate) fn appends(folder: &Path, records: u64) -> Result<Value, Failure> {
    let seeds = Seeds { origin: *b"sixteen  bytes!!", log_key: Zeroizing::new([7; 32]) };
    let keeper = EmbeddedKeeper::init_embedded(folder, &seeds)?;
    let log = EmbeddedLog::open(folder, &keeper)?;
    let each = records.div_ceil(SPACES);
    let spaces = (0..SPACES).map(|number| begin(&keeper, number, each)).collect::<Result<Vec<_>, Failure>>()?;
    log.publish(&keeper, &Patience::default())?;

    let (start, over) = (Barrier::new(spaces.len() + 1), AtomicBool::new(false));
    let published = Mutex::new(Vec::new());
    let (began, cpu_s, answers) = thread::scope(|scope| {
        let publisher = scope.spawn(|| publish(&keeper, &log, &over, &published));
        let workers: Vec<_> = spaces.iter().map(|space| scope.spawn(|| work(&keeper, &log, space, &start))).collect();
        start.wait();
        let (began, cpu) = (Instant::now(), cpu_s());
        let answers: Result<Vec<Vec<Answered>>, Failure> = workers
            .into_iter()
            .map(|worker| worker.join().unwrap_or_else(|_| Err("a worker panicked".into())))
            .collect();
        over.store(true, Ordering::Relaxed);
        publisher.join().unwrap_or_else(|_| Err("the publisher panicked".into()))?;
        Ok::<_, Failure>((began, cpu_s() - cpu, answers?))
    })?;
    let published = published.into_inner().unwrap_or_else(PoisonError::into_inner);
    let head = log.published().check()?;
    let mut figures = figures(&keeper, &spaces, began, &answers, &published, head.size)?;
    figures["cpu_s"] = Value::from(cpu_s);
    Ok(figures)
}

/// User and system time of this process so far.
fn cpu_s() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<&str> = stat.rsplit(") ").next().unwrap_or_default().split(' ').collect();
    let ticks = |field: usize| fields.get(field).and_then(|ticks| ticks.parse::<f64>().ok()).unwrap_or(f64::NAN);
    (ticks(11) + ticks(12)) / 100.0
}

fn begin(keeper: &EmbeddedKeeper, number: u64, records: u64) -> Result<Space, Failure> {
    let mut owner = Owner::new(keeper.origin(), number);
    let genesis = owner.genesis()?;
    for object in &genesis.objects {
        keeper.put(owner.space, object)?;
    }
    keeper.create_space(&genesis.note, &owner.slot_key)?;
    let notes: Result<_, Failure> = (0..records).map(|_| owner.bare()).collect();
    Ok(Space { id: owner.space, notes: notes? })
}

fn work(keeper: &EmbeddedKeeper, log: &EmbeddedLog, space: &Space, start: &Barrier) -> Result<Vec<Answered>, Failure> {
    start.wait();
    let mut answers = Vec::with_capacity(space.notes.len());
    for note in &space.notes {
        let asked = Instant::now();
        let kept = keeper.append(note)?;
        log.receipt_of(keeper, &kept).ok_or("there is no receipt")?;
        answers.push(Answered { asked, receipt: Instant::now() });
    }
    Ok(answers)
}

/// Publishes again and again, at most so often, and once more when everything is appended.
fn publish(
    keeper: &EmbeddedKeeper,
    log: &EmbeddedLog,
    over: &AtomicBool,
    published: &Mutex<Vec<(u64, Instant)>>,
) -> Result<(), Failure> {
    loop {
        let (last, began) = (over.load(Ordering::Relaxed), Instant::now());
        let head = log.publish(keeper, &Patience::default())?.head;
        published.lock().unwrap_or_else(PoisonError::into_inner).push((head.size, Instant::now()));
        if last {
            return Ok(());
        }
        thread::sleep(PUBLISH_EVERY.saturating_sub(began.elapsed()));
    }
}

fn figures(
    keeper: &EmbeddedKeeper,
    spaces: &[Space],
    began: Instant,
    answers: &[Vec<Answered>],
    published: &[(u64, Instant)],
    size: u64,
) -> Result<Value, Failure> {
    // Without records it is a run that shows what the setup costs.
    let last = answers.iter().flatten().map(|answered| answered.receipt).max().unwrap_or(began);
    let seconds = (last - began).as_secs_f64();
    let (mut receipts, mut checkpoints) = (Vec::new(), Vec::new());
    for (space, answers) in spaces.iter().zip(answers) {
        let mut number = 1;
        while number <= answers.len() as u64 {
            let page = keeper.journal().records(space.id, number, 1_000)?;
            for record in page {
                let answered = answers.get(usize::try_from(record.number - 1)?).ok_or("a record too many")?;
                let at = published.partition_point(|(size, _)| *size <= record.position);
                let (_, visible) = published.get(at).ok_or("a record was not published")?;
                receipts.push((answered.receipt - answered.asked).as_secs_f64());
                checkpoints.push((*visible - answered.asked).as_secs_f64());
                number = record.number + 1;
            }
        }
    }
    receipts.sort_by(f64::total_cmp);
    checkpoints.sort_by(f64::total_cmp);
    let count = receipts.len() as u64;
    Ok(json!({
        "records": count, "leaves": size, "spaces": spaces.len(), "wall_s": seconds,
        "per_second": (count as f64 / seconds).round(), "published": published.len(),
        "receipt_s": { "median": quantile(&receipts, 500), "p99": quantile(&receipts, 990) },
        "checkpoint_s": { "median": quantile(&checkpoints, 500), "p99": quantile(&checkpoints, 990), "most": quantile(&checkpoints, 1_000) },
    }))
}
