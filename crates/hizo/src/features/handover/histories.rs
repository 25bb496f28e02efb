//! Histories of a case and of two hand-overs out of it, drawn from a seed, against a model that knows what may be opened.
//!
//! The model is written from docs/spec/handover.md, and from docs/spec/organisation.md where somebody acts for an organisation. Most of
//! what happens is the next right step of a hand-over; the rest is what somebody does who errs or deceives, and who comes and goes
//! meanwhile. After each record the client's own verdict is compared with the model's, for everybody who might open or send.

mod acts;
mod comparing;
mod model;
mod people;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, LazyLock};

use hizo_ledger::delegation::{Delegation, Revocation};
use hizo_ledger::id::{CommitHash, ObjectId, RecordId, SeriesId, SlotKeyHash, SpaceId};
use hizo_ledger::identity::VerifyingKey;
use hizo_ledger::log::note::{CheckpointKey, NamedKey};
use hizo_ledger::record::{
    AdminRule, ClaimedTime, Commitment, Control, Deposit, Envelope, Objects, Origin, Record, Role, UnverifiedRecord,
};
use hizo_ledger::space::Chain;
use hizo_vault::age::{Identity, Recipient};
use hizo_vault::entropy::Entropy;
use hizo_vault::event::certificate::{Certificate, UnverifiedCertificate};
use hizo_vault::event::handover::{
    Custody, Level, Refusal, UnverifiedAnswer, UnverifiedConsent, UnverifiedItem, Verdict,
};
use hizo_vault::event::{self, Event};
use hizo_vault::keys::{IdentityFile, OrganisationSeed, SpaceSigningKey};

use model::*;
use people::*;

use super::for_sender_at;
use crate::consents::Consents;
use crate::contents::Opened;
use crate::epochs;
use crate::failure::{Failure, Outcome};
use crate::handover::{HandOver, Onlooker};
use crate::histories::{Dice, History, play_all};
use crate::home::{Home, Pinned};
use crate::keeper::Keeper;
use crate::people::{People, Roles};
use crate::queue::AtHand;
use crate::safe::{Keyring, Safe};
use crate::side::Side;

/// What a run of all tests has time for.
const HISTORIES: u64 = 1_000;
/// Kinds of records that stand, and of what is found.
const KINDS: usize = 33;
/// In one history of so many, another reader gets all records at once.
const READ_AGAIN_EVERY: u64 = 8;
const FIRST_SECOND: u64 = 1_809_335_564;
const DAY: u64 = 86_400;
/// What nobody may read at the levels that do not tell who the company is.
const COMPANY_NAME: &str = "山田金型";

/// One space, as its readers have it.
struct Place {
    at: usize,
    safe: Safe,
    /// Who the members are, to somebody who may be about to open it.
    keyring: Keyring,
    roles: Roles,
    /// What each record says.
    said: Vec<Vec<Event>>,
    seats: Seats,
    consents: Consents,
    handover: Option<HandOver>,
}

struct World {
    seed: u64,
    dice: Dice,
    now: u64,
    places: Vec<Option<Place>>,
    given: [Given; 3],
    hands: [Option<Hand>; 3],
    /// What a company signed, whether or not it counts: senders who deceive found hand-overs with it.
    signed: Vec<(Shape, UnverifiedConsent)>,
    /// Every answer that somebody really signed: hand-over, whose, which.
    answered: Vec<(usize, Who, Verdict, UnverifiedAnswer)>,
    /// The records of the case's deposits.
    items: Vec<RecordId>,
    /// Which epochs of its own the office has begun.
    office_epoch: usize,
    wraps: u64,
    /// Of which hand-over the last step was.
    touched: usize,
    /// Whether readers believe what the last record says.
    believed: bool,
    told: Vec<String>,
    stood: BTreeMap<&'static str, u64>,
}

fn commit(byte: u8) -> CommitHash {
    CommitHash::from_bytes([byte; 32])
}

