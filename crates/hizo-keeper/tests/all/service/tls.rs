//! TLS over real sockets: what is negotiated, what is refused, and certificates that are replaced.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, SystemTime};

use hizo_keeper::service::{Certificates, TlsError};
use rcgen::{CertificateParams, CertifiedKey, KeyPair, date_time_ymd, generate_simple_self_signed};
use rustls::crypto::{CryptoProvider, SupportedKxGroup, aws_lc_rs};
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, NamedGroup, RootCertStore, StreamOwned};

use super::world::{Running, settings, soon, system_time};

/// Writes a new certificate and its key, and gives the certificate.
fn certify(folder: &Path) -> CertificateDer<'static> {
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed(["keeper.example".to_owned()]).unwrap();
    std::fs::write(folder.join("chain.pem"), cert.pem()).unwrap();
    std::fs::write(folder.join("key.pem"), signing_key.serialize_pem()).unwrap();
    cert.der().clone()
}

fn open(folder: &Path) -> Result<Certificates, TlsError> {
    Certificates::open(&folder.join("chain.pem"), &folder.join("key.pem"))
}

fn client(root: &CertificateDer<'static>, groups: Vec<&'static dyn SupportedKxGroup>) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    roots.add(root.clone()).unwrap();
    let provider = CryptoProvider { kx_groups: groups, ..aws_lc_rs::default_provider() };
    let config = ClientConfig::builder_with_provider(Arc::new(provider)).with_safe_default_protocol_versions().unwrap();
    config.with_root_certificates(roots).with_no_client_auth()
}

/// A connection that is held open.
type Line = StreamOwned<ClientConnection, TcpStream>;

fn line(running: &Running, config: ClientConfig) -> std::io::Result<Line> {
    let name = ServerName::try_from("keeper.example").unwrap();
    let connection = ClientConnection::new(Arc::new(config), name).unwrap();
    let mut line = StreamOwned::new(connection, TcpStream::connect(running.address)?);
    line.conn.complete_io(&mut line.sock)?;
    Ok(line)
}

/// Asks once more on the same connection; the status.
fn ask_on(line: &mut Line) -> std::io::Result<u16> {
    line.write_all(b"GET /health HTTP/1.1\r\nhost: k\r\n\r\n")?;
    let mut answer = Vec::new();
    let mut byte = [0];
    while !answer.ends_with(b"well\n") {
        line.read_exact(&mut byte)?;
        answer.push(byte[0]);
    }
    let head = String::from_utf8(answer).unwrap();
    Ok(head.split(' ').nth(1).unwrap().parse().unwrap())
}

/// What the keeper says over TLS, and the key exchange.
fn ask(running: &Running, config: ClientConfig) -> std::io::Result<(String, NamedGroup)> {
    ask_at(running, "/v1/keeper", config)
}

fn ask_at(running: &Running, path: &str, config: ClientConfig) -> std::io::Result<(String, NamedGroup)> {
    let name = ServerName::try_from("keeper.example").unwrap();
    let connection = ClientConnection::new(Arc::new(config), name).unwrap();
    let mut stream = StreamOwned::new(connection, TcpStream::connect(running.address)?);
    write!(stream, "GET {path} HTTP/1.1\r\nhost: k\r\nconnection: close\r\n\r\n")?;
    let mut answer = Vec::new();
    // Whether the end is said in TLS is of no weight where the length is in the head.
    match stream.read_to_end(&mut answer) {
        Ok(_) => {}
        Err(_) if answer.ends_with(b"}\n") => {}
        Err(error) => return Err(error),
    }
    let group = stream.conn.negotiated_key_exchange_group().unwrap().name();
    Ok((String::from_utf8(answer).unwrap(), group))
}

#[test]
fn a_handshake_is_post_quantum_and_certificates_are_replaced_without_an_end() {
    let folder = tempfile::tempdir().unwrap();
    let first = certify(folder.path());
    let certificates = Arc::new(open(folder.path()).unwrap());
    let keeper = tempfile::tempdir().unwrap();
    let running = Running::start_as(keeper, settings(), Some(Arc::clone(&certificates)));
    // As clients do that know of it: a share of the hybrid comes with the first message.
    let usual = || vec![aws_lc_rs::kx_group::X25519MLKEM768, aws_lc_rs::kx_group::X25519];
    let (answer, group) = ask(&running, client(&first, usual())).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    assert_eq!(group, NamedGroup::X25519MLKEM768);
    // Who knows nothing of it is served all the same.
    assert_eq!(ask(&running, client(&first, vec![aws_lc_rs::kx_group::X25519])).unwrap().1, NamedGroup::X25519);

    assert!(!certificates.refresh().unwrap());
    let second = certify(folder.path());
    // A file may be replaced within one tick of its clock.
    let later = SystemTime::now() + Duration::from_secs(5);
    std::fs::File::options().write(true).open(folder.path().join("key.pem")).unwrap().set_modified(later).unwrap();
    assert!(ask(&running, client(&second, usual())).is_err(), "the new one was not read yet");
    assert!(certificates.refresh().unwrap());
    ask(&running, client(&second, usual())).unwrap();
    assert!(ask(&running, client(&first, usual())).is_err(), "the old one is still shown");

    std::fs::write(folder.path().join("chain.pem"), "no certificate").unwrap();
    assert!(certificates.refresh().is_err());
    assert!(!certificates.refresh().unwrap(), "it is told once");
    ask(&running, client(&second, usual())).unwrap();
    // Plain bytes are no TLS.
    assert_ne!(running.ask("GET", "/v1/keeper", None, b"").status, 200);
}

