//! Who the members of a safe are: keys of its chain, the identities that certify them, the organisations that these act for, and what
//! people call them.

use std::collections::{BTreeMap, BTreeSet};

use hizo_ledger::delegation::Delegation;
use hizo_ledger::id::SpaceId;
use hizo_ledger::identity::VerifyingKey;
use hizo_ledger::record::{ClaimedTime, Control, Record, Role};
use hizo_vault::age::Recipient;
use hizo_vault::event::Event;
use hizo_vault::event::certificate::{self, Certificate, Certificates, Sessions, UnverifiedCertificate};
use hizo_vault::event::handover::{Consent, UnverifiedConsent};
use hizo_vault::organisation::{Card, DelegatedRequest, Delegations, Refused};

use crate::failure::{Failure, Kind, Outcome, shown_bytes};
use crate::lanes;
use crate::membership::Change;
use crate::safe::{self, Keyring, Safe};
use crate::words::{Words, words};

/// What each present member may do.
pub(crate) type Roles = BTreeMap<VerifyingKey, Role>;

/// Takes who comes and goes by a record. Whoever gets another role by it is removed and comes again: control lines stand in that order.
pub(crate) fn come_and_go(roles: &mut Roles, record: &Record) {
    for control in &record.envelope().controls {
        match control {
            Control::Founder(key) => drop(roles.insert(*key, Role::Admin)),
            Control::Remove(key) => drop(roles.remove(key)),
            Control::Member { key, role } => drop(roles.insert(*key, *role)),
            _ => (),
        }
    }
}

/// Whose the keys of a safe are, as far as it is certified.
#[derive(Clone)]
pub(crate) struct People {
    pub certificates: Certificates,
    /// What the organisations have said of those who act for them.
    pub delegations: Delegations,
    /// The certificates that hold as they were said, to be said again; by their keys in base64.
    said: BTreeMap<String, UnverifiedCertificate>,
    /// Present members of whom that was said while they were members: whoever comes anew may act for somebody else than before.
    certified: BTreeSet<VerifyingKey>,
    /// What an admin last called the holder of a key.
    names: BTreeMap<VerifyingKey, String>,
    /// The first epoch that an admin gave to a member later.
    given: BTreeMap<VerifyingKey, u32>,
    /// Epochs that began while an organisation with readers here had delegated nobody who reads: closed to it unless they are given.
    closed: BTreeMap<VerifyingKey, Vec<u32>>,
    /// To what the current epoch is sealed for each organisation that reads it.
    sealed: BTreeMap<VerifyingKey, Recipient>,
    /// The company of a hand-over.
    company: Option<Company>,
    /// What was said falsely by somebody whom nobody has to believe, and in which record.
    falsehoods: Vec<(u64, Fault)>,
    /// The same, said by somebody who reads the space; and records of somebody who changed who is a member while his organisation had not
    /// delegated him.
    alarms: Vec<(u64, Fault)>,
    /// Records of those whose organisation had not delegated them.
    undelegated: BTreeMap<u64, Refused>,
    /// A record could not be read that may have said something of all this.
    pub has_unread: bool,
    /// When all this was looked at.
    now: ClaimedTime,
}

/// What is wrong with what a record says, or with who signed it.
#[derive(Debug, Clone, Copy, thiserror::Error)]
enum Fault {
    /// A certificate is false.
    #[error(transparent)]
    Certificate(certificate::Error),
    /// An organisation's note counts for nothing.
    #[error(transparent)]
    Note(Refused),
    /// The organisation of this signer had not delegated him.
    #[error("{1}")]
    Undelegated(VerifyingKey, Refused),
}

/// The company of a hand-over, as its consent says.
#[derive(Clone)]
pub(crate) struct Company {
    /// Its key there.
    pub key: VerifyingKey,
    /// To what others seal for it who begin keys there, whether or not they may know who it is.
    pub recipient: Recipient,
    /// Others may know who it is.
    is_told: bool,
    /// Who receives.
    receiver: VerifyingKey,
    /// The whole of it, to be said again.
    pub said: Box<UnverifiedConsent>,
}

/// Somebody who is a member, by his own key, by machines, or both.
#[derive(Debug)]
pub(crate) struct Person {
    /// Nothing where nobody has certified whose the key is.
    pub identity: Option<VerifyingKey>,
    pub name: Option<String>,
    /// For whom he acts; nothing where that is himself.
    pub organisation: Option<Card>,
    /// His own key.
    pub own: Option<Seat>,
    pub machines: Vec<(Seat, Option<String>)>,
}

/// A key's place among the members.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Seat {
    pub key: VerifyingKey,
    pub role: Role,
    /// Number of the record that made it a member.
    pub since: u64,
}

