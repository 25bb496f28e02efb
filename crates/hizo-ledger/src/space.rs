//! A space followed record by record: which record may stand next, checked without opening anything.
//!
//! See docs/spec/space.md. A chain holds no body, no object and no note: its memory grows by one id for each record,
//! and by one entry for each member, epoch, wrap and series.

use std::collections::{BTreeMap, BTreeSet};

use crate::id::{KeyName, ObjectId, RecordId, SeriesId, SlotKeyHash, SpaceId};
use crate::identity::VerifyingKey;
use crate::object::ObjectRef;
use crate::record::{self, Act, AdminRule, Control, Deposit, Envelope, Origin, Record, Role, UnverifiedRecord};

/// How long whoever the recovery key lets in waits, in seconds between the times of two records: seven days.
pub const RECOVERY_DELAY_SECONDS: u64 = 7 * 86_400;

/// How far, in seconds, the times that the delay is counted by may be from the keeper's clock, either side.
pub const RECOVERY_CLOCK_SECONDS: u64 = 3_600;

/// Most members a space may have at one time.
pub const MEMBERS_MAX: usize = 4096;

/// Most wraps of one epoch's secret: a chain keeps all of them.
pub const WRAPS_MAX: usize = 4096;

/// Most keys that may begin epochs in a space: one of each organisation that reads it.
pub const ROTATORS_MAX: usize = 64;

/// Why a record may not stand where it says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The note is no record at all.
    #[error(transparent)]
    Form(#[from] record::Error),
    /// A space begins with its record 0.
    #[error("the space does not begin with record 0")]
    NotGenesis,
    /// The notes are not those that were followed to this head before: rollback, fork or damage.
    #[error("the records do not lead to the head that was followed before")]
    NotFollowed,
    /// A record is missing, repeated or out of order.
    #[error("record {found} stands where record {expected} must stand")]
    Number {
        /// The only number that can follow.
        expected: u64,
        /// The number in the record.
        found: u64,
    },
    /// The record follows another record than the chain's last.
    #[error("the record follows another record than the last one")]
    Prev,
    /// The record is of another space.
    #[error("the record is of another space")]
    Space,
    /// The record is for another keeper.
    #[error("the record is for another keeper")]
    Keeper,
    /// Not exactly the signatures that such a record needs here.
    #[error("the record has {found} signatures, {required} are required")]
    SignatureCount {
        /// How many it needs.
        required: usize,
        /// How many the record has.
        found: usize,
    },
    /// Nobody of that name is a member at this point.
    #[error("signer {name} is not a member")]
    SignerNotMember {
        /// The name on the signature line.
        name: KeyName,
    },
    /// The key id on the signature line is not that of the member's key.
    #[error("the key id on the signature line is not that of {name}")]
    KeyId {
        /// The name on the signature line.
        name: KeyName,
    },
    /// The signature does not hold under the member's key.
    #[error("the signature by {name} does not hold")]
    Signature {
        /// The name on the signature line.
        name: KeyName,
    },
    /// Signature lines stand in another order than that of the full keys.
    #[error("the signatures are not in the order of the keys")]
    SignatureOrder,
    /// The signer's role does not allow a record of this kind.
    #[error("the role of {name}, {}, does not allow this record", role.as_str())]
    RoleMayNot {
        /// The name on the signature line.
        name: KeyName,
        /// The signer's role.
        role: Role,
    },
    /// The record's objects are sealed to an epoch that is not current.
    #[error("the record is of epoch {found}, current is {expected}")]
    Epoch {
        /// The epoch that the record must be of.
        expected: u32,
        /// The epoch in the record.
        found: u32,
    },
    /// The object is a wrap of that epoch already.
    #[error("epoch {epoch} has this wrap already")]
    WrapTwice {
        /// The wrap's epoch.
        epoch: u32,
    },
    /// The record would give an epoch more than [`WRAPS_MAX`] wraps.
    #[error("epoch {epoch} would have more than {WRAPS_MAX} wraps")]
    WrapCount {
        /// The wraps' epoch.
        epoch: u32,
    },
    /// The key to be added is a member already.
    #[error("{name} is a member already")]
    MemberTwice {
        /// The key's name.
        name: KeyName,
    },
    /// Another key with the same name is a member: signatures could not be told apart.
    #[error("another member has the name {name}")]
    NameTaken {
        /// The name that both keys have.
        name: KeyName,
    },
    /// The key to be removed is no member.
    #[error("{name} is not a member and cannot be removed")]
    RemovedNotMember {
        /// The key's name.
        name: KeyName,
    },
    /// The record would leave fewer admins than have to sign the next change.
    #[error("the space would be left with {left} admins, {required} must sign its changes")]
    TooFewAdmins {
        /// How many have to sign.
        required: usize,
        /// How many there would be.
        left: usize,
    },
    /// The record would make a space of more than [`MEMBERS_MAX`] members.
    #[error("the space would have more than {MEMBERS_MAX} members")]
    MemberCount,
    /// The recovery key would be a member's key.
    #[error("the recovery key cannot be a member's key")]
    RecoveryIsMember,
    /// A session key would be another key of the space too.
    #[error("a session key is no member's key, not the recovery key, and one member's alone")]
    SessionTaken,
    /// The key to be named may begin epochs already.
    #[error("{name} may begin epochs already")]
    RotatorTwice {
        /// The key's name.
        name: KeyName,
    },
    /// The key that is to end may not begin epochs.
    #[error("{name} does not begin epochs and cannot be ended")]
    NotRotator {
        /// The key's name.
        name: KeyName,
    },
    /// The record would name more than [`ROTATORS_MAX`] keys.
    #[error("more than {ROTATORS_MAX} keys would begin epochs in the space")]
    RotatorCount,
    /// A rotator would be another key of the space too, or have its name.
    #[error("a key that begins epochs is no other key of the space")]
    RotatorTaken,
    /// Whoever the recovery key let in signs before the delay has passed.
    #[error("{name} is let in by the recovery key and may sign in {seconds} seconds")]
    TooEarly {
        /// The name on the signature line.
        name: KeyName,
        /// What is left of the delay.
        seconds: u64,
    },
    /// A time by which the delay is counted is not the keeper's; only a keeper refuses by this.
    #[error("the time in the record is not that of the keeper's clock")]
    TimeOff,
    /// A deposit is missing from its series, repeated or out of order.
    #[error("deposit {found} of the series stands where deposit {expected} must stand")]
    DepositNumber {
        /// The only number that can follow.
        expected: u64,
        /// The number in the record.
        found: u64,
    },
    /// The deposit names another previous deposit than the last of its series.
    #[error("the deposit names another previous deposit than the last of its series")]
    DepositPrev,
}

