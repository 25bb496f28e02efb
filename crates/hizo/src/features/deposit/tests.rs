//! What happens to files, and to what is kept already, between the walk and the append.

use std::fs;
use std::os::unix::fs::FileExt as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

use hizo_vault::manifest::{Content, Kind, Manifest};
use tempfile::TempDir;

use super::*;
use crate::composing::Members;
use crate::contents::Opened;
use crate::features::init;
use crate::home::Home;
use crate::safe::Keyring;

const PASSPHRASE: &str = "words that open nothing else";
const MIB: usize = 1 << 20;

/// A safe, and a folder that is deposited into its one series.
struct Place {
    _all: TempDir,
    folder: PathBuf,
    safe: Safe,
    device: Device,
    request: Request,
    series: SeriesFacts,
    keyring: Keyring,
}

/// Changes a file when its first bytes are stored.
struct Meddles {
    file: PathBuf,
    at: u64,
}

impl Watcher for Meddles {
    fn listed(&self, _: u64, _: u64) {}

    fn progress(&self, _: u64) {
        let file = fs::OpenOptions::new().write(true).open(&self.file).unwrap();
        file.write_all_at(b"meddled", self.at).unwrap();
    }
}

/// Sees nothing, and lets the work die when it has come so far, as a killed process would.
struct DiesAt {
    limit: u64,
    so_far: AtomicU64,
}

impl Watcher for DiesAt {
    fn listed(&self, _: u64, _: u64) {}

    fn progress(&self, bytes: u64) {
        let so_far = self.so_far.fetch_add(bytes, Ordering::Relaxed) + bytes;
        assert!(so_far < self.limit, "killed after {so_far} bytes");
    }
}

impl Place {
    fn new() -> Self {
        let all = tempfile::tempdir().unwrap();
        let folder = all.path().join("folder");
        fs::create_dir(&folder).unwrap();
        let home: Home = init::init(&all.path().join("home"), "test", PASSPHRASE, None).unwrap();
        let device = home.device().unwrap();
        let safe = Safe::open(home).unwrap();
        let series = safe.series_named(&device, "test", Class::Standard).unwrap();
        let keyring = safe.unlock(PASSPHRASE).unwrap();
        let request = Request::of(vec![folder.clone()], "test");
        Self { _all: all, folder, safe, device, request, series, keyring }
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        fs::write(self.folder.join(name), bytes).unwrap();
    }

    fn listing(&self) -> Listing {
        walk::walk(&self.request.paths, &[]).unwrap()
    }

    /// Deposits what was listed, as it is by now.
    fn keep(&mut self, listing: Listing) -> Outcome<Made> {
        self.keep_until(listing, u64::MAX)
    }

    fn keep_until(&mut self, listing: Listing, limit: u64) -> Outcome<Made> {
        self.keep_watched(listing, true, &DiesAt { limit, so_far: AtomicU64::new(0) })
    }

    fn keep_watched(&mut self, listing: Listing, compose: bool, watcher: &dyn Watcher) -> Outcome<Made> {
        keep(&mut self.safe, &self.device, &self.request, self.series, listing, compose, watcher)
    }

    /// The content of the one file of the newest deposit, which must be what its tars hold.
    fn whole_content(&self) -> Content {
        let manifest = self.manifest();
        let content = manifest.entries[0].kind.content().unwrap();
        let mut members = Members::of(Opened { safe: &self.safe, keyring: &self.keyring }, self.series.id);
        let (mut composed, mut bytes) = (members.compose(content), Vec::new());
        while let Ok(Some((offset, more))) = composed.next() {
            assert_eq!(offset, bytes.len() as u64);
            bytes.extend(more);
        }
        assert!(content.value.matches(&bytes), "it does not come back");
        content.clone()
    }

    /// A deposit that is killed after so many bytes, with packs kept and a journal that says so.
    fn be_killed(&mut self, limit: usize) {
        let listing = self.listing();
        let killed = catch_unwind(AssertUnwindSafe(|| self.keep_until(listing, limit as u64)));
        assert!(killed.is_err(), "the deposit was to be killed");
        assert!(self.safe.home.resume_file(self.series.id).exists(), "nothing would be resumed");
    }

    /// The whole manifest of the newest deposit, as a reader finds it.
    fn manifest(&self) -> Manifest {
        let opened = Opened { safe: &self.safe, keyring: &self.keyring };
        opened.manifest(self.safe.records.last().unwrap()).unwrap()
    }

    fn paths(&self) -> Vec<String> {
        self.manifest().entries.iter().map(|entry| String::from_utf8(entry.path.clone()).unwrap()).collect()
    }
}

fn noise(bytes: usize) -> Vec<u8> {
    let mut state = 0x2545_f491_4f6c_dd1du64;
    let mut step = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    };
    (0..bytes / 8).flat_map(|_| step()).collect()
}

