//! What could not be tested here is said, past the capture of the test runner: nothing is skipped in silence. For the tests of all crates.

use std::fs::File;
use std::io::Write as _;

/// Says that something could not be tested here, and why.
pub(crate) fn say_aloud(what: &str) {
    let _ = writeln!(std::io::stderr(), "NOT TESTED HERE: {what}");
    // Nothing of a test that passes is shown: `cargo xtask check` names a file, and says at its end what stands there.
    if let Some(path) = std::env::var_os("HIZO_NOT_TESTED") {
        let file = File::options().append(true).create(true).open(path);
        let _ = file.and_then(|mut file| file.write_all(format!("{what}\n").as_bytes()));
    }
}
