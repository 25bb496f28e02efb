//! Which stamps go into a bundle: the earliest that covers its record, and later ones that renew it in time.

use hizo_ledger::proof::RENEWALS_MAX;
use hizo_ledger::timestamp::{Moment, certificates_to_pem};

use super::Files;
use crate::failure::{Failure, Outcome};
use crate::keeper::log_failed;
use crate::stamps::{Asked, Kept, Stamps, in_passing};

/// A stamped head, and the stamps over it.
pub(super) struct Stamped {
    size: u64,
    pub(super) head: Vec<u8>,
    pub(super) stamps: Vec<Kept>,
}

/// What the next renewal has to cover.
pub(super) struct Level {
    /// Names of the stamps over a head, and the answers.
    pub(super) stamps: Vec<(String, Vec<u8>)>,
    /// Until when the best independent one of them can be relied on; `None` when there is none.
    pub(super) until: Option<Moment>,
}

impl Stamped {
    /// The head that this stamp is over, with all stamps over it.
    fn new(chosen: &Kept, kept: &[Kept]) -> Self {
        let mut over: Vec<Kept> = Vec::new();
        for kept in kept.iter().filter(|kept| kept.head == chosen.head) {
            if over.iter().all(|other| other.name != kept.name) {
                over.push(kept.clone());
            }
        }
        Self { size: chosen.logged.size, head: chosen.head.clone(), stamps: over }
    }

    /// The files of this head and its stamps in a folder of the bundle.
    pub(super) fn files(&self, place: &str) -> Files {
        let mut files = Files::from([(format!("{place}checkpoint"), self.head.clone())]);
        for Kept { name, response, token, revocation, .. } in &self.stamps {
            files.extend(revocation.clone().map(|lists| (format!("{place}stamps/{name}.crl"), lists)));
            files.insert(format!("{place}stamps/{name}.tsr"), response.clone());
            files.insert(format!("{place}stamps/{name}.pem"), certificates_to_pem(token.chain()).into_bytes());
        }
        files
    }

    pub(super) fn level(&self) -> Level {
        let stamps = self.stamps.iter().map(|kept| (kept.name.clone(), kept.response.clone())).collect();
        Level { stamps, until: independent(&self.stamps).map(|kept| kept.token.ends()).max() }
    }
}

fn independent(kept: &[Kept]) -> impl Iterator<Item = &Kept> {
    kept.iter().filter(|kept| kept.token.is_independent())
}

/// The head with the earliest independent stamp that covers the leaf at `position`; failing that, with the keeper's own.
/// Authorities whose stamp is wanted are asked before.
pub(super) fn first(stamps: &mut Stamps<'_>, position: u64) -> Outcome<(Stamped, Asked)> {
    let size = position.saturating_add(1);
    let is_covered = independent(&stamps.covering(size)?).next().is_some();
    let asked = match is_covered {
        true => stamps.ask_wanting(&in_passing(), None)?,
        false => stamps.ask_wanting(&hizo_keeper::stamp::Patience::default(), None)?,
    };
    if stamps.covering(size)?.is_empty() {
        stamps.stamp_by_itself()?;
    }
    let kept = stamps.covering(size)?;
    let earliest = independent(&kept).min_by_key(|kept| kept.token.latest()).or(kept.first());
    let earliest = earliest.ok_or_else(|| Failure::internal_message("the keeper's own stamp does not hold"))?;
    Ok((Stamped::new(earliest, &kept), asked))
}

/// The files of the renewals that follow this level, the first of which has this number: each as late as the one before
/// allows, as long as there is anything to gain.
pub(super) fn later(stamps: &Stamps<'_>, level: &Level, number: usize) -> Outcome<Files> {
    let kept = stamps.covering(1)?;
    let independent: Vec<Kept> = independent(&kept).cloned().collect();
    let (mut files, mut next) = (Files::new(), None);
    for number in number..=RENEWALS_MAX {
        let level = next.as_ref().unwrap_or(level);
        let Some(renewal) = best(stamps, level, &independent)? else { break };
        let place = format!("renewals/{number}/");
        for (name, response) in &level.stamps {
            let Some(logged) = stamps.logged(response).filter(|logged| logged.position < renewal.size) else {
                continue;
            };
            let log = stamps.seen.keeper_log();
            let [note, receipt] = stamps.record(logged.number)?;
            let proof = log.published().prove_under(logged.position, renewal.head.clone());
            let proof = proof.map_err(log_failed)?;
            let place = format!("{place}earlier/{name}");
            files.insert(format!("{place}.note"), note);
            files.insert(format!("{place}.receipt"), receipt);
            files.insert(format!("{place}.tlog-proof"), proof.to_bytes());
            let head = stamps.head_of(&logged, response)?;
            let lists = head.and_then(|head| stamps.revocation_now(response, &head));
            files.extend(lists.map(|lists| (format!("{place}.crl"), lists)));
        }
        files.extend(renewal.files(&place));
        next = Some(Level { until: until(level, &renewal.stamps), ..renewal.level() });
    }
    Ok(files)
}

/// Until when the best of those that were given while the level could be relied on can be relied on itself.
fn until(level: &Level, kept: &[Kept]) -> Option<Moment> {
    let in_time = kept.iter().filter(|kept| level.until.is_none_or(|until| kept.token.latest() <= until));
    in_time.map(|kept| kept.token.ends()).max()
}

/// The later head that renews this level for longest, if any does for longer; where nothing can be relied on yet, the
/// earliest.
fn best(stamps: &Stamps<'_>, level: &Level, independent: &[Kept]) -> Outcome<Option<Stamped>> {
    let positions = level.stamps.iter().filter_map(|(_, response)| stamps.logged(response));
    let Some(lowest) = positions.map(|logged| logged.position).min() else { return Ok(None) };
    let covering = independent.iter().filter(|kept| kept.logged.size > lowest);
    let best = match level.until {
        None => covering.min_by_key(|kept| kept.token.latest()),
        Some(until) => {
            let in_time = covering.filter(|kept| kept.token.latest() <= until && kept.token.ends() > until);
            in_time.max_by_key(|kept| kept.token.ends())
        }
    };
    Ok(best.map(|kept| Stamped::new(kept, independent)))
}
