//! A keeper as an operator runs it: a process with a folder or a configuration, stopped, killed, and started again.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::Sender;

use hizo_keeper::{EmbeddedKeeper, Seeds};
use hizo_ledger::id::{Nonce, ObjectId, RecordId, SlotKeyHash, SpaceId};
use hizo_ledger::record::{ClaimedTime, Control, Envelope, Origin, UnverifiedRecord};
use hizo_ledger::session::{Session, Verbs};
use hizo_vault::keys::SigningSeed;
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use crate::kit::{Said, is_there, program, said};

/// A keeper that runs until it is dropped.
pub(crate) struct Process {
    child: Child,
    /// What it printed when it was ready.
    pub(crate) said: Value,
}

impl Process {
    pub(crate) fn start(folder: &Path) -> Self {
        Self::start_at(folder, "127.0.0.1:0")
    }

    pub(crate) fn start_at(folder: &Path, address: &str) -> Self {
        Self::start_with(&["--data", folder.to_str().unwrap(), "--listen", address], Stdio::null())
    }

    /// With a configuration file.
    pub(crate) fn start_by(config: &Path) -> Self {
        Self::start_with(&["--config", config.to_str().unwrap()], Stdio::null())
    }

    /// What it tells the operator goes to `told`: a pipe that nobody empties holds it up sooner or later.
    pub(crate) fn start_with(arguments: &[&str], told: Stdio) -> Self {
        let mut command = program(env!("CARGO_BIN_EXE_hizo"));
        command.args(["keeper", "--json"]).args(arguments);
        Self::run(&mut command, told)
    }

    /// The same by another clock, which `by` gives a program.
    pub(crate) fn start_by_clock(by: impl FnOnce(&mut Command), folder: &Path, address: &str) -> Self {
        let mut command = program(env!("CARGO_BIN_EXE_hizo"));
        by(&mut command);
        Self::run(command.args(["keeper", "--json", "--data"]).arg(folder).args(["--listen", address]), Stdio::null())
    }

    fn run(command: &mut Command, told: Stdio) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(told).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        Self { child, said: serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line:?}")) }
    }

    /// The same, which outlives an attempt to write a longer file than it may.
    pub(crate) fn start_to_be_limited(folder: &Path) -> Self {
        let mut command = program("sh");
        command.args([
            "-c",
            "trap '' XFSZ; exec \"$0\" \"$@\"",
            env!("CARGO_BIN_EXE_hizo"),
            "keeper",
            "--json",
            "--data",
        ]);
        Self::run(command.arg(folder).args(["--listen", "127.0.0.1:0"]), Stdio::null())
    }

    /// From now on it may write files of so many bytes and no longer ones; nothing where that cannot be said.
    pub(crate) fn limit_files(&self, bytes: Option<u64>) -> Option<()> {
        let bytes = bytes.map_or_else(|| "unlimited".to_owned(), |bytes| bytes.to_string());
        // The soft limit alone, so that it can be taken away again.
        let limit = format!("--fsize={bytes}:");
        let pid = self.child.id().to_string();
        let limited = is_there("prlimit").then(|| said(program("prlimit").args(["--pid", &pid, &limit])));
        limited.filter(|said| said.code == Some(0)).map(drop)
    }

    pub(crate) fn url(&self) -> &str {
        self.said["url"].as_str().unwrap()
    }

    /// The address and port of one without TLS.
    pub(crate) fn address(&self) -> String {
        self.url().strip_prefix("http://").unwrap().to_owned()
    }

    /// The first line of an answer, and all of it.
    pub(crate) fn get(&self, path: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(self.address()).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nhost: k\r\nconnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        (answer.split(' ').nth(1).unwrap().parse().unwrap(), answer)
    }

    fn signal(&self, signal: &str) {
        let pid = self.child.id().to_string();
        assert_eq!(said(program("kill").args([signal, &pid])).code, Some(0));
    }

    /// Ends it by a signal; its exit code.
    pub(crate) fn end(&mut self, signal: &str) -> Option<i32> {
        self.signal(signal);
        self.child.wait().unwrap().code()
    }

    /// Asks one whose lines go into a pipe to stop, as a system does: its exit code, and what it told the operator.
    pub(crate) fn stop(mut self) -> (Option<i32>, String) {
        self.signal("-TERM");
        let mut told = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut told).unwrap();
        (self.child.wait().unwrap().code(), told)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn check(config: &Path) -> Said {
    said(program(env!("CARGO_BIN_EXE_hizo")).args(["keeper", "--check-config"]).arg(config))
}

