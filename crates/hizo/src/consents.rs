//! What a case says of its hand-overs: a fold over its records (docs/spec/handover.md).

use hizo_ledger::identity::VerifyingKey;
use hizo_ledger::record::{Record, Role};
use hizo_vault::event::Event;
use hizo_vault::event::handover::{
    Consent, Custody, PaperConsent, Refusal, UnverifiedAnswer, UnverifiedConsent, Verdict,
};

use crate::contents::Opened;
use crate::failure::{Failure, Outcome, shown_bytes};
use crate::parties;
use crate::people::{self, People, Roles};
use crate::words::words;

/// Every hand-over of a case, in the order of the consents.
#[derive(Default)]
pub(crate) struct Consents {
    pub given: Vec<Given>,
    pub papers: Vec<Paper>,
    /// The counsellor who opened the case for somebody else.
    opener: Option<VerifyingKey>,
    /// The members before the next record: what somebody says counts by what he is then, whatever becomes of him.
    roles: Roles,
}

/// A consent, and what came of it.
pub(crate) struct Given {
    pub said: UnverifiedConsent,
    /// The same, if its form and its signature hold.
    pub consent: Result<Consent, Refusal>,
    /// The company's key in the case.
    pub by: VerifyingKey,
    /// When it was signed, in seconds since 1970, as the machine claims.
    pub at: u64,
    pub is_withdrawn: bool,
    pub handed: Option<Handed>,
    pub answer: Option<UnverifiedAnswer>,
    /// When the answer came into the case.
    pub answered_at: Option<u64>,
}

/// That the items were handed over, as the sender says.
pub(crate) struct Handed {
    pub genesis: String,
    pub at: u64,
    /// The receiver's key in the hand-over.
    pub receiver: VerifyingKey,
    pub items: Vec<Custody>,
}

/// What somebody attests for somebody else.
pub(crate) enum Paper {
    /// A consent on a printed form, and who of the two has said so.
    Consent { said: PaperConsent, by: Vec<VerifyingKey> },
    /// A printed hand-over that was taken.
    Accepted { receiver_name: String, reference: String, by: VerifyingKey },
}

impl Consents {
    pub(crate) fn of(opened: Opened) -> Outcome<Self> {
        let Opened { safe, keyring } = opened;
        let (mut consents, people) = (Self::none_yet(opened), keyring.people()?);
        for record in &safe.records {
            let events = match record.envelope().deposit {
                Some(_) => Vec::new(),
                // A body that cannot be read consents to nothing.
                None => keyring.events(safe, record).unwrap_or_default(),
            };
            consents.take(people, record, &events);
        }
        Ok(consents)
    }

    /// The same, for a fold that goes through the records itself.
    pub(crate) fn none_yet(opened: Opened) -> Self {
        Self { opener: parties::opener(opened), ..Self::default() }
    }

    /// Takes the next record, which says this.
    pub(crate) fn take(&mut self, people: &People, record: &Record, events: &[Event]) {
        if let Some(signer) = record.signers().first() {
            events.iter().for_each(|event| self.take_of(people, record, *signer, event.clone()));
        }
        people::come_and_go(&mut self.roles, record);
    }

