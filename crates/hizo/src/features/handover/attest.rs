//! `hizo consent attest`

use hizo_vault::event::Event;
use hizo_vault::event::handover::{Level, PaperConsent, Refusal};
use serde_json::json;

use super::consent::{items, last_second};
use crate::Setting;
use crate::consents::{Consents, Paper};
use crate::failure::{Failure, Kind, Outcome, shown_bytes};
use crate::handover::{guard, refused};
use crate::safe;
use crate::side::Side;
use crate::words::words;

/// Attest, as one of two of the staff, a consent that was given on a printed form; the second one names the form alone
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The deposit that holds the form's scan
    #[arg(value_name = "DEPOSIT")]
    form: String,
    /// The other of the two, who attests it after you
    #[arg(long, value_name = "MEMBER", requires_all = ["receiver_name", "purpose", "called_back", "until"])]
    with: Option<String>,
    /// Who may receive
    #[arg(long, value_name = "NAME", requires = "with")]
    receiver_name: Option<String>,
    /// What the receiver may use it for
    #[arg(long, value_name = "TEXT", requires = "with")]
    purpose: Option<String>,
    /// How much may be known: A technique, B facts without the company's name; no more on paper
    #[arg(long, value_parser = ["A", "B"], default_value = "B")]
    level: String,
    /// Who was called back at the company, and how
    #[arg(long, value_name = "TEXT", requires = "with")]
    called_back: Option<String>,
    /// Until when it holds, 30 days at most: a day, or a time as YYYY-MM-DDThh:mm:ssZ
    #[arg(long, value_name = "TIME", requires = "with")]
    until: Option<String>,
}

pub(super) fn run(setting: &Setting, arguments: &Arguments) -> Outcome<()> {
    let mut case = Side::of(setting)?;
    guard(&case.safe, &case.keyring, &case.identity)?;
    let named = items(setting, case.opened(), std::slice::from_ref(&arguments.form))?;
    let form = named.first().map(|item| item.deposit.clone()).unwrap_or_default();
    let said = match &arguments.with {
        Some(other) => first(&case, arguments, other, form)?,
        None => second(&case, &form)?,
    };
    said.holds(safe::now()?).map_err(|refusal| match refusal {
        Refusal::Expired => {
            Failure::new(Kind::Usage, words!("a consent on paper holds 30 days at most", "書面の同意は最長30日です"))
                .hint(words!("Name an earlier --until.", "もっと早い日を --until で指定してください。"))
                .source(refusal)
        }
        other => refused(other),
    })?;
    let appended = case.say(vec![Event::PaperAttested(said.clone())])?;
    let fold = Consents::of(case.opened())?;
    let by = fold.papers.iter().find_map(|paper| match paper {
        Paper::Consent { said: known, by } if *known == said => Some(by.len()),
        Paper::Consent { .. } | Paper::Accepted { .. } => None,
    });
    let by = by.unwrap_or_default();
    let result = json!({
        "record": appended.id.to_string(), "form": said.form, "receiver_name": said.receiver_name,
        "level": said.level.word(), "until": said.until, "attested_by": by, "needed": 2,
    });
    setting.console.result(result, |out| {
        let receiver = shown_bytes(said.receiver_name.as_bytes());
        let done = match by {
            2 => words!(
                "attested by both: the company has consented on paper to {receiver}. It is no signature of the company, and no client hands anything over by it",
                "2人が確認しました: 会社は書面で {receiver} への提供に同意しています。会社の署名ではなく、これだけで引き渡しはできません"
            ),
            _ => words!(
                "attested by you; it counts once the other one has run this with the same form",
                "あなたの確認を記録しました。もう1人が同じ用紙で実行すると有効になります"
            ),
        };
        writeln!(out, "{}", setting.console.say(done))
    });
    appended.promised
}

/// What the first of the two says.
fn first(case: &Side, arguments: &Arguments, other: &str, form: String) -> Outcome<PaperConsent> {
    let (own, people) = (case.identity_key(), case.keyring.people()?);
    let other = people.named(&case.safe, other)?.identity.filter(|other| *other != own).ok_or_else(|| {
        Failure::fixable(words!(
            "the other one is somebody else, whose key is certified",
            "もう1人は、鍵の証明されている別の人でなければなりません"
        ))
        .hint(words!("`hizo space members` lists who is here.", "メンバーは `hizo space members` で見られます。"))
    })?;
    let mut staff = [own.to_base64(), other.to_base64()];
    staff.sort();
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    Ok(PaperConsent {
        level: Level::from_word(&arguments.level).unwrap_or(Level::B),
        receiver_name: text(&arguments.receiver_name),
        purpose: text(&arguments.purpose),
        form,
        called_back: text(&arguments.called_back),
        staff,
        until: last_second(&text(&arguments.until)),
    })
}

/// What the first one has said, for the second to say too.
fn second(case: &Side, form: &str) -> Outcome<PaperConsent> {
    let own = case.identity_key();
    let fold = Consents::of(case.opened())?;
    let waits = fold.papers.iter().rev().find_map(|paper| match paper {
        Paper::Consent { said, by }
            if said.form == form && said.staff.contains(&own.to_base64()) && !by.contains(&own) =>
        {
            Some(said.clone())
        }
        Paper::Consent { .. } | Paper::Accepted { .. } => None,
    });
    waits.ok_or_else(|| {
        Failure::fixable(words!(
            "nobody has attested this form with you",
            "この用紙を、あなたと一緒に確認した人はいません"
        ))
        .hint(words!(
            "Whoever is first names you with --with, and says what the form says.",
            "先に確認する人が、--with であなたを指定し、用紙の内容を入力します。"
        ))
    })
}
