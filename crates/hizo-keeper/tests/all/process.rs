//! Real processes: killed at any moment, taking turns, and with a system that refuses.
//!
//! The other process is this test binary itself, told by its environment to play [`the_other_process`].

use std::collections::BTreeSet;
use std::env;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use hizo_keeper::witness::Patience;
use hizo_keeper::{EmbeddedKeeper, EmbeddedLog, Error};
use hizo_ledger::id::{ObjectId, RecordId, SpaceId};
use hizo_store::Journal;
use hizo_store::journal::{Entry, Head};
use hizo_store::simulated::Random;

use crate::embedded::seeds;
use crate::kit::{Company, Draft, say_aloud};

const FOLDER: &str = "HIZO_TEST_KEEPER";
const ROLE: &str = "HIZO_TEST_ROLE";
const NAME: &str = "a small company";

/// What the other process was told before it printed it.
#[derive(Default)]
struct Answered {
    objects: BTreeSet<ObjectId>,
    records: Vec<(u64, RecordId)>,
    /// Leaves of the newest head that was published.
    published: u64,
    refused: Vec<String>,
    finished: bool,
}

impl Answered {
    /// Takes a line of the other process; a line cut short, and lines of the test harness, are nothing.
    fn take(&mut self, line: &str) {
        let mut words = line.split(' ');
        match (words.next(), words.next(), words.next(), words.next()) {
            (Some("put"), Some(id), Some("."), None) => {
                self.objects.insert(ObjectId::from_hex(id).unwrap());
            }
            (Some("kept"), Some(number), Some(id), Some(".")) => {
                self.records.push((number.parse().unwrap(), RecordId::from_hex(id).unwrap()));
            }
            (Some("published"), Some(size), Some("."), None) => self.published = size.parse().unwrap(),
            (Some("refused"), ..) => self.refused.push(line.to_owned()),
            (Some("finished"), ..) => self.finished = true,
            _ => {}
        }
    }
}

fn start(folder: &Path, role: &str, before: &[&str]) -> Child {
    let this = env::current_exe().unwrap();
    let play = ["process::the_other_process", "--exact", "--ignored", "--nocapture", "--test-threads=1"];
    let mut command = match before.split_first() {
        None => Command::new(this),
        Some((program, rest)) => {
            let mut command = Command::new(program);
            command.args(rest).arg(this);
            command
        }
    };
    command
        .args(play)
        .env(FOLDER, folder)
        .env(ROLE, role)
        .env_remove("LD_LIBRARY_PATH")
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    command.spawn().unwrap()
}

fn lines(child: &mut Child) -> impl Iterator<Item = String> + use<> {
    BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok)
}

/// Everything answered is there and whole, and so is everything else.
fn check(folder: &Path, answered: &Answered, story: &str) {
    let keeper = EmbeddedKeeper::open_embedded(folder).unwrap();
    let space = Company::new(NAME, keeper.origin()).space;
    for id in &answered.objects {
        let bytes = keeper.object(space, *id).unwrap();
        let bytes = bytes.unwrap_or_else(|| panic!("{story}: an acknowledged object is gone"));
        assert_eq!(ObjectId::of(&bytes), *id, "{story}: an acknowledged object is damaged");
    }
    for (number, id) in &answered.records {
        let record = keeper.records(space, *number, 1).unwrap();
        assert!(record.first().is_some_and(|record| record.id == *id), "{story}: an acknowledged record is gone");
    }
    keeper.journal().integrity().unwrap_or_else(|error| panic!("{story}: {error}"));
    if let Some(found) = keeper.check(space).unwrap() {
        assert!(found.missing.is_empty() && found.damaged.is_empty(), "{story}: a record names what is not whole");
    }
}

#[test]
#[ignore = "played by the other process of the tests below"]
fn the_other_process() {
    let (Some(folder), Ok(role)) = (env::var_os(FOLDER), env::var(ROLE)) else { return };
    // The test harness has begun a line of its own.
    println!();
    let folder = Path::new(&folder);
    match role.as_str() {
        "endless" => deposit_for_ever(folder),
        "sayings" => say_in_turn(folder, 25),
        "session" => session(folder),
        "log session" => log_session(folder),
        "endless log" | "another endless log" => log_for_ever(folder, &role),
        other => panic!("no role {other}"),
    }
}

/// A line that is not wholly written is not an answer.
fn tell(line: &str) {
    let _ = std::io::stdout().write_all(format!("{line} .\n").as_bytes());
}

