//! `hizo check`

use std::io::Write;
use std::sync::OnceLock;

use hizo_keeper::EmbeddedKeeper;
use hizo_ledger::id::{ObjectId, SeriesId};
use serde_json::{Value, json};

use super::sample::{Sampled, sample};
use super::{Report, State, Touched, Watcher};
use crate::Setting;
use crate::console::{self, Console, Progress};
use crate::contents::Opened;
use crate::failure::{Failure, Kind, Outcome, shown, shown_bytes};
use crate::home::Home;
use crate::safe::{Keyring, Safe};
use crate::view::View;
use crate::words::{Words, deposits, words};

/// Paths of one deposit that are shown to people; scripts get more.
const FILES_SHOWN: usize = 10;

/// Read everything kept again and say what does not hold
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Only this series
    #[arg(long, value_name = "NAME")]
    series: Option<String>,
    /// Open nothing: compare records and sealed objects with their hashes only
    #[arg(long)]
    blind: bool,
    /// Only so many objects, drawn by chance, without opening anything: whether the keeper still has what it answered for
    #[arg(long, value_name = "N", conflicts_with_all = ["series", "blind"], value_parser = clap::value_parser!(u32).range(1..))]
    sample: Option<u32>,
}

pub(crate) fn run(setting: &Setting, arguments: &Arguments) -> Outcome<()> {
    let safe = match setting.safe() {
        Ok(safe) => safe,
        Err(failure) => return without_records(setting, failure),
    };
    if let Some(count) = arguments.sample {
        let bar = Bar { console: setting.console, progress: OnceLock::new() };
        let found = sample(&safe, usize::try_from(count).unwrap_or(usize::MAX), &bar)?;
        drop(bar);
        return show_sample(setting.console, &found);
    }
    let mut beside = Vec::new();
    let keyring = match arguments.blind {
        true => None,
        false => unlock(setting, &safe, &mut beside)?,
    };
    let wanted = match &arguments.series {
        Some(name) => Some(series_named(&safe, keyring.as_ref(), name)?),
        None => None,
    };
    let bar = Bar { console: setting.console, progress: OnceLock::new() };
    let mut report = super::check(&safe, keyring.as_ref(), wanted, &bar)?;
    drop(bar);
    report.faults.splice(0..0, beside);
    // Where anything does not hold, everything is left as it is.
    if let Some(keeper) = safe.keeper.here().filter(|_| wanted.is_none() && report.holds()) {
        match super::sweep(&safe.home, keeper) {
            Ok(swept) => {
                report.swept = swept;
                report.unnamed = report.unnamed.saturating_sub(swept);
            }
            Err(failure) => {
                let reason = failure.message;
                setting.console.warn(words!(
                    "what deposits that were cut short have left was not removed: {reason}",
                    "途中で止まった預け入れの跡を除けませんでした: {reason}";
                    reason
                ));
            }
        }
    }
    show(setting.console, &safe.home, &report, None);
    conclude(&report)
}

fn show_sample(console: Console, found: &Sampled) -> Outcome<()> {
    let (asked, all, notice) = (found.asked, found.all, found.would_notice(1));
    let (whole, tenth) = (notice / 10, notice % 10);
    let bad: Vec<_> = found
        .bad
        .iter()
        .map(|(id, (state, records))| json!({ "object": id.to_string(), "state": state.word(), "records": records }))
        .collect();
    console.result(
        json!({ "asked": asked, "of": all, "bytes": found.bytes, "notices_per_mille": notice, "bad": bad }),
        |out| {
            for (id, (state, records)) in &found.bad {
                let state = state.word();
                let records = records.iter().map(u64::to_string).collect::<Vec<_>>().join(", ");
                let said = words!("{id} {state}: named by the records {records}", "{id} {state}: 記録 {records} が指すもの");
                writeln!(out, "{}", console.say(said))?;
            }
            let said = words!(
                "{asked} of {all} objects asked for and compared; a loss of 1 % would have been noticed with a probability of {whole}.{tenth} %",
                "部品{all}個のうち{asked}個を取り寄せて照合しました。1 % が失われていれば {whole}.{tenth} % の確率で気づきます"
            );
            writeln!(out, "{}", console.say(said))
        },
    );
    if found.bad.is_empty() {
        return Ok(());
    }
    Err(Failure::untrue(found.fault()).hint(words!(
        "Keep the folder receipts of the home folder: they are the keeper's signed word. Run `hizo check`, and tell whoever runs the keeper; deposit the folders again with --reread --no-reuse.",
        "金庫のフォルダーの receipts を残してください。預け先が署名した証拠です。`hizo check` を実行し、預け先に知らせ、--reread --no-reuse を付けて預け直してください。"
    )))
}

