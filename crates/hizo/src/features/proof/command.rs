//! `hizo proof`

use std::path::{Path, PathBuf};

use hizo_keeper::stamp::Due;
use hizo_ledger::commitment::Fields;
use hizo_ledger::proof::Verdict;
use hizo_ledger::timestamp::Authority;
use serde_json::json;

use super::{Request, refresh};
use crate::Setting;
use crate::console;
use crate::contents::Opened;
use crate::failure::{Failure, Outcome, shown};
use crate::log;
use crate::stamps;
use crate::system;
use crate::view::View;
use crate::words::{Words, words};

/// Make a folder that proves to strangers what was held and since when
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The deposit: an id or its first digits, latest:NAME, or NAME:NUMBER
    #[arg(required_unless_present = "refresh")]
    deposit: Option<String>,
    /// Paths in the deposit, with everything below them; all of it if none is named
    paths: Vec<PathBuf>,
    /// What is shown of each: content, name and meta, or some of them
    #[arg(long, value_name = "FIELDS", value_delimiter = ',', default_value = "content,name,meta")]
    show: Vec<FieldWord>,
    /// Prove also that the deposit holds nothing else, without showing what the other entries are
    #[arg(long)]
    complete: bool,
    /// Hand over the packs in which the contents lie, with their keys; all in them can be read then
    #[arg(long)]
    kept: bool,
    /// A list of time-stamp authorities to ask, beside those of `hizo log authorities`
    #[arg(long, value_name = "FILE")]
    authorities: Option<PathBuf>,
    /// Make a proof that is there good for longer: add the later stamps that renew its own
    #[arg(long, value_name = "BUNDLE", conflicts_with_all = ["deposit", "paths", "complete"])]
    refresh: Option<PathBuf>,
    /// The folder to make, or a file ending in .zip; --refresh without it adds in place
    #[arg(long, value_name = "DIR|ZIP", required_unless_present = "refresh")]
    to: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum FieldWord {
    Content,
    Name,
    Meta,
}

pub(crate) fn run(setting: &Setting, arguments: &Arguments) -> Outcome<()> {
    let list = arguments.authorities.as_deref().map(stamps::read_list).transpose()?;
    let authorities = list.map(|(_, authorities)| authorities).unwrap_or_default();
    match (&arguments.refresh, &arguments.deposit, &arguments.to) {
        (Some(bundle), _, to) => {
            run_refresh(setting, &refresh::Request { bundle: bundle.clone(), to: to.clone(), authorities })
        }
        (None, Some(deposit), Some(to)) => prove(setting, arguments, deposit, to, authorities),
        // The parser asks for both.
        (None, _, _) => Err(Failure::internal_message("a proof was asked for without a deposit or a place")),
    }
}

fn prove(
    setting: &Setting,
    arguments: &Arguments,
    deposit: &str,
    to: &Path,
    authorities: Vec<Authority>,
) -> Outcome<()> {
    let safe = setting.safe()?;
    let keyring = setting.unlock(&safe)?;
    let opened = Opened { safe: &safe, keyring: &keyring };
    let view = View::of(opened)?;
    let record = view.find(opened, deposit)?;
    let shows = |field| arguments.show.contains(&field);
    let request = Request {
        to: to.to_owned(),
        paths: arguments.paths.iter().map(|path| system::path_bytes(path.as_os_str())).collect(),
        show: Fields { content: shows(FieldWord::Content), name: shows(FieldWord::Name), meta: shows(FieldWord::Meta) },
        complete: arguments.complete,
        kept: arguments.kept,
        authorities,
    };
    let console = setting.console;
    if request.kept {
        console.warn(words!(
            "--kept hands over whole packs with their keys: whoever gets this proof reads everything in them, also files that are not named here, and that cannot be taken back",
            "--kept を付けると、包みが鍵ごと渡ります。受け取った人は、同じ包みにあるほかのファイルも読めます。あとから取り消せません"
        ));
    }
    let proved = super::prove(opened, record, &request)?;
    stamps::notes(&proved.asked).into_iter().for_each(|note| console.note(note));
    proved.faults.into_iter().for_each(|fault| console.warn(fault));
    if let Some(warning) = log::standing(&safe).ok().and_then(|standing| standing.warning()) {
        console.warn(warning);
    }
    let independent = match &proved.report.verdict {
        Verdict::Holds { since, before } => Some((since.to_string(), before.to_string())),
        Verdict::CannotBeTold(_) | Verdict::DoesNotHold(_) => None,
    };
    let value = json!({
        "proof": request.to.to_string_lossy(),
        "record": record.id().to_string(),
        "entries": proved.entries,
        "log": { "index": proved.index, "size": proved.size },
        "packs": proved.packs, "independent": independent.is_some(),
        "since": independent.as_ref().map(|(since, _)| since),
        "before": independent.as_ref().map(|(_, before)| before),
        "refused": proved.asked.refused.iter().map(|(name, _)| name).collect::<Vec<_>>(),
    });
    console.result(value, |out| {
        let folder = shown(&request.to);
        let (count, entries) = (proved.entries, if proved.entries == 1 { "entry" } else { "entries" });
        let made = Words::both(
            format!(
                "proof of {count} {entries} in {folder}; certificate.pdf is to be read, README.md says how to check it"
            ),
            format!("{count}件の証明を {folder} に作りました。certificate.pdf が証明書、README.md が確かめ方です"),
        );
        writeln!(out, "{}", console.say(made))?;
        if proved.packs > 0 && !console.quiet {
            let bytes = console::bytes(proved.packs_bytes as u64);
            let handed = words!(
                "kept: whoever has it opens its packs ({count}, {bytes}) and reads all that is in them",
                "kept: 受け取った人は包み{count}個（{bytes}）を開け、中にあるものをすべて読めます",
                count = proved.packs,
                bytes = bytes
            );
            writeln!(out, "{}", console.say(handed))?;
        }
        let line = match &independent {
            Some((since, _)) => words!(
                "held, unchanged, at the latest since {since}",
                "遅くとも {since} には保持され、以後変わっていません"
            ),
            None => not_independent(),
        };
        if console.quiet { Ok(()) } else { writeln!(out, "{}", console.say(line)) }
    });
    Ok(())
}

