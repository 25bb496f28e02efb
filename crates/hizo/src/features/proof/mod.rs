//! A proof of a deposit, or of chosen files of it: a folder that convinces a stranger, who brings what he trusts.
//!
//! See docs/spec/proof.md.

pub(crate) mod certificate;
pub(crate) mod command;
mod facts;
mod kept;
mod readme;
mod zip;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use hizo_keeper::stamp::{Client, LocalAuthority, Patience, StampSeeds};
use hizo_ledger::commitment::Fields;
use hizo_ledger::log::policy::Policy;
use hizo_ledger::proof::{Brought, Bundle, Report, Verdict};
use hizo_ledger::record::Record;
use hizo_ledger::timestamp::{
    Authority, DigestAlgorithm, Expected, Imprint, Moment, Nonce, Request as StampRequest, Token, certificates_to_pem,
    parse_response,
};
use zeroize::Zeroizing;

use crate::contents::{Opened, at_or_below};
use crate::entropy::random;
use crate::failure::{Failure, Kind, Outcome};
use crate::folder::staging::{self, Staging};
use crate::log::{self, SELF, SeenLog};
use crate::safe;
use crate::words::words;

/// What is to be proved, and where the proof goes.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub to: PathBuf,
    /// Paths in the deposit, with everything below them; all of it when empty.
    pub paths: Vec<Vec<u8>>,
    /// Fields that are shown of each of them.
    pub show: Fields,
    /// Also that the deposit has no other entries.
    pub complete: bool,
    /// Also the packs in which the shown contents lie, with their keys: all in them can be read then.
    pub kept: bool,
    /// Authorities to ask for stamps, beside the keeper's own.
    pub authorities: Vec<Authority>,
}

/// What was made.
#[derive(Debug)]
pub(crate) struct Proved {
    pub entries: usize,
    /// Packs that were handed over with their keys, and their bytes.
    pub packs: usize,
    pub packs_bytes: usize,
    /// What a check of the bundle says that trusts the keeper's log and every authority that was asked.
    pub report: Report,
    /// Authorities that gave no stamp, and why.
    pub refused: Vec<(String, hizo_keeper::stamp::Error)>,
    /// Position in the log, and the log's size.
    pub index: u64,
    pub size: u64,
    /// How the stock tool checks its stamps, the one that its time rests on first; run in the folder of the proof.
    pub stock_commands: Vec<String>,
}

/// A stamp as it goes into a bundle, and what it says.
struct Stamp {
    name: String,
    response: Vec<u8>,
    token: Token,
}

/// Makes the bundle.
///
/// # Errors
/// When a path is not in the deposit, the record does not stand in the log, or the folder cannot be written; nothing is
/// left then.
pub(crate) fn prove(opened: Opened, record: &Record, request: &Request) -> Outcome<Proved> {
    let manifest = opened.manifest(record)?;
    let chosen = at_or_below(&manifest, &request.paths)?;
    let chosen: BTreeMap<_, _> = chosen.into_iter().map(|entry| (entry.path.clone(), request.show)).collect();
    let entries = chosen.len();
    let others = (request.complete || request.paths.is_empty()).then_some(Fields::default());
    let disclosure = hizo_vault::proof::disclose(&manifest, &chosen, others).map_err(Failure::internal)?;
    let seen = SeenLog::publish(opened.safe)?;
    let (_, inclusion) = seen.prove(opened.safe, record)?;
    let receipt = seen.keeper_log().receipt(&opened.safe.keeper, opened.safe.home.space, record.number());
    let receipt = receipt.map_err(Failure::from)?.ok_or_else(|| Failure::internal_message("the record is gone"))?;
    let (stamps, authorities, refused) = stamps(opened, &seen, request)?;
    let signers: String = record.signers().iter().map(|key| format!("{key}\n")).collect();
    let mut files: BTreeMap<String, Vec<u8>> = BTreeMap::from([
        ("record.note".to_owned(), record.note_bytes().to_vec()),
        ("record.keys".to_owned(), signers.into_bytes()),
        ("receipt.note".to_owned(), receipt),
        ("checkpoint".to_owned(), seen.note.clone()),
        ("record.tlog-proof".to_owned(), inclusion.to_bytes()),
        ("opening.json".to_owned(), disclosure.to_bytes()),
    ]);
    for Stamp { name, response, token } in &stamps {
        files.insert(format!("stamps/{name}.tsr"), response.clone());
        files.insert(format!("stamps/{name}.pem"), certificates_to_pem(token.chain()).into_bytes());
    }
    if request.kept {
        files.extend(kept::files(opened, record, &manifest, &disclosure)?);
    }
    // What is handed over has been checked as a stranger would, whatever he trusts.
    let policy = Policy::of_log(log::named_key(&opened.safe.home)?);
    let brought = Brought {
        policy: Some(&policy),
        authorities: &authorities,
        receipt_key: Some(seen.keeper_log().receipt_key()),
        files: &[],
    };
    let bundle = Bundle::new(files.clone()).map_err(Failure::internal)?;
    let report = crate::kept::verify(&bundle, &brought);
    if let Verdict::DoesNotHold(fault) = &report.verdict {
        return Err(Failure::internal_message(fault.to_string()));
    }
    let facts = facts::of(opened, record, &report, &seen, &stamps)?;
    files.insert("certificate.pdf".to_owned(), certificate::certificate(&facts)?);
    files.insert("README.md".to_owned(), readme::text(&facts, &policy).into_bytes());
    write(&request.to, &files)?;
    let stock_commands = readme::stock_commands(&facts);
    let packs = || files.iter().filter(|(name, _)| name.ends_with(".age")).map(|(_, bytes)| bytes.len());
    let (packs, packs_bytes) = (packs().count(), packs().sum());
    Ok(Proved {
        entries,
        packs,
        packs_bytes,
        report,
        refused,
        index: inclusion.index,
        size: seen.checkpoint.size,
        stock_commands,
    })
}

