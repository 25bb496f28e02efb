//! Asking the witnesses of a policy, all at once. Nothing that they answer is handed on before it was verified.

use std::collections::BTreeMap;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread;
use std::time::{Duration, Instant};

use hizo_ledger::id::NodeHash;
use hizo_ledger::log::checkpoint::UnverifiedCheckpoint;
use hizo_ledger::log::note::NamedKey;
use hizo_ledger::log::policy::Policy;
use hizo_ledger::log::witness::AddCheckpoint;

use crate::http;

/// Witnesses that are asked, at most: as many as C2SP asks policies to hold.
pub const WITNESSES_MAX: usize = 32;

/// Length of an answer, at most, in bytes: more lines than a witness has keys.
const ANSWER_BYTES_MAX: u64 = 64 << 10;

/// How often one witness is asked, at most: with the size that it is thought to have seen, and with those that it says.
const TRIES_MAX: usize = 3;

/// How long witnesses are waited for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Patience {
    /// Longest wait for a connection.
    pub connect: Duration,
    /// Longest wait for a witness's last answer.
    pub answer: Duration,
    /// Longest wait for the others once the policy is met.
    pub rest: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { connect: Duration::from_secs(5), answer: Duration::from_secs(10), rest: Duration::from_secs(1) }
    }
}

/// A cosignature that holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cosignature {
    /// Its signature line, with the line feed.
    pub line: String,
    /// When the witness says it made it, in seconds since 1970.
    pub time: u64,
}

/// Why a witness has not cosigned. It may the next time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Silence {
    /// The policy does not say where it is asked.
    #[error("the policy says no address for it")]
    NoAddress,
    /// It could not be reached, or did not answer as HTTP has it.
    #[error("it cannot be reached: {0}")]
    Unreachable(String),
    /// It took too long.
    #[error("it did not answer in time")]
    Late,
    /// It does not know the log.
    #[error("it does not know this log")]
    UnknownLog,
    /// It does not trust the key that signs the log.
    #[error("it does not take the log's signature for true")]
    Untrusted,
    /// It answered with another status than the protocol has here.
    #[error("it answered with status {0}")]
    Http(u16),
    /// What it answered is not in its form, or longer than it may be.
    #[error("its answer is not in its form")]
    Form,
    /// None of its lines is by its key in the policy.
    #[error("its answer is not signed by its key in the policy")]
    OtherKey,
    /// A line that says it is by its key does not hold.
    #[error("its signature does not hold")]
    Signature,
    /// It has seen a later head of the log, which the log has signed too.
    #[error("it has seen a later head of this log")]
    Ahead,
    /// It says another size each time.
    #[error("it does not settle on a size")]
    Unsettled,
}

/// What a witness says that it has seen, and that must not be: nothing more may be signed until somebody has looked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Alarm {
    /// It has seen a larger head than the log has ever signed.
    #[error("it has seen a head of {size} leaves, which this log has never signed")]
    Larger {
        /// Leaves of that head.
        size: u64,
    },
    /// It has seen a head that the log does not go on from.
    #[error("it has seen a head that this log does not go on from")]
    Other,
}

/// What came of asking one witness.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// It has cosigned.
    Cosigned(Cosignature),
    /// It has not, this time.
    Silent(Silence),
    /// It has seen what must not be.
    Alarm(Alarm),
}

/// What witnesses are shown.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// A checkpoint note that the log has signed.
    pub checkpoint: &'a [u8],
    /// Its leaves.
    pub size: u64,
    /// Leaves of the head that the witnesses are thought to have seen last.
    pub old: u64,
    /// Leaves of the largest head that the log has ever signed: whoever has seen more has seen what must not be.
    pub signed: u64,
}

