//! The page on which somebody brings a deposit back, or a part of it.

use std::sync::Arc;

use askama::Template;

use super::{Request, Watcher};
use crate::console::bytes;
use crate::desk::work::{self, Ended, Work};
use crate::desk::{Frame, Reply, Unlocked, Visit, picker};
use crate::failure::{Outcome, shown, shown_bytes};
use crate::words::{self, words};

/// Files that are named when something could not be brought back.
const NAMED_MAX: usize = 20;

#[derive(Template)]
#[template(path = "restore.html")]
struct RestorePage<'v> {
    f: Frame<'v>,
    here: String,
    deposit: String,
    what: String,
    entry: String,
    to: String,
}

pub(crate) fn ask(visit: &Visit, unlocked: &Arc<Unlocked>) -> Outcome<Reply> {
    let (t, looked) = (visit.text(), unlocked.look()?);
    let Some((series, deposit, record)) = looked.deposit(visit.param("deposit")) else {
        return Ok(visit.go("/safe"));
    };
    let chosen = picker::entry(visit.param("entry"), &*unlocked.contents(&looked, record)?)?;
    let called = looked.called(t, series, deposit);
    let what = match &chosen {
        Some(path) => t.one("only-this", "name", shown_bytes(path)),
        None => t.one("all-of-it", "count", deposit.files),
    };
    visit.page(&RestorePage {
        f: visit.frame(t.say("restore-title"), format!("hizo restore {} --to …", &deposit.id.to_string()[..12])),
        here: visit.at(&format!("/deposit/{}", deposit.id)),
        what,
        entry: visit.param("entry").to_owned(),
        to: shown(&picker::new_folder(&called)),
        deposit: called,
    })
}

pub(crate) fn restore(visit: &Visit, unlocked: &Arc<Unlocked>) -> Outcome<Reply> {
    let looked = unlocked.look()?;
    let Some((_, deposit, record)) = looked.deposit(visit.param("deposit")) else {
        return Ok(visit.go("/safe"));
    };
    let paths = picker::entry(visit.field("entry"), &*unlocked.contents(&looked, record)?)?.into_iter().collect();
    let request = Request::by_person(looked.opened(), picker::typed(visit.field("to"))?, paths, false)?;
    // Whoever presses the button again goes on.
    let request = Request { goes_on: true, ..request };
    let id = deposit.id.to_string();
    let title = words!("Bringing back to {to}", "{to} に取り出しています", to = shown(&request.to));
    work::begin(visit, unlocked, title, move |unlocked, work| {
        let looked = unlocked.look()?;
        let go = format!("/deposit/{id}");
        let Some((_, _, record)) = looked.deposit(&id) else { return Ok(Ended { go, notes: Vec::new() }) };
        let restored = super::restore(looked.opened(), record, &request, work)?;
        let (files, size, to) = (words::files(restored.files), bytes(restored.bytes), shown(&restored.to));
        let mut notes = vec![words!(
            "restored {files}, {size}, to {to}; each is the one committed to",
            "{files}（{size}）を {to} に取り出しました。どれも預けたときと同じものです",
            size = size, to = to; files
        )];
        for folder in &restored.earlier {
            let folder = shown(folder);
            notes.push(words!(
                "{folder} holds what an earlier attempt has left and is not of this deposit, or was changed since",
                "{folder} には、前に取り出したときに残ったもののうち、この預け入れにないものと、あとで変わったものがあります"
            ));
        }
        for (path, reason) in restored.lost.iter().take(NAMED_MAX) {
            let (path, reason) = (shown_bytes(path), reason.clone());
            notes.push(words!("lost {path}: {reason}", "{path} は取り出せません: {reason}"; reason));
        }
        for (path, reason) in restored.left_out.iter().take(NAMED_MAX) {
            let (path, reason) = (shown_bytes(path), words::reason(reason));
            notes.push(words!("not restored {path}: {reason}", "{path} は取り出せませんでした: {reason}"; reason));
        }
        if let Some(shortfall) = restored.shortfall() {
            notes.push(shortfall.message);
            notes.extend(shortfall.hint);
        }
        Ok(Ended { go, notes })
    })
}

impl Watcher for Work {
    fn planned(&self, _files: u64, bytes: u64) {
        self.expect(bytes);
    }

    fn progress(&self, bytes: u64) {
        self.add(bytes);
    }
}
