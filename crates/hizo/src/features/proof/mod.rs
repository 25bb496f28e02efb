//! A proof of a deposit, or of chosen files of it: a folder that convinces a stranger, who brings what he trusts.
//!
//! See docs/spec/proof.md.

pub(crate) mod certificate;
pub(crate) mod command;
mod facts;
mod readme;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use hizo_keeper::stamp::{Client, LocalAuthority, Patience, StampSeeds};
use hizo_ledger::commitment::Fields;
use hizo_ledger::proof::{Brought, Bundle, Report, Verdict};
use hizo_ledger::record::Record;
use hizo_ledger::timestamp::{
    Authority, DigestAlgorithm, Expected, Imprint, Moment, Nonce, Request as StampRequest, Token, certificates_to_pem,
    parse_response,
};
use hizo_vault::manifest::Manifest;
use zeroize::Zeroizing;

use crate::contents::Opened;
use crate::entropy::random;
use crate::failure::{Failure, Kind, Outcome, shown_bytes};
use crate::folder::staging::Staging;
use crate::log::SeenLog;
use crate::words::words;

/// The name of the keeper's own authority, and of its stamp in a bundle.
const SELF: &str = "self";

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
    /// Authorities to ask for stamps, beside the keeper's own.
    pub authorities: Vec<Authority>,
}

/// What was made.
#[derive(Debug)]
pub(crate) struct Proved {
    pub entries: usize,
    /// What a check of the bundle says that trusts the keeper's log and every authority that was asked.
    pub report: Report,
    /// Authorities that gave no stamp, and why.
    pub refused: Vec<(String, hizo_keeper::stamp::Error)>,
    /// Position in the log, and the log's size.
    pub index: u64,
    pub size: u64,
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
    let chosen = select(&manifest, &request.paths, request.show)?;
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
    // What is handed over has been checked as a stranger would, whatever he trusts.
    let (_, policy) = seen.witnessed(&seen.note)?;
    let brought = Brought {
        policy: Some(policy),
        authorities: &authorities,
        receipt_key: Some(seen.keeper_log().receipt_key()),
        files: &[],
    };
    let bundle = Bundle::new(files.clone()).map_err(Failure::internal)?;
    let report = bundle.verify(&brought);
    if let Verdict::DoesNotHold(fault) = &report.verdict {
        return Err(Failure::internal_message(fault.to_string()));
    }
    let facts = facts::of(opened, record, &report, (&seen, policy), &stamps)?;
    files.insert("certificate.pdf".to_owned(), certificate::certificate(&facts)?);
    files.insert("README.md".to_owned(), readme::text(&facts, &seen.policy_file(policy)).into_bytes());
    write(&request.to, &files)?;
    Ok(Proved { entries, report, refused, index: inclusion.index, size: seen.checkpoint.size })
}

/// Everything at or below the named paths, each with the fields that are shown of it.
fn select(manifest: &Manifest, paths: &[Vec<u8>], show: Fields) -> Outcome<BTreeMap<Vec<u8>, Fields>> {
    let below = |path: &[u8], named: &[u8]| {
        path.strip_prefix(named).is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/"))
    };
    for named in paths {
        if !manifest.entries.iter().any(|entry| below(&entry.path, named)) {
            return Err(Failure::fixable(words!(
                "{path} is not in this deposit",
                "{path} は、この預け入れにありません",
                path = shown_bytes(named)
            ))
            .hint(words!("Run `hizo show` to see what is.", "`hizo show` で中身を見られます。")));
        }
    }
    let wanted = |path: &[u8]| paths.is_empty() || paths.iter().any(|named| below(path, named));
    let entries = manifest.entries.iter().filter(|entry| wanted(&entry.path));
    Ok(entries.map(|entry| (entry.path.clone(), show)).collect())
}

type Stamped = (Vec<Stamp>, Vec<Authority>, Vec<(String, hizo_keeper::stamp::Error)>);

/// The keeper's own stamp over the head, and one of each authority that is asked. An authority that does not answer is
/// told of; the proof goes without it.
fn stamps(opened: Opened, seen: &SeenLog, request: &Request) -> Outcome<Stamped> {
    let now = now()?;
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

fn now() -> Outcome<Moment> {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Moment::from_unix(since.as_secs(), since.subsec_nanos())
        .ok_or_else(|| Failure::internal_message("the clock shows no time that a stamp can hold"))
}

/// The whole folder or none.
fn write(to: &Path, files: &BTreeMap<String, Vec<u8>>) -> Outcome<()> {
    let staging = Staging::begin(to)?;
    let written = files.iter().try_for_each(|(name, bytes)| {
        let path = staging.folder().join(name);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::write(&path, bytes)
    });
    match written {
        Ok(()) => staging.settle(),
        Err(error) => {
            staging.discard();
            Err(Failure::file("write to", to, error))
        }
    }
}
