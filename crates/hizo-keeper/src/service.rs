//! The keeper over HTTP/1.1, for everybody who is let in. No route names what people do.
//!
//! See docs/spec/service.md. Everything that comes from outside has a limit, and whatever waits for the disk does so on
//! `workers`, away from the connections.

mod about;
mod accepting;
mod admission;
mod answer;
mod bodies;
mod body;
mod copier;
mod gate;
mod objects;
mod publisher;
mod rates;
mod records;
mod sessions;
mod stamper;
mod sweeper;
mod telling;
mod tls;
mod workers;

use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::from_fn_with_state;
use axum::routing::{MethodRouter, get, post, put};
use hizo_ledger::id::SpaceId;
use hizo_ledger::identity::VerifyingKey;
use hizo_ledger::object::OBJECT_BYTES_MAX;
use hizo_ledger::session::Verbs;
use hizo_ledger::space::{Head, SessionBy};

use hizo_store::Journal as _;
use hizo_store::journal::Page;

use crate::spaces::{self, Payer};
use crate::{Copied, Directories, EmbeddedKeeper, EmbeddedLog, SecondCopy};

use admission::{Account, Unnamed};
use answer::Refusal;
use rates::Rates;
use sessions::{Granted, Sessions, TokenHash, token_of};
use telling::Telling;
use workers::Workers;

pub use admission::{Admission, CODE_BYTES_MAX};
pub use body::Pace;
pub use copier::{Copying, Scrubbing};
pub use rates::Rate;
pub use sessions::TOKEN_SECONDS;
pub use stamper::Stamping;
pub use sweeper::Sweeping;
pub use telling::Lines;
pub use tls::{Certificates, TlsError};

/// How much of the keeper others may take up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Connections at once. When all are taken, one without a request makes room for whoever comes.
    pub connections: usize,
    /// Connections at once of one address; more are closed.
    pub connections_of_address: usize,
    /// Connections at once of one network: an IPv4 /24, an IPv6 /48.
    pub connections_of_network: usize,
    /// Longest wait for a request's head, for the next request on a connection, and for a TLS handshake.
    pub head: Duration,
    /// Longest time from a request's head to its answer's, for requests whose body is small.
    pub answer: Duration,
    /// Longest time in which the other side takes nothing of an answer, or sends nothing of a body.
    pub stalled: Duration,
    /// Longest life of a connection.
    pub connection: Duration,
    /// How slowly a body may come.
    pub pace: Pace,
    /// Requests of one address.
    pub rate_of_address: Rate,
    /// Sessions that start from one address: each is remembered for two minutes, and so many are at most.
    pub starts_of_address: Rate,
    /// Requests with one token.
    pub rate_of_token: Rate,
    /// Threads that wait for the disk.
    pub workers: usize,
    /// Requests that wait for such a thread; more are sent away.
    pub waiting: usize,
    /// Shortest time from one published head of the log to the next.
    pub publish_pause: Duration,
    /// How often the files of certificates are looked at.
    pub certificates_pause: Duration,
    /// Longest wait at the end for requests that have begun.
    pub stop: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self {
            connections: 2_048,
            connections_of_address: 256,
            connections_of_network: 1_024,
            head: seconds(15),
            answer: seconds(60),
            stalled: seconds(30),
            connection: seconds(60 * 60),
            pace: Pace { grace: seconds(20), bytes_per_second: 16 << 10 },
            rate_of_address: Rate { per_second: 2_000, burst: 4_000 },
            // In two minutes a quarter of those that are remembered.
            starts_of_address: Rate { per_second: 500, burst: 2_000 },
            rate_of_token: Rate { per_second: 200, burst: 1_000 },
            workers: 64,
            waiting: 4_096,
            publish_pause: Duration::from_millis(200),
            certificates_pause: seconds(30),
            stop: seconds(30),
        }
    }
}

