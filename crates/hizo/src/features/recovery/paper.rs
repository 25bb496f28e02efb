//! The cards as they are printed: one page each, in Japanese and English. No picture that a machine reads.

use hizo_vault::joining::Invite;
use hizo_vault::recovery::Card;
use zeroize::Zeroizing;

use crate::failure::Outcome;
use crate::paper::typeface::Typeface;
use crate::paper::{INDIGO, INK, LEFT, LINE, Names, PANEL, Paper, RIGHT, SOFT, Style, VERMILION};
use crate::safe::{self, Safe};
use crate::words::{Language, Words, words};

const WIDTH: f32 = RIGHT - LEFT;
const VALUES: f32 = LEFT + 132.0;
const BODY: Style = Style::new(9.0, INK);
const SMALL: Style = Style::new(8.0, INK);
const NOTE: Style = Style::new(7.5, SOFT);
const LABEL: Style = Style::new(8.0, SOFT);
/// Words of a card stand in this many columns.
const COLUMNS: usize = 3;
const ROW: f32 = 19.0;

/// What is printed on the cards of one set, besides the words of each.
pub(super) struct Printed {
    safe: String,
    space: String,
    genesis: String,
    head: String,
    keeper: String,
    set: String,
    cards: usize,
    needed: u8,
    made: String,
}

impl Printed {
    pub(super) fn of(safe: &Safe, name: &str, cards: &[Card]) -> Outcome<Self> {
        let head = safe.chain.head();
        Ok(Self {
            safe: name.to_owned(),
            space: safe.home.space.to_string(),
            genesis: safe.home.genesis.to_string(),
            head: format!("{} {}", head.number, head.id),
            keeper: safe.home.keeper.to_string(),
            set: cards.first().map(Card::set).unwrap_or_default(),
            cards: cards.len(),
            needed: cards.first().map_or(0, Card::needed),
            made: safe::now()?.as_str().chars().take(10).collect(),
        })
    }
}

/// One card, with its words.
pub(super) fn card(printed: &Printed, card: &Card) -> Outcome<Vec<u8>> {
    let (number, count) = (card.number(), printed.cards);
    let title = words!("Recovery card {number} of {count}", "復旧カード {number} / {count}");
    let mut page = Page::begin(&title, &printed.set)?;
    page.head(
        &title,
        &words!("Keep it secret, and apart from the others", "秘密です。ほかのカードとは別の場所に保管してください"),
    );
    page.row(&words!("Safe", "金庫"), &printed.safe);
    page.row(&words!("Set", "組"), &format!("{}   ({})", printed.set, printed.made));
    let (needed, count) = (printed.needed, printed.cards);
    page.row_of(
        &words!("Needed", "必要な枚数"),
        &words!("any {needed} of {count} cards", "{count}枚のうち、どれでも{needed}枚"),
    );
    page.heading(&words!("Words", "言葉"));
    page.words(&card.words());
    page.heading(&words!("What to do", "使い方"));
    page.list(&instructions(printed.needed));
    page.heading(&words!("Tried on (hizo recovery drill)", "開くことを確かめた日（hizo recovery drill）"));
    page.dates();
    page.finish(&title)
}

fn instructions(needed: u8) -> Vec<Words> {
    vec![
        words!(
            "Delete the file that this was printed from. Take no picture of this card.",
            "印刷したら、元のファイルを消してください。カードの写真を撮らないでください。"
        ),
        words!(
            "Give each card to another person, in another place. One alone tells nothing.",
            "カードは1枚ずつ、別の人が別の場所で保管します。1枚だけでは何も分かりません。"
        ),
        words!(
            "Whoever brings {needed} cards together reads everything at once. Reading leaves no trace.",
            "{needed}枚そろえば、誰でもすぐにすべてを読めます。読まれても跡は残りません。"
        ),
        words!(
            "When the keys are lost: follow the emergency card, with {needed} cards and what it names, on a clean computer.",
            "鍵をなくしたら、カード{needed}枚と緊急カードに書かれたものを、安全なコンピューターに用意し、緊急カードの手順に従います。"
        ),
        words!(
            "Try the cards once a year with hizo recovery drill. It shows nothing.",
            "年に1度、hizo recovery drill で開くことを確かめます。中身は表示されません。"
        ),
        words!(
            "A card is lost, or was seen: run hizo recovery make --replace. What was kept before stays open to the old cards.",
            "なくしたり見られたりしたら、hizo recovery make --replace で作り直します。それまでに預けたものは、古いカードでも開けられます。"
        ),
    ]
}

