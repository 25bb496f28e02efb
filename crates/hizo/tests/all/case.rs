//! A company and a counsellor share a case over a real keeper: from what was told to advice, to a referral, and to its end.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::desk::Desk;
use crate::faults::FalseClock;
use crate::keeper::Process;
use crate::kit::{Home, Said, contains, contents_below, files_below, program, said};
use crate::sharing::Firm;
use crate::two_admins_more::at_that_time;

const TITLE: &str = "図面の件";

/// Words that nobody but the two sides may read.
const NARRATIVE: &str = "leaver 1 copied KX-204 on his last day, canary-narrative-7731";
const ADVICE: &str = "lock his PC away as it is, canary-advice-5120";

/// A company with a case, and a centre that helps it: an organisation with a safe of its own, whose counsellor acts for it.
pub(crate) struct Scene {
    pub(crate) company: Home,
    pub(crate) centre: Firm,
    pub(crate) counsellor: Home,
    pub(crate) keeper: Process,
    words: String,
}

fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value}")).to_owned()
}

/// A centre that has a key.
fn centre() -> (Firm, String) {
    let centre = Firm::new();
    let made = centre.founder.ok(["office", "make", "--name", "IP Centre", "--name-ja", "知財窓口", "--json"]);
    (centre, text(&made.json()["words"]))
}

/// A case that somebody opens at a keeper of its own.
fn opened(home: &Home, keeper: &Process, more: &[&str]) -> (PathBuf, Value) {
    let invite = home.folder.path().join("invite to the case");
    let mut arguments = vec!["case", "open", "--keeper", keeper.url(), "--title", TITLE, "--invite", path(&invite)];
    arguments.extend(more);
    let said = home.ok(arguments.into_iter().chain(["--json"])).json();
    home.make_cheap();
    (invite, said)
}

impl Scene {
    pub(crate) fn new(kind: &str) -> Self {
        Self::at(kind, Process::start)
    }

    /// The same at a keeper that is started so, with the folder for its data.
    pub(crate) fn at(kind: &str, start: impl FnOnce(&Path) -> Process) -> Self {
        let company = Home::unmade();
        let keeper = start(&company.folder.path().join("data"));
        let (invite, _) = opened(&company, &keeper, &["--kind", kind]);
        let (centre, words) = centre();
        let counsellor = Home::unmade();
        let scene = Self { company, centre, counsellor, keeper, words };
        scene.let_in(&invite);
        scene
    }

    /// The centre delegates its counsellor, and the company lets him in, with what was said before.
    fn let_in(&self, invite: &Path) {
        let file = |name: &str| self.counsellor.folder.path().join(name);
        let (request, delegated) = (file("request"), file("delegated"));
        let own = self.centre.founder.path.clone();
        let join =
            ["space", "join", path(invite), "--name", "鈴木", "--organisation", path(&own), "--to", path(&request)];
        self.counsellor.ok(join);
        self.centre.founder.ok(["office", "delegate", path(&request), "--to", path(&delegated)]);
        let admit = ["space", "admit", path(&delegated), "--words", &self.words, "--history", "--json"];
        let admitted = self.company.ok(admit).json();
        self.counsellor.ok(["space", "join", "--words", &text(&admitted["words"])]);
    }

    /// Somebody else of the centre, whom the company lets in too: his home of the centre's own safe, and that of the case.
    pub(crate) fn colleague(&self) -> (Home, Home) {
        let (staff, home) = (self.centre.let_in("同僚", &["--history"]), Home::unmade());
        let file = |name: &str| home.folder.path().join(name);
        let [invite, request, delegated] = ["invite", "request", "delegated"].map(file);
        self.company.ok(["space", "invite", "--to", path(&invite)]);
        let own = path(&staff.path);
        home.ok(["space", "join", path(&invite), "--name", "同僚", "--organisation", own, "--to", path(&request)]);
        self.centre.founder.ok(["office", "delegate", path(&request), "--to", path(&delegated)]);
        let admitted = self.company.ok(["space", "admit", path(&delegated), "--history", "--json"]).json();
        home.ok(["space", "join", "--words", &text(&admitted["words"])]);
        (staff, home)
    }

    /// The states that hold, as both sides see them.
    fn states(&self) -> Vec<String> {
        let seen = |home: &Home| {
            let shown = home.ok(["case", "show", "--json"]).json();
            assert_eq!(shown["refused"], serde_json::json!([]), "{shown}");
            shown["states"].as_array().unwrap().iter().map(|state| text(&state["state"])).collect::<Vec<_>>()
        };
        let states = seen(&self.company);
        assert_eq!(seen(&self.counsellor), states);
        states
    }

    /// What the company consented to comes to a receiver, who accepts it; the files that he got.
    pub(crate) fn delivered(&self, handover: &str, receiver: &Home) -> Vec<PathBuf> {
        let digits = &handover[..8];
        let made = self.counsellor.folder.path().join(format!("made {digits}"));
        let entered = self.company.folder.path().join(format!("entered {digits}"));
        let file = |name: &str| receiver.folder.path().join(name);
        let (invite, request, identity) = (file("invite"), file("request"), receiver.path.join("identity.age"));
        self.counsellor.ok(["hand-over", "make", handover, "--to", path(&made)]);
        Beside(&self.counsellor, made.clone()).ok(&["space", "invite", "--to", path(&invite)]);
        let receiving = Beside(receiver, file("home of it"));
        let join = ["space", "join", path(&invite), "--name", "J-CRAT", "--to", path(&request)];
        receiving.ok(&[&join[..], &["--identity", path(&identity)]].concat());
        self.company.ok(["hand-over", "enter", path(&invite), "--to", path(&entered)]);
        let admit = ["hand-over", "admit", path(&request), "--at", path(&made), "--json"];
        let words = text(&self.counsellor.ok(admit).json()["words"]);
        receiving.ok(&["space", "join", "--words", &words]);
        receiving.ok(&["hand-over", "open"]);
        receiving.ok(&["hand-over", "answer", "accepted", "--reference", "R-12"]);
        self.company.ok(["hand-over", "status", "--at", path(&entered)]);
        let out = file("out");
        receiving.ok(&["restore", "latest:item 1", "--to", path(&out)]);
        files_below(&out)
    }

