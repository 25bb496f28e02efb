//! `hizo hand-over status`

use std::path::PathBuf;

use hizo_ledger::identity::VerifyingKey;
use hizo_ledger::record::ClaimedTime;
use hizo_vault::event::Event;
use hizo_vault::event::handover::{Custody, Refusal, UnverifiedAnswer, Verdict};
use serde_json::{Value, json};

use super::answer::word;
use super::attest::differing;
use super::consent::shown_until;
use super::filling;
use super::handover_of;
use crate::Setting;
use crate::consents::{Consents, Given, Paper};
use crate::failure::{Outcome, shown_bytes};
use crate::handover::{HandOver, Suspect, refused};
use crate::people::People;
use crate::safe;
use crate::side::Side;
use crate::words::{Words, words};

/// Say how far each hand-over of a case has come
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Your home of a hand-over: the receiver's answer there is carried into the case
    #[arg(long, value_name = "DIR")]
    at: Option<PathBuf>,
}

pub(super) fn run(setting: &Setting, arguments: &Arguments) -> Outcome<()> {
    let mut case = Side::of(setting)?;
    let (mut promised, mut at) = (Ok(()), None);
    if let Some(folder) = &arguments.at {
        let side = case.at(folder)?;
        let Seen { opened, answer, suspects } = look(&case, &side)?;
        at = Some(At { space: side.safe.home.space.to_string(), opened, suspects });
        promised = carry(&mut case, answer)?;
    }
    let fold = Consents::of(case.opened())?;
    tell(setting, &case, &fold, at.as_ref())?;
    promised
}

/// The hand-over that was looked into.
struct At {
    space: String,
    opened: Option<ClaimedTime>,
    suspects: Vec<Suspect>,
}

/// What somebody who is in a case and in a hand-over sees there.
pub(super) struct Seen {
    /// When the receiver said that he opens.
    pub opened: Option<ClaimedTime>,
    /// The receiver's answer, where the case does not have it yet.
    pub answer: Option<UnverifiedAnswer>,
    /// Whom the company has named there.
    pub suspects: Vec<Suspect>,
}

/// Looks into a hand-over for its case; the company compares what was made of the items with what they are.
pub(super) fn look(case: &Side, side: &Side) -> Outcome<Seen> {
    let fold = Consents::of(case.opened())?;
    let space = side.safe.home.space.to_string();
    let given = fold.given.iter().find(|given| given.said.space == space).ok_or_else(|| refused(Refusal::Space))?;
    let handover = handover_of(side)?;
    if side.is_admin() {
        filling::compare(case, side, given.consent.as_ref().map_err(|refusal| refused(*refusal))?)?;
    }
    // Whom the sender has let in is whom he has told the case of.
    let told = given.handed.as_ref().map(|handed| handed.receiver);
    if told.is_some() && handover.receiver.is_some() && told != handover.receiver {
        return Err(refused(Refusal::Receiver));
    }
    let opened = opened_at(given, &handover);
    let answer = handover.answers.into_iter().find(|answer| given.believes(answer));
    Ok(Seen { opened, answer: answer.filter(|_| given.answer.is_none()), suspects: handover.suspects })
}

/// When the receiver said that he opens.
pub(super) fn opened_at(given: &Given, handover: &HandOver) -> Option<ClaimedTime> {
    given.handed.as_ref()?;
    // Of an organisation anybody may open first.
    let is_theirs = |key: &VerifyingKey| *key != handover.sender && key.to_base64() != handover.said.key;
    let times = handover.opened.iter().filter(|(key, _)| is_theirs(key)).map(|(_, time)| *time);
    ClaimedTime::from_unix_seconds(times.min()?).ok()
}

/// Carries the receiver's answer into the case, if there is one.
pub(super) fn carry(case: &mut Side, answer: Option<UnverifiedAnswer>) -> Outcome<Outcome<()>> {
    match answer {
        Some(answer) => Ok(case.say(vec![Event::Answered(answer)])?.promised),
        None => Ok(Ok(())),
    }
}

fn tell(setting: &Setting, case: &Side, fold: &Consents, at: Option<&At>) -> Outcome<()> {
    let now = safe::now()?;
    let people = case.keyring.people()?;
    let at = |given: &Given| at.filter(|at| at.space == given.said.space);
    let handovers: Vec<_> = fold.given.iter().map(|given| as_json(given, now, at(given))).collect();
    let papers: Vec<_> = fold.papers.iter().map(|paper| paper_as_json(&fold.papers, paper, people)).collect();
    setting.console.result(json!({ "handovers": handovers, "paper": papers }), |out| {
        for given in &fold.given {
            writeln!(out, "{}", setting.console.say(line(given, now)))?;
            if let Some(time) = at(given).and_then(|at| at.opened) {
                let seen = words!("    opened by the receiver at {time}", "    受け取り先が {time} に開きました");
                writeln!(out, "{}", setting.console.say(seen))?;
            }
            for suspect in at(given).iter().flat_map(|at| &at.suspects) {
                writeln!(out, "{}", setting.console.say(suspect.line()))?;
            }
        }
        for paper in &fold.papers {
            writeln!(out, "{}", setting.console.say(paper_line(paper, people)))?;
            for differs in differing(&fold.papers, paper) {
                writeln!(out, "    {}", setting.console.say(differs))?;
            }
        }
        Ok(())
    });
    Ok(())
}

