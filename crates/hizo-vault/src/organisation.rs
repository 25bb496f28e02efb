//! Organisations: the card by which others know one, the request of somebody who acts for one, and what the delegations that were
//! said in a space come to.
//!
//! See docs/spec/organisation.md.

use std::collections::BTreeMap;

use hizo_ledger::delegation::{self, Delegation, Revocation};
use hizo_ledger::id::SpaceId;
use hizo_ledger::identity::VerifyingKey;
use hizo_ledger::record::{ClaimedTime, Role};
use serde_json::{Map, Value};

use crate::age::Recipient;
use crate::event::Event;
use crate::joining::{self, Request, UnverifiedRequest, line, name, object, read};

/// Longest card, in bytes.
pub const CARD_BYTES_MAX: usize = 8 << 10;
/// Longest request of somebody who acts for an organisation, in bytes.
pub const REQUEST_BYTES_MAX: usize = joining::REQUEST_BYTES_MAX + CARD_BYTES_MAX + 2 * delegation::NOTE_BYTES_MAX;

const CARD_FORMAT: &str = "organisation/v1";
const REQUEST_FORMAT: &str = "delegated-request/v1";

/// Why a file is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// It is no such file, or of a format that this version does not know.
    #[error("it is not a file of this kind")]
    Format,
    /// Something in it is missing, unknown, misplaced, or not in its one form.
    #[error("it is not in its one form")]
    Form,
    /// The request in it does not hold.
    #[error(transparent)]
    Request(#[from] joining::Error),
    /// The delegation in it does not hold.
    #[error(transparent)]
    Delegation(#[from] delegation::Error),
    /// The delegation is not by this organisation, or not for this request.
    #[error("request, organisation and delegation in it do not belong together")]
    Apart,
}

/// What others know an organisation by. The key is to be compared by its words; the names are claims.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Card {
    /// What it is called in languages other than Japanese.
    pub name: String,
    /// What it is called in Japanese.
    pub name_ja: String,
    /// The key that signs its delegations.
    pub key: VerifyingKey,
}

impl Card {
    /// The file's bytes.
    pub fn compose(&self) -> Vec<u8> {
        line(self.to_value())
    }

    /// Reads one.
    ///
    /// # Errors
    /// [`Error::Format`] and [`Error::Form`].
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        let found = read(bytes, CARD_FORMAT, CARD_BYTES_MAX).map_err(|_| Error::Format)?;
        let card = Self::of(&found).ok_or(Error::Form)?;
        if card.compose() == bytes { Ok(card) } else { Err(Error::Form) }
    }

    fn to_value(&self) -> Value {
        object([
            ("hizo", CARD_FORMAT.into()),
            ("name", self.name.as_str().into()),
            ("name_ja", self.name_ja.as_str().into()),
            ("key", self.key.to_base64().into()),
        ])
    }

    fn of(found: &Map<String, Value>) -> Option<Self> {
        Some(Self {
            name: name(found.get("name")?)?,
            name_ja: name(found.get("name_ja")?)?,
            key: VerifyingKey::from_base64(found.get("key")?.as_str()?).ok()?,
        })
    }
}

/// What somebody brings who wants to join a space for an organisation. Nothing in it is believed before
/// [`UnverifiedDelegatedRequest::verify`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnverifiedDelegatedRequest {
    /// The request of the person.
    pub request: UnverifiedRequest,
    /// The organisation.
    pub card: Card,
    /// Its delegation, a note.
    pub delegation: String,
}

/// Such a request, all of it signed by one identity and delegated by one organisation. Whose key the organisation's is, only its
/// words tell, or whoever pinned it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DelegatedRequest {
    /// The request of the person.
    pub request: Request,
    /// The organisation.
    pub card: Card,
    /// What it says of the person's key.
    pub delegation: Delegation,
    /// The delegation as it was read.
    pub note: String,
}

impl UnverifiedDelegatedRequest {
    /// The file's bytes.
    pub fn compose(&self) -> Vec<u8> {
        line(object([
            ("hizo", REQUEST_FORMAT.into()),
            ("request", self.request.to_value()),
            ("organisation", self.card.to_value()),
            ("delegation", self.delegation.as_str().into()),
        ]))
    }

