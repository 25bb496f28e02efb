//! Stamps over the keeper's log: taken with each deposit, renewed, and added to proofs that are there.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::kit::{Home, Said, files_below, program, said, say_aloud};
use crate::outside::{Outside, list, openssl};

/// A safe, and a folder with one file that was deposited before any authority was named.
struct Kept {
    home: Home,
    folder: PathBuf,
}

fn kept() -> Kept {
    let home = Home::new();
    let folder = home.beside("folder");
    fs::write(folder.join("KX-204.dxf"), "a drawing").unwrap();
    home.deposit(&folder, "KX");
    Kept { home, folder }
}

impl Kept {
    fn name(&self, authorities: &[&Outside]) {
        self.home.ok(["log", "authorities", list(authorities).to_str().unwrap()]);
    }

    /// One more deposit, of another content.
    fn deposit(&self, content: &str) -> Said {
        fs::write(self.folder.join("KX-204.dxf"), content).unwrap();
        self.home.run(["deposit", self.folder.to_str().unwrap(), "--series", "KX", "--json"])
    }

    fn proof(&self, name: &str) -> PathBuf {
        let to = self.home.folder.path().join(name);
        self.home.ok(["proof", "latest:KX", "--to", to.to_str().unwrap()]);
        to
    }

    fn verify(&self, proof: &Path, authorities: &[&Outside]) -> Said {
        verify(&self.home, proof, authorities)
    }

    fn stamped_heads(&self) -> usize {
        fs::read_dir(self.home.path.join("keeper/log/stamps")).map_or(0, Iterator::count)
    }
}

/// What a stranger says who trusts this log and these authorities.
pub(crate) fn verify(home: &Home, proof: &Path, authorities: &[&Outside]) -> Said {
    let page = match proof.is_dir() {
        true => fs::read(proof.join("README.md")).unwrap(),
        false => crate::zips::unpacked(&fs::read(proof).unwrap()).remove("README.md").unwrap(),
    };
    let page = String::from_utf8(page).unwrap();
    let (_, policy) = page.split_once("<<'END'\n").unwrap();
    let at = |name: &str| home.folder.path().join(name);
    fs::write(at("policy"), policy.split_once("END\n").unwrap().0).unwrap();
    let roots = authorities.iter().map(|outside| fs::read_to_string(outside.root()).unwrap());
    fs::write(at("roots.pem"), roots.collect::<String>()).unwrap();
    let mut command = program(env!("CARGO_BIN_EXE_hizo"));
    command.arg("verify").arg(proof).arg("--json").arg("--policy").arg(at("policy"));
    if !authorities.is_empty() {
        command.arg("--roots").arg(at("roots.pem"));
    }
    said(&mut command)
}

fn contents(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    files_below(folder).into_iter().map(|path| (path.clone(), fs::read(path).unwrap())).collect()
}

/// What the stock tool says of each stamp that the proof's page names, with these roots.
pub(crate) fn stock(proof: &Path, authorities: &[&Outside]) -> usize {
    let roots = authorities.iter().map(|outside| fs::read_to_string(outside.root()).unwrap());
    fs::write(proof.join("roots.pem"), roots.collect::<String>()).unwrap();
    let page = fs::read_to_string(proof.join("README.md")).unwrap();
    let lines: Vec<_> = page.lines().filter(|line| line.starts_with("openssl ts -verify")).collect();
    for line in &lines {
        let words: Vec<&str> = line.split_whitespace().skip(1).collect();
        assert!(openssl(proof, &words).unwrap().contains("Verification: OK"), "{line}");
    }
    fs::remove_file(proof.join("roots.pem")).unwrap();
    lines.len()
}

/// Holds every independent stamp of a proof, also those over later heads, against these roots with PyPI `rfc3161-client`: over
/// how many heads there are some.
fn another_implementation(proof: &Path, authorities: &[&Outside]) -> Option<usize> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let beside = tempfile::tempdir().unwrap();
    let roots = beside.path().join("roots.pem");
    let pem = authorities.iter().map(|outside| fs::read_to_string(outside.root()).unwrap());
    fs::write(&roots, pem.collect::<String>()).unwrap();
    let is_one =
        |path: &PathBuf| path.extension().is_some_and(|end| end == "tsr") && !path.ends_with("stamps/self.tsr");
    let mut heads: BTreeMap<PathBuf, Vec<PathBuf>> = BTreeMap::new();
    for stamp in files_below(proof).into_iter().filter(is_one) {
        heads.entry(stamp.ancestors().nth(2).unwrap().join("checkpoint")).or_default().push(stamp);
    }
    for (head, stamps) in &heads {
        let mut python = Command::new("python3");
        python.env("PYTHONPATH", root.join("target/pypi"));
        python.arg(root.join("crates/hizo-keeper/tests/interop/rfc3161.py"));
        let said = python.arg(head).arg(&roots).arg("0").args(stamps).output();
        let Some(said) = said.ok().filter(|said| said.status.code() != Some(77)) else {
            say_aloud("NOT RUN: rfc3161-client is absent; run tests/interop/install.sh");
            return None;
        };
        let verified = String::from_utf8_lossy(&said.stdout).matches("verified").count();
        assert_eq!(verified, stamps.len(), "{}: {}", head.display(), String::from_utf8_lossy(&said.stderr));
    }
    Some(heads.len())
}

