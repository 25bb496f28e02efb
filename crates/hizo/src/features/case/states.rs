//! The states of a case and the moves between them, as data. The page decides: docs/spec/case.md, "States" and "Moves"; a test
//! compares.

use super::clocks::Promise;
use crate::parties::Party;
use crate::words::Words;

/// A state that a case can be in.
#[derive(Debug)]
pub(crate) struct State {
    /// The word that stands for it in files and on the command line.
    pub word: &'static str,
    english: &'static str,
    japanese: &'static str,
    pub holder: Holder,
    /// Until when whoever holds it has promised to act.
    pub promised: Promise,
    pub in_an_emergency: Promise,
}

/// Who has to act.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Holder {
    Company,
    Counsellor,
    Rescue,
    Police,
    Nobody,
}

/// One row of the table of moves.
#[derive(Debug)]
pub(crate) struct Move {
    pub from: &'static str,
    pub to: &'static str,
    pub who: &'static [Party],
    pub reasons: &'static [&'static str],
    pub rests: Rest,
}

/// On what a move rests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rest {
    /// Nothing is needed.
    Nothing,
    /// A hand-over that was handed over.
    Handed,
    /// One whose receiver refused, or whose consent is over.
    Answered,
    /// One that its receiver accepted.
    Accepted,
    /// A consent that stands.
    Consent,
}

/// The state in which a case begins.
pub(crate) const INTAKE: &str = "intake";

/// The state in which the centre sums up.
pub(crate) const CLOSING: &str = "closing";

/// The state in which a case ends.
pub(crate) const CLOSED: &str = "closed";

/// The state in which a hand-over is on its way.
pub(crate) const REFERRAL_SENT: &str = "referral-sent";

/// States that may hold beside each other: by what stands before the point.
const TRACKS: [&str; 3] = ["rescue", "police", "liability"];

/// Reasons that end a case before it has begun in earnest.
const TURNED_AWAY: &[&str] = &["declined", "withdrawn", "elsewhere"];

const SUSPECTS: &[&str] = &["former-employee", "employee", "partner", "attack", "approach"];

/// Reasons to end it at any later time, whatever has come of it.
const LEAVES: &[&str] = &["withdrawn", "elsewhere"];

const MEASURES: &[&str] = &["measures-agreed", "withdrawn", "elsewhere"];

const COUNSELLOR: &[Party] = &[Party::Counsellor];
const COMPANY: &[Party] = &[Party::Company];
const BOTH: &[Party] = &[Party::Company, Party::Counsellor];

const fn state(
    word: &'static str,
    (english, japanese): (&'static str, &'static str),
    holder: Holder,
    (promised, in_an_emergency): (Promise, Promise),
) -> State {
    State { word, english, japanese, holder, promised, in_an_emergency }
}

const fn both(promise: Promise) -> (Promise, Promise) {
    (promise, promise)
}

