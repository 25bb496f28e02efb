//! hizo: safekeeping and protection of trade secrets, at the terminal.

mod bundle;
mod cards;
mod composing;
mod consents;
mod console;
mod contents;
mod desk;
mod directory;
mod dropped;
mod entropy;
mod epochs;
mod eras;
mod failure;
mod features;
mod folder;
mod founding;
mod handover;
mod hashing;
#[cfg(test)]
#[path = "../../histories.rs"]
mod histories;
mod home;
mod keeper;
mod kept;
mod lanes;
mod log;
mod membership;
mod naming;
mod newcomer;
mod office;
mod packing;
mod paper;
mod parties;
mod passphrase;
mod people;
mod prepared;
mod queue;
mod receipts;
mod register;
mod rotation;
mod safe;
#[cfg(test)]
#[path = "../../say_aloud.rs"]
mod say_aloud;
mod side;
mod sides;
mod stages;
mod stamps;
mod system;
mod there;
mod unpacking;
mod view;
mod words;

use std::panic::UnwindSafe;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::parser::ValueSource;
use clap::{CommandFactory as _, FromArgMatches as _, Parser, Subcommand};
use hizo_ledger::id::SeriesId;
use hizo_ledger::record::{Record, Role};
use hizo_vault::keys::IdentityFile;
use zeroize::Zeroizing;

use crate::console::Console;
use crate::contents::Opened;
use crate::failure::{Failure, Kind, Outcome};
use crate::home::{Device, Home};
use crate::queue::Queue;
use crate::safe::{Keyring, Safe};
use crate::view::View;
use crate::words::{Language, words};

/// Keep a company's secrets sealed, and prove later what was held and since when
#[derive(Debug, Parser)]
#[command(name = "hizo", version, max_term_width = 100, disable_help_subcommand = true)]
struct Arguments {
    /// The folder of this machine's safe
    #[arg(long, global = true, value_name = "DIR", env = "HIZO_HOME")]
    home: Option<PathBuf>,
    /// Where the keeper is, https://…; else where it was when the safe was set up
    #[arg(long, global = true, value_name = "URL", env = "HIZO_KEEPER")]
    keeper: Option<String>,
    /// A file whose first line is the passphrase
    #[arg(long, global = true, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
    /// An open file descriptor whose first line is the passphrase
    #[arg(long, global = true, value_name = "N", conflicts_with = "passphrase_file")]
    passphrase_fd: Option<u32>,
    /// Print the result as JSON
    #[arg(long, global = true)]
    json: bool,
    /// Print the result only
    #[arg(short, long, global = true)]
    quiet: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Init(features::init::command::Arguments),
    Deposit(features::deposit::command::Arguments),
    List(features::list::command::Arguments),
    Show(features::show::command::Arguments),
    Status(features::status::command::Arguments),
    Send(features::send::command::Arguments),
    Restore(features::restore::command::Arguments),
    Check(features::check::command::Arguments),
    Export(features::export::command::Arguments),
    Diff(features::diff::command::Arguments),
    Proof(features::proof::command::Arguments),
    Verify(features::verify::command::Arguments),
    Log(features::log::command::Arguments),
    Move(features::moving::command::Arguments),
    Keeper(features::keeper::command::Arguments),
    Space(features::space::command::Arguments),
    Case(features::case::command::Arguments),
    Consent(features::handover::consent::Arguments),
    HandOver(features::handover::command::Arguments),
    Office(features::office::command::Arguments),
    Directory(features::directory::command::Arguments),
    Recovery(features::recovery::command::Arguments),
    Watch(features::watch::command::Arguments),
    Desk(features::desk::command::Arguments),
    Witness(features::witness::command::Arguments),
    Completions(features::shell::command::CompletionsArguments),
    Man(features::shell::command::ManArguments),
    Try(features::try_it::command::Arguments),
}

impl Command {
    /// Whether a person who runs it wants to know that a scheduled deposit was missed.
    fn is_about_what_is_kept(&self) -> bool {
        !matches!(
            self,
            Self::Init(_)
                | Self::Try(_)
                | Self::Watch(_)
                | Self::Desk(_)
                | Self::Witness(_)
                | Self::Keeper(_)
                | Self::Move(_)
                | Self::Space(_)
                | Self::Case(_)
                | Self::Consent(_)
                | Self::HandOver(_)
                | Self::Office(_)
                | Self::Directory(_)
                | Self::Verify(_)
                | Self::Completions(_)
                | Self::Man(_)
        )
    }
}

fn main() -> ExitCode {
    let language = Language::of_environment();
    answer_for(language, || run(language))
}

