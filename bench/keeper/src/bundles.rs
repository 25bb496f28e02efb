//! Whole bundles, read from the disk and verified one after the other.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Instant;

use hizo_ledger::log::policy::Policy;
use hizo_ledger::proof::{Brought, Bundle, Verdict};
use hizo_ledger::timestamp::{Authority, certificates_from_pem};
use serde_json::{Value, json};

use crate::{Failure, quantile};

/// Steps that a check of one shown file comes to, at least.
const FINDINGS_MIN: usize = 8;

/// Under this policy, and with the stamps of this root.
pub(crate) fn verify(bundle: &Path, times: u64, policy: &Path, roots: &Path) -> Result<Value, Failure> {
    let policy = Policy::parse(&fs::read(policy)?)?;
    let authorities = [Authority::new("roots", &certificates_from_pem(&fs::read_to_string(roots)?)?)?];
    let brought = Brought { policy: Some(&policy), authorities: &authorities, ..Brought::default() };
    let began = Instant::now();
    let mut taken = Vec::new();
    for _ in 0..times {
        let start = Instant::now();
        let report = Bundle::new(files(bundle)?).map_err(|error| format!("{error:?}"))?.verify(&brought);
        if matches!(report.verdict, Verdict::DoesNotHold(_)) || report.findings.len() < FINDINGS_MIN {
            return Err("the bundle does not hold, or little of it was looked at".into());
        }
        taken.push(start.elapsed().as_secs_f64());
    }
    let wall = began.elapsed().as_secs_f64();
    taken.sort_by(f64::total_cmp);
    Ok(json!({ "times": times, "wall_s": wall, "median_s": quantile(&taken, 500), "p99_s": quantile(&taken, 990) }))
}

/// Everything but the paper.
fn files(bundle: &Path) -> Result<BTreeMap<String, Vec<u8>>, Failure> {
    let mut files = BTreeMap::new();
    for folder in ["", "stamps"] {
        for entry in fs::read_dir(bundle.join(folder))? {
            let entry = entry?;
            let name = entry.file_name().into_string().map_err(|_| "a name that is no text")?;
            let name = if folder.is_empty() { name } else { format!("{folder}/{name}") };
            if entry.file_type()?.is_file() && !name.ends_with(".pdf") {
                files.insert(name, fs::read(entry.path())?);
            }
        }
    }
    Ok(files)
}
