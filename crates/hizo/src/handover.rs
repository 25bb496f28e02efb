//! The space of a hand-over as somebody in it sees it, and the guard that stands before everything in it
//! (docs/spec/handover.md).

use std::collections::{BTreeMap, BTreeSet};

use hizo_ledger::id::RecordId;
use hizo_ledger::identity::VerifyingKey;
use hizo_ledger::record::{ClaimedTime, Record, Role};
use hizo_vault::event::Event;
use hizo_vault::event::handover::{
    Consent, Custody, Delivery, Item, Level, Refusal, UnverifiedAnswer, UnverifiedConsent, Verdict,
};
use hizo_vault::keys::IdentityFile;
use hizo_vault::manifest::Kind;

use crate::contents::{Chosen, Opened};
use crate::failure::{Failure, Kind as FailureKind, Outcome, shown_bytes};
use crate::people::People;
use crate::safe::{self, Keyring, Safe};
use crate::words::{Words, words};

/// What was said in the space of a hand-over.
pub(crate) struct HandOver {
    pub said: UnverifiedConsent,
    /// The same, if its form and its signature hold.
    consent: Result<Consent, Refusal>,
    /// The key of whoever founded it.
    pub sender: VerifyingKey,
    pub is_withdrawn: bool,
    /// The items, and the key of whom he let in, as the sender says.
    pub custody: Vec<Custody>,
    pub receiver: Option<VerifyingKey>,
    /// Who said that he opens, and when, in seconds since 1970.
    pub opened: BTreeMap<VerifyingKey, u64>,
    /// Answers that hold by their own signature, in order.
    pub answers: Vec<UnverifiedAnswer>,
    /// Whom the company named as suspected, in order.
    pub suspects: Vec<Suspect>,
    /// Keys of which a certificate was said.
    certified: BTreeSet<String>,
}

/// Somebody who is suspected, as the company names him to whoever receives.
pub(crate) struct Suspect {
    pub name: String,
    pub note: String,
}

impl Suspect {
    pub(crate) fn as_json(&self) -> serde_json::Value {
        serde_json::json!({ "name": self.name, "note": self.note })
    }

    pub(crate) fn line(&self) -> Words {
        let [name, note] = [&self.name, &self.note].map(|text| shown_bytes(text.as_bytes()));
        words!("    suspected: {name}  {note}", "    疑わしい人: {name}  {note}")
    }
}

/// Who is about to see what is there, and whether somebody leaves before.
pub(crate) struct Onlooker {
    pub identity: VerifyingKey,
    /// For which he acts there.
    pub organisation: Option<VerifyingKey>,
    /// The sender leaves before the receiver comes.
    pub sender_leaves: bool,
}

impl Onlooker {
    /// Somebody who is there, and to whom the sender does not make way.
    fn of(keyring: &Keyring, identity: &IdentityFile) -> Outcome<Self> {
        let identity = identity.signing_seed.identity_key().verifying_key();
        let organisation = keyring.people()?.delegations.organisation_of(&identity).map(|card| card.key);
        Ok(Self { identity, organisation, sender_leaves: false })
    }
}

impl HandOver {
    /// What was said here; nothing where the space is no hand-over.
    ///
    /// # Errors
    /// When record 0 cannot be read by somebody who holds its key.
    pub(crate) fn of(opened: Opened) -> Outcome<Option<Self>> {
        let Opened { safe, keyring } = opened;
        let Some(genesis) = safe.records.first().filter(|genesis| keyring.opens(genesis.envelope().epoch)) else {
            return Ok(None);
        };
        let said = match keyring.events(safe, genesis) {
            Ok(said) => said,
            // Of a safe that is no hand-over nothing is closed because this one body is damaged.
            Err(failure) if is_spoken_of(opened) => return Err(failure),
            Err(_) => return Ok(None),
        };
        let Some(mut handover) = Self::begun(genesis, said) else { return Ok(None) };
        for record in safe.records.iter().filter(|record| record.envelope().deposit.is_none()) {
            // One that cannot be read says nothing: then an item, the opening or an answer is missing.
            for event in keyring.events(safe, record).unwrap_or_default() {
                handover.take(safe, record, event);
            }
        }
        Ok(Some(handover))
    }

