//! `hizo case open`

use std::path::PathBuf;

use hizo_vault::event::case::{Kind, Said, Urgency, Way};
use hizo_vault::event::{Event, NAME_BYTES_MAX};
use serde_json::json;

use super::clocks::Calendar;
use crate::desk::Visit;
use crate::failure::{Failure, Kind as FailureKind, Outcome, shown, shown_bytes};
use crate::features::init::command::set_up;
use crate::safe::{self, Safe};
use crate::there::{Terms, There};
use crate::words::words;
use crate::{Setting, home, receipts};

/// Begin a case: a safe that you share with whoever helps, and an invite to it
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// What it is about
    #[arg(long, value_parser = kind_words())]
    kind: String,
    /// What the case is called, in neutral words: no secret, nobody's name
    #[arg(long, value_name = "TITLE")]
    title: String,
    /// How soon somebody has to act
    #[arg(long, value_parser = urgency_words(), default_value = "normal")]
    urgency: String,
    /// How it came: all but company is typed by a counsellor for somebody, and given to the company later
    #[arg(long, value_parser = way_words(), default_value = "company")]
    way: String,
    /// The language of whoever asks, as ja or en
    #[arg(long, value_name = "TAG", default_value = "ja")]
    language: String,
    /// The invite to write: for the centre, or for the company that you type for
    #[arg(long, value_name = "FILE")]
    invite: PathBuf,
    /// The file beside an emergency card: the case begins at the keeper that it names, also where nothing else is left
    #[arg(long, value_name = "FILE", conflicts_with_all = ["keeper_key", "keeper_roots"])]
    emergency: Option<PathBuf>,
    #[command(flatten)]
    terms: Terms,
    /// Your identity file of another safe: you have the same passphrase here, and nobody who knows one safe learns of the other
    #[arg(long, value_name = "FILE")]
    identity: Option<PathBuf>,
}

pub(super) fn kind_words() -> Vec<&'static str> {
    Kind::ALL.iter().map(|kind| kind.word()).collect()
}

pub(super) fn urgency_words() -> Vec<&'static str> {
    Urgency::ALL.iter().map(|urgency| urgency.word()).collect()
}

pub(super) fn way_words() -> Vec<&'static str> {
    Way::ALL.iter().map(|way| way.word()).collect()
}

pub(super) fn run(setting: &Setting, arguments: &Arguments) -> Outcome<()> {
    let said = said(arguments)?;
    let there = there(setting, arguments)?;
    let says = vec![Event::Case(Box::new(said))];
    let (home, passphrase) = set_up(setting, Some(&there), arguments.identity.as_deref(), &arguments.title, says)?;
    passphrase.tell(setting.console, &words!("the case", "相談"));
    let safe = Safe::open(home)?;
    let invite =
        safe.invite()?.ok_or_else(|| Failure::internal_message("a case at a keeper elsewhere has an invite"))?;
    home::write_to_send(&arguments.invite, &invite.compose())?;
    let out_of_hours = Calendar::japan().out_of_hours(safe::now()?.unix_seconds());
    let result = json!({
        "home": safe.home.folder().to_string_lossy(), "space": safe.home.space.to_string(),
        "invite": arguments.invite.to_string_lossy(),
        "out_of_hours": out_of_hours.as_ref().map(|words| words.english()),
    });
    setting.console.result(result, |out| {
        let (folder, file) = (shown(safe.home.folder()), shown(&arguments.invite));
        let made = words!(
            "case begun in {folder}; the invite to it is {file}",
            "{folder} で相談を始めました。招待状は {file} です"
        );
        writeln!(out, "{}", setting.console.say(made))
    });
    if arguments.emergency.is_some() {
        let address = shown_bytes(there.address.as_bytes());
        setting.console.note(words!(
            "the keeper is {address}: compare it with the printed emergency card",
            "預け先は {address} です。印刷した緊急カードと見比べてください"
        ));
    }
    out_of_hours.into_iter().for_each(|words| setting.console.note(words));
    setting.console.note(match arguments.way == Way::Company.word() {
        true => words!(
            "next: send the invite to the centre; let in whoever comes for it with `hizo space admit --history`; say what happened with `hizo case tell`",
            "次に: 招待状を窓口に送ってください。届いた参加願は `hizo space admit --history` で受け入れます。起きたことは `hizo case tell` で書きます"
        ),
        false => words!(
            "next: write down what you hear with `hizo case tell --for NAME`; when the company has its keys, send it the invite and run `hizo case give` with its request",
            "次に: 聞いたことを `hizo case tell --for 名前` で書いてください。会社が鍵を作ったら招待状を送り、届いた参加願で `hizo case give` を実行します"
        ),
    });
    receipts::answer(&safe, safe.home.genesis).holds()
}