/// Why a sequence of notes is not a space.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("record {number}: {error}")]
pub struct ReplayError {
    /// Place in the sequence, from 0.
    pub number: u64,
    /// The rule broken there.
    pub error: Error,
}

/// A place in a space: what clients remember, and what invites carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Head {
    /// Position, from 0.
    pub number: u64,
    /// The record there.
    pub id: RecordId,
}

/// How a chain stands to a head that somebody remembers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// The chain contains it.
    Held,
    /// The chain ends before it: a rollback, if the chain is all that the keeper serves.
    Short,
    /// The chain has another record there: a fork.
    Forked,
}

/// The last deposit of a series.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SeriesHead {
    /// How many deposits the series has.
    pub k: u64,
    /// The record of the last one.
    pub record: RecordId,
}

/// One epoch of a space.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Epoch {
    recipient: ObjectRef,
    wraps: Vec<ObjectRef>,
}

impl Epoch {
    /// The recipient that everything of this epoch is sealed to, as an object.
    pub const fn recipient(&self) -> ObjectRef {
        self.recipient
    }

    /// The wraps of its secret, in the order of their records.
    pub fn wraps(&self) -> &[ObjectRef] {
        &self.wraps
    }
}

/// A record that may stand next in the chain that checked it, not yet taken up.
///
/// A keeper makes the record durable between [`Chain::check`] and [`Chain::advance`].
#[derive(Debug, Clone)]
pub struct Next {
    record: Record,
    people: Option<People>,
    waiting: Option<Waiting>,
}

impl Next {
    /// The record.
    pub const fn record(&self) -> &Record {
        &self.record
    }
}

/// A space on its way to a head to which this machine has followed it before: as [`Chain::replay_followed`], of notes that
/// come one by one and that nobody has to hold. Nothing of it can be had before that head is reached.
#[derive(Debug)]
pub struct Following {
    followed: Head,
    chain: Option<Chain>,
}

impl Following {
    /// At the beginning, before record 0.
    pub const fn to(followed: Head) -> Self {
        Self { followed, chain: None }
    }

    /// Number of the note that comes next; `None` when the head was reached.
    pub fn next_number(&self) -> Option<u64> {
        let next = self.chain.as_ref().map_or(0, Chain::next_number);
        (next <= self.followed.number).then_some(next)
    }

    /// Takes up the next note, or passes over it behind the head.
    ///
    /// # Errors
    /// The first rule but those of signatures that it breaks.
    pub fn take(&mut self, note: &[u8]) -> Result<(), ReplayError> {
        let Some(number) = self.next_number() else { return Ok(()) };
        follow(&mut self.chain, note, By::Hash).map_err(|error| ReplayError { number, error })?;
        Ok(())
    }

    /// The space as it is with that head.
    ///
    /// # Errors
    /// [`Error::NotFollowed`] when the notes have not led there.
    pub fn end(self) -> Result<Chain, ReplayError> {
        let fault = ReplayError { number: self.followed.number, error: Error::NotFollowed };
        self.chain.filter(|chain| chain.head() == self.followed).ok_or(fault)
    }
}

/// Somebody whom the recovery key let in as an admin, and who waits until the delay has passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Waiting {
    /// The key that will be an admin's.
    pub key: VerifyingKey,
    /// With which it will start sessions, if it named one.
    pub session: Option<VerifyingKey>,
    /// The record that let it in.
    pub record: u64,
    /// What that record says of the time, in seconds since 1970.
    pub since: u64,
}

impl Waiting {
    /// From which time on a record of this key may stand, in seconds since 1970.
    pub const fn until(&self) -> u64 {
        self.since.saturating_add(RECOVERY_DELAY_SECONDS)
    }
}

/// Who starts a session with a keeper, as the chain says of the key that signs for it. See docs/spec/space.md, section "Who
/// starts sessions".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SessionBy {
    /// A present member.
    Member {
        /// The key that signs its records.
        key: VerifyingKey,
        /// Its role.
        role: Role,
    },
    /// Somebody whom the recovery key let in, and who waits.
    Waiting {
        /// From which time on he is as a member, in seconds since 1970.
        until: u64,
    },
    /// The recovery key itself, which has nobody yet who could read with a key of his own.
    Recovery,
}

