//! What may be lost of the evidence, how long it usually lives, and what nobody should do before it is kept. Data, and a countdown.
//! See docs/spec/case.md, "Preservation".

use hizo_ledger::record::ClaimedTime;
use hizo_vault::event::case::{Kind, Standing};

use super::{Case, Kept};
use crate::words::Words;

const DAY_SECONDS: u64 = 24 * 60 * 60;

/// Something in which a trace lies.
#[derive(Debug)]
pub(crate) struct Source {
    pub word: &'static str,
    /// How many days it usually lives where nobody changed that.
    pub days: u64,
    english: &'static str,
    japanese: &'static str,
    pub kinds: &'static [Kind],
}

const fn source(
    word: &'static str,
    days: u64,
    (english, japanese): (&'static str, &'static str),
    kinds: &'static [Kind],
) -> Source {
    Source { word, days, english, japanese, kinds }
}

const LEAK: &[Kind] = &[Kind::Leak, Kind::Approach];
const INTRUSION: &[Kind] = &[Kind::Leak, Kind::Attack];
const ANY: &[Kind] = &[Kind::Leak, Kind::Attack, Kind::Approach];

/// Every source, in the order of the page: the shortest-lived are not the first, but what people forget first.
pub(crate) const SOURCES: &[Source] = &[
    source("leaver-pc", 14, ("the leaver's PC", "退職者のパソコン"), LEAK),
    source("phone", 30, ("company telephone", "貸与した携帯電話"), ANY),
    source(
        "mail",
        90,
        ("mail and its records", "メールと送受信の記録"),
        &[Kind::Leak, Kind::Attack, Kind::Approach, Kind::Accused],
    ),
    source("server-log", 90, ("server records", "サーバーの記録"), INTRUSION),
    source("cloud-audit", 90, ("cloud audit records", "クラウドの操作記録"), ANY),
    source("network-log", 30, ("network records", "通信の記録"), &[Kind::Attack]),
    source("machine", 1, ("the machine that was attacked", "攻撃を受けた機器"), &[Kind::Attack]),
    source("backup", 30, ("backups", "バックアップ"), INTRUSION),
    source("badge", 90, ("badge records", "入退室の記録"), LEAK),
    source("camera", 14, ("camera pictures", "防犯カメラの映像"), LEAK),
    source("own-record", 365, ("own development records", "自社の開発の記録"), &[Kind::Accused]),
];

/// How the machine is that matters now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Machine {
    /// It is switched on
    On,
    /// It is switched off
    Off,
    /// It is just being encrypted
    Encrypting,
}

/// What nobody should do: for which kinds, while the machine is how, and in words.
struct DoNot {
    kinds: &'static [Kind],
    machine: Option<Machine>,
    english: &'static str,
    japanese: &'static str,
}

const DO_NOTS: &[DoNot] = &[
    DoNot {
        kinds: ANY,
        machine: None,
        english: "do not interview anybody before the evidence is kept",
        japanese: "証拠を保全するまで、本人から話を聞かないでください",
    },
    DoNot {
        kinds: LEAK,
        machine: None,
        english: "never set up a leaver's PC anew, and give it to nobody: lock it away as it is",
        japanese: "退職者のパソコンは初期化せず、誰にも使わせず、そのまま鍵のかかる所に保管してください",
    },
    DoNot {
        kinds: LEAK,
        machine: Some(Machine::On),
        english: "do not look around in it: every click changes what it remembers",
        japanese: "中を見て回らないでください。操作するたびに痕跡が変わります",
    },
    DoNot {
        kinds: LEAK,
        machine: Some(Machine::Off),
        english: "do not switch it on",
        japanese: "電源を入れないでください",
    },
    DoNot {
        kinds: &[Kind::Attack],
        machine: Some(Machine::On),
        english: "do not switch it off or restart it: take it off the network, and leave it running",
        japanese: "電源を切ったり再起動したりしないでください。ネットワークから切り離し、動かしたままにしてください",
    },
    DoNot {
        kinds: &[Kind::Attack],
        machine: Some(Machine::Off),
        english: "do not switch it on",
        japanese: "電源を入れないでください",
    },
    DoNot {
        kinds: &[Kind::Attack],
        machine: Some(Machine::Encrypting),
        english: "do not wait: take it off the network at once; only where that cannot be done, switch it off",
        japanese: "待たずに、すぐネットワークから切り離してください。それができないときに限り、電源を切ってください",
    },
    DoNot {
        kinds: &[Kind::Attack],
        machine: Some(Machine::Encrypting),
        english: "do not delete what is encrypted, and do not pay",
        japanese: "暗号化されたファイルを消さず、金銭を支払わないでください",
    },
    DoNot {
        kinds: &[Kind::Attack],
        machine: None,
        english: "do not let a virus scanner clean anything before a copy is made",
        japanese: "複製を取るまで、ウイルス対策ソフトに駆除させないでください",
    },
    DoNot {
        kinds: &[Kind::Approach],
        machine: None,
        english: "do not answer, and do not open what came: keep the mail or the thing as it is",
        japanese: "返事をせず、届いたものを開かず、メールも品物もそのまま残してください",
    },
    DoNot {
        kinds: &[Kind::Accused],
        machine: None,
        english: "do not delete or change anything that the letter could be about, and do not answer it alone",
        japanese: "警告書に関わりそうなものを消したり変えたりせず、専門家に相談する前に返事をしないでください",
    },
];

