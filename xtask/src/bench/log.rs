//! The log: durable appends, what is published behind them, ten million records, and proofs. The program that does it lies
//! in `bench/keeper`.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use serde_json::{Value, json};

use crate::bench::acts::{self, Act, Place};
use crate::bench::measure::{self, Taken};
use crate::bench::peers::{Kind, Peer};
use crate::bench::{KEEPER, Settings, data, figures};
use crate::shell::{self, About, Failure, Result};

/// Files of the deposit of which one is proved.
const ENTRIES: u64 = 100_000;

/// How much of everything.
struct Amounts {
    appends: u64,
    small: u64,
    large: u64,
    proofs: u64,
    bundles: u64,
}

impl Amounts {
    fn of(settings: &Settings) -> Self {
        if settings.quick {
            Self { appends: 25_600, small: 50_000, large: 200_000, proofs: 500, bundles: 50 }
        } else {
            Self { appends: 204_800, small: 1_000_000, large: 10_000_000, proofs: 10_000, bundles: 1_000 }
        }
    }
}

/// All rows of the log.
pub(crate) fn log(settings: &Settings, peers: &[Peer]) -> Result<Value> {
    let amounts = Amounts::of(settings);
    shell::run(shell::cargo().args(["build", "--quiet", "--release", "--package", "hizo-bench-keeper", "--locked"]))?;
    let folder = shell::scratch("bench").join("log");
    data::remove(&folder)?;
    fs::create_dir_all(&folder).about(&folder)?;
    let mut appends = Vec::new();
    for _ in 0..settings.rounds {
        appends.push(figures(KEEPER, &folder, &["appends", "keeper", &amounts.appends.to_string()])?.0);
        data::remove(&folder.join("keeper"))?;
    }
    let session = json!({
        "rounds": settings.rounds,
        "appends": appends, "syncs": syncs(&folder, amounts.appends / 4)?,
        "large": large(&folder, &amounts)?, "proof": proof(&folder, settings, peers, &amounts)?,
    });
    data::remove(&folder)?;
    Ok(session)
}

/// Syncs of a run without those of its setup, counted by `strace`, which makes everything slower.
fn syncs(folder: &Path, records: u64) -> Result<Value> {
    if Command::new("strace").arg("-V").output().is_err() {
        return Ok(json!({ "fault": "strace is not installed" }));
    }
    let count = |records: u64| -> Result<u64> {
        let log = folder.join("syncs");
        let mut command = Command::new("strace");
        command.current_dir(folder).args(["-f", "--seccomp-bpf", "-e", "trace=fsync,fdatasync", "-o"]).arg(&log);
        command.arg(shell::cargo_target().join("release/hizo-bench-keeper"));
        shell::output(command.args(["appends", "keeper", &records.to_string()]))?;
        data::remove(&folder.join("keeper"))?;
        let calls = fs::read_to_string(&log).about(&log)?;
        Ok(calls.lines().filter(|line| line.contains("sync(")).count() as u64)
    };
    let (all, setup) = (count(records)?, count(0)?);
    Ok(json!({ "records": records, "syncs": all.saturating_sub(setup) }))
}

/// A log that grows to its full size; its check is measured on the way there too.
fn large(folder: &Path, amounts: &Amounts) -> Result<Value> {
    let check = || -> Result<Value> {
        let (mut checked, taken) = figures(KEEPER, folder, &["check", "large"])?;
        checked["peak_bytes"] = Value::from(taken.peak_bytes);
        Ok(checked)
    };
    figures(KEEPER, folder, &["grow", "large", &amounts.small.to_string()])?;
    let small = check()?;
    let (grown, _) = figures(KEEPER, folder, &["grow", "large", &amounts.large.to_string()])?;
    let (started, taken) = figures(KEEPER, folder, &["start", "large"])?;
    let result = json!({
        "grown": grown, "started": started, "start_peak_bytes": taken.peak_bytes,
        "proved": figures(KEEPER, folder, &["prove", "large", &amounts.proofs.to_string()])?.0,
        "checked_small": small, "checked": check()?,
        "hashed": figures(KEEPER, folder, &["hash", &amounts.large.to_string()])?.0,
    });
    data::remove(&folder.join("large"))?;
    Ok(result)
}

