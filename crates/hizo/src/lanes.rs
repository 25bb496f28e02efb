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

use std::thread::Scope;

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