#[test]
fn a_folder_becomes_a_keeper_and_stays_the_same_one() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("keeper");
    let arguments = ["--data", data.to_str().unwrap(), "--listen", "127.0.0.1:0"];
    let first = Process::start_with(&arguments, Stdio::piped());
    assert_eq!(first.get("/health").0, 200);
    let (status, about) = first.get("/v1/keeper");
    assert!(status == 200 && about.contains(first.said["key"].as_str().unwrap()), "{about}");
    let said_before = first.said.clone();
    let (code, told) = first.stop();
    assert_eq!(code, Some(0), "{told}");
    let lines: Vec<Value> = told.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.first().unwrap()["event"], "the keeper answers");
    assert!(lines.iter().any(|line| line["route"] == "/health" && line["status"] == 200), "{told}");
    // Killed while it runs, and started once more.
    let mut second = Process::start(&data);
    second.child.kill().unwrap();
    second.child.wait().unwrap();
    let third = Process::start(&data);
    for field in ["origin", "key"] {
        assert_eq!(third.said[field], said_before[field]);
    }
    assert_eq!(third.get("/health").0, 200);
}

#[test]
fn nothing_goes_over_a_network_in_the_clear() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("keeper");
    for listen in ["0.0.0.0:0", "[::]:0", "192.0.2.1:80"] {
        let mut command = program(env!("CARGO_BIN_EXE_hizo"));
        let refused = said(command.args(["keeper", "--listen", listen, "--data"]).arg(&data));
        assert_eq!(refused.code, Some(1), "{refused:?}");
        assert!(refused.err.contains("without TLS") && refused.err.contains("hint: "), "{refused:?}");
    }
    assert!(!data.exists(), "a refused keeper was set up");
    for arguments in [&["keeper"][..], &["keeper", "--data", "x"], &["keeper", "--listen", "127.0.0.1:0"]] {
        assert_eq!(said(program(env!("CARGO_BIN_EXE_hizo")).args(arguments)).code, Some(2), "{arguments:?}");
    }
}

/// The fenced examples of the page.
fn examples() -> Vec<String> {
    let page = include_str!("../../../../docs/spec/keeper-config.md");
    page.split("```toml\n").skip(1).map(|rest| rest.split("```").next().unwrap().to_owned()).collect()
}

