//! A keeper at an address: what [`Keeper`](crate::Keeper) does, asked over HTTP. See docs/spec/service.md.
//!
//! Nothing that it answers is believed here: records are checked by the chain, objects by their hash, the log by its tree,
//! each by whoever asked. Every request can be repeated, so what a broken line took is asked again.

mod memory;
mod stamps;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hizo_ledger::id::{KeyName, ObjectId, RecordId, SpaceId};
use hizo_ledger::log::note::NamedKey;
use hizo_ledger::object::OBJECT_BYTES_MAX;
use hizo_ledger::path::is_unseen;
use hizo_ledger::record::{self, ClaimedTime, Origin};
use hizo_ledger::space::Head;
use hizo_ledger::timestamp::AUTHORITIES_MAX;
use hizo_store::NamedBytes;
use hizo_store::published::PUBLISHED_BYTES_MAX;
use serde_json::Value;
use ureq::http::Response;
use ureq::tls::RootCerts;
use ureq::{Agent, Body};

use crate::Error;
use crate::directories;
use crate::http::{self, Patience};
use crate::stamp::is_file_name;

/// Length of an answer, at most, where nothing less is said: nothing that a keeper holds is longer than an object.
const ANSWER_BYTES_MAX: u64 = OBJECT_BYTES_MAX;
/// Length of what a keeper says of itself, at most.
const FACTS_BYTES_MAX: u64 = 64 << 10;
/// Length of what a keeper says beside an error that is handed on, at most.
const SAID_CHARS_MAX: usize = 300;
/// The longest that a keeper may ask to be left alone for at once.
const PAUSE_MAX: Duration = Duration::from_secs(30);
/// How often one that has never answered is waited for between two tries: most likely nobody is there.
const WAITS_FOR_A_STRANGER: usize = 2;
/// How many sessions are begun for one question: a keeper that is started anew knows none of those before.
const SESSIONS_MAX: usize = 5;
/// A session is begun anew when less than this is left of it.
const SESSION_REST: Duration = Duration::from_secs(30);

/// How long a keeper is waited for.
pub fn patience() -> Patience {
    let between = [200, 500, 1_000, 2_000, 5_000].map(Duration::from_millis).to_vec();
    Patience { connect: Duration::from_secs(10), answer: Duration::from_secs(300), between }
}

/// Composes and signs the note that starts a session with a keeper of this origin: for a space, at this time.
pub type Composer = Box<dyn Fn(&Origin, SpaceId, ClaimedTime) -> Option<String> + Send + Sync>;

/// What a keeper says of itself. Whoever joins compares it with what he was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// Its name.
    pub origin: Origin,
    /// The key that signs its log.
    pub log_key: NamedKey,
    /// The key that signs its receipts.
    pub receipt_key: NamedKey,
    /// Its own space, whose records are its stamps.
    pub own_space: SpaceId,
    /// Who stamps its log; `None` when it says nothing of it.
    pub stamping: Option<Stamping>,
}

/// Who stamps a keeper's log, as it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stamping {
    /// The names that it has for outside authorities.
    pub authorities: Vec<String>,
    /// Whether it stamps for itself.
    pub by_itself: bool,
    /// The root of its own stamps, in DER, when it has ever had one.
    pub own_root: Option<Vec<u8>>,
    /// Nobody is asked more often than once in so many seconds.
    pub pause_seconds: u64,
}

impl Stamping {
    fn read(said: &Value) -> Option<Self> {
        let root = said.get("self_root")?;
        let names = said.get("authorities")?.as_array().filter(|names| names.len() <= AUTHORITIES_MAX)?;
        let name = |name: &Value| name.as_str().filter(|name| is_file_name(name)).map(str::to_owned);
        Some(Self {
            authorities: names.iter().map(name).collect::<Option<_>>()?,
            by_itself: said.get("self")?.as_bool()?,
            own_root: if root.is_null() { None } else { Some(STANDARD.decode(root.as_str()?).ok()?) },
            pause_seconds: said.get("pause_seconds")?.as_u64()?,
        })
    }
}

/// A keeper at an address.
///
/// Threads may share one.
pub struct RemoteKeeper {
    agent: Agent,
    base: String,
    origin: Origin,
    compose: Composer,
    clock: fn() -> u64,
    patience: Patience,
    /// Lets a space begin that has not begun; taken by the first session.
    admission: Option<String>,
    sessions: Mutex<BTreeMap<SpaceId, Session>>,
    /// What it said of itself when it was asked first.
    facts: OnceLock<Facts>,
    /// It has answered something.
    answered: AtomicBool,
    /// It was waited for in vain, and nobody waits for it any more.
    given_up: AtomicBool,
    /// Where answers of its log are written down.
    memory: Option<memory::Memory>,
}

