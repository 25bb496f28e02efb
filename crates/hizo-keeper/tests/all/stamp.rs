//! Stamps by the keeper's own authority, read by other programs, and outside authorities that do all that they should not.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use hizo_keeper::stamp::{Answer, Client, Error, LocalAuthority, Patience, StampSeeds};
use hizo_ledger::timestamp::{
    Authority, DigestAlgorithm, Error as Rule, Expected, Failure, Imprint, Moment, Nonce, Oid, Request,
    SELF_STAMP_POLICY, Token, certificates_to_pem, parse_response, rejected,
};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use crate::kit::{FIRST_SECOND, origin, say_aloud};

const DATA: &[u8] = b"local.hizo/7369787465656e206279746573212121\n42\nroot\n";

fn now() -> Moment {
    Moment::from_unix(FIRST_SECOND, 250_000_000).unwrap()
}

fn bytes<const N: usize>(what: &str) -> [u8; N] {
    Sha256::digest(format!("hizo test key: {what}"))[..N].try_into().unwrap()
}

fn seeds(who: &str) -> StampSeeds {
    StampSeeds {
        key: Zeroizing::new(bytes(&format!("stamp key of {who}"))),
        root_key: Zeroizing::new(bytes(&format!("root key of {who}"))),
        serial: bytes(&format!("serial of {who}")),
        root_serial: bytes(&format!("root serial of {who}")),
    }
}

pub(crate) fn authority(who: &str) -> LocalAuthority {
    authority_from(who, now())
}

/// One whose certificates begin at this moment.
pub(crate) fn authority_from(who: &str, begins: Moment) -> LocalAuthority {
    let folder = tempfile::tempdir().unwrap();
    LocalAuthority::init(folder.path(), &origin(), &seeds(who), begins).unwrap()
}

fn nonce() -> Nonce {
    Nonce::from_random(*b"only for a test!")
}

fn request(algorithm: DigestAlgorithm, certificates: bool) -> Request {
    Request { imprint: Imprint::of(algorithm, DATA), policy: None, nonce: Some(nonce()), certificates }
}

fn answer(authority: &LocalAuthority, request: &Request) -> Vec<u8> {
    authority.answer(&request.to_der(), now(), bytes("serial")).unwrap()
}

fn verify(response: &[u8], authority: &LocalAuthority, certificates: &[Vec<u8>]) -> Result<Token, Rule> {
    let authorities = [authority.authority().unwrap()];
    let nonce = nonce();
    parse_response(response)?.verify(&Expected {
        data: DATA,
        nonce: Some(&nonce),
        certificates,
        authorities: &authorities,
    })
}

#[test]
fn a_self_stamp_verifies_and_says_what_it_is() {
    let authority = authority("one");
    for algorithm in DigestAlgorithm::ALL {
        let token = verify(&answer(&authority, &request(algorithm, true)), &authority, &[]).unwrap();
        assert!(!token.is_independent());
        assert_eq!((token.time(), token.latest()), (now(), now().plus(1, 0)));
        assert_eq!((token.policy(), token.authority()), (&SELF_STAMP_POLICY, "self"));
        assert!(token.subject().ends_with("CN=self-stamps (not independent)"), "{}", token.subject());
        assert_eq!(token.info().imprint.algorithm(), algorithm);
        assert_eq!(token.chain(), [authority.certificate().to_vec(), authority.root().to_vec()]);
        assert_eq!(token.ends(), authority.ends());
    }
    let years = (authority.ends().unix_seconds() - now().unix_seconds()) / 86_400 / 365;
    assert_eq!(years, 10);
}

#[test]
fn certificates_come_when_they_are_asked_for_and_only_then() {
    let authority = authority("one");
    let (with, without) =
        [true, false].map(|asked| answer(&authority, &request(DigestAlgorithm::Sha256, asked))).into();
    let holds =
        |response: &[u8]| response.windows(authority.certificate().len()).any(|it| it == authority.certificate());
    assert_eq!((holds(&with), holds(&without)), (true, false));
    assert_eq!(verify(&without, &authority, &[]).err(), Some(Rule::SignerNotFound));
    assert!(verify(&without, &authority, &[authority.certificate().to_vec()]).is_ok());
}

