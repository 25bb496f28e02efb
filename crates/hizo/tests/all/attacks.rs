//! Attacks on the whole program, each played by the one who would try it. Rows: docs/spec/security.md.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD as BASE64;
use hizo_keeper::EmbeddedKeeper;
use hizo_ledger::id::{ObjectId, SeriesId};
use hizo_store::NamedBytes;
use hizo_vault::age::{self, Identity};
use hizo_vault::archive::{self, Member, MemberKind};
use hizo_vault::commit::{Committer, ContentValue, EntryId, Seed};
use hizo_vault::entropy::Entropy;
use hizo_vault::event::{Class, Event};
use hizo_vault::keys::SigningSeed;
use hizo_vault::manifest::{Content, Entry, Head, Kind, Place};
use hizo_vault::stream::{self, Framer};
use sha2::{Digest as _, Sha256};

use crate::forge::{Insider, device};
use crate::kit::{
    Dice, Home, LEAST_WORK, Said, assert_same, contains, files_below, forget_restore, hex, noise, said, tree,
};
use crate::sharing::Firm;

const CANARY: &str = "kanarienvogel-5c1d-canary";

#[test]
fn a8_a9_packs_of_one_deposit_cannot_stand_for_each_other() {
    let home = Home::new();
    let folder = home.beside("folder");
    fs::write(folder.join("a"), noise(1, 40 << 20)).unwrap();
    home.deposit(&folder, "test");
    let full = |path: &PathBuf| path.metadata().unwrap().len() == 16 << 20;
    let packs: Vec<_> = home.objects().into_iter().filter(full).collect();
    assert!(packs.len() >= 2);
    let (one, two) = (fs::read(&packs[0]).unwrap(), fs::read(&packs[1]).unwrap());
    for (first, second) in [(&two, &one), (&one, &one), (&two, &two)] {
        fs::write(&packs[0], first).unwrap();
        fs::write(&packs[1], second).unwrap();
        refused_restore(&home, "latest:test");
    }
    fs::write(&packs[0], &one).unwrap();
    fs::write(&packs[1], &two).unwrap();
    home.restore("latest:test", "whole");
}

#[test]
fn a9_a_manifest_that_is_not_the_one_committed_to_is_refused() {
    let template = Home::new();
    let home = template.copy();
    let mut forger = Forger::of(&home);
    let file = forger.file("file", b"content");
    let honest = forger.deposit(vec![file], |_| ());
    home.restore(&honest, "honest");
    let changes: [(&str, fn(&mut Entry)); 6] = [
        ("name", |entry| entry.path = b"fine".to_vec()),
        ("mode", |entry| entry.mode = 0o755),
        ("time", |entry| entry.mtime_ns += 1),
        ("id", |entry| entry.id = EntryId::from_bytes([9; 16])),
        ("key", |entry| content(entry).value.key[0] ^= 1),
        ("size", |entry| content(entry).size += 1),
    ];
    for (what, change) in changes {
        let home = template.copy();
        let mut forger = Forger::of(&home);
        let entry = forger.file("file", b"content");
        let deposit = forger.deposit(vec![entry], |entries| change(&mut entries[0]));
        let said = refused_restore(&home, &deposit);
        assert!(said.code == Some(3), "{what}: {said:?}");
    }
}

#[test]
fn a18_a19_a20_the_keeper_sees_padded_lengths_that_tell_neither_size_nor_compression() {
    let mut dice = Dice::new(18);
    let mut lengths: BTreeMap<u64, BTreeSet<Vec<u64>>> = BTreeMap::new();
    let template = Home::new();
    for round in 0..12_u64 {
        let home = template.copy();
        let folder = home.beside("folder");
        // Sizes that differ by up to one part in thirty; incompressible, so that the stored length follows them.
        let group = round % 3;
        let size = [5_000, 200_000, 3_000_000][group as usize];
        fs::write(folder.join("file"), noise(round, (size - dice.below(size / 200)) as usize)).unwrap();
        let before: BTreeSet<PathBuf> = home.objects().into_iter().collect();
        home.deposit(&folder, "test");
        let new = home.objects().into_iter().filter(|path| !before.contains(path));
        let is_sealed = |path: &PathBuf| fs::read(path).unwrap().starts_with(b"age-encryption.org/v1\n");
        let mut sealed: Vec<u64> = new.filter(is_sealed).map(|path| path.metadata().unwrap().len()).collect();
        sealed.sort();
        for bytes in &sealed {
            assert!(is_padded(*bytes), "an object of {bytes} bytes is not padded");
        }
        lengths.entry(group).or_default().insert(sealed);
    }
    for (group, seen) in lengths {
        // A size next to a step of the padding may fall on either side of it.
        assert!(seen.len() <= 2, "group {group}: {seen:?} tell the sizes apart");
    }
}

