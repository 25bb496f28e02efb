//! Who sits at the desk: a browser that followed the printed link, and the safe that somebody unlocked in it.

use std::any::Any;
use std::collections::{HashMap, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use hizo_ledger::id::{RecordId, SeriesId, SpaceId};
use hizo_ledger::record::Record;
use hizo_vault::age::Recipient;
use hizo_vault::keys::{IdentityFile, generate_passphrase};
use hizo_vault::manifest::Manifest;
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use super::Text;
use super::door::is_safe;
use super::glances::Glances;
use super::last_seen::LastSeen;
use super::opening::Opening;
use super::unsent::{Forms, Unsent};
use super::work::Works;
use crate::contents::Opened;
use crate::entropy::{SystemEntropy, random};
use crate::failure::{Failure, Kind, Outcome};
use crate::handover::{self, HandOver};
use crate::home::{self, CASES, HANDED, Home, RECEIVED};
use crate::safe::{self, Keyring, Safe};
use crate::side::Side;
use crate::view::{Deposit, View};
use crate::words::Language;

/// Browsers that are at the desk at once; the one that was silent longest goes.
const SESSIONS_MAX: usize = 16;

/// Forms that are remembered as sent.
const SENT_MAX: usize = 256;

/// How long what was followed from a keeper elsewhere is taken for the newest.
pub(super) const FRESH: Duration = Duration::from_secs(5);

/// Cases and hand-overs that are held open beside the safe that is unlocked.
const BESIDE_MAX: usize = 64;

/// 32 random bytes in text.
pub(super) fn secret() -> String {
    BASE64_URL_SAFE_NO_PAD.encode(random::<32>())
}

/// Whether two secrets are the same, in a time that does not tell where they differ.
pub(super) fn is_same(one: &str, other: &str) -> bool {
    Sha256::digest(one.as_bytes()) == Sha256::digest(other.as_bytes())
}

/// All that are at the desk.
pub(super) struct Sessions {
    /// A browser that was silent for so long is locked.
    idle: Duration,
    /// By the hash of their cookie.
    found: Mutex<HashMap<[u8; 32], Arc<Session>>>,
}

/// One browser.
pub(crate) struct Session {
    /// What every form of its pages holds.
    pub(super) csrf: String,
    state: Mutex<State>,
}

struct State {
    /// What forms have been sent that are to be done once.
    sent: VecDeque<String>,
    language: Language,
    seen: Instant,
    /// The safe on its way to being open.
    opening: Option<Arc<Opening>>,
    unlocked: Option<Arc<Unlocked>>,
    /// The safe that was unlocked here last, and by whom: to him is sealed what he had written when it was locked.
    last: Option<(PathBuf, Recipient)>,
    unsent: Forms,
    /// The passphrase that was drawn for somebody who begins here.
    drawn: Option<Zeroizing<String>>,
}

impl Sessions {
    pub(super) fn new(idle: Duration) -> Self {
        Self { idle, found: Mutex::default() }
    }

    fn found(&self) -> MutexGuard<'_, HashMap<[u8; 32], Arc<Session>>> {
        self.found.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A browser sits down; its cookie.
    pub(super) fn begin(&self, language: Language) -> String {
        let cookie = secret();
        let (sent, seen, opening, unlocked) = (VecDeque::new(), Instant::now(), None, None);
        let state = Mutex::new(State {
            sent,
            language,
            seen,
            opening,
            unlocked,
            last: None,
            unsent: Forms::default(),
            drawn: None,
        });
        let mut found = self.found();
        if found.len() >= SESSIONS_MAX {
            let oldest = found.iter().min_by_key(|(_, session)| session.state().seen).map(|(key, _)| *key);
            oldest.and_then(|key| found.remove(&key));
        }
        found.insert(key(&cookie), Arc::new(Session { csrf: secret(), state }));
        cookie
    }

    /// Whose cookie this is. A browser that was silent too long is locked.
    pub(super) fn of(&self, cookie: &str) -> Option<Arc<Session>> {
        let session = self.found().get(&key(cookie)).cloned()?;
        session.look(self.idle);
        session.state().seen = Instant::now();
        Some(session)
    }

    /// Locks every browser.
    pub(super) fn lock_all(&self) {
        self.found().values().for_each(|session| session.lock());
    }

    /// Locks every browser that was silent too long.
    pub(super) fn lock_idle(&self) {
        for session in self.found().values() {
            session.look(self.idle);
        }
    }
}

fn key(cookie: &str) -> [u8; 32] {
    Sha256::digest(cookie.as_bytes()).into()
}

impl Session {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Locks it if it was silent for too long; long work that somebody waits for is no silence.
    fn look(&self, idle: Duration) {
        let mut state = self.state();
        let is_busy = state.unlocked.as_ref().is_some_and(|unlocked| unlocked.is_busy());
        if is_busy {
            state.seen = Instant::now();
        } else if state.seen.elapsed() > idle {
            (state.opening, state.unlocked, state.drawn) = (None, None, None);
        }
    }

    #[cfg(test)]
    pub(super) fn was_seen_before(&self, time: Duration) {
        self.state().seen = Instant::now().checked_sub(time).unwrap();
    }

    /// Somebody is here.
    pub(super) fn touch(&self) {
        self.state().seen = Instant::now();
    }

    pub(super) fn language(&self) -> Language {
        self.state().language
    }

    pub(super) fn speak(&self, language: Language) {
        self.state().language = language;
    }

    pub(super) fn unlocked(&self) -> Option<Arc<Unlocked>> {
        self.state().unlocked.clone()
    }

    /// Whether a form of this number comes for the first time.
    pub(super) fn is_first(&self, once: &str) -> bool {
        let mut state = self.state();
        let is_first = state.sent.iter().all(|sent| sent != once);
        if state.sent.len() >= SENT_MAX {
            state.sent.pop_front();
        }
        state.sent.push_back(once.to_owned());
        is_first
    }

    /// From now on its pages show this safe.
    pub(crate) fn unlock(&self, unlocked: Arc<Unlocked>) {
        self.state().unlock(unlocked);
    }

    /// From now on they show how far this safe is open.
    pub(super) fn open(&self, opening: Arc<Opening>) {
        let mut state = self.state();
        (state.opening, state.unlocked) = (Some(opening), None);
    }

    /// They show this safe, unless what was to open it is not waited for any more.
    pub(super) fn opened(&self, opening: &Arc<Opening>, unlocked: Arc<Unlocked>) {
        let mut state = self.state();
        if state.opening.as_ref().is_some_and(|waited| Arc::ptr_eq(waited, opening)) {
            state.unlock(unlocked);
        }
    }

    pub(super) fn opening(&self) -> Option<Arc<Opening>> {
        self.state().opening.clone()
    }

    pub(super) fn lock(&self) {
        let mut state = self.state();
        (state.opening, state.unlocked, state.drawn) = (None, None, None);
    }

    /// A passphrase for who wants it: the same one until something was begun here or the browser is locked. Whoever has written it down and
    /// sends the form once more still sees it.
    pub(super) fn drawn(&self) -> Zeroizing<String> {
        self.state().drawn.get_or_insert_with(|| generate_passphrase(&mut SystemEntropy)).clone()
    }

    /// Keys stand behind it now: nobody else is shown it.
    pub(super) fn forget_drawn(&self) {
        self.state().drawn = None;
    }

    /// A form came after it was locked: it is kept for whoever had unlocked it.
    pub(super) fn keep_unsent(&self, path: &str, form: &[(String, Zeroizing<String>)]) {
        let Some((folder, person)) = self.state().last.clone() else { return };
        if let Some(unsent) = Unsent::of(folder, path, form, &person) {
            self.state().unsent.keep(unsent);
        }
    }

    /// What is made of those that are kept.
    pub(super) fn unsent<T>(&self, of: impl FnOnce(&Forms) -> T) -> T {
        of(&self.state().unsent)
    }

    pub(super) fn has_unsent(&self) -> bool {
        !self.state().unsent.is_empty()
    }

    pub(super) fn forget_unsent(&self, number: &str) {
        self.state().unsent.forget(number);
    }
}

impl State {
    fn unlock(&mut self, unlocked: Arc<Unlocked>) {
        self.last = Some((unlocked.folder.clone(), unlocked.identity.identity.recipient().clone()));
        self.unsent.keep_of(&unlocked);
        (self.opening, self.unlocked, self.drawn) = (None, Some(unlocked), None);
    }
}

/// A safe that a person has unlocked. When nobody holds it any more, its secrets are gone.
pub(crate) struct Unlocked {
    pub folder: PathBuf,
    keeper: Option<String>,
    pub identity: Arc<IdentityFile>,
    looked: Mutex<(Arc<Looked>, Instant)>,
    /// Held by whoever looks anew.
    looking: Mutex<()>,
    /// Other safes of the same person, by their folders: cases and hand-overs.
    beside: Mutex<HashMap<PathBuf, Arc<Unlocked>>>,
    /// What lists say of them.
    pub(super) glances: Glances,
    pub(crate) works: Arc<Works>,
    /// What somebody said is wrong: no address holds it.
    wrong: Mutex<String>,
    /// The contents that were looked at last.
    contents: Mutex<Option<(RecordId, Arc<Manifest>)>>,
    /// What came of work, for the pages that show it.
    results: Mutex<HashMap<String, Arc<dyn Any + Send + Sync>>>,
}

/// The safe as it was when it was looked at last.
pub(crate) struct Looked {
    pub safe: Safe,
    pub keyring: Arc<Keyring>,
    pub view: View,
    /// Why its keeper cannot be asked, if that is so.
    pub away: Option<Failure>,
}

impl Looked {
    pub(crate) fn opened(&self) -> Opened<'_> {
        Opened { safe: &self.safe, keyring: &self.keyring }
    }

    /// A deposit by its id: its series, what was said of it, and its record.
    pub(crate) fn deposit(&self, id: &str) -> Option<(SeriesId, &Deposit, &Record)> {
        let id = RecordId::from_hex(id).ok()?;
        let mut deposits =
            self.view.series.iter().flat_map(|(series, of)| of.deposits.iter().map(|deposit| (*series, deposit)));
        let (series, deposit) = deposits.find(|(_, deposit)| deposit.id == id)?;
        let record = self.safe.records.get(usize::try_from(deposit.record).ok()?)?;
        Some((series, deposit, record))
    }

    /// What a deposit is called.
    pub(crate) fn called(&self, t: Text, series: SeriesId, deposit: &Deposit) -> String {
        let name = self.view.series.get(&series).map_or_else(String::new, |of| of.shown_name(series));
        t.two("deposit-of", "series", name, "number", deposit.number)
    }

    pub(crate) fn of(home: Home, identity: &IdentityFile, told: &Told) -> Outcome<Self> {
        let (safe, away) = Safe::open_at_hand(home)?;
        told(0, safe.records.len() as u64)?;
        let keyring = safe.unlock_with(identity)?;
        handover::guard(&safe, &keyring, identity)?;
        let mut view = View::default();
        let each = |record: &Record| told(record.number(), safe.records.len() as u64);
        view.follow(Opened { safe: &safe, keyring: &keyring }, each)?;
        let looked = Self { safe, keyring: Arc::new(keyring), view, away };
        looked.remember(identity)?;
        Ok(looked)
    }

    /// The same safe with what was added since, where that can be told from here; nothing where it has to be looked at from its
    /// beginning. Deposits alone give nobody rights or keys.
    ///
    /// # Errors
    /// Exit code 5 when its keeper shows another history.
    pub(crate) fn going_on(self: &Arc<Self>, home: Home, identity: &IdentityFile) -> Outcome<Option<Arc<Self>>> {
        let is_as_it_was = self.away.is_none() && self.keyring.is_for_good() && home.own_space()?.is_none();
        if !is_as_it_was || !self.view.unreadable.is_empty() {
            return Ok(None);
        }
        let safe = match self.safe.is_newest(&home) {
            // What may be seen of a hand-over depends on the day too.
            Ok(true) => return handover::guard(&self.safe, &self.keyring, identity).map(|()| Some(Arc::clone(self))),
            Ok(false) => self.safe.going_on(home),
            Err(failure) => Err(failure),
        };
        let safe = match safe {
            Ok(Some(safe)) => safe,
            Err(failure) if failure.kind == Kind::Lying => return Err(failure),
            Ok(None) | Err(_) => return Ok(None),
        };
        let mut new = safe.records.iter().skip(self.safe.records.len()).map(Record::envelope);
        if !new.all(|envelope| envelope.deposit.is_some() && envelope.controls.is_empty()) {
            return Ok(None);
        }
        handover::guard(&safe, &self.keyring, identity)?;
        let Some(mut view) = self.view.if_readable() else { return Ok(None) };
        view.follow(Opened { safe: &safe, keyring: &self.keyring }, |_| Ok(()))?;
        let looked = Self { safe, keyring: Arc::clone(&self.keyring), view, away: None };
        looked.remember(identity)?;
        Ok(Some(Arc::new(looked)))
    }

    /// Has this machine know what is there the next time.
    fn remember(&self, identity: &IdentityFile) -> Outcome<()> {
        self.view.remember_names(&self.safe, &self.safe.home.device()?)?;
        // What was handed over is shown to whoever may see it now, and to nobody for having seen it.
        let is_own = || HandOver::of(self.opened()).is_ok_and(|handover| handover.is_none());
        if is_many(self.safe.chain.head().number) && self.away.is_none() && is_own() {
            LastSeen::of(self).remember(&self.safe.home, identity);
        }
        Ok(())
    }
}

