//! Who takes part, with all keys; and where chance comes from.

use super::*;

/// The case, and the two hand-overs.
pub(super) const SPACES: [SpaceId; 3] =
    [SpaceId::from_bytes([1; 16]), SpaceId::from_bytes([2; 16]), SpaceId::from_bytes([3; 16])];
pub(super) const CASE: usize = 0;
pub(super) const ITEMS: usize = 3;

/// Somebody of [`PEOPLE`], by number.
pub(super) type Who = usize;
pub(super) const OWNER: Who = 0;
pub(super) const DEPUTY: Who = 1;
pub(super) const STAFF: Who = 2;
/// Acts for the centre, which helps.
pub(super) const SENDER: Who = 3;
/// Another counsellor, who acts for himself.
pub(super) const OTHER: Who = 4;
pub(super) const RECEIVER: Who = 5;
pub(super) const STRANGER: Who = 6;
/// Both act for the office, which receives.
pub(super) const OFFICERS: [Who; 2] = [7, 8];
/// The machine of whoever consents: it deposits, and opens nothing.
pub(super) const MACHINE: Who = 9;

/// Organisations, and to what is sealed for them: each time that somebody leaves, to the next one.
pub(super) const CENTRE: u8 = 21;
pub(super) const OFFICE: u8 = 22;
pub(super) static OWN_EPOCHS: LazyLock<Vec<(Recipient, String)>> = LazyLock::new(|| {
    let recipient = |number: u64| Identity::generate(&mut Drawn::from(900 + number)).recipient().clone();
    (0..8).map(recipient).map(|recipient| (recipient.clone(), recipient.to_string())).collect()
});

struct Drawn(Dice);

impl From<u64> for Drawn {
    fn from(seed: u64) -> Self {
        Self(Dice::new(seed))
    }
}

impl Entropy for Drawn {
    fn fill(&mut self, out: &mut [u8]) {
        out.iter_mut().for_each(|byte| *byte = self.0.below(256) as u8);
    }
}

pub(super) struct Person {
    pub(super) file: Arc<IdentityFile>,
    /// His recipient as age writes it: to write it takes longer than all else.
    pub(super) recipient: String,
    pub(super) identity: VerifyingKey,
    pub(super) keys: [SpaceSigningKey; 3],
    pub(super) sessions: [VerifyingKey; 3],
    pub(super) certificates: [UnverifiedCertificate; 3],
}

impl Person {
    pub(super) fn key(&self, at: usize) -> VerifyingKey {
        self.keys[at].verifying_key()
    }

    pub(super) fn recipient(&self) -> &Recipient {
        self.file.identity.recipient()
    }
}

pub(super) static PEOPLE: LazyLock<Vec<Person>> = LazyLock::new(|| {
    let mut people: Vec<Person> = Vec::new();
    for number in 0..=MACHINE {
        let file = IdentityFile::generate(&mut Drawn::from(700 + number as u64));
        let certificates = SPACES.map(|space| match number {
            MACHINE => UnverifiedCertificate::issue_machine(&people[OWNER].file, &file.signing_seed, &space),
            _ => UnverifiedCertificate::issue(&file, &space),
        });
        people.push(Person {
            identity: file.signing_seed.identity_key().verifying_key(),
            recipient: file.identity.recipient().to_string(),
            keys: SPACES.map(|space| file.signing_seed.space_key(&space)),
            sessions: SPACES.map(|space| file.signing_seed.session_key(&space).verifying_key()),
            certificates,
            file: Arc::new(file),
        });
    }
    people
});

pub(super) fn organisation(number: u8) -> OrganisationSeed {
    OrganisationSeed::from_bytes(&[number; 32])
}

pub(super) fn organisation_key(number: u8) -> VerifyingKey {
    organisation(number).signing_key().verifying_key()
}

pub(super) fn organisation_of(who: Who) -> Option<u8> {
    match who {
        SENDER => Some(CENTRE),
        who if OFFICERS.contains(&who) => Some(OFFICE),
        _ => None,
    }
}

/// Homes whose keeper nobody asks: what was said is at hand.
pub(super) static HOMES: LazyLock<(tempfile::TempDir, Vec<Home>)> = LazyLock::new(|| {
    let all = tempfile::tempdir().unwrap();
    let key = PEOPLE[OWNER].key(CASE);
    let receipt_key = NamedKey::new("keeper.example", CheckpointKey::Log(key)).unwrap();
    let pinned = Pinned {
        origin: Origin::local([7; 16]),
        log_key: key,
        receipt_key,
        address: Some("http://127.0.0.1:9".into()),
    };
    let homes = SPACES.iter().map(|space| {
        let folder = all.path().join(space.to_string());
        std::fs::create_dir(&folder).unwrap();
        Home::settle(&folder, &pinned, *space, RecordId::of(b"genesis")).unwrap()
    });
    let homes = homes.collect();
    (all, homes)
});

pub(super) static KEEPER: LazyLock<Keeper> = LazyLock::new(|| {
    let session = |space: &SpaceId| PEOPLE[OWNER].file.signing_seed.session_key(space);
    Keeper::there("http://127.0.0.1:9", &Origin::local([7; 16]), None, AtHand::nowhere(), session).unwrap()
});

pub(super) fn keeper() -> Keeper {
    match &*KEEPER {
        Keeper::There(remote, _) => Keeper::There(Arc::clone(remote), AtHand::nowhere()),
        Keeper::Here(_) | Keeper::Away(..) => unreachable!("it is at an address"),
    }
}

pub(super) fn time(seconds: u64) -> ClaimedTime {
    ClaimedTime::from_unix_seconds(seconds).unwrap()
}