/// The card for the day when something happened; it holds no secret.
pub(super) fn emergency(printed: &Printed, invite: Option<&Invite>) -> Outcome<Vec<u8>> {
    let title = words!("Emergency card", "緊急カード");
    let mut page = Page::begin(&title, &printed.set)?;
    page.head(
        &title,
        &words!("Holds no secret: keep it where it is seen", "秘密は書いてありません。見える場所に置いてください"),
    );
    page.heading(&words!("First", "まず、すること"));
    page.list(&first_steps(printed.needed, invite.is_some()));
    page.heading(&words!("Whom to call", "連絡先"));
    for label in [
        words!("In the company", "社内の責任者"),
        words!("Your centre", "相談センター"),
        words!("Police", "警察"),
        words!("Lawyer", "弁護士"),
        words!("Card holders", "カードを持つ人"),
        words!("", ""),
    ] {
        page.blank(&label);
    }
    page.heading(&words!("The safe", "金庫"));
    match invite {
        Some(invite) => page.row(&words!("Keeper", "預け先"), &invite.address),
        None => page.row_of(
            &words!("Keeper", "預け先"),
            &words!("in the home folder of the computer that deposits", "預けるコンピューターの金庫のフォルダー"),
        ),
    }
    match invite {
        Some(invite) => {
            page.row(&words!("Log", "台帳"), &invite.log_key.to_string());
            page.row(&words!("Receipts", "受領書"), &invite.receipt_key.to_string());
        }
        None => page.row(&words!("Log", "台帳"), &printed.keeper),
    }
    page.row(&words!("Space", "スペース"), &printed.space);
    page.row(&words!("Record 0", "最初の記録"), &printed.genesis);
    page.row(&words!("Last record", "最後の記録"), &printed.head);
    let (set, made, needed, count) = (&printed.set, &printed.made, printed.needed, printed.cards);
    page.row_of(
        &words!("Cards", "復旧カード"),
        &words!("set {set} of {made}, any {needed} of {count}", "組 {set}（{made}）、{count}枚のうち{needed}枚"),
    );
    page.finish(&title)
}

fn first_steps(needed: u8, is_elsewhere: bool) -> Vec<Words> {
    let case = match is_elsewhere {
        true => words!(
            "Your centre begins a case for whoever telephones. Or on a clean computer: hizo desk, and there the last line of the first page.",
            "相談は、電話で相談センターに始めてもらえます。安全なコンピューターで hizo desk を開き、最初の画面のいちばん下からも始められます。"
        ),
        false => words!(
            "Your centre begins a case for whoever telephones.",
            "相談は、電話で相談センターに始めてもらえます。"
        ),
    };
    let last = match is_elsewhere {
        true => words!(
            "With {needed} recovery cards and emergency.json, on a clean computer: hizo --home safe recovery use --emergency emergency.json, then hizo --home safe restore. A lost file is written anew from what stands below.",
            "復旧カード{needed}枚と emergency.json があれば、安全なコンピューターで hizo --home safe recovery use --emergency emergency.json、続けて hizo --home safe restore を実行します。ファイルは下の内容から作り直せます。"
        ),
        false => words!(
            "Bring {needed} recovery cards and a copy of the home folder to a clean computer. There: hizo recovery use, then hizo restore. Cards alone bring nothing back.",
            "復旧カード{needed}枚と金庫のフォルダーの控えを、安全なコンピューターに用意します。hizo recovery use、続けて hizo restore を実行します。カードだけでは元に戻せません。"
        ),
    };
    vec![
        words!(
            "Take the machine off the network. Do not switch it off, erase nothing, deposit nothing more from it.",
            "コンピューターをネットワークから切り離します。電源は切らず、何も消さず、もう何も預けないでください。"
        ),
        words!("Call those below, by another telephone or line.", "下の連絡先に、別の電話や回線で連絡します。"),
        case,
        words!("Write down on paper what happened, and when.", "起きたことと時刻を、紙に書き留めます。"),
        last,
    ]
}

