//! `hizo status`

use std::io::{self, Write};

use hizo_keeper::client::Stamping;
use hizo_ledger::id::SeriesId;
use hizo_ledger::record::ClaimedTime;
use hizo_ledger::timestamp::Token;
use serde_json::{Value, json};

use crate::Setting;
use crate::cards::{CardSet, Tried};
use crate::console::Console;
use crate::contents::Opened;
use crate::failure::Outcome;
use crate::queue::Queue;
use crate::safe::{self, Safe};
use crate::stages::{self, Status, Told, Witnessed};
use crate::view::View;
use crate::words::{Words, words};

/// Say how far deposits have come: kept, logged, witnessed, stamped
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// One deposit: its id or first digits, latest:NAME, or NAME:NUMBER; else the newest of each series
    deposit: Option<String>,
}

pub(crate) fn run(setting: &Setting, arguments: &Arguments) -> Outcome<()> {
    let safe = setting.safe_at_hand()?;
    // What series are called is said where nobody has to be asked for a passphrase.
    let can_open = setting.passphrase.is_given() && safe.home.identity_file().exists();
    let keyring = can_open.then(|| setting.unlock(&safe)).transpose()?;
    let opened = keyring.as_ref().map(|keyring| Opened { safe: &safe, keyring });
    let view = opened.map(View::of).transpose()?;
    let records = match (&arguments.deposit, opened.zip(view.as_ref())) {
        (Some(named), Some((opened, view))) => vec![view.find(opened, named)?],
        (Some(named), None) => vec![stages::find(&safe, named)?],
        (None, _) => stages::newest(&safe),
    };
    let (records, waiting): (Vec<_>, Vec<_>) = records.into_iter().partition(|record| safe.is_kept(record.number()));
    let extent = Queue::of(&safe.home).extent()?;
    let is_asked = !safe.home.authorities()?.is_empty();
    let Told { statuses, stamping, wrong } = stages::status(&safe, &records);
    let set = opened.map(CardSet::of).transpose()?.flatten();
    let tried = Tried::of(&safe, set.and_then(|set| set.drilled));
    let is_due = tried.is_some_and(|tried| safe::now().is_ok_and(|now| tried.is_due(now.unix_seconds())));
    let listed: Vec<_> = statuses.iter().map(|status| as_json(status, view.as_ref())).collect();
    setting.console.result(
        json!({ "deposits": listed, "waiting": extent.as_json(), "reached": !safe.is_away(), "recovery": tried.map(|tried| cards_as_json(&safe, tried, is_due)) }),
        |out| {
            for status in &statuses {
                let name = name(status.series, status.number, view.as_ref());
                match arguments.deposit {
                    Some(_) => whole(setting.console, status, &name, out)?,
                    None => writeln!(out, "{}", setting.console.say(line(status, &name)))?,
                }
            }
            for deposit in waiting.iter().filter_map(|record| record.envelope().deposit.as_ref()) {
                let name = name(deposit.series, deposit.k, view.as_ref());
                let line = words!("{name}: sealed, not yet kept", "{name}: 封をして送信待ち");
                writeln!(out, "{}", setting.console.say(line))?;
            }
            if extent.deposits > 0 {
                writeln!(out, "{}", setting.console.say(extent.words()))?;
            }
            if let Some(tried) = tried.filter(|_| is_due) {
                writeln!(out, "{}", setting.console.say(due(tried)))?;
            }
            // What is wrong comes with a hint of its own.
            match next(&statuses, is_asked, stamping.as_ref()).filter(|_| !setting.console.quiet && wrong.is_ok()) {
                Some(next) => writeln!(out, "{}", setting.console.say(next)),
                None => Ok(()),
            }
        },
    );
    wrong
}

fn cards_as_json(safe: &Safe, tried: Tried, is_due: bool) -> Value {
    let waiting = safe
        .chain
        .waiting()
        .map(|waiting| json!({ "key": waiting.key.name().to_string(), "until": time_text(waiting.until()) }));
    json!({
        "made": time_text(tried.made), "drilled": tried.drilled.map(time_text), "due": is_due, "waiting": waiting,
    })
}

/// That the recovery cards should be tried.
fn due(tried: Tried) -> Words {
    match tried.drilled {
        Some(drilled) => words!(
            "the recovery cards were last tried on {day}: `hizo recovery drill` tries them again",
            "復旧カードを最後に確かめたのは {day} です。`hizo recovery drill` で、もう一度確かめてください",
            day = day(drilled)
        ),
        None => words!(
            "the recovery cards of {day} were never tried: `hizo recovery drill` tries them",
            "{day} に作った復旧カードを、まだ確かめていません。`hizo recovery drill` で確かめてください",
            day = day(tried.made)
        ),
    }
}

fn day(seconds: u64) -> String {
    time_text(seconds).chars().take(10).collect()
}

