//! A machine is gone, and its keeper is elsewhere: cards, or a copy of the identity, and the emergency file bring everything
//! back on a clean one (docs/spec/recovery.md), and a keeper that lies brings nothing.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use hizo_keeper::client::{RemoteKeeper, patience};
use hizo_ledger::id::{Nonce, SpaceId};
use hizo_ledger::record::{self, ClaimedTime, Control, Envelope, Origin, Role, UnverifiedRecord};
use hizo_ledger::session::{Session, Verbs};
use hizo_ledger::space::Chain;
use hizo_vault::keys::IdentityFile;
use serde_json::Value;

use crate::cards::read_off;
use crate::desk::Desk;
use crate::keeper::Process;
use crate::kit::{Home, Said, Tree, assert_same, noise, tree};
use crate::liar::Liar;

/// What is left of a company after a fire: its keeper, and what lay elsewhere.
struct Ashes {
    _keeper: Process,
    liar: Liar,
    /// What had been deposited.
    kept: Tree,
    /// The machine before the fire, for whoever has to go on beside it.
    before: Home,
    away: PathBuf,
}

impl Ashes {
    fn new() -> Self {
        let before = Home::unmade();
        let keeper = Process::start(&before.folder.path().join("data"));
        let liar = Liar::before(&keeper.address());
        before.ok(["init", "--keeper", &liar.address]);
        before.make_cheap();
        let source = before.beside("source");
        fs::create_dir(source.join("型")).unwrap();
        fs::write(source.join("型/KX-204.dxf"), noise(1, 3 << 20)).unwrap();
        before.deposit(&source, "moulds");
        let away = before.folder.path().join("away");
        before.ok(["recovery", "make", "--to", away.to_str().unwrap()]);
        fs::copy(before.path.join("identity.age"), away.join("identity.age")).unwrap();
        // What was deposited after the cards were made comes back too.
        fs::write(source.join("recipe.csv"), "resin,12\n").unwrap();
        before.deposit(&source, "moulds");
        let kept = tree(&source);
        Self { _keeper: keeper, liar, kept, before, away }
    }

    fn emergency(&self) -> PathBuf {
        self.away.join("emergency.json")
    }

    /// The words of two cards; nothing where they cannot be read off.
    fn cards(&self) -> Option<[PathBuf; 2]> {
        Some([read_off(&self.away.join("card-1.pdf"))?, read_off(&self.away.join("card-3.pdf"))?])
    }

    /// Everything of the machine is gone.
    fn burn(&self) {
        fs::remove_dir_all(&self.before.path).unwrap();
    }
}

fn by_cards(home: &Home, emergency: &Path, cards: &[PathBuf; 2]) -> Said {
    let [one, other] = cards.each_ref().map(|path| path.as_os_str());
    let file = OsStr::new("--card-file");
    let act = ["recovery", "use", "--json", "--emergency"].map(OsStr::new);
    home.run(act.into_iter().chain([emergency.as_os_str(), file, one, file, other]))
}

fn by_identity(home: &Home, emergency: &Path, identity: &Path) -> Said {
    let act = ["recovery", "use", "--json", "--emergency"].map(OsStr::new);
    home.run(act.into_iter().chain([emergency.as_os_str(), "--identity".as_ref(), identity.as_os_str()]))
}

#[test]
fn two_cards_and_the_emergency_file_bring_everything_back_when_the_machine_is_gone() {
    let ashes = Ashes::new();
    let Some(cards) = ashes.cards() else { return };
    ashes.burn();
    let clean = Home::unmade();
    let said = by_cards(&clean, &ashes.emergency(), &cards);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(said.json()["admin_from"].is_string(), "{said:?}");
    clean.make_cheap();
    assert_same(&ashes.kept, &tree(&clean.restore("latest:moulds", "back")));
    clean.ok(["check"]);
    // The record that let it in was promised to the new machine.
    let receipts = fs::read_dir(clean.path.join("receipts/due")).into_iter().flatten().count()
        + fs::read_dir(clean.path.join("receipts/met")).into_iter().flatten().count();
    assert_eq!(receipts, 1);
    // Until the week has passed it reads, and does nothing else.
    let source = clean.beside("source");
    fs::write(source.join("new"), "new").unwrap();
    let deposit = [OsStr::new("deposit"), source.as_os_str(), "--series".as_ref(), "moulds".as_ref()];
    assert_eq!(clean.run(deposit).code, Some(1));
    clean.fails(1, "waits until", ["recovery", "machine"]);
    // What asks the keeper opens nothing, and no secret of the cards is there.
    for path in crate::kit::files_below(&clean.path) {
        assert!(!crate::kit::contains(&fs::read(&path).unwrap(), b"AGE-SECRET-KEY"), "{}", path.display());
    }
    assert_eq!(by_cards(&clean, &ashes.emergency(), &cards).code, Some(1), "a home is not written over");
}

