//! What happens: mostly the next right step of a hand-over.

use super::*;

impl World {
    pub(super) fn take_step(&mut self) {
        self.now += if self.dice.one_in(9) { self.dice.of(&[2, 20]) * DAY } else { 3_600 };
        if self.dice.below(5) < 3 {
            self.touched = self.dice.of(&[1, 1, 1, 2]);
            self.go_on(self.touched);
        } else {
            self.stray();
        }
        self.compare();
        self.replay();
    }

    /// The next right step of a hand-over.
    fn go_on(&mut self, hand: usize) {
        let Some(shape) = self.given[hand].shape.clone() else { return self.consent(hand, true) };
        let Some(made) = &self.hands[hand] else { return self.found(hand, true) };
        let there: BTreeSet<usize> = made.deposits.iter().map(|made| made.item).collect();
        let (sender, receiver) = (made.sender, made.shape.receiver.unwrap_or(OFFICERS[0]));
        let seats = &self.place(hand).seats;
        let (is_there, is_in) = (seats.members.contains_key(&receiver), made.handed.is_some());
        let is_admin = seats.members.get(&sender) == Some(&Role::Admin);
        let is_answered = !made.answers.is_empty();
        if let Some(item) = shape.items.iter().find(|item| !there.contains(item)).filter(|_| is_admin) {
            let by = if self.dice.one_in(3) { shape.by } else { sender };
            return self.seal(hand, by, *item, 100 + *item as u8);
        }
        if !is_there && is_admin {
            return self.let_in(hand, receiver, true);
        }
        if is_in && self.given[hand].handed.is_none() {
            return self.say_handed(hand, SENDER, receiver, true);
        }
        if is_admin {
            return self.leave(hand, shape.keeps);
        }
        if !is_answered && is_in {
            let verdict =
                self.dice.of(&[Verdict::Accepted, Verdict::Accepted, Verdict::Rejected, Verdict::Insufficient]);
            return self.answer(hand, receiver, receiver, verdict);
        }
        if is_answered && self.dice.one_in(3) {
            let verdict = self.dice.of(&[Verdict::Accepted, Verdict::Rejected]);
            return self.answer(hand, receiver, receiver, verdict);
        }
        self.carry(hand);
    }

    /// What errs, deceives, or has nothing to do with it.
    fn stray(&mut self) {
        let hand = self.dice.of(&[1, 1, 2]);
        self.touched = hand;
        let (case_member, who) = (self.member(CASE), self.dice.below(MACHINE));
        let verdict = self.dice.of(&[Verdict::Accepted, Verdict::Rejected, Verdict::Insufficient]);
        match self.dice.below(12) {
            0 => return self.consent(hand, false),
            1 => return self.withdraw(CASE, hand, case_member),
            2 => return self.say_handed(hand, case_member, who, false),
            3 => return self.carry(hand),
            4..=6 => return self.seats_change(CASE),
            7 => return self.own_keys(CASE),
            8 if self.hands[hand].is_none() => return self.found(hand, false),
            _ => (),
        }
        let Some(made) = &self.hands[hand] else { return };
        let (company, item) = (made.shape.by, self.dice.below(ITEMS + 1));
        let (by, there, companys) = (self.member(hand), self.member(hand), self.dice.one_in(2));
        match self.dice.below(12) {
            0 => self.seal(hand, by, item, self.place(hand).safe.records.len() as u8),
            1 => self.let_in(hand, who, false),
            2 => {
                let stays = self.dice.one_in(2);
                self.leave(hand, stays);
            }
            3 => self.answer(hand, by, there, verdict),
            4 => self.withdraw(hand, hand, if companys { company } else { by }),
            5 => self.certify(hand, if companys { company } else { by }, company),
            6..=8 => self.seats_change(hand),
            9 => self.own_keys(hand),
            10 => self.say_handed_again(hand, by, who),
            _ => self.open(hand, by),
        }
    }

