//! New keys in the safes of an organisation, once somebody has left it.
//!
//! See docs/spec/organisation.md, "When somebody leaves". Its own space begins an epoch when somebody is removed there. What the other spaces
//! seal for it opens to him until they begin one, too: until then they are *due*.

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use hizo_ledger::delegation::{Delegation, Revocation};
use hizo_ledger::id::SpaceId;
use hizo_ledger::identity::VerifyingKey;
use hizo_ledger::record::{ClaimedTime, Control, Record};
use hizo_vault::age::Recipient;
use hizo_vault::event::Event;
use hizo_vault::keys::IdentityFile;
use serde_json::{Value, json};

use crate::Setting;
use crate::contents::Opened;
use crate::epochs;
use crate::failure::{Failure, Outcome, shown};
use crate::home::Home;
use crate::membership::{Change, Made, Proposing};
use crate::office::Office;
use crate::register::{Entry, Register, State};
use crate::safe::{self, Keyring, OwnSpace, Safe};
use crate::words::{Words, words};

/// How many notes a record of the register says at most: their body stays far below its limit.
const NOTES_MAX: usize = 200;

/// How many safes are worked on at once: most of the time is spent in waiting for keepers and the disk.
const AT_ONCE: usize = 16;

/// What came of making everything new that is due.
#[derive(Default)]
pub(crate) struct Rotated {
    pub delegated: usize,
    pub revoked: usize,
    /// Safes that have new keys.
    pub done: Vec<Done>,
    /// Homes whose safes have not, and why.
    pub left: Vec<(PathBuf, Failure)>,
}

/// A safe that has new keys.
pub(crate) struct Done {
    home: PathBuf,
    pub space: SpaceId,
    record: u64,
}

/// Whether what is sealed in the space of this home opens to somebody who has left the organisation that its person acts for; as far as
/// is known without any secret.
pub(crate) fn is_due(home: &Home) -> Outcome<bool> {
    let (Some(folder), Some(epoch)) = (home.own_space()?, home.own_epoch()?) else { return Ok(false) };
    let (own_space, _) = Safe::open_wherever_at_hand(Home::open(&folder)?)?;
    Ok(own_space.records.iter().any(|record| record.envelope().epoch > epoch && takes_away(record)))
}

/// Says what comes next where somebody was removed from an organisation's own safe by other means than `hizo space remove`, which does it.
pub(crate) fn say_next(setting: &Setting, home: &Home) {
    if home.organisation_card_file().exists() {
        setting.console.note(words!(
            "next: `hizo office rotate`, so that the safes that the organisation reads elsewhere have new keys, too",
            "次に: `hizo office rotate` を実行すると、機関が見られるほかの金庫の鍵も新しくなります"
        ));
    }
}

/// Whether somebody is removed by a record who does not read by the same record again.
fn takes_away(record: &Record) -> bool {
    let controls = &record.envelope().controls;
    let reads = |left: &VerifyingKey| {
        controls.iter().any(|control| matches!(control, Control::Member { key, role } if key == left && role.opens()))
    };
    controls.iter().any(|control| matches!(control, Control::Remove(key) if !reads(key)))
}

/// Refuses to seal what somebody could open who has left.
pub(crate) fn refuse_due(home: &Home) -> Outcome<()> {
    // An own space that cannot be looked at tells nothing; its keeper, or this machine's copy, is told of by whoever opens it.
    match is_due(home) {
        Ok(true) => Err(Failure::fixable(words!(
            "somebody has left the organisation that you act for, and would open what is kept here now: nothing was sealed",
            "機関を離れた人がいて、今預けるとその人にも見られます。何も預けていません"
        ))
        .hint(words!("Begin new keys first: `hizo space rotate`.", "先に鍵を新しくしてください: `hizo space rotate`。"))),
        Ok(false) | Err(_) => Ok(()),
    }
}

/// Rotates on the way of a command that follows the safe, if the passphrase is at hand; says that it is due where it is not. What fails
/// here keeps no command from its work, but from sealing.
pub(crate) fn on_the_way(setting: &Setting, safe: &mut Safe) {
    if !matches!(is_due(&safe.home), Ok(true)) {
        return;
    }
    let rotate = |safe: &mut Safe| -> Outcome<Option<Made>> {
        let identity = safe::open_identity(&safe.home, &setting.read_passphrase()?)?;
        let keyring = safe.unlock_unheeded(&identity)?;
        let register = own_register(safe, &identity, &keyring)?;
        let Some((made, _)) = due(safe, &identity, &keyring, &register, &Proposing::default())? else {
            return Ok(None);
        };
        // Whoever opens it finds to which of the own space's epochs it is sealed now.
        safe.unlock_unheeded(&identity)?;
        Ok(Some(made))
    };
    let done = match setting.passphrase.is_in_file() && safe.home.identity_file().exists() {
        true => rotate(safe),
        false => Ok(None),
    };
    match done {
        Ok(Some(Made::Stands(_))) => setting.console.note(words!(
            "somebody has left the organisation that you act for: this safe has new keys now",
            "機関を離れた人がいるため、この金庫の鍵を新しくしました"
        )),
        Ok(_) => setting.console.warn(words!(
            "somebody has left the organisation that you act for, and this safe has the keys of before: run `hizo space rotate`",
            "機関を離れた人がいますが、この金庫の鍵はまだ前のままです。`hizo space rotate` を実行してください"
        )),
        Err(Failure { message: why, .. }) => setting.console.warn(words!(
            "somebody has left the organisation that you act for, and this safe has the keys of before: {why}",
            "機関を離れた人がいますが、この金庫の鍵はまだ前のままです: {why}";
            why
        )),
    }
}

