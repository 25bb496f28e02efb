//! The first page of all: whose company it is, and the passphrase.

use std::sync::Arc;

use askama::Template;
use hizo_vault::event::NAME_BYTES_MAX;
use zeroize::Zeroizing;

use crate::desk::{Frame, Reply, Unlocked, Visit, is_safe};
use crate::failure::{Outcome, shown};

#[derive(Template)]
#[template(path = "begin.html")]
struct BeginPage<'v> {
    f: Frame<'v>,
    name: &'v str,
    called: &'v str,
    /// One that was drawn, for who wants it. It is the same when the form comes back.
    drawn: Zeroizing<String>,
    fault: Option<String>,
    folder: String,
}

pub(crate) fn begin(visit: &Visit) -> Outcome<Reply> {
    page(visit, None)
}

fn page(visit: &Visit, fault: Option<String>) -> Outcome<Reply> {
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
        folder: shown(&folder),
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
        return page(visit, Some(t.say("begin-fault-name")));
    }
    let called = visit.field("called").trim();
    if called.len() > NAME_BYTES_MAX {
        return page(visit, Some(t.say("begin-fault-name")));
    }
    let called = Some(called).filter(|called| !called.is_empty());
    let passphrase = match visit.new_passphrase() {
        Ok(passphrase) => passphrase,
        Err(fault) => return page(visit, Some(t.say(fault))),
    };
    if let Err(failure) = super::init_called(&folder, name, called, passphrase) {
        // Somebody pressed twice: the safe of the first time is there.
        return if is_safe(&folder) { Ok(visit.go("/unlock")) } else { Err(failure) };
    }
    visit.unlock(Arc::new(Unlocked::open(&folder, None, passphrase)?));
    Ok(visit.go("/safe"))
}
