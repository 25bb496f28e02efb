//! Records that change who is a member, or only say something: made in one way, whatever they are for.

use std::path::{Path, PathBuf};

use hizo_ledger::id::RecordId;
use hizo_ledger::identity::VerifyingKey;
use hizo_ledger::proposal::Proposal;
use hizo_ledger::record::{Control, Role, UnverifiedRecord};
use hizo_ledger::space::{Chain, RECOVERY_CLOCK_SECONDS};
use hizo_vault::age::{self, Recipient};
use hizo_vault::event::certificate::Certificate;
use hizo_vault::event::{self, Event};
use hizo_vault::fingerprint::{Spoken, WordList};
use hizo_vault::joining::{REQUEST_BYTES_MAX, Request, UnverifiedRequest};
use hizo_vault::keys::IdentityFile;
use hizo_vault::organisation::{self, Card, DelegatedRequest, UnverifiedDelegatedRequest};
use serde_json::{Value, json};

use crate::contents::Opened;
use crate::entropy::SystemEntropy;
use crate::failure::{Failure, Kind, Outcome, shown};
use crate::people::{People, shown_organisation};
use crate::rotation;
use crate::safe::{Draft, Keyring, Safe};
use crate::words::{Language, Words, words};
use crate::{Setting, bundle, cards, epochs, home, receipts};

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
    pub draft: Draft,
    pub events: Vec<Event>,
    /// What its body is sealed to, if it begins an epoch.
    recipient: Option<Recipient>,
    /// It says what is due here, or begins the keys that are.
    answers_due: bool,
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

    /// One that says what is due here, or begins the keys that are: sealed to those of before if it must be.
    pub(crate) fn answering() -> Self {
        Self { answers_due: true, ..Self::default() }
    }

    /// Makes a certified key a member.
    pub(crate) fn seat(&mut self, certificate: &Certificate, role: Role) {
        self.draft.controls.push(Control::Member { key: certificate.key, role });
        let session = certificate.session.map(|session| Control::Session { member: certificate.key, session });
        self.draft.controls.extend(session);
    }

    /// Has the record begin an epoch for these readers.
    pub(crate) fn begin_epoch(&mut self, opened: Opened, readers: &[Recipient]) -> Outcome<()> {
        self.begin_epoch_with(opened, readers, None)
    }

    /// The same, where the record pins new recovery cards.
    pub(crate) fn begin_epoch_with(
        &mut self,
        opened: Opened,
        readers: &[Recipient],
        cards: Option<&Recipient>,
    ) -> Outcome<()> {
        self.recipient = Some(epochs::begin(&mut self.draft, opened, readers, cards)?);
        Ok(())
    }

    /// Gives somebody every earlier epoch that the admin opens.
    pub(crate) fn give_history(&mut self, opened: Opened, to: &Recipient) -> Outcome<()> {
        for (epoch, secret) in opened.keyring.epochs() {
            epochs::wrap(&mut self.draft, epoch, secret, std::slice::from_ref(to))?;
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

    /// Ends the keys by which organisations begin epochs, where nobody reads for them once this record stands, or whoever named
    /// them might not.
    pub(crate) fn end_rotators(&mut self, safe: &Safe, people: &People) {
        let controls = &self.draft.controls;
        let comes = |key: &VerifyingKey| {
            controls.iter().find_map(|control| match control {
                Control::Member { key: member, role } if member == key => Some(*role),
                _ => None,
            })
        };
        let stays = |(key, role): (VerifyingKey, Role)| match comes(&key) {
            Some(role) => Some((key, role)),
            None => Some((key, role)).filter(|_| !controls.contains(&Control::Remove(key))),
        };
        let after: Vec<_> = safe.chain.members().filter_map(stays).collect();
        let over = people.rotators_over(safe, &after);
        self.draft.controls.extend(over.into_iter().map(Control::RotatorEnds));
    }

    /// Takes keys away, and seals what comes later to those who stay.
    pub(crate) fn removal(safe: &Safe, keyring: &Keyring, keys: &[VerifyingKey], reason: &str) -> Outcome<Self> {
        keys.iter().try_for_each(|key| stays_with_admin(safe, *key, Role::Writer))?;
        let (mut change, opened) = (Self::default(), Opened { safe, keyring });
        change.draft.controls.extend(keys.iter().map(|key| Control::Remove(*key)));
        change.end_rotators(safe, keyring.people()?);
        let readers = epochs::readers(opened, keys)?;
        change.begin_epoch(opened, &readers)?;
        let removed = |key: &VerifyingKey| Event::MemberRemoved { key: key.to_base64(), reason: reason.to_owned() };
        change.events = keys.iter().map(removed).collect();
        Ok(change)
    }

    /// Makes it: appends it where one admin is enough, and where two are needed, proposes it to the others.
    pub(crate) fn make(
        self,
        safe: &mut Safe,
        identity: &IdentityFile,
        keyring: &Keyring,
        proposing: &Proposing,
    ) -> Outcome<Made> {
        if self.check(safe, keyring, proposing)? {
            return self.append(safe, identity).map(Made::Stands);
        }
        let draft = self.sealed(safe)?;
        proposing.propose(safe, identity, keyring, &draft).map(Made::Proposed)
    }

    /// Makes sure that whoever looks may make it; whether his signature is enough.
    pub(crate) fn check(&self, safe: &Safe, keyring: &Keyring, proposing: &Proposing) -> Outcome<bool> {
        keyring.people()?.may_make(safe, self)?;
        proposing.check(safe, &self.draft)
    }

    /// The same for whoever has opened nothing: only a proposal needs to know whose the other admins' keys are.
    pub(crate) fn make_unopened(
        self,
        safe: &mut Safe,
        identity: &IdentityFile,
        proposing: &Proposing,
    ) -> Outcome<Made> {
        if proposing.check(safe, &self.draft)? {
            return self.append(safe, identity).map(Made::Stands);
        }
        let keyring = safe.unlock_unheeded(identity)?;
        self.make(safe, identity, &keyring, proposing)
    }

    /// Appends it, unless who is a member has changed meanwhile.
    pub(crate) fn append(self, safe: &mut Safe, identity: &IdentityFile) -> Outcome<Appended> {
        let id = self.append_unanswered(safe, identity)?;
        Ok(Appended { id, promised: receipts::answer(safe, id).holds() })
    }

    /// The same, without asking for the keeper's promise: whoever leaves by this record is not answered any more.
    pub(crate) fn append_unanswered(self, safe: &mut Safe, identity: &IdentityFile) -> Outcome<RecordId> {
        let draft = self.sealed(safe)?;
        let key = identity.signing_seed.space_key(&safe.home.space);
        let (epoch, members, cards) = (safe.chain.epoch(), members(&safe.chain), safe.chain.recovery());
        safe.append(&key, &draft, |chain| {
            chain.epoch() == epoch && self::members(chain) == members && chain.recovery() == cards
        })
    }

    /// With what it says sealed. What says nothing needs nothing that would have to be read.
    fn sealed(mut self, safe: &Safe) -> Outcome<Draft> {
        let begins = self.recipient.is_some();
        if !self.answers_due && (begins || !self.events.is_empty()) {
            rotation::refuse_due(&safe.home)?;
        }
        if !self.answers_due && !begins && self.events.iter().any(waits_for_keys) {
            rotation::refuse_stale(safe)?;
        }
        if self.events.is_empty() {
            return Ok(self.draft);
        }
        let recipient = match self.recipient {
            Some(recipient) => recipient,
            None => safe.recipient_though_due()?,
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
        self.draft.say(&self.events, &recipient)?;
        Ok(self.draft)
    }
}

/// Whether what is said waits until everybody has left who is not to read it. What ends something does not.
const fn waits_for_keys(event: &Event) -> bool {
    !matches!(event, Event::ConsentWithdrawn { .. } | Event::DelegationRevoked { .. } | Event::KeyDelegated { .. })
}

/// Refuses an act that would leave the safe without those who have to sign its changes.
pub(crate) fn stays_with_admin(safe: &Safe, key: VerifyingKey, role: Role) -> Outcome<()> {
    let others = safe.chain.members().filter(|(other, role)| *other != key && *role == Role::Admin).count();
    let required = safe.chain.admin_rule().admins();
    if others >= required || role == Role::Admin || safe.chain.role(&key) != Some(Role::Admin) {
        return Ok(());
    }
    if others > 0 {
        return Err(Failure::fixable(words!(
            "two admins change this safe, and that would leave one",
            "この金庫の変更には管理者2人が必要ですが、1人になってしまいます"
        ))
        .hint(words!(
            "Make somebody else an admin first, or end the rule: `hizo space admins 1`.",
            "先に別の人を管理者にするか、2人の決まりをやめてください: `hizo space admins 1`。"
        )));
    }
    Err(Failure::fixable(words!(
        "that is the only admin, and a safe needs one",
        "その人は唯一の管理者です。金庫には管理者が必要です"
    ))
    .hint(words!(
        "Make somebody else an admin first: `hizo space role NAME admin`.",
        "先に別の人を管理者にしてください: `hizo space role 名前 admin`。"
    )))
}

/// # Errors
/// When an identity is not an admin of the safe.
pub(crate) fn check_admin(safe: &Safe, identity: &IdentityFile) -> Outcome<()> {
    match safe.role_of(identity) {
        Some(Role::Admin) => Ok(()),
        _ => Err(Failure::fixable(words!(
            "only an admin changes who is a member",
            "メンバーを変えられるのは管理者だけです"
        ))
        .hint(words!(
            "Ask one; `hizo space members` says who is.",
            "管理者に頼んでください。誰が管理者かは `hizo space members` で分かります。"
        ))),
    }
}

/// To which organisations new keys would be closed, for whoever may begin an epoch.
pub(crate) fn left_out(safe: &Safe, keyring: &Keyring) -> Outcome<Vec<Words>> {
    let said = |card: &Card| {
        let organisation = shown_organisation(card);
        words!(
            "{organisation} has delegated nobody who reads now: whenever this safe gets new keys meanwhile, what is kept under them is closed to it",
            "{organisation}には、見る権限のある有効な委任が今ありません。その間に金庫の鍵が新しくなると、それ以降に預けるものは開けられません";
            organisation
        )
    };
    Ok(keyring.people()?.left_out(safe).iter().map(said).collect())
}

/// Where a change goes that two admins have to sign.
#[derive(Debug, Default, clap::Args)]
pub(crate) struct Proposing {
    /// Where two admins change the safe: the file to write, for another admin to look at and sign
    #[arg(long, value_name = "FILE")]
    propose: Option<PathBuf>,
}

/// What came of a change.
pub(crate) enum Made {
    /// It stands.
    Stands(Appended),
    /// Another admin has to sign it.
    Proposed(Proposed),
}

/// A proposal in a file.
pub(crate) struct Proposed {
    file: PathBuf,
    number: u64,
    /// Until when a keeper takes it: whoever waits, whom recovery cards let in, signs it by its clock.
    until: Option<u64>,
}

impl Proposing {
    /// For a proposal in this file, or where one admin is enough.
    pub(crate) const fn into_file(propose: Option<PathBuf>) -> Self {
        Self { propose }
    }

    /// Whether somebody asked for a proposal.
    pub(crate) const fn names_a_file(&self) -> bool {
        self.propose.is_some()
    }

    /// Whether the change is made by one admin.
    ///
    /// # Errors
    /// When it needs another admin and no file was named, or the reverse.
    pub(crate) fn check(&self, safe: &Safe, draft: &Draft) -> Outcome<bool> {
        let required = safe.chain.signatures_required(&draft.envelope(&safe.chain, None)?);
        match (required, &self.propose) {
            (1, None) => Ok(true),
            (1, Some(_)) => Err(Failure::fixable(words!(
                "one admin changes this safe: nobody has to be asked",
                "この金庫は管理者1人で変更できます。提案はいりません"
            ))
            .hint(words!("Run it without --propose.", "--propose を付けずに実行してください。"))),
            (_, None) => Err(Failure::fixable(words!("this needs two admins", "これには管理者2人の署名が必要です"))
                .hint(words!(
                    "Name a file with --propose, and send it to another admin, who runs `hizo space agree`.",
                    "--propose でファイルを指定して書き出し、別の管理者に送って `hizo space agree` を実行してもらってください。"
                ))),
            (_, Some(_)) => Ok(false),
        }
    }

    /// Signs the record, and hands it out.
    fn propose(&self, safe: &Safe, identity: &IdentityFile, keyring: &Keyring, draft: &Draft) -> Outcome<Proposed> {
        let record = safe.sign(&identity.signing_seed.space_key(&safe.home.space), draft)?;
        self.hand_out(safe, keyring, record, &draft.objects)
    }

    /// Seals a record that one admin has signed, with its objects, to the admins who may sign second. The keeper gets nothing of it.
    pub(crate) fn hand_out(
        &self,
        safe: &Safe,
        keyring: &Keyring,
        record: UnverifiedRecord,
        objects: &[Vec<u8>],
    ) -> Outcome<Proposed> {
        let file = self.propose.clone().unwrap_or_default();
        let (controls, number) = (&record.envelope().controls, record.envelope().number);
        let may_not = |key: &VerifyingKey| {
            let has_signed = record.signatures().iter().any(|line| line.name == key.name());
            has_signed || controls.contains(&Control::Remove(*key))
        };
        let others = safe.chain.members().filter(|(_, role)| *role == Role::Admin).map(|(other, _)| other);
        let others: Vec<_> = others.filter(|other| !may_not(other)).collect();
        let people = keyring.people()?;
        let to: Vec<Recipient> =
            others.iter().filter_map(|other| people.certificates.of(other)?.recipient.clone()).collect();
        if to.is_empty() {
            return Err(Failure::fixable(words!(
                "there is no other admin who could sign this",
                "これに署名できる別の管理者がいません"
            ))
            .hint(words!(
                "Recovery cards let in one more: `hizo recovery use`.",
                "復旧カードがあれば、管理者を1人加えられます: `hizo recovery use`。"
            )));
        }
        let until = taken_until(safe, &record);
        let proposal = Proposal::new(record, objects).map_err(Failure::internal)?;
        let sealed = age::seal(&proposal.compose(), &to, &mut SystemEntropy).map_err(Failure::internal)?;
        home::write_new(&file, &sealed)?;
        Ok(Proposed { file, number, until })
    }
}

/// Until when the keeper takes a proposal, in seconds since 1970: the first change by whom recovery cards let in is new, or is none.
pub(crate) fn taken_until(safe: &Safe, record: &UnverifiedRecord) -> Option<u64> {
    let waiting = safe.chain.waiting()?.key.name();
    let signed = record.signatures().iter().any(|line| line.name == waiting);
    signed.then(|| record.envelope().time.unix_seconds().saturating_add(RECOVERY_CLOCK_SECONDS))
}

impl Proposed {
    /// As `--json` says it.
    pub(crate) fn as_json(&self) -> Value {
        json!({ "proposal": self.file.to_string_lossy(), "record": self.number, "until": self.until.map(cards::time) })
    }

    /// Adds it to what else `--json` says of the act.
    pub(crate) fn stands_beside(&self, result: &mut Value) {
        let proposed = self.as_json();
        for key in ["proposal", "record", "until"] {
            result[key] = proposed[key].clone();
        }
    }

    /// As people read it.
    pub(crate) fn line(&self) -> Words {
        words!(
            "nothing is changed yet: proposal written to {file}",
            "まだ何も変更していません。提案を {file} に書きました",
            file = shown(&self.file)
        )
    }

    /// What to do with it.
    pub(crate) fn note(&self, setting: &Setting) {
        setting.console.note(self.next());
    }

    /// The same in words.
    pub(crate) fn next(&self) -> Words {
        if let Some(until) = self.until {
            return words!(
                "next: send it to another admin, by a way that nobody reads whom it is about, who runs `hizo space agree` before {until} and before anything else is added to the safe: the keeper takes it no later, since recovery cards let you in",
                "次に: 対象の人の目に触れない方法で、別の管理者に送ってください。{until} までに、金庫にほかの記録が加わる前に、`hizo space agree` を実行してもらいます。復旧カードで加わった人の最初の変更を、預け先はそれより後には受け付けません",
                until = cards::time(until)
            );
        }
        words!(
            "next: send it to another admin, by a way that nobody reads whom it is about, who runs `hizo space agree` before anything else is added to the safe",
            "次に: 対象の人の目に触れない方法で、別の管理者に送ってください。金庫にほかの記録が加わる前に `hizo space agree` を実行してもらいます"
        )
    }

    /// All of that, which is all that came of the act.
    pub(crate) fn tell(&self, setting: &Setting) -> Outcome<()> {
        setting.console.result(self.as_json(), |out| writeln!(out, "{}", setting.console.say(self.line())));
        self.note(setting);
        Ok(())
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

/// Somebody put other keys, or another safe, in place of the right ones.
pub(crate) fn other_words() -> Failure {
    Failure::new(Kind::Lying, words!("the words are not the same", "言葉が一致しません")).hint(words!(
        "Check that you heard and typed them right. If they differ all the same, somebody changed the file on its way: nothing was done; send it again by another way.",
        "聞き間違いや打ち間違いがないか確かめてください。それでも違うなら、途中で誰かがファイルをすり替えています。何も変更していません。別の経路で送り直してください。"
    ))
}
