//! A keeper that is elsewhere: the same commands over a network, and a keeper that lies in each way it can.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use hizo_ledger::id::SpaceId;
use hizo_store::Journal as _;
use hizo_store::journal::Entry;
use hizo_store::simulated::{MemoryJournal, SimulatedDisk};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::keeper::Process;
use crate::kit::{Home, assert_same, files_below, program, said, tree};
use crate::liar::{Answer, Liar};
use crate::sharing::Firm;
use crate::stamped::stamped;
use crate::witness::show_another_log_in;

/// A safe whose keeper is elsewhere, behind somebody who may lie, with one deposit.
struct Scene {
    home: Home,
    folder: PathBuf,
    data: PathBuf,
    keeper: Process,
    liar: Liar,
}

/// A safe whose keeper, of this folder, is reached by way of a liar, who says the truth as yet.
pub(crate) fn begun() -> (Home, PathBuf, Process, Liar) {
    let home = Home::unmade();
    let data = home.folder.path().join("data");
    let keeper = Process::start(&data);
    let liar = Liar::before(&keeper.address());
    home.ok(["init", "--keeper", &liar.address]);
    home.make_cheap();
    (home, data, keeper, liar)
}

impl Scene {
    fn new() -> Self {
        let (home, data, keeper, liar) = begun();
        let folder = home.beside("moulds");
        fs::write(folder.join("KX-204.dxf"), "0\nSECTION\n").unwrap();
        fs::write(folder.join("配合表.csv"), "a,b\n1,2\n").unwrap();
        home.deposit(&folder, "moulds");
        liar.heard();
        Self { home, folder, data, keeper, liar }
    }

    /// Another deposit, of something that changed.
    fn deposit(&self, content: &str) -> Value {
        fs::write(self.folder.join("KX-204.dxf"), content).unwrap();
        self.home.deposit_with(&self.folder, "moulds", &["--reread"])
    }

    /// Has the folder deposited by itself from now on, as what `hizo watch install` writes down says.
    fn watch(&self, deposit: &Value, every_seconds: u64) {
        let (series, folder) = (deposit["series_id"].as_str().unwrap(), self.folder.display());
        fs::create_dir(self.home.path.join("watch")).unwrap();
        let watch = format!(
            r#"{{"hizo":"watch/v1","series":"{series}","folder":"{folder}","exclude":[],"every_seconds":{every_seconds},
            "scheduler":"crontab","installed":1795307450}}"#
        );
        fs::write(self.home.path.join("watch").join(series), watch).unwrap();
    }
}

#[test]
fn everything_that_a_person_does_is_done_with_a_keeper_elsewhere_too() {
    let Scene { home, folder, .. } = &Scene::new();
    let restored = home.restore("latest:moulds", "out");
    assert_same(&tree(folder), &tree(&restored));
    home.ok(["list"]);
    home.ok(["show", "latest:moulds"]);
    home.ok(["check"]);
    home.ok(["log"]);
    let status = home.ok(["status", "latest:moulds", "--json"]).json();
    assert!(status["deposits"][0]["log"].is_object(), "{status}");
    let exported = home.folder.path().join("export");
    home.ok([OsStr::new("export"), "--to".as_ref(), exported.as_os_str()]);
    assert!(!home.path.join("keeper").exists(), "nothing is kept here");
}

#[test]
fn a_keeper_that_is_killed_and_started_again_has_lost_nothing_it_acknowledged() {
    let mut scene = Scene::new();
    for round in 0..5 {
        scene.deposit(&format!("round {round}\n"));
        scene.keeper.end("-KILL");
        let address = scene.keeper.address();
        scene.keeper = Process::start_at(&scene.data, &address);
    }
    let restored = scene.home.restore("latest:moulds", "out");
    assert_same(&tree(&scene.folder), &tree(&restored));
    scene.home.ok(["check"]);
    assert_eq!(scene.keeper.end("-TERM"), Some(0));
}

