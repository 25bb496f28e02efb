//! A bad line between a client and its keeper: it breaks off anywhere, goes dead without a word, or trickles.

use std::ffi::OsStr;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use hizo_keeper::EmbeddedKeeper;

use crate::keeper::Process;
use crate::kit::{Dice, Home, assert_same, noise, said, tree};
use crate::liar::{Answer, Liar};
use crate::sharing::Firm;

/// What becomes of a connection.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Fault {
    None,
    /// Both ends are hung up on after so many bytes, in both directions together.
    Cut(u64),
    /// Nothing goes through any more after so many bytes, and nobody is told.
    Dead(u64),
    /// So many bytes at a time, and a rest of a millisecond behind each.
    Slow(usize),
}

/// Draws the fault of the next connection.
type Draw = Box<dyn FnMut() -> Fault + Send>;

/// Listens until the test is over.
pub(crate) struct Line {
    pub(crate) address: String,
    draw: Arc<Mutex<Draw>>,
    /// Connections that were cut.
    cuts: Arc<AtomicUsize>,
}

impl Line {
    /// Before the keeper at this address; sound as yet.
    pub(crate) fn before(keeper: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let draw: Arc<Mutex<Draw>> = Arc::new(Mutex::new(Box::new(|| Fault::None)));
        let cuts = Arc::<AtomicUsize>::default();
        let (keeper, drawing, cut) = (keeper.to_owned(), Arc::clone(&draw), Arc::clone(&cuts));
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let fault = (drawing.lock().unwrap())();
                let Ok(server) = TcpStream::connect(&keeper) else { continue };
                let passed = Arc::new(Mutex::new(0));
                for (from, to) in [(&client, &server), (&server, &client)] {
                    let (from, to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
                    let (passed, cut) = (Arc::clone(&passed), Arc::clone(&cut));
                    thread::spawn(move || carry(from, to, fault, &passed, &cut));
                }
            }
        });
        Self { address, draw, cuts }
    }

    /// From now on connections fare like this.
    pub(crate) fn fares(&self, draw: impl FnMut() -> Fault + Send + 'static) {
        *self.draw.lock().unwrap() = Box::new(draw);
    }
}

fn carry(mut from: TcpStream, mut to: TcpStream, fault: Fault, passed: &Mutex<u64>, cuts: &AtomicUsize) {
    let mut piece = vec![0; if let Fault::Slow(bytes) = fault { bytes } else { 16 << 10 }];
    while let Ok(read @ 1..) = from.read(&mut piece) {
        let mut passed = passed.lock().unwrap();
        let left = match fault {
            Fault::Cut(bytes) | Fault::Dead(bytes) => usize::try_from(bytes.saturating_sub(*passed)).unwrap(),
            Fault::None | Fault::Slow(_) => usize::MAX,
        };
        *passed += read as u64;
        drop(passed);
        if to.write_all(&piece[..read.min(left)]).is_err() {
            break;
        }
        match fault {
            Fault::Cut(_) if read >= left => {
                cuts.fetch_add(1, Ordering::Relaxed);
                break;
            }
            // It holds both ends, and takes nothing more.
            Fault::Dead(_) if read >= left => loop {
                thread::park();
            },
            Fault::Slow(_) => thread::sleep(Duration::from_millis(1)),
            Fault::Cut(_) | Fault::Dead(_) | Fault::None => {}
        }
    }
    for end in [from, to] {
        let _ = end.shutdown(Shutdown::Both);
    }
}

/// A safe behind a line, with one deposit of some megabytes.
fn behind(keeper: &Process) -> (Home, PathBuf, Line) {
    let (home, line) = (Home::unmade(), Line::before(&keeper.address()));
    home.ok(["init", "--keeper", &format!("http://{}", line.address)]);
    home.make_cheap();
    let folder = home.beside("moulds");
    fs::write(folder.join("KX-204.dxf"), noise(1, 3 << 20)).unwrap();
    home.deposit(&folder, "moulds");
    (home, folder, line)
}

fn is_whole(home: &Home, folder: &Path, deposit: &str) {
    assert_same(&tree(folder), &tree(&home.restore(deposit, "out")));
    fs::remove_dir_all(home.folder.path().join("out")).unwrap();
}