fn signed(envelope: &Envelope, at: usize, signers: &BTreeSet<Who>) -> Option<UnverifiedRecord> {
    let text = envelope.text().ok()?;
    let signatures: Vec<_> =
        signers.iter().map(|who| (PEOPLE[*who].key(at), PEOPLE[*who].keys[at].sign(text.as_bytes()))).collect();
    UnverifiedRecord::compose(envelope, &signatures).ok()
}

fn refusal(outcome: &Outcome<()>) -> Option<Refusal> {
    let failure = outcome.as_ref().err()?;
    let refusal = failure.source.as_ref().and_then(|source| source.downcast_ref::<Refusal>().copied());
    Some(refusal.unwrap_or_else(|| panic!("no rule is named: {:?}", failure.message)))
}

impl Place {
    fn begun(at: usize, reader: Who, genesis: UnverifiedRecord, said: Vec<Event>, seats: Seats, now: u64) -> Self {
        let (chain, record) = Chain::begin(genesis).unwrap();
        let handover = HandOver::begun(&record, said.clone());
        let safe = Safe::of(HOMES.1[at].clone(), keeper(), chain, vec![record]);
        let keyring = knowing(at, reader, now);
        let consents = Consents::default();
        let mut place = Self { at, safe, keyring, roles: Roles::new(), said: vec![said], seats, consents, handover };
        place.follow(now);
        place
    }

    fn append(&mut self, record: UnverifiedRecord, said: Vec<Event>, now: u64) -> bool {
        if self.safe.take(record).is_err() {
            return false;
        }
        self.said.push(said);
        self.follow(now);
        true
    }

    /// Has each reader take the last record.
    fn follow(&mut self, now: u64) {
        let (safe, record) = (&self.safe, self.safe.records.last().unwrap());
        let said = self.said.last().unwrap();
        self.keyring.people_mut().look_at(time(now));
        self.keyring.people_mut().follow(safe, record, Ok(said.clone()), &mut self.roles);
        let people = self.keyring.people().unwrap();
        let said = if people.refuse_undelegated(record).is_ok() { said.as_slice() } else { &[] };
        fold(safe, people, record, said, &mut self.consents, self.handover.as_mut());
    }

    /// Who the members are to another reader, who gets all records at once.
    fn read_by(&self, reader: Who, now: u64) -> Keyring {
        let (mut keyring, mut roles) = (knowing(self.at, reader, now), Roles::new());
        for (record, said) in self.safe.records.iter().zip(&self.said) {
            keyring.people_mut().follow(&self.safe, record, Ok(said.clone()), &mut roles);
        }
        keyring
    }

    fn look(&mut self, now: u64) {
        self.keyring.people_mut().look_at(time(now));
    }

    fn opened(&self) -> Opened<'_> {
        Opened { safe: &self.safe, keyring: &self.keyring }
    }
}

/// Before record 0, to somebody who looks at a time.
fn knowing(at: usize, reader: Who, now: u64) -> Keyring {
    let own = Certificate::of(&PEOPLE[reader].file, &SPACES[at]);
    Keyring::knowing(People::none_yet(own, time(now)))
}

/// What a reader does with the next record, of which he believes this.
fn fold(
    safe: &Safe,
    people: &People,
    record: &Record,
    said: &[Event],
    consents: &mut Consents,
    handover: Option<&mut HandOver>,
) {
    let is_deposit = record.envelope().deposit.is_some();
    consents.take(people, record, if is_deposit { &[] } else { said });
    if let Some(handover) = handover.filter(|_| !is_deposit) {
        said.iter().for_each(|event| handover.take(safe, record, event.clone()));
    }
}

