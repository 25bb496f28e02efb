//! A sample: some objects of this safe, drawn by chance among all that its records name, are asked for whole and compared with their names.
//!
//! Nothing is opened, so that a machine that only deposits can do it. See docs/spec/service.md, section "Samples".

use std::collections::BTreeMap;

use hizo_ledger::id::ObjectId;
use hizo_ledger::object::{ObjectList, ObjectRef};
use hizo_ledger::record::Record;

use super::objects::State;
use super::{Watcher, is_silence};
use crate::entropy::random;
use crate::failure::{Failure, Outcome};
use crate::home::Home;
use crate::safe::{self, Safe};
use crate::words::{Words, words};

/// A machine that runs by itself lets no more time pass from one sample to the next, in seconds: a day.
const PERIOD_SECONDS: u64 = 86_400;

/// What a sample found.
#[derive(Debug, Default)]
pub(crate) struct Sampled {
    /// Objects that records name and deposits list, each once, but for the lists themselves: they are asked for each time.
    pub all: u64,
    /// How many of them were asked for, and their bytes.
    pub asked: u64,
    pub bytes: u64,
    /// Those that the keeper does not have as they were, and the records that name them or their lists.
    pub bad: BTreeMap<ObjectId, (State, Vec<u64>)>,
}

impl Sampled {
    /// That not everything that was asked for is as it was.
    pub(super) fn fault(&self) -> Words {
        let count = self.bad.len();
        words!(
            "the keeper does not have {count} objects as it answered for them",
            "預け先は、受け取ったと答えた部品のうち{count}個を、そのとおりに持っていません"
        )
    }

    /// How probable it is, in thousandths, that this would have met a loss of so many hundredths of all objects.
    pub(crate) fn would_notice(&self, percent: u64) -> u64 {
        let lost = self.all.saturating_mul(percent).div_ceil(100);
        let missed: f64 = (0..self.asked)
            .map(|drawn| {
                let left = (self.all - drawn) as f64;
                ((left - lost as f64) / left).max(0.0)
            })
            .product();
        // Rounded down: it is never said to be more.
        ((1.0 - missed) * 1000.0) as u64
    }
}

/// Each object that can be drawn, and the records that lead to it.
type Named = BTreeMap<ObjectId, (ObjectRef, Vec<u64>)>;

/// Asks for `count` objects, or for all where there are no more, and writes down what came of it.
///
/// # Errors
/// When the keeper cannot be asked, which is written down too; when its lists cannot be had.
pub(crate) fn sample(safe: &Safe, count: usize, watcher: &dyn Watcher) -> Outcome<Sampled> {
    let mut found = Sampled::default();
    let mut named = Named::new();
    for record in &safe.records {
        let wraps = record.wraps().map(|(_, wrap)| wrap);
        let own = record.body_object().into_iter().chain(record.recipient()).chain(wraps);
        own.for_each(|object| take(object, record, &mut named));
        let Some(list) = record.object_list() else { continue };
        match fetch(safe, list)? {
            Ok(bytes) => {
                let list = ObjectList::parse(&bytes).map_err(Failure::internal)?;
                list.objects().iter().for_each(|object| take(*object, record, &mut named));
            }
            // Without its list a deposit is lost, and its objects cannot be drawn.
            Err(state) => drop(found.bad.insert(list.id(), (state, vec![record.number()]))),
        }
    }
    found.all = named.len() as u64;
    let mut drawn: Vec<(u64, &(ObjectRef, Vec<u64>))> =
        named.values().map(|object| (u64::from_le_bytes(random()), object)).collect();
    drawn.sort_unstable_by_key(|(chance, _)| *chance);
    drawn.truncate(count);
    watcher.planned(drawn.iter().map(|(_, (object, _))| object.bytes()).sum());
    for (_, (object, records)) in drawn {
        let asked = fetch(safe, *object);
        found.asked += 1;
        match asked {
            Ok(Ok(_)) => found.bytes += object.bytes(),
            Ok(Err(state)) => drop(found.bad.insert(object.id(), (state, records.clone()))),
            Err(failure) => {
                note(safe, &found, "the keeper did not answer")?;
                return Err(failure);
            }
        }
        watcher.progress(object.bytes());
    }
    let said = if found.bad.is_empty() { "held".to_owned() } else { bad(&found) };
    note(safe, &found, &said)?;
    Ok(found)
}

/// A sample of one object behind something else that was done, for which a keeper elsewhere is asked; what people have to be
/// told, if it does not have it. That it could not be asked stands in the home.
pub(crate) fn sample_in_passing(safe: &Safe) -> Option<Words> {
    safe.home.address()?;
    let found = sample(safe, 1, &()).ok()?;
    (!found.bad.is_empty()).then(|| found.fault())
}

/// The same where the last sample is a day old, whether or not anything else was to be done.
pub(crate) fn sample_in_time(home: &Home, now: u64) -> Option<Words> {
    home.address()?;
    // One of the future was written down by another clock.
    let is_young = |last: u64| last <= now && now - last < PERIOD_SECONDS;
    if home.last_sample().is_some_and(is_young) {
        return None;
    }
    sample_in_passing(&Safe::open(home.clone()).ok()?)
}

fn take(object: ObjectRef, record: &Record, named: &mut Named) {
    let (_, records) = named.entry(object.id()).or_insert_with(|| (object, Vec::new()));
    if records.last() != Some(&record.number()) {
        records.push(record.number());
    }
}

/// An object that is what the record names; what is wrong with it, if not. A keeper that does not answer has shown nothing
/// false.
fn fetch(safe: &Safe, named: ObjectRef) -> Outcome<Result<hizo_ledger::object::VerifiedObject, State>> {
    match safe.keeper.object(safe.home.space, named.id()) {
        Ok(Some(bytes)) => Ok(named.verify(bytes).map_err(|_| State::Damaged)),
        Ok(None) => Ok(Err(State::Missing)),
        Err(error) => {
            let failure = Failure::from(error);
            if is_silence(safe, &failure) { Err(failure) } else { Ok(Err(State::Unreadable)) }
        }
    }
}

fn bad(found: &Sampled) -> String {
    found.bad.iter().map(|(id, (state, _))| format!("{id} {}", state.word())).collect::<Vec<_>>().join(", ")
}

fn note(safe: &Safe, found: &Sampled, said: &str) -> Outcome<()> {
    safe.home.note_sample(&format!("{} {} of {}: {said}", safe::now()?, found.asked, found.all))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sampled(asked: u64, all: u64) -> Sampled {
        Sampled { all, asked, ..Sampled::default() }
    }

    #[test]
    fn a_sample_says_no_more_than_it_can() {
        assert_eq!(sampled(0, 100).would_notice(1), 0);
        assert_eq!(sampled(100, 100).would_notice(1), 1000);
        assert_eq!(sampled(1, 100).would_notice(1), 10);
        assert_eq!(sampled(50, 100).would_notice(1), 500);
        // 1 - 0.99^100 is 0.634.
        assert!((630..640).contains(&sampled(100, 1_000_000).would_notice(1)));
        assert_eq!(sampled(1, 1).would_notice(1), 1000);
    }
}
