//! A keeper that others reach: a deposit to it over TLS beside restic's, small deposits, reads, uploads, and what a hundred
//! times as many accounts cost. The program that asks lies in `bench/keeper`.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};
use wait4::Wait4 as _;

use crate::bench::acts::{self, Act, Place};
use crate::bench::measure::{self, Taken};
use crate::bench::peers::{self, Kind, Peer, Program};
use crate::bench::{KEEPER, Settings, data, figures};
use crate::shell::{self, About, Failure, Result};

/// Nobody of one machine is kept from asking as much as he can.
const LIMITS: &str = "[limits]\nconnections_of_address = 2048\nconnections_of_network = 2048\nrequests_of_address_per_second = 1000000\n\
    requests_of_address_burst = 1000000\nrequests_of_token_per_second = 1000000\nrequests_of_token_burst = 1000000\n";

/// Records of each account.
const EACH: u64 = 30;

/// How often rclone is asked whether it has begun, 20 ms apart.
const ATTEMPTS: u32 = 1_500;

struct Amounts {
    clients: u64,
    deposits: u64,
    seconds: u64,
    uploads: u64,
    accounts: [u64; 2],
    asked: u64,
    safes: u64,
}

impl Amounts {
    fn of(settings: &Settings) -> Self {
        if settings.quick {
            Self { clients: 64, deposits: 20, seconds: 2, uploads: 100, accounts: [100, 1_000], asked: 100, safes: 50 }
        } else {
            Self {
                clients: 64,
                deposits: 200,
                seconds: 10,
                uploads: 1_000,
                accounts: [1_000, 100_000],
                asked: 1_000,
                safes: 5_000,
            }
        }
    }
}

/// All rows of the keeper's service.
pub(crate) fn keeper(settings: &Settings, peers: &[Peer]) -> Result<Value> {
    let amounts = Amounts::of(settings);
    shell::run(shell::cargo().args(["build", "--quiet", "--release", "--package", "hizo-bench-keeper", "--locked"]))?;
    let hizo = peers.iter().find(|peer| peer.kind == Kind::Hizo).and_then(|peer| peer.program.as_ref().ok());
    let hizo = hizo.ok_or_else(|| Failure("hizo is not built".to_owned()))?;
    let folder = shell::scratch("bench").join("keeper");
    data::remove(&folder)?;
    fs::create_dir_all(&folder).about(&folder)?;
    let bench = Bench { hizo, folder: &folder };
    let (mut deposits, mut reads) = (Vec::new(), Vec::new());
    let (clients, each, seconds) =
        (amounts.clients.to_string(), amounts.deposits.to_string(), amounts.seconds.to_string());
    for round in 0..settings.rounds {
        deposits.push(bench.fresh(&format!("deposits-{round}"), &["deposits"], &[&clients, &each])?.0);
        reads.push(bench.fresh(&format!("reads-{round}"), &["reads"], &[&seconds])?.0);
    }
    let (uploads, taken) = bench.fresh("uploads", &["uploads"], &[&amounts.uploads.to_string()])?;
    let accounts = bench.accounts(settings, amounts.accounts, amounts.asked)?;
    let session = json!({
        "rounds": settings.rounds, "deposits": deposits, "reads": reads,
        "uploads": uploads, "uploads_peak_bytes": taken.peak_bytes, "accounts": accounts,
        "over_tls": bench.over_tls(settings, peers)?, "many_safes": many_safes(amounts.safes)?,
    });
    data::remove(&folder)?;
    Ok(session)
}

pub(crate) struct Bench<'a> {
    pub(crate) hizo: &'a Program,
    pub(crate) folder: &'a Path,
}