impl World {
    fn founded(seed: u64) -> Self {
        let mut world = Self {
            seed,
            dice: Dice::new(seed),
            now: FIRST_SECOND,
            places: vec![None, None, None],
            given: Default::default(),
            hands: [None, None, None],
            signed: Vec::new(),
            answered: Vec::new(),
            items: Vec::new(),
            office_epoch: 0,
            wraps: 0,
            touched: 1,
            believed: true,
            told: Vec::new(),
            stood: BTreeMap::new(),
        };
        let founder = |at: usize, who: Who| Event::KeyCertified(PEOPLE[who].certificates[at].clone());
        world.begin(CASE, OWNER, &[], SENDER, vec![founder(CASE, OWNER)]);
        for item in 0..ITEMS {
            world.now += 1;
            let act = Seating { is_deposit: true, ..Seating::default() };
            let id = world.put(CASE, "item", &[OWNER].into(), act, Some(item as u8), Vec::new());
            world.items.push(id.unwrap());
        }
        world.admit(CASE, &[OWNER].into(), SENDER, Role::ReaderWriter, Vec::new());
        world
    }

    /// Record 0 of a space: who founds it, and who else comes by it.
    fn begin(&mut self, at: usize, founder: Who, with: &[(Who, Role)], reader: Who, said: Vec<Event>) {
        let controls = self.genesis_controls(at, founder, with);
        let body = event::compose(&said);
        let mut genesis = Envelope {
            keeper: Origin::local([7; 16]),
            space: SPACES[at],
            number: 0,
            prev: None,
            epoch: 0,
            time: time(self.now),
            seen: None,
            body: Some((ObjectId::of(&body), body.len() as u64)),
            deposit: None,
            controls,
        };
        genesis.sort_controls();
        let record = signed(&genesis, at, &[founder].into()).unwrap();
        let members: BTreeMap<Who, Role> = with.iter().copied().chain([(founder, Role::Admin)]).collect();
        let mut seats = Seats {
            members,
            needed: 1,
            cards: false,
            rotators: BTreeSet::new(),
            delegated: BTreeMap::new(),
            opens: Vec::new(),
        };
        seats.opens.push(seats.readers(&seats.members, self.now));
        self.places[at] = Some(Place::begun(at, reader, record, event::parse(&body).unwrap(), seats, self.now));
    }

    fn genesis_controls(&mut self, at: usize, founder: Who, with: &[(Who, Role)]) -> Vec<Control> {
        let mut controls = vec![
            Control::Founder(PEOPLE[founder].key(at)),
            Control::Slot(SlotKeyHash::from_bytes([5; 32])),
            Control::Recovery(None),
            Control::Session { member: PEOPLE[founder].key(at), session: PEOPLE[founder].sessions[at] },
            Control::Epoch { epoch: 0, recipient: ObjectId::of(b"epoch 0") },
            self.wrap(0),
        ];
        controls.extend(with.iter().flat_map(|(who, role)| seat(at, *who, *role)));
        controls
    }

    fn wrap(&mut self, epoch: u32) -> Control {
        self.wraps += 1;
        Control::Wrap { epoch, wrap: ObjectId::of(&self.wraps.to_be_bytes()), bytes: 9 }
    }

    fn place(&self, at: usize) -> &Place {
        self.places[at].as_ref().unwrap()
    }

