//! What is said in a case: what happened, what was advised and done, and how far the case has come.
//!
//! Here stands the form alone. What counts of it, and who may say it, the fold of a case decides. See docs/spec/case.md.

use hizo_ledger::id::RecordId;
use hizo_ledger::record::ClaimedTime;
use serde_json::{Map, Value};

use super::fields;

/// Most bytes of a narrative and of an advice note.
pub const TEXT_BYTES_MAX: usize = 32 << 10;

/// Most days that a source of evidence can be said to live.
pub const DAYS_MAX: u64 = 36_500;

/// Length of a tag of a language, at most.
const LANGUAGE_BYTES_MAX: usize = 35;

/// Digits of what names a visit or a task.
const ID_DIGITS: usize = 16;

/// Digits of the space of a hand-over.
const SPACE_DIGITS: usize = 32;

/// Stands for a hand-over where none is needed.
pub const NOTHING: &str = "-";

/// Makes an enum whose variants are words of the format.
macro_rules! words_of {
    ($(#[$about:meta])* $name:ident { $($(#[$said:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum $name { $($(#[$said])* $variant),+ }

        impl $name {
            /// All of them, in the order of the format's page.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The word that stands for it in files and on the command line.
            pub const fn word(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }

            /// What this word stands for.
            pub fn from_word(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|one| one.word() == word)
            }
        }
    };
}

words_of! {
    /// What a case is about.
    Kind {
        /// Setting up management: no leak.
        Support = "support",
        /// Somebody took something.
        Leak = "leak",
        /// Somebody came in from outside.
        Attack = "attack",
        /// Somebody makes advances: a suspicious mail, gift, contact.
        Approach = "approach",
        /// The company is the one that is accused.
        Accused = "accused",
    }
}

words_of! {
    /// How soon somebody has to act.
    Urgency {
        /// By the promised times.
        Normal = "normal",
        /// By the shorter ones.
        Emergency = "emergency",
    }
}

words_of! {
    /// How a case came.
    Way {
        /// The company opened it.
        Company = "company",
        /// A counsellor typed while somebody told it on the telephone.
        Phone = "phone",
        /// The same, face to face.
        Visit = "visit",
        /// It came on paper.
        Paper = "paper",
        /// Somebody who did not say who he is.
        Anonymous = "anonymous",
    }
}

words_of! {
    /// For whom a task is.
    For {
        /// The company.
        Company = "company",
        /// The counsellor.
        Counsellor = "counsellor",
    }
}

words_of! {
    /// How a source of evidence stands.
    Standing {
        /// It is to be kept.
        Wanted = "wanted",
        /// It was.
        Kept = "kept",
        /// It was lost.
        Gone = "gone",
        /// The company has none.
        Absent = "none",
    }
}

words_of! {
    /// What a search for a secret in public places found.
    Found {
        /// It is not there.
        Nothing = "nothing",
        /// It, or something of it, is.
        Something = "something",
    }
}

/// A step of a case as it is said. Whether it counts, the fold decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The state that is left.
    pub from: String,
    /// Why, as a word of the table.
    pub reason: String,
    /// Why, as somebody would say it; may be empty.
    pub note: String,
    /// The id of the space's head that whoever steps had in front of him, in hexadecimal digits.
    pub seen: String,
    /// Its number.
    pub seen_number: u64,
}

