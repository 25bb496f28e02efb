//! The sweep of a keeper in the home folder, which runs too seldom to do it by itself.

use std::time::SystemTime;

use hizo_keeper::sweep::{Sweep, SweepClock};
use hizo_keeper::{EmbeddedKeeper, SecondCopy};

use crate::failure::{Failure, Outcome};
use crate::home::Home;
use crate::keeper::{ORPHAN_AGE, unix_seconds};

/// Removes what deposits that were cut short left long ago: how many objects that were.
///
/// # Errors
/// When the keeper's folder cannot be written. What was removed until then stays so.
pub(crate) fn sweep(home: &Home, keeper: &EmbeddedKeeper) -> Outcome<u64> {
    let folder = home.keeper_folder();
    let clock = SweepClock::load(&folder).map_err(Failure::from)?.looked_at(unix_seconds());
    clock.save(&folder).map_err(Failure::from)?;
    let copy: Option<&SecondCopy> = None;
    let sweep = Sweep {
        keeper,
        copy,
        began: SystemTime::now(),
        clock: clock.seconds(),
        after: ORPHAN_AGE,
        is_counted_already: &|_, _| false,
    };
    let swept = sweep.run(&mut |_| true).map_err(Failure::from)?;
    swept.failure.map_or(Ok(swept.objects), |error| Err(error.into()))
}