/// A panic is a fault of ours, and says so with the exit code of one.
fn answer_for(language: Language, run: impl FnOnce() -> ExitCode + UnwindSafe) -> ExitCode {
    std::panic::catch_unwind(run).unwrap_or_else(|_| {
        let console = Console { json: false, quiet: false, language };
        console.failed(&Failure::internal_message(words!("hizo stopped inside", "hizo が途中で止まりました")));
        ExitCode::from(Kind::Internal as u8)
    })
}

fn run(language: Language) -> ExitCode {
    let arguments = match understand(language) {
        Ok(arguments) => arguments,
        Err(done) => return done,
    };
    let setting = Setting {
        home: arguments.home,
        keeper: arguments.keeper,
        passphrase: passphrase::Source { file: arguments.passphrase_file, descriptor: arguments.passphrase_fd },
        console: Console { json: arguments.json, quiet: arguments.quiet, language },
    };
    let done = match &arguments.command {
        Command::Init(arguments) => features::init::command::run(&setting, arguments),
        Command::Deposit(arguments) => features::deposit::command::run(&setting, arguments),
        Command::List(arguments) => features::list::command::run(&setting, arguments),
        Command::Show(arguments) => features::show::command::run(&setting, arguments),
        Command::Status(arguments) => features::status::command::run(&setting, arguments),
        Command::Send(arguments) => features::send::command::run(&setting, arguments),
        Command::Restore(arguments) => features::restore::command::run(&setting, arguments),
        Command::Check(arguments) => features::check::command::run(&setting, arguments),
        Command::Export(arguments) => features::export::command::run(&setting, arguments),
        Command::Diff(arguments) => features::diff::command::run(&setting, arguments),
        Command::Proof(arguments) => features::proof::command::run(&setting, arguments),
        Command::Verify(arguments) => features::verify::command::run(&setting, arguments),
        Command::Log(arguments) => features::log::command::run(&setting, arguments),
        Command::Move(arguments) => features::moving::command::run(&setting, arguments),
        Command::Keeper(arguments) => features::keeper::command::run(&setting, arguments),
        Command::Space(arguments) => features::space::command::run(&setting, arguments),
        Command::Case(arguments) => features::case::command::run(&setting, arguments),
        Command::Consent(arguments) => features::handover::consent::run(&setting, arguments),
        Command::HandOver(arguments) => features::handover::command::run(&setting, arguments),
        Command::Office(arguments) => features::office::command::run(&setting, arguments),
        Command::Directory(arguments) => features::directory::command::run(&setting, arguments),
        Command::Recovery(arguments) => features::recovery::command::run(&setting, arguments),
        Command::Witness(arguments) => features::witness::command::run(&setting, arguments),
        Command::Desk(arguments) => features::desk::command::run(&setting, arguments),
        Command::Watch(arguments) => features::watch::command::run(&setting, arguments),
        Command::Completions(arguments) => features::shell::command::completions(&setting, arguments),
        Command::Man(arguments) => features::shell::command::man(&setting, arguments),
        Command::Try(arguments) => features::try_it::command::run(&setting, arguments),
    };
    if done.is_ok() && arguments.command.is_about_what_is_kept() {
        features::watch::command::remind(&setting);
        features::directory::update::remind(&setting);
    }
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            setting.console.failed(&failure);
            ExitCode::from(failure.kind as u8)
        }
    }
}

/// The command line as it was meant; help and version are answered here.
fn understand(language: Language) -> Result<Arguments, ExitCode> {
    let matches = words::help::speak_to_person(Arguments::command(), language).try_get_matches();
    let understood = matches.and_then(|matches| {
        let mut arguments = Arguments::from_arg_matches(&matches)?;
        let of_command = matches.subcommand().and_then(|(_, command)| command.value_source("keeper"));
        let is_said = [of_command, matches.value_source("keeper")].contains(&Some(ValueSource::CommandLine));
        if matches!(arguments.command, Command::Try(_)) && !is_said {
            // A round leaves something at a keeper elsewhere: it goes there when that is asked for, and not by a variable.
            arguments.keeper = None;
        }
        Ok(arguments)
    });
    let error = match understood {
        // Given before and after the command's name, they are not compared by the parser.
        Ok(arguments) if arguments.passphrase_file.is_some() && arguments.passphrase_fd.is_some() => {
            let both = "the argument '--passphrase-fd <N>' cannot be used with '--passphrase-file <FILE>'";
            clap::Error::raw(clap::error::ErrorKind::ArgumentConflict, both)
        }
        Ok(arguments) => return Ok(arguments),
        Err(error) => error,
    };
    if !error.use_stderr() {
        // A reader that closed its end of the pipe has seen enough.
        let _ = error.print();
        return Err(ExitCode::SUCCESS);
    }
    let (message, hint) = words::help::misunderstood(&error);
    let console = Console { json: false, quiet: false, language };
    console.failed(&Failure::new(Kind::Usage, message).hint(hint));
    Err(ExitCode::from(Kind::Usage as u8))
}

