//! `hizo space agree`: what another admin has proposed, said in words, and signed by a second one.

use std::io::{BufRead as _, IsTerminal as _};
use std::path::{Path, PathBuf};

use hizo_ledger::identity::VerifyingKey;
use hizo_ledger::proposal::{PROPOSAL_BYTES_MAX, Proposal};
use hizo_ledger::record::{Control, UnverifiedRecord};
use hizo_vault::age::{self, Recipient};
use hizo_vault::fingerprint::Spoken;
use serde_json::json;

use super::entering::{self, Admin};
use super::meaning::{Meaning, refused};
use crate::entropy::SystemEntropy;
use crate::failure::{Failure, Kind, Outcome, shown};
use crate::safe::{self, Safe};
use crate::words::{Words, words};
use crate::{Setting, bundle, cards, home, membership, receipts, rotation};

/// Look at what another admin proposes, and sign it as the second one: then it is done
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The proposal
    #[arg(value_name = "FILE")]
    proposal: PathBuf,
    /// Sign without asking, once you have looked at it
    #[arg(long, conflicts_with = "dry_run")]
    yes: bool,
    /// Say what it would do, and sign nothing
    #[arg(long)]
    dry_run: bool,
    /// Where the proposal moves the safe: the file to write, for whoever proposed it, who finishes the move with it
    #[arg(long, value_name = "FILE", conflicts_with = "dry_run")]
    answer: Option<PathBuf>,
    /// Where the proposal moves the safe: sign it although the keeper so far is gone, or does not tell the truth
    #[arg(long)]
    without_the_missing: bool,
}

pub(super) fn run(setting: &Setting, arguments: &Arguments) -> Outcome<()> {
    let mut safe = open(setting, arguments)?;
    let admin = Admin::unheeded(setting, &safe)?;
    let proposal = read(&safe, &admin, arguments)?;
    let moves = proposal.record().envelope().controls.iter().any(|control| matches!(control, Control::Origin(_)));
    check_answer(arguments, moves)?;
    // Whoever says falsely whose a key is must not be kept in by that.
    let leaving: Vec<_> = proposal.record().envelope().controls.iter().filter_map(removed).collect();
    admin.keyring.people()?.heed(&safe, &leaving)?;
    let record = countersigned(&safe, &admin, &proposal)?;
    // Only a record that may stand names anything that is opened.
    let next = safe.chain.check(record.clone()).map_err(no_proposal)?;
    let first = proposer(&safe, &admin, &proposal)?;
    let mut lines = Meaning::of(setting, &safe, admin, next.record(), &proposal)?.lines;
    let until = membership::taken_until(&safe, proposal.record()).map(cards::time);
    lines.extend(until.as_ref().map(|until| {
        words!(
            "is taken by the keeper until {until} and no later, since recovery cards let in whoever proposes it",
            "復旧カードで加わった人の提案なので、預け先は {until} までしか受け付けません"
        )
    }));
    let comes = |control: &Control| matches!(control, Control::Member { key, .. } if safe.chain.role(key).is_none());
    let somebody_comes = next.record().envelope().controls.iter().any(comes);
    let said: Vec<String> = lines.iter().map(|line| setting.console.say(line.clone())).collect();
    if !arguments.dry_run && !agrees(setting, arguments, &said)? {
        return Err(Failure::fixable(words!("nothing was signed", "署名していません")));
    }
    let promised = match &arguments.answer {
        _ if arguments.dry_run => Ok(()),
        Some(answer) => hand_back(&record, &first, answer),
        None => {
            let id = safe.append_signed(record, proposal.objects())?;
            receipts::answer(&safe, id).holds()
        }
    };
    if arguments.answer.is_some() {
        promised?;
        let record = (next.record().number(), next.record().id().to_string());
        return tell_answer(setting, arguments, record, &lines, until);
    }
    let (number, id) = (next.record().number(), next.record().id().to_string());
    let in_english: Vec<&str> = lines.iter().map(Words::english).collect();
    // Whoever comes now was let in by this record, and nobody else has these words for him.
    let words = (somebody_comes && !arguments.dry_run)
        .then(|| membership::read_out(setting, &Spoken::of_head(&next.record().id())));
    let result = json!({
        "dry_run": arguments.dry_run, "record": number, "id": id, "does": in_english, "words": words, "until": until,
    });
    setting.console.result(result, |out| {
        said.iter().try_for_each(|line| writeln!(out, "{line}"))?;
        let done = match arguments.dry_run {
            true => words!("nothing was signed", "署名していません"),
            false => words!("signed by two admins: it is done", "管理者2人が署名しました。変更が済みました"),
        };
        writeln!(out, "{}", setting.console.say(done))?;
        words.iter().try_for_each(|words| entering::write_words(out, setting, words))
    });
    if !leaving.is_empty() && !arguments.dry_run {
        rotation::say_next(setting, &safe.home);
    }
    promised
}