#[test]
fn a32_a_self_stamp_is_not_independent_whoever_brings_its_root() {
    let (one, other) = (authority("one"), authority("other"));
    let response = answer(&one, &request(DigestAlgorithm::Sha256, true));
    assert_eq!(verify(&response, &other, &[]).err(), Some(Rule::ChainSignature));
    let brought = Authority::new("whoever", &[one.root().to_vec()]).unwrap();
    let expected = Expected { data: DATA, nonce: None, certificates: &[], authorities: &[brought] };
    assert!(!parse_response(&response).unwrap().verify(&expected).unwrap().is_independent());
}

#[test]
fn any_flipped_byte_of_a_self_stamp_is_refused_or_changes_nothing() {
    let authority = authority("one");
    let mut response = answer(&authority, &request(DigestAlgorithm::Sha256, true));
    let right = verify(&response, &authority, &[]).unwrap();
    for place in 0..response.len() {
        for mask in [0x01, 0x20, 0x80] {
            response[place] ^= mask;
            if let Ok(token) = verify(&response, &authority, &[]) {
                assert_eq!((token.info(), token.chain()), (right.info(), right.chain()), "byte {place} by {mask:#x}");
            }
            response[place] ^= mask;
        }
    }
}

#[test]
fn what_is_not_in_order_is_refused_in_the_answer() {
    let authority = authority("one");
    let refused =
        |request: &[u8], time: Moment| match parse_response(&authority.answer(request, time, bytes("serial")).unwrap())
        {
            Err(Rule::Rejected { failure }) => failure,
            other => panic!("{other:?}"),
        };
    let right = request(DigestAlgorithm::Sha256, true).to_der();
    // SHA-256 becomes an unknown function, the version 2, and an extension stands at the end.
    let place = right.windows(3).position(|window| window == [4, 2, 1]).unwrap() + 2;
    let changed = |place: usize, to: u8| [&right[..place], &[to], &right[place + 1..]].concat();
    assert_eq!(refused(&changed(place, 9), now()), Failure::BadAlgorithm);
    assert_eq!(refused(&changed(4, 2), now()), Failure::BadRequest);
    let extended = [&[0x30, right[1] + 2][..], &right[2..], &[0xa0, 0]].concat();
    assert_eq!(refused(&extended, now()), Failure::UnacceptedExtension);
    assert_eq!(refused(b"any", now()), Failure::BadDataFormat);
    assert_eq!(refused(&vec![0; 10_000], now()), Failure::BadDataFormat);
    let policy =
        |text: &str| Request { policy: Some(Oid::parse(text).unwrap()), ..request(DigestAlgorithm::Sha256, true) };
    assert_eq!(refused(&policy("1.2.3").to_der(), now()), Failure::UnacceptedPolicy);
    let own = policy(&SELF_STAMP_POLICY.to_string());
    assert!(verify(&answer(&authority, &own), &authority, &[]).is_ok());
    // A clock that went back before the certificate began, and one past its end.
    for time in [Moment::from_unix(FIRST_SECOND - 1, 0).unwrap(), authority.ends().plus(1, 0)] {
        assert_eq!(refused(&right, time), Failure::TimeNotAvailable);
    }
}

#[test]
fn an_authority_is_set_up_once_and_opened_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    assert!(LocalAuthority::open(folder.path()).unwrap().is_none());
    let first = LocalAuthority::init(folder.path(), &origin(), &seeds("one"), now()).unwrap();
    let again = LocalAuthority::init(folder.path(), &origin(), &seeds("another"), now().plus(5, 0)).unwrap();
    let opened = LocalAuthority::open(folder.path()).unwrap().unwrap();
    assert_eq!((first.root(), first.certificate()), (again.root(), again.certificate()));
    assert_eq!((first.root(), first.certificate()), (opened.root(), opened.certificate()));
    assert!(verify(&answer(&opened, &request(DigestAlgorithm::Sha256, true)), &first, &[]).is_ok());
    let names: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["stamp.key"]);
}

