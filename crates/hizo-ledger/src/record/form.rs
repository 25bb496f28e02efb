//! The rules of form: what a record must be by itself, whatever stands before it.
//!
//! See docs/spec/record.md, section "Rules of form".

use std::collections::BTreeSet;

use super::{Act, BODY_BYTES_MAX, CONTROLS_MAX, Control, Deposit, Envelope, Error, Objects, WRAP_BYTES_MAX};
use crate::object::{OBJECT_BYTES_MAX, OBJECT_LIST_LINES_MAX};

impl Envelope {
    /// The rules of form: those that need no other record.
    pub(super) fn check(&self) -> Result<(), Error> {
        ensure((self.number == 0) == self.prev.is_none(), Error::Prev)?;
        ensure(self.seen.is_none_or(|seen| seen.size > 0), Error::Seen)?;
        ensure(self.body.is_none_or(|(_, bytes)| (1..=BODY_BYTES_MAX).contains(&bytes)), Error::BodySize)?;
        ensure(self.body.is_some() || self.act() != Act::Say, Error::NothingSaid)?;
        if let Some(deposit) = &self.deposit {
            ensure(self.controls.is_empty(), Error::DepositWithControls)?;
            deposit.check()?;
        }
        self.check_controls()?;
        if self.number == 0 { self.check_genesis() } else { self.check_later() }
    }

    fn check_controls(&self) -> Result<(), Error> {
        ensure(self.controls.len() <= CONTROLS_MAX, Error::ControlCount)?;
        ensure(self.controls.is_sorted_by(|a, b| a.place() < b.place()), Error::ControlOrder)?;
        for control in &self.controls {
            match control {
                Control::Epoch { epoch, .. } => ensure(*epoch == self.epoch, Error::EpochOfRecord)?,
                Control::Wrap { epoch, bytes, .. } => {
                    ensure(*epoch <= self.epoch, Error::WrapAhead)?;
                    ensure((1..=WRAP_BYTES_MAX).contains(bytes), Error::WrapSize)?;
                }
                Control::Origin(origin) => ensure(*origin != self.keeper, Error::OriginSame)?,
                Control::Founder(_) | Control::Slot(_) | Control::Recovery(_) | Control::Admins(_) => {}
                Control::Remove(_) | Control::Member { .. } | Control::Session { .. } => {}
                Control::RotatorEnds(_) | Control::Rotator(_) => {}
            }
        }
        let wraps_own = |control: &Control| matches!(control, Control::Wrap { epoch, .. } if *epoch == self.epoch);
        let removes = self.controls.iter().any(|control| matches!(control, Control::Remove(_)));
        let begins = self.new_epoch().is_some();
        ensure(!begins || self.controls.iter().any(wraps_own), Error::EpochWithoutWrap)?;
        ensure(!removes || begins, Error::RemoveWithoutEpoch)?;
        self.check_keys()
    }

    /// A recovery key and a rotator never sign as a member, a founder is a member already, and a session key is none of them: each
    /// key that the record brings serves one purpose.
    fn check_keys(&self) -> Result<(), Error> {
        let (mut joining, mut others) = (BTreeSet::new(), BTreeSet::new());
        let (mut once, mut of_joining) = (true, true);
        // Session lines stand behind those that make members.
        for control in &self.controls {
            match control {
                Control::Founder(key) | Control::Member { key, .. } => once &= joining.insert(*key),
                Control::Recovery(Some(key)) | Control::Rotator(key) => once &= others.insert(*key),
                Control::Session { member, session } => {
                    of_joining &= joining.contains(member);
                    once &= others.insert(*session);
                }
                Control::Slot(_) | Control::Recovery(None) | Control::Admins(_) | Control::Remove(_) => {}
                Control::RotatorEnds(_) => {}
                Control::Epoch { .. } | Control::Wrap { .. } | Control::Origin(_) => {}
            }
        }
        ensure(once && joining.is_disjoint(&others), Error::KeyTwice)?;
        ensure(of_joining, Error::SessionNotMember)
    }

    fn check_genesis(&self) -> Result<(), Error> {
        let (mut needed, mut foreign) = (0_u8, false);
        for control in &self.controls {
            match control {
                // Each stands at most once, since control lines rise strictly.
                Control::Founder(_) | Control::Slot(_) | Control::Recovery(_) => needed = needed.saturating_add(1),
                Control::Epoch { epoch: 0, .. } => needed = needed.saturating_add(1),
                Control::Admins(_) | Control::Remove(_) | Control::Origin(_) => foreign = true,
                Control::RotatorEnds(_) | Control::Rotator(_) => foreign = true,
                Control::Member { .. } | Control::Session { .. } => {}
                Control::Epoch { .. } | Control::Wrap { .. } => {}
            }
        }
        ensure(!foreign, Error::GenesisOnly)?;
        ensure(needed == 4, Error::GenesisIncomplete)
    }

    fn check_later(&self) -> Result<(), Error> {
        let genesis_only = |control: &Control| matches!(control, Control::Founder(_) | Control::Slot(_));
        ensure(!self.controls.iter().any(genesis_only), Error::GenesisOnly)
    }
}

impl Control {
    /// Where the line stands: control lines rise strictly, so that each set of them has one text.
    pub(super) fn place(&self) -> (u8, u32, [u8; 32]) {
        match self {
            Self::Founder(_) => (0, 0, [0; 32]),
            Self::Slot(_) => (1, 0, [0; 32]),
            Self::Recovery(_) => (2, 0, [0; 32]),
            Self::Admins(_) => (3, 0, [0; 32]),
            Self::Remove(key) => (4, 0, *key.as_bytes()),
            Self::Member { key, .. } => (5, 0, *key.as_bytes()),
            Self::Session { member, .. } => (6, 0, *member.as_bytes()),
            Self::RotatorEnds(key) => (7, 0, *key.as_bytes()),
            Self::Rotator(key) => (8, 0, *key.as_bytes()),
            Self::Epoch { .. } => (9, 0, [0; 32]),
            Self::Wrap { epoch, wrap, .. } => (10, *epoch, *wrap.as_bytes()),
            Self::Origin(_) => (11, 0, [0; 32]),
        }
    }
}

impl Deposit {
    fn check(&self) -> Result<(), Error> {
        ensure(self.k > 0 && (self.k == 1) == self.prev.is_none(), Error::DepositPrev)?;
        let Objects { count, total, .. } = self.objects;
        let in_range = usize::try_from(count).is_ok_and(|count| (1..=OBJECT_LIST_LINES_MAX).contains(&count));
        let longest = count.saturating_mul(OBJECT_BYTES_MAX);
        ensure(in_range && (count..=longest).contains(&total), Error::ObjectTotals)
    }
}

pub(super) fn ensure(holds: bool, otherwise: Error) -> Result<(), Error> {
    if holds { Ok(()) } else { Err(otherwise) }
}
