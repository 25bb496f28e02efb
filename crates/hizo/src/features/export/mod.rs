//! Exporting: sealed objects and records copied into one folder, from which stock tools get everything back.
//!
//! See docs/spec/export.md. Nothing is opened on the way, so no passphrase is needed to copy.

pub(crate) mod command;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use hizo_ledger::id::{ObjectId, SeriesId};
use hizo_ledger::object::{ObjectList, ObjectRef};
use hizo_ledger::record::Record;
use hizo_vault::age::PACK_BYTES;

use crate::failure::{Failure, Kind, Outcome, shown_bytes};
use crate::folder::staging::Staging;
use crate::packing::cores;
use crate::safe::Safe;
use crate::system;
use crate::view::View;
use crate::words::words;

/// The page that tells how to get everything back.
const RECOVERY: &str = include_str!("RECOVERY.md");

/// The program that lays out renamed and reused files.
const RECOVER: &str = include_str!("recover.py");

/// Threads that copy objects; each holds one of at most 16 MiB.
const COPIERS_MAX: usize = 4;

/// What is to be exported.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub to: PathBuf,
    /// This series alone; every series when there is none.
    pub series: Option<SeriesId>,
    /// Text of `NAMES.txt`: names are sealed, and stand in the open here.
    pub names: Option<String>,
    /// The passphrase-protected identity file too.
    pub identity: bool,
    /// Leave out what is missing or damaged instead of stopping there.
    pub incomplete: bool,
}

/// What was exported.
#[derive(Debug, Default)]
pub(crate) struct Exported {
    pub series: u64,
    pub deposits: u64,
    pub records: u64,
    pub objects: u64,
    pub bytes: u64,
    /// SHA-256 of the list of all hashes: whoever notes it notices any later change of the folder.
    pub sums: Option<ObjectId>,
    /// Files that are missing or damaged at the keeper, with the object each should be.
    pub missing: Vec<(String, ObjectId)>,
}

/// Told about the work as it goes on.
pub(crate) trait Watcher: Sync {
    /// This many bytes will be copied.
    fn planned(&self, bytes: u64);
    /// This many more bytes are durable.
    fn progress(&self, bytes: u64);
}

/// A file of the export: its path below the folder, and what is in it.
struct Item {
    path: String,
    content: Content,
}

enum Content {
    Text(Vec<u8>),
    Object(ObjectRef),
}

/// What will be exported, in the order of the paths of each part.
#[derive(Default)]
struct Plan {
    items: Vec<Item>,
    exported: Exported,
}

/// Copies a safe's records and objects into a new or empty folder; durable on return, and whole or not there.
///
/// # Errors
/// When the folder is not empty, the disk is full, or an object is missing or damaged and that is not allowed.
pub(crate) fn export(safe: &Safe, request: &Request, watcher: &dyn Watcher) -> Outcome<Exported> {
    let plan = plan(safe, request)?;
    let staging = Staging::begin(&request.to)?;
    match write(safe, plan, request, staging.folder(), watcher) {
        Ok(exported) => {
            staging.settle()?;
            Ok(exported)
        }
        Err(failure) => {
            // Half an export is of no use, and its room may be what is missing.
            staging.discard();
            Err(failure)
        }
    }
}

/// Names every file. Which parts of a deposit are its manifest cannot be seen without opening it, but follows from their
/// lengths: a padded stream never ends with a full pack (docs/spec/export.md, section "Parts").
fn plan(safe: &Safe, request: &Request) -> Outcome<Plan> {
    let mut plan = Plan::default();
    plan.text("RECOVERY.md", RECOVERY);
    plan.text("recover.py", RECOVER);
    plan.text("space/head.txt", &head(safe));
    if let Some(names) = &request.names {
        plan.text("NAMES.txt", names);
    }
    if request.identity {
        let path = safe.home.identity_file();
        let bytes = fs::read(&path).map_err(|error| Failure::file("read", &path, error))?;
        plan.items.push(Item { path: "identity.age".into(), content: Content::Text(bytes) });
    }
    for (number, epoch) in safe.chain.epochs().iter().enumerate() {
        plan.object(format!("space/epochs/{number:03}/recipient.txt"), epoch.recipient());
        for (index, wrap) in epoch.wraps().iter().enumerate() {
            plan.object(format!("space/epochs/{number:03}/wrap-{index:03}.age"), *wrap);
        }
    }
    let mut series = BTreeMap::new();
    for record in &safe.records {
        let number = record.number();
        let note = Content::Text(record.note_bytes().to_vec());
        plan.items.push(Item { path: format!("space/records/{number:06}.note"), content: note });
        plan.exported.records += 1;
        match &record.envelope().deposit {
            Some(deposit) if request.series.is_none_or(|wanted| wanted == deposit.series) => {
                *series.entry(deposit.series).or_insert(0u64) += 1;
                plan.deposit(safe, record, request)?;
            }
            Some(_) => (),
            None => record.body_object().into_iter().for_each(|body| {
                plan.object(format!("space/bodies/{number:06}.age"), body);
            }),
        }
    }
    plan.exported.series = series.len() as u64;
    plan.exported.deposits = series.values().sum();
    Ok(plan)
}

