//! `hizo space admit`

use std::path::PathBuf;

use hizo_ledger::id::RecordId;
use hizo_ledger::record::{Control, Role};
use hizo_vault::event::Event;
use hizo_vault::fingerprint::Spoken;
use hizo_vault::joining::Request;
use hizo_vault::organisation::{DelegatedRequest, Delegations};
use serde_json::json;

use super::entering::{self, Admin};
use crate::failure::{Failure, Outcome, shown_bytes};
use crate::membership::{self, Asked, Change, Made, Proposing, RoleWord, of_machine};
use crate::people::{Person, shown_organisation};
use crate::safe::Safe;
use crate::words::{Words, words};
use crate::{Setting, directory, epochs};

/// Let in whoever sent a request, once you have heard the same words from that person
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The request
    #[arg(value_name = "FILE")]
    request: PathBuf,
    /// The ten words that the person reads out to you, or those of the organisation; without them they are asked for
    #[arg(long, value_name = "WORDS")]
    words: Option<String>,
    /// What the person may do; reader+writer if nothing is said, or what an organisation has delegated
    #[arg(long, value_enum)]
    role: Option<RoleWord>,
    /// Let the person open what was kept before, too
    #[arg(long)]
    history: bool,
    /// Do not let the organisation begin new keys by itself when somebody leaves it: an admin has to do it then
    #[arg(long)]
    no_rotation: bool,
    #[command(flatten)]
    proposing: Proposing,
}

pub(super) fn run(setting: &Setting, arguments: &Arguments) -> Outcome<()> {
    let mut safe = setting.safe()?;
    let asked = membership::read_asked(&arguments.request, &safe)?;
    let admin = Admin::of(setting, &safe)?;
    let letting = Letting {
        role: arguments.role.map(RoleWord::role),
        history: arguments.history,
        rotation: !arguments.no_rotation,
    };
    let LetIn { change, is_known, closed } =
        let_in(&safe, &admin, &asked, letting, &mut Terminal { setting, words: arguments.words.as_deref() })?;
    let appended = match admin.make(change, &mut safe, &arguments.proposing)? {
        Made::Stands(appended) => appended,
        Made::Proposed(proposed) => return proposed.tell(setting),
    };
    tell(setting, &safe, &asked, (is_known, &closed), appended.id);
    appended.promised
}

/// What somebody may do who is let in.
#[derive(Debug, Clone, Copy)]
pub(super) struct Letting {
    /// Reader and writer if nobody says, or what his organisation has delegated.
    pub role: Option<Role>,
    /// Whether he opens what was kept before, too.
    pub history: bool,
    /// Whether his organisation may begin new keys by itself.
    pub rotation: bool,
}

/// Who hears the words of somebody, and is told what he should know of him.
pub(super) trait Ear {
    fn told(&mut self, words: Words);
    /// The words that were heard when this was asked.
    fn heard(&mut self, question: Words) -> Outcome<String>;
}

struct Terminal<'a> {
    setting: &'a Setting,
    words: Option<&'a str>,
}

impl Ear for Terminal<'_> {
    fn told(&mut self, words: Words) {
        self.setting.console.warn(words);
    }

    fn heard(&mut self, question: Words) -> Outcome<String> {
        entering::heard(self.setting, self.words, question)
    }
}

/// A change that lets somebody in.
pub(super) struct LetIn {
    pub change: Change,
    /// He was a member before, and comes with another machine or delegation.
    pub is_known: bool,
    /// Epochs that stay closed to his organisation.
    pub closed: Vec<u32>,
}

