//! Work on several threads whose results come in order, however slow a single thing is.
//!
//! ```text
//!             ┌─► lane 0: things 0, 2, 4 … ─┐
//!   things ───┤                             ├───► results, in order
//!             └─► lane 1: things 1, 3, 5 … ─┘
//! ```
//!
//! Things go to the lanes in turn, and results are taken from them in the same turn. So nothing is ever put aside until
//! its turn comes: behind one thing that hangs, each lane fills its short queues and stops.

use std::thread::{self, Scope};

use crossbeam_channel::{Receiver, Sender, bounded};

/// Where things to be done go in.
pub(crate) struct Things<T> {
    lanes: Vec<Sender<T>>,
    turn: usize,
}

/// Where what has been done comes out.
pub(crate) struct Results<R> {
    lanes: Vec<Receiver<R>>,
    turn: usize,
}

/// Starts `count` lanes, in each of which `queue` things may wait before the work and as many results behind it.
pub(crate) fn lanes<'scope, T, R>(
    scope: &'scope Scope<'scope, '_>,
    count: usize,
    queue: usize,
    work: impl Fn(T) -> R + Clone + Send + 'scope,
) -> (Things<T>, Results<R>)
where
    T: Send + 'scope,
    R: Send + 'scope,
{
    let (mut things, mut results) = (Vec::with_capacity(count), Vec::with_capacity(count));
    for _ in 0..count {
        let (thing_out, thing_in) = bounded(queue);
        let (result_out, result_in) = bounded(queue);
        let work = work.clone();
        scope.spawn(move || {
            for thing in thing_in {
                if result_out.send(work(thing)).is_err() {
                    return;
                }
            }
        });
        things.push(thing_out);
        results.push(result_in);
    }
    (Things { lanes: things, turn: 0 }, Results { lanes: results, turn: 0 })
}

impl<T> Things<T> {
    /// Waits for room in the lane whose turn it is; false when nobody wants results any more.
    pub(crate) fn give(&mut self, thing: T) -> bool {
        let lane = self.turn;
        self.turn = (lane + 1) % self.lanes.len();
        self.lanes[lane].send(thing).is_ok()
    }
}

impl<R> Iterator for Results<R> {
    type Item = R;

    /// Nothing when the last thing was taken in and its result is out.
    fn next(&mut self) -> Option<R> {
        let lane = self.turn;
        self.turn = (lane + 1) % self.lanes.len();
        self.lanes[lane].recv().ok()
    }
}

/// Things that a lane takes at a time, where each is small.
const SMALL: usize = 32;

/// So many of them are done with before threads for them have begun.
const FEW: usize = 4 * SMALL;

/// Does `work` with every thing of a list, on every core where they are many, and hands on each with its result, in order, until
/// one fails.
///
/// # Errors
/// The first one of `take`.
pub(crate) fn in_order<'t, T: Sync, R: Send, E>(
    things: &'t [T],
    work: impl Fn(&'t T) -> R + Clone + Send,
    mut take: impl FnMut(&'t T, R) -> Result<(), E>,
) -> Result<(), E> {
    if things.len() < FEW {
        return things.iter().try_for_each(|thing| take(thing, work(thing)));
    }
    let cores = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        let some = move |some: &'t [T]| some.iter().map(work.clone()).collect::<Vec<_>>();
        let (mut given, mut results) = lanes(scope, cores, 2, some);
        scope.spawn(move || things.chunks(SMALL).all(|some| given.give(some)));
        // Whoever waits to give, or to be taken from, is let go with `results`.
        things
            .chunks(SMALL)
            .zip(&mut results)
            .try_for_each(|(some, done)| some.iter().zip(done).try_for_each(|(thing, done)| take(thing, done)))
    })
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    const LANES: usize = 3;

    /// Runs many things through lanes without queues; `work` and `taken` are told the number of each.
    fn run(work: impl Fn(usize) + Sync, mut taken: impl FnMut(usize)) {
        std::thread::scope(|scope| {
            let work = &work;
            let (mut things, results) = lanes(scope, LANES, 0, move |number| {
                work(number);
                number
            });
            scope.spawn(move || (0..500).all(|number| things.give(number)));
            results.for_each(&mut taken);
        });
    }

    #[test]
    fn results_come_in_the_order_of_the_things() {
        let mut seen = Vec::new();
        // The later of each round finish first.
        let work = |number: usize| (0..LANES - number % LANES).for_each(|_| std::thread::yield_now());
        run(work, |number| seen.push(number));
        assert_eq!(seen, (0..500).collect::<Vec<_>>());
    }

    #[test]
    fn behind_a_thing_that_hangs_no_more_is_begun_than_there_are_lanes() {
        let (begun, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let work = |number| {
            begun.fetch_add(1, Ordering::SeqCst);
            if number == 0 {
                // It hangs until every lane is at work, and long enough for them to run ahead if they could.
                while begun.load(Ordering::SeqCst) < LANES {
                    std::thread::yield_now();
                }
                (0..10_000).for_each(|_| std::thread::yield_now());
                most.store(begun.load(Ordering::SeqCst), Ordering::SeqCst);
            }
        };
        run(work, |_| ());
        assert_eq!(most.into_inner(), LANES);
    }

    #[test]
    fn many_small_things_are_done_in_order_and_no_further_than_the_first_that_fails() {
        for count in [0, 1, FEW - 1, FEW, 10 * FEW + 7] {
            let (things, mut seen): (Vec<usize>, _) = ((0..count).collect(), Vec::new());
            let taken = in_order(
                &things,
                |number| number * 2,
                |number, double| {
                    seen.push(*number);
                    if double == 2 * number { Ok(()) } else { Err(*number) }
                },
            );
            assert_eq!((taken, &seen), (Ok(()), &things));
            let stopped =
                in_order(&things, |number| *number, |_, done| if done < count / 2 { Ok(()) } else { Err(done) });
            assert_eq!(stopped.err(), (count > 0).then_some(count / 2));
        }
    }

    #[test]
    fn nothing_waits_for_ever_when_nobody_takes_results() {
        std::thread::scope(|scope| {
            let (mut things, mut results) = lanes(scope, LANES, 1, |number: usize| number);
            let feeding = scope.spawn(move || (0..).take_while(|number| things.give(*number)).count());
            assert_eq!(results.next(), Some(0));
            drop(results);
            assert!(feeding.join().unwrap() < 50);
        });
    }
}
