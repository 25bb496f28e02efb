//! What holds for the tree as a whole, read from its files.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Which of our crates each of our crates may use (ARCHITECTURE.md, the diagram).
const DIAGRAM: [(&str, &[&str]); 5] = [
    ("hizo-ledger", &[]),
    ("hizo-vault", &["hizo-ledger"]),
    ("hizo-store", &["hizo-ledger"]),
    ("hizo-keeper", &["hizo-ledger", "hizo-store"]),
    ("hizo", &["hizo-keeper", "hizo-ledger", "hizo-store", "hizo-vault"]),
];

/// Crates that hide bytes without saying whether they were changed. (`salsa20` is in the tree as the core of scrypt.)
const UNAUTHENTICATED: [&str; 12] =
    ["cbc", "cfb-mode", "cfb8", "ctr", "ecb", "ofb", "xts-mode", "rc4", "des", "blowfish", "magic-crypt", "openssl"];

/// Which feature runs which other one, and what it may name of it (docs/decisions/0007-a-feature-may-run-another-one.md):
/// the function, what goes into it and comes out, and the words in which its outcome is told.
const RUNS: [(&str, &str, &[&str]); 17] = [
    ("case", "init", &["command::set_up", "init_beside", "init_with"]),
    ("directory", "verify", &["verify", "Request"]),
    ("handover", "deposit", &["deposit", "Request"]),
    ("handover", "restore", &["restore", "Request"]),
    ("handover", "space", &["page"]),
    ("keeper", "verify", &["verify", "Request"]),
    ("moving", "proof", &["logged"]),
    ("try_it", "init", &["init"]),
    ("try_it", "deposit", &["deposit", "Request", "Made", "Watcher", "command::Bar"]),
    ("try_it", "restore", &["restore", "Request"]),
    ("try_it", "proof", &["prove", "Request", "Proved"]),
    ("try_it", "verify", &["verify", "Request"]),
    ("try_it", "keeper", &["while_it_answers", "answer", "At"]),
    ("try_it", "directory", &["lay_down"]),
    ("watch", "check", &["sample_in_passing", "sample_in_time"]),
    ("watch", "directory", &["update::in_passing"]),
    (
        "watch",
        "deposit",
        &[
            "deposit",
            "Request",
            "Made",
            "Watcher",
            "command::Bar",
            "command::check_names",
            "command::left_out",
            "command::whole",
        ],
    ),
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Files below a folder whose name ends so.
fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let mut found = crate::kit::files_below(folder);
    found.retain(|path| path.to_string_lossy().ends_with(ending));
    found
}

/// Names of our crates in one table of a manifest.
fn ours(manifest: &str, table: &str) -> BTreeSet<String> {
    let lines = manifest.lines().skip_while(|line| *line != format!("[{table}]")).skip(1);
    let names = lines.take_while(|line| !line.starts_with('[')).filter_map(|line| line.split(['.', ' ', '=']).next());
    names.filter(|name| name.starts_with("hizo")).map(str::to_owned).collect()
}

#[test]
fn every_crate_uses_only_what_the_diagram_lets_it() {
    let manifests = files(&root().join("crates"), "Cargo.toml");
    assert_eq!(manifests.len(), DIAGRAM.len(), "the diagram names every crate: {manifests:?}");
    for (name, allowed) in DIAGRAM {
        let manifest = read(&root().join("crates").join(name).join("Cargo.toml"));
        let allowed: BTreeSet<String> = allowed.iter().map(|name| (*name).to_owned()).collect();
        assert_eq!(ours(&manifest, "dependencies"), allowed, "{name}");
        let tested_with = ours(&manifest, "dev-dependencies");
        assert!(tested_with.is_subset(&allowed), "the tests of {name} use {tested_with:?}");
        assert_eq!(ours(&manifest, "build-dependencies"), BTreeSet::new(), "{name}");
        assert!(!manifest.contains("build ="), "{name} has a build script");
        assert!(manifest.contains("[lints]\nworkspace = true"), "{name} keeps the workspace's lints");
    }
}

