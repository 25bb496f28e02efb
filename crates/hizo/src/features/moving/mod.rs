//! Moving a safe to another keeper: its one history goes on there, and what the keeper so far withheld is named.
//!
//! See docs/spec/moving.md.

mod bringing;
pub(crate) mod command;
mod follow;

use std::collections::BTreeSet;
use std::path::Path;

use hizo_keeper::{EmbeddedKeeper, Error as KeeperError, Seeds};
use hizo_ledger::id::{ObjectId, RecordId};
use hizo_ledger::log::note::NamedKey;
use hizo_ledger::record::{AdminRule, Control, Origin, Record, Role, UnverifiedRecord};
use hizo_vault::age;
use hizo_vault::event::Event;
use hizo_vault::joining::Invite;
use hizo_vault::keys::IdentityFile;
use zeroize::Zeroizing;

use crate::entropy::random;
use crate::failure::{Failure, Kind, Outcome, shown, shown_bytes};
use crate::features::proof;
use crate::home::{self, Departure, Home, Pinned};
use crate::keeper::Keeper;
use crate::log::{self, SeenLog};
use crate::membership::{Proposed, Proposing};
use crate::receipts::{self, Answer};
use crate::safe::{self, Draft, Keyring, Safe, destination};
use crate::system;
use crate::there::There;
use crate::words::{Words, words};
use crate::{Setting, bundle, membership};
use bringing::{Bringing, Brought, Missing};

/// How often what a keeper has lost meanwhile is brought again.
const TRIES: usize = 4;

/// Length of a second admin's answer, at most, in bytes.
const ANSWER_BYTES_MAX: usize = 128 << 10;

/// What came of it.
pub(crate) struct Moved {
    pub from: Origin,
    pub to: Origin,
    /// The record by which it moved, and its number.
    pub record: RecordId,
    pub number: u64,
    /// Objects that were brought by this run, and their bytes.
    pub objects: usize,
    pub bytes: u64,
    /// What nobody has any more.
    pub missing: Vec<Missing>,
    /// Deposits of which the keeper so far has shown no proof.
    pub unproved: usize,
    /// What it promised, if it has not kept that.
    pub broken: Option<Failure>,
    /// What went wrong with the keeper so far, so that it was not told.
    pub untold: Option<Failure>,
    pub answer: Answer,
}

/// A move that another admin has to sign first, and what was brought already.
pub(crate) struct Waiting {
    pub proposed: Proposed,
    pub to: Origin,
    pub address: String,
    /// The keys of the new keeper's log and receipts.
    pub keys: [NamedKey; 2],
    pub objects: usize,
    pub bytes: u64,
    pub missing: Vec<Missing>,
}

/// How far a safe came.
pub(crate) enum Came {
    There(Box<Moved>),
    Waits(Box<Waiting>),
}

/// In which way a safe is moved.
pub(crate) struct Way<'a> {
    pub without_the_missing: bool,
    /// Where the move goes that two admins have to sign.
    pub proposing: &'a Proposing,
    /// What the second one has signed.
    pub agreed: Option<&'a Path>,
}

