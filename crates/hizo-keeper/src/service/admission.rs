//! Who may begin a space here, and on whose account.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

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
/// has counted it, and what has come and gone since is added up.
#[derive(Default)]
pub(super) struct Unnamed(Mutex<HashMap<AccountId, Held>>);

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
    fn lock(&self) -> MutexGuard<'_, HashMap<AccountId, Held>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sets so many bytes apart if they fit into what the account has left besides.
    pub(super) fn reserve(self: &Arc<Self>, account: AccountId, bytes: u64, left: u64) -> Option<Reserved> {
        let mut unnamed = self.lock();
        let held = unnamed.entry(account).or_default();
        let reserved = held.reserved.checked_add(bytes)?;
        held.put_and_found().checked_add(reserved).filter(|with| *with <= left)?;
        held.reserved = reserved;
        Some(Reserved { unnamed: Arc::clone(self), account, bytes, put: 0 })
    }

    /// A record names so many bytes: they are counted elsewhere from now on.
    pub(super) fn named(&self, account: AccountId, bytes: u64) {
        let mut unnamed = self.lock();
        let held = unnamed.entry(account).or_default();
        held.named = held.named.saturating_add(bytes);
    }

    /// A pass begins, which finds all that was put until now.
    pub(super) fn begin_pass(&self) {
        for held in self.lock().values_mut() {
            *held = Held { found: held.put_and_found(), reserved: held.reserved, ..Held::default() };
        }
    }

    /// The pass has found this.
    pub(super) fn end_pass(&self, mut found: HashMap<AccountId, u64>) {
        let mut unnamed = self.lock();
        for (account, held) in unnamed.iter_mut() {
            held.found = found.remove(account).unwrap_or(0);
        }
        unnamed.extend(found.into_iter().map(|(account, found)| (account, Held { found, ..Held::default() })));
        unnamed.retain(|_, held| held.reserved > 0 || held.put_and_found() > 0);
    }

    /// All of it, of all accounts.
    pub(super) fn total(&self) -> u64 {
        self.lock().values().map(|held| held.put_and_found().saturating_add(held.reserved)).fold(0, u64::saturating_add)
    }
}

/// Bytes that are set apart until this is dropped.
pub(super) struct Reserved {
    unnamed: Arc<Unnamed>,
    account: AccountId,
    bytes: u64,
    put: u64,
}

impl Reserved {
    /// So many of them are there now.
    pub(super) fn put(mut self, bytes: u64) {
        self.put = bytes;
    }
}

impl Drop for Reserved {
    fn drop(&mut self) {
        let mut unnamed = self.unnamed.lock();
        let held = unnamed.entry(self.account).or_default();
        held.reserved = held.reserved.saturating_sub(self.bytes);
        held.put = held.put.saturating_add(self.put);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    const ONE: AccountId = AccountId([1; 32]);
    const OTHER: AccountId = AccountId([2; 32]);

    fn put(unnamed: &Arc<Unnamed>, bytes: u64) {
        unnamed.reserve(ONE, bytes, u64::MAX).unwrap().put(bytes);
    }

    #[test]
    fn what_is_coming_in_what_was_put_and_what_was_found_count_together() {
        let unnamed = Arc::<Unnamed>::default();
        let coming = unnamed.reserve(ONE, 40, 100).unwrap();
        assert!(unnamed.reserve(ONE, 61, 100).is_none() && unnamed.reserve(OTHER, 100, 100).is_some());
        coming.put(30);
        assert_eq!(unnamed.total(), 30, "what was set apart and not needed is free again");
        drop(unnamed.reserve(ONE, 70, 100).unwrap());
        unnamed.named(ONE, 10);
        assert_eq!(unnamed.total(), 20);
    }

    #[test]
    fn a_pass_counts_anew_and_loses_nothing_of_what_happens_meanwhile() {
        let unnamed = Arc::<Unnamed>::default();
        put(&unnamed, 100);
        let coming = unnamed.reserve(ONE, 8, u64::MAX).unwrap();
        unnamed.begin_pass();
        assert_eq!(unnamed.total(), 108, "until it ends, all counts on");
        put(&unnamed, 20);
        unnamed.named(ONE, 5);
        coming.put(7);
        assert_eq!(unnamed.total(), 122);
        unnamed.end_pass(HashMap::from([(ONE, 60), (OTHER, 1)]));
        assert_eq!(unnamed.total(), 60 + 20 + 7 - 5 + 1, "40 were swept, and are free again once");
        unnamed.begin_pass();
        unnamed.end_pass(HashMap::new());
        assert!(unnamed.lock().is_empty());
    }
}
