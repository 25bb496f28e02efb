//! The journal as one SQLite file.
//!
//! SQLite's own pages carry no checksum, so no answer rests on one tree alone: every row has a sum, what a space's
//! head is stands in two tables, and the two small tables exist twice. Damage to one page shows as a disagreement.

use std::collections::BTreeSet;
use std::fs::{self, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use hizo_ledger::id::{ObjectId, RecordId, SpaceId};
use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension, Transaction, TransactionBehavior, params};
use sha2::{Digest, Sha256};

use super::{
    BUSY_WAIT_MAX, Entry, Error, FACT_BYTES_MAX, Head, Integrity, Journal, NOTE_BYTES_MAX, PAGE_BYTES_MAX,
    PAGE_RECORDS_MAX, StoredRecord,
};

/// The format that this program writes, kept as `user_version`.
pub const SCHEMA_VERSION: i64 = 1;

/// "hizo", kept as `application_id`.
const APPLICATION_ID: i64 = 0x6869_7A6F;

/// Name and definition of every table, as SQLite gives them back. The name says what the row's sum begins with.
const SCHEMA: [(&str, &str); 6] = [
    ("condemned", CONDEMNED),
    ("condemned_twin", CONDEMNED_TWIN),
    ("fact", FACT),
    ("fact_twin", FACT_TWIN),
    ("record", RECORD),
    ("space", SPACE),
];
const CONDEMNED: &str = "CREATE TABLE condemned (space BLOB NOT NULL, object BLOB NOT NULL, since INTEGER NOT NULL, \
                         sum BLOB NOT NULL, PRIMARY KEY (space, object)) STRICT, WITHOUT ROWID";
const CONDEMNED_TWIN: &str = "CREATE TABLE condemned_twin (space BLOB NOT NULL, object BLOB NOT NULL, \
                              since INTEGER NOT NULL, sum BLOB NOT NULL, PRIMARY KEY (space, object)) STRICT, \
                              WITHOUT ROWID";
const FACT: &str = "CREATE TABLE fact (key TEXT NOT NULL PRIMARY KEY, value BLOB NOT NULL, sum BLOB NOT NULL) STRICT, \
                    WITHOUT ROWID";
const FACT_TWIN: &str = "CREATE TABLE fact_twin (key TEXT NOT NULL PRIMARY KEY, value BLOB NOT NULL, \
                         sum BLOB NOT NULL) STRICT, WITHOUT ROWID";
const RECORD: &str = "CREATE TABLE record (space BLOB NOT NULL, number INTEGER NOT NULL, id BLOB NOT NULL, \
                      kept INTEGER NOT NULL, note BLOB NOT NULL, sum BLOB NOT NULL, PRIMARY KEY (space, number)) \
                      STRICT, WITHOUT ROWID";
const SPACE: &str = "CREATE TABLE space (space BLOB NOT NULL PRIMARY KEY, number INTEGER NOT NULL, id BLOB NOT NULL, \
                     slot_key BLOB NOT NULL, sum BLOB NOT NULL) STRICT, WITHOUT ROWID";

/// The journal of one keeper. Any number of threads may share one; any number of processes may have one open.
pub struct SqliteJournal {
    path: PathBuf,
    connection: Mutex<Connection>,
}

