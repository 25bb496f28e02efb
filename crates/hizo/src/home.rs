//! The home folder: what one machine knows of a safe. Names of files and their contents: docs/spec/local-state.md.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hizo_keeper::witness::WitnessPolicy;
use hizo_keeper::{EmbeddedKeeper, EmbeddedLog};
use hizo_ledger::id::{ObjectId, RecordId, SeriesId, SpaceId};
use hizo_ledger::identity::VerifyingKey;
use hizo_ledger::log::note::{CheckpointKey, NamedKey};
use hizo_ledger::record::{self, ClaimedTime, Origin, UnverifiedRecord};
use hizo_ledger::space::Head;
use hizo_ledger::timestamp::Authority;
use hizo_vault::age::{self, Identity, Recipient};
use hizo_vault::event::Class;
use hizo_vault::joining::{INVITE_BYTES_MAX, Invite};
use hizo_vault::keys::{SessionKey, SigningSeed};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::bundle;
use crate::entropy::{SystemEntropy, random};
use crate::failure::{Failure, Kind, Outcome, shown};
use crate::log;
use crate::system;
use crate::words::words;

/// What identifies the safe, written once.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SafeFile {
    hizo: String,
    keeper: String,
    log_key: String,
    receipt_key: String,
    space: String,
    genesis: String,
    /// Where the keeper is; without one it lies in this folder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    address: Option<String>,
    /// The keepers that had the space before, the first one first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    former: Vec<FormerFile>,
}

/// A keeper that had the space before, as `safe.json` has it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct FormerFile {
    keeper: String,
    log_key: String,
    receipt_key: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    address: Option<String>,
}

const SAFE_FORMAT: &str = "home/v1";
/// The same of a space that has moved.
const MOVED_FORMAT: &str = "home/v2";
const SAFE_FILE: &str = "safe.json";

/// Length of an identity file, at most, in bytes.
pub(crate) const IDENTITY_BYTES_MAX: usize = 64 << 10;

/// The session key of the identity of this home, where the machine is no member itself.
const SESSION_FILE: &str = "session.key";
/// The slot key of a space whose keeper is elsewhere: base64 and a line feed.
const SLOT_KEY_FILE: &str = "slot.key";
/// The keys of this machine that wait for their place.
const NEXT_DEVICE_FILE: &str = "device.next";
/// The policy by which heads of such a keeper are witnessed.
const POLICY_FILE: &str = "log.policy";
/// The roots of such a keeper's certificate, as PEM.
const ROOTS_FILE: &str = "keeper.pem";
/// What recovery cards opened, sealed to the identity of this home.
const EPOCHS_FILE: &str = "epochs.age";
const EPOCHS_HEAD: &str = "# hizo/epochs/v1\n";
/// The last drill of recovery cards that this machine knows of.
const DRILL_FILE: &str = "drill";
/// What was in a large safe when its person looked last.
const LAST_SEEN_FILE: &str = "last-seen.age";
/// What came of samples of the keeper's objects, a line each.
const SAMPLES_FILE: &str = "samples";
const SAMPLES_MAX: usize = 1_000;
/// The invite with which joining such a space was begun; without `safe.json` beside it, nobody has confirmed it.
const INVITE_FILE: &str = "invite";
/// The home of the own space of the organisation for which this home's person is a member.
const OWN_SPACE_FILE: &str = "organisation.home";
const OWN_EPOCH_FILE: &str = "organisation.epoch";
/// The epoch of which this machine has seen that an organisation reads it by keys of before.
const STALE_FILE: &str = "stale.epoch";
const COMPARED_FILE: &str = "compared.home";
const ACTING_FILE: &str = "organisation.acting";
/// The organisation's key, sealed with the passphrase of the identity, and the card by which others know it.
const ORGANISATION_KEY_FILE: &str = "organisation.age";
const ORGANISATION_CARD_FILE: &str = "organisation.card";
/// The directory of organisations that this machine holds all later ones to, and one that it had to refuse.
const DIRECTORY_FILE: &str = "directory.note";
const REFUSED_DIRECTORY_FILE: &str = "directory.refused";
/// By what it was judged whether that is logged, and where the next ones lie while they are judged.
const DIRECTORY_POLICY_FILE: &str = "directory.policy";
const DIRECTORY_ROOTS_FILE: &str = "directory.roots";
const FETCHED_DIRECTORIES: &str = "directory.fetched";
/// There while a home is being set up.
const UNFINISHED_FILE: &str = "unfinished";
/// Held by whoever sets it up.
const MAKING_FILE: &str = "making.lock";
/// The newest head of the log.
const CHECKPOINT_FILE: &str = "checkpoint";
/// A head of the log that does not go on from what was seen.
const REFUSED_CHECKPOINT_FILE: &str = "checkpoint.refused";
/// The highest record that this machine has seen.
const HEAD_FILE: &str = "head";
/// The notes of such a space, one after the other.
const NOTES_FILE: &str = "notes";

/// Folders in the home of a safe, of homes that its desk begins or joins: cases, hand-overs of which its person is the company or the
/// sender, and those that he receives.
pub(crate) const CASES: &str = "cases";
pub(crate) const HANDED: &str = "hand-overs";
pub(crate) const RECEIVED: &str = "received";

/// The folder of what belongs to a later keeper than the first, whose files lie in the home folder itself.
const KEEPERS_FOLDER: &str = "keepers";
/// What a keeper elsewhere answered of its log before the space left it.
const FORMER_FOLDER: &str = "former";
/// The same, while it is replaced.
const FORMER_ASIDE_FOLDER: &str = "former.old";
/// The ids of objects that a keeper has taken to which the space is about to move.
const BROUGHT_FILE: &str = "brought";
/// The record by which the space moves, as it was signed first.
const DEPARTURE_FILE: &str = "departure";
/// Its body, sealed.
const DEPARTURE_BODY_FILE: &str = "departure.body";

/// A machine's home folder.
#[derive(Debug, Clone)]
pub(crate) struct Home {
    folder: PathBuf,
    /// Where what belongs to this keeper lies.
    terms: PathBuf,
    /// The keepers that had the space before, the first one first.
    former: Vec<Pinned>,
    /// How a keeper is believed that the space is about to move to; of every other one that is written down.
    coming: Option<Coming>,
    pub keeper: Origin,
    /// The key that signs the keeper's log.
    pub log_key: VerifyingKey,
    /// The key that signs the keeper's receipts.
    pub receipt_key: NamedKey,
    pub space: SpaceId,
    pub genesis: RecordId,
    address: Option<String>,
    /// Where somebody said that the keeper is reached now.
    named: Option<String>,
}

/// How a keeper is believed that is not settled yet.
#[derive(Debug, Clone)]
struct Coming {
    /// As [`Home::keeper_roots`].
    roots: Option<Vec<u8>>,
    /// As [`Home::witness_policy_text`].
    policy: Option<String>,
}

/// What a receipt is worth by now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Promise {
    /// Its record has not been seen in the log.
    Due,
    /// Its record has been seen in the log.
    Met,
    /// The keeper gave it for the record, and it is not the one that it had to give.
    Refused,
}

/// What a machine that deposits holds: a key that signs, and a key for what it remembers. Neither opens anything.
pub(crate) struct Device {
    pub signing: SigningSeed,
    pub local: Zeroizing<[u8; 32]>,
}

/// The record by which a space moves, signed and not yet appended.
pub(crate) struct Departure {
    pub record: UnverifiedRecord,
    /// Its body, if it has one, until a keeper that takes the record has it.
    pub body: Option<Vec<u8>>,
}

/// What a machine holds its keeper to, for ever.
#[derive(Debug, Clone)]
pub(crate) struct Pinned {
    pub origin: Origin,
    pub log_key: VerifyingKey,
    pub receipt_key: NamedKey,
    /// Where it is; nothing when it lies in the home folder.
    pub address: Option<String>,
}

impl Pinned {
    fn read(keeper: &str, log_key: &str, receipt_key: &str, address: Option<String>, path: &Path) -> Outcome<Self> {
        Ok(Self {
            origin: Origin::parse(keeper).map_err(|error| damaged(path).source(error))?,
            log_key: VerifyingKey::from_base64(log_key).map_err(|error| damaged(path).source(error))?,
            receipt_key: NamedKey::parse(receipt_key).map_err(|error| damaged(path).source(error))?,
            address,
        })
    }

