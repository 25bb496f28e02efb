//! Items of a case go to one other organisation, by the company's consent and by nothing else.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use hizo_ledger::record::{ClaimedTime, Control};
use hizo_vault::age::{self, Identity};
use hizo_vault::event::Event;
use hizo_vault::event::handover::{Level, PaperConsent};
use hizo_vault::keys::{IdentityFile, OrganisationSeed};
use hizo_vault::stream::{self, Frames};
use serde_json::Value;

use crate::doors::Seat;
use crate::forge::Insider;
use crate::kit::{Home, PASSPHRASE, Said, contains, contents_below, files_below, program, said};
use crate::sharing::Firm;

/// A company and a centre that share a case, and an organisation that is to receive something of it.
struct Case {
    firm: Firm,
    centre: Home,
    office: Home,
    /// The identity key of the organisation.
    receiver: String,
}

/// A home of somebody's beside the one that the test made for him.
struct Beside<'a> {
    of: &'a Home,
    path: PathBuf,
}

impl Beside<'_> {
    fn run(&self, arguments: &[&str]) -> Said {
        let mut command = program(env!("CARGO_BIN_EXE_hizo"));
        command.arg("--home").arg(&self.path).arg("--passphrase-file").arg(self.of.passphrase_file());
        said(command.args(arguments))
    }

    #[track_caller]
    fn ok(&self, arguments: &[&str]) -> Said {
        let said = self.run(arguments);
        assert_eq!(said.code, Some(0), "{said:?}");
        said
    }

    /// The last finding, laid out by whoever opens it.
    fn finding(&self) -> PathBuf {
        let to = self.of.folder.path().join("finding");
        self.ok(&["restore", "latest:Finding", "--to", path(&to)]);
        to
    }

    #[track_caller]
    fn fails(&self, code: i32, words: &str, arguments: &[&str]) {
        let said = self.run(arguments);
        assert_eq!(said.code, Some(code), "{said:?}");
        assert!(said.err.contains(words), "{words:?} is not in {said:?}");
        assert_eq!(said.out, "", "nothing is shown");
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value}")).to_owned()
}

fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}

impl Case {
    /// With two deposits that the centre can open, of which the second holds two files.
    fn new() -> Self {
        let firm = Firm::new();
        let centre = firm.let_in("知財窓口", &[]);
        firm.put(&firm.founder, "drawings", "after the centre came");
        let folder = firm.founder.beside("logs");
        fs::create_dir_all(folder.join("extract")).unwrap();
        fs::write(folder.join("extract/may.csv"), "09:12 copied KX-204.dxf").unwrap();
        fs::write(folder.join("private.txt"), "what nobody outside is to see").unwrap();
        firm.founder.deposit(&folder, "logs");
        let office = Home::new();
        let receiver = text(&office.ok(["consent", "key", "--json"]).json()["key"]);
        Self { firm, centre, office, receiver }
    }

    fn consent_to(&self, items: &[&str], more: &[&str]) -> Said {
        let mut arguments = vec!["consent", "give", "--json"];
        arguments.extend(items);
        arguments.extend(["--receiver", &self.receiver, "--receiver-name", "特許庁 営業秘密室"]);
        arguments.extend(["--purpose", "is this an attack?"]);
        arguments.extend(more);
        if !more.contains(&"--until") {
            arguments.extend(["--until", "2099-12-31"]);
        }
        self.firm.founder.run(arguments)
    }

    /// The digits by which such a consent is named.
    #[track_caller]
    fn consented(&self, items: &[&str], more: &[&str]) -> String {
        let said = self.consent_to(items, more);
        assert_eq!(said.code, Some(0), "{said:?}");
        text(&said.json()["handover"])
    }

    fn make(&self, handover: &str) -> (Beside<'_>, Said) {
        let to = self.centre.folder.path().join(format!("hand-over {}", &handover[..8]));
        let said = self.centre.run(["hand-over", "make", handover, "--to", path(&to), "--json"]);
        (Beside { of: &self.centre, path: to }, said)
    }

    /// The receiver's home of a hand-over, his request, and the invite that everybody gets.
    fn asked(&self, made: &Beside, of: &Home) -> (PathBuf, PathBuf, PathBuf) {
        let folder = tempfile::tempdir_in(self.office.folder.path()).unwrap().keep();
        let (invite, request, home) = (folder.join("invite"), folder.join("request"), folder.join("home"));
        made.ok(&["space", "invite", "--to", path(&invite)]);
        let receiving = Beside { of, path: home.clone() };
        let identity = of.path.join("identity.age");
        let mut join = vec!["space", "join", path(&invite), "--name", "特許庁", "--to", path(&request)];
        join.extend(["--identity", path(&identity)]);
        receiving.ok(&join);
        (home, request, invite)
    }

    fn admit(&self, made: &Beside, request: &Path) -> Said {
        self.centre.run(["hand-over", "admit", path(request), "--at", path(&made.path), "--json"])
    }

    /// A hand-over that was made, and the receiver let in; with the company's home of it.
    fn delivered(&self, items: &[&str], more: &[&str]) -> (Beside<'_>, Beside<'_>, Beside<'_>) {
        let handover = self.consented(items, more);
        let (made, said) = self.make(&handover);
        assert_eq!((said.code, said.json()["missing"].as_u64()), (Some(0), Some(0)), "{said:?}");
        let (home, request, invite) = self.asked(&made, &self.office);
        let company = self.enter(&handover, &invite);
        let said = self.admit(&made, &request);
        assert_eq!(said.code, Some(0), "{said:?}");
        let receiving = Beside { of: &self.office, path: home };
        receiving.ok(&["space", "join", "--words", &text(&said.json()["words"])]);
        (made, company, receiving)
    }

    fn enter(&self, handover: &str, invite: &Path) -> Beside<'_> {
        let to = self.firm.founder.folder.path().join(format!("hand-over {}", &handover[..8]));
        self.firm.founder.ok(["hand-over", "enter", path(invite), "--to", path(&to)]);
        Beside { of: &self.firm.founder, path: to }
    }

    fn state(&self, home: &Home) -> String {
        let said = home.ok(["hand-over", "status", "--json"]).json();
        text(&said["handovers"].as_array().unwrap().last().unwrap()["state"])
    }

    fn spaces(&self) -> usize {
        fs::read_dir(self.firm.data().join("objects")).map_or(0, Iterator::count)
    }
}

