//! The description of the service, held against the service by schemathesis: every route is asked in every way that the
//! description names, and in many that it does not, by a stranger and by a member.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::world::{Begun, Running, unhurried};
use crate::kit::say_aloud;

/// Asks by this configuration, and says what was found.
fn asked(running: &Running, config: &str) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/schemathesis");
    let program = root.join("bin/schemathesis");
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("schemathesis.toml"), config).unwrap();
    let mut python = Command::new("python3");
    python.current_dir(folder.path()).env("PYTHONPATH", &root).env("PYTHONDONTWRITEBYTECODE", "1").arg(&program);
    python.args(["run", &format!("http://{}/openapi.json", running.address)]);
    // What is well formed is refused all the same where no member has signed it, or where it has another name.
    python.args([
        "--checks",
        "all",
        "--exclude-checks",
        "positive_data_acceptance",
        "--seed",
        "7",
        "--max-examples",
        "30",
        "--no-color",
    ]);
    let said = match python.output() {
        Ok(said) if program.is_file() => said,
        missing => {
            return say_aloud(&format!("schemathesis is absent ({missing:?}); `cargo xtask check` installs it"));
        }
    };
    let text = String::from_utf8_lossy(&said.stdout);
    let after =
        |word: &str| text.lines().find_map(|line| line.trim().strip_prefix(word)).unwrap_or_default().to_owned();
    let tested = after("Tested: ");
    let all = after("Selected: ") == format!("{tested}/{tested}");
    assert!(said.status.success() && all, "{text}{}", String::from_utf8_lossy(&said.stderr));
}

#[test]
fn a_stranger_is_answered_as_the_description_says() {
    asked(&Running::start_with(unhurried()), "");
}

#[test]
fn a_member_is_answered_as_the_description_says() {
    let running = Running::start_with(unhurried());
    let mut begun = Begun::new(&running, "a company");
    let (_, draft) = begun.company.deposit("a folder", 1);
    let (space, owner) = (begun.space(), begun.owner.clone());
    begun.keep(&running, &owner, &draft).is(201);
    let object = draft.objects[0].id();
    let config = format!(
        "headers = {{ Authorization = \"Bearer {owner}\" }}\n[parameters]\nspace = \"{space}\"\nobject = \"{object}\"\n\
         record = \"1\"\n\"path.path\" = \"checkpoint\"\n"
    );
    asked(&running, &config);
}
