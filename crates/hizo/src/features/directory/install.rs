//! `hizo directory install`

use std::path::{Path, PathBuf};

use hizo_ledger::directory::{Directory, LOGGED_SECONDS_MAX, Refused, Seen};
use hizo_ledger::identity::VerifyingKey;
use hizo_ledger::proof::{Report, Verdict};
use hizo_ledger::timestamp::LIST_BYTES_MAX;
use serde_json::json;

use crate::failure::{Failure, Kind, Outcome, shown};
use crate::features::verify;
use crate::home::Home;
use crate::words::{Words, words};
use crate::{Setting, bundle, directory, home, safe};

/// Length of a file with a publisher's key, at most, in bytes.
const KEY_FILE_BYTES_MAX: usize = 1 << 10;

/// Length of a file of roots or a policy, at most, in bytes: it was read as one already.
const TRUSTED_BYTES_MAX: usize = LIST_BYTES_MAX;

/// Install the directory of organisations, or the next one, with the proof that it is logged
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The directory; where some came between it and the installed one, those first, in order
    #[arg(value_name = "FILE", required = true)]
    directories: Vec<PathBuf>,
    /// The proof that came with it, the last one: its folder, or its ZIP
    #[arg(long, value_name = "PROOF")]
    proof: PathBuf,
    /// Whose logs and witnesses you trust; not from who sent the directory
    #[arg(long, value_name = "FILE")]
    policy: PathBuf,
    /// Root certificates, as PEM, of the authorities whose stamps you trust; not from who sent the directory
    #[arg(long, value_name = "PEM")]
    roots: PathBuf,
    /// The publisher's key, for the first directory; not from who sent it
    #[arg(long, value_name = "FILE")]
    publisher: Option<PathBuf>,
}

pub(super) fn run(setting: &Setting, arguments: &Arguments) -> Outcome<()> {
    let home = setting.home()?;
    let given = arguments.publisher.as_deref().map(read_publisher).transpose()?;
    let by = Judged { proof: &arguments.proof, policy: &arguments.policy, roots: &arguments.roots };
    let new = take(&home, &arguments.directories, given, &by)?;
    let (serial, until, organisations) = (new.serial, new.valid_until, new.entries.len());
    let result = json!({ "serial": serial, "until": until.to_string(), "organisations": organisations });
    setting.console.result(result, |out| writeln!(out, "{}", setting.console.say(told(&new))));
    Ok(())
}

/// That a directory has been installed.
pub(super) fn told(new: &Directory) -> Words {
    words!(
        "directory {serial} installed: {organisations} organisations, good until {until}",
        "機関の名簿 第{serial}号を取り込みました（{organisations}件、{until} まで有効）",
        serial = new.serial,
        organisations = new.entries.len(),
        until = new.valid_until
    )
}

/// By what it is judged whether a directory is logged.
pub(super) struct Judged<'a> {
    pub(super) proof: &'a Path,
    pub(super) policy: &'a Path,
    pub(super) roots: &'a Path,
}

/// Takes directories in the place of the installed one, each of which goes on from the one before; the last is kept, with the policy and
/// the roots by which it was judged.
///
/// # Errors
/// The first rule of docs/spec/directory.md that one of them breaks; nothing is changed then.
pub(super) fn take(
    home: &Home,
    files: &[PathBuf],
    publisher: Option<VerifyingKey>,
    by: &Judged<'_>,
) -> Outcome<Directory> {
    let mut seen = directory::installed(home)?.map(|(before, bytes)| before.seen(&bytes));
    let mut last = None;
    for file in files {
        let (new, note) = directory::read(file)?;
        let before = seen.map_or_else(|| first(&new, &note, publisher), Ok)?;
        // Another key than the one that was installed is no way to install another.
        let is_ours = publisher.is_none_or(|given| given == before.publisher);
        let judged = if is_ours { new.goes_on_from(&note, &before) } else { Err(Refused::Publisher) };
        judged.map_err(|refused| {
            let failure = refuse(refused, &new, &before);
            if failure.kind == Kind::Lying {
                // It is evidence; what cannot be kept is still in the file that was named.
                let _ = home::replace(&home.refused_directory_file(), &note);
            }
            failure
        })?;
        seen = Some(new.seen(&note));
        last = Some((file, new, note, before));
    }
    let (file, new, note, before) = last.ok_or_else(|| Failure::internal_message("no directory is named"))?;
    new.is_good_at(safe::now()?).map_err(|refused| refuse(refused, &new, &before))?;
    let report = verify::verify(&verify::Request {
        bundle: by.proof,
        files: std::slice::from_ref(file),
        policy: Some(by.policy),
        roots: Some(by.roots),
        crls: None,
        receipt_key: None,
    })?;
    is_logged(&report)?;
    for (trusted, kept) in [(by.policy, home.directory_policy_file()), (by.roots, home.directory_roots_file())] {
        // The next one may be judged by the very files that are kept.
        if trusted != kept {
            home::replace(&kept, &bundle::read(trusted, TRUSTED_BYTES_MAX)?)?;
        }
    }
    home::replace(&home.directory_file(), &note)?;
    Ok(new)
}

