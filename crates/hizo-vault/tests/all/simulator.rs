//! Histories of a space, drawn from a seed, against a model that knows who may sign and who may read.
//!
//! The model is written from docs/spec/space.md alone. Each step is a record that honest or dishonest people might make; chain and
//! model must agree whether it may stand, and afterwards who is a member, who waits, what is asked for, and who opens which epoch.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use hizo_ledger::id::{CommitHash, ObjectId, RecordId, SeriesId, SlotKeyHash};
use hizo_ledger::identity::VerifyingKey;
use hizo_ledger::record::{
    AdminRule, ClaimedTime, Commitment, Control, Deposit, Envelope, Objects, Origin, Role, UnverifiedRecord,
};
use hizo_ledger::space::{Chain, RECOVERY_DELAY_SECONDS};
use hizo_vault::age::{self, Identity, Recipient};
use hizo_vault::keys::{IdentityFile, OrganisationSeed, RecoverySeed};

use crate::certificate::{SPACE, person};
use crate::histories::{Dice, History, play_all};
use crate::seeded::Seeded;

const HISTORIES: u64 = 2_000;
/// In one history of so many, wraps are real age files; in the others they say for whom they are.
const SEALED_EVERY: u64 = 100;
const FIRST_SECOND: u64 = 1_809_335_564;
const SERIES: SeriesId = SeriesId::from_bytes([9; 8]);

static PEOPLE: LazyLock<Vec<Keys>> = LazyLock::new(|| {
    let keys = |number: u64| {
        let IdentityFile { signing_seed, identity } = person(100 + number);
        let key = signing_seed.space_key(&SPACE);
        let session = signing_seed.session_key(&SPACE).verifying_key();
        Keys { own: key.verifying_key(), sign: Box::new(move |text| key.sign(text)), session: Some(session), identity }
    };
    (0..6).map(keys).collect()
});

static CARDS: LazyLock<Vec<Keys>> = LazyLock::new(|| {
    let keys = |number: u64| {
        let seed = RecoverySeed::generate(&mut Seeded::new(200 + number));
        let key = seed.signing_key();
        let own = key.verifying_key();
        Keys { own, sign: Box::new(move |text| key.sign(text)), session: None, identity: seed.identity() }
    };
    (0..3).map(keys).collect()
});

static ROTATORS: LazyLock<Vec<Keys>> = LazyLock::new(|| {
    let keys = |number: u64| {
        let key = OrganisationSeed::generate(&mut Seeded::new(300 + number)).rotator_key(&SPACE);
        let own = key.verifying_key();
        // It opens nothing; nobody ever seals to this.
        let identity = person(400 + number).identity;
        Keys { own, sign: Box::new(move |text| key.sign(text)), session: None, identity }
    };
    (0..2).map(keys).collect()
});

/// What somebody has in this space.
struct Keys {
    own: VerifyingKey,
    sign: Box<dyn Fn(&[u8]) -> [u8; 64] + Send + Sync>,
    session: Option<VerifyingKey>,
    identity: Identity,
}

/// Somebody of [`PEOPLE`], by number.
type Who = usize;

/// Whoever signs or reads: a person, a set of recovery cards, or an organisation's key that begins epochs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Party {
    Person(Who),
    Cards(usize),
    Rotator(usize),
}

impl Party {
    fn keys(self) -> &'static Keys {
        match self {
            Self::Person(who) => &PEOPLE[who],
            Self::Cards(set) => &CARDS[set],
            Self::Rotator(which) => &ROTATORS[which],
        }
    }
}

/// What somebody wants to be done.
#[derive(Debug, Clone, Copy)]
enum Act {
    Say,
    Deposit,
    Rotate,
    Admit {
        who: Who,
        role: Role,
        history: bool,
    },
    Remove {
        who: Who,
    },
    Change {
        who: Who,
        role: Role,
        history: bool,
    },
    Grant {
        who: Who,
    },
    Cards {
        set: Option<usize>,
    },
    Rule {
        needed: usize,
    },
    /// One leaves in the record that changes the rule.
    RemoveWithRule {
        who: Who,
        needed: usize,
    },
    Name {
        which: usize,
    },
    End {
        which: usize,
    },
    /// What the recovery key may sign: one admin comes, and is given nothing.
    LetIn {
        who: Who,
    },
}