fn run_refresh(setting: &Setting, request: &refresh::Request) -> Outcome<()> {
    let refreshed = refresh::refresh(&setting.safe()?, request)?;
    let console = setting.console;
    stamps::notes(&refreshed.asked).into_iter().for_each(|note| console.note(note));
    refreshed.faults.into_iter().for_each(|fault| console.warn(fault));
    let times = match &refreshed.report.verdict {
        Verdict::Holds { since, before } => Some((since.to_string(), before.to_string())),
        Verdict::CannotBeTold(_) | Verdict::DoesNotHold(_) => None,
    };
    let place = request.to.as_ref().unwrap_or(&request.bundle);
    let value = json!({
        "proof": place.to_string_lossy(),
        "added": refreshed.added,
        "renewals": refreshed.renewals,
        "independent": times.is_some(),
        "since": times.as_ref().map(|(since, _)| since),
        "before": times.as_ref().map(|(_, before)| before),
        "refused": refreshed.asked.refused.iter().map(|(name, _)| name).collect::<Vec<_>>(),
    });
    console.result(value, |out| {
        let (place, count) = (shown(place), refreshed.added);
        let made = match count {
            0 => words!("{place}: nothing to add", "{place}: 加えるものはありませんでした"),
            _ => words!(
                "{place}: {count} added to renew its stamps",
                "{place}: タイムスタンプの更新を{count}件加えました"
            ),
        };
        writeln!(out, "{}", console.say(made))?;
        let line = match &times {
            Some((since, before)) => words!(
                "held, unchanged, at the latest since {since}; verify or refresh it before {before}",
                "遅くとも {since} には保持され、以後変わっていません。{before} までに再確認または更新が必要です"
            ),
            None => not_independent(),
        };
        if console.quiet { Ok(()) } else { writeln!(out, "{}", console.say(line)) }
    });
    match refreshed.due {
        Due::From(_) => Ok(()),
        Due::Before(before) => Err(Failure::fixable(words!(
            "this proof can be relied on until {before}, and no later stamp makes it longer",
            "この証明は {before} までしか頼れず、それより長いタイムスタンプがありません"
        ))
        .hint(more_authorities())),
        Due::Nothing => Err(Failure::fixable(words!(
            "no independent stamp covers this proof",
            "この証明には、第三者によるタイムスタンプがありません"
        ))
        .hint(more_authorities())),
    }
}

fn not_independent() -> Words {
    words!(
        "its only stamp is the keeper's own: self-stamped, not independent",
        "タイムスタンプは自分で押したものだけで、第三者による時刻の証明ではありません"
    )
}

fn more_authorities() -> Words {
    words!(
        "Name an authority that answers with `hizo log authorities`, then refresh again.",
        "応答する時刻認証局を `hizo log authorities` で登録してから、もう一度更新してください。"
    )
}
