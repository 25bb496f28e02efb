//! Setting up a safe: an identity, a keeper in this machine's own folder, and a space that begins.

pub(crate) mod command;

use std::path::Path;
use std::sync::Arc;

use hizo_keeper::client::{RemoteKeeper, patience};
use hizo_keeper::{EmbeddedKeeper, Seeds};
use hizo_ledger::id::SpaceId;
use hizo_ledger::log::note::{CheckpointKey, NamedKey};
use hizo_vault::keys::{IdentityFile, SigningSeed};
use zeroize::Zeroizing;

use crate::entropy::{SystemEntropy, random};
use crate::failure::{Failure, Outcome};
use crate::founding::Founding;
use crate::home::{self, Device, Home, Pinned};
use crate::keeper::{self, Keeper};
use crate::log::lying;
use crate::queue::AtHand;
use crate::words::words;

/// Whose a new safe is.
enum Owner<'a> {
    /// Somebody who has no identity yet.
    New {
        /// What the identity is sealed with.
        passphrase: &'a str,
    },
    /// Somebody who has one, in the file that it is sealed in.
    Known { identity: Box<IdentityFile>, sealed: Vec<u8> },
}

/// Sets up a safe in `folder`, for somebody who gets an identity with it.
///
/// # Errors
/// When there is a safe in the folder already, or it cannot be written to.
pub(crate) fn init(folder: &Path, name: &str, passphrase: &str, there: Option<&There>) -> Outcome<Home> {
    init_for(folder, name, Owner::New { passphrase }, there)
}

/// Sets up a safe in `folder`.
///
/// The last step is one file: until it is there, the folder is no safe and can be set up again.
///
/// # Errors
/// When there is a safe in the folder already, or it cannot be written to.
fn init_for(folder: &Path, name: &str, owner: Owner, there: Option<&There>) -> Outcome<Home> {
    Home::make(folder)?;
    let (identity, sealed) = match owner {
        Owner::New { passphrase } => {
            let identity = IdentityFile::generate(&mut SystemEntropy);
            let sealed = identity.seal(passphrase, &mut SystemEntropy).as_bytes().to_vec();
            (identity, sealed)
        }
        Owner::Known { identity, sealed } => (*identity, sealed),
    };
    // Drawn for this home alone, whoever its owner is.
    let device = Device::generate();
    home::begin(folder)?;
    home::write_new(&home::identity_file(folder), &sealed)?;
    device.write(folder)?;
    let (keeper, pinned) = match there {
        None => here(folder)?,
        Some(there) => there.keeper(folder, identity.signing_seed.clone())?,
    };
    let space = SpaceId::from_bytes(random());
    let slot_key: [u8; 32] = random();
    if let Some(there) = there {
        Home::write_slot_key(folder, &slot_key)?;
        if let Some(roots) = &there.roots {
            Home::write_keeper_roots(folder, roots)?;
        }
    }
    let founding = Founding::new(&keeper, &pinned.origin, space, name, &identity, &device);
    let genesis = founding.begin(&identity, &slot_key)?;
    let home = Home::settle(folder, &pinned, space, genesis.id())?;
    if there.is_some() {
        // The first deposit may come when the keeper cannot be reached.
        home.remember_notes(&[genesis.note_bytes()], 0)?;
    }
    Ok(home)
}

/// A keeper in the home folder.
fn here(folder: &Path) -> Outcome<(Keeper, Pinned)> {
    let seeds = Seeds { origin: random(), log_key: Zeroizing::new(random()) };
    let keeper = EmbeddedKeeper::init_embedded(&home::keeper_folder(folder), &seeds).map_err(Failure::from)?;
    let pinned = Pinned::here(folder, &keeper)?;
    Ok((Keeper::Here(Box::new(keeper)), pinned))
}

/// A keeper at an address.
pub(crate) struct There {
    pub address: String,
    /// The key of its log, as its operator publishes it; without one, what the keeper says is pinned.
    pub log_key: Option<NamedKey>,
    /// The roots of its certificate, as PEM; without them, those that browsers trust.
    pub roots: Option<Vec<u8>>,
    /// What lets a space begin there.
    pub admission: Option<String>,
}

impl There {
    /// Asked in sessions of the founder: a space is begun by nobody else.
    fn keeper(&self, folder: &Path, founder: SigningSeed) -> Outcome<(Keeper, Pinned)> {
        let facts = RemoteKeeper::introduce(&self.address, patience(), self.roots.as_deref()).map_err(Failure::from)?;
        if self.log_key.as_ref().is_some_and(|known| *known != facts.log_key) {
            return Err(lying(words!(
                "it shows another key than the one you named",
                "指定された鍵とは別の鍵を見せています"
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
            founder.session_key(space)
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
