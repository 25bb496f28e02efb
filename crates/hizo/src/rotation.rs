//! New keys in the safes of an organisation, once somebody has left it.
//!
//! See docs/spec/organisation.md, "When somebody leaves". Its own space begins an epoch when somebody is removed there. What the other spaces
//! seal for it opens to him until they begin one, too: until then they are *due*.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use hizo_ledger::delegation::{Delegation, Revocation};
use hizo_ledger::id::{RecordId, SpaceId};
use hizo_ledger::identity::VerifyingKey;
use hizo_ledger::record::{AdminRule, ClaimedTime, Control, Role};
use hizo_ledger::space::Chain;
use hizo_vault::age::Recipient;
use hizo_vault::event::Event;
use hizo_vault::keys::{IdentityFile, OrganisationSeed, RotatorKey};
use hizo_vault::organisation::Delegations;
use serde_json::{Value, json};

use crate::contents::Opened;
use crate::failure::{Failure, Outcome, shown};
use crate::home::Home;
use crate::membership::{Appended, Change, Made, Proposing};
use crate::office::Office;
use crate::register::{Entry, Register, State};
use crate::safe::{self, Draft, Keyring, OwnSpace, Safe};
use crate::words::{Words, words};
use crate::{Setting, epochs, receipts};

/// How many notes a record of the register says at most: their body stays far below its limit.
const NOTES_MAX: usize = 200;

/// How many safes are worked on at once: most of the time is spent in waiting for keepers and the disk, and what a keeper takes at once it
/// writes at once.
const AT_ONCE: usize = 64;

/// What came of making everything new that is due.
pub(crate) struct Rotated {
    pub delegated: usize,
    pub revoked: usize,
    /// Safes that have new keys.
    pub done: Vec<Done>,
    /// Safes whose admins have been told.
    waits: Vec<Done>,
    /// Whether the keepers have promised to log that.
    promised: Outcome<()>,
    /// Homes whose safes are left as they were, and why.
    pub left: Vec<(PathBuf, Failure)>,
}

/// A safe, and the home of it on this machine.
pub(crate) struct Done {
    home: PathBuf,
    pub space: SpaceId,
}