    /// What a space is that begins with this record, before anything else is said in it; nothing where that is no consent.
    pub(crate) fn begun(genesis: &Record, said: Vec<Event>) -> Option<Self> {
        let consent = said.into_iter().find_map(|event| match event {
            Event::Consent(said) => Some(*said),
            _ => None,
        });
        let said = consent?;
        Some(Self {
            consent: said.verify(),
            said,
            sender: *genesis.signers().first()?,
            is_withdrawn: false,
            custody: Vec::new(),
            receiver: None,
            opened: BTreeMap::new(),
            answers: Vec::new(),
            suspects: Vec::new(),
            certified: BTreeSet::new(),
        })
    }

    /// Takes what the next record says.
    pub(crate) fn take(&mut self, safe: &Safe, record: &Record, event: Event) {
        let signers = record.signers();
        let is_here = |space: &str| space == safe.home.space.to_string();
        match event {
            Event::ConsentWithdrawn { space, .. } if is_here(&space) => {
                self.is_withdrawn |= signers.iter().any(|key| key.to_base64() == self.said.key);
            }
            Event::HandedOver { space, items, receiver, delegation, .. }
                if is_here(&space) && signers.contains(&self.sender) =>
            {
                let time = record.envelope().time;
                let key = |consent: &Consent| consent.receiver_key(&receiver, delegation.as_deref(), time).ok();
                // Whom he has let in with what is settled: a sender who stays says nothing else later.
                if let (None, Some(key)) = (self.receiver, self.consent.as_ref().ok().and_then(key)) {
                    (self.receiver, self.custody) = (Some(key), items);
                }
            }
            Event::Opened { space, .. } if is_here(&space) => {
                let time = record.envelope().time.unix_seconds();
                for key in signers {
                    self.opened.entry(*key).or_insert(time);
                }
            }
            Event::Answered(answer) if signers.iter().any(|key| answer.verify(&safe.home.space, key).is_ok()) => {
                let is_open = |it: &Consent| it.is_open(self.is_withdrawn, record.envelope().time).is_ok();
                let is_open = self.consent.as_ref().is_ok_and(is_open);
                // Nobody takes over what he may not open any more.
                if is_open || answer.verdict != Verdict::Accepted {
                    self.answers.push(answer);
                }
            }
            Event::SuspectNamed { space, name, note }
                if is_here(&space)
                    && self.said.level == Level::D
                    && signers.iter().any(|key| key.to_base64() == self.said.key) =>
            {
                self.suspects.push(Suspect { name, note });
            }
            Event::KeyCertified(certificate) => drop(self.certified.insert(certificate.key)),
            _ => (),
        }
    }

    /// Whether whoever looks on may see what is there; `custody` are the items as the sender says them.
    ///
    /// # Errors
    /// Exit code 3, and the first rule that does not hold.
    pub(crate) fn check(&self, opened: Opened, onlooker: &Onlooker, custody: &[Custody]) -> Outcome<()> {
        self.check_at(opened, onlooker, custody, safe::now()?)
    }

    /// The same at a time.
    pub(crate) fn check_at(
        &self,
        opened: Opened,
        onlooker: &Onlooker,
        custody: &[Custody],
        now: ClaimedTime,
    ) -> Outcome<()> {
        let consent = self.consent.as_ref().map_err(|refusal| refused(*refusal))?;
        let delivery = self.delivery(opened, consent, onlooker, custody, now)?;
        consent.permits(&delivery).map_err(refused)
    }

    /// Whether a key is the sender's, or of a machine of his: one comes and goes with him.
    fn is_senders(&self, people: &People, key: &VerifyingKey) -> bool {
        let identity_of = |key: &VerifyingKey| people.certificates.of(key).map(|certificate| certificate.identity);
        *key == self.sender || identity_of(&self.sender).is_some_and(|sender| identity_of(key) == Some(sender))
    }

