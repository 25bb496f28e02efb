//! `hizo case paper`: what stands in a case, on paper, in both languages; with lines and boxes for what a hand adds.

use std::path::PathBuf;

use hizo_ledger::id::SpaceId;
use hizo_ledger::record::ClaimedTime;
use hizo_vault::event::case::Standing;
use hizo_vault::event::handover::{Level, Verdict};
use serde_json::json;

use super::clocks;
use super::command::enter;
use super::keep::standing;
use super::keeping::Source;
use super::page::reason_words;
use super::show::{for_words, kind_words, urgency_words, way_words};
use super::states::State;
use super::{Case, Entry, Present, Taken};
use crate::consents::Given;
use crate::contents::Opened;
use crate::failure::{Failure, Kind, Outcome, shown};
use crate::paper::form::{Form, dated};
use crate::words::{Language, Words, words};
use crate::{Setting, home, safe};

/// Print a paper of a case as a PDF, in Japanese and English: what stands in the case, and lines for what a hand adds
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Which paper
    #[arg(value_enum)]
    what: What,
    /// The hand-over whose consent it is of, at least six digits; without one, a form to be filled in by hand
    #[arg(long, value_name = "HANDOVER")]
    consent: Option<String>,
    /// The file to write
    #[arg(long, value_name = "FILE")]
    to: PathBuf,
}

/// A paper.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum What {
    /// The consultation record
    Record,
    /// The advice sheet
    Advice,
    /// The consent form
    Consent,
    /// The custody slip
    Slip,
    /// Tags for things in custody
    Tag,
    /// The rescue team's report
    Rescue,
}

impl What {
    pub(super) const ALL: [Self; 6] = [Self::Record, Self::Advice, Self::Consent, Self::Slip, Self::Tag, Self::Rescue];

    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Record => "record",
            Self::Advice => "advice",
            Self::Consent => "consent",
            Self::Slip => "slip",
            Self::Tag => "tag",
            Self::Rescue => "rescue",
        }
    }

    pub(super) fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|what| what.word() == word)
    }

    pub(super) fn words(self) -> Words {
        match self {
            Self::Record => words!("Consultation record", "相談記録"),
            Self::Advice => words!("Advice sheet", "助言票"),
            Self::Consent => words!("Consent form", "同意書"),
            Self::Slip => words!("Custody slip", "証拠の受け渡し票"),
            Self::Tag => words!("Tags for things", "物に付ける札"),
            Self::Rescue => words!("Report of the rescue team", "レスキュー隊報告書"),
        }
    }
}

pub(super) fn run(setting: &Setting, arguments: &Arguments) -> Outcome<()> {
    let (side, present) = enter(setting)?;
    if arguments.consent.is_some() && arguments.what != What::Consent {
        let message = words!("--consent is for the consent form", "--consent は同意書（consent）だけに使えます");
        return Err(Failure::new(Kind::Usage, message).hint(words!("Leave it out.", "外してください。")));
    }
    let given = arguments.consent.as_deref().map(|digits| present.consents.named(digits)).transpose()?;
    let bytes = print(arguments.what, side.opened(), &present, given)?;
    home::write_to_send(&arguments.to, &bytes)?;
    let result = json!({ "paper": arguments.what.word(), "file": arguments.to.to_string_lossy() });
    setting.console.result(result, |out| {
        let (what, file) = (arguments.what.words(), shown(&arguments.to));
        let said = words!("{what} written to {file}", "{what}を {file} に書きました", file = file; what);
        writeln!(out, "{}", setting.console.say(said))
    });
    Ok(())
}

