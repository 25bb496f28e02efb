//! The vectors of docs/spec/timestamp.md: those by our own test keys are made again and must be the same to the byte,
//! and each is judged as its index says.
//!
//! `cargo test -p hizo-ledger -- --ignored write_the_stamps` writes them. Those by other programs are made once, by
//! vectors/timestamp/v1/others.sh.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use hizo_ledger::timestamp::der::{self, tag};
use hizo_ledger::timestamp::{
    Accuracy, Authority, CERTIFICATES_MAX, DigestAlgorithm, EXTENSIONS_MAX, Error, Expected, Failure, Imprint, Info,
    Moment, Nonce, Oid, SELF_STAMP_POLICY, SIGNED_ATTRIBUTES_MAX, Token, UnverifiedToken, certificates_from_pem,
    certificates_to_pem, granted, parse_response, rejected,
};

use super::forge::{
    CONTENT_TYPE, Certificate, Forge, MESSAGE_DIGEST, RSA_PSS, RSA_SHA1, RSA_SHA256, RSA_SHA512, SERVER,
    SIGNING_CERTIFICATE_V2, TIME_STAMPING, TST_INFO, attribute, bound, concat, constraints, data, ess, extension,
    folder, info, list, lists, name, nonce, octets, oid, other_root, purposes, revocation_list, rsa, time, usage,
};

/// Those that stand beside ours, by other programs: name and what they show.
const OTHERS: [(&str, &str); 4] = [
    ("openssl_rsa", "RSA of 2048 bits, SHA-256, milliseconds"),
    ("openssl_p256", "ECDSA over P-256, SHA-512 of the data, microseconds"),
    ("openssl_p384", "ECDSA over P-384 with SHA-384"),
    ("keeper", "a keeper's own stamp, which is not independent"),
];

#[derive(Clone)]
pub(super) struct Vector {
    pub(super) name: &'static str,
    /// One sentence: what it shows, or its one fault.
    says: &'static str,
    pub(super) bytes: Vec<u8>,
    /// The authorities that count.
    list: &'static str,
    /// Whether the nonce is asked for.
    asked: bool,
    /// Whether the verifier brings the chain's certificates.
    helped: bool,
    /// The rule that must refuse it; accepted without.
    rule: Option<&'static str>,
}

/// What a vector is held against, besides the data.
pub(super) struct Against {
    data: Vec<u8>,
    nonce: Option<Nonce>,
    certificates: Vec<Vec<u8>>,
    authorities: Vec<Authority>,
}

impl Against {
    pub(super) fn of(vector: &Vector) -> Self {
        let chain = [Certificate::signer().to_der(), Certificate::issuer().to_der()];
        let certificates = if vector.helped { chain.to_vec() } else { Vec::new() };
        Self { data: data(), nonce: vector.asked.then(nonce), certificates, authorities: list(vector.list) }
    }

    pub(super) fn judge(&self, bytes: &[u8]) -> Result<Token, Error> {
        let Self { data, nonce, certificates, authorities } = self;
        parse_response(bytes)?.verify(&Expected { data, nonce: nonce.as_ref(), certificates, authorities })
    }
}

fn judge(vector: &Vector) -> Result<Token, Error> {
    Against::of(vector).judge(&vector.bytes)
}

/// The rule's name: the first word of the error as it is written in the code.
fn word(error: Error) -> String {
    let text = format!("{error:?}");
    text.split(|character: char| !character.is_ascii_alphanumeric()).next().unwrap().to_owned()
}

#[test]
fn stamp_vectors_are_judged_as_their_index_says() {
    for vector in vectors() {
        match (judge(&vector), vector.rule) {
            (Ok(token), None) => {
                assert_eq!(token.info().imprint.algorithm().hash(&data()), token.info().imprint.hash())
            }
            (Ok(_), Some(rule)) => panic!("{} was accepted, against {rule}", vector.name),
            (Err(refused), rule) => assert_eq!(Some(word(refused).as_str()), rule, "{}", vector.name),
        }
    }
}

#[test]
fn stored_stamp_vectors_are_the_ones_made_from_the_keys() {
    let mut stored = BTreeMap::new();
    for place in ["", "accepted", "refused", "lists"] {
        for entry in fs::read_dir(folder().join(place)).unwrap().map(Result::unwrap) {
            let name = entry.file_name().into_string().unwrap();
            let other = ["README.md", "checkpoint", "others.sh"].contains(&name.as_str());
            let other = other || OTHERS.iter().any(|(other, _)| name.starts_with(other));
            if entry.file_type().unwrap().is_file() && !other {
                stored.insert(Path::new(place).join(name), fs::read(entry.path()).unwrap());
            }
        }
    }
    let files = files();
    assert_eq!(stored.keys().collect::<Vec<_>>(), files.keys().collect::<Vec<_>>());
    for (path, bytes) in files {
        assert!(stored[&path] == bytes, "{} differs from what the keys make", path.display());
    }
}

#[test]
fn stamps_by_other_programs_are_accepted() {
    for (name, _) in OTHERS {
        let read = |ending: &str| folder().join("accepted").join(format!("{name}{ending}"));
        let authorities = Authority::parse_list(&fs::read_to_string(read(".list")).unwrap()).unwrap();
        let expected = Expected { data: &data(), nonce: None, certificates: &[], authorities: &authorities };
        let token = parse_response(&fs::read(read(".tsr")).unwrap()).unwrap().verify(&expected).unwrap();
        assert_eq!(token.is_independent(), name != "keeper", "{name}");
        assert_eq!(token.time().nanos() != 0, name != "openssl_p384", "{name}");
    }
}

#[test]
fn every_rule_that_the_page_of_stamps_names_has_a_vector_or_needs_none() {
    // Rules of a file that lists authorities, and lengths, have tests of their own.
    let without = ["NoRoots", "List", "TooLong"];
    let vectors = vectors();
    let page = include_str!("../../../../../docs/spec/timestamp.md");
    let table = page.split("## Vectors").nth(1).unwrap();
    let rules: BTreeSet<_> =
        table.split('`').skip(1).step_by(2).filter(|word| word.starts_with(char::is_uppercase)).collect();
    for rule in &rules {
        let has_vector = vectors.iter().any(|vector| vector.rule == Some(rule));
        assert!(has_vector != without.contains(rule), "{rule} has a vector: {has_vector}");
    }
    for vector in &vectors {
        assert!(vector.rule.is_none_or(|rule| rules.contains(rule)), "the page does not name {:?}", vector.rule);
    }
    assert!(rules.len() > 40);
}

#[test]
fn names_of_stamps_are_unique_and_refusals_outnumber_acceptances() {
    let vectors = vectors();
    let refused = vectors.iter().filter(|vector| vector.rule.is_some()).count();
    assert!(refused * 2 > vectors.len());
    assert_eq!(vectors.iter().map(|vector| vector.name).collect::<BTreeSet<_>>().len(), vectors.len());
}