#[test]
fn a_keeper_that_cannot_be_reached_is_said_to_be_so_and_nothing_is_lost() {
    let mut scene = Scene::new();
    scene.keeper.end("-TERM");
    scene.home.fails(4, "cannot be reached", ["check"]);
    let listed = scene.home.ok(["list", "--json"]);
    assert!(listed.err.contains("cannot be reached") && listed.json()["reached"] == false, "{listed:?}");
}

#[test]
fn a15_a_keeper_that_shows_an_older_state_or_another_history_is_caught() {
    let scene = Scene::new();
    let (two, liar) = (scene.deposit("second\n"), &scene.liar);
    assert!(two["deposit"].is_string());
    // It has lost the last record.
    liar.tells(|asked, honest| {
        let (page, _) = asked.path.split_once("?from=")?;
        page.ends_with("/records").then_some(())?;
        let mut answer = honest.clone();
        let head = honest.header("hizo-head")?.replacen("2 ", "1 ", 1);
        answer.set("hizo-head", &head);
        answer.body.clear();
        Some(answer)
    });
    scene.home.fails(5, "an older state", ["list"]);
    // It has another last record.
    liar.tells(|asked, honest| {
        asked.path.contains("/records?from=").then_some(())?;
        let mut answer = honest.clone();
        answer.set("hizo-head", &format!("2 {}", "ab".repeat(32)));
        Some(answer)
    });
    scene.home.fails(5, "another history", ["list"]);
    // It has never heard of the safe.
    liar.tells(|asked, _| asked.path.contains("/records?from=").then(|| Answer::new(404, "no such space\n")));
    scene.home.fails(5, "no record of this safe", ["list"]);
    liar.is_honest();
    scene.home.ok(["list"]);
}

#[test]
fn a15_a_log_that_is_shorter_than_the_one_seen_is_caught() {
    let scene = Scene::new();
    let early = fs::read(scene.home.path.join("checkpoint")).unwrap();
    scene.deposit("second\n");
    scene.liar.tells(move |asked, _| (asked.path == "/log/checkpoint").then(|| Answer::new(200, early.clone())));
    scene.home.fails(
        5,
        "fewer leaves",
        ["proof", "latest:moulds", "--to", &scene.home.beside("x").join("p").to_string_lossy()],
    );
}

#[test]
fn a9_objects_that_are_changed_swapped_or_withheld_are_caught_and_nothing_is_restored() {
    let scene = Scene::new();
    let lies: [fn(&Answer) -> Answer; 4] = [
        |honest| {
            let mut answer = honest.clone();
            let middle = answer.body.len() / 2;
            answer.body[middle] ^= 1;
            answer
        },
        |honest| Answer::new(200, honest.body[..honest.body.len() - 1].to_vec()),
        |_| Answer::new(200, Vec::new()),
        |_| Answer::new(404, "it is not here\n"),
    ];
    for (number, lie) in lies.into_iter().enumerate() {
        // What this machine has of it at hand would be as good.
        fs::remove_dir_all(scene.home.path.join("at-hand")).unwrap_or_default();
        scene.liar.tells(move |asked, honest| {
            (asked.method == "GET" && asked.path.contains("/objects/")).then(|| lie(honest))
        });
        let to = scene.home.folder.path().join(format!("out{number}"));
        let run = scene.home.run([OsStr::new("restore"), "latest:moulds".as_ref(), "--to".as_ref(), to.as_os_str()]);
        assert_eq!(run.code, Some(3), "lie {number}: {run:?}");
        assert!(!to.exists(), "lie {number} left something at its place");
    }
}

#[test]
fn what_a_machine_has_at_hand_is_not_asked_for_again_unless_it_is_spoiled_or_what_the_keeper_has_is_checked() {
    let scene = Scene::new();
    let asks = |words: &[&str]| {
        scene.liar.heard();
        scene.home.ok(words);
        scene.liar.heard().iter().filter(|asked| asked.path.contains("/objects/")).count()
    };
    let all = asks(&["check"]);
    assert_eq!(asks(&["list"]), 0);
    let copies = files_below(&scene.home.path.join("at-hand"));
    assert!(copies.len() > 3 && all > 3, "{all} {copies:?}");
    for copy in &copies {
        let mut bytes = fs::read(copy).unwrap();
        bytes[20] ^= 1;
        fs::write(copy, bytes).unwrap();
    }
    assert!(asks(&["list"]) > 0);
    assert_eq!(asks(&["list"]), 0);
    // The keeper's own space may have another stamp by now.
    assert!(asks(&["check"]) >= all);
}

