//! `hizo list`

use std::collections::BTreeMap;

use hizo_ledger::id::SeriesId;
use hizo_vault::event::Class;
use serde_json::json;

use crate::Setting;
use crate::console;
use crate::contents::Opened;
use crate::failure::{Failure, Kind, Outcome, shown_bytes};
use crate::receipts;
use crate::safe::Safe;
use crate::view::{Deposit, Series, Unreadable, View};
use crate::words::{Words, deposits, words};

/// List series and their deposits
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Only this series
    #[arg(long, value_name = "NAME")]
    series: Option<String>,
}

pub(crate) fn run(setting: &Setting, arguments: &Arguments) -> Outcome<()> {
    let safe = setting.safe_at_hand()?;
    let keyring = setting.unlock(&safe)?;
    let view = View::of(Opened { safe: &safe, keyring: &keyring })?;
    let wanted = match &arguments.series {
        Some(name) => Some(view.named(&safe, name)?.0),
        None => None,
    };
    let is_wanted = |id: &SeriesId| wanted.is_none_or(|wanted| wanted == *id);
    let series: Vec<_> = view.series.iter().filter(|(id, _)| is_wanted(id)).collect();
    let is_asked_for = |record: &&Unreadable| match record.deposit {
        Some((series, _)) => is_wanted(&series),
        None => wanted.is_none(),
    };
    let unreadable: Vec<_> = view.unreadable.iter().filter(is_asked_for).collect();
    let listed: Vec<_> = series
        .iter()
        .map(|(id, series)| {
            let deposits: Vec<_> = series.deposits.iter().map(|deposit| as_json(&safe, deposit)).collect();
            let class = series.class.map(Class::word);
            json!({ "name": series.name, "id": id.to_string(), "class": class, "deposits": deposits })
        })
        .collect();
    let before: Vec<_> = view.before.iter().filter_map(|(_, deposit)| *deposit).collect();
    let before: Vec<_> = before.into_iter().filter(|(series, _)| is_wanted(series)).collect();
    let unreadable_listed: Vec<_> = unreadable.iter().map(|record| unreadable_as_json(&view, record)).collect();
    let result = json!({
        "safe": view.name, "series": listed, "unreadable": unreadable_listed, "before": before.len(),
        "reached": !safe.is_away(),
    });
    setting.console.result(result, |out| {
        for (id, series) in &series {
            writeln!(out, "{}", series.shown_name(**id))?;
            for line in lines(&safe, &view, **id, series).into_values() {
                writeln!(out, "{}", setting.console.say(line))?;
            }
        }
        for record in unreadable.iter().filter(|record| record.deposit.is_none()) {
            let (number, reason) = (record.record, record.failure.message.clone());
            let line = words!(
                "what record {number} says cannot be read: {reason}",
                "記録 {number} の内容を読めません: {reason}";
                reason
            );
            writeln!(out, "{}", setting.console.say(line))?;
        }
        if !before.is_empty() {
            let count = deposits(before.len() as u64);
            let line = words!(
                "{count} made before you came; an admin can give you the keys",
                "ほかに、あなたが加わる前の預け入れが{count}あります。開ける鍵は管理者に頼めます";
                count
            );
            writeln!(out, "{}", setting.console.say(line))?;
        } else if view.series.is_empty() {
            let empty = words!(
                "nothing is kept yet: hizo deposit FOLDER --series NAME keeps the first folder",
                "まだ何も預けていません。最初のフォルダーは hizo deposit フォルダー --series 束の名前 で預けます"
            );
            writeln!(out, "{}", setting.console.say(empty))?;
        }
        Ok(())
    });
    if !safe.is_away() {
        receipts::remind(&safe)?;
    }
    conclude(&unreadable)
}

