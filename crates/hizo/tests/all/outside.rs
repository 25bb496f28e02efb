//! Time-stamp authorities of somebody else, for tests of the whole program.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;

use tempfile::TempDir;

use crate::kit::say_aloud;

/// A time-stamp authority of somebody else: `openssl ts` behind a socket of this machine.
pub(crate) struct Outside {
    pub(crate) folder: TempDir,
    name: &'static str,
    url: String,
}

impl Outside {
    /// Starts one whose certificate is good for ten years; `None` where there is no `openssl`.
    pub(crate) fn start() -> Option<Self> {
        Self::good_for("elsewhere", 3650)
    }

    /// Starts one under this name, whose certificate is good for so many days.
    pub(crate) fn good_for(name: &'static str, days: u32) -> Option<Self> {
        let days = days.to_string();
        let folder = tempfile::tempdir().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let lists = format!("[tsa]\ncrlDistributionPoints = URI:{url}list.crl\n");
        fs::write(folder.path().join("openssl.cnf"), CONFIGURATION.replacen("[tsa]\n", &lists, 1)).unwrap();
        fs::write(folder.path().join("serial"), "01\n").unwrap();
        fs::write(folder.path().join("index.txt"), "").unwrap();
        fs::write(folder.path().join("crlnumber"), "01\n").unwrap();
        let root = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "root.key", "-out", "root.pem"];
        let root = [&root[..], &["-days", "3650", "-subj", ROOT, "-config", "openssl.cnf"]].concat();
        openssl(folder.path(), &[&root[..], &["-extensions", "root"]].concat())?;
        let ask = ["req", "-new", "-newkey", "rsa:2048", "-nodes", "-keyout", "tsa.key", "-out", "tsa.csr"];
        openssl(folder.path(), &[&ask[..], &["-subj", "/O=Elsewhere/CN=Time", "-config", "openssl.cnf"]].concat())?;
        let sign = ["x509", "-req", "-in", "tsa.csr", "-CA", "root.pem", "-CAkey", "root.key", "-set_serial", "7"];
        let sign = [&sign[..], &["-days", &days, "-out", "tsa.pem", "-extfile", "openssl.cnf"]].concat();
        openssl(folder.path(), &[&sign[..], &["-extensions", "tsa"]].concat())?;
        let place = folder.path().to_owned();
        make_list(&place)?;
        thread::spawn(move || listener.incoming().flatten().for_each(|stream| answer(stream, &place)));
        Some(Self { folder, name, url })
    }

    /// Revokes the certificate that stamps, and gives the new list.
    pub(crate) fn revoke(&self, reason: &str) -> PathBuf {
        let revoke = ["ca", "-config", "openssl.cnf", "-name", "lists", "-revoke", "tsa.pem", "-crl_reason", reason];
        openssl(self.folder.path(), &revoke).unwrap();
        make_list(self.folder.path()).unwrap();
        self.folder.path().join("list.pem")
    }

    pub(crate) fn root(&self) -> PathBuf {
        self.folder.path().join("root.pem")
    }

    /// The list that whoever makes a proof asks by.
    pub(crate) fn list(&self) -> PathBuf {
        list(&[self])
    }
}

/// Makes the list of what is revoked, as it is served.
fn make_list(folder: &Path) -> Option<()> {
    let make = ["ca", "-config", "openssl.cnf", "-name", "lists", "-gencrl", "-out", "list.pem"];
    openssl(folder, &make)?;
    openssl(folder, &["crl", "-in", "list.pem", "-outform", "DER", "-out", "list.crl"]).map(drop)
}

/// A list of several.
pub(crate) fn list(authorities: &[&Outside]) -> PathBuf {
    let mut text = "hizo/authorities/v1\n".to_owned();
    for Outside { folder, name, url } in authorities {
        let root = fs::read_to_string(folder.path().join("root.pem")).unwrap();
        text += &format!("\nauthority {name}\nurl {url}\n{root}");
    }
    let path = authorities[0].folder.path().join("authorities");
    fs::write(&path, text).unwrap();
    path
}

/// A long name: the stock tool puts the certificates of an answer in no order, and only if the root's is the longer one is that
/// the order of DER, on which other readers insist.
const ROOT: &str = concat!(
    "/O=Elsewhere/OU=A root whose certificate is longer than the one beneath it",
    "/OU=because its name stands twice in it/CN=Root"
);

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
[lists]
database = index.txt
crlnumber = crlnumber
certificate = root.pem
private_key = root.key
default_md = sha256
default_crl_days = 30
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

pub(crate) fn openssl(folder: &Path, arguments: &[&str]) -> Option<String> {
    let mut command = Command::new("openssl");
    let Ok(done) = command.current_dir(folder).args(arguments).output() else {
        say_aloud("stamps: openssl is not installed");
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
        if head.starts_with("get /list.crl ") {
            return respond(stream, "application/pkix-crl", &fs::read(folder.join("list.crl")).unwrap());
        }
        let length = head.lines().find_map(|line| line.strip_prefix("content-length:")).unwrap().trim();
        if request.len() >= end + 4 + length.parse::<usize>().unwrap() {
            break request[end + 4..].to_vec();
        }
    };
    fs::write(folder.join("asked.tsq"), body).unwrap();
    let reply = ["ts", "-reply", "-config", "openssl.cnf", "-section", "authority"];
    openssl(folder, &[&reply[..], &["-queryfile", "asked.tsq", "-out", "answer.tsr"]].concat()).unwrap();
    let answer = fs::read(folder.join("answer.tsr")).unwrap();
    respond(stream, "application/timestamp-reply", &answer);
}

fn respond(mut stream: TcpStream, kind: &str, body: &[u8]) {
    let head = format!("HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nConnection: close\r\n");
    let _ = stream.write_all(format!("{head}Content-Length: {}\r\n\r\n", body.len()).as_bytes());
    let _ = stream.write_all(body);
}
