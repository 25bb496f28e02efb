//! How far the keeper's log is witnessed.

use std::collections::BTreeMap;

use hizo_keeper::log::Cosigned;
use hizo_keeper::witness::WitnessPolicy;
use hizo_ledger::log::checkpoint::{Checkpoint, UnverifiedCheckpoint};

use crate::failure::Outcome;
use crate::keeper::{KeeperLog, log_failed};
use crate::words::{Words, words};

/// The policy, and what its witnesses have cosigned, as it lies on the disk: nobody is asked.
pub(crate) struct Standing {
    pub policy: Option<WitnessPolicy>,
    /// The newest published head; nothing before the first.
    pub head: Option<Checkpoint>,
    /// What each witness has cosigned last, by its name in the policy.
    pub last: BTreeMap<String, Option<Cosigned>>,
    /// Whether enough of them have cosigned the newest head.
    pub is_witnessed: bool,
}

impl Standing {
    pub(crate) fn of(log: &KeeperLog) -> Outcome<Self> {
        let (policy, published) = (log.policy().cloned(), log.published());
        let failed = log_failed;
        let read = |note: Option<Vec<u8>>| -> Option<Checkpoint> {
            Some(UnverifiedCheckpoint::parse(&note?).ok()?.claimed().clone())
        };
        let head = read(published.checkpoint().map_err(failed)?);
        let (mut last, mut is_witnessed) = (BTreeMap::new(), false);
        if let Some(WitnessPolicy { policy, .. }) = &policy {
            for (name, witness) in policy.witnesses() {
                last.insert(name.clone(), published.last_cosigned(&witness.key).map_err(failed)?);
            }
            let cosigned = published.cosigned(policy).map_err(failed)?.unwrap_or_default();
            let holds = |read: UnverifiedCheckpoint<'_>| policy.check(&read).is_ok();
            is_witnessed = policy.asks_for_witnesses() && UnverifiedCheckpoint::parse(&cosigned).is_ok_and(holds);
        }
        Ok(Self { policy, head, last, is_witnessed })
    }

    /// Whether anybody but the keeper must have seen a head.
    pub(crate) fn asks_for_witnesses(&self) -> bool {
        self.policy.as_ref().is_some_and(|policy| policy.policy.asks_for_witnesses())
    }

    /// The witnesses that have not cosigned the newest head.
    pub(crate) fn missing(&self) -> Vec<&str> {
        let has = |last: &Option<Cosigned>| last.as_ref().map(|last| &last.checkpoint) == self.head.as_ref();
        self.last.iter().filter(|(_, last)| !has(last)).map(|(name, _)| name.as_str()).collect()
    }

    /// What a person has to know whose record was published, if there is anything.
    pub(crate) fn warning(&self) -> Option<Words> {
        if self.is_witnessed || !self.asks_for_witnesses() {
            return None;
        }
        let missing = self.missing().join(", ");
        Some(words!(
            "the log is not witnessed yet: {missing} did not cosign; the next deposit or proof asks again",
            "台帳の連署がまだ足りません（{missing}）。次の預け入れか証明のときに、もう一度求めます"
        ))
    }
}

/// What cannot be found out without witnesses.
pub(crate) fn without_witnesses() -> Words {
    words!(
        "no witness: a keeper that shows others another history is found out only when two members compare heads",
        "立会人なし: 預かる側が別の人に別の履歴を見せていても、二人が台帳の先頭を見比べるまで分かりません"
    )
}
