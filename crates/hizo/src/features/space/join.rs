//! `hizo space join`

use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};

use hizo_ledger::record::Role;
use hizo_vault::joining::Invite;
use hizo_vault::keys::IdentityFile;
use serde_json::json;

use super::entering;
use crate::contents::Opened;
use crate::failure::{Failure, Kind, Outcome, shown};
use crate::home::{self, Device, Home};
use crate::newcomer::{Asks, Called, Waiting, ask_for, begun, is_begun, make};
use crate::passphrase::NewPassphrase;
use crate::safe::{self, Safe};
use crate::view::View;
use crate::words::words;
use crate::{Setting, membership};

/// Join a safe: with an invite, write a request; once an admin has let you in, without one, finish
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The invite that an admin sent
    #[arg(value_name = "INVITE", requires = "to")]
    invite: Option<PathBuf>,
    /// What the others call you
    #[arg(long, value_name = "NAME", requires = "invite")]
    name: Option<String>,
    /// What you call this machine
    #[arg(long, value_name = "NAME", requires = "invite", default_value = "machine")]
    machine: String,
    /// The identity file of a safe you have joined on another machine: this one is added to it
    #[arg(long, value_name = "FILE", requires = "invite")]
    identity: Option<PathBuf>,
    /// The home of your organisation's own safe, where you are a member: you join for it, and what it reads you read
    #[arg(long, value_name = "DIR", requires = "invite", conflicts_with = "identity")]
    organisation: Option<PathBuf>,
    /// The file to write the request to, to be sent back
    #[arg(long, value_name = "FILE", requires = "invite")]
    to: Option<PathBuf>,
    /// The eight words that the admin reads out to you; without them they are asked for
    #[arg(long, value_name = "WORDS", conflicts_with = "invite")]
    words: Option<String>,
}

pub(super) fn run(setting: &Setting, arguments: &Arguments) -> Outcome<()> {
    match (&arguments.invite, &arguments.to) {
        (Some(invite), Some(to)) => begin(setting, arguments, invite, to),
        _ => finish(setting, arguments),
    }
}

fn begin(setting: &Setting, arguments: &Arguments, invite: &Path, to: &Path) -> Outcome<()> {
    let Some(name) = arguments.name.clone().filter(|name| !name.is_empty()) else {
        return Err(Failure::new(Kind::Usage, words!("your name is needed", "名前が必要です")).hint(words!(
            "Say with --name what the others call you.",
            "ほかのメンバーに見せる名前を --name で指定してください。"
        )));
    };
    let called = Called { name: &name, machine: &arguments.machine };
    called.check()?;
    let invited = home::read_invite(invite)?;
    let folder = setting.home_folder()?;
    let (identity, device) = match is_begun(&folder, &invited)? {
        true => {
            let begun = begun(&folder, &setting.read_passphrase()?)?;
            // For himself he was asked for already: the same request serves both.
            if let Some(own_space) = &arguments.organisation {
                ask_for(&folder, &invited, Some(&Home::open(own_space)?))?;
            }
            begun
        }
        false => prepare(setting, arguments, &folder, &invited)?,
    };
    let asks = Asks::of(&invited, called, &identity, &device);
    home::write_to_send(to, &asks.request)?;
    tell_begun(setting, to, &membership::read_out(setting, &asks.words), arguments.organisation.is_some());
    Ok(())
}

/// Keys of this machine and, unless he brings them, of its owner.
fn prepare(
    setting: &Setting,
    arguments: &Arguments,
    folder: &Path,
    invited: &Invite,
) -> Outcome<(IdentityFile, Device)> {
    Home::is_free(folder)?;
    let own_space = arguments.organisation.as_ref().map(|folder| Home::open(folder)).transpose()?;
    let brought = own_space.as_ref().map(Home::identity_file).or_else(|| arguments.identity.clone());
    let passphrase = match brought {
        Some(_) => NewPassphrase::given(setting.read_passphrase()?),
        None => setting.passphrase.for_something_new()?,
    };
    let made = make(folder, invited, brought.as_deref(), own_space.as_ref(), &passphrase.text)?;
    passphrase.tell(setting.console, &words!("the safe", "金庫"));
    Ok(made)
}