impl Act {
    fn drawn(dice: &mut Dice) -> Self {
        let (who, role, history) = (dice.below(PEOPLE.len()), dice.of(&Role::ALL), dice.one_in(2));
        match dice.below(26) {
            0..=2 => Self::Say,
            3..=5 => Self::Deposit,
            6 => Self::Rotate,
            7..=9 => Self::Admit { who, role, history },
            10 => Self::Admit { who, role: Role::Admin, history },
            11 | 12 => Self::Remove { who },
            13 => Self::Change { who, role, history },
            14 => Self::Grant { who },
            15 => Self::Cards { set: (!dice.one_in(3)).then(|| dice.below(CARDS.len())) },
            16..=18 => Self::Rule { needed: 1 + dice.below(2) },
            19 => Self::RemoveWithRule { who, needed: 1 + dice.below(2) },
            20 => Self::Name { which: dice.below(ROTATORS.len()) },
            21..=23 => Self::End { which: dice.below(ROTATORS.len()) },
            _ => Self::LetIn { who },
        }
    }
}

/// What the page says, and nothing of how the code does it.
#[derive(Debug, Default)]
struct Model {
    members: BTreeMap<Who, Role>,
    /// How many admins sign a change.
    needed: usize,
    cards: Option<usize>,
    rotators: BTreeSet<usize>,
    waits: Option<(Who, u64)>,
    deposits: u64,
    epoch: u32,
    /// The epochs whose secrets were ever given to somebody: nobody takes that back.
    reads: BTreeMap<Party, BTreeSet<u32>>,
    /// Members who came without being given anything; cards may have opened it for them, elsewhere.
    not_given: BTreeSet<Who>,
}

impl Model {
    fn founded() -> Self {
        let reads = BTreeMap::from([(Party::Person(0), BTreeSet::from([0]))]);
        Self { members: BTreeMap::from([(0, Role::Admin)]), needed: 1, reads, ..Self::default() }
    }

    /// Whether a record may stand that does this, by these signers, and says this time.
    fn allows(&self, act: Act, signers: &BTreeSet<Party>, time: u64) -> bool {
        if let (Some(set), Act::LetIn { who }) = (self.cards, act)
            && *signers == BTreeSet::from([Party::Cards(set)])
        {
            return !self.members.contains_key(&who);
        }
        if let Act::Rotate = act
            && self.rotators.iter().any(|which| *signers == BTreeSet::from([Party::Rotator(*which)]))
        {
            return true;
        }
        let Some(before) = self.seated(signers, time) else { return false };
        let needed_after = match act {
            Act::Rule { needed } | Act::RemoveWithRule { needed, .. } => needed,
            _ => self.needed,
        };
        let count = match act {
            Act::Say | Act::Deposit => 1,
            _ => self.needed.max(if needed_after == self.needed { 1 } else { needed_after }),
        };
        let may = |party: &Party| match party {
            Party::Cards(_) | Party::Rotator(_) => false,
            Party::Person(who) => before.get(who).is_some_and(|role| match act {
                Act::Say => true,
                Act::Deposit => *role != Role::Reader,
                _ => *role == Role::Admin,
            }),
        };
        let fits = match act {
            Act::Admit { who, .. } | Act::LetIn { who } => !before.contains_key(&who),
            Act::Remove { who } | Act::Change { who, .. } | Act::RemoveWithRule { who, .. } => {
                before.contains_key(&who)
            }
            Act::Name { which } => !self.rotators.contains(&which),
            Act::End { which } => self.rotators.contains(&which),
            Act::Say | Act::Deposit | Act::Rotate | Act::Grant { .. } | Act::Cards { .. } | Act::Rule { .. } => true,
        };
        let admins = Self::after(before.clone(), act).values().filter(|role| **role == Role::Admin).count();
        signers.len() == count && signers.iter().all(may) && fits && admins >= needed_after
    }