#[test]
fn a_copy_of_the_identity_and_the_emergency_file_bring_back_a_machine_that_deposits() {
    let ashes = Ashes::new();
    ashes.burn();
    let clean = Home::unmade();
    let said = by_identity(&clean, &ashes.emergency(), &ashes.away.join("identity.age"));
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(said.json()["admin_from"].is_null(), "nobody waits: {said:?}");
    assert_same(&ashes.kept, &tree(&clean.restore("latest:moulds", "back")));
    let source = clean.beside("source");
    fs::write(source.join("new"), "new").unwrap();
    let made = clean.deposit(&source, "moulds");
    assert_eq!(made["number"], 3, "it goes on with the series that was there");
    clean.ok(["check"]);
    let machines: Value = clean.ok(["space", "members", "--json"]).json();
    assert_eq!(machines["members"][0]["machines"].as_array().map(Vec::len), Some(2), "{machines}");
}

#[test]
fn a9_a15_a_keeper_that_is_not_the_one_on_the_emergency_card_brings_nothing_back() {
    let ashes = Ashes::new();
    let Some(cards) = ashes.cards() else { return };
    let invite = fs::read_to_string(ashes.emergency()).unwrap();
    let named: Value = serde_json::from_str(&invite).unwrap();
    let text = |key: &str| named[key].as_str().unwrap().to_owned();
    let other = Home::unmade();
    let stranger = Process::start(&other.folder.path().join("data"));
    let (_, facts) = stranger.get("/v1/keeper");
    let facts: Value = serde_json::from_str(facts.split("\r\n\r\n").nth(1).unwrap()).unwrap();
    let lies = [
        ("another genesis", text("genesis"), "ab".repeat(32)),
        ("another head", named["head"]["id"].as_str().unwrap().to_owned(), "ab".repeat(32)),
        ("another key of receipts", text("receipt_key"), facts["receipt_key"].as_str().unwrap().to_owned()),
    ];
    for (what, right, wrong) in &lies {
        let clean = Home::unmade();
        let path = clean.folder.path().join("emergency.json");
        fs::write(&path, invite.replace(right, wrong)).unwrap();
        for said in [by_cards(&clean, &path, &cards), by_identity(&clean, &path, &ashes.away.join("identity.age"))] {
            assert_eq!(said.code, Some(5), "{what}: {said:?}");
            assert!(!clean.path.exists(), "{what}: something was written");
        }
    }
    // It shows the chain as it was before the last records.
    let head = named["head"]["number"].as_u64().unwrap();
    ashes.liar.tells(move |asked, honest| {
        asked.path.contains("/records?from=").then_some(())?;
        let mut answer = honest.clone();
        answer.set("hizo-head", &format!("{} {}", head - 1, "ab".repeat(32)));
        Some(answer)
    });
    let clean = Home::unmade();
    let said = by_cards(&clean, &ashes.emergency(), &cards);
    assert_eq!(said.code, Some(5), "{said:?}");
    assert!(said.err.contains("an older state"), "{said:?}");
    assert!(!clean.path.exists());
    ashes.liar.is_honest();
    assert_eq!(by_cards(&clean, &ashes.emergency(), &cards).code, Some(0));
}

