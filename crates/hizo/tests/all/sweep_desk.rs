//! Every route of the desk is asked by somebody else, with the ids of what is not his: nothing is told, and nothing changes.

use std::collections::BTreeSet;
use std::path::Path;

use crate::case::Scene;
use crate::desk::{Answer, Desk, form_of};
use crate::keeper::Process;
use crate::kit::{Home, Tree, assert_same, tree};
use crate::stamped::{configure, stamped_in};

/// Where all pages are named: a route that stands there and not in [`ROUTES`] is found.
const SOURCE: &str = include_str!("../../src/desk/routes.rs");

/// Routes that every safe has, each there once more beneath `/case/{case}`.
const EVERY: [(&str, &str, &str); 35] = [
    ("get", "/safe", ""),
    ("get", "/series/{series}", ""),
    ("get", "/deposit/{deposit}", ""),
    ("get", "/deposit/{deposit}/look", ""),
    ("get", "/deposit/{deposit}/bytes", ""),
    ("get", "/deposit/{deposit}/restore", ""),
    ("post", "/deposit/{deposit}/restore", "to={out}"),
    ("get", "/deposit/{deposit}/prove", ""),
    ("post", "/deposit/{deposit}/prove", "to={out}"),
    ("get", "/deposit/{deposit}/compare", ""),
    ("get", "/proof/{proof}", ""),
    ("get", "/proof/{proof}/certificate.pdf", ""),
    ("get", "/keep", ""),
    ("post", "/keep", ""),
    ("post", "/keep/now", ""),
    ("get", "/drop", ""),
    ("post", "/drop", ""),
    ("get", "/work/{work}", ""),
    ("get", "/people", ""),
    ("get", "/people/opens", ""),
    ("get", "/people/invite", ""),
    ("get", "/people/admit", ""),
    ("post", "/people/admit", ""),
    ("post", "/people/admit/now", "words=x"),
    ("get", "/people/admitted/{record}", ""),
    ("get", "/people/who/{who}", ""),
    ("post", "/people/who/{who}/role", "role=reader"),
    ("post", "/people/who/{who}/history", ""),
    ("get", "/people/who/{who}/leave", ""),
    ("post", "/people/who/{who}/leave", "sure=yes"),
    ("post", "/people/withdraw", ""),
    ("post", "/people/due", ""),
    ("get", "/people/revoke", ""),
    ("post", "/people/revoke", ""),
    ("post", "/people/revoke/now", ""),
];

/// Those of the safe that is unlocked, with what their forms would say.
const ROUTES: [(&str, &str, &str); 59] = [
    ("get", "/unsent", ""),
    ("post", "/unsent/forget", ""),
    ("get", "/sample", ""),
    ("post", "/sample/remove", ""),
    ("get", "/series/{series}/schedule", ""),
    ("post", "/series/{series}/schedule", ""),
    ("post", "/series/{series}/schedule/now", "every=1d"),
    ("post", "/series/{series}/schedule/end", ""),
    ("get", "/cards", ""),
    ("post", "/cards", ""),
    ("post", "/cards/try", ""),
    ("get", "/cards/made/{cards}", ""),
    ("get", "/cards/made/{cards}/{page}", ""),
    ("get", "/health", ""),
    ("post", "/health", ""),
    ("get", "/wrong", ""),
    ("post", "/wrong", ""),
    ("post", "/wrong/kind", ""),
    ("get", "/whom", ""),
    ("post", "/whom", ""),
    ("get", "/cases", ""),
    ("get", "/cases/new", ""),
    ("post", "/cases/new", ""),
    ("post", "/cases/new/ask", "name=x&to={out}"),
    ("get", "/cases/joined/{space}", ""),
    ("post", "/cases/joined/{space}", "words=x"),
    ("get", "/cases/open", ""),
    ("post", "/cases/open", ""),
    ("get", "/case/{case}", ""),
    ("post", "/case/{case}", "act=tell&text=of+somebody+else"),
    ("get", "/case/{case}/give", ""),
    ("post", "/case/{case}/give", "act=give&words=x"),
    ("get", "/case/{case}/paper/{what}", ""),
    ("get", "/case/{case}/on-paper", ""),
    ("post", "/case/{case}/on-paper", "act=print&receiver_name=x&item-{deposit}=1&to={out}"),
    ("get", "/case/{case}/sides", ""),
    ("post", "/case/{case}/sides", "asks=x%20y&against=z"),
    ("get", "/case/{case}/consent", ""),
    ("post", "/case/{case}/consent", "act=sign&level=B&purpose=x"),
    ("get", "/case/{case}/consent/{consent}", ""),
    ("post", "/case/{case}/consent/{consent}", "reason=x"),
    ("get", "/case/{case}/handed/{consent}", ""),
    ("post", "/case/{case}/handed/{consent}", "act=make"),
    ("get", "/case/{case}/handed/{consent}/file", ""),
    ("post", "/case/{case}/handed/{consent}/file", "act=admit"),
    ("get", "/received", ""),
    ("get", "/received/new", ""),
    ("post", "/received/new", ""),
    ("post", "/received/new/ask", "name=x&to={out}"),
    ("get", "/received/{handover}", ""),
    ("post", "/received/{handover}", "act=open"),
    ("get", "/office", ""),
    ("post", "/office", ""),
    ("get", "/office/delegate", ""),
    ("post", "/office/delegate", ""),
    ("post", "/office/delegate/now", "days=1&to={out}"),
    ("get", "/office/revoke/{key}", ""),
    ("post", "/office/revoke/{key}", "to={out}"),
    ("post", "/office/rotate", ""),
];

