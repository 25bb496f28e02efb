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
use crate::words::{Words, words};
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
    // Nobody is asked for a passphrase in vain.
    refuse_others(&safe, arguments.replace)?;
    let identity = safe::open_identity(&safe.home, &setting.read_passphrase()?)?;
    let keyring = setting.unlock_with(&safe, &identity)?;
    let asked = Asked { cards: arguments.cards, needed: arguments.needed, replace: arguments.replace };
    let drawn = Drawn::of(&safe, &keyring, &identity, asked, &arguments.proposing)?;
    drawn.closed.iter().for_each(|words| setting.console.warn(words.clone()));
    setting.warn_of_left_out(&safe, &keyring)?;
    let Drawn { cards: made, change, key, replaces, .. } = drawn;
    let mut written = print(&safe, &keyring, &made, &arguments.to)?;
    let pinned = change.make(&mut safe, &identity, &keyring, &arguments.proposing);
    if pinned.is_err() && is_unpinned(&mut safe, key) {
        written.iter().for_each(|path| drop(fs::remove_file(path)));
        return pinned.map(drop);
    }
    // Last, so that whoever comes back by them is shown nothing older than the cards.
    let emergency = print_emergency(&safe, &made, &arguments.to).map(|files| written.extend(files));
    let pinned = pinned.map_err(may_be_pinned)?;
    tell(setting, arguments, &made, &written, (replaces, &pinned));
    emergency?;
    match pinned {
        // They are pinned all the same.
        Made::Stands(appended) => appended.promised,
        Made::Proposed(proposed) => {
            setting.console.beside(&setting.console.say(proposed.line()));
            setting.console.warn(open_nothing_yet());
            proposed.note(setting);
            Ok(())
        }
    }
}

/// What cards somebody wants.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked {
    pub cards: u8,
    pub needed: u8,
    /// In place of those that there are.
    pub replace: bool,
}

/// Cards that were drawn, and the change that pins them, which was not made yet.
pub(super) struct Drawn {
    pub cards: Vec<Card>,
    pub change: Change,
    pub key: VerifyingKey,
    pub replaces: bool,
    /// That they open less than everything.
    pub closed: Option<Words>,
}

impl Drawn {
    /// # Errors
    /// When this identity may not make them, the safe has some, or they would not open what they should. No card is written for an act
    /// that is refused.
    pub(super) fn of(
        safe: &Safe,
        keyring: &Keyring,
        identity: &IdentityFile,
        asked: Asked,
        proposing: &Proposing,
    ) -> Outcome<Self> {
        refuse_others(safe, asked.replace)?;
        check_may(safe, &identity.signing_seed.space_key(&safe.home.space).verifying_key())?;
        let closed = check_opens_all(safe, keyring)?;
        let seed = RecoverySeed::generate(&mut SystemEntropy);
        let cards = cards::split(&seed, asked.needed, asked.cards, &mut SystemEntropy)?;
        let change = pinning(safe, keyring, identity, &seed, &cards)?;
        change.check(safe, keyring, proposing)?;
        let (key, replaces) = (seed.signing_key().verifying_key(), safe.chain.recovery().is_some());
        Ok(Self { cards, change, key, replaces, closed })
    }
}

fn refuse_others(safe: &Safe, replace: bool) -> Outcome<()> {
    if safe.chain.recovery().is_none() || replace {
        return Ok(());
    }
    Err(Failure::fixable(words!("this safe has recovery cards already", "この金庫には、すでに復旧カードがあります"))
        .hint(words!(
            "Try them with `hizo recovery drill`, or make new ones in their place with --replace.",
            "`hizo recovery drill` で確かめるか、--replace を付けて作り直してください。"
        )))
}

/// A record of which nobody knows whether it stands.
pub(super) fn may_be_pinned(failure: Failure) -> Failure {
    failure.hint(words!(
        "The safe may know these cards already: keep the files and the old cards, and try them with `hizo recovery drill`.",
        "新しいカードは、すでに登録されているかもしれません。ファイルも今までのカードも残し、`hizo recovery drill` で確かめてください。"
    ))
}

pub(super) fn open_nothing_yet() -> Words {
    words!(
        "these cards open nothing until another admin has signed; keep the old ones until then, and make `emergency.json` anew after that: `hizo space invite`",
        "別の管理者が署名するまで、このカードでは何も開けられません。それまで前のカードを残し、署名のあとで `hizo space invite` で emergency.json を作り直してください"
    )
}

/// What is to be printed, under the name of each file.
pub(super) fn pages(safe: &Safe, keyring: &Keyring, made: &[Card]) -> Outcome<Vec<(String, Vec<u8>)>> {
    let view = View::of(Opened { safe, keyring })?;
    let printed = Printed::of(safe, view.name.as_deref().unwrap_or_default(), made)?;
    made.iter().map(|card| Ok((format!("card-{}.pdf", card.number()), paper::card(&printed, card)?))).collect()
}

/// The emergency card, and beside it the file that leads a clean machine to a keeper elsewhere.
pub(super) fn emergency_pages(safe: &Safe, made: &[Card]) -> Outcome<Vec<(String, Vec<u8>)>> {
    let invite = safe.invite()?;
    let [pdf, json] = EMERGENCY_FILES.map(str::to_owned);
    let page = paper::emergency(&Printed::of(safe, "", made)?, invite.as_ref())?;
    Ok(std::iter::once((pdf, page)).chain(invite.map(|invite| (json, invite.compose()))).collect())
}

/// Cards that leave out what is kept would be found out when it is too late, and the old ones burnt by then.
fn check_opens_all(safe: &Safe, keyring: &Keyring) -> Outcome<Option<Words>> {
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
    Ok((closed > 0).then(|| {
        words!(
            "the cards open nothing of before you came, since you do not; an admin who does makes better ones",
            "あなたが加わる前のものは、このカードでは開けられません。それを開けられる管理者がカードを作るほうが確実です"
        )
    }))
}

/// Whether the record that was to pin these cards certainly does not stand: only cards that open nothing must not lie about.
pub(super) fn is_unpinned(safe: &mut Safe, key: VerifyingKey) -> bool {
    safe.catch_up().is_ok() && safe.chain.recovery() != Some(key)
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
    system::create_private_directory(to).map_err(|error| Failure::file("make the folder", to, error))?;
    let files: Vec<_> = pages(safe, keyring, made)?.into_iter().map(|(name, bytes)| (to.join(name), bytes)).collect();
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

/// Writes the emergency card, and what lies beside it.
fn print_emergency(safe: &Safe, made: &[Card], to: &Path) -> Outcome<Vec<PathBuf>> {
    let pages = emergency_pages(safe, made)?.into_iter().map(|(name, bytes)| (to.join(name), bytes));
    pages.map(|(path, bytes)| home::write_new(&path, &bytes).map(|()| path)).collect()
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
