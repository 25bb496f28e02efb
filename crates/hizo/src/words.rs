//! What people read: every sentence in English and in Japanese, side by side where it is said.
//!
//! The rule is in docs/spec/exit-codes.md. Keys and values that scripts read are never translated.

pub(crate) mod help;

/// The language in which a person reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Language {
    #[default]
    English,
    Japanese,
}

impl Language {
    /// What the locale says: the first of `LC_ALL`, `LC_MESSAGES` and `LANG` that is set decides (POSIX, 8.2).
    pub(crate) fn of_environment() -> Self {
        Self::of(["LC_ALL", "LC_MESSAGES", "LANG"].map(|name| std::env::var(name).unwrap_or_default()))
    }

    fn of(locales: [String; 3]) -> Self {
        let locale = locales.into_iter().find(|locale| !locale.is_empty()).unwrap_or_default();
        let language = locale.split(['_', '.', '@', '-']).next().unwrap_or_default();
        if language.eq_ignore_ascii_case("ja") { Self::Japanese } else { Self::English }
    }
}

/// A sentence in both languages. One that is there in English only is shown in English.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Words {
    english: String,
    japanese: Option<String>,
}

impl Words {
    /// Made by [`words!`], which takes both or does not compile.
    pub(crate) fn both(english: String, japanese: String) -> Self {
        Self { english, japanese: Some(japanese) }
    }

    /// What scripts, logs and tests read.
    pub(crate) fn english(&self) -> &str {
        &self.english
    }

    /// The Japanese, or the English where there is none.
    pub(crate) fn japanese(&self) -> &str {
        self.japanese.as_deref().unwrap_or(&self.english)
    }

    /// What a person of this language reads.
    pub(crate) fn to(&self, language: Language) -> &str {
        match language {
            Language::English => self.english(),
            Language::Japanese => self.japanese(),
        }
    }

    /// Whether nobody has said it in Japanese yet.
    pub(crate) fn is_english_only(&self) -> bool {
        self.japanese.is_none()
    }
}

impl From<&str> for Words {
    fn from(english: &str) -> Self {
        Self { english: english.to_owned(), japanese: None }
    }
}

impl From<String> for Words {
    fn from(english: String) -> Self {
        Self { english, japanese: None }
    }
}

impl From<&String> for Words {
    fn from(english: &String) -> Self {
        english.as_str().into()
    }
}

/// A sentence is known by its English.
impl PartialEq<&str> for Words {
    fn eq(&self, english: &&str) -> bool {
        self.english == *english
    }
}

/// A sentence in English and Japanese: `words!("there is no series {name}", "束「{name}」はありません")`.
///
/// Values are named: captured, or given after the sentences as `name = value`. Values that are themselves [`Words`] come
/// last, after a semicolon. A value that one of the two sentences leaves out does not compile.
macro_rules! words {
    ($english:literal, $japanese:literal $(, $name:ident = $value:expr)* $(; $($nested:ident),+)? $(,)?) => {
        $crate::words::Words::both(
            format!($english $(, $name = $value)* $($(, $nested = $nested.english())+)?),
            format!($japanese $(, $name = $value)* $($(, $nested = $nested.japanese())+)?),
        )
    };
}
pub(crate) use words;

/// So many files.
pub(crate) fn files(count: u64) -> Words {
    let s = if count == 1 { "" } else { "s" };
    Words::both(format!("{count} file{s}"), format!("{count}件のファイル"))
}

/// So many deposits.
pub(crate) fn deposits(count: u64) -> Words {
    let s = if count == 1 { "" } else { "s" };
    Words::both(format!("{count} deposit{s}"), format!("{count}回分"))
}

/// That so many things were left out.
pub(crate) fn left_out(count: u64) -> Words {
    let things = if count == 1 { "thing was" } else { "things were" };
    Words::both(format!("{count} {things} left out"), format!("{count}件は預けられませんでした"))
}

/// Reasons that the system gives, by how they begin.
const REASONS: [(&str, &str); 11] = [
    ("Permission denied", "読み取る権限がありません"),
    ("No such file", "見つかりません"),
    ("Input/output error", "ディスクの読み書きに失敗しました"),
    ("Too many levels of symbolic links", "リンクが循環しているか、途中でリンクに置き換わりました"),
    ("Not a directory", "フォルダーではありません"),
    ("Is a directory", "フォルダーです"),
    ("Operation not supported", "このシステムでは扱えません"),
    ("Operation not permitted", "許可されていません"),
    (
        "another entry of the deposit has the same name on this system",
        "このシステムでは、同じ預け入れの別のものと同じ名前になります",
    ),
    ("its path is longer than can be kept", "パスが長すぎて預けられません"),
    ("a device, pipe or socket has no content to keep", "デバイスやパイプなどには、預ける中身がありません"),
];

/// Why something was left out, as the system or the walk of a folder says it.
pub(crate) fn reason(english: &str) -> Words {
    match REASONS.iter().find(|(known, _)| english.starts_with(known)) {
        Some((_, japanese)) => Words::both(english.to_owned(), (*japanese).to_owned()),
        None => english.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_locale_that_is_set_decides() {
        let language = |all: &str, messages: &str, lang: &str| Language::of([all, messages, lang].map(str::to_owned));
        assert_eq!(language("", "", "ja_JP.UTF-8"), Language::Japanese);
        assert_eq!(language("", "ja", "en_US.UTF-8"), Language::Japanese);
        assert_eq!(language("ja_JP", "en_US.UTF-8", ""), Language::Japanese);
        assert_eq!(language("C.UTF-8", "ja_JP.UTF-8", "ja_JP.UTF-8"), Language::English);
        assert_eq!(language("", "en_GB.UTF-8", "ja_JP.UTF-8"), Language::English);
        // Javanese, and a word that merely begins so.
        assert_eq!(language("", "", "jav_ID.UTF-8"), Language::English);
        assert_eq!(language("", "", "jabber"), Language::English);
        assert_eq!(language("", "", ""), Language::English);
    }

    #[test]
    fn each_language_gets_its_sentence_and_english_stands_in_for_what_is_missing() {
        let count = 3;
        let inner = words!("the disk is full", "ディスクがいっぱいです");
        let said = words!("cannot keep {count} files in {place}: {inner}", "{place} に{count}件を預けられません: {inner}",
            place = "the safe"; inner);
        assert_eq!(said.to(Language::English), "cannot keep 3 files in the safe: the disk is full");
        assert_eq!(said.to(Language::Japanese), "the safe に3件を預けられません: ディスクがいっぱいです");
        assert!(!said.is_english_only());
        let old: Words = "only this".into();
        assert_eq!(old.to(Language::Japanese), "only this");
        assert!(old.is_english_only());
    }

    #[test]
    fn reasons_of_the_system_are_said_in_both_languages() {
        let said = reason("Permission denied (os error 13)");
        assert_eq!(said.english(), "Permission denied (os error 13)");
        assert_eq!(said.japanese(), "読み取る権限がありません");
        assert!(reason("Bad tea (os error 418)").is_english_only());
    }
}