fn tell_begun(setting: &Setting, to: &Path, spoken: &str, is_for_organisation: bool) {
    let result = json!({ "request": to.to_string_lossy(), "words": spoken });
    if is_for_organisation {
        setting.console.result(result, |out| {
            let written = words!("request written to {file}", "参加願を {file} に書きました", file = shown(to));
            writeln!(out, "{}", setting.console.say(written))
        });
        setting.console.note(words!(
            "next: whoever holds your organisation's key runs `hizo office delegate` with it, and sends what comes of it to the admin; once eight words are read to you, run `hizo space join`",
            "次に: 機関の鍵を持つ人が `hizo office delegate` で委任し、できたファイルを金庫の管理者に送ります。8語を読み上げてもらったら、`hizo space join` を実行してください"
        ));
        return;
    }
    setting.console.result(result, |out| {
        let written = words!(
            "request written to {file}; send it to the admin",
            "参加願を {file} に書きました。管理者に送ってください",
            file = shown(to)
        );
        writeln!(out, "{}", setting.console.say(written))?;
        let say = words!(
            "when the admin calls, read out these ten words:",
            "管理者から電話が来たら、次の10語を読み上げてください:"
        );
        writeln!(out, "{}\n\n    {spoken}\n", setting.console.say(say))
    });
    setting.console.note(words!(
        "next: once the admin has let you in and read eight words to you, run `hizo space join`",
        "次に: 管理者が参加を認め、8語を読み上げたら、`hizo space join` を実行してください"
    ));
}

fn finish(setting: &Setting, arguments: &Arguments) -> Outcome<()> {
    let folder = setting.home_folder()?;
    let waiting = Waiting::of(&folder)?;
    let question =
        words!("Type the eight words that the admin reads to you:", "管理者が読み上げる8語を入力してください:");
    waiting.compare(&entering::heard(setting, arguments.words.as_deref(), question)?)?;
    // Before anything is settled: a wrong passphrase is a reason to run this again.
    let identity = own_identity(setting, &waiting.safe)?;
    identity.as_ref().map(|identity| waiting.settle_for(identity)).transpose()?;
    let safe = waiting.enter()?;
    let learnt = identity.map(|identity| learn_names(setting, &safe, &identity)).transpose();
    let (space, members) = (safe.home.space.to_string(), safe.chain.members().count());
    let names = learnt.as_ref().ok().copied().flatten();
    let result = json!({ "home": folder.to_string_lossy(), "space": space, "members": members, "series": names });
    setting.console.result(result, |out| {
        let folder = shown(&folder);
        let joined = words!("{folder} is a home of the safe now", "{folder} で金庫を使えるようになりました");
        writeln!(out, "{}", setting.console.say(joined))?;
        let advice = words!(
            "keep copies of identity.age and of the invite elsewhere: with both and the passphrase you come back when this machine is gone",
            "鍵ファイル identity.age と招待状の控えを別の場所に置いてください。コンピューターを失っても、この2つとパスフレーズで元に戻せます"
        );
        writeln!(out, "{}", setting.console.say(advice))
    });
    // It is a home all the same.
    learnt.map(drop)
}

/// The identity of this home, if it opens the safe and can be had: only whoever opens it can tell which series there are.
fn own_identity(setting: &Setting, safe: &Safe) -> Outcome<Option<IdentityFile>> {
    if !setting.passphrase.is_given() && !std::io::stdin().is_terminal() {
        return Ok(None);
    }
    let identity = safe::open_identity(&safe.home, &setting.read_passphrase()?)?;
    Ok(Some(identity).filter(|identity| safe.role_of(identity).is_some_and(Role::opens)))
}

/// Has this machine know the series that there are, so that it deposits into the same ones: how many.
fn learn_names(setting: &Setting, safe: &Safe, identity: &IdentityFile) -> Outcome<usize> {
    // Nothing of what is kept is shown, so that a hand-over may still be closed.
    let keyring = safe.unlock_with(identity)?;
    setting.warn_of_doubts(&keyring);
    let view = View::of(Opened { safe, keyring: &keyring })?;
    view.remember_names(safe, &safe.home.device()?)?;
    Ok(view.series.len())
}
