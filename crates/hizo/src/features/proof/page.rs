//! The pages on which somebody makes a proof, and has its certificate.

use std::path::PathBuf;
use std::sync::Arc;

use askama::Template;
use hizo_ledger::commitment::Fields;
use hizo_ledger::proof::Verdict;

use super::Request;
use crate::bundle;
use crate::desk::stage::drawn_seal;
use crate::desk::work::{self, Ended};
use crate::desk::{Frame, Reply, Unlocked, Visit, picker, shown as time};
use crate::failure::{Outcome, shown, shown_bytes};
use crate::stamps;
use crate::words::{Words, words};

/// A certificate is no longer than this.
const CERTIFICATE_BYTES_MAX: usize = 32 << 20;

#[derive(Template)]
#[template(path = "prove.html")]
struct ProvePage<'v> {
    f: Frame<'v>,
    here: String,
    deposit: String,
    what: String,
    entry: String,
    to: String,
}

/// What was made, as its page shows it.
struct Made {
    folder: PathBuf,
    entries: usize,
    /// Whether somebody else says the time, which that is, and until when it is good.
    since: Option<(u64, u64)>,
    /// The keeper's own time, where nobody else says one.
    own: Option<u64>,
    notes: Vec<Words>,
    stock: Option<String>,
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
    let name = t.one("prove-folder", "deposit", called.as_str());
    visit.page(&ProvePage {
        f: visit.frame(t.say("prove-title"), format!("hizo proof {} --to …", &deposit.id.to_string()[..12])),
        here: visit.at(&format!("/deposit/{}", deposit.id)),
        what,
        entry: visit.param("entry").to_owned(),
        to: shown(&picker::new_folder(&name)),
        deposit: called,
    })
}

pub(crate) fn prove(visit: &Visit, unlocked: &Arc<Unlocked>) -> Outcome<Reply> {
    let looked = unlocked.look()?;
    let Some((_, deposit, record)) = looked.deposit(visit.param("deposit")) else {
        return Ok(visit.go("/safe"));
    };
    let paths = picker::entry(visit.field("entry"), &*unlocked.contents(&looked, record)?)?.into_iter().collect();
    let request = Request {
        to: picker::typed(visit.field("to"))?,
        paths,
        show: Fields { content: visit.has("content"), name: visit.has("names"), meta: visit.has("names") },
        complete: visit.has("complete"),
        kept: false,
        authorities: Vec::new(),
    };
    let id = deposit.id.to_string();
    work::begin(visit, unlocked, words!("Making the proof", "証明を作っています"), move |unlocked, _| {
        let looked = unlocked.look()?;
        let Some((_, _, record)) = looked.deposit(&id) else {
            return Ok(Ended { go: String::from("/safe"), notes: Vec::new() });
        };
        let proved = super::prove(looked.opened(), record, &request)?;
        let since = match &proved.report.verdict {
            Verdict::Holds { since, before } => {
                Some((since.unix_seconds_rounded_up(), before.unix_seconds_rounded_up()))
            }
            Verdict::CannotBeTold(_) | Verdict::DoesNotHold(_) => None,
        };
        let mut notes = stamps::notes(&proved.asked);
        notes.extend(proved.faults);
        let own = crate::stages::status(&looked.safe, std::slice::from_ref(&record));
        let own = own.statuses.first().and_then(|status| status.stamp.as_ref());
        let made = Made {
            folder: request.to.clone(),
            entries: proved.entries,
            since,
            own: own.map(|token| token.latest().unix_seconds_rounded_up()),
            notes,
            stock: proved.stock_commands.into_iter().next(),
        };
        let number = unlocked.remember(made);
        Ok(Ended { go: format!("/proof/{number}"), notes: Vec::new() })
    })
}

#[derive(Template)]
#[template(path = "proof.html")]
struct ProofPage<'v> {
    f: Frame<'v>,
    folder: String,
    certificate: String,
    sentence: String,
    entries: usize,
    notes: Vec<String>,
    seal: String,
    stock: Option<String>,
}

/// A proof that was made since the safe was unlocked.
pub(crate) fn made(visit: &Visit, unlocked: &Arc<Unlocked>) -> Outcome<Reply> {
    let (t, number) = (visit.text(), visit.param("proof"));
    let Some(made) = unlocked.remembered::<Made>(number) else { return Ok(visit.go("/safe")) };
    let (sentence, seal) = match (made.since, made.own) {
        (Some((since, before)), _) => (
            t.two("proof-holds", "time", time::moment(t, since), "before", time::moment(t, before)),
            drawn_seal(t, true, since),
        ),
        (None, Some(own)) => (t.one("proof-self", "time", time::moment(t, own)), drawn_seal(t, false, own)),
        (None, None) => (t.say("proof-no-time"), String::new()),
    };
    visit.page(&ProofPage {
        f: visit.frame(t.say("proof-title"), time::command(["hizo", "verify", &shown(&made.folder)])),
        folder: shown(&made.folder),
        certificate: visit.at(&format!("/proof/{number}/certificate.pdf")),
        sentence,
        entries: made.entries,
        notes: made.notes.iter().map(|note| note.to(visit.language()).to_owned()).collect(),
        seal,
        stock: made.stock.clone(),
    })
}

/// Its certificate.
pub(crate) fn certificate(visit: &Visit, unlocked: &Arc<Unlocked>) -> Outcome<Reply> {
    let Some(made) = unlocked.remembered::<Made>(visit.param("proof")) else { return Ok(visit.go("/safe")) };
    let bytes = bundle::read(&made.folder.join("certificate.pdf"), CERTIFICATE_BYTES_MAX)?;
    Ok(Reply::File { kind: "application/pdf", bytes })
}
