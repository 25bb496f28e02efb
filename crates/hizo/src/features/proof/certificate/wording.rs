//! The sentences of a certificate. They are read by people who decide over others: none says more than was verified.

use std::collections::BTreeSet;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::{Entry, Facts, Kind, Scope, Signer, Stamp, Strength};
use crate::safe::JAPAN;
use crate::words::{Words, words};

pub(super) fn title() -> Words {
    words!("Certificate of safekeeping", "保管証明書")
}

pub(super) mod heading {
    use crate::words::{Words, words};

    pub(in super::super) fn shown() -> Words {
        words!("What is shown", "示すもの")
    }

    pub(in super::super) fn times() -> Words {
        words!("Three times, kept apart", "三つの時刻")
    }

    pub(in super::super) fn record() -> Words {
        words!("The record", "記録")
    }

    pub(in super::super) fn strength() -> Words {
        words!("How strong the proof is", "証明の強さ")
    }

    pub(in super::super) fn not_shown() -> Words {
        words!("What this certificate does not show", "この証明書が示さないこと")
    }

    pub(in super::super) fn checking() -> Words {
        words!("How to check it", "確かめ方")
    }

    pub(in super::super) fn annex() -> Words {
        words!("Annex: what is shown", "別紙 示すもの")
    }

    pub(in super::super) fn seal() -> Words {
        words!("Handed in by", "提出者")
    }
}

/// The line above the verdict: what it is about, and by whose clock.
pub(super) fn subject(facts: &Facts) -> Words {
    match facts.is_independent() {
        true => words!("What is shown below has been", "下に示すものは、"),
        false => words!(
            "By the keeper's own clock, what is shown below has been",
            "預かる側の時計によれば、下に示すものは、"
        ),
    }
}

pub(super) fn verdict(facts: &Facts) -> Words {
    let time = moment(facts.at_the_latest);
    words!("held, unchanged, since at the latest\n{time}", "遅くとも {time}には\n保持され、以後変わっていません"; time)
}

/// Who vouches for the verdict's time.
pub(super) fn independence(facts: &Facts) -> Words {
    let independent = facts.stamps.iter().filter(|stamp| stamp.is_independent);
    let signers: BTreeSet<_> = independent.clone().map(|stamp| stamp.signer).collect();
    let count = independent.count();
    match signers.len() {
        0 => words!(
            "Self-stamped, not independent: no third party vouches for this time.",
            "自己発行の時刻・第三者の証明ではありません。"
        ),
        1 => words!(
            "One time-stamping authority vouches for this time. That it is independent of the keeper is the word of whoever made this paper.",
            "この時刻は、時刻認証局1局の証明によります。預かる側から独立していることは、この書面を作った人の申告です。"
        ),
        signers => words!(
            "{count} time stamps under {signers} different certificates of authorities are included. That these are independent of the keeper is the word of whoever made this paper.",
            "この時刻は、時刻認証局の証明によります（異なる証明書{signers}通による時刻証明{count}件を添付）。預かる側から独立していることは、この書面を作った人の申告です。"
        ),
    }
}

pub(super) fn refresh(facts: &Facts) -> Words {
    let date = date(facts.refresh_before);
    words!("Verify or refresh before {date}", "{date}より前に、確認または更新してください"; date)
}

// What is shown.

pub(super) fn name_not_shown() -> Words {
    words!("name not shown", "名前は示しません")
}

pub(super) fn content_not_shown() -> Words {
    words!("content not shown", "中身は示しません")
}

pub(super) fn no_content() -> Words {
    words!("has no content", "中身のない種類です")
}

pub(super) fn meta_not_shown() -> Words {
    words!("size not shown", "大きさは示しません")
}

pub(super) fn size(kind: Kind) -> Words {
    let bytes = |bytes: u64| {
        let bytes = grouped(bytes);
        words!("{bytes} bytes", "{bytes} バイト")
    };
    match kind {
        Kind::File { bytes: count } => bytes(count),
        Kind::HardLink { bytes: count } => {
            let size = bytes(count);
            words!("further name, {size}", "別名 {size}"; size)
        }
        Kind::Symlink => words!("link", "リンク"),
        Kind::Folder => words!("folder", "フォルダー"),
    }
}

