//! A keeper at an address that this machine does not know yet: what it says of itself is held against what a person was given.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use hizo_keeper::client::{RemoteKeeper, patience};
use hizo_ledger::log::note::{CheckpointKey, NamedKey};
use hizo_vault::joining::Invite;
use hizo_vault::keys::SigningSeed;

use crate::failure::{Failure, Kind, Outcome, shown_bytes};
use crate::home::Pinned;
use crate::keeper::{self, Keeper};
use crate::log::lying;
use crate::queue::AtHand;
use crate::words::words;
use crate::{bundle, membership};

/// Length of a file with root certificates, at most, in bytes.
const ROOTS_BYTES_MAX: usize = 1 << 20;

/// What a person was given of it.
#[derive(Debug, clap::Args)]
pub(crate) struct Terms {
    /// The key of the keeper's log, as whoever runs it publishes it
    #[arg(long, value_name = "KEY")]
    keeper_key: Option<String>,
    /// Root certificates, as PEM, one of which the keeper's must be by; without them, those that browsers trust
    #[arg(long, value_name = "PEM")]
    keeper_roots: Option<PathBuf>,
    /// A file with the code that lets a safe begin at this keeper
    #[arg(long, value_name = "FILE")]
    admission_file: Option<PathBuf>,
}

impl Terms {
    /// The keeper at this address.
    pub(crate) fn there(&self, address: &str) -> Outcome<There> {
        let log_key = self.keeper_key.as_deref().map(NamedKey::parse).transpose().map_err(|error| {
            Failure::new(
                Kind::Usage,
                words!("--keeper-key is no key of a log", "--keeper-key が台帳の鍵ではありません"),
            )
            .source(error)
        })?;
        let roots = self.keeper_roots.as_ref().map(|path| bundle::read(path, ROOTS_BYTES_MAX)).transpose()?;
        let (address, admission) = (address.to_owned(), self.admission()?);
        Ok(There { address, log_key, receipt_key: None, roots, policy: None, admission })
    }

    /// What lets a space begin there; nothing where that was not given.
    pub(crate) fn admission(&self) -> Outcome<Option<String>> {
        self.admission_file.as_deref().map(membership::read_admission).transpose()
    }

    /// # Errors
    /// When something is said of a keeper at an address, and there `is` none.
    pub(crate) fn need(&self, is: bool) -> Outcome<()> {
        let says = self.keeper_key.is_some() || self.keeper_roots.is_some() || self.admission_file.is_some();
        if is || !says {
            return Ok(());
        }
        Err(Failure::new(
            Kind::Usage,
            words!(
                "--keeper-key, --keeper-roots and --admission-file are about a keeper at an address",
                "--keeper-key、--keeper-roots、--admission-file は、アドレスのある預け先についてのものです"
            ),
        )
        .hint(words!("Name its address too.", "預け先のアドレスも指定してください。")))
    }
}

/// Makes sure that the keeper at the address in an invite, as this machine reaches it, is the one that the invite names.
///
/// # Errors
/// Exit code 5 when it is another one.
pub(crate) fn is_who_it_says(invite: &Invite) -> Outcome<()> {
    let roots = invite.roots.as_deref().map(str::as_bytes);
    let facts = RemoteKeeper::introduce(&invite.address, patience(), roots).map_err(Failure::from)?;
    if (&facts.origin, &facts.log_key, &facts.receipt_key) == (&invite.keeper, &invite.log_key, &invite.receipt_key) {
        return Ok(());
    }
    let address = shown_bytes(invite.address.as_bytes());
    Err(lying(words!(
        "at {address} this machine finds another keeper than the one that is named",
        "{address} で、このコンピューターには、示されたものとは別の預け先が見えます"
    )))
}

/// A keeper at an address.
pub(crate) struct There {
    pub address: String,
    /// The key of its log, as its operator publishes it; without one, what the keeper says is pinned.
    pub log_key: Option<NamedKey>,
    /// The key of its receipts, where that was given too.
    pub receipt_key: Option<NamedKey>,
    /// The roots of its certificate, as PEM; without them, those that browsers trust.
    pub roots: Option<Vec<u8>>,
    /// By whom heads of its log have to be witnessed, where that was given too.
    pub policy: Option<String>,
    /// What lets a space begin there.
    pub admission: Option<String>,
}

impl There {
    /// The one at this address, of which nothing else is known: what it says of itself is pinned.
    pub(crate) fn at(address: &str, admission: Option<String>) -> Self {
        let address = address.to_owned();
        Self { address, log_key: None, receipt_key: None, roots: None, policy: None, admission }
    }

    /// The one that an invite names, or the file beside an emergency card.
    pub(crate) fn named_by(invite: Invite, admission: Option<String>) -> Self {
        let Invite { address, log_key, receipt_key, roots, policy, .. } = invite;
        let (log_key, receipt_key, roots) = (Some(log_key), Some(receipt_key), roots.map(String::into_bytes));
        Self { address, log_key, receipt_key, roots, policy, admission }
    }

    /// The keeper, asked in sessions of whoever brings a space: nobody else begins one.
    pub(crate) fn introduced(&self, folder: &Path, bringer: SigningSeed) -> Outcome<(Keeper, Pinned)> {
        let facts = RemoteKeeper::introduce(&self.address, patience(), self.roots.as_deref()).map_err(Failure::from)?;
        let named = [(&self.log_key, &facts.log_key), (&self.receipt_key, &facts.receipt_key)];
        if named.into_iter().any(|(known, shown)| known.as_ref().is_some_and(|known| known != shown)) {
            return Err(lying(words!(
                "it shows another key than the one you named",
                "指定された鍵とは別の鍵を見せています"
            ))
            .hint(words!(
                "Nothing was begun there. Ask whoever runs the keeper, by another way than its address came, which keys it has.",
                "何も始めていません。預け先の運営者に、アドレスを知ったのとは別の方法で、鍵を確かめてください。"
            )));
        }
        let CheckpointKey::Log(log_key) = *facts.log_key.key() else {
            return Err(Failure::from(hizo_keeper::Error::Answer));
        };
        // Somebody else's key of receipts would make each of them a false alarm, and every promise worth nothing.
        if [&facts.log_key, &facts.receipt_key].iter().any(|key| key.name() != facts.origin.as_str()) {
            return Err(Failure::from(hizo_keeper::Error::Answer));
        }
        let address = Some(self.address.trim_end_matches('/').to_owned());
        let keeper = keeper::remote(&self.address, &facts.origin, self.roots.as_deref(), move |space| {
            bringer.session_key(space)
        });
        let keeper = keeper.map_err(Failure::from)?;
        let keeper = match &self.admission {
            Some(code) => keeper.admitted_by(code.clone()),
            None => keeper,
        };
        let pinned = Pinned { origin: facts.origin, log_key, receipt_key: facts.receipt_key, address };
        Ok((Keeper::There(Arc::new(keeper), AtHand::of(folder)), pinned))
    }
}