fn keep(keeper: &EmbeddedKeeper, company: &mut Company, draft: &Draft) -> Result<(), Error> {
    for object in &draft.objects {
        keeper.put(company.space, object)?;
        tell(&format!("put {}", object.id()));
    }
    let kept = company.append(keeper, &draft.note)?;
    tell(&format!("kept {} {}", kept.number, kept.id));
    Ok(())
}

fn deposit_for_ever(folder: &Path) {
    let keeper = EmbeddedKeeper::open_embedded(folder).unwrap();
    let mut company = Company::new(NAME, keeper.origin()).follow(&keeper);
    loop {
        let draft = if company.chain.is_none() { company.genesis() } else { company.deposit("drawings", 2).1 };
        keep(&keeper, &mut company, &draft).unwrap();
    }
}

/// Appends so many records between those of another process.
fn say_in_turn(folder: &Path, count: usize) {
    let keeper = EmbeddedKeeper::open_embedded(folder).unwrap();
    let mut company = Company::new(NAME, keeper.origin()).follow(&keeper);
    let mut kept = 0;
    while kept < count {
        let draft = company.deposit(&format!("notes of {}", std::process::id()), 1).1;
        match keep(&keeper, &mut company, &draft) {
            Ok(()) => kept += 1,
            Err(Error::Conflict { .. }) => company = company.follow(&keeper),
            Err(other) => panic!("neither kept nor in conflict: {other}"),
        }
    }
    tell("finished");
}

/// A call that a trace can find.
fn begin(folder: &Path) {
    // A trace counts calls thread by thread, and the main thread's first ones are not meant: it makes fewer than these.
    let mut nowhere = std::fs::OpenOptions::new().write(true).open("/dev/null").unwrap();
    let mut nothing = std::fs::File::open("/dev/null").unwrap();
    for _ in 0..64 {
        let _ = std::fs::File::open(folder.join("before-the-session"));
        let _ = nowhere.write_all(b".");
        let _ = nothing.read(&mut [0]);
        let _ = std::os::unix::fs::FileExt::read_at(&nothing, &mut [0], 0);
    }
    let _ = std::fs::File::open(folder.join("the-session-begins"));
}

/// A fixed session that goes on after each refusal.
fn session(folder: &Path) {
    begin(folder);
    let opened = EmbeddedKeeper::open_embedded(folder).or_else(|_| {
        tell("refused");
        EmbeddedKeeper::open_embedded(folder)
    });
    let keeper = opened.unwrap();
    let mut company = Company::new(NAME, keeper.origin());
    for number in 0..2 {
        let draft = if number == 0 { company.genesis() } else { company.deposit("drawings", 2).1 };
        again(|| keep(&keeper, &mut company, &draft));
        if keeper.put(company.space, &draft.objects[0]).is_err() {
            tell("refused");
        }
    }
    tell("finished");
}

/// Does something until it succeeds, and says when it did not.
fn again<T>(mut act: impl FnMut() -> Result<T, Error>) -> T {
    for _ in 0..3 {
        match act() {
            Ok(done) => return done,
            Err(error) => tell(&format!("refused {error:?}")),
        }
    }
    panic!("one fault is refused again and again");
}

fn publish(keeper: &EmbeddedKeeper, log: &EmbeddedLog) -> Result<(), Error> {
    let head = log.publish(keeper, &Patience::default())?.head;
    tell(&format!("published {}", head.size));
    Ok(())
}

/// A fixed session that appends and publishes, over the end of a tile, and goes on after each refusal.
fn log_session(folder: &Path) {
    begin(folder);
    let keeper = again(|| EmbeddedKeeper::open_embedded(folder));
    let log = again(|| EmbeddedLog::open(folder, &keeper));
    let mut company = Company::new(NAME, keeper.origin());
    for number in 0..3 {
        let draft = if number == 0 { company.genesis() } else { company.saying() };
        again(|| keep(&keeper, &mut company, &draft));
        again(|| publish(&keeper, &log));
    }
    tell("finished");
}