/// Names of current members are unique, so that a name finds one full key.
type Members = BTreeMap<KeyName, (VerifyingKey, Role)>;

/// The present members, whose each session key is, and which keys may begin epochs.
#[derive(Debug, Clone)]
struct People {
    members: Members,
    sessions: BTreeMap<VerifyingKey, VerifyingKey>,
    rotators: BTreeMap<KeyName, VerifyingKey>,
}

/// The state of a space after its last record.
#[derive(Debug, Clone)]
pub struct Chain {
    space: SpaceId,
    slot: SlotKeyHash,
    keeper: Origin,
    recovery: Option<VerifyingKey>,
    people: People,
    waiting: Option<Waiting>,
    recipient: ObjectRef,
    epochs: Vec<Epoch>,
    series: BTreeMap<SeriesId, SeriesHead>,
    shared: Shared,
    genesis: RecordId,
    ids: Vec<RecordId>,
    admin_rule: AdminRule,
}

/// From where on every present reader was given what opens the space.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Shared {
    epoch: u32,
    record: u64,
}

impl Chain {
    /// Begins with record 0, signed by its founder. That it is the right genesis only the caller can know: it compares
    /// the record's id with the one it was given by a way of its own.
    ///
    /// # Errors
    /// [`Error::NotGenesis`], and every rule that [`Chain::append`] checks.
    pub fn begin(genesis: UnverifiedRecord) -> Result<(Self, Record), Error> {
        let mut chain = Self::before(&genesis).ok_or(Error::NotGenesis)?;
        let record = chain.append(genesis)?;
        Ok((chain, record))
    }

    /// Takes up the next record.
    ///
    /// # Errors
    /// The first rule that the record breaks; the chain is then unchanged.
    pub fn append(&mut self, record: UnverifiedRecord) -> Result<Record, Error> {
        let next = self.check(record)?;
        Ok(self.take(next))
    }

    /// Checks whether a record may stand next, and changes nothing.
    ///
    /// # Errors
    /// The first rule that the record breaks.
    pub fn check(&self, record: UnverifiedRecord) -> Result<Next, Error> {
        self.check_by(record, By::Signature)
    }

    fn check_by(&self, record: UnverifiedRecord, by: By) -> Result<Next, Error> {
        let envelope = record.envelope();
        self.check_place(envelope)?;
        if let Some((recovery, waiting)) = self.lets_in(&record) {
            return self.check_recovery(record, recovery, waiting, by);
        }
        if let Some(rotator) = self.rotates(&record) {
            return self.check_rotation(record, rotator, by);
        }
        let seated = self.seated(&record)?;
        let present = seated.as_ref().unwrap_or(&self.people);
        let signers = self.check_signatures(&record, present, by)?;
        self.check_epoch(envelope)?;
        self.check_wraps(envelope)?;
        let people = self.people_after(envelope, present)?.or_else(|| seated.clone());
        if let Some(deposit) = &envelope.deposit {
            self.check_deposit(deposit)?;
        }
        // An admin refuses whoever waits by replacing the recovery key, and lets him in at once by a line of his own.
        let ends = |control: &Control| matches!(control, Control::Recovery(_));
        let is_member = |waiting: &Waiting| people.as_ref().is_some_and(|people| people.is_member(&waiting.key));
        let refused = envelope.controls.iter().any(ends);
        let waiting = self.waiting.filter(|waiting| !refused && !is_member(waiting));
        if people.is_some() || refused {
            let after = people.as_ref().unwrap_or(&self.people);
            after.check_rotators(recovery_after(envelope, self.recovery), waiting.as_ref())?;
        }
        Ok(Next { record: Record::verified(record, signers), people, waiting })
    }

    /// Whom a record of the recovery key lets in, if it is of the one form that this key may sign.
    fn lets_in(&self, record: &UnverifiedRecord) -> Option<(VerifyingKey, Waiting)> {
        let (recovery, envelope) = (self.recovery?, record.envelope());
        let [line] = record.signatures() else { return None };
        let (key, session) = match envelope.controls.as_slice() {
            [Control::Member { key, role: Role::Admin }] => (*key, None),
            [Control::Member { key, role: Role::Admin }, Control::Session { session, .. }] => (*key, Some(*session)),
            _ => return None,
        };
        let waiting = Waiting { key, session, record: envelope.number, since: envelope.time.unix_seconds() };
        (line.name == recovery.name()).then_some((recovery, waiting))
    }

    fn check_recovery(
        &self,
        record: UnverifiedRecord,
        recovery: VerifyingKey,
        waiting: Waiting,
        by: By,
    ) -> Result<Next, Error> {
        for line in record.signatures() {
            check_signature(&record, line, &recovery, by)?;
        }
        self.check_epoch(record.envelope())?;
        self.with(&waiting)?;
        // Whoever waited before is nobody from now on: a thief of old cards keeps nobody out.
        Ok(Next { record: Record::verified(record, vec![recovery]), people: None, waiting: Some(waiting) })
    }

