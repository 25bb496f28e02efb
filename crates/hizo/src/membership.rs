//! Records that change who is a member, or only say something: made in one way, whatever they are for.

use std::path::Path;

use hizo_ledger::id::RecordId;
use hizo_ledger::identity::VerifyingKey;
use hizo_ledger::record::{Control, Role};
use hizo_ledger::space::Chain;
use hizo_vault::age::Recipient;
use hizo_vault::event::certificate::Certificate;
use hizo_vault::event::{self, Event};
use hizo_vault::fingerprint::{Spoken, WordList};
use hizo_vault::joining::{REQUEST_BYTES_MAX, Request, UnverifiedRequest};
use hizo_vault::keys::IdentityFile;
use hizo_vault::organisation::{self, Card, DelegatedRequest, UnverifiedDelegatedRequest};

use crate::contents::Opened;
use crate::epochs::{self, NewEpoch};
use crate::failure::{Failure, Outcome, shown};
use crate::receipts;
use crate::safe::{self, Draft, Safe};
use crate::words::{Language, words};
use crate::{Setting, bundle};

/// What a member may do, as it is said on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum RoleWord {
    /// Reads, deposits, and changes who is a member
    Admin,
    /// Reads
    Reader,
    /// Deposits, and cannot open anything
    Writer,
    /// Reads and deposits
    #[value(name = "reader+writer")]
    ReaderWriter,
}

impl RoleWord {
    /// The role of the person's own key.
    pub(crate) const fn role(self) -> Role {
        match self {
            Self::Admin => Role::Admin,
            Self::Reader => Role::Reader,
            Self::Writer => Role::Writer,
            Self::ReaderWriter => Role::ReaderWriter,
        }
    }
}

/// A record that changes who is a member, or without control lines one that says something.
#[derive(Default)]
pub(crate) struct Change {
    pub controls: Vec<Control>,
    pub events: Vec<Event>,
    /// What its body is sealed to, if it begins an epoch.
    recipient: Option<Recipient>,
}

/// A record that stands, and whether the keeper has promised to log it: without that promise a keeper could forget who was
/// removed, and nobody could hold it to anything. What was done is told first; it is done all the same.
pub(crate) struct Appended {
    pub id: RecordId,
    pub promised: Outcome<()>,
}

impl Change {
    /// One that changes nobody, and says this.
    pub(crate) fn saying(events: Vec<Event>) -> Self {
        Self { events, ..Self::default() }
    }

    /// Makes a certified key a member.
    pub(crate) fn seat(&mut self, certificate: &Certificate, role: Role) {
        self.controls.push(Control::Member { key: certificate.key, role });
        let session = certificate.session.map(|session| Control::Session { member: certificate.key, session });
        self.controls.extend(session);
    }

    /// Has the record begin an epoch for these readers.
    pub(crate) fn begin_epoch(&mut self, opened: Opened, readers: &[Recipient]) -> Outcome<()> {
        let NewEpoch { recipient, controls } = epochs::begin(opened, readers, None)?;
        self.controls.extend(controls);
        self.recipient = Some(recipient);
        Ok(())
    }

    /// Gives somebody every earlier epoch that the admin opens.
    pub(crate) fn give_history(&mut self, opened: Opened, to: &Recipient) -> Outcome<()> {
        for (epoch, secret) in opened.keyring.epochs() {
            self.controls.push(epochs::wrap(opened.safe, epoch, secret, std::slice::from_ref(to))?);
        }
        Ok(())
    }

    /// Has somebody whose keys were checked come with a machine: both become members, and the record says whose they are.
    pub(crate) fn let_in(&mut self, request: &Request, role: Role) {
        self.seat(&request.person, role);
        self.seat(&request.device, of_machine(role));
        let key = request.person.key.to_base64();
        self.events.push(Event::KeyCertified(request.said.person.clone()));
        self.events.push(Event::MemberAdded { key, name: request.said.name.clone() });
        self.events.extend(machine_events(request));
    }

    /// Appends it, unless who is a member has changed meanwhile.
    pub(crate) fn append(self, safe: &mut Safe, identity: &IdentityFile) -> Outcome<Appended> {
        let id = self.append_unanswered(safe, identity)?;
        Ok(Appended { id, promised: receipts::answer(safe, id).holds() })
    }

    /// The same, without asking for the keeper's promise: whoever leaves by this record is not answered any more.
    pub(crate) fn append_unanswered(self, safe: &mut Safe, identity: &IdentityFile) -> Outcome<RecordId> {
        let recipient = match self.recipient {
            Some(recipient) => recipient,
            None => safe.recipient()?,
        };
        if event::compose(&self.events).len() > event::BODY_BYTES_MAX {
            return Err(Failure::fixable(words!(
                "there is more to say at once than a record holds",
                "一度に記録できる量を超えています"
            ))
            .hint(words!(
                "Let a newcomer in with --history; in a consent, name folders in place of the files in them.",
                "新しいメンバーなら --history を付けて加え、同意ならファイルの代わりにフォルダーを指定してください。"
            )));
        }
        let body = safe.put(safe::seal_body(&self.events, &recipient)?)?;
        let draft = Draft { body: Some(body), deposit: None, controls: self.controls };
        let key = identity.signing_seed.space_key(&safe.home.space);
        let (epoch, members, cards) = (safe.chain.epoch(), members(&safe.chain), safe.chain.recovery());
        safe.append(&key, &draft, |chain| {
            chain.epoch() == epoch && self::members(chain) == members && chain.recovery() == cards
        })
    }
}

