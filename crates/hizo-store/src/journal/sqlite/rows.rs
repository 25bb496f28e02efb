//! Rows, read so that damage shows: each has a sum, and what matters stands in two tables that share no page.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry::{Occupied, Vacant};

use hizo_ledger::id::{ObjectId, RecordId, RootHash, Slot, SpaceId};
use hizo_ledger::log::Leaf;
use rusqlite::types::FromSql;
use rusqlite::{Connection, OptionalExtension, Params, Row, Statement, params};
use sha2::{Digest, Sha256};

use super::{damaged, database};
use crate::journal::{
    AccountId, Entry, Error, Head, LogHead, LogState, PAGE_BYTES_MAX, PAGE_RECORDS_MAX, StoredRecord, Usage,
};

pub(super) const TWINS_CONDEMNED: [&str; 2] = ["condemned", "condemned_twin"];
pub(super) const TWINS_FACT: [&str; 2] = ["fact", "fact_twin"];
const TWINS_ACCOUNT: [&str; 2] = ["account", "account_twin"];
const TWINS_PAYER: [&str; 2] = ["payer", "payer_twin"];
const TWINS_LOG: [&str; 2] = ["log", "log_twin"];

/// The head stands in `space` and is the last row of `record`: two trees that share no page.
pub(super) fn head(tx: &Connection, space: SpaceId) -> Result<Option<Head>, Error> {
    Ok(known_space(tx, space)?.map(|known| known.head))
}

/// What is known of a space without its records.
pub(super) struct KnownSpace {
    pub(super) head: Head,
    /// When the head was kept.
    pub(super) kept: u64,
    pub(super) slot_key: [u8; 32],
}

/// The head of a space with its time, and the slot key.
pub(super) fn known_space(tx: &Connection, space: SpaceId) -> Result<Option<KnownSpace>, Error> {
    let told = space_row(tx, space)?;
    let sql = "SELECT number, id, kept, position, note, sum FROM record WHERE space = ?1 ORDER BY number DESC LIMIT 1";
    let last = row(tx, sql, params![space.as_bytes()], RecordRow::read)?.map(|row| row.check(space)).transpose()?;
    let head = last.as_ref().map(|last| Head { number: last.number, id: last.id });
    agree(told.map(|(head, _)| head), head, "the head of a space is not its last record")?;
    Ok(told.zip(last).map(|((head, slot_key), last)| KnownSpace { head, kept: last.kept, slot_key }))
}

fn slot_key(tx: &Connection, space: SpaceId) -> Result<[u8; 32], Error> {
    let (_, slot_key) = space_row(tx, space)?.ok_or_else(|| damaged("a space has no slot key"))?;
    Ok(slot_key)
}

fn space_row(tx: &Connection, space: SpaceId) -> Result<Option<(Head, [u8; 32])>, Error> {
    let sql = "SELECT number, id, slot_key, sum FROM space WHERE space = ?1";
    let row: Option<(i64, [u8; 32], [u8; 32], [u8; 16])> =
        row(tx, sql, params![space.as_bytes()], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))?;
    let Some((number, id, slot_key, found)) = row else { return Ok(None) };
    let head = Head { number: natural(number)?, id: RecordId::from_bytes(id) };
    if found != space_sum(space, head, &slot_key) {
        return Err(damaged("the head of a space does not match its sum"));
    }
    Ok(Some((head, slot_key)))
}

fn space_sum(space: SpaceId, head: Head, slot_key: &[u8; 32]) -> [u8; 16] {
    sum("space", &[space.as_bytes(), &head.number.to_be_bytes(), head.id.as_bytes(), slot_key])
}

pub(super) fn put_space(tx: &Connection, space: SpaceId, head: Head, slot_key: &[u8; 32]) -> Result<(), Error> {
    let sum = space_sum(space, head, slot_key);
    let sql = "INSERT INTO space VALUES (?1, ?2, ?3, ?4, ?5) \
               ON CONFLICT (space) DO UPDATE SET number = ?2, id = ?3, slot_key = ?4, sum = ?5";
    let row = params![space.as_bytes(), integer(head.number)?, head.id.as_bytes(), slot_key, sum];
    execute(tx, sql, row)
}