impl People {
    /// Checks every certificate of the space beside the identity of this home, and every record beside what its signer's organisation has
    /// delegated.
    ///
    /// A deposit says nothing about keys, so that not every manifest has to be opened for this. A record stays for ever:
    /// what a machine that only deposits, or a member who was removed, says falsely is not believed and stops nobody.
    pub(crate) fn of(safe: &Safe, keyring: &Keyring, own: Certificate) -> Outcome<Self> {
        let (mut people, mut roles) = (Self::none_yet(own, safe::now()?), Roles::new());
        // A body that cannot be read is told by whoever needs what it says; here its certificates are missing. A deposit says
        // nothing about keys.
        let said = |record: &Record| match record.envelope().deposit {
            Some(_) => Ok(Vec::new()),
            None => keyring.events(safe, record),
        };
        lanes::in_order(&safe.records, said, |record, events| {
            people.follow(safe, record, events, &mut roles);
            Ok::<_, Failure>(())
        })?;
        Ok(people)
    }

    /// Before record 0, looked at now.
    pub(crate) fn none_yet(own: Certificate, now: ClaimedTime) -> Self {
        Self {
            certificates: Certificates::new(own),
            delegations: Delegations::default(),
            said: BTreeMap::new(),
            certified: BTreeSet::new(),
            names: BTreeMap::new(),
            given: BTreeMap::new(),
            closed: BTreeMap::new(),
            sealed: BTreeMap::new(),
            company: None,
            falsehoods: Vec::new(),
            alarms: Vec::new(),
            undelegated: BTreeMap::new(),
            has_unread: false,
            now,
        }
    }

    /// Looks again, at another time.
    #[cfg(test)]
    pub(crate) fn look_at(&mut self, now: ClaimedTime) {
        self.now = now;
    }

    /// Takes the next record, and who is a member after it; `roles` are those before.
    pub(crate) fn follow(&mut self, safe: &Safe, record: &Record, events: Outcome<Vec<Event>>, roles: &mut Roles) {
        self.has_unread |= events.is_err();
        self.take(safe, record, events.unwrap_or_default(), roles);
        come_and_go(roles, record);
        self.certified.retain(|key| roles.contains_key(key));
    }

    /// The same once a record stands that does not yet, and says this.
    ///
    /// # Errors
    /// Why every reader would refuse it, or something in it; or that a signer may not act now, whatever time the record claims.
    pub(crate) fn with(&self, safe: &Safe, record: &Record, events: Vec<Event>) -> Result<Self, Words> {
        let is_by_admin = !record.envelope().controls.is_empty();
        for key in record.signers() {
            let acts = self.acts_now(safe, key, &events, is_by_admin);
            acts.map_err(|refused| Fault::Undelegated(*key, refused).refusal())?;
        }
        let mut people = Self { falsehoods: Vec::new(), alarms: Vec::new(), ..self.clone() };
        people.take(safe, record, events, &safe.chain.members().collect());
        match people.alarms.first().or(people.falsehoods.first()) {
            Some((_, fault)) => Err(fault.refusal()),
            None => Ok(people),
        }
    }

    /// Takes the next record, which says this; `roles` are those before it.
    fn take(&mut self, safe: &Safe, record: &Record, events: Vec<Event>, roles: &Roles) {
        let (space, is_by_admin) = (&safe.home.space, !record.envelope().controls.is_empty());
        if record.recipient().is_some() {
            // To whom somebody sealed whose record is refused, nobody knows.
            self.sealed.clear();
        }
        let keys = match record.envelope().deposit {
            Some(_) => Ok(Sessions::new()),
            None => self.certificates.follow(record),
        };
        // Whoever signs may bring his own delegation. Nothing stays of what a record says that is refused.
        let said = self.said_with(space, &events, is_by_admin);
        let delegations = said.as_ref().map_or(&self.delegations, |(delegations, _)| delegations);
        let refused = self.judge(record, roles, delegations);
        if let Some(first) = refused.first() {
            self.undelegated.insert(record.number(), first.1);
            // Who is a member has changed all the same: a keeper cannot read delegations.
            let told = if is_by_admin { &mut self.alarms } else { &mut self.falsehoods };
            let faults = refused.iter().map(|(key, refused)| (record.number(), Fault::Undelegated(*key, *refused)));
            return told.extend(faults);
        }
        let keys = match keys {
            Ok(keys) => keys,
            Err(error) => return self.disbelieve(safe, record, Fault::Certificate(error)),
        };
        if let Some((delegations, refused)) = said {
            self.delegations = delegations;
            refused.into_iter().for_each(|refused| self.heed_note(record, refused));
        }
        if record.recipient().is_some() {
            for card in self.left_out_of(roles.iter().map(|(key, role)| (*key, *role)), record.envelope().time) {
                self.closed.entry(card.key).or_default().push(record.envelope().epoch);
            }
        }
        self.believe(safe, record, events, &keys);
        let epoch = record.envelope().epoch;
        if record.wraps().any(|(given, _)| given == epoch) {
            for (organisation, recipient) in self.delegations.recipients(record.envelope().time) {
                self.sealed.entry(organisation).or_insert(recipient);
            }
        }
    }