/// Is told of the number of a record that is read, and of how many there are; ends what is going on.
pub(crate) type Told<'t> = dyn Fn(u64, u64) -> Outcome<()> + 't;

/// A safe whose head has this number, or a higher one, is opened behind a page. Tests of this crate reach it with a handful of records.
const MANY: u64 = if cfg!(test) { 3 } else { 2_000 };

const fn is_many(records: u64) -> bool {
    records >= MANY
}

/// What opens a safe, when it is not open yet.
pub(crate) struct Key {
    pub home: Home,
    pub identity: Arc<IdentityFile>,
}

impl Key {
    /// Of the safe in a folder; `keeper` is where its keeper is reached, if somebody said so.
    ///
    /// # Errors
    /// When the passphrase is not its.
    pub(crate) fn of(folder: &Path, keeper: Option<&str>, passphrase: &str) -> Outcome<Self> {
        // Homes beside it are known by whole paths.
        let folder = std::path::absolute(folder).map_err(|error| Failure::file("read", folder, error))?;
        let home = reached(&folder, keeper)?;
        let identity = Arc::new(safe::open_identity(&home, passphrase)?);
        Ok(Self { home, identity })
    }

    /// Whether so much is to be opened that nobody waits for it before a page.
    pub(crate) fn opens_many(&self) -> bool {
        self.home.pinned_head().is_ok_and(|head| head.is_some_and(|(number, _)| is_many(number)))
    }

