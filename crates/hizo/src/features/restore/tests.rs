//! Lists that are longer than what is held at hand, which a test reaches with a handful of entries: they are read in
//! passes, their contents in parts, and everything is as with a list at hand.

use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::{fs, io::Write as _};

use hizo_ledger::id::SeriesId;
use hizo_vault::manifest::Entry;
use tempfile::TempDir;

use super::*;
use crate::features::{check, deposit, init};
use crate::folder::walk;
use crate::safe::{Keyring, Safe};

const PASSPHRASE: &str = "a passphrase for tests";

struct Place {
    all: TempDir,
    folder: PathBuf,
    safe: Safe,
    keyring: Keyring,
}

impl Place {
    /// A folder in which names sort between others and what these hold, content has several names, and of one content
    /// there are more names than are laid out at a time.
    fn new() -> Self {
        let all = tempfile::tempdir().unwrap();
        let folder = all.path().join("folder");
        let home = init::init(&all.path().join("home"), "test", PASSPHRASE, None).unwrap();
        let safe = Safe::open(home).unwrap();
        let keyring = safe.unlock(PASSPHRASE).unwrap();
        let place = Self { all, folder, safe, keyring };
        for folder in ["a/deep/er", "a-b/c", "a.d", "shut"] {
            fs::create_dir_all(place.folder.join(folder)).unwrap();
        }
        for number in 0..11 {
            place.write(&format!("a/empty {number}"), b"");
        }
        for (name, seed, bytes) in
            [("a/deep/er/f", 1, 10_000), ("a-b/large", 2, 3 << 20), ("a-b/same", 2, 3 << 20), ("b", 3, 300_000)]
        {
            place.write(name, &noise(seed, bytes));
        }
        place.write("a.d/f", b"small");
        place.write("shut/f", b"in a folder that nobody may enter");
        fs::hard_link(place.folder.join("shut/f"), place.folder.join("z")).unwrap();
        fs::hard_link(place.folder.join("b"), place.folder.join("a-b/b")).unwrap();
        symlink("../b", place.folder.join("a.d/link")).unwrap();
        fs::set_permissions(place.folder.join("shut"), fs::Permissions::from_mode(0o555)).unwrap();
        place
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        fs::write(self.folder.join(name), bytes).unwrap();
    }

    fn deposit(&mut self) {
        let request = deposit::Request::of(vec![self.folder.clone()], "test");
        let device = self.safe.home.device().unwrap();
        deposit::deposit(&mut self.safe, &device, &request, &()).unwrap();
    }

    fn opened(&self) -> Opened<'_> {
        Opened { safe: &self.safe, keyring: &self.keyring }
    }

    fn deposits(&self) -> impl Iterator<Item = &Record> {
        self.safe.records.iter().filter(|record| record.envelope().deposit.is_some())
    }

    fn last(&self) -> &Record {
        self.deposits().last().unwrap()
    }

    fn restore(&self, name: &str, paths: &[&str]) -> Restored {
        let paths = paths.iter().map(|path| path.as_bytes().to_vec()).collect();
        let request = Request::private(self.all.path().join(name), paths);
        restore(self.opened(), self.last(), &request, &()).unwrap()
    }

    /// The same over what an earlier restore has left there.
    fn go_on(&self, name: &str) -> Outcome<Restored> {
        let request = Request { goes_on: true, ..Request::private(self.all.path().join(name), Vec::new()) };
        restore(self.opened(), self.last(), &request, &())
    }

    /// Where the last pack of a deposit lies.
    fn pack(&self, deposit: &Record) -> PathBuf {
        let name = self.opened().objects(deposit).unwrap().last().unwrap().id().to_string();
        let home = self.all.path().join("home");
        let files = walk::walk(std::slice::from_ref(&home), &[]).unwrap();
        let is_pack = |path: &[u8]| path.ends_with(name.as_bytes()) || is_of(path, &name);
        let found = files.iter().find(|found| is_pack(&found.path)).unwrap();
        home.join(String::from_utf8(found.path.to_vec()).unwrap())
    }

    /// Two deposits, and what a restore of the second one leaves whose own pack is out of reach for a while.
    fn cut_short() -> (Self, PathBuf) {
        let mut place = Self::new();
        place.deposit();
        place.write("later", &noise(5, 2 << 20));
        place.deposit();
        let (pack, away) = (place.pack(place.last()), place.all.path().join("away"));
        fs::rename(&pack, &away).unwrap();
        let restored = place.restore("out", &[]);
        fs::rename(&away, &pack).unwrap();
        assert!(restored.to.ends_with("out.incomplete") && restored.lost.len() == 1, "{restored:?}");
        (place, restored.to)
    }

    fn check(&self) -> check::Report {
        check::check(&self.safe, Some(&self.keyring), None::<SeriesId>, &()).unwrap()
    }
}

