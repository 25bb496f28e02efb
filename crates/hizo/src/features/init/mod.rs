//! Setting up a safe: an identity, a keeper in this machine's own folder, and a space that begins.

pub(crate) mod command;
pub(crate) mod page;

use std::path::Path;

use hizo_keeper::{EmbeddedKeeper, Seeds};
use hizo_ledger::id::SpaceId;
use hizo_vault::event::Event;
use hizo_vault::keys::IdentityFile;
use zeroize::Zeroizing;

use crate::bundle;
use crate::entropy::{SystemEntropy, random};
use crate::failure::{Failure, Outcome};
use crate::founding::Founding;
use crate::home::{self, Device, Home, IDENTITY_BYTES_MAX, Pinned};
use crate::keeper::Keeper;
use crate::newcomer;
use crate::passphrase::work_factor;
use crate::there::There;

/// Whose a new safe is.
enum Owner<'a> {
    /// Somebody who has no identity yet.
    New {
        /// What the identity is sealed with.
        passphrase: &'a str,
        /// What the others of the safe will call him, if he says.
        called: Option<&'a str>,
    },
    /// Somebody who has one, in the file that it is sealed in.
    Known { identity: &'a IdentityFile, sealed: Vec<u8> },
}

/// Sets up a safe in `folder`, for somebody who gets an identity with it.
///
/// # Errors
/// When there is a safe in the folder already, or it cannot be written to.
pub(crate) fn init(folder: &Path, name: &str, passphrase: &str, there: Option<&There>) -> Outcome<Home> {
    init_with(folder, name, passphrase, there, Vec::new())
}

/// The same, and its record 0 says this besides.
///
/// # Errors
/// As [`init`].
pub(crate) fn init_with(
    folder: &Path,
    name: &str,
    passphrase: &str,
    there: Option<&There>,
    says: Vec<Event>,
) -> Outcome<Home> {
    init_for(folder, (drawn(), name), Owner::New { passphrase, called: None }, there, says)
}

/// The same as [`init`], for somebody who says what he is called.
///
/// # Errors
/// As [`init`].
fn init_called(
    folder: &Path,
    name: &str,
    called: Option<&str>,
    passphrase: &str,
    there: Option<&There>,
) -> Outcome<Home> {
    init_for(folder, (drawn(), name), Owner::New { passphrase, called }, there, Vec::new())
}

/// Sets up another safe of the same person, who opens it by the passphrase of the first one, at a keeper that he names: its id, and what it
/// is called.
///
/// # Errors
/// As [`init`]; when the keeper cannot be reached, or does not begin it.
pub(crate) fn init_beside(
    own: &Home,
    identity: &IdentityFile,
    folder: &Path,
    called: (SpaceId, &str),
    there: &There,
    says: Vec<Event>,
) -> Outcome<Home> {
    let sealed = bundle::read(&own.identity_file(), IDENTITY_BYTES_MAX)?;
    init_for(folder, called, Owner::Known { identity, sealed }, Some(there), says)
}

fn drawn() -> SpaceId {
    SpaceId::from_bytes(random())
}

/// Sets up a safe in `folder`, whose record 0 says this besides.
///
/// The last step is one file: until it is there, the folder is no safe and can be set up again.
///
/// # Errors
/// When there is a safe in the folder already, or it cannot be written to.
fn init_for(
    folder: &Path,
    (space, name): (SpaceId, &str),
    owner: Owner,
    there: Option<&There>,
    mut says: Vec<Event>,
) -> Outcome<Home> {
    let _turn = Home::make(folder)?;
    if home::invite_of(folder)?.is_some() {
        // Somebody may be letting the keys in right now that lie there.
        return Err(newcomer::waits_in(folder));
    }
    let new;
    let (identity, sealed) = match owner {
        Owner::New { passphrase, called } => {
            new = IdentityFile::generate(&mut SystemEntropy);
            let sealed = new.seal(passphrase, work_factor(), &mut SystemEntropy).as_bytes().to_vec();
            says.extend(called.map(|name| {
                let key = new.signing_seed.space_key(&space).verifying_key().to_base64();
                Event::MemberAdded { key, name: name.to_owned() }
            }));
            (&new, sealed)
        }
        Owner::Known { identity, sealed } => (identity, sealed),
    };
    // Where the keeper is another one, or out of reach, no keys are left that belong to nothing.
    let introduced = there.map(|there| there.introduced(folder, identity.signing_seed.clone())).transpose()?;
    // Drawn for this home alone, whoever its owner is.
    let device = Device::generate();
    home::begin(folder)?;
    home::write_new(&home::identity_file(folder), &sealed)?;
    device.write(folder)?;
    let (keeper, pinned) = match introduced {
        None => here(folder)?,
        Some(keeper) => keeper,
    };
    let slot_key: [u8; 32] = random();
    if let Some(there) = there {
        Home::write_slot_key(folder, &slot_key)?;
        if let Some(roots) = &there.roots {
            Home::write_keeper_roots(folder, roots)?;
        }
        if let Some(policy) = &there.policy {
            Home::write_witness_policy(folder, policy)?;
        }
    }
    let mut founding = Founding::new(&keeper, &pinned.origin, space, name, identity, &device);
    founding.events.extend(says);
    let genesis = founding.begin(identity, &slot_key)?;
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