struct Session {
    token: String,
    until: Instant,
}

/// A record that a keeper says it keeps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Promised {
    /// Its receipt: the keeper's signed promise.
    pub receipt: Vec<u8>,
    /// Its place in the log, from 0, as the keeper says.
    pub position: Option<u64>,
}

/// Records of a space in order, as many as the keeper gave at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The notes.
    pub notes: Vec<Vec<u8>>,
    /// The head of the space, as the keeper says.
    pub head: Option<Head>,
}

impl RemoteKeeper {
    /// The keeper of this name at `address`, `https://…` or, on this machine, `http://…`; nobody is asked yet.
    /// It must have a certificate by one of `roots`, a PEM file; without them, by one of those that browsers trust.
    ///
    /// # Errors
    /// [`Error::Address`] when that is no such address; [`Error::Roots`] when `roots` is no PEM file of certificates.
    pub fn new(
        address: &str,
        origin: Origin,
        compose: Composer,
        clock: fn() -> u64,
        patience: Patience,
        roots: Option<&[u8]>,
    ) -> Result<Self, Error> {
        let base = address.trim_end_matches('/').to_owned();
        if !is_address(&base) {
            return Err(Error::Address);
        }
        let roots = match roots {
            Some(pem) => http::roots(pem).ok_or(Error::Roots)?,
            None => RootCerts::WebPki,
        };
        let agent = http::agent_that_trusts(patience.connect, patience.answer, roots);
        let (admission, sessions, facts) = (None, Mutex::default(), OnceLock::new());
        let (answered, given_up) = (AtomicBool::new(false), AtomicBool::new(false));
        Ok(Self {
            agent,
            base,
            origin,
            compose,
            clock,
            patience,
            admission,
            sessions,
            facts,
            answered,
            given_up,
            memory: None,
        })
    }

    /// What the keeper at an address says of itself, for whoever does not know it yet.
    ///
    /// # Errors
    /// [`Error::Address`], and those of [`RemoteKeeper::facts`].
    pub fn introduce(address: &str, patience: Patience, roots: Option<&[u8]>) -> Result<Facts, Error> {
        Self::of_nobody(address, patience, roots)?.facts().cloned()
    }

    /// The keeper at an address, whatever its name, for whoever asks for what anybody may read: no session is begun.
    ///
    /// # Errors
    /// As [`RemoteKeeper::new`].
    pub fn of_nobody(address: &str, patience: Patience, roots: Option<&[u8]>) -> Result<Self, Error> {
        Self::new(address, Origin::local([0; 16]), Box::new(|_, _, _| None), || 0, patience, roots)
    }

    /// With a code that lets a space begin here.
    #[must_use]
    pub fn admitted_by(mut self, code: String) -> Self {
        self.admission = Some(code);
        self
    }

    /// Where it is.
    pub fn address(&self) -> &str {
        &self.base
    }

    /// What it says of itself; it is asked once.
    ///
    /// # Errors
    /// [`Error::Unreachable`], [`Error::Refused`], [`Error::Answer`].
    pub fn facts(&self) -> Result<&Facts, Error> {
        if let Some(facts) = self.facts.get() {
            return Ok(facts);
        }
        let bytes_max = FACTS_BYTES_MAX;
        let answer = self.ask(&Question { path: "/v1/keeper", bytes_max, ..Question::default() })?;
        let said: Value = serde_json::from_slice(&answer.expect(&[200])?.body).map_err(|_| Error::Answer)?;
        let text = |key: &str| said.get(key).and_then(Value::as_str).ok_or(Error::Answer);
        let facts = Facts {
            origin: Origin::parse(text("origin")?).map_err(|_| Error::Answer)?,
            log_key: NamedKey::parse(text("log_key")?).map_err(|_| Error::Answer)?,
            receipt_key: NamedKey::parse(text("receipt_key")?).map_err(|_| Error::Answer)?,
            own_space: SpaceId::from_hex(text("own_space")?).map_err(|_| Error::Answer)?,
            stamping: said.get("stamps").and_then(Stamping::read),
        };
        Ok(self.facts.get_or_init(|| facts))
    }

