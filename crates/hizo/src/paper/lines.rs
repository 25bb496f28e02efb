//! Where a line of text may end, in Japanese and in English.

use crate::paper::typeface::Typeface;

/// What never begins a line, and what a number holds on to (JIS X 4051).
const NEVER_FIRST: &str =
    "、。，．・：；？！ー）」』】〕〉》〜…％ぁぃぅぇぉっゃゅょゎァィゥェォッャュョヮ々,.)]}:;!?%年月日回件時分秒";
/// What never ends a line.
const NEVER_LAST: &str = "（「『【〔〈《([{第";

impl Typeface {
    /// Text as lines no wider than this. A word that is wider is cut wherever the line ends.
    pub(crate) fn lines(&self, text: &str, size: f32, width: f32) -> Vec<String> {
        text.split('\n').flat_map(|paragraph| self.wrapped(paragraph, size, width)).collect()
    }

    fn wrapped(&self, text: &str, size: f32, width: f32) -> Vec<String> {
        let characters: Vec<char> = text.chars().collect();
        let advance = |character: char| self.advance(character) * size / 1000.0;
        let mut lines = Vec::new();
        let (mut start, mut end, mut pen) = (0, None, 0.0);
        for (at, character) in characters.iter().enumerate() {
            if at > start && may_end(characters[at - 1], *character) {
                end = Some(at);
            }
            pen += advance(*character);
            while pen > width && at > start && *character != ' ' {
                let cut = end.take().unwrap_or(at);
                lines.push(line(&characters[start..cut]));
                start = cut;
                pen = characters[start..=at].iter().copied().map(advance).sum();
            }
        }
        lines.push(line(&characters[start..]));
        lines
    }
}

fn line(characters: &[char]) -> String {
    characters.iter().collect::<String>().trim_end_matches(' ').to_owned()
}

fn may_end(before: char, after: char) -> bool {
    let is_wide = |character| character >= '\u{2e80}';
    before == ' '
        || (is_wide(before) || is_wide(after))
            && after != ' '
            && !NEVER_FIRST.contains(after)
            && !NEVER_LAST.contains(before)
}
