//! Logs whose every head is at hand, true ones and forks, and witnesses of theirs.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use ed25519_dalek::{Signer, SigningKey};
use hizo_keeper::witness::{Limits, WitnessFolder, WitnessSigner, serve};
use hizo_ledger::id::{NodeHash, RecordId, Slot};
use hizo_ledger::log::Leaf;
use hizo_ledger::log::checkpoint::Checkpoint;
use hizo_ledger::log::note::{self, CheckpointKey, NamedKey};
use hizo_ledger::log::policy::Policy;
use hizo_ledger::log::tile;
use hizo_ledger::log::tree::{self, Edge, Subtrees};
use hizo_ledger::log::witness::AddCheckpoint;
use hizo_ledger::record::Origin;
use sha2::{Digest, Sha256};
use tempfile::TempDir;
use tokio::sync::oneshot;
use zeroize::Zeroizing;

use crate::kit::{key, secret};

/// 2027-05-03T09:12:44Z, in seconds.
pub(crate) const NOW: u64 = 1_809_335_564;

pub(crate) struct TestLog {
    origin: Origin,
    secret: SigningKey,
    pub(crate) key: NamedKey,
    leaves: Vec<NodeHash>,
}

impl TestLog {
    /// A log of so many leaves; it has other leaves from `fork` on than one with another `fork`.
    pub(crate) fn new(name: &str, size: u64, fork: u64) -> Self {
        let leaf = |place: u64| {
            let record = RecordId::of(format!("{place} of {}", if place < fork { u64::MAX } else { fork }).as_bytes());
            Leaf { slot: Slot::of(&[1; 32], place), record }.hash()
        };
        let key = NamedKey::new(name, CheckpointKey::Log(key(name))).unwrap();
        let origin = Origin::parse(name).unwrap();
        Self { origin, secret: secret(name), key, leaves: (0..size).map(leaf).collect() }
    }

    pub(crate) fn head(&self, size: u64) -> Checkpoint {
        let mut edge = Edge::default();
        self.leaves[..usize::try_from(size).unwrap()].iter().for_each(|leaf| edge.push(*leaf));
        let root = if size == 0 { tree::empty_root() } else { edge.root() };
        Checkpoint { origin: self.origin.clone(), size, root }
    }

    pub(crate) fn sign(&self, checkpoint: &Checkpoint) -> Vec<u8> {
        let signature = self.secret.sign(checkpoint.text().as_bytes()).to_bytes();
        format!("{}\n{}", checkpoint.text(), note::signature_line(&self.key, &signature)).into_bytes()
    }

    pub(crate) fn note(&self, size: u64) -> Vec<u8> {
        self.sign(&self.head(size))
    }

    pub(crate) fn path(&self, old: u64, new: u64) -> Vec<NodeHash> {
        tree::consistency_path(&mut Leaves(&self.leaves), old, new).unwrap().unwrap_or_default()
    }

    pub(crate) fn request(&self, old: u64, new: u64) -> Vec<u8> {
        AddCheckpoint { old, path: self.path(old, new), checkpoint: self.note(new) }.to_bytes()
    }

    /// What a witness is told of this log.
    pub(crate) fn known(&self) -> Policy {
        Policy::of_log(self.key.clone())
    }

    pub(crate) fn origin_hash(&self) -> String {
        Sha256::digest(self.origin.as_str()).iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

struct Leaves<'a>(&'a [NodeHash]);

impl Subtrees for Leaves<'_> {
    type Error = std::convert::Infallible;

    fn subtree(&mut self, level: u32, index: u64) -> Result<NodeHash, Self::Error> {
        let start = usize::try_from(index << level).unwrap();
        Ok(tile::root(&self.0[start..start + (1 << level)]).unwrap())
    }
}

pub(crate) fn seed(name: &str) -> [u8; 32] {
    Sha256::digest(format!("hizo test witness: {name}")).into()
}

pub(crate) fn signer(name: &str) -> WitnessSigner {
    WitnessSigner::new(name, &seed(name)).unwrap()
}

/// A log shared by the threads of a test.
pub(crate) fn shared(size: u64) -> Arc<TestLog> {
    Arc::new(TestLog::new("keeper.example/log", size, size))
}

/// A witness that runs behind a real socket until it is dropped.
pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    pub(crate) keys: [NamedKey; 2],
    place: TempDir,
    stop: Option<oneshot::Sender<()>>,
    serving: Option<JoinHandle<()>>,
}

impl Running {
    /// One that knows these keys of logs.
    pub(crate) fn start(name: &str, logs: &[&NamedKey]) -> Self {
        Self::start_with(name, logs, &Limits::default())
    }

    pub(crate) fn start_with(name: &str, logs: &[&NamedKey], limits: &Limits) -> Self {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("witness");
        let keys = WitnessFolder::init(&folder, name, &Zeroizing::new(seed(name)), [7; 16]).unwrap();
        logs.iter().for_each(|key| WitnessFolder::add_log(&folder, key).unwrap());
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let mut running = Self { address, keys, place, stop: None, serving: None };
        running.serve(listener, limits.clone());
        running
    }

    fn serve(&mut self, listener: TcpListener, limits: Limits) {
        let witness = Arc::new(WitnessFolder::open(&self.place.path().join("witness")).unwrap());
        let (stop, stopped) = oneshot::channel();
        self.stop = Some(stop);
        self.serving = Some(thread::spawn(move || {
            serve(listener, witness, &limits, async { drop(stopped.await) }).unwrap();
        }));
    }

    /// Ends it; its address is nobody's then.
    pub(crate) fn stop(&mut self) {
        drop(self.stop.take());
        if let Some(serving) = self.serving.take() {
            serving.join().unwrap();
        }
    }

    /// Runs it again where it was.
    pub(crate) fn resume(&mut self) {
        let listener = TcpListener::bind(self.address).unwrap();
        self.serve(listener, Limits::default());
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The line of a policy that names it.
    pub(crate) fn line(&self, name: &str) -> String {
        format!("witness {name} {} {}\n", self.keys[0], self.url())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Sends bytes, and reads until the other side ends the connection.
pub(crate) fn exchange(address: SocketAddr, request: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(request).unwrap();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

/// A request of HTTP with this body, after which the connection ends.
pub(crate) fn http(method: &str, path: &str, body: &[u8]) -> Vec<u8> {
    let head =
        format!("{method} {path} HTTP/1.1\r\nhost: w\r\nconnection: close\r\ncontent-length: {}\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}

/// Something that answers each request with what `answer` makes of its body, for as long as the test runs.
pub(crate) fn fake(answer: impl Fn(&[u8]) -> Vec<u8> + Send + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let body = read_body(&mut stream);
            let _ = stream.write_all(&answer(&body));
        }
    });
    address
}

fn read_body(stream: &mut TcpStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut chunk = [0; 4096];
    loop {
        let text = String::from_utf8_lossy(&bytes).to_lowercase();
        if let Some(end) = text.find("\r\n\r\n") {
            let length = text.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse::<usize>().ok());
            // A byte that is no text is longer as text; heads are ASCII, and come first.
            if bytes.len() >= end + 4 + length.unwrap_or(0) {
                return bytes[end + 4..].to_vec();
            }
        }
        match stream.read(&mut chunk) {
            Ok(0) | Err(_) => return Vec::new(),
            Ok(read) => bytes.extend(&chunk[..read]),
        }
    }
}

/// An answer of HTTP.
pub(crate) fn answer(status: &str, body: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}
