//! What people see when something goes wrong: what happened, and what to do next.

use std::fmt;
use std::io;
use std::path::Path;

use hizo_ledger::path::is_unseen;

use crate::words::{Language, Words, words};

/// Which exit code a failure has; the table stands in docs/spec/exit-codes.md.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The person can fix it.
    Fixable = 1,
    /// The command was not understood.
    Usage = 2,
    /// Checked, and it does not hold.
    False = 3,
    /// It could not be checked.
    Unknown = 4,
    /// A key or head is not the pinned one: somebody may be lying.
    Lying = 5,
    /// Done on this machine; the keeper does not have it yet.
    Waits = 6,
    /// Our fault.
    Internal = 70,
}

/// A failure in the person's words.
#[derive(Debug)]
pub(crate) struct Failure {
    pub kind: Kind,
    pub message: Words,
    pub hint: Option<Words>,
    pub source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// What every feature returns.
pub(crate) type Outcome<T> = Result<T, Failure>;

impl Failure {
    pub(crate) fn new(kind: Kind, message: impl Into<Words>) -> Self {
        Self { kind, message: message.into(), hint: None, source: None }
    }

    /// Something the person can fix.
    pub(crate) fn fixable(message: impl Into<Words>) -> Self {
        Self::new(Kind::Fixable, message)
    }

    /// Something that was checked and does not hold.
    pub(crate) fn untrue(message: impl Into<Words>) -> Self {
        Self::new(Kind::False, message)
    }

    /// Something that can only happen through a fault of ours.
    pub(crate) fn internal(error: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self::internal_message(error.to_string()).source(error)
    }

    /// As [`Failure::internal`], in words.
    pub(crate) fn internal_message(message: impl Into<Words>) -> Self {
        Self::new(Kind::Internal, message).hint(words!(
            "This is a fault of hizo. Nothing was lost; please report it.",
            "hizo の不具合です。失われたものはありません。お手数ですがお知らせください。"
        ))
    }

    /// Whether it is that the keeper cannot be reached.
    pub(crate) fn is_unreachable(&self) -> bool {
        let keeper = self.source.as_ref().and_then(|source| source.downcast_ref());
        matches!(keeper, Some(hizo_keeper::Error::Unreachable { .. }))
    }

    /// Whether it is that the keeper does not let whoever asks in.
    pub(crate) fn is_refused(&self) -> bool {
        let keeper = self.source.as_ref().and_then(|source| source.downcast_ref());
        matches!(keeper, Some(hizo_keeper::Error::Refused { status: 401 | 403, .. }))
    }

    /// Whether it is that a passphrase does not open what it should.
    pub(crate) fn is_wrong_passphrase(&self) -> bool {
        let error = self.source.as_ref().and_then(|source| source.downcast_ref());
        matches!(error, Some(hizo_vault::keys::Error::Open(_)))
    }

    /// Whether the keeper cannot be asked now and could be another time: nobody answers, or the clocks are apart.
    pub(crate) fn is_out_of_reach(&self) -> bool {
        let keeper = self.source.as_ref().and_then(|source| source.downcast_ref());
        self.is_unreachable() || matches!(keeper, Some(hizo_keeper::Error::ClockApart { .. }))
    }

