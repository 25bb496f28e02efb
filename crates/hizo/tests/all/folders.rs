//! Folders of every kind through the real program: what is kept comes back, and what goes wrong loses nothing.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File, Permissions};
use std::io::{Seek as _, SeekFrom, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::fs::{AtFlags, CWD, Timespec, Timestamps, XattrFlags, utimensat};

use crate::kit::{self, Home, assert_same, copy_tree, hex, is_there, names, noise, said, say_aloud, settle, tree};

const MIB: usize = 1 << 20;

#[test]
fn files_of_every_size_come_back() {
    let home = Home::new();
    let folder = home.beside("folder");
    let sizes = [0, 1, 511, 512, 513, 4095, 65_536, MIB - 1, MIB, MIB + 1, 3 * MIB + 7, 17 * MIB + 11];
    for (seed, size) in sizes.into_iter().enumerate() {
        fs::write(folder.join(format!("noise {size}")), noise(seed as u64, size)).unwrap();
        fs::write(folder.join(format!("one letter {size}")), vec![b'a' + seed as u8; size]).unwrap();
    }
    comes_back(&home, &folder);
}

#[test]
fn permissions_and_times_come_back_to_the_nanosecond() {
    let home = Home::new();
    let folder = home.beside("folder");
    for mode in [0o400, 0o444, 0o600, 0o640, 0o644, 0o755, 0o777, 0o1755] {
        let path = folder.join(format!("mode {mode:o}"));
        fs::write(&path, b"x").unwrap();
        fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
    }
    let times = [(0, 0), (1, 1), (1_700_000_000, 999_999_999), (4_102_444_800, 123_456_789), (-1, 500_000_000)];
    for (number, (seconds, nanoseconds)) in times.into_iter().enumerate() {
        let path = folder.join(format!("time {number}"));
        fs::write(&path, b"x").unwrap();
        set_mtime(&path, seconds, nanoseconds);
    }
    for mode in [0o500, 0o555, 0o700, 0o755, 0o1777] {
        let path = folder.join(format!("folder {mode:o}"));
        fs::create_dir_all(path.join("inner")).unwrap();
        fs::write(path.join("file"), b"y").unwrap();
        fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        set_mtime(&path, 1_600_000_000, mode);
    }
    comes_back(&home, &folder);
}

#[test]
fn empty_folders_and_an_empty_deposit_come_back() {
    let home = Home::new();
    let folder = home.beside("folder");
    fs::create_dir_all(folder.join("a/b/c/d")).unwrap();
    fs::create_dir_all(folder.join("e")).unwrap();
    comes_back(&home, &folder);
    let nothing = home.beside("nothing");
    home.deposit(&nothing, "nothing");
    let restored = home.restore("latest:nothing", "out of nothing");
    assert_eq!(fs::read_dir(restored).unwrap().count(), 0);
}

#[test]
fn links_come_back_as_links() {
    let home = Home::new();
    let folder = home.beside("folder");
    fs::create_dir_all(folder.join("inner")).unwrap();
    fs::write(folder.join("file"), b"content").unwrap();
    symlink("file", folder.join("to a file")).unwrap();
    symlink("inner", folder.join("to a folder")).unwrap();
    symlink("nowhere/at/all", folder.join("dangling")).unwrap();
    symlink("/etc/passwd", folder.join("absolute")).unwrap();
    symlink("../../outside", folder.join("inner/outside")).unwrap();
    symlink(".", folder.join("inner/loop")).unwrap();
    symlink(OsStr::from_bytes(b"\xff\xfe \xe3\x81"), folder.join("to bytes")).unwrap();
    symlink("x".repeat(1000), folder.join("long")).unwrap();
    set_mtime(&folder.join("dangling"), 1_500_000_000, 7);
    // Several names of one file: beside each other, across folders, and of an empty file.
    fs::hard_link(folder.join("file"), folder.join("a name before")).unwrap();
    fs::hard_link(folder.join("file"), folder.join("inner/third name")).unwrap();
    fs::write(folder.join("large"), noise(1, 2 * MIB)).unwrap();
    fs::hard_link(folder.join("large"), folder.join("inner/large too")).unwrap();
    fs::write(folder.join("empty"), b"").unwrap();
    fs::hard_link(folder.join("empty"), folder.join("empty too")).unwrap();
    // A link with two names of its own is two links.
    let linked = rustix::fs::linkat(CWD, folder.join("dangling"), CWD, folder.join("dangling 2"), AtFlags::empty());
    linked.unwrap();
    comes_back(&home, &folder);
}

#[test]
fn sparse_files_come_back_equal_and_sparse() {
    let home = Home::new();
    let folder = home.beside("folder");
    let holes: [(&str, u64, &[(u64, usize)]); 5] = [
        ("hole only", 5 << 20, &[]),
        ("data in the middle", 12 << 20, &[(6 << 20, 70_000)]),
        ("data at both ends", 9 << 20, &[(0, 4096), ((9 << 20) - 4096, 4096)]),
        ("many islands", 16 << 20, &[(1 << 20, 4096), (3 << 20, 8192), (5 << 20, 100), (11 << 20, MIB + 1)]),
        ("small", 300_000, &[(200_000, 10)]),
    ];
    for (seed, (name, size, islands)) in holes.into_iter().enumerate() {
        let mut file = File::create(folder.join(name)).unwrap();
        for (offset, bytes) in islands {
            file.seek(SeekFrom::Start(*offset)).unwrap();
            file.write_all(&noise(seed as u64, *bytes)).unwrap();
        }
        file.set_len(size).unwrap();
    }
    let restored = comes_back(&home, &folder);
    for (name, size, _) in holes.into_iter().filter(|(name, ..)| *name != "small") {
        let (before, after) = (folder.join(name).metadata().unwrap(), restored.join(name).metadata().unwrap());
        if before.blocks() * 512 >= size {
            say_aloud("holes of sparse files: this file system keeps none");
            return;
        }
        assert!(after.blocks() * 512 < size, "{name} takes {} bytes on disk", after.blocks() * 512);
    }
}

#[test]
fn extended_attributes_come_back() {
    let home = Home::new();
    let folder = home.beside("folder");
    fs::create_dir_all(folder.join("inner")).unwrap();
    fs::write(folder.join("file"), b"content").unwrap();
    let set = |path: &Path, name: &str, value: &[u8]| rustix::fs::setxattr(path, name, value, XattrFlags::empty());
    if set(&folder.join("file"), "user.origin", "金型図面".as_bytes()).is_err() {
        say_aloud("extended attributes: this file system has none");
        return;
    }
    set(&folder.join("file"), "user.bytes", &[0, 255, b'=', b'\n', 0]).unwrap();
    set(&folder.join("file"), "user.empty", b"").unwrap();
    set(&folder.join("inner"), "user.of a folder", &noise(2, 2000)).unwrap();
    fs::write(folder.join("inner/large"), noise(3, 2 * MIB)).unwrap();
    set(&folder.join("inner/large"), "user.of a large file", b"yes").unwrap();
    comes_back(&home, &folder);
}

#[test]
fn attributes_that_are_too_many_to_keep_are_told_with_every_deposit() {
    let home = Home::new();
    let set = |path: &Path, bytes: usize| {
        rustix::fs::setxattr(path, "user.large", &noise(4, bytes), XattrFlags::empty()).is_ok()
    };
    // Many file systems have no room for so many; one in memory has.
    let places = [home.beside("disk"), PathBuf::from("/dev/shm")];
    let places = places.iter().filter(|place| place.is_dir()).map(|place| tempfile::tempdir_in(place).unwrap());
    let Some(place) = places.into_iter().find(|place| set(place.path(), 40_000)) else {
        return say_aloud("more than 32 KiB of extended attributes: no file system here takes them");
    };
    let folder = place.path().join("folder");
    fs::create_dir_all(folder.join("inner")).unwrap();
    fs::write(folder.join("a file"), "content").unwrap();
    fs::write(folder.join("large"), noise(5, 2 * MIB)).unwrap();
    fs::write(folder.join("few"), "content").unwrap();
    for name in ["inner", "a file", "large"] {
        assert!(set(&folder.join(name), 40_000));
    }
    assert!(set(&folder.join("few"), 30_000));
    for round in 0..3 {
        let mut command = home.command();
        command.arg("deposit").arg(&folder).args(["--series", "s", "--json"]);
        let said = said(command.args((round == 2).then_some("--reread")));
        assert_eq!(said.code, Some(1), "{round}: {said:?}");
        let left_out = said.json()["left_out"].clone();
        let mut named: Vec<_> =
            left_out.as_array().unwrap().iter().map(|thing| thing["path"].as_str().unwrap()).collect();
        named.sort_unstable();
        let expected = ["a file", "inner", "large"].map(|name| folder.join(name).to_str().unwrap().to_owned());
        assert_eq!(named, expected, "{round}");
        assert!(left_out[0]["reason"].as_str().unwrap().contains("extended attributes"), "{left_out}");
        assert!(said.err.contains("without its extended attributes"), "{said:?}");
    }
    let japanese =
        said(home.command().env("LC_ALL", "ja_JP.UTF-8").arg("deposit").arg(&folder).args(["--series", "s"]));
    assert!(japanese.err.contains("拡張属性を除いて預けました"), "{japanese:?}");
    let kept = fs::read(home.restore("latest:s", "out").join("a file")).unwrap();
    assert_eq!(kept, b"content", "everything else of it is kept");
    // When they fit again, nothing is left out any more.
    for name in ["inner", "a file", "large"] {
        assert!(set(&folder.join(name), 10));
    }
    home.deposit(&folder, "s");
}

#[test]
fn names_of_every_kind_come_back_as_they_are() {
    let home = Home::new();
    let folder = home.beside("folder");
    let longest = "n".repeat(255);
    let longest_japanese = "図".repeat(85);
    let names: [&[u8]; 21] = [
        "見積書.xlsx".as_bytes(),
        "\u{304c}.txt".as_bytes(),         // one character
        "\u{304b}\u{3099}.txt".as_bytes(), // the same, of two
        b"\xff\xfe\x80",
        b"\x93\xfa\x96{\x8c\xea.txt", // Shift_JIS
        b"line\nbreak",
        b"tab\tand\x1b[31mcolour",
        b"back\\slash",
        b" leading and trailing ",
        b"-rf",
        b"--to",
        b"*",
        b"quote'\"`$(x)",
        b"..hidden",
        b"...",
        b"latest:x",
        b"CON",
        "invoice\u{202e}fdp.exe".as_bytes(),
        "🔒".as_bytes(),
        longest.as_bytes(),
        longest_japanese.as_bytes(),
    ];
    for (number, name) in names.into_iter().enumerate() {
        fs::write(folder.join(OsStr::from_bytes(name)), format!("{number}")).unwrap();
    }
    fs::create_dir(folder.join(OsStr::from_bytes(b"folder \xff"))).unwrap();
    fs::write(folder.join(OsStr::from_bytes(b"folder \xff/\xfe")), b"deep").unwrap();
    comes_back(&home, &folder);
    let shown = home.ok(["show", "latest:test"]).out;
    assert!(!shown.contains('\x1b') && !shown.contains('\u{202e}'), "a name steers the terminal: {shown:?}");
}

#[test]
fn a_path_of_three_thousand_bytes_comes_back() {
    let home = Home::new();
    let folder = home.beside("f");
    let mut path = folder.clone();
    while path.as_os_str().len() - folder.as_os_str().len() < 3000 {
        path.push("p".repeat(249));
        fs::create_dir(&path).unwrap();
    }
    path.push("file");
    fs::write(&path, b"far down").unwrap();
    comes_back(&home, &folder);
}

#[test]
fn what_is_excluded_is_not_kept() {
    let home = Home::new();
    let folder = home.beside("folder");
    for path in [
        "keep.txt",
        "a.tmp",
        "b/c.tmp",
        "b/keep.me",
        "cache/x",
        "d/cache/y",
        "d/secret",
        "d/deep/secret",
        "e/1.log",
        "e/2.log",
    ] {
        fs::create_dir_all(folder.join(path).parent().unwrap()).unwrap();
        fs::write(folder.join(path), path).unwrap();
    }
    fs::write(folder.join(".hizoignore"), "# not worth keeping\ncache/\n*.log\n").unwrap();
    fs::write(folder.join("d/.hizoignore"), "/secret\n").unwrap();
    fs::write(folder.join("e/.hizoignore"), "!2.log\n").unwrap();
    home.deposit_with(&folder, "test", &["--exclude", "*.tmp"]);
    let restored = home.restore("latest:test", "out");
    let found = names(&restored);
    let expected = [
        ".hizoignore",
        "b",
        "b/keep.me",
        "d",
        "d/.hizoignore",
        "d/deep",
        "d/deep/secret",
        "e",
        "e/.hizoignore",
        "e/2.log",
        "keep.txt",
    ];
    assert_eq!(found, expected);
}

#[test]
fn several_named_things_stand_under_their_own_names() {
    let home = Home::new();
    let (one, two) = (home.beside("one"), home.beside("two"));
    fs::write(one.join("x"), b"1").unwrap();
    fs::write(two.join("x"), b"2").unwrap();
    let file = home.folder.path().join("file");
    fs::write(&file, b"3").unwrap();
    let paths = [one.as_os_str(), two.as_os_str(), file.as_os_str()];
    home.ok([OsStr::new("deposit"), paths[0], paths[1], paths[2], "--series".as_ref(), "test".as_ref()]);
    let restored = home.restore("latest:test", "out");
    assert_same(&tree(&one), &tree(&restored.join("one")));
    assert_same(&tree(&two), &tree(&restored.join("two")));
    assert_eq!(fs::read(restored.join("file")).unwrap(), b"3");
    let other = home.beside("other/one");
    let said =
        home.run([OsStr::new("deposit"), one.as_os_str(), other.as_os_str(), "--series".as_ref(), "test".as_ref()]);
    assert_eq!(said.code, Some(1), "two things of one name cannot both be kept: {said:?}");
}

#[test]
fn a_renamed_or_copied_file_costs_no_pack() {
    let home = Home::new();
    let folder = home.beside("folder");
    fs::create_dir(folder.join("inner")).unwrap();
    fs::write(folder.join("large"), noise(1, 5 * MIB)).unwrap();
    fs::write(folder.join("whole"), noise(2, 300_000)).unwrap();
    home.deposit(&folder, "test");
    fs::rename(folder.join("large"), folder.join("inner/renamed")).unwrap();
    fs::copy(folder.join("inner/renamed"), folder.join("copied")).unwrap();
    fs::copy(folder.join("whole"), folder.join("inner/whole too")).unwrap();
    let made = home.deposit(&folder, "test");
    assert_eq!(made["objects"], 1);
    assert!(made["stored_bytes"].as_u64().unwrap() < 20_000, "{made}");
    let restored = home.restore("latest:test", "out");
    assert_same(&tree(&folder), &tree(&restored));
}

#[test]
fn every_deposit_of_a_changing_folder_comes_back_as_it_was() {
    let home = Home::new();
    let folder = home.beside("folder");
    for number in 0..40 {
        fs::create_dir_all(folder.join(format!("d{}", number % 7))).unwrap();
        fs::write(folder.join(format!("d{}/f{number}", number % 7)), noise(number, 3000 * number as usize)).unwrap();
    }
    let mut expected = Vec::new();
    // More than sixteen in a row: a chain of deltas ends in a full manifest.
    for round in 0..19_u64 {
        fs::write(folder.join(format!("d{}/f{}", round % 7, round * 2 % 40)), noise(1000 + round, 5000)).unwrap();
        let _ = fs::remove_file(folder.join(format!("d{}/f{}", (round + 3) % 7, (round + 3) % 40)));
        fs::rename(folder.join("d5"), folder.join("moved")).unwrap();
        fs::rename(folder.join("moved"), folder.join("d5")).unwrap();
        let made = home.deposit(&folder, "test");
        expected.push((made["deposit"].as_str().unwrap().to_owned(), tree(&folder)));
    }
    for (number, (deposit, kept)) in expected.iter().enumerate() {
        let restored = home.restore(deposit, &format!("out {number}"));
        assert_same(kept, &tree(&restored));
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_second_deposit_reads_no_file_that_nothing_says_changed() {
    let home = Home::new();
    let folder = home.beside("folder");
    fs::create_dir(folder.join("inner")).unwrap();
    for number in 0..30 {
        fs::write(folder.join(format!("inner/f{number}")), noise(number, 1000)).unwrap();
    }
    fs::write(folder.join("large"), noise(99, 3 * MIB)).unwrap();
    settle(&folder);
    home.deposit(&folder, "test");
    let read = files_read_during(&folder, || drop(home.deposit(&folder, "test")));
    assert_eq!(read, Vec::<OsString>::new());
    fs::write(folder.join("inner/f3"), b"changed").unwrap();
    let read = files_read_during(&folder, || drop(home.deposit(&folder, "test")));
    assert_eq!(read, ["f3"]);
    let read = files_read_during(&folder, || drop(home.deposit_with(&folder, "test", &["--reread"])));
    assert_eq!(read.len(), 31, "--reread reads them all");
    assert_same(&tree(&folder), &tree(&home.restore("latest:test", "out")));
}

/// Writes a file as if at this time, and deposits its folder.
fn deposit_changed_at(home: &Home, path: &Path, bytes: &[u8], seconds: i64) {
    fs::write(path, bytes).unwrap();
    set_mtime(path, seconds, 5);
    home.deposit(path.parent().unwrap(), "test");
}

#[test]
fn a_change_that_leaves_size_and_mtime_alone_is_noticed() {
    let home = Home::new();
    let folder = home.beside("folder");
    deposit_changed_at(&home, &folder.join("file"), b"before", 1_600_000_000);
    deposit_changed_at(&home, &folder.join("file"), b"after!", 1_600_000_000);
    assert_eq!(fs::read(home.restore("latest:test", "out").join("file")).unwrap(), b"after!");
}

#[test]
fn files_from_the_future_and_a_clock_set_back_lose_nothing() {
    let home = Home::new();
    let folder = home.beside("folder");
    let path = folder.join("file");
    deposit_changed_at(&home, &path, b"from the future", 4_000_000_000);
    deposit_changed_at(&home, &path, b"from the past!!", 100);
    assert_same(&tree(&folder), &tree(&home.restore("latest:test", "out")));
    let clock_set_back = ["faketime", "2001-01-01 00:00:00"];
    if !is_there(clock_set_back[0]) {
        say_aloud("a deposit while the system's clock stands in the past: faketime is not installed");
        return;
    }
    fs::write(&path, b"while the clock is wrong").unwrap();
    let mut command = kit::program(clock_set_back[0]);
    command.arg(clock_set_back[1]).arg(env!("CARGO_BIN_EXE_hizo")).arg("--home").arg(&home.path);
    let said = said(command.args(["deposit", "--series", "test"]).arg(&folder));
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_same(&tree(&folder), &tree(&home.restore("latest:test", "out 2")));
}

#[test]
fn the_folder_itself_comes_back_as_it_was_and_one_that_is_there_stays_closed() {
    let home = Home::new();
    let folder = home.beside("folder");
    fs::write(folder.join("file"), b"content").unwrap();
    let set = |path: &Path, mode| fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    let attribute = rustix::fs::lsetxattr(&folder, "user.place", b"shelf 3", XattrFlags::empty());
    if attribute.is_err() {
        say_aloud("an attribute of a folder: this file system has none");
    }
    set(&folder, 0o755);
    // Of a link to it everything is the folder's.
    let link = home.folder.path().join("link");
    symlink(&folder, &link).unwrap();
    home.deposit(&link, "test");
    assert_same(&tree(&folder), &tree(&home.restore("latest:test", "new")));
    let there = home.beside("there");
    set(&there, 0o700);
    home.ok([OsStr::new("restore"), "latest:test".as_ref(), "--to".as_ref(), there.as_os_str()]);
    let (expected, found) = (&tree(&folder)[OsStr::new(".")], &tree(&there)[OsStr::new(".")]);
    assert_eq!((found.mode, found.mtime), (0o700, expected.mtime), "whoever made it has said who may enter it");
    // By path nothing is said of the folder: it is its owner's alone.
    let named = home.folder.path().join("named");
    home.ok([OsStr::new("restore"), "latest:test".as_ref(), "file".as_ref(), "--to".as_ref(), named.as_os_str()]);
    assert_eq!(tree(&named)[OsStr::new(".")].mode, 0o700);
}

#[test]
fn one_path_is_restored_alone_and_costs_its_packs_and_the_manifest() {
    let home = Home::new();
    let folder = home.beside("folder");
    fs::create_dir(folder.join("b")).unwrap();
    fs::write(folder.join("a"), noise(1, 18 * MIB)).unwrap();
    fs::write(folder.join("b/small"), b"wanted").unwrap();
    fs::write(folder.join("c"), noise(2, 18 * MIB)).unwrap();
    fs::hard_link(folder.join("b/small"), folder.join("z other name")).unwrap();
    home.deposit(&folder, "test");
    let to = home.folder.path().join("out");
    home.ok([OsStr::new("restore"), "latest:test".as_ref(), "b".as_ref(), "--to".as_ref(), to.as_os_str()]);
    assert_eq!(names(&to), ["b", "b/small"]);
    // The other name of a file comes back as a file when its first name is not wanted.
    let alone = home.folder.path().join("alone");
    home.ok([
        OsStr::new("restore"),
        "latest:test".as_ref(),
        "z other name".as_ref(),
        "--to".as_ref(),
        alone.as_os_str(),
    ]);
    assert_eq!(fs::read(alone.join("z other name")).unwrap(), b"wanted");
    // Each full pack is taken away in turn: only those that hold the file are missed.
    let full: Vec<PathBuf> =
        home.objects().into_iter().filter(|path| path.metadata().unwrap().len() == 16 << 20).collect();
    assert!(full.len() >= 2, "{} full packs", full.len());
    let away = home.folder.path().join("away");
    let mut missed = 0;
    for (number, pack) in full.iter().enumerate() {
        fs::rename(pack, &away).unwrap();
        let to = home.folder.path().join(format!("without {number}"));
        let said =
            home.run([OsStr::new("restore"), "latest:test".as_ref(), "b".as_ref(), "--to".as_ref(), to.as_os_str()]);
        missed += usize::from(said.code != Some(0));
        fs::rename(&away, pack).unwrap();
    }
    assert!(missed <= 1, "{missed} of {} packs were fetched for a file of 6 bytes", full.len());
}

#[test]
fn a_folder_that_is_not_empty_is_not_restored_to_and_nothing_is_left() {
    let home = Home::new();
    let folder = home.beside("folder");
    fs::write(folder.join("file"), b"content").unwrap();
    home.deposit(&folder, "test");
    let to = home.beside("place/full");
    fs::write(to.join("mine"), b"do not touch").unwrap();
    let before = tree(&home.beside("place"));
    home.fails(1, "is not empty", [OsStr::new("restore"), "latest:test".as_ref(), "--to".as_ref(), to.as_os_str()]);
    assert_same(&before, &tree(&home.beside("place")));
    let file = home.beside("place").join("full/mine");
    home.fails(1, "", [OsStr::new("restore"), "latest:test".as_ref(), "--to".as_ref(), file.as_os_str()]);
    let nowhere = home.beside("place").join("new");
    let nonsense =
        [OsStr::new("restore"), "latest:test".as_ref(), "no such path".as_ref(), "--to".as_ref(), nowhere.as_os_str()];
    home.fails(1, "is not in this deposit", nonsense);
    assert_same(&before, &tree(&home.beside("place")));
    let empty = home.beside("place/empty");
    home.ok([OsStr::new("restore"), "latest:test".as_ref(), "--to".as_ref(), empty.as_os_str()]);
    assert_same(&tree(&folder), &tree(&empty));
}

#[test]
fn an_unreadable_file_is_left_out_and_the_rest_is_kept() {
    let home = Home::new();
    let folder = home.beside("folder");
    fs::create_dir(folder.join("closed")).unwrap();
    fs::write(folder.join("closed/inside"), b"x").unwrap();
    fs::write(folder.join("good"), b"kept").unwrap();
    fs::write(folder.join("secret"), noise(1, 2 * MIB)).unwrap();
    fs::write(folder.join("secret small"), b"y").unwrap();
    for name in ["closed", "secret", "secret small"] {
        fs::set_permissions(folder.join(name), Permissions::from_mode(0o0)).unwrap();
    }
    let Some(mut command) = without_privilege(&home) else {
        say_aloud("unreadable files: this account reads everything, and setpriv is not installed");
        return;
    };
    let said = said(command.args(["deposit", "--series", "test", "--json"]).arg(&folder));
    assert_eq!(said.code, Some(1), "{said:?}");
    for name in ["closed", "secret", "secret small"] {
        assert!(said.err.contains(name), "{name} is not named in {said:?}");
    }
    fs::set_permissions(folder.join("closed"), Permissions::from_mode(0o700)).unwrap();
    let restored = home.restore("latest:test", "out");
    assert_eq!(names(&restored), ["closed", "good"]);
    assert_eq!(said.json()["deposit"].as_str().unwrap(), home.deposits()["test"][0]);
}

#[test]
fn whoever_goes_on_takes_files_too_that_their_mode_lets_nobody_read() {
    let home = Home::new();
    let folder = home.beside("folder");
    fs::write(folder.join("good"), b"kept").unwrap();
    fs::write(folder.join("small"), b"y").unwrap();
    fs::hard_link(folder.join("small"), folder.join("small by another name")).unwrap();
    for name in ["large", "large again"] {
        fs::write(folder.join(name), noise(1, 2 * MIB)).unwrap();
    }
    for name in ["small", "large", "large again"] {
        fs::set_permissions(folder.join(name), Permissions::from_mode(0o0)).unwrap();
    }
    let before = tree(&folder);
    home.deposit(&folder, "test");
    let left = home.restore("latest:test", "out");
    // As one that was cut short has left it: beside its place.
    fs::rename(&left, left.with_file_name("out.partial")).unwrap();
    let restored = |to: &Path| {
        let mut command = without_privilege(&home)?;
        Some(said(command.args(["restore", "latest:test", "--go-on", "--json", "--to"]).arg(to)))
    };
    let Some(said) = restored(&left) else {
        say_aloud(
            "a restore that goes on over unreadable files: this account reads everything, and setpriv is not installed",
        );
        return;
    };
    assert_eq!(said.code, Some(0), "{said:?}");
    let value = said.json();
    assert_eq!((&value["files_there"], value["earlier"].as_array()), (&4.into(), Some(&vec![])), "{value}");
    assert!(!left.with_file_name("out.earlier-1").exists());
    assert_same(&before, &tree(&left));
    // What is laid out twice is read again, too, where nothing was left.
    let anew = left.with_file_name("anew");
    assert_eq!(restored(&anew).unwrap().code, Some(0));
    assert_same(&before, &tree(&anew));
}

#[test]
fn a_file_that_vanishes_or_breaks_while_it_is_read_is_left_out_and_the_rest_is_kept() {
    for fault in ["openat:error=ENOENT", "openat:error=EIO", "read:error=EIO"] {
        let home = Home::new();
        let folder = home.beside("folder");
        fs::write(folder.join("good"), b"kept").unwrap();
        fs::write(folder.join("troubled"), b"y").unwrap();
        let Some(said) = with_fault(&home, &folder, &folder.join("troubled"), fault) else { return };
        assert_eq!(said.code, Some(1), "{fault}: {said:?}");
        assert!(said.err.contains("troubled"), "{fault}: {said:?}");
        let restored = home.restore("latest:test", "out");
        assert_eq!(names(&restored), ["good"], "{fault}");
        home.deposit(&folder, "test");
        assert_same(&tree(&folder), &tree(&home.restore("latest:test", "out 2")));
    }
}

#[test]
fn a_named_path_that_is_not_there_keeps_nothing() {
    let home = Home::new();
    let folder = home.beside("folder");
    let gone = folder.join("gone");
    home.fails(1, "cannot read", [OsStr::new("deposit"), gone.as_os_str(), "--series".as_ref(), "test".as_ref()]);
    assert!(home.deposits().is_empty());
}

#[test]
fn pipes_and_sockets_are_left_out_and_never_waited_for() {
    let home = Home::new();
    let folder = home.beside("folder");
    fs::write(folder.join("good"), b"kept").unwrap();
    let made = rustix::fs::mknodat(CWD, folder.join("pipe"), rustix::fs::FileType::Fifo, 0o600.into(), 0);
    made.unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(folder.join("socket")).unwrap();
    let said = home.run([OsStr::new("deposit"), folder.as_os_str(), "--series".as_ref(), "test".as_ref()]);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.err.contains("pipe") && said.err.contains("socket"), "{said:?}");
    let restored = home.restore("latest:test", "out");
    assert_eq!(names(&restored), ["good"]);
}

#[test]
fn a_file_that_keeps_changing_is_kept_and_said() {
    let home = Home::new();
    let folder = home.beside("folder");
    fs::write(folder.join("quiet"), b"still").unwrap();
    let busy = folder.join("busy");
    fs::write(&busy, noise(1, 24 * MIB)).unwrap();
    let stop = AtomicBool::new(false);
    let made = std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut file = fs::OpenOptions::new().write(true).open(&busy).unwrap();
            // Never the same bytes again: what is found as it was kept would be steady.
            let mut count = 0_u64;
            while !stop.load(Ordering::Relaxed) {
                count += 1;
                file.seek(SeekFrom::Start(count % 4096 * 4096)).unwrap();
                file.write_all(&count.to_le_bytes()).unwrap();
                std::thread::yield_now();
            }
        });
        let made = home.deposit(&folder, "test");
        stop.store(true, Ordering::Relaxed);
        made
    });
    assert_eq!(made["unsteady"].as_array().unwrap().len(), 1, "{made}");
    let restored = home.restore("latest:test", "out");
    assert_eq!(fs::metadata(restored.join("busy")).unwrap().len(), 24 << 20);
    assert_eq!(fs::read(restored.join("quiet")).unwrap(), b"still");
    // Once it is quiet, it is read again even if nothing says that it changed.
    let made = home.deposit(&folder, "test");
    assert_eq!(made["unsteady"].as_array().unwrap().len(), 0, "{made}");
    assert_same(&tree(&folder), &tree(&home.restore("latest:test", "out 2")));
}

