//! What the records of a safe amount to: its series and their deposits, as a fold over the events.

use std::collections::BTreeMap;

use hizo_ledger::id::{RecordId, SeriesId};
use hizo_ledger::record::Record;
use hizo_vault::event::{Class, Event};

use crate::contents::Opened;
use crate::failure::{Failure, Kind, Outcome, shown_bytes};
use crate::home::Device;
use crate::lanes;
use crate::safe::Safe;
use crate::sides::Compared;
use crate::words::words;

/// All series of a safe.
#[derive(Debug, Default)]
pub(crate) struct View {
    /// Records that it is made of.
    folded: usize,
    /// What the safe is called; nothing where that cannot be read.
    pub name: Option<String>,
    pub series: BTreeMap<SeriesId, Series>,
    /// Where it is an organisation's own safe, how its cases stand to each other.
    pub compared: Compared,
    /// Records whose meaning cannot be read, in order.
    pub unreadable: Vec<Unreadable>,
    /// Records of before this identity came, which it was not given: their numbers, and which deposits they make.
    pub before: Vec<(u64, Option<(SeriesId, u64)>)>,
}

/// One series.
#[derive(Debug, Clone)]
pub(crate) struct Series {
    /// Nothing where the event that opened it cannot be read, and so for the class.
    pub name: Option<String>,
    pub class: Option<Class>,
    /// Those that can be read.
    pub deposits: Vec<Deposit>,
}

/// A record that stands in the chain and whose meaning cannot be read.
#[derive(Debug)]
pub(crate) struct Unreadable {
    pub id: RecordId,
    pub record: u64,
    /// Seconds since 1970, as the device says.
    pub time: u64,
    /// Series and number of the deposit that the record makes, if it makes one.
    pub deposit: Option<(SeriesId, u64)>,
    /// What was said of the deposit lies apart from what it holds, which may be whole.
    pub is_said_apart: bool,
    pub failure: Failure,
}

/// One deposit, as its depositor described it.
#[derive(Debug, Clone)]
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