    /// The keeper that an invite names.
    pub(crate) fn of_invite(invite: &Invite) -> Outcome<Self> {
        let CheckpointKey::Log(log_key) = *invite.log_key.key() else { return Err(no_log_key()) };
        if invite.log_key.name() != invite.keeper.as_str() {
            return Err(no_log_key());
        }
        let (origin, receipt_key) = (invite.keeper.clone(), invite.receipt_key.clone());
        Ok(Self { origin, log_key, receipt_key, address: Some(invite.address.clone()) })
    }

    /// The keeper of a home that there is.
    pub(crate) fn of(home: &Home) -> Self {
        let (log_key, receipt_key, address) = (home.log_key, home.receipt_key.clone(), home.address.clone());
        Self { origin: home.keeper.clone(), log_key, receipt_key, address }
    }

    /// The keeper in this home's own folder.
    pub(crate) fn here(folder: &Path, keeper: &EmbeddedKeeper) -> Outcome<Self> {
        let log = EmbeddedLog::open(&keeper_folder(folder), keeper).map_err(Failure::from)?;
        let (origin, log_key) = (keeper.origin().clone(), *keeper.log_key());
        Ok(Self { origin, log_key, receipt_key: log.receipt_key().clone(), address: None })
    }
}

impl Home {
    /// Opens a home that was set up before.
    pub(crate) fn open(folder: &Path) -> Outcome<Self> {
        let path = folder.join(SAFE_FILE);
        let text = fs::read(&path).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => Failure::fixable(words!(
                "there is no safe in {folder}",
                "{folder} に金庫はありません",
                folder = shown(folder)
            ))
            .hint(words!(
                "Run `hizo init` first, or name the right folder with --home.",
                "先に `hizo init` を実行するか、正しいフォルダーを --home で指定してください。"
            )),
            _ => Failure::file("read", &path, error),
        })?;
        let file: SafeFile = serde_json::from_slice(&text).map_err(|error| damaged(&path).source(error))?;
        if file.hizo != format_of(file.former.is_empty()) {
            return Err(Failure::fixable(words!(
                "{path} is of a format this version does not know",
                "{path} の形式は、この版では扱えません",
                path = shown(&path)
            ))
            .hint(words!("Use the newer hizo that made it.", "それを作った新しい版の hizo を使ってください。")));
        }
        let read = |former: FormerFile| {
            let FormerFile { keeper, log_key, receipt_key, address } = former;
            Pinned::read(&keeper, &log_key, &receipt_key, address, &path)
        };
        let former = file.former.into_iter().map(read).collect::<Outcome<_>>()?;
        let pinned = Pinned::read(&file.keeper, &file.log_key, &file.receipt_key, file.address, &path)?;
        let space = SpaceId::from_hex(&file.space).map_err(|error| damaged(&path).source(error))?;
        let genesis = RecordId::from_hex(&file.genesis).map_err(|error| damaged(&path).source(error))?;
        Ok(Self::of(folder, pinned, space, genesis, former))
    }

    /// What belongs to a keeper lies where it was put when the space came to that keeper first.
    fn of(folder: &Path, pinned: Pinned, space: SpaceId, genesis: RecordId, former: Vec<Pinned>) -> Self {
        let place = former.iter().position(|before| before.origin == pinned.origin).unwrap_or(former.len());
        let terms = match place {
            0 => folder.to_owned(),
            _ => folder.join(KEEPERS_FOLDER).join(place.to_string()),
        };
        let Pinned { origin, log_key, receipt_key, address } = pinned;
        let (folder, keeper, coming, named) = (folder.to_owned(), origin, None, None);
        Self { folder, terms, former, coming, keeper, log_key, receipt_key, space, genesis, address, named }
    }

    /// What `safe.json` says.
    fn safe_file(&self) -> Vec<u8> {
        let former = self.former.iter().map(|former| FormerFile {
            keeper: former.origin.to_string(),
            log_key: former.log_key.to_base64(),
            receipt_key: former.receipt_key.to_string(),
            address: former.address.clone(),
        });
        let file = SafeFile {
            hizo: format_of(self.former.is_empty()).into(),
            keeper: self.keeper.to_string(),
            log_key: self.log_key.to_base64(),
            receipt_key: self.receipt_key.to_string(),
            space: self.space.to_string(),
            genesis: self.genesis.to_string(),
            address: self.address.clone(),
            former: former.collect(),
        };
        let mut text = serde_json::to_vec_pretty(&file).expect("text and hexadecimal digits serialise");
        text.push(b'\n');
        text
    }

    /// Writes down which safe this home belongs to: the last step of setting it up.
    pub(crate) fn settle(folder: &Path, pinned: &Pinned, space: SpaceId, genesis: RecordId) -> Outcome<Self> {
        let home = Self::of(folder, pinned.clone(), space, genesis, Vec::new());
        write_new(&folder.join(SAFE_FILE), &home.safe_file())?;
        // With `safe.json` beside it, it means nothing any more.
        let _ = fs::remove_file(folder.join(UNFINISHED_FILE));
        Self::open(folder)
    }

    /// A home that an invite leads to, and that was not confirmed: nothing of it need be there yet.
    pub(crate) fn invited(folder: &Path, invite: &Invite) -> Outcome<Self> {
        Ok(Self::of(folder, Pinned::of_invite(invite)?, invite.space, invite.genesis, Vec::new()))
    }

    /// This home as it will be with the space at another keeper, and as it stays if [`Home::settle_move`] is never called. Of a keeper that
    /// had the space before, the policy that is held stays, and the roots where none are brought.
    ///
    /// # Errors
    /// Exit code 5 when such a keeper has another key now.
    pub(crate) fn moving_to(&self, pinned: &Pinned, roots: Option<&[u8]>, policy: Option<&str>) -> Outcome<Self> {
        let before = self.former.iter().find(|former| former.origin == pinned.origin);
        if before.is_some_and(|former| (former.log_key, &former.receipt_key) != (pinned.log_key, &pinned.receipt_key)) {
            return Err(log::lying(words!(
                "it has the name of a keeper that had this safe before, and another key",
                "この金庫を以前預けていた預け先と同じ名前で、別の鍵を示しています"
            )));
        }
        let former = self.former.iter().cloned().chain([Pinned::of(self)]).collect();
        let mut home = Self::of(&self.folder, pinned.clone(), self.space, self.genesis, former);
        let (mut held_roots, mut held_policy) = (None, None);
        if before.is_some() {
            (held_roots, held_policy) = (home.keeper_roots()?, home.witness_policy_text()?);
        }
        home.coming = Some(Coming {
            roots: roots.map(<[u8]>::to_vec).or(held_roots),
            policy: held_policy.or(policy.map(str::to_owned)),
        });
        system::create_private_directory(&home.terms)
            .map_err(|error| Failure::file("make the folder", &home.terms, error))?;
        Ok(home)
    }

    /// Makes that the home, in one step.
    pub(crate) fn settle_move(&self) -> Outcome<()> {
        if let Some(Coming { roots, policy }) = &self.coming {
            for (name, bytes) in [(ROOTS_FILE, roots.as_deref()), (POLICY_FILE, policy.as_deref().map(str::as_bytes))] {
                let path = self.terms.join(name);
                match bytes {
                    Some(bytes) => replace(&path, bytes)?,
                    None => drop(if_there(&path, fs::remove_file(&path))?),
                }
            }
        }
        replace(&self.folder.join(SAFE_FILE), &self.safe_file())?;
        let _ = fs::remove_file(self.brought_file());
        for over in self.departure_files() {
            let _ = fs::remove_file(over);
        }
        // Where the space was before, it is asked itself again.
        for over in [FORMER_FOLDER, FORMER_ASIDE_FOLDER] {
            let _ = fs::remove_dir_all(self.terms.join(over));
        }
        Ok(())
    }

    /// Forgets that: it has lost some of them since.
    pub(crate) fn forget_brought(&self) -> Outcome<()> {
        let path = self.brought_file();
        if_there(&path, fs::remove_file(&path)).map(drop)
    }

    /// One for each keeper: somebody may have begun to move to another one.
    fn brought_file(&self) -> PathBuf {
        self.terms.join(format!("{BROUGHT_FILE}-{:.16}", ObjectId::of(self.keeper.as_str().as_bytes()).to_string()))
    }

    /// The home as it was while the space was at this keeper; nothing where it never was there.
    pub(crate) fn when_kept_by(&self, origin: &Origin) -> Option<Self> {
        if *origin == self.keeper {
            return Some(self.clone());
        }
        let place = self.former.iter().rposition(|former| former.origin == *origin)?;
        let (before, rest) = self.former.split_at(place);
        let pinned = rest.first()?.clone();
        Some(Self::of(&self.folder, pinned, self.space, self.genesis, before.to_vec()))
    }

    /// Where what belongs to a keeper in this home lies, or would: the one that had the space before, if one did.
    pub(crate) fn terms_here(&self) -> PathBuf {
        let before = self.former.iter().find(|former| former.address.is_none());
        match before.and_then(|former| self.when_kept_by(&former.origin)) {
            Some(home) => home.terms,
            None => self.folder.join(KEEPERS_FOLDER).join((self.former.len() + 1).to_string()),
        }
    }

    /// Held while the space moves: of two processes one moves it, or follows it, at a time.
    pub(crate) fn lock_move(&self) -> Outcome<fs::File> {
        lock(&self.folder.join("move.lock"))
    }

    /// Where what a keeper elsewhere answered of its log is written down before the space leaves it.
    pub(crate) fn former_folder(&self) -> PathBuf {
        let [folder, aside] = [FORMER_FOLDER, FORMER_ASIDE_FOLDER].map(|name| self.terms.join(name));
        // A crash between two steps of [`Home::settle_former`] leaves what was there aside.
        if folder.exists() || !aside.exists() { folder } else { aside }
    }

    /// Where that is written down anew, until all of it is there.
    pub(crate) fn next_former_folder(&self) -> PathBuf {
        self.terms.join(FORMER_FOLDER).with_extension("new")
    }

    /// Puts what was written down anew in the place of what was there, if anything was. One of both is there whenever this is cut.
    pub(crate) fn settle_former(&self) -> Outcome<()> {
        let next = self.next_former_folder();
        let [folder, aside] = [FORMER_FOLDER, FORMER_ASIDE_FOLDER].map(|name| self.terms.join(name));
        if !next.exists() {
            return Ok(());
        }
        let remove_aside = || if aside.exists() { fs::remove_dir_all(&aside) } else { Ok(()) };
        let settle = || -> io::Result<()> {
            system::sync_directory(&next)?;
            if folder.exists() {
                remove_aside()?;
                fs::rename(&folder, &aside)?;
            }
            fs::rename(&next, &folder)?;
            system::sync_directory(&self.terms)?;
            remove_aside()
        };
        settle().map_err(|error| Failure::file("write", &folder, error))
    }

    /// The record by which the space moves to this keeper, if one was signed already: no second one is signed for the same place.
    pub(crate) fn departure(&self) -> Outcome<Option<Departure>> {
        let [path, body] = self.departure_files();
        let Some(note) = if_there(&path, fs::read(&path))? else { return Ok(None) };
        let record = UnverifiedRecord::parse(&note).map_err(|error| damaged(&path).source(error))?;
        let named = record.envelope().body.map(|(id, _)| id);
        let body = if_there(&body, fs::read(&body))?.filter(|bytes| Some(ObjectId::of(bytes)) == named);
        Ok(Some(Departure { record, body }))
    }

    /// Writes it down before anybody is shown it.
    pub(crate) fn note_departure(&self, Departure { record, body }: &Departure) -> Outcome<()> {
        let [path, body_path] = self.departure_files();
        body.as_ref().map_or(Ok(()), |body| replace(&body_path, body))?;
        replace(&path, record.note_bytes())
    }

    fn departure_files(&self) -> [PathBuf; 2] {
        [DEPARTURE_FILE, DEPARTURE_BODY_FILE].map(|name| self.terms.join(name))
    }

    /// The objects that the keeper has taken to which the space is about to move.
    pub(crate) fn brought(&self) -> Outcome<BTreeSet<ObjectId>> {
        let path = self.brought_file();
        let text = if_there(&path, fs::read_to_string(&path))?.unwrap_or_default();
        Ok(text.lines().filter_map(|line| ObjectId::from_hex(line).ok()).collect())
    }

    /// Notes that it has taken one more. What is lost of this in a power cut is brought again.
    pub(crate) fn note_brought(&self, object: ObjectId) -> Outcome<()> {
        let path = self.brought_file();
        let append = || {
            fs::OpenOptions::new().create(true).append(true).open(&path)?.write_all(format!("{object}\n").as_bytes())
        };
        append().map_err(|error| Failure::file("write", &path, error))
    }

    /// Makes it a home of the safe, which is confirmed.
    pub(crate) fn join(folder: &Path, invite: &Invite) -> Outcome<Self> {
        let home = Self::settle(folder, &Pinned::of_invite(invite)?, invite.space, invite.genesis)?;
        let path = folder.join(INVITE_FILE);
        // With `safe.json` beside it, it means nothing any more.
        let _ = fs::remove_file(path);
        Ok(home)
    }

    /// Begins a home of another space, of the same identity and the same machine. Their keys there are others, so that nobody
    /// can tell from these that they are the same.
    pub(crate) fn begin_beside(&self, folder: &Path) -> Outcome<Device> {
        Self::make(folder)?;
        begin(folder)?;
        let path = self.identity_file();
        let sealed = fs::read(&path).map_err(|error| Failure::file("read", &path, error))?;
        write_new(&identity_file(folder), &sealed)?;
        let device = Device { signing: self.device()?.signing, local: Zeroizing::new(random()) };
        device.write(folder)?;
        Ok(device)
    }

    /// What such a home holds its keeper to beside the keys: where it is the same keeper.
    pub(crate) fn write_terms_beside(&self, folder: &Path, slot_key: &[u8; 32]) -> Outcome<()> {
        Self::write_slot_key(folder, slot_key)?;
        if let Some(roots) = self.keeper_roots()? {
            Self::write_keeper_roots(folder, &roots)?;
        }
        if let Some(policy) = self.witness_policy_text()? {
            Self::write_witness_policy(folder, &policy)?;
        }
        Ok(())
    }

    /// Writes down by whom heads of the keeper have to be witnessed.
    pub(crate) fn write_witness_policy(folder: &Path, policy: &str) -> Outcome<()> {
        write_new(&folder.join(POLICY_FILE), policy.as_bytes())
    }

    /// Makes sure that a folder is no home yet, and has nothing of one.
    pub(crate) fn is_free(folder: &Path) -> Outcome<()> {
        if !folder.join(SAFE_FILE).exists() {
            return leave_remains(folder);
        }
        Err(Failure::fixable(words!(
            "there is a safe in {folder} already",
            "{folder} にはすでに金庫があります",
            folder = shown(folder)
        ))
        .hint(words!(
            "Nothing was changed. Name another folder with --home to set up a second safe.",
            "何も変更していません。2つ目の金庫を作るときは、別のフォルダーを --home で指定してください。"
        )))
    }

    /// Makes the folder of a home that is not there yet. Until what is returned is dropped, nobody else makes one there: of two at once,
    /// the second would take the keys of the first for remains.
    pub(crate) fn make(folder: &Path) -> Outcome<fs::File> {
        Self::is_free(folder)?;
        system::create_private_directory(&folder.join("series"))
            .map_err(|error| Failure::file("make the folder", folder, error))?;
        let turn = lock(&folder.join(MAKING_FILE))?;
        Self::is_free(folder)?;
        Ok(turn)
    }

    /// The same home, with its keeper at another address. Which keeper it is does not change: its keys are those that were pinned.
    ///
    /// # Errors
    /// When the keeper lies in this folder.
    pub(crate) fn reached_at(self, address: &str) -> Outcome<Self> {
        if self.address.is_none() {
            return Err(Failure::new(
                Kind::Usage,
                words!(
                    "this safe's keeper lies in its own folder",
                    "この金庫の預け先は、金庫のフォルダーの中にあります"
                ),
            )
            .hint(words!(
                "Leave --keeper out, and HIZO_KEEPER of the environment.",
                "--keeper と環境変数 HIZO_KEEPER を外してください。"
            )));
        }
        let named = Some(address.trim_end_matches('/').to_owned());
        Ok(Self { address: named.clone(), named, ..self })
    }

    /// Where somebody said that its keeper is reached now; nothing where nobody did.
    pub(crate) fn named_address(&self) -> Option<&str> {
        self.named.as_deref()
    }

    /// Another home on this machine. What somebody said of where the keeper of this one is reached holds for it if it has the same one.
    pub(crate) fn another(&self, folder: &Path) -> Outcome<Self> {
        let home = Self::open(folder)?;
        match &self.named {
            Some(address) if home.keeper == self.keeper && home.address.is_some() => home.reached_at(address),
            _ => Ok(home),
        }
    }

    /// The keeper's address; nothing when it lies in this folder.
    pub(crate) fn address(&self) -> Option<&str> {
        self.address.as_deref()
    }

    /// The session key by which this machine, which is no member itself, asks the keeper as the person whose home this is;
    /// nothing where the machine has one of its own.
    pub(crate) fn session_key(&self) -> Outcome<Option<SessionKey>> {
        let path = self.folder.join(SESSION_FILE);
        let Some(text) = if_there(&path, fs::read_to_string(&path).map(Zeroizing::new))? else { return Ok(None) };
        SessionKey::from_session_file(&text).map(Some).map_err(|error| damaged(&path).source(error))
    }

    /// Writes such a key down.
    pub(crate) fn write_session_key(folder: &Path, key: &SessionKey) -> Outcome<()> {
        write_new(&folder.join(SESSION_FILE), key.to_session_file().as_bytes())
    }

    /// Forgets it: the machine is a member now.
    pub(crate) fn forget_session_key(&self) -> Outcome<()> {
        let path = self.folder.join(SESSION_FILE);
        if_there(&path, fs::remove_file(&path)).map(drop)
    }

    /// The keys of this machine that it will have once they are a member's; the present ones are somebody else's.
    pub(crate) fn next_device(&self) -> Outcome<Option<SigningSeed>> {
        let path = self.folder.join(NEXT_DEVICE_FILE);
        let Some(text) = if_there(&path, fs::read_to_string(&path).map(Zeroizing::new))? else { return Ok(None) };
        SigningSeed::from_writer_file(&text).map(Some).map_err(|error| damaged(&path).source(error))
    }

    /// The same, drawn where there are none.
    pub(crate) fn draw_next_device(&self) -> Outcome<SigningSeed> {
        if let Some(known) = self.next_device()? {
            return Ok(known);
        }
        let drawn = SigningSeed::generate(&mut SystemEntropy);
        write_new(&self.folder.join(NEXT_DEVICE_FILE), drawn.to_writer_file().as_bytes())?;
        Ok(drawn)
    }

    /// They are a member's now.
    pub(crate) fn settle_next_device(&self) -> Outcome<()> {
        let Some(next) = self.next_device()? else { return Ok(()) };
        replace(&device_file(&self.folder), next.to_writer_file().as_bytes())?;
        let path = self.folder.join(NEXT_DEVICE_FILE);
        if_there(&path, fs::remove_file(&path)).map(drop)
    }

    /// The slot key of the space, once the keeper was asked for it; nothing when the keeper lies in this folder and has it.
    pub(crate) fn slot_key(&self) -> Outcome<Option<[u8; 32]>> {
        let path = self.folder.join(SLOT_KEY_FILE);
        let Some(text) = if_there(&path, fs::read_to_string(&path))? else { return Ok(None) };
        let key = text.strip_suffix('\n').and_then(|line| from_base64(line)?.try_into().ok());
        key.map(Some).ok_or_else(|| damaged(&path))
    }

    /// The roots of the certificate that a keeper elsewhere must have; nothing where any browser's will do.
    pub(crate) fn keeper_roots(&self) -> Outcome<Option<Vec<u8>>> {
        if let Some(coming) = &self.coming {
            return Ok(coming.roots.clone());
        }
        let path = self.terms.join(ROOTS_FILE);
        if_there(&path, fs::read(&path))
    }

    /// Writes such roots down.
    pub(crate) fn write_keeper_roots(folder: &Path, pem: &[u8]) -> Outcome<()> {
        write_new(&folder.join(ROOTS_FILE), pem)
    }

    /// Writes down the slot key of a space whose keeper is elsewhere.
    pub(crate) fn write_slot_key(folder: &Path, key: &[u8; 32]) -> Outcome<()> {
        let line = Zeroizing::new(format!("{}\n", STANDARD.encode(key)));
        write_new(&folder.join(SLOT_KEY_FILE), line.as_bytes())
    }

    /// Whose cosignatures this machine asks for on the heads of a keeper at an address: a policy that a person gave it.
    pub(crate) fn witness_policy(&self, log: &NamedKey) -> Outcome<Option<WitnessPolicy>> {
        let Some(text) = self.witness_policy_text()? else { return Ok(None) };
        let policy = WitnessPolicy::read(text.as_bytes(), std::slice::from_ref(log));
        policy.map(Some).map_err(|error| damaged(&self.terms.join(POLICY_FILE)).source(error))
    }

    /// The text of that policy, to be handed on; nothing where there is none.
    pub(crate) fn witness_policy_text(&self) -> Outcome<Option<String>> {
        if let Some(coming) = &self.coming {
            return Ok(coming.policy.clone());
        }
        let path = self.terms.join(POLICY_FILE);
        if_there(&path, fs::read_to_string(&path))
    }

    /// What leads somebody else, or this machine's successor, to the safe as it stands at this head; nothing where its keeper lies
    /// in this machine's own folder, and nobody else reaches it.
    pub(crate) fn invite(&self, head: Head) -> Outcome<Option<Invite>> {
        let Some(address) = &self.address else { return Ok(None) };
        Ok(Some(Invite {
            space: self.space,
            genesis: self.genesis,
            head,
            keeper: self.keeper.clone(),
            log_key: log::named_key(self)?,
            receipt_key: self.receipt_key.clone(),
            address: address.clone(),
            roots: self.keeper_roots()?.map(String::from_utf8).transpose().map_err(Failure::internal)?,
            policy: self.witness_policy_text()?,
        }))
    }

    pub(crate) fn keeper_folder(&self) -> PathBuf {
        keeper_folder(&self.terms)
    }

    pub(crate) fn identity_file(&self) -> PathBuf {
        identity_file(&self.folder)
    }

    /// The secrets of epochs that recovery cards opened for the identity of this home; none where none were.
    pub(crate) fn recovered_epochs(&self, own: &Identity) -> Outcome<Vec<(u32, Identity)>> {
        let path = self.folder.join(EPOCHS_FILE);
        let Some(bytes) = if_there(&path, fs::read(&path))? else { return Ok(Vec::new()) };
        // Sealed to another identity: the cards themselves, which open nothing that is sealed for people.
        let Ok(text) = age::open_own(bytes, own).map(Zeroizing::new) else { return Ok(Vec::new()) };
        let text = std::str::from_utf8(&text).ok().and_then(|text| text.strip_prefix(EPOCHS_HEAD));
        let parse =
            |pair: (&str, &str)| Some((pair.0.strip_prefix("# epoch ")?.parse().ok()?, Identity::parse(pair.1).ok()?));
        let lines: Vec<&str> = text.ok_or_else(|| damaged(&path))?.lines().collect();
        let pairs = lines.chunks(2).map(|pair| parse((pair.first()?, pair.get(1)?)));
        pairs.collect::<Option<_>>().ok_or_else(|| damaged(&path))
    }

    /// Writes down, for an identity, the secrets of epochs that recovery cards opened.
    pub(crate) fn write_recovered_epochs<'a>(
        folder: &Path,
        own: &Recipient,
        epochs: impl Iterator<Item = (u32, &'a Identity)>,
    ) -> Outcome<()> {
        let mut text = Zeroizing::new(EPOCHS_HEAD.to_owned());
        for (epoch, secret) in epochs {
            let lines = Zeroizing::new(format!("# epoch {epoch}\n{}\n", *secret.to_secret_line()));
            text.push_str(&lines);
        }
        let sealed = age::seal(text.as_bytes(), std::slice::from_ref(own), &mut SystemEntropy);
        write_new(&folder.join(EPOCHS_FILE), &sealed.map_err(Failure::internal)?)
    }

    /// What was in the safe when its person looked last, sealed to him.
    pub(crate) fn last_seen(&self) -> Option<Vec<u8>> {
        fs::read(self.folder.join(LAST_SEEN_FILE)).ok()
    }

    /// Writes it down instead of what was before.
    pub(crate) fn write_last_seen(&self, sealed: &[u8]) -> Outcome<()> {
        replace(&self.folder.join(LAST_SEEN_FILE), sealed)
    }

    /// The record that says the last drill of recovery cards that this machine knows of.
    pub(crate) fn known_drill(&self) -> Option<RecordId> {
        let text = fs::read_to_string(self.folder.join(DRILL_FILE)).ok()?;
        RecordId::from_hex(text.strip_suffix('\n')?).ok()
    }

    /// Remembers it: where no passphrase is given, nothing else tells which record it is.
    pub(crate) fn remember_drill(&self, record: RecordId) -> Outcome<()> {
        replace(&self.folder.join(DRILL_FILE), format!("{record}\n").as_bytes())
    }

    /// The home of the own space of the organisation for which the person of this home is a member; nothing where he is one for
    /// himself.
    pub(crate) fn own_space(&self) -> Outcome<Option<PathBuf>> {
        self.named_home(OWN_SPACE_FILE)
    }

    /// The home of the organisation's own space with which the sides of the case in this home were compared; nothing where that is found
    /// without it.
    pub(crate) fn compared_home(&self) -> Outcome<Option<PathBuf>> {
        self.named_home(COMPARED_FILE)
    }

    /// Writes down which home that is.
    pub(crate) fn remember_compared(&self, home: &Path) -> Outcome<()> {
        replace(&self.folder.join(COMPARED_FILE), &line_of(home)?)
    }

    fn named_home(&self, file: &str) -> Outcome<Option<PathBuf>> {
        let path = self.folder.join(file);
        let line = if_there(&path, fs::read(&path))?;
        let named = line.map(|line| system::path_from_bytes(line.strip_suffix(b"\n").unwrap_or(&line)));
        named.transpose().map_err(|error| damaged(&path).source(error))
    }

    /// The epoch that an organisation reads by keys of before, as this machine has seen; nothing where it has seen none.
    pub(crate) fn stale_epoch(&self) -> Outcome<Option<u32>> {
        self.number_in(STALE_FILE)
    }

    /// Writes down which epoch that is, or that none is.
    pub(crate) fn note_stale(&self, epoch: Option<u32>) -> Outcome<()> {
        let path = self.folder.join(STALE_FILE);
        if self.stale_epoch().is_ok_and(|known| known == epoch) {
            return Ok(());
        }
        match epoch {
            Some(epoch) => replace(&path, format!("{epoch}\n").as_bytes()),
            None => if_there(&path, fs::remove_file(&path)).map(drop),
        }
    }

    /// The number of the own space's epoch to which this space is sealed, as this machine has seen; nothing where it has not yet.
    pub(crate) fn own_epoch(&self) -> Outcome<Option<u32>> {
        self.number_in(OWN_EPOCH_FILE)
    }

    fn number_in(&self, file: &str) -> Outcome<Option<u32>> {
        let path = self.folder.join(file);
        let Some(text) = if_there(&path, fs::read_to_string(&path))? else { return Ok(None) };
        text.strip_suffix('\n').and_then(|number| number.parse().ok()).map(Some).ok_or_else(|| damaged(&path))
    }

    /// Writes down to which of the own space's epochs the present one is sealed.
    pub(crate) fn renew_own_epoch(&self, epoch: u32) -> Outcome<()> {
        if self.own_epoch().is_ok_and(|known| known == Some(epoch)) {
            return Ok(());
        }
        replace(&self.folder.join(OWN_EPOCH_FILE), format!("{epoch}\n").as_bytes())
    }

    /// The same, and writes this home into that of the own space, from where it is found when somebody leaves.
    pub(crate) fn note_own_epoch(&self, epoch: u32) -> Outcome<()> {
        self.renew_own_epoch(epoch)?;
        let Some(own_space) = self.own_space()? else { return Ok(()) };
        let folder = std::path::absolute(&self.folder).map_err(|error| Failure::file("read", &self.folder, error))?;
        let path = own_space.join(ACTING_FILE);
        // Thousands of homes ask this of one file: it is read, and not taken apart.
        let known = if_there(&path, fs::read(&path))?.unwrap_or_default();
        let line = system::path_bytes(folder.as_os_str());
        if known.split(|byte| *byte == b'\n').any(|known| known == line.as_slice()) {
            return Ok(());
        }
        let mut homes = acting_homes(&own_space)?;
        homes.push(folder);
        let lines = homes.iter().map(|home| [system::path_bytes(home.as_os_str()), vec![b'\n']].concat());
        replace(&path, &lines.collect::<Vec<_>>().concat())
    }

    /// Homes of the spaces in which people of this machine act for the organisation whose own space this is the home of.
    pub(crate) fn acting_homes(&self) -> Outcome<Vec<PathBuf>> {
        acting_homes(&self.folder)
    }

    /// Writes down which home that is.
    pub(crate) fn write_own_space(folder: &Path, home: &Path) -> Outcome<()> {
        write_new(&folder.join(OWN_SPACE_FILE), &line_of(home)?)
    }

    /// Writes down another one, or that there is none: somebody comes for whom he was let in, whatever he had asked before.
    pub(crate) fn change_own_space(folder: &Path, home: Option<&Path>) -> Outcome<()> {
        let path = folder.join(OWN_SPACE_FILE);
        match home {
            Some(home) => replace(&path, &line_of(home)?),
            None => if_there(&path, fs::remove_file(&path)).map(drop),
        }
    }

    /// The policy by which it was judged whether the installed directory is logged.
    pub(crate) fn directory_policy_file(&self) -> PathBuf {
        self.folder.join(DIRECTORY_POLICY_FILE)
    }

    /// The roots by which it was.
    pub(crate) fn directory_roots_file(&self) -> PathBuf {
        self.folder.join(DIRECTORY_ROOTS_FILE)
    }

    /// Where directories lie that a keeper gave, until they are judged.
    pub(crate) fn fetched_directories(&self) -> PathBuf {
        self.folder.join(FETCHED_DIRECTORIES)
    }

    /// Where the directory of organisations lies, if one was installed.
    pub(crate) fn directory_file(&self) -> PathBuf {
        self.folder.join(DIRECTORY_FILE)
    }

    /// Where one lies that had to be refused.
    pub(crate) fn refused_directory_file(&self) -> PathBuf {
        self.folder.join(REFUSED_DIRECTORY_FILE)
    }

    /// Where the key of the organisation lies whose own space this is the home of.
    pub(crate) fn organisation_key_file(&self) -> PathBuf {
        self.folder.join(ORGANISATION_KEY_FILE)
    }

    /// Where its card lies.
    pub(crate) fn organisation_card_file(&self) -> PathBuf {
        self.folder.join(ORGANISATION_CARD_FILE)
    }

    /// The home folder itself.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The home in which this one lies, as those do that a desk begins; nothing where it stands alone.
    ///
    /// # Errors
    /// When what is there cannot be read.
    pub(crate) fn around(&self) -> Outcome<Option<Self>> {
        folder_around(&self.folder).map(|folder| self.another(folder)).transpose()
    }

    /// Where this machine remembers its last walk of a series.
    pub(crate) fn walk_file(&self, series: SeriesId) -> PathBuf {
        self.folder.join("series").join(format!("{series}.walk"))
    }

    /// Where an unfinished deposit of a series writes down what is kept already.
    pub(crate) fn resume_file(&self, series: SeriesId) -> PathBuf {
        self.folder.join("series").join(format!("{series}.resume"))
    }

    /// Held while a deposit of the series is made: a second one waits for its turn.
    pub(crate) fn lock(&self, series: SeriesId) -> Outcome<fs::File> {
        lock(&self.folder.join("series").join(format!("{series}.lock")))
    }

    /// The series that this machine deposits by a schedule, ascending.
    pub(crate) fn watched(&self) -> Outcome<Vec<SeriesId>> {
        let folder = self.watch_folder();
        let failed = |error| Failure::file("read", &folder, error);
        let Some(listing) = if_there(&folder, fs::read_dir(&folder))? else { return Ok(Vec::new()) };
        let mut watched = Vec::new();
        for item in listing {
            // Anything else is what a replaced file left behind.
            let name = item.map_err(failed)?.file_name();
            watched.extend(name.to_str().and_then(|name| SeriesId::from_hex(name).ok()));
        }
        watched.sort_unstable();
        Ok(watched)
    }

    /// Where deposits wait for a keeper that cannot be reached.
    pub(crate) fn queue_folder(&self) -> PathBuf {
        self.folder.join("queue")
    }

    /// Where removals that were prepared lie.
    pub(crate) fn prepared_folder(&self) -> PathBuf {
        self.folder.join("prepared")
    }

    /// The folder of scheduled deposits' settings.
    pub(crate) fn watch_folder(&self) -> PathBuf {
        self.folder.join("watch")
    }

    /// The keys of this machine.
    pub(crate) fn device(&self) -> Outcome<Device> {
        Device::read(&self.folder)
    }

    /// The highest record this machine has seen.
    pub(crate) fn pinned_head(&self) -> Outcome<Option<(u64, RecordId)>> {
        let path = self.folder.join(HEAD_FILE);
        let Some(text) = if_there(&path, fs::read_to_string(&path))? else { return Ok(None) };
        let parsed = text
            .strip_suffix('\n')
            .and_then(|line| line.split_once(' '))
            .and_then(|(number, id)| Some((number.parse().ok()?, RecordId::from_hex(id).ok()?)));
        parsed.map(Some).ok_or_else(|| damaged(&path))
    }

    /// The notes of the space that this machine has followed, from record 0; none where its keeper lies in this folder, or
    /// where they cannot be read any more.
    pub(crate) fn remembered_notes(&self) -> Outcome<Vec<Vec<u8>>> {
        let path = self.folder.join(NOTES_FILE);
        let Some(bytes) = if_there(&path, fs::read(&path))? else { return Ok(Vec::new()) };
        let notes = record::split_notes(&bytes).unwrap_or_default();
        // What a crash has cut short is asked for again, with all behind it.
        let are_whole = notes.into_iter().take_while(|note| UnverifiedRecord::parse(note).is_ok());
        Ok(are_whole.map(<[u8]>::to_vec).collect())
    }

    /// Writes down notes that were followed, behind the first `written` ones, which are written down already.
    pub(crate) fn remember_notes<N: AsRef<[u8]>>(&self, notes: &[N], written: usize) -> Outcome<()> {
        let (before, new) = notes.split_at(written);
        if new.is_empty() {
            return Ok(());
        }
        let joined = |notes: &[N]| notes.iter().flat_map(|note| note.as_ref().iter().copied()).collect::<Vec<u8>>();
        let path = self.folder.join(NOTES_FILE);
        let _turn = lock(&self.folder.join("notes.lock"))?;
        let length = before.iter().map(|note| note.as_ref().len() as u64).sum::<u64>();
        // Another process has written meanwhile, or a crash has left a part of a note behind those that are whole.
        if fs::metadata(&path).map_or(0, |found| found.len()) != length {
            return replace(&path, &joined(notes));
        }
        let append = || -> io::Result<()> {
            let mut file = match written {
                0 => system::create_private(&path)?,
                _ => fs::OpenOptions::new().append(true).open(&path)?,
            };
            file.write_all(&joined(new))
        };
        append().map_err(|error| Failure::file("write", &path, error))
    }

    /// The newest head of the keeper's log that this machine has verified: the whole note.
    pub(crate) fn seen_checkpoint(&self) -> Outcome<Option<Vec<u8>>> {
        let path = self.terms.join(CHECKPOINT_FILE);
        if_there(&path, fs::read(&path))
    }

    /// Remembers a head of the log that was verified and goes on from the one remembered before.
    pub(crate) fn remember_checkpoint(&self, note: &[u8]) -> Outcome<()> {
        replace(&self.terms.join(CHECKPOINT_FILE), note)
    }

    /// Keeps a head that the log signed and that does not go on from what was seen: evidence, which nothing replaces.
    pub(crate) fn keep_refused_checkpoint(&self, note: &[u8]) -> Outcome<()> {
        write_new(&self.terms.join(REFUSED_CHECKPOINT_FILE), note)
    }

    /// Held while heads of the log are compared: of two processes one compares and remembers at a time.
    pub(crate) fn lock_checkpoint(&self) -> Outcome<fs::File> {
        lock(&self.terms.join("checkpoint.lock"))
    }

    /// Keeps what the keeper promised for a record; durable on return.
    pub(crate) fn keep_receipt(&self, record: RecordId, note: &[u8], promise: Promise) -> Outcome<()> {
        replace(&self.receipts(promise)?.join(format!("{record}.note")), note)
    }

    /// A receipt of a higher class takes the place of the one that lies here.
    pub(crate) fn renew_receipt(&self, path: &Path, note: &[u8]) -> Outcome<()> {
        replace(path, note)
    }

    /// Writes down what came of a sample, behind the earlier ones; the newest [`SAMPLES_MAX`] stay. Durable on return.
    pub(crate) fn note_sample(&self, line: &str) -> Outcome<()> {
        let path = self.folder.join(SAMPLES_FILE);
        let known = if_there(&path, fs::read_to_string(&path))?.unwrap_or_default();
        let lines: Vec<&str> = known.lines().chain([line]).collect();
        let newest = lines.get(lines.len().saturating_sub(SAMPLES_MAX)..).unwrap_or_default();
        replace(&path, newest.iter().map(|line| format!("{line}\n")).collect::<String>().as_bytes())
    }

    /// When the newest sample was written down, in seconds since 1970; nothing before the first, and where that cannot be told.
    pub(crate) fn last_sample(&self) -> Option<u64> {
        let known = fs::read_to_string(self.folder.join(SAMPLES_FILE)).ok()?;
        let time = known.lines().last()?.split(' ').next()?;
        ClaimedTime::parse(time).ok().map(|time| time.unix_seconds())
    }

    /// The promise for a record has been met; its receipt is kept all the same.
    pub(crate) fn promise_met(&self, record: RecordId) -> Outcome<()> {
        let (due, met) = (self.receipts(Promise::Due)?, self.receipts(Promise::Met)?);
        let (due, met) = (due.join(format!("{record}.note")), met.join(format!("{record}.note")));
        // Lost in a power cut, the promise is due once more, and found to be met.
        match fs::rename(&due, &met) {
            // Another process was first.
            Err(error) if error.kind() == io::ErrorKind::NotFound && met.exists() => Ok(()),
            other => other.map_err(|error| Failure::file("write", &met, error)),
        }
    }

    /// The receipt of a record, if this machine has one.
    pub(crate) fn receipt(&self, record: RecordId) -> Outcome<Option<(PathBuf, Vec<u8>)>> {
        for promise in [Promise::Met, Promise::Due] {
            let path = self.receipts_folder(promise).join(format!("{record}.note"));
            if let Some(note) = if_there(&path, fs::read(&path))? {
                return Ok(Some((path, note)));
            }
        }
        Ok(None)
    }

    /// The records that are promised to stand in the log and have not been seen there.
    pub(crate) fn due_receipts(&self) -> Outcome<Vec<RecordId>> {
        let folder = self.receipts_folder(Promise::Due);
        let failed = |error| Failure::file("read", &folder, error);
        let Some(listing) = if_there(&folder, fs::read_dir(&folder))? else { return Ok(Vec::new()) };
        let mut due = Vec::new();
        for entry in listing {
            let name = entry.map_err(failed)?.file_name();
            // Anything else is a file that was being written.
            due.extend(name.to_str().and_then(|name| RecordId::from_hex(name.strip_suffix(".note")?).ok()));
        }
        due.sort_unstable();
        Ok(due)
    }

    /// Where such receipts lie, made if need be; its name is durable on return.
    fn receipts(&self, promise: Promise) -> Outcome<PathBuf> {
        let folder = self.receipts_folder(promise);
        if !folder.exists() {
            let make = || {
                system::create_private_directory(&folder)?;
                system::sync_directory(&self.folder.join("receipts"))?;
                system::sync_directory(&self.folder)
            };
            make().map_err(|error| Failure::file("make the folder", &folder, error))?;
        }
        Ok(folder)
    }

    fn receipts_folder(&self, promise: Promise) -> PathBuf {
        self.folder.join("receipts").join(match promise {
            Promise::Due => "due",
            Promise::Met => "met",
            Promise::Refused => "refused",
        })
    }

    /// The authorities that are asked for stamps over the log; none when no list was given.
    pub(crate) fn authorities(&self) -> Outcome<Vec<Authority>> {
        let path = self.authorities_file();
        let Some(text) = if_there(&path, fs::read_to_string(&path))? else { return Ok(Vec::new()) };
        Authority::parse_list(&text).map_err(|error| damaged(&path).source(error))
    }

    /// Keeps the list of authorities in place of the one before.
    pub(crate) fn keep_authorities(&self, list: &str) -> Outcome<()> {
        replace(&self.authorities_file(), list.as_bytes())
    }

    fn authorities_file(&self) -> PathBuf {
        self.folder.join("authorities")
    }

    /// Remembers the highest record: a keeper that later shows less is found out.
    pub(crate) fn pin_head(&self, number: u64, id: RecordId) -> Outcome<()> {
        let is_lower = |pinned: Option<(u64, RecordId)>| pinned.is_none_or(|(pinned, _)| pinned < number);
        if !is_lower(self.pinned_head()?) {
            return Ok(());
        }
        // Of two processes at once the one with the lower head must not be the last to write.
        let _turn = lock(&self.folder.join("head.lock"))?;
        if !is_lower(self.pinned_head()?) {
            return Ok(());
        }
        replace(&self.folder.join(HEAD_FILE), head_line(number, id).as_bytes())
    }

    /// The series this machine knows by the keyed hash of its name.
    pub(crate) fn series_by_name(&self, device: &Device, name: &str) -> Outcome<Option<SeriesFacts>> {
        let wanted = name_hash(device, name);
        let found = self.names()?.into_iter().find(|(hash, _)| *hash == wanted);
        Ok(found.map(|(_, facts)| facts))
    }

    /// Every series this machine knows.
    pub(crate) fn known_series(&self) -> Outcome<Vec<SeriesFacts>> {
        Ok(self.names()?.into_iter().map(|(_, facts)| facts).collect())
    }

    /// Remembers which series a name stands for, without the name; what it stands for from now on.
    ///
    /// A name that is known already keeps its series: of two processes that begin one at once, both must mean the same.
    pub(crate) fn name_series(&self, device: &Device, name: &str, id: SeriesId, class: Class) -> Outcome<SeriesFacts> {
        let _turn = lock(&self.folder.join("series").join("names.lock"))?;
        let mut names = self.names()?;
        let hash = name_hash(device, name);
        if let Some((_, known)) = names.iter().find(|(known, _)| *known == hash) {
            return Ok(*known);
        }
        let new = SeriesFacts { id, class };
        names.push((hash, new));
        let text: String =
            names.iter().map(|(hash, facts)| format!("{hash} {} {}\n", facts.id, facts.class.word())).collect();
        replace(&self.names_file(), text.as_bytes())?;
        Ok(new)
    }

    fn names(&self) -> Outcome<Vec<(String, SeriesFacts)>> {
        let path = self.names_file();
        let Some(text) = if_there(&path, fs::read_to_string(&path))? else { return Ok(Vec::new()) };
        let parse = |line: &str| {
            let (hash, rest) = line.split_once(' ')?;
            let (id, class) = rest.split_once(' ')?;
            let facts = SeriesFacts { id: SeriesId::from_hex(id).ok()?, class: Class::from_word(class)? };
            Some((hash.to_owned(), facts))
        };
        text.lines().map(parse).collect::<Option<_>>().ok_or_else(|| damaged(&path))
    }

    fn names_file(&self) -> PathBuf {
        self.folder.join("series").join("names")
    }
}

