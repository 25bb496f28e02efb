//! The doors by which somebody comes to what others share, at the desk: for whom he comes, and to what an invite leads.

use std::fs;
use std::path::{Path, PathBuf};

use crate::case::{Beside, Scene};
use crate::desk::{Answer, Desk, phrase};
use crate::kit::Home;
use crate::organisations::Case;
use crate::sharing::Firm;

/// A browser that has unlocked a safe.
pub(crate) struct Seat {
    pub(crate) desk: Desk,
    cookie: String,
    csrf: String,
}

pub(crate) fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02x}")).collect()
}

fn field(page: &str, name: &str) -> String {
    let (_, rest) = page.split_once(&format!("name=\"{name}\" value=\"")).unwrap_or_else(|| panic!("{name}: {page}"));
    rest.split('"').next().unwrap().to_owned()
}

impl Seat {
    pub(crate) fn at(home: &Home) -> Self {
        let desk = Desk::start(home.writer_command().env("TZ", "UTC0"));
        let (cookie, csrf) = desk.unlock(home);
        Self { desk, cookie, csrf }
    }

    /// At the desk of a machine that has no safe.
    fn with_none(home: &Home) -> Self {
        let desk = Desk::start(&mut home.writer_command());
        let cookie = desk.sit_down();
        let csrf = desk.get(&format!("{}/begin", desk.at()), &cookie).csrf().to_owned();
        Self { desk, cookie, csrf }
    }

    pub(crate) fn get(&self, path: &str) -> String {
        self.desk.get(&format!("{}{path}", self.desk.at()), &self.cookie).body
    }

    pub(crate) fn post(&self, path: &str, form: &str) -> Answer {
        let form = format!("csrf={}&{form}", self.csrf);
        self.desk.post(&format!("{}{path}", self.desk.at()), &self.cookie, &form)
    }

    /// Where that leads.
    #[track_caller]
    pub(crate) fn leads(&self, answer: &Answer) -> String {
        let to = answer.header("location").unwrap_or_else(|| panic!("{}", answer.body));
        to.strip_prefix(self.desk.at()).unwrap().to_owned()
    }

    /// The page that comes of choosing an invite at a door.
    pub(crate) fn choose(&self, door: &str, invite: &Path) -> String {
        self.post(&format!("{door}/new"), &format!("typed={}", encoded(invite.to_str().unwrap()))).body
    }

    /// Asks by a door with what the page of its invite carries.
    pub(crate) fn ask(&self, door: &str, invite: &Path, to: &Path, more: &str) -> Answer {
        let carried = field(&self.choose(door, invite), "invite");
        let to = encoded(to.to_str().unwrap());
        self.post(&format!("{door}/new/ask"), &format!("invite={carried}&name=x&to={to}{more}"))
    }
}

fn space_of(invite: &Path) -> String {
    let invite: serde_json::Value = serde_json::from_slice(&fs::read(invite).unwrap()).unwrap();
    invite["space"].as_str().unwrap().to_owned()
}