#[test]
fn a_file_that_was_kept_before_and_cannot_be_read_now_is_gone_from_a_deposit_that_opens() {
    let mut place = Place::new();
    (0..20).for_each(|number| place.write(&format!("f{number:02}"), format!("content {number}").as_bytes()));
    place.keep(place.listing()).unwrap();
    place.write("f07", b"changed");
    let listing = place.listing();
    fs::remove_file(place.folder.join("f07")).unwrap();
    let made = place.keep(listing).unwrap();
    assert_eq!(made.left_out.len(), 1);
    assert_eq!(place.manifest().head.base, Some(1), "a delta was to be written");
    assert_eq!(place.paths().len(), 19);
    // The next ones build on it.
    place.write("f07", b"back again");
    place.write("f20", b"new");
    place.keep(place.listing()).unwrap();
    assert_eq!(place.manifest().head.base, Some(2));
    assert_eq!(place.paths().len(), 21);
}

#[test]
fn a_delta_that_would_not_come_out_right_is_written_in_full() {
    let mut place = Place::new();
    (0..20).for_each(|number| place.write(&format!("f{number:02}"), format!("content {number}").as_bytes()));
    place.keep(place.listing()).unwrap();
    place.write("f07", b"changed");
    let walk = place.safe.home.walk_file(place.series.id);
    let last = LastWalk::read(&walk, &place.device.local).unwrap();
    let listing = place.listing();
    let mut making =
        Making::new(&mut place.safe, &place.device, &place.request, place.series, listing, true, Some(&last)).unwrap();
    making.base_entries += 1;
    let watcher = DiesAt { limit: u64::MAX, so_far: AtomicU64::new(0) };
    making.run(Some(last), &watcher).unwrap();
    assert_eq!(place.manifest().head.base, None);
}

#[test]
fn a_file_of_two_names_that_grows_after_the_walk_has_one_size() {
    let mut place = Place::new();
    place.write("a", b"short");
    fs::hard_link(place.folder.join("a"), place.folder.join("b")).unwrap();
    let listing = place.listing();
    place.write("a", b"longer than before");
    place.keep(listing).unwrap();
    let sizes: Vec<u64> =
        place.manifest().entries.iter().filter_map(|entry| Some(entry.kind.content()?.size)).collect();
    assert_eq!(sizes, [18, 18]);
}

#[test]
fn a_name_whose_other_name_means_another_file_by_now_never_gets_its_content() {
    let mut place = Place::new();
    place.write("a", b"of both");
    fs::hard_link(place.folder.join("a"), place.folder.join("b")).unwrap();
    let listing = place.listing();
    place.write("new a", b"a alone");
    fs::rename(place.folder.join("new a"), place.folder.join("a")).unwrap();
    let made = place.keep(listing).unwrap();
    assert_eq!(place.paths(), ["a"]);
    assert_eq!(made.unsteady, [place.folder.join("b")], "the command would not try again");
    place.keep(place.listing()).unwrap();
    assert!(place.manifest().entries.iter().all(|entry| matches!(entry.kind, Kind::File(_))));
    assert_eq!(place.paths(), ["a", "b"]);
}

#[test]
fn a_file_that_grows_past_the_limit_after_the_walk_is_streamed() {
    let mut place = Place::new();
    place.write("grows", b"x");
    let listing = place.listing();
    let grown = noise(5 * MIB);
    place.write("grows", &grown);
    let found = reading::read_listed(&listing, b"grows").unwrap();
    assert!(matches!(found, reading::ReadFile::Grown), "all of it was read into memory");
    place.keep(listing).unwrap();
    let manifest = place.manifest();
    let content = manifest.entries[0].kind.content().unwrap();
    assert_eq!(content.size, grown.len() as u64);
    assert_eq!(content.value.sha256, <[u8; 32]>::from(<sha2::Sha256 as sha2::Digest>::digest(&grown)));
}

#[test]
fn a_file_that_changes_between_the_walk_and_its_second_reading_is_not_mixed_with_what_is_kept() {
    let mut place = Place::new();
    place.write("large", &noise(96 * MIB));
    place.be_killed(90 * MIB);
    let listing = place.listing();
    let file = fs::OpenOptions::new().write(true).open(place.folder.join("large")).unwrap();
    file.write_all_at(&[0; 4096], 3 * MIB as u64).unwrap();
    let failure = place.keep(listing).unwrap_err();
    assert!(NotAsBefore::is_cause_of(&failure), "{}", failure.message.english());
    assert!(!place.safe.home.resume_file(place.series.id).exists(), "the mixture would be tried again");
    place.keep(place.listing()).unwrap();
}

#[test]
fn a_small_file_of_which_a_half_is_kept_and_that_changed_or_vanished_after_the_walk_is_not_passed_over() {
    for vanishes in [false, true] {
        let mut place = Place::new();
        let all = noise(300 * 300_000);
        let name = |number: usize| format!("{number:03}");
        (0..).zip(all.chunks(300_000)).for_each(|(number, part)| place.write(&name(number), part));
        place.be_killed(80 * MIB);
        let listing = place.listing();
        for number in 0..300 {
            match vanishes {
                true => fs::remove_file(place.folder.join(name(number))).unwrap(),
                false => place.write(&name(number), b"changed"),
            }
        }
        let failure = place.keep(listing).unwrap_err();
        assert!(NotAsBefore::is_cause_of(&failure), "{}", failure.message.english());
    }
}