/// Asks witnesses of the policy, those of the names in `whom`, to cosign a checkpoint: all at once, each from the size
/// that it says it has seen; `prove` gives the path from a smaller size. What one of them does never keeps another from
/// being heard. The answers come by the names in the policy.
///
/// # Errors
/// Those of `prove`.
pub fn ask<E>(
    policy: &Policy,
    whom: &dyn Fn(&str) -> bool,
    question: Question<'_>,
    patience: &Patience,
    prove: &mut dyn FnMut(u64) -> Result<Vec<NodeHash>, E>,
) -> Result<BTreeMap<String, Answer>, E> {
    let (sender, heard) = mpsc::channel();
    let mut asking = Asking {
        policy,
        question,
        agent: http::agent(patience.connect, patience.answer),
        sender,
        places: places(policy, whom),
        answers: BTreeMap::new(),
        lines: String::new(),
    };
    for (name, witness) in policy.witnesses() {
        if witness.url.is_none() && whom(name) {
            asking.answers.insert(name.clone(), Answer::Silent(Silence::NoAddress));
        }
    }
    for place in 0..asking.places.len() {
        asking.send(place, question.old, prove)?;
    }
    let mut deadline = Instant::now().checked_add(patience.answer);
    let mut is_met = false;
    while asking.is_waiting() {
        if !is_met && asking.is_met() {
            is_met = true;
            deadline = deadline.min(Instant::now().checked_add(patience.rest));
        }
        let wait = deadline.map_or(Duration::ZERO, |deadline| deadline.saturating_duration_since(Instant::now()));
        match heard.recv_timeout(wait) {
            Ok((place, reply)) => asking.take(place, reply, prove)?,
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => break,
        }
    }
    Ok(asking.finish())
}

/// One address, and the policy's witnesses that are asked there: one witness may stand there with several keys.
struct Place {
    url: String,
    witnesses: Vec<(String, NamedKey)>,
    tries: usize,
    old: u64,
    is_done: bool,
}

fn places(policy: &Policy, whom: &dyn Fn(&str) -> bool) -> Vec<Place> {
    let mut places: Vec<Place> = Vec::new();
    for (name, witness) in policy.witnesses().iter().take(WITNESSES_MAX).filter(|(name, _)| whom(name)) {
        let Some(url) = &witness.url else { continue };
        let known = (name.clone(), witness.key.clone());
        match places.iter_mut().find(|place| place.url == *url) {
            Some(place) => place.witnesses.push(known),
            None => places.push(Place { url: url.clone(), witnesses: vec![known], tries: 0, old: 0, is_done: false }),
        }
    }
    places
}

struct Asking<'a> {
    policy: &'a Policy,
    question: Question<'a>,
    agent: ureq::Agent,
    sender: Sender<(usize, Reply)>,
    places: Vec<Place>,
    answers: BTreeMap<String, Answer>,
    /// The lines of all that have cosigned.
    lines: String,
}