    /// That the company may name here whom it suspects: the sender is gone, with every machine of his, and nobody is there whom
    /// the receiver's own client would not accept.
    ///
    /// # Errors
    /// And why not.
    pub(crate) fn check_naming(&self, opened: Opened, key: &VerifyingKey) -> Outcome<()> {
        if key.to_base64() != self.said.key {
            return Err(Failure::fixable(words!(
                "only the company names here whom it suspects",
                "疑わしい人の名前を書けるのは、会社だけです"
            ))
            .hint(words!(
                "Run this in the company's home of the hand-over.",
                "会社側の、引き渡しのフォルダーで実行してください。"
            )));
        }
        if self.said.level != Level::D {
            return Err(Failure::fixable(words!(
                "a name is told at level D alone, with evidence",
                "名前を伝えられるのは、証拠も渡す段階Dだけです"
            ))
            .hint(words!(
                "Consent to another hand-over at level D, to whoever is to know the name.",
                "名前を伝える相手に、段階Dで別の引き渡しに同意してください。"
            )));
        }
        if self.said.keeps_sender {
            return Err(Failure::fixable(words!(
                "your consent keeps the sender here as a reader, and he is not to learn the name",
                "同意では引き渡した人が見続けられるため、名前がその人にも知られてしまいます"
            ))
            .hint(words!(
                "Consent to another hand-over that he leaves.",
                "引き渡した人が残らない形で、別の引き渡しに同意してください。"
            )));
        }
        let people = opened.keyring.people()?;
        let reads = |key: &VerifyingKey| opened.safe.chain.role(key).is_some_and(Role::opens);
        let receiver = self.receiver.filter(reads).and_then(|receiver| people.certificates.of(&receiver));
        let sender_is_there = opened.safe.chain.members().any(|(key, _)| self.is_senders(people, &key));
        let Some(receiver) = receiver.filter(|_| !sender_is_there) else {
            return Err(Failure::fixable(words!(
                "nobody has been let in yet, or the sender or a machine of his has not left",
                "受け取り先がまだ入っていないか、引き渡した人やそのコンピューターがまだ残っています"
            ))
            .hint(words!(
                "Try again once the items were handed over. Whoever is still there then, remove with `hizo space remove`.",
                "資料が引き渡されてから、もう一度実行してください。それでも残っていれば `hizo space remove` で外してください。"
            )));
        };
        if !people.left_out(opened.safe).is_empty() {
            return Err(Failure::fixable(words!(
                "the receiver's organisation cannot be sealed to as it stands",
                "受け取り先の機関には、今のままでは封をして渡せません"
            ))
            .hint(words!(
                "Ask it to delegate anew, and try again.",
                "機関に、委任をし直してもらってから、もう一度実行してください。"
            )));
        }
        let organisation = people.delegations.organisation_of(&receiver.identity).map(|card| card.key);
        let onlooker = Onlooker { identity: receiver.identity, organisation, sender_leaves: false };
        self.check(opened, &onlooker, &self.custody)
    }

    /// Whether somebody who is there may see what is.
    ///
    /// # Errors
    /// As [`HandOver::check`].
    pub(crate) fn check_opened_by(&self, opened: Opened, identity: &IdentityFile) -> Outcome<()> {
        self.check(opened, &Onlooker::of(opened.keyring, identity)?, &self.custody)
    }