/// Those for whoever has followed the link.
const OPEN: [(&str, &str, &str); 21] = [
    ("get", "/", ""),
    ("get", "/unlock", ""),
    ("post", "/unlock", ""),
    ("get", "/opening", ""),
    ("post", "/lock", ""),
    ("post", "/language", ""),
    ("get", "/begin", ""),
    ("post", "/begin", ""),
    ("post", "/sample", ""),
    ("get", "/card", ""),
    ("post", "/card", ""),
    ("get", "/card/begin", ""),
    ("post", "/card/begin", ""),
    ("get", "/join", ""),
    ("post", "/join", ""),
    ("post", "/join/ask", ""),
    ("get", "/join/enter", ""),
    ("post", "/join/enter", ""),
    ("post", "/join/words", ""),
    ("get", "/verify", ""),
    ("post", "/verify", ""),
];

/// What nobody but the first one may be told.
pub(crate) const HIS: [&str; 8] = [
    "PLANTED-NAME",
    "PLANTED-CONTENT",
    "PLANTED-SERIES",
    "PLANTED-TOLD",
    "PLANTED-PURPOSE",
    "PLANTED-RECEIVER",
    "図面の件",
    "鈴木",
];

#[derive(Debug, Clone)]
struct Route {
    method: &'static str,
    path: String,
    form: &'static str,
}

impl Route {
    fn all() -> Vec<Self> {
        let row = |path: String, (method, _, form): (&'static str, &str, &'static str)| Self { method, path, form };
        let every = EVERY.iter().flat_map(|&it| [row(it.1.into(), it), row(format!("/case/{{case}}{}", it.1), it)]);
        every.chain(ROUTES.iter().chain(&OPEN).map(|&it| row(it.1.into(), it))).collect()
    }

    fn is_get(&self) -> bool {
        self.method == "get"
    }

    fn names_something(&self) -> bool {
        self.path.contains('{')
    }

    /// Whether whoever has unlocked nothing may ask for it.
    fn is_open(&self) -> bool {
        OPEN.iter().any(|(method, path, _)| *method == self.method && *path == self.path)
    }
}

