//! `hizo case matrix` and `hizo case search`: what an owner has to show in the end, and what of it this case knows.
//! See docs/spec/case.md, "Proof matrix".

use std::collections::BTreeMap;

use hizo_vault::event::case::{Found, Said, Standing};
use serde_json::json;

use super::Case;
use super::command::{appended_as_json, enter, entry_as_json, say};
use super::open::{formed, unknown_word};
use crate::Setting;
use crate::failure::Outcome;
use crate::view::View;
use crate::words::{Words, words};

/// The label of a deposit that holds the secret itself.
const SECRET: &str = "secret";

/// Show what you would have to prove, what this case knows of it, and the gaps
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {}

/// Note that somebody looked whether the secret is public
#[derive(Debug, clap::Args)]
pub(crate) struct SearchArguments {
    /// When somebody looked: a day
    #[arg(long, value_name = "DAY")]
    on: String,
    /// Where: patents, papers, catalogues
    #[arg(long = "where", value_name = "PLACE")]
    place: String,
    /// What came of it
    #[arg(long, value_parser = ["nothing", "something"])]
    found: String,
    /// Whatever else there is to say
    #[arg(long, value_name = "TEXT", default_value = "")]
    note: String,
}

/// How far an element is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Known {
    Yes,
    No,
    /// It comes from the company's register, which a case does not open.
    NotHere,
}

/// A row of the matrix: the element, and the gap that is there if it is not known.
pub(super) struct Row {
    word: &'static str,
    pub element: (&'static str, &'static str),
    pub gap: (&'static str, &'static str),
    pub known: Known,
}

pub(super) fn search(setting: &Setting, arguments: &SearchArguments) -> Outcome<()> {
    let (mut side, present) = enter(setting)?;
    let found = Found::from_word(&arguments.found).ok_or_else(unknown_word)?;
    let [on, place, note] = [&arguments.on, &arguments.place, &arguments.note].map(Clone::clone);
    let said = formed(Said::Searched { on, place, found, note })?;
    let appended = say(&mut side, present, vec![said])?;
    setting.console.result(appended_as_json(&side, &appended), |out| {
        writeln!(out, "{}", setting.console.say(words!("the search is written down", "調べたことを記録しました")))
    });
    appended.promised
}

pub(super) fn run(setting: &Setting, _arguments: &Arguments) -> Outcome<()> {
    let (side, present) = enter(setting)?;
    let case = present.case(side.opened())?;
    let view = View::of(side.opened())?;
    let deposits = view.series.values().flat_map(|series| &series.deposits);
    let deposits = deposits.map(|deposit| (deposit.id.to_string(), deposit.labels.clone())).collect();
    let rows = matrix(case, &deposits);
    let listed: Vec<_> = rows
        .iter()
        .map(|row| {
            let known = match row.known {
                Known::Yes => "yes",
                Known::No => "no",
                Known::NotHere => "not here",
            };
            json!({ "element": row.word, "known": known, "gap": (row.known == Known::No).then_some(row.gap.0) })
        })
        .collect();
    let searched: Vec<_> = case
        .searched
        .iter()
        .map(|searched| {
            let mut value = entry_as_json(&searched.entry);
            value["on"] = json!(searched.on);
            value["where"] = json!(searched.place);
            value["found"] = json!(searched.found.word());
            value["note"] = json!(searched.note);
            value
        })
        .collect();
    setting.console.result(json!({ "elements": listed, "searched": searched }), |out| {
        rows.iter().try_for_each(|row| writeln!(out, "{}", setting.console.say(row.line())))
    });
    Ok(())
}

impl Row {
    fn line(&self) -> Words {
        let both = |(english, japanese): (&str, &str)| Words::both(english.to_owned(), japanese.to_owned());
        let (element, gap) = (both(self.element), both(self.gap));
        match self.known {
            Known::Yes => words!("{element}: known", "{element}: 分かっています"; element),
            Known::No => words!("{element}: GAP: {gap}", "{element}: 不足: {gap}"; element, gap),
            Known::NotHere => words!(
                "{element}: not known here; it stands in the company's own records",
                "{element}: ここでは分かりません。会社の記録で確かめてください"; element
            ),
        }
    }
}