    fn consent(&mut self, hand: usize, is_right: bool) {
        let seats = &self.place(CASE).seats;
        let admins: Vec<Who> =
            seats.members.iter().filter(|(_, role)| **role == Role::Admin).map(|(who, _)| *who).collect();
        let by = if is_right { self.dice.of(&admins) } else { self.member(CASE) };
        let errs = !is_right && self.dice.one_in(2);
        let flaw = if errs { self.dice.of(&[Flaw::Form, Flaw::Signature, Flaw::Item]) } else { Flaw::None };
        let mut items: BTreeSet<usize> = (0..ITEMS).filter(|_| self.dice.one_in(2)).collect();
        items.insert(self.dice.below(ITEMS));
        if flaw == Flaw::Item {
            items.insert(ITEMS);
        }
        let shape = Shape {
            by,
            flaw,
            level: self.dice.of(&[Level::A, Level::B, Level::B, Level::C, Level::D]),
            receiver: self.dice.of(&[Some(RECEIVER), Some(RECEIVER), Some(STRANGER), None, None]),
            keeps: self.dice.one_in(3),
            until: self.now + self.dice.of(&[1, 5, 60, 60]) * DAY,
            items,
            space: hand,
        };
        let said = self.compose(&shape);
        self.signed.push((shape.clone(), said.clone()));
        let is_admin = self.place(CASE).seats.members.get(&by) == Some(&Role::Admin);
        if self.say(CASE, "consent", by, Event::Consent(Box::new(said))) && is_admin {
            self.given[hand].shape.get_or_insert(shape);
        }
    }

    fn item(&self, item: usize) -> RecordId {
        self.items.get(item).copied().unwrap_or_else(|| RecordId::of(b"nothing of the case"))
    }

    fn compose(&self, shape: &Shape) -> UnverifiedConsent {
        let company = &PEOPLE[shape.by];
        let space = SPACES[shape.space];
        let mut items: Vec<_> = shape
            .items
            .iter()
            .map(|item| UnverifiedItem {
                deposit: self.item(*item).to_string(),
                commit: commit(*item as u8).to_string(),
                paths: Vec::new(),
            })
            .collect();
        items.sort_by(|one, other| one.deposit.cmp(&other.deposit));
        let tells = shape.level.tells_company() != (shape.flaw == Flaw::Form);
        let mut said = UnverifiedConsent {
            space: space.to_string(),
            key: String::new(),
            session: company.sessions[shape.space].to_base64(),
            machine: PEOPLE[MACHINE].key(shape.space).to_base64(),
            machine_session: PEOPLE[MACHINE].sessions[shape.space].to_base64(),
            recipient: company.recipient.clone(),
            company: if tells { COMPANY_NAME } else { "-" }.into(),
            receiver: shape.receiver_key().to_base64(),
            receiver_name: "特許庁".into(),
            purpose: "advice".into(),
            level: shape.level,
            onward: "red".into(),
            keeps_sender: shape.keeps,
            until: time(shape.until).as_str().to_owned(),
            items,
            signature: String::new(),
        };
        said = said.sign(&company.keys[shape.space]);
        if shape.flaw == Flaw::Signature {
            said.receiver = PEOPLE[OTHER].identity.to_base64();
        }
        said
    }

    fn withdraw(&mut self, at: usize, hand: usize, who: Who) {
        let event = Event::ConsentWithdrawn { space: SPACES[hand].to_string(), reason: String::new() };
        let is_admin = self.place(at).seats.members.get(&who) == Some(&Role::Admin);
        if !self.say(at, "withdraw", who, event) {
            return;
        }
        if at == CASE {
            self.given[hand].is_withdrawn |= is_admin && self.given[hand].shape.is_some();
        } else if let Some(made) = &mut self.hands[hand] {
            made.is_withdrawn |= who == made.shape.by && made.shape.space == hand;
        }
    }

    /// Makes the hand-over: of the consent that counts, or of another one that the company once signed.
    fn found(&mut self, hand: usize, is_right: bool) {
        let (sender, with_company) =
            (if is_right || self.dice.one_in(2) { SENDER } else { OTHER }, is_right || !self.dice.one_in(4));
        let fitting: Vec<usize> =
            (0..self.signed.len()).filter(|at| self.signed[*at].0.space == hand || self.dice.one_in(3)).collect();
        if fitting.is_empty() || self.hands[hand].is_some() {
            return;
        }
        let drawn = if is_right { fitting[0] } else { self.dice.of(&fitting) };
        let (shape, said) = self.signed[drawn].clone();
        if [SENDER, OTHER, MACHINE].contains(&shape.by) || (is_right && shape.space != hand) {
            return;
        }
        let company = [(shape.by, Role::Admin), (MACHINE, Role::Writer)];
        let with = if with_company { &company[..] } else { &company[1..] };
        let events =
            vec![Event::KeyCertified(PEOPLE[sender].certificates[hand].clone()), Event::Consent(Box::new(said))];
        let is_told = tells(&event::compose(&events), shape.by);
        self.begin(hand, sender, with, RECEIVER, events);
        self.told.push(format!("{hand}: founded by {sender} with {with_company} on {shape:?}"));
        self.hands[hand] = Some(Hand {
            shape,
            sender,
            is_withdrawn: false,
            certified: false,
            deposits: Vec::new(),
            handed: None,
            answers: Vec::new(),
            is_told,
        });
    }

