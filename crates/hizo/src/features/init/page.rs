//! The first page of all: whose company it is, and the passphrase.

use std::sync::Arc;

use askama::Template;
use hizo_vault::event::NAME_BYTES_MAX;
use zeroize::Zeroizing;

use crate::desk::{Frame, Reply, Unlocked, Visit, is_safe};
use crate::failure::{Failure, Outcome, shown};
use crate::there::There;

#[derive(Template)]
#[template(path = "begin.html")]
struct BeginPage<'v> {
    f: Frame<'v>,
    name: &'v str,
    called: &'v str,
    /// One that was drawn, for who wants it. It is the same when the form comes back.
    drawn: Zeroizing<String>,
    fault: Option<String>,
    /// What was wrong with the keeper that was named, and what to do.
    fault_there: Option<(String, Option<String>)>,
    folder: String,
    visit: &'v Visit,
}

pub(crate) fn begin(visit: &Visit) -> Outcome<Reply> {
    page(visit, None, None)
}

fn page(visit: &Visit, fault: Option<String>, there: Option<&Failure>) -> Outcome<Reply> {
    let folder = match visit.to_begin_in() {
        Ok(folder) => folder,
        Err(elsewhere) => return Ok(visit.go(elsewhere)),
    };
    visit.page(&BeginPage {
        f: visit.frame(visit.text().say("begin-title"), "hizo init --name …"),
        name: visit.field("name"),
        called: visit.field("called"),
        drawn: visit.drawn(),
        fault,
        fault_there: there.map(|failure| visit.fault(failure)),
        folder: shown(&folder),
        visit,
    })
}

/// Sets the safe up, and unlocks it.
pub(crate) fn found(visit: &Visit) -> Outcome<Reply> {
    let folder = match visit.to_begin_in() {
        Ok(folder) => folder,
        Err(elsewhere) => return Ok(visit.go(elsewhere)),
    };
    let (t, name) = (visit.text(), visit.field("name").trim());
    if name.is_empty() || name.len() > NAME_BYTES_MAX {
        return page(visit, Some(t.say("begin-fault-name")), None);
    }
    let called = visit.field("called").trim();
    if called.len() > NAME_BYTES_MAX {
        return page(visit, Some(t.say("begin-fault-name")), None);
    }
    let called = Some(called).filter(|called| !called.is_empty());
    let passphrase = match visit.new_passphrase() {
        Ok(passphrase) => passphrase,
        Err(fault) => return page(visit, Some(t.say(fault)), None),
    };
    let there = there(visit);
    if let Err(failure) = super::init_called(&folder, name, called, passphrase, there.as_ref()) {
        // Somebody pressed twice: the safe of the first time is there.
        if is_safe(&folder) {
            return Ok(visit.go("/unlock"));
        }
        return if there.is_some() { page(visit, None, Some(&failure)) } else { Err(failure) };
    }
    visit.unlock(Arc::new(Unlocked::open(&folder, None, passphrase)?));
    Ok(visit.go("/safe"))
}

/// The keeper that somebody else runs, if one was named.
fn there(visit: &Visit) -> Option<There> {
    let [address, code] = ["keeper", "code"].map(|field| visit.field(field).trim());
    (!address.is_empty()).then(|| There::at(address, (!code.is_empty()).then(|| code.to_owned())))
}
