//! Measures hizo beside its peers, in one run on one machine, and writes down what came out.
//!
//! A session is one set of data on which every program does the same things in the same round; the order of programs
//! changes from round to round. Results of a session replace its older ones in `bench/results.json`, from which
//! `docs/bench.md` is written.

mod acts;
mod data;
mod desk;
mod keeper;
mod log;
mod measure;
mod peers;
mod report;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Map, Value, json};

use acts::{Act, Place};
use measure::Taken;
use peers::{Kind, Peer, Program};

use crate::shell::{self, About, Failure, Result};

const GIB: u64 = 1 << 30;
const GB: u64 = 1_000_000_000;
const ROUNDS: usize = 3;
const SESSIONS: [&str; 10] = ["big", "tree", "small", "log", "keeper", "desk", "bytes", "long", "entries", "build"];
/// Programs of `bench/` that ask others.
const KEEPER: &str = "hizo-bench-keeper";
const DESK: &str = "hizo-bench-desk";
/// Those in which others do the same things.
const SETS: [&str; 3] = ["big", "tree", "small"];
/// Entries that must fit in 200 MiB, and the most that one deposit takes.
const ENTRIES: u64 = 250_000;
const ENTRIES_MAX: u64 = (1 << 22) - 1;

struct Settings {
    quick: bool,
    long: bool,
    rounds: usize,
    build: bool,
    hizo: Option<PathBuf>,
    /// Where the source of the long row lies, on a file system that compresses: it has all of its bytes then, whatever is free.
    repeats_at: Option<PathBuf>,
    sessions: Vec<String>,
}

/// `cargo xtask bench [--quick] [--long] [--rounds N] [--no-build] [--hizo PROGRAM] [--repeats-at DIR] [SESSION...]`
pub(crate) fn bench(arguments: &[String]) -> Result<()> {
    if arguments.first().is_some_and(|word| word == "report") {
        return report::write(&load(false)?, false);
    }
    let settings = settings(arguments)?;
    let folder = shell::scratch("bench");
    fs::create_dir_all(&folder).about(&folder)?;
    let mut results = load(settings.quick)?;
    // The others are wanted only where something is measured beside them.
    let beside = settings.sessions.iter().any(|name| SETS.contains(&name.as_str()) || name == "keeper");
    let peers = if beside {
        peers::obtain(settings.hizo.as_deref(), settings.build)
    } else {
        vec![peers::hizo(settings.hizo.as_deref(), settings.build)]
    };
    let mut known = results.remove("programs").and_then(|known| known.as_object().cloned()).unwrap_or_default();
    known.extend(programs(&peers));
    results.insert("programs".to_owned(), Value::Object(known));
    results.insert("machine".to_owned(), machine()?);
    let commit = commit();
    for name in &settings.sessions {
        shell::heading(name);
        let session = match name.as_str() {
            "log" => log::log(&settings, &peers)?,
            "keeper" => keeper::keeper(&settings, &peers)?,
            "desk" => desk::desk(&settings, &peers)?,
            "bytes" => peaks(&peers, |program| over_bytes(&settings, program))?,
            "long" => peaks(&peers, |program| over_many_bytes(&settings, program))?,
            "entries" => peaks(&peers, |program| over_entries(&settings, program))?,
            "build" => build()?,
            set => compare(&settings, &peers, set)?,
        };
        results.insert(name.clone(), dated(session, &commit)?);
        save(&results, settings.quick)?;
    }
    report::write(&results, settings.quick)
}

