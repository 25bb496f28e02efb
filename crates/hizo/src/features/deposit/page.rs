//! The pages on which somebody chooses a folder and keeps it.

use std::path::Path;
use std::sync::Arc;

use askama::Template;

use super::command::{check_names, whole};
use super::{Request, Watcher};
use crate::desk::picker::{self, Picker};
use crate::desk::work::{self, Ended, Work};
use crate::desk::{Frame, Reply, Unlocked, Visit, shown};
use crate::failure::{self, Failure, Kind, Outcome};
use crate::rotation;
use crate::safe::Safe;
use crate::words::words;

#[derive(Template)]
#[template(path = "keep.html")]
struct KeepPage<'v> {
    f: Frame<'v>,
    picker: Picker,
    series: String,
    label: String,
    known: Vec<String>,
    fault: Option<String>,
}

/// A folder is looked into.
pub(crate) fn choose(visit: &Visit, unlocked: &Arc<Unlocked>) -> Outcome<Reply> {
    let (picker, fault) = Picker::of(visit)?;
    keep_page(visit, unlocked, picker, fault)
}

fn keep_page(visit: &Visit, unlocked: &Unlocked, picker: Picker, fault: Option<Failure>) -> Outcome<Reply> {
    let (t, language) = (visit.text(), visit.language());
    let looked = unlocked.look()?;
    let known = looked.view.series.values().filter_map(|series| series.name.clone()).collect();
    visit.page(&KeepPage {
        f: visit.frame(t.say("keep-title"), shown::command(["hizo", "deposit", &picker.shown, "--series", "…"])),
        series: match visit.field("series") {
            // What the folder is called often says it.
            "" if visit.has("here") => picker.name().to_owned(),
            named => named.to_owned(),
        },
        label: visit.field("label").to_owned(),
        picker,
        known,
        fault: fault.map(|failure| failure.told_in(language)),
    })
}

/// Keeps the folder that was chosen.
pub(crate) fn keep(visit: &Visit, unlocked: &Arc<Unlocked>) -> Outcome<Reply> {
    let Some(folder) = picker::pressed(visit)? else { return choose(visit, unlocked) };
    let series = visit.field("series").trim();
    let labels: Vec<_> =
        Some(visit.field("label").trim().to_owned()).filter(|label| !label.is_empty()).into_iter().collect();
    let checked = check_names(series, &labels).and_then(|()| is_folder(&folder));
    if let Err(failure) = checked {
        return keep_page(visit, unlocked, Picker::of(visit)?.0, Some(failure));
    }
    let request = Request { labels, ..Request::of(vec![folder.clone()], series) };
    let title = words!("Keeping {folder}", "{folder} を預けています", folder = failure::shown(&folder));
    work::begin(visit, unlocked, title, move |unlocked, work| kept(unlocked, work, &request))
}

/// Keeps it, as work: the page of the deposit, with what was left out.
pub(super) fn kept(unlocked: &Unlocked, work: &Work, request: &Request) -> Outcome<Ended> {
    let (mut safe, _) = Safe::open_at_hand(unlocked.home()?)?;
    // Where that fails, sealing is refused, and the reason told.
    let _ = rotation::begin_stale(&mut safe, &unlocked.identity);
    let device = safe.home.device()?;
    let made = super::deposit(&mut safe, &device, request, work)?;
    let (notes, go) = (made.notes(), format!("/deposit/{}", made.id));
    match whole(made, &safe.home) {
        // What was left out is said above; what waits is said on the page.
        Err(failure) if !matches!(failure.kind, Kind::Fixable | Kind::Waits) => return Err(failure),
        Ok(()) | Err(_) => (),
    }
    unlocked.look_again()?;
    Ok(Ended { go, notes })
}

fn is_folder(folder: &Path) -> Outcome<()> {
    match folder.metadata() {
        Ok(metadata) if metadata.is_dir() || metadata.is_file() => Ok(()),
        Ok(_) => Err(Failure::fixable(words!(
            "only folders and files can be kept",
            "預けられるのはフォルダーとファイルだけです"
        ))),
        Err(error) => Err(Failure::file("read", folder, error)),
    }
}

impl Watcher for Work {
    fn listed(&self, _files: u64, bytes: u64) {
        self.expect(bytes);
    }

    fn progress(&self, bytes: u64) {
        self.add(bytes);
    }
}
