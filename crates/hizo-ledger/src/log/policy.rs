//! Whom a reader trusts: logs, witnesses, and how many of them must have seen a checkpoint (C2SP tlog-policy).
//!
//! See docs/spec/log.md, section "Policy".

use std::collections::{BTreeMap, BTreeSet};

use super::checkpoint::{self, Checkpoint, UnverifiedCheckpoint};
use super::note::{CheckpointKey, NamedKey};

/// Length of a policy file, at most, in bytes.
pub const POLICY_BYTES_MAX: usize = 256 << 10;

/// The word for no quorum at all.
const NONE: &str = "none";

/// Why a text is not a policy, with the line that breaks the rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Longer than [`POLICY_BYTES_MAX`], not UTF-8, or with control characters other than tab and line feed.
    #[error("the policy is not a plain text of at most {POLICY_BYTES_MAX} bytes")]
    Text,
    /// A line is none of log, witness, group and quorum, or has too few or too many words.
    #[error("line {line} of the policy is not in its form")]
    Line {
        /// Counted from 1.
        line: usize,
    },
    /// A key is not a verifier key, or of a type that signs something else.
    #[error("the key in line {line} of the policy cannot be used there")]
    Key {
        /// Counted from 1.
        line: usize,
    },
    /// A key, a name, a group's member or the quorum stands there twice.
    #[error("line {line} of the policy says something for the second time")]
    Twice {
        /// Counted from 1.
        line: usize,
    },
    /// A member or the quorum is not defined in a line above.
    #[error("line {line} of the policy names something that no line above defines")]
    Undefined {
        /// Counted from 1.
        line: usize,
    },
    /// A group's threshold is not between 1 and the number of its members.
    #[error("the threshold in line {line} of the policy is not between 1 and the number of members")]
    Threshold {
        /// Counted from 1.
        line: usize,
    },
    /// There is no quorum line.
    #[error("the policy has no quorum line")]
    NoQuorum,
}

/// Why a checkpoint does not meet a policy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unmet {
    /// A signature of a known key does not hold.
    #[error(transparent)]
    Checkpoint(#[from] checkpoint::Error),
    /// No log of the policy has signed it.
    #[error("no log that the policy names has signed the checkpoint")]
    Log,
    /// Too few of the witnesses have signed it.
    #[error("too few of the witnesses that the policy names have signed the checkpoint")]
    Quorum,
}

/// Logs, witnesses and a quorum.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    logs: Vec<Known>,
    witnesses: Vec<(String, Known)>,
    groups: BTreeMap<String, Group>,
    quorum: String,
}

/// A log or witness that the policy names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// Its key.
    pub key: NamedKey,
    /// Where it is reached, if the policy says so.
    pub url: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Group {
    threshold: usize,
    members: Vec<String>,
}

/// A checkpoint that a log of the policy has signed, and a quorum of its witnesses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Witnessed {
    /// What they signed.
    pub checkpoint: Checkpoint,
    /// The policy's names of the witnesses that have signed it, each with the time it stated.
    pub witnesses: Vec<(String, u64)>,
}

