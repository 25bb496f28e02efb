//! The disk. It is weaker than any real one has to be: until its file is synced, every sector, the length and the time
//! of a file survive a power cut or do not, each by itself; until its folder is synced, so does every new, changed and
//! removed name. Only a rename is one step. Whatever holds here holds on a file system that orders more.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read, Write};
use std::path::{Component, Path};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use super::Random;
use crate::disk::{Disk, DiskFile};

/// What happens at the step that a test names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// This call fails with this kind of error, the next one works. A write that fails has written half; a sync that
    /// fails has forgotten what it was to sync, as systems do.
    Error(io::ErrorKind),
    /// The process or the machine stops before this call: it and all later ones fail.
    Stop,
}

/// A disk in memory. Clones are the same disk.
#[derive(Clone)]
pub struct SimulatedDisk {
    state: Arc<Mutex<State>>,
    turn: Option<(Arc<Turns>, usize)>,
}

/// Lets several threads call the disk one at a time, in an order that the seed alone decides. They may share nothing
/// else that makes them wait.
pub struct Turns {
    order: Mutex<Order>,
    changed: Condvar,
}

struct Order {
    random: Random,
    running: Vec<usize>,
    next: Option<usize>,
    /// All turns are this thread's until it has said otherwise as often as it has asked for it.
    alone: Option<usize>,
    held: usize,
    /// Most turns that a thread has one after the other.
    burst: usize,
    left: usize,
}

impl Turns {
    /// Turns for threads 0 up to `threads`, each of which must be started.
    pub fn new(threads: usize, seed: u64) -> Arc<Self> {
        Self::in_bursts(threads, seed, 1)
    }

    /// The same, where a thread has up to so many turns one after the other, so that one does much while another one stands still.
    pub fn in_bursts(threads: usize, seed: u64, burst: usize) -> Arc<Self> {
        let running = (0..threads).collect();
        let mut order = Order { random: Random(seed), running, next: None, alone: None, held: 0, burst, left: 0 };
        order.draw();
        Arc::new(Self { order: Mutex::new(order), changed: Condvar::new() })
    }