#[test]
fn the_roots_key_is_in_no_file() {
    let folder = tempfile::tempdir().unwrap();
    LocalAuthority::init(folder.path(), &origin(), &seeds("one"), now()).unwrap();
    let text = fs::read_to_string(folder.path().join("stamp.key")).unwrap();
    let digits = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    assert!(text.contains(&digits(seeds("one").key.as_slice())));
    assert!(!text.contains(&digits(seeds("one").root_key.as_slice())));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = fs::metadata(folder.path().join("stamp.key")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}

#[test]
fn a_damaged_file_is_no_authority() {
    let folder = tempfile::tempdir().unwrap();
    LocalAuthority::init(folder.path(), &origin(), &seeds("one"), now()).unwrap();
    let other = tempfile::tempdir().unwrap();
    LocalAuthority::init(other.path(), &origin(), &seeds("another"), now()).unwrap();
    let path = folder.path().join("stamp.key");
    let (right, foreign) =
        (fs::read_to_string(&path).unwrap(), fs::read_to_string(other.path().join("stamp.key")).unwrap());
    let swapped = [right.split_once('\n').unwrap().0, foreign.split_once('\n').unwrap().1].join("\n");
    let half = right[..right.len() / 2].to_owned();
    for wrong in
        [String::new(), right[1..].to_owned(), half, swapped, right.to_uppercase(), format!("{right}{foreign}")]
    {
        fs::write(&path, &wrong).unwrap();
        assert!(matches!(LocalAuthority::open(folder.path()), Err(Error::Damaged)), "{wrong}");
    }
}

/// Data, root, chain and two answers, of which the second carries no certificate.
fn lay(folder: &Path, authority: &LocalAuthority) {
    fs::write(folder.join("data"), DATA).unwrap();
    fs::write(folder.join("root.pem"), certificates_to_pem(&[authority.root().to_vec()])).unwrap();
    fs::write(folder.join("chain.pem"), certificates_to_pem(&[authority.certificate().to_vec()])).unwrap();
    fs::write(folder.join("query.tsq"), request(DigestAlgorithm::Sha256, true).to_der()).unwrap();
    fs::write(folder.join("with.tsr"), answer(authority, &request(DigestAlgorithm::Sha256, true))).unwrap();
    fs::write(folder.join("sha512.tsr"), answer(authority, &request(DigestAlgorithm::Sha512, true))).unwrap();
    fs::write(folder.join("without.tsr"), answer(authority, &request(DigestAlgorithm::Sha256, false))).unwrap();
}

/// What a program says, or that it is missing.
fn run(folder: &Path, program: &str, arguments: &[&str]) -> Option<Output> {
    match Command::new(program).current_dir(folder).args(arguments).output() {
        Ok(output) => Some(output),
        Err(error) => {
            say_aloud(&format!("{program} is not here ({error})"));
            None
        }
    }
}

#[test]
fn the_stock_tool_verifies_our_stamps() {
    let folder = tempfile::tempdir().unwrap();
    lay(folder.path(), &authority("one"));
    let at = FIRST_SECOND.to_string();
    let says = |what: &[&str], answer: &str, at: &str| {
        let chain = ["-CAfile", "root.pem", "-untrusted", "chain.pem", "-attime", at];
        let arguments = [&["ts", "-verify", "-in", answer][..], what, &chain].concat();
        run(folder.path(), "openssl", &arguments).map(|output| output.status.success())
    };
    if says(&["-data", "data"], "with.tsr", &at).is_none() {
        return;
    }
    for answer in ["with.tsr", "without.tsr", "sha512.tsr"] {
        assert_eq!(says(&["-data", "data"], answer, &at), Some(true), "{answer}");
        assert_eq!(says(&["-data", "root.pem"], answer, &at), Some(false), "{answer}");
    }
    assert_eq!(says(&["-queryfile", "query.tsq"], "with.tsr", &at), Some(true));
    // Thirty years later the certificates have ended: the stamp's own time must be given.
    let later = (FIRST_SECOND + 30 * 365 * 86_400).to_string();
    assert_eq!(says(&["-data", "data"], "with.tsr", &later), Some(false));
}

#[test]
fn another_implementation_verifies_our_stamps() {
    let folder = tempfile::tempdir().unwrap();
    lay(folder.path(), &authority("one"));
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/interop/rfc3161.py");
    let verify = |roots: &str, nonce: &str, answers: &[&str]| {
        let mut python = Command::new("python3");
        python.current_dir(folder.path()).env("PYTHONPATH", root.join("target/pypi")).arg(&script);
        python.args(["data", roots, nonce]).args(answers).output()
    };
    let answers = ["with.tsr", "sha512.tsr"];
    let number: String = b"only for a test!".iter().map(|byte| format!("{byte:02x}")).collect();
    let said = match verify("root.pem", &number, &answers) {
        Ok(said) if said.status.code() != Some(77) => said,
        missing => {
            say_aloud(&format!("rfc3161-client is absent ({missing:?}); run tests/interop/install.sh"));
            return;
        }
    };
    let text = String::from_utf8_lossy(&said.stdout);
    assert_eq!(text.matches("verified").count(), answers.len(), "{}", String::from_utf8_lossy(&said.stderr));
    let stranger = tempfile::tempdir().unwrap();
    lay(stranger.path(), &authority("another"));
    let stranger = stranger.path().join("root.pem");
    assert!(!verify(stranger.to_str().unwrap(), &number, &answers).unwrap().status.success());
    assert!(!verify("root.pem", "7", &answers).unwrap().status.success());
}

/// An authority on this machine, which answers its nth request with these bytes.
pub(crate) struct Server {
    pub(crate) url: String,
    asked: Arc<AtomicUsize>,
}

impl Server {
    pub(crate) fn start(answers: impl Fn(usize, &[u8]) -> Vec<u8> + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/stamp", listener.local_addr().unwrap());
        let asked = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&asked);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(mut stream) = stream else { return };
                let Some(request) = read_request(&mut stream) else { continue };
                let answer = answers(count.fetch_add(1, Ordering::SeqCst), &request);
                if answer.is_empty() {
                    // Neither an answer nor an end: the client must get tired of it.
                    std::mem::forget(stream);
                } else {
                    let _ = stream.write_all(&answer);
                }
            }
        });
        Self { url, asked }
    }

    pub(crate) fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

