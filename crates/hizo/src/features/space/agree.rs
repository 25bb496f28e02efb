//! `hizo space agree`: what another admin has proposed, said in words, and signed by a second one.

use std::collections::BTreeSet;
use std::io::{BufRead as _, IsTerminal as _};
use std::path::PathBuf;

use hizo_ledger::identity::VerifyingKey;
use hizo_ledger::object::{ObjectRef, VerifiedObject};
use hizo_ledger::proposal::{PROPOSAL_BYTES_MAX, Proposal};
use hizo_ledger::record::{Control, Record, Role, UnverifiedRecord};
use hizo_vault::age;
use hizo_vault::event::Event;
use hizo_vault::event::certificate::Certificate;
use hizo_vault::fingerprint::Spoken;
use serde_json::json;

use super::admins;
use super::entering::{self, Admin};
use crate::failure::{Failure, Kind, Outcome, shown, shown_bytes};
use crate::rotation;
use crate::safe::{self, Keyring, Safe};
use crate::words::{Words, words};
use crate::{Setting, bundle, membership, receipts};

/// Look at what another admin proposes, and sign it as the second one: then it is done
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The proposal
    #[arg(value_name = "FILE")]
    proposal: PathBuf,
    /// Sign without asking, once you have looked at it
    #[arg(long, conflicts_with = "dry_run")]
    yes: bool,
    /// Say what it would do, and sign nothing
    #[arg(long)]
    dry_run: bool,
}

pub(super) fn run(setting: &Setting, arguments: &Arguments) -> Outcome<()> {
    let mut safe = setting.safe()?;
    let admin = Admin::unheeded(setting, &safe)?;
    let proposal = read(&safe, &admin, arguments)?;
    // Whoever says falsely whose a key is must not be kept in by that.
    let leaving: Vec<_> = proposal.record().envelope().controls.iter().filter_map(removed).collect();
    admin.keyring.people()?.heed(&safe, &leaving)?;
    let record = countersigned(&safe, &admin, &proposal)?;
    // Only a record that may stand names anything that is opened.
    let next = safe.chain.check(record.clone()).map_err(no_proposal)?;
    let lines = Meaning::of(setting, &safe, admin, next.record(), &proposal)?.lines;
    let comes = |control: &Control| matches!(control, Control::Member { key, .. } if safe.chain.role(key).is_none());
    let somebody_comes = next.record().envelope().controls.iter().any(comes);
    let said: Vec<String> = lines.iter().map(|line| setting.console.say(line.clone())).collect();
    if !arguments.dry_run && !agrees(setting, arguments, &said)? {
        return Err(Failure::fixable(words!("nothing was signed", "署名していません")));
    }
    let promised = match arguments.dry_run {
        true => Ok(()),
        false => {
            let id = safe.append_signed(record, proposal.objects())?;
            receipts::answer(&safe, id).holds()
        }
    };
    let (number, id) = (next.record().number(), next.record().id().to_string());
    let in_english: Vec<&str> = lines.iter().map(Words::english).collect();
    // Whoever comes now was let in by this record, and nobody else has these words for him.
    let words = (somebody_comes && !arguments.dry_run)
        .then(|| membership::read_out(setting, &Spoken::of_head(&next.record().id())));
    let result = json!({
        "dry_run": arguments.dry_run, "record": number, "id": id, "does": in_english, "words": words,
    });
    setting.console.result(result, |out| {
        said.iter().try_for_each(|line| writeln!(out, "{line}"))?;
        let done = match arguments.dry_run {
            true => words!("nothing was signed", "署名していません"),
            false => words!("signed by two admins: it is done", "管理者2人が署名しました。変更が済みました"),
        };
        writeln!(out, "{}", setting.console.say(done))?;
        words.iter().try_for_each(|words| entering::write_words(out, setting, words))
    });
    if !leaving.is_empty() && !arguments.dry_run {
        rotation::say_next(setting, &safe.home);
    }
    promised
}