#[test]
fn what_a_checked_stamp_says_is_what_was_signed() {
    let token = judge(vectors().iter().find(|vector| vector.name == "fraction").unwrap()).unwrap();
    assert_eq!(token.time().to_string(), "2027-05-03T09:12:44.75Z");
    assert_eq!(token.latest().to_string(), "2027-05-03T09:12:46.0005Z");
    assert_eq!(token.accuracy(), Some(Accuracy { seconds: 1, millis: 250, micros: 500 }));
    assert_eq!(token.policy().to_string(), "1.2.3.4.1");
    assert_eq!(token.info().serial.to_string(), hex::encode(b"serial of a test"));
    assert_eq!((token.authority(), token.subject()), ("test", "O=hizo test only, CN=stamps"));
    let chain = [Certificate::signer(), Certificate::issuer(), Certificate::root()].map(|one| one.to_der());
    assert_eq!(token.chain(), chain);
    assert_eq!(token.ends().to_string(), "2027-12-31T23:59:59Z");
    assert!(token.is_independent());
}

/// Each of these vectors is refused, by this rule and no other.
fn refused_by(rule: &str, names: &[&str]) {
    let vectors = vectors();
    for name in names {
        let vector = vectors.iter().find(|vector| vector.name == *name).unwrap();
        assert_eq!(judge(vector).err().map(word).as_deref(), Some(rule), "{name}");
    }
}

fn accepted_all(names: &[&str]) {
    let vectors = vectors();
    for name in names {
        let vector = vectors.iter().find(|vector| vector.name == *name).unwrap();
        assert_eq!(judge(vector).err(), None, "{name}");
    }
}

#[test]
fn a42_a_certificate_that_anybody_added_is_never_taken_for_the_signers() {
    accepted_all(&["injected", "issuer_twin"]);
    refused_by("SignerNotFound", &["signer_injected"]);
    refused_by("SigningCertificate", &["signer_exchanged", "bound_to_another", "bound_second"]);
    refused_by("SigningCertificateMissing", &["certificate_not_bound", "certificate_bound_by_sha1"]);
}

#[test]
fn a42_a_chain_that_holds_does_not_stand_for_the_stamps_own_signature() {
    refused_by("Signature", &["signature_by_another", "signature_of_content", "signature_context_tag"]);
    refused_by("MessageDigest", &["digest_of_another"]);
}

#[test]
fn a42_a_stamp_by_a_certificate_for_other_purposes_is_refused() {
    refused_by("SignerIsAuthority", &["signer_is_authority"]);
    refused_by("SignerPurpose", &["signer_without_purpose", "signer_for_servers", "signer_for_anything"]);
    refused_by("SignerPurposeNotCritical", &["signer_not_critical"]);
    refused_by("SignerPurposeNotSole", &["signer_for_servers_too", "signer_unknown_purpose"]);
    refused_by("IssuerNotAuthority", &["leaf_issues"]);
}

#[test]
fn a42_certificates_are_judged_at_the_time_of_the_stamp() {
    // The certificates of these end in 2027: they are accepted now and later.
    accepted_all(&["granted", "fraction", "no_certificates"]);
    refused_by("OutsideValidity", &["signer_expired", "signer_not_begun", "issuer_expired", "root_ended"]);
}

#[test]
fn a42_an_answer_to_another_question_is_refused() {
    refused_by("NonceMissing", &["nonce_missing"]);
    refused_by("Nonce", &["nonce_other"]);
    refused_by("Imprint", &["other_data"]);
}

#[test]
fn a42_a_root_that_the_token_brings_counts_for_nothing() {
    refused_by("NoPath", &["own_root", "self_signed", "other_root", "root_is_signer"]);
    refused_by("ChainSignature", &["issuer_forged", "signer_forged"]);
}

#[test]
fn a32_a_self_stamp_is_never_independent_whoever_brings_its_root() {
    let token = judge(vectors().iter().find(|vector| vector.name == "self_stamp").unwrap()).unwrap();
    assert!(!token.is_independent());
}

#[test]
fn a42_a_stamp_over_other_data_is_refused() {
    let vectors = vectors();
    let token = parse_response(&vectors[0].bytes).unwrap();
    let authorities = list("test");
    for other in [&b""[..], &data()[1..], &[&data()[..], b"\n"].concat()] {
        let expected = Expected { data: other, nonce: None, certificates: &[], authorities: &authorities };
        assert_eq!(token.clone().verify(&expected).err(), Some(Error::Imprint));
    }
}

#[test]
fn a32_a_stamp_counts_for_no_authority_but_its_own() {
    // Retired, not yet begun, and pooled with one that is in office.
    for (list_name, error) in [
        ("retired", Error::OutsideWindow),
        ("not_yet", Error::OutsideWindow),
        ("pooled", Error::OutsideWindow),
        ("other", Error::NoPath),
        ("named_other", Error::SignerNotNamed),
        ("policy", Error::Policy),
    ] {
        let token = UnverifiedToken::parse(&Forge::new(&info()).token()).unwrap();
        let expected = Expected { data: &data(), nonce: None, certificates: &[], authorities: &list(list_name) };
        assert_eq!(token.verify(&expected).err(), Some(error), "{list_name}");
    }
    let none = Expected { data: &data(), nonce: None, certificates: &[], authorities: &[] };
    let token = UnverifiedToken::parse(&Forge::new(&info()).token()).unwrap();
    assert_eq!(token.verify(&none).err(), Some(Error::NoPath));
}

#[test]
fn a_list_of_authorities_is_read_as_it_is_written_and_in_no_other_form() {
    let right = &lists()["all"];
    let [authority] = Authority::parse_list(right).unwrap().try_into().unwrap();
    assert_eq!((authority.name(), authority.url()), ("test", None));
    assert!(authority.counts_at(Moment::parse("2027-05-03T09:12:44Z").unwrap()));
    assert!(!authority.counts_at(Moment::from_unix(1_809_335_564, 1).unwrap()));
    let with_url = right.replace("from ", "url http://stamps.example/\nfrom ");
    assert_eq!(Authority::parse_list(&with_url).unwrap()[0].url(), Some("http://stamps.example/"));
    let begin = "-----BEGIN CERTIFICATE-----\n";
    for (from, to) in [
        ("hizo/authorities/v1\n", ""),
        ("v1", "v2"),
        ("authority test\n", ""),
        ("policy 1.2.3.4.1", "policy 1.2.3.4.1\npolicy 1.2.3.4.1"),
        ("policy 1.2.3.4.1", "policy 1.02"),
        ("from 2027", "from  2027"),
        ("until 2027-05-03T", "until 2027-02-30T"),
        ("signer ", "signer 00"),
        ("policy ", "rule "),
        (begin, "-----BEGIN CERTIFICATE----\n"),
        (begin, "-----BEGIN CERTIFICATE-----\n!"),
        ("-----END CERTIFICATE-----\n", ""),
    ] {
        assert!(right.contains(from));
        let wrong = right.replacen(from, to, 1);
        assert!(matches!(Authority::parse_list(&wrong), Err(Error::List { .. })), "{from:?} became {to:?}");
    }
    assert_eq!(Authority::parse_list("hizo/authorities/v1\nauthority test\n").err(), Some(Error::NoRoots));
    let root = certificates_to_pem(&[Certificate::root().to_der()]);
    let many = |count| format!("hizo/authorities/v1\nauthority test\n{}", root.repeat(count));
    assert!(Authority::parse_list(&many(16)).is_ok());
    assert_eq!(Authority::parse_list(&many(17)).err(), Some(Error::TooMany));
    let stanzas = |count| format!("hizo/authorities/v1\n{}", format!("authority test\n{root}").repeat(count));
    assert!(Authority::parse_list(&stanzas(64)).is_ok());
    assert_eq!(Authority::parse_list(&stanzas(65)).err(), Some(Error::TooMany));
}

