//! `hizo move`

use std::path::{Path, PathBuf};

use hizo_vault::fingerprint::Spoken;
use serde_json::json;

use super::{Asked, Came, Moved, Waiting, Way, bringing::Missing};
use crate::Setting;
use crate::console;
use crate::failure::{Failure, Kind, Outcome, shown_bytes};
use crate::membership::{self, Proposing};
use crate::there::Terms;
use crate::words::words;

/// Move the safe to another keeper, with its whole history; or follow it there
#[derive(Debug, clap::Args)]
#[command(group(clap::ArgGroup::new("way").required(true).args(["to", "here", "follow"])))]
pub(crate) struct Arguments {
    /// Where the new keeper is, https://…
    #[arg(long, value_name = "URL")]
    to: Option<String>,
    /// Move it into a folder of this machine
    #[arg(long)]
    here: bool,
    /// Go after a safe that an admin has moved; without an invite, the passphrase opens where to
    #[arg(long, value_name = "INVITE")]
    follow: Option<Option<PathBuf>>,
    /// Go on although the keeper so far withholds something, or is gone
    #[arg(long, conflicts_with = "follow")]
    without_the_missing: bool,
    /// Where two admins change the safe: what the second one has signed with `hizo space agree`; it finishes the move
    #[arg(long, value_name = "FILE", conflicts_with_all = ["propose", "here", "follow"])]
    agreed: Option<PathBuf>,
    #[command(flatten)]
    proposing: Proposing,
    #[command(flatten)]
    terms: Terms,
}

pub(crate) fn run(setting: &Setting, arguments: &Arguments) -> Outcome<()> {
    arguments.terms.need(arguments.to.is_some())?;
    if arguments.follow.is_some() && arguments.proposing.names_a_file() {
        return Err(Failure::new(
            Kind::Usage,
            words!("whoever follows proposes nothing", "移転先に切り替えるだけなら、提案はいりません"),
        )
        .hint(words!("Run it without --propose.", "--propose を付けずに実行してください。")));
    }
    let to = match (&arguments.follow, &arguments.to) {
        (Some(invite), _) => return follow(setting, invite.as_deref()),
        (None, Some(address)) => Some(arguments.terms.there(address)?),
        (None, None) => None,
    };
    let (without_the_missing, proposing) = (arguments.without_the_missing, &arguments.proposing);
    let way = Way { without_the_missing, proposing, agreed: arguments.agreed.as_deref() };
    match super::move_to(setting, to.as_ref(), &way)? {
        Came::Waits(waiting) => {
            tell_waiting(setting, &waiting);
            Ok(())
        }
        Came::There(moved) => {
            tell(setting, &moved);
            moved.answer.holds()?;
            moved.broken.map_or(Ok(()), Err)
        }
    }
}

fn tell_waiting(setting: &Setting, waiting: &Waiting) {
    let console = setting.console;
    let [log_key, receipt_key] = &waiting.keys;
    let spoken = membership::read_out(setting, &Spoken::of_keeper(log_key, receipt_key));
    let missing: Vec<_> = waiting.missing.iter().map(missing_value).collect();
    let mut result = json!({
        "to": waiting.to.as_str(), "address": waiting.address, "key": log_key.to_string(), "words": spoken,
        "objects": waiting.objects, "bytes": waiting.bytes, "missing": missing,
    });
    waiting.proposed.stands_beside(&mut result);
    console.result(result, |out| {
        let (objects, bytes) = (waiting.objects, console::bytes(waiting.bytes));
        let brought = words!("{objects} objects brought ({bytes})", "部品を{objects}個移しました（{bytes}）");
        writeln!(out, "{}", console.say(brought))?;
        writeln!(out, "{}", console.say(waiting.proposed.line()))?;
        let (to, address) = (&waiting.to, shown_bytes(waiting.address.as_bytes()));
        let compare = words!(
            "the safe goes to {to}, at {address}; compare that keeper's ten words with the other admin: {spoken}",
            "移転先は {to}（{address}）です。その10語を、もう1人の管理者と読み合わせてください: {spoken}"
        );
        writeln!(out, "{}", console.say(compare))
    });
    warn_of_lost(setting, waiting.missing.len());
    console.note(words!(
        "next: send it to another admin, who runs `hizo space agree FILE --answer ANSWER`; finish with `hizo move --to URL --agreed ANSWER` on this machine. Until then nothing may be added to the safe: stop what deposits by itself",
        "次に: 別の管理者に送り、`hizo space agree ファイル --answer 答え` を実行してもらいます。返ってきた答えを使い、このコンピューターで `hizo move --to URL --agreed 答え` を実行すると済みます。それまで金庫に何も加えないよう、自動の預け入れを止めてください"
    ));
}