/// Companies that append at once, and a publisher behind them.
fn log_for_ever(folder: &Path, of: &str) {
    let keeper = EmbeddedKeeper::open_embedded(folder).unwrap();
    let log = EmbeddedLog::open(folder, &keeper).unwrap();
    std::thread::scope(|scope| {
        for number in 0..4 {
            let keeper = &keeper;
            scope.spawn(move || {
                let mut company = Company::new(&format!("company {number} of an {of}"), keeper.origin()).follow(keeper);
                loop {
                    let draft = if company.chain.is_none() { company.genesis() } else { company.saying() };
                    for object in &draft.objects {
                        keeper.put(company.space, object).unwrap();
                    }
                    let kept = company.append(keeper, &draft.note).unwrap();
                    tell(&format!("kept {} {}", kept.number, kept.id));
                }
            });
        }
        loop {
            if let Err(error) = publish(&keeper, &log) {
                // The others here go on for ever: whoever waits for heads must learn that there are none any more.
                tell(&format!("gave up: {error}"));
                std::process::exit(1);
            }
        }
    });
}

/// A log whose first tile lacks three leaves, published in two steps.
pub(crate) fn nearly_full(folder: &Path) {
    let keeper = EmbeddedKeeper::init_embedded(folder, &seeds(1)).unwrap();
    let log = EmbeddedLog::open(folder, &keeper).unwrap();
    let space = SpaceId::from_bytes([1; 16]);
    let notes: Vec<Vec<u8>> = (0..254).map(|number| format!("note {number}\n").into_bytes()).collect();
    let heads = (0..).zip(&notes).map(|(number, note)| Some(Head { number, id: RecordId::of(note) }));
    let entries: Vec<Entry<'_>> = notes
        .iter()
        .zip(std::iter::once(None).chain(heads))
        .map(|(note, expected)| {
            let slot_key = expected.is_none().then_some(&[1; 32]);
            Entry { space, expected, note, objects: &[], slot_key, kept: 1, charge: None }
        })
        .collect();
    for half in entries.chunks(127) {
        assert!(keeper.journal().append_all(half).iter().all(Result::is_ok));
        log.publish(&keeper, &Patience::default()).unwrap();
    }
}

/// The log is whole, shows no less than was told, and goes on to everything that was answered.
fn check_log(folder: &Path, answered: &Answered, story: &str) {
    let keeper = EmbeddedKeeper::open_embedded(folder).unwrap();
    let log = EmbeddedLog::open(folder, &keeper).unwrap();
    let found = log.published().check().unwrap_or_else(|error| panic!("{story}: {error}"));
    assert!(found.size >= answered.published, "{story}: a head of {} leaves is gone", answered.published);
    let published = log.publish(&keeper, &Patience::default()).unwrap_or_else(|error| panic!("{story}: {error}"));
    let head = published.head;
    assert_eq!(log.published().check().unwrap(), head, "{story}");
    let mut logged = BTreeSet::new();
    while (logged.len() as u64) < head.size {
        let page = keeper.journal().leaves(logged.len() as u64, 1_000).unwrap();
        logged.extend(page.into_iter().map(|leaf| leaf.record));
    }
    for (_, id) in &answered.records {
        assert!(logged.contains(id), "{story}: an acknowledged record is not in the log");
    }
    keeper.journal().integrity().unwrap_or_else(|error| panic!("{story}: {error}"));
}

/// Kills a process that would go on for ever: after so many answers, and then a moment that no answer marks.
fn killed(mut child: Child, random: &mut Random, count: fn(&Answered) -> usize) -> Answered {
    let mut lines = lines(&mut child);
    let enough = 1 + random.below(12);
    let mut answered = Answered::default();
    while count(&answered) < enough {
        answered.take(&lines.next().expect("the process goes on until it is killed"));
    }
    for _ in 0..random.below(400_000) {
        std::hint::spin_loop();
    }
    child.kill().unwrap();
    lines.for_each(|line| answered.take(&line));
    child.wait().unwrap();
    answered
}

#[test]
fn a_process_killed_while_it_publishes_leaves_a_whole_log_that_goes_on() {
    const KILLS: usize = 40;
    let place = tempfile::tempdir().unwrap();
    nearly_full(place.path());
    let mut random = Random(20_261_125);
    let mut all = Answered::default();
    for kill in 0..KILLS {
        let child = start(place.path(), "endless log", &[]);
        let answered = killed(child, &mut random, |answered| answered.records.len());
        all.records.extend(answered.records);
        all.published = all.published.max(answered.published);
        check_log(place.path(), &all, &format!("kill {kill}"));
    }
    println!("{KILLS} kills, {} records answered, {} leaves published", all.records.len(), all.published);
    assert!(all.published > 256, "too little was published to mean anything");
}

