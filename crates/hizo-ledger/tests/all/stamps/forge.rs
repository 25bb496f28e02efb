//! Certificates and tokens with any fault. The keys lie in vectors/timestamp/v1/keys and protect nothing.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    KeyPair as _, RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RSA_PSS_SHA256, RsaKeyPair,
    RsaSignatureEncoding,
};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hizo_ledger::timestamp::der::{self, Reader, tag};
use hizo_ledger::timestamp::{Accuracy, Authority, DigestAlgorithm, Imprint, Info, Moment, Nonce, Oid, Serial};

/// When the stamps were given.
pub(crate) const TIME: &str = "2027-05-03T09:12:44Z";

/// The folder of the vectors.
pub(crate) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../vectors/timestamp/v1")
}

pub(crate) fn data() -> Vec<u8> {
    fs::read(folder().join("checkpoint")).unwrap()
}

pub(crate) fn nonce() -> Nonce {
    Nonce::from_random(*b"\x01only for a test")
}

/// An object identifier's whole element.
pub(crate) fn oid(text: &str) -> Vec<u8> {
    Oid::parse(text).unwrap().to_der()
}

pub(crate) fn concat(parts: &[&[u8]]) -> Vec<u8> {
    parts.concat()
}

/// A key by the name of its file.
fn key(name: &str) -> &'static RsaKeyPair {
    static KEYS: LazyLock<BTreeMap<&'static str, RsaKeyPair>> = LazyLock::new(|| {
        let read = |name| (name, RsaKeyPair::from_pkcs8(&pem(&format!("keys/{name}.pem"))).unwrap());
        ["root", "issuer", "signer", "other"].map(read).into()
    });
    &KEYS[name]
}

/// The only block of a PEM file.
fn pem(name: &str) -> Vec<u8> {
    let text = fs::read_to_string(folder().join(name)).unwrap();
    STANDARD.decode(text.lines().filter(|line| !line.starts_with('-')).collect::<String>()).unwrap()
}

/// SubjectPublicKeyInfo.
fn public(name: &str) -> Vec<u8> {
    if name == "weak" {
        // Too short a key for the library: its public half is cut out of the file.
        let file = pem("keys/weak.pem");
        let mut info = der::only(&file, tag::SEQUENCE).unwrap();
        info.take(tag::INTEGER).unwrap();
        info.take(tag::SEQUENCE).unwrap();
        let mut private = der::only(info.take(tag::OCTET_STRING).unwrap(), tag::SEQUENCE).unwrap();
        private.take(tag::INTEGER).unwrap();
        let (modulus, exponent) = (private.any().unwrap().whole, private.any().unwrap().whole);
        return rsa_info(&der::sequence(&[modulus, exponent]));
    }
    if name == "edwards" {
        return der::sequence(&[&der::sequence(&[&oid("1.3.101.112")]), &der::bit_string(&[7; 32])]);
    }
    rsa_info(key(name).public_key().as_ref())
}

fn rsa_info(key: &[u8]) -> Vec<u8> {
    der::sequence(&[&rsa("1.2.840.113549.1.1.1"), &der::bit_string(key)])
}

/// AlgorithmIdentifier of RSA, which has NULL.
pub(crate) fn rsa(algorithm: &str) -> Vec<u8> {
    der::sequence(&[&oid(algorithm), &[5, 0]])
}

pub(crate) const RSA_SHA256: &str = "1.2.840.113549.1.1.11";
pub(crate) const RSA_SHA512: &str = "1.2.840.113549.1.1.13";
pub(crate) const RSA_PSS: &str = "1.2.840.113549.1.1.10";
pub(crate) const RSA_SHA1: &str = "1.2.840.113549.1.1.5";

fn sign(name: &str, digest: DigestAlgorithm, message: &[u8]) -> Vec<u8> {
    if name == "weak" {
        return weak_signature(message);
    }
    let padding = match digest {
        DigestAlgorithm::Sha256 => &RSA_PKCS1_SHA256,
        DigestAlgorithm::Sha384 => &RSA_PKCS1_SHA384,
        DigestAlgorithm::Sha512 => &RSA_PKCS1_SHA512,
    };
    sign_with(name, padding, message)
}

fn sign_with(name: &str, padding: &'static RsaSignatureEncoding, message: &[u8]) -> Vec<u8> {
    let key = key(name);
    let mut signature = vec![0; key.public_modulus_len()];
    key.sign(padding, &SystemRandom::new(), message, &mut signature).unwrap();
    signature
}

