//! `hizo recovery use --emergency`: a home on a machine that has nothing yet, of a safe whose keeper is elsewhere.
//!
//! What the emergency file says is pinned before anybody is asked, and nothing is written before the whole chain was followed
//! from its record 0 past its head.

use std::path::{Path, PathBuf};

use hizo_ledger::id::SpaceId;
use hizo_ledger::record::{AdminRule, Role};
use hizo_vault::joining::Invite;
use hizo_vault::keys::{IdentityFile, SessionKey};

use super::{machine, regain};
use crate::entropy::SystemEntropy;
use crate::failure::{Failure, Kind, Outcome};
use crate::home::{self, Device, Home, IDENTITY_BYTES_MAX};
use crate::keeper::Keeper;
use crate::passphrase::work_factor;
use crate::queue::AtHand;
use crate::safe::{self, Keyring, Safe};
use crate::words::{Words, words};
use crate::{Setting, bundle, cards, receipts};

/// What leads from a clean machine to a safe.
struct Way {
    invite: Invite,
    folder: PathBuf,
}

/// Brings a safe back with enough of its cards: a new identity, which reads at once and waits to be an admin.
pub(super) fn by_cards(setting: &Setting, emergency: &Path, card_files: &[PathBuf]) -> Outcome<()> {
    let way = Way::of(setting, emergency)?;
    let cards = cards::read(card_files, setting.console)?;
    let asks = cards::combine(&cards)?.session_key();
    let mut safe = way.follow(move |_| asks.clone()).map_err(|failure| {
        unknown(failure, words!(
            "If the clock is right, these cards are of another safe or of a set that was replaced: look at what is printed on them.",
            "時計が合っているなら、別の金庫のカードか、作り直す前のカードです。カードの組を確かめてください。"
        ))
    })?;
    let seed = cards::open(&safe, &cards)?;
    let keyring = Keyring::unlock(&safe, &seed.identity())?;
    let passphrase = setting.passphrase.for_something_new()?;
    let identity = IdentityFile::generate(&mut SystemEntropy);
    way.write(&Device::generate(), identity.seal(&passphrase.text, work_factor(), &mut SystemEntropy).as_bytes())?;
    Home::write_session_key(&way.folder, &identity.signing_seed.session_key(&way.invite.space))?;
    Home::write_recovered_epochs(&way.folder, identity.identity.recipient(), keyring.epochs())?;
    let record = regain::let_in(&mut safe, &seed, &identity)?;
    passphrase.tell(setting.console, &words!("the new home", "新しい金庫のフォルダー"));
    let new = way.settle()?;
    regain::tell(setting, &new, regain::closed(&safe, &keyring));
    setting.console.note(words!(
        "next: restore what you need. Once you are an admin: `hizo recovery machine`, then new cards",
        "次に: 必要なものを取り出してください。管理者になったら `hizo recovery machine`、続けて新しいカードを作ります"
    ));
    receipts::answer(&new, record).holds()
}

/// Brings a safe back with the copy of an identity file that is a member: the chain says so, and what it may do.
pub(super) fn by_identity(setting: &Setting, emergency: &Path, file: &Path, name: &str) -> Outcome<()> {
    let way = Way::of(setting, emergency)?;
    let bytes = bundle::read(file, IDENTITY_BYTES_MAX)?;
    let identity = safe::open_identity_file(file, bytes.clone(), &setting.read_passphrase()?)?;
    let asks = identity.signing_seed.clone();
    let mut safe = way.follow(move |space| asks.session_key(space)).map_err(|failure| {
        unknown(
            failure,
            words!(
                "If the clock is right, this identity is no member of this safe any more: ask an admin.",
                "時計が合っているなら、この鍵は、この金庫のメンバーではなくなっています。管理者にたずねてください。"
            ),
        )
    })?;
    let own = identity.signing_seed.space_key(&safe.home.space).verifying_key();
    let role = safe.chain.role(&own);
    let closed = match role.is_some_and(Role::opens) {
        true => regain::closed(&safe, &setting.unlock_with(&safe, &identity)?),
        false => 0,
    };
    let device = Device::generate();
    way.write(&device, &bytes)?;
    let record = match role {
        // Where two admins have to sign, another one lets this machine in.
        // Nor is a machine seated where that would tell who the company of a hand-over is: it reads by the consent's key.
        Some(Role::Admin)
            if safe.chain.admin_rule() == AdminRule::One
                && machine::refuse_untold(&safe, setting.unlock_with(&safe, &identity)?.people()?, &own).is_ok() =>
        {
            let change = machine::seating(&safe, &identity, &device.signing, name)?;
            Some(change.append_unanswered(&mut safe, &identity)?)
        }
        _ => None,
    };
    if record.is_none() {
        Home::write_session_key(&way.folder, &identity.signing_seed.session_key(&way.invite.space))?;
    }
    let new = way.settle()?;
    regain::tell(setting, &new, closed);
    match record {
        Some(record) => {
            setting.console.note(words!(
                "next: restore what you need, and remove the machine that is lost: `hizo space members`, `hizo space remove`",
                "次に: 必要なものを取り出し、なくしたコンピューターを外してください: `hizo space members`、`hizo space remove`"
            ));
            receipts::answer(&new, record).holds()
        }
        None => {
            setting.console.note(words!(
                "next: restore what you need. To deposit from this machine, join with it: `hizo space join FILE --identity identity.age`",
                "次に: 必要なものを取り出してください。ここから預けるには `hizo space join ファイル --identity identity.age` で参加し直します"
            ));
            Ok(())
        }
    }
}

impl Way {
    fn of(setting: &Setting, emergency: &Path) -> Outcome<Self> {
        let folder = setting.home_folder()?;
        Home::is_free(&folder)?;
        Ok(Self { invite: home::read_invite(emergency)?, folder })
    }

    /// Follows the whole space, asking in sessions by these keys, and writes nothing.
    ///
    /// # Errors
    /// Exit code 5 when the keeper, its keys or the chain are not the ones that the file names.
    fn follow(&self, key_of: impl Fn(&SpaceId) -> SessionKey + Send + Sync + 'static) -> Outcome<Safe> {
        let home = Home::invited(&self.folder, &self.invite)?;
        let roots = self.invite.roots.as_deref().map(str::as_bytes);
        let keeper = Keeper::there(&self.invite.address, &self.invite.keeper, roots, AtHand::nowhere(), key_of)?;
        keeper.is_the_pinned(&home)?;
        Safe::look(home, keeper, &self.invite)
    }

    /// Everything of the new home but `safe.json`, without which it is none: whatever fails from here on is begun anew.
    fn write(&self, device: &Device, identity: &[u8]) -> Outcome<()> {
        let _turn = Home::make(&self.folder)?;
        home::begin(&self.folder)?;
        home::write_new(&home::identity_file(&self.folder), identity)?;
        device.write(&self.folder)?;
        home::write_pins(&self.folder, &self.invite)
    }

    fn settle(&self) -> Outcome<Safe> {
        Safe::open(Home::join(&self.folder, &self.invite)?)
    }
}

/// The keeper lets in whom the safe's records name.
fn unknown(failure: Failure, hint: Words) -> Failure {
    match failure.kind {
        Kind::Fixable => failure.hint(hint),
        _ => failure,
    }
}
