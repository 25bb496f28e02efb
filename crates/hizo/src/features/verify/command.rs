//! `hizo verify`

use std::path::PathBuf;

use hizo_ledger::commitment::{MetaKind, Shown};
use hizo_ledger::proof::{Doubt, Fault, Finding, Report, StampOutcome, Step, Verdict};
use hizo_ledger::timestamp::Moment;
use serde_json::{Map, Value, json};

use super::Request;
use crate::Setting;
use crate::failure::{Failure, Kind, Outcome, shown_bytes};
use crate::hashing::hex;
use crate::words::{Words, words};

/// Check a proof against what you trust, offline and without a safe
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The proof: its folder, or its ZIP
    bundle: PathBuf,
    /// Files to compare with what the proof shows
    files: Vec<PathBuf>,
    /// Whose logs and witnesses you trust; not from who sent the proof
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// Root certificates, as PEM, of the authorities whose stamps you trust; not from who sent the proof
    #[arg(long, value_name = "PEM")]
    roots: Option<PathBuf>,
    /// Revocation lists of those authorities, as PEM, beside those in the proof
    #[arg(long, value_name = "PEM")]
    crls: Option<PathBuf>,
    /// The key under which the keeper signs receipts, to check that too
    #[arg(long, value_name = "KEY")]
    receipt_key: Option<String>,
}

pub(crate) fn run(setting: &Setting, arguments: &Arguments) -> Outcome<()> {
    let report = super::verify(&Request {
        bundle: &arguments.bundle,
        files: &arguments.files,
        policy: arguments.policy.as_deref(),
        roots: arguments.roots.as_deref(),
        crls: arguments.crls.as_deref(),
        receipt_key: arguments.receipt_key.as_deref(),
    })?;
    let console = setting.console;
    console.result(as_json(&report, arguments), |out| {
        if !console.quiet {
            lines(&report).into_iter().try_for_each(|line| writeln!(out, "{}", console.say(line)))?;
        }
        match &report.verdict {
            Verdict::Holds { .. } => writeln!(out, "{}", console.say(sentence(&report))),
            Verdict::CannotBeTold(_) | Verdict::DoesNotHold(_) => Ok(()),
        }
    });
    let failure = |kind| Failure::new(kind, sentence(&report));
    match &report.verdict {
        Verdict::Holds { .. } => Ok(()),
        Verdict::CannotBeTold(doubts) => {
            let hint = doubts.first().map_or_else(
                || words!("Ask for a new proof.", "証明を作り直してもらってください。"),
                |doubt| remedy(*doubt),
            );
            Err(failure(Kind::Unknown).hint(hint))
        }
        Verdict::DoesNotHold(_) => Err(failure(Kind::False).hint(words!(
            "Do not rely on it. Keep it as it is, and ask where it comes from.",
            "この証明に頼らないでください。そのまま残し、どこから来たものかを確かめてください。"
        ))),
    }
}

/// What it comes to, in one sentence.
pub(super) fn sentence(report: &Report) -> Words {
    match &report.verdict {
        Verdict::Holds { since, before } => {
            let held = held(report, since);
            words!(
                "this proof holds: {held}; verify or refresh it before {before}",
                "この証明は正しく、{held}。{before} までに再確認または更新が必要です"; held
            )
        }
        Verdict::CannotBeTold(doubts) => {
            let why = doubts
                .iter()
                .map(|doubt| reason(*doubt))
                .reduce(|all, next| words!("{all}, and {next}", "{all}。また、{next}"; all, next));
            let why = why.unwrap_or_else(|| words!("something is missing", "足りないものがあります"));
            words!(
                "nothing is wrong with this proof, but whether it holds cannot be told: {why}",
                "誤りは見つかりませんが、証明として正しいとは言い切れません: {why}"; why
            )
        }
        Verdict::DoesNotHold(fault) => {
            let (step, fault) = (step_words(fault.step()), fault_words(fault));
            words!("this proof does not hold: {step}: {fault}", "この証明は正しくありません: {step}: {fault}"; step, fault)
        }
    }
}