#[test]
fn no_file_of_ours_has_unsafe_code() {
    assert!(read(&root().join("Cargo.toml")).contains("unsafe_code = \"forbid\""));
    for folder in ["crates", "xtask", "bench"] {
        for path in files(&root().join(folder), ".rs") {
            for (number, line) in read(&path).lines().enumerate() {
                let code = line.split("//").next().unwrap_or_default();
                let code = code.split('"').step_by(2).collect::<String>();
                let words = code.split(|letter: char| !letter.is_alphanumeric() && letter != '_');
                assert!(words.into_iter().all(|word| word != "unsafe"), "{}:{}", path.display(), number + 1);
            }
        }
    }
}

#[test]
fn nothing_in_the_tree_encrypts_without_authenticating() {
    let lock = read(&root().join("Cargo.lock"));
    for name in UNAUTHENTICATED {
        assert!(!lock.contains(&format!("name = \"{name}\"\n")), "{name} is in the tree");
    }
    for path in files(&root().join("crates"), ".rs") {
        if path.ends_with("tests/all/tidy.rs") {
            continue;
        }
        let text = read(&path);
        for way in ["aws_lc_rs::cipher", "UnboundCipherKey", "PaddedBlockEncryptingKey", "StreamingEncryptingKey"] {
            assert!(!text.contains(way), "{} uses {way}", path.display());
        }
    }
}

#[test]
fn a36_the_keeper_serves_no_page_and_no_program() {
    for path in files(&root().join("crates/hizo-keeper/src"), ".rs") {
        let text = read(&path).to_lowercase();
        for kind in ["text/html", "javascript", "wasm", "text/css", "x-executable", "shellscript"] {
            assert!(!text.contains(kind), "{} speaks of {kind}", path.display());
        }
    }
}

#[test]
fn the_keeper_and_the_store_know_no_feature() {
    let features = fs::read_dir(root().join("crates/hizo/src/features")).unwrap().map(|item| item.unwrap().path());
    let features: Vec<String> = features
        .filter(|path| path.is_dir())
        .map(|path| path.file_name().unwrap().to_string_lossy().into_owned())
        .collect();
    assert!(features.len() >= 5, "{features:?}");
    for name in ["hizo-keeper", "hizo-store"] {
        for path in files(&root().join("crates").join(name).join("src"), ".rs") {
            let text = read(&path);
            assert!(!text.contains("hizo_vault"), "{} names the vault", path.display());
            for feature in &features {
                for shape in [
                    format!("fn {feature}("),
                    format!("fn {feature}<"),
                    format!("mod {feature}"),
                    format!("/{feature}\""),
                ] {
                    // `check` and `list` are words of every store, `send` and `status` of HTTP; a keeper says that it is one, has a log, keeps spaces,
                    // and is asked by witnesses.
                    let words = ["check", "list", "init", "keeper", "log", "send", "space", "status", "witness"];
                    let own = words.contains(&feature.as_str());
                    assert!(own || !text.contains(&shape), "{} has {shape:?}", path.display());
                }
            }
        }
    }
}

/// What a path or a tree of paths names, as in a `use`: `a::{b, c::d}` names `a::b` and `a::c::d`.
fn paths(text: &str) -> Vec<String> {
    if let Some(inside) = text.strip_prefix('{') {
        let (mut depth, mut starts, mut end) = (0, vec![0], inside.len());
        for (place, letter) in inside.char_indices() {
            match letter {
                '{' => depth += 1,
                ',' if depth == 0 => starts.push(place + 1),
                '}' if depth == 0 => {
                    end = place;
                    break;
                }
                '}' => depth -= 1,
                _ => (),
            }
        }
        let ends = starts.iter().skip(1).map(|start| start - 1).chain([end]);
        let parts = starts.iter().zip(ends).map(|(start, end)| inside[*start..end].trim());
        return parts.filter(|part| !part.is_empty()).flat_map(paths).collect();
    }
    let name: String = text.chars().take_while(|letter| letter.is_alphanumeric() || *letter == '_').collect();
    match text[name.len()..].strip_prefix("::") {
        Some(rest) => paths(rest).into_iter().map(|path| format!("{name}::{path}")).collect(),
        None => vec![name],
    }
}