/// One thing that is said in a case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said {
    /// The case begins.
    Opened {
        /// What it is about, as it seems.
        kind: Kind,
        /// How soon somebody has to act.
        urgency: Urgency,
        /// How it came.
        way: Way,
        /// The language of whoever asks.
        language: String,
        /// What it is called, in neutral words.
        title: String,
    },
    /// What it has turned out to be.
    Sorted {
        /// What it is about.
        kind: Kind,
        /// How soon somebody has to act.
        urgency: Urgency,
    },
    /// What happened.
    Told {
        /// In somebody's words.
        text: String,
        /// When it happened: a moment, or empty.
        happened: String,
        /// When it was written, unless that is the time of the record.
        written: String,
        /// For whom the signer types; empty for himself.
        teller: String,
    },
    /// One state follows another.
    Moved {
        /// Which, why, and before whose eyes.
        step: Step,
        /// The state that holds then.
        to: String,
        /// The space of the hand-over on which it rests, or [`NOTHING`].
        rests_on: String,
    },
    /// It ends.
    Closed {
        /// From where, why, and before whose eyes.
        step: Step,
    },
    /// Whether it has to be kept longer than its time.
    Hold {
        /// From now on, or no longer.
        on: bool,
        /// Why; may be empty.
        note: String,
    },
    /// An advice note.
    Advice {
        /// What is advised.
        text: String,
    },
    /// A visit, planned or made.
    Visit {
        /// What names it, 16 digits.
        id: String,
        /// When: a moment.
        on: String,
        /// Where.
        place: String,
        /// What for, or what came of it.
        note: String,
        /// It was made.
        made: bool,
    },
    /// Something to do.
    Task {
        /// What names it, 16 digits.
        id: String,
        /// What is to be done.
        text: String,
        /// By whom.
        who: For,
        /// Until when: a moment, or empty.
        due: String,
        /// It was done.
        done: bool,
    },
    /// How a source of evidence stands.
    Kept {
        /// Which, as a word of the list.
        source: String,
        /// How it stands.
        state: Standing,
        /// From when on its time runs: a moment, or empty for the time of the record.
        since: String,
        /// How many days it lives here; 0 as the list says.
        days: u64,
        /// The deposit in which it is kept, in hexadecimal digits, or empty.
        deposit: String,
        /// Whatever else there is to say.
        note: String,
    },
    /// A thing is in somebody's hands: a laptop, a disk.
    Thing {
        /// What names it, 16 digits: the number on its tag.
        id: String,
        /// What it is, with its own number.
        what: String,
        /// Who has it from now on.
        holder: String,
        /// Where it lies, and in what state.
        place: String,
        /// Who saw that; may be empty.
        witness: String,
        /// Whatever else there is to say.
        note: String,
    },
    /// Somebody looked whether the secret is public.
    Searched {
        /// When: a moment.
        on: String,
        /// Where.
        place: String,
        /// What came of it.
        found: Found,
        /// Whatever else there is to say.
        note: String,
    },
}

impl Step {
    fn read(text: &impl Fn(&str) -> Option<String>, number: Option<u64>) -> Option<Self> {
        let seen = text("seen").filter(|seen| RecordId::from_hex(seen).is_ok())?;
        let (from, reason, note) = (text("from")?, text("reason")?, text("note")?);
        Some(Self { from, reason, note, seen, seen_number: number? })
    }
}

