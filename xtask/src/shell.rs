//! Running other programs, and where things lie in the tree.

use std::fmt;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What went wrong, in one sentence.
#[derive(Debug)]
pub(crate) struct Failure(pub(crate) String);

/// The outcome of a chore or one of its steps.
pub(crate) type Result<T> = std::result::Result<T, Failure>;

impl fmt::Display for Failure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self(error.to_string())
    }
}

impl From<serde_json::Error> for Failure {
    fn from(error: serde_json::Error) -> Self {
        Self(error.to_string())
    }
}

impl From<String> for Failure {
    fn from(message: String) -> Self {
        Self(message)
    }
}

/// Says which file or folder an input or output error is about.
pub(crate) trait About<T> {
    fn about(self, path: &Path) -> Result<T>;
}

impl<T> About<T> for std::io::Result<T> {
    fn about(self, path: &Path) -> Result<T> {
        self.map_err(|error| Failure(format!("{}: {error}", path.display())))
    }
}

/// The root of the workspace.
pub(crate) fn root() -> PathBuf {
    let xtask = Path::new(env!("CARGO_MANIFEST_DIR"));
    xtask.parent().expect("xtask lies one folder below the root").to_path_buf()
}

/// A folder under `target/` of the workspace: wherever cargo puts its own output, tools and test data lie here.
pub(crate) fn scratch(name: &str) -> PathBuf {
    root().join("target").join(name)
}

/// Where cargo puts what it builds.
pub(crate) fn cargo_target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}

/// The cargo that started this program.
pub(crate) fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root());
    command
}

/// Runs a command that shows its own output, and fails when it fails.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let status = command.status().map_err(|error| Failure(format!("{}: {error}", shown(command))))?;
    if status.success() { Ok(()) } else { Err(Failure(format!("{}: {status}", shown(command)))) }
}

/// Runs a command and returns what it printed on standard output.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let out = command
        .stdin(Stdio::null())
        .stderr(Stdio::piped())
        .output()
        .map_err(|error| Failure(format!("{}: {error}", shown(command))))?;
    if out.status.success() {
        return Ok(String::from_utf8_lossy(&out.stdout).into_owned());
    }
    Err(Failure(format!("{}: {}\n{}", shown(command), out.status, String::from_utf8_lossy(&out.stderr).trim_end())))
}

/// What a command printed on both outputs, and how it ended.
pub(crate) struct Heard {
    pub(crate) text: String,
    pub(crate) code: Option<i32>,
}

/// Runs a command and keeps what it prints.
pub(crate) fn listen(command: &mut Command) -> Result<Heard> {
    let out = command.stdin(Stdio::null()).output().map_err(|error| Failure(format!("{}: {error}", shown(command))))?;
    let text = String::from_utf8_lossy(&out.stdout).into_owned() + &String::from_utf8_lossy(&out.stderr);
    Ok(Heard { text, code: out.status.code() })
}

/// Runs a command, shows what it prints, and keeps it too.
pub(crate) fn overhear(command: &mut Command) -> Result<Heard> {
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| Failure(format!("{}: {error}", shown(command))))?;
    let stderr = child.stderr.take().expect("standard error is piped above");
    let stdout = child.stdout.take().expect("standard output is piped above");
    let second = std::thread::spawn(move || pass_on(stderr, &mut std::io::stderr()));
    let mut text = pass_on(stdout, &mut std::io::stdout());
    text.push_str(&second.join().expect("the reader of standard error does not panic"));
    Ok(Heard { text, code: child.wait()?.code() })
}

fn pass_on(from: impl std::io::Read, to: &mut impl Write) -> String {
    let mut kept = String::new();
    for line in BufReader::new(from).split(b'\n').map_while(std::result::Result::ok) {
        let line = String::from_utf8_lossy(&line).into_owned();
        // A closed terminal must not end the check: what counts is the outcome.
        let _ = writeln!(to, "{line}");
        kept.push_str(&line);
        kept.push('\n');
    }
    kept
}

/// Makes a symbolic link `at` that leads to `to`.
pub(crate) fn link(to: &Path, at: &Path) -> Result<()> {
    #[cfg(unix)]
    return std::os::unix::fs::symlink(to, at).about(at);
    #[cfg(not(unix))]
    return Err(Failure(format!("{}: links to {} are made on Unix only", at.display(), to.display())));
}

/// Whether a program can be started from the search path.
pub(crate) fn on_path(program: &str) -> bool {
    let Some(path) = std::env::var_os("PATH") else { return false };
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

/// Prints a heading, so that a reader of a long log finds the step.
pub(crate) fn heading(text: &str) {
    println!("\n=== {text}");
}

/// A command as one line, without its environment.
pub(crate) fn shown(command: &Command) -> String {
    let mut words = vec![command.get_program().to_string_lossy().into_owned()];
    words.extend(command.get_args().map(|word| word.to_string_lossy().into_owned()));
    words.join(" ")
}