#[test]
fn a10_a_receipt_that_is_none_is_kept_as_evidence() {
    let scene = Scene::new();
    scene.liar.tells(|asked, honest| {
        let is_appended = asked.method == "POST" && asked.path.ends_with("/records");
        (is_appended || asked.path.ends_with("/receipt")).then(|| {
            let text = String::from_utf8_lossy(&honest.body).replacen("hizo/receipt/v1", "hizo/receipt/v2", 1);
            Answer::new(200, text.into_bytes())
        })
    });
    fs::write(scene.folder.join("KX-204.dxf"), "changed\n").unwrap();
    let run = scene.home.run([OsStr::new("deposit"), scene.folder.as_os_str(), "--series".as_ref(), "moulds".as_ref()]);
    assert_eq!(run.code, Some(5), "{run:?}");
    let refused = fs::read_dir(scene.home.path.join("receipts/refused")).unwrap().count();
    assert_eq!(refused, 1);
}

#[test]
fn a_keeper_that_never_ends_saying_no_does_not_keep_a_client_for_ever() {
    let scene = Scene::new();
    let lies: [(i32, fn() -> Answer); 3] = [
        (5, || Answer::new(409, format!("head 9 {}\n", "ab".repeat(32)))),
        (70, || Answer::new(424, format!("{}\n", "ab".repeat(32)))),
        (1, || Answer::new(418, "no\u{1b}[2J\n")),
    ];
    for (code, lie) in lies {
        scene.liar.refuses(move |asked| (asked.method == "POST" && asked.path.ends_with("/records")).then(lie));
        fs::write(scene.folder.join("KX-204.dxf"), format!("changed {code}\n")).unwrap();
        let deposit = [OsStr::new("deposit"), scene.folder.as_os_str(), "--series".as_ref(), "moulds".as_ref()];
        let run = scene.home.run(deposit);
        assert_eq!(run.code, Some(code), "{run:?}");
        assert!(!run.err.contains('\u{1b}'), "what a keeper says reached the terminal as it came: {run:?}");
    }
    // Nothing of it was done, and the honest keeper takes the same deposit.
    scene.liar.is_honest();
    scene.home.deposit(&scene.folder, "moulds");
    assert_eq!(scene.home.deposits()["moulds"].len(), 2);
}

#[test]
fn a_keeper_that_lets_in_by_codes_alone_is_used_as_any_other_and_is_not_blamed_for_stamps_that_it_has_not() {
    let home = Home::unmade();
    let folder = home.folder.path().to_owned();
    let (config, code) = (folder.join("keeper.toml"), folder.join("code"));
    fs::write(&code, "a code of eighty bits\n").unwrap();
    let hash: String = Sha256::digest(b"a code of eighty bits").iter().map(|byte| format!("{byte:02x}")).collect();
    let data = folder.join("data");
    let text = format!(
        "data = {data:?}\nlisten = \"127.0.0.1:0\"\n\n[stamps]\nself = false\n\n[[admission.codes]]\nsha256 = \"{hash}\"\n"
    );
    fs::write(&config, text).unwrap();
    let mut keeper = Process::start_by(&config);
    let url = keeper.url().to_owned();
    home.fails(1, "does not let this machine in", ["init", "--keeper", &url]);
    home.ok([OsStr::new("init"), "--keeper".as_ref(), url.as_ref(), "--admission-file".as_ref(), code.as_os_str()]);
    home.make_cheap();
    let moulds = home.beside("moulds");
    fs::write(moulds.join("KX-204.dxf"), "0\nSECTION\n").unwrap();
    home.deposit(&moulds, "moulds");
    home.ok(["status", "latest:moulds"]);
    home.ok(["check"]);
    home.fails(4, "no stamp over this part", ["proof", "latest:moulds", "--to", &folder.join("p").to_string_lossy()]);
    keeper.end("-TERM");
    home.fails(4, "cannot be reached", ["check"]);
    // Stamps of the keeper's own are read by members as by anybody.
    let address = url.strip_prefix("http://").unwrap();
    let again = fs::read_to_string(&config).unwrap().replace("127.0.0.1:0", address).replace("self = false\n", "");
    fs::write(&config, again).unwrap();
    let _keeper = Process::start_by(&config);
    stamped(&home, |stamp| !stamp.is_null());
    let checked = home.ok(["check", "--json"]).json();
    assert_eq!(checked["bad_objects"], serde_json::json!([]), "{checked}");
    home.ok(["status", "latest:moulds"]);
}

