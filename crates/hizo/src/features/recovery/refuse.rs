//! `hizo recovery refuse`

use hizo_ledger::record::{Control, Role};
use serde_json::json;

use crate::Setting;
use crate::cards;
use crate::failure::{Failure, Outcome};
use crate::receipts;
use crate::safe::{self, Draft};
use crate::words::words;

/// Take all recovery cards out of use at once, and refuse whom they have let in
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {}

/// One signature and nothing that has to be read: what is damaged, or what a keeper withholds, must not keep a thief in.
pub(super) fn run(setting: &Setting, _arguments: &Arguments) -> Outcome<()> {
    let mut safe = setting.safe()?;
    let Some((_, key)) = cards::pinned(&safe) else {
        return Err(Failure::fixable(words!("this safe has no recovery cards", "この金庫に復旧カードはありません")));
    };
    let identity = safe::open_identity(&safe.home, &setting.read_passphrase()?)?;
    if safe.role_of(&identity) != Some(Role::Admin) {
        return Err(Failure::fixable(words!(
            "only an admin of the safe refuses whom recovery cards let in",
            "復旧カードで加えられた人を拒めるのは、金庫の管理者だけです"
        ))
        .hint(words!("Ask an admin.", "管理者に頼んでください。")));
    }
    let waited = safe.chain.waiting().map(|waiting| waiting.key.name().to_string());
    let draft = Draft { controls: vec![Control::Recovery(None)], ..Draft::default() };
    let admin = identity.signing_seed.space_key(&safe.home.space);
    let record = safe.append(&admin, &draft, |chain| chain.recovery() == Some(key))?;
    setting.console.result(json!({ "refused": waited, "record": record.to_string() }), |out| {
        let done = words!("no recovery card lets anybody in any more", "復旧カードで加わることは、もうできません");
        writeln!(out, "{}", setting.console.say(done))
    });
    setting.console.warn(words!(
        "whoever has enough of the cards still reads what was kept until now. Make new ones: `hizo recovery make`",
        "カードがそろっていれば、これまでに預けたものは今後も読めます。`hizo recovery make` で新しく作ってください"
    ));
    // They are refused all the same.
    receipts::answer(&safe, record).holds()
}
