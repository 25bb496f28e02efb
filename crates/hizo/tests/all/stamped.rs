//! A keeper elsewhere that has its log stamped: proofs out of it, and stamps that are none.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use hizo_keeper::log::NewStamp;
use hizo_keeper::stamp::LocalAuthority;
use hizo_keeper::{EmbeddedKeeper, EmbeddedLog};
use hizo_ledger::id::SpaceId;
use hizo_ledger::record;
use hizo_ledger::timestamp::Moment;
use serde_json::Value;

use crate::keeper::Process;
use crate::kit::{Home, files_below};
use crate::liar::{Answer, Asked, Liar};
use crate::outside::{Outside, list, openssl};
use crate::stamps::{stock, verify};

/// As long as a test waits for something that must come.
const LONG: Duration = Duration::from_secs(120);

/// A safe whose keeper is elsewhere, behind somebody who may lie, with one deposit.
struct Scene {
    home: Home,
    data: PathBuf,
    config: PathBuf,
    keeper: Process,
    liar: Liar,
}

pub(crate) fn configure(config: &Path, data: &Path, listen: &str, stamps: &str) {
    let text = format!(
        "data = {data:?}\nlisten = {listen:?}\n\n[admission]\nmode = \"open\"\n\n[stamps]\npause_seconds = 1\n{stamps}"
    );
    fs::write(config, text).unwrap();
}

impl Scene {
    /// With these lines about who stamps.
    fn new(stamps: &str) -> Self {
        let home = Home::unmade();
        let (data, config) = (home.folder.path().join("data"), home.folder.path().join("keeper.toml"));
        configure(&config, &data, "127.0.0.1:0", stamps);
        let keeper = Process::start_by(&config);
        let liar = Liar::before(&keeper.address());
        home.ok(["init", "--keeper", &liar.address]);
        home.make_cheap();
        let folder = home.beside("moulds");
        fs::write(folder.join("KX-204.dxf"), "0\nSECTION\n").unwrap();
        home.deposit(&folder, "moulds");
        Self { home, data, config, keeper, liar }
    }

    fn own_space(&self) -> SpaceId {
        let kept = EmbeddedKeeper::open_embedded(&self.data).unwrap();
        EmbeddedLog::open(&self.data, &kept).unwrap().own().id()
    }

    fn stop(&mut self) -> String {
        let address = self.keeper.address();
        assert_eq!(self.keeper.end("-TERM"), Some(0));
        address
    }

    /// The same keeper with other lines.
    fn start_again(&mut self, address: &str, stamps: &str) {
        configure(&self.config, &self.data, address, stamps);
        self.keeper = Process::start_by(&self.config);
    }

    fn proof(&self, name: &str) -> PathBuf {
        let to = self.home.folder.path().join(name);
        self.home.ok(["proof", "latest:moulds", "--to", to.to_str().unwrap()]);
        to
    }

    fn fails_to_prove(&self, code: i32, says: &str) {
        let to = self.home.folder.path().join("none");
        self.home.fails(code, says, ["proof", "latest:moulds", "--to", to.to_str().unwrap()]);
        assert!(!to.exists());
    }
}

/// Waits until the newest deposit has such a stamp.
#[track_caller]
pub(crate) fn stamped(home: &Home, is_so: impl Fn(&Value) -> bool) -> Value {
    stamped_in(home, "moulds", is_so)
}

/// The same of a series.
#[track_caller]
pub(crate) fn stamped_in(home: &Home, series: &str, is_so: impl Fn(&Value) -> bool) -> Value {
    let until = Instant::now() + LONG;
    loop {
        let status = home.ok(["status", &format!("latest:{series}"), "--json"]).json();
        let stamp = &status["deposits"][0]["stamp"];
        if is_so(stamp) {
            return stamp.clone();
        }
        assert!(Instant::now() < until, "{status:#}");
    }
}

fn by(outside: &Outside) -> String {
    format!("self = false\nauthorities = {:?}\n", outside.list())
}