/// One file out of many: how long its proof takes to build and to verify, and how large it is.
fn proof(folder: &Path, settings: &Settings, peers: &[Peer], amounts: &Amounts) -> Result<Value> {
    let Some(Ok(program)) = peers.iter().find(|peer| peer.kind == Kind::Hizo).map(|peer| &peer.program) else {
        return Ok(json!({ "fault": "hizo is not built" }));
    };
    let entries = if settings.quick { ENTRIES / 10 } else { ENTRIES };
    let source = data::folder(settings.quick).join(format!("entries-{entries}"));
    data::entries(&source, entries)?;
    let place = Place::new(folder.join("hizo"))?;
    let taken = |act: &Act<'_>| -> Result<Taken> {
        let command = acts::command(Kind::Hizo, program, &place, act)?;
        measure::measure(&mut command.ok_or_else(|| Failure("no such act".to_owned()))?, &folder.join("said"))
    };
    taken(&Act::Init)?;
    taken(&Act::Deposit(&source))?;
    let path = middle(entries);
    let (mut built, mut unlocked) = (Vec::new(), Vec::new());
    for round in 0..settings.rounds {
        unlocked.push(taken(&Act::Empty)?.json());
        built.push(taken(&Act::Proof(&path, &folder.join(format!("proof-{round}"))))?.json());
    }
    let bundle = folder.join("proof-0");
    let verified = verify(folder, &bundle, amounts.bundles)?;
    Ok(json!({
        "entries": entries, "built": built, "unlocked": unlocked, "bundle_bytes": bundle_bytes(&bundle)?,
        "verified": verified, "openssl_s": openssl(&bundle, amounts.bundles)?,
    }))
}

/// The path of a file in the middle of [`data::entries`].
fn middle(entries: u64) -> String {
    let number = entries / 2 + 1;
    format!("{:05}/{number:07}", number / 500)
}

/// Without the paper, and without the certificates of authorities.
fn bundle_bytes(bundle: &Path) -> Result<u64> {
    let mut sum = 0;
    for file in measure::files(bundle)? {
        let left_out = file.extension().is_some_and(|end| end == "pdf" || end == "pem");
        sum += if left_out { 0 } else { fs::metadata(&file).about(&file)?.len() };
    }
    Ok(sum)
}

/// Verifies the bundle under the policy that its own README names, and its stamp under its own root.
fn verify(folder: &Path, bundle: &Path, times: u64) -> Result<Value> {
    let readme = readme(bundle)?;
    let named = readme.split_once("<<'END'\n").and_then(|(_, rest)| rest.split_once("END\n"));
    let (named, _) = named.ok_or_else(|| Failure("the README names no policy".to_owned()))?;
    let policy = folder.join("policy");
    fs::write(&policy, named).about(&policy)?;
    Ok(figures(KEEPER, folder, &["verify", "proof-0", &times.to_string(), "policy", "proof-0/stamps/self.pem"])?.0)
}

/// Wall seconds of so many runs of the command that the README gives.
fn openssl(bundle: &Path, times: u64) -> Result<f64> {
    let readme = readme(bundle)?;
    let line = readme.lines().find(|line| line.starts_with("openssl ts -verify"));
    let words: Vec<&str> = line.ok_or_else(|| Failure("the README has no command".to_owned()))?.split(' ').collect();
    let began = Instant::now();
    for _ in 0..times {
        shell::output(Command::new("openssl").current_dir(bundle).args(words.iter().skip(1)))?;
    }
    Ok(began.elapsed().as_secs_f64())
}

fn readme(bundle: &Path) -> Result<String> {
    let path = bundle.join("README.md");
    fs::read_to_string(&path).about(&path)
}
