//! `hizo consent`

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use hizo_ledger::id::{RecordId, SpaceId};
use hizo_ledger::identity::VerifyingKey;
use hizo_ledger::record::Record;
use hizo_vault::event::Event;
use hizo_vault::event::handover::{Level, ONWARD, Refusal, UnverifiedConsent, UnverifiedItem, Verdict};
use serde_json::json;

use super::must_be_company;
use crate::Setting;
use crate::consents::Consents;
use crate::contents::{Chosen, Opened};
use crate::entropy::random;
use crate::failure::{Failure, Kind, Outcome, shown_bytes};
use crate::handover::refused;
use crate::side::Side;
use crate::view::View;
use crate::words::{Words, words};

/// Consent, for the company, that exactly these items go to one other organisation
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    act: Act,
}

#[derive(Debug, clap::Subcommand)]
enum Act {
    Key(KeyArguments),
    Give(GiveArguments),
    Withdraw(WithdrawArguments),
}

/// Print the key by which a consent names you as its receiver
#[derive(Debug, clap::Args)]
struct KeyArguments {}

/// Sign a consent in the case; it is shown as the receiver will see it
#[derive(Debug, clap::Args)]
struct GiveArguments {
    /// What may be handed over: a deposit as in `hizo restore`, or one path in it: DEPOSIT//PATH
    #[arg(required = true, value_name = "ITEM")]
    items: Vec<String>,
    /// The receiver's key, as `hizo consent key` prints it there; check it by another way than it came
    #[arg(long, value_name = "KEY")]
    receiver: String,
    /// What the receiver is called
    #[arg(long, value_name = "NAME")]
    receiver_name: String,
    /// What the receiver may use it for
    #[arg(long, value_name = "TEXT")]
    purpose: String,
    /// How much may be known: A technique, B facts without your name, C with your name, D with evidence
    #[arg(long, value_parser = ["A", "B", "C", "D"], default_value = "B")]
    level: String,
    /// What your company is called; for level C and D
    #[arg(long, value_name = "NAME")]
    company: Option<String>,
    /// To whom the receiver may pass it on, as TLP 2.0 says
    #[arg(long, value_parser = ONWARD, default_value = "red")]
    onward: String,
    /// Let the sender go on reading what was handed over
    #[arg(long)]
    keeps_sender: bool,
    /// The last day on which it may be opened, YYYY-MM-DD, or the last second
    #[arg(long, value_name = "DAY")]
    until: String,
}

/// Take a consent back: what was not accepted by then is not opened any more
#[derive(Debug, clap::Args)]
struct WithdrawArguments {
    /// The consent: the first digits of its hand-over
    #[arg(value_name = "HANDOVER")]
    handover: String,
    /// Your home of the hand-over, if you have entered it: the receiver's client learns it there
    #[arg(long, value_name = "DIR")]
    at: Option<PathBuf>,
    /// Why; the others can read it
    #[arg(long, value_name = "TEXT", default_value = "")]
    reason: String,
}

pub(crate) fn run(setting: &Setting, arguments: &Arguments) -> Outcome<()> {
    match &arguments.act {
        Act::Key(_) => key(setting),
        Act::Give(arguments) => give(setting, arguments),
        Act::Withdraw(arguments) => withdraw(setting, arguments),
    }
}

fn key(setting: &Setting) -> Outcome<()> {
    let key = Side::of(setting)?.identity_key().to_base64();
    setting.console.result(json!({ "key": key }), |out| writeln!(out, "{key}"));
    Ok(())
}