fn settings(arguments: &[String]) -> Result<Settings> {
    let mut settings = Settings {
        quick: false,
        long: false,
        rounds: ROUNDS,
        build: true,
        hizo: None,
        repeats_at: None,
        sessions: Vec::new(),
    };
    let mut words = arguments.iter();
    while let Some(word) = words.next() {
        match word.as_str() {
            "--quick" => (settings.quick, settings.rounds) = (true, 1),
            "--long" => settings.long = true,
            "--no-build" => settings.build = false,
            "--hizo" => settings.hizo = Some(words.next().ok_or_else(|| "--hizo takes a program".to_owned())?.into()),
            "--repeats-at" => {
                settings.repeats_at =
                    Some(words.next().ok_or_else(|| "--repeats-at takes a folder".to_owned())?.into());
            }
            "--rounds" => {
                let value = words.next().and_then(|value| value.parse().ok());
                settings.rounds = value.ok_or_else(|| "--rounds takes a number".to_owned())?;
                if settings.rounds > data::ROUNDS_MAX {
                    return Err(format!("--rounds is at most {}", data::ROUNDS_MAX).into());
                }
            }
            name if SESSIONS.contains(&name) => settings.sessions.push(name.to_owned()),
            other => return Err(format!("no session {other}; there are: {}", SESSIONS.join(" ")).into()),
        }
    }
    if settings.sessions.is_empty() {
        settings.sessions = SESSIONS.map(str::to_owned).to_vec();
    }
    Ok(settings)
}

/// What each program did in every round of one session.
struct Samples(BTreeMap<&'static str, BTreeMap<&'static str, Vec<Taken>>>);

/// Bytes that one program leaves behind.
#[derive(Default)]
struct Sizes {
    /// After the first deposit, of each round.
    stored: Vec<u64>,
    /// More after each change set, two of them in a round and no two alike.
    growth: Vec<u64>,
}

/// One set of data, all programs.
fn compare(settings: &Settings, peers: &[Peer], set: &str) -> Result<Value> {
    let source = source(settings, set)?;
    let mut samples = Samples(BTreeMap::new());
    let mut sizes: BTreeMap<&str, Sizes> = BTreeMap::new();
    let mut faults: BTreeMap<&str, String> = BTreeMap::new();
    let mut parts = Vec::new();
    for round in 0..settings.rounds {
        let turned = peers.iter().cycle().skip(round % peers.len()).take(peers.len());
        for peer in turned {
            let (name, Ok(program)) = (peer.kind.name(), &peer.program) else { continue };
            if faults.contains_key(name) {
                continue;
            }
            let mut turn = Turn::new(peer.kind, program, &source, round, &mut samples)?;
            let outcome = turn.run(set == "tree");
            let left = std::mem::take(&mut turn.sizes);
            turn.clear()?;
            let all = sizes.entry(name).or_default();
            all.stored.extend(left.stored);
            all.growth.extend(left.growth);
            if let Err(failure) = outcome {
                println!("{name}: FAILED\n{failure}");
                faults.insert(name, failure.0.lines().next().unwrap_or_default().to_owned());
            }
        }
        parts.push(measure_parts(&source)?);
    }
    let files = measure::files(&source)?;
    Ok(json!({
        "rounds": settings.rounds, "bytes": measure::stored_bytes(&source)?, "files": files.len(),
        "programs": samples.json(), "faults": faults, "parts": parts,
        "sizes": sizes.iter().map(|(name, sizes)| {
            ((*name).to_owned(), json!({ "stored": sizes.stored, "growth": sizes.growth }))
        }).collect::<Map<_, _>>(),
    }))
}

fn source(settings: &Settings, set: &str) -> Result<PathBuf> {
    let folder = data::folder(settings.quick);
    match set {
        "big" => {
            let path = folder.join("big.bin");
            data::incompressible(&path, if settings.quick { GIB / 4 } else { 2 * GIB })?;
            Ok(path)
        }
        "tree" => {
            let path = folder.join("tree");
            data::tree(&path, if settings.quick { 16 } else { 1 })?;
            Ok(path)
        }
        _ => {
            let path = folder.join("small");
            data::small(&path)?;
            Ok(path)
        }
    }
}

/// One program's turn in one round: a fresh repository, everything it can do with it, in a fixed order.
struct Turn<'a> {
    kind: Kind,
    program: &'a Program,
    source: &'a Path,
    round: usize,
    place: Place,
    folder: PathBuf,
    samples: &'a mut Samples,
    sizes: Sizes,
}

impl<'a> Turn<'a> {
    fn new(kind: Kind, program: &'a Program, source: &'a Path, round: usize, samples: &'a mut Samples) -> Result<Self> {
        let folder = shell::scratch("bench").join("work").join(kind.name());
        data::remove(&folder)?;
        let place = Place::new(folder.clone())?;
        Ok(Self { kind, program, source, round, place, folder, samples, sizes: Sizes::default() })
    }

