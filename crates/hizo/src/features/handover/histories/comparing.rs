//! What everybody finds, by the page and by the code.

use super::*;

impl World {
    /// What a reader must find, by the page.
    fn verdict(&self, hand: usize, who: Who, leaves: bool, custody: &[Entry]) -> Option<Refusal> {
        let (made, seats) = (self.hands[hand].as_ref().unwrap(), &self.place(hand).seats);
        let shape = &made.shape;
        if shape.fault().is_some() {
            return shape.fault();
        }
        let members: BTreeMap<Who, Role> = seats
            .members
            .iter()
            .filter(|(it, _)| !(leaves && **it == made.sender))
            .map(|(it, role)| (*it, *role))
            .collect();
        if shape.space != hand || members.get(&shape.by) != Some(&Role::Admin) {
            return Some(Refusal::Space);
        }
        // Of an organisation everybody who acts for it there, whether or not he may any more.
        let is_for_office = |it: Who| OFFICERS.contains(&it) && seats.delegated.contains_key(&it);
        let is_receiver = |it: Who| match shape.receiver {
            Some(_) => it == who,
            None => is_for_office(it) || it == who,
        };
        let is_named = match shape.receiver {
            Some(receiver) => receiver == who && !OFFICERS.contains(&who),
            None => is_for_office(who),
        };
        if !is_named {
            return Some(Refusal::Receiver);
        }
        let is_theirs = |by: Who| match &made.handed {
            Some((receiver, _)) => by == *receiver,
            None => is_receiver(by) && seats.members.contains_key(&by),
        };
        let first = made.answers.iter().find(|(by, _)| is_theirs(*by));
        if first.is_none_or(|(_, verdict)| *verdict != Verdict::Accepted) {
            if made.is_withdrawn {
                return Some(Refusal::Withdrawn);
            }
            if self.now > shape.until {
                return Some(Refusal::Expired);
            }
        }
        if made.certified && !shape.level.tells_company() {
            return Some(Refusal::Level);
        }
        let others = members.iter().filter(|(it, role)| {
            role.opens()
                && **it != shape.by
                && !is_receiver(**it)
                && !(shape.keeps && **it == made.sender && **role != Role::Admin)
        });
        let others = others.count()
            + members
                .iter()
                .filter(|(it, role)| **it != shape.by && is_receiver(**it) && **role == Role::Admin)
                .count();
        // The office's key begins epochs for nobody but the office, once it has said that it is its own.
        let has_said = seats.delegated.keys().any(|it| OFFICERS.contains(it));
        let foreign = seats.rotators.iter().any(|own| !own || shape.receiver.is_some() || !has_said);
        if others > 0 || foreign || seats.cards {
            return Some(Refusal::Members);
        }
        let mut left: Vec<Made> = made.deposits.iter().filter(|it| !is_receiver(it.by)).copied().collect();
        let mut open = shape.items.clone();
        for (item, record, byte) in custody {
            let known = left.iter().position(|it| it.record == *record);
            match known {
                Some(at) if left[at].commit == *byte && open.remove(item) => drop(left.remove(at)),
                _ => return Some(Refusal::Items),
            }
        }
        match (left.is_empty(), open.is_empty()) {
            (false, _) => Some(Refusal::Items),
            (true, false) => Some(Refusal::Incomplete),
            (true, true) => None,
        }
    }

    fn onlooker(&self, hand: usize, who: Who, sender_leaves: bool) -> Onlooker {
        let people = self.place(hand).keyring.people().unwrap();
        let identity = PEOPLE[who].identity;
        let organisation = people.delegations.organisation_of(&identity).map(|card| card.key);
        Onlooker { identity, organisation, sender_leaves }
    }

    /// Whoever might open, or send: the client's own verdict is the model's, in every space.
    pub(super) fn compare(&mut self) {
        for at in 0..SPACES.len() {
            if let Some(place) = &mut self.places[at] {
                place.look(self.now);
            }
        }
        for hand in 1..SPACES.len() {
            if self.hands[hand].is_some() {
                self.compare_opening(hand);
            }
            self.compare_case(hand);
        }
    }

