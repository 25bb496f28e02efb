//! Removing what no record names, once, by hand.
//!
//! It may be done while the keeper answers. See docs/spec/keeper.md, section "Sweep".

use std::sync::Arc;
use std::thread;
use std::time::{Duration, SystemTime};

use hizo_keeper::sweep::{Sweep, SweepClock, Swept};
use hizo_keeper::{EmbeddedKeeper, SecondCopy};
use serde_json::json;

use super::Plan;
use crate::console::Console;
use crate::failure::{Failure, Outcome};
use crate::words::{Words, words};

/// Marks what is due, and removes what was marked long enough ago.
///
/// # Errors
/// Exit code 3 where what some spaces name cannot be told, or whose the second directory is; nothing of these was touched. The
/// store's.
pub(super) fn sweep(console: Console, plan: Plan) -> Outcome<()> {
    let keeper = EmbeddedKeeper::open_embedded(&plan.data).map_err(Failure::from)?;
    let copy = plan.copying.as_ref().map(|copying| SecondCopy::open(&copying.directory, &plan.data, Arc::default()));
    let copy = copy.transpose().map_err(Failure::from)?;
    // Whoever runs the service moves it on.
    let clock = SweepClock::load(&plan.data).map_err(Failure::from)?.seconds();
    let sweep = Sweep {
        keeper: &keeper,
        copy: copy.as_ref(),
        began: SystemTime::now(),
        clock,
        after: plan.sweeping.after,
        is_counted_already: &|_, _| false,
    };
    let rate = plan.sweeping.names_per_second.max(1);
    let swept = sweep.run(&mut |names| {
        thread::sleep(Duration::from_nanos(names.saturating_mul(1_000_000_000) / rate));
        true
    });
    let swept = swept.map_err(Failure::from)?;
    let Swept { objects, bytes, marked, unclear, unnamed, copy_left, .. } = &swept;
    let left: u64 = unnamed.values().sum();
    let told = json!({
        "removed": objects, "bytes": bytes, "marked": marked, "unnamed_bytes": left,
        "unclear": unclear.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "second_left": copy_left.as_ref().map(ToString::to_string),
    });
    console.result(told, |out| writeln!(out, "{}", console.say(summary(&swept, left))));
    match (swept.failure.or(swept.copy_left), swept.unclear.len()) {
        (Some(error), _) => Err(error.into()),
        (None, 0) => Ok(()),
        (None, spaces) => Err(not_touched(spaces)),
    }
}

fn summary(Swept { objects, bytes, marked, .. }: &Swept, left: u64) -> Words {
    words!(
        "{objects} objects removed that no record names ({bytes} bytes), {marked} marked; {left} bytes are left of such",
        "どの記録にも属さないオブジェクト{objects}個（{bytes}バイト）を除き、{marked}個に印を付けました。残りは{left}バイトです"
    )
}

fn not_touched(spaces: usize) -> Failure {
    Failure::untrue(words!(
        "in {spaces} spaces nothing was touched: records of theirs, or lists of what these name, are lost",
        "記録、または記録が指すものの一覧が失われているため、{spaces}個の空間には触れませんでした"
    ))
    .hint(words!(
        "`hizo keeper scrub` names what is lost, and mends it where it can.",
        "`hizo keeper scrub` が失われたものを示し、できるものは修復します。"
    ))
}
