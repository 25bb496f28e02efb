//! `hizo keeper`

use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};

use hizo_keeper::service::{Admission, Limits, Listening, Settings, serve};
use hizo_keeper::{EmbeddedKeeper, EmbeddedLog, Seeds};
use serde_json::json;
use zeroize::Zeroizing;

use crate::Setting;
use crate::entropy::random;
use crate::failure::{Failure, Kind, Outcome};
use crate::system;
use crate::words::words;

/// Keep for others: answer over HTTP, until stopped
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The keeper's folder; made if it is not there
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// Address and port of this machine to listen at, for example 127.0.0.1:7800
    #[arg(long, value_name = "ADDRESS")]
    listen: SocketAddr,
}

pub(crate) fn run(setting: &Setting, arguments: &Arguments) -> Outcome<()> {
    if !arguments.listen.ip().is_loopback() {
        let (address, hint) = (
            arguments.listen,
            words!(
                "Name an address such as 127.0.0.1:7800; what comes from other machines must be encrypted on the way.",
                "127.0.0.1:7800 のようなアドレスを指定してください。ほかのコンピューターとの間は暗号化が必要です。"
            ),
        );
        let what = words!(
            "{address} can be reached by other machines",
            "{address} は、ほかのコンピューターから届くアドレスです"
        );
        return Err(Failure::new(Kind::Usage, what).hint(hint));
    }
    let (keeper, log) = open(&arguments.data)?;
    let not_there = |error: std::io::Error| cannot_listen(arguments.listen, error);
    let listener = TcpListener::bind(arguments.listen).map_err(not_there)?;
    let address = listener.local_addr().map_err(not_there)?;
    let (console, origin, key) = (setting.console, keeper.origin().to_string(), log.keys()[0].to_string());
    let stopped = async {
        // Whoever reads the line below may stop it at once.
        let Ok(asked) = system::asked_to_stop() else { return };
        console.result(json!({ "origin": origin, "key": key, "url": format!("http://{address}") }), |out| {
            let said = words!("the keeper listens at http://{address}", "預かる側は http://{address} で待っています");
            writeln!(out, "{}", console.say(said))?;
            writeln!(out, "{key}")
        });
        asked.await;
    };
    let settings = Settings {
        limits: Limits::default(),
        admission: Admission::Open(u64::MAX),
        proxy: None,
        addresses: false,
        metrics: true,
        lines: Box::new(|line| eprintln!("{line}")),
        clock: Box::new(crate::keeper::unix_seconds),
        random: Box::new(random),
    };
    serve(Listening { listener, certificates: None, metrics: None }, keeper, log, settings, stopped).map_err(not_there)
}

fn open(folder: &Path) -> Outcome<(EmbeddedKeeper, EmbeddedLog)> {
    let seeds = Seeds { origin: random(), log_key: Zeroizing::new(random()) };
    let keeper = EmbeddedKeeper::init_embedded(folder, &seeds).map_err(Failure::from)?;
    let log = EmbeddedLog::open(folder, &keeper).map_err(Failure::from)?;
    Ok((keeper, log))
}

fn cannot_listen(address: SocketAddr, error: std::io::Error) -> Failure {
    Failure::fixable(words!("cannot listen at {address}: {error}", "{address} で待ち受けられません（{error}）"))
        .hint(words!(
            "Choose another port, or stop what uses this one.",
            "別のポートを選ぶか、そのポートを使っているものを止めてください。"
        ))
        .source(error)
}