    fn compare_opening(&mut self, hand: usize) {
        let (place, made) = (self.place(hand), self.hands[hand].as_ref().unwrap());
        let handover = place.handover.as_ref().unwrap();
        assert_eq!(handover.is_withdrawn, made.is_withdrawn, "whether it was withdrawn");
        let receiver = made.handed.as_ref().map(|(who, _)| PEOPLE[*who].key(hand));
        assert_eq!(handover.receiver, receiver, "who receives");
        let custody = made.handed.as_ref().map_or(&[][..], |(_, entries)| entries);
        let mut kinds = Vec::new();
        for who in [RECEIVER, STRANGER, OFFICERS[0], OFFICERS[1]] {
            let onlooker = self.onlooker(hand, who, false);
            let found = handover.check_at(place.opened(), &onlooker, &handover.custody, time(self.now));
            let (found, expected) = (refusal(&found), self.verdict(hand, who, false, custody));
            assert_eq!(found, expected, "what {who} may open of {hand}");
            if found.is_none() {
                assert!(!made.is_told || made.shape.level.tells_company(), "{who} reads who the company is");
            }
            kinds.push(found.map_or("may open", verdict_name));
        }
        for kind in kinds {
            *self.stood.entry(kind).or_default() += 1;
        }
    }

    /// What the sender's client finds before it lets somebody in.
    pub(super) fn compare_sending(&self, hand: usize, who: Who, entries: &[Entry]) {
        let place = self.place(hand);
        let Event::HandedOver { items, .. } = self.handed(hand, (who, hand), entries) else { return };
        let mut onlooker = self.onlooker(hand, who, true);
        // Whoever brings a delegated request acts for the one that has delegated it.
        onlooker.organisation = onlooker.organisation.filter(|_| place.seats.delegated.contains_key(&who));
        let handover = place.handover.as_ref().unwrap();
        let found = handover.check_at(place.opened(), &onlooker, &items, time(self.now));
        assert_eq!(refusal(&found), self.verdict(hand, who, true, entries), "whether {who} is let in");
    }

    fn compare_case(&mut self, hand: usize) {
        let (place, given) = (self.place(CASE), &self.given[hand]);
        let found = place.consents.given.iter().find(|given| given.said.space == SPACES[hand].to_string());
        let Some(shape) = &given.shape else {
            assert!(found.is_none(), "a consent counts that nobody has given");
            return;
        };
        let found = found.expect("what the company consented to counts");
        assert_eq!(found.by, PEOPLE[shape.by].key(CASE), "who consented");
        assert_eq!(found.is_withdrawn, given.is_withdrawn, "whether it was withdrawn in the case");
        let handed = given.handed.map(|who| PEOPLE[who].key(hand));
        assert_eq!(found.handed.as_ref().map(|handed| handed.receiver), handed, "whose answer counts");
        let answer = found.answer.as_ref().map(|answer| (answer.key.clone(), answer.verdict));
        let expected = given.answer.map(|(who, verdict)| (PEOPLE[who].key(hand).to_base64(), verdict));
        assert_eq!(answer, expected, "the answer");
        if let Some((who, verdict)) = given.answer {
            let has_signed = self.answered.iter().any(|(at, by, said, _)| (*at, *by, *said) == (hand, who, verdict));
            assert!(has_signed, "delivered, and the receiver has signed no answer");
        }
        if hand != self.touched {
            return;
        }
        // Whether the sender's client would begin.
        let side = Side {
            safe: Safe::of(place.safe.home.clone(), keeper(), place.safe.chain.clone(), place.safe.records.clone()),
            identity: Arc::clone(&PEOPLE[SENDER].file),
            keyring: Keyring::knowing(place.keyring.people().unwrap().clone()),
        };
        let found = for_sender_at(found, &side, time(self.now));
        let is_admin = |who: Who| place.seats.members.get(&who) == Some(&Role::Admin);
        let expected = match () {
            () if is_admin(SENDER) || shape.by == SENDER || !is_admin(shape.by) => Some(None),
            () if shape.fault().is_some() => Some(shape.fault()),
            () if given.is_withdrawn => Some(Some(Refusal::Withdrawn)),
            () if self.now > shape.until => Some(Some(Refusal::Expired)),
            () if shape.flaw == Flaw::Item => Some(Some(Refusal::Items)),
            () => None,
        };
        let why = |failure: &Failure| failure.source.as_ref().and_then(|it| it.downcast_ref::<Refusal>().copied());
        assert_eq!(found.as_ref().err().map(why), expected, "whether the sender acts on it");
        *self.stood.entry(if expected.is_none() { "may send" } else { "may not send" }).or_default() += 1;
    }

