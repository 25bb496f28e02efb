//! A head is shown to the witnesses of a policy before the next one is signed, and the next one after.
//!
//! See docs/spec/witness.md, section "How a keeper asks".

use std::collections::BTreeMap;

use hizo_ledger::log::checkpoint::{Checkpoint, UnverifiedCheckpoint};
use hizo_ledger::log::note::NamedKey;
use hizo_ledger::log::policy::{Policy, Unmet, Witnessed};
use hizo_ledger::log::tree;
use hizo_store::Journal;
use hizo_store::disk::Disk;
use hizo_store::journal::LogHead;
use sha2::{Digest, Sha256};

use super::{CHECKPOINT, Error, LogFiles, LogReader, Sequencer, damaged, unread};
use crate::witness::{self, Answer, Patience, Question, Silence, hex};

/// The name of what a witness has cosigned last, beside those of all sizes.
const LAST: &str = "last";

/// What came of publishing a head that witnesses were asked to cosign.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    /// The head.
    pub head: LogHead,
    /// What each witness of the policy answered about it, by its name there.
    pub answers: BTreeMap<String, Answer>,
    /// Whether it is witnessed: whether it meets the policy. `None` where there is no policy.
    pub witnessed: Option<Result<Witnessed, Unmet>>,
}

/// What a witness has cosigned last, as its own signature says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cosigned {
    /// Of this log.
    pub checkpoint: Checkpoint,
    /// When, in seconds since 1970.
    pub time: u64,
    line: String,
}

impl<F: LogFiles> LogReader<F> {
    /// The published checkpoint with the cosignatures of the policy's witnesses on it; `None` before the first.
    ///
    /// # Errors
    /// [`Error::Files`], [`Error::Damaged`].
    pub fn cosigned(&self, policy: &Policy) -> Result<Option<Vec<u8>>, Error> {
        self.checkpoint()?.map(|head| self.with_cosignatures(&head, policy)).transpose()
    }

    /// A head that was published once, with the cosignatures of the policy's witnesses on it.
    ///
    /// # Errors
    /// [`Error::Files`]; [`Error::Damaged`] when it is no head.
    pub fn with_cosignatures(&self, head: &[u8], policy: &Policy) -> Result<Vec<u8>, Error> {
        let checkpoint = UnverifiedCheckpoint::parse(head).map_err(|_| damaged(CHECKPOINT))?.claimed().clone();
        let (mut note, size) = (head.to_vec(), checkpoint.size.to_string());
        for (_, witness) in policy.witnesses() {
            let kept = self.kept(&witness.key, &size)?.filter(|kept| kept.checkpoint == checkpoint);
            note.extend(kept.iter().flat_map(|kept| kept.line.bytes()));
        }
        Ok(note)
    }

    /// What the witness with this key has cosigned last; `None` when that is nothing, or cannot be read any more.
    ///
    /// # Errors
    /// [`Error::Files`].
    pub fn last_cosigned(&self, key: &NamedKey) -> Result<Option<Cosigned>, Error> {
        self.kept(key, LAST)
    }

    fn kept(&self, key: &NamedKey, name: &str) -> Result<Option<Cosigned>, Error> {
        let Some(note) = self.files.read(&cosigned_path(key, name))? else { return Ok(None) };
        let Ok(read) = UnverifiedCheckpoint::parse(&note) else { return Ok(None) };
        let Ok(Some(time)) = read.signed_by(key) else { return Ok(None) };
        Ok(Some(Cosigned { checkpoint: read.claimed().clone(), time, line: read.line_of(key) }))
    }
}

impl<D: Disk> Sequencer<D> {
    /// As [`Sequencer::publish`], with the witnesses of a policy: they are shown the published head before anything is
    /// signed, and then the new one. Witnesses that do not answer stop nothing; they are asked again by the next
    /// publishing, also of the same size.
    ///
    /// # Errors
    /// [`Error`]. [`Error::Witness`] when one of them has seen more of the log or another one: nothing was signed then,
    /// unless it came to light between the two.
    pub fn publish_witnessed<J: Journal>(
        &self,
        journal: &J,
        time: u64,
        policy: &Policy,
        patience: &Patience,
    ) -> Result<Published, Error> {
        let before = match self.log.checkpoint()? {
            Some(note) => note,
            // Every log goes on from the empty one, so nothing is said by signing it, and every witness must take it.
            None => self.sign(LogHead { size: 0, root: tree::empty_root() }, time)?,
        };
        let size = self.log.published()?.map_or(0, |head| head.size);
        // A published file may be lost; what was settled to be signed the journal knows.
        let signed = journal.log()?.signed.map_or(0, |head| head.size).max(size);
        let question = Question { checkpoint: &before, size, old: size, signed };
        let mut answers = self.ask(policy, question, patience, &|_| true)?;
        let head = self.publish(journal, time)?;
        if head.size > size {
            let note = self.log.checkpoint()?.ok_or_else(|| damaged(CHECKPOINT))?;
            let question = Question { checkpoint: &note, size: head.size, old: size, signed: head.size };
            // Whoever did not answer a moment ago would only be waited for once more.
            let has_answered =
                |name: &str| matches!(answers.get(name), Some(Answer::Cosigned(_) | Answer::Silent(Silence::Ahead)));
            let later = self.ask(policy, question, patience, &has_answered)?;
            answers.extend(later);
        }
        let cosigned = self.log.cosigned(policy)?.ok_or_else(|| damaged(CHECKPOINT))?;
        let read = UnverifiedCheckpoint::parse(&cosigned).map_err(|_| damaged(CHECKPOINT))?;
        Ok(Published { head, answers, witnessed: Some(policy.check(&read)) })
    }

    /// Asks those witnesses about a head, and keeps the cosignatures that come.
    fn ask(
        &self,
        policy: &Policy,
        question: Question<'_>,
        patience: &Patience,
        whom: &dyn Fn(&str) -> bool,
    ) -> Result<BTreeMap<String, Answer>, Error> {
        let size = question.size;
        let read = UnverifiedCheckpoint::parse(question.checkpoint).map_err(|_| damaged(CHECKPOINT))?;
        let text = read.claimed().text();
        let mut tiles = self.log.tiles(size);
        let mut prove = |from| {
            let path = tree::consistency_path(&mut tiles, from, size).map_err(unread)?;
            path.ok_or_else(|| damaged(CHECKPOINT))
        };
        let answers = witness::ask(policy, whom, question, patience, &mut prove)?;
        for (name, witness) in policy.witnesses() {
            // The head of no leaves was signed to be shown and for nothing else.
            if let Some(Answer::Cosigned(cosignature)) = answers.get(name).filter(|_| size > 0) {
                let kept = format!("{text}\n{}", cosignature.line);
                for name in [size.to_string().as_str(), LAST] {
                    self.log.files.publish(&cosigned_path(&witness.key, name), kept.as_bytes())?;
                }
            }
        }
        for (name, answer) in &answers {
            if let Answer::Alarm(alarm) = answer {
                return Err(Error::Witness { name: name.clone(), alarm: *alarm });
            }
        }
        Ok(answers)
    }
}

fn cosigned_path(key: &NamedKey, name: &str) -> String {
    format!("cosigned/{}/{name}", hex(&Sha256::digest(key.to_string()).into()))
}