/// A series as a depositing machine knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SeriesFacts {
    pub id: SeriesId,
    pub class: Class,
}

impl Device {
    /// Draws the keys of a new machine.
    pub(crate) fn generate() -> Self {
        Self { signing: SigningSeed::generate(&mut SystemEntropy), local: Zeroizing::new(random()) }
    }

    /// Writes them down in a new home.
    pub(crate) fn write(&self, folder: &Path) -> Outcome<()> {
        write_new(&device_file(folder), self.signing.to_writer_file().as_bytes())?;
        let local = Zeroizing::new(format!("{}\n", STANDARD.encode(self.local.as_slice())));
        write_new(&local_key_file(folder), local.as_bytes())
    }

    pub(crate) fn read(folder: &Path) -> Outcome<Self> {
        let (device, local) = (device_file(folder), local_key_file(folder));
        let text = read_secret(&device)?;
        let signing = SigningSeed::from_writer_file(&text).map_err(|error| damaged(&device).source(error))?;
        let text = read_secret(&local)?;
        let key = text.strip_suffix('\n').and_then(|line| STANDARD.decode(line).ok()?.try_into().ok());
        Ok(Self { signing, local: Zeroizing::new(key.ok_or_else(|| damaged(&local))?) })
    }
}

fn read_secret(path: &Path) -> Outcome<Zeroizing<String>> {
    fs::read_to_string(path).map(Zeroizing::new).map_err(|error| Failure::file("read", path, error))
}

