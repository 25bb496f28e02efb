//! How far deposits have come: kept, logged, witnessed, stamped, each with its time and whose word that is. Opens nothing.
//!
//! What signs or stamps a head of the log vouches for everything before it, so that the newest deposit of a series speaks
//! for the earlier ones.

use hizo_keeper::client::Stamping;
use hizo_ledger::id::SeriesId;
use hizo_ledger::log::checkpoint::UnverifiedCheckpoint;
use hizo_ledger::log::policy::{Policy, Unmet};
use hizo_ledger::log::receipt::Receipt;
use hizo_ledger::record::Record;
use hizo_ledger::timestamp::Token;

use crate::failure::{Failure, Outcome};
use crate::log::SeenLog;
use crate::receipts;
use crate::safe::Safe;
use crate::stamps::Stamps;
use crate::view::Named;
use crate::words::words;

/// How far one deposit has come.
pub(crate) struct Status<'a> {
    pub record: &'a Record,
    pub series: SeriesId,
    pub number: u64,
    /// The keeper's signed promise.
    pub receipt: Option<Receipt>,
    /// Where it stands in the log, and how many leaves that has.
    pub place: Option<(u64, u64)>,
    pub witnessed: Witnessed,
    /// The stamp that vouches for the earliest time.
    pub stamp: Option<Token>,
}

/// Who else has signed a head of the log that holds the deposit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Witnessed {
    /// Nobody is asked for.
    NoPolicy,
    /// Fewer than the policy asks for, or not logged yet.
    NotYet,
    /// These, and when they saw it, in seconds since 1970.
    By(Vec<(String, u64)>),
}

/// How far deposits have come.
pub(crate) struct Told<'a> {
    pub statuses: Vec<Status<'a>>,
    /// Who stamps the log of a keeper elsewhere, as it says.
    pub stamping: Option<Stamping>,
    /// What has to be shouted about.
    pub wrong: Outcome<()>,
}

/// What lies in the home and at the keeper over the heads of its log.
struct Vouching<'a> {
    policy: Option<Policy>,
    /// The newest head with all its cosignatures.
    head: Vec<u8>,
    stamps: Stamps<'a>,
}

/// How far each deposit has come, as this machine and its keeper can tell.
pub(crate) fn status<'a>(safe: &'a Safe, records: &[&'a Record]) -> Told<'a> {
    let receipts: Vec<_> = records.iter().map(|record| receipts::newest(safe, record)).collect();
    let seen = receipts::call_in(safe, SeenLog::publish(safe));
    let mut placed = Ok(());
    let mut place = |record: &&'a Record| {
        let place = seen.as_ref().map_or(Ok(None), |seen| seen.place(safe, record));
        place.unwrap_or_else(|failure| {
            placed = Err(failure);
            None
        })
    };
    let places: Vec<_> = records.iter().map(&mut place).collect();
    let sizes: Vec<u64> = places.iter().flatten().map(|(index, _)| index.saturating_add(1)).collect();
    let vouching = seen.as_ref().ok().map(|seen| Vouching::found(safe, seen, &sizes)).transpose();
    let found = vouching.as_ref().ok().and_then(Option::as_ref);
    let (mut statuses, mut stamped) = (Vec::new(), Ok(()));
    for ((record, receipt), place) in records.iter().zip(&receipts).zip(&places) {
        let Some(deposit) = record.envelope().deposit.as_ref() else { continue };
        let (policy, head) = (found.and_then(|found| found.policy.as_ref()), found.map(|found| found.head.as_slice()));
        let stamp =
            found.zip(*place).map_or(Ok(None), |(found, (index, _))| found.stamps.earliest(index.saturating_add(1)));
        let stamp = stamp.unwrap_or_else(|failure| {
            stamped = Err(failure);
            None
        });
        statuses.push(Status {
            record,
            series: deposit.series,
            number: deposit.k,
            receipt: receipt.as_ref().ok().cloned(),
            place: *place,
            witnessed: witnessed(policy, place.and(head)),
            stamp: stamp.map(|kept| kept.token.clone()),
        });
    }
    let stamping = seen.as_ref().ok().and_then(|seen| seen.keeper_log().stamping());
    let held = found.map_or(Ok(()), |found| found.stamps.hold());
    let wrong = receipts.into_iter().find_map(Result::err).map_or(Ok(()), Err);
    let wrong = wrong.and(placed).and(vouching.map(drop)).and(stamped).and(held);
    Told { statuses, stamping, wrong: wrong.and(seen.map(drop)) }
}

/// Who has cosigned the head that holds a deposit, as the policy of this safe has it.
pub(crate) fn witnessed(policy: Option<&Policy>, head: Option<&[u8]>) -> Witnessed {
    let Some(policy) = policy else { return Witnessed::NoPolicy };
    let head = head.and_then(|note| UnverifiedCheckpoint::parse(note).ok());
    match head.map(|head| policy.check(&head)) {
        Some(Ok(witnessed)) => Witnessed::By(witnessed.witnesses),
        Some(Err(Unmet::Log | Unmet::Quorum | Unmet::Checkpoint(_))) | None => Witnessed::NotYet,
    }
}

impl<'a> Vouching<'a> {
    fn found(safe: &'a Safe, seen: &'a SeenLog, sizes: &[u64]) -> Outcome<Self> {
        let (head, _) = seen.witnessed(&seen.note)?;
        Ok(Self { policy: seen.asks().cloned(), head, stamps: Stamps::open(safe, seen, &[], sizes)? })
    }
}

/// The newest deposit of each series.
pub(crate) fn newest(safe: &Safe) -> Vec<&Record> {
    let heads = safe.chain.series().iter();
    heads.filter_map(|(series, head)| safe.deposit(*series, head.k)).collect()
}

/// The deposit that a person named, as far as this machine knows names: an id or its first digits, `latest:NAME`, or
/// `NAME:NUMBER`.
pub(crate) fn find<'a>(safe: &'a Safe, named: &str) -> Outcome<&'a Record> {
    let found = match Named::parse(named) {
        Named::Latest(name) => {
            series_named(safe, name)?.and_then(|series| safe.deposit(series, safe.chain.series().get(&series)?.k))
        }
        Named::Numbered(name, number) => series_named(safe, name)?.and_then(|series| safe.deposit(series, number)),
        Named::ById(digits) => only(safe.records.iter().filter(|record| {
            record.envelope().deposit.is_some() && digits.len() >= 6 && record.id().to_string().starts_with(digits)
        })),
    };
    found.ok_or_else(|| {
        Failure::fixable(words!(
            "this machine knows no deposit {named}",
            "{named} という預け入れを、このコンピューターは知りません"
        ))
        .hint(words!(
            "Give the passphrase (--passphrase-file) to find it by a name that this machine has not met, or more digits.",
            "このコンピューターの知らない名前で探すには、--passphrase-file でパスフレーズを指定してください。IDは、もっと多くの桁で指定できます。"
        ))
    })
}

fn series_named(safe: &Safe, name: &str) -> Outcome<Option<SeriesId>> {
    if let Some(digits) = name.strip_prefix("id:") {
        return Ok(safe.chain.series().keys().find(|id| id.to_string() == digits).copied());
    }
    Ok(safe.home.series_by_name(&safe.home.device()?, name)?.map(|series| series.id))
}

fn only<T>(mut found: impl Iterator<Item = T>) -> Option<T> {
    match (found.next(), found.next()) {
        (only, None) => only,
        (_, Some(_)) => None,
    }
}