    /// The members, and who waits among them if he signs: nothing if he does so too early.
    fn seated(&self, signers: &BTreeSet<Party>, time: u64) -> Option<BTreeMap<Who, Role>> {
        let mut members = self.members.clone();
        if let Some((who, since)) = self.waits.filter(|(who, _)| signers.contains(&Party::Person(*who))) {
            if time < since + RECOVERY_DELAY_SECONDS {
                return None;
            }
            members.insert(who, Role::Admin);
        }
        Some(members)
    }

    fn after(mut members: BTreeMap<Who, Role>, act: Act) -> BTreeMap<Who, Role> {
        match act {
            Act::Remove { who } | Act::RemoveWithRule { who, .. } => drop(members.remove(&who)),
            Act::Admit { who, role, .. } | Act::Change { who, role, .. } => drop(members.insert(who, role)),
            Act::LetIn { who } => drop(members.insert(who, Role::Admin)),
            Act::Say | Act::Deposit | Act::Rotate | Act::Grant { .. } | Act::Cards { .. } | Act::Rule { .. } => {}
            Act::Name { .. } | Act::End { .. } => {}
        }
        members
    }

    /// Takes up a record that stands, and what its wraps gave to whom.
    fn take(&mut self, act: Act, signers: &BTreeSet<Party>, time: u64, given: &[(Party, u32)]) {
        let by_cards = signers.iter().any(|party| matches!(party, Party::Cards(_)));
        if let (true, Act::LetIn { who }) = (by_cards, act) {
            self.waits = Some((who, time));
            return;
        }
        let seated = self.seated(signers, time).unwrap();
        let came = Self::after(seated, act);
        self.not_given.extend(came.keys().filter(|who| !self.members.contains_key(who)));
        self.not_given.retain(|who| came.contains_key(who));
        self.members = came;
        match act {
            Act::Cards { set } => (self.cards, self.waits) = (set, None),
            Act::Rule { needed } | Act::RemoveWithRule { needed, .. } => self.needed = needed,
            Act::Deposit => self.deposits += 1,
            Act::Name { which } => drop(self.rotators.insert(which)),
            Act::End { which } => drop(self.rotators.remove(&which)),
            _ => {}
        }
        // Whoever waited and has come, or whom this record's signer was and removed again, waits no more.
        self.waits = self.waits.filter(|(who, _)| !self.members.contains_key(who));
        for (party, epoch) in given {
            self.reads.entry(*party).or_default().insert(*epoch);
            self.epoch = self.epoch.max(*epoch);
            if let (Act::Admit { who, .. } | Act::Grant { who }, Party::Person(to)) = (act, party)
                && who == *to
            {
                self.not_given.remove(&who);
            }
        }
    }

    fn reads(&self, party: Party, epoch: u32) -> bool {
        self.reads.get(&party).is_some_and(|epochs| epochs.contains(&epoch))
    }
}

/// A wrap's bytes, and for whom it was made.
struct Wrap {
    bytes: Vec<u8>,
    to: BTreeSet<Party>,
}

/// One history.
struct Space {
    seed: u64,
    dice: Dice,
    sealed: bool,
    chain: Chain,
    model: Model,
    time: u64,
    wraps: BTreeMap<ObjectId, Wrap>,
    secrets: Vec<Secret>,
    /// The epoch of each record.
    epochs: Vec<u32>,
    /// A record that was rightly signed for a head that has gone by.
    stale: Option<(Envelope, BTreeSet<Party>)>,
    told: Vec<String>,
    /// How often each act came to stand, and how often under the rule of two.
    stood: Tally,
}

/// Of each kind of act: how often it stood, and how often by two.
type Tally = BTreeMap<String, (u64, u64)>;