/// Whether the entry's expected head is the record before the head, and its slot key the one that is kept.
pub(super) fn follows(tx: &Connection, entry: &Entry<'_>, kept_key: Option<&[u8; 32]>) -> Result<bool, Error> {
    let Some(expected) = entry.expected else { return Ok(kept_key == entry.slot_key) };
    let sql = "SELECT number, id, kept, position, note, sum FROM record WHERE space = ?1 AND number = ?2";
    let key = params![entry.space.as_bytes(), integer(expected.number)?];
    let before = row(tx, sql, key, RecordRow::read)?.ok_or_else(|| damaged("a record is missing"))?;
    Ok(before.check(entry.space)?.id == expected.id)
}

struct RecordRow {
    number: i64,
    id: [u8; 32],
    kept: i64,
    position: i64,
    note: Vec<u8>,
    sum: [u8; 16],
}

impl RecordRow {
    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        let (number, id, kept, position) = (row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?);
        Ok(Self { number, id, kept, position, note: row.get(4)?, sum: row.get(5)? })
    }

    fn check(self, space: SpaceId) -> Result<StoredRecord, Error> {
        let id = RecordId::of(&self.note);
        let (number, kept, position) = (natural(self.number)?, natural(self.kept)?, natural(self.position)?);
        if *id.as_bytes() != self.id || self.sum != record_sum(space, Head { number, id }, kept, position) {
            return Err(damaged("a record does not match its sum"));
        }
        Ok(StoredRecord { number, id, kept, position, note: self.note })
    }
}

/// The id is the note's hash, so the note needs no place of its own in the sum.
fn record_sum(space: SpaceId, head: Head, kept: u64, position: u64) -> [u8; 16] {
    let (number, kept, position) = (head.number.to_be_bytes(), kept.to_be_bytes(), position.to_be_bytes());
    sum("record", &[space.as_bytes(), &number, head.id.as_bytes(), &kept, &position])
}

/// The record, and its leaf at this place of the log.
pub(super) fn insert_record(tx: &Connection, entry: &Entry<'_>, new: Head, position: u64) -> Result<(), Error> {
    let sum = record_sum(entry.space, new, entry.kept, position);
    let (number, kept, place) = (integer(new.number)?, integer(entry.kept)?, integer(position)?);
    let row = params![entry.space.as_bytes(), number, new.id.as_bytes(), kept, place, entry.note, sum];
    execute(tx, "INSERT INTO record VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)", row)?;
    let sum = leaf_sum(position, entry.space, new);
    let row = params![place, entry.space.as_bytes(), number, new.id.as_bytes(), sum];
    execute(tx, "INSERT INTO leaf VALUES (?1, ?2, ?3, ?4, ?5)", row)
}

fn leaf_sum(position: u64, space: SpaceId, head: Head) -> [u8; 16] {
    sum("leaf", &[&position.to_be_bytes(), space.as_bytes(), &head.number.to_be_bytes(), head.id.as_bytes()])
}

/// How far the log has come, as both tables and the last leaf say. Before the first append there is no row.
pub(super) fn log(tx: &Connection) -> Result<LogState, Error> {
    let [first, second] = TWINS_LOG.map(|table| log_row(tx, table));
    let state = agree(first?, second?, "the two tables of the log differ")?;
    let last: Option<i64> = one(tx, "SELECT max(position) FROM leaf")?;
    let size = last.map(natural).transpose()?.map_or(0, |last| last.saturating_add(1));
    agree(state.map_or(0, |state| state.size), size, "the log is not as long as its leaves")?;
    Ok(state.unwrap_or_default())
}

fn log_row(tx: &Connection, table: &str) -> Result<Option<LogState>, Error> {
    let sql = format!("SELECT size, signed_size, signed_root, sum FROM {table} WHERE one = 1");
    let row: Option<(i64, i64, [u8; 32], [u8; 16])> =
        row(tx, &sql, (), |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))?;
    let Some((size, signed_size, signed_root, found)) = row else { return Ok(None) };
    let (size, signed_size) = (natural(size)?, natural(signed_size)?);
    if found != log_sum(size, signed_size, &signed_root) {
        return Err(damaged("the state of the log does not match its sum"));
    }
    let signed = LogHead { size: signed_size, root: RootHash::from_bytes(signed_root) };
    Ok(Some(LogState { size, signed: (signed_size > 0).then_some(signed) }))
}

