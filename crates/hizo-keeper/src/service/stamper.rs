//! Has published heads stamped, on a thread of its own. Nobody waits for it, and it waits for no authority: each is asked on a
//! thread that has nothing of the keeper's.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use hizo_ledger::timestamp::{Authority, Moment, revocation_lists_to_pem};

use super::Shared;
use crate::stamp::{Client, Error, LocalAuthority, Patience, SELF, Taking};

/// How long an authority is waited for. Who does not answer is asked again later.
const PATIENCE: Patience =
    Patience { connect: Duration::from_secs(10), answer: Duration::from_secs(30), between: Vec::new() };

/// The longest wait until an authority is asked again that gave no stamp.
const RETRY_MAX: Duration = Duration::from_secs(60 * 60);

/// After so long it is looked at again whether renewal is due.
const RENEWAL_LOOK: Duration = Duration::from_secs(24 * 60 * 60);

/// Who stamps the log of a service, and how often.
pub struct Stamping {
    /// Outside authorities: those that have an address are asked.
    pub authorities: Vec<Authority>,
    /// The keeper's own authority, if one was ever set up: what it says is *self-stamped, not independent*.
    pub own: Option<LocalAuthority>,
    /// Whether it stamps too.
    pub by_itself: bool,
    /// Nobody is asked more often than once in so long.
    pub pause: Duration,
}

/// Tells the stamper what has happened.
pub(super) enum Event {
    /// There is a new head.
    Published,
    /// An authority has answered, or has not.
    Answered(Box<Answered>),
    /// The service ends.
    End,
}

pub(super) struct Answered {
    place: usize,
    head: Vec<u8>,
    /// The answer, and the revocation lists of the day.
    outcome: Result<(Vec<u8>, String), Error>,
}

/// Tells the stamper of a service.
pub(super) struct Bell(Sender<Event>);

impl Bell {
    pub(super) fn new() -> (Self, Receiver<Event>) {
        let (sender, events) = channel();
        (Self(sender), events)
    }

    /// Where nobody stamps, nobody hears it.
    pub(super) fn tell(&self, event: Event) {
        drop(self.0.send(event));
    }
}

/// Takes stamps from now on, over each published head over which one is wanted.
pub(super) fn start(shared: Arc<Shared>, events: Receiver<Event>) -> io::Result<JoinHandle<()>> {
    thread::Builder::new().name("stamper".to_owned()).spawn(move || Stamper::new(&shared).run(&events))
}

struct Stamper<'a> {
    shared: &'a Arc<Shared>,
    turns: Vec<Turn>,
    looked: Instant,
}

/// The newest head, and whose stamp over it is wanted now.
struct Wanted {
    head: Vec<u8>,
    now: Moment,
    whose: Vec<Authority>,
}

/// One of those who stamp.
struct Turn {
    authority: Authority,
    /// Whether a head may want its stamp: something was published since it was asked.
    calls: bool,
    /// Whether it is being asked.
    is_asked: bool,
    not_before: Instant,
    /// How often in a row it gave no stamp.
    failures: u32,
}

impl<'a> Stamper<'a> {
    fn new(shared: &'a Arc<Shared>) -> Self {
        let stamping = &shared.stamping;
        let own = stamping.own.as_ref().filter(|_| stamping.by_itself).and_then(|own| own.authority().ok());
        let outside = stamping.authorities.iter().filter(|authority| authority.url().is_some()).cloned();
        let now = Instant::now();
        let turn = |authority: Authority| {
            shared.telling.stamps(authority.name());
            Turn { authority, calls: false, is_asked: false, not_before: now, failures: 0 }
        };
        Self { shared, turns: own.into_iter().chain(outside).map(turn).collect(), looked: now }
    }

    fn run(mut self, events: &Receiver<Event>) {
        if self.turns.is_empty() {
            return;
        }
        loop {
            match events.recv_timeout(self.wait()) {
                Ok(Event::Published) => self.call(),
                Ok(Event::Answered(answered)) => self.take(*answered),
                Err(RecvTimeoutError::Timeout) if self.looked.elapsed() >= RENEWAL_LOOK => self.call(),
                Err(RecvTimeoutError::Timeout) => {}
                Ok(Event::End) | Err(RecvTimeoutError::Disconnected) => return,
            }
            self.ask();
        }
    }

    /// A new head may want everybody's stamp.
    fn call(&mut self) {
        self.looked = Instant::now();
        self.turns.iter_mut().for_each(|turn| turn.calls = true);
    }

    /// Until somebody may be asked.
    fn wait(&self) -> Duration {
        let calling = self.turns.iter().filter(|turn| turn.calls && !turn.is_asked).map(|turn| turn.not_before);
        let next = calling.min().map_or(RENEWAL_LOOK, |next| next.saturating_duration_since(Instant::now()));
        next.min(RENEWAL_LOOK)
    }

