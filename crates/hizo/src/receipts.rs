//! The keeper's signed promises: one for every record that this machine appends, kept until the record is seen in the log,
//! and afterwards too. A promise that is not met stays as evidence.

use std::path::Path;

use hizo_keeper::log::MERGE_SECONDS_MAX;
use hizo_ledger::id::RecordId;
use hizo_ledger::log::Leaf;
use hizo_ledger::log::receipt::{Receipt, UnverifiedReceipt};
use hizo_ledger::record::{ClaimedTime, Envelope, Origin, Record};

use crate::failure::{Failure, Kind, Outcome, shown};
use crate::home::{Home, Promise};
use crate::keeper::KeeperLog;
use crate::log::{self, SeenLog};
use crate::safe::{self, Safe};
use crate::stamps;
use crate::words::{Words, words};

/// By how much the clocks of a keeper and of this machine may differ before a promise cannot be held against a clock.
const CLOCKS_DIFFER_SECONDS_MAX: u64 = 24 * 60 * 60;

/// What a keeper answers to a record that it has kept. It is kept whatever the answer is.
#[derive(Debug)]
pub(crate) struct Answer {
    /// Its signed promise.
    pub receipt: Outcome<Receipt>,
    /// Where the record stands in its log, and how many leaves that has, once it does.
    pub place: Outcome<Option<(u64, u64)>>,
    /// What a person should know of the stamps over it: one that did not come is asked for again with the next deposit.
    pub unstamped: Vec<Words>,
}

impl Answer {
    /// Index and size, if the record stands in the log.
    pub(crate) fn place(&self) -> Option<(u64, u64)> {
        self.place.as_ref().ok().copied().flatten()
    }

    /// # Errors
    /// What has to be shouted about.
    pub(crate) fn holds(self) -> Outcome<()> {
        self.receipt?;
        self.place.map(drop)
    }
}

/// Asks for the promise first, and then holds the log against it and every earlier one.
pub(crate) fn answer(safe: &Safe, id: RecordId) -> Answer {
    let record = || appended(safe, id);
    let receipt = log::of_keeper(safe).and_then(|log| ask(safe, &log, record()?));
    let seen = call_in(safe, SeenLog::publish(safe));
    let unstamped = seen.as_ref().map_or_else(|_| Vec::new(), |seen| stamps::ask_in_passing(safe, seen));
    let place = seen.and_then(|seen| seen.place(safe, record()?));
    Answer { receipt, place, unstamped }
}

/// The keeper's promise for a record that it has just kept, without waiting for its log: that is held against the promise when the
/// safe is used next.
///
/// # Errors
/// Exit code 5 when what it signed is not what it has to promise.
pub(crate) fn promise(safe: &Safe, id: RecordId) -> Outcome<()> {
    ask(safe, &log::of_keeper(safe)?, appended(safe, id)?).map(drop)
}

fn appended(safe: &Safe, id: RecordId) -> Outcome<&Record> {
    let record = safe.records.iter().rfind(|record| record.id() == id);
    record.ok_or_else(|| Failure::internal_message("the record that was appended is gone"))
}

/// Asks the keeper for its promise for a record, unless that was its answer to it, checks it, and keeps it: durable on return.
///
/// # Errors
/// Exit code 5 when what it signed is not what it has to promise.
fn ask(safe: &Safe, log: &KeeperLog, record: &Record) -> Outcome<Receipt> {
    let note = match safe.promised(record.number()) {
        Some(receipt) => Some(receipt.to_vec()),
        None => log.receipt(&safe.keeper, safe.home.space, record.number()).map_err(Failure::from)?,
    };
    let note = note.ok_or_else(|| {
        Failure::untrue(words!("the keeper gives no receipt for the record", "預け先が、記録の受領書を出しません"))
    })?;
    let receipt = held(safe, record, &note)?.map_err(wrong);
    let promise = if receipt.is_ok() { Promise::Due } else { Promise::Refused };
    safe.home.keep_receipt(record.id(), &note, promise)?;
    receipt
}

/// The promise for a record: the one that this machine has kept, else a new one.
///
/// # Errors
/// As for a new one: exit code 5 when what the keeper signed is not what it has to promise. Exit code 3 when the file of this
/// machine is not what it kept there.
pub(crate) fn of(safe: &Safe, record: &Record) -> Outcome<Receipt> {
    match safe.home.receipt(record.id())? {
        // It held when it was kept, so that whatever is wrong with it came over it here.
        Some((path, note)) => held(safe, record, &note)?.map_err(|fault| damaged(&path, fault)),
        None => ask(safe, &log::of_keeper(safe)?, record),
    }
}

