//! Which page is where. The one place in which the desk knows features by name.

use std::sync::Arc;

use axum::http::Method;

use super::session::Unlocked;
use super::{Reply, Visit, door, work};
use crate::failure::Outcome;
use crate::features::{case, check, deposit, diff, handover, init, list, proof, restore, show, space, verify};

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
}

/// All pages: method, path below the prefix, what answers.
pub(super) fn table() -> Vec<(Method, &'static str, Page)> {
    use Page::{Open, Unlocked};
    let get = |path, page| (Method::GET, path, page);
    let post = |path, page| (Method::POST, path, page);
    vec![
        get("/", Open(door::home)),
        get("/unlock", Open(door::locked)),
        post("/unlock", Open(door::unlock)),
        post("/lock", Open(door::lock)),
        post("/language", Open(door::language)),
        get("/begin", Open(init::page::begin)),
        post("/begin", Open(init::page::found)),
        get("/safe", Unlocked(list::page::safe)),
        get("/series/{series}", Unlocked(list::page::series)),
        get("/deposit/{deposit}", Unlocked(show::page::deposit)),
        get("/keep", Unlocked(deposit::page::choose)),
        post("/keep", Unlocked(deposit::page::choose)),
        post("/keep/now", Unlocked(deposit::page::keep)),
        get("/work/{work}", Unlocked(work::page)),
        get("/deposit/{deposit}/restore", Unlocked(restore::page::ask)),
        post("/deposit/{deposit}/restore", Unlocked(restore::page::restore)),
        get("/deposit/{deposit}/prove", Unlocked(proof::page::ask)),
        post("/deposit/{deposit}/prove", Unlocked(proof::page::prove)),
        get("/proof/{proof}", Unlocked(proof::page::made)),
        get("/proof/{proof}/certificate.pdf", Unlocked(proof::page::certificate)),
        get("/deposit/{deposit}/compare", Unlocked(diff::page::page)),
        get("/people", Unlocked(space::page::people)),
        get("/health", Unlocked(check::page::health)),
        post("/health", Unlocked(check::page::check)),
        get("/wrong", Unlocked(case::page::wrong)),
        post("/wrong", Unlocked(case::page::begin)),
        get("/cases", Unlocked(case::page::cases)),
        get("/case/{case}", Unlocked(case::page::case)),
        post("/case/{case}", Unlocked(case::page::say)),
        get("/case/{case}/invite", Unlocked(case::page::invite)),
        get("/case/{case}/consent", Unlocked(handover::page::consents)),
        post("/case/{case}/consent", Unlocked(handover::page::offer)),
        get("/case/{case}/consent/{consent}", Unlocked(handover::page::withdrawing)),
        post("/case/{case}/consent/{consent}", Unlocked(handover::page::withdraw)),
        get("/verify", Open(verify::page::ask)),
        post("/verify", Open(verify::page::verify)),
    ]
}
