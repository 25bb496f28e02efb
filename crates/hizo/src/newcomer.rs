//! Somebody who joins a safe: he asks with an invite, waits until he is let in, and enters. See docs/spec/joining.md.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use hizo_ledger::identity::VerifyingKey;
use hizo_ledger::record::{Control, Record};
use hizo_vault::event::NAME_BYTES_MAX;
use hizo_vault::event::certificate::UnverifiedCertificate;
use hizo_vault::fingerprint::Spoken;
use hizo_vault::joining::{Invite, UnverifiedRequest};
use hizo_vault::keys::IdentityFile;

use crate::contents::Opened;
use crate::entropy::SystemEntropy;
use crate::failure::{Failure, Kind, Outcome, shown};
use crate::handover::HandOver;
use crate::home::{self, Device, Home, IDENTITY_BYTES_MAX};
use crate::keeper::Keeper;
use crate::membership::other_words;
use crate::passphrase::work_factor;
use crate::safe::{self, Safe};
use crate::words::{Words, words};
use crate::{bundle, system};

/// What the others call somebody who asks, and what he calls his machine.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Called<'a> {
    pub name: &'a str,
    pub machine: &'a str,
}

impl Called<'_> {
    /// # Errors
    /// When a name is empty or too long.
    pub(crate) fn check(self) -> Outcome<()> {
        check_name(self.name)?;
        check_name(self.machine)
    }
}

/// Whether joining this safe was begun in a folder.
///
/// # Errors
/// When joining another one was.
pub(crate) fn is_begun(folder: &Path, invited: &Invite) -> Outcome<bool> {
    match home::invite_of(folder)? {
        Some(before) if before.space == invited.space && before.genesis == invited.genesis => Ok(true),
        Some(_) => Err(waits_in(folder)),
        None => Ok(false),
    }
}

/// Somebody waits there to be let into another safe.
pub(crate) fn waits_in(folder: &Path) -> Failure {
    Failure::fixable(words!(
        "joining another safe was begun in {folder}",
        "{folder} では、別の金庫への参加が始まっています",
        folder = shown(folder)
    ))
    .hint(words!("Name another folder with --home.", "別のフォルダーを --home で指定してください。"))
}

/// The keys with which joining was begun: words that were read out stay right.
pub(crate) fn begun(folder: &Path, passphrase: &str) -> Outcome<(IdentityFile, Device)> {
    let path = home::identity_file(folder);
    let bytes = bundle::read(&path, IDENTITY_BYTES_MAX)?;
    Ok((safe::open_identity_file(&path, bytes, passphrase)?, Device::read(folder)?))
}

/// A request, and the ten words that go with it.
pub(crate) struct Asks {
    pub said: UnverifiedRequest,
    /// The same as a file.
    pub request: Vec<u8>,
    pub words: Spoken,
}

impl Asks {
    pub(crate) fn of(invited: &Invite, called: Called, identity: &IdentityFile, device: &Device) -> Self {
        let said = UnverifiedRequest {
            space: invited.space,
            genesis: invited.genesis,
            name: called.name.to_owned(),
            machine: called.machine.to_owned(),
            person: UnverifiedCertificate::issue(identity, &invited.space),
            device: UnverifiedCertificate::issue_machine(identity, &device.signing, &invited.space),
        };
        Self { request: said.compose(), said, words: own_words(invited, identity) }
    }
}

/// The ten words of somebody who asks.
pub(crate) fn own_words(invited: &Invite, identity: &IdentityFile) -> Spoken {
    let own = identity.signing_seed.identity_key().verifying_key();
    Spoken::of_identity(&own, identity.identity.recipient(), &invited.genesis)
}

fn check_name(name: &str) -> Outcome<()> {
    if (1..=NAME_BYTES_MAX).contains(&name.len()) {
        return Ok(());
    }
    let message = words!("a name has 1 to {NAME_BYTES_MAX} bytes", "名前は1~{NAME_BYTES_MAX}バイトです");
    Err(Failure::new(Kind::Usage, message).hint(words!("Choose a shorter one.", "短くしてください。")))
}