    pub(crate) fn unlock(self) -> Outcome<Unlocked> {
        self.unlock_telling(&|_, _| Ok(()))
    }

    pub(crate) fn unlock_telling(self, told: &Told) -> Outcome<Unlocked> {
        let keeper = self.home.named_address().map(str::to_owned);
        let looked = Looked::of(self.home, &self.identity, told)?;
        Ok(Unlocked::with(looked, keeper, self.identity))
    }
}

impl Unlocked {
    /// Unlocks the safe of a folder; `keeper` is where its keeper is reached, if somebody said so.
    ///
    /// # Errors
    /// When the passphrase does not open it, or it is not what it was.
    pub(crate) fn open(folder: &Path, keeper: Option<&str>, passphrase: &str) -> Outcome<Self> {
        Key::of(folder, keeper, passphrase)?.unlock()
    }

    fn with(looked: Looked, keeper: Option<String>, identity: Arc<IdentityFile>) -> Self {
        let folder = looked.safe.home.folder().to_owned();
        let works = Works::of(&folder);
        Self {
            folder,
            keeper,
            looked: Mutex::new((Arc::new(looked), Instant::now())),
            identity,
            looking: Mutex::default(),
            beside: Mutex::default(),
            glances: Glances::default(),
            works,
            wrong: Mutex::default(),
            contents: Mutex::default(),
            results: Mutex::default(),
        }
    }

