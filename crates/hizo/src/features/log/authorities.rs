//! `hizo log authorities`

use std::collections::BTreeSet;
use std::path::PathBuf;

use hizo_ledger::timestamp::Authority;
use serde_json::{Value, json};

use crate::Setting;
use crate::failure::{Failure, Outcome, shown};
use crate::home::Home;
use crate::stamps;
use crate::words::words;

/// Name the time-stamp authorities that are asked; without a file, show them
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// A list of time-stamp authorities; it takes the place of the one before
    file: Option<PathBuf>,
}

pub(crate) fn run(setting: &Setting, arguments: &Arguments) -> Outcome<()> {
    let home = Home::open(&setting.home_folder()?)?;
    if let Some(file) = &arguments.file {
        let (text, list) = stamps::read_list(file)?;
        check(file, &list)?;
        home.keep_authorities(&text)?;
    }
    let list = home.authorities()?;
    let console = setting.console;
    console.result(json!({ "authorities": list.iter().map(as_json).collect::<Vec<_>>() }), |out| {
        if list.is_empty() && !console.quiet {
            let none = words!(
                "no authority is asked for stamps: a proof has the keeper's own only",
                "時刻認証局は登録されていません。証明には自分で押したタイムスタンプだけが付きます"
            );
            return writeln!(out, "{}", console.say(none));
        }
        list.iter().try_for_each(|authority| {
            let name = authority.name();
            let line = match authority.url() {
                Some(url) => words!("{name}: asked at {url}", "{name}: {url} に求めます"),
                None => words!("{name}: not asked, its stamps count", "{name}: 求めませんが、押されたものは数えます"),
            };
            writeln!(out, "{}", console.say(line))
        })
    });
    Ok(())
}

/// What a list must be besides well written: each name can name files and stands once, and each address can be asked.
fn check(file: &std::path::Path, list: &[Authority]) -> Outcome<()> {
    let mut names = BTreeSet::new();
    for authority in list {
        let (path, name) = (shown(file), shown(std::path::Path::new(authority.name())));
        if !stamps::is_plain(authority.name()) {
            return Err(Failure::fixable(words!(
                "{path}: {name} cannot be the name of an authority",
                "{path}: 「{name}」は時刻認証局の名前に使えません"
            ))
            .hint(words!(
                "A name has 1 to 64 of the characters A-Z a-z 0-9 - _, and is not \"self\".",
                "名前は A-Z a-z 0-9 - _ の1~64文字です。self は使えません。"
            )));
        }
        if !names.insert(authority.name()) {
            return Err(Failure::fixable(words!(
                "{path} names {name} twice",
                "{path} に「{name}」が2回書かれています"
            ))
            .hint(words!("Give each a name of its own.", "別々の名前を付けてください。")));
        }
        if authority.url().is_some_and(|url| !url.starts_with("http://")) {
            return Err(Failure::fixable(words!(
                "{path}: the address of {name} is none that is asked",
                "{path}: 「{name}」のアドレスには求められません"
            ))
            .hint(words!(
                "Write an address that begins with http://; an answer is verified by its own signature.",
                "http:// で始まるアドレスを書いてください。応答は、その署名で確かめます。"
            )));
        }
    }
    Ok(())
}

fn as_json(authority: &Authority) -> Value {
    json!({
        "name": authority.name(),
        "url": authority.url(),
        "policy": authority.policy().map(ToString::to_string),
    })
}
