//! What a receiver would see of items, and every trace of what must not be known, before the company signs.

mod looking;
mod traces;

use std::collections::BTreeSet;

use hizo_ledger::record::Record;
use hizo_vault::event::handover::{Level, UnverifiedItem};
use hizo_vault::manifest::{Content, Kind};

use crate::composing::Members;
use crate::contents::{Chosen, Opened, deposit_of};
use crate::failure::{Failure, Outcome, shown_bytes};
use crate::words::{Words, words};
use traces::Marks;

/// Files up to this many bytes are looked into; of all items together, up to so many.
const FILE_BYTES_MAX: u64 = 16 << 20;
const ALL_BYTES_MAX: u64 = 512 << 20;

/// What of an item the receiver would see.
#[derive(Debug)]
pub(crate) struct Shown {
    /// The deposit's record, as a consent names it.
    pub deposit: String,
    pub entries: Vec<ShownEntry>,
}

/// A file, a link or an empty folder that the receiver would see.
#[derive(Debug)]
pub(crate) struct ShownEntry {
    pub path: Vec<u8>,
    /// Of a file.
    pub bytes: Option<u64>,
    /// Where something was found, and what with a little around it.
    pub traces: Vec<(Words, String)>,
    /// What could not be looked into.
    pub unseen: Vec<Words>,
}

impl ShownEntry {
    /// Whether a person has to say what becomes of it.
    pub(crate) fn needs_decision(&self) -> bool {
        !self.traces.is_empty() || !self.unseen.is_empty()
    }
}

/// What must not be known, and what a person has decided to let stand although it tells something or may do so.
#[derive(Debug, Default)]
pub(crate) struct Care {
    marks: Marks,
    stands: BTreeSet<(String, Vec<u8>)>,
}

