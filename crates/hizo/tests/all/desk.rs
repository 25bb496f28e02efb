//! The desk: who is let in, what a locked one shows, and what its pages do.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD as BASE64, BASE64_URL_SAFE_NO_PAD};

use crate::forge::{Forged, Insider};
use crate::journeys;
use crate::kit::{self, Home};

/// A desk that was started.
pub(crate) struct Desk {
    child: Child,
    /// The printed link, without its scheme: `127.0.0.1:PORT` and the path.
    address: String,
    path: String,
}

/// What it answered.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(':'));
        lines.into_iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
    }

    /// The hidden field that every form of a page has.
    pub(crate) fn csrf(&self) -> &str {
        let (_, rest) = self.body.split_once("name=\"csrf\" value=\"").expect("a form");
        rest.split('"').next().unwrap()
    }
}

impl Desk {
    pub(crate) fn start(command: &mut Command) -> Self {
        Self::start_with(command, &[])
    }

    /// With further safes that can be unlocked there.
    pub(crate) fn start_with(command: &mut Command, others: &[&Path]) -> Self {
        let mut child =
            command.args(["desk", "--no-browser", "-q"]).args(others).stdout(Stdio::piped()).spawn().unwrap();
        let mut link = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut link).unwrap();
        let link = link.trim().strip_prefix("http://").expect("a link").to_owned();
        let (address, path) = link.split_once('/').unwrap();
        Self { child, address: address.to_owned(), path: format!("/{path}") }
    }

    pub(crate) fn link(&self) -> String {
        format!("http://{}{}", self.address, self.path)
    }

    /// The prefix of every address.
    pub(crate) fn at(&self) -> &str {
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

    pub(crate) fn get(&self, path: &str, cookie: &str) -> Answer {
        let host = &self.address;
        self.raw(&format!("GET {path} HTTP/1.1\r\nhost: {host}\r\ncookie: {cookie}\r\n"), "")
    }

    /// The bytes of a file.
    fn bytes(&self, path: &str, cookie: &str) -> Vec<u8> {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        let host = &self.address;
        write!(stream, "GET {path} HTTP/1.1\r\nhost: {host}\r\ncookie: {cookie}\r\nconnection: close\r\n\r\n").unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        let end = answer.windows(4).position(|window| window == b"\r\n\r\n").expect("a head");
        answer.split_off(end + 4)
    }

    /// As a browser sends a form of the desk's own page.
    pub(crate) fn post(&self, path: &str, cookie: &str, form: &str) -> Answer {
        let host = &self.address;
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: {host}\r\norigin: http://{host}\r\nsec-fetch-site: same-origin\r\ncookie: {cookie}\r\ncontent-type: application/x-www-form-urlencoded\r\n"
        );
        self.raw(&head, form)
    }

    /// Follows the printed link; the cookie.
    pub(crate) fn sit_down(&self) -> String {
        let answer = self.get(&self.path, "");
        assert_eq!(answer.status, 200, "{}", answer.body);
        let cookie = answer.header("set-cookie").expect("a cookie");
        assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"), "{cookie}");
        assert!(cookie.contains(&format!("Path={};", self.at())), "no other program of this machine gets it: {cookie}");
        cookie.split(';').next().unwrap().to_owned()
    }

    /// Sits down and unlocks the safe of a home; the cookie, and what every form holds.
    pub(crate) fn unlock(&self, home: &Home) -> (String, String) {
        self.unlock_by(&phrase(home))
    }

    /// The same by a passphrase.
    pub(crate) fn unlock_by(&self, passphrase: &str) -> (String, String) {
        let cookie = self.sit_down();
        let csrf = self.unlock_again(&cookie, passphrase);
        (cookie, csrf)
    }

    /// Unlocks it in a browser that sits there already; what every form holds.
    pub(crate) fn unlock_again(&self, cookie: &str, passphrase: &str) -> String {
        let unlock = format!("{}/unlock", self.at());
        let csrf = self.get(&unlock, cookie).csrf().to_owned();
        let passphrase: String = passphrase.bytes().map(|byte| format!("%{byte:02x}")).collect();
        let answer = self.post(&unlock, cookie, &format!("csrf={csrf}&passphrase={passphrase}"));
        assert_eq!(answer.status, 303, "{}", answer.body);
        csrf
    }
}

/// The passphrase of a home.
pub(crate) fn phrase(home: &Home) -> String {
    std::fs::read_to_string(home.passphrase_file()).unwrap().trim().to_owned()
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
    let (cookie, _) = desk.unlock(&machine);
    (machine, desk, cookie, deposit)
}