/// The ids of somebody's things.
struct Ids(Vec<(&'static str, String)>);

impl Ids {
    fn filled(&self, text: &str) -> String {
        self.0.iter().fold(text.to_owned(), |text, (name, id)| text.replace(&format!("{{{name}}}"), id))
    }
}

/// Asks for a route as a browser does that has this cookie and this hidden field.
fn ask(desk: &Desk, route: &Route, ids: &Ids, cookie: &str, csrf: &str) -> Answer {
    let path = format!("{}{}", desk.at(), ids.filled(&route.path));
    assert!(!path.contains('{'), "no id is known for {path}");
    match (route.is_get(), route.path.as_str()) {
        (true, _) => desk.get(&path, cookie),
        (false, upload) if upload.ends_with("/drop") => {
            desk.hand_over(&path, cookie, &form_of(&[("csrf", None, csrf), ("series", None, "s")]))
        }
        (false, _) => desk.post(&path, cookie, &format!("csrf={csrf}&{}", ids.filled(route.form))),
    }
}

fn told(answer: &Answer) -> Vec<&'static str> {
    HIS.into_iter().filter(|his| answer.body.contains(his) || answer.head.contains(his)).collect()
}

fn id_in(page: &str, before: &str) -> String {
    let (_, rest) = page.split_once(before).unwrap_or_else(|| panic!("{before} is not in {page}"));
    rest.split(['"', '/', '?']).next().unwrap().to_owned()
}

/// A company with a case at a desk, somebody else who has another safe there, and what the company has.
struct Two {
    scene: Scene,
    other: Home,
    desk: Desk,
    cookie: String,
    csrf: String,
    ids: Ids,
}

impl Two {
    fn new() -> Self {
        // A proof needs a stamp: the keeper makes one by itself, and soon.
        let keeper = |data: &Path| {
            let config = data.with_file_name("keeper.toml");
            configure(&config, data, "127.0.0.1:0", "");
            Process::start_by(&config)
        };
        let (scene, other) = (Scene::at("leak", keeper), Home::new());
        let company = &scene.company;
        company.ok(["case", "tell", "PLANTED-TOLD"]);
        let folder = company.beside("drawings");
        std::fs::write(folder.join("PLANTED-NAME.dxf"), "PLANTED-CONTENT").unwrap();
        let kept = company.deposit(&folder, "PLANTED-SERIES");
        let id = |name: &str| kept[name].as_str().unwrap().to_owned();
        let key = other.ok(["consent", "key", "--json"]).json()["key"].as_str().unwrap().to_owned();
        let mut give = vec!["consent", "give", "latest:PLANTED-SERIES", "--receiver", &key, "--json"];
        give.extend(["--receiver-name", "PLANTED-RECEIVER", "--purpose", "PLANTED-PURPOSE", "--until", "2099-12-31"]);
        let consent = company.ok(give).json()["handover"].as_str().unwrap().to_owned();
        let own = other.beside("own");
        std::fs::write(own.join("own.txt"), "of the other").unwrap();
        other.deposit(&own, "own");

        stamped_in(company, "PLANTED-SERIES", |stamp| !stamp.is_null());
        let desk = Desk::start_with(&mut company.writer_command(), &[&other.path]);
        let (cookie, csrf) = desk.unlock(company);
        let at = |path: &str| format!("{}{path}", desk.at());
        let page = |path: &str| desk.get(&at(path), &cookie).body;
        let case = id_in(&page("/cases"), &at("/case/"));
        let who = id_in(&page("/people"), &at("/people/who/"));
        let to = company.folder.path().join("proof");
        let begun = desk.post(
            &at(&format!("/deposit/{}/prove", id("deposit"))),
            &cookie,
            &format!("csrf={csrf}&to={}", to.display()),
        );
        let work = id_in(begun.header("location").expect("work"), "/work/");
        let ended = desk.ended(&begun, &cookie);
        let proof = id_in(ended.header("location").unwrap_or(&ended.body), "/proof/");
        let made = desk.post(&at("/cards"), &cookie, &format!("csrf={csrf}&cards=3&needed=2"));
        let cards = id_in(made.header("location").unwrap_or(&made.body), "/cards/made/");
        let out = company.folder.path().join("out").to_str().unwrap().to_owned();
        let ids = Ids(vec![
            ("record", id("deposit")),
            ("deposit", id("deposit")),
            ("series", id("series_id")),
            ("page", "card-1.pdf".into()),
            ("what", "record".into()),
            ("case", case.clone()),
            ("who", who.clone()),
            ("work", work),
            ("proof", proof),
            ("cards", cards),
            ("handover", consent.clone()),
            ("consent", consent),
            ("space", case.clone()),
            ("key", who.clone()),
            ("out", out),
        ]);
        Self { scene, other, desk, cookie, csrf, ids }
    }

    /// What the company has, as its own program sees it, and all its files.
    fn state(&self) -> (Vec<String>, Tree) {
        let company = &self.scene.company;
        let acts =
            [&["case", "show"][..], &["list"], &["space", "members"], &["hand-over", "status"], &["space", "head"]];
        let said = acts.iter().map(|act| company.ok(act.iter().copied().chain(["--json"])).out).collect();
        (said, tree(&company.path))
    }

    #[track_caller]
    fn unchanged(&self, (said, files): &(Vec<String>, Tree)) {
        // The files first: asking looks at them.
        assert_same(files, &tree(&self.scene.company.path));
        assert_eq!(*said, self.state().0);
        assert!(!Path::new(&self.ids.filled("{out}")).exists(), "nothing was laid out");
    }
}

/// What stands in one list of the source: method and path of each, as many as the list says of itself.
fn listed(name: &str) -> Vec<(&'static str, String)> {
    let (_, rest) = SOURCE.split_once(&format!("let {name}: [")).unwrap();
    let (head, rest) = rest.split_once("] = [").unwrap();
    let (list, _) = rest.split_once("];").unwrap();
    let of = |piece: &str, method: &'static str| {
        piece.strip_prefix(method)?.strip_prefix(',')?;
        Some((method, piece.split('"').nth(1)?.to_owned()))
    };
    let found: Vec<_> = list.split('&').filter_map(|piece| of(piece, "get").or_else(|| of(piece, "post"))).collect();
    assert_eq!(head.rsplit_once("; ").unwrap().1, found.len().to_string(), "{name} is read wrong");
    found
}