impl Said {
    /// As an event's object.
    pub(super) fn to_object(&self) -> Map<String, Value> {
        let word = |text: &String| Value::from(text.as_str());
        match self {
            Self::Opened { kind, urgency, way, language, title } => fields(
                "case.opened",
                [
                    ("kind", kind.word().into()),
                    ("urgency", urgency.word().into()),
                    ("way", way.word().into()),
                    ("language", word(language)),
                    ("title", word(title)),
                ],
            ),
            Self::Sorted { kind, urgency } => {
                fields("case.sorted", [("kind", kind.word().into()), ("urgency", urgency.word().into())])
            }
            Self::Told { text, happened, written, teller } => fields(
                "case.told",
                [
                    ("text", word(text)),
                    ("happened", word(happened)),
                    ("written", word(written)),
                    ("teller", word(teller)),
                ],
            ),
            Self::Moved { step, to, rests_on } => fields(
                "case.moved",
                [
                    ("from", word(&step.from)),
                    ("to", word(to)),
                    ("reason", word(&step.reason)),
                    ("note", word(&step.note)),
                    ("rests_on", word(rests_on)),
                    ("seen", word(&step.seen)),
                    ("seen_number", step.seen_number.into()),
                ],
            ),
            Self::Closed { step } => fields(
                "case.closed",
                [
                    ("from", word(&step.from)),
                    ("reason", word(&step.reason)),
                    ("note", word(&step.note)),
                    ("seen", word(&step.seen)),
                    ("seen_number", step.seen_number.into()),
                ],
            ),
            Self::Hold { on, note } => fields("case.hold", [("on", (*on).into()), ("note", word(note))]),
            Self::Advice { text } => fields("case.advice", [("text", word(text))]),
            Self::Visit { id, on, place, note, made } => fields(
                "case.visit",
                [
                    ("id", word(id)),
                    ("on", word(on)),
                    ("place", word(place)),
                    ("note", word(note)),
                    ("made", (*made).into()),
                ],
            ),
            Self::Task { id, text, who, due, done } => fields(
                "case.task",
                [
                    ("id", word(id)),
                    ("text", word(text)),
                    ("for", who.word().into()),
                    ("due", word(due)),
                    ("done", (*done).into()),
                ],
            ),
            Self::Kept { source, state, since, days, deposit, note } => fields(
                "case.kept",
                [
                    ("source", word(source)),
                    ("state", state.word().into()),
                    ("since", word(since)),
                    ("days", (*days).into()),
                    ("deposit", word(deposit)),
                    ("note", word(note)),
                ],
            ),
            Self::Thing { id, what, holder, place, witness, note } => fields(
                "case.thing",
                [
                    ("id", word(id)),
                    ("what", word(what)),
                    ("holder", word(holder)),
                    ("place", word(place)),
                    ("witness", word(witness)),
                    ("note", word(note)),
                ],
            ),
            Self::Searched { on, place, found, note } => fields(
                "case.searched",
                [("on", word(on)), ("where", word(place)), ("found", found.word().into()), ("note", word(note))],
            ),
        }
    }

    /// Reads an event of this name; `Err` where no event of a case is called so, and nothing where it is not in its form.
    pub(super) fn read(
        name: &str,
        object: &Map<String, Value>,
        text: &impl Fn(&str) -> Option<String>,
    ) -> Result<Option<Self>, Unknown> {
        let said = match name {
            "case.opened" => Self::read_opened(text),
            "case.sorted" => Self::read_sorted(text),
            "case.told" => Self::read_told(object, text),
            "case.moved" => Self::read_moved(object, text),
            "case.closed" => {
                Step::read(text, object.get("seen_number").and_then(Value::as_u64)).map(|step| Self::Closed { step })
            }
            "case.hold" => flag(object, "on").and_then(|on| Some(Self::Hold { on, note: text("note")? })),
            "case.advice" => long_text(object, "text").map(|text| Self::Advice { text }),
            "case.visit" => Self::read_visit(object, text),
            "case.task" => Self::read_task(object, text),
            "case.kept" => Self::read_kept(object, text),
            "case.thing" => Self::read_thing(text),
            "case.searched" => Self::read_searched(text),
            _ => return Err(Unknown),
        };
        Ok(said)
    }

    fn read_opened(text: &impl Fn(&str) -> Option<String>) -> Option<Self> {
        let is_tag = |tag: &String| {
            let is_plain = tag.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
            is_plain && (1..=LANGUAGE_BYTES_MAX).contains(&tag.len())
        };
        Some(Self::Opened {
            kind: Kind::from_word(&text("kind")?)?,
            urgency: Urgency::from_word(&text("urgency")?)?,
            way: Way::from_word(&text("way")?)?,
            language: text("language").filter(is_tag)?,
            title: named(text, "title")?,
        })
    }

    fn read_sorted(text: &impl Fn(&str) -> Option<String>) -> Option<Self> {
        let (kind, urgency) = (Kind::from_word(&text("kind")?)?, Urgency::from_word(&text("urgency")?)?);
        Some(Self::Sorted { kind, urgency })
    }