#[test]
fn two_processes_publish_one_log_by_turns() {
    let place = tempfile::tempdir().unwrap();
    nearly_full(place.path());
    let mut children = ["endless log", "another endless log"].map(|role| start(place.path(), role, &[]));
    let mut all = Answered::default();
    for child in &mut children {
        let mut lines = lines(child);
        let (before, mut answered) = (all.records.len(), Answered::default());
        while answered.records.len() < 10 || answered.published < 260 {
            answered.take(&lines.next().expect("the process goes on until it is killed"));
        }
        all.records.extend(answered.records);
        all.published = all.published.max(answered.published);
        assert!(all.records.len() > before);
    }
    for child in &mut children {
        child.kill().unwrap();
        child.wait().unwrap();
    }
    check_log(place.path(), &all, "two processes");
}

#[test]
fn a_log_that_somebody_else_is_publishing_is_left_alone_with_a_clear_answer() {
    let place = tempfile::tempdir().unwrap();
    nearly_full(place.path());
    let keeper = EmbeddedKeeper::open_embedded(place.path()).unwrap();
    let log = EmbeddedLog::open(place.path(), &keeper).unwrap();
    let other = std::fs::File::open(place.path().join("log.lock")).unwrap();
    other.lock().unwrap();
    let before = log.published().checkpoint().unwrap();
    let refused = log.publish_within(&keeper, &Patience::default(), Duration::ZERO);
    assert!(matches!(refused, Err(Error::Log(hizo_keeper::log::Error::Busy))), "{refused:?}");
    assert_eq!(log.published().checkpoint().unwrap(), before);
    other.unlock().unwrap();
    log.publish_within(&keeper, &Patience::default(), Duration::ZERO).unwrap();
}

/// Calls by which a log is read, published and tidied, beside those of [`TRACED`].
const TRACED_LOG: [&str; 6] = ["read", "pread64", "flock", "unlink", "rmdir", "getdents64"];

#[test]
fn any_refused_system_call_of_the_sequencer_is_reported_and_leaves_the_log_whole() {
    if !strace_is_here() {
        return;
    }
    let place = tempfile::tempdir().unwrap();
    let names = [&TRACED[..], &TRACED_LOG].concat();
    let log = place.path().join("trace");
    let whole = place.path().join("whole");
    nearly_full(&whole);
    let (calls, answered) = trace(&whole, "log session", &names, &log, None);
    assert!(answered.finished && answered.refused.is_empty(), "the session does not come to its end by itself");
    assert_eq!(answered.published, 257);
    let everything = env::var_os("HIZO_TEST_EVERYTHING").is_some();
    let mut random = Random(20_261_125);
    let (mut runs, mut silent) = (0, Vec::new());
    for (number, call) in calls.iter().enumerate() {
        // Below the log's folder, or of the journal, by which a head is settled.
        let of_log = call.line.contains("/log");
        let often = if of_log { 8 } else { 40 };
        if call.line.contains(ANSWER) || random.below(often) != 0 && !everything {
            continue;
        }
        let errno = if random.below(2) == 0 { "EIO" } else { "ENOSPC" };
        let story = format!("{errno} for call {number}: {}", call.line);
        let folder = place.path().join(format!("{number}"));
        nearly_full(&folder);
        let inject = format!("inject={}:error={errno}:when={}", call.name, call.number);
        let (calls, answered) = trace(&folder, "log session", &names, &log, Some(&inject));
        assert!(calls.iter().any(|call| call.line.contains("INJECTED")), "{story}: nothing was injected");
        // A name of a temporary file that a dead process of the same number may have left is taken away unasked.
        let unasked = call.name == "unlink" && call.line.contains(".new");
        if answered.refused.is_empty() && !passed_over(call, &whole) && !unasked {
            silent.push(story.clone());
        }
        assert!(answered.finished, "{story}: the session did not go on: {:#?}", answered.refused);
        check_log(&folder, &answered, &story);
        std::fs::remove_dir_all(&folder).unwrap();
        runs += 1;
    }
    println!("{runs} of {} system calls made to fail", calls.len());
    assert!(silent.is_empty(), "not reported: {silent:#?}");
}

#[test]
fn a_process_killed_at_any_moment_has_kept_everything_that_it_answered() {
    const KILLS: usize = 60;
    let place = tempfile::tempdir().unwrap();
    EmbeddedKeeper::init_embedded(place.path(), &seeds(1)).unwrap();
    let mut random = Random(20_261_121);
    let mut all = Answered::default();
    for kill in 0..KILLS {
        let child = start(place.path(), "endless", &[]);
        let answered = killed(child, &mut random, |answered| answered.objects.len() + answered.records.len());
        check_answers(place.path(), &answered, &format!("kill {kill}"));
        all.objects.extend(answered.objects);
        all.records.extend(answered.records);
    }
    check(place.path(), &all, "after all kills");
    println!("{KILLS} kills, {} objects and {} records answered", all.objects.len(), all.records.len());
    assert!(all.objects.len() > KILLS && all.records.len() > KILLS / 2, "too few answers to mean anything");
}