    pub(crate) fn keeper_url(&self) -> &str {
        self.keeper.url()
    }

    /// What the keeper has of the case, anywhere.
    pub(crate) fn keeper_has(&self, words: &str) -> bool {
        let data = self.company.folder.path().join("data");
        contents_below(&data).iter().any(|bytes| contains(bytes, words.as_bytes()))
    }
}

/// A home of somebody's beside his first one.
pub(crate) struct Beside<'a>(pub(crate) &'a Home, pub(crate) PathBuf);

impl Beside<'_> {
    pub(crate) fn run(&self, arguments: &[&str]) -> Said {
        let mut command = program(env!("CARGO_BIN_EXE_hizo"));
        command.arg("--home").arg(&self.1).arg("--passphrase-file").arg(self.0.passphrase_file());
        said(command.args(arguments))
    }

    #[track_caller]
    pub(crate) fn ok(&self, arguments: &[&str]) -> Said {
        let said = self.run(arguments);
        assert_eq!(said.code, Some(0), "{said:?}");
        said
    }
}

#[test]
fn a_worried_company_is_advised_by_the_counsellor_of_its_centre() {
    let scene = Scene::new("leak");
    let Scene { company, counsellor, .. } = &scene;
    company.ok(["case", "tell", NARRATIVE, "--happened", "2026-11-20"]);
    assert_eq!(scene.states(), ["intake"]);
    let shown = counsellor.ok(["case", "show", "--json"]).json();
    let you = |home: &Home| text(&home.ok(["case", "show", "--json"]).json()["you"]);
    assert_eq!((you(company), you(counsellor)), ("company".into(), "counsellor".into()));
    assert_eq!(
        (text(&shown["told"][0]["text"]), text(&shown["told"][0]["happened"])),
        (NARRATIVE.into(), "2026-11-20".into())
    );
    assert!(shown["states"][0]["due"].is_string() && shown["states"][0]["late"] == false, "{shown}");
    // In the home of the centre's own safe, its counsellor has all his cases.
    let listed = scene.centre.founder.ok(["case", "list", "--json"]).json();
    assert_eq!(text(&listed["cases"][0]["title"]), TITLE, "{listed}");

    // What does not follow, or is not for this party, is said and not recorded.
    let head = |home: &Home| home.ok(["space", "head", "--json"]).json()["record"].clone();
    let before = head(company);
    company.fails(1, "this is for another party", ["case", "move", "triage", "--reason", "facts"]);
    company.fails(1, "this is for another party", ["case", "advise", "by himself"]);
    let wrong = counsellor.fails(1, "does not follow", ["case", "move", "closing", "--reason", "done"]);
    assert!(wrong.err.contains("triage (facts)"), "{wrong:?}");
    counsellor.fails(1, "no reason", ["case", "move", "triage", "--reason", "because"]);
    counsellor.fails(2, "a day is none", ["case", "visit", "--on", "tomorrow"]);
    assert_eq!(head(company), before, "nothing was added");

    counsellor.ok(["case", "move", "triage", "--reason", "facts"]);
    counsellor.ok(["case", "move", "preserve", "--reason", "suspicion", "--urgency", "emergency"]);
    counsellor.ok(["case", "advise", ADVICE]);
    let task = text(
        &counsellor.ok(["case", "task", "ask for the badge records", "--due", "2099-12-01", "--json"]).json()["named"],
    );
    let visit =
        text(&counsellor.ok(["case", "visit", "--on", "2099-12-01", "--place", "the works", "--json"]).json()["named"]);
    // The company keeps what may be lost, and says what it kept.
    let wanted = company.ok(["case", "keep", "--json"]).json();
    let not = wanted["do_not"].to_string();
    assert!(not.contains("never set up a leaver's PC anew") && not.contains("do not interview"), "{wanted}");
    assert!(wanted["sources"].as_array().unwrap().iter().all(|source| source["until"].is_string()), "{wanted}");
    let folder = company.beside("badges");
    fs::write(folder.join("badges.csv"), "18:40 gate 2").unwrap();
    company.deposit(&folder, "evidence");
    company.ok(["case", "keep", "badge", "--state", "kept", "--deposit", "latest:evidence"]);
    let kept = counsellor.ok(["case", "keep", "--json"]).json();
    let badge = kept["sources"].as_array().unwrap().iter().find(|source| source["source"] == "badge").unwrap();
    assert!(badge["state"] == "kept" && badge["until"].is_null() && badge["deposit"].is_string(), "{badge}");
    company.ok(["case", "search", "--on", "2026-11-25", "--where", "J-PlatPat", "--found", "nothing"]);
    let matrix = counsellor.ok(["case", "matrix", "--json"]).json();
    let known = |word: &str| {
        let found = matrix["elements"].as_array().unwrap().iter().find(|row| row["element"] == word).unwrap();
        text(&found["known"])
    };
    assert_eq!(["identified", "act", "not-public", "duty"].map(known), ["no", "yes", "yes", "not here"]);
    company.ok(["case", "task", "--done", &task[..6]]);
    counsellor.ok(["case", "visit", &visit[..6], "--made", "--note", "all kept"]);
    counsellor.ok(["case", "move", "suspicion-check", "--reason", "preserved"]);
    counsellor.ok(["case", "move", "advice", "--reason", "no-leak", "--kind", "support"]);
    counsellor.ok(["case", "move", "closing", "--reason", "advised"]);
    company.fails(1, "this is for another party", ["case", "close", "--reason", "done"]);
    counsellor.ok(["case", "close", "--reason", "done"]);
    assert_eq!(scene.states(), ["closed"]);
    company.fails(1, "the case is closed", ["case", "move", "preserve", "--reason", "suspicion"]);
    company.ok(["case", "tell", "he gave everything back"]);
    let shown = company.ok(["case", "show", "--json"]).json();
    assert!(shown["tasks"][0]["done"] == true && shown["visits"][0]["made"] == true, "{shown}");
    assert_eq!((text(&shown["kind"]), text(&shown["urgency"])), ("support".into(), "emergency".into()));
    assert!(shown["kept_until"].is_string(), "{shown}");
    company.ok(["case", "hold", "on", "--note", "a lawsuit"]);
    assert!(company.ok(["case", "show", "--json"]).json()["kept_until"].is_null());
    // Every step says who took it, and that he had seen all that was said before.
    for step in shown["steps"].as_array().unwrap() {
        assert!(step["unseen"] == 0 && step["party"] == "counsellor" && step["by"] == "鈴木", "{step}");
    }
    company.ok(["check"]);
    for words in [TITLE, NARRATIVE, ADVICE, "case.opened", "badges.csv"] {
        assert!(!scene.keeper_has(words), "the keeper can read {words:?}");
    }
    // The search would find what is there.
    fs::write(company.folder.path().join("data/leak"), NARRATIVE).unwrap();
    assert!(scene.keeper_has(NARRATIVE));
}

