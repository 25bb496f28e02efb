//! What differs by operating system, and nothing else.
//!
//! The Unix half runs in the tests. The other half is kept small and has never been compiled: see docs/guide/systems.md.

use std::fs::{File, FileType, Metadata};
use std::io;
use std::path::Path;
#[cfg(unix)]
use std::task::Poll;

/// What the system says of a file without reading it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stat {
    pub kind: StatKind,
    /// Bytes of a regular file.
    pub size: u64,
    /// Permission bits, 0o7777 at most.
    pub mode: u32,
    pub mtime_ns: i64,
    pub ctime_ns: i64,
    pub device: u64,
    pub inode: u64,
    /// Names of the same file.
    pub links: u64,
    /// Bytes that the file takes on disk, less than `size` where it has holes.
    pub allocated: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StatKind {
    File,
    Directory,
    Symlink,
    /// A device, a pipe or a socket: it has no content to keep.
    Special,
}

impl StatKind {
    fn of(kind: FileType) -> Self {
        if kind.is_file() {
            Self::File
        } else if kind.is_dir() {
            Self::Directory
        } else if kind.is_symlink() {
            Self::Symlink
        } else {
            Self::Special
        }
    }
}

#[cfg(unix)]
mod unix {
    use super::*;
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
    use std::path::PathBuf;

    use rustix::fs::{self, Mode, OFlags, SeekFrom, XattrFlags};

    pub(crate) fn stat(metadata: &Metadata) -> Stat {
        let kind = metadata.file_type();
        Stat {
            kind: StatKind::of(kind),
            size: if kind.is_file() { metadata.size() } else { 0 },
            mode: metadata.mode() & 0o7777,
            mtime_ns: nanoseconds(metadata.mtime(), metadata.mtime_nsec()),
            ctime_ns: nanoseconds(metadata.ctime(), metadata.ctime_nsec()),
            device: metadata.dev(),
            inode: metadata.ino(),
            links: metadata.nlink(),
            allocated: metadata.blocks().saturating_mul(512),
        }
    }

    fn nanoseconds(seconds: i64, rest: i64) -> i64 {
        seconds.saturating_mul(1_000_000_000).saturating_add(rest)
    }

    /// A path's bytes as the system keeps them.
    pub(crate) fn path_bytes(path: &OsStr) -> Vec<u8> {
        path.as_bytes().to_vec()
    }

    /// The path that these bytes name on this system.
    pub(crate) fn path_from_bytes(bytes: &[u8]) -> io::Result<PathBuf> {
        Ok(PathBuf::from(OsStr::from_bytes(bytes)))
    }

    /// Opens a regular file for reading; never follows a link put in its place, never waits for a pipe's other end.
    pub(crate) fn open_to_read(path: &Path) -> io::Result<File> {
        let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
        std::fs::OpenOptions::new().read(true).custom_flags(flags.bits() as i32).open(path)
    }

    /// Opens a regular file of this account's own for reading, also where its mode lets nobody read it. It has its mode again before
    /// anything of it is read.
    pub(crate) fn open_own(path: &Path) -> io::Result<File> {
        match open_to_read(path) {
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => open_closed(path).map_err(|_| error),
            opened => opened,
        }
    }

    /// Only through what was found to be such a file: nothing that is put in its place meanwhile is touched.
    #[cfg(target_os = "linux")]
    pub(super) fn open_closed(path: &Path) -> io::Result<File> {
        use std::os::fd::AsRawFd;
        let held = fs::open(path, OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC, Mode::empty())?;
        let found = fs::fstat(&held)?;
        let is_file = fs::FileType::from_raw_mode(found.st_mode) == fs::FileType::RegularFile;
        if !is_file || found.st_uid != rustix::process::geteuid().as_raw() {
            return Err(io::ErrorKind::PermissionDenied.into());
        }
        let (held, mode) = (PathBuf::from(format!("/proc/self/fd/{}", held.as_raw_fd())), found.st_mode & 0o7777);
        set_mode(&held, mode | 0o400)?;
        let opened = File::open(&held);
        set_mode(&held, mode)?;
        opened
    }

    #[cfg(not(target_os = "linux"))]
    pub(super) fn open_closed(_: &Path) -> io::Result<File> {
        Err(io::ErrorKind::PermissionDenied.into())
    }

