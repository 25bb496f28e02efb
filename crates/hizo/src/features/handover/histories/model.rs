//! What the pages say of members and of hand-overs, and nothing of how the code does it.

use super::*;

/// A delegation as it was said in a space, and what ended it.
#[derive(Clone, Copy)]
pub(super) struct Delegated {
    pub(super) from: u64,
    pub(super) until: u64,
    pub(super) own_epoch: usize,
    pub(super) is_revoked: bool,
}

/// What a record does to who is a member.
#[derive(Clone, Default)]
pub(super) struct Seating {
    pub(super) leaves: Vec<Who>,
    pub(super) comes: Vec<(Who, Role)>,
    pub(super) rule: Option<usize>,
    pub(super) begins: bool,
    pub(super) cards: Option<bool>,
    /// The office's own key that begins epochs, or a key that is nobody's.
    pub(super) names: Option<bool>,
    pub(super) is_deposit: bool,
}

impl Seating {
    pub(super) fn is_change(&self) -> bool {
        let Self { leaves, comes, rule, begins, cards, names, is_deposit: _ } = self;
        !leaves.is_empty() || !comes.is_empty() || rule.is_some() || *begins || cards.is_some() || names.is_some()
    }
}

/// The members of a space, as docs/spec/space.md has them.
#[derive(Clone)]
pub(super) struct Seats {
    pub(super) members: BTreeMap<Who, Role>,
    pub(super) needed: usize,
    pub(super) cards: bool,
    pub(super) rotators: BTreeSet<bool>,
    pub(super) delegated: BTreeMap<Who, Vec<Delegated>>,
    /// Of each epoch, who was given its secret.
    pub(super) opens: Vec<BTreeSet<Opens>>,
}

/// What opens an epoch: a person's own key, the office's keys of a certain epoch of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Opens {
    Own(Who),
    Organisation(u8, usize),
}

impl Seats {
    pub(super) fn allows(&self, act: &Seating, signers: &BTreeSet<Who>) -> bool {
        let needed_after = act.rule.unwrap_or(self.needed);
        let count = if act.is_change() { self.needed.max(needed_after) } else { 1 };
        let may = |who: &Who| {
            self.members.get(who).is_some_and(|role| match (act.is_change(), act.is_deposit) {
                (true, _) => *role == Role::Admin,
                (false, true) => *role != Role::Reader,
                (false, false) => true,
            })
        };
        let stays = |who: &Who| self.members.contains_key(who) && !act.leaves.contains(who);
        let fits = act.leaves.iter().all(|who| self.members.contains_key(who))
            && act.comes.iter().all(|(who, _)| !stays(who))
            && act.names.is_none_or(|own| !self.rotators.contains(&own));
        let admins = self.after(act).values().filter(|role| **role == Role::Admin).count();
        signers.len() == count && signers.iter().all(may) && fits && admins >= needed_after
    }

    pub(super) fn after(&self, act: &Seating) -> BTreeMap<Who, Role> {
        let mut members = self.members.clone();
        members.retain(|who, _| !act.leaves.contains(who));
        members.extend(act.comes.iter().copied());
        members
    }

    /// Whether somebody may act for his organisation at a time; whoever acts for himself may.
    pub(super) fn acts(&self, who: Who, at: u64) -> bool {
        self.delegated.get(&who).is_none_or(|said| Self::good(said, at).is_some())
    }

    /// Of those that have begun the one that began last, if it is good.
    pub(super) fn good(said: &[Delegated], at: u64) -> Option<Delegated> {
        let last = said.iter().filter(|said| said.from <= at).max_by_key(|said| said.from)?;
        (at <= last.until && !last.is_revoked).then_some(*last)
    }

    /// What an organisation reads by at a time: by that of its good delegations which began last.
    pub(super) fn own_epoch(&self, organisation: u8, at: u64) -> Option<usize> {
        let of_it = self.delegated.iter().filter(|(who, _)| organisation_of(**who) == Some(organisation));
        let good = of_it.filter_map(|(_, said)| Self::good(said, at));
        good.max_by_key(|good| good.from).map(|good| good.own_epoch)
    }

    pub(super) fn opener(&self, who: Who, at: u64) -> Option<Opens> {
        match organisation_of(who).filter(|_| self.delegated.contains_key(&who)) {
            Some(organisation) => Some(Opens::Organisation(organisation, self.own_epoch(organisation, at)?)),
            None => Some(Opens::Own(who)),
        }
    }

    pub(super) fn readers(&self, members: &BTreeMap<Who, Role>, at: u64) -> BTreeSet<Opens> {
        let reads = members.iter().filter(|(who, role)| role.opens() && **who != MACHINE);
        reads.filter_map(|(who, _)| self.opener(*who, at)).collect()
    }
}

/// What is wrong with a consent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flaw {
    None,
    Form,
    Signature,
    /// It names something that is not in the case.
    Item,
}

#[derive(Debug, Clone)]
pub(super) struct Shape {
    pub(super) by: Who,
    pub(super) flaw: Flaw,
    pub(super) level: Level,
    /// Nobody's key but this one's, or the office's.
    pub(super) receiver: Option<Who>,
    pub(super) keeps: bool,
    pub(super) until: u64,
    pub(super) items: BTreeSet<usize>,
    pub(super) space: usize,
}

impl Shape {
    /// Whom the consent names: an identity key, or the office's.
    pub(super) fn receiver_key(&self) -> VerifyingKey {
        self.receiver.map_or_else(|| organisation_key(OFFICE), |who| PEOPLE[who].identity)
    }

    pub(super) fn fault(&self) -> Option<Refusal> {
        match self.flaw {
            Flaw::Form => Some(Refusal::Form),
            Flaw::Signature => Some(Refusal::Signature),
            Flaw::None | Flaw::Item => None,
        }
    }
}

/// What the case says of one hand-over.
#[derive(Default)]
pub(super) struct Given {
    pub(super) shape: Option<Shape>,
    pub(super) is_withdrawn: bool,
    /// The key that answers.
    pub(super) handed: Option<Who>,
    pub(super) answer: Option<(Who, Verdict)>,
}

/// One entry of what the sender says that he made: of which item, which record, which commitment.
pub(super) type Entry = (usize, RecordId, u8);

/// A deposit in a hand-over.
#[derive(Clone, Copy)]
pub(super) struct Made {
    pub(super) record: RecordId,
    pub(super) commit: u8,
    pub(super) by: Who,
    pub(super) item: usize,
}

/// What stands in a hand-over.
pub(super) struct Hand {
    pub(super) shape: Shape,
    pub(super) sender: Who,
    pub(super) is_withdrawn: bool,
    pub(super) certified: bool,
    pub(super) deposits: Vec<Made>,
    pub(super) handed: Option<(Who, Vec<Entry>)>,
    pub(super) answers: Vec<(Who, Verdict)>,
    /// Somebody who reads could tell who the company is.
    pub(super) is_told: bool,
}