    pub(crate) fn home(&self) -> Outcome<Home> {
        reached(&self.folder, self.keeper.as_deref())
    }

    /// The safe as it is now.
    pub(crate) fn look(&self) -> Outcome<Arc<Looked>> {
        // One asks the keeper; meanwhile pages that need no answer of it are shown.
        let _turn = self.looking.lock().unwrap_or_else(PoisonError::into_inner);
        let (last, since) = self.looked.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let is_here = last.safe.keeper.here().is_some();
        let is_newest = match is_here {
            true => last.safe.keeper.head(last.safe.home.space)? == Some(last.safe.chain.head()),
            false => since.elapsed() < FRESH,
        };
        if is_newest { Ok(last) } else { self.look_again() }
    }

    /// Another safe of the same person, as it is now or was a moment ago.
    pub(crate) fn look_at(&self, folder: &Path) -> Outcome<Arc<Looked>> {
        if folder == self.folder {
            return self.look();
        }
        let looked = self.beside(folder)?.look()?;
        self.glances.compare(folder, looked.safe.chain.head());
        Ok(looked)
    }

    /// Another safe of the same person.
    pub(super) fn beside(&self, folder: &Path) -> Outcome<Arc<Self>> {
        if let Some(known) = self.all_beside().get(folder) {
            return Ok(Arc::clone(known));
        }
        let key = Key { home: self.reached(folder)?, identity: Arc::clone(&self.identity) };
        let found = Arc::new(key.unlock()?);
        let mut all = self.all_beside();
        if all.len() >= BESIDE_MAX {
            // Each holds what was read of it, and a keeper: the one that was looked at longest ago goes.
            let idle = all.iter().filter(|(_, safe)| !safe.works.is_busy());
            let last = |safe: &Arc<Self>| safe.looked.lock().unwrap_or_else(PoisonError::into_inner).1;
            let oldest = idle.min_by_key(|(_, safe)| last(safe)).map(|(folder, _)| folder.clone());
            oldest.and_then(|folder| all.remove(&folder));
        }
        Ok(Arc::clone(all.entry(folder.to_owned()).or_insert(found)))
    }

