//! What a proposed record does, in words: each of its lines, and each event of its body, before somebody signs it as the second.

use std::collections::BTreeSet;

use hizo_ledger::delegation::{Delegation, Revocation};
use hizo_ledger::id::SeriesId;
use hizo_ledger::identity::VerifyingKey;
use hizo_ledger::object::{ObjectRef, VerifiedObject};
use hizo_ledger::proposal::Proposal;
use hizo_ledger::record::{Control, Origin, Record, Role};
use hizo_vault::age::Recipient;
use hizo_vault::event::Event;
use hizo_vault::event::certificate::UnverifiedCertificate;
use hizo_vault::fingerprint::Spoken;
use hizo_vault::joining::Invite;
use hizo_vault::organisation::Card;

use super::admins;
use super::entering::Admin;
use crate::cards::CardSet;
use crate::contents::Opened;
use crate::failure::{Failure, Outcome, shown_bytes};
use crate::home::Pinned;
use crate::people::{People, shown_organisation};
use crate::safe::{Keyring, Safe};
use crate::view::View;
use crate::words::{Words, words};
use crate::{Setting, directory, log, membership, there};

/// What a record does, in words.
pub(super) struct Meaning<'a> {
    setting: &'a Setting,
    safe: &'a Safe,
    keyring: Keyring,
    record: &'a Record,
    events: Vec<Event>,
    /// Who the members are once it stands.
    after: People,
    /// What safe and series are called before that, where the record calls them something.
    view: View,
    pub lines: Vec<Words>,
}

/// What is to be told of an event.
enum Told {
    /// In a line of its own.
    Alone(Words),
    /// Beside a control line, or in a line about another event.
    Beside,
    /// It was said before, to the word.
    Before,
}