/// The secrets; none when what is damaged keeps them from being opened, which is a finding of its own.
fn unlock(setting: &Setting, safe: &Safe, beside: &mut Vec<Words>) -> Outcome<Option<Keyring>> {
    match setting.unlock(safe) {
        Ok(keyring) => Ok(Some(keyring)),
        Err(failure) if failure.kind == Kind::False => {
            let reason = failure.message;
            beside.push(words!(
                "nothing could be opened, only hashes were compared: {reason}",
                "鍵を開けられず、封をしたままの照合だけをしました: {reason}";
                reason
            ));
            Ok(None)
        }
        Err(failure) if failure.kind == Kind::Lying => Err(failure),
        Err(failure) => Err(failure.hint(words!(
            "Give the passphrase of this safe, or check without opening anything by --blind.",
            "この金庫のパスフレーズを指定するか、--blind を付けて封をしたまま確かめてください。"
        ))),
    }
}

fn series_named(safe: &Safe, keyring: Option<&Keyring>, name: &str) -> Outcome<SeriesId> {
    let known = safe.home.series_by_name(&safe.home.device()?, name)?.map(|facts| facts.id);
    if let Some(id) = known.filter(|id| safe.deposit(*id, 1).is_some()) {
        return Ok(id);
    }
    let Some(keyring) = keyring else {
        return Err(Failure::fixable(words!(
            "there is no series {name} that this machine knows",
            "このコンピューターが知っている束に「{name}」はありません"
        ))
        .hint(words!(
            "Check it without --blind: names are sealed.",
            "名前にも封がされています。--blind を付けずに実行してください。"
        )));
    };
    Ok(View::of(Opened { safe, keyring })?.named(safe, name)?.0)
}

/// Checks what can be checked when the chain of records does not hold.
fn without_records(setting: &Setting, failure: Failure) -> Outcome<()> {
    if !matches!(failure.kind, Kind::False | Kind::Lying) {
        return Err(failure);
    }
    let home = setting.home()?;
    let Ok(keeper) = EmbeddedKeeper::open_embedded(&home.keeper_folder()) else { return Err(failure) };
    let Ok(report) = super::check_objects(&keeper, home.space) else { return Err(failure) };
    show(setting.console, &home, &report, Some(&failure));
    Err(failure)
}