fn give(setting: &Setting, arguments: &GiveArguments) -> Outcome<()> {
    let mut case = Side::of(setting)?;
    must_be_company(&case)?;
    let level = Level::from_word(&arguments.level).ok_or_else(|| Failure::internal_message("a level has a letter"))?;
    check_company(level, arguments.company.as_ref())?;
    let receiver = VerifyingKey::from_base64(&arguments.receiver).map_err(|error| {
        Failure::new(Kind::Usage, words!("--receiver is no key", "--receiver が鍵の形をしていません"))
            .hint(words!(
                "Name what `hizo consent key` prints at the receiver.",
                "受け取り先で `hizo consent key` が表示する鍵を指定してください。"
            ))
            .source(error)
    })?;
    // The hand-over is to have this id, under keys that nothing links to those of the case.
    let space = SpaceId::from_bytes(random());
    let (person, machine) = (&case.identity.signing_seed, case.safe.home.device()?.signing);
    let said = UnverifiedConsent {
        space: space.to_string(),
        key: String::new(),
        session: person.session_key(&space).verifying_key().to_base64(),
        machine: machine.space_key(&space).verifying_key().to_base64(),
        machine_session: machine.session_key(&space).verifying_key().to_base64(),
        company: arguments.company.clone().unwrap_or_else(|| "-".into()),
        receiver: receiver.to_base64(),
        receiver_name: arguments.receiver_name.clone(),
        purpose: arguments.purpose.clone(),
        level,
        onward: arguments.onward.clone(),
        keeps_sender: arguments.keeps_sender,
        until: last_second(&arguments.until),
        items: items(setting, case.opened(), &arguments.items)?,
        signature: String::new(),
    };
    let said = said.sign(&person.space_key(&space));
    said.verify().map_err(|refusal| match refusal {
        Refusal::Form => Failure::new(
            Kind::Usage,
            words!(
                "a name, the purpose or the day is empty, too long or none",
                "名前・目的・期限のどれかが、空か、長すぎるか、正しくありません"
            ),
        )
        .hint(words!(
            "Name the day as YYYY-MM-DD, and nothing with more than 1,000 bytes.",
            "期限は YYYY-MM-DD の形で、ほかは1,000バイト以内で指定してください。"
        )),
        other => refused(other),
    })?;
    let appended = case.say(vec![Event::Consent(Box::new(said.clone()))])?;
    let listed: Vec<_> =
        said.items.iter().map(|item| json!({ "deposit": item.deposit, "paths": item.paths })).collect();
    let result = json!({
        "handover": said.space, "record": appended.id.to_string(), "receiver_name": said.receiver_name,
        "purpose": said.purpose, "level": said.level.word(), "onward": said.onward, "until": said.until, "items": listed,
    });
    setting.console.result(result, |out| {
        let head = words!(
            "you have consented to hand-over {handover}; {receiver} will see:",
            "引き渡し {handover} に同意しました。{receiver} に見えるもの:",
            handover = &said.space[..12],
            receiver = shown_bytes(said.receiver_name.as_bytes())
        );
        writeln!(out, "{}", setting.console.say(head))?;
        writeln!(out, "    {}", setting.console.say(about(&said)))?;
        said.items.iter().try_for_each(|item| writeln!(out, "    {}", setting.console.say(line(item))))
    });
    appended.promised
}

/// A name for a level that tells it, and none for one that does not.
fn check_company(level: Level, company: Option<&String>) -> Outcome<()> {
    let (failure, hint) = match (level.tells_company(), company) {
        (true, Some(_)) | (false, None) => return Ok(()),
        (true, None) => (
            words!(
                "at this level the receiver learns your company's name",
                "この段階では、会社名を受け取り先に伝えます"
            ),
            words!(
                "Give it with --company, or consent at level A or B.",
                "--company で指定するか、A か B で同意してください。"
            ),
        ),
        (false, Some(_)) => (
            words!(
                "at this level the receiver does not learn your company's name",
                "この段階では、会社名を受け取り先に伝えません"
            ),
            words!(
                "Leave --company out, or consent at level C or D.",
                "--company を外すか、C か D で同意してください。"
            ),
        ),
    };
    Err(Failure::new(Kind::Usage, failure).hint(hint))
}

/// A day is over with its last second, in universal time.
fn last_second(until: &str) -> String {
    if until.len() == "YYYY-MM-DD".len() { format!("{until}T23:59:59Z") } else { until.to_owned() }
}

/// The items that a person named, each deposit once, in the order of the format.
fn items(setting: &Setting, opened: Opened, named: &[String]) -> Outcome<Vec<UnverifiedItem>> {
    let view = View::of(opened)?;
    let mut wanted: BTreeMap<RecordId, (&Record, Option<BTreeSet<String>>)> = BTreeMap::new();
    for name in named {
        let (deposit, path) = name.split_once("//").map_or((name.as_str(), None), |(name, path)| (name, Some(path)));
        let record = setting.find(&view, opened, deposit)?;
        let (_, paths) = wanted.entry(record.id()).or_insert((record, Some(BTreeSet::new())));
        match (path, paths) {
            // All of it, whatever else of it is named.
            (None, paths) => *paths = None,
            (Some(path), Some(paths)) => drop(paths.insert(path.trim_end_matches('/').to_owned())),
            (Some(_), None) => (),
        }
    }
    wanted.into_values().map(|(record, paths)| item(opened, record, paths.unwrap_or_default())).collect()
}