fn log_sum(size: u64, signed_size: u64, signed_root: &[u8; 32]) -> [u8; 16] {
    sum("log", &[&size.to_be_bytes(), &signed_size.to_be_bytes(), signed_root])
}

pub(super) fn put_log(tx: &Connection, state: LogState) -> Result<(), Error> {
    let (signed_size, signed_root) = state.signed.map_or((0, [0; 32]), |head| (head.size, *head.root.as_bytes()));
    let sum = log_sum(state.size, signed_size, &signed_root);
    for table in TWINS_LOG {
        let sql = format!("INSERT OR REPLACE INTO {table} VALUES (1, ?1, ?2, ?3, ?4)");
        let row = params![integer(state.size)?, integer(signed_size)?, signed_root, sum];
        execute(tx, &sql, row)?;
    }
    Ok(())
}

/// Each leaf stands in `leaf` and, with its place, in `record`.
pub(super) fn leaves(tx: &Connection, from: u64, limit: usize) -> Result<Vec<Leaf>, Error> {
    let sql = "SELECT id, kept, position, sum FROM record WHERE space = ?1 AND number = ?2";
    let mut records = tx.prepare_cached(sql).map_err(database("be read"))?;
    let (mut leaves, mut keys) = (Vec::new(), BTreeMap::new());
    for (position, space, head) in placed(tx, from, limit)? {
        agree(record_place(&mut records, space, head)?, Some(position), "a leaf is not where its record says")?;
        let slot_key = match keys.entry(space) {
            Occupied(known) => *known.get(),
            Vacant(unknown) => *unknown.insert(slot_key(tx, space)?),
        };
        leaves.push(Leaf { slot: Slot::of(&slot_key, head.number), record: head.id });
    }
    Ok(leaves)
}

/// The same with the records themselves, until their notes fill a page.
pub(super) fn logged(tx: &Connection, from: u64, limit: usize) -> Result<Vec<(SpaceId, StoredRecord)>, Error> {
    let sql = "SELECT number, id, kept, position, note, sum FROM record WHERE space = ?1 AND number = ?2";
    let (mut page, mut bytes) = (Vec::new(), 0_usize);
    for (position, space, head) in placed(tx, from, limit)? {
        let record = row(tx, sql, params![space.as_bytes(), integer(head.number)?], RecordRow::read)?;
        let record = record.ok_or_else(|| damaged("a record is missing"))?.check(space)?;
        agree((record.id, record.position), (head.id, position), "a leaf is not where its record says")?;
        bytes = bytes.saturating_add(record.note.len());
        page.push((space, record));
        if bytes >= PAGE_BYTES_MAX {
            break;
        }
    }
    Ok(page)
}

/// Whose leaf stands at each place: without gap, and as many as there are, or as are wanted.
fn placed(tx: &Connection, from: u64, limit: usize) -> Result<Vec<(u64, SpaceId, Head)>, Error> {
    let size = log(tx)?.size;
    let wanted = usize::try_from(size.saturating_sub(from)).unwrap_or(usize::MAX).min(limit);
    let sql = "SELECT position, space, number, id, sum FROM leaf WHERE position >= ?1 ORDER BY position LIMIT ?2";
    let mut statement = tx.prepare_cached(sql).map_err(database("be read"))?;
    let rows = statement
        .query_map(params![integer(from)?, integer(length(wanted))?], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?))
        })
        .and_then(Iterator::collect::<Result<Vec<(i64, [u8; 16], i64, [u8; 32], [u8; 16])>, _>>)
        .map_err(database("be read"))?;
    let mut leaves = Vec::with_capacity(wanted);
    for ((position, space, number, id, found), expected) in rows.into_iter().zip(from..) {
        let (position, space) = (natural(position)?, SpaceId::from_bytes(space));
        let head = Head { number: natural(number)?, id: RecordId::from_bytes(id) };
        if position != expected || found != leaf_sum(position, space, head) {
            return Err(damaged("a leaf of the log is missing or does not match its sum"));
        }
        leaves.push((position, space, head));
    }
    if leaves.len() != wanted {
        return Err(damaged("a leaf of the log is missing or does not match its sum"));
    }
    Ok(leaves)
}

