//! Many cases of one person, each a space with a home of its own.

use std::fs;
use std::path::Path;
use std::time::Instant;

use hizo_ledger::id::{RecordId, SlotKeyHash, SpaceId};
use hizo_ledger::record::{Control, Envelope, Role, UnverifiedRecord};
use hizo_vault::age::Identity;
use hizo_vault::event::case::{Kind, Said, Urgency, Way};
use hizo_vault::event::certificate::UnverifiedCertificate;
use hizo_vault::event::{self, Event};
use hizo_vault::keys::{IdentityFile, SigningSeed};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::Failure;
use crate::space::{Drawn, Place, Step, facts, now, sealed, text};

/// Cases that are written in one durable step.
const STEP: usize = 250;

pub(crate) fn make(home: &Path, data: &Path, count: u64, phrase: &str) -> Result<Value, Failure> {
    let began = Instant::now();
    let place = Place::open(data)?;
    let identity = IdentityFile::open(fs::read(home.join("identity.age"))?, phrase)?;
    let machine = SigningSeed::from_writer_file(&fs::read_to_string(home.join("device.key"))?)?;
    let (mut steps, mut last) = (Vec::new(), String::new());
    for number in 0..count {
        let (step, space, genesis) = genesis(&place, &identity, &machine, number)?;
        lay(home, &space, &genesis)?;
        last = space.to_string();
        steps.push(step);
        if steps.len() == STEP {
            place.append(&steps)?;
            steps.clear();
        }
    }
    place.append(&steps)?;
    Ok(json!({ "cases": count, "wall_s": began.elapsed().as_secs_f64(), "case": last }))
}

/// How a case begins.
fn genesis(
    place: &Place,
    identity: &IdentityFile,
    machine: &SigningSeed,
    number: u64,
) -> Result<(Step, SpaceId, RecordId), Failure> {
    let slot_key: [u8; 32] = Sha256::digest(format!("case {number}")).into();
    let space = SpaceId::from_bytes(slot_key[..16].try_into()?);
    let entropy = &mut Drawn::of(&format!("keys of case {number}"));
    let epoch = Identity::generate(entropy);
    let (recipient, _) = place.put(space, epoch.recipient().to_string().into_bytes())?;
    let line = format!("{}\n", *epoch.to_secret_line());
    let own = std::slice::from_ref(identity.identity.recipient());
    let (wrap, bytes) = place.put(space, hizo_vault::age::seal(line.as_bytes(), own, entropy)?)?;
    let founder = identity.signing_seed.space_key(&space);
    let device = machine.space_key(&space).verifying_key();
    let opened = Said::Opened {
        kind: Kind::Leak,
        urgency: Urgency::Normal,
        way: Way::Company,
        language: "ja".to_owned(),
        title: format!("相談 {number}"),
    };
    let events = [
        Event::SpaceFounded { name: format!("相談 {number}") },
        Event::KeyCertified(UnverifiedCertificate::issue(identity, &space)),
        Event::KeyCertified(UnverifiedCertificate::issue_machine(identity, machine, &space)),
        Event::DeviceAdded { key: device.to_base64(), name: "this machine".to_owned() },
        Event::Case(Box::new(opened)),
    ];
    let body = sealed(&[&event::compose(&events)], std::slice::from_ref(epoch.recipient()), entropy)?;
    let session = |member, seed: &SigningSeed| {
        let session = seed.session_key(&space).verifying_key();
        Control::Session { member, session }
    };
    let mut envelope = Envelope {
        keeper: place.keeper.origin().clone(),
        space,
        number: 0,
        prev: None,
        epoch: 0,
        time: now()?,
        seen: None,
        body: Some(place.put(space, body)?),
        deposit: None,
        controls: vec![
            Control::Founder(founder.verifying_key()),
            Control::Slot(SlotKeyHash::from_bytes(Sha256::digest(slot_key).into())),
            Control::Recovery(None),
            Control::Member { key: device, role: Role::Writer },
            session(founder.verifying_key(), &identity.signing_seed),
            session(device, machine),
            Control::Epoch { epoch: 0, recipient },
            Control::Wrap { epoch: 0, wrap, bytes },
        ],
    };
    envelope.sort_controls();
    let signature = founder.sign(envelope.text()?.as_bytes());
    let record = UnverifiedRecord::compose(&envelope, &[(founder.verifying_key(), signature)])?;
    let step = Step { space, expected: None, note: record.note_bytes().to_vec(), slot_key: Some(slot_key) };
    Ok((step, space, record.id()))
}

/// Its home on the person's machine, made of that of his safe.
fn lay(home: &Path, space: &SpaceId, genesis: &RecordId) -> Result<(), Failure> {
    let folder = home.join("cases").join(space.to_string());
    fs::create_dir_all(&folder)?;
    for file in ["identity.age", "device.key", "local.key", "keeper.pem"] {
        if home.join(file).exists() {
            fs::copy(home.join(file), folder.join(file))?;
        }
    }
    let (known, said) = (facts(home)?, fs::read_to_string(home.join("safe.json"))?);
    let said = said.replace(text(&known, "space")?, &space.to_string());
    fs::write(folder.join("safe.json"), said.replace(text(&known, "genesis")?, &genesis.to_string()))?;
    Ok(())
}
