//! A delta applied to its base as the entries of both come, in order: nothing but what is gone is held.

use std::cmp::Ordering;
use std::collections::HashSet;
use std::iter::Peekable;

use super::{Entry, Error, Head};
use crate::commit::EntryId;

/// What a delta says of its base, but for the entries that it lists.
pub struct Step {
    /// Entries of the base that are no longer there, as far as they were not met.
    gone: HashSet<EntryId>,
    /// The delta's number, if it read every file again.
    reread: Option<u64>,
    /// Entries of the result that are still to come.
    left: u64,
}

impl Step {
    /// The step from the manifest with the head `base` to the one with the head `delta`, which drops `gone`.
    ///
    /// # Errors
    /// [`Error::Base`] when the delta names another base.
    pub fn new(delta: &Head, base: &Head, gone: Vec<EntryId>) -> Result<Self, Error> {
        if delta.base != Some(base.deposit) || delta.chain != base.chain.saturating_add(1) {
            return Err(Error::Base);
        }
        let reread = delta.reread.then_some(delta.deposit);
        Ok(Self { gone: gone.into_iter().collect(), reread, left: delta.entries })
    }

    /// The later list that `changes`, the entries of the delta, make of all entries `before`; each ascends by path.
    ///
    /// What fails comes as an error, and nothing behind it means anything: [`Error::Base`] at the end when something is gone
    /// that was not there, [`Error::Incomplete`] when there are more or fewer entries than promised.
    pub fn over<E: From<Error>>(
        self,
        before: impl Iterator<Item = Result<Entry, E>>,
        changes: impl Iterator<Item = Result<Entry, E>>,
    ) -> impl Iterator<Item = Result<Entry, E>> {
        let mut merging = Merging { step: self, before: before.peekable(), changes: changes.peekable() };
        let mut is_over = false;
        std::iter::from_fn(move || {
            if is_over {
                return None;
            }
            let next = merging.next();
            is_over = !matches!(next, Some(Ok(_)));
            next
        })
    }

    fn end(&self) -> Result<(), Error> {
        match (self.gone.is_empty(), self.left) {
            (false, _) => Err(Error::Base),
            (true, 0) => Ok(()),
            (true, _) => Err(Error::Incomplete),
        }
    }
}

struct Merging<B: Iterator, C: Iterator> {
    step: Step,
    before: Peekable<B>,
    changes: Peekable<C>,
}

impl<B, C, E> Merging<B, C>
where
    B: Iterator<Item = Result<Entry, E>>,
    C: Iterator<Item = Result<Entry, E>>,
    E: From<Error>,
{
    fn next(&mut self) -> Option<Result<Entry, E>> {
        let next = self.any();
        match (&next, self.step.left.checked_sub(1)) {
            (None, _) => self.step.end().err().map(|error| Err(error.into())),
            (Some(Ok(_)), None) => Some(Err(Error::Incomplete.into())),
            (Some(Ok(_)), Some(left)) => {
                self.step.left = left;
                next
            }
            (Some(Err(_)), _) => next,
        }
    }

    fn any(&mut self) -> Option<Result<Entry, E>> {
        loop {
            let order = match (self.before.peek(), self.changes.peek()) {
                (Some(Ok(old)), Some(Ok(new))) => old.path.cmp(&new.path),
                (Some(_), None) | (Some(Err(_)), _) => Ordering::Less,
                (None, _) | (_, Some(Err(_))) => Ordering::Greater,
            };
            match order {
                Ordering::Less => match self.before.next()? {
                    Ok(old) if self.step.gone.remove(&old.id) => (),
                    Ok(old) => return Some(Ok(self.step.found_again(old))),
                    Err(error) => return Some(Err(error)),
                },
                Ordering::Equal => {
                    self.before.next();
                    return self.changes.next();
                }
                Ordering::Greater => return self.changes.next(),
            }
        }
    }
}

impl Step {
    fn found_again(&self, old: Entry) -> Entry {
        match self.reread {
            Some(deposit) => old.read_by(deposit),
            None => old,
        }
    }
}