#[test]
fn a_killed_deposit_goes_on_with_a_composed_file_as_it_was() {
    for lost in [false, true] {
        let mut place = Place::new();
        let mut bytes = noise(96 * MIB);
        place.write("large", &bytes);
        place.keep(place.listing()).unwrap();
        bytes[..40 * MIB].reverse();
        place.write("large", &bytes);
        place.be_killed(94 * MIB);
        if lost {
            // Without it another tar would be made, of which the kept packs are no part.
            fs::remove_file(place.safe.home.walk_file(place.series.id).with_extension("segments")).unwrap();
        }
        let made = place.keep(place.listing()).unwrap();
        let content = place.whole_content();
        assert_eq!(content.is_composed(), !lost);
        assert_eq!(made.stored_bytes > 90 * MIB as u64, lost);
        assert_eq!(
            content.stretches().map(|(range, _)| range.end).collect::<Vec<_>>()[0],
            [40, 96][usize::from(lost)] * MIB as u64
        );
    }
}

#[test]
fn a_composed_file_that_is_taken_over_keeps_its_spans() {
    let mut place = Place::new();
    let mut bytes = noise(4 * MIB);
    place.write("a", &bytes);
    place.keep(place.listing()).unwrap();
    bytes[MIB] ^= 1;
    place.write("a", &bytes);
    place.write("b", &noise(96 * MIB));
    place.be_killed(90 * MIB);
    place.keep(place.listing()).unwrap();
    assert_eq!(place.whole_content().spans.len(), 3);
    fs::remove_file(place.folder.join("b")).unwrap();
    place.keep(place.listing()).unwrap();
    assert_eq!(place.whole_content().spans.len(), 3);
}

#[test]
fn a_file_that_changes_between_being_compared_and_being_stored_is_not_mixed_of_both() {
    for at in [0, 3 * MIB as u64] {
        let mut place = Place::new();
        let mut bytes = noise(4 * MIB);
        place.write("large", &bytes);
        place.keep(place.listing()).unwrap();
        bytes[MIB] ^= 1;
        place.write("large", &bytes);
        let meddles = Meddles { file: place.folder.join("large"), at };
        let kept = place.keep_watched(place.listing(), true, &meddles);
        // What had been read by then is as it was when it was compared.
        let is_composed = at == 0;
        match is_composed {
            true => drop(kept.unwrap()),
            false => {
                assert!(NotAsBefore::is_cause_of(&kept.unwrap_err()));
                place.keep_watched(place.listing(), false, &meddles).unwrap();
            }
        }
        assert_eq!(place.whole_content().is_composed(), is_composed, "{at}");
    }
}

#[test]
fn a_killed_deposit_whose_packs_are_lost_begins_anew() {
    let mut place = Place::new();
    place.write("large", &noise(96 * MIB));
    place.be_killed(90 * MIB);
    let mut lost = 0;
    let mut folders = vec![place.safe.home.keeper_folder().join("objects")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
            if entry.file_type().unwrap().is_dir() {
                folders.push(entry.path());
            } else if entry.metadata().unwrap().len() == 16 << 20 {
                fs::remove_file(entry.path()).unwrap();
                lost += 1;
            }
        }
    }
    assert!(lost > 0, "no pack was kept");
    place.keep(place.listing()).unwrap();
    assert_eq!(place.paths(), ["large"]);
}

#[test]
fn reading_everything_again_costs_no_line_for_what_is_as_it_was_and_all_the_same_says_when_it_was_read() {
    let mut place = Place::new();
    (0..20).for_each(|number| place.write(&format!("f{number:02}"), format!("content {number}").as_bytes()));
    fs::hard_link(place.folder.join("f03"), place.folder.join("g")).unwrap();
    place.keep(place.listing()).unwrap();
    place.request.reread = true;
    place.write("f07", b"changed");
    place.keep(place.listing()).unwrap();
    let opened = Opened { safe: &place.safe, keyring: &place.keyring };
    let sheet = opened.sheet(place.safe.records.last().unwrap()).unwrap();
    let lines: Vec<_> = sheet.layer.entries.iter().map(|entry| entry.path.as_slice()).collect();
    assert_eq!(lines, [b"f07"], "one file changed");
    let read = |place: &Place| -> Vec<u64> {
        place.manifest().entries.iter().filter_map(|entry| Some(entry.kind.content()?.read)).collect()
    };
    assert_eq!(read(&place), [2; 21]);
    // The next one looks at what the walk remembers: it builds on what the reader finds.
    place.request.reread = false;
    place.write("f08", b"changed too");
    place.keep(place.listing()).unwrap();
    let third: Vec<u64> = read(&place);
    assert_eq!(third.iter().filter(|read| **read == 2).count(), 20);
    place.request.reread = true;
    (0..15).for_each(|number| place.write(&format!("f{number:02}"), format!("other content {number}").as_bytes()));
    place.keep(place.listing()).unwrap();
    assert_eq!(place.manifest().head.base, None, "so many changes were to be written in full");
    assert_eq!(read(&place), [4; 21]);
}
