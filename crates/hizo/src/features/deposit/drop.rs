//! The page that takes files and folders out of a browser and keeps them.

use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;

use askama::Template;
use hizo_vault::manifest::ENTRIES_MAX;

use super::Request;
use super::command::check_names;
use super::page::kept;
use crate::desk::{Frame, Part, Reply, Unlocked, Upload, Visit, work};
use crate::dropped::Dropped;
use crate::failure::{Failure, Outcome};
use crate::words::{Words, words};

#[derive(Template)]
#[template(path = "drop.html")]
struct DropPage<'v> {
    f: Frame<'v>,
    series: &'v str,
    known: Vec<String>,
}

/// Where files are chosen, or dropped.
pub(crate) fn choose(visit: &Visit, unlocked: &Arc<Unlocked>) -> Outcome<Reply> {
    let looked = unlocked.look()?;
    visit.page(&DropPage {
        f: visit.frame(visit.text().say("drop-title"), "hizo deposit … --series …"),
        series: "",
        known: looked.view.series.values().filter_map(|series| series.name.clone()).collect(),
    })
}

/// What no browser hands over of a folder.
fn not_given() -> Words {
    words!(
        "the browser has given names and contents; not when each file was changed, who may read it, links, or folders that are empty. For those, keep the folder itself",
        "ブラウザーから受け取ったのは名前と中身です。更新日時、権限、リンク、空のフォルダーは含まれません。それらも残すには、フォルダーそのものを預けてください"
    )
}

/// Takes what comes, and keeps it once all of it is here.
pub(crate) fn keep(visit: &Visit, unlocked: &Arc<Unlocked>, upload: &mut Upload) -> Outcome<Reply> {
    let dropped = Dropped::begin(&unlocked.home()?)?;
    let (mut series, mut label, mut files) = (String::new(), String::new(), 0_u64);
    while let Some(Part { name, file }) = upload.next()? {
        match (name.as_str(), file) {
            ("series", None) => series = upload.text()?.trim().to_owned(),
            ("label", None) => label = upload.text()?.trim().to_owned(),
            // An input of which nothing was chosen.
            ("files", Some(file)) if file.is_empty() => (),
            ("files", Some(file)) => {
                files += 1;
                if files > ENTRIES_MAX {
                    return Err(Failure::fixable(words!(
                        "there are too many files for one deposit",
                        "一度に預けられる数を超えています"
                    )));
                }
                write(visit, &dropped, &file, upload)?;
            }
            (_, _) => (),
        }
    }
    if files == 0 {
        return Err(Failure::fixable(words!("no file was chosen", "ファイルが選ばれていません")));
    }
    let labels: Vec<_> = Some(label).filter(|label| !label.is_empty()).into_iter().collect();
    check_names(&series, &labels)?;
    let request = Request { labels, ..Request::of(vec![dropped.root()?], series) };
    let title = words!("Keeping what the browser gave", "ブラウザーから受け取ったものを預けています");
    work::begin(visit, unlocked, title, move |unlocked, work| {
        let mut ended = kept(unlocked, work, &request)?;
        drop(dropped);
        ended.notes.push(not_given());
        Ok(ended)
    })
}

fn write(visit: &Visit, dropped: &Dropped, name: &str, upload: &mut Upload) -> Outcome<()> {
    let mut file = dropped.file(name)?;
    upload.read(&mut |bytes| {
        // Whoever hands a large file over is not silent.
        visit.is_here();
        file.write_all(bytes).map_err(|error| Failure::file("write", Path::new(name), error))
    })
}