/// A root, and a certificate by it for this machine, made by the stock tool.
pub(crate) fn certificates(folder: &Path) -> [PathBuf; 3] {
    let paths = ["root.pem", "keeper.pem", "keeper.key"].map(|name| folder.join(name));
    let [root, certificate, key] = &paths;
    let openssl = |arguments: &str| {
        let mut command = program("openssl");
        let run = said(command.current_dir(folder).args(arguments.split(' ')));
        assert_eq!(run.code, Some(0), "openssl {arguments}: {run:?}");
    };
    openssl(
        "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout root.key -out root.pem -subj /CN=root -days 30",
    );
    openssl(
        "req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout keeper.key -out keeper.csr -subj /CN=keeper",
    );
    fs::write(folder.join("extensions"), "subjectAltName=IP:127.0.0.1\n").unwrap();
    openssl(
        "x509 -req -in keeper.csr -CA root.pem -CAkey root.key -CAcreateserial -days 30 -extfile extensions -out keeper.pem",
    );
    assert!(root.exists() && certificate.exists() && key.exists());
    paths
}

#[test]
fn a_keeper_over_tls_is_believed_by_the_roots_that_were_named_and_by_no_others() {
    let home = Home::unmade();
    let folder = home.folder.path().to_owned();
    let [root, certificate, key] = certificates(&folder);
    let config = folder.join("keeper.toml");
    let text = format!(
        "data = {:?}\nlisten = \"127.0.0.1:0\"\n\n[tls]\ncertificates = {certificate:?}\nkey = {key:?}\n\n[admission]\nmode = \"open\"\nquota_bytes = 1000000000\n",
        folder.join("data")
    );
    fs::write(&config, text).unwrap();
    let keeper = Process::start_by(&config);
    let url = keeper.url().to_owned();
    assert!(url.starts_with("https://127.0.0.1:"), "{url}");
    home.fails(5, "has no certificate that counts", ["init", "--keeper", &url]);
    home.ok([OsStr::new("init"), "--keeper".as_ref(), url.as_ref(), "--keeper-roots".as_ref(), root.as_os_str()]);
    home.make_cheap();
    let moulds = home.beside("moulds");
    fs::write(moulds.join("KX-204.dxf"), "0\nSECTION\n").unwrap();
    home.deposit(&moulds, "moulds");
    let restored = home.restore("latest:moulds", "out");
    assert_same(&tree(&moulds), &tree(&restored));
    // Nobody is believed whose certificate is by somebody else.
    fs::write(home.path.join("keeper.pem"), fs::read(other_root(&folder)).unwrap()).unwrap();
    home.fails(5, "has no certificate that counts", ["list"]);
}

fn other_root(folder: &Path) -> PathBuf {
    let other = folder.join("other");
    fs::create_dir(&other).unwrap();
    let [root, ..] = certificates(&other);
    root
}

#[test]
fn a_record_that_was_taken_although_the_keeper_says_otherwise_is_made_once() {
    let scene = Scene::new();
    scene.liar.tells(|asked, _| {
        let is_append = asked.method == "POST" && asked.path.ends_with("/records");
        is_append.then(|| Answer::new(409, format!("head 9 {}\n", "ab".repeat(32))))
    });
    scene.deposit("changed\n");
    scene.liar.is_honest();
    assert_eq!(scene.home.deposits()["moulds"].len(), 2);
}

