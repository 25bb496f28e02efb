//! The journal's file: damaged, foreign, newer, lost, or held by somebody else.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use hizo_ledger::id::{ObjectId, RootHash, SpaceId};
use hizo_store::Journal;
use hizo_store::journal::{
    AccountId, Charge, Entry, Error, Head, LogHead, SCHEMA_VERSION, SqliteJournal, StoredRecord,
};
use hizo_store::simulated::Random;
use rusqlite::Connection;
use tempfile::TempDir;

const SPACES: u8 = 3;
const FACTS: [&str; 2] = ["keeper", "schedule"];

fn space(number: u8) -> SpaceId {
    SpaceId::from_bytes([number * 0x31; 16])
}

fn object(number: u64) -> ObjectId {
    ObjectId::of(format!("object {number}").as_bytes())
}

fn note(space: u8, number: u64) -> Vec<u8> {
    format!("note {number} of space {space}: {}\n", "lorem ipsum ".repeat(usize::from(space) + 3)).into_bytes()
}

fn append(journal: &SqliteJournal, number: u8, record: u64) -> Result<Head, Error> {
    let note = note(number, record);
    let expected = journal.head(space(number))?;
    let slot_key = [number; 32];
    let slot_key = expected.is_none().then_some(&slot_key);
    let objects = [object(record)];
    // Two of the spaces have accounts, the other has none.
    let account = AccountId([number; 32]);
    let charge = (number < SPACES).then_some(Charge { account, bytes: 7 + record, quota: 1 << 40, alone: true });
    journal.append(Entry {
        space: space(number),
        expected,
        note: &note,
        objects: &objects,
        slot_key,
        kept: 1_000,
        charge,
    })
}

/// A journal with small pages, so that each table has several, and everything that one can hold.
fn filled() -> (TempDir, PathBuf) {
    let folder = crate::passing_folder();
    let path = folder.path().join("journal.sqlite");
    let small_pages = "PRAGMA page_size = 512; CREATE TABLE gone (a); DROP TABLE gone;";
    Connection::open(&path).unwrap().execute_batch(small_pages).unwrap();
    let journal = SqliteJournal::create(&path).unwrap();
    for record in 0..6 {
        for number in 1..=SPACES {
            append(&journal, number, record).unwrap();
        }
    }
    for fact in FACTS {
        journal.settle_fact(fact, format!("the fact of {fact}").as_bytes()).unwrap();
    }
    let signed = |size: u8| LogHead { size: size.into(), root: RootHash::from_bytes([size; 32]) };
    journal.settle_signed(None, signed(3)).unwrap();
    journal.settle_signed(Some(signed(3)), signed(17)).unwrap();
    let marked: Vec<ObjectId> = (100..109).map(object).collect();
    journal.condemn(space(1), journal.head(space(1)).unwrap(), &marked, 77).unwrap();
    // Pages that are free again are part of every old journal.
    journal.pardon(space(1), &marked[..3], &mut |_| true).unwrap();
    (folder, path)
}

/// One question, and the answer or nothing where the journal gave an error.
type Answers = BTreeMap<String, Option<String>>;

fn ask(journal: &SqliteJournal) -> Answers {
    let mut answers = Answers::new();
    let mut take = |question: String, answer: Option<String>| drop(answers.insert(question, answer));
    take("spaces".to_owned(), told(journal.spaces()));
    take("log".to_owned(), told(journal.log()));
    for from in [0, 7, 16] {
        take(format!("leaves from {from}"), told(journal.leaves(from, 8)));
    }
    // The last one was never begun: a wrong yes is as bad as a wrong no.
    for number in 1..=SPACES + 1 {
        let space = space(number);
        take(format!("head of {number}"), told(journal.head(space)));
        take(format!("slot key of {number}"), told(journal.slot_key(space)));
        take(format!("who pays for {number}"), told(journal.account(space)));
        take(format!("what {number} pays for"), told(journal.usage(AccountId([number; 32]))));
        take(format!("condemned in {number}"), told(journal.condemned(space)));
        for from in [0, 2, 5] {
            take(format!("records of {number} from {from}"), told(journal.records(space, from, 4)));
        }
    }
    for fact in FACTS.into_iter().chain(["never settled"]) {
        take(format!("fact {fact}"), told(journal.fact(fact)));
    }
    answers
}