    /// Whose record this is, if it is of the one form that a key signs which may begin epochs.
    fn rotates(&self, record: &UnverifiedRecord) -> Option<VerifyingKey> {
        let [line] = record.signatures() else { return None };
        self.people.rotators.get(&line.name).copied().filter(|_| record.envelope().is_rotation())
    }

    fn check_rotation(&self, record: UnverifiedRecord, rotator: VerifyingKey, by: By) -> Result<Next, Error> {
        for line in record.signatures() {
            check_signature(&record, line, &rotator, by)?;
        }
        self.check_epoch(record.envelope())?;
        self.check_wraps(record.envelope())?;
        Ok(Next { record: Record::verified(record, vec![rotator]), people: None, waiting: self.waiting })
    }

    /// The people with whoever waits among them, if he signs this record and the delay has passed.
    fn seated(&self, record: &UnverifiedRecord) -> Result<Option<People>, Error> {
        let signs = |key: &VerifyingKey| record.signatures().iter().any(|line| line.name == key.name());
        let Some(waiting) = self.waiting.filter(|waiting| signs(&waiting.key)) else { return Ok(None) };
        let seconds = waiting.until().saturating_sub(record.envelope().time.unix_seconds());
        ensure(seconds == 0, Error::TooEarly { name: waiting.key.name(), seconds })?;
        self.with(&waiting).map(Some)
    }

    /// The people with one more admin, by the same rules as for any member that comes.
    fn with(&self, waiting: &Waiting) -> Result<People, Error> {
        let mut people = self.people.clone();
        add(&mut people.members, waiting.key, Role::Admin)?;
        ensure(people.members.len() <= MEMBERS_MAX, Error::MemberCount)?;
        ensure(self.recovery != Some(waiting.key), Error::RecoveryIsMember)?;
        if let Some(session) = waiting.session {
            ensure(people.sessions.insert(session, waiting.key).is_none(), Error::SessionTaken)?;
        }
        people.check_sessions(self.recovery)?;
        people.check_rotators(self.recovery, Some(waiting))?;
        Ok(people)
    }

    /// Whether the recovery delay is counted by the time in this record, so that a keeper compares it with its clock.
    pub fn counts_by(&self, next: &Next) -> bool {
        let signers = next.record.signers();
        let waits = |key: &VerifyingKey| self.waiting.is_some_and(|waiting| waiting.key == *key);
        signers.iter().any(|key| self.recovery == Some(*key) || waits(key))
    }

    /// Whom the recovery key let in and who waits.
    pub const fn waiting(&self) -> Option<&Waiting> {
        self.waiting.as_ref()
    }

    /// Takes up a record that this chain has checked.
    ///
    /// # Errors
    /// [`Error::Number`] or [`Error::Prev`] when another record was taken up since; the chain is then unchanged.
    pub fn advance(&mut self, next: Next) -> Result<Record, Error> {
        self.check_place(next.record.envelope())?;
        Ok(self.take(next))
    }

    /// Follows a whole space from its first note, handing each record on as it is verified.
    ///
    /// # Errors
    /// The first note that may not stand where it stands; records before it have been handed on.
    pub fn replay<N: AsRef<[u8]>>(
        notes: impl IntoIterator<Item = N>,
        mut visit: impl FnMut(Record),
    ) -> Result<Self, ReplayError> {
        let mut chain = None;
        for (number, note) in (0_u64..).zip(notes) {
            visit(follow(&mut chain, note.as_ref(), By::Signature).map_err(|error| ReplayError { number, error })?);
        }
        chain.ok_or(ReplayError { number: 0, error: Error::NotGenesis })
    }

    /// As [`Chain::replay`], for notes that this machine has followed to `followed` before: up to that head it checks
    /// everything but signatures, which is about four times as fast. Each note holds the hash of the one before, so that
    /// no byte up to that head can have changed. A head that somebody else gave must not be used here.
    ///
    /// # Errors
    /// [`Error::NotFollowed`] when the notes do not lead to that head, before any record is handed on; after that as
    /// [`Chain::replay`].
    pub fn replay_followed<N: AsRef<[u8]>>(
        notes: &[N],
        followed: Head,
        mut visit: impl FnMut(Record),
    ) -> Result<Self, ReplayError> {
        // Until the head is reached, no record is handed on; each is read once all the same.
        let mut read: Vec<UnverifiedRecord> = Vec::new();
        for (number, note) in (0..=followed.number).zip(notes) {
            let fault = |error| ReplayError { number, error };
            let record = UnverifiedRecord::parse(note.as_ref()).map_err(|error| fault(error.into()))?;
            let last = read.last().map(UnverifiedRecord::id);
            let follows = (record.envelope().number, record.envelope().prev) == (number, last);
            ensure(follows, Error::NotFollowed).map_err(fault)?;
            read.push(record);
        }
        let fault = ReplayError { number: followed.number, error: Error::NotFollowed };
        let last = read.last().map(|record| Head { number: record.envelope().number, id: record.id() });
        last.filter(|last| *last == followed).ok_or(fault)?;
        let (mut chain, mut read) = (None, read.into_iter());
        for (number, note) in (0_u64..).zip(notes) {
            let next = match read.next() {
                Some(record) => follow_read(&mut chain, record, By::Hash),
                None => follow(&mut chain, note.as_ref(), By::Signature),
            };
            visit(next.map_err(|error| ReplayError { number, error })?);
        }
        chain.ok_or(fault)
    }