/// How a person names a deposit.
pub(crate) enum Named<'a> {
    /// `latest:NAME`: the newest of a series.
    Latest(&'a str),
    /// `NAME:NUMBER`.
    Numbered(&'a str, u64),
    /// Its id, or the first digits of it.
    ById(&'a str),
}

impl<'a> Named<'a> {
    pub(crate) fn parse(text: &'a str) -> Self {
        if let Some(name) = text.strip_prefix("latest:") {
            return Self::Latest(name);
        }
        let numbered = text.rsplit_once(':').and_then(|(name, number)| Some((name, number.parse().ok()?)));
        numbered.map_or(Self::ById(text), |(name, number)| Self::Numbered(name, number))
    }
}

/// What a record says to whoever reads it.
enum Read {
    /// It is of before he came.
    Before,
    /// Whoever signed it had no right to.
    Refused(Failure),
    Said(Outcome<Vec<Event>>),
}

impl Read {
    fn of<'a>(opened: Opened<'a>, record: &'a Record) -> Self {
        if opened.keyring.came_after(record.envelope().epoch) {
            return Self::Before;
        }
        match opened.keyring.refuse_undelegated(record) {
            Ok(()) => Self::Said(opened.events(record)),
            Err(failure) => Self::Refused(failure),
        }
    }
}

impl View {
    /// Opens every record and folds what they say. One that cannot be read takes nothing else with it.
    ///
    /// # Errors
    /// When somebody may be lying, or through a fault of ours.
    pub(crate) fn of(opened: Opened) -> Outcome<Self> {
        let mut view = Self::default();
        view.follow(opened, |_| Ok(()))?;
        Ok(view)
    }

    /// Goes on behind the records that were folded already; `each` is told of every one, and may end it.
    pub(crate) fn follow(&mut self, opened: Opened, mut each: impl FnMut(&Record) -> Outcome<()>) -> Outcome<()> {
        let records = opened.safe.records.get(self.folded..).unwrap_or_default();
        let read = |record| Read::of(opened, record);
        lanes::in_order(records, read, |record, read| {
            each(record)?;
            self.folded += 1;
            let events = match &read {
                Read::Said(Ok(events)) => Some(events.as_slice()),
                Read::Said(Err(_)) | Read::Refused(_) | Read::Before => None,
            };
            self.compared.follow(opened, record, events);
            self.take(record, read)
        })
    }

    /// The same, to be followed further; nothing where something could not be read, which may be mended since.
    pub(crate) fn if_readable(&self) -> Option<Self> {
        let Self { folded, name, series, compared, unreadable, before } = self;
        let (name, series, compared, before) = (name.clone(), series.clone(), compared.clone(), before.clone());
        unreadable.is_empty().then(|| Self { folded: *folded, name, series, compared, unreadable: Vec::new(), before })
    }

    /// All series, those in which something happened last first.
    pub(crate) fn newest_first(&self) -> Vec<(&SeriesId, &Series)> {
        let mut series: Vec<_> = self.series.iter().collect();
        series.sort_by_key(|(_, series)| std::cmp::Reverse(series.deposits.last().map(|deposit| deposit.record)));
        series
    }

    fn take(&mut self, record: &Record, read: Read) -> Outcome<()> {
        let folded = match read {
            Read::Before => {
                self.before.push((record.number(), deposit_of(record)));
                return Ok(());
            }
            Read::Refused(failure) => {
                self.keep_unreadable(record, failure, false);
                return Ok(());
            }
            Read::Said(events) => events.and_then(|events| self.fold(record, events)),
        };
        match folded {
            Ok(()) => Ok(()),
            Err(failure) => match failure.kind {
                Kind::Fixable | Kind::False | Kind::Unknown => {
                    self.keep_unreadable(record, failure, record.body_object().is_some());
                    Ok(())
                }
                Kind::Usage | Kind::Lying | Kind::Waits | Kind::Internal => Err(failure),
            },
        }
    }

    fn fold(&mut self, record: &Record, events: Vec<Event>) -> Outcome<()> {
        let facts = record.envelope().deposit.as_ref();
        let is_by_admin = facts.is_none() && !record.envelope().controls.is_empty();
        let mut made = None;
        for event in events {
            match event {
                // Said again to those who came later; only an admin signs control lines.
                Event::SpaceFounded { name } if is_by_admin => self.name = Some(name),
                Event::SeriesNamed { series, name, class } if is_by_admin => {
                    if let Some(id) = SeriesId::from_hex(&series).ok().filter(|id| self.began_before(*id)) {
                        self.series(id).open(name, class);
                    }
                }
                Event::SeriesOpened { name, class } => {
                    let facts = facts.ok_or_else(speaks_of_none)?;
                    if facts.k == 1 {
                        self.series(facts.series).open(name, class);
                    }
                }
                Event::DepositMade { labels, files, bytes, left_out } => {
                    let facts = facts.ok_or_else(speaks_of_none)?;
                    made = Some(Deposit {
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
                Event::SpaceFounded { .. } | Event::SeriesNamed { .. } => (),
                Event::KeyCertified { .. } | Event::DeviceAdded { .. } => (),
                Event::MemberAdded { .. } | Event::MemberRemoved { .. } | Event::HistoryGiven { .. } => (),
                Event::RecoveryMade { .. } | Event::RecoveryDrilled { .. } => (),
                Event::KeeperMoved { .. } | Event::SidesCompared { .. } | Event::Unknown(_) => (),
                Event::OrganisationPinned { .. } | Event::KeyDelegated { .. } | Event::DelegationRevoked { .. } => (),
                Event::Consent(_) | Event::ConsentWithdrawn { .. } | Event::HandedOver { .. } => (),
                Event::Opened { .. } | Event::Answered(_) | Event::SuspectNamed { .. } => (),
                Event::PaperAttested(_) | Event::AcceptedPaper { .. } | Event::Case(_) => (),
            }
        }
        let Some(facts) = facts else { return Ok(()) };
        // In silence it would be skipped, and the deposit before it would seem to be the newest one.
        let made = made.ok_or_else(|| {
            Failure::untrue(words!("its record does not say what was deposited", "何を預けたのかが記録にありません"))
        })?;
        if self.began_before(facts.series) {
            self.series(facts.series);
        }
        let series = self.series.get_mut(&facts.series);
        let series = series.ok_or_else(|| {
            Failure::untrue(words!(
                "a deposit belongs to a series that never began",
                "始まっていない束への預け入れです"
            ))
        })?;
        series.deposits.push(made);
        Ok(())
    }

    /// Has this machine know which series the names stand for, so that it deposits into the same ones.
    pub(crate) fn remember_names(&self, safe: &Safe, device: &Device) -> Outcome<()> {
        for (id, series) in &self.series {
            if let (Some(name), Some(class)) = (&series.name, series.class) {
                safe.home.name_series(device, name, *id, class)?;
            }
        }
        Ok(())
    }

    /// Whether the series has deposits of before this identity came.
    fn began_before(&self, series: SeriesId) -> bool {
        self.before.iter().any(|(_, deposit)| deposit.is_some_and(|(of, _)| of == series))
    }

    fn keep_unreadable(&mut self, record: &Record, failure: Failure, is_said_apart: bool) {
        let deposit = deposit_of(record);
        if let Some((series, _)) = deposit {
            self.series(series);
        }
        self.unreadable.push(Unreadable {
            id: record.id(),
            record: record.number(),
            time: record.envelope().time.unix_seconds(),
            deposit,
            is_said_apart,
            failure,
        });
    }

    fn series(&mut self, id: SeriesId) -> &mut Series {
        self.series.entry(id).or_insert(Series { name: None, class: None, deposits: Vec::new() })
    }

    /// The deposits of a series that cannot be read, in order.
    pub(crate) fn unreadable_of(&self, series: SeriesId) -> impl Iterator<Item = (u64, &Unreadable)> {
        self.unreadable.iter().filter_map(move |record| {
            record.deposit.filter(|(of, _)| *of == series).map(|(_, number)| (number, record))
        })
    }

    /// Why the meaning of this record cannot be read, if it cannot.
    pub(crate) fn unreadable(&self, record: &Record) -> Option<&Unreadable> {
        self.unreadable.iter().find(|unreadable| unreadable.record == record.number())
    }

    /// The record of the deposit that a person named: an id or its first digits, `latest:NAME`, or `NAME:NUMBER`.
    ///
    /// # Errors
    /// Also when this very deposit cannot be read. One of which only what was said of it is lost is handed out when it
    /// is named by itself, since what it holds may be whole; see [`View::unreadable`].
    pub(crate) fn find<'a>(&self, opened: Opened<'a>, named: &str) -> Outcome<&'a Record> {
        let number = match Named::parse(named) {
            Named::Latest(name) => self.latest(opened.safe, name)?,
            Named::Numbered(name, number) => self.numbered(opened.safe, name, number)?,
            Named::ById(digits) => self.find_by_id(opened.safe, digits)?,
        };
        let record = opened.safe.records.get(number as usize);
        record.ok_or_else(|| Failure::internal_message("a record that was folded is gone"))
    }

    fn numbered(&self, safe: &Safe, name: &str, number: u64) -> Outcome<u64> {
        let (id, series) = self.named(safe, name)?;
        if let Some(deposit) = series.deposits.iter().find(|deposit| deposit.number == number) {
            return Ok(deposit.record);
        }
        if let Some((_, unreadable)) = self.unreadable_of(id).find(|(unreadable, _)| *unreadable == number) {
            return self.named_by_itself(unreadable);
        }
        if self.before.iter().any(|(_, deposit)| *deposit == Some((id, number))) {
            return Err(made_before());
        }
        Err(Failure::fixable(words!(
            "series {name} has no deposit {number}",
            "束「{name}」に第{number}回の預け入れはありません"
        ))
        .hint(words!(
            "Its deposits are 1 to {count}.",
            "第 1 回から第{count}回まであります。",
            count = safe.chain.series().get(&id).map_or(0, |head| head.k)
        )))
    }

    /// The newest deposit of a series, and never an older one in its place.
    fn latest(&self, safe: &Safe, name: &str) -> Outcome<u64> {
        let (id, series) = self.named(safe, name)?;
        let readable = series.deposits.last();
        let Some((number, newest)) =
            self.unreadable_of(id).last().filter(|(number, _)| readable.is_none_or(|last| last.number < *number))
        else {
            // What this identity can open begins later than the series, and nothing was added since.
            let last = readable.ok_or_else(made_before)?;
            return Ok(last.record);
        };
        let reason = newest.failure.message.clone();
        let failure = Failure::new(
            newest.failure.kind,
            words!(
                "the newest deposit of {name}, {number}, cannot be read: {reason}",
                "束「{name}」の最新の預け入れ（第{number}回）を読めません: {reason}",
                name = name, number = number; reason
            ),
        );
        let its_files = match newest.is_said_apart {
            true => words!(
                " What it holds may be whole all the same: name it as {name}:{number}.",
                "中身は無事かもしれません。{name}:{number} と指定して試せます。"
            ),
            false => words!("", ""),
        };
        Err(failure.hint(match readable {
            Some(last) => words!(
                "Run `hizo check`. The last one before it that can be read is {name}:{last}.{its_files}",
                "`hizo check` を実行してください。読めるものでいちばん新しいのは {name}:{last} です。{its_files}",
                name = name, last = last.number; its_files
            ),
            None => words!(
                "Run `hizo check`. No other deposit of the series can be read.{its_files}",
                "`hizo check` を実行してください。この束に、読める預け入れはほかにありません。{its_files}";
                its_files
            ),
        }))
    }

    fn find_by_id(&self, safe: &Safe, named: &str) -> Outcome<u64> {
        let is_named = |id: &RecordId| named.len() >= 6 && id.to_string().starts_with(named);
        let all = self.series.values().flat_map(|series| &series.deposits);
        let readable: Vec<_> = all.filter(|deposit| is_named(&deposit.id)).collect();
        let unreadable = self.unreadable.iter().filter(|record| record.deposit.is_some() && is_named(&record.id));
        let unreadable: Vec<_> = unreadable.collect();
        match (readable.as_slice(), unreadable.as_slice()) {
            ([only], []) => Ok(only.record),
            ([], [only]) => self.named_by_itself(only),
            ([], [])
                if self.before.iter().any(|(number, deposit)| {
                    let record = safe.records.get(*number as usize);
                    deposit.is_some() && record.is_some_and(|record| is_named(&record.id()))
                }) =>
            {
                Err(made_before())
            }
            ([], []) => {
                Err(Failure::fixable(words!("there is no deposit {named}", "{named} という預け入れはありません")).hint(
                    words!(
                        "Run `hizo list` to see them; latest:NAME is the newest one of a series.",
                        "`hizo list` で一覧を見られます。latest:束の名前 は、その束の最新の預け入れです。"
                    ),
                ))
            }
            _ => Err(Failure::fixable(words!(
                "several deposits begin with {named}",
                "{named} で始まる預け入れが複数あります"
            ))
            .hint(words!("Write more digits.", "もっと多くの桁を書いてください。"))),
        }
    }

    /// An unreadable deposit that was named as such: its record if what it holds may be had, and else why not.
    fn named_by_itself(&self, named: &Unreadable) -> Outcome<u64> {
        if named.is_said_apart {
            return Ok(named.record);
        }
        let (id, reason) = (&named.id.to_string()[..12], named.failure.message.clone());
        let failure = Failure::new(
            named.failure.kind,
            words!("deposit {id} cannot be read: {reason}", "預け入れ {id} を読めません: {reason}"; reason),
        );
        Err(failure.hint(named.failure.hint.clone().unwrap_or_else(|| {
            words!(
                "Run `hizo check` to see what is touched. The other deposits can be restored.",
                "`hizo check` で影響を確かめてください。ほかの預け入れは取り出せます。"
            )
        })))
    }

    /// The series of this name.
    ///
    /// One whose name cannot be read is `id:` and its id; its name stands for it too where this machine remembers that.
    pub(crate) fn named(&self, safe: &Safe, name: &str) -> Outcome<(SeriesId, &Series)> {
        if let Some(digits) = name.strip_prefix("id:")
            && let Some((id, series)) = self.series.iter().find(|(id, _)| id.to_string() == digits)
        {
            return Ok((*id, series));
        }
        let mut found = self.series.iter().filter(|(_, series)| series.name.as_deref() == Some(name));
        match (found.next(), found.next()) {
            (Some((id, only)), None) => Ok((*id, only)),
            (None, _) => self.remembered(safe, name),
            (Some(_), Some(_)) => {
                Err(Failure::fixable(words!("several series are called {name}", "「{name}」という束が複数あります"))
                    .hint(words!("Name the deposit by its id.", "預け入れをIDで指定してください。")))
            }
        }
    }

    fn remembered(&self, safe: &Safe, name: &str) -> Outcome<(SeriesId, &Series)> {
        // A machine that never deposited remembers no names.
        let known = safe.home.device().ok().and_then(|device| safe.home.series_by_name(&device, name).ok().flatten());
        let known = known.and_then(|known| Some((known.id, self.series.get(&known.id)?)));
        if let Some((id, series)) = known.filter(|(_, series)| series.name.is_none()) {
            return Ok((id, series));
        }
        let failure = Failure::fixable(words!("there is no series {name}", "「{name}」という束はありません"));
        Err(match self.series.values().all(|series| series.name.is_some()) {
            true => failure.hint(words!("Run `hizo list` to see them.", "`hizo list` で一覧を見られます。")),
            false => failure.hint(words!(
                "Run `hizo list` to see them. A series whose name cannot be read is named as it stands there, id: and its digits.",
                "`hizo list` で一覧を見られます。名前を読めない束は、一覧のとおり id: と桁で指定してください。"
            )),
        })
    }
}

impl Series {
    fn open(&mut self, name: String, class: Class) {
        self.name.get_or_insert(name);
        self.class.get_or_insert(class);
    }

    /// What people call it: its name, or `id:` and its id.
    pub(crate) fn shown_name(&self, id: SeriesId) -> String {
        self.name.as_ref().map_or_else(|| format!("id:{id}"), |name| shown_bytes(name.as_bytes()))
    }
}

fn made_before() -> Failure {
    Failure::fixable(words!(
        "that deposit was made before you came, and its keys were not given to you",
        "あなたが加わる前の預け入れです。開ける鍵を渡されていません"
    ))
    .hint(words!("Ask an admin of the safe for it.", "金庫の管理者に頼んでください。"))
}

/// Series and number of the deposit that a record makes.
fn deposit_of(record: &Record) -> Option<(SeriesId, u64)> {
    record.envelope().deposit.as_ref().map(|facts| (facts.series, facts.k))
}

fn speaks_of_none() -> Failure {
    Failure::untrue(words!(
        "a record that makes no deposit speaks of one",
        "預け入れのない記録に、預け入れの説明があります"
    ))
}
