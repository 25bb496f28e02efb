//! `hizo hand-over print` and `hizo hand-over taken`: for whoever receives without hizo.

use std::path::{Path, PathBuf};

use hizo_vault::event::Event;
use hizo_vault::event::handover::UnverifiedItem;
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::consent::{items, record_of};
use super::filling::contents;
use super::must_be_company;
use crate::console;
use crate::contents::{Chosen, Opened};
use crate::failure::{Failure, Kind, Outcome, shown, shown_bytes};
use crate::features::restore::{self, restore};
use crate::folder::staging::Staging;
use crate::handover::guard;
use crate::hashing::hex;
use crate::membership::Appended;
use crate::paper::form::Form;
use crate::safe;
use crate::side::Side;
use crate::words::{self, Language, Words, words};
use crate::{Setting, parties, sides};

/// The list that `sha256sum -c` checks.
const SUMS: &str = "SHA256SUMS";

/// What checks the same list on a machine without `sha256sum`.
const WINDOWS: [(&str, &str); 2] = [("check.cmd", include_str!("check.cmd")), ("check.ps1", include_str!("check.ps1"))];

/// Lay items of a case out, in the clear, in a folder that checks itself, with a printed index to be signed: for a receiver without hizo
#[derive(Debug, clap::Args)]
pub(crate) struct PrintArguments {
    /// What is handed over: a deposit as in `hizo restore`, or one path in it: DEPOSIT//PATH
    #[arg(required = true, value_name = "ITEM")]
    items: Vec<String>,
    /// What the receiver is called
    #[arg(long, value_name = "NAME")]
    receiver_name: String,
    /// What the receiver may use it for
    #[arg(long, value_name = "TEXT")]
    purpose: String,
    /// The folder to make, on a disk that you hand over
    #[arg(long, value_name = "DIR")]
    to: PathBuf,
}

/// Write down that a printed hand-over was taken, with the receiver's own number
#[derive(Debug, clap::Args)]
pub(crate) struct TakenArguments {
    /// The deposits of which it was
    #[arg(required = true, value_name = "DEPOSIT")]
    deposits: Vec<String>,
    /// What the receiver is called
    #[arg(long, value_name = "NAME")]
    receiver_name: String,
    /// His own number for it
    #[arg(long, value_name = "NUMBER")]
    reference: String,
    /// Who took it, where
    #[arg(long, value_name = "TEXT", default_value = "")]
    note: String,
}

/// A file that lies there: below the folder, as long as it is, and its SHA-256.
struct Laid {
    path: Vec<u8>,
    bytes: u64,
    sha256: [u8; 32],
}

/// What is printed for whom.
pub(super) struct Printing<'a> {
    pub receiver_name: &'a str,
    pub purpose: &'a str,
    pub to: &'a Path,
}

/// A folder that was laid out.
pub(super) struct Printed {
    pub files: usize,
    /// SHA-256 of the list, as it stands in the index.
    pub sums: String,
}

/// Lays items of a case out for a receiver without hizo: the whole folder, or nothing.
pub(super) fn print_items(case: &Side, chosen: &[UnverifiedItem], printing: &Printing) -> Outcome<Printed> {
    sides::refuse_blocked(case, parties::own(case.opened())?)?;
    guard(&case.safe, &case.keyring, &case.identity)?;
    must_be_company(case)?;
    let staging = Staging::begin(printing.to)?;
    let made = lay_out(case.opened(), chosen, &staging)
        .and_then(|laid| Ok((laid.len(), write_index(case, printing, chosen, &laid, &staging)?)));
    match made {
        Ok((files, sums)) => {
            staging.settle()?;
            Ok(Printed { files, sums })
        }
        Err(failure) => {
            staging.discard();
            Err(failure)
        }
    }
}