impl Policy {
    /// Reads a policy file.
    ///
    /// # Errors
    /// [`Error`], with the line.
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        if bytes.len() > POLICY_BYTES_MAX {
            return Err(Error::Text);
        }
        let text = std::str::from_utf8(bytes).map_err(|_| Error::Text)?;
        let is_control = |byte: u8| byte.is_ascii_control() && byte != b'\t' && byte != b'\n';
        if text.bytes().any(is_control) {
            return Err(Error::Text);
        }
        let mut reading = Reading::default();
        for (line, words) in (1..).zip(text.split('\n')) {
            let words: Vec<&str> = words.split([' ', '\t']).filter(|word| !word.is_empty()).collect();
            if words.first().is_some_and(|word| !word.starts_with('#')) {
                reading.line(line, &words)?;
            }
        }
        let Reading { logs, witnesses, groups, quorum } = reading;
        Ok(Self { logs, witnesses, groups, quorum: quorum.ok_or(Error::NoQuorum)? })
    }

    /// A policy of one log and no witness: a fork is then seen only when two readers compare heads.
    pub fn of_log(key: NamedKey) -> Self {
        let logs = vec![Known { key, url: None }];
        Self { logs, witnesses: Vec::new(), groups: BTreeMap::new(), quorum: NONE.to_owned() }
    }

    /// The logs.
    pub fn logs(&self) -> &[Known] {
        &self.logs
    }

    /// The witnesses, by their names in the policy.
    pub fn witnesses(&self) -> &[(String, Known)] {
        &self.witnesses
    }

    /// Whether anybody beside the log must have seen a checkpoint.
    pub fn asks_for_witnesses(&self) -> bool {
        self.quorum != NONE
    }

    /// Whether these witnesses together would be a quorum.
    pub fn is_quorum(&self, has_signed: impl Fn(&str) -> bool) -> bool {
        let names = self.witnesses.iter().map(|(name, _)| name).filter(|name| has_signed(name));
        self.is_met(&self.quorum, &names.map(|name| (name.clone(), 0)).collect::<Vec<_>>())
    }

    /// Checks a checkpoint's signatures.
    ///
    /// # Errors
    /// [`Unmet`].
    pub fn check(&self, unverified: &UnverifiedCheckpoint<'_>) -> Result<Witnessed, Unmet> {
        let checkpoint = unverified.claimed().clone();
        // Every line by a known key is looked at before anything is missed: one that is false makes the whole note false.
        let mut by_log = false;
        for log in &self.logs {
            let signed = unverified.signed_by(&log.key)?.is_some();
            by_log |= signed && log.key.name() == checkpoint.origin.as_str();
        }
        let mut witnesses = Vec::new();
        for (name, known) in &self.witnesses {
            if let Some(time) = unverified.signed_by(&known.key)? {
                witnesses.push((name.clone(), time));
            }
        }
        if !by_log {
            return Err(Unmet::Log);
        }
        if !self.is_met(&self.quorum, &witnesses) {
            return Err(Unmet::Quorum);
        }
        Ok(Witnessed { checkpoint, witnesses })
    }

    /// Groups name only what stands above them, so this ends.
    fn is_met(&self, name: &str, signed: &[(String, u64)]) -> bool {
        match self.groups.get(name) {
            _ if name == NONE => true,
            Some(group) => group.members.iter().filter(|member| self.is_met(member, signed)).count() >= group.threshold,
            None => signed.iter().any(|(witness, _)| witness == name),
        }
    }
}

#[derive(Default)]
struct Reading {
    logs: Vec<Known>,
    witnesses: Vec<(String, Known)>,
    groups: BTreeMap<String, Group>,
    quorum: Option<String>,
}

impl Reading {
    fn line(&mut self, line: usize, words: &[&str]) -> Result<(), Error> {
        match words {
            ["log", key, url @ ..] => {
                let known = known(line, key, url)?;
                let signs = matches!(known.key.key(), CheckpointKey::Log(_) | CheckpointKey::MlDsa(_));
                ensure(signs, Error::Key { line })?;
                ensure(!self.has_key(&known.key), Error::Twice { line })?;
                self.logs.push(known);
            }
            ["witness", name, key, url @ ..] => {
                let known = known(line, key, url)?;
                let signs = matches!(known.key.key(), CheckpointKey::Cosigner(_) | CheckpointKey::MlDsa(_));
                ensure(signs, Error::Key { line })?;
                ensure(!self.has_key(&known.key) && !self.is_defined(name), Error::Twice { line })?;
                self.witnesses.push(((*name).to_owned(), known));
            }
            ["group", name, threshold, members @ ..] => {
                ensure(!self.is_defined(name), Error::Twice { line })?;
                let known = members.iter().all(|member| *member != NONE && self.is_defined(member));
                ensure(known, Error::Undefined { line })?;
                // A witness that counted in two ways would be two witnesses.
                let mut taken: BTreeSet<&str> =
                    self.groups.values().flat_map(|group| group.members.iter().map(String::as_str)).collect();
                ensure(members.iter().all(|member| taken.insert(member)), Error::Twice { line })?;
                let threshold = match *threshold {
                    "any" => Some(1),
                    "all" => Some(members.len()),
                    number => checkpoint::decimal(number).and_then(|number| usize::try_from(number).ok()),
                };
                let threshold = threshold.filter(|threshold| (1..=members.len()).contains(threshold));
                let threshold = threshold.ok_or(Error::Threshold { line })?;
                let members = members.iter().map(|member| (*member).to_owned()).collect();
                self.groups.insert((*name).to_owned(), Group { threshold, members });
            }
            ["quorum", name] => {
                ensure(self.quorum.is_none(), Error::Twice { line })?;
                ensure(self.is_defined(name), Error::Undefined { line })?;
                self.quorum = Some((*name).to_owned());
            }
            _ => return Err(Error::Line { line }),
        }
        Ok(())
    }