/// The proposal in the file, for this safe as it is.
fn read(safe: &Safe, admin: &Admin, arguments: &Arguments) -> Outcome<Proposal> {
    let bytes = bundle::read(&arguments.proposal, PROPOSAL_BYTES_MAX)?;
    let opened = age::open_own(bytes, &admin.identity.identity).map_err(|error| {
        let file = shown(&arguments.proposal);
        Failure::fixable(words!("{file} is no proposal for you", "{file} は、あなたへの提案ではありません"))
            .hint(words!(
                "Ask who sent it; a proposal is for the admins who stay, and not for who proposes it.",
                "送った人に確かめてください。提案を開けるのは、提案した人と外される人を除く管理者だけです。"
            ))
            .source(error)
    })?;
    let proposal = Proposal::parse(&opened).map_err(no_proposal)?;
    let envelope = proposal.record().envelope();
    if envelope.space != safe.home.space {
        return Err(Failure::fixable(words!("the proposal is for another safe", "別の金庫についての提案です")).hint(
            words!("Name the home of that safe with --home.", "その金庫のフォルダーを --home で指定してください。"),
        ));
    }
    match envelope.prev == Some(safe.chain.head().id) {
        true => Ok(proposal),
        false => Err(safe::moved_on()),
    }
}

/// The record with both signatures. Whether it may stand, the chain says.
fn countersigned(safe: &Safe, admin: &Admin, proposal: &Proposal) -> Outcome<UnverifiedRecord> {
    let own = admin.identity.signing_seed.space_key(&safe.home.space);
    let record = proposal.record();
    let waiting = safe.chain.waiting().map(|waiting| waiting.key);
    let by = |name| safe.chain.members().map(|(key, _)| key).chain(waiting).find(|key| key.name() == name);
    let first = record.signatures().first().and_then(|line| Some((by(line.name)?, line.signature)));
    let Some((first, signature)) = first else {
        return Err(refused(words!(
            "whoever signed it is no member",
            "署名した人は、この金庫のメンバーではありません"
        )));
    };
    if first == own.verifying_key() {
        return Err(Failure::fixable(words!("you have signed this yourself", "これは、あなた自身が署名した提案です"))
            .hint(words!("Send it to another admin.", "別の管理者に送ってください。")));
    }
    let signatures = [(first, signature), (own.verifying_key(), own.sign(record.signed_bytes()))];
    let both = UnverifiedRecord::compose(record.envelope(), &signatures);
    both.map_err(no_proposal)
}

fn no_proposal(error: impl std::error::Error + Send + Sync + 'static) -> Failure {
    refused(error.to_string().into()).source(error)
}

const fn removed(control: &Control) -> Option<VerifyingKey> {
    match control {
        Control::Remove(key) => Some(*key),
        _ => None,
    }
}

fn refused(why: Words) -> Failure {
    Failure::untrue(words!("the proposal does not hold: {why}", "提案が正しくありません（{why}）"; why))
        .hint(words!("Sign nothing. Ask whoever sent it.", "署名せずに、送った人に確かめてください。"))
}

fn agrees(setting: &Setting, arguments: &Arguments, lines: &[String]) -> Outcome<bool> {
    if arguments.yes {
        return Ok(true);
    }
    let stdin = std::io::stdin();
    if !stdin.is_terminal() {
        return Err(Failure::new(Kind::Usage, words!("your word is needed", "同意の確認が必要です")).hint(words!(
            "Look at it with --dry-run, and sign it with --yes.",
            "--dry-run で内容を確かめ、--yes で署名してください。"
        )));
    }
    lines.iter().for_each(|line| setting.console.beside(line));
    let question = words!("Type yes to sign this:", "署名するなら yes と入力してください:");
    setting.console.beside(&setting.console.say(question));
    let mut line = String::new();
    stdin.lock().read_line(&mut line).map_err(|error| Failure::file("read", "standard input".as_ref(), error))?;
    Ok(line.trim().eq_ignore_ascii_case("yes"))
}

/// What a record does, in words.
struct Meaning<'a> {
    setting: &'a Setting,
    safe: &'a Safe,
    keyring: Keyring,
    record: &'a Record,
    events: Vec<Event>,
    lines: Vec<Words>,
}