/// The safe as its keeper shows it; where that is gone or lies, as this machine has followed it.
fn open(setting: &Setting, arguments: &Arguments) -> Outcome<Safe> {
    if !arguments.without_the_missing {
        return setting.safe().map_err(|failure| match failure.is_unreachable() {
            true => failure.hint(words!(
                "A change is signed only while the keeper can be reached. If the proposal moves the safe away from a keeper that is gone, sign it with --without-the-missing.",
                "変更に署名できるのは、預け先につながるときだけです。なくなった預け先から金庫を移す提案なら、--without-the-missing を付けて署名してください。"
            )),
            false => failure,
        });
    }
    let mut safe = Safe::remembered(setting.home()?)?;
    safe.has_not_moved()?;
    safe.leave_keeper()?;
    Ok(safe)
}

/// A move is finished by whoever proposed it, who has brought everything; every other change is done at once.
fn check_answer(arguments: &Arguments, moves: bool) -> Outcome<()> {
    match (moves, &arguments.answer) {
        (true, None) if !arguments.dry_run => {
            Err(Failure::new(Kind::Usage, words!("the proposal moves the safe", "金庫を移す提案です")).hint(words!(
                "Look at it with --dry-run. Name a file with --answer, and send it back to whoever proposed it, who finishes the move.",
                "--dry-run で内容を確かめてください。--answer でファイルを指定して書き出し、提案した人に返すと、その人が移転を済ませます。"
            )))
        }
        (false, _) if arguments.answer.is_some() || arguments.without_the_missing => Err(Failure::new(
            Kind::Usage,
            words!("the proposal does not move the safe", "金庫を移す提案ではありません"),
        )
        .hint(words!(
            "Sign it without --answer and --without-the-missing.",
            "--answer と --without-the-missing を付けずに署名してください。"
        ))),
        _ => Ok(()),
    }
}

/// The recipient of whoever signed first.
fn proposer(safe: &Safe, admin: &Admin, proposal: &Proposal) -> Outcome<Option<Recipient>> {
    let people = admin.keyring.people()?;
    let signed = |key: &VerifyingKey| proposal.record().signatures().iter().any(|line| line.name == key.name());
    let first = safe.chain.members().map(|(key, _)| key).find(signed);
    Ok(first.and_then(|key| people.certificates.of(&key)?.recipient.clone()))
}

/// Writes the record with both signatures for whoever signed it first. The keepers get nothing of it from here.
fn hand_back(record: &UnverifiedRecord, first: &Option<Recipient>, answer: &Path) -> Outcome<()> {
    let first = first.as_ref().ok_or_else(|| {
        refused(words!("whoever signed it opens nothing", "署名した人は、何も開けられないメンバーです"))
    })?;
    let sealed = age::seal(record.note_bytes(), std::slice::from_ref(first), &mut SystemEntropy);
    home::write_new(answer, &sealed.map_err(Failure::internal)?)
}

fn tell_answer(
    setting: &Setting,
    arguments: &Arguments,
    (number, id): (u64, String),
    lines: &[Words],
    until: Option<String>,
) -> Outcome<()> {
    let file = arguments.answer.as_deref().unwrap_or("".as_ref());
    let in_english: Vec<&str> = lines.iter().map(Words::english).collect();
    let result = json!({
        "dry_run": false, "record": number, "id": id, "does": in_english, "words": null, "until": until,
        "answer": file.to_string_lossy(),
    });
    setting.console.result(result, |out| {
        lines.iter().try_for_each(|line| writeln!(out, "{}", setting.console.say(line.clone())))?;
        let file = shown(file);
        let done = words!(
            "signed by two admins, and not moved yet: answer written to {file}",
            "管理者2人が署名しました。まだ移していません。答えを {file} に書きました"
        );
        writeln!(out, "{}", setting.console.say(done))
    });
    setting.console.note(words!(
        "next: send it to whoever proposed the move, who finishes it with `hizo move --to URL --agreed FILE` before anything else is added to the safe",
        "次に: 提案した人に返してください。金庫にほかの記録が加わる前に、その人が `hizo move --to URL --agreed ファイル` で移転を済ませます"
    ));
    Ok(())
}

