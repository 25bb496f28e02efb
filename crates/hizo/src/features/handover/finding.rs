//! What a receiver says that he has found, once he has accepted: a page of text, kept in the hand-over, which the company can open; and
//! what it makes of his advice.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::Path;

use hizo_ledger::id::SeriesId;
use hizo_vault::event::Event;
use hizo_vault::event::case::Said;

use crate::composing::Members;
use crate::contents::Opened;
use crate::desk::{Looked, Text, Unlocked, Visit, shown};
use crate::dropped::Dropped;
use crate::failure::{Failure, Outcome, shown_bytes};
use crate::features::deposit::{self, deposit};
use crate::handover::HandOver;
use crate::safe;
use crate::view::Deposit;
use crate::words::{Language, words};

/// What he has come to, with how each is called: what a move of the case rests on, as far as it does.
pub(super) const VERDICTS: [(&str, &str); 8] = [
    ("attack", "finding-attack"),
    ("no-attack", "finding-no-attack"),
    ("undetermined", "finding-undetermined"),
    ("not-eligible", "finding-not-eligible"),
    ("damage-report", "finding-damage-report"),
    ("complaint", "finding-complaint"),
    ("returned", "finding-returned"),
    ("other", "finding-other"),
];

/// What he says of it, with how each is called.
pub(super) const PARTS: [(&str, &str); 4] =
    [("seen", "finding-seen"), ("damage", "finding-damage"), ("cause", "finding-cause"), ("advice", "finding-advice")];

/// Of each part so many bytes.
const PART_BYTES_MAX: usize = 16 << 10;

/// Of the findings in a hand-over, the newest are shown beside the way that it has come.
const FINDINGS_MAX: usize = 5;

/// Lines of advice that are shown there: the others stand in the finding.
const LINES_MAX: usize = 20;

/// A finding as the company sees it.
pub(super) struct Finding {
    /// Its page, when it was kept, and what he has come to.
    pub to: String,
    pub when: String,
    pub verdict: String,
    /// What the company should do, a line each, and whether it stands among what is to be done already.
    pub advice: Vec<(String, bool)>,
}

/// The newest findings in a hand-over, the last one first.
pub(super) fn findings(
    visit: &Visit,
    unlocked: &Unlocked,
    (case, inside, there): (&Looked, &Looked, &HandOver),
) -> Outcome<Vec<Finding>> {
    let is_item = |deposit: &Deposit| there.custody.iter().any(|entry| entry.record == deposit.id.to_string());
    let own = inside.view.series.iter().flat_map(|(series, of)| of.deposits.iter().map(move |it| (*series, it)));
    let mut own: Vec<_> = own.filter(|(_, deposit)| !is_item(deposit)).collect();
    own.sort_by_key(|(_, deposit)| std::cmp::Reverse(deposit.record));
    own.truncate(FINDINGS_MAX);
    if own.is_empty() {
        return Ok(Vec::new());
    }
    let (mut findings, to_do) = (Vec::new(), to_do(case.opened()));
    for (series, deposit) in own {
        let Some((entry, text)) = read(unlocked, inside, series, deposit)? else { continue };
        let Some((verdict, advice)) = parsed(&text) else { continue };
        let advice = advice.map(|line| (shown_bytes(line.as_bytes()), to_do.contains(line)));
        findings.push(Finding {
            to: visit.at(&format!("/case/{}/deposit/{}/look?entry={entry}", inside.safe.home.space, deposit.id)),
            when: shown::moment(visit.text(), deposit.time),
            verdict: visit.text().say(verdict),
            advice: advice.take(LINES_MAX).collect(),
        });
    }
    Ok(findings)
}

/// A page of text and its place, if a deposit is one and nothing else.
fn read(unlocked: &Unlocked, inside: &Looked, series: SeriesId, deposit: &Deposit) -> Outcome<Option<(usize, String)>> {
    let Some((_, _, record)) = inside.deposit(&deposit.id.to_string()) else { return Ok(None) };
    let manifest = unlocked.contents(inside, record)?;
    let entries = manifest.entries.iter().enumerate();
    let mut files = entries.filter_map(|(at, entry)| Some((at, entry.kind.content()?)));
    let (Some((at, content)), None) = (files.next(), files.next()) else { return Ok(None) };
    if content.size > (PART_BYTES_MAX * (PARTS.len() + 1)) as u64 {
        return Ok(None);
    }
    let bytes = Members::of(inside.opened(), series).whole(content)?;
    Ok(std::str::from_utf8(&bytes).ok().map(|text| (at, text.to_owned())))
}