fn read_request(stream: &mut TcpStream) -> Option<Vec<u8>> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).ok()?;
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).ok()?.to_lowercase();
    assert!(head.starts_with("post /stamp http/1.1\r\n") && head.contains("content-type: application/timestamp-query"));
    let length = head.split("content-length: ").nth(1)?.split("\r\n").next()?.parse().ok()?;
    let mut body = vec![0; length];
    stream.read_exact(&mut body).ok()?;
    Some(body)
}

pub(crate) fn http(status: &str, kind: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let head =
        format!("HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n");
    [head.as_bytes(), body].concat()
}

fn reply(body: &[u8]) -> Vec<u8> {
    http("200 OK", "application/timestamp-reply", body)
}

/// A right answer to any request.
pub(crate) fn right(authority: &LocalAuthority, request: &[u8]) -> Vec<u8> {
    reply(&authority.answer(request, now(), bytes("serial")).unwrap())
}

fn ask_with(
    patience: &Patience,
    server: &Server,
    change: impl FnOnce(Authority) -> Authority,
) -> Result<Answer, Error> {
    let listed = Authority::new("outside", &[authority("one").root().to_vec()]).unwrap().at(&server.url);
    let mut number = 0;
    let mut random = || {
        number += 1;
        [number; 16]
    };
    Client::new(patience).stamp(&change(listed), DATA, now(), &mut random)
}

fn patience() -> Patience {
    let second = Duration::from_secs(10);
    Patience { connect: second, answer: second, between: vec![Duration::ZERO; 2] }
}

fn ask(server: &Server) -> Result<Answer, Error> {
    ask_with(&patience(), server, |authority| authority)
}

