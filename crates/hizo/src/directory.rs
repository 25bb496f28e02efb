//! The directory of organisations that this machine has installed: what it says of one that somebody acts for.
//!
//! See docs/spec/directory.md.

use std::path::Path;

use hizo_ledger::directory::{Directory, Entry, Purpose};
use hizo_ledger::log::note::NOTE_BYTES_MAX;
use hizo_vault::organisation::Card;

use crate::failure::{Failure, Kind, Outcome, shown};
use crate::home::{Home, damaged};
use crate::people::shown_organisation;
use crate::words::{Words, words};
use crate::{bundle, safe};

/// The directory that was installed, with its note.
pub(crate) fn installed(home: &Home) -> Outcome<Option<(Directory, Vec<u8>)>> {
    let path = home.directory_file();
    if !path.exists() {
        return Ok(None);
    }
    let note = bundle::read(&path, NOTE_BYTES_MAX)?;
    let directory = Directory::verify(&note).map_err(|error| damaged(&path).source(error))?;
    Ok(Some((directory, note)))
}

/// The one that counts for what happens in this home: its own, else that of the home in which it lies.
fn consulted(home: &Home) -> Outcome<Option<Directory>> {
    let own = installed(home)?;
    let found = own.map_or_else(|| home.around()?.as_ref().map_or(Ok(None), installed), |own| Ok(Some(own)))?;
    Ok(found.map(|(directory, _)| directory))
}

/// Reads a directory from anywhere; whose it is, is not asked here.
pub(crate) fn read(path: &Path) -> Outcome<(Directory, Vec<u8>)> {
    let note = bundle::read(path, NOTE_BYTES_MAX)?;
    let directory = Directory::verify(&note).map_err(|error| {
        let file = shown(path);
        Failure::untrue(words!(
            "{file} is no directory that holds: {error}",
            "{file} は機関の名簿として正しくありません（{error}）"
        ))
        .hint(words!("Fetch it once more.", "もう一度入手してください。"))
        .source(error)
    })?;
    Ok((directory, note))
}

/// What the directory says of an organisation: its card, if that has this key; nothing where it is not there, or no directory is.
///
/// # Errors
/// Exit code 5 when it is there under another key; also when it stands in a sample, by which nothing is sealed.
pub(crate) fn card_of(home: &Home, brought: &Card, warn: impl FnOnce(Words)) -> Outcome<Option<Card>> {
    let Some(directory) = consulted(home)? else { return Ok(None) };
    if directory.is_good_at(safe::now()?).is_err() {
        warn(words!(
            "the directory was good until {until} and counts no more; install the next one",
            "機関の名簿の期限（{until}）が過ぎたため、使いません。次の名簿を取り込んでください",
            until = directory.valid_until
        ));
        return Ok(None);
    }
    let is_called = |entry: &&Entry| entry.name == brought.name || entry.name_ja == brought.name_ja;
    let by_key = directory.entries.iter().find(|entry| entry.key == brought.key);
    let organisation = shown_organisation(brought);
    match by_key.or_else(|| directory.entries.iter().find(is_called)) {
        None => Ok(None),
        Some(_) if directory.purpose == Purpose::Sample => Err(Failure::fixable(words!(
            "{organisation} stands in a sample directory, by which nothing is sealed",
            "{organisation}は見本の名簿にある機関なので、加えられません";
            organisation
        ))
        .hint(words!("Install the real directory.", "正式な名簿を取り込んでください。"))),
        Some(entry) if entry.key != brought.key => Err(Failure::new(
            Kind::Lying,
            words!(
                "the directory has another key for {organisation}",
                "機関の名簿にある{organisation}の鍵と違います";
                organisation
            ),
        )
        .hint(words!(
            "Somebody puts his own organisation in its place, or it has a new key: ask it, by a number from the directory. Nobody was let in.",
            "誰かがなりすましているか、機関の鍵が替わっています。名簿にある連絡先に確かめてください。誰も加えていません。"
        ))),
        Some(Entry { key, name, name_ja, .. }) => {
            Ok(Some(Card { name: name.clone(), name_ja: name_ja.clone(), key: *key }))
        }
    }
}