/// The folder of the home in which another one lies, as those do that a desk begins.
fn folder_around(folder: &Path) -> Option<&Path> {
    let beneath = folder.parent().filter(|folder| [CASES, HANDED, RECEIVED].iter().any(|of| folder.ends_with(of)))?;
    beneath.parent().filter(|folder| folder.join(SAFE_FILE).exists())
}

/// The whole folder that a home is part of: its own, or that of the home in which it lies.
pub(crate) fn whole_folder(folder: &Path) -> &Path {
    folder_around(folder).unwrap_or(folder)
}

pub(crate) fn keeper_folder(folder: &Path) -> PathBuf {
    folder.join("keeper")
}

pub(crate) fn identity_file(folder: &Path) -> PathBuf {
    folder.join("identity.age")
}

fn device_file(folder: &Path) -> PathBuf {
    folder.join("device.key")
}

fn local_key_file(folder: &Path) -> PathBuf {
    folder.join("local.key")
}

fn name_hash(device: &Device, name: &str) -> String {
    blake3::keyed_hash(&device.local, format!("series name {name}").as_bytes()).to_hex()[..32].to_owned()
}

pub(crate) fn damaged(path: &Path) -> Failure {
    Failure::new(Kind::Fixable, words!("{path} is damaged", "{path} が壊れています", path = shown(path))).hint(words!(
        "Put this file back from a copy of the home folder; what the keeper holds is not touched.",
        "このファイルを、金庫のフォルダーの控えから戻してください。預けたものは無事です。"
    ))
}

