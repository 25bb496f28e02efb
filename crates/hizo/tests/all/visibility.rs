//! Who sees what of a case: every party, every thing, at every level of consent, as a table that is tried cell by cell.
//!
//! A cell is looked for in three places: everything that a party's keys open at the keeper with all that lies in his homes, everything
//! that his commands say and lay out, and every page of his desk that a link leads to. One that must be empty is looked for in the same heap in which others are
//! found, so that none passes by looking nowhere.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use hizo_vault::keys::IdentityFile;

use crate::case::{Beside, Scene};
use crate::desk::Desk;
use crate::handover::{all_that_opens, everything};
use crate::kit::{Home, PASSPHRASE, contains, contents_below, program, said};

/// What a party sees of a thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cell {
    /// The content.
    E,
    /// Its id, and so that it is there.
    D,
    /// Nothing.
    N,
}

use Cell::{D, E, N};

/// Parties; what the consent's level decides on stands there once for each.
///
/// Whoever the consent names receives, specialist, rescue team or police, and hizo makes no other difference between them than
/// what the company consents to for each, and tells the police alone: whom it suspects.
const PARTIES: [&str; 9] = ["company", "staff", "counsellor", "A", "B", "C", "D", "police", "keeper"];

/// The table: a thing, its mark, and a cell for each party.
const TABLE: [(&str, &str, [Cell; 9]); 12] = [
    ("safe contents that are no part of the case", "visible-safe-1101", [E, N, N, N, N, N, N, N, N]),
    ("name of a file there", "visible-file-1102", [E, N, N, N, N, N, N, N, N]),
    ("company's name", "VisibleWorks3303", [E, E, E, N, N, E, E, E, N]),
    ("narrative as it was told", "visible-told-2202", [E, E, E, N, N, N, N, N, N]),
    ("advice", "visible-advice-2203", [E, E, E, N, N, N, N, N, N]),
    ("technique facts", "visible-technique-4401", [E, E, E, E, E, E, E, E, N]),
    ("facts of the case", "visible-facts-4402", [E, E, E, N, E, E, E, E, N]),
    ("extract of raw logs", "visible-extract-4403", [E, E, E, N, N, N, E, E, N]),
    ("raw log beside the extract", "visible-raw-4404", [E, E, E, N, N, N, N, N, N]),
    (PURPOSE, "visible-purpose-D", [E, E, E, N, N, N, E, N, N]),
    (SUSPECT, "visible-suspect-5505", [E, N, N, N, N, N, N, E, N]),
    ("record of the technique facts", RECORD, [D, D, D, D, D, D, D, D, D]),
];

/// Where a desk has the hand-overs of its person, beside his safe.
const HANDED: &str = "hand-overs";
const RECEIVED: &str = "received";

/// Stands for an id that is known when the case is there.
const RECORD: &str = "the record's id";

const PURPOSE: &str = "purpose of the consent at D";
const SUSPECT: &str = "name of whom the company suspects";
const COMPANY: usize = 0;
const KEEPER: usize = 8;

/// A party: where his homes are, and what opens them.
struct Body {
    homes: Vec<(PathBuf, PathBuf)>,
    /// Homes of what he has left: no command shows it any more, and his keys open what they do.
    left: Vec<(PathBuf, PathBuf)>,
    /// The own space of the organisation for which he acts: his home of it, and its keeper's folder.
    acts_for: Option<(PathBuf, PathBuf)>,
}

/// What somebody can read, by the way in which he does.
#[derive(Default)]
struct Heap {
    by_keys: Vec<Vec<u8>>,
    by_commands: Vec<Vec<u8>>,
    by_desk: Vec<Vec<u8>>,
}

fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn is_in(heap: &[Vec<u8>], mark: &str) -> bool {
    heap.iter().any(|bytes| contains(bytes, mark.as_bytes()))
}

/// Whether an id stands there, in digits or as its bytes.
fn id_is_in(heap: &[Vec<u8>], id: &str) -> bool {
    let raw: Vec<u8> = (0..id.len()).step_by(2).map(|at| u8::from_str_radix(&id[at..at + 2], 16).unwrap()).collect();
    is_in(heap, id) || heap.iter().any(|bytes| contains(bytes, &raw))
}