#[test]
fn the_emergency_card_begins_a_case_where_nothing_is_left_and_with_no_other_keeper() {
    let ashes = Ashes::new();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let named: Value = serde_json::from_slice(&fs::read(ashes.emergency()).unwrap()).unwrap();
    let open = |home: &Home, named: &[&str]| {
        let invite = home.folder.path().join("invite");
        let open = ["case", "open", "--kind", "attack", "--urgency", "emergency", "--title", "a mail", "--invite"];
        home.run([&open[..], &[invite.to_str().unwrap(), "--json"], named].concat())
    };
    ashes.burn();
    let (clean, emergency) = (Home::unmade(), ashes.emergency());
    let card = fs::read(emergency.with_extension("pdf")).unwrap();
    assert!(String::from_utf8_lossy(&card).contains("/Count 1\n"), "the card is one sheet");
    let said = open(&clean, &["--emergency", emergency.to_str().unwrap()]);
    assert_eq!(said.code, Some(0), "{said:?}");
    // It is a space of its own, whose invite leads to the same keeper and says nothing of the safe.
    assert_ne!(said.json()["space"], named["space"]);
    let invite = fs::read_to_string(clean.folder.path().join("invite")).unwrap();
    assert!(!invite.contains(&text(&named["space"])) && invite.contains(&text(&named["receipt_key"])), "{invite}");
    clean.ok(["case", "tell", "a mail was opened"]);
    // The printed card alone does the same.
    let by_paper = Home::unmade();
    let said = open(&by_paper, &["--keeper", &text(&named["address"]), "--keeper-key", &text(&named["log_key"])]);
    assert_eq!(said.code, Some(0), "{said:?}");
    // Another keeper at that address, by either of its keys.
    let other = Home::unmade();
    let stranger = Process::start(&other.folder.path().join("data"));
    let (_, facts) = stranger.get("/v1/keeper");
    let facts: Value = serde_json::from_str(facts.split("\r\n\r\n").nth(1).unwrap()).unwrap();
    for key in ["log_key", "receipt_key"] {
        let refused = Home::unmade();
        let mut lie = named.clone();
        lie[key] = facts[key].clone();
        let path = refused.folder.path().join("emergency.json");
        fs::write(&path, format!("{lie}\n")).unwrap();
        let said = open(&refused, &["--emergency", path.to_str().unwrap()]);
        assert_eq!(said.code, Some(5), "{key}: {said:?}");
        assert!(!refused.path.join("safe.json").exists() && !refused.folder.path().join("invite").exists(), "{key}");
    }
    // Neither keeper, or both.
    assert_eq!(open(&Home::unmade(), &[]).code, Some(2));
    let both = ["--emergency", emergency.to_str().unwrap(), "--keeper", &text(&named["address"])];
    assert_eq!(open(&Home::unmade(), &both).code, Some(2));
}