/// Begins joining in a folder: keys of this machine and, unless he brings them, of its owner. The invite is written last.
pub(crate) fn make(
    folder: &Path,
    invited: &Invite,
    brought: Option<&Path>,
    own_space: Option<&Home>,
    passphrase: &str,
) -> Outcome<(IdentityFile, Device)> {
    let (identity, sealed) = match brought {
        Some(path) => {
            let bytes = bundle::read(path, IDENTITY_BYTES_MAX)?;
            (safe::open_identity_file(path, bytes.clone(), passphrase)?, bytes)
        }
        None => {
            let identity = IdentityFile::generate(&mut SystemEntropy);
            let sealed = identity.seal(passphrase, work_factor(), &mut SystemEntropy).as_bytes().to_vec();
            (identity, sealed)
        }
    };
    Ok((identity, make_with(folder, invited, &sealed, own_space)?))
}

/// The same, by an identity file that was opened before.
pub(crate) fn make_with(folder: &Path, invited: &Invite, sealed: &[u8], own_space: Option<&Home>) -> Outcome<Device> {
    let _turn = Home::make(folder)?;
    // Two that began at once have the same keys: the request of the first names them.
    if home::invite_of(folder)?.is_some() {
        return Device::read(folder);
    }
    let device = Device::generate();
    home::begin(folder)?;
    home::write_new(&home::identity_file(folder), sealed)?;
    device.write(folder)?;
    if let Some(own_space) = own_space {
        Home::write_own_space(folder, own_space.folder())?;
    }
    home::begin_joining(folder, invited)?;
    Ok(device)
}

/// Has somebody ask for his organisation, whose own space that is, or for himself, where joining was begun: he may change his mind until an
/// admin has used a request of his.
///
/// # Errors
/// When he was let in already, or nobody can be asked whether he was.
pub(crate) fn ask_for(folder: &Path, invited: &Invite, own_space: Option<&Home>) -> Outcome<()> {
    let meant = own_space.map(|home| absolute(home.folder())).transpose()?;
    if Home::invited(folder, invited)?.own_space()? == meant {
        return Ok(());
    }
    match Waiting::of(folder) {
        Ok(_) => Err(Failure::fixable(words!(
            "you have been let in already, by a request that you had written before",
            "前に書いた参加願で、すでに参加が認められています"
        ))
        .hint(words!(
            "Enter with the eight words: for whom you come stays as that request said.",
            "聞いた8語で入ってください。個人として入るか機関として入るかは、その参加願のとおりです。"
        ))),
        Err(failure) if is_not_yet(&failure) => Home::change_own_space(folder, meant.as_deref()),
        Err(failure) => Err(failure),
    }
}

/// When the request was written with which joining was begun in a folder, in seconds since 1970.
pub(crate) fn asked_at(folder: &Path) -> Option<u64> {
    let changed = fs::metadata(folder).and_then(|folder| folder.modified()).ok()?;
    Some(changed.duration_since(UNIX_EPOCH).ok()?.as_secs())
}

/// Whether [`Waiting::of`] failed since he was not let in yet, and not for what leaves that open.
pub(crate) fn is_not_yet(failure: &Failure) -> bool {
    failure.kind == Kind::Fixable && !failure.is_out_of_reach()
}

fn absolute(folder: &Path) -> Outcome<PathBuf> {
    std::path::absolute(folder).map_err(|error| Failure::file("read", folder, error))
}

/// Lets go what somebody has asked for and was not let into: keys that open nothing are removed, and no page leads there any more.
///
/// # Errors
/// When he was let in: then they are somebody's. When nobody can be asked whether he was.
pub(crate) fn let_go(folder: &Path) -> Outcome<()> {
    match Waiting::of(folder) {
        Ok(_) => Err(Failure::fixable(words!("you have been let in already", "すでに参加が認められています"))
            .hint(words!("Enter with the eight words.", "聞いた8語で入ってください。"))),
        Err(failure) if is_not_yet(&failure) => home::abandon(folder),
        // He may have been let in since: a keeper that is out of reach, or lies, does not say.
        Err(failure) => Err(failure),
    }
}

/// Somebody whom an admin has let in, and who has not entered yet.
pub(crate) struct Waiting {
    folder: PathBuf,
    invited: Invite,
    pub safe: Safe,
    /// The words of the record that lets him in.
    words: Spoken,
}

