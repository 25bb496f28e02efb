//! Two sides of one dispute at one organisation: whoever helps the first helps the other not, and neither learns of the other.
//!
//! What is compared lies in the organisation's own safe as marks of names. See docs/spec/case.md, "Two sides".

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use hizo_ledger::id::SpaceId;
use hizo_ledger::record::Record;
use hizo_vault::event::{Event, SIDES_MAX};
use sha2::{Digest as _, Sha256};

use crate::contents::Opened;
use crate::failure::{Failure, Kind, Outcome};
use crate::hashing::hex;
use crate::home::Home;
use crate::membership::Appended;
use crate::naming::{fold, without_forms};
use crate::parties::Party;
use crate::safe::Safe;
use crate::side::Side;
use crate::words::words;

const LABEL: &[u8] = b"hizo/side/v1\n";

/// Who asks in a case, and against whom, by their names.
#[derive(Debug, Default)]
pub(crate) struct Names {
    pub asks: Vec<String>,
    pub against: Vec<String>,
}

/// What an organisation has compared.
#[derive(Debug, Clone, Default)]
pub(crate) struct Compared {
    cases: BTreeMap<String, Sides>,
    /// Something was said in its own safe that whoever looks cannot read.
    is_part: bool,
}

/// One case: its marks as they were said last, and whether it came second then.
#[derive(Debug, Clone)]
struct Sides {
    asks: BTreeSet<String>,
    against: BTreeSet<String>,
    is_blocked: bool,
}

/// How a case stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Nobody has compared it.
    Unknown,
    /// Nothing speaks against helping in it.
    Free,
    /// The organisation helped the other side before.
    Blocked,
}

impl Standing {
    /// The word that stands for it in files.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Free => "free",
            Self::Blocked => "blocked",
        }
    }
}

impl Compared {
    /// What was said of it in the organisation's own safe.
    pub(crate) fn of(own: Opened) -> Self {
        let mut compared = Self::default();
        for record in own.safe.records.iter().filter(|record| record.envelope().deposit.is_none()) {
            compared.follow(own, record, own.keyring.events(own.safe, record).ok().as_deref());
        }
        compared
    }

    /// Takes the next record, with what could be read of it.
    pub(crate) fn follow(&mut self, own: Opened, record: &Record, events: Option<&[Event]>) {
        if record.envelope().deposit.is_some() {
            return;
        }
        let Some(events) = events else { return self.miss() };
        for event in events {
            if let Event::SidesCompared { case, asks, against } = event
                && is_by_readers(own, record)
            {
                self.take(case, asks, against);
            }
        }
    }

    /// What a record says of a case. It blocks that case or lets it go on, and changes nothing of any other.
    fn take(&mut self, case: &str, asks: &[String], against: &[String]) {
        let [asks, against] = [asks, against].map(|marks| marks.iter().cloned().collect::<BTreeSet<_>>());
        let meets = |other: &Sides| !other.asks.is_disjoint(&against) || !other.against.is_disjoint(&asks);
        // Whoever was turned away was not helped.
        let is_helped = |(known, other): (&String, &Sides)| known != case && !other.is_blocked && meets(other);
        let is_blocked = self.cases.iter().any(is_helped);
        self.cases.insert(case.to_owned(), Sides { asks, against, is_blocked });
    }

    /// Something cannot be read that may have said more.
    fn miss(&mut self) {
        self.is_part = true;
    }

    pub(crate) fn standing(&self, case: &SpaceId) -> Standing {
        match self.cases.get(&case.to_string()) {
            Some(sides) if sides.is_blocked => Standing::Blocked,
            Some(_) if !self.is_part => Standing::Free,
            _ => Standing::Unknown,
        }
    }
}

/// Whether those who signed a record read the safe: a machine that only deposits compares nothing.
fn is_by_readers(opened: Opened, record: &Record) -> bool {
    let Ok(people) = opened.keyring.people() else { return false };
    let reads = |key| people.certificates.of(key).is_some_and(|certificate| certificate.recipient.is_some());
    record.signers().iter().all(reads)
}