/// Moves the safe to a keeper at an address, or else to one in the home folder; where two admins have to sign that, brings everything
/// and proposes it. Cut short anywhere, the same goes on.
///
/// # Errors
/// When something is missing and it was not said that the safe moves without: nothing was changed then.
pub(crate) fn move_to(setting: &Setting, to: Option<&There>, way: &Way<'_>) -> Outcome<Came> {
    let without_the_missing = way.without_the_missing;
    let home = setting.home()?;
    let _turn = home.lock_move()?;
    let (safe, untold) = last_seen(setting, &home, way)?;
    let identity = safe::open_identity(&home, &setting.read_passphrase()?)?;
    let keyring = may_move(setting, &safe, &identity, untold.is_some())?;
    let (new, pinned) = match to {
        Some(there) => there.introduced(home.folder(), identity.signing_seed.clone())?,
        None => here(&home)?,
    };
    if pinned.origin == home.keeper {
        return Err(Failure::fixable(words!("the safe is kept there already", "金庫は、もうそこに預けてあります"))
            .hint(words!("There is nothing to do.", "何もする必要はありません。")));
    }
    let next = home.moving_to(&pinned, to.and_then(|there| there.roots.as_deref()), None)?;
    if let Some(elsewhere) = safe.departure().and_then(destination).filter(|origin| **origin != pinned.origin) {
        return Err(Failure::fixable(words!(
            "the safe has moved to yet another keeper, {elsewhere}",
            "金庫は、別の預け先（{elsewhere}）にもう移っています"
        ))
        .hint(words!(
            "Follow it there first: `hizo move --follow`.",
            "先に `hizo move --follow` で、そちらに切り替えてください。"
        )));
    }
    if !is_there(&safe, &new)? {
        let moving = Moving { setting, home, next, pinned, new, identity, without_the_missing };
        return match moving.waits(&safe, keyring.as_ref(), way)? {
            Some(keyring) => moving.propose(&safe, keyring, way.proposing).map(Box::new).map(Came::Waits),
            None => moving.run(safe, untold).map(Box::new).map(Came::There),
        };
    }
    // Somebody has done it: this machine before it was cut short, or another admin.
    let asked = ask_log(&safe)?;
    arrive(&home, &next, Done { asked, ..Done::default() }).map(Box::new).map(Came::There)
}

/// Makes sure that an identity may move the safe and that no alarm is open; where the keeper `is_gone`, as far as that can be told.
///
/// # Errors
/// When it is no admin's, or acts for an organisation that has not delegated as much. Exit code 5 when somebody has to be removed first.
fn may_move(setting: &Setting, safe: &Safe, identity: &IdentityFile, is_gone: bool) -> Outcome<Option<Keyring>> {
    membership::check_admin(safe, identity).map_err(|failure| Failure {
        message: words!("only an admin moves a safe", "金庫を移せるのは管理者だけです"),
        ..failure
    })?;
    let keyring = match setting.unlock_with(safe, identity) {
        Err(failure) if is_gone && failure.kind != Kind::Lying => return Ok(None),
        keyring => keyring?,
    };
    keyring.people()?.covers(&identity.signing_seed.identity_key().verifying_key(), Role::Admin)?;
    Ok(Some(keyring))
}

/// Whether the space is at its new keeper already, with what this machine has of it.
fn is_there(safe: &Safe, new: &Keeper) -> Outcome<bool> {
    let needed = match safe.departure() {
        Some(record) => record.number(),
        None => safe.chain.head().number + 1,
    };
    Ok(new.head(safe.home.space)?.is_some_and(|head| head.number >= needed))
}

/// The safe as its keeper so far shows it; where that cannot be had and need not, as this machine has followed it, and why.
fn last_seen(setting: &Setting, home: &Home, way: &Way<'_>) -> Outcome<(Safe, Option<Failure>)> {
    let without_the_missing = way.without_the_missing;
    let failure = match Safe::open_wherever(home.clone()) {
        Ok(mut safe) => {
            // What two admins have signed goes behind the state that they saw: what waits goes to the new keeper.
            if way.agreed.is_none()
                && safe.departure().is_none()
                && let Err(failure) = setting.send_what_waits(&mut safe)
            {
                if !without_the_missing {
                    return Err(failure.hint(move_without()));
                }
                // It goes to the new keeper.
                let why = failure.message;
                setting.console.warn(words!(
                    "what waits for the keeper is not sent yet: {why}",
                    "待っているものは、まだ送れていません: {why}";
                    why
                ));
            }
            return Ok((safe, None));
        }
        Err(failure) => failure,
    };
    if home.address().is_none() || matches!(failure.kind, Kind::Usage | Kind::Internal) {
        return Err(failure);
    }
    if !without_the_missing {
        return Err(failure.hint(move_without()));
    }
    let mut safe = Safe::remembered(home.clone())?;
    if failure.is_unreachable() {
        safe.leave_keeper()?;
    }
    Ok((safe, Some(failure)))
}