    fn all_beside(&self) -> MutexGuard<'_, HashMap<PathBuf, Arc<Self>>> {
        self.beside.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether work goes on that somebody waits for, on this safe or another one of the same person.
    fn is_busy(&self) -> bool {
        self.works.is_busy() || self.all_beside().values().any(|safe| safe.works.is_busy())
    }

    /// Such a safe as it is now, which nobody remembers.
    pub(super) fn look_apart(&self, folder: &Path) -> Outcome<Arc<Looked>> {
        Looked::of(self.reached(folder)?, &self.identity, &|_, _| Ok(())).map(Arc::new)
    }

    /// Its home.
    pub(super) fn reached(&self, folder: &Path) -> Outcome<Home> {
        self.home()?.another(folder)
    }

    /// Such a safe, to say something in it; the next look at it is a new one.
    pub(crate) fn side(&self, folder: &Path) -> Outcome<Side> {
        match folder == self.folder {
            true => self.forget(),
            false => {
                self.glances.forget(folder);
                self.all_beside().get(folder).into_iter().for_each(|safe| safe.forget());
            }
        }
        Side::open(self.reached(folder)?, Arc::clone(&self.identity))
    }

    /// This safe as it is now, to change something in it.
    pub(crate) fn open_safe(&self) -> Outcome<Safe> {
        self.forget();
        Safe::open(self.home()?)
    }

