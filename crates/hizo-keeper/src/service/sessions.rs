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
use hizo_store::journal::AccountId;
use sha2::{Digest as _, Sha256};

use super::admission::Account;
use super::answer::Refusal;
use crate::witness::hex;

/// Longest life of a token.
pub const TOKEN_SECONDS: u64 = 15 * 60;

/// Most tokens at a time; of one member, and of one account that may begin spaces. The oldest of their owner give way.
const TOKENS_MAX: usize = 1 << 18;
const TOKENS_OF_MEMBER_MAX: usize = 16;
const TOKENS_OF_ACCOUNT_MAX: usize = 4096;

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

/// Whose a token is. A member's spaces are as many as he was let into; those that somebody might begin are without number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Owner {
    Member(SpaceId, [u8; 32]),
    Account(AccountId),
}

impl Owner {
    const fn tokens_max(self) -> usize {
        match self {
            Self::Member(..) => TOKENS_OF_MEMBER_MAX,
            Self::Account(_) => TOKENS_OF_ACCOUNT_MAX,
        }
    }
}

impl Granted {
    fn owner(&self) -> Owner {
        self.begins.map_or(Owner::Member(self.space, *self.key.as_bytes()), |account| Owner::Account(account.id))
    }
}

#[derive(Default)]
struct State {
    tokens: HashMap<TokenHash, Granted>,
    /// All tokens by their end, and those of each owner.
    by_end: BTreeSet<(u64, TokenHash)>,
    of_owner: HashMap<Owner, BTreeSet<(u64, TokenHash)>>,
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
            return Err(Refusal::clocks_apart(now));
        }
        if time < self.began {
            return Err(Refusal::just_begun());
        }
        Ok(())
    }

    /// Makes a token of a note that was found good and is still of this moment: its nonce is used from now on.
    pub(super) fn grant(
        &self,
        session: &Session,
        begins: Option<Account>,
        now: u64,
        random: [u8; 32],
    ) -> Result<String, Refusal> {
        // A nonce is forgotten when its note's time is over.
        self.check_time(session, now)?;
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
        let granted = Granted { space: session.space, key: session.key, verbs: session.verbs, begins, ends };
        state.add(hash, granted);
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
    fn add(&mut self, token: TokenHash, granted: Granted) {
        let (owner, end) = (granted.owner(), (granted.ends, token));
        let of_owner = self.of_owner.entry(owner).or_default();
        let oldest = if of_owner.len() >= owner.tokens_max() { of_owner.first().copied() } else { None };
        of_owner.insert(end);
        self.by_end.insert(end);
        self.tokens.insert(token, granted);
        if let Some((_, oldest)) = oldest {
            self.remove(oldest);
        }
    }

    fn remove(&mut self, token: TokenHash) {
        let Some(granted) = self.tokens.remove(&token) else { return };
        let (owner, end) = (granted.owner(), (granted.ends, token));
        self.by_end.remove(&end);
        if let Some(of_owner) = self.of_owner.get_mut(&owner) {
            of_owner.remove(&end);
            if of_owner.is_empty() {
                self.of_owner.remove(&owner);
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
        while let Some((_, token)) = self.by_end.first().copied().filter(|(ends, _)| *ends <= now) {
            self.remove(token);
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects)]

    use ed25519_dalek::SigningKey;
    use hizo_ledger::record::{ClaimedTime, Origin};

    use super::*;

    const NOON: u64 = 1_800_000_000;

    /// A note for the space of this number.
    fn session(number: u64, time: u64) -> Session {
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&number.to_be_bytes());
        let secret = SigningKey::from_bytes(&[1; 32]);
        Session {
            keeper: Origin::parse("keeper.example").unwrap(),
            space: SpaceId::from_bytes(bytes),
            key: VerifyingKey::from_bytes(secret.verifying_key().as_bytes()).unwrap(),
            nonce: Nonce::from_bytes(bytes),
            time: ClaimedTime::from_unix_seconds(time).unwrap(),
            verbs: Verbs::ReadWrite,
        }
    }

    /// A token of this number, by an account that may begin a space of this number.
    fn grant(sessions: &Sessions, number: u64, now: u64, begins: Option<Account>) -> Result<String, Refusal> {
        let mut random = [0; 32];
        random[..8].copy_from_slice(&number.to_be_bytes());
        sessions.grant(&session(number, now), begins, now, random)
    }

    #[test]
    fn spaces_that_an_account_might_begin_take_no_more_tokens_than_one_account_has() {
        let (sessions, account) = (Sessions::new(0), Some(Account { id: AccountId([7; 32]), once: true }));
        let first = grant(&sessions, 0, NOON, account).unwrap();
        let theirs = grant(&sessions, 1, NOON, None).unwrap();
        for number in 2..2 * TOKENS_OF_ACCOUNT_MAX as u64 {
            grant(&sessions, number, NOON, account).unwrap();
        }
        assert_eq!(sessions.count(), TOKENS_OF_ACCOUNT_MAX + 1);
        assert!(sessions.find(hash_of(&first), NOON).is_err(), "the oldest gives way");
        assert!(sessions.find(hash_of(&theirs), NOON).is_ok(), "and nobody else's");
    }

    #[test]
    fn what_has_ended_is_let_go_of() {
        let sessions = Sessions::new(0);
        (0..100).for_each(|number| drop(grant(&sessions, number, NOON, None).unwrap()));
        grant(&sessions, 100, NOON + TOKEN_SECONDS - 1, None).unwrap();
        assert_eq!(sessions.count(), 101);
        grant(&sessions, 101, NOON + TOKEN_SECONDS, None).unwrap();
        assert_eq!(sessions.count(), 2);
        let state = sessions.lock();
        assert_eq!((state.by_end.len(), state.of_owner.len()), (2, 2));
    }

    #[test]
    fn a_note_that_waited_until_its_nonce_is_forgotten_starts_no_second_session() {
        let (sessions, note) = (Sessions::new(0), session(0, NOON));
        let last = NOON + SESSION_SKEW_SECONDS_MAX;
        sessions.grant(&note, None, last, [1; 32]).unwrap();
        assert!(sessions.grant(&note, None, last, [2; 32]).is_err());
        // Whatever else comes has its nonce forgotten.
        grant(&sessions, 1, last + 1, None).unwrap();
        assert!(sessions.lock().spent.len() == 1);
        assert!(sessions.grant(&note, None, last + 1, [3; 32]).is_err());
    }
}