/// What a service needs besides its keeper.
pub struct Settings {
    /// How much others may take up.
    pub limits: Limits,
    /// Who may begin a space.
    pub admission: Admission,
    /// The proxy whose `X-Forwarded-For` is believed.
    pub proxy: Option<IpAddr>,
    /// Whether lines about requests have the sender's address.
    pub addresses: bool,
    /// Whether `/metrics` is answered beside everything else: on loopback.
    pub metrics: bool,
    /// Who stamps the log.
    pub stamping: Stamping,
    /// The keeper's folder.
    pub data: PathBuf,
    /// The second directory, if there is one.
    pub copying: Option<Copying>,
    /// How everything is read again.
    pub scrubbing: Scrubbing,
    /// How what no record names is taken away.
    pub sweeping: Sweeping,
    /// Where lines about what happens go.
    pub lines: Lines,
    /// Seconds since 1970.
    pub clock: crate::Clock,
    /// 32 bytes straight from the system's random source, for each token.
    pub random: Box<dyn Fn() -> [u8; 32] + Send + Sync>,
}

/// Where sessions start.
const SESSIONS: &str = "/v1/sessions";

/// How many requests are taken from whom.
struct Rated {
    of_address: Rates<IpAddr>,
    of_token: Rates<TokenHash>,
    starts_of_address: Rates<IpAddr>,
}

/// What all requests share.
struct Shared {
    keeper: Arc<EmbeddedKeeper>,
    log: EmbeddedLog,
    sessions: Sessions,
    admission: Admission,
    unnamed: Arc<Unnamed>,
    workers: Workers,
    limits: Limits,
    rates: Rated,
    proxy: Option<IpAddr>,
    addresses: bool,
    telling: Telling,
    bell: publisher::Bell,
    stamping: Stamping,
    stamper: stamper::Bell,
    /// The keeper's folder.
    data: PathBuf,
    directories: Directories,
    copying: Option<Copying>,
    copied: Arc<Copied>,
    copier: publisher::Bell,
    /// The second directory, once it is known to be this keeper's.
    second: Mutex<Option<Arc<SecondCopy>>>,
    scrubbing: Scrubbing,
    scrubber: publisher::Bell,
    sweeping: Sweeping,
    sweeper: publisher::Bell,
    /// As the last publishing said.
    log_goes_on: AtomicBool,
    clock: crate::Clock,
    random: Box<dyn Fn() -> [u8; 32] + Send + Sync>,
}

/// Where a service listens, and how.
pub struct Listening {
    /// Where requests come in.
    pub listener: TcpListener,
    /// The certificates with which it answers for itself; without them it speaks plainly.
    pub certificates: Option<Arc<Certificates>>,
    /// Where `/metrics` is answered, and nothing else.
    pub metrics: Option<TcpListener>,
}

/// Answers requests until `stop` is done. Those that have begun are then answered, and the log is published.
///
/// # Errors
/// Those of the system before the first connection is taken.
pub fn serve(
    listening: Listening,
    keeper: EmbeddedKeeper,
    log: EmbeddedLog,
    settings: Settings,
    stop: impl Future<Output = ()>,
) -> io::Result<()> {
    let directories = Directories::open(&settings.data).map_err(io::Error::other)?;
    let limits = settings.limits;
    let (stamper, events) = stamper::Bell::new();
    let shared = Arc::new(Shared {
        sessions: Sessions::new((settings.clock)()),
        keeper: Arc::new(keeper),
        log,
        admission: settings.admission,
        unnamed: Arc::default(),
        workers: Workers::new(limits.workers, limits.waiting),
        rates: Rated {
            of_address: Rates::new(limits.rate_of_address),
            of_token: Rates::new(limits.rate_of_token),
            starts_of_address: Rates::new(limits.starts_of_address),
        },
        proxy: settings.proxy,
        addresses: settings.addresses,
        telling: Telling::new(settings.lines),
        bell: publisher::Bell::default(),
        stamping: settings.stamping,
        stamper,
        data: settings.data,
        directories,
        copying: settings.copying,
        copied: Arc::default(),
        copier: publisher::Bell::default(),
        second: Mutex::default(),
        scrubbing: settings.scrubbing,
        scrubber: publisher::Bell::default(),
        sweeping: settings.sweeping,
        sweeper: publisher::Bell::default(),
        log_goes_on: AtomicBool::new(true),
        clock: settings.clock,
        random: settings.random,
        limits,
    });
    let publisher = publisher::start(Arc::clone(&shared), shared.limits.publish_pause)?;
    let stamper = stamper::start(Arc::clone(&shared), events)?;
    let [copier, scrubber] = copier::start(&shared)?;
    let behind = [copier, scrubber, sweeper::start(&shared)?];
    // What was kept before the last end and not published, or not stamped.
    shared.bell.ring();
    shared.copier.ring();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .max_blocking_threads(shared.limits.workers)
        .enable_all()
        .build()?;
    let served = runtime.block_on(accepting::accept(&shared, listening, settings.metrics, stop));
    drop(runtime);
    // First, so that what it is keeping is published.
    shared.stamper.tell(stamper::Event::End);
    let stamped = stamper.join();
    shared.bell.end();
    shared.copier.end();
    shared.scrubber.end();
    shared.sweeper.end();
    if stamped.is_err() {
        return Err(io::Error::other("the stamper panicked"));
    }
    if publisher.join().is_err() {
        return Err(io::Error::other("the publisher panicked"));
    }
    behind.iter().for_each(|working| working.wait(shared.limits.stop));
    served
}