/// What identifies the safe and the newest record in the export.
fn head(safe: &Safe) -> String {
    let (keeper, space, head) = (safe.chain.keeper(), safe.chain.space(), safe.chain.head());
    let (genesis, log) = (safe.chain.genesis(), &safe.home.log_key);
    format!(
        "hizo/export/v1\nkeeper {keeper}\nspace {space}\ngenesis {genesis}\nhead {} {}\nlog {log}\npolicy -\n",
        head.number, head.id
    )
}

impl Plan {
    fn text(&mut self, path: &str, text: &str) {
        self.items.push(Item { path: path.into(), content: Content::Text(text.as_bytes().to_vec()) });
    }

    fn object(&mut self, path: String, object: ObjectRef) {
        self.exported.objects += 1;
        self.items.push(Item { path, content: Content::Object(object) });
    }

    fn deposit(&mut self, safe: &Safe, record: &Record, request: &Request) -> Outcome<()> {
        let Some(deposit) = &record.envelope().deposit else { return Ok(()) };
        let folder = format!("series-{}/{:06}", deposit.series, deposit.k);
        let note = Content::Text(record.note_bytes().to_vec());
        self.items.push(Item { path: format!("{folder}/record.note"), content: note });
        if let Some(body) = record.body_object() {
            self.object(format!("{folder}/body-00000.age"), body);
        }
        let Some(named) = record.object_list() else { return Ok(()) };
        self.object(format!("{folder}/objects.txt"), named);
        let list = match safe.object(named) {
            Ok(bytes) => ObjectList::parse(&bytes).map_err(|error| Failure::untrue(error.to_string()))?,
            // The list itself is reported as missing when it is copied; what it named cannot be known.
            Err(failure) if failure.kind == Kind::False && request.incomplete => return Ok(()),
            Err(failure) => return Err(failure.hint(without_what_is_damaged())),
        };
        let lengths: Vec<u64> = list.objects().iter().map(ObjectRef::bytes).collect();
        for (part, object) in parts(&lengths).zip(list.objects()) {
            self.object(format!("{folder}/{part}.age"), *object);
        }
        Ok(())
    }
}

/// Which part of the manifest or of the tar each listed object is, by their lengths.
fn parts(lengths: &[u64]) -> impl Iterator<Item = String> {
    let ends = lengths.iter().position(|bytes| *bytes < PACK_BYTES as u64);
    let manifest = ends.map_or(lengths.len(), |last| last + 1);
    (0..lengths.len()).map(move |index| match index.checked_sub(manifest) {
        None => format!("manifest-{index:05}"),
        Some(pack) => format!("tar-{pack:05}"),
    })
}

fn write(safe: &Safe, plan: Plan, request: &Request, to: &Path, watcher: &dyn Watcher) -> Outcome<Exported> {
    let Plan { items, mut exported } = plan;
    watcher.planned(items.iter().map(|item| item.content.bytes()).sum());
    let folders = make_folders(to, &items)?;
    let copying = Copying { safe, to, incomplete: request.incomplete, watcher, done: Mutex::default() };
    copying.run(&items)?;
    let mut done = copying.done.into_inner().expect("no copier panics while it reports");
    done.missing.sort();
    done.sums.sort();
    let sums: String = done.sums.iter().map(|(path, id)| format!("{id}  {path}\n")).collect();
    if !done.missing.is_empty() {
        let missing: String = done.missing.iter().map(|(path, id)| format!("{id}  {path}\n")).collect();
        write_file(&to.join("MISSING.txt"), missing.as_bytes())?;
    }
    write_file(&to.join("SHA256SUMS"), sums.as_bytes())?;
    for folder in folders.iter().rev() {
        system::sync_directory(folder).map_err(|error| Failure::file("write", folder, error))?;
    }
    exported.sums = Some(ObjectId::of(sums.as_bytes()));
    exported.bytes = done.bytes;
    exported.missing = done.missing;
    Ok(exported)
}

/// Makes every folder that an item needs, outer ones first.
fn make_folders(to: &Path, items: &[Item]) -> Outcome<Vec<PathBuf>> {
    let mut folders = std::collections::BTreeSet::from([to.to_path_buf()]);
    for item in items {
        let path = to.join(&item.path);
        folders.extend(path.ancestors().skip(1).take_while(|folder| *folder != to).map(Path::to_path_buf));
    }
    for folder in folders.iter().filter(|folder| *folder != to) {
        system::create_directory(folder).map_err(|error| failed(folder, error))?;
    }
    Ok(folders.into_iter().collect())
}

struct Copying<'a> {
    safe: &'a Safe,
    to: &'a Path,
    incomplete: bool,
    watcher: &'a dyn Watcher,
    done: Mutex<Done>,
}