/// A paper of a case as it stands now. The consent form is of `given`, or for a hand to fill in.
///
/// # Errors
/// When the case has not begun.
pub(super) fn print(what: What, opened: Opened, present: &Present, given: Option<&Given>) -> Outcome<Vec<u8>> {
    let (space, head) = (opened.safe.home.space, opened.safe.chain.head().number);
    let sheet = Sheet { case: present.case(opened)?, present, given, now: safe::now()?.unix_seconds(), head };
    let mut form = Form::new(format!("{space} {head}"))?;
    // A tag is one piece, in both languages at once.
    let is_tags = what == What::Tag && !sheet.case.things.is_empty();
    if is_tags {
        sheet.tags(&mut form, &space);
    }
    for language in [Language::Japanese, Language::English].into_iter().filter(|_| !is_tags) {
        // Whoever scans it finds which paper of which case it is; nothing of what it says.
        form.begin(language, &what.words(), &format!("hizo/paper/v1 {} {space} {head}", what.word()));
        sheet.about(&mut form);
        match what {
            What::Record => sheet.record(&mut form),
            What::Advice => sheet.advice(&mut form),
            What::Consent => sheet.consent(&mut form),
            What::Slip => sheet.slip(&mut form),
            What::Tag => form.nothing(),
            What::Rescue => sheet.rescue(&mut form),
        }
    }
    let title = what.words();
    form.finish(&format!("{} · {} · {space}", title.japanese(), title.english()))
}

struct Sheet<'a> {
    case: &'a Case,
    present: &'a Present,
    given: Option<&'a Given>,
    now: u64,
    head: u64,
}

