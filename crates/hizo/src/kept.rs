//! The check of a proof, whole: what anyone can verify, and then, where packs were handed over, that the contents lie in them.

use hizo_ledger::proof::{Brought, Bundle, Fault, Finding, Report, Verdict};

/// Checks everything that a bundle has.
pub(crate) fn verify(bundle: &Bundle, brought: &Brought<'_>) -> Report {
    let mut report = bundle.verify(brought);
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