impl Bench<'_> {
    /// Asks a keeper that has just been set up in a folder of its own, and says what the keeper took. The folder is left:
    /// where many files were removed a moment ago, a file system looks long for room for new ones.
    fn fresh(&self, name: &str, command: &[&str], amounts: &[&str]) -> Result<(Value, Taken)> {
        let folder = self.apart(name)?;
        let own = Bench { hizo: self.hizo, folder: &folder };
        let keeper = own.start("[admission]\nmode = \"open\"\n")?;
        let figures = own.ask(&keeper, command, amounts)?;
        Ok((figures, keeper.stop()?))
    }

    fn apart(&self, name: &str) -> Result<PathBuf> {
        let folder = self.folder.join(name);
        fs::create_dir_all(&folder).about(&folder)?;
        Ok(folder)
    }

    fn ask(&self, keeper: &Running, command: &[&str], amounts: &[&str]) -> Result<Value> {
        let place = [keeper.url.trim_start_matches("http://"), keeper.origin.as_str()];
        Ok(figures(KEEPER, self.folder, &[command, &place, amounts].concat())?.0)
    }

    /// A keeper at any free port.
    pub(crate) fn start(&self, more: &str) -> Result<Running> {
        self.start_at("127.0.0.1:0", more)
    }

    pub(crate) fn start_at(&self, address: &str, more: &str) -> Result<Running> {
        let config = self.folder.join("keeper.toml");
        let text = format!("data = \"data\"\nlisten = \"{address}\"\n{more}{LIMITS}");
        fs::write(&config, text).about(&config)?;
        let mut command = self.hizo.command();
        command.args(["--json", "keeper", "--config"]).arg(&config);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn()?;
        let said = child.stdout.take().ok_or_else(|| Failure("no output".to_owned()))?;
        let mut line = String::new();
        BufReader::new(said).read_line(&mut line)?;
        let told: Value = serde_json::from_str(&line)?;
        let word = |key: &str| told[key].as_str().unwrap_or_default().to_owned();
        Ok(Running { child: Some(child), url: word("url"), origin: word("origin"), key: word("key") })
    }

    /// Keepers with so many accounts: what an append, a list and a proof take. They stand side by side and are asked by turns, so
    /// that what else happens on this machine meets all of them.
    fn accounts(&self, settings: &Settings, counts: [u64; 2], asked: u64) -> Result<Value> {
        let (each, asked) = (EACH.to_string(), asked.to_string());
        let mut keepers = Vec::new();
        for count in counts {
            let folder = self.apart(&format!("accounts-{count}"))?;
            let own = Bench { hizo: self.hizo, folder: &folder };
            let (grown, _) = figures(KEEPER, &folder, &["accounts", "data", &count.to_string(), &each])?;
            let codes = folder.join("codes.toml");
            let codes = fs::read_to_string(&codes).about(&codes)?;
            keepers.push((count.to_string(), grown, own.start(&format!("[admission]\nmode = \"closed\"\n{codes}"))?));
        }
        // What was written down is not written out while they are asked.
        shell::output(&mut Command::new("sync"))?;
        let mut rounds = [const { Vec::new() }; 2];
        for round in 0..settings.rounds {
            let mut turns: Vec<_> = keepers.iter().zip(&mut rounds).collect();
            if round % 2 == 1 {
                turns.reverse();
            }
            for ((count, _, keeper), rounds) in turns {
                rounds.push(self.ask(keeper, &["ask"], &[count, &each, &asked, &round.to_string()])?);
            }
        }
        let mut measured = Vec::new();
        for ((_, grown, keeper), rounds) in keepers.into_iter().zip(rounds) {
            measured.push(json!({ "grown": grown, "rounds": rounds, "peak_bytes": keeper.stop()?.peak_bytes }));
        }
        Ok(Value::Array(measured))
    }

    /// The first deposit of the large file, over TLS on this machine, by hizo to its keeper and by restic to rclone.
    fn over_tls(&self, settings: &Settings, peers: &[Peer]) -> Result<Value> {
        let source = super::source(settings, "big")?;
        let (certificate, key) = self.certificate()?;
        let mut taken = json!({ "hizo": [], "restic": [] });
        let restic = peers.iter().find(|peer| peer.kind == Kind::Restic).and_then(|peer| peer.program.as_ref().ok());
        for _ in 0..settings.rounds {
            measure::warm(&source)?;
            data::remove(&self.folder.join("data"))?;
            let pem = |path: &Path| path.display().to_string();
            let tls = format!("[tls]\ncertificates = \"{}\"\nkey = \"{}\"\n", pem(&certificate), pem(&key));
            let server = self.start(&format!("{tls}[admission]\nmode = \"open\"\n"))?;
            let server_key = server.key.clone();
            let arguments =
                ["--keeper", &server.url, "--keeper-key", &server_key, "--keeper-roots", &pem(&certificate)];
            let one = self.deposit(Kind::Hizo, self.hizo, &source, &arguments, &[])?;
            let kept = server.stop()?;
            note(&mut taken, "hizo", one, kept);
            let Some(restic) = restic else { continue };
            let (server, url) = self.rclone(&certificate, &key)?;
            let arguments = ["--repo", &format!("rest:{url}"), "--cacert", &pem(&certificate)];
            let one = self.deposit(Kind::Restic, restic, &source, &arguments, &arguments)?;
            let kept = server.stop()?;
            note(&mut taken, "restic", one, kept);
        }
        Ok(taken)
    }

    /// A fresh safe or repository, and its first deposit.
    fn deposit(&self, kind: Kind, program: &Program, source: &Path, init: &[&str], deposit: &[&str]) -> Result<Taken> {
        let folder = self.folder.join(kind.name());
        data::remove(&folder)?;
        let place = Place::new(folder.clone())?;
        let run = |act: &Act<'_>, more: &[&str]| -> Result<Taken> {
            let command = acts::command(kind, program, &place, act)?;
            let mut command = command.ok_or_else(|| Failure("no such act".to_owned()))?;
            measure::measure(command.args(more), &self.folder.join("said"))
        };
        run(&Act::Init, init)?;
        let taken = run(&Act::Deposit(source), deposit)?;
        data::remove(&folder)?;
        println!("{:8} over TLS {:.2} s  cpu {:.2} s", kind.name(), taken.wall_s, taken.cpu_s);
        Ok(taken)
    }

    fn certificate(&self) -> Result<(PathBuf, PathBuf)> {
        let (certificate, key) = (self.folder.join("keeper.pem"), self.folder.join("keeper.key"));
        let mut make = Command::new("openssl");
        make.args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30"]);
        make.args(["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]);
        make.args(["-addext", "basicConstraints=critical,CA:FALSE", "-keyout"]).arg(&key).arg("-out").arg(&certificate);
        shell::output(&mut make)?;
        Ok((certificate, key))
    }

    /// The server that restic is usually tried with.
    fn rclone(&self, certificate: &Path, key: &Path) -> Result<(Running, String)> {
        let program = peers::rclone()?;
        let repository = self.folder.join("rclone");
        data::remove(&repository)?;
        fs::create_dir_all(&repository).about(&repository)?;
        // Free a moment ago.
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?.to_string();
        let mut command = program.command();
        command.args(["serve", "restic", "--addr", &address, "--config", "", "--cert"]).arg(certificate);
        command.arg("--key").arg(key).arg(&repository).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn()?;
        let running = Running {
            child: Some(child),
            url: format!("https://{address}/"),
            origin: String::new(),
            key: String::new(),
        };
        for _ in 0..ATTEMPTS {
            if std::net::TcpStream::connect(&address).is_ok() {
                let url = running.url.clone();
                return Ok((running, url));
            }
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        Err(Failure(format!("rclone did not answer at {address} in {ATTEMPTS} attempts")))
    }
}

/// New keys in so many safes at one keeper, once somebody has left the organisation that reads them: a measurement among the tests,
/// which build such safes without a command for each. It says which figures it has on lines of words.
fn many_safes(safes: u64) -> Result<Value> {
    let mut test = shell::cargo();
    test.args(["test", "--quiet", "--release", "--locked", "--package", "hizo", "--test", "all", "--"]);
    test.args(["--ignored", "--exact", "--nocapture", "rotations::new_keys_in_many_safes"]);
    let heard = shell::overhear(test.env("HIZO_SAFES", safes.to_string()))?;
    if heard.code != Some(0) {
        return Err(Failure("new keys in many safes: the measurement failed".to_owned()));
    }
    let rotated = heard.text.lines().find_map(|line| {
        let (count, seconds) = line.strip_suffix(" s")?.split_once(" safes have new keys, in ")?;
        Some((count.parse::<u64>().ok()?, seconds.parse::<f64>().ok()?))
    });
    let (rotated, wall_s) = rotated.ok_or_else(|| Failure("new keys in many safes: no figure was said".to_owned()))?;
    Ok(json!({ "safes": rotated, "wall_s": wall_s }))
}

fn note(all: &mut Value, name: &str, client: Taken, server: Taken) {
    if let Some(list) = all[name].as_array_mut() {
        list.push(
            json!({ "client": client.json(), "server_cpu_s": server.cpu_s, "server_peak_bytes": server.peak_bytes }),
        );
    }
}

/// A server that listens; it ends with this.
pub(crate) struct Running {
    child: Option<Child>,
    pub(crate) url: String,
    origin: String,
    key: String,
}

impl Running {
    /// Stops it as an operator does, and says what it took.
    pub(crate) fn stop(mut self) -> Result<Taken> {
        let child = self.child.take().ok_or_else(|| Failure("it has ended".to_owned()))?;
        shell::output(Command::new("kill").args(["-TERM", &child.id().to_string()]))?;
        let used = child.wait4()?;
        let cpu_s = (used.rusage.utime + used.rusage.stime).as_secs_f64();
        Ok(Taken { wall_s: 0.0, cpu_s, peak_bytes: used.rusage.maxrss })
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.as_mut().map(Child::kill);
    }
}
