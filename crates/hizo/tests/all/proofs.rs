//! The journey of a proof: made by whoever holds the safe, checked by somebody who has neither safe nor keeper, with hizo and
//! with the stock tool, stamped by the keeper alone or by an authority of somebody else.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;

use serde_json::Value;
use tempfile::TempDir;

use crate::kit::{Home, Said, contains, files_below, program, said, say_aloud};

/// A time-stamp authority of somebody else: `openssl ts` behind a socket of this machine.
struct Outside {
    folder: TempDir,
    url: String,
}

impl Outside {
    /// Starts one; `None` where there is no `openssl`.
    fn start() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("openssl.cnf"), CONFIGURATION).unwrap();
        fs::write(folder.path().join("serial"), "01\n").unwrap();
        let root = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "root.key", "-out", "root.pem"];
        let root = [&root[..], &["-days", "3650", "-subj", "/O=Elsewhere/CN=Root", "-config", "openssl.cnf"]].concat();
        openssl(folder.path(), &[&root[..], &["-extensions", "root"]].concat())?;
        let ask = ["req", "-new", "-newkey", "rsa:2048", "-nodes", "-keyout", "tsa.key", "-out", "tsa.csr"];
        openssl(folder.path(), &[&ask[..], &["-subj", "/O=Elsewhere/CN=Time", "-config", "openssl.cnf"]].concat())?;
        let sign = ["x509", "-req", "-in", "tsa.csr", "-CA", "root.pem", "-CAkey", "root.key", "-set_serial", "7"];
        let sign = [&sign[..], &["-days", "3650", "-out", "tsa.pem", "-extfile", "openssl.cnf"]].concat();
        openssl(folder.path(), &[&sign[..], &["-extensions", "tsa"]].concat())?;
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let place = folder.path().to_owned();
        thread::spawn(move || listener.incoming().flatten().for_each(|stream| answer(stream, &place)));
        Some(Self { folder, url })
    }

    fn root(&self) -> PathBuf {
        self.folder.path().join("root.pem")
    }

    /// The list that whoever makes a proof asks by.
    fn list(&self) -> PathBuf {
        let path = self.folder.path().join("authorities");
        let root = fs::read_to_string(self.root()).unwrap();
        fs::write(&path, format!("hizo/authorities/v1\n\nauthority elsewhere\nurl {}\n{root}", self.url)).unwrap();
        path
    }
}

const CONFIGURATION: &str = "
[req]
distinguished_name = name
prompt = no
[name]
O = Elsewhere
[root]
basicConstraints = critical,CA:true
keyUsage = critical,keyCertSign,cRLSign
subjectKeyIdentifier = hash
[tsa]
basicConstraints = critical,CA:false
keyUsage = critical,digitalSignature
extendedKeyUsage = critical,timeStamping
[ts]
default_tsa = authority
[authority]
serial = serial
signer_cert = tsa.pem
signer_key = tsa.key
certs = root.pem
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256, sha384, sha512
accuracy = secs:1
ess_cert_id_chain = no
ess_cert_id_alg = sha256
";

fn openssl(folder: &Path, arguments: &[&str]) -> Option<String> {
    let mut command = Command::new("openssl");
    let Ok(done) = command.current_dir(folder).args(arguments).output() else {
        say_aloud("proofs: openssl is not installed");
        return None;
    };
    assert!(done.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&done.stderr));
    Some(String::from_utf8_lossy(&done.stdout).into_owned())
}

