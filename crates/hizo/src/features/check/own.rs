//! The keeper's own space, in which the stamps that it took are records: its chain and its objects are read again, as the
//! user's are.

use hizo_keeper::LoggedStamp;
use hizo_keeper::stamp::Fault;
use hizo_ledger::id::{ObjectId, SpaceId};
use hizo_ledger::record::UnverifiedRecord;
use hizo_ledger::space::Chain;

use super::State;
use crate::failure::{Failure, Outcome, shown};
use crate::keeper::KeeperLog;
use crate::log;
use crate::safe::Safe;
use crate::stamps;
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
    let log = log::of_keeper(safe)?;
    let mut own = Own { space: log.own_space()?, bad: Vec::new(), faults: Vec::new() };
    match own.read(safe, &log) {
        Ok(()) => {}
        Err(failure) if super::is_silence(safe, &failure) => return Err(failure),
        Err(Failure { message: error, .. }) => own.faults.push(words!(
            "the keeper's own space, which holds its stamps, does not hold: {error}; put the keeper's folder back from a copy, and keep the proofs that are there: they hold their stamps themselves",
            "タイムスタンプを記録した、預け先自身の記録が正しくありません: {error}。預け先のフォルダーを控えから戻してください。作成済みの証明は、タイムスタンプを自分で持っているので、そのまま保管してください";
            error
        )),
    }
    if !own.bad.is_empty() {
        let count = own.bad.len();
        own.faults.push(match safe.keeper.here() {
            Some(_) => words!(
                "{count} objects of the keeper's own space, which holds its stamps, are not right: what they stamped cannot be proved by them until they are back. A copy of each answer also lies below {published}, under another name",
                "タイムスタンプを記録した、預け先自身の部品のうち{count}個が正しくありません。元に戻すまで、その時刻は証明に使えません。応答の写しは {published} の下にも別の名前であります",
                published = shown(&safe.home.keeper_folder().join("log/stamps"))
            ),
            None => words!(
                "{count} objects of the keeper's own space, which holds its stamps, are not right: what they stamped cannot be proved by them until the keeper has them back",
                "タイムスタンプを記録した、預け先自身の部品のうち{count}個が正しくありません。預け先が元に戻すまで、その時刻は証明に使えません"
            ),
        });
    }
    Ok(own)
}

impl Own {
    /// Holds its chain, its objects, and every stamp against the log.
    fn read(&mut self, safe: &Safe, log: &KeeperLog) -> Outcome<()> {
        let logged = match (safe.keeper.here(), log.here()) {
            (Some(keeper), Some(here)) => {
                let checked = keeper.check(self.space).map_err(|error| Failure::untrue(error.to_string()))?;
                let checked = checked.unwrap_or_default();
                self.bad.extend(checked.missing.into_iter().map(|id| (id, State::Missing)));
                self.bad.extend(checked.damaged.into_iter().map(|id| (id, State::Damaged)));
                here.own().stamps(keeper, u64::MAX).map_err(Failure::from)?
            }
            (_, _) => chained(safe, self.space, log.size()?)?,
        };
        for (logged, fault, said) in stamps::check(safe, log, &logged)? {
            let state = match fault {
                Fault::Withheld => State::Missing,
                Fault::Changed | Fault::TooLong => State::Damaged,
                Fault::NoHead | Fault::Token(_) => {
                    self.faults.push(said);
                    continue;
                }
            };
            if self.bad.iter().all(|(id, _)| *id != logged.answer) {
                self.bad.push((logged.answer, state));
            }
        }
        Ok(())
    }
}

/// The stamps of a keeper elsewhere, when its chain holds. A log of so many leaves has no more records.
fn chained(safe: &Safe, space: SpaceId, size: u64) -> Outcome<Vec<LoggedStamp>> {
    let (mut chain, mut stamps) = (None::<Chain>, Vec::new());
    let untrue = |error: &dyn std::error::Error| Failure::untrue(error.to_string());
    safe.keeper.walk(space, 0, size, &mut |page| {
        for note in page {
            let record = UnverifiedRecord::parse(&note).map_err(|error| untrue(&error))?;
            stamps.extend(LoggedStamp::of(&record));
            match &mut chain {
                Some(chain) => drop(chain.append(record).map_err(|error| untrue(&error))?),
                None => chain = Some(Chain::begin(record).map_err(|error| untrue(&error))?.0),
            }
        }
        Ok(())
    })?;
    Ok(stamps)
}