#[test]
fn a21_the_same_file_in_two_series_and_two_safes_shares_no_id_and_no_bytes() {
    let home = Home::new();
    let folder = home.beside("folder");
    // Larger than what is sealed together with its manifest, so that tars are sealed alone and are equal before it.
    fs::write(folder.join("the same"), noise(21, 1_500_000)).unwrap();
    fs::write(folder.join("zeros"), vec![0; 300_000]).unwrap();
    let other = home.copy();
    let mut sets = Vec::new();
    for (safe, series, class) in
        [(&home, "one", "standard"), (&home, "two", "core"), (&home, "three", "core"), (&other, "one", "standard")]
    {
        let before: BTreeSet<PathBuf> = safe.objects().into_iter().collect();
        safe.deposit_with(&folder, series, &["--class", class]);
        let new: Vec<_> = safe.objects().into_iter().filter(|path| !before.contains(path)).collect();
        sets.push(new.iter().map(|path| fs::read(path).unwrap()).collect::<Vec<_>>().concat());
    }
    for (number, one) in sets.iter().enumerate() {
        let pieces: BTreeSet<&[u8]> = one.chunks_exact(32).collect();
        for two in &sets[number + 1..] {
            // Text that every age file begins with is no secret; one line of it may fill a piece.
            let shared = two.windows(32).filter(|piece| pieces.contains(piece)).filter(|piece| !is_age_text(piece));
            assert_eq!(shared.count(), 0, "two series share 32 bytes");
        }
    }
}

#[test]
fn a22_a23_no_digest_of_a_plaintext_reaches_the_keeper() {
    let home = Home::new();
    let folder = home.beside("folder");
    let secret = format!("the temperature is 417 degrees, {CANARY}");
    fs::write(folder.join("recipe.txt"), &secret).unwrap();
    fs::write(folder.join("large"), noise(23, 2 << 20)).unwrap();
    home.deposit(&folder, "test");
    home.deposit_with(&folder, "test", &["--reread"]);
    let mut guesses: Vec<Vec<u8>> = Vec::new();
    for plain in [secret.into_bytes(), noise(23, 2 << 20), b"recipe.txt".to_vec(), b"test".to_vec()] {
        for digest in [Sha256::digest(&plain).to_vec(), blake3::hash(&plain).as_bytes().to_vec()] {
            guesses.push(hex(&digest).into_bytes());
            guesses.push(digest);
        }
    }
    for path in files_below(&home.path.join("keeper")) {
        let bytes = fs::read(&path).unwrap();
        for guess in &guesses {
            assert!(!contains(&bytes, guess), "{} holds a digest that anybody can guess", path.display());
        }
    }
}

#[test]
fn a25_whoever_has_what_a_passphrase_opens_pays_the_usual_work_for_each_guess() {
    let (home, newcomer) = (Home::unmade(), Home::unmade());
    let make = |home: &Home, arguments: &[&str]| {
        let said = said(home.command().env_remove(LEAST_WORK).args(arguments));
        assert_eq!(said.code, Some(0), "{said:?}");
    };
    let at = |home: &Home, name: &str| home.folder.path().join(name).to_str().unwrap().to_owned();
    make(&home, &["init"]);
    make(&home, &["office", "make", "--name", "Office", "--name-ja", "窓口"]);
    fs::write(at(&home, "entries"), "").unwrap();
    make(&home, &["directory", "publish", &at(&home, "entries"), "--to", &at(&home, "directory")]);
    let firm = Firm::new();
    let invite = firm.invite("佐藤");
    make(&newcomer, &["space", "join", invite.to_str().unwrap(), "--name", "佐藤", "--to", &at(&newcomer, "request")]);
    let files = [&home, &newcomer].map(|home| files_below(&home.path)).concat();
    let armored = files.iter().filter_map(|file| {
        let text = String::from_utf8(fs::read(file).unwrap()).ok()?;
        let body = text.strip_prefix("-----BEGIN AGE ENCRYPTED FILE-----\n")?.split("-----").next()?.replace('\n', "");
        Some(BASE64.decode(body).unwrap())
    });
    let works: Vec<_> = armored.map(|file| String::from_utf8_lossy(&file).lines().nth(1).unwrap().to_owned()).collect();
    assert_eq!(works.len(), 4, "two people, an organisation and a publisher: {works:?}");
    assert!(works.iter().all(|work| work.starts_with("-> scrypt ") && work.ends_with(" 17")), "{works:?}");
}