#[test]
fn the_emergency_card_begins_a_case_at_the_desk_of_a_machine_that_has_nothing() {
    let ashes = Ashes::new();
    ashes.burn();
    let clean = Home::unmade();
    let desk = Desk::start(&mut clean.writer_command());
    let cookie = desk.sit_down();
    let (card, begin) = (format!("{}/card", desk.at()), format!("{}/card/begin", desk.at()));
    assert!(desk.get(&format!("{}/begin", desk.at()), &cookie).body.contains("/card\""));
    let csrf = desk.get(&card, &cookie).csrf().to_owned();
    let encoded = |text: &str| text.bytes().map(|byte| format!("%{byte:02x}")).collect::<String>();
    let carried = |file: &Path| {
        let page = desk.post(&card, &cookie, &format!("csrf={csrf}&typed={}", encoded(file.to_str().unwrap())));
        let (_, rest) = page.body.split_once("name=\"card\" value=\"").unwrap_or_else(|| panic!("{}", page.body));
        rest.split('"').next().unwrap().to_owned()
    };
    // What is no such file is said on the page, and nothing is begun.
    let other = clean.folder.path().join("a letter");
    fs::write(&other, "hello").unwrap();
    let page = desk.post(&card, &cookie, &format!("csrf={csrf}&typed={}", encoded(other.to_str().unwrap())));
    assert!(page.status == 200 && page.body.contains("role=\"alert\""), "{}", page.body);
    let form = |card: &str, passphrase: &str| {
        let passphrase = encoded(passphrase);
        format!("csrf={csrf}&card={card}&kind=attack&title=a+mail&urgent=1&passphrase={passphrase}&again={passphrase}")
    };
    // Nor with a passphrase that is too short, or where another keeper answers.
    let phrase = "a long passphrase of nobody";
    let file = ashes.emergency();
    let short = desk.post(&begin, &cookie, &form(&carried(&file), "short"));
    assert!(short.body.contains("role=\"alert\"") && short.body.contains("a mail"), "{}", short.body);
    let named: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    let mut lie = named.clone();
    lie["receipt_key"] = lie["log_key"].clone();
    let lying = clean.folder.path().join("emergency.json");
    fs::write(&lying, format!("{lie}\n")).unwrap();
    let none = desk.post(&begin, &cookie, &form(&carried(&file), phrase).replace("kind=attack", "kind="));
    assert!(
        none.body.contains("role=\"alert\"") && none.body.contains(named["log_key"].as_str().unwrap()),
        "{}",
        none.body
    );
    let refused = desk.post(&begin, &cookie, &form(&carried(&lying), phrase));
    assert!(refused.body.contains("role=\"alert\""), "{}", refused.body);
    assert!(!clean.path.join("safe.json").exists());
    // With the right one it is begun, open, and found again.
    let begun = desk.post(&begin, &cookie, &form(&carried(&file), phrase));
    let case = begun.header("location").unwrap_or_else(|| panic!("{}", begun.body)).to_owned();
    assert!(case.starts_with(&format!("{}/case/", desk.at())), "{case}");
    let page = desk.get(&case, &cookie);
    assert!(page.status == 200 && page.body.contains("a mail"), "{}", page.body);
    assert!(desk.get(&format!("{}/cases", desk.at()), &cookie).body.contains("a mail"));
    let told = desk.post(&case, &cookie, &format!("csrf={csrf}&act=tell&text=a+mail+was+opened"));
    assert_eq!(told.status, 303, "{}", told.body);
    // Whoever pressed twice is led to what he began, and begins nothing more.
    let other = clean.path.with_file_name("home-case");
    assert!(other.join("safe.json").exists() && !clean.path.join("safe.json").exists());
    let once = format!("{}&once=0123456789abcdef", form(&carried(&file), "another passphrase of nobody"));
    assert_eq!(desk.post(&begin, &cookie, &once).status, 303);
    let again = desk.post(&begin, &cookie, &once);
    assert_eq!(again.header("location"), Some(&*format!("{}/", desk.at())), "{}", again.body);
    assert!(clean.path.with_file_name("home-case-2").exists() && !clean.path.with_file_name("home-case-3").exists());

    // The safe itself is begun, or brought back, at the same desk: its folder is free, and the case is opened there as before.
    drop(desk);
    let desk = Desk::start(&mut clean.writer_command());
    let cookie = desk.sit_down();
    let at = |path: &str| format!("{}{path}", desk.at());
    let locked = desk.get(&at("/unlock"), &cookie);
    assert!(locked.body.contains("/begin\"") && locked.body.contains("home-case"), "{}", locked.body);
    let said = by_identity(&clean, &ashes.emergency(), &ashes.away.join("identity.age"));
    assert_eq!(said.code, Some(0), "{said:?}");
    let unlock = |safe: usize, phrase: &str| {
        let csrf = desk.get(&at("/unlock"), &cookie).csrf().to_owned();
        let form = format!("csrf={csrf}&safe={safe}&passphrase={}", encoded(phrase));
        let unlocked = desk.post(&at("/unlock"), &cookie, &form);
        assert_eq!(unlocked.status, 303, "{}", unlocked.body);
        let safe = desk.get(&at("/safe"), &cookie).body;
        let cases = desk.get(&at("/cases"), &cookie).body;
        assert_eq!(desk.post(&at("/lock"), &cookie, &format!("csrf={csrf}")).status, 303);
        (safe, cases)
    };
    let (safe, cases) = unlock(0, &crate::desk::phrase(&clean));
    assert!(safe.contains("moulds") && !cases.contains("a mail"), "{safe}");
    let (safe, cases) = unlock(1, phrase);
    assert!(!safe.contains("moulds") && cases.contains("a mail"), "{cases}");
}

#[test]
fn cards_of_another_safe_and_identities_of_strangers_are_let_in_by_nobody() {
    let (ashes, others) = (Ashes::new(), Home::new());
    let to = others.folder.path().join("cards");
    others.ok(["recovery", "make", "--to", to.to_str().unwrap()]);
    let clean = Home::unmade();
    let said = by_identity(&clean, &ashes.emergency(), &others.path.join("identity.age"));
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.err.contains("no member of this safe"), "{said:?}");
    let (Some(one), Some(other)) = (read_off(&to.join("card-1.pdf")), read_off(&to.join("card-2.pdf"))) else { return };
    let said = by_cards(&clean, &ashes.emergency(), &[one, other]);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.err.contains("of another safe"), "{said:?}");
    assert!(!clean.path.exists());
}