impl Waiting {
    /// # Errors
    /// When joining was not begun in the folder, or nobody has let this machine in.
    pub(crate) fn of(folder: &Path) -> Outcome<Self> {
        let Some(invited) = home::invite_of(folder)? else {
            return Err(Failure::fixable(words!(
                "joining a safe was not begun in {folder}",
                "{folder} では、金庫への参加が始まっていません",
                folder = shown(folder)
            ))
            .hint(words!(
                "Ask an admin for an invite, and run `hizo space join INVITE --name NAME --to REQUEST`.",
                "管理者から招待状をもらい、`hizo space join 招待状 --name 名前 --to 参加願` を実行してください。"
            )));
        };
        let home = Home::invited(folder, &invited)?;
        let keeper = Keeper::open(&home)?;
        let safe = Safe::look(home, keeper, &invited).map_err(|failure| match failure.kind {
            // The keeper lets in whom the safe's records name.
            Kind::Fixable => failure.hint(wait()),
            _ => failure,
        })?;
        let device = safe.home.device()?.signing.space_key(&invited.space).verifying_key();
        let Some(words) = admission(&safe, device).map(|record| Spoken::of_head(&record.id())) else {
            return Err(Failure::fixable(words!("nobody has let this machine in yet", "まだ参加が認められていません"))
                .hint(wait()));
        };
        Ok(Self { folder: folder.to_owned(), invited, safe, words })
    }

    /// # Errors
    /// When an admin of another safe reads out these words.
    pub(crate) fn compare(&self, heard: &str) -> Outcome<()> {
        if self.words.is_typed(heard) { Ok(()) } else { Err(other_words()) }
    }

    /// Makes the folder a home of the safe.
    pub(crate) fn enter(self) -> Outcome<Safe> {
        Safe::open(Home::join(&self.folder, &self.invited)?)
    }

    /// Writes down for whom he was let in, as far as that can be told here: the request that an admin used need not be the one that he
    /// wrote last.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(crate) fn settle_for(&self, identity: &IdentityFile) -> Outcome<()> {
        let home = &self.safe.home;
        let around = || home.around().ok().flatten().filter(|own| own.organisation_card_file().exists());
        let Some(own) = home.own_space()?.or_else(|| around().map(|own| own.folder().to_owned())) else {
            return Ok(());
        };
        let opens = |own_space| {
            let keyring = self.safe.unlock_in_passing(identity, own_space);
            keyring.is_ok_and(|keyring| keyring.opens(self.safe.chain.epoch()))
        };
        match () {
            () if opens(None) => Home::change_own_space(&self.folder, None),
            () if opens(Some(&own)) => Home::change_own_space(&self.folder, Some(&own)),
            () => Ok(()),
        }
    }

    /// Whether it is a hand-over that he was let into; nothing where he cannot open what says so.
    ///
    /// # Errors
    /// When what says so is damaged.
    pub(crate) fn is_handover(&self, identity: &IdentityFile) -> Outcome<Option<bool>> {
        let own_space = self.safe.home.own_space()?;
        let Ok(keyring) = self.safe.unlock_in_passing(identity, own_space.as_deref()) else { return Ok(None) };
        let opened = Opened { safe: &self.safe, keyring: &keyring };
        let handover = HandOver::of(opened)?;
        let can_tell = self.safe.records.first().is_some_and(|genesis| keyring.opens(genesis.envelope().epoch));
        Ok(can_tell.then_some(handover.is_some()))
    }

    /// Has it wait in another folder, where what it turned out to be is looked for.
    pub(crate) fn bring(&mut self, to: PathBuf) -> Outcome<()> {
        let failed = |error| Failure::file("make the folder", &to, error);
        let parent = to.parent().unwrap_or(&to);
        system::create_private_directory(parent).map_err(failed)?;
        std::fs::rename(&self.folder, &to).map_err(failed)?;
        self.folder = to;
        Ok(())
    }
}

fn wait() -> Words {
    words!(
        "If you have not been let in yet, send the request to an admin and wait for the call.",
        "まだ参加を認められていないなら、参加願を管理者に送り、電話を待ってください。"
    )
}

/// The record that last made a key a present member.
fn admission(safe: &Safe, key: VerifyingKey) -> Option<&Record> {
    safe.chain.role(&key)?;
    let makes = |control: &Control| matches!(control, Control::Member { key: member, .. } if *member == key);
    safe.records.iter().rfind(|record| record.envelope().controls.iter().any(makes))
}