#[test]
fn class_core_neither_compresses_nor_reuses_and_stays_so() {
    let home = Home::new();
    let folder = home.beside("folder");
    fs::write(folder.join("a"), vec![b'a'; 4 * MIB]).unwrap();
    fs::write(folder.join("copy of a"), vec![b'a'; 4 * MIB]).unwrap();
    let stored = |made: &serde_json::Value| made["stored_bytes"].as_u64().unwrap();
    let made = home.deposit_with(&folder, "core", &["--class", "core"]);
    assert!(stored(&made) > 8 << 20, "{made}");
    fs::copy(folder.join("a"), folder.join("another copy")).unwrap();
    // The class belongs to the series: it need not be said again.
    let made = home.deposit(&folder, "core");
    assert!(stored(&made) > 4 << 20, "{made}");
    assert_same(&tree(&folder), &tree(&home.restore("latest:core", "out")));
    let made = home.deposit(&folder, "standard");
    assert!(stored(&made) < 1 << 20, "{made}");
    assert_eq!(home.ok(["list", "--json", "--series", "core"]).json()["series"][0]["class"], "core");
}

#[test]
fn two_processes_at_once_in_one_new_series_make_one_series() {
    for round in 0..3 {
        let home = Home::new();
        let (one, two) = two_folders(&home);
        at_once(&home, [(&one, "shared"), (&two, "shared"), (&one, "shared")]);
        let deposits = home.deposits();
        assert_eq!(deposits.len(), 1, "round {round}: {deposits:?}");
        assert_eq!(deposits["shared"].len(), 3, "round {round}: {deposits:?}");
        for (number, deposit) in deposits["shared"].iter().enumerate() {
            let found = tree(&home.restore(deposit, &format!("out {number}")));
            assert!(found == tree(&one) || found == tree(&two), "round {round}: deposit {number} is neither folder");
        }
    }
}