/// What the organisation that the person of this home acts for has said of this space in its own.
pub(crate) fn own_register(safe: &Safe, identity: &IdentityFile, keyring: &Keyring) -> Outcome<Register> {
    let person = &keyring.people()?.certificates.own().identity;
    let organisation = keyring.people()?.delegations.organisation_of(person);
    let (Some(folder), Some(organisation)) = (safe.home.own_space()?, organisation) else {
        return Ok(Register::default());
    };
    let own_space = Safe::open(Home::open(&folder)?)?;
    let own_keyring = own_space.unlock_with(identity)?;
    Ok(Register::of(Opened { safe: &own_space, keyring: &own_keyring }, &organisation.key))
}

/// What a register says of a space and nobody has said there yet.
pub(crate) struct Told {
    pub change: Change,
    /// Whether others read by it, so that an epoch begins.
    pub begins: bool,
    /// To what is sealed then for the person of this home.
    recipient: Option<Recipient>,
}

/// Finds that.
///
/// # Errors
/// When nobody has certified who a reader is.
pub(crate) fn told(opened: Opened, register: &Register) -> Outcome<Told> {
    let (people, space) = (opened.keyring.people()?, opened.safe.home.space);
    let (mut change, mut delegations) = (Change::default(), people.delegations.clone());
    for entry in register.of_space(space) {
        for event in entry.events() {
            if delegations.said_of(&entry.delegation.identity).any(|said| *said == event) {
                continue;
            }
            let taken = match &event {
                Event::KeyDelegated { note } => delegations.take(&space, note, false, |_| false),
                Event::DelegationRevoked { note } => delegations.revoke(&space, note),
                _ => continue,
            };
            // Of a key that is no member's yet, only an admin can say it.
            if taken.is_ok() {
                change.events.push(event);
            }
        }
    }
    let readers = epochs::readers_by(opened, &delegations, &[])?;
    let begins = readers != epochs::readers(opened, &[])?;
    if begins {
        change.begin_epoch(opened, &readers)?;
    }
    let recipient = people.recipient_by(&delegations, people.certificates.own()).cloned();
    Ok(Told { change, begins, recipient })
}

/// Makes what is due; nothing where nothing is.
fn due(
    safe: &mut Safe,
    identity: &IdentityFile,
    keyring: &Keyring,
    register: &Register,
    proposing: &Proposing,
) -> Outcome<Option<(Made, Option<Recipient>)>> {
    keyring.people()?.heed_to_rotate(safe)?;
    let Told { change, begins, recipient } = told(Opened { safe, keyring }, register)?;
    if !begins {
        return Ok(None);
    }
    change.make(safe, identity, keyring, proposing).map(|made| Some((made, recipient)))
}

/// Takes back what was delegated to those who have left, delegates anew what was sealed to the keys of before, and begins new keys in
/// every safe that this machine has a home for. What was begun is gone on with when it is done again.
///
/// # Errors
/// When the register cannot be written. What fails in another safe is told of in [`Rotated::left`].
pub(crate) fn rotate(office: &mut Office) -> Outcome<Rotated> {
    let mut rotated = renew(office)?;
    // What was said just now stands in the register, too.
    office.keyring = office.safe.unlock_with(&office.identity)?;
    let (own_space, register) = (OwnSpace::of(&office.safe, &office.keyring), office.register());
    let (homes, next, found) = (office.safe.home.members()?, AtomicUsize::new(0), Mutex::new(Vec::new()));
    let identity = &office.identity;
    thread::scope(|scope| {
        for _ in 0..AT_ONCE.min(homes.len()) {
            scope.spawn(|| {
                while let Some((at, home)) =
                    Some(next.fetch_add(1, Ordering::Relaxed)).and_then(|at| Some((at, homes.get(at)?)))
                {
                    let done = in_home(home, identity, &own_space, &register);
                    found.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push((at, done));
                }
            });
        }
    });
    let mut found = found.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    found.sort_by_key(|(at, _)| *at);
    for (home, (_, done)) in homes.into_iter().zip(found) {
        match done {
            Ok(done) => rotated.done.extend(done),
            Err(failure) => rotated.left.push((home, failure)),
        }
    }
    Ok(rotated)
}