/// Every state, in the order of the page.
pub(crate) const STATES: &[State] = &[
    state(INTAKE, ("intake", "受付"), Holder::Counsellor, (Promise::WorkingDays(1), Promise::OfficeHours(2))),
    state("triage", ("triage", "見極め"), Holder::Counsellor, (Promise::WorkingDays(2), Promise::SameDay)),
    state("advice", ("advice", "助言"), Holder::Counsellor, both(Promise::QuietDays(30))),
    state("preserve", ("keeping the evidence", "証拠の保全"), Holder::Company, both(Promise::Nothing)),
    state(
        "suspicion-check",
        ("check inside the company", "社内での確認"),
        Holder::Company,
        both(Promise::WorkingDays(5)),
    ),
    state("referral-proposed", ("referral proposed", "引き継ぎの提案"), Holder::Company, both(Promise::WorkingDays(3))),
    state(REFERRAL_SENT, ("referral sent", "引き継ぎ中"), Holder::Counsellor, both(Promise::WallHours(24))),
    state(
        "rescue.determine",
        ("rescue: attack or not", "攻撃かどうかの判断"),
        Holder::Rescue,
        both(Promise::WorkingDays(2)),
    ),
    state("rescue.assess-damage", ("rescue: damage", "被害の確認"), Holder::Rescue, both(Promise::Nothing)),
    state(
        "rescue.notify-police",
        ("rescue: telling the police", "警察への連絡"),
        Holder::Rescue,
        both(Promise::Nothing),
    ),
    state("rescue.root-cause", ("rescue: cause", "原因の調査"), Holder::Rescue, both(Promise::Nothing)),
    state("rescue.advise", ("rescue: advice", "対策の助言"), Holder::Rescue, both(Promise::Nothing)),
    state(
        "rescue.elsewhere",
        ("not for the rescue team: where else", "対象外（ほかの窓口へ）"),
        Holder::Counsellor,
        both(Promise::Nothing),
    ),
    state("police.consultation", ("police: consultation", "警察に相談"), Holder::Police, both(Promise::Nothing)),
    state(
        "police.damage-report",
        ("police: damage report accepted", "被害届の受理"),
        Holder::Police,
        both(Promise::Nothing),
    ),
    state("police.complaint", ("police: complaint accepted", "告訴の受理"), Holder::Police, both(Promise::Nothing)),
    state("police.returned", ("returned by the police", "警察から返送"), Holder::Counsellor, both(Promise::Nothing)),
    state("liability", ("liability", "責任の追及"), Holder::Company, both(Promise::Nothing)),
    state(CLOSING, ("closing", "まとめ"), Holder::Counsellor, both(Promise::WorkingDays(10))),
    state(CLOSED, ("closed", "終了"), Holder::Nobody, both(Promise::Nothing)),
];

const fn row(
    from: &'static str,
    to: &'static str,
    who: &'static [Party],
    reasons: &'static [&'static str],
    rests: Rest,
) -> Move {
    Move { from, to, who, reasons, rests }
}

/// Every move, in the order of the page.
#[rustfmt::skip]
pub(crate) const MOVES: &[Move] = &[
    row(INTAKE, "triage", COUNSELLOR, &["facts"], Rest::Nothing),
    row(INTAKE, CLOSED, BOTH, TURNED_AWAY, Rest::Nothing),
    row("triage", "advice", COUNSELLOR, &["no-leak", "support"], Rest::Nothing),
    row("triage", "preserve", BOTH, &["suspicion"], Rest::Nothing),
    row("triage", "suspicion-check", COUNSELLOR, &["preserved"], Rest::Nothing),
    row("triage", CLOSED, BOTH, TURNED_AWAY, Rest::Nothing),
    row("advice", "preserve", BOTH, &["suspicion"], Rest::Nothing),
    row("advice", CLOSING, BOTH, &["advised", "quiet", "withdrawn", "elsewhere"], Rest::Nothing),
    row("preserve", "suspicion-check", BOTH, &["preserved", "nothing-left"], Rest::Nothing),
    row("preserve", CLOSING, BOTH, LEAVES, Rest::Nothing),
    row("suspicion-check", "advice", COUNSELLOR, &["no-leak"], Rest::Nothing),
    row("suspicion-check", "referral-proposed", COUNSELLOR, SUSPECTS, Rest::Nothing),
    row("suspicion-check", REFERRAL_SENT, COUNSELLOR, SUSPECTS, Rest::Handed),
    row("suspicion-check", CLOSING, BOTH, LEAVES, Rest::Nothing),
    row("referral-proposed", "suspicion-check", BOTH, &["refused"], Rest::Nothing),
    row("referral-proposed", REFERRAL_SENT, COUNSELLOR, &["consented"], Rest::Handed),
    row("referral-proposed", "liability", COMPANY, &["own-action"], Rest::Nothing),
    row("referral-proposed", CLOSING, BOTH, &["refused", "withdrawn", "elsewhere"], Rest::Nothing),
    row(REFERRAL_SENT, "referral-proposed", BOTH, &["rejected", "insufficient", "withdrawn"], Rest::Answered),
    row(REFERRAL_SENT, "rescue.determine", BOTH, &["accepted"], Rest::Accepted),
    row(REFERRAL_SENT, "police.consultation", BOTH, &["accepted"], Rest::Accepted),
    row(REFERRAL_SENT, CLOSING, BOTH, LEAVES, Rest::Nothing),
    row("rescue.determine", "rescue.determine", BOTH, &["undetermined"], Rest::Accepted),
    row("rescue.determine", "rescue.assess-damage", BOTH, &["attack", "undetermined"], Rest::Accepted),
    row("rescue.determine", "rescue.advise", BOTH, &["no-attack", "undetermined"], Rest::Accepted),
    row("rescue.determine", "rescue.elsewhere", BOTH, &["not-eligible"], Rest::Accepted),
    row("rescue.assess-damage", "rescue.notify-police", BOTH, &["damage", "no-damage"], Rest::Consent),
    row("rescue.assess-damage", "rescue.root-cause", BOTH, &["refused"], Rest::Accepted),
    row("rescue.notify-police", "rescue.root-cause", BOTH, &["notified"], Rest::Accepted),
    row("rescue.root-cause", "rescue.advise", BOTH, &["found", "not-found"], Rest::Accepted),
    row("rescue.*", "police.consultation", BOTH, &["accepted"], Rest::Accepted),
    row("rescue.*", "liability", COMPANY, &["own-action"], Rest::Nothing),
    row("rescue.*", CLOSING, BOTH, MEASURES, Rest::Nothing),
    row("police.consultation", "police.damage-report", BOTH, &["reported"], Rest::Nothing),
    row("police.consultation", "police.complaint", BOTH, &["reported"], Rest::Nothing),
    row("police.consultation", "police.returned", BOTH, &["returned"], Rest::Nothing),
    row("police.damage-report", "police.complaint", BOTH, &["reported"], Rest::Nothing),
    row("police.damage-report", "police.returned", BOTH, &["returned"], Rest::Nothing),
    row("police.complaint", "police.returned", BOTH, &["returned"], Rest::Nothing),
    row("police.*", "rescue.determine", BOTH, &["accepted"], Rest::Accepted),
    row("police.*", "liability", COMPANY, &["own-action"], Rest::Nothing),
    row("police.*", CLOSING, BOTH, MEASURES, Rest::Nothing),
    row("liability", "police.consultation", COMPANY, &["direct"], Rest::Nothing),
    row("liability", CLOSING, BOTH, MEASURES, Rest::Nothing),
    row(CLOSING, CLOSED, COUNSELLOR, &["done"], Rest::Nothing),
];

