//! The rule of docs/spec/exit-codes.md, "Languages", held over the sources: what a person reads is said in both languages.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::kit::files_below;

/// Files that still say some sentences in English alone. It only ever gets shorter.
const ENGLISH_ALONE: [&str; 3] =
    ["features/deposit/assembling.rs", "features/deposit/listing.rs", "features/deposit/mod.rs"];

/// What takes a sentence for a person, followed by a text instead of `words!`.
const SAID_PLAINLY: [&str; 6] =
    ["fixable(\"", "fixable(format!(", ".hint(\"", ".hint(format!(", ".warn(\"", ".warn(&format!("];

/// What is shown as a machine sees it, in every language.
const AS_IT_IS: [&str; 2] = ["space {id}", "object {id}…"];

fn sources() -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let rust =
        files_below(&root).into_iter().filter(|path| path.extension().is_some_and(|extension| extension == "rs"));
    rust.map(|path| {
        let text = fs::read_to_string(&path).unwrap();
        // Tests at the end of a file speak to nobody.
        let text = text.split("#[cfg(test)]\nmod tests").next().unwrap().to_owned();
        (path.strip_prefix(&root).unwrap().to_owned(), text)
    })
    .collect()
}

#[test]
fn no_sentence_is_said_in_english_alone() {
    for (path, text) in sources() {
        let plain: Vec<_> = text.lines().filter(|line| SAID_PLAINLY.iter().any(|start| line.contains(start))).collect();
        match ENGLISH_ALONE.iter().any(|known| path == Path::new(known)) {
            false => assert!(plain.is_empty(), "say these by words! in {}: {plain:#?}", path.display()),
            true => assert!(!plain.is_empty(), "take {} off the list: it says everything twice", path.display()),
        }
    }
}

/// The English and the Japanese of every `words!` in a source.
fn pairs(text: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for rest in text.split("words!(").skip(1) {
        let Some((english, rest)) = literal(rest.trim_start()) else { continue };
        let (japanese, _) = literal(rest.trim_start().trim_start_matches(',').trim_start()).expect("two sentences");
        found.push((english, japanese));
    }
    found
}

/// The string literal that a text begins with, and what follows it.
fn literal(text: &str) -> Option<(String, &str)> {
    let inner = text.strip_prefix('"')?;
    let mut escaped = false;
    for (at, character) in inner.char_indices() {
        match character {
            '\\' if !escaped => escaped = true,
            '"' if !escaped => return Some((inner[..at].to_owned(), &inner[at + 1..])),
            _ => escaped = false,
        }
    }
    None
}

/// The names of the values in a sentence.
fn values(sentence: &str) -> BTreeSet<String> {
    let sentence = sentence.replace("{{", "").replace("}}", "");
    let inside = sentence.split('{').skip(1).filter_map(|rest| rest.split('}').next());
    inside.map(|value| value.split(':').next().unwrap().to_owned()).collect()
}

/// A sentence without its values.
fn outside_values(sentence: &str) -> String {
    let pieces = sentence.split('{').map(|piece| piece.split_once('}').map_or(piece, |(_, after)| after));
    pieces.collect()
}

fn is_japanese(character: char) -> bool {
    matches!(character, '\u{3040}'..='\u{30ff}' | '\u{4e00}'..='\u{9fff}')
}

#[test]
fn both_sentences_say_the_same_values_and_end_alike() {
    let mut count = 0;
    for (path, text) in sources() {
        for (english, japanese) in pairs(&text) {
            count += 1;
            let place = format!("{}: {english:?} and {japanese:?}", path.display());
            assert_eq!(values(&english), values(&japanese), "{place}");
            assert!(!english.chars().any(is_japanese), "{place}");
            let has_words = outside_values(&english).chars().any(char::is_alphabetic);
            let as_it_is = english == japanese && AS_IT_IS.contains(&english.as_str());
            assert!(!has_words || as_it_is || japanese.chars().any(is_japanese), "{place}");
            assert_eq!(english.ends_with('.'), japanese.ends_with('。'), "{place}");
        }
    }
    assert!(count > 100, "only {count} sentences were found: the search is broken");
}

#[test]
fn people_never_read_the_words_of_the_engine_room() {
    // Details of damage may name them; what a person can fix, results and hints may not.
    let ours = ["エポック", "マニフェスト", "チェックポイント", "コミット", "デポジット", "リストア"];
    for (path, text) in sources() {
        for (_, japanese) in pairs(&text) {
            let word = ours.iter().find(|word| japanese.contains(*word));
            assert!(word.is_none(), "{}: {japanese} says {}", path.display(), word.unwrap());
        }
    }
}