#[test]
fn two_processes_at_once_in_two_new_series_keep_both() {
    for round in 0..3 {
        let home = Home::new();
        let (one, two) = two_folders(&home);
        at_once(&home, [(&one, "first"), (&two, "second"), (&one, "third")]);
        // Whoever deposits again without a passphrase must find the series by what this machine remembers.
        for (folder, series) in [(&one, "first"), (&two, "second"), (&one, "third")] {
            let said = said(home.writer_command().args(["deposit", "--series", series]).arg(folder));
            assert_eq!(said.code, Some(0), "{said:?}");
        }
        let deposits = home.deposits();
        let counts: Vec<_> = deposits.iter().map(|(name, deposits)| (name.as_str(), deposits.len())).collect();
        assert_eq!(counts, [("first", 2), ("second", 2), ("third", 2)], "round {round}");
        assert_same(&tree(&one), &tree(&home.restore("latest:first", "out 1")));
        assert_same(&tree(&two), &tree(&home.restore("latest:second", "out 2")));
    }
}

#[cfg(unix)]
#[test]
fn what_another_process_appends_while_a_safe_is_opened_is_no_lie_of_the_keeper() {
    use std::io::Write as _;

    let home = Home::new();
    let (one, two) = two_folders(&home);
    home.deposit(&one, "first");
    // Another process on the same keeper, with a memory of its own that the test can hold up.
    let slow = home.copy();
    fs::remove_dir_all(slow.path.join("keeper")).unwrap();
    std::os::unix::fs::symlink(home.path.join("keeper"), slow.path.join("keeper")).unwrap();
    let head = slow.path.join("head");
    fs::remove_file(&head).unwrap();
    assert_eq!(said(kit::program("mkfifo").arg(&head)).code, Some(0));
    let mut opening = slow.command();
    let opening = opening.arg("list").stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // This waits until the other one reads what it has seen before.
    let mut pipe = fs::OpenOptions::new().write(true).open(&head).unwrap();
    home.deposit(&two, "second");
    let newer = fs::read(home.path.join("head")).unwrap();
    pipe.write_all(&newer).unwrap();
    fs::remove_file(&head).unwrap();
    fs::write(&head, &newer).unwrap();
    drop(pipe);
    let output = opening.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn a_file_size_limit_stops_a_deposit_and_the_next_one_finishes() {
    let home = Home::new();
    let folder = home.beside("folder");
    fs::write(folder.join("first"), b"kept before").unwrap();
    home.deposit(&folder, "test");
    fs::write(folder.join("large"), noise(1, 20 * MIB)).unwrap();
    let mut command = kit::program("bash");
    let script = "trap '' XFSZ; ulimit -f 4096; exec \"$@\"";
    command.args(["-c", script, "bash", env!("CARGO_BIN_EXE_hizo"), "--home"]).arg(&home.path);
    let said = said(command.args(["deposit", "--series", "test"]).arg(&folder));
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.err.contains("hint:"), "{said:?}");
    assert_eq!(home.deposits()["test"].len(), 1);
    home.deposit(&folder, "test");
    assert_same(&tree(&folder), &tree(&home.restore("latest:test", "out")));
}