/// The keeper at which it begins.
fn there(setting: &Setting, arguments: &Arguments) -> Outcome<There> {
    match (&arguments.emergency, &setting.keeper) {
        (Some(file), None) => Ok(There::named_by(home::read_invite(file)?, arguments.terms.admission()?)),
        (None, Some(address)) => arguments.terms.there(address),
        (Some(_), Some(_)) => Err(Failure::new(
            FailureKind::Usage,
            words!(
                "a case begins at one keeper: the one named, or that of the emergency card",
                "相談を始める預け先は1つです。指定した預け先か、緊急カードの預け先のどちらかにしてください"
            ),
        )
        .hint(words!(
            "Leave out --emergency, or --keeper and HIZO_KEEPER of the environment.",
            "--emergency を外すか、--keeper と環境変数 HIZO_KEEPER を外してください。"
        ))),
        (None, None) => Err(Failure::new(
            FailureKind::Usage,
            words!("a case needs a keeper that both sides reach", "相談には、双方から届く預け先が必要です"),
        )
        .hint(words!(
            "Name it with --keeper https://…, or with --emergency and the file beside an emergency card.",
            "--keeper https://… か、--emergency と緊急カードのファイルで指定してください。"
        ))),
    }
}

fn said(arguments: &Arguments) -> Outcome<Said> {
    let kind = Kind::from_word(&arguments.kind).ok_or_else(unknown_word)?;
    let urgency = Urgency::from_word(&arguments.urgency).ok_or_else(unknown_word)?;
    let way = Way::from_word(&arguments.way).ok_or_else(unknown_word)?;
    let (language, title) = (arguments.language.clone(), arguments.title.clone());
    check_text("--title", &title)?;
    formed(Said::Opened { kind, urgency, way, language, title })
}

/// What begins a case, out of a form with its title and how soon somebody has to act; and that title.
pub(super) fn asked(visit: &Visit, kind: Kind, way: Way, language: &str) -> Outcome<(String, Said)> {
    let urgency = if visit.has("urgent") { Urgency::Emergency } else { Urgency::Normal };
    let (title, language) = (visit.field("title").trim().to_owned(), language.to_owned());
    check_text("--title", &title)?;
    Ok((title.clone(), formed(Said::Opened { kind, urgency, way, language, title })?))
}

pub(super) fn unknown_word() -> Failure {
    Failure::internal_message("a word that the command line let through is known")
}

/// A text that is not empty and no longer than one is written.
pub(super) fn check_text(argument: &str, text: &str) -> Outcome<()> {
    if (1..=NAME_BYTES_MAX).contains(&text.len()) {
        return Ok(());
    }
    Err(Failure::new(FailureKind::Usage, words!("{argument} is empty or too long", "{argument} が空か、長すぎます"))
        .hint(words!("It holds 1 to 1,000 bytes.", "1〜1,000バイトで指定してください。")))
}

/// What will be read as it is said.
///
/// # Errors
/// When a reader would refuse its form.
pub(super) fn formed(said: Said) -> Outcome<Said> {
    let event = Event::Case(Box::new(said.clone()));
    if Event::from_value(&event.to_value()).as_ref() == Some(&event) {
        return Ok(said);
    }
    Err(Failure::new(
        FailureKind::Usage,
        words!(
            "a text is empty or too long, or a day is none",
            "文章が空か長すぎるか、日付が正しくありません"
        ),
    )
    .hint(words!(
        "Write a day as YYYY-MM-DD or a time as YYYY-MM-DDThh:mm:ssZ; a narrative holds 32,768 bytes, a note 1,000.",
        "日付は YYYY-MM-DD、時刻は YYYY-MM-DDThh:mm:ssZ の形で書いてください。経緯は32,768バイト、メモは1,000バイトまでです。"
    )))
}