#[test]
fn a26_a_machine_that_is_cloned_seals_nothing_twice_under_one_key() {
    let home = Home::new();
    let folder = home.beside("folder");
    fs::write(folder.join("file"), noise(26, 100_000)).unwrap();
    home.deposit(&folder, "test");
    let clones = [home.copy(), home.copy()];
    let mut seen: HashMap<Vec<u8>, usize> = HashMap::new();
    for (number, clone) in clones.iter().enumerate() {
        fs::write(folder.join("file"), noise(100, 100_000)).unwrap();
        let before: BTreeSet<PathBuf> = home.objects().iter().map(|path| relative(path, &home)).collect();
        clone.deposit(&folder, "test");
        for path in clone.objects().into_iter().filter(|path| !before.contains(&relative(path, clone))) {
            for piece in fs::read(path).unwrap().chunks_exact(32).filter(|piece| !is_age_text(piece)) {
                let first = *seen.entry(piece.to_vec()).or_insert(number);
                assert_eq!(first, number, "two clones sealed the same bytes alike");
            }
        }
    }
}

#[test]
fn a28_putting_an_object_again_never_changes_one_that_is_whole() {
    let home = Home::new();
    let folder = home.beside("folder");
    fs::write(folder.join("file"), noise(28, 5000)).unwrap();
    home.deposit(&folder, "test");
    let before: Vec<_> = home.objects().iter().map(|path| (path.clone(), fs::read(path).unwrap())).collect();
    let keeper = EmbeddedKeeper::open_embedded(&home.path.join("keeper")).unwrap();
    let space = keeper.spaces().unwrap()[0];
    for (path, bytes) in &before {
        let id = ObjectId::from_hex(&path.file_name().unwrap().to_string_lossy()).unwrap();
        let mut other = bytes.clone();
        other[0] ^= 1;
        assert!(NamedBytes::claimed(id, other.clone()).is_err(), "other bytes under the name of an object");
        keeper.put(space, &NamedBytes::name(other).unwrap()).unwrap();
        keeper.put(space, &NamedBytes::claimed(id, bytes.clone()).unwrap()).unwrap();
        assert_eq!(&fs::read(path).unwrap(), bytes);
    }
}