    /// Makes a record, and compares whether it stands; its id if it does.
    fn put(
        &mut self,
        at: usize,
        kind: &'static str,
        signers: &BTreeSet<Who>,
        act: Seating,
        deposits: Option<u8>,
        events: Vec<Event>,
    ) -> Option<RecordId> {
        self.places[at].as_mut()?.look(self.now);
        let allowed = self.place(at).seats.allows(&act, signers);
        let mut controls: Vec<Control> = act.leaves.iter().map(|who| Control::Remove(PEOPLE[*who].key(at))).collect();
        controls.extend(act.comes.iter().flat_map(|(who, role)| seat(at, *who, *role)));
        controls.extend(act.rule.map(|rule| Control::Admins(if rule == 2 { AdminRule::Two } else { AdminRule::One })));
        controls.extend(act.cards.map(|on| Control::Recovery(on.then(cards_key))));
        controls.extend(act.names.map(|own| Control::Rotator(rotator(at, own))));
        let (chain, body) = (&self.place(at).safe.chain, event::compose(&events));
        let head = chain.head();
        let epoch = chain.epoch() + u32::from(act.begins);
        let deposit = deposits.map(|commit_byte| Deposit {
            series: SeriesId::from_bytes((head.number + 1).to_be_bytes()),
            k: 1,
            prev: None,
            commit: Commitment { sha256: commit(commit_byte), blake3: commit(commit_byte) },
            objects: Objects { count: 1, total: 4, list: ObjectId::of(&head.number.to_be_bytes()) },
        });
        let current = chain.epoch();
        let sealed = act.begins.then(|| self.sealed(at, signers, &act));
        if act.begins {
            controls.push(Control::Epoch { epoch, recipient: ObjectId::of(format!("{at} {epoch}").as_bytes()) });
            let wrap = self.wrap(epoch);
            controls.push(wrap);
        }
        let reads = act.comes.iter().any(|(_, role)| role.opens());
        let gives = if reads && act.leaves.is_empty() { 0..current + 1 } else { 0..0 };
        for epoch in gives.clone() {
            let wrap = self.wrap(epoch);
            controls.push(wrap);
        }
        let mut envelope = Envelope {
            keeper: Origin::local([7; 16]),
            space: SPACES[at],
            number: head.number + 1,
            prev: Some(head.id),
            epoch,
            time: time(self.now),
            seen: None,
            body: (!events.is_empty()).then(|| (ObjectId::of(&body), body.len() as u64)),
            deposit,
            controls,
        };
        envelope.sort_controls();
        let record = signed(&envelope, at, signers);
        let id = record.as_ref().map(UnverifiedRecord::id);
        let place = self.places[at].as_mut().unwrap();
        let stands = record.is_some_and(|record| place.append(record, event::parse(&body).unwrap(), self.now));
        self.told.push(format!("{at}: {kind} by {signers:?} at +{}: {stands}", self.now - FIRST_SECOND));
        assert_eq!(stands, allowed, "the model says {allowed} of the last one");
        if !stands {
            return None;
        }
        *self.stood.entry(kind).or_default() += 1;
        self.take(at, signers, &act, &events);
        if let Some(sealed) = sealed {
            self.compare_readers(at, &sealed, &act);
        }
        let seats = &mut self.places[at].as_mut().unwrap().seats;
        for epoch in gives {
            for (who, role) in &act.comes {
                let opener = seats.opener(*who, self.now).filter(|_| role.opens());
                seats.opens[epoch as usize].extend(opener);
            }
        }
        id
    }

    /// Takes up what a record that stands changes: of the members, and of who acts for which organisation.
    fn take(&mut self, at: usize, signers: &BTreeSet<Who>, act: &Seating, events: &[Event]) {
        let seats = &mut self.places[at].as_mut().unwrap().seats;
        let (members, before) = (seats.after(act), seats.delegated.clone());
        for event in events {
            let Event::KeyDelegated { note } = event else { continue };
            let said = Delegation::verify(note.as_bytes()).unwrap();
            let who = (0..PEOPLE.len()).find(|who| PEOPLE[*who].identity == said.identity).unwrap();
            // Nobody begins to act for an organisation without an admin's word, or who was let in without it.
            let comes = act.is_change() && members.contains_key(&who) && !seats.members.contains_key(&who);
            if !seats.delegated.contains_key(&who) && !comes {
                continue;
            }
            let recipient = said.recipient.as_deref().unwrap();
            let own_epoch = OWN_EPOCHS.iter().position(|(_, text)| text == recipient).unwrap();
            let (from, until) = (said.not_before.unix_seconds(), said.not_after.unix_seconds());
            seats.delegated.entry(who).or_default().push(Delegated { from, until, own_epoch, is_revoked: false });
        }
        // Nothing is believed of what somebody says who might not, and he has changed who is a member all the same.
        if !signers.iter().all(|who| seats.acts(*who, self.now)) {
            seats.delegated = before;
        }
        let is_believed = signers.iter().all(|who| seats.acts(*who, self.now));
        for event in events.iter().filter(|_| is_believed) {
            let Event::DelegationRevoked { note } = event else { continue };
            let said = Revocation::verify(note.as_bytes()).unwrap();
            let who = (0..PEOPLE.len()).find(|who| PEOPLE[*who].key(at) == said.key).unwrap();
            for delegated in seats.delegated.get_mut(&who).into_iter().flatten() {
                delegated.is_revoked |= delegated.from <= said.time.unix_seconds();
            }
        }
        self.believed = is_believed;
        seats.members = members;
        seats.needed = act.rule.unwrap_or(seats.needed);
        seats.cards = act.cards.unwrap_or(seats.cards);
        seats.rotators.extend(act.names);
    }