impl Space {
    fn founded(seed: u64) -> Self {
        let sealed = seed.is_multiple_of(SEALED_EVERY);
        let (mut wraps, secret) = (BTreeMap::new(), Secret::of(seed, 0));
        let wrap = wrap(&mut wraps, &secret, 0, [Party::Person(0)].into());
        let controls = vec![
            Control::Founder(PEOPLE[0].own),
            Control::Slot(SlotKeyHash::from_bytes([5; 32])),
            Control::Recovery(None),
            Control::Session { member: PEOPLE[0].own, session: PEOPLE[0].session.unwrap() },
            Control::Epoch { epoch: 0, recipient: secret.recipient },
            wrap,
        ];
        let mut genesis = Envelope {
            keeper: Origin::local([7; 16]),
            space: SPACE,
            number: 0,
            prev: None,
            epoch: 0,
            time: ClaimedTime::from_unix_seconds(FIRST_SECOND).unwrap(),
            seen: None,
            body: None,
            deposit: None,
            controls,
        };
        genesis.sort_controls();
        let record = signed(&genesis, &[Party::Person(0)].into()).unwrap();
        let (chain, _) = Chain::begin(record).unwrap();
        Self {
            seed,
            dice: Dice::new(seed),
            sealed,
            chain,
            model: Model::founded(),
            time: FIRST_SECOND,
            wraps,
            secrets: vec![secret],
            epochs: vec![0],
            stale: None,
            told: Vec::new(),
            stood: Tally::new(),
        }
    }

    fn take_step(&mut self) {
        self.time += if self.dice.one_in(6) { RECOVERY_DELAY_SECONDS } else { 3_600 };
        let act = Act::drawn(&mut self.dice);
        let signers = self.signers(act);
        let head = self.chain.head().number;
        if let Some((envelope, signers)) = self.stale.take_if(|(envelope, _)| envelope.number <= head) {
            let stands = signed(&envelope, &signers).is_ok_and(|record| self.chain.check(record).is_ok());
            assert!(!stands, "what two signed for a head that has gone by stands");
        }
        let (envelope, given) = self.compose(act, &signers, self.seed);
        let Some(envelope) = envelope else { return };
        let allowed = self.model.allows(act, &signers, self.time);
        if allowed && self.dice.one_in(8) {
            // Agreed on, and not appended.
            self.stale = Some((envelope, signers));
            return;
        }
        let head = self.chain.head();
        let record =
            signed(&envelope, &signers).and_then(|record| self.chain.append(record).map_err(|error| error.to_string()));
        self.told.push(format!(
            "{act:?} by {signers:?} at {}: {:?}",
            self.time,
            record.as_ref().map(|record| record.number())
        ));
        assert_eq!(record.is_ok(), allowed, "the model says {allowed} of the last one");
        match record {
            Ok(_) => {
                let kind = format!("{act:?}").split(' ').next().unwrap_or_default().to_owned();
                let stood = self.stood.entry(kind).or_default();
                *stood = (stood.0 + 1, stood.1 + u64::from(signers.len() == 2));
                self.model.take(act, &signers, self.time, &given);
                self.epochs.push(self.chain.epoch());
                if self.chain.epoch() as usize == self.secrets.len() {
                    self.secrets.push(Secret::of(self.seed, self.chain.epoch()));
                }
            }
            Err(_) => assert_eq!(self.chain.head(), head, "what was refused changed something"),
        }
        self.compare();
        self.probe();
    }

