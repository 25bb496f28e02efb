//! Deposits that were sealed while the keeper could not be reached, until it has them. See docs/spec/queue.md.

mod at_hand;
mod away;
mod sending;

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use hizo_ledger::id::{RecordId, SeriesId};
use hizo_ledger::record::{Deposit, Envelope, Seen, UnverifiedRecord};
use hizo_ledger::space::Chain;
use hizo_store::disk::SystemDisk;
use hizo_store::objects::FileObjects;
use hizo_vault::keys::SpaceSigningKey;
use serde_json::{Value, json};

use crate::console;
use crate::failure::{Failure, Kind, Outcome};
use crate::home::{self, Home};
use crate::system;
use crate::words::{Words, deposits, words};

pub(crate) use at_hand::AtHand;
pub(crate) use away::Away;
pub(crate) use sending::{Sent, WORTH_ASKING_BYTES, send};

/// Bytes of what may wait, where nobody said otherwise.
const BYTES_MAX: u64 = 64 << 30;

/// What may wait, in bytes: digits and a line feed.
const LIMIT_FILE: &str = "limit";
/// Ids that deposits had when they were sealed, and those that they have by now.
const RENAMED_FILE: &str = "renamed";
/// Lines of that file that are kept.
const RENAMED_MAX: usize = 4096;
const ASIDE_FOLDER: &str = "aside";
/// Digits of a waiting deposit's folder: they wait in this order.
const TURN_DIGITS: usize = 10;

/// The record as it was when everything was sealed; with it, the deposit waits.
const SEALED_FILE: &str = "sealed";
/// The same as it follows the head that was seen last.
const NOTE_FILE: &str = "note";
/// The record since which all readers shared everything when it was sealed.
const SINCE_FILE: &str = "since";
const OBJECTS_FOLDER: &str = "objects";

/// What waits in a home for its keeper.
#[derive(Debug, Clone)]
pub(crate) struct Queue {
    folder: PathBuf,
}

/// A deposit that waits.
pub(crate) struct Waiting {
    folder: PathBuf,
    sealed: UnverifiedRecord,
    since: u64,
    pub record: UnverifiedRecord,
}

/// How much waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Extent {
    pub deposits: usize,
    /// Bytes on this machine's disk, of what is being sealed and of what was set aside too.
    pub bytes: u64,
    pub bytes_max: u64,
    /// Deposits that can no longer be sent.
    pub aside: usize,
}

impl Extent {
    /// As scripts read it.
    pub(crate) fn as_json(self) -> Value {
        json!({ "deposits": self.deposits, "bytes": self.bytes, "limit_bytes": self.bytes_max, "set_aside": self.aside })
    }

    /// How much waits, and what is done about it.
    pub(crate) fn words(self) -> Words {
        let (bytes, bytes_max) = (console::bytes(self.bytes), console::bytes(self.bytes_max));
        let count = deposits(self.deposits as u64);
        words!(
            "On this machine: {count} to be sent, {bytes} of at most {bytes_max}. The next command that reaches the keeper sends all of it, or `hizo send`.",
            "このコンピューターで{count}が送信を待っています（{bytes}、上限 {bytes_max}）。次に預け先につながったコマンドか `hizo send` が送ります。";
            count
        )
    }
}

/// A deposit that can no longer be sent as it was sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SetAside {
    pub series: SeriesId,
    pub number: u64,
    pub why: Why,
}

