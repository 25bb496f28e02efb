//! Walks folders into a listing: every entry with what the system says of it, ascending by path, nothing read yet.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use hizo_vault::archive::check_path;
use ignore::Match;
use ignore::gitignore::{Gitignore, GitignoreBuilder};

use super::listing::{LeftOut, Listing, Root, Unsorted};
use crate::packing::cores;
use crate::system::{self, StatKind};

/// Name of the files that say what is not to be kept, in the manner of `.gitignore`.
pub(crate) const IGNORE_FILE: &str = ".hizoignore";

/// Lists what the named folders and files hold.
///
/// One folder alone gives its contents; otherwise each named thing stands under its own last name.
///
/// # Errors
/// When a named path cannot be read at all, or two of them have one name. What cannot be read below is left out and said.
pub(crate) fn walk(paths: &[PathBuf], excludes: &[String]) -> io::Result<Listing> {
    walk_without(paths, excludes, &[])
}

/// The same, without these folders and whatever is in them.
pub(crate) fn walk_without(paths: &[PathBuf], excludes: &[String], without: &[PathBuf]) -> io::Result<Listing> {
    let roots = roots(paths)?;
    let (mut walker, mut folders) = (Walker::default(), Vec::new());
    for root in &roots {
        let excludes = patterns(&root.on_disk, excludes)?;
        match root.stat.kind {
            StatKind::Directory => {
                if !root.in_deposit.is_empty() {
                    walker.found.push(&root.in_deposit, &root.stat, None);
                }
                let rules = Arc::new(Rules { own: excludes, outer: None });
                folders.push(Folder { on_disk: root.on_disk.clone(), in_deposit: root.in_deposit.clone(), rules });
            }
            StatKind::File => walker.found.push(&root.in_deposit, &root.stat, None),
            StatKind::Symlink | StatKind::Special => {
                return Err(io::Error::new(io::ErrorKind::InvalidInput, "neither a folder nor a file"));
            }
        }
    }
    walker.found.sort();
    let mut walkers = below(folders, without);
    walkers.push(walker);
    let mut left_out: Vec<_> = walkers.iter_mut().flat_map(|walker| std::mem::take(&mut walker.left_out)).collect();
    left_out.sort_unstable_by(|a, b| a.path.cmp(&b.path));
    let mut passed_over: Vec<_> =
        walkers.iter_mut().flat_map(|walker| std::mem::take(&mut walker.passed_over)).collect();
    passed_over.sort_unstable();
    let found: Vec<_> = walkers.into_iter().map(|walker| walker.found).collect();
    let mut listing = Listing::of(roots, &found, left_out);
    listing.passed_over = passed_over;
    Ok(listing)
}

fn roots(paths: &[PathBuf]) -> io::Result<Vec<Root>> {
    let stat = |path: &Path| Ok::<_, io::Error>(system::stat(&fs::metadata(path)?));
    if let [only] = paths {
        let stat = stat(only)?;
        if stat.kind == StatKind::Directory {
            return Ok(vec![Root { on_disk: only.clone(), stat, in_deposit: Vec::new() }]);
        }
    }
    let mut roots = Vec::new();
    for path in paths {
        let name = match path.file_name() {
            Some(name) => system::path_bytes(name),
            None => system::path_bytes(path.canonicalize()?.file_name().unwrap_or_default()),
        };
        if roots.iter().any(|root: &Root| root.in_deposit == name) {
            return Err(io::Error::new(io::ErrorKind::AlreadyExists, "two of the named paths end in the same name"));
        }
        if check_path(&name).is_err() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "a named path has no name of its own"));
        }
        roots.push(Root { on_disk: path.clone(), stat: stat(path)?, in_deposit: name });
    }
    Ok(roots)
}

/// Where a folder is reached from these paths, if it lies below one of them or is one: a path is as it was named, whatever links it leads
/// through.
///
/// # Errors
/// When one of the paths cannot be read.
pub(crate) fn places(folder: &Path, paths: &[PathBuf]) -> io::Result<Vec<PathBuf>> {
    let folder = match folder.canonicalize() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        folder => folder?,
    };
    let mut places = Vec::new();
    for path in paths {
        places.extend(folder.strip_prefix(path.canonicalize()?).ok().map(|inside| path.join(inside)));
    }
    Ok(places)
}

/// What one thread has found.
#[derive(Default)]
struct Walker<'a> {
    found: Unsorted,
    left_out: Vec<LeftOut>,
    /// Folders that are to be passed over, and those of them that were met.
    without: &'a [PathBuf],
    passed_over: Vec<PathBuf>,
}

/// A folder to be listed.
struct Folder {
    on_disk: PathBuf,
    in_deposit: Vec<u8>,
    rules: Arc<Rules>,
}

/// What is not to be kept: what a folder says itself, and then what those around it say.
struct Rules {
    own: Gitignore,
    outer: Option<Arc<Self>>,
}

/// Folders that wait for a thread.
#[derive(Default)]
struct Folders {
    state: Mutex<Waiting>,
    changed: Condvar,
}