fn noise(seed: u8, bytes: usize) -> Vec<u8> {
    let mut noise = vec![0; bytes];
    blake3::Hasher::new().update(&[seed]).finalize_xof().fill(&mut noise);
    noise
}

/// What of a folder has to come back: paths, kinds, targets, modes, times of all but links, which nothing sets; and bytes.
fn facts(folder: &Path) -> Vec<(Vec<u8>, String, Vec<u8>)> {
    let listing = walk::walk(&[folder.to_owned()], &[]).unwrap();
    let fact = |found: crate::folder::listing::Found| {
        let path = listing.on_disk(&found.path).unwrap();
        let bytes = if path.is_file() { fs::read(&path).unwrap() } else { Vec::new() };
        let facts = format!("{:?} {:o} {}", found.kind, found.stat.mode, found.stat.mtime_ns);
        (found.path.to_vec(), facts, bytes)
    };
    listing.iter().map(fact).collect()
}

#[test]
fn a_list_that_is_read_in_passes_is_the_one_at_hand() {
    let mut place = Place::new();
    place.deposit();
    place.write("b", &[&noise(3, 200_000)[..], &noise(4, 100_000)].concat());
    fs::remove_file(place.folder.join("a/empty 3")).unwrap();
    place.write("a/empty 4", b"no longer");
    place.deposit();
    fs::rename(place.folder.join("a-b/same"), place.folder.join("y")).unwrap();
    place.deposit();
    let mut chains = Vec::new();
    for record in place.deposits() {
        let list = place.opened().list(record).unwrap();
        assert!(matches!(list, List::Sealed(..)), "it was to be read in passes");
        let manifest = place.opened().manifest(record).unwrap();
        let read: Vec<_> = list.entries().unwrap().map(|entry| Entry::clone(&entry.unwrap())).collect();
        assert_eq!(read, manifest.entries);
        chains.push(manifest.head.chain);
    }
    assert_eq!(chains, [0, 1, 2]);
    let restored = place.restore("out", &[]);
    assert_eq!(facts(&restored.to), facts(&place.folder));
    assert!(restored.shortfall().is_none());
    let report = place.check();
    assert!(report.holds(), "{report:?}");
    // Six of the first deposit, of which one is that of all empty files, and two of the second.
    assert_eq!(report.contents.unwrap().0, 8);
}

#[test]
fn chosen_paths_come_with_the_folders_around_them_and_with_content_of_names_that_are_not_chosen() {
    let mut place = Place::new();
    place.deposit();
    let restored = place.restore("out", &["a/deep", "z", "a-b/b", "a/empty 1"]);
    let expected = ["a", "a-b", "a-b/b", "a/deep", "a/deep/er", "a/deep/er/f", "a/empty 1", "z"];
    let found = facts(&restored.to);
    assert_eq!(found.iter().map(|(path, ..)| String::from_utf8_lossy(path)).collect::<Vec<_>>(), expected);
    assert_eq!(restored.files, 4);
    let all = facts(&place.folder);
    for (path, facts, bytes) in found {
        let (_, whole, same) = all.iter().find(|(other, ..)| *other == path).unwrap();
        assert_eq!(bytes, *same);
        // A further name whose first one is not chosen is a file.
        let kind_aside =
            |facts: &str| facts.split_once(' ').map(|(_, rest)| rest.rsplit(' ').next().map(str::to_owned));
        assert_eq!(kind_aside(&facts), kind_aside(whole), "{}", String::from_utf8_lossy(&path));
    }
    let missing = Request::private(place.all.path().join("no"), vec![b"a/dee".to_vec()]);
    let failure = restore(place.opened(), place.last(), &missing, &()).unwrap_err();
    assert_eq!(failure.kind, FailureKind::Fixable);
    assert!(!place.all.path().join("no.partial").exists(), "nothing was to be begun");
}

