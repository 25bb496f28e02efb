//! The one font of certificates: how wide text is, what of it can be shown, and the part that a document embeds.

use std::collections::BTreeMap;
use std::io::{self, Write};

use flate2::Compression;
use flate2::write::ZlibEncoder;
use pdf_writer::types::{CidFontType, FontFlags, SystemInfo, UnicodeCmap};
use pdf_writer::{Filter, Name, Pdf, Rect, Ref, Str};
use sha2::{Digest, Sha256};
use subsetter::GlyphRemapper;
use ttf_parser::Face;
use unicode_normalization::char::canonical_combining_class;
use unicode_normalization::{UnicodeNormalization as _, is_nfc};

use crate::failure::{Failure, Outcome, shown_bytes};

/// BIZ UDPGothic; where it comes from stands in assets/fonts/README.md.
const FONT: &[u8] = include_bytes!("../../../../assets/fonts/BIZUDPGothic-Regular.ttf");
const POSTSCRIPT_NAME: &str = "BIZUDPGothic-Regular";

const IDENTITY: SystemInfo<'static> = SystemInfo { registry: Str(b"Adobe"), ordering: Str(b"Identity"), supplement: 0 };

/// The font, and which of its characters a document uses so far.
pub(crate) struct Typeface {
    face: Face<'static>,
    /// Codes of the characters used, by the order in which they came: each character has its own, also where two share a
    /// glyph, so that what is copied out of the document is what was written into it.
    codes: BTreeMap<char, u16>,
    used: Vec<char>,
}

impl Typeface {
    pub(crate) fn new() -> Outcome<Self> {
        let face = Face::parse(FONT, 0).map_err(Failure::internal)?;
        Ok(Self { face, codes: BTreeMap::new(), used: Vec::new() })
    }

    /// How far a character moves the pen, in thousandths of the type size.
    pub(crate) fn advance(&self, character: char) -> f32 {
        let glyph = self.face.glyph_index(character).unwrap_or_default();
        f32::from(self.face.glyph_hor_advance(glyph).unwrap_or_default()) * 1000.0 / f32::from(self.face.units_per_em())
    }

    /// How wide a line is at a size.
    pub(crate) fn width(&self, text: &str, size: f32) -> f32 {
        text.chars().map(|character| self.advance(character)).sum::<f32>() * size / 1000.0
    }

    /// Two bytes for each character, as the document's strings are written.
    pub(crate) fn encode(&mut self, text: &str) -> Vec<u8> {
        text.chars().flat_map(|character| self.code(character).to_be_bytes()).collect()
    }

    fn code(&mut self, character: char) -> u16 {
        *self.codes.entry(character).or_insert_with(|| {
            self.used.push(character);
            // Code 0 is the missing glyph. The font has fewer characters than there are codes.
            self.used.len() as u16
        })
    }

    /// Bytes that somebody else chose, as they can be shown: nothing that turns, hides or leaves no ink, and nothing that
    /// looks as other bytes do.
    pub(crate) fn shown(&self, bytes: &[u8]) -> String {
        let (mut shown, text) = (String::new(), shown_bytes(bytes));
        let is_plain = is_nfc(&text);
        for character in text.chars() {
            if self.leaves_ink(character) && (is_plain || !is_taken_apart(character)) {
                shown.push(character);
            } else {
                shown.extend(character.escape_unicode());
            }
        }
        shown
    }

    /// Spaces that everybody expects count as ink.
    fn leaves_ink(&self, character: char) -> bool {
        let drawn = || self.face.glyph_index(character).and_then(|glyph| self.face.glyph_bounding_box(glyph));
        matches!(character, ' ' | '\u{3000}') || drawn().is_some()
    }

    /// Whether every character of a sentence of ours is in the font.
    #[cfg(test)]
    pub(crate) fn has(&self, text: &str) -> bool {
        text.chars().all(|character| self.leaves_ink(character))
    }

    /// Writes the font with the glyphs used.
    pub(crate) fn write(self, pdf: &mut Pdf, font: Ref, next: &mut impl FnMut() -> Ref) -> Outcome<()> {
        let (cid_font, descriptor, file, unicode, glyphs) = (next(), next(), next(), next(), next());
        let old: Vec<_> = self.used.iter().map(|used| self.face.glyph_index(*used).unwrap_or_default().0).collect();
        let mut mapper = GlyphRemapper::new();
        let new: Vec<u16> = old.iter().map(|glyph| mapper.remap(*glyph)).collect();
        let subset = subsetter::subset(FONT, 0, &mapper).map_err(Failure::internal)?;
        let name = format!("{}+{POSTSCRIPT_NAME}", tag(&subset));

        pdf.type0_font(font)
            .base_font(Name(name.as_bytes()))
            .encoding_predefined(Name(b"Identity-H"))
            .descendant_font(cid_font)
            .to_unicode(unicode);

        let mut cid = pdf.cid_font(cid_font);
        cid.subtype(CidFontType::Type2).base_font(Name(name.as_bytes())).system_info(IDENTITY);
        cid.font_descriptor(descriptor).default_width(0.0).cid_to_gid_map_stream(glyphs);
        cid.widths().consecutive(1, self.used.iter().map(|used| self.advance(*used)));
        drop(cid);

        let scale = |units: i16| f32::from(units) * 1000.0 / f32::from(self.face.units_per_em());
        let bounds = self.face.global_bounding_box();
        pdf.font_descriptor(descriptor)
            .name(Name(name.as_bytes()))
            .flags(FontFlags::SYMBOLIC)
            .bbox(Rect::new(scale(bounds.x_min), scale(bounds.y_min), scale(bounds.x_max), scale(bounds.y_max)))
            .italic_angle(0.0)
            .ascent(scale(self.face.ascender()))
            .descent(scale(self.face.descender()))
            .cap_height(scale(self.face.capital_height().unwrap_or(self.face.ascender())))
            .stem_v(80.0)
            .font_file2(file);

        let packed = compressed(&subset).map_err(Failure::internal)?;
        let length = i32::try_from(subset.len()).map_err(Failure::internal)?;
        pdf.stream(file, &packed).filter(Filter::FlateDecode).pair(Name(b"Length1"), length);

        let mut map = UnicodeCmap::<u16>::new(Name(b"Custom"), IDENTITY);
        for (code, used) in (1..).zip(&self.used) {
            map.pair(code, *used);
        }
        let map = compressed(map.finish().as_slice()).map_err(Failure::internal)?;
        pdf.cmap(unicode, &map).filter(Filter::FlateDecode);

        let glyph_of_code: Vec<u8> = [0].iter().chain(&new).flat_map(|glyph| glyph.to_be_bytes()).collect();
        let glyph_of_code = compressed(&glyph_of_code).map_err(Failure::internal)?;
        pdf.stream(glyphs, &glyph_of_code).filter(Filter::FlateDecode);
        Ok(())
    }
}

/// A mark that stands apart from its letter, or a character that is another one composed: some systems keep names so.
fn is_taken_apart(character: char) -> bool {
    canonical_combining_class(character) != 0 || !std::iter::once(character).nfc().eq([character])
}

/// The six letters that mark a part of a font, the same for the same part.
fn tag(subset: &[u8]) -> String {
    Sha256::digest(subset).iter().take(6).map(|byte| char::from(b'A' + byte % 26)).collect()
}

/// As `FlateDecode` reads it.
pub(crate) fn compressed(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes)?;
    encoder.finish()
}