#[test]
fn certificates_read_back_from_their_text() {
    let certificates = [Certificate::root().to_der(), Certificate::issuer().to_der()];
    let text = certificates_to_pem(&certificates);
    assert_eq!(certificates_from_pem(&text), Ok(certificates.to_vec()));
    assert_eq!(certificates_from_pem(&format!("subject=a\n{}", text.replace('\n', "\r\n"))), Ok(certificates.to_vec()));
    assert_eq!(certificates_from_pem(""), Ok(Vec::new()));
    assert!(matches!(certificates_from_pem(&text.replacen("\n", "\n!", 1)), Err(Error::List { .. })));
    assert!(matches!(
        certificates_from_pem(text.trim_end_matches("-----END CERTIFICATE-----\n")),
        Err(Error::List { .. })
    ));
}

#[test]
#[ignore = "writes the files that the other tests compare"]
fn write_the_stamps() {
    for place in ["accepted", "refused", "lists"] {
        let place = folder().join(place);
        fs::create_dir_all(&place).unwrap();
        for entry in fs::read_dir(&place).unwrap().map(Result::unwrap) {
            let name = entry.file_name().into_string().unwrap();
            if !OTHERS.iter().any(|(other, _)| name.starts_with(other)) {
                fs::remove_file(entry.path()).unwrap();
            }
        }
    }
    for (path, bytes) in files() {
        fs::write(folder().join(path), bytes).unwrap();
    }
}

fn files() -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    for (name, text) in lists() {
        files.insert(PathBuf::from(format!("lists/{name}")), text.into_bytes());
    }
    let chain = [Certificate::signer().to_der(), Certificate::issuer().to_der()];
    files.insert(PathBuf::from("chain.pem"), certificates_to_pem(&chain).into_bytes());
    let (mut accepted, mut refused) = (Vec::new(), Vec::new());
    for vector in vectors() {
        let Vector { name, says, list, asked, helped, .. } = vector;
        let against = format!("\"list\": \"{list}\", \"nonce\": {asked}, \"chain\": {helped}");
        let place = match vector.rule {
            None => {
                let token = judge(&vector).unwrap();
                let mut facts = format!("\"time\": \"{}\", \"latest\": \"{}\"", token.time(), token.latest());
                write!(facts, ", \"policy\": \"{}\", \"serial\": \"{}\"", token.policy(), token.info().serial).unwrap();
                write!(facts, ", \"authority\": \"{}\"", token.authority()).unwrap();
                write!(facts, ", \"ends\": \"{}\", \"independent\": {}", token.ends(), token.is_independent()).unwrap();
                accepted.push(format!("{{\"name\": \"{name}\", \"says\": \"{says}\", {against}, {facts}}}"));
                "accepted"
            }
            Some(rule) => {
                refused
                    .push(format!("{{\"name\": \"{name}\", \"fault\": \"{says}\", {against}, \"rule\": \"{rule}\"}}"));
                "refused"
            }
        };
        files.insert(Path::new(place).join(format!("{name}.tsr")), vector.bytes);
    }
    let others = OTHERS.map(|(name, says)| format!("{{\"name\": \"{name}\", \"says\": \"{says}\"}}"));
    let nonce = hex::encode(b"\x01only for a test");
    let index = format!(
        "{{\"data\": \"checkpoint\", \"nonce\": \"{nonce}\",\n\"accepted\": [\n{}\n],\n\"others\": [\n{}\n],\n\"refused\": [\n{}\n]}}\n",
        accepted.join(",\n"),
        others.join(",\n"),
        refused.join(",\n")
    );
    files.insert(PathBuf::from("index.json"), index.into_bytes());
    files
}

pub(super) fn vectors() -> Vec<Vector> {
    let mut vectors = accepted();
    for (rule, name, says, bytes) in
        [answers(), stamps(), messages(), attributes(), signers(), chains(), limits()].concat()
    {
        vectors.push(Vector { name, says, bytes, list: "test", asked: true, helped: false, rule: Some(rule) });
    }
    for (rule, name, says, list) in against_lists() {
        let bytes = Forge::new(&info()).response();
        vectors.push(Vector { name, says, bytes, list, asked: true, helped: false, rule: Some(rule) });
    }
    vectors
}

