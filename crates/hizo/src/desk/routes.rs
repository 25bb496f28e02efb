//! Which page is where. The one place in which the desk knows features by name.

use std::sync::Arc;

use axum::http::Method;

use super::session::Unlocked;
use super::{Reply, Taking, Visit, door, opening, unsent, work};
use crate::failure::Outcome;
use crate::features::{
    case, check, deposit, diff, directory, handover, init, list, office, proof, recovery, restore, show, space, try_it,
    verify, watch,
};

/// Doors in the menu: what each is called, its page, and its icon.
pub(super) const DOORS: [(&str, &str, &str); 7] = [
    ("unsent-title", UNSENT, "file-pen"),
    ("door-safe", "/safe", "vault"),
    ("door-people", "/people", "users"),
    ("door-cases", "/cases", "messages-square"),
    ("door-received", RECEIVED, "inbox"),
    ("health-title", "/health", "activity"),
    ("door-verify", "/verify", "shield-check"),
];

/// The door of what somebody had written when the desk was locked: as long as there is some.
pub(super) const UNSENT: &str = "/unsent";

/// The door of what was handed over to somebody: for those to whom something is.
pub(super) const RECEIVED: &str = "/received";

/// Whose pages a path leads to.
#[derive(Clone, Copy)]
pub(super) enum Of {
    /// Those of the safe that is unlocked.
    Own,
    /// The same pages for a case or a hand-over of the same person, which the path names.
    Beside,
}

/// What answers at a path.
#[derive(Clone, Copy)]
pub(super) enum Page {
    /// For everybody who followed the printed link.
    Open(fn(&Visit) -> Outcome<Reply>),
    /// For those who have unlocked a safe; others are asked to.
    Unlocked(Of, fn(&Visit, &Arc<Unlocked>) -> Outcome<Reply>),
    /// The same for a form with files, which is read as it comes.
    Upload(Of, Taking),
}

/// With what the paths of pages begin that every safe has: beneath `/case/ID` they are those of a case or a hand-over.
const OF_EVERY_SAFE: [&str; 8] = ["/safe", "/series", "/deposit", "/keep", "/drop", "/work", "/proof", "/people"];

/// Whether a path is that of a page which every safe has.
pub(super) fn is_of_every_safe(path: &str) -> bool {
    let first =
        path.get(1..).and_then(|rest| rest.find(['/', '?'])).map_or(path, |end| path.get(..=end).unwrap_or(path));
    OF_EVERY_SAFE.contains(&first)
}