    /// Adds what to do next.
    pub(crate) fn hint(mut self, hint: impl Into<Words>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Adds the cause.
    pub(crate) fn source(mut self, source: impl std::error::Error + Send + Sync + 'static) -> Self {
        self.source = Some(Box::new(source));
        self
    }

    /// A file or folder of the person's that could not be read or written.
    pub(crate) fn file(doing: &str, path: &Path, error: io::Error) -> Self {
        let (reason, hint) = (reason(&error), remedy(&error));
        let path = shown(path);
        let japanese =
            ACTS.iter().find(|(english, _)| *english == doing).map_or("を扱えません", |(_, japanese)| japanese);
        let message = Words::both(
            format!("cannot {doing} {path}: {}", reason.english()),
            format!("{path} {japanese}: {}", reason.japanese()),
        );
        Self::fixable(message).hint(hint).source(error)
    }

    /// What happened, in one language. What nobody has said in Japanese yet is at least introduced in it.
    pub(crate) fn told_in(&self, language: Language) -> String {
        match language {
            Language::Japanese if self.message.is_english_only() => {
                format!("{}: {}", self.kind.introduction(), self.message.english())
            }
            Language::English | Language::Japanese => self.message.to(language).to_owned(),
        }
    }
}

impl Kind {
    fn introduction(self) -> &'static str {
        match self {
            Self::Fixable => "できませんでした",
            Self::Usage => "指定の仕方が違います",
            Self::False => "調べたところ、正しい状態ではありません",
            Self::Unknown => "調べられませんでした",
            Self::Lying => "控えてある鍵や記録と違います",
            Self::Waits => "まだ送っていません",
            Self::Internal => "内部で問題が起きました",
        }
    }
}

/// What [`Failure::file`] can say of a path, after "cannot" and in Japanese after the path.
const ACTS: [(&str, &str); 11] = [
    ("read", "を読み取れません"),
    ("read the passphrase from", "からパスフレーズを読み取れません"),
    ("write", "に書き込めません"),
    ("write to", "に書き込めません"),
    ("make", "を作れません"),
    ("make the folder", "というフォルダーを作れません"),
    ("open", "を開けません"),
    ("lock", "を使用中にできません"),
    ("replace", "を置き換えられません"),
    ("remove", "を取り除けません"),
    ("restore to", "に取り出せません"),
];

/// A length of time, about.
fn length(seconds: u64) -> Words {
    match seconds {
        ..=119 => words!("{seconds} seconds", "{seconds}秒"),
        120..=7199 => words!("{minutes} minutes", "{minutes}分", minutes = seconds / 60),
        7200..=172_799 => words!("{hours} hours", "{hours}時間", hours = seconds / 3600),
        _ => words!("{days} days", "{days}日", days = seconds / 86400),
    }
}

impl From<hizo_keeper::Error> for Failure {
    fn from(error: hizo_keeper::Error) -> Self {
        use hizo_keeper::Error as Keeper;
        use hizo_keeper::log::Error as Log;
        use hizo_store::{journal, objects, published};
        // A disk, a journal and a keeper at an address fail in the same ways, whatever was asked of them.
        let error = match error {
            Keeper::Log(Log::Elsewhere(elsewhere)) => *elsewhere,
            Keeper::Log(Log::Journal(error)) => error.into(),
            Keeper::Log(Log::Files(published::Error::Disk { act, source })) => Keeper::Folder { act, source },
            other => other,
        };
        let failure = match &error {
            Keeper::Unreachable { .. } => Self::new(
                Kind::Unknown,
                words!("the keeper cannot be reached", "預け先につながりません"),
            )
            .hint(words!(
                "Look at the network and at the keeper's address, then try again: it goes on where it stopped.",
                "ネットワークと預け先のアドレスを確かめて、もう一度試してください。続きから進みます。"
            )),
            Keeper::ClockApart { here, there } => {
                let by = length(here.abs_diff(*there));
                let clocks = match here > there {
                    true => words!(
                        "this machine's clock is {by} ahead of the keeper's, which therefore does not let it in",
                        "このコンピューターの時計が、預け先の時計より{by}進んでいるため、受け付けてもらえません";
                        by
                    ),
                    false => words!(
                        "this machine's clock is {by} behind the keeper's, which therefore does not let it in",
                        "このコンピューターの時計が、預け先の時計より{by}遅れているため、受け付けてもらえません";
                        by
                    ),
                };
                Self::fixable(clocks).hint(words!(
                    "Set this machine's clock, then try again. If it is right, tell the keeper's operator. Deposits are sealed meanwhile, and wait.",
                    "このコンピューターの時計を合わせて、もう一度試してください。合っていれば、預け先に知らせてください。その間の預け入れは封をして、送信を待ちます。"
                ))
            }
            Keeper::Refused { status: 401 | 403, .. } => Self::fixable(words!(
                "the keeper does not let this machine in: {error}",
                "預け先が、このコンピューターを受け付けません（{error}）"
            ))
            .hint(words!(
                "Look at this machine's clock; if it is right, ask an admin whether this machine is still a member, or the keeper's operator for a code (`--admission-file`).",
                "時計を確かめてください。合っていれば、金庫の管理者にこのコンピューターが登録されているかを、または預け先に利用の番号（`--admission-file`）を、たずねてください。"
            )),
            Keeper::Refused { status: 507, .. } => Self::fixable(words!(
                "the keeper has no more room for this safe",
                "預け先に、この金庫のための空きがありません"
            ))
            .hint(words!(
                "Nothing was lost. Ask the keeper's operator for more room, then try again.",
                "失われたものはありません。預け先に空きを増やしてもらい、もう一度試してください。"
            )),
            Keeper::Certificate { .. } => Self::new(
                Kind::Lying,
                words!("{error}", "預け先のアドレスに、預け先と確かめられない相手がいます（{error}）"),
            )
            .hint(words!(
                "Nothing was sent. Somebody may stand between you and the keeper, or its certificate is new or has ended: ask its operator by another way.",
                "何も送っていません。間に誰かがいるか、預け先の証明書が替わったか切れています。別の方法で、預け先に確かめてください。"
            )),
            Keeper::Refused { status: 400..=499, .. } => {
                Self::fixable(words!("the keeper refuses: {error}", "預け先に断られました（{error}）")).hint(words!(
                    "Try again later; if it stays so, ask the keeper's operator.",
                    "しばらくしてから、もう一度試してください。続くようなら、預け先に問い合わせてください。"
                ))
            }
            Keeper::Refused { .. } | Keeper::Answer => Self::new(
                Kind::Unknown,
                words!("the keeper did not do it: {error}", "預け先が応じませんでした（{error}）"),
            )
            .hint(words!(
                "Try again later; if it stays so, tell the keeper's operator.",
                "しばらくしてから、もう一度試してください。続くようなら、預け先に知らせてください。"
            )),
            Keeper::Roots => Self::fixable(words!(
                "the file of --keeper-roots, or keeper.pem in the home folder, holds no certificates",
                "--keeper-roots のファイル、または金庫のフォルダーの keeper.pem に、証明書がありません"
            )),
            Keeper::Address => Self::new(
                Kind::Usage,
                words!(
                    "a keeper's address begins with https://, or, on this machine, with http://localhost",
                    "預け先のアドレスは https:// で始まるものか、このコンピューターの中なら http://localhost です"
                ),
            ),
            Keeper::Objects(objects::Error::Disk { source, .. }) | Keeper::Folder { source, .. } => {
                let said = source.raw_os_error().map_or_else(|| source.kind().into(), io::Error::from_raw_os_error);
                return Self::file("write to", Path::new("the keeper's folder"), said).source(error);
            }
            Keeper::Journal(journal::Error::Full { .. }) => Self::fixable(words!(
                "cannot keep the record: the disk is full",
                "記録を残せません: ディスクがいっぱいです"
            ))
            .hint(go_on()),
            Keeper::Journal(journal::Error::Busy) | Keeper::Log(Log::Busy) => {
                Self::fixable(words!("another hizo is at work in this safe", "別の hizo がこの金庫を使っています"))
                    .hint(words!(
                        "Wait until it is done, then try again.",
                        "終わるのを待って、もう一度試してください。"
                    ))
            }
            Keeper::Journal(journal::Error::ReadOnly) => {
                Self::fixable(words!("the keeper's records are read-only", "預け先の記録が読み取り専用です")).hint(
                    words!(
                        "Run it as somebody who may write there, or put the folder where it can be written to.",
                        "書き込む権限のある人が実行するか、書き込める場所にフォルダーを移してください。"
                    ),
                )
            }
            // Nothing was found to be false: the system did not answer.
            Keeper::Journal(
                error @ (journal::Error::Database { .. } | journal::Error::Disk { .. } | journal::Error::Absent),
            ) => Self::new(
                Kind::Unknown,
                words!("the keeper cannot be asked: {error}", "預け先を調べられません: {error}"),
            )
            .hint(words!(
                "Look at the disk, then try again.",
                "ディスクの状態を確かめてから、もう一度試してください。"
            )),
            Keeper::Journal(journal::Error::Newer { .. }) => Self::fixable(words!(
                "this safe was made by a newer hizo",
                "この金庫は新しい版の hizo で作られています"
            ))
            .hint(words!("Use that hizo, or a newer one.", "その版か、それより新しい版の hizo を使ってください。")),
            Keeper::Conflict { .. } => Self::fixable(words!(
                "somebody else has added to this safe meanwhile",
                "その間に、別の人がこの金庫に追加しました"
            ))
            .hint(words!(
                "Nothing of yours is lost: try again.",
                "失われたものはありません。もう一度試してください。"
            )),
            Keeper::PutAgain { objects } => Self::fixable(words!(
                "{count} objects must be put again",
                "{count}個の部品を預け直す必要があります",
                count = objects.len()
            ))
            .hint(words!("Try again.", "もう一度試してください。")),
            Keeper::NotSetUp | Keeper::LogKey | Keeper::Facts => {
                Self::new(Kind::Unknown, words!("the keeper cannot be opened: {error}", "預け先を開けません: {error}"))
                    .hint(words!(
                        "Put the keeper's folder back from a copy.",
                        "預け先のフォルダーを控えから戻してください。"
                    ))
            }
            Keeper::Journal(journal::Error::Damaged { .. }) | Keeper::Kept(_) => {
                Self::untrue(words!("the keeper's records are damaged: {error}", "預け先の記録が壊れています: {error}"))
                    // To SQLite a page that the disk did not give this once is a damaged one.
                    .hint(words!(
                        "Run `hizo check`. If it says the same, keep a copy of the folder as it is, on another disk, then put the keeper's folder back from a copy; if it finds everything in order, the disk failed to answer: look at it, then try again.",
                        "`hizo check` を実行してください。同じことを言われたら、今のフォルダーをそのまま別のディスクに残してから、預け先のフォルダーを控えから戻してください。異常がなければ、ディスクが一度応答しなかったためです。ディスクの状態を確かめてから、もう一度試してください。"
                    ))
            }
            Keeper::Log(error @ Log::Witness { .. }) => Self::new(
                Kind::Lying,
                words!(
                    "nothing was added to the log: {error}",
                    "台帳には何も加えていません。立会人の知っている台帳と違います（{error}）"
                ),
            )
            .hint(words!(
                "What was deposited is kept. Either the keeper's data were put back from an older copy or changed, or the witness errs: ask who did it, or whoever runs the witness. `hizo log policy` leaves a witness out.",
                "預けたものは無事です。預け先のデータが古い控えから戻されたか、書き換えられたか、立会人の側の誤りです。誰がしたのか、または立会人に確かめてください。立会人を外すには `hizo log policy` を使います。"
            )),
            Keeper::CopyOther | Keeper::CopyAhead { .. } | Keeper::CopyGone => Self::untrue(words!(
                "the second directory was left as it is: {error}",
                "二つ目のフォルダーには手を付けていません（{error}）"
            ))
            .hint(words!(
                "Look at `copy.directory`, and whether `data` was put back from something older: docs/guide/operator.md says what to do then.",
                "`copy.directory` の場所と、`data` を古い控えから戻していないかを確かめてください。対処は docs/guide/operator.ja.md にあります。"
            )),
            Keeper::Directory => Self::untrue(words!("{error}", "機関の名簿として置かれたものが壊れています（{error}）")).hint(words!(
                "Remove `directories` from the keeper's folder, and lay the newest directory down once more: `hizo keeper directory`.",
                "預かる側のフォルダーから `directories` を取り除き、最新の名簿をもう一度置いてください: `hizo keeper directory`。"
            )),
            Keeper::Policy(error) => {
                Self::fixable(words!("{error}", "この方針は使えません（{error}）")).hint(words!(
                    "docs/spec/witness.md shows how a policy is written.",
                    "書き方は docs/spec/witness.md にあります。"
                ))
            }
            _ => Self::untrue(words!("the keeper refuses: {error}", "預け先に断られました: {error}")),
        };
        failure.source(error)
    }
}

/// A path as it may be printed: control characters and characters that turn the direction of text are escaped.
pub(crate) fn shown(path: &Path) -> String {
    shown_bytes(path.to_string_lossy().as_bytes())
}

/// Raw name bytes as they may be printed.
pub(crate) fn shown_bytes(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            if character.is_control() || is_unseen(character) {
                text.extend(character.escape_unicode());
            } else {
                text.push(character);
            }
        }
        for byte in chunk.invalid() {
            text.push_str(&format!("\\x{byte:02x}"));
        }
    }
    text
}