#[test]
fn a_stamp_that_an_authority_gives_is_verified_and_handed_on_as_it_came() {
    let one = authority("one");
    let server = Server::start(move |_, request| right(&one, request));
    let answer = ask(&server).unwrap();
    assert_eq!((answer.token.time(), answer.token.authority()), (now(), "outside"));
    let authorities = [Authority::new("again", &[authority("one").root().to_vec()]).unwrap()];
    let expected = Expected { data: DATA, nonce: None, certificates: &[], authorities: &authorities };
    assert!(parse_response(&answer.response).unwrap().verify(&expected).is_ok());
    assert_eq!(server.asked(), 1);
}

#[test]
fn what_passes_is_asked_again_with_another_nonce() {
    let one = authority("one");
    let nonces = Arc::new(std::sync::Mutex::new(Vec::new()));
    let seen = Arc::clone(&nonces);
    let server = Server::start(move |number, request| {
        seen.lock().unwrap().push(Request::parse(request).unwrap().nonce.unwrap());
        match number {
            0 => http("503 Service Unavailable", "text/plain", b"later"),
            1 => reply(&rejected(Failure::TimeNotAvailable)),
            _ => right(&one, request),
        }
    });
    assert!(ask(&server).is_ok());
    let nonces = nonces.lock().unwrap();
    assert_eq!(nonces.len(), 3);
    assert!(nonces[0] != nonces[1] && nonces[1] != nonces[2] && nonces[0] != nonces[2]);
}

#[test]
fn an_authority_that_stays_away_is_given_up_after_the_last_try() {
    let server = Server::start(|_, _| http("500 Internal Server Error", "text/plain", b""));
    assert!(matches!(ask(&server), Err(Error::Http { status: 500 })));
    assert_eq!(server.asked(), 3);
    let gone = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let gone = Server { url: format!("http://{gone}/stamp"), asked: Arc::default() };
    assert!(matches!(ask(&gone), Err(Error::Unreachable(_))));
}

#[test]
fn an_authority_that_never_answers_costs_no_more_than_the_patience() {
    let server = Server::start(|_, _| Vec::new());
    let brief = Patience { answer: Duration::from_millis(100), between: vec![Duration::ZERO], ..patience() };
    assert!(matches!(ask_with(&brief, &server, |authority| authority), Err(Error::Unreachable(_))));
    assert_eq!(server.asked(), 2);
}

#[test]
fn a42_an_answer_that_does_not_verify_is_not_handed_on_and_not_asked_for_again() {
    let refused = |answers: Box<dyn Fn(&LocalAuthority, &[u8]) -> Vec<u8> + Send>, who: &str| {
        let authority = authority(who);
        let server = Server::start(move |_, request| answers(&authority, request));
        let error = ask(&server).unwrap_err();
        assert_eq!(server.asked(), 1, "{error:?}");
        error
    };
    let with = |change: fn(&mut Request)| -> Box<dyn Fn(&LocalAuthority, &[u8]) -> Vec<u8> + Send> {
        Box::new(move |authority, request| {
            let mut request = Request::parse(request).unwrap();
            change(&mut request);
            right(authority, &request.to_der())
        })
    };
    let rule = |error: Error| match error {
        Error::Refused(rule) => rule,
        other => panic!("{other:?}"),
    };
    let other_nonce = with(|request| request.nonce = Some(Nonce::from_random([9; 16])));
    assert_eq!(rule(refused(other_nonce, "one")), Rule::Nonce);
    assert_eq!(rule(refused(with(|request| request.nonce = None), "one")), Rule::NonceMissing);
    let other_data = with(|request| request.imprint = Imprint::of(DigestAlgorithm::Sha256, b"other"));
    assert_eq!(rule(refused(other_data, "one")), Rule::Imprint);
    assert_eq!(rule(refused(with(|request| request.certificates = false), "one")), Rule::SignerNotFound);
    assert_eq!(rule(refused(with(|_| {}), "another")), Rule::ChainSignature);
    let rejection: Box<dyn Fn(&LocalAuthority, &[u8]) -> Vec<u8> + Send> =
        Box::new(|_, _| reply(&rejected(Failure::BadAlgorithm)));
    assert_eq!(rule(refused(rejection, "one")), Rule::Rejected { failure: Failure::BadAlgorithm });
    let long = Box::new(|_: &LocalAuthority, _: &[u8]| reply(&vec![0; 1 << 20]));
    assert_eq!(rule(refused(long, "one")), Rule::TooLong);
    let page = Box::new(|_: &LocalAuthority, _: &[u8]| http("200 OK", "text/html", b"<p>sign in"));
    assert!(matches!(refused(page, "one"), Error::NotAReply));
    let elsewhere = Box::new(|_: &LocalAuthority, _: &[u8]| {
        b"HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:9/\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
            .to_vec()
    });
    assert!(matches!(refused(elsewhere, "one"), Error::Http { status: 302 }));
}