/// What a page of text says as a finding, in whichever language it was written: the verdict, and the lines of advice.
fn parsed(text: &str) -> Option<(&'static str, impl Iterator<Item = &str>)> {
    let called =
        |line: &str, id: &str| [Language::English, Language::Japanese].iter().any(|it| Text(*it).say(id) == line);
    let mut lines = text.lines();
    let first = lines.next()?;
    let (_, verdict) = VERDICTS.iter().find(|(_, id)| called(first, id))?;
    let advice = lines.skip_while(move |line| !called(line, "finding-advice")).skip(1);
    Some((verdict, advice.map(str::trim).filter(|line| !line.is_empty())))
}

/// What is to be done in a case, or was.
fn to_do(case: Opened) -> BTreeSet<String> {
    let said = case.safe.records.iter().filter_map(|record| case.keyring.events(case.safe, record).ok()).flatten();
    let tasks = said.filter_map(|event| match event {
        Event::Case(said) => match *said {
            Said::Task { text, .. } => Some(text),
            _ => None,
        },
        _ => None,
    });
    tasks.collect()
}

/// Keeps a finding in a hand-over.
pub(super) fn find(visit: &Visit, unlocked: &Unlocked, folder: &Path) -> Outcome<()> {
    let (text, day) = (text(visit)?, safe::day_in(0)?);
    let mut side = unlocked.side(folder)?;
    let (device, dropped) = (side.safe.home.device()?, Dropped::begin(&side.safe.home)?);
    let name = format!("{} {day}.txt", visit.text().say("finding-series"));
    let mut file = dropped.file(&name)?;
    file.write_all(text.as_bytes()).map_err(|error| Failure::file("write", Path::new(&name), error))?;
    drop(file);
    let request = deposit::Request::of(vec![dropped.root()?], visit.text().say("finding-series"));
    let made = deposit(&mut side.safe, &device, &request, &())?;
    drop(dropped);
    // One that waits for its keeper is sent by whatever reaches that next.
    made.answer.map_or(Ok(()), |answer| answer.holds().map(drop))
}

/// It as he has typed it.
fn text(visit: &Visit) -> Outcome<String> {
    let t = visit.text();
    let Some((_, verdict)) = VERDICTS.iter().find(|(word, _)| *word == visit.field("found")) else {
        return Err(Failure::fixable(words!("it was not chosen what you came to", "所見が選ばれていません")));
    };
    let parts = PARTS.map(|(field, called)| (called, visit.field(field).trim().replace("\r\n", "\n")));
    if parts.iter().all(|(_, said)| said.is_empty()) {
        return Err(Failure::fixable(words!(
            "it says nothing of what was found",
            "何が分かったかが、どの欄にも書かれていません"
        )));
    }
    if parts.iter().any(|(_, said)| said.len() > PART_BYTES_MAX) {
        return Err(Failure::fixable(words!("it is too long for this page", "この画面で書くには長すぎます"))
            .hint(words!("Keep a report here as a file.", "報告書をファイルにして、ここに預けてください。")));
    }
    let said = parts.iter().filter(|(_, said)| !said.is_empty());
    let said: String = said.map(|(called, said)| format!("\n{}\n{said}\n", t.say(called))).collect();
    Ok(format!("{}\n{said}", t.say(verdict)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_is_known_by_its_verdict_and_its_advice_is_taken_line_by_line() {
        let said =
            |text: &str| parsed(text).map(|(verdict, lines)| (verdict, lines.map(str::to_owned).collect::<Vec<_>>()));
        let english =
            "It was an attack\n\nWhat was seen\na mail\n\nWhat the company should do now\nchange keys\n\n call them \n";
        let both = vec!["change keys".to_owned(), "call them".to_owned()];
        assert_eq!(said(english), Some(("finding-attack", both)));
        assert_eq!(
            said("判断できない\n\n会社にしてほしいこと\n鍵を替える\n"),
            Some(("finding-undetermined", vec!["鍵を替える".to_owned()]))
        );
        assert_eq!(said("It was an attack\n\nWhat was seen\na mail\n"), Some(("finding-attack", Vec::new())));
        assert_eq!(said("a note of somebody's\nWhat the company should do now\nx\n"), None);
        assert_eq!(said(""), None);
    }
}
