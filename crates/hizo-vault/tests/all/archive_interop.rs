//! What we write is read by GNU tar and by Python, without hizo. A missing program is said aloud.
#![cfg(target_os = "linux")]

use std::{
    fs::{self, File},
    io::{Read as _, Seek as _, SeekFrom, Write as _},
    os::unix::{ffi::OsStrExt as _, fs::MetadataExt as _},
    path::{Path, PathBuf},
    process::Command,
};

use hizo_vault::archive::{END, MemberKind, header};

use crate::archive::{Sample, everything, expected, file, member, sparse, write};

/// Later versions of Python refuse links out of the folder unless told that the archive is trusted.
const PYTHON_EXTRACT: &str = r#"
import sys, tarfile
with tarfile.open(sys.argv[1], "r:", errors="surrogateescape") as archive:
    if hasattr(tarfile, "fully_trusted_filter"):
        archive.extractall(sys.argv[2], filter="fully_trusted")
    else:
        archive.extractall(sys.argv[2])
"#;

const PYTHON_LIST: &str = r#"
import os, sys, tarfile
with tarfile.open(sys.argv[1], "r:", errors="surrogateescape") as archive:
    for member in archive:
        print(member.size, member.mtime, os.fsencode(member.name).hex())
        for key, value in sorted(member.pax_headers.items()):
            if key.startswith("SCHILY.xattr."):
                print("xattr", key.encode("utf-8", "surrogateescape").hex(), value.encode("utf-8", "surrogateescape").hex())
"#;

const PYTHON_XATTRS: &str = r#"
import os, sys
for name in sorted(os.listxattr(sys.argv[1])):
    if name.startswith("user."):
        print(os.fsencode(name).hex(), os.getxattr(sys.argv[1], name).hex())
"#;

/// Runs a program, or says that it is missing.
fn run(program: &str, arguments: &[&str]) -> Option<String> {
    let output = match Command::new(program).args(arguments).env("LC_ALL", "C").output() {
        Ok(output) => output,
        Err(error) => {
            eprintln!("NOT CHECKED: {program} is not here ({error})");
            return None;
        }
    };
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && errors.is_empty(), "{program} {arguments:?}: {errors}");
    Some(String::from_utf8(output.stdout).unwrap())
}

fn gnu_tar_is_here() -> bool {
    let gnu = run("tar", &["--version"]).is_some_and(|version| version.contains("GNU tar"));
    if !gnu {
        eprintln!("NOT CHECKED: tar is not GNU tar");
    }
    gnu
}