/// What was held, and what was only committed to: whoever knows the hashes of a content need not have had it.
fn held(report: &Report, since: &Moment) -> Words {
    let compared: Vec<bool> = (0..report.shown.len()).filter_map(|entry| report.is_compared(entry)).collect();
    match (compared.iter().filter(|compared| **compared).count(), compared.len()) {
        (0, _) => words!(
            "what it shows was committed to at the latest at {since}; it was compared with no file, so that it does not say that a content was held",
            "示されたものの値は遅くとも {since} には確定していました。ファイルと比べていないので、中身が保持されていたことまでは示しません"
        ),
        (some, all) if some == all => words!(
            "what it shows was held, unchanged, at the latest since {since}",
            "示されたものは遅くとも {since} には保持され、以後変わっていません"
        ),
        (some, all) => words!(
            "{some} of {all} shown contents, those compared with a file, were held, unchanged, at the latest since {since}; the rest was committed to by then",
            "示された中身{all}件のうち、ファイルと比べた{some}件は遅くとも {since} には保持され、以後変わっていません。ほかは、その時までに値が確定していました"
        ),
    }
}

fn reason(doubt: Doubt) -> Words {
    match doubt {
        Doubt::NoPolicy => words!("no policy says whose log is trusted", "どの台帳を信頼するかが指定されていません"),
        Doubt::OtherLog => words!("no log that the policy names has signed it", "信頼先の台帳による署名がありません"),
        Doubt::NoQuorum => words!(
            "fewer witnesses have signed it than the policy asks for",
            "立会人の署名が、求められた数に足りません"
        ),
        Doubt::NoStamp => words!("it has no stamp", "タイムスタンプがありません"),
        Doubt::NoRoots => {
            words!("no root says whose stamps are trusted", "どの時刻認証局を信頼するかが指定されていません")
        }
        Doubt::NotVouched => words!(
            "none of its stamps that can be read is by an authority that you trust",
            "読み取れるもののうちに、信頼先の時刻認証局によるタイムスタンプがありません"
        ),
        Doubt::SelfStamped => words!(
            "it is self-stamped, not independent",
            "預かる側が自分で押したタイムスタンプしかなく、第三者による時刻ではありません"
        ),
        Doubt::Revoked => words!("the certificate of its stamp was revoked", "タイムスタンプの証明書が失効しています"),
        Doubt::NothingToCompare => {
            words!("it shows no content to compare a file with", "ファイルと比べられる中身が示されていません")
        }
    }
}

fn remedy(doubt: Doubt) -> Words {
    match doubt {
        Doubt::NoPolicy | Doubt::OtherLog => words!(
            "Give with --policy the keys of the log, from somebody you trust and not from who sent the proof.",
            "証明の送り主ではなく信頼できる人から受け取った、台帳の鍵の一覧を --policy で指定してください。"
        ),
        Doubt::NoQuorum => words!(
            "Ask for a proof that enough witnesses have signed.",
            "必要な数の立会人が署名した証明を求めてください。"
        ),
        Doubt::NoRoots | Doubt::NotVouched => words!(
            "Give with --roots the root certificate of the authority, from the authority itself.",
            "時刻認証局から直接入手したルート証明書を --roots で指定してください。"
        ),
        Doubt::NoStamp | Doubt::SelfStamped | Doubt::Revoked => words!(
            "Ask for a proof with a stamp of an independent authority.",
            "第三者の時刻認証局によるタイムスタンプが付いた証明を求めてください。"
        ),
        Doubt::NothingToCompare => words!(
            "Ask for a proof that shows the content, or verify without the file.",
            "中身も示す証明を求めるか、ファイルを指定せずに確かめてください。"
        ),
    }
}

/// What a fault is called; the rule itself is for those who investigate.
fn fault_words(fault: &Fault) -> Words {
    match fault {
        Fault::OtherFile { .. } => words!("a file is none that is shown", "示された中身と違うファイルがあります"),
        Fault::DigestOnly { .. } => words!(
            "whoever made it knew the file's SHA-256 and did not have the file",
            "作った人はファイルの SHA-256 を知っていただけで、ファイルそのものは持っていませんでした"
        ),
        Fault::FileSize { .. } => {
            words!("a file has another length than is shown", "示された長さと違うファイルがあります")
        }
        _ => fault.to_string().into(),
    }
}

fn step_words(step: Step) -> Words {
    match step {
        Step::Record => words!("the record", "記録"),
        Step::Commitment => words!("what the record binds", "記録に封じられた値"),
        Step::Opening => words!("what is shown", "示された内容"),
        Step::Names => words!("the names", "名前"),
        Step::Receipt => words!("the receipt", "受領書"),
        Step::Inclusion => words!("the place in the log", "台帳での位置"),
        Step::Checkpoint => words!("the log's signatures", "台帳の署名"),
        Step::Stamped => words!("what was stamped", "タイムスタンプの対象"),
        Step::Stamps => words!("the stamps", "タイムスタンプ"),
        Step::Renewals => words!("the renewals", "タイムスタンプの更新"),
        Step::Files => words!("the files", "ファイル"),
        Step::Kept => words!("what was kept", "保管された中身"),
    }
}