#[test]
fn a_case_that_a_counsellor_typed_for_a_caller_becomes_the_companys() {
    let counsellor = Home::unmade();
    let keeper = Process::start(&counsellor.folder.path().join("data"));
    let (invite, _) = opened(&counsellor, &keeper, &["--kind", "attack", "--urgency", "emergency", "--way", "phone"]);
    counsellor.ok(["case", "tell", NARRATIVE, "--for", "山田さん（社長）"]);
    counsellor.ok(["case", "move", "triage", "--reason", "facts"]);
    // Nobody is the company yet: he consents to nothing in its name.
    let consent = [
        "consent",
        "give",
        "latest:x",
        "--receiver",
        "x",
        "--receiver-name",
        "x",
        "--purpose",
        "x",
        "--until",
        "2099-12-31",
    ];
    counsellor.fails(1, "only an admin of the case consents", consent);
    let company = Home::unmade();
    let request = company.folder.path().join("request");
    let join = ["space", "join", path(&invite), "--name", "山田金型", "--to", path(&request), "--json"];
    let words = text(&company.ok(join).json()["words"]);
    company.make_cheap();
    let give = |words: &str| counsellor.run(["case", "give", path(&request), "--words", words, "--json"]);
    let other = give("abandon ability able about above absent absorb abstract absurd abuse");
    assert!(other.code == Some(5) && other.err.contains("the words are not the same"), "{other:?}");
    let given = give(&words);
    assert_eq!(given.code, Some(0), "{given:?}");
    company.ok(["space", "join", "--words", &text(&given.json()["words"])]);
    let seen = |home: &Home| home.ok(["case", "show", "--json"]).json();
    let (theirs, ours) = (seen(&company), seen(&counsellor));
    assert_eq!((text(&theirs["you"]), text(&ours["you"])), ("company".into(), "counsellor".into()));
    assert_eq!(
        (text(&theirs["told"][0]["text"]), text(&theirs["told"][0]["for"])),
        (NARRATIVE.into(), "山田さん（社長）".into())
    );
    assert_eq!(theirs["states"], ours["states"]);
    assert_eq!(theirs["refused"], serde_json::json!([]));
    // He is no admin any more, and gives nothing twice; what is for the company the company does.
    let again = give(&words);
    assert!(again.code == Some(1) && again.err.contains("another party"), "{again:?}");
    let members = company.ok(["space", "members", "--json"]).json();
    let roles: Vec<_> =
        members["members"].as_array().unwrap().iter().map(|member| text(&member["own"]["role"])).collect();
    assert!(roles.contains(&"admin".to_owned()) && roles.contains(&"reader+writer".to_owned()), "{members}");
    counsellor.ok(["case", "advise", ADVICE]);
    company.ok(["case", "move", "preserve", "--reason", "suspicion"]);
    counsellor.ok(["case", "list", path(&counsellor.path)]);
}

