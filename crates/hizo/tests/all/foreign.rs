//! The command line with what belongs to somebody else: his ids, his keys, his folder. Nothing of it is told, and nothing of his changes.

use std::fs;

use crate::case::Scene;
use crate::kit::{Home, Said, assert_same, tree};
use crate::sweep_desk::HIS;

/// What the company calls a thing.
const TAG: &str = "PLANTED-TAG";

/// What is told of what is the company's; what was typed may be said again.
fn told(said: &Said, typed: &str) -> Option<&'static str> {
    let mut his = HIS.into_iter().chain([TAG]).filter(|his| !typed.contains(his));
    his.find(|his| said.out.contains(his) || said.err.contains(his))
}

/// Commands that take an id of something, by what names it. `{deposit}` and the others stand for what the company has, `NEW` for a
/// path at which nothing is.
const BY_ID: [&str; 29] = [
    "show {deposit}",
    "show {series}:1",
    "show latest:{series}",
    "restore {deposit} --to NEW",
    "restore {deposit} PLANTED-NAME.dxf --to NEW",
    "diff {deposit} {deposit}",
    "diff {series}:1 own:1",
    "proof {deposit} --to NEW",
    "watch run {series}",
    "watch remove {series}",
    "consent preview {deposit}",
    "consent give {deposit} --receiver {receiver} --receiver-name X --purpose Y --until 2099-12-31",
    "consent withdraw {consent}",
    "hand-over make {consent} --to NEW",
    "hand-over print {deposit} --receiver-name X --purpose Y --to NEW",
    "hand-over taken {deposit} --receiver-name X --reference 1",
    "space remove {key}",
    "space remove {key} --dry-run",
    "space role {key} reader",
    "space grant {key}",
    "space rotator {key}",
    "case task --done {task}",
    "case keep mail --state kept --deposit {deposit}",
    "case thing {tag} --holder X --place Y",
    "case show",
    "case tell more",
    "case close --reason other",
    "hand-over open",
    "hand-over answer accepted --reference 1",
];