/// What a source names of other features, whether by the whole path or by a module that it imported.
fn named_of_features(text: &str, features: &[String]) -> BTreeSet<String> {
    let whole = text.match_indices("features::").flat_map(|(place, found)| paths(&text[place + found.len()..]));
    let mut named: BTreeSet<String> = whole.collect();
    let imported = |feature: &&String| named.contains(*feature) || named.contains(&format!("{feature}::self"));
    for feature in features.iter().filter(imported).cloned().collect::<Vec<_>>() {
        for (place, found) in text.match_indices(&format!("{feature}::")) {
            let before = text[..place].chars().last().unwrap_or(' ');
            if !(before.is_alphanumeric() || "_:.".contains(before)) {
                named.extend(paths(&text[place + found.len()..]).into_iter().map(|path| format!("{feature}::{path}")));
            }
        }
    }
    named
}

#[test]
fn a_tree_of_paths_names_each_of_its_leaves() {
    let text = "use crate::features::{init, deposit::{self, command::{Bar, whole}}};\ndeposit::Request::new(safe.deposit::<u8>())";
    let features = ["init", "deposit"].map(str::to_owned);
    let expected =
        ["deposit::Request::new", "deposit::command::Bar", "deposit::command::whole", "deposit::self", "init"];
    assert_eq!(named_of_features(text, &features).into_iter().collect::<Vec<_>>(), expected);
}

#[test]
fn a_feature_names_no_other_one_unless_it_runs_it() {
    let features = root().join("crates/hizo/src/features");
    let names: Vec<String> = fs::read_dir(&features)
        .unwrap()
        .map(|item| item.unwrap().path())
        .filter(|path| path.is_dir())
        .map(|path| path.file_name().unwrap().to_string_lossy().into_owned())
        .collect();
    let mut used = BTreeSet::new();
    for name in &names {
        // A test may begin with what another feature makes.
        for path in files(&features.join(name), ".rs").into_iter().filter(|path| !path.ends_with("tests.rs")) {
            let text = read(&path);
            // Above a feature's own `mod.rs` stand the others.
            let above = if path == features.join(name).join("mod.rs") { "super::" } else { "super::super::" };
            let climbs = names.iter().any(|other| other != name && text.contains(&format!("{above}{other}")));
            assert!(!climbs, "{} climbs out of its feature", path.display());
            for named in named_of_features(&text, &names) {
                let other = named.split("::").next().unwrap_or_default();
                if other == name {
                    continue;
                }
                let module = named == other || named == format!("{other}::self");
                let allowed = RUNS.iter().find(|(by, of, what)| {
                    let begins = |what: &&&str| format!("{named}::").starts_with(&format!("{of}::{what}::"));
                    *by == name && *of == other && (module || what.iter().any(|what| begins(&what)))
                });
                assert!(allowed.is_some(), "{} uses {named}", path.display());
                used.extend(allowed.map(|(by, of, _)| (*by, *of)));
            }
        }
    }
    assert_eq!(used, RUNS.iter().map(|(by, of, _)| (*by, *of)).collect(), "a permission that nobody needs");
}

#[test]
fn what_features_share_names_no_feature() {
    let source = root().join("crates/hizo/src");
    for path in files(&source, ".rs") {
        // One table says which command is which, one which page is where.
        let tables = [source.join("main.rs"), source.join("desk/routes.rs")];
        // A test may begin with what a feature makes.
        let free = path.starts_with(source.join("features")) || tables.contains(&path) || path.ends_with("tests.rs");
        assert!(free || !read(&path).contains("features::"), "{} names a feature", path.display());
    }
}

#[test]
fn a_back_end_is_named_where_a_folder_is_opened_and_nowhere_else() {
    let crates = root().join("crates");
    let named: BTreeSet<PathBuf> = ["hizo-keeper/src", "hizo/src"]
        .into_iter()
        .flat_map(|source| files(&crates.join(source), ".rs"))
        .filter(|path| ["FileObjects", "SqliteJournal", "rusqlite"].iter().any(|word| read(path).contains(word)))
        .map(|path| path.strip_prefix(&crates).unwrap().to_owned())
        .collect();
    // A keeper in a folder, its second directory, and what waits on this machine.
    let folders =
        ["hizo-keeper/src/copy.rs", "hizo-keeper/src/embedded.rs", "hizo/src/queue.rs", "hizo/src/queue/away.rs"];
    assert_eq!(named, folders.map(PathBuf::from).into());
}

