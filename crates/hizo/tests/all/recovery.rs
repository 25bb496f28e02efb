//! Everything comes back without hizo: from an export, with the commands of its own page and stock tools alone.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs::{self, File, Permissions};
use std::io::{Seek as _, SeekFrom, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use hizo_vault::manifest::{Kind, Span};

use crate::composed;
use crate::forge::{self, Forged};
use crate::kit::{
    Home, PASSPHRASE, Said, Tree, assert_same, contains, files_below, is_there, noise, program, said, say_aloud, tree,
};

const MIB: usize = 1 << 20;

#[test]
fn stock_tools_bring_back_the_same_trees_as_restore() {
    let Some(tools) = Tools::find() else { return };
    let home = Home::new();
    let numbers =
        [deposit_a_life(&home), deposit_small_things(&home), composed::live(&home, &composed::sample()).len() as u64];
    let export = export(&home, &["--with-identity"]);
    let opened = tools.open(&export);
    let series = opened_series(&opened);
    assert_eq!(series.len(), 3);
    for (name, count) in ["a life", "small things", "edited"].into_iter().zip(numbers) {
        let folder = &series[name];
        for number in 1..=count {
            let restored = home.restore(&format!("{name}:{number}"), &format!("restored {name} {number}"));
            let recovered = home.folder.path().join(format!("recovered {name} {number}"));
            let said = recover(&export.join("recover.py"), folder, number, &recovered);
            assert_eq!(said.code, Some(0), "{said:?}");
            assert_same(&tree(&restored), &tree(&recovered));
        }
    }
}

#[test]
fn tar_alone_lays_out_what_a_deposit_newly_stored() {
    let Some(tools) = Tools::find() else { return };
    let home = Home::new();
    let folder = home.beside("folder");
    fs::create_dir(folder.join("inner")).unwrap();
    fs::write(folder.join("inner/large"), noise(1, 3 * MIB)).unwrap();
    fs::write(folder.join("図面.txt"), b"drawing").unwrap();
    home.deposit(&folder, "s");
    let opened = tools.open(&export(&home, &["--with-identity"]));
    let to = home.beside("by tar");
    let tar = opened_series(&opened)["s"].join("000001/tar");
    let said = said(program("tar").arg("-xf").arg(tar).arg("-C").arg(&to));
    assert_eq!(said.code, Some(0), "{said:?}");
    // The folder itself is no member.
    let below = |folder: &Path| -> Tree { tree(folder).into_iter().filter(|(name, _)| name != ".").collect() };
    assert_same(&below(&folder), &below(&to));
}

#[test]
fn an_export_that_was_changed_is_found_before_anything_is_opened() {
    let Some(tools) = Tools::find() else { return };
    let home = Home::new();
    fs::write(home.beside("folder").join("file"), b"content").unwrap();
    home.deposit(&home.beside("folder"), "s");
    let export = export(&home, &["--with-identity"]);
    let whole = tree(&export);
    for path in files_below(&export).into_iter().filter(|path| !path.ends_with("SHA256SUMS")) {
        let before = fs::read(&path).unwrap();
        let mut changed = before.clone();
        let middle = changed.len() / 2;
        changed[middle] ^= 1;
        fs::write(&path, changed).unwrap();
        let said = said(program("sha256sum").args(["--quiet", "-c", "SHA256SUMS"]).current_dir(&export));
        assert_eq!(said.code, Some(1), "{path:?} may be changed: {said:?}");
        fs::write(&path, before).unwrap();
    }
    assert_eq!(whole.keys().collect::<Vec<_>>(), tree(&export).keys().collect::<Vec<_>>());
    let sealed = files_below(&export).into_iter().find(|path| path.ends_with("manifest-00000.age")).unwrap();
    fs::remove_file(sealed).unwrap();
    let said = tools.run_page(&export);
    assert_ne!(said.code, Some(0));
    assert!(!home.folder.path().join("opened").exists(), "age ran before the hashes were compared");
}

#[test]
fn an_export_says_nothing_that_is_sealed_unless_it_is_asked_to() {
    let home = Home::new();
    let folder = home.beside("folder");
    fs::write(folder.join("canary file name"), b"canary of content").unwrap();
    home.deposit_with(&folder, "canary series", &["--label", "canary label"]);
    let silent = export(&home, &[]);
    let canaries = ["canary file name", "canary of content", "canary series", "canary label"];
    for path in files_below(&silent) {
        let bytes = fs::read(&path).unwrap();
        for canary in canaries {
            assert!(!contains(&bytes, canary.as_bytes()), "{canary} stands in {path:?}");
            assert!(!path.to_string_lossy().contains(canary));
        }
    }
    assert!(!silent.join("identity.age").exists());
    let named = home.folder.path().join("named");
    home.ok([OsStr::new("export"), "--names".as_ref(), "--to".as_ref(), named.as_os_str()]);
    let names = fs::read_to_string(named.join("NAMES.txt")).unwrap();
    assert!(names.contains("canary series") && names.contains("canary label") && !names.contains("canary file"));
}

#[test]
fn an_export_needs_no_passphrase_and_one_series_leaves_the_others_out() {
    let home = Home::new();
    fs::write(home.beside("folder").join("file"), b"content").unwrap();
    let ids = ["one", "two"].map(|series| home.deposit(&home.beside("folder"), series)["series_id"].clone());
    let to = home.folder.path().join("one");
    let run = |command: &mut Command| said(command.args(["export", "--json", "--series", "one", "--to"]).arg(&to));
    let made = run(&mut home.writer_command());
    assert_eq!(made.code, Some(0), "{made:?}");
    assert_eq!((made.json()["series"].as_u64(), made.json()["deposits"].as_u64()), (Some(1), Some(1)));
    let there = |id: &serde_json::Value| to.join(format!("series-{}", id.as_str().unwrap())).exists();
    assert_eq!(ids.each_ref().map(there), [true, false]);
    assert_eq!(files_below(&to.join("space/records")).len(), 3, "the chain of records is whole");
    let again = run(&mut home.writer_command());
    assert_eq!(again.code, Some(1), "an export goes into a new folder only: {again:?}");
    assert!(again.err.contains("is not empty"));
}

#[test]
fn a_damaged_object_stops_an_export_that_was_not_told_to_go_on() {
    let home = Home::new();
    fs::write(home.beside("folder").join("file"), noise(1, 3 * MIB)).unwrap();
    home.deposit(&home.beside("folder"), "s");
    let largest = home.objects().into_iter().max_by_key(|path| path.metadata().unwrap().len()).unwrap();
    let mut bytes = fs::read(&largest).unwrap();
    bytes[100_000] ^= 1;
    fs::write(&largest, bytes).unwrap();
    let to = home.folder.path().join("export");
    home.fails(3, "--incomplete", [OsStr::new("export"), "--to".as_ref(), to.as_os_str()]);
    assert!(!to.exists() && !to.with_file_name("export.partial").exists(), "half an export was left behind");
    let incomplete = [OsStr::new("export"), "--incomplete".as_ref(), "--to".as_ref(), to.as_os_str()];
    home.fails(3, "left out", incomplete);
    let missing = fs::read_to_string(to.join("MISSING.txt")).unwrap();
    assert!(missing.contains("tar-00000.age") && missing.lines().count() == 1, "{missing}");
    let checked = said(program("sha256sum").args(["--quiet", "-c", "SHA256SUMS"]).current_dir(&to));
    assert!(checked.code == Some(1) && checked.out.contains("tar-00000.age"), "{checked:?}");
    assert_eq!(checked.out.lines().count(), 1, "the rest is whole: {checked:?}");
}

#[test]
fn a_disk_that_runs_full_leaves_no_export_and_says_so() {
    let home = Home::new();
    fs::write(home.beside("folder").join("file"), noise(1, 6 * MIB)).unwrap();
    home.deposit(&home.beside("folder"), "s");
    let disk = home.beside("disk");
    let mount = format!("mount -t tmpfs -o size=2m tmpfs '{}'", disk.display());
    let hizo = env!("CARGO_BIN_EXE_hizo");
    let export = format!("'{hizo}' --home '{}' export --to '{}/export'", home.path.display(), disk.display());
    let script = format!("{mount} || exit 99; {export}; code=$?; ls -A '{}'; exit $code", disk.display());
    let run = said(program("unshare").args(["-rm", "sh", "-c", &script]));
    if run.code.is_none_or(|code| code == 99) || run.err.contains("unshare") {
        return say_aloud("an export onto a full disk: no small disk can be made here");
    }
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(run.err.contains("the disk is full") && run.err.contains("Nothing is left of this export"), "{run:?}");
    assert_eq!(run.out, "", "something was left behind");
}

#[test]
fn restore_and_the_recovery_program_accept_the_same() {
    let Some(home) = home_for_both() else { return };
    let all = [("honest", Forged::honest()), ("packed", Forged::packed()), ("composed", Forged::composed())];
    for (name, forged) in all {
        let (restored, recovered) = both(&home, name, &forged);
        assert_eq!((restored.code, recovered.code), (Some(0), Some(0)), "{restored:?} {recovered:?}");
        let trees = ["restored", "recovered"].map(|tool| tree(&home.folder.path().join(format!("{tool} {name}"))));
        assert_same(&trees[0], &trees[1]);
    }
}

#[test]
fn restore_and_the_recovery_program_refuse_the_same_paths() {
    both_refuse(Forged::honest, paths());
}

#[test]
fn restore_and_the_recovery_program_refuse_the_same_spans() {
    both_refuse(Forged::composed, spans());
}

#[test]
fn restore_and_the_recovery_program_refuse_the_same_links() {
    both_refuse(Forged::honest, links());
}

#[test]
fn restore_and_the_recovery_program_refuse_the_same_contents() {
    both_refuse(Forged::honest, contents());
}

#[test]
fn restore_and_the_recovery_program_refuse_the_same_texts() {
    both_refuse(Forged::honest, texts());
}

#[test]
fn the_recovery_program_refuses_every_manifest_that_the_vectors_refuse() {
    let Some(home) = home_for_both() else { return };
    let vectors = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../vectors/manifest/v1");
    let mut refused = files_below(&vectors.join("refused"));
    refused.retain(|path| path.extension() == Some(OsStr::new("json")));
    assert!(refused.len() >= 70);
    let faults: Vec<String> = each(&refused, |path| refuses_vector(&home, &vectors, path));
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// What is wrong with how the recovery program takes a refused vector.
fn refuses_vector(home: &Home, vectors: &Path, path: &Path) -> Option<String> {
    let vector: serde_json::Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    let (name, rule) = (path.file_stem().unwrap().to_str().unwrap(), vector["refused"].as_str().unwrap());
    let text = fs::read(path.with_extension("manifest")).unwrap();
    let is_number = |number: &u64| contains(&text, format!("\"deposit\":{number},").as_bytes());
    let number = [3, 2].into_iter().find(is_number).unwrap_or(1);
    let series = home.beside(name);
    let lay = |number: u64, text: &[u8]| {
        let folder = series.join(format!("{number:06}"));
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("manifest"), text).unwrap();
        let half = |hash: &str| vector["commitment"][hash].as_str().unwrap();
        let commit = format!("commit {} {}\n", half("sha256"), half("blake3"));
        fs::write(folder.join("record.note"), format!("series {} {number} -\n{commit}", "0".repeat(16))).unwrap();
    };
    if let Some(base) = vector["base"].as_str() {
        let base = fs::read(vectors.join("accepted").join(format!("{base}.manifest"))).unwrap();
        lay(1, &base);
        lay(2, &base);
        // The base says that its tar is in a pack.
        fs::write(series.join("000001/tar"), vec![0; 5 << 20]).unwrap();
    }
    lay(number, &text);
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/features/export/recover.py");
    let to = home.folder.path().join(format!("from {name}"));
    let recovered = recover(&script, &series, number, &to);
    // The manifest's own fault has to be found, and not that there is no tar here.
    let late = recovered.err.contains("Errno") || recovered.err.contains("content is not where");
    let refused = recovered.code == Some(1) && recovered.err.starts_with("refused: ") && !to.exists();
    let fits = refused && !late;
    (!fits).then(|| format!("{name} ({rule}): {recovered:?}"))
}

/// Does the same to many things, a few at a time, and gathers what is to be said.
fn each<T: Sync>(things: &[T], work: impl Fn(&T) -> Option<String> + Sync) -> Vec<String> {
    let share = things.len().div_ceil(4).max(1);
    std::thread::scope(|scope| {
        let work = &work;
        let threads: Vec<_> = things
            .chunks(share)
            .map(|share| scope.spawn(move || share.iter().filter_map(work).collect::<Vec<_>>()))
            .collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    })
}

fn home_for_both() -> Option<Home> {
    if !is_there("python3") {
        say_aloud("the recovery program: there is no python3");
        return None;
    }
    Some(Home::new())
}

/// Both refuse each of these deposits by name, and neither makes a folder or touches anything beside it.
#[track_caller]
fn both_refuse(honest: fn() -> Forged, hostile: Vec<(&'static str, Make)>) {
    let Some(home) = home_for_both() else { return };
    let faults = each(&hostile, |(name, make)| {
        let mut forged = honest();
        make(&mut forged);
        let (restored, recovered) = both(&home, name, &forged);
        if !matches!(restored.code, Some(1 | 3)) || restored.err.contains("panicked") {
            return Some(format!("{name}: restore says {:?} {}", restored.code, restored.err));
        }
        if recovered.code != Some(1) || !recovered.err.starts_with("refused: ") {
            return Some(format!("{name}: recover.py says {:?} {}", recovered.code, recovered.err));
        }
        let made = ["restored", "recovered"].map(|tool| home.folder.path().join(format!("{tool} {name}")).exists());
        made.contains(&true).then(|| format!("{name}: a folder was made"))
    });
    assert!(!home.folder.path().join("evil").exists() && !Path::new("/tmp/hizo evil").exists());
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// What each of the two programs says to one deposit, in folders named after it.
fn both(home: &Home, name: &str, forged: &Forged) -> (Said, Said) {
    let safe = home.copy();
    let note = forged.keep(&safe);
    let to = |tool: &str| home.folder.path().join(format!("{tool} {name}"));
    let latest = format!("latest:{}", forge::SERIES);
    let restored = safe.run([OsStr::new("restore"), latest.as_ref(), "--to".as_ref(), to("restored").as_os_str()]);
    let opened = safe.beside("opened");
    forged.lay_opened(&opened, &note);
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/features/export/recover.py");
    let recovered = recover(&script, &opened, forged.number(), &to("recovered"));
    (restored, recovered)
}

/// Makes an honest deposit wrong in one way; it is rightly signed and sealed all the same.
type Make = fn(&mut Forged);

fn file() -> Kind {
    Kind::File(forge::content(b"hello"))
}

fn paths() -> Vec<(&'static str, Make)> {
    vec![
        ("up", |forged| forged.add(b"../evil", file())),
        ("up and down", |forged| forged.add(b"d/../../evil", file())),
        ("absolute", |forged| forged.add(b"/tmp/hizo evil", file())),
        ("empty path", |forged| forged.add(b"", file())),
        ("dot", |forged| forged.add(b"d/./x", file())),
        ("two slashes", |forged| forged.add(b"d//x", file())),
        ("slash at the end", |forged| forged.add(b"x/", file())),
        ("nul", |forged| forged.add(b"x\0y", file())),
        ("long path", |forged| forged.add(&[b'x'; 4096], file())),
        ("below a file", |forged| forged.add(b"m/x", file())),
        ("below a link", |forged| forged.add(b"l/x", file())),
        ("below nothing", |forged| forged.add(b"nowhere/x", file())),
        ("repeated", |forged| {
            let mut again = forged.at("m").clone();
            again.id = hizo_vault::commit::EntryId::from_bytes([77; 16]);
            forged.entries.push(again);
            forged.head.entries += 1;
        }),
        ("out of order", |forged| forged.entries.swap(0, 4)),
        ("mode", |forged| forged.at("m").mode = 0o10644),
    ]
}

fn links() -> Vec<(&'static str, Make)> {
    fn to(target: &[u8]) -> Kind {
        Kind::HardLink { target: target.to_vec(), content: forge::content(b"hello") }
    }
    vec![
        ("hard link up", |forged| forged.add(b"x", to(b"../evil"))),
        ("hard link to an absolute path", |forged| forged.add(b"x", to(b"/etc/passwd"))),
        ("hard link to nothing", |forged| forged.add(b"x", to(b"nowhere"))),
        ("hard link to itself", |forged| forged.add(b"x", to(b"x"))),
        ("hard link to a later path", |forged| forged.add(b"a", to(b"m"))),
        ("hard link to a folder", |forged| forged.add(b"x", to(b"d"))),
        ("hard link to a link", |forged| forged.add(b"x", to(b"l"))),
        ("hard link to a hard link", |forged| forged.add(b"x", to(b"d/h"))),
        ("hard link to another file", |forged| forged.add(b"x", to(b"m"))),
        ("hard link of another size", |forged| forged.content_at("d/h").size += 1),
        ("hard link of another place", |forged| forged.content_at("d/h").place.block += 1),
        ("hard link of another hash", |forged| forged.content_at("d/h").value.blake3[0] ^= 1),
        ("link to nothing at all", |forged| forged.at("l").kind = Kind::Symlink { target: Vec::new() }),
        ("link with a nul", |forged| forged.at("l").kind = Kind::Symlink { target: b"x\0y".to_vec() }),
    ]
}

fn contents() -> Vec<(&'static str, Make)> {
    vec![
        ("place past the end", |forged| forged.content_at("m").place.block = 1 << 30),
        ("place past every number", |forged| forged.content_at("m").place.block = u64::MAX),
        ("place that comes round to a right one", |forged| forged.content_at("m").place.block += 1 << 55),
        ("place that comes round to the front", |forged| forged.content_at("m").place.block = (1 << 55) + 1),
        ("place in a pack that comes round to a right one", |forged| {
            *forged = Forged::packed();
            forged.content_at("m").place.block += 1 << 55;
        }),
        ("place of a folder", |forged| forged.content_at("m").place.block = 0),
        ("place inside of data", |forged| forged.content_at("m").place.block += 1),
        ("place of another file", |forged| forged.content_at("m").place.block = forged.content_at("d/f").place.block),
        ("two keyed hashes at one place", |forged| {
            forged.add(b"n", file());
            *forged.content_at("n") = forged.content_at("m").clone();
            forged.content_at("n").value.blake3[0] ^= 1;
        }),
        ("two keys at one place", |forged| {
            forged.add(b"n", file());
            *forged.content_at("n") = forged.content_at("m").clone();
            forged.content_at("n").value.key[0] ^= 1;
        }),
        ("sizes past 64 bits", |forged| {
            forged.add(b"n", file());
            forged.content_at("n").size = u64::MAX;
            forged.content_at("n").place.block = 1;
        }),
        ("place in a later deposit", |forged| forged.content_at("m").place.deposit = 2),
        ("place in no deposit", |forged| forged.content_at("m").place.deposit = 0),
        ("other size", |forged| forged.content_at("m").size += 1),
        ("absurd size", |forged| forged.content_at("m").size = u64::MAX),
        ("other hash", |forged| forged.content_at("m").value.sha256[0] ^= 1),
        ("a device", |forged| set_member_type(forged, b'3')),
        ("a pipe", |forged| set_member_type(forged, b'6')),
        ("a vendor's form", |forged| set_member_type(forged, b'L')),
        ("data changed", |forged| {
            let at = forged.tar.windows(4).rposition(|window| window == b"more").unwrap();
            forged.tar[at] ^= 1;
        }),
        ("tar cut", |forged| forged.tar.truncate(forged.tar.len() - 2048)),
        ("entry changed after the commitment", |forged| {
            forged.edit = Box::new(|text| replace(&text, b"\"m\":420", b"\"m\":511"));
        }),
        ("entry renamed after the commitment", |forged| {
            forged.edit = Box::new(|text| replace(&text, b"\"p\":\"m\"", b"\"p\":\"n\""));
        }),
        ("two entries with one id", |forged| {
            let id = forged.at("m").id;
            forged.at("l").id = id;
        }),
    ]
}

/// Of a file of three segments, the first and the last in the deposit before, at the same place.
fn spans() -> Vec<(&'static str, Make)> {
    fn span(forged: &mut Forged, at: usize) -> &mut Span {
        &mut forged.content_at("n").spans[at]
    }
    fn all(forged: &mut Forged, spans: Vec<Span>) {
        forged.content_at("n").spans = spans.into();
    }
    vec![
        ("a span past the end of its member", |forged| span(forged, 0).place.block = 1),
        ("a span in a folder", |forged| span(forged, 0).place.block = 0),
        ("a span in a further name", |forged| {
            let before = forged.before.as_mut().unwrap();
            let entry = before.entries.iter().position(|entry| entry.path == b"d/h").unwrap();
            let Kind::HardLink { content, .. } = &before.entries[entry].kind else { panic!("it is one") };
            // Its member stands behind that of its file: header, data.
            span(forged, 0).place.block = content.place.block + 4;
        }),
        ("a span inside of data", |forged| span(forged, 0).place.block += 3),
        ("a span past the end of the tar", |forged| span(forged, 0).place.block = 1 << 40),
        ("a span that comes round to the front", |forged| span(forged, 0).place.block = (1 << 55) + 1),
        ("a span in no deposit", |forged| span(forged, 0).place.deposit = 0),
        ("a span in a later deposit", |forged| span(forged, 0).place.deposit = 3),
        ("old bytes for new ones", |forged| {
            let place = span(forged, 0).place;
            all(forged, vec![Span { segments: 3, place }]);
        }),
        ("a hole for old bytes", |forged| {
            let [first, own, _] = [0, 1, 2].map(|at| *span(forged, at));
            all(forged, vec![Span { segments: 1, ..first }, Span { segments: 2, ..own }]);
        }),
        ("more segments than the file has", |forged| span(forged, 2).segments = u64::MAX),
        ("a longer file", |forged| forged.content_at("n").size += 1),
        ("another place of its own", |forged| {
            let own = forged.content_at("n").place.block + 1;
            forged.content_at("n").place.block = own;
            span(forged, 1).place.block = own;
        }),
        ("two ways to compose one member", |forged| {
            forged.add(b"o", file());
            *forged.content_at("o") = forged.content_at("n").clone();
            let place = span(forged, 0).place;
            forged.content_at("o").spans = vec![Span { segments: 3, place }].into();
        }),
        ("other bytes in the deposit before", |forged| {
            let before = forged.before.as_mut().unwrap();
            let at = before.content_at("n").place.block as usize * 512 + 5000;
            before.tar[at] ^= 1;
        }),
    ]
}

fn texts() -> Vec<(&'static str, Make)> {
    fn edit(forged: &mut Forged, edit: fn(Vec<u8>) -> Vec<u8>) {
        forged.edit = Box::new(edit);
    }
    vec![
        ("a space", |forged| edit(forged, |text| replace(&text, b"\"t\":\"f\"", b"\"t\": \"f\""))),
        ("a key too many", |forged| edit(forged, |text| replace(&text, b",\"m\":420", b",\"m\":420,\"z\":1"))),
        ("a key twice", |forged| edit(forged, |text| replace(&text, b",\"m\":420", b",\"m\":420,\"m\":420"))),
        ("keys in another order", |forged| {
            edit(forged, |text| replace(&text, b"\"t\":\"f\",\"s\":5", b"\"s\":5,\"t\":\"f\""));
        }),
        ("a float", |forged| edit(forged, |text| replace(&text, b",\"m\":420", b",\"m\":420.0"))),
        ("an exponent", |forged| edit(forged, |text| replace(&text, b",\"s\":5,", b",\"s\":5e0,"))),
        ("a number as text", |forged| edit(forged, |text| replace(&text, b",\"s\":5,", b",\"s\":\"5\","))),
        ("a negative number", |forged| edit(forged, |text| replace(&text, b",\"r\":1}", b",\"r\":-1}"))),
        ("a truth for a number", |forged| edit(forged, |text| replace(&text, b",\"r\":1}", b",\"r\":true}"))),
        ("a lie", |forged| edit(forged, |text| replace(&text, b",\"r\":1}", b",\"r\":1,\"u\":false}"))),
        ("a plus sign", |forged| edit(forged, |text| replace(&text, b"\"mt\":\"17", b"\"mt\":\"+17"))),
        ("an escape", |forged| edit(forged, |text| replace(&text, b"\"p\":\"m\"", b"\"p\":\"\\u006d\""))),
        ("half a character", |forged| edit(forged, |text| replace(&text, b"\"p\":\"m\"", b"\"p\":\"\\ud800\""))),
        ("text as bytes", |forged| edit(forged, |text| replace(&text, b"\"p\":\"m\"", b"\"p64\":\"bQ==\""))),
        ("an unknown kind", |forged| edit(forged, |text| replace(&text, b"\"t\":\"d\"", b"\"t\":\"e\""))),
        ("an unknown format", |forged| edit(forged, |text| replace(&text, b"manifest/v1", b"manifest/v2"))),
        ("no end of line", |forged| {
            edit(forged, |mut text| {
                text.pop();
                text
            })
        }),
        ("an empty line", |forged| {
            edit(forged, |mut text| {
                text.push(b'\n');
                text
            })
        }),
        ("a line too many", |forged| {
            edit(forged, |mut text| {
                text.extend(b"{}\n");
                text
            })
        }),
        ("a line of another format", |forged| {
            edit(forged, |mut text| {
                text.extend(b"[]\n");
                text
            })
        }),
        ("a carriage return", |forged| edit(forged, |text| replace(&text, b"}\n", b"}\r\n"))),
        ("a mark before", |forged| edit(forged, |text| [b"\xef\xbb\xbf".to_vec(), text].concat())),
        ("pack starts that are not there", |forged| {
            edit(forged, |mut text| {
                text.extend(b"{\"starts\":[]}\n");
                text
            })
        }),
        ("gone without a base", |forged| {
            edit(forged, |text| {
                let end = text.iter().position(|byte| *byte == b'\n').unwrap() + 1;
                let gone = b"{\"gone\":[\"AQEBAQEBAQEBAQEBAQEBAQ\"]}\n";
                [&text[..end], gone, &text[end..]].concat()
            });
        }),
        ("an entry missing", |forged| forged.head.entries += 1),
        ("an entry too many", |forged| forged.head.entries -= 1),
        ("another deposit", |forged| forged.head.deposit = 2),
        ("its own base", |forged| (forged.head.base, forged.head.chain) = (Some(1), 1)),
        ("a base before the first", |forged| (forged.head.base, forged.head.chain) = (Some(0), 1)),
        ("a chain without a base", |forged| {
            edit(forged, |text| replace(&text, b"\"archive\"", b"\"chain\":1,\"archive\""));
        }),
        ("read again in a full list", |forged| {
            edit(forged, |text| replace(&text, b"\"archive\"", b"\"reread\":true,\"archive\""));
        }),
        ("the folder's mode as text", |forged| edit(forged, |text| replace(&text, b"\"m\":488", b"\"m\":\"488\""))),
        ("a truth for the folder's mode", |forged| edit(forged, |text| replace(&text, b"\"m\":488", b"\"m\":true"))),
        ("a file's type in the folder's mode", |forged| {
            edit(forged, |text| replace(&text, b"\"m\":488", b"\"m\":16872"))
        }),
        ("a name for the folder", |forged| {
            edit(forged, |text| replace(&text, b"{\"m\":488", b"{\"p\":\".\",\"m\":488"))
        }),
        ("a plus sign before the folder's time", |forged| edit(forged, |text| replace(&text, b"\"-1000", b"\"+1000"))),
        ("a time past 64 bits", |forged| {
            edit(forged, |text| replace(&text, b"\"-1000000001\"", b"\"-9223372036854775809\""));
        }),
        ("a base at no distance", |forged| {
            edit(forged, |text| replace(&text, b"\"archive\"", b"\"base\":0,\"archive\""))
        }),
        ("an attribute without a value", |forged| edit(forged, |text| replace(&text, b",\"MQ==\"]", b"]"))),
        ("a tar longer than there is", |forged| forged.head.archive_bytes += 512),
        ("packs that are not there", |forged| forged.head.archive_packs = 1),
    ]
}

/// Replaces the first of these bytes.
fn replace(text: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let at = text.windows(from.len()).position(|window| window == from).expect("it stands in every manifest");
    [&text[..at], to, &text[at + from.len()..]].concat()
}

/// Makes the member of `m` another type, with a checksum that fits.
fn set_member_type(forged: &mut Forged, kind: u8) {
    let at = forged.content_at("m").place.block as usize * 512;
    // The member may begin with an extended header, whose data is one block.
    let at = if forged.tar[at + 156] == b'x' { at + 1024 } else { at };
    let header = &mut forged.tar[at..at + 512];
    header[156] = kind;
    header[148..156].fill(b' ');
    let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
}

/// The stock tools, with an `age` that knows hybrid recipients first on the search path.
struct Tools {
    path: OsString,
    _folder: tempfile::TempDir,
}

impl Tools {
    fn find() -> Option<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let package = root.join("../../target/npm/node_modules/age-encryption");
        let missing: Vec<_> =
            ["node", "python3", "sha256sum", "zstd", "tar"].into_iter().filter(|tool| !is_there(tool)).collect();
        if !missing.is_empty() || !package.exists() {
            say_aloud(&format!(
                "recovery with stock tools: {missing:?} or the npm package age-encryption is not there"
            ));
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let (script, package) = (root.join("tests/recovery/age.mjs"), package.canonicalize().unwrap());
        let age = format!("#!/bin/sh\nexec node '{}' '{}' \"$@\"\n", script.display(), package.display());
        fs::write(folder.path().join("age"), age).unwrap();
        fs::set_permissions(folder.path().join("age"), Permissions::from_mode(0o755)).unwrap();
        let before = std::env::var_os("PATH").unwrap_or_default();
        let paths = std::iter::once(folder.path().to_owned()).chain(std::env::split_paths(&before));
        Some(Self { path: std::env::join_paths(paths).unwrap(), _folder: folder })
    }

    /// Follows the page of an export; where opened things are.
    #[track_caller]
    fn open(&self, export: &Path) -> PathBuf {
        let said = self.run_page(export);
        assert_eq!(said.code, Some(0), "{said:?}");
        export.with_file_name("opened")
    }

    /// Runs the commands of RECOVERY.md as they stand there.
    fn run_page(&self, export: &Path) -> Said {
        let page = fs::read_to_string(export.join("RECOVERY.md")).unwrap();
        let blocks = page.split("```sh\n").skip(1).map(|rest| rest.split_once("```").unwrap().0);
        let script: String = blocks.collect();
        let mut shell = program("sh");
        shell.args(["-e", "-c", &script]).current_dir(export);
        said(shell.env("PATH", &self.path).env("AGE_PASSPHRASE", PASSPHRASE))
    }
}

#[track_caller]
fn export(home: &Home, more: &[&str]) -> PathBuf {
    let to = home.folder.path().join("export");
    let made = said(home.writer_command().args(["export", "--to"]).arg(&to).args(more));
    assert_eq!(made.code, Some(0), "{made:?}");
    to
}

/// The folders of opened series by their names, found as the page says.
fn opened_series(opened: &Path) -> BTreeMap<String, PathBuf> {
    let mut series = BTreeMap::new();
    for item in fs::read_dir(opened).unwrap() {
        let folder = item.unwrap().path();
        if !folder.is_dir() {
            continue;
        }
        let said =
            ["body", "manifest"].map(|part| fs::read(folder.join("000001").join(part)).unwrap_or_default()).concat();
        let text = String::from_utf8_lossy(&said).into_owned();
        let name = text.split_once("\"event\":\"series.opened\",\"name\":\"").unwrap().1.split_once('"').unwrap().0;
        series.insert(name.to_owned(), folder);
    }
    series
}

fn recover(script: &Path, series: &Path, number: u64, to: &Path) -> Said {
    let mut command = program("python3");
    // Neither the user's folders nor caches: what the script needs is in it.
    command.args(["-I", "-B"]).arg(script).arg(series).arg(number.to_string()).arg(to);
    said(&mut command)
}

/// Several deposits of one series, with everything that a tar alone would not bring back. How many they are.
pub(crate) fn deposit_a_life(home: &Home) -> u64 {
    let folder = home.beside("life");
    hostile_names(&folder);
    kinds_of_files(&folder);
    home.deposit(&folder, "a life");
    // Renamed, copied, changed, gone: and in a whole folder.
    fs::rename(folder.join("large"), folder.join("large, renamed")).unwrap();
    fs::copy(folder.join("large, renamed"), folder.join("copy of large")).unwrap();
    fs::rename(folder.join("inner"), folder.join("inner renamed")).unwrap();
    fs::write(folder.join("inner renamed/file"), b"changed").unwrap();
    fs::remove_file(folder.join("-rf")).unwrap();
    home.deposit(&folder, "a life");
    // A small change rests on the one before as a delta, again and again.
    for turn in 0..3 {
        fs::write(folder.join(format!("note {turn}")), format!("turn {turn}")).unwrap();
        let _ = fs::remove_file(folder.join(format!("note {}", turn - 1)));
        home.deposit(&folder, "a life");
    }
    // Back under the first name, and changed permissions alone.
    fs::rename(folder.join("large, renamed"), folder.join("large")).unwrap();
    fs::set_permissions(folder.join("large"), Permissions::from_mode(0o400)).unwrap();
    home.deposit(&folder, "a life");
    // What the folder itself has, and everything read again.
    fs::set_permissions(&folder, Permissions::from_mode(0o750)).unwrap();
    let _ = rustix::fs::lsetxattr(&folder, "user.place", b"shelf 3", rustix::fs::XattrFlags::empty());
    home.deposit_with(&folder, "a life", &["--reread"]);
    7
}

/// Deposits that are one object each, of which one is empty.
pub(crate) fn deposit_small_things(home: &Home) -> u64 {
    let folder = home.beside("small");
    home.deposit(&folder, "small things");
    fs::write(folder.join("a"), b"alpha").unwrap();
    fs::write(folder.join("empty"), b"").unwrap();
    fs::hard_link(folder.join("a"), folder.join("b")).unwrap();
    home.deposit(&folder, "small things");
    fs::remove_file(folder.join("a")).unwrap();
    fs::rename(folder.join("b"), folder.join("c")).unwrap();
    home.deposit(&folder, "small things");
    3
}

fn hostile_names(folder: &Path) {
    let long = "長".repeat(80);
    fs::create_dir_all(folder.join(&long).join(&long)).unwrap();
    let names: [&[u8]; 16] = [
        b"line\nfeed",
        b"-rf",
        b"--help",
        b" spaces ",
        b"back\\slash",
        b"quote\"'`$(touch evil)",
        b"\xff\xfe\xfd",
        b"caf\xe9",
        "ガ NFC".as_bytes(),
        "カ\u{3099} NFD".as_bytes(),
        "図面 第2版.dxf".as_bytes(),
        "turned \u{202e}fdp.exe".as_bytes(),
        b"\x01\x1b[2J control",
        b"*?[]",
        b"CON",
        b"~",
    ];
    for (seed, name) in names.iter().enumerate() {
        fs::write(folder.join(OsStr::from_bytes(name)), noise(seed as u64, 1000 + seed)).unwrap();
    }
    fs::write(folder.join(&long).join(&long).join("deep"), b"deep").unwrap();
    fs::write(folder.join(&long).join(format!("{}.txt", "n".repeat(250))), b"long").unwrap();
}

fn kinds_of_files(folder: &Path) {
    fs::create_dir_all(folder.join("inner/empty/er")).unwrap();
    fs::create_dir(folder.join("read only")).unwrap();
    fs::write(folder.join("read only/file"), b"x").unwrap();
    fs::write(folder.join("inner/file"), b"before").unwrap();
    fs::write(folder.join("nothing"), b"").unwrap();
    fs::write(folder.join("large"), noise(100, 20 * MIB)).unwrap();
    fs::write(folder.join("text"), "one line\n".repeat(300_000)).unwrap();
    let mut sparse = File::create(folder.join("sparse")).unwrap();
    sparse.seek(SeekFrom::Start(5 << 20)).unwrap();
    sparse.write_all(&noise(101, 10_000)).unwrap();
    sparse.set_len(9 << 20).unwrap();
    File::create(folder.join("hole")).unwrap().set_len(3 << 20).unwrap();
    fs::hard_link(folder.join("inner/file"), folder.join("a further name")).unwrap();
    fs::hard_link(folder.join("large"), folder.join("inner/large too")).unwrap();
    symlink("inner/file", folder.join("link")).unwrap();
    symlink("../../outside", folder.join("inner/link out")).unwrap();
    symlink("/etc/passwd", folder.join("absolute link")).unwrap();
    symlink(OsStr::from_bytes(b"\xff\n"), folder.join("link to bytes")).unwrap();
    symlink("inner", folder.join("link to a folder")).unwrap();
    let attribute =
        rustix::fs::lsetxattr(folder.join("text"), "user.canary", b"value", rustix::fs::XattrFlags::empty());
    if attribute.is_err() {
        say_aloud("extended attributes in an export: this file system has none");
    }
    for (path, mode) in [("read only/file", 0o400), ("text", 0o1640), ("read only", 0o555)] {
        fs::set_permissions(folder.join(path), Permissions::from_mode(mode)).unwrap();
    }
}