    fn lock(&self) -> MutexGuard<'_, Order> {
        self.order.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait_for(&self, thread: usize) {
        let mut order = self.lock();
        while order.next != Some(thread) {
            order = self.changed.wait(order).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn pass_on(&self) {
        self.lock().draw();
        self.changed.notify_all();
    }

    fn keep(&self, thread: usize) {
        let mut order = self.lock();
        (order.alone, order.held) = (Some(thread), order.held + 1);
        order.draw();
        self.changed.notify_all();
    }

    fn give_back(&self) {
        let mut order = self.lock();
        order.held -= 1;
        order.alone = order.alone.filter(|_| order.held > 0);
        order.draw();
        self.changed.notify_all();
    }

    /// Says that a thread makes no further call. It must be said, or the others wait for ever.
    pub fn leave(&self, thread: usize) {
        let mut order = self.lock();
        order.running.retain(|running| *running != thread);
        if order.next == Some(thread) {
            order.draw();
        }
        self.changed.notify_all();
    }
}

impl Order {
    fn draw(&mut self) {
        self.left = self.left.saturating_sub(1);
        if self.alone.is_some() {
            self.next = self.alone;
        } else if self.left == 0 || self.next.is_none_or(|next| !self.running.contains(&next)) {
            let place = self.random.below(self.running.len());
            self.next = self.running.get(place).copied();
            self.left = if self.burst > 1 { 1 + self.random.below(self.burst) } else { 1 };
        }
    }
}

#[derive(Clone)]
struct State {
    sector_bytes: usize,
    nodes: Vec<Node>,
    calls: Vec<&'static str>,
    fault: Option<(usize, Fault)>,
    clock: Duration,
}

#[derive(Clone)]
enum Node {
    Folder(Folder),
    File(FileNode),
}

#[derive(Clone, Default)]
struct Folder {
    now: BTreeMap<String, usize>,
    durable: BTreeMap<String, usize>,
    pending: Vec<Change>,
}

#[derive(Clone)]
enum Change {
    Made { name: String, node: usize },
    Removed { name: String },
    Renamed { from: String, to: String, node: usize },
}

#[derive(Clone, Default)]
struct FileNode {
    now: Content,
    durable: Content,
    pending: Vec<Piece>,
}

#[derive(Clone, Default)]
struct Content {
    bytes: Vec<u8>,
    written: Duration,
}

#[derive(Clone)]
enum Piece {
    Length(usize),
    Bytes { offset: usize, bytes: Vec<u8> },
    Time(Duration),
}

impl SimulatedDisk {
    /// An empty disk that tears files at multiples of `sector_bytes`.
    pub fn new(sector_bytes: usize) -> Self {
        let state = State {
            sector_bytes: sector_bytes.max(1),
            nodes: vec![Node::Folder(Folder::default())],
            calls: Vec::new(),
            fault: None,
            clock: Duration::from_secs(1_000_000_000),
        };
        Self { state: Arc::new(Mutex::new(state)), turn: None }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The state for one call, when its turn has come. The next in turn waits for the state until this call is done.
    fn calling(&self) -> MutexGuard<'_, State> {
        let Some((turns, thread)) = &self.turn else { return self.state() };
        turns.wait_for(*thread);
        let state = self.state();
        turns.pass_on();
        state
    }

    /// The same disk for one of several threads that take turns.
    #[must_use]
    pub fn in_turn(&self, turns: &Arc<Turns>, thread: usize) -> Self {
        Self { state: Arc::clone(&self.state), turn: Some((Arc::clone(turns), thread)) }
    }

    /// The names of all calls so far, in order.
    pub fn calls(&self) -> Vec<&'static str> {
        self.state().calls.clone()
    }

    /// Lets the call with this number (from 0, counted since the disk was made) fail.
    pub fn fail_at(&self, call: usize, fault: Fault) {
        self.state().fault = Some((call, fault));
    }

    /// Takes the fault away. After [`Fault::Stop`] this is another process on a machine that went on running.
    pub fn go_on(&self) {
        self.state().fault = None;
    }

    /// Lets time pass.
    pub fn advance(&self, time: Duration) {
        self.state().clock += time;
    }

    /// Changes a file behind everybody's back, durably, as a failing disk does.
    ///
    /// # Errors
    /// When there is no such file.
    pub fn damage(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let mut state = self.state();
        let node = state.find(path)?;
        let file = state.file(node)?;
        file.now.bytes = bytes.to_vec();
        file.durable.bytes = bytes.to_vec();
        file.pending.clear();
        Ok(())
    }

    /// One step that the disk itself has no part in, but at which it may stop all the same.
    ///
    /// # Errors
    /// As planned by [`SimulatedDisk::fail_at`].
    pub fn step(&self, name: &'static str) -> io::Result<()> {
        self.calling().call(name)
    }

    /// The same step, and all turns until what is returned is dropped: for what others wait for by other means than turns.
    pub(super) fn step_alone(&self, name: &'static str) -> io::Result<Alone> {
        let Some((turns, thread)) = &self.turn else { return self.step(name).map(|()| Alone(None)) };
        turns.wait_for(*thread);
        turns.keep(*thread);
        let alone = Alone(Some(Arc::clone(turns)));
        self.step(name).map(|()| alone)
    }

    /// What the machine may find when it starts again after a power cut now: every allowed state while there are at
    /// most `states_max`, otherwise that many, drawn from the seed, among them the one that lost all and the one that
    /// lost nothing. The second value says whether they are all there are.
    pub fn survivors(&self, states_max: usize, seed: u64) -> (Vec<Self>, bool) {
        let state = self.state();
        let reachable = state.reachable();
        let choices: usize = reachable.iter().map(|node| state.pending(*node)).sum();
        let all =
            u32::try_from(choices).ok().and_then(|bits| 1usize.checked_shl(bits)).filter(|all| *all <= states_max);
        let mut random = Random(seed);
        let states = (0..all.unwrap_or(states_max)).map(|number| {
            let mut bit = 0u32;
            state.survivor(&reachable, &mut || {
                bit += 1;
                match all {
                    Some(_) => number >> (bit - 1) & 1 == 1,
                    None if number < 2 => number == 1,
                    None => random.next().is_multiple_of(2),
                }
            })
        });
        let states = states.map(|state| Self { state: Arc::new(Mutex::new(state)), turn: None }).collect();
        (states, all.is_some())
    }
}

/// All turns are one thread's.
pub struct Alone(Option<Arc<Turns>>);

impl Drop for Alone {
    fn drop(&mut self) {
        if let Some(turns) = &self.0 {
            turns.give_back();
        }
    }
}

impl State {
    fn call(&mut self, name: &'static str) -> io::Result<()> {
        let number = self.calls.len();
        self.calls.push(name);
        match self.fault {
            Some((at, Fault::Error(kind))) if number == at => Err(io::Error::new(kind, "a fault was injected")),
            Some((at, Fault::Stop)) if number >= at => Err(io::Error::other("the machine has stopped")),
            _ => Ok(()),
        }
    }

    fn stopped(&self) -> bool {
        matches!(self.fault, Some((at, Fault::Stop)) if self.calls.len() > at)
    }

    fn find(&self, path: &Path) -> io::Result<usize> {
        let mut node = 0;
        for part in path.components() {
            let Component::Normal(name) = part else { continue };
            let Some(Node::Folder(folder)) = self.nodes.get(node) else { return Err(absent()) };
            node = name.to_str().and_then(|name| folder.now.get(name)).copied().ok_or_else(absent)?;
        }
        Ok(node)
    }

