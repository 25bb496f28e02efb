//! Witnesses as people run them: processes that are asked by a keeper, stopped, killed, and shown another history.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::thread;
use std::time::Duration;

use hizo_keeper::log::{LogSigner, Sequencer};
use hizo_ledger::id::SpaceId;
use hizo_ledger::log::checkpoint::UnverifiedCheckpoint;
use hizo_ledger::log::policy::Policy;
use hizo_ledger::log::proof::InclusionProof;
use hizo_ledger::log::tile::{self, Kind, Tile};
use hizo_ledger::log::tree::Edge;
use hizo_ledger::log::witness::AddCheckpoint;
use hizo_ledger::record::Origin;
use hizo_store::Journal as _;
use hizo_store::disk::SystemDisk;
use hizo_store::journal::{Entry, SqliteJournal};
use hizo_store::published::PublishedFiles;
use hizo_store::simulated::{MemoryJournal, Random, SimulatedDisk};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::keeper;
use crate::kit::{Home, Said, copy_tree, hex, program, said};

/// A witness that runs until it is dropped.
pub(crate) struct Process {
    child: Child,
    /// What it printed when it was ready.
    pub(crate) said: Value,
}

impl Process {
    pub(crate) fn start(folder: &Path) -> Self {
        Self::start_at(folder, "127.0.0.1:0")
    }

    fn start_at(folder: &Path, address: &str) -> Self {
        let mut command = program(env!("CARGO_BIN_EXE_hizo"));
        command.args(["witness", "run", "--json", "--listen", address, "--dir"]).arg(folder);
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        Self { child, said: serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line:?}")) }
    }

    fn address(&self) -> String {
        self.said["url"].as_str().unwrap().strip_prefix("http://").unwrap().to_owned()
    }

