//! `hizo send`

use serde_json::json;

use crate::Setting;
use crate::failure::{Failure, Outcome};
use crate::queue::{Extent, Queue, Sent};
use crate::safe::Safe;
use crate::words::{deposits, words};

/// Send deposits that were sealed while the keeper could not be reached
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Let so many bytes wait from now on, at most
    #[arg(long, value_name = "BYTES")]
    limit: Option<u64>,
    /// Throw away what can no longer be sent
    #[arg(long)]
    forget: bool,
}

pub(crate) fn run(setting: &Setting, arguments: &Arguments) -> Outcome<()> {
    let home = setting.home()?;
    let queue = Queue::of(&home);
    if let Some(bytes_max) = arguments.limit {
        queue.limit(bytes_max)?;
    }
    let forgotten = if arguments.forget { queue.forget_aside()? } else { 0 };
    let mut sent = Sent::default();
    let done = match queue.is_empty()? {
        true => Ok(()),
        false => Safe::open(home.clone()).and_then(|mut safe| setting.send(&mut safe, &mut sent)),
    };
    report(setting, &sent, queue.extent()?, forgotten);
    setting.warn_of_set_aside(&sent.aside);
    done?;
    sent.kept.into_iter().try_for_each(|kept| kept.answer.holds())?;
    match sent.aside.len() {
        0 => Ok(()),
        aside => {
            let count = deposits(aside as u64);
            Err(Failure::fixable(words!(
                "{count} that waited can no longer be sent",
                "待っていたもののうち{count}は、もう送れません";
                count
            ))
            .hint(words!(
                "Deposit their folders again: hizo deposit.",
                "そのフォルダーを、hizo deposit でもう一度預けてください。"
            )))
        }
    }
}

fn report(setting: &Setting, sent: &Sent, extent: Extent, forgotten: usize) {
    let kept: Vec<_> = sent
        .kept
        .iter()
        .map(|kept| {
            json!({ "deposit": kept.id.to_string(), "series_id": kept.series.to_string(), "number": kept.number })
        })
        .collect();
    let aside: Vec<_> = sent
        .aside
        .iter()
        .map(|aside| {
            json!({
                "series_id": aside.series.to_string(), "number": aside.number, "reason": aside.why.words().english(),
            })
        })
        .collect();
    let result = json!({ "sent": kept, "set_aside": aside, "forgotten": forgotten, "waiting": extent.as_json() });
    setting.console.result(result, |out| {
        for kept in &sent.kept {
            match setting.console.quiet {
                true => writeln!(out, "{}", kept.id)?,
                false => {
                    let (id, number, series) = (kept.id, kept.number, kept.series);
                    let line = words!(
                        "kept {id} as deposit {number} of series id:{series}",
                        "{id} を、束 id:{series} の第{number}回として預けました"
                    );
                    writeln!(out, "{}", setting.console.say(line))?;
                }
            }
        }
        let rest = match (extent.deposits, sent.is_busy) {
            (_, true) => words!("another hizo is sending what waits", "別の hizo が送信しています"),
            (0, false) => words!("nothing waits", "待っているものはありません"),
            (_, false) => extent.words(),
        };
        if setting.console.quiet { Ok(()) } else { writeln!(out, "{}", setting.console.say(rest)) }
    });
}
