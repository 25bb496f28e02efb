//! Who may begin a space here, and on whose account.

use std::collections::BTreeMap;

use sha2::{Digest as _, Sha256};

use super::answer::Refusal;

/// Most characters of an admission code.
pub const CODE_BYTES_MAX: usize = 128;

/// What pays for a space: SHA-256 of the code by which it was admitted, or zeros where nobody needs one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct AccountId(pub [u8; 32]);

impl AccountId {
    /// The one account of a keeper that admits everybody.
    pub const OPEN: Self = Self([0; 32]);
}

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
            Self::Open(_) => return Ok(Account { id: AccountId::OPEN, once: false }),
            Self::Invitation(codes) => (codes, true),
            Self::Closed(codes) => (codes, false),
        };
        let needed =
            || Refusal::forbidden("AdmissionNeeded", "a space begins here with an admission code; ask the operator");
        let code = code.ok_or_else(needed)?;
        let id = AccountId(Sha256::digest(code).into());
        if code.len() > CODE_BYTES_MAX || !codes.contains_key(&id) {
            return Err(Refusal::forbidden("NotAdmitted", "this admission code is not known here; ask the operator"));
        }
        Ok(Account { id, once })
    }

    /// What an account may fill, in bytes. One that is no longer listed keeps what it has and gets no more.
    #[expect(dead_code, reason = "what is counted against it comes next")]
    pub(super) fn quota(&self, account: AccountId) -> u64 {
        match self {
            Self::Open(quota) if account == AccountId::OPEN => *quota,
            Self::Open(_) => 0,
            Self::Invitation(codes) | Self::Closed(codes) => codes.get(&account).copied().unwrap_or(0),
        }
    }
}
