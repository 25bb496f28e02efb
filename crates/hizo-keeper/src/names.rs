//! Which objects the records of a space name, and which ones lie in its folders.

use std::collections::BTreeSet;

use hizo_ledger::id::{ObjectId, SpaceId};
use hizo_ledger::object::ObjectList;
use hizo_ledger::record::Envelope;
use hizo_store::objects;
use hizo_store::{Journal, Objects};

use crate::copy::{envelope, whole};
use crate::spaces::direct;
use crate::{Error, Keeper};

/// Records that are read together: no append waits for longer.
const RECORDS: usize = 256;

/// Names of one folder that are looked at together.
const PAGE: usize = 1_000;

/// Every id that records of the space name, with the record's place in the log; whether these are all. An object list that lies
/// whole in neither directory may name more.
///
/// # Errors
/// The journal's, or what `take` ends with.
pub(crate) fn each_name<O: Objects, J: Journal, S: Objects, E: From<Error>>(
    keeper: &Keeper<O, J>,
    second: Option<&S>,
    space: SpaceId,
    from: u64,
    take: &mut dyn FnMut(u64, ObjectId) -> Result<(), E>,
) -> Result<bool, E> {
    let (mut next, mut all) = (from, true);
    loop {
        let page = keeper.records(space, next, RECORDS)?;
        if page.is_empty() {
            return Ok(all);
        }
        for record in page {
            next = record.number.saturating_add(1);
            let (ids, are_all) = names_of(keeper.objects(), second, &envelope(&record)?);
            ids.into_iter().try_for_each(|id| take(record.position, id))?;
            all &= are_all;
        }
    }
}

/// What a record names, also in its object list; whether that is all. A list that lies whole in neither directory may name more.
pub(crate) fn names_of<O: Objects, S: Objects>(
    first: &O,
    second: Option<&S>,
    envelope: &Envelope,
) -> (Vec<ObjectId>, bool) {
    let mut ids = direct(envelope);
    let Some(list) = envelope.deposit.map(|deposit| deposit.objects.list) else { return (ids, true) };
    let found = whole(first, envelope.space, list).or_else(|| whole(second?, envelope.space, list));
    let listed = found.and_then(|list| ObjectList::parse_unverified(list.as_bytes()).ok());
    let are_all = listed.is_some();
    ids.extend(listed.into_iter().flatten().map(|(id, _)| id));
    (ids, are_all)
}

/// A page of what lies in the folders of a space behind this object, in either directory; whether it is the last one.
pub(crate) fn lying<O: Objects, S: Objects>(
    first: &O,
    second: Option<&S>,
    space: SpaceId,
    after: Option<ObjectId>,
) -> Result<(BTreeSet<ObjectId>, bool), objects::Error> {
    let first = first.list(space, after, PAGE)?;
    let second = second.map_or(Ok(Vec::new()), |second| second.list(space, after, PAGE))?;
    // Behind the end of a full page there may be more that stands before what the other page still has.
    let full = [&first, &second].into_iter().filter(|page| page.len() >= PAGE);
    let end = full.filter_map(|page| page.last().copied()).min();
    let ids = first.into_iter().chain(second).filter(|id| end.is_none_or(|end| *id <= end));
    Ok((ids.collect(), end.is_none()))
}
