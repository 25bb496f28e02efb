//! The page of a series' schedule: which folder is kept by itself, how often, how that stands, and its end.

use std::path::PathBuf;
use std::sync::Arc;

use askama::Template;
use hizo_ledger::id::SeriesId;

use super::command::{Standing, end, now, set_up};
use super::{Every, Request, Scheduler};
use crate::desk::picker::{self, Picker};
use crate::desk::work::{self, Ended};
use crate::desk::{Frame, Reply, Unlocked, Visit, shown};
use crate::failure::{Failure, Outcome, shown};
use crate::features::deposit::command::whole;
use crate::safe::Safe;
use crate::words::words;

/// Intervals that are offered.
const OFFERED: [&str; 5] = ["1h", "6h", "1d", "2d", "1w"];

#[derive(Template)]
#[template(path = "schedule.html")]
struct SchedulePage<'v> {
    f: Frame<'v>,
    back: String,
    series: String,
    here: String,
    /// What is watched, how it stands, and what to do.
    standing: Option<(String, String)>,
    picker: Picker,
    every: Vec<(&'static str, String, bool)>,
    fault: Option<(String, Option<String>)>,
}

/// How a series is kept by itself, or could be.
pub(crate) fn schedule(visit: &Visit, unlocked: &Arc<Unlocked>) -> Outcome<Reply> {
    let (picker, fault) = Picker::of(visit)?;
    page(visit, unlocked, picker, fault.as_ref())
}

fn page(visit: &Visit, unlocked: &Unlocked, picker: Picker, fault: Option<&Failure>) -> Outcome<Reply> {
    let (t, language, looked) = (visit.text(), visit.language(), unlocked.look()?);
    let id = SeriesId::from_hex(visit.param("series")).ok();
    let Some((id, series)) = id.and_then(|id| looked.view.series.get_key_value(&id)) else {
        return Ok(visit.go("/safe"));
    };
    let home = &looked.safe.home;
    let standing = match home.watched()?.contains(id) {
        true => Some(Standing::of(home, *id, now()?)?),
        false => None,
    };
    let chosen = if visit.has("every") { visit.field("every") } else { "1d" };
    let every = OFFERED.iter().filter_map(|word| {
        let every: Every = word.parse().ok()?;
        Some((*word, every.words().to(language).to_owned(), *word == chosen))
    });
    let said = |standing: &Standing| {
        let (sentence, hint) = (standing.sentence(now().unwrap_or(0)), standing.hint());
        (
            sentence.to(language).to_owned(),
            if standing.is_good() { String::new() } else { hint.to(language).to_owned() },
        )
    };
    let here = visit.at(&format!("/series/{id}"));
    visit.page(&SchedulePage {
        f: visit.frame(
            t.say("schedule-title"),
            shown::command(["hizo", "watch", "install", &picker.shown, "--series", "…"]),
        ),
        series: series.shown_name(*id),
        back: here.clone(),
        here: format!("{here}/schedule"),
        standing: standing.as_ref().map(said),
        picker,
        every: every.collect(),
        fault: fault.map(|failure| visit.fault(failure)),
    })
}

/// Keeps a folder now, and by itself from then on.
pub(crate) fn begin(visit: &Visit, unlocked: &Arc<Unlocked>) -> Outcome<Reply> {
    let Some(folder) = picker::pressed(visit)? else { return schedule(visit, unlocked) };
    let looked = unlocked.look()?;
    let id = SeriesId::from_hex(visit.param("series")).ok();
    let series = id.filter(|id| looked.view.series.contains_key(id));
    let Some(series) = series else { return Ok(visit.go("/safe")) };
    let checked = request(visit, folder).and_then(|request| {
        super::refuse_an_empty(&request.folder)?;
        Ok(request)
    });
    let request = match checked {
        Ok(request) => request,
        Err(failure) => {
            return page(visit, unlocked, Picker::of(visit)?.0, Some(&failure));
        }
    };
    let title = words!("Keeping {folder}", "{folder} を預けています", folder = shown(&request.folder));
    work::begin(visit, unlocked, title, move |unlocked, work| {
        let (safe, _) = Safe::open_at_hand(unlocked.home()?)?;
        let home = safe.home.clone();
        let made = set_up(safe, &format!("id:{series}"), Some(series), &request, work)?;
        let notes = made.notes();
        let kept = whole(made, &home);
        unlocked.look_again()?;
        kept.or_else(|failure| match failure.kind {
            // What was left out is said; what waits is shown on the page.
            crate::failure::Kind::Fixable | crate::failure::Kind::Waits => Ok(()),
            _ => Err(failure),
        })?;
        Ok(Ended { go: format!("/series/{series}/schedule"), notes })
    })
}

fn request(visit: &Visit, folder: PathBuf) -> Outcome<Request> {
    let every = visit
        .field("every")
        .parse()
        .map_err(|_| Failure::fixable(words!("that is no interval", "間隔として読めません")))?;
    let folder = std::path::absolute(&folder).map_err(|error| Failure::file("read", &folder, error))?;
    Ok(Request { folder, exclude: Vec::new(), every, scheduler: Scheduler::of_this_system()? })
}

/// Ends it; what is kept stays.
pub(crate) fn stop(visit: &Visit, unlocked: &Arc<Unlocked>) -> Outcome<Reply> {
    let home = unlocked.home()?;
    let Ok(series) = SeriesId::from_hex(visit.param("series")) else { return Ok(visit.go("/safe")) };
    if home.watched()?.contains(&series) {
        end(&home, series)?;
    }
    Ok(visit.go(&format!("/series/{series}/schedule")))
}
