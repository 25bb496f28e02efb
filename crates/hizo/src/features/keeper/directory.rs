//! Handing a directory of organisations out: it lies in the keeper's folder, and is read from there as it is.
//!
//! It may be done while the keeper answers. See docs/spec/directory.md, section "Handing out, and hearing of the next one".

use std::path::{Path, PathBuf};

use hizo_keeper::Directories;
use hizo_ledger::directory::Refused;
use hizo_ledger::proof::Verdict;
use hizo_store::published::PUBLISHED_BYTES_MAX;
use serde_json::json;

use super::Plan;
use crate::console::Console;
use crate::failure::{Failure, Kind, Outcome, shown};
use crate::features::verify;
use crate::words::words;
use crate::{bundle, directory};

/// Lays a directory down with its proof.
///
/// # Errors
/// Exit code 3 when it is none, or the proof is of something else or does not hold; 1 when it is older than the one that lies there, or
/// does not come right after it.
pub(super) fn hand_out(console: Console, plan: &Plan, file: &Path, proof: &Path) -> Outcome<()> {
    let (new, note) = directory::read(file)?;
    let zipped = zipped(proof)?;
    is_of(file, proof)?;
    let directories = Directories::open(&plan.data).map_err(Failure::from)?;
    if let Some((newest, there)) = directories.newest(&new.publisher).map_err(Failure::from)? {
        let goes_on = new.goes_on_from(&note, &newest.seen(&there));
        goes_on.map_err(|refused| refuse(refused, new.serial, newest.serial))?;
    }
    directories.lay_down(&new, &note, &zipped).map_err(Failure::from)?;
    let (serial, until, publisher) = (new.serial, new.valid_until, new.publisher.name());
    let result = json!({ "serial": serial, "until": until.to_string(), "publisher": publisher.to_string() });
    console.result(result, |out| {
        let said = words!(
            "directory {serial} of {publisher} is handed out; it is good until {until}",
            "{publisher} の機関の名簿 第{serial}号を配ります（{until} まで有効）"
        );
        writeln!(out, "{}", console.say(said))
    });
    Ok(())
}

fn zipped(proof: &Path) -> Outcome<Vec<u8>> {
    let hint = words!(
        "Make it as one file: `hizo proof latest:SERIES --to FILE.zip`.",
        "ひとつのファイルとして作ってください: `hizo proof latest:系列 --to ファイル.zip`。"
    );
    if proof.is_dir() {
        let message = words!(
            "{proof} is a folder, and no ZIP",
            "{proof} はフォルダーで、ZIP ではありません",
            proof = shown(proof)
        );
        return Err(Failure::fixable(message).hint(hint));
    }
    let bytes = bundle::read(proof, PUBLISHED_BYTES_MAX)?;
    if bytes.len() > PUBLISHED_BYTES_MAX {
        let message = words!("{proof} is longer than 1 MiB", "{proof} は 1 MiB を超えています", proof = shown(proof));
        return Err(Failure::fixable(message).hint(words!(
            "Prove the deposit of the directory alone.",
            "名簿だけを預けた記録の証明を使ってください。"
        )));
    }
    Ok(bytes)
}

/// Checks that a proof is of this file, and does not fail. Which logs count is for whoever reads it.
fn is_of(file: &Path, proof: &Path) -> Outcome<()> {
    let files: [PathBuf; 1] = [file.to_owned()];
    let report = verify::verify(&verify::Request {
        bundle: proof,
        files: &files,
        policy: None,
        roots: None,
        crls: None,
        receipt_key: None,
    })?;
    let refused = match &report.verdict {
        Verdict::DoesNotHold(fault) => words!("the proof does not hold: {fault}", "証明が正しくありません（{fault}）"),
        _ if !report.is_any_compared() => {
            words!("the proof is of something else", "証明は、この名簿のものではありません")
        }
        _ => return Ok(()),
    };
    Err(Failure::untrue(refused).hint(words!(
        "Fetch the directory and its proof once more, from whoever publishes it.",
        "名簿と証明を、発行者からもう一度入手してください。"
    )))
}

fn refuse(refused: Refused, serial: u64, newest: u64) -> Failure {
    let failure = match refused {
        Refused::Split | Refused::Fork | Refused::Publisher => Failure::new(
            Kind::Lying,
            words!(
                "directory {serial} contradicts directory {newest}, which is handed out: its publisher has signed two that do not go together",
                "第{serial}号は、配っている第{newest}号と食い違います。発行者が、両立しない2つの名簿に署名しています"
            ),
        )
        .hint(words!(
            "Nothing was changed. Keep both, and ask the publisher by another way.",
            "何も変更していません。両方を残し、別の方法で発行者に確かめてください。"
        )),
        Refused::Rollback | Refused::Expired => Failure::fixable(words!(
            "directory {serial} is older than {newest}, which is handed out",
            "第{serial}号は、配っている第{newest}号より古い名簿です"
        ))
        .hint(words!("Nothing was changed.", "何も変更していません。")),
        Refused::Gap => Failure::fixable(words!(
            "directory {serial} does not come right after {newest}, which is handed out",
            "第{serial}号は、配っている第{newest}号のすぐ次ではありません"
        ))
        .hint(words!("Hand those between out first, in order.", "間の名簿を、順に先に置いてください。")),
    };
    failure.source(refused)
}
