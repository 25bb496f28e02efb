//! `hizo desk`

use std::fs;
use std::io::{self, IsTerminal as _, Write as _};
use std::path::PathBuf;

use serde_json::json;

use crate::Setting;
use crate::desk::Plan;
use crate::entropy::random;
use crate::failure::Outcome;
use crate::hashing::hex;
use crate::system;
use crate::words::words;

/// Open the desk: pages in this machine's own browser
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Further safes on this machine that can be unlocked there
    #[arg(value_name = "DIR")]
    others: Vec<PathBuf>,
    /// The port on this machine's loopback; without it, any that is free
    #[arg(long, value_name = "PORT", default_value_t = 0, hide_default_value = true)]
    port: u16,
    /// Print the link, and open no browser
    #[arg(long)]
    no_browser: bool,
}

pub(crate) fn run(setting: &Setting, arguments: &Arguments) -> Outcome<()> {
    let mut safes = vec![setting.home_folder()?];
    safes.extend(arguments.others.iter().cloned());
    let (keeper, language) = (setting.keeper.clone(), setting.console.language);
    let ready = Plan { safes, keeper, port: arguments.port, language }.open()?;
    let console = setting.console;
    console.result(json!({ "link": ready.link }), |out| {
        writeln!(out, "{}", ready.link)?;
        let next = words!(
            "open this link in a browser of this machine, once; Enter makes another one, Ctrl-C ends the desk",
            "このリンクを、このコンピューターのブラウザーで一度だけ開いてください。Enter を押すと新しいリンクを出し、Ctrl-C を押すと終わります"
        );
        if console.quiet { Ok(()) } else { writeln!(out, "{}", console.say(next)) }
    });
    // Whoever has no browser that opens by itself follows the printed link.
    let opened = !arguments.no_browser && !console.json && system::has_screen();
    let opened = opened.then(|| Opened::in_browser(&ready.link).ok()).flatten();
    if !console.json && io::stdin().is_terminal() {
        let links = ready.links();
        // It waits for a person, and ends with the program.
        std::thread::spawn(move || {
            for _ in io::stdin().lines().map_while(Result::ok) {
                let _ = writeln!(io::stdout(), "{}", links());
            }
        });
    }
    let served = ready.serve();
    drop(opened);
    served
}

/// The link in a file of one's own: as an argument of a browser, everybody on this machine would read it.
struct Opened(PathBuf);

impl Opened {
    fn in_browser(link: &str) -> io::Result<Self> {
        let name = hex(&random::<8>());
        let path = std::env::temp_dir().join(format!("hizo-desk-{name}.html"));
        let mut file = system::create_private(&path)?;
        let opened = Self(path);
        writeln!(
            file,
            "<!doctype html><meta http-equiv=\"refresh\" content=\"0;url={link}\"><a href=\"{link}\">hizo</a>"
        )?;
        system::open_in_browser(&opened.0)?;
        Ok(opened)
    }
}

impl Drop for Opened {
    fn drop(&mut self) {
        // What it leads to is used up, or gone with the desk.
        let _ = fs::remove_file(&self.0);
    }
}