    /// Makes an object durable there.
    ///
    /// # Errors
    /// [`Error::Unreachable`], [`Error::Refused`].
    pub fn put(&self, space: SpaceId, object: &NamedBytes) -> Result<(), Error> {
        let path = object_path(space, object.id());
        self.within(space, Method::Put, &path, Some(object.as_bytes()))?.expect(&[200, 201])?;
        Ok(())
    }

    /// Begins a space, as [`Keeper::create_space`](crate::Keeper::create_space) does.
    ///
    /// # Errors
    /// The same, [`Error::Unreachable`], [`Error::Refused`].
    pub fn create_space(&self, space: SpaceId, note: &[u8], slot_key: &[u8; 32]) -> Result<Promised, Error> {
        let note = std::str::from_utf8(note).map_err(|_| Error::NotGenesis)?;
        let body = serde_json::json!({ "note": note, "slot_key": STANDARD.encode(slot_key) }).to_string();
        let path = format!("/v1/spaces/{space}");
        self.within(space, Method::Post, &path, Some(body.as_bytes()))?.promised()
    }

    /// Has a space that comes from another keeper taken over, as [`Keeper::take_over`](crate::Keeper::take_over) does: with the
    /// note by which it moves, and objects that hold the notes before it, one after the other. `absent` lists, an id a line, what
    /// nobody has any more.
    ///
    /// # Errors
    /// The same, [`Error::Unreachable`], [`Error::Refused`].
    pub fn take_over(
        &self,
        space: SpaceId,
        note: &[u8],
        slot_key: &[u8; 32],
        before: &[ObjectId],
        absent: Option<ObjectId>,
    ) -> Result<Promised, Error> {
        let note = std::str::from_utf8(note).map_err(|_| Error::NotGenesis)?;
        let before: Vec<_> = before.iter().map(ToString::to_string).collect();
        let mut body =
            serde_json::json!({ "note": note, "slot_key": STANDARD.encode(slot_key), "before": before.join(" ") });
        if let (Some(absent), Some(body)) = (absent, body.as_object_mut()) {
            body.insert("absent".to_owned(), absent.to_string().into());
        }
        let path = format!("/v1/spaces/{space}");
        self.within(space, Method::Post, &path, Some(body.to_string().as_bytes()))?.promised()
    }

    /// The slot key of a space; whoever asks compares its hash with the one in record 0.
    ///
    /// # Errors
    /// [`Error::Unreachable`], [`Error::Refused`], [`Error::Answer`].
    pub fn slot_key(&self, space: SpaceId) -> Result<[u8; 32], Error> {
        let answer = self.within(space, Method::Get, &format!("/v1/spaces/{space}"), None)?.expect(&[200])?;
        let said: Value = serde_json::from_slice(&answer.body).map_err(|_| Error::Answer)?;
        let key = said.get("slot_key").and_then(Value::as_str).and_then(|text| STANDARD.decode(text).ok());
        key.and_then(|key| key.try_into().ok()).ok_or(Error::Answer)
    }

    /// Appends a record, as [`Keeper::append`](crate::Keeper::append) does.
    ///
    /// # Errors
    /// The same, [`Error::Unreachable`], [`Error::Refused`].
    pub fn append(&self, space: SpaceId, note: &[u8]) -> Result<Promised, Error> {
        let path = format!("/v1/spaces/{space}/records");
        self.within(space, Method::Post, &path, Some(note))?.promised()
    }

    /// A page of records from number `from` on. It is empty behind the head.
    ///
    /// # Errors
    /// [`Error::NotBegun`], [`Error::Unreachable`], [`Error::Refused`], [`Error::Answer`].
    pub fn records(&self, space: SpaceId, from: u64) -> Result<Page, Error> {
        let path = format!("/v1/spaces/{space}/records?from={from}");
        let answer = self.within(space, Method::Get, &path, None)?;
        if answer.status == 404 {
            return Err(Error::NotBegun);
        }
        let answer = answer.expect(&[200])?;
        let notes = record::split_notes(&answer.body).ok_or(Error::Answer)?;
        Ok(Page { notes: notes.into_iter().map(<[u8]>::to_vec).collect(), head: answer.head })
    }

    /// The promise for a record, and its place in the log; `None` when there is no such record.
    ///
    /// # Errors
    /// [`Error::Unreachable`], [`Error::Refused`].
    pub fn receipt(&self, space: SpaceId, number: u64) -> Result<Option<Promised>, Error> {
        let path = format!("/v1/spaces/{space}/records/{number}/receipt");
        let answer = self.within(space, Method::Get, &path, None)?;
        if answer.status == 404 { Ok(None) } else { answer.promised().map(Some) }
    }

