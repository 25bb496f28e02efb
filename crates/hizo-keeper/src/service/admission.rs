//! Who may begin a space here, and on whose account.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hizo_ledger::id::{ObjectId, SpaceId};
use hizo_store::journal::AccountId;
use sha2::{Digest as _, Sha256};

use super::answer::Refusal;

/// Most characters of an admission code.
pub const CODE_BYTES_MAX: usize = 128;

/// The one account of a keeper that admits everybody. Of a code it is the SHA-256.
const OPEN: AccountId = AccountId([0; 32]);

/// An account that was found by its code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Account {
    pub(super) id: AccountId,
    /// It may begin one space and no other.
    pub(super) once: bool,
}

/// Who may begin a space.
#[derive(Debug, Clone)]
pub enum Admission {
    /// Everybody, on one account with this quota in bytes.
    Open(u64),
    /// Whoever has a code that nobody has used yet: each begins one space, with its quota in bytes.
    Invitation(BTreeMap<AccountId, u64>),
    /// Whoever has one of these codes, for any number of spaces that share its quota in bytes.
    Closed(BTreeMap<AccountId, u64>),
}

impl Admission {
    /// The word in the configuration and in what the keeper says of itself.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Open(_) => "open",
            Self::Invitation(_) => "invitation",
            Self::Closed(_) => "closed",
        }
    }

    pub(super) fn admit(&self, code: Option<&str>) -> Result<Account, Refusal> {
        let (codes, once) = match self {
            Self::Open(_) => return Ok(Account { id: OPEN, once: false }),
            Self::Invitation(codes) => (codes, true),
            Self::Closed(codes) => (codes, false),
        };
        let needed = || {
            Refusal::forbidden(
                "AdmissionNeeded",
                "the key is no present member's session key in this space, and a space begins here with an admission code; ask an admin of the space or the operator",
            )
        };
        let code = code.ok_or_else(needed)?;
        let id = AccountId(Sha256::digest(code).into());
        if code.len() > CODE_BYTES_MAX || !codes.contains_key(&id) {
            return Err(Refusal::forbidden("NotAdmitted", "this admission code is not known here; ask the operator"));
        }
        Ok(Account { id, once })
    }

    /// What an account may fill, in bytes. One that is no longer listed keeps what it has and gets no more.
    pub(super) fn quota(&self, account: AccountId) -> u64 {
        match self {
            Self::Open(quota) if account == OPEN => *quota,
            Self::Open(_) => 0,
            Self::Invitation(codes) | Self::Closed(codes) => codes.get(&account).copied().unwrap_or(0),
        }
    }
}

/// What lies here of each account and no record names, and what is coming in, in bytes as it costs. The last pass of the sweep
/// has counted it, and what has come and gone since is added up. Each object is counted by one of the two, and which of them is settled
/// under one lock with the beginning of the pass: no time of a file says it.
#[derive(Default)]
pub(super) struct Unnamed(Mutex<State>);

#[derive(Default)]
struct State {
    accounts: HashMap<AccountId, Held>,
    /// What is under way, and during a pass what was put since it began: known here before it lies there, and not for the pass to count.
    puts: HashMap<(SpaceId, ObjectId), Putting>,
    is_passing: bool,
}

/// An object that is put, perhaps by several at once.
#[derive(Default)]
struct Putting {
    under_way: usize,
    /// It is there, and counted, since the pass began.
    is_put: bool,
}

#[derive(Default)]
struct Held {
    /// Found by the last pass.
    found: u64,
    /// Put since that began.
    put: u64,
    /// Named by records since.
    named: u64,
    /// Coming in.
    reserved: u64,
}

impl Held {
    const fn put_and_found(&self) -> u64 {
        self.found.saturating_add(self.put).saturating_sub(self.named)
    }
}

impl Unnamed {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sets so many bytes apart for an object that does not lie here, before it comes in, if they fit into what the account has left
    /// besides.
    pub(super) fn reserve(
        self: &Arc<Self>,
        account: AccountId,
        object: (SpaceId, ObjectId),
        bytes: u64,
        left: u64,
    ) -> Option<Reserved> {
        let mut state = self.lock();
        let held = state.accounts.entry(account).or_default();
        let reserved = held.reserved.checked_add(bytes)?;
        held.put_and_found().checked_add(reserved).filter(|with| *with <= left)?;
        held.reserved = reserved;
        state.puts.entry(object).or_default().under_way += 1;
        Some(Reserved { unnamed: Arc::clone(self), account, object, bytes, put: None })
    }

    /// A record names so many bytes: they are counted elsewhere from now on.
    pub(super) fn named(&self, account: AccountId, bytes: u64) {
        let mut state = self.lock();
        let held = state.accounts.entry(account).or_default();
        held.named = held.named.saturating_add(bytes);
    }

    /// A pass begins, which finds all that was put until now.
    pub(super) fn begin_pass(&self) -> Pass<'_> {
        let mut state = self.lock();
        for held in state.accounts.values_mut() {
            *held = Held { found: held.put_and_found(), reserved: held.reserved, ..Held::default() };
        }
        state.puts.retain(|_, putting| !putting.is_put);
        state.is_passing = true;
        drop(state);
        Pass(self)
    }

    /// All of it, of all accounts.
    pub(super) fn total(&self) -> u64 {
        self.lock()
            .accounts
            .values()
            .map(|held| held.put_and_found().saturating_add(held.reserved))
            .fold(0, u64::saturating_add)
    }
}

/// A pass that goes on; what it would have found stays as it was if it is dropped before its end.
pub(super) struct Pass<'a>(&'a Unnamed);

