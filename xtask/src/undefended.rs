//! Takes each defence out in turn and demands that the tests which stand for it fail.
//!
//! The format of a patch and the reasons stand in `undefended/README.md`.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::shell::{self, About, Failure, Heard, Result};

const BEGIN: &str = "<!-- undefended:begin -->";
const END: &str = "<!-- undefended:end -->";
const PAGE: &str = "docs/spec/security.md";

/// One patch file: which attack it lets through, and which tests must notice.
#[derive(Debug, PartialEq)]
struct Patch {
    name: String,
    path: PathBuf,
    row: String,
    takes_out: String,
    tests: Vec<NamedTest>,
}

/// A test by its crate and its path as the test runner prints it.
#[derive(Debug, PartialEq)]
struct NamedTest {
    package: String,
    name: String,
}

/// What a test said on the tree as it is and on the tree without the defence.
#[derive(Debug, PartialEq, Clone, Copy)]
enum Verdict {
    /// Passes with the defence, fails without: the test holds the defence.
    Defended,
    /// Passes without the defence too: the test proves nothing.
    Blind,
    /// Fails already with the defence in place, or does not exist.
    Broken,
    /// The tree without the defence does not build, so nothing is shown.
    Unbuildable,
    /// The patch does not apply.
    Stale,
}

/// `cargo xtask undefended [PATCH...]`
pub(crate) fn undefended(names: &[String]) -> Result<()> {
    let all = patches()?;
    if let Some(unknown) = names.iter().find(|name| all.iter().all(|patch| patch.name != **name)) {
        return Err(format!("no patch named {unknown} in undefended/").into());
    }
    let chosen: Vec<&Patch> = all.iter().filter(|patch| names.is_empty() || names.contains(&patch.name)).collect();
    if chosen.is_empty() {
        return Err("undefended/ holds no patch".to_owned().into());
    }
    let tree = Worktree::open()?;
    let mut rows = Vec::new();
    for patch in chosen {
        let verdict = tree.judge(patch)?;
        println!("{}: {} ({:?})", patch.row, patch.takes_out, verdict);
        rows.push((patch, verdict));
    }
    // A partial run must not erase the results of the other rows.
    if names.is_empty() {
        write_table(&table(&rows, &tree.commit))?;
    }
    let bad: Vec<&str> =
        rows.iter().filter(|(_, verdict)| *verdict != Verdict::Defended).map(|(p, _)| p.name.as_str()).collect();
    if bad.is_empty() { Ok(()) } else { Err(format!("not shown to be defended: {}", bad.join(" ")).into()) }
}

fn patches() -> Result<Vec<Patch>> {
    let folder = shell::root().join("undefended");
    let mut found = Vec::new();
    for entry in std::fs::read_dir(&folder).about(&folder)? {
        let path = entry.about(&folder)?.path();
        if path.extension().is_some_and(|extension| extension == "patch") {
            let text = std::fs::read_to_string(&path).about(&path)?;
            found.push(parse(&path, &text)?);
        }
    }
    found.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(found)
}

fn parse(path: &Path, text: &str) -> Result<Patch> {
    let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let head: Vec<&str> = text.lines().take_while(|line| !line.starts_with("diff --git ")).collect();
    let field = |key: &str| head.iter().find_map(|line| line.strip_prefix(key)).map(str::trim).map(str::to_owned);
    let need = |key: &str| field(key).ok_or_else(|| Failure(format!("{name}: no line `{key} ...` before the diff")));
    let mut tests = Vec::new();
    for line in head.iter().filter_map(|line| line.strip_prefix("test:")) {
        let (package, test) = line
            .trim()
            .split_once(' ')
            .ok_or_else(|| Failure(format!("{name}: `test:` takes a crate and the path of a test")))?;
        tests.push(NamedTest { package: package.to_owned(), name: test.trim().to_owned() });
    }
    if tests.is_empty() {
        return Err(format!("{name}: no line `test: CRATE TEST` before the diff").into());
    }
    Ok(Patch { row: need("row:")?, takes_out: need("takes out:")?, tests, path: path.to_path_buf(), name })
}

/// A second checkout of the current commit, so that a defence is never taken out of the tree people work in.
struct Worktree {
    path: PathBuf,
    commit: String,
}

impl Worktree {
    fn open() -> Result<Self> {
        let path = shell::scratch("undefended");
        let commit = shell::output(git().args(["rev-parse", "--short=12", "HEAD"]))?.trim().to_owned();
        if !shell::output(git().args(["status", "--porcelain", "--untracked-files=no"]))?.is_empty() {
            println!("note: uncommitted changes are not looked at");
        }
        // Left over when an earlier run was stopped.
        let _ = shell::output(git().args(["worktree", "remove", "--force"]).arg(&path));
        shell::output(git().args(["worktree", "add", "--detach", "--force"]).arg(&path).arg("HEAD"))?;
        // The tests look for the tools of the check in the tree that they are built from.
        let target = path.join("target");
        std::fs::create_dir_all(&target).about(&target)?;
        for tool in ["npm", "pypi", "schemathesis"] {
            shell::link(&shell::scratch(tool), &target.join(tool))?;
        }
        Ok(Self { path, commit })
    }