pub(super) fn modified(nanoseconds: i64) -> Words {
    let time = moment(nanoseconds.div_euclid(1_000_000_000));
    words!("device says: changed {time}", "預けた機械の申告による更新日時 {time}"; time)
}

pub(super) fn in_annex(entries: usize) -> Words {
    let count = grouped(entries as u64);
    words!(
        "{count} entries of the deposit. The annex at the end of this part lists each of them.",
        "預け入れの中の{count}件。すべてを、この部の終わりの別紙に示します。"
    )
}

pub(super) fn names_are_escaped() -> Words {
    words!(
        "Names are as the depositor chose them. Characters that cannot be printed, or could be taken for others, are written \\u{{…}} or \\x…; the exact bytes are in opening.json.",
        "名前は、預けた人が付けたままです。印字できない文字や、ほかと見分けにくい文字は \\u{{…}} や \\x… と表します。正確なバイト列は opening.json にあります。"
    )
}

// The three times.

pub(super) fn device_says() -> (Words, Words) {
    (
        words!("Device says", "預けた機械の申告"),
        words!(
            "A claim of the machine that deposited. Nothing here proves it.",
            "申告のままで、証明されてはいません。"
        ),
    )
}

pub(super) fn keeper_says() -> (Words, Words) {
    (
        words!("Keeper says", "預かる側の申告"),
        words!("A claim of the keeper, signed in its receipt.", "受領書に署名して申告した時刻です。"),
    )
}

pub(super) fn keeper_says_nothing() -> Words {
    words!("no receipt in this proof", "この証明に受領書はありません")
}

pub(super) fn at_the_latest(facts: &Facts) -> (Words, Words) {
    let meaning = match facts.is_independent() {
        true => words!(
            "The earliest independent time stamp and its accuracy. It may be older.",
            "独立した最も早い時刻証明に、誤差を加えた時刻です。これより前からのこともあります。"
        ),
        false => words!(
            "The keeper stamped this itself. Whether its clock was right is not shown.",
            "預かる側が自分で発行した時刻です。時計が正しかったかどうかは分かりません。"
        ),
    };
    (words!("Since at the latest", "遅くとも"), meaning)
}

pub(super) fn stamp(stamp: &Stamp, authority: &str) -> Words {
    let time = moment_in_utc(stamp.time);
    let accuracy = match stamp.accuracy_ms.map(accuracy) {
        Some(accuracy) => words!("±{accuracy}", "±{accuracy}"; accuracy),
        None => words!("(accuracy not stated)", "（誤差の記載なし）"),
    };
    let standing = match stamp.is_independent {
        true => words!("independent", "独立"),
        false => words!("self-stamped, not independent", "自己発行の時刻・第三者の証明ではありません"),
    };
    words!("{authority}: {time} {accuracy}; {standing}", "{authority}: {time} {accuracy}、{standing}"; accuracy, standing)
}

fn accuracy(milliseconds: u64) -> Words {
    let seconds = milliseconds / 1000;
    match milliseconds % 1000 {
        0 => words!("{seconds} s", "{seconds}秒"),
        rest => words!("{seconds}.{rest:03} s", "{seconds}.{rest:03}秒"),
    }
}

// The record.

pub(super) fn record_id() -> Words {
    words!("Record id", "記録ID")
}

pub(super) fn series(facts: &Facts) -> (Words, Words) {
    let (number, deposits) = (grouped(facts.number), grouped(facts.deposits));
    let (series, size) = (facts.series, grouped(facts.log.size));
    let value = words!(
        "{series}: deposit {number} of {deposits} in this series as of log size {size}",
        "{series} の第{number}回（ログの大きさ {size} の時点で、この束は全{deposits}回）"
    );
    (words!("Series", "束"), value)
}

pub(super) fn commitment(family: &str) -> Words {
    words!("Commitment, {family}", "確約値 {family}")
}

pub(super) fn log(facts: &Facts, origin: &str) -> (Words, Words) {
    let (index, size) = (grouped(facts.log.index), grouped(facts.log.size));
    let value =
        words!("{origin}: index {index} in the log of size {size}", "{origin} の番号 {index}（ログの大きさ {size}）");
    (words!("Log", "ログ"), value)
}

pub(super) fn root() -> Words {
    words!("Log root", "ログの根")
}

pub(super) fn signed_by() -> Words {
    words!("Signed by", "署名した鍵")
}