/// The one signature by the weak key, which the library does not make: kept, and made by the stock tool when it is not
/// there.
fn weak_signature(message: &[u8]) -> Vec<u8> {
    let kept = folder().join("keys/weak.signature");
    if !kept.exists() {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), message).unwrap();
        let mut sign = Command::new("openssl");
        sign.args(["dgst", "-sha256", "-sign"])
            .arg(folder().join("keys/weak.pem"))
            .arg("-out")
            .arg(&kept)
            .arg(file.path());
        assert!(sign.status().unwrap().success());
    }
    fs::read(kept).unwrap()
}

/// A certificate to be made.
#[derive(Clone)]
pub(crate) struct Certificate {
    pub(crate) version: u8,
    pub(crate) serial: Vec<u8>,
    pub(crate) subject: &'static str,
    pub(crate) issuer: &'static str,
    pub(crate) key: &'static str,
    pub(crate) by: &'static str,
    pub(crate) from: Vec<u8>,
    pub(crate) until: Vec<u8>,
    pub(crate) extensions: Vec<Vec<u8>>,
    pub(crate) algorithm: Vec<u8>,
    /// The algorithm that is not signed.
    pub(crate) outer: Vec<u8>,
}

pub(crate) fn time(text: &str) -> Vec<u8> {
    Moment::parse(text).unwrap().to_certificate_time()
}

pub(crate) fn name(common: &str) -> Vec<u8> {
    let part =
        |kind, value: &str| der::set_of(vec![der::sequence(&[&oid(kind), &der::element(tag::UTF8, value.as_bytes())])]);
    der::sequence(&[&part("2.5.4.10", "hizo test only"), &part("2.5.4.3", common)])
}

pub(crate) fn extension(kind: &str, critical: bool, value: &[u8]) -> Vec<u8> {
    let critical = if critical { der::element(tag::BOOLEAN, &[0xff]) } else { Vec::new() };
    der::sequence(&[&oid(kind), &critical, &der::element(tag::OCTET_STRING, value)])
}

pub(crate) fn constraints(authority: bool, path_length: Option<u8>) -> Vec<u8> {
    let authority = if authority { der::element(tag::BOOLEAN, &[0xff]) } else { Vec::new() };
    let length = path_length.map(|length| der::integer(&[length])).unwrap_or_default();
    extension("2.5.29.19", true, &der::sequence(&[&authority, &length]))
}

/// keyUsage of at most eight bits, the first of them the highest.
pub(crate) fn usage(bits: u8) -> Vec<u8> {
    let unused = u8::try_from(bits.trailing_zeros()).unwrap();
    extension("2.5.29.15", true, &der::element(tag::BIT_STRING, &[unused, bits]))
}

pub(crate) fn purposes(critical: bool, named: &[&str]) -> Vec<u8> {
    let named: Vec<_> = named.iter().map(|purpose| oid(purpose)).collect();
    extension("2.5.29.37", critical, &der::element(tag::SEQUENCE, &named.concat()))
}

pub(crate) const TIME_STAMPING: &str = "1.3.6.1.5.5.7.3.8";
pub(crate) const SERVER: &str = "1.3.6.1.5.5.7.3.1";

impl Certificate {
    pub(crate) fn root() -> Self {
        Self {
            version: 2,
            serial: vec![1],
            subject: "root",
            issuer: "root",
            key: "root",
            by: "root",
            from: time("2020-01-01T00:00:00Z"),
            until: time("2050-01-01T00:00:00Z"),
            extensions: vec![constraints(true, None), usage(0x06)],
            algorithm: rsa(RSA_SHA256),
            outer: rsa(RSA_SHA256),
        }
    }

    pub(crate) fn issuer() -> Self {
        Self {
            serial: vec![2],
            subject: "issuer",
            key: "issuer",
            from: time("2025-01-01T00:00:00Z"),
            until: time("2040-01-01T00:00:00Z"),
            extensions: vec![constraints(true, Some(0)), usage(0x06), purposes(false, &[TIME_STAMPING])],
            ..Self::root()
        }
    }