    /// The next look at this safe is a new one.
    pub(crate) fn forget(&self) {
        self.glances.forget(&self.folder);
        let mut looked = self.looked.lock().unwrap_or_else(PoisonError::into_inner);
        looked.1 = looked.1.checked_sub(FRESH).unwrap_or(looked.1);
    }

    /// Homes of this person on this machine that may be cases: this one, those begun at its desk, and those of the organisation whose own
    /// safe it is.
    pub(crate) fn homes(&self) -> Outcome<Vec<PathBuf>> {
        let mut homes = vec![self.folder.clone()];
        homes.extend(safes_in(&self.folder.join(CASES)));
        let received = self.folder.join(RECEIVED);
        homes.extend(self.home()?.acting_homes()?.into_iter().filter(|home| !home.starts_with(&received)));
        homes.sort();
        homes.dedup();
        Ok(homes)
    }

    /// What he has asked to join as a case, and has not entered.
    pub(crate) fn asked_for(&self) -> Vec<SpaceId> {
        let found = self.folder.join(CASES).read_dir().into_iter().flatten().filter_map(Result::ok);
        let waits = |folder: &Path| matches!(home::invite_of(folder), Ok(Some(_)));
        let found = found.filter(|entry| waits(&entry.path()));
        let mut found: Vec<_> = found.filter_map(|entry| SpaceId::from_hex(entry.file_name().to_str()?).ok()).collect();
        found.sort();
        found
    }

    /// Where a hand-over lies of which he is the company or the sender, or will.
    pub(crate) fn handed_home(&self, space: &SpaceId) -> PathBuf {
        self.folder.join(HANDED).join(space.to_string())
    }

    /// Where one lies that he receives, or will.
    pub(crate) fn received_home(&self, space: &SpaceId) -> PathBuf {
        self.folder.join(RECEIVED).join(space.to_string())
    }

    /// What he receives: by the id of each, whether or not he was let in.
    pub(crate) fn received(&self) -> Vec<SpaceId> {
        let found = self.folder.join(RECEIVED).read_dir().into_iter().flatten();
        found.filter_map(|entry| SpaceId::from_hex(entry.ok()?.file_name().to_str()?).ok()).collect()
    }

    /// Whether he is somebody to whom things are handed over.
    pub(super) fn receives(&self) -> bool {
        self.folder.join(RECEIVED).is_dir() || self.home().is_ok_and(|home| home.organisation_card_file().exists())
    }

    /// A case, or a hand-over, by its space's id.
    pub(crate) fn home_of(&self, space: &str) -> Outcome<Option<PathBuf>> {
        let Ok(space) = SpaceId::from_hex(space) else { return Ok(None) };
        let is_meant = |home: &PathBuf| is_safe(home) && Home::open(home).is_ok_and(|home| home.space == space);
        // Most lie where their id says; of many, each is not opened for that.
        let named = [CASES, HANDED, RECEIVED].map(|folder| self.folder.join(folder).join(space.to_string()));
        match named.into_iter().find(is_meant) {
            Some(home) => Ok(Some(home)),
            None => Ok(self.homes()?.into_iter().find(is_meant)),
        }
    }

    /// The safe as it was looked at last.
    pub(crate) fn last(&self) -> Arc<Looked> {
        Arc::clone(&self.looked.lock().unwrap_or_else(PoisonError::into_inner).0)
    }

    /// What a deposit holds, checked against what its record binds.
    pub(crate) fn contents(&self, looked: &Looked, record: &Record) -> Outcome<Arc<Manifest>> {
        let mut contents = self.contents.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((id, manifest)) = &*contents
            && *id == record.id()
        {
            return Ok(Arc::clone(manifest));
        }
        let at = usize::try_from(record.number()).ok();
        let record = at
            .and_then(|at| looked.safe.records.get(at))
            .ok_or_else(|| Failure::internal_message("a record is gone"))?;
        let manifest = Arc::new(looked.opened().manifest(record)?);
        *contents = Some((record.id(), Arc::clone(&manifest)));
        Ok(manifest)
    }