#[test]
fn for_whom_somebody_comes_is_changed_at_the_desk_until_an_admin_has_used_his_request() {
    let case = Case::new();
    let (company, office) = (&case.company, &case.office.founder);
    let (invite, seat) = (company.invite("office"), Seat::at(office));
    let space = space_of(&invite);
    let file = |name: &str| office.folder.path().join(name);
    let here = format!("/cases/joined/{space}");
    let for_it = format!("&organisation=1&passphrase={}", encoded(&phrase(office)));
    let is_checked = |page: &str| page.contains("name=\"organisation\" value=\"1\" checked");
    let own_space = office.path.join("cases").join(&space).join("organisation.home");

    // At a centre's desk it is meant; he asks for himself all the same, and reads out words of his own.
    let page = seat.choose("/cases", &invite);
    assert!(is_checked(&page) && !page.contains("You have asked before"), "{page}");
    let own = seat.ask("/cases", &invite, &file("own"), "");
    assert!(own.body.contains("read out these ten words") && !own_space.exists(), "{}", own.body);
    assert!(seat.get("/cases").contains(&format!("{here}\"")), "what he waits for is led to");
    let page = seat.get(&here);
    assert!(page.contains("You have asked for yourself"), "{page}");
    // The button on that page brings him back with the same invite, and with what he had chosen.
    let page = seat.post("/cases/new", &format!("file={}", field(&page, "file").replace('=', "%3d"))).body;
    assert!(page.contains("You have asked before") && !is_checked(&page), "{page}");
    let wrong = seat.ask("/cases", &invite, &file("none"), "&organisation=1&passphrase=wrong");
    assert!(wrong.body.contains("role=\"alert\"") && !own_space.exists(), "{}", wrong.body);
    let changed = seat.ask("/cases", &invite, &file("delegated"), &for_it);
    assert!(!changed.body.contains("ten words") && own_space.exists(), "{}", changed.body);
    let page = seat.get(&here);
    assert!(page.contains("You have asked for Patent Office"), "{page}");
    // He changes his mind once more, but the company has used what he wrote before.
    seat.ask("/cases", &invite, &file("own again"), "");
    assert!(!own_space.exists() && !is_checked(&seat.choose("/cases", &invite)));
    let admitted = case.admit(&file("delegated"), &["--words", &case.words, "--history"]);
    assert_eq!(admitted.code, Some(0), "{admitted:?}");
    let late = seat.ask("/cases", &invite, &file("late"), &for_it);
    assert!(late.body.contains("you have been let in already") && !file("late").exists(), "{}", late.body);
    let late = seat.post(&here, "act=forget");
    assert!(late.body.contains("you have been let in already") && own_space.parent().unwrap().exists());

    // He comes for whom he was let in, and is told so from then on.
    let eight = admitted.json()["words"].as_str().unwrap().replace(' ', "+");
    let entered = seat.post(&here, &format!("act=enter&words={eight}"));
    assert_eq!(seat.leads(&entered), here, "{}", entered.body);
    assert!(own_space.exists());
    let there = seat.choose("/cases", &invite);
    assert!(there.contains("You came in for Patent Office") && there.contains(&format!("/case/{space}\"")), "{there}");
    // It is another safe, and no case: it opens, and the list leads to it.
    let safe = format!("/case/{space}/safe");
    assert!(seat.get("/cases").contains(&format!("{safe}\"")));
    assert!(seat.get(&safe).contains("drawings"), "{}", seat.get(&safe));
}