    /// Reads one.
    ///
    /// # Errors
    /// [`Error::Format`] and [`Error::Form`].
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        let found = read(bytes, REQUEST_FORMAT, REQUEST_BYTES_MAX).map_err(|_| Error::Format)?;
        let request = Self::of(&found).ok_or(Error::Form)?;
        if request.compose() == bytes { Ok(request) } else { Err(Error::Form) }
    }

    fn of(found: &Map<String, Value>) -> Option<Self> {
        Some(Self {
            request: UnverifiedRequest::of(found.get("request")?.as_object()?)?,
            card: Card::of(found.get("organisation")?.as_object()?)?,
            delegation: found.get("delegation")?.as_str()?.to_owned(),
        })
    }

    /// Checks that one identity signed the request, and that the organisation delegates exactly that key of it.
    ///
    /// # Errors
    /// [`Error::Request`], [`Error::Delegation`], [`Error::Apart`], and [`Error::Form`] for a recipient that is none.
    pub fn verify(self) -> Result<DelegatedRequest, Error> {
        let Self { request, card, delegation: note } = self;
        let request = request.verify()?;
        let delegation = Delegation::verify(note.as_bytes())?;
        let (person, said) = (&request.person, &request.said);
        let is_for_it = delegation.space == said.space && delegation.key == person.key;
        if !is_for_it || delegation.identity != person.identity || delegation.organisation != card.key {
            return Err(Error::Apart);
        }
        recipient(&delegation).map_err(|()| Error::Form)?;
        Ok(DelegatedRequest { request, card, delegation, note })
    }
}

/// The recipient of a delegation, which its note holds as text.
fn recipient(delegation: &Delegation) -> Result<Option<Recipient>, ()> {
    delegation.recipient.as_ref().map(|text| text.parse().map_err(|_| ())).transpose()
}

/// Why a note that was said in a space counts for nothing there, or a record of whoever acts for an organisation does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// It is no delegation or revocation, or its recipient is none.
    #[error("an organisation's note in it is none")]
    Note,
    /// The note is for another space.
    #[error("an organisation's note in it is for another safe")]
    Space,
    /// Nobody has pinned the organisation here.
    #[error("nobody has compared the key of the organisation")]
    Unpinned,
    /// The key does not act for this organisation: no admin has said so.
    #[error("no admin has said that the key acts for this organisation")]
    Unbound,
    /// The identity is a member already that acts for itself.
    #[error("the identity is a member that acts for itself")]
    Member,
    /// The organisation has delegated nothing for this time.
    #[error("its organisation had not delegated it at that time")]
    Time,
    /// The organisation has taken the delegation back.
    #[error("its organisation had revoked it")]
    Revoked,
    /// The organisation has delegated less than the key's role.
    #[error("its organisation had delegated less")]
    Role,
}

/// What the organisations of a space have said of the keys that act for them, in the order of its records.
#[derive(Debug, Default, Clone)]
pub struct Delegations {
    pinned: BTreeMap<VerifyingKey, Card>,
    /// By the identity that acts for an organisation.
    bound: BTreeMap<VerifyingKey, Bound>,
}

/// An identity that acts for an organisation.
#[derive(Debug, Clone)]
struct Bound {
    organisation: VerifyingKey,
    /// What counts, as it was said.
    said: Vec<Event>,
    delegations: Vec<(Delegation, Option<Recipient>)>,
    revocations: Vec<Revocation>,
}

impl Delegations {
    /// Whether nobody ever acted for an organisation.
    pub fn is_empty(&self) -> bool {
        self.bound.is_empty()
    }

    /// An admin says that this is the organisation's key. What an admin last called it counts.
    pub fn pin(&mut self, card: Card) {
        self.pinned.insert(card.key, card);
    }