#[test]
fn a31_nothing_on_a_depositing_machine_opens_its_own_last_deposit() {
    let home = Home::new();
    let folder = home.beside("folder");
    let content = noise(31, 4000);
    fs::write(folder.join("secret plan"), &content).unwrap();
    let deposit = home.deposit(&folder, "test")["deposit"].as_str().unwrap().to_owned();
    fs::remove_file(home.path.join("identity.age")).unwrap();
    // It still deposits, and the program does not open with what is left.
    let writes = said(home.writer_command().args(["deposit", "--series", "test"]).arg(&folder));
    assert_eq!(writes.code, Some(0), "{writes:?}");
    let to = home.folder.path().join("out");
    home.fails(1, "only deposits", [OsStr::new("restore"), deposit.as_ref(), "--to".as_ref(), to.as_os_str()]);
    // Everything that lies around, tried as a key: 32 bytes at every place, and hashes of everything and of the content.
    let mut seeds: BTreeSet<[u8; 32]> = BTreeSet::new();
    for path in files_below(&home.path) {
        let bytes = fs::read(&path).unwrap();
        seeds.insert(Sha256::digest(&bytes).into());
        seeds.insert(*blake3::hash(&bytes).as_bytes());
        if bytes.len() < 4000 && !path.starts_with(home.path.join("keeper/objects")) {
            seeds.extend(bytes.windows(32).map(|seed| <[u8; 32]>::try_from(seed).unwrap()));
            seeds.extend(base64_runs(&bytes));
        }
    }
    seeds.insert(Sha256::digest(&content).into());
    seeds.insert(*blake3::hash(&content).as_bytes());
    assert!(seeds.len() > 300, "{} keys are not all there is", seeds.len());
    let lines = files_below(&home.path).into_iter().filter_map(|path| fs::read_to_string(path).ok());
    let identities =
        lines.flat_map(|text| text.lines().filter_map(|line| Identity::parse(line).ok()).collect::<Vec<_>>());
    assert_eq!(identities.count(), 0, "an age identity lies around");
    let forger = Forger::of(&home);
    let sealed: Vec<_> = home.objects().iter().map(|path| fs::read(path).unwrap()).collect();
    let sealed: Vec<_> = sealed.into_iter().filter(|bytes| bytes.starts_with(b"age-encryption.org/v1\n")).collect();
    assert!(sealed.len() >= 4, "a wrap, a body and two deposits");
    for seed in seeds {
        let identity = Identity::generate(&mut Given(seed));
        assert_ne!(identity.recipient(), &forger.insider.recipient, "the secret of the epoch lies around");
        for object in &sealed {
            assert!(age::open_own(object.clone(), &identity).is_err(), "what lies around opens an object");
        }
    }
    // And what the machine remembers holds neither names nor content.
    for path in files_below(&home.path) {
        let bytes = fs::read(&path).unwrap();
        assert!(!contains(&bytes, b"secret plan"), "{} holds a name", path.display());
        assert!(!contains(&bytes, &content[..32]), "{} holds content", path.display());
    }
}

#[test]
fn a35_a_hostile_manifest_writes_nothing_outside_the_folder() {
    let link = |path: &[u8], target: &[u8]| plain(path, Kind::Symlink { target: target.to_vec() });
    let folder = |path: &[u8]| plain(path, Kind::Directory);
    type Hostile<'a> = (&'a str, Box<dyn Fn(&mut Forger) -> Vec<Entry> + 'a>);
    let hostile: [Hostile; 12] = [
        ("parent folder", Box::new(|forger| vec![forger.file("../escaped", b"x")])),
        // Listed as a folder, so that nothing but the rule of paths stands against it.
        ("listed parent folder", Box::new(|forger| vec![folder(b".."), forger.file("../escaped", b"x")])),
        ("absolute path", Box::new(|forger| vec![forger.file("/tmp/hizo-escaped", b"x")])),
        ("parent inside", Box::new(|forger| vec![folder(b"a"), forger.file("a/../../escaped", b"x")])),
        ("empty path", Box::new(|forger| vec![forger.file("", b"x")])),
        ("dot", Box::new(|forger| vec![forger.file(".", b"x")])),
        ("zero byte", Box::new(|forger| vec![forger.file("a\0b", b"x")])),
        ("through a link", Box::new(|forger| vec![link(b"a", b".."), forger.file("a/escaped", b"x")])),
        ("through a link out", Box::new(|forger| vec![link(b"a", b"/tmp"), forger.file("a/hizo-escaped", b"x")])),
        ("below a file", Box::new(|forger| vec![forger.file("a", b"x"), forger.file("a/b", b"y")])),
        ("set-user-id", Box::new(|forger| vec![Entry { mode: 0o104_755, ..forger.file("a", b"x") }])),
        (
            "hard link out",
            Box::new(|forger| {
                let content = forger.file("z", b"x").kind.content().unwrap().clone();
                vec![plain(b"z", Kind::HardLink { target: b"../passphrase".to_vec(), content })]
            }),
        ),
    ];
    let template = Home::new();
    for (what, entries) in hostile {
        let home = template.copy();
        let mut forger = Forger::of(&home);
        let entries = entries(&mut forger);
        let deposit = forger.deposit(entries, |_| ());
        let before = tree(home.folder.path());
        let said = refused_restore(&home, &deposit);
        assert_eq!(said.code, Some(3), "{what}: {said:?}");
        let mut after = tree(home.folder.path());
        after.retain(|path, _| !path.to_string_lossy().starts_with("out."));
        let names = |tree: &crate::kit::Tree| tree.keys().cloned().collect::<Vec<_>>();
        assert_eq!(names(&before), names(&after), "{what}");
        assert!(!Path::new("/tmp/hizo-escaped").exists(), "{what}");
    }
}