impl Care {
    /// # Errors
    /// When one of the marks would be found everywhere.
    pub(crate) fn for_marks<'m>(sought: impl IntoIterator<Item = &'m str>) -> Outcome<Self> {
        let mut marks = Marks::default();
        for mark in sought {
            if !marks.add(mark) {
                return Err(Failure::fixable(words!(
                    "{mark} is too short to be sought",
                    "「{mark}」は短すぎて探せません",
                    mark = shown_bytes(mark.as_bytes())
                ))
                .hint(words!(
                    "Give a name of two letters or more, or a date as 1948-03-01.",
                    "2文字以上の名前か、1948-03-01 のような日付にしてください。"
                )));
            }
        }
        Ok(Self { marks, stands: BTreeSet::new() })
    }

    /// A person lets this one stand.
    pub(crate) fn let_stand(&mut self, deposit: String, path: Vec<u8>) {
        self.stands.insert((deposit, path));
    }

    /// What a receiver would see of these items.
    ///
    /// # Errors
    /// When a deposit cannot be opened, or is not what was committed to.
    pub(crate) fn preview(&self, opened: Opened, items: &[UnverifiedItem]) -> Outcome<Vec<Shown>> {
        let mut room = ALL_BYTES_MAX;
        items.iter().map(|item| self.item(opened, item, &mut room)).collect()
    }

    fn item(&self, opened: Opened, item: &UnverifiedItem, room: &mut u64) -> Outcome<Shown> {
        let record = opened.safe.records.iter().find(|record| record.id().to_string() == item.deposit);
        let record = record.ok_or_else(|| Failure::internal_message("a deposit that was named is there"))?;
        let paths: Vec<Vec<u8>> = item.paths.iter().map(|path| path.as_bytes().to_vec()).collect();
        let (list, chosen) = (opened.list(record)?, Chosen(&paths));
        let (mut around, mut above) = (BTreeSet::new(), BTreeSet::new());
        for entry in list.entries()? {
            let entry = entry?;
            if let Some(end) = entry.path.iter().rposition(|byte| *byte == b'/').filter(|_| chosen.has(&entry.path)) {
                around.insert(entry.path[..end].to_vec());
                let ends = entry.path.iter().enumerate().filter(|(_, byte)| **byte == b'/').map(|(end, _)| end);
                above.extend(ends.map(|end| entry.path[..end].to_vec()));
            }
        }
        let mut members = Members::of(opened, deposit_of(record)?.series);
        let mut entries = Vec::new();
        for entry in list.entries()? {
            let entry = entry?;
            let is_full = matches!(entry.kind, Kind::Directory) && around.contains(&entry.path);
            // Folders go along with what lies in them, and what the system keeps of them goes too.
            let goes_along = above.contains(&entry.path) && !entry.xattrs.is_empty();
            if !goes_along && (!chosen.has(&entry.path) || is_full) {
                continue;
            }
            let mut shown =
                ShownEntry { path: entry.path.clone(), bytes: None, traces: Vec::new(), unseen: Vec::new() };
            self.seek(&mut shown, &words!("in its name", "名前の中"), &String::from_utf8_lossy(&entry.path));
            if let Some(target) = entry.kind.target() {
                self.seek(&mut shown, &words!("in what it points to", "リンク先"), &String::from_utf8_lossy(target));
            }
            for (name, value) in &entry.xattrs {
                let of_it = words!("in an attribute that the system keeps of it", "システムが付けた属性");
                self.seek(&mut shown, &of_it, &String::from_utf8_lossy(name));
                let unseen = looking::look(value, &mut |_, text| self.seek(&mut shown, &of_it, text));
                shown.unseen.extend(unseen.into_iter().map(
                    |why| words!("an attribute that the system keeps of it: {why}", "システムが付けた属性: {why}"; why),
                ));
            }
            if let Some(content) = entry.kind.content() {
                shown.bytes = Some(content.size);
                self.look_into(content, &mut members, room, &mut shown)?;
            }
            entries.push(shown);
        }
        Ok(Shown { deposit: item.deposit.clone(), entries })
    }

    fn look_into(
        &self,
        content: &Content,
        members: &mut Members,
        room: &mut u64,
        shown: &mut ShownEntry,
    ) -> Outcome<()> {
        if content.size > FILE_BYTES_MAX || content.size > *room {
            let long = words!("it is too long to be looked into here", "大きすぎて、ここでは確かめられません");
            shown.unseen.push(long);
            return Ok(());
        }
        *room -= content.size;
        let bytes = members.whole(content)?;
        let unseen = looking::look(&bytes, &mut |place, text| self.seek(shown, place, text));
        shown.unseen.extend(unseen);
        Ok(())
    }

    fn seek(&self, shown: &mut ShownEntry, place: &Words, text: &str) {
        for found in self.marks.find(text) {
            let trace = (place.clone(), found);
            if !shown.traces.contains(&trace) {
                shown.traces.push(trace);
            }
        }
    }

    /// Whether nobody has said yet what becomes of it.
    pub(crate) fn is_undecided(&self, deposit: &str, entry: &ShownEntry) -> bool {
        entry.needs_decision() && !self.stands.contains(&(deposit.to_owned(), entry.path.clone()))
    }

    /// That nothing tells the name, or may do so, that nobody has decided on, where the name is not to be told.
    ///
    /// # Errors
    /// Names what comes first and how many there are.
    pub(crate) fn check(&self, level: Level, texts: [&str; 2], shown: &[Shown]) -> Outcome<()> {
        if level.tells_company() {
            return Ok(());
        }
        if texts.iter().any(|text| !self.marks.find(text).is_empty()) {
            return Err(Failure::fixable(words!(
                "the purpose or the receiver's name tells what must not be known",
                "目的か受け取り先の名前に、明かさないはずの名前が入っています"
            ))
            .hint(words!("Write it in other words.", "別の言葉で書いてください。")));
        }
        let undecided = |of: &Shown| of.entries.iter().filter(|one| self.is_undecided(&of.deposit, one)).count();
        let count: usize = shown.iter().map(undecided).sum();
        let first =
            shown.iter().flat_map(|of| of.entries.iter().filter(|one| self.is_undecided(&of.deposit, one))).next();
        let Some(first) = first else { return Ok(()) };
        Err(Failure::fixable(words!(
            "nobody has decided on {count} things that tell, or may tell, who you are; the first is {path}",
            "会社が分かるもの、分かるかもしれないものが{count}件、決められていません。最初は {path} です",
            path = shown_bytes(&first.path)
        ))
        .hint(words!(
            "Look at them by `hizo consent preview`. Leave each out by naming the other paths, or let it stand with --stands.",
            "`hizo consent preview` で見てください。ほかのパスだけを指定して外すか、--stands でそのまま渡すと決めてください。"
        )))
    }
}

/// What is left of an item once some of it was left out: the paths of everything else; nothing where all of it was.
///
/// # Errors
/// When a name that stays cannot be written in a consent.
pub(crate) fn without(
    item: &UnverifiedItem,
    shown: &Shown,
    left_out: &BTreeSet<Vec<u8>>,
) -> Outcome<Option<UnverifiedItem>> {
    if shown.entries.iter().all(|entry| !left_out.contains(&entry.path)) {
        return Ok(Some(item.clone()));
    }
    let mut paths = Vec::new();
    for entry in shown.entries.iter().filter(|entry| !left_out.contains(&entry.path)) {
        let path = std::str::from_utf8(&entry.path).map_err(|_| {
            Failure::fixable(words!(
                "{path} has a name that a consent cannot hold",
                "{path} は、同意に書けない名前です",
                path = shown_bytes(&entry.path)
            ))
            .hint(words!("Leave it out too.", "これも外してください。"))
        })?;
        paths.push(path.to_owned());
    }
    Ok((!paths.is_empty()).then(|| UnverifiedItem { paths, ..item.clone() }))
}

/// Everything of a deposit as an item.
pub(crate) fn whole(record: &Record) -> Outcome<UnverifiedItem> {
    let commit = deposit_of(record)?.commit.sha256.to_string();
    Ok(UnverifiedItem { deposit: record.id().to_string(), commit, paths: Vec::new() })
}