pub(super) fn print(setting: &Setting, arguments: &PrintArguments) -> Outcome<()> {
    let case = Side::of(setting)?;
    let chosen = items(setting, case.opened(), &arguments.items)?;
    let (receiver_name, purpose, to) = (&arguments.receiver_name, &arguments.purpose, &arguments.to);
    let Printed { files, sums } = print_items(&case, &chosen, &Printing { receiver_name, purpose, to })?;
    let result = json!({
        "to": to.to_string_lossy(), "files": files, "sums": sums, "items": chosen.iter().map(as_json).collect::<Vec<_>>(),
    });
    setting.console.result(result, |out| {
        let (to, files) = (shown(to), words::files(files as u64));
        let done = words!(
            "{files} in the clear in {to}; print handed-over.pdf, and have it signed",
            "{files}を、封をせずに {to} に置きました。handed-over.pdf を印刷して、署名をもらってください",
            to = to;
            files
        );
        writeln!(out, "{}", setting.console.say(done))
    });
    setting.console.note(words!(
        "whoever has this folder reads it. The receiver checks it with `sha256sum -c SHA256SUMS`, on Windows with check.cmd; with his number, run `hizo hand-over taken`",
        "このフォルダーを持つ人は、誰でも中を読めます。受け取り先は `sha256sum -c SHA256SUMS`、Windows では check.cmd で確かめられます。受領番号をもらったら `hizo hand-over taken` を実行してください"
    ));
    Ok(())
}

fn as_json(item: &UnverifiedItem) -> serde_json::Value {
    json!({ "deposit": item.deposit, "paths": item.paths })
}

/// Lays every item out in a folder of its own, and says what lies there: each file is the one committed to.
fn lay_out(opened: Opened, chosen: &[UnverifiedItem], staging: &Staging) -> Outcome<Vec<Laid>> {
    let mut laid = Vec::new();
    for (number, item) in (1..).zip(chosen) {
        let record = record_of(opened, item)?;
        let paths: Vec<Vec<u8>> = item.paths.iter().map(|path| path.as_bytes().to_vec()).collect();
        let folder = format!("item-{number}");
        let request = restore::Request::private(staging.folder().join(&folder), paths.clone());
        let restored = restore(opened, record, &request, &())?;
        restored.shortfall().map_or(Ok(()), Err)?;
        for (path, (sha256, bytes)) in contents(opened, record, Chosen(&paths))? {
            laid.push(Laid { path: [folder.as_bytes(), b"/", &path].concat(), bytes, sha256 });
        }
    }
    Ok(laid)
}

/// A line of the list as `sha256sum` writes it: a name with a backslash or a line's end is escaped, and the line begins with one.
fn line_of(laid: &Laid) -> Vec<u8> {
    let mut name = Vec::new();
    let mut is_escaped = false;
    for byte in &laid.path {
        match byte {
            b'\\' => name.extend(b"\\\\"),
            b'\n' => name.extend(b"\\n"),
            b'\r' => name.extend(b"\\r"),
            other => name.push(*other),
        }
        is_escaped |= matches!(byte, b'\\' | b'\n' | b'\r');
    }
    let mark: &[u8] = if is_escaped { b"\\" } else { b"" };
    [mark, hex(&laid.sha256).as_bytes(), b"  ", &name, b"\n"].concat()
}

/// Writes the list and the index to print; the hash of the list, which stands in the index.
fn write_index(
    case: &Side,
    printing: &Printing,
    chosen: &[UnverifiedItem],
    laid: &[Laid],
    staging: &Staging,
) -> Outcome<String> {
    let list: Vec<u8> = laid.iter().flat_map(line_of).collect();
    let sums = hex(&Sha256::digest(&list));
    let index = index(case, printing, chosen, laid, &sums)?;
    let checks = WINDOWS.map(|(name, text)| (name, text.replace('\n', "\r\n").into_bytes()));
    let files = checks.into_iter().chain([("handed-over.pdf", index), (SUMS, list)]);
    for (name, bytes) in files {
        staging.lay(Path::new(name), &bytes).map_err(|error| Failure::file("write", Path::new(name), error))?;
    }
    Ok(sums)
}