#[test]
fn a_keeper_that_runs_takes_up_new_certificates_by_itself_and_passes_over_broken_ones() {
    let folder = tempfile::tempdir().unwrap();
    let first = certify(folder.path());
    let mut settings = settings();
    settings.limits.certificates_pause = Duration::from_millis(10);
    let certificates = Arc::new(open(folder.path()).unwrap());
    let running = Running::start_as(tempfile::tempdir().unwrap(), settings, Some(certificates));
    let usual = || vec![aws_lc_rs::kx_group::X25519MLKEM768];
    let told = |event: &str| running.lines.lock().unwrap().iter().filter(|line| line.contains(event)).count();
    let (taken_up, refused) = ("the certificates were read again", "new certificates cannot be used");
    let mut before = line(&running, client(&first, usual())).unwrap();
    assert_eq!(ask_on(&mut before).unwrap(), 200);

    let second = certify(folder.path());
    soon("the new certificate is shown", || line(&running, client(&second, usual())).is_ok());
    assert!(told(taken_up) >= 1);
    assert!(line(&running, client(&first, usual())).is_err(), "the old one is still shown");
    assert_eq!(ask_on(&mut before).unwrap(), 200, "who was there before is sent away");

    // Between two files, one of them is not yet the other's: that may have been told, too.
    let refusals = told(refused);
    // At one moment: a file that is half written would be told apart from what it becomes.
    std::fs::write(folder.path().join("new"), "no certificate").unwrap();
    std::fs::rename(folder.path().join("new"), folder.path().join("chain.pem")).unwrap();
    soon("it says so", || told(refused) > refusals);
    let last = running.lines.lock().unwrap().iter().rfind(|line| line.contains(refused)).unwrap().clone();
    assert!(last.contains("\"Pem\""), "{last}");
    let mut after = line(&running, client(&second, usual())).unwrap();
    for line in [&mut before, &mut after] {
        assert_eq!(ask_on(line).unwrap(), 200);
    }
    assert_eq!(told(refused), refusals + 1, "it is told once");

    let third = certify(folder.path());
    soon("what is mended is taken up", || line(&running, client(&third, usual())).is_ok());
}

#[test]
fn when_the_certificate_ends_is_counted_and_told_once_a_day_in_its_last_two_weeks() {
    let folder = tempfile::tempdir().unwrap();
    let (mut of, key) = (CertificateParams::new(["keeper.example".to_owned()]).unwrap(), KeyPair::generate().unwrap());
    let ends = 2_208_988_800;
    of.not_after = date_time_ymd(2040, 1, 1);
    let root = of.self_signed(&key).unwrap();
    std::fs::write(folder.path().join("chain.pem"), root.pem()).unwrap();
    std::fs::write(folder.path().join("key.pem"), key.serialize_pem()).unwrap();
    let mut settings = settings();
    settings.limits.certificates_pause = Duration::from_millis(10);
    settings.metrics = true;
    let certificates = Arc::new(open(folder.path()).unwrap());
    let running = Running::start_as(tempfile::tempdir().unwrap(), settings, Some(certificates));
    let usual = || vec![aws_lc_rs::kx_group::X25519MLKEM768];
    let said = format!("\nhizo_certificate_ends_seconds {ends}\n");
    soon("its end is counted", || ask_at(&running, "/metrics", client(root.der(), usual())).unwrap().0.contains(&said));
    let told = |event: &str| running.lines.lock().unwrap().iter().filter(|line| line.contains(event)).count();
    let goes_to = |time: u64| running.ahead.store(time - system_time(), Ordering::Relaxed);
    let day = 24 * 60 * 60;
    let over = "the certificate has ended";
    assert_eq!((told("certificate ends"), told(over)), (0, 0));
    goes_to(ends - 13 * day - 60);
    soon("it is told", || told("the certificate ends soon") == 1);
    assert_eq!(told("in 13 days"), 1, "{:?}", running.lines.lock().unwrap());
    goes_to(ends - 12 * day - 30);
    soon("it is told the next day", || told("in 12 days") == 1);
    goes_to(ends + day);
    soon("its end is told", || told(over) == 1);
    assert_eq!(told("the certificate ends soon"), 2, "it was told again and again");
}

#[test]
fn files_that_are_no_certificate_and_its_key_are_refused() {
    let (folder, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    assert!(matches!(open(folder.path()), Err(TlsError::File { .. })));
    certify(folder.path());
    certify(other.path());
    open(folder.path()).unwrap();
    std::fs::copy(other.path().join("key.pem"), folder.path().join("key.pem")).unwrap();
    assert!(matches!(open(folder.path()), Err(TlsError::Key)));
    std::fs::write(folder.path().join("key.pem"), "no key").unwrap();
    assert!(matches!(open(folder.path()), Err(TlsError::Pem { .. })));
    std::fs::write(folder.path().join("chain.pem"), "").unwrap();
    assert!(matches!(open(folder.path()), Err(TlsError::Pem { .. })));
    std::fs::write(folder.path().join("chain.pem"), vec![b'a'; (1 << 20) + 1]).unwrap();
    assert!(matches!(open(folder.path()), Err(TlsError::Pem { .. })));
}
