//! The pages on which an admin hands out an invite, and lets in whoever sends a request.

use std::path::Path;
use std::sync::Arc;

use askama::Template;
use hizo_ledger::id::RecordId;
use hizo_ledger::record::{Control, Role};
use hizo_vault::fingerprint::Spoken;

use super::super::admit::{Ear, LetIn, Letting, let_in};
use super::{admin, made, make, role_of, roles};
use crate::desk::picker::{self, Picker};
use crate::desk::shown::spoken;
use crate::desk::{Frame, Reply, Unlocked, Visit};
use crate::failure::{Failure, Outcome, shown_bytes};
use crate::membership::{self, Asked, Made};
use crate::people::shown_organisation;
use crate::words::{Words, words};

/// The invite, to be given to somebody.
pub(crate) fn invite(_visit: &Visit, unlocked: &Arc<Unlocked>) -> Outcome<Reply> {
    let invite = unlocked.look()?.safe.invite_to_join()?;
    Ok(Reply::Save { name: "invite", bytes: invite.compose() })
}

#[derive(Template)]
#[template(path = "pick-request.html")]
struct PickPage<'v> {
    f: Frame<'v>,
    back: String,
    here: String,
    picker: Picker,
    fault: Option<String>,
}

/// Where the request is.
pub(crate) fn choose(visit: &Visit, unlocked: &Arc<Unlocked>) -> Outcome<Reply> {
    if let Some(file) = picker::file(visit)? {
        return admit_page(visit, unlocked, &file, None);
    }
    let (picker, fault) = Picker::for_a_file(visit)?;
    let fault = fault.map(|failure| failure.told_in(visit.language()));
    visit.page(&PickPage {
        f: visit.frame(visit.text().say("admit-title"), "hizo space admit …"),
        back: visit.at("/people"),
        here: visit.at("/people/admit"),
        picker,
        fault,
    })
}

/// The words of a form; without them, what was asked.
struct Typed<'v> {
    words: &'v str,
    question: Option<Words>,
    told: Vec<Words>,
}

impl Ear for Typed<'_> {
    fn told(&mut self, words: Words) {
        self.told.push(words);
    }

    fn heard(&mut self, question: Words) -> Outcome<String> {
        self.question = Some(question);
        match self.words.trim() {
            "" => Err(Failure::fixable(words!("the words that you heard are needed", "聞き取った言葉が必要です"))),
            words => Ok(words.to_owned()),
        }
    }
}

#[derive(Template)]
#[template(path = "admit.html")]
struct AdmitPage<'v> {
    f: Frame<'v>,
    back: String,
    act: String,
    file: String,
    name: String,
    machine: String,
    organisation: Option<String>,
    /// What is to be asked on the telephone; nothing where it was asked before.
    question: Option<String>,
    roles: Vec<(&'static str, String, bool)>,
    notes: Vec<String>,
    propose: Option<String>,
    fault: Option<(String, Option<String>)>,
}

/// Who asks to come, what he may do, and what is to be compared.
fn admit_page(visit: &Visit, unlocked: &Unlocked, file: &Path, fault: Option<&Failure>) -> Outcome<Reply> {
    let (t, language) = (visit.text(), visit.language());
    let (safe, admin) = admin(unlocked)?;
    let asked = membership::read_asked(file, &safe)?;
    let mut ear = Typed { words: "", question: None, told: Vec::new() };
    let letting = Letting { role: None, history: false, rotation: true };
    if let Err(failure) = let_in(&safe, &admin, &asked, letting, &mut ear)
        && ear.question.is_none()
    {
        return Err(failure);
    }
    let request = asked.request();
    let meant = match (&asked, role_of(visit.field("role"))) {
        (_, Some(role)) => role,
        (Asked::Delegated(delegated), None) => delegated.delegation.role,
        (Asked::Alone(_), None) => Role::ReaderWriter,
    };
    visit.page(&AdmitPage {
        f: visit.frame(t.say("admit-title"), "hizo space admit … --words …"),
        back: visit.at("/people"),
        act: visit.at("/people/admit/now"),
        file: picker::carried(file),
        name: shown_bytes(request.said.name.as_bytes()),
        machine: shown_bytes(request.said.machine.as_bytes()),
        organisation: match &asked {
            Asked::Delegated(delegated) => Some(shown_organisation(&delegated.card).to(language).to_owned()),
            Asked::Alone(_) => None,
        },
        question: ear.question.map(|question| question.to(language).to_owned()),
        roles: roles(visit, Some(meant)),
        notes: ear.told.iter().map(|note| note.to(language).to_owned()).collect(),
        propose: visit.proposal_file(&safe),
        fault: fault.map(|failure| visit.fault(failure)),
    })
}

/// Lets him in.
pub(crate) fn admit(visit: &Visit, unlocked: &Arc<Unlocked>) -> Outcome<Reply> {
    let file = picker::carried_in(visit, "request")?;
    let (mut safe, admin) = admin(unlocked)?;
    let asked = membership::read_asked(&file, &safe)?;
    let letting = Letting {
        role: role_of(visit.field("role")),
        history: visit.has("history"),
        rotation: !visit.has("no-rotation"),
    };
    let mut ear = Typed { words: visit.field("words"), question: None, told: Vec::new() };
    let change = match let_in(&safe, &admin, &asked, letting, &mut ear) {
        Ok(LetIn { change, .. }) => change,
        // Whoever mistyped types again; nothing was done.
        Err(failure) if ear.question.is_some() => {
            return admit_page(visit, unlocked, &file, Some(&failure));
        }
        Err(failure) => return Err(failure),
    };
    let done = make(visit, unlocked, &mut safe, &admin, change)?;
    let go = match &done {
        Made::Stands(appended) => format!("/people/admitted/{}", appended.id),
        Made::Proposed(_) => "/people".into(),
    };
    made(visit, done, &go)
}

#[derive(Template)]
#[template(path = "admitted.html")]
struct AdmittedPage<'v> {
    f: Frame<'v>,
    back: String,
    name: String,
    words: String,
    other: String,
}

/// The words by which somebody who was let in finds that it is this safe.
pub(crate) fn admitted(visit: &Visit, unlocked: &Arc<Unlocked>) -> Outcome<Reply> {
    let (t, looked) = (visit.text(), unlocked.look()?);
    let id = RecordId::from_hex(visit.param("record")).ok();
    let record = id.and_then(|id| looked.safe.records.iter().find(|record| record.id() == id));
    let came = record.and_then(|record| {
        record.envelope().controls.iter().find_map(|control| match control {
            Control::Member { key, .. } => Some(*key),
            _ => None,
        })
    });
    let Some((record, key)) = record.zip(came) else { return Ok(visit.go("/people")) };
    let name =
        looked.keyring.people()?.name(&key).map_or_else(|| key.name().to_string(), |name| shown_bytes(name.as_bytes()));
    let (words, other) = spoken(visit, &Spoken::of_head(&record.id()));
    visit.page(&AdmittedPage {
        f: visit.frame(t.one("admitted-title", "name", name.clone()), "").tab(t.say("door-people")),
        back: visit.at("/people"),
        name,
        words,
        other,
    })
}
