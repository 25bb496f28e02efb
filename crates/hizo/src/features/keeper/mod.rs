//! Being a keeper that others reach over a network. It needs no safe: whoever runs it cannot read what it keeps.
//!
//! See docs/spec/service.md and docs/spec/keeper-config.md.

pub(crate) mod command;
mod config;
mod directory;
mod scrub;
mod sweep;

use std::future::Future;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use hizo_keeper::service::{
    Admission, Certificates, Copying, Limits, Listening, Scrubbing, Settings, Stamping, Sweeping, TlsError, is_private,
    serve,
};
use hizo_keeper::witness::PolicyError;
use hizo_keeper::{EmbeddedKeeper, EmbeddedLog, Error, Seeds};
use hizo_ledger::record::Origin;
use hizo_ledger::timestamp::Authority;
use zeroize::Zeroizing;

use crate::entropy::random;
use crate::failure::{Failure, Outcome, shown};
use crate::keeper::unix_seconds;
use crate::stamps::{known_local_authority, local_authority};
use crate::system;
use crate::words::words;

/// Where a keeper of this machine answers, and what it is called.
pub(crate) struct At {
    pub url: String,
    pub address: SocketAddr,
    pub origin: String,
}

/// Sets up a keeper in a folder, for this machine alone, at a port that is free, and has it answer while somebody acts; it stamps its log
/// after every pause.
///
/// # Errors
/// When it cannot be set up; and as `act`.
pub(crate) fn while_it_answers<T>(
    data: &Path,
    pause: Duration,
    act: impl FnOnce(&At) -> Outcome<T>,
) -> Outcome<(At, T)> {
    let mut plan = Plan::of(data, SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
    plan.stamps.pause = pause;
    let ready = plan.open()?.silent();
    let at = At { url: ready.url(), address: ready.address, origin: ready.keeper.origin().to_string() };
    let (over, done) = tokio::sync::oneshot::channel::<()>();
    let acted = thread::scope(|scope| {
        let answering = scope.spawn(move || ready.serve(async { drop(done.await) }));
        let acted = act(&at);
        drop(over);
        let answered = answering.join().map_err(|_| Failure::internal_message("the keeper stopped inside"));
        acted.and_then(|acted| answered?.map(|()| acted))
    })?;
    Ok((at, acted))
}

/// Is the keeper in a folder, for this machine alone, until it is stopped, and says nothing of what it is asked; `told` is called once it answers.
///
/// # Errors
/// When the address is taken.
pub(crate) fn answer(data: &Path, listen: SocketAddr, told: impl FnOnce()) -> Outcome<()> {
    Plan::of(data, listen).open()?.silent().serve(until_stopped(told))
}

async fn until_stopped(told: impl FnOnce()) {
    // Whoever is told may stop it at once.
    let Ok(asked) = system::asked_to_stop() else { return };
    told();
    asked.await;
}

/// What a keeper is to be.
struct Plan {
    data: PathBuf,
    /// The name of a keeper that is set up now.
    origin: Option<Origin>,
    listen: SocketAddr,
    tls: Option<Tls>,
    proxy: Option<IpAddr>,
    metrics: Option<SocketAddr>,
    addresses: bool,
    admission: Admission,
    stamps: Stamps,
    /// Whom the keeper asks to cosign from now on; else as before.
    witnesses: Option<Witnesses>,
    copying: Option<Copying>,
    scrubbing: Scrubbing,
    sweeping: Sweeping,
    limits: Limits,
}

/// Who stamps the log.
struct Stamps {
    authorities: Vec<Authority>,
    /// Whether the keeper stamps too.
    by_itself: bool,
    pause: Duration,
}

impl Default for Stamps {
    fn default() -> Self {
        Self { authorities: Vec::new(), by_itself: true, pause: Duration::from_secs(60) }
    }
}

impl Stamps {
    /// With the keeper's own authority, which is set up where it is to stamp and there is none.
    fn of(self, data: &Path, keeper: &Origin) -> Outcome<Stamping> {
        let Self { authorities, by_itself, pause } = self;
        let own = match by_itself {
            true => Some(local_authority(data, keeper)?),
            false => known_local_authority(data)?,
        };
        Ok(Stamping { authorities, own, by_itself, pause })
    }
}

/// The policy by which witnesses are asked, and where it was read.
struct Witnesses {
    path: PathBuf,
    policy: Vec<u8>,
}

/// Two PEM files.
struct Tls {
    certificates: PathBuf,
    key: PathBuf,
}

/// A keeper that is ready to answer.
struct Ready {
    listening: Listening,
    keeper: EmbeddedKeeper,
    log: EmbeddedLog,
    settings: Settings,
    address: SocketAddr,
}

impl Plan {
    /// A keeper in a folder, for this machine alone.
    fn of(data: &Path, listen: SocketAddr) -> Self {
        Self {
            data: data.to_owned(),
            origin: None,
            listen,
            tls: None,
            proxy: None,
            metrics: None,
            addresses: false,
            admission: Admission::Open(config::QUOTA_BYTES),
            stamps: Stamps::default(),
            witnesses: None,
            copying: None,
            scrubbing: config::usual_scrubbing(),
            sweeping: config::usual_sweeping(),
            limits: Limits::default(),
        }
    }

    /// Whether nothing goes over a network in the clear, and the certificates can be used.
    fn check(&self) -> Outcome<Option<Arc<Certificates>>> {
        if self.tls.is_none() && self.proxy.is_none() && !is_private(&self.listen) {
            let listen = self.listen;
            return Err(Failure::fixable(words!(
                "at {listen} others would reach the keeper without TLS",
                "{listen} では、ほかの機械から TLS なしで届いてしまいます"
            ))
            .hint(words!(
                "Name certificates, or the proxy in front of it, in a configuration file; or listen at 127.0.0.1.",
                "設定ファイルに証明書か手前のプロキシを書くか、127.0.0.1 で待ち受けてください。"
            )));
        }
        if let Some(metrics) = self.metrics.filter(|metrics| !is_private(metrics)) {
            return Err(Failure::fixable(words!(
                "at {metrics} others would read the metrics",
                "{metrics} では、ほかの機械から計測値が読めてしまいます"
            ))
            .hint(words!("Listen at 127.0.0.1 for them.", "計測値は 127.0.0.1 で待ち受けてください。")));
        }
        let Some(Tls { certificates, key }) = &self.tls else { return Ok(None) };
        let read = Certificates::open(certificates, key).map_err(|error| certificate_failed(certificates, error))?;
        Ok(Some(Arc::new(read)))
    }

    /// Whether it can be started, as far as can be told without making anything: a keeper of that name lies in the folder, or can, too.
    fn check_whole(&self) -> Outcome<()> {
        self.check()?;
        let data = &self.data;
        let parent = data.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        if !(data.is_dir() || parent.is_dir() && data.symlink_metadata().is_err()) {
            return Err(Failure::fixable(words!(
                "{data} is no folder, and none can be made there",
                "{data} はフォルダーではなく、そこに作ることもできません",
                data = shown(data)
            ))
            .hint(words!(
                "`data` names a folder; the one above it must be there.",
                "`data` にはフォルダーを指定します。その上のフォルダーは必要です。"
            )));
        }
        // What cannot be opened now is told at the start.
        match EmbeddedKeeper::open_embedded(data) {
            Ok(keeper) => self.is_called(&keeper),
            Err(_) => Ok(()),
        }
    }

    fn is_called(&self, keeper: &EmbeddedKeeper) -> Outcome<()> {
        let Some(origin) = self.origin.as_ref().filter(|origin| *origin != keeper.origin()) else { return Ok(()) };
        let (data, found) = (shown(&self.data), keeper.origin());
        Err(Failure::fixable(words!(
            "the keeper in {data} is {found}, not {origin}",
            "{data} の預け先は {origin} ではなく {found} です"
        ))
        .hint(words!("A keeper keeps its name for ever.", "預け先の名前は変えられません。")))
    }

    /// Opens the keeper, or sets one up where there is none, and takes the address.
    fn open(self) -> Outcome<Ready> {
        let certificates = self.check()?;
        let listener = TcpListener::bind(self.listen).map_err(|error| cannot_listen(self.listen, error))?;
        let address = listener.local_addr().map_err(|error| cannot_listen(self.listen, error))?;
        let metrics =
            self.metrics.map(|metrics| TcpListener::bind(metrics).map_err(|error| cannot_listen(metrics, error)));
        let metrics = metrics.transpose()?;
        let seeds = Seeds { origin: random(), log_key: Zeroizing::new(random()) };
        let local = Origin::local(seeds.origin);
        let keeper = EmbeddedKeeper::init_as(&self.data, self.origin.as_ref().unwrap_or(&local), &seeds)
            .map_err(Failure::from)?;
        self.is_called(&keeper)?;
        let log = EmbeddedLog::open(&self.data, &keeper).map_err(Failure::from)?;
        if let Some(Witnesses { path, policy }) = &self.witnesses {
            log.set_policy(policy).map_err(|error| match error {
                Error::Policy(error) => policy_failed(path, error),
                other => other.into(),
            })?;
        }
        let settings = Settings {
            limits: self.limits,
            admission: self.admission,
            proxy: self.proxy,
            stamping: self.stamps.of(&self.data, keeper.origin())?,
            data: self.data,
            copying: self.copying,
            scrubbing: self.scrubbing,
            sweeping: self.sweeping,
            addresses: self.addresses,
            // Where only this machine asks, and no proxy passes others on.
            metrics: metrics.is_none() && is_private(&address) && self.proxy.is_none(),
            // A reader who closed his end wants no lines.
            lines: Box::new(|line| {
                drop(io::Write::write_all(&mut io::stderr().lock(), format!("{line}\n").as_bytes()))
            }),
            clock: Box::new(unix_seconds),
            random: Box::new(random),
        };
        Ok(Ready { listening: Listening { listener, certificates, metrics }, keeper, log, settings, address })
    }
}

impl Ready {
    fn url(&self) -> String {
        let scheme = if self.listening.certificates.is_some() { "https" } else { "http" };
        format!("{scheme}://{}", self.address)
    }

    /// Without lines for an operator, where nobody is one.
    fn silent(mut self) -> Self {
        self.settings.lines = Box::new(|_| ());
        self
    }

    /// Answers until it is stopped.
    fn serve(self, stop: impl Future<Output = ()>) -> Outcome<()> {
        let address = self.address;
        serve(self.listening, self.keeper, self.log, self.settings, stop).map_err(|error| cannot_listen(address, error))
    }
}

fn cannot_listen(address: SocketAddr, error: io::Error) -> Failure {
    Failure::fixable(words!("cannot listen at {address}: {error}", "{address} で待ち受けられません（{error}）"))
        .hint(words!(
            "Choose another port, or stop what uses this one.",
            "別のポートを選ぶか、そのポートを使っているものを止めてください。"
        ))
        .source(error)
}

fn policy_failed(path: &Path, error: PolicyError) -> Failure {
    let path = shown(path);
    Failure::fixable(words!(
        "nobody can be asked to cosign by {path}: {error}",
        "{path} では連署を求められません（{error}）"
    ))
    .hint(words!(
        "A line for each witness, with its key and its http:// address, and a quorum: see docs/guide/witness.md.",
        "立会人ごとに鍵と http:// のアドレスを1行で書き、何人の連署が要るかを書きます。docs/guide/witness.ja.md を見てください。"
    ))
    .source(error)
}

fn certificate_failed(path: &Path, error: TlsError) -> Failure {
    let path = shown(path);
    Failure::fixable(words!("the certificates {path} cannot be used: {error}", "証明書 {path} は使えません（{error}）"))
        .hint(words!(
            "Name the chain of certificates and its key, as two PEM files.",
            "証明書の連鎖とその鍵を、二つの PEM ファイルで指定してください。"
        ))
        .source(error)
}