    /// The last record's place.
    pub fn head(&self) -> Head {
        let id = self.ids.last().copied().unwrap_or(self.genesis);
        Head { number: self.next_number().saturating_sub(1), id }
    }

    /// The id of record 0.
    pub const fn genesis(&self) -> RecordId {
        self.genesis
    }

    /// Whether this very record stands at this number.
    pub fn contains(&self, number: u64, id: RecordId) -> bool {
        self.id_at(number) == Some(id)
    }

    /// The id of the record at this number.
    pub fn id_at(&self, number: u64) -> Option<RecordId> {
        self.ids.get(usize::try_from(number).ok()?).copied()
    }

    /// How this chain stands to a head that somebody remembers.
    pub fn standing(&self, remembered: Head) -> Standing {
        match self.id_at(remembered.number) {
            Some(id) if id == remembered.id => Standing::Held,
            Some(_) => Standing::Forked,
            None => Standing::Short,
        }
    }

    /// The space's id.
    pub const fn space(&self) -> SpaceId {
        self.space
    }

    /// SHA-256 of the space's slot key.
    pub const fn slot(&self) -> SlotKeyHash {
        self.slot
    }

    /// The keeper that the next record is for.
    pub const fn keeper(&self) -> &Origin {
        &self.keeper
    }

    /// The recovery signing key, if there is one.
    pub const fn recovery(&self) -> Option<VerifyingKey> {
        self.recovery
    }

    /// The present members, by name.
    pub fn members(&self) -> impl Iterator<Item = (VerifyingKey, Role)> + '_ {
        self.people.members.values().copied()
    }

    /// The present role of a key.
    pub fn role(&self, key: &VerifyingKey) -> Option<Role> {
        self.people.members.get(&key.name()).filter(|(member, _)| member == key).map(|(_, role)| *role)
    }

    /// The keys that may begin epochs and do nothing else, by name.
    pub fn rotators(&self) -> impl Iterator<Item = VerifyingKey> + '_ {
        self.people.rotators.values().copied()
    }

    /// Who starts sessions with this key; `None` for a key that starts none.
    pub fn session_by(&self, session: &VerifyingKey) -> Option<SessionBy> {
        if let Some(member) = self.people.sessions.get(session) {
            return self.role(member).map(|role| SessionBy::Member { key: *member, role });
        }
        let waiting = self.waiting.filter(|waiting| waiting.session == Some(*session));
        let waiting = waiting.map(|waiting| SessionBy::Waiting { until: waiting.until() });
        waiting.or_else(|| (self.recovery == Some(*session)).then_some(SessionBy::Recovery))
    }

    /// The current epoch's number.
    pub fn epoch(&self) -> u32 {
        self.next_epoch().saturating_sub(1)
    }

    /// The current epoch's recipient.
    pub const fn recipient(&self) -> ObjectRef {
        self.recipient
    }

    /// Every epoch, the current one last; an epoch's place is its number.
    pub fn epochs(&self) -> &[Epoch] {
        &self.epochs
    }

    /// The wraps of an epoch's secret; none for an epoch that does not exist.
    pub fn wraps(&self, epoch: u32) -> &[ObjectRef] {
        usize::try_from(epoch).ok().and_then(|epoch| self.epochs.get(epoch)).map_or(&[], Epoch::wraps)
    }

    /// Every series with its last deposit.
    pub const fn series(&self) -> &BTreeMap<SeriesId, SeriesHead> {
        &self.series
    }

    /// Number of the record from which on every present reader was given what opens the space: whoever came later and was given no
    /// history opens nothing before it, so that no deposit may build on one (docs/spec/space.md, "History").
    pub const fn shared_since(&self) -> u64 {
        self.shared.record
    }

    /// How many admins sign the next record with control lines.
    pub const fn admin_rule(&self) -> AdminRule {
        self.admin_rule
    }

    /// How many signatures a record needs at this place. The rule of two begins and ends by two: nobody binds, or frees, the
    /// others by himself.
    pub fn signatures_required(&self, envelope: &Envelope) -> usize {
        match envelope.act() {
            Act::Control => self.admin_rule.max(envelope.admin_rule().unwrap_or(AdminRule::One)).admins(),
            Act::Say | Act::Deposit => 1,
        }
    }
}

impl Chain {
    /// The state that record 0 itself is checked against: its founder is the one member, and nothing else exists.
    fn before(genesis: &UnverifiedRecord) -> Option<Self> {
        let envelope = genesis.envelope();
        let (mut founder, mut slot) = (None, None);
        for control in &envelope.controls {
            match control {
                Control::Founder(key) => founder = Some(*key),
                Control::Slot(hash) => slot = Some(*hash),
                _ => {}
            }
        }
        let founder = founder?;
        Some(Self {
            space: envelope.space,
            slot: slot?,
            keeper: envelope.keeper.clone(),
            recovery: None,
            people: People {
                members: Members::from([(founder.name(), (founder, Role::Admin))]),
                sessions: BTreeMap::new(),
                rotators: BTreeMap::new(),
            },
            waiting: None,
            recipient: ObjectRef::recipient(envelope.new_epoch()?),
            epochs: Vec::new(),
            series: BTreeMap::new(),
            shared: Shared { epoch: 0, record: 0 },
            genesis: genesis.id(),
            ids: Vec::new(),
            admin_rule: AdminRule::One,
        })
    }

