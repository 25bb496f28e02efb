//! Sessions: a note that was signed for this becomes a token, and a token is good for one space, one key and some minutes.
//!
//! See docs/spec/session.md and docs/spec/service.md, section "Sessions".

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use hizo_ledger::id::{Nonce, SpaceId};
use hizo_ledger::identity::VerifyingKey;
use hizo_ledger::session::{SESSION_SKEW_SECONDS_MAX, Session, Verbs};
use sha2::{Digest as _, Sha256};

use super::admission::Account;
use super::answer::Refusal;
use crate::witness::hex;

/// Longest life of a token.
pub const TOKEN_SECONDS: u64 = 15 * 60;

/// Most tokens at a time, and of one key: the oldest of a key give way.
const TOKENS_MAX: usize = 1 << 18;
const TOKENS_OF_KEY_MAX: usize = 16;

/// Most nonces that are remembered: those of two minutes.
const NONCES_MAX: usize = 1 << 18;

/// What a token stands for.
#[derive(Debug, Clone)]
pub(super) struct Granted {
    pub(super) space: SpaceId,
    pub(super) key: VerifyingKey,
    pub(super) verbs: Verbs,
    /// Whoever was admitted to begin the space.
    pub(super) begins: Option<Account>,
    ends: u64,
}

/// SHA-256 of a token: what is kept of it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct TokenHash([u8; 32]);

#[derive(Default)]
struct State {
    tokens: HashMap<TokenHash, Granted>,
    /// The tokens of each key by their end.
    of_key: HashMap<(SpaceId, [u8; 32]), BTreeSet<(u64, TokenHash)>>,
    /// Used by their keys.
    spent: HashSet<([u8; 32], Nonce)>,
    /// The same by the end of the time in which their notes would be let in.
    spent_until: BTreeSet<(u64, [u8; 32], Nonce)>,
}

pub(super) struct Sessions {
    /// Notes from before are not taken: nobody knows any more which of them were used.
    began: u64,
    state: Mutex<State>,
}

impl Sessions {
    pub(super) fn new(now: u64) -> Self {
        Self { began: now, state: Mutex::default() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a note is of this moment. Whether it was used before is told when it is used.
    pub(super) fn check_time(&self, session: &Session, now: u64) -> Result<(), Refusal> {
        let time = session.time.unix_seconds();
        if time.abs_diff(now) > SESSION_SKEW_SECONDS_MAX {
            let sentence =
                format!("the note's time and the keeper's clock, {now}, are more than a minute apart; set the clock");
            return Err(Refusal::unauthorized("SessionTime", &sentence));
        }
        if time < self.began {
            let sentence = "the keeper has begun after the note's time; sign another note in a moment";
            return Err(Refusal::unauthorized("SessionTime", sentence));
        }
        Ok(())
    }

    /// Makes a token of a note that was found good: its nonce is used from now on.
    pub(super) fn grant(
        &self,
        session: &Session,
        begins: Option<Account>,
        now: u64,
        random: [u8; 32],
    ) -> Result<String, Refusal> {
        let token = hex(&random);
        let hash = hash_of(&token);
        let mut state = self.lock();
        state.forget(now);
        let last = session.time.unix_seconds().saturating_add(SESSION_SKEW_SECONDS_MAX);
        if state.tokens.len() >= TOKENS_MAX || state.spent.len() >= NONCES_MAX {
            return Err(Refusal::busy());
        }
        let key = *session.key.as_bytes();
        if !state.spent.insert((key, session.nonce)) {
            let sentence = "this note has started a session already; sign another one";
            return Err(Refusal::unauthorized("SessionSpent", sentence));
        }
        state.spent_until.insert((last, key, session.nonce));
        let ends = now.saturating_add(TOKEN_SECONDS);
        let of_key = state.of_key.entry((session.space, *session.key.as_bytes())).or_default();
        let oldest = if of_key.len() >= TOKENS_OF_KEY_MAX { of_key.pop_first() } else { None };
        of_key.insert((ends, hash));
        if let Some((_, oldest)) = oldest {
            state.tokens.remove(&oldest);
        }
        let (space, key, verbs) = (session.space, session.key, session.verbs);
        state.tokens.insert(hash, Granted { space, key, verbs, begins, ends });
        Ok(token)
    }

    /// What the request's token stands for.
    pub(super) fn find(&self, token: TokenHash, now: u64) -> Result<Granted, Refusal> {
        let state = self.lock();
        let granted = state.tokens.get(&token).filter(|granted| now < granted.ends).cloned();
        let ended = || Refusal::unauthorized("TokenEnded", "the token is unknown or its time is over; start a session");
        granted.ok_or_else(ended)
    }

    /// Ends a token whose key is no member's any more.
    pub(super) fn end(&self, token: TokenHash) {
        self.lock().remove(token);
    }

    pub(super) fn count(&self) -> usize {
        self.lock().tokens.len()
    }
}

impl State {
    fn remove(&mut self, token: TokenHash) {
        let Some(granted) = self.tokens.remove(&token) else { return };
        let owner = (granted.space, *granted.key.as_bytes());
        if let Some(of_key) = self.of_key.get_mut(&owner) {
            of_key.remove(&(granted.ends, token));
            if of_key.is_empty() {
                self.of_key.remove(&owner);
            }
        }
    }

    /// Lets go of what has ended.
    fn forget(&mut self, now: u64) {
        while let Some((last, key, nonce)) = self.spent_until.pop_first() {
            if last >= now {
                self.spent_until.insert((last, key, nonce));
                break;
            }
            self.spent.remove(&(key, nonce));
        }
        // All tokens are looked at only where there are many: each ends by itself.
        if self.tokens.len() >= TOKENS_MAX {
            let ended = self.tokens.iter().filter(|(_, granted)| granted.ends <= now).map(|(token, _)| *token);
            ended.collect::<Vec<_>>().into_iter().for_each(|token| self.remove(token));
        }
    }
}

fn hash_of(token: &str) -> TokenHash {
    TokenHash(Sha256::digest(token).into())
}

/// The hash of the bearer token in a request's head.
pub(super) fn token_of(headers: &HeaderMap) -> Option<TokenHash> {
    let value = headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    (scheme.eq_ignore_ascii_case("bearer") && token.len() == 64).then(|| hash_of(token))
}