/// What every command knows.
struct Setting {
    home: Option<PathBuf>,
    keeper: Option<String>,
    passphrase: passphrase::Source,
    console: Console,
}

impl Setting {
    /// The home folder that was named, or the one in its usual place.
    fn home_folder(&self) -> Outcome<PathBuf> {
        if let Some(home) = &self.home {
            return Ok(home.clone());
        }
        let home = std::env::home_dir().filter(|home| !home.as_os_str().is_empty());
        home.map(|home| home.join(".hizo")).ok_or_else(|| {
            Failure::new(
                Kind::Usage,
                words!("this account has no home folder", "このアカウントにはホームフォルダーがありません"),
            )
            .hint(words!("Name a folder with --home.", "--home でフォルダーを指定してください。"))
        })
    }

    /// The home, with its keeper at the address that was named, if one was.
    fn home(&self) -> Outcome<Home> {
        let home = Home::open(&self.home_folder()?)?;
        match &self.keeper {
            Some(address) => home.reached_at(address),
            None => Ok(home),
        }
    }

    /// The safe of the home folder, followed and checked; what waited for its keeper has been sent, and who was to be removed by
    /// now is removed.
    fn safe(&self) -> Outcome<Safe> {
        let mut safe = self.safe_before_due()?;
        features::space::due::on_the_way(self, &mut safe);
        rotation::on_the_way(self, &mut safe);
        Ok(safe)
    }

    /// As [`Setting::safe`], for whoever looks himself at what is due.
    fn safe_before_due(&self) -> Outcome<Safe> {
        let mut safe = Safe::open(self.home()?)?;
        self.send_what_waits(&mut safe)?;
        self.warn_of_who_waits(&safe);
        Ok(safe)
    }

    /// Has who was to be removed by now removed, and says what came of it; nothing where nobody was.
    fn do_what_is_due(&self) {
        let orders = self.home().and_then(|home| prepared::Orders::of(&home));
        if orders.is_ok_and(|orders| !orders.due().0.is_empty()) {
            // A keeper that cannot be reached is told of by whatever runs beside this.
            let _ = self.safe();
        }
    }

    /// As [`Setting::safe`]; where the keeper cannot be reached, with what this machine has at hand.
    fn safe_at_hand(&self) -> Outcome<Safe> {
        let (mut safe, why) = Safe::open_at_hand(self.home()?)?;
        match why {
            Some(failure) if failure.is_unreachable() => self.console.warn(words!(
                "{address} cannot be reached: this is what this machine knew last and has at hand",
                "{address} につながりません。このコンピューターが前回までに知ったこと、手元にあるものだけを扱います",
                address = safe.home.address().unwrap_or_default()
            )),
            Some(Failure { message: why, .. }) => self.console.warn(words!(
                "{why}. This is what this machine knew last and has at hand; set the clock",
                "{why}。このコンピューターが前回までに知ったこと、手元にあるものだけを扱います。時計を合わせてください";
                why
            )),
            None => {
                self.send_what_waits(&mut safe)?;
                features::space::due::on_the_way(self, &mut safe);
                rotation::on_the_way(self, &mut safe);
            }
        }
        self.warn_of_set_aside(&safe.set_aside);
        self.warn_of_who_waits(&safe);
        Ok(safe)
    }

    /// Sends what waits for the keeper. What cannot be sent goes on waiting, and keeps no command from its work.
    fn send_what_waits(&self, safe: &mut Safe) -> Outcome<()> {
        let mut sent = queue::Sent::default();
        let done = self.send(safe, &mut sent);
        for kept in &sent.kept {
            let (id, number, series) = (kept.id, kept.number, kept.series);
            self.console.note(words!(
                "sent what waited: {id} is kept as deposit {number} of series id:{series}",
                "待っていたものを送りました: {id} を、束 id:{series} の第{number}回として預けました"
            ));
        }
        self.warn_of_set_aside(&sent.aside);
        match done {
            Err(failure) if matches!(failure.kind, Kind::False | Kind::Lying | Kind::Internal) => Err(failure),
            Err(Failure { message: why, .. }) => {
                self.console.warn(words!(
                    "what waits for the keeper is not sent yet: {why}",
                    "待っているものは、まだ送れていません: {why}";
                    why
                ));
                Ok(())
            }
            Ok(()) => Ok(()),
        }
    }

