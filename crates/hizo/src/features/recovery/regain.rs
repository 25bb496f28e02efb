//! `hizo recovery use`

use std::fs;
use std::path::{Path, PathBuf};

use hizo_ledger::id::RecordId;
use hizo_ledger::record::{AdminRule, Control, Role};
use hizo_ledger::space::Chain;
use hizo_vault::event::Event;
use hizo_vault::event::certificate::UnverifiedCertificate;
use hizo_vault::keys::{IdentityFile, RecoverySeed};
use serde_json::json;

use super::afresh;
use crate::Setting;
use crate::cards;
use crate::entropy::SystemEntropy;
use crate::failure::{Failure, Outcome, shown};
use crate::home::{self, Home};
use crate::log;
use crate::passphrase::work_factor;
use crate::receipts;
use crate::safe::{Draft, Keyring, Safe};
use crate::system;
use crate::words::words;

/// Open a safe whose keys are lost: make a new home of it, with a new identity that opens everything the cards open
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// A file with the words of one card, once for each card; without one they are asked for
    #[arg(long = "card-file", value_name = "FILE")]
    card_files: Vec<PathBuf>,
    /// The file beside the emergency card: brings the safe back from its keeper, into the folder of --home, where nothing is left
    #[arg(long, value_name = "FILE")]
    emergency: Option<PathBuf>,
    /// A copy of your identity file, instead of cards
    #[arg(long, value_name = "FILE", requires = "emergency", conflicts_with = "card_files")]
    identity: Option<PathBuf>,
    /// What you call this machine, with --identity
    #[arg(long, value_name = "NAME", requires = "identity", default_value = "machine")]
    machine: String,
    /// Do not ask to be let in as an admin; reading leaves no trace
    #[arg(long, conflicts_with = "emergency")]
    read_only: bool,
    /// The home folder to make beside the old one; it must not be there yet, or be empty
    #[arg(long, value_name = "NEWHOME", required_unless_present = "emergency", conflicts_with = "emergency")]
    to: Option<PathBuf>,
}

/// What a new home has of its own, or has no use for.
const LEFT_BEHIND: [&str; 6] = ["identity.age", "epochs.age", "safe.json", "watch", "prepared", "device.next"];

pub(super) fn run(setting: &Setting, arguments: &Arguments) -> Outcome<()> {
    let Arguments { card_files, emergency, identity, machine, read_only, to } = arguments;
    match (emergency, identity, to) {
        (Some(emergency), Some(identity), _) => afresh::by_identity(setting, emergency, identity, machine),
        (Some(emergency), None, _) => afresh::by_cards(setting, emergency, card_files),
        (None, _, Some(to)) => beside(setting, card_files, *read_only, to),
        (None, _, None) => Err(Failure::internal_message("neither --emergency nor --to was given")),
    }
}

/// Makes a new home beside an old one that has lost its identity.
fn beside(setting: &Setting, card_files: &[PathBuf], read_only: bool, to: &Path) -> Outcome<()> {
    let safe = setting.safe()?;
    let is_empty = fs::read_dir(to).map_or(true, |mut entries| entries.next().is_none());
    if !is_empty {
        let folder = shown(to);
        return Err(Failure::fixable(words!("{folder} is not empty", "{folder} は空ではありません"))
            .hint(words!("Name another folder with --to.", "--to で別のフォルダーを指定してください。")));
    }
    let cards = cards::read(card_files, setting.console)?;
    let seed = cards::open(&safe, &cards)?;
    let keyring = Keyring::unlock(&safe, &seed.identity())?;
    let passphrase = setting.passphrase.for_something_new()?;
    let identity = make_home(&safe, &keyring, to, &passphrase.text)?;
    passphrase.tell(setting.console, &words!("the new home", "新しい金庫のフォルダー"));
    let mut new = Safe::open(Home::open(to)?)?;
    let asked = if read_only { Ok(None) } else { let_in(&mut new, &seed, &identity).map(Some) };
    tell(setting, &new, closed(&safe, &keyring));
    for series in safe.home.watched()? {
        setting.console.warn(words!(
            "the schedule of series id:{series} was left behind: on the new home, set it up with `hizo watch install`",
            "束 id:{series} の自動預け入れは引き継がれません。新しいフォルダーで `hizo watch install` を実行してください"
        ));
    }
    setting.console.note(words!(
        "next: restore what you need with --home, and do not use the old home beside it. Once you are an admin: `hizo recovery machine`, then new cards, and last remove the identity that is lost",
        "次に: --home で新しいフォルダーを指定して取り出してください。元のフォルダーは、もう使わないでください。管理者になったら `hizo recovery machine`、新しいカードの作成、最後に失った鍵のメンバーの取り外しをします"
    ));
    // The home opens what it opens, whatever came of this.
    match asked? {
        Some(record) => receipts::answer(&new, record).holds(),
        None => Ok(()),
    }
}

