//! The pages on which a member brings in what an organisation has signed to take a delegation back.

use std::path::Path;
use std::sync::Arc;

use askama::Template;

use super::super::revoke::Revoked;
use super::told;
use crate::desk::picker::{self, Picker};
use crate::desk::{Frame, Reply, Unlocked, Visit};
use crate::failure::{Failure, Outcome};
use crate::words::words;

#[derive(Template)]
#[template(path = "take-back.html")]
struct TakeBackPage<'v> {
    f: Frame<'v>,
    back: String,
    here: String,
    act: String,
    picker: Option<Picker>,
    file: String,
    name: String,
    organisation: String,
    fault: Option<(String, Option<String>)>,
}

/// Where the file is; once it was chosen, what it says.
pub(crate) fn choose(visit: &Visit, unlocked: &Arc<Unlocked>) -> Outcome<Reply> {
    let file = picker::file(visit)?;
    page(visit, unlocked, file.as_deref(), None)
}

fn page(visit: &Visit, unlocked: &Unlocked, file: Option<&Path>, fault: Option<Failure>) -> Outcome<Reply> {
    let looked = unlocked.look()?;
    let read = |file: &Path| Revoked::read(&looked.safe, looked.keyring.people()?, file);
    let (revoked, unread) = match file.map(read) {
        Some(Ok(revoked)) => (Some(revoked), None),
        Some(Err(failure)) => (None, Some(failure)),
        None => (None, None),
    };
    let (picker, unseen) = match revoked {
        Some(_) => (None, None),
        None => Picker::for_a_file(visit).map(|(picker, unseen)| (Some(picker), unseen))?,
    };
    let language = visit.language();
    visit.page(&TakeBackPage {
        f: visit.frame(visit.text().say("take-back-title"), "hizo space revoke …"),
        back: visit.at("/people"),
        here: visit.at("/people/revoke"),
        act: visit.at("/people/revoke/now"),
        picker,
        file: file.map(picker::carried).unwrap_or_default(),
        name: revoked.as_ref().map(Revoked::shown_name).unwrap_or_default(),
        organisation: revoked.map(|revoked| revoked.organisation().to(language).to_owned()).unwrap_or_default(),
        fault: fault.or(unread).or(unseen).map(|failure| visit.fault(&failure)),
    })
}

/// Says it in the safe.
pub(crate) fn say(visit: &Visit, unlocked: &Arc<Unlocked>) -> Outcome<Reply> {
    let file = picker::carried_in(visit, "revocation")?;
    let done = || {
        let mut safe = unlocked.open_safe()?;
        let keyring = safe.unlock_with(&unlocked.identity)?;
        let people = keyring.people()?;
        let revoked = Revoked::read(&safe, people, &file)?;
        let done = revoked.done();
        let appended = revoked.say(&mut safe, people, &unlocked.identity)?;
        unlocked.forget();
        Ok((done, appended.promised))
    };
    match done() {
        Ok((done, promised)) => {
            let next = words!("An admin removes that member next.", "次に、管理者がそのメンバーを外してください。");
            let lines: Vec<_> = [done, next].into_iter().chain(promised.err().map(|failure| failure.message)).collect();
            told(visit, "take-back-done", &lines)
        }
        Err(failure) => page(visit, unlocked, Some(&file), Some(failure)),
    }
}