impl Sheet<'_> {
    /// What stands at the head of each paper.
    fn about(&self, form: &mut Form) {
        let case = self.case;
        form.row(&words!("Case", "相談"), &case.title);
        form.row_of(&words!("Kind", "種類"), &joined(&[kind_words(case.kind), urgency_words(case.urgency)]));
        form.row_of(&words!("Begun", "開始"), &joined(&[moment(case.opened.time), way_words(case.way)]));
        let states: Vec<_> = case.clocks().map(|(state, ..)| state.words()).collect();
        let states = match &case.closed {
            Some((entry, _)) => joined(&[words!("closed", "終了"), moment(entry.time)]),
            None => joined(&states),
        };
        form.row_of(&words!("State", "段階"), &states);
        let (printed, head) = (moment(self.now), self.head);
        form.row_of(
            &words!("Printed", "印刷"),
            &words!("{printed}, of record {head}", "{printed}、記録番号 {head} まで", head = head; printed),
        );
    }

    fn record(&self, form: &mut Form) {
        form.heading(&words!("What happened", "起きたこと"));
        self.told(form);
        form.heading(&words!("How it went on", "経過"));
        match self.case.steps.is_empty() {
            true => form.nothing(),
            false => self.case.steps.iter().for_each(|taken| step(form, taken)),
        }
        form.heading(&words!("Evidence", "証拠のある場所"));
        self.sources(form);
        form.heading(&words!("Visits", "訪問"));
        for visit in &self.case.visits {
            let made = if visit.made { words!("made", "実施") } else { words!("planned", "予定") };
            let head = joined(&[day(&visit.on), made]);
            form.said(&head_of(form, &visit.entry, Some(head)), &lines(&[&visit.place, &visit.note]));
        }
        if self.case.visits.is_empty() {
            form.nothing();
        }
        form.heading(&words!("To be filled in", "記入欄"));
        form.blank(&words!("Number of the office", "受付番号"), 1);
        form.blank(&words!("Called back, by whom", "折り返し先・応対者"), 1);
        form.blank(&words!("Remarks", "備考"), 3);
        form.seal(&words!("Taken down by", "記録者"));
    }

    fn told(&self, form: &mut Form) {
        for told in &self.case.told {
            let mut about = Vec::new();
            if !told.happened.is_empty() {
                let happened = day(&told.happened);
                about.push(words!("happened {happened}", "起きた日 {happened}"; happened));
            }
            if !told.written.is_empty() {
                let written = day(&told.written);
                about.push(words!("written {written}", "書いた日 {written}"; written));
            }
            if !told.teller.is_empty() {
                about.push(words!("as {teller} told", "{teller}の話", teller = told.teller));
            }
            let about = (!about.is_empty()).then(|| joined(&about));
            form.said(&head_of(form, &told.entry, about), &told.text);
        }
        if self.case.told.is_empty() {
            form.nothing();
        }
    }

    fn sources(&self, form: &mut Form) {
        for (word, kept) in &self.case.kept {
            let state = joined(&[source_words(word), standing(kept.state)]);
            form.said(&head_of(form, &kept.entry, Some(state)), &lines(&[&kept.deposit, &kept.note]));
        }
        if self.case.kept.is_empty() {
            form.nothing();
        }
    }

    fn advice(&self, form: &mut Form) {
        form.heading(&words!("Advice", "助言"));
        for (entry, text) in &self.case.advice {
            form.said(&head_of(form, entry, None), text);
        }
        if self.case.advice.is_empty() {
            form.nothing();
        }
        form.heading(&words!("What is to be done", "やること"));
        self.tasks(form);
        form.heading(&words!("To be filled in", "記入欄"));
        form.blank(&words!("Handed over to", "渡した相手"), 1);
        form.blank(&words!("Next appointment", "次回の予定"), 1);
        form.blank(&words!("Remarks", "備考"), 3);
        form.seal(&words!("Advised by", "助言者"));
    }

    fn tasks(&self, form: &mut Form) {
        for task in &self.case.tasks {
            let mut about = vec![for_words(task.who)];
            if !task.due.is_empty() {
                let due = day(&task.due);
                about.push(words!("until {due}", "{due} まで"; due));
            }
            about.push(if task.done { words!("done", "済み") } else { words!("open", "未了") });
            form.said(&head_of(form, &task.entry, Some(joined(&about))), &task.text);
        }
        if self.case.tasks.is_empty() {
            form.nothing();
        }
    }

    fn consent(&self, form: &mut Form) {
        form.note(&words!(
            "With this consent exactly the items named here may be given to the receiver named here, and to nobody else. It can be withdrawn at any time: then whatever the receiver has not accepted is not opened any more. What he accepted stays with him.",
            "この同意により、ここに書かれた資料だけを、ここに書かれた受け取り先だけに渡すことができます。同意はいつでも取り消せます。取り消した後は、まだ受領されていないものは開かれません。受領済みのものは、受け取り先に残ります。"
        ));
        match self.given {
            Some(given) => given_consent(form, given),
            None => {
                form.heading(&words!("To be filled in", "記入欄"));
                form.blank(&words!("Receiver", "受け取り先"), 1);
                form.blank(&words!("Purpose", "目的"), 2);
                let levels = [Level::A, Level::B, Level::C, Level::D].map(level_words);
                form.choices(&words!("How much may be known", "知らせてよい範囲"), &levels);
                form.blank(&words!("Items", "渡す資料"), 4);
                form.blank(&words!("Good until", "期限"), 1);
                form.note(&words!(
                    "Without a signature by the company's key, a consent on paper holds for levels A and B alone and 30 days at most, once two of the staff have attested it.",
                    "会社の鍵による署名がない書面の同意は、段階A・Bだけ、最長30日です。職員2人の確認で有効になります。"
                ));
                form.blank(&words!("Called back, by whom", "折り返し確認・担当者"), 1);
            }
        }
        form.seal(&words!("For the company", "会社"));
    }

    fn slip(&self, form: &mut Form) {
        form.heading(&words!("Kept in this case", "この相談で保全したもの"));
        let kept: Vec<_> = self.case.kept.iter().filter(|(_, kept)| kept.state == Standing::Kept).collect();
        for (word, kept) in &kept {
            form.said(&head_of(form, &kept.entry, Some(source_words(word))), &lines(&[&kept.deposit, &kept.note]));
        }
        if kept.is_empty() {
            form.nothing();
        }
        form.heading(&words!("From hand to hand", "引き渡しの記録"));
        let handed: Vec<_> = self.present.consents.given.iter().filter(|given| given.handed.is_some()).collect();
        for given in &handed {
            form.row(&words!("Receiver", "受け取り先"), &given.said.receiver_name);
            form.row_of(&words!("Answer", "回答"), &answer_words(given));
            for entry in given.handed.iter().flat_map(|handed| &handed.items) {
                form.row(&words!("Item, given as", "資料と渡した記録"), &lines(&[&entry.deposit, &entry.record]));
            }
        }
        if handed.is_empty() {
            form.nothing();
        }
        form.heading(&words!("Things", "物（機器・媒体）"));
        for thing in &self.case.things {
            form.row(&words!("Number on its tag", "札の番号"), &number(&thing.id));
            form.row(&words!("What it is, its number", "品名・製造番号"), &thing.what);
            for hand in &thing.hands {
                let witness = match hand.witness.as_str() {
                    "" => Words::from(""),
                    witness => words!("witness: {witness}", "立会人: {witness}"),
                };
                let head = head_of(form, &hand.entry, Some(Words::from(hand.holder.as_str())));
                let witness = witness.to(form.language()).to_owned();
                form.said(&head, &lines(&[&hand.place, &witness, &hand.note]));
            }
        }
        if self.case.things.is_empty() {
            form.nothing();
        }
        form.heading(&words!("To the next hands", "次の受け渡し"));
        form.blank(&words!("Number on its tag", "札の番号"), 1);
        form.blank(&words!("What it is, its number", "品名・製造番号"), 2);
        form.blank(&words!("Where and in what state", "保管場所・状態"), 2);
        form.blank(&words!("Witness", "立会人"), 1);
        form.seal(&words!("Handed over by", "渡した人"));
        form.seal(&words!("Received by", "受け取った人"));
    }

    /// A tag for each thing, on a page of its own: the code names it, and nothing on it says of which company it is.
    fn tags(&self, form: &mut Form, space: &SpaceId) {
        for thing in &self.case.things {
            form.begin(Language::Japanese, &What::Tag.words(), &format!("hizo/thing/v1 {space} {}", thing.id));
            form.row(&Words::from("番号 / Number"), &number(&thing.id));
            form.row(&Words::from("品名 / What it is"), &thing.what);
            form.note(&Words::from("開けない・電源を入れない・つながない / Do not open, switch on or connect"));
            form.seal(&Words::from("封をした人 / Sealed by"));
            form.seal(&Words::from("立会人 / Witness"));
        }
    }

    fn rescue(&self, form: &mut Form) {
        let steps: Vec<_> = self.case.steps.iter().filter(|taken| is_rescue(taken)).collect();
        form.note(&words!(
            "What the rescue team has said, as it was told in the case. Whatever stands on a line below was written by hand.",
            "レスキュー隊の判断を、相談に記録されたとおりに示します。下の線の上は、手書きの欄です。"
        ));
        form.heading(&words!("What was said in the case", "相談に記録されたこと"));
        steps.iter().for_each(|taken| step(form, taken));
        if steps.is_empty() {
            form.nothing();
        }
        form.heading(&words!("To be filled in", "記入欄"));
        let verdicts = [
            words!("yes, an attack", "攻撃あり"),
            words!("no attack", "攻撃なし"),
            words!("undetermined", "判断できない"),
        ];
        form.choices(&words!("Was it an attack", "攻撃の有無"), &verdicts);
        form.blank(&words!("Damage", "被害"), 3);
        form.blank(&words!("Cause", "原因"), 3);
        form.blank(&words!("Countermeasures", "対策"), 3);
        form.blank(&words!("Police told on", "警察への連絡日"), 1);
        form.seal(&words!("For the rescue team", "レスキュー隊"));
    }
}

