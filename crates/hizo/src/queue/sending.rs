//! Sends what waits to a keeper that answers again.

use hizo_keeper::Error as KeeperError;
use hizo_ledger::id::{ObjectId, RecordId, SeriesId};
use hizo_ledger::record::UnverifiedRecord;
use hizo_store::NamedBytes;
use hizo_store::objects::Objects as _;

use super::{Queue, SetAside, Waiting, disk_failed};
use crate::failure::{Failure, Outcome};
use crate::lanes::lanes;
use crate::log;
use crate::receipts::{self, Answer};
use crate::safe::Safe;
use crate::words::words;

/// Objects that are on their way at once.
const AT_ONCE: usize = 4;
/// Whether a keeper has an object that is longer is asked before it is sent again.
pub(crate) const WORTH_ASKING_BYTES: u64 = 64 << 10;
/// How often a record is sent whose objects are asked for again: a keeper names 1,000 at a time, of 65,536 at most.
const PUT_AGAIN_MAX: usize = 128;
/// Ids in one page of a listing.
const PAGE: usize = 1_000;

/// What came of sending.
#[derive(Default)]
pub(crate) struct Sent {
    pub kept: Vec<Kept>,
    pub aside: Vec<SetAside>,
    /// Another process is at it.
    pub is_busy: bool,
}

/// A deposit that waited and is kept now.
pub(crate) struct Kept {
    pub id: RecordId,
    pub series: SeriesId,
    pub number: u64,
    pub answer: Answer,
}

/// Sends all that waits, in its order, and goes on where it was cut short. `sent` is told of bytes as they are there.
///
/// # Errors
/// When the keeper cannot be reached any more or refuses; what waits goes on waiting, and `done` says what is kept by then.
///
/// Whoever `waits` goes on when another process has sent; else that is left to it.
pub(crate) fn send(safe: &mut Safe, waits: bool, done: &mut Sent, sent: &(dyn Fn(u64) + Sync)) -> Outcome<()> {
    let queue = Queue::of(&safe.home);
    if queue.is_empty()? {
        return Ok(());
    }
    let sender = crate::home::open_lock(&queue.folder.join("sender.lock"))?;
    if waits {
        sender.lock().map_err(|error| Failure::file("lock", &queue.folder, error))?;
        safe.catch_up()?;
    } else if sender.try_lock().is_err() {
        done.is_busy = true;
        return Ok(());
    }
    let key = safe.home.device()?.signing.space_key(&safe.home.space);
    loop {
        let fitted = queue.fit(&safe.chain, &key, log::seen(&safe.home)?)?;
        done.aside.extend(fitted.aside);
        for waiting in &fitted.kept {
            finish(safe, &queue, waiting, done)?;
        }
        let Some(next) = fitted.waiting.first() else {
            return fitted.refused.map_or(Ok(()), |error| Err(refused(error)));
        };
        put_all(safe, next, sent)?;
        if append(safe, next)? {
            finish(safe, &queue, next, done)?;
        }
    }
}

fn finish(safe: &Safe, queue: &Queue, waiting: &Waiting, done: &mut Sent) -> Outcome<()> {
    let (deposit, id) = (waiting.deposit()?, waiting.record.id());
    let answer = receipts::answer(safe, id);
    queue.forget_kept(waiting, &safe.home)?;
    done.kept.push(Kept { id, series: deposit.series, number: deposit.k, answer });
    Ok(())
}

/// Appends the record; whether it is kept. If not, others were first, and their records have been followed.
fn append(safe: &mut Safe, waiting: &Waiting) -> Outcome<bool> {
    let note = waiting.record.note_bytes();
    let mut answer = safe.keeper.append(safe.home.space, note);
    // A keeper names so many at a time of what it has swept, and nothing of a list that is not there.
    for _ in 0..PUT_AGAIN_MAX {
        let Err(KeeperError::PutAgain { objects }) = &answer else { break };
        put(safe, waiting, objects)?;
        answer = safe.keeper.append(safe.home.space, note);
    }
    match answer {
        Ok(promised) => {
            safe.take_kept(UnverifiedRecord::parse(note).map_err(Failure::internal)?, promised)?;
            Ok(true)
        }
        Err(KeeperError::Conflict { .. }) => {
            // Also where it is the record itself: what is kept already is told of by the next look at the queue.
            safe.after_conflict(waiting.record.id())?;
            Ok(false)
        }
        Err(error) => Err(error.into()),
    }
}

/// Puts every object that the keeper does not have yet.
fn put_all(safe: &Safe, waiting: &Waiting, sent: &(dyn Fn(u64) + Sync)) -> Outcome<()> {
    let (objects, space, keeper) = (waiting.objects()?, safe.home.space, &safe.keeper);
    let put = |id: ObjectId| -> Outcome<()> {
        let failed = |error| disk_failed(&waiting.folder, error);
        let bytes = objects.stat(space, id).map_err(failed)?.map_or(0, |stat| stat.bytes);
        let is_there =
            bytes > WORTH_ASKING_BYTES && keeper.object_length(space, id).map_err(Failure::from)? == Some(bytes);
        if !is_there {
            put_one(safe, waiting, &objects, id)?;
        }
        sent(bytes);
        Ok(())
    };
    let mut after = None;
    loop {
        let page = objects.list(space, after, PAGE).map_err(|error| disk_failed(&waiting.folder, error))?;
        let Some(last) = page.last() else { return Ok(()) };
        after = Some(*last);
        std::thread::scope(|scope| -> Outcome<()> {
            let (mut ids, results) = lanes(scope, AT_ONCE, 1, put);
            scope.spawn(move || page.into_iter().all(|id| ids.give(id)));
            results.into_iter().collect()
        })?;
    }
}

fn put(safe: &Safe, waiting: &Waiting, ids: &[ObjectId]) -> Outcome<()> {
    let objects = waiting.objects()?;
    ids.iter().try_for_each(|id| put_one(safe, waiting, &objects, *id))
}

fn put_one(safe: &Safe, waiting: &Waiting, objects: &impl hizo_store::objects::Objects, id: ObjectId) -> Outcome<()> {
    let bytes = objects.get(safe.home.space, id).map_err(|error| disk_failed(&waiting.folder, error))?;
    let object = bytes.and_then(|bytes| NamedBytes::claimed(id, bytes).ok()).ok_or_else(|| {
        Failure::fixable(words!(
            "object {id} of a deposit that waits is missing or damaged on this machine",
            "送信を待っている預け入れの部品 {id} が、このコンピューターからなくなったか、壊れています"
        ))
        .hint(words!(
            "Put the folder queue of the home folder back from a copy; or move it away, then deposit again.",
            "金庫のフォルダーの queue を控えから戻してください。控えがなければ別の場所へ移して、もう一度預けてください。"
        ))
    })?;
    safe.keeper.put(safe.home.space, &object)
}

/// What waits may not stand in the space.
fn refused(error: hizo_ledger::space::Error) -> Failure {
    Failure::fixable(words!(
        "this machine may no longer deposit here: what waits stays on this machine ({error})",
        "このコンピューターからは、もう預けられません。待っているものは、ここに残しています（{error}）"
    ))
    .hint(words!(
        "Ask an admin to let this machine in again, then run `hizo send`.",
        "金庫の管理者に、このコンピューターをもう一度登録してもらい、`hizo send` を実行してください。"
    ))
}