    /// A key has one part: no witness twice, and no log as a witness of itself.
    fn has_key(&self, key: &NamedKey) -> bool {
        let known = self.logs.iter().chain(self.witnesses.iter().map(|(_, known)| known));
        known.into_iter().any(|known| known.key.is_same_key(key))
    }

    fn is_defined(&self, name: &str) -> bool {
        name == NONE || self.groups.contains_key(name) || self.witnesses.iter().any(|(witness, _)| witness == name)
    }
}

fn known(line: usize, key: &str, url: &[&str]) -> Result<Known, Error> {
    let key = NamedKey::parse(key).map_err(|_| Error::Key { line })?;
    match url {
        [] => Ok(Known { key, url: None }),
        [url] => Ok(Known { key, url: Some((*url).to_owned()) }),
        _ => Err(Error::Line { line }),
    }
}

fn ensure(holds: bool, otherwise: Error) -> Result<(), Error> {
    if holds { Ok(()) } else { Err(otherwise) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects)]

    use ed25519_dalek::{Signer, SigningKey};

    use super::*;
    use crate::id::RootHash;
    use crate::identity::VerifyingKey;
    use crate::log::note;
    use crate::record::Origin;

    fn secret(seed: u8) -> SigningKey {
        SigningKey::from_bytes(&[seed; 32])
    }

    fn key(name: &str, seed: u8, kind: fn(VerifyingKey) -> CheckpointKey) -> NamedKey {
        let public = VerifyingKey::from_bytes(secret(seed).verifying_key().as_bytes()).unwrap();
        NamedKey::new(name, kind(public)).unwrap()
    }

    fn log() -> NamedKey {
        key("keeper.example", 1, CheckpointKey::Log)
    }

    fn witness(number: u8) -> NamedKey {
        key(&format!("w.example/{number}"), 10 + number, CheckpointKey::Cosigner)
    }

    /// Two of three of one body, and any of another.
    fn policy() -> String {
        let mut text = format!("# comment\n\nlog {}\n", log());
        (1..=5).for_each(|number| text += &format!("\twitness W{number} {} https://w.example \n", witness(number)));
        text + "group X 2 W1 W2 W3\ngroup Y any W4 W5\ngroup all-of all X Y\nquorum all-of\n"
    }

    fn signed(witnesses: &[u8]) -> String {
        let checkpoint = Checkpoint {
            origin: Origin::parse("keeper.example").unwrap(),
            size: 3,
            root: RootHash::from_bytes([1; 32]),
        };
        let mut text = checkpoint.text() + "\n";
        text += &note::signature_line(&log(), &secret(1).sign(checkpoint.text().as_bytes()).to_bytes());
        for number in witnesses {
            let time = u64::from(*number) + 100;
            let signature = secret(10 + number).sign(checkpoint.cosigned_text(time).as_bytes()).to_bytes();
            text += &note::signature_line(&witness(*number), &[&time.to_be_bytes(), signature.as_slice()].concat());
        }
        text
    }

    fn check(policy: &str, note: &str) -> Result<Witnessed, Unmet> {
        Policy::parse(policy.as_bytes()).unwrap().check(&UnverifiedCheckpoint::parse(note.as_bytes()).unwrap())
    }

    #[test]
    fn a_quorum_of_nested_groups_is_met_or_not() {
        for (witnesses, met) in [
            (&[][..], false),
            (&[1, 2], false),
            (&[4, 5], false),
            (&[1, 4], false),
            (&[1, 2, 4], true),
            (&[3, 2, 5], true),
            (&[1, 2, 3, 4, 5], true),
        ] {
            let outcome = check(&policy(), &signed(witnesses));
            assert_eq!(outcome.is_ok(), met, "{witnesses:?}");
            match outcome {
                Ok(witnessed) => assert_eq!(witnessed.witnesses.len(), witnesses.len()),
                Err(unmet) => assert_eq!(unmet, Unmet::Quorum),
            }
        }
    }

    #[test]
    fn a_checkpoint_of_another_log_or_with_a_false_signature_is_refused() {
        let other = format!("log {}\nquorum none\n", key("other.example", 1, CheckpointKey::Log));
        assert_eq!(check(&other, &signed(&[])), Err(Unmet::Log));
        let same_name = format!("log {}\nquorum none\n", key("keeper.example", 2, CheckpointKey::Log));
        assert_eq!(check(&same_name, &signed(&[])), Err(Unmet::Log));
        let one = format!("log {}\nquorum none\n", log());
        assert!(check(&one, &signed(&[])).is_ok());
        let false_size = signed(&[]).replace("\n3\n", "\n4\n");
        assert_eq!(check(&one, &false_size), Err(Unmet::Checkpoint(checkpoint::Error::Signature)));
        let false_witness = signed(&[1, 2, 4]).replace("\n3\n", "\n4\n");
        assert!(check(&policy(), &false_witness).is_err());
        // A false line is told although no log of the policy has signed.
        let unsigned = false_size.replace("— keeper.example ", "— keeper.elsewhere ");
        assert_eq!(check(&policy(), &unsigned), Err(Unmet::Log));
        let with_witness = format!("{unsigned}{}", signed(&[4]).lines().last().unwrap().to_owned() + "\n");
        assert_eq!(check(&policy(), &with_witness), Err(Unmet::Checkpoint(checkpoint::Error::Signature)));
    }

    #[test]
    fn what_is_not_a_policy_is_refused_with_its_line() {
        let (log, one, two) = (log(), witness(1), witness(2));
        let log_as_witness = key("w.example/1", 1, CheckpointKey::Cosigner);
        for (text, error) in [
            (String::new(), Error::NoQuorum),
            (format!("log {log}\n"), Error::NoQuorum),
            ("quorum\n".to_owned(), Error::Line { line: 1 }),
            ("quorum a b\n".to_owned(), Error::Line { line: 1 }),
            ("friend a\n".to_owned(), Error::Line { line: 1 }),
            (format!("log {log} url more\n"), Error::Line { line: 1 }),
            ("log a+b+c\n".to_owned(), Error::Key { line: 1 }),
            (format!("log {one}\n"), Error::Key { line: 1 }),
            (format!("witness a {log}\n"), Error::Key { line: 1 }),
            (format!("log {log}\nlog {log}\n"), Error::Twice { line: 2 }),
            (format!("witness a {one}\nwitness b {one}\n"), Error::Twice { line: 2 }),
            (format!("witness a {one}\nwitness a {two}\n"), Error::Twice { line: 2 }),
            (format!("witness none {one}\n"), Error::Twice { line: 1 }),
            (format!("log {log}\nwitness a {log_as_witness}\n"), Error::Twice { line: 2 }),
            (format!("witness a {one}\nwitness b {two}\ngroup g 2 b b\n"), Error::Twice { line: 3 }),
            (
                format!("witness a {one}\nwitness b {two}\ngroup g any a b\ngroup h any b\ngroup i all g h\n"),
                Error::Twice { line: 4 },
            ),
            ("quorum none\nquorum none\n".to_owned(), Error::Twice { line: 2 }),
            ("quorum a\n".to_owned(), Error::Undefined { line: 1 }),
            ("group g 1 g\n".to_owned(), Error::Undefined { line: 1 }),
            ("group g 1 none\n".to_owned(), Error::Undefined { line: 1 }),
            (format!("witness a {one}\ngroup g 0 a\n"), Error::Threshold { line: 2 }),
            (format!("witness a {one}\ngroup g 2 a\n"), Error::Threshold { line: 2 }),
            (format!("witness a {one}\ngroup g 01 a\n"), Error::Threshold { line: 2 }),
            ("group g all\n".to_owned(), Error::Threshold { line: 1 }),
            (format!("witness a {one}\ngroup g 2 a a\n"), Error::Twice { line: 2 }),
            (format!("witness a {one}\ngroup g 1 a\ngroup h 1 a\n"), Error::Twice { line: 3 }),
            (format!("witness a {one}\ngroup g 1 a\ngroup h 2 a g\n"), Error::Twice { line: 3 }),
        ] {
            assert_eq!(Policy::parse(text.as_bytes()), Err(error), "{text}");
        }
        assert_eq!(Policy::parse(&[0xff]), Err(Error::Text));
    }
}