#[test]
fn an_invite_that_was_taken_to_the_other_door_of_the_desk_leads_to_the_page_of_what_it_is_to() {
    let case = Case::new();
    let handover = case.consented(&["drawings:2"], &[]);
    let (made, said) = case.make(&handover);
    assert_eq!(said.code, Some(0), "{said:?}");
    let (seat, file) = (Seat::at(&case.office), |name: &str| case.office.folder.path().join(name));
    let home = |folder: &str, space: &str| case.office.path.join(folder).join(space);
    let invite = file("invite");
    made.ok(&["space", "invite", "--to", path(&invite)]);

    // What is asked for by the door of cases waits there, and can be let go.
    let here = format!("/cases/joined/{handover}");
    seat.ask("/cases", &invite, &file("let go"), "");
    assert!(seat.get("/cases").contains(&format!("{here}\"")) && home("cases", &handover).exists());
    assert_eq!(seat.leads(&seat.post(&here, "act=forget")), "/cases");
    assert!(!seat.get("/cases").contains(&here) && !home("cases", &handover).exists());
    let request = file("request by the desk");
    seat.ask("/cases", &invite, &request, "");
    // By the other door it is the same request, and no second pair of keys.
    seat.ask("/received", &invite, &file("the same"), "");
    assert_eq!(fs::read(&request).unwrap(), fs::read(file("the same")).unwrap());
    assert!(!home("received", &handover).exists());

    // It is a hand-over, as is seen by whoever was let in: it is brought to where hand-overs are.
    let handed = case.firm.founder.path.join("hand-overs").join(&handover);
    case.firm.founder.ok(["hand-over", "enter", path(&invite), "--to", path(&handed)]);
    let company = Beside { of: &case.firm.founder, path: handed };
    let there = Seat::at(&case.firm.founder).choose("/received", &invite);
    assert!(there.contains(&format!("/case/{handover}/safe")), "the company is there already: {there}");
    let words = text(&case.admit(&made, &request).json()["words"]).replace(' ', "+");
    let received = format!("/received/{handover}");
    assert_eq!(seat.leads(&seat.post(&here, &format!("act=enter&words={words}"))), received);
    assert!(!home("cases", &handover).exists() && home("received", &handover).join("safe.json").exists());
    assert_eq!(seat.leads(&seat.post(&received, "act=open")), received);
    assert!(seat.get(&received).contains("What was handed over"), "{}", seat.get(&received));
    assert!(seat.get("/received").contains(&received) && !seat.get("/cases").contains(&handover));
    assert!(seat.choose("/cases", &invite).contains(&received), "it leads there from either door");

    // Once he has accepted, he says there what he has found, and the company opens it.
    assert!(!seat.get(&received).contains("Say what you have found"));
    let find = |form: &str| seat.post(&received, &format!("act=find&{form}"));
    let answer = seat.post(&received, "act=answer&verdict=accepted&reference=R-12");
    assert_eq!(seat.leads(&answer), received, "{}", answer.body);
    for (form, fault) in [("damage=none", "it was not chosen"), ("found=undetermined&seen=+", "it says nothing")] {
        let page = find(form).body;
        assert!(page.contains("role=\"alert\"") && page.contains(fault), "{page}");
    }
    assert!(find("damage=canary-4410").body.contains("canary-4410"), "what he has typed is there still");
    let found = find("found=undetermined&seen=a+mail&damage=canary-4410%0d%0aand+more&once=0123456789abcdef");
    assert_eq!(seat.leads(&found), received, "{}", found.body);
    assert!(seat.get(&received).contains(">Finding"), "{}", seat.get(&received));
    let laid = files_below(&company.finding());
    assert_eq!(laid.len(), 1);
    assert_eq!(
        fs::read_to_string(&laid[0]).unwrap(),
        "It cannot be determined\n\nWhat was seen\na mail\n\nWhat damage there is\ncanary-4410\nand more\n"
    );

    // And what is none is brought away from there.
    let invite = case.firm.invite("office");
    let known: Value = serde_json::from_slice(&fs::read(&invite).unwrap()).unwrap();
    let (space, request) = (text(&known["space"]), file("request for a safe"));
    let asked = seat.ask("/received", &invite, &request, "");
    let (_, ten) = asked.body.split_once("class=\"words\">").unwrap_or_else(|| panic!("{}", asked.body));
    let said = case.firm.admit(&request, ten.split('<').next().unwrap(), &["--history"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let words = text(&said.json()["words"]).replace(' ', "+");
    let entered = seat.post(&format!("/received/{space}"), &format!("act=enter&words={words}"));
    assert_eq!(seat.leads(&entered), format!("/cases/joined/{space}"), "{}", entered.body);
    let safe = format!("/case/{space}/safe");
    assert!(seat.get("/cases").contains(&format!("{safe}\"")) && !seat.get("/received").contains(&space));
    assert!(seat.get(&safe).contains("drawings"), "{}", seat.get(&safe));
}

/// A printed hand-over, and that it was taken.
fn printed<'a>(items: &[&'a str], to: &'a Path) -> Vec<&'a str> {
    let mut arguments = vec!["hand-over", "print", "--json"];
    arguments.extend(items);
    arguments.extend(["--receiver-name", "県警", "--purpose", "a consultation", "--to", path(to)]);
    arguments
}

const TAKEN: [&str; 8] = ["hand-over", "taken", "logs:1", "--receiver-name", "県警", "--reference", "第12号", "--json"];

/// A consent on the form that was scanned into the last deposit of the drawings, attested with somebody.
fn attested<'a>(other: &'a str, until: &'a str) -> Vec<&'a str> {
    let mut arguments = vec!["consent", "attest", "drawings:2", "--with", other, "--receiver-name", "県警"];
    arguments.extend(["--purpose", "a consultation", "--called-back", "the owner, by the number on file"]);
    arguments.extend(["--until", until, "--json"]);
    arguments
}

/// A day within a month.
fn soon() -> String {
    let soon = std::time::SystemTime::now() + std::time::Duration::from_secs(20 * 86_400);
    let seconds = soon.duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    ClaimedTime::from_unix_seconds(seconds).unwrap().as_str()[..10].to_owned()
}

/// A file that names somebody.
fn named() -> PathBuf {
    let file = tempfile::Builder::new().prefix("suspect").tempfile().unwrap().into_temp_path().keep().unwrap();
    fs::write(&file, "鈴木 canary-5506\nleaver 1; born 1984-02-03\n").unwrap();
    file
}

/// What each act of `hizo consent` and `hizo hand-over` prints as JSON.
pub(crate) fn every_act_as_json() -> Vec<(&'static str, Value)> {
    let case = Case::new();
    let mut told = vec![("consent key", case.office.ok(["consent", "key", "--json"]).json())];
    let preview = ["consent", "preview", "logs:1", "--seek", "KX-204", "--json"];
    told.push(("consent preview", case.firm.founder.ok(preview).json()));
    let given = case.consent_to(&["logs:1//extract", "drawings:2"], &[]).json();
    let handover = text(&given["handover"]);
    told.push(("consent give", given));
    let (made, said) = case.make(&handover);
    told.push(("hand-over make", said.json()));
    let (home, request, invite) = case.asked(&made, &case.office);
    let to = case.firm.founder.folder.path().join("entered");
    let entered = case.firm.founder.ok(["hand-over", "enter", path(&invite), "--to", path(&to), "--json"]);
    told.push(("hand-over enter", entered.json()));
    let admitted = case.admit(&made, &request).json();
    let receiving = Beside { of: &case.office, path: home };
    receiving.ok(&["space", "join", "--words", &text(&admitted["words"])]);
    told.push(("hand-over admit", admitted));
    told.push(("hand-over open", receiving.ok(&["hand-over", "open", "--json"]).json()));
    let answered = receiving.ok(&["hand-over", "answer", "insufficient", "--reason", "which machine?", "--json"]);
    told.push(("hand-over answer", answered.json()));
    let status = ["hand-over", "status", "--at", path(&to), "--json"];
    told.push(("hand-over status", case.firm.founder.ok(status).json()));
    let (_, company, _) = case.delivered(&["logs:1//extract"], &["--level", "D", "--company", "森精機"]);
    told.push(("hand-over suspect", company.ok(&["hand-over", "suspect", "--file", path(&named()), "--json"]).json()));
    told.push(("consent withdraw", case.firm.founder.ok(["consent", "withdraw", &handover, "--json"]).json()));
    let to = case.firm.founder.folder.path().join("on paper");
    told.push(("hand-over print", case.firm.founder.ok(printed(&["logs:1"], &to)).json()));
    told.push(("hand-over taken", case.firm.founder.ok(TAKEN).json()));
    let colleague = case.firm.let_in("同僚", &[]);
    told.push(("consent attest", case.centre.ok(attested("同僚", &soon())).json()));
    drop(colleague);
    told
}

#[test]
fn what_the_company_consented_to_reaches_the_receiver_and_only_his_answer_ends_not_delivered() {
    let case = Case::new();
    let handover = case.consented(&["logs:1//extract", "drawings:2"], &[]);
    assert_eq!(case.state(&case.centre), "consented");
    let (made, said) = case.make(&handover);
    assert_eq!((said.code, said.json()["missing"].as_u64()), (Some(0), Some(0)), "{said:?}");
    assert!(!made.path.join("staging").exists(), "nothing lies there in the clear");
    let (home, request, invite) = case.asked(&made, &case.office);
    let company = case.enter(&handover, &invite);
    let said = case.admit(&made, &request);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!(case.state(&case.centre), "not delivered");
    let receiving = Beside { of: &case.office, path: home };
    receiving.ok(&["space", "join", "--words", &text(&said.json()["words"])]);
    // The sender has left.
    assert_ne!(made.run(&["list"]).code, Some(0));

    // Nothing is shown before it was opened, by whatever command.
    let out = case.office.folder.path().join("out");
    for act in [&["list"][..], &["show", "latest:item 1"], &["restore", "latest:item 1", "--to", path(&out)]] {
        receiving.fails(1, "you have not opened it yet", act);
    }
    receiving.fails(1, "you have not opened it yet", &["hand-over", "answer", "accepted", "--reference", "1"]);
    let opened = receiving.ok(&["hand-over", "open", "--json"]).json();
    assert_eq!((opened["company"].as_str(), opened["items"].as_array().unwrap().len()), (None, 2));
    let mut contents: Vec<String> = Vec::new();
    for (number, item) in opened["items"].as_array().unwrap().iter().enumerate() {
        let out = out.with_extension(number.to_string());
        receiving.ok(&["restore", &text(&item["deposit"]), "--to", path(&out)]);
        contents.extend(files_below(&out).iter().map(|file| fs::read_to_string(file).unwrap()));
    }
    contents.sort();
    assert_eq!(contents, ["09:12 copied KX-204.dxf", "after the centre came"], "exactly the items, and no other file");

    // The company sees that it was opened; it is not delivered until the receiver answers.
    let status = ["hand-over", "status", "--at", path(&company.path), "--json"];
    let seen = case.firm.founder.ok(status).json()["handovers"][0].clone();
    assert!(seen["opened"].is_string() && seen["state"] == "not delivered", "{seen}");
    receiving.fails(2, "needs a number", &["hand-over", "answer", "accepted"]);
    receiving.ok(&["hand-over", "answer", "accepted", "--reference", "令9-114"]);
    assert_eq!(case.state(&case.centre), "not delivered", "the case does not know yet");
    let seen = case.firm.founder.ok(status).json()["handovers"][0].clone();
    assert_eq!((seen["state"].as_str(), seen["reference"].as_str()), (Some("accepted"), Some("令9-114")));
    let seen = case.centre.ok(["hand-over", "status", "--json"]).json()["handovers"][0].clone();
    assert_eq!(seen["state"], "accepted");
    assert_eq!(seen["custody"].as_array().unwrap().len(), 2);
    // Should the company remove him: what he could read, and what he said that he opened.
    let members = company.ok(&["space", "members", "--json"]).json();
    let is_receiver = |member: &&Value| member["own"]["role"] == "reader+writer";
    let receiver = members["members"].as_array().unwrap().iter().find(is_receiver).unwrap()["own"]["key"].clone();
    let read = company.ok(&["space", "remove", receiver.as_str().unwrap(), "--dry-run", "--json"]).json();
    assert_eq!((&read["could_read"], read["opened"].as_array().unwrap().len()), (&read["opened"], 2), "{read}");
    // What was accepted stays, whatever comes then.
    case.firm.founder.ok(["consent", "withdraw", &handover, "--at", path(&company.path)]);
    receiving.ok(&["list"]);
    company.ok(&["check"]);
    receiving.ok(&["check"]);
}

#[test]
fn a43_whom_the_company_suspects_is_told_to_the_receiver_alone() {
    let case = Case::new();
    let file = named();
    let suspect = ["hand-over", "suspect", "--file", path(&file)];
    let evidence = ["--level", "D", "--company", "森精機"];
    let (_, company, _) = case.delivered(&["logs:1//extract"], &[]);
    company.fails(1, "at level D alone", &suspect);
    let keeps = [&evidence[..], &["--keeps-sender"]].concat();
    let (made, company, _) = case.delivered(&["logs:1//extract"], &keeps);
    company.fails(1, "keeps the sender here", &suspect);
    made.fails(1, "only the company", &suspect);

    let handover = case.consented(&["logs:1//extract"], &evidence);
    let (made, _) = case.make(&handover);
    let (home, request, invite) = case.asked(&made, &case.office);
    let company = case.enter(&handover, &invite);
    company.fails(1, "nobody has been let in yet", &suspect);
    // What the sender could know of is what he has drawn himself, when he left.
    let said = case.admit(&made, &request).json();
    let receiving = Beside { of: &case.office, path: home };
    receiving.ok(&["space", "join", "--words", &text(&said["words"])]);
    let epoch = || company.ok(&["space", "rotate", "--json"]).json()["epoch"].as_u64().unwrap();
    let before = epoch();
    let told = company.ok(&suspect);
    assert_eq!(epoch(), before + 2, "the name is not sealed to keys of its own");
    assert!(!told.out.contains("canary-5506") && !told.err.contains("canary-5506"), "{told:?}");
    // Nobody learns it before he has said that he opens.
    receiving.fails(1, "you have not opened it yet", &["list"]);
    let opened = receiving.ok(&["hand-over", "open", "--json"]).json();
    let expected = serde_json::json!([{ "name": "鈴木 canary-5506", "note": "leaver 1; born 1984-02-03" }]);
    assert_eq!(opened["suspects"], expected);
    receiving.fails(1, "only the company", &suspect);
    let status = ["hand-over", "status", "--at", path(&company.path), "--json"];
    let seen = case.firm.founder.ok(status).json()["handovers"].as_array().unwrap().last().unwrap().clone();
    assert_eq!(seen["suspects"], expected, "the company sees what it has told");
    // What the sender's keys open of everything that the keeper has, the hand-over included, tells it not.
    let identity_of =
        |home: &Path| IdentityFile::open(fs::read(home.join("identity.age")).unwrap(), PASSPHRASE).unwrap();
    let reads = |home: &Path| {
        let (opened, readable) = everything(&case.firm.data(), home, &identity_of(home));
        assert!(opened > 0, "{home:?} opens nothing");
        readable.iter().any(|bytes| contains(bytes, b"canary-5506"))
    };
    assert!(!reads(&made.path) && !reads(&case.centre.path), "whoever handed over learns the name");
    assert!(reads(&receiving.path) && reads(&company.path), "the search finds nothing");
    fs::remove_file(file).unwrap();
}

#[test]
fn a43_nobody_receives_whom_the_company_suspects_who_helps_it_however_he_came_to() {
    let (case, joining) = (Case::new(), Home::unmade());
    let evidence = ["--level", "D", "--company", "森精機"];
    let handover = case.consented(&["logs:1//extract"], &evidence);
    let identity = case.office.path.join("identity.age");
    let (request, words) = case.firm.ask(&joining, "特許庁", &["--identity", path(&identity)]);
    assert_eq!(case.firm.admit(&request, &words, &[]).code, Some(0));
    let refused = [case.make(&handover).1, case.consent_to(&["logs:1//extract"], &evidence)];
    for said in refused {
        assert!(said.code == Some(1) && said.err.contains("who helps is not to learn"), "{said:?}");
    }
    case.consented(&["logs:1//extract"], &["--level", "C", "--company", "森精機"]);
}

#[test]
fn a43_nobody_is_let_into_a_hand_over_that_cards_of_the_sender_open() {
    let case = Case::new();
    let handover = case.consented(&["drawings:2"], &[]);
    let (made, _) = case.make(&handover);
    let (_, request, invite) = case.asked(&made, &case.office);
    case.enter(&handover, &invite);
    made.ok(&["recovery", "make", "--to", path(&case.centre.folder.path().join("cards"))]);
    let said = case.admit(&made, &request);
    assert!(said.code == Some(3) && said.err.contains("others can open this"), "{said:?}");
    assert_eq!(case.state(&case.centre), "consented");
}

#[test]
fn a43_nothing_is_handed_over_that_the_company_did_not_consent_to() {
    let case = Case::new();
    let before = case.spaces();
    // Without a consent, by whoever could consent himself, or by one that was withdrawn or has ended.
    let (_, said) = case.make("00112233445566778899aabbccddeeff");
    assert_eq!((said.code, said.out.as_str()), (Some(3), ""), "{said:?}");
    case.centre.fails(
        1,
        "only an admin",
        ["consent", "give", "drawings:2", "--receiver", &case.receiver].into_iter().chain([
            "--receiver-name",
            "x",
            "--purpose",
            "y",
            "--until",
            "2099-12-31",
        ]),
    );
    let given = case.consented(&["drawings:2"], &[]);
    let to = case.firm.founder.folder.path().join("by the company");
    case.firm.founder.fails(3, "nobody consents to his own act", ["hand-over", "make", &given, "--to", path(&to)]);
    case.firm.founder.ok(["consent", "withdraw", &given]);
    let (_, said) = case.make(&given);
    assert!(said.code == Some(3) && said.err.contains("withdrawn"), "{said:?}");
    let ended = case.consented(&["drawings:2"], &["--until", "2026-01-01"]);
    let (_, said) = case.make(&ended);
    assert!(said.code == Some(3) && said.err.contains("expired"), "{said:?}");
    assert_eq!(case.spaces(), before, "nothing was begun");

    // To another receiver, or with an item more.
    let given = case.consented(&["drawings:2"], &[]);
    let (made, said) = case.make(&given);
    assert_eq!(said.code, Some(0), "{said:?}");
    let stranger = Home::new();
    let (_, request, _) = case.asked(&made, &stranger);
    let said = case.admit(&made, &request);
    assert!(said.code == Some(3) && said.err.contains("another receiver"), "{said:?}");
    let (_, request, _) = case.asked(&made, &case.office);
    let more = case.centre.beside("more");
    fs::write(more.join("more.txt"), "not consented to").unwrap();
    made.ok(&["deposit", path(&more), "--series", "item 2"]);
    let said = case.admit(&made, &request);
    assert!(said.code == Some(3) && said.err.contains("not exactly what"), "{said:?}");
    assert_eq!(case.state(&case.centre), "consented", "and the case says that nothing was handed over");
}

#[test]
fn a43_the_receivers_client_opens_nothing_that_the_company_did_not_consent_to() {
    let case = Case::new();
    let open = |receiving: &Beside, words: &str| {
        receiving.fails(3, words, &["hand-over", "open"]);
        receiving.fails(3, words, &["list"]);
        let nowhere = case.office.folder.path().join("nowhere");
        receiving.fails(3, words, &["restore", "latest:item 1", "--to", path(&nowhere)]);
    };
    // Withdrawn while it was on its way.
    let (_, company, receiving) = case.delivered(&["drawings:2"], &[]);
    let withdrawn = case.state(&case.firm.founder);
    assert_eq!(withdrawn, "not delivered");
    let listed = case.firm.founder.ok(["hand-over", "status", "--json"]).json();
    let handover = text(&listed["handovers"][0]["handover"]);
    case.firm.founder.ok(["consent", "withdraw", &handover, "--at", path(&company.path)]);
    open(&receiving, "withdrawn");
    // Something more is put there later.
    let (_, company, receiving) = case.delivered(&["drawings:2"], &[]);
    let more = case.firm.founder.beside("more");
    fs::write(more.join("more.txt"), "not consented to").unwrap();
    company.ok(&["deposit", path(&more), "--series", "another"]);
    open(&receiving, "not exactly what");
    // A safe that somebody shares is no hand-over.
    case.office.fails(3, "this safe is no hand-over", ["hand-over", "open"]);
}

#[test]
fn a_hand_over_is_complete_when_each_has_sealed_what_he_can_open() {
    let case = Case::new();
    // Made before the centre came: the company has to seal it.
    let handover = case.consented(&["drawings:1", "drawings:2"], &[]);
    let (made, said) = case.make(&handover);
    assert_eq!((said.code, said.json()["missing"].as_u64()), (Some(0), Some(1)), "{said:?}");
    let (_, request, invite) = case.asked(&made, &case.office);
    let said = case.admit(&made, &request);
    assert!(said.code == Some(3) && said.err.contains("not every item is here yet"), "{said:?}");
    case.enter(&handover, &invite);
    let said = case.admit(&made, &request);
    assert_eq!(said.code, Some(0), "{said:?}");
    // Once more it adds nothing, and says so.
    let (_, said) = case.make(&handover);
    assert_ne!(said.code, Some(0), "the sender has left");
}

#[test]
fn a43_something_else_in_an_items_place_is_found_by_its_name_or_by_the_company() {
    let case = Case::new();
    // The centre cannot open this one, and puts something of its own there.
    let placed = |name: &str| {
        let handover = case.consented(&["drawings:1//KX-204.dxf"], &[]);
        let (made, said) = case.make(&handover);
        assert_eq!(said.json()["missing"], 1);
        let folder = case.centre.beside(name).join("of the centre's");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(name), "what the centre would like to show").unwrap();
        made.ok(&["deposit", path(&folder), "--series", "item 1"]);
        let (_, request, invite) = case.asked(&made, &case.office);
        (made, request, invite)
    };
    let (made, request, _) = placed("other.dxf");
    let said = case.admit(&made, &request);
    assert!(said.code == Some(3) && said.err.contains("not exactly what"), "{said:?}");
    let (_, _, invite) = placed("KX-204.dxf");
    let to = case.firm.founder.folder.path().join("entered");
    let enter = ["hand-over", "enter", path(&invite), "--to", path(&to)];
    case.firm.founder.fails(3, "not exactly what", enter);
    case.firm.founder.fails(3, "not exactly what", ["hand-over", "status", "--at", path(&to)]);
}

