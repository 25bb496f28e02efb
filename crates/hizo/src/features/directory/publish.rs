//! `hizo directory publish`

use std::path::{Path, PathBuf};

use hizo_ledger::directory::{Directory, Entry, Purpose, TERM_SECONDS_MAX};
use hizo_ledger::log::note::NOTE_BYTES_MAX;
use hizo_ledger::record::ClaimedTime;
use hizo_vault::keys::PublisherSeed;
use serde_json::json;

use crate::entropy::SystemEntropy;
use crate::failure::{Failure, Outcome, shown};
use crate::home::{self, Home, IDENTITY_BYTES_MAX};
use crate::words::words;
use crate::{Setting, bundle, directory, safe};

/// The publisher's key, sealed; its public half, to be handed out; the directory that was published last.
const KEY_FILE: &str = "publisher.age";
const PUBLIC_KEY_FILE: &str = "publisher.key";
const PUBLISHED_FILE: &str = "directory.published";

/// Make the next directory out of a file of entries, and sign it
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The entries, six lines for each organisation, as docs/spec/directory.md shows
    #[arg(value_name = "ENTRIES")]
    entries: PathBuf,
    /// A directory to be looked at: nothing is sealed by it
    #[arg(long)]
    sample: bool,
    /// The file to write the directory to, to be deposited, proved and published
    #[arg(long, value_name = "FILE")]
    to: PathBuf,
}

pub(super) fn run(setting: &Setting, arguments: &Arguments) -> Outcome<()> {
    let home = setting.home()?;
    let passphrase = setting.read_passphrase()?;
    safe::open_identity(&home, &passphrase)?;
    let key = key(&home, &passphrase)?.signing_key();
    let published = home.folder().join(PUBLISHED_FILE);
    let last = published.exists().then(|| directory::read(&published)).transpose()?;
    let last = last.map(|(directory, note)| directory.seen(&note));
    let issued = safe::now()?;
    let until = ClaimedTime::from_unix_seconds(issued.unix_seconds() + TERM_SECONDS_MAX).map_err(Failure::internal)?;
    let directory = Directory {
        publisher: key.verifying_key(),
        serial: last.map_or(1, |last| last.serial.saturating_add(1)),
        previous: last.map(|last| last.id),
        purpose: if arguments.sample { Purpose::Sample } else { Purpose::Real },
        issued,
        valid_until: until,
        entries: entries(&arguments.entries)?,
    };
    let note = directory.note(&key.sign(directory.text().as_bytes())).map_err(|error| {
        Failure::fixable(words!("that would be no directory: {error}", "その内容では名簿になりません（{error}）"))
            .hint(words!("Look at the entries.", "項目を確かめてください。"))
            .source(error)
    })?;
    // A number that was handed out is never given to another note.
    home::replace(&published, note.as_bytes())?;
    home::write_to_send(&arguments.to, note.as_bytes())?;
    let (serial, file) = (directory.serial, shown(&arguments.to));
    let key_file = home.folder().join(PUBLIC_KEY_FILE);
    let result = json!({
        "directory": arguments.to.to_string_lossy(), "serial": serial, "until": until.to_string(),
        "organisations": directory.entries.len(), "key": key_file.to_string_lossy(),
    });
    setting.console.result(result, |out| {
        let made = words!(
            "directory {serial} written to {file}, good until {until}",
            "機関の名簿 第{serial}号を {file} に書きました（{until} まで有効）"
        );
        writeln!(out, "{}", setting.console.say(made))
    });
    setting.console.note(words!(
        "next: deposit it, make a proof of that deposit, and publish both; {key} is the key that others install, by another way",
        "次に: 名簿を預け、その証明を作り、2つを公開してください。{key} がほかの人の取り込む鍵です。別の方法で渡してください",
        key = shown(&key_file)
    ));
    Ok(())
}

/// The publisher's key; drawn with the first directory.
fn key(home: &Home, passphrase: &str) -> Outcome<PublisherSeed> {
    let path = home.folder().join(KEY_FILE);
    if path.exists() {
        return PublisherSeed::open(bundle::read(&path, IDENTITY_BYTES_MAX)?, passphrase).map_err(|error| {
            Failure::fixable(words!(
                "the passphrase does not open {path}",
                "パスフレーズが違うため、{path} を開けません",
                path = shown(&path)
            ))
            .hint(words!(
                "It is the one with which the first directory was published.",
                "最初の名簿を公開したときのパスフレーズです。"
            ))
            .source(error)
        });
    }
    let seed = PublisherSeed::generate(&mut SystemEntropy);
    home::write_new(&path, seed.seal(passphrase, &mut SystemEntropy).as_bytes())?;
    let line = format!("{}\n", seed.signing_key().verifying_key());
    home::replace(&home.folder().join(PUBLIC_KEY_FILE), line.as_bytes())?;
    Ok(seed)
}

/// The entries of a file, in the order that a directory has.
fn entries(path: &Path) -> Outcome<Vec<Entry>> {
    let bytes = bundle::read(path, NOTE_BYTES_MAX)?;
    let mut entries = String::from_utf8(bytes).ok().and_then(|text| Entry::parse_all(&text)).ok_or_else(|| {
        let file = shown(path);
        Failure::fixable(words!("{file} holds no entries", "{file} を名簿の項目として読めません")).hint(words!(
            "docs/spec/directory.md shows how they are written.",
            "書き方は docs/spec/directory.md にあります。"
        ))
    })?;
    entries.sort_by_key(|entry| entry.key);
    Ok(entries)
}
