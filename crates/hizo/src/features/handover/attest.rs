//! `hizo consent attest`

use hizo_ledger::record::ClaimedTime;
use hizo_vault::event::Event;
use hizo_vault::event::handover::{Level, PaperConsent, Refusal};
use serde_json::json;

use super::consent::{items, last_second, shown_until};
use crate::consents::{Consents, Paper};
use crate::failure::{Failure, Kind, Outcome, shown_bytes};
use crate::handover::{guard, refused};
use crate::membership::Appended;
use crate::parties::{self, Party};
use crate::safe;
use crate::side::Side;
use crate::words::{Words, words};
use crate::{Setting, sides};

/// Attest, as one of two of the staff, a consent that was given on a printed form: each types what he has read there
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The deposit that holds the form's scan
    #[arg(value_name = "DEPOSIT")]
    form: String,
    /// The other of the two, who attests the same
    #[arg(long, value_name = "MEMBER")]
    with: String,
    /// Who may receive
    #[arg(long, value_name = "NAME")]
    receiver_name: String,
    /// What the receiver may use it for
    #[arg(long, value_name = "TEXT")]
    purpose: String,
    /// How much may be known: A technique, B facts without the company's name; no more on paper
    #[arg(long, value_parser = ["A", "B"], default_value = "B")]
    level: String,
    /// Who was called back at the company, and how
    #[arg(long, value_name = "TEXT")]
    called_back: String,
    /// Until when it holds, 30 days at most: a day, or a time as YYYY-MM-DDThh:mm:ssZ
    #[arg(long, value_name = "TIME")]
    until: String,
}

/// What the form says, as one of the two has read it there.
pub(super) struct Seen<'a> {
    /// The record of the deposit that holds the form's scan, in hexadecimal digits.
    pub form: String,
    /// The other of the two.
    pub with: &'a str,
    pub receiver_name: &'a str,
    pub purpose: &'a str,
    pub level: Level,
    pub called_back: &'a str,
    /// A day, or a second.
    pub until: &'a str,
}

/// What was attested, by how many now, and where the other one has said something else.
pub(super) struct Attested {
    pub said: PaperConsent,
    pub by: usize,
    pub differs: Vec<Words>,
    pub appended: Appended,
}

impl Attested {
    pub(super) fn line(&self) -> Words {
        let receiver = shown_bytes(self.said.receiver_name.as_bytes());
        match self.by {
            2 => words!(
                "attested by both: the company has consented on paper to {receiver}. It is no signature of the company, and no client hands anything over by it",
                "2人が確認しました: 会社は書面で {receiver} への提供に同意しています。会社の署名ではなく、これだけで引き渡しはできません"
            ),
            _ => words!(
                "attested by you; it counts once the other one attests exactly the same",
                "あなたの確認を記録しました。もう1人が、まったく同じ内容を確認すると有効になります"
            ),
        }
    }
}

pub(super) fn run(setting: &Setting, arguments: &Arguments) -> Outcome<()> {
    let mut case = Side::of(setting)?;
    guard(&case.safe, &case.keyring, &case.identity)?;
    let named = items(setting, case.opened(), std::slice::from_ref(&arguments.form))?;
    let seen = Seen {
        form: named.first().map(|item| item.deposit.clone()).unwrap_or_default(),
        with: &arguments.with,
        receiver_name: &arguments.receiver_name,
        purpose: &arguments.purpose,
        level: Level::from_word(&arguments.level).unwrap_or(Level::B),
        called_back: &arguments.called_back,
        until: &arguments.until,
    };
    let attested = attest(&mut case, &seen)?;
    let Attested { said, by, appended, .. } = &attested;
    let result = json!({
        "record": appended.id.to_string(), "form": said.form, "receiver_name": said.receiver_name,
        "level": said.level.word(), "until": said.until, "attested_by": by, "needed": 2,
    });
    setting.console.result(result, |out| {
        writeln!(out, "{}", setting.console.say(attested.line()))?;
        attested.differs.iter().try_for_each(|differs| writeln!(out, "{}", setting.console.say(differs.clone())))
    });
    attested.appended.promised
}

