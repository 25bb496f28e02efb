//! Whole bundles, read from the disk and verified one after the other.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Instant;

use hizo_ledger::proof::{Brought, Bundle, Verdict};
use serde_json::{Value, json};

use crate::{Failure, quantile};

pub(crate) fn verify(bundle: &Path, times: u64) -> Result<Value, Failure> {
    let began = Instant::now();
    let mut taken = Vec::new();
    for _ in 0..times {
        let start = Instant::now();
        let report = Bundle::new(files(bundle)?).map_err(|error| format!("{error:?}"))?.verify(&Brought::default());
        if matches!(report.verdict, Verdict::DoesNotHold { .. }) {
            return Err("the bundle does not hold".into());
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