/// Writes down what an invite says; the last step is the invite itself.
pub(crate) fn begin_joining(folder: &Path, invite: &Invite) -> Outcome<()> {
    write_pins(folder, invite)?;
    write_new(&folder.join(INVITE_FILE), &invite.compose())
}

/// Where that invite lies.
pub(crate) fn invite_file(folder: &Path) -> PathBuf {
    folder.join(INVITE_FILE)
}

/// Removes what joining was begun with in a folder that nobody has entered. In the home of another safe the folder goes too.
pub(crate) fn abandon(folder: &Path) -> Outcome<()> {
    let turn = lock(&folder.join(MAKING_FILE))?;
    if invite_of(folder)?.is_none() {
        return Ok(());
    }
    // The invite goes first: without it nobody waits here, and whatever is begun here next takes the rest away.
    let path = invite_file(folder);
    fs::remove_file(&path).map_err(|error| Failure::file("remove", &path, error))?;
    begin(folder)?;
    drop(turn);
    match folder_around(folder) {
        Some(_) => fs::remove_dir_all(folder).map_err(|error| Failure::file("remove", folder, error)),
        None => Ok(()),
    }
}

/// Writes down what an invite says besides which safe it is of: how the keeper is believed, and since when it is held to.
pub(crate) fn write_pins(folder: &Path, invite: &Invite) -> Outcome<()> {
    Pinned::of_invite(invite)?;
    if let Some(roots) = &invite.roots {
        Home::write_keeper_roots(folder, roots.as_bytes())?;
    }
    if let Some(policy) = &invite.policy {
        write_new(&folder.join(POLICY_FILE), policy.as_bytes())?;
    }
    write_new(&folder.join(HEAD_FILE), head_line(invite.head.number, invite.head.id).as_bytes())
}