    /// Takes what a record says beside its delegations, which was judged; `keys` are those that it speaks for.
    fn believe(&mut self, safe: &Safe, record: &Record, events: Vec<Event>, keys: &Sessions) {
        let (space, is_by_admin) = (&safe.home.space, !record.envelope().controls.is_empty());
        for event in events {
            match event {
                Event::KeyCertified(certificate) => match self.certificates.take(space, keys, &certificate) {
                    Ok(()) => {
                        self.certified.extend(VerifyingKey::from_base64(&certificate.key));
                        self.said.insert(certificate.key.clone(), certificate);
                    }
                    Err(error) => self.disbelieve(safe, record, Fault::Certificate(error)),
                },
                Event::DelegationRevoked { note } => {
                    if let Err(refused) = self.delegations.revoke(space, &note) {
                        self.heed_note(record, refused);
                    }
                }
                Event::MemberAdded { key, name } | Event::DeviceAdded { key, name } if is_by_admin => {
                    let key = VerifyingKey::from_base64(&key).ok().filter(|key| keys.contains_key(key));
                    key.map(|key| self.names.insert(key, name));
                }
                Event::HistoryGiven { key } if is_by_admin => {
                    let first = record.wraps().map(|(epoch, _)| epoch).min();
                    if let (Ok(key), Some(first)) = (VerifyingKey::from_base64(&key), first) {
                        self.give(&key);
                        self.given.entry(key).and_modify(|epoch| *epoch = first.min(*epoch)).or_insert(first);
                    }
                }
                // In record 0, and again to whoever comes later and cannot open that.
                Event::Consent(said) if is_by_admin && self.company.is_none() && said.space == space.to_string() => {
                    // Record 0 says in the clear who may be it: so nobody becomes it in any other safe, or later.
                    let consent = said.verify().ok().filter(|consent| safe.began_with_admin(consent.key));
                    self.company = consent.map(|Consent { key, recipient, receiver, level, .. }| Company {
                        key,
                        recipient,
                        receiver,
                        is_told: level.tells_company(),
                        said,
                    });
                }
                _ => (),
            }
        }
        let begun = record.recipient().map(|_| record.envelope().epoch);
        let came = record.envelope().controls.iter().filter_map(|control| match control {
            Control::Member { key, .. } => Some(key),
            _ => None,
        });
        if record.wraps().any(|(epoch, _)| begun != Some(epoch)) {
            came.for_each(|key| self.give(key));
        }
    }

    /// Somebody was given what was kept before: so was his organisation.
    fn give(&mut self, key: &VerifyingKey) {
        let identity = self.certificates.of(key).map(|certificate| certificate.identity);
        let organisation = identity.and_then(|identity| Some(self.delegations.organisation_of(&identity)?.key));
        if let Some(organisation) = organisation {
            self.closed.remove(&organisation);
        }
    }

    /// What the delegations come to with what a record says of organisations, and what of that counts for nothing; nothing where it
    /// says nothing of them.
    fn said_with(&self, space: &SpaceId, events: &[Event], is_by_admin: bool) -> Option<(Delegations, Vec<Refused>)> {
        let mut said = None;
        let before = || (self.delegations.clone(), Vec::new());
        for event in events {
            match event {
                Event::OrganisationPinned { key, name, name_ja } if is_by_admin => {
                    let (name, name_ja) = (name.clone(), name_ja.clone());
                    if let Ok(key) = VerifyingKey::from_base64(key) {
                        said.get_or_insert_with(before).0.pin(Card { name, name_ja, key });
                    }
                }
                Event::KeyDelegated { note } => {
                    let is_member = |identity: &VerifyingKey| {
                        let mut certificates = self.certified.iter().filter_map(|key| self.certificates.of(key));
                        certificates.any(|certificate| certificate.identity == *identity)
                    };
                    let (delegations, refused) = said.get_or_insert_with(before);
                    refused.extend(delegations.take(space, note, is_by_admin, is_member).err());
                }
                _ => (),
            }
        }
        said
    }

    /// Those who signed a record and might not act for their organisations then, by these delegations, and why.
    fn judge(&self, record: &Record, roles: &Roles, delegations: &Delegations) -> Vec<(VerifyingKey, Refused)> {
        let time = record.envelope().time;
        let refused = |key: &VerifyingKey| {
            let identity = &self.certificates.of(key)?.identity;
            Some((*key, delegations.check(identity, *roles.get(key)?, time).err()?))
        };
        record.signers().iter().filter_map(refused).collect()
    }

    /// Whether the holder of a member's key may act now, by what he is about to say too.
    ///
    /// # Errors
    /// Why everybody would refuse that.
    fn acts_now(&self, safe: &Safe, key: &VerifyingKey, events: &[Event], is_by_admin: bool) -> Result<(), Refused> {
        let (Some(certificate), Some(role)) = (self.certificates.of(key), safe.chain.role(key)) else { return Ok(()) };
        let said = self.said_with(&safe.home.space, events, is_by_admin);
        let delegations = said.as_ref().map_or(&self.delegations, |(delegations, _)| delegations);
        delegations.check(&certificate.identity, role, self.now)
    }