impl Asking<'_> {
    /// Asks one witness from this size on. Whoever takes too long is left to its thread, which ends by its own patience.
    fn send<E>(
        &mut self,
        place: usize,
        old: u64,
        prove: &mut dyn FnMut(u64) -> Result<Vec<NodeHash>, E>,
    ) -> Result<(), E> {
        let path = if old == 0 || old == self.question.size { Vec::new() } else { prove(old)? };
        let Some(asked) = self.places.get_mut(place) else { return Ok(()) };
        asked.old = old;
        asked.tries = asked.tries.saturating_add(1);
        let request = AddCheckpoint { old, path, checkpoint: self.question.checkpoint.to_vec() }.to_bytes();
        let url = format!("{}/add-checkpoint", asked.url.trim_end_matches('/'));
        let (agent, sender) = (self.agent.clone(), self.sender.clone());
        let asking = thread::Builder::new().name("witness".to_owned()).spawn(move || {
            // Nobody listens any more when all others have answered.
            let _ = sender.send((place, post(&agent, &url, &request)));
        });
        if let Err(error) = asking {
            self.silent(place, &Silence::Unreachable(error.to_string()));
        }
        Ok(())
    }

    fn take<E>(
        &mut self,
        place: usize,
        reply: Reply,
        prove: &mut dyn FnMut(u64) -> Result<Vec<NodeHash>, E>,
    ) -> Result<(), E> {
        let Some(asked) = self.places.get(place) else { return Ok(()) };
        match reply {
            Reply::Lines(lines) => self.cosigned(place, &lines),
            Reply::Seen(seen) if seen > self.question.signed => {
                self.answer(place, &Answer::Alarm(Alarm::Larger { size: seen }));
            }
            Reply::Seen(seen) if seen > self.question.size => self.silent(place, &Silence::Ahead),
            Reply::Seen(seen) if seen == asked.old => self.silent(place, &Silence::Form),
            Reply::Seen(_) if asked.tries == TRIES_MAX => self.silent(place, &Silence::Unsettled),
            Reply::Seen(seen) => self.send(place, seen, prove)?,
            Reply::Other => self.answer(place, &Answer::Alarm(Alarm::Other)),
            Reply::Silent(silence) => self.silent(place, &silence),
        }
        Ok(())
    }

    /// Holds every line against the keys that the policy has at this address.
    fn cosigned(&mut self, place: usize, lines: &[u8]) {
        let note = [self.question.checkpoint, lines].concat();
        let Ok(read) = UnverifiedCheckpoint::parse(&note) else { return self.silent(place, &Silence::Form) };
        let Some(asked) = self.places.get_mut(place) else { return };
        asked.is_done = true;
        for (name, key) in &asked.witnesses {
            let answer = match read.signed_by(key) {
                // An ML-DSA-44 line without a time says nothing of the whole log.
                Ok(Some(time)) if time > 0 => {
                    let line = read.line_of(key);
                    self.lines += &line;
                    Answer::Cosigned(Cosignature { line, time })
                }
                Ok(Some(_)) | Err(_) => Answer::Silent(Silence::Signature),
                Ok(None) => Answer::Silent(Silence::OtherKey),
            };
            self.answers.insert(name.clone(), answer);
        }
    }

    fn silent(&mut self, place: usize, silence: &Silence) {
        self.answer(place, &Answer::Silent(silence.clone()));
    }

    fn answer(&mut self, place: usize, answer: &Answer) {
        let Some(asked) = self.places.get_mut(place) else { return };
        asked.is_done = true;
        self.answers.extend(asked.witnesses.iter().map(|(name, _)| (name.clone(), answer.clone())));
    }

    fn is_waiting(&self) -> bool {
        self.places.iter().any(|place| !place.is_done)
    }

    fn is_met(&self) -> bool {
        let note = [self.question.checkpoint, self.lines.as_bytes()].concat();
        UnverifiedCheckpoint::parse(&note).is_ok_and(|read| self.policy.check(&read).is_ok())
    }

    fn finish(mut self) -> BTreeMap<String, Answer> {
        for place in 0..self.places.len() {
            if self.places.get(place).is_some_and(|asked| !asked.is_done) {
                self.silent(place, &Silence::Late);
            }
        }
        self.answers
    }
}

/// What came over the wire.
enum Reply {
    /// Signature lines, not verified.
    Lines(Vec<u8>),
    /// It has seen a head of this size.
    Seen(u64),
    /// The path does not lead from the head that it has seen.
    Other,
    Silent(Silence),
}

fn post(agent: &ureq::Agent, url: &str, request: &[u8]) -> Reply {
    match try_post(agent, url, request) {
        Ok(reply) => reply,
        Err(ureq::Error::Timeout(_)) => Reply::Silent(Silence::Late),
        Err(ureq::Error::BodyExceedsLimit(_)) => Reply::Silent(Silence::Form),
        Err(error) => Reply::Silent(Silence::Unreachable(error.to_string())),
    }
}

fn try_post(agent: &ureq::Agent, url: &str, request: &[u8]) -> Result<Reply, ureq::Error> {
    let mut response = agent.post(url).header("content-type", "text/plain; charset=utf-8").send(request)?;
    Ok(match response.status().as_u16() {
        200 => Reply::Lines(response.body_mut().with_config().limit(ANSWER_BYTES_MAX).read_to_vec()?),
        403 => Reply::Silent(Silence::Untrusted),
        404 => Reply::Silent(Silence::UnknownLog),
        409 => {
            let body = response.body_mut().with_config().limit(ANSWER_BYTES_MAX).read_to_vec()?;
            seen(&body).map_or(Reply::Silent(Silence::Form), Reply::Seen)
        }
        422 => Reply::Other,
        status => Reply::Silent(Silence::Http(status)),
    })
}

/// The size in decimal digits, and a line feed.
fn seen(body: &[u8]) -> Option<u64> {
    let digits = std::str::from_utf8(body).ok()?.strip_suffix('\n')?;
    let is_canonical = digits == "0" || !digits.starts_with('0');
    (is_canonical && digits.bytes().all(|byte| byte.is_ascii_digit())).then(|| digits.parse().ok())?
}