    fn judge(&self, patch: &Patch) -> Result<Verdict> {
        for test in &patch.tests {
            if self.test(test)? != Outcome::Passed {
                return Ok(Verdict::Broken);
            }
        }
        let applied = shell::output(Command::new("git").current_dir(&self.path).arg("apply").arg(&patch.path));
        if applied.is_err() {
            return Ok(Verdict::Stale);
        }
        let mut verdict = Verdict::Defended;
        for test in &patch.tests {
            verdict = match self.test(test)? {
                Outcome::Failed => verdict,
                Outcome::Passed => Verdict::Blind,
                Outcome::NotBuilt => Verdict::Unbuildable,
                Outcome::NotFound => Verdict::Broken,
            };
        }
        shell::output(Command::new("git").current_dir(&self.path).args(["checkout", "--quiet", "--", "."]))?;
        shell::output(Command::new("git").current_dir(&self.path).args(["clean", "-fdq"]))?;
        Ok(verdict)
    }

    fn test(&self, test: &NamedTest) -> Result<Outcome> {
        let mut command = shell::cargo();
        command.current_dir(&self.path).env("CARGO_TARGET_DIR", shell::cargo_target().join("undefended-build"));
        command.args(["test", "--package", &test.package, "--locked", "--no-fail-fast", "--", "--exact", &test.name]);
        Ok(outcome(&shell::listen(&mut command)?))
    }
}

impl Drop for Worktree {
    fn drop(&mut self) {
        let _ = shell::output(git().args(["worktree", "remove", "--force"]).arg(&self.path));
    }
}

#[derive(Debug, PartialEq)]
enum Outcome {
    Passed,
    Failed,
    NotFound,
    NotBuilt,
}

/// Reads the closing lines of `cargo test`: its exit code alone does not tell a failed test from a failed build.
fn outcome(heard: &Heard) -> Outcome {
    let closing: Vec<&str> = heard.text.lines().filter(|line| line.starts_with("test result:")).collect();
    if closing.iter().any(|line| line.contains("FAILED")) {
        Outcome::Failed
    } else if heard.code != Some(0) {
        Outcome::NotBuilt
    } else if closing.iter().any(|line| !line.contains(" 0 passed")) {
        Outcome::Passed
    } else {
        Outcome::NotFound
    }
}

fn table(rows: &[(&Patch, Verdict)], commit: &str) -> String {
    let mut text = format!(
        "Commit {commit}.\n\n| attack | defence taken out | tests that must fail | result |\n|---|---|---|---|\n"
    );
    for (patch, verdict) in rows {
        let tests: Vec<String> = patch.tests.iter().map(|t| format!("`{}` `{}`", t.package, t.name)).collect();
        let result = match verdict {
            Verdict::Defended => "they fail",
            Verdict::Blind => "**a test passes without the defence**",
            Verdict::Broken => "**a test is missing, or fails with the defence**",
            Verdict::Unbuildable => "**does not build without the defence**",
            Verdict::Stale => "**the patch does not apply**",
        };
        text.push_str(&format!("| {} | {} | {} | {result} |\n", patch.row, patch.takes_out, tests.join("<br>")));
    }
    text
}

fn write_table(table: &str) -> Result<()> {
    let path = shell::root().join(PAGE);
    let Ok(page) = std::fs::read_to_string(&path) else {
        println!("{PAGE} is not there, so the table goes here:\n\n{table}");
        return Ok(());
    };
    let between = page.split_once(BEGIN).and_then(|(before, rest)| Some((before, rest.split_once(END)?.1)));
    let (before, after) = between.ok_or_else(|| Failure(format!("{PAGE} lacks the markers {BEGIN} and {END}")))?;
    std::fs::write(&path, format!("{before}{BEGIN}\n{table}{END}{after}")).about(&path)
}

fn git() -> Command {
    let mut command = Command::new("git");
    command.current_dir(shell::root());
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATCH: &str = "row: A8\ntakes out: the order of packs is bound\ntest: hizo-vault stream::tests::a_swap_is_refused\n\
                         test: hizo-vault laws::any_permutation_is_refused\n\ndiff --git a/x b/x\ntest: not a header\n";

    #[test]
    fn a_patch_names_its_row_and_tests_before_the_diff_only() {
        let patch = parse(Path::new("undefended/A08.patch"), PATCH).expect("the header is whole");
        assert_eq!((patch.name.as_str(), patch.row.as_str(), patch.tests.len()), ("A08", "A8", 2));
    }

    #[test]
    fn a_patch_that_names_no_test_is_refused() {
        assert!(parse(Path::new("A08.patch"), "row: A8\ntakes out: x\ndiff --git a/x b/x\n").is_err());
        assert!(parse(Path::new("A08.patch"), "row: A8\ntest: crate name\ndiff --git a/x b/x\n").is_err());
    }

    #[test]
    fn a_build_that_fails_is_not_taken_for_a_test_that_fails() {
        let heard = |code, text: &str| outcome(&Heard { code: Some(code), text: text.to_owned() });
        assert_eq!(heard(101, "error: could not compile\n"), Outcome::NotBuilt);
        assert_eq!(heard(101, "test result: FAILED. 0 passed; 1 failed\n"), Outcome::Failed);
        assert_eq!(heard(0, "test result: ok. 0 passed; 0 failed\n"), Outcome::NotFound);
        assert_eq!(heard(0, "test result: ok. 0 passed;\ntest result: ok. 1 passed;\n"), Outcome::Passed);
    }
}