#[test]
fn a_thing_goes_from_hand_to_hand_under_the_number_on_its_tag() {
    let scene = Scene::new("leak");
    let Scene { company, counsellor, .. } = &scene;
    let what = ["--what", "ノート PC, S/N canary-thing-4410"];
    let first = ["--holder", "owner", "--place", "safe of the works, off, sealed", "--witness", "foreman"];
    let tag = text(&company.ok([&["case", "thing"], &what[..], &first, &["--json"]].concat()).json()["named"]);
    let to = |holder: &str, tag: &str| {
        counsellor.run(["case", "thing", tag, "--holder", holder, "--place", "in the van", "--json"])
    };
    assert_eq!(to("forensics 1", &tag[..8]).code, Some(0));
    let unknown = to("forensics 2", "0000000000000000");
    assert_eq!(unknown.code, Some(2), "{unknown:?}");
    company.fails(2, "--what", ["case", "thing", "--holder", "x", "--place", "y"]);
    company.fails(
        2,
        "cannot be used with",
        ["case", "thing", &tag, "--what", "another", "--holder", "x", "--place", "y"],
    );
    let shown = company.ok(["case", "show", "--json"]).json();
    let holders: Vec<_> = shown["things"][0]["hands"]
        .as_array()
        .unwrap()
        .iter()
        .map(|hand| (text(&hand["holder"]), text(&hand["party"])))
        .collect();
    assert_eq!(holders, [("owner".into(), "company".into()), ("forensics 1".into(), "counsellor".into())], "{shown}");
    assert!(company.ok(["case", "show"]).out.contains("forensics 1, in the van"));
    assert!(!scene.keeper_has("canary-thing-4410"));
    // The desk says the same by the same rule.
    let desk = Desk::start(&mut company.writer_command());
    let (cookie, csrf) = desk.unlock(company);
    let list = desk.get(&format!("{}/cases", desk.at()), &cookie).body;
    let case = format!("{}/case/{}", desk.at(), list.split("/case/").nth(1).unwrap().split('"').next().unwrap());
    let post = |form: &str| desk.post(&case, &cookie, &format!("csrf={csrf}&act=thing&{form}")).status;
    assert_eq!(post(&format!("thing={tag}&holder=police&place=evidence+room")), 303);
    assert_eq!(post("what=disk+2&holder=owner&place=drawer&witness=foreman"), 303);
    assert_eq!(post("what=disk+3&holder=&place=drawer"), 422);
    assert_eq!(post("thing=0000000000000000&holder=x&place=y"), 422);
    let page = desk.get(&case, &cookie).body;
    let number = [&tag[..4], &tag[4..8], &tag[8..12], &tag[12..]].join("-");
    assert!(page.contains(&number) && page.contains("evidence room") && page.contains("disk 2"), "{page}");
    assert!(!page.contains("disk 3"));
    // A tag for each, which does not say whose it is; and their way on the slip.
    let paper = |what: &str| {
        let to = company.folder.path().join(format!("{what}.pdf"));
        company.ok(["case", "paper", what, "--to", path(&to)]);
        read_off(&to)
    };
    if let (Some(tags), Some(slip)) = (paper("tag"), paper("slip")) {
        assert!(tags.contains(&number) && tags.contains("canary-thing-4410") && !tags.contains(TITLE), "{tags}");
        assert!(slip.contains(&number) && slip.contains("forensics1") && slip.contains("evidenceroom"), "{slip}");
    }
}