/// Reads an invite, or the file beside an emergency card, which is one.
pub(crate) fn read_invite(path: &Path) -> Outcome<Invite> {
    let bytes = bundle::read(path, INVITE_BYTES_MAX)?;
    Invite::parse(&bytes).map_err(|error| {
        let file = shown(path);
        Failure::untrue(words!("{file} is no invite: {error}", "{file} は招待状として正しくありません（{error}）"))
            .hint(words!(
                "Use another copy of it, or let an admin send it again. What the file of an emergency card says is printed on the card.",
                "別の控えを使うか、管理者に、もう一度送ってもらってください。緊急カードのファイルの内容は、カードにも印刷されています。"
            ))
            .source(error)
    })
}

/// The invite with which joining was begun in a folder and not confirmed.
pub(crate) fn invite_of(folder: &Path) -> Outcome<Option<Invite>> {
    let path = folder.join(INVITE_FILE);
    if folder.join(SAFE_FILE).exists() {
        return Ok(None);
    }
    let Some(bytes) = if_there(&path, fs::read(&path))? else { return Ok(None) };
    Invite::parse(&bytes).map(Some).map_err(|error| damaged(&path).source(error))
}

fn head_line(number: u64, id: RecordId) -> String {
    format!("{number} {id}\n")
}

/// The format of `safe.json`, by whether the space is where it began.
const fn format_of(is_where_it_began: bool) -> &'static str {
    if is_where_it_began { SAFE_FORMAT } else { MOVED_FORMAT }
}