fn accepted() -> Vec<Vector> {
    let vector =
        |name, says, bytes: Vec<u8>| Vector { name, says, bytes, list: "test", asked: true, helped: false, rule: None };
    let usual = || Forge::new(&info());
    let with_info = |change: &dyn Fn(&mut Info)| {
        let mut info = info();
        change(&mut info);
        Forge::new(&info).response()
    };
    let fraction = |info: &mut Info| {
        info.time = Moment::from_unix(info.time.unix_seconds(), 750_000_000).unwrap();
        info.accuracy = Some(Accuracy { seconds: 1, millis: 250, micros: 500 });
    };
    let sha = |algorithm| move |info: &mut Info| info.imprint = Imprint::of(algorithm, &data());
    let signer = Certificate::signer();
    let mut injected = usual();
    injected.certificates.extend([
        // The same issuer and number with another key, and another stamping certificate of the same name.
        Certificate { key: "other", ..signer.clone() }.to_der(),
        Certificate { serial: vec![9], key: "other", by: "other", ..signer.clone() }.to_der(),
        other_root().to_der(),
    ]);
    let mut twin = usual();
    twin.certificates.push(Certificate { key: "other", serial: vec![7], ..Certificate::issuer() }.to_der());
    let none = Forge { certificates: Vec::new(), ..usual() };
    let named = signer.to_der();
    let names = der::element(tag::SEQUENCE, &der::element(tag::CONTEXT_4, &name("issuer")));
    let issuer_serial = der::sequence(&[&names, &der::integer(&[3])]);
    let full_ess = der::sequence(&[
        &DigestAlgorithm::Sha512.to_der(),
        &octets(&DigestAlgorithm::Sha512.hash(&named)),
        &issuer_serial,
    ]);
    let policies = extension("2.5.29.32", true, &der::sequence(&[&der::sequence(&[&oid("2.5.29.32.0")])]));
    let status = der::sequence(&[&der::integer(&[1]), &der::sequence(&[&der::element(tag::UTF8, b"with changes")])]);
    vec![
        vector("granted", "a stamp as most authorities give it; its certificate has ended since", usual().response()),
        vector("fraction", "a time and an accuracy with fractions", with_info(&fraction)),
        vector("fraction_nine", "a time to the nanosecond", {
            with_info(&|info| info.time = Moment::from_unix(info.time.unix_seconds(), 1).unwrap())
        }),
        vector("no_accuracy", "no accuracy is stated, and stamps can be ordered", {
            with_info(&|info| (info.accuracy, info.ordering) = (None, true))
        }),
        vector("sha384", "the data under SHA-384", with_info(&sha(DigestAlgorithm::Sha384))),
        vector("sha512", "the data under SHA-512", with_info(&sha(DigestAlgorithm::Sha512))),
        vector("all_sha512", "SHA-512 throughout", {
            let digest = DigestAlgorithm::Sha512;
            Forge { digest, algorithm: rsa(RSA_SHA512), ..usual() }.response()
        }),
        vector("plain_rsa", "the signature algorithm names RSA only", {
            Forge { algorithm: rsa("1.2.840.113549.1.1.1"), ..usual() }.response()
        }),
        vector("several_bound", "signing-certificate-v2 names the signer first, then its issuer", {
            let others = [ess(&named), ess(&Certificate::issuer().to_der())];
            usual().attributes(|all| all[2] = bound(&others)).response()
        }),
        vector("bound_in_full", "signing-certificate-v2 under SHA-512, with issuer and number", {
            usual().attributes(|all| all[2] = bound(&[full_ess])).response()
        }),
        vector("more_attributes", "a signed attribute that means nothing here, and an unsigned one", {
            let other = || attribute("1.2.3.4.5", &[octets(b"any")]);
            let unsigned = der::element(tag::CONTEXT_1, &other());
            Forge { unsigned, ..usual().attributes(|all| all.push(other())) }.response()
        }),
        vector("revocation_list", "the issuer's revocation list of the day lies in the token", {
            Forge { lists: der::element(tag::CONTEXT_1, &revocation_list()), ..usual() }.response()
        }),
        vector(
            "injected",
            "certificates that anybody can add, one with the signer's issuer and number",
            injected.response(),
        ),
        vector("issuer_twin", "two issuers of one name, of which the second did not sign", twin.response()),
        Vector { helped: true, ..vector("no_certificates", "the verifier brings the chain", none.response()) },
        vector("critical_policies", "an issuer's policies are critical", {
            let mut issuer = Certificate::issuer();
            issuer.extensions.push(policies);
            usual().under(&issuer).response()
        }),
        vector("without_usage", "neither signer nor issuer has keyUsage", {
            let bare = signer.clone().without_extensions_but(&[purposes(true, &[TIME_STAMPING])]);
            let issuer = Certificate::issuer().without_extensions_but(&[constraints(true, None)]);
            Forge::by(&info(), &bare).under(&issuer).response()
        }),
        vector("under_the_root", "the root signed the signer's certificate itself", {
            Forge::by(&info(), &Certificate { issuer: "root", by: "root", ..signer }).response()
        }),
        vector("with_changes", "granted with changes", der::sequence(&[&status, &usual().token()])),
        Vector {
            asked: false,
            ..vector("not_asked", "a kept stamp whose number nobody remembers", usual().response())
        },
        Vector {
            list: "all",
            ..vector("as_listed", "in its window, under its policy, by the named signer", usual().response())
        },
        Vector {
            list: "successor",
            ..vector("successor", "retired under one name, in office under another", usual().response())
        },
        Vector {
            list: "issuer_as_root",
            ..vector("issuer_as_root", "the verifier brings the issuer as root", usual().response())
        },
        vector("self_stamp", "a keeper's own policy: checked, and not independent", {
            with_info(&|info| info.policy = SELF_STAMP_POLICY)
        }),
    ]
}