    fn folder(&mut self, node: usize) -> io::Result<&mut Folder> {
        match self.nodes.get_mut(node) {
            Some(Node::Folder(folder)) => Ok(folder),
            _ => Err(absent()),
        }
    }

    fn file(&mut self, node: usize) -> io::Result<&mut FileNode> {
        match self.nodes.get_mut(node) {
            Some(Node::File(file)) => Ok(file),
            _ => Err(absent()),
        }
    }

    fn parent(&mut self, path: &Path) -> io::Result<(&mut Folder, String)> {
        let name = path.file_name().and_then(|name| name.to_str()).ok_or_else(absent)?.to_owned();
        let parent = self.find(path.parent().ok_or_else(absent)?)?;
        Ok((self.folder(parent)?, name))
    }

    fn make(&mut self, path: &Path, new: Node) -> io::Result<usize> {
        let node = self.nodes.len();
        let (folder, name) = self.parent(path)?;
        if folder.now.contains_key(&name) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        folder.now.insert(name.clone(), node);
        folder.pending.push(Change::Made { name, node });
        self.nodes.push(new);
        Ok(node)
    }

    fn write(&mut self, node: usize, position: usize, bytes: &[u8]) -> io::Result<()> {
        let (sector_bytes, clock) = (self.sector_bytes, self.clock);
        let file = self.file(node)?;
        let end = position + bytes.len();
        file.apply(Piece::Length(end.max(file.now.bytes.len())));
        let mut offset = position;
        while offset < end {
            let next = end.min((offset / sector_bytes + 1) * sector_bytes);
            let bytes = bytes.get(offset - position..next - position).unwrap_or_default().to_vec();
            file.apply(Piece::Bytes { offset, bytes });
            offset = next;
        }
        file.apply(Piece::Time(clock));
        Ok(())
    }

    /// Every node that some surviving state may show.
    fn reachable(&self) -> Vec<usize> {
        let mut seen = BTreeSet::from([0]);
        let mut rest = vec![0];
        while let Some(node) = rest.pop() {
            let Some(Node::Folder(folder)) = self.nodes.get(node) else { continue };
            let new = folder.pending.iter().filter_map(|change| match change {
                Change::Made { node, .. } | Change::Renamed { node, .. } => Some(*node),
                Change::Removed { .. } => None,
            });
            for node in folder.durable.values().copied().chain(new) {
                if seen.insert(node) {
                    rest.push(node);
                }
            }
        }
        seen.into_iter().collect()
    }

    fn pending(&self, node: usize) -> usize {
        match self.nodes.get(node) {
            Some(Node::Folder(folder)) => folder.pending.len(),
            Some(Node::File(file)) => file.pending.len(),
            None => 0,
        }
    }

    fn survivor(&self, reachable: &[usize], survives: &mut dyn FnMut() -> bool) -> Self {
        let mut state = Self { calls: Vec::new(), fault: None, ..self.clone() };
        for node in reachable {
            match state.nodes.get_mut(*node) {
                Some(Node::Folder(folder)) => {
                    for change in std::mem::take(&mut folder.pending) {
                        if survives() {
                            change.apply(&mut folder.durable);
                        }
                    }
                    folder.now = folder.durable.clone();
                }
                Some(Node::File(file)) => {
                    for piece in std::mem::take(&mut file.pending) {
                        if survives() {
                            piece.apply(&mut file.durable);
                        }
                    }
                    file.now = file.durable.clone();
                }
                None => {}
            }
        }
        state
    }
}

impl Folder {
    fn change(&mut self, change: Change) -> io::Result<()> {
        change.clone().apply(&mut self.now);
        self.pending.push(change);
        Ok(())
    }
}

impl Change {
    fn apply(self, names: &mut BTreeMap<String, usize>) {
        match self {
            Self::Made { name, node } => {
                names.insert(name, node);
            }
            Self::Removed { name } => {
                names.remove(&name);
            }
            Self::Renamed { from, to, node } => {
                names.remove(&from);
                names.insert(to, node);
            }
        }
    }
}

impl Piece {
    fn apply(self, content: &mut Content) {
        match self {
            Self::Length(length) => content.bytes.resize(length.max(content.bytes.len()), 0),
            Self::Bytes { offset, bytes } => {
                let end = offset + bytes.len();
                if content.bytes.len() < end {
                    content.bytes.resize(end, 0);
                }
                if let Some(place) = content.bytes.get_mut(offset..end) {
                    place.copy_from_slice(&bytes);
                }
            }
            Self::Time(time) => content.written = time,
        }
    }
}

impl FileNode {
    fn apply(&mut self, piece: Piece) {
        piece.clone().apply(&mut self.now);
        self.pending.push(piece);
    }
}

impl Disk for SimulatedDisk {
    type File = SimulatedFile;
    type Lock = Alone;