fn warn_of_lost(setting: &Setting, lost: usize) {
    if lost > 0 {
        setting.console.warn(words!(
            "{lost} objects are missing: `hizo check` says of which deposits",
            "部品が{lost}個ありません。どの預け入れのものかは `hizo check` で分かります"
        ));
    }
}

fn tell(setting: &Setting, moved: &Moved) {
    let console = setting.console;
    let missing: Vec<_> = moved.missing.iter().map(missing_value).collect();
    let result = json!({
        "from": moved.from.as_str(),
        "to": moved.to.as_str(),
        "record": moved.number,
        "id": moved.record.to_string(),
        "objects": moved.objects,
        "bytes": moved.bytes,
        "missing": missing,
        "unproved": moved.unproved,
        "told": moved.untold.is_none(),
    });
    console.result(result, |out| {
        let (from, to, number) = (&moved.from, &moved.to, moved.number);
        let done = words!(
            "moved from {from} to {to}: record {number} says so, and all later ones are kept there",
            "{from} から {to} に移しました。記録 {number} がそれを示し、以後の記録はそこに預けます"
        );
        writeln!(out, "{}", console.say(done))?;
        let (objects, bytes) = (moved.objects, console::bytes(moved.bytes));
        let brought = words!("{objects} objects brought ({bytes})", "部品を{objects}個移しました（{bytes}）");
        writeln!(out, "{}", console.say(brought))
    });
    if let Some(Failure { message: why, .. }) = &moved.untold {
        let why = why.clone();
        console.warn(words!(
            "the keeper so far was not told: {why}. Whoever still asks it does not learn of the move; what others deposit there from now on is not in this safe",
            "前の預け先には知らせていません（{why}）。まだそこを使う人は移転に気づきません。そこへ新しく預けたものは、この金庫に入りません";
            why
        ));
    }
    warn_of_lost(setting, moved.missing.len());
    warn_of_unproved(setting, moved.unproved);
    console.note(words!(
        "next: `hizo check` reads everything at the new keeper. Every other machine of this safe runs `hizo move --follow` (one that opens nothing, with a new invite: `hizo space invite`). Emergency card and file, if you made them, name the old keeper: make new ones with `hizo recovery make`. Ask the new keeper for its list of authorities and its witness policy",
        "次に: `hizo check` で、新しい預け先にあるものをすべて読んで確かめます。この金庫を使うほかのコンピューターで `hizo move --follow` を実行します（開けないコンピューターには `hizo space invite` で作る新しい招待状が必要です）。緊急カードと緊急ファイルがあれば、前の預け先を指しているので `hizo recovery make` で作り直します。新しい預け先から、時刻認証局の一覧と立会人の方針を受け取ってください"
    ));
}

fn warn_of_unproved(setting: &Setting, count: usize) {
    if count > 0 {
        setting.console.warn(words!(
            "of {count} deposits the keeper so far has shown no proof: no new proof of them can be made here; those made before hold",
            "{count}回分の預け入れについて、前の預け先の台帳から証明を得られませんでした。ここでは新しい証明を作れません。作成済みの証明は有効です"
        ));
    }
}

fn missing_value(missing: &Missing) -> serde_json::Value {
    json!({
        "object": missing.object.to_string(),
        "record": missing.record,
        "series_id": missing.deposit.map(|(series, _)| series.to_string()),
        "number": missing.deposit.map(|(_, number)| number),
    })
}

fn follow(setting: &Setting, invite: Option<&Path>) -> Outcome<()> {
    let (safe, Asked { unproved, broken }) = super::follow::follow(setting, invite)?;
    let (keeper, number) = (&safe.home.keeper, safe.chain.head().number);
    let address = safe.home.address().unwrap_or_default();
    let result = json!({ "to": keeper.as_str(), "address": address, "record": number, "unproved": unproved });
    setting.console.result(result, |out| {
        let done = words!(
            "this machine asks {keeper} from now on, at {address}; the history goes on from all that it has seen (record {number})",
            "これからは {keeper}（{address}）を使います。これまでに見た履歴の続きであることを確かめました（記録 {number}）"
        );
        writeln!(out, "{}", setting.console.say(done))
    });
    warn_of_unproved(setting, unproved);
    broken.map_or(Ok(()), Err)
}
