//! The keeper's signed promises: what a depositor gets at once, keeps, and holds the keeper to.

use std::fs;
use std::path::{Path, PathBuf};

use hizo_keeper::log::ReceiptSigner;
use hizo_ledger::log::note::NamedKey;
use hizo_ledger::log::receipt::{Receipt, UnverifiedReceipt};
use hizo_ledger::record::Origin;
use serde_json::Value;

use crate::keeper::Process;
use crate::kit::{Home, Said, said};
use crate::liar::Liar;
use crate::outside::Outside;

fn settings(home: &Home) -> Value {
    serde_json::from_slice(&fs::read(home.path.join("safe.json")).unwrap()).unwrap()
}

fn receipt(path: &Path, key: &NamedKey) -> Receipt {
    UnverifiedReceipt::parse(&fs::read(path).unwrap()).unwrap().verify(key).unwrap()
}

fn pinned(home: &Home) -> NamedKey {
    NamedKey::parse(settings(home)["receipt_key"].as_str().unwrap()).unwrap()
}

fn promise(home: &Home, state: &str, id: &str) -> PathBuf {
    home.path.join("receipts").join(state).join(format!("{id}.note"))
}

/// A safe and a folder to deposit.
fn safe() -> (Home, PathBuf) {
    let home = Home::new();
    let folder = home.beside("folder");
    fs::write(folder.join("a"), "1").unwrap();
    (home, folder)
}

fn deposit(home: &Home, folder: &Path) -> Said {
    home.run(["deposit".as_ref(), folder.as_os_str(), "--series".as_ref(), "KX".as_ref()])
}

/// The id that a deposit ends with.
fn id_of(said: &Said) -> String {
    let id = said.out.lines().last().unwrap_or_default().to_owned();
    assert!(id.len() == 64 && id.bytes().all(|byte| byte.is_ascii_hexdigit()), "{said:?}");
    id
}

#[test]
fn a_deposit_ends_with_a_promise_that_the_pinned_key_signed_and_that_stays() {
    let (home, folder) = safe();
    let made = home.deposit(&folder, "KX");
    let kept = receipt(&promise(&home, "met", made["deposit"].as_str().unwrap()), &pinned(&home));
    assert_eq!(kept.leaf.record.to_string(), made["deposit"].as_str().unwrap());
    for (key, value) in
        [("time", kept.time.to_string()), ("index_by", kept.index_by.to_string()), ("slot", kept.leaf.slot.to_string())]
    {
        assert_eq!(made["receipt"][key].as_str(), Some(value.as_str()), "{made}");
    }
    assert_eq!(made["receipt"]["log"]["index"], 1, "{made}");
    // For people: one line, and the id is still the last one.
    let said = deposit(&home, &folder);
    assert!(said.out.contains("receipt: the keeper took it at"), "{said:?}");
    assert!(promise(&home, "met", &id_of(&said)).is_file());
}

/// Puts something where the log is published, so that nothing is: a keeper that keeps and does not log.
fn log_no_more(home: &Home) {
    let checkpoint = home.path.join("keeper/log/checkpoint");
    fs::rename(&checkpoint, home.path.join("keeper/log/before")).unwrap();
    fs::create_dir(&checkpoint).unwrap();
}

fn log_again(home: &Home) {
    let checkpoint = home.path.join("keeper/log/checkpoint");
    fs::remove_dir(&checkpoint).unwrap();
    fs::rename(home.path.join("keeper/log/before"), &checkpoint).unwrap();
}

/// The promise as the keeper would have signed it long ago.
fn age(home: &Home, id: &str) {
    let seed = fs::read_to_string(home.path.join("keeper/log.key")).unwrap();
    let digit = |at: usize| u8::from_str_radix(&seed[2 * at..2 * at + 2], 16).unwrap();
    let seed: [u8; 32] = std::array::from_fn(digit);
    let path = promise(home, "due", id);
    let leaf = receipt(&path, &pinned(home)).leaf;
    let origin = Origin::parse(settings(home)["keeper"].as_str().unwrap()).unwrap();
    fs::write(&path, ReceiptSigner::new(&origin, &seed).unwrap().sign(&origin, leaf, 1_700_000_000, false).unwrap())
        .unwrap();
}

#[test]
fn a_keeper_that_never_logs_what_it_promised_is_shouted_about_and_its_promise_stays_as_evidence() {
    let (home, folder) = safe();
    home.deposit(&folder, "KX");
    log_no_more(&home);
    fs::write(folder.join("a"), "2").unwrap();
    let said = deposit(&home, &folder);
    let id = id_of(&said);
    assert!(promise(&home, "due", &id).is_file(), "{said:?}");
    assert!(said.out.contains("it is not there yet"), "{said:?}");
    // Before its time nothing is wrong with a promise.
    home.ok(["list"]);

    age(&home, &id);
    let evidence = fs::read(promise(&home, "due", &id)).unwrap();
    for command in [&["list"][..], &["status"], &["status", "latest:KX"]] {
        home.fails(5, "the keeper broke its promise", command);
    }
    fs::write(folder.join("a"), "3").unwrap();
    let said = deposit(&home, &folder);
    assert_eq!(said.code, Some(5), "{said:?}");
    assert!(said.err.contains(&id[..12]) && id_of(&said) != id, "what is deposited is kept all the same: {said:?}");
    assert_eq!(fs::read(promise(&home, "due", &id)).unwrap(), evidence);

    // It comes too late, and it comes: the promise was broken and nothing is open any more.
    log_again(&home);
    home.ok(["list"]);
    assert_eq!(fs::read(promise(&home, "met", &id)).unwrap(), evidence);
}