/// An admin who is left makes whoever waits a member at once, as the chain allows him to.
fn welcome(ashes: &Ashes, clean: &Home) {
    let identity = fs::read(ashes.before.path.join("identity.age")).unwrap();
    let admin = IdentityFile::open(identity, crate::kit::PASSPHRASE).unwrap().signing_seed;
    let notes = fs::read(clean.path.join("notes")).unwrap();
    let chain = Chain::replay(record::split_notes(&notes).unwrap(), drop).unwrap();
    let (space, head, waiting) = (chain.space(), chain.head(), *chain.waiting().unwrap());
    let (key, role) = (waiting.key, Role::Admin);
    let session = Control::Session { member: key, session: waiting.session.unwrap() };
    let clock = || SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let envelope = Envelope {
        keeper: chain.keeper().clone(),
        space,
        number: head.number + 1,
        prev: Some(head.id),
        epoch: chain.epoch(),
        time: ClaimedTime::from_unix_seconds(clock()).unwrap(),
        seen: None,
        body: None,
        deposit: None,
        controls: vec![Control::Member { key, role }, session],
    };
    let signer = admin.space_key(&space);
    let signature = signer.sign(envelope.text().unwrap().as_bytes());
    let record = UnverifiedRecord::compose(&envelope, &[(signer.verifying_key(), signature)]).unwrap();
    let compose = move |keeper: &Origin, space: SpaceId, time: ClaimedTime| {
        let (keeper, nonce, key) = (keeper.clone(), Nonce::from_bytes([7; 16]), admin.session_key(&space));
        let session = Session { keeper, space, key: key.verifying_key(), nonce, time, verbs: Verbs::ReadWrite };
        session.note(&key.sign(session.text().as_bytes())).ok()
    };
    let keeper = chain.keeper().clone();
    let keeper = RemoteKeeper::new(&ashes.liar.address, keeper, Box::new(compose), clock, patience(), None).unwrap();
    keeper.append(space, record.note_bytes()).unwrap();
}

#[test]
fn once_an_admin_whoever_came_by_cards_makes_his_machine_a_member_and_needs_the_cards_no_more() {
    let ashes = Ashes::new();
    let Some(cards) = ashes.cards() else { return };
    let clean = Home::unmade();
    assert_eq!(by_cards(&clean, &ashes.emergency(), &cards).code, Some(0));
    clean.make_cheap();
    welcome(&ashes, &clean);
    clean.ok(["recovery", "machine", "--machine", "new office"]);
    assert!(!clean.path.join("session.key").exists(), "the machine asks by a key of its own");
    // What the cards opened is given to the identity in the space itself.
    fs::remove_file(clean.path.join("epochs.age")).unwrap();
    assert_same(&ashes.kept, &tree(&clean.restore("latest:moulds", "back")));
    let source = clean.beside("source");
    fs::write(source.join("new"), "new").unwrap();
    assert_eq!(clean.deposit(&source, "moulds")["number"], 3);
    clean.ok(["check"]);
    clean.fails(1, "is a member already", ["recovery", "machine"]);
}

#[test]
fn two_share_a_safe_one_leaves_and_the_other_loses_his_machine_and_comes_back_by_two_cards() {
    let firm = crate::sharing::Firm::new();
    let colleague = firm.let_in("佐藤", &["--history"]);
    let away = firm.founder.folder.path().join("away");
    firm.founder.ok(["recovery", "make", "--to", away.to_str().unwrap()]);
    let read = |name: &str| read_off(&away.join(name));
    let (Some(one), Some(other)) = (read("card-1.pdf"), read("card-2.pdf")) else { return };
    firm.put(&colleague, "drawings", "while both were there");
    let shared = tree(&colleague.restore("latest:drawings", "while both were there"));
    assert_same(&shared, &tree(&firm.founder.restore("latest:drawings", "seen by the founder")));

    // One leaves, and opens nothing that comes after.
    firm.founder.ok(["space", "remove", "佐藤"]);
    firm.put(&firm.founder, "drawings", "after one had left");
    let kept = tree(&firm.founder.restore("latest:drawings", "after one had left"));
    let out = colleague.folder.path().join("none of his");
    let refused = colleague.run(["restore", "latest:drawings", "--to", out.to_str().unwrap()]);
    assert!(refused.code != Some(0) && !out.exists(), "{refused:?}");

    // The other one's machine is gone, with all that lay on it.
    fs::remove_dir_all(&firm.founder.path).unwrap();
    let clean = Home::unmade();
    let said = by_cards(&clean, &away.join("emergency.json"), &[one, other]);
    assert_eq!(said.code, Some(0), "{said:?}");
    clean.make_cheap();
    assert_same(&kept, &tree(&clean.restore("latest:drawings", "back")));
    assert_same(&shared, &tree(&clean.restore("drawings:2", "an earlier one")));
    clean.ok(["check"]);
    let members = clean.ok(["space", "members"]).out;
    assert!(!members.contains("佐藤"), "{members}");
    assert!(
        !out.exists() && colleague.run(["restore", "latest:drawings", "--to", out.to_str().unwrap()]).code != Some(0)
    );
}