/// The number on a tag, in groups of four.
pub(super) fn number(id: &str) -> String {
    let digits: Vec<char> = id.chars().collect();
    digits.chunks(4).map(|group| group.iter().collect::<String>()).collect::<Vec<_>>().join("-")
}

fn source_words(word: &str) -> Words {
    Source::of(word).map_or_else(|| Words::from(word), Source::words)
}

fn is_rescue(taken: &Taken) -> bool {
    taken.to.starts_with("rescue.") || taken.step.from.starts_with("rescue.")
}

fn step(form: &mut Form, taken: &Taken) {
    let state = |word: &str| State::of(word).map_or_else(|| Words::from(word), State::words);
    let (from, to) = (state(&taken.step.from), state(taken.to));
    let reason = reason_words(&taken.step.reason);
    let went = words!("{from} → {to}: {reason}", "{from} → {to}（{reason}）"; from, to, reason);
    let went = went.to(form.language()).to_owned();
    form.said(&head_of(form, &taken.entry, None), &lines(&[&went, &taken.step.note]));
}

/// A consent that the company has signed with its key.
fn given_consent(form: &mut Form, given: &Given) {
    let said = &given.said;
    form.heading(&words!("What was consented to", "同意の内容"));
    form.row(&words!("Receiver", "受け取り先"), &said.receiver_name);
    form.row(&words!("Purpose", "目的"), &said.purpose);
    form.row_of(&words!("How much may be known", "知らせてよい範囲"), &level_words(said.level));
    if said.level.tells_company() {
        form.row(&words!("Company", "会社"), &said.company);
    }
    form.row(&words!("Onward sharing (TLP)", "その先への共有（TLP）"), &said.onward);
    form.row_of(&words!("Good until", "期限"), &day(&said.until));
    for item in &said.items {
        let paths: Vec<&str> =
            std::iter::once(item.deposit.as_str()).chain(item.paths.iter().map(String::as_str)).collect();
        form.row(&words!("Item", "資料"), &lines(&paths));
    }
    form.row(&words!("Hand-over", "引き渡し"), &said.space);
    form.row(&words!("Signed by key", "署名した鍵"), &given.by.name().to_string());
    let state = if given.is_withdrawn { words!("withdrawn", "取り消し済み") } else { answer_words(given) };
    form.row_of(&words!("State", "状態"), &state);
}

