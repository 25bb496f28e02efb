//! `hizo recovery make`

use std::fs;
use std::path::{Path, PathBuf};

use hizo_ledger::identity::VerifyingKey;
use hizo_ledger::record::{Control, Role};
use hizo_vault::event::Event;
use hizo_vault::keys::{IdentityFile, RecoverySeed};
use hizo_vault::recovery::Card;
use serde_json::json;

use super::paper::{self, Printed};
use crate::Setting;
use crate::contents::Opened;
use crate::entropy::SystemEntropy;
use crate::epochs;
use crate::failure::{Failure, Outcome, shown};
use crate::membership::{Change, Made, Proposing};
use crate::safe::{self, Keyring, Safe};
use crate::view::View;
use crate::words::words;
use crate::{cards, home, system};

/// Make cards, of which some together open the safe, and an emergency card without secrets
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// How many cards to make
    #[arg(long, value_name = "N", default_value_t = 3)]
    cards: u8,
    /// How many of them open the safe together
    #[arg(long, value_name = "K", default_value_t = 2)]
    needed: u8,
    /// Where to put the cards to print: a folder
    #[arg(long, value_name = "DIR")]
    to: PathBuf,
    /// Make new ones in place of those that there are
    #[arg(long)]
    replace: bool,
    #[command(flatten)]
    proposing: Proposing,
}

pub(super) fn run(setting: &Setting, arguments: &Arguments) -> Outcome<()> {
    let mut safe = setting.safe()?;
    let replaces = safe.chain.recovery().is_some();
    if replaces && !arguments.replace {
        return Err(Failure::fixable(words!(
            "this safe has recovery cards already",
            "この金庫には、すでに復旧カードがあります"
        ))
        .hint(words!(
            "Try them with `hizo recovery drill`, or make new ones in their place with --replace.",
            "`hizo recovery drill` で確かめるか、--replace を付けて作り直してください。"
        )));
    }
    let identity = safe::open_identity(&safe.home, &setting.read_passphrase()?)?;
    let keyring = setting.unlock_with(&safe, &identity)?;
    let admin = identity.signing_seed.space_key(&safe.home.space);
    check_may(&safe, &admin.verifying_key())?;
    check_opens_all(setting, &safe, &keyring)?;
    setting.warn_of_left_out(&safe, &keyring)?;
    let seed = RecoverySeed::generate(&mut SystemEntropy);
    let made = cards::split(&seed, arguments.needed, arguments.cards, &mut SystemEntropy)?;
    let change = pinning(&safe, &keyring, &identity, &seed, &made)?;
    // No card is written for an act that is refused.
    change.check(&safe, &keyring, &arguments.proposing)?;
    let mut written = print(&safe, &keyring, &made, &arguments.to)?;
    let pinned = change.make(&mut safe, &identity, &keyring, &arguments.proposing);
    if pinned.is_err() && is_unpinned(&mut safe, &seed) {
        written.iter().for_each(|path| drop(fs::remove_file(path)));
        return pinned.map(drop);
    }
    // Last, so that whoever comes back by them is shown nothing older than the cards.
    let emergency = print_emergency(&safe, &made, &arguments.to).map(|files| written.extend(files));
    let pinned = pinned.map_err(|failure| {
        failure.hint(words!(
            "The safe may know these cards already: keep the files and the old cards, and try them with `hizo recovery drill`.",
            "新しいカードは、すでに登録されているかもしれません。ファイルも今までのカードも残し、`hizo recovery drill` で確かめてください。"
        ))
    })?;
    tell(setting, arguments, &made, &written, (replaces, &pinned));
    emergency?;
    match pinned {
        // They are pinned all the same.
        Made::Stands(appended) => appended.promised,
        Made::Proposed(proposed) => {
            setting.console.beside(&setting.console.say(proposed.line()));
            setting.console.warn(words!(
                "these cards open nothing until another admin has signed; keep the old ones until then, and make `emergency.json` anew after that: `hizo space invite`",
                "別の管理者が署名するまで、このカードでは何も開けられません。それまで前のカードを残し、署名のあとで `hizo space invite` で emergency.json を作り直してください"
            ));
            proposed.note(setting);
            Ok(())
        }
    }
}