/// The promise for a record, of the highest class that a keeper elsewhere answers for by now. A keeper that cannot be asked
/// takes nothing from the one that this machine has.
///
/// # Errors
/// As [`of`].
pub(crate) fn newest(safe: &Safe, record: &Record) -> Outcome<Receipt> {
    let kept = of(safe, record)?;
    // What an earlier keeper has promised, its successor does not take back, and cannot promise for it.
    let is_former = record.envelope().keeper != safe.home.keeper;
    if kept.is_twice || is_former || safe.home.address().is_none() {
        return Ok(kept);
    }
    let asked = log::of_keeper(safe).map(|log| log.receipt(&safe.keeper, safe.home.space, record.number()));
    let (Ok(Ok(Some(note))), Some((path, _))) = (asked, safe.home.receipt(record.id())?) else { return Ok(kept) };
    let receipt = held(safe, record, &note)?.map_err(wrong)?;
    if receipt.is_twice {
        safe.home.renew_receipt(&path, &note)?;
    }
    Ok(receipt)
}

/// Holds a receipt against the pinned key, the record, its slot, and what a keeper may promise; what is wrong, if not. Of a record
/// that its keeper has taken over from another one, either has promised something.
fn held(safe: &Safe, record: &Record, note: &[u8]) -> Outcome<Result<Receipt, Words>> {
    let Some((keeper, receipt)) = signed(&safe.home, &record.envelope().keeper, note) else {
        return Ok(Err(words!(
            "it is not signed by the key that this machine knows",
            "このコンピューターの知っている鍵の署名がありません"
        )));
    };
    let fault = fault(&receipt, &log::leaf(safe, record)?, record.envelope(), &keeper);
    Ok(fault.map_or(Ok(receipt), Err))
}

/// A receipt, and the keeper by whose key it is: the one that the record names, or the present one.
fn signed(home: &Home, named: &Origin, note: &[u8]) -> Option<(Origin, Receipt)> {
    let receipt = UnverifiedReceipt::parse(note).ok()?;
    let homes = [home.when_kept_by(named), Some(home.clone())].into_iter().flatten();
    homes.into_iter().find_map(|home| {
        let receipt = receipt.clone().verify(&home.receipt_key).ok()?;
        Some((home.keeper, receipt))
    })
}

fn fault(receipt: &Receipt, leaf: &Leaf, envelope: &Envelope, keeper: &Origin) -> Option<Words> {
    let (time, index_by) = (receipt.time.unix_seconds(), receipt.index_by.unix_seconds());
    if receipt.keeper != *keeper || receipt.leaf.record != leaf.record {
        return Some(words!("it is for another record", "別の記録の受領書です"));
    }
    if receipt.leaf.slot != leaf.slot {
        return Some(words!("it promises another place in the safe", "金庫の中の別の位置を約束しています"));
    }
    // A promise for a far day would never be broken.
    let is_far = index_by.saturating_sub(time) > MERGE_SECONDS_MAX
        || (envelope.keeper == *keeper
            && index_by.saturating_sub(envelope.time.unix_seconds()) > MERGE_SECONDS_MAX + CLOCKS_DIFFER_SECONDS_MAX);
    is_far.then(|| {
        words!(
            "it promises the log for {by}, which is too late",
            "台帳に載せる期限（{by}）が先すぎます",
            by = receipt.index_by
        )
    })
}

fn wrong(what: Words) -> Failure {
    log::lying(words!("its receipt is not the one for this record: {what}", "受領書が正しくありません: {what}"; what))
}

fn damaged(path: &Path, what: Words) -> Failure {
    let path = shown(path);
    Failure::untrue(words!(
        "a receipt that this machine kept has been changed here: {path} ({what})",
        "このコンピューターに保管した受領書が、あとから変わっています: {path}（{what}）";
        what
    ))
    .hint(words!(
        "The keeper did not do this. Put the file back from a copy of the home folder; or move it away and run this again, and the keeper is asked for another one.",
        "預け先のせいではありません。金庫のフォルダーの控えからこのファイルを戻してください。控えがなければ別の場所へ移してもう一度実行すると、預け先に改めて求めます。"
    ))
}

/// A promise of the present keeper that has not been seen to be met.
struct Open<'s> {
    id: RecordId,
    record: Option<&'s Record>,
    /// By when the record is to stand in the log; nothing where the receipt is by no keeper of this safe.
    by: Option<ClaimedTime>,
}

/// All of them. What an earlier keeper has promised and not done stays as evidence against it, and its log ends for this safe.
fn open(safe: &Safe) -> Outcome<Vec<Open<'_>>> {
    let mut open = Vec::new();
    for id in safe.home.due_receipts()? {
        let record = safe.records.iter().find(|record| record.id() == id);
        let named = record.map_or(&safe.home.keeper, |record| &record.envelope().keeper);
        let receipt = safe.home.receipt(id)?.and_then(|(_, note)| signed(&safe.home, named, &note));
        match receipt {
            Some((keeper, _)) if keeper != safe.home.keeper => {}
            receipt => open.push(Open { id, record, by: receipt.map(|(_, receipt)| receipt.index_by) }),
        }
    }
    Ok(open)
}

