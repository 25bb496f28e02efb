//! A service on loopback over a keeper in a passing folder, and clients that speak plain bytes to it.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::Signer as _;
use hizo_keeper::service::{
    Admission, Certificates, Limits, Listening, Rate, Scrubbing, Settings, Stamping, Sweeping, serve,
};
use hizo_keeper::{EmbeddedKeeper, EmbeddedLog, Seeds};
use hizo_ledger::id::{Nonce, SpaceId};
use hizo_ledger::record::{ClaimedTime, Control, Envelope, Origin, Role, UnverifiedRecord};
use hizo_ledger::session::{Session, Verbs};
use hizo_ledger::space::Chain;
use hizo_store::NamedBytes;
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;
use tokio::sync::oneshot;
use zeroize::Zeroizing;

use crate::kit::{Company, Draft, key, secret, sign};

/// A service that runs.
pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    pub(crate) origin: Origin,
    pub(crate) own_space: SpaceId,
    pub(crate) lines: Arc<Mutex<Vec<String>>>,
    /// Added to the system's time.
    pub(crate) ahead: Arc<AtomicU64>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<std::io::Result<()>>>,
    folder: Option<TempDir>,
}

pub(crate) fn settings() -> Settings {
    Settings {
        limits: Limits { publish_pause: Duration::from_millis(1), ..Limits::default() },
        admission: Admission::Open(1 << 40),
        proxy: None,
        addresses: false,
        metrics: true,
        stamping: Stamping { authorities: Vec::new(), own: None, by_itself: false, pause: Duration::from_secs(1) },
        data: PathBuf::new(),
        copying: None,
        scrubbing: Scrubbing { period: Duration::from_secs(60 * 60), bytes_per_second: 1 << 30 },
        sweeping: Sweeping {
            after: Duration::from_secs(60 * 60),
            pause: Duration::from_secs(60),
            names_per_second: 1 << 30,
        },
        lines: Box::new(|_| {}),
        clock: Box::new(system_time),
        random: Box::new(|| [0; 32]),
    }
}

/// The same for whoever asks again and again: nobody is sent away for it.
pub(crate) fn unhurried() -> Settings {
    let rate = Rate { per_second: 1_000_000, burst: 1_000_000 };
    let limits = Limits { rate_of_address: rate, starts_of_address: rate, rate_of_token: rate, ..settings().limits };
    Settings { limits, ..settings() }
}

pub(crate) fn system_time() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

impl Running {
    pub(crate) fn start() -> Self {
        Self::start_with(settings())
    }

    pub(crate) fn start_with(settings: Settings) -> Self {
        Self::start_in(tempfile::tempdir().unwrap(), settings)
    }

    pub(crate) fn start_in(folder: TempDir, settings: Settings) -> Self {
        Self::start_as(folder, settings, None)
    }