#[test]
fn every_route_of_the_desk_stands_in_the_sweep() {
    let beside = |(method, path): (&'static str, String)| [(method, format!("/case/{{case}}{path}")), (method, path)];
    let mut written: BTreeSet<_> = listed("of_every_safe").into_iter().flat_map(beside).collect();
    written.extend(listed("of_the_unlocked"));
    let open = listed("open");
    written.extend(open.clone());
    let uploads = SOURCE.matches("Page::Upload(").count();
    assert_eq!(uploads, 1, "one kind of upload is known here");
    written.extend(beside(("post", "/drop".into())));
    let swept: BTreeSet<_> = Route::all().into_iter().map(|route| (route.method, route.path)).collect();
    assert_eq!(written.difference(&swept).collect::<Vec<_>>(), Vec::<&(&str, String)>::new(), "not in the sweep");
    assert_eq!(swept.difference(&written).collect::<Vec<_>>(), Vec::<&(&str, String)>::new(), "no such page");
    let is_open: BTreeSet<_> = Route::all().into_iter().filter(Route::is_open).map(|it| (it.method, it.path)).collect();
    assert_eq!(is_open, open.into_iter().collect(), "open pages are these");
}

#[test]
fn a41_whoever_asks_any_route_with_the_ids_of_somebody_elses_things_gets_nothing_and_changes_nothing() {
    let two = Two::new();
    let Two { desk, cookie, csrf, ids, .. } = &two;
    // The ids are right: their owner sees by them all that is searched for.
    let mut seen = BTreeSet::new();
    let mut opened = BTreeSet::new();
    for route in Route::all().iter().filter(|route| route.is_get() && route.path != "/cards/made/{cards}/{page}") {
        // A PDF is no text.
        if route.path.ends_with(".pdf") || route.path.contains("/paper/") {
            continue;
        }
        let answer = ask(desk, route, ids, cookie, csrf);
        if answer.status == 200 {
            let names = route.path.split(['{', '}']).skip(1).step_by(2).map(str::to_owned);
            opened.extend(names);
        }
        seen.extend(told(&answer));
    }
    let look = desk.get(&format!("{}{}", desk.at(), ids.filled("/deposit/{deposit}/look?entry=0")), cookie);
    seen.extend(told(&look));
    assert_eq!(seen, HIS.into_iter().collect());
    for id in ["deposit", "series", "case", "who", "proof", "cards", "consent"] {
        assert!(opened.contains(id), "nothing was opened by {id}: {opened:?}");
    }
    let state = two.state();

    // The other one sits down at the same desk, after the first has locked it.
    assert_eq!(desk.post(&format!("{}/lock", desk.at()), cookie, &format!("csrf={csrf}")).status, 303);
    let phrase = crate::desk::phrase(&two.other).replace(' ', "+");
    let form = format!("csrf={csrf}&safe=1&passphrase={phrase}");
    let answer = desk.post(&format!("{}/unlock", desk.at()), cookie, &form);
    assert_eq!(answer.status, 303, "{}", answer.body);
    let safe = desk.get(&format!("{}/safe", desk.at()), cookie);
    assert!(safe.body.contains("own") && told(&safe).is_empty(), "it is the other safe");
    // And so does one who has a desk of his own, in a process of its own.
    let apart = Desk::start(&mut two.other.writer_command());
    let (apart_cookie, apart_csrf) = apart.unlock(&two.other);
    let head = || two.other.ok(["space", "head", "--json"]).out;
    let before = head();
    for (desk, cookie, csrf) in [(desk, cookie, csrf), (&apart, &apart_cookie, &apart_csrf)] {
        // Only what names something, and what is only looked at: the other forms are about what is his own.
        for route in Route::all().iter().filter(|route| route.names_something() || route.is_get()) {
            let answer = ask(desk, route, ids, cookie, csrf);
            assert!(told(&answer).is_empty(), "{route:?} told {:?}: {}", told(&answer), answer.body);
            assert!(answer.status < 500 && answer.status != 401, "{route:?}: {}", answer.status);
            let binds = |it: &&(&str, String)| route.path.contains(&format!("{{{}}}", it.0));
            if ids.0.iter().any(|it| binds(&it) && !matches!(it.0, "what" | "page")) {
                let is_kept_out = matches!(answer.status, 303 | 404 | 422);
                assert!(is_kept_out, "{route:?}: {} {}", answer.status, answer.body);
            }
        }
    }
    assert_eq!(head(), before, "nothing was added to his own safe by ids that are not his");
    two.unchanged(&state);
}

#[test]
fn a41_no_route_answers_whoever_has_not_sat_down_or_sends_another_browsers_hidden_field() {
    let two = Two::new();
    let apart = Desk::start(&mut two.other.writer_command());
    let (apart_cookie, apart_csrf) = apart.unlock(&two.other);
    let Two { desk, cookie, csrf, ids, .. } = &two;
    let state = two.state();
    for route in &Route::all() {
        for stranger in ["", "hizo-desk=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", &apart_cookie] {
            let answer = ask(desk, route, ids, stranger, csrf);
            assert_eq!((answer.status, told(&answer)), (401, vec![]), "{route:?} {stranger}");
        }
        if !route.is_get() {
            for field in ["", "AAAA", &apart_csrf] {
                let answer = ask(desk, route, ids, cookie, field);
                assert_eq!((answer.status, told(&answer)), (403, vec![]), "{route:?}");
            }
        }
    }
    two.unchanged(&state);
    // Locked, a page of a safe leads to where it is unlocked.
    assert_eq!(desk.post(&format!("{}/lock", desk.at()), cookie, &format!("csrf={csrf}")).status, 303);
    for route in &Route::all() {
        if route.is_open() && !route.is_get() {
            continue;
        }
        let answer = ask(desk, route, ids, cookie, csrf);
        assert!(told(&answer).is_empty(), "{route:?}: {}", answer.body);
        if !route.is_open() {
            let to = format!("{}/unlock", desk.at());
            assert_eq!((answer.status, answer.header("location")), (303, Some(to.as_str())), "{route:?}");
        }
    }
    two.unchanged(&state);
}

/// The command that a page shows, as a shell reads it: its words without the quotes that what others named wears.
fn command_in(page: &str) -> Option<Vec<String>> {
    let (_, rest) = page.rsplit_once("<div class=\"cmd\"><span>")?.1.split_once("<code>")?;
    let line = rest.split_once("</code>")?.0;
    let escaped = [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&#34;", "\""),
        ("&#39;", "'"),
        ("&#38;", "&"),
        ("&amp;", "&"),
    ];
    let line = escaped.iter().fold(line.to_owned(), |line, (from, to)| line.replace(from, to));
    let (mut words, mut is_quoted) = (vec![String::new()], false);
    for letter in line.chars() {
        match letter {
            '\'' => is_quoted = !is_quoted,
            ' ' if !is_quoted => words.push(String::new()),
            letter => words.last_mut().unwrap().push(letter),
        }
    }
    assert_eq!(words.remove(0), "hizo", "{line}");
    Some(words)
}

/// Every page that somebody looks at names a command, which the program knows, with every option that is named.
#[test]
fn every_page_shows_the_command_that_does_the_same_and_the_program_knows_it() {
    let two = Two::new();
    let Two { desk, cookie, csrf, ids, .. } = &two;
    let (mut shown, mut without, mut unknown) = (BTreeSet::new(), BTreeSet::new(), Vec::new());
    // A PDF is no page.
    let is_page = |route: &Route| {
        route.is_get()
            && !route.path.ends_with(".pdf")
            && !route.path.ends_with("{what}")
            && !route.path.ends_with("{page}")
    };
    for route in Route::all().into_iter().filter(is_page) {
        let answer = ask(desk, &route, ids, cookie, csrf);
        if answer.status != 200 || !answer.header("content-type").is_some_and(|kind| kind.starts_with("text/html")) {
            continue;
        }
        let Some(command) = command_in(&answer.body) else {
            without.insert(route.path);
            continue;
        };
        let known = crate::kit::said(crate::kit::program(env!("CARGO_BIN_EXE_hizo")).args(&command).arg("--help"));
        // What is left to whoever types it, of a few words, is none of them.
        if known.code != Some(0) && !known.err.contains("invalid value '…'") {
            unknown.push((route.path.clone(), command, known.err));
        }
        shown.insert(route.path);
    }
    assert!(unknown.is_empty(), "{unknown:#?}");
    assert!(shown.len() > 40, "{} {shown:?}", shown.len());
    // A command asks for the passphrase by itself.
    let alone = BTreeSet::from(["/unlock".to_owned()]);
    assert_eq!(without, alone, "pages without a command");
}