impl Pass<'_> {
    /// Whether an object that lies here is not the pass's to count, as its put was under way when the pass began, or has begun since.
    pub(super) fn is_counted_already(&self, space: SpaceId, object: ObjectId) -> bool {
        self.0.lock().puts.contains_key(&(space, object))
    }

    /// It has found this.
    pub(super) fn end(self, mut found: HashMap<AccountId, u64>) {
        let mut state = self.0.lock();
        for (account, held) in &mut state.accounts {
            held.found = found.remove(account).unwrap_or(0);
        }
        state.accounts.extend(found.into_iter().map(|(account, found)| (account, Held { found, ..Held::default() })));
        state.accounts.retain(|_, held| held.reserved > 0 || held.put_and_found() > 0);
    }
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.is_passing = false;
        state.puts.retain(|_, putting| putting.under_way > 0);
    }
}

/// Bytes that are set apart for an object until this is dropped.
pub(super) struct Reserved {
    unnamed: Arc<Unnamed>,
    account: AccountId,
    object: (SpaceId, ObjectId),
    bytes: u64,
    put: Option<u64>,
}

impl Reserved {
    /// The object is there now, and costs so many of them: nobody else has put it meanwhile.
    pub(super) fn put(mut self, bytes: u64) {
        self.put = Some(bytes);
    }
}

impl Drop for Reserved {
    fn drop(&mut self) {
        let mut state = self.unnamed.lock();
        let held = state.accounts.entry(self.account).or_default();
        held.reserved = held.reserved.saturating_sub(self.bytes);
        held.put = held.put.saturating_add(self.put.unwrap_or(0));
        let is_passing = state.is_passing;
        // It is not known any more if somebody else had put it when a pass began: the pass counts it.
        let Entry::Occupied(mut putting) = state.puts.entry(self.object) else { return };
        let Putting { under_way, is_put } = putting.get_mut();
        *under_way = under_way.saturating_sub(1);
        *is_put |= self.put.is_some();
        if *under_way == 0 && !(is_passing && *is_put) {
            putting.remove();
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    const ONE: AccountId = AccountId([1; 32]);
    const OTHER: AccountId = AccountId([2; 32]);

    fn object(seed: u8) -> (SpaceId, ObjectId) {
        (SpaceId::from_bytes([seed; 16]), ObjectId::of(&[seed]))
    }

    fn coming(unnamed: &Arc<Unnamed>, seed: u8, bytes: u64) -> Reserved {
        unnamed.reserve(ONE, object(seed), bytes, u64::MAX).unwrap()
    }

    #[test]
    fn what_is_coming_in_what_was_put_and_what_was_found_count_together() {
        let unnamed = Arc::<Unnamed>::default();
        let coming = unnamed.reserve(ONE, object(1), 40, 100).unwrap();
        assert!(unnamed.reserve(ONE, object(2), 61, 100).is_none());
        assert!(unnamed.reserve(OTHER, object(2), 100, 100).is_some());
        coming.put(30);
        assert_eq!(unnamed.total(), 30, "what was set apart and not needed is free again");
        drop(unnamed.reserve(ONE, object(3), 70, 100).unwrap());
        unnamed.named(ONE, 10);
        assert_eq!(unnamed.total(), 20);
    }

    #[test]
    fn a_pass_counts_anew_and_loses_nothing_of_what_happens_meanwhile() {
        let unnamed = Arc::<Unnamed>::default();
        coming(&unnamed, 1, 100).put(100);
        let spanning = coming(&unnamed, 2, 8);
        let pass = unnamed.begin_pass();
        assert_eq!(unnamed.total(), 108, "until it ends, all counts on");
        coming(&unnamed, 3, 20).put(20);
        unnamed.named(ONE, 5);
        spanning.put(7);
        assert_eq!(unnamed.total(), 122);
        pass.end(HashMap::from([(ONE, 60), (OTHER, 1)]));
        assert_eq!(unnamed.total(), 60 + 20 + 7 - 5 + 1, "40 were swept, and are free again once");
        unnamed.begin_pass().end(HashMap::new());
        let state = unnamed.lock();
        assert!(state.accounts.is_empty() && state.puts.is_empty());
    }

    #[test]
    fn each_object_is_counted_by_the_pass_or_by_its_put_and_never_by_both() {
        let unnamed = Arc::<Unnamed>::default();
        coming(&unnamed, 1, 10).put(10);
        let (spanning, late, given_up) = (coming(&unnamed, 2, 10), coming(&unnamed, 3, 10), coming(&unnamed, 4, 10));
        // Two put the same at once, and one of them was done before.
        let again = coming(&unnamed, 5, 10);
        coming(&unnamed, 5, 10).put(10);
        let pass = unnamed.begin_pass();
        spanning.put(10);
        drop(given_up);
        coming(&unnamed, 6, 10).put(10);
        let found = |pass: &Pass<'_>| {
            (1..=6).filter(|seed| !pass.is_counted_already(object(*seed).0, object(*seed).1)).collect::<Vec<u8>>()
        };
        assert_eq!(found(&pass), [1, 4, 5]);
        drop(again);
        assert_eq!(found(&pass), [1, 4, 5], "it is the pass's on");
        late.put(10);
        // The fourth does not lie there.
        pass.end(HashMap::from([(ONE, 20)]));
        assert_eq!(unnamed.total(), 50);
        assert!(unnamed.lock().puts.is_empty(), "nothing is remembered between passes");
        let pass = unnamed.begin_pass();
        assert_eq!(found(&pass), [1, 2, 3, 4, 5, 6]);
        coming(&unnamed, 7, 1).put(1);
        drop(pass);
        assert_eq!(unnamed.total(), 51, "a pass that is given up changes nothing");
        assert!(unnamed.lock().puts.is_empty());
    }
}