/// Cards that leave out what is kept would be found out when it is too late, and the old ones burnt by then.
fn check_opens_all(setting: &Setting, safe: &Safe, keyring: &Keyring) -> Outcome<()> {
    if let Some(epoch) = keyring.first_lost() {
        return Err(Failure::untrue(words!(
            "a key object of epoch {epoch} is missing or damaged, and the cards would not open what was kept then",
            "第{epoch}期の鍵の部品が、なくなったか壊れています。その時期のものを、カードで開けられなくなります"
        ))
        .hint(words!(
            "Run `hizo check`. Nothing was changed; keep the cards that there are.",
            "`hizo check` を実行してください。何も変更していません。今あるカードは残しておいてください。"
        )));
    }
    let closed = safe.chain.epochs().len().saturating_sub(keyring.epochs().count());
    if closed > 0 {
        setting.console.warn(words!(
            "the cards open nothing of before you came, since you do not; an admin who does makes better ones",
            "あなたが加わる前のものは、このカードでは開けられません。それを開けられる管理者がカードを作るほうが確実です"
        ));
    }
    Ok(())
}

/// Whether the record that was to pin these cards certainly does not stand: only cards that open nothing must not lie about.
fn is_unpinned(safe: &mut Safe, seed: &RecoverySeed) -> bool {
    safe.catch_up().is_ok() && safe.chain.recovery() != Some(seed.signing_key().verifying_key())
}

/// Only an admin pins cards; whom the old ones let in is one once the delay has passed.
pub(super) fn check_may(safe: &Safe, key: &VerifyingKey) -> Outcome<()> {
    if safe.chain.role(key) == Some(Role::Admin) {
        return Ok(());
    }
    if let Some(waiting) = safe.chain.waiting().filter(|waiting| waiting.key == *key) {
        if safe::now()?.unix_seconds() >= waiting.until() {
            return Ok(());
        }
        let until = cards::time(waiting.until());
        return Err(Failure::fixable(words!(
            "this identity is let in by the recovery cards, and waits until {until}",
            "この鍵は復旧カードで加えられたもので、{until} まで待つ必要があります"
        ))
        .hint(words!(
            "Until then it reads. Run this again after that.",
            "それまでは読むだけです。その後にもう一度実行してください。"
        )));
    }
    Err(Failure::fixable(words!(
        "only an admin of the safe makes recovery cards",
        "復旧カードを作れるのは、金庫の管理者だけです"
    ))
    .hint(words!("Ask an admin.", "管理者に頼んでください。")))
}

/// What is printed for the day when something happened, and beside it what a machine reads.
const EMERGENCY_FILES: [&str; 2] = ["emergency.pdf", "emergency.json"];

/// Writes the cards into files that only their owner may read.
fn print(safe: &Safe, keyring: &Keyring, made: &[Card], to: &Path) -> Outcome<Vec<PathBuf>> {
    let view = View::of(Opened { safe, keyring })?;
    let printed = Printed::of(safe, view.name.as_deref().unwrap_or_default(), made)?;
    system::create_private_directory(to).map_err(|error| Failure::file("make the folder", to, error))?;
    let mut files = Vec::new();
    for card in made {
        files.push((to.join(format!("card-{}.pdf", card.number())), paper::card(&printed, card)?));
    }
    let mut paths = files.iter().map(|(path, _)| path.clone()).chain(EMERGENCY_FILES.map(|name| to.join(name)));
    if let Some(there) = paths.find(|path| path.exists()) {
        let path = shown(&there);
        return Err(Failure::fixable(words!("{path} is there already", "{path} がすでにあります"))
            .hint(words!("Name another folder with --to.", "--to で別のフォルダーを指定してください。")));
    }
    let mut written = Vec::new();
    for (path, bytes) in files {
        if let Err(failure) = home::write_new(&path, &bytes) {
            written.iter().for_each(|path: &PathBuf| drop(fs::remove_file(path)));
            return Err(failure);
        }
        written.push(path);
    }
    Ok(written)
}