    /// Extended attributes of a file, directory or link, ascending by name. A file system without them has none.
    pub(crate) fn xattrs(path: &Path) -> io::Result<Vec<(Vec<u8>, Vec<u8>)>> {
        let mut names = vec![0u8; 1024];
        let length = loop {
            match fs::llistxattr(path, &mut names[..]) {
                Ok(0) => return Ok(Vec::new()),
                Ok(length) => break length,
                Err(rustix::io::Errno::RANGE) if names.len() < 1 << 20 => names.resize(names.len() * 4, 0),
                Err(rustix::io::Errno::NOTSUP) => return Ok(Vec::new()),
                Err(error) => return Err(error.into()),
            }
        };
        let mut found = Vec::new();
        for name in names[..length].split(|byte| *byte == 0).filter(|name| !name.is_empty()) {
            let mut value = vec![0u8; 64 << 10];
            match fs::lgetxattr(path, name, &mut value[..]) {
                Ok(length) => {
                    value.truncate(length);
                    found.push((name.to_vec(), value));
                }
                Err(rustix::io::Errno::NODATA) => (),
                Err(error) => return Err(error.into()),
            }
        }
        found.sort();
        Ok(found)
    }

    /// Sets one extended attribute.
    pub(crate) fn set_xattr(path: &Path, name: &[u8], value: &[u8]) -> io::Result<()> {
        Ok(fs::lsetxattr(path, name, value, XattrFlags::empty())?)
    }

    /// The parts of a file that hold data, ascending; all of it where the system cannot tell.
    pub(crate) fn data_ranges(file: &File, size: u64) -> io::Result<Vec<(u64, u64)>> {
        let mut ranges = Vec::new();
        let mut at = 0;
        while at < size {
            let start = match fs::seek(file, SeekFrom::Data(at)) {
                Ok(start) => start,
                Err(rustix::io::Errno::NXIO) => break,
                Err(rustix::io::Errno::INVAL) => return Ok(vec![(0, size)]),
                Err(error) => return Err(error.into()),
            };
            let end = fs::seek(file, SeekFrom::Hole(start))?.min(size);
            if end > start {
                ranges.push((start, end - start));
            }
            at = end.max(start + 1);
        }
        fs::seek(file, SeekFrom::Start(0))?;
        Ok(ranges)
    }

    /// Creates a symbolic link.
    pub(crate) fn symlink(target: &[u8], link: &Path) -> io::Result<()> {
        std::os::unix::fs::symlink(OsStr::from_bytes(target), link)
    }

    /// Sets permission bits of a file or directory (never of what a link points to).
    pub(crate) fn set_mode(path: &Path, mode: u32) -> io::Result<()> {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode))
    }

    /// Sets the permission bits of an open file.
    pub(crate) fn set_file_mode(file: &File, mode: u32) -> io::Result<()> {
        file.set_permissions(std::fs::Permissions::from_mode(mode))
    }

    /// Sets the time of last change of a file, directory or link itself.
    pub(crate) fn set_mtime(path: &Path, mtime_ns: i64) -> io::Result<()> {
        Ok(fs::utimensat(fs::CWD, path, &timestamps(mtime_ns), fs::AtFlags::SYMLINK_NOFOLLOW)?)
    }

    /// Sets the time of last change of an open file.
    pub(crate) fn set_file_mtime(file: &File, mtime_ns: i64) -> io::Result<()> {
        Ok(fs::futimens(file, &timestamps(mtime_ns))?)
    }

    fn timestamps(mtime_ns: i64) -> fs::Timestamps {
        let time = fs::Timespec {
            tv_sec: mtime_ns.div_euclid(1_000_000_000),
            tv_nsec: mtime_ns.rem_euclid(1_000_000_000) as _,
        };
        fs::Timestamps { last_access: time, last_modification: time }
    }

    /// Creates a file that only its owner may read, which must not be there yet.
    pub(crate) fn create_private(path: &Path) -> io::Result<File> {
        std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
    }

    /// Whether a name that somebody else has given can be a file of this system: any that has no slash.
    pub(crate) fn is_file_name(_: &str) -> bool {
        true
    }

    /// Creates a directory that only its owner may enter.
    pub(crate) fn create_private_directory(path: &Path) -> io::Result<()> {
        use std::os::unix::fs::DirBuilderExt;
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
    }

    /// Makes a renamed or created name durable.
    pub(crate) fn sync_directory(path: &Path) -> io::Result<()> {
        File::open(path)?.sync_all()
    }

    /// Says that this directory is at work, until what this gives is dropped.
    ///
    /// # Errors
    /// [`io::ErrorKind::WouldBlock`] when somebody else says so.
    pub(crate) fn hold_directory(path: &Path) -> io::Result<Option<File>> {
        let directory = File::open(path)?;
        directory.try_lock()?;
        Ok(Some(directory))
    }

    /// Asks the system to refuse symbolic links in the last part of a new directory's path.
    pub(crate) fn create_directory(path: &Path) -> io::Result<()> {
        Ok(fs::mkdir(path, Mode::from_raw_mode(0o700))?)
    }
}