    fn take_of(&mut self, people: &People, record: &Record, signer: VerifyingKey, event: Event) {
        let at = record.envelope().time.unix_seconds();
        let is_person = people.certificates.of(&signer).is_some_and(|certificate| certificate.recipient.is_some());
        let identity = people.certificates.of(&signer).map(|certificate| certificate.identity);
        // A counsellor who opened the case for somebody is no company, whatever his role.
        let is_opener = self.opener.is_some() && identity == self.opener;
        let is_company = is_person && !is_opener && self.roles.get(&signer) == Some(&Role::Admin);
        match event {
            Event::Consent(said) if is_company && self.by_space(&said.space).is_none() => {
                let (is_withdrawn, handed, answer, answered_at) = (false, None, None, None);
                let consent = said.verify();
                self.given.push(Given {
                    said: *said,
                    consent,
                    by: signer,
                    at,
                    is_withdrawn,
                    handed,
                    answer,
                    answered_at,
                });
            }
            Event::ConsentWithdrawn { space, .. } if is_company => {
                self.by_space(&space).into_iter().for_each(|given| given.is_withdrawn = true);
            }
            Event::HandedOver { space, genesis, receiver, delegation, items } if is_person && !is_company => {
                let Some(given) = self.by_space(&space) else { return };
                let time = record.envelope().time;
                let key = |consent: &Consent| consent.receiver_key(&receiver, delegation.as_deref(), time).ok();
                // Whoever says that he handed something over cannot make up who answers.
                if let Some(receiver) = given.consent.as_ref().ok().and_then(key) {
                    given.handed.get_or_insert(Handed { genesis, at, receiver, items });
                }
            }
            Event::Answered(answer) => {
                let Some(given) = self.by_space(&answer.space) else { return };
                if given.believes(&answer) {
                    given.answer.get_or_insert(answer);
                    given.answered_at.get_or_insert(at);
                }
            }
            Event::PaperAttested(said) if is_person && !is_company && said.holds(record.envelope().time).is_ok() => {
                self.attest(people, signer, said);
            }
            Event::AcceptedPaper { receiver_name, reference, .. } if is_person && !reference.is_empty() => {
                self.papers.push(Paper::Accepted { receiver_name, reference, by: signer });
            }
            _ => (),
        }
    }

    /// One of the two says so; a third one's word adds nothing.
    fn attest(&mut self, people: &People, signer: VerifyingKey, said: PaperConsent) {
        let identity = people.certificates.of(&signer).map(|certificate| certificate.identity);
        let Some(identity) = identity.filter(|identity| said.staff.contains(&identity.to_base64())) else { return };
        let known = self.papers.iter_mut().find_map(|paper| match paper {
            Paper::Consent { said: known, by } if *known == said => Some(by),
            Paper::Consent { .. } | Paper::Accepted { .. } => None,
        });
        match known {
            Some(by) if !by.contains(&identity) => by.push(identity),
            Some(_) => (),
            None => self.papers.push(Paper::Consent { said, by: vec![identity] }),
        }
    }

    fn by_space(&mut self, space: &str) -> Option<&mut Given> {
        self.given.iter_mut().find(|given| given.said.space == space)
    }

    /// The one whose hand-over begins with these digits.
    ///
    /// # Errors
    /// Exit code 3: without a consent there is nothing to be done.
    pub(crate) fn named(&self, digits: &str) -> Outcome<&Given> {
        let mut found = self.given.iter().filter(|given| digits.len() >= 6 && given.said.space.starts_with(digits));
        match (found.next(), found.next()) {
            (Some(given), None) => Ok(given),
            (None, _) => {
                let digits = shown_bytes(digits.as_bytes());
                Err(Failure::untrue(words!(
                    "the company has given no consent {digits} in this case",
                    "この相談に、会社の同意 {digits} はありません"
                ))
                .hint(words!(
                    "Nothing is handed over without one. `hizo hand-over status` lists them; write at least six digits.",
                    "同意がなければ引き渡せません。一覧は `hizo hand-over status` で見られます。6桁以上で指定してください。"
                )))
            }
            (Some(_), Some(_)) => Err(Failure::fixable(words!(
                "several consents begin with {digits}",
                "{digits} で始まる同意が複数あります"
            ))
            .hint(words!("Write more digits.", "もっと多くの桁を書いてください。"))),
        }
    }
}

impl Given {
    /// Whether the receiver keeps it, whatever comes later.
    pub(crate) fn was_accepted(&self) -> bool {
        self.answer.as_ref().is_some_and(|answer| answer.verdict == Verdict::Accepted)
    }

    /// Whether an answer is that of whom the sender named.
    pub(crate) fn believes(&self, answer: &UnverifiedAnswer) -> bool {
        let (Some(handed), Ok(consent)) = (&self.handed, &self.consent) else { return false };
        answer.verify(&consent.space, &handed.receiver).is_ok()
    }
}