    /// Takes a delegation that stands in a record; `by_admin` if that has control lines. Only such a record lets a key act for an
    /// organisation that did not before, and none lets an identity that `is_member` before the record.
    ///
    /// # Errors
    /// As [`Refused`] says; then it counts for nothing.
    pub fn take(
        &mut self,
        space: &SpaceId,
        note: &str,
        by_admin: bool,
        is_member: impl FnOnce(&VerifyingKey) -> bool,
    ) -> Result<(), Refused> {
        if names_another(space, note) {
            return Err(Refused::Space);
        }
        let delegation = Delegation::verify(note.as_bytes()).map_err(|_| Refused::Note)?;
        let recipient = recipient(&delegation).map_err(|()| Refused::Note)?;
        let bound = self.bound(space, &delegation, by_admin, is_member)?;
        if bound.delegations.first().is_some_and(|(first, _)| first.key != delegation.key) {
            return Err(Refused::Unbound);
        }
        if bound.says_anew(Event::KeyDelegated { note: note.to_owned() }) {
            bound.delegations.push((delegation, recipient));
        }
        Ok(())
    }

    /// Takes a revocation that stands in a record, whoever signed that.
    ///
    /// # Errors
    /// As [`Delegations::revocation`] says; then it counts for nothing.
    pub fn revoke(&mut self, space: &SpaceId, note: &str) -> Result<(), Refused> {
        let (identity, revocation) = self.revocation(space, note)?;
        let bound = self.bound.get_mut(&identity).ok_or(Refused::Unbound)?;
        if bound.says_anew(Event::DelegationRevoked { note: note.to_owned() }) {
            bound.revocations.push(revocation);
        }
        Ok(())
    }

    /// What a revocation would end, said here now: the identity that acts by the key.
    ///
    /// # Errors
    /// [`Refused::Note`], [`Refused::Space`] and [`Refused::Unbound`].
    pub fn revocation(&self, space: &SpaceId, note: &str) -> Result<(VerifyingKey, Revocation), Refused> {
        if names_another(space, note) {
            return Err(Refused::Space);
        }
        let revocation = Revocation::verify(note.as_bytes()).map_err(|_| Refused::Note)?;
        if revocation.space != *space {
            return Err(Refused::Space);
        }
        let is_of_key = |bound: &Bound| bound.delegations.first().is_some_and(|(first, _)| first.key == revocation.key);
        let mut bound = self.bound.iter().filter(|(_, bound)| bound.organisation == revocation.organisation);
        let found = bound.find(|(_, bound)| is_of_key(bound)).map(|(identity, _)| *identity);
        Ok((found.ok_or(Refused::Unbound)?, revocation))
    }

    fn bound(
        &mut self,
        space: &SpaceId,
        delegation: &Delegation,
        by_admin: bool,
        is_member: impl FnOnce(&VerifyingKey) -> bool,
    ) -> Result<&mut Bound, Refused> {
        let Delegation { organisation, identity, .. } = delegation;
        if delegation.space != *space {
            return Err(Refused::Space);
        }
        if !self.pinned.contains_key(organisation) {
            return Err(Refused::Unpinned);
        }
        if by_admin && !self.bound.contains_key(identity) {
            if is_member(identity) {
                return Err(Refused::Member);
            }
            let (said, delegations, revocations) = (Vec::new(), Vec::new(), Vec::new());
            self.bound.insert(*identity, Bound { organisation: *organisation, said, delegations, revocations });
        }
        let bound = self.bound.get_mut(identity).filter(|bound| bound.organisation == *organisation);
        bound.ok_or(Refused::Unbound)
    }

    /// The organisation that an identity acts for.
    pub fn organisation_of(&self, identity: &VerifyingKey) -> Option<&Card> {
        self.pinned.get(&self.bound.get(identity)?.organisation)
    }

    /// Whether the organisation is pinned here: what it is called.
    pub fn pinned(&self, organisation: &VerifyingKey) -> Option<&Card> {
        self.pinned.get(organisation)
    }

    /// The organisation that has said that this is its key to begin epochs.
    pub fn organisation_of_rotator(&self, rotator: &VerifyingKey) -> Option<&Card> {
        let says = |bound: &&Bound| bound.delegations.iter().any(|(said, _)| said.rotator.as_ref() == Some(rotator));
        self.pinned.get(&self.bound.values().find(says)?.organisation)
    }

    /// Whether an organisation has said that this is its key to begin epochs, whoever else says the same.
    pub fn calls_its_own(&self, organisation: &VerifyingKey, rotator: &VerifyingKey) -> bool {
        let mut of_it = self.bound.values().filter(|bound| bound.organisation == *organisation);
        of_it.any(|bound| bound.delegations.iter().any(|(said, _)| said.rotator.as_ref() == Some(rotator)))
    }

