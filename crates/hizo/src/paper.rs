//! Pages of A4 on which text flows downwards: what is drawn where, and the document that the pages become.

pub(crate) mod form;
mod lines;
pub(crate) mod typeface;

use pdf_writer::types::{OutlineItemFlags, TextRenderingMode};
use pdf_writer::{Content, Filter, Name, Pdf, Rect, Ref, Str, TextStr};
use qrcode::{Color, EcLevel, QrCode};
use sha2::{Digest, Sha256};

use crate::failure::{Failure, Outcome};
use crate::paper::typeface::{Typeface, compressed};
use crate::words::Language;

const PAGE_WIDTH: f32 = 595.28;
const PAGE_HEIGHT: f32 = 841.89;
pub(crate) const LEFT: f32 = 64.0;
pub(crate) const RIGHT: f32 = PAGE_WIDTH - 64.0;
/// Where the running head stands, and where text begins below it and ends.
const HEAD: f32 = 52.0;
const TOP: f32 = 76.0;
const BOTTOM: f32 = PAGE_HEIGHT - 70.0;
const FOOT: f32 = PAGE_HEIGHT - 44.0;

const FONT: Name<'static> = Name(b"F");
/// Lines of flowing text stand this far apart, in type sizes.
const LEADING: f32 = 1.6;

/// Red, green and blue, from 0 to 255.
pub(crate) type Colour = [u8; 3];
pub(crate) const INK: Colour = [0x1f, 0x23, 0x28];
pub(crate) const SOFT: Colour = [0x5d, 0x61, 0x68];
pub(crate) const INDIGO: Colour = [0x1f, 0x3a, 0x5f];
pub(crate) const VERMILION: Colour = [0xb8, 0x35, 0x2a];
pub(crate) const LINE: Colour = [0xdd, 0xd7, 0xca];
pub(crate) const PANEL: Colour = [0xf7, 0xf5, 0xef];

/// How text looks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Style {
    pub size: f32,
    pub colour: Colour,
    /// The one font has one weight: strong text has its outline drawn too.
    pub is_strong: bool,
}

impl Style {
    pub(crate) const fn new(size: f32, colour: Colour) -> Self {
        Self { size, colour, is_strong: false }
    }

    pub(crate) const fn strong(size: f32, colour: Colour) -> Self {
        Self { size, colour, is_strong: true }
    }
}

/// The pages so far, and how far down the last one is filled. Places are told from the upper left corner, in points.
pub(crate) struct Paper {
    pub typeface: Typeface,
    pages: Vec<Page>,
    pub y: f32,
    /// What stands at the foot of every page, behind the words of its language.
    foot: String,
}

struct Page {
    content: Content,
    language: Language,
    is_first: bool,
    names: Names,
}

/// What a part is called, and what its pages' feet begin with.
#[derive(Debug, Clone)]
pub(crate) struct Names {
    pub part: String,
    pub foot: String,
}

impl Paper {
    /// No page yet.
    pub(crate) fn new(typeface: Typeface, foot: String) -> Self {
        Self { typeface, pages: Vec::new(), y: TOP, foot }
    }

    /// Begins a part in a language, on a page of its own. Its further pages have its name at their head.
    pub(crate) fn begin(&mut self, language: Language, names: Names) {
        self.pages.push(Page::new(language, true, names));
        self.y = HEAD;
    }

    /// Goes on at the next page.
    pub(crate) fn turn(&mut self) {
        let page = self.page();
        let (language, names) = (page.language, page.names.clone());
        let head = names.part.clone();
        self.pages.push(Page::new(language, false, names));
        self.put(LEFT, HEAD, Style::new(7.5, SOFT), &head);
        self.rule(LEFT, HEAD + 7.0, RIGHT - LEFT, 0.5, LINE);
        self.y = TOP;
    }

    /// Goes on at the next page unless this much is left of this one.
    pub(crate) fn need(&mut self, height: f32) {
        if self.y + height > BOTTOM {
            self.turn();
        }
    }

    /// One line whose baseline stands at `y`.
    pub(crate) fn put(&mut self, x: f32, y: f32, style: Style, text: &str) {
        let codes = self.typeface.encode(text);
        let content = &mut self.page().content;
        fill(content, style.colour);
        content.begin_text().set_font(FONT, style.size);
        if style.is_strong {
            stroke(content, style.colour);
            content.set_line_width(style.size * 0.024).set_text_rendering_mode(TextRenderingMode::FillStroke);
        } else {
            content.set_text_rendering_mode(TextRenderingMode::Fill);
        }
        content.next_line(x, PAGE_HEIGHT - y).show(Str(&codes)).end_text();
    }

    /// One line that ends at `right`.
    pub(crate) fn put_right(&mut self, right: f32, y: f32, style: Style, text: &str) {
        let width = self.typeface.width(text, style.size);
        self.put(right - width, y, style, text);
    }

