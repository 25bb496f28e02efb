//! `hizo consent`

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use hizo_ledger::id::{RecordId, SpaceId};
use hizo_ledger::identity::VerifyingKey;
use hizo_ledger::record::Record;
use hizo_vault::event::Event;
use hizo_vault::event::handover::{Level, ONWARD, Refusal, UnverifiedConsent, UnverifiedItem};
use hizo_vault::keys::{IdentityFile, SigningSeed};
use serde_json::json;

use super::preview::{Care, ShownEntry};
use super::{attest, check_receiver, must_be_company};
use crate::Setting;
use crate::consents::Consents;
use crate::contents::{Chosen, Opened};
use crate::desk::Text;
use crate::desk::shown::day_said;
use crate::entropy::random;
use crate::failure::{Failure, Kind, Outcome, shown_bytes};
use crate::handover::refused;
use crate::membership::Appended;
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
    Preview(PreviewArguments),
    Give(GiveArguments),
    Withdraw(WithdrawArguments),
    Attest(attest::Arguments),
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
    /// The last day in Japan on which it may be opened, YYYY-MM-DD, or the last second
    #[arg(long, value_name = "DAY")]
    until: String,
    #[command(flatten)]
    sought: Sought,
}

/// Show what the receiver would see of items, with every trace of a name in it; nothing is signed
#[derive(Debug, clap::Args)]
struct PreviewArguments {
    /// What may be handed over: a deposit as in `hizo restore`, or one path in it: DEPOSIT//PATH
    #[arg(required = true, value_name = "ITEM")]
    items: Vec<String>,
    /// How much may be known: A technique, B facts without your name, C with your name, D with evidence
    #[arg(long, value_parser = ["A", "B", "C", "D"], default_value = "B")]
    level: String,
    #[command(flatten)]
    sought: Sought,
}

/// What must not be known.
#[derive(Debug, clap::Args)]
struct Sought {
    /// A name, or another mark such as the day of founding, that must not be known at level A and B; as often as needed
    #[arg(long, value_name = "NAME")]
    seek: Vec<String>,
    /// A file that may be handed over although it tells such a name, or cannot be looked into: DEPOSIT//PATH
    #[arg(long, value_name = "ITEM", requires = "seek")]
    stands: Vec<String>,
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
        Act::Preview(arguments) => preview(setting, arguments),
        Act::Give(arguments) => give(setting, arguments),
        Act::Withdraw(arguments) => withdraw(setting, arguments),
        Act::Attest(arguments) => attest::run(setting, arguments),
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
    let receiver = read_receiver(&arguments.receiver)?;
    let items = items(setting, case.opened(), &arguments.items)?;
    let care = match arguments.sought.seek.is_empty() {
        true => None,
        false => Some(care(setting, case.opened(), &arguments.sought)?),
    };
    let offer = Offer {
        receiver,
        receiver_name: arguments.receiver_name.clone(),
        purpose: arguments.purpose.clone(),
        level,
        company: arguments.company.clone(),
        onward: arguments.onward.clone(),
        keeps_sender: arguments.keeps_sender,
        until: arguments.until.clone(),
        items,
    };
    let (said, appended) = offer.sign(&mut case, care.as_ref())?;
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

/// The key of a receiver, as somebody typed it.
pub(super) fn read_receiver(key: &str) -> Outcome<VerifyingKey> {
    VerifyingKey::from_base64(key).map_err(|error| {
        Failure::new(Kind::Usage, words!("the receiver's key is none", "受け取り先の鍵が、鍵の形をしていません"))
            .hint(words!(
                "Name what `hizo consent key` prints at the receiver.",
                "受け取り先で `hizo consent key` が表示する鍵を指定してください。"
            ))
            .source(error)
    })
}

/// What a company is about to consent to.
#[derive(Debug, Clone)]
pub(super) struct Offer {
    pub receiver: VerifyingKey,
    pub receiver_name: String,
    pub purpose: String,
    pub level: Level,
    pub company: Option<String>,
    pub onward: String,
    pub keeps_sender: bool,
    /// A day, or a second.
    pub until: String,
    pub items: Vec<UnverifiedItem>,
}

impl Offer {
    /// Signs it in the case.
    ///
    /// # Errors
    /// When it is not in its form, or something in it tells who the company is and nobody has decided on that.
    pub(super) fn sign(self, case: &mut Side, care: Option<&Care>) -> Outcome<(UnverifiedConsent, Appended)> {
        must_be_company(case)?;
        check_company(self.level, self.company.as_ref())?;
        check_receiver(case.opened(), self.level, &self.receiver)?;
        if let Some(care) = care.filter(|_| !self.level.tells_company()) {
            let shown = care.preview(case.opened(), &self.items)?;
            care.check(self.level, [&self.purpose, &self.receiver_name], &shown)?;
        }
        let machine = case.safe.home.device()?.signing;
        let said = self.said(&case.identity, &machine)?;
        let appended = case.say(vec![Event::Consent(Box::new(said.clone()))])?;
        Ok((said, appended))
    }

