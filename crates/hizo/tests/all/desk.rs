//! The desk: who is let in, what a locked one shows, and the first hour in a real browser.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::kit::{self, Home};

/// A desk that was started.
struct Desk {
    child: Child,
    /// The printed link, without its scheme: `127.0.0.1:PORT` and the path.
    address: String,
    path: String,
}

/// What it answered.
struct Answer {
    status: u16,
    head: String,
    body: String,
}

impl Answer {
    fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(':'));
        lines.into_iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
    }

    /// The hidden field that every form of a page has.
    fn csrf(&self) -> &str {
        let (_, rest) = self.body.split_once("name=\"csrf\" value=\"").expect("a form");
        rest.split('"').next().unwrap()
    }
}

impl Desk {
    fn start(command: &mut Command) -> Self {
        let mut child = command.args(["desk", "--no-browser", "-q"]).stdout(Stdio::piped()).spawn().unwrap();
        let mut link = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut link).unwrap();
        let link = link.trim().strip_prefix("http://").expect("a link").to_owned();
        let (address, path) = link.split_once('/').unwrap();
        Self { child, address: address.to_owned(), path: format!("/{path}") }
    }

    fn link(&self) -> String {
        format!("http://{}{}", self.address, self.path)
    }

    /// The prefix of every address.
    fn at(&self) -> &str {
        self.path.split("/open/").next().unwrap()
    }

    /// Sends a request as it stands here.
    fn raw(&self, head: &str, body: &str) -> Answer {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        write!(stream, "{head}connection: close\r\ncontent-length: {}\r\n\r\n{body}", body.len()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
        let status = head.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or(0);
        Answer { status, head: head.to_owned(), body: body.to_owned() }
    }

    fn get(&self, path: &str, cookie: &str) -> Answer {
        let host = &self.address;
        self.raw(&format!("GET {path} HTTP/1.1\r\nhost: {host}\r\ncookie: {cookie}\r\n"), "")
    }

    /// As a browser sends a form of the desk's own page.
    fn post(&self, path: &str, cookie: &str, form: &str) -> Answer {
        let host = &self.address;
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: {host}\r\norigin: http://{host}\r\nsec-fetch-site: same-origin\r\ncookie: {cookie}\r\ncontent-type: application/x-www-form-urlencoded\r\n"
        );
        self.raw(&head, form)
    }

    /// Follows the printed link; the cookie.
    fn sit_down(&self) -> String {
        let answer = self.get(&self.path, "");
        assert_eq!(answer.status, 200, "{}", answer.body);
        let cookie = answer.header("set-cookie").expect("a cookie");
        assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"), "{cookie}");
        assert!(cookie.contains(&format!("Path={};", self.at())), "no other program of this machine gets it: {cookie}");
        cookie.split(';').next().unwrap().to_owned()
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A machine with a safe that has one deposit, and a desk that was sat down at and unlocked.
fn unlocked() -> (Home, Desk, String, String) {
    let machine = Home::new();
    let folder = machine.beside("drawings");
    std::fs::write(folder.join("PLANTED-NAME.dxf"), "PLANTED-CONTENT").unwrap();
    let deposit = machine.deposit(&folder, "PLANTED-SERIES")["deposit"].as_str().unwrap().to_owned();
    let desk = Desk::start(&mut machine.writer_command());
    let cookie = desk.sit_down();
    let unlock = format!("{}/unlock", desk.at());
    let csrf = desk.get(&unlock, &cookie).csrf().to_owned();
    let passphrase = std::fs::read_to_string(machine.passphrase_file()).unwrap();
    let passphrase: String = passphrase.trim().bytes().map(|byte| format!("%{byte:02x}")).collect();
    let answer = desk.post(&unlock, &cookie, &format!("csrf={csrf}&passphrase={passphrase}"));
    assert_eq!(answer.status, 303, "{}", answer.body);
    (machine, desk, cookie, deposit)
}

#[test]
fn a35_whoever_has_not_followed_the_link_sees_nothing_and_the_link_serves_once() {
    let (_machine, desk, cookie, deposit) = unlocked();
    let pages = ["/", "/safe", "/keep", "/verify", "/unlock", &format!("/deposit/{deposit}")]
        .map(|path| format!("{}{path}", desk.at()));
    for page in &pages {
        for other in ["", "hizo-desk=", "hizo-desk=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "other=1"] {
            let answer = desk.get(page, other);
            assert_eq!(answer.status, 401, "{page} {other}");
            assert!(!answer.body.contains("PLANTED") && !answer.body.contains("csrf"), "{page}");
        }
    }
    // The link was followed; whoever finds it in a history sits down at nothing.
    let again = desk.get(&desk.path, "");
    assert_eq!((again.status, again.header("set-cookie")), (403, None));
    let wrong = desk.get(&format!("{}/open/AAAA", desk.at()), "");
    assert_eq!((wrong.status, wrong.header("set-cookie")), (403, None));
    // Another prefix is no desk, whoever asks.
    assert_eq!(desk.get("/safe", &cookie).status, 404);
}

#[test]
fn a35_no_other_page_and_no_other_name_of_this_machine_makes_the_desk_do_anything() {
    let (_machine, desk, cookie, deposit) = unlocked();
    let (host, at) = (&desk.address, desk.at());
    let safe = format!("GET {at}/safe HTTP/1.1\r\ncookie: {cookie}\r\n");
    let asks = |more: &str| desk.raw(&format!("{safe}{more}"), "").status;
    assert_eq!(asks(&format!("host: {host}\r\n")), 200);
    let port = host.split(':').nth(1).unwrap();
    for name in [
        format!("evil.example:{port}"),
        format!("localhost:{port}"),
        String::from("127.0.0.1"),
        format!("[::1]:{port}"),
    ] {
        assert_eq!(asks(&format!("host: {name}\r\n")), 421, "a name that was made to point here: {name}");
    }
    for more in [
        "sec-fetch-site: cross-site\r\n",
        "sec-fetch-site: same-site\r\n",
        "origin: http://evil.example\r\n",
        "origin: null\r\n",
    ] {
        assert_eq!(asks(&format!("host: {host}\r\n{more}")), 403, "{more}");
    }
    // A form of somebody else's page, with the browser's own cookie; and one without the hidden field.
    let csrf = desk.get(&format!("{at}/safe"), &cookie).csrf().to_owned();
    let to = format!("{at}/deposit/{deposit}/restore");
    let form = format!("csrf={csrf}&to=/nowhere/at/all");
    for origin in ["http://evil.example", "null", "http://127.0.0.1:1"] {
        let head = format!("POST {to} HTTP/1.1\r\nhost: {host}\r\norigin: {origin}\r\ncookie: {cookie}\r\n");
        assert_eq!(desk.raw(&head, &form).status, 403, "{origin}");
    }
    assert_eq!(desk.raw(&format!("POST {to} HTTP/1.1\r\nhost: {host}\r\ncookie: {cookie}\r\n"), &form).status, 403);
    for form in ["to=/nowhere/at/all", "csrf=&to=/nowhere", "csrf=AAAA&to=/nowhere"] {
        assert_eq!(desk.post(&to, &cookie, form).status, 403, "{form}");
    }
    assert_eq!(desk.post(&to, &cookie, &"x".repeat(65 << 10)).status, 413);
}

#[test]
fn a41_every_answer_tells_the_browser_to_take_nothing_from_elsewhere_and_to_keep_nothing() {
    let (_machine, desk, cookie, deposit) = unlocked();
    for path in ["/safe", &format!("/deposit/{deposit}"), "/look.css", "/nowhere", "/unlock"] {
        let answer = desk.get(&format!("{}{path}", desk.at()), &cookie);
        let policy = answer.header("content-security-policy").unwrap_or_default();
        assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"), "{path}: {policy}");
        assert!(!policy.contains("unsafe") && !policy.contains("http"), "{path}: {policy}");
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{path}");
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{path}");
        assert!(
            !answer.body.contains("style=") && !answer.body.contains("<script") && !answer.body.contains("//cdn"),
            "{path}"
        );
    }
}

#[test]
fn a12_a_locked_desk_shows_nothing_of_the_safe_and_no_address_holds_a_name() {
    let (_machine, desk, cookie, deposit) = unlocked();
    let at = desk.at();
    let page = desk.get(&format!("{at}/deposit/{deposit}"), &cookie);
    assert!(page.body.contains("PLANTED-NAME.dxf") && page.body.contains("PLANTED-SERIES"), "{}", page.body);
    for address in page.body.split(['"', ' ']).filter(|text| text.starts_with(at)) {
        assert!(!address.contains("PLANTED"), "{address}");
    }
    let csrf = page.csrf().to_owned();
    assert_eq!(desk.post(&format!("{at}/lock"), &cookie, &format!("csrf={csrf}")).status, 303);
    for path in ["/safe", "/keep", &format!("/deposit/{deposit}"), "/work/0", "/proof/0", "/proof/0/certificate.pdf"] {
        let answer = desk.get(&format!("{at}{path}"), &cookie);
        assert_eq!((answer.status, answer.body.contains("PLANTED")), (303, false), "{path}");
    }
    assert!(!desk.get(&format!("{at}/unlock"), &cookie).body.contains("PLANTED"));
    let wrong = desk.post(&format!("{at}/unlock"), &cookie, &format!("csrf={csrf}&passphrase=no"));
    assert_eq!(wrong.status, 200);
    assert!(wrong.body.contains("role=\"alert\"") && !wrong.body.contains("PLANTED"));
}

#[test]
fn hostile_names_are_text_on_a_page_and_nothing_else() {
    let machine = Home::new();
    let folder = machine.beside("hostile");
    let names = ["<script>alert(1)<", "\"onmouseover=alert(1) x=\"", "a&lt;b", "'};alert(1)//", "\u{202e}fdp.exe"];
    for name in names {
        std::fs::write(folder.join(name.replace('/', "_")), "x").unwrap();
    }
    let deposit = machine.deposit_with(&folder, "<b>series</b>", &["--label", "<i>label</i>"]);
    let deposit = deposit["deposit"].as_str().unwrap();
    let desk = Desk::start(&mut machine.writer_command());
    let cookie = desk.sit_down();
    let unlock = format!("{}/unlock", desk.at());
    let csrf = desk.get(&unlock, &cookie).csrf().to_owned();
    let passphrase = std::fs::read_to_string(machine.passphrase_file()).unwrap().trim().replace(' ', "+");
    assert_eq!(desk.post(&unlock, &cookie, &format!("csrf={csrf}&passphrase={passphrase}")).status, 303);
    for path in ["/safe", &format!("/deposit/{deposit}")] {
        let page = desk.get(&format!("{}{path}", desk.at()), &cookie).body;
        for bad in ["<script", "<b>series", "<i>label", "\"onmouseover", "\u{202e}"] {
            assert!(!page.contains(bad), "{path}: {bad}");
        }
    }
}

/// What a desk prints for scripts.
pub(crate) fn said_as_json() -> serde_json::Value {
    let home = Home::unmade();
    let mut child = home.writer_command().args(["desk", "--json"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let _ = child.kill();
    let _ = child.wait();
    serde_json::from_str(&line).unwrap()
}

/// The folder of the browser's driver, if it and a browser are here.
fn browser() -> Option<PathBuf> {
    let driver = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/npm");
    let is_there = driver.join("node_modules/playwright-core").is_dir()
        && driver.join("node_modules/@axe-core/playwright").is_dir();
    if is_there && kit::is_there("chromium") && kit::is_there("node") {
        return driver.canonicalize().ok();
    }
    kit::say_aloud("no journey in a browser: chromium, node, or the npm packages of target/npm are not there");
    None
}

/// Goes the first hour in a browser, in this language and width.
fn first_hour(language: &str, width: &str) {
    let Some(driver) = browser() else { return };
    let machine = Home::unmade();
    let folder = machine.beside("drawings-of-α-117");
    std::fs::create_dir_all(folder.join("drawings/old")).unwrap();
    std::fs::write(folder.join("drawings/α-117_金型図_R4.dxf"), "0\nSECTION\n").unwrap();
    std::fs::write(folder.join("drawings/old/α-117_金型図_R3.dxf"), "0\nEOF\n").unwrap();
    std::fs::write(folder.join("見積.txt"), "1,200,000\n").unwrap();
    let desk = Desk::start(machine.writer_command().env("HOME", machine.beside("")));
    let pictures = Path::new(env!("CARGO_TARGET_TMPDIR")).join("desk");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser/first-hour.mjs");
    let mut journey = Command::new("node");
    journey.arg(script).args([&desk.link(), language, width]).arg(&folder).arg(pictures);
    let done = journey.env("NODE_FOLDER", driver).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let back = machine.beside("drawings-of-α-117-back");
    kit::assert_same(&kit::tree(&folder), &kit::tree(&back));
}

/// A company and its counsellor, each at a desk of their own, and an owner who has a safe at the same keeper.
fn something_is_wrong(language: &str, width: &str) {
    let Some(driver) = browser() else { return };
    let (case, owner) = (crate::case::Scene::new("leak"), Home::unmade());
    owner.ok(["init", "--name", "徳田精機", "--keeper", case.keeper_url()]);
    owner.make_cheap();
    let desks = [&owner, &case.company, &case.counsellor].map(|home| Desk::start(&mut home.writer_command()));
    let phrase = std::fs::read_to_string(owner.passphrase_file()).unwrap();
    let pictures = Path::new(env!("CARGO_TARGET_TMPDIR")).join("desk");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser/something-wrong.mjs");
    let mut journey = Command::new("node");
    journey.arg(script).args(desks.iter().map(Desk::link)).args([phrase.trim(), language, width]).arg(pictures);
    let done = journey.env("NODE_FOLDER", driver).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    // Both sides have the same case as at the command line, and nobody else has anything of it.
    let told = case.company.ok(["case", "show", "--json"]).json();
    assert_eq!(told, {
        let mut other = case.counsellor.ok(["case", "show", "--json"]).json();
        other["you"] = told["you"].clone();
        other["follows"] = told["follows"].clone();
        other
    });
    assert_eq!(told["refused"], serde_json::json!([]));
    assert_eq!(told["tasks"][0]["done"], serde_json::json!(true), "{told}");
    for planted in ["canary-desk-8812", "canary-answer-3306", "canary-task-1177"] {
        assert!(told.to_string().contains(planted), "{planted}");
        assert!(!case.keeper_has(planted), "{planted}");
    }
}

#[test]
fn something_is_wrong_in_japanese_on_a_wide_screen() {
    something_is_wrong("ja", "1280");
}

#[test]
fn something_is_wrong_in_english_on_a_phone() {
    something_is_wrong("en", "360");
}

#[test]
fn the_first_hour_in_japanese_on_a_wide_screen() {
    first_hour("ja", "1280");
}

#[test]
fn the_first_hour_in_english_on_a_phone() {
    first_hour("en", "360");
}

/// A company consents at its desk to what it has looked at; the counsellor hands over, the receiver accepts, and the company sees it.
fn a_company_consents(language: &str, width: &str) {
    let Some(driver) = browser() else { return };
    let (case, office) = (crate::case::Scene::new("leak"), Home::new());
    let folder = case.company.beside("signs");
    std::fs::write(folder.join("copied.csv"), "09:12 copied KX-204.dxf").unwrap();
    std::fs::write(folder.join("note.txt"), "(株)ﾄｸﾀﾞｾｲｷ、昭和23年3月1日創業, canary-left-out-4410").unwrap();
    case.company.deposit(&folder, "signs");
    let key = office.ok(["consent", "key", "--json"]).json()["key"].as_str().unwrap().to_owned();
    let phrase = std::fs::read_to_string(case.company.passphrase_file()).unwrap();
    let pictures = Path::new(env!("CARGO_TARGET_TMPDIR")).join("desk");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser/line.mjs");
    let walk = |part: &str| {
        let desk = Desk::start(&mut case.company.writer_command());
        let mut journey = Command::new("node");
        journey.arg(&script).args([part, &desk.link(), phrase.trim(), &key, language, width]).arg(&pictures);
        let done = journey.env("NODE_FOLDER", &driver).output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    };
    walk("consent");
    let status = || case.company.ok(["hand-over", "status", "--json"]).json()["handovers"][0].clone();
    let given = status();
    assert_eq!((&given["level"], &given["state"]), (&"B".into(), &"consented".into()), "{given}");
    let seen = case.delivered(given["handover"].as_str().unwrap(), &office);
    let names: Vec<_> = seen.iter().map(|path| path.file_name().unwrap().to_string_lossy().into_owned()).collect();
    assert_eq!(names, ["copied.csv"], "what was left out did not go");
    assert_eq!(status()["state"], "accepted");
    walk("accepted");
    assert_eq!(status()["withdrawn"], true);
    assert!(!case.keeper_has("canary-left-out-4410"));
}

#[test]
fn a_company_consents_in_japanese_on_a_wide_screen() {
    a_company_consents("ja", "1280");
}

#[test]
fn a_company_consents_in_english_on_a_phone() {
    a_company_consents("en", "360");
}