    pub(crate) fn start_as(folder: TempDir, mut settings: Settings, certificates: Option<Arc<Certificates>>) -> Self {
        let seeds = Seeds { origin: [7; 16], log_key: Zeroizing::new([9; 32]) };
        let keeper = EmbeddedKeeper::init_embedded(&folder.path().join("keeper"), &seeds).unwrap();
        let log = EmbeddedLog::open(&folder.path().join("keeper"), &keeper).unwrap();
        settings.data = folder.path().join("keeper");
        let (origin, own_space) = (keeper.origin().clone(), log.own().id());
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (lines, ahead) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicU64::new(0)));
        let (written, clock) = (Arc::clone(&lines), Arc::clone(&ahead));
        settings.lines = Box::new(move |line| written.lock().unwrap().push(line.to_owned()));
        let (read, been_read) = mpsc::sync_channel(1);
        settings.clock = Box::new(move || {
            let time = system_time() + clock.load(Ordering::Relaxed);
            let _ = read.try_send(());
            time
        });
        let drawn = AtomicU64::new(0);
        settings.random =
            Box::new(move || Sha256::digest(format!("token {}", drawn.fetch_add(1, Ordering::Relaxed))).into());
        let (stop, stopped) = oneshot::channel();
        let listening = Listening { listener, certificates, metrics: None };
        let thread = thread::spawn(move || serve(listening, keeper, log, settings, async { drop(stopped.await) }));
        let (stop, thread, folder) = (Some(stop), Some(thread), Some(folder));
        // Its sessions begin at the first time that it reads: no note from then on is one from before (`JustBegun`).
        been_read.recv().unwrap();
        Self { address, origin, own_space, lines, ahead, stop, thread, folder }
    }

    /// Stops it as a signal does, and gives its folder back.
    pub(crate) fn stop(mut self) -> TempDir {
        self.end();
        self.folder.take().unwrap()
    }

    fn end(&mut self) {
        if let (Some(stop), Some(thread)) = (self.stop.take(), self.thread.take()) {
            drop(stop);
            thread.join().unwrap().unwrap();
        }
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.as_ref().unwrap().path()
    }

    pub(crate) fn ask(&self, method: &str, path: &str, token: Option<&str>, body: &[u8]) -> Answer {
        let token: Vec<(&str, String)> =
            token.map(|token| ("authorization", format!("Bearer {token}"))).into_iter().collect();
        self.ask_with(method, path, &token, body)
    }

    pub(crate) fn ask_with(&self, method: &str, path: &str, headers: &[(&str, String)], body: &[u8]) -> Answer {
        let mut request =
            format!("{method} {path} HTTP/1.1\r\nhost: k\r\nconnection: close\r\ncontent-length: {}\r\n", body.len());
        headers.iter().for_each(|(name, value)| request += &format!("{name}: {value}\r\n"));
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.write_all(format!("{request}\r\n").as_bytes()).unwrap();
        // Who is refused early may be hung up on.
        let _ = stream.write_all(body);
        Answer::read(stream)
    }

    /// A session note of this moment, by somebody's session key.
    pub(crate) fn note(&self, space: SpaceId, who: &str, nonce: u8, verbs: Verbs) -> Session {
        Session {
            keeper: self.origin.clone(),
            space,
            key: key(&format!("{who}, session")),
            nonce: Nonce::from_bytes(Sha256::digest(format!("{nonce} in {space}"))[..16].try_into().unwrap()),
            time: ClaimedTime::from_unix_seconds(system_time() + self.ahead.load(Ordering::Relaxed)).unwrap(),
            verbs,
        }
    }

    pub(crate) fn send(&self, session: &Session, who: &str) -> Answer {
        self.send_note(&signed(session, who), None)
    }

    pub(crate) fn send_note(&self, note: &str, code: Option<&str>) -> Answer {
        let code = code.map_or_else(String::new, |code| format!(", \"admission\": \"{code}\""));
        let body = format!("{{\"note\": \"{}\"{code}}}", note.replace('\n', "\\n"));
        self.ask("POST", "/v1/sessions", None, body.as_bytes())
    }

    /// A token for this space, by a note that was never used.
    pub(crate) fn token(&self, space: SpaceId, who: &str, nonce: u8, verbs: Verbs) -> String {
        let answer = self.send(&self.note(space, who, nonce, verbs), who);
        answer.is(201);
        token_in(&answer)
    }

    /// One of the counts that the operator reads.
    pub(crate) fn metric(&self, name: &str) -> u64 {
        let metrics = self.ask("GET", "/metrics", None, b"");
        let line = metrics.text().lines().find(|line| line.starts_with(&format!("{name} "))).unwrap().to_owned();
        line.split(' ').nth(1).unwrap().parse().unwrap()
    }

    pub(crate) fn put(&self, space: SpaceId, token: &str, object: &NamedBytes) -> Answer {
        self.ask("PUT", &format!("/v1/spaces/{space}/objects/{}", object.id()), Some(token), object.as_bytes())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if !thread::panicking() {
            self.end();
        }
    }
}

/// As long as a test waits for something that must come.
pub(crate) const LONG: Duration = Duration::from_secs(120);

#[track_caller]
pub(crate) fn soon(what: &str, mut is_so: impl FnMut() -> bool) {
    let until = Instant::now() + LONG;
    while !is_so() {
        assert!(Instant::now() < until, "{what}");
        thread::yield_now();
    }
}

pub(crate) fn token_in(answer: &Answer) -> String {
    let text = answer.text();
    text.split("\"token\":\"").nth(1).unwrap().split('"').next().unwrap().to_owned()
}

pub(crate) fn signed(session: &Session, who: &str) -> String {
    session.note(&secret(&format!("{who}, session")).sign(session.text().as_bytes()).to_bytes()).unwrap()
}

/// The line by which somebody names a session key.
pub(crate) fn session(who: &str) -> Control {
    Control::Session { member: key(who), session: key(&format!("{who}, session")) }
}