#[derive(Default)]
struct Done {
    sums: Vec<(String, ObjectId)>,
    missing: Vec<(String, ObjectId)>,
    bytes: u64,
}

impl Copying<'_> {
    /// Copies every item on a few threads, so that one reads while another waits for the disk.
    fn run(&self, items: &[Item]) -> Outcome<()> {
        let next = std::sync::atomic::AtomicUsize::new(0);
        let first: Mutex<Option<Failure>> = Mutex::default();
        let stopped = || first.lock().expect("no copier panics while it reports").is_some();
        std::thread::scope(|scope| {
            for _ in 0..cores().min(COPIERS_MAX) {
                scope.spawn(|| {
                    while let Some(item) = items.get(next.fetch_add(1, std::sync::atomic::Ordering::Relaxed)) {
                        if stopped() {
                            return;
                        }
                        if let Err(failure) = self.copy(item) {
                            first.lock().expect("no copier panics while it reports").get_or_insert(failure);
                        }
                    }
                });
            }
        });
        match first.into_inner().expect("no copier panics while it reports") {
            Some(failure) => Err(failure),
            None => Ok(()),
        }
    }

    fn copy(&self, item: &Item) -> Outcome<()> {
        let written = match &item.content {
            Content::Text(text) => self.write(item, text, ObjectId::of(text)),
            Content::Object(object) => match self.safe.object(*object) {
                Ok(bytes) => self.write(item, bytes.as_bytes(), object.id()),
                Err(failure) if failure.kind == Kind::False && self.incomplete => {
                    let mut done = self.done.lock().expect("no copier panics while it reports");
                    done.missing.push((item.path.clone(), object.id()));
                    // It stands in the list all the same: the check of the export must not pass in silence.
                    done.sums.push((item.path.clone(), object.id()));
                    Ok(())
                }
                Err(failure) if failure.kind == Kind::False => Err(failure.hint(without_what_is_damaged())),
                Err(failure) => Err(failure),
            },
        };
        self.watcher.progress(item.content.bytes());
        written
    }

    fn write(&self, item: &Item, bytes: &[u8], id: ObjectId) -> Outcome<()> {
        write_file(&self.to.join(&item.path), bytes)?;
        let mut done = self.done.lock().expect("no copier panics while it reports");
        done.sums.push((item.path.clone(), id));
        done.bytes += bytes.len() as u64;
        Ok(())
    }
}

impl Content {
    fn bytes(&self) -> u64 {
        match self {
            Self::Text(text) => text.len() as u64,
            Self::Object(object) => object.bytes(),
        }
    }
}

fn write_file(path: &Path, bytes: &[u8]) -> Outcome<()> {
    let write = || -> io::Result<()> {
        let mut file: File = system::create_private(path)?;
        file.write_all(bytes)?;
        file.sync_all()
    };
    write().map_err(|error| failed(path, error))
}

/// As for any file, but a full disk is not gone on from: what was written is removed.
fn failed(path: &Path, error: io::Error) -> Failure {
    let full = error.kind() == io::ErrorKind::StorageFull;
    let failure = Failure::file("write", path, error);
    match full {
        true => failure.hint(words!(
            "Nothing is left of this export. Make room on the disk, or name a folder on a larger one.",
            "途中まで書き出したものは取り除きました。ディスクの空きを増やすか、大きなディスクを指定してください。"
        )),
        false => failure,
    }
}

fn without_what_is_damaged() -> crate::words::Words {
    words!(
        "Nothing was exported. Run `hizo check` to see what is touched; --incomplete exports what is whole.",
        "何も書き出していません。`hizo check` で影響を確かめてください。--incomplete を付けると、無事なものだけを書き出します。"
    )
}

/// Text of `NAMES.txt`: what is sealed elsewhere, in the open.
pub(crate) fn names(view: &View, wanted: Option<SeriesId>) -> String {
    let mut text = format!("{}\n", shown_bytes(view.name.as_deref().unwrap_or_default().as_bytes()));
    for (id, series) in view.series.iter().filter(|(id, _)| wanted.is_none_or(|wanted| wanted == **id)) {
        text.push_str(&format!("\nseries-{id}  {}\n", series.shown_name(*id)));
        let mut lines = BTreeMap::new();
        for deposit in &series.deposits {
            let labels: String =
                deposit.labels.iter().map(|label| format!("  {}", shown_bytes(label.as_bytes()))).collect();
            let line = format!("{}  {} files{labels}", time_text(deposit.time), deposit.files);
            lines.insert(deposit.number, line);
        }
        for (number, unreadable) in view.unreadable_of(*id) {
            lines.insert(number, format!("{}  not readable", time_text(unreadable.time)));
        }
        lines.iter().for_each(|(number, line)| text.push_str(&format!("  {number:06}  {line}\n")));
    }
    text
}

fn time_text(seconds: u64) -> String {
    let time = jiff::Timestamp::from_second(i64::try_from(seconds).unwrap_or(i64::MAX));
    time.unwrap_or_default().to_string()
}
