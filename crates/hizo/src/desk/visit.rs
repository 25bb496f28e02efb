//! One request as pages see it, and what they answer.

use std::path::PathBuf;
use std::sync::Arc;

use askama::Template;
use axum::http::StatusCode;
use hizo_ledger::record::AdminRule;
use zeroize::Zeroizing;

use super::door::is_safe;
use super::routes::{DOORS, RECEIVED, UNSENT, is_of_every_safe};
use super::session::{Session, Unlocked};
use super::{Desk, Text, apart, picker};
use crate::entropy::random;
use crate::failure::{Failure, Kind, Outcome, shown};
use crate::home;
use crate::membership::Proposing;
use crate::safe::Safe;
use crate::words::Language;

/// A passphrase that somebody thinks up himself has at least so many characters.
const CHARACTERS_MIN: usize = 12;

/// One request of somebody who sits at the desk.
pub(crate) struct Visit {
    pub(super) desk: Arc<Desk>,
    pub(super) session: Arc<Session>,
    /// The path below the desk's own prefix.
    pub(super) path: String,
    /// What stands behind its question mark.
    pub(super) query: String,
    /// The case or hand-over whose pages these are, where it is not the safe that is unlocked.
    pub(super) beside: Option<String>,
    pub(super) params: Vec<(String, String)>,
    pub(super) form: Vec<(String, Zeroizing<String>)>,
}

/// What a page answers.
pub(crate) enum Reply {
    /// A page.
    Page(String),
    /// Another page.
    Go(String),
    /// A file to look at in the browser.
    File { kind: &'static str, bytes: Vec<u8> },
    /// What somebody else has made, to look at as what it is and as nothing else; or to be saved, called so.
    Foreign { kind: &'static str, saved: Option<&'static str>, bytes: Vec<u8> },
    /// A file to put somewhere, called so.
    Save { name: &'static str, bytes: Vec<u8> },
    /// What went wrong, as a page.
    Failed(StatusCode, String),
}

/// What every page has around it.
pub(crate) struct Frame<'v> {
    pub t: Text,
    pub title: String,
    /// What the browser writes on its tab, and into its history: no name of anything that was sealed.
    pub tab: String,
    /// Prefix of every address.
    pub at: String,
    pub csrf: &'v str,
    /// What a form holds that is to be done once, however often somebody presses.
    pub once: String,
    pub path: &'v str,
    /// The page with what stands behind its question mark, for the buttons that bring people back to it.
    pub back: String,
    /// Doors, as they are called, with the path of each and whether this page is behind it.
    pub doors: Vec<(String, String, bool)>,
    /// What the safe is called; nothing while it is locked.
    pub safe: Option<String>,
    /// The command that does the same.
    pub command: String,
    /// The page asks for itself again in a second.
    pub waits: bool,
    /// The case or hand-over that it is a page of.
    pub beside: Option<&'v str>,
}

impl Frame<'_> {
    /// What the browser writes on the tab, where the title says a name.
    pub(crate) fn tab(mut self, tab: String) -> Self {
        self.tab = tab;
        self
    }

    pub(crate) fn waiting(mut self, waits: bool) -> Self {
        self.waits = waits;
        self
    }

    /// What the safe is called, where it is not open yet.
    pub(super) fn of_safe(mut self, name: Option<String>) -> Self {
        self.safe = name;
        self
    }

    /// Where a page is, as [`Visit::at`] says.
    pub(crate) fn to(&self, path: &str) -> String {
        placed(&self.at, self.beside, path)
    }
}

impl Visit {
    pub(crate) fn language(&self) -> Language {
        self.session.language()
    }

    pub(crate) fn text(&self) -> Text {
        Text(self.language())
    }

    /// A part of the path, as the route names it; else a value behind its question mark.
    pub(crate) fn param(&self, name: &str) -> &str {
        self.params.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }

    /// A field of the form.
    pub(crate) fn field(&self, name: &str) -> &str {
        self.form.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value.as_str())
    }

    /// Whether a field stands in the form with something in it.
    pub(crate) fn has(&self, name: &str) -> bool {
        !self.field(name).is_empty()
    }

    /// A passphrase that somebody gives twice, for something new; else the words that say what is wrong with it.
    pub(crate) fn new_passphrase(&self) -> Result<&str, &'static str> {
        let passphrase = self.field("passphrase");
        if passphrase.chars().count() < CHARACTERS_MIN {
            Err("begin-fault-short")
        } else if passphrase != self.field("again") {
            Err("begin-fault-differs")
        } else {
            Ok(passphrase)
        }
    }

    /// The folder in which a safe can be begun.
    pub(crate) fn free_folder(&self) -> Option<PathBuf> {
        self.desk.safes.iter().find(|safe| !is_safe(safe)).cloned()
    }

    /// Every safe that is there: those of the folders that the desk was given, and cases that an emergency card has begun beside.
    pub(super) fn safes(&self) -> Vec<PathBuf> {
        let apart = self.desk.safes.first().map(|first| apart(first)).unwrap_or_default();
        self.desk.safes.iter().cloned().chain(apart).filter(|safe| is_safe(safe)).collect()
    }

    /// The folder in which an emergency card begins a case, so that the safe's own stays free.
    pub(crate) fn case_apart(&self) -> Option<PathBuf> {
        apart(self.desk.safes.first()?).into_iter().find(|folder| !is_safe(folder))
    }

    /// The folder in which the first safe is, or will be.
    pub(crate) fn first_folder(&self) -> Option<&PathBuf> {
        self.desk.safes.first()
    }

    /// Whether joining a safe of others was begun in that folder: nothing else is begun there.
    pub(crate) fn is_joining(&self) -> bool {
        self.free_folder().is_some_and(|folder| !matches!(home::invite_of(&folder), Ok(None)))
    }

    /// The folder in which something can be begun.
    ///
    /// # Errors
    /// The path where he goes on instead: there is a safe everywhere, or somebody waits there to be let into one, whose keys are not
    /// written over.
    pub(crate) fn to_begin_in(&self) -> Result<PathBuf, &'static str> {
        let folder = self.free_folder().ok_or("/unlock")?;
        if self.is_joining() { Err("/join/enter") } else { Ok(folder) }
    }

    /// From now on this browser shows this safe.
    pub(crate) fn unlock(&self, unlocked: Arc<Unlocked>) {
        self.session.unlock(unlocked);
    }

    /// From now on it shows none.
    pub(crate) fn lock(&self) {
        self.session.lock();
    }

    /// Where a page of this desk is; one that every safe has is that of the safe which this page is about.
    pub(crate) fn at(&self, path: &str) -> String {
        placed(&self.desk.at, self.beside.as_deref(), path)
    }

    /// Whether this page is about a case or a hand-over, and not about the safe that is unlocked.
    pub(crate) fn is_beside(&self) -> bool {
        self.beside.is_some()
    }

    /// Somebody is here: a form that takes long is no silence.
    pub(crate) fn is_here(&self) {
        self.session.touch();
    }

    pub(crate) fn go(&self, path: &str) -> Reply {
        Reply::Go(self.at(path))
    }

    pub(crate) fn page(&self, page: &impl Template) -> Outcome<Reply> {
        page.render().map(Reply::Page).map_err(Failure::internal)
    }

    /// The same for a page that also says what was wrong with what was sent, if something was.
    pub(crate) fn page_with(&self, fault: Option<&Failure>, page: &impl Template) -> Outcome<Reply> {
        let page = page.render().map_err(Failure::internal)?;
        Ok(match fault {
            None => Reply::Page(page),
            Some(_) => Reply::Failed(StatusCode::UNPROCESSABLE_ENTITY, page),
        })
    }

    /// A passphrase that was drawn for whoever begins something here.
    pub(crate) fn drawn(&self) -> Zeroizing<String> {
        self.session.drawn()
    }

    /// Keys stand behind it now.
    pub(crate) fn forget_drawn(&self) {
        self.session.forget_drawn();
    }

    /// The frame around a page of this title.
    pub(crate) fn frame(&self, title: impl Into<String>, command: impl Into<String>) -> Frame<'_> {
        let (t, unlocked) = (self.text(), self.session.unlocked());
        let is_for = |path: &str| {
            unlocked.as_ref().is_some_and(|unlocked| match path {
                RECEIVED => unlocked.receives(),
                UNSENT => self.session.has_unsent(),
                _ => true,
            })
        };
        let doors = DOORS.iter().filter(|(_, path)| is_for(path)).map(|(id, path)| {
            let is_here = self.path == *path || (self.door_path() == *path);
            (t.say(id), format!("{}{path}", self.desk.at), is_here)
        });
        let safe = unlocked.as_ref().and_then(|unlocked| unlocked.known_name());
        let title = title.into();
        Frame {
            t,
            tab: title.clone(),
            title,
            at: self.desk.at.clone(),
            csrf: &self.session.csrf,
            once: format!("{:016x}", u64::from_ne_bytes(random())),
            path: &self.path,
            back: if self.query.is_empty() { self.path.clone() } else { format!("{}?{}", self.path, self.query) },
            doors: doors.collect(),
            safe,
            command: command.into(),
            waits: false,
            beside: self.beside.as_deref(),
        }
    }

    /// Where what a form of this page did is seen.
    pub(super) fn instead(&self) -> String {
        let mut parts = self.path.split('/').skip(1);
        match (parts.next().unwrap_or_default(), parts.next(), parts.next()) {
            ("case", Some(case), Some("consent")) => format!("/case/{case}/consent"),
            ("case", Some(case), Some("handed")) => match parts.next() {
                Some(consent) => format!("/case/{case}/handed/{consent}"),
                None => format!("/case/{case}/consent"),
            },
            ("case", Some(case), _) => format!("/case/{case}"),
            ("received", Some(handover), _) if handover != "new" => format!("/received/{handover}"),
            ("wrong", ..) => String::from("/cases"),
            ("card", ..) => String::from("/"),
            ("office", ..) => String::from("/office"),
            _ => self.door_path().to_owned(),
        }
    }

    /// The door behind which this page is.
    fn door_path(&self) -> &str {
        match self.path.split('/').nth(1).unwrap_or_default() {
            "series" | "deposit" | "keep" | "drop" | "work" | "proof" => "/safe",
            "case" | "cases" => "/cases",
            "received" => RECEIVED,
            "wrong" => "/wrong",
            "people" | "cards" | "office" => "/people",
            _ => &self.path,
        }
    }

    /// What went wrong, and what to do, for a page on which it can be mended.
    pub(crate) fn fault(&self, failure: &Failure) -> (String, Option<String>) {
        let language = self.language();
        (failure.told_in(language), failure.hint.as_ref().map(|hint| hint.to(language).to_owned()))
    }

    /// Where a proposal goes, if the form names a file for it.
    pub(crate) fn proposing(&self) -> Outcome<Proposing> {
        self.has("propose").then(|| picker::typed(self.field("propose"))).transpose().map(Proposing::into_file)
    }

    /// Where a proposal would go, in a safe that two admins change.
    pub(crate) fn proposal_file(&self, safe: &Safe) -> Option<String> {
        let is_asked = safe.chain.admin_rule() == AdminRule::Two;
        is_asked.then(|| shown(&picker::new_folder(&self.text().say("people-proposal-file"))))
    }

    /// A page that says what went wrong and what to do.
    pub(crate) fn failed(&self, failure: &Failure) -> Outcome<Reply> {
        let t = self.text();
        let title = match failure.kind {
            Kind::Lying => t.say("failed-lying"),
            Kind::False => t.say("failed-false"),
            Kind::Unknown => t.say("failed-unknown"),
            Kind::Internal => t.say("failed-internal"),
            Kind::Waits => t.say("failed-waits"),
            Kind::Fixable | Kind::Usage => t.say("failed-fixable"),
        };
        let status = match failure.kind {
            Kind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
            Kind::Fixable | Kind::Usage | Kind::False | Kind::Unknown | Kind::Lying | Kind::Waits => {
                StatusCode::UNPROCESSABLE_ENTITY
            }
        };
        let (message, hint) = self.fault(failure);
        let page = FailedPage { f: self.frame(title, ""), message, hint };
        page.render().map(|page| Reply::Failed(status, page)).map_err(Failure::internal)
    }
}

fn placed(at: &str, beside: Option<&str>, path: &str) -> String {
    match beside.filter(|_| is_of_every_safe(path)) {
        Some(space) => format!("{at}/case/{space}{path}"),
        None => format!("{at}{path}"),
    }
}

#[derive(Template)]
#[template(path = "failed.html")]
struct FailedPage<'v> {
    f: Frame<'v>,
    message: String,
    hint: Option<String>,
}

impl Unlocked {
    /// What the safe is called, as far as it is known without asking its keeper again.
    fn known_name(&self) -> Option<String> {
        self.last().view.name.clone()
    }
}