#[test]
fn a_full_disk_is_said_and_the_deposit_goes_on_when_there_is_room() {
    let home = Home::new();
    let Some(disk) = SmallDisk::mount(&home, 24) else { return };
    let inner = disk.home(&home);
    let folder = home.beside("folder");
    fs::write(folder.join("first"), b"kept before").unwrap();
    inner.deposit(&folder, "test");
    let before = tree(&folder);
    fs::write(folder.join("large"), noise(1, 40 * MIB)).unwrap();
    let arguments = [OsStr::new("deposit"), folder.as_os_str(), "--series".as_ref(), "test".as_ref()];
    let said = inner.fails(1, "full", arguments);
    assert!(said.err.contains("hint:"), "{said:?}");
    assert_same(&before, &tree(&inner.restore("latest:test", "out before")));
    disk.remount("size=100m");
    inner.deposit(&folder, "test");
    assert_same(&tree(&folder), &tree(&inner.restore("latest:test", "out after")));
}

#[test]
fn a_full_disk_stops_a_restore_and_no_half_folder_stands_under_its_name() {
    let home = Home::new();
    let Some(disk) = SmallDisk::mount(&home, 4) else { return };
    let folder = home.beside("folder");
    fs::write(folder.join("large"), noise(1, 9 * MIB)).unwrap();
    home.deposit(&folder, "test");
    let to = disk.path.join("out");
    home.fails(1, "full", [OsStr::new("restore"), "latest:test".as_ref(), "--to".as_ref(), to.as_os_str()]);
    assert!(!to.exists());
}

