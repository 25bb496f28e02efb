//! `hizo list`

use serde_json::json;

use crate::Setting;
use crate::console;
use crate::contents::Opened;
use crate::failure::{Outcome, shown_bytes};
use crate::view::{Deposit, Series, View};
use crate::words::{Words, words};

/// List series and their deposits
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Only this series
    #[arg(long, value_name = "NAME")]
    series: Option<String>,
}

pub(crate) fn run(setting: &Setting, arguments: &Arguments) -> Outcome<()> {
    let safe = setting.safe()?;
    let keyring = setting.unlock(&safe)?;
    let view = View::of(Opened { safe: &safe, keyring: &keyring })?;
    if let Some(name) = &arguments.series {
        view.named(name)?;
    }
    let wanted = |series: &&Series| arguments.series.as_ref().is_none_or(|name| series.name == *name);
    let listed: Vec<_> = view
        .series
        .iter()
        .filter(|(_, series)| wanted(series))
        .map(|(id, series)| {
            let deposits: Vec<_> = series.deposits.iter().map(as_json).collect();
            json!({ "name": series.name, "id": id.to_string(), "class": series.class.word(), "deposits": deposits })
        })
        .collect();
    setting.console.result(json!({ "safe": view.name, "series": listed }), |out| {
        for series in view.series.values().filter(wanted) {
            writeln!(out, "{}", shown_bytes(series.name.as_bytes()))?;
            for deposit in &series.deposits {
                writeln!(out, "{}", setting.console.say(line(deposit)))?;
            }
        }
        if view.series.is_empty() {
            let empty = words!(
                "nothing is kept yet: hizo deposit FOLDER --series NAME keeps the first folder",
                "まだ何も預けていません。最初のフォルダーは hizo deposit フォルダー --series 束の名前 で預けます"
            );
            writeln!(out, "{}", setting.console.say(empty))?;
        }
        Ok(())
    });
    Ok(())
}

fn as_json(deposit: &Deposit) -> serde_json::Value {
    json!({
        "deposit": deposit.id.to_string(), "number": deposit.number, "time": time_text(deposit.time),
        "labels": deposit.labels, "files": deposit.files, "bytes": deposit.bytes,
        "left_out": deposit.left_out, "stored_bytes": deposit.stored_bytes,
    })
}

fn line(deposit: &Deposit) -> Words {
    let labels: String = deposit.labels.iter().map(|label| format!("  {}", shown_bytes(label.as_bytes()))).collect();
    words!(
        "  {number:>4}  {time}  {files:>7} files  {bytes:>11}  {id:.12}{labels}",
        "  第{number:>3}回  {time}  {files:>7} 件  {bytes:>11}  {id:.12}{labels}",
        number = deposit.number,
        time = local_time(deposit.time),
        files = deposit.files,
        bytes = console::bytes(deposit.bytes),
        id = deposit.id.to_string(),
        labels = labels,
    )
}

fn time_text(seconds: u64) -> String {
    jiff::Timestamp::from_second(seconds as i64).map(|time| time.to_string()).unwrap_or_default()
}

fn local_time(seconds: u64) -> String {
    let time = jiff::Timestamp::from_second(seconds as i64).unwrap_or_default();
    time.to_zoned(jiff::tz::TimeZone::system()).strftime("%Y-%m-%d %H:%M").to_string()
}