fn index(case: &Side, printing: &Printing, chosen: &[UnverifiedItem], laid: &[Laid], sums: &str) -> Outcome<Vec<u8>> {
    let (space, head) = (case.safe.home.space, case.safe.chain.head().number);
    let mut form = Form::new(format!("{space} {head}"))?;
    let title = words!("Index of a hand-over", "引き渡し目録");
    for language in [Language::Japanese, Language::English] {
        form.begin(language, &title, &format!("hizo/paper/v1 hand-over {space} {head} {sums}"));
        form.row(&words!("Receiver", "受け取り先"), printing.receiver_name);
        form.row(&words!("Purpose", "目的"), printing.purpose);
        form.row(&words!("Printed", "印刷"), safe::now()?.as_str().get(..10).unwrap_or_default());
        form.row(&words!("Files", "ファイル数"), &laid.len().to_string());
        form.row(&words!("SHA-256 of SHA256SUMS", "SHA256SUMS の SHA-256"), sums);
        form.note(&words!(
            "The disk holds exactly the files below. Whoever has it checks them by himself: on Linux and macOS `sha256sum -c SHA256SUMS` in its folder, on Windows check.cmd. That the list is the one meant here, its own hash above says.",
            "媒体にあるのは、下のファイルだけです。受け取った人が自分で確かめられます。Linux と macOS では、フォルダーの中で `sha256sum -c SHA256SUMS`、Windows では check.cmd を実行します。一覧がこの目録のものであることは、上の値で分かります。"
        ));
        for (number, item) in (1..).zip(chosen) {
            form.heading(&words!("Item {number}", "資料 {number}", number = number));
            form.row(&words!("Deposit", "預け入れ"), &item.deposit);
            let folder = format!("item-{number}/");
            for file in laid.iter().filter(|file| file.path.starts_with(folder.as_bytes())) {
                form.row(
                    &Words::from(shown_bytes(&file.path)),
                    &format!("{}\n{}", console::bytes(file.bytes), hex(&file.sha256)),
                );
            }
        }
        form.heading(&words!("To be filled in", "記入欄"));
        form.blank(&words!("Receiver's number", "受領番号"), 1);
        form.blank(&words!("Disk, its number", "媒体・番号"), 1);
        form.seal(&words!("Handed over by", "渡した人"));
        form.seal(&words!("Received by", "受け取った人"));
    }
    form.finish(&format!("{} · {} · {space}", title.japanese(), title.english()))
}

/// Writes down that a printed hand-over of these deposits was taken.
pub(super) fn say_taken(
    case: &mut Side,
    deposits: Vec<String>,
    receiver_name: &str,
    reference: &str,
    note: &str,
) -> Outcome<Appended> {
    guard(&case.safe, &case.keyring, &case.identity)?;
    sides::refuse_blocked(case, parties::own(case.opened())?)?;
    let (receiver_name, reference) = (receiver_name.trim().to_owned(), reference.trim().to_owned());
    if reference.is_empty() || receiver_name.is_empty() {
        return Err(Failure::new(
            Kind::Usage,
            words!(
                "a printed hand-over is taken by somebody, under a number",
                "書面での受領には、相手と受領番号が必要です"
            ),
        )
        .hint(words!(
            "Give the receiver's own number with --reference.",
            "受け取り先の番号を --reference で指定してください。"
        )));
    }
    case.say(vec![Event::AcceptedPaper { receiver_name, deposits, reference, note: note.to_owned() }])
}

pub(super) fn taken(setting: &Setting, arguments: &TakenArguments) -> Outcome<()> {
    let mut case = Side::of(setting)?;
    let named = items(setting, case.opened(), &arguments.deposits)?;
    let deposits: Vec<String> = named.into_iter().map(|item| item.deposit).collect();
    let (receiver, reference) = (&arguments.receiver_name, arguments.reference.trim());
    let appended = say_taken(&mut case, deposits.clone(), receiver, reference, &arguments.note)?;
    let result = json!({
        "record": appended.id.to_string(), "receiver_name": receiver, "reference": reference, "deposits": deposits,
    });
    setting.console.result(result, |out| {
        let done = words!(
            "written down: {receiver} took it under {reference}. It is your word, no signature of the receiver",
            "記録しました: {receiver} が受領番号 {reference} で受け取りました。これはあなたの記録で、受け取り先の署名ではありません",
            receiver = shown_bytes(receiver.as_bytes()),
            reference = shown_bytes(reference.as_bytes())
        );
        writeln!(out, "{}", setting.console.say(done))
    });
    appended.promised
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_escaped_in_the_list_as_sha256sum_reads_it() {
        let line = |path: &[u8]| {
            String::from_utf8(line_of(&Laid { path: path.to_vec(), bytes: 0, sha256: [0xab; 32] })).unwrap()
        };
        let sum = "ab".repeat(32);
        assert_eq!(line(b"item-1/a b.txt"), format!("{sum}  item-1/a b.txt\n"));
        assert_eq!(line(b"item-1/a\\b\nc"), format!("\\{sum}  item-1/a\\\\b\\nc\n"));
    }
}