    /// Sends what waits, and shows how far it has come.
    fn send(&self, safe: &mut Safe, sent: &mut queue::Sent) -> Outcome<()> {
        let bytes = Queue::of(&safe.home).bytes_to_send()?;
        let bar = self.console.progress(words!("sending", "送信中"), bytes);
        queue::send(safe, false, sent, &|bytes| bar.add(bytes))
    }

    fn warn_of_set_aside(&self, aside: &[queue::SetAside]) {
        aside.iter().for_each(|aside| self.console.warn(aside.words()));
    }

    fn warn_of_who_waits(&self, safe: &Safe) {
        if let Some(waiting) = safe.chain.waiting() {
            self.console.warn(cards::waits(waiting));
        }
    }

    /// The safe's secrets, opened with the passphrase.
    fn unlock(&self, safe: &Safe) -> Outcome<Keyring> {
        self.unlock_with(safe, &safe::open_identity(&safe.home, &self.read_passphrase()?)?)
    }

    /// The same, with an identity that was opened.
    fn unlock_with(&self, safe: &Safe, identity: &IdentityFile) -> Outcome<Keyring> {
        let keyring = safe.unlock_with(identity)?;
        handover::guard(safe, &keyring, identity)?;
        self.warn_of_doubts(&keyring);
        Ok(keyring)
    }

    /// What is not known for certain of the members.
    fn warn_of_doubts(&self, keyring: &Keyring) {
        keyring.doubts.iter().for_each(|doubt| self.console.warn(doubt.clone()));
    }

    /// To whom new keys would be closed, for whoever may begin an epoch.
    fn warn_of_left_out(&self, safe: &Safe, keyring: &Keyring) -> Outcome<()> {
        membership::left_out(safe, keyring)?.into_iter().for_each(|words| self.console.warn(words));
        Ok(())
    }

    fn read_passphrase(&self) -> Outcome<Zeroizing<String>> {
        self.passphrase.read()
    }

    /// Makes sure that this machine knows which series the name stands for, if there may be one it has not met.
    fn name_series(&self, safe: &mut Safe, device: &Device, name: &str) -> Outcome<()> {
        let known = safe.home.series_by_name(device, name)?.is_some();
        let can_open = self.passphrase.is_given() && safe.home.identity_file().exists();
        if known || safe.knows_all_series()? || !can_open {
            return Ok(());
        }
        let identity = safe::open_identity(&safe.home, &self.read_passphrase()?)?;
        if safe.role_of(&identity) == Some(Role::Writer) {
            return Ok(());
        }
        let keyring = self.unlock_with(safe, &identity)?;
        let view = View::of(Opened { safe, keyring: &keyring })?;
        view.remember_names(safe, device)?;
        if safe.home.series_by_name(device, name)?.is_none() {
            let known = safe.home.known_series()?;
            let is_strange = |id: &SeriesId| known.iter().all(|series| series.id != *id);
            let nameless = view.series.iter().find(|(id, series)| series.name.is_none() && is_strange(id));
            if let Some((id, _)) = nameless {
                self.console.warn(words!(
                    "a series whose name cannot be read, id:{id}, may be {name}; this deposit begins a new one",
                    "名前を読めない束（id:{id}）が「{name}」かもしれませんが、新しい束として預けます"
                ));
            }
        }
        Ok(())
    }

    /// The record of the deposit that a person named; it is said when what was said of it is lost.
    fn find<'a>(&self, view: &View, opened: Opened<'a>, named: &str) -> Outcome<&'a Record> {
        let record = view.find(opened, named)?;
        if let Some(unreadable) = view.unreadable(record) {
            let (id, reason) = (&record.id().to_string()[..12], unreadable.failure.message.clone());
            self.console.warn(words!(
                "what was said of deposit {id} cannot be read, only what it holds: {reason}",
                "預け入れ {id} に添えられた説明を読めません。中身だけを扱います: {reason}";
                reason
            ));
        }
        Ok(record)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_ends_with_the_code_of_our_fault() {
        let code = |run: fn() -> ExitCode| format!("{:?}", answer_for(Language::English, run));
        assert_eq!(code(|| panic!("on purpose")), format!("{:?}", ExitCode::from(70)));
        assert_eq!(code(|| ExitCode::from(3)), format!("{:?}", ExitCode::from(3)));
    }
}