#[test]
fn a_read_only_home_is_said_and_left_as_it_is() {
    let home = Home::new();
    let Some(disk) = SmallDisk::mount(&home, 24) else { return };
    let inner = disk.home(&home);
    let folder = home.beside("folder");
    fs::write(folder.join("first"), b"kept before").unwrap();
    inner.deposit(&folder, "test");
    disk.remount("ro");
    let before = tree(&inner.path);
    let said = inner.run([OsStr::new("deposit"), folder.as_os_str(), "--series".as_ref(), "test".as_ref()]);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.err.contains("hint:") && said.err.contains("read-only"), "{said:?}");
    assert_same(&before, &tree(&inner.path));
    disk.remount("rw");
    assert_same(&tree(&folder), &tree(&inner.restore("latest:test", "out")));
}

#[test]
fn a_read_only_place_is_not_restored_to() {
    let home = Home::new();
    let Some(disk) = SmallDisk::mount(&home, 4) else { return };
    let folder = home.beside("folder");
    fs::write(folder.join("file"), b"content").unwrap();
    home.deposit(&folder, "test");
    disk.remount("ro");
    let to = disk.path.join("out");
    home.fails(1, "read-only", [OsStr::new("restore"), "latest:test".as_ref(), "--to".as_ref(), to.as_os_str()]);
}

