//! What the records of a safe amount to: its series and their deposits, as a fold over the events.

use std::collections::BTreeMap;

use hizo_ledger::id::{RecordId, SeriesId};
use hizo_ledger::record::Record;
use hizo_vault::event::{Class, Event};

use crate::contents::{Opened, deposit_of};
use crate::failure::{Failure, Outcome};
use crate::words::words;

/// All series of a safe.
#[derive(Debug, Default)]
pub(crate) struct View {
    pub name: String,
    pub series: BTreeMap<SeriesId, Series>,
}

/// One series.
#[derive(Debug)]
pub(crate) struct Series {
    pub name: String,
    pub class: Class,
    pub deposits: Vec<Deposit>,
}

/// One deposit, as its depositor described it.
#[derive(Debug)]
pub(crate) struct Deposit {
    pub id: RecordId,
    pub record: u64,
    pub number: u64,
    /// Seconds since 1970, as the device says.
    pub time: u64,
    pub labels: Vec<String>,
    pub files: u64,
    pub bytes: u64,
    pub left_out: u64,
    /// Sealed bytes that this deposit added.
    pub stored_bytes: u64,
}

impl View {
    /// Opens every record and folds what they say.
    pub(crate) fn of(opened: Opened) -> Outcome<Self> {
        let mut view = Self::default();
        for record in &opened.safe.records {
            for event in opened.events(record)? {
                view.fold(record, event)?;
            }
        }
        Ok(view)
    }

    fn fold(&mut self, record: &Record, event: Event) -> Outcome<()> {
        match event {
            Event::SpaceFounded { name } => self.name = name,
            Event::SeriesOpened { name, class } => {
                let series = deposit_of(record)?.series;
                self.series.entry(series).or_insert(Series { name, class, deposits: Vec::new() });
            }
            Event::DepositMade { labels, files, bytes, left_out } => {
                let facts = deposit_of(record)?;
                let series = self.series.get_mut(&facts.series);
                let series = series.ok_or_else(|| Failure::untrue("a deposit belongs to a series that never began"))?;
                series.deposits.push(Deposit {
                    id: record.id(),
                    record: record.number(),
                    number: facts.k,
                    time: record.envelope().time.unix_seconds(),
                    labels,
                    files,
                    bytes,
                    left_out,
                    stored_bytes: facts.objects.total,
                });
            }
            Event::KeyCertified { .. } | Event::DeviceAdded { .. } | Event::Unknown(_) => (),
        }
        Ok(())
    }

    /// The record of the deposit that a person named: an id or its first digits, `latest:NAME`, or `NAME:NUMBER`.
    pub(crate) fn find<'a>(&self, opened: Opened<'a>, named: &str) -> Outcome<&'a Record> {
        let number = match self.find_in_series(named)? {
            Some(number) => number,
            None => self.find_by_id(named)?,
        };
        let record = opened.safe.records.get(number as usize);
        record.ok_or_else(|| Failure::internal_message("a record that was folded is gone"))
    }

    fn find_in_series(&self, named: &str) -> Outcome<Option<u64>> {
        if let Some(name) = named.strip_prefix("latest:") {
            let last = self.named(name)?.deposits.last();
            return Ok(last.map(|deposit| deposit.record));
        }
        let Some((name, number)) = named.rsplit_once(':') else { return Ok(None) };
        let Ok(number) = number.parse::<u64>() else { return Ok(None) };
        let series = self.named(name)?;
        let found = series.deposits.iter().find(|deposit| deposit.number == number);
        found.map(|deposit| Some(deposit.record)).ok_or_else(|| {
            Failure::fixable(words!(
                "series {name} has no deposit {number}",
                "束「{name}」に第{number}回の預け入れはありません"
            ))
            .hint(words!(
                "Its deposits are 1 to {count}.",
                "第 1 回から第{count}回まであります。",
                count = series.deposits.len()
            ))
        })
    }

    fn find_by_id(&self, named: &str) -> Outcome<u64> {
        let all = self.series.values().flat_map(|series| &series.deposits);
        let found: Vec<_> =
            all.filter(|deposit| named.len() >= 6 && deposit.id.to_string().starts_with(named)).collect();
        match found.as_slice() {
            [only] => Ok(only.record),
            [] => Err(Failure::fixable(words!("there is no deposit {named}", "{named} という預け入れはありません"))
                .hint(words!(
                    "Run `hizo list` to see them; latest:NAME is the newest one of a series.",
                    "`hizo list` で一覧を見られます。latest:束の名前 は、その束の最新の預け入れです。"
                ))),
            _ => Err(Failure::fixable(words!(
                "several deposits begin with {named}",
                "{named} で始まる預け入れが複数あります"
            ))
            .hint(words!("Write more digits.", "もっと多くの桁を書いてください。"))),
        }
    }

    /// The series of this name.
    pub(crate) fn named(&self, name: &str) -> Outcome<&Series> {
        let mut found = self.series.values().filter(|series| series.name == name);
        match (found.next(), found.next()) {
            (Some(only), None) => Ok(only),
            (None, _) => Err(Failure::fixable(words!("there is no series {name}", "「{name}」という束はありません"))
                .hint(words!("Run `hizo list` to see them.", "`hizo list` で一覧を見られます。"))),
            (Some(_), Some(_)) => {
                Err(Failure::fixable(words!("several series are called {name}", "「{name}」という束が複数あります"))
                    .hint(words!("Name the deposit by its id.", "預け入れをIDで指定してください。")))
            }
        }
    }
}