/// Lets in whoever sent a request, once his words were heard; those of somebody who is a member already were.
///
/// # Errors
/// When the words are others, or this admin may not let him in.
pub(super) fn let_in(safe: &Safe, admin: &Admin, asked: &Asked, letting: Letting, ear: &mut dyn Ear) -> Outcome<LetIn> {
    let request = asked.request();
    let people = admin.keyring.people()?;
    let known = people.persons(safe).into_iter().find(|person| person.identity == Some(request.person.identity));
    let is_there = safe.chain.role(&request.device.key).is_some();
    let change = match (asked, &known) {
        (Asked::Delegated(delegated), Some(person)) => delegate_again(safe, admin, delegated, person)?,
        (Asked::Alone(_), _) if is_there => {
            return Err(Failure::fixable(words!(
                "whoever sent this request was let in already",
                "この参加願の人は、すでに加わっています"
            )));
        }
        // Whose it is was heard when the person came; the request is signed by the same identity.
        (Asked::Alone(_), Some(person)) => machine(request, person),
        (Asked::Alone(_), None) if people.delegations.organisation_of(&request.person.identity).is_some() => {
            return Err(Failure::fixable(words!(
                "that person acted for an organisation here, and acts here for nobody else",
                "その人はこの金庫で機関の人として加わっていたため、個人としては加われません"
            ))
            .hint(words!(
                "Ask the organisation for a delegation, or let the person join with another identity.",
                "機関に委任を出してもらうか、別の鍵で参加してもらってください。"
            )));
        }
        (Asked::Alone(_), None) => {
            let question = words!(
                "Call {name}, by a number that you knew before, and type the ten words you hear:",
                "以前から知っている番号で{name}さんに電話し、聞いた10語を入力してください:",
                name = shown_bytes(request.said.name.as_bytes())
            );
            if !request.words.is_typed(&ear.heard(question)?) {
                return Err(entering::other_words());
            }
            let role = letting.role.unwrap_or(Role::ReaderWriter);
            person(safe, admin, request, role, &people.delegations, letting)?
        }
        (Asked::Delegated(delegated), None) => act_for(safe, admin, delegated, letting, ear)?,
    };
    let closed = match asked {
        Asked::Delegated(delegated) if known.is_some() || !letting.history => {
            people.closed_to(&delegated.card.key).to_vec()
        }
        Asked::Delegated(_) | Asked::Alone(_) => Vec::new(),
    };
    if let Some(words) = says_closed(asked, &closed) {
        ear.told(words);
    }
    Ok(LetIn { change, is_known: known.is_some(), closed })
}

fn machine(request: &Request, person: &Person) -> Change {
    let role = of_machine(person.own.map_or(Role::Writer, |seat| seat.role));
    let mut change = Change::saying(membership::machine_events(request));
    change.seat(&request.device, role);
    change
}

/// Lets somebody in, where the delegations come to this.
fn person(
    safe: &Safe,
    admin: &Admin,
    request: &Request,
    role: Role,
    delegations: &Delegations,
    letting: Letting,
) -> Outcome<Change> {
    let mut change = Change::default();
    let opened = admin.opened(safe);
    let recipient = admin.keyring.people()?.recipient_by(delegations, &request.person).filter(|_| role.opens());
    let readers = epochs::readers(opened, &[])?;
    let mut to = epochs::readers_by(opened, delegations, &[])?;
    let newcomer = recipient.filter(|recipient| !readers.contains(recipient));
    if let Some(newcomer) = newcomer.filter(|_| letting.history) {
        change.give_history(opened, newcomer)?;
    }
    to.extend(recipient.filter(|recipient| !to.contains(recipient)).cloned());
    // Whoever read until now and does not any more: an organisation, by its recipient of before.
    let leaves = readers.iter().any(|reader| !to.contains(reader));
    let leaves = leaves || !admin.keyring.people()?.stale(safe, delegations).is_empty();
    if leaves || newcomer.is_some_and(|_| !letting.history) {
        change.begin_epoch(opened, &to)?;
    }
    if newcomer.is_some_and(|_| !letting.history) {
        // What was said before stays closed to the newcomer, who has to know who else reads.
        change.events = entering::retold(safe, admin)?;
    }
    change.let_in(request, role);
    Ok(change)
}

/// Lets somebody in who acts for an organisation: its words are compared, once, unless the directory has its key.
fn act_for(
    safe: &Safe,
    admin: &Admin,
    delegated: &DelegatedRequest,
    letting: Letting,
    ear: &mut dyn Ear,
) -> Outcome<Change> {
    let DelegatedRequest { request, card, delegation, note } = delegated;
    let role = letting.role.unwrap_or(delegation.role);
    let delegations = admin.keyring.people()?.delegations_with(delegated, role)?;
    let listed = directory::card_of(&safe.home, card, |words| ear.told(words))?;
    let known = listed.as_ref().or(admin.keyring.people()?.delegations.pinned(&card.key));
    let organisation = shown_organisation(known.unwrap_or(card));
    if known.is_none() {
        let question = words!(
            "Type the ten words of {organisation}, as you know them or hear them by a number that you knew before:",
            "{organisation}の10語を、以前から知っているとおりに、または以前から知っている番号で聞いて入力してください:";
            organisation
        );
        let words = Spoken::of_organisation(&card.key);
        if !words.is_typed(&ear.heard(question)?) {
            return Err(entering::other_words());
        }
    }
    let mut change = person(safe, admin, request, role, &delegations, letting)?;
    change.events.extend([membership::pins(known.unwrap_or(card)), Event::KeyDelegated { note: note.clone() }]);
    let persons = admin.keyring.people()?.persons(safe);
    let reads = |person: &Person| person.own.is_some_and(|own| own.role.opens());
    let is_first = !persons.iter().any(|it| reads(it) && it.organisation.as_ref().is_some_and(|it| it.key == card.key));
    let rotator = delegation.rotator.filter(|_| is_first && role.opens() && letting.rotation);
    let rotator = rotator.filter(|rotator| safe.chain.rotators().all(|named| named != *rotator));
    change.draft.controls.extend(rotator.map(Control::Rotator));
    Ok(change)
}

