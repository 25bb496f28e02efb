//! What was in a large safe when its person looked last: shown while it is opened again (docs/spec/local-state.md, "last-seen.age").

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD as BASE64;
use hizo_ledger::id::{RecordId, SeriesId};
use hizo_vault::age;
use hizo_vault::keys::IdentityFile;
use serde::{Deserialize, Serialize};

use super::Looked;
use crate::entropy::SystemEntropy;
use crate::home::Home;
use crate::keeper::unix_seconds;
use crate::view::{Deposit, Series};

const HEAD: &str = "hizo/last-seen/v1\n";

/// Series that are written down: those in which something happened last.
const SERIES_MAX: usize = 50;

/// A safe as somebody saw it.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LastSeen {
    /// The head that it had, in hexadecimal digits, and its number.
    head: String,
    pub record: u64,
    /// When somebody looked, in seconds since 1970.
    pub time: u64,
    pub name: Option<String>,
    pub series: usize,
    pub deposits: usize,
    pub newest: Vec<Newest>,
}

/// A series, and its newest deposit.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Newest {
    pub name: String,
    pub number: u64,
    pub time: u64,
    pub files: u64,
    pub bytes: u64,
}

impl LastSeen {
    pub(crate) fn of(looked: &Looked) -> Self {
        let head = looked.safe.chain.head();
        let newest = |(id, series): &(&SeriesId, &Series)| {
            let Deposit { number, time, files, bytes, .. } = series.deposits.last()?;
            let name = series.shown_name(**id);
            Some(Newest { name, number: *number, time: *time, files: *files, bytes: *bytes })
        };
        let series = looked.view.newest_first();
        Self {
            head: head.id.to_string(),
            record: head.number,
            time: unix_seconds(),
            name: looked.view.name.clone(),
            series: series.len(),
            deposits: looked.view.series.values().map(|series| series.deposits.len()).sum(),
            newest: series.iter().filter_map(newest).take(SERIES_MAX).collect(),
        }
    }

    /// Writes it down for this person alone. Without it he waits for what he has seen before, and no more.
    pub(crate) fn remember(&self, home: &Home, identity: &IdentityFile) {
        let Ok(json) = serde_json::to_string(self) else { return };
        let text = format!("{HEAD}{json}\n");
        let signature = identity.signing_seed.last_seen_key(&home.space).sign(text.as_bytes());
        let text = format!("{text}{}\n", BASE64.encode(signature));
        let sealed =
            age::seal(text.as_bytes(), std::slice::from_ref(identity.identity.recipient()), &mut SystemEntropy);
        let _ = sealed.map(|sealed| home.write_last_seen(&sealed));
    }

    /// What was written down; nothing that another one wrote, and nothing that goes further than what this machine has seen.
    pub(crate) fn recall(home: &Home, identity: &IdentityFile) -> Option<Self> {
        let text = age::open_own(home.last_seen()?, &identity.identity).ok()?;
        let text = String::from_utf8(text).ok()?;
        let (said, signature) = text.strip_suffix('\n')?.rsplit_once('\n')?;
        let (said, signature) = (format!("{said}\n"), BASE64.decode(signature).ok()?);
        let key = identity.signing_seed.last_seen_key(&home.space).verifying_key();
        key.verify(said.as_bytes(), signature.as_slice().try_into().ok()?).ok()?;
        let seen: Self = serde_json::from_str(said.strip_prefix(HEAD)?).ok()?;
        let (number, id) = home.pinned_head().ok()??;
        let is_older = seen.record < number;
        let is_it = seen.record == number && RecordId::from_hex(&seen.head).ok() == Some(id);
        (is_older || is_it).then_some(seen)
    }

    /// Records that were added since, as far as this machine has seen them.
    pub(crate) fn added_since(&self, home: &Home) -> u64 {
        let pinned = home.pinned_head().ok().flatten();
        pinned.map_or(0, |(number, _)| number.saturating_sub(self.record))
    }
}