#[test]
fn whoever_helps_one_side_helps_the_other_not_and_neither_learns_of_the_other() {
    const NAMES: [&str; 2] = ["株式会社 浜松プレス", "乙工業 株式会社"];
    let (centre, _) = centre();
    let founder = &centre.founder;
    let keeper = Process::start(&founder.folder.path().join("data of cases"));
    let identity = founder.path.join("identity.age");
    let case = |name: &str| {
        let case = Beside(founder, founder.path.join("cases").join(name));
        let invite = founder.folder.path().join(format!("invite {name}"));
        let open = ["case", "open", "--keeper", keeper.url(), "--kind", "leak", "--way", "phone", "--title", name];
        case.ok(&[&open[..], &["--invite", path(&invite), "--identity", path(&identity)]].concat());
        case
    };
    let named = |lines: &str| {
        let file = founder.folder.path().join("names");
        fs::write(&file, lines).unwrap();
        file
    };
    let standing = |said: &Said| text(&said.json()["standing"]);
    let (first, second) = (case("one"), case("two"));
    assert_eq!(standing(&first.ok(&["case", "sides", "--json"])), "unknown");
    first.ok(&["case", "tell", NARRATIVE]);
    let names = named(&format!("asks {}\nagainst {}\n", NAMES[0], NAMES[1]));
    assert_eq!(standing(&first.ok(&["case", "sides", path(&names), "--json"])), "free");

    // The other side comes, and is called otherwise.
    second.ok(&["case", "tell", "before anybody asked who it is"]);
    let names = named("asks ㈱乙工業\n");
    let blocked = second.run(&["case", "sides", path(&names), "--json"]);
    assert_eq!((blocked.code, standing(&blocked)), (Some(1), "blocked".into()), "{blocked:?}");
    assert!(blocked.err.contains("cannot act in this case") && !blocked.err.contains("浜松"), "{blocked:?}");
    let head = |case: &Beside| case.ok(&["space", "head", "--json"]).json()["record"].clone();
    let before = head(&second);
    for act in [
        &["case", "tell", "x"][..],
        &["case", "advise", "x"],
        &["case", "task", "x"],
        &["case", "keep", "badge", "--state", "gone"],
    ] {
        let said = second.run(act);
        assert!(said.code == Some(1) && said.err.contains("cannot act in this case"), "{said:?}");
    }
    assert_eq!(head(&second), before, "nothing was added");
    // Whoever came first goes on, and is told nothing.
    first.ok(&["case", "advise", ADVICE]);
    assert_eq!(standing(&first.ok(&["case", "sides", "--json"])), "free");
    // The desk says the same, and compares by the same rule.
    let desk = Desk::start(&mut founder.writer_command());
    let (cookie, csrf) = desk.unlock(founder);
    let at = |case: &Beside| {
        let space = text(&case.run(&["case", "sides", "--json"]).json()["case"]);
        format!("{}/case/{space}", desk.at())
    };
    let (one, two) = (at(&first), at(&second));
    assert!(!desk.get(&one, &cookie).body.contains("/sides\""));
    let page = desk.get(&two, &cookie).body;
    assert!(page.contains("role=\"alert\"") && page.contains("/sides\"") && page.contains("/whom\""), "{page}");
    assert!(
        !page.contains("value=\"tell\"") && page.contains("value=\"closed\"") && !page.contains("value=\"triage\"")
    );
    let third = case("three");
    let three = at(&third);
    assert!(desk.get(&three, &cookie).body.contains("/sides\""));
    let form = |asks: &str, against: &str| format!("csrf={csrf}&asks={asks}&against={against}");
    let none = desk.post(&format!("{three}/sides"), &cookie, &form("", ""));
    assert!(none.status == 200 && none.body.contains("role=\"alert\""), "{}", none.body);
    // Against the one who was helped first.
    let said = desk.post(
        &format!("{three}/sides"),
        &cookie,
        &form("Hei+K.K.", "%E6%B5%9C%E6%9D%BE%E3%83%97%E3%83%AC%E3%82%B9"),
    );
    assert_eq!(said.header("location"), Some(three.as_str()), "{}", said.body);
    assert!(desk.get(&three, &cookie).body.contains("role=\"alert\""));
    let tell = desk.post(&three, &cookie, &format!("csrf={csrf}&act=tell&text=x"));
    assert_eq!(tell.status, 422, "{}", tell.body);
    drop(desk);
    // Before, it was looked into. It is brought to its end from there, without a word.
    for act in [
        &["case", "move", "triage", "--reason", "facts"][..],
        &["case", "close", "--reason", "elsewhere", "--note", "advice"],
    ] {
        assert!(second.run(act).err.contains("cannot act in this case"));
    }
    let also_office = second.run(&["case", "sides", "--office", path(&second.1)]);
    assert!(also_office.err.contains("the home of this case"), "{also_office:?}");
    second.ok(&["case", "close", "--reason", "elsewhere"]);
    // A case that lies elsewhere is told once where the organisation's own safe is.
    let away = Beside(founder, founder.folder.path().join("a case elsewhere"));
    let invite = founder.folder.path().join("invite elsewhere");
    let open = ["case", "open", "--keeper", keeper.url(), "--kind", "leak", "--way", "phone", "--title", "away"];
    away.ok(&[&open[..], &["--invite", path(&invite), "--identity", path(&identity)]].concat());
    let names = named("asks 乙工業\n");
    assert!(away.run(&["case", "sides", path(&names)]).err.contains("--office"));
    let blocked = away.run(&["case", "sides", path(&names), "--office", path(&founder.path), "--json"]);
    assert_eq!(standing(&blocked), "blocked", "{blocked:?}");
    let once = away.run(&["case", "sides"]);
    assert!(once.out.is_empty() && once.err.contains("cannot act in this case"), "{once:?}");
    assert!(away.run(&["case", "tell", "x"]).err.contains("cannot act in this case"));
    // Another one that is named later changes nothing of that.
    let other = Home::unmade();
    let invite = other.folder.path().join("invite");
    let another = Beside(founder, other.path.clone());
    another.ok(&[&open[..], &["--invite", path(&invite), "--identity", path(&identity)]].concat());
    away.run(&["case", "sides", "--office", path(&another.1)]);
    assert!(away.run(&["case", "tell", "x"]).err.contains("cannot act in this case"));
    // Nobody's name lies anywhere, in the clear or in what can be opened.
    let shown = Beside(founder, founder.path.clone()).ok(&["list", "--json"]).out;
    let data = founder.folder.path().join("data of cases");
    let all = [contents_below(&founder.path), contents_below(&data)].concat();
    for name in ["浜松プレス", "乙工業"] {
        assert!(!shown.contains(name));
        assert!(!all.iter().any(|bytes| contains(bytes, name.as_bytes())), "{name}");
    }
    // The company's side compares nothing.
    let scene = Scene::new("leak");
    scene.company.fails(1, "only whoever helps", ["case", "sides"]);
}

#[test]
fn a_keeper_that_is_said_to_be_elsewhere_is_asked_there_whether_a_case_is_blocked() {
    let (centre, _) = centre();
    let (founder, keeper) = (&centre.founder, &centre.keeper);
    let case = |name: &str, asks: &str| {
        let case = Beside(founder, founder.path.join("cases").join(name));
        let [invite, names] = ["invite", "names"].map(|of| founder.folder.path().join(format!("{of} {name}")));
        fs::write(&names, format!("asks {asks}\nagainst {}\n", ["乙工業", "甲工業"][usize::from(name == "two")]))
            .unwrap();
        let open = ["case", "open", "--keeper", keeper.url(), "--kind", "leak", "--way", "phone", "--title", name];
        let identity = founder.path.join("identity.age");
        case.ok(&[&open[..], &["--invite", path(&invite), "--identity", path(&identity)]].concat());
        case.run(&["case", "sides", path(&names)]);
        case
    };
    let (first, second) = (case("one", "甲工業"), case("two", "乙工業"));
    // The keeper has another address by now, and this machine knows of its safes what it asks for.
    for home in [&founder.path, &first.1, &second.1] {
        let file = home.join("safe.json");
        let text = fs::read_to_string(&file).unwrap();
        fs::write(&file, text.replace(keeper.url(), "http://127.0.0.1:9")).unwrap();
    }
    fs::remove_file(founder.path.join("notes")).unwrap();
    let told = second.run(&["--keeper", keeper.url(), "case", "tell", "x"]);
    assert!(told.code == Some(1) && told.err.contains("cannot act in this case"), "{told:?}");
    // At the desk too; and it says nothing of a safe whose keeper is another one.
    fs::remove_file(founder.path.join("notes")).unwrap();
    let apart = Home::new();
    fs::copy(founder.passphrase_file(), apart.passphrase_file()).unwrap();
    let desk = Desk::start_with(founder.writer_command().args(["--keeper", keeper.url()]), &[&apart.path]);
    let (cookie, csrf) = desk.unlock(founder);
    let space = text(&second.run(&["--keeper", keeper.url(), "case", "sides", "--json"]).json()["case"]);
    fs::remove_file(founder.path.join("notes")).unwrap();
    let told = desk.post(&format!("{}/case/{space}", desk.at()), &cookie, &format!("csrf={csrf}&act=tell&text=x"));
    assert!(told.status == 422 && told.body.contains("cannot act in this case"), "{}", told.body);
    desk.post(&format!("{}/lock", desk.at()), &cookie, &format!("csrf={csrf}"));
    let form = format!("csrf={csrf}&safe=1&passphrase={}", crate::desk::phrase(&apart).replace(' ', "+"));
    let unlocked = desk.post(&format!("{}/unlock", desk.at()), &cookie, &form);
    assert_eq!(unlocked.header("location"), Some(&*format!("{}/safe", desk.at())), "{}", unlocked.body);
}