    fn next_number(&self) -> u64 {
        self.ids.len() as u64
    }

    fn next_epoch(&self) -> u32 {
        u32::try_from(self.epochs.len()).unwrap_or(u32::MAX)
    }

    fn check_place(&self, envelope: &Envelope) -> Result<(), Error> {
        let expected = self.next_number();
        ensure(envelope.space == self.space, Error::Space)?;
        ensure(envelope.number == expected, Error::Number { expected, found: envelope.number })?;
        ensure(envelope.prev == self.ids.last().copied(), Error::Prev)?;
        ensure(envelope.keeper == self.keeper, Error::Keeper)
    }

    /// The full keys behind the signature lines.
    fn check_signatures(
        &self,
        record: &UnverifiedRecord,
        present: &People,
        by: By,
    ) -> Result<Vec<VerifyingKey>, Error> {
        let (required, found) = (self.signatures_required(record.envelope()), record.signatures().len());
        ensure(found == required, Error::SignatureCount { required, found })?;
        let mut signers = Vec::with_capacity(found);
        for line in record.signatures() {
            let name = line.name;
            let (key, role) = present.members.get(&name).ok_or(Error::SignerNotMember { name })?;
            check_signature(record, line, key, by)?;
            ensure(role.may(record.envelope().act()), Error::RoleMayNot { name, role: *role })?;
            signers.push(*key);
        }
        ensure(signers.is_sorted_by(|a, b| a < b), Error::SignatureOrder)?;
        Ok(signers)
    }

    /// A record is of the epoch that is current once its own control lines have taken effect.
    fn check_epoch(&self, envelope: &Envelope) -> Result<(), Error> {
        let begins = envelope.new_epoch().is_some();
        let expected = if begins { self.next_epoch() } else { self.epoch() };
        ensure(envelope.epoch == expected, Error::Epoch { expected, found: envelope.epoch })
    }

    /// A wrap is new to its epoch, and an epoch has so many. No record's own lines are more than that.
    fn check_wraps(&self, envelope: &Envelope) -> Result<(), Error> {
        let mut counts: BTreeMap<u32, usize> = BTreeMap::new();
        for control in &envelope.controls {
            let Control::Wrap { epoch, wrap, .. } = control else { continue };
            let known = self.wraps(*epoch);
            ensure(known.iter().all(|known| known.id() != *wrap), Error::WrapTwice { epoch: *epoch })?;
            let count = counts.entry(*epoch).or_insert(known.len());
            *count = count.saturating_add(1);
            ensure(*count <= WRAPS_MAX, Error::WrapCount { epoch: *epoch })?;
        }
        Ok(())
    }

    fn check_deposit(&self, deposit: &Deposit) -> Result<(), Error> {
        let last = self.series.get(&deposit.series);
        let expected = last.map_or(0, |last| last.k).saturating_add(1);
        ensure(deposit.k == expected, Error::DepositNumber { expected, found: deposit.k })?;
        ensure(deposit.prev == last.map(|last| last.record), Error::DepositPrev)
    }

    /// The members after the record, if it changes them.
    fn people_after(&self, envelope: &Envelope, present: &People) -> Result<Option<People>, Error> {
        let (mut changed, mut recovery, mut sessions) = (None, self.recovery, Vec::new());
        for control in &envelope.controls {
            match control {
                Control::Remove(key) => {
                    let people = changed.get_or_insert_with(|| present.clone());
                    remove(&mut people.members, key)?;
                    // Whoever leaves opens no further session; one who comes back names a session key anew.
                    people.sessions.retain(|_, member| member != key);
                }
                Control::Member { key, role } => {
                    add(&mut changed.get_or_insert_with(|| present.clone()).members, *key, *role)?;
                }
                Control::Session { member, session } => sessions.push((*session, *member)),
                Control::RotatorEnds(key) => {
                    let rotators = &mut changed.get_or_insert_with(|| present.clone()).rotators;
                    let name = key.name();
                    ensure(rotators.get(&name) == Some(key), Error::NotRotator { name })?;
                    rotators.remove(&name);
                }
                Control::Rotator(key) => {
                    let rotators = &mut changed.get_or_insert_with(|| present.clone()).rotators;
                    let name = key.name();
                    ensure(rotators.insert(name, *key).is_none(), Error::RotatorTwice { name })?;
                    ensure(rotators.len() <= ROTATORS_MAX, Error::RotatorCount)?;
                }
                Control::Recovery(key) => recovery = *key,
                Control::Founder(_) | Control::Slot(_) | Control::Admins(_) => {}
                Control::Epoch { .. } | Control::Wrap { .. } | Control::Origin(_) => {}
            }
        }
        let members = &changed.as_ref().unwrap_or(present).members;
        if changed.is_some() || envelope.admin_rule().is_some() {
            let left = members.values().filter(|(_, role)| *role == Role::Admin).count();
            let required = envelope.admin_rule().unwrap_or(self.admin_rule).admins();
            ensure(left >= required, Error::TooFewAdmins { required, left })?;
        }
        ensure(members.len() <= MEMBERS_MAX, Error::MemberCount)?;
        let recovery_signs = recovery.is_some_and(|recovery| members.contains_key(&recovery.name()));
        ensure(!recovery_signs, Error::RecoveryIsMember)?;
        for (session, member) in sessions {
            let people = changed.get_or_insert_with(|| present.clone());
            ensure(people.sessions.insert(session, member).is_none(), Error::SessionTaken)?;
        }
        if changed.is_some() || recovery != self.recovery {
            changed.as_ref().unwrap_or(present).check_sessions(recovery)?;
        }
        Ok(changed)
    }