/// Whether what is sealed in the space of this home opens to somebody who has left the organisation that its person acts for; as far as
/// is known without any secret.
pub(crate) fn is_due(home: &Home) -> Outcome<bool> {
    let (Some(folder), Some(epoch)) = (home.own_space()?, home.own_epoch()?) else { return Ok(false) };
    let own_home = home.another(&folder)?;
    let own_space = match Safe::open_wherever_at_hand(own_home.clone()) {
        Ok((own_space, _)) => own_space,
        // Whatever its keeper says now, what this machine has followed stays known.
        Err(failure) => Safe::remembered(own_home).map_err(|_| failure)?,
    };
    let mut readers: BTreeSet<VerifyingKey> = BTreeSet::new();
    for record in &own_space.records {
        let mut left = Vec::new();
        for control in &record.envelope().controls {
            match control {
                Control::Founder(key) => drop(readers.insert(*key)),
                Control::Member { key, role } if role.opens() => drop(readers.insert(*key)),
                Control::Remove(key) => left.extend(readers.take(key)),
                _ => (),
            }
        }
        // Whose role changed left and came back.
        if record.envelope().epoch > epoch && left.iter().any(|key| !readers.contains(key)) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Says what comes next where somebody was removed from an organisation's own safe by other means than `hizo space remove`, which does it.
pub(crate) fn say_next(setting: &Setting, home: &Home) {
    next(home).into_iter().for_each(|words| setting.console.note(words));
}

/// The same in words; nothing where the safe is no organisation's.
pub(crate) fn next(home: &Home) -> Option<Words> {
    home.organisation_card_file().exists().then(|| {
        words!(
            "next: `hizo office rotate`, so that the safes that the organisation reads elsewhere have new keys, too",
            "次に: `hizo office rotate` を実行すると、機関が見られるほかの金庫の鍵も新しくなります"
        )
    })
}

/// Refuses to seal what somebody could open who has left.
pub(crate) fn refuse_due(home: &Home) -> Outcome<()> {
    match is_due(home) {
        Ok(true) => Err(Failure::fixable(words!(
            "somebody has left the organisation that you act for, and would open what is kept here now: nothing was sealed",
            "機関を離れた人がいて、今預けるとその人にも見られます。何も預けていません"
        ))
        .hint(words!(
            "Let an admin of this safe begin new keys: `hizo space rotate`. If that was done meanwhile, this machine sees it once you open the safe: `hizo list`.",
            "この金庫の管理者に鍵を新しくしてもらってください: `hizo space rotate`。済んでいれば、一度金庫を開くと（`hizo list`）このコンピューターにも分かります。"
        ))),
        Ok(false) => Ok(()),
        Err(Failure { message: why, .. }) => Err(Failure::fixable(words!(
            "whether somebody has left the organisation that you act for cannot be told, and nothing was sealed: {why}",
            "機関を離れた人がいるかどうかを確かめられないため、何も預けていません: {why}";
            why
        ))
        .hint(words!(
            "Look at the home of the organisation's own safe on this machine, with `hizo list`.",
            "このコンピューターにある機関自身の金庫を、`hizo list` で確かめてください。"
        ))),
    }
}

/// Whether this machine has seen that an organisation reads by keys of before what is sealed now.
fn is_stale(safe: &Safe) -> Outcome<bool> {
    Ok(safe.home.stale_epoch()? == Some(safe.chain.epoch()))
}

/// Refuses to seal what somebody could open who has left another member's organisation, as far as this machine knows of it.
pub(crate) fn refuse_stale(safe: &Safe) -> Outcome<()> {
    if safe.seals_though_stale || !is_stale(safe)? {
        return Ok(());
    }
    Err(Failure::fixable(words!(
        "an organisation that reads this safe has new keys, and whoever has left it would open what is kept here now: nothing was sealed",
        "この金庫を見られる機関の鍵が新しくなりました。今預けると、機関を離れた人にも見られます。何も預けていません"
    ))
    .hint(words!(
        "Let an admin of this safe begin new keys: `hizo space rotate`. What cannot wait for that goes with `hizo deposit --though-due`.",
        "この金庫の管理者に鍵を新しくしてもらってください: `hizo space rotate`。それを待てないものは `hizo deposit --though-due` で預けられます。"
    )))
}

/// Begins the new keys that are due for another member's organisation, by an admin whose signature is enough; whether it has.
pub(crate) fn begin_stale(safe: &mut Safe, identity: &IdentityFile) -> Outcome<bool> {
    if !is_stale(safe)? {
        return Ok(false);
    }
    let keyring = safe.unlock_unheeded(identity)?;
    Ok(matches!(due(safe, identity, &keyring, &Register::default(), None)?, Answer::Rotated { .. }))
}

/// Before a deposit, by an admin whose signature is enough and whose passphrase is at hand: begins the new keys that are due for another
/// member's organisation. What fails here is told by whoever seals.
pub(crate) fn before_sealing(setting: &Setting, safe: &mut Safe) {
    let is_at_hand = setting.passphrase.is_in_file() && safe.home.identity_file().exists();
    if !is_at_hand || safe.seals_though_stale || !matches!(is_stale(safe), Ok(true)) {
        return;
    }
    let identity = setting.read_passphrase().and_then(|passphrase| safe::open_identity(&safe.home, &passphrase));
    match identity.and_then(|identity| begin_stale(safe, &identity)) {
        Ok(true) => setting.console.note(words!(
            "an organisation that reads this safe has new keys: this safe has new ones now, too",
            "この金庫を見られる機関の鍵が新しくなったため、この金庫の鍵も新しくしました"
        )),
        Ok(false) => (),
        Err(Failure { message: why, .. }) => setting.console.warn(words!(
            "new keys are due in this safe and could not be begun: {why}",
            "この金庫の鍵を新しくする必要がありますが、できませんでした: {why}";
            why
        )),
    }
}

/// Rotates on the way of a command that follows the safe, if the passphrase is at hand; says that it is due where it is not. What fails
/// here keeps no command from its work, but from sealing.
pub(crate) fn on_the_way(setting: &Setting, safe: &mut Safe) {
    if !matches!(is_due(&safe.home), Ok(true)) {
        return;
    }
    let answer = |safe: &mut Safe| -> Outcome<Answer> {
        let identity = safe::open_identity(&safe.home, &setting.read_passphrase()?)?;
        let keyring = safe.unlock_unheeded(&identity)?;
        // Somebody may have done it meanwhile: whoever opens it finds to which of the own space's epochs it is sealed.
        if !is_due(&safe.home)? {
            return Ok(Answer::Nothing);
        }
        let register = own_register(safe, &identity, &keyring)?;
        let answer = due(safe, &identity, &keyring, &register, None)?;
        safe.unlock_unheeded(&identity)?;
        Ok(answer)
    };
    let answer = match setting.passphrase.is_in_file() && safe.home.identity_file().exists() {
        true => answer(safe),
        false => Ok(Answer::Waits),
    };
    match answer {
        Ok(Answer::Nothing) => (),
        Ok(Answer::Rotated { .. }) => setting.console.note(words!(
            "somebody has left the organisation that you act for: this safe has new keys now",
            "機関を離れた人がいるため、この金庫の鍵を新しくしました"
        )),
        Ok(Answer::Waits) => setting.console.warn(words!(
            "somebody has left the organisation that you act for, and this safe has the keys of before: an admin of it runs `hizo space rotate`",
            "機関を離れた人がいますが、この金庫の鍵はまだ前のままです。金庫の管理者が `hizo space rotate` を実行します"
        )),
        Ok(Answer::NotYet(later)) => setting.console.warn(not_yet(later).message),
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
    let own_space = Safe::open(safe.home.another(&folder)?)?;
    let own_keyring = own_space.unlock_with(identity)?;
    Ok(Register::of(Opened { safe: &own_space, keyring: &own_keyring }, &organisation.key))
}

/// What came of what was due in a safe.
enum Answer {
    /// Nothing was.
    Nothing,
    Rotated {
        appended: Appended,
        /// To what the new epoch is sealed for whoever did it.
        sealed_to: Option<Recipient>,
    },
    /// It is said there now, and an admin begins the new keys.
    Waits,
    /// What was delegated by a clock that ran ahead counts from this time: until then nothing else can be sealed to.
    NotYet(ClaimedTime),
}

/// What the register says of a space and nobody has said there yet.
pub(crate) struct Told {
    pub change: Change,
    /// What the delegations come to with it.
    delegations: Delegations,
    /// Whether organisations read the space by keys of before.
    pub is_stale: bool,
    /// From when on they will, where it is not yet so.
    later: Option<ClaimedTime>,
}

impl Told {
    /// Has the same record begin an epoch.
    ///
    /// # Errors
    /// When nobody has certified who a reader is.
    pub(crate) fn begin_epoch(&mut self, opened: Opened) -> Outcome<()> {
        self.change.begin_epoch(opened, &epochs::readers_by(opened, &self.delegations, &[])?)
    }
}

/// What the register says of a space and nobody has said there yet.
pub(crate) fn told(opened: Opened, register: &Register) -> Outcome<Told> {
    let (people, space) = (opened.keyring.people()?, opened.safe.home.space);
    let (mut change, mut delegations) = (Change::answering(), people.delegations.clone());
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
    let is_stale = !people.stale(opened.safe, &delegations).is_empty();
    let counts = |entry: &&Entry| {
        let is_back = entry.revoked.is_some_and(|until| entry.delegation.not_before <= until);
        !is_back && delegations.said_of(&entry.delegation.identity).next().is_some()
    };
    let later = people.stale_later(register.of_space(space).filter(counts).map(|entry| &entry.delegation));
    Ok(Told { change, delegations, is_stale, later })
}

/// Says and makes what is due: as an admin, or by the organisation's key where admins have named it.
fn due(
    safe: &mut Safe,
    identity: &IdentityFile,
    keyring: &Keyring,
    register: &Register,
    organisation: Option<&OrganisationSeed>,
) -> Outcome<Answer> {
    keyring.people()?.heed(safe, &[])?;
    let mut told = told(Opened { safe, keyring }, register)?;
    let is_admin = safe.role_of(identity) == Some(Role::Admin);
    let rotator = organisation.map(|seed| seed.rotator_key(&safe.home.space));
    let is_named = |rotator: &RotatorKey| safe.chain.rotators().any(|named| named == rotator.verifying_key());
    // One of two admins would only propose it.
    let is_enough = is_admin && safe.chain.admin_rule() == AdminRule::One;
    let rotator = rotator.filter(|rotator| is_named(rotator) && !is_enough);
    let begins = told.is_stale && is_enough;
    if begins {
        told.begin_epoch(Opened { safe, keyring })?;
    }
    let Told { change, delegations, is_stale, later } = told;
    let sealed_to = {
        let people = keyring.people()?;
        people.recipient_by(&delegations, people.certificates.own()).cloned()
    };
    let says = begins || !change.events.is_empty();
    let Some(rotator) = rotator.filter(|_| is_stale) else {
        let waits = match later {
            _ if is_stale => Answer::Waits,
            Some(later) => Answer::NotYet(later),
            None => Answer::Nothing,
        };
        if !says {
            return Ok(waits);
        }
        return match change.make(safe, identity, keyring, &Proposing::default())? {
            Made::Stands(appended) if begins => Ok(Answer::Rotated { appended, sealed_to }),
            Made::Stands(appended) => appended.promised.map(|()| waits),
            Made::Proposed(_) => Ok(Answer::Waits),
        };
    };
    let mut said = None;
    if says {
        change.check(safe, keyring, &Proposing::default())?;
        said = Some(change.append_unanswered(safe, identity)?);
    }
    let begun = begin_by(&rotator, safe, keyring, &delegations);
    // There may be thousands of safes: none waits for the log, which is held against the promises when it is used next.
    let promised = said.map_or(Ok(()), |id| receipts::promise(safe, id));
    let id = begun?;
    let appended = Appended { id, promised: promised.and(receipts::promise(safe, id)) };
    Ok(Answer::Rotated { appended, sealed_to })
}

/// Begins an epoch by the organisation's key, for the readers by these delegations, which stand.
fn begin_by(rotator: &RotatorKey, safe: &mut Safe, keyring: &Keyring, delegations: &Delegations) -> Outcome<RecordId> {
    let opened = Opened { safe, keyring };
    let mut draft = Draft::default();
    epochs::begin(&mut draft, opened, &epochs::readers_by_rotator(opened, delegations)?, None)?;
    let state = |chain: &Chain| (chain.epoch(), chain.members().collect::<Vec<_>>(), chain.recovery());
    let before = state(&safe.chain);
    let (key, sign) = (rotator.verifying_key(), |text: &[u8]| rotator.sign(text));
    safe.append_by(key, sign, &draft, |chain| state(chain) == before)
}

/// Takes back what was delegated to those who have left, delegates anew what was sealed to the keys of before, and begins new keys in
/// every safe that this machine has a home for. What was begun is gone on with when it is done again.
///
/// # Errors
/// When the register cannot be written. What fails in another safe is told of in [`Rotated::left`].
pub(crate) fn rotate(office: &mut Office) -> Outcome<Rotated> {
    let seed = office.has_key().then(|| office.seed()).transpose()?;
    let mut rotated = renew(office, seed.as_ref())?;
    let (own_space, register) = (OwnSpace::of(&office.safe, &office.keyring), office.register());
    let (homes, next, found) = (office.safe.home.acting_homes()?, AtomicUsize::new(0), Mutex::new(Vec::new()));
    let (identity, seed) = (&office.identity, &seed);
    thread::scope(|scope| {
        for _ in 0..AT_ONCE.min(homes.len()) {
            scope.spawn(|| {
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    let Some(home) = homes.get(at) else { break };
                    let done = in_home((&office.safe.home, home), identity, &own_space, &register, seed.as_ref());
                    found.lock().unwrap_or_else(PoisonError::into_inner).push((at, done));
                }
            });
        }
    });
    let mut found = found.into_inner().unwrap_or_else(PoisonError::into_inner);
    found.sort_by_key(|(at, _)| *at);
    for (home, (_, done)) in homes.into_iter().zip(found) {
        match done {
            Ok(Some((space, Answer::Rotated { appended, .. }))) => {
                rotated.done.push(Done { home, space });
                rotated.promised = std::mem::replace(&mut rotated.promised, Ok(())).and(appended.promised);
            }
            Ok(Some((space, Answer::Waits))) => rotated.waits.push(Done { home, space }),
            Ok(Some((_, Answer::NotYet(later)))) => rotated.left.push((home, not_yet(later))),
            Ok(Some((_, Answer::Nothing)) | None) => (),
            Err(failure) => rotated.left.push((home, failure)),
        }
    }
    Ok(rotated)
}

fn not_yet(later: ClaimedTime) -> Failure {
    Failure::fixable(words!(
        "what a clock that ran ahead has delegated counts from {later}, and nothing new before",
        "時計の進んだコンピューターでした委任が {later} から有効になるため、それまで新しい委任が有効になりません"
    ))
    .hint(words!(
        "Compare the clocks of the machines that hold the organisation's key; run `hizo office rotate` at that time.",
        "機関の鍵があるコンピューターの時計を確かめ、その時刻になったら `hizo office rotate` を実行してください。"
    ))
}

/// The same in the safe of one home; nothing where there is none any more.
fn in_home(
    (own_home, folder): (&Home, &Path),
    identity: &IdentityFile,
    own_space: &OwnSpace,
    register: &Register,
    organisation: Option<&OrganisationSeed>,
) -> Outcome<Option<(SpaceId, Answer)>> {
    // A home that was moved or taken away has written itself down where it is now, once it was opened there.
    if !folder.join("safe.json").exists() {
        return Ok(None);
    }
    let mut safe = Safe::open(own_home.another(folder)?)?;
    let keyring = safe.unlock_beside(identity, Some(own_space))?;
    // Nobody may ever use this home for anything else.
    let kept = receipts::remind_late(&safe);
    let mut answer = due(&mut safe, identity, &keyring, register, organisation)?;
    match &mut answer {
        // It is done all the same.
        Answer::Rotated { appended, .. } => {
            appended.promised = kept.and(std::mem::replace(&mut appended.promised, Ok(())))
        }
        Answer::Waits | Answer::NotYet(_) | Answer::Nothing => kept?,
    }
    if let Answer::Rotated { sealed_to: Some(recipient), .. } = &answer {
        // What is not written down is found when it is opened next.
        let _ = own_space.epoch_of(recipient).map_or(Ok(()), |epoch| safe.home.renew_own_epoch(epoch));
    }
    Ok(Some((safe.home.space, answer)))
}

/// Says in the register what has changed with the people of the own space.
fn renew(office: &mut Office, seed: Option<&OrganisationSeed>) -> Outcome<Rotated> {
    let (now, recipient) = (safe::now()?, office.safe.recipient()?.to_string());
    let people = office.keyring.people()?;
    if let Some(unknown) = people.uncertified(&office.safe).next() {
        let name = unknown.name();
        return Err(Failure::fixable(words!(
            "who {name} is, who reads this safe, cannot be read: what was delegated to that person would be taken back",
            "この金庫を見られる {name} が誰なのかを読めないため、その人への委任まで取り消してしまいます"
        ))
        .hint(words!("Look at the safe with `hizo check` first.", "先に `hizo check` で金庫を確かめてください。")));
    }
    let persons = people.persons(&office.safe).into_iter();
    let reads = persons.filter(|person| person.own.is_some_and(|own| own.role.opens()));
    let readers: Vec<VerifyingKey> = reads.filter_map(|person| person.identity).collect();
    let register = office.register();
    let has_left = |entry: &Entry| !readers.contains(&entry.delegation.identity);
    let is_old = |entry: &Entry| entry.delegation.recipient.as_ref().is_some_and(|sealed_to| *sealed_to != recipient);
    // What has not begun yet will, and is taken back or renewed like the others.
    let is_over = |entry: &Entry| entry.state(now, &recipient) == State::Revoked || entry.delegation.not_after < now;
    let due = register.entries().filter(|entry| !is_over(entry) && (has_left(entry) || is_old(entry)));
    let (mut rotated, due) = (Rotated::default(), due.collect::<Vec<_>>());
    if due.is_empty() {
        return Ok(rotated);
    }
    let key = seed.map_or_else(|| office.key(), |seed| Ok(seed.signing_key()))?;
    let (mut events, mut begins) = (Vec::with_capacity(due.len()), now);
    for entry in due {
        let before = &entry.delegation;
        if has_left(entry) {
            let (organisation, time) = (office.card.key, now.max(before.not_before));
            let said = Revocation { organisation, space: before.space, key: before.key, time };
            let note = said.note(&key.sign(said.text().as_bytes())).map_err(Failure::internal)?;
            events.push(Event::DelegationRevoked { note });
            rotated.revoked += 1;
            continue;
        }
        let from = ClaimedTime::from_unix_seconds(entry.counts_from(now.unix_seconds()));
        let not_before = from.map_err(Failure::internal)?;
        if not_before <= before.not_after {
            // What is further ahead is not waited for, and keeps nothing else from being.
            if not_before.unix_seconds() <= now.unix_seconds().saturating_add(2) {
                begins = begins.max(not_before);
            }
            let rotator = seed.map(|seed| seed.rotator_key(&before.space).verifying_key());
            let said = Delegation { not_before, recipient: Some(recipient.clone()), rotator, ..before.clone() };
            let note = said.note(&key.sign(said.text().as_bytes())).map_err(Failure::internal)?;
            events.push(Event::KeyDelegated { note });
            rotated.delegated += 1;
        }
    }
    let mut last = None;
    for events in events.chunks(NOTES_MAX) {
        let id = Change::saying(events.to_vec()).append_unanswered(&mut office.safe, &office.identity)?;
        receipts::promise(&office.safe, id)?;
        last = Some(id);
    }
    // The log is held against all of them at once.
    last.map_or(Ok(()), |last| receipts::answer(&office.safe, last).holds())?;
    // Before it counts, the others seal as they did.
    safe::wait_for(begins)?;
    Ok(rotated)
}

impl Default for Rotated {
    fn default() -> Self {
        let (done, waits, left) = (Vec::new(), Vec::new(), Vec::new());
        Self { delegated: 0, revoked: 0, done, waits, promised: Ok(()), left }
    }
}

impl Rotated {
    pub(crate) fn as_json(&self) -> Value {
        as_json(&self.done)
    }

    pub(crate) fn waits_as_json(&self) -> Value {
        as_json(&self.waits)
    }

    pub(crate) fn left_as_json(&self) -> Value {
        let left = self.left.iter();
        left.map(|(home, why)| json!({ "home": home.to_string_lossy(), "why": why.message.english() })).collect()
    }

    /// # Errors
    /// Why the first of those that were left has still the keys of before.
    pub(crate) fn outcome(self) -> Outcome<()> {
        self.left.into_iter().next().map_or(self.promised, |(_, failure)| Err(failure))
    }

    /// As people read it.
    pub(crate) fn lines(&self) -> Vec<Words> {
        let done = self.done.iter().map(|Done { home, .. }| {
            words!("the safe of {home} has new keys", "{home} の金庫の鍵を新しくしました", home = shown(home))
        });
        done.chain(self.due_lines()).collect()
    }

    /// Those of them that say which safes have the keys of before.
    pub(crate) fn due_lines(&self) -> Vec<Words> {
        let waits = self.waits.iter().map(|Done { home, .. }| {
            words!(
                "due: the safe of {home} has the keys of before, and its admins are told when they open it",
                "要更新: {home} の金庫は、まだ前の鍵のままです。管理者が金庫を開くと知らせが出ます",
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
        waits.chain(left).collect()
    }
}

fn as_json(safes: &[Done]) -> Value {
    safes.iter().map(|safe| json!({ "home": safe.home.to_string_lossy(), "space": safe.space.to_string() })).collect()
}