#[test]
fn staff_of_the_company_tell_and_keep_and_whoever_got_no_history_is_told_to_ask_for_it() {
    let scene = Scene::new("approach");
    let admit = |name: &str, more: &[&str]| {
        let home = Home::unmade();
        let file = |name: &str| home.folder.path().join(name);
        let (invite, request) = (file("invite"), file("request"));
        scene.company.ok(["space", "invite", "--to", path(&invite)]);
        let join = ["space", "join", path(&invite), "--name", name, "--to", path(&request), "--json"];
        let words = text(&home.ok(join).json()["words"]);
        home.make_cheap();
        let admit = ["space", "admit", path(&request), "--words", &words, "--json"];
        let admitted = scene.company.ok(admit.iter().chain(more)).json();
        home.ok(["space", "join", "--words", &text(&admitted["words"])]);
        home
    };
    let tanaka = admit("田中", &["--history"]);
    tanaka.ok(["case", "tell", "a gift came with a USB stick"]);
    tanaka.ok(["case", "keep", "mail", "--state", "kept"]);
    tanaka.fails(1, "for another party", ["case", "advise", "as if he were one"]);
    tanaka.fails(1, "for another party", ["case", "close", "--reason", "withdrawn"]);
    let late = admit("小川", &[]);
    late.fails(1, "closed to you", ["case", "show"]);
    scene.company.ok(["space", "grant", "小川"]);
    assert_eq!(late.ok(["case", "show", "--json"]).json()["you"], "staff");
    // A safe that is no case is none.
    scene.centre.founder.fails(1, "no case", ["case", "tell", "x"]);
}

#[test]
fn a_referral_rests_on_a_hand_over_and_rescue_on_its_answer() {
    let mut scene = Scene::new("attack");
    let Scene { company, counsellor, .. } = &scene;
    company.ok(["case", "tell", "somebody asked for our drawings"]);
    for (state, reason) in [
        ("triage", "facts"),
        ("preserve", "suspicion"),
        ("suspicion-check", "preserved"),
        ("referral-proposed", "attack"),
    ] {
        counsellor.ok(["case", "move", state, "--reason", reason]);
    }
    let sent = ["case", "move", "referral-sent", "--reason", "consented"];
    counsellor.fails(1, "hand-over on which it rests", sent);
    let agency = Home::new();
    let receiver = text(&agency.ok(["consent", "key", "--json"]).json()["key"]);
    let folder = company.beside("logs");
    fs::write(folder.join("proxy.csv"), "02:11 POST").unwrap();
    company.deposit(&folder, "logs");
    // The centre that helps is not to learn whom the company suspects, neither by its own key nor by its counsellor's.
    let centre = text(&scene.centre.founder.ok(["office", "card", "--json"]).json()["key"]);
    let own = text(&counsellor.ok(["consent", "key", "--json"]).json()["key"]);
    let words = "who helps is not to learn";
    for key in [&centre, &own] {
        let give = ["consent", "give", "latest:logs", "--receiver", key, "--receiver-name", "IP Centre"];
        let more = ["--purpose", "x", "--until", "2099-12-31", "--level", "D", "--company", "Tokuda Seiki"];
        company.fails(1, words, give.iter().chain(&more));
    }
    let desk = Desk::start(&mut company.writer_command());
    let (cookie, csrf) = desk.unlock(company);
    let listed = desk.get(&format!("{}/cases", desk.at()), &cookie).body;
    let consent =
        format!("{}/case/{}/consent", desk.at(), listed.split("/case/").nth(1).unwrap().split('"').next().unwrap());
    let page = desk.get(&consent, &cookie).body;
    let item = page.split("name=\"item-").nth(1).unwrap().split('"').next().unwrap();
    let form = |key: &str, level: &str| {
        let key: String = key.bytes().map(|byte| format!("%{byte:02x}")).collect();
        let form =
            format!("csrf={csrf}&act=preview&item-{item}=1&key={key}&level={level}&receiver_name=IP+Centre&purpose=x");
        desk.post(
            &consent,
            &cookie,
            &format!("{form}&company=Tokuda+Seiki&sought=Tokuda+Seiki&onward=red&until=2099-12-31"),
        )
        .body
    };
    assert!(form(&centre, "D").contains(words) && form(&receiver, "D").contains("proxy.csv"));
    assert!(form(&centre, "B").contains("proxy.csv"), "what it may know anyway it may receive");
    let mut give =
        vec!["consent", "give", "latest:logs", "--receiver", &receiver, "--receiver-name", "J-CRAT", "--json"];
    give.extend(["--purpose", "is this an attack?", "--until", "2099-12-31"]);
    let handover = text(&company.ok(give).json()["handover"]);
    let resting: Vec<&str> = sent.into_iter().chain(["--rests-on", &handover[..12]]).collect();
    counsellor.fails(1, "hand-over on which it rests", &resting);
    let (made, home) = (counsellor.folder.path().join("made"), agency.folder.path().join("home of it"));
    counsellor.ok(["hand-over", "make", &handover, "--to", path(&made)]);
    let file = |name: &str| agency.folder.path().join(name);
    let (invite, request, identity) = (file("invite"), file("request"), agency.path.join("identity.age"));
    Beside(counsellor, made.clone()).ok(&["space", "invite", "--to", path(&invite)]);
    let receiving = Beside(&agency, home);
    receiving.ok(&[
        "space",
        "join",
        path(&invite),
        "--name",
        "J-CRAT",
        "--to",
        path(&request),
        "--identity",
        path(&identity),
    ]);
    let entered = company.folder.path().join("entered");
    company.ok(["hand-over", "enter", path(&invite), "--to", path(&entered)]);
    let admitted = counsellor.ok(["hand-over", "admit", path(&request), "--at", path(&made), "--json"]).json();
    receiving.ok(&["space", "join", "--words", &text(&admitted["words"])]);
    counsellor.ok(&resting);
    assert_eq!(scene.states(), ["referral-sent"]);
    whoever_waits_a_day_for_an_answer_is_told_whom_to_call(&mut scene);
    let Scene { company, counsellor, .. } = &scene;
    // "Sent" is no answer.
    let rescue = ["case", "move", "rescue.determine", "--reason", "accepted", "--rests-on", &handover];
    counsellor.fails(1, "hand-over on which it rests", rescue);
    receiving.ok(&["hand-over", "open"]);
    receiving.ok(&["hand-over", "answer", "accepted", "--reference", "R-12"]);
    company.ok(["hand-over", "status", "--at", path(&entered)]);
    counsellor.ok(rescue);
    counsellor.ok(["case", "move", "rescue.determine", "--reason", "undetermined", "--rests-on", &handover]);
    counsellor.ok(["case", "move", "rescue.assess-damage", "--reason", "attack", "--rests-on", &handover]);
    company.ok(["case", "move", "liability", "--reason", "own-action"]);
    assert_eq!(scene.states(), ["liability", "rescue.assess-damage"]);
    papers_say_what_stands_in_the_case(&scene, &handover);
}