    /// Makes sure that whoever looks may make a change: everybody would refuse it.
    pub(crate) fn may_make(&self, safe: &Safe, change: &Change) -> Outcome<()> {
        let Certificate { key, identity, .. } = self.certificates.own();
        let is_by_admin = !change.draft.controls.is_empty();
        self.acts_now(safe, key, &change.events, is_by_admin).map_err(|refused| {
            Failure::fixable(self.may_not_act(identity, refused)).hint(words!(
                "Nothing was added. Ask the organisation for a new delegation: `hizo office delegate`.",
                "何も追加していません。機関に新しい委任を頼んでください: `hizo office delegate`。"
            ))
        })
    }

    /// In its own space, what an organisation said for other spaces is its register, and means nothing.
    fn heed_note(&mut self, record: &Record, refused: Refused) {
        if refused != Refused::Space {
            self.falsehoods.push((record.number(), Fault::Note(refused)));
        }
    }

    /// Refuses a record of somebody whose organisation had not delegated him.
    pub(crate) fn refuse_undelegated(&self, record: &Record) -> Outcome<()> {
        let Some(refused) = self.undelegated.get(&record.number()) else { return Ok(()) };
        let why = why_refused(*refused);
        Err(Failure::untrue(words!(
            "whoever made it might not act for an organisation: {why}",
            "作成者は、機関に代わって行う権限がありませんでした（{why}）";
            why
        ))
        .hint(words!(
            "Ask the organisation for a new delegation, and let the person do it again; or remove that member.",
            "機関に新しい委任を出してもらってやり直すか、そのメンバーを外してください。"
        ))
        .source(*refused))
    }

    /// To what is sealed so that the holder of a key can open: his own recipient, or that of the organisation that he acts for. Nothing
    /// for a machine, and for an organisation that has delegated nobody now.
    pub(crate) fn recipient(&self, key: &VerifyingKey) -> Option<&Recipient> {
        self.recipient_by(&self.delegations, self.certificates.of(key)?)
    }