/// A record's place in the log, as its own row says; its note is not read.
fn record_place(statement: &mut Statement<'_>, space: SpaceId, head: Head) -> Result<Option<u64>, Error> {
    let row: Option<([u8; 32], i64, i64, [u8; 16])> = statement
        .query_row(params![space.as_bytes(), integer(head.number)?], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
        })
        .optional()
        .map_err(database("be read"))?;
    let Some((id, kept, position, found)) = row else { return Ok(None) };
    let (kept, position) = (natural(kept)?, natural(position)?);
    if id != *head.id.as_bytes() || found != record_sum(space, head, kept, position) {
        return Err(damaged("a record does not match its sum"));
    }
    Ok(Some(position))
}

/// Every leaf, against its record: as many as there are records.
pub(super) fn check_leaves(tx: &Connection, records: u64) -> Result<u64, Error> {
    let size = log(tx)?.size;
    let mut next = 0;
    while next < size {
        next = next.saturating_add(length(leaves(tx, next, PAGE_RECORDS_MAX)?.len()));
    }
    agree(next, records, "the log has not as many leaves as there are records")
}

pub(super) fn records(
    tx: &Connection,
    space: SpaceId,
    head: Head,
    from: u64,
    limit: usize,
) -> Result<Vec<StoredRecord>, Error> {
    let Some(wanted) = head.number.checked_sub(from).and_then(|rest| rest.checked_add(1)) else {
        return Ok(Vec::new());
    };
    let wanted = usize::try_from(wanted).unwrap_or(usize::MAX).min(limit);
    let sql =
        "SELECT number, id, kept, position, note, sum FROM record WHERE space = ?1 AND number >= ?2 ORDER BY number";
    let mut statement = tx.prepare_cached(sql).map_err(database("be read"))?;
    let rows = statement
        .query_map(params![space.as_bytes(), integer(from)?], RecordRow::read)
        .map_err(database("be read"))?
        .take(wanted);
    let mut page = Vec::new();
    let mut bytes = 0usize;
    let mut next = from;
    for row in rows {
        let record = row.map_err(database("be read"))?.check(space)?;
        if record.number != next {
            return Err(damaged("a record is missing"));
        }
        next = next.saturating_add(1);
        bytes = bytes.saturating_add(record.note.len());
        page.push(record);
        if bytes >= PAGE_BYTES_MAX {
            return Ok(page);
        }
    }
    if page.len() != wanted {
        return Err(damaged("a record is missing"));
    }
    Ok(page)
}

/// Both trees are walked side by side: a space that one of them has lost is found in the other.
pub(super) fn spaces(tx: &Connection) -> Result<Vec<SpaceId>, Error> {
    let mut spaces = Vec::new();
    let mut heads = tx.prepare_cached("SELECT min(space) FROM space WHERE space > ?1").map_err(database("be read"))?;
    let mut records =
        tx.prepare_cached("SELECT min(space) FROM record WHERE space > ?1").map_err(database("be read"))?;
    let mut after = Vec::new();
    loop {
        let told: Option<[u8; 16]> = heads.query_row([&after], |row| row.get(0)).map_err(database("be read"))?;
        let found: Option<[u8; 16]> = records.query_row([&after], |row| row.get(0)).map_err(database("be read"))?;
        let Some(space) = agree(told, found, "a space has no records, or records have no space")? else {
            return Ok(spaces);
        };
        if space.as_slice() <= after.as_slice() {
            return Err(damaged("the spaces are not in order"));
        }
        after = space.to_vec();
        let space = SpaceId::from_bytes(space);
        head(tx, space)?;
        spaces.push(space);
    }
}

pub(super) fn fact(tx: &Connection, key: &str) -> Result<Option<Vec<u8>>, Error> {
    let read = |table: &str| {
        let sql = format!("SELECT value, sum FROM {table} WHERE key = ?1");
        let row: Option<(Vec<u8>, [u8; 16])> = row(tx, &sql, [key], |row| Ok((row.get(0)?, row.get(1)?)))?;
        match row {
            Some((value, found)) if found != sum("fact", &[key.as_bytes(), &value]) => {
                Err(damaged("a fact does not match its sum"))
            }
            Some((value, _)) => Ok(Some(value)),
            None => Ok(None),
        }
    };
    let [first, second] = TWINS_FACT.map(read);
    agree(first?, second?, "the two tables of facts differ")
}