    /// Takes up a record that was checked against this very state.
    fn take(&mut self, next: Next) -> Record {
        let Next { record, people, waiting } = next;
        self.waiting = waiting;
        self.shared = self.shared_after(&record);
        if let Some(people) = people {
            self.people = people;
        }
        for control in &record.envelope().controls {
            match control {
                Control::Recovery(key) => self.recovery = *key,
                Control::Admins(rule) => self.admin_rule = *rule,
                Control::Epoch { recipient, .. } => self.begin_epoch(*recipient),
                Control::Origin(origin) => self.keeper = origin.clone(),
                Control::Founder(_) | Control::Slot(_) | Control::Remove(_) => {}
                Control::RotatorEnds(_) | Control::Rotator(_) => {}
                Control::Member { .. } | Control::Session { .. } | Control::Wrap { .. } => {}
            }
        }
        for (epoch, wrap) in record.wraps() {
            let epoch = usize::try_from(epoch).ok().and_then(|epoch| self.epochs.get_mut(epoch));
            epoch.into_iter().for_each(|epoch| epoch.wraps.push(wrap));
        }
        if let Some(Deposit { series, k, .. }) = record.envelope().deposit {
            self.series.insert(series, SeriesHead { k, record: record.id() });
        }
        self.ids.push(record.id());
        record
    }

    /// Where the history that all readers share begins after a record: later than before if it lets somebody read who was not
    /// given all of it.
    fn shared_after(&self, record: &Record) -> Shared {
        let envelope = record.envelope();
        let given: BTreeSet<u32> = record.wraps().map(|(epoch, _)| epoch).collect();
        let comes = |control: &Control| match control {
            Control::Member { key, role } => role.opens() && !self.role(key).is_some_and(Role::opens),
            _ => false,
        };
        // An epoch that begins for those who read already takes nothing from anybody.
        if envelope.new_epoch().is_some() && !envelope.controls.iter().any(comes) {
            return self.shared;
        }
        let Some(epoch) = (0..=envelope.epoch).rev().take_while(|epoch| given.contains(epoch)).last() else {
            return self.shared;
        };
        if epoch > self.shared.epoch { Shared { epoch, record: envelope.number } } else { self.shared }
    }

    fn begin_epoch(&mut self, recipient: ObjectId) {
        self.recipient = ObjectRef::recipient(recipient);
        self.epochs.push(Epoch { recipient: self.recipient, wraps: Vec::new() });
    }
}

impl People {
    fn is_member(&self, key: &VerifyingKey) -> bool {
        self.members.get(&key.name()).is_some_and(|(member, _)| member == key)
    }

    /// A session key is no member's key and not the recovery key, whichever of the two came first.
    fn check_sessions(&self, recovery: Option<VerifyingKey>) -> Result<(), Error> {
        let signs = |session: &VerifyingKey| {
            recovery == Some(*session) || self.members.get(&session.name()).is_some_and(|(key, _)| key == session)
        };
        ensure(!self.sessions.keys().any(signs), Error::SessionTaken)
    }

    /// A key that begins epochs is nobody's, and has no name that another key signs under.
    fn check_rotators(&self, recovery: Option<VerifyingKey>, waiting: Option<&Waiting>) -> Result<(), Error> {
        if self.rotators.is_empty() {
            return Ok(());
        }
        let waits = waiting.into_iter().flat_map(|waiting| [Some(waiting.key), waiting.session].into_iter().flatten());
        let others = self.members.values().map(|(key, _)| *key).chain(self.sessions.keys().copied());
        let mut others = others.chain(recovery).chain(waits);
        ensure(!others.any(|key| self.rotators.contains_key(&key.name())), Error::RotatorTaken)
    }
}

/// The recovery key behind a record.
fn recovery_after(envelope: &Envelope, before: Option<VerifyingKey>) -> Option<VerifyingKey> {
    let said = envelope.controls.iter().find_map(|control| match control {
        Control::Recovery(key) => Some(*key),
        _ => None,
    });
    said.unwrap_or(before)
}

fn check_signature(
    record: &UnverifiedRecord,
    line: &record::SignatureLine,
    key: &VerifyingKey,
    by: By,
) -> Result<(), Error> {
    let name = line.name;
    ensure(line.key_id == key.key_id(), Error::KeyId { name })?;
    match by {
        By::Signature => key.verify(record.signed_bytes(), &line.signature),
        By::Hash => Ok(()),
    }
    .map_err(|_| Error::Signature { name })
}

/// What shows that a note is what its signer signed.
#[derive(Clone, Copy)]
enum By {
    Signature,
    /// A hash that this machine took after it had checked the signature.
    Hash,
}

/// Reads a note and takes it up, as record 0 if there is no chain yet.
fn follow(chain: &mut Option<Chain>, note: &[u8], by: By) -> Result<Record, Error> {
    follow_read(chain, UnverifiedRecord::parse(note)?, by)
}