#[test]
fn a_line_that_breaks_off_anywhere_loses_and_doubles_nothing() {
    let place = tempfile::tempdir().unwrap();
    let keeper = Process::start(&place.path().join("data"));
    let (home, folder, line) = behind(&keeper);
    let (mut dice, mut kept, mut cuts) = (Dice::new(7), 1, 0);
    // Whoever meets a line that breaks asks for nine seconds.
    let rounds = if std::env::var_os("HIZO_TEST_EVERYTHING").is_some() { 12 } else { 2 };
    for round in 0..rounds {
        fs::write(folder.join("KX-204.dxf"), noise(10 + round, 1 << 20)).unwrap();
        let mut draw = Dice::new(100 + round);
        // Anywhere in a request or an answer, short ones as well as long ones.
        line.fares(move || match draw.below(3) {
            0 => Fault::Cut(draw.below(4_000)),
            1 => Fault::Cut(draw.below(1 << 21)),
            _ => Fault::None,
        });
        let mut command = home.command();
        let said = said(command.arg("deposit").arg(&folder).args(["--series", "moulds", "--json", "--reread"]));
        // Kept, sealed until the keeper can be reached, or not known: never another thing.
        assert!([Some(0), Some(4), Some(6)].contains(&said.code), "round {round}: {said:?}");
        cuts += u32::from(said.code != Some(0));
        line.fares(|| Fault::None);
        home.ok(["send"]);
        let deposits = home.deposits()["moulds"].len();
        assert!(deposits == kept + 1 || (deposits == kept && said.code == Some(4)), "round {round}: {deposits}");
        if deposits == kept + 1 {
            is_whole(&home, &folder, "latest:moulds");
        }
        kept = deposits;
        // Restoring meets the same line, and gives all or nothing.
        let at = dice.below(1 << 20);
        line.fares(move || Fault::Cut(1_000 + at));
        let before = line.cuts.load(Ordering::Relaxed);
        let to = home.folder.path().join("cut");
        let restored = home.run([OsStr::new("restore"), "latest:moulds".as_ref(), "--to".as_ref(), to.as_os_str()]);
        assert!(restored.code == Some(0) || !to.exists(), "{restored:?}");
        assert!(line.cuts.load(Ordering::Relaxed) > before, "round {round}: nothing was cut");
        line.fares(|| Fault::None);
        let _ = fs::remove_dir_all(&to);
        let _ = fs::remove_dir_all(to.with_extension("partial"));
        let _ = fs::remove_dir_all(to.with_extension("incomplete"));
    }
    home.ok(["check"]);
    println!("{cuts} of {rounds} deposits were not kept at once");
}

#[test]
fn a_line_that_trickles_carries_everything() {
    let place = tempfile::tempdir().unwrap();
    let keeper = Process::start(&place.path().join("data"));
    let (home, folder, line) = behind(&keeper);
    fs::write(folder.join("KX-204.dxf"), noise(2, 200_000)).unwrap();
    line.fares(|| Fault::Slow(700));
    home.deposit(&folder, "moulds");
    is_whole(&home, &folder, "latest:moulds");
}

#[test]
fn a_line_that_goes_dead_holds_up_nobody_but_its_own_client() {
    let place = tempfile::tempdir().unwrap();
    let keeper = Process::start(&place.path().join("data"));
    let (home, folder, line) = behind(&keeper);
    fs::write(folder.join("KX-204.dxf"), noise(3, 3 << 20)).unwrap();
    line.fares(|| Fault::Dead(1 << 20));
    let mut command = home.command();
    let mut waiting = command.arg("deposit").arg(&folder).args(["--series", "moulds", "--reread"]).spawn().unwrap();
    // Somebody else is served meanwhile, and whoever gives up finds all as it was.
    let (other, others, _) = behind(&keeper);
    is_whole(&other, &others, "latest:moulds");
    waiting.kill().unwrap();
    waiting.wait().unwrap();
    line.fares(|| Fault::None);
    home.deposit_with(&folder, "moulds", &["--reread"]);
    is_whole(&home, &folder, "latest:moulds");
    home.ok(["check"]);
}

#[test]
fn requests_that_come_twice_are_answered_as_once() {
    let place = tempfile::tempdir().unwrap();
    let data = place.path().join("data");
    let mut keeper = Process::start(&data);
    let (home, liar) = (Home::unmade(), Liar::before(&keeper.address()));
    home.ok(["init", "--keeper", &liar.address]);
    home.make_cheap();
    let folder = home.beside("moulds");
    // What stands between gets no answer in time, asks once more, and hands on the second answer. A session's note is good once.
    liar.repeats(|asked| !asked.path.ends_with("/sessions"));
    for number in 1..=3 {
        fs::write(folder.join("KX-204.dxf"), noise(number, 1 << 20)).unwrap();
        home.deposit_with(&folder, "moulds", &["--reread"]);
        is_whole(&home, &folder, "latest:moulds");
    }
    assert_eq!(home.deposits()["moulds"].len(), 3);
    home.ok(["check"]);
    keeper.end("-TERM");
    let keeper = EmbeddedKeeper::open_embedded(&data).unwrap();
    crate::load::account_comes_out(&keeper);
}

#[test]
fn a_keeper_that_is_started_anew_again_and_again_forgets_sessions_and_no_deposit() {
    let (firm, liar) = Firm::behind();
    let mut forgets = 3;
    liar.refuses(move |asked| {
        let has_token = asked.head.iter().any(|line| line.to_lowercase().starts_with("authorization:"));
        (has_token && forgets > 0).then(|| {
            forgets -= 1;
            Answer::new(401, "the token is unknown\n")
        })
    });
    firm.put(&firm.founder, "drawings", "while it was started anew");
}