    fn read_told(object: &Map<String, Value>, text: &impl Fn(&str) -> Option<String>) -> Option<Self> {
        Some(Self::Told {
            text: long_text(object, "text")?,
            happened: moment(text, "happened")?,
            written: moment(text, "written")?,
            teller: text("teller")?,
        })
    }

    fn read_moved(object: &Map<String, Value>, text: &impl Fn(&str) -> Option<String>) -> Option<Self> {
        let is_space = |space: &String| space == NOTHING || is_digits(space, SPACE_DIGITS);
        let step = Step::read(text, object.get("seen_number").and_then(Value::as_u64))?;
        Some(Self::Moved { step, to: text("to")?, rests_on: text("rests_on").filter(is_space)? })
    }

    fn read_visit(object: &Map<String, Value>, text: &impl Fn(&str) -> Option<String>) -> Option<Self> {
        Some(Self::Visit {
            id: id(text)?,
            on: moment(text, "on").filter(|on| !on.is_empty())?,
            place: text("place")?,
            note: text("note")?,
            made: flag(object, "made")?,
        })
    }

    fn read_task(object: &Map<String, Value>, text: &impl Fn(&str) -> Option<String>) -> Option<Self> {
        Some(Self::Task {
            id: id(text)?,
            text: named(text, "text")?,
            who: For::from_word(&text("for")?)?,
            due: moment(text, "due")?,
            done: flag(object, "done")?,
        })
    }

    fn read_kept(object: &Map<String, Value>, text: &impl Fn(&str) -> Option<String>) -> Option<Self> {
        let is_deposit = |deposit: &String| deposit.is_empty() || RecordId::from_hex(deposit).is_ok();
        Some(Self::Kept {
            source: named(text, "source")?,
            state: Standing::from_word(&text("state")?)?,
            since: moment(text, "since")?,
            days: object.get("days")?.as_u64().filter(|days| *days <= DAYS_MAX)?,
            deposit: text("deposit").filter(is_deposit)?,
            note: text("note")?,
        })
    }

    fn read_thing(text: &impl Fn(&str) -> Option<String>) -> Option<Self> {
        Some(Self::Thing {
            id: id(text)?,
            what: named(text, "what")?,
            holder: named(text, "holder")?,
            place: named(text, "place")?,
            witness: text("witness")?,
            note: text("note")?,
        })
    }

    fn read_searched(text: &impl Fn(&str) -> Option<String>) -> Option<Self> {
        Some(Self::Searched {
            on: moment(text, "on").filter(|on| !on.is_empty())?,
            place: named(text, "where")?,
            found: Found::from_word(&text("found")?)?,
            note: text("note")?,
        })
    }
}

/// No event of a case is called so.
pub(super) struct Unknown;

/// Whether a text is a day or a second of the calendar.
pub fn is_moment(text: &str) -> bool {
    let is_day = text.len() == "2026-11-20".len() && ClaimedTime::parse(&format!("{text}T00:00:00Z")).is_ok();
    is_day || ClaimedTime::parse(text).is_ok()
}

fn moment(text: &impl Fn(&str) -> Option<String>, key: &str) -> Option<String> {
    text(key).filter(|text| text.is_empty() || is_moment(text))
}

fn named(text: &impl Fn(&str) -> Option<String>, key: &str) -> Option<String> {
    text(key).filter(|text| !text.is_empty())
}

fn long_text(object: &Map<String, Value>, key: &str) -> Option<String> {
    let text = object.get(key)?.as_str()?;
    (1..=TEXT_BYTES_MAX).contains(&text.len()).then(|| text.to_owned())
}

fn flag(object: &Map<String, Value>, key: &str) -> Option<bool> {
    object.get(key)?.as_bool()
}

fn id(text: &impl Fn(&str) -> Option<String>) -> Option<String> {
    text("id").filter(|id| is_digits(id, ID_DIGITS))
}

fn is_digits(text: &str, digits: usize) -> bool {
    text.len() == digits && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}
