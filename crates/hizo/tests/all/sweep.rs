//! The sweep over the command line: deposits that were cut short are taken away, and whoever goes on with one loses nothing.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use hizo_keeper::EmbeddedKeeper;
use hizo_store::NamedBytes;
use serde_json::Value;

use crate::keeper::Process;
use crate::kit::{Home, assert_same, noise, program, said, tree};
use crate::liar::{Answer, Asked, Liar};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Lets a week and a day pass for what a keeper has, and for its sweep.
fn pass(data: &Path) {
    for file in crate::kit::files_below(&data.join("objects")) {
        fs::File::open(file).unwrap().set_modified(SystemTime::now() - DAY * 8).unwrap();
    }
    let path = data.join("sweep");
    let text = fs::read_to_string(&path).unwrap();
    let mut lines = text.lines();
    let (first, seconds, seen) = (lines.next().unwrap(), lines.next().unwrap(), lines.next().unwrap());
    let seconds: u64 = seconds.strip_prefix("seconds ").unwrap().parse().unwrap();
    fs::write(&path, format!("{first}\nseconds {}\n{seen}\n", seconds + DAY.as_secs())).unwrap();
}

/// A safe whose keeper has a configuration, behind somebody who may hold up what is asked.
struct Scene {
    home: Home,
    folder: PathBuf,
    data: PathBuf,
    config: PathBuf,
    keeper: Process,
    liar: Liar,
}

impl Scene {
    fn new() -> Self {
        let home = Home::unmade();
        let (data, config) = (home.folder.path().join("data"), home.folder.path().join("keeper.toml"));
        let text = "data = \"data\"\nlisten = \"127.0.0.1:0\"\n\n[admission]\nmode = \"open\"\n";
        fs::write(&config, text).unwrap();
        let keeper = Process::start_by(&config);
        let liar = Liar::before(&keeper.address());
        home.ok(["init", "--keeper", &liar.address]);
        home.make_cheap();
        let folder = home.beside("moulds");
        fs::write(folder.join("KX-204.dxf"), noise(1, 17 << 20)).unwrap();
        fs::write(folder.join("notes"), "first\n").unwrap();
        Self { home, folder, data, config, keeper, liar }
    }

    fn sweep(&self) -> Value {
        sweep(&self.config)
    }

    /// The deposit comes out whole, whatever happened before.
    fn is_kept_whole(&self) {
        self.liar.is_honest();
        assert_same(&tree(&self.folder), &tree(&self.home.restore("latest:moulds", "out")));
        self.home.ok(["check"]);
        // Twice more, as if weeks had passed: nothing that is named goes.
        for _ in 0..3 {
            pass(&self.data);
            self.sweep();
        }
        self.home.ok(["check"]);
    }
}

fn sweep(config: &Path) -> Value {
    let swept = said(program(env!("CARGO_BIN_EXE_hizo")).args(["keeper", "sweep", "--json", "--config"]).arg(config));
    assert_eq!(swept.code, Some(0), "{swept:?}");
    swept.json()
}

fn is_append(asked: &Asked) -> bool {
    asked.method == "POST" && asked.path.ends_with("/records")
}

#[test]
fn a_deposit_that_was_cut_short_is_swept_and_goes_on_afterwards() {
    let scene = Scene::new();
    for is_removed in [false, true] {
        fs::write(scene.folder.join("KX-204.dxf"), noise(50 + u64::from(is_removed), 17 << 20)).unwrap();
        scene.liar.refuses(|asked| is_append(asked).then(|| Answer::new(500, "not now\n")));
        scene.home.fails(4, "not now", ["deposit", scene.folder.to_str().unwrap(), "--series", "moulds"]);
        assert_eq!(scene.sweep()["marked"], 0, "it is young");
        pass(&scene.data);
        let swept = scene.sweep();
        assert!(swept["marked"].as_u64().unwrap() >= 4 && swept["removed"] == 0, "{swept}");
        if is_removed {
            pass(&scene.data);
            let swept = scene.sweep();
            assert!(swept["bytes"].as_u64().unwrap() >= 17 << 20, "{swept}");
            assert_eq!(swept["unnamed_bytes"], 0, "{swept}");
        }
        scene.liar.is_honest();
        scene.home.deposit(&scene.folder, "moulds");
        scene.is_kept_whole();
        fs::remove_dir_all(scene.home.folder.path().join("out")).unwrap();
    }
    assert_eq!(scene.keeper.get("/health").0, 200);
}

