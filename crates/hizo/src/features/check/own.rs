//! The keeper's own space, in which the stamps that it took are records: its chain and its objects are read again, as the
//! user's are.

use hizo_ledger::id::{ObjectId, SpaceId};
use hizo_ledger::space::Chain;

use super::State;
use crate::failure::{Failure, Outcome, shown};
use crate::log;
use crate::safe::Safe;
use crate::words::{Words, words};

/// What was found of it.
#[derive(Debug)]
pub(crate) struct Own {
    pub space: SpaceId,
    /// Objects that its records name and that are not whole.
    pub bad: Vec<(ObjectId, State)>,
    /// What its records say, or that they do not hold, with what to do about it.
    pub faults: Vec<Words>,
}

/// Reads it again; nothing when no stamp was ever taken.
///
/// # Errors
/// When the keeper's log key cannot be read, from which the space follows, or a keeper elsewhere does not answer.
pub(super) fn check(safe: &Safe) -> Outcome<Own> {
    let space = log::of_keeper(safe)?.own_space()?;
    let mut own = Own { space, bad: Vec::new(), faults: Vec::new() };
    match bad_objects(safe, space) {
        Ok(bad) => own.bad = bad,
        Err(failure) if super::is_silence(safe, &failure) => return Err(failure),
        Err(Failure { message: error, .. }) => own.faults.push(words!(
            "the keeper's own space, which holds its stamps, does not hold: {error}; put the keeper's folder back from a copy, and keep the proofs that are there: they hold their stamps themselves",
            "タイムスタンプを記録した、預け先自身の記録が正しくありません: {error}。預け先のフォルダーを控えから戻してください。作成済みの証明は、タイムスタンプを自分で持っているので、そのまま保管してください";
            error
        )),
    }
    if !own.bad.is_empty() {
        let (count, published) = (own.bad.len(), shown(&safe.home.keeper_folder().join("log/stamps")));
        own.faults.push(words!(
            "{count} objects of the keeper's own space, which holds its stamps, are not right: what they stamped cannot be proved by them until they are back. A copy of each answer also lies below {published}, under another name",
            "タイムスタンプを記録した、預け先自身の部品のうち{count}個が正しくありません。元に戻すまで、その時刻は証明に使えません。応答の写しは {published} の下にも別の名前であります"
        ));
    }
    Ok(own)
}

/// Objects that its records name and that are not whole, when its chain holds.
fn bad_objects(safe: &Safe, space: SpaceId) -> Outcome<Vec<(ObjectId, State)>> {
    if let Some(keeper) = safe.keeper.here() {
        let checked = keeper.check(space).map_err(|error| Failure::untrue(error.to_string()))?.unwrap_or_default();
        let missing = checked.missing.into_iter().map(|id| (id, State::Missing));
        return Ok(missing.chain(checked.damaged.into_iter().map(|id| (id, State::Damaged))).collect());
    }
    let (notes, mut bad) = (safe.keeper.notes(space, 0)?, Vec::new());
    if notes.is_empty() {
        return Ok(bad);
    }
    let mut named = Vec::new();
    let followed = Chain::replay(&notes, |record| named.extend(record.body_object()));
    followed.map_err(|error| Failure::untrue(error.to_string()))?;
    for object in named {
        match safe.keeper.object(space, object.id()) {
            Ok(Some(bytes)) if ObjectId::of(&bytes) == object.id() => {}
            Ok(Some(_)) => bad.push((object.id(), State::Damaged)),
            Ok(None) => bad.push((object.id(), State::Missing)),
            Err(_) => bad.push((object.id(), State::Unreadable)),
        }
    }
    Ok(bad)
}