    pub(crate) fn signer() -> Self {
        Self {
            serial: vec![3],
            subject: "stamps",
            issuer: "issuer",
            key: "signer",
            by: "issuer",
            from: time("2027-01-01T00:00:00Z"),
            // So that it has ended whenever this is run.
            until: time("2027-12-31T23:59:59Z"),
            extensions: vec![purposes(true, &[TIME_STAMPING]), usage(0xc0), subject_key_id()],
            ..Self::root()
        }
    }

    /// With another extension in the place of the one of its kind.
    pub(crate) fn with(mut self, extension: Vec<u8>) -> Self {
        let kind =
            |extension: &[u8]| Reader::new(extension).inside(tag::SEQUENCE).unwrap().take(tag::OID).unwrap().to_vec();
        self.extensions.retain(|other| kind(other) != kind(&extension));
        self.extensions.push(extension);
        self
    }

    pub(crate) fn without_extensions_but(mut self, kept: &[Vec<u8>]) -> Self {
        self.extensions = kept.to_vec();
        self
    }

    pub(crate) fn to_der(&self) -> Vec<u8> {
        let version = der::element(tag::CONTEXT_0, &der::integer(&[self.version]));
        let extensions = der::element(tag::CONTEXT_3, &der::element(tag::SEQUENCE, &self.extensions.concat()));
        let signed = der::sequence(&[
            &version,
            &der::element(tag::INTEGER, &self.serial),
            &self.algorithm,
            &name(self.issuer),
            &der::sequence(&[&self.from, &self.until]),
            &name(self.subject),
            &public(self.key),
            &extensions,
        ]);
        let mut algorithm = der::only(&self.algorithm, tag::SEQUENCE).unwrap();
        let signature = if algorithm.any().unwrap().whole == oid(RSA_PSS) {
            sign_with(self.by, &RSA_PSS_SHA256, &signed)
        } else {
            sign(self.by, DigestAlgorithm::Sha256, &signed)
        };
        der::sequence(&[&signed, &self.outer, &der::bit_string(&signature)])
    }
}

fn subject_key_id() -> Vec<u8> {
    extension("2.5.29.14", false, &der::element(tag::OCTET_STRING, b"key of the stamps"))
}

/// The issuer's revocation list, on which nothing stands.
pub(crate) fn revocation_list() -> Vec<u8> {
    list_by("issuer", &[], &[])
}

/// A revocation list by the certificate of this subject and key: these entries, and these extensions.
pub(crate) fn list_by(issuer: &'static str, entries: &[Vec<u8>], extensions: &[Vec<u8>]) -> Vec<u8> {
    signed_list(issuer, issuer, entries, extensions)
}

pub(crate) fn signed_list(subject: &str, by: &'static str, entries: &[Vec<u8>], extensions: &[Vec<u8>]) -> Vec<u8> {
    let (from, until) = (time("2027-05-03T00:00:00Z"), time("2027-05-10T00:00:00Z"));
    let entries = if entries.is_empty() { Vec::new() } else { der::element(tag::SEQUENCE, &entries.concat()) };
    let extensions = match extensions {
        [] => Vec::new(),
        _ => der::element(tag::CONTEXT_0, &der::element(tag::SEQUENCE, &extensions.concat())),
    };
    let head = [der::integer(&[1]), rsa(RSA_SHA256), name(subject), from, until].concat();
    let list = der::sequence(&[&head, &entries, &extensions]);
    let signature = sign(by, DigestAlgorithm::Sha256, &list);
    der::sequence(&[&list, &rsa(RSA_SHA256), &der::bit_string(&signature)])
}

/// That the certificate of this number was revoked at this time, and why if that is said.
pub(crate) fn revoked(serial: u8, at: &str, reason: Option<u8>) -> Vec<u8> {
    let reason = reason.map(|reason| {
        let reason = extension("2.5.29.21", false, &der::element(0x0a, &[reason]));
        der::element(tag::SEQUENCE, &reason)
    });
    der::sequence(&[&der::integer(&[serial]), &time(at), &reason.unwrap_or_default()])
}

pub(crate) fn info() -> Info {
    Info {
        policy: Oid::parse("1.2.3.4.1").unwrap(),
        imprint: Imprint::of(DigestAlgorithm::Sha256, &data()),
        serial: Serial::from_random(*b"serial of a test"),
        time: Moment::parse(TIME).unwrap(),
        accuracy: Some(Accuracy { seconds: 1, millis: 0, micros: 0 }),
        ordering: false,
        nonce: Some(nonce()),
    }
}