#[test]
fn every_page_that_is_named_is_there() {
    let mut named: BTreeMap<String, PathBuf> = BTreeMap::new();
    let mut texts = files(&root().join("crates"), ".rs");
    texts.extend(files(&root().join("docs"), ".md"));
    texts.extend(files(&root().join("crates"), "Cargo.toml"));
    for name in ["README.md", "ARCHITECTURE.md", "SECURITY.md", "CHANGELOG.md"] {
        texts.extend(Some(root().join(name)).filter(|path| path.exists()));
    }
    for path in texts {
        let text = read(&path);
        for (start, _) in text.match_indices("docs/") {
            let page: String = text[start..]
                .chars()
                .take_while(|letter| letter.is_ascii_alphanumeric() || "/-_.".contains(*letter))
                .collect();
            let page = page.trim_end_matches('.');
            if page.ends_with(".md") && !page.contains("NAME") {
                named.insert(page.to_owned(), path.clone());
            }
        }
    }
    let missing: Vec<_> = named.iter().filter(|(page, _)| !root().join(page).is_file()).collect();
    assert!(missing.is_empty(), "{missing:#?}");
    assert!(named.len() > 5, "{named:?}");
}

#[test]
fn every_link_between_pages_leads_somewhere() {
    let mut pages = files(&root().join("docs"), ".md");
    pages.extend(
        ["README.md", "ARCHITECTURE.md", "SECURITY.md"]
            .map(|name| root().join(name))
            .into_iter()
            .filter(|path| path.exists()),
    );
    for page in pages {
        let text = read(&page);
        for (_, behind) in text.match_indices("](").map(|(place, _)| text.split_at(place + 2)) {
            let target = behind.split([')', '#', ' ']).next().unwrap_or_default();
            if target.is_empty() || target.contains("://") || target.starts_with("mailto:") {
                continue;
            }
            assert!(page.parent().unwrap().join(target).exists(), "{} leads to {target}", page.display());
        }
    }
}

#[test]
fn every_test_that_the_security_page_names_is_there() {
    let page = read(&root().join("docs/spec/security.md"));
    let mut named = 0;
    for line in page.lines().filter(|line| line.starts_with("| A")) {
        let pieces: Vec<&str> = line.split('`').collect();
        for pair in pieces.windows(3).filter(|pair| pair[1] == " ") {
            let (package, test) = (pair[0], pair[2]);
            let name = test.rsplit("::").next().unwrap_or_default();
            let folder = root().join("crates").join(package);
            let found = files(&folder, ".rs").iter().any(|path| read(path).contains(&format!("fn {name}(")));
            assert!(found, "{package} has no test {test}");
            named += 1;
        }
    }
    assert!(named > 20, "{named} tests are named");
}

#[test]
fn every_patch_that_takes_a_defence_out_still_applies() {
    let patches = files(&root().join("undefended"), ".patch");
    assert!(!patches.is_empty());
    let page = fs::read_to_string(root().join("docs/spec/security.md")).unwrap();
    for patch in patches {
        let name = patch.file_stem().unwrap().to_str().unwrap();
        let is_named = [format!("| {name} |"), format!("`{name}`")].iter().any(|said| page.contains(said));
        assert!(is_named, "{name}: docs/spec/security.md does not say what came of it");
        let mut command = crate::kit::program("git");
        command.current_dir(root()).args(["apply", "--check"]).arg(&patch);
        let said = crate::kit::said(&mut command);
        assert_eq!(said.code, Some(0), "{}: {said:?}", patch.display());
    }
}

#[test]
fn no_form_of_the_desk_but_the_passphrases_is_filled_in_by_a_browser_that_remembers() {
    let pages = Path::new(env!("CARGO_MANIFEST_DIR")).join("pages");
    let mut forms = 0;
    for entry in fs::read_dir(pages).unwrap().map(Result::unwrap) {
        // The frame's own forms have buttons alone.
        if ["unlock.html", "frame.html"].iter().any(|other| entry.file_name() == *other) {
            continue;
        }
        for form in fs::read_to_string(entry.path()).unwrap().split("<form").skip(1) {
            forms += 1;
            let tag = form.split('>').next().unwrap();
            assert!(tag.contains("autocomplete=\"off\""), "{:?}: <form{tag}>", entry.file_name());
        }
    }
    assert!(forms > 20);
}