fn no_log_key() -> Failure {
    Failure::untrue(words!("the invite names no key of the keeper's log", "招待状に、預け先の台帳の鍵がありません"))
}

/// Makes sure that nothing of a safe lies in a folder that no beginning has made: an identity, or a keeper, whose `safe.json`
/// was lost may be all that there is of it.
fn leave_remains(folder: &Path) -> Outcome<()> {
    if folder.join(UNFINISHED_FILE).exists() {
        return Ok(());
    }
    let Some(path) = parts(folder).into_iter().chain([keeper_folder(folder)]).find(|path| path.exists()) else {
        return Ok(());
    };
    Err(Failure::fixable(words!(
        "{path} is of a safe, and there is no safe.json beside it",
        "{path} は金庫の一部ですが、safe.json がありません",
        path = shown(&path)
    ))
    .hint(words!(
        "Nothing was changed. Put safe.json back from a copy of that folder; or name another folder with --home.",
        "何も変更していません。そのフォルダーの控えから safe.json を戻すか、別のフォルダーを --home で指定してください。"
    )))
}

/// The files of a home beside `safe.json`.
fn parts(folder: &Path) -> Vec<PathBuf> {
    let more =
        [SLOT_KEY_FILE, ROOTS_FILE, POLICY_FILE, HEAD_FILE, INVITE_FILE, EPOCHS_FILE, SESSION_FILE, OWN_SPACE_FILE];
    let more = more.map(|name| folder.join(name));
    [identity_file(folder), device_file(folder), local_key_file(folder)].into_iter().chain(more).collect()
}