impl Body {
    fn of(homes: &[(&Path, &Home)]) -> Self {
        let homes = homes.iter().map(|(home, of)| (home.to_path_buf(), of.passphrase_file())).collect();
        Self { homes, left: Vec::new(), acts_for: None }
    }

    fn heap(&self, data: &Path, scratch: &Path) -> Heap {
        let mut heap = Heap::default();
        for (home, _) in &self.left {
            let identity = IdentityFile::open(fs::read(home.join("identity.age")).unwrap(), PASSPHRASE).unwrap();
            heap.by_keys.extend(everything(data, home, &identity).1);
        }
        for (number, (home, phrase)) in self.homes.iter().enumerate() {
            let identity = IdentityFile::open(fs::read(home.join("identity.age")).unwrap(), PASSPHRASE).unwrap();
            let (opened, readable) = everything(data, home, &identity);
            assert!(opened > 0, "{home:?} opens nothing at all");
            heap.by_keys.extend(readable);
            heap.by_commands.extend(commands(home, phrase, &scratch.join(number.to_string())));
            heap.by_desk.extend(pages(home, phrase));
        }
        if let Some((home, keeper)) = &self.acts_for {
            let identity = IdentityFile::open(fs::read(home.join("identity.age")).unwrap(), PASSPHRASE).unwrap();
            heap.by_keys.extend(all_that_opens(&[keeper, data], &identity.identity));
        }
        heap
    }
}

/// Everything that commands say of a home, and all files that they lay out.
fn commands(home: &Path, phrase: &Path, to: &Path) -> Vec<Vec<u8>> {
    fs::create_dir_all(to).unwrap();
    let run = |arguments: &[&str]| {
        let mut command = program(env!("CARGO_BIN_EXE_hizo"));
        said(command.arg("--home").arg(home).arg("--passphrase-file").arg(phrase).args(arguments))
    };
    let mut found = Vec::new();
    for act in [
        &["list", "--json"][..],
        &["list"],
        &["space", "members", "--json"],
        &["case", "show", "--json"],
        &["case", "matrix", "--json"],
        &["case", "keep", "--json"],
        &["hand-over", "status", "--json"],
        &["hand-over", "open", "--json"],
        &["status", "--json"],
    ] {
        let said = run(act);
        found.extend([said.out.into_bytes(), said.err.into_bytes()]);
    }
    for entered in home.join(HANDED).read_dir().into_iter().flatten() {
        found.push(run(&["hand-over", "status", "--json", "--at", path(&entered.unwrap().path())]).out.into_bytes());
    }
    let listed = run(&["list", "--json"]).json();
    let series = listed["series"].as_array().unwrap().iter();
    for deposit in series.flat_map(|series| series["deposits"].as_array().unwrap()) {
        let id = deposit["deposit"].as_str().unwrap();
        let out = to.join(&id[..16]);
        found.extend(
            [run(&["show", id, "--json"]).out, run(&["restore", id, "--to", path(&out)]).out].map(String::into_bytes),
        );
        if out.exists() {
            found.extend(contents_below(&out));
        }
    }
    found
}

/// Every page of a desk that a link leads to.
fn pages(home: &Path, phrase: &Path) -> Vec<Vec<u8>> {
    let mut command = program(env!("CARGO_BIN_EXE_hizo"));
    let desk = Desk::start(command.arg("--home").arg(home));
    let cookie = desk.unlock_by(fs::read_to_string(phrase).unwrap().trim()).0;
    let (mut seen, mut waiting) =
        (BTreeSet::new(), vec![format!("{}/safe", desk.at()), format!("{}/cases", desk.at())]);
    let mut found = Vec::new();
    while let Some(page) = waiting.pop() {
        if !seen.insert(page.clone()) {
            continue;
        }
        assert!(seen.len() < 2_000, "pages without end");
        // What is no text is said by a command.
        if page.ends_with(".css") || page.ends_with(".svg") || page.contains("/paper/") || page.contains("/bytes") {
            continue;
        }
        let answer = desk.get(&page, &cookie);
        let links = answer.body.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next());
        waiting.extend(links.filter(|link| link.starts_with(desk.at())).map(|link| link.replace("&amp;", "&")));
        found.push(answer.body.into_bytes());
    }
    assert!(seen.len() > 10, "{seen:?}");
    found
}