#[test]
fn a_configuration_is_checked_and_unknown_keys_are_named_with_their_line() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("keeper.toml");
    let wrong = |text: &str, says: &str| {
        fs::write(&config, text).unwrap();
        let refused = check(&config);
        assert_eq!(refused.code, Some(1), "{text}\n{refused:?}");
        assert!(refused.err.contains(says) && refused.err.contains("hint: "), "{text}\n{refused:?}");
    };
    let sound = "data = \"d\"\nlisten = \"127.0.0.1:0\"\n";
    fs::write(&config, sound).unwrap();
    assert_eq!(check(&config).code, Some(0));
    assert!(!folder.path().join("d").exists(), "checking set a keeper up");
    wrong("data = \"none/d\"\nlisten = \"127.0.0.1:0\"\n", "none can be made there");
    wrong("data = \"keeper.toml\"\nlisten = \"127.0.0.1:0\"\n", "is no folder");
    let seeds = Seeds { origin: [1; 16], log_key: Zeroizing::new([2; 32]) };
    EmbeddedKeeper::init_as(&folder.path().join("e"), &Origin::parse("a.example/1").unwrap(), &seeds).unwrap();
    let named = |origin: &str| format!("data = \"e\"\norigin = \"{origin}\"\nlisten = \"127.0.0.1:0\"\n");
    wrong(&named("b.example/1"), "is a.example/1, not b.example/1");
    fs::write(&config, named("a.example/1")).unwrap();
    assert_eq!(check(&config).code, Some(0));
    wrong(&format!("{sound}listn = 1\n"), "line 3: unknown field `listn`");
    wrong(&format!("{sound}[limits]\n\nworker = 1\n"), "line 5: unknown field `worker`");
    wrong(&format!("{sound}[limits]\nworkers = 0\n"), "`limits.workers` is at least 1");
    wrong(&format!("{sound}[limits]\nworkers = -1\n"), "line 4");
    wrong(&format!("{sound}origin = \"Keeper\"\n"), "`origin`");
    wrong(&format!("{sound}data = \"e\"\n"), "line 3");
    wrong("data = \"d\"\n", "missing field `listen`");
    wrong("data = \"d\"\nlisten = \"0.0.0.0:0\"\n", "without TLS");
    wrong(&format!("{sound}metrics = \"0.0.0.0:0\"\n"), "others would read the metrics");
    wrong(&format!("{sound}[tls]\ncertificates = \"none.pem\"\nkey = \"none.pem\"\n"), "cannot be used");
    wrong(&format!("{sound}[[admission.codes]]\nsha256 = \"AB\"\n"), "code 1");
    let code = format!("[[admission.codes]]\nsha256 = \"{}\"\n", "a".repeat(64));
    wrong(&format!("{sound}{code}{code}"), "code 2");
    wrong(&format!("{sound}[admission]\nmode = \"open\"\n{code}"), "no codes");
    wrong(&format!("{sound}[admission]\nmode = \"all\"\n"), "line 4");
    wrong(&format!("{sound}[stamps]\npause_seconds = 0\n"), "`stamps.pause_seconds` is at least 1");
    wrong(&format!("{sound}[stamps]\nauthority = \"a\"\n"), "line 4: unknown field `authority`");
    wrong(&format!("{sound}[stamps]\nauthorities = \"none\"\n"), "none");
    let list = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../vectors/timestamp/v1/lists/test");
    let asked =
        fs::read_to_string(&list).unwrap().replace("authority test\n", "authority test\nurl https://a.example/\n");
    fs::write(folder.path().join("list"), asked).unwrap();
    wrong(&format!("{sound}[stamps]\nauthorities = \"list\"\n"), "the address of test is none that is asked");
    fs::write(folder.path().join("witnesses"), "quorum W1\n").unwrap();
    wrong(&format!("{sound}[witnesses]\npolicy = \"witnesses\"\n"), "nobody can be asked to cosign by");
    let witness = "witness W1 witness.example/1+3979af4a+BOkyeRrm https://witness.example\nquorum W1\n";
    fs::write(folder.path().join("witnesses"), witness).unwrap();
    wrong(&format!("{sound}[witnesses]\npolicy = \"witnesses\"\n"), "nobody can be asked to cosign by");
    wrong(&format!("{sound}[copy]\ndirectory = \"none\"\n"), "there is no folder `copy.directory`");
    wrong(&format!("{sound}[copy]\ndirectory = \".\"\n"), "lie in each other");
    wrong(&format!("{sound}[copy]\ndirectory = \"/\"\npause_seconds = 0\n"), "`copy.pause_seconds` is at least 1");
    wrong(&format!("{sound}[scrub]\ndays = 0\n"), "`scrub.days` is at least 1");
    wrong(&"#".repeat((32 << 20) + 1), "32 MiB");
    let [whole, proxied] = &examples()[..] else { panic!("the page has two examples") };
    fs::write(&config, proxied).unwrap();
    assert_eq!(check(&config).code, Some(0));
    // The example's list of authorities and its certificates are nowhere.
    wrong(whole, "/etc/hizo/authorities");
    let whole = &whole.replace("/etc/hizo/authorities", list.to_str().unwrap());
    wrong(whole, "/etc/hizo/witnesses");
    fs::write(folder.path().join("witnesses"), "quorum none\n").unwrap();
    let whole = &whole.replace("/etc/hizo/witnesses", "witnesses");
    wrong(whole, "there is no folder `copy.directory` /mnt/second/hizo-keeper");
    let whole = &whole.replace("/mnt/second/hizo-keeper", folder.path().join("second").to_str().unwrap());
    fs::create_dir(folder.path().join("second")).unwrap();
    wrong(whole, "the certificates /etc/hizo/fullchain.pem cannot be used");
    let tls = whole.find("[tls]").unwrap()..whole.find("[admission]").unwrap();
    let clear = whole.replace(&whole[tls], "").replace("0.0.0.0:443", "127.0.0.1:0");
    fs::write(&config, clear).unwrap();
    assert_eq!(check(&config).code, Some(0));
}