/// A token to be made, each part of which can be another.
#[derive(Clone)]
pub(crate) struct Forge {
    pub(crate) info: Vec<u8>,
    pub(crate) version: u8,
    pub(crate) content_type: &'static str,
    /// The certificate that is named and bound.
    pub(crate) certificate: Vec<u8>,
    pub(crate) certificates: Vec<Vec<u8>>,
    pub(crate) signer_version: u8,
    pub(crate) signer_id: Option<Vec<u8>>,
    pub(crate) digest: DigestAlgorithm,
    pub(crate) digests: Option<Vec<u8>>,
    pub(crate) signer_digest: Option<Vec<u8>>,
    pub(crate) attributes: Option<Vec<Vec<u8>>>,
    pub(crate) sorted: bool,
    pub(crate) algorithm: Vec<u8>,
    pub(crate) key: &'static str,
    /// What is signed in place of the attributes.
    pub(crate) signed: Option<Vec<u8>>,
    pub(crate) signers: usize,
    /// What stands behind the certificates, and behind the signature.
    pub(crate) lists: Vec<u8>,
    pub(crate) unsigned: Vec<u8>,
}

pub(crate) fn attribute(kind: &str, values: &[Vec<u8>]) -> Vec<u8> {
    der::sequence(&[&oid(kind), &der::set_of(values.to_vec())])
}

pub(crate) const CONTENT_TYPE: &str = "1.2.840.113549.1.9.3";
pub(crate) const MESSAGE_DIGEST: &str = "1.2.840.113549.1.9.4";
pub(crate) const SIGNING_CERTIFICATE_V2: &str = "1.2.840.113549.1.9.16.2.47";
pub(crate) const TST_INFO: &str = "1.2.840.113549.1.9.16.1.4";

pub(crate) fn octets(bytes: &[u8]) -> Vec<u8> {
    der::element(tag::OCTET_STRING, bytes)
}

/// ESSCertIDv2 with the default hash function.
pub(crate) fn ess(certificate: &[u8]) -> Vec<u8> {
    der::sequence(&[&octets(&DigestAlgorithm::Sha256.hash(certificate))])
}

/// The attribute signing-certificate-v2 with these ESSCertIDv2.
pub(crate) fn bound(certificates: &[Vec<u8>]) -> Vec<u8> {
    let certificates = der::element(tag::SEQUENCE, &certificates.concat());
    attribute(SIGNING_CERTIFICATE_V2, &[der::sequence(&[&certificates])])
}

impl Forge {
    /// A token in order, by the usual chain, of which the token carries signer and issuer.
    pub(crate) fn new(info: &Info) -> Self {
        Self::by(info, &Certificate::signer())
    }

    pub(crate) fn by(info: &Info, signer: &Certificate) -> Self {
        let certificate = signer.to_der();
        Self {
            info: info.to_der(),
            version: 3,
            content_type: TST_INFO,
            certificates: vec![certificate.clone(), Certificate::issuer().to_der()],
            certificate,
            signer_version: 1,
            signer_id: None,
            digest: DigestAlgorithm::Sha256,
            digests: None,
            signer_digest: None,
            attributes: None,
            sorted: true,
            algorithm: rsa(RSA_SHA256),
            key: signer.key,
            signed: None,
            signers: 1,
            lists: Vec::new(),
            unsigned: Vec::new(),
        }
    }

    /// With this issuer in the place of the usual one.
    pub(crate) fn under(mut self, issuer: &Certificate) -> Self {
        self.certificates[1] = issuer.to_der();
        self
    }

    /// contentType, messageDigest and signing-certificate-v2 as they must be.
    pub(crate) fn usual_attributes(&self) -> [Vec<u8>; 3] {
        [
            attribute(CONTENT_TYPE, &[oid(TST_INFO)]),
            attribute(MESSAGE_DIGEST, &[octets(&self.digest.hash(&self.info))]),
            bound(&[ess(&self.certificate)]),
        ]
    }

    /// With another attribute in the place of the one with this number.
    pub(crate) fn attributes(mut self, change: impl FnOnce(&mut Vec<Vec<u8>>)) -> Self {
        let mut attributes = self.usual_attributes().to_vec();
        change(&mut attributes);
        self.attributes = Some(attributes);
        self
    }