    /// Mostly those who should sign, and sometimes whoever is drawn.
    fn signers(&mut self, act: Act) -> BTreeSet<Party> {
        let waits = self.model.waits.map(|(who, _)| Party::Person(who));
        let cards = self.model.cards.map(Party::Cards);
        if let (Act::LetIn { .. }, Some(cards)) = (act, cards)
            && !self.dice.one_in(5)
        {
            return [cards].into();
        }
        // By itself it begins an epoch, and tries all else.
        let tries = if matches!(act, Act::Rotate) { 2 } else { 12 };
        if self.dice.one_in(tries) {
            return [Party::Rotator(self.dice.below(ROTATORS.len()))].into();
        }
        if self.dice.one_in(4) {
            let drawn = 1 + self.dice.below(3);
            let mut signers: BTreeSet<Party> =
                (0..drawn).map(|_| Party::Person(self.dice.below(PEOPLE.len()))).collect();
            if self.dice.one_in(4) {
                signers.extend(cards);
                signers.insert(Party::Rotator(self.dice.below(ROTATORS.len())));
            }
            return signers;
        }
        let may = |role: Role| match act {
            Act::Say => true,
            Act::Deposit => role != Role::Reader,
            _ => role == Role::Admin,
        };
        let able = self.model.members.iter().filter(|(_, role)| may(**role)).map(|(who, _)| Party::Person(*who));
        let mut able: Vec<_> = able.chain(waits).collect();
        let rule = match act {
            Act::Rule { needed } | Act::RemoveWithRule { needed, .. } => needed,
            _ => 1,
        };
        let count = if matches!(act, Act::Say | Act::Deposit) { 1 } else { self.model.needed.max(rule) };
        let mut signers = BTreeSet::new();
        while signers.len() < count && !able.is_empty() {
            signers.insert(able.swap_remove(self.dice.below(able.len())));
        }
        if signers.is_empty() {
            signers.insert(Party::Person(self.dice.below(PEOPLE.len())));
        }
        signers
    }

    /// The record as an honest client of the first signer makes it, and whom its wraps give which epoch.
    fn compose(&mut self, act: Act, signers: &BTreeSet<Party>, seed: u64) -> (Option<Envelope>, Vec<(Party, u32)>) {
        let current = self.chain.epoch();
        let reads = |party: &Party| self.model.reads.get(party).cloned().unwrap_or_default();
        // Whoever makes wraps opens what he gives.
        let composer = signers.iter().find(|party| self.model.reads(**party, current));
        let own: BTreeSet<u32> = composer.map(reads).unwrap_or_default();
        let mut made = Made::default();
        let seat = |made: &mut Made, who: Who, role| {
            let (member, session) = (PEOPLE[who].own, PEOPLE[who].session.unwrap());
            made.controls.extend([Control::Member { key: member, role }, Control::Session { member, session }]);
        };
        let (mut leaves, mut comes, mut begins, mut cards) = (None, None, false, self.model.cards);
        match act {
            Act::Say | Act::Deposit => {}
            Act::Rotate => begins = true,
            Act::Admit { who, role, history } => {
                seat(&mut made, who, role);
                if role.opens() {
                    comes = Some(who);
                    begins = !history || own.is_empty();
                    if history {
                        made.gives.extend(own.iter().map(|epoch| (*epoch, [Party::Person(who)].into())));
                    }
                }
            }
            Act::LetIn { who } => seat(&mut made, who, Role::Admin),
            Act::Remove { who } | Act::RemoveWithRule { who, .. } => {
                made.controls.push(Control::Remove(PEOPLE[who].own));
                (leaves, begins) = (Some(who), true);
            }
            Act::Change { who, role, history } => {
                made.controls.push(Control::Remove(PEOPLE[who].own));
                seat(&mut made, who, role);
                (leaves, begins) = (Some(who), true);
                if role.opens() {
                    comes = Some(who);
                    if history && !self.model.members.get(&who).is_some_and(|role| role.opens()) {
                        made.gives.extend(own.iter().map(|epoch| (*epoch, [Party::Person(who)].into())));
                    }
                }
            }
            Act::Grant { who } => {
                made.gives.extend(own.iter().map(|epoch| (*epoch, [Party::Person(who)].into())));
                if own.is_empty() || !self.model.members.get(&who).is_some_and(|role| role.opens()) {
                    return (None, Vec::new());
                }
            }
            Act::Cards { set } => {
                made.controls.push(Control::Recovery(set.map(|set| CARDS[set].own)));
                if let Some(set) = set {
                    begins = self.model.cards.is_some() || own.is_empty();
                    made.gives.extend(own.iter().map(|epoch| (*epoch, [Party::Cards(set)].into())));
                }
                cards = set;
            }
            Act::Rule { .. } => {}
            Act::Name { which } => made.controls.push(Control::Rotator(ROTATORS[which].own)),
            Act::End { which } => made.controls.push(Control::RotatorEnds(ROTATORS[which].own)),
        }
        if let Act::Rule { needed } | Act::RemoveWithRule { needed, .. } = act {
            made.controls.push(Control::Admins(if needed == 2 { AdminRule::Two } else { AdminRule::One }));
        }
        let epoch = current + u32::from(begins);
        let mut secret = None;
        if begins {
            let opens = self.chain.members().filter(|(_, role)| role.opens());
            let who = |key: VerifyingKey| PEOPLE.iter().position(|person| person.own == key).unwrap();
            let mut to: BTreeSet<Party> =
                opens.map(|(key, _)| who(key)).filter(|who| leaves != Some(*who)).map(Party::Person).collect();
            // Who has waited long enough, and signs.
            to.extend(signers.iter().filter(|party| {
                self.model.waits.is_some_and(|(who, _)| Party::Person(who) == **party && leaves != Some(who))
            }));
            to.extend(comes.map(Party::Person));
            to.extend(cards.map(Party::Cards));
            let begun = Secret::of(seed, epoch);
            made.controls.push(Control::Epoch { epoch, recipient: begun.recipient });
            made.gives.push((epoch, to));
            secret = Some(begun);
        }
        let mut given = Vec::new();
        for (epoch, to) in made.gives {
            given.extend(to.iter().map(|party| (*party, epoch)));
            let secret = secret.as_ref().filter(|_| epoch > current).unwrap_or_else(|| &self.secrets[epoch as usize]);
            made.controls.push(wrap(&mut self.wraps, secret, epoch, to));
        }
        let head = self.chain.head();
        let deposit = matches!(act, Act::Deposit).then(|| deposit(&self.chain));
        let body = matches!(act, Act::Say).then_some((ObjectId::of(b"body"), 4));
        let mut envelope = Envelope {
            keeper: self.chain.keeper().clone(),
            space: SPACE,
            number: head.number + 1,
            prev: Some(head.id),
            epoch,
            time: ClaimedTime::from_unix_seconds(self.time).unwrap(),
            seen: None,
            body,
            deposit,
            controls: made.controls,
        };
        envelope.sort_controls();
        (Some(envelope), given)
    }

