//! The tables of the journal's file, and whether a file has exactly these.

use rusqlite::{Connection, Transaction};

use super::rows::one;
use super::{damaged, database};
use crate::journal::Error;

/// The format that this program writes, kept as `user_version`.
pub const SCHEMA_VERSION: i64 = 1;

/// "hizo", kept as `application_id`.
const APPLICATION_ID: i64 = 0x6869_7A6F;

/// Name and definition of every table, as SQLite gives them back. The name says what the row's sum begins with.
const SCHEMA: [(&str, &str); 13] = [
    ("account", ACCOUNT),
    ("account_twin", ACCOUNT_TWIN),
    ("condemned", CONDEMNED),
    ("condemned_twin", CONDEMNED_TWIN),
    ("fact", FACT),
    ("fact_twin", FACT_TWIN),
    ("leaf", LEAF),
    ("log", LOG),
    ("log_twin", LOG_TWIN),
    ("payer", PAYER),
    ("payer_twin", PAYER_TWIN),
    ("record", RECORD),
    ("space", SPACE),
];
const ACCOUNT: &str = "CREATE TABLE account (account BLOB NOT NULL PRIMARY KEY, bytes INTEGER NOT NULL, \
                       spaces INTEGER NOT NULL, sum BLOB NOT NULL) STRICT, WITHOUT ROWID";
const ACCOUNT_TWIN: &str = "CREATE TABLE account_twin (account BLOB NOT NULL PRIMARY KEY, bytes INTEGER NOT NULL, \
                            spaces INTEGER NOT NULL, sum BLOB NOT NULL) STRICT, WITHOUT ROWID";
const CONDEMNED: &str = "CREATE TABLE condemned (space BLOB NOT NULL, object BLOB NOT NULL, since INTEGER NOT NULL, \
                         sum BLOB NOT NULL, PRIMARY KEY (space, object)) STRICT, WITHOUT ROWID";
const CONDEMNED_TWIN: &str = "CREATE TABLE condemned_twin (space BLOB NOT NULL, object BLOB NOT NULL, \
                              since INTEGER NOT NULL, sum BLOB NOT NULL, PRIMARY KEY (space, object)) STRICT, \
                              WITHOUT ROWID";
const FACT: &str = "CREATE TABLE fact (key TEXT NOT NULL PRIMARY KEY, value BLOB NOT NULL, sum BLOB NOT NULL) STRICT, \
                    WITHOUT ROWID";
const FACT_TWIN: &str = "CREATE TABLE fact_twin (key TEXT NOT NULL PRIMARY KEY, value BLOB NOT NULL, \
                         sum BLOB NOT NULL) STRICT, WITHOUT ROWID";
const LEAF: &str = "CREATE TABLE leaf (position INTEGER NOT NULL PRIMARY KEY, space BLOB NOT NULL, \
                    number INTEGER NOT NULL, id BLOB NOT NULL, sum BLOB NOT NULL) STRICT";
const LOG: &str = "CREATE TABLE log (one INTEGER NOT NULL PRIMARY KEY, size INTEGER NOT NULL, \
                   signed_size INTEGER NOT NULL, signed_root BLOB NOT NULL, sum BLOB NOT NULL) STRICT";
const LOG_TWIN: &str = "CREATE TABLE log_twin (one INTEGER NOT NULL PRIMARY KEY, size INTEGER NOT NULL, \
                        signed_size INTEGER NOT NULL, signed_root BLOB NOT NULL, sum BLOB NOT NULL) STRICT";
const PAYER: &str = "CREATE TABLE payer (space BLOB NOT NULL PRIMARY KEY, account BLOB NOT NULL, \
                     sum BLOB NOT NULL) STRICT, WITHOUT ROWID";
const PAYER_TWIN: &str = "CREATE TABLE payer_twin (space BLOB NOT NULL PRIMARY KEY, account BLOB NOT NULL, \
                          sum BLOB NOT NULL) STRICT, WITHOUT ROWID";
const RECORD: &str = "CREATE TABLE record (space BLOB NOT NULL, number INTEGER NOT NULL, id BLOB NOT NULL, \
                      kept INTEGER NOT NULL, position INTEGER NOT NULL, note BLOB NOT NULL, sum BLOB NOT NULL, PRIMARY KEY (space, number)) \
                      STRICT, WITHOUT ROWID";
const SPACE: &str = "CREATE TABLE space (space BLOB NOT NULL PRIMARY KEY, number INTEGER NOT NULL, id BLOB NOT NULL, \
                     slot_key BLOB NOT NULL, sum BLOB NOT NULL) STRICT, WITHOUT ROWID";

/// No table and no mark of ours: nothing was ever kept in this file.
pub(super) fn is_blank(connection: &Connection) -> Result<bool, Error> {
    let tables: i64 = one(connection, "SELECT count(*) FROM sqlite_schema")?;
    let version: i64 = one(connection, "PRAGMA user_version")?;
    let application: i64 = one(connection, "PRAGMA application_id")?;
    Ok(tables == 0 && version == 0 && application == 0)
}

pub(super) fn lay_out(tx: &Transaction<'_>) -> Result<(), Error> {
    for (_, sql) in SCHEMA {
        tx.execute(sql, ()).map_err(database("be made"))?;
    }
    for (pragma, value) in [("application_id", APPLICATION_ID), ("user_version", SCHEMA_VERSION)] {
        tx.pragma_update(None, pragma, value).map_err(database("be made"))?;
    }
    Ok(())
}

pub(super) fn check_format(connection: &Connection) -> Result<(), Error> {
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
