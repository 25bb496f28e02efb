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

/// What each account has put since the start and no record names yet, and what is coming in.
#[derive(Default)]
pub(super) struct Unnamed(Mutex<HashMap<AccountId, u64>>);

impl Unnamed {
    fn lock(&self) -> MutexGuard<'_, HashMap<AccountId, u64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sets so many bytes apart if they fit into what the account has left besides.
    pub(super) fn reserve(self: &Arc<Self>, account: AccountId, bytes: u64, left: u64) -> Option<Reserved> {
        let mut unnamed = self.lock();
        let held = unnamed.entry(account).or_default();
        let with = held.checked_add(bytes).filter(|with| *with <= left)?;
        *held = with;
        Some(Reserved { unnamed: Arc::clone(self), account, bytes })
    }

    /// A record names so many bytes: they are counted elsewhere from now on.
    pub(super) fn named(&self, account: AccountId, bytes: u64) {
        let mut unnamed = self.lock();
        if let Some(held) = unnamed.get_mut(&account) {
            *held = held.saturating_sub(bytes);
        }
    }
}

/// Bytes that are set apart until this is dropped, or for longer if they were put.
pub(super) struct Reserved {
    unnamed: Arc<Unnamed>,
    account: AccountId,
    bytes: u64,
}

impl Reserved {
    /// So many of them are there now.
    pub(super) fn put(mut self, bytes: u64) {
        self.bytes = self.bytes.saturating_sub(bytes);
    }
}

impl Drop for Reserved {
    fn drop(&mut self) {
        self.unnamed.named(self.account, self.bytes);
    }
}
