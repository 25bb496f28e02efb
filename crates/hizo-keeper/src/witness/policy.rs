//! The policy by which a keeper asks witnesses: a tlog-policy that it can act on.

use hizo_ledger::log::note::NamedKey;
use hizo_ledger::log::policy::{self, Policy};

use super::WITNESSES_MAX;

/// Why a keeper cannot ask by a policy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// It is no policy.
    #[error(transparent)]
    Form(#[from] policy::Error),
    /// It names logs, and this one is not among them.
    #[error("the policy names other logs, and not this one")]
    OtherLog,
    /// More than [`WITNESSES_MAX`] witnesses.
    #[error("the policy has more than {WITNESSES_MAX} witnesses")]
    TooMany,
    /// An address that is not `http://` and a host. What witnesses say is signed, so it goes in the clear.
    #[error("the witness {name} is not asked at an http:// address")]
    Address {
        /// Its name in the policy.
        name: String,
    },
    /// The witnesses with an address are no quorum.
    #[error("the witnesses with an address cannot make a quorum")]
    Quorum,
}

/// A policy that a keeper can act on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WitnessPolicy {
    /// What is kept, and can be given to those who check proofs: it names this log.
    pub text: String,
    /// What it says.
    pub policy: Policy,
}

impl WitnessPolicy {
    /// Reads a policy for the log with these keys; a line for the log is put in front where it names none.
    ///
    /// # Errors
    /// [`PolicyError`].
    pub fn read(bytes: &[u8], log: &[NamedKey]) -> Result<Self, PolicyError> {
        let policy = Policy::parse(bytes)?;
        let text = std::str::from_utf8(bytes).map_err(|_| policy::Error::Text)?;
        let text = match log.first().filter(|_| policy.logs().is_empty()) {
            Some(key) => format!("log {key}\n{text}"),
            None => text.to_owned(),
        };
        // The line added may have made it too long to be read again.
        let policy = Policy::parse(text.as_bytes())?;
        if !policy.logs().iter().any(|known| log.contains(&known.key)) {
            return Err(PolicyError::OtherLog);
        }
        can_be_asked(&policy)?;
        Ok(Self { text, policy })
    }

    /// Whether it is a policy that a keeper can ask by, whichever log it names.
    ///
    /// # Errors
    /// [`PolicyError`].
    pub fn check(bytes: &[u8]) -> Result<(), PolicyError> {
        can_be_asked(&Policy::parse(bytes)?)
    }

    /// What those who check proofs need of it: no addresses, and no comments.
    pub fn for_readers(&self) -> String {
        let line = |line: &str| {
            let words: Vec<&str> = line.split([' ', '\t']).filter(|word| !word.is_empty()).collect();
            let kept = match words.as_slice() {
                [] => return None,
                [first, ..] if first.starts_with('#') => return None,
                [log @ "log", key, ..] => vec![*log, *key],
                [witness @ "witness", name, key, ..] => vec![*witness, *name, *key],
                words => words.to_vec(),
            };
            Some(kept.join(" ") + "\n")
        };
        self.text.split('\n').filter_map(line).collect()
    }
}

fn can_be_asked(policy: &Policy) -> Result<(), PolicyError> {
    if policy.witnesses().len() > WITNESSES_MAX {
        return Err(PolicyError::TooMany);
    }
    let with_address =
        |name: &str| policy.witnesses().iter().any(|(known, witness)| known == name && witness.url.is_some());
    for (name, witness) in policy.witnesses() {
        if witness.url.as_deref().is_some_and(|url| !is_address(url)) {
            return Err(PolicyError::Address { name: name.clone() });
        }
    }
    if policy.is_quorum(with_address) { Ok(()) } else { Err(PolicyError::Quorum) }
}

fn is_address(url: &str) -> bool {
    url.strip_prefix("http://").is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/'))
}