/// Puts a first directory into a home without a proof: for whoever has made its publisher and everybody in it, as `hizo try --network` does.
///
/// # Errors
/// When it does not hold or is over, or another one is there.
pub(crate) fn lay_down(home: &Home, note: &[u8]) -> Outcome<()> {
    let new = Directory::verify(note).map_err(Failure::internal)?;
    let seen = directory::installed(home)?.map_or_else(|| new.seen(note), |(before, bytes)| before.seen(&bytes));
    new.follows(note, &seen, safe::now()?).map_err(|refused| refuse(refused, &new, &seen))?;
    home::replace(&home.directory_file(), note)
}

/// What the first directory is held against: the key that the person brought.
fn first(new: &Directory, note: &[u8], publisher: Option<VerifyingKey>) -> Outcome<Seen> {
    let publisher = publisher.ok_or_else(|| {
        Failure::new(
            Kind::Usage,
            words!("the first directory needs its publisher's key", "最初の名簿には、発行者の鍵が必要です"),
        )
        .hint(words!(
            "Name the key's file with --publisher; it comes by another way than the directory.",
            "鍵のファイルを --publisher で指定してください。名簿とは別の方法で受け取ったものです。"
        ))
    })?;
    Ok(Seen { publisher, ..new.seen(note) })
}

fn read_publisher(path: &Path) -> Outcome<VerifyingKey> {
    let bytes = bundle::read(path, KEY_FILE_BYTES_MAX)?;
    let line = std::str::from_utf8(&bytes).ok().and_then(|text| text.strip_suffix('\n'));
    line.and_then(|line| VerifyingKey::from_base64(line).ok()).ok_or_else(|| {
        let file = shown(path);
        Failure::fixable(words!("{file} is no publisher's key", "{file} は発行者の鍵ではありません"))
            .hint(words!("It is one line of 44 characters.", "44文字の1行です。"))
    })
}

/// Checks that the directory stood in a log that counts, at most 30 days ago.
fn is_logged(report: &Report) -> Outcome<()> {
    let hint = || {
        words!(
            "Fetch the newest directory with its proof. `hizo verify` says more of the proof.",
            "最新の名簿と証明を入手してください。証明については `hizo verify` で詳しく分かります。"
        )
    };
    let since = match &report.verdict {
        Verdict::DoesNotHold(fault) => {
            let refused = words!("the proof does not hold: {fault}", "証明が正しくありません（{fault}）");
            return Err(Failure::untrue(refused).hint(hint()));
        }
        Verdict::CannotBeTold(_) => {
            let refused =
                words!("whether the directory is logged cannot be told", "名簿が台帳にあるか確かめられません");
            return Err(Failure::new(Kind::Unknown, refused).hint(hint()));
        }
        Verdict::Holds { since, .. } if report.is_any_compared() => since,
        Verdict::Holds { .. } => {
            let refused = words!("the proof is of something else", "証明は、この名簿のものではありません");
            return Err(Failure::untrue(refused).hint(hint()));
        }
    };
    match is_recent(since.unix_seconds(), safe::now()?.unix_seconds()) {
        false => Err(Failure::fixable(words!(
            "the directory was logged at {since}, more than 30 days ago",
            "名簿が台帳に載ったのは {since} で、30日以上前です"
        ))
        .hint(hint())),
        true => Ok(()),
    }
}

const fn is_recent(since: u64, now: u64) -> bool {
    since >= now.saturating_sub(LOGGED_SECONDS_MAX)
}

fn refuse(refused: Refused, new: &Directory, seen: &Seen) -> Failure {
    let (serial, before) = (new.serial, seen.serial);
    let lying = |message: Words| {
        Failure::new(Kind::Lying, message).hint(words!(
            "Nothing was changed; directory.refused in the home is the evidence. Ask the publisher, by another way.",
            "何も変更していません。金庫のフォルダーの directory.refused が証拠です。別の方法で発行者に確かめてください。"
        ))
    };
    let failure = match refused {
        Refused::Publisher => lying(words!(
            "the directory is signed by another key than the publisher's",
            "発行者ではない鍵で署名された名簿です"
        )),
        Refused::Rollback => lying(words!(
            "directory {serial} is older than {before}, which was installed",
            "第{serial}号は、取り込み済みの第{before}号より古い名簿です"
        )),
        Refused::Split => lying(words!(
            "there are two directories {serial}, and another one was installed",
            "第{serial}号が2つあります。取り込み済みのものと違います"
        )),
        Refused::Fork => lying(words!(
            "directory {serial} does not go on from {before}, which was installed",
            "第{serial}号は、取り込み済みの第{before}号に続くものではありません"
        )),
        Refused::Gap => Failure::fixable(words!(
            "directory {serial} does not come right after {before}, which was installed",
            "第{serial}号は、取り込み済みの第{before}号のすぐ次ではありません"
        ))
        .hint(words!("Name those between too, before it and in order.", "間の名簿も、その前に順に指定してください。")),
        Refused::Expired => Failure::fixable(words!(
            "directory {serial} was good until {until}",
            "第{serial}号の期限（{until}）が過ぎています",
            serial = serial,
            until = new.valid_until
        ))
        .hint(words!(
            "Fetch the newest one; look at this machine's clock.",
            "最新の名簿を入手してください。時計も確かめてください。"
        )),
    };
    failure.source(refused)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a15_a_place_in_the_log_is_recent_for_thirty_days() {
        let now = 1_800_000_000;
        assert!(is_recent(now, now));
        assert!(is_recent(now - 30 * 86_400, now));
        assert!(!is_recent(now - 30 * 86_400 - 1, now));
    }
}