    /// An object's bytes as they came; the reader checks their hash. `None` when it is not there.
    ///
    /// # Errors
    /// [`Error::Unreachable`], [`Error::Refused`].
    pub fn object(&self, space: SpaceId, id: ObjectId) -> Result<Option<Vec<u8>>, Error> {
        self.within(space, Method::Get, &object_path(space, id), None)?.found()
    }

    /// The length of an object, as the keeper says; `None` when it is not there.
    ///
    /// # Errors
    /// [`Error::Unreachable`], [`Error::Refused`], [`Error::Answer`].
    pub fn object_length(&self, space: SpaceId, id: ObjectId) -> Result<Option<u64>, Error> {
        let answer = self.within(space, Method::Head, &object_path(space, id), None)?;
        if answer.status == 404 {
            return Ok(None);
        }
        answer.expect(&[200])?.length.map(Some).ok_or(Error::Answer)
    }

    /// A file that the log publishes, by its path below the log; `None` when it is not there.
    ///
    /// # Errors
    /// [`Error::Unreachable`], [`Error::Refused`]; [`Error::Answer`] for one that is longer than a published file can be.
    pub fn published(&self, path: &str) -> Result<Option<Vec<u8>>, Error> {
        self.file(&format!("/log/{path}"))
    }

    /// A directory of organisations of this publisher that the keeper hands out, and the proof that came with it, as ZIP. Nothing of
    /// either is checked here. `None` when it hands none of this number out, or none with its proof.
    ///
    /// # Errors
    /// [`Error::Unreachable`], [`Error::Refused`].
    pub fn handed_out(&self, publisher: KeyName, serial: u64) -> Result<Option<(Vec<u8>, Vec<u8>)>, Error> {
        let ask = |path: String| self.file(&format!("/directories/{path}"));
        let Some(note) = ask(directories::note_path(publisher, serial))? else { return Ok(None) };
        Ok(ask(directories::proof_path(publisher, serial))?.map(|proof| (note, proof)))
    }

    /// A published file, which anybody may read.
    fn file(&self, path: &str) -> Result<Option<Vec<u8>>, Error> {
        self.ask(&Question { path, bytes_max: PUBLISHED_BYTES_MAX as u64, ..Question::default() })?.found()
    }

    /// Asks within a session of the space, if it takes one, and again in a new one when the keeper does not know the last any more.
    fn within(&self, space: SpaceId, method: Method, path: &str, body: Option<&[u8]>) -> Result<Answer, Error> {
        if self.is_written_down() {
            return self.ask(&Question { method, path, body, ..Question::default() });
        }
        // The keeper's own space is read by anybody, and nobody is a member of it who could start a session there.
        if self.facts.get().is_some_and(|facts| facts.own_space == space) {
            return self.ask(&Question { method, path, body, ..Question::default() });
        }
        for left in (0..SESSIONS_MAX).rev() {
            let token = self.token(space)?;
            let answer = self.ask(&Question { method, path, body, token: Some(&token), ..Question::default() })?;
            if answer.status != 401 || left == 0 {
                return Ok(answer);
            }
            lock(&self.sessions).remove(&space);
        }
        Err(Error::Answer)
    }

    fn token(&self, space: SpaceId) -> Result<String, Error> {
        // Held while a session is begun: of many threads one asks for it.
        let mut sessions = lock(&self.sessions);
        let rest = |session: &&Session| session.until.saturating_duration_since(Instant::now()) > SESSION_REST;
        if let Some(session) = sessions.get(&space).filter(rest) {
            return Ok(session.token.clone());
        }
        let asked = Instant::now();
        let answer = self.patiently(|| self.begin_session(space))?;
        if let (401, Some(there)) = (answer.status, answer.time) {
            return Err(Error::ClockApart { here: (self.clock)(), there });
        }
        let answer = answer.expect(&[200, 201])?;
        let said: Value = serde_json::from_slice(&answer.body).map_err(|_| Error::Answer)?;
        let token = said.get("token").and_then(Value::as_str).filter(|token| is_token(token));
        let seconds = said.get("seconds").and_then(Value::as_u64).unwrap_or(0);
        let token = token.ok_or(Error::Answer)?.to_owned();
        sessions.insert(space, Session { token: token.clone(), until: asked + Duration::from_secs(seconds.min(900)) });
        Ok(token)
    }