/// Sets an organisation up; its key.
fn organisation(home: &Home, name: &str) -> String {
    text(&home.ok(["office", "make", "--name", name, "--json"]).json()["key"])
}

impl Case {
    /// Somebody asks for the organisation whose safe this is, and it delegates him: his home, and what he sends.
    fn asked_for(&self, made: &Beside, own: &Home) -> (PathBuf, PathBuf) {
        let folder = tempfile::tempdir_in(self.office.folder.path()).unwrap().keep();
        let file = |name: &str| folder.join(name);
        let [invite, request, delegated, home] = ["invite", "request", "delegated", "home"].map(file);
        made.ok(&["space", "invite", "--to", path(&invite)]);
        let join = ["space", "join", path(&invite), "--name", "高橋", "--organisation", path(&own.path)];
        Beside { of: own, path: home.clone() }.ok(&[&join[..], &["--to", path(&request)]].concat());
        own.ok(["office", "delegate", path(&request), "--to", path(&delegated)]);
        (home, delegated)
    }
}

#[test]
fn a43_what_goes_to_an_organisation_is_opened_by_whoever_acts_for_it_and_by_nobody_else() {
    let mut case = Case::new();
    case.receiver = organisation(&case.office, "Rescue Team");
    let handover = case.consented(&["logs:1//extract"], &[]);
    let (made, said) = case.make(&handover);
    assert_eq!(said.code, Some(0), "{said:?}");
    // One of its people for himself, or for another organisation.
    let (_, request, invite) = case.asked(&made, &case.office);
    let company = case.enter(&handover, &invite);
    let other = Home::new();
    organisation(&other, "Another Team");
    let (_, of_another) = case.asked_for(&made, &other);
    for request in [request, of_another] {
        let said = case.admit(&made, &request);
        assert!(said.code == Some(3) && said.err.contains("another receiver"), "{said:?}");
    }
    assert_eq!(case.state(&case.centre), "consented");
    let (home, delegated) = case.asked_for(&made, &case.office);
    let said = case.admit(&made, &delegated);
    assert_eq!(said.code, Some(0), "{said:?}");
    let receiving = Beside { of: &case.office, path: home };
    receiving.ok(&["space", "join", "--words", &text(&said.json()["words"])]);
    receiving.fails(1, "you have not opened it yet", &["list"]);
    let opened = receiving.ok(&["hand-over", "open", "--json"]).json();
    assert_eq!(opened["items"].as_array().unwrap().len(), 1);
    let out = case.office.folder.path().join("out of it");
    receiving.ok(&["restore", "latest:item 1", "--to", path(&out)]);
    assert_eq!(fs::read_to_string(out.join("extract/may.csv")).unwrap(), "09:12 copied KX-204.dxf");
    receiving.ok(&["hand-over", "answer", "accepted", "--reference", "R-12"]);
    let seen = case.firm.founder.ok(["hand-over", "status", "--at", path(&company.path), "--json"]).json();
    let seen = &seen["handovers"][0];
    assert_eq!((&seen["state"], &seen["reference"]), (&"accepted".into(), &"R-12".into()), "{seen}");
    assert_eq!(case.state(&case.centre), "accepted", "the case tells by itself whose answer it is");
}