fn follow_read(chain: &mut Option<Chain>, record: UnverifiedRecord, by: By) -> Result<Record, Error> {
    if let Some(chain) = chain {
        let next = chain.check_by(record, by)?;
        return Ok(chain.take(next));
    }
    let mut begun = Chain::before(&record).ok_or(Error::NotGenesis)?;
    let next = begun.check_by(record, by)?;
    let genesis = begun.take(next);
    *chain = Some(begun);
    Ok(genesis)
}

fn remove(members: &mut Members, key: &VerifyingKey) -> Result<(), Error> {
    let name = key.name();
    let is_member = members.get(&name).is_some_and(|(member, _)| member == key);
    ensure(is_member, Error::RemovedNotMember { name })?;
    members.remove(&name);
    Ok(())
}

fn add(members: &mut Members, key: VerifyingKey, role: Role) -> Result<(), Error> {
    let name = key.name();
    match members.get(&name) {
        Some((member, _)) if *member == key => Err(Error::MemberTwice { name }),
        Some(_) => Err(Error::NameTaken { name }),
        None => {
            members.insert(name, (key, role));
            Ok(())
        }
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
    use crate::record::ClaimedTime;

    fn secret(seed: u8) -> SigningKey {
        SigningKey::from_bytes(&[seed; 32])
    }

    fn key(seed: u8) -> VerifyingKey {
        VerifyingKey::from_bytes(secret(seed).verifying_key().as_bytes()).unwrap()
    }

    fn signed(envelope: &Envelope, seeds: &[u8]) -> UnverifiedRecord {
        let text = envelope.text().unwrap();
        let sign = |seed: &u8| (key(*seed), secret(*seed).sign(text.as_bytes()).to_bytes());
        UnverifiedRecord::compose(envelope, &seeds.iter().map(sign).collect::<Vec<_>>()).unwrap()
    }

    /// A space with admins 1 and 2, and its next record.
    fn begun() -> (Chain, Envelope) {
        let mut genesis = Envelope {
            keeper: Origin::local([7; 16]),
            space: SpaceId::from_bytes([9; 16]),
            number: 0,
            prev: None,
            epoch: 0,
            time: ClaimedTime::from_unix_seconds(1_800_000_000).unwrap(),
            seen: None,
            body: None,
            deposit: None,
            controls: vec![
                Control::Founder(key(1)),
                Control::Slot(SlotKeyHash::from_bytes([5; 32])),
                Control::Recovery(None),
                Control::Member { key: key(2), role: Role::Admin },
                Control::Epoch { epoch: 0, recipient: ObjectId::of(b"recipient") },
                Control::Wrap { epoch: 0, wrap: ObjectId::of(b"wrap"), bytes: 4 },
            ],
        };
        let (chain, record) = Chain::begin(signed(&genesis, &[1])).unwrap();
        (genesis.number, genesis.prev) = (1, Some(record.id()));
        (genesis.body, genesis.controls) = (Some((ObjectId::of(b"body"), 4)), Vec::new());
        (chain, genesis)
    }

    #[test]
    fn where_two_admins_are_required_one_or_three_are_refused() {
        let (mut chain, mut envelope) = begun();
        chain.admin_rule = AdminRule::Two;
        assert!(chain.check(signed(&envelope, &[1])).is_ok(), "who says something changes nothing");
        envelope.controls = vec![Control::Recovery(Some(key(4)))];
        let refused = |seeds: &[u8]| chain.check(signed(&envelope, seeds)).err();
        assert_eq!(refused(&[1]), Some(Error::SignatureCount { required: 2, found: 1 }));
        assert_eq!(refused(&[1, 2, 3]), Some(Error::SignatureCount { required: 2, found: 3 }));
        assert_eq!(refused(&[1, 3]), Some(Error::SignerNotMember { name: key(3).name() }));
        let record = chain.append(signed(&envelope, &[2, 1])).unwrap();
        assert!(record.signers().is_sorted() && record.signers().len() == 2);
    }

    #[test]
    fn signatures_out_of_the_order_of_the_keys_are_refused() {
        let (mut chain, mut envelope) = begun();
        chain.admin_rule = AdminRule::Two;
        envelope.controls = vec![Control::Recovery(Some(key(4)))];
        let ordered = String::from_utf8(signed(&envelope, &[1, 2]).note_bytes().to_vec()).unwrap();
        let (text, lines) = ordered.split_once("\n\n").unwrap();
        let (first, second) = lines.split_once('\n').unwrap();
        let other_order = UnverifiedRecord::parse(format!("{text}\n\n{second}{first}\n").as_bytes()).unwrap();
        assert_eq!(chain.check(other_order).err(), Some(Error::SignatureOrder));
    }

    #[test]
    fn a_key_whose_name_a_member_has_is_refused() {
        // Nobody has two keys with one name at hand, so the member is entered under the other's name.
        let mut members = Members::from([(key(2).name(), (key(1), Role::Admin))]);
        let name = key(2).name();
        assert_eq!(add(&mut members, key(2), Role::Reader), Err(Error::NameTaken { name }));
        assert_eq!(remove(&mut members, &key(2)), Err(Error::RemovedNotMember { name }));
        assert_eq!(members.len(), 1);
    }

    #[test]
    fn a_role_is_told_by_the_full_key() {
        let (mut chain, _) = begun();
        chain.people.members = Members::from([(key(2).name(), (key(1), Role::Admin))]);
        assert_eq!(chain.role(&key(2)), None);
    }
}