#[test]
fn a12_no_secret_and_no_name_goes_over_the_line_to_a_keeper() {
    let scene = Scene::new();
    scene.deposit("canary-content\n");
    scene.home.restore("latest:moulds", "out");
    let heard = scene.liar.heard();
    assert!(heard.len() > 5, "{heard:?}");
    for asked in heard {
        assert!(!asked.path.contains("moulds") && !asked.path.contains("KX-204"), "{asked:?}");
        let body = String::from_utf8_lossy(&asked.body);
        let secrets = ["canary-content", "KX-204", "moulds", "AGE-SECRET-KEY", crate::kit::PASSPHRASE];
        assert!(!secrets.iter().any(|secret| body.contains(secret)), "{asked:?}");
    }
}

#[test]
fn a38_one_small_file_is_fetched_as_whole_objects_and_no_request_tells_which_part_of_them() {
    let scene = Scene::new();
    for number in 0..40 {
        fs::write(scene.folder.join(format!("{number}.dxf")), crate::kit::noise(number, 1 << 20)).unwrap();
    }
    scene.home.deposit(&scene.folder, "moulds");
    scene.liar.heard();
    let wanted = |name: &str| -> BTreeSet<String> {
        let to = scene.home.folder.path().join(name);
        let restore = [OsStr::new("restore"), "latest:moulds".as_ref(), name.as_ref(), "--to".as_ref(), to.as_os_str()];
        scene.home.ok(restore);
        let heard = scene.liar.heard();
        assert!(heard.iter().all(|asked| !asked.head.iter().any(|line| line.to_lowercase().starts_with("range"))));
        heard.into_iter().filter(|asked| asked.path.contains("/objects/")).map(|asked| asked.path).collect()
    };
    // The packs hold 16 of these files each: whoever counts requests learns the pack, and not the file.
    let (one, its_neighbour, another) = (wanted("0.dxf"), wanted("1.dxf"), wanted("39.dxf"));
    assert_eq!(one, its_neighbour);
    assert_ne!(one, another);
}

#[test]
fn a25_nothing_that_a_passphrase_opens_goes_to_a_keeper() {
    let (firm, liar) = Firm::behind();
    firm.let_in("佐藤", &["--role", "reader+writer", "--history"]);
    firm.founder.ok(["recovery", "make", "--to", &firm.founder.folder.path().join("cards").to_string_lossy()]);
    firm.put(&firm.founder, "drawings", "after everybody came");
    let heard = liar.heard();
    assert!(heard.iter().filter(|asked| asked.method == "PUT").count() > 5);
    for asked in heard {
        assert!(!crate::kit::contains(&asked.body, b"-> scrypt"), "{} {}", asked.method, asked.path);
    }
}

/// Lies about everything that is asked for at a path like this.
fn instead(
    part: &'static str,
    answer: impl Fn(&Answer) -> Answer + Send + 'static,
) -> impl FnMut(&crate::liar::Asked, &Answer) -> Option<Answer> {
    move |asked, honest| asked.path.contains(part).then(|| answer(honest))
}

#[test]
fn a_keeper_that_invents_records_without_end_is_stopped_at_the_first() {
    let scene = Scene::new();
    let (count, counted) = std::sync::mpsc::channel();
    let note = fs::read(scene.home.path.join("notes")).unwrap();
    scene.liar.tells(move |asked, honest| {
        let (page, _) = asked.path.split_once("?from=")?;
        page.ends_with("/records").then_some(())?;
        let _ = count.send(());
        let mut answer = honest.clone();
        answer.set("hizo-head", &format!("{} {}", u64::MAX, "ab".repeat(32)));
        // A note of the safe that stands somewhere else.
        answer.body.clone_from(&note);
        Some(answer)
    });
    let said = scene.home.run(["list"]);
    assert!([Some(3), Some(5)].contains(&said.code), "{said:?}");
    assert!(counted.try_iter().count() <= 1, "it goes on asking");
}