impl SetAside {
    pub(crate) fn words(self) -> Words {
        let (series, number, why) = (self.series, self.number, self.why.words());
        words!(
            "deposit {number} of series id:{series}, which waited, can no longer be sent: {why}. Deposit the folder again; what was sealed stays in queue/aside of the home folder until `hizo send --forget`",
            "送信を待っていた束 id:{series} の第{number}回は、もう送れません: {why}。フォルダーをもう一度預けてください。封をしたものは、`hizo send --forget` まで金庫のフォルダーの queue/aside に残ります",
            series = series, number = number;
            why
        )
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Why {
    /// The space's key has changed: whoever was removed could open it.
    KeyChanged,
    /// Somebody else has made a deposit of this number in its series.
    SeriesWentOn,
    /// Somebody has come who does not see what it may build on.
    SomebodyCame,
}

impl Why {
    pub(crate) fn words(self) -> Words {
        match self {
            Self::KeyChanged => words!(
                "the safe's key was changed meanwhile, so that somebody who was removed opens nothing new",
                "その間に金庫の鍵が替わりました（外された人に新しいものを見せないため）"
            ),
            Self::SeriesWentOn => {
                words!("somebody else has added to this series meanwhile", "その間に、別の人がこの束に追加しました")
            }
            Self::SomebodyCame => words!(
                "somebody has joined meanwhile who does not see what it builds on",
                "その間に、もとになる預け入れを見られない人が加わりました"
            ),
        }
    }
}

/// What became of what waits when it was held against the head of the space.
#[derive(Default)]
struct Fitted {
    /// Those that follow the head, in order.
    waiting: Vec<Waiting>,
    /// Those that stand in the space already.
    kept: Vec<Waiting>,
    aside: Vec<SetAside>,
    /// Why none of the rest may stand there.
    refused: Option<hizo_ledger::space::Error>,
}

impl Queue {
    pub(crate) fn of(home: &Home) -> Self {
        Self { folder: home.queue_folder() }
    }

    /// Where the walk of the newest waiting deposit of a series lies: it takes the last one's place when that is kept.
    pub(crate) fn walk_file(&self, series: SeriesId) -> PathBuf {
        self.folder.join(format!("{series}.walk"))
    }

    /// Makes the folder of the queue.
    pub(crate) fn make(&self) -> Outcome<()> {
        system::create_private_directory(&self.folder)
            .map_err(|error| Failure::file("make the folder", &self.folder, error))
    }

    /// Whether nothing waits.
    pub(crate) fn is_empty(&self) -> Outcome<bool> {
        Ok(self.folders()?.is_empty())
    }

    /// How much waits, and how much may.
    pub(crate) fn extent(&self) -> Outcome<Extent> {
        let aside = names(&self.folder.join(ASIDE_FOLDER))?.len();
        let bytes = bytes_below(&self.folder).map_err(|error| Failure::file("read", &self.folder, error))?;
        Ok(Extent { deposits: self.folders()?.len(), bytes, bytes_max: self.bytes_max()?, aside })
    }

    /// That a deposit was sealed and waits, as it is told.
    pub(crate) fn waits(&self, home: &Home) -> Failure {
        let address = home.address().unwrap_or_default();
        let waits = Failure::new(
            Kind::Waits,
            words!(
                "sealed, not yet kept: will be sent when {address} answers",
                "封をしましたが、まだ預けていません。{address} につながったときに送ります"
            ),
        );
        match self.extent() {
            Ok(extent) => waits.hint(extent.words()),
            Err(_) => waits,
        }
    }

    /// Bytes of the deposits that wait, which sending them takes at most.
    pub(crate) fn bytes_to_send(&self) -> Outcome<u64> {
        let bytes = |folder: PathBuf| {
            bytes_below(&folder.join(OBJECTS_FOLDER)).map_err(|error| Failure::file("read", &folder, error))
        };
        self.folders()?.into_iter().map(bytes).sum()
    }

    fn bytes_max(&self) -> Outcome<u64> {
        let path = self.folder.join(LIMIT_FILE);
        let Some(text) = home::if_there(&path, fs::read_to_string(&path))? else { return Ok(BYTES_MAX) };
        text.trim_end().parse().map_err(|_| home::damaged(&path))
    }

    /// Says how many bytes may wait from now on.
    pub(crate) fn limit(&self, bytes_max: u64) -> Outcome<()> {
        self.make()?;
        home::replace(&self.folder.join(LIMIT_FILE), format!("{bytes_max}\n").as_bytes())
    }

    /// Throws away what was set aside: how many deposits.
    pub(crate) fn forget_aside(&self) -> Outcome<usize> {
        let folder = self.folder.join(ASIDE_FOLDER);
        let names = names(&folder)?;
        for name in &names {
            let path = folder.join(name);
            fs::remove_dir_all(&path).map_err(|error| Failure::file("remove", &path, error))?;
        }
        Ok(names.len())
    }

    /// Deposits that wait, in their order.
    fn waiting(&self) -> Outcome<Vec<Waiting>> {
        self.folders()?.into_iter().map(Waiting::read).collect()
    }

    fn folders(&self) -> Outcome<Vec<PathBuf>> {
        let is_turn = |name: &String| name.len() == TURN_DIGITS && name.bytes().all(|byte| byte.is_ascii_digit());
        let mut names: Vec<_> = names(&self.folder)?.into_iter().filter(is_turn).collect();
        names.sort_unstable();
        Ok(names.into_iter().map(|name| self.folder.join(name)).collect())
    }

    /// Held while the queue is changed.
    fn lock(&self) -> Outcome<fs::File> {
        self.make()?;
        home::lock(&self.folder.join("lock"))
    }

    /// Where the next deposit of a series is being sealed.
    fn sealing_folder(&self, series: SeriesId) -> PathBuf {
        self.folder.join(format!("{series}.sealing"))
    }

    /// Removes what was sealed of a deposit that was then made otherwise. The caller holds the series.
    pub(crate) fn forget_sealing(&self, series: SeriesId) {
        // What stays takes room and nothing else.
        let _ = fs::remove_dir_all(self.sealing_folder(series));
    }

    /// Has what was sealed for a series wait, which is durable on return. The caller holds the queue.
    fn add(&self, series: SeriesId, note: &[u8], since: u64) -> Outcome<PathBuf> {
        let (sealing, folders) = (self.sealing_folder(series), self.folders()?);
        let last = folders.last().and_then(|folder| folder.file_name()?.to_str()?.parse::<u64>().ok());
        let folder = self.folder.join(format!("{:0TURN_DIGITS$}", last.map_or(0, |last| last + 1)));
        home::replace(&sealing.join(SINCE_FILE), format!("{since}\n").as_bytes())?;
        home::replace(&sealing.join(SEALED_FILE), note)?;
        fs::rename(&sealing, &folder)
            .and_then(|()| system::sync_directory(&self.folder))
            .map_err(|error| Failure::file("write", &folder, error))?;
        Ok(folder)
    }

    /// Holds what waits against the head of the space: what can follow it is made to, what cannot is set aside.
    fn fit(&self, chain: &Chain, key: &SpaceSigningKey, seen: Option<Seen>) -> Outcome<Fitted> {
        let mut fitted = Fitted::default();
        if self.is_empty()? {
            return Ok(fitted);
        }
        let _turn = self.lock()?;
        let (mut chain, known) = (chain.clone(), self.renamed()?);
        let mut renamed = known.clone();
        let mut broken = BTreeSet::new();
        for mut waiting in self.waiting()? {
            if chain.contains(waiting.record.envelope().number, waiting.record.id()) {
                renamed.note(waiting.sealed.id(), waiting.record.id());
                fitted.kept.push(waiting);
                continue;
            }
            let Deposit { series, k: number, .. } = waiting.deposit()?;
            let why = match broken.contains(&series) {
                true => Some(Why::SeriesWentOn),
                false => waiting.why_not(&chain, &renamed)?,
            };
            if let Some(why) = why {
                broken.insert(series);
                self.set_aside(waiting)?;
                fitted.aside.push(SetAside { series, number, why });
                continue;
            }
            let before = waiting.record.id();
            if waiting.record.envelope().prev != Some(chain.head().id) {
                waiting.follow(&chain, key, seen)?;
            }
            // Also when it follows already: whoever made it do so may have died before this was written.
            renamed.note(before, waiting.record.id());
            renamed.note(waiting.sealed.id(), waiting.record.id());
            let record = UnverifiedRecord::parse(waiting.record.note_bytes()).map_err(Failure::internal)?;
            if let Err(error) = chain.append(record) {
                fitted.refused = Some(error);
                break;
            }
            fitted.waiting.push(waiting);
        }
        if renamed != known {
            self.write_renamed(&renamed)?;
        }
        Ok(fitted)
    }

    /// What waits, as it follows a head of the space while the keeper cannot be reached; and what no longer can.
    pub(crate) fn follow(
        &self,
        chain: &Chain,
        key: &SpaceSigningKey,
        seen: Option<Seen>,
    ) -> Outcome<(Vec<UnverifiedRecord>, Vec<SetAside>)> {
        let Fitted { waiting, aside, .. } = self.fit(chain, key, seen)?;
        Ok((waiting.into_iter().map(|waiting| waiting.record).collect(), aside))
    }

    fn set_aside(&self, waiting: Waiting) -> Outcome<()> {
        let Deposit { series, k, .. } = waiting.deposit()?;
        let aside = self.folder.join(ASIDE_FOLDER);
        let place = aside.join(format!("{series}-{k}-{id:.12}", id = waiting.sealed.id().to_string()));
        system::create_private_directory(&aside)
            .and_then(|()| fs::rename(&waiting.folder, &place))
            .and_then(|()| system::sync_directory(&aside))
            .and_then(|()| system::sync_directory(&self.folder))
            .map_err(|error| Failure::file("write", &place, error))?;
        // What later deposits would build on will never be kept.
        let walk = self.walk_file(series);
        for path in [walk.with_extension("segments"), walk] {
            let _ = fs::remove_file(path);
        }
        Ok(())
    }

    /// Forgets a deposit that is kept, and has the next one build on it.
    fn forget_kept(&self, waiting: &Waiting, home: &Home) -> Outcome<()> {
        let _turn = self.lock()?;
        let series = waiting.deposit()?.series;
        let is_other = |other: &Waiting| other.folder != waiting.folder;
        let others = self.waiting()?.into_iter().filter(is_other);
        let is_last = !others.map(|other| other.deposit()).any(|other| other.is_ok_and(|other| other.series == series));
        if is_last {
            let (from, to) = (self.walk_file(series), home.walk_file(series));
            // Without a walk the next deposit stores more, and nothing that is wrong.
            let _ = fs::rename(from.with_extension("segments"), to.with_extension("segments"));
            let _ = fs::rename(from, to);
        }
        let gone = self.folder.join("gone");
        let remove = || -> io::Result<()> {
            // Half removed, it must not be taken for one that waits.
            let _ = fs::remove_dir_all(&gone);
            fs::rename(&waiting.folder, &gone)?;
            fs::remove_dir_all(&gone)
        };
        remove().map_err(|error| Failure::file("remove", &waiting.folder, error))
    }

    /// What a deposit that was sealed under this id is called by now.
    pub(crate) fn name_now(&self, sealed: RecordId) -> Outcome<RecordId> {
        Ok(self.renamed()?.now(sealed))
    }

    fn renamed(&self) -> Outcome<Renamed> {
        let path = self.folder.join(RENAMED_FILE);
        let Some(text) = home::if_there(&path, fs::read_to_string(&path))? else { return Ok(Renamed::default()) };
        let parse = |line: &str| {
            let (before, now) = line.split_once(' ')?;
            Some((RecordId::from_hex(before).ok()?, RecordId::from_hex(now).ok()?))
        };
        text.lines().map(parse).collect::<Option<_>>().map(Renamed).ok_or_else(|| home::damaged(&path))
    }

    fn write_renamed(&self, renamed: &Renamed) -> Outcome<()> {
        // One that is forgotten costs storing a series anew.
        let newest = renamed.0.iter().skip(renamed.0.len().saturating_sub(RENAMED_MAX));
        let lines = newest.map(|(before, now)| format!("{before} {now}\n"));
        home::replace(&self.folder.join(RENAMED_FILE), lines.collect::<String>().as_bytes())
    }
}

/// Ids that deposits had while they waited, and those that they have by now; the newest last.
#[derive(Default, Clone, PartialEq, Eq)]
struct Renamed(Vec<(RecordId, RecordId)>);

impl Renamed {
    fn now(&self, before: RecordId) -> RecordId {
        self.0.iter().rfind(|(known, _)| *known == before).map_or(before, |(_, now)| *now)
    }

    /// A deposit that had the first id has the second one now, whatever it was called before that.
    fn note(&mut self, before: RecordId, now: RecordId) {
        let until_now = self.now(before);
        if before == now || until_now == now {
            return;
        }
        // What was sealed behind it may name it by any of its ids.
        self.0.iter_mut().filter(|(_, known)| *known == until_now).for_each(|(_, known)| *known = now);
        for id in [before, until_now] {
            self.0.retain(|(known, _)| *known != id);
            self.0.push((id, now));
        }
    }
}

impl Waiting {
    fn read(folder: PathBuf) -> Outcome<Self> {
        let read = |name: &str| {
            let path = folder.join(name);
            home::if_there(&path, fs::read(&path)).map(|bytes| (path, bytes))
        };
        let (path, sealed) = read(SEALED_FILE)?;
        let parse = |bytes: &Option<Vec<u8>>| UnverifiedRecord::parse(bytes.as_deref()?).ok();
        let sealed = (parse(&sealed).zip(sealed)).ok_or_else(|| home::damaged(&path))?;
        // One that was cut short is made anew.
        let record = parse(&read(NOTE_FILE)?.1).or_else(|| UnverifiedRecord::parse(&sealed.1).ok());
        let record = record.ok_or_else(|| home::damaged(&path))?;
        let (path, since) = read(SINCE_FILE)?;
        let since = since.and_then(|since| String::from_utf8(since).ok()?.trim_end().parse().ok());
        Ok(Self { folder, sealed: sealed.0, since: since.ok_or_else(|| home::damaged(&path))?, record })
    }

    /// What is deposited.
    pub(crate) fn deposit(&self) -> Outcome<Deposit> {
        self.sealed.envelope().deposit.ok_or_else(|| home::damaged(&self.folder))
    }

    fn objects(&self) -> Outcome<FileObjects<SystemDisk>> {
        open_objects(&self.folder)
    }

    /// Why it cannot be sent any more, if it cannot.
    fn why_not(&self, chain: &Chain, renamed: &Renamed) -> Outcome<Option<Why>> {
        let Deposit { series, k, prev, .. } = self.deposit()?;
        let head = chain.series().get(&series);
        let now = prev.map(|prev| renamed.now(prev));
        let goes_on = head.map_or(0, |head| head.k) + 1 == k
            && (head.map(|head| head.record) == prev || head.map(|head| head.record) == now);
        Ok(if self.sealed.envelope().epoch != chain.epoch() {
            Some(Why::KeyChanged)
        } else if !goes_on {
            Some(Why::SeriesWentOn)
        } else if k > 1 && self.since != chain.shared_since() {
            Some(Why::SomebodyCame)
        } else {
            None
        })
    }

    /// Makes its record anew, after the head of the space.
    fn follow(&mut self, chain: &Chain, key: &SpaceSigningKey, seen: Option<Seen>) -> Outcome<()> {
        let deposit = self.deposit()?;
        let prev = chain.series().get(&deposit.series).map(|head| head.record);
        let envelope = Envelope {
            // The space may have moved since.
            keeper: chain.keeper().clone(),
            number: chain.head().number + 1,
            prev: Some(chain.head().id),
            seen,
            deposit: Some(Deposit { prev, ..deposit }),
            ..self.sealed.envelope().clone()
        };
        let text = envelope.text().map_err(Failure::internal)?;
        let signature = key.sign(text.as_bytes());
        self.record =
            UnverifiedRecord::compose(&envelope, &[(key.verifying_key(), signature)]).map_err(Failure::internal)?;
        home::replace(&self.folder.join(NOTE_FILE), self.record.note_bytes())
    }
}

/// The objects of a deposit that waits or is being sealed.
fn open_objects(folder: &Path) -> Outcome<FileObjects<SystemDisk>> {
    FileObjects::open(SystemDisk, &folder.join(OBJECTS_FOLDER)).map_err(|error| disk_failed(folder, error))
}

/// A fault of the disk on which things wait.
fn disk_failed(folder: &Path, error: hizo_store::objects::Error) -> Failure {
    match error {
        hizo_store::objects::Error::Disk { source, .. } => Failure::file("write to", folder, source),
        other => Failure::internal(other),
    }
}

/// What lies in a folder; nothing where it is not there.
fn names(folder: &Path) -> Outcome<Vec<String>> {
    let failed = |error| Failure::file("read", folder, error);
    let Some(listed) = home::if_there(folder, fs::read_dir(folder))? else { return Ok(Vec::new()) };
    listed.map(|item| Ok(item.map_err(failed)?.file_name().to_string_lossy().into_owned())).collect()
}

/// Bytes of all files below a folder; one that goes meanwhile counts for nothing.
fn bytes_below(folder: &Path) -> io::Result<u64> {
    let mut bytes = 0;
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let listed = match fs::read_dir(&folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            listed => listed?,
        };
        for item in listed {
            let item = item?;
            match item.metadata() {
                Ok(found) if found.is_dir() => folders.push(item.path()),
                Ok(found) => bytes += found.len(),
                Err(_) => (),
            }
        }
    }
    Ok(bytes)
}