    fn delivery(
        &self,
        opened: Opened,
        consent: &Consent,
        onlooker: &Onlooker,
        custody: &[Custody],
        now: ClaimedTime,
    ) -> Outcome<Delivery> {
        let Opened { safe, keyring } = opened;
        let people = keyring.people()?;
        let identity_of = |key: &VerifyingKey| people.certificates.of(key).map(|certificate| certificate.identity);
        let acts_for = |identity: &VerifyingKey| people.delegations.organisation_of(identity).map(|card| card.key);
        // Where an organisation receives, everybody who acts for it does.
        let is_for_it = onlooker.organisation == Some(consent.receiver);
        let is_receivers = |key: &VerifyingKey| {
            let is_his = |identity: VerifyingKey| {
                identity == onlooker.identity || (is_for_it && acts_for(&identity) == Some(consent.receiver))
            };
            identity_of(key).is_some_and(is_his)
        };
        let is_senders = |key: &VerifyingKey| self.is_senders(people, key);
        // Whoever begins keys reads what comes: nobody does but for the receiver's organisation.
        let is_foreign = |key: &VerifyingKey| !people.delegations.calls_its_own(&consent.receiver, key);
        let foreign = safe.chain.rotators().filter(|key| is_foreign(key)).count();
        let stays = |key: &VerifyingKey| !(onlooker.sender_leaves && is_senders(key));
        let present: Vec<_> = safe.chain.members().filter(|(key, _)| stays(key)).collect();
        let is_stranger = |(key, role): &&(VerifyingKey, Role)| {
            role.opens() && *role != Role::Admin && !is_senders(key) && !is_receivers(key)
        };
        let records = safe.records.iter().filter(|record| !record.signers().iter().any(is_receivers));
        let deposits: BTreeMap<_, _> = records
            .filter_map(|record| Some((record.id(), record.envelope().deposit.as_ref()?.commit.sha256)))
            .collect();
        let receivers = safe.chain.members().map(|(key, _)| key).filter(|key| is_receivers(key));
        let receivers: Vec<String> = receivers.map(|key| key.to_base64()).collect();
        // Of an organisation whoever was let in first answers for it.
        let is_theirs = |answer: &UnverifiedAnswer| match &self.receiver {
            Some(receiver) => answer.key == receiver.to_base64(),
            None => receivers.contains(&answer.key),
        };
        // The first answer counts, here as in the case.
        let first = self.answers.iter().find(|answer| is_theirs(answer));
        Ok(Delivery {
            space: safe.home.space,
            reader: if is_for_it { consent.receiver } else { onlooker.identity },
            now,
            is_withdrawn: self.is_withdrawn,
            was_accepted: first.is_some_and(|answer| answer.verdict == Verdict::Accepted),
            is_company_certified: [&self.said.key, &self.said.machine].iter().any(|key| self.certified.contains(*key)),
            admins: present.iter().filter(|(_, role)| *role == Role::Admin).map(|(key, _)| *key).collect(),
            strangers: present.iter().filter(is_stranger).count() + foreign + usize::from(is_open_to_cards(safe)),
            sender_reads: present.iter().any(|(key, role)| is_senders(key) && role.opens()),
            custody: custody.to_vec(),
            holds_paths: holds_paths(opened, consent, custody)?,
            deposits,
        })
    }
}

/// Whether recovery cards open a safe, or somebody whom they have let in waits to become its admin. A hand-over has none: whoever
/// made them would read what is added once he has left.
fn is_open_to_cards(safe: &Safe) -> bool {
    safe.chain.recovery().is_some() || safe.chain.waiting().is_some()
}

/// Whether somebody says here that something was handed over.
fn is_spoken_of(Opened { safe, keyring }: Opened) -> bool {
    let says = |record: &Record| {
        let events = keyring.events(safe, record).unwrap_or_default();
        events
            .iter()
            .any(|event| matches!(event, Event::HandedOver { space, .. } if *space == safe.home.space.to_string()))
    };
    safe.records.iter().filter(|record| record.envelope().deposit.is_none()).any(says)
}

/// For each deposit of which only parts were consented to, whether it holds these and nothing else.
fn holds_paths(opened: Opened, consent: &Consent, custody: &[Custody]) -> Outcome<BTreeMap<RecordId, bool>> {
    let mut holds = BTreeMap::new();
    for entry in custody {
        let item = consent.items.iter().find(|item| item.deposit.to_string() == entry.deposit);
        let record = opened.safe.records.iter().find(|record| record.id().to_string() == entry.record);
        let (Some(item), Some(record)) = (item.filter(|item| !item.paths.is_empty()), record) else { continue };
        if record.envelope().deposit.is_some() {
            holds.insert(record.id(), holds_just(opened, record, item)?);
        }
    }
    Ok(holds)
}