/// The case's page says whose answer is looked for; and once a day is over, that nothing came, and whom to call.
fn whoever_waits_a_day_for_an_answer_is_told_whom_to_call(scene: &mut Scene) {
    let Some(clock) = FalseClock::there() else { return };
    let Scene { company, centre, counsellor, keeper, .. } = scene;
    let (data, address) = (company.folder.path().join("data"), keeper.address());
    let names = counsellor.folder.path().join("names");
    fs::write(&names, "asks 徳田精機\nagainst 乙工業\n").unwrap();
    counsellor.ok(["case", "sides", path(&names)]);
    for (away, says, says_not) in [
        ("+82800", "Wait for the answer of J-CRAT", "No answer from"),
        ("+90000", "No answer from J-CRAT for 24 hours: call", "Wait for the answer"),
    ] {
        keeper.end("-TERM");
        *keeper = Process::start_by_clock(|command| clock.show(command, away), &data, &address);
        at_that_time(centre, &clock, away, || {
            let mut command = counsellor.writer_command();
            clock.show(&mut command, away);
            let desk = Desk::start(&mut command);
            let (cookie, _) = desk.unlock(counsellor);
            let at = |path: &str| format!("{}{path}", desk.at());
            let listed = desk.get(&at("/cases"), &cookie).body;
            let case = listed.split("/case/").nth(1).unwrap_or_else(|| panic!("{listed}")).split('"').next().unwrap();
            let page = desk.get(&at(&format!("/case/{case}")), &cookie).body;
            assert!(page.contains(says) && !page.contains(says_not), "{away}: {page}");
        });
    }
    keeper.end("-TERM");
    *keeper = Process::start_at(&data, &address);
}