pub(super) fn signer_name(signer: &Signer, shown: &str) -> Words {
    match signer.name {
        Some(_) => words!(
            "{shown} (a name given by whoever made this certificate)",
            "{shown}（名前は、この証明書を作った人によるものです）"
        ),
        None => words!("holder not named", "持ち主の名前は示しません"),
    }
}

pub(super) fn witnesses() -> Words {
    words!("Witnesses", "立会人")
}

pub(super) fn no_witness() -> Words {
    words!(
        "None. Whether the keeper shows others another history is visible only when two members compare heads.",
        "なし。預かる側が別の人に別の履歴を見せていても、二人が記録の先頭を見比べるまで分かりません。"
    )
}

// Strength, and what is not shown.

pub(super) fn strength(strength: Strength) -> (Words, Words) {
    match strength {
        Strength::Committed => (
            words!("Committed", "確約（committed）"),
            words!(
                "The record binds exactly what is shown: another content, name or size would not fit it. The sealed bytes themselves are not part of this proof.",
                "記録は、示したものだけに合います。中身・名前・大きさが一つでも違えば合いません。封をした本体は、この証明に含まれていません。"
            ),
        ),
        Strength::Kept => (
            words!("Kept", "保管（kept）"),
            words!(
                "The record binds exactly what is shown, and this proof includes the sealed bytes that were kept, with the key to them: whoever verifies opens them and finds what is shown. Neighbouring entries of the same pack are visible too.",
                "記録は示したものだけに合い、さらに、保管された封のままの本体とその鍵がこの証明に含まれています。確かめる人は封を開けて、示したものを見ることができます。同じ包みの隣のものも見えます。"
            ),
        ),
    }
}

/// Each thing that the certificate leaves open.
pub(super) fn limits(facts: &Facts) -> Vec<Words> {
    let mut limits = vec![number(facts)];
    limits.push(words!(
        "Nothing is said about other deposits, or about other series, spaces or accounts.",
        "ほかの預け入れ、ほかの束・スペース・アカウントについては、何も示しません。"
    ));
    limits.push(words!("Not who owns it, nor who made it.", "誰のものか、誰が作ったかは示しません。"));
    limits.push(words!(
        "Not that it was secret, nor that it was managed as a secret.",
        "秘密であったこと、秘密として管理されていたことは示しません。"
    ));
    limits.push(words!(
        "Not who held the keys that signed: names of people are as given.",
        "署名した鍵を誰が持っていたかは示しません。人の名前は、申告のままです。"
    ));
    limits
}

fn number(facts: &Facts) -> Words {
    let count = facts.entries.len() as u64;
    let shown = grouped(count);
    match facts.scope {
        Scope::Chosen { depth } => {
            let most = grouped((1u64 << depth.min(63)) - 1);
            words!(
                "What is shown is {shown} of up to {most} (2^{depth}−1) entries. How many there are is not shown, nor that each name is there only once.",
                "最大{most}件（2^{depth}−1）の中の{shown}件を示します。全部で何件あるか、同じ名前がほかにないかは示しません。"
            )
        }
        Scope::Complete if facts.entries.iter().all(Entry::is_named) => words!(
            "The deposit has exactly {shown} entries, no two names of which have the same bytes. Fields marked as not shown are not shown.",
            "預け入れの中身はちょうど{shown}件で、バイト列が同じ名前はありません。「示しません」とある項目は示しません。"
        ),
        Scope::Complete => words!(
            "The deposit has exactly {shown} entries. That each name is there only once is not shown, since not every name is.",
            "預け入れの中身はちょうど{shown}件です。名前を示さないものがあるため、同じ名前のものがないことは示しません。"
        ),
    }
}

impl Entry {
    fn is_named(&self) -> bool {
        self.name.is_some()
    }
}

// How to check it.