/// Says it in the case.
///
/// # Errors
/// When whoever says it may not act in the case, the other one is nobody else, or it is not in its form.
pub(super) fn attest(case: &mut Side, seen: &Seen) -> Outcome<Attested> {
    let now = safe::now()?;
    let party = parties::own(case.opened())?;
    if party == Some(Party::Company) {
        return Err(Failure::fixable(words!(
            "the company does not attest its own consent",
            "会社の人は、会社の同意を確認する側にはなれません"
        ))
        .hint(words!(
            "Two of the staff do who read the case and do not speak for the company; or sign the consent: `hizo consent give`.",
            "確認できるのは、相談の中を見られ、会社を代表しない2人です。会社の人は `hizo consent give` で同意に署名できます。"
        )));
    }
    sides::refuse_blocked(case, party)?;
    let said = said(case, seen)?;
    if ClaimedTime::parse(&said.until).is_ok_and(|until| until < now) {
        return Err(Failure::new(Kind::Usage, words!("that day is past", "その日はもう過ぎています")));
    }
    said.holds(now).map_err(|refusal| match refusal {
        Refusal::Expired => {
            Failure::new(Kind::Usage, words!("a consent on paper holds 30 days at most", "書面の同意は最長30日です"))
                .hint(words!("Name an earlier day.", "もっと早い日を指定してください。"))
                .source(refusal)
        }
        other => refused(other),
    })?;
    let appended = case.say(vec![Event::PaperAttested(said.clone())])?;
    let fold = Consents::of(case.opened())?;
    let paper = fold.papers.iter().find(|paper| matches!(paper, Paper::Consent { said: known, .. } if *known == said));
    let by = paper.map_or(0, |paper| match paper {
        Paper::Consent { by, .. } => by.len(),
        Paper::Accepted { .. } => 0,
    });
    let differs = paper.map(|paper| differing(&fold.papers, paper)).unwrap_or_default();
    Ok(Attested { said, by, differs, appended })
}

/// Things in which two may differ who have read the same form.
const DIFFERENCES_MAX: usize = 3;

/// Where what one of the two has attested is not what the other one has: each reading that looks like one of the same form.
pub(super) fn differing(papers: &[Paper], paper: &Paper) -> Vec<Words> {
    let half = |paper: &'_ Paper| match paper {
        Paper::Consent { said, by } if by.len() == 1 => by.first().map(|by| (said.clone(), *by)),
        Paper::Consent { .. } | Paper::Accepted { .. } => None,
    };
    let Some((said, by)) = half(paper) else { return Vec::new() };
    let others = papers.iter().filter_map(half).filter(|(other, who)| other.staff == said.staff && *who != by);
    let others = others.map(|(other, _)| differences(&said, &other));
    others.filter(|differences| differences.len() <= DIFFERENCES_MAX).map(|differences| in_line(&differences)).collect()
}

/// Of each thing that differs, what it is in the one and in the other.
fn differences(one: &PaperConsent, other: &PaperConsent) -> Vec<Words> {
    let shown = |text: &str| shown_bytes(text.as_bytes());
    let texts: [(Words, String, String); 5] = [
        (words!("level", "段階"), one.level.word().to_owned(), other.level.word().to_owned()),
        (words!("receiver", "相手の名前"), shown(&one.receiver_name), shown(&other.receiver_name)),
        (words!("purpose", "目的"), shown(&one.purpose), shown(&other.purpose)),
        (words!("who was called back", "電話で確かめた相手"), shown(&one.called_back), shown(&other.called_back)),
        (words!("until", "期限"), shown_until(&one.until), shown_until(&other.until)),
    ];
    let differ = texts.into_iter().filter(|(_, one, other)| one != other).map(|(what, one, other)| {
        words!("{what}: “{one}” and “{other}”", "{what}は「{one}」と「{other}」", one = one, other = other; what)
    });
    let form = (one.form != other.form).then(|| words!("another scan", "別のスキャン画像"));
    differ.chain(form).collect()
}

fn in_line(differences: &[Words]) -> Words {
    let joined = |to: fn(&Words) -> &str, between: &str| differences.iter().map(to).collect::<Vec<_>>().join(between);
    let list = Words::both(joined(Words::english, "; "), joined(Words::japanese, "、"));
    words!(
        "not the same as what the other one has read: {list}",
        "もう1人の記録と違うところがあります: {list}";
        list
    )
}

fn said(case: &Side, seen: &Seen) -> Outcome<PaperConsent> {
    let (own, people) = (case.identity_key(), case.keyring.people()?);
    let other = people.named(&case.safe, seen.with)?.identity.filter(|other| *other != own).ok_or_else(|| {
        Failure::fixable(words!(
            "the other one is somebody else, whose key is certified",
            "もう1人は、鍵の証明されている別の人でなければなりません"
        ))
        .hint(words!("`hizo space members` lists who is here.", "メンバーは `hizo space members` で見られます。"))
    })?;
    let mut staff = [own.to_base64(), other.to_base64()];
    staff.sort();
    Ok(PaperConsent {
        level: seen.level,
        receiver_name: seen.receiver_name.to_owned(),
        purpose: seen.purpose.to_owned(),
        form: seen.form.clone(),
        called_back: seen.called_back.to_owned(),
        staff,
        until: last_second(seen.until),
    })
}