impl<'a> Meaning<'a> {
    pub(super) fn of(
        setting: &'a Setting,
        safe: &'a Safe,
        admin: Admin,
        record: &'a Record,
        proposal: &Proposal,
    ) -> Outcome<Self> {
        let Admin { identity, mut keyring } = admin;
        let own = identity.signing_seed.space_key(&safe.home.space).verifying_key();
        let (epoch, controls) = (record.envelope().epoch, &record.envelope().controls);
        let reads = |control: &Control| matches!(control, Control::Member { key, role } if *key == own && role.opens());
        let leaves = controls.contains(&Control::Remove(own)) && !controls.iter().any(reads);
        if let Some(recipient) = record.recipient() {
            let wraps = record.wraps().filter(|(of, _)| *of == epoch).map(|(_, wrap)| at_hand(proposal, wrap));
            keyring.learn(safe, &identity.identity, (epoch, recipient), wraps.collect::<Outcome<_>>()?)?;
            if !leaves && !keyring.opens(epoch) {
                return Err(refused(words!(
                    "what is kept from then on would be closed to you",
                    "それ以降に預けるものを、あなたが開けられなくなります"
                )));
            }
        }
        let body = record.body_object();
        let is_closed = body.is_some() && leaves && !keyring.opens(epoch);
        let events = match body.filter(|_| !is_closed) {
            Some(body) => keyring.events_in(record, at_hand(proposal, body)?)?,
            None => Vec::new(),
        };
        let after = keyring.people()?.with(safe, record, events.clone()).map_err(refused)?;
        let names = |event: &Event| matches!(event, Event::SpaceFounded { .. } | Event::SeriesNamed { .. });
        let view = match events.iter().any(names) {
            true => View::of(Opened { safe, keyring: &keyring })?,
            false => View::default(),
        };
        let mut meaning = Self { setting, safe, keyring, record, events, after, view, lines: Vec::new() };
        record.envelope().controls.iter().try_for_each(|control| meaning.say(control))?;
        meaning.say_what_else()?;
        if is_closed {
            meaning.lines.push(words!(
                "says more, which is closed to you, as is all that comes later",
                "ほかにも記録されますが、それ以降に預けるものと同じく、あなたには読めません"
            ));
        }
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
            Control::Origin(to) => self.say_move(to)?,
            Control::Rotator(key) => {
                let card = self.after.delegations.organisation_of_rotator(key).ok_or_else(|| {
                    refused(words!(
                        "no organisation says that the key which would begin new keys is its own",
                        "鍵を新しくできるようになる鍵が、どの機関のものか示されていません"
                    ))
                })?;
                let organisation = shown_organisation(card);
                self.lines.push(words!(
                    "lets {organisation} begin new keys by itself from then on, as when somebody leaves it, without the admins; its key {name} does nothing else",
                    "それ以降、機関を離れる人がいたときなどに、{organisation}が管理者なしで鍵を新しくできます。その鍵 {name} にできるのは、それだけです",
                    name = key.name();
                    organisation
                ));
            }
            Control::RotatorEnds(key) => {
                let card = self.keyring.people()?.delegations.organisation_of_rotator(key);
                let organisation = card.map_or_else(|| key.name().to_string().into(), shown_organisation);
                self.lines.push(words!(
                    "{organisation} begins new keys by itself no more",
                    "{organisation}だけで鍵を新しくすることは、できなくなります";
                    organisation
                ));
            }
            Control::Founder(_) | Control::Slot(_) | Control::Session { .. } | Control::Wrap { .. } => {}
        }
        Ok(())
    }

    /// Where the safe goes, and whom everybody believes from then on.
    fn say_move(&mut self, to: &Origin) -> Outcome<()> {
        let Some(invite) = self.where_to(to)? else {
            return Err(refused(words!(
                "nobody says where the new keeper is",
                "新しい預け先のアドレスが示されていません"
            )));
        };
        there::is_who_it_says(&invite)?;
        let home = &self.safe.home;
        let from = &home.keeper;
        let old_spoken =
            membership::read_out(self.setting, &Spoken::of_keeper(&log::named_key(home)?, &home.receipt_key));
        let spoken = membership::read_out(self.setting, &Spoken::of_keeper(&invite.log_key, &invite.receipt_key));
        let at = |address: &str| shown_bytes(address.as_bytes());
        let (old_address, address, log_key) =
            (at(home.address().unwrap_or_default()), at(&invite.address), invite.log_key.to_string());
        self.lines.push(words!(
            "moves the safe to the keeper {to}, at {address}",
            "金庫を、預け先 {to}（{address}）に移します"
        ));
        self.lines.push(words!(
            "compare the new keeper's ten words with whoever proposed this: {spoken}",
            "新しい預け先の10語を、提案した人と読み合わせてください: {spoken}"
        ));
        self.lines.push(words!(
            "compare its key with the one that it publishes: {log_key}",
            "新しい預け先が公開している鍵と同じか確かめてください: {log_key}"
        ));
        self.lines.push(words!(
            "leaves the keeper {from}, at {old_address}; its ten words: {old_spoken}",
            "今の預け先 {from}（{old_address}）を離れます。その10語: {old_spoken}"
        ));
        self.lines.push(words!(
            "from then on every member's machine, yours too, believes the new keeper alone, and nothing is kept at the old one",
            "それ以降、全員のコンピューターが、あなたのものも含めて新しい預け先だけを信用し、今の預け先には何も預けません"
        ));
        Ok(())
    }

    /// The invite to the keeper to which the record moves the safe; nothing where its body has none.
    ///
    /// # Errors
    /// When it leads anywhere else than the record does, or there are two.
    fn where_to(&self, to: &Origin) -> Outcome<Option<Invite>> {
        let said = |event: &Event| match event {
            Event::KeeperMoved { invite } => Some(Invite::parse(format!("{invite}\n").as_bytes())),
            _ => None,
        };
        let mut said = self.events.iter().filter_map(said);
        let (Some(first), None) = (said.next(), said.next()) else { return Ok(None) };
        let envelope = self.record.envelope();
        let is_it = |invite: &Invite| {
            let names = [invite.keeper.as_str(), invite.log_key.name(), invite.receipt_key.name()];
            names.iter().all(|name| *name == to.as_str())
                && (invite.space, invite.genesis) == (self.safe.home.space, self.safe.home.genesis)
                && Some(invite.head.id) == envelope.prev
                && Pinned::of_invite(invite).is_ok()
        };
        match first {
            Ok(invite) if is_it(&invite) => Ok(Some(invite)),
            _ => Err(refused(words!(
                "it says another keeper than the one that it moves the safe to",
                "移転先とは別の預け先が示されています"
            ))),
        }
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
        let Some(certificate) = self.after.certificates.of(key) else {
            return Err(refused(words!(
                "nobody certifies whose key comes",
                "加わる鍵が誰のものか、証明されていません"
            )));
        };
        let name = self.name_then(key);
        let organisation = self.after.delegations.organisation_of(&certificate.identity).map(shown_organisation);
        let line = match (&certificate.recipient, organisation) {
            (None, _) => {
                let owner = self.after.holder_of(&certificate.identity).map(|key| self.name_then(&key));
                let owner = owner.unwrap_or_else(|| certificate.identity.name().to_string());
                words!(
                    "adds the machine {name}, of {owner}, as {role}",
                    "{owner} のコンピューター「{name}」を {role} として加えます"
                )
            }
            (Some(_), Some(organisation)) => words!(
                "lets in {name} as {role}, for {organisation}",
                "{name} を、{organisation}の人として、{role} で加えます",
                name = name, role = role;
                organisation
            ),
            (Some(recipient), None) => {
                let spoken = self.ten_words(&certificate.identity, recipient);
                words!(
                    "lets in {name} as {role}; hear these ten words from that person before you sign: {spoken}",
                    "{name} を {role} として加えます。署名の前に、本人からこの10語を聞いてください: {spoken}"
                )
            }
        };
        self.lines.push(line);
        Ok(())
    }

    fn ten_words(&self, identity: &VerifyingKey, recipient: &Recipient) -> String {
        let spoken = Spoken::of_identity(identity, recipient, &self.safe.home.genesis);
        membership::read_out(self.setting, &spoken)
    }

    /// What somebody is called once the record stands.
    fn name_then(&self, key: &VerifyingKey) -> String {
        self.after.name(key).map_or_else(|| key.name().to_string(), |name| shown_bytes(name.as_bytes()))
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

    /// What the body does beside the control lines, a line for each event that says something new.
    fn say_what_else(&mut self) -> Outcome<()> {
        let begun = self.record.recipient().map(|_| self.record.envelope().epoch);
        let given: BTreeSet<u32> =
            self.record.wraps().map(|(epoch, _)| epoch).filter(|epoch| begun != Some(*epoch)).collect();
        if let (Some(first), Some(last)) = (given.first(), given.last()) {
            self.lines.push(words!(
                "gives the keys of what was kept in epochs {first} to {last}",
                "第{first}期から第{last}期までに預けたものの鍵を渡します"
            ));
        }
        let mut before = 0;
        let mut lines = Vec::new();
        for event in &self.events {
            match self.told(event)? {
                Told::Alone(line) => lines.push(line),
                Told::Beside => (),
                Told::Before => before += 1,
            }
        }
        self.lines.extend(lines);
        if before > 0 {
            self.lines.push(words!(
                "says again, to those who come, what you know to the word: {before} in all",
                "すでにご存じのとおりのことを、加わる人のためにもう一度記録します: {before}件"
            ));
        }
        Ok(())
    }

    /// Whether a key becomes a member that was none.
    fn is_new(&self, key: &VerifyingKey) -> bool {
        self.comes(key) && self.safe.chain.role(key).is_none()
    }

    fn told(&self, event: &Event) -> Outcome<Told> {
        let before = &self.keyring.people()?.delegations;
        let opened = Opened { safe: self.safe, keyring: &self.keyring };
        let unless = |is_known: bool, line: Words| if is_known { Told::Before } else { Told::Alone(line) };
        let controls = &self.record.envelope().controls;
        Ok(match event {
            Event::SpaceFounded { name } => {
                let is_known = self.view.name.as_ref() == Some(name);
                let name = shown_bytes(name.as_bytes());
                unless(is_known, words!("calls the safe {name}", "金庫を「{name}」と呼びます"))
            }
            Event::SeriesNamed { series, name, class } => {
                let known = SeriesId::from_hex(series).ok().and_then(|id| self.view.series.get(&id));
                let is_known = known.is_some_and(|it| it.name.as_ref() == Some(name) && it.class == Some(*class));
                let (series, name) = (shown_bytes(series.as_bytes()), shown_bytes(name.as_bytes()));
                unless(is_known, words!("calls the series {series} {name}", "束 {series} を「{name}」と呼びます"))
            }
            Event::KeyCertified(said) => self.told_certificate(said)?,
            Event::MemberAdded { key, name } | Event::DeviceAdded { key, name } => self.told_name(key, name)?,
            Event::MemberRemoved { key, .. } => match VerifyingKey::from_base64(key) {
                Ok(key) if controls.contains(&Control::Remove(key)) => Told::Beside,
                _ => by_name(event),
            },
            Event::HistoryGiven { key } => {
                let known = VerifyingKey::from_base64(key).ok();
                let name = known.map(|key| self.name(&key)).transpose()?.unwrap_or_default();
                Told::Alone(words!(
                    "says that these keys are for {name}",
                    "これらの鍵は {name} のためのものとされています"
                ))
            }
            Event::RecoveryMade { key, .. } => match VerifyingKey::from_base64(key) {
                Ok(key) if controls.contains(&Control::Recovery(Some(key))) => Told::Beside,
                _ if CardSet::of(opened)?.is_some_and(|cards| cards.said == *event) => Told::Before,
                _ => by_name(event),
            },
            Event::OrganisationPinned { key, name, name_ja } => match VerifyingKey::from_base64(key) {
                Ok(key) => self.told_organisation(&Card { name: name.clone(), name_ja: name_ja.clone(), key })?,
                Err(_) => by_name(event),
            },
            Event::KeyDelegated { note } => match Delegation::verify(note.as_bytes()) {
                Ok(delegation) if before.said_of(&delegation.identity).any(|said| said == event) => Told::Before,
                Ok(delegation) => Told::Alone(self.delegated(&delegation)),
                Err(_) => by_name(event),
            },
            Event::DelegationRevoked { note } => match Revocation::verify(note.as_bytes()) {
                Ok(revocation) => self.told_revocation(&revocation, event, note)?,
                Err(_) => by_name(event),
            },
            Event::KeeperMoved { .. } if controls.iter().any(|control| matches!(control, Control::Origin(_))) => {
                Told::Beside
            }
            Event::KeeperMoved { invite } => match Invite::parse(format!("{invite}\n").as_bytes()) {
                Ok(Invite { address, .. }) => {
                    let address = shown_bytes(address.as_bytes());
                    Told::Alone(words!(
                        "tells the members that it is then at {address}",
                        "移転先のアドレスは {address} とされています"
                    ))
                }
                Err(_) => by_name(event),
            },
            Event::SeriesOpened { .. }
            | Event::DepositMade { .. }
            | Event::RecoveryDrilled { .. }
            | Event::Consent(_)
            | Event::ConsentWithdrawn { .. }
            | Event::HandedOver { .. }
            | Event::SuspectNamed { .. }
            | Event::Opened { .. }
            | Event::Answered(_)
            | Event::PaperAttested(_)
            | Event::AcceptedPaper { .. }
            | Event::SidesCompared { .. }
            | Event::Case(_)
            | Event::Unknown(_) => by_name(event),
        })
    }

    /// Whose a key is: a newcomer's is told with him; the words of somebody who was not certified until now are to be heard too.
    fn told_certificate(&self, said: &UnverifiedCertificate) -> Outcome<Told> {
        let Ok(key) = VerifyingKey::from_base64(&said.key) else { return Ok(Told::Beside) };
        if self.is_new(&key) {
            return Ok(Told::Beside);
        }
        if self.keyring.people()?.said(&key) == Some(said) {
            return Ok(Told::Before);
        }
        let name = self.name_then(&key);
        let certificate = self.after.certificates.of(&key);
        Ok(Told::Alone(match certificate.and_then(|it| Some((&it.identity, it.recipient.as_ref()?))) {
            Some((identity, recipient)) => {
                let spoken = self.ten_words(identity, recipient);
                words!(
                    "says whose key {name} is; hear these ten words from that person before you sign: {spoken}",
                    "鍵 {name} の持ち主を証明します。署名の前に、本人からこの10語を聞いてください: {spoken}"
                )
            }
            None => words!("says that {name} is a machine", "{name} がコンピューターの鍵であることを証明します"),
        }))
    }

    fn told_name(&self, key: &str, name: &str) -> Outcome<Told> {
        let Ok(key) = VerifyingKey::from_base64(key) else { return Ok(Told::Beside) };
        let known = self.keyring.people()?.name(&key);
        if self.is_new(&key) {
            return Ok(Told::Beside);
        }
        if known == Some(name) {
            return Ok(Told::Before);
        }
        let known = known.map_or_else(|| key.name().to_string(), |known| shown_bytes(known.as_bytes()));
        let name = shown_bytes(name.as_bytes());
        Ok(Told::Alone(words!("calls {known} {name} from then on", "{known} を、それ以降 {name} と呼びます")))
    }

    /// Whose an organisation's key is: its words are to be compared, as whoever proposes it did.
    fn told_organisation(&self, card: &Card) -> Outcome<Told> {
        let known = self.keyring.people()?.delegations.pinned(&card.key);
        if known == Some(card) {
            return Ok(Told::Before);
        }
        directory::card_of(&self.safe.home, card, |words| self.setting.console.warn(words))?;
        let organisation = shown_organisation(card);
        let spoken = membership::read_out(self.setting, &Spoken::of_organisation(&card.key));
        Ok(Told::Alone(match known.map(shown_organisation) {
            Some(known) => words!(
                "calls {known} {organisation} from then on; its ten words are: {spoken}",
                "{known}を、それ以降 {organisation} と呼びます。その10語: {spoken}",
                spoken = spoken;
                known, organisation
            ),
            None => words!(
                "counts the key of {organisation} as compared; before you sign, compare these ten words with those that it publishes: {spoken}",
                "{organisation}の鍵を照合済みとします。署名の前に、機関が公開している10語と比べてください: {spoken}",
                spoken = spoken;
                organisation
            ),
        }))
    }

    /// Whose key acts for whom.
    fn delegated(&self, delegation: &Delegation) -> Words {
        let Delegation { organisation, key, role, not_before, not_after, .. } = delegation;
        let (name, organisation) = (self.name_then(key), self.organisation_then(organisation));
        words!(
            "{name} (key {key}) acts for {organisation}, as {role} at most, from {not_before} until {not_after}",
            "{name}（鍵 {key}）が、{organisation}の人になります（{role} まで、{not_before} から {not_after} まで）",
            name = name, key = key.name(), role = role.as_str(), not_before = not_before, not_after = not_after;
            organisation
        )
    }

    fn told_revocation(&self, revocation: &Revocation, event: &Event, note: &str) -> Outcome<Told> {
        let before = &self.keyring.people()?.delegations;
        let ends = before.revocation(&self.safe.home.space, note);
        if ends.is_ok_and(|(identity, _)| before.said_of(&identity).any(|said| said == event)) {
            return Ok(Told::Before);
        }
        let (name, organisation) = (self.name_then(&revocation.key), self.organisation_then(&revocation.organisation));
        Ok(Told::Alone(words!(
            "{name} (key {key}) acts for {organisation} no more",
            "{name}（鍵 {key}）は、{organisation}の人ではなくなります",
            name = name, key = revocation.key.name();
            organisation
        )))
    }

    fn organisation_then(&self, key: &VerifyingKey) -> Words {
        let card = self.after.delegations.pinned(key);
        card.map_or_else(|| key.name().to_string().into(), shown_organisation)
    }
}

/// What says nothing to people here, by the name of its event.
fn by_name(event: &Event) -> Told {
    let value = event.to_value();
    let name = shown_bytes(value["event"].as_str().unwrap_or_default().as_bytes());
    Told::Alone(words!("says this beside: {name}", "ほかに次のことを記録します: {name}"))
}

/// An object of the proposal that its record names.
fn at_hand(proposal: &Proposal, named: ObjectRef) -> Outcome<VerifiedObject> {
    let found = proposal.objects().iter().find_map(|bytes| named.verify(bytes.clone()).ok());
    found.ok_or_else(|| Failure::internal_message("a proposal has what its record names"))
}

/// A proposal that is not to be signed.
pub(super) fn refused(why: Words) -> Failure {
    Failure::untrue(words!("the proposal does not hold: {why}", "提案が正しくありません（{why}）"; why))
        .hint(words!("Sign nothing. Ask whoever sent it.", "署名せずに、送った人に確かめてください。"))
}
