//! Proofs as one file: what `hizo proof --to X.zip` makes, and every hostile ZIP of vectors/zip/v1, which two readers could
//! take for two things.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use flate2::write::DeflateEncoder;
use flate2::{Compression, Crc};
use serde_json::json;

use crate::kit::{self, Home, Said, program, said, say_aloud};

const STORED: u16 = 0;
const DEFLATED: u16 = 8;

/// An entry as its headers describe it.
#[derive(Clone)]
struct Item {
    name: Vec<u8>,
    /// The name at the entry itself.
    local: Vec<u8>,
    method: u16,
    flags: u16,
    /// Upper half of the external attributes: a Unix mode.
    mode: u16,
    crc: u32,
    size: u32,
    data: Vec<u8>,
    /// Where the directory says that it lies; where it does lie if nothing is said.
    offset: Option<u32>,
}

impl Item {
    fn stored(name: &str, bytes: &[u8]) -> Self {
        let mut crc = Crc::new();
        crc.update(bytes);
        Self {
            name: name.into(),
            local: name.into(),
            method: STORED,
            flags: 0,
            mode: 0o100_644,
            crc: crc.sum(),
            size: bytes.len() as u32,
            data: bytes.to_vec(),
            offset: None,
        }
    }

    fn deflated(name: &str, bytes: &[u8]) -> Self {
        let mut packed = DeflateEncoder::new(Vec::new(), Compression::best());
        packed.write_all(bytes).unwrap();
        Self { method: DEFLATED, data: packed.finish().unwrap(), ..Self::stored(name, bytes) }
    }

    /// What both headers have, from the version that is needed to the lengths of name and extra field (APPNOTE, 4.3.7).
    fn facts(&self, name: &[u8]) -> Vec<u8> {
        let shorts = |values: &[u16]| values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<_>>();
        let longs = |values: &[u32]| values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<_>>();
        let lengths = longs(&[self.crc, self.data.len() as u32, self.size]);
        [shorts(&[20, self.flags, self.method, 0, 33]), lengths, shorts(&[name.len() as u16, 0])].concat()
    }
}

/// A ZIP of these entries, with bytes before, between and behind them.
fn zip_with(items: &[Item], before: &[u8], between: &[u8], behind: &[u8]) -> Vec<u8> {
    let (mut zip, mut directory) = (before.to_vec(), Vec::new());
    for item in items {
        let offset = item.offset.unwrap_or(zip.len() as u32);
        zip.extend([b"PK\x03\x04", &item.facts(&item.local)[..], &item.local, &item.data, between].concat());
        directory.extend([b"PK\x01\x02", &(20_u16 | 3 << 8).to_le_bytes()[..], &item.facts(&item.name)].concat());
        directory
            .extend([[0; 6].as_slice(), &(u32::from(item.mode) << 16).to_le_bytes(), &offset.to_le_bytes()].concat());
        directory.extend(&item.name);
    }
    let (count, start) = (items.len() as u16, zip.len() as u32);
    let ends = [[0; 4].as_slice(), &count.to_le_bytes(), &count.to_le_bytes()].concat();
    let place = [(directory.len() as u32).to_le_bytes(), start.to_le_bytes()].concat();
    [zip, directory, b"PK\x05\x06".to_vec(), ends, place, vec![0; 2], behind.to_vec()].concat()
}

fn zip(items: &[Item]) -> Vec<u8> {
    zip_with(items, b"", b"", b"")
}

/// A ZIP of these files, stored.
pub(crate) fn packed(files: &BTreeMap<String, Vec<u8>>) -> Vec<u8> {
    zip(&files.iter().map(|(name, bytes)| Item::stored(name, bytes)).collect::<Vec<_>>())
}

/// The files of a ZIP, by another reader.
pub(crate) fn unpacked(zip: &[u8]) -> BTreeMap<String, Vec<u8>> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("all.zip");
    fs::write(&path, zip).unwrap();
    let to = folder.path().join("all");
    let said = said(program("python3").args(["-m", "zipfile", "-e"]).arg(&path).arg(&to));
    assert_eq!(said.code, Some(0), "{said:?}");
    let name = |path: &PathBuf| path.strip_prefix(&to).unwrap().to_str().unwrap().to_owned();
    kit::files_below(&to).iter().map(|path| (name(path), fs::read(path).unwrap())).collect()
}

fn proofs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../vectors/proof/v1")
}

/// The files of the accepted proof, stored.
fn items() -> Vec<Item> {
    let folder = proofs().join("accepted/file");
    let mut files = kit::files_below(&folder);
    files.sort();
    let name = |path: &PathBuf| path.strip_prefix(&folder).unwrap().to_str().unwrap().to_owned();
    files.iter().map(|path| Item::stored(&name(path), &fs::read(path).unwrap())).collect()
}

struct Case {
    name: &'static str,
    about: &'static str,
    exit: i32,
    /// Words of the error.
    says: &'static str,
    bytes: Vec<u8>,
}

fn changed(change: impl FnOnce(&mut Vec<Item>)) -> Vec<u8> {
    let mut items = items();
    change(&mut items);
    zip(&items)
}