    /// The same, by delegations that do not stand yet, and for somebody who may not be here yet.
    pub(crate) fn recipient_by<'a>(
        &self,
        delegations: &'a Delegations,
        certificate: &'a Certificate,
    ) -> Option<&'a Recipient> {
        let own = certificate.recipient.as_ref()?;
        match delegations.organisation_of(&certificate.identity) {
            Some(organisation) => delegations.recipient(&organisation.key, self.now),
            None => Some(own),
        }
    }

    /// The organisations of present members to which an epoch that began now would be closed, since none of their delegations that
    /// reads is good.
    pub(crate) fn left_out(&self, safe: &Safe) -> Vec<Card> {
        self.left_out_of(safe.chain.members(), self.now)
    }

    fn left_out_of(&self, members: impl Iterator<Item = (VerifyingKey, Role)>, time: ClaimedTime) -> Vec<Card> {
        let is_closed = |card: &Card| self.delegations.recipient(&card.key, time).is_none();
        self.organisations(members, &self.delegations, is_closed)
    }

    /// The organisations of those of these members who read, each once, of which this is true.
    fn organisations(
        &self,
        members: impl Iterator<Item = (VerifyingKey, Role)>,
        delegations: &Delegations,
        is_meant: impl Fn(&Card) -> bool,
    ) -> Vec<Card> {
        let mut found: Vec<Card> = Vec::new();
        for (key, _) in members.filter(|(_, role)| role.opens()) {
            let Some(certificate) = self.certificates.of(&key) else { continue };
            let Some(card) = delegations.organisation_of(&certificate.identity) else { continue };
            if !found.contains(card) && is_meant(card) {
                found.push(card.clone());
            }
        }
        found
    }

    /// To what the current epoch is sealed so that whoever looks can open it.
    pub(crate) fn sealed_to(&self) -> Option<&Recipient> {
        let own = self.certificates.own();
        match self.delegations.organisation_of(&own.identity) {
            Some(organisation) => self.sealed.get(&organisation.key),
            None => own.recipient.as_ref(),
        }
    }

    /// The organisations of present members that read by keys of before, where these delegations count: whoever has left them opens what
    /// is sealed in the current epoch.
    pub(crate) fn stale(&self, safe: &Safe, delegations: &Delegations) -> Vec<Card> {
        self.organisations(safe.chain.members(), delegations, |card| {
            let present = delegations.recipient(&card.key, self.now);
            present.is_some_and(|present| self.sealed.get(&card.key) != Some(present))
        })
    }

    /// When the last of these delegations begins to count that have not begun yet, and call for new keys here.
    pub(crate) fn stale_later<'d>(&self, delegations: impl Iterator<Item = &'d Delegation>) -> Option<ClaimedTime> {
        let later = delegations.filter(|delegation| delegation.not_before > self.now);
        let other = later.filter(|delegation| {
            let sealed = self.sealed.get(&delegation.organisation).map(Recipient::to_string);
            delegation.recipient.is_some() && delegation.recipient != sealed
        });
        other.map(|delegation| delegation.not_before).max()
    }

    /// The keys that may begin epochs here, each with the organisation whose it is; nothing where none has said so.
    pub(crate) fn rotators(&self, safe: &Safe) -> Vec<(VerifyingKey, Option<&Card>)> {
        let of = |key: VerifyingKey| (key, self.delegations.organisation_of_rotator(&key));
        safe.chain.rotators().map(of).collect()
    }

    /// The key by which an organisation would begin epochs here.
    pub(crate) fn rotator_of(&self, organisation: &VerifyingKey) -> Option<VerifyingKey> {
        self.delegations.rotator(organisation, self.now)
    }

    /// Which of those keys are over once these are the members: nobody reads for their organisation, or the record that named
    /// them is refused.
    pub(crate) fn rotators_over(&self, safe: &Safe, members: &[(VerifyingKey, Role)]) -> Vec<VerifyingKey> {
        let named = self.rotators(safe).into_iter();
        let is_over = |(key, card): &(VerifyingKey, Option<&Card>)| {
            let is_refused = naming(safe, key).is_some_and(|record| self.undelegated.contains_key(&record.number()));
            let reads = |card: &Card| {
                !self.organisations(members.iter().copied(), &self.delegations, |it| it == card).is_empty()
            };
            is_refused || card.is_some_and(|card| !reads(card))
        };
        named.filter(is_over).map(|(key, _)| key).collect()
    }

    /// The epochs that are closed to an organisation because it had delegated nobody when they began.
    pub(crate) fn closed_to(&self, organisation: &VerifyingKey) -> &[u32] {
        self.closed.get(organisation).map_or(&[], Vec::as_slice)
    }

    /// What the delegations come to once an admin's record brings this one, by which the person has to act from then on.
    ///
    /// # Errors
    /// When it counts for nothing, another one counts in its place, or it does not cover the role.
    pub(crate) fn delegations_with(&self, delegated: &DelegatedRequest, role: Role) -> Outcome<Delegations> {
        let DelegatedRequest { request, card, delegation, note } = delegated;
        let (space, identity) = (&request.said.space, &request.person.identity);
        let mut delegations = self.delegations.clone();
        delegations.pin(card.clone());
        delegations.take(space, note, true, |_| false).map_err(undelegated)?;
        if delegations.current(identity, self.now).map_err(undelegated)? != delegation {
            return Err(Failure::fixable(words!(
                "another delegation of that person counts in place of this one, which began earlier or has not begun",
                "この委任よりも後に始まった委任が有効か、この委任がまだ始まっていません"
            ))
            .hint(words!(
                "Ask the organisation for the last one it made, or for a new one: `hizo office delegate`. Look at this machine's clock, too.",
                "機関に、最後に出した委任か新しい委任を頼んでください: `hizo office delegate`。このコンピューターの時計も確かめてください。"
            )));
        }
        delegations.check(identity, role, self.now).map_err(undelegated)?;
        Ok(delegations)
    }

    /// Makes sure that an organisation has delegated as much, to somebody who acts for one.
    pub(crate) fn covers(&self, identity: &VerifyingKey, role: Role) -> Outcome<()> {
        self.delegations.check(identity, role, self.now).map_err(undelegated)
    }

    /// A false word about a key is an alarm if somebody who reads the space says it.
    fn disbelieve(&mut self, safe: &Safe, record: &Record, fault: Fault) {
        let opens = |key: &VerifyingKey| !self.is_machine(key) && safe.chain.role(key).is_some_and(Role::opens);
        let is_alarm = record.signers().iter().any(opens);
        if is_alarm { &mut self.alarms } else { &mut self.falsehoods }.push((record.number(), fault));
    }

    /// Says aloud that somebody who reads the space says falsely whose a key is, unless all who say so are about to be removed:
    /// what they say must not keep them in.
    ///
    /// # Errors
    /// Exit code 5.
    pub(crate) fn heed(&self, safe: &Safe, leaving: &[VerifyingKey]) -> Outcome<()> {
        for (number, fault) in &self.alarms {
            let record = usize::try_from(*number).ok().and_then(|number| safe.records.get(number));
            let Some(record) = record else { continue };
            let is_over = match fault {
                Fault::Undelegated(key, _) => is_undone(safe, record, key, leaving),
                // A false word about somebody else stands, whoever has gone.
                Fault::Certificate(_) | Fault::Note(_) => record.signers().iter().all(|key| leaving.contains(key)),
            };
            if !is_over {
                return Err(alarm(record, *fault));
            }
        }
        Ok(())
    }

    /// Whether a key is certified as that of a machine, which opens nothing.
    pub(crate) fn is_machine(&self, key: &VerifyingKey) -> bool {
        self.certificates.of(key).is_some_and(|known| known.recipient.is_none())
    }

    /// What is left in doubt about the members, for people to see.
    pub(crate) fn doubts(&self, safe: &Safe) -> Vec<Words> {
        let mut doubts = Vec::new();
        doubts.extend(self.falsehoods.iter().map(|(number, fault)| fault.doubt(*number)));
        // An alarm that is over: what else such a record did, cards for one, is still there.
        let undelegated = self.alarms.iter().filter(|(_, fault)| matches!(fault, Fault::Undelegated(..)));
        doubts.extend(undelegated.map(|(number, fault)| fault.doubt(*number)));
        doubts.extend(self.own_doubt(safe));
        doubts.extend(self.stale(safe, &self.delegations).iter().map(|card| {
            let organisation = shown_organisation(card);
            words!(
                "{organisation} has new keys, and what is kept here opens by those of before, to whoever has left it too, until an admin begins new keys: `hizo space rotate`",
                "{organisation}の鍵が新しくなりました。管理者が `hizo space rotate` を実行するまで、ここに預けるものは、機関を離れた人が持つ前の鍵でも開けられます";
                organisation
            )
        }));
        // In a hand-over the receiver's organisation alone has one.
        let is_others = |key: &VerifyingKey| {
            let company = self.company.as_ref();
            company.is_some_and(|company| !self.delegations.calls_its_own(&company.receiver, key))
        };
        let nobodys = self.rotators(safe).into_iter().filter(|(key, card)| card.is_none() || is_others(key));
        doubts.extend(nobodys.map(|(key, _)| {
            words!(
                "no organisation has said that key {name} is its own, which may begin new keys here: an admin ends it by `hizo space rotator {name} --end`",
                "鍵 {name} はこの金庫の鍵を新しくできますが、どの機関の鍵か分かりません。管理者は `hizo space rotator {name} --end` でやめさせてください",
                name = key.name()
            )
        }));
        let untold = self.company.as_ref().filter(|company| !company.is_told);
        let is_untold = |key: &VerifyingKey| untold.is_some_and(|company| company.key == *key);
        doubts.extend(self.uncertified(safe).filter(|key| !is_untold(key)).map(|key| {
            words!(
                "nobody has certified whose key {name} is: it reads this safe, and who holds it is not known",
                "鍵 {name} の持ち主を、誰も証明していません。この鍵は金庫の中を見られますが、誰のものかは分かりません",
                name = key.name()
            )
        }));
        doubts
    }

    /// That whoever looks may not act for his organisation now.
    fn own_doubt(&self, safe: &Safe) -> Option<Words> {
        let Certificate { key, identity, .. } = self.certificates.own();
        Some(self.may_not_act(identity, self.acts_now(safe, key, &[], false).err()?))
    }

    fn may_not_act(&self, identity: &VerifyingKey, refused: Refused) -> Words {
        let organisation =
            self.delegations.organisation_of(identity).map_or_else(|| words!("", ""), shown_organisation);
        let why = why_refused(refused);
        words!(
            "you may not act for {organisation} here now: {why}. The others refuse whatever you add",
            "あなたは今、{organisation}に代わって行う権限がありません（{why}）。追加しても、ほかの人には受け付けられません";
            organisation, why
        )
    }

    /// Those of the present members who read and of whom nobody has certified who they are.
    pub(crate) fn uncertified<'a>(&'a self, safe: &'a Safe) -> impl Iterator<Item = VerifyingKey> + 'a {
        let readers = safe.chain.members().filter(|(_, role)| role.opens()).map(|(key, _)| key);
        readers.filter(|key| self.certificates.of(key).is_none())
    }

    /// The company, where the space is a hand-over.
    pub(crate) fn company(&self) -> Option<&Company> {
        self.company.as_ref()
    }

    /// The present members, each person with his machines.
    pub(crate) fn persons(&self, safe: &Safe) -> Vec<Person> {
        let since = since(safe);
        let mut by_identity: BTreeMap<VerifyingKey, Person> = BTreeMap::new();
        let mut others = Vec::new();
        for (key, role) in safe.chain.members() {
            let seat = Seat { key, role, since: since.get(&key).copied().unwrap_or(0) };
            let name = self.names.get(&key).cloned();
            let Some(certificate) = self.certificates.of(&key) else {
                let nobody = Person { identity: None, name, organisation: None, own: Some(seat), machines: Vec::new() };
                others.push(nobody);
                continue;
            };
            let identity = certificate.identity;
            let person = by_identity.entry(identity).or_insert_with(|| Person {
                identity: Some(identity),
                name: None,
                organisation: self.delegations.organisation_of(&identity).cloned(),
                own: None,
                machines: Vec::new(),
            });
            match certificate.recipient {
                Some(_) => (person.own, person.name) = (Some(seat), name),
                None => person.machines.push((seat, name)),
            }
        }
        let mut persons: Vec<_> = by_identity.into_values().chain(others).collect();
        persons.sort_by_key(Person::since);
        persons
    }

    /// The one member whom a person named: by what he is called, or by the first digits of a key's name.
    pub(crate) fn named(&self, safe: &Safe, named: &str) -> Outcome<Person> {
        let is_meant = |person: &Person| {
            let by_key = |seat: &Seat| named.len() >= 6 && seat.key.name().to_string().starts_with(named);
            person.name.as_deref() == Some(named) || person.seats().any(|seat| by_key(&seat))
        };
        let mut found: Vec<_> = self.persons(safe).into_iter().filter(is_meant).collect();
        let see = || {
            words!(
                "Run `hizo space members` to see them; a key's first digits name its holder too.",
                "`hizo space members` で一覧を見られます。鍵の先頭の数桁でも指定できます。"
            )
        };
        match (found.pop(), found.is_empty()) {
            (Some(person), true) => Ok(person),
            (None, _) => {
                let named = shown_bytes(named.as_bytes());
                Err(Failure::fixable(words!("nobody is called {named} here", "「{named}」という人はいません"))
                    .hint(see()))
            }
            (Some(_), false) => {
                let named = shown_bytes(named.as_bytes());
                Err(Failure::fixable(words!("several members are called {named}", "「{named}」という人が複数います"))
                    .hint(see()))
            }
        }
    }

    /// The first epoch that was given to a key; nothing for one that never read.
    pub(crate) fn first_epoch(&self, safe: &Safe, key: &VerifyingKey) -> Option<u32> {
        let with = safe.records.iter().filter(|record| {
            record.envelope().controls.iter().any(|control| match control {
                Control::Founder(founder) => founder == key,
                Control::Member { key: member, role } => member == key && role.opens(),
                _ => false,
            })
        });
        let given = with.map(|record| record.wraps().map(|(epoch, _)| epoch).min().unwrap_or(record.envelope().epoch));
        given.chain(self.given.get(key).copied()).min()
    }

    /// The own key of an identity.
    pub(crate) fn holder_of(&self, identity: &VerifyingKey) -> Option<VerifyingKey> {
        let own = |certificate: &&Certificate| certificate.identity == *identity && certificate.recipient.is_some();
        let own_one = std::iter::once(self.certificates.own());
        self.certificates.all().chain(own_one).find(own).map(|certificate| certificate.key)
    }

    /// The certificate of a key, as it was said.
    pub(crate) fn said(&self, key: &VerifyingKey) -> Option<&UnverifiedCertificate> {
        self.said.get(&key.to_base64())
    }

    /// What an admin last called the holder of a key.
    pub(crate) fn name(&self, key: &VerifyingKey) -> Option<&str> {
        self.names.get(key).map(String::as_str)
    }
}