/// Begins setting up a home in a folder of [`Home::make`]: what lies there until `safe.json` does was made by this, and what an
/// earlier beginning left behind is removed.
pub(crate) fn begin(folder: &Path) -> Outcome<()> {
    let mark = folder.join(UNFINISHED_FILE);
    if !mark.exists() {
        return write_new(&mark, b"");
    }
    for path in parts(folder) {
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(Failure::file("replace", &path, error));
            }
            _ => (),
        }
    }
    match fs::remove_dir_all(keeper_folder(folder)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(Failure::file("replace", folder, error)),
        _ => Ok(()),
    }
}

/// Waits for its turn and holds it until the file is dropped or the process ends.
pub(crate) fn lock(path: &Path) -> Outcome<fs::File> {
    let file = open_lock(path)?;
    file.lock().map_err(|error| Failure::file("lock", path, error))?;
    Ok(file)
}

/// A file that is there to be locked.
pub(crate) fn open_lock(path: &Path) -> Outcome<fs::File> {
    let file = fs::OpenOptions::new().create(true).truncate(false).write(true).open(path);
    file.map_err(|error| Failure::file("open", path, error))
}

/// Bytes as text (RFC 4648, section 4).
pub(crate) fn base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// The bytes of such a text.
pub(crate) fn from_base64(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok()
}

/// What was read at a path; nothing where nothing stands there.
pub(crate) fn if_there<T>(path: &Path, read: io::Result<T>) -> Outcome<Option<T>> {
    match read {
        Ok(read) => Ok(Some(read)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Failure::file("read", path, error)),
    }
}

/// The folder that a file lies in.
fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Writes a file that only its owner may read and that must not be there yet; durable on return.
pub(crate) fn write_new(path: &Path, bytes: &[u8]) -> Outcome<()> {
    let written = system::create_private(path).and_then(|file| fill(&file, path, bytes));
    written.map_err(|error| Failure::file("write", path, error))
}

/// Writes into a file that was just made; durable on return, with its name.
fn fill(mut file: &fs::File, path: &Path, bytes: &[u8]) -> io::Result<()> {
    file.write_all(bytes)?;
    file.sync_all()?;
    system::sync_directory(folder_of(path))
}

/// The line that names a home.
fn line_of(home: &Path) -> Outcome<Vec<u8>> {
    let path = std::path::absolute(home).map_err(|error| Failure::file("read", home, error))?;
    Ok([system::path_bytes(path.as_os_str()), vec![b'\n']].concat())
}

fn acting_homes(folder: &Path) -> Outcome<Vec<PathBuf>> {
    let path = folder.join(ACTING_FILE);
    let lines = if_there(&path, fs::read(&path))?.unwrap_or_default();
    let lines = lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    lines.map(|line| system::path_from_bytes(line).map_err(|error| damaged(&path).source(error))).collect()
}

/// Writes a file that is to be sent, and never over another one.
pub(crate) fn write_to_send(path: &Path, bytes: &[u8]) -> Outcome<()> {
    ToSend::reserve(path)?.write(bytes)
}

/// A file that is to be sent: there before what it will hold is said anywhere else, and gone again if that is never written.
pub(crate) struct ToSend {
    path: PathBuf,
    file: fs::File,
    is_written: bool,
}

impl ToSend {
    /// Makes the file, which only its owner may read.
    ///
    /// # Errors
    /// When another one is there.
    pub(crate) fn reserve(path: &Path) -> Outcome<Self> {
        let file = system::create_private(path).map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => {
                let file = shown(path);
                Failure::fixable(words!("{file} is there already", "{file} はすでにあります"))
                    .hint(words!("Name another file with --to.", "--to で別のファイルを指定してください。"))
            }
            _ => Failure::file("write", path, error),
        })?;
        Ok(Self { path: path.to_owned(), file, is_written: false })
    }

    /// Writes it; durable on return.
    pub(crate) fn write(mut self, bytes: &[u8]) -> Outcome<()> {
        fill(&self.file, &self.path, bytes).map_err(|error| Failure::file("write", &self.path, error))?;
        self.is_written = true;
        Ok(())
    }
}

impl Drop for ToSend {
    fn drop(&mut self) {
        if !self.is_written {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Replaces a file in one step; durable on return.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> Outcome<()> {
    let next = path.with_extension(format!("new{}", std::process::id()));
    let write = || -> io::Result<()> {
        let _ = fs::remove_file(&next);
        let mut file = system::create_private(&next)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&next, path)?;
        system::sync_directory(folder_of(path))
    };
    write().map_err(|error| Failure::file("write", path, error))
}