    /// No record that stands, stands again, here or anywhere.
    pub(super) fn replay(&mut self) {
        let from = self.dice.below(SPACES.len());
        let Some(place) = &self.places[from] else { return };
        let old = &place.safe.records[self.dice.below(place.safe.records.len())];
        for place in self.places.iter().flatten() {
            let record = UnverifiedRecord::parse(old.note_bytes()).unwrap();
            assert!(place.safe.chain.check(record).is_err(), "a record that stood stands again");
        }
    }

    /// Whoever gets all records at once, and is somebody else, finds what everybody found who got them one by one.
    pub(super) fn read_again(&self) {
        for place in self.places.iter().flatten() {
            let mut records = Vec::new();
            let notes: Vec<_> = place.safe.records.iter().map(Record::note_bytes).collect();
            let chain = Chain::replay(&notes, |record| records.push(record)).unwrap();
            let safe = Safe::of(place.safe.home.clone(), keeper(), chain, records);
            let keyring = place.read_by(OFFICERS[1], self.now);
            let people = keyring.people().unwrap();
            let mut consents = Consents::default();
            let mut handover = HandOver::begun(&safe.records[0], place.said[0].clone());
            for (record, said) in safe.records.iter().zip(&place.said) {
                let said = if people.refuse_undelegated(record).is_ok() { said.as_slice() } else { &[] };
                fold(&safe, people, record, said, &mut consents, handover.as_mut());
            }
            let shown = |consents: &Consents| {
                let given = consents.given.iter().map(|given| {
                    let handed = given.handed.as_ref().map(|handed| handed.receiver);
                    (given.said.clone(), given.by, given.is_withdrawn, handed, given.answer.clone())
                });
                given.collect::<Vec<_>>()
            };
            assert_eq!(shown(&consents), shown(&place.consents), "two readers disagree on the case");
            let (Some(again), Some(_)) = (&handover, &self.hands[place.at]) else { continue };
            let opened = Opened { safe: &safe, keyring: &keyring };
            for who in [RECEIVER, STRANGER, OFFICERS[0], OFFICERS[1]] {
                let onlooker = self.onlooker(place.at, who, false);
                let first = place.handover.as_ref().unwrap();
                let found = |handover: &HandOver, opened| {
                    refusal(&handover.check_at(opened, &onlooker, &handover.custody, time(self.now)))
                };
                assert_eq!(found(again, opened), found(first, place.opened()), "two readers disagree for {who}");
            }
        }
    }
}

fn verdict_name(refusal: Refusal) -> &'static str {
    match refusal {
        Refusal::Form => "Form",
        Refusal::Signature => "Signature",
        Refusal::Space => "Space",
        Refusal::Receiver => "Receiver",
        Refusal::Withdrawn => "Withdrawn",
        Refusal::Expired => "Expired",
        Refusal::Level => "Level",
        Refusal::Members => "Members",
        Refusal::Items => "Items",
        Refusal::Incomplete => "Incomplete",
    }
}