#[test]
fn an_authority_out_of_office_or_without_address_is_not_asked() {
    let one = authority("one");
    let server = Server::start(move |_, request| right(&one, request));
    let until = Moment::from_unix(FIRST_SECOND - 1, 0);
    let retired = ask_with(&patience(), &server, |authority| authority.within(None, until));
    assert!(matches!(retired, Err(Error::NotInOffice)));
    let nowhere = Authority::new("nowhere", &[authority("one").root().to_vec()]).unwrap();
    let asked = Client::new(&patience()).stamp(&nowhere, DATA, now(), &mut || [0; 16]);
    assert!(matches!(asked, Err(Error::NoAddress)));
    for address in ["https://127.0.0.1/stamp", "127.0.0.1", "", "http://", "http://a b/"] {
        let wrong = ask_with(&patience(), &server, |authority| authority.at(address));
        assert!(matches!(wrong, Err(Error::Address)), "{address:?}: {wrong:?}");
    }
    assert_eq!(server.asked(), 0);
}

#[test]
fn an_authority_is_asked_for_its_policy_and_no_other_is_taken() {
    let one = authority("one");
    let server = Server::start(move |_, request| {
        let mut request = Request::parse(request).unwrap();
        assert_eq!(request.policy.take(), Oid::parse("1.2.3.4").ok());
        right(&one, &request.to_der())
    });
    let asked = ask_with(&patience(), &server, |authority| authority.under(Oid::parse("1.2.3.4").unwrap()));
    assert!(matches!(asked, Err(Error::Refused(Rule::Policy))));
}

#[test]
fn one_authority_that_fails_keeps_no_other_from_stamping() {
    let one = authority("one");
    let failing = Server::start(|_, _| http("404 Not Found", "text/plain", b""));
    let server = Server::start(move |_, request| right(&one, request));
    let root = [authority("one").root().to_vec()];
    let listed = |name, server: &Server| Authority::new(name, &root).unwrap().at(&server.url);
    let authorities = [listed("failing", &failing), listed("working", &server)];
    let answers = Client::new(&patience()).stamp_by_all(&authorities, DATA, now(), &mut || [7; 16]);
    let outcome: Vec<_> = answers.iter().map(|(authority, answer)| (authority.name(), answer.is_ok())).collect();
    assert_eq!(outcome, [("failing", false), ("working", true)]);
}

/// The vector `keeper` of vectors/timestamp/v1, which the ledger's tests read.
fn vector(ending: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../vectors/timestamp/v1").join(ending)
}

#[test]
#[ignore = "writes a vector, another one each time"]
fn write_a_stamp_of_a_keeper() {
    let authority = authority("one");
    let data = fs::read(vector("checkpoint")).unwrap();
    let imprint = Imprint::of(DigestAlgorithm::Sha256, &data);
    let request = Request { imprint, policy: None, nonce: Some(nonce()), certificates: true };
    let response = authority.answer(&request.to_der(), now(), bytes("serial")).unwrap();
    fs::write(vector("accepted/keeper.tsr"), response).unwrap();
    let root = certificates_to_pem(&[authority.root().to_vec()]);
    fs::write(vector("accepted/keeper.list"), format!("hizo/authorities/v1\n\nauthority keeper\n{root}")).unwrap();
}
