//! A keeper with many accounts, each with one space, and what it costs to ask it for some of them.

use std::cell::RefCell;
use std::fs;
use std::path::Path;
use std::thread;
use std::time::Instant;

use hizo_keeper::log::{self, LogFiles, LogReader};
use hizo_keeper::witness::Patience;
use hizo_keeper::{EmbeddedKeeper, EmbeddedLog, Seeds};
use hizo_ledger::id::{ObjectId, RecordId, SpaceId};
use hizo_ledger::log::note::NamedKey;
use hizo_ledger::record::Origin;
use hizo_store::Journal;
use hizo_store::journal::{AccountId, Charge, Entry, Head};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use crate::http::Connection;
use crate::owner::Owner;
use crate::service::joined;
use crate::{Failure, quantile};

/// Spaces whose records are written in one durable step.
const SPACES_A_STEP: u64 = 256;
/// Clients that ask at once.
const CLIENTS: u64 = 8;
/// What a record of the past is charged, in bytes.
const CHARGE_BYTES: u64 = 4 << 10;
const QUOTA_BYTES: u64 = 1 << 40;

/// A space that is written down.
struct Space {
    id: SpaceId,
    slot_key: [u8; 32],
    account: AccountId,
    notes: Vec<Vec<u8>>,
}

impl Space {
    fn of(keeper: &Origin, number: u64, each: u64) -> Result<Self, Failure> {
        let mut owner = Owner::new(keeper, number);
        let mut notes = vec![owner.genesis()?.note];
        for _ in 1..each {
            notes.push(owner.bare()?);
        }
        let account = AccountId(*code(number).as_bytes());
        Ok(Self { id: owner.space, slot_key: owner.slot_key, account, notes })
    }
}

/// Writes down so many accounts, each with one space of so many records, and beside the folder the codes of a
/// configuration that lets them in.
pub(crate) fn grow(folder: &Path, accounts: u64, each: u64) -> Result<Value, Failure> {
    let seeds = Seeds { origin: *b"sixteen  bytes!!", log_key: Zeroizing::new([7; 32]) };
    let keeper = EmbeddedKeeper::init_embedded(folder, &seeds)?;
    let log = EmbeddedLog::open(folder, &keeper)?;
    let began = Instant::now();
    for first in (0..accounts).step_by(usize::try_from(SPACES_A_STEP)?) {
        let (origin, middle, end) = (keeper.origin(), first + SPACES_A_STEP / 2, first + SPACES_A_STEP);
        let spaces =
            |from: u64, to: u64| (from..to.min(accounts)).map(|number| Space::of(origin, number, each)).collect();
        let spaces: Vec<Space> = thread::scope(|scope| {
            let others = scope.spawn(|| spaces(middle, end));
            let mut all: Vec<_> = spaces(first, middle)?;
            all.extend(joined::<Vec<_>>(others)?);
            Ok::<_, Failure>(all)
        })?;
        write(&keeper, &spaces)?;
    }
    log.publish(&keeper, &Patience::default())?;
    let codes: String =
        (0..accounts).map(|number| format!("[[admission.codes]]\nsha256 = \"{}\"\n", code(number))).collect();
    fs::write("codes.toml", codes)?;
    Ok(json!({ "accounts": accounts, "records": accounts * each, "wall_s": began.elapsed().as_secs_f64() }))
}

/// The hash of a code.
fn code(number: u64) -> ObjectId {
    ObjectId::of(format!("code {number}").as_bytes())
}

fn write(keeper: &EmbeddedKeeper, spaces: &[Space]) -> Result<(), Failure> {
    let mut entries = Vec::new();
    for space in spaces {
        let mut expected = None;
        for (note, number) in space.notes.iter().zip(0..) {
            entries.push(Entry {
                space: space.id,
                expected,
                note,
                objects: &[],
                slot_key: expected.is_none().then_some(&space.slot_key),
                kept: 1,
                charge: Some(Charge { account: space.account, bytes: CHARGE_BYTES, quota: QUOTA_BYTES, alone: true }),
            });
            expected = Some(Head { number, id: RecordId::of(note) });
        }
    }
    for outcome in keeper.journal().append_all(&entries) {
        outcome?;
    }
    Ok(())
}

/// Appends to, lists, and proves records of accounts here and there, over the service: seconds of each act. Each earlier
/// round has appended a record to each of them.
pub(crate) fn ask(address: &str, keeper: &Origin, [accounts, each, asked, round]: [u64; 4]) -> Result<Value, Failure> {
    let leaves = accounts * each;
    let client = |client: u64| -> Result<[Vec<f64>; 3], Failure> {
        let mut connection = Connection::open(address)?;
        let log = log_at(address)?;
        let mut taken = [const { Vec::new() }; 3];
        for number in (client..asked).step_by(usize::try_from(CLIENTS)?) {
            let account = number * (accounts / asked);
            let mut owner = Owner::new(keeper, account);
            owner.genesis()?;
            (1..each + round).try_for_each(|_| owner.bare().map(drop))?;
            let note = owner.bare()?;
            let token = connection.session(&owner)?;
            let list = format!("GET /v1/spaces/{}/records?from=0", owner.space);
            let [append, listing, proving] = &mut taken;
            timed(append, || connection.append(&owner, &token, &note))?;
            timed(listing, || connection.ask(&list, Some(&token), &[]))?;
            timed(proving, || prove(&log, account * each))?;
        }
        Ok(taken)
    };
    let all = thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS).map(|number| scope.spawn(move || client(number))).collect();
        clients.into_iter().map(joined).collect::<Result<Vec<_>, _>>()
    })?;
    let mut figures = json!({ "accounts": accounts, "records": leaves, "asked": asked });
    for (act, name) in ["append", "list", "proof"].into_iter().enumerate() {
        let mut taken: Vec<f64> = all.iter().filter_map(|client| client.get(act)).flatten().copied().collect();
        taken.sort_by(f64::total_cmp);
        figures[name] = json!({ "median_s": quantile(&taken, 500), "p99_s": quantile(&taken, 990) });
    }
    Ok(figures)
}

fn timed<T>(taken: &mut Vec<f64>, act: impl FnOnce() -> Result<T, Failure>) -> Result<(), Failure> {
    let began = Instant::now();
    act()?;
    taken.push(began.elapsed().as_secs_f64());
    Ok(())
}

/// The keeper's log, read over a connection of its own as every client reads it.
fn log_at(address: &str) -> Result<LogReader<Asked>, Failure> {
    let mut connection = Connection::open(address)?;
    let said: Value = serde_json::from_slice(&connection.ask("GET /v1/keeper", None, &[])?.body)?;
    let key = NamedKey::parse(said["log_key"].as_str().ok_or("no key of the log")?)?;
    Ok(LogReader::new(Asked(RefCell::new(connection)), key))
}

/// The head, and the tiles from the leaf to it: the path of the proof comes out of them.
fn prove(log: &LogReader<Asked>, leaf: u64) -> Result<(), Failure> {
    let proof = log.prove(leaf)?;
    if proof.index == leaf { Ok(()) } else { Err("a proof of another leaf".into()) }
}

struct Asked(RefCell<Connection>);

impl LogFiles for Asked {
    fn read(&self, path: &str) -> Result<Option<Vec<u8>>, log::Error> {
        // A partial tile that has grown meanwhile is not there any more; the reader asks for what stands for it.
        Ok(self.0.borrow_mut().ask(&format!("GET /log/{path}"), None, &[]).ok().map(|answer| answer.body))
    }
}