/// Says a later delegation of somebody who acts for the organisation already; a machine that is new comes with it. Where its own space has begun
/// an epoch since, so does this one: whoever left it opens nothing more.
fn delegate_again(safe: &Safe, admin: &Admin, delegated: &DelegatedRequest, known: &Person) -> Outcome<Change> {
    let DelegatedRequest { request, card, note, .. } = delegated;
    let people = admin.keyring.people()?;
    if known.organisation.as_ref().is_none_or(|organisation| organisation.key != card.key) {
        return Err(Failure::fixable(words!(
            "that person is a member already, and not for this organisation",
            "その人はすでにメンバーで、この機関の人としてではありません"
        ))
        .hint(words!(
            "Whoever is a member for himself acts here for nobody else: let the person join with another identity.",
            "個人として加わった人は、機関の人にはなれません。別の鍵で参加してもらってください。"
        )));
    }
    let said = Event::KeyDelegated { note: note.clone() };
    if people.delegations.said_of(&request.person.identity).any(|before| *before == said) {
        return Err(Failure::fixable(words!(
            "this delegation was said here already",
            "この委任は、すでに記録されています"
        )));
    }
    let role = known.own.map_or(Role::Writer, |seat| seat.role);
    let delegations = people.delegations_with(delegated, role)?;
    let mut change = match safe.chain.role(&request.device.key) {
        Some(_) => Change::default(),
        None => machine(request, known),
    };
    let opened = admin.opened(safe);
    let readers = epochs::readers_by(opened, &delegations, &[])?;
    // What was said meanwhile without an epoch is still to be sealed to, too.
    if readers != epochs::readers(opened, &[])? || !people.stale(safe, &delegations).is_empty() {
        change.begin_epoch(opened, &readers)?;
    }
    change.events.push(said);
    Ok(change)
}

/// What stays closed to an organisation that comes back.
fn says_closed(asked: &Asked, closed: &[u32]) -> Option<Words> {
    let Asked::Delegated(delegated) = asked else { return None };
    let epochs: Vec<String> = closed.iter().map(u32::to_string).collect();
    if epochs.is_empty() {
        return None;
    }
    let organisation = shown_organisation(&delegated.card);
    Some(words!(
        "what was kept in epochs {epochs} stays closed to {organisation}: they began when it had delegated nobody. `hizo space grant {name}` gives them",
        "第{epochs}期は、有効な委任がない間に始まったため、その期に預けたものを{organisation}は開けられません。`hizo space grant {name}` で渡せます",
        epochs = epochs.join(", "), name = shown_bytes(delegated.request.said.name.as_bytes());
        organisation
    ))
}

fn tell(setting: &Setting, safe: &Safe, asked: &Asked, (is_known, closed): (bool, &[u32]), record: RecordId) {
    let request = asked.request();
    let card = match asked {
        Asked::Alone(_) => None,
        Asked::Delegated(delegated) => Some(&delegated.card),
    };
    let spoken = membership::read_out(setting, &Spoken::of_head(&record));
    let result = json!({
        "name": request.said.name, "machine": request.said.machine, "known": is_known,
        "organisation": card.map(|card| &card.name), "closed": closed,
        "record": safe.chain.head().number, "id": record.to_string(), "words": spoken,
    });
    setting.console.result(result, |out| {
        let name = shown_bytes(request.said.name.as_bytes());
        let machine = shown_bytes(request.said.machine.as_bytes());
        let done = match (card.map(shown_organisation), is_known) {
            (Some(organisation), true) => words!(
                "{organisation} has delegated {name} anew",
                "{organisation}が{name}さんに改めて委任しました",
                name = name;
                organisation
            ),
            (Some(organisation), false) => words!(
                "{name} is a member now, for {organisation}",
                "{name}さんが、{organisation}の人としてメンバーになりました",
                name = name;
                organisation
            ),
            (None, true) => words!(
                "{name} has one machine more: {machine}",
                "{name}さんのコンピューター「{machine}」が加わりました"
            ),
            (None, false) => words!("{name} is a member now", "{name}さんがメンバーになりました"),
        };
        writeln!(out, "{}", setting.console.say(done))?;
        entering::write_words(out, setting, &spoken)
    });
}
