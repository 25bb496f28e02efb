//! Runs one command and says what it took.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use serde_json::{Value, json};
use wait4::Wait4;

use crate::shell::{self, About, Failure, Result};

/// What one command took.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Taken {
    pub(crate) wall_s: f64,
    /// User and system time of the process and of the children it waited for.
    pub(crate) cpu_s: f64,
    /// Largest resident set of the process.
    pub(crate) peak_bytes: u64,
}

impl Taken {
    pub(crate) fn json(self) -> Value {
        json!({ "wall_s": round(self.wall_s), "cpu_s": round(self.cpu_s), "peak_bytes": self.peak_bytes })
    }
}

/// Runs a command to its end; its output goes to `log`, whose last lines explain a failure.
///
/// Dirty pages of what ran before are written out first, so that no command pays for its predecessor.
pub(crate) fn measure(command: &mut Command, log: &Path) -> Result<Taken> {
    Command::new("sync").status()?;
    let file = File::create(log).about(log)?;
    command.stdin(Stdio::null()).stdout(file.try_clone()?).stderr(file);
    let start = Instant::now();
    let child = command.spawn().map_err(|error| Failure(format!("{}: {error}", command.get_program().display())))?;
    let used = child.wait4()?;
    let wall_s = start.elapsed().as_secs_f64();
    if !used.status.success() {
        let text = std::fs::read_to_string(log).unwrap_or_default();
        let end: Vec<&str> = text.lines().rev().take(12).collect();
        let end: Vec<&str> = end.into_iter().rev().collect();
        return Err(format!("{}: {}\n{}", shell::shown(command), used.status, end.join("\n")).into());
    }
    let cpu_s = (used.rusage.utime + used.rusage.stime).as_secs_f64();
    Ok(Taken { wall_s, cpu_s, peak_bytes: used.rusage.maxrss })
}

/// Reads everything beneath a path once, so that the next reader finds it in memory.
pub(crate) fn warm(path: &Path) -> Result<()> {
    let mut buffer = vec![0_u8; 1 << 20];
    for file in files(path)? {
        let mut open = File::open(&file).about(&file)?;
        while std::io::Read::read(&mut open, &mut buffer).about(&file)? > 0 {}
    }
    Ok(())
}

/// The regular files beneath a path (or the path itself), sorted. Links are not followed.
pub(crate) fn files(path: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut waiting = vec![path.to_path_buf()];
    while let Some(next) = waiting.pop() {
        let kind = std::fs::symlink_metadata(&next).about(&next)?.file_type();
        if kind.is_dir() {
            for entry in std::fs::read_dir(&next).about(&next)? {
                waiting.push(entry.about(&next)?.path());
            }
        } else if kind.is_file() {
            found.push(next);
        }
    }
    found.sort();
    Ok(found)
}

/// The sum of file sizes beneath a path, without what a folder itself takes; 0 when nothing is there.
pub(crate) fn stored_bytes(path: &Path) -> Result<u64> {
    if !path.exists() {
        return Ok(0);
    }
    let mut sum = 0;
    for file in files(path)? {
        sum += std::fs::metadata(&file).about(&file)?.len();
    }
    Ok(sum)
}

/// The middle one of the values, or the mean of the middle two.
pub(crate) fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let upper = *sorted.get(sorted.len() / 2)?;
    let lower = if sorted.len().is_multiple_of(2) { *sorted.get((sorted.len() / 2).checked_sub(1)?)? } else { upper };
    Some(f64::midpoint(lower, upper))
}

fn round(seconds: f64) -> f64 {
    (seconds * 1000.0).round() / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle() {
        assert_eq!(median(&[3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(&[4.0, 1.0]), Some(2.5));
        assert_eq!(median(&[]), None);
    }
}