/// What cannot be read is said after everything that can; of several causes, what is known to be false outweighs what
/// is not known.
fn conclude(unreadable: &[&Unreadable]) -> Outcome<()> {
    let kinds = || unreadable.iter().map(|record| record.failure.kind);
    let worst =
        [Kind::False, Kind::Unknown, Kind::Fixable].into_iter().find(|kind| kinds().any(|found| found == *kind));
    let Some(kind) = worst else { return Ok(()) };
    let records = unreadable.len();
    let failure = Failure::new(
        kind,
        words!(
            "{records} of the safe's records cannot be read; all others are listed",
            "金庫の記録のうち{records}件を読めません。ほかはすべて一覧にあります"
        ),
    );
    let hint = unreadable.iter().find(|record| record.failure.kind == kind && kind == Kind::Fixable);
    Err(failure.hint(hint.and_then(|record| record.failure.hint.clone()).unwrap_or_else(|| {
        words!(
            "Run `hizo check` to see what is missing or damaged and where to put it back. The other deposits can be restored.",
            "`hizo check` で、何がないか壊れているか、どこに戻せばよいかを調べてください。ほかの預け入れは取り出せます。"
        )
    })))
}

/// The lines of a series by number: what can be read of each deposit, or that it cannot.
fn lines(safe: &Safe, view: &View, id: SeriesId, series: &Series) -> BTreeMap<u64, Words> {
    let readable = series.deposits.iter().map(|deposit| (deposit.number, line(safe, deposit)));
    readable.chain(view.unreadable_of(id).map(|(number, record)| (number, unreadable_line(number, record)))).collect()
}

fn unreadable_as_json(view: &View, record: &Unreadable) -> serde_json::Value {
    let series = record.deposit.map(|(series, _)| series);
    let name = series.and_then(|series| view.series.get(&series)?.name.clone());
    json!({
        "record": record.record, "id": record.id.to_string(), "time": time_text(record.time),
        "series": name, "series_id": series.map(|series| series.to_string()),
        "number": record.deposit.map(|(_, number)| number), "reason": record.failure.message.english(),
    })
}

fn unreadable_line(number: u64, record: &Unreadable) -> Words {
    let (time, id, reason) = (local_time(record.time), record.id.to_string(), record.failure.message.clone());
    words!(
        "  {number:>4}  {time}  cannot be read  {id:.12}  {reason}",
        "  第{number:>3}回  {time}  読めません  {id:.12}  {reason}",
        number = number, time = time, id = id; reason
    )
}

fn as_json(safe: &Safe, deposit: &Deposit) -> serde_json::Value {
    json!({
        "deposit": deposit.id.to_string(), "number": deposit.number, "time": time_text(deposit.time),
        "labels": deposit.labels, "files": deposit.files, "bytes": deposit.bytes,
        "left_out": deposit.left_out, "stored_bytes": deposit.stored_bytes, "kept": safe.is_kept(deposit.record),
    })
}

fn line(safe: &Safe, deposit: &Deposit) -> Words {
    let state = match safe.is_kept(deposit.record) {
        true => "".into(),
        false => words!("  sealed, not yet kept", "  封をして送信待ち"),
    };
    let labels: String = deposit.labels.iter().map(|label| format!("  {}", shown_bytes(label.as_bytes()))).collect();
    words!(
        "  {number:>4}  {time}  {files:>7} files  {bytes:>11}  {id:.12}{labels}{state}",
        "  第{number:>3}回  {time}  {files:>7} 件  {bytes:>11}  {id:.12}{labels}{state}",
        number = deposit.number,
        time = local_time(deposit.time),
        files = deposit.files,
        bytes = console::bytes(deposit.bytes),
        id = deposit.id.to_string(),
        labels = labels;
        state
    )
}

fn time_text(seconds: u64) -> String {
    jiff::Timestamp::from_second(seconds as i64).map(|time| time.to_string()).unwrap_or_default()
}

fn local_time(seconds: u64) -> String {
    let time = jiff::Timestamp::from_second(seconds as i64).unwrap_or_default();
    time.to_zoned(jiff::tz::TimeZone::system()).strftime("%Y-%m-%d %H:%M").to_string()
}