    /// To what an honest client seals the epoch that a record begins.
    fn sealed(&self, at: usize, signers: &BTreeSet<Who>, act: &Seating) -> Vec<Recipient> {
        let place = self.place(at);
        // The company knows itself, and the sender knows it from the case.
        let is_company = self.hands[at].as_ref().is_some_and(|hand| signers.contains(&hand.shape.by));
        let company = is_company.then(|| place.read_by(self.hands[at].as_ref().unwrap().shape.by, self.now));
        let keyring = company.as_ref().unwrap_or(&place.keyring);
        let opened = Opened { safe: &place.safe, keyring };
        let people = keyring.people().unwrap();
        let without: Vec<VerifyingKey> = act.leaves.iter().map(|who| PEOPLE[*who].key(at)).collect();
        let mut to = match &self.hands[at] {
            // As `leave` of `admit.rs` has it: whoever the company is, the sender seals to it.
            Some(hand) if !is_company => {
                let members = place.seats.after(act);
                let reads = |who: &Who| members.get(who).is_some_and(|role| role.opens());
                let others = members.keys().filter(|who| **who != hand.shape.by && **who != MACHINE && reads(who));
                let keys = others.filter_map(|who| people.recipient(&PEOPLE[*who].key(at)).cloned());
                keys.chain(reads(&hand.shape.by).then(|| PEOPLE[hand.shape.by].recipient().clone())).collect()
            }
            _ => epochs::readers(opened, &without).unwrap_or_else(|failure| panic!("{:?}", failure.message)),
        };
        if self.hands[at].is_none() || is_company {
            let comes = act.comes.iter().filter(|(_, role)| role.opens());
            to.extend(comes.map(|(who, _)| PEOPLE[*who].recipient().clone()));
        }
        to
    }

    /// Everybody who is there and reads opens the epoch, and nobody who has left.
    fn compare_readers(&mut self, at: usize, sealed: &[Recipient], act: &Seating) {
        let now = self.now;
        let seats = &mut self.places[at].as_mut().unwrap().seats;
        let expected = seats.readers(&seats.members, now);
        let recipient = |opens: &Opens| match opens {
            Opens::Own(who) => PEOPLE[*who].recipient(),
            Opens::Organisation(_, epoch) => &OWN_EPOCHS[*epoch].0,
        };
        let is_as_said = expected.iter().all(|opens| sealed.contains(recipient(opens)))
            && sealed.iter().all(|to| expected.iter().any(|opens| recipient(opens) == to));
        assert!(is_as_said, "an epoch is sealed to others than to whoever reads");
        for who in &act.leaves {
            let is_back = seats.members.get(who).is_some_and(|role| role.opens());
            assert!(is_back || !sealed.contains(PEOPLE[*who].recipient()), "{who} was removed, and opens what begins");
        }
        seats.opens.push(expected);
    }

    fn note(&self, who: Who, at: usize, term: u64) -> String {
        let organisation = organisation_of(who).unwrap();
        let seed = self::organisation(organisation);
        let own_epoch = if organisation == OFFICE { self.office_epoch } else { 7 };
        let delegation = Delegation {
            organisation: organisation_key(organisation),
            space: SPACES[at],
            key: PEOPLE[who].key(at),
            identity: PEOPLE[who].identity,
            role: Role::ReaderWriter,
            recipient: Some(OWN_EPOCHS[own_epoch].1.clone()),
            not_before: time(self.now),
            not_after: time(self.now + term),
            rotator: Some(seed.rotator_key(&SPACES[at]).verifying_key()),
        };
        delegation.note(&seed.signing_key().sign(delegation.text().as_bytes())).unwrap()
    }

