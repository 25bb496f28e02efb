//! Sealing items of a case anew: each becomes a deposit of the hand-over, in a series of its own.

use std::fs;
use std::io;
use std::path::PathBuf;

use hizo_vault::event::handover::{Consent, Custody};

use super::Side;
use crate::failure::{Failure, Outcome};
use crate::features::deposit::{self, deposit};
use crate::features::restore::{self, restore};
use crate::view::View;
use crate::words::words;

/// What an item is called there: its number in the consent, from 1.
fn series_of(index: usize) -> String {
    format!("item {}", index + 1)
}

/// Which items are there, as their number, and what stands for each.
pub(super) fn there(side: &Side, consent: &Consent) -> Outcome<Vec<(usize, Custody)>> {
    let view = View::of(side.opened())?;
    let mut found = Vec::new();
    for (index, item) in consent.items.iter().enumerate() {
        let name = series_of(index);
        let mut series = view.series.values().filter(|series| series.name.as_ref() == Some(&name));
        let deposit = series.next().and_then(|series| series.deposits.first());
        let record = deposit.and_then(|deposit| side.safe.records.get(usize::try_from(deposit.record).ok()?));
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
    let done: Vec<usize> = there(side, consent)?.into_iter().map(|(index, _)| index).collect();
    let mut missing = 0;
    for (index, item) in consent.items.iter().enumerate().filter(|(index, _)| !done.contains(index)) {
        let record = case.safe.records.iter().find(|record| record.id() == item.deposit);
        let Some(record) = record.filter(|record| case.keyring.opens(record.envelope().epoch)) else {
            missing += 1;
            continue;
        };
        let staging = Staging::begin(side.safe.home.folder().join("staging"))?;
        let to = staging.folder.join("item");
        let paths = item.paths.iter().map(|path| path.as_bytes().to_vec()).collect();
        let request = restore::Request { to: to.clone(), paths, special: false };
        let restored = restore(case.opened(), record, &request, &Silent)?;
        restored.shortfall().map_or(Ok(()), Err)?;
        let request = deposit::Request::of(vec![to], series_of(index));
        let made = deposit(&mut side.safe, &device, &request, &Silent)?;
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
        made.answer.holds()?;
    }
    Ok(missing)
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

struct Silent;

impl deposit::Watcher for Silent {
    fn listed(&self, _files: u64, _bytes: u64) {}
    fn progress(&self, _bytes: u64) {}
}

impl restore::Watcher for Silent {
    fn planned(&self, _files: u64, _bytes: u64) {}
    fn progress(&self, _bytes: u64) {}
}