/// The matrix of a case; `deposits` are those that can be opened in it, with their labels.
pub(super) fn matrix(case: &Case, deposits: &BTreeMap<String, Vec<String>>) -> Vec<Row> {
    let yes = |is: bool| if is { Known::Yes } else { Known::No };
    let kept = || case.kept.values().filter(|kept| kept.state == Standing::Kept);
    let is_here = |deposit: &String| deposits.contains_key(deposit);
    let is_identified = deposits.values().any(|labels| labels.iter().any(|label| label == SECRET));
    let was_found = case.searched.iter().any(|searched| searched.found == Found::Something);
    let row = |word, element, gap, known| Row { word, element, gap, known };
    vec![
        row(
            "identified",
            ("which secret it is", "秘密の特定"),
            ("described only in general words", "大まかな言葉でしか説明されていません"),
            yes(is_identified),
        ),
        row(
            "managed",
            ("that it was managed as a secret", "秘密として管理していたこと"),
            ("access list not reconstructible at that date", "その日に誰が見られたか、再現できません"),
            Known::NotHere,
        ),
        row("useful", ("that it is useful", "役に立つこと"), ("none recorded", "記録がありません"), Known::NotHere),
        row(
            "not-public",
            ("that it is not public", "公に知られていないこと"),
            match was_found {
                true => ("it was found in a public place", "公の場で見つかっています"),
                false => ("nobody has looked whether it is public", "公になっていないか、まだ誰も調べていません"),
            },
            yes(!case.searched.is_empty() && !was_found),
        ),
        row(
            "act",
            ("what was done, when, by whom", "誰がいつ何をしたか"),
            ("no extract of a record was kept", "記録の抜き出しが残されていません"),
            yes(kept().any(|kept| is_here(&kept.deposit))),
        ),
        row("duty", ("duty and authority", "守る義務と権限"), ("pledge missing", "誓約書がありません"), Known::NotHere),
        row("purpose", ("purpose", "目的"), ("only inference", "推測しかありません"), Known::NotHere),
        row("damage", ("damage", "損害"), ("none recorded", "記録がありません"), Known::NotHere),
        row(
            "integrity",
            ("that nothing was changed", "証拠が変わっていないこと"),
            match kept().next() {
                // What is not there was not kept badly.
                None => ("no evidence is noted as kept yet", "残した証拠が、まだ書き留められていません"),
                Some(_) => {
                    ("kept outside this case, without custody", "この相談の外で保管され、受け渡しの記録がありません")
                }
            },
            yes(kept().next().is_some() && kept().all(|kept| is_here(&kept.deposit))),
        ),
    ]
}

#[cfg(test)]
mod tests {
    use hizo_vault::event::case::{Kind, Urgency, Way};

    use super::*;
    use crate::features::case::{Entry, Fold, Surroundings};
    use crate::parties::Party;

    struct Nothing;

    impl Surroundings for Nothing {
        fn is_record(&self, _: u64, _: &str) -> bool {
            false
        }

        fn rests(&self, _: crate::features::case::states::Rest, _: &str, _: u64) -> bool {
            false
        }
    }

    fn known(said: &[Said], deposits: &[(&str, &str)]) -> Vec<&'static str> {
        let mut fold = Fold::default();
        let opened = Said::Opened {
            kind: Kind::Leak,
            urgency: Urgency::Normal,
            way: Way::Company,
            language: "ja".into(),
            title: "x".into(),
        };
        for (record, said) in [&opened].into_iter().chain(said).enumerate() {
            let party = Some(Party::Company);
            fold.take(Entry { record: record as u64, time: 0, party, name: String::new() }, said, &Nothing);
        }
        let deposits = deposits.iter().map(|(id, label)| ((*id).to_owned(), vec![(*label).to_owned()])).collect();
        let rows = matrix(&fold.case.unwrap(), &deposits);
        rows.iter().filter(|row| row.known == Known::Yes).map(|row| row.word).collect()
    }

    #[test]
    fn an_element_is_known_by_what_stands_in_the_case_and_by_nothing_else() {
        let kept = |deposit: &str| Said::Kept {
            source: if deposit == "a" { "mail" } else { "badge" }.into(),
            state: Standing::Kept,
            since: String::new(),
            days: 0,
            deposit: deposit.into(),
            note: String::new(),
        };
        let searched = |found| Said::Searched { on: "x".into(), place: "x".into(), found, note: String::new() };
        let deposits = [("a", "an extract"), ("b", SECRET)];
        assert!(known(&[], &[]).is_empty(), "nothing that nobody has shown");
        assert_eq!(known(&[], &deposits), ["identified"]);
        assert_eq!(known(&[searched(Found::Nothing)], &[]), ["not-public"]);
        assert!(known(&[searched(Found::Nothing), searched(Found::Something)], &[]).is_empty());
        assert_eq!(known(&[kept("a")], &deposits[..1]), ["act", "integrity"]);
        assert_eq!(known(&[kept("a"), kept("c")], &deposits[..1]), ["act"], "one lies elsewhere");
        assert!(known(&[kept("c")], &deposits[..1]).is_empty());
    }
}
