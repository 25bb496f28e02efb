//! Who the members of a safe are: keys of its chain, the identities that certify them, and what people call them.

use std::collections::BTreeMap;

use hizo_ledger::identity::VerifyingKey;
use hizo_ledger::record::{Control, Record, Role};
use hizo_vault::event::Event;
use hizo_vault::event::certificate::{self, Certificate, Certificates, UnverifiedCertificate};

use crate::failure::{Failure, Kind, Outcome, shown_bytes};
use crate::safe::{Keyring, Safe};
use crate::words::{Words, words};

/// Whose the keys of a safe are, as far as it is certified.
pub(crate) struct People {
    pub certificates: Certificates,
    /// The certificates that hold as they were said, to be said again; by their keys in base64.
    said: BTreeMap<String, UnverifiedCertificate>,
    /// What an admin last called the holder of a key.
    names: BTreeMap<VerifyingKey, String>,
    /// The first epoch that an admin gave to a member later.
    given: BTreeMap<VerifyingKey, u32>,
    /// The company of a hand-over, whose consent lets nobody know who it is.
    untold: Option<VerifyingKey>,
    /// What was said falsely by somebody whom nobody has to believe, and in which record.
    falsehoods: Vec<(u64, certificate::Error)>,
    /// The same, said by somebody who reads the space.
    alarms: Vec<(u64, certificate::Error)>,
}

/// Somebody who is a member, by his own key, by machines, or both.
#[derive(Debug)]
pub(crate) struct Person {
    /// Nothing where nobody has certified whose the key is.
    pub identity: Option<VerifyingKey>,
    pub name: Option<String>,
    /// His own key.
    pub own: Option<Seat>,
    pub machines: Vec<(Seat, Option<String>)>,
}

/// A key's place among the members.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Seat {
    pub key: VerifyingKey,
    pub role: Role,
    /// Number of the record that made it a member.
    pub since: u64,
}

impl People {
    /// Checks every certificate of the space beside the identity of this home.
    ///
    /// A deposit says nothing about keys, so that not every manifest has to be opened for this. A record stays for ever:
    /// what a machine that only deposits, or a member who was removed, says falsely is not believed and stops nobody.
    pub(crate) fn of(safe: &Safe, keyring: &Keyring, own: Certificate) -> Self {
        let mut people = Self {
            certificates: Certificates::new(own),
            said: BTreeMap::new(),
            names: BTreeMap::new(),
            given: BTreeMap::new(),
            untold: None,
            falsehoods: Vec::new(),
            alarms: Vec::new(),
        };
        for record in safe.records.iter().filter(|record| record.envelope().deposit.is_none()) {
            let keys = match people.certificates.follow(record) {
                Ok(keys) => keys,
                Err(error) => {
                    people.disbelieve(safe, record, error);
                    continue;
                }
            };
            let is_by_admin = !record.envelope().controls.is_empty();
            // A body that cannot be read is told by whoever needs what it says; here its certificates are missing.
            for event in keyring.events(safe, record).unwrap_or_default() {
                match event {
                    Event::KeyCertified(certificate) => {
                        match people.certificates.take(&safe.home.space, &keys, &certificate) {
                            Ok(()) => drop(people.said.insert(certificate.key.clone(), certificate)),
                            Err(error) => people.disbelieve(safe, record, error),
                        }
                    }
                    Event::MemberAdded { key, name } | Event::DeviceAdded { key, name } if is_by_admin => {
                        let key = VerifyingKey::from_base64(&key).ok().filter(|key| keys.contains_key(key));
                        key.map(|key| people.names.insert(key, name));
                    }
                    Event::HistoryGiven { key } if is_by_admin => {
                        let first = record.wraps().map(|(epoch, _)| epoch).min();
                        if let (Ok(key), Some(first)) = (VerifyingKey::from_base64(&key), first) {
                            people.given.entry(key).and_modify(|epoch| *epoch = first.min(*epoch)).or_insert(first);
                        }
                    }
                    Event::Consent(said) if record.number() == 0 && !said.level.tells_company() => {
                        people.untold = VerifyingKey::from_base64(&said.key).ok();
                    }
                    _ => (),
                }
            }
        }
        people
    }