#[test]
fn a15_a_log_that_is_not_shown_any_more_is_told_as_the_keepers_lie() {
    let scene = Scene::new();
    scene.liar.tells(instead("/log/", |_| Answer::new(404, "")));
    scene.home.fails(5, "shows no log, and this machine has seen one", ["status"]);
    scene.liar.is_honest();
    scene.home.ok(["status"]);
}

#[test]
fn a15_two_heads_that_do_not_fit_together_stay_as_evidence() {
    let scene = Scene::new();
    let early = fs::read(scene.home.path.join("checkpoint")).unwrap();
    scene.deposit("second\n");
    let late = fs::read(scene.home.path.join("checkpoint")).unwrap();
    assert_ne!(early, late);
    let shown = early.clone();
    scene.liar.tells(instead("/log/checkpoint", move |honest| Answer { body: shown.clone(), ..honest.clone() }));
    scene.home.fails(5, "fewer leaves than this machine has seen", ["status"]);
    assert_eq!(fs::read(scene.home.path.join("checkpoint.refused")).unwrap(), early);
    assert_eq!(fs::read(scene.home.path.join("checkpoint")).unwrap(), late);
}

#[test]
fn a_key_of_receipts_under_another_name_is_not_pinned() {
    let home = Home::unmade();
    let keeper = Process::start(&home.folder.path().join("data"));
    let other = Process::start(&home.folder.path().join("other data"));
    let liar = Liar::before(&keeper.address());
    let of = |keeper: &Process| {
        let (_, answer) = keeper.get("/v1/keeper");
        let facts: Value = serde_json::from_str(answer.split("\r\n\r\n").last().unwrap()).unwrap();
        facts["receipt_key"].as_str().unwrap().to_owned()
    };
    let (from, to) = (of(&keeper), of(&other));
    assert_ne!(from, to);
    liar.tells(instead("/v1/keeper", move |honest| {
        let text = String::from_utf8(honest.body.clone()).unwrap().replace(&from, &to);
        Answer { body: text.into_bytes(), ..honest.clone() }
    }));
    let said = home.run(["init", "--keeper", &liar.address]);
    assert_ne!(said.code, Some(0), "{said:?}");
    assert!(!home.path.join("safe.json").exists());
}

#[test]
fn words_of_a_keeper_cannot_turn_what_a_terminal_shows() {
    let scene = Scene::new();
    scene.liar.tells(instead("/records?from=", |_| Answer::new(500, "\u{202e}erif ni si efas eht\u{1b}[2J")));
    let said = scene.home.run(["list"]);
    assert!(!said.err.contains('\u{202e}') && !said.err.contains('\u{1b}'), "{said:?}");
    assert!(said.err.contains("erif ni si"), "{said:?}");
}

#[test]
fn a17_a_keeper_that_withholds_or_alters_what_it_answered_for_is_caught_by_a_sample_and_named() {
    let scene = Scene::new();
    scene.deposit("second\n");
    scene.liar.heard();
    let held = scene.home.ok(["check", "--sample", "1000", "--json"]).json();
    assert_eq!((&held["asked"], &held["notices_per_mille"]), (&held["of"], &1000.into()), "{held}");
    let one = scene.home.ok(["check", "--sample", "1", "--json"]).json();
    assert_eq!(one["asked"], 1, "{one}");
    let asked = scene.liar.heard();
    let objects: Vec<_> = asked.iter().filter(|asked| asked.path.contains("/objects/")).collect();
    assert!(objects.iter().all(|asked| asked.method == "GET"));
    // The last object that was asked for, whichever that is.
    let victim = objects.last().unwrap().path.clone();
    for (status, state) in [(404, "missing"), (200, "damaged")] {
        let path = victim.clone();
        scene.liar.tells(move |asked, honest| {
            (asked.path == path).then(|| match status {
                404 => Answer::new(404, "no such object\n"),
                _ => {
                    let mut answer = honest.clone();
                    answer.body[20] ^= 1;
                    answer
                }
            })
        });
        let caught =
            scene.home.fails(3, "does not have 1 objects as it answered for them", ["check", "--sample", "1000"]);
        let id = victim.rsplit('/').next().unwrap();
        assert!(caught.out.contains(&format!("{id} {state}: named by the records ")), "{caught:?}");
    }
    scene.liar.is_honest();
    let noted = fs::read_to_string(scene.home.path.join("samples")).unwrap();
    assert_eq!(noted.lines().count(), 4, "{noted}");
    assert!(noted.lines().next().unwrap().ends_with(": held") && noted.lines().last().unwrap().ends_with(" damaged"));
}