#[test]
fn a35_absurd_sizes_are_refused_before_memory_is_taken() {
    let template = Home::new();
    let sizes: [(&str, fn(&mut Entry)); 3] = [
        ("a file of 2^53 bytes", |entry| content(entry).size = (1 << 53) - 1),
        ("a place far past the end", |entry| content(entry).place.block = 1 << 40),
        ("a deposit that is not there", |entry| content(entry).place.deposit = 77),
    ];
    for (what, change) in sizes {
        let home = template.copy();
        let mut forger = Forger::of(&home);
        let mut entry = forger.file("file", b"content");
        change(&mut entry);
        let deposit = forger.deposit(vec![entry], |_| ());
        let mut command = crate::kit::program("bash");
        // Two gigabytes of address space: no honest restore of this size comes near.
        command.args(["-c", "ulimit -v 2000000; exec \"$@\"", "bash", env!("CARGO_BIN_EXE_hizo"), "--home"]);
        command.arg(&home.path).arg("--passphrase-file").arg(home.passphrase_file());
        let said = said(command.args(["restore", &deposit, "--to"]).arg(home.folder.path().join("out")));
        assert_eq!(said.code, Some(3), "{what}: {said:?}");
    }
}

#[test]
fn a35_special_bits_and_names_that_trick_are_tamed() {
    let home = Home::new();
    let mut forger = Forger::of(&home);
    let entries = vec![
        Entry { mode: 0o4755, ..forger.file("a\u{1b}[2Jb", b"x") },
        Entry { mode: 0o2755, ..forger.file("invoice\u{202e}fdp.exe", b"y") },
    ];
    let deposit = forger.deposit(entries, |_| ());
    let restored = home.restore(&deposit, "out");
    for path in files_below(&restored) {
        let mode = std::os::unix::fs::PermissionsExt::mode(&path.metadata().unwrap().permissions());
        assert_eq!(mode & 0o6000, 0, "{}", path.display());
    }
    let shown = home.ok(["show", &deposit]).out;
    assert!(!shown.contains('\u{1b}') && !shown.contains('\u{202e}'), "{shown:?}");
}

#[test]
fn a12_a40_secrets_are_in_no_file_and_no_line_that_is_printed() {
    let home = Home::unmade();
    let folder = home.beside("folder");
    let (name, content, series, label) =
        (format!("name-{CANARY}"), format!("content-{CANARY}"), format!("series-{CANARY}"), format!("label-{CANARY}"));
    fs::write(folder.join(&name), content.repeat(50)).unwrap();
    fs::write(folder.join("large"), [content.repeat(3000).into_bytes(), noise(40, 40 << 20)].concat()).unwrap();
    let mut printed = home.ok(["init", "--name", &format!("safe-{CANARY}")]);
    let arguments = ["deposit", "--quiet", "--series", &series, "--label", &label];
    // A deposit is killed in the middle, so that what it writes down for the next one is searched too.
    let mut child = home.command().args(arguments).arg(&folder).stdout(Stdio::null()).spawn().unwrap();
    std::thread::sleep(Duration::from_millis(400));
    child.kill().unwrap();
    child.wait().unwrap();
    let passphrase = crate::kit::PASSPHRASE;
    let secrets = [CANARY.as_bytes(), passphrase.as_bytes(), b"AGE-SECRET-KEY"];
    let search = |when: &str| {
        for path in files_below(&home.path) {
            let bytes = fs::read(&path).unwrap();
            for secret in secrets {
                assert!(!contains(&bytes, secret), "{when}: {} holds a secret", path.display());
            }
        }
    };
    search("after a kill");
    let done = said(home.command().args(arguments).arg(&folder));
    assert_eq!(done.code, Some(0), "{done:?}");
    printed.out.push_str(&done.out);
    printed.err.push_str(&done.err);
    search("after a deposit");
    for text in [&printed.out, &printed.err] {
        for secret in secrets {
            assert!(!contains(text.as_bytes(), secret), "printed: {text}");
        }
    }
}