fn told<T: std::fmt::Debug>(answer: Result<T, Error>) -> Option<String> {
    answer.ok().map(|answer| format!("{answer:?}"))
}

/// The questions that are answered otherwise than before. Errors are no answers.
fn lies(truth: &Answers, answers: &Answers) -> Vec<String> {
    let wrong = answers.iter().filter(|(question, answer)| answer.is_some() && truth.get(*question) != Some(*answer));
    wrong.map(|(question, answer)| format!("{question}: {answer:?}")).collect()
}

/// What one flipped byte leads to: an error on opening, errors on some questions, or no difference at all.
fn flip(path: &Path, bytes: &[u8], place: usize, mask: u8) -> Option<SqliteJournal> {
    let mut flipped = bytes.to_vec();
    flipped[place] ^= mask;
    fs::write(path, flipped).unwrap();
    let _ = fs::remove_file(path.with_extension("sqlite-journal"));
    SqliteJournal::open(path).ok()
}

/// The whole campaign takes minutes; otherwise a seeded part of it runs.
fn everything() -> bool {
    std::env::var_os("HIZO_TEST_EVERYTHING").is_some()
}

#[test]
fn no_flipped_byte_of_the_file_changes_an_answer() {
    let (folder, path) = filled();
    let bytes = fs::read(&path).unwrap();
    let truth = ask(&SqliteJournal::open(&path).unwrap());
    assert!(truth.values().all(Option::is_some), "{truth:?}");
    let victim = folder.path().join("victim.sqlite");
    let mut random = Random(20_261_121);
    let everything = everything();
    let (mut refused, mut partly, mut unnoticed) = (0, 0, 0);
    for place in 0..bytes.len() {
        // Unused room is mostly zeros, and mostly without effect.
        let unused = bytes[place.saturating_sub(1)..bytes.len().min(place + 2)].iter().all(|byte| *byte == 0);
        if random.below(if unused { 24 } else { 3 }) != 0 && !everything {
            continue;
        }
        let mask = 1 << random.below(8);
        let Some(journal) = flip(&victim, &bytes, place, mask) else {
            refused += 1;
            continue;
        };
        let answers = ask(&journal);
        assert_eq!(lies(&truth, &answers), Vec::<String>::new(), "byte {place}, bit {mask:08b}");
        if answers.values().any(Option::is_none) {
            partly += 1;
            assert!(journal.integrity().is_err(), "byte {place}, bit {mask:08b}: damage that a check does not find");
        } else {
            unnoticed += 1;
        }
    }
    let flips = refused + partly + unnoticed;
    println!("{flips} flips: {refused} refused, {partly} found in an answer, {unnoticed} without effect");
    assert!(refused + partly > 1_000, "too little of the file matters to mean anything");
}

#[test]
fn appending_to_a_damaged_file_changes_no_answer_about_other_spaces() {
    let (folder, path) = filled();
    let bytes = fs::read(&path).unwrap();
    let truth = ask(&SqliteJournal::open(&path).unwrap());
    // An append makes the log longer, and leaves what it holds as it is.
    let of_all = ["spaces", "log", "leaves from 16"];
    let about_others = |answers: Answers| -> Answers {
        let others = |question: &str| !question.contains(" 3") && !of_all.contains(&question);
        answers.into_iter().filter(|(question, _)| others(question)).collect()
    };
    let truth = about_others(truth);
    let victim = folder.path().join("victim.sqlite");
    let mut random = Random(20_261_122);
    let mut taken = 0;
    for _ in 0..if everything() { 5_000 } else { 300 } {
        // Half of the flips hit the file's header and the pages' own, where they matter most to a writer.
        let place = match random.below(2) {
            0 => random.below(bytes.len() / 512) * 512 + random.below(12),
            _ => random.below(bytes.len()),
        };
        let place = if random.below(4) == 0 { random.below(100) } else { place };
        let mask = 1 << random.below(8);
        let Some(journal) = flip(&victim, &bytes, place, mask) else { continue };
        for record in 6..10 {
            taken += usize::from(append(&journal, 3, record).is_ok());
        }
        drop(journal);
        let Ok(journal) = SqliteJournal::open(&victim) else { continue };
        let answers = about_others(ask(&journal));
        assert_eq!(lies(&truth, &answers), Vec::<String>::new(), "byte {place}, bit {mask:08b}");
    }
    println!("{taken} appends to damaged files");
    assert!(taken > 500, "too few appends to mean anything");
}