    /// Remembers what came of work until the safe is locked; its number, which no other unlocking gives to anything else.
    pub(crate) fn remember<T: Any + Send + Sync>(&self, result: T) -> String {
        let number = u64::from_le_bytes(random()).to_string();
        self.results.lock().unwrap_or_else(PoisonError::into_inner).insert(number.clone(), Arc::new(result));
        number
    }

    /// The same under a name.
    pub(crate) fn remember_as<T: Any + Send + Sync>(&self, name: String, result: T) {
        self.results.lock().unwrap_or_else(PoisonError::into_inner).insert(name, Arc::new(result));
    }

    /// What was remembered under a number, or a name.
    pub(crate) fn remembered<T: Any + Send + Sync>(&self, number: &str) -> Option<Arc<T>> {
        let results = self.results.lock().unwrap_or_else(PoisonError::into_inner);
        results.get(number).and_then(|result| Arc::clone(result).downcast().ok())
    }

    /// Where a case lies that is begun at this desk.
    pub(crate) fn new_case_home(&self, space: &SpaceId) -> PathBuf {
        self.folder.join(CASES).join(space.to_string())
    }

    /// What somebody said last is wrong.
    pub(crate) fn wrong(&self) -> String {
        self.wrong.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Remembers that until the safe is locked.
    pub(crate) fn say_wrong(&self, kind: &str) {
        *self.wrong.lock().unwrap_or_else(PoisonError::into_inner) = kind.to_owned();
    }

    /// Something was done: the next look is a new one.
    pub(crate) fn look_again(&self) -> Outcome<Arc<Looked>> {
        let new = match self.last().going_on(self.home()?, &self.identity)? {
            Some(new) => new,
            None => Arc::new(Looked::of(self.home()?, &self.identity, &|_, _| Ok(()))?),
        };
        *self.looked.lock().unwrap_or_else(PoisonError::into_inner) = (Arc::clone(&new), Instant::now());
        Ok(new)
    }
}

/// Every home of whoever opens the safe in this folder, as far as that can be told without opening it.
pub(super) fn homes_of(folder: &Path) -> Vec<PathBuf> {
    let below = [CASES, HANDED, RECEIVED].into_iter().flat_map(|name| safes_in(&folder.join(name)));
    let acting = Home::open(folder).and_then(|home| home.acting_homes()).unwrap_or_default();
    std::iter::once(folder.to_owned()).chain(below).chain(acting).collect()
}

fn safes_in(folder: &Path) -> impl Iterator<Item = PathBuf> + use<> {
    let found = folder.read_dir().into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path()));
    found.filter(|home| is_safe(home))
}

fn reached(folder: &Path, keeper: Option<&str>) -> Outcome<Home> {
    let home = Home::open(folder)?;
    match keeper {
        Some(address) => home.reached_at(address),
        None => Ok(home),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_is_known_by_itself_alone_and_the_silent_make_room() {
        let sessions = Sessions::new(Duration::from_secs(60));
        let first = sessions.begin(Language::Japanese);
        assert!(sessions.of(&first).is_some_and(|session| session.language() == Language::Japanese));
        assert!(sessions.of("").is_none() && sessions.of(&first[1..]).is_none());
        let others: Vec<_> = (0..SESSIONS_MAX).map(|_| sessions.begin(Language::English)).collect();
        assert!(sessions.of(&first).is_none());
        assert!(others.iter().all(|cookie| sessions.of(cookie).is_some()));
        let forms: std::collections::HashSet<_> =
            others.iter().map(|cookie| sessions.of(cookie).unwrap().csrf.clone()).collect();
        assert_eq!(forms.len(), SESSIONS_MAX);
    }
}