#[test]
fn a40_a_passphrase_is_taken_from_no_argument_and_no_variable() {
    let home = Home::new();
    for arguments in [["--passphrase", crate::kit::PASSPHRASE], ["--password", crate::kit::PASSPHRASE]] {
        let said = said(home.writer_command().args(arguments).arg("list"));
        assert_eq!(said.code, Some(2), "{said:?}");
    }
    let mut command = home.writer_command();
    for variable in ["HIZO_PASSPHRASE", "HIZO_PASSWORD", "PASSPHRASE"] {
        command.env(variable, crate::kit::PASSPHRASE);
    }
    assert_eq!(said(command.arg("list")).code, Some(1));
}

#[test]
fn a6_an_older_or_newer_format_is_refused_and_not_guessed() {
    let home = Home::new();
    let mut forger = Forger::of(&home);
    let entry = forger.file("file", b"content");
    for version in ["manifest/v2", "manifest/v0", "manifest/v1 "] {
        let home = home.copy();
        let mut forger = Forger::of(&home);
        forger.version = version;
        let deposit = forger.deposit(vec![entry.clone()], |_| ());
        assert_eq!(refused_restore(&home, &deposit).code, Some(3), "{version}");
    }
}

#[test]
fn a27_a_deposit_s_parts_do_not_pass_for_each_other() {
    let home = Home::new();
    let folder = home.beside("folder");
    fs::write(folder.join("file"), noise(27, 2 << 20)).unwrap();
    home.deposit(&folder, "test");
    let truth = tree(&folder);
    // Every object is given out for every other one: a wrap for a body, a list for a manifest.
    let objects = home.objects();
    for one in &objects {
        for two in objects.iter().filter(|two| *two != one) {
            let whole = fs::read(one).unwrap();
            fs::copy(two, one).unwrap();
            let to = home.folder.path().join("out");
            let said = home.run([OsStr::new("restore"), "latest:test".as_ref(), "--to".as_ref(), to.as_os_str()]);
            if said.code == Some(0) {
                assert_same(&truth, &tree(&to));
                fs::remove_dir_all(&to).unwrap();
            } else {
                assert_eq!(said.code, Some(3), "{said:?}");
            }
            forget_restore(&to);
            fs::write(one, whole).unwrap();
        }
    }
    home.restore("latest:test", "whole");
}

/// A restore that must fail as false and leave no folder.
#[track_caller]
fn refused_restore(home: &Home, deposit: &str) -> Said {
    let to = home.folder.path().join("out");
    let said = home.run([OsStr::new("restore"), deposit.as_ref(), "--to".as_ref(), to.as_os_str()]);
    assert!(!matches!(said.code, Some(0 | 2 | 70) | None), "{said:?}");
    assert!(!to.exists(), "a folder stands under its name");
    forget_restore(&to);
    said
}

fn relative(path: &Path, home: &Home) -> PathBuf {
    path.strip_prefix(&home.path).unwrap().to_owned()
}

/// Text that is the same in every age file: version, stanza mark and kind.
fn is_age_text(piece: &[u8]) -> bool {
    contains(piece, b"age-enc")
        || contains(piece, b"mlkem")
        || contains(piece, b"ryption.org")
        || piece.starts_with(b"-> ")
}

/// Runs of base64 that are as long as a key.
fn base64_runs(bytes: &[u8]) -> Vec<[u8; 32]> {
    use base64::Engine as _;
    let text = String::from_utf8_lossy(bytes);
    let words = text.split(|letter: char| !(letter.is_ascii_alphanumeric() || "+/=".contains(letter)));
    let decode = |word: &str| base64::engine::general_purpose::STANDARD.decode(word).ok();
    words.filter_map(decode).filter_map(|bytes| bytes.try_into().ok()).collect()
}

/// Whether a sealed object has a length that only padding makes: header, nonce, and chunks of a Padmé length.
fn is_padded(bytes: u64) -> bool {
    let longest = (bytes as usize).saturating_sub(age::sealed_bytes(0, 1));
    let plain =
        (longest.saturating_sub(8192)..=longest + 16).find(|plain| age::sealed_bytes(*plain, 1) as u64 == bytes);
    bytes == 16 << 20 || plain.is_some_and(|plain| stream::padded(plain as u64) == plain as u64)
}

