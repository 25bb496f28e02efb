//! `hizo show`

use hizo_vault::manifest::{Entry, Kind};
use serde_json::{Value, json};

use crate::Setting;
use crate::contents::{Opened, deposit_of};
use crate::failure::{Outcome, shown_bytes};
use crate::hashing::hex;
use crate::view::View;
use crate::words::{Words, words};

/// Show what a deposit holds
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The deposit's id or its first digits, latest:NAME, or NAME:NUMBER
    deposit: String,
}

pub(crate) fn run(setting: &Setting, arguments: &Arguments) -> Outcome<()> {
    let safe = setting.safe_at_hand()?;
    let keyring = setting.unlock(&safe)?;
    let opened = Opened { safe: &safe, keyring: &keyring };
    let record = setting.find(&View::of(opened)?, opened, &arguments.deposit)?;
    let manifest = opened.manifest(record)?;
    let entries: Vec<Value> = manifest.entries.iter().map(as_json).collect();
    let result = json!({ "deposit": record.id().to_string(), "number": deposit_of(record)?.k, "entries": entries });
    setting.console.result(result, |out| {
        manifest.entries.iter().try_for_each(|entry| writeln!(out, "{}", setting.console.say(line(entry))))
    });
    Ok(())
}

/// An entry as scripts read it; a name that is not text comes as `path_base64` too.
pub(crate) fn as_json(entry: &Entry) -> Value {
    let mut object = json!({
        "path": String::from_utf8_lossy(&entry.path), "kind": kind_word(&entry.kind),
        "mode": format!("{:04o}", entry.mode), "mtime": time_text(entry.mtime_ns),
    });
    if std::str::from_utf8(&entry.path).is_err() {
        object["path_base64"] = crate::home::base64(&entry.path).into();
    }
    if let Some(content) = entry.kind.content() {
        object["size"] = content.size.into();
        object["sha256"] = hex(&content.value.sha256).into();
        object["stored_in"] = content.place.deposit.into();
        object["read_in"] = content.read.into();
        if content.unsteady {
            object["unsteady"] = true.into();
        }
    }
    if let Some(target) = entry.kind.target() {
        object["target"] = String::from_utf8_lossy(target).into();
    }
    object
}

fn line(entry: &Entry) -> Words {
    let size = entry.kind.content().map_or(String::from("-"), |content| content.size.to_string());
    let target = entry.kind.target().map_or(String::new(), |target| format!(" -> {}", shown_bytes(target)));
    let (mode, time, path) = (entry.mode, local_time(entry.mtime_ns), shown_bytes(&entry.path));
    // Every word is padded to the longest one; kana take two columns each.
    let kind = match entry.kind {
        Kind::File(_) => words!("file     ", "ファイル  "),
        Kind::HardLink { .. } => words!("hard link", "別名      "),
        Kind::Symlink { .. } => words!("link     ", "リンク    "),
        Kind::Directory => words!("folder   ", "フォルダー"),
    };
    words!(
        "{kind} {mode:04o} {size:>12} {time:<19}  {path}{target}",
        "{kind} {mode:04o} {size:>12} {time:<19}  {path}{target}";
        kind
    )
}

fn local_time(nanoseconds: i64) -> String {
    let time = jiff::Timestamp::from_nanosecond(nanoseconds.into()).unwrap_or_default();
    time.to_zoned(jiff::tz::TimeZone::system()).strftime("%Y-%m-%d %H:%M:%S").to_string()
}

fn kind_word(kind: &Kind) -> &'static str {
    match kind {
        Kind::File(_) => "file",
        Kind::HardLink { .. } => "hard link",
        Kind::Symlink { .. } => "link",
        Kind::Directory => "folder",
    }
}

fn time_text(nanoseconds: i64) -> String {
    jiff::Timestamp::from_nanosecond(nanoseconds.into()).map(|time| time.to_string()).unwrap_or_default()
}