    fn issuer_and_serial(&self) -> Vec<u8> {
        let mut signed = Reader::new(&self.certificate).inside(tag::SEQUENCE).unwrap().inside(tag::SEQUENCE).unwrap();
        signed.take(tag::CONTEXT_0).unwrap();
        let serial = signed.any().unwrap().whole;
        signed.any().unwrap();
        der::sequence(&[signed.any().unwrap().whole, serial])
    }

    pub(crate) fn token(&self) -> Vec<u8> {
        let mut attributes = self.attributes.clone().unwrap_or_else(|| self.usual_attributes().to_vec());
        if self.sorted {
            attributes.sort();
        }
        let attributes = attributes.concat();
        let set = der::element(tag::SET, &attributes);
        let signature = sign(self.key, self.digest, self.signed.as_ref().unwrap_or(&set));
        let digest = self.digest.to_der();
        let signer = der::sequence(&[
            &der::integer(&[self.signer_version]),
            &self.signer_id.clone().unwrap_or_else(|| self.issuer_and_serial()),
            self.signer_digest.as_ref().unwrap_or(&digest),
            &if attributes.is_empty() { Vec::new() } else { der::element(tag::CONTEXT_0, &attributes) },
            &self.algorithm,
            &octets(&signature),
            &self.unsigned,
        ]);
        let mut certificates = self.certificates.clone();
        certificates.sort();
        let certificates =
            if certificates.is_empty() { Vec::new() } else { der::element(tag::CONTEXT_0, &certificates.concat()) };
        let data = der::sequence(&[
            &der::integer(&[self.version]),
            self.digests.as_ref().unwrap_or(&der::set_of(vec![digest])),
            &der::sequence(&[&oid(self.content_type), &der::element(tag::CONTEXT_0, &octets(&self.info))]),
            &certificates,
            &self.lists,
            &der::set_of(vec![signer; self.signers]),
        ]);
        der::sequence(&[&oid("1.2.840.113549.1.7.2"), &der::element(tag::CONTEXT_0, &data)])
    }

    /// The whole answer.
    pub(crate) fn response(&self) -> Vec<u8> {
        hizo_ledger::timestamp::granted(&self.token())
    }
}

/// The lists of authorities that the vectors are held against.
pub(crate) fn lists() -> BTreeMap<&'static str, String> {
    let pem = |certificate: &Certificate| hizo_ledger::timestamp::certificates_to_pem(&[certificate.to_der()]);
    let root = pem(&Certificate::root());
    let other = pem(&other_root());
    let one = |lines: &str, roots: &str| format!("hizo/authorities/v1\n\nauthority test\n{lines}{roots}");
    let named = |certificate: &[u8]| hex::encode(DigestAlgorithm::Sha256.hash(certificate));
    let until = "until 2027-05-03T09:12:43Z\n";
    BTreeMap::from([
        ("test", one("", &root)),
        ("other", one("", &other)),
        ("retired", one(until, &root)),
        ("not_yet", one("from 2027-05-03T09:12:45Z\n", &root)),
        ("policy", one("policy 1.2.3.4.2\n", &root)),
        ("named", one(&format!("signer {}\n", named(&Certificate::signer().to_der())), &root)),
        ("named_other", one(&format!("signer {}\n", named(b"another certificate")), &root)),
        (
            "all",
            one(
                &format!(
                    "from 2027-05-03T09:12:44Z\nuntil 2027-05-03T09:12:44Z\npolicy 1.2.3.4.1\nsigner {}\n",
                    named(&Certificate::signer().to_der())
                ),
                &root,
            ),
        ),
        ("pooled", format!("{}\nauthority present\n{other}", one(until, &root))),
        ("successor", format!("{}\nauthority present\n{root}", one(until, &root))),
        ("issuer_as_root", one("", &pem(&Certificate::issuer()))),
        ("root_ended", one("", &pem(&Certificate { until: time("2027-01-01T00:00:00Z"), ..Certificate::root() }))),
        ("root_is_signer", one("", &pem(&Certificate::signer()))),
    ])
}

/// A root that has nothing to do with the others.
pub(crate) fn other_root() -> Certificate {
    Certificate { subject: "other root", issuer: "other root", key: "other", by: "other", ..Certificate::root() }
}

pub(crate) fn list(name: &str) -> Vec<Authority> {
    Authority::parse_list(&lists()[name]).unwrap()
}