/// Changes the entry of `opening.json`.
fn opening(change: impl FnOnce(&mut Item)) -> Vec<u8> {
    changed(|items| change(items.iter_mut().find(|item| item.name == b"opening.json").unwrap()))
}

fn cases() -> Vec<Case> {
    let case = |name, about, exit, says, bytes| Case { name, about, exit, says, bytes };
    let accepted = |name, about, bytes| case(name, about, 0, "", bytes);
    let refused = |name, about, says, bytes| case(name, about, 3, says, bytes);
    let unread = |name, about, says, bytes| case(name, about, 4, says, bytes);
    let elsewhere = "a name that could lead elsewhere";
    let (twice, layout) = ("a name twice", "bytes that its directory does not name");
    let kind = "an entry of a kind that a proof has not";
    let named = |name: &str| changed(|items| items.push(Item::stored(name, b"x")));
    let bomb = |bytes: u64| {
        let mut packed = DeflateEncoder::new(Vec::new(), Compression::best());
        std::io::copy(&mut std::io::Read::take(std::io::repeat(b' '), bytes), &mut packed).unwrap();
        packed.finish().unwrap()
    };
    let folded = |items: Vec<Item>| {
        let below = |name: Vec<u8>| [b"shown/".to_vec(), name].concat();
        let below = |item: Item| Item { name: below(item.name), local: below(item.local), ..item };
        items.into_iter().map(below).collect::<Vec<_>>()
    };
    vec![
        accepted("stored", "all files, stored", zip(&items())),
        accepted(
            "deflated",
            "all files, packed by DEFLATE",
            changed(|items| {
                for item in items {
                    *item = Item::deflated(std::str::from_utf8(&item.name.clone()).unwrap(), &item.data);
                }
            }),
        ),
        accepted(
            "folder",
            "all files below one folder, as a desktop packs one",
            zip(&[vec![Item::stored("shown/", b"")], folded(items())].concat()),
        ),
        accepted(
            "others",
            "a page and a paper that are not read",
            changed(|items| {
                items.push(Item::stored("certificate.pdf", b"%PDF"));
                items.push(Item::stored("説明.txt", b"x"));
            }),
        ),
        refused("climbs", "a name that climbs out", elsewhere, named("../opening.json")),
        refused("climbs_inside", "a name that climbs out by a way round", elsewhere, named("a/../../b")),
        refused("absolute", "a name from the root of a disk", elsewhere, named("/etc/passwd")),
        refused("backslash", "a name that is a path on one system only", elsewhere, named("..\\opening.json")),
        refused("drive", "a name on a drive", elsewhere, named("C:x")),
        refused("control", "a name with a control character", elsewhere, named("a\u{1b}[2Jb")),
        refused(
            "not_text",
            "a name that is not UTF-8",
            elsewhere,
            changed(|items| {
                items.push(Item { name: vec![0x82, 0xa0], local: vec![0x82, 0xa0], ..Item::stored("x", b"x") });
            }),
        ),
        refused(
            "two_names",
            "another name at the entry than in the directory",
            elsewhere,
            opening(|item| {
                item.local = b"harmless.txt".to_vec();
            }),
        ),
        refused("twice", "one name twice, with two contents", twice, named("opening.json")),
        refused("twice_by_case", "one name twice on systems that do not tell case apart", twice, named("OPENING.JSON")),
        refused(
            "shared",
            "two names for the bytes of one entry",
            twice,
            changed(|items| {
                let first = items[0].clone();
                items.push(Item { offset: Some(0), ..first });
            }),
        ),
        refused("before", "bytes before the first entry", layout, zip_with(&items(), b"#!/bin/sh\n", b"", b"")),
        refused("between", "bytes between entries", layout, zip_with(&items(), b"", b"hidden", b"")),
        refused("behind", "bytes behind the directory", layout, zip_with(&items(), b"", b"", b"hidden")),
        refused("link", "a link", kind, opening(|item| item.mode = 0o120_777)),
        refused("encrypted", "an encrypted entry", kind, opening(|item| item.flags |= 1)),
        refused("other_method", "an entry packed by BZIP2", kind, opening(|item| item.method = 12)),
        refused(
            "many",
            "more entries than a proof has",
            "more entries than",
            changed(|items| {
                items.extend((0..1024).map(|number| Item::stored(&format!("page-{number}"), b"")));
            }),
        ),
        refused(
            "long",
            "a receipt longer than one may be, and it says so",
            "longer than it may be",
            changed(|items| {
                let receipt = items.iter_mut().find(|item| item.name == b"receipt.note").unwrap();
                *receipt = Item::deflated("receipt.note", &[b' '; 4096]);
            }),
        ),
        unread(
            "bomb",
            "a receipt that unpacks to 100 MB and says 100",
            "no whole ZIP",
            changed(|items| {
                let receipt = items.iter_mut().find(|item| item.name == b"receipt.note").unwrap();
                *receipt = Item { data: bomb(100_000_000), size: 100, method: DEFLATED, ..receipt.clone() };
            }),
        ),
        unread("checksum", "a checksum that is not the content's", "no whole ZIP", opening(|item| item.crc ^= 1)),
        unread("cut", "cut short", "no whole ZIP", {
            let whole = zip(&items());
            whole[..whole.len() / 2].to_vec()
        }),
        unread(
            "no_opening",
            "a file of a proof is missing",
            "opening.json is missing",
            changed(|items| {
                items.retain(|item| item.name != b"opening.json");
            }),
        ),
        unread("none", "no ZIP", "no whole ZIP", b"PK".to_vec()),
    ]
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../vectors/zip/v1")
}