    fn run(&mut self, changes: bool) -> Result<()> {
        measure::warm(self.source)?;
        self.act("init", &Act::Init)?;
        self.act("deposit", &Act::Deposit(self.source))?;
        let stored = self.place.stored_bytes()?;
        self.sizes.stored.extend((stored > 0).then_some(stored));
        self.act("empty", &Act::Empty)?;
        if changes && self.can(&Act::Check)? {
            let [first, second] = data::change_sets(self.round);
            self.grow("second", first, &Act::Deposit(self.source))?;
            self.grow("reread", second, &Act::Reread(self.source))?;
        }
        let target = self.folder.join("restored");
        let restore = Act::Restore(self.source, &target);
        let restores = self.can(&restore)?;
        self.act("restore", &restore)?;
        if restores && self.round == 0 {
            data::same(self.source, &acts::restored(self.source, &target))?;
        }
        if changes {
            self.restore_one()?;
        }
        self.act("check", &Act::Check)
    }

    /// Changes the source and deposits it once more.
    fn grow(&mut self, name: &'static str, change_set: u64, act: &Act<'_>) -> Result<()> {
        let before = self.place.stored_bytes()?;
        data::change(self.source, change_set)?;
        self.act(name, act)?;
        self.sizes.growth.push(self.place.stored_bytes()?.saturating_sub(before));
        Ok(())
    }

    fn run_for_memory(&mut self, restore: bool) -> Result<()> {
        self.act("init", &Act::Init)?;
        self.act("deposit", &Act::Deposit(self.source))?;
        self.act("check", &Act::Check)?;
        if restore {
            self.act("restore", &Act::Restore(self.source, &self.folder.join("restored")))?;
        }
        Ok(())
    }

    /// One file from the middle of the set.
    fn restore_one(&mut self) -> Result<()> {
        let files = measure::files(self.source)?;
        let middle = files.get(files.len() / 2).ok_or_else(|| Failure("an empty set".to_owned()))?;
        let path = middle.strip_prefix(self.source).expect("the file lies in the set").to_string_lossy().into_owned();
        let target = self.folder.join("one");
        self.act("restore-one", &Act::RestoreOne(self.source, &path, &target))
    }

    fn can(&self, act: &Act<'_>) -> Result<bool> {
        Ok(acts::command(self.kind, self.program, &self.place, act)?.is_some())
    }

    fn act(&mut self, name: &'static str, act: &Act<'_>) -> Result<()> {
        let Some(mut command) = acts::command(self.kind, self.program, &self.place, act)? else { return Ok(()) };
        let taken = measure::measure(&mut command, &self.folder.join("log"))
            .map_err(|failure| Failure(format!("{name} failed\n{failure}")))?;
        println!(
            "{:7} {name:12} {:8.2} s  cpu {:8.2} s  peak {:5} MiB",
            self.kind.name(),
            taken.wall_s,
            taken.cpu_s,
            taken.peak_bytes >> 20
        );
        self.samples.0.entry(self.kind.name()).or_default().entry(name).or_default().push(taken);
        Ok(())
    }

    /// Leaves the source as it was and nothing else behind.
    fn clear(self) -> Result<()> {
        data::undo_changes(self.source)?;
        data::remove(&self.folder)
    }
}

impl Samples {
    fn json(&self) -> Value {
        let acts = |acts: &BTreeMap<&str, Vec<Taken>>| {
            acts.iter().map(|(act, taken)| ((*act).to_owned(), taken.iter().map(|t| t.json()).collect())).collect()
        };
        Value::Object(self.0.iter().map(|(name, taken)| ((*name).to_owned(), Value::Object(acts(taken)))).collect())
    }
}

