//! Being a witness for the logs of others: it needs no safe, only a folder that remembers what was cosigned.
//!
//! See docs/spec/witness.md.

mod add;
pub(crate) mod command;
mod init;
mod run;

use std::path::Path;

use hizo_keeper::witness::Error;
use hizo_ledger::log::note::NamedKey;
use hizo_store::published;

use crate::failure::{Failure, Kind, Outcome, shown};
use crate::words::words;

/// Verifier keys as C2SP writes them.
fn keys(keys: &[NamedKey; 2]) -> [String; 2] {
    keys.each_ref().map(NamedKey::to_string)
}

/// What went wrong with a witness's folder.
fn failed(folder: &Path, error: Error) -> Failure {
    let path = shown(folder);
    match error {
        Error::NotSetUp => Failure::fixable(words!("there is no witness in {path}", "{path} に立会人はいません"))
            .hint(words!("Run `hizo witness init` first.", "先に `hizo witness init` を実行してください。")),
        Error::AlreadySetUp => Failure::fixable(words!(
            "there is a witness of another name in {path} already",
            "{path} には、すでに別の名前の立会人がいます"
        ))
        .hint(words!(
            "Nothing was changed. Name another folder.",
            "何も変更していません。別のフォルダーを指定してください。"
        )),
        Error::Running => Failure::fixable(words!(
            "another process runs the witness in {path}",
            "{path} の立会人は、別のプロセスで動いています"
        ))
        .hint(words!("Stop it first.", "先にそれを止めてください。")),
        Error::Name => Failure::new(
            Kind::Usage,
            words!(
                "a witness's name has 1 to 255 bytes, no white space and no +",
                "立会人の名前は1~255バイトで、空白と + は使えません"
            ),
        )
        .hint(words!("Name it like witness.example/1.", "witness.example/1 のような名前にしてください。")),
        Error::NotALog => Failure::fixable(words!(
            "this is the key of a witness, not of a log",
            "これは立会人の鍵で、台帳の鍵ではありません"
        ))
        .hint(words!("`hizo log` shows the key of a log.", "台帳の鍵は `hizo log` で表示されます。")),
        Error::KnownKey => Failure::fixable(words!(
            "this witness trusts that key already, under another name",
            "この鍵は、別の名前ですでに信頼しています"
        ))
        .hint(words!("Look at the file logs in {path}.", "{path} の logs というファイルを見てください。")),
        Error::TooManyKeys => Failure::fixable(words!(
            "this witness trusts as many keys of that log as it may",
            "この台帳の鍵は、もうこれ以上信頼できません"
        ))
        .hint(words!("Look at the file logs in {path}.", "{path} の logs というファイルを見てください。")),
        Error::Key | Error::Logs(_) => Failure::untrue(words!(
            "the witness in {path} is damaged: {error}",
            "{path} の立会人のファイルが壊れています（{error}）"
        ))
        .hint(words!(
            "Do not make a new one under this name: put its files back, but `public` only as it was last.",
            "同じ名前で作り直さず、ファイルを控えから戻してください。ただし public は最後の状態のものに限ります。"
        )),
        Error::File { source, .. } | Error::Store(published::Error::Disk { source, .. }) => {
            Failure::file("write to", folder, source)
        }
        Error::Store(error @ published::Error::Refused { .. }) => Failure::internal(error),
    }
}

/// A log's verifier key that a person gave.
fn log_key(text: &str) -> Outcome<NamedKey> {
    NamedKey::parse(text).map_err(|error| {
        Failure::fixable(words!("this is no verifier key", "これは検証鍵ではありません"))
            .hint(words!(
                "It has the form name+id+key; `hizo log` shows the key of a log.",
                "「名前+ID+鍵」の形です。台帳の鍵は `hizo log` で表示されます。"
            ))
            .source(error)
    })
}
