//! `hizo witness run`

use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;

use hizo_keeper::witness::{Limits, WitnessFolder, serve};
use serde_json::json;

use super::{failed, keys};
use crate::Setting;
use crate::failure::{Failure, Outcome};
use crate::system;
use crate::words::words;

/// Answer those who ask for cosignatures, until stopped
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The witness's folder
    #[arg(long, value_name = "DIR")]
    dir: PathBuf,
    /// Address and port to listen at, for example 127.0.0.1:7878
    #[arg(long, value_name = "ADDRESS")]
    listen: SocketAddr,
}

pub(super) fn run(setting: &Setting, arguments: &Arguments) -> Outcome<()> {
    let witness = WitnessFolder::open(&arguments.dir).map_err(|error| failed(&arguments.dir, error))?;
    let not_there = |error: std::io::Error| cannot_listen(arguments.listen, error);
    let listener = TcpListener::bind(arguments.listen).map_err(not_there)?;
    let address = listener.local_addr().map_err(not_there)?;
    let (console, name, keys) = (setting.console, witness.keys()[0].name().to_owned(), keys(witness.keys()));
    let stopped = async {
        // Whoever reads the line below may stop it at once.
        let Ok(asked) = system::asked_to_stop() else { return };
        console.result(json!({ "name": name, "keys": keys, "url": format!("http://{address}") }), |out| {
            let said = words!(
                "witness {name} listens at http://{address}",
                "立会人 {name} は http://{address} で待っています"
            );
            writeln!(out, "{}", console.say(said))
        });
        asked.await;
    };
    serve(listener, Arc::new(witness), &Limits::default(), stopped).map_err(not_there)
}

fn cannot_listen(address: SocketAddr, error: std::io::Error) -> Failure {
    Failure::fixable(words!("cannot listen at {address}: {error}", "{address} で待ち受けられません（{error}）"))
        .hint(words!(
            "Choose another port, or stop what uses this one.",
            "別のポートを選ぶか、そのポートを使っているものを止めてください。"
        ))
        .source(error)
}
