//! `hizo space rotate`

use serde_json::json;

use crate::Setting;
use crate::contents::Opened;
use crate::failure::{Failure, Outcome};
use crate::membership::{self, Made, Proposing};
use crate::words::words;
use crate::{rotation, safe};

/// Begin new keys for all who read this safe, as after a machine was lost or an organisation has new keys
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    proposing: Proposing,
}

pub(super) fn run(setting: &Setting, arguments: &Arguments) -> Outcome<()> {
    let mut safe = setting.safe_before_due()?;
    let identity = safe::open_identity(&safe.home, &setting.read_passphrase()?)?;
    membership::check_admin(&safe, &identity)?;
    let keyring = safe.unlock_with(&identity)?;
    setting.warn_of_doubts(&keyring);
    let register = rotation::own_register(&safe, &identity, &keyring)?;
    let opened = Opened { safe: &safe, keyring: &keyring };
    let mut told = rotation::told(opened, &register)?;
    if !told.is_stale && rotation::is_due(&safe.home)? {
        return Err(Failure::fixable(words!(
            "your organisation has not delegated you anew since somebody left, so that new keys would open to him too",
            "誰かが機関を離れてから、機関の委任が更新されていません。今鍵を新しくしても、その人にも開けられます"
        ))
        .hint(words!(
            "Let whoever holds the organisation's key run `hizo office rotate` first.",
            "先に、機関の鍵を持つ人に `hizo office rotate` を実行してもらってください。"
        )));
    }
    told.begin_epoch(opened)?;
    let appended = match told.change.make(&mut safe, &identity, &keyring, &arguments.proposing)? {
        Made::Stands(appended) => appended,
        Made::Proposed(proposed) => return proposed.tell(setting),
    };
    // Whoever opens it finds to which of the own space's epochs it is sealed now.
    safe.unlock_unheeded(&identity)?;
    let (number, epoch) = (safe.chain.head().number, safe.chain.epoch());
    setting.console.result(json!({ "record": number, "id": appended.id.to_string(), "epoch": epoch }), |out| {
        let done = words!(
            "this safe has new keys, from record {number} on; whoever reads it has them",
            "記録 {number} から、この金庫の鍵を新しくしました。今見られる人は、これからも見られます"
        );
        writeln!(out, "{}", setting.console.say(done))
    });
    appended.promised
}