    fn seal(&mut self, hand: usize, by: Who, item: usize, commit: u8) {
        let act = Seating { is_deposit: true, ..Seating::default() };
        if let Some(record) = self.put(hand, "seal", &[by].into(), act, Some(commit), Vec::new())
            && let Some(made) = &mut self.hands[hand]
        {
            made.deposits.push(Made { record, commit, by, item });
        }
    }

    /// What the sender says that he made, rightly or not.
    fn custody(&mut self, hand: usize, is_right: bool) -> Vec<Entry> {
        let made = self.hands[hand].as_ref().unwrap();
        let mut entries: Vec<Entry> = Vec::new();
        for made in &made.deposits {
            if entries.iter().all(|(item, ..)| *item != made.item) {
                entries.push((made.item, made.record, made.commit));
            }
        }
        if !is_right && !entries.is_empty() {
            let at = self.dice.below(entries.len());
            match self.dice.below(5) {
                0 => drop(entries.remove(at)),
                1 => entries[at].0 = ITEMS,
                2 => entries[at].1 = self.item(0),
                3 => entries[at].2 = 77,
                _ => entries.push(entries[at]),
            }
        }
        entries
    }

    pub(super) fn handed(&self, hand: usize, (who, certified_at): (Who, usize), entries: &[Entry]) -> Event {
        let items = entries.iter().map(|(item, record, byte)| Custody {
            deposit: self.item(*item).to_string(),
            record: record.to_string(),
            commit: commit(*byte).to_string(),
        });
        Event::HandedOver {
            space: SPACES[hand].to_string(),
            genesis: RecordId::of(b"genesis").to_string(),
            receiver: Box::new(PEOPLE[who].certificates[certified_at].clone()),
            delegation: OFFICERS.contains(&who).then(|| self.note(who, hand, 90 * DAY)),
            items: items.collect(),
        }
    }

    /// Whether the consent names whoever this certificate is of.
    fn names(shape: &Shape, (who, certified_at): (Who, usize), hand: usize) -> bool {
        let is_here = certified_at == shape.space;
        let is_named = match shape.receiver {
            Some(receiver) => receiver == who && !OFFICERS.contains(&who),
            None => OFFICERS.contains(&who) && hand == shape.space,
        };
        shape.fault().is_none() && is_here && is_named
    }

    fn certified_at(&mut self, hand: usize, is_right: bool) -> usize {
        if is_right || !self.dice.one_in(4) { hand } else { 3 - hand }
    }

    fn let_in(&mut self, hand: usize, who: Who, is_right: bool) {
        let (entries, certified) = (self.custody(hand, is_right), self.certified_at(hand, is_right));
        let made = self.hands[hand].as_ref().unwrap();
        let (sender, company) = (made.sender, made.shape.by);
        self.compare_sending(hand, who, &entries);
        let signers = if is_right { BTreeSet::from([sender]) } else { self.admins(hand) };
        let role = if is_right { Role::ReaderWriter } else { self.dice.of(&[Role::Reader, Role::ReaderWriter]) };
        if who == company || who == sender {
            return;
        }
        let says = is_right || !self.dice.one_in(4);
        let said = if says { vec![self.handed(hand, (who, certified), &entries)] } else { Vec::new() };
        let stands = self.admit(hand, &signers, who, role, said).is_some() && self.believed;
        let made = self.hands[hand].as_mut().unwrap();
        let counts = Self::names(&made.shape, (who, certified), hand) && signers.contains(&sender);
        if stands && says && counts && made.handed.is_none() {
            made.handed = Some((who, entries));
        }
    }

