//! The service sweeps behind everything else, and an account has its quota back for what is gone: once, also after a start.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use hizo_keeper::service::{Admission, Settings, Sweeping};
use hizo_ledger::id::SpaceId;
use hizo_ledger::session::Verbs;
use hizo_store::journal::{AccountId, SqliteJournal};
use hizo_store::{Journal as _, NamedBytes};
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;

use super::world::{Answer, Begun, Running, begin, genesis, signed, soon, token_in, unhurried};
use crate::kit::Company;

const CODE: &str = "apple-river-seven";

/// What an object costs at least.
const LEAST: u64 = 4 << 10;

const WEEK: Duration = Duration::from_secs(7 * 24 * 60 * 60);

fn start(folder: TempDir, quota: u64) -> Running {
    let codes = BTreeMap::from([(AccountId(Sha256::digest(CODE).into()), quota)]);
    let sweeping = Sweeping { after: WEEK, pause: Duration::from_millis(20), names_per_second: 1 << 30 };
    Running::start_in(folder, Settings { admission: Admission::Closed(codes), sweeping, ..unhurried() })
}

/// As if a week and a day had passed, for the objects of a space and for the clock of the sweep.
fn grow_old(folder: &TempDir, space: SpaceId) {
    let path = folder.path().join("keeper/sweep");
    let text = fs::read_to_string(&path).unwrap();
    let seconds: u64 = text.lines().nth(1).unwrap().strip_prefix("seconds ").unwrap().parse().unwrap();
    fs::write(&path, format!("hizo/sweep/v1\nseconds {}\nseen -\n", seconds + WEEK.as_secs())).unwrap();
    for file in objects(folder.path(), space) {
        fs::File::open(file).unwrap().set_modified(SystemTime::now() - WEEK).unwrap();
    }
}

fn objects(folder: &Path, space: SpaceId) -> Vec<PathBuf> {
    let files = |folder: &Path| -> Vec<PathBuf> {
        fs::read_dir(folder).map_or(Vec::new(), |items| items.map(|item| item.unwrap().path()).collect())
    };
    files(&folder.join("keeper/objects").join(space.to_string())).iter().flat_map(|below| files(below)).collect()
}

fn admitted(running: &Running, company: &Company, nonce: u8) -> String {
    let note = signed(&running.note(company.space, "owner", nonce, Verbs::ReadWrite), "owner");
    token_in(running.send_note(&note, Some(CODE)).is(201))
}

fn object(bytes: u64, seed: u8) -> NamedBytes {
    NamedBytes::name(vec![seed; bytes as usize]).unwrap()
}

fn unnamed(running: &Running, bytes: u64) {
    soon("what no record names is not counted right", || running.metric("hizo_unnamed_bytes") == bytes);
}

#[test]
fn an_account_has_its_quota_back_once_for_what_was_swept_and_keeps_what_is_named() {
    let running = start(tempfile::tempdir().unwrap(), 1 << 30);
    let company = Company::new("a company", &running.origin);
    begin(&running, &company, &admitted(&running, &company, 1), &genesis(&company)).is(201);
    let used = 4 * LEAST + genesis(&company).note.len() as u64;
    let folder = running.stop();
    let named = objects(folder.path(), company.space).len();
    // The account has room for two packs more.
    let quota = used + 2 * (64 << 10);
    let running = start(folder, quota);
    let owner = running.token(company.space, "owner", 2, Verbs::ReadWrite);
    let put = |running: &Running, owner: &str, seed| running.put(company.space, owner, &object(64 << 10, seed)).status;
    assert_eq!([1, 2, 3].map(|seed| put(&running, &owner, seed)), [201, 201, 507]);
    // A start gives nothing back.
    let running = start(running.stop(), quota);
    unnamed(&running, 2 * (64 << 10));
    let owner = running.token(company.space, "owner", 3, Verbs::ReadWrite);
    assert_eq!(put(&running, &owner, 3), 507);
    // Marked, it counts on; removed, it does not.
    let folder = running.stop();
    grow_old(&folder, company.space);
    let running = start(folder, quota);
    unnamed(&running, 2 * (64 << 10));
    let folder = running.stop();
    assert_eq!(objects(folder.path(), company.space).len(), named + 2, "what was just marked is gone");
    grow_old(&folder, company.space);
    let running = start(folder, quota);
    soon("nothing is swept", || running.metric("hizo_sweep_objects_total") == 2);
    assert_eq!(running.metric("hizo_sweep_bytes_total"), 2 * (64 << 10));
    unnamed(&running, 0);
    let owner = running.token(company.space, "owner", 4, Verbs::ReadWrite);
    assert_eq!([4, 5, 6].map(|seed| put(&running, &owner, seed)), [201, 201, 507], "it is given back once");
    assert!(running.lines.lock().unwrap().iter().any(|line| line.contains("what no record names was removed")));
    assert_eq!(objects(running.stop().path(), company.space).len(), named + 2);
}