#[test]
fn every_key_of_the_page_is_in_its_first_example_and_the_other_way_round() {
    let page = include_str!("../../../../docs/spec/keeper-config.md");
    let table = page.split("## Keys").nth(1).unwrap().split("## Limits").next().unwrap();
    let mut named: Vec<&str> = table.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next()).collect();
    named.retain(|key| !["admission.codes", "proxy.address"].contains(key));
    let mut prefix = String::new();
    let mut used = Vec::new();
    for line in examples()[0].lines() {
        if let Some(table) = line.strip_prefix('[') {
            prefix = format!("{}.", table.trim_matches(|letter| "[]".contains(letter)));
        } else if let Some((key, _)) = line.split_once(" = ") {
            used.push(format!("{prefix}{key}"));
        }
    }
    named.sort_unstable();
    used.sort_unstable();
    assert_eq!(named, used);
}

#[test]
fn a_configured_keeper_keeps_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("keeper.toml");
    let text = "data = \"d\"\nlisten = \"127.0.0.1:0\"\norigin = \"keeper.example.org\"\n";
    fs::write(&config, text).unwrap();
    let mut running = Process::start_by(&config);
    assert_eq!(running.said["origin"], "keeper.example.org");
    assert!(running.get("/v1/keeper").1.contains("\"admission\":\"closed\""));
    assert_eq!(running.get("/metrics").0, 200);
    assert_eq!(running.end("-TERM"), Some(0));
    fs::write(&config, text.replace("keeper.example.org", "other.example.org")).unwrap();
    let refused = said(program(env!("CARGO_BIN_EXE_hizo")).args(["keeper", "--config"]).arg(&config));
    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert!(refused.err.contains("is keeper.example.org, not other.example.org"), "{refused:?}");
}

/// A member who speaks to a keeper, and what he was promised.
struct Member {
    seed: SigningSeed,
    space: SpaceId,
    origin: Origin,
    sessions: u8,
    notes: Vec<Vec<u8>>,
    receipts: Vec<String>,
}

const SLOT_KEY: [u8; 32] = [3; 32];

impl Member {
    fn new(running: &Process) -> Self {
        let origin = Origin::parse(running.said["origin"].as_str().unwrap()).unwrap();
        let (seed, space) = (SigningSeed::from_bytes(&[5; 32]), SpaceId::from_bytes([6; 16]));
        Self { seed, space, origin, sessions: 0, notes: Vec::new(), receipts: Vec::new() }
    }