fn plain(path: &[u8], kind: Kind) -> Entry {
    let id = EntryId::from_bytes(Sha256::digest(path)[..16].try_into().unwrap());
    Entry { path: path.to_vec(), kind, mode: 0o644, mtime_ns: 1, xattrs: Vec::new(), id }
}

fn content(entry: &mut Entry) -> &mut Content {
    match &mut entry.kind {
        Kind::File(content) | Kind::HardLink { content, .. } => content,
        Kind::Symlink { .. } | Kind::Directory => panic!("it has no content"),
    }
}

/// A random source that gives one value, however often it is asked.
struct Given([u8; 32]);

impl Entropy for Given {
    fn fill(&mut self, bytes: &mut [u8]) {
        for (byte, given) in bytes.iter_mut().zip(self.0.iter().cycle()) {
            *byte = *given;
        }
    }
}

/// A member of the space with a valid key, who deposits what no honest program would.
struct Forger {
    insider: Insider,
    signing: SigningSeed,
    tar: Vec<u8>,
    version: &'static str,
}

impl Forger {
    fn of(home: &Home) -> Self {
        Self { insider: Insider::of(home), signing: device(home), tar: Vec::new(), version: "manifest/v1" }
    }

    /// Puts a file in the tar, under an honest name, and gives the entry that names it.
    fn file(&mut self, path: &str, bytes: &[u8]) -> Entry {
        let block = (self.tar.len() / archive::BLOCK_BYTES) as u64;
        let kind = MemberKind::File { size: bytes.len() as u64, sparse: None };
        let member = format!("m{block:06}").into_bytes();
        let member = Member { path: member.into(), kind, mode: 0o644, mtime_ns: 1, xattrs: Vec::new().into() };
        self.tar.extend(archive::header(&member).unwrap());
        self.tar.extend(bytes);
        self.tar.extend(&[0; archive::BLOCK_BYTES][..archive::padding(bytes.len() as u64)]);
        let value = ContentValue::of([3; 32], bytes);
        let place = Place { deposit: 1, block };
        let content =
            Content { size: bytes.len() as u64, value, place, spans: Box::default(), read: 1, unsteady: false };
        plain(path.as_bytes(), Kind::File(content))
    }

    /// Commits to `entries`, changes them after that, and deposits the result in a series of its own; its id.
    fn deposit(&mut self, mut entries: Vec<Entry>, change: impl FnOnce(&mut Vec<Entry>)) -> String {
        let seed = Seed::from_bytes([5; 32]);
        let mut committer = Committer::new(&seed, entries.len());
        entries.iter().for_each(|entry| committer.add(&entry.committed()));
        let commitment = committer.finish().unwrap();
        change(&mut entries);
        let mut tar = std::mem::take(&mut self.tar);
        if !tar.is_empty() {
            tar.extend(archive::END);
        }
        let opened = Event::SeriesOpened { name: "forged".into(), class: Class::Standard };
        let made = Event::DepositMade { labels: Vec::new(), files: 1, bytes: 1, left_out: 0 };
        let head = Head {
            deposit: 1,
            seed,
            entries: entries.len() as u64,
            base: None,
            chain: 0,
            reread: false,
            archive_bytes: tar.len() as u64,
            archive_packs: 0,
            root: None,
            events: vec![opened.to_value(), made.to_value()],
        };
        let head = String::from_utf8(head.line().to_vec()).unwrap().replace("manifest/v1", self.version);
        let text = [head.into_bytes(), entries.iter().flat_map(Entry::line).collect()].concat();
        let mut framer = Framer::new(1).unwrap();
        let mut frames = framer.frame(&text).unwrap();
        if !tar.is_empty() {
            frames.extend(framer.frame(&tar).unwrap());
        }
        stream::padding(frames.len() as u64).for_each(|piece| frames.extend(piece));
        let sealed = age::seal(&frames, std::slice::from_ref(&self.insider.recipient), &mut Given([6; 32])).unwrap();
        let sealed = self.insider.put(sealed);
        self.insider.deposit(&self.signing, (SeriesId::from_bytes([7; 8]), 1, None), &[sealed], &commitment);
        self.insider.chain.head().id.to_string()
    }
}