/// Rule, name, fault, and what has the fault.
type Refused = (&'static str, &'static str, &'static str, Vec<u8>);

fn answers() -> Vec<Refused> {
    let token = Forge::new(&info()).token();
    let status = |number: u8, rest: &[u8]| der::sequence(&[&der::sequence(&[&der::integer(&[number])]), rest]);
    let whole = granted(&token);
    vec![
        ("Rejected", "rejection", "a refusal by the authority", rejected(Failure::UnacceptedPolicy)),
        ("Rejected", "waiting", "a status that promises a stamp for later", status(3, &[])),
        ("Status", "granted_nothing", "granted, and no token", status(0, &[])),
        ("Status", "rejected_with_token", "refused, and a token all the same", status(2, &token)),
        ("Der", "cut_short", "the last byte is missing", whole[..whole.len() - 1].to_vec()),
        ("Der", "one_byte_more", "a byte stands behind the answer", concat(&[&whole, &[0]])),
        ("Der", "token_alone", "a token without the answer around it", token.clone()),
        ("Der", "open_length", "the answer's length is left open, as BER allows", {
            let inside = &whole[4..];
            concat(&[&[0x30, 0x80], inside, &[0, 0]])
        }),
        ("Der", "long_length", "a length in more bytes than it needs", {
            let (status, rest) = whole[4..].split_at(5);
            assert_eq!(status, [0x30, 3, 2, 1, 0]);
            der::element(tag::SEQUENCE, &concat(&[&[0x30, 0x81, 3, 2, 1, 0], rest]))
        }),
    ]
}

/// Faults of the TSTInfo, which are signed all the same.
fn stamps() -> Vec<Refused> {
    let with = |change: &dyn Fn(&mut Info)| {
        let mut info = info();
        change(&mut info);
        Forge::new(&info).response()
    };
    // The nth element in another form; none leaves it out.
    let part = |place: usize, other: &[u8]| {
        let whole = info().to_der();
        let mut inside = der::only(&whole, tag::SEQUENCE).unwrap();
        let mut parts = Vec::new();
        while !inside.is_empty() {
            parts.push(inside.any().unwrap().whole.to_vec());
        }
        parts[place] = other.to_vec();
        Forge { info: der::element(tag::SEQUENCE, &parts.concat()), ..Forge::new(&info()) }.response()
    };
    let time = |text: &str| part(4, &der::element(tag::GENERALIZED_TIME, text.as_bytes()));
    let sha1 = der::sequence(&[&der::sequence(&[&oid("1.3.14.3.2.26")]), &octets(&[7; 20])]);
    let short = der::sequence(&[&DigestAlgorithm::Sha256.to_der(), &octets(&[7; 20])]);
    let accuracy = |parts: &[u8]| part(5, &der::element(tag::SEQUENCE, parts));
    let extended = |critical: bool| {
        let nonce = info().to_der()[info().to_der().len() - 18..].to_vec();
        let extensions = der::element(tag::CONTEXT_1, &extension("1.2.3.4.6", critical, b"any"));
        part(6, &concat(&[&nonce, &extensions]))
    };
    vec![
        ("Version", "stamp_version", "version 2 of a stamp", part(0, &der::integer(&[2]))),
        (
            "PolicyForm",
            "policy_form",
            "a policy with an arc that is not written shortest",
            part(1, &[6, 3, 0x2a, 0x80, 1]),
        ),
        ("Digest", "imprint_sha1", "the data under SHA-1", part(2, &sha1)),
        ("ImprintLength", "imprint_length", "20 bytes that shall be SHA-256", part(2, &short)),
        ("Imprint", "other_data", "a stamp over other data", {
            with(&|info| info.imprint = Imprint::of(DigestAlgorithm::Sha256, b"other data"))
        }),
        ("SerialLength", "serial_long", "a number of 168 bits", part(3, &der::integer(&[1; 21]))),
        ("Der", "serial_negative", "a negative number", part(3, &[2, 1, 0x80])),
        ("Time", "time_trailing_zero", "a fraction that ends in 0", time("20270503091244.50Z")),
        ("Time", "time_dot", "a dot without a fraction", time("20270503091244.Z")),
        ("Time", "time_ten_digits", "ten digits of a fraction", time("20270503091244.1234567891Z")),
        ("Time", "time_zone", "a time that is not in UTC", time("20270503181244+0900")),
        ("Time", "time_without_seconds", "a time without seconds", time("202705030912Z")),
        ("Time", "time_leap_second", "second 60", time("20270503091260Z")),
        ("Time", "time_day", "a day that does not exist", time("20270229091244Z")),
        ("Accuracy", "accuracy_millis", "1000 thousandths of a second", accuracy(&[0x80, 2, 3, 0xe8])),
        ("Accuracy", "accuracy_zero", "no thousandth, written out", accuracy(&[0x80, 1, 0])),
        ("Accuracy", "accuracy_negative", "less than no second", accuracy(&[2, 1, 0xff])),
        ("NonceLength", "nonce_long", "a nonce of 33 bytes", part(6, &der::integer(&[1; 33]))),
        ("NonceMissing", "nonce_missing", "no nonce where one was sent", part(6, &[])),
        ("Nonce", "nonce_other", "another nonce than was sent", part(6, &der::integer(&[7; 16]))),
        ("CriticalExtension", "stamp_critical", "a critical extension of the stamp", extended(true)),
    ]
}

/// Faults of the CMS message.
fn messages() -> Vec<Refused> {
    let usual = || Forge::new(&info());
    let replaced = |from: &[u8], to: &[u8]| {
        let whole = usual().response();
        let place = whole.windows(from.len()).position(|window| window == from).unwrap();
        concat(&[&whole[..place], to, &whole[place + from.len()..]])
    };
    let sha1 = der::sequence(&[&oid("1.3.14.3.2.26")]);
    vec![
        ("NotSignedData", "enveloped", "the outer type says enveloped data", {
            replaced(&oid("1.2.840.113549.1.7.2"), &oid("1.2.840.113549.1.7.3"))
        }),
        ("NotTstInfo", "plain_data", "the content's type says plain data", {
            Forge { content_type: "1.2.840.113549.1.7.1", ..usual() }.response()
        }),
        ("Version", "message_version", "version 1 of signed data", Forge { version: 1, ..usual() }.response()),
        ("SignerId", "signer_by_key", "the signer is named by its key identifier", {
            let signer_id = Some(der::element(tag::IMPLICIT_0, b"key of the stamps"));
            Forge { signer_version: 3, signer_id, ..usual() }.response()
        }),
        ("SignerCount", "no_signer", "no signer", Forge { signers: 0, ..usual() }.response()),
        ("SignerCount", "two_signers", "the same signer twice", Forge { signers: 2, ..usual() }.response()),
        ("Digest", "digest_sha1", "the signer hashes with SHA-1", {
            Forge { signer_digest: Some(sha1.clone()), ..usual() }.response()
        }),
        ("Digest", "digests_sha1", "SHA-1 is among the hash functions", {
            Forge { digests: Some(der::set_of(vec![sha1, DigestAlgorithm::Sha256.to_der()])), ..usual() }.response()
        }),
        ("AlgorithmBinding", "digests_other", "the signer's hash function is not among those that are named", {
            Forge { digests: Some(der::set_of(vec![DigestAlgorithm::Sha512.to_der()])), ..usual() }.response()
        }),
        ("AlgorithmBinding", "digest_and_signature", "the signature names another hash function than the signer", {
            Forge { algorithm: rsa(RSA_SHA512), ..usual() }.response()
        }),
        (
            "SignatureAlgorithm",
            "signature_sha1",
            "RSA with SHA-1",
            Forge { algorithm: rsa(RSA_SHA1), ..usual() }.response(),
        ),
        ("SignatureAlgorithm", "signature_ecdsa", "ECDSA by an RSA key", {
            Forge { algorithm: der::sequence(&[&oid("1.2.840.10045.4.3.2")]), ..usual() }.response()
        }),
        ("Signature", "signature_by_another", "signed by another key", Forge { key: "other", ..usual() }.response()),
        (
            "Signature",
            "signature_context_tag",
            "the attributes are signed with the tag that they have in the message",
            {
                let mut attributes = usual().usual_attributes();
                attributes.sort();
                Forge { signed: Some(der::element(tag::CONTEXT_0, &attributes.concat())), ..usual() }.response()
            },
        ),
        ("Signature", "signature_of_content", "the stamp is signed and not the attributes", {
            Forge { signed: Some(info().to_der()), ..usual() }.response()
        }),
    ]
}

fn attributes() -> Vec<Refused> {
    let usual = || Forge::new(&info());
    let with = |change: &dyn Fn(&mut Vec<Vec<u8>>)| usual().attributes(change).response();
    let signer = Certificate::signer().to_der();
    let digest = || octets(&DigestAlgorithm::Sha256.hash(&info().to_der()));
    let unsorted = |change: &dyn Fn(&mut Vec<Vec<u8>>)| {
        let mut forge = usual();
        forge.sorted = false;
        forge
            .attributes(|all| {
                all.sort();
                change(all);
            })
            .response()
    };
    vec![
        ("AttributesMissing", "no_attributes", "the stamp is signed without attributes", {
            Forge { signed: Some(info().to_der()), ..usual().attributes(Vec::clear) }.response()
        }),
        ("AttributeOrder", "attributes_unsorted", "the attributes stand, and are signed, in another order", {
            unsorted(&|all| all.reverse())
        }),
        ("AttributeOrder", "attribute_doubled", "an attribute stands twice in the same bytes", {
            unsorted(&|all| all.insert(1, all[0].clone()))
        }),
        ("ContentTypeAttribute", "content_type_missing", "no content type is signed", with(&|all| drop(all.remove(0)))),
        ("ContentTypeAttribute", "content_type_twice", "two content types are signed", {
            with(&|all| all.push(attribute(CONTENT_TYPE, &[oid("1.2.840.113549.1.7.1")])))
        }),
        ("ContentTypeAttribute", "content_type_other", "the signed content type is plain data", {
            with(&|all| all[0] = attribute(CONTENT_TYPE, &[oid("1.2.840.113549.1.7.1")]))
        }),
        ("ContentTypeAttribute", "content_type_values", "the content type has two values", {
            with(&|all| all[0] = attribute(CONTENT_TYPE, &[oid(TST_INFO), oid("1.2.840.113549.1.7.1")]))
        }),
        ("MessageDigestAttribute", "digest_missing", "no digest is signed", with(&|all| drop(all.remove(1)))),
        ("MessageDigestAttribute", "digest_twice", "two digests are signed", {
            with(&|all| all.push(attribute(MESSAGE_DIGEST, &[octets(&[7; 32])])))
        }),
        ("MessageDigestAttribute", "digest_values", "the digest has two values", {
            with(&|all| all[1] = attribute(MESSAGE_DIGEST, &[digest(), octets(&[7; 32])]))
        }),
        ("MessageDigest", "digest_of_another", "the digest of another stamp is signed", {
            with(&|all| all[1] = attribute(MESSAGE_DIGEST, &[octets(&[7; 32])]))
        }),
        (
            "SigningCertificateMissing",
            "certificate_not_bound",
            "no certificate is bound",
            with(&|all| drop(all.remove(2))),
        ),
        (
            "SigningCertificateMissing",
            "certificate_bound_by_sha1",
            "only the older attribute, under SHA-1, is there",
            {
                let older = der::sequence(&[&der::sequence(&[&der::sequence(&[&octets(&[7; 20])])])]);
                with(&|all| all[2] = attribute("1.2.840.113549.1.9.16.2.12", std::slice::from_ref(&older)))
            },
        ),
        ("SigningCertificateAttribute", "bound_twice", "the attribute is there twice", {
            with(&|all| all.push(bound(&[ess(b"another")])))
        }),
        ("SigningCertificateAttribute", "bound_to_nothing", "the attribute names no certificate", {
            with(&|all| all[2] = bound(&[]))
        }),
        ("SigningCertificateAttribute", "bound_values", "the attribute has two values", {
            let value = |certificate: &[u8]| der::sequence(&[&der::sequence(&[&ess(certificate)])]);
            with(&|all| all[2] = attribute(SIGNING_CERTIFICATE_V2, &[value(&signer), value(b"another")]))
        }),
        ("Digest", "bound_under_sha1", "the certificate is bound under SHA-1", {
            let sha1 = der::sequence(&[&der::sequence(&[&oid("1.3.14.3.2.26")]), &octets(&[7; 20])]);
            with(&|all| all[2] = bound(std::slice::from_ref(&sha1)))
        }),
        ("SigningCertificate", "bound_to_another", "another certificate is bound", {
            with(&|all| all[2] = bound(&[ess(&Certificate::issuer().to_der())]))
        }),
        ("SigningCertificate", "bound_second", "the signer is bound, but not first", {
            with(&|all| all[2] = bound(&[ess(&Certificate::issuer().to_der()), ess(&signer)]))
        }),
        ("SigningCertificate", "bound_by_other_number", "the number beside the hash is another", {
            let names = der::element(tag::SEQUENCE, &der::element(tag::CONTEXT_4, &name("issuer")));
            let full = der::sequence(&[
                &octets(&DigestAlgorithm::Sha256.hash(&signer)),
                &der::sequence(&[&names, &der::integer(&[4])]),
            ]);
            with(&|all| all[2] = bound(std::slice::from_ref(&full)))
        }),
    ]
}

fn signers() -> Vec<Refused> {
    let signer = Certificate::signer;
    let by = |signer: Certificate| Forge::by(&info(), &signer).response();
    let with = |extension| by(signer().with(extension));
    let mut injected = Forge::new(&info());
    let leaf = Certificate { key: "other", serial: vec![9], ..signer() };
    injected.certificates = vec![leaf.to_der(), Certificate::issuer().to_der()];
    let mut swapped = Forge::new(&info());
    swapped.certificates = vec![Certificate { key: "other", ..signer() }.to_der(), Certificate::issuer().to_der()];
    vec![
        ("SignerNotFound", "signer_absent", "the signer's certificate is not in the token", {
            Forge { certificates: vec![Certificate::issuer().to_der()], ..Forge::new(&info()) }.response()
        }),
        (
            "SignerNotFound",
            "signer_injected",
            "only a stamping certificate that did not sign is in the token",
            injected.response(),
        ),
        (
            "SigningCertificate",
            "signer_exchanged",
            "a certificate of the same issuer and number is in its place",
            swapped.response(),
        ),
        (
            "SignerIsAuthority",
            "signer_is_authority",
            "the signer may issue certificates",
            with(constraints(true, None)),
        ),
        ("SignerPurpose", "signer_without_purpose", "the signer has no purpose", {
            by(signer().without_extensions_but(&[usage(0xc0)]))
        }),
        ("SignerPurpose", "signer_for_servers", "the signer is for servers", with(purposes(true, &[SERVER]))),
        (
            "SignerPurpose",
            "signer_for_anything",
            "the signer is for any purpose",
            with(purposes(true, &["2.5.29.37.0"])),
        ),
        ("SignerPurposeNotSole", "signer_for_servers_too", "the signer is for servers too", {
            with(purposes(true, &[TIME_STAMPING, SERVER]))
        }),
        ("SignerPurposeNotSole", "signer_unknown_purpose", "the signer has a purpose that nobody knows too", {
            with(purposes(true, &[TIME_STAMPING, "1.2.3.4.7"]))
        }),
        ("SignerPurposeNotCritical", "signer_not_critical", "the signer's purpose is not critical", {
            with(purposes(false, &[TIME_STAMPING]))
        }),
        ("SignerKeyUsage", "signer_key_encrypts", "the signer's key may also encrypt keys", with(usage(0xa0))),
        ("SignerKeyUsage", "signer_key_issues", "the signer's key is for certificates", with(usage(0x04))),
        ("Key", "signer_weak", "RSA of 1024 bits", by(Certificate { key: "weak", ..signer() })),
        ("Key", "signer_edwards", "a key of a kind that is not accepted", {
            Forge { key: "signer", ..Forge::by(&info(), &Certificate { key: "edwards", ..signer() }) }.response()
        }),
        ("OutsideValidity", "signer_expired", "the signer's certificate had ended", {
            by(Certificate { until: time("2027-05-03T09:12:43Z"), ..signer() })
        }),
        ("OutsideValidity", "signer_not_begun", "the signer's certificate had not begun", {
            by(Certificate { from: time("2027-05-03T09:12:45Z"), ..signer() })
        }),
        ("CertificateCriticalExtension", "signer_critical", "the signer has a critical extension that is not known", {
            with(extension("1.2.3.4.8", true, b"any"))
        }),
        ("ExtensionTwice", "signer_extension_twice", "the signer has its purpose twice", {
            let mut twice = signer();
            twice.extensions.push(purposes(true, &[TIME_STAMPING]));
            by(twice)
        }),
        ("CertificateTime", "signer_time", "the signer's certificate ends at a time that does not exist", {
            by(Certificate { until: der::element(tag::UTC_TIME, b"270230000000Z"), ..signer() })
        }),
        (
            "Version",
            "signer_version_one",
            "the signer's certificate says version 1",
            by(Certificate { version: 0, ..signer() }),
        ),
        (
            "SerialLength",
            "signer_serial",
            "the signer's number has 176 bits",
            by(Certificate { serial: vec![1; 22], ..signer() }),
        ),
        ("AlgorithmBinding", "signer_algorithms", "the certificate names one algorithm inside and another outside", {
            by(Certificate { outer: rsa(RSA_SHA512), ..signer() })
        }),
    ]
}

fn chains() -> Vec<Refused> {
    let under = |issuer: &Certificate| Forge::new(&info()).under(issuer).response();
    let issuer = Certificate::issuer;
    let with = |extension| under(&issuer().with(extension));
    // Two issuers between root and signer, where the upper one allows none below.
    let lower =
        Certificate { subject: "lower", issuer: "issuer", key: "other", by: "issuer", serial: vec![4], ..issuer() };
    let long = Certificate { issuer: "lower", by: "other", ..Certificate::signer() };
    let mut too_long = Forge::by(&info(), &long);
    too_long.certificates.push(lower.to_der());
    // A stamping certificate that issues another.
    let bottom =
        Certificate { issuer: "stamps", subject: "under stamps", key: "other", by: "signer", ..Certificate::signer() };
    let mut leaf_issues = Forge::by(&info(), &bottom);
    leaf_issues.certificates = vec![bottom.to_der(), Certificate::signer().to_der(), issuer().to_der()];
    vec![
        ("NoPath", "issuer_absent", "the issuer's certificate is nowhere", {
            Forge { certificates: vec![Certificate::signer().to_der()], ..Forge::new(&info()) }.response()
        }),
        ("NoPath", "own_root", "the chain ends in a root that the token brings", {
            let signer = Certificate { issuer: "other root", by: "other", ..Certificate::signer() };
            Forge::by(&info(), &signer).under(&other_root()).response()
        }),
        ("NoPath", "self_signed", "the signer signed its own certificate", {
            let signer = Certificate { issuer: "stamps", by: "signer", ..Certificate::signer() };
            Forge::by(&info(), &signer).response()
        }),
        ("ChainSignature", "issuer_forged", "another key signed the issuer's certificate", {
            under(&Certificate { by: "other", ..issuer() })
        }),
        ("ChainSignature", "signer_forged", "another key signed the signer's certificate", {
            Forge::by(&info(), &Certificate { by: "other", ..Certificate::signer() }).response()
        }),
        ("SignatureAlgorithm", "chain_sha1", "the signer's certificate is signed with SHA-1", {
            let (algorithm, outer) = (rsa(RSA_SHA1), rsa(RSA_SHA1));
            Forge::by(&info(), &Certificate { algorithm, outer, ..Certificate::signer() }).response()
        }),
        ("OutsideValidity", "issuer_expired", "the issuer's certificate had ended", {
            under(&Certificate { until: time("2027-05-03T09:12:43Z"), ..issuer() })
        }),
        (
            "IssuerNotAuthority",
            "issuer_is_none",
            "the issuer may not issue certificates",
            with(constraints(false, None)),
        ),
        ("IssuerNotAuthority", "issuer_without_constraints", "the issuer does not say that it may issue", {
            under(&issuer().without_extensions_but(&[usage(0x06)]))
        }),
        ("IssuerNotAuthority", "leaf_issues", "a stamping certificate issued another", leaf_issues.response()),
        ("IssuerKeyUsage", "issuer_usage", "the issuer's key is not for certificates", with(usage(0x02))),
        ("IssuerPurpose", "issuer_purpose", "the issuer is for servers only", with(purposes(false, &[SERVER]))),
        ("PathLength", "path_length", "one issuer more than the upper one allows", too_long.response()),
        ("CertificateCriticalExtension", "issuer_critical", "the issuer limits names, which is not understood", {
            with(extension("2.5.29.30", true, &der::sequence(&[])))
        }),
    ]
}

fn limits() -> Vec<Refused> {
    let usual = || Forge::new(&info());
    let mut certificates = usual();
    certificates.certificates.resize(CERTIFICATES_MAX + 1, der::sequence(&[]));
    let mut extensions = Certificate::signer();
    for number in 0..EXTENSIONS_MAX {
        extensions.extensions.push(extension(&format!("1.2.3.{number}"), false, b""));
    }
    vec![
        ("TooMany", "certificates_33", "33 certificates", certificates.response()),
        ("TooMany", "attributes_33", "33 signed attributes", {
            let more = |all: &mut Vec<Vec<u8>>| {
                all.extend((0..SIGNED_ATTRIBUTES_MAX - 2).map(|number| attribute(&format!("1.2.3.{number}"), &[])));
            };
            usual().attributes(more).response()
        }),
        (
            "TooMany",
            "extensions_67",
            "67 extensions of the signer's certificate",
            Forge::by(&info(), &extensions).response(),
        ),
    ]
}

fn against_lists() -> [(&'static str, &'static str, &'static str, &'static str); 8] {
    [
        ("NoPath", "other_root", "the verifier brings another root", "other"),
        ("NoPath", "root_is_signer", "the verifier brings the signer as root", "root_is_signer"),
        ("OutsideValidity", "root_ended", "the root that the verifier brings had ended", "root_ended"),
        ("OutsideWindow", "retired", "the authority's stamps no longer count", "retired"),
        ("OutsideWindow", "not_yet", "the authority's stamps do not count yet", "not_yet"),
        ("OutsideWindow", "pooled", "of two authorities that count, this one had retired", "pooled"),
        ("Policy", "other_policy", "another policy than the authority's", "policy"),
        ("SignerNotNamed", "other_signer", "another certificate than the one that is named", "named_other"),
    ]
}

#[test]
fn a_token_of_another_policy_does_not_become_independent_by_its_name() {
    // The policy's last arc, one more: nothing but the exact number is the keeper's own.
    let mut near = info();
    near.policy = Oid::parse("2.25.212200498540112721591717474817381730385").unwrap();
    let token = UnverifiedToken::parse(&Forge::new(&near).token()).unwrap();
    let expected = Expected { data: &data(), nonce: None, certificates: &[], authorities: &list("test") };
    assert!(token.verify(&expected).unwrap().is_independent());
    assert_ne!(near.policy, SELF_STAMP_POLICY);
}

#[test]
fn longer_than_the_limits_is_refused_unread() {
    let refused = |bytes: usize| parse_response(&vec![0x30; bytes]).err();
    assert_eq!(refused(hizo_ledger::timestamp::RESPONSE_BYTES_MAX + 1), Some(Error::TooLong));
    assert!(matches!(refused(hizo_ledger::timestamp::RESPONSE_BYTES_MAX), Some(Error::Der(_))));
    let token = |bytes: usize| UnverifiedToken::parse(&vec![0x30; bytes]).err();
    assert_eq!(token(hizo_ledger::timestamp::TOKEN_BYTES_MAX + 1), Some(Error::TooLong));
    let text = "x".repeat(hizo_ledger::timestamp::LIST_BYTES_MAX + 1);
    assert_eq!(Authority::parse_list(&text).err(), Some(Error::TooLong));
    assert_eq!(certificates_from_pem(&text).err(), Some(Error::TooLong));
}

#[test]
fn a_maze_of_issuers_is_given_up_and_not_walked_to_its_end() {
    // Thirty issuers of one name, each signed by the others' key: every path fails only at its signature.
    let twin = |serial| Certificate {
        serial: vec![2, serial],
        issuer: "issuer",
        by: "issuer",
        ..Certificate::issuer().without_extensions_but(&[constraints(true, None)])
    };
    let mut maze = Forge::new(&info());
    maze.certificates = vec![Certificate::signer().to_der()];
    maze.certificates.extend((0..30).map(|serial| twin(serial).to_der()));
    let token = UnverifiedToken::parse(&maze.token()).unwrap();
    let expected = Expected { data: &data(), nonce: None, certificates: &[], authorities: &list("test") };
    assert_eq!(token.verify(&expected).err(), Some(Error::TooMany));
}

#[test]
fn the_signature_algorithm_of_a_certificate_is_the_one_that_it_names_twice() {
    let signer = Certificate { algorithm: rsa(RSA_SHA256), outer: rsa(RSA_SHA512), ..Certificate::signer() };
    let token = UnverifiedToken::parse(&Forge::by(&info(), &signer).token()).unwrap();
    let expected = Expected { data: &data(), nonce: None, certificates: &[], authorities: &list("test") };
    assert_eq!(token.verify(&expected).err(), Some(Error::AlgorithmBinding));
}

#[test]
fn a_certificate_counts_to_its_last_second() {
    let judged = |until: &str| {
        let signer = Certificate { until: time(until), ..Certificate::signer() };
        let token = UnverifiedToken::parse(&Forge::by(&info(), &signer).token()).unwrap();
        let expected = Expected { data: &data(), nonce: None, certificates: &[], authorities: &list("test") };
        token.verify(&expected).err()
    };
    assert_eq!(judged("2027-05-03T09:12:44Z"), None);
    assert_eq!(judged("2027-05-03T09:12:43Z"), Some(Error::OutsideValidity));
}

#[test]
fn certificates_that_cannot_be_read_do_no_harm() {
    let mut forge = Forge::new(&info());
    forge.certificates.extend([der::sequence(&[b"\x05\x00"]), Certificate { version: 0, ..other_root() }.to_der()]);
    forge.certificates.push(der::element(tag::CONTEXT_1, b"an attribute certificate"));
    let token = UnverifiedToken::parse(&forge.token()).unwrap();
    let expected = Expected { data: &data(), nonce: None, certificates: &[], authorities: &list("test") };
    assert_eq!(token.verify(&expected).unwrap().chain().len(), 3);
}

#[test]
fn the_examples_of_the_page_of_stamps_are_vectors() {
    let page = include_str!("../../../../../docs/spec/timestamp.md");
    let list = fs::read_to_string(folder().join("lists/all")).unwrap();
    let shown: String = list.split_inclusive('\n').take(9).collect();
    assert!(shown.ends_with('\n') && page.contains(&format!("```\n{shown}...\n-----END")), "{shown}");
    assert!(page.contains(&format!("\n{SELF_STAMP_POLICY}\n")));
    let token = parse_response(&vectors()[0].bytes).unwrap();
    let serial = token.claims().serial.to_string().to_uppercase();
    assert!(page.contains(&format!("Serial number: 0x{serial}\n")));
}

#[test]
fn certificates_signed_with_pss_are_accepted_with_one_hash_function_and_its_salt() {
    let judged = |algorithm: Vec<u8>| {
        let signer = Certificate { algorithm: algorithm.clone(), outer: algorithm, ..Certificate::signer() };
        let token = UnverifiedToken::parse(&Forge::by(&info(), &signer).token()).unwrap();
        let expected = Expected { data: &data(), nonce: None, certificates: &[], authorities: &list("test") };
        token.verify(&expected).err()
    };
    let parameters = |digest: DigestAlgorithm, mask: DigestAlgorithm, salt: u8| {
        let digest = der::element(tag::CONTEXT_0, &digest.to_der());
        let mask = der::sequence(&[&oid("1.2.840.113549.1.1.8"), &mask.to_der()]);
        let salt = der::element(tag::CONTEXT_2, &der::integer(&[salt]));
        let parameters = der::sequence(&[&digest, &der::element(tag::CONTEXT_1, &mask), &salt]);
        der::sequence(&[&oid(RSA_PSS), &parameters])
    };
    let (sha256, sha512) = (DigestAlgorithm::Sha256, DigestAlgorithm::Sha512);
    assert_eq!(judged(parameters(sha256, sha256, 32)), None);
    assert_eq!(judged(parameters(sha512, sha512, 64)), Some(Error::ChainSignature));
    for wrong in [parameters(sha256, sha512, 32), parameters(sha512, sha256, 32), parameters(sha256, sha256, 20)] {
        assert_eq!(judged(wrong), Some(Error::SignatureAlgorithm));
    }
    // Without parameters PSS is SHA-1.
    assert!(matches!(judged(der::sequence(&[&oid(RSA_PSS), &der::sequence(&[])])), Some(Error::Der(_))));
}