    /// Asks it to stop, as a system does; its exit code.
    fn stop(mut self) -> Option<i32> {
        let pid = self.child.id().to_string();
        assert_eq!(said(program("kill").args(["-TERM", &pid])).code, Some(0));
        self.child.wait().unwrap().code()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn witness(arguments: &[&str], folder: &Path) -> Said {
    let mut command = program(env!("CARGO_BIN_EXE_hizo"));
    said(command.arg("witness").args(arguments).arg("--dir").arg(folder))
}

/// A safe, and three witnesses who know its log.
struct Scene {
    home: Home,
    folder: PathBuf,
    witnesses: Vec<PathBuf>,
}

impl Scene {
    fn new() -> Self {
        let home = Home::new();
        let folder = home.beside("moulds");
        fs::write(folder.join("KX-204.dxf"), "0\nSECTION\n").unwrap();
        let key = home.ok(["log", "-q"]).out.trim().to_owned();
        let witnesses: Vec<_> = (1..=3).map(|number| home.folder.path().join(format!("w{number}"))).collect();
        for (number, folder) in (1..).zip(&witnesses) {
            let made = witness(&["init", "--name", &format!("witness.example/{number}"), "-q"], folder);
            assert_eq!((made.code, made.out.lines().count()), (Some(0), 2), "{made:?}");
            let added = witness(&["add", &key], folder);
            assert_eq!(added.code, Some(0), "{added:?}");
        }
        Self { home, folder, witnesses }
    }

    fn start(&self) -> Vec<Process> {
        self.witnesses.iter().map(|folder| Process::start(folder)).collect()
    }

    /// Two of the three must cosign.
    fn ask(&self, running: &[Process]) {
        let line = |(number, process): (i32, &Process)| {
            let (key, url) = (process.said["keys"][0].as_str().unwrap(), process.said["url"].as_str().unwrap());
            format!("witness W{number} {key} {url}\n")
        };
        let lines: String = (1..).zip(running).map(line).collect();
        let file = self.home.folder.path().join("asked");
        fs::write(&file, format!("{lines}group two 2 W1 W2 W3\nquorum two\n")).unwrap();
        self.home.ok(["log", "policy", file.to_str().unwrap()]);
    }

    fn deposit(&self) -> Said {
        self.home.run(["deposit", self.folder.to_str().unwrap(), "--series", "moulds"])
    }

    fn log(&self) -> Value {
        self.home.ok(["log", "--json"]).json()
    }
}

#[test]
fn deposits_are_witnessed_and_a_stranger_with_the_policy_sees_the_quorum() {
    let scene = Scene::new();
    let running = scene.start();
    assert_eq!(scene.log()["witnessed"], Value::Null);
    assert!(scene.home.ok(["log"]).out.contains("no witness: "));
    scene.ask(&running);
    let kept = scene.deposit();
    assert_eq!((kept.code, kept.err.as_str()), (Some(0), ""), "{kept:?}");
    let log = scene.log();
    assert_eq!(log["witnessed"], true, "{log:#}");
    let sizes: Vec<_> = log["witnesses"].as_array().unwrap().iter().map(|one| &one["cosigned"]["size"]).collect();
    assert_eq!(sizes, [&log["size"]; 3]);

    let at = |name: &str| scene.home.folder.path().join(name).to_str().unwrap().to_owned();
    let (proof, policy) = (at("proof"), at("policy"));
    fs::write(&policy, scene.home.ok(["log", "policy"]).out).unwrap();
    scene.home.ok(["proof", "latest:moulds", "--to", &proof]);
    let checked = scene.home.run(["verify", &proof, "--policy", &policy, "--json"]).json();
    assert_eq!(checked["doubts"], serde_json::json!(["self-stamped"]), "{checked:#}");
    let steps = checked["steps"].as_array().unwrap();
    let of = |name: &str| steps.iter().find(|step| step["step"] == name).unwrap();
    assert_eq!(of("checkpoint")["outcome"], "holds", "{checked:#}");
    assert!(of("checkpoint")["said"].as_str().unwrap().contains("W3"), "{checked:#}");
    assert_eq!(of("stamped")["outcome"], "holds", "the stamped checkpoint has the same text");
    let plain = fs::read_to_string(Path::new(&proof).join("checkpoint")).unwrap();
    assert!(!plain.contains("witness.example"), "stamps are over the log's own bytes");
    assert!(fs::read_to_string(Path::new(&proof).join("record.tlog-proof")).unwrap().contains("— witness.example/3 "));
    // What the bundle's page says to write down asks for the same quorum, and tells no address.
    let page = fs::read_to_string(Path::new(&proof).join("README.md")).unwrap();
    let (_, policy) = page.split_once("cat > policy <<'END'\n").unwrap();
    let (policy, _) = policy.split_once("\nEND\n").unwrap();
    assert!(policy.ends_with("quorum two") && !policy.contains("http"), "{policy}");
    let cosigned = fs::read(Path::new(&proof).join("record.tlog-proof")).unwrap();
    let cosigned = InclusionProof::parse(&cosigned).unwrap().checkpoint;
    let policy = Policy::parse(policy.as_bytes()).unwrap();
    assert_eq!(policy.check(&UnverifiedCheckpoint::parse(&cosigned).unwrap()).unwrap().witnesses.len(), 3);
}

#[test]
fn a_deposit_never_waits_for_witnesses_to_come_back_and_the_next_one_asks_again() {
    let scene = Scene::new();
    let mut running = scene.start();
    scene.ask(&running);
    scene.deposit();
    let address = running[0].address();
    let (second, first) = (running.remove(1), running.remove(0));
    assert_eq!(first.stop(), Some(0));
    let kept = scene.deposit();
    assert_eq!((kept.code, kept.err.as_str()), (Some(0), ""), "two are enough: {kept:?}");
    assert_eq!(second.stop(), Some(0));
    let kept = scene.deposit();
    assert_eq!(kept.code, Some(0), "{kept:?}");
    assert!(kept.err.contains("not witnessed yet: W1, W2 did not cosign"), "{kept:?}");
    assert_eq!(scene.log()["witnessed"], false);
    // The proof asks again, without a new record.
    let again = Process::start_at(&scene.witnesses[0], &address);
    let proof = scene.home.folder.path().join("proof");
    let made = scene.home.ok(["proof", "latest:moulds", "--to", proof.to_str().unwrap()]);
    assert!(made.err.is_empty(), "{made:?}");
    assert_eq!(scene.log()["witnessed"], true);
    drop((again, running));
}

#[test]
fn a15_a_safe_put_back_whole_is_caught_by_its_witnesses_and_nothing_is_signed() {
    let scene = Scene::new();
    let running = scene.start();
    scene.ask(&running);
    scene.deposit();
    // The whole home: what this machine remembers is put back too.
    let old = scene.home.folder.path().join("old");
    copy_tree(&scene.home.path, &old);
    scene.deposit();
    let newest = scene.log()["size"].as_u64().unwrap();
    fs::remove_dir_all(&scene.home.path).unwrap();
    copy_tree(&old, &scene.home.path);
    let before = fs::read(scene.home.path.join("keeper/log/checkpoint")).unwrap();
    let told = scene.deposit();
    assert_eq!(told.code, Some(5), "{told:?}");
    assert!(told.err.contains(&format!("it has seen a head of {newest} leaves")), "{told:?}");
    assert_eq!(fs::read(scene.home.path.join("keeper/log/checkpoint")).unwrap(), before, "a head was signed");
    // It is kept and listed, and its promise cannot be met: that is said with every list.
    let listed = scene.home.run(["list", "--json"]);
    assert_eq!(listed.code, Some(5), "{listed:?}");
    assert_eq!(listed.json()["series"][0]["deposits"].as_array().unwrap().len(), 2, "what was deposited is kept");
    drop(running);
}

#[test]
fn a15_a_keeper_put_back_whole_tells_its_operator_which_witness_has_seen_more() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let config = at("keeper.toml");
    let plain = "data = \"data\"\nlisten = \"127.0.0.1:0\"\n[admission]\nmode = \"open\"\n";
    fs::write(&config, plain).unwrap();
    let mut keeper = keeper::Process::start_by(&config);
    let key = keeper.said["key"].as_str().unwrap().to_owned();
    let (address, home) = (keeper.address(), Home::unmade());
    home.ok(["init", "--keeper", keeper.url()]);
    assert_eq!(keeper.end("-TERM"), Some(0));

    let made = witness(&["init", "--name", "witness.example/1", "-q"], &at("witness"));
    assert_eq!(made.code, Some(0), "{made:?}");
    assert_eq!(witness(&["add", &key], &at("witness")).code, Some(0));
    let running = Process::start(&at("witness"));
    let said = running.said.clone();
    let (witness_key, url) = (said["keys"][0].as_str().unwrap(), said["url"].as_str().unwrap());
    fs::write(at("policy"), format!("witness W1 {witness_key} {url}\nquorum W1\n")).unwrap();
    let plain = plain.replace("127.0.0.1:0", &address);
    fs::write(&config, format!("{plain}[witnesses]\npolicy = \"policy\"\n")).unwrap();
    // Whether a line of the witness is kept under the newest head.
    let cosigned = || {
        let head = |note: &[u8]| UnverifiedCheckpoint::parse(note).unwrap().claimed().text();
        let newest = head(&fs::read(at("data").join("log/checkpoint")).unwrap());
        let kept = fs::read_dir(at("data").join("log/cosigned")).into_iter().flatten();
        kept.map(|of| fs::read(of.unwrap().path().join("last")).unwrap()).any(|note| head(&note) == newest)
    };
    let moulds = home.beside("moulds");
    fs::write(moulds.join("KX-204.dxf"), "0\nSECTION\n").unwrap();
    let mut keeper = keeper::Process::start_by(&config);
    home.deposit(&moulds, "moulds");
    assert_eq!(keeper.end("-TERM"), Some(0));
    assert!(cosigned(), "the witness that the configuration names has not cosigned");
    // One that is away holds nothing up, and is named.
    assert_eq!(running.stop(), Some(0));
    let mut keeper = keeper::Process::start_by(&config);
    home.deposit(&moulds, "moulds");
    let health = keeper.get("/health");
    assert!(health.0 == 200 && health.1.contains("\nno cosignature by W1: asked "), "{health:?}");
    let metrics = keeper.get("/metrics").1;
    assert!(metrics.contains("\nhizo_witness_size{witness=\"W1\"} 0\n"), "{metrics}");
    assert!(!metrics.contains("\nhizo_witness_silences_total{witness=\"W1\"} 0\n"), "{metrics}");
    assert_eq!(keeper.end("-TERM"), Some(0));
    let running = Process::start_at(&at("witness"), url.strip_prefix("http://").unwrap());
    copy_tree(&at("data"), &at("old"));

    // What the configuration named once is asked after it is gone from there, too.
    fs::write(&config, plain).unwrap();
    let mut keeper = keeper::Process::start_by(&config);
    home.deposit(&moulds, "moulds");
    assert_eq!(keeper.end("-TERM"), Some(0));
    assert!(cosigned(), "the witness that was named before has not cosigned");
    fs::remove_dir_all(at("data")).unwrap();
    copy_tree(&at("old"), &at("data"));
    let before = fs::read(at("data").join("log/checkpoint")).unwrap();
    let keeper = keeper::Process::start_with(&["--config", config.to_str().unwrap()], Stdio::piped());
    // Another company, whose machine has seen nothing yet.
    let other = Home::unmade();
    other.run(["init", "--keeper", keeper.url()]);
    let (code, told) = keeper.stop();
    assert_eq!(code, Some(0), "{told}");
    let line = told.lines().find(|line| line.contains("the log was not published")).unwrap_or_else(|| panic!("{told}"));
    assert!(line.contains("\"cause\":\"Witness W1: it has seen a head of "), "{line}");
    assert_eq!(fs::read(at("data").join("log/checkpoint")).unwrap(), before, "a head was signed");
    drop(running);
}

#[test]
fn an_exported_log_is_the_tree_of_its_leaves_under_a_cosigned_head() {
    let scene = Scene::new();
    let running = scene.start();
    scene.ask(&running);
    (0..3).for_each(|_| drop(scene.deposit()));
    let proof = scene.home.folder.path().join("proof");
    scene.home.ok(["proof", "latest:moulds", "--to", proof.to_str().unwrap()]);
    let to = scene.home.folder.path().join("log");
    let told = scene.home.ok(["log", "export", "--to", to.to_str().unwrap(), "--json"]).json();
    // As a stranger reads it, who has the policy and nothing else.
    let policy = Policy::parse(scene.home.ok(["log", "policy"]).out.as_bytes()).unwrap();
    let checkpoint = fs::read(to.join("checkpoint")).unwrap();
    let witnessed = policy.check(&UnverifiedCheckpoint::parse(&checkpoint).unwrap()).unwrap();
    assert_eq!(witnessed.witnesses.len(), 3);
    let size = witnessed.checkpoint.size;
    assert_eq!(told["size"], size);
    let entries = Tile::of(Kind::Entries, 0, size).unwrap();
    let leaves = tile::leaves(entries, &fs::read(to.join(entries.path())).unwrap()).unwrap();
    let mut edge = Edge::default();
    leaves.iter().for_each(|leaf| edge.push(leaf.hash()));
    assert_eq!((edge.size(), edge.root()), (size, witnessed.checkpoint.root));
    let row = Tile::of(Kind::Hashes(0), 0, size).unwrap();
    let hashes: Vec<_> = leaves.iter().map(|leaf| leaf.hash()).collect();
    assert_eq!(fs::read(to.join(row.path())).unwrap(), tile::from_hashes(&hashes));
    // The head that was stamped came before the record of its stamp.
    let stamped = fs::read(proof.join("checkpoint")).unwrap();
    let head = UnverifiedCheckpoint::parse(&stamped).unwrap().claimed().size;
    let stamps = to.join("stamps").join(head.to_string()).join(hex(&Sha256::digest(&stamped)));
    assert!(stamps.join("self.tsr").is_file());
    assert_eq!(fs::read(stamps.join("checkpoint")).unwrap(), stamped);
    scene.home.fails(1, "is not empty", ["log", "export", "--to", to.to_str().unwrap()]);
}

/// Publishes another log of this keeper, under its own key, in place of the one that it has.
fn show_another_log(home: &Home, journal: &MemoryJournal) {
    show_another_log_in(&home.path.join("keeper"), home, journal);
}

/// The same of the keeper of a home, which has its data there.
pub(crate) fn show_another_log_in(keeper: &Path, home: &Home, journal: &MemoryJournal) {
    let safe: Value = serde_json::from_slice(&fs::read(home.path.join("safe.json")).unwrap()).unwrap();
    let seed = fs::read_to_string(keeper.join("log.key")).unwrap();
    let seed = *hizo_ledger::id::ObjectId::from_hex(seed.trim()).unwrap().as_bytes();
    let signer = LogSigner::new(Origin::parse(safe["keeper"].as_str().unwrap()).unwrap(), &seed).unwrap();
    fs::remove_dir_all(keeper.join("log")).unwrap();
    let files = PublishedFiles::open(SystemDisk, &keeper.join("log")).unwrap();
    Sequencer::new(files, signer).publish(journal, 1_809_335_564).unwrap();
}

#[test]
fn a16_a_member_finds_two_versions_of_one_record_in_the_log() {
    let scene = Scene::new();
    (0..2).for_each(|_| drop(scene.deposit()));
    scene.home.ok(["check"]);
    let safe: Value = serde_json::from_slice(&fs::read(scene.home.path.join("safe.json")).unwrap()).unwrap();
    let space = SpaceId::from_hex(safe["space"].as_str().unwrap()).unwrap();
    let real = SqliteJournal::open(&scene.home.path.join("keeper/journal.sqlite")).unwrap();
    let slot_key = real.slot_key(space).unwrap().unwrap();
    let notes: Vec<Vec<u8>> = real.records(space, 0, 100).unwrap().into_iter().map(|record| record.note).collect();
    // The same place twice: for this member, and for somebody else to whom another record 1 is shown. Or once, and the
    // other record alone.
    for both in [true, false] {
        let journal = MemoryJournal::beside(&SimulatedDisk::new(512));
        let append = |space: SpaceId, note: &[u8]| {
            let expected = journal.head(space).unwrap();
            let slot_key = expected.is_none().then_some(&slot_key);
            journal.append(Entry { space, expected, note, objects: &[], slot_key, kept: 1, charge: None }).unwrap();
        };
        for (number, note) in notes.iter().enumerate() {
            if both {
                append(space, note);
            }
            let other = if number == 1 { b"another record 1\n".to_vec() } else { note.clone() };
            append(SpaceId::from_bytes([9; 16]), &other);
        }
        show_another_log(&scene.home, &journal);
        let told = scene.home.run(["check"]);
        assert_eq!(told.code, Some(3), "{told:?}");
        assert!(told.out.contains("two histories") || told.err.contains("two histories"), "{told:?}");
    }
}

#[test]
fn a_witness_runs_alone_on_its_folder_and_says_what_is_wrong() {
    let scene = Scene::new();
    let folder = &scene.witnesses[0];
    let first = Process::start(folder);
    let second = witness(&["run", "--listen", "127.0.0.1:0"], folder);
    assert_eq!(second.code, Some(1), "{second:?}");
    assert!(second.err.contains("another process runs the witness"), "{second:?}");
    let taken = witness(&["run", "--listen", &first.address()], &scene.witnesses[1]);
    assert_eq!((taken.code, taken.err.contains("cannot listen at")), (Some(1), true), "{taken:?}");
    assert_eq!(first.stop(), Some(0));
    drop(Process::start(folder));
    for (code, arguments) in [
        (1, &["init", "--name", "witness.example/other"][..]),
        (2, &["init", "--name", "a name"]),
        (1, &["add", "hello"]),
        (2, &["run", "--listen", "somewhere"]),
    ] {
        let told = witness(arguments, folder);
        assert_eq!(told.code, Some(code), "{arguments:?}: {told:?}");
    }
    let nowhere = witness(&["run", "--listen", "127.0.0.1:0"], &scene.home.folder.path().join("nowhere"));
    assert_eq!((nowhere.code, nowhere.err.contains("hizo witness init")), (Some(1), true), "{nowhere:?}");
}

/// Sends a request, and gives status and body if a whole answer came.
fn ask(address: &str, method: &str, path: &str, body: &[u8]) -> Option<(u16, String)> {
    let mut stream = TcpStream::connect(address).ok()?;
    let head =
        format!("{method} {path} HTTP/1.1\r\nhost: w\r\nconnection: close\r\ncontent-length: {}\r\n\r\n", body.len());
    stream.write_all(&[head.as_bytes(), body].concat()).ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    let length: usize = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok())?;
    (body.len() == length).then(|| (status, body.to_owned()))
}

