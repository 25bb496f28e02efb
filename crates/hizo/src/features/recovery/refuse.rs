//! `hizo recovery refuse`

use hizo_ledger::record::{Control, Role};
use serde_json::json;

use crate::Setting;
use crate::cards;
use crate::failure::{Failure, Outcome};
use crate::membership::{Appended, Change, Made, Proposing};
use crate::safe;
use crate::words::words;

/// Take all recovery cards out of use at once, and refuse whom they have let in
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    proposing: Proposing,
}

/// Nothing that has to be read: what is damaged, or what a keeper withholds, must not keep a thief in. Where two admins have to
/// sign, whose the other one's key is has to be read all the same.
pub(super) fn run(setting: &Setting, arguments: &Arguments) -> Outcome<()> {
    let mut safe = setting.safe()?;
    if cards::pinned(&safe).is_none() {
        return Err(Failure::fixable(words!("this safe has no recovery cards", "この金庫に復旧カードはありません")));
    }
    let identity = safe::open_identity(&safe.home, &setting.read_passphrase()?)?;
    if safe.role_of(&identity) != Some(Role::Admin) {
        return Err(Failure::fixable(words!(
            "only an admin of the safe refuses whom recovery cards let in",
            "復旧カードで加えられた人を拒めるのは、金庫の管理者だけです"
        ))
        .hint(words!("Ask an admin.", "管理者に頼んでください。")));
    }
    let waited = safe.chain.waiting().map(|waiting| waiting.key.name().to_string());
    let mut change = Change::default();
    change.draft.controls = vec![Control::Recovery(None)];
    let Appended { id: record, promised } = match change.make_unopened(&mut safe, &identity, &arguments.proposing)? {
        Made::Stands(appended) => appended,
        Made::Proposed(proposed) => return proposed.tell(setting),
    };
    setting.console.result(json!({ "refused": waited, "record": record.to_string() }), |out| {
        let done = words!("no recovery card lets anybody in any more", "復旧カードで加わることは、もうできません");
        writeln!(out, "{}", setting.console.say(done))
    });
    setting.console.warn(words!(
        "whoever has enough of the cards still reads what was kept until now. Make new ones: `hizo recovery make`",
        "カードがそろっていれば、これまでに預けたものは今後も読めます。`hizo recovery make` で新しく作ってください"
    ));
    // They are refused all the same.
    promised
}
