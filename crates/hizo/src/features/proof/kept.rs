//! What a proof hands over so that whoever checks it opens the very bytes that were kept: the packs of the shown contents, the
//! keys of these packs, and what leads from the record to them.
//!
//! See docs/spec/proof.md, section "kept.json".

use std::collections::BTreeMap;

use hizo_ledger::commitment::{Commitment, Fields, Shown};
use hizo_ledger::object::ObjectRef;
use hizo_ledger::proof::{Disclosure, KEPT_PACKS_MAX, KEPT_RECORDS_MAX, Kept, KeptContent};
use hizo_ledger::record::Record;
use hizo_vault::archive::BLOCK_BYTES;
use hizo_vault::manifest::{Content, Entry};

use crate::contents::{Opened, Tar, deposit_of};
use crate::failure::{Failure, Outcome};
use crate::unpacking::{HEADER_ROOM_BYTES, Packs};
use crate::words::words;

/// The files of a bundle beside those of every one.
///
/// # Errors
/// When no content is shown, or the packs would show the list of the deposit, or are more than a proof may have.
pub(super) fn files(
    opened: Opened,
    record: &Record,
    of: &[(&Entry, Fields)],
    disclosure: &Disclosure,
) -> Outcome<BTreeMap<String, Vec<u8>>> {
    let facts = deposit_of(record)?;
    let shown = disclosure.verify(&Commitment::from(&facts.commit)).map_err(Failure::internal)?;
    let (mut files, mut contents) = (BTreeMap::new(), Vec::new());
    for (entry, content) in distinct(&shown, of) {
        contents.push(kept(opened, record, entry, content, &mut files)?);
    }
    let deepest = contents.iter().map(|content: &KeptContent| content.deposit).min().ok_or_else(no_content)?;
    if files.keys().filter(|name| name.ends_with(".age")).count() > KEPT_PACKS_MAX {
        return Err(too_much());
    }
    if facts.k - deepest > KEPT_RECORDS_MAX as u64 {
        return Err(too_long_ago());
    }
    for number in deepest..facts.k {
        let earlier = opened.deposit(facts.series, number)?;
        files.insert(format!("kept/{number}.note"), earlier.note_bytes().to_vec());
    }
    files.insert("kept.json".to_owned(), Kept { contents }.to_bytes());
    Ok(files)
}

/// Each shown content once, with the entry that shows it first.
fn distinct<'e>(shown: &[Shown], of: &[(&'e Entry, Fields)]) -> BTreeMap<usize, &'e Content> {
    let mut places = BTreeMap::new();
    for (entry, shown) in shown.iter().enumerate() {
        let Some(Some(value)) = &shown.content else { continue };
        let mut contents = of.iter().filter_map(|(entry, _)| entry.kind.content());
        if let Some(content) = contents.find(|content| content.value == *value) {
            places.entry(content.place).or_insert((entry, content));
        }
    }
    places.into_values().collect()
}

fn kept(
    opened: Opened,
    record: &Record,
    entry: usize,
    content: &Content,
    files: &mut BTreeMap<String, Vec<u8>>,
) -> Outcome<KeptContent> {
    if content.is_composed() {
        return Err(composed(content.place.deposit));
    }
    let source = opened.deposit(deposit_of(record)?.series, content.place.deposit)?;
    let sheet = opened.sheet_without_entries(source)?;
    let Tar::Packs { epoch, packs, starts } = &sheet.tar else { return Err(too_small(content.place.deposit)) };
    let tar_bytes = sheet.layer.head.archive_bytes;
    let begin = content.place.block.saturating_mul(BLOCK_BYTES as u64);
    let end = begin.saturating_add(content.size).saturating_add(HEADER_ROOM_BYTES).min(tar_bytes);
    let tar = Packs { epoch: *epoch, packs, starts, tar_bytes };
    let (holding, start, first) = tar.holding(&(begin..end))?;
    if holding.len() > KEPT_PACKS_MAX {
        return Err(too_much());
    }
    let packs = holding.iter().map(|pack| handed_over(opened, *epoch, *pack, files)).collect::<Outcome<_>>()?;
    let list = source.object_list().ok_or_else(|| Failure::internal_message("the record is not a deposit"))?;
    let deposit = content.place.deposit;
    files.insert(format!("kept/{deposit}.objects"), opened.safe.object(list)?.into_bytes());
    Ok(KeptContent { entry, deposit, packs, skip: start.offset, at: begin.saturating_sub(first) })
}

fn handed_over(
    opened: Opened,
    epoch: u32,
    pack: ObjectRef,
    files: &mut BTreeMap<String, Vec<u8>>,
) -> Outcome<(hizo_ledger::id::ObjectId, [u8; hizo_ledger::proof::FILE_KEY_BYTES])> {
    let object = opened.safe.object(pack)?;
    let file_key = opened.keyring.disclose(epoch, &object)?;
    files.insert(format!("kept/{}.age", pack.id()), object.into_bytes());
    Ok((pack.id(), file_key))
}

fn no_content() -> Failure {
    Failure::fixable(words!("no content is shown that could be handed over", "渡せる中身が、示すものの中にありません"))
        .hint(words!("Show contents, or leave --kept out.", "中身も示すか、--kept を外してください。"))
}

fn composed(deposit: u64) -> Failure {
    Failure::fixable(words!(
        "a large file was changed in deposit {deposit}, and lies in the packs of several deposits: the packs of one do not show it",
        "第{deposit}回で一部が変わった大きなファイルで、複数の回の包みに分かれているため、1つの回の包みでは示せません"
    ))
    .hint(words!(
        "Leave out --kept, or deposit it once more with --reread --no-reuse and prove that deposit.",
        "--kept を外すか、--reread --no-reuse を付けてもう一度預け、その回を証明してください。"
    ))
}

fn too_small(deposit: u64) -> Failure {
    Failure::fixable(words!(
        "deposit {deposit} is so small that its list and its contents are sealed as one: its key would show all of it, and what hides the rest",
        "第{deposit}回は小さいため、一覧と中身がひとつに封じられています。鍵を渡すと、隠したはずのものまですべて見えてしまいます"
    ))
    .hint(words!(
        "Deposit the folder once more with --apart --no-reuse and prove that deposit, or leave --kept out.",
        "--apart --no-reuse を付けて預け直し、その預け入れを証明するか、--kept を外してください。"
    ))
}

fn too_much() -> Failure {
    Failure::fixable(words!(
        "the contents lie in more than {KEPT_PACKS_MAX} packs, which a proof does not hold",
        "中身の入った包みが{KEPT_PACKS_MAX}個を超えるため、証明に入りません"
    ))
    .hint(words!(
        "Name fewer or smaller files, or leave --kept out.",
        "ファイルを減らすか、小さいものだけにするか、--kept を外してください。"
    ))
}

fn too_long_ago() -> Failure {
    Failure::fixable(words!(
        "the content was stored more than {KEPT_RECORDS_MAX} deposits ago",
        "中身が預けられたのは、{KEPT_RECORDS_MAX}回より前です"
    ))
    .hint(words!(
        "Deposit it once more with --no-reuse and prove that deposit, or leave --kept out.",
        "--no-reuse を付けて預け直し、その預け入れを証明するか、--kept を外してください。"
    ))
}