pub(super) fn condemned_among(tx: &Connection, space: SpaceId, objects: &[ObjectId]) -> Result<Vec<ObjectId>, Error> {
    if objects.is_empty() {
        return Ok(Vec::new());
    }
    let [first, second] = TWINS_CONDEMNED.map(|table| marked(tx, table, space, objects));
    let marks = agree(first?, second?, "the two tables of condemned objects differ")?;
    Ok(marks.into_iter().map(|(object, _)| object).collect())
}

/// Those of these objects that have a mark in this table, each with its time.
pub(super) fn marked(
    tx: &Connection,
    table: &str,
    space: SpaceId,
    objects: &[ObjectId],
) -> Result<Vec<(ObjectId, u64)>, Error> {
    let sql = format!("SELECT since, sum FROM {table} WHERE space = ?1 AND object = ?2");
    let mut statement = tx.prepare_cached(&sql).map_err(database("be read"))?;
    let mut found = Vec::new();
    for &object in objects {
        let row: Option<(i64, [u8; 16])> = statement
            .query_row(params![space.as_bytes(), object.as_bytes()], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()
            .map_err(database("be read"))?;
        if let Some((since, sum)) = row {
            let since = natural(since)?;
            check_mark(space, object, since, sum)?;
            found.push((object, since));
        }
    }
    Ok(found)
}

pub(super) fn condemned(tx: &Connection, table: &str, space: SpaceId) -> Result<Vec<(ObjectId, u64)>, Error> {
    let sql = format!("SELECT object, since, sum FROM {table} WHERE space = ?1 ORDER BY object");
    let mut statement = tx.prepare_cached(&sql).map_err(database("be read"))?;
    let rows = statement
        .query_map(params![space.as_bytes()], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .and_then(Iterator::collect::<Result<Vec<([u8; 32], i64, [u8; 16])>, _>>)
        .map_err(database("be read"))?;
    let mut marks = Vec::with_capacity(rows.len());
    for (object, since, sum) in rows {
        let (object, since) = (ObjectId::from_bytes(object), natural(since)?);
        check_mark(space, object, since, sum)?;
        marks.push((object, since));
    }
    Ok(marks)
}

pub(super) fn check_mark(space: SpaceId, object: ObjectId, since: u64, found: [u8; 16]) -> Result<(), Error> {
    if found != sum("condemned", &[space.as_bytes(), object.as_bytes(), &since.to_be_bytes()]) {
        return Err(damaged("a condemned object does not match its sum"));
    }
    Ok(())
}

pub(super) fn check_records(tx: &Connection) -> Result<(u64, u64), Error> {
    let spaces = spaces(tx)?;
    let mut total = 0u64;
    for &space in &spaces {
        let head = head(tx, space)?.ok_or_else(|| damaged("a space has no records, or records have no space"))?;
        let mut next = 0;
        while next <= head.number {
            let page = records(tx, space, head, next, PAGE_RECORDS_MAX)?;
            next = next.saturating_add(length(page.len()));
        }
        total = total.saturating_add(next);
    }
    let rows: i64 = one(tx, "SELECT count(*) FROM record")?;
    if natural(rows)? != total {
        return Err(damaged("there are records that belong to no space"));
    }
    Ok((length(spaces.len()), total))
}

pub(super) fn check_condemned(tx: &Connection) -> Result<u64, Error> {
    let [first, second] = TWINS_CONDEMNED.map(|table| {
        let mut statement = tx.prepare_cached(&format!("SELECT DISTINCT space FROM {table}"))?;
        statement.query_map((), |row| row.get(0))?.collect::<Result<Vec<[u8; 16]>, _>>()
    });
    let (first, second) = (first.map_err(database("be read"))?, second.map_err(database("be read"))?);
    let mut total = 0u64;
    for space in agree(first, second, "the two tables of condemned objects differ")? {
        let space = SpaceId::from_bytes(space);
        let [first, second] = TWINS_CONDEMNED.map(|table| condemned(tx, table, space));
        let marks = agree(first?, second?, "the two tables of condemned objects differ")?;
        total = total.saturating_add(length(marks.len()));
    }
    Ok(total)
}

pub(super) fn check_facts(tx: &Connection) -> Result<u64, Error> {
    let [first, second] = TWINS_FACT.map(|table| {
        let mut statement = tx.prepare_cached(&format!("SELECT key FROM {table} ORDER BY key"))?;
        statement.query_map((), |row| row.get(0))?.collect::<Result<Vec<String>, _>>()
    });
    let (first, second) = (first.map_err(database("be read"))?, second.map_err(database("be read"))?);
    let keys = agree(first, second, "the two tables of facts differ")?;
    for key in &keys {
        fact(tx, key)?;
    }
    Ok(length(keys.len()))
}

/// Who pays for a space.
pub(super) fn payer(tx: &Connection, space: SpaceId) -> Result<Option<AccountId>, Error> {
    let [first, second] = TWINS_PAYER.map(|table| {
        let sql = format!("SELECT account, sum FROM {table} WHERE space = ?1");
        let read = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?));
        let row: Option<([u8; 32], [u8; 16])> = row(tx, &sql, params![space.as_bytes()], read)?;
        match row {
            Some((account, found)) if found != payer_sum(space, AccountId(account)) => {
                Err(damaged("who pays for a space does not match its sum"))
            }
            Some((account, _)) => Ok(Some(AccountId(account))),
            None => Ok(None),
        }
    });
    agree(first?, second?, "the two tables of who pays differ")
}

