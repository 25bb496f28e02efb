//! Names as they are compared: whatever their width, kana, legal form and spaces.

use unicode_normalization::UnicodeNormalization as _;

/// Legal forms, as they look once width, case and spaces are taken away. Longer ones stand before those that they end with.
const FORMS: [&str; 34] = [
    "株式会社",
    "有限会社",
    "合同会社",
    "合資会社",
    "合名会社",
    "一般社団法人",
    "一般財団法人",
    "公益社団法人",
    "公益財団法人",
    "社団法人",
    "財団法人",
    "協同組合",
    "カブシキガイシヤ",
    "カブシキカイシヤ",
    "ユウゲンガイシヤ",
    "ゴウドウガイシヤ",
    "(株)",
    "(有)",
    "(同)",
    "(資)",
    "(名)",
    "(カ)",
    "(ユ)",
    "co.,ltd.",
    "co.,ltd",
    "coltd",
    "corporation",
    "corp.",
    "inc.",
    "inc",
    "k.k.",
    "llc",
    "ltd.",
    "ltd",
];

/// A character as it is compared, and which bytes of the text it stands for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Folded {
    pub as_compared: char,
    pub from: usize,
    pub until: usize,
}

/// One width, one case, one kana, no spaces and nothing invisible.
pub(crate) fn fold(text: &str) -> Vec<Folded> {
    let mut folded = Vec::with_capacity(text.len() / 2);
    let mut letters = text.char_indices().peekable();
    while let Some((from, letter)) = letters.next() {
        let mut group = String::from(letter);
        // A sound mark belongs to the letter before it, also where it stands by itself.
        while let Some((_, mark)) = letters.next_if(|(_, next)| is_mark(*next)) {
            group.push(mark);
        }
        let until = letters.peek().map_or(text.len(), |(at, _)| *at);
        for letter in group.nfkc().flat_map(char::to_lowercase) {
            if !letter.is_whitespace() && !letter.is_control() && !is_invisible(letter) {
                folded.push(Folded { as_compared: one_kana(letter), from, until });
            }
        }
    }
    folded
}

const fn is_mark(letter: char) -> bool {
    matches!(letter, '\u{300}'..='\u{36f}' | '\u{3099}' | '\u{309a}' | '\u{ff9e}' | '\u{ff9f}')
}

const fn is_invisible(letter: char) -> bool {
    matches!(letter, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fe00}'..='\u{fe0f}')
}

/// Katakana, and of a small letter the large one: キヤノン and キャノン are one name.
fn one_kana(letter: char) -> char {
    let letter = match letter {
        '\u{3041}'..='\u{3096}' | '\u{309d}'..='\u{309e}' => {
            char::from_u32(u32::from(letter).saturating_add(0x60)).unwrap_or(letter)
        }
        other => other,
    };
    match letter {
        'ァ' => 'ア',
        'ィ' => 'イ',
        'ゥ' => 'ウ',
        'ェ' => 'エ',
        'ォ' => 'オ',
        'ッ' => 'ツ',
        'ャ' => 'ヤ',
        'ュ' => 'ユ',
        'ョ' => 'ヨ',
        'ヮ' => 'ワ',
        'ヵ' => 'カ',
        'ヶ' => 'ケ',
        other => other,
    }
}

/// What may stand between the letters of a name without making it another one.
pub(crate) fn is_between(letter: char) -> bool {
    !letter.is_alphanumeric()
}

/// A name without the legal forms and the signs in it.
pub(crate) fn without_forms(folded: &[Folded]) -> Vec<char> {
    let mut name: String = folded.iter().map(|one| one.as_compared).collect();
    while let Some(rest) = FORMS.iter().find_map(|form| name.strip_prefix(form).or_else(|| name.strip_suffix(form))) {
        if rest.chars().filter(|letter| !is_between(*letter)).count() < 2 {
            break;
        }
        name = rest.to_owned();
    }
    name.chars().filter(|letter| !is_between(*letter)).collect()
}