#[test]
fn a_damaged_pack_costs_the_files_that_lie_in_it_and_names_them() {
    let mut place = Place::new();
    place.deposit();
    place.write("later", &noise(5, 2 << 20));
    place.deposit();
    // The second deposit's tar holds one file; the first one's pack holds every other content.
    let first = place.deposits().next().unwrap();
    let path = place.pack(first);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    fs::File::options().write(true).open(&path).unwrap().write_all(b"damaged").unwrap();

    let restored = place.restore("out", &[]);
    assert_eq!(restored.files, 1);
    let files =
        facts(&place.folder).into_iter().filter(|(_, facts, _)| facts.starts_with("File") || facts.starts_with("Hard"));
    let mut lost: Vec<_> = files.map(|(path, ..)| path).filter(|path| path != b"later").collect();
    assert_eq!(restored.lost.iter().map(|(path, _)| path.clone()).collect::<Vec<_>>(), lost);
    assert!(restored.to.ends_with("out.incomplete"));

    let report = place.check();
    assert_eq!(report.bad.len(), 1);
    assert_eq!(report.touched.len(), 2);
    lost.sort();
    for touched in &report.touched {
        assert_eq!(touched.files, lost, "deposit {}", touched.number);
    }
    assert_eq!(report.touched[1].through.iter().copied().collect::<Vec<_>>(), [1]);
    assert_eq!(report.contents.unwrap().0, 1);
}

#[test]
fn whoever_goes_on_fetches_only_what_an_earlier_restore_has_not_left() {
    let (place, left) = Place::cut_short();
    // As if another one had been cut short in the middle of a file, too.
    fs::write(left.join("later"), noise(5, 1 << 20)).unwrap();
    fs::create_dir(place.all.path().join("out.partial")).unwrap();
    fs::remove_file(place.pack(place.deposits().next().unwrap())).unwrap();
    let restored = place.go_on("out").unwrap();
    assert!(restored.shortfall().is_none() && restored.earlier.is_empty(), "{restored:?}");
    assert_eq!(facts(&restored.to), facts(&place.folder));
    assert_eq!(restored.files_there + 1, restored.files);
    let mut beside: Vec<_> = fs::read_dir(place.all.path()).unwrap().map(|item| item.unwrap().file_name()).collect();
    beside.sort();
    assert_eq!(beside, ["folder", "home", "out"]);
}

#[test]
fn what_is_not_of_the_deposit_stays_where_an_earlier_restore_stood_and_no_link_leads_out_of_it() {
    let (place, left) = Place::cut_short();
    fs::write(left.join("a.d/f"), "changed").unwrap();
    fs::write(left.join("own"), "his own").unwrap();
    let outside = place.all.path().join("outside");
    fs::rename(left.join("a-b"), &outside).unwrap();
    symlink(&outside, left.join("a-b")).unwrap();
    let before = facts(&outside);
    let restored = place.go_on("out").unwrap();
    assert!(restored.shortfall().is_none(), "{restored:?}");
    assert_eq!(facts(&restored.to), facts(&place.folder));
    assert_eq!(restored.earlier, [place.all.path().join("out.earlier-1")]);
    let stays = facts(&restored.earlier[0]);
    let paths: Vec<_> = stays.iter().map(|(path, ..)| String::from_utf8_lossy(path)).collect();
    assert_eq!(paths, ["a-b", "a.d", "a.d/f", "own"]);
    assert_eq!(facts(&outside), before);
}

#[test]
fn nobody_sets_aside_a_restore_that_is_at_work() {
    let (place, left) = Place::cut_short();
    let held = crate::system::hold_directory(&left).unwrap();
    let failure = place.go_on("out").unwrap_err();
    assert!(failure.message.english().contains("is at work") && left.join("b").exists(), "{failure:?}");
    drop(held);
    assert!(place.go_on("out").unwrap().shortfall().is_none());
}

#[test]
fn when_no_more_can_be_set_aside_it_is_said_what_to_clear_away() {
    let (place, left) = Place::cut_short();
    for number in 1..=99 {
        fs::create_dir(place.all.path().join(format!("out.earlier-{number}"))).unwrap();
    }
    let failure = place.go_on("out").unwrap_err();
    let hint = failure.hint.as_ref().unwrap().english();
    assert!(failure.message.english().contains("99 folders"), "{failure:?}");
    assert!(hint.contains("out.earlier-1 ") && !hint.contains("--go-on") && left.exists(), "{failure:?}");
    fs::remove_dir(place.all.path().join("out.earlier-7")).unwrap();
    assert!(place.go_on("out").unwrap().shortfall().is_none());
}

/// Whether a path under which objects lie is that of this one.
fn is_of(path: &[u8], name: &str) -> bool {
    String::from_utf8_lossy(path).replace('/', "").ends_with(name)
}

#[test]
fn a_place_past_the_end_is_outside_however_large_it_is() {
    // The last two times 512 are 512 and 1,024 in 64 bits.
    let places = [0, 1, 2, 5, 6, 1 << 30, (1 << 55) + 1, (1 << 55) + 2];
    assert_eq!(inside(&places, 3072), (&places[..4], &places[4..]));
    assert_eq!(inside(&[u64::MAX], u64::MAX), (&[][..], &[u64::MAX][..]));
}
