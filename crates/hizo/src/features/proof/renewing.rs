//! Which stamps go into a bundle: the earliest that covers its record, and later ones that renew it in time.

use std::rc::Rc;

use hizo_keeper::stamp::{Asked, KeptStamp, Patience, file_name};
use hizo_ledger::proof::RENEWALS_MAX;
use hizo_ledger::timestamp::{Moment, certificates_to_pem};

use super::Files;
use crate::failure::{Failure, Outcome};
use crate::keeper::log_failed;
use crate::stamps::{Stamps, in_passing};

/// A stamped head, and the stamps over it.
pub(super) struct Stamped {
    size: u64,
    pub(super) head: Vec<u8>,
    pub(super) stamps: Vec<Rc<KeptStamp>>,
}

/// What the next renewal has to cover.
pub(super) struct Level {
    /// Names of the stamps over a head, and the answers.
    pub(super) stamps: Vec<(String, Vec<u8>)>,
    /// Until when the best independent one of them can be relied on; `None` when there is none.
    pub(super) until: Option<Moment>,
}

impl Stamped {
    /// The files of this head and its stamps in a folder of the bundle.
    pub(super) fn files(&self, stamps: &Stamps<'_>, place: &str) -> Outcome<Files> {
        let mut files = Files::from([(format!("{place}checkpoint"), self.head.clone())]);
        for kept in &self.stamps {
            let place = format!("{place}stamps/{}", file_name(kept.token.authority()));
            files.extend(stamps.revocation(kept)?.map(|lists| (format!("{place}.crl"), lists)));
            files.insert(format!("{place}.tsr"), kept.response.clone());
            files.insert(format!("{place}.pem"), certificates_to_pem(kept.token.chain()).into_bytes());
        }
        Ok(files)
    }

    pub(super) fn level(&self) -> Level {
        let named = |kept: &Rc<KeptStamp>| (file_name(kept.token.authority()), kept.response.clone());
        let independent = self.stamps.iter().filter(|kept| kept.token.is_independent());
        Level {
            stamps: self.stamps.iter().map(named).collect(),
            until: independent.map(|kept| kept.token.ends()).max(),
        }
    }
}

/// The head with the earliest independent stamp that covers the leaf at `position`; failing that, with the keeper's own.
/// Authorities whose stamp is wanted are asked before.
pub(super) fn first(stamps: &mut Stamps<'_>, position: u64) -> Outcome<(Stamped, Asked)> {
    let size = position.saturating_add(1);
    let asked = match stamps.earliest(size)?.is_some_and(|kept| kept.token.is_independent()) {
        true => stamps.ask_wanting(&in_passing(), None)?,
        false => stamps.ask_wanting(&Patience::default(), None)?,
    };
    if stamps.earliest(size)?.is_none() {
        stamps.stamp_by_itself()?;
    }
    let earliest = stamps.earliest(size)?;
    let earliest = earliest.ok_or_else(|| Failure::internal_message("the keeper's own stamp does not hold"))?;
    let over = stamps.over_the_same(&earliest)?;
    Ok((Stamped { size: earliest.logged.size, head: earliest.head.clone(), stamps: over }, asked))
}

/// The files of the renewals that follow this level, the first of which has this number: each as late as the one before
/// allows, as long as there is anything to gain.
pub(super) fn later(stamps: &Stamps<'_>, level: &Level, number: usize) -> Outcome<Files> {
    let mut independent = stamps.all()?;
    independent.retain(|kept| kept.token.is_independent());
    let (mut files, mut next) = (Files::new(), None);
    for number in number..=RENEWALS_MAX {
        let level = next.as_ref().unwrap_or(level);
        let Some(renewal) = best(stamps, level, &independent)? else { break };
        let place = format!("renewals/{number}/");
        for (name, response) in &level.stamps {
            let Some(logged) = stamps.logged(response) else { continue };
            let position = stamps.place(&logged)?;
            if position >= renewal.size {
                continue;
            }
            let [note, receipt] = stamps.record(logged.number)?;
            let proof = stamps.seen.keeper_log().published().prove_under(position, renewal.head.clone());
            let proof = proof.map_err(log_failed)?;
            let place = format!("{place}earlier/{name}");
            files.insert(format!("{place}.note"), note);
            files.insert(format!("{place}.receipt"), receipt);
            files.insert(format!("{place}.tlog-proof"), proof.to_bytes());
            let head = stamps.head_of(&logged, response)?;
            let lists = head.and_then(|head| stamps.revocation_now(response, &head));
            files.extend(lists.map(|lists| (format!("{place}.crl"), lists)));
        }
        files.extend(renewal.files(stamps, &place)?);
        next = Some(Level { until: until(level, &renewal.stamps), ..renewal.level() });
    }
    Ok(files)
}

/// Until when the best of those that were given while the level could be relied on can be relied on itself.
fn until(level: &Level, kept: &[Rc<KeptStamp>]) -> Option<Moment> {
    let in_time = kept.iter().filter(|kept| level.until.is_none_or(|until| kept.token.latest() <= until));
    in_time.map(|kept| kept.token.ends()).max()
}

/// The later head that renews this level for longest, if any does for longer; where nothing can be relied on yet, the
/// earliest.
fn best(stamps: &Stamps<'_>, level: &Level, independent: &[Rc<KeptStamp>]) -> Outcome<Option<Stamped>> {
    let logged = level.stamps.iter().filter_map(|(_, response)| stamps.logged(response));
    let positions = logged.map(|logged| stamps.place(&logged)).collect::<Outcome<Vec<_>>>()?;
    let Some(lowest) = positions.into_iter().min() else { return Ok(None) };
    let covering = independent.iter().filter(|kept| kept.logged.size > lowest);
    let best = match level.until {
        None => covering.min_by_key(|kept| kept.token.latest()),
        Some(until) => {
            let in_time = covering.filter(|kept| kept.token.latest() <= until && kept.token.ends() > until);
            in_time.max_by_key(|kept| kept.token.ends())
        }
    };
    let Some(best) = best else { return Ok(None) };
    let mut over = stamps.over_the_same(best)?;
    over.retain(|kept| kept.token.is_independent());
    Ok(Some(Stamped { size: best.logged.size, head: best.head.clone(), stamps: over }))
}
