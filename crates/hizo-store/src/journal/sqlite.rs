//! The journal as one SQLite file.
//!
//! SQLite's own pages carry no checksum, so no answer rests on one tree alone: every row has a sum, what a space's
//! head is stands in two tables, and the two small tables exist twice. Damage to one page shows as a disagreement.

use std::collections::BTreeSet;
use std::fs::{self, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hizo_ledger::id::{ObjectId, SpaceId};
use hizo_ledger::log::Leaf;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension, Transaction, TransactionBehavior, params};

use self::rows::{
    TWINS_CONDEMNED, TWINS_FACT, agree, check_accounts, check_condemned, check_facts, check_leaves, check_records,
    condemned, condemned_among, execute, fact, follows, head, insert_record, integer, known_space, leaves, log, logged,
    marked, one, payer, put_log, put_payer, put_space, put_usage, records, spaces, sum, usage,
};
use self::schema::{check_format, is_blank, lay_out};
use super::{
    AccountId, BUSY_WAIT_MAX, Entry, Error, FACT_BYTES_MAX, Head, Integrity, Journal, LogHead, LogState,
    PAGE_RECORDS_MAX, Page, StoredRecord, Usage,
};

mod rows;
mod schema;
pub use schema::SCHEMA_VERSION;

/// What a whole group of appends changes fits in, so that it is written once and synced once; in KiB, as SQLite has it:
/// below zero.
const CACHE_KIB: &str = "-32768";

/// Statements at hand: every one that an append, a page of records or leaves, and a published head need.
const STATEMENTS: usize = 40;

/// Reads that share a transaction at most, so that another process that writes has its turn.
const READS_MAX: usize = 64;

/// The journal of one keeper. Any number of threads may share one; any number of processes may have one open.
pub struct SqliteJournal {
    path: PathBuf,
    connection: Mutex<Open>,
    /// Readers that wait for the connection.
    waiting: AtomicUsize,
}

struct Open {
    connection: Connection,
    /// How many have read in the transaction that is open; 0 when none is that a reader has begun.
    reads: usize,
}

impl Open {
    /// Opens a transaction for reading, unless one is open that the last reader has left to this one.
    fn begin_reading(&mut self) -> Result<(), Error> {
        if self.reads == 0 || self.connection.is_autocommit() {
            // Whatever a writer could not roll back is read by nobody.
            self.end_reading()?;
            execute(&self.connection, "BEGIN", ())?;
        }
        self.reads = self.reads.saturating_add(1);
        Ok(())
    }

    /// Ends the transaction in which was read, if one is open: after some errors of the disk SQLite has ended it by itself.
    fn end_reading(&mut self) -> Result<(), Error> {
        self.reads = 0;
        if self.connection.is_autocommit() { Ok(()) } else { execute(&self.connection, "ROLLBACK", ()) }
    }
}

/// A turn at reading. Its end is the transaction's, also in a panic, unless that is left to a reader who waits: other processes
/// cannot write as long as it is open.
struct Reading<'a> {
    open: MutexGuard<'a, Open>,
    is_left: bool,
}

