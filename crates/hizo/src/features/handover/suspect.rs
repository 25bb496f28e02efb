//! `hizo hand-over suspect`: the company names whom it suspects, to whoever receives and to nobody else.

use std::path::PathBuf;

use hizo_vault::event::{Event, NAME_BYTES_MAX};
use serde_json::json;

use super::handover_of;
use crate::Setting;
use crate::bundle;
use crate::epochs;
use crate::failure::{Failure, Outcome, shown, shown_bytes};
use crate::membership::{Appended, Change};
use crate::side::Side;
use crate::words::words;

/// A file that names somebody, at most.
const FILE_BYTES_MAX: usize = 64 << 10;

/// Name, as the company, whom you suspect: to whoever receives, and to nobody else
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// A file with the name in its first line; what else tells who it is may follow
    #[arg(long, value_name = "FILE")]
    file: PathBuf,
}

pub(super) fn run(setting: &Setting, arguments: &Arguments) -> Outcome<()> {
    let file = shown(&arguments.file);
    let text = String::from_utf8(bundle::read(&arguments.file, FILE_BYTES_MAX)?).map_err(|_| {
        Failure::fixable(words!("{file} is no text in UTF-8", "{file} は、UTF-8の文字として読めません"))
            .hint(words!("Save it as UTF-8.", "文字コードをUTF-8にして保存してください。"))
    })?;
    let text = text.trim_start_matches('\u{feff}');
    let (name, note) = text.split_once('\n').unwrap_or((text, ""));
    let mut side = Side::of(setting)?;
    let receiver = handover_of(&side)?.said.receiver_name;
    let appended = suspect(&mut side, name, note)?;
    let result = json!({
        "handover": side.safe.home.space.to_string(), "receiver_name": receiver, "record": appended.id.to_string(),
    });
    setting.console.result(result, |out| {
        let receiver = shown_bytes(receiver.as_bytes());
        let told = words!(
            "{receiver} can read the name, and nobody else in the case; it cannot be taken back",
            "名前は {receiver} だけに伝わり、相談のほかの人には伝わりません。取り消しはできません"
        );
        writeln!(out, "{}", setting.console.say(told))
    });
    setting.console.note(words!("the name still stands in {file}", "名前は {file} に残っています"));
    appended.promised
}

/// Says it in the hand-over, under keys that the company draws: those of before were drawn by the sender when he left.
pub(super) fn suspect(side: &mut Side, name: &str, note: &str) -> Outcome<Appended> {
    let (name, note) = (name.trim().to_owned(), note.trim().to_owned());
    if name.is_empty() || name.len().max(note.len()) > NAME_BYTES_MAX {
        return Err(Failure::fixable(words!(
            "a name is needed, and neither it nor what follows may be longer than {NAME_BYTES_MAX} bytes",
            "名前が必要です。名前も説明も、それぞれ{NAME_BYTES_MAX}バイトまでにしてください"
        )));
    }
    handover_of(side)?.check_naming(side.opened(), &side.key())?;
    let space = side.safe.home.space.to_string();
    let mut change = Change::saying(vec![Event::SuspectNamed { space, name, note }]);
    change.begin_epoch(side.opened(), &epochs::readers(side.opened(), &[])?)?;
    side.keyring.people()?.may_make(&side.safe, &change)?;
    change.append(&mut side.safe, &side.identity)
}