/// Commands, after what they are for.
pub(super) fn checks(facts: &Facts, shown: impl Fn(&str) -> String) -> Vec<(Words, Vec<String>)> {
    // Beside independent stamps, the keeper's own adds nothing.
    let stamps = facts.stamps.iter().filter(|stamp| stamp.is_independent || !facts.is_independent());
    let openssl = |stamp: &Stamp| {
        let (token, chain, time) = (shown(&stamp.token), shown(&stamp.chain), stamp.time);
        format!("openssl ts -verify -data checkpoint -in {token} -CAfile ROOT.pem -untrusted {chain} -attime {time}")
    };
    vec![
        (all_at_once(facts), vec!["hizo verify DIR --roots ROOT.pem --policy POLICY".to_owned()]),
        (
            words!(
                "Without hizo. The record: this prints the record id above.",
                "hizo がなくても。記録：次の結果が、上の記録IDと一致します。"
            ),
            vec!["sha256sum record.note".to_owned()],
        ),
        (
            words!(
                "A file that came with this paper: this prints the SHA-256 that is shown for it.",
                "この書面とともに渡されたファイル：次の結果が、示した SHA-256 と一致します。"
            ),
            vec!["sha256sum FILE".to_owned()],
        ),
        (time(facts), stamps.map(openssl).collect()),
    ]
}

fn all_at_once(facts: &Facts) -> Words {
    match facts.is_independent() {
        true => words!(
            "With hizo. DIR is the folder that held this paper; ROOT.pem and POLICY are your own.",
            "hizo で。DIR はこの書面が入っていたフォルダー、ROOT.pem と POLICY は自分で用意したものです。"
        ),
        false => words!(
            "With hizo. DIR is the folder that held this paper. It ends in \"consistent, time not independent\", exit code 4.",
            "hizo で。DIR はこの書面が入っていたフォルダー。結果は「整合、ただし時刻は第三者によらない」（終了コード4）。"
        ),
    }
}

fn time(facts: &Facts) -> Words {
    match facts.is_independent() {
        true => words!(
            "The time. ROOT.pem is the authority's root certificate, had from the authority itself. -attime is the time of the token, whose certificate may have ended since.",
            "時刻。ROOT.pem は、認証局から直接入手したルート証明書です。-attime には発行の時刻を指定します（証明書の期限が、その後に切れていることもあるため）。"
        ),
        false => words!(
            "The keeper's own time. ROOT.pem is the keeper's certificate. This shows that the keeper stamped, not that its clock was right.",
            "預かる側の時刻。ROOT.pem は預かる側の証明書です。発行したことは分かりますが、時計が正しかったことは分かりません。"
        ),
    }
}

pub(super) fn readme() -> Words {
    words!(
        "README.md in the same folder says how the record leads to the commitment and to the checkpoint, step by step.",
        "記録から確約値とログの控え（checkpoint）へ至る手順は、同じフォルダーの README.md にあります。"
    )
}

// Where somebody signs.

pub(super) fn seal_fields() -> [Words; 3] {
    [words!("Name", "氏名・名称"), words!("Address", "住所"), words!("Date", "日付")]
}

pub(super) fn seal_meaning() -> Words {
    words!(
        "Whoever hands this paper in fills in these lines and is answerable for them. They are no part of the proof.",
        "この欄は、この書面を提出する人がその責任で記入します。証明の一部ではありません。"
    )
}

// Times and numbers.

/// To the second: in Japan's time for those who read Japanese, in UTC for the others.
pub(super) fn moment(seconds: impl Into<i128>) -> Words {
    let seconds = seconds.into();
    // A device may claim any number.
    let Some(time) = i64::try_from(seconds).ok().and_then(|seconds| Timestamp::from_second(seconds).ok()) else {
        return words!("{seconds} seconds after 1970", "1970年から{seconds}秒後");
    };
    let in_japan = time.to_zoned(TimeZone::fixed(JAPAN));
    Words::both(
        time.strftime("%-d %B %Y, %H:%M:%S UTC").to_string(),
        in_japan.strftime("%Y年%-m月%-d日 %H:%M:%S（日本時間）").to_string(),
    )
}

/// As machines write it.
pub(super) fn moment_in_utc(seconds: u64) -> String {
    let seconds = i64::try_from(seconds).unwrap_or(i64::MAX);
    Timestamp::from_second(seconds).map(|time| time.to_string()).unwrap_or_default()
}

fn date(seconds: u64) -> Words {
    let seconds = i64::try_from(seconds).unwrap_or(i64::MAX);
    let Ok(time) = Timestamp::from_second(seconds) else { return moment(seconds) };
    // The day in UTC, in both languages: Japan's day would begin earlier, and so never ends too late.
    Words::both(time.strftime("%-d %B %Y").to_string(), time.strftime("%Y年%-m月%-d日").to_string())
}

fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}