    /// Chain and model say the same, and what an honest client promises holds.
    fn compare(&self) {
        let (chain, model) = (&self.chain, &self.model);
        let members: BTreeMap<VerifyingKey, Role> = chain.members().collect();
        let expected: BTreeMap<_, _> = model.members.iter().map(|(who, role)| (PEOPLE[*who].own, *role)).collect();
        assert_eq!(members, expected, "the members");
        assert_eq!(chain.admin_rule().admins(), model.needed, "how many admins sign");
        let rotators: BTreeSet<VerifyingKey> = chain.rotators().collect();
        let named: BTreeSet<_> = model.rotators.iter().map(|which| ROTATORS[*which].own).collect();
        assert_eq!(rotators, named, "the keys that begin epochs");
        let waits = model.waits.map(|(who, since)| (PEOPLE[who].own, since));
        assert_eq!(chain.waiting().map(|waiting| (waiting.key, waiting.since)), waits, "who waits");
        let cards = model.cards.map(|set| CARDS[set].own);
        assert_eq!((chain.recovery(), chain.epoch()), (cards, model.epoch), "the recovery key, the epoch");
        assert_eq!(chain.series().get(&SERIES).map_or(0, |series| series.k), model.deposits);
        let shared = self.epochs[chain.shared_since() as usize];
        for who in 0..PEOPLE.len() {
            let opens = model.members.get(&who).is_some_and(|role| role.opens());
            let reads = |epoch| model.reads(Party::Person(who), epoch);
            if !opens {
                assert!(!reads(chain.epoch()), "{who} reads what is sealed now, and must not");
            } else if !model.not_given.contains(&who) {
                let missing = (shared..=chain.epoch()).find(|epoch| !reads(*epoch));
                assert_eq!(missing, None, "{who} does not read everything since epoch {shared}");
            }
        }
        let cards = model.cards.is_none_or(|set| model.reads(Party::Cards(set), chain.epoch()));
        assert!(cards, "the cards do not open what is sealed now");
    }

