//! Where a passphrase comes from: a file, a file descriptor, or a prompt. Never an argument, never the environment.

use std::path::{Path, PathBuf};

use hizo_vault::age::WorkFactor;
use hizo_vault::keys::generate_passphrase;
use zeroize::Zeroizing;

use crate::console::Console;
use crate::entropy::SystemEntropy;
use crate::failure::{Failure, Outcome, shown};
use crate::words::{Language, Words, words};

/// Told so, a build with debug assertions seals with the least work: tests make keys by the thousand, and throw them away.
const LEAST_WORK: &str = "HIZO_LEAST_WORK";

/// How much work a guess costs of what is sealed with one here.
pub(crate) fn work_factor() -> WorkFactor {
    // A program that is shipped has no such door.
    match cfg!(debug_assertions) && std::env::var_os(LEAST_WORK).is_some() {
        true => WorkFactor::LEAST,
        false => WorkFactor::USUAL,
    }
}

/// Where the person said it is.
#[derive(Debug, Clone, Default)]
pub(crate) struct Source {
    pub file: Option<PathBuf>,
    pub descriptor: Option<u32>,
}

/// What is to open something new.
pub(crate) struct NewPassphrase {
    pub text: Zeroizing<String>,
    /// Nobody gave one.
    is_drawn: bool,
}

impl NewPassphrase {
    /// One that somebody gave.
    pub(crate) const fn given(text: Zeroizing<String>) -> Self {
        Self { text, is_drawn: false }
    }

    /// Shows one that was drawn, once. To be done as soon as something stands that nothing else opens: whatever fails behind it
    /// must not leave that closed for ever.
    pub(crate) fn tell(&self, console: Console, opens: &Words) {
        if !self.is_drawn {
            return;
        }
        console.warn(words!(
            "this passphrase opens {opens}. It is shown once: write it down and keep it apart.",
            "これが{opens}を開けるパスフレーズです。表示は今回だけです。書き写して、別の場所に保管してください。";
            opens
        ));
        console.beside(&format!("\n    {}\n", *self.text));
    }
}

impl Source {
    /// One for something new: the one that is given, else one that is drawn.
    pub(crate) fn for_something_new(&self) -> Outcome<NewPassphrase> {
        match self.is_given() {
            true => self.read().map(NewPassphrase::given),
            false => Ok(NewPassphrase { text: generate_passphrase(&mut SystemEntropy), is_drawn: true }),
        }
    }

    /// Whether it can be had without asking.
    pub(crate) fn is_given(&self) -> bool {
        self.file.is_some() || self.descriptor.is_some()
    }

    /// Whether it can be read again and again.
    pub(crate) const fn is_in_file(&self) -> bool {
        self.file.is_some()
    }

    /// The passphrase: the first line of the file or descriptor, or what is typed.
    pub(crate) fn read(&self) -> Outcome<Zeroizing<String>> {
        let path = match (&self.file, self.descriptor) {
            (Some(file), _) => file.clone(),
            (None, Some(descriptor)) => PathBuf::from(format!("/dev/fd/{descriptor}")),
            (None, None) => return prompt(),
        };
        let text = std::fs::read_to_string(&path).map(Zeroizing::new);
        let text = text.map_err(|error| Failure::file("read the passphrase from", &path, error))?;
        let line = text.lines().next().unwrap_or_default();
        if line.is_empty() {
            return Err(Failure::fixable(words!("the passphrase is empty", "パスフレーズが空です"))
                .hint(words!("Write it in the first line of the file.", "ファイルの1行目に書いてください。")));
        }
        Ok(Zeroizing::new(line.to_owned()))
    }
}

/// A sealed file that the passphrase does not open; the hint says whose passphrase it has.
pub(crate) fn does_not_open(
    path: &Path,
    hint: Words,
    error: impl std::error::Error + Send + Sync + 'static,
) -> Failure {
    Failure::fixable(words!(
        "the passphrase does not open {path}",
        "パスフレーズが違うため、{path} を開けません",
        path = shown(path)
    ))
    .hint(hint)
    .source(error)
}

fn prompt() -> Outcome<Zeroizing<String>> {
    let question = words!("Passphrase: ", "パスフレーズ: ");
    rpassword::prompt_password(question.to(Language::of_environment())).map(Zeroizing::new).map_err(|error| {
        Failure::fixable(words!(
            "there is no terminal to ask for the passphrase on",
            "パスフレーズを尋ねる画面がありません"
        ))
        .hint(words!(
            "Name a file that holds it with --passphrase-file.",
            "パスフレーズを書いたファイルを --passphrase-file で指定してください。"
        ))
        .source(error)
    })
}