/// How far a hand-over has come. Nothing but the receiver's own answer ends "not delivered".
pub(super) fn state(given: &Given, now: ClaimedTime) -> (&'static str, Words) {
    if let Some(answer) = &given.answer {
        return (answer.verdict.word(), word(answer.verdict));
    }
    let consent = given.consent.as_ref().map_err(|refusal| *refusal);
    let refusal = consent.and_then(|consent| consent.is_open(given.is_withdrawn, now)).err();
    match (refusal, &given.handed) {
        (Some(Refusal::Withdrawn), _) => ("withdrawn", words!("withdrawn", "同意は取り消されました")),
        (Some(Refusal::Expired), _) => ("expired", words!("expired, not delivered", "期限切れ（届いていません）")),
        (Some(_), _) => ("refused", words!("the consent does not hold", "同意が正しくありません")),
        (None, Some(_)) => {
            ("not delivered", words!("handed over, not delivered", "引き渡し済み（まだ届いていません）"))
        }
        (None, None) => ("consented", words!("consented, not handed over", "同意済み（まだ引き渡していません）")),
    }
}

fn as_json(given: &Given, now: ClaimedTime, at: Option<&At>) -> Value {
    let said = &given.said;
    let answer = given.answer.as_ref();
    let items = given.handed.as_ref().map(|handed| {
        let entry =
            |entry: &Custody| json!({ "deposit": entry.deposit, "record": entry.record, "commit": entry.commit });
        handed.items.iter().map(entry).collect::<Vec<_>>()
    });
    json!({
        "handover": said.space, "receiver_name": said.receiver_name, "purpose": said.purpose, "level": said.level.word(),
        "until": said.until, "state": state(given, now).0, "withdrawn": given.is_withdrawn,
        "reference": answer.map(|answer| answer.reference.as_str()), "reason": answer.map(|answer| answer.reason.as_str()),
        "opened": at.and_then(|at| at.opened).map(|time| time.as_str().to_owned()), "custody": items,
        "suspects": at.map(|at| at.suspects.iter().map(Suspect::as_json).collect::<Vec<_>>()),
    })
}

/// What the receiver adds to his answer: his own number, or why not.
pub(super) fn remark(given: &Given) -> String {
    let more = given.answer.as_ref().map(|answer| match answer.verdict {
        Verdict::Accepted => answer.reference.as_str(),
        Verdict::Rejected | Verdict::Insufficient => answer.reason.as_str(),
    });
    more.map(|more| shown_bytes(more.as_bytes())).unwrap_or_default()
}

fn line(given: &Given, now: ClaimedTime) -> Words {
    let (_, state) = state(given, now);
    let more = remark(given);
    let more = if more.is_empty() { more } else { format!(" ({more})") };
    words!(
        "{handover}  {receiver}  level {level}  {state}{more}",
        "{handover}  {receiver}  段階 {level}  {state}{more}",
        handover = given.said.space.get(..12).unwrap_or_default(),
        receiver = shown_bytes(given.said.receiver_name.as_bytes()),
        level = given.said.level.word(),
        more = more;
        state
    )
}

fn name(people: &People, key: &VerifyingKey) -> String {
    people.name(key).map_or_else(|| key.name().to_string(), |name| shown_bytes(name.as_bytes()))
}

/// A printed hand-over that was taken: by whom, under which number, as who says.
pub(super) fn taken_on_paper(paper: &Paper, people: &People) -> Option<(String, String, String)> {
    let Paper::Accepted { receiver_name, reference, by } = paper else { return None };
    Some((shown_bytes(receiver_name.as_bytes()), shown_bytes(reference.as_bytes()), name(people, by)))
}

/// A consent on paper, as a page shows it.
pub(super) struct OnPaper {
    pub receiver: String,
    pub until: String,
    /// By how many of two it was attested.
    pub by: usize,
    pub is_over: bool,
    /// Where the other one has read something else.
    pub differs: Vec<Words>,
}

/// The same of one of these, if it is a consent.
pub(super) fn attested_on_paper(papers: &[Paper], paper: &Paper, today: &str) -> Option<OnPaper> {
    let Paper::Consent { said, by } = paper else { return None };
    let until = said.until.get(..10).unwrap_or_default().to_owned();
    Some(OnPaper {
        receiver: shown_bytes(said.receiver_name.as_bytes()),
        by: by.len(),
        is_over: until.as_str() < today,
        until,
        differs: differing(papers, paper),
    })
}

fn paper_as_json(papers: &[Paper], paper: &Paper, people: &People) -> Value {
    match paper {
        Paper::Consent { said, by } => json!({
            "kind": "paper-attested", "signed_by_company": false, "receiver_name": said.receiver_name,
            "purpose": said.purpose, "level": said.level.word(), "until": said.until, "attested_by": by.len(), "needed": 2,
            "differs": differing(papers, paper).iter().map(Words::english).collect::<Vec<_>>(),
        }),
        Paper::Accepted { receiver_name, reference, by } => json!({
            "kind": "accepted-paper", "signed_by_receiver": false, "receiver_name": receiver_name,
            "reference": reference, "said_by": name(people, by),
        }),
    }
}

fn paper_line(paper: &Paper, people: &People) -> Words {
    match paper {
        Paper::Consent { said, by } => words!(
            "on paper  {receiver}  level {level}  attested by {count} of 2 of the staff, no signature of the company; until {until}",
            "書面  {receiver}  段階 {level}  職員2人のうち{count}人が確認。会社の署名ではありません。期限 {until}",
            receiver = shown_bytes(said.receiver_name.as_bytes()),
            level = said.level.word(),
            count = by.len(),
            until = shown_until(&said.until)
        ),
        Paper::Accepted { receiver_name, reference, by } => words!(
            "on paper  {receiver}  accepted under {reference}, as {name} says; no signature of the receiver",
            "書面  {receiver}  受領番号 {reference}（{name}さんによる記録）。受け取り先の署名ではありません",
            receiver = shown_bytes(receiver_name.as_bytes()),
            reference = shown_bytes(reference.as_bytes()),
            name = name(people, by)
        ),
    }
}
