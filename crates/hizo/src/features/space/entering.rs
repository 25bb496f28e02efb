//! What the acts of this feature have in common: words that people compare, and records that change who is a member.

use std::collections::BTreeSet;
use std::io::{self, BufRead as _, IsTerminal as _, Write};
use std::sync::Arc;

use hizo_vault::event::Event;
use hizo_vault::keys::IdentityFile;

use crate::Setting;
use crate::cards::CardSet;
use crate::contents::Opened;
use crate::failure::{Failure, Kind, Outcome};
use crate::membership::{self, Change, Made, Proposing};
use crate::safe::{self, Keyring, Safe};
use crate::view::View;
use crate::words::{Words, words};

pub(crate) use crate::membership::other_words;

/// The words that somebody heard: given on the command line, or typed now.
pub(crate) fn heard(setting: &Setting, given: Option<&str>, question: Words) -> Outcome<String> {
    if let Some(given) = given {
        return Ok(given.to_owned());
    }
    let stdin = std::io::stdin();
    let mut line = String::new();
    if stdin.is_terminal() {
        setting.console.beside(&setting.console.say(question));
        stdin.lock().read_line(&mut line).map_err(|error| Failure::file("read", "standard input".as_ref(), error))?;
    }
    if line.trim().is_empty() {
        return Err(Failure::new(
            Kind::Usage,
            words!("the words that you heard are needed", "聞き取った言葉が必要です"),
        )
        .hint(words!(
            "Call the person, by a number that you knew before, and give the words you hear with --words.",
            "以前から知っている番号に電話し、聞いた言葉を --words で指定してください。"
        )));
    }
    Ok(line)
}

/// Somebody who opens the safe as its admin.
pub(crate) struct Admin {
    pub identity: Arc<IdentityFile>,
    pub keyring: Keyring,
}

impl Admin {
    /// # Errors
    /// When this home's identity is not an admin of the safe.
    pub(crate) fn of(setting: &Setting, safe: &Safe) -> Outcome<Self> {
        let admin = Self::unheeded(setting, safe)?;
        admin.keyring.people()?.heed(safe, &[])?;
        Ok(admin)
    }

    /// The same, whatever members say falsely: for whoever then asks [`crate::people::People::heed`].
    pub(crate) fn unheeded(setting: &Setting, safe: &Safe) -> Outcome<Self> {
        Self::by(setting, safe, safe::open_identity(&safe.home, &setting.read_passphrase()?)?.into())
    }

    /// The same with an identity that was opened.
    pub(crate) fn by(setting: &Setting, safe: &Safe, identity: Arc<IdentityFile>) -> Outcome<Self> {
        let admin = Self::silently(safe, identity)?;
        setting.warn_of_doubts(&admin.keyring);
        setting.warn_of_left_out(safe, &admin.keyring)?;
        Ok(admin)
    }

    /// The same without warnings: a page shows them where they belong.
    pub(crate) fn silently(safe: &Safe, identity: Arc<IdentityFile>) -> Outcome<Self> {
        membership::check_admin(safe, &identity)?;
        let keyring = safe.unlock_unheeded(&identity)?;
        Ok(Self { identity, keyring })
    }

    /// Makes a change as this admin.
    pub(crate) fn make(&self, change: Change, safe: &mut Safe, proposing: &Proposing) -> Outcome<Made> {
        change.make(safe, &self.identity, &self.keyring, proposing)
    }

    /// The safe with what this admin opens of it.
    pub(crate) fn opened<'a>(&'a self, safe: &'a Safe) -> Opened<'a> {
        Opened { safe, keyring: &self.keyring }
    }
}

/// Writes the words by which somebody who was just let in finds that it is this safe, and what to do with them.
pub(super) fn write_words(out: &mut dyn Write, setting: &Setting, spoken: &str) -> io::Result<()> {
    let say = words!(
        "read these eight words to that person, who types them into `hizo space join`:",
        "次の8語を相手に読み上げてください。相手は `hizo space join` に入力します:"
    );
    writeln!(out, "{}\n\n    {spoken}\n", setting.console.say(say))
}

/// What a newcomer who gets no history has to be told again: what the safe and its series are called, whose each present
/// member's key is, to which recovery cards new epochs are sealed, and in a hand-over what the company consented to.
pub(crate) fn retold(safe: &Safe, admin: &Admin) -> Outcome<Vec<Event>> {
    let opened = admin.opened(safe);
    let people = admin.keyring.people()?;
    let view = View::of(opened)?;
    let mut events: Vec<Event> = view.name.map(|name| Event::SpaceFounded { name }).into_iter().collect();
    for (id, series) in view.series {
        let (Some(name), Some(class)) = (series.name, series.class) else { continue };
        events.push(Event::SeriesNamed { series: id.to_string(), name, class });
    }
    let mut pinned = BTreeSet::new();
    for (key, _) in safe.chain.members() {
        let Some(said) = people.said(&key) else { continue };
        events.push(Event::KeyCertified(said.clone()));
        let identity = people.certificates.of(&key).map(|certificate| certificate.identity);
        if let Some((identity, card)) = identity.and_then(|it| Some((it, people.delegations.organisation_of(&it)?))) {
            if pinned.insert(card.key) {
                events.push(membership::pins(card));
            }
            if pinned.insert(identity) {
                events.extend(people.delegations.said_of(&identity).cloned());
            }
        }
        let (text, is_machine) = (key.to_base64(), people.is_machine(&key));
        events.extend(people.name(&key).map(|name| match is_machine {
            true => Event::DeviceAdded { key: text, name: name.to_owned() },
            false => Event::MemberAdded { key: text, name: name.to_owned() },
        }));
    }
    events.extend(CardSet::of(opened)?.map(|cards| cards.said));
    events.extend(people.company().map(|company| Event::Consent(company.said.clone())));
    Ok(events)
}