/// A deposit as other commands take it.
fn name(id: SeriesId, number: u64, view: Option<&View>) -> String {
    let series = view.and_then(|view| view.series.get(&id));
    let series = series.map_or_else(|| format!("id:{id}"), |series| series.shown_name(id));
    format!("{series}:{number}")
}

fn as_json(status: &Status, view: Option<&View>) -> Value {
    let series = view.and_then(|view| view.series.get(&status.series)?.name.clone());
    let witnesses = match &status.witnessed {
        Witnessed::NoPolicy => Value::Null,
        Witnessed::NotYet => json!([]),
        Witnessed::By(witnesses) => {
            witnesses.iter().map(|(name, time)| json!({ "name": name, "time": time_text(*time) })).collect()
        }
    };
    json!({
        "deposit": status.record.id().to_string(), "series": series, "series_id": status.series.to_string(),
        "number": status.number, "device_time": status.record.envelope().time.as_str(),
        "keeper_time": status.receipt.as_ref().map(|receipt| receipt.time.as_str()),
        "copies": status.receipt.as_ref().map(|receipt| if receipt.is_twice { 2 } else { 1 }),
        "index_by": status.receipt.as_ref().map(|receipt| receipt.index_by.as_str()),
        "log": status.place.map(|(index, size)| json!({ "index": index, "size": size })),
        "witnesses": witnesses,
        "stamp": status.stamp.as_ref().map(|token| json!({
            "since": token.latest().to_string(), "authority": token.subject(), "independent": token.is_independent(),
            "before": token.ends().to_string(),
        })),
    })
}

/// A deposit in one line.
fn line(status: &Status, name: &str) -> Words {
    let kept = status.receipt.as_ref().map_or_else(
        || words!("no receipt", "受領書なし"),
        |receipt| match receipt.is_twice {
            true => words!("kept twice {time}", "{time} 受領（2か所に保管）", time = receipt.time),
            false => words!("kept {time}", "{time} 受領", time = receipt.time),
        },
    );
    let logged = status.place.map_or_else(
        || words!("not logged", "台帳に未登載"),
        |(index, size)| words!("logged {index} of {size}", "台帳 {size}件の {index} 番"),
    );
    let witnessed = match &status.witnessed {
        Witnessed::NoPolicy | Witnessed::NotYet => words!("not witnessed", "立会人なし"),
        Witnessed::By(witnesses) => {
            words!("witnessed by {count}", "立会人{count}名", count = witnesses.len())
        }
    };
    let stamped = match &status.stamp {
        None => words!("not stamped", "時刻の証明なし"),
        Some(token) if token.is_independent() => {
            words!("stamped {since}", "遅くとも {since}（第三者）", since = since(token))
        }
        Some(token) => words!("self-stamped {since}", "{since}（自分の印のみ）", since = since(token)),
    };
    words!(
        "{name}  {kept}, {logged}, {witnessed}, {stamped}",
        "{name}  {kept}、{logged}、{witnessed}、{stamped}",
        name = name; kept, logged, witnessed, stamped
    )
}

/// A deposit in a line for each stage, with whose word its time is.
fn whole(console: Console, status: &Status, name: &str, out: &mut dyn Write) -> io::Result<()> {
    let device = &status.record.envelope().time;
    let kept = match &status.receipt {
        Some(receipt) if receipt.is_twice => words!(
            "{time}, in two places by now, the keeper says; made {device}, the device says",
            "{time}、今は2か所に保管（預け先の申告）。作成は {device}（預けた機械の申告）",
            time = receipt.time
        ),
        Some(receipt) => words!(
            "{time}, the keeper says; made {device}, the device says",
            "{time}（預け先の申告）。作成は {device}（預けた機械の申告）",
            time = receipt.time
        ),
        None => words!("no receipt that holds", "正しい受領書がありません"),
    };
    let logged = match (status.place, &status.receipt) {
        (Some((index, size)), _) => words!(
            "at {index} of {size} in the keeper's log, checked here",
            "{size}件の台帳の {index} 番（ここで確認済み）"
        ),
        (None, Some(receipt)) => {
            words!(
                "not yet; the keeper promised it by {by}",
                "まだです。期限は {by}（預け先の約束）",
                by = receipt.index_by
            )
        }
        (None, None) => words!("not shown", "示されていません"),
    };
    for (stage, said) in [
        (words!("kept", "保管"), kept),
        (words!("logged", "台帳"), logged),
        (words!("witnessed", "立会人"), witnessed(&status.witnessed)),
        (words!("stamped", "時刻"), stamped(status)),
    ] {
        let stage = console.say(stage);
        // A Japanese character takes two columns, and no stage has both kinds.
        let columns = if stage.is_ascii() { stage.len() } else { 2 * stage.chars().count() };
        writeln!(out, "{stage}{}{}", " ".repeat(11_usize.saturating_sub(columns)), console.say(said))?;
    }
    writeln!(out, "{name}  {}", status.record.id())
}

