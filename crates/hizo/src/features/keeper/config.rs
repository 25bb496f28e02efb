//! A keeper's configuration: one TOML file, every key of which is on docs/spec/keeper-config.md.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read as _;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use hizo_keeper::service::{Admission, Copying, Limits, Pace, Rate, Scrubbing, Sweeping};
use hizo_keeper::witness::WitnessPolicy;
use hizo_ledger::id::ObjectId;
use hizo_ledger::record::Origin;
use hizo_store::journal::AccountId;
use serde::Deserialize;

use super::{Plan, Stamps, Tls, Witnesses, policy_failed};
use crate::failure::{Failure, Outcome, shown};
use crate::keeper::ORPHAN_AGE;
use crate::words::{Words, words};
use crate::{log, stamps};

/// Longest configuration, in bytes: some three hundred thousand codes.
const CONFIG_BYTES_MAX: u64 = 32 << 20;

/// Shortest time from one round of copying to the next.
const COPY_PAUSE: Duration = Duration::from_secs(10);

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// What a keeper may fill where nothing else is said.
pub(super) const QUOTA_BYTES: u64 = 1 << 40;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    data: PathBuf,
    listen: SocketAddr,
    origin: Option<String>,
    metrics: Option<SocketAddr>,
    #[serde(default)]
    log_addresses: bool,
    tls: Option<TlsTable>,
    proxy: Option<ProxyTable>,
    #[serde(default)]
    admission: AdmissionTable,
    #[serde(default)]
    stamps: StampsTable,
    witnesses: Option<WitnessesTable>,
    copy: Option<CopyTable>,
    #[serde(default)]
    scrub: ScrubTable,
    #[serde(default)]
    sweep: SweepTable,
    #[serde(default)]
    limits: LimitsTable,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WitnessesTable {
    policy: PathBuf,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CopyTable {
    directory: PathBuf,
    pause_seconds: Option<u32>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct ScrubTable {
    days: Option<u32>,
    bytes_per_second: Option<u32>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct SweepTable {
    after_seconds: Option<u32>,
    pause_seconds: Option<u32>,
    names_per_second: Option<u32>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TlsTable {
    certificates: PathBuf,
    key: PathBuf,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ProxyTable {
    address: IpAddr,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct AdmissionTable {
    #[serde(default)]
    mode: Mode,
    quota_bytes: Option<u64>,
    #[serde(default)]
    codes: Vec<CodeTable>,
}

#[derive(Deserialize, Default, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum Mode {
    Open,
    Invitation,
    #[default]
    Closed,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CodeTable {
    sha256: String,
    quota_bytes: Option<u64>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct StampsTable {
    authorities: Option<PathBuf>,
    #[serde(rename = "self")]
    by_itself: Option<bool>,
    pause_seconds: Option<u32>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct LimitsTable {
    connections: Option<u32>,
    connections_of_address: Option<u32>,
    connections_of_network: Option<u32>,
    head_seconds: Option<u32>,
    answer_seconds: Option<u32>,
    stalled_seconds: Option<u32>,
    connection_seconds: Option<u32>,
    pace_grace_seconds: Option<u32>,
    pace_bytes_per_second: Option<u32>,
    requests_of_address_per_second: Option<u32>,
    requests_of_address_burst: Option<u32>,
    sessions_of_address_per_second: Option<u32>,
    sessions_of_address_burst: Option<u32>,
    requests_of_token_per_second: Option<u32>,
    requests_of_token_burst: Option<u32>,
    workers: Option<u32>,
    waiting: Option<u32>,
    publish_pause_milliseconds: Option<u32>,
    stop_seconds: Option<u32>,
}

/// Reads and checks a configuration; paths in it are taken from the folder that it lies in.
pub(super) fn read(path: &Path) -> Outcome<Plan> {
    let mut text = String::new();
    let file = fs::File::open(path).map_err(|error| Failure::file("read", path, error))?;
    file.take(CONFIG_BYTES_MAX + 1).read_to_string(&mut text).map_err(|error| Failure::file("read", path, error))?;
    if text.len() as u64 > CONFIG_BYTES_MAX {
        return Err(wrong(path, words!("it is longer than 32 MiB", "32 MiB より長くなっています")));
    }
    let file: File = toml::from_str(&text).map_err(|error| {
        let line = error.span().map_or(1, |span| text.get(..span.start).unwrap_or(&text).matches('\n').count() + 1);
        let message = error.message().lines().collect::<Vec<_>>().join(" ");
        wrong(path, words!("line {line}: {message}", "{line}行目: {message}"))
    })?;
    let beside = |named: &Path| path.parent().unwrap_or(Path::new("")).join(named);
    let origin = file.origin.as_deref().map(Origin::parse).transpose();
    let origin = origin
        .map_err(|error| wrong(path, words!("`origin` cannot be used: {error}", "`origin` は使えません（{error}）")))?;
    Ok(Plan {
        data: beside(&file.data),
        origin,
        listen: file.listen,
        tls: file.tls.map(|tls| Tls { certificates: beside(&tls.certificates), key: beside(&tls.key) }),
        proxy: file.proxy.map(|proxy| proxy.address),
        metrics: file.metrics,
        addresses: file.log_addresses,
        admission: admission(path, file.admission)?,
        stamps: stamps(path, &file.stamps, beside)?,
        witnesses: file.witnesses.map(|table| witnesses(beside(&table.policy))).transpose()?,
        copying: file
            .copy
            .map(|table| copying(path, &beside(&file.data), beside(&table.directory), &table))
            .transpose()?,
        scrubbing: scrubbing(path, &file.scrub)?,
        sweeping: sweeping(path, &file.sweep)?,
        limits: limits(path, &file.limits)?,
    })
}

fn wrong(path: &Path, what: Words) -> Failure {
    let path = shown(path);
    Failure::fixable(
        words!("the configuration {path} cannot be used: {what}", "設定ファイル {path} は使えません。{what}"; what),
    )
    .hint(words!(
        "docs/spec/keeper-config.md names every key.",
        "すべての項目は docs/spec/keeper-config.md にあります。"
    ))
}

fn admission(path: &Path, table: AdmissionTable) -> Outcome<Admission> {
    let quota = table.quota_bytes.unwrap_or(QUOTA_BYTES);
    let mut codes = BTreeMap::new();
    for (code, number) in table.codes.iter().zip(1..) {
        let hash = ObjectId::from_hex(&code.sha256).map_err(|_| {
            let said = words!(
                "code {number} of `admission.codes` has no SHA-256 in 64 lower-case digits",
                "`admission.codes` の{number}番目に、小文字64桁の SHA-256 がありません"
            );
            wrong(path, said)
        })?;
        if codes.insert(AccountId(*hash.as_bytes()), code.quota_bytes.unwrap_or(quota)).is_some() {
            let said = words!(
                "code {number} of `admission.codes` stands there twice",
                "`admission.codes` の{number}番目は重複しています"
            );
            return Err(wrong(path, said));
        }
    }
    match table.mode {
        Mode::Open if codes.is_empty() => Ok(Admission::Open(quota)),
        Mode::Open => {
            Err(wrong(path, words!("where admission is open there are no codes", "open では符号を使いません")))
        }
        Mode::Invitation => Ok(Admission::Invitation(codes)),
        Mode::Closed => Ok(Admission::Closed(codes)),
    }
}

fn stamps(path: &Path, table: &StampsTable, beside: impl Fn(&Path) -> PathBuf) -> Outcome<Stamps> {
    let usual = Stamps::default();
    let list = table.authorities.as_deref().map(|list| stamps::read_list_to_ask(&beside(list))).transpose()?;
    let pause = table.pause_seconds.map(|seconds| Duration::from_secs(seconds.into()));
    if pause == Some(Duration::ZERO) {
        return Err(wrong(path, words!("`stamps.pause_seconds` is at least 1", "`stamps.pause_seconds` は1以上です")));
    }
    Ok(Stamps {
        authorities: list.map(|(_, list)| list).unwrap_or_default(),
        by_itself: table.by_itself.unwrap_or(usual.by_itself),
        pause: pause.unwrap_or(usual.pause),
    })
}

fn witnesses(path: PathBuf) -> Outcome<Witnesses> {
    let policy = log::read_policy(&path)?;
    match WitnessPolicy::check(&policy) {
        Ok(()) => Ok(Witnesses { path, policy }),
        Err(error) => Err(policy_failed(&path, error)),
    }
}

/// A second directory is there, and is neither the first one nor within it, nor the other way round.
fn copying(path: &Path, data: &Path, directory: PathBuf, table: &CopyTable) -> Outcome<Copying> {
    if table.pause_seconds == Some(0) {
        return Err(wrong(path, words!("`copy.pause_seconds` is at least 1", "`copy.pause_seconds` は1以上です")));
    }
    let found = fs::canonicalize(&directory).ok().filter(|directory| directory.is_dir());
    let Some(found) = found else {
        let directory = shown(&directory);
        let said = words!(
            "there is no folder `copy.directory` {directory}: make it, or mount what holds it",
            "`copy.directory` のフォルダー {directory} がありません。作るか、それを含む装置をつないでください"
        );
        return Err(wrong(path, said));
    };
    // Before it is set up, the folder above has to be there.
    let own = fs::canonicalize(data).or_else(|_| {
        let above = data.parent().filter(|above| !above.as_os_str().is_empty()).unwrap_or(Path::new("."));
        fs::canonicalize(above).map(|above| above.join(data.file_name().unwrap_or_default()))
    });
    if own.is_ok_and(|own| own.starts_with(&found) || found.starts_with(&own)) {
        let said = words!(
            "`copy.directory` and `data` lie in each other: what is lost with one of them is lost with both",
            "`copy.directory` と `data` の一方が他方の中にあり、一緒に失われます"
        );
        return Err(wrong(path, said));
    }
    let pause = table.pause_seconds.map_or(COPY_PAUSE, |seconds| Duration::from_secs(seconds.into()));
    Ok(Copying { directory, pause })
}

fn scrubbing(path: &Path, table: &ScrubTable) -> Outcome<Scrubbing> {
    for (name, value) in [("days", table.days), ("bytes_per_second", table.bytes_per_second)] {
        if value == Some(0) {
            return Err(wrong(path, words!("`scrub.{name}` is at least 1", "`scrub.{name}` は1以上です")));
        }
    }
    let usual = usual_scrubbing();
    Ok(Scrubbing {
        period: table.days.map_or(usual.period, |days| DAY.saturating_mul(days)),
        bytes_per_second: table.bytes_per_second.map_or(usual.bytes_per_second, Into::into),
    })
}

fn sweeping(path: &Path, table: &SweepTable) -> Outcome<Sweeping> {
    let values = [
        ("after_seconds", table.after_seconds),
        ("pause_seconds", table.pause_seconds),
        ("names_per_second", table.names_per_second),
    ];
    for (name, value) in values {
        if value == Some(0) {
            return Err(wrong(path, words!("`sweep.{name}` is at least 1", "`sweep.{name}` は1以上です")));
        }
    }
    let usual = usual_sweeping();
    let seconds = |value: Option<u32>, usual| value.map_or(usual, |value| Duration::from_secs(value.into()));
    Ok(Sweeping {
        after: seconds(table.after_seconds, usual.after),
        pause: seconds(table.pause_seconds, usual.pause),
        names_per_second: table.names_per_second.map_or(usual.names_per_second, Into::into),
    })
}

/// How what no record names is taken away where nothing else is said.
pub(super) const fn usual_sweeping() -> Sweeping {
    let hour = Duration::from_secs(60 * 60);
    Sweeping { after: ORPHAN_AGE, pause: hour.saturating_mul(6), names_per_second: 20_000 }
}

/// How everything is read again where nothing else is said.
pub(super) fn usual_scrubbing() -> Scrubbing {
    Scrubbing { period: DAY.saturating_mul(30), bytes_per_second: 16 << 20 }
}

fn limits(path: &Path, table: &LimitsTable) -> Outcome<Limits> {
    let usual = Limits::default();
    let at_least_one = |name: &str, value: Option<u32>| match value {
        Some(0) => Err(wrong(path, words!("`limits.{name}` is at least 1", "`limits.{name}` は1以上です"))),
        other => Ok(other),
    };
    let count = |name: &str, value, usual: usize| -> Outcome<usize> {
        Ok(at_least_one(name, value)?.map_or(usual, |value| usize::try_from(value).unwrap_or(usize::MAX)))
    };
    let seconds = |name: &str, value, usual: Duration| -> Outcome<Duration> {
        Ok(at_least_one(name, value)?.map_or(usual, |value| Duration::from_secs(value.into())))
    };
    let rate = |name: &str, per_second, burst, usual: Rate| -> Outcome<Rate> {
        Ok(Rate {
            per_second: at_least_one(name, per_second)?.unwrap_or(usual.per_second),
            burst: at_least_one(name, burst)?.unwrap_or(usual.burst),
        })
    };
    let grace = seconds("pace_grace_seconds", table.pace_grace_seconds, usual.pace.grace)?;
    let bytes_per_second = at_least_one("pace_bytes_per_second", table.pace_bytes_per_second)?;
    let bytes_per_second = bytes_per_second.unwrap_or(usual.pace.bytes_per_second);
    let of_address = (table.requests_of_address_per_second, table.requests_of_address_burst);
    let starts = (table.sessions_of_address_per_second, table.sessions_of_address_burst);
    let of_token = (table.requests_of_token_per_second, table.requests_of_token_burst);
    let pause = at_least_one("publish_pause_milliseconds", table.publish_pause_milliseconds)?;
    Ok(Limits {
        connections: count("connections", table.connections, usual.connections)?,
        connections_of_address: count(
            "connections_of_address",
            table.connections_of_address,
            usual.connections_of_address,
        )?,
        connections_of_network: count(
            "connections_of_network",
            table.connections_of_network,
            usual.connections_of_network,
        )?,
        head: seconds("head_seconds", table.head_seconds, usual.head)?,
        answer: seconds("answer_seconds", table.answer_seconds, usual.answer)?,
        stalled: seconds("stalled_seconds", table.stalled_seconds, usual.stalled)?,
        connection: seconds("connection_seconds", table.connection_seconds, usual.connection)?,
        pace: Pace { grace, bytes_per_second },
        rate_of_address: rate("requests_of_address_*", of_address.0, of_address.1, usual.rate_of_address)?,
        starts_of_address: rate("sessions_of_address_*", starts.0, starts.1, usual.starts_of_address)?,
        rate_of_token: rate("requests_of_token_*", of_token.0, of_token.1, usual.rate_of_token)?,
        workers: count("workers", table.workers, usual.workers)?,
        waiting: count("waiting", table.waiting, usual.waiting)?,
        certificates_pause: usual.certificates_pause,
        publish_pause: pause.map_or(usual.publish_pause, |pause| Duration::from_millis(pause.into())),
        stop: seconds("stop_seconds", table.stop_seconds, usual.stop)?,
    })
}