#[test]
fn a_keeper_elsewhere_that_stamps_for_itself_gives_proofs_that_are_not_independent() {
    let scene = Scene::new("");
    let home = &scene.home;
    let stamp = stamped(home, |stamp| !stamp.is_null());
    assert_eq!(stamp["independent"], false, "{stamp}");
    let said = home.ok(["status", "latest:moulds"]);
    assert!(said.out.contains("self-stamped, not independent"), "{said:?}");
    assert!(said.out.contains("next: the keeper stamps for itself only"), "{said:?}");
    let proof = scene.proof("proof");
    let told = verify(home, &proof, &[]);
    assert_eq!((told.code, &told.json()["doubts"][0]), (Some(4), &"self-stamped".into()), "{told:?}");
    // The stock tool agrees, by the root that the keeper names.
    let chain = fs::read_to_string(proof.join("stamps/self.pem")).unwrap();
    fs::write(proof.join("roots.pem"), chain).unwrap();
    let time = home.ok(["status", "latest:moulds", "--json"]).json()["deposits"][0]["stamp"]["since"].clone();
    let at = Moment::parse(time.as_str().unwrap()).unwrap().unix_seconds().to_string();
    let check =
        ["ts", "-verify", "-data", "checkpoint", "-in", "stamps/self.tsr", "-CAfile", "roots.pem", "-attime", &at];
    if let Some(said) = openssl(&proof, &check) {
        assert!(said.contains("Verification: OK"), "{said}");
    }
    home.ok(["check"]);
    // What is exported is what is published.
    let to = home.folder.path().join("log");
    home.ok([OsStr::new("log"), "export".as_ref(), "--to".as_ref(), to.as_os_str()]);
    let [published, exported] = [scene.data.join("log/stamps"), to.join("stamps")].map(|folder| {
        let files = files_below(&folder).into_iter();
        let file = |path: PathBuf| (path.strip_prefix(&folder).unwrap().to_owned(), fs::read(&path).unwrap());
        files.map(file).collect::<BTreeMap<PathBuf, Vec<u8>>>()
    });
    assert!(published.len() > 4 && published == exported, "{:?} {:?}", published.keys(), exported.keys());
    home.fails(1, "only whoever runs the keeper", ["log", "renew", "--now"]);
    home.fails(1, "the log has no independent stamp", ["log", "renew"]);
}

#[test]
fn an_authority_that_the_keeper_asks_counts_where_somebody_names_it_and_nowhere_else() {
    let Some(outside) = Outside::start() else { return };
    let scene = Scene::new(&by(&outside));
    let home = &scene.home;
    // Nobody on this machine has said who counts.
    let until = Instant::now() + LONG;
    let unknown = "authorities that this machine does not know";
    while !home
        .run(["proof", "latest:moulds", "--to", home.folder.path().join("none").to_str().unwrap()])
        .err
        .contains(unknown)
    {
        assert!(Instant::now() < until, "it was never stamped");
    }
    scene.fails_to_prove(4, "no stamp over this part");
    let said = home.ok(["status", "latest:moulds"]);
    assert!(said.out.contains("for its list of authorities (elsewhere)"), "{said:?}");
    let said = home.ok(["log", "authorities", outside.list().to_str().unwrap()]);
    assert!(said.out.contains("elsewhere: its stamps count"), "{said:?}");
    let stamp = stamped(home, |stamp| !stamp.is_null());
    assert_eq!(stamp["independent"], true, "{stamp}");
    let proof = scene.proof("proof");
    assert_eq!(verify(home, &proof, &[&outside]).code, Some(0));
    assert_eq!(verify(home, &proof, &[]).code, Some(4));
    assert_eq!(stock(&proof, &[&outside]), 1);
    assert!(proof.join("stamps/elsewhere.crl").is_file(), "the revocation lists of the day");
    let said = home.ok(["proof", "--refresh", proof.to_str().unwrap()]);
    assert!(said.out.contains("nothing to add"), "{said:?}");
    assert!(home.ok(["log", "renew"]).out.contains("nothing is due before"));
    home.ok(["check"]);
}

#[test]
fn a_keeper_stopped_between_publishing_and_stamping_stamps_after_its_start_and_proofs_are_refreshed() {
    let Some(outside) = Outside::start() else { return };
    let mut scene = Scene::new("");
    scene.home.ok(["log", "authorities", outside.list().to_str().unwrap()]);
    stamped(&scene.home, |stamp| !stamp.is_null());
    let proof = scene.proof("proof");
    assert_eq!(verify(&scene.home, &proof, &[&outside]).code, Some(4));
    let refresh = ["proof", "--refresh", proof.to_str().unwrap()];
    scene.home.fails(1, "no independent stamp covers this proof", refresh);
    let address = scene.stop();
    // Nothing is deposited meanwhile.
    scene.start_again(&address, &format!("authorities = {:?}\n", outside.list()));
    stamped(&scene.home, |stamp| stamp["independent"] == true);
    scene.home.ok(refresh);
    assert_eq!(verify(&scene.home, &proof, &[&outside]).code, Some(0));
    assert_eq!(stock(&proof, &[&outside]), 1);
}