    fn create(&self, path: &Path) -> io::Result<SimulatedFile> {
        let mut state = self.calling();
        state.call("create")?;
        let content = Content { bytes: Vec::new(), written: state.clock };
        let file = FileNode { now: content.clone(), durable: content, pending: Vec::new() };
        let node = state.make(path, Node::File(file))?;
        Ok(SimulatedFile { disk: self.clone(), node, position: 0 })
    }

    fn open(&self, path: &Path) -> io::Result<SimulatedFile> {
        let mut state = self.calling();
        state.call("open")?;
        let node = state.find(path)?;
        state.file(node)?;
        Ok(SimulatedFile { disk: self.clone(), node, position: 0 })
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut state = self.calling();
        state.call("rename")?;
        let node = state.find(from)?;
        if from.parent() == to.parent() {
            let (_, to) = state.parent(to)?;
            let (folder, from) = state.parent(from)?;
            return folder.change(Change::Renamed { from, to, node });
        }
        // Each folder remembers its half, or does not.
        let (folder, name) = state.parent(to)?;
        folder.change(Change::Made { name, node })?;
        let (folder, name) = state.parent(from)?;
        folder.change(Change::Removed { name })
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut state = self.calling();
        state.call("remove")?;
        let (folder, name) = state.parent(path)?;
        folder.now.remove(&name).ok_or_else(absent)?;
        folder.pending.push(Change::Removed { name });
        Ok(())
    }

    fn create_dir(&self, path: &Path) -> io::Result<()> {
        let mut state = self.calling();
        state.call("create_dir")?;
        state.make(path, Node::Folder(Folder::default())).map(|_| ())
    }

    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        let mut state = self.calling();
        state.call("remove_dir")?;
        let node = state.find(path)?;
        if !state.folder(node)?.now.is_empty() {
            return Err(io::ErrorKind::DirectoryNotEmpty.into());
        }
        let (folder, name) = state.parent(path)?;
        folder.now.remove(&name).ok_or_else(absent)?;
        folder.pending.push(Change::Removed { name });
        Ok(())
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        let mut state = self.calling();
        state.call("sync_dir")?;
        let node = state.find(path)?;
        let folder = state.folder(node)?;
        for change in std::mem::take(&mut folder.pending) {
            change.apply(&mut folder.durable);
        }
        Ok(())
    }

    fn list(&self, path: &Path) -> io::Result<Vec<String>> {
        let mut state = self.calling();
        state.call("list")?;
        let node = state.find(path)?;
        Ok(state.folder(node)?.now.keys().cloned().collect())
    }

    fn now(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + self.state().clock
    }

    fn lock(&self, _path: &Path) -> io::Result<Alone> {
        self.step_alone("lock")
    }
}

/// An open file of a [`SimulatedDisk`].
pub struct SimulatedFile {
    disk: SimulatedDisk,
    node: usize,
    position: usize,
}

impl Read for SimulatedFile {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut state = self.disk.calling();
        state.call("read")?;
        let file = state.file(self.node)?;
        let read = file.now.bytes.get(self.position..).unwrap_or_default().read(buffer)?;
        self.position += read;
        Ok(read)
    }
}

impl Write for SimulatedFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut state = self.disk.calling();
        if let Err(error) = state.call("write") {
            if !state.stopped() {
                let half = bytes.get(..bytes.len() / 2).unwrap_or_default();
                state.write(self.node, self.position, half)?;
            }
            return Err(error);
        }
        state.write(self.node, self.position, bytes)?;
        self.position += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl DiskFile for SimulatedFile {
    fn seek(&mut self, place: u64) -> io::Result<()> {
        self.disk.calling().call("seek")?;
        self.position = usize::try_from(place).unwrap_or(usize::MAX);
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        let mut state = self.disk.calling();
        let called = state.call("sync");
        let stopped = state.stopped();
        let file = state.file(self.node)?;
        if called.is_err() && stopped {
            return called;
        }
        let pending = std::mem::take(&mut file.pending);
        called?;
        for piece in pending {
            piece.apply(&mut file.durable);
        }
        Ok(())
    }

    fn stat(&self) -> io::Result<(u64, SystemTime)> {
        let mut state = self.disk.calling();
        state.call("stat")?;
        let content = &state.file(self.node)?.now;
        Ok((u64::try_from(content.bytes.len()).unwrap_or(u64::MAX), SystemTime::UNIX_EPOCH + content.written))
    }

    fn renew(&mut self) -> io::Result<()> {
        let mut state = self.disk.calling();
        state.call("renew")?;
        let clock = state.clock;
        state.file(self.node)?.apply(Piece::Time(clock));
        Ok(())
    }
}

fn absent() -> io::Error {
    io::ErrorKind::NotFound.into()
}