impl Person {
    /// Every key of his.
    pub(crate) fn seats(&self) -> impl Iterator<Item = Seat> + '_ {
        self.own.into_iter().chain(self.machines.iter().map(|(seat, _)| *seat))
    }

    /// Number of the record with which the first of his keys came.
    pub(crate) fn since(&self) -> u64 {
        self.seats().map(|seat| seat.since).min().unwrap_or(0)
    }

    /// What to call him: his name, or the name of his key.
    pub(crate) fn shown_name(&self) -> String {
        let key = || self.seats().next().map(|seat| seat.key.name().to_string()).unwrap_or_default();
        self.name.as_ref().map_or_else(key, |name| shown_bytes(name.as_bytes()))
    }
}

/// Whether nobody is a member any more of whoever signed this record and might not, and of those who came by it; or one of them is
/// about to be removed. Who signed it with him and might has done nothing that ends by his going.
fn is_undone(safe: &Safe, record: &Record, refused: &VerifyingKey, leaving: &[VerifyingKey]) -> bool {
    let since = since(safe);
    let came = record.envelope().controls.iter().filter_map(|control| match control {
        Control::Member { key, .. } => Some(key),
        _ => None,
    });
    let is_there = |key: &&VerifyingKey| {
        safe.chain.role(key).is_some() && since.get(key).is_some_and(|since| *since <= record.number())
    };
    let named = record.envelope().controls.iter().filter_map(|control| match control {
        Control::Rotator(key) => Some(key),
        _ => None,
    });
    let begins = |key: &&VerifyingKey| {
        let is_named = safe.chain.rotators().any(|named| named == **key);
        is_named && naming(safe, key).is_some_and(|naming| naming.number() == record.number())
    };
    let there = std::iter::once(refused).chain(came).filter(is_there);
    let mut there = there.chain(named.filter(begins)).peekable();
    there.peek().is_none() || there.any(|key| leaving.contains(key))
}