/// The same in the safe of one home; nothing where nothing is due.
fn in_home(folder: &Path, identity: &IdentityFile, own_space: &OwnSpace, register: &Register) -> Outcome<Option<Done>> {
    let mut safe = Safe::open(Home::open(folder)?)?;
    let keyring = safe.unlock_beside(identity, Some(own_space))?;
    match due(&mut safe, identity, &keyring, register, &Proposing::default())? {
        Some((Made::Stands(appended), recipient)) => {
            appended.promised?;
            let sealed_to = recipient.and_then(|recipient| own_space.epoch_of(&recipient));
            // Whoever opens it finds it, too.
            let _ = sealed_to.map_or(Ok(()), |epoch| safe.home.note_own_epoch(epoch));
            let (space, record) = (safe.home.space, safe.chain.head().number);
            Ok(Some(Done { home: folder.to_owned(), space, record }))
        }
        Some((Made::Proposed(_), _)) | None => Ok(None),
    }
}

/// Says in the register what has changed with the people of the own space.
fn renew(office: &mut Office) -> Outcome<Rotated> {
    let (now, recipient) = (safe::now()?, office.safe.recipient()?.to_string());
    let persons = office.keyring.people()?.persons(&office.safe).into_iter();
    let reads = persons.filter(|person| person.own.is_some_and(|own| own.role.opens()));
    let readers: Vec<VerifyingKey> = reads.filter_map(|person| person.identity).collect();
    let (mut rotated, mut notes) = (Rotated::default(), Vec::new());
    let register = office.register();
    for entry in register.entries() {
        let said = match entry.state(now, &recipient) {
            State::Revoked | State::Ended => continue,
            State::Good | State::Due if !readers.contains(&entry.delegation.identity) => Said::Revoked(entry),
            State::Good => continue,
            State::Due => Said::Delegated(entry),
        };
        notes.push(said);
    }
    if notes.is_empty() {
        return Ok(rotated);
    }
    let key = office.key()?;
    let mut events = Vec::with_capacity(notes.len());
    for said in notes {
        match said {
            Said::Revoked(Entry { delegation, .. }) => {
                let (organisation, time) = (office.card.key, now.max(delegation.not_before));
                let said = Revocation { organisation, space: delegation.space, key: delegation.key, time };
                let note = said.note(&key.sign(said.text().as_bytes())).map_err(Failure::internal)?;
                events.push(Event::DelegationRevoked { note });
                rotated.revoked += 1;
            }
            Said::Delegated(entry) => {
                let from = ClaimedTime::from_unix_seconds(entry.counts_from(now.unix_seconds()));
                let not_before = from.map_err(Failure::internal)?;
                let recipient = Some(recipient.clone());
                let said = Delegation { not_before, recipient, ..entry.delegation.clone() };
                if said.not_before > said.not_after {
                    continue;
                }
                let note = said.note(&key.sign(said.text().as_bytes())).map_err(Failure::internal)?;
                events.push(Event::KeyDelegated { note });
                rotated.delegated += 1;
            }
        }
    }
    for events in events.chunks(NOTES_MAX) {
        office.say(events.to_vec())?.promised?;
    }
    Ok(rotated)
}

/// What is to be said of one key.
enum Said<'r> {
    Delegated(&'r Entry),
    Revoked(&'r Entry),
}

impl Rotated {
    pub(crate) fn as_json(&self) -> Value {
        let done = self.done.iter();
        done.map(|Done { home, space, record }| {
            json!({ "home": home.to_string_lossy(), "space": space.to_string(), "record": record })
        })
        .collect()
    }

    pub(crate) fn left_as_json(&self) -> Value {
        let left = self.left.iter();
        left.map(|(home, why)| json!({ "home": home.to_string_lossy(), "why": why.message.english() })).collect()
    }

    /// # Errors
    /// Why the first of those that were left has still the keys of before.
    pub(crate) fn outcome(self) -> Outcome<()> {
        self.left.into_iter().next().map_or(Ok(()), |(_, failure)| Err(failure))
    }

    /// As people read it.
    pub(crate) fn lines(&self) -> Vec<Words> {
        let done = self.done.iter().map(|Done { home, record, .. }| {
            words!(
                "the safe of {home} has new keys, by record {record}",
                "{home} の金庫の鍵を新しくしました（記録 {record}）",
                home = shown(home)
            )
        });
        let left = self.left.iter().map(|(home, Failure { message: why, .. })| {
            words!(
                "due: the safe of {home} has the keys of before: {why}",
                "要更新: {home} の金庫は、まだ前の鍵のままです: {why}",
                home = shown(home);
                why
            )
        });
        done.chain(left).collect()
    }
}