#[test]
fn a_file_cut_short_anywhere_changes_no_answer() {
    let (folder, path) = filled();
    let bytes = fs::read(&path).unwrap();
    let truth = ask(&SqliteJournal::open(&path).unwrap());
    let victim = folder.path().join("victim.sqlite");
    for length in (0..bytes.len()).step_by(97).chain((0..bytes.len()).step_by(512)) {
        fs::write(&victim, &bytes[..length]).unwrap();
        let _ = fs::remove_file(victim.with_extension("sqlite-journal"));
        match SqliteJournal::open(&victim) {
            Err(Error::Absent) => assert_eq!(length, 0, "{length} bytes are no lost journal"),
            Err(_) => {}
            Ok(journal) => {
                assert_eq!(lies(&truth, &ask(&journal)), Vec::<String>::new(), "{length} bytes");
                assert!(journal.integrity().is_err(), "{length} bytes pass a check");
            }
        }
    }
}

/// Changes the file behind the journal's back, as SQLite would.
fn meddle(path: &Path, sql: &str) {
    Connection::open(path).unwrap().execute_batch(sql).unwrap();
}

#[test]
fn a_journal_of_a_newer_program_is_refused_by_its_number() {
    let (_folder, path) = filled();
    meddle(&path, &format!("PRAGMA user_version = {}", SCHEMA_VERSION + 1));
    for opened in [SqliteJournal::open(&path), SqliteJournal::create(&path)] {
        let Err(Error::Newer { found, known }) = opened else { panic!("it was opened") };
        assert_eq!((found, known), (SCHEMA_VERSION + 1, SCHEMA_VERSION));
    }
    meddle(&path, "PRAGMA user_version = 0");
    assert!(matches!(SqliteJournal::open(&path), Err(Error::Damaged { .. })));
}

#[test]
fn a_file_of_something_else_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.sqlite");
    fs::write(&path, "a letter to a friend, long enough to be no empty file".repeat(40)).unwrap();
    let before = fs::read(&path).unwrap();
    assert!(matches!(SqliteJournal::open(&path), Err(Error::Damaged { .. })));
    assert!(matches!(SqliteJournal::create(&path), Err(Error::Damaged { .. })));
    assert_eq!(fs::read(&path).unwrap(), before);
    fs::remove_file(&path).unwrap();
    meddle(&path, "CREATE TABLE recipes (name TEXT)");
    assert!(matches!(SqliteJournal::open(&path), Err(Error::Damaged { .. })));
    assert!(matches!(SqliteJournal::create(&path), Err(Error::Damaged { .. })));
}

#[test]
fn a_journal_that_is_not_there_is_not_made_by_opening() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.sqlite");
    assert!(matches!(SqliteJournal::open(&path), Err(Error::Absent)));
    assert!(!path.exists());
    fs::write(&path, "").unwrap();
    assert!(matches!(SqliteJournal::open(&path), Err(Error::Absent)));
    SqliteJournal::create(&path).unwrap();
    SqliteJournal::open(&path).unwrap();
}

