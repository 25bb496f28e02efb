//! Histories drawn from a seed, on every core, against a model. One that diverges is told with as few of its steps as still show it.
//! For the tests of two crates.
//!
//! `HIZO_HISTORIES` says how many, `HIZO_SEED` from which seed on, and `HIZO_STEPS` which steps of each: 0,4,9.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;

/// Draws everything from one seed (SplitMix64).
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Of one step of a history: what it draws does not change when another step is left out.
    pub(crate) const fn of_step(seed: u64, step: u64) -> Self {
        Self(seed ^ step.wrapping_add(1).wrapping_mul(0xD134_2543_DE82_EF95))
    }

    pub(crate) fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) % end as u64) as usize
    }

    pub(crate) fn one_in(&mut self, many: usize) -> bool {
        self.below(many) == 0
    }

    pub(crate) fn of<T: Copy>(&mut self, list: &[T]) -> T {
        list[self.below(list.len())]
    }
}

/// What happens step by step, and panics where it diverges from its model.
pub(crate) trait History: Sized {
    /// What is counted of it.
    type Stood: Send;
    /// As many steps as it has.
    const STEPS: u64;

    fn begun(seed: u64) -> Self;
    fn step(&mut self, dice: Dice);
    /// What is compared once all has happened.
    fn ended(&mut self);
    /// What happened, for people.
    fn told(&self) -> &[String];
    fn stood(self) -> Self::Stood;
}

/// A history of these steps, or what was told of it until it diverged.
fn play<H: History>(seed: u64, steps: &[u64]) -> Result<H::Stood, String> {
    let mut history = H::begun(seed);
    let agrees = catch_unwind(AssertUnwindSafe(|| {
        steps.iter().for_each(|step| history.step(Dice::of_step(seed, *step)));
        history.ended();
    }));
    if agrees.is_ok() { Ok(history.stood()) } else { Err(history.told().join("\n")) }
}

/// As few of these steps as still diverge: none of them can be left out.
pub(crate) fn fewest(mut steps: Vec<u64>, diverges: impl Fn(&[u64]) -> bool) -> Vec<u64> {
    loop {
        let before = steps.len();
        for at in (0..before).rev() {
            let mut fewer = steps.clone();
            fewer.remove(at);
            if diverges(&fewer) {
                steps = fewer;
            }
        }
        if steps.len() == before {
            return steps;
        }
    }
}

/// Plays as many histories, unless `HIZO_HISTORIES` says otherwise. What is counted of each.
///
/// # Panics
/// When one diverges: which, and what happened in it.
pub(crate) fn play_all<H: History>(histories: u64) -> Vec<H::Stood> {
    let (first, count) = (number("HIZO_SEED").unwrap_or(0), number("HIZO_HISTORIES").unwrap_or(histories));
    let steps = steps().unwrap_or_else(|| (0..H::STEPS).collect());
    let threads = thread::available_parallelism().map_or(1, usize::from) as u64;
    let of_thread = |thread: u64| {
        let seeds = (first..first + count).filter(|seed| seed % threads == thread);
        seeds.map(|seed| play::<H>(seed, &steps).map_err(|_| seed)).collect::<Result<Vec<_>, _>>()
    };
    let played: Vec<_> = thread::scope(|scope| {
        let of_thread = &of_thread;
        let spawned: Vec<_> = (0..threads).map(|thread| scope.spawn(move || of_thread(thread))).collect();
        spawned.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let diverging = played.iter().filter_map(|of_thread| of_thread.as_ref().err()).min();
    if let Some(&seed) = diverging {
        let fewest = fewest(steps, |steps| play::<H>(seed, steps).is_err());
        let told = play::<H>(seed, &fewest).err().unwrap_or_default();
        let fewest: Vec<_> = fewest.iter().map(u64::to_string).collect();
        panic!(
            "history {seed} diverges. HIZO_SEED={seed} HIZO_HISTORIES=1 HIZO_STEPS={} shows it again:\n{told}",
            fewest.join(",")
        );
    }
    played.into_iter().filter_map(Result::ok).flatten().collect()
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name} is no number: {text}")))
}

fn steps() -> Option<Vec<u64>> {
    let step = |text: &str| text.parse().unwrap_or_else(|_| panic!("HIZO_STEPS has no step {text}"));
    std::env::var("HIZO_STEPS").ok().map(|text| text.split(',').map(step).collect())
}
