//! `hizo try`

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use hizo_ledger::proof::Doubt;
use serde_json::{Value, json};

use super::{HOME, PASSPHRASE_FILE, Round, Scratch, Shown, network};
use crate::Setting;
use crate::console::{self, Console};
use crate::failure::{Failure, Kind, Outcome, shown};
use crate::features::deposit::command::Bar;
use crate::there::Terms;
use crate::words::{Words, words};

/// Go the whole round once, in a safe that is gone afterwards
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The folder to go round with; without one, a small manufacturer's secrets that come along
    folder: Option<PathBuf>,
    /// Leave everything behind in this folder, to look at
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
    /// Set up a whole small world in this folder instead: a keeper, a company, a centre, specialists, a rescue team and police
    #[arg(long, value_name = "DIR", conflicts_with_all = ["folder", "keep"])]
    network: Option<PathBuf>,
    /// Do not keep the keeper of that world running; the line that starts it is printed
    #[arg(long, requires = "network")]
    no_keeper: bool,
    #[command(flatten)]
    terms: Terms,
}

pub(crate) fn run(setting: &Setting, arguments: &Arguments) -> Outcome<()> {
    let console = setting.console;
    if let Some(folder) = &arguments.network {
        if setting.keeper.is_some() {
            return Err(Failure::new(
                Kind::Usage,
                words!("that world has a keeper of its own", "お試しの世界には、専用の預け先があります"),
            )
            .hint(words!("Leave --keeper out.", "--keeper を外してください。")));
        }
        arguments.terms.need(false)?;
        return network(console, folder, arguments.no_keeper);
    }
    let there = setting.keeper.as_deref().map(|address| arguments.terms.there(address)).transpose()?;
    arguments.terms.need(there.is_some())?;
    if there.is_some() {
        console.note(words!(
            "What is sealed stays at the keeper, where nobody can open it afterwards. It stamps its log about once a minute, and the proof waits for that.",
            "封をしたものは預け先に残りますが、あとで開けられる人はいません。台帳にタイムスタンプが付くのは約1分ごとなので、証明ができるまで少し待つことがあります。"
        ));
    }
    let scratch = Scratch::make(arguments.keep.as_deref())?;
    let bar = Bar::new(console);
    let round = super::round(&scratch, arguments.folder.as_deref(), there.as_ref(), &bar)?;
    drop(bar);
    let figures = json!({
        "files": round.first.files, "bytes": round.first.bytes,
        "kept_seconds": round.first_took.as_secs_f64(), "sealed_bytes": round.first.stored_bytes,
        "again_seconds": round.second_took.as_secs_f64(), "again_sealed_bytes": round.second.stored_bytes,
        "restored_seconds": round.restore_took.as_secs_f64(),
        "compared_files": round.restored.files, "compared_bytes": round.restored.bytes,
        "keeper": { "objects": round.keeper.objects.len(), "bytes": round.keeper.objects.iter().map(|(_, bytes)| bytes).sum::<u64>(), "records": round.keeper.records },
        "proof": round.shown.as_ref().map(|shown| proof_as_json(shown, arguments.keep.is_some())),
        "kept_in": arguments.keep.as_ref().map(|folder| folder.to_string_lossy()),
    });
    console.result(figures, |out| {
        steps(console, &round, out)?;
        views(console, &round, out)?;
        round.shown.as_ref().map_or(Ok(()), |shown| proof(console, shown, out))?;
        farewell(console, arguments, &round, out)
    });
    Ok(())
}

/// A world of everybody, and its keeper until that is stopped.
fn network(console: Console, folder: &Path, no_keeper: bool) -> Outcome<()> {
    console.note(words!(
        "Everybody sets up a safe of his own; this takes a minute or two.",
        "全員がそれぞれの金庫を作ります。1、2分かかります。"
    ));
    let world = network::make(folder)?;
    let tell = || {
        console.result(world.as_json(), |out| {
            world.lines().into_iter().try_for_each(|line| writeln!(out, "{}", console.say(line)))
        });
    };
    if no_keeper {
        tell();
        return Ok(());
    }
    world.keep(|| {
        tell();
        console.note(words!("The keeper runs until Ctrl-C.", "預け先は Ctrl-C を押すまで動いています。"));
    })
}