fn move_without() -> Words {
    words!(
        "Nothing was changed. If the keeper does not come back or does not tell the truth, move without it: with --without-the-missing this machine goes on from all that it has followed. What others have deposited since is then not in the safe.",
        "何も変更していません。預け先が戻らない、または信用できないなら、--without-the-missing を付けると、このコンピューターが確かめた記録から続けます。その後にほかの人が預けたものは、金庫に残りません。"
    )
}

/// A keeper in the home folder: the one that had the space before, if one did.
fn here(home: &Home) -> Outcome<(Keeper, Pinned)> {
    if home.address().is_none() {
        return Err(Failure::fixable(words!(
            "the safe is kept in a folder of this machine already",
            "金庫は、もうこのコンピューターのフォルダーに預けてあります"
        ))
        .hint(words!("There is nothing to do.", "何もする必要はありません。")));
    }
    let terms = home.terms_here();
    system::create_private_directory(&terms).map_err(|error| Failure::file("make the folder", &terms, error))?;
    let seeds = Seeds { origin: random(), log_key: Zeroizing::new(random()) };
    let keeper = EmbeddedKeeper::init_embedded(&home::keeper_folder(&terms), &seeds).map_err(Failure::from)?;
    let pinned = Pinned::here(&terms, &keeper)?;
    Ok((Keeper::Here(Box::new(keeper)), pinned))
}

/// A move that is under way.
struct Moving<'a> {
    setting: &'a Setting,
    home: Home,
    /// The home as it will be.
    next: Home,
    pinned: Pinned,
    new: Keeper,
    identity: IdentityFile,
    without_the_missing: bool,
}

/// What was done on the way.
#[derive(Default)]
struct Done {
    brought: Brought,
    asked: Asked,
    untold: Option<Failure>,
}