/// All pages: method, path below the prefix, what answers.
pub(super) fn table() -> Vec<(Method, String, Page)> {
    use Of::{Beside, Own};
    let (get, post) = (Method::GET, Method::POST);
    type Answer = fn(&Visit, &Arc<Unlocked>) -> Outcome<Reply>;
    let of_every_safe: [(&Method, &str, Answer); 34] = [
        (&get, "/safe", list::page::safe),
        (&get, "/series/{series}", list::page::series),
        (&get, "/deposit/{deposit}", show::page::deposit),
        (&get, "/deposit/{deposit}/look", show::look::look),
        (&get, "/deposit/{deposit}/bytes", show::look::content),
        (&get, "/deposit/{deposit}/restore", restore::page::ask),
        (&post, "/deposit/{deposit}/restore", restore::page::restore),
        (&get, "/deposit/{deposit}/prove", proof::page::ask),
        (&post, "/deposit/{deposit}/prove", proof::page::prove),
        (&get, "/deposit/{deposit}/compare", diff::page::page),
        (&get, "/proof/{proof}", proof::page::made),
        (&get, "/proof/{proof}/certificate.pdf", proof::page::certificate),
        (&get, "/keep", deposit::page::choose),
        (&post, "/keep", deposit::page::choose),
        (&post, "/keep/now", deposit::page::keep),
        (&get, "/drop", deposit::drop::choose),
        (&get, "/work/{work}", work::page),
        (&get, "/people", space::page::people),
        (&get, "/people/opens", space::page::opens),
        (&get, "/people/invite", space::page::invite),
        (&get, "/people/admit", space::page::choose),
        (&post, "/people/admit", space::page::choose),
        (&post, "/people/admit/now", space::page::admit),
        (&get, "/people/admitted/{record}", space::page::admitted),
        (&get, "/people/who/{who}", space::page::one),
        (&post, "/people/who/{who}/role", space::page::change_role),
        (&post, "/people/who/{who}/history", space::page::give),
        (&get, "/people/who/{who}/leave", space::page::leave),
        (&post, "/people/who/{who}/leave", space::page::remove),
        (&post, "/people/withdraw", space::page::withdraw),
        (&post, "/people/due", space::page::due),
        (&get, "/people/revoke", space::page::choose_revocation),
        (&post, "/people/revoke", space::page::choose_revocation),
        (&post, "/people/revoke/now", space::page::revoke),
    ];
    let of_every_safe = of_every_safe.into_iter().flat_map(|(method, path, answer)| {
        let beside = (method.clone(), format!("/case/{{case}}{path}"), Page::Unlocked(Beside, answer));
        [(method.clone(), path.to_owned(), Page::Unlocked(Own, answer)), beside]
    });
    let uploads: [(&str, Of); 2] = [("/drop", Own), ("/case/{case}/drop", Beside)];
    let uploads = uploads.map(|(path, of)| (post.clone(), path.to_owned(), Page::Upload(of, deposit::drop::keep)));
    let of_the_unlocked: [(&Method, &str, Answer); 59] = [
        (&get, "/unsent", unsent::page),
        (&post, "/unsent/forget", unsent::forget),
        (&get, "/sample", try_it::page::told),
        (&post, "/sample/remove", try_it::page::remove),
        (&get, "/series/{series}/schedule", watch::page::schedule),
        (&post, "/series/{series}/schedule", watch::page::schedule),
        (&post, "/series/{series}/schedule/now", watch::page::begin),
        (&post, "/series/{series}/schedule/end", watch::page::stop),
        (&get, "/cards", recovery::page::cards),
        (&post, "/cards", recovery::page::make),
        (&post, "/cards/try", recovery::page::try_them),
        (&get, "/cards/made/{cards}", recovery::page::made),
        (&get, "/cards/made/{cards}/{page}", recovery::page::page),
        (&get, "/health", check::page::health),
        (&post, "/health", check::page::check),
        (&get, "/wrong", case::page::wrong),
        (&post, "/wrong", case::page::begin),
        (&post, "/wrong/kind", case::page::say_wrong),
        (&get, "/whom", directory::page::whom),
        (&post, "/whom", directory::page::fetch),
        (&get, "/cases", case::page::cases),
        (&get, "/cases/new", space::page::choose_case),
        (&post, "/cases/new", space::page::choose_case),
        (&post, "/cases/new/ask", space::page::ask_for_case),
        (&get, "/cases/joined/{space}", space::page::joined),
        (&post, "/cases/joined/{space}", space::page::joined),
        (&get, "/cases/open", case::caller::page),
        (&post, "/cases/open", case::caller::open),
        (&get, "/case/{case}/give", case::caller::choose),
        (&post, "/case/{case}/give", case::caller::choose),
        (&get, "/office", office::page::office),
        (&post, "/office", office::page::make),
        (&get, "/office/delegate", office::page::choose),
        (&post, "/office/delegate", office::page::choose),
        (&post, "/office/delegate/now", office::page::delegate),
        (&get, "/office/revoke/{key}", office::page::revoking),
        (&post, "/office/revoke/{key}", office::page::revoke),
        (&post, "/office/rotate", office::page::rotate),
        (&get, "/case/{case}", case::page::case),
        (&post, "/case/{case}", case::page::say),
        (&get, "/case/{case}/paper/{what}", case::page::paper),
        (&get, "/case/{case}/sides", case::sides::page),
        (&post, "/case/{case}/sides", case::sides::page),
        (&get, "/case/{case}/consent", handover::page::consents),
        (&post, "/case/{case}/consent", handover::page::offer),
        (&get, "/case/{case}/consent/{consent}", handover::page::withdrawing),
        (&post, "/case/{case}/consent/{consent}", handover::page::withdraw),
        (&get, "/case/{case}/handed/{consent}", handover::giving::steps),
        (&post, "/case/{case}/handed/{consent}", handover::giving::act),
        (&get, "/case/{case}/handed/{consent}/file", handover::giving::choose),
        (&post, "/case/{case}/handed/{consent}/file", handover::giving::choose),
        (&get, "/case/{case}/on-paper", handover::printing::paper),
        (&post, "/case/{case}/on-paper", handover::printing::act),
        (&get, "/received", handover::receiving::all),
        (&get, "/received/new", space::page::choose_handover),
        (&post, "/received/new", space::page::choose_handover),
        (&post, "/received/new/ask", space::page::ask_for_handover),
        (&get, "/received/{handover}", handover::receiving::one),
        (&post, "/received/{handover}", handover::receiving::act),
    ];
    let of_the_unlocked = of_the_unlocked
        .into_iter()
        .map(|(method, path, answer)| (method.clone(), path.to_owned(), Page::Unlocked(Own, answer)));
    let open: [(&Method, &str, fn(&Visit) -> Outcome<Reply>); 21] = [
        (&get, "/", door::home),
        (&get, "/unlock", door::locked),
        (&post, "/unlock", door::unlock),
        (&get, "/opening", opening::page),
        (&post, "/lock", door::lock),
        (&post, "/language", door::language),
        (&get, "/begin", init::page::begin),
        (&post, "/begin", init::page::found),
        (&post, "/sample", try_it::page::make),
        (&get, "/join", space::page::join),
        (&post, "/join", space::page::join),
        (&post, "/join/ask", space::page::ask),
        (&get, "/join/enter", space::page::enter),
        (&post, "/join/enter", space::page::entered),
        (&post, "/join/words", space::page::words),
        (&get, "/card", case::card::choose),
        (&post, "/card", case::card::choose),
        (&get, "/card/begin", case::card::choose),
        (&post, "/card/begin", case::card::begin),
        (&get, "/verify", verify::page::ask),
        (&post, "/verify", verify::page::verify),
    ];
    let open = open.into_iter().map(|(method, path, answer)| (method.clone(), path.to_owned(), Page::Open(answer)));
    of_every_safe.chain(uploads).chain(of_the_unlocked).chain(open).collect()
}