fn place(case: &Case) -> PathBuf {
    PathBuf::from(if case.exit == 0 { "accepted" } else { "refused" }).join(format!("{}.zip", case.name))
}

fn files() -> BTreeMap<PathBuf, Vec<u8>> {
    let cases = cases();
    let said = |case: &Case| json!({ "file": place(case), "about": case.about, "exit": case.exit, "says": case.says });
    let index = serde_json::to_string_pretty(&cases.iter().map(said).collect::<Vec<_>>()).unwrap() + "\n";
    let mut files = BTreeMap::from([(PathBuf::from("index.json"), index.into_bytes())]);
    files.extend(cases.into_iter().map(|case| (place(&case), case.bytes)));
    files
}

fn verify(bundle: &Path) -> Said {
    let brought = |name: &str| proofs().join(name);
    let mut command = program(env!("CARGO_BIN_EXE_hizo"));
    command.arg("verify").arg(bundle).arg(brought("KX-204.dxf"));
    said(command.arg("--policy").arg(brought("policy")).arg("--roots").arg(brought("roots.pem")))
}

#[test]
fn a42_every_zip_is_judged_as_it_must_be() {
    for case in cases() {
        let said = verify(&folder().join(place(&case)));
        assert_eq!(said.code, Some(case.exit), "{}: {said:?}", case.name);
        assert!(said.err.contains(case.says), "{}: {said:?}", case.name);
    }
}

#[test]
fn stored_zips_are_the_ones_made_from_the_accepted_proof() {
    let made = files();
    let mut stored = kit::files_below(&folder());
    stored.sort();
    assert_eq!(stored, made.keys().map(|name| folder().join(name)).collect::<Vec<_>>());
    for (name, bytes) in made {
        assert!(fs::read(folder().join(&name)).unwrap() == bytes, "{} is another", name.display());
    }
}

#[test]
#[ignore = "writes the files that the other tests compare"]
fn write_the_zips() {
    let _ = fs::remove_dir_all(folder());
    for (name, bytes) in files() {
        fs::create_dir_all(folder().join(&name).parent().unwrap()).unwrap();
        fs::write(folder().join(name), bytes).unwrap();
    }
}

#[test]
fn a_proof_as_one_file_is_read_by_hizo_and_by_stock_tools_and_is_the_same_each_time() {
    let home = Home::new();
    let deposited = home.beside("folder");
    fs::write(deposited.join("KX-204.dxf"), "a drawing").unwrap();
    home.deposit(&deposited, "KX");
    let to = |name: &str| home.folder.path().join(name);
    let prove = |to: &Path| home.ok(["proof".as_ref(), "latest:KX".as_ref(), "--to".as_ref(), to.as_os_str()]);
    [to("a.zip"), to("b.ZIP"), to("folder of it")].iter().for_each(|to| drop(prove(to)));
    assert!(fs::read(to("a.zip")).unwrap() == fs::read(to("b.ZIP")).unwrap());
    home.fails(
        1,
        "is there already",
        ["proof".as_ref(), "latest:KX".as_ref(), "--to".as_ref(), to("a.zip").as_os_str()],
    );
    let verify = |bundle: &Path| said(program(env!("CARGO_BIN_EXE_hizo")).arg("verify").arg(bundle).arg("--json"));
    let [zip, folder] = [to("a.zip"), to("folder of it")].map(|bundle| verify(&bundle));
    assert_eq!((zip.code, &zip.out), (Some(4), &folder.out), "{zip:?}");
    for (tool, arguments) in [("unzip", &["-q"][..]), ("python3", &["-m", "zipfile", "-e"])] {
        let out = home.beside(tool);
        let mut command = program(tool);
        if command.arg("--help").output().is_err() {
            say_aloud(&format!("zips: {tool} is not here"));
            continue;
        }
        let mut command = program(tool);
        command.args(arguments).arg(to("a.zip"));
        let done = said(if tool == "unzip" { command.arg("-d").arg(&out) } else { command.arg(&out) });
        assert_eq!(done.code, Some(0), "{done:?}");
        let listed = |folder: &Path| {
            let mut files = kit::files_below(folder);
            files.sort();
            files
                .into_iter()
                .map(|path| (path.strip_prefix(folder).unwrap().to_owned(), fs::read(&path).unwrap()))
                .collect()
        };
        let (unpacked, made): (Vec<_>, Vec<_>) = (listed(&out), listed(&to("folder of it")));
        assert!(unpacked == made, "{tool} finds other files");
    }
}
