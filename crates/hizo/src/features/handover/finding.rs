//! What a receiver says that he has found, once he has accepted: a page of text, kept in the hand-over, which the company can open.

use std::io::Write as _;
use std::path::Path;

use crate::desk::{Unlocked, Visit};
use crate::dropped::Dropped;
use crate::failure::{Failure, Outcome};
use crate::features::deposit::{self, deposit};
use crate::safe;
use crate::words::words;

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

/// Keeps a finding in a hand-over.
pub(super) fn find(visit: &Visit, unlocked: &Unlocked, folder: &Path) -> Outcome<()> {
    let (text, day) = (text(visit)?, safe::now()?.as_str().get(..10).unwrap_or_default().to_owned());
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