    /// The key by which an organisation would begin epochs at a time: that of its good delegation that began last, of those which
    /// bring one.
    pub fn rotator(&self, organisation: &VerifyingKey, time: ClaimedTime) -> Option<VerifyingKey> {
        let bound = self.bound.values().filter(|bound| bound.organisation == *organisation);
        let good = bound.filter_map(|bound| bound.good_at(time).ok());
        let brings = good.filter_map(|(delegation, _)| Some((delegation.not_before, delegation.rotator?)));
        brings.max_by_key(|(began, _)| *began).map(|(_, rotator)| rotator)
    }

    /// What was said and counts of an identity, to be said again.
    pub fn said_of(&self, identity: &VerifyingKey) -> impl Iterator<Item = &Event> {
        self.bound.get(identity).into_iter().flat_map(|bound| &bound.said)
    }

    /// The delegation by which an identity acts at a time: of those that have begun, the one that began last, and of several that began at
    /// once the one that was said last.
    ///
    /// # Errors
    /// [`Refused::Unbound`] for an identity that acts for itself, [`Refused::Time`] and [`Refused::Revoked`].
    pub fn current(&self, identity: &VerifyingKey, time: ClaimedTime) -> Result<&Delegation, Refused> {
        let bound = self.bound.get(identity).ok_or(Refused::Unbound)?;
        bound.good_at(time).map(|(delegation, _)| delegation)
    }

    /// Checks what somebody does who may act for an organisation: at the time that the record claims, in the role of the key that
    /// signed it, by what was said until then. Whoever acts for himself passes.
    ///
    /// # Errors
    /// [`Refused::Time`], [`Refused::Revoked`] and [`Refused::Role`].
    pub fn check(&self, identity: &VerifyingKey, role: Role, time: ClaimedTime) -> Result<(), Refused> {
        match self.bound.get(identity) {
            Some(bound) if bound.good_at(time)?.0.covers(role) => Ok(()),
            Some(_) => Err(Refused::Role),
            None => Ok(()),
        }
    }

    /// The same for every organisation that has such a recipient.
    pub fn recipients(&self, time: ClaimedTime) -> impl Iterator<Item = (VerifyingKey, Recipient)> + '_ {
        let pinned = self.pinned.keys();
        pinned.filter_map(move |organisation| Some((*organisation, self.recipient(organisation, time)?.clone())))
    }

    /// To what is sealed for the organisation at a time: the recipient of its good delegation that began last; nothing where it has
    /// none that opens.
    pub fn recipient(&self, organisation: &VerifyingKey, time: ClaimedTime) -> Option<&Recipient> {
        let bound = self.bound.values().filter(|bound| bound.organisation == *organisation);
        let good = bound.filter_map(|bound| bound.good_at(time).ok());
        let opens = good.filter_map(|(delegation, recipient)| Some((delegation.not_before, recipient.as_ref()?)));
        opens.max_by_key(|(began, _)| *began).map(|(_, recipient)| recipient)
    }
}

/// Whether a note has a line for another space: nothing in it matters here, whether or not its signature holds. An organisation's own
/// space holds thousands.
fn names_another(space: &SpaceId, note: &str) -> bool {
    let named = note.lines().find_map(|line| line.strip_prefix("space "));
    named.and_then(|named| SpaceId::from_hex(named).ok()).is_some_and(|named| named != *space)
}

impl Bound {
    /// Notes what is said; not what was said before, which an admin repeats to each newcomer.
    fn says_anew(&mut self, event: Event) -> bool {
        let is_new = !self.said.contains(&event);
        if is_new {
            self.said.push(event);
        }
        is_new
    }

    /// The delegation that counts at a time.
    fn good_at(&self, time: ClaimedTime) -> Result<&(Delegation, Option<Recipient>), Refused> {
        let begun = self.delegations.iter().filter(|(delegation, _)| delegation.not_before <= time);
        let last = begun.max_by_key(|(delegation, _)| delegation.not_before);
        let last = last.filter(|(delegation, _)| delegation.is_good_at(time)).ok_or(Refused::Time)?;
        if self.revocations.iter().any(|revocation| revocation.ends(&last.0)) {
            return Err(Refused::Revoked);
        }
        Ok(last)
    }
}