impl Case {
    /// The same as [`Case::delivered`], to an organisation.
    fn delivered_to_it(&mut self, items: &[&str], more: &[&str]) -> (Beside<'_>, Beside<'_>) {
        self.receiver = organisation(&self.office, "Rescue Team");
        let handover = self.consented(items, more);
        let (made, _) = self.make(&handover);
        let (_, _, invite) = self.asked(&made, &self.office);
        let company = self.enter(&handover, &invite);
        let (home, delegated) = self.asked_for(&made, &self.office);
        let said = self.admit(&made, &delegated);
        assert_eq!(said.code, Some(0), "{said:?}");
        let receiving = Beside { of: &self.office, path: home };
        receiving.ok(&["space", "join", "--words", &text(&said.json()["words"])]);
        (company, receiving)
    }
}

/// The identity in a home.
fn identity(home: &Path) -> IdentityFile {
    IdentityFile::open(fs::read(home.join("identity.age")).unwrap(), PASSPHRASE).unwrap()
}

#[test]
fn a11_an_organisation_that_received_begins_new_keys_by_itself_whatever_it_may_know_of_the_company() {
    for level in [&[][..], &["--level", "D", "--company", "山田金型"]] {
        let mut case = Case::new();
        let (company, receiving) = case.delivered_to_it(&["logs:1//extract"], level);
        receiving.ok(&["hand-over", "open"]);
        // Somebody leaves it.
        receiving.of.ok(["space", "rotate"]);
        let rotated = receiving.of.ok(["office", "rotate", "--json"]).json();
        assert_eq!(rotated["rotated"].as_array().map(Vec::len), Some(1), "{rotated}");
        assert_eq!(rotated["left"].as_array().map(Vec::len), Some(0), "{rotated}");
        // What is said from then on opens to both, and nobody has to do anything.
        receiving.ok(&["hand-over", "answer", "accepted", "--reference", "R-12"]);
        let listed = company.ok(&["list"]);
        assert!(!listed.err.contains("closed to you"), "{listed:?}");
        let seen = company.of.ok(["hand-over", "status", "--at", path(&company.path), "--json"]).json();
        assert_eq!(seen["handovers"][0]["state"], "accepted", "{seen}");
        // The company begins others, as an admin does, and both go on.
        company.ok(&["space", "rotate"]);
        receiving.ok(&["list"]);
    }
}