/// A space that has begun over HTTP, with `owner` as admin and `machine` as writer, and tokens of both.
pub(crate) struct Begun {
    pub(crate) company: Company,
    pub(crate) owner: String,
    pub(crate) machine: String,
}

pub(crate) fn genesis(company: &Company) -> Draft {
    company.genesis_with(&[session("owner"), session("machine")])
}

pub(crate) fn begin(running: &Running, company: &Company, token: &str, draft: &Draft) -> Answer {
    for object in &draft.objects {
        running.put(company.space, token, object).is_one_of(&[200, 201]);
    }
    let note = String::from_utf8(draft.note.clone()).unwrap().replace('\n', "\\n");
    let body = format!("{{\"note\": \"{note}\", \"slot_key\": \"{}\"}}", STANDARD.encode(company.slot_key));
    running.ask("POST", &format!("/v1/spaces/{}", company.space), Some(token), body.as_bytes())
}

impl Begun {
    pub(crate) fn new(running: &Running, name: &str) -> Self {
        let mut company = Company::new(name, &running.origin);
        let owner = running.token(company.space, "owner", 1, Verbs::ReadWrite);
        let draft = genesis(&company);
        begin(running, &company, &owner, &draft).is(201);
        company.chain = Some(Chain::begin(UnverifiedRecord::parse(&draft.note).unwrap()).unwrap().0);
        let machine = running.token(company.space, "machine", 2, Verbs::ReadWrite);
        Self { company, owner, machine }
    }

    pub(crate) fn space(&self) -> SpaceId {
        self.company.space
    }

    pub(crate) fn records(&self) -> String {
        format!("/v1/spaces/{}/records", self.space())
    }

    /// Puts and appends, and follows what was kept.
    pub(crate) fn keep(&mut self, running: &Running, token: &str, draft: &Draft) -> Answer {
        for object in &draft.objects {
            running.put(self.space(), token, object).is_one_of(&[200, 201]);
        }
        let answer = running.ask("POST", &self.records(), Some(token), &draft.note);
        if answer.status == 201 {
            self.company.chain.as_mut().unwrap().append(UnverifiedRecord::parse(&draft.note).unwrap()).unwrap();
        }
        answer
    }

    /// A record of control lines, with what a new epoch needs if it removes somebody.
    pub(crate) fn control(&self, controls: &[Control]) -> Draft {
        let mut objects = Vec::new();
        let mut envelope = Envelope { controls: controls.to_vec(), body: None, ..self.company.say() };
        if controls.iter().any(|control| matches!(control, Control::Remove(_))) {
            let (epoch, named) = self.company.epoch(envelope.epoch + 1);
            envelope.epoch += 1;
            envelope.controls.extend(epoch);
            objects = named;
        }
        envelope.sort_controls();
        Draft { objects, note: sign(&envelope, "owner") }
    }

    pub(crate) fn joins(&self, who: &str, role: Role) -> Draft {
        self.control(&[Control::Member { key: key(who), role }, session(who)])
    }
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn read(mut stream: TcpStream) -> Self {
        let mut bytes = Vec::new();
        let mut piece = [0; 1 << 14];
        // A connection that is reset has said what it has said.
        while let Ok(read @ 1..) = stream.read(&mut piece) {
            bytes.extend_from_slice(&piece[..read]);
        }
        let end = bytes.windows(4).position(|window| window == b"\r\n\r\n");
        let Some(end) = end else { return Self { status: 0, head: String::new(), body: bytes } };
        let head = String::from_utf8(bytes[..end].to_vec()).unwrap().to_lowercase();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Self { status, head, body: bytes[end + 4..].to_vec() }
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let begins = format!("{name}: ");
        self.head.lines().find_map(|line| line.strip_prefix(&begins))
    }

    #[track_caller]
    pub(crate) fn is(&self, status: u16) -> &Self {
        assert_eq!(self.status, status, "{}\n{}", self.head, String::from_utf8_lossy(&self.body));
        self
    }

    #[track_caller]
    pub(crate) fn is_one_of(&self, statuses: &[u16]) -> &Self {
        assert!(statuses.contains(&self.status), "{}\n{}", self.head, String::from_utf8_lossy(&self.body));
        self
    }

    /// A refusal with its word.
    #[track_caller]
    pub(crate) fn says(&self, status: u16, word: &str) -> &Self {
        self.is(status);
        assert_eq!(self.header("hizo-error"), Some(word.to_lowercase().as_str()), "{}", self.head);
        self
    }
}
