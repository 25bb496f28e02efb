//! `hizo case sides`, and its page

use std::path::PathBuf;
use std::sync::Arc;

use askama::Template;
use serde_json::json;

use super::Present;
use super::command::{appended_as_json, enter};
use super::say::read_text;
use crate::Setting;
use crate::desk::{Frame, Reply, Unlocked, Visit};
use crate::failure::{Failure, Outcome, shown};
use crate::handover;
use crate::parties::Party;
use crate::side::Side;
use crate::sides::{self, Names, Standing};
use crate::words::words;

/// Compare who asks, and against whom, with your organisation's other cases: it helps only one side
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// A file that names them, a line each: `asks NAME` or `against NAME`. Without it: how the case stands
    #[arg(value_name = "FILE")]
    names: Option<PathBuf>,
    /// Your home of the organisation's own safe, where this case does not say which it is
    #[arg(long, value_name = "DIR")]
    office: Option<PathBuf>,
}

pub(super) fn run(setting: &Setting, arguments: &Arguments) -> Outcome<()> {
    let (case, present) = enter(setting)?;
    must_help(&present)?;
    let known = sides::own_safe(&case.safe.home)?;
    let own = case.at(&arguments.office.clone().or_else(|| known.clone()).ok_or_else(not_known)?)?;
    if own.safe.home.space == case.safe.home.space {
        return Err(Failure::fixable(words!(
            "that is the home of this case, not of your organisation's own safe",
            "そのフォルダーは、この相談のものです。あなたの機関の金庫ではありません"
        ))
        .hint(words!("Name its home with --office.", "--office でそのフォルダーを指定してください。")));
    }
    let Some(file) = &arguments.names else {
        let standing = sides::Compared::of(own.opened()).standing(&case.safe.home.space);
        return tell(setting, &case, standing, json!({}));
    };
    let names = names_in(&read_text(file)?).ok_or_else(|| {
        let file = shown(file);
        Failure::fixable(words!("{file} is not in its form", "{file} の書き方が違います")).hint(words!(
            "Write a line each: `asks NAME` or `against NAME`.",
            "1行に1つ、`asks 名前` か `against 名前` と書いてください。"
        ))
    })?;
    let mut own = own;
    let (standing, appended) = names.compare(&case.safe.home.space, &mut own)?;
    if let (Some(office), None) = (&arguments.office, known) {
        // Whatever is done in this case from here on asks it.
        case.safe.home.remember_compared(office)?;
    }
    tell(setting, &case, standing, appended_as_json(&own, &appended))?;
    appended.promised
}

fn tell(setting: &Setting, case: &Side, standing: Standing, mut result: serde_json::Value) -> Outcome<()> {
    result["case"] = json!(case.safe.home.space.to_string());
    result["standing"] = json!(standing.word());
    let said = match standing {
        Standing::Unknown => {
            Some(words!("nobody has compared the sides of this case", "この相談の当事者は、まだ照合されていません"))
        }
        Standing::Free => {
            Some(words!("nothing speaks against helping in this case", "この相談をお受けして差し支えありません"))
        }
        // The refusal below says it.
        Standing::Blocked => None,
    };
    setting.console.result(result, |out| match said {
        Some(said) => writeln!(out, "{}", setting.console.say(said)),
        None => Ok(()),
    });
    match standing {
        Standing::Blocked => Err(sides::blocked()),
        Standing::Free | Standing::Unknown => Ok(()),
    }
}

/// The names in a text, a line each.
fn names_in(text: &str) -> Option<Names> {
    let mut names = Names::default();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (side, name) = line.split_once(char::is_whitespace)?;
        match side {
            "asks" => names.asks.push(name.trim().to_owned()),
            "against" => names.against.push(name.trim().to_owned()),
            _ => return None,
        }
    }
    Some(names)
}

fn must_help(present: &Present) -> Outcome<()> {
    if present.own == Some(Party::Counsellor) {
        return Ok(());
    }
    Err(Failure::fixable(words!(
        "only whoever helps in a case compares its sides",
        "当事者を照合するのは、相談を受ける側の人だけです"
    ))
    .hint(words!("Your centre does this itself.", "窓口の側で行います。")))
}

fn not_known() -> Failure {
    Failure::fixable(words!(
        "this machine does not know your organisation's own safe",
        "このコンピューターには、あなたの機関の金庫がどこにあるか分かりません"
    ))
    .hint(words!("Name its home with --office.", "--office でそのフォルダーを指定してください。"))
}

#[derive(Template)]
#[template(path = "sides.html")]
struct SidesPage<'v> {
    f: Frame<'v>,
    here: String,
    visit: &'v Visit,
    fault: Option<(String, Option<String>)>,
}

/// The form in which a counsellor names them.
pub(crate) fn page(visit: &Visit, unlocked: &Arc<Unlocked>) -> Outcome<Reply> {
    let at = format!("/case/{}", visit.param("case"));
    let Some(home) = unlocked.home_of(visit.param("case"))? else { return Ok(visit.go("/cases")) };
    let case = unlocked.side(&home)?;
    handover::guard(&case.safe, &case.keyring, &case.identity)?;
    must_help(&Present::of(case.opened())?)?;
    let mut page = SidesPage {
        f: visit.frame(visit.text().say("sides-title"), "hizo case sides FILE"),
        here: visit.at(&at),
        visit,
        fault: None,
    };
    if !visit.has("csrf") {
        return visit.page(&page);
    }
    let lines = |field: &str| {
        let lines = visit.field(field).lines().map(str::trim).filter(|line| !line.is_empty());
        lines.map(str::to_owned).collect()
    };
    let names = Names { asks: lines("asks"), against: lines("against") };
    let compared = || {
        let own = sides::own_safe(&case.safe.home)?.ok_or_else(not_known)?;
        // The next look at it is a new one.
        let mut own = unlocked.side(&own)?;
        names.compare(&case.safe.home.space, &mut own)?.1.promised
    };
    match compared() {
        Ok(()) => Ok(visit.go(&at)),
        Err(failure) => {
            page.fault = Some(visit.fault(&failure));
            visit.page(&page)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_a_line_each_and_nothing_else_is() {
        let names = names_in("asks 株式会社 山田金型\n\n  against\tOtsu Industries \n").unwrap();
        assert_eq!(
            (names.asks, names.against),
            (vec!["株式会社 山田金型".to_owned()], vec!["Otsu Industries".to_owned()])
        );
        for wrong in ["山田金型", "asks", "for 山田金型", "asks甲社"] {
            assert!(names_in(wrong).is_none(), "{wrong}");
        }
    }
}