#[test]
fn a41_whoever_names_what_is_somebody_elses_at_the_command_line_gets_nothing_and_changes_nothing() {
    let scene = Scene::new("leak");
    let (company, folder) = (&scene.company, scene.company.beside("drawings"));
    fs::write(folder.join("PLANTED-NAME.dxf"), "PLANTED-CONTENT").unwrap();
    company.ok(["case", "tell", "PLANTED-TOLD"]);
    let kept = company.deposit(&folder, "PLANTED-SERIES");
    let said = |value: &serde_json::Value| value.as_str().unwrap_or_else(|| panic!("{value}")).to_owned();
    let receiver = said(&Home::new().ok(["consent", "key", "--json"]).json()["key"]);
    let mut give = vec!["consent", "give", "latest:PLANTED-SERIES", "--receiver", &receiver, "--json"];
    give.extend(["--receiver-name", "PLANTED-RECEIVER", "--purpose", "PLANTED-PURPOSE", "--until", "2099-12-31"]);
    let consent = said(&company.ok(give).json()["handover"]);
    let task = company.ok(["case", "task", "PLANTED-TOLD once more", "--json"]).json();
    let thing = ["case", "thing", "--what", TAG, "--holder", "鈴木", "--place", "鈴木", "--json"];
    let thing = company.ok(thing).json();
    let members = company.ok(["space", "members", "--json"]).json();
    let id = |name: &str| match name {
        "deposit" => said(&kept["deposit"]),
        "series" => said(&kept["series_id"]),
        "receiver" => receiver.clone(),
        "consent" => consent.clone(),
        "key" => said(&members["members"][0]["own"]["key"]),
        "task" => said(&task["named"]),
        "tag" => said(&thing["named"]),
        other => panic!("{other}"),
    };

    // Somebody at the same keeper, with a safe and a case of his own.
    let (stranger, case) = (Home::unmade(), Home::unmade());
    stranger.ok(["init", "--keeper", scene.keeper_url()]);
    let invite = case.folder.path().join("invite");
    let open = ["case", "open", "--kind", "leak", "--title", "own", "--keeper", scene.keeper_url(), "--invite"];
    case.ok(open.into_iter().chain([invite.to_str().unwrap()]));
    for home in [&stranger, &case] {
        home.make_cheap();
        let own = home.beside("own");
        fs::write(own.join("own.txt"), "of the stranger").unwrap();
        home.deposit(&own, "own");
    }
    let state = |home: &Home| {
        let acts = [&["list"][..], &["space", "members"], &["space", "head"], &["hand-over", "status"]];
        acts.map(|act| home.ok(act.iter().copied().chain(["--json"])).out)
    };
    let (before, shown) = (state(company), company.ok(["case", "show", "--json"]).out);
    // The marks are what the company itself is told.
    assert!(told(&company.run(["show", &id("deposit")]), "").is_some() && shown.contains(TAG), "{shown}");

    for home in [&stranger, &case] {
        let own = state(home);
        for (number, line) in BY_ID.iter().enumerate() {
            let new = home.folder.path().join(format!("new-{number}"));
            let is_of_the_case = ["case show", "case tell", "case close"].iter().any(|act| line.starts_with(act));
            if is_of_the_case && home.path == case.path {
                continue;
            }
            let words = line.split(' ').map(|word| match word.split_once('{') {
                _ if word == "NEW" => new.to_str().unwrap().to_owned(),
                Some((before, rest)) => {
                    let (name, after) = rest.split_once('}').unwrap();
                    format!("{before}{}{after}", id(name))
                }
                None => word.to_owned(),
            });
            let answer = home.run(words.chain(["--json".to_owned()]));
            assert!(matches!(answer.code, Some(1..=3)), "{line}: {answer:?}");
            // A usage that is wrong would show nothing of ids.
            assert!(
                !answer.err.contains("unexpected argument") && !answer.err.contains("--help"),
                "{line}: {answer:?}"
            );
            assert_eq!(told(&answer, line), None, "{line}: {answer:?}");
            assert!(!new.exists(), "{line} laid something out");
        }
        assert_eq!(state(home), own, "something was added by ids that are not his");
    }
    assert_eq!((state(company), company.ok(["case", "show", "--json"]).out), (before, shown));
}

/// What a home says about whose safe it is may be written by anybody who has the folder.
#[test]
fn a41_a_home_that_is_made_to_name_somebody_elses_safe_opens_nothing_of_it() {
    let scene = Scene::new("leak");
    let company = &scene.company;
    company.ok(["case", "tell", "PLANTED-TOLD"]);
    let stranger = Home::unmade();
    stranger.ok(["init", "--keeper", scene.keeper_url()]);
    stranger.make_cheap();
    let before = (tree(&company.path), company.ok(["space", "head", "--json"]).out);
    // The company's own answer about itself, and whatever of its folder has no key in it.
    for files in
        [&["safe.json"][..], &["safe.json", "notes", "head", "checkpoint"], &["safe.json", "notes", "slot.key"]]
    {
        let forged = stranger.copy();
        for file in files {
            let from = company.path.join(file);
            let to = forged.path.join(file);
            let _ = fs::remove_file(&to);
            if from.exists() {
                fs::copy(from, to).unwrap();
            }
        }
        for line in ["list", "case show", "space members", "check", "case tell more", "space rotate"] {
            let answer = forged.run(line.split(' '));
            assert_ne!(answer.code, Some(0), "{files:?}, {line}: {answer:?}");
            assert_eq!(told(&answer, line), None, "{files:?}, {line}: {answer:?}");
        }
    }
    assert_eq!(company.ok(["space", "head", "--json"]).out, before.1);
    assert_same(&before.0, &tree(&company.path));
}