#[test]
fn a_wrong_passphrase_and_a_newer_home_are_told_apart_from_damage() {
    let home = Home::new();
    fs::write(home.passphrase_file(), "not this one\n").unwrap();
    home.fails(1, "passphrase does not open", ["list"]);
    fs::write(home.passphrase_file(), "\n").unwrap();
    home.fails(1, "passphrase is empty", ["list"]);
    let path = home.path.join("safe.json");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replace("home/v1", "home/v3")).unwrap();
    home.fails(1, "format this version does not know", ["list"]);
    fs::write(&path, &text[..text.len() / 2]).unwrap();
    home.fails(1, "is damaged", ["list"]);
    fs::remove_file(&path).unwrap();
    home.fails(1, "there is no safe", ["list"]);
}

/// Deposits, restores and compares; the restored folder.
#[track_caller]
fn comes_back(home: &Home, folder: &Path) -> PathBuf {
    let before = tree(folder);
    home.deposit(folder, "test");
    let restored = home.restore("latest:test", "out");
    assert_same(&before, &tree(&restored));
    restored
}

fn set_mtime(path: &Path, seconds: i64, nanoseconds: u32) {
    let time = Timespec { tv_sec: seconds, tv_nsec: nanoseconds.into() };
    let times = Timestamps { last_access: time, last_modification: time };
    utimensat(CWD, path, &times, AtFlags::SYMLINK_NOFOLLOW).unwrap();
}