    /// Somebody tries by himself to say something, or to let in a friend.
    fn probe(&mut self) {
        let (who, friend) = (self.dice.below(PEOPLE.len()), self.dice.below(PEOPLE.len()));
        let act = match self.dice.one_in(2) {
            true => Act::Say,
            false => Act::Admit { who: friend, role: Role::Writer, history: false },
        };
        let signers = BTreeSet::from([Party::Person(who)]);
        let (envelope, _) = self.compose(act, &signers, 0);
        let stands = signed(&envelope.unwrap(), &signers).is_ok_and(|record| self.chain.check(record).is_ok());
        assert_eq!(stands, self.model.allows(act, &signers, self.time), "{who} does {act:?} by himself");
    }

    /// Whoever was given an epoch opens it, and nobody else does, by the wraps that the chain names.
    fn open(&self) {
        let people = (0..PEOPLE.len()).map(Party::Person);
        for party in people.chain((0..CARDS.len()).map(Party::Cards)) {
            let identity = &party.keys().identity;
            for epoch in 0..=self.chain.epoch() {
                let opened = self.chain.wraps(epoch).iter().any(|named| {
                    let wrap = &self.wraps[&named.id()];
                    match self.sealed {
                        false => wrap.to.contains(&party),
                        true => {
                            let opened = age::open(named.verify(wrap.bytes.clone()).unwrap(), identity);
                            let secret = opened.ok().map(|line| String::from_utf8(line).unwrap());
                            secret.is_some_and(|line| {
                                let secret = Identity::parse(line.trim_end()).unwrap();
                                recipient_object(&secret) == self.chain.epochs()[epoch as usize].recipient().id()
                            })
                        }
                    }
                });
                assert_eq!(opened, self.model.reads(party, epoch), "{party:?} opens epoch {epoch}");
            }
        }
    }
}

/// What a record is made of, before its wraps are sealed.
#[derive(Default)]
struct Made {
    controls: Vec<Control>,
    gives: Vec<(u32, BTreeSet<Party>)>,
}

/// An epoch's secret, where wraps are sealed; what stands for its recipient, where not.
struct Secret {
    identity: Option<Identity>,
    recipient: ObjectId,
}

impl Secret {
    fn of(seed: u64, epoch: u32) -> Self {
        if !seed.is_multiple_of(SEALED_EVERY) {
            return Self { identity: None, recipient: ObjectId::of(&epoch.to_be_bytes()) };
        }
        let identity = Identity::generate(&mut Seeded::new(seed.wrapping_mul(1_000).wrapping_add(u64::from(epoch))));
        Self { recipient: recipient_object(&identity), identity: Some(identity) }
    }
}

fn recipient_object(secret: &Identity) -> ObjectId {
    ObjectId::of(secret.recipient().to_string().as_bytes())
}

fn wrap(wraps: &mut BTreeMap<ObjectId, Wrap>, secret: &Secret, epoch: u32, to: BTreeSet<Party>) -> Control {
    let bytes = match secret.identity.as_ref().filter(|_| !to.is_empty()) {
        Some(secret) => {
            let recipients: Vec<Recipient> = to.iter().map(|party| party.keys().identity.recipient().clone()).collect();
            let entropy = &mut Seeded::new(wraps.len() as u64);
            age::seal(secret.to_secret_line().as_bytes(), &recipients, entropy).unwrap()
        }
        // No two are the same object.
        None => format!("wrap {} of epoch {epoch}", wraps.len()).into_bytes(),
    };
    let (id, length) = (ObjectId::of(&bytes), bytes.len() as u64);
    wraps.insert(id, Wrap { bytes, to });
    Control::Wrap { epoch, wrap: id, bytes: length }
}