/// The record that last named a key which may begin epochs.
fn naming<'a>(safe: &'a Safe, rotator: &VerifyingKey) -> Option<&'a Record> {
    safe.records.iter().rfind(|record| record.envelope().controls.contains(&Control::Rotator(*rotator)))
}

/// With which record each key last became a member.
fn since(safe: &Safe) -> BTreeMap<VerifyingKey, u64> {
    let mut since = BTreeMap::new();
    for record in &safe.records {
        for control in &record.envelope().controls {
            if let Control::Founder(key) | Control::Member { key, .. } = control {
                since.insert(*key, record.number());
            }
        }
    }
    since
}

impl Fault {
    fn why(&self) -> Words {
        match self {
            Self::Certificate(error) => why_false(*error),
            Self::Note(refused) | Self::Undelegated(_, refused) => why_refused(*refused),
        }
    }

    /// Why a record that does not stand yet is not signed.
    fn refusal(&self) -> Words {
        let why = self.why();
        match self {
            Self::Certificate(_) => {
                words!("it says falsely whose a key is: {why}", "鍵の持ち主の証明が偽りです（{why}）"; why)
            }
            Self::Note(_) => words!(
                "what it says for an organisation counts for nothing: {why}",
                "そこにある機関の委任（または取り消し）は無効です（{why}）";
                why
            ),
            Self::Undelegated(key, _) => words!(
                "{by}, who signs it, may not act for an organisation: {why}",
                "署名する {by} に、機関に代わって行う権限がありません（{why}）",
                by = key.name();
                why
            ),
        }
    }

