//! The page on which somebody checks a proof that he was given. It needs no safe.

use std::path::{Path, PathBuf};

use askama::Template;
use hizo_ledger::proof::{Doubt, Report, Verdict};

use super::Request;
use super::command::{lines, sentence};
use crate::desk::picker::{self, Picker};
use crate::desk::stage::drawn_seal;
use crate::desk::{Frame, Reply, Text, Visit, shown as time};
use crate::failure::{Failure, Outcome};

/// What came of it.
struct Told {
    tone: &'static str,
    word: String,
    sentence: String,
    hint: Option<String>,
    lines: Vec<String>,
    seal: String,
}

#[derive(Template)]
#[template(path = "verify.html")]
struct VerifyPage<'v> {
    f: Frame<'v>,
    picker: Picker,
    told: Option<Told>,
    /// What the person brought to hold it against.
    policy: &'v str,
    roots: &'v str,
    file: &'v str,
    opened: bool,
    fault: Option<String>,
}

/// A folder is looked into.
pub(crate) fn ask(visit: &Visit) -> Outcome<Reply> {
    let (picker, fault) = Picker::of(visit)?;
    page(visit, picker, None, fault)
}

fn page(visit: &Visit, picker: Picker, told: Option<Told>, fault: Option<Failure>) -> Outcome<Reply> {
    let t = visit.text();
    let [policy, roots, file] = ["policy", "roots", "file"].map(|name| visit.field(name));
    visit.page(&VerifyPage {
        f: visit.frame(t.say("door-verify"), time::command(["hizo", "verify", &picker.shown])),
        picker,
        told,
        policy,
        roots,
        file,
        fault: fault.map(|failure| failure.told_in(visit.language())),
        opened: [policy, roots, file].iter().any(|field| !field.is_empty()),
    })
}

/// The proof in the folder that was chosen is checked.
pub(crate) fn verify(visit: &Visit) -> Outcome<Reply> {
    let pressed = if visit.has("now") { picker::pressed(visit)? } else { None };
    let Some(bundle) = pressed else { return ask(visit) };
    let [policy, roots, file] =
        ["policy", "roots", "file"].map(|name| Some(visit.field(name).trim()).filter(|field| !field.is_empty()));
    let files: Vec<PathBuf> = file.map(PathBuf::from).into_iter().collect();
    let report = super::verify(&Request {
        bundle: &bundle,
        files: &files,
        policy: policy.map(Path::new),
        roots: roots.map(Path::new),
        crls: None,
        receipt_key: None,
    })?;
    page(visit, Picker::of(visit)?.0, Some(told(visit, &report)), None)
}

/// What would let more be told: here it is brought in fields, not behind options.
fn next(t: Text, doubts: &[Doubt]) -> String {
    let brings =
        |doubt: &Doubt| matches!(doubt, Doubt::NoPolicy | Doubt::OtherLog | Doubt::NoRoots | Doubt::NotVouched);
    match doubts.first() {
        Some(doubt) if brings(doubt) => t.say("verify-bring"),
        Some(_) | None => t.say("verify-ask"),
    }
}

fn told(visit: &Visit, report: &Report) -> Told {
    let (t, language) = (visit.text(), visit.language());
    let (tone, word, hint, seal) = match &report.verdict {
        Verdict::Holds { since, .. } => {
            ("ok", "verify-holds", None, drawn_seal(t, true, since.unix_seconds_rounded_up()))
        }
        Verdict::CannotBeTold(doubts) => ("wait", "verify-cannot-tell", Some(next(t, doubts)), String::new()),
        Verdict::DoesNotHold(_) => ("bad", "verify-does-not-hold", None, String::new()),
    };
    Told {
        tone,
        word: t.say(word),
        sentence: sentence(report).to(language).to_owned(),
        hint,
        lines: lines(report).iter().map(|line| line.to(language).to_owned()).collect(),
        seal,
    }
}