/// Names of the files whose bytes anybody reads while `act` runs.
#[cfg(target_os = "linux")]
fn files_read_during(folder: &Path, act: impl FnOnce()) -> Vec<OsString> {
    use rustix::fs::inotify::{CreateFlags, ReadFlags, Reader, WatchFlags, add_watch, init};
    let queue = init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC).unwrap();
    let folders = kit::files_below(folder).into_iter().filter_map(|path| Some(path.parent()?.to_owned()));
    let folders: std::collections::BTreeSet<PathBuf> = folders.collect();
    for folder in &folders {
        add_watch(&queue, folder, WatchFlags::ACCESS).unwrap();
    }
    act();
    let mut buffer = [std::mem::MaybeUninit::uninit(); 64 << 10];
    let mut reader = Reader::new(&queue, &mut buffer);
    let mut read = std::collections::BTreeSet::new();
    while let Ok(event) = reader.next() {
        let is_file = !event.events().contains(ReadFlags::ISDIR);
        if let Some(name) = event.file_name().filter(|_| is_file) {
            read.insert(OsStr::from_bytes(name.to_bytes()).to_owned());
        }
    }
    read.into_iter().collect()
}

/// The program without the right to read what its permissions forbid.
fn without_privilege(home: &Home) -> Option<Command> {
    if !rustix::process::geteuid().is_root() {
        return Some(home.command());
    }
    let mut command = kit::program("setpriv");
    command.args(["--bounding-set=-all", "--inh-caps=-all", "--", env!("CARGO_BIN_EXE_hizo"), "--home"]);
    command.arg(&home.path).arg("--passphrase-file").arg(home.passphrase_file());
    is_there("setpriv").then_some(command)
}