/// A company with a safe of its own and a case, its staff, a counsellor, and a receiver for each level.
struct World {
    scene: Scene,
    owner: Home,
    staff: Home,
    receivers: Vec<Home>,
    record: String,
}

impl World {
    fn new() -> Self {
        let (scene, owner) = (Scene::new("leak"), Home::unmade());
        owner.ok(["init", "--name", "VisibleWorks3303", "--keeper", scene.keeper_url()]);
        owner.make_cheap();
        let own = owner.beside("own");
        fs::write(own.join("visible-file-1102.dxf"), "visible-safe-1101").unwrap();
        owner.deposit(&own, "moulds");

        let Scene { company, counsellor, .. } = &scene;
        company.ok(["case", "tell", "visible-told-2202 at VisibleWorks3303"]);
        counsellor.ok(["case", "advise", "visible-advice-2203"]);
        let files = company.beside("signs");
        for (name, text) in [
            ("technique.txt", "visible-technique-4401"),
            ("facts.txt", "visible-facts-4402"),
            ("extract.csv", "visible-extract-4403"),
            ("raw.csv", "visible-raw-4404"),
        ] {
            let folder = files.join(name.split('.').next().unwrap());
            fs::create_dir_all(&folder).unwrap();
            fs::write(folder.join(name), text).unwrap();
        }
        // The extract and what it was taken from lie in one deposit.
        fs::rename(files.join("raw/raw.csv"), files.join("extract/raw.csv")).unwrap();
        let mut record = String::new();
        for series in ["technique", "facts", "extract"] {
            let kept = company.deposit(&files.join(series), series);
            if record.is_empty() {
                record = kept["deposit"].as_str().unwrap().to_owned();
            }
        }
        let staff = let_staff_in(company);
        let mut receivers = Vec::new();
        for (party, items) in [
            ("A", &["latest:technique"][..]),
            ("B", &["latest:technique", "latest:facts"]),
            ("C", &["latest:technique", "latest:facts"]),
            ("D", &["latest:technique", "latest:facts", "latest:extract//extract.csv"]),
            ("police", &["latest:technique", "latest:facts", "latest:extract//extract.csv"]),
        ] {
            let level = if party == "police" { "D" } else { party };
            let receiver = Home::new();
            let key = receiver.ok(["consent", "key", "--json"]).json()["key"].as_str().unwrap().to_owned();
            let purpose = format!("visible-purpose-{party}");
            let mut give = [&["consent", "give", "--json"], items].concat();
            give.extend(["--receiver", &key, "--receiver-name", "J-CRAT", "--purpose", &purpose]);
            give.extend(["--until", "2099-12-31", "--level", level]);
            if ["C", "D"].contains(&level) {
                give.extend(["--company", "VisibleWorks3303"]);
            }
            let handover = company.ok(give).json()["handover"].as_str().unwrap().to_owned();
            scene.delivered(&handover, &receiver);
            let entered = company.folder.path().join(format!("entered {}", &handover[..8]));
            // Where the desks of both look for them.
            let places =
                [(&entered, company, HANDED), (&receiver.folder.path().join("home of it"), &receiver, RECEIVED)];
            for (home, of, folder) in places {
                fs::create_dir_all(of.path.join(folder)).unwrap();
                let place = of.path.join(folder).join(&handover);
                fs::rename(home, &place).unwrap();
                std::os::unix::fs::symlink(place, home).unwrap();
            }
            if party == "police" {
                let file = company.folder.path().join("suspect.txt");
                fs::write(&file, "visible-suspect-5505\nleaver 1").unwrap();
                Beside(company, entered).ok(&["hand-over", "suspect", "--file", path(&file)]);
                fs::remove_file(file).unwrap();
            }
            receivers.push(receiver);
        }
        Self { scene, owner, staff, receivers, record }
    }