    /// The sender says it once more, or somebody else does.
    fn say_handed_again(&mut self, hand: usize, by: Who, who: Who) {
        let (entries, certified) = (self.custody(hand, false), self.certified_at(hand, false));
        let sender = self.hands[hand].as_ref().unwrap().sender;
        let by = if self.dice.one_in(2) { sender } else { by };
        let event = self.handed(hand, (who, certified), &entries);
        let is_believed = self.say(hand, "handed over again", by, event);
        let made = self.hands[hand].as_mut().unwrap();
        let counts = Self::names(&made.shape, (who, certified), hand) && by == sender;
        if is_believed && counts && made.handed.is_none() {
            made.handed = Some((who, entries));
        }
    }

    /// What the case is told.
    fn say_handed(&mut self, hand: usize, by: Who, who: Who, is_right: bool) {
        let certified = self.certified_at(hand, is_right);
        let event = self.handed(hand, (who, certified), &[]);
        let is_admin = self.place(CASE).seats.members.get(&by) == Some(&Role::Admin);
        let is_believed = self.say(CASE, "told the case", by, event);
        let given = &mut self.given[hand];
        let counts = given.shape.as_ref().is_some_and(|shape| Self::names(shape, (who, certified), hand));
        if is_believed && !is_admin && counts {
            given.handed.get_or_insert(who);
        }
    }

    fn leave(&mut self, hand: usize, stays: bool) {
        let sender = self.hands[hand].as_ref().unwrap().sender;
        let comes = if stays { vec![(sender, Role::Reader)] } else { Vec::new() };
        let act = Seating { leaves: vec![sender], comes, begins: true, ..Seating::default() };
        let signers = self.with_second(hand, sender);
        self.put(hand, "leave", &signers, act, None, Vec::new());
    }

    /// He, and another admin where two are asked for.
    fn with_second(&self, at: usize, who: Who) -> BTreeSet<Who> {
        let seats = &self.place(at).seats;
        let mut others = seats.members.iter().filter(|(it, role)| **role == Role::Admin && **it != who);
        let second = others.next().map(|(other, _)| *other).filter(|_| seats.needed == 2);
        second.into_iter().chain([who]).collect()
    }

    fn open(&mut self, hand: usize, who: Who) {
        self.say(hand, "open", who, Event::Opened { space: SPACES[hand].to_string(), items: Vec::new() });
    }

    /// Somebody says an answer that he or another one signs, as he likes or as one was signed before.
    fn answer(&mut self, hand: usize, by: Who, signs: Who, verdict: Verdict) {
        let (mut space, is_tampered) = (hand, by != signs && self.dice.one_in(3));
        if by != signs && self.dice.one_in(4) {
            space = 3 - hand;
        }
        let answer = UnverifiedAnswer {
            verdict,
            space: SPACES[space].to_string(),
            items: Vec::new(),
            reference: "令9-114".into(),
            reason: "logs are missing".into(),
            key: String::new(),
            signature: String::new(),
        };
        let mut answer = answer.sign(&PEOPLE[signs].keys[space]);
        if is_tampered {
            answer.reference.push('5');
        } else {
            self.answered.push((space, signs, verdict, answer.clone()));
        }
        let counts =
            self.say(hand, "answer", by, Event::Answered(answer)) && by == signs && space == hand && !is_tampered;
        let now = self.now;
        let made = self.hands[hand].as_mut().unwrap();
        let is_late = made.is_withdrawn || now > made.shape.until || made.shape.fault().is_some();
        if counts && !(is_late && verdict == Verdict::Accepted) {
            made.answers.push((by, verdict));
        }
    }

    /// Carries an answer into the case: any that somebody has signed anywhere.
    fn carry(&mut self, hand: usize) {
        let of_hand: Vec<usize> = (0..self.answered.len()).filter(|at| self.answered[*at].0 == hand).collect();
        if self.answered.is_empty() {
            return;
        }
        let drawn = match of_hand.is_empty() || self.dice.one_in(6) {
            true => self.dice.below(self.answered.len()),
            false => self.dice.of(&of_hand),
        };
        let (space, signs, verdict, mut answer) = self.answered[drawn].clone();
        let is_tampered = self.dice.one_in(5);
        if is_tampered {
            answer.verdict = match verdict {
                Verdict::Accepted => Verdict::Rejected,
                Verdict::Rejected | Verdict::Insufficient => Verdict::Accepted,
            };
        }
        let by = self.member(CASE);
        if self.say(CASE, "carry", by, Event::Answered(answer)) {
            let given = &mut self.given[space];
            if given.handed == Some(signs) && !is_tampered && given.answer.is_none() {
                given.answer = Some((signs, verdict));
            }
        }
    }