impl<'a> Meaning<'a> {
    fn of(
        setting: &'a Setting,
        safe: &'a Safe,
        admin: Admin,
        record: &'a Record,
        proposal: &Proposal,
    ) -> Outcome<Self> {
        let Admin { identity, mut keyring } = admin;
        let own = identity.signing_seed.space_key(&safe.home.space).verifying_key();
        let leaves = record.envelope().controls.contains(&Control::Remove(own));
        let epoch = record.envelope().epoch;
        if let Some(recipient) = record.recipient().filter(|_| !leaves) {
            for (_, wrap) in record.wraps().filter(|(of, _)| *of == epoch) {
                if let Some(secret) = safe::unwrap(at_hand(proposal, wrap)?, recipient, &identity.identity)? {
                    keyring.learn(epoch, secret);
                    break;
                }
            }
            if !keyring.opens(epoch) {
                return Err(refused(words!(
                    "what is kept from then on would be closed to you",
                    "それ以降に預けるものを、あなたが開けられなくなります"
                )));
            }
        }
        let events = match record.body_object().filter(|_| keyring.opens(epoch)) {
            Some(body) => keyring.events_in(record, at_hand(proposal, body)?)?,
            None => Vec::new(),
        };
        keyring.people()?.with(safe, record, events.clone()).map_err(refused)?;
        let mut meaning = Self { setting, safe, keyring, record, events, lines: Vec::new() };
        record.envelope().controls.iter().try_for_each(|control| meaning.say(control))?;
        meaning.say_what_else()?;
        Ok(meaning)
    }

    fn say(&mut self, control: &Control) -> Outcome<()> {
        match control {
            Control::Remove(key) => {
                if !self.comes(key) {
                    let (name, reason) = (self.name(key)?, self.reason(key));
                    self.lines.push(words!("removes {name}{reason}", "{name} を外します{reason}"; reason));
                }
            }
            Control::Member { key, role } => self.say_member(key, *role)?,
            Control::Recovery(None) => self.lines.push(words!(
                "takes all recovery cards out of use, and refuses whom they let in",
                "復旧カードをすべて使えなくし、カードで加わった人を拒みます"
            )),
            Control::Recovery(Some(key)) => self.say_cards(key)?,
            Control::Admins(rule) => {
                let rule = admins::line(*rule);
                self.lines.push(words!("from then on, {rule}", "それ以降、{rule}"; rule));
            }
            Control::Epoch { .. } => self.lines.push(words!(
                "begins new keys: what is kept from then on opens to those who stay",
                "鍵を新しくします。それ以降に預けるものは、残る人だけが開けられます"
            )),
            Control::Origin(origin) => {
                self.lines.push(words!("moves the safe to the keeper {origin}", "預け先を {origin} に移します"));
            }
            Control::Founder(_) | Control::Slot(_) | Control::Session { .. } | Control::Wrap { .. } => {}
        }
        Ok(())
    }

    /// New cards, as the body says what they are.
    fn say_cards(&mut self, key: &VerifyingKey) -> Outcome<()> {
        let key = key.to_base64();
        let said = self.events.iter().find_map(|event| match event {
            Event::RecoveryMade { key: made, set, cards, needed, .. } if *made == key => Some((set, cards, needed)),
            _ => None,
        });
        let Some((set, cards, needed)) = said else {
            return Err(refused(words!(
                "nobody says what the new cards are",
                "新しいカードについての説明がありません"
            )));
        };
        let set = shown_bytes(set.as_bytes());
        self.lines.push(words!(
            "puts new recovery cards in place of those that there are: set {set}, any {needed} of {cards} open the safe",
            "復旧カードを新しいものに替えます: 組 {set}、{cards}枚のうち{needed}枚で開けられます"
        ));
        Ok(())
    }

    /// Whether the same record makes this key a member again: then its role changes.
    fn comes(&self, key: &VerifyingKey) -> bool {
        let is_it = |control: &Control| matches!(control, Control::Member { key: member, .. } if member == key);
        self.record.envelope().controls.iter().any(is_it)
    }

    fn say_member(&mut self, key: &VerifyingKey, role: Role) -> Outcome<()> {
        let role = role.as_str();
        if self.safe.chain.role(key).is_some() {
            let name = self.name(key)?;
            self.lines.push(words!("makes {name} {role}", "{name} の役割を {role} にします"));
            return Ok(());
        }
        let certificate = self.certificate(key)?;
        let name = self.named_now(key).map_or_else(|| key.name().to_string(), |name| shown_bytes(name.as_bytes()));
        let Some(recipient) = &certificate.recipient else {
            self.lines
                .push(words!("adds the machine {name} as {role}", "コンピューター「{name}」を {role} として加えます"));
            return Ok(());
        };
        let spoken = Spoken::of_identity(&certificate.identity, recipient, &self.safe.home.genesis);
        let spoken = membership::read_out(self.setting, &spoken);
        self.lines.push(words!(
            "lets in {name} as {role}; hear these ten words from that person before you sign: {spoken}",
            "{name} を {role} として加えます。署名の前に、本人からこの10語を聞いてください: {spoken}"
        ));
        Ok(())
    }

