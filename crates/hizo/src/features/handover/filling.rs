//! Sealing items of a case anew: each becomes a deposit of the hand-over, in a series of its own.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::PathBuf;

use hizo_ledger::record::Record;
use hizo_vault::event::handover::{Consent, Custody, Item, Refusal};
use hizo_vault::manifest::Kind;

use crate::side::Side;
use hizo_keeper::Error as KeeperError;

use crate::contents::{Chosen, Opened};
use crate::failure::{Failure, Outcome};
use crate::features::deposit::{self, deposit};
use crate::features::restore::{self, restore};
use crate::handover::{self, refused};
use crate::home;
use crate::view::View;
use crate::words::words;

/// What an item is called there: its number in the consent, from 1.
fn series_of(index: usize) -> String {
    format!("item {}", index + 1)
}

/// Which items are there, as their number, and what stands for each.
pub(super) fn there(opened: Opened, consent: &Consent) -> Outcome<Vec<(usize, Custody)>> {
    let view = View::of(opened)?;
    let mut found = Vec::new();
    for (index, item) in consent.items.iter().enumerate() {
        let name = series_of(index);
        let mut series = view.series.values().filter(|series| series.name.as_ref() == Some(&name));
        let deposit = series.next().and_then(|series| series.deposits.first());
        let record = deposit.and_then(|deposit| opened.safe.records.get(usize::try_from(deposit.record).ok()?));
        let Some((record, facts)) = record.and_then(|record| Some((record, record.envelope().deposit.as_ref()?)))
        else {
            continue;
        };
        let (record, commit) = (record.id().to_string(), facts.commit.sha256.to_string());
        found.push((index, Custody { deposit: item.deposit.to_string(), record, commit }));
    }
    Ok(found)
}

/// Seals every item anew that is not there yet and that this identity opens in the case; how many are still missing.
pub(super) fn fill(case: &Side, side: &mut Side, consent: &Consent) -> Outcome<usize> {
    let device = side.safe.home.device()?;
    // An item that is there twice is more than the company consented to: of two that seal here at once the second waits, and whoever
    // seals elsewhere is looked for before each item.
    let _turn = home::lock(&side.safe.home.folder().join("making.lock"))?;
    let mut missing = 0;
    for (index, item) in consent.items.iter().enumerate() {
        side.safe.catch_up()?;
        if there(side.opened(), consent)?.iter().any(|(done, _)| *done == index) {
            continue;
        }
        let Some(record) = opens(case.opened(), item) else {
            missing += 1;
            continue;
        };
        let staging = Staging::begin(side.safe.home.folder().join("staging"))?;
        let to = staging.folder.join("item");
        let request = restore::Request::private(to.clone(), handover::paths(item));
        let restored = restore(case.opened(), record, &request, &())?;
        restored.shortfall().map_or(Ok(()), Err)?;
        let request = deposit::Request::of(vec![to], series_of(index));
        let made = deposit(&mut side.safe, &device, &request, &())?;
        if !(made.left_out.is_empty() && made.unsteady.is_empty()) {
            return Err(Failure::fixable(words!(
                "an item could not be sealed anew as it is",
                "資料の一つに、そのままの形で封をし直せませんでした"
            ))
            .hint(words!(
                "Something changed or could not be read in the home of the hand-over. Withdraw the consent and begin again.",
                "引き渡しのフォルダーの中で、変わったものか読めないものがあります。同意を取り消して、やり直してください。"
            )));
        }
        // What waits is sent by the next command that reaches the keeper.
        made.answer.ok_or_else(|| Failure::from(KeeperError::unreachable()))?.holds()?;
    }
    Ok(missing)
}

/// The record of an item's deposit, for whoever opens it in the case.
fn opens<'o>(case: Opened<'o>, item: &Item) -> Option<&'o Record> {
    let record = case.safe.records.iter().find(|record| record.id() == item.deposit);
    record.filter(|record| case.keyring.opens(record.envelope().epoch))
}

/// How many items are not sealed yet: of all, and of those that whoever looks opens in the case.
pub(super) fn unsealed(case: Opened, side: Opened, consent: &Consent) -> Outcome<(usize, usize)> {
    let done: Vec<usize> = there(side, consent)?.into_iter().map(|(index, _)| index).collect();
    let left: Vec<&Item> =
        consent.items.iter().enumerate().filter(|(index, _)| !done.contains(index)).map(|(_, item)| item).collect();
    Ok((left.len(), left.iter().filter(|item| opens(case, item).is_some()).count()))
}

/// Compares what was made of each item with the deposit of the case, by whoever opens both: names and contents are the same.
///
/// # Errors
/// Exit code 3 when the sender put something else in an item's place.
pub(super) fn compare(case: &Side, side: &Side, consent: &Consent) -> Outcome<()> {
    for (index, custody) in there(side.opened(), consent)? {
        let Some(item) = consent.items.get(index) else { continue };
        let original = case.safe.records.iter().find(|record| record.id() == item.deposit);
        let made = side.safe.records.iter().find(|record| record.id().to_string() == custody.record);
        let (Some(original), Some(made)) = (original, made) else { continue };
        let paths = handover::paths(item);
        if files(case.opened(), original, Chosen(&paths))? != files(side.opened(), made, Chosen(&[]))? {
            return Err(refused(Refusal::Items));
        }
    }
    Ok(())
}

/// The files of a deposit, or of what is chosen of it, and what they hold.
fn files(opened: Opened, record: &Record, chosen: Chosen) -> Outcome<BTreeMap<Vec<u8>, [u8; 32]>> {
    let contents = contents(opened, record, chosen)?;
    Ok(contents.into_iter().map(|(path, (sha256, _))| (path, sha256)).collect())
}

/// The same, each with how long it is.
pub(super) fn contents(opened: Opened, record: &Record, chosen: Chosen) -> Outcome<BTreeMap<Vec<u8>, ([u8; 32], u64)>> {
    let list = opened.list(record)?;
    let mut files = BTreeMap::new();
    for entry in list.entries()? {
        let entry = entry?;
        if let (true, Kind::File(content) | Kind::HardLink { content, .. }) = (chosen.has(&entry.path), &entry.kind) {
            files.insert(entry.path.clone(), (content.value.sha256, content.size));
        }
    }
    Ok(files)
}

/// Where an item lies in the clear while it is sealed anew; what is left of it goes with this.
struct Staging {
    folder: PathBuf,
}

impl Staging {
    fn begin(folder: PathBuf) -> Outcome<Self> {
        // One that a power cut has left.
        match fs::remove_dir_all(&folder) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(Failure::file("replace", &folder, error));
            }
            _ => (),
        }
        crate::system::create_private_directory(&folder)
            .map_err(|error| Failure::file("make the folder", &folder, error))?;
        Ok(Self { folder })
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        // The next run removes what cannot be removed now.
        let _ = fs::remove_dir_all(&self.folder);
    }
}
