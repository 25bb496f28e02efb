//! What the desk says, in both languages: `words/desk.en.ftl` and `words/desk.ja.ftl` (Project Fluent).

use std::sync::OnceLock;

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource, FluentValue};
use unic_langid::LanguageIdentifier;

use crate::words::Language;

const ENGLISH: &str = include_str!("../words/desk.en.ftl");
const JAPANESE: &str = include_str!("../words/desk.ja.ftl");

type Bundle = FluentBundle<FluentResource>;

/// What is said to somebody who reads this language.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Text(pub Language);

impl Text {
    /// The language as a page names it (BCP 47).
    pub(crate) const fn tag(self) -> &'static str {
        match self.0 {
            Language::English => "en",
            Language::Japanese => "ja",
        }
    }

    pub(crate) const fn is_japanese(self) -> bool {
        matches!(self.0, Language::Japanese)
    }

    /// A sentence without values.
    pub(crate) fn say(self, id: &str) -> String {
        self.format(id, None)
    }

    /// A sentence with one value.
    pub(crate) fn one<'v>(self, id: &str, name: &'v str, value: impl Into<FluentValue<'v>>) -> String {
        let mut values = FluentArgs::with_capacity(1);
        values.set(name, value);
        self.format(id, Some(&values))
    }

    /// A sentence with a count, as templates hand it on.
    pub(crate) fn count(self, id: &str, count: &usize) -> String {
        self.one(id, "count", *count)
    }

    /// A sentence with two values.
    pub(crate) fn two<'v>(
        self,
        id: &str,
        first: &'v str,
        value: impl Into<FluentValue<'v>>,
        second: &'v str,
        other: impl Into<FluentValue<'v>>,
    ) -> String {
        let mut values = FluentArgs::with_capacity(2);
        values.set(first, value);
        values.set(second, other);
        self.format(id, Some(&values))
    }

    fn format(self, id: &str, values: Option<&FluentArgs<'_>>) -> String {
        let bundle = bundle(self.0);
        let Some(pattern) = bundle.get_message(id).and_then(|message| message.value()) else {
            debug_assert!(false, "the desk has no words {id}");
            return id.to_owned();
        };
        let mut faults = Vec::new();
        let said = bundle.format_pattern(pattern, values, &mut faults).into_owned();
        debug_assert!(faults.is_empty(), "{id}: {faults:?}");
        said
    }
}

fn bundle(language: Language) -> &'static Bundle {
    static BUNDLES: OnceLock<[Bundle; 2]> = OnceLock::new();
    let [english, japanese] = BUNDLES.get_or_init(|| [made("en", ENGLISH), made("ja", JAPANESE)]);
    match language {
        Language::English => english,
        Language::Japanese => japanese,
    }
}

fn made(tag: &str, source: &str) -> Bundle {
    let tag: LanguageIdentifier = tag.parse().unwrap_or_default();
    let mut bundle = Bundle::new_concurrent(vec![tag]);
    // Names stand in one direction here, and marks around them would be copied with them.
    bundle.set_use_isolating(false);
    // What cannot be read is found by the tests below.
    let resource = FluentResource::try_new(source.to_owned()).unwrap_or_else(|(resource, _)| resource);
    let _ = bundle.add_resource(resource);
    bundle
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};
    use std::path::Path;

    use super::*;

    /// Words for those who build hizo: no owner meets them (design, desk.md, "Words").
    const FORBIDDEN: [&str; 30] = [
        "epoch",
        "rotation",
        "manifest",
        "pack",
        "object",
        "checkpoint",
        "index",
        "cosignature",
        "rfc",
        "token",
        "commitment",
        "opening",
        "merkle",
        "recipient",
        "keypair",
        "append",
        "409",
        "timeout",
        "hash",
        "ciphertext",
        "エポック",
        "マニフェスト",
        "チェックポイント",
        "トークン",
        "コミットメント",
        "マークル",
        "ハッシュ",
        "暗号文",
        "オブジェクト",
        "ローテーション",
    ];

    /// Ids of a source, with the values that each names.
    fn ids(source: &str) -> BTreeMap<String, BTreeSet<String>> {
        let resource = FluentResource::try_new(source.to_owned());
        assert!(resource.is_ok(), "{:?}", resource.err().map(|(_, faults)| faults));
        let mut found = BTreeMap::new();
        let mut last = None;
        for line in source.lines() {
            let id = line.split_once(" =").filter(|(id, _)| !id.is_empty() && !id.contains(' '));
            if let Some((id, _)) = id.filter(|_| !line.starts_with('#')) {
                assert!(found.insert(id.to_owned(), BTreeSet::new()).is_none(), "{id} stands twice");
                last = Some(id.to_owned());
            }
            let values = line
                .split('$')
                .skip(1)
                .map(|rest| rest.chars().take_while(|next| next.is_alphanumeric() || *next == '-').collect::<String>());
            if let Some(of) = last.as_ref().and_then(|last| found.get_mut(last)) {
                of.extend(values);
            }
        }
        found
    }

    #[test]
    fn both_languages_say_the_same_things_with_the_same_values() {
        let (english, japanese) = (ids(ENGLISH), ids(JAPANESE));
        assert_eq!(english, japanese);
        assert!(english.len() > 100);
    }

    #[test]
    fn no_owner_meets_a_word_of_those_who_build_hizo() {
        for source in [ENGLISH, JAPANESE] {
            for line in source.lines().filter(|line| !line.starts_with('#')) {
                let said = line.split_once(" =").map_or(line, |(_, said)| said).to_lowercase();
                // Values are written in by the program.
                let said: String =
                    said.split('{').map(|part| part.split_once('}').map_or(part, |(_, rest)| rest)).collect();
                let words: Vec<_> = said.split(|c: char| c.is_ascii() && !c.is_alphanumeric()).collect();
                for forbidden in FORBIDDEN {
                    let is_met =
                        if forbidden.is_ascii() { words.contains(&forbidden) } else { said.contains(forbidden) };
                    assert!(!is_met, "{forbidden}: {line}");
                }
            }
        }
    }

    #[test]
    fn every_word_that_a_page_asks_for_is_there_and_each_is_asked_for() {
        let (mut asked, known) = (BTreeSet::new(), ids(ENGLISH));
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut sources = vec![root.join("pages"), root.join("src")];
        while let Some(path) = sources.pop() {
            if path.is_dir() {
                sources.extend(path.read_dir().unwrap().map(|entry| entry.unwrap().path()));
            } else if path.extension().is_some_and(|end| end == "html" || end == "rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                asked.extend(known.keys().filter(|id| text.contains(&format!("\"{id}\""))).cloned());
                // What a page asks for by name is known.
                for call in
                    [".say(\"", ".one(\"", ".two(\"", ".count(\""].iter().flat_map(|call| text.split(call).skip(1))
                {
                    let id = call.split('"').next().unwrap_or_default();
                    let is_id = id.contains('-')
                        && id.chars().all(|c| c.is_ascii_lowercase() || c == '-' || c.is_ascii_digit());
                    assert!(!is_id || known.contains_key(id), "{}: {id}", path.display());
                }
            }
        }
        let unused: Vec<_> = known.keys().filter(|id| !asked.contains(*id)).collect();
        assert!(unused.is_empty(), "{unused:?}");
    }
}