    /// Says who the company is.
    fn certify(&mut self, hand: usize, by: Who, of: Who) {
        let event = Event::KeyCertified(PEOPLE[of].certificates[hand].clone());
        let is_told = tells(&event::compose(std::slice::from_ref(&event)), of);
        let stands = self.say(hand, "certify", by, event);
        if let Some(made) = self.hands[hand].as_mut().filter(|_| stands) {
            made.certified |= of == made.shape.by && made.shape.space == hand;
            made.is_told |= is_told && of == made.shape.by;
        }
    }

    /// Who is a member changes, or who reads.
    fn seats_change(&mut self, at: usize) {
        let here = if at == CASE { [OWNER, DEPUTY, STAFF, OTHER] } else { [RECEIVER, STRANGER, OFFICERS[1], STAFF] };
        let (who, there) = (self.dice.of(&here), self.member(at));
        let role = self.dice.of(&[Role::Admin, Role::Admin, Role::Reader, Role::Writer, Role::ReaderWriter]);
        let role = if OFFICERS.contains(&who) { Role::ReaderWriter } else { role };
        let signers = self.admins(at);
        let is_plain = |who: Who| organisation_of(who).is_none() && who != MACHINE;
        let company = self.hands[at].as_ref().map(|hand| hand.shape.by);
        let act = match self.dice.below(9) {
            0..=2 if Some(who) != company => {
                self.admit(at, &signers, who, role, Vec::new());
                return;
            }
            3 => Seating { leaves: vec![there], begins: true, ..Seating::default() },
            4 if is_plain(there) && Some(there) != company && at == CASE => {
                Seating { leaves: vec![there], comes: vec![(there, role)], begins: true, ..Seating::default() }
            }
            5 => Seating { rule: Some(1 + self.dice.below(2)), ..Seating::default() },
            6 if at != CASE => Seating { cards: Some(self.dice.one_in(2)), ..Seating::default() },
            7 if at != CASE => Seating { names: Some(self.dice.one_in(2)), ..Seating::default() },
            _ => Seating { begins: true, ..Seating::default() },
        };
        let kind = match &act {
            Seating { leaves, comes, .. } if !leaves.is_empty() && comes.is_empty() => "remove",
            Seating { leaves, .. } if !leaves.is_empty() => "change",
            Seating { rule: Some(_), .. } => "rule",
            Seating { cards: Some(_), .. } => "cards",
            Seating { names: Some(_), .. } => "rotator",
            _ => "rotate",
        };
        self.put(at, kind, &signers, act, None, Vec::new());
    }

    /// An organisation takes a delegation back, gives a new one, or somebody leaves it.
    fn own_keys(&mut self, at: usize) {
        let bound: Vec<Who> = self.place(at).seats.delegated.keys().copied().collect();
        if bound.is_empty() {
            return;
        }
        let (who, by) = (self.dice.of(&bound), self.member(at));
        let Some(organisation) = organisation_of(who) else { return };
        if self.dice.one_in(3) {
            let seed = self::organisation(organisation);
            let (key, time) = (PEOPLE[who].key(at), time(self.now));
            let ended = Revocation { organisation: organisation_key(organisation), space: SPACES[at], key, time };
            let note = ended.note(&seed.signing_key().sign(ended.text().as_bytes())).unwrap();
            self.say(at, "revoke", by, Event::DelegationRevoked { note });
            return;
        }
        if organisation == OFFICE && self.office_epoch < 6 && self.dice.one_in(2) {
            self.office_epoch += 1;
        }
        let note = self.note(who, at, 60 * DAY);
        let by = if self.dice.one_in(2) { who } else { by };
        self.say(at, "delegate", by, Event::KeyDelegated { note });
    }
}

/// Whether a body tells who somebody is: his identity, his key in the case, or his name.
pub(super) fn tells(body: &[u8], who: Who) -> bool {
    let text = String::from_utf8_lossy(body);
    let marks = [PEOPLE[who].identity.to_base64(), PEOPLE[who].key(CASE).to_base64(), COMPANY_NAME.to_owned()];
    marks.iter().any(|mark| text.contains(mark))
}