/// One request and its answer, then the connection ends.
fn answer(mut stream: TcpStream, folder: &Path) {
    let mut request = Vec::new();
    let mut piece = [0; 4096];
    let body = loop {
        let Ok(length @ 1..) = stream.read(&mut piece) else { return };
        request.extend_from_slice(&piece[..length]);
        let Some(end) = request.windows(4).position(|window| window == b"\r\n\r\n") else { continue };
        let head = String::from_utf8_lossy(&request[..end]).to_ascii_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length:")).unwrap().trim();
        if request.len() >= end + 4 + length.parse::<usize>().unwrap() {
            break request[end + 4..].to_vec();
        }
    };
    fs::write(folder.join("asked.tsq"), body).unwrap();
    let reply = ["ts", "-reply", "-config", "openssl.cnf", "-section", "authority"];
    openssl(folder, &[&reply[..], &["-queryfile", "asked.tsq", "-out", "answer.tsr"]].concat()).unwrap();
    let answer = fs::read(folder.join("answer.tsr")).unwrap();
    let head = "HTTP/1.1 200 OK\r\nContent-Type: application/timestamp-reply\r\nConnection: close\r\n";
    let _ = stream.write_all(format!("{head}Content-Length: {}\r\n\r\n", answer.len()).as_bytes());
    let _ = stream.write_all(&answer);
}

/// A safe with two deposits of a folder, and a proof of one file of the second.
struct Proved {
    home: Home,
    folder: PathBuf,
    proof: PathBuf,
}

fn proved(more: &[&str]) -> Proved {
    let home = Home::new();
    let folder = home.beside("folder");
    fs::create_dir(folder.join("moulds")).unwrap();
    fs::write(folder.join("moulds/KX-204.dxf"), "a drawing").unwrap();
    fs::write(folder.join("moulds/KX-205.dxf"), "kanarienvogel-77 of another customer").unwrap();
    fs::write(folder.join("recipe.csv"), "1,2,3\n").unwrap();
    home.deposit(&folder, "KX");
    fs::write(folder.join("moulds/KX-204.dxf"), "a better drawing").unwrap();
    home.deposit(&folder, "KX");
    let proof = home.folder.path().join("proof");
    let fixed = ["proof", "latest:KX", "moulds/KX-204.dxf", "--to", proof.to_str().unwrap()];
    home.ok([&fixed[..], more].concat());
    Proved { home, folder, proof }
}

/// `hizo verify` as a stranger runs it: without home or passphrase.
fn verify<A: AsRef<std::ffi::OsStr>>(arguments: impl IntoIterator<Item = A>) -> Said {
    said(program(env!("CARGO_BIN_EXE_hizo")).arg("verify").args(arguments))
}

/// The policy that the proof's own page names: a stranger compares its key with one that he got another way.
fn policy(proved: &Proved) -> PathBuf {
    let settings: Value = serde_json::from_slice(&fs::read(proved.home.path.join("safe.json")).unwrap()).unwrap();
    let page = fs::read_to_string(proved.proof.join("README.md")).unwrap();
    let is_key = |part: &&str| part.starts_with(settings["keeper"].as_str().unwrap()) && part.contains('+');
    let key = page.split([' ', '\n']).find(is_key).unwrap();
    let path = proved.home.folder.path().join("policy");
    fs::write(&path, format!("log {key}\nquorum none\n")).unwrap();
    path
}

#[test]
fn a_proof_with_the_keepers_own_stamp_is_consistent_and_not_independent() {
    let proved = proved(&[]);
    for file in ["record.note", "receipt.note", "checkpoint", "record.tlog-proof", "opening.json", "README.md"] {
        assert!(proved.proof.join(file).is_file(), "{file}");
    }
    assert!(fs::read(proved.proof.join("certificate.pdf")).unwrap().starts_with(b"%PDF"));
    let (policy, file) = (policy(&proved), proved.folder.join("moulds/KX-204.dxf"));
    let said = verify([proved.proof.as_os_str(), file.as_os_str(), "--policy".as_ref(), policy.as_os_str()]);
    assert_eq!(said.code, Some(4), "{said:?}");
    let root = proved.proof.join("stamps/self.pem");
    let said = verify([
        proved.proof.as_os_str(),
        file.as_os_str(),
        "--policy".as_ref(),
        policy.as_os_str(),
        "--roots".as_ref(),
        root.as_os_str(),
    ]);
    assert_eq!(said.code, Some(4), "its root given, a stamp of one's own is still one's own: {said:?}");
    assert!(said.err.contains("self-stamped, not independent"), "{said:?}");
}