/// How a step went.
#[derive(Clone, Copy, PartialEq)]
enum Went {
    Well,
    NotChecked,
    Unknown,
    Warning,
}

impl Went {
    fn word(self) -> &'static str {
        match self {
            Self::Well => "holds",
            Self::NotChecked => "not checked here",
            Self::Unknown => "cannot be told",
            Self::Warning => "warning",
        }
    }

    fn mark(self) -> Words {
        match self {
            Self::Well => words!("holds", "正しい"),
            Self::NotChecked => words!("not checked here", "ここでは確かめない"),
            Self::Unknown => words!("cannot be told", "不明"),
            Self::Warning => words!("warning", "注意"),
        }
    }
}

/// Which step found it, how it went, and a plain line.
fn told(report: &Report, finding: &Finding) -> (Step, Went, Words) {
    match finding {
        Finding::Record { id, signers: None } => (
            Step::Record,
            Went::NotChecked,
            words!(
                "{id} is a record; the keys of its signatures do not lie beside it",
                "{id} は記録です。署名の鍵は添えられていません"
            ),
        ),
        Finding::Record { id, signers: Some(signers) } => {
            let keys = signers.iter().map(|key| key.to_base64()).collect::<Vec<_>>().join(" ");
            let line = words!(
                "{id} is a record, signed by {keys}; whose key that is, the proof does not say",
                "{id} は記録で、{keys} が署名しています。誰の鍵かは、この証明からは分かりません"
            );
            (Step::Record, Went::Well, line)
        }
        Finding::Commitment { deposit } => {
            let (k, series) = (deposit.k, deposit.series);
            let line = words!(
                "the record binds deposit {k} of series {series}",
                "記録は、束 {series} の第{k}回の預け入れを封じています"
            );
            (Step::Commitment, Went::Well, line)
        }
        Finding::Opening { entries, complete: true, .. } => {
            let line =
                words!("{entries} entries are shown, and these are all", "{entries}件が示され、これがすべてです");
            (Step::Opening, Went::Well, line)
        }
        Finding::Opening { entries, complete: false, below } => {
            let line = words!(
                "{entries} of fewer than {below} entries are shown, and were bound by the record in both hash families",
                "{below}件未満のうち{entries}件が示され、2種類のハッシュの両方で記録に封じられていました"
            );
            (Step::Opening, Went::Well, line)
        }
        Finding::Names { names } => {
            let line = words!("no name of the {names} shown stands twice", "示された{names}件の名前に重複はありません");
            (Step::Names, Went::Well, line)
        }
        Finding::Receipt { receipt, checked } => {
            let (keeper, time) = (&receipt.keeper, &receipt.time);
            let line = words!(
                "the keeper {keeper} says that it had the record at {time}",
                "預かる側 {keeper} は、{time} にこの記録を受け取ったとしています"
            );
            (Step::Receipt, if *checked { Went::Well } else { Went::NotChecked }, line)
        }
        Finding::ReceiptLater { receipt, stamped } => {
            let line = words!(
                "the keeper says that it had the record at {receipt}, which was there at {stamped} already: one of the clocks is wrong, and the time does not rest on the keeper's",
                "預かる側は {receipt} に受け取ったとしていますが、記録は {stamped} にはすでにありました。どちらかの時計が誤りです。証明の時刻は預かる側の時計によりません"
            );
            (Step::Receipt, Went::Warning, line)
        }
        Finding::Inclusion { index, size } => {
            let line = words!(
                "the record stands at place {index} of a log of {size}",
                "記録は、{size}件の台帳の {index} 番にあります"
            );
            (Step::Inclusion, Went::Well, line)
        }
        Finding::Checkpoint(Ok(witnesses)) => {
            let line = match witnesses.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(", ") {
                none if none.is_empty() => words!(
                    "the log is signed as the policy asks, by no witness",
                    "台帳は指定どおり署名されています。立会人の署名はありません"
                ),
                names => words!(
                    "the log is signed as the policy asks, and by {names}",
                    "台帳は指定どおり署名され、立会人 {names} の署名もあります"
                ),
            };
            (Step::Checkpoint, Went::Well, line)
        }
        Finding::Checkpoint(Err(doubt)) => (Step::Checkpoint, Went::Unknown, reason(*doubt)),
        Finding::Stamped => {
            let line = words!("what was stamped is this state of the log", "タイムスタンプの対象は、この台帳です");
            (Step::Stamped, Went::Well, line)
        }
        Finding::Stamp { renewal, name, outcome } => {
            let (went, line) = stamp_told(&stamp_name(*renewal, name), outcome);
            (if *renewal == 0 { Step::Stamps } else { Step::Renewals }, went, line)
        }
        Finding::Renewal { number, size, covers } => {
            let names = covers.join(", ");
            let line = words!(
                "renewal {number}: the log of {size} that was stamped later covers the earlier stamps {names}",
                "更新 {number}: あとで時刻の付いた{size}件の台帳に、前のタイムスタンプ {names} が記録されています"
            );
            (Step::Renewals, Went::Well, line)
        }
        Finding::Gap { renewal, name, ends } => {
            let name = stamp_name(*renewal, name);
            let line = words!(
                "stamp {name}: its certificates ended at {ends}, before it was renewed; it does not count",
                "タイムスタンプ {name}: 証明書の期限 {ends} までに更新されなかったので、数えません"
            );
            (Step::Renewals, Went::Unknown, line)
        }
        Finding::NoStamp => (Step::Stamps, Went::Unknown, reason(Doubt::NoStamp)),
        Finding::Kept { contents } => {
            let line = words!(
                "contents that were opened here, in packs that the record names: {contents}",
                "記録に載った包みを開けて、示された中身を見つけました: {contents}件"
            );
            (Step::Kept, Went::Well, line)
        }
        Finding::File { entries, .. } if entries.is_empty() => {
            (Step::Files, Went::Unknown, reason(Doubt::NothingToCompare))
        }
        Finding::File { file, entries } => {
            let number = file + 1;
            let names = entries.iter().filter_map(|entry| report.shown.get(*entry)).map(name);
            let names = names.reduce(|all, next| words!("{all}, {next}", "{all}、{next}"; all, next));
            let names = names.unwrap_or_else(|| Words::from(""));
            let line = words!(
                "file {number} is the content shown of {names}, by SHA-256 and by keyed BLAKE3",
                "{number}番目のファイルは、SHA-256 と鍵付き BLAKE3 の両方で、示された {names} の中身と同じです"; names
            );
            (Step::Files, Went::Well, line)
        }
    }
}

