//! What the keeper's service does under load, over plain HTTP of this machine.

use std::sync::Barrier;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use hizo_ledger::record::Origin;
use hizo_store::NamedBytes;
use serde_json::{Value, json};

use crate::http::{self, Connection};
use crate::owner::{Draft, Owner};
use crate::{Failure, quantile};

/// Bytes of a small deposit.
const SMALL_BYTES: usize = 1 << 10;
/// Records of the space that is read: more than one full tile.
const RECORDS: u64 = 300;
/// Connections that read.
const READERS: usize = 16;
/// Bytes of an object of [`uploads`].
const UPLOAD_BYTES: usize = 4 << 20;

/// Clients with a space each, who put and append deposits that were sealed beforehand, one after the other.
pub(crate) fn deposits(address: &str, keeper: &Origin, clients: u64, each: u64) -> Result<Value, Failure> {
    let start = Barrier::new(usize::try_from(clients)? + 1);
    let client = |number: u64| -> Result<Vec<f64>, Failure> {
        let prepared = prepare(address, keeper, number, each);
        start.wait();
        let (mut connection, owner, token, drafts) = prepared?;
        let mut taken = Vec::with_capacity(drafts.len());
        for draft in &drafts {
            let asked = Instant::now();
            connection.put(&owner, &token, draft)?;
            connection.append(&owner, &token, &draft.note)?;
            taken.push(asked.elapsed().as_secs_f64());
        }
        Ok(taken)
    };
    let (wall_s, mut taken) = thread::scope(|scope| {
        let client = &client;
        let clients: Vec<_> = (0..clients).map(|number| scope.spawn(move || client(number))).collect();
        start.wait();
        let began = Instant::now();
        let taken: Result<Vec<_>, _> = clients.into_iter().map(joined).collect();
        taken.map(|taken| (began.elapsed().as_secs_f64(), taken.concat()))
    })?;
    taken.sort_by(f64::total_cmp);
    Ok(json!({
        "clients": clients, "deposits": taken.len(), "bytes": SMALL_BYTES, "wall_s": wall_s,
        "per_second": (taken.len() as f64 / wall_s).round(),
        "median_s": quantile(&taken, 500), "p99_s": quantile(&taken, 990),
    }))
}

type Prepared = (Connection, Owner, String, Vec<Draft>);

fn prepare(address: &str, keeper: &Origin, number: u64, each: u64) -> Result<Prepared, Failure> {
    let (mut connection, mut owner) = (Connection::open(address)?, Owner::new(keeper, number));
    let token = connection.begin(&mut owner)?;
    let drafts: Result<_, _> = (0..each).map(|_| owner.deposit(SMALL_BYTES)).collect();
    Ok((connection, owner, token, drafts?))
}

/// Records, one at a time, and tiles of the log: as many as come in so many seconds, each by itself and both by turns.
pub(crate) fn reads(address: &str, keeper: &Origin, seconds: u64) -> Result<Value, Failure> {
    let (mut connection, mut owner) = (Connection::open(address)?, Owner::new(keeper, u64::MAX));
    let token = connection.begin(&mut owner)?;
    for _ in 0..RECORDS {
        let note = owner.bare()?;
        connection.append(&owner, &token, &note)?;
    }
    let tile = "GET /log/tile/0/000".to_owned();
    while connection.ask(&tile, None, &[]).is_err() {
        thread::yield_now();
    }
    let record = format!("GET /v1/spaces/{}/records?from={RECORDS}", owner.space);
    let rate = |asked: &[&str]| read(address, &token, asked, Duration::from_secs(seconds));
    Ok(
        json!({ "connections": READERS, "tiles": rate(&[&tile])?, "records": rate(&[&record])?, "both": rate(&[&tile, &record])? }),
    )
}

fn read(address: &str, token: &str, asked: &[&str], time: Duration) -> Result<Value, Failure> {
    let (began, count) = (Instant::now(), AtomicU64::new(0));
    thread::scope(|scope| {
        let reader = || -> Result<(), Failure> {
            let mut connection = Connection::open(address)?;
            for request in asked.iter().cycle() {
                if began.elapsed() >= time {
                    break;
                }
                connection.ask(request, Some(token), &[])?;
                count.fetch_add(1, Ordering::Relaxed);
            }
            Ok(())
        };
        let readers: Vec<_> = (0..READERS).map(|_| scope.spawn(reader)).collect();
        readers.into_iter().try_for_each(joined)
    })?;
    Ok(Value::from((count.into_inner() as f64 / began.elapsed().as_secs_f64()).round()))
}

/// So many objects that are all half sent before the first of them is whole.
pub(crate) fn uploads(address: &str, keeper: &Origin, count: usize) -> Result<Value, Failure> {
    let (mut connection, mut owner) = (Connection::open(address)?, Owner::new(keeper, u64::MAX));
    let token = connection.begin(&mut owner)?;
    let (half, began) = (Barrier::new(count), Instant::now());
    thread::scope(|scope| {
        let (owner, token, half) = (&owner, &token, &half);
        let upload = move |number: usize| -> Result<(), Failure> {
            let sent = (|| {
                let mut bytes = number.to_be_bytes().to_vec();
                bytes.resize(UPLOAD_BYTES, 0);
                let (object, mut connection) = (NamedBytes::name(bytes)?, Connection::open(address)?);
                let (request, (first, rest)) =
                    (http::put(owner, object.id()), object.as_bytes().split_at(UPLOAD_BYTES / 2));
                connection.send(&request, Some(token), UPLOAD_BYTES, first)?;
                Ok::<_, Failure>((connection, request, rest.to_vec()))
            })();
            half.wait();
            let (mut connection, request, rest) = sent?;
            connection.more(&rest)?;
            if connection.answer(&request)?.is_new { Ok(()) } else { Err("it had been put".into()) }
        };
        let uploads: Vec<_> = (0..count).map(|number| scope.spawn(move || upload(number))).collect();
        uploads.into_iter().try_for_each(joined)
    })?;
    Ok(json!({ "uploads": count, "bytes": UPLOAD_BYTES, "wall_s": began.elapsed().as_secs_f64() }))
}

/// What a thread came to.
pub(crate) fn joined<T>(thread: thread::ScopedJoinHandle<'_, Result<T, Failure>>) -> Result<T, Failure> {
    thread.join().unwrap_or_else(|_| Err("a client panicked".into()))
}
