//! Coming in and going out: unlocking, locking, the language.

use std::path::Path;
use std::sync::Arc;

use askama::Template;

use super::opening::Opening;
use super::session::Key;
use super::{Frame, Reply, Visit};
use crate::failure::{Outcome, shown};
use crate::home::Home;
use crate::words::Language;

/// The first page: whatever comes next.
pub(super) fn home(visit: &Visit) -> Outcome<Reply> {
    Ok(match visit.session.unlocked() {
        Some(_) => after_unlocking(visit),
        None => locked_or_begin(visit),
    })
}

/// Where somebody goes who has unlocked a safe: to what he had written when it was locked, if that is so.
pub(super) fn after_unlocking(visit: &Visit) -> Reply {
    visit.go(if visit.session.has_unsent() { "/unsent" } else { "/safe" })
}

/// Where somebody goes who has unlocked nothing.
pub(super) fn locked_or_begin(visit: &Visit) -> Reply {
    if visit.session.opening().is_some_and(|opening| opening.failure().is_none()) {
        return visit.go("/opening");
    }
    visit.go(match (!visit.safes().is_empty(), visit.is_joining()) {
        (true, _) => "/unlock",
        (false, true) => "/join/enter",
        (false, false) => "/begin",
    })
}

/// Whether there is a safe in a folder.
pub(crate) fn is_safe(folder: &Path) -> bool {
    folder.join("safe.json").exists()
}

#[derive(Template)]
#[template(path = "unlock.html")]
struct UnlockPage<'v> {
    f: Frame<'v>,
    /// Safes on this machine, where there are several.
    safes: Vec<String>,
    chosen: usize,
    fault: Option<String>,
    can_begin: bool,
    /// He has sent something that is kept for him.
    is_unsent: bool,
}

pub(super) fn locked(visit: &Visit) -> Outcome<Reply> {
    unlock_page(visit, 0, None)
}

fn unlock_page(visit: &Visit, chosen: usize, fault: Option<String>) -> Outcome<Reply> {
    let safes: Vec<_> = visit.safes().iter().map(|safe| shown(safe)).collect();
    if safes.is_empty() {
        return Ok(locked_or_begin(visit));
    }
    let can_begin = visit.free_folder().is_some();
    let (f, is_unsent) = (visit.frame(visit.text().say("unlock-title"), ""), visit.session.has_unsent());
    visit.page(&UnlockPage { f, safes, chosen, fault, can_begin, is_unsent })
}

/// Where the keeper of a safe is reached, if somebody said so: he said it of the first one, and it holds for those that have the same.
fn keeper_of<'v>(visit: &'v Visit, folder: &Path) -> Option<&'v str> {
    let first = visit.desk.safes.first().filter(|first| is_safe(first) && *first != folder);
    let keeper = |folder: &Path| Home::open(folder).ok().map(|home| home.keeper);
    let is_meant = first.is_none_or(|first| keeper(first) == keeper(folder));
    visit.desk.keeper.as_deref().filter(|_| is_meant)
}

pub(super) fn unlock(visit: &Visit) -> Outcome<Reply> {
    let there = visit.safes();
    let chosen = visit.field("safe").parse::<usize>().unwrap_or(0).min(there.len().saturating_sub(1));
    let Some(folder) = there.get(chosen) else { return Ok(visit.go("/begin")) };
    let keeper = keeper_of(visit, folder);
    let opened = Key::of(folder, keeper, visit.field("passphrase")).and_then(|key| {
        match key.opens_many() {
            true => visit.session.open(Opening::begin(key)?),
            false => visit.session.unlock(Arc::new(key.unlock()?)),
        }
        Ok(())
    });
    match opened {
        Ok(()) => home(visit),
        Err(failure) if failure.is_wrong_passphrase() => {
            unlock_page(visit, chosen, Some(visit.text().say("unlock-wrong")))
        }
        Err(failure) => visit.failed(&failure),
    }
}

pub(super) fn lock(visit: &Visit) -> Outcome<Reply> {
    visit.session.lock();
    Ok(locked_or_begin(visit))
}

/// The other language, on the page that the button stands on.
pub(super) fn language(visit: &Visit) -> Outcome<Reply> {
    visit.session.speak(match visit.field("language") {
        "ja" => Language::Japanese,
        _ => Language::English,
    });
    let back = visit.field("back");
    // Nothing leads out of the desk.
    let is_own = back.starts_with('/') && !back.starts_with("//") && !back.contains(['\\', '\r', '\n']);
    Ok(visit.go(if is_own { back } else { "/" }))
}