type Stamped = (Vec<Stamp>, Vec<Authority>, Vec<(String, hizo_keeper::stamp::Error)>);

/// The keeper's own stamp over the head, and one of each authority that is asked. An authority that does not answer is
/// told of; the proof goes without it.
fn stamps(opened: Opened, seen: &SeenLog, request: &Request) -> Outcome<Stamped> {
    let now = safe::moment()?;
    let folder = opened.safe.home.keeper_folder();
    let seeds = StampSeeds {
        key: Zeroizing::new(random()),
        root_key: Zeroizing::new(random()),
        serial: random(),
        root_serial: random(),
    };
    let local = LocalAuthority::init(&folder, opened.safe.chain.keeper(), &seeds, now).map_err(no_stamp)?;
    let own = local.authority(SELF).map_err(no_stamp)?;
    let response = own_stamp(seen, &local, now)?;
    let authorities = std::slice::from_ref(&own);
    let expected = Expected { data: &seen.note, nonce: None, certificates: &[], authorities };
    let token = parse_response(&response).and_then(|token| token.verify(&expected));
    let token = token.map_err(|error| no_stamp(hizo_keeper::stamp::Error::Refused(error)))?;
    let mut stamps = vec![Stamp { name: SELF.to_owned(), response, token }];
    let (mut counted, mut refused) = (vec![own], Vec::new());
    let client = Client::new(&Patience::default());
    for authority in &request.authorities {
        match client.stamp(authority, &seen.note, now, &mut random) {
            Ok(answer) => {
                let name = file_name(authority.name(), stamps.len());
                stamps.push(Stamp { name, response: answer.response, token: answer.token });
                counted.push(authority.clone());
            }
            Err(error) => refused.push((authority.name().to_owned(), error)),
        }
    }
    Ok((stamps, counted, refused))
}

/// The keeper's own stamp over this head: made once, and kept.
fn own_stamp(seen: &SeenLog, local: &LocalAuthority, now: Moment) -> Outcome<Vec<u8>> {
    let published = seen.keeper_log().published();
    let failed = |error| Failure::from(hizo_keeper::Error::from(error));
    if let Some(kept) = published.stamp(seen.checkpoint.size, SELF).map_err(failed)? {
        return Ok(kept);
    }
    let asked = StampRequest {
        imprint: Imprint::of(DigestAlgorithm::Sha256, &seen.note),
        policy: None,
        nonce: Some(Nonce::from_random(random())),
        certificates: true,
    };
    let answer = local.answer(&asked.to_der(), now, random()).map_err(no_stamp)?;
    published.keep_stamp(seen.checkpoint.size, SELF, &answer).map_err(failed)?;
    Ok(answer)
}

/// A name for an authority's files: its own where that is plain, else its number.
fn file_name(name: &str, number: usize) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    match (1..=64).contains(&name.len()) && name.bytes().all(plain) && name != SELF {
        true => name.to_owned(),
        false => format!("authority-{number}"),
    }
}

fn no_stamp(error: hizo_keeper::stamp::Error) -> Failure {
    Failure::new(Kind::Unknown, words!("there is no stamp: {error}", "タイムスタンプを押せません: {error}"))
        .hint(words!(
            "Look at the clock and the disk of this machine, then run the same command again.",
            "このコンピューターの時計とディスクを確かめてから、同じコマンドをもう一度実行してください。"
        ))
        .source(error)
}

/// The whole or nothing: a folder, or one file where the name ends so.
fn write(to: &Path, files: &BTreeMap<String, Vec<u8>>) -> Outcome<()> {
    if zip::is_named(to) {
        return staging::lay_file(to, &zip::archive(files)?);
    }
    let staging = Staging::begin(to)?;
    let written = files.iter().try_for_each(|(name, bytes)| staging.lay(Path::new(name), bytes));
    match written {
        Ok(()) => staging.settle(),
        Err(error) => {
            staging.discard();
            Err(Failure::file("write to", to, error))
        }
    }
}