    /// A false word about a key is an alarm if somebody who reads the space says it.
    fn disbelieve(&mut self, safe: &Safe, record: &Record, error: certificate::Error) {
        let opens = |key: &VerifyingKey| !self.is_machine(key) && safe.chain.role(key).is_some_and(Role::opens);
        let is_alarm = record.signers().iter().any(opens);
        if is_alarm { &mut self.alarms } else { &mut self.falsehoods }.push((record.number(), error));
    }

    /// Says aloud that somebody who reads the space says falsely whose a key is, unless all who say so are about to be removed:
    /// what they say must not keep them in.
    ///
    /// # Errors
    /// Exit code 5.
    pub(crate) fn heed(&self, safe: &Safe, leaving: &[VerifyingKey]) -> Outcome<()> {
        for (number, error) in &self.alarms {
            let record = usize::try_from(*number).ok().and_then(|number| safe.records.get(number));
            let Some(record) = record else { continue };
            if !record.signers().iter().all(|key| leaving.contains(key)) {
                return Err(false_certificate(record, *error));
            }
        }
        Ok(())
    }

    /// Whether a key is certified as that of a machine, which opens nothing.
    pub(crate) fn is_machine(&self, key: &VerifyingKey) -> bool {
        self.certificates.of(key).is_some_and(|known| known.recipient.is_none())
    }

    /// What is left in doubt about the members, for people to see.
    pub(crate) fn doubts(&self, safe: &Safe) -> Vec<Words> {
        let mut doubts = Vec::new();
        for (number, error) in &self.falsehoods {
            let reason = why_false(*error);
            doubts.push(words!(
                "record {number} says falsely whose key it is ({reason}); nobody who reads this safe signed it, so it is not believed",
                "記録 {number} にある鍵の持ち主の証明は偽りです（{reason}）。金庫の中を見られる人の署名ではないので、信用せずに続けます",
                number = number;
                reason
            ));
        }
        let is_untold = |key: &VerifyingKey| self.untold == Some(*key);
        doubts.extend(self.uncertified(safe).filter(|key| !is_untold(key)).map(|key| {
            words!(
                "nobody has certified whose key {name} is: it reads this safe, and who holds it is not known",
                "鍵 {name} の持ち主を、誰も証明していません。この鍵は金庫の中を見られますが、誰のものかは分かりません",
                name = key.name()
            )
        }));
        doubts
    }

    /// Those of the present members who read and of whom nobody has certified who they are.
    pub(crate) fn uncertified<'a>(&'a self, safe: &'a Safe) -> impl Iterator<Item = VerifyingKey> + 'a {
        let readers = safe.chain.members().filter(|(_, role)| role.opens()).map(|(key, _)| key);
        readers.filter(|key| self.certificates.of(key).is_none())
    }

    /// The present members, each person with his machines.
    pub(crate) fn persons(&self, safe: &Safe) -> Vec<Person> {
        let since = since(safe);
        let mut by_identity: BTreeMap<VerifyingKey, Person> = BTreeMap::new();
        let mut others = Vec::new();
        for (key, role) in safe.chain.members() {
            let seat = Seat { key, role, since: since.get(&key).copied().unwrap_or(0) };
            let name = self.names.get(&key).cloned();
            let Some(certificate) = self.certificates.of(&key) else {
                others.push(Person { identity: None, name, own: Some(seat), machines: Vec::new() });
                continue;
            };
            let identity = certificate.identity;
            let person = by_identity.entry(identity).or_insert_with(|| Person {
                identity: Some(identity),
                name: None,
                own: None,
                machines: Vec::new(),
            });
            match certificate.recipient {
                Some(_) => (person.own, person.name) = (Some(seat), name),
                None => person.machines.push((seat, name)),
            }
        }
        let mut persons: Vec<_> = by_identity.into_values().chain(others).collect();
        persons.sort_by_key(Person::since);
        persons
    }

