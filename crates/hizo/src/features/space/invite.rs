//! `hizo space invite`

use std::path::PathBuf;

use serde_json::json;

use crate::failure::{Outcome, shown};
use crate::words::words;
use crate::{Setting, home};

/// Write an invite: which safe it is and where it is kept, for somebody who is to join it
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The file to write, to be sent to the person
    #[arg(long, value_name = "FILE")]
    to: PathBuf,
}

pub(super) fn run(setting: &Setting, arguments: &Arguments) -> Outcome<()> {
    let invite = setting.safe()?.invite_to_join()?;
    home::write_to_send(&arguments.to, &invite.compose())?;
    let result = json!({ "invite": arguments.to.to_string_lossy() });
    setting.console.result(result, |out| {
        let written = words!("invite written to {file}", "招待状を {file} に書きました", file = shown(&arguments.to));
        writeln!(out, "{}", setting.console.say(written))
    });
    setting.console.note(words!(
        "next: send it to the person, who runs `hizo space join` with it and sends a request back; then `hizo space admit`",
        "次に: 相手に送ってください。相手は `hizo space join` で参加願を作って送り返します。届いたら `hizo space admit` を実行します"
    ));
    Ok(())
}