#[test]
fn whoever_is_there_for_himself_is_told_so_and_what_the_command_asks_for_is_not_passed_over() {
    let case = Case::new();
    let (company, office) = (&case.company, &case.office.founder);
    let home = Home::unmade();
    let (invite, request) = (company.invite("x"), home.folder.path().join("request"));
    let [invite, to] = [&invite, &request].map(|path| path.to_str().unwrap());
    let join = ["space", "join", invite, "--name", "x", "--identity"];
    let identity = office.path.join("identity.age");
    home.ok([&join[..], &[identity.to_str().unwrap(), "--to", to]].concat());
    let own_space = home.path.join("organisation.home");
    assert!(!own_space.exists());
    fs::remove_file(&request).unwrap();
    let own = office.path.to_str().unwrap();
    home.ok(["space", "join", invite, "--name", "x", "--organisation", own, "--to", to]);
    assert_eq!(fs::read_to_string(&own_space).unwrap().trim(), own, "he asked for it the second time");
    // The admin lets him in for himself: so he comes.
    let words = home.run(["space", "join", invite, "--name", "x", "--to", &format!("{to} again"), "--json"]);
    let words = words.json()["words"].as_str().unwrap().to_owned();
    let said = company.admit(&request, &words, &["--history"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let late = ["space", "join", invite, "--name", "x", "--organisation", company.founder.path.to_str().unwrap()];
    home.fails(1, "let in already", [&late[..], &["--to", &format!("{to} late")]].concat());
    home.ok(["space", "join", "--words", said.json()["words"].as_str().unwrap()]);
    assert!(!own_space.exists());
    home.ok(["list"]);
}

/// Somebody without a safe asks at the desk with an invite, under a passphrase.
fn asks_at_join(seat: &Seat, invite: &Path, to: &Path, phrase: &str) {
    let page = seat.post("/join", &format!("typed={}", encoded(invite.to_str().unwrap()))).body;
    let (carried, to, phrase) = (field(&page, "invite"), encoded(to.to_str().unwrap()), encoded(phrase));
    let form = format!("invite={carried}&name=x&machine=y&passphrase={phrase}&again={phrase}&to={to}");
    let asked = seat.post("/join/ask", &form);
    assert!(asked.body.contains("read out these ten words"), "{}", asked.body);
}

#[test]
fn what_was_asked_for_is_not_let_go_while_nobody_can_be_asked_whether_he_was_let_in() {
    let (mut firm, clean, phrase) = (Firm::new(), Home::unmade(), "a long passphrase of nobody");
    let (invite, seat) = (firm.invite("nobody"), Seat::with_none(&clean));
    asks_at_join(&seat, &invite, &clean.folder.path().join("request"), phrase);
    firm.keeper.end("-TERM");
    let stays = seat.post("/join/words", &format!("act=forget&passphrase={}", encoded(phrase)));
    assert!(stays.body.contains("role=\"alert\""), "{}", stays.body);
    assert!(clean.path.join("invite").exists() && clean.path.join("identity.age").exists());
}

#[test]
fn whoever_asked_with_an_invite_that_was_not_for_him_lets_it_go_and_begins_a_safe_there() {
    let case = Case::new();
    let (invite, clean) = (case.company.invite("nobody"), Home::unmade());
    let seat = Seat::with_none(&clean);
    let phrase = "a long passphrase of nobody";
    let encoded_phrase = encoded(phrase);
    asks_at_join(&seat, &invite, &clean.folder.path().join("request"), phrase);
    assert_eq!(seat.leads(&seat.post("/begin", "")), "/join/enter");
    let wrong = seat.post("/join/words", "act=forget&passphrase=another");
    assert!(wrong.body.contains("role=\"alert\"") && clean.path.join("invite").exists(), "{}", wrong.body);
    let gone = seat.post("/join/words", &format!("act=forget&passphrase={encoded_phrase}"));
    assert_eq!(seat.leads(&gone), "/");
    let left: Vec<PathBuf> = ["invite", "identity.age", "device.key"].map(|name| clean.path.join(name)).into();
    assert!(left.iter().all(|path| !path.exists()), "{left:?}");
    let begun = seat.post("/begin", &format!("name=x&passphrase={encoded_phrase}&again={encoded_phrase}"));
    assert_eq!(begun.status, 303, "{}", begun.body);
    assert!(clean.path.join("safe.json").exists());
}

#[test]
fn an_owner_whose_safe_is_kept_on_his_machine_alone_begins_a_case_at_a_keeper_that_he_names() {
    let (firm, owner) = (Firm::new(), Home::new());
    let seat = Seat::at(&owner);
    let asked = seat.post("/wrong/kind", "kind=leak");
    assert_eq!(seat.leads(&asked), "/wrong");
    let page = seat.get("/wrong");
    assert!(page.contains("name=\"keeper\"") && page.contains("on this computer alone"), "{page}");
    let nowhere = seat.post("/wrong", "kind=leak&title=About+drawings&keeper=http://127.0.0.1:1");
    assert!(
        nowhere.body.contains("role=\"alert\"") && nowhere.body.contains("value=\"About drawings\""),
        "{}",
        nowhere.body
    );
    let unsaid = seat.post("/wrong", "kind=leak&title=About+drawings&keeper=");
    assert!(unsaid.body.contains("nobody said where the case is kept"), "{}", unsaid.body);
    assert!(!owner.path.join("cases").exists() || fs::read_dir(owner.path.join("cases")).unwrap().next().is_none());

    let begun = seat.post("/wrong", &format!("kind=leak&title=About+drawings&keeper={}", encoded(firm.keeper.url())));
    let case = seat.leads(&begun);
    assert!(seat.get(&case).contains("About drawings") && seat.get("/cases").contains("About drawings"));
    let space = case.strip_prefix("/case/").unwrap();
    // Its invite names the keeper at which others reach it, and his own passphrase opens it.
    let home = Beside(&owner, owner.path.join("cases").join(space));
    let invite = owner.folder.path().join("invite");
    home.ok(&["space", "invite", "--to", invite.to_str().unwrap()]);
    let named: serde_json::Value = serde_json::from_slice(&fs::read(&invite).unwrap()).unwrap();
    assert_eq!((&named["space"], &named["address"]), (&space.into(), &firm.keeper.url().into()), "{named}");
    home.ok(&["case", "tell", "drawings are missing"]);
    assert!(home.ok(&["case", "show"]).out.contains("drawings are missing"));
}

#[test]
fn visits_searches_and_what_was_kept_where_are_written_down_at_the_desk_by_whoever_may() {
    let scene = Scene::new("leak");
    let (company, counsellor) = (Seat::at(&scene.company), Seat::at(&scene.counsellor));
    let shown = || scene.company.ok(["case", "show", "--json"]).json();
    let cases = company.get("/cases");
    let here = format!("/case/{}", cases.split("/case/").nth(1).unwrap().split('"').next().unwrap());
    let said = |seat: &Seat, form: &str| {
        let answer = seat.post(&here, form);
        let there = seat.leads(&answer);
        assert_eq!(there.split('?').next(), Some(here.as_str()), "{form}: {}", answer.body);
    };
    said(&counsellor, "act=visit&on=2026-12-04&place=the+works&text=the+rooms");
    let visit = shown()["visits"][0].clone();
    assert_eq!(
        (&visit["on"], &visit["place"], &visit["made"]),
        (&"2026-12-04".into(), &"the works".into(), &false.into())
    );
    said(&company, &format!("act=visit&visit={}", visit["visit"].as_str().unwrap()));
    assert_eq!(shown()["visits"][0]["made"], true);
    assert_ne!(company.post(&here, "act=visit&visit=0000000000000000").status, 303, "a visit that nobody has planned");

    said(&company, "act=searched&on=2026-12-01&place=J-PlatPat&found=nothing&text=by+three+words");
    said(&counsellor, "act=task&text=lock+the+shelf&who=company&due=2026-12-11");
    said(&counsellor, "act=sorted&kind=approach&urgent=1");
    let deposit = scene.company.deposit(&scene.company.beside("log"), "log")["deposit"].as_str().unwrap().to_owned();
    let matrix = || scene.company.ok(["case", "matrix", "--json"]).json()["elements"].clone();
    let known = |word: &str| {
        let rows = matrix();
        rows.as_array().unwrap().iter().find(|row| row["element"] == word).unwrap().clone()
    };
    assert_eq!((&known("not-public")["known"], &known("integrity")["known"]), (&"yes".into(), &"no".into()));
    assert_eq!(known("integrity")["gap"], "no evidence is noted as kept yet");
    let page = company.get(&here);
    assert!(page.contains(&format!("value=\"{deposit}\"")), "what lies in the case can be named: {page}");
    let source = field(&page, "source");
    said(&company, &format!("act=keep&source={source}&state=kept&deposit={deposit}"));
    assert_eq!(known("integrity")["known"], "yes");
    for part in ["the works", "J-PlatPat", "Nothing of it is public", "11 December", "by three words"] {
        assert!(company.get(&here).contains(part), "{part}");
    }
    // A company does not put right what its case is about: the counsellor does.
    assert!(!company.get(&here).contains("value=\"sorted\"") && counsellor.get(&here).contains("value=\"sorted\""));
    assert_ne!(company.post(&here, "act=sorted&kind=leak").status, 303);
}
