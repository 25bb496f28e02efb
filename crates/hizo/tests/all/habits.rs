//! What scripts and people rely on in every command: exit codes, JSON, quiet, colours, pipes that close.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::kit::{self, Home, Said, copy_tree, is_there, said, say_aloud};

/// A safe with two deposits in the series "moulds", and the folder that they are of.
fn safe_with_deposits() -> (Home, PathBuf) {
    let home = Home::new();
    let folder = home.beside("moulds");
    fs::write(folder.join("KX-204.dxf"), "0\nSECTION\n").unwrap();
    fs::create_dir(folder.join("old")).unwrap();
    fs::write(folder.join("old/revA.dxf"), "0\nSECTION\nold\n").unwrap();
    home.deposit(&folder, "moulds");
    fs::write(folder.join("new.csv"), "1,2\n").unwrap();
    home.deposit(&folder, "moulds");
    (home, folder)
}

#[test]
fn what_the_person_can_fix_ends_with_1() {
    let (home, folder) = safe_with_deposits();
    let wrong = home.folder.path().join("wrong");
    fs::write(&wrong, "incorrect horse\n").unwrap();
    let mut command = home.writer_command();
    let refused = said(command.arg("--passphrase-file").arg(&wrong).arg("list"));
    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert!(refused.err.contains("the passphrase does not open"), "{refused:?}");
    home.fails(1, "there is no deposit", ["show", "0123456789"]);
    home.fails(1, "there is no series nothing", ["show", "latest:nothing"]);
    home.fails(1, "has no deposit 3", ["show", "moulds:3"]);
    home.fails(1, "is not in this deposit", ["restore", "latest:moulds", "gone.csv", "--to", "out"]);
    home.fails(1, "is not empty", ["restore", "latest:moulds", "--to", folder.to_str().unwrap()]);
    home.fails(1, "there is a safe in", ["init"]);
    home.fails(1, "it is not there", ["deposit", "/no/such/folder", "--series", "moulds"]);
    let nowhere = said(kit::program(env!("CARGO_BIN_EXE_hizo")).args(["--home", "/no/such/safe", "list"]));
    assert_eq!(nowhere.code, Some(1), "{nowhere:?}");
    let empty = home.folder.path().join("empty");
    fs::write(&empty, "\n").unwrap();
    let refused = said(home.writer_command().arg("--passphrase-file").arg(&empty).arg("list"));
    assert_eq!(refused.code, Some(1), "{refused:?}");
}

#[test]
fn wrong_usage_ends_with_2_and_changes_nothing() {
    let (home, folder) = safe_with_deposits();
    let before = kit::tree(&home.path);
    let folder = folder.to_str().unwrap();
    let long = "x".repeat(10_000);
    let cases: &[&[&str]] = &[
        &[],
        &["depost"],
        &["deposit"],
        &["deposit", folder],
        &["deposit", folder, "--series", ""],
        &["deposit", folder, "--series", &long],
        &["deposit", folder, "--series", "moulds", "--label", ""],
        &["deposit", folder, "--series", "moulds", "--class", "secret"],
        &["list", "--all"],
        &["list", "moulds"],
        &["show"],
        &["restore", "latest:moulds"],
        &["restore", "--to", "out"],
        &["watch"],
        &["watch", "install", folder],
        &["watch", "install", folder, "--series", "moulds", "--scheduler", "luck"],
        &["completions", "tcsh"],
        &["man", "no", "such"],
        &["list", "--passphrase-fd", "3"],
        &["list", "--passphrase-fd", "three"],
    ];
    for case in cases {
        let refused = home.run(*case);
        assert_eq!(refused.code, Some(2), "{case:?}: {refused:?}");
        assert_eq!(refused.out, "", "{case:?}");
        assert!(refused.err.starts_with("error: ") && refused.err.contains("\nhint: "), "{case:?}: {refused:?}");
    }
    kit::assert_same(&before, &kit::tree(&home.path));
}