fn payer_sum(space: SpaceId, account: AccountId) -> [u8; 16] {
    sum("payer", &[space.as_bytes(), &account.0])
}

/// Has this account pay for the space, or nobody.
pub(super) fn put_payer(tx: &Connection, space: SpaceId, account: Option<AccountId>) -> Result<(), Error> {
    for table in TWINS_PAYER {
        match account {
            Some(account) => {
                let row = params![space.as_bytes(), account.0, payer_sum(space, account)];
                execute(tx, &format!("INSERT OR REPLACE INTO {table} VALUES (?1, ?2, ?3)"), row)?;
            }
            None => {
                execute(tx, &format!("DELETE FROM {table} WHERE space = ?1"), params![space.as_bytes()])?;
            }
        }
    }
    Ok(())
}

/// What an account pays for. Before its first space there is no row.
pub(super) fn usage(tx: &Connection, account: AccountId) -> Result<Usage, Error> {
    let [first, second] = TWINS_ACCOUNT.map(|table| {
        let sql = format!("SELECT bytes, spaces, sum FROM {table} WHERE account = ?1");
        let read = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
        let row: Option<(i64, i64, [u8; 16])> = row(tx, &sql, params![account.0], read)?;
        let Some((bytes, spaces, found)) = row else { return Ok(Usage::default()) };
        let usage = Usage { bytes: natural(bytes)?, spaces: natural(spaces)? };
        if found == account_sum(account, usage) {
            return Ok(usage);
        }
        Err(damaged("an account does not match its sum"))
    });
    agree(first?, second?, "the two tables of accounts differ")
}

fn account_sum(account: AccountId, usage: Usage) -> [u8; 16] {
    sum("account", &[&account.0, &usage.bytes.to_be_bytes(), &usage.spaces.to_be_bytes()])
}

pub(super) fn put_usage(tx: &Connection, account: AccountId, usage: Usage) -> Result<(), Error> {
    for table in TWINS_ACCOUNT {
        let row = params![account.0, integer(usage.bytes)?, integer(usage.spaces)?, account_sum(account, usage)];
        execute(tx, &format!("INSERT OR REPLACE INTO {table} VALUES (?1, ?2, ?3, ?4)"), row)?;
    }
    Ok(())
}