/// Holds every promise that is open against the log. Those that are met are marked so.
///
/// # Errors
/// Exit code 5 when one is past its time; what the log itself failed with, or the place of a record in it, otherwise.
pub(crate) fn call_in(safe: &Safe, seen: Outcome<SeenLog>) -> Outcome<SeenLog> {
    let now = safe::now()?;
    let (mut broken, mut unproved) = (Vec::new(), None);
    for Open { id, record, by } in open(safe)? {
        let is_met = match (record, &seen) {
            (Some(record), Ok(seen)) => match seen.place(safe, record) {
                Ok(place) => place.is_some(),
                Err(failure) => {
                    unproved.get_or_insert(failure);
                    false
                }
            },
            (None, _) | (_, Err(_)) => false,
        };
        if is_met {
            safe.home.promise_met(id)?;
        } else if let Some(by) = by.filter(|by| by.unix_seconds() < now.unix_seconds()) {
            broken.push((id, by));
        }
    }
    match (broken.first(), unproved) {
        (Some((id, by)), _) => Err(broken_promise(*id, by, broken.len())),
        (None, Some(failure)) => Err(failure),
        (None, None) => seen,
    }
}

/// As [`call_in`] for a command that looks at something else: the log is asked only if a promise is open, and what else it
/// fails with is told by those who need it.
pub(crate) fn remind(safe: &Safe) -> Outcome<()> {
    if open(safe)?.is_empty() {
        return Ok(());
    }
    remind_by(safe, SeenLog::publish(safe))
}

/// As [`remind`], where a promise is past its time: the log is not asked before.
pub(crate) fn remind_late(safe: &Safe) -> Outcome<()> {
    let now = safe::now()?.unix_seconds();
    let is_late = |open: &Open| open.by.is_some_and(|by| by.unix_seconds() < now);
    if open(safe)?.iter().any(is_late) { remind(safe) } else { Ok(()) }
}

/// The same by a log that was asked.
pub(crate) fn remind_by(safe: &Safe, seen: Outcome<SeenLog>) -> Outcome<()> {
    match call_in(safe, seen) {
        Err(failure) if failure.kind == Kind::Lying => Err(failure),
        Ok(_) | Err(_) => Ok(()),
    }
}

fn broken_promise(id: RecordId, by: &ClaimedTime, count: usize) -> Failure {
    let id = &id.to_string()[..12];
    Failure::new(
        Kind::Lying,
        words!(
            "the keeper broke its promise: it signed that record {id} would stand in its log by {by}, and does not show it there ({count} in all)",
            "預け先が約束を守っていません: 記録 {id} を {by} までに台帳に載せると署名したのに、載っていません（全部で{count}件）"
        ),
    )
    .hint(words!(
        "Keep the folder receipts of the home folder: each file in due is the keeper's signed promise, and evidence. Ask the keeper, and do not rely on it for times until it answers.",
        "金庫のフォルダーの receipts を残しておいてください。due の中のファイルは、預け先が署名した約束で、証拠になります。預け先に問い合わせ、返答があるまで時刻の裏付けとしては頼らないでください。"
    ))
}

#[cfg(test)]
mod tests {
    use hizo_ledger::id::{Slot, SpaceId};

    use super::*;

    const NOON: u64 = 1_800_000_000;

    fn time(seconds: u64) -> ClaimedTime {
        ClaimedTime::from_unix_seconds(seconds).unwrap()
    }

    fn leaf() -> Leaf {
        Leaf { slot: Slot::of(&[1; 32], 7), record: RecordId::from_bytes([2; 32]) }
    }

    fn keeper() -> Origin {
        Origin::parse("keeper.example/log").unwrap()
    }

    /// The fault of an otherwise right receipt, for a record that a device made at noon.
    fn fault_of(change: impl FnOnce(&mut Receipt)) -> Option<String> {
        let mut receipt = Receipt {
            keeper: keeper(),
            leaf: leaf(),
            time: time(NOON + 2),
            index_by: time(NOON + 2 + MERGE_SECONDS_MAX),
            is_twice: false,
        };
        change(&mut receipt);
        let envelope = Envelope {
            keeper: keeper(),
            space: SpaceId::from_bytes([3; 16]),
            number: 7,
            prev: None,
            epoch: 0,
            time: time(NOON),
            seen: None,
            body: None,
            deposit: None,
            controls: Vec::new(),
        };
        fault(&receipt, &leaf(), &envelope, &keeper()).map(|words| words.english().to_owned())
    }

    #[test]
    fn a_receipt_is_for_this_record_at_its_slot_by_its_keeper_and_for_a_day_that_comes() {
        assert_eq!(fault_of(|_| ()), None);
        let says = |words: &str, change: &dyn Fn(&mut Receipt)| {
            let fault = fault_of(change);
            assert!(fault.as_ref().is_some_and(|fault| fault.contains(words)), "{words}: {fault:?}");
        };
        says("another record", &|receipt| receipt.keeper = Origin::parse("other.example/log").unwrap());
        says("another record", &|receipt| receipt.leaf.record = RecordId::from_bytes([9; 32]));
        says("another place", &|receipt| receipt.leaf.slot = Slot::of(&[1; 32], 8));
        says("too late", &|receipt| receipt.index_by = time(NOON + 3 + MERGE_SECONDS_MAX));
        // A keeper whose clock runs years ahead would never be found late.
        says("too late", &|receipt| {
            receipt.time = time(NOON + 2 * MERGE_SECONDS_MAX);
            receipt.index_by = time(NOON + 2 * MERGE_SECONDS_MAX + 1);
        });
    }
}
