//! Later stamps that cover earlier ones, so that a time can be told when the certificates behind it have ended. See
//! docs/spec/proof.md, section "Renewals".

use super::bundle::{Earlier, Renewal, Stamped};
use super::{Check, Fault, Finding, InclusionProof, UnverifiedCheckpoint, UnverifiedRecord, included};
use crate::id::ObjectId;
use crate::log::policy::Unmet;
use crate::record::{Act, Origin};
use crate::timestamp::{Accuracy, Moment, Token};

/// An independent stamp that counts.
pub(super) struct Counted {
    /// Over which head: that of the bundle (0), or that of a renewal.
    renewal: usize,
    name: String,
    time: Moment,
    accuracy: Option<Accuracy>,
    latest: Moment,
    ends: Moment,
}

impl Counted {
    pub(super) fn new(renewal: usize, name: &str, token: &Token) -> Self {
        let (time, accuracy) = (token.time(), token.accuracy());
        Self { renewal, name: name.to_owned(), time, accuracy, latest: token.latest(), ends: token.ends() }
    }

    pub(super) const fn latest(&self) -> Moment {
        self.latest
    }

    /// Whether this one, over a later head, says that it was before: neither clock is that wrong.
    fn is_before(&self, covered: &Self) -> bool {
        let (seconds, nanos) = covered.accuracy.map_or((0, 0), |exact| (exact.seconds.into(), exact.nanos()));
        self.latest.plus(seconds, nanos) < covered.time
    }
}

impl Check<'_> {
    pub(super) fn renewals(&mut self, keeper: &Origin) -> Result<(), Fault> {
        let bundle = self.bundle;
        let mut before = &bundle.stamped;
        for (number, renewal) in (1..).zip(&bundle.renewals) {
            let wrong = |fault| Fault::Renewal { number, fault: Box::new(fault) };
            let size = self.covers(keeper, before, renewal).map_err(wrong)?;
            let covers = renewal.earlier.iter().map(|earlier| earlier.name.clone()).collect();
            self.findings.push(Finding::Renewal { number, size, covers });
            self.stamps(number, &renewal.stamped).map_err(wrong)?;
            self.in_order(number).map_err(wrong)?;
            before = &renewal.stamped;
        }
        Ok(())
    }

    /// Checks that the earlier stamps stand under the later head, and gives its size.
    fn covers(&self, keeper: &Origin, before: &Stamped, renewal: &Renewal) -> Result<u64, Fault> {
        let later = UnverifiedCheckpoint::parse(&renewal.stamped.checkpoint).map_err(Fault::Stamped)?;
        if later.claimed().origin != *keeper {
            return Err(Fault::Origin);
        }
        if renewal.earlier.is_empty() {
            return Err(Fault::RenewsNothing);
        }
        for earlier in &renewal.earlier {
            let leaf = self.leaf_of_stamp(keeper, before, earlier)?;
            let proof = InclusionProof::parse(&earlier.tlog_proof).map_err(Fault::Proof)?;
            let unverified = included(&proof, &leaf)?;
            if unverified.claimed() != later.claimed() {
                return Err(Fault::OtherText);
            }
            match self.brought.policy.map(|policy| policy.check(&unverified)) {
                Some(Err(Unmet::Checkpoint(_))) => return Err(Fault::CheckpointSignature),
                // The time rests on hashes and stamps alone.
                Some(Ok(_) | Err(Unmet::Log | Unmet::Quorum)) | None => {}
            }
        }
        Ok(later.claimed().size)
    }

    /// The leaf of the record that says this stamp.
    fn leaf_of_stamp(&self, keeper: &Origin, before: &Stamped, earlier: &Earlier) -> Result<crate::log::Leaf, Fault> {
        let name = || earlier.name.clone();
        let stamp = before.stamps.iter().find(|stamp| stamp.name == earlier.name);
        let stamp = stamp.ok_or_else(|| Fault::NoEarlierStamp { name: name() })?;
        let record = UnverifiedRecord::parse(&earlier.note)?;
        let bytes = u64::try_from(stamp.response.len()).unwrap_or(u64::MAX);
        let says = record.envelope().body == Some((ObjectId::of(&stamp.response), bytes));
        if !says || record.envelope().act() != Act::Say {
            return Err(Fault::OtherEarlierStamp { name: name() });
        }
        let (receipt, _) = self.receipt(&earlier.receipt, &record)?;
        if receipt.keeper != *keeper { Err(Fault::ReceiptKeeper) } else { Ok(receipt.leaf) }
    }

    /// Whether the stamp is among those that the next renewal covers.
    fn is_covered(&self, stamp: &Counted) -> bool {
        let next = self.bundle.renewals.get(stamp.renewal);
        next.is_some_and(|next| next.earlier.iter().any(|earlier| earlier.name == stamp.name))
    }

    /// Checks that no stamp of this renewal says a time before that of one that it covers.
    fn in_order(&self, number: usize) -> Result<(), Fault> {
        let (later, earlier): (Vec<_>, Vec<_>) = self.independent.iter().partition(|stamp| stamp.renewal == number);
        let covered: Vec<_> = earlier.into_iter().filter(|stamp| self.is_covered(stamp)).collect();
        match later.into_iter().find(|later| covered.iter().any(|earlier| later.is_before(earlier))) {
            Some(later) => Err(Fault::RenewedBefore { name: later.name.clone() }),
            None => Ok(()),
        }
    }

    /// Since when and until when the earliest stamp counts whose chain of renewals has no gap.
    pub(super) fn times(&mut self) -> Option<(Moment, Moment)> {
        // The latest heads come first: whether a stamp has a gap depends on later ones.
        let mut sound: Vec<(&Counted, Moment)> = Vec::new();
        let mut gaps = Vec::new();
        for stamp in self.independent.iter().rev() {
            let later = sound.iter().filter(|(later, _)| later.renewal > stamp.renewal);
            let until = if later.clone().next().is_none() {
                Some(stamp.ends)
            } else {
                let in_time = later.filter(|(later, _)| later.latest <= stamp.ends);
                in_time.map(|(_, until)| *until).max().filter(|_| self.is_covered(stamp))
            };
            match until {
                Some(until) => sound.push((stamp, until)),
                None => gaps.push(Finding::Gap { renewal: stamp.renewal, name: stamp.name.clone(), ends: stamp.ends }),
            }
        }
        let first = sound.iter().rev().min_by_key(|(stamp, _)| stamp.latest);
        let times = first.map(|(stamp, until)| (stamp.latest, *until));
        gaps.reverse();
        self.findings.extend(gaps);
        times
    }
}