/// What was done, one line each.
fn steps(console: Console, round: &Round, out: &mut dyn Write) -> io::Result<()> {
    let (files, bytes) = (round.first.files, console::bytes(round.first.bytes));
    let sealed = console::bytes(round.first.stored_bytes);
    let again = console::bytes(round.second.stored_bytes);
    let compared = round.restored.files;
    let lines: [(Words, Words, Duration); 3] = [
        (
            words!("sealed and kept", "封をして預けました"),
            words!(
                "{files} files, {bytes}, as {sealed}",
                "{files}件 {bytes} → 封をした大きさ {sealed}",
                files = files,
                bytes = bytes,
                sealed = sealed
            ),
            round.first_took,
        ),
        (
            words!("once more, unchanged", "変更なしでもう一度"),
            words!("adds {again}", "増えた分 {again}", again = again),
            round.second_took,
        ),
        (
            words!("brought back", "取り出しました"),
            words!(
                "{compared} files, every byte the same",
                "{compared}件、すべて1バイトも違いません",
                compared = compared
            ),
            round.restore_took,
        ),
    ];
    let folder = shown(&round.folder);
    writeln!(
        out,
        "{}\n",
        console.say(words!("hizo, one round with {folder}", "hizo お試し: {folder}", folder = folder))
    )?;
    for (what, result, took) in lines {
        let seconds = format!("{:.2} s", took.as_secs_f64());
        writeln!(out, "  {}{}{seconds:>8}", padded(&console.say(what), 24), padded(&console.say(result), 44))?;
    }
    writeln!(out)
}

/// What the owner sees beside what the keeper sees.
fn views(console: Console, round: &Round, out: &mut dyn Write) -> io::Result<()> {
    let sizes: Vec<String> = round.keeper.objects.iter().map(|(_, bytes)| bytes.to_string()).collect();
    let series = round.keeper.series.map(|series| series.to_string()).unwrap_or_default();
    let mut rows = vec![
        (words!("you", "あなたに見えるもの"), words!("the keeper", "預かる側に見えるもの")),
        (
            words!("safe \"{name}\"", "金庫「{name}」", name = round.safe_name),
            words!("space {id}", "space {id}", id = round.keeper.space),
        ),
        (
            words!("series \"{name}\", 2 deposits", "束「{name}」 2回分", name = round.series),
            words!("series {id}, 2 deposits", "series {id}、2回分", id = series),
        ),
    ];
    for (name, (id, _)) in round.names.iter().zip(&round.keeper.objects) {
        let id = id.to_string();
        rows.push((name.as_str().into(), words!("object {id}…", "object {id}…", id = &id[..24])));
    }
    rows.push((
        words!(
            "{bytes} in {files} files",
            "{files}件 {bytes}",
            bytes = console::bytes(round.first.bytes),
            files = round.first.files
        ),
        words!(
            "{count} objects of {sizes} bytes",
            "{count}個: {sizes}バイト",
            count = sizes.len(),
            sizes = shorten(&sizes.join(", "))
        ),
    ));
    for (index, (yours, theirs)) in rows.into_iter().enumerate() {
        writeln!(out, "  {}{}", padded(&console.say(yours), 44), console.say(theirs))?;
        if index == 0 {
            writeln!(out, "  {}", "─".repeat(90))?;
        }
    }
    writeln!(out)
}

fn proof_as_json(shown: &Shown, stays: bool) -> Value {
    json!({
        "file": shown.file, "seconds": shown.took.as_secs_f64(),
        "verdict": "cannot be told", "doubts": [Doubt::SelfStamped.word()],
        "openssl": shown.stock_agrees, "certificate": stays.then(|| shown.certificate.to_string_lossy()),
    })
}

