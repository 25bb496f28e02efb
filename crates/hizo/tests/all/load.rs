//! A keeper over HTTPS, killed again and again while several machines deposit and while it sweeps: whatever was acknowledged is
//! kept, every receipt is good, no head of the log that anybody saw is contradicted, and the accounts come out right.
//!
//! It runs for `HIZO_LOAD_SECONDS`, a minute where nothing is said, and longer where too little has happened by then to mean anything.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use hizo_keeper::{EmbeddedKeeper, EmbeddedLog, ObjectUse};
use hizo_ledger::log::receipt::UnverifiedReceipt;
use hizo_ledger::log::tree::Edge;
use hizo_ledger::object::ObjectList;
use hizo_ledger::record::{Control, Envelope, UnverifiedRecord};
use hizo_store::Journal as _;
use hizo_store::journal::{AccountId, PAGE_RECORDS_MAX};

use crate::elsewhere::certificates;
use crate::keeper::Process;
use crate::kills::kill_after;
use crate::kit::{Dice, Home, Tree, assert_same, files_below, noise, program, said, tree};

/// What a record costs beside its note, and an object at least.
const LEAST: u64 = 4 << 10;

const DAY: u64 = 24 * 60 * 60;

/// A machine that deposits folders of its own into a series of its own.
struct Client {
    home: Home,
    series: &'static str,
    folder: PathBuf,
    dice: Dice,
    /// How long its longest files are, in bytes.
    most: u64,
    /// What was acknowledged as kept, by the deposit's id.
    kept: Vec<(String, Tree)>,
    /// What was sealed while nobody answered, by its number.
    sealed: Vec<(u64, Tree)>,
    /// What may be kept or not: nobody has answered.
    unanswered: Vec<Tree>,
    /// Every head of the log that it saw.
    heads: BTreeSet<(u64, String)>,
    /// How long its last deposit took: one that is killed dies somewhere in that time, on a slow machine too.
    lasted: Duration,
    codes: BTreeMap<Option<i32>, u32>,
}

impl Client {
    fn new(home: Home, series: &'static str, seed: u64, most: u64) -> Self {
        let folder = home.beside(series);
        let (kept, sealed, unanswered) = (Vec::new(), Vec::new(), Vec::new());
        let (heads, codes) = (BTreeSet::new(), BTreeMap::new());
        let (dice, lasted) = (Dice::new(seed), Duration::from_millis(600));
        Self { home, series, folder, dice, most, kept, sealed, unanswered, heads, lasted, codes }
    }

    fn change(&mut self) {
        for _ in 0..3 {
            let (name, bytes) = (self.dice.below(5), 1 + self.dice.below(self.most));
            let content = noise(self.dice.below(1 << 32), usize::try_from(bytes).unwrap());
            fs::write(self.folder.join(format!("f{name}")), content).unwrap();
        }
        let _ = fs::remove_file(self.folder.join(format!("f{}", self.dice.below(5))));
    }

    fn deposit(&mut self) {
        self.change();
        let then = tree(&self.folder);
        let mut command = self.home.command();
        command.arg("deposit").arg(&self.folder).args(["--series", self.series, "--json", "--reread"]);
        if self.dice.below(4) == 0 {
            // The machine that deposits dies, too: what it has put is nobody's, unless the record came after all.
            let lasted = u64::try_from(self.lasted.as_millis()).unwrap();
            kill_after(&mut command, Duration::from_millis(self.dice.below(lasted.max(1))));
            self.unanswered.push(then);
            return;
        }
        let begun = Instant::now();
        let said = said(&mut command);
        self.lasted = begun.elapsed();
        *self.codes.entry(said.code).or_default() += 1;
        match said.code {
            Some(0) => self.kept.push((said.json()["deposit"].as_str().unwrap().to_owned(), then)),
            Some(6) => self.sealed.push((said.json()["number"].as_u64().unwrap(), then)),
            Some(4) => self.unanswered.push(then),
            // Above all nobody is ever taken for a liar.
            _ => panic!("{}: {said:?}", self.series),
        }
        self.see();
    }

    /// Writes down the head that it has seen last.
    fn see(&mut self) {
        let Ok(head) = fs::read_to_string(self.home.path.join("checkpoint")) else { return };
        let mut lines = head.lines().skip(1);
        self.heads.insert((lines.next().unwrap().parse().unwrap(), lines.next().unwrap().to_owned()));
    }

    /// Everything that was acknowledged comes out as it went in.
    fn check(&mut self) {
        self.home.ok(["send"]);
        for (id, expected) in &self.kept {
            let out = self.home.restore(id, "out");
            assert_same(expected, &tree(&out));
            fs::remove_dir_all(out).unwrap();
        }
        // What waited was sent as it was sealed, or set aside for what nobody had answered for.
        for (number, expected) in &self.sealed {
            let (to, deposit) = (self.home.folder.path().join("out"), format!("{}:{number}", self.series));
            let restored = self.home.run([OsStr::new("restore"), deposit.as_ref(), "--to".as_ref(), to.as_os_str()]);
            if restored.code == Some(0) {
                let found = tree(&to);
                assert!(found == *expected || self.unanswered.contains(&found), "{deposit} is something else");
                fs::remove_dir_all(to).unwrap();
            } else {
                assert!(self.codes.contains_key(&Some(4)), "{deposit} is gone: {restored:?}");
            }
        }
        self.home.ok(["check"]);
        self.home.ok(["log"]);
        self.see();
    }