/// Whoever appends for the first time finds that a week and a day have passed, and twice so if everything is to be gone.
fn sweeps_before_the_append(scene: &Scene, times: usize) {
    let (data, config, mut left) = (scene.data.clone(), scene.config.clone(), times);
    scene.liar.refuses(move |asked| {
        while is_append(asked) && left > 0 {
            pass(&data);
            sweep(&config);
            left -= 1;
        }
        None
    });
}

#[test]
fn a_deposit_whose_objects_are_swept_under_it_is_sealed_anew_at_once() {
    let scene = Scene::new();
    for times in [1, 2] {
        fs::write(scene.folder.join("KX-204.dxf"), noise(70 + times as u64, 17 << 20)).unwrap();
        sweeps_before_the_append(&scene, times);
        scene.home.deposit(&scene.folder, "moulds");
        scene.is_kept_whole();
        fs::remove_dir_all(scene.home.folder.path().join("out")).unwrap();
    }
}

#[test]
fn what_waits_is_put_again_from_the_queue_when_it_is_swept_before_its_record_comes() {
    let mut scene = Scene::new();
    scene.home.deposit(&scene.folder, "moulds");
    for times in [1, 2] {
        let address = scene.keeper.address();
        scene.keeper.end("-KILL");
        fs::write(scene.folder.join("KX-204.dxf"), noise(70 + times as u64, 17 << 20)).unwrap();
        let mut command = scene.home.command();
        let sealed = said(command.arg("deposit").arg(&scene.folder).args(["--series", "moulds"]));
        assert_eq!(sealed.code, Some(6), "{sealed:?}");
        let text = fs::read_to_string(&scene.config).unwrap();
        let listen = text.lines().nth(1).unwrap().to_owned();
        fs::write(&scene.config, text.replace(&listen, &format!("listen = {address:?}"))).unwrap();
        scene.keeper = Process::start_by(&scene.config);
        sweeps_before_the_append(&scene, times);
        scene.home.ok(["send"]);
        scene.is_kept_whole();
        fs::remove_dir_all(scene.home.folder.path().join("out")).unwrap();
    }
}

#[test]
fn a_check_of_an_own_keeper_removes_what_was_left_over_long_ago_and_nothing_else() {
    let home = Home::new();
    let folder = home.beside("moulds");
    fs::write(folder.join("KX-204.dxf"), noise(1, 1 << 20)).unwrap();
    home.deposit(&folder, "moulds");
    let data = home.path.join("keeper");
    let keeper = EmbeddedKeeper::open_embedded(&data).unwrap();
    let orphan = NamedBytes::name(b"left over".to_vec()).unwrap();
    keeper.put(keeper.spaces().unwrap()[0], &orphan).unwrap();
    drop(keeper);
    let check = || {
        let report = home.ok(["check", "--json"]).json();
        [&report["unnamed_objects"], &report["swept_objects"]].map(|count| count.as_u64().unwrap())
    };
    assert_eq!(check(), [1, 0]);
    pass(&data);
    assert_eq!(check(), [1, 0], "it is marked first");
    assert_eq!(check(), [1, 0], "a day has to pass");
    // Of one series only, nothing is swept.
    pass(&data);
    home.ok(["check", "--series", "moulds"]);
    assert_eq!(check(), [0, 1]);
    assert_eq!(check(), [0, 0]);
    assert_same(&tree(&folder), &tree(&home.restore("latest:moulds", "out")));
}

#[test]
fn the_folder_of_another_keeper_that_is_configured_as_the_second_is_left_as_it_is() {
    let [theirs, ours] = [Scene::new(), Scene::new()];
    theirs.home.deposit(&theirs.folder, "moulds");
    let config = format!("{}\n[copy]\ndirectory = {:?}\n", fs::read_to_string(&ours.config).unwrap(), theirs.data);
    fs::write(&ours.config, config).unwrap();
    let held = crate::kit::files_below(&theirs.data.join("objects"));
    for _ in 0..3 {
        pass(&theirs.data);
        pass(&ours.data);
        let mut command = program(env!("CARGO_BIN_EXE_hizo"));
        let swept = said(command.args(["keeper", "sweep", "--json", "--config"]).arg(&ours.config));
        assert_eq!(swept.code, Some(3), "{swept:?}");
        assert!(swept.json()["second_left"].as_str().unwrap().contains("another keeper"), "{swept:?}");
    }
    assert_eq!(crate::kit::files_below(&theirs.data.join("objects")), held);
    theirs.home.ok(["check"]);
}