/// The whole router.
fn router(shared: &Arc<Shared>, metrics: bool) -> Router {
    let mut router = Router::new();
    for (path, methods) in routes() {
        router = router.route(path, methods);
    }
    if metrics {
        router = router.route("/metrics", get(about::metrics));
    }
    router
        .fallback(|| async { Refusal::not_found() })
        .method_not_allowed_fallback(|| async {
            let sentence = "this address has other methods; compare with openapi.json";
            Refusal::new(StatusCode::METHOD_NOT_ALLOWED, "Method", sentence)
        })
        .layer(from_fn_with_state(Arc::clone(shared), gate::pass))
        .with_state(Arc::clone(shared))
}

fn routes() -> [(&'static str, MethodRouter<Arc<Shared>>); 10] {
    [
        ("/v1/keeper", get(about::keeper)),
        (SESSIONS, post(about::session)),
        ("/v1/spaces/{space}", post(records::begin).get(records::slot_key)),
        ("/v1/spaces/{space}/objects/{object}", put(objects::put).get(objects::get)),
        ("/v1/spaces/{space}/records", post(records::append).get(records::page)),
        ("/v1/spaces/{space}/records/{record}/receipt", get(records::receipt)),
        ("/log/{*path}", get(about::published)),
        ("/directories/{*path}", get(about::handed_out)),
        ("/health", get(about::health)),
        ("/openapi.json", get(about::openapi)),
    ]
}

/// What a request wants to do in a space.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Need {
    Read,
    Put,
    Append,
    Begin,
}

/// Length of an object that may be put in a session of the recovery key, at most: the body of the one record that it signs
/// holds a certificate.
const RECOVERY_OBJECT_BYTES_MAX: u64 = 64 << 10;

/// Whoever was let in.
struct Admitted {
    key: VerifyingKey,
    begins: Option<Account>,
    /// The key is the recovery key, and no other record than its own is taken in this session.
    recovers: bool,
}

impl Admitted {
    const fn object_bytes_max(&self) -> u64 {
        if self.recovers { RECOVERY_OBJECT_BYTES_MAX } else { OBJECT_BYTES_MAX }
    }
}

impl Shared {
    fn now(&self) -> u64 {
        (self.clock)()
    }

    /// Who pays for a space: the account of its genesis, or of whoever is about to begin it. `None` for a space that was not
    /// begun over HTTP.
    fn payer(&self, space: SpaceId, begins: Option<Account>) -> Result<Option<Payer>, crate::Error> {
        let alone = begins.is_some_and(|begins| begins.once);
        let account = match begins {
            // Whoever else may have claimed it.
            Some(begins) if self.keeper.head(space)?.is_none() => Some(begins.id),
            Some(_) | None => self.keeper.journal().account(space)?,
        };
        Ok(account.map(|account| Payer { account, quota: self.admission.quota(account), alone }))
    }

    /// Whether the request's token lets it do this in the space, as its chain is now. `None` for what anybody may.
    async fn admitted(&self, headers: &HeaderMap, space: SpaceId, need: Need) -> Result<Option<Admitted>, Refusal> {
        let Some((token, granted)) = self.granted(headers, space, need)? else { return Ok(None) };
        let (keeper, key) = (Arc::clone(&self.keeper), granted.key);
        let standing = self.workers.run_in(space, move || Standing::of(&keeper, space, &key)).await?;
        self.judge(token, &granted, standing, need).map(Some)
    }