/// What the parts of a deposit cost by themselves on the same data; the program lies in `bench/parts`.
fn measure_parts(source: &Path) -> Result<Value> {
    shell::run(shell::cargo().args(["build", "--quiet", "--release", "--package", "hizo-bench-parts", "--locked"]))?;
    measure::warm(source)?;
    let written = shell::scratch("bench").join("parts.out");
    let mut command = Command::new(shell::cargo_target().join("release/hizo-bench-parts"));
    let said = shell::output(command.arg(source).arg(&written))?;
    data::remove(&written)?;
    let parts: Value = serde_json::from_str(&said)?;
    println!("parts   {}", serde_json::to_string(&parts)?);
    Ok(parts)
}

/// Peak memory of hizo, point by point.
fn peaks(peers: &[Peer], points: impl FnOnce(&Program) -> Result<Vec<Value>>) -> Result<Value> {
    let Some(Ok(program)) = peers.iter().find(|peer| peer.kind == Kind::Hizo).map(|peer| &peer.program) else {
        return Ok(json!({ "fault": "hizo is not built" }));
    };
    Ok(json!({ "points": points(program)? }))
}

fn over_bytes(settings: &Settings, program: &Program) -> Result<Vec<Value>> {
    let folder = data::folder(settings.quick);
    let mut points = Vec::new();
    for size in [1, 10].into_iter().take(if settings.quick { 1 } else { 2 }) {
        let path = folder.join(format!("bytes-{size}.bin"));
        data::incompressible(&path, size * GB)?;
        points.push(peak(program, &path, &format!("{size} GB in one file"), true)?);
        remove_made(&path)?;
    }
    Ok(points)
}

fn over_many_bytes(settings: &Settings, program: &Program) -> Result<Vec<Value>> {
    let own = data::folder(settings.quick);
    let (folder, size) = match (&settings.repeats_at, settings.quick) {
        (Some(folder), _) => (folder.clone(), LONG_GIGABYTES),
        (None, true) => (own, 1),
        (None, false) => (own.clone(), long_gigabytes(&own)?),
    };
    let path = folder.join("bytes-long.bin");
    data::repetitive(&path, size * GB)?;
    let point = peak(program, &path, &format!("{size} GB that repeat, in one file"), false)?;
    remove_made(&path)?;
    Ok(vec![point])
}

fn over_entries(settings: &Settings, program: &Program) -> Result<Vec<Value>> {
    let mut points = Vec::new();
    let counts = [ENTRIES, ENTRIES_MAX];
    for count in counts.into_iter().take(if settings.long { 2 } else { 1 }) {
        let count = if settings.quick { count / 10 } else { count };
        let path = data::folder(settings.quick).join(format!("entries-{count}"));
        data::entries(&path, count)?;
        points.push(peak(program, &path, &format!("{count} entries"), true)?);
        remove_made(&path)?;
    }
    Ok(points)
}

/// Bytes of the long row, in GB.
const LONG_GIGABYTES: u64 = 100;

/// So many, or as much as fits beside what hizo keeps of it.
fn long_gigabytes(folder: &Path) -> Result<u64> {
    let said = shell::output(Command::new("df").args(["--output=avail", "--block-size=1000000000"]).arg(folder))?;
    let free: u64 = said.split_whitespace().last().and_then(|word| word.parse().ok()).unwrap_or(0);
    let size = LONG_GIGABYTES.min(free.saturating_sub(5) * 4 / 5);
    if size < LONG_GIGABYTES {
        println!("{free} GB are free, so the long row takes {size} GB instead of {LONG_GIGABYTES}");
    }
    Ok(size)
}

/// What hizo needs at most for a deposit of this source, for a check, and, if asked, for a restore.
fn peak(program: &Program, source: &Path, what: &str, restore: bool) -> Result<Value> {
    let mut samples = Samples(BTreeMap::new());
    let mut turn = Turn::new(Kind::Hizo, program, source, 1, &mut samples)?;
    let outcome = turn.run_for_memory(restore);
    turn.clear()?;
    outcome?;
    let acts = samples.json();
    let peak = |act: &str| acts["hizo"][act][0]["peak_bytes"].clone();
    Ok(json!({
        "what": what, "bytes": measure::stored_bytes(source)?, "entries": measure::files(source)?.len(),
        "deposit": peak("deposit"), "restore": peak("restore"), "check": peak("check"),
    }))
}