    /// Status and body; `None` when the keeper is gone.
    fn ask(address: &str, method: &str, path: &str, token: &str, body: &[u8]) -> Option<(u16, String)> {
        let mut stream = TcpStream::connect(address).ok()?;
        let head = format!(
            "{method} {path} HTTP/1.1\r\nhost: k\r\nconnection: close\r\nauthorization: Bearer {token}\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all(head.as_bytes()).ok()?;
        stream.write_all(body).ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        let (head, body) = answer.split_once("\r\n\r\n")?;
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "))?.parse::<usize>().unwrap();
        // Half an answer is none.
        (body.len() == length).then(|| (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned()))
    }

    fn token(&mut self, address: &str) -> String {
        self.sessions += 1;
        let key = self.seed.session_key(&self.space);
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
        let session = Session {
            keeper: self.origin.clone(),
            space: self.space,
            key: key.verifying_key(),
            nonce: Nonce::from_bytes([self.sessions; 16]),
            time: ClaimedTime::from_unix_seconds(now).unwrap(),
            verbs: Verbs::ReadWrite,
        };
        let note = session.note(&key.sign(session.text().as_bytes())).unwrap().replace('\n', "\\n");
        let answer = Self::ask(address, "POST", "/v1/sessions", "", format!("{{\"note\": \"{note}\"}}").as_bytes());
        let (status, body) = answer.unwrap();
        assert_eq!(status, 201, "{body}");
        serde_json::from_str::<Value>(&body).unwrap()["token"].as_str().unwrap().to_owned()
    }

    fn next(&self) -> (Vec<u8>, Vec<u8>) {
        let key = self.seed.space_key(&self.space).verifying_key();
        let number = self.notes.len() as u64;
        let body = format!("body {number}").into_bytes();
        let mut envelope = Envelope {
            keeper: self.origin.clone(),
            space: self.space,
            number,
            prev: self.notes.last().map(|note| RecordId::of(note)),
            epoch: 0,
            time: ClaimedTime::from_unix_seconds(1_800_000_000 + number).unwrap(),
            seen: None,
            body: Some((ObjectId::of(&body), body.len() as u64)),
            deposit: None,
            controls: Vec::new(),
        };
        if number == 0 {
            envelope.controls = vec![
                Control::Founder(key),
                Control::Slot(SlotKeyHash::from_bytes(Sha256::digest(SLOT_KEY).into())),
                Control::Recovery(None),
                Control::Session { member: key, session: self.seed.session_key(&self.space).verifying_key() },
                Control::Epoch { epoch: 0, recipient: ObjectId::of(&body) },
                Control::Wrap { epoch: 0, wrap: ObjectId::of(&body), bytes: body.len() as u64 },
            ];
        }
        let signature = self.seed.space_key(&self.space).sign(envelope.text().unwrap().as_bytes());
        (UnverifiedRecord::compose(&envelope, &[(key, signature)]).unwrap().note_bytes().to_vec(), body)
    }

    /// Appends until the keeper is gone, or so many times, and says so each time. Whatever was answered is remembered.
    fn append(&mut self, address: &str, times: usize, appended: &Sender<()>) {
        let token = self.token(address);
        let space = format!("/v1/spaces/{}", self.space);
        for _ in 0..times {
            let (note, body) = self.next();
            let object = format!("{space}/objects/{}", ObjectId::of(&body));
            let Some((put, _)) = Self::ask(address, "PUT", &object, &token, &body) else { return };
            assert!([200, 201].contains(&put), "{put}");
            let kept = if self.notes.is_empty() {
                let text = String::from_utf8(note.clone()).unwrap().replace('\n', "\\n");
                let slot_key = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, SLOT_KEY);
                let begin = format!("{{\"note\": \"{text}\", \"slot_key\": \"{slot_key}\"}}");
                Self::ask(address, "POST", &space, &token, begin.as_bytes())
            } else {
                Self::ask(address, "POST", &format!("{space}/records"), &token, &note)
            };
            let Some((status, receipt)) = kept else { return };
            // What the death before left unanswered is there or not: the same note has the same answer.
            assert!([200, 201].contains(&status), "{status} {receipt}");
            self.notes.push(note);
            self.receipts.push(receipt);
            // Nobody may listen any more.
            let _ = appended.send(());
        }
    }

    /// Everything that was answered is there, and promised as before.
    fn check(&mut self, address: &str) {
        let token = self.token(address);
        let records = format!("/v1/spaces/{}/records", self.space);
        let (status, page) = Self::ask(address, "GET", &records, &token, b"").unwrap();
        assert_eq!(status, 200);
        let answered: String = self.notes.iter().map(|note| std::str::from_utf8(note).unwrap()).collect();
        assert!(page.starts_with(&answered), "a record that was answered is gone");
        for (number, receipt) in self.receipts.iter().enumerate() {
            let told = Self::ask(address, "GET", &format!("{records}/{number}/receipt"), &token, b"").unwrap();
            assert_eq!(&told, &(200, receipt.clone()), "the receipt of record {number}");
        }
    }
}

#[test]
fn a_keeper_that_is_killed_under_load_keeps_what_it_answered() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("keeper");
    let mut running = Process::start(&data);
    let mut member = Member::new(&running);
    let mut random = hizo_store::simulated::Random(20_261_126);
    for round in 0..6 {
        let address = running.said["url"].as_str().unwrap().strip_prefix("http://").unwrap().to_owned();
        // After so many answers the process is no more, wherever it is then.
        let child = running.child.id().to_string();
        let after = random.below(12) + 1;
        let before = member.notes.len();
        std::thread::scope(|scope| {
            let (appended, told) = std::sync::mpsc::channel();
            let member = &mut member;
            scope.spawn(move || member.append(&address, 1_000, &appended));
            told.iter().take(after).for_each(drop);
            assert_eq!(said(program("kill").args(["-KILL", &child])).code, Some(0));
        });
        assert!(member.notes.len() >= before + after, "round {round}");
        running.child.wait().unwrap();
        running = Process::start(&data);
        let address = running.said["url"].as_str().unwrap().strip_prefix("http://").unwrap();
        member.check(address);
    }
}