/// A stamp's name as a person finds its file.
fn stamp_name(renewal: usize, name: &str) -> String {
    if renewal == 0 { name.to_owned() } else { format!("renewals/{renewal}/{name}") }
}

fn stamp_told(name: &str, outcome: &StampOutcome) -> (Went, Words) {
    match outcome {
        StampOutcome::Independent { token, not_revoked } => {
            let (time, subject) = (token.latest(), token.subject());
            let revocation = match not_revoked {
                Some(as_of) => words!("; not revoked as of {as_of}", "。{as_of} の時点で失効していません"),
                None => words!("; whether it was revoked is not checked", "。失効の有無は確かめていません"),
            };
            let line = words!(
                "stamp {name}: {subject} says that it was there at the latest at {time}{revocation}",
                "タイムスタンプ {name}: {subject} が、遅くとも {time} には存在したとしています{revocation}";
                revocation
            );
            (Went::Well, line)
        }
        StampOutcome::Revoked { at } => {
            let line = words!(
                "stamp {name}: its certificate was revoked as of {at}; it does not count",
                "タイムスタンプ {name}: 証明書が {at} に失効しているので、数えません"
            );
            (Went::Unknown, line)
        }
        StampOutcome::SelfStamped => {
            let line = words!(
                "stamp {name}: self-stamped, not independent",
                "タイムスタンプ {name}: 預かる側が自分で押したもので、第三者によるものではありません"
            );
            (Went::Unknown, line)
        }
        StampOutcome::NotRead { error } => {
            let line = words!(
                "stamp {name}: of a kind that is not read here, so that it does not count: {error}",
                "タイムスタンプ {name}: ここでは読み取れない種類なので、数えません（{error}）"
            );
            (Went::Unknown, line)
        }
        StampOutcome::NotVouched { claimed, error: _ } => {
            let line = words!(
                "stamp {name}: it says {claimed}, by nobody whom you trust",
                "タイムスタンプ {name}: {claimed} とありますが、信頼先によるものではありません"
            );
            (Went::Unknown, line)
        }
    }
}