#[test]
fn an_added_or_altered_table_is_refused() {
    for sql in [
        "CREATE TABLE more (a)",
        "CREATE INDEX i ON record (id)",
        "DROP TABLE fact_twin",
        "CREATE TRIGGER t \
                 AFTER INSERT ON record BEGIN DELETE FROM condemned; END",
    ] {
        let (_folder, path) = filled();
        meddle(&path, sql);
        assert!(matches!(SqliteJournal::open(&path), Err(Error::Damaged { .. })), "{sql}");
    }
}

#[test]
fn a_row_that_is_lost_or_altered_in_one_place_is_found() {
    let changes = [
        "DELETE FROM record WHERE number = 5",
        "DELETE FROM record WHERE number = 2",
        "DELETE FROM record WHERE space = (SELECT min(space) FROM space)",
        "DELETE FROM space WHERE space = (SELECT max(space) FROM space)",
        "UPDATE space SET number = 4",
        "UPDATE space SET slot_key = zeroblob(32)",
        "UPDATE record SET kept = kept + 1",
        "UPDATE record SET note = CAST('other' AS BLOB) WHERE number = 5",
        "UPDATE record SET number = 9 WHERE number = 5",
        "INSERT INTO record SELECT zeroblob(16), number, id, kept, position, note, sum FROM record WHERE number = 0 LIMIT 1",
        "UPDATE record SET position = position + 100",
        "DELETE FROM leaf",
        "DELETE FROM leaf WHERE position = 17",
        "DELETE FROM leaf WHERE position = 9",
        "UPDATE leaf SET number = number + 1 WHERE position = 9",
        "UPDATE leaf SET position = 40 WHERE position = 17",
        "INSERT INTO leaf SELECT 18, space, number, id, sum FROM leaf WHERE position = 17",
        "DELETE FROM log",
        "UPDATE log_twin SET size = 17",
        "UPDATE log SET signed_size = 3; UPDATE log_twin SET signed_size = 3",
        "DELETE FROM fact",
        "DELETE FROM fact_twin WHERE key = 'keeper'",
        "UPDATE fact SET value = CAST('other' AS BLOB)",
        "DELETE FROM condemned",
        "DELETE FROM condemned_twin WHERE object = (SELECT max(object) FROM condemned)",
        "UPDATE condemned SET since = 0",
        "UPDATE fact SET value = CAST('other' AS BLOB); UPDATE fact_twin SET value = CAST('other' AS BLOB)",
        "UPDATE condemned SET since = 0; UPDATE condemned_twin SET since = 0",
    ];
    for sql in changes {
        let (_folder, path) = filled();
        let truth = ask(&SqliteJournal::open(&path).unwrap());
        meddle(&path, sql);
        let journal = SqliteJournal::open(&path).unwrap();
        let answers = ask(&journal);
        assert_eq!(lies(&truth, &answers), Vec::<String>::new(), "{sql}");
        assert!(answers.values().any(Option::is_none), "{sql}: no answer shows it");
        assert!(matches!(journal.integrity(), Err(Error::Damaged { .. })), "{sql}: a check does not find it");
    }
}

#[test]
fn an_append_that_would_follow_damage_is_refused() {
    for sql in ["DELETE FROM condemned", "DELETE FROM condemned_twin", "UPDATE space SET number = 4"] {
        let (_folder, path) = filled();
        let journal = SqliteJournal::open(&path).unwrap();
        let expected = journal.head(space(1)).unwrap();
        meddle(&path, sql);
        let objects = [object(105)];
        let entry = Entry {
            space: space(1),
            expected,
            note: b"next",
            objects: &objects,
            slot_key: None,
            kept: 1,
            charge: None,
        };
        assert!(matches!(journal.append(entry), Err(Error::Damaged { .. })), "{sql}");
    }
}

