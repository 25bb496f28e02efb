//! How long it takes to begin new keys in many safes at one keeper, once somebody has left an organisation that reads them and is no admin
//! there: the row of docs/bench.md. Not run with the other tests.
//!
//! `HIZO_SAFES=1000 cargo test --release -p hizo --test all -- --ignored --nocapture new_keys_in_many_safes`

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use hizo_keeper::EmbeddedKeeper;
use hizo_ledger::delegation::Delegation;
use hizo_ledger::id::{RecordId, SlotKeyHash, SpaceId};
use hizo_ledger::record::{ClaimedTime, Control, Envelope, Origin, Role, UnverifiedRecord};
use hizo_store::NamedBytes;
use hizo_vault::age::{self, Identity, Recipient};
use hizo_vault::event::certificate::UnverifiedCertificate;
use hizo_vault::event::{self, Event};
use hizo_vault::keys::{IdentityFile, OrganisationKey, OrganisationSeed, SigningSeed};
use hizo_vault::organisation::UnverifiedDelegatedRequest;
use hizo_vault::stream;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::certificates::{key, owner};
use crate::forge::{Drawn, Insider, device};
use crate::keeper::Process;
use crate::kit::{Dice, PASSPHRASE};
use crate::organisations::Case;

/// Notes in one record of the register.
const NOTES: usize = 200;

fn now() -> ClaimedTime {
    ClaimedTime::from_unix_seconds(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()).unwrap()
}

/// Whoever shares safes with an office, and what the office is.
struct Shared {
    origin: Origin,
    company: IdentityFile,
    official: IdentityFile,
    machine: SigningSeed,
    seed: OrganisationSeed,
    key: OrganisationKey,
    template: Delegation,
    sealed_to: Recipient,
}

impl Shared {
    /// A safe of this number, in which the official acts for the office and its key is named: its space, its record 0, and what the
    /// office has delegated.
    fn begin(&self, keeper: &EmbeddedKeeper, number: u64) -> (SpaceId, RecordId, Event) {
        let digest: [u8; 32] = Sha256::digest(format!("space {number}")).into();
        let space = SpaceId::from_bytes(digest[..16].try_into().unwrap());
        let put = |bytes: Vec<u8>| {
            let object = NamedBytes::name(bytes).unwrap();
            keeper.put(space, &object).unwrap();
            (object.id(), object.length())
        };
        let epoch = Identity::generate(&mut Drawn(Dice::new(1 << 32 | number)));
        let to = [self.company.identity.recipient().clone(), self.sealed_to.clone()];
        let line = format!("{}\n", *epoch.to_secret_line());
        let (wrap, bytes) = put(age::seal(line.as_bytes(), &to, &mut Drawn(Dice::new(2 << 32 | number))).unwrap());
        let (recipient, _) = put(epoch.recipient().to_string().into_bytes());
        let rotator = self.seed.rotator_key(&space).verifying_key();
        let (company, official) = (key(&self.company, &space), key(&self.official, &space));
        let machine = self.machine.space_key(&space).verifying_key();
        let said = Delegation { space, key: official, rotator: Some(rotator), ..self.template.clone() };
        let note = said.note(&self.key.sign(said.text().as_bytes())).unwrap();
        let delegated = Event::KeyDelegated { note };
        let (name, name_ja) = ("Patent Office".to_owned(), "特許庁".to_owned());
        let events = [
            Event::SpaceFounded { name: format!("case {number}") },
            Event::KeyCertified(UnverifiedCertificate::issue(&self.company, &space)),
            Event::KeyCertified(UnverifiedCertificate::issue(&self.official, &space)),
            Event::KeyCertified(UnverifiedCertificate::issue_machine(&self.official, &self.machine, &space)),
            Event::OrganisationPinned { key: self.key.verifying_key().to_base64(), name, name_ja },
            delegated.clone(),
        ];
        let mut plain = stream::stored_frame(&event::compose(&events));
        stream::padding(plain.len() as u64).for_each(|piece| plain.extend(piece));
        let drawn = &mut Drawn(Dice::new(3 << 32 | number));
        let body = put(age::seal(&plain, std::slice::from_ref(epoch.recipient()), drawn).unwrap());
        let session =
            |member, seed: &SigningSeed| Control::Session { member, session: seed.session_key(&space).verifying_key() };
        let mut envelope = Envelope {
            keeper: self.origin.clone(),
            space,
            number: 0,
            prev: None,
            epoch: 0,
            time: now(),
            seen: None,
            body: Some(body),
            deposit: None,
            controls: vec![
                Control::Founder(company),
                Control::Slot(SlotKeyHash::from_bytes(Sha256::digest(digest).into())),
                Control::Recovery(None),
                Control::Member { key: official, role: Role::ReaderWriter },
                Control::Member { key: machine, role: Role::Writer },
                session(company, &self.company.signing_seed),
                session(official, &self.official.signing_seed),
                session(machine, &self.machine),
                Control::Epoch { epoch: 0, recipient },
                Control::Wrap { epoch: 0, wrap, bytes },
            ],
        };
        let genesis = self.signed(&mut envelope);
        keeper.create_space(genesis.note_bytes(), &digest).unwrap();
        (envelope.number, envelope.prev, envelope.body) = (1, Some(genesis.id()), None);
        envelope.controls = vec![Control::Rotator(rotator)];
        keeper.append(self.signed(&mut envelope).note_bytes()).unwrap();
        (space, genesis.id(), delegated)
    }

