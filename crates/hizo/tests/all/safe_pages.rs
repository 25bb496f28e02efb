//! What the pages of a safe say, beside what is so: what changed between two deposits, and what is found when everything is read again.

use std::collections::BTreeMap;
use std::fs;

use crate::desk::Desk;
use crate::kit::Home;
use crate::outside::{Outside, list};

/// What stands in the rows of a page's table: the name of each, and the word beside it.
fn rows(page: &str) -> BTreeMap<String, String> {
    let cell = |row: &str, begins: &str| -> String {
        let (_, rest) = row.split_once(begins).unwrap_or_else(|| panic!("{begins} is not in {row}"));
        rest.split_once('>').unwrap().1.split('<').next().unwrap().to_owned()
    };
    let row = |row: &str| (cell(row, "<th scope=\"row\""), cell(row, "<span class=\"pill"));
    page.split("<tr>").skip(2).map(row).collect()
}

#[test]
fn what_changed_between_two_deposits_is_what_was_changed() {
    let machine = Home::new();
    let folder = machine.beside("drawings");
    let (kept, moved) = (folder.join("kept.txt"), "moved from here to there, with the same content");
    for (name, content) in [("kept.txt", "same"), ("changed.txt", "before"), ("gone.txt", "gone"), ("from.txt", moved)]
    {
        fs::write(folder.join(name), content).unwrap();
    }
    let first = machine.deposit(&folder, "moulds");
    fs::write(folder.join("changed.txt"), "after, and longer").unwrap();
    fs::write(folder.join("<b>new.txt"), "new").unwrap();
    fs::remove_file(folder.join("gone.txt")).unwrap();
    fs::rename(folder.join("from.txt"), folder.join("to.txt")).unwrap();
    assert!(kept.exists());
    let second = machine.deposit_with(&folder, "moulds", &["--reread"]);
    let desk = Desk::start(&mut machine.writer_command());
    let (cookie, _) = desk.unlock(&machine);
    let at = |deposit: &serde_json::Value, with: u8| {
        format!("{}/deposit/{}/compare?with={with}", desk.at(), deposit["deposit"].as_str().unwrap())
    };
    let page = desk.get(&at(&second, 1), &cookie).body;
    let said = rows(&page);
    let words =
        [("&#60;b&#62;new.txt", "added"), ("changed.txt", "changed"), ("gone.txt", "removed"), ("to.txt", "renamed")];
    let mut said_of = said.clone();
    // The folder itself has another time, too.
    said_of.remove(".");
    assert_eq!(said_of, words.into_iter().map(|(name, word)| (name.to_owned(), word.to_owned())).collect(), "{page}");
    assert!(page.contains("was from.txt"), "{page}");
    // The other way round, what was added is what is gone.
    let said = rows(&desk.get(&at(&first, 2), &cookie).body);
    assert_eq!((said["gone.txt"].as_str(), said["&#60;b&#62;new.txt"].as_str()), ("added", "removed"));
    let same = desk.get(&at(&first, 1), &cookie);
    assert!(same.status != 500 && !same.body.contains("pill"), "a deposit beside itself: {}", same.body);
}

#[test]
fn whoever_has_everything_read_again_is_told_that_all_is_right_or_what_is_not_and_what_to_do() {
    let machine = Home::new();
    let (sound, touched) = (machine.beside("sound"), machine.beside("touched"));
    fs::write(sound.join("sound.txt"), "sound").unwrap();
    machine.deposit(&sound, "sound");
    let before = machine.objects();
    fs::write(touched.join("KX-204.dxf"), crate::kit::noise(5, 3 << 20)).unwrap();
    machine.deposit(&touched, "touched");
    let desk = Desk::start(&mut machine.writer_command());
    let (cookie, csrf) = desk.unlock(&machine);
    let at = |path: &str| format!("{}{path}", desk.at());
    let read_again = || {
        let begun = desk.post(&at("/health"), &cookie, &format!("csrf={csrf}"));
        let ended = desk.ended(&begun, &cookie);
        match ended.header("location") {
            Some(there) => desk.get(there, &cookie).body,
            None => ended.body,
        }
    };
    let page = read_again();
    assert!(page.contains("all of it is right") && !page.contains("not all of it"), "{page}");
    assert!(page.contains("2 deposits"), "{page}");

    let largest = machine.objects().into_iter().filter(|object| !before.contains(object));
    let largest = largest.max_by_key(|object| fs::metadata(object).unwrap().len()).unwrap();
    let mut bytes = fs::read(&largest).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&largest, bytes).unwrap();
    let page = read_again();
    assert!(page.contains("not all of it is right"), "{page}");
    let (_, of_the_touched) = page.split_once("<ul>").unwrap_or_else(|| panic!("{page}"));
    assert!(of_the_touched.contains("KX-204.dxf"), "the file is named: {page}");
    assert!(page.contains(">touched, deposit 1<") && !page.contains(">sound, deposit 1<"), "{page}");
    // What the command says to do is said here, too.
    let said = machine.run(["check"]);
    let hint = said.err.lines().find_map(|line| line.strip_prefix("hint: ")).unwrap_or_else(|| panic!("{said:?}"));
    assert!(page.replace("&#39;", "'").contains(hint), "{hint}: {page}");
}

#[test]
fn a_seal_is_red_once_somebody_independent_says_the_time_and_never_before() {
    let Some(outside) = Outside::start() else { return };
    let machine = Home::new();
    let folder = machine.beside("drawings");
    fs::write(folder.join("KX-204.dxf"), "first").unwrap();
    let first = machine.deposit(&folder, "moulds");
    let desk = Desk::start(&mut machine.writer_command());
    let (cookie, csrf) = desk.unlock(&machine);
    let id = |deposit: &serde_json::Value, name: &str| deposit[name].as_str().unwrap().to_owned();
    let seals = |path: &str| {
        let page = desk.get(&format!("{}{path}", desk.at()), &cookie).body;
        let (red, ring) = (page.matches("<circle class=\"red\"").count(), page.matches("class=\"seal ring\"").count());
        assert_eq!(page.matches("<svg class=\"seal").count(), red + ring, "{page}");
        (red, ring)
    };
    let pages = |deposit: &serde_json::Value| {
        [format!("/deposit/{}", id(deposit, "deposit")), format!("/series/{}", id(deposit, "series_id"))]
    };
    assert_eq!(pages(&first).map(|page| seals(&page)), [(0, 0); 2], "nobody says a time yet");
    // The proof calls for a stamp, and only the keeper is there to give one.
    let to = machine.folder.path().join("proof");
    machine.ok(["proof", "latest:moulds", "--to", to.to_str().unwrap()]);
    assert_eq!(pages(&first).map(|page| seals(&page)), [(0, 1); 2], "the keeper's own word is a grey ring");

    machine.ok(["log", "authorities", list(&[&outside]).to_str().unwrap()]);
    fs::write(folder.join("KX-204.dxf"), "second").unwrap();
    let second = machine.deposit_with(&folder, "moulds", &["--reread"]);
    assert_eq!(pages(&second).map(|page| seals(&page)), [(1, 0); 2], "somebody else's is a red seal");
    // And so it is on the page of its proof.
    let to = machine.folder.path().join("proved");
    let form = format!("csrf={csrf}&to={}", to.display());
    let path = format!("{}/deposit/{}/prove", desk.at(), id(&second, "deposit"));
    let proved = desk.ended(&desk.post(&path, &cookie, &form), &cookie);
    let there = proved.header("location").unwrap_or_else(|| panic!("{}", proved.body));
    assert_eq!(seals(there.strip_prefix(desk.at()).unwrap()), (1, 0));
}