    /// What it says, signed by keys that nothing links to those of the case; in its form.
    fn said(self, identity: &IdentityFile, machine: &SigningSeed) -> Outcome<UnverifiedConsent> {
        // The hand-over is to have this id.
        let space = SpaceId::from_bytes(random());
        let person = &identity.signing_seed;
        let said = UnverifiedConsent {
            space: space.to_string(),
            key: String::new(),
            session: person.session_key(&space).verifying_key().to_base64(),
            machine: machine.space_key(&space).verifying_key().to_base64(),
            machine_session: machine.session_key(&space).verifying_key().to_base64(),
            recipient: identity.hand_over_identity(&space).recipient().to_string(),
            company: self.company.unwrap_or_else(|| "-".into()),
            receiver: self.receiver.to_base64(),
            receiver_name: self.receiver_name,
            purpose: self.purpose,
            level: self.level,
            onward: self.onward,
            keeps_sender: self.keeps_sender,
            until: last_second(&self.until),
            items: self.items,
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
        Ok(said)
    }
}

/// What must not be known, and what a person lets stand.
fn care(setting: &Setting, opened: Opened, sought: &Sought) -> Outcome<Care> {
    let mut care = Care::for_marks(sought.seek.iter().map(String::as_str))?;
    for item in items(setting, opened, &sought.stands)? {
        if item.paths.is_empty() {
            return Err(Failure::new(
                Kind::Usage,
                words!("--stands names no file", "--stands にファイルが指定されていません"),
            )
            .hint(words!(
                "Name each file as DEPOSIT//PATH: what tells who you are is decided on one by one.",
                "預け入れ//パス の形で、一つずつ指定してください。会社が分かるものは一件ごとに決めます。"
            )));
        }
        let deposit = item.deposit;
        item.paths.into_iter().for_each(|path| care.let_stand(deposit.clone(), path.into_bytes()));
    }
    Ok(care)
}

fn preview(setting: &Setting, arguments: &PreviewArguments) -> Outcome<()> {
    let case = Side::of(setting)?;
    let level = Level::from_word(&arguments.level).ok_or_else(|| Failure::internal_message("a level has a letter"))?;
    let care = care(setting, case.opened(), &arguments.sought)?;
    let shown = care.preview(case.opened(), &items(setting, case.opened(), &arguments.items)?)?;
    let english = |found: &[Words]| found.iter().map(|words| words.english().to_owned()).collect::<Vec<_>>();
    let entry = |deposit: &str, entry: &ShownEntry| {
        let traces = entry.traces.iter().map(|(place, text)| json!({ "where": place.english(), "text": text }));
        json!({
            "path": shown_bytes(&entry.path), "bytes": entry.bytes, "traces": traces.collect::<Vec<_>>(),
            "unseen": english(&entry.unseen), "undecided": !level.tells_company() && care.is_undecided(deposit, entry),
        })
    };
    let listed: Vec<_> = shown
        .iter()
        .map(|of| {
            let entries: Vec<_> = of.entries.iter().map(|one| entry(&of.deposit, one)).collect();
            json!({ "deposit": of.deposit, "entries": entries })
        })
        .collect();
    setting.console.result(json!({ "level": level.word(), "items": listed }), |out| {
        let say = |words| setting.console.say(words);
        for of in &shown {
            let deposit = of.deposit.get(..12).unwrap_or_default();
            writeln!(
                out,
                "{}",
                say(words!(
                    "of deposit {deposit} the receiver would see:",
                    "預け入れ {deposit} のうち、受け取り先に見えるもの:"
                ))
            )?;
            for entry in &of.entries {
                let mark = if entry.needs_decision() { '!' } else { ' ' };
                writeln!(out, "  {mark} {}", shown_bytes(&entry.path))?;
                for (place, text) in &entry.traces {
                    let (place, text) = (place.clone(), shown_bytes(text.as_bytes()));
                    writeln!(
                        out,
                        "      {}",
                        say(words!("found {place}: {text}", "見つかったところ（{place}）: {text}"; place))
                    )?;
                }
                for unseen in &entry.unseen {
                    let unseen = unseen.clone();
                    let told = words!("cannot be looked into: {unseen}", "確かめられません: {unseen}"; unseen);
                    writeln!(out, "      {}", say(told))?;
                }
            }
        }
        let apart = words!(
            "what was told in the case is no part of a hand-over; only what is listed here goes",
            "相談で話した内容は引き渡しに入りません。渡るのは、ここに並ぶものだけです"
        );
        writeln!(out, "{}", say(apart))
    });
    Ok(())
}

/// A name for a level that tells it, and none for one that does not.
pub(super) fn check_company(level: Level, company: Option<&String>) -> Outcome<()> {
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

/// A day is over with its last second in Japan, where those read it whom it binds.
pub(super) fn last_second(until: &str) -> String {
    if until.len() == "YYYY-MM-DD".len() { format!("{until}{LAST_SECOND}") } else { until.to_owned() }
}

const LAST_SECOND: &str = "T14:59:59Z";

/// As people are told of it: the day alone where it is the last second of one.
pub(super) fn shown_until(until: &str) -> String {
    shown_bytes(until.strip_suffix(LAST_SECOND).unwrap_or(until).as_bytes())
}

/// The items that a person named, each deposit once, in the order of the format.
pub(super) fn items(setting: &Setting, opened: Opened, named: &[String]) -> Outcome<Vec<UnverifiedItem>> {
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

/// The record of an item's deposit.
pub(super) fn record_of<'o>(opened: Opened<'o>, item: &UnverifiedItem) -> Outcome<&'o Record> {
    let record = opened.safe.records.iter().find(|record| record.id().to_string() == item.deposit);
    record.ok_or_else(|| Failure::internal_message("a deposit that was named is one"))
}

/// What a consent is for, in one line.
pub(super) fn about(said: &UnverifiedConsent) -> Words {
    about_until(said, shown_until(&said.until))
}

/// The same as a page says it.
pub(super) fn about_shown(t: Text, said: &UnverifiedConsent) -> String {
    about_until(said, day_said(t, &shown_until(&said.until))).to(t.0).to_owned()
}

fn about_until(said: &UnverifiedConsent, until: String) -> Words {
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
        until = until;
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

/// A consent that was taken back.
pub(super) struct Withdrawal {
    pub space: String,
    pub was_accepted: bool,
    pub was_handed: bool,
    /// Whether it is kept.
    pub promised: Outcome<()>,
}

impl Withdrawal {
    /// Says so in the case; and in the hand-over, if its home is named.
    pub(super) fn make(case: &mut Side, handover: &str, reason: &str, at: Option<Side>) -> Outcome<Self> {
        must_be_company(case)?;
        let fold = Consents::of(case.opened())?;
        let given = fold.named(handover)?;
        let (space, was_accepted, was_handed) =
            (given.said.space.clone(), given.was_accepted(), given.handed.is_some());
        if at.as_ref().is_some_and(|side| side.safe.home.space.to_string() != space) {
            return Err(refused(Refusal::Space));
        }
        let event = || Event::ConsentWithdrawn { space: space.clone(), reason: reason.to_owned() };
        let mut promised = case.say(vec![event()])?.promised;
        if let Some(mut side) = at {
            promised = promised.and(side.say(vec![event()])?.promised);
        }
        Ok(Self { space, was_accepted, was_handed, promised })
    }
}

fn withdraw(setting: &Setting, arguments: &WithdrawArguments) -> Outcome<()> {
    let mut case = Side::of(setting)?;
    must_be_company(&case)?;
    let at = arguments.at.as_deref().map(|folder| case.at(folder)).transpose()?;
    let withdrawal = Withdrawal::make(&mut case, &arguments.handover, &arguments.reason, at)?;
    let Withdrawal { space, was_accepted: is_accepted, was_handed, promised } = withdrawal;
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
    if arguments.at.is_none() && was_handed {
        setting.console.warn(words!(
            "the receiver's client does not know yet: enter the hand-over and withdraw again with --at",
            "受け取り先にはまだ伝わっていません。引き渡しに入ってから、--at を付けてもう一度取り消してください"
        ));
    }
    promised
}