    /// Its receipts, by the record that each is for.
    fn receipts(&self) -> BTreeMap<String, Vec<u8>> {
        let files = files_below(&self.home.path.join("receipts")).into_iter();
        let notes = files.filter(|path| path.extension() == Some(OsStr::new("note")));
        notes.map(|path| (path.file_stem().unwrap().to_str().unwrap().to_owned(), fs::read(&path).unwrap())).collect()
    }
}

/// Has the machines stop, however the test ends.
struct Ends<'a>(&'a AtomicBool);

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

fn seconds() -> u64 {
    std::env::var("HIZO_LOAD_SECONDS").ok().and_then(|seconds| seconds.parse().ok()).unwrap_or(60)
}

/// A configuration whose sweep is as fast as can be: what lies unnamed for three seconds is marked.
fn configure(folder: &Path, listen: &str) -> PathBuf {
    let (config, [certificate, key]) = (folder.join("keeper.toml"), ["keeper.pem", "keeper.key"]);
    let text = format!(
        "data = \"data\"\nlisten = {listen:?}\n\n[tls]\ncertificates = {certificate:?}\nkey = {key:?}\n\n\
         [admission]\nmode = \"open\"\n\n[sweep]\nafter_seconds = 3\npause_seconds = 1\n",
    );
    fs::write(&config, text).unwrap();
    config
}

/// As if a keeper had run for a day: what is marked is due.
fn let_a_day_pass(data: &Path) {
    let Ok(text) = fs::read_to_string(data.join("sweep")) else { return };
    let seconds = text.lines().find_map(|line| line.strip_prefix("seconds ")).unwrap();
    let later = seconds.parse::<u64>().unwrap() + DAY;
    fs::write(data.join("sweep"), text.replace(&format!("seconds {seconds}"), &format!("seconds {later}"))).unwrap();
}

fn marks(data: &Path) -> u64 {
    EmbeddedKeeper::open_embedded(data).unwrap().journal().integrity().unwrap().condemned
}

#[test]
fn a_keeper_killed_again_and_again_under_load_and_while_it_sweeps_keeps_all_that_it_acknowledged() {
    let place = tempfile::tempdir().unwrap();
    let (folder, data) = (place.path(), place.path().join("data"));
    let [root, ..] = certificates(folder);
    let mut keeper = Process::start_by(&configure(folder, "127.0.0.1:0"));
    let url = keeper.url().to_owned();
    let config = configure(folder, url.strip_prefix("https://").unwrap());
    let begin = || {
        let home = Home::unmade();
        home.ok([OsStr::new("init"), "--keeper".as_ref(), url.as_ref(), "--keeper-roots".as_ref(), root.as_os_str()]);
        home.make_cheap();
        home
    };
    let (small, large) = (begin(), begin());
    let beside = small.copy();
    let mut clients = [
        Client::new(small, "small", 1, 50_000),
        Client::new(large, "large", 2, 9 << 20),
        // A second machine with the same keys, in the same space.
        Client::new(beside, "beside", 3, 2 << 20),
    ];
    let (over, acknowledged) = (AtomicBool::new(false), AtomicUsize::new(0));
    let (mut dice, mut kills, mut marked, mut swept) = (Dice::new(20_261_126), 0, 0, 0);
    thread::scope(|scope| {
        for client in &mut clients {
            let (over, acknowledged) = (&over, &acknowledged);
            scope.spawn(move || {
                while !over.load(Ordering::Relaxed) {
                    let before = client.kept.len();
                    client.deposit();
                    acknowledged.fetch_add(client.kept.len() - before, Ordering::Relaxed);
                }
            });
        }
        let _ends = Ends(&over);
        let begun = Instant::now();
        let lasts = |times| begun.elapsed() < times * Duration::from_secs(seconds());
        while lasts(1) || lasts(10) && (kills < 5 || marked == 0 || acknowledged.load(Ordering::Relaxed) < 5) {
            thread::sleep(Duration::from_millis(200 + dice.below(2_500)));
            keeper.end("-KILL");
            (kills, marked) = (kills + 1, marked.max(marks(&data)));
            let_a_day_pass(&data);
            keeper = Process::start_by(&config);
            if dice.below(3) == 0 {
                let mut sweep = program(env!("CARGO_BIN_EXE_hizo"));
                let swept_now = said(sweep.args(["keeper", "sweep", "--json", "--config"]).arg(&config));
                assert_eq!(swept_now.code, Some(0), "{swept_now:?}");
                swept += swept_now.json()["removed"].as_u64().unwrap();
            }
        }
    });
    thread::scope(|scope| clients.iter_mut().for_each(|client| drop(scope.spawn(|| client.check()))));
    assert_eq!(keeper.end("-TERM"), Some(0));
    let count = |count: fn(&Client) -> usize| clients.iter().map(count).sum::<usize>();
    let codes: Vec<_> = clients.iter().map(|client| &client.codes).collect();
    let (kept, sealed) = (count(|client| client.kept.len()), count(|client| client.sealed.len()));
    println!(
        "{kills} kills, {kept} deposits acknowledged, {sealed} sealed meanwhile, {marked} marks at once, {swept} swept by hand; {codes:?}"
    );
    assert!(kills >= 5 && kept >= 5 && marked > 0, "too little has happened to mean anything");
    let keeper = EmbeddedKeeper::open_embedded(&data).unwrap();
    keeper.journal().integrity().unwrap();
    receipts_hold(&data, &keeper, &clients);
    heads_hold(&keeper, &clients);
    account_comes_out(&keeper);
}