/// Writes the emergency card, and beside it the file that leads a clean machine to a keeper elsewhere.
fn print_emergency(safe: &Safe, made: &[Card], to: &Path) -> Outcome<Vec<PathBuf>> {
    let invite = safe.invite()?;
    let page = paper::emergency(&Printed::of(safe, "", made)?, invite.as_ref())?;
    let [pdf, json] = EMERGENCY_FILES.map(|name| to.join(name));
    home::write_new(&pdf, &page)?;
    let Some(invite) = invite else { return Ok(vec![pdf]) };
    home::write_new(&json, &invite.compose())?;
    Ok(vec![pdf, json])
}

/// The change that pins the cards, with what lets them open everything.
fn pinning(safe: &Safe, keyring: &Keyring, own: &IdentityFile, seed: &RecoverySeed, made: &[Card]) -> Outcome<Change> {
    let (key, identity) = (seed.signing_key().verifying_key(), seed.identity());
    let cards = identity.recipient();
    let mut change = Change::default();
    change.draft.controls = vec![Control::Recovery(Some(key))];
    change.give_history(Opened { safe, keyring }, cards)?;
    if safe.chain.recovery().is_some() {
        // The cards that there were would open what is sealed from now on too.
        let mut readers = epochs::readers(Opened { safe, keyring }, &[])?;
        // Whom the old cards let in is no member yet. Who acts for an organisation reads by that alone.
        let key = own.signing_seed.space_key(&safe.home.space).verifying_key();
        let own = keyring.people()?.recipient(&key);
        readers.extend(own.filter(|own| !readers.contains(own)).cloned());
        change.begin_epoch_with(Opened { safe, keyring }, &readers, Some(cards))?;
    }
    change.events.push(Event::RecoveryMade {
        key: key.to_base64(),
        recipient: cards.to_string(),
        set: made.first().map(Card::set).unwrap_or_default(),
        cards: made.len() as u64,
        needed: made.first().map_or(0, |card| card.needed().into()),
    });
    Ok(change)
}

fn tell(
    setting: &Setting,
    arguments: &Arguments,
    made: &[Card],
    written: &[PathBuf],
    (replaces, pinned): (bool, &Made),
) {
    let set = made.first().map(Card::set).unwrap_or_default();
    // The cards that there were are in use until another admin has signed.
    let replaced = replaces && matches!(pinned, Made::Stands(_));
    let mut result = json!({
        "set": set, "cards": arguments.cards, "needed": arguments.needed, "replaced": replaced,
        "files": written.iter().map(|path| path.to_string_lossy()).collect::<Vec<_>>(),
    });
    if let Made::Proposed(proposed) = pinned {
        proposed.stands_beside(&mut result);
    }
    let console = setting.console;
    console.result(result, |out| {
        for path in written {
            writeln!(out, "{}", shown(path))?;
        }
        Ok(())
    });
    console.warn(words!(
        "print the cards, and then delete their files: whoever has {needed} of them reads everything, and leaves no trace",
        "カードを印刷したら、カードのファイルは必ず消してください。カードが{needed}枚そろえば、誰でもすべてを読めて、跡も残りません",
        needed = arguments.needed
    ));
    if written.iter().any(|path| path.ends_with(EMERGENCY_FILES[1])) {
        console.warn(words!(
            "keep emergency.json outside of this machine, with the emergency card: it is no secret, and the cards need it when this machine is gone",
            "emergency.json は緊急カードと一緒に、このコンピューターの外に保管してください。秘密ではありません。コンピューターを失ったとき、カードと一緒に必要です"
        ));
    }
    if replaced {
        console.warn(words!(
            "what was deposited up to now stays open to the cards that there were: destroy them",
            "これまでに預けたものは、前のカードでも開けられます。前のカードは処分してください"
        ));
    }
    console.note(words!(
        "next: once they are printed, `hizo recovery drill` tries them",
        "次に: 印刷したカードで開けられることを、`hizo recovery drill` で確かめてください"
    ));
}