fn members(chain: &Chain) -> Vec<(VerifyingKey, Role)> {
    chain.members().collect()
}

/// The role of a machine whose owner has this one. A machine opens nothing; one that may not deposit still has to speak with
/// the keeper.
pub(crate) const fn of_machine(owner: Role) -> Role {
    match owner {
        Role::Admin | Role::Writer | Role::ReaderWriter => Role::Writer,
        Role::Reader => Role::Reader,
    }
}

/// What is said of a machine that comes.
pub(crate) fn machine_events(request: &Request) -> Vec<Event> {
    let key = request.device.key.to_base64();
    vec![
        Event::KeyCertified(request.said.device.clone()),
        Event::DeviceAdded { key, name: request.said.machine.clone() },
    ]
}

/// That an admin has compared the key of an organisation.
pub(crate) fn pins(card: &Card) -> Event {
    Event::OrganisationPinned { key: card.key.to_base64(), name: card.name.clone(), name_ja: card.name_ja.clone() }
}

/// What somebody brings who wants to come, for himself or for an organisation.
pub(crate) enum Asked {
    /// For himself.
    Alone(Box<Request>),
    /// For an organisation.
    Delegated(Box<DelegatedRequest>),
}

impl Asked {
    /// The request of the person.
    pub(crate) fn request(&self) -> &Request {
        match self {
            Self::Alone(request) => request,
            Self::Delegated(delegated) => &delegated.request,
        }
    }
}

/// A request for this safe, of either kind, that holds.
pub(crate) fn read_asked(path: &Path, safe: &Safe) -> Outcome<Asked> {
    let bytes = bundle::read(path, organisation::REQUEST_BYTES_MAX)?;
    let refused = |error: organisation::Error| no_request(path, error);
    let said = match UnverifiedDelegatedRequest::parse(&bytes) {
        Err(organisation::Error::Format) => return read_request(path, safe).map(Box::new).map(Asked::Alone),
        said => said.map_err(refused)?,
    };
    is_for(&said.request, safe)?;
    said.verify().map(Box::new).map(Asked::Delegated).map_err(refused)
}

/// A request for this safe whose keys one identity has signed.
pub(crate) fn read_request(path: &Path, safe: &Safe) -> Outcome<Request> {
    let said = read_any_request(path)?;
    is_for(&said, safe)?;
    said.verify().map_err(|error| no_request(path, error))
}

/// A request for any safe, as it was written.
pub(crate) fn read_any_request(path: &Path) -> Outcome<UnverifiedRequest> {
    UnverifiedRequest::parse(&bundle::read(path, REQUEST_BYTES_MAX)?).map_err(|error| no_request(path, error))
}

pub(crate) fn no_request(path: &Path, error: impl std::error::Error + Send + Sync + 'static) -> Failure {
    let file = shown(path);
    Failure::untrue(words!(
        "{file} is no request that holds: {error}",
        "{file} は参加願として正しくありません（{error}）"
    ))
    .hint(words!("Let the person send it again.", "もう一度送ってもらってください。"))
    .source(error)
}

fn is_for(said: &UnverifiedRequest, safe: &Safe) -> Outcome<()> {
    if said.space != safe.home.space || said.genesis != safe.home.genesis {
        return Err(Failure::fixable(words!("the request is for another safe", "別の金庫への参加願です")).hint(
            words!(
                "Name the home of that safe with --home, or send the person an invite to this one.",
                "その金庫のフォルダーを --home で指定するか、この金庫の招待状を送ってください。"
            ),
        ));
    }
    Ok(())
}

/// Length of a file with a code of admission, at most, in bytes.
const ADMISSION_BYTES_MAX: usize = 1 << 10;

/// The code that lets a space begin at a keeper.
pub(crate) fn read_admission(path: &Path) -> Outcome<String> {
    let bytes = bundle::read(path, ADMISSION_BYTES_MAX)?;
    let code = String::from_utf8(bytes).ok().map(|text| text.trim_end().to_owned());
    code.filter(|code| !code.is_empty()).ok_or_else(|| {
        let path = shown(path);
        Failure::fixable(words!("{path} holds no code", "{path} に、利用のための番号がありません"))
    })
}

/// The words in the person's language.
pub(crate) fn read_out(setting: &Setting, spoken: &Spoken) -> String {
    let list = match setting.console.language {
        Language::Japanese => WordList::Japanese,
        Language::English => WordList::English,
    };
    spoken.words(list).join(" ")
}
