//! `hizo diff`

use hizo_ledger::record::Record;
use hizo_vault::manifest::{Entry, Kind};
use serde_json::{Map, Value, json};

use super::{Compared, Difference, Field};
use crate::Setting;
use crate::contents::{Listed, Opened, deposit_of};
use crate::failure::{Outcome, shown_bytes};
use crate::view::View;
use crate::words::{Language, Words, words};

/// Show what is different between two deposits
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The earlier deposit: its id or its first digits, latest:NAME, or NAME:NUMBER
    a: String,
    /// The later deposit
    b: String,
}

pub(crate) fn run(setting: &Setting, arguments: &Arguments) -> Outcome<()> {
    let safe = setting.safe_at_hand()?;
    let keyring = setting.unlock(&safe)?;
    let opened = Opened { safe: &safe, keyring: &keyring };
    let view = View::of(opened)?;
    let (a, b) = (setting.find(&view, opened, &arguments.a)?, setting.find(&view, opened, &arguments.b)?);
    let (before, after) = (opened.list(a)?, opened.list(b)?);
    let difference = super::compare(Compared::of(&before)?, Compared::of(&after)?)?;
    let side = |record: &Record| -> Outcome<Value> {
        Ok(json!({ "deposit": record.id().to_string(), "number": deposit_of(record)?.k }))
    };
    let result = as_json(side(a)?, side(b)?, &difference);
    let language = setting.console.language;
    setting.console.result(result, |out| lines(&difference, language).try_for_each(|line| writeln!(out, "{line}")));
    Ok(())
}

fn as_json(a: Value, b: Value, difference: &Difference) -> Value {
    let entries = |entries: &[Listed]| entries.iter().map(|entry| named("path", entry)).collect::<Vec<_>>();
    let words = |fields: &[Field]| fields.iter().map(|field| field.word()).collect::<Vec<_>>();
    let changed = difference.changed.iter().map(|change| {
        let mut object = named("path", &change.after);
        object.insert("changed".into(), words(&change.fields).into());
        object
    });
    let renamed = difference.renamed.iter().map(|change| {
        let mut object = named("from", &change.before);
        object.remove("kind");
        object.extend(named("to", &change.after));
        object.insert("changed".into(), words(&change.fields).into());
        object
    });
    let mut object = json!({
        "a": a, "b": b, "same": difference.same,
        "added": entries(&difference.added), "removed": entries(&difference.removed),
        "changed": changed.collect::<Vec<_>>(), "renamed": renamed.collect::<Vec<_>>(),
    });
    if !difference.root.is_empty() {
        object["root"] = words(&difference.root).into();
    }
    object
}

/// A path under this key; one that is not text comes as base64 too.
fn named(key: &str, entry: &Entry) -> Map<String, Value> {
    let mut object = Map::new();
    object.insert(key.into(), String::from_utf8_lossy(&entry.path).into());
    if std::str::from_utf8(&entry.path).is_err() {
        object.insert(format!("{key}_base64"), crate::home::base64(&entry.path).into());
    }
    let kind = match entry.kind {
        Kind::File(_) => "file",
        Kind::HardLink { .. } => "hard link",
        Kind::Symlink { .. } => "link",
        Kind::Directory => "folder",
    };
    object.insert("kind".into(), kind.into());
    object
}

fn lines(difference: &Difference, language: Language) -> impl Iterator<Item = String> {
    let say = |words: Words| words.to(language).to_owned();
    let line = |word: Words, text: &str| format!("{:<8} {text}", word.to(language));
    let path = |entry: &Entry| shown_bytes(&entry.path);
    let fields = |fields: &[Field]| {
        let named: Vec<String> = fields.iter().map(|field| say(field_name(*field))).collect();
        match (named.is_empty(), language) {
            (true, _) => String::new(),
            (false, Language::English) => format!(" ({})", named.join(", ")),
            (false, Language::Japanese) => format!("（{}）", named.join("、")),
        }
    };
    let mut lines = Vec::new();
    lines.extend(difference.added.iter().map(|entry| line(words!("added", "追加"), &path(entry))));
    lines.extend(difference.removed.iter().map(|entry| line(words!("removed", "削除"), &path(entry))));
    lines.extend(difference.renamed.iter().map(|change| {
        let text = format!("{} -> {}{}", path(&change.before), path(&change.after), fields(&change.fields));
        line(words!("renamed", "改名"), &text)
    }));
    if difference.root_is_worth_telling() {
        lines.push(line(words!("changed", "変更"), &format!(".{}", fields(&difference.root))));
    }
    let (folders, changed): (Vec<_>, Vec<_>) =
        difference.changed.iter().partition(|change| change.is_only_the_time_of_a_folder());
    lines.extend(
        changed.into_iter().map(|change| {
            line(words!("changed", "変更"), &format!("{}{}", path(&change.after), fields(&change.fields)))
        }),
    );
    let (count, same) = (folders.len(), difference.same);
    if count > 0 {
        lines.push(say(words!(
            "{count} folders have another time of last change, and nothing else",
            "ほかに{count}個のフォルダーは、更新日時だけが違います"
        )));
    }
    lines.push(say(words!("{same} entries are the same", "{same}件は同じです")));
    lines.into_iter()
}

pub(super) fn field_name(field: Field) -> Words {
    match field {
        Field::Kind => words!("kind", "種類"),
        Field::Content => words!("content", "中身"),
        Field::Target => words!("target", "リンク先"),
        Field::Mode => words!("mode", "アクセス権"),
        Field::Time => words!("time", "更新日時"),
        Field::Attributes => words!("attributes", "属性"),
    }
}