/// Whether a person sits before a screen on which a browser can open.
pub(crate) fn has_screen() -> bool {
    let is_set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    cfg!(any(windows, target_os = "macos")) || is_set("DISPLAY") || is_set("WAYLAND_DISPLAY")
}

/// Opens a page that lies in a file in the person's browser.
pub(crate) fn open_in_browser(page: &Path) -> io::Result<()> {
    let mut command = if cfg!(windows) {
        let mut command = std::process::Command::new("rundll32");
        command.arg("url.dll,FileProtocolHandler");
        command
    } else {
        std::process::Command::new(if cfg!(target_os = "macos") { "open" } else { "xdg-open" })
    };
    let quiet = std::process::Stdio::null;
    command.arg(page).stdin(quiet()).stdout(quiet()).stderr(quiet()).spawn().map(drop)
}

/// Waits until somebody asks this process to stop; what it returns listens from the moment that it is made.
#[cfg(unix)]
pub(crate) fn asked_to_stop() -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut signals = [signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?];
    Ok(std::future::poll_fn(move |context| {
        let is_asked = signals.iter_mut().any(|signal| signal.poll_recv(context).is_ready());
        if is_asked { Poll::Ready(()) } else { Poll::Pending }
    }))
}

/// Waits until the terminal is closed from which this process was started.
#[cfg(unix)]
pub(crate) fn terminal_closed() -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut signal = signal(SignalKind::hangup())?;
    Ok(async move {
        signal.recv().await;
    })
}

#[cfg(unix)]
pub(crate) use unix::*;

#[cfg(not(unix))]
mod other {
    use super::*;
    use std::ffi::OsStr;
    use std::path::PathBuf;
    use std::time::{Duration, SystemTime, UNIX_EPOCH};

    pub(crate) fn stat(metadata: &Metadata) -> Stat {
        let kind = metadata.file_type();
        let mtime_ns = metadata.modified().map(nanoseconds).unwrap_or(0);
        Stat {
            kind: StatKind::of(kind),
            size: if kind.is_file() { metadata.len() } else { 0 },
            mode: if metadata.permissions().readonly() { 0o444 } else { 0o644 },
            mtime_ns,
            ctime_ns: mtime_ns,
            device: 0,
            inode: 0,
            links: 1,
            allocated: metadata.len(),
        }
    }

    fn nanoseconds(time: SystemTime) -> i64 {
        match time.duration_since(UNIX_EPOCH) {
            Ok(after) => i64::try_from(after.as_nanos()).unwrap_or(i64::MAX),
            Err(before) => -i64::try_from(before.duration().as_nanos()).unwrap_or(i64::MAX),
        }
    }

    pub(crate) fn path_bytes(path: &OsStr) -> Vec<u8> {
        path.to_string_lossy().replace('\\', "/").into_bytes()
    }

    pub(crate) fn path_from_bytes(bytes: &[u8]) -> io::Result<PathBuf> {
        let text = std::str::from_utf8(bytes).map_err(|_| io::Error::from(io::ErrorKind::InvalidFilename))?;
        if text.contains(['\\', ':', '*', '?', '"', '<', '>', '|']) {
            return Err(io::ErrorKind::InvalidFilename.into());
        }
        Ok(PathBuf::from(text))
    }

    pub(crate) fn open_to_read(path: &Path) -> io::Result<File> {
        File::open(path)
    }

    /// No mode keeps the owner from reading.
    pub(crate) fn open_own(path: &Path) -> io::Result<File> {
        open_to_read(path)
    }

    pub(crate) fn xattrs(_path: &Path) -> io::Result<Vec<(Vec<u8>, Vec<u8>)>> {
        Ok(Vec::new())
    }

    pub(crate) fn set_xattr(_path: &Path, _name: &[u8], _value: &[u8]) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    pub(crate) fn data_ranges(_file: &File, size: u64) -> io::Result<Vec<(u64, u64)>> {
        Ok(vec![(0, size)])
    }