fn reason(error: &io::Error) -> Words {
    match error.kind() {
        io::ErrorKind::StorageFull => words!("the disk is full", "ディスクがいっぱいです"),
        io::ErrorKind::PermissionDenied => words!("it is not allowed", "権限がありません"),
        io::ErrorKind::NotFound => words!("it is not there", "見つかりません"),
        io::ErrorKind::ReadOnlyFilesystem => words!("the disk is read-only", "ディスクが読み取り専用です"),
        io::ErrorKind::NotADirectory => words!("it is not a folder", "フォルダーではありません"),
        io::ErrorKind::IsADirectory => words!("it is a folder", "フォルダーです"),
        _ => error.to_string().into(),
    }
}

fn remedy(error: &io::Error) -> Words {
    match error.kind() {
        io::ErrorKind::StorageFull => go_on(),
        io::ErrorKind::PermissionDenied => words!(
            "Run it as somebody who may, or leave this out.",
            "権限のある人が実行するか、これを除いて実行してください。"
        ),
        io::ErrorKind::NotFound => words!("Look at the spelling of the path.", "パスの書き方を確かめてください。"),
        io::ErrorKind::ReadOnlyFilesystem => {
            words!("Choose a place that can be written to.", "書き込める場所を選んでください。")
        }
        _ => words!("Look at the disk, then try again.", "ディスクの状態を確かめてから、もう一度試してください。"),
    }
}

fn go_on() -> Words {
    words!(
        "Make room on the disk and try again; it goes on where it was.",
        "ディスクの空きを増やして、もう一度試してください。続きから進みます。"
    )
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message.english())
    }
}

impl std::error::Error for Failure {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_shown_without_tricks() {
        assert_eq!(shown_bytes("図面.dxf".as_bytes()), "図面.dxf");
        assert_eq!(shown_bytes(b"a\nb\x1b[2J"), "a\\u{a}b\\u{1b}[2J");
        assert_eq!(shown_bytes("invoice\u{202e}fdp.exe".as_bytes()), "invoice\\u{202e}fdp.exe");
        assert_eq!(shown_bytes("a\u{ad}\u{61c}\u{fe0f}\u{e0041}b".as_bytes()), "a\\u{ad}\\u{61c}\\u{fe0f}\\u{e0041}b");
        assert_eq!(shown_bytes(b"\xff\xfe"), "\\xff\\xfe");
    }
}