    /// A page of the space's records, if the request's token lets it be read as its chain was then: from number `from`, at most
    /// `limit`.
    async fn page(
        &self,
        headers: &HeaderMap,
        space: SpaceId,
        from: u64,
        limit: usize,
    ) -> Result<Option<Page>, Refusal> {
        let keeper = Arc::clone(&self.keeper);
        let Some((token, granted)) = self.granted(headers, space, Need::Read)? else {
            return self.workers.run(move || keeper.page(space, from, limit)).await;
        };
        let key = granted.key;
        let looked_up = self.workers.run_in(space, move || {
            let page = keeper.page(space, from, limit)?;
            let head = page.as_ref().map(|page| page.head);
            Ok((Standing::at(&keeper, space, head, &key)?, page))
        });
        let (standing, page) = looked_up.await?;
        self.judge(token, &granted, standing, Need::Read)?;
        Ok(page)
    }

    /// What the request's token stands for, if it is one for such a request. `None` for what anybody may.
    fn granted(
        &self,
        headers: &HeaderMap,
        space: SpaceId,
        need: Need,
    ) -> Result<Option<(TokenHash, Granted)>, Refusal> {
        if space == self.log.own().id() {
            return if need == Need::Read { Ok(None) } else { Err(own_space()) };
        }
        let needed =
            || Refusal::unauthorized("TokenNeeded", "start a session and send its token as `Authorization: Bearer`");
        let token = token_of(headers).ok_or_else(needed)?;
        let granted = self.sessions.find(token, self.now())?;
        if granted.space != space {
            return Err(Refusal::forbidden(
                "OtherSpace",
                "the token is for another space; start a session for this one",
            ));
        }
        if need != Need::Read && granted.verbs != Verbs::ReadWrite {
            return Err(Refusal::forbidden("ReadOnly", "the session is one that reads; start one with `read write`"));
        }
        Ok(Some((token, granted)))
    }

    fn judge(&self, token: TokenHash, granted: &Granted, standing: Standing, need: Need) -> Result<Admitted, Refusal> {
        let (key, begins) = (granted.key, granted.begins);
        match standing {
            Standing::By(SessionBy::Waiting { until }) if need != Need::Read && self.now() < until => {
                let sentence =
                    "whoever the recovery key let in reads, and does nothing else before the delay has passed";
                Err(Refusal::forbidden("Waiting", sentence))
            }
            Standing::By(by) => Ok(Admitted { key, begins, recovers: by == SessionBy::Recovery }),
            Standing::NotBegun if begins.is_some() && matches!(need, Need::Put | Need::Begin) => {
                Ok(Admitted { key, begins, recovers: false })
            }
            Standing::NotBegun => Err(Refusal::new(StatusCode::NOT_FOUND, "NotBegun", "the space has not begun here")),
            Standing::Stranger => {
                self.sessions.end(token);
                let sentence = "the session's key starts no session in this space any more; ask an admin of the space";
                Err(Refusal::forbidden("NotMember", sentence))
            }
        }
    }
}

/// What a session's key is to a space.
enum Standing {
    /// It starts sessions.
    By(SessionBy),
    /// To a space that has begun.
    Stranger,
    NotBegun,
}

impl Standing {
    fn of(keeper: &EmbeddedKeeper, space: SpaceId, key: &VerifyingKey) -> Result<Self, crate::Error> {
        Self::at(keeper, space, keeper.head(space)?, key)
    }

    /// As it is where this head was just read.
    fn at(
        keeper: &EmbeddedKeeper,
        space: SpaceId,
        head: Option<Head>,
        key: &VerifyingKey,
    ) -> Result<Self, crate::Error> {
        let Some(head) = head else { return Ok(Self::NotBegun) };
        Ok(spaces::session_by(keeper, space, head, key)?.map_or(Self::Stranger, Self::By))
    }
}

/// Stamps stand in the keeper's own space. Whoever began it in the keeper's place would keep them out for ever.
fn own_space() -> Refusal {
    Refusal::forbidden("OwnSpace", "this is the keeper's own space, which is read without a session")
}

/// An address at which no more than this machine can listen.
pub fn is_private(address: &SocketAddr) -> bool {
    address.ip().to_canonical().is_loopback()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    #[test]
    fn the_description_has_the_routers_routes() {
        let routes: BTreeSet<_> = super::routes().into_iter().map(|(path, _)| path.replace('*', "")).collect();
        let described: BTreeSet<_> = super::about::DESCRIBED.iter().map(|described| described.1.to_owned()).collect();
        assert_eq!(described, routes);
    }
}