    pub(crate) fn symlink(_target: &[u8], _link: &Path) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    pub(crate) fn set_mode(path: &Path, mode: u32) -> io::Result<()> {
        let mut permissions = std::fs::metadata(path)?.permissions();
        permissions.set_readonly(mode & 0o200 == 0);
        std::fs::set_permissions(path, permissions)
    }

    pub(crate) fn set_file_mode(file: &File, mode: u32) -> io::Result<()> {
        let mut permissions = file.metadata()?.permissions();
        permissions.set_readonly(mode & 0o200 == 0);
        file.set_permissions(permissions)
    }

    pub(crate) fn set_mtime(path: &Path, mtime_ns: i64) -> io::Result<()> {
        set_file_mtime(&std::fs::OpenOptions::new().write(true).open(path)?, mtime_ns)
    }

    pub(crate) fn set_file_mtime(file: &File, mtime_ns: i64) -> io::Result<()> {
        let distance = Duration::from_nanos(mtime_ns.unsigned_abs());
        file.set_modified(if mtime_ns < 0 { UNIX_EPOCH - distance } else { UNIX_EPOCH + distance })
    }

    pub(crate) fn create_private(path: &Path) -> io::Result<File> {
        std::fs::OpenOptions::new().write(true).create_new(true).open(path)
    }

    /// Whether a name that somebody else has given can be a file of this system, and is no device, stream or other folder.
    pub(crate) fn is_file_name(name: &str) -> bool {
        let stem = name.split('.').next().unwrap_or_default().trim_end().to_ascii_uppercase();
        let is_port = |prefix: &str| stem.strip_prefix(prefix).is_some_and(|rest| rest.chars().count() == 1);
        let is_device = ["CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"].contains(&stem.as_str());
        let is_plain = |letter: char| !letter.is_control() && !"\\:*?\"<>|".contains(letter);
        !is_device && !is_port("COM") && !is_port("LPT") && name.chars().all(is_plain) && !name.ends_with(['.', ' '])
    }

    pub(crate) fn create_private_directory(path: &Path) -> io::Result<()> {
        std::fs::create_dir_all(path)
    }

    pub(crate) fn sync_directory(_path: &Path) -> io::Result<()> {
        // The system offers no such act; its journal keeps names in order.
        Ok(())
    }

    pub(crate) fn hold_directory(_path: &Path) -> io::Result<Option<File>> {
        // A directory in which somebody has a file open is not renamed there.
        Ok(None)
    }

    pub(crate) fn create_directory(path: &Path) -> io::Result<()> {
        std::fs::create_dir(path)
    }
}

/// Waits until somebody asks this process to stop.
#[cfg(not(unix))]
pub(crate) fn asked_to_stop() -> io::Result<impl Future<Output = ()>> {
    Ok(async { drop(tokio::signal::ctrl_c().await) })
}

/// Waits until the terminal is closed from which this process was started: this system ends the process with it.
#[cfg(not(unix))]
pub(crate) fn terminal_closed() -> io::Result<impl Future<Output = ()>> {
    Ok(std::future::pending())
}

#[cfg(not(unix))]
pub(crate) use other::*;

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::io::Read as _;
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_closed_file_is_opened_by_its_owner_alone_and_has_its_mode_again() {
        let base = tempfile::tempdir().unwrap();
        let [file, link, folder] = ["file", "link", "folder"].map(|name| base.path().join(name));
        std::fs::write(&file, "closed").unwrap();
        std::fs::create_dir(&folder).unwrap();
        symlink(&file, &link).unwrap();
        let mode = |path: &Path| stat(&path.symlink_metadata().unwrap()).mode;
        [&file, &folder].into_iter().for_each(|path| set_mode(path, 0o020).unwrap());
        let mut read = String::new();
        open_closed(&file).unwrap().read_to_string(&mut read).unwrap();
        assert_eq!((read.as_str(), mode(&file)), ("closed", 0o020));
        // Neither what a link leads to, nor what is no file, nor what is somebody else's.
        assert!(open_closed(&link).is_err() && open_closed(&folder).is_err());
        assert_eq!((mode(&file), mode(&folder)), (0o020, 0o020));
        if rustix::process::geteuid().is_root() {
            std::os::unix::fs::chown(&file, Some(1), None).unwrap();
            assert!(open_closed(&file).is_err() && mode(&file) == 0o020);
        }
    }
}