    /// What the body says of a newcomer's key, if it holds.
    fn certificate(&self, key: &VerifyingKey) -> Outcome<Certificate> {
        let text = key.to_base64();
        let said = self.events.iter().find_map(|event| match event {
            Event::KeyCertified(said) if said.key == text => Some(said),
            _ => None,
        });
        let verified = said.and_then(|said| said.verify(&self.safe.home.space).ok());
        let sessions = self.record.envelope().controls.iter().find_map(|control| match control {
            Control::Session { member, session } if member == key => Some(*session),
            _ => None,
        });
        verified.filter(|certificate| certificate.session == sessions).ok_or_else(|| {
            refused(words!("nobody certifies whose key comes", "加わる鍵が誰のものか、証明されていません"))
        })
    }

    /// What the body itself calls the holder of a key.
    fn named_now(&self, key: &VerifyingKey) -> Option<&str> {
        let text = key.to_base64();
        self.events.iter().rev().find_map(|event| match event {
            Event::MemberAdded { key, name } | Event::DeviceAdded { key, name } if *key == text => Some(name.as_str()),
            _ => None,
        })
    }

    /// What a present member is called.
    fn name(&self, key: &VerifyingKey) -> Outcome<String> {
        let known = self.keyring.people()?.name(key);
        Ok(known.map_or_else(
            || key.name().to_string(),
            |name| format!("{} ({})", shown_bytes(name.as_bytes()), key.name()),
        ))
    }

    fn reason(&self, key: &VerifyingKey) -> Words {
        let text = key.to_base64();
        let said = self.events.iter().find_map(|event| match event {
            Event::MemberRemoved { key, reason } if *key == text && !reason.is_empty() => Some(reason),
            _ => None,
        });
        let said = said.map(|reason| shown_bytes(reason.as_bytes()));
        said.map_or_else(|| words!("", ""), |reason| words!(": {reason}", "（{reason}）"))
    }

    /// What the body does beside the lines: it calls somebody otherwise, or gives history.
    fn say_what_else(&mut self) -> Outcome<()> {
        let people = self.keyring.people()?;
        let mut more = Vec::new();
        let begun = self.record.recipient().map(|_| self.record.envelope().epoch);
        let given: BTreeSet<u32> =
            self.record.wraps().map(|(epoch, _)| epoch).filter(|epoch| begun != Some(*epoch)).collect();
        if let (Some(first), Some(last)) = (given.first(), given.last()) {
            more.push(words!(
                "gives the keys of what was kept in epochs {first} to {last}",
                "第{first}期から第{last}期までに預けたものの鍵を渡します"
            ));
        }
        for event in &self.events {
            match event {
                Event::MemberAdded { key, name } | Event::DeviceAdded { key, name } => {
                    let Ok(key) = VerifyingKey::from_base64(key) else { continue };
                    let known = people.name(&key).filter(|known| known != name);
                    more.extend(known.map(|known| {
                        let (known, name) = (shown_bytes(known.as_bytes()), shown_bytes(name.as_bytes()));
                        words!("calls {known} {name} from then on", "{known} を、それ以降 {name} と呼びます")
                    }));
                }
                Event::HistoryGiven { key } => {
                    let known = VerifyingKey::from_base64(key).ok();
                    let name = known.map(|key| self.name(&key)).transpose()?.unwrap_or_default();
                    more.push(words!(
                        "says that these keys are for {name}",
                        "これらの鍵は {name} のためのものとされています"
                    ));
                }
                _ => {}
            }
        }
        self.lines.extend(more);
        Ok(())
    }
}

/// An object of the proposal that its record names.
fn at_hand(proposal: &Proposal, named: ObjectRef) -> Outcome<VerifiedObject> {
    let found = proposal.objects().iter().find_map(|bytes| named.verify(bytes.clone()).ok());
    found.ok_or_else(|| Failure::internal_message("a proposal has what its record names"))
}
