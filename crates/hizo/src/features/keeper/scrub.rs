//! Reading everything that a keeper keeps again, at once, in both of its directories.
//!
//! It may be done while the keeper answers. See docs/spec/keeper.md, section "Scrub".

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::thread;

use hizo_keeper::copy::{By, Damage, Directory, Reading, Scrub, Scrubbed, SecondCopy};
use hizo_keeper::{EmbeddedKeeper, EmbeddedLog};
use hizo_ledger::id::SpaceId;
use serde_json::{Value, json};

use super::Plan;
use crate::console::Console;
use crate::failure::{Failure, Outcome};
use crate::keeper::unix_seconds;
use crate::words::{Words, words};

/// Reads everything again, or what an earlier one that was cut short has left, and says what is damaged.
///
/// # Errors
/// Exit code 3 when something is damaged or missing that cannot be mended.
pub(super) fn scrub(console: Console, plan: Plan) -> Outcome<()> {
    let keeper = EmbeddedKeeper::open_embedded(&plan.data).map_err(Failure::from)?;
    let log = EmbeddedLog::open(&plan.data, &keeper).map_err(Failure::from)?;
    let copy = plan.copying.as_ref().map(|copying| SecondCopy::open(&copying.directory, &plan.data, Arc::default()));
    let copy = copy.transpose().map_err(Failure::from)?;
    let scrub = Scrub { keeper: &keeper, log: log.published(), copy: copy.as_ref() };
    let mut reading = Reading::begin(&plan.data, By::Hand, plan.scrubbing.bytes_per_second, unix_seconds())?;
    if reading.is_resumed() {
        console.note(words!("going on where the last one was cut short", "前回の途中から続けます"));
    }
    let mut rest = |pause| {
        thread::sleep(pause);
        true
    };
    let mut found = scrub.run(reading.from(), &mut |step| reading.step(step, &mut rest))?;
    // Also what was found before it was cut short.
    let ended = reading.end(&found, true);
    if let Ok(progress) = &ended {
        found.lost.extend(progress.lost.iter().cloned());
    }
    console.result(as_json(&found), |out| {
        for damage in &found.mended {
            let what = told(damage);
            writeln!(out, "{}", console.say(words!("mended: {what}", "修復しました: {what}"; what)))?;
        }
        for damage in &found.lost {
            let what = told(damage);
            writeln!(out, "{}", console.say(words!("not mended: {what}", "修復できません: {what}"; what)))?;
        }
        writeln!(out, "{}", console.say(summary(&found)))
    });
    // What was found is told, whether or not it could be written down.
    if found.lost.is_empty() { ended.map(drop).map_err(Failure::from) } else { Err(not_mended(&found)) }
}

fn directory(at: Directory) -> Words {
    match at {
        Directory::First => words!("the first directory", "元のフォルダー"),
        Directory::Second => words!("the second directory", "二つ目のフォルダー"),
    }
}

fn told(damage: &Damage) -> Words {
    let (Damage::Object { at, .. } | Damage::File { at, .. } | Damage::Journal { at, .. }) = damage;
    let at = directory(*at);
    match damage {
        Damage::Object { space, object, .. } => {
            words!("object {object} of space {space} in {at}", "{at} の空間 {space} のオブジェクト {object}"; at)
        }
        Damage::File { path, .. } => words!("log/{path} in {at}", "{at} の log/{path}"; at),
        Damage::Journal { what, .. } => words!("the journal in {at}: {what}", "{at} のジャーナル（{what}）"; at),
    }
}

fn summary(found: &Scrubbed) -> Words {
    let (objects, bytes, records) = (found.objects, found.bytes, found.records);
    let (mended, lost) = (found.mended.len(), found.lost.len());
    words!(
        "{objects} objects read ({bytes} bytes), {records} records; {mended} mended, {lost} damaged and not mended",
        "オブジェクト{objects}個（{bytes}バイト）と記録{records}件を読みました。修復{mended}件、修復できないもの{lost}件"
    )
}

fn as_json(found: &Scrubbed) -> Value {
    let listed = |damages: &BTreeSet<Damage>| -> Vec<Value> {
        let each = damages.iter().map(|damage| match damage {
            Damage::Object { at: place, space, object } => {
                json!({ "at": place.word(), "space": space.to_string(), "object": object.to_string() })
            }
            Damage::File { at: place, path } => json!({ "at": place.word(), "file": path }),
            Damage::Journal { at: place, what } => json!({ "at": place.word(), "journal": what }),
        });
        each.collect()
    };
    json!({
        "objects": found.objects, "bytes": found.bytes, "records": found.records,
        "mended": listed(&found.mended), "lost": listed(&found.lost),
    })
}

fn not_mended(found: &Scrubbed) -> Failure {
    let mut spaces: BTreeMap<SpaceId, u64> = BTreeMap::new();
    for damage in &found.lost {
        if let Damage::Object { space, .. } = damage {
            let count = spaces.entry(*space).or_default();
            *count = count.saturating_add(1);
        }
    }
    let (lost, spaces) = (found.lost.len(), spaces.len());
    Failure::untrue(words!(
        "{lost} things are damaged and could not be mended; {spaces} spaces are touched",
        "{lost}件が壊れていて、修復できませんでした。影響を受ける空間は{spaces}個です"
    ))
    .hint(words!(
        "Tell whose spaces these are: `hizo check` there names the deposits, and whoever still has an object puts it again. docs/guide/operator.md says what to do for a journal.",
        "その空間の利用者に知らせてください。利用者が `hizo check` を実行すると預け入れの名前が分かり、元を持つ人が預け直せます。ジャーナルについては docs/guide/operator.ja.md を見てください。"
    ))
}