fn deposit(chain: &Chain) -> Deposit {
    let last = chain.series().get(&SERIES);
    let (k, prev): (u64, Option<RecordId>) = last.map_or((1, None), |last| (last.k + 1, Some(last.record)));
    let commit = Commitment { sha256: CommitHash::from_bytes([1; 32]), blake3: CommitHash::from_bytes([2; 32]) };
    let objects = Objects { count: 1, total: 4, list: ObjectId::of(&k.to_be_bytes()) };
    Deposit { series: SERIES, k, prev, commit, objects }
}

/// The record with these signatures; why it is none, if it has no form.
fn signed(envelope: &Envelope, signers: &BTreeSet<Party>) -> Result<UnverifiedRecord, String> {
    let text = envelope.text().map_err(|error| error.to_string())?;
    let sign = |party: &Party| (party.keys().own, (party.keys().sign)(text.as_bytes()));
    let signatures: Vec<_> = signers.iter().map(sign).collect();
    UnverifiedRecord::compose(envelope, &signatures).map_err(|error| error.to_string())
}

impl History for Space {
    type Stood = Tally;
    const STEPS: u64 = 20;

    fn begun(seed: u64) -> Self {
        Self::founded(seed)
    }

    fn step(&mut self, dice: Dice) {
        self.dice = dice;
        self.take_step();
    }

    fn ended(&mut self) {
        self.open();
    }

    fn told(&self) -> &[String] {
        &self.told
    }

    fn stood(self) -> Tally {
        self.stood
    }
}

#[test]
fn thousands_of_histories_agree_with_the_model_of_who_signs_and_who_reads() {
    let played = play_all::<Space>(HISTORIES);
    let count = played.len() as u64;
    let mut stood = Tally::new();
    for (kind, (all, by_two)) in played.into_iter().flatten() {
        let sum = stood.entry(kind).or_default();
        *sum = (sum.0 + all, sum.1 + by_two);
    }
    // Histories in which little happens show little.
    if count >= 1_000 {
        let by_one = |kind: &str| ["Say", "Deposit"].contains(&kind);
        let rare =
            stood.iter().find(|(kind, (all, by_two))| *all < count / 20 || (!by_one(kind) && *by_two < count / 200));
        assert!(stood.len() == 13 && rare.is_none(), "{rare:?} of {stood:?}");
    }
}

/// Diverges once two of its steps have happened, the one before the other.
#[derive(Default)]
struct Diverging {
    drawn: Vec<usize>,
    told: Vec<String>,
}

impl Diverging {
    /// What the steps of seed 3 that make it diverge draw.
    fn drawn_of(step: u64) -> usize {
        let mut history = Self::default();
        history.step(Dice::of_step(3, step));
        history.drawn[0]
    }
}

impl History for Diverging {
    type Stood = usize;
    const STEPS: u64 = 20;

    fn begun(_: u64) -> Self {
        Self::default()
    }

    fn step(&mut self, mut dice: Dice) {
        self.drawn.push(dice.below(usize::MAX));
        self.told.push(format!("{}", self.drawn.len()));
    }

    fn ended(&mut self) {
        let at = |step| self.drawn.iter().position(|drawn| *drawn == Self::drawn_of(step));
        assert!(at(4).is_none() || at(4) >= at(11), "it diverges");
    }

    fn told(&self) -> &[String] {
        &self.told
    }

    fn stood(self) -> usize {
        self.drawn.len()
    }
}

#[test]
fn a_history_that_diverges_is_told_with_the_fewest_steps_that_show_it() {
    let told = std::panic::catch_unwind(|| play_all::<Diverging>(5)).unwrap_err();
    let told = told.downcast_ref::<String>().unwrap();
    assert!(told.ends_with("HIZO_STEPS=4,11 shows it again:\n1\n2"), "{told}");
}