    /// One line in the middle between two places.
    pub(crate) fn put_centred(&mut self, left: f32, right: f32, y: f32, style: Style, text: &str) {
        let width = self.typeface.width(text, style.size);
        self.put((left + right - width) / 2.0, y, style, text);
    }

    /// Text from `y` down, over as many lines and pages as it needs.
    pub(crate) fn flow(&mut self, x: f32, width: f32, style: Style, text: &str) {
        for line in self.typeface.lines(text, style.size, width) {
            self.step(style.size * LEADING);
            self.put(x, self.y - style.size * (LEADING - 1.0), style, &line);
        }
    }

    /// How high that text will be.
    pub(crate) fn height(&self, width: f32, style: Style, text: &str) -> f32 {
        self.typeface.lines(text, style.size, width).len() as f32 * style.size * LEADING
    }

    /// Moves down by one line, to the next page if this one is full.
    fn step(&mut self, height: f32) {
        self.need(height);
        self.y += height;
    }

    /// A horizontal line.
    pub(crate) fn rule(&mut self, x: f32, y: f32, width: f32, thickness: f32, colour: Colour) {
        let content = &mut self.page().content;
        stroke(content, colour);
        content.set_line_width(thickness);
        content.move_to(x, PAGE_HEIGHT - y).line_to(x + width, PAGE_HEIGHT - y).stroke();
    }

    /// A filled rectangle.
    pub(crate) fn block(&mut self, x: f32, y: f32, width: f32, height: f32, colour: Colour) {
        let content = &mut self.page().content;
        fill(content, colour);
        content.rect(x, PAGE_HEIGHT - y - height, width, height).fill_nonzero();
    }

    /// The outline of a rectangle.
    pub(crate) fn frame(&mut self, x: f32, y: f32, width: f32, height: f32, thickness: f32, colour: Colour) {
        let content = &mut self.page().content;
        stroke(content, colour);
        content.set_line_width(thickness);
        content.rect(x, PAGE_HEIGHT - y - height, width, height).stroke();
    }

    /// A filled polygon.
    pub(crate) fn polygon(&mut self, corners: &[(f32, f32)], colour: Colour) {
        let content = &mut self.page().content;
        fill(content, colour);
        for (number, (x, y)) in corners.iter().enumerate() {
            match number {
                0 => content.move_to(*x, PAGE_HEIGHT - y),
                _ => content.line_to(*x, PAGE_HEIGHT - y),
            };
        }
        content.close_path().fill_nonzero();
    }

    /// Many filled squares of one size, as one shape, so that no seam shows between neighbours.
    pub(crate) fn squares(&mut self, corners: &[(f32, f32)], size: f32, colour: Colour) {
        let content = &mut self.page().content;
        fill(content, colour);
        for (x, y) in corners {
            content.rect(*x, PAGE_HEIGHT - y - size, size, size);
        }
        content.fill_nonzero();
    }

    /// The storehouse with its red door, and the name.
    pub(crate) fn brand(&mut self, x: f32, y: f32) {
        let scale = 0.92;
        let at = |right: f32, down: f32| (x + right * scale, y + down * scale);
        self.polygon(&[at(2.0, 10.0), at(13.0, 3.0), at(24.0, 10.0), at(24.0, 12.0), at(2.0, 12.0)], INDIGO);
        let (left, top) = at(4.0, 12.0);
        self.frame(left, top, 18.0 * scale, 11.0 * scale, 2.0 * scale, INDIGO);
        let (left, top) = at(10.5, 15.0);
        self.block(left, top, 5.0 * scale, 8.0 * scale, VERMILION);
        self.put(x + 31.0, y + 19.0, Style::strong(13.0, INK), "秘蔵");
        self.put(x + 62.0, y + 19.0, Style::new(9.0, SOFT), "hizo");
    }

    /// A code that a machine reads, of at most some hundred characters.
    pub(crate) fn qr(&mut self, text: &str, x: f32, y: f32, side: f32) {
        let code =
            QrCode::with_error_correction_level(text, EcLevel::M).expect("ids fit the smaller sizes of the code");
        let size = side / code.width() as f32;
        let dark = code.to_colors().into_iter().enumerate().filter(|(_, colour)| *colour == Color::Dark);
        let corner = |at: usize| (x + (at % code.width()) as f32 * size, y + (at / code.width()) as f32 * size);
        let corners: Vec<_> = dark.map(|(at, _)| corner(at)).collect();
        self.squares(&corners, size, INK);
    }

    /// Lines to write on, three at most, each behind its label, and beside them the box for a seal.
    pub(crate) fn seal(&mut self, fields: &[&str], label: Style) {
        let (box_side, line_height) = (60.0, 22.0);
        let top = self.y + 4.0;
        let (box_left, lines_end) = (RIGHT - box_side, RIGHT - box_side - 24.0);
        self.frame(box_left, top, box_side, box_side, 0.6, SOFT);
        self.put_centred(box_left, RIGHT, top + 35.0, Style::new(14.0, LINE), "印");
        for (number, field) in fields.iter().enumerate() {
            let y = top + 12.0 + number as f32 * line_height;
            self.put(LEFT, y, label, field);
            self.rule(LEFT + 64.0, y + 4.0, lines_end - LEFT - 64.0, 0.5, SOFT);
        }
        self.y = top + 66.0;
    }