#[test]
fn a17_whatever_a_record_names_is_drawn_too() {
    let scene = Scene::new();
    let notes = fs::read_to_string(scene.home.path.join("notes")).unwrap();
    let records: Vec<&str> = notes.split("hizo/record/v1\n").skip(1).collect();
    let named = |number: usize, line: &str| -> String {
        let (_, rest) = records[number].split_once(&format!("\n{line} ")).unwrap();
        rest.split('\n').next().unwrap().to_owned()
    };
    let first = |line: &str| named(0, line).split(' ').next().unwrap().to_owned();
    // A keeper that lost the body, an epoch's recipient, a wrap, or the list of what a deposit is made of, and nothing else.
    let list = named(1, "objects").rsplit(' ').next().unwrap().to_owned();
    for (lost, number) in [(first("body"), 0), (first("epoch 0"), 0), (first("wrap 0"), 0), (list, 1)] {
        let path = format!("/objects/{lost}");
        scene.liar.tells(move |asked, _| {
            (asked.method == "GET" && asked.path.ends_with(&path)).then(|| Answer::new(404, "no such object\n"))
        });
        let caught = scene.home.fails(3, "does not have 1 objects", ["check", "--sample", "1000"]);
        assert!(caught.out.contains(&format!("{lost} missing: named by the records {number}\n")), "{caught:?}");
    }
    scene.liar.is_honest();
    scene.home.ok(["check", "--sample", "1000"]);
}

#[test]
fn a17_a_scheduled_run_asks_for_an_object_behind_its_deposit_and_warns_of_a_keeper_that_lost_it() {
    let scene = Scene::new();
    scene.watch(&scene.deposit("second\n"), 86_400);
    fs::write(scene.folder.join("KX-204.dxf"), "scheduled\n").unwrap();
    scene.home.ok(["watch", "run", "moulds"]);
    let noted = || fs::read_to_string(scene.home.path.join("samples")).unwrap();
    assert!(noted().ends_with(": held\n") && noted().contains(" 1 of "), "{}", noted());
    // It loses everything as soon as the record is kept.
    let mut kept = false;
    scene.liar.tells(move |asked, _| {
        kept |= asked.method == "POST" && asked.path.ends_with("/records");
        let is_lost = kept && asked.method == "GET" && asked.path.contains("/objects/");
        is_lost.then(|| Answer::new(404, "no such object\n"))
    });
    fs::write(scene.folder.join("KX-204.dxf"), "scheduled again\n").unwrap();
    let warned = scene.home.ok(["watch", "run", "moulds"]);
    assert!(warned.err.contains("does not have") && noted().ends_with("missing\n"), "{warned:?}\n{}", noted());
}

#[test]
fn a17_no_day_passes_without_a_sample_however_seldom_is_deposited() {
    let scene = Scene::new();
    scene.watch(&scene.deposit("second\n"), 14 * 86_400);
    scene.home.ok(["watch", "run", "moulds"]);
    let samples = scene.home.path.join("samples");
    let noted = || fs::read_to_string(&samples).unwrap();
    let tick = || {
        let said = scene.home.ok(["watch", "run", "moulds", "--if-due", "--json"]);
        assert_eq!(said.json()["due"], false, "{said:?}");
        said
    };
    assert_eq!((tick().err.as_str(), noted().lines().count()), ("", 1), "the last one is young");
    let old = "2026-11-01T00:00:00Z 1 of 4: held\n";
    for last in [old, "2999-01-01T00:00:00Z 1 of 4: held\n", "what is no sample\n"] {
        fs::write(&samples, last).unwrap();
        tick();
        tick();
        assert!(noted().lines().count() == 2 && noted().ends_with(": held\n"), "{}", noted());
    }
    fs::write(&samples, old).unwrap();
    scene.liar.tells(instead("/objects/", |_| Answer::new(404, "no such object\n")));
    assert!(tick().err.contains("does not have") && noted().ends_with("missing\n"), "{}", noted());
}