#[test]
fn a_witness_killed_at_any_moment_remembers_what_it_has_answered() {
    const KILLS: u64 = 25;
    let origin = Origin::parse("keeper.example").unwrap();
    let signer = LogSigner::new(origin.clone(), &[1; 32]).unwrap();
    let key = signer.keys()[0].to_string();
    let disk = SimulatedDisk::new(512);
    let journal = MemoryJournal::beside(&disk);
    let log = Sequencer::new(PublishedFiles::open(disk, Path::new("/log")).unwrap(), signer);
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().join("witness");
    assert_eq!(witness(&["init", "--name", "witness.example/1"], &folder).code, Some(0));
    assert_eq!(witness(&["add", &key], &folder).code, Some(0));
    let hash: String = Sha256::digest(origin.as_str()).iter().map(|byte| format!("{byte:02x}")).collect();
    let grow = |size: u64| {
        let space = SpaceId::from_bytes([1; 16]);
        let expected = journal.head(space).unwrap();
        let slot_key = expected.is_none().then_some(&[1; 32]);
        let note = format!("record {size}\n");
        journal
            .append(Entry { space, expected, note: note.as_bytes(), objects: &[], slot_key, kept: 1, charge: None })
            .unwrap();
        log.publish(&journal, 1).unwrap();
    };
    let mut random = Random(20_261_125);
    let (mut size, mut answered, mut kills, mut between) = (0_u64, 0, 0, 0);
    while kills < KILLS {
        let process = Process::start(&folder);
        let address = process.address();
        // What it remembers is at least what it has answered, and at most what it was asked.
        let remembered = match ask(&address, "GET", &format!("/{hash}/checkpoint"), b"").unwrap() {
            (404, _) => 0,
            (_, note) => UnverifiedCheckpoint::parse(note.as_bytes()).unwrap().claimed().size,
        };
        assert!(remembered >= answered && remembered <= size, "{answered} was answered, {remembered} is remembered");
        between += u64::from(remembered > answered);
        let mut old = remembered;
        let moment = Duration::from_micros(random.next() % 30_000);
        let killer = thread::spawn(move || {
            thread::sleep(moment);
            drop(process);
        });
        loop {
            size += 1;
            grow(size);
            let path = log.log().consistency(old, size).unwrap().unwrap_or_default();
            let request = AddCheckpoint { old, path, checkpoint: log.log().checkpoint().unwrap().unwrap() }.to_bytes();
            match ask(&address, "POST", "/add-checkpoint", &request) {
                Some((200, _)) => (answered, old) = (size, size),
                Some(other) => panic!("{other:?}"),
                None => break,
            }
        }
        killer.join().unwrap();
        kills += 1;
    }
    println!("{kills} kills, {size} requests, {between} times cut between memory and answer");
}