#[test]
fn a11_nobody_finds_out_who_a_company_is_by_sealing_on_trial() {
    let mut case = Case::new();
    let (company, receiving) = case.delivered_to_it(&["logs:1//extract"], &[]);
    let data = company.of.folder.path().join("data");
    let sealed = fs::read(receiving.of.path.join("organisation.age")).unwrap();
    let mut insider = Insider::in_home(&company.path, &data);
    let rotator = OrganisationSeed::open(sealed, PASSPHRASE).unwrap().rotator_key(&insider.chain.space());
    let by = |text: &[u8]| rotator.sign(text);
    // By what the company is known by elsewhere: it opens as little as to any other company.
    let known = identity(&company.path).identity.recipient().clone();
    insider.rotate_by((rotator.verifying_key(), &by), &known);
    let told = company.run(&["list"]);
    assert!(told.err.contains("closed to you, the only admin of this safe"), "{told:?}");
    // By what stands in its consent it opens.
    let space = insider.chain.space();
    let said = identity(&company.path).hand_over_identity(&space).recipient().clone();
    insider.rotate_by((rotator.verifying_key(), &by), &said);
    let told = company.run(&["list"]);
    assert!(!told.err.contains("closed to you"), "{told:?}");
    // A wrap that holds something else closes what it begins, and keeps the company from nothing.
    insider.mislead_by((rotator.verifying_key(), &by), &said);
    let told = company.run(&["list"]);
    assert!(told.err.contains("a wrap holds a secret that is not the space's"), "{told:?}");
    assert!(told.err.contains("closed to you, the only admin of this safe"), "{told:?}");
    company.ok(&["space", "rotate"]);
    company.ok(&["space", "rotator", &rotator.verifying_key().name().to_string(), "--end"]);
    // Nor does it tell who it is by having its machine certified there.
    company.fails(1, "nobody is to know who you are", &["recovery", "machine"]);
}

