//! Which page is where. The one place in which the desk knows features by name.

use std::sync::Arc;

use axum::http::Method;

use super::session::Unlocked;
use super::{Reply, Taking, Visit, door, work};
use crate::failure::Outcome;
use crate::features::{
    case, check, deposit, diff, directory, handover, init, list, proof, recovery, restore, show, space, try_it, verify,
    watch,
};

/// Doors in the menu: what each is called, and its page.
pub(super) const DOORS: [(&str, &str); 5] = [
    ("door-safe", "/safe"),
    ("door-people", "/people"),
    ("door-cases", "/cases"),
    ("health-title", "/health"),
    ("door-verify", "/verify"),
];

/// What answers at a path.
#[derive(Clone, Copy)]
pub(super) enum Page {
    /// For everybody who followed the printed link.
    Open(fn(&Visit) -> Outcome<Reply>),
    /// For those who have unlocked a safe; others are asked to.
    Unlocked(fn(&Visit, &Arc<Unlocked>) -> Outcome<Reply>),
    /// The same for a form with files, which is read as it comes.
    Upload(Taking),
}

/// All pages: method, path below the prefix, what answers.
pub(super) fn table() -> Vec<(Method, &'static str, Page)> {
    use Page::{Open, Unlocked, Upload};
    let get = |path, page| (Method::GET, path, page);
    let post = |path, page| (Method::POST, path, page);
    // Members of the safe, and those of a case.
    let people = [
        (get("/people", Unlocked(space::page::people)), "/case/{case}/people"),
        (get("/people/opens", Unlocked(space::page::opens)), "/case/{case}/people/opens"),
        (get("/people/invite", Unlocked(space::page::invite)), "/case/{case}/people/invite"),
        (get("/people/admit", Unlocked(space::page::choose)), "/case/{case}/people/admit"),
        (post("/people/admit", Unlocked(space::page::choose)), "/case/{case}/people/admit"),
        (post("/people/admit/now", Unlocked(space::page::admit)), "/case/{case}/people/admit/now"),
        (get("/people/admitted/{record}", Unlocked(space::page::admitted)), "/case/{case}/people/admitted/{record}"),
        (get("/people/who/{who}", Unlocked(space::page::one)), "/case/{case}/people/who/{who}"),
        (post("/people/who/{who}/role", Unlocked(space::page::change_role)), "/case/{case}/people/who/{who}/role"),
        (post("/people/who/{who}/history", Unlocked(space::page::give)), "/case/{case}/people/who/{who}/history"),
        (get("/people/who/{who}/leave", Unlocked(space::page::leave)), "/case/{case}/people/who/{who}/leave"),
        (post("/people/who/{who}/leave", Unlocked(space::page::remove)), "/case/{case}/people/who/{who}/leave"),
        (post("/people/withdraw", Unlocked(space::page::withdraw)), "/case/{case}/people/withdraw"),
        (post("/people/due", Unlocked(space::page::due)), "/case/{case}/people/due"),
    ];
    let of_people = people
        .into_iter()
        .flat_map(|((method, path, page), of_case)| [(method.clone(), path, page), (method, of_case, page)]);
    let others = vec![
        get("/", Open(door::home)),
        get("/unlock", Open(door::locked)),
        post("/unlock", Open(door::unlock)),
        post("/lock", Open(door::lock)),
        post("/language", Open(door::language)),
        get("/begin", Open(init::page::begin)),
        post("/begin", Open(init::page::found)),
        post("/sample", Open(try_it::page::make)),
        get("/sample", Unlocked(try_it::page::told)),
        post("/sample/remove", Unlocked(try_it::page::remove)),
        get("/safe", Unlocked(list::page::safe)),
        get("/series/{series}", Unlocked(list::page::series)),
        get("/series/{series}/schedule", Unlocked(watch::page::schedule)),
        post("/series/{series}/schedule", Unlocked(watch::page::schedule)),
        post("/series/{series}/schedule/now", Unlocked(watch::page::begin)),
        post("/series/{series}/schedule/end", Unlocked(watch::page::stop)),
        get("/deposit/{deposit}", Unlocked(show::page::deposit)),
        get("/deposit/{deposit}/look", Unlocked(show::look::look)),
        get("/deposit/{deposit}/bytes", Unlocked(show::look::content)),
        get("/keep", Unlocked(deposit::page::choose)),
        post("/keep", Unlocked(deposit::page::choose)),
        post("/keep/now", Unlocked(deposit::page::keep)),
        get("/drop", Unlocked(deposit::drop::choose)),
        post("/drop", Upload(deposit::drop::keep)),
        get("/work/{work}", Unlocked(work::page)),
        get("/deposit/{deposit}/restore", Unlocked(restore::page::ask)),
        post("/deposit/{deposit}/restore", Unlocked(restore::page::restore)),
        get("/deposit/{deposit}/prove", Unlocked(proof::page::ask)),
        post("/deposit/{deposit}/prove", Unlocked(proof::page::prove)),
        get("/proof/{proof}", Unlocked(proof::page::made)),
        get("/proof/{proof}/certificate.pdf", Unlocked(proof::page::certificate)),
        get("/deposit/{deposit}/compare", Unlocked(diff::page::page)),
        get("/cards", Unlocked(recovery::page::cards)),
        post("/cards", Unlocked(recovery::page::make)),
        post("/cards/try", Unlocked(recovery::page::try_them)),
        get("/cards/made/{cards}", Unlocked(recovery::page::made)),
        get("/cards/made/{cards}/{page}", Unlocked(recovery::page::page)),
        get("/health", Unlocked(check::page::health)),
        post("/health", Unlocked(check::page::check)),
        get("/wrong", Unlocked(case::page::wrong)),
        post("/wrong", Unlocked(case::page::begin)),
        post("/wrong/kind", Unlocked(case::page::say_wrong)),
        get("/whom", Unlocked(directory::page::whom)),
        get("/cases", Unlocked(case::page::cases)),
        get("/case/{case}", Unlocked(case::page::case)),
        post("/case/{case}", Unlocked(case::page::say)),
        get("/case/{case}/paper/{what}", Unlocked(case::page::paper)),
        get("/case/{case}/invite", Unlocked(space::page::invite)),
        get("/case/{case}/consent", Unlocked(handover::page::consents)),
        post("/case/{case}/consent", Unlocked(handover::page::offer)),
        get("/case/{case}/consent/{consent}", Unlocked(handover::page::withdrawing)),
        post("/case/{case}/consent/{consent}", Unlocked(handover::page::withdraw)),
        get("/join", Open(space::page::join)),
        post("/join", Open(space::page::join)),
        post("/join/ask", Open(space::page::ask)),
        get("/join/enter", Open(space::page::enter)),
        post("/join/enter", Open(space::page::entered)),
        post("/join/words", Open(space::page::words)),
        get("/verify", Open(verify::page::ask)),
        post("/verify", Open(verify::page::verify)),
    ];
    of_people.chain(others).collect()
}
