//! The programs that hizo is measured against, unpacked or built under `target/peers`, never installed into the system.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::shell::{self, About, Failure, Result};

const RUSTIC_VERSION: &str = "0.11.4";

/// A program to measure, or the reason why it cannot be had.
pub(crate) struct Peer {
    pub(crate) kind: Kind,
    pub(crate) program: Result<Program>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Hizo,
    Restic,
    Rustic,
    Borg,
    Age,
    Cp,
}

pub(crate) struct Program {
    pub(crate) path: PathBuf,
    pub(crate) version: String,
    /// Folder of Python packages beside the program.
    pub(crate) python: Option<PathBuf>,
}

impl Kind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Hizo => "hizo",
            Self::Restic => "restic",
            Self::Rustic => "rustic",
            Self::Borg => "borg",
            Self::Age => "age",
            Self::Cp => "cp",
        }
    }
}

/// Gets every peer, and hizo itself: `hizo` names a program to use instead of building one.
pub(crate) fn obtain(hizo: Option<&Path>, build: bool) -> Vec<Peer> {
    let trixie = || unpacked("trixie", Some("trixie"), &["restic", "age"]);
    let bookworm = || unpacked("bookworm", None, &["borgbackup", "python3-msgpack", "python3-packaging", "libxxhash0"]);
    let peer = |kind, program| Peer { kind, program };
    vec![
        self::hizo(hizo, build),
        peer(Kind::Restic, trixie().and_then(|root| program(root.join("usr/bin/restic"), "version", None))),
        peer(Kind::Rustic, rustic()),
        peer(
            Kind::Borg,
            bookworm().and_then(|root| {
                program(root.join("usr/bin/borg"), "--version", Some(root.join("usr/lib/python3/dist-packages")))
            }),
        ),
        peer(Kind::Age, trixie().and_then(|root| program(root.join("usr/bin/age"), "--version", None))),
        peer(Kind::Cp, program(PathBuf::from("cp"), "--version", None)),
    ]
}

/// The server beside which restic is usually tried.
pub(crate) fn rclone() -> Result<Program> {
    program(unpacked("rclone", None, &["rclone"])?.join("usr/bin/rclone"), "--version", None)
}

/// hizo itself.
pub(crate) fn hizo(given: Option<&Path>, build: bool) -> Peer {
    Peer { kind: Kind::Hizo, program: hizo_program(given, build) }
}

fn hizo_program(given: Option<&Path>, build: bool) -> Result<Program> {
    if let Some(path) = given {
        return program(path.to_path_buf(), "--version", None);
    }
    if build {
        shell::run(shell::cargo().args(["build", "--release", "--package", "hizo", "--locked"]))?;
    }
    let path = shell::cargo_target().join("release/hizo");
    program(path, "--version", None).map_err(|_| Failure("not built".to_owned()))
}

fn program(path: PathBuf, ask: &str, python: Option<PathBuf>) -> Result<Program> {
    let mut program = Program { path, version: String::new(), python };
    let said = shell::output(program.command().arg(ask))?;
    program.version = said
        .lines()
        .next()
        .and_then(|line| line.split_whitespace().find(|word| word.contains(|c: char| c.is_ascii_digit())))
        .ok_or_else(|| Failure(format!("{} does not say its version", program.path.display())))?
        .to_owned();
    Ok(program)
}

impl Program {
    /// A command that runs it, with its Python packages where it has some.
    pub(crate) fn command(&self) -> Command {
        let Some(python) = &self.python else { return Command::new(&self.path) };
        // Debian's modules are compiled for Debian's interpreter, which need not be the first on the path.
        let mut command = Command::new("/usr/bin/python3");
        command.arg(&self.path).env("PYTHONPATH", python);
        command
    }
}

/// Downloads Debian packages of a release and unpacks them side by side. Without a release, this system's own.
fn unpacked(folder: &str, release: Option<&str>, packages: &[&str]) -> Result<PathBuf> {
    let base = shell::scratch("peers").join(folder);
    let root = base.join("root");
    let mark = base.join("unpacked");
    if fs::read_to_string(&mark).is_ok_and(|text| text == packages.join(" ")) {
        return Ok(root);
    }
    let debs = base.join("debs");
    for made in [&debs, &base.join("lists/partial"), &base.join("cache/archives/partial")] {
        fs::create_dir_all(made).about(made)?;
    }
    // An own list of sources with its own state: the system's apt is left as it is.
    let mut own = Vec::new();
    if let Some(release) = release {
        let sources = base.join("sources.list");
        let key = "/usr/share/keyrings/debian-archive-keyring.gpg";
        let line = format!("deb [signed-by={key}] {} {release} main\n", debian_archive()?);
        fs::write(&sources, line).about(&sources)?;
        own = vec![
            format!("Dir::Etc::sourcelist={}", sources.display()),
            "Dir::Etc::sourceparts=/dev/null".to_owned(),
            format!("Dir::State::lists={}", base.join("lists").display()),
            format!("Dir::Cache={}", base.join("cache").display()),
            "APT::Sandbox::User=root".to_owned(),
        ];
    }
    let apt = || {
        let mut command = Command::new("apt-get");
        command.current_dir(&debs).arg("-qq").args(own.iter().flat_map(|option| ["-o", option]));
        command
    };
    if release.is_some() || shell::output(apt().arg("download").args(packages)).is_err() {
        shell::output(apt().arg("update"))?;
        shell::output(apt().arg("download").args(packages))?;
    }
    for entry in fs::read_dir(&debs).about(&debs)? {
        let deb = entry.about(&debs)?.path();
        shell::output(Command::new("dpkg-deb").arg("--extract").arg(&deb).arg(&root))?;
    }
    fs::write(&mark, packages.join(" ")).about(&mark)?;
    Ok(root)
}

/// Where this system gets Debian's own packages from.
fn debian_archive() -> Result<String> {
    let mut targets = Command::new("apt-get");
    targets.args(["indextargets", "--format", "$(SITE)", "Created-By: Packages"]);
    let said = shell::output(&mut targets)?;
    let site = said.lines().map(str::trim).find(|site| site.ends_with("/debian"));
    site.map(str::to_owned).ok_or_else(|| Failure("apt names no Debian archive".to_owned()))
}

/// Built once from its published source, with thin LTO and without the features that backing up a folder does not use.
fn rustic() -> Result<Program> {
    let root = shell::scratch("peers").join("rustic");
    let path = root.join("bin/rustic");
    if let Ok(there) = program(path.clone(), "--version", None)
        && there.version.contains(RUSTIC_VERSION)
    {
        return Ok(there);
    }
    println!("building rustic {RUSTIC_VERSION}, once: about a quarter of an hour on two cores");
    let mut install = Command::new("cargo");
    install.args(["install", "rustic-rs", "--version", RUSTIC_VERSION, "--locked", "--no-default-features", "--quiet"]);
    install.arg("--root").arg(&root).env("CARGO_TARGET_DIR", root.join("build"));
    install.env("CARGO_PROFILE_RELEASE_LTO", "thin").env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16");
    shell::run(&mut install)?;
    crate::bench::data::remove(&root.join("build"))?;
    program(path, "--version", None)
}