fn answer_words(given: &Given) -> Words {
    match (&given.answer, &given.handed) {
        (Some(answer), _) => match answer.verdict {
            Verdict::Accepted => words!("accepted, {number}", "受領（{number}）", number = answer.reference),
            Verdict::Rejected => words!("rejected: {reason}", "受領せず（{reason}）", reason = answer.reason),
            Verdict::Insufficient => words!("insufficient: {reason}", "資料不足（{reason}）", reason = answer.reason),
        },
        (None, Some(_)) => words!("handed over, not answered", "引き渡し済み・回答待ち"),
        (None, None) => words!("not handed over", "まだ引き渡していない"),
    }
}

fn level_words(level: Level) -> Words {
    match level {
        Level::A => words!("A: technique only", "A: 手口だけ"),
        Level::B => words!("B: facts, without the company's name", "B: 事実（会社名なし）"),
        Level::C => words!("C: with the company's name", "C: 会社名も"),
        Level::D => words!("D: with evidence", "D: 証拠も"),
    }
}

/// Who said something and when, and what else stands above it.
fn head_of(form: &Form, entry: &Entry, more: Option<Words>) -> String {
    let party = entry.party.map_or_else(|| Words::from(""), crate::parties::Party::words);
    let said = joined(&[moment(entry.time), party, Words::from(entry.name.as_str())]);
    more.map_or_else(|| said.clone(), |more| joined(&[said.clone(), more])).to(form.language()).to_owned()
}

fn moment(seconds: u64) -> Words {
    let at = clocks::japanese(seconds);
    let (day, time) = (dated(at.date()), at.strftime("%H:%M"));
    words!("{day} {time}", "{day} {time}", time = time; day)
}

/// A day or a time as an event says it; as it stands there where it is neither.
fn day(text: &str) -> Words {
    match (text.parse::<jiff::civil::Date>(), ClaimedTime::parse(text)) {
        (_, Ok(time)) => moment(time.unix_seconds()),
        (Ok(day), Err(_)) => dated(day),
        (Err(_), Err(_)) => Words::from(text),
    }
}

/// Those that say something, beside each other.
fn joined(parts: &[Words]) -> Words {
    let said = |to: fn(&Words) -> &str, between: &str| {
        let parts = parts.iter().map(to).filter(|part| !part.is_empty());
        parts.collect::<Vec<_>>().join(between)
    };
    Words::both(said(Words::english, " · "), said(Words::japanese, "・"))
}

/// Those that say something, below each other.
fn lines(parts: &[&str]) -> String {
    parts.iter().filter(|part| !part.is_empty()).copied().collect::<Vec<_>>().join("\n")
}