impl Moving<'_> {
    /// Whether another admin has to sign the move first: then what this one opens. Takes up what the other one has signed.
    ///
    /// # Errors
    /// When what was agreed on is another move than this one, or ended with a later record.
    fn waits<'k>(&self, safe: &Safe, keyring: Option<&'k Keyring>, way: &Way<'_>) -> Outcome<Option<&'k Keyring>> {
        if safe.chain.admin_rule() == AdminRule::One {
            if way.agreed.is_some() {
                return Err(Failure::fixable(words!(
                    "one admin moves this safe: nobody has to agree",
                    "この金庫は管理者1人で移せます。同意はいりません"
                ))
                .hint(words!("Run it without --agreed.", "--agreed を付けずに実行してください。")));
            }
            return way.proposing.check(safe, &self.moves()).map(|_| None);
        }
        if self.next.address().is_none() {
            return Err(Failure::fixable(words!(
                "two admins change this safe, and only this machine would reach it in its folder",
                "この金庫は管理者2人で変更しますが、このコンピューターのフォルダーには、ほかの人から届きません"
            ))
            .hint(words!(
                "Move it to a keeper that both reach, with --to.",
                "2人とも使える預け先を --to で指定してください。"
            )));
        }
        let keyring = keyring.ok_or_else(|| {
            Failure::new(
                Kind::Unknown,
                words!(
                    "without what this identity opens nobody can tell what both admins agree on",
                    "この鍵で開けられるものがないと、2人が同意した内容を確かめられません"
                ),
            )
        })?;
        if let Some(record) = safe.departure() {
            // Both have signed it, and the keeper so far has it, if it is not gone.
            let noted = self.next.departure()?.filter(|signed| signed.record.id() == record.id());
            let events = match noted.and_then(|signed| signed.body) {
                Some(body) => events_of(keyring, record, Some(&body))?,
                None => keyring.events(safe, record)?,
            };
            return self.is_agreed(&events).map(|()| None);
        }
        let mut signed = self.next.departure()?;
        if let Some(answer) = way.agreed {
            signed = Some(self.answered(signed, answer)?);
        }
        match signed {
            Some(signed) if way.agreed.is_some() || self.is_ready(safe, &signed, way) => {
                if signed.record.envelope().prev != Some(safe.chain.head().id) {
                    return Err(safe::moved_on());
                }
                let next = safe.chain.check(signed.record.clone()).map_err(no_answer)?;
                let events = events_of(keyring, next.record(), signed.body.as_ref())?;
                self.is_agreed(&events)?;
                let after = keyring.people()?.with(safe, next.record(), events);
                after.map_err(no_answer_because)?;
                self.next.note_departure(&signed)?;
                Ok(None)
            }
            _ => way.proposing.check(safe, &self.moves()).map(|_| Some(keyring)),
        }
    }

    /// Whether both have signed it for this state of the safe, by an earlier try, and nothing else was asked for.
    fn is_ready(&self, safe: &Safe, signed: &Departure, way: &Way<'_>) -> bool {
        !way.proposing.names_a_file()
            && signed.record.signatures().len() == AdminRule::Two.admins()
            && signed.record.envelope().prev == Some(safe.chain.head().id)
    }

    /// What the record by which it moves says in the clear.
    fn moves(&self) -> Draft {
        Draft { controls: vec![Control::Origin(self.pinned.origin.clone())], ..Draft::default() }
    }

    /// What this machine has proposed last, with the signature of the second admin.
    fn answered(&self, proposed: Option<Departure>, answer: &Path) -> Outcome<Departure> {
        let bytes = bundle::read(answer, ANSWER_BYTES_MAX)?;
        let file = shown(answer);
        let opened = age::open_own(bytes, &self.identity.identity).map_err(|error| {
            Failure::fixable(words!("{file} is no answer for you", "{file} は、あなたへの答えではありません"))
                .hint(words!(
                    "The answer is for whoever proposed the move.",
                    "答えを開けるのは、移転を提案した人だけです。"
                ))
                .source(error)
        })?;
        let record = UnverifiedRecord::parse(&opened).map_err(no_answer)?;
        match proposed {
            Some(Departure { record: own, body }) if own.signed_bytes() == record.signed_bytes() => {
                Ok(Departure { record, body })
            }
            _ => Err(Failure::fixable(words!(
                "{file} does not answer what this machine proposed last for this keeper",
                "{file} は、この預け先についてこのコンピューターが最後に書いた提案への答えではありません",
                file = shown(answer)
            ))
            .hint(words!(
                "Nothing was changed. Finish the move on the machine that proposed it, or propose it anew.",
                "何も変更していません。提案したコンピューターで移転を済ませるか、もう一度提案してください。"
            ))),
        }
    }

    /// Makes sure that the keeper as it shows itself now is the one that both admins have signed.
    ///
    /// # Errors
    /// Exit code 5 when it has other keys.
    fn is_agreed(&self, events: &[Event]) -> Outcome<()> {
        let said = events.iter().find_map(|event| match event {
            Event::KeeperMoved { invite } => Invite::parse(format!("{invite}\n").as_bytes()).ok(),
            _ => None,
        });
        let said = said.ok_or_else(|| Failure::internal_message("a move that two admins sign says where"))?;
        let Pinned { origin, receipt_key, address, .. } = &self.pinned;
        if (&said.keeper, &said.log_key, &said.receipt_key) != (origin, &log::named_key(&self.next)?, receipt_key) {
            return Err(log::lying(words!(
                "it shows another name or key than the ones that both admins have signed",
                "管理者2人が署名したものとは別の名前か鍵を見せています"
            )));
        }
        let roots = self.next.keeper_roots()?;
        if address.as_ref() != Some(&said.address) || roots.as_deref() != said.roots.as_deref().map(str::as_bytes) {
            let agreed = shown_bytes(said.address.as_bytes());
            return Err(Failure::fixable(words!(
                "both admins have signed that the safe goes to {agreed}",
                "管理者2人が署名した移転先は {agreed} です"
            ))
            .hint(words!(
                "Name that address with --to, and the same --keeper-roots; or propose the move anew.",
                "そのアドレスを --to で、--keeper-roots も提案のときと同じに指定するか、もう一度提案してください。"
            )));
        }
        Ok(())
    }

    /// Brings everything, signs the move as the first admin, and hands it out. What was proposed before has ended with that.
    fn propose(&self, safe: &Safe, keyring: &Keyring, proposing: &Proposing) -> Outcome<Waiting> {
        let mut bringing = Bringing::new(&self.home, &self.new, &self.next)?;
        self.bring(&mut bringing, safe, 0, &BTreeSet::new())?;
        let Departure { record, body } = self.sign(safe, &mut bringing)?;
        let body = body.ok_or_else(|| Failure::internal_message("a move to an address says where that is"))?;
        let proposed = proposing.hand_out(safe, keyring, record, &[body])?;
        let Brought { objects, bytes, missing } = bringing.brought;
        Ok(Waiting {
            proposed,
            to: self.pinned.origin.clone(),
            address: self.pinned.address.clone().unwrap_or_default(),
            keys: [log::named_key(&self.next)?, self.pinned.receipt_key.clone()],
            objects,
            bytes,
            missing,
        })
    }

    fn run(&self, mut safe: Safe, mut untold: Option<Failure>) -> Outcome<Moved> {
        let mut bringing = Bringing::new(&self.home, &self.new, &self.next)?;
        let nothing = BTreeSet::new();
        if let Some(Departure { body: Some(body), .. }) = self.next.departure()? {
            // By an earlier try it may have been there for so long that it was swept.
            bringing.put(safe.home.space, body)?;
        }
        self.bring(&mut bringing, &safe, 0, &nothing)?;
        let brought = safe.records.len();
        let slot_key = log::slot_key(&safe)?;
        let asked = ask_log(&safe)?;
        if safe.departure().is_none() {
            let refused = self.depart(&mut safe, &mut bringing, untold.is_none())?;
            untold = untold.or(refused);
            // Others may have added something until then; and there is the record itself.
            self.bring(&mut bringing, &safe, brought, &nothing)?;
        }
        let notes: Vec<Vec<u8>> = safe.records.iter().map(|record| record.note_bytes().to_vec()).collect();
        for last in (0..TRIES).rev() {
            let absent = bringing.brought.missing.iter().map(|missing| missing.object).collect();
            match self.new.take_over(safe.home.space, &notes, &slot_key, &absent) {
                Ok(()) => break,
                Err(KeeperError::PutAgain { objects }) if last > 0 => {
                    if last < TRIES - 1 {
                        bringing.forget()?;
                    }
                    self.bring(&mut bringing, &safe, 0, &objects.into_iter().collect())?;
                }
                Err(KeeperError::Conflict { .. }) => return Err(another_history()),
                Err(error) => return Err(error.into()),
            }
        }
        if self.next.address().is_some() && self.home.slot_key()?.is_none() {
            Home::write_slot_key(self.home.folder(), &slot_key)?;
        }
        arrive(&self.home, &self.next, Done { brought: bringing.brought, asked, untold })
    }

    /// Brings what the records from one on name.
    ///
    /// # Errors
    /// When something is missing and must not be; when something could not be asked for.
    fn bring(&self, bringing: &mut Bringing<'_>, safe: &Safe, from: usize, again: &BTreeSet<ObjectId>) -> Outcome<()> {
        bringing.bring(safe, from, self.setting.console, again)?;
        let missing = &bringing.brought.missing;
        if missing.is_empty() || self.without_the_missing {
            return Ok(());
        }
        bringing::name(self.setting, safe, &self.identity, missing);
        let count = missing.len();
        Err(Failure::untrue(words!(
            "the keeper withholds {count} objects that records of this safe name, and this machine does not have them",
            "この金庫の記録にある部品のうち{count}個を、預け先が出さず、このコンピューターにもありません"
        ))
        .hint(words!(
            "The safe has not moved. Ask the keeper for them, or put them back from a copy; or move without them: --without-the-missing.",
            "まだ移していません。預け先に求めるか、控えから戻してください。それらなしで移すなら --without-the-missing を付けてください。"
        )))
    }

    /// Has the space leave the keeper so far, by a record that is appended there: why not, where that was to be done without.
    fn depart(&self, safe: &mut Safe, bringing: &mut Bringing<'_>, may_tell: bool) -> Outcome<Option<Failure>> {
        let untold = match may_tell.then(|| self.tell(safe, bringing)) {
            None => None,
            Some(Err(failure)) if self.without_the_missing => Some(failure),
            Some(told) => return told.map(|()| None),
        };
        // What it has shown that holds was followed: the record goes behind that.
        safe.has_not_moved()?;
        let Departure { record, .. } = self.departure(safe, bringing)?;
        safe.take_alone(record)?;
        Ok(untold)
    }

    /// Appends it at the keeper so far, behind what others may have added.
    fn tell(&self, safe: &mut Safe, bringing: &mut Bringing<'_>) -> Outcome<()> {
        loop {
            let Departure { record, body } = self.departure(safe, bringing)?;
            body.map_or(Ok(()), |body| safe.put(body).map(drop))?;
            match safe.keeper.append(safe.home.space, record.note_bytes()) {
                // The new keeper's promise for it is asked for once the space is there.
                Ok(_) => return safe.take_kept(record, None),
                Err(KeeperError::Conflict { .. }) => {
                    if safe.after_conflict(record.id()).map_err(|failure| failure.hint(move_without()))? {
                        return Ok(());
                    }
                    // Another admin may have moved it meanwhile.
                    safe.has_not_moved()?;
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// The record by which the space moves, after its head, with its body at the new keeper. What was signed for this place before is
    /// used again: the keeper so far may have it, though its answer was lost.
    ///
    /// # Errors
    /// When two admins have signed it for another state of the safe.
    fn departure(&self, safe: &Safe, bringing: &mut Bringing<'_>) -> Outcome<Departure> {
        let moves_there = |control: &Control| matches!(control, Control::Origin(to) if *to == self.pinned.origin);
        if let Some(signed) = self.next.departure()?
            && signed.record.envelope().prev == Some(safe.chain.head().id)
            && signed.record.envelope().controls.iter().any(moves_there)
            && signed.record.signatures().len() == safe.chain.admin_rule().admins()
        {
            return Ok(signed);
        }
        match safe.chain.admin_rule() {
            AdminRule::One => self.sign(safe, bringing),
            AdminRule::Two => Err(safe::moved_on()),
        }
    }

    /// Signs it, and writes it down before anybody is shown it.
    fn sign(&self, safe: &Safe, bringing: &mut Bringing<'_>) -> Outcome<Departure> {
        let body = self.say_where(safe)?;
        let named = body.clone().map(|body| bringing.put(safe.home.space, body)).transpose()?;
        let draft = Draft { body: named, ..self.moves() };
        let record = safe.sign(&self.identity.signing_seed.space_key(&safe.home.space), &draft)?;
        let departure = Departure { record, body };
        self.next.note_departure(&departure)?;
        Ok(departure)
    }

    /// Seals where the new keeper is, for members who read; nothing where it has no address.
    fn say_where(&self, safe: &Safe) -> Outcome<Option<Vec<u8>>> {
        let Some(invite) = self.next.invite(safe.chain.head())? else { return Ok(None) };
        let text = String::from_utf8(invite.compose()).map_err(Failure::internal)?;
        let event = Event::KeeperMoved { invite: text.trim_end().to_owned() };
        match safe.recipient() {
            Ok(recipient) => safe::seal_body(&[event], &recipient).map(Some),
            // Where a keeper that is gone withholds even that, the address goes another way.
            Err(_) if self.without_the_missing && safe.chain.admin_rule() == AdminRule::One => Ok(None),
            Err(failure) => Err(failure),
        }
    }
}

/// The last step: the home is one of the new keeper, and its promise is asked for.
///
/// # Errors
/// When the new keeper does not show this machine all that it has seen, and the move: the home stays as it was.
fn arrive(home: &Home, next: &Home, done: Done) -> Outcome<Moved> {
    let safe = Safe::follow_to(next.clone(), Keeper::open(next)?)?;
    safe.has_not_moved()?;
    safe.settle_move()?;
    let moved = safe.records.iter().rfind(|record| destination(record) == Some(&next.keeper));
    let moved = moved.ok_or_else(|| Failure::internal_message("the record of the move is gone"))?;
    let Done { brought: Brought { objects, bytes, missing }, asked, untold } = done;
    Ok(Moved {
        from: home.keeper.clone(),
        to: next.keeper.clone(),
        record: moved.id(),
        number: moved.number(),
        objects,
        bytes,
        missing,
        unproved: asked.unproved,
        broken: asked.broken,
        untold,
        answer: receipts::answer(&safe, moved.id()),
    })
}

/// What the log of the keeper so far shows, when the safe leaves it.
#[derive(Default)]
struct Asked {
    /// Deposits of which it has shown no proof.
    unproved: usize,
    /// A promise that it has not kept, and from now on cannot be held to.
    broken: Option<Failure>,
}

/// Writes down what the log of the keeper so far says of each deposit, for when it is gone, if it can be asked, and calls in what it has
/// promised. If it had shown more before, that stays.
fn ask_log(safe: &Safe) -> Outcome<Asked> {
    let home = &safe.home;
    let before = match home.former_folder().exists() {
        true => {
            let written = safe.when_kept_by(&home.keeper)?;
            written.and_then(|written| proved(&written, SeenLog::publish(&written).as_ref().ok()))
        }
        false => None,
    };
    let (mut now, mut broken) = (None, None);
    if !safe.is_away() {
        let asked = safe.writing_down()?;
        let seen = SeenLog::publish(&asked);
        now = proved(&asked, seen.as_ref().ok());
        broken = receipts::remind_by(&asked, seen).err();
    }
    if now.is_some() && now >= before {
        home.settle_former()?;
    }
    Ok(Asked { unproved: kept_there(safe).count().saturating_sub(now.max(before).unwrap_or(0)), broken })
}

/// Of how many deposits the log of their keeper shows a proof; nothing where it shows no log.
fn proved(safe: &Safe, seen: Option<&SeenLog>) -> Option<usize> {
    if safe.keeper.here().is_some() {
        // It stays where it is.
        return Some(kept_there(safe).count());
    }
    let seen = seen?;
    Some(kept_there(safe).filter(|record| proof::logged(safe, seen, record, &[]).is_ok()).count())
}

/// The deposits that were made at the keeper of this safe.
fn kept_there(safe: &Safe) -> impl Iterator<Item = &Record> {
    let deposits = safe.records.iter().filter(|record| record.envelope().deposit.is_some());
    deposits.filter(|record| record.envelope().keeper == safe.home.keeper)
}

/// What a record that does not stand yet says, by its body that is at hand.
fn events_of(keyring: &Keyring, record: &Record, body: Option<&Vec<u8>>) -> Outcome<Vec<Event>> {
    let body = record.body_object().zip(body).and_then(|(named, body)| named.verify(body.clone()).ok());
    let body = body.ok_or_else(|| Failure::internal_message("the body of a move is written down with it"))?;
    keyring.events_in(record, body)
}

/// What came back is no record that two admins have signed.
fn no_answer(error: impl std::error::Error + Send + Sync + 'static) -> Failure {
    no_answer_because(error.to_string().into()).source(error)
}

fn no_answer_because(why: Words) -> Failure {
    Failure::untrue(words!("the answer does not hold: {why}", "答えが正しくありません（{why}）"; why)).hint(words!(
        "Nothing was changed. Ask whoever signed it, or propose the move anew.",
        "何も変更していません。署名した人に確かめるか、もう一度提案してください。"
    ))
}

fn another_history() -> Failure {
    Failure::new(
        Kind::Lying,
        words!(
            "the new keeper has another history of this safe already",
            "新しい預け先に、この金庫の別の履歴がすでにあります"
        ),
    )
    .hint(words!(
        "Another admin has moved a fork of it there: ask them, and compare `hizo space head`. This machine goes on with what it has followed.",
        "別の管理者が、枝分かれしたものを移しています。その人に確かめ、`hizo space head` の言葉を比べてください。このコンピューターは、確かめた履歴を使い続けます。"
    ))
}