struct Page {
    paper: Paper,
}

impl Page {
    fn begin(title: &Words, set: &str) -> Outcome<Self> {
        let mut paper = Paper::new(Typeface::new()?, set.to_owned());
        let part = both(title);
        paper.begin(Language::Japanese, Names { part: part.clone(), foot: format!("hizo · {part} ·") });
        Ok(Self { paper })
    }

    fn head(&mut self, title: &Words, below: &Words) {
        self.paper.brand(LEFT, 48.0);
        self.paper.put_right(RIGHT, 68.0, Style::new(9.0, VERMILION), below.japanese());
        self.paper.put_right(RIGHT, 81.0, Style::new(8.0, VERMILION), below.english());
        self.paper.put_centred(LEFT, RIGHT, 114.0, Style::strong(22.0, INDIGO), title.japanese());
        self.paper.put_centred(LEFT, RIGHT, 131.0, Style::new(9.5, SOFT), title.english());
        self.paper.rule(LEFT, 142.0, WIDTH, 1.2, INDIGO);
        self.paper.y = 152.0;
    }

    fn heading(&mut self, text: &Words) {
        self.paper.y += 9.0;
        let y = self.paper.y + 11.0;
        self.paper.put(LEFT, y, Style::strong(10.0, INDIGO), &both(text));
        self.paper.rule(LEFT, y + 5.0, WIDTH, 0.6, LINE);
        self.paper.y = y + 10.0;
    }

    fn row(&mut self, label: &Words, value: &str) {
        let value = self.paper.typeface.shown(value.as_bytes());
        let top = self.paper.y;
        self.paper.put(LEFT, top + BODY.size, LABEL, &both(label));
        self.paper.flow(VALUES, RIGHT - VALUES, SMALL, &value);
        self.paper.y += 2.5;
    }

    fn row_of(&mut self, label: &Words, value: &Words) {
        self.row(label, &both(value));
    }

    fn words(&mut self, words: &str) {
        let words: Zeroizing<Vec<String>> = Zeroizing::new(words.split(' ').map(str::to_owned).collect());
        let rows = words.len().div_ceil(COLUMNS);
        let (top, column) = (self.paper.y, WIDTH / COLUMNS as f32);
        self.paper.block(LEFT, top, WIDTH, rows as f32 * ROW + 8.0, PANEL);
        for (at, word) in words.iter().enumerate() {
            let x = LEFT + 12.0 + (at / rows) as f32 * column;
            let y = top + 17.0 + (at % rows) as f32 * ROW;
            self.paper.put_right(x + 16.0, y, LABEL, &(at + 1).to_string());
            self.paper.put(x + 24.0, y, Style::strong(12.5, INK), word);
        }
        self.paper.y = top + rows as f32 * ROW + 8.0;
    }

    /// Numbered, each sentence in Japanese and below it in English.
    fn list(&mut self, sentences: &[Words]) {
        for (number, sentence) in (1..).zip(sentences) {
            let top = self.paper.y;
            self.paper.put(LEFT, top + BODY.size, LABEL, &number.to_string());
            self.paper.flow(LEFT + 16.0, WIDTH - 16.0, BODY, sentence.japanese());
            self.paper.flow(LEFT + 16.0, WIDTH - 16.0, NOTE, sentence.english());
            self.paper.y += 1.5;
        }
    }

    /// A label, and a line to write on.
    fn blank(&mut self, label: &Words) {
        let y = self.paper.y + 13.0;
        let text = if label.english().is_empty() { String::new() } else { both(label) };
        self.paper.put(LEFT, y, LABEL, &text);
        self.paper.rule(VALUES, y + 3.0, RIGHT - VALUES, 0.5, SOFT);
        self.paper.y = y + 5.0;
    }

    fn dates(&mut self) {
        let (count, y) = (5, self.paper.y + 20.0);
        let column = WIDTH / count as f32;
        (0..count).for_each(|at| self.paper.rule(LEFT + at as f32 * column, y, column - 14.0, 0.5, SOFT));
        self.paper.y = y + 4.0;
    }

    fn finish(self, title: &Words) -> Outcome<Vec<u8>> {
        self.paper.finish(&both(title))
    }
}

fn both(text: &Words) -> String {
    format!("{}  {}", text.japanese(), text.english())
}