#[test]
fn a_stamp_that_ends_soon_is_renewed_by_a_keeper_elsewhere_too() {
    let (Some(short), Some(long)) = (Outside::good_for("short", 200), Outside::good_for("long", 3650)) else { return };
    let mut scene = Scene::new(&by(&short));
    scene.home.ok(["log", "authorities", list(&[&short, &long]).to_str().unwrap()]);
    let first = stamped(&scene.home, |stamp| stamp["independent"] == true);
    let proof = scene.proof("proof");
    scene.home.fails(1, "no authority gave one for longer", ["log", "renew"]);
    let address = scene.stop();
    scene.start_again(&address, &format!("self = false\nauthorities = {:?}\n", list(&[&short, &long])));
    let until = Instant::now() + LONG;
    while scene.home.run(["log", "renew"]).code != Some(0) {
        assert!(Instant::now() < until, "it was never renewed");
    }
    scene.home.ok(["proof", "--refresh", proof.to_str().unwrap()]);
    let told = verify(&scene.home, &proof, &[&short, &long]).json();
    assert_eq!((&told["verdict"], &told["since"]), (&"holds".into(), &first["since"]), "{told:#}");
    assert!(told["before"].as_str() > first["before"].as_str(), "{told:#}");
    assert_eq!(stock(&proof, &[&short, &long]), 2);
}

#[test]
fn a42_a_stamp_that_a_keeper_elsewhere_swaps_cuts_swells_or_withholds_is_named_and_never_believed() {
    let scene = Scene::new("");
    stamped(&scene.home, |stamp| !stamp.is_null());
    let own = scene.own_space();
    let is = move |file: &str, asked: &Asked| match file {
        "answer" => asked.path.starts_with(&format!("/v1/spaces/{own}/objects/")),
        file => asked.path.starts_with("/log/stamps/") && asked.path.ends_with(file),
    };
    let cut = |honest: &Answer| Answer::new(200, honest.body[..honest.body.len() - 1].to_vec());
    let changed = |honest: &Answer| {
        let mut answer = honest.clone();
        let middle = answer.body.len() / 2;
        answer.body[middle] ^= 1;
        answer
    };
    let lies: [(&str, fn(&Answer) -> Answer, &str); 9] = [
        ("answer", cut, "not the one that the record names"),
        ("answer", changed, "not the one that the record names"),
        ("answer", |_| Answer::new(200, vec![0x30; 4 << 20]), "not the one that the record names"),
        ("answer", |_| Answer::new(404, "it is not here\n"), "its answer is missing"),
        ("/checkpoint", cut, "over no head of this log"),
        ("/checkpoint", changed, "over no head of this log"),
        ("/checkpoint", |_| Answer::new(200, vec![b'a'; 4 << 20]), "over no head of this log"),
        ("/heads", |_| Answer::new(404, "it is not here\n"), "over no head of this log"),
        ("/heads", |_| Answer::new(200, "ab\n".repeat(1 << 16)), "over no head of this log"),
    ];
    for (number, (file, lie, says)) in lies.into_iter().enumerate() {
        scene.liar.tells(move |asked, honest| is(file, asked).then(|| lie(honest)));
        scene.fails_to_prove(3, says);
        let said = scene.home.run(["status", "latest:moulds"]);
        assert_eq!(said.code, Some(3), "lie {number}: {said:?}");
        assert!(said.out.contains("not yet") && said.err.contains(says), "lie {number}: {said:?}");
        // Objects that are changed or missing, or stamps that are over nothing.
        let said = scene.home.run(["check"]);
        assert_eq!(said.code, Some(3), "lie {number}: {said:?}");
    }
    // One that says that it never took any has shown nothing false, and there is nothing to prove by.
    let records = format!("/v1/spaces/{}/records?", scene.own_space());
    scene.liar.tells(move |asked, _| asked.path.starts_with(&records).then(|| Answer::new(404, "it has not begun\n")));
    scene.fails_to_prove(4, "no stamp over this part");
    scene.liar.is_honest();
    scene.proof("proof");
}