fn stored(sample: &Sample) -> (tempfile::TempDir, PathBuf, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let (archive, restored) = (folder.path().join("a.tar"), folder.path().join("restored"));
    fs::write(&archive, write(sample)).unwrap();
    fs::create_dir(&restored).unwrap();
    (folder, archive, restored)
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// `time_error_ns`: how far off a program may restore the times of files and directories.
fn check_restored(sample: &Sample, folder: &Path, time_error_ns: u64) {
    for (_, member, data) in expected(sample) {
        let name = member.path.escape_ascii().to_string();
        let path = folder.join(std::ffi::OsStr::from_bytes(&member.path));
        let found = path.symlink_metadata().unwrap_or_else(|error| panic!("{name}: {error}"));
        match &member.kind {
            MemberKind::File { size, .. } => {
                assert_eq!(found.len(), *size, "{name}");
                assert!(found.blocks() * 512 < 1 << 22, "{name}: holes were filled");
                check_data(&path, *size, &data);
            }
            MemberKind::Directory => assert!(found.is_dir(), "{name}"),
            MemberKind::Symlink { target } => {
                assert_eq!(fs::read_link(&path).unwrap().as_os_str().as_bytes(), &**target, "{name}");
                continue;
            }
            MemberKind::HardLink { target } => {
                let target = folder.join(std::ffi::OsStr::from_bytes(target)).metadata().unwrap();
                assert_eq!(found.ino(), target.ino(), "{name}");
                continue;
            }
        }
        assert_eq!(found.mode() & 0o7777, member.mode, "{name}");
        let mtime_ns = found.mtime() * 1_000_000_000 + found.mtime_nsec();
        assert!(mtime_ns.abs_diff(member.mtime_ns) <= time_error_ns, "{name}: {mtime_ns} ≠ {}", member.mtime_ns);
    }
}

fn check_data(path: &Path, size: u64, stretches: &[(u64, Vec<u8>)]) {
    let mut file = File::open(path).unwrap();
    for (offset, bytes) in stretches {
        let mut found = vec![0; bytes.len()];
        file.seek(SeekFrom::Start(*offset)).unwrap();
        file.read_exact(&mut found).unwrap();
        assert_eq!(found, *bytes, "{}", path.display());
    }
    if size < 1 << 24 {
        let bytes = fs::read(path).unwrap();
        let zeros = bytes.iter().filter(|byte| **byte == 0).count();
        let data = stretches.iter().flat_map(|(_, bytes)| bytes).filter(|byte| **byte != 0).count();
        assert_eq!(bytes.len() - zeros, data, "{}: holes hold data", path.display());
    }
}

/// Everything, readable by its owner, so that what was restored can be compared.
fn restorable() -> Sample {
    let mut sample = everything();
    sample
        .iter_mut()
        .for_each(|(member, _)| member.mode |= 0o600 | u32::from(member.kind == MemberKind::Directory) << 6);
    sample
}

#[test]
fn gnu_tar_restores_everything() {
    if !gnu_tar_is_here() {
        return;
    }
    let sample = restorable();
    let (_folder, archive, restored) = stored(&sample);
    // GNU tar warns of times that it finds odd, and of `hdrcharset`, which it needs not know: it takes names as they are.
    let quiet = ["--warning=no-timestamp", "--warning=no-unknown-keyword"];
    let extract = ["--xattrs", "--xattrs-include=*", "-xpf", text(&archive), "-C", text(&restored)];
    run("tar", &[&quiet[..], &extract].concat()).unwrap();
    check_restored(&sample, &restored, 0);
    for (member, _) in sample.iter().filter(|(member, _)| !member.xattrs.is_empty()) {
        let path = restored.join(std::ffi::OsStr::from_bytes(&member.path));
        let hexed = |(name, value): &(Vec<u8>, Vec<u8>)| format!("{} {}\n", hex::encode(name), hex::encode(value));
        if let Some(found) = run("python3", &["-c", PYTHON_XATTRS, text(&path)]) {
            assert_eq!(found, member.xattrs.iter().map(hexed).collect::<String>());
        }
    }
}

#[test]
fn python_restores_everything() {
    let sample = restorable();
    let (_folder, archive, restored) = stored(&sample);
    let arguments = ["-X", "utf8", "-c", PYTHON_EXTRACT, text(&archive), text(&restored)];
    if run("python3", &arguments).is_some() {
        // Python keeps times as floating-point numbers.
        check_restored(&sample, &restored, 2_000);
    }
}

#[test]
fn python_sees_every_attribute() {
    let sample = everything();
    let (_folder, archive, _restored) = stored(&sample);
    let Some(listed) = run("python3", &["-X", "utf8", "-c", PYTHON_LIST, text(&archive)]) else { return };
    let attributes = listed.lines().filter(|line| line.starts_with("xattr ")).count();
    assert_eq!(attributes, sample.iter().map(|(member, _)| member.xattrs.len()).sum::<usize>());
    assert!(listed.contains(&hex::encode(b"\0\xff\n=8 path=x\n")), "a binary value came out otherwise");
    assert_eq!(listed.lines().count() - attributes, sample.len());
}

/// Writes members whose data is a hole on disk: archives of any length cost nothing.
fn hollow(path: &Path, members: &[(hizo_vault::archive::Member<'static>, u64)]) {
    let mut file = File::create(path).unwrap();
    for (member, stored) in members {
        file.write_all(&header(member).unwrap()).unwrap();
        file.seek(SeekFrom::Current(stored.next_multiple_of(512).cast_signed())).unwrap();
    }
    file.write_all(&END).unwrap();
}

#[test]
fn files_past_eight_gibibytes_are_listed_with_what_follows() {
    let folder = tempfile::tempdir().unwrap();
    let archive = folder.path().join("a.tar");
    let large = |path: &str, size| (member(path, MemberKind::File { size, sparse: None }), size);
    let (last, _) = file("d", b"");
    hollow(&archive, &[large("a", (8 << 30) - 1), large("b", 8 << 30), large("c", 9 << 30), (last, 0)]);
    if gnu_tar_is_here() {
        let listed = run("tar", &["-tvf", text(&archive)]).unwrap();
        let sizes: Vec<_> = listed.lines().map(|line| line.split_whitespace().nth(2).unwrap()).collect();
        assert_eq!(sizes, ["8589934591", "8589934592", "9663676416", "0"]);
    }
    if let Some(listed) = run("python3", &["-c", PYTHON_LIST, text(&archive)]) {
        let sizes: Vec<_> = listed.lines().map(|line| line.split_once(' ').unwrap().0).collect();
        assert_eq!(sizes, ["8589934591", "8589934592", "9663676416", "0"]);
    }
}

#[test]
fn gnu_tar_finds_what_follows_a_sparse_file_with_more_than_eight_gibibytes_of_data() {
    if !gnu_tar_is_here() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let archive = folder.path().join("a.tar");
    let (mut large, _) = sparse("a", 20 << 30, &[(1 << 30, b"x")]);
    let MemberKind::File { sparse: Some(extents), .. } = &mut large.kind else { panic!() };
    extents.to_mut()[0].length = 9 << 30;
    hollow(&archive, &[(large, 9 << 30), (file("b", b"").0, 0)]);
    let listed = run("tar", &["-tvf", text(&archive)]).unwrap();
    let sizes: Vec<_> = listed.lines().map(|line| line.split_whitespace().nth(2).unwrap()).collect();
    assert_eq!(sizes, ["21474836480", "0"]);
}