/// Every account has as many spaces as say that it pays for them and have begun.
pub(super) fn check_accounts(tx: &Connection) -> Result<(), Error> {
    let accounts = TWINS_ACCOUNT.map(|table| keys::<32>(tx, table, "account"));
    let [first, second] = accounts;
    let accounts = agree(first?, second?, "the two tables of accounts differ")?;
    let payers = TWINS_PAYER.map(|table| keys::<16>(tx, table, "space"));
    let [first, second] = payers;
    let mut spaces: BTreeMap<AccountId, u64> = BTreeMap::new();
    for space in agree(first?, second?, "the two tables of who pays differ")?.into_iter().map(SpaceId::from_bytes) {
        let payer = payer(tx, space)?.ok_or_else(|| damaged("a space that is paid for is missing"))?;
        // One that has not begun is claimed, and not counted.
        if head(tx, space)?.is_some() {
            let count = spaces.entry(payer).or_default();
            *count = count.saturating_add(1);
        }
    }
    for account in accounts.into_iter().map(AccountId) {
        let counted = spaces.remove(&account).unwrap_or(0);
        agree(usage(tx, account)?.spaces, counted, "an account has not as many spaces as it pays for")?;
    }
    if spaces.is_empty() { Ok(()) } else { Err(damaged("a space is paid for by no account")) }
}

fn keys<const N: usize>(tx: &Connection, table: &str, key: &str) -> Result<Vec<[u8; N]>, Error> {
    let sql = format!("SELECT {key} FROM {table} ORDER BY {key}");
    let mut statement = tx.prepare_cached(&sql).map_err(database("be read"))?;
    let keys = statement.query_map((), |row| row.get(0)).and_then(Iterator::collect);
    keys.map_err(database("be read"))
}

/// First 16 bytes of SHA-256 over "hizo/journal/v1", a line feed, and the row's table and columns, each with its
/// length in eight bytes before it.
pub(super) fn sum(table: &str, columns: &[&[u8]]) -> [u8; 16] {
    let mut hash = Sha256::new();
    hash.update(b"hizo/journal/v1\n");
    for part in std::iter::once(table.as_bytes()).chain(columns.iter().copied()) {
        hash.update(length(part.len()).to_be_bytes());
        hash.update(part);
    }
    let digest: [u8; 32] = hash.finalize().into();
    let mut sum = [0; 16];
    sum.copy_from_slice(digest.split_at(16).0);
    sum
}

pub(super) fn agree<T: PartialEq>(first: T, second: T, rule: &str) -> Result<T, Error> {
    if first == second { Ok(first) } else { Err(damaged(rule)) }
}

pub(super) fn one<T: FromSql>(connection: &Connection, sql: &str) -> Result<T, Error> {
    row(connection, sql, (), |row| row.get(0))?.ok_or_else(|| damaged("a row is missing"))
}

/// The first row of a statement that is kept at hand.
fn row<T>(
    connection: &Connection,
    sql: &str,
    key: impl Params,
    read: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
) -> Result<Option<T>, Error> {
    let statement = connection.prepare_cached(sql);
    statement.and_then(|mut statement| statement.query_row(key, read).optional()).map_err(database("be read"))
}

/// Writes by a statement that is kept at hand.
pub(super) fn execute(connection: &Connection, sql: &str, row: impl Params) -> Result<(), Error> {
    let statement = connection.prepare_cached(sql);
    statement.and_then(|mut statement| statement.execute(row)).map_err(database("be written"))?;
    Ok(())
}

pub(super) fn integer(number: u64) -> Result<i64, Error> {
    i64::try_from(number).map_err(|_| Error::Refused { rule: "a number is below 2^63" })
}

pub(super) fn natural(number: i64) -> Result<u64, Error> {
    u64::try_from(number).map_err(|_| damaged("a number is negative"))
}

pub(super) fn length(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sum_tells_tables_and_columns_apart() {
        let whole = sum("fact", &[b"ab", b"c"]);
        for other in [
            sum("fact", &[b"a", b"bc"]),
            sum("fact", &[b"abc"]),
            sum("fac", &[b"tab", b"c"]),
            sum("space", &[b"ab", b"c"]),
        ] {
            assert_ne!(other, whole);
        }
    }

    #[test]
    fn sums_are_those_of_the_page() {
        let hex = |sum: [u8; 16]| SpaceId::from_bytes(sum).to_string();
        let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/spec/store.md");
        let page = std::fs::read_to_string(page).unwrap();
        let since = 1_809_335_564_u64.to_be_bytes();
        for sum in [
            sum("fact", &[b"keeper", b"hizo"]),
            sum("condemned", &[&[0x31; 16], ObjectId::of(b"pack").as_bytes(), &since]),
        ] {
            assert!(page.contains(&hex(sum)), "docs/spec/store.md lacks {}", hex(sum));
        }
    }
}