#[test]
fn a42_stamps_that_a_keeper_elsewhere_has_logged_and_that_are_none_take_nothing_from_one_that_holds() {
    let mut scene = Scene::new("");
    stamped(&scene.home, |stamp| !stamp.is_null());
    let address = scene.stop();
    {
        let kept = EmbeddedKeeper::open_embedded(&scene.data).unwrap();
        let log = EmbeddedLog::open(&scene.data, &kept).unwrap();
        let local = LocalAuthority::open(&scene.data).unwrap().unwrap();
        let head = log.published().checkpoint().unwrap().unwrap();
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
        let another = local.stamp(b"another head", Moment::from_unix(now, 0).unwrap(), &mut || [7; 16]).unwrap();
        let good = local.stamp(&head, Moment::from_unix(now, 0).unwrap(), &mut || [7; 16]).unwrap();
        let huge = [good.as_slice(), &vec![0; 1 << 19]].concat();
        for answer in [b"no stamp at all".as_slice(), &good[..good.len() - 1], &another, &huge] {
            log.keep_stamp(&kept, &NewStamp { head: &head, authority: "false", answer, revocation: "" }).unwrap();
        }
    }
    scene.start_again(&address, "");
    let said = scene.home.run(["status", "latest:moulds"]);
    assert_eq!(said.code, Some(3), "{said:?}");
    assert!(said.out.contains("self-stamped") && said.err.contains("does not hold"), "{said:?}");
    let to = scene.home.folder.path().join("proof");
    let said = scene.home.ok(["proof", "latest:moulds", "--to", to.to_str().unwrap()]);
    assert_eq!(verify(&scene.home, &to, &[]).code, Some(4), "{said:?}");
    assert!(!to.join("stamps/false.tsr").exists());
    let checked = scene.home.run(["check", "--json"]);
    let faults = checked.json()["faults"].to_string();
    assert_eq!(checked.code, Some(3), "{checked:?}");
    for says in ["not DER", "over no head of this log"] {
        assert!(faults.contains(says), "{faults}");
    }
    assert_eq!(checked.json()["bad_objects"].as_array().unwrap().len(), 1, "the one that is too long: {checked:?}");
}

#[test]
fn a_keeper_elsewhere_that_gives_its_records_one_at_a_time_is_read_as_any_other() {
    let scene = Scene::new("");
    let whole = stamped(&scene.home, |stamp| !stamp.is_null());
    let own = format!("/v1/spaces/{}/records?", scene.own_space());
    scene.liar.tells(move |asked, honest| {
        let (first, mut answer) = (record::split_notes(&honest.body)?.first()?.to_vec(), honest.clone());
        answer.body = first;
        asked.path.starts_with(&own).then_some(answer)
    });
    assert_eq!(stamped(&scene.home, |_| true), whole);
    scene.home.ok(["check"]);
    scene.proof("proof");
}

#[test]
fn a42_a_keeper_elsewhere_whose_own_space_never_ends_keeps_nobody_for_ever() {
    let scene = Scene::new("");
    stamped(&scene.home, |stamp| !stamp.is_null());
    let own = format!("/v1/spaces/{}/records?", scene.own_space());
    scene.liar.heard();
    let (endless, mut first) = (own.clone(), Vec::new());
    scene.liar.tells(move |asked, honest| {
        asked.path.starts_with(&endless).then(|| {
            let mut answer = honest.clone();
            answer.set("hizo-head", &format!("{} {}", i64::MAX, "ab".repeat(32)));
            // Behind the last record comes the first one, again and again.
            match record::split_notes(&honest.body).and_then(|notes| Some(notes.first()?.to_vec())) {
                Some(note) => first = note,
                None => answer.body.clone_from(&first),
            }
            answer
        })
    });
    let to = scene.home.folder.path().join("log");
    for arguments in [&["status", "latest:moulds"][..], &["check"], &["log", "export", "--to", to.to_str().unwrap()]] {
        let said = scene.home.run(arguments);
        let asked = scene.liar.heard().iter().filter(|asked| asked.path.starts_with(&own)).count();
        assert!(asked < 100, "{asked} requests: {said:?}");
        assert!(arguments[0] == "log" || matches!(said.code, Some(3 | 4)), "{said:?}");
    }
}