    /// Asks once for a session. A note works once, so that each time has its own.
    fn begin_session(&self, space: SpaceId) -> Result<Answer, Error> {
        let time = ClaimedTime::from_unix_seconds((self.clock)()).map_err(|_| Error::Clock)?;
        let note = (self.compose)(&self.origin, space, time).ok_or(Error::Session)?;
        let mut body = serde_json::json!({ "note": note });
        if let (Some(code), Some(body)) = (&self.admission, body.as_object_mut()) {
            body.insert("admission".to_owned(), code.as_str().into());
        }
        let body = body.to_string();
        let (path, body) = ("/v1/sessions", Some(body.as_bytes()));
        self.ask_once(&Question { method: Method::Post, path, body, ..Question::default() })
    }

    /// Asks until there is an answer, as long as patience lasts.
    fn ask(&self, question: &Question<'_>) -> Result<Answer, Error> {
        let memory = self.memory.as_ref().filter(|memory| memory.is_all || memory.is_about(question));
        let Some(memory) = memory else { return self.patiently(|| self.ask_once(question)) };
        if let Some(known) = memory.read(question)? {
            return Ok(known);
        }
        if memory.is_all {
            return Err(Error::unreachable());
        }
        let answer = self.patiently(|| self.ask_once(question))?;
        memory.write(question, &answer)?;
        Ok(answer)
    }

    fn patiently(&self, ask: impl Fn() -> Result<Answer, Error>) -> Result<Answer, Error> {
        let answer = self.as_long_as_patience_lasts(ask);
        if matches!(answer, Err(Error::Unreachable { .. })) {
            self.given_up.store(true, Ordering::Relaxed);
        }
        answer
    }

    fn as_long_as_patience_lasts(&self, ask: impl Fn() -> Result<Answer, Error>) -> Result<Answer, Error> {
        let mut waits = self.patience.between.iter().enumerate();
        loop {
            let outcome = ask();
            let may_wait = |count: usize| count < WAITS_FOR_A_STRANGER || self.answered.load(Ordering::Relaxed);
            let busy = match &outcome {
                Ok(answer) => answer.status == 429 || is_of_a_proxy(answer.status),
                Err(error) => matches!(error, Error::Unreachable { .. }),
            };
            let wait = waits.next().filter(|(count, _)| busy && may_wait(*count));
            let Some((_, wait)) = wait else { return outcome.and_then(Answer::of_the_keeper) };
            let asked_for = outcome.ok().and_then(|answer| answer.retry_after).unwrap_or(Duration::ZERO);
            thread::sleep(asked_for.min(PAUSE_MAX).max(*wait));
        }
    }

    fn ask_once(&self, question: &Question<'_>) -> Result<Answer, Error> {
        if self.given_up.load(Ordering::Relaxed) {
            return Err(Error::unreachable());
        }
        let Question { method, path, body, token, bytes_max } = *question;
        let address = format!("{}{path}", self.base);
        let bearer = token.map(|token| format!("Bearer {token}"));
        macro_rules! authorized {
            ($request:expr) => {
                match &bearer {
                    Some(bearer) => $request.header("authorization", bearer),
                    None => $request,
                }
            };
        }
        let answer = match method {
            Method::Get => authorized!(self.agent.get(&address)).call(),
            Method::Head => authorized!(self.agent.head(&address)).call(),
            Method::Put => authorized!(self.agent.put(&address)).send(body.unwrap_or_default()),
            Method::Post => authorized!(self.agent.post(&address)).send(body.unwrap_or_default()),
        };
        let unreachable = |source: ureq::Error| match http::refused_certificate(&source) {
            Some(said) => Error::Certificate { said },
            None => Error::Unreachable { source: Box::new(source) },
        };
        let answer = answer.map_err(unreachable)?;
        if !is_of_a_proxy(answer.status().as_u16()) {
            self.answered.store(true, Ordering::Relaxed);
        }
        Answer::read(answer, bytes_max).map_err(|error| match error {
            ureq::Error::BodyExceedsLimit(_) => Error::Answer,
            error => unreachable(error),
        })
    }
}

#[derive(Clone, Copy)]
enum Method {
    Get,
    Head,
    Put,
    Post,
}

#[derive(Clone, Copy)]
struct Question<'a> {
    method: Method,
    path: &'a str,
    body: Option<&'a [u8]>,
    token: Option<&'a str>,
    /// Length of the answer, at most.
    bytes_max: u64,
}