/// A deposit whose system calls on one path fail in one way; nothing where that cannot be done.
fn with_fault(home: &Home, folder: &Path, path: &Path, fault: &str) -> Option<kit::Said> {
    let mut command = kit::program("strace");
    command.args(["-f", "-qq", "-o", "/dev/null", "-e"]).arg(format!("inject={fault}")).arg("-P").arg(path);
    command.arg(env!("CARGO_BIN_EXE_hizo")).arg("--home").arg(&home.path);
    let works = is_there("strace") && said(kit::program("strace").args(["-o", "/dev/null", "true"])).code == Some(0);
    if !works {
        say_aloud("files that vanish or break while they are read: strace is not there or not allowed");
        return None;
    }
    Some(said(command.args(["deposit", "--series", "test"]).arg(folder)))
}

fn two_folders(home: &Home) -> (PathBuf, PathBuf) {
    let (one, two) = (home.beside("one"), home.beside("two"));
    fs::write(one.join("one"), noise(1, 2 * MIB)).unwrap();
    fs::write(two.join("two"), noise(2, 2 * MIB)).unwrap();
    (one, two)
}

/// Several deposits that begin at the same moment, without a passphrase, as scheduled ones do.
#[track_caller]
fn at_once<const N: usize>(home: &Home, what: [(&PathBuf, &str); N]) {
    let start = |(folder, series): (&PathBuf, &str)| {
        let mut command = home.writer_command();
        command.args(["deposit", "--series", series]).arg(folder);
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    };
    for child in what.map(start) {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}

/// A file system of a few megabytes that is full soon.
pub(crate) struct SmallDisk {
    pub(crate) path: PathBuf,
}

impl SmallDisk {
    pub(crate) fn mount(home: &Home, mebibytes: usize) -> Option<Self> {
        let path = home.beside("disk");
        let mut command = kit::program("mount");
        command.args(["-t", "tmpfs", "-o", &format!("size={mebibytes}m"), "hizo-test"]).arg(&path);
        if !is_there("mount") || said(&mut command).code != Some(0) {
            say_aloud("full and read-only disks: this account may not mount a small one");
            return None;
        }
        Some(Self { path })
    }

    fn remount(&self, options: &str) {
        let said = said(kit::program("mount").args(["-o", &format!("remount,{options}")]).arg(&self.path));
        assert_eq!(said.code, Some(0), "{said:?}");
    }

    /// The same safe, moved to this disk.
    fn home(&self, home: &Home) -> Home {
        let mut moved = Home::unmade();
        moved.path = self.path.join("home");
        copy_tree(&home.path, &moved.path);
        moved
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let said = said(kit::program("umount").arg(&self.path));
        if said.code != Some(0) {
            eprintln!("{} stays mounted: {}", hex(self.path.as_os_str().as_bytes()), said.err);
        }
    }
}

#[test]
fn a_safe_that_stands_in_the_folder_is_not_kept_in_itself() {
    let home = Home::new();
    let all = home.folder.path();
    fs::write(all.join("drawing"), "KX-204").unwrap();
    let link = tempfile::tempdir().unwrap();
    symlink(all, link.path().join("all")).unwrap();
    for from in [all.to_owned(), link.path().join("all"), all.to_owned()] {
        let said = home.ok(["deposit", "--json", "--series", "all", from.to_str().unwrap()]);
        let made = said.json();
        assert_eq!(made["safe_in_it"], serde_json::json!([from.join("home")]), "{said:?}");
        assert!(said.err.contains("home is the safe itself"), "{said:?}");
        // The drawing, and the passphrase that the tests have beside every safe.
        assert_eq!((made["files"].as_u64(), made["entries"].as_u64()), (Some(2), Some(2)), "{said:?}");
    }
    home.fails(1, "is the safe itself", ["deposit", "--series", "all", home.path.to_str().unwrap()]);
    // What lies in it may be kept: files that a browser gave lie there for a while.
    fs::create_dir(home.path.join("given")).unwrap();
    fs::write(home.path.join("given/note"), "given").unwrap();
    home.ok(["deposit", "--series", "given", home.path.join("given").to_str().unwrap()]);
}