fn remove_made(path: &Path) -> Result<()> {
    data::remove(path)?;
    data::remove(&path.with_extension("made"))
}

/// A clean build of what the README's first command needs, downloads excluded.
fn build() -> Result<Value> {
    shell::run(shell::cargo().args(["fetch", "--quiet", "--locked"]))?;
    let folder = shell::scratch("bench").join("build");
    data::remove(&folder)?;
    let mut command = shell::cargo();
    command.args(["build", "--release", "--locked", "--offline"]).env("CARGO_TARGET_DIR", &folder);
    // The build of this program is told about by such variables; the measured one must not inherit them.
    command.env_remove("CARGO_MANIFEST_DIR").env_remove("CARGO_ENCODED_RUSTFLAGS");
    let taken = measure::measure(&mut command, &shell::scratch("bench").join("build.log"));
    data::remove(&folder)?;
    let taken = taken?;
    println!("build   {:.1} s, cpu {:.1} s", taken.wall_s, taken.cpu_s);
    Ok(json!({ "taken": taken.json() }))
}

/// What a command of a program of `bench/` prints, and what it took; a folder that it takes lies in this one.
fn figures(program: &str, folder: &Path, arguments: &[&str]) -> Result<(Value, Taken)> {
    let mut command = Command::new(shell::cargo_target().join("release").join(program));
    command.current_dir(folder).args(arguments);
    let log = folder.join("said");
    let taken = measure::measure(&mut command, &log)?;
    let said = fs::read_to_string(&log).about(&log)?;
    let last = said.lines().last().unwrap_or_default();
    println!("{:8} {last}  peak {} MiB", arguments.first().unwrap_or(&""), taken.peak_bytes >> 20);
    Ok((serde_json::from_str(last)?, taken))
}

fn programs(peers: &[Peer]) -> Map<String, Value> {
    let said = |peer: &Peer| match &peer.program {
        Ok(program) => json!({ "version": program.version }),
        Err(failure) => {
            println!("{}: cannot be had: {failure}", peer.kind.name());
            json!({ "fault": failure.0.lines().next() })
        }
    };
    peers.iter().map(|peer| (peer.kind.name().to_owned(), said(peer))).collect()
}

fn machine() -> Result<Value> {
    let cpus = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpus.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or("unknown");
    let memory = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let kib: u64 = memory.split_whitespace().nth(1).and_then(|word| word.parse().ok()).unwrap_or(0);
    Ok(json!({
        "cpu": model.trim_start_matches([' ', '\t', ':']).trim(),
        "cores": std::thread::available_parallelism().map_or(1, usize::from),
        "memory_gib": kib >> 20,
        "system": shell::output(Command::new("uname").args(["-s", "-r", "-m"]))?.trim(),
        "rustc": shell::output(Command::new("rustc").arg("--version"))?.trim(),
    }))
}

/// A session with the day and the commit at which it was measured: others are of other days.
fn dated(session: Value, commit: &str) -> Result<Value> {
    let mut dated = json!({ "made": date()?, "commit": commit });
    if let (Value::Object(dated), Value::Object(session)) = (&mut dated, session) {
        dated.extend(session);
    }
    Ok(dated)
}

fn commit() -> String {
    let head = shell::output(Command::new("git").current_dir(shell::root()).args(["rev-parse", "--short=12", "HEAD"]));
    head.unwrap_or_default().trim().to_owned()
}

fn date() -> Result<String> {
    Ok(shell::output(Command::new("date").args(["-u", "+%Y-%m-%d"]))?.trim().to_owned())
}

fn results_path(quick: bool) -> PathBuf {
    if quick { shell::scratch("bench").join("quick.json") } else { shell::root().join("bench/results.json") }
}

fn load(quick: bool) -> Result<Map<String, Value>> {
    let path = results_path(quick);
    let Ok(text) = fs::read_to_string(&path) else { return Ok(Map::new()) };
    Ok(serde_json::from_str(&text)?)
}

fn save(results: &Map<String, Value>, quick: bool) -> Result<()> {
    let path = results_path(quick);
    fs::write(&path, format!("{}\n", serde_json::to_string_pretty(results)?)).about(&path)
}
