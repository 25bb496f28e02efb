//! `hizo completions` and `hizo man`

use std::io::Write as _;
use std::path::PathBuf;

use clap_complete::Shell;
use serde_json::json;

use super::Page;
use crate::Setting;
use crate::failure::{Failure, Kind, Outcome, shown};
use crate::words::words;

/// Print the script that completes hizo's commands in a shell
#[derive(Debug, clap::Args)]
pub(crate) struct CompletionsArguments {
    /// Which shell
    #[arg(value_enum, hide_possible_values = true, value_name = "bash|zsh|fish|powershell")]
    shell: ShellWord,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum ShellWord {
    Bash,
    Zsh,
    Fish,
    #[value(name = "powershell")]
    PowerShell,
}

/// Print the manual page of a command
#[derive(Debug, clap::Args)]
pub(crate) struct ManArguments {
    /// The command, such as `watch install`; the program itself if none is named
    command: Vec<String>,
    /// Write the pages of all commands into this folder instead
    #[arg(long, value_name = "DIR", conflicts_with = "command")]
    to: Option<PathBuf>,
}

pub(crate) fn completions(setting: &Setting, arguments: &CompletionsArguments) -> Outcome<()> {
    let (shell, word) = match arguments.shell {
        ShellWord::Bash => (Shell::Bash, "bash"),
        ShellWord::Zsh => (Shell::Zsh, "zsh"),
        ShellWord::Fish => (Shell::Fish, "fish"),
        ShellWord::PowerShell => (Shell::PowerShell, "powershell"),
    };
    let script = super::completions(shell, setting.console.language);
    let result = json!({ "shell": word, "script": String::from_utf8_lossy(&script) });
    setting.console.result(result, |out| out.write_all(&script));
    Ok(())
}

pub(crate) fn man(setting: &Setting, arguments: &ManArguments) -> Outcome<()> {
    let language = setting.console.language;
    let Some(folder) = &arguments.to else {
        let named = arguments.command.join(" ");
        let page = super::manual(&arguments.command, language).ok_or_else(|| {
            Failure::new(Kind::Usage, words!("there is no command {named}", "{named} というコマンドはありません"))
                .hint(words!("Run `hizo --help` to see them.", "`hizo --help` で一覧を見られます。"))
        })?;
        let result = json!({ "page": page.name, "roff": page.roff });
        setting.console.result(result, |out| out.write_all(page.roff.as_bytes()));
        return Ok(());
    };
    let pages = super::manuals(language);
    std::fs::create_dir_all(folder).map_err(|error| Failure::file("make the folder", folder, error))?;
    let written: Vec<_> = pages.iter().map(|page| write(folder, page)).collect::<Outcome<_>>()?;
    let paths: Vec<_> = written.iter().map(|path| path.to_string_lossy()).collect();
    setting.console.result(json!({ "written": paths }), |out| {
        let told = words!(
            "wrote {count} pages to {folder}",
            "{count}ページを {folder} に書き込みました",
            count = paths.len(),
            folder = shown(folder)
        );
        writeln!(out, "{}", setting.console.say(told))
    });
    Ok(())
}

fn write(folder: &std::path::Path, page: &Page) -> Outcome<PathBuf> {
    let path = folder.join(format!("{}.1", page.name));
    let file = std::fs::File::create(&path).and_then(|mut file| file.write_all(page.roff.as_bytes()));
    file.map(|()| path.clone()).map_err(|error| Failure::file("write", &path, error))
}