/// As [`check`], for what was answered lately only.
fn check_answers(folder: &Path, answered: &Answered, story: &str) {
    let keeper = EmbeddedKeeper::open_embedded(folder).unwrap();
    let space = Company::new(NAME, keeper.origin()).space;
    for id in &answered.objects {
        let bytes = keeper.object(space, *id).unwrap();
        assert!(bytes.is_some_and(|bytes| ObjectId::of(&bytes) == *id), "{story}: an answered object is not whole");
    }
    for (number, id) in &answered.records {
        let record = keeper.records(space, *number, 1).unwrap();
        assert!(record.first().is_some_and(|record| record.id == *id), "{story}: an answered record is gone");
    }
}

#[test]
fn processes_take_turns_and_each_number_is_given_once() {
    let place = tempfile::tempdir().unwrap();
    let keeper = EmbeddedKeeper::init_embedded(place.path(), &seeds(1)).unwrap();
    let mut company = Company::new(NAME, keeper.origin());
    company.keep(&keeper, &company.genesis()).unwrap();
    let mut children: Vec<Child> = (0..3).map(|_| start(place.path(), "sayings", &[])).collect();
    let mut numbers = Vec::new();
    for child in &mut children {
        let mut answered = Answered::default();
        lines(child).for_each(|line| answered.take(&line));
        assert!(child.wait().unwrap().success() && answered.finished, "a process did not come to its end");
        check(place.path(), &answered, "in turn");
        numbers.extend(answered.records.iter().map(|(number, _)| *number));
    }
    numbers.sort_unstable();
    assert!(numbers.iter().copied().eq(1..=75), "a number was given twice, or never: {numbers:?}");
    // The keeper that was open all the time takes up what the others did.
    let mut company = company.follow(&keeper);
    company.keep(&keeper, &company.saying()).unwrap();
}

/// How a trace shows an answer that is given.
const ANSWER: &str = " write(1<";

/// One call of a traced session: its name, how many of that name its thread made before, and the traced line.
struct Call {
    name: &'static str,
    number: usize,
    line: String,
}

const TRACED: [&str; 8] = ["fsync", "fdatasync", "write", "pwrite64", "rename", "renameat2", "openat", "mkdir"];