impl SqliteJournal {
    /// Makes a journal, or finishes making one that was cut short. One that is there is opened as it is.
    ///
    /// # Errors
    /// As [`SqliteJournal::open`], without [`Error::Absent`].
    pub fn create(path: &Path) -> Result<Self, Error> {
        let mut options = OpenOptions::new();
        options.create(true).truncate(false).write(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        options.open(path).map_err(disk("be made"))?;
        let journal = Self::connect(path)?;
        journal.take_turn(|tx| if is_blank(tx)? { lay_out(tx) } else { Ok(()) })?;
        check_format(&journal.lock())?;
        // SQLite has synced the folder with its rollback journal; the promise does not hang on that habit.
        #[cfg(unix)]
        if let Some(folder) = path.parent() {
            fs::File::open(folder).and_then(|folder| folder.sync_all()).map_err(disk("be made durable"))?;
        }
        Ok(journal)
    }

    /// Opens the journal that is there.
    ///
    /// # Errors
    /// [`Error::Absent`] without one, [`Error::Newer`] when a newer program made it, [`Error::Damaged`] when it is
    /// not a journal of hizo, [`Error::Busy`].
    pub fn open(path: &Path) -> Result<Self, Error> {
        match fs::metadata(path) {
            Ok(metadata) if metadata.len() > 0 => {}
            // An empty file is a database without tables to SQLite; here it is a journal that was lost.
            Ok(_) => return Err(Error::Absent),
            Err(source) if source.kind() == io::ErrorKind::NotFound => return Err(Error::Absent),
            Err(source) => return Err(Error::Disk { act: "be found", source }),
        }
        let journal = Self::connect(path)?;
        {
            let connection = journal.lock();
            if is_blank(&connection)? {
                return Err(Error::Absent);
            }
            check_format(&connection)?;
        }
        Ok(journal)
    }

    fn connect(path: &Path) -> Result<Self, Error> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags).map_err(|source| match source {
            // SQLite's sentence would carry the path.
            rusqlite::Error::SqliteFailure(code, Some(_)) => {
                database("be opened")(rusqlite::Error::SqliteFailure(code, None))
            }
            source => database("be opened")(source),
        })?;
        // SQLite takes a file that it cannot open for writing as one to read, and would refuse each append from then on.
        if connection.is_readonly("main").map_err(database("be opened"))? {
            return Err(Error::ReadOnly);
        }
        connection.busy_timeout(BUSY_WAIT_MAX).map_err(database("be opened"))?;
        // A rollback journal, not a log written ahead: what is acknowledged rests in one place, under the sums, and a
        // flipped byte in a log would silently take the newest records away. Its header is overwritten, not its file
        // removed: one sync less, and the same promise.
        let mode: String = connection
            .pragma_update_and_check(None, "journal_mode", "PERSIST", |row| row.get(0))
            .map_err(database("be opened"))?;
        if mode != "persist" {
            return Err(Error::Damaged { what: "it does not keep a rollback journal".to_owned() });
        }
        for (pragma, value) in [
            ("synchronous", "FULL"),
            ("fullfsync", "ON"),
            ("cell_size_check", "ON"),
            ("trusted_schema", "OFF"),
            ("temp_store", "MEMORY"),
            ("mmap_size", "0"),
        ] {
            // Some of these answer with their value, some with nothing.
            connection
                .pragma_update_and_check(None, pragma, value, |_| Ok(()))
                .optional()
                .map_err(database("be opened"))?;
        }
        Ok(Self { path: path.to_path_buf(), connection: Mutex::new(connection) })
    }

    fn lock(&self) -> MutexGuard<'_, Connection> {
        // A transaction that a panic cut short was rolled back when it was dropped.
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn read<T>(&self, act: impl FnOnce(&Transaction<'_>) -> Result<T, Error>) -> Result<T, Error> {
        let mut connection = self.lock();
        let tx = connection.transaction().map_err(database("be read"))?;
        act(&tx)
    }

    fn write<T>(&self, act: impl FnOnce(&Transaction<'_>) -> Result<T, Error>) -> Result<T, Error> {
        self.take_turn(|tx| {
            self.check_length(tx)?;
            act(tx)
        })
    }

    /// Nobody else writes between the first look and the commit, and the commit is durable when it returns.
    fn take_turn<T>(&self, act: impl FnOnce(&Transaction<'_>) -> Result<T, Error>) -> Result<T, Error> {
        let mut connection = self.lock();
        let tx =
            connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(database("be written"))?;
        let done = act(&tx)?;
        tx.commit().map_err(database("be written"))?;
        Ok(done)
    }

    /// New pages are laid behind the last one that the header counts: were that number damaged, they would overwrite
    /// pages in use.
    fn check_length(&self, tx: &Connection) -> Result<(), Error> {
        let pages: i64 = one(tx, "PRAGMA page_count")?;
        let page_bytes: i64 = one(tx, "PRAGMA page_size")?;
        let length = fs::metadata(&self.path).map_err(disk("be found"))?.len();
        let counted = pages.checked_mul(page_bytes).and_then(|counted| u64::try_from(counted).ok());
        if counted != Some(length) {
            return Err(damaged("its length is not the one that it counts"));
        }
        Ok(())
    }
}

impl Journal for SqliteJournal {
    fn append(&self, entry: Entry<'_>) -> Result<Head, Error> {
        if entry.note.is_empty() || entry.note.len() > NOTE_BYTES_MAX {
            return Err(Error::Refused { rule: "a note is not empty and not longer than a record may be" });
        }
        if entry.expected.is_none() != entry.slot_key.is_some() {
            return Err(Error::Refused { rule: "a slot key comes with the genesis and with no other record" });
        }
        let number = match entry.expected {
            None => 0,
            Some(head) => head.number.checked_add(1).ok_or(Error::Refused { rule: "a space has no further number" })?,
        };
        let new = Head { number, id: RecordId::of(entry.note) };
        self.write(|tx| {
            let head = head(tx, entry.space)?;
            if head == Some(new) && follows(tx, &entry)? {
                return rewrite_space(tx, entry.space);
            }
            if head != entry.expected {
                return Err(Error::Conflict { head });
            }
            let objects = condemned_among(tx, entry.space, entry.objects)?;
            if !objects.is_empty() {
                return Err(Error::Condemned { objects });
            }
            let slot_key = match entry.slot_key {
                Some(key) => *key,
                None => slot_key(tx, entry.space)?.ok_or_else(|| damaged("a space has no slot key"))?,
            };
            insert_record(tx, &entry, new)?;
            put_space(tx, entry.space, new, &slot_key)
        })?;
        Ok(new)
    }

    fn head(&self, space: SpaceId) -> Result<Option<Head>, Error> {
        self.read(|tx| head(tx, space))
    }

    fn records(&self, space: SpaceId, from: u64, limit: usize) -> Result<Vec<StoredRecord>, Error> {
        self.read(|tx| match head(tx, space)? {
            None => Ok(Vec::new()),
            Some(head) => records(tx, space, head, from, limit.min(PAGE_RECORDS_MAX)),
        })
    }

    fn spaces(&self) -> Result<Vec<SpaceId>, Error> {
        self.read(spaces)
    }

    fn slot_key(&self, space: SpaceId) -> Result<Option<[u8; 32]>, Error> {
        self.read(|tx| {
            head(tx, space)?;
            slot_key(tx, space)
        })
    }

    fn condemn(&self, space: SpaceId, expected: Option<Head>, objects: &[ObjectId], since: u64) -> Result<(), Error> {
        self.write(|tx| {
            let head = head(tx, space)?;
            if head != expected {
                return Err(Error::Conflict { head });
            }
            // An object that is marked already keeps its time.
            let mut new: BTreeSet<ObjectId> = objects.iter().copied().collect();
            for marked in condemned_among(tx, space, objects)? {
                new.remove(&marked);
            }
            for table in TWINS_CONDEMNED {
                for object in &new {
                    let sum = sum("condemned", &[space.as_bytes(), object.as_bytes(), &since.to_be_bytes()]);
                    let sql = format!("INSERT INTO {table} VALUES (?1, ?2, ?3, ?4)");
                    let row = params![space.as_bytes(), object.as_bytes(), integer(since)?, sum];
                    tx.execute(&sql, row).map_err(database("be written"))?;
                }
            }
            Ok(())
        })
    }

    fn pardon(&self, space: SpaceId, objects: &[ObjectId]) -> Result<(), Error> {
        // The usual case by far is that there is nothing to do: it costs no turn at writing.
        if self.read(|tx| condemned_among(tx, space, objects))?.is_empty() {
            return Ok(());
        }
        self.write(|tx| {
            for table in TWINS_CONDEMNED {
                for object in objects {
                    let sql = format!("DELETE FROM {table} WHERE space = ?1 AND object = ?2");
                    tx.execute(&sql, params![space.as_bytes(), object.as_bytes()]).map_err(database("be written"))?;
                }
            }
            Ok(())
        })
    }

    fn condemned(&self, space: SpaceId) -> Result<Vec<(ObjectId, u64)>, Error> {
        self.read(|tx| {
            let [first, second] = TWINS_CONDEMNED.map(|table| condemned(tx, table, space));
            agree(first?, second?, "the two tables of condemned objects differ")
        })
    }

    fn settle_fact(&self, key: &str, value: &[u8]) -> Result<(), Error> {
        if key.is_empty() || key.len() > FACT_BYTES_MAX || value.len() > FACT_BYTES_MAX {
            return Err(Error::Refused { rule: "a fact has a key of 1 to 4096 letters and at most 4096 bytes" });
        }
        self.write(|tx| {
            match fact(tx, key)? {
                Some(settled) if settled == value => return Ok(()),
                Some(_) => return Err(Error::Settled { key: key.to_owned() }),
                None => {}
            }
            let sum = sum("fact", &[key.as_bytes(), value]);
            for table in TWINS_FACT {
                let sql = format!("INSERT INTO {table} VALUES (?1, ?2, ?3)");
                tx.execute(&sql, params![key, value, sum]).map_err(database("be written"))?;
            }
            Ok(())
        })
    }

    fn fact(&self, key: &str) -> Result<Option<Vec<u8>>, Error> {
        self.read(|tx| fact(tx, key))
    }

    fn integrity(&self) -> Result<Integrity, Error> {
        self.read(|tx| {
            self.check_length(tx)?;
            let verdict: String = one(tx, "PRAGMA integrity_check(1)")?;
            if verdict != "ok" {
                return Err(damaged("its pages do not hold together"));
            }
            check_format(tx)?;
            let (spaces, records) = check_records(tx)?;
            Ok(Integrity { spaces, records, condemned: check_condemned(tx)?, facts: check_facts(tx)? })
        })
    }
}

const TWINS_CONDEMNED: [&str; 2] = ["condemned", "condemned_twin"];
const TWINS_FACT: [&str; 2] = ["fact", "fact_twin"];

/// No table and no mark of ours: nothing was ever kept in this file.
fn is_blank(connection: &Connection) -> Result<bool, Error> {
    let tables: i64 = one(connection, "SELECT count(*) FROM sqlite_schema")?;
    let version: i64 = one(connection, "PRAGMA user_version")?;
    let application: i64 = one(connection, "PRAGMA application_id")?;
    Ok(tables == 0 && version == 0 && application == 0)
}

fn lay_out(tx: &Transaction<'_>) -> Result<(), Error> {
    for (_, sql) in SCHEMA {
        tx.execute(sql, ()).map_err(database("be made"))?;
    }
    for (pragma, value) in [("application_id", APPLICATION_ID), ("user_version", SCHEMA_VERSION)] {
        tx.pragma_update(None, pragma, value).map_err(database("be made"))?;
    }
    Ok(())
}

fn check_format(connection: &Connection) -> Result<(), Error> {
    let application: i64 = one(connection, "PRAGMA application_id")?;
    if application != APPLICATION_ID {
        return Err(damaged("this is not a journal of hizo"));
    }
    let found: i64 = one(connection, "PRAGMA user_version")?;
    if found > SCHEMA_VERSION {
        return Err(Error::Newer { found, known: SCHEMA_VERSION });
    }
    if found != SCHEMA_VERSION {
        return Err(damaged("there has never been a journal of this format"));
    }
    let encoding: String = one(connection, "PRAGMA encoding")?;
    let mut statement =
        connection.prepare("SELECT name, sql FROM sqlite_schema ORDER BY name").map_err(database("be read"))?;
    let tables = statement
        .query_map((), |row| Ok((row.get(0)?, row.get(1)?)))
        .and_then(Iterator::collect::<Result<Vec<(String, String)>, _>>)
        .map_err(database("be read"))?;
    let same = tables.iter().map(|(name, sql)| (name.as_str(), sql.as_str())).eq(SCHEMA);
    if !same || encoding != "UTF-8" {
        return Err(damaged("its tables are not the ones of its format"));
    }
    Ok(())
}

/// The head stands in `space` and is the last row of `record`: two trees that share no page.
fn head(tx: &Connection, space: SpaceId) -> Result<Option<Head>, Error> {
    let told = space_row(tx, space)?.map(|(head, _)| head);
    let last = tx
        .query_row(
            "SELECT number, id, kept, note, sum FROM record WHERE space = ?1 ORDER BY number DESC LIMIT 1",
            params![space.as_bytes()],
            RecordRow::read,
        )
        .optional()
        .map_err(database("be read"))?;
    let last = match last {
        None => None,
        Some(row) => {
            let record = row.check(space)?;
            Some(Head { number: record.number, id: record.id })
        }
    };
    agree(told, last, "the head of a space is not its last record")
}

fn slot_key(tx: &Connection, space: SpaceId) -> Result<Option<[u8; 32]>, Error> {
    Ok(space_row(tx, space)?.map(|(_, key)| key))
}

fn space_row(tx: &Connection, space: SpaceId) -> Result<Option<(Head, [u8; 32])>, Error> {
    let row: Option<(i64, [u8; 32], [u8; 32], [u8; 16])> = tx
        .query_row("SELECT number, id, slot_key, sum FROM space WHERE space = ?1", params![space.as_bytes()], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
        })
        .optional()
        .map_err(database("be read"))?;
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

fn put_space(tx: &Connection, space: SpaceId, head: Head, slot_key: &[u8; 32]) -> Result<(), Error> {
    let sum = space_sum(space, head, slot_key);
    let sql = "INSERT INTO space VALUES (?1, ?2, ?3, ?4, ?5) \
               ON CONFLICT (space) DO UPDATE SET number = ?2, id = ?3, slot_key = ?4, sum = ?5";
    let row = params![space.as_bytes(), integer(head.number)?, head.id.as_bytes(), slot_key, sum];
    tx.execute(sql, row).map_err(database("be written"))?;
    Ok(())
}

/// Whether the entry's expected head is the record before the head, and its slot key the one that is kept.
fn follows(tx: &Connection, entry: &Entry<'_>) -> Result<bool, Error> {
    let Some(expected) = entry.expected else { return Ok(slot_key(tx, entry.space)?.as_ref() == entry.slot_key) };
    let row = tx
        .query_row(
            "SELECT number, id, kept, note, sum FROM record WHERE space = ?1 AND number = ?2",
            params![entry.space.as_bytes(), integer(expected.number)?],
            RecordRow::read,
        )
        .optional()
        .map_err(database("be read"))?;
    let before = row.ok_or_else(|| damaged("a record is missing"))?.check(entry.space)?;
    Ok(before.id == expected.id)
}

/// The same values once more. If the commit of the head failed after it was visible, it may not be durable yet; what
/// this writes, and syncs, makes it so.
fn rewrite_space(tx: &Connection, space: SpaceId) -> Result<(), Error> {
    let (head, slot_key) = space_row(tx, space)?.ok_or_else(|| damaged("a space has no slot key"))?;
    put_space(tx, space, head, &slot_key)
}

struct RecordRow {
    number: i64,
    id: [u8; 32],
    kept: i64,
    note: Vec<u8>,
    sum: [u8; 16],
}

impl RecordRow {
    fn read(row: &rusqlite::Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self { number: row.get(0)?, id: row.get(1)?, kept: row.get(2)?, note: row.get(3)?, sum: row.get(4)? })
    }

    fn check(self, space: SpaceId) -> Result<StoredRecord, Error> {
        let id = RecordId::of(&self.note);
        let (number, kept) = (natural(self.number)?, natural(self.kept)?);
        if *id.as_bytes() != self.id || self.sum != record_sum(space, Head { number, id }, kept) {
            return Err(damaged("a record does not match its sum"));
        }
        Ok(StoredRecord { number, id, kept, note: self.note })
    }
}

/// The id is the note's hash, so the note needs no place of its own in the sum.
fn record_sum(space: SpaceId, head: Head, kept: u64) -> [u8; 16] {
    sum("record", &[space.as_bytes(), &head.number.to_be_bytes(), head.id.as_bytes(), &kept.to_be_bytes()])
}

fn insert_record(tx: &Connection, entry: &Entry<'_>, new: Head) -> Result<(), Error> {
    let sum = record_sum(entry.space, new, entry.kept);
    let row =
        params![entry.space.as_bytes(), integer(new.number)?, new.id.as_bytes(), integer(entry.kept)?, entry.note, sum];
    tx.execute("INSERT INTO record VALUES (?1, ?2, ?3, ?4, ?5, ?6)", row).map_err(database("be written"))?;
    Ok(())
}

fn records(tx: &Connection, space: SpaceId, head: Head, from: u64, limit: usize) -> Result<Vec<StoredRecord>, Error> {
    let Some(wanted) = head.number.checked_sub(from).and_then(|rest| rest.checked_add(1)) else {
        return Ok(Vec::new());
    };
    let wanted = usize::try_from(wanted).unwrap_or(usize::MAX).min(limit);
    let sql = "SELECT number, id, kept, note, sum FROM record WHERE space = ?1 AND number >= ?2 ORDER BY number";
    let mut statement = tx.prepare(sql).map_err(database("be read"))?;
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
fn spaces(tx: &Transaction<'_>) -> Result<Vec<SpaceId>, Error> {
    let mut spaces = Vec::new();
    let mut heads = tx.prepare("SELECT min(space) FROM space WHERE space > ?1").map_err(database("be read"))?;
    let mut records = tx.prepare("SELECT min(space) FROM record WHERE space > ?1").map_err(database("be read"))?;
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

fn fact(tx: &Connection, key: &str) -> Result<Option<Vec<u8>>, Error> {
    let read = |table: &str| {
        let sql = format!("SELECT value, sum FROM {table} WHERE key = ?1");
        let row: Option<(Vec<u8>, [u8; 16])> =
            tx.query_row(&sql, [key], |row| Ok((row.get(0)?, row.get(1)?))).optional().map_err(database("be read"))?;
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

fn condemned_among(tx: &Connection, space: SpaceId, objects: &[ObjectId]) -> Result<Vec<ObjectId>, Error> {
    let [first, second] = TWINS_CONDEMNED.map(|table| marked(tx, table, space, objects));
    agree(first?, second?, "the two tables of condemned objects differ")
}

fn marked(tx: &Connection, table: &str, space: SpaceId, objects: &[ObjectId]) -> Result<Vec<ObjectId>, Error> {
    let sql = format!("SELECT since, sum FROM {table} WHERE space = ?1 AND object = ?2");
    let mut statement = tx.prepare(&sql).map_err(database("be read"))?;
    let mut found = Vec::new();
    for &object in objects {
        let row: Option<(i64, [u8; 16])> = statement
            .query_row(params![space.as_bytes(), object.as_bytes()], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()
            .map_err(database("be read"))?;
        if let Some((since, sum)) = row {
            check_mark(space, object, natural(since)?, sum)?;
            found.push(object);
        }
    }
    Ok(found)
}

fn condemned(tx: &Connection, table: &str, space: SpaceId) -> Result<Vec<(ObjectId, u64)>, Error> {
    let sql = format!("SELECT object, since, sum FROM {table} WHERE space = ?1 ORDER BY object");
    let mut statement = tx.prepare(&sql).map_err(database("be read"))?;
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

fn check_mark(space: SpaceId, object: ObjectId, since: u64, found: [u8; 16]) -> Result<(), Error> {
    if found != sum("condemned", &[space.as_bytes(), object.as_bytes(), &since.to_be_bytes()]) {
        return Err(damaged("a condemned object does not match its sum"));
    }
    Ok(())
}

fn check_records(tx: &Transaction<'_>) -> Result<(u64, u64), Error> {
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

fn check_condemned(tx: &Transaction<'_>) -> Result<u64, Error> {
    let [first, second] = TWINS_CONDEMNED.map(|table| {
        let mut statement = tx.prepare(&format!("SELECT DISTINCT space FROM {table}"))?;
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

fn check_facts(tx: &Transaction<'_>) -> Result<u64, Error> {
    let [first, second] = TWINS_FACT.map(|table| {
        let mut statement = tx.prepare(&format!("SELECT key FROM {table} ORDER BY key"))?;
        statement.query_map((), |row| row.get(0))?.collect::<Result<Vec<String>, _>>()
    });
    let (first, second) = (first.map_err(database("be read"))?, second.map_err(database("be read"))?);
    let keys = agree(first, second, "the two tables of facts differ")?;
    for key in &keys {
        fact(tx, key)?;
    }
    Ok(length(keys.len()))
}

/// First 16 bytes of SHA-256 over "hizo/journal/v1", a line feed, and the row's table and columns, each with its
/// length in eight bytes before it.
fn sum(table: &str, columns: &[&[u8]]) -> [u8; 16] {
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

fn agree<T: PartialEq>(first: T, second: T, rule: &str) -> Result<T, Error> {
    if first == second { Ok(first) } else { Err(damaged(rule)) }
}

fn one<T: rusqlite::types::FromSql>(connection: &Connection, sql: &str) -> Result<T, Error> {
    connection.query_row(sql, (), |row| row.get(0)).map_err(database("be read"))
}

fn integer(number: u64) -> Result<i64, Error> {
    i64::try_from(number).map_err(|_| Error::Refused { rule: "a number is below 2^63" })
}

fn natural(number: i64) -> Result<u64, Error> {
    u64::try_from(number).map_err(|_| damaged("a number is negative"))
}

fn length(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

fn damaged(rule: &str) -> Error {
    Error::Damaged { what: rule.to_owned() }
}

fn disk(act: &'static str) -> impl FnOnce(io::Error) -> Error {
    move |source| Error::Disk { act, source }
}

/// What SQLite's refusal means here. A row of the wrong shape, or a key that is there twice, cannot come from us.
fn database(act: &'static str) -> impl FnOnce(rusqlite::Error) -> Error {
    use rusqlite::Error as Sqlite;
    move |source| match &source {
        Sqlite::SqliteFailure(failure, _) => match failure.code {
            ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => Error::Busy,
            ErrorCode::DiskFull => Error::Full { source },
            ErrorCode::ReadOnly => Error::ReadOnly,
            ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase | ErrorCode::ConstraintViolation => {
                damaged("its pages do not hold together")
            }
            _ => Error::Database { act, source },
        },
        Sqlite::FromSqlConversionFailure(..)
        | Sqlite::IntegralValueOutOfRange(..)
        | Sqlite::InvalidColumnType(..)
        | Sqlite::QueryReturnedNoRows
        | Sqlite::Utf8Error(..) => damaged("a row has not the shape of its table"),
        _ => Error::Database { act, source },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_syncs_fully_and_keeps_a_rollback_journal() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.sqlite");
        SqliteJournal::create(&path).unwrap();
        let journal = SqliteJournal::open(&path).unwrap();
        let connection = journal.lock();
        let number = |pragma: &str| one::<i64>(&connection, &format!("PRAGMA {pragma}")).unwrap();
        assert_eq!(number("synchronous"), 2, "2 is FULL");
        assert_eq!((number("fullfsync"), number("cell_size_check"), number("trusted_schema")), (1, 1, 0));
        assert_eq!(one::<String>(&connection, "PRAGMA journal_mode").unwrap(), "persist");
    }

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
}
