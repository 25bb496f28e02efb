//! `hizo hand-over answer`

use hizo_vault::event::Event;
use hizo_vault::event::handover::{UnverifiedAnswer, Verdict};
use serde_json::json;

use super::handover_of;
use crate::Setting;
use crate::failure::{Failure, Kind, Outcome};
use crate::handover::guard;
use crate::membership::Appended;
use crate::side::Side;
use crate::words::{Words, words};

/// Answer, as the receiver: only this ends "not delivered"
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// What you answer
    #[arg(value_enum)]
    verdict: VerdictWord,
    /// Your own number for it; needed to accept
    #[arg(long, value_name = "NUMBER", default_value = "")]
    reference: String,
    /// Why you do not take it, or what is missing; needed for both
    #[arg(long, value_name = "TEXT", default_value = "")]
    reason: String,
}

/// What a receiver can answer.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum VerdictWord {
    /// You take it over
    Accepted,
    /// You do not
    Rejected,
    /// You need more
    Insufficient,
}

pub(super) fn run(setting: &Setting, arguments: &Arguments) -> Outcome<()> {
    let verdict = match arguments.verdict {
        VerdictWord::Accepted => Verdict::Accepted,
        VerdictWord::Rejected => Verdict::Rejected,
        VerdictWord::Insufficient => Verdict::Insufficient,
    };
    let mut side = Side::of(setting)?;
    let appended = answer(&mut side, verdict, &arguments.reference, &arguments.reason)?;
    let result = json!({
        "handover": side.safe.home.space.to_string(), "answer": verdict.word(), "reference": arguments.reference,
        "reason": arguments.reason, "record": appended.id.to_string(),
    });
    setting.console.result(result, |out| {
        let word = word(verdict);
        writeln!(out, "{}", setting.console.say(words!("answered: {word}", "回答しました: {word}"; word)))
    });
    appended.promised
}

/// Answers as the receiver, by his own signature.
pub(super) fn answer(side: &mut Side, verdict: Verdict, reference: &str, reason: &str) -> Outcome<Appended> {
    guard(&side.safe, &side.keyring, &side.identity)?;
    let handover = handover_of(side)?;
    if handover.receiver.is_some_and(|receiver| receiver != side.key()) {
        return Err(Failure::fixable(words!(
            "whoever was let in first for your organisation answers for it",
            "回答できるのは、機関の人として最初に入った人です"
        ))
        .hint(words!("Ask that person to answer.", "その人に回答を頼んでください。")));
    }
    let answer = UnverifiedAnswer {
        verdict,
        space: side.safe.home.space.to_string(),
        items: handover.custody.clone(),
        reference: reference.to_owned(),
        reason: reason.to_owned(),
        key: String::new(),
        signature: String::new(),
    };
    let answer = answer.sign(&side.identity.signing_seed.space_key(&side.safe.home.space));
    answer.verify(&side.safe.home.space, &side.key()).map_err(|refusal| {
        Failure::new(Kind::Usage, words!("an answer needs a number, or a reason", "回答には、受領番号か理由が必要です"))
            .hint(words!(
                "Give --reference when you accept, and --reason when you do not.",
                "受領するなら --reference、しないなら --reason を指定してください。"
            ))
            .source(refusal)
    })?;
    side.say(vec![Event::Answered(answer)])
}

/// An answer as people read it.
pub(super) fn word(verdict: Verdict) -> Words {
    match verdict {
        Verdict::Accepted => words!("accepted", "受領"),
        Verdict::Rejected => words!("rejected", "受領せず"),
        Verdict::Insufficient => words!("insufficient", "資料不足"),
    }
}