#[test]
fn a_deposit_is_stamped_at_once_and_its_proofs_call_for_no_further_stamp() {
    let Some(outside) = Outside::start() else { return };
    let kept = kept();
    kept.name(&[&outside]);
    let said = kept.deposit("a better drawing");
    assert_eq!((said.code, said.json()["unstamped"].as_array().unwrap().len()), (Some(0), 0), "{said:?}");
    assert_eq!(kept.stamped_heads(), 1);
    let proofs = ["one", "two", "three"].map(|name| kept.proof(name));
    assert_eq!(kept.stamped_heads(), 1, "the record of a stamp calls for no other");
    let [first, _, last] = proofs.map(|proof| kept.verify(&proof, &[&outside]));
    assert_eq!((first.code, &first.json()["since"]), (Some(0), &last.json()["since"]), "{first:?}");
    // The next deposit is new.
    kept.deposit("the best drawing");
    assert_eq!(kept.stamped_heads(), 2);
}

#[test]
fn an_authority_that_does_not_answer_loses_no_deposit_and_is_asked_again() {
    let Some(outside) = Outside::start() else { return };
    let kept = kept();
    let text = fs::read_to_string(outside.list()).unwrap();
    let silent: String = text
        .lines()
        .map(|line| if line.starts_with("url ") { "url http://127.0.0.1:1/" } else { line })
        .map(|line| format!("{line}\n"))
        .collect();
    let path = kept.home.folder.path().join("silent");
    fs::write(&path, silent).unwrap();
    kept.home.ok(["log", "authorities", path.to_str().unwrap()]);
    let said = kept.deposit("a better drawing");
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!(said.json()["unstamped"][0], "no stamp by elsewhere: the authority did not answer", "{said:?}");
    assert_eq!(kept.stamped_heads(), 0);
    // The same authority, when it answers: the next deposit's stamp covers both.
    kept.name(&[&outside]);
    assert_eq!(kept.deposit("the best drawing").code, Some(0));
    let to = kept.home.folder.path().join("proof");
    kept.home.ok(["proof", "KX:2", "--to", to.to_str().unwrap()]);
    assert_eq!(kept.verify(&to, &[&outside]).code, Some(0));
}

#[test]
fn a_self_stamped_proof_becomes_independent_by_refreshing_and_nothing_of_it_changes() {
    let Some(outside) = Outside::start() else { return };
    let kept = kept();
    let proof = kept.proof("proof");
    assert_eq!(kept.verify(&proof, &[&outside]).code, Some(4));
    let refresh = ["proof", "--refresh", proof.to_str().unwrap()];
    kept.home.fails(1, "no independent stamp covers this proof", refresh);
    let before = contents(&proof);
    kept.name(&[&outside]);
    let beside = kept.home.folder.path().join("beside");
    kept.home.ok([&refresh[..], &["--to", beside.to_str().unwrap()]].concat());
    assert_eq!(contents(&proof), before, "a refresh to another folder leaves the old one alone");
    kept.home.ok(refresh);
    for (path, bytes) in &before {
        let is_page = path.ends_with("README.md") || path.ends_with("certificate.pdf");
        assert!(is_page || fs::read(path).unwrap() == *bytes, "{}", path.display());
    }
    for folder in [&proof, &beside] {
        let said = kept.verify(folder, &[&outside]);
        assert_eq!(said.code, Some(0), "{said:?}");
        assert_eq!(stock(folder, &[&outside]), 1);
    }
    // Whoever trusts nobody is told what he was told before.
    assert_eq!(said(program(env!("CARGO_BIN_EXE_hizo")).arg("verify").arg(&proof)).code, Some(4));
    // Once more there is nothing to add.
    let after = contents(&proof);
    let said = kept.home.ok(refresh);
    assert!(said.out.contains("nothing to add"), "{said:?}");
    assert_eq!(contents(&proof), after);
}