#[test]
fn what_is_damaged_or_missing_ends_with_3() {
    let (home, _) = safe_with_deposits();
    for object in home.objects() {
        let good = fs::read(&object).unwrap();
        let mut bad = good.clone();
        let middle = bad.len() / 2;
        bad[middle] ^= 1;
        for damaged in [Some(bad), Some(good[..good.len() - 1].to_vec()), Some(Vec::new()), None] {
            match &damaged {
                Some(bytes) => fs::write(&object, bytes).unwrap(),
                None => fs::remove_file(&object).unwrap(),
            }
            assert_eq!(home.run(["check"]).code, Some(3), "{}", object.display());
            for deposit in ["moulds:1", "moulds:2"] {
                // What does not touch a deposit does not hinder it.
                let code = home.run(["show", deposit]).code;
                assert!([Some(0), Some(3)].contains(&code), "{}: {code:?}", object.display());
            }
        }
        fs::write(&object, good).unwrap();
    }
    home.ok(["show", "moulds:2"]);
}

#[test]
fn what_cannot_be_checked_ends_with_4() {
    let (home, _) = safe_with_deposits();
    fs::rename(home.path.join("keeper"), home.path.join("away")).unwrap();
    home.fails(4, "the keeper cannot be opened", ["list"]);
    fs::rename(home.path.join("away"), home.path.join("keeper")).unwrap();
    home.ok(["list"]);
}

#[test]
fn what_is_not_the_pinned_one_ends_with_5() {
    let (home, folder) = safe_with_deposits();
    let (head, settings) = (home.path.join("head"), home.path.join("safe.json"));
    let (good_head, good_settings) = (fs::read_to_string(&head).unwrap(), fs::read_to_string(&settings).unwrap());
    let (number, id) = good_head.trim_end().split_once(' ').unwrap();
    let next = number.parse::<u64>().unwrap() + 1;
    let genesis = serde_json::from_str::<Value>(&good_settings).unwrap()["genesis"].as_str().unwrap().to_owned();
    for (pinned, words) in [
        (format!("{next} {id}\n"), "an older state"),
        (format!("{number} {genesis}\n"), "another history"),
        (format!("0 {id}\n"), "another history"),
    ] {
        fs::write(&head, pinned).unwrap();
        home.fails(5, words, ["list"]);
        home.fails(5, words, ["deposit", folder.to_str().unwrap(), "--series", "moulds"]);
    }
    fs::write(&head, good_head.clone()).unwrap();
    fs::write(&settings, good_settings.replace(&genesis, id)).unwrap();
    home.fails(5, "another space", ["list"]);
    fs::write(&settings, good_settings).unwrap();
    home.ok(["list"]);
}

#[test]
fn a_keeper_put_back_from_an_old_copy_ends_with_5() {
    let home = Home::new();
    let folder = home.beside("moulds");
    fs::write(folder.join("a"), "1").unwrap();
    home.deposit(&folder, "moulds");
    let old = home.folder.path().join("old");
    copy_tree(&home.path.join("keeper"), &old);
    fs::write(folder.join("a"), "2").unwrap();
    home.deposit(&folder, "moulds");
    fs::remove_dir_all(home.path.join("keeper")).unwrap();
    copy_tree(&old, &home.path.join("keeper"));
    let told = home.fails(5, "an older state", ["list"]);
    assert!(told.err.contains("Do not deposit"), "{told:?}");
    home.fails(5, "an older state", ["deposit", folder.to_str().unwrap(), "--series", "moulds"]);
}

