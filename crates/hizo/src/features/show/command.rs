//! `hizo show`

use std::io::{self, Write};

use hizo_vault::manifest::{Entry, Kind, Root};
use serde_json::{Value, json};

use crate::Setting;
use crate::contents::{Entries, Opened, deposit_of};
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
    let list = opened.list(record)?;
    let (root, entries, number) = (list.root()?, list.entries()?, deposit_of(record)?.k);
    let console = setting.console;
    console.stream(|out| match console.json {
        true => write_json(out, &record.id().to_string(), number, root.as_ref(), entries),
        false => {
            if let Some(root) = &root {
                writeln!(out, "{}", console.say(root_line(root)))?;
            }
            each(entries, |entry| writeln!(out, "{}", console.say(line(entry))))
        }
    })
}

/// Does something with each entry as it comes; a list of millions is never held.
fn each(entries: Entries, mut act: impl FnMut(&Entry) -> io::Result<()>) -> io::Result<Outcome<()>> {
    for entry in entries {
        match entry {
            Ok(entry) => act(&entry)?,
            Err(failure) => return Ok(Err(failure)),
        }
    }
    Ok(Ok(()))
}

/// One object on one line, its entries one behind the other. It has no end where they come to none.
fn write_json(
    out: &mut dyn Write,
    deposit: &str,
    number: u64,
    root: Option<&Root>,
    entries: Entries,
) -> io::Result<Outcome<()>> {
    let mut head = json!({ "deposit": deposit, "number": number });
    if let Some(root) = root {
        head["root"] = json!({ "mode": mode_text(root.mode), "mtime": time_text(root.mtime_ns) });
    }
    let head = head.to_string();
    write!(out, "{},\"entries\":[", head.strip_suffix('}').unwrap_or(&head))?;
    let mut between = "";
    let written = each(entries, |entry| {
        write!(out, "{between}{}", as_json(entry))?;
        between = ",";
        Ok(())
    })?;
    if written.is_ok() {
        writeln!(out, "]}}")?;
    }
    Ok(written)
}

/// An entry as scripts read it; a name that is not text comes as `path_base64` too.
pub(crate) fn as_json(entry: &Entry) -> Value {
    let mut object = json!({
        "path": String::from_utf8_lossy(&entry.path), "kind": kind_word(&entry.kind),
        "mode": mode_text(entry.mode), "mtime": time_text(entry.mtime_ns),
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
    let name = format!("{}{target}", shown_bytes(&entry.path));
    // Every word is padded to the longest one; kana take two columns each.
    let kind = match entry.kind {
        Kind::File(_) => words!("file     ", "ファイル  "),
        Kind::HardLink { .. } => words!("hard link", "別名      "),
        Kind::Symlink { .. } => words!("link     ", "リンク    "),
        Kind::Directory => folder_word(),
    };
    row(kind, entry.mode, &size, entry.mtime_ns, &name)
}

fn folder_word() -> Words {
    words!("folder   ", "フォルダー")
}

fn row(kind: Words, mode: u32, size: &str, mtime_ns: i64, name: &str) -> Words {
    let time = local_time(mtime_ns);
    words!(
        "{kind} {mode:04o} {size:>12} {time:<19}  {name}",
        "{kind} {mode:04o} {size:>12} {time:<19}  {name}";
        kind
    )
}

/// The folder itself, as tools that list folders write it.
fn root_line(Root { mode, mtime_ns, .. }: &Root) -> Words {
    row(folder_word(), *mode, "-", *mtime_ns, ".")
}

fn mode_text(mode: u32) -> String {
    format!("{mode:04o}")
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
