//! What shells and readers of manuals need, made from the command line itself.

pub(crate) mod command;

use clap::{Command, CommandFactory as _};
use clap_complete::Shell;

use crate::words::Language;
use crate::words::help;

/// The script that completes the command line in a shell.
pub(crate) fn completions(shell: Shell, language: Language) -> Vec<u8> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut whole(language), "hizo", &mut script);
    script
}

/// The manual page of a command, named by the words that stand before it: none for the program itself.
///
/// `None` when there is no such command.
pub(crate) fn manual(path: &[String], language: Language) -> Option<Page> {
    let whole = whole(language);
    let mut command = &whole;
    for name in path {
        command = command.find_subcommand(name)?;
    }
    Some(Page::of(command))
}

/// The manual pages of the program and all its commands.
pub(crate) fn manuals(language: Language) -> Vec<Page> {
    let mut pages = Vec::new();
    collect(&whole(language), &mut pages);
    pages
}

fn collect(command: &Command, pages: &mut Vec<Page>) {
    pages.push(Page::of(command));
    command.get_subcommands().for_each(|command| collect(command, pages));
}

fn whole(language: Language) -> Command {
    let mut whole = help::speak(crate::Arguments::command(), language);
    whole.build();
    whole
}

/// A manual page.
pub(crate) struct Page {
    /// As in `hizo-deposit`.
    pub name: String,
    /// In the language of man pages (roff).
    pub roff: String,
}

impl Page {
    fn of(command: &Command) -> Self {
        let name = command.get_display_name().unwrap_or_else(|| command.get_name()).to_owned();
        let mut roff = Vec::new();
        let page = clap_mangen::Man::new(command.clone());
        page.render(&mut roff).expect("memory can be written to");
        Self { name, roff: String::from_utf8_lossy(&roff).into_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOTH: [Language; 2] = [Language::English, Language::Japanese];

    #[test]
    fn every_shell_has_a_script_that_knows_every_command() {
        for shell in [Shell::Bash, Shell::Zsh, Shell::Fish, Shell::PowerShell] {
            for language in BOTH {
                let script = String::from_utf8(completions(shell, language)).unwrap();
                for command in whole(language).get_subcommands() {
                    assert!(script.contains(command.get_name()), "{shell} completes {}", command.get_name());
                }
            }
        }
    }

    #[test]
    fn every_command_has_a_page_of_its_own() {
        for language in BOTH {
            let pages = manuals(language);
            let names: Vec<_> = pages.iter().map(|page| page.name.as_str()).collect();
            assert!(
                ["hizo", "hizo-deposit", "hizo-watch-install"].iter().all(|name| names.contains(name)),
                "{names:?}"
            );
            for page in &pages {
                assert!(page.roff.contains(&format!(".TH {} 1", page.name)), "{}", page.roff);
            }
        }
        assert!(manual(&["watch".into(), "install".into()], Language::English).unwrap().roff.contains("every"));
        assert!(manual(&["wach".into()], Language::English).is_none());
        assert!(manual(&["watch".into(), "deposit".into()], Language::English).is_none());
    }
}
