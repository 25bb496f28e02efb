//! Takes each defence out in turn and demands that the tests which stand for it fail.
//!
//! The format of a patch and the reasons stand in `undefended/README.md`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::shell::{self, About, Failure, Heard, Result};
use crate::tools;

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
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
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
    // A test that passes because a tool is missing would look blind.
    let missing = tools::prepare().missing;
    if !missing.is_empty() {
        return Err(format!("tests would not be run: {}", missing.join(", ")).into());
    }
    let tree = Worktree::open()?;
    let passing = tree.passing(&chosen)?;
    let mut bad = Vec::new();
    for patch in chosen {
        let verdict = match patch.tests.iter().all(|test| passing.contains(test)) {
            true => tree.judge(patch)?,
            false => Verdict::Broken,
        };
        println!("{}: {}: {} ({:?})", patch.name, patch.row, patch.takes_out, verdict);
        // Of a run that is stopped, what it has found stays.
        write_result(&all, patch, &row(patch, verdict, &tree.commit))?;
        if verdict != Verdict::Defended {
            bad.push(patch.name.as_str());
        }
    }
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

    /// Those tests of the patches that pass on the tree as it is: each crate is built and run once.
    fn passing<'p>(&self, patches: &[&'p Patch]) -> Result<BTreeSet<&'p NamedTest>> {
        let tests: BTreeSet<&NamedTest> = patches.iter().flat_map(|patch| &patch.tests).collect();
        let mut by_crate: BTreeMap<&str, Vec<&NamedTest>> = BTreeMap::new();
        tests.into_iter().for_each(|test| by_crate.entry(&test.package).or_default().push(test));
        let mut passing = BTreeSet::new();
        for (package, tests) in by_crate {
            let heard = shell::listen(self.cargo(package).args(tests.iter().map(|test| &test.name)))?;
            if outcome(&heard) == Outcome::NotBuilt {
                return Err(format!("{package} does not build as it is:\n{}", heard.text).into());
            }
            passing.extend(tests.into_iter().filter(|test| has_passed(&heard.text, &test.name)));
        }
        Ok(passing)
    }

    /// What its tests, which pass with the defence, do without it.
    fn judge(&self, patch: &Patch) -> Result<Verdict> {
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
        Ok(outcome(&shell::listen(self.cargo(&test.package).arg(&test.name))?))
    }

    /// Runs tests of a crate that are named behind it.
    fn cargo(&self, package: &str) -> Command {
        let mut command = shell::cargo();
        command.current_dir(&self.path).env("CARGO_TARGET_DIR", shell::cargo_target().join("undefended-build"));
        command.args(["test", "--package", package, "--locked", "--no-fail-fast", "--", "--exact"]);
        command
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

/// Whether the test runner says so of this test, and of no other one of that name that it failed.
fn has_passed(text: &str, name: &str) -> bool {
    let of = |line: &str| Some(line.strip_prefix("test ")?.strip_prefix(name)?.strip_prefix(" ... ")?.to_owned());
    let said: Vec<String> = text.lines().filter_map(of).collect();
    !said.is_empty() && said.iter().all(|said| said == "ok")
}

fn row(patch: &Patch, verdict: Verdict, commit: &str) -> String {
    let result = match verdict {
        Verdict::Defended => "they fail",
        Verdict::Blind => "**a test passes without the defence**",
        Verdict::Broken => "**a test is missing, or fails with the defence**",
        Verdict::Unbuildable => "**does not build without the defence**",
        Verdict::Stale => "**the patch does not apply**",
    };
    format!("{}{result} | {commit} |\n", cells(patch))
}

/// What a row says of the patch itself.
fn cells(patch: &Patch) -> String {
    let Patch { name, row, takes_out, tests, .. } = patch;
    let tests: Vec<String> = tests.iter().map(|test| format!("`{}` `{}`", test.package, test.name)).collect();
    format!("| {name} | {row} | {takes_out} | {} | ", tests.join("<br>"))
}

/// The table with this row of a patch; the others stay as they were, and go with their patches or with what these say of themselves.
fn table(before: &str, all: &[Patch], of: &Patch, row: &str) -> String {
    let head =
        "| patch | attack | defence taken out | tests that must fail | result | commit |\n|---|---|---|---|---|---|\n";
    let mut text = format!("\n{head}");
    for patch in all {
        let cells = cells(patch);
        match before.lines().find(|line| line.starts_with(&cells)) {
            _ if patch == of => text.push_str(row),
            Some(line) => text.push_str(&format!("{line}\n")),
            None => {}
        }
    }
    text + "\n"
}

fn write_result(all: &[Patch], of: &Patch, row: &str) -> Result<()> {
    let path = shell::root().join(PAGE);
    let Ok(page) = std::fs::read_to_string(&path) else {
        println!("{PAGE} is not there, so the result goes here:\n\n{row}");
        return Ok(());
    };
    let between = page.split_once(BEGIN).and_then(|(before, rest)| Some((before, rest.split_once(END)?)));
    let (before, (table, after)) =
        between.ok_or_else(|| Failure(format!("{PAGE} lacks the markers {BEGIN} and {END}")))?;
    std::fs::write(&path, format!("{before}{BEGIN}\n{}{END}{after}", self::table(table, all, of, row))).about(&path)
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
    fn a_run_of_one_patch_changes_its_row_and_no_other() {
        let named = |name: &str| parse(Path::new(&format!("undefended/{name}.patch")), PATCH).expect("it is whole");
        let all = [named("A07"), named("A08"), named("A09")];
        let with = |before: &str, at: usize, commit: &str| {
            let of = &all[at];
            table(before, &all, of, &row(of, Verdict::Defended, commit))
        };
        let two = with(&with("", 2, "one"), 0, "two");
        let again = with(&two.replace("| A07 |", "| gone |"), 2, "three");
        let rows = |text: &str| -> Vec<String> {
            let rows = text.lines().filter(|line| line.starts_with("| A"));
            rows.map(|line| format!("{} {}", &line[2..5], line.rsplit(" | ").next().expect("it has cells"))).collect()
        };
        assert_eq!(rows(&two), ["A07 two |", "A09 one |"]);
        assert_eq!(rows(&again), ["A09 three |"]);
    }

    #[test]
    fn a_test_has_passed_when_the_runner_says_so_of_it() {
        assert!(!has_passed("test a ... ok\ntest a ... FAILED\n", "a"));
        let text = "test a::b ... ok\ntest a::bc ... FAILED\ntest a ... ignored\n";
        assert!(
            has_passed(text, "a::b") && !has_passed(text, "a::bc") && !has_passed(text, "a") && !has_passed(text, "b")
        );
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
