//! `hizo directory publish`

use std::fs;
use std::path::{Path, PathBuf};

use hizo_ledger::directory::{Directory, Entry, Purpose, Seen, TERM_SECONDS_MAX};
use hizo_ledger::log::note::NOTE_BYTES_MAX;
use hizo_ledger::record::ClaimedTime;
use hizo_vault::keys::{PublisherKey, PublisherSeed};
use serde_json::json;

use super::sample;
use crate::entropy::SystemEntropy;
use crate::failure::{Failure, Outcome, shown};
use crate::home::{self, Home, IDENTITY_BYTES_MAX, ToSend};
use crate::words::words;
use crate::{Setting, bundle, directory, passphrase, safe, system};

/// The publisher's key, sealed; its public half, to be handed out; every directory that was published, under its number.
const KEY_FILE: &str = "publisher.age";
const PUBLIC_KEY_FILE: &str = "publisher.key";
const PUBLISHED_FOLDER: &str = "published";

/// Make the next directory out of a file of entries, and sign it
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The entries, six lines for each organisation, as docs/spec/directory.md shows; a sample without them is the one that comes along
    #[arg(value_name = "ENTRIES", required_unless_present = "sample")]
    entries: Option<PathBuf>,
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
    let published = home.folder().join(PUBLISHED_FOLDER);
    system::create_private_directory(&published)
        .map_err(|error| Failure::file("make the folder", &published, error))?;
    // Of two processes at once each makes a directory with a number of its own.
    let _turn = home::lock(&published.join("lock"))?;
    let purpose = if arguments.sample { Purpose::Sample } else { Purpose::Real };
    let entries = arguments.entries.as_deref().map_or_else(sample::entries, entries)?;
    let note = compose(&key, last(&published)?, purpose, entries)?;
    let directory = Directory::verify(note.as_bytes()).map_err(Failure::internal)?;
    let until = directory.valid_until;
    // A number that was handed out is never given to another note, and no number is used up by what nobody is given.
    let to_send = ToSend::reserve(&arguments.to)?;
    let kept = published.join(directory.serial.to_string());
    home::replace(&kept, note.as_bytes())?;
    to_send.write(note.as_bytes()).map_err(|failure| {
        failure.hint(words!(
            "The directory was made: it lies in {kept}. Copy it from there; the next one goes on from it.",
            "名簿は作られ、{kept} にあります。そこからコピーしてください。次の名簿はその続きになります。",
            kept = shown(&kept)
        ))
    })?;
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

/// The note of the directory that goes on from `last`, good from now on for as long as one can be.
pub(super) fn compose(
    key: &PublisherKey,
    last: Option<Seen>,
    purpose: Purpose,
    entries: Vec<Entry>,
) -> Outcome<String> {
    let issued = safe::now()?;
    let until = ClaimedTime::from_unix_seconds(issued.unix_seconds() + TERM_SECONDS_MAX).map_err(Failure::internal)?;
    let directory = Directory {
        publisher: key.verifying_key(),
        serial: last.map_or(1, |last| last.serial.saturating_add(1)),
        previous: last.map(|last| last.id),
        purpose,
        issued,
        valid_until: until,
        entries,
    };
    directory.note(&key.sign(directory.text().as_bytes())).map_err(|error| {
        Failure::fixable(words!("that would be no directory: {error}", "その内容では名簿になりません（{error}）"))
            .hint(words!("Look at the entries.", "項目を確かめてください。"))
            .source(error)
    })
}

/// What the next directory goes on from: the last one, if there was one.
fn last(published: &Path) -> Outcome<Option<Seen>> {
    let failed = |error| Failure::file("read", published, error);
    let mut numbers: Vec<u64> = Vec::new();
    for entry in fs::read_dir(published).map_err(failed)? {
        // Anything else is the lock, or a file that was being written.
        numbers.extend(entry.map_err(failed)?.file_name().to_str().and_then(|name| name.parse::<u64>().ok()));
    }
    let Some(number) = numbers.into_iter().max() else { return Ok(None) };
    let (directory, note) = directory::read(&published.join(number.to_string()))?;
    Ok(Some(directory.seen(&note)))
}

/// The publisher's key; drawn with the first directory.
fn key(home: &Home, given: &str) -> Outcome<PublisherSeed> {
    let path = home.folder().join(KEY_FILE);
    if path.exists() {
        return PublisherSeed::open(bundle::read(&path, IDENTITY_BYTES_MAX)?, given).map_err(|error| {
            let hint = words!(
                "It is the one with which the first directory was published.",
                "最初の名簿を公開したときのパスフレーズです。"
            );
            passphrase::does_not_open(&path, hint, error)
        });
    }
    let seed = PublisherSeed::generate(&mut SystemEntropy);
    home::write_new(&path, seed.seal(given, passphrase::work_factor(), &mut SystemEntropy).as_bytes())?;
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
