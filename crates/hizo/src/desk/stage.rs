//! How far a deposit has come, as owners read it: a word in a pill, four steps, and a seal.
//!
//! The red seal is drawn when somebody else proves the time, and never earlier: people read it as finished.

use crate::stages::{Status, Witnessed};

use super::{Text, shown};

/// A word, and what it means.
pub(crate) struct Pill {
    /// How it looks: `ok`, `wait`, `bad` or `info`.
    pub tone: &'static str,
    pub word: String,
    pub sentence: String,
}

/// One of the four steps.
pub(crate) struct Step {
    pub tone: &'static str,
    pub word: String,
    pub said: String,
}

/// A deposit on a page.
pub(crate) struct Newest {
    pub to: String,
    pub title: String,
    pub facts: String,
    pub steps: Vec<Step>,
    pub sentence: String,
    /// What comes next, if something does.
    pub next: Vec<String>,
    pub seal: String,
}

/// What is known of a deposit's way; nothing where it waits on this machine. `asked`: whether its keeper could be asked; what it would have
/// said is not denied.
pub(crate) fn pill(t: Text, status: Option<&Status>, asked: bool) -> Pill {
    let (tone, word, sentence) = match status {
        None => ("wait", "pill-waiting", "pill-waiting-says"),
        Some(status) if !asked && status.place.is_none() => ("info", "pill-unasked", "pill-unasked-says"),
        Some(status) if status.receipt.is_none() => ("bad", "pill-no-receipt", "pill-no-receipt-says"),
        Some(status) if status.place.is_none() => ("wait", "pill-kept", "pill-kept-says"),
        Some(status) => match &status.stamp {
            Some(token) if token.is_independent() => ("ok", "pill-proved", "pill-proved-says"),
            Some(_) => ("info", "pill-self", "pill-self-says"),
            None => ("wait", "pill-recorded", "pill-recorded-says"),
        },
    };
    Pill { tone, word: t.say(word), sentence: t.say(sentence) }
}

/// Of a series of which whoever looks can open nothing.
pub(crate) fn closed(t: Text) -> Pill {
    Pill { tone: "info", word: t.say("pill-closed"), sentence: t.say("pill-closed-says") }
}

/// The four steps of a deposit; `asked` as for [`pill`].
pub(crate) fn steps(t: Text, status: Option<&Status>, asked: bool) -> Vec<Step> {
    let step =
        |is_done, word: &str, said: String| Step { tone: if is_done { "ok" } else { "wait" }, word: t.say(word), said };
    let Some(status) = status else {
        return ["step-kept", "step-recorded", "step-witnessed", "step-time"]
            .map(|word| step(false, word, t.say("step-not-yet")))
            .into();
    };
    let not_yet = t.say(if asked { "step-not-yet" } else { "step-unasked" });
    let kept = match &status.receipt {
        Some(receipt) => {
            let time = shown::moment(t, receipt.time.unix_seconds());
            step(
                true,
                "step-kept",
                t.one(if receipt.is_twice { "step-kept-twice" } else { "step-kept-at" }, "time", time),
            )
        }
        None => step(false, "step-kept", not_yet.clone()),
    };
    let recorded = match status.place {
        Some((place, _)) => step(true, "step-recorded", t.one("step-recorded-as", "number", place)),
        None => step(false, "step-recorded", not_yet.clone()),
    };
    let witnessed = match &status.witnessed {
        Witnessed::NoPolicy => Step { tone: "info", word: t.say("step-witnessed"), said: t.say("step-nobody-asked") },
        Witnessed::NotYet => step(false, "step-witnessed", not_yet.clone()),
        Witnessed::By(witnesses) => step(true, "step-witnessed", t.one("step-witnesses", "count", witnesses.len())),
    };
    let time = match &status.stamp {
        Some(token) => {
            let since = shown::moment(t, token.latest().unix_seconds_rounded_up());
            match token.is_independent() {
                true => step(true, "step-time", t.one("step-time-by", "time", since)),
                false => Step { tone: "info", word: t.say("step-time"), said: t.one("step-time-self", "time", since) },
            }
        }
        None => step(false, "step-time", not_yet),
    };
    vec![kept, recorded, witnessed, time]
}

/// What a deposit amounts to, in one sentence; `asked` as for [`pill`].
pub(crate) fn sentence(t: Text, files: u64, status: Option<&Status>, asked: bool) -> String {
    let since = status
        .and_then(|status| status.stamp.as_ref())
        .map(|token| (token.is_independent(), shown::moment(t, token.latest().unix_seconds_rounded_up())));
    match (status, since) {
        (None, _) => t.say("sentence-waiting"),
        (Some(_), Some((true, time))) => t.two("sentence-proved", "count", files, "time", time),
        (Some(_), Some((false, time))) => t.two("sentence-self", "count", files, "time", time),
        (Some(_), None) if !asked => t.one("sentence-unasked", "count", files),
        (Some(status), None) if status.receipt.is_none() => t.say("pill-no-receipt-says"),
        (Some(_), None) => t.one("sentence-kept", "count", files),
    }
}

/// The seal of a deposit: nothing while no time is known at all.
pub(crate) fn seal(t: Text, status: Option<&Status>) -> String {
    let stamp = status.and_then(|status| status.stamp.as_ref());
    stamp.map_or_else(String::new, |token| {
        drawn_seal(t, token.is_independent(), token.latest().unix_seconds_rounded_up())
    })
}

/// A round red seal where somebody else proves the time; a grey ring where nobody does.
pub(crate) fn drawn_seal(t: Text, is_independent: bool, seconds: u64) -> String {
    let (kind, word) = match is_independent {
        true => ("red", t.say("seal-proved")),
        false => ("grey", t.say("seal-self")),
    };
    let (class, day) = (if is_independent { "seal" } else { "seal ring" }, shown::day(seconds));
    // Four characters stand in the ring, two in the seal.
    let size = match (t.is_japanese(), is_independent) {
        (true, true) => 20,
        (true, false) | (false, _) => 14,
    };
    format!(
        "<svg class=\"{class}\" viewBox=\"0 0 84 84\" role=\"img\" aria-label=\"{word} {day}\"><circle class=\"{kind}\" cx=\"42\" cy=\"42\" r=\"38\"/>\
         <text x=\"42\" y=\"40\" text-anchor=\"middle\" font-size=\"{size}\">{word}</text><text x=\"42\" y=\"57\" text-anchor=\"middle\" font-size=\"11\">{day}</text></svg>"
    )
}