/// One file shown to a stranger, and what he finds.
fn proof(console: Console, shown: &Shown, out: &mut dyn Write) -> io::Result<()> {
    let seconds = format!("{:.2} s", shown.took.as_secs_f64());
    let name = shown.file.rsplit('/').next().unwrap_or_default();
    let proved = words!("proved to a stranger", "第三者に示す証明");
    writeln!(out, "  {}{}{seconds:>8}", padded(&console.say(proved), 24), padded(name, 44))?;
    let verdict = words!(
        "consistent; its time is the keeper's own word, not independent: exit code 4",
        "誤りなし。ただし時刻は預け先の申告だけで、第三者の証明はありません（終了コード 4）"
    );
    writeln!(out, "  {}{}", padded("hizo verify", 24), console.say(verdict))?;
    let stock = match shown.stock_agrees {
        true => Words::from("Verification: OK"),
        false => {
            words!("not on this machine; it would be run as:", "このコンピューターにはありません。実行するコマンド:")
        }
    };
    writeln!(out, "  {}{}\n  $ {}\n", padded("openssl", 24), console.say(stock), shown.command)
}

fn farewell(console: Console, arguments: &Arguments, round: &Round, out: &mut dyn Write) -> io::Result<()> {
    let line = match (&arguments.keep, &round.shown) {
        (Some(folder), Some(proved)) => words!(
            "everything stays in {folder}: home, what was restored, and the proof; read {certificate}",
            "すべて {folder} に残してあります（金庫、取り出したもの、証明）。証明書は {certificate} です",
            folder = shown(folder),
            certificate = shown(&proved.certificate)
        ),
        (Some(folder), None) => words!(
            "everything stays in {folder}: home, and what was restored",
            "すべて {folder} に残してあります（金庫と、取り出したもの）",
            folder = shown(folder)
        ),
        (None, _) if round.is_elsewhere => words!(
            "nothing was left behind here; the keeper keeps what was sealed, which nobody can open any more. For good: hizo init --keeper URL, then hizo deposit FOLDER --series NAME",
            "ここには何も残していません。預け先には封をしたものが残りますが、もう誰にも開けられません。本番は hizo init --keeper アドレス のあと hizo deposit フォルダー --series 名前"
        ),
        (None, _) => words!(
            "nothing was left behind. For good: hizo init, then hizo deposit FOLDER --series NAME",
            "何も残していません。本番は hizo init のあと hizo deposit フォルダー --series 名前"
        ),
    };
    writeln!(out, "{}", console.say(line))?;
    let pages = match &arguments.keep {
        Some(folder) => words!(
            "as pages in the browser: hizo --home {home} desk (passphrase: the first line of {file})",
            "ブラウザーの画面で見るには: hizo --home {home} desk（パスフレーズは {file} の1行目）",
            home = shown(&folder.join(HOME)),
            file = shown(&folder.join(PASSPHRASE_FILE))
        ),
        None => words!(
            "without commands, as pages in the browser: hizo desk",
            "コマンドを使わず、ブラウザーの画面で始めるには: hizo desk"
        ),
    };
    writeln!(out, "{}", console.say(pages))
}

fn shorten(text: &str) -> String {
    match text.char_indices().nth(40) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}

/// Text filled up to a width in columns; a Japanese character takes two.
fn padded(text: &str, columns: usize) -> String {
    let mut fitting = String::new();
    let mut used = 0;
    for character in text.chars() {
        let wide = if is_wide(character) { 2 } else { 1 };
        if used + wide > columns - 2 {
            fitting.push('…');
            used += 1;
            break;
        }
        fitting.push(character);
        used += wide;
    }
    fitting + &" ".repeat(columns.saturating_sub(used))
}

/// Characters of Unicode's East Asian blocks that take two columns (UAX 11), as far as names use them.
fn is_wide(character: char) -> bool {
    matches!(character, '\u{1100}'..='\u{115f}' | '\u{2e80}'..='\u{a4cf}' | '\u{ac00}'..='\u{d7a3}'
        | '\u{f900}'..='\u{faff}' | '\u{fe30}'..='\u{fe4f}' | '\u{ff00}'..='\u{ff60}' | '\u{ffe0}'..='\u{ffe6}')
}