    fn page(&mut self) -> &mut Page {
        self.pages.last_mut().expect("a part was begun before anything was drawn")
    }

    /// The document: the same bytes for the same pages.
    pub(crate) fn finish(mut self, title: &str) -> Outcome<Vec<u8>> {
        self.write_feet();
        let mut pdf = Pdf::new();
        let mut last = 0;
        let mut next = move || {
            last += 1;
            Ref::new(last)
        };
        let (catalog, tree, info, outline, font) = (next(), next(), next(), next(), next());
        let pages: Vec<(Ref, Page)> = self.pages.into_iter().map(|page| (next(), page)).collect();

        pdf.pages(tree).kids(pages.iter().map(|(id, _)| *id)).count(pages.len() as i32);
        let parts: Vec<(Ref, Ref, String)> = pages
            .iter()
            .filter(|(_, page)| page.is_first)
            .map(|(id, page)| (next(), *id, page.names.part.clone()))
            .collect();
        let mut digest = Sha256::new_with_prefix(title);
        for (id, page) in pages {
            let content = next();
            pdf.page(id)
                .media_box(Rect::new(0.0, 0.0, PAGE_WIDTH, PAGE_HEIGHT))
                .parent(tree)
                .contents(content)
                .resources()
                .fonts()
                .pair(FONT, font);
            let bytes = page.finish();
            digest.update(&bytes);
            pdf.stream(content, &compressed(&bytes).map_err(Failure::internal)?).filter(Filter::FlateDecode);
        }
        self.typeface.write(&mut pdf, font, &mut next)?;

        write_outline(&mut pdf, outline, &parts);
        let mut root = pdf.catalog(catalog);
        root.pages(tree).outlines(outline).lang(TextStr("ja"));
        root.viewer_preferences().display_doc_title(true);
        drop(root);
        pdf.document_info(info).title(TextStr(title)).producer(TextStr("hizo"));
        // No dates: a certificate is the same whenever it is made.
        let id = digest.finalize()[..16].to_vec();
        pdf.set_file_id((id.clone(), id));
        Ok(pdf.finish())
    }

    fn write_feet(&mut self) {
        let pages = std::mem::take(&mut self.pages);
        let (count, mut done) = (pages.len(), Vec::with_capacity(pages.len()));
        for (number, page) in (1..).zip(pages) {
            let foot = format!("{} {}", page.names.foot, self.foot);
            // Whatever is drawn goes to the last page.
            self.pages.push(page);
            self.rule(LEFT, FOOT - 13.0, RIGHT - LEFT, 0.5, LINE);
            self.put(LEFT, FOOT, Style::new(6.5, SOFT), &foot);
            self.put_right(RIGHT, FOOT, Style::new(7.5, SOFT), &format!("{number} / {count}"));
            done.append(&mut self.pages);
        }
        self.pages = done;
    }
}

impl Page {
    /// An empty page, marked with its language for those who have it read aloud.
    fn new(language: Language, is_first: bool, names: Names) -> Self {
        let code = match language {
            Language::English => "en",
            Language::Japanese => "ja",
        };
        let mut content = Content::new();
        let mut mark = content.begin_marked_content_with_properties(Name(b"Span"));
        mark.properties().pair(Name(b"Lang"), Str(code.as_bytes()));
        drop(mark);
        Self { content, language, is_first, names }
    }

    fn finish(mut self) -> Vec<u8> {
        self.content.end_marked_content();
        self.content.finish().into_vec()
    }
}

/// One bookmark for each part: its own id, its first page and its name.
fn write_outline(pdf: &mut Pdf, outline: Ref, parts: &[(Ref, Ref, String)]) {
    let (Some(first), Some(last)) = (parts.first(), parts.last()) else { return };
    pdf.outline(outline).first(first.0).last(last.0).count(parts.len() as i32);
    for (number, (id, page, name)) in parts.iter().enumerate() {
        let mut item = pdf.outline_item(*id);
        item.parent(outline).title(TextStr(name)).flags(OutlineItemFlags::empty());
        item.dest().page(*page).xyz(0.0, PAGE_HEIGHT, None);
        if let Some((previous, ..)) = number.checked_sub(1).and_then(|before| parts.get(before)) {
            item.prev(*previous);
        }
        if let Some((following, ..)) = parts.get(number + 1) {
            item.next(*following);
        }
    }
}

fn fill(content: &mut Content, colour: Colour) {
    let [red, green, blue] = colour.map(|part| f32::from(part) / 255.0);
    content.set_fill_rgb(red, green, blue);
}

fn stroke(content: &mut Content, colour: Colour) {
    let [red, green, blue] = colour.map(|part| f32::from(part) / 255.0);
    content.set_stroke_rgb(red, green, blue);
}