impl Default for Question<'_> {
    fn default() -> Self {
        Self { method: Method::Get, path: "", body: None, token: None, bytes_max: ANSWER_BYTES_MAX }
    }
}

/// An answer, read to its end.
struct Answer {
    status: u16,
    length: Option<u64>,
    head: Option<Head>,
    position: Option<u64>,
    retry_after: Option<Duration>,
    /// What its clock says, where that is why it refuses.
    time: Option<u64>,
    body: Vec<u8>,
}

impl Answer {
    fn read(response: Response<Body>, bytes_max: u64) -> Result<Self, ureq::Error> {
        let (parts, mut body) = response.into_parts();
        let header = |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok());
        let number = |name: &str| header(name).and_then(|value| value.parse::<u64>().ok());
        Ok(Self {
            status: parts.status.as_u16(),
            length: number("content-length"),
            head: header("hizo-head").and_then(parse_head),
            position: number("hizo-position"),
            retry_after: number("retry-after").map(Duration::from_secs),
            time: number("hizo-time"),
            body: body.with_config().limit(bytes_max).read_to_vec()?,
        })
    }

    /// # Errors
    /// When it is of somebody who stands before a keeper that he cannot reach, or of one that is about to stop.
    fn of_the_keeper(self) -> Result<Self, Error> {
        match is_of_a_proxy(self.status) {
            true => Err(Error::Unreachable { source: Box::new(ureq::Error::StatusCode(self.status)) }),
            false => Ok(self),
        }
    }

    /// # Errors
    /// What the keeper says instead.
    fn expect(self, wanted: &[u16]) -> Result<Self, Error> {
        if wanted.contains(&self.status) { Ok(self) } else { Err(self.refusal()) }
    }

    /// The body; `None` when there is nothing.
    fn found(self) -> Result<Option<Vec<u8>>, Error> {
        if self.status == 404 { Ok(None) } else { Ok(Some(self.expect(&[200])?.body)) }
    }

    fn promised(self) -> Result<Promised, Error> {
        let Self { position, body: receipt, .. } = self.expect(&[200, 201])?;
        Ok(Promised { receipt, position })
    }

    fn refusal(&self) -> Error {
        let text = String::from_utf8_lossy(&self.body);
        match self.status {
            409 => match text.trim_end().strip_prefix("head ").map(parse_head) {
                Some(head) => Error::Conflict { head },
                None => Error::Answer,
            },
            424 => {
                let ids = text.lines().map(|line| ObjectId::from_hex(line).ok()).collect::<Option<Vec<_>>>();
                ids.filter(|ids| !ids.is_empty()).map_or(Error::Answer, |objects| Error::PutAgain { objects })
            }
            status => {
                // What turns the direction of text could make a terminal show other words.
                let is_plain = |c: &char| !c.is_control() && !is_unseen(*c);
                let said = text.chars().map(|c| if is_plain(&c) { c } else { ' ' }).take(SAID_CHARS_MAX);
                Error::Refused { status, said: said.collect::<String>().trim().to_owned() }
            }
        }
    }
}

/// What somebody says who stands before a keeper and cannot reach it, and a keeper that has too much to do.
const fn is_of_a_proxy(status: u16) -> bool {
    matches!(status, 502..=504)
}

/// `<number> <record id>`; nothing where a space has not begun.
fn parse_head(text: &str) -> Option<Head> {
    let (number, id) = text.split_once(' ')?;
    Some(Head { number: number.parse().ok()?, id: RecordId::from_hex(id).ok()? })
}

/// Plain HTTP only on this machine: elsewhere, whoever carries it could follow along.
fn is_address(base: &str) -> bool {
    let host = |rest: &str| rest.split('/').next().unwrap_or_default().to_owned();
    match (base.strip_prefix("https://"), base.strip_prefix("http://")) {
        (Some(rest), _) => !host(rest).is_empty() && !base.contains(['?', '#', '@', ' ']),
        (_, Some(rest)) => {
            let host = host(rest);
            let name = host.rsplit_once(':').map_or(host.as_str(), |(name, _)| name);
            matches!(name, "localhost" | "127.0.0.1" | "[::1]") && !base.contains(['?', '#', '@', ' '])
        }
        (None, None) => false,
    }
}

fn is_token(token: &str) -> bool {
    (1..=256).contains(&token.len())
        && token.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.=".contains(&byte))
}

fn object_path(space: SpaceId, id: ObjectId) -> String {
    format!("/v1/spaces/{space}/objects/{id}")
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What is held is whole sessions.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