#[test]
fn a41_whoever_has_not_followed_the_link_sees_nothing_and_the_link_serves_once() {
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
fn a41_no_other_page_and_no_other_name_of_this_machine_makes_the_desk_do_anything() {
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
    assert_eq!(desk.post(&to, &cookie, &"x".repeat(129 << 10)).status, 413);
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
    let series = page.body.split('"').find_map(|text| text.strip_prefix(&format!("{at}/series/"))).unwrap().to_owned();
    for path in [format!("/deposit/{deposit}"), format!("/series/{series}"), String::from("/safe")] {
        let page = desk.get(&format!("{at}{path}"), &cookie).body;
        let title = page.split("<title>").nth(1).and_then(|rest| rest.split("</title>").next()).unwrap();
        assert!(!title.contains("PLANTED"), "a browser writes it into its history: {title}");
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
fn whoever_asks_whom_to_ask_sees_who_does_what_by_prefecture_and_that_a_sample_is_one() {
    let (_machine, desk, cookie, _) = unlocked();
    let page = |area: &str| desk.get(&format!("{}/whom{area}", desk.at()), &cookie).body;
    assert!(desk.get(&format!("{}/wrong", desk.at()), &cookie).status == 200);
    let nationwide = page("");
    for said in [
        "These bodies are made up",
        "National police (sample)",
        "rescue team of about 20 (sample)",
        "hizo directory show --sample",
    ] {
        assert!(nationwide.contains(said), "{said}: {nationwide}");
    }
    assert_eq!(nationwide.matches("(sample)").count(), 3);
    // Tokyo is the 13th, Kyoto the 26th: neither is taken for the other.
    let tokyo = page("?area=13");
    assert_eq!(tokyo.matches("(sample)").count(), 3 + 3 + 2, "{tokyo}");
    assert!(
        tokyo.contains("Tokyo centre 3")
            && tokyo.contains("Tokyo police, trade secrets")
            && !tokyo.contains("Kyoto centre")
    );
    assert!(page("?area=26").contains("Kyoto centre (sample)") && !page("?area=26").contains("Tokyo centre"));
    for wrong in ["?area=0", "?area=48", "?area=x"] {
        assert_eq!(page(wrong).matches("(sample)").count(), 3, "{wrong}");
    }
}

#[test]
fn a_sample_company_is_one_click_away_says_that_it_is_one_and_goes_with_one_click() {
    let machine = Home::unmade();
    let desk = Desk::start(&mut machine.writer_command());
    let cookie = desk.sit_down();
    let at = |path: &str| format!("{}{path}", desk.at());
    let begin = desk.get(&at("/begin"), &cookie);
    assert!(begin.body.contains("Look at a sample company"), "{}", begin.body);
    let form = format!("csrf={}", begin.csrf());
    let made = desk.post(&at("/sample"), &cookie, &form);
    assert_eq!((made.status, made.header("location")), (303, Some(at("/sample").as_str())), "{}", made.body);
    let sample = machine.path.with_file_name("home-sample");
    let phrase = std::fs::read_to_string(sample.join("passphrase")).unwrap();
    let told = desk.get(&at("/sample"), &cookie).body;
    assert!(told.contains(phrase.trim()) && told.contains("Everything in this safe is made up"), "{told}");
    let safe = desk.get(&at("/safe"), &cookie).body;
    assert!(safe.contains("Tokuda Seiki (sample)") && safe.contains("金型") && safe.contains("配合"), "{safe}");
    assert!(!machine.path.exists(), "nothing is where a safe of his own will be");
    // Locked, the first page is that of beginning again, and the same sample is opened from there.
    desk.post(&at("/lock"), &cookie, &form);
    assert_eq!(desk.get(&at("/sample"), &cookie).status, 303);
    desk.post(&at("/sample"), &cookie, &form);
    assert!(desk.get(&at("/sample"), &cookie).body.contains(phrase.trim()));
    let removed = desk.post(&at("/sample/remove"), &cookie, &form);
    assert_eq!((removed.status, sample.exists()), (303, false));
    assert_eq!(desk.get(&at("/safe"), &cookie).header("location"), Some(at("/begin").as_str()));
    // Whoever has a safe of his own open removes nothing by it.
    let (machine, desk, cookie, _) = unlocked();
    let form = format!("csrf={}", desk.get(&format!("{}/safe", desk.at()), &cookie).csrf());
    assert_eq!(desk.post(&format!("{}/sample/remove", desk.at()), &cookie, &form).status, 303);
    assert!(machine.path.join("safe.json").exists());
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
    let (cookie, _) = desk.unlock(&machine);
    for path in ["/safe", &format!("/deposit/{deposit}")] {
        let page = desk.get(&format!("{}{path}", desk.at()), &cookie).body;
        for bad in ["<script", "<b>series", "<i>label", "\"onmouseover", "\u{202e}"] {
            assert!(!page.contains(bad), "{path}: {bad}");
        }
    }
}

#[test]
fn whoever_presses_begin_twice_has_one_safe_that_opens() {
    let machine = Home::unmade();
    let desk = Desk::start(&mut machine.writer_command());
    let cookie = desk.sit_down();
    let begin = format!("{}/begin", desk.at());
    let csrf = desk.get(&begin, &cookie).csrf().to_owned();
    let form = format!("csrf={csrf}&name=Works&passphrase=correct+horse+battery&again=correct+horse+battery");
    std::thread::scope(|scope| {
        let both = [(); 2].map(|()| scope.spawn(|| desk.post(&begin, &cookie, &form)));
        for one in both {
            let answer = one.join().unwrap();
            assert_eq!(answer.status, 303, "{}", answer.body);
        }
    });
    let unlock = format!("{}/unlock", desk.at());
    let answer = desk.post(&unlock, &cookie, &format!("csrf={csrf}&passphrase=correct+horse+battery"));
    assert_eq!(answer.header("location"), Some(format!("{}/safe", desk.at()).as_str()));
    assert_eq!(desk.get(&format!("{}/safe", desk.at()), &cookie).status, 200);
}

#[test]
fn a_passphrase_that_was_drawn_stays_the_same_until_keys_stand_behind_it() {
    let (machine, other) = (Home::unmade(), Home::unmade());
    let desk = Desk::start_with(&mut machine.writer_command(), &[&other.path]);
    let begin = format!("{}/begin", desk.at());
    let drawn = |page: &Answer| page.body.split("<code>").nth(1).unwrap().split('<').next().unwrap().to_owned();
    let cookie = desk.sit_down();
    let first = desk.get(&begin, &cookie);
    let (csrf, written) = (first.csrf().to_owned(), drawn(&first));
    assert!(written.len() >= 20, "{written}");
    let post = |name: &str, again: &str| {
        let phrase = |words: &str| words.replace(' ', "+");
        let form = format!("csrf={csrf}&name={name}&passphrase={}&again={}", phrase(&written), phrase(again));
        desk.post(&begin, &cookie, &form)
    };
    // The form comes back with a fault, and whoever has written it down still sees it.
    assert_eq!(drawn(&post("Works", "something else")), written);
    assert_eq!(drawn(&desk.get(&begin, &cookie)), written);
    assert_eq!(post("Works", &written).status, 303);
    desk.post(&format!("{}/lock", desk.at()), &cookie, &format!("csrf={csrf}"));
    // Whoever begins the next one is shown another.
    assert_ne!(drawn(&desk.get(&begin, &cookie)), written);
}

#[test]
fn a_button_never_means_more_than_it_says() {
    let (machine, desk, cookie, deposit) = unlocked();
    let at = desk.at();
    let csrf = desk.get(&format!("{at}/safe"), &cookie).csrf().to_owned();
    // A place that is not in the list is no reason to show all of it.
    for act in ["restore", "prove"] {
        let page = format!("{at}/deposit/{deposit}/{act}");
        assert_eq!(desk.get(&format!("{page}?entry=77777"), &cookie).status, 422);
        let to = machine.folder.path().join("out");
        let form = format!("csrf={csrf}&entry=77777&content=1&to={}", to.display());
        assert_eq!((desk.post(&page, &cookie, &form).status, to.exists()), (422, false));
        let form = format!("csrf={csrf}&content=1&to=out");
        assert_eq!(desk.post(&page, &cookie, &form).status, 422, "a path from nowhere in particular");
    }
    // Somebody typed another folder than the one on the button.
    let typed = machine.beside("typed");
    let form = format!("csrf={csrf}&series=x&here=&typed={}", typed.display());
    let shown = desk.post(&format!("{at}/keep/now"), &cookie, &form);
    assert_eq!(shown.status, 200);
    assert!(shown.body.contains("typed") && machine.deposits().len() == 1, "{}", shown.body);
    // The other language shows the same page of the same file.
    let page = desk.get(&format!("{at}/deposit/{deposit}/prove?entry=0"), &cookie).body;
    assert!(page.contains(&format!("name=\"back\" value=\"/deposit/{deposit}/prove?entry=0\"")), "{page}");
    // Whoever presses twice keeps once.
    let here = BASE64_URL_SAFE_NO_PAD.encode(typed.to_str().unwrap());
    std::fs::write(typed.join("x"), "1").unwrap();
    let form = format!("csrf={csrf}&series=x&here={here}&once=0123456789abcdef");
    let first = desk.post(&format!("{at}/keep/now"), &cookie, &form);
    assert!(first.header("location").is_some_and(|to| to.contains("/work/")), "{}", first.body);
    let second = desk.post(&format!("{at}/keep/now"), &cookie, &form);
    assert_eq!(second.header("location"), Some(format!("{at}/safe").as_str()));
    // A page that answers to forms alone leads back, and is not blank.
    assert_eq!(desk.get(&format!("{at}/keep/now"), &cookie).status, 303);
}

#[test]
fn nobody_who_holds_a_request_open_keeps_the_desk_from_ending() {
    let (_machine, mut desk, _, _) = unlocked();
    let mut held = TcpStream::connect(&desk.address).unwrap();
    held.write_all(b"GET / HTTP/1.1\r\nHo").unwrap();
    Command::new("kill").args(["-TERM", &desk.child.id().to_string()]).status().unwrap();
    assert!(desk.child.wait().unwrap().success());
}

#[test]
fn what_was_sent_after_a_lock_is_given_back_to_whoever_had_unlocked_and_to_nobody_else() {
    let (machine, other, second) = (Home::new(), Home::new(), Home::unmade());
    second.ok(["init", "--identity", machine.path.join("identity.age").to_str().unwrap()]);
    let desk = Desk::start_with(&mut machine.writer_command(), &[&other.path, &second.path]);
    let (cookie, csrf) = desk.unlock(&machine);
    let at = |path: &str| format!("{}{path}", desk.at());
    let post = |path: &str, form: &str| desk.post(&at(path), &cookie, &format!("csrf={csrf}&{form}"));
    let leads = |answer: &Answer, path: &str| answer.header("location") == Some(&at(path));
    let unlock = |safe: usize, home: &Home| {
        let form = format!("safe={safe}&passphrase={}", phrase(home).replace(' ', "+"));
        post("/unlock", &form)
    };
    let written = "once=0123456789abcdef&name_ja=%E7%AA%93%E5%8F%A3&name=PLANTED-NAME&passphrase=PLANTED-PHRASE";
    post("/lock", "");
    // A button alone is pressed again; what was typed waits, and is shown to nobody before he has unlocked.
    assert!(leads(&post("/people/withdraw", "order=1"), "/unlock"));
    assert!(!desk.get(&at("/unlock"), &cookie).body.contains("is kept"));
    assert!(leads(&post("/office", written), "/unlock"));
    let locked = desk.get(&at("/unlock"), &cookie).body;
    assert!(locked.contains("is kept") && !locked.contains("PLANTED"), "{locked}");
    assert!(leads(&unlock(0, &machine), "/unsent"));
    let page = desk.get(&at("/unsent"), &cookie).body;
    assert!(page.contains("PLANTED-NAME") && page.contains("窓口") && !page.contains("PLANTED-PHRASE"), "{page}");
    assert!(page.contains(&format!("action=\"{}\"", at("/office"))), "{page}");
    let number = |page: &str, of: &str| {
        let (before, _) = page.split_once(of).unwrap_or_else(|| panic!("{of} is not in {page}"));
        let (_, rest) = before.rsplit_once("name=\"unsent\" value=\"").unwrap();
        rest.split('"').next().unwrap().to_owned()
    };
    let which = format!("which={}", number(&page, "PLANTED-NAME"));
    assert!(leads(&post("/unsent/forget", &which), "/safe") && leads(&desk.get(&at("/unsent"), &cookie), "/safe"));
    // Forms of several pages wait beside each other, and each is done or let go by itself.
    post("/lock", "");
    post("/office", &written.replace("0123456789abcdef", "a"));
    post("/wrong", "once=b&kind=leak&title=PLANTED-TITLE");
    post("/office", &written.replace("0123456789abcdef", "c").replace("PLANTED-NAME", "PLANTED-LATER"));
    unlock(0, &machine);
    let page = desk.get(&at("/unsent"), &cookie).body;
    assert!(
        page.contains("PLANTED-LATER") && page.contains("PLANTED-TITLE") && !page.contains("PLANTED-NAME"),
        "{page}"
    );
    let which = format!("which={}", number(&page, "PLANTED-TITLE"));
    assert!(leads(&post("/unsent/forget", &which), "/unsent"));
    let page = desk.get(&at("/unsent"), &cookie).body;
    assert!(page.contains("PLANTED-LATER") && !page.contains("PLANTED-TITLE"), "{page}");
    assert!(
        desk.get(&at("/safe"), &cookie).body.contains(&format!("href=\"{}\"", at("/unsent"))),
        "the menu leads back"
    );
    let which = format!("which={}", number(&page, "PLANTED-LATER"));
    assert!(leads(&post("/unsent/forget", &which), "/safe"));
    assert!(!desk.get(&at("/safe"), &cookie).body.contains(&at("/unsent")));
    // It is done when he sends it, and asks for what was not kept.
    post("/lock", "");
    post("/office", &written.replace("0123456789abcdef", "1"));
    unlock(0, &machine);
    assert!(!machine.path.join("organisation.card").exists());
    let which = number(&desk.get(&at("/unsent"), &cookie).body, "PLANTED-NAME");
    let sent = post("/office", &format!("unsent={which}&name_ja=%E7%AA%93%E5%8F%A3&name=PLANTED-NAME"));
    assert!(sent.body.contains("role=\"alert\"") && sent.body.contains("value=\"PLANTED-NAME\""), "{}", sent.body);
    assert!(leads(&desk.get(&at("/"), &cookie), "/safe"));
    // Another person who unlocks a safe there sees nothing of it.
    post("/lock", "");
    post("/office", &written.replace("0123456789abcdef", "2"));
    unlock(1, &other);
    let shown = desk.get(&at("/unsent"), &cookie);
    assert!(leads(&shown, "/safe") && !shown.body.contains("PLANTED"), "{}", shown.body);
    // Nor is it sent in another safe of the same person.
    post("/lock", "");
    unlock(0, &machine);
    post("/lock", "");
    post("/office", &written.replace("0123456789abcdef", "3"));
    unlock(2, &second);
    assert!(leads(&desk.get(&at("/unsent"), &cookie), "/safe"));
}

#[test]
fn whoever_holds_many_connections_open_keeps_nobody_out() {
    let machine = Home::new();
    // The files that a program may have open are fewer than what is held.
    let plain = machine.writer_command();
    let mut few = Command::new("sh");
    few.args(["-c", "ulimit -n 200 && exec \"$0\" \"$@\""]).arg(plain.get_program()).args(plain.get_args());
    few.envs(plain.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let desk = Desk::start(&mut few);
    // The owner's browser holds one, too, and asks nothing on it.
    let mut first = TcpStream::connect(&desk.address).unwrap();
    let held: Vec<_> = (0..300)
        .map(|number| {
            let mut held = TcpStream::connect(&desk.address).unwrap();
            let begun: &[u8] = if number % 2 == 0 { b"" } else { b"GET / HTTP/1.1\r\nHo" };
            held.write_all(begun).map(|()| held)
        })
        .collect();
    desk.unlock(&machine);
    // The one that was idle longest made room.
    assert!(matches!(first.read(&mut [0]), Ok(0) | Err(_)));
    drop(held);
}

#[test]
fn key_cards_are_made_in_memory_printed_and_tried_at_the_desk() {
    let (machine, desk, cookie, _) = unlocked();
    let at = desk.at().to_owned();
    let page = |path: &str| desk.get(&format!("{at}{path}"), &cookie);
    let csrf = page("/cards").csrf().to_owned();
    let made = desk.post(&format!("{at}/cards"), &cookie, &format!("csrf={csrf}&cards=3&needed=2"));
    assert_eq!(made.status, 303, "{}", made.body);
    let to = made.header("location").unwrap().strip_prefix(&at).unwrap().to_owned();
    let listed = page(&to).body;
    // A second set takes the place of the first only if that was asked for.
    let again = desk.post(&format!("{at}/cards"), &cookie, &format!("csrf={csrf}&cards=3&needed=2"));
    assert!(again.status == 200 && again.body.contains("role=\"alert\""), "{}", again.body);
    let mut words = Vec::new();
    for number in 1..=3 {
        assert!(listed.contains(&format!("card-{number}.pdf")), "{listed}");
        let pdf = desk.bytes(&format!("{at}{to}/card-{number}.pdf"), &cookie);
        assert!(pdf.starts_with(b"%PDF-"));
        let file = machine.folder.path().join(format!("card-{number}.pdf"));
        std::fs::write(&file, pdf).unwrap();
        let Some(read) = crate::cards::read_off(&file) else { return };
        words.push(std::fs::read_to_string(read).unwrap().replace('\n', "+"));
    }
    assert!(desk.bytes(&format!("{at}{to}/emergency.pdf"), &cookie).starts_with(b"%PDF-"));
    let typed = |one: &str, two: &str| {
        desk.post(&format!("{at}/cards/try"), &cookie, &format!("csrf={csrf}&card-1={one}&card-2={two}"))
    };
    for (one, two) in [(words[0].as_str(), words[0].as_str()), (words[0].as_str(), ""), ("no+card", words[1].as_str())]
    {
        let said = typed(one, two);
        assert!(said.body.contains("role=\"alert\"") && !said.body.contains(one), "{}", said.body);
    }
    let said = typed(&words[2], &words[0]);
    assert!(said.body.contains("role=\"status\"") && said.body.contains("3, 1"), "{}", said.body);
    assert!(page("/people").body.contains("tried last on"));
    // Nothing of them lies in the home, and a locked desk has forgotten them.
    let word = words[0].split('+').take(4).collect::<Vec<_>>().join(" ");
    let pages = |path: &PathBuf| path.extension().is_some_and(|ending| ending == "pdf");
    assert!(!kit::files_below(&machine.path).iter().any(pages));
    assert!(!kit::contents_below(&machine.path).iter().any(|bytes| kit::contains(bytes, word.as_bytes())));
    assert_eq!(desk.post(&format!("{at}/lock"), &cookie, &format!("csrf={csrf}")).status, 303);
    assert_eq!(page(&format!("{to}/card-1.pdf")).status, 303);
}

/// A form with files, as a browser sends it: the name of each part, what the file is called, and what it holds.
pub(crate) fn form_of(parts: &[(&str, Option<&str>, &str)]) -> String {
    let mut form = String::new();
    for (name, file, content) in parts {
        let file = file.map_or_else(String::new, |file| format!("; filename=\"{file}\""));
        form += &format!("------hizo\r\nContent-Disposition: form-data; name=\"{name}\"{file}\r\n\r\n{content}\r\n");
    }
    form + "------hizo--\r\n"
}

impl Desk {
    pub(crate) fn hand_over(&self, path: &str, cookie: &str, form: &str) -> Answer {
        let host = &self.address;
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: {host}\r\norigin: http://{host}\r\nsec-fetch-site: same-origin\r\ncookie: {cookie}\r\ncontent-type: multipart/form-data; boundary=----hizo\r\n"
        );
        self.raw(&head, form)
    }

    /// What came of work that was begun, once it has ended.
    pub(crate) fn ended(&self, begun: &Answer, cookie: &str) -> Answer {
        let work = begun.header("location").unwrap_or_else(|| panic!("no work was begun: {}", begun.body));
        (0..100_000)
            .map(|_| self.get(work, cookie))
            .find(|answer| !answer.body.contains("http-equiv"))
            .expect("work ends")
    }
}

#[test]
fn files_out_of_a_browser_are_kept_as_they_are_and_nothing_of_them_is_left_beside_the_safe() {
    let (machine, desk, cookie, _) = unlocked();
    let path = format!("{}/drop", desk.at());
    let csrf = desk.get(&path, &cookie).csrf().to_owned();
    let large = "PLANTED-DROP ".repeat(300_000);
    let form = form_of(&[
        ("csrf", None, &csrf),
        ("series", None, "名簿"),
        ("label", None, "初回"),
        ("files", Some(""), ""),
        ("files", Some("顧客/一覧.csv"), "a,b\r\n------hiz\r\n"),
        ("files", Some("顧客/古い/%22大%22.txt"), &large),
    ]);
    let ended = desk.ended(&desk.hand_over(&path, &cookie, &form), &cookie);
    assert!(ended.body.contains("names and contents; not when"), "{}", ended.body);
    let restored = machine.restore("latest:名簿", "dropped-back");
    assert_eq!(std::fs::read(restored.join("一覧.csv")).unwrap(), b"a,b\r\n------hiz\r\n");
    assert_eq!(std::fs::read_to_string(restored.join("古い/\"大\".txt")).unwrap(), large);
    assert!(!machine.path.join("dropped").exists());
    assert!(!kit::contents_below(&machine.path).iter().any(|bytes| kit::contains(bytes, b"PLANTED-DROP")));
    machine.ok(["check"]);
}

#[test]
fn a35_hostile_names_and_forms_out_of_a_browser_keep_nothing_and_reach_nothing() {
    let (machine, desk, cookie, _) = unlocked();
    let path = format!("{}/drop", desk.at());
    let csrf = desk.get(&path, &cookie).csrf().to_owned();
    let before = kit::tree(machine.folder.path());
    let names = [
        "../out",
        "a/../../out",
        "/etc/out",
        "a//b",
        ".",
        "a/.",
        "..",
        "a/",
        "a\0b",
        &"x".repeat(300),
        &"a/".repeat(3_000),
    ];
    for name in names {
        let form = form_of(&[
            ("csrf", None, &csrf),
            ("series", None, "s"),
            ("files", Some("good"), "1"),
            ("files", Some(name), "2"),
        ]);
        let answer = desk.hand_over(&path, &cookie, &form);
        assert_eq!(answer.status, 422, "{name:?}: {}", answer.body);
        assert!(!machine.path.join("dropped").exists(), "{name:?}");
    }
    for (one, two) in [("a", "a"), ("a", "a/b"), ("a/b", "a")] {
        let form = form_of(&[
            ("csrf", None, &csrf),
            ("series", None, "s"),
            ("files", Some(one), "1"),
            ("files", Some(two), "2"),
        ]);
        assert_eq!(desk.hand_over(&path, &cookie, &form).status, 422, "{one} and {two}");
    }
    let file = ("files", Some("good"), "1");
    for parts in [
        &[("series", None, "s"), ("csrf", None, csrf.as_str()), file][..],
        &[file, ("csrf", None, csrf.as_str())],
        &[("csrf", Some("csrf"), csrf.as_str()), file],
        &[("csrf", None, ""), file],
        &[("csrf", None, "AAAA"), file],
        &[],
    ] {
        assert_eq!(desk.hand_over(&path, &cookie, &form_of(parts)).status, 403, "{parts:?}");
    }
    assert_eq!(desk.hand_over(&format!("{path}?csrf={csrf}"), &cookie, &form_of(&[file])).status, 403);
    assert_eq!(desk.post(&path, &cookie, &format!("csrf={csrf}&series=s")).status, 415);
    // Nothing chosen, no series, and a body that ends in the middle.
    for parts in [&[("series", None, "s")][..], &[file]] {
        let parts: Vec<_> = [("csrf", None, csrf.as_str())].into_iter().chain(parts.iter().copied()).collect();
        assert_eq!(desk.hand_over(&path, &cookie, &form_of(&parts)).status, 422, "{parts:?}");
    }
    let whole = form_of(&[("csrf", None, &csrf), ("series", None, "s"), file]);
    assert_eq!(desk.hand_over(&path, &cookie, whole.strip_suffix("------hizo--\r\n").unwrap()).status, 422);
    let mut after = kit::tree(machine.folder.path());
    after.retain(|path, _| !path.to_string_lossy().ends_with("dropped.lock"));
    let names = |tree: &kit::Tree| tree.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&after), names(&before));
    assert_eq!(machine.deposits().len(), 1);
}

/// Sends most of a form with a file, until that lies in the home.
fn half_an_upload(machine: &Home, desk: &Desk, cookie: &str) -> (TcpStream, PathBuf) {
    let path = format!("{}/drop", desk.at());
    let csrf = desk.get(&path, cookie).csrf().to_owned();
    let form =
        form_of(&[("csrf", None, &csrf), ("series", None, "s"), ("files", Some("f/PLANTED"), &"x".repeat(600_000))]);
    let host = &desk.address;
    let mut stream = TcpStream::connect(host).unwrap();
    write!(
        stream,
        "POST {path} HTTP/1.1\r\nhost: {host}\r\norigin: http://{host}\r\ncookie: {cookie}\r\ncontent-type: multipart/form-data; boundary=----hizo\r\ncontent-length: {}\r\n\r\n",
        form.len()
    )
    .unwrap();
    stream.write_all(&form.as_bytes()[..500_000]).unwrap();
    let left = machine.path.join("dropped/f/PLANTED");
    assert!((0..1_000_000).any(|_| left.exists()), "it has come as far as that");
    (stream, left)
}

#[test]
fn a12_what_a_desk_left_that_was_killed_while_files_came_is_removed_at_the_next_start() {
    let (machine, desk, cookie, _) = unlocked();
    let (_stream, left) = half_an_upload(&machine, &desk, &cookie);
    drop(desk);
    assert!(left.exists());
    // A case that was begun at this desk has files of its own on their way.
    let case = machine.path.join("cases/one");
    std::fs::create_dir_all(case.join("dropped")).unwrap();
    std::fs::copy(machine.path.join("safe.json"), case.join("safe.json")).unwrap();
    std::fs::write(case.join("dropped/PLANTED"), "x").unwrap();
    let next = Desk::start(&mut machine.writer_command());
    assert!(!machine.path.join("dropped").exists() && !case.join("dropped").exists());
    drop(next);
}

#[test]
fn a12_a_desk_that_is_asked_to_end_leaves_nothing_of_what_is_being_sent() {
    for signal in ["-TERM", "-HUP"] {
        let (machine, mut desk, cookie, _) = unlocked();
        let (_stream, _) = half_an_upload(&machine, &desk, &cookie);
        Command::new("kill").args([signal, &desk.child.id().to_string()]).status().unwrap();
        assert!(desk.child.wait().unwrap().success(), "{signal}");
        assert!(!machine.path.join("dropped").exists(), "{signal}");
    }
}

/// Hands a folder over in a browser, with its script and without.
fn dropped(language: &str, width: &str, script: &str) {
    let Some(driver) = journeys::browser() else { return };
    let machine = Home::new();
    let desk = Desk::start(&mut machine.writer_command());
    let folder = machine.beside("handed-over");
    std::fs::create_dir_all(folder.join("old")).unwrap();
    std::fs::write(folder.join("α-117.dxf"), "0\nSECTION\n").unwrap();
    std::fs::write(folder.join("old/見積 \"2\".txt"), "1,200,000\r\n").unwrap();
    // One grey dot (RFC 2083).
    let dot = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNoAAAAggCBd81ytgAAAABJRU5ErkJggg==";
    std::fs::write(folder.join("α-117.png"), BASE64.decode(dot).unwrap()).unwrap();
    journeys::go(&driver, "drop.mjs", &[&desk.link(), &phrase(&machine), &folder, &script], language, width);
    let back = machine.restore("latest:drop", "handed-back");
    for name in ["α-117.dxf", "old/見積 \"2\".txt"] {
        assert_eq!(std::fs::read(folder.join(name)).unwrap(), std::fs::read(back.join(name)).unwrap(), "{name}");
    }
    assert!(!machine.path.join("dropped").exists());
}

#[test]
fn a_folder_is_handed_over_in_a_browser_with_its_script() {
    dropped("ja", "1280", "with");
}

#[test]
fn a_folder_is_handed_over_in_a_browser_without_any_script() {
    dropped("en", "360", "without");
}

#[test]
fn the_folders_beside_a_deposit_are_lists_in_lists_that_open_on_the_way_to_the_one_that_is_shown() {
    let machine = Home::new();
    let folder = machine.beside("work");
    for name in ["a/b/c", "a/d", "a-b", "z"] {
        std::fs::create_dir_all(folder.join(name)).unwrap();
        std::fs::write(folder.join(name).join("f"), name).unwrap();
    }
    let deposit = machine.deposit(&folder, "s")["deposit"].as_str().unwrap().to_owned();
    let desk = Desk::start(&mut machine.writer_command());
    let (cookie, _) = desk.unlock(&machine);
    // Tags without what they say of themselves, and texts.
    let tree = |page: &str| {
        let tree = page.split("<div class=\"tree\"").nth(1).unwrap().split("</div>").next().unwrap();
        let pieces = tree.split('<').skip(1).map(|piece| {
            let (tag, text) = piece.split_once('>').unwrap();
            let here = if tag.contains("aria-current") { "*" } else { "" };
            match tag.split(' ').next().unwrap() {
                "a" => format!("{here}{text}"),
                "/a" => String::new(),
                other => format!("<{other}>{text}"),
            }
        });
        pieces.collect::<String>().replace('\n', "")
    };
    let at = |folder: &str| format!("{}/deposit/{deposit}{folder}", desk.at());
    let into = |page: &str, name: &str| {
        let before = page.split("class=\"tree\"").nth(1).unwrap().split(&format!(">{name}<")).next().unwrap();
        before.rsplit("href=\"").next().unwrap().split('"').next().unwrap().to_owned()
    };
    let whole = desk.get(&at(""), &cookie).body;
    assert_eq!(tree(&whole), "<ul><li>*All<ul><li>a</li><li>a-b</li><li>z</li></ul></li></ul>");
    let inside = desk.get(&into(&whole, "a"), &cookie).body;
    let opened = "<ul><li>All<ul><li>*a<ul><li>b</li><li>d</li></ul></li><li>a-b</li><li>z</li></ul></li></ul>";
    assert_eq!(tree(&inside), opened);
    let deeper = desk.get(&into(&inside, "b"), &cookie).body;
    let opened = "<ul><li>All<ul><li>a<ul><li>*b<ul><li>c</li></ul></li><li>d</li></ul></li><li>a-b</li><li>z</li></ul></li></ul>";
    assert_eq!(tree(&deeper), opened);
}

#[test]
fn a41_what_is_kept_is_looked_at_as_what_its_first_bytes_say_and_never_as_a_page() {
    let machine = Home::new();
    let folder = machine.beside("hostile");
    let script = "<script>alert('PLANTED')</script>";
    let svg = format!("<svg xmlns=\"http://www.w3.org/2000/svg\" onload=\"alert(1)\">{script}</svg>");
    let files: [(&str, String); 6] = [
        ("evil.svg", svg.clone()),
        ("evil.png", svg),
        ("page.html", format!("<!doctype html>{script}")),
        ("poly.html", format!("GIF89a/*{script}*/")),
        ("paper.txt", format!("%PDF-1.7\n{script}")),
        ("long.txt", "あ\n".repeat(200_000)),
    ];
    for (name, content) in &files {
        std::fs::write(folder.join(name), content).unwrap();
    }
    std::fs::write(folder.join("real.html"), b"\x89PNG\r\n\x1a\n\0<script>").unwrap();
    std::fs::write(folder.join("nothing.bin"), b"\0\xff").unwrap();
    std::fs::write(folder.join("sjis.csv"), b"\x94\xe9\x96\xa7,<script>").unwrap();
    let deposit = machine.deposit(&folder, "s")["deposit"].as_str().unwrap().to_owned();
    let desk = Desk::start(&mut machine.writer_command());
    let (cookie, csrf) = desk.unlock(&machine);
    let here = format!("{}/deposit/{deposit}", desk.at());
    let listed = desk.get(&here, &cookie).body;
    let entry = |name: &str| {
        let (before, _) = listed.split_once(&format!(">{name}</a>")).unwrap_or_else(|| panic!("{name}: {listed}"));
        before.rsplit("look?entry=").next().unwrap().trim_end_matches('"').to_owned()
    };
    for name in ["evil.svg", "evil.png", "page.html"] {
        let entry = entry(name);
        let page = desk.get(&format!("{here}/look?entry={entry}"), &cookie);
        assert!(page.status == 200 && page.body.contains("alert(&#39;PLANTED&#39;)"), "{name}: {}", page.body);
        assert!(!page.body.contains("<script") && !page.body.contains("<img"), "{name}");
        let bytes = desk.get(&format!("{here}/bytes?entry={entry}"), &cookie);
        assert!(bytes.status == 303 && bytes.body.is_empty(), "{name} is handed out as nothing");
    }
    let sandbox = Some("sandbox; default-src 'none'; frame-ancestors 'none'");
    let gif = desk.get(&format!("{here}/bytes?entry={}", entry("poly.html")), &cookie);
    let pdf = desk.get(&format!("{here}/bytes?entry={}", entry("paper.txt")), &cookie);
    for (answer, kind, shown) in
        [(&gif, "image/gif", "inline"), (&pdf, "application/pdf", "attachment; filename=\"document.pdf\"")]
    {
        assert_eq!((answer.status, answer.header("content-type")), (200, Some(kind)));
        assert_eq!(answer.header("content-security-policy"), sandbox);
        assert_eq!(answer.header("content-disposition"), Some(shown));
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(answer.header("cross-origin-resource-policy"), Some("same-origin"));
        assert_eq!(answer.header("cache-control"), Some("no-store"));
    }
    let png = desk.bytes(&format!("{here}/bytes?entry={}", entry("real.html")), &cookie);
    assert_eq!(png, std::fs::read(folder.join("real.html")).unwrap());
    let sjis = desk.get(&format!("{here}/look?entry={}", entry("sjis.csv")), &cookie).body;
    assert!(sjis.contains("秘密,&#60;script") && sjis.contains("Read as Shift_JIS"), "{sjis}");
    let long = desk.get(&format!("{here}/look?entry={}", entry("long.txt")), &cookie).body;
    assert!(long.contains("are shown") && long.len() < 300_000, "{}", long.len());
    let none = desk.get(&format!("{here}/look?entry={}", entry("nothing.bin")), &cookie);
    assert!(none.status == 200 && none.body.contains("cannot be shown"), "{}", none.body);
    for entry in ["-1", "999", "", "x"] {
        assert_eq!(desk.get(&format!("{here}/bytes?entry={entry}"), &cookie).status, 303, "{entry}");
    }
    assert_eq!(desk.post(&format!("{}/lock", desk.at()), &cookie, &format!("csrf={csrf}")).status, 303);
    assert_eq!(desk.get(&format!("{here}/bytes?entry={}", entry("poly.html")), &cookie).status, 303);
}

/// Has a program find a schedule of this home's own, and in it what somebody else has put there: no test touches that of whoever runs it.
pub(crate) fn with_own_schedule<'c>(command: &'c mut Command, home: &Home) -> &'c mut Command {
    use std::os::unix::fs::PermissionsExt as _;
    let (tools, table) = (home.beside("tools"), home.folder.path().join("table"));
    let crontab = "#!/bin/sh\ncase \"$1\" in -l) cat \"$TEST_TABLE\" ;; -) cat > \"$TEST_TABLE\" ;; esac\n";
    for (name, text) in [("crontab", crontab), ("systemctl", "#!/bin/sh\nexit 1\n")] {
        std::fs::write(tools.join(name), text).unwrap();
        std::fs::set_permissions(tools.join(name), std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    std::fs::write(&table, "0 1 * * * other\n").unwrap();
    let path = format!("{}:{}", tools.display(), std::env::var("PATH").unwrap());
    command.env("PATH", path).env("TEST_TABLE", table)
}

#[test]
fn a_folder_is_kept_by_itself_from_a_page_and_that_is_ended_there() {
    let machine = Home::new();
    let folder = machine.beside("drawings");
    std::fs::write(folder.join("KX-204.dxf"), "1").unwrap();
    let deposit = machine.deposit(&folder, "drawings");
    let series = deposit["series_id"].as_str().unwrap_or_else(|| panic!("{deposit}")).to_owned();
    let table = machine.folder.path().join("table");
    let desk = Desk::start(with_own_schedule(&mut machine.writer_command(), &machine));
    let (cookie, csrf) = desk.unlock(&machine);
    let here = format!("{}/series/{series}/schedule", desk.at());
    let typed = |folder: &Path, every: &str| {
        let here = BASE64_URL_SAFE_NO_PAD.encode(folder.to_str().unwrap());
        format!("csrf={csrf}&here={here}&every={every}")
    };
    // Somebody typed another folder than the one on the button.
    let unseen = format!("csrf={csrf}&here=&typed={}&every=1d", folder.display());
    assert_eq!(desk.post(&format!("{here}/now"), &cookie, &unseen).status, 200);
    assert_eq!(std::fs::read_to_string(&table).unwrap(), "0 1 * * * other\n");
    // An empty folder, none at all, and no interval set up nothing.
    for (folder, every) in [(machine.beside("empty"), "1d"), (folder.join("none"), "1d"), (folder.clone(), "often")] {
        let said = desk.post(&format!("{here}/now"), &cookie, &typed(&folder, every));
        assert!(said.status == 200 && said.body.contains("role=\"alert\""), "{}", said.body);
    }
    assert_eq!(std::fs::read_to_string(&table).unwrap(), "0 1 * * * other\n");
    let begun = desk.post(&format!("{here}/now"), &cookie, &typed(&folder, "6h"));
    let ended = desk.ended(&begun, &cookie);
    assert_eq!(ended.header("location"), Some(here.as_str()), "{}", ended.body);
    let page = desk.get(&here, &cookie).body;
    assert!(page.contains("kept every 6 hours") && page.contains("role=\"status\""), "{page}");
    let lines = std::fs::read_to_string(&table).unwrap();
    assert!(lines.contains("other") && lines.contains(&series) && lines.contains("watch"), "{lines}");
    assert_eq!(machine.deposits()["drawings"].len(), 2);
    // Not for another folder at the same time.
    let other = machine.beside("other");
    std::fs::write(other.join("x"), "1").unwrap();
    let refused = desk.ended(&desk.post(&format!("{here}/now"), &cookie, &typed(&other, "1d")), &cookie);
    assert_eq!(refused.status, 422, "{}", refused.body);
    assert_eq!(desk.post(&format!("{here}/end"), &cookie, &format!("csrf={csrf}")).status, 303);
    assert_eq!(std::fs::read_to_string(&table).unwrap(), "0 1 * * * other\n");
    assert!(!desk.get(&here, &cookie).body.contains("kept every"));
    assert_eq!(machine.deposits()["drawings"].len(), 2);
}

#[test]
fn where_two_admins_sign_the_desk_makes_proposals_and_what_is_due_waits_for_its_button() {
    let (firm, sato) = crate::two_admins::agreed();
    let _tanaka = firm.let_in_by_two("田中", &sato);
    let desk = Desk::start(firm.founder.writer_command().env("TZ", "UTC0"));
    let (cookie, csrf) = desk.unlock(&firm.founder);
    let at = format!("{}/people", desk.at());
    let listed = desk.get(&at, &cookie).body;
    let (before, _) = listed.split_once("\">田中</a>").unwrap_or_else(|| panic!("{listed}"));
    let who = before.rsplit("href=\"").next().unwrap().to_owned();
    let role = || firm.roles().into_iter().find(|(name, ..)| name == "田中").map(|(_, role, _)| role);
    let post = |path: &str, form: &str| desk.post(path, &cookie, &format!("csrf={csrf}&{form}"));
    let file = |name: &str| firm.founder.folder.path().join(name);
    // One admin alone changes nothing.
    assert_eq!(post(&format!("{who}/role"), "role=reader").status, 422);
    assert_eq!(role().as_deref(), Some("reader+writer"));
    let proposed = post(&format!("{who}/role"), &format!("role=reader&propose={}", file("one").display()));
    assert!(proposed.status == 200 && proposed.body.contains("nothing is changed yet"), "{}", proposed.body);
    assert_eq!(role().as_deref(), Some("reader+writer"));
    assert_eq!(crate::two_admins::agree(&sato, &file("one")).code, Some(0));
    assert_eq!(role().as_deref(), Some("reader"));
    // What is prepared is done by nobody before its button is pressed.
    assert_eq!(post(&format!("{who}/leave"), "at=2099-03-31T18:00").status, 200, "it was not read");
    assert_eq!(post(&format!("{who}/leave"), "sure=yes&at=2001-03-31T09:00").status, 200, "that time is past");
    // The time is one in Japan, wherever the machine thinks that it is.
    assert_eq!(post(&format!("{who}/leave"), "sure=yes&at=2099-03-31T18:00").status, 303);
    let page = desk.get(&at, &cookie).body;
    assert!(page.contains("31 March 2099") && !page.contains("/due\""), "{page}");
    crate::leaving::let_time_pass(&firm.founder);
    let page = desk.get(&at, &cookie).body;
    assert!(page.contains("/due\"") && page.contains("田中"), "{page}");
    let done = post(&format!("{at}/due"), &format!("propose={}", file("two").display()));
    assert!(done.status == 200 && done.body.contains("nothing is changed yet"), "{}", done.body);
    assert_eq!(role().as_deref(), Some("reader"));
    assert_eq!(crate::two_admins::agree(&sato, &file("two")).code, Some(0));
    assert_eq!(role(), None);
    assert!(post(&format!("{at}/due"), "").body.contains("is a member no more"));
    assert!(!desk.get(&at, &cookie).body.contains("田中"));
}

#[test]
fn whoever_left_an_organisation_is_shut_out_at_its_desk_and_taken_down_at_the_companys() {
    let case = crate::organisations::Case::new();
    let (suzuki, _) = case.suzuki(&[]);
    let office = &case.office.founder;
    office.ok(["space", "rotate"]);
    let desk = Desk::start(office.writer_command().env("TZ", "UTC0"));
    let (cookie, csrf) = desk.unlock(office);
    let rotate = |phrase: &str| {
        let form = format!("csrf={csrf}&passphrase={}", phrase.replace(' ', "+"));
        desk.post(&format!("{}/office/rotate", desk.at()), &cookie, &form)
    };
    let refused = rotate("some other phrase");
    assert!(refused.body.contains("role=\"alert\"") && !refused.body.contains("has new keys"), "{}", refused.body);
    let done = rotate(&phrase(office));
    assert!(done.body.contains("1 safe has new keys") && !done.body.contains("role=\"alert\""), "{}", done.body);
    assert!(rotate(&phrase(office)).body.contains("0 safes have new keys"), "it is done once");

    // What it takes back, a member of the company brings in.
    let file = office.folder.path().join("taken back");
    let members = case.company.founder.ok(["space", "members", "--json"]).json();
    let of_office = members["members"].as_array().unwrap().iter().find(|member| member["name"] == "鈴木").unwrap();
    let key = of_office["own"]["key"].as_str().unwrap();
    office.ok(["office", "revoke", key, "--to", file.to_str().unwrap()]);
    let desk = Desk::start(case.company.founder.writer_command().env("TZ", "UTC0"));
    let (cookie, csrf) = desk.unlock(&case.company.founder);
    let at = format!("{}/people", desk.at());
    assert!(desk.get(&at, &cookie).body.contains("/people/revoke"));
    let post = |path: &str, form: &str| desk.post(&format!("{at}{path}"), &cookie, &format!("csrf={csrf}&{form}"));
    let other = office.folder.path().join("another file");
    std::fs::write(&other, "nothing").unwrap();
    let unread = post("/revoke", &format!("typed={}", other.display()));
    assert!(unread.body.contains("ends nothing here"), "{}", unread.body);
    let asked = post("/revoke", &format!("typed={}", file.display()));
    let (_, carried) =
        asked.body.split_once("name=\"revocation\" value=\"").unwrap_or_else(|| panic!("{}", asked.body));
    assert!(asked.body.contains("鈴木 acts for it here no more"), "{}", asked.body);
    let form = format!("revocation={}", carried.split('"').next().unwrap());
    let said = post("/revoke/now", &form);
    assert!(said.status == 200 && said.body.contains("acts for Patent Office here no more"), "{}", said.body);
    assert!(post("/revoke/now", &form).body.contains("said here already"));
    // Whatever he adds from now on is refused.
    suzuki.run(["deposit", suzuki.beside("more").to_str().unwrap(), "--series", "more"]);
    case.company.founder.fails(3, "nothing of it believed", ["list"]);
}

#[test]
fn two_of_the_staff_say_at_their_desks_what_they_have_read_on_a_printed_form() {
    let case = crate::case::Scene::new("attack");
    let (counsellor, (_staff, colleague)) = (&case.counsellor, case.colleague());
    let folder = counsellor.beside("scan");
    std::fs::write(folder.join("form.pdf"), "%PDF-").unwrap();
    counsellor.deposit(&folder, "forms");
    let facts: serde_json::Value =
        serde_json::from_slice(&std::fs::read(counsellor.path.join("safe.json")).unwrap()).unwrap();
    let path = format!("/case/{}/on-paper", facts["space"].as_str().unwrap());
    let between = |page: &str, before: &str| {
        let (_, rest) = page.split_once(before).unwrap_or_else(|| panic!("{before} is not in {page}"));
        rest.split('"').next().unwrap().to_owned()
    };
    let day = |days: i64| {
        let at = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs() as i64 + days * 86_400;
        jiff::Timestamp::from_second(at).unwrap().strftime("%Y-%m-%d").to_string()
    };
    let said = |home: &Home, receiver: &str, until: &str| {
        let desk = Desk::start(home.writer_command().env("TZ", "UTC0"));
        let (cookie, csrf) = desk.unlock(home);
        let at = format!("{}{path}", desk.at());
        let page = desk.get(&at, &cookie).body;
        let form = between(&page, "name=\"form\"><option value=\"");
        let with = between(&page, "name=\"with\"><option value=\"");
        let fields =
            format!("csrf={csrf}&act=attest&form={form}&with={with}&receiver_name={receiver}&purpose=help&level=B");
        let done = desk.post(&at, &cookie, &format!("{fields}&called_back=ring&until={until}"));
        (done, desk.get(&at, &cookie).body)
    };
    let (refused, page) = said(counsellor, "JPCERT", &day(40));
    assert!(refused.body.contains("30 days at most") && !page.contains("one of two has read it"), "{}", refused.body);
    let (done, page) = said(counsellor, "JPCERT", &day(20));
    assert!(done.status == 303 && page.contains("one of two has read it"), "{}", done.body);
    // Who has read something else says something else.
    let (_, page) = said(&colleague, "another", &day(20));
    assert!(page.matches("one of two has read it").count() == 2 && !page.contains("both have read it"), "{page}");
    assert!(
        page.contains("receiver: “another” and “JPCERT”") && page.contains("receiver: “JPCERT” and “another”"),
        "{page}"
    );
    let (_, page) = said(&colleague, "JPCERT", &day(20));
    assert!(page.contains("both have read it") && !page.contains("not the same as"), "{page}");
    // Nobody of the company attests what the company has signed.
    let desk = Desk::start(case.company.writer_command().env("TZ", "UTC0"));
    let (cookie, _) = desk.unlock(&case.company);
    let page = desk.get(&format!("{}{path}", desk.at()), &cookie).body;
    assert!(page.contains("both have read it") && !page.contains("id=\"attest-form\""), "{page}");
    let words =
        ["consent", "attest", "latest:forms", "--with", "鈴木", "--receiver-name", "JPCERT", "--purpose", "help"];
    let more = ["--called-back", "ring", "--until", &day(20)];
    case.company.fails(1, "does not attest its own consent", words.iter().chain(&more));
}

#[test]
fn of_very_many_deposits_the_pages_that_hand_over_show_the_newest_and_what_was_chosen_of_the_others() {
    let home = Home::new();
    Forged::honest().keep_often(&home, 1_900);
    let desk = Desk::start(&mut home.writer_command());
    let (cookie, csrf) = desk.unlock(&home);
    let facts: serde_json::Value =
        serde_json::from_slice(&std::fs::read(home.path.join("safe.json")).unwrap()).unwrap();
    let at = format!("{}/case/{}/on-paper", desk.at(), facts["space"].as_str().unwrap());
    let boxes = |page: &str, form: &str| -> Vec<(String, bool)> {
        let begin = format!("<input type=\"checkbox\" id=\"{form}-");
        let of = page.split(&begin).skip(1).map(|rest| rest.split_once('>').unwrap().0);
        of.map(|it| (it.split('"').nth(2).unwrap().to_owned(), it.ends_with("checked"))).collect()
    };
    let names = |boxes: Vec<(String, bool)>| boxes.into_iter().map(|(name, _)| name).collect::<Vec<_>>();
    let first = desk.get(&at, &cookie).body;
    assert!(first.len() < 150_000, "{}", first.len());
    let newest = names(boxes(&first, "p"));
    assert_eq!((newest.len(), names(boxes(&first, "t"))), (50, newest.clone()), "{first}");
    // What was chosen is there on another page too, and only in the form in which it was chosen.
    let chosen = [&newest[3], &newest[7]];
    let form =
        format!("csrf={csrf}&act=taken&page=2&receiver_name=court&reference=K-7&{}=1&{}=1", chosen[0], chosen[1]);
    let second = desk.post(&at, &cookie, &form).body;
    let (shown, other) = (boxes(&second, "t"), boxes(&second, "p"));
    let checked: Vec<_> = shown.iter().filter(|(_, is_checked)| *is_checked).map(|(name, _)| name).collect();
    assert!(checked == chosen && shown.len() == 52 && names(other) == newest, "{second}");
    assert!(shown[2..].iter().all(|(name, _)| !newest.contains(name)), "{second}");
    assert!(second.contains("value=\"K-7\"") && !second.contains("as Owner says"), "{second}");
    // The oldest one is reached, and as many as may be chosen at once leave the page as small.
    let last = desk.post(&at, &cookie, &format!("csrf={csrf}&act=taken&page=38"));
    assert!(last.body.contains("Page 38 of 38") && boxes(&last.body, "t").len() == 50, "{}", last.body);
    let all = (1..=6).flat_map(|page| {
        names(boxes(&desk.post(&at, &cookie, &format!("csrf={csrf}&act=taken&page={page}")).body, "t"))
    });
    let all: Vec<String> = all.map(|name| format!("&{name}=1")).collect();
    let most = desk.post(&at, &cookie, &format!("csrf={csrf}&act=taken&page=38{}", all[..256].concat())).body;
    assert_eq!(boxes(&most, "t").iter().filter(|(_, is_checked)| *is_checked).count(), 256);
    assert!(most.len() < 150_000, "{}", most.len());
    let refused = desk.post(&at, &cookie, &format!("csrf={csrf}&act=taken&reference=K-7{}", all[..257].concat()));
    assert!(refused.body.contains("choose 256 deposits at most"), "{}", refused.body);
    // A consent offers them in the same way.
    let consent = at.replace("/on-paper", "/consent");
    let first = desk.get(&consent, &cookie).body;
    assert!(first.len() < 150_000 && names(boxes(&first, "item")) == newest, "{first}");
    let form = format!("csrf={csrf}&page=2&purpose=advice&level=A&until=2027-01-31&{}=1", newest[3]);
    let second = desk.post(&consent, &cookie, &form).body;
    let shown = boxes(&second, "item");
    assert_eq!((shown.len(), &shown[0]), (51, &(newest[3].clone(), true)), "{second}");
    assert!(second.contains("value=\"advice\"") && second.contains("value=\"2027-01-31\""), "{second}");
}

#[test]
fn a_large_safe_is_shown_as_it_was_while_it_is_opened_and_locking_stops_that() {
    let machine = Home::new();
    machine.deposit(&machine.beside("drawings"), "PLANTED-SERIES");
    let owner = crate::certificates::owner(&machine).signing_seed;
    let mut insider = Insider::of(&machine);
    let before = insider.chain.head().number;
    for _ in before..2_000 {
        insider.say(&owner, &[], Vec::new());
    }
    drop(insider);
    machine.ok(["list"]);
    let desk = Desk::start(&mut machine.writer_command());
    let at = |page: &str| format!("{}{page}", desk.at());
    let goes = |answer: &Answer, page: &str| answer.header("location") == Some(&at(page));
    // Nothing is followed further while another program writes down how far this machine has followed it.
    let other = std::fs::File::open(machine.path.join("head.lock")).unwrap();
    other.lock().unwrap();
    let (cookie, csrf) = desk.unlock(&machine);
    for page in ["/", "/safe", "/cases", "/people", "/case/0/safe"] {
        assert!(goes(&desk.get(&at(page), &cookie), "/opening"), "{page}");
    }
    let first = desk.get(&at("/opening"), &cookie);
    assert!(
        first.status == 200 && first.body.contains("http-equiv") && !first.body.contains("PLANTED"),
        "{}",
        first.body
    );
    assert!(goes(&desk.post(&at("/lock"), &cookie, &format!("csrf={csrf}")), "/unlock"));
    assert!(goes(&desk.get(&at("/opening"), &cookie), "/unlock"));
    other.unlock().unwrap();
    let opened = |cookie: &str| {
        let waited =
            (0..100_000).map(|_| desk.get(&at("/opening"), cookie)).find(|answer| answer.status != 200).unwrap();
        assert!(goes(&waited, "/safe"), "{}", waited.body);
        desk.get(&at("/safe"), cookie).body
    };
    desk.unlock_again(&cookie, &phrase(&machine));
    assert!(opened(&cookie).contains("PLANTED-SERIES"));
    // Whoever has seen it once sees it while he waits; nobody who is locked does.
    machine.deposit(&machine.beside("later"), "later");
    other.lock().unwrap();
    desk.unlock_again(&cookie, &phrase(&machine));
    let again = desk.get(&at("/opening"), &cookie).body;
    assert!(again.contains("PLANTED-SERIES") && again.contains("1 record was added since"), "{again}");
    let stranger = desk.get(&at("/opening"), "").body;
    assert!(!stranger.contains("PLANTED"), "{stranger}");
    other.unlock().unwrap();
    let page = opened(&cookie);
    assert!(page.contains("PLANTED-SERIES") && page.contains("later"), "{page}");
    // A keeper that lies is told of instead.
    let objects = machine.path.join("keeper/journal.sqlite");
    std::fs::write(&objects, "no journal").unwrap();
    desk.unlock_again(&cookie, &phrase(&machine));
    let told =
        (0..100_000).map(|_| desk.get(&at("/opening"), &cookie)).find(|answer| !answer.body.contains("http-equiv"));
    let told = told.unwrap();
    assert!(told.status == 422 || told.status == 500, "{} {}", told.status, told.body);
    assert!(goes(&desk.get(&at("/safe"), &cookie), "/unlock"));
}

#[test]
fn the_people_of_a_case_are_shown_and_invited_at_the_desk_and_those_of_no_other_safe() {
    let case = crate::case::Scene::new("leak");
    let desk = Desk::start(&mut case.company.writer_command());
    let (cookie, _) = desk.unlock(&case.company);
    let space = case.company.ok(["case", "show", "--json"]).json()["space"].as_str().map(str::to_owned);
    let space = space.unwrap_or_else(|| {
        let listed = desk.get(&format!("{}/cases", desk.at()), &cookie).body;
        listed.split("/case/").nth(1).unwrap().split('"').next().unwrap().to_owned()
    });
    let people = desk.get(&format!("{}/case/{space}/people", desk.at()), &cookie);
    assert!(
        people.status == 200 && people.body.contains("鈴木") && people.body.contains("IP Centre"),
        "{}",
        people.body
    );
    let invite = desk.get(&format!("{}/case/{space}/people/invite", desk.at()), &cookie);
    assert_eq!(invite.header("content-disposition"), Some("attachment; filename=\"invite\""));
    assert!(invite.body.contains("invite/v1") && invite.body.contains(&space), "{}", invite.body);
    let none = desk.get(&format!("{}/case/{}/people", desk.at(), "0".repeat(64)), &cookie);
    assert!(none.status == 422 && !none.body.contains("鈴木"), "{}", none.body);
}

#[test]
fn a_case_is_held_and_a_trace_has_its_own_time_at_the_desk_and_what_was_wrong_is_said_where_it_was_typed() {
    let case = crate::case::Scene::new("leak");
    let desk = Desk::start(&mut case.company.writer_command());
    let (cookie, csrf) = desk.unlock(&case.company);
    let listed = desk.get(&format!("{}/cases", desk.at()), &cookie).body;
    let space = listed.split("/case/").nth(1).unwrap().split('"').next().unwrap();
    let at = format!("{}/case/{space}", desk.at());
    let say = |form: &str| desk.post(&at, &cookie, &format!("csrf={csrf}&{form}"));
    let is_open = |page: &Answer, part: &str| {
        page.body.contains(&format!("<details class=\"card folded\" open><summary><h2 id=\"{part}\">"))
    };
    let is_held = || case.company.ok(["case", "show", "--json"]).json()["hold"] == true;
    // What is rarely needed is folded, and opens where what was sent is seen.
    assert!(!is_open(&desk.get(&at, &cookie), "course"));
    let held = say("act=hold&on=1&text=a+claim+is+open");
    assert_eq!(held.header("location"), Some(&*format!("{at}?did=hold#course")), "{}", held.body);
    let page = desk.get(&format!("{at}?did=hold"), &cookie);
    assert!(is_held() && is_open(&page, "course") && page.body.contains("a claim is open"), "{}", page.body);
    assert_eq!((say("act=hold&text=").status, is_held()), (303, false));
    // The list says how long a camera's pictures usually live; here it is another time.
    let camera = || {
        let listed = case.company.ok(["case", "keep", "--json"]).json();
        let sources = listed["sources"].as_array().unwrap().clone();
        sources.into_iter().find(|one| one["source"] == "camera").unwrap()["until"].to_string()
    };
    assert_eq!(say("act=keep&source=camera&state=wanted&since=2026-11-01&days=30").status, 303);
    assert!(camera().contains("2026-12-01"), "{}", camera());
    let wrong = say("act=keep&source=camera&state=wanted&since=2026-11-01&days=many");
    assert!(wrong.status == 422 && is_open(&wrong, "keeping"), "{}", wrong.body);
    assert!(wrong.body.contains("role=\"alert\"") && camera().contains("2026-12-01"), "{}", wrong.body);
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