impl State {
    /// The one that this word stands for.
    pub(crate) fn of(word: &str) -> Option<&'static Self> {
        STATES.iter().find(|state| state.word == word)
    }

    /// As people call it.
    pub(crate) fn words(&self) -> Words {
        Words::both(self.english.to_owned(), self.japanese.to_owned())
    }
}

impl Holder {
    /// As people call who has to act.
    pub(crate) fn words(self) -> Words {
        let (english, japanese) = match self {
            Self::Company => ("company", "会社"),
            Self::Counsellor => ("counsellor", "相談員"),
            Self::Rescue => ("rescue team", "レスキュー隊"),
            Self::Police => ("police", "警察"),
            Self::Nobody => ("nobody", "なし"),
        };
        Words::both(english.to_owned(), japanese.to_owned())
    }
}

impl Move {
    /// The rows that lead from a state to another: none where the one may not follow the other.
    pub(crate) fn between<'a>(from: &'a str, to: &'a str) -> impl Iterator<Item = &'static Self> + 'a {
        MOVES.iter().filter(move |row| row.leaves(from) && row.to == to)
    }

    /// Those that leave a state.
    pub(crate) fn out_of(from: &str) -> impl Iterator<Item = &'static Self> + '_ {
        MOVES.iter().filter(move |row| row.leaves(from))
    }

    fn leaves(&self, state: &str) -> bool {
        match self.from.strip_suffix(".*") {
            Some(track) => track_of(state) == Some(track),
            None => self.from == state,
        }
    }
}

/// The track that a state is a step of; nothing for one that holds alone.
pub(crate) fn track_of(state: &str) -> Option<&'static str> {
    let first = state.split('.').next().unwrap_or_default();
    TRACKS.into_iter().find(|track| *track == first)
}

/// Whether a move leaves the state that it goes out from as it is: both tracks hold then.
pub(crate) fn adds(from: &str, to: &str) -> bool {
    match (track_of(from), track_of(to)) {
        (Some(one), Some(other)) => one != other,
        _ => false,
    }
}