/// Appends the one record that the recovery key may sign: it lets the new identity in, when the delay has passed, in place of
/// whoever waits.
pub(super) fn let_in(safe: &mut Safe, seed: &RecoverySeed, identity: &IdentityFile) -> Outcome<RecordId> {
    let (space, key) = (safe.home.space, seed.signing_key());
    let member = identity.signing_seed.space_key(&space).verifying_key();
    let session = identity.signing_seed.session_key(&space).verifying_key();
    let certificate = Event::KeyCertified(UnverifiedCertificate::issue(identity, &space));
    let controls = vec![Control::Member { key: member, role: Role::Admin }, Control::Session { member, session }];
    let mut draft = Draft { controls, ..Draft::default() };
    draft.say(&[certificate], &safe.recipient()?)?;
    let (pinned, epoch) = (key.verifying_key(), safe.chain.epoch());
    let fits = |chain: &Chain| chain.recovery() == Some(pinned) && chain.epoch() == epoch;
    safe.append_by(pinned, |text| key.sign(text), &draft, fits)
}

/// How many epochs stay closed to whoever opens these.
pub(super) fn closed(safe: &Safe, keyring: &Keyring) -> usize {
    safe.chain.epochs().len().saturating_sub(keyring.epochs().count())
}

/// A copy of the home with a new identity, and with what the cards opened sealed to it. Deposits of this machine wait meanwhile, and
/// a keeper in this folder is copied as it is at one moment. `safe.json` comes last: without it the folder is no safe.
fn make_home(safe: &Safe, keyring: &Keyring, to: &Path, passphrase: &str) -> Outcome<IdentityFile> {
    let from = safe.home.folder();
    let series = safe.home.known_series()?;
    let _turns = series.iter().map(|series| safe.home.lock(series.id)).collect::<Outcome<Vec<_>>>()?;
    // Where the space has moved to a keeper in this folder, that lies deeper; one that the space has left is not in use.
    let present = safe.home.keeper_folder();
    copy(from, to, &LEFT_BEHIND, &present)?;
    if let Some(keeper) = safe.keeper.here() {
        let log = log::of_keeper(safe)?;
        let log = log.here().ok_or_else(|| Failure::internal_message("a keeper here has no log here"))?;
        let place =
            present.strip_prefix(from).map_err(|_| Failure::internal_message("a keeper here lies elsewhere"))?;
        log.copy_to(keeper, &to.join(place)).map_err(Failure::from)?;
    }
    let identity = IdentityFile::generate(&mut SystemEntropy);
    Home::write_recovered_epochs(to, identity.identity.recipient(), keyring.epochs())?;
    home::write_new(&home::identity_file(to), identity.seal(passphrase, work_factor(), &mut SystemEntropy).as_bytes())?;
    let name = "safe.json";
    let bytes = fs::read(from.join(name)).map_err(|error| Failure::file("read", &from.join(name), error))?;
    home::write_new(&to.join(name), &bytes)?;
    Ok(identity)
}

fn copy(from: &Path, to: &Path, without: &[&str], nor: &Path) -> Outcome<()> {
    system::create_private_directory(to).map_err(|error| Failure::file("make the folder", to, error))?;
    let failed = |error| Failure::file("read", from, error);
    for entry in fs::read_dir(from).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let (name, kind) = (entry.file_name(), entry.file_type().map_err(failed)?);
        if entry.path() == nor || without.iter().any(|left| name == *left) {
            continue;
        }
        let (from, to) = (entry.path(), to.join(&name));
        if kind.is_dir() {
            copy(&from, &to, &[], nor)?;
        } else if kind.is_file() {
            fs::copy(&from, &to).map_err(|error| Failure::file("write", &to, error))?;
        }
    }
    Ok(())
}

/// What the new home is good for.
pub(super) fn tell(setting: &Setting, safe: &Safe, closed: usize) {
    let to = safe.home.folder();
    let console = setting.console;
    if closed > 0 {
        console.warn(words!(
            "{closed} epochs stay closed: their keys were not sealed to these keys",
            "この鍵では開けられない時期のものが{closed}期分あります"
        ));
    }
    if safe.chain.admin_rule() == AdminRule::Two {
        console.note(words!(
            "two admins change this safe: what you do as one of them another one signs, with --propose",
            "この金庫は管理者2人で変更します。管理者としての操作には、--propose を付けて、もう1人の署名を受けます"
        ));
    }
    let admin_from = safe.chain.waiting().map(|waiting| cards::time(waiting.until()));
    let result = json!({ "home": to.to_string_lossy(), "closed_epochs": closed, "admin_from": admin_from });
    console.result(result, |out| {
        let folder = shown(to);
        let made = words!(
            "{folder} opens everything that these keys open",
            "{folder} で、この鍵で開けられるものをすべて取り出せます"
        );
        writeln!(out, "{}", console.say(made))?;
        match admin_from {
            Some(from) => {
                let said = words!(
                    "its identity may act as an admin from {from} on, unless an admin refuses it",
                    "{from} から、この鍵で管理者として操作できます（管理者に拒まれた場合を除きます）"
                );
                writeln!(out, "{}", console.say(said))
            }
            None => Ok(()),
        }
    });
}