/// Runs a session under strace and returns its calls since it began, and what it answered.
fn trace(folder: &Path, role: &str, names: &[&'static str], log: &Path, inject: Option<&str>) -> (Vec<Call>, Answered) {
    let list = format!("trace={}", names.join(","));
    let log_text = log.to_str().unwrap();
    let mut before = vec!["strace", "-f", "-y", "-o", log_text, "-e", &list];
    before.extend(inject.into_iter().flat_map(|inject| ["-e", inject]));
    let mut child = start(folder, role, &before);
    let mut answered = Answered::default();
    lines(&mut child).for_each(|line| answered.take(&line));
    child.wait().unwrap();
    let text = std::fs::read_to_string(log).unwrap();
    let began = text.lines().find(|line| line.contains("the-session-begins")).expect("the session has begun");
    let thread = began.split(' ').next().unwrap();
    let mut numbers = std::collections::BTreeMap::new();
    let mut calls = Vec::new();
    let mut begun = false;
    for line in text.lines().filter(|line| line.split(' ').next() == Some(thread)) {
        let Some(name) = names.iter().find(|name| line.contains(&format!(" {name}("))).copied() else { continue };
        let number = numbers.entry(name).or_insert(0);
        *number += 1;
        begun |= line.contains("the-session-begins");
        // What the test harness and the system's libraries do is not the store's.
        let own = line.contains(folder.to_str().unwrap()) && !line.contains("the-session-begins");
        if begun && (own || line.contains(ANSWER)) {
            calls.push(Call { name, number: *number, line: line.to_owned() });
        }
    }
    (calls, answered)
}

/// Whether SQLite passes over a failure of this call, rightly: it syncs its folder for the sake of a new rollback journal,
/// which has been there since the setup; and a rollback journal that it cannot open to look at, it opens to play back.
fn passed_over(call: &Call, folder: &Path) -> bool {
    let folder = folder.to_str().unwrap();
    let is_folder = call.line.contains(&format!("\"{folder}\"")) || call.line.contains(&format!("<{folder}>)"));
    let looks = call.name == "openat" && call.line.contains("journal.sqlite-journal\", O_RDONLY");
    is_folder || looks
}

fn strace_is_here() -> bool {
    let here = Command::new("strace").arg("-V").stdout(Stdio::null()).status().is_ok();
    if !here {
        say_aloud("strace is not installed, so no system call was looked at");
    }
    here
}

/// The first text in quotes, and the second.
fn quoted(line: &str) -> [Option<String>; 2] {
    let mut texts = line.split('"').skip(1).step_by(2).map(str::to_owned);
    [texts.next(), texts.next()]
}

#[test]
fn before_each_answer_everything_written_is_synced() {
    if !strace_is_here() {
        return;
    }
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().join("keeper");
    EmbeddedKeeper::init_embedded(&folder, &seeds(1)).unwrap();
    let (calls, answered) = trace(&folder, "session", &TRACED, &place.path().join("trace"), None);
    assert!(answered.finished && answered.refused.is_empty(), "the session does not come to its end by itself");
    let parent = |path: &str| path.rsplit_once('/').unwrap().0.to_owned();
    let mut unsynced = BTreeSet::new();
    let mut answers = 0;
    for Call { name, line, .. } in &calls {
        // The file behind a descriptor stands in angle brackets.
        let open = line.split(['<', '>']).nth(1).unwrap_or_default().to_owned();
        match *name {
            "write" if line.contains(ANSWER) => {
                answers += 1;
                assert!(unsynced.is_empty(), "{line}: not synced before it: {unsynced:#?}");
            }
            "write" | "pwrite64" => drop(unsynced.insert(open)),
            "fsync" | "fdatasync" => drop(unsynced.remove(&open)),
            "mkdir" => unsynced.extend(quoted(line)[0].as_deref().map(parent)),
            "openat" if line.contains("O_EXCL") => unsynced.extend(quoted(line)[0].as_deref().map(parent)),
            "rename" | "renameat2" => {
                let [Some(from), Some(to)] = quoted(line) else { panic!("{line}") };
                assert!(!unsynced.contains(&from), "{line}: named before it is synced");
                unsynced.insert(parent(&to));
            }
            _ => {}
        }
    }
    assert!(answers >= answered.objects.len() + answered.records.len(), "the trace shows {answers} answers only");
}

#[test]
fn any_refused_system_call_is_reported_and_leaves_the_store_whole() {
    let place = tempfile::tempdir().unwrap();
    if !strace_is_here() {
        return;
    }
    let fresh = |name: String| {
        let folder = place.path().join(name);
        EmbeddedKeeper::init_embedded(&folder, &seeds(1)).unwrap();
        folder
    };
    let log = place.path().join("trace");
    let whole = fresh("whole".to_owned());
    let (calls, answered) = trace(&whole, "session", &TRACED, &log, None);
    assert!(answered.finished && answered.refused.is_empty(), "the session does not come to its end by itself");
    let mut random = Random(20_261_121);
    let (mut runs, mut silent) = (0, Vec::new());
    for (place, call) in calls.iter().enumerate() {
        let often = match call.name {
            "rename" | "renameat2" => 1,
            "fsync" | "fdatasync" | "mkdir" => 2,
            _ => 6,
        };
        let left_out = random.below(often) != 0 && env::var_os("HIZO_TEST_EVERYTHING").is_none();
        if left_out || call.line.contains(ANSWER) {
            continue;
        }
        let errno = if random.below(2) == 0 { "EIO" } else { "ENOSPC" };
        let story = format!("{errno} for call {place}: {}", call.line);
        let folder = fresh(format!("{place}"));
        let inject = format!("inject={}:error={errno}:when={}", call.name, call.number);
        let (calls, answered) = trace(&folder, "session", &TRACED, &log, Some(&inject));
        assert!(calls.iter().any(|call| call.line.contains("INJECTED")), "{story}: nothing was injected");
        if answered.refused.is_empty() && !passed_over(call, &whole) {
            silent.push(story.clone());
        }
        assert!(answered.finished, "{story}: the session did not go on: {:#?}", answered.refused);
        check(&folder, &answered, &story);
        runs += 1;
    }
    println!("{runs} of {} system calls made to fail", calls.len());
    assert!(silent.is_empty(), "not reported: {silent:#?}");
}