/// The five papers, with what was said in both languages and with what is left to a hand.
fn papers_say_what_stands_in_the_case(scene: &Scene, handover: &str) {
    let Scene { company, counsellor, .. } = scene;
    company.ok(["case", "tell", "first line\nsecond \u{202e}line", "--happened", "2019-04-30"]);
    counsellor.ok(["case", "advise", "電源を切らないでください"]);
    counsellor.ok(["case", "task", "ask for the proxy's records", "--due", "2026-12-01"]);
    company.ok(["case", "keep", "server-log", "--state", "kept", "--note", "disk 3, sealed"]);
    let place = counsellor.beside("papers");
    let print = |home: &Home, what: &str, name: &str, more: &[&str]| {
        let to = place.join(name);
        let told = home.ok(["case", "paper", what, "--to", path(&to), "--json"].iter().chain(more)).json();
        assert_eq!((text(&told["paper"]), text(&told["file"])), (what.to_owned(), path(&to).to_owned()));
        assert!(fs::read(&to).unwrap().starts_with(b"%PDF-"));
        to
    };
    let home: Value = serde_json::from_slice(&fs::read(company.path.join("safe.json")).unwrap()).unwrap();
    let space = text(&home["space"]);
    let digits: String = handover.chars().take(12).collect();
    let papers: [(&str, PathBuf, &[&str]); 6] = [
        (
            "record",
            print(counsellor, "record", "record.pdf", &[]),
            &[
                "相談記録",
                "Consultation record",
                "起きた日 2019年4月30日（平成31年）",
                "happened 30 April 2019 (Heisei 31)",
                "first line",
                "攻撃かどうかの判断",
                "disk 3, sealed",
                "受付番号",
            ],
        ),
        (
            "advice",
            print(company, "advice", "advice.pdf", &[]),
            &[
                "助言票",
                "Advice sheet",
                "電源を切らないでください",
                "ask for the proxy's records",
                "2026年12月1日（令和8年）",
                "1 December 2026 (Reiwa 8)",
            ],
        ),
        (
            "consent",
            print(company, "consent", "consent.pdf", &["--consent", &digits]),
            &[
                "同意書",
                "Consent form",
                "J-CRAT",
                "is this an attack?",
                "期限 2099年12月31日（令和81年）23:59",
                "受領（R-12）",
                "accepted, R-12",
                handover,
            ],
        ),
        (
            "consent",
            print(company, "consent", "blank.pdf", &[]),
            &["記入欄", "To be filled in", "B: 事実（会社名なし）", "B: facts, without the company's name", "最長30日"],
        ),
        (
            "slip",
            print(counsellor, "slip", "slip.pdf", &[]),
            &[
                "証拠の受け渡し票",
                "Custody slip",
                "disk 3, sealed",
                "J-CRAT",
                "Number on its tag",
                "渡した人",
                "受け取った人",
            ],
        ),
        (
            "rescue",
            print(counsellor, "rescue", "rescue.pdf", &[]),
            &["レスキュー隊報告書", "Report of the rescue team", "判断できない", "undetermined", "被害の確認", "対策"],
        ),
    ];
    for (what, file, facts) in &papers {
        let Some(said) = read_off(file) else { return };
        for fact in facts.iter().chain(&["印", space.as_str()]) {
            let squeezed: String = fact.split_whitespace().collect();
            assert!(said.contains(&squeezed), "{what}: {fact} is not in {said}");
        }
        assert!(!said.contains('\u{202e}'), "{what}");
    }
    // What nobody has consented to, or was not said, is not made up; and nothing is written over.
    let blank = read_off(&place.join("blank.pdf")).unwrap();
    assert!(!blank.contains("J-CRAT") && !blank.contains("Signedbykey"), "{blank}");
    let advice = read_off(&place.join("advice.pdf")).unwrap();
    assert!(!advice.contains("firstline") && !advice.contains("J-CRAT"), "{advice}");
    let again = ["case", "paper", "record", "--to", path(&place.join("record.pdf"))].map(str::to_owned);
    counsellor.fails(1, "is there already", again);
    let other = path(&place.join("other.pdf")).to_owned();
    company.fails(3, "has given no consent", ["case", "paper", "consent", "--consent", "abcdef012345", "--to", &other]);
    company.fails(2, "is for the consent form", ["case", "paper", "record", "--consent", &digits, "--to", &other]);
    assert!(!Path::new(&other).exists());
}

/// What a paper says, without the spaces and line ends by which it was laid out; nothing where the tool is not installed.
fn read_off(file: &Path) -> Option<String> {
    let Ok(done) = std::process::Command::new("pdftotext").arg("-raw").arg(file).arg("-").output() else {
        crate::kit::say_aloud("the text of a case's papers: pdftotext is not installed");
        return None;
    };
    assert!(done.status.success(), "{done:?}");
    Some(String::from_utf8_lossy(&done.stdout).split_whitespace().collect())
}

/// What each act of `hizo case` prints as JSON.
pub(crate) fn every_act_as_json() -> Vec<(&'static str, Value)> {
    let company = Home::unmade();
    let keeper = Process::start(&company.folder.path().join("data"));
    let (_, begun) = opened(&company, &keeper, &["--kind", "leak", "--way", "phone"]);
    let mut told = vec![("case open", begun)];
    let mut say = |command: &'static str, more: &[&str]| {
        let said = company.ok(command.split(' ').chain(more.iter().copied()).chain(["--json"])).json();
        told.push((command, said.clone()));
        said
    };
    say("case tell", &[NARRATIVE]);
    say("case advise", &[ADVICE]);
    say("case visit", &["--on", "2099-12-01"]);
    say("case task", &["ask for the badge records"]);
    say("case keep", &["badge", "--state", "gone"]);
    say("case keep", &[]);
    say("case thing", &["--what", "laptop, S/N 7731", "--holder", "owner", "--place", "safe, off"]);
    say("case search", &["--on", "2026-11-25", "--where", "J-PlatPat", "--found", "nothing"]);
    say("case matrix", &[]);
    let paper = company.folder.path().join("record.pdf");
    say("case paper", &["record", "--to", path(&paper)]);
    say("case move", &["triage", "--reason", "facts"]);
    let names = company.folder.path().join("names");
    fs::write(&names, "asks 山田金型\n").unwrap();
    // Any other safe of the same person can be the organisation's own.
    let office = company.folder.path().join("office");
    let invite = company.folder.path().join("invite to the office");
    let open = ["case", "open", "--keeper", keeper.url(), "--kind", "leak", "--way", "phone", "--title", TITLE];
    let identity = company.path.join("identity.age");
    let whose = ["--invite", path(&invite), "--identity", path(&identity)];
    Beside(&company, office.clone()).ok(&[&open[..], &whose].concat());
    say("case sides", &[path(&names), "--office", path(&office)]);
    say("case hold", &["on"]);
    say("case close", &["--reason", "declined"]);
    say("case show", &[]);
    say("case list", &[]);
    let (other, request) = (Home::unmade(), company.folder.path().join("request"));
    let invite = company.folder.path().join("invite to the case");
    let join = ["space", "join", path(&invite), "--name", "山田金型", "--to", path(&request), "--json"];
    let words = text(&other.ok(join).json()["words"]);
    say("case give", &[path(&request), "--words", &words]);
    told
}