    /// Asks those whose turn it is and whose stamp over the newest head is wanted.
    fn ask(&mut self) {
        let now = Instant::now();
        let is_due = |turn: &Turn| turn.calls && !turn.is_asked && turn.not_before <= now;
        if !self.turns.iter().any(is_due) {
            return;
        }
        let wanted = self.wanted();
        for place in 0..self.turns.len() {
            let Some(turn) = self.turns.get_mut(place).filter(|turn| is_due(turn)) else { continue };
            match &wanted {
                Ok(Wanted { head, now, whose }) => {
                    turn.calls = false;
                    if whose.contains(&turn.authority) {
                        self.ask_one(place, head, *now);
                    }
                }
                Err(_) => self.failed(place),
            }
        }
        if let Err(error) = wanted {
            self.shared.telling.event("what was stamped cannot be read", Some(&error.to_string()), self.shared.now());
        }
    }

    fn wanted(&self) -> Result<Wanted, crate::Error> {
        let Shared { keeper, log, .. } = &**self.shared;
        let now = Moment::from_unix(self.shared.now(), 0).ok_or(crate::Error::Clock)?;
        let Some(head) = log.published().checkpoint()? else {
            return Ok(Wanted { head: Vec::new(), now, whose: Vec::new() });
        };
        let authorities: Vec<_> = self.turns.iter().map(|turn| turn.authority.clone()).collect();
        let whose = Taking::new(keeper, log, &head).wanting(&authorities, now)?;
        Ok(Wanted { head, now, whose })
    }

    fn ask_one(&mut self, place: usize, head: &[u8], now: Moment) {
        let (shared, head) = (self.shared, head.to_vec());
        let Some(turn) = self.turns.get_mut(place) else { return };
        let authority = turn.authority.clone();
        (turn.is_asked, turn.not_before) = (true, Instant::now() + shared.stamping.pause);
        if let Some(own) = shared.stamping.own.as_ref().filter(|_| authority.name() == SELF) {
            let outcome = own.stamp(&head, now, &mut || short((shared.random)()));
            return self.take(Answered { place, head, outcome: outcome.map(|answer| (answer, String::new())) });
        }
        // Asked once, by a thread to which nothing of the keeper's belongs: it may outlive the service.
        let (nonce, events) = (short((shared.random)()), shared.stamper.0.clone());
        let asked = thread::Builder::new().name("asks for a stamp".to_owned()).spawn(move || {
            let client = Client::new(&PATIENCE);
            let outcome = client.stamp(&authority, &head, now, &mut || nonce).map(|answer| {
                let lists = client.revocation_lists(&answer.token);
                (answer.response, revocation_lists_to_pem(&lists))
            });
            drop(events.send(Event::Answered(Box::new(Answered { place, head, outcome }))));
        });
        if let Err(error) = asked {
            self.tell(place, &error.to_string());
            self.failed(place);
        }
    }

    /// Keeps what came; what did not come is asked for again.
    fn take(&mut self, answered: Answered) {
        let Answered { place, head, outcome } = answered;
        let Some(turn) = self.turns.get_mut(place) else { return };
        turn.is_asked = false;
        let Shared { keeper, log, .. } = &**self.shared;
        let kept = outcome.map_err(|error| error.to_string()).and_then(|(answer, lists)| {
            let kept = Taking::new(keeper, log, &head).keep(turn.authority.name(), &answer, &lists);
            kept.map_err(|error| error.to_string())
        });
        match kept {
            Ok(()) => {
                turn.failures = 0;
                self.shared.telling.stamped(turn.authority.name(), self.shared.now());
                // Its record is published as any other, and calls for no further stamp.
                self.shared.bell.ring();
            }
            Err(error) => {
                self.tell(place, &error);
                self.failed(place);
            }
        }
    }

    /// It is asked again after the pause, and each time after twice as long, up to an hour.
    fn failed(&mut self, place: usize) {
        let pause = self.shared.stamping.pause;
        let Some(turn) = self.turns.get_mut(place) else { return };
        (turn.is_asked, turn.calls) = (false, true);
        let longer = pause.saturating_mul(1 << turn.failures.min(16));
        turn.not_before = Instant::now() + longer.min(RETRY_MAX.max(pause));
        turn.failures = turn.failures.saturating_add(1);
        self.shared.telling.not_stamped(turn.authority.name());
    }

    fn tell(&self, place: usize, error: &str) {
        let name = self.turns.get(place).map_or("", |turn| turn.authority.name());
        self.shared.telling.event("no stamp was taken", Some(&format!("{name}: {error}")), self.shared.now());
    }
}

/// Half of what is drawn at once.
fn short(drawn: [u8; 32]) -> [u8; 16] {
    let mut short = [0; 16];
    short.copy_from_slice(drawn.split_at(16).0);
    short
}
