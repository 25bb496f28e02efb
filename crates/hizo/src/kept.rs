//! The check of a proof, whole: what anyone can verify, and then, where packs were handed over, that the contents lie in them.

use hizo_ledger::proof::{Bundle, Fault, Finding, Report, Verdict};

/// A bundle's report, with what the packs in it have been found to hold.
pub(crate) fn checked(bundle: &Bundle, mut report: Report) -> Report {
    if let Verdict::DoesNotHold(_) = report.verdict {
        return report;
    }
    match found(bundle, &report) {
        Ok(0) => (),
        Ok(contents) => report.findings.push(Finding::Kept { contents }),
        Err(fault) => report.verdict = Verdict::DoesNotHold(fault),
    }
    report
}

fn found(bundle: &Bundle, report: &Report) -> Result<usize, Fault> {
    let contents = bundle.kept(report)?;
    let count = contents.len();
    contents.into_iter().try_for_each(hizo_vault::kept::find)?;
    Ok(count)
}
