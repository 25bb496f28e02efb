//! `hizo move --follow`: a machine goes after a safe that an admin has moved.

use std::path::Path;

use hizo_ledger::space::Standing;
use hizo_vault::event::Event;
use hizo_vault::joining::Invite;

use super::{Asked, ask_log};
use crate::Setting;
use crate::failure::{Failure, Outcome};
use crate::home::{self, Home, Pinned};
use crate::keeper::Keeper;
use crate::log;
use crate::safe::{self, Safe, destination};
use crate::words::words;

/// Follows the safe to the keeper that an invite names, or that the record of the move does; and what the log of the one before shows.
///
/// # Errors
/// Exit code 5 when the keeper there is not the one that was named, or its history does not go on from all that this machine has
/// seen; nothing was changed then.
pub(super) fn follow(setting: &Setting, invite: Option<&Path>) -> Outcome<(Safe, Asked)> {
    let home = setting.home()?;
    let _turn = home.lock_move()?;
    let invite = match invite {
        Some(path) => home::read_invite(path)?,
        None => in_the_record(setting, &home)?,
    };
    if invite.space != home.space || invite.genesis != home.genesis {
        return Err(Failure::fixable(words!("the invite is to another safe", "別の金庫への招待状です")).hint(words!(
            "Name the home of that safe with --home, or use an invite to this one.",
            "その金庫のフォルダーを --home で指定するか、この金庫の招待状を使ってください。"
        )));
    }
    let pinned = Pinned::of_invite(&invite)?;
    if pinned.origin == home.keeper {
        return Err(Failure::fixable(words!(
            "this machine asks that keeper already",
            "このコンピューターは、もうその預け先を使っています"
        ))
        .hint(words!(
            "There is nothing to do; if the safe has moved, use an invite that was made after that.",
            "何もする必要はありません。金庫が移ったあとなら、移転後に作られた招待状を使ってください。"
        )));
    }
    let roots = invite.roots.as_deref().map(str::as_bytes);
    let next = home.moving_to(&pinned, roots, invite.policy.as_deref())?;
    let keeper = Keeper::open(&next)?;
    keeper.is_the_pinned(&next)?;
    let there = Safe::follow_to(next.clone(), keeper)?;
    // The chain decides where the safe is, whoever says what.
    let moved_there = there.records.iter().any(|record| destination(record) == Some(&next.keeper));
    if !moved_there || there.chain.standing(invite.head) != Standing::Held {
        return Err(log::lying(words!(
            "it shows no record by which this safe has moved to it",
            "この金庫がそこへ移ったという記録がありません"
        )));
    }
    // Whoever follows has no other copy of what that log says than his own.
    let asked = match there.when_kept_by(&home.keeper)? {
        Some(before) => ask_log(&before)?,
        None => Asked::default(),
    };
    there.settle_move()?;
    let mut safe = Safe::open(next)?;
    setting.send_what_waits(&mut safe)?;
    Ok((safe, asked))
}

/// The invite that the admin who moved the safe has sealed into the record of the move.
fn in_the_record(setting: &Setting, home: &Home) -> Outcome<Invite> {
    let (safe, unreachable) = Safe::open_wherever_at_hand(home.clone())?;
    let Some(record) = safe.departure() else {
        return Err(match unreachable {
            Some(failure) => failure.hint(words!(
                "This machine has not seen that the safe has moved. If it has, ask an admin for an invite, and run `hizo move --follow INVITE`.",
                "金庫が移ったという記録を、このコンピューターはまだ見ていません。移ったのなら、管理者から招待状をもらい、`hizo move --follow 招待状` を実行してください。"
            )),
            None => Failure::fixable(words!("this safe has not moved", "この金庫は移っていません"))
                .hint(words!("There is nothing to do.", "何もする必要はありません。")),
        });
    };
    let asks_for_invite = || {
        words!(
            "Ask an admin for an invite that was made after the move, and run `hizo move --follow INVITE`.",
            "移転後に作られた招待状を管理者からもらい、`hizo move --follow 招待状` を実行してください。"
        )
    };
    if !home.identity_file().exists() {
        return Err(Failure::fixable(words!(
            "this machine opens nothing, so it cannot read where the safe has gone",
            "このコンピューターは中身を開けられないので、移った先を読めません"
        ))
        .hint(asks_for_invite()));
    }
    let identity = safe::open_identity(home, &setting.read_passphrase()?)?;
    let keyring = setting.unlock_with(&safe, &identity)?;
    let events = keyring.events(&safe, record).map_err(|failure| failure.hint(asks_for_invite()))?;
    let said = events.into_iter().find_map(|event| match event {
        Event::KeeperMoved { invite } => Invite::parse(format!("{invite}\n").as_bytes()).ok(),
        _ => None,
    });
    said.filter(|invite| Some(&invite.keeper) == destination(record)).ok_or_else(|| {
        Failure::untrue(words!(
            "the record of the move does not say where the new keeper is",
            "移転の記録に、新しい預け先のアドレスがありません"
        ))
        .hint(asks_for_invite())
    })
}
