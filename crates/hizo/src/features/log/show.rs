//! `hizo log` alone: whose log it is, and who has cosigned it.

use std::io::{self, Write};

use hizo_keeper::log::Cosigned;
use hizo_ledger::log::note::NamedKey;
use serde_json::{Value, json};

use crate::Setting;
use crate::console::Console;
use crate::failure::{Outcome, shown_bytes};
use crate::log::{self, Standing, without_witnesses};
use crate::words::{Words, words};

pub(super) fn run(setting: &Setting) -> Outcome<()> {
    let safe = setting.safe()?;
    let log = log::of_keeper(&safe)?;
    let own = [log.published().key().clone()];
    let keys = log.here().map_or(own.as_slice(), |here| here.keys());
    let standing = Standing::of(&log)?;
    let result = json!({
        "origin": safe.home.keeper.as_str(),
        "keys": keys.iter().map(NamedKey::to_string).collect::<Vec<_>>(),
        "size": standing.head.as_ref().map_or(0, |head| head.size),
        "root": standing.head.as_ref().map(|head| head.root.to_string()),
        "witnessed": standing.asks_for_witnesses().then_some(standing.is_witnessed),
        "witnesses": witnesses(&standing),
    });
    setting.console.result(result, |out| lines(setting.console, keys, &standing, out));
    Ok(())
}

fn lines(console: Console, keys: &[NamedKey], standing: &Standing, out: &mut dyn Write) -> io::Result<()> {
    let Some(key) = keys.first() else { return Ok(()) };
    if console.quiet {
        return writeln!(out, "{key}");
    }
    let head = match &standing.head {
        Some(head) => words!(
            "log {origin}: {size} records",
            "台帳 {origin}: 記録 {size} 件",
            origin = head.origin,
            size = head.size
        ),
        None => words!("log {name}: nothing published yet", "台帳 {name}: まだ公開していません", name = key.name()),
    };
    writeln!(out, "{}", console.say(head))?;
    writeln!(
        out,
        "{}",
        console.say(words!("key {key} (the ML-DSA-44 key: --json)", "鍵 {key}（ML-DSA-44 の鍵は --json）"))
    )?;
    for (name, last) in &standing.last {
        writeln!(out, "{}", console.say(witness(name, last.as_ref())))?;
    }
    let verdict = match (standing.asks_for_witnesses(), standing.is_witnessed) {
        (false, _) => without_witnesses(),
        (true, true) => words!("witnessed: enough of them have cosigned the newest head", "連署は足りています"),
        (true, false) => words!(
            "not witnessed yet: the next deposit or proof asks again",
            "連署がまだ足りません。次の預け入れか証明のときに、もう一度求めます"
        ),
    };
    writeln!(out, "{}", console.say(verdict))
}

fn witness(name: &str, last: Option<&Cosigned>) -> Words {
    let name = shown_bytes(name.as_bytes());
    match last {
        Some(last) => {
            let (size, time) = (last.checkpoint.size, time(last.time));
            words!("witness {name}: {size} records, at {time}", "立会人 {name}: 記録 {size} 件まで連署（{time}）")
        }
        None => words!("witness {name}: nothing yet", "立会人 {name}: まだ連署していません"),
    }
}

fn witnesses(standing: &Standing) -> Vec<Value> {
    let policy = standing.policy.iter().flat_map(|policy| policy.policy.witnesses());
    let seen = |(name, witness): &(String, hizo_ledger::log::policy::Known)| {
        let last = standing.last.get(name).and_then(Option::as_ref);
        json!({
            "name": name, "key": witness.key.to_string(), "url": witness.url,
            "cosigned": last.map(|last| json!({ "size": last.checkpoint.size, "time": time(last.time) })),
        })
    };
    policy.map(seen).collect()
}

/// A moment as people and scripts read it.
fn time(seconds: u64) -> String {
    let time = hizo_ledger::record::ClaimedTime::from_unix_seconds(seconds);
    time.map_or_else(|_| seconds.to_string(), |time| time.to_string())
}