#[test]
fn of_entries_given_together_only_those_that_meet_damage_or_cannot_be_written_fail() {
    let (_folder, path) = filled();
    let journal = SqliteJournal::open(&path).unwrap();
    let heads = [1, 2, 3].map(|number| journal.head(space(number)).unwrap());
    meddle(&path, "UPDATE space SET number = 4 WHERE space = x'62626262626262626262626262626262'");
    let entry = |number: u8, kept| {
        let expected = heads[usize::from(number) - 1];
        Entry { space: space(number), expected, note: b"next", objects: &[], slot_key: None, kept, charge: None }
    };
    let begun = Entry { expected: None, slot_key: Some(&[9; 32]), ..entry(1, 1) };
    // No column holds the time of the third: by then the first is written, and all of it is taken back.
    let group = [entry(1, 1), entry(2, 1), Entry { space: space(4), kept: u64::MAX, ..begun }, entry(3, 1)];
    let outcomes = journal.append_all(&group);
    assert!(matches!(outcomes[0], Ok(head) if head.number == 6));
    assert!(matches!(outcomes[1], Err(Error::Damaged { .. })));
    assert!(matches!(outcomes[2], Err(Error::Refused { .. })));
    assert!(matches!(outcomes[3], Ok(head) if head.number == 6));
    assert_eq!(journal.head(space(4)).unwrap(), None);
    assert_eq!(journal.log().unwrap().size, 6 * u64::from(SPACES) + 2);
}

#[cfg(unix)]
#[test]
fn a_journal_that_may_only_be_read_is_refused() {
    use std::os::unix::fs::PermissionsExt;

    let (_folder, path) = filled();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o400)).unwrap();
    if fs::OpenOptions::new().write(true).open(&path).is_ok() {
        return crate::say_aloud::say_aloud("a journal that may only be read: this user may write everything");
    }
    assert!(matches!(SqliteJournal::open(&path), Err(Error::ReadOnly)));
}

#[test]
fn a_transaction_cut_short_is_rolled_back_by_the_next_to_open() {
    let (folder, path) = filled();
    let hot = path.with_extension("sqlite-journal");
    let whole = fs::read(&path).unwrap();
    // A writer that has begun to change pages, with its rollback journal on the disk, and then is no more.
    let writer = Connection::open(&path).unwrap();
    writer
        .execute_batch("PRAGMA journal_mode = PERSIST; PRAGMA cache_size = 1; PRAGMA cache_spill = 1; BEGIN")
        .unwrap();
    let many = "WITH RECURSIVE n(i) AS (SELECT 100 UNION ALL SELECT i + 1 FROM n WHERE i < 400) \
                INSERT INTO record SELECT zeroblob(16), i, zeroblob(32), 0, 0, zeroblob(300), zeroblob(16) FROM n";
    writer.execute_batch(many).unwrap();
    let (torn, rollback) = (fs::read(&path).unwrap(), fs::read(&hot).unwrap());
    drop(writer);
    assert_ne!(torn, whole, "nothing was written before the cut");
    let victim = folder.path().join("victim.sqlite");
    fs::write(&victim, torn).unwrap();
    fs::write(victim.with_extension("sqlite-journal"), rollback).unwrap();
    let journal = SqliteJournal::open(&victim).unwrap();
    let integrity = journal.integrity().unwrap();
    assert_eq!((integrity.spaces, integrity.records), (u64::from(SPACES), 6 * u64::from(SPACES)));
    let last: Vec<StoredRecord> = journal.records(space(2), 5, 9).unwrap();
    assert_eq!(last.first().map(|record| record.note.clone()), Some(note(2, 5)));
}

#[test]
fn readers_who_never_pause_keep_no_other_process_from_writing_and_see_at_once_what_it_wrote() {
    let (_folder, path) = filled();
    let (here, there) = (SqliteJournal::open(&path).unwrap(), SqliteJournal::open(&path).unwrap());
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while !over.load(Ordering::Relaxed) {
                    assert!(here.head(space(1)).unwrap().is_some());
                }
            });
        }
        let written = (6..40).map(|record| {
            let head = append(&there, 1, record)?;
            Ok::<_, Error>(here.head(space(1))? == Some(head))
        });
        let written: Result<Vec<bool>, Error> = written.collect();
        over.store(true, Ordering::Relaxed);
        assert!(written.unwrap().into_iter().all(|seen| seen));
    });
}