fn item(opened: Opened, record: &Record, paths: BTreeSet<String>) -> Outcome<UnverifiedItem> {
    let deposit = record.envelope().deposit.as_ref();
    let deposit = deposit.ok_or_else(|| Failure::internal_message("a deposit that was named is one"))?;
    let named: Vec<Vec<u8>> = paths.iter().map(|path| path.as_bytes().to_vec()).collect();
    if !named.is_empty() {
        let chosen = Chosen(&named);
        let (list, mut search) = (opened.list(record)?, chosen.search());
        list.entries()?.try_for_each(|entry| entry.map(|entry| search.meet(&entry)))?;
        search.finish()?;
    }
    let (deposit, commit) = (record.id().to_string(), deposit.commit.sha256.to_string());
    Ok(UnverifiedItem { deposit, commit, paths: paths.into_iter().collect() })
}

/// What a consent is for, in one line.
pub(super) fn about(said: &UnverifiedConsent) -> Words {
    let company = match said.company.as_str() {
        "-" => words!("a company whose name is not told", "名前を明かさない会社"),
        name => Words::both(shown_bytes(name.as_bytes()), shown_bytes(name.as_bytes())),
    };
    words!(
        "from {company}, level {level}, for: {purpose}; to be passed on: TLP {onward}; until {until}",
        "{company} から。段階 {level}、目的: {purpose}、その先への共有: TLP {onward}、期限 {until}",
        level = said.level.word(),
        purpose = shown_bytes(said.purpose.as_bytes()),
        onward = said.onward,
        until = said.until;
        company
    )
}

fn line(item: &UnverifiedItem) -> Words {
    let deposit = item.deposit.get(..12).unwrap_or_default();
    if item.paths.is_empty() {
        return words!("deposit {deposit}, all of it", "預け入れ {deposit} の全部");
    }
    let paths = item.paths.iter().map(|path| shown_bytes(path.as_bytes())).collect::<Vec<_>>().join(", ");
    words!("deposit {deposit}: {paths}", "預け入れ {deposit} のうち: {paths}")
}

fn withdraw(setting: &Setting, arguments: &WithdrawArguments) -> Outcome<()> {
    let mut case = Side::of(setting)?;
    must_be_company(&case)?;
    let fold = Consents::of(case.opened())?;
    let given = fold.named(&arguments.handover)?;
    let space = given.said.space.clone();
    let event = || Event::ConsentWithdrawn { space: space.clone(), reason: arguments.reason.clone() };
    let mut promised = case.say(vec![event()])?.promised;
    if let Some(folder) = &arguments.at {
        let mut side = case.at(folder)?;
        if side.safe.home.space.to_string() != space {
            return Err(refused(Refusal::Space));
        }
        promised = promised.and(side.say(vec![event()])?.promised);
    }
    let is_accepted = given.answer.as_ref().is_some_and(|answer| answer.verdict == Verdict::Accepted);
    let result = json!({ "handover": space, "told_receiver": arguments.at.is_some(), "was_accepted": is_accepted });
    setting.console.result(result, |out| {
        let done = match is_accepted {
            true => words!(
                "withdrawn; the receiver has accepted it before and keeps what was accepted",
                "取り消しました。ただし受け取り先はすでに受領しており、受領したものは手元に残ります"
            ),
            false => words!("withdrawn; nothing of it may be opened any more", "取り消しました。今後は開封できません"),
        };
        writeln!(out, "{}", setting.console.say(done))
    });
    if arguments.at.is_none() && given.handed.is_some() {
        setting.console.warn(words!(
            "the receiver's client does not know yet: enter the hand-over and withdraw again with --at",
            "受け取り先にはまだ伝わっていません。引き渡しに入ってから、--at を付けてもう一度取り消してください"
        ));
    }
    promised
}