/// The proposal in the file, for this safe as it is.
fn read(safe: &Safe, admin: &Admin, arguments: &Arguments) -> Outcome<Proposal> {
    let bytes = bundle::read(&arguments.proposal, PROPOSAL_BYTES_MAX)?;
    let opened = age::open_own(bytes, &admin.identity.identity).map_err(|error| {
        let file = shown(&arguments.proposal);
        Failure::fixable(words!("{file} is no proposal for you", "{file} は、あなたへの提案ではありません"))
            .hint(words!(
                "Ask who sent it; a proposal is for the admins who stay, and not for who proposes it.",
                "送った人に確かめてください。提案を開けるのは、提案した人と外される人を除く管理者だけです。"
            ))
            .source(error)
    })?;
    let proposal = Proposal::parse(&opened).map_err(no_proposal)?;
    let envelope = proposal.record().envelope();
    if envelope.space != safe.home.space {
        return Err(Failure::fixable(words!("the proposal is for another safe", "別の金庫についての提案です")).hint(
            words!("Name the home of that safe with --home.", "その金庫のフォルダーを --home で指定してください。"),
        ));
    }
    match envelope.prev == Some(safe.chain.head().id) {
        true => Ok(proposal),
        false if envelope.number > safe.chain.head().number + 1 => Err(Failure::fixable(words!(
            "this machine has not followed the safe as far as whoever proposed this",
            "このコンピューターは、提案した人のところまで金庫の記録を確かめていません"
        ))
        .hint(words!(
            "Sign it on a machine that has, or where the keeper can be reached.",
            "そこまで確かめたコンピューターか、預け先につながるところで署名してください。"
        ))),
        false => Err(safe::moved_on()),
    }
}

/// The record with both signatures. Whether it may stand, the chain says.
fn countersigned(safe: &Safe, admin: &Admin, proposal: &Proposal) -> Outcome<UnverifiedRecord> {
    let own = admin.identity.signing_seed.space_key(&safe.home.space);
    let record = proposal.record();
    let waiting = safe.chain.waiting().map(|waiting| waiting.key);
    let by = |name| safe.chain.members().map(|(key, _)| key).chain(waiting).find(|key| key.name() == name);
    let first = record.signatures().first().and_then(|line| Some((by(line.name)?, line.signature)));
    let Some((first, signature)) = first else {
        return Err(refused(words!(
            "whoever signed it is no member",
            "署名した人は、この金庫のメンバーではありません"
        )));
    };
    if first == own.verifying_key() {
        return Err(Failure::fixable(words!("you have signed this yourself", "これは、あなた自身が署名した提案です"))
            .hint(words!("Send it to another admin.", "別の管理者に送ってください。")));
    }
    let signatures = [(first, signature), (own.verifying_key(), own.sign(record.signed_bytes()))];
    let both = UnverifiedRecord::compose(record.envelope(), &signatures);
    both.map_err(no_proposal)
}

fn no_proposal(error: impl std::error::Error + Send + Sync + 'static) -> Failure {
    refused(error.to_string().into()).source(error)
}

const fn removed(control: &Control) -> Option<VerifyingKey> {
    match control {
        Control::Remove(key) | Control::RotatorEnds(key) => Some(*key),
        _ => None,
    }
}

fn agrees(setting: &Setting, arguments: &Arguments, lines: &[String]) -> Outcome<bool> {
    if arguments.yes {
        return Ok(true);
    }
    let stdin = std::io::stdin();
    if !stdin.is_terminal() {
        return Err(Failure::new(Kind::Usage, words!("your word is needed", "同意の確認が必要です")).hint(words!(
            "Look at it with --dry-run, and sign it with --yes.",
            "--dry-run で内容を確かめ、--yes で署名してください。"
        )));
    }
    lines.iter().for_each(|line| setting.console.beside(line));
    let question = words!("Type yes to sign this:", "署名するなら yes と入力してください:");
    setting.console.beside(&setting.console.say(question));
    let mut line = String::new();
    stdin.lock().read_line(&mut line).map_err(|error| Failure::file("read", "standard input".as_ref(), error))?;
    Ok(line.trim().eq_ignore_ascii_case("yes"))
}