#[test]
fn what_a_keeper_has_promised_is_called_in_when_the_safe_leaves_it_and_held_against_no_other_one() {
    for is_kept in [true, false] {
        let (home, folder) = safe();
        home.deposit(&folder, "KX");
        log_no_more(&home);
        fs::write(folder.join("a"), "2").unwrap();
        let id = id_of(&deposit(&home, &folder));
        assert!(promise(&home, "due", &id).is_file());
        match is_kept {
            true => log_again(&home),
            false => age(&home, &id),
        }
        let new = Process::start(&home.folder.path().join("new"));
        let liar = Liar::before(&new.address());
        let told = home.run(["move", "--to", &liar.address]);
        assert!(told.out.contains("moved from"), "it is done all the same: {told:?}");
        assert_eq!(settings(&home)["keeper"], new.said["origin"]);
        let (code, state) = if is_kept { (0, "met") } else { (5, "due") };
        assert_eq!(told.code, Some(code), "{told:?}");
        assert!(is_kept || told.err.contains("the keeper broke its promise"), "{told:?}");
        assert!(promise(&home, state, &id).is_file(), "{told:?}");
        // The new one is asked for nothing of that.
        liar.heard();
        home.ok(["list"]);
        let heard = liar.heard();
        assert!(heard.iter().all(|asked| !asked.path.starts_with("/log/")), "{heard:#?}");
    }
}

#[test]
fn how_far_a_deposit_has_come_is_said_without_a_passphrase_and_with_whose_word_it_is() {
    let (home, folder) = safe();
    let made = home.deposit(&folder, "KX");
    let id = made["deposit"].as_str().unwrap();
    let blind = |arguments: &[&str]| said(home.writer_command().args(arguments));
    for named in ["latest:KX", "KX:1", &id[..8]] {
        let told = blind(&["status", named, "--json"]).json();
        assert_eq!(told["deposits"][0]["deposit"], id, "{told}");
        assert_eq!(told["deposits"][0]["log"]["index"], 1, "{told}");
        assert_eq!((&told["deposits"][0]["witnesses"], &told["deposits"][0]["stamp"]), (&Value::Null, &Value::Null));
    }
    for named in ["latest:other", "KX:2", "0123456", id.get(..5).unwrap()] {
        assert_eq!(blind(&["status", named]).code, Some(1), "{named}");
    }
    // The keeper's own stamp over the head, once a proof has asked for one, vouches for every deposit before it.
    fs::write(folder.join("a"), "2").unwrap();
    home.deposit(&folder, "KX");
    let to = home.folder.path().join("proof");
    home.ok(["proof", "latest:KX", "--to", to.to_str().unwrap()]);
    let told = blind(&["status", "KX:1"]);
    assert!(told.out.contains("the keeper itself says: self-stamped, not independent"), "{told:?}");
    // A promise that was lost is asked for once more.
    fs::remove_dir_all(home.path.join("receipts")).unwrap();
    assert_eq!(blind(&["status", "KX:1"]).code, Some(0));
    assert!(promise(&home, "met", id).is_file());
}

#[test]
fn a_receipt_that_was_changed_on_this_machine_is_said_to_be_its_own_file_and_can_be_had_again() {
    let (home, folder) = safe();
    let first = home.deposit(&folder, "KX")["deposit"].as_str().unwrap().to_owned();
    log_no_more(&home);
    fs::write(folder.join("a"), "2").unwrap();
    let second = id_of(&deposit(&home, &folder));
    for (state, named, id) in [("due", "KX:2", second), ("met", "KX:1", first)] {
        let path = promise(&home, state, &id);
        let whole = fs::read(&path).unwrap();
        let mut changed = whole.clone();
        let middle = changed.len() / 2;
        changed[middle] ^= 1;
        fs::write(&path, changed).unwrap();
        let said = home.fails(3, "a receipt that this machine kept has been changed here: ", ["status", named]);
        assert!(
            said.err.contains(path.to_str().unwrap()) && said.err.contains("The keeper did not do this"),
            "{said:?}"
        );
        fs::write(&path, &whole).unwrap();
        home.run(["status", named]);
        // Moved away, it is asked for again.
        fs::remove_file(&path).unwrap();
        let again = home.run(["status", named]);
        assert!(again.out.contains("the keeper says; made"), "{again:?}");
        assert!(promise(&home, "due", &id).is_file());
    }
}

#[test]
fn what_comes_next_is_to_name_an_authority_once() {
    let (home, folder) = safe();
    home.deposit(&folder, "KX");
    let said = home.ok(["status", "latest:KX"]);
    assert!(said.out.contains("next: hizo log authorities FILE names somebody else"), "{said:?}");
    let Some(outside) = Outside::start() else { return };
    home.ok(["log", "authorities", outside.list().to_str().unwrap()]);
    let said = home.ok(["status", "latest:KX"]);
    assert!(said.out.contains("next: hizo log renew --now asks"), "{said:?}");
    home.ok(["log", "renew", "--now"]);
    assert!(!home.ok(["status", "latest:KX"]).out.contains("next: "));
}

#[test]
fn a_receipt_by_another_key_than_the_pinned_one_is_no_receipt() {
    let (home, folder) = safe();
    let other = settings(&Home::new())["receipt_key"].clone();
    let text = fs::read_to_string(home.path.join("safe.json")).unwrap();
    let own = settings(&home)["receipt_key"].as_str().unwrap().to_owned();
    fs::write(home.path.join("safe.json"), text.replace(&own, other.as_str().unwrap())).unwrap();
    let said = deposit(&home, &folder);
    assert_eq!(said.code, Some(5), "{said:?}");
    assert!(said.err.contains("its receipt is not the one for this record"), "{said:?}");
    // What it gave in its place is kept too.
    assert!(promise(&home, "refused", &id_of(&said)).is_file());
}