impl Names {
    /// As they lie in the own safe of this space.
    fn marks(names: &[String], own: &SpaceId) -> Outcome<Vec<String>> {
        let mark = |name: &String| {
            let bare = without_forms(&fold(name));
            let text: String = bare.iter().collect();
            let digest = Sha256::new().chain_update(LABEL).chain_update(own.as_bytes()).chain_update(text.as_bytes());
            (bare.len() >= 2).then(|| hex(&digest.finalize()))
        };
        let marks: Option<BTreeSet<String>> = names.iter().map(mark).collect();
        let marks = marks.filter(|marks| marks.len() <= SIDES_MAX).ok_or_else(|| {
            Failure::fixable(words!(
                "a name is too short to be compared, or there are too many",
                "比べるには短すぎる名前があるか、名前が多すぎます"
            ))
            .hint(words!(
                "Write whole names of companies and people, at most {SIDES_MAX} on each side.",
                "会社や人の名前を略さずに、それぞれ{SIDES_MAX}件までで書いてください。"
            ))
        })?;
        Ok(marks.into_iter().collect())
    }

    /// Compares a case by them, and has the organisation know it.
    pub(crate) fn compare(&self, case: &SpaceId, own: &mut Side) -> Outcome<(Standing, Appended)> {
        if self.asks.is_empty() && self.against.is_empty() {
            return Err(Failure::fixable(words!("there is no name to compare", "比べる名前がありません")).hint(
                words!(
                    "Name who asks, and against whom, as far as that is known.",
                    "相談者と相手方の名前を、分かる範囲で書いてください。"
                ),
            ));
        }
        let space = own.safe.home.space;
        let (asks, against) = (Self::marks(&self.asks, &space)?, Self::marks(&self.against, &space)?);
        let appended = own.say(vec![Event::SidesCompared { case: case.to_string(), asks, against }])?;
        Ok((Compared::of(own.opened()).standing(case), appended))
    }
}

/// The home of the organisation's own safe, for whoever acts for it in the case of this home; nothing where that is not known here.
pub(crate) fn own_safe(home: &Home) -> Outcome<Option<PathBuf>> {
    if let Some(own) = home.own_space()? {
        return Ok(Some(own));
    }
    // A case that was begun or joined at the desk of a safe lies in the home of that.
    match home.around().ok().flatten() {
        Some(own) => Ok(Some(own.folder().to_owned())),
        // What a person named counts only where nothing else says it: else he could name another one to be free.
        None => home.compared_home(),
    }
}

/// How the case stands in which this person speaks for this party.
pub(crate) fn standing(case: &Side, party: Option<Party>) -> Outcome<Standing> {
    if party != Some(Party::Counsellor) {
        return Ok(Standing::Free);
    }
    let Some(own) = own_safe(&case.safe.home)? else { return Ok(Standing::Unknown) };
    let opened = || {
        let (own, _) = Safe::open_at_hand(case.safe.home.another(&own)?)?;
        case.in_space(own)
    };
    match opened() {
        Ok(own) => Ok(Compared::of(own.opened()).standing(&case.safe.home.space)),
        Err(failure) if failure.kind == Kind::Lying => Err(failure),
        // Whoever acts for the organisation and does not read its own safe compares nothing.
        Err(_) => Ok(Standing::Unknown),
    }
}

/// # Errors
/// When the organisation of whoever speaks has helped the other side before.
pub(crate) fn refuse_blocked(case: &Side, party: Option<Party>) -> Outcome<()> {
    match standing(case, party)? {
        Standing::Blocked => Err(blocked()),
        Standing::Free | Standing::Unknown => Ok(()),
    }
}