pub(super) fn lines(report: &Report) -> Vec<Words> {
    let findings = report.findings.iter().map(|finding| {
        let (_, went, line) = told(report, finding);
        let mark = went.mark();
        words!("{mark}: {line}", "{mark}: {line}"; mark, line)
    });
    let shown = report.shown.iter().enumerate().map(|(entry, shown)| {
        let name = name(shown);
        let size = shown.meta.as_ref().and_then(|meta| meta.kind.size());
        let size = size.map_or_else(|| Words::from(""), |size| words!(", {size} bytes", "、{size} バイト"));
        let content = shown.content.as_ref().and_then(Option::as_ref).map(|content| hex(&content.sha256));
        let content =
            content.map_or_else(|| Words::from(""), |sha256| words!(", SHA-256 {sha256}", "、SHA-256 は {sha256}"));
        let compared = match report.is_compared(entry) {
            None => Words::from(""),
            Some(true) => words!(", the same as a file", "、ファイルと一致"),
            Some(false) => words!(", committed to, not compared with a file", "、値の確定のみ（ファイルとは未照合）"),
        };
        words!("shown: {name}{size}{content}{compared}", "示された内容: {name}{size}{content}{compared}"; name, size, content, compared)
    });
    findings.chain(shown).collect()
}

fn name(shown: &Shown) -> Words {
    let name = shown.name.as_ref().map(|name| Words::from(shown_bytes(name)));
    name.unwrap_or_else(|| words!("(name hidden)", "（名前は非公開）"))
}

fn as_json(report: &Report, arguments: &Arguments) -> Value {
    let mut steps: Vec<Value> = report
        .findings
        .iter()
        .map(|finding| {
            let (step, went, line) = told(report, finding);
            json!({ "step": step.word(), "outcome": went.word(), "said": line.english() })
        })
        .collect();
    let (verdict, since, before) = match &report.verdict {
        Verdict::Holds { since, before } => ("holds", Some(since.to_string()), Some(before.to_string())),
        Verdict::CannotBeTold(_) => ("cannot be told", None, None),
        Verdict::DoesNotHold(fault) => {
            let (step, said) = (fault.step().word(), fault.to_string());
            steps.push(json!({ "step": step, "outcome": "does not hold", "said": said }));
            ("does not hold", None, None)
        }
    };
    let doubts: Vec<_> = match &report.verdict {
        Verdict::CannotBeTold(doubts) => doubts.iter().map(|doubt| doubt.word()).collect(),
        Verdict::Holds { .. } | Verdict::DoesNotHold(_) => Vec::new(),
    };
    let record = report.findings.iter().find_map(|finding| match finding {
        Finding::Record { id, .. } => Some(id.to_string()),
        _ => None,
    });
    let files: Vec<_> = report
        .findings
        .iter()
        .filter_map(|finding| match finding {
            Finding::File { file, entries } => {
                let path = arguments.files.get(*file)?.to_string_lossy();
                Some(json!({ "path": path, "entries": entries }))
            }
            _ => None,
        })
        .collect();
    let shown: Vec<_> =
        report.shown.iter().enumerate().map(|(entry, shown)| shown_as_json(shown, report.is_compared(entry))).collect();
    json!({
        "verdict": verdict, "since": since, "before": before, "record": record, "doubts": doubts, "steps": steps,
        "shown": shown, "files": files,
    })
}

fn shown_as_json(shown: &Shown, compared: Option<bool>) -> Value {
    let mut object = Map::new();
    object.insert("name".into(), shown.name.as_ref().map(|name| String::from_utf8_lossy(name)).into());
    if let Some(name) = shown.name.as_ref().filter(|name| std::str::from_utf8(name).is_err()) {
        object.insert("name_base64".into(), crate::home::base64(name).into());
    }
    let kind = shown.meta.as_ref().map(|meta| match meta.kind {
        MetaKind::File { .. } => "file",
        MetaKind::HardLink { .. } => "hard link",
        MetaKind::Symlink { .. } => "link",
        MetaKind::Directory => "folder",
    });
    object.insert("kind".into(), kind.into());
    object.insert("size".into(), shown.meta.as_ref().and_then(|meta| meta.kind.size()).into());
    let sha256 = shown.content.as_ref().and_then(Option::as_ref).map(|content| hex(&content.sha256));
    object.insert("sha256".into(), sha256.into());
    object.insert("compared".into(), compared.into());
    Value::Object(object)
}
