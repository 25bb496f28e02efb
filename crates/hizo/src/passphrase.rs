//! Where a passphrase comes from: a file, a file descriptor, or a prompt. Never an argument, never the environment.

use std::path::PathBuf;

use zeroize::Zeroizing;

use crate::failure::{Failure, Outcome};

/// Where the person said it is.
#[derive(Debug, Clone, Default)]
pub(crate) struct Source {
    pub file: Option<PathBuf>,
    pub descriptor: Option<u32>,
}

impl Source {
    /// Whether it can be had without asking.
    pub(crate) fn is_given(&self) -> bool {
        self.file.is_some() || self.descriptor.is_some()
    }

    /// The passphrase: the first line of the file or descriptor, or what is typed.
    pub(crate) fn read(&self) -> Outcome<Zeroizing<String>> {
        let path = match (&self.file, self.descriptor) {
            (Some(file), _) => file.clone(),
            (None, Some(descriptor)) => PathBuf::from(format!("/dev/fd/{descriptor}")),
            (None, None) => return prompt("Passphrase: "),
        };
        let text = std::fs::read_to_string(&path).map(Zeroizing::new);
        let text = text.map_err(|error| Failure::file("read the passphrase from", &path, error))?;
        let line = text.lines().next().unwrap_or_default();
        if line.is_empty() {
            return Err(Failure::fixable("the passphrase is empty").hint("Write it in the first line of the file."));
        }
        Ok(Zeroizing::new(line.to_owned()))
    }
}

fn prompt(question: &str) -> Outcome<Zeroizing<String>> {
    rpassword::prompt_password(question).map(Zeroizing::new).map_err(|error| {
        Failure::fixable("there is no terminal to ask for the passphrase on")
            .hint("Name a file that holds it with --passphrase-file.")
            .source(error)
    })
}