/// Said alike to everybody, whatever the reason is.
pub(crate) fn blocked() -> Failure {
    Failure::fixable(words!(
        "your organisation cannot act in this case",
        "この相談は、あなたの機関ではお受けできません"
    ))
    .hint(words!(
        "Say this to whoever asks, and nothing of why; name another centre (`hizo directory show`), and bring the case here to its end, for the reason `elsewhere` (`hizo case show` names the steps).",
        "相談者には、お受けできないことだけを伝え、理由は言わないでください。別の窓口（`hizo directory show`）を案内し、この相談は理由 `elsewhere` で終えてください（進め方は `hizo case show`）。"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWN: SpaceId = SpaceId::from_bytes([1; 16]);

    fn marks(names: &[&str]) -> Vec<String> {
        Names::marks(&names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>(), &OWN).unwrap()
    }

    /// How each of these cases stands, compared in their order.
    fn stand(cases: &[(u8, &[&str], &[&str])]) -> Vec<Standing> {
        let mut compared = Compared::default();
        let space = |number: u8| SpaceId::from_bytes([number; 16]);
        for (case, asks, against) in cases {
            compared.take(&space(*case).to_string(), &marks(asks), &marks(against));
        }
        (1..=3).map(|number| compared.standing(&space(number))).collect()
    }

    #[test]
    fn whoever_comes_second_of_two_sides_is_blocked_and_the_first_one_is_not() {
        use Standing::{Blocked, Free, Unknown};
        assert_eq!(stand(&[(1, &["山田金型"], &["乙工業"]), (2, &["乙工業"], &[])]), [Free, Blocked, Unknown]);
        assert_eq!(stand(&[(2, &["乙工業"], &[]), (1, &["山田金型"], &["乙工業"])]), [Blocked, Free, Unknown]);
        // Two who complain of the same one, and one who comes twice, stand in nobody's way.
        assert_eq!(stand(&[(1, &["甲社"], &["乙工業"]), (2, &["丙社"], &["乙工業"])]), [Free, Free, Unknown]);
        assert_eq!(stand(&[(1, &["甲社"], &[]), (2, &["甲社"], &["乙工業"])]), [Free, Free, Unknown]);
        // What was said last of a case counts, and blocks no other than it.
        let three = [(1, &["甲社"][..], &[][..]), (2, &["乙工業"], &[]), (1, &["甲社"], &["乙工業"])];
        assert_eq!(stand(&three), [Blocked, Free, Unknown]);
        let back = [three[0], three[1], three[2], (1, &["甲社"], &[])];
        assert_eq!(stand(&back), [Free, Free, Unknown]);
        // Whoever was turned away was not helped, and keeps nobody else out.
        let named = [(1, &["甲社"][..], &["乙工業"][..]), (2, &["乙工業"], &["丙社"]), (3, &["丙社"], &[])];
        assert_eq!(stand(&named), [Free, Blocked, Free]);
    }

    #[test]
    fn whoever_cannot_read_all_of_it_knows_of_no_case_that_it_is_free() {
        let (mut compared, case) = (Compared::default(), SpaceId::from_bytes([1; 16]));
        compared.take(&case.to_string(), &marks(&["甲社"]), &marks(&["乙工業"]));
        assert_eq!(compared.standing(&case), Standing::Free);
        compared.miss();
        assert_eq!(compared.standing(&case), Standing::Unknown);
    }

    #[test]
    fn a_name_is_the_same_however_it_is_written_and_its_mark_is_of_one_safe_alone() {
        assert_eq!(marks(&["株式会社 山田金型"]), marks(&["㈱山田金型"]));
        assert_eq!(marks(&["ヤマダ ｷﾝｶﾞﾀ Co., Ltd."]), marks(&["やまだきんがた"]));
        assert_eq!(marks(&["Otsu K.K.", "ＯＴＳＵ"]).len(), 1);
        assert_ne!(
            marks(&["山田金型"]),
            Names::marks(&["山田金型".to_owned()], &SpaceId::from_bytes([2; 16])).unwrap()
        );
        for short in ["", "甲", "株式会社", " "] {
            let named = Names::marks(&[short.to_owned()], &OWN);
            assert!(named.is_err() || short == "株式会社", "{short:?}");
        }
    }
}