/// Every receipt is signed by the keeper, for a record that stands in its log.
fn receipts_hold(data: &Path, keeper: &EmbeddedKeeper, clients: &[Client]) {
    let log = EmbeddedLog::open(data, keeper).unwrap();
    let leaves: BTreeSet<_> = leaves(keeper).iter().map(hizo_ledger::log::Leaf::to_bytes).collect();
    for client in clients {
        let receipts = client.receipts();
        for (record, bytes) in &receipts {
            let receipt = UnverifiedReceipt::parse(bytes).unwrap().verify(log.receipt_key()).unwrap();
            assert!(
                receipt.leaf.record.to_string() == *record && leaves.contains(&receipt.leaf.to_bytes()),
                "{record}"
            );
        }
        for (id, _) in &client.kept {
            assert!(receipts.contains_key(id), "there is no receipt of {id}");
        }
    }
}

/// Every head that anybody saw is one of this log.
fn heads_hold(keeper: &EmbeddedKeeper, clients: &[Client]) {
    let (mut edge, mut roots) = (Edge::default(), BTreeMap::new());
    for leaf in leaves(keeper) {
        edge.push(leaf.hash());
        roots.insert(edge.size(), edge.root());
    }
    let mut seen = 0;
    for (size, root) in clients.iter().flat_map(|client| &client.heads) {
        let encoded = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, roots[size].as_bytes());
        assert_eq!(*root, encoded, "the head of {size} leaves that was seen");
        seen += 1;
    }
    println!("{seen} heads seen, {} leaves", roots.len());
}

fn leaves(keeper: &EmbeddedKeeper) -> Vec<hizo_ledger::log::Leaf> {
    let mut leaves = Vec::new();
    loop {
        let page = keeper.journal().leaves(leaves.len() as u64, PAGE_RECORDS_MAX).unwrap();
        if page.is_empty() {
            return leaves;
        }
        leaves.extend(page);
    }
}

/// The one account pays for what the records of its spaces name, each once, and for nothing else; all of that is there.
pub(crate) fn account_comes_out(keeper: &EmbeddedKeeper) {
    let (mut bytes, mut spaces, mut unnamed) = (0, 0, 0);
    for space in keeper.spaces().unwrap() {
        if keeper.journal().account(space).unwrap() != Some(AccountId([0; 32])) {
            continue;
        }
        spaces += 1;
        let found = keeper.check(space).unwrap().unwrap();
        assert!(found.missing.is_empty() && found.damaged.is_empty(), "{found:?}");
        let mut next = 0;
        while let Some(record) = keeper.records(space, next, 1).unwrap().pop() {
            next += 1;
            let parsed = UnverifiedRecord::parse(&record.note).unwrap();
            bytes += LEAST + record.note.len() as u64 + named_cost(keeper, parsed.envelope());
        }
        let seen = keeper.inspect(space).unwrap().unwrap();
        unnamed += seen.objects.iter().filter(|object| object.is == ObjectUse::Unnamed).count();
    }
    let usage = keeper.journal().usage(AccountId([0; 32])).unwrap();
    assert_eq!((usage.bytes, usage.spaces), (bytes, spaces), "the account has drifted");
    println!("{bytes} bytes paid for in {spaces} spaces, {unnamed} orphans left");
}

/// As docs/spec/service.md has it.
fn named_cost(keeper: &EmbeddedKeeper, envelope: &Envelope) -> u64 {
    let controls = envelope.controls.iter().map(|control| match control {
        Control::Wrap { bytes, .. } => LEAST.max(*bytes),
        Control::Epoch { .. } => LEAST,
        _ => 0,
    });
    let body = envelope.body.map_or(0, |(_, bytes)| LEAST.max(bytes));
    let deposit = envelope.deposit.map_or(0, |deposit| {
        let list = keeper.object(envelope.space, deposit.objects.list).unwrap().unwrap();
        let listed = ObjectList::parse_unverified(&list).unwrap();
        let total: u64 = listed.iter().map(|(_, bytes)| bytes).sum();
        LEAST.max(74 * listed.len() as u64) + total.max(LEAST * listed.len() as u64)
    });
    controls.sum::<u64>() + body + deposit
}
