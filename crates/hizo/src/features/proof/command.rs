//! `hizo proof`

use std::fs;
use std::path::PathBuf;

use hizo_ledger::commitment::Fields;
use hizo_ledger::proof::Verdict;
use hizo_ledger::timestamp::{Authority, LIST_BYTES_MAX};
use serde_json::json;

use super::Request;
use crate::Setting;
use crate::console;
use crate::contents::Opened;
use crate::failure::{Failure, Outcome, shown};
use crate::system;
use crate::view::View;
use crate::words::{Words, words};

/// Make a folder that proves to strangers what was held and since when
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The deposit: an id or its first digits, latest:NAME, or NAME:NUMBER
    deposit: String,
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
    /// A list of time-stamp authorities to ask, beside the keeper's own stamp, which is not independent
    #[arg(long, value_name = "FILE")]
    authorities: Option<PathBuf>,
    /// The folder to make, or one file whose name ends in .zip; neither may be there yet
    #[arg(long, value_name = "DIR|ZIP")]
    to: PathBuf,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum FieldWord {
    Content,
    Name,
    Meta,
}

pub(crate) fn run(setting: &Setting, arguments: &Arguments) -> Outcome<()> {
    let safe = setting.safe()?;
    let keyring = setting.unlock(&safe)?;
    let opened = Opened { safe: &safe, keyring: &keyring };
    let view = View::of(opened)?;
    let record = view.find(opened, &arguments.deposit)?;
    let shows = |field| arguments.show.contains(&field);
    let request = Request {
        to: arguments.to.clone(),
        paths: arguments.paths.iter().map(|path| system::path_bytes(path.as_os_str())).collect(),
        show: Fields { content: shows(FieldWord::Content), name: shows(FieldWord::Name), meta: shows(FieldWord::Meta) },
        complete: arguments.complete,
        kept: arguments.kept,
        authorities: arguments.authorities.as_ref().map(authorities).transpose()?.unwrap_or_default(),
    };
    let console = setting.console;
    if request.kept {
        console.warn(words!(
            "--kept hands over whole packs with their keys: whoever gets this proof reads everything in them, also files that are not named here, and that cannot be taken back",
            "--kept を付けると、包みが鍵ごと渡ります。受け取った人は、同じ包みにあるほかのファイルも読めます。あとから取り消せません"
        ));
    }
    let proved = super::prove(opened, record, &request)?;
    for (name, error) in &proved.refused {
        console.note(words!("no stamp by {name}: {error}", "{name} のタイムスタンプは得られませんでした: {error}"));
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
        "refused": proved.refused.iter().map(|(name, _)| name).collect::<Vec<_>>(),
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
                "遅くとも {since} から、変わらずに保持されています"
            ),
            None => words!(
                "its only stamp is the keeper's own: self-stamped, not independent",
                "タイムスタンプは自分で押したものだけで、第三者による時刻の証明ではありません"
            ),
        };
        if console.quiet { Ok(()) } else { writeln!(out, "{}", console.say(line)) }
    });
    Ok(())
}

fn authorities(path: &PathBuf) -> Outcome<Vec<Authority>> {
    let text = fs::read_to_string(path).map_err(|error| Failure::file("read", path, error))?;
    let too_long = text.len() > LIST_BYTES_MAX;
    let list = if too_long { None } else { Authority::parse_list(&text).ok() };
    list.ok_or_else(|| {
        let path = shown(path);
        Failure::fixable(words!("{path} is no list of authorities", "{path} は時刻認証局の一覧として読めません")).hint(
            words!("docs/spec/timestamp.md shows how one is written.", "書き方は docs/spec/timestamp.md にあります。"),
        )
    })
}