#[test]
fn a43_nobody_is_let_into_a_hand_over_in_which_others_begin_keys() {
    let case = Case::new();
    let named = |home: &Path, by: &Path| {
        let mut insider = Insider::in_home(home, &case.firm.data());
        let key = OrganisationSeed::from_bytes(&[99; 32]).rotator_key(&insider.chain.space());
        insider.say(&identity(by).signing_seed, &[], vec![Control::Rotator(key.verifying_key())]);
    };
    let handover = case.consented(&["drawings:2"], &[]);
    let (made, _) = case.make(&handover);
    let (_, request, invite) = case.asked(&made, &case.office);
    case.enter(&handover, &invite);
    named(&made.path, &case.centre.path);
    let said = case.admit(&made, &request);
    assert!(said.code == Some(3) && said.err.contains("others can open this"), "{said:?}");
    // Nor does anybody open one.
    let (_, company, receiving) = case.delivered(&["drawings:2"], &[]);
    named(&company.path, &company.path);
    receiving.fails(3, "others can open this", &["hand-over", "open"]);
}

#[test]
fn what_is_handed_over_on_paper_checks_itself_and_is_the_companys_alone_to_print() {
    let case = Case::new();
    let company = &case.firm.founder;
    let to = company.folder.path().join("on paper");
    case.centre.fails(1, "only an admin", printed(&["logs:1"], &to));
    assert!(!to.exists());
    company.fails(1, "", printed(&["logs:1//not there"], &to));
    assert!(!to.exists() && !to.with_extension("partial").exists(), "nothing half-done in the clear");
    let made = company.ok(printed(&["logs:1//extract", "drawings:2"], &to)).json();
    let mut names: Vec<_> = files_below(&to).iter().map(|file| file.strip_prefix(&to).unwrap().to_owned()).collect();
    names.sort();
    let said = |name: &str| fs::read_to_string(to.join(name)).unwrap();
    assert_eq!((made["files"].as_u64(), names.len()), (Some(2), 6), "{names:?}");
    assert!(!said("SHA256SUMS").contains("private.txt"));
    // Whoever has it needs nothing of ours.
    let check =
        || std::process::Command::new("sha256sum").args(["-c", "--strict", "SHA256SUMS"]).current_dir(&to).output();
    assert!(check().unwrap().status.success());
    let sums = std::process::Command::new("sha256sum").arg(to.join("SHA256SUMS")).output().unwrap();
    assert!(String::from_utf8(sums.stdout).unwrap().starts_with(made["sums"].as_str().unwrap()));
    assert!(fs::read(to.join("handed-over.pdf")).unwrap().starts_with(b"%PDF-"));
    let extract = names.iter().find(|name| name.ends_with("extract/may.csv")).unwrap();
    fs::write(to.join(extract), "09:13 copied KX-204.dxf").unwrap();
    assert!(!check().unwrap().status.success(), "what was changed is found");
    company.fails(1, "", printed(&["logs:1"], &to));
    // It is taken by the receiver's number, as the company's word.
    company.fails(2, "under a number", ["hand-over", "taken", "logs:1", "--receiver-name", "県警", "--reference", " "]);
    company.ok(TAKEN);
    let paper = company.ok(["hand-over", "status", "--json"]).json()["paper"][0].clone();
    assert_eq!((&paper["reference"], &paper["signed_by_receiver"]), (&"第12号".into(), &false.into()), "{paper}");
}