    fn signed(&self, envelope: &mut Envelope) -> UnverifiedRecord {
        envelope.sort_controls();
        let text = envelope.text().unwrap();
        let by = self.company.signing_seed.space_key(&envelope.space);
        UnverifiedRecord::compose(envelope, &[(by.verifying_key(), by.sign(text.as_bytes()))]).unwrap()
    }
}

/// A home as the official's machine has it of such a safe, made of that of another one.
fn lay(home: &Path, of: &Path, space: SpaceId, genesis: RecordId) {
    fs::create_dir_all(home).unwrap();
    for name in ["identity.age", "device.key", "local.key", "organisation.home"] {
        fs::copy(of.join(name), home.join(name)).unwrap();
    }
    let text = fs::read_to_string(of.join("safe.json")).unwrap();
    let facts: Value = serde_json::from_str(&text).unwrap();
    let text = text.replace(facts["space"].as_str().unwrap(), &space.to_string());
    fs::write(home.join("safe.json"), text.replace(facts["genesis"].as_str().unwrap(), &genesis.to_string())).unwrap();
}

#[test]
#[ignore = "a measurement of some minutes: docs/bench.md"]
fn new_keys_in_many_safes() {
    let count: u64 = std::env::var("HIZO_SAFES").map_or(1_000, |count| count.parse().unwrap());
    let mut case = Case::new();
    let (home, delegated) = case.suzuki(&[]);
    case.office.let_in("佐藤", &["--history"]);
    let read = UnverifiedDelegatedRequest::parse(&fs::read(&delegated).unwrap()).unwrap();
    let template = read.verify().unwrap().delegation;
    let office = &case.office.founder;
    let sealed = fs::read(office.path.join("organisation.age")).unwrap();
    let seed = OrganisationSeed::open(sealed, PASSPHRASE).unwrap();
    // Since then somebody has come, with history: the epoch is the same.
    let sealed_to = template.recipient.clone().unwrap().parse().unwrap();
    let (data, address) = (case.company.data(), case.company.keeper.address());
    case.company.keeper.end("-TERM");
    let keeper = EmbeddedKeeper::open_embedded(&data).unwrap();
    let shared = Shared {
        origin: keeper.origin().clone(),
        company: owner(&case.company.founder),
        official: owner(office),
        machine: device(&home),
        key: seed.signing_key(),
        seed,
        template,
        sealed_to,
    };
    let begun = Instant::now();
    let (mut events, mut homes) = (Vec::new(), Vec::<PathBuf>::new());
    for number in 0..count {
        let (space, genesis, delegated) = shared.begin(&keeper, number);
        let path = office.folder.path().join("homes").join(number.to_string());
        lay(&path, &home.path, space, genesis);
        events.push(delegated);
        homes.push(path);
    }
    drop(keeper);
    let mut register = Insider::at(office, &case.office.data());
    for events in events.chunks(NOTES) {
        register.say(&owner(office).signing_seed, events, Vec::new());
    }
    drop(register);
    let acting = office.path.join("organisation.acting");
    let lines: String = homes.iter().map(|home| format!("{}\n", home.display())).collect();
    fs::write(&acting, fs::read_to_string(&acting).unwrap() + &lines).unwrap();
    eprintln!("{count} safes were made in {:.1} s", begun.elapsed().as_secs_f64());
    let keeper = Process::start_at(&data, &address);

    // As whoever has joined a safe leaves its home: it was opened once.
    let begun = Instant::now();
    let looked = office.ok(["office", "rotate", "--json"]).json();
    eprintln!("in none of them anything was due, seen in {:.1} s", begun.elapsed().as_secs_f64());
    assert_eq!((&looked["rotated"], &looked["left"]), (&serde_json::json!([]), &serde_json::json!([])), "{looked}");
    let begun = Instant::now();
    let removed = office.run(["space", "remove", "佐藤", "--json"]);
    let seconds = begun.elapsed().as_secs_f64();
    assert_eq!(removed.code, Some(0), "{}", removed.err);
    let removed = removed.json();
    let rotated = removed["rotated"].as_array().unwrap().len() as u64;
    eprintln!("{rotated} safes have new keys, in {seconds:.1} s");
    assert!(rotated == count + 1 && removed["due"] == serde_json::json!([]), "{}", removed["due"]);
    drop(keeper);
}