/// How near the end of a source is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Reminder {
    /// Less than half of its time is over.
    None,
    /// Half of it.
    Half,
    /// Four fifths of it.
    Urgent,
    /// All of it: it may be gone.
    Over,
}

/// A source of a case, and how long it may still live.
#[derive(Debug)]
pub(crate) struct Countdown<'a> {
    pub source: &'static Source,
    pub said: Option<&'a Kept>,
    /// When it is usually gone, in seconds since 1970; nothing where it no longer matters.
    pub until: Option<u64>,
    pub reminder: Reminder,
}

impl Source {
    /// The one of this word.
    pub(crate) fn of(word: &str) -> Option<&'static Self> {
        SOURCES.iter().find(|source| source.word == word)
    }

    /// As people call it.
    pub(crate) fn words(&self) -> Words {
        Words::both(self.english.to_owned(), self.japanese.to_owned())
    }
}

impl DoNot {
    fn words(&self) -> Words {
        Words::both(self.english.to_owned(), self.japanese.to_owned())
    }
}

impl Reminder {
    /// The word that stands for it in files.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Half => "half",
            Self::Urgent => "urgent",
            Self::Over => "over",
        }
    }

    fn of(begun: u64, until: u64, now: u64) -> Self {
        let (gone, whole) = (now.saturating_sub(begun), until.saturating_sub(begun));
        if gone >= whole {
            Self::Over
        } else if gone * 5 >= whole * 4 {
            Self::Urgent
        } else if gone * 2 >= whole {
            Self::Half
        } else {
            Self::None
        }
    }
}

/// The sources of a case's kind, and those of which something was said, with their countdowns.
pub(crate) fn countdowns(case: &Case, now: u64) -> impl Iterator<Item = Countdown<'_>> {
    let of_case = SOURCES.iter().filter(|one| one.kinds.contains(&case.kind) || case.kept.contains_key(one.word));
    of_case.map(move |source| {
        let said = case.kept.get(source.word);
        if said.is_some_and(|said| said.state != Standing::Wanted) {
            return Countdown { source, said, until: None, reminder: Reminder::None };
        }
        let begun = said.map_or(case.opened.time, begun);
        let days = said.map(|said| said.days).filter(|days| *days > 0).unwrap_or(source.days);
        let until = begun.saturating_add(days * DAY_SECONDS);
        Countdown { source, said, until: Some(until), reminder: Reminder::of(begun, until, now) }
    })
}

/// From when on the time of a source runs: a day begins with its first second.
fn begun(said: &Kept) -> u64 {
    let day = format!("{}T00:00:00Z", said.since);
    let moment = ClaimedTime::parse(&said.since).or_else(|_| ClaimedTime::parse(&day));
    moment.map_or(said.entry.time, |moment| moment.unix_seconds())
}

/// The same for whoever has not said how the machine is: what holds always, and what does while it is how.
pub(crate) fn do_nots_each(kind: Kind) -> impl Iterator<Item = (Option<Machine>, Vec<Words>)> {
    let of = move |machine: Option<Machine>| {
        let fits = DO_NOTS.iter().filter(|one| one.kinds.contains(&kind) && one.machine == machine);
        (machine, fits.map(DoNot::words).collect::<Vec<_>>())
    };
    let all = [Some(Machine::Encrypting), Some(Machine::On), Some(Machine::Off), None];
    all.into_iter().map(of).filter(|(_, lines)| !lines.is_empty())
}

/// What nobody should do now, for this kind and while the machine is so.
pub(crate) fn do_nots(kind: Kind, machine: Option<Machine>) -> impl Iterator<Item = Words> {
    let fits = move |one: &&DoNot| one.kinds.contains(&kind) && (one.machine.is_none() || one.machine == machine);
    DO_NOTS.iter().filter(fits).map(DoNot::words)
}
