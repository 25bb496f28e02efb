//! `hizo keeper`

use std::net::SocketAddr;
use std::path::PathBuf;

use serde_json::json;

use super::{Plan, config, directory, scrub, sweep, until_stopped};
use crate::Setting;
use crate::failure::{Failure, Kind, Outcome, shown};
use crate::words::words;

/// Be a keeper that others reach over a network, until stopped
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    act: Option<Act>,
    /// The keeper's folder; it is set up if there is none
    #[arg(long, value_name = "DIR", requires = "listen")]
    data: Option<PathBuf>,
    /// Address and port of this machine to listen at, for example 127.0.0.1:8443
    #[arg(long, value_name = "ADDRESS", requires = "data")]
    listen: Option<SocketAddr>,
    /// Everything from a configuration file
    #[arg(long, value_name = "FILE", conflicts_with_all = ["data", "listen"])]
    config: Option<PathBuf>,
    /// Check a configuration file, and do nothing else
    #[arg(long, value_name = "FILE", conflicts_with_all = ["data", "listen", "config"])]
    check_config: Option<PathBuf>,
}

#[derive(Debug, clap::Subcommand)]
enum Act {
    /// Read everything that is kept again, in both directories, and mend what is damaged from the other one
    Scrub {
        /// The keeper's configuration file
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
    },
    /// Hand a directory of organisations out, with the proof that it is logged
    Directory {
        /// The directory
        #[arg(value_name = "FILE")]
        directory: PathBuf,
        /// The proof that came with it, as ZIP
        #[arg(long, value_name = "ZIP")]
        proof: PathBuf,
        /// The keeper's configuration file
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
    },
    /// Remove what was put long ago and no record names, in both directories
    Sweep {
        /// The keeper's configuration file
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
    },
}

pub(crate) fn run(setting: &Setting, arguments: &Arguments) -> Outcome<()> {
    let console = setting.console;
    let plan = match arguments {
        Arguments { act: Some(Act::Scrub { config }), .. } => return scrub::scrub(console, config::read(config)?),
        Arguments { act: Some(Act::Sweep { config }), .. } => return sweep::sweep(console, config::read(config)?),
        Arguments { act: Some(Act::Directory { directory, proof, config }), .. } => {
            return directory::hand_out(console, &config::read(config)?, directory, proof);
        }
        Arguments { check_config: Some(path), .. } => {
            config::read(path)?.check_whole()?;
            console.result(json!({ "config": path.to_string_lossy() }), |out| {
                let path = shown(path);
                let said = words!("the configuration {path} can be used", "設定ファイル {path} は使えます");
                if console.quiet { Ok(()) } else { writeln!(out, "{}", console.say(said)) }
            });
            return Ok(());
        }
        Arguments { config: Some(path), .. } => config::read(path)?,
        Arguments { data: Some(data), listen: Some(listen), .. } => Plan::of(data, *listen),
        Arguments { .. } => {
            return Err(Failure::new(
                Kind::Usage,
                words!("a keeper needs a folder and an address", "預け先にはフォルダーとアドレスが要ります"),
            )
            .hint(words!(
                "Name --data DIR and --listen ADDRESS, or --config FILE.",
                "--data DIR と --listen ADDRESS、または --config FILE を指定してください。"
            )));
        }
    };
    let ready = plan.open()?;
    let (url, origin) = (ready.url(), ready.keeper.origin().to_string());
    let log_key = ready.log.keys()[0].to_string();
    ready.serve(until_stopped(|| {
        console.result(json!({ "origin": origin, "key": log_key, "url": url }), |out| {
            let said = words!(
                "keeper {origin} listens at {url}\nkey of its log: {log_key}",
                "預け先 {origin} は {url} で待っています\n台帳の鍵: {log_key}"
            );
            writeln!(out, "{}", console.say(said))
        });
    }))
}