#[derive(Default)]
struct Waiting {
    folders: Vec<Folder>,
    /// Folders being listed: each may bring more.
    at_work: usize,
}

impl Folders {
    fn state(&self) -> MutexGuard<'_, Waiting> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next folder; `None` when there is none and none can come any more.
    fn next(&self) -> Option<Folder> {
        let mut state = self.state();
        loop {
            if let Some(folder) = state.folders.pop() {
                state.at_work += 1;
                return Some(folder);
            }
            if state.at_work == 0 {
                return None;
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

/// One folder being listed, and the folders found in it. However it ends, nobody waits for it any longer.
struct Turn<'a> {
    folders: &'a Folders,
    found: Vec<Folder>,
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let mut state = self.folders.state();
        state.folders.append(&mut self.found);
        state.at_work -= 1;
        self.folders.changed.notify_all();
    }
}

/// Lists these folders and everything below them, on all cores.
fn below(folders: Vec<Folder>, without: &[PathBuf]) -> Vec<Walker<'_>> {
    let waiting = Folders { state: Mutex::new(Waiting { folders, at_work: 0 }), ..Folders::default() };
    let work = || {
        let mut walker = Walker { without, ..Walker::default() };
        while let Some(folder) = waiting.next() {
            let mut turn = Turn { folders: &waiting, found: Vec::new() };
            turn.found = walker.directory(&folder);
        }
        walker.found.sort();
        walker
    };
    thread::scope(|scope| {
        let threads: Vec<_> = (0..cores()).map(|_| scope.spawn(work)).collect();
        threads.into_iter().map(|thread| thread.join().expect("listing does not panic")).collect()
    })
}

impl Walker<'_> {
    fn leave_out(&mut self, path: &Path, reason: impl Into<String>) {
        self.left_out.push(LeftOut { path: path.to_owned(), reason: reason.into() });
    }

    /// Lists one folder; the folders in it are still to be listed.
    fn directory(&mut self, folder: &Folder) -> Vec<Folder> {
        let mut inner = Vec::new();
        let listed = match fs::read_dir(&folder.on_disk) {
            Ok(listed) => listed,
            Err(error) => {
                self.leave_out(&folder.on_disk, error.to_string());
                return inner;
            }
        };
        let own_rules = folder.on_disk.join(IGNORE_FILE);
        let rules = match own_rules.is_file() {
            true => Arc::new(Rules { own: Gitignore::new(&own_rules).0, outer: Some(folder.rules.clone()) }),
            false => folder.rules.clone(),
        };
        for item in listed {
            match item {
                Ok(item) => inner.extend(self.item(&item, &folder.in_deposit, &rules)),
                Err(error) => self.leave_out(&folder.on_disk, error.to_string()),
            }
        }
        inner
    }

    fn item(&mut self, item: &fs::DirEntry, parent: &[u8], rules: &Arc<Rules>) -> Option<Folder> {
        let on_disk = item.path();
        let stat = match item.metadata() {
            Ok(metadata) => system::stat(&metadata),
            Err(error) => {
                self.leave_out(&on_disk, error.to_string());
                return None;
            }
        };
        let is_directory = stat.kind == StatKind::Directory;
        if is_excluded(rules, &on_disk, is_directory) {
            return None;
        }
        if is_directory && self.without.contains(&on_disk) {
            self.passed_over.push(on_disk);
            return None;
        }
        let name = system::path_bytes(&item.file_name());
        let path = if parent.is_empty() { name } else { [parent, b"/", &name].concat() };
        if check_path(&path).is_err() {
            self.leave_out(&on_disk, "its path is longer than can be kept");
            return None;
        }
        match stat.kind {
            StatKind::File => self.found.push(&path, &stat, None),
            StatKind::Directory => {
                self.found.push(&path, &stat, None);
                return Some(Folder { on_disk, in_deposit: path, rules: rules.clone() });
            }
            StatKind::Symlink => match fs::read_link(&on_disk) {
                Ok(target) => {
                    let target = system::path_bytes(target.as_os_str());
                    self.found.push(&path, &stat, Some(&target));
                }
                Err(error) => self.leave_out(&on_disk, error.to_string()),
            },
            StatKind::Special => self.leave_out(&on_disk, "a device, pipe or socket has no content to keep"),
        }
        None
    }
}

fn patterns(root: &Path, excludes: &[String]) -> io::Result<Gitignore> {
    let mut builder = GitignoreBuilder::new(root);
    for pattern in excludes {
        builder.add_line(None, pattern).map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
    }
    builder.build().map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))
}

/// The rule nearest to the entry decides, as in `.gitignore`; a person's own excludes are the outermost.
fn is_excluded(rules: &Rules, path: &Path, is_directory: bool) -> bool {
    let from_inside = std::iter::successors(Some(rules), |rules| rules.outer.as_deref());
    for rules in from_inside {
        match rules.own.matched(path, is_directory) {
            Match::Ignore(_) => return true,
            Match::Whitelist(_) => return false,
            Match::None => (),
        }
    }
    false
}