    /// The one member whom a person named: by what he is called, or by the first digits of a key's name.
    pub(crate) fn named(&self, safe: &Safe, named: &str) -> Outcome<Person> {
        let is_meant = |person: &Person| {
            let by_key = |seat: &Seat| named.len() >= 6 && seat.key.name().to_string().starts_with(named);
            person.name.as_deref() == Some(named) || person.seats().any(|seat| by_key(&seat))
        };
        let mut found: Vec<_> = self.persons(safe).into_iter().filter(is_meant).collect();
        let see = || {
            words!(
                "Run `hizo space members` to see them; a key's first digits name its holder too.",
                "`hizo space members` で一覧を見られます。鍵の先頭の数桁でも指定できます。"
            )
        };
        match (found.pop(), found.is_empty()) {
            (Some(person), true) => Ok(person),
            (None, _) => {
                let named = shown_bytes(named.as_bytes());
                Err(Failure::fixable(words!("nobody is called {named} here", "「{named}」という人はいません"))
                    .hint(see()))
            }
            (Some(_), false) => {
                let named = shown_bytes(named.as_bytes());
                Err(Failure::fixable(words!("several members are called {named}", "「{named}」という人が複数います"))
                    .hint(see()))
            }
        }
    }

    /// The first epoch that was given to a key; nothing for one that never read.
    pub(crate) fn first_epoch(&self, safe: &Safe, key: &VerifyingKey) -> Option<u32> {
        let with = safe.records.iter().filter(|record| {
            record.envelope().controls.iter().any(|control| match control {
                Control::Founder(founder) => founder == key,
                Control::Member { key: member, role } => member == key && role.opens(),
                _ => false,
            })
        });
        let given = with.map(|record| record.wraps().map(|(epoch, _)| epoch).min().unwrap_or(record.envelope().epoch));
        given.chain(self.given.get(key).copied()).min()
    }

    /// The certificate of a key, as it was said.
    pub(crate) fn said(&self, key: &VerifyingKey) -> Option<&UnverifiedCertificate> {
        self.said.get(&key.to_base64())
    }

    /// What an admin last called the holder of a key.
    pub(crate) fn name(&self, key: &VerifyingKey) -> Option<&str> {
        self.names.get(key).map(String::as_str)
    }
}

impl Person {
    /// Every key of his.
    pub(crate) fn seats(&self) -> impl Iterator<Item = Seat> + '_ {
        self.own.into_iter().chain(self.machines.iter().map(|(seat, _)| *seat))
    }

    /// Number of the record with which the first of his keys came.
    pub(crate) fn since(&self) -> u64 {
        self.seats().map(|seat| seat.since).min().unwrap_or(0)
    }

    /// What to call him: his name, or the name of his key.
    pub(crate) fn shown_name(&self) -> String {
        let key = || self.seats().next().map(|seat| seat.key.name().to_string()).unwrap_or_default();
        self.name.as_ref().map_or_else(key, |name| shown_bytes(name.as_bytes()))
    }
}

/// With which record each key last became a member.
fn since(safe: &Safe) -> BTreeMap<VerifyingKey, u64> {
    let mut since = BTreeMap::new();
    for record in &safe.records {
        for control in &record.envelope().controls {
            if let Control::Founder(key) | Control::Member { key, .. } = control {
                since.insert(*key, record.number());
            }
        }
    }
    since
}

fn false_certificate(record: &Record, error: certificate::Error) -> Failure {
    let (number, reason) = (record.number(), why_false(error));
    Failure::new(
        Kind::Lying,
        words!(
            "record {number} says falsely whose key it is: {reason}",
            "記録 {number} にある、鍵の持ち主の証明が偽りです（{reason}）";
            reason
        ),
    )
    .hint(words!(
        "Somebody takes another one's place. Do not deposit; keep a copy of the keeper's data and ask the admins.",
        "誰かが他人になりすましています。預け入れを止め、預け先のデータをそのまま残し、金庫の管理者に知らせてください。"
    ))
    .source(error)
}

fn why_false(error: certificate::Error) -> Words {
    use certificate::Error;
    match error {
        Error::Form => words!("a key, recipient or signature in it is none", "鍵か宛先か署名の形が正しくありません"),
        Error::Place => {
            words!("it stands in a record that is not its key's", "その鍵のものではない記録に書かれています")
        }
        Error::Session => words!(
            "the session key in it is not the one that the space knows",
            "預け先とのやり取りに使う鍵が、金庫の記録にあるものと違います"
        ),
        Error::Signature => words!("the identity did not sign it", "名指しされた本人の署名ではありません"),
        Error::Contradiction => words!("it contradicts another certificate", "ほかの証明と食い違っています"),
        Error::NotOurs => {
            words!(
                "it contradicts the identity file of this home",
                "この金庫のフォルダーにある鍵ファイルと食い違っています"
            )
        }
    }
}