#[test]
fn what_was_put_for_a_space_that_never_begins_counts_for_whoever_put_it_also_after_a_start() {
    let running = start(tempfile::tempdir().unwrap(), 2 * LEAST);
    let company = Company::new("never begun", &running.origin);
    let owner = admitted(&running, &company, 1);
    let statuses = [1, 2, 3].map(|seed| running.put(company.space, &owner, &object(1, seed)).status);
    assert_eq!(statuses, [201, 201, 507]);
    let running = start(running.stop(), 2 * LEAST);
    unnamed(&running, 2 * LEAST);
    let other = Company::new("another one", &running.origin);
    let owner = admitted(&running, &other, 2);
    running.put(other.space, &owner, &object(1, 4)).says(507, "QuotaOver");
    let folder = running.stop();
    grow_old(&folder, company.space);
    let running = start(folder, 2 * LEAST);
    unnamed(&running, 2 * LEAST);
    let folder = running.stop();
    grow_old(&folder, company.space);
    let running = start(folder, 2 * LEAST);
    unnamed(&running, 0);
    let owner = admitted(&running, &other, 3);
    running.put(other.space, &owner, &object(1, 4)).is(201);
}

#[test]
fn what_comes_in_while_the_claim_to_an_empty_space_is_taken_away_is_claimed_once_it_is_here() {
    let running = start(tempfile::tempdir().unwrap(), 1 << 30);
    let company = Company::new("never begun", &running.origin);
    let owner = admitted(&running, &company, 1);
    running.put(company.space, &owner, &object(1, 1)).is(201);
    let journal = SqliteJournal::open(&running.folder().join("keeper/journal.sqlite")).unwrap();
    let account = || journal.account(company.space).unwrap();
    assert!(account().is_some());
    let coming = object(200 << 10, 2);
    let mut stream = TcpStream::connect(running.address).unwrap();
    let head = format!(
        "PUT /v1/spaces/{}/objects/{} HTTP/1.1\r\nhost: k\r\nconnection: close\r\nauthorization: Bearer {owner}\r\ncontent-length: {}\r\n\r\n",
        company.space,
        coming.id(),
        coming.length()
    );
    let (begun, rest) = coming.as_bytes().split_at(100 << 10);
    stream.write_all(&[head.as_bytes(), begun].concat()).unwrap();
    let arriving = running.folder().join("keeper/objects/arriving");
    soon("nothing comes in", || fs::read_dir(&arriving).is_ok_and(|files| files.count() == 1));
    objects(running.folder(), company.space).iter().for_each(|file| fs::remove_file(file).unwrap());
    soon("the claim to nothing is kept", || account().is_none());
    stream.write_all(rest).unwrap();
    Answer::read(stream).is(201);
    assert!(account().is_some(), "nobody answers for what came in");
}

#[cfg(unix)]
#[test]
fn a_clock_that_cannot_be_read_at_the_start_goes_on_once_it_can_be() {
    let running = start(tempfile::tempdir().unwrap(), 1 << 30);
    let (path, kept) = (running.folder().join("keeper/sweep"), running.folder().join("kept"));
    soon("no clock is written down", || path.exists());
    let folder = running.stop();
    fs::write(&kept, "hizo/sweep/v1\nseconds 5000000\nseen -\n").unwrap();
    fs::remove_file(&path).unwrap();
    // As a disk that refuses for a while: a folder is no file, and a link is replaced in one step.
    std::os::unix::fs::symlink(folder.path(), &path).unwrap();
    let running = start(folder, 1 << 30);
    soon("it is passed over", || running.metric("hizo_sweep_failures_total") > 1);
    fs::rename(&kept, &path).unwrap();
    let text = || fs::read_to_string(&path).unwrap();
    soon("it does not go on", || !text().ends_with("seen -\n"));
    let seconds: u64 = text().lines().nth(1).unwrap().strip_prefix("seconds ").unwrap().parse().unwrap();
    assert!(seconds >= 5_000_000, "{seconds}");
}

#[test]
fn a_pass_beside_clients_takes_nothing_from_them() {
    let sweeping = Sweeping { after: Duration::ZERO, pause: Duration::from_millis(1), names_per_second: 1 << 30 };
    let running = Running::start_with(unhurried());
    let mut begun = Begun::new(&running, "a company");
    let running = Running::start_in(running.stop(), Settings { sweeping, ..unhurried() });
    let machine = running.token(begun.space(), "machine", 9, Verbs::ReadWrite);
    for number in 0..30 {
        let draft = begun.company.deposit(&format!("series {number}"), 3).1;
        // Whatever was put is marked at once, and nobody can know before he appends.
        loop {
            match begun.keep(&running, &machine, &draft).status {
                201 => break,
                status => assert_eq!(status, 424),
            }
        }
    }
    let folder = running.stop();
    let keeper = hizo_keeper::EmbeddedKeeper::open_embedded(&folder.path().join("keeper")).unwrap();
    let found = keeper.check(begun.space()).unwrap().unwrap();
    assert!(found.missing.is_empty() && found.damaged.is_empty(), "{found:?}");
}