    fn data(&self) -> PathBuf {
        self.scene.company.folder.path().join("data")
    }

    fn body(&self, party: usize) -> Body {
        let Scene { company, counsellor, .. } = &self.scene;
        match PARTIES[party] {
            "company" => {
                let entered: Vec<_> = beside(company, "entered ");
                let mut homes = vec![(company.path.as_path(), company), (self.owner.path.as_path(), &self.owner)];
                homes.extend(entered.iter().map(|home| (home.as_path(), company)));
                Body::of(&homes)
            }
            "staff" => Body::of(&[(&self.staff.path, &self.staff)]),
            "counsellor" => {
                let made: Vec<_> = beside(counsellor, "made ");
                assert_eq!(made.len(), self.receivers.len());
                let left: Vec<_> = made.iter().map(|home| (home.as_path(), counsellor)).collect();
                let centre = &self.scene.centre;
                Body {
                    left: Body::of(&left).homes,
                    acts_for: Some((centre.founder.path.clone(), centre.data())),
                    ..Body::of(&[(&counsellor.path, counsellor)])
                }
            }
            level => {
                let receiver =
                    &self.receivers[["A", "B", "C", "D", "police"].iter().position(|it| *it == level).unwrap()];
                Body::of(&[(&receiver.folder.path().join("home of it"), receiver), (&receiver.path, receiver)])
            }
        }
    }
}

fn beside(home: &Home, prefix: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(home.folder.path()).unwrap().map(|entry| entry.unwrap());
    entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(prefix)).map(|entry| entry.path()).collect()
}

/// One of the company's own people, with what was said before he came.
fn let_staff_in(company: &Home) -> Home {
    let home = Home::unmade();
    let file = |name: &str| home.folder.path().join(name);
    let (invite, request) = (file("invite"), file("request"));
    company.ok(["space", "invite", "--to", path(&invite)]);
    let join = ["space", "join", path(&invite), "--name", "田中", "--to", path(&request), "--json"];
    let words = home.ok(join).json()["words"].as_str().unwrap().to_owned();
    home.make_cheap();
    let admit = ["space", "admit", path(&request), "--words", &words, "--history", "--json"];
    let admitted = company.ok(admit).json();
    home.ok(["space", "join", "--words", admitted["words"].as_str().unwrap()]);
    home
}

#[test]
fn who_sees_what_is_as_the_table_says_for_every_party_thing_and_level() {
    let world = World::new();
    let scratch = tempfile::tempdir().unwrap();
    let mut wrong = Vec::new();
    for (party, name) in PARTIES.iter().enumerate() {
        let heap = match party {
            KEEPER => {
                let kept = contents_below(&world.data());
                Heap { by_keys: kept, ..Heap::default() }
            }
            _ => world.body(party).heap(&world.data(), &scratch.path().join(name)),
        };
        for (thing, mark, cells) in TABLE {
            let cell = cells[party];
            let id = mark == RECORD;
            let found = [&heap.by_keys, &heap.by_commands, &heap.by_desk].map(|heap| match id {
                true => id_is_in(heap, &world.record),
                false => is_in(heap, mark),
            });
            let is_right = match cell {
                N => found == [false; 3],
                // Of an id, where it can be read is no promise; that it can be is none of a content.
                D => found[0],
                E => found == [true; 3],
            };
            if !is_right {
                wrong.push(format!("{name}: {thing} is {cell:?}, found by keys, commands, desk: {found:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(PARTIES[COMPANY] == "company" && TABLE.iter().all(|(.., cells)| cells[COMPANY] != N), "all is somebody's");
    // What is laid open at the keeper is found there.
    fs::write(world.data().join("laid-open"), "visible-told-2202").unwrap();
    let kept = contents_below(&world.data());
    assert!(is_in(&kept, "visible-told-2202"));
}