fn holds_just(opened: Opened, record: &Record, item: &Item) -> Outcome<bool> {
    let paths = paths(item);
    let chosen = Chosen(&paths);
    let (list, mut search) = (opened.list(record)?, chosen.search());
    for entry in list.entries()? {
        let entry = entry?;
        let is_around = matches!(entry.kind, Kind::Directory) && chosen.reaches(&entry.path);
        if !(is_around || chosen.has(&entry.path)) {
            return Ok(false);
        }
        search.meet(&entry);
    }
    Ok(search.finish().is_ok())
}

/// What of a deposit an item is, as it is chosen to be restored.
pub(crate) fn paths(item: &Item) -> Vec<Vec<u8>> {
    item.paths.iter().map(|path| path.as_bytes().to_vec()).collect()
}

/// Stands before everything that is opened: in a hand-over nobody but the sender and the company sees anything before the
/// consent was found to hold, and before he has said that he opens.
///
/// # Errors
/// Exit code 3 when the consent does not hold.
pub(crate) fn guard(safe: &Safe, keyring: &Keyring, identity: &IdentityFile) -> Outcome<()> {
    let opened = Opened { safe, keyring };
    let Some(handover) = HandOver::of(opened)? else { return Ok(()) };
    let own = identity.signing_seed.space_key(&safe.home.space).verifying_key();
    if own == handover.sender || own.to_base64() == handover.said.key {
        return Ok(());
    }
    handover.check_opened_by(opened, identity)?;
    if handover.opened.contains_key(&own) {
        return Ok(());
    }
    Err(Failure::fixable(words!(
        "this was handed over to you, and you have not opened it yet",
        "引き渡された資料ですが、まだ受け取って開いていません"
    ))
    .hint(words!(
        "Run `hizo hand-over open`: the company sees that you do.",
        "`hizo hand-over open` を実行してください。開いたことは会社にも見えます。"
    )))
}

/// What people see when a consent does not carry what is to be done.
pub(crate) fn refused(refusal: Refusal) -> Failure {
    let reason = reason(refusal);
    let failure = Failure::new(
        FailureKind::False,
        words!("nothing is handed over or opened: {reason}", "引き渡しも開封もしません: {reason}"; reason),
    );
    failure.hint(match refusal {
        Refusal::Incomplete => words!(
            "The company and the sender seal each item that they can open; ask them for the rest.",
            "資料は、会社と渡す側がそれぞれ開けられるものに封をし直して揃えます。残りを頼んでください。"
        ),
        Refusal::Withdrawn | Refusal::Expired => words!(
            "Ask the company whether it consents again.",
            "改めて同意してもらえるか、会社に確かめてください。"
        ),
        Refusal::Form
        | Refusal::Signature
        | Refusal::Space
        | Refusal::Receiver
        | Refusal::Level
        | Refusal::Members
        | Refusal::Items => words!(
            "Without the company's consent to exactly this, nobody may show it. Tell the sender, and the company if you know it.",
            "まさにこの内容への会社の同意がない限り、誰にも見せられません。渡す側に、会社が分かるなら会社にも、知らせてください。"
        ),
    })
    .source(refusal)
}

fn reason(refusal: Refusal) -> Words {
    match refusal {
        Refusal::Form => words!("the consent is not in its form", "同意の書式が正しくありません"),
        Refusal::Signature => words!("the company did not sign this consent", "この同意には会社の署名がありません"),
        Refusal::Space => words!("the consent is for another hand-over", "別の引き渡しのための同意です"),
        Refusal::Receiver => words!("the consent names another receiver", "同意された受け取り先と違います"),
        Refusal::Withdrawn => words!("the company has withdrawn its consent", "会社が同意を取り消しています"),
        Refusal::Expired => words!("the consent has expired", "同意の期限が過ぎています"),
        Refusal::Level => words!(
            "the consent is of a lower level, at which the company is not to be known",
            "同意された段階では、会社名を明かせません"
        ),
        Refusal::Members => {
            words!("others can open this than the consent allows", "同意された相手のほかにも、開けられる人がいます")
        }
        Refusal::Items => words!(
            "what is here is not exactly what the company consented to",
            "会社が同意した資料とちょうど同じものではありません"
        ),
        Refusal::Incomplete => words!("not every item is here yet", "資料がまだ揃っていません"),
    }
}