fn witnessed(witnessed: &Witnessed) -> Words {
    match witnessed {
        Witnessed::NoPolicy => words!(
            "nobody is asked: a second history shows only when two members compare what they see",
            "依頼していません。記録が二通りあっても、利用者どうしが見比べるまで分かりません"
        ),
        Witnessed::NotYet => words!("not yet by as many as the policy asks for", "求める人数に達していません"),
        Witnessed::By(witnesses) => {
            let each = |(name, time): &(String, u64)| format!("{name} {}", time_text(*time));
            let names = witnesses.iter().map(each).collect::<Vec<_>>().join(", ");
            words!("{names}, each witness says", "{names}（各立会人の申告）")
        }
    }
}

fn stamped(status: &Status) -> Words {
    match &status.stamp {
        None => words!("not yet", "まだです"),
        Some(token) if token.is_independent() => words!(
            "since {since} at the latest, {authority} says; refresh before {before}",
            "遅くとも {since}（{authority} の証明）。{before} までに更新が必要です",
            since = since(token),
            authority = token.subject(),
            before = token.ends()
        ),
        Some(token) => words!(
            "since {since} at the latest, the keeper itself says: self-stamped, not independent",
            "遅くとも {since}（預け先が自分で押したもので、第三者の証明ではありません）",
            since = since(token)
        ),
    }
}

/// What is missing first, and what to do about it; `is_asked`: an authority is named on this machine; `stamping`: who stamps the
/// log of a keeper elsewhere.
fn next(statuses: &[Status], is_asked: bool, stamping: Option<&Stamping>) -> Option<Words> {
    let unlogged = statuses.iter().find(|status| status.place.is_none());
    if let Some(by) = unlogged.map(|status| status.receipt.as_ref().map(|receipt| receipt.index_by)) {
        return Some(match by {
            Some(by) => words!("next: run this again after {by}", "次に: {by} を過ぎたら、もう一度確かめてください"),
            None => words!("next: ask the keeper for its receipt", "次に: 預け先に受領書を求めてください"),
        });
    }
    let is_dated = |status: &Status| status.stamp.as_ref().is_some_and(|token| token.is_independent());
    if statuses.iter().all(is_dated) {
        return None;
    }
    Some(match (is_asked, stamping) {
        (_, Some(stamping)) => wait_for(statuses, is_asked, stamping),
        (false, None) => words!(
            "next: hizo log authorities FILE names somebody else who says the time: each deposit is stamped then, and this with the next",
            "次に: hizo log authorities ファイル で時刻認証局を登録すると、以後は預けるたびに時刻の証明が付き、これまでの分も次の回で証明されます"
        ),
        (true, None) => words!(
            "next: hizo log renew --now asks the authorities that are named for a stamp",
            "次に: hizo log renew --now で、登録済みの時刻認証局に時刻の証明を求められます"
        ),
    })
}

/// What to wait for with a keeper elsewhere, which takes stamps by itself.
fn wait_for(statuses: &[Status], is_asked: bool, stamping: &Stamping) -> Words {
    let Stamping { authorities, by_itself, pause_seconds, .. } = stamping;
    let names = authorities.join(", ");
    match (statuses.iter().all(|status| status.stamp.is_some()), is_asked, names.as_str()) {
        (_, _, "") if !by_itself => words!(
            "next: the keeper takes no stamps; ask whoever runs it to name authorities",
            "次に: 預け先はタイムスタンプを押していません。時刻認証局を登録するよう、預け先に頼んでください"
        ),
        (true, _, "") => words!(
            "next: the keeper stamps for itself only; ask whoever runs it to name authorities",
            "次に: 預け先は自分で押すだけです。時刻認証局を登録するよう、預け先に頼んでください"
        ),
        (false, _, "") | (_, true, _) => words!(
            "next: the keeper takes stamps by itself, at most every {pause_seconds} seconds: run this again then",
            "次に: 預け先が長くても{pause_seconds}秒おきに自分で押します。そのころに、もう一度確かめてください"
        ),
        (_, false, names) => words!(
            "next: ask whoever runs the keeper for its list of authorities ({names}), and say with hizo log authorities FILE whose stamps count",
            "次に: 預け先に時刻認証局（{names}）の一覧を求め、どれを信用するかを hizo log authorities ファイル で登録してください"
        ),
    }
}

/// In whole seconds, which are enough to read.
fn since(token: &Token) -> String {
    time_text(token.latest().unix_seconds_rounded_up())
}

fn time_text(seconds: u64) -> String {
    ClaimedTime::from_unix_seconds(seconds).map_or_else(|_| seconds.to_string(), |time| time.to_string())
}