pub(super) fn conclude(report: &Report) -> Outcome<()> {
    if report.holds() {
        return Ok(());
    }
    let (objects, deposits, faults) =
        (report.bad.len() + report.own_bad().len(), report.touched.len(), report.faults.len());
    let failure = Failure::untrue(words!(
        "not everything holds: {objects} objects, {deposits} deposits, {faults} other things",
        "正しくないものがあります: 部品{objects}個、預け入れ{deposits}回分、その他{faults}件"
    ));
    Err(match (objects, deposits) {
        (1.., _) => failure.hint(words!(
            "Put each object back under the path shown, from a copy of this folder or from an export, where its SHA-256 is its name; then check again. Until then `hizo restore` brings back every other file. Without a copy, deposit the folders again with --reread --no-reuse: what is lost stays lost, and nothing new rests on it.",
            "表示されたパスに、控えや書き出したフォルダーから同じものを戻し（SHA-256 が名前と同じファイルです）、もう一度確かめてください。それまでも、ほかのファイルは `hizo restore` で取り出せます。控えがなければ、--reread --no-reuse を付けて預け直してください。失われたものは戻りませんが、新しい預け入れは影響を受けません。"
        )),
        (0, 0) => failure.hint(words!(
            "Your deposits hold. Keep a copy of the home folder as it is, and tell whoever runs the keeper what is listed.",
            "預け入れそのものは正しく保管されています。金庫のフォルダーを今のまま控えに残し、表示された内容を預け先に知らせてください。"
        )),
        (0, _) => failure.hint(words!(
            "Nothing is damaged at rest: what was sealed is not what was signed. Keep a copy of the safe as it is, and deposit again from the originals with --reread --no-reuse.",
            "保管中の破損ではなく、封をした側で作られた食い違いです。金庫を今のまま控えに残し、元のファイルから --reread --no-reuse を付けて預け直してください。"
        )),
    })
}

fn show(console: Console, home: &Home, report: &Report, records: Option<&Failure>) {
    console.result(as_json(home, report, records), |out| lines(console, home, report, records, out));
}

fn as_json(home: &Home, report: &Report, records: Option<&Failure>) -> Value {
    let fault = records.map(|failure| failure.message.english());
    let bad: Vec<_> = bad_objects(home, report)
        .map(|(id, state, path)| json!({ "object": id.to_string(), "state": state.word(), "path": path }))
        .collect();
    let touched: Vec<_> = report.touched.iter().map(touched_as_json).collect();
    let faults: Vec<_> = report.faults.iter().map(Words::english).collect();
    json!({
        "holds": report.holds() && records.is_none(),
        "records": report.records, "records_fault": fault,
        "objects": report.objects, "bytes": report.bytes, "unnamed_objects": report.unnamed, "swept_objects": report.swept,
        "deposits": report.deposits, "closed_deposits": report.closed,
        "contents": report.contents.map(|(count, bytes)| json!({ "count": count, "bytes": bytes })),
        "bad_objects": bad, "touched_deposits": touched, "faults": faults,
    })
}

fn touched_as_json(touched: &Touched) -> Value {
    let faults: Vec<_> = touched.faults.iter().map(Words::english).collect();
    let files: Vec<_> = touched.files.iter().map(|path| path_as_json(path)).collect();
    json!({
        "series": touched.name, "series_id": touched.series.to_string(), "number": touched.number,
        "deposit": touched.id.to_string(), "faults": faults, "files": files, "files_count": touched.files_count,
        "through": touched.through,
    })
}

/// A path that is not text comes as base64 too.
fn path_as_json(path: &[u8]) -> Value {
    let mut object = json!({ "path": String::from_utf8_lossy(path) });
    if std::str::from_utf8(path).is_err() {
        object["path_base64"] = crate::home::base64(path).into();
    }
    object
}