#[test]
fn a_proof_that_is_one_file_is_refreshed_in_its_place_and_one_that_holds_more_is_left_alone() {
    let Some(outside) = Outside::start() else { return };
    let kept = kept();
    let zip = kept.proof("proof.zip");
    kept.name(&[&outside]);
    let text = zip.to_str().unwrap();
    // With something of somebody's own beside the proof in it.
    let (whole, other) = (fs::read(&zip).unwrap(), kept.home.folder.path().join("other.zip"));
    let mut items = crate::zips::unpacked(&whole);
    items.insert("letter.txt".to_owned(), b"dear court".to_vec());
    fs::write(&other, crate::zips::packed(&items)).unwrap();
    let before = fs::read(&other).unwrap();
    kept.home.fails(1, "holds more than the proof", ["proof", "--refresh", other.to_str().unwrap()]);
    assert_eq!(fs::read(&other).unwrap(), before);
    let beside = kept.home.folder.path().join("beside");
    kept.home.ok(["proof", "--refresh", other.to_str().unwrap(), "--to", beside.to_str().unwrap()]);
    assert_eq!(kept.verify(&beside, &[&outside]).code, Some(0));
    // What is left of a program that was cut short is not written over, and the proof is as it was.
    let partial = kept.home.folder.path().join("proof.zip.partial");
    fs::write(&partial, "half").unwrap();
    kept.home.fails(1, "proof.zip.partial", ["proof", "--refresh", text]);
    assert_eq!(fs::read(&zip).unwrap(), whole);
    fs::remove_file(&partial).unwrap();
    kept.home.ok(["proof", "--refresh", text]);
    assert_eq!(kept.verify(&zip, &[&outside]).code, Some(0));
    let after = crate::zips::unpacked(&fs::read(&zip).unwrap());
    for (name, bytes) in crate::zips::unpacked(&whole) {
        let is_page = name == "README.md" || name == "certificate.pdf";
        assert!(after.contains_key(&name) && (is_page || after[&name] == bytes), "{name}");
    }
    // Also by a name that leads to it, and with the rights that it had.
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let (aside, link) = (kept.home.folder.path().join("aside.zip"), kept.home.folder.path().join("link.zip"));
        fs::write(&aside, &whole).unwrap();
        fs::set_permissions(&aside, fs::Permissions::from_mode(0o600)).unwrap();
        std::os::unix::fs::symlink(&aside, &link).unwrap();
        kept.home.ok(["proof", "--refresh", link.to_str().unwrap()]);
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::metadata(&aside).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(kept.verify(&aside, &[&outside]).code, Some(0));
    }
    let twice = kept.home.ok(["proof", "--refresh", text]);
    assert!(twice.out.contains("nothing to add"), "{twice:?}");
}

#[test]
fn a_stamp_that_ends_soon_is_renewed_by_one_that_ends_later_and_its_time_stays() {
    let (Some(short), Some(long)) = (Outside::good_for("short", 200), Outside::good_for("long", 3650)) else { return };
    let kept = kept();
    kept.name(&[&short]);
    let said = kept.deposit("a better drawing");
    let told = said.json()["unstamped"][0].as_str().unwrap().to_owned();
    assert!(told.starts_with("the newest independent stamp can be relied on until "), "{told}");
    let proof = kept.proof("proof");
    let first = kept.verify(&proof, &[&short, &long]).json();
    kept.home.fails(1, "no authority gave one for longer", ["log", "renew"]);
    kept.home.fails(1, "no later stamp makes it longer", ["proof", "--refresh", proof.to_str().unwrap()]);
    kept.name(&[&short, &long]);
    let said = kept.home.ok(["log", "renew", "--json"]);
    assert_eq!(said.json()["stamped"][0], "long", "{said:?}");
    kept.home.ok(["proof", "--refresh", proof.to_str().unwrap()]);
    let (renewed, anew) =
        (kept.verify(&proof, &[&short, &long]).json(), kept.verify(&kept.proof("anew"), &[&short, &long]).json());
    assert_eq!(renewed["since"], first["since"]);
    assert!(renewed["before"].as_str() > first["before"].as_str(), "{renewed:#}");
    assert_eq!((&anew["since"], &anew["before"]), (&renewed["since"], &renewed["before"]));
    assert_eq!(stock(&proof, &[&short, &long]), 2);
    if let Some(heads) = another_implementation(&proof, &[&short, &long]) {
        assert_eq!(heads, 2, "the first head and the one of the renewal");
    }
    // Whoever trusts only the first authority is told what he was told before; only the second one, its own time.
    let told = kept.verify(&proof, &[&short]).json();
    assert_eq!((&told["since"], &told["before"]), (&first["since"], &first["before"]));
    let told = kept.verify(&proof, &[&long]).json();
    assert!(told["since"].as_str() >= first["since"].as_str(), "{told:#}");
    assert_eq!((&told["verdict"], &told["before"]), (&"holds".into(), &renewed["before"]), "{told:#}");
    assert!(kept.home.ok(["log", "renew"]).out.contains("nothing is due before"));
}