#[test]
fn a_consent_on_paper_counts_once_two_of_the_staff_have_seen_the_form() {
    let case = Case::new();
    let colleague = case.firm.let_in("同僚", &["--history"]);
    case.centre.fails(1, "", attested("知財窓口", &soon()));
    case.centre.fails(2, "30 days", attested("同僚", "2099-12-31"));
    case.centre.ok(attested("同僚", &soon()));
    let by = || {
        let said = case.firm.founder.ok(["hand-over", "status", "--json"]).json();
        let papers = said["paper"].as_array().unwrap().clone();
        papers.iter().map(|paper| paper["attested_by"].as_u64().unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(by(), [1]);
    // The first one's second word adds nothing, and who has read something else says something else.
    case.centre.ok(attested("同僚", &soon()));
    assert_eq!(by(), [1]);
    let day = soon();
    let misread = attested("知財窓口", &day).into_iter().map(|word| if word == "県警" { "地裁" } else { word });
    colleague.ok(misread);
    assert_eq!(by(), [1, 1]);
    let said = colleague.ok(attested("知財窓口", &soon()));
    assert_eq!(said.json()["attested_by"], 2);
    assert_eq!(by()[0], 2);
    let (_, said) = case.make("00112233445566778899aabbccddeeff");
    assert_eq!(said.code, Some(3), "no hand-over is made by it");
}

#[test]
fn a43_what_an_admin_said_for_the_company_counts_as_it_did_whatever_becomes_of_him() {
    let case = Case::new();
    let director = case.firm.let_in("役員", &["--role", "admin"]);
    let give = |home: &Home| {
        let arguments =
            ["consent", "give", "latest:drawings", "--receiver", &case.receiver, "--receiver-name", "特許庁"];
        let more = ["--purpose", "advice", "--until", "2099-12-31", "--json"];
        text(&home.ok(arguments.into_iter().chain(more)).json()["handover"])
    };
    case.firm.put(&case.firm.founder, "drawings", "after the director came");
    let (founders, directors) = (give(&case.firm.founder), give(&director));
    director.ok(["consent", "withdraw", &founders]);
    case.firm.founder.ok(["space", "remove", "役員"]);
    let said = case.centre.ok(["hand-over", "status", "--json"]).json();
    let state = |handover: &str| {
        let all = said["handovers"].as_array().unwrap();
        all.iter().find(|one| one["handover"] == handover).unwrap_or_else(|| panic!("{said}"))["state"].clone()
    };
    assert_eq!(state(&founders), "withdrawn", "what he took back stays taken back");
    assert_eq!(state(&directors), "consented", "what he consented to is not forgotten");
    // He alone holds the company's key of that hand-over.
    let (_, said) = case.make(&directors);
    assert!(said.code == Some(3) && said.err.contains("does not speak for the company any more"), "{said:?}");
    case.firm.founder.ok(["consent", "withdraw", &directors]);
    assert_eq!(case.state(&case.centre), "withdrawn");
}

#[test]
fn a_sender_who_is_kept_reads_on_and_changes_nothing() {
    let case = Case::new();
    let (made, _, receiving) = case.delivered(&["drawings:2"], &["--keeps-sender"]);
    made.ok(&["list"]);
    receiving.ok(&["hand-over", "open"]);
    let folder = made.of.beside("work");
    assert_ne!(made.run(&["deposit", path(&folder), "--series", "more"]).code, Some(0));
    made.fails(1, "only an admin", &["space", "remove", "特許庁"]);
}

#[test]
fn at_level_c_the_receiver_learns_who_the_company_is() {
    let case = Case::new();
    let said = case.consent_to(&["drawings:2"], &["--level", "C"]);
    assert_eq!(said.code, Some(2), "{said:?}");
    let (_, _, receiving) = case.delivered(&["drawings:2"], &["--level", "C", "--company", "山田金型"]);
    assert_eq!(receiving.ok(&["hand-over", "open", "--json"]).json()["company"], "山田金型");
    let members = receiving.ok(&["space", "members", "--json"]).json();
    let members = members["members"].as_array().unwrap().iter();
    let admins: Vec<_> = members.filter(|member| member["own"]["role"] == "admin").collect();
    assert!(admins.len() == 1 && admins[0]["certified"] == true, "{admins:?}");
}

#[test]
fn at_level_b_nothing_that_the_receiver_can_open_tells_him_the_company() {
    let case = Case::new();
    let (_, _, receiving) = case.delivered(&["drawings:2", "logs:1//extract"], &[]);
    receiving.ok(&["hand-over", "open"]);
    let (company, office) = (identity(&case.firm.founder.path), identity(&receiving.path));
    let machine = crate::forge::device(&case.firm.founder);
    // All that is the company's in the case or anywhere, and its name.
    let about = case.firm.founder.ok(["list", "--json"]).json();
    let safe: Value = serde_json::from_slice(&fs::read(case.firm.founder.path.join("safe.json")).unwrap()).unwrap();
    let space = hizo_ledger::id::SpaceId::from_hex(safe["space"].as_str().unwrap()).unwrap();
    let seeds = [&company.signing_seed, &machine];
    let keys = seeds
        .iter()
        .flat_map(|seed| [seed.space_key(&space).verifying_key(), seed.session_key(&space).verifying_key()]);
    let keys: Vec<_> = keys.chain([company.signing_seed.identity_key().verifying_key()]).collect();
    let mut secrets: Vec<String> = keys.iter().map(|key| key.to_base64()).collect();
    secrets.extend(keys.iter().map(|key| key.name().to_string()));
    secrets.extend([company.identity.recipient().to_string(), text(&about["safe"]), space.to_string()]);
    secrets.push(text(&safe["genesis"]));

    let (opened, readable) = everything(&case.firm.data(), &receiving.path, &office);
    // Two items, and what was said of the founding, the receiver's coming, the sender's leaving and the opening.
    assert!(opened >= 6, "too little was opened: {opened}");
    let is_there = |secret: &str| readable.iter().any(|bytes| contains(bytes, secret.as_bytes()));
    assert!(is_there("after the centre came") && is_there("is this an attack?"), "the search finds what is there");
    // To what is sealed for the company there says nothing of who it is.
    let facts: Value = serde_json::from_slice(&fs::read(receiving.path.join("safe.json")).unwrap()).unwrap();
    let there = hizo_ledger::id::SpaceId::from_hex(facts["space"].as_str().unwrap()).unwrap();
    assert!(is_there(&company.hand_over_identity(&there).recipient().to_string()), "the consent names it");
    let found: Vec<_> = secrets.iter().filter(|secret| is_there(secret)).collect();
    assert!(found.is_empty(), "{found:?}");
}

/// How many objects of the keeper an identity opens, by whatever it finds, and everything that it can read: these, and its home.
pub(crate) fn everything(data: &Path, home: &Path, own: &IdentityFile) -> (usize, Vec<Vec<u8>>) {
    let mut readable = contents_below(home);
    let opened = all_that_opens(&[data], &own.identity);
    let contents = opened.len();
    readable.extend(opened);
    (contents, readable)
}

/// Every content at these keepers that an identity comes to: by the epochs that it opens, and by those that these open, as an
/// organisation's own space opens what its people read.
pub(crate) fn all_that_opens(keepers: &[&Path], own: &Identity) -> Vec<Vec<u8>> {
    let sealed: Vec<Vec<u8>> = keepers.iter().flat_map(|data| contents_below(data)).collect();
    let (mut epochs, mut known, mut contents) = (Vec::new(), BTreeSet::new(), Vec::new());
    let mut open = |key: &Identity, epochs: &mut Vec<Identity>| {
        for plain in sealed.iter().filter_map(|bytes| age::open_own(bytes.clone(), key).ok()) {
            let line = std::str::from_utf8(&plain).unwrap_or_default().trim_end();
            if let Ok(epoch) = Identity::parse(line) {
                epochs.extend(known.insert(line.to_owned()).then_some(epoch));
                continue;
            }
            let mut frames = Frames::new();
            frames.push(&plain).unwrap();
            let blocks = std::iter::from_fn(|| frames.next_frame());
            contents.push(blocks.flat_map(|frame| stream::unframe(&frame).unwrap().to_vec()).collect());
        }
    };
    open(own, &mut epochs);
    while let Some(epoch) = epochs.pop() {
        open(&epoch, &mut epochs);
    }
    contents
}

#[test]
fn what_was_done_on_paper_is_shown_as_what_it_is() {
    let case = Case::new();
    let [centre, company] = [&case.centre, &case.firm.founder].map(|home| identity(&home.path));
    let keys = [&centre, &company].map(|owner| owner.signing_seed.identity_key().verifying_key().to_base64());
    let [own, of_company] = keys;
    let mut staff = [own, of_company];
    staff.sort();
    let paper = PaperConsent {
        level: Level::B,
        receiver_name: "情報処理推進機構".into(),
        purpose: "first help".into(),
        form: "ab".repeat(32),
        called_back: "the managing director, by the number on file".into(),
        staff,
        // The records of this insider are of 15 January 2027.
        until: "2027-02-01T00:00:00Z".into(),
    };
    let named = PaperConsent { level: Level::C, ..paper.clone() };
    let taken = Event::AcceptedPaper {
        receiver_name: "県警".into(),
        deposits: vec!["ab".repeat(32)],
        reference: "第 12 号".into(),
        note: String::new(),
    };
    let events = [Event::PaperAttested(paper.clone()), Event::PaperAttested(paper), Event::PaperAttested(named), taken];
    let mut insider = Insider::at(&case.centre, &case.firm.data());
    insider.say(&centre.signing_seed, &events, vec![]);
    // The company's own word for it is none of the two.
    insider.say(&company.signing_seed, &events[..1], vec![]);
    let home = &case.firm.founder;
    let said = home.ok(["hand-over", "status", "--json"]).json();
    let papers = said["paper"].as_array().unwrap();
    assert_eq!((papers.len(), said["handovers"].as_array().unwrap().len()), (2, 0), "{said:#}");
    // One of the two has said it, twice; a level that tells the company is no matter of paper.
    assert_eq!((&papers[0]["attested_by"], &papers[0]["signed_by_company"]), (&1.into(), &false.into()));
    assert_eq!((&papers[1]["reference"], &papers[1]["signed_by_receiver"]), (&"第 12 号".into(), &false.into()));
    let told = home.ok(["hand-over", "status"]).out;
    assert!(told.contains("no signature of the company") && told.contains("no signature of the receiver"), "{told}");
}

#[test]
fn a_consent_that_tells_the_name_is_decided_on_thing_by_thing() {
    let case = Case::new();
    let company = &case.firm.founder;
    let folder = company.beside("signs");
    fs::create_dir_all(folder.join("とくだ せいき")).unwrap();
    fs::write(folder.join("とくだ せいき/log.csv"), "09:12 copied KX-204.dxf").unwrap();
    fs::write(folder.join("plain.csv"), "09:15 copied KX-205.dxf").unwrap();
    fs::write(folder.join("note.txt"), "(株)ﾄｸﾀﾞｾｲｷ、S23.3.1創業").unwrap();
    fs::write(folder.join("disk.bin"), [0, 159, 146, 150]).unwrap();
    company.deposit(&folder, "signs");
    let sought = ["--seek", "トクダセイキ株式会社", "--seek", "1948-03-01"];
    let preview = [&["consent", "preview", "latest:signs", "--json"][..], &sought].concat();
    let shown = company.ok(preview).json();
    let entries = shown["items"][0]["entries"].as_array().unwrap().clone();
    let of = |path: &str| {
        entries.iter().find(|entry| entry["path"].as_str() == Some(path)).unwrap_or_else(|| panic!("{shown}"))
    };
    assert_eq!(entries.len(), 4, "no folder that a path names anyhow: {shown}");
    assert_eq!(of("plain.csv")["undecided"], serde_json::json!(false));
    assert_eq!(of("note.txt")["traces"].as_array().unwrap().len(), 2, "{shown}");
    assert_eq!(of("とくだ せいき/log.csv")["traces"][0]["where"], serde_json::json!("in its name"));
    assert_eq!(of("disk.bin")["unseen"].as_array().unwrap().len(), 1, "{shown}");

    let refused = |items: &[&str], more: &[&str], words: &str| {
        let said = case.consent_to(items, &[&sought, more].concat());
        assert_eq!(said.code, Some(1), "{said:?}");
        assert!(said.err.contains(words), "{said:?}");
    };
    refused(&["latest:signs"], &[], "3 things");
    refused(&["latest:signs//disk.bin", "latest:signs//plain.csv"], &[], "disk.bin");
    refused(&["latest:signs"], &["--stands", "latest:signs//disk.bin"], "2 things");
    refused(&["latest:signs//plain.csv"], &["--seek", "IS THIS-AN attack"], "purpose");
    refused(&["latest:signs//plain.csv"], &["--seek", "a"], "too short");
    let kept = company.ok(["hand-over", "status", "--json"]).json();
    assert_eq!(kept["handovers"], serde_json::json!([]), "what was refused is not signed");

    case.consented(&["latest:signs//plain.csv"], &sought);
    let stands = ["--stands", "latest:signs//disk.bin", "--stands", "latest:signs//note.txt"];
    case.consented(
        &["latest:signs//plain.csv", "latest:signs//disk.bin", "latest:signs//note.txt"],
        &[&sought[..], &stands].concat(),
    );
    // Where the name is told anyhow, nothing is asked.
    case.consented(&["latest:signs"], &[&sought[..], &["--level", "C", "--company", "徳田精機"]].concat());
}