    fn doubt(&self, number: u64) -> Words {
        let reason = self.why();
        match self {
            Self::Certificate(_) => words!(
                "record {number} says falsely whose key it is ({reason}); nobody who reads this safe signed it, so it is not believed",
                "記録 {number} にある鍵の持ち主の証明は偽りです（{reason}）。金庫の中を見られる人の署名ではないので、信用せずに続けます",
                number = number;
                reason
            ),
            Self::Note(_) => words!(
                "what record {number} says for an organisation counts for nothing: {reason}",
                "記録 {number} にある機関の委任（または取り消し）は無効です（{reason}）",
                number = number;
                reason
            ),
            Self::Undelegated(..) => words!(
                "record {number} is refused, and nothing of it believed: whoever made it might not act for an organisation ({reason})",
                "記録 {number} は受け付けず、内容も信用しません。作成者に、機関に代わって行う権限がありませんでした（{reason}）",
                number = number;
                reason
            ),
        }
    }
}

fn undelegated(refused: Refused) -> Failure {
    let why = why_refused(refused);
    Failure::fixable(words!(
        "the organisation of that person has not delegated this role: {why}",
        "その人の機関は、この役割を委任していません（{why}）";
        why
    ))
    .hint(words!(
        "Ask it for a delegation of that role: `hizo office delegate`; or give the person a lower one. Look at this machine's clock, too.",
        "その役割の委任を機関に出してもらうか（`hizo office delegate`）、その人の役割を下げてください。このコンピューターの時計も確かめてください。"
    ))
    .source(refused)
}

/// What an organisation is called, in the reader's language.
pub(crate) fn shown_organisation(card: &Card) -> Words {
    Words::both(shown_bytes(card.name.as_bytes()), shown_bytes(card.name_ja.as_bytes()))
}

fn alarm(record: &Record, fault: Fault) -> Failure {
    let (number, why) = (record.number(), fault.why());
    let (said, hint) = match fault {
        Fault::Undelegated(key, _) => (
            words!(
                "record {number} changes who is a member, and {by}, who signed it, might not act for an organisation: {why}",
                "記録 {number} でメンバーが変えられましたが、署名した {by} に機関に代わって行う権限がありませんでした（{why}）",
                number = number, by = key.name();
                why
            ),
            words!(
                "Do not deposit. An admin removes that member: `hizo space remove`.",
                "預け入れを止めてください。管理者がそのメンバーを外します: `hizo space remove`。"
            ),
        ),
        Fault::Certificate(_) | Fault::Note(_) => (
            words!(
                "record {number} says falsely whose key it is: {why}",
                "記録 {number} にある、鍵の持ち主の証明が偽りです（{why}）",
                number = number;
                why
            ),
            words!(
                "Somebody takes another one's place. Do not deposit; keep a copy of the keeper's data and ask the admins.",
                "誰かが他人になりすましています。預け入れを止め、預け先のデータをそのまま残し、金庫の管理者に知らせてください。"
            ),
        ),
    };
    Failure::new(Kind::Lying, said).hint(hint).source(fault)
}

/// Why an organisation's note, or a record of whoever acts for it, does not count.
pub(crate) fn why_refused(refused: Refused) -> Words {
    match refused {
        Refused::Note => words!("it is not what an organisation signs", "機関の署名した委任の形ではありません"),
        Refused::Space => words!("it is for another safe", "別の金庫のためのものです"),
        Refused::Unpinned => {
            words!("nobody here has compared that organisation's key", "その機関の鍵を、誰も照合していません")
        }
        Refused::Unbound => {
            words!("no admin has let that person act for it", "管理者が、その人を機関の人として加えていません")
        }
        Refused::Member => {
            words!(
                "that person is a member already, and not for it",
                "その人は、すでに機関の人としてではないメンバーです"
            )
        }
        Refused::Time => {
            words!("it had delegated nobody for that time", "その時点で有効な委任がありませんでした")
        }
        Refused::Revoked => words!("it had taken the delegation back", "委任が取り消されていました"),
        Refused::Role => words!("it had delegated less", "委任された権限を超えています"),
    }
}

fn why_false(error: certificate::Error) -> Words {
    use certificate::Error;
    match error {
        Error::Form => words!("a key, recipient or signature in it is none", "鍵か宛先か署名の形が正しくありません"),
        Error::Place => {
            words!("it stands in a record that is not its key's", "その鍵のものではない記録に書かれています")
        }
        Error::Session => words!(
            "the session key in it is not the one that the space knows",
            "預け先とのやり取りに使う鍵が、金庫の記録にあるものと違います"
        ),
        Error::Signature => words!("the identity did not sign it", "名指しされた本人の署名ではありません"),
        Error::Contradiction => words!("it contradicts another certificate", "ほかの証明と食い違っています"),
        Error::NotOurs => {
            words!(
                "it contradicts the identity file of this home",
                "この金庫のフォルダーにある鍵ファイルと食い違っています"
            )
        }
    }
}