#[test]
fn a_proof_that_does_not_hold_or_is_of_another_safe_is_left_as_it_is() {
    let kept = kept();
    let proof = kept.proof("proof");
    let other = Home::new();
    other.fails(1, "is of another safe", ["proof", "--refresh", proof.to_str().unwrap()]);
    let checkpoint = proof.join("checkpoint");
    let whole = fs::read(&checkpoint).unwrap();
    let mut changed = whole.clone();
    changed[whole.len() / 2] ^= 1;
    fs::write(&checkpoint, changed).unwrap();
    let before = contents(&proof);
    kept.home.fails(3, "does not hold", ["proof", "--refresh", proof.to_str().unwrap()]);
    assert_eq!(contents(&proof), before);
    // What a refresh that was cut short has left is in nobody's way.
    fs::write(&checkpoint, whole).unwrap();
    fs::create_dir_all(proof.join("renewals/.1.partial/stamps")).unwrap();
    fs::write(proof.join("renewals/.1.partial/stamps/first.tsr"), "half").unwrap();
    assert_eq!(said(program(env!("CARGO_BIN_EXE_hizo")).arg("verify").arg(&proof)).code, Some(4));
}

#[test]
fn a_list_of_authorities_is_checked_before_it_is_kept() {
    let Some(outside) = Outside::start() else { return };
    let home = Home::new();
    home.ok(["log", "authorities"]);
    let good = fs::read_to_string(outside.list()).unwrap();
    let path = home.folder.path().join("list");
    for (text, said) in [
        ("nothing\n".to_owned(), "is no list of authorities"),
        (good.replace("authority elsewhere", "authority self"), "cannot be the name of an authority"),
        (good.replace("authority elsewhere", "authority else where"), "cannot be the name of an authority"),
        (good.replace("http://", "https://"), "is none that is asked"),
        (format!("{good}\n{}", good.split_once("\n\n").unwrap().1), "twice"),
    ] {
        fs::write(&path, text).unwrap();
        home.fails(1, said, ["log", "authorities", path.to_str().unwrap()]);
    }
    home.ok(["log", "authorities", outside.list().to_str().unwrap()]);
    let shown = home.ok(["log", "authorities", "--json"]).json();
    assert_eq!(shown["authorities"][0]["name"], "elsewhere", "{shown:#}");
}

#[test]
fn the_revocation_lists_of_the_day_lie_beside_a_stamp_and_a_revoked_certificate_is_told() {
    let Some(outside) = Outside::start() else { return };
    let kept = kept();
    kept.name(&[&outside]);
    kept.deposit("a better drawing");
    let proof = kept.proof("proof");
    assert!(proof.join("stamps/elsewhere.crl").is_file());
    let told = kept.verify(&proof, &[&outside]);
    assert!(told.code == Some(0) && told.out.contains("not revoked as of"), "{told:?}");
    // The page says how to ask the stock tool.
    fs::copy(outside.root(), proof.join("roots.pem")).unwrap();
    let page = fs::read_to_string(proof.join("README.md")).unwrap();
    let line = page.lines().find(|line| line.starts_with("openssl verify -crl_check_all")).unwrap();
    let line = line.replace("NAME", "elsewhere");
    let words: Vec<&str> = line.split_whitespace().skip(1).collect();
    assert!(openssl(&proof, &words).unwrap().contains("OK"), "{line}");
    fs::remove_file(proof.join("roots.pem")).unwrap();
    // What was revoked since is told by a list that the verifier brings, and by the one of the day of a refresh.
    let list = outside.revoke("keyCompromise");
    let mut command = program(env!("CARGO_BIN_EXE_hizo"));
    command.arg("verify").arg(&proof).arg("--policy").arg(kept.home.folder.path().join("policy"));
    command.arg("--roots").arg(outside.root()).arg("--crls").arg(&list);
    let told = said(&mut command);
    assert!(told.code == Some(4) && told.err.contains("was revoked"), "{told:?}");
    let told = said(command.args(["--crls"]).arg(outside.root()));
    assert_eq!(told.code, Some(2), "one file of lists: {told:?}");
}