fn lines(
    console: Console,
    home: &Home,
    report: &Report,
    records: Option<&Failure>,
    out: &mut dyn Write,
) -> std::io::Result<()> {
    let (records_count, objects, bytes) = (report.records, report.objects, console::bytes(report.bytes));
    let mut say = |words: Words| writeln!(out, "{}", console.say(words));
    if records.is_none() {
        say(words!("{records_count} records hold", "記録{records_count}件: 署名も順番も正しい"))?;
    }
    let bad = report.bad.len() + report.own_bad().len();
    say(words!(
        "{objects} objects read, {bytes}; {bad} are not right",
        "部品{objects}個、{bytes} を読みました。正しくないもの: {bad}個"
    ))?;
    if let Some((count, bytes)) = report.contents {
        let (deposits, bytes) = (deposits(report.deposits - report.closed), console::bytes(bytes));
        say(words!(
            "{deposits} opened; {count} contents, {bytes}, have the hashes that were committed to",
            "預け入れ{deposits}を開けました。中身{count}個、{bytes} が預けたときのハッシュと一致します";
            deposits
        ))?;
    }
    if report.closed > 0 {
        let closed = deposits(report.closed);
        say(words!(
            "{closed} made before you came, compared with the hashes and not opened",
            "あなたが加わる前の預け入れが{closed}あります。開けずに、封をしたまま照合しました";
            closed
        ))?;
    }
    if report.unnamed > 0 {
        let unnamed = report.unnamed;
        say(words!(
            "{unnamed} objects belong to no deposit: left over from one that was cut short, and harmless",
            "どの預け入れにも属さない部品が{unnamed}個あります。途中で止まった預け入れの跡で、害はありません"
        ))?;
    }
    if report.swept > 0 {
        let swept = report.swept;
        say(words!(
            "{swept} objects of deposits that were cut short long ago were removed",
            "ずっと前に途中で止まった預け入れの跡{swept}個を除きました"
        ))?;
    }
    for (_, state, path) in bad_objects(home, report) {
        let state = state_name(state);
        say(words!("{state}  {path}", "{state}  {path}"; state))?;
    }
    for fault in &report.faults {
        say(fault.clone())?;
    }
    for touched in &report.touched {
        touched_lines(touched).into_iter().try_for_each(&mut say)?;
    }
    if report.holds() && records.is_none() {
        say(words!("everything holds", "すべて正しい状態です"))?;
    }
    Ok(())
}

fn touched_lines(touched: &Touched) -> Vec<Words> {
    let id = &touched.id.to_string()[..12];
    let number = touched.number;
    let series = match &touched.name {
        Some(name) => shown_bytes(name.as_bytes()),
        None => touched.series.to_string(),
    };
    let mut lines = vec![words!("{series} deposit {number} ({id}):", "{series} {number} 回目({id}):")];
    let indented = |fault: &Words| Words::both(format!("  {}", fault.english()), format!("  {}", fault.japanese()));
    lines.extend(touched.faults.iter().map(indented));
    let count = touched.files_count;
    if !touched.through.is_empty() {
        let through = touched.through.iter().map(u64::to_string).collect::<Vec<_>>().join(", ");
        lines.push(words!("  it rests on deposit {through}", "  {through}回目に預けた中身を使っています"));
    }
    if count > 0 {
        lines.push(words!("  {count} files cannot be restored:", "  取り出せないファイル: {count}個"));
    }
    lines.extend(touched.files.iter().take(FILES_SHOWN).map(|path| format!("    {}", shown_bytes(path)).into()));
    if count > FILES_SHOWN as u64 {
        let more = count - FILES_SHOWN as u64;
        lines.push(words!("    and {more} more; --json names them", "    ほか{more}個。--json で一覧できます"));
    }
    lines
}

fn state_name(state: State) -> Words {
    match state {
        State::Missing => words!("missing", "なし"),
        State::Damaged => words!("damaged", "破損"),
        State::Unreadable => words!("unreadable", "読めない"),
        State::Unopened => words!("does not open", "開かない"),
    }
}

/// Everything that is missing or damaged, and where it lies or has to be put back: docs/spec/store.md, section "Objects".
fn bad_objects(home: &Home, report: &Report) -> impl Iterator<Item = (ObjectId, State, String)> {
    let path = |space, id| shown(&EmbeddedKeeper::object_file(&home.keeper_folder(), space, id));
    let own = report.own.iter().flat_map(|own| own.bad.iter().map(|(id, state)| (own.space, *id, *state)));
    let all = report.bad.iter().map(|(id, state)| (home.space, *id, *state)).chain(own);
    all.map(move |(space, id, state)| (id, state, path(space, id)))
}

struct Bar {
    console: Console,
    progress: OnceLock<Progress>,
}

impl Watcher for Bar {
    fn planned(&self, bytes: u64) {
        let _ = self.progress.set(self.console.progress(words!("checking", "確認中"), bytes));
    }

    fn progress(&self, bytes: u64) {
        if let Some(progress) = self.progress.get() {
            progress.add(bytes);
        }
    }
}