impl Drop for Reading<'_> {
    fn drop(&mut self) {
        if !self.is_left {
            // What was read is true all the same, and whoever comes next ends it.
            let _ = self.open.end_reading();
        }
    }
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
        check_format(&journal.lock().connection)?;
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
            Ok(_) => {}
            Err(source) if source.kind() == io::ErrorKind::NotFound => return Err(Error::Absent),
            Err(source) => return Err(disk("be found")(source)),
        }
        let journal = Self::connect(path)?;
        {
            let connection = &journal.lock().connection;
            // An empty file is a database without tables to SQLite; here it is a journal that was lost.
            if is_blank(connection)? {
                return Err(Error::Absent);
            }
            check_format(connection)?;
        }
        Ok(journal)
    }

    /// Copies the journal to a file that is not there yet, as it is at one moment, whoever appends meanwhile; durable on return.
    ///
    /// # Errors
    /// [`Error::Disk`], also when there is such a file, and [`Error::Busy`]. What was written of the copy is then none.
    pub fn copy_to(&self, path: &Path) -> Result<(), Error> {
        let mut options = OpenOptions::new();
        options.create_new(true).write(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(path).map_err(disk("be made"))?;
        let name = path.to_str().ok_or(io::ErrorKind::InvalidFilename.into()).map_err(disk("be copied"))?;
        // The plain copy of a file that is written to would be torn.
        let mut open = self.lock();
        open.end_reading()?;
        open.connection.execute("VACUUM INTO ?1", [name]).map_err(database("be copied"))?;
        drop(open);
        file.sync_all().map_err(disk("be made durable"))
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
        connection.set_prepared_statement_cache_capacity(STATEMENTS);
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
            ("cache_size", CACHE_KIB),
        ] {
            // Some of these answer with their value, some with nothing.
            connection
                .pragma_update_and_check(None, pragma, value, |_| Ok(()))
                .optional()
                .map_err(database("be opened"))?;
        }
        // Else a statement at hand is parsed and planned again whenever other values are bound to it.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).map_err(database("be opened"))?;
        let open = Mutex::new(Open { connection, reads: 0 });
        Ok(Self { path: path.to_path_buf(), connection: open, waiting: AtomicUsize::new(0) })
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        // A transaction that a panic cut short was rolled back when it was dropped.
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads at one moment. To begin a transaction costs more than to read a row, so whoever waits goes on in the one that is
    /// open: as long as it is, nobody else can commit, and what is read in it is what is there.
    fn read<T>(&self, act: impl FnOnce(&Connection) -> Result<T, Error>) -> Result<T, Error> {
        self.waiting.fetch_add(1, Ordering::Relaxed);
        let mut open = self.lock();
        self.waiting.fetch_sub(1, Ordering::Relaxed);
        open.begin_reading()?;
        let mut reading = Reading { open, is_left: false };
        let read = act(&reading.open.connection);
        let others = self.waiting.load(Ordering::Relaxed) > 0;
        reading.is_left = read.is_ok() && others && reading.open.reads < READS_MAX;
        read
    }

    fn write<T>(&self, act: impl FnOnce(&Transaction<'_>) -> Result<T, Error>) -> Result<T, Error> {
        self.take_turn(|tx| {
            self.check_length(tx)?;
            act(tx)
        })
    }

    /// Nobody else writes between the first look and the commit, and the commit is durable when it returns.
    fn take_turn<T>(&self, act: impl FnOnce(&Transaction<'_>) -> Result<T, Error>) -> Result<T, Error> {
        let mut open = self.lock();
        open.end_reading()?;
        let behavior = TransactionBehavior::Immediate;
        let tx = open.connection.transaction_with_behavior(behavior).map_err(database("be written"))?;
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
    fn append_all(&self, entries: &[Entry<'_>]) -> Vec<Result<Head, Error>> {
        let mut stopped = false;
        match self.write(|tx| group(tx, entries).inspect_err(|_| stopped = true)) {
            Ok(outcomes) => outcomes,
            // Nothing of the group was written. Each by itself finds out whose fault it was.
            Err(_) if stopped && entries.len() > 1 => entries.iter().map(|entry| self.append(*entry)).collect(),
            Err(error) => vec![Err(error); entries.len()],
        }
    }

    fn append_whole(&self, entries: &[Entry<'_>]) -> Result<(), Error> {
        // An error rolls all of them back.
        self.write(|tx| group(tx, entries)?.into_iter().try_for_each(|outcome| outcome.map(drop)))
    }

    fn head(&self, space: SpaceId) -> Result<Option<Head>, Error> {
        self.read(|tx| head(tx, space))
    }

    fn page(&self, space: SpaceId, from: u64, limit: usize) -> Result<Option<Page>, Error> {
        self.read(|tx| {
            let Some(head) = head(tx, space)? else { return Ok(None) };
            Ok(Some(Page { head, records: records(tx, space, head, from, limit.min(PAGE_RECORDS_MAX))? }))
        })
    }

    fn spaces(&self) -> Result<Vec<SpaceId>, Error> {
        self.read(spaces)
    }

    fn slot_key(&self, space: SpaceId) -> Result<Option<[u8; 32]>, Error> {
        self.read(|tx| Ok(known_space(tx, space)?.map(|known| known.slot_key)))
    }

    fn account(&self, space: SpaceId) -> Result<Option<AccountId>, Error> {
        self.read(|tx| payer(tx, space))
    }

    fn claim(&self, space: SpaceId, account: Option<AccountId>) -> Result<(), Error> {
        let is_settled = |tx: &Connection| Ok::<_, Error>(head(tx, space)?.is_some() || payer(tx, space)? == account);
        // The usual case by far costs no turn at writing.
        if self.read(is_settled)? {
            return Ok(());
        }
        self.write(|tx| if is_settled(tx)? { Ok(()) } else { put_payer(tx, space, account) })
    }

    fn usage(&self, account: AccountId) -> Result<Usage, Error> {
        self.read(|tx| usage(tx, account))
    }

    fn log(&self) -> Result<LogState, Error> {
        self.read(log)
    }

    fn leaves(&self, from: u64, limit: usize) -> Result<Vec<Leaf>, Error> {
        self.read(|tx| leaves(tx, from, limit.min(PAGE_RECORDS_MAX)))
    }

    fn logged(&self, from: u64, limit: usize) -> Result<Vec<(SpaceId, StoredRecord)>, Error> {
        self.read(|tx| logged(tx, from, limit.min(PAGE_RECORDS_MAX)))
    }

    fn settle_signed(&self, newest: Option<LogHead>, head: LogHead) -> Result<(), Error> {
        self.write(|tx| {
            let state = log(tx)?;
            state.may_sign(newest, head)?;
            put_log(tx, LogState { signed: Some(head), ..state })
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
                    execute(tx, &sql, row)?;
                }
            }
            Ok(())
        })
    }

    fn pardon(
        &self,
        space: SpaceId,
        objects: &[ObjectId],
        is_here: &mut dyn FnMut(ObjectId) -> bool,
    ) -> Result<Vec<ObjectId>, Error> {
        // The usual case by far is that there is nothing to do: it costs no turn at writing.
        if self.read(|tx| condemned_among(tx, space, objects))?.is_empty() {
            return Ok(Vec::new());
        }
        self.write(|tx| {
            let marked = condemned_among(tx, space, objects)?;
            let (here, gone): (Vec<ObjectId>, Vec<ObjectId>) = marked.into_iter().partition(|id| is_here(*id));
            for table in TWINS_CONDEMNED {
                for object in &here {
                    let sql = format!("DELETE FROM {table} WHERE space = ?1 AND object = ?2");
                    execute(tx, &sql, params![space.as_bytes(), object.as_bytes()])?;
                }
            }
            Ok(gone)
        })
    }

    fn expire(
        &self,
        space: SpaceId,
        objects: &[ObjectId],
        until: u64,
        remove: &mut dyn FnMut(ObjectId),
    ) -> Result<(), Error> {
        // Nothing is written, and so nothing synced: what is needed is the turn, which everybody else waits for.
        self.write(|tx| {
            let marks = TWINS_CONDEMNED.map(|table| marked(tx, table, space, objects));
            let [first, second] = marks;
            let marks = agree(first?, second?, "the two tables of condemned objects differ")?;
            marks.into_iter().filter(|(_, since)| *since <= until).for_each(|(object, _)| remove(object));
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
                execute(tx, &sql, params![key, value, sum])?;
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
            let leaves = check_leaves(tx, records)?;
            check_accounts(tx)?;
            Ok(Integrity { spaces, records, leaves, condemned: check_condemned(tx)?, facts: check_facts(tx)? })
        })
    }
}

/// What became of each entry. An error means that a write failed in the middle: nothing of the group may be committed.
fn group(tx: &Connection, entries: &[Entry<'_>]) -> Result<Vec<Result<Head, Error>>, Error> {
    let mut outcomes = Vec::with_capacity(entries.len());
    let mut state = None;
    for entry in entries {
        let admitted = admit(tx, entry);
        if let Ok(admitted) = &admitted {
            lay(tx, entry, admitted, &mut state)?;
        }
        outcomes.push(admitted.map(|admitted| admitted.new));
    }
    if let Some(state) = state {
        put_log(tx, state)?;
    }
    Ok(outcomes)
}

/// An entry that may be appended: its head, and the slot key of its space.
struct Admitted {
    new: Head,
    slot_key: [u8; 32],
    /// It is the head already.
    again: bool,
    /// What its account pays for from then on.
    paid: Option<(AccountId, Usage)>,
}

/// Whether an entry may be appended. Nothing is written before this is known.
fn admit(tx: &Connection, entry: &Entry<'_>) -> Result<Admitted, Error> {
    let new = entry.new_head()?;
    let known = known_space(tx, entry.space)?;
    let (head, kept_key) = (known.as_ref().map(|known| known.head), known.as_ref().map(|known| known.slot_key));
    // With another time it would be another answer for the same record.
    let same = head == Some(new) && known.is_some_and(|known| known.kept == entry.kept);
    let again = same && follows(tx, entry, kept_key.as_ref())?;
    if !again && head != entry.expected {
        return Err(Error::Conflict { head });
    }
    let objects = if again { Vec::new() } else { condemned_among(tx, entry.space, entry.objects)? };
    if !objects.is_empty() {
        return Err(Error::Condemned { objects });
    }
    let paid = match entry.charge.filter(|_| !again) {
        None => None,
        Some(charge) => {
            let begins = entry.expected.is_none();
            if !begins && payer(tx, entry.space)? != Some(charge.account) {
                return Err(Error::Refused { rule: "a space is paid for by the account of its genesis" });
            }
            Some((charge.account, charge.add(usage(tx, charge.account)?, begins)?))
        }
    };
    let slot_key = kept_key.or(entry.slot_key.copied()).ok_or_else(|| damaged("a space has no slot key"))?;
    Ok(Admitted { new, slot_key, again, paid })
}

/// Writes an entry; `state` is the log as far as this group has brought it, once it is known.
///
/// A head that is written again has the same values: if the commit that made it failed after it was visible, it may not
/// be durable yet; what this writes, and syncs, makes it so.
fn lay(tx: &Connection, entry: &Entry<'_>, admitted: &Admitted, state: &mut Option<LogState>) -> Result<(), Error> {
    if !admitted.again {
        let log = match state.take() {
            Some(log) => log,
            None => log(tx)?,
        };
        insert_record(tx, entry, admitted.new, log.size)?;
        if let Some((account, usage)) = admitted.paid {
            put_usage(tx, account, usage)?;
        }
        if entry.expected.is_none() {
            // Whoever claimed the space until now does so no more.
            put_payer(tx, entry.space, admitted.paid.map(|(account, _)| account))?;
        }
        let size = log.size.checked_add(1).ok_or(Error::Refused { rule: "the log has no further place" })?;
        *state = Some(LogState { size, ..log });
    }
    put_space(tx, entry.space, admitted.new, &admitted.slot_key)
}

fn damaged(rule: &str) -> Error {
    Error::Damaged { what: rule.to_owned() }
}

fn disk(act: &'static str) -> impl FnOnce(io::Error) -> Error {
    move |source| Error::Disk { act, source: Arc::new(source) }
}

/// What SQLite's refusal means here. A row of the wrong shape, or a key that is there twice, cannot come from us.
pub(super) fn database(act: &'static str) -> impl FnOnce(rusqlite::Error) -> Error {
    use rusqlite::Error as Sqlite;
    move |source| match &source {
        Sqlite::SqliteFailure(failure, _) => match failure.code {
            ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => Error::Busy,
            ErrorCode::DiskFull => Error::Full { source: Arc::new(source) },
            ErrorCode::ReadOnly => Error::ReadOnly,
            ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase | ErrorCode::ConstraintViolation => {
                damaged("its pages do not hold together")
            }
            _ => Error::Database { act, source: Arc::new(source) },
        },
        Sqlite::FromSqlConversionFailure(..)
        | Sqlite::IntegralValueOutOfRange(..)
        | Sqlite::InvalidColumnType(..)
        | Sqlite::QueryReturnedNoRows
        | Sqlite::Utf8Error(..) => damaged("a row has not the shape of its table"),
        _ => Error::Database { act, source: Arc::new(source) },
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
        let connection = &journal.lock().connection;
        let number = |pragma: &str| one::<i64>(connection, &format!("PRAGMA {pragma}")).unwrap();
        assert_eq!(number("synchronous"), 2, "2 is FULL");
        assert_eq!((number("fullfsync"), number("cell_size_check"), number("trusted_schema")), (1, 1, 0));
        assert_eq!(one::<String>(connection, "PRAGMA journal_mode").unwrap(), "persist");
    }

    #[test]
    fn an_error_of_the_disk_while_reading_is_told_as_it_is_and_the_next_reader_goes_on() {
        let folder = tempfile::tempdir().unwrap();
        let journal = SqliteJournal::create(&folder.path().join("journal.sqlite")).unwrap();
        let refused: Result<(), _> = journal.read(|connection| {
            // As SQLite does by itself when it cannot read a page.
            execute(connection, "ROLLBACK", ())?;
            Err(disk("be read")(io::Error::from_raw_os_error(5)))
        });
        assert!(matches!(refused, Err(Error::Disk { act: "be read", .. })), "{refused:?}");
        assert!(journal.spaces().unwrap().is_empty());
        journal.settle_fact("after", b"it").unwrap();
    }

    #[test]
    fn a_panic_while_reading_leaves_no_transaction_that_other_processes_wait_for() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.sqlite");
        let journal = SqliteJournal::create(&path).unwrap();
        let act = |connection: &Connection| -> Result<(), Error> {
            spaces(connection)?;
            panic!("in the middle of reading")
        };
        assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| journal.read(act))).is_err());
        let elsewhere = Connection::open(&path).unwrap();
        elsewhere.busy_timeout(std::time::Duration::ZERO).unwrap();
        elsewhere.execute_batch("BEGIN EXCLUSIVE; ROLLBACK").unwrap();
    }

    #[test]
    fn a_statement_is_planned_once_whatever_is_bound_to_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.sqlite");
        SqliteJournal::create(&path).unwrap();
        let journal = SqliteJournal::open(&path).unwrap();
        let connection = &journal.lock().connection;
        let sql = "SELECT number FROM record WHERE space = ?1 ORDER BY number DESC LIMIT 1";
        for space in [1, 2, 3].map(|byte| SpaceId::from_bytes([byte; 16])) {
            let mut statement = connection.prepare_cached(sql).unwrap();
            assert!(!statement.exists(params![space.as_bytes()]).unwrap());
        }
        let statement = connection.prepare_cached(sql).unwrap();
        assert_eq!(statement.get_status(rusqlite::StatementStatus::RePrepare), 0);
    }
}