    /// Lets somebody in, with all that there is; for his organisation, if he acts for one.
    fn admit(
        &mut self,
        at: usize,
        signers: &BTreeSet<Who>,
        who: Who,
        role: Role,
        mut said: Vec<Event>,
    ) -> Option<RecordId> {
        said.insert(0, Event::KeyCertified(PEOPLE[who].certificates[at].clone()));
        if let Some(organisation) = organisation_of(who) {
            let (name, name_ja) = ("Office".to_owned(), "機関".to_owned());
            let key = organisation_key(organisation).to_base64();
            let term = self.dice.of(&[3, 90, 90]) * DAY;
            said.insert(0, Event::OrganisationPinned { key, name, name_ja });
            said.insert(1, Event::KeyDelegated { note: self.note(who, at, term) });
        }
        let act = Seating { comes: vec![(who, role)], ..Seating::default() };
        self.put(at, "admit", signers, act, None, said)
    }

    /// Mostly as many admins as are asked for, and sometimes somebody else.
    fn admins(&mut self, at: usize) -> BTreeSet<Who> {
        let seats = &self.place(at).seats;
        let needed = seats.needed;
        let mut able: Vec<Who> =
            seats.members.iter().filter(|(_, role)| **role == Role::Admin).map(|(who, _)| *who).collect();
        if self.dice.one_in(8) {
            return [self.dice.below(PEOPLE.len())].into();
        }
        let mut signers = BTreeSet::new();
        while signers.len() < needed && !able.is_empty() {
            signers.insert(able.swap_remove(self.dice.below(able.len())));
        }
        signers
    }

    fn member(&mut self, at: usize) -> Who {
        let members: Vec<Who> = self.place(at).seats.members.keys().copied().collect();
        if self.dice.one_in(8) { self.dice.below(PEOPLE.len()) } else { self.dice.of(&members) }
    }

    fn say(&mut self, at: usize, kind: &'static str, who: Who, event: Event) -> bool {
        let stands = self.put(at, kind, &[who].into(), Seating::default(), None, vec![event]).is_some();
        stands && self.believed
    }
}

fn seat(at: usize, who: Who, role: Role) -> [Control; 2] {
    let (member, session) = (PEOPLE[who].key(at), PEOPLE[who].sessions[at]);
    [Control::Member { key: member, role }, Control::Session { member, session }]
}

/// The office's own key that begins epochs, or one that nobody has said is his.
fn rotator(at: usize, own: bool) -> VerifyingKey {
    organisation(if own { OFFICE } else { 77 }).rotator_key(&SPACES[at]).verifying_key()
}

/// The key of somebody's recovery cards.
fn cards_key() -> VerifyingKey {
    organisation(78).signing_key().verifying_key()
}

impl History for World {
    type Stood = BTreeMap<&'static str, u64>;
    const STEPS: u64 = 26;

    fn begun(seed: u64) -> Self {
        Self::founded(seed)
    }

    fn step(&mut self, dice: Dice) {
        self.dice = dice;
        self.take_step();
    }

    fn ended(&mut self) {
        if self.seed.is_multiple_of(READ_AGAIN_EVERY) {
            self.read_again();
        }
    }

    fn told(&self) -> &[String] {
        &self.told
    }

    fn stood(self) -> Self::Stood {
        self.stood
    }
}

#[test]
fn histories_of_hand_overs_agree_with_the_model_of_what_may_be_opened() {
    let played = play_all::<World>(HISTORIES);
    let count = played.len() as u64;
    let mut stood: BTreeMap<&'static str, u64> = BTreeMap::new();
    for (kind, times) in played.into_iter().flatten() {
        *stood.entry(kind).or_default() += times;
    }
    // Histories in which little happens show little.
    if count >= HISTORIES {
        let rare = stood.iter().find(|(_, times)| **times < count / 50);
        assert!(stood.len() == KINDS && rare.is_none(), "{rare:?} of {stood:?}");
    }
}