#[test]
fn one_round_goes_over_a_keeper_elsewhere_too() {
    let place = tempfile::tempdir().unwrap();
    let config = place.path().join("keeper.toml");
    let text = "data = \"data\"\nlisten = \"127.0.0.1:0\"\n[admission]\nmode = \"open\"\n[stamps]\npause_seconds = 1\n";
    fs::write(&config, text).unwrap();
    let keeper = Process::start_by(&config);
    let url = format!("http://{}", keeper.address());
    let kept = place.path().join("kept");
    let round = |more: &[&str]| {
        let mut command = program(env!("CARGO_BIN_EXE_hizo"));
        crate::kit::said(command.args(["--keeper", &url, "try", "--json"]).args(more))
    };
    let said = round(&["--keep", kept.to_str().unwrap()]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let said = said.json();
    assert_eq!(
        (&said["keeper"]["records"], &said["proof"]["doubts"]),
        (&3.into(), &serde_json::json!(["self-stamped"])),
        "{said}"
    );
    let safe: Value = serde_json::from_slice(&fs::read(kept.join("home/safe.json")).unwrap()).unwrap();
    let there = place.path().join("data/objects").join(safe["space"].as_str().unwrap());
    let objects = files_below(&there).len() as u64;
    assert_eq!(said["keeper"]["objects"].as_u64(), Some(objects), "what the keeper has is what is shown of it");
    assert_eq!(safe["address"], url.as_str());
    // Another keeper's key, and a world with a keeper of its own.
    let other = "keeper.example.org/one+b97ca9ae+AUmuSVPVAEPcrqwzRHaxaUg3NTX8sECVDvErQbGHeIn5";
    assert_ne!(round(&["--keeper-key", other]).code, Some(0));
    let world = place.path().join("world");
    assert_eq!(round(&["--network", world.to_str().unwrap()]).code, Some(2));
    assert!(!world.exists());
}

#[test]
fn a15_another_log_under_the_keepers_own_key_is_caught_however_long_it_is() {
    let scene = Scene::new();
    scene.deposit("second\n");
    let home = &scene.home;
    let seen = fs::read_to_string(home.path.join("checkpoint")).unwrap();
    let size: u8 = seen.lines().nth(1).unwrap().parse().unwrap();
    for more in [0, 3] {
        let folder = home.folder.path().join(format!("another log {more}"));
        fs::create_dir_all(folder.join("log")).unwrap();
        fs::copy(home.folder.path().join("data/log.key"), folder.join("log.key")).unwrap();
        let journal = MemoryJournal::beside(&SimulatedDisk::new(512));
        for number in 0..size + more {
            let (space, slot_key) = (SpaceId::from_bytes([number + 1; 16]), Some(&[7; 32]));
            let note = format!("record 0 of somebody else, {number}\n");
            let note = note.as_bytes();
            journal
                .append(Entry { space, expected: None, note, objects: &[], slot_key, kept: 1, charge: None })
                .unwrap();
        }
        show_another_log_in(&folder, home, &journal);
        scene.liar.refuses(move |asked| {
            let path = asked.path.strip_prefix("/log/")?;
            let found = fs::read(folder.join("log").join(path));
            Some(found.map_or_else(|_| Answer::new(404, "nothing\n"), |bytes| Answer::new(200, bytes)))
        });
        home.fails(5, "does not go on from the one that this machine has seen", ["status"]);
        assert!(home.path.join("checkpoint.refused").exists(), "it stays as evidence");
        assert_eq!(fs::read_to_string(home.path.join("checkpoint")).unwrap(), seen);
    }
}