#[test]
fn a_proof_that_somebody_else_has_stamped_holds_for_whoever_brings_his_root() {
    let Some(outside) = Outside::start() else { return };
    let list = outside.list();
    let proved = proved(&["--authorities", list.to_str().unwrap()]);
    let (policy, file, root) = (policy(&proved), proved.folder.join("moulds/KX-204.dxf"), outside.root());
    let trusted = ["--policy".as_ref(), policy.as_os_str(), "--roots".as_ref(), root.as_os_str()];
    let said = verify([&[proved.proof.as_os_str(), file.as_os_str()], &trusted[..]].concat());
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(said.out.contains("held, unchanged, at the latest since"), "{said:?}");
    // Another file is not the one that is shown, and that is false and no doubt.
    let other = proved.folder.join("recipe.csv");
    let said = verify([&[proved.proof.as_os_str(), other.as_os_str()], &trusted[..]].concat());
    assert_eq!(said.code, Some(3), "{said:?}");
    // The stock tool agrees, at the time that the page names.
    let page = fs::read_to_string(proved.proof.join("README.md")).unwrap();
    let line = page.lines().find(|line| line.contains("stamps/elsewhere.tsr")).unwrap();
    fs::copy(&root, proved.proof.join("roots.pem")).unwrap();
    let words: Vec<&str> = line.split_whitespace().skip(1).collect();
    assert!(openssl(&proved.proof, &words).unwrap().contains("Verification: OK"), "{line}");
    // What is not shown is in no file of the proof.
    for path in files_below(&proved.proof) {
        let bytes = fs::read(&path).unwrap();
        assert!(!contains(&bytes, b"KX-205") && !contains(&bytes, b"recipe"), "{} tells too much", path.display());
    }
}

#[test]
fn a_proof_of_everything_says_that_it_is_everything_and_hides_what_is_not_shown() {
    let proved = proved(&["--complete", "--show", "content,name"]);
    let said = verify([proved.proof.as_os_str(), "--json".as_ref()]);
    assert_eq!(said.code, Some(4), "{said:?}");
    let opening = fs::read_to_string(proved.proof.join("opening.json")).unwrap();
    assert!(opening.contains("\"complete\"") && opening.contains("KX-204"), "{opening}");
    assert!(!opening.contains("KX-205") && !opening.contains("mtime_ns"), "{opening}");
}

#[test]
fn what_is_not_in_the_deposit_is_not_proved_and_no_folder_is_left() {
    let proved = proved(&[]);
    let nowhere = proved.home.folder.path().join("nowhere");
    let asked = ["proof", "latest:KX", "no such file", "--to", nowhere.to_str().unwrap()];
    proved.home.fails(1, "is not in this deposit", asked);
    assert!(!nowhere.exists());
    // A folder that is there is never written into.
    let asked = ["proof", "latest:KX", "--to", proved.proof.to_str().unwrap()];
    proved.home.fails(1, "is not empty", asked);
}

#[test]
fn a_keeper_whose_log_is_shorter_or_another_than_before_is_not_believed() {
    let home = Home::new();
    let folder = home.beside("folder");
    fs::write(folder.join("a"), "1").unwrap();
    home.deposit(&folder, "KX");
    let older = home.copy();
    fs::write(folder.join("a"), "2").unwrap();
    home.deposit(&folder, "KX");
    // The keeper's folder comes back from an older copy; this machine has seen more.
    fs::remove_dir_all(home.path.join("keeper")).unwrap();
    crate::kit::copy_tree(&older.path.join("keeper"), &home.path.join("keeper"));
    let to = home.folder.path().join("proof");
    let said = home.run(["proof", "latest:KX", "--to", to.to_str().unwrap()]);
    assert_eq!(said.code, Some(5), "{said:?}");
}