/// Runs with one end of a pipe that nobody reads.
fn into_closed_pipe(command: &mut Command, is_error_closed: bool) -> Said {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    match is_error_closed {
        true => command.stderr(writer).stdout(Stdio::piped()),
        false => command.stdout(writer).stderr(Stdio::piped()),
    };
    let output = command.spawn().unwrap().wait_with_output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    Said { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
}

#[test]
fn a_reader_that_closes_its_pipe_ends_nothing_and_changes_no_code() {
    let (home, folder) = safe_with_deposits();
    let folder = folder.to_str().unwrap();
    let commands: &[&[&str]] = &[
        &["--help"],
        &["--version"],
        &["list"],
        &["list", "--json"],
        &["show", "latest:moulds"],
        &["deposit", folder, "--series", "moulds"],
        &["man"],
        &["completions", "zsh"],
        &["watch", "status"],
    ];
    for arguments in commands {
        let ended = into_closed_pipe(home.command().args(*arguments), false);
        assert_eq!((ended.code, ended.err.as_str()), (Some(0), ""), "{arguments:?}");
    }
    assert_eq!(home.deposits()["moulds"].len(), 3, "the deposit was kept all the same");
    for (code, arguments) in [(1, ["show", "nothing"]), (2, ["show", "--nothing"])] {
        let ended = into_closed_pipe(home.command().args(arguments), true);
        assert_eq!(ended.code, Some(code), "{arguments:?}");
    }
}

#[test]
fn a_result_that_cannot_be_written_is_no_success() {
    let (home, _) = safe_with_deposits();
    if !Path::new("/dev/full").exists() {
        return say_aloud("there is no full device here to write to");
    }
    for arguments in [["list", "--json"], ["show", "latest:moulds"], ["man", "deposit"]] {
        let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let output = home.command().args(arguments).stdout(full).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(told.contains("the disk is full"), "{told}");
    }
}

#[test]
fn quiet_prints_what_a_script_wants_and_nothing_beside_it() {
    let (home, folder) = safe_with_deposits();
    let deposit = home.ok(["deposit", folder.to_str().unwrap(), "--series", "moulds", "-q"]);
    assert_eq!((deposit.out.trim_end().len(), deposit.out.lines().count()), (64, 1), "{deposit:?}");
    assert_eq!(deposit.out.trim_end(), home.deposits()["moulds"][2]);
    assert_eq!(deposit.err, "");
    let loud = home.ok(["deposit", folder.to_str().unwrap(), "--series", "moulds"]);
    assert_eq!(loud.out.lines().last().unwrap().len(), 64, "the last line is the id: {loud:?}");
    assert_eq!(loud.out.lines().count(), 3, "what was kept, its receipt, its id: {loud:?}");
    let quiet = home.run(["-q", "show", "nothing"]);
    assert!(quiet.err.contains("there is no deposit"), "an error is said all the same: {quiet:?}");
}

#[test]
fn nothing_but_the_result_is_printed_when_nobody_looks_on() {
    let home = Home::new();
    let folder = home.beside("large");
    fs::write(folder.join("noise"), kit::noise(1, 24 << 20)).unwrap();
    let deposit = home.ok(["deposit", folder.to_str().unwrap(), "--series", "large"]);
    assert_eq!(deposit.err, "", "no progress into a pipe");
    let to = home.folder.path().join("out");
    let restore = home.ok(["restore", "latest:large", "--to", to.to_str().unwrap()]);
    assert_eq!(restore.err, "");
    assert!(!deposit.out.contains('\r') && !restore.out.contains('\x1b'));
}

#[test]
fn colours_are_for_terminals_and_for_those_who_want_them() {
    let home = Home::new();
    assert!(!home.fails(1, "there is no deposit", ["show", "nothing"]).err.contains('\x1b'), "none into a pipe");
    if !is_there("script") {
        return say_aloud("without `script` there is no terminal to look for colours on");
    }
    let program = env!("CARGO_BIN_EXE_hizo");
    let line = format!("'{program}' --home '{}' --json watch run nothing", home.path.display());
    let on_a_terminal = |no_color: &str| {
        let mut script = kit::program("script");
        said(script.args(["-qec", &line, "/dev/null"]).env("NO_COLOR", no_color).env("TERM", "xterm"))
    };
    let colourful = on_a_terminal("");
    assert!(colourful.out.contains("\x1b[31merror:\x1b[0m"), "{colourful:?}");
    let plain = on_a_terminal("1");
    assert!(plain.out.contains("error: ") && !plain.out.contains('\x1b'), "{plain:?}");
}

#[test]
fn shells_and_man_accept_what_is_made_for_them() {
    let home = Home::unmade();
    for locale in ["C", "ja_JP.UTF-8"] {
        let made = |arguments: &[&str], name: &str| {
            let made = said(kit::program(env!("CARGO_BIN_EXE_hizo")).env("LC_ALL", locale).args(arguments));
            assert_eq!((made.code, made.err.as_str()), (Some(0), ""), "{arguments:?}");
            let path = home.folder.path().join(name);
            fs::write(&path, made.out).unwrap();
            path
        };
        for shell in ["bash", "zsh", "fish"] {
            let script = made(&["completions", shell], shell);
            match is_there(shell) {
                true => {
                    let read = said(kit::program(shell).arg("-n").arg(script));
                    assert_eq!((read.code, read.err.as_str()), (Some(0), ""), "{shell}");
                }
                false => say_aloud(&format!("{shell} is not here to read its completions")),
            }
        }
        let page = made(&["man", "watch", "install"], "page.1");
        match is_there("groff") {
            true => {
                let read = said(kit::program("groff").args(["-man", "-Tutf8", "-Kutf8", "-ww"]).arg(page));
                assert_eq!((read.code, read.err.as_str()), (Some(0), ""));
                assert!(read.out.contains("hizo-watch-install"), "{read:?}");
            }
            false => say_aloud("groff is not here to read the manual page"),
        }
    }
}

#[test]
fn the_first_page_of_help_fits_a_screen_in_both_languages() {
    for (locale, words) in [("C", "Usage: hizo"), ("ja_JP.UTF-8", "使い方: hizo")] {
        let help =
            said(kit::program(env!("CARGO_BIN_EXE_hizo")).env("LC_ALL", locale).env("COLUMNS", "80").arg("--help"));
        assert!(help.out.contains(words), "{help:?}");
        // One line of the screen is the prompt's.
        assert!(help.out.lines().count() <= 23, "{} lines:\n{}", help.out.lines().count(), help.out);
        for line in help.out.lines() {
            assert!(width(line) <= 80, "{} columns: {line}", width(line));
        }
    }
}

/// Columns on a terminal: what is written from U+1100 on is two columns wide here.
fn width(line: &str) -> usize {
    line.chars().map(|character| if character >= '\u{1100}' { 2 } else { 1 }).sum()
}

#[test]
fn the_locale_chooses_the_language_of_failures_and_never_that_of_json() {
    let (home, _) = safe_with_deposits();
    let japanese = |arguments: &[&str]| said(home.command().env("LC_ALL", "ja_JP.UTF-8").args(arguments));
    let refused = japanese(&["show", "nothing"]);
    assert_eq!(refused.code, Some(1));
    assert!(refused.err.starts_with("エラー: nothing という預け入れはありません\n対処: "), "{refused:?}");
    let usage = japanese(&["show"]);
    assert_eq!(usage.code, Some(2));
    assert!(usage.err.starts_with("エラー: 必要な指定がありません"), "{usage:?}");
    assert_eq!(japanese(&["list", "--json"]).out, home.ok(["list", "--json"]).out);
    let damaged = home.objects().pop().unwrap();
    fs::write(damaged, "x").unwrap();
    let told = japanese(&["show", "latest:moulds"]);
    assert!(told.code == Some(0) || told.err.starts_with("エラー: "), "{told:?}");
}

/// The examples of docs/spec/json.md, by command.
fn documented() -> Vec<(String, Vec<Value>)> {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/spec/json.md");
    let page = fs::read_to_string(page).unwrap();
    let mut sections = Vec::new();
    for section in page.split("\n## `hizo ").skip(1) {
        let (command, rest) = section.split_once('`').unwrap();
        let blocks = rest.split("```json\n").skip(1);
        let examples = blocks.map(|block| serde_json::from_str(block.split("```").next().unwrap()).unwrap()).collect();
        sections.push((command.to_owned(), examples));
    }
    sections
}

/// Whether what a command printed has the shape that the page shows for it.
pub(crate) fn is_documented(command: &str, value: &Value) -> bool {
    let pages = documented();
    pages.iter().any(|(page, examples)| page == command && examples.iter().any(|example| has_shape(value, example)))
}

/// Whether a value has the shape of an example: the same keys everywhere, and elements as one of those shown.
fn has_shape(value: &Value, example: &Value) -> bool {
    match (value, example) {
        (Value::Null, _) | (_, Value::Null) => true,
        (Value::Object(value), Value::Object(example)) => {
            let keys = |object: &serde_json::Map<String, Value>| object.keys().cloned().collect::<BTreeSet<_>>();
            keys(value) == keys(example) && value.iter().all(|(key, value)| has_shape(value, &example[key]))
        }
        (Value::Array(values), Value::Array(examples)) => {
            values.iter().all(|value| examples.iter().any(|example| has_shape(value, example)))
        }
        (Value::Bool(_), Value::Bool(_)) | (Value::String(_), Value::String(_)) => true,
        (Value::Number(value), Value::Number(example)) => value.is_u64() == example.is_u64(),
        _ => false,
    }
}

#[test]
fn what_every_command_prints_as_json_is_what_the_page_says() {
    let pages = documented();
    let (home, folder) = safe_with_deposits();
    std::os::unix::fs::symlink("KX-204.dxf", folder.join("latest")).unwrap();
    fs::hard_link(folder.join("KX-204.dxf"), folder.join("old/KX-204.dxf")).unwrap();
    fs::rename(folder.join("new.csv"), folder.join("renamed.csv")).unwrap();
    fs::write(folder.join("old/revA.dxf"), "changed").unwrap();
    // Not every file system takes a name that is not text.
    let _ = fs::write(folder.join(OsStr::from_bytes(b"\x90}.txt")), "x");
    said(kit::program("mkfifo").arg(folder.join("pipe")));
    let folder = folder.to_str().unwrap();
    let tools = home.beside("tools");
    fs::write(tools.join("crontab"), "#!/bin/sh\n[ \"$1\" = -l ] && cat \"$0.table\" || cat > \"$0.table\"\n").unwrap();
    fs::write(tools.join("crontab.table"), "").unwrap();
    said(kit::program("chmod").args(["+x"]).arg(tools.join("crontab")));
    let path =
        std::env::join_paths([tools].into_iter().chain(std::env::split_paths(&std::env::var_os("PATH").unwrap())));
    let path = path.unwrap();
    let beside = |name: &str| home.folder.path().join(name).to_str().unwrap().to_owned();
    let (out, out2, export, man) = (beside("out"), beside("out2"), beside("export"), beside("man"));
    let (cards, new_home) = (beside("cards"), beside("new"));
    let (made, log, witness, asked) = (beside("proof"), beside("log"), beside("witness"), beside("policy"));
    let nobody = "witness W witness.example/1+3979af4a+BOkyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k http://127.0.0.1:1";
    fs::write(&asked, format!("{nobody}\nquorum W\n")).unwrap();
    let proofs = concat!(env!("CARGO_MANIFEST_DIR"), "/../../vectors/proof/v1");
    let at_proofs = |name| format!("{proofs}/{name}");
    let [proof, drawing, policy, roots] = ["accepted/file", "KX-204.dxf", "policy", "roots.pem"].map(at_proofs);
    let install = ["watch", "install", folder, "--series", "nightly", "--scheduler", "crontab"];
    let scrubbed = home.folder.path().join("keeper.toml");
    let data = home.path.join("keeper");
    fs::write(&scrubbed, format!("data = {data:?}\nlisten = \"127.0.0.1:0\"\n")).unwrap();
    let scrubbed = scrubbed.to_str().unwrap().to_owned();
    let mut covered = BTreeSet::new();
    let cases: &[(i32, &[&str])] = &[
        (1, &["deposit", folder, "--series", "moulds", "--label", "third"]),
        (0, &["deposit", folder, "--series", "moulds", "--dry-run"]),
        (0, &["list"]),
        (0, &["show", "latest:moulds"]),
        (0, &["proof", "latest:moulds", "--to", &made]),
        (0, &["status"]),
        (0, &["status", "moulds:1"]),
        (1, &["proof", "--refresh", &made]),
        (0, &["log", "authorities"]),
        (1, &["log", "renew"]),
        (0, &["diff", "moulds:2", "latest:moulds"]),
        (0, &["diff", "latest:moulds", "moulds:1"]),
        (0, &["restore", "latest:moulds", "--to", &out]),
        (0, &["restore", "latest:moulds", "--to", &out2, "--dry-run"]),
        (0, &["verify", &proof, &drawing, "--policy", &policy, "--roots", &roots]),
        (3, &["verify", &proof, &policy, "--policy", &policy, "--roots", &roots]),
        (4, &["verify", &proof]),
        (0, &["check"]),
        (0, &["check", "--sample", "2"]),
        (0, &["keeper", "scrub", "--config", &scrubbed]),
        (0, &["keeper", "sweep", "--config", &scrubbed]),
        (0, &["export", "--to", &export]),
        (0, &["export", "--to", &out2, "--dry-run"]),
        (0, &["watch", "status"]),
        (0, &[&install[..], &["--dry-run"]].concat()),
        (1, &install),
        (0, &["watch", "run", "nightly", "--if-due"]),
        (1, &["watch", "run", "nightly"]),
        (1, &["watch", "status"]),
        (0, &["watch", "remove", "nightly", "--dry-run"]),
        (0, &["watch", "remove", "nightly"]),
        (0, &["log"]),
        (0, &["log", "policy"]),
        (0, &["log", "policy", &asked]),
        (0, &["log"]),
        (0, &["log", "export", "--to", &log]),
        (0, &["witness", "init", "--dir", &witness, "--name", "witness.example/1"]),
        (0, &["witness", "add", "--dir", &witness, LOG_KEY]),
        (0, &["send"]),
        (0, &["recovery", "make", "--to", &cards]),
        (0, &["try", folder]),
        (0, &["completions", "fish"]),
        (0, &["man", "deposit"]),
        (0, &["man", "--to", &man]),
    ];
    for (code, arguments) in cases {
        let told = said(home.command().env("PATH", &path).args(*arguments).arg("--json"));
        assert_eq!(told.code, Some(*code), "{arguments:?}: {told:?}");
        assert_eq!(told.out.lines().count(), 1, "one object on one line: {told:?}");
        let joined = arguments.join(" ");
        let (command, examples) = pages
            .iter()
            .filter(|(command, _)| joined == *command || joined.starts_with(&format!("{command} ")))
            .max_by_key(|(command, _)| command.len())
            .unwrap_or_else(|| panic!("docs/spec/json.md says nothing of {joined}"));
        let value = told.json();
        assert!(examples.iter().any(|example| has_shape(&value, example)), "{command} prints {value:#}");
        covered.insert(command.clone());
    }
    let made = Home::unmade().ok(["init", "--json"]).json();
    assert!(pages.iter().any(|(command, examples)| command == "init" && has_shape(&made, &examples[0])), "{made}");
    covered.insert("init".into());
    let card = |number: u8| crate::cards::read_off(&Path::new(&cards).join(format!("card-{number}.pdf")));
    if let (Some(one), Some(two)) = (card(1), card(2)) {
        let files = ["--card-file", one.to_str().unwrap(), "--card-file", two.to_str().unwrap(), "--json"];
        for (command, more) in [("recovery drill", vec![]), ("recovery use", vec!["--to", new_home.as_str()])] {
            let told = home.ok(command.split(' ').chain(more).chain(files)).json();
            assert!(is_documented(command, &told), "{command}: {told:#}");
        }
    }
    let told = home.ok(["recovery", "refuse", "--json"]).json();
    assert!(is_documented("recovery refuse", &told), "{told:#}");
    let members = home.ok(["space", "members", "--json"]).json();
    let own = members["members"][0]["own"]["key"].as_str().unwrap();
    home.ok(["space", "remove", own, "--machine", "this machine"]);
    let told = home.ok(["recovery", "machine", "--json"]).json();
    assert!(is_documented("recovery machine", &told), "{told:#}");
    home.fails(1, "is a member already", ["recovery", "machine"]);
    covered.extend(["recovery drill", "recovery machine", "recovery refuse", "recovery use"].map(str::to_owned));
    // It prints its object and goes on.
    let running = crate::witness::Process::start(&home.folder.path().join("witness"));
    assert!(pages.iter().any(|(command, examples)| command == "witness run" && has_shape(&running.said, &examples[0])));
    covered.insert("witness run".into());
    let running = crate::keeper::Process::start(&home.folder.path().join("a keeper"));
    assert!(pages.iter().any(|(command, examples)| command == "keeper" && has_shape(&running.said, &examples[0])));
    let told = home.ok(["move", "--to", running.url(), "--json"]).json();
    assert!(is_documented("move", &told), "{told:#}");
    covered.insert("move".into());
    covered.insert("keeper".into());
    let link = crate::desk::said_as_json();
    assert!(pages.iter().any(|(command, examples)| command == "desk" && has_shape(&link, &examples[0])));
    covered.insert("desk".into());
    let directory = crate::directory::every_act_as_json();
    if directory.is_none() {
        let acts = ["publish", "install", "update", "show", "find"].map(|act| format!("directory {act}"));
        covered.extend(acts.into_iter().chain(["keeper directory".to_owned()]));
    }
    let sharing = crate::sharing::every_act_as_json().into_iter().chain(crate::handover::every_act_as_json());
    let sharing = sharing.chain(crate::case::every_act_as_json());
    let organisations = crate::organisations::every_act_as_json().into_iter().chain(directory.into_iter().flatten());
    for (command, told) in sharing.chain(organisations) {
        assert!(is_documented(command, &told), "{command}: {told:#}");
        covered.insert(command.into());
    }
    let pages: BTreeSet<_> = pages.into_iter().map(|(command, _)| command).collect();
    let commands = leaves(&fs::read_dir(man).unwrap().map(|page| page.unwrap().path()).collect::<Vec<_>>());
    assert_eq!(pages, commands, "docs/spec/json.md has a section for every command");
    let unseen: Vec<_> = pages.difference(&covered).collect();
    assert!(unseen.is_empty(), "these were not run: {unseen:?}");
}

/// A key that a log could have.
const LOG_KEY: &str = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";

/// The commands that have manual pages, without those that only hold others.
fn leaves(pages: &[PathBuf]) -> BTreeSet<String> {
    let named = |page: &PathBuf| page.file_stem().unwrap().to_str().unwrap().to_owned();
    let all: Vec<_> = pages.iter().map(named).collect();
    let holds_others = |name: &String| all.iter().any(|other| other.starts_with(&format!("{name}-")));
    // By itself the log shows what its own commands change, and the keeper answers.
    let alone = ["hizo-log", "hizo-keeper"];
    let leaves = all.iter().filter(|name| !holds_others(name) || alone.contains(&name.as_str()));
    let words = |name: &String| name.trim_start_matches("hizo-").replace('-', " ");
    leaves.map(|name| words(name).replace("hand over", "hand-over")).collect()
}
