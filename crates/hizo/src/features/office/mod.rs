//! An organisation: its key, its card, and whom it delegates to act for it in spaces that it is a member of.
//!
//! See docs/spec/organisation.md. What was delegated and taken back is said in the organisation's own space too: its `register`.

mod card;
pub(crate) mod command;
mod delegate;
mod list;
mod make;
mod revoke;

use hizo_vault::keys::OrganisationSeed;
use hizo_vault::organisation::Card;

use crate::bundle;
use crate::failure::{Failure, Outcome, shown};
use crate::home::{Home, IDENTITY_BYTES_MAX, damaged};
use crate::words::words;

/// The organisation's key, which has the passphrase of the identity that made it.
fn key(home: &Home, card: &Card, passphrase: &str) -> Outcome<OrganisationSeed> {
    let path = home.organisation_key_file();
    let bytes = bundle::read(&path, IDENTITY_BYTES_MAX)?;
    let seed = OrganisationSeed::open(bytes, passphrase).map_err(|error| {
        Failure::fixable(words!(
            "the passphrase does not open {path}",
            "パスフレーズが違うため、{path} を開けません",
            path = shown(&path)
        ))
        .hint(words!(
            "It is the one of the identity that ran `hizo office make`.",
            "`hizo office make` を実行した人の鍵ファイルのパスフレーズです。"
        ))
        .source(error)
    })?;
    match seed.signing_key().verifying_key() == card.key {
        true => Ok(seed),
        false => Err(damaged(&path)),
    }
}
