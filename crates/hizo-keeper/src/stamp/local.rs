//! The keeper's own authority. Its root signs one certificate and is forgotten, so that there is no second one.

use std::path::Path;

use aws_lc_rs::agreement::{ECDH_P256, PrivateKey};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair};
use hizo_ledger::id::ObjectId;
use hizo_ledger::record::Origin;
use hizo_ledger::timestamp::der::{self, tag};
use hizo_ledger::timestamp::{
    Accuracy, Authority, DigestAlgorithm, Draft, Failure, Imprint, Info, Moment, Nonce, Request, SELF_STAMP_POLICY,
    Serial, certificates_from_pem, certificates_to_pem, granted, known, parse_response, rejected,
};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use super::Error;
use crate::embedded::{self, FileError};

/// The name of a keeper's own authority, and of its stamps. No other has it.
pub const SELF: &str = "self";

/// The authority's file: the seed of its key, one line of 64 hexadecimal digits; its certificate and its root as PEM.
const FILE: &str = "stamp.key";

/// Most bytes of that file that are read.
const FILE_BYTES_MAX: u64 = 16 << 10;

/// How long the certificates are valid.
const LIFE_SECONDS: u64 = 3652 * 86_400;

/// How exact the keeper's clock is said to be.
const ACCURACY: Accuracy = Accuracy { seconds: 1, millis: 0, micros: 0 };

/// What a new authority is made of, straight from the system's random source.
pub struct StampSeeds {
    /// Becomes the key that stamps.
    pub key: Zeroizing<[u8; 32]>,
    /// Becomes the root's key, which is used once.
    pub root_key: Zeroizing<[u8; 32]>,
    /// The number of the certificate.
    pub serial: [u8; 16],
    /// The number of the root.
    pub root_serial: [u8; 16],
}

/// A keeper's own authority: self-stamped, not independent.
pub struct LocalAuthority {
    key: EcdsaKeyPair,
    certificate: Vec<u8>,
    root: Vec<u8>,
    from: Moment,
    until: Moment,
}

impl LocalAuthority {
    /// Sets up an authority in a keeper's folder, or opens the one that is there. Its certificates begin `now`.
    ///
    /// # Errors
    /// [`Error::File`], [`Error::Key`], and those of [`LocalAuthority::open`].
    pub fn init(folder: &Path, origin: &Origin, seeds: &StampSeeds, now: Moment) -> Result<Self, Error> {
        if let Some(authority) = Self::open(folder)? {
            return Ok(authority);
        }
        let [certificate, root] = certificates(origin, seeds, now)?;
        let pem = certificates_to_pem(&[certificate, root]);
        let text = Zeroizing::new(format!("{}\n{pem}", ObjectId::from_bytes(*seeds.key)));
        embedded::settle_file(folder, FILE, seeds.serial, text.as_bytes())?;
        Self::open(folder)?.ok_or(Error::Damaged)
    }

    /// Opens the authority in a keeper's folder; `None` when none was set up.
    ///
    /// # Errors
    /// [`Error::File`]; [`Error::Damaged`] when the file does not hold a key and the certificates of that key.
    pub fn open(folder: &Path) -> Result<Option<Self>, Error> {
        let Some(text) = embedded::read_file(&folder.join(FILE), FILE_BYTES_MAX)? else { return Ok(None) };
        let (seed, pem) = text.split_once('\n').ok_or(Error::Damaged)?;
        let seed = Zeroizing::new(*ObjectId::from_hex(seed).map_err(|_| Error::Damaged)?.as_bytes());
        let (key, public) = key_pair(&seed)?;
        let [certificate, root] =
            certificates_from_pem(pem).map_err(|_| Error::Damaged)?.try_into().map_err(|_| Error::Damaged)?;
        let (from, until, its_key) = facts(&certificate).map_err(|_| Error::Damaged)?;
        if its_key != public {
            return Err(Error::Damaged);
        }
        Ok(Some(Self { key, certificate, root, from, until }))
    }

    /// Answers a request, as an authority answers over a network: with a stamp of this time under this random number, or
    /// with a refusal. The signature's own randomness comes from the cryptographic library.
    ///
    /// # Errors
    /// [`Error::Key`] when the library fails; a request that is not in order is refused in the answer.
    pub fn answer(&self, request: &[u8], now: Moment, serial: [u8; 16]) -> Result<Vec<u8>, Error> {
        use hizo_ledger::timestamp::Error as Rule;
        let request = match Request::parse(request) {
            Ok(request) => request,
            Err(Rule::Digest) => return Ok(rejected(Failure::BadAlgorithm)),
            Err(Rule::CriticalExtension) => return Ok(rejected(Failure::UnacceptedExtension)),
            Err(Rule::Version | Rule::ImprintLength | Rule::NonceLength) => return Ok(rejected(Failure::BadRequest)),
            Err(_) => return Ok(rejected(Failure::BadDataFormat)),
        };
        if request.policy.as_ref().is_some_and(|policy| *policy != SELF_STAMP_POLICY) {
            return Ok(rejected(Failure::UnacceptedPolicy));
        }
        // A clock outside the certificate's life is wrong, or the life is over: no stamp of it would count.
        if now < self.from || now > self.until {
            return Ok(rejected(Failure::TimeNotAvailable));
        }
        let info = Info {
            policy: SELF_STAMP_POLICY,
            imprint: request.imprint,
            serial: Serial::from_random(serial),
            time: now,
            accuracy: Some(ACCURACY),
            ordering: false,
            nonce: request.nonce,
        };
        let draft = Draft::new(&info.to_der(), &self.certificate).map_err(|_| Error::Damaged)?;
        let signature = sign(&self.key, draft.to_sign())?;
        let certificates = if request.certificates { vec![self.certificate.clone()] } else { Vec::new() };
        Ok(granted(&draft.finish(&signature, &certificates).map_err(|_| Error::Damaged)?))
    }

    /// The root, in DER. It may be given to anybody, and makes nobody trust.
    pub fn root(&self) -> &[u8] {
        &self.root
    }

    /// The certificate that stamps, in DER.
    pub fn certificate(&self) -> &[u8] {
        &self.certificate
    }

    /// When the certificates end: before that, a new authority is set up.
    pub const fn ends(&self) -> Moment {
        self.until
    }

    /// A stamp of this time over these bytes, with what is random in it.
    ///
    /// # Errors
    /// As [`LocalAuthority::answer`]; [`Error::Refused`] outside the certificate's life.
    pub fn stamp(&self, data: &[u8], now: Moment, random: &mut dyn FnMut() -> [u8; 16]) -> Result<Vec<u8>, Error> {
        let imprint = Imprint::of(DigestAlgorithm::Sha256, data);
        let nonce = Some(Nonce::from_random(random()));
        let request = Request { imprint, policy: None, nonce, certificates: true };
        let answer = self.answer(&request.to_der(), now, random())?;
        parse_response(&answer).map_err(Error::Refused)?;
        Ok(answer)
    }

    /// This authority as one to hold its stamps against.
    ///
    /// # Errors
    /// [`Error::Damaged`] when its root is none.
    pub fn authority(&self) -> Result<Authority, Error> {
        Self::of_root(&self.root).ok_or(Error::Damaged)
    }

    /// The authority of a keeper that says that this is its root, in DER. Its stamps are never independent, whoever's root
    /// it is. `None` when that is no root.
    pub fn of_root(root: &[u8]) -> Option<Authority> {
        Some(Authority::new(SELF, &[root.to_vec()]).ok()?.under(SELF_STAMP_POLICY))
    }
}

impl From<FileError> for Error {
    fn from(FileError { act, source }: FileError) -> Self {
        Self::File { act, source }
    }
}

/// The key of a seed, and its public half. One seed in 2^32 is no number of a key: then its hash is taken, and so on.
fn key_pair(seed: &[u8; 32]) -> Result<(EcdsaKeyPair, Vec<u8>), Error> {
    let mut number = Zeroizing::new(*seed);
    for _ in 0..8 {
        if let Ok(private) = PrivateKey::from_private_key(&ECDH_P256, number.as_slice()) {
            let public = private.compute_public_key().map_err(|_| Error::Key)?.as_ref().to_vec();
            let pair = EcdsaKeyPair::from_private_key_and_public_key(
                &ECDSA_P256_SHA256_ASN1_SIGNING,
                number.as_slice(),
                &public,
            );
            return Ok((pair.map_err(|_| Error::Key)?, public));
        }
        number = Zeroizing::new(Sha256::digest(number.as_slice()).into());
    }
    Err(Error::Key)
}

fn sign(key: &EcdsaKeyPair, message: &[u8]) -> Result<Vec<u8>, Error> {
    Ok(key.sign(&SystemRandom::new(), message).map_err(|_| Error::Key)?.as_ref().to_vec())
}

fn oid(content: &[u8]) -> Vec<u8> {
    der::element(tag::OID, content)
}

/// The stamping certificate and the root.
fn certificates(origin: &Origin, seeds: &StampSeeds, now: Moment) -> Result<[Vec<u8>; 2], Error> {
    let ((root_key, root_public), (_, public)) = (key_pair(&seeds.root_key)?, key_pair(&seeds.key)?);
    let now = Moment::from_unix(now.unix_seconds(), 0).unwrap_or(now);
    let life = der::sequence(&[&now.to_certificate_time(), &now.plus(LIFE_SECONDS, 0).to_certificate_time()]);
    let root_name = name(origin, "root of self-stamps (not independent)");
    let algorithm = der::sequence(&[&oid(known::ECDSA_SHA256)]);
    let finish = |serial: [u8; 16], subject: &[u8], public: &[u8], extensions: &[Vec<u8>]| {
        let key_algorithm = der::sequence(&[&oid(known::EC), &oid(known::P256)]);
        let signed = der::sequence(&[
            &der::element(tag::CONTEXT_0, &der::integer(&[2])),
            &der::integer(&serial),
            &algorithm,
            &root_name,
            &life,
            subject,
            &der::sequence(&[&key_algorithm, &der::bit_string(public)]),
            &der::element(tag::CONTEXT_3, &der::element(tag::SEQUENCE, &extensions.concat())),
        ]);
        let signature = sign(&root_key, &signed)?;
        Ok::<_, Error>(der::sequence(&[&signed, &algorithm, &der::bit_string(&signature)]))
    };
    let key_id = |public: &[u8]| Sha256::digest(public).iter().copied().take(20).collect::<Vec<u8>>();
    let subject_key_id =
        |public| extension(known::SUBJECT_KEY_ID, false, &der::element(tag::OCTET_STRING, &key_id(public)));
    let issued_by = der::sequence(&[&der::element(tag::IMPLICIT_0, &key_id(&root_public))]);
    let constraints = |authority: &[u8]| extension(known::BASIC_CONSTRAINTS, true, &der::sequence(&[authority]));
    // keyCertSign is the sixth bit, digitalSignature the first.
    let usage =
        |unused: u8, bits: u8| extension(known::KEY_USAGE, true, &der::element(tag::BIT_STRING, &[unused, bits]));
    let none_below = [der::element(tag::BOOLEAN, &[0xff]), der::integer(&[0])].concat();
    let root = finish(
        seeds.root_serial,
        &root_name,
        &root_public,
        &[constraints(&none_below), usage(2, 0x04), subject_key_id(&root_public)],
    )?;
    let certificate = finish(
        seeds.serial,
        &name(origin, "self-stamps (not independent)"),
        &public,
        &[
            constraints(&[]),
            usage(7, 0x80),
            extension(known::EXTENDED_KEY_USAGE, true, &der::sequence(&[&oid(known::TIME_STAMPING)])),
            subject_key_id(&public),
            extension(known::AUTHORITY_KEY_ID, false, &issued_by),
        ],
    )?;
    Ok([certificate, root])
}

/// The keeper as the organisation, and what this is: whoever sees the name sees what it is worth.
fn name(origin: &Origin, common: &str) -> Vec<u8> {
    let part = |kind: &[u8], value: &str| {
        der::set_of(vec![der::sequence(&[&oid(kind), &der::element(tag::UTF8, value.as_bytes())])])
    };
    // X.520 has room for 64 characters, which an embedded keeper's origin never needs.
    let origin: String = origin.as_str().chars().take(64).collect();
    der::sequence(&[&part(known::ORGANIZATION, &origin), &part(known::COMMON_NAME, common)])
}

fn extension(kind: &[u8], critical: bool, value: &[u8]) -> Vec<u8> {
    let critical = if critical { der::element(tag::BOOLEAN, &[0xff]) } else { Vec::new() };
    der::sequence(&[&oid(kind), &critical, &der::element(tag::OCTET_STRING, value)])
}

/// When a certificate of ours begins and ends, and its key.
fn facts(certificate: &[u8]) -> Result<(Moment, Moment, Vec<u8>), der::NotDer> {
    let mut signed = der::only(certificate, tag::SEQUENCE)?.inside(tag::SEQUENCE)?;
    signed.take(tag::CONTEXT_0)?;
    signed.take(tag::INTEGER)?;
    signed.take(tag::SEQUENCE)?;
    signed.take(tag::SEQUENCE)?;
    let mut life = signed.inside(tag::SEQUENCE)?;
    let (from, until) = (life.any()?, life.any()?);
    let (from, until) = (Moment::from_certificate_time(from), Moment::from_certificate_time(until));
    signed.take(tag::SEQUENCE)?;
    let mut key = signed.inside(tag::SEQUENCE)?;
    key.take(tag::SEQUENCE)?;
    let public = der::whole_bytes(key.take(tag::BIT_STRING)?)?.to_vec();
    Ok((from.ok_or(der::NotDer)?, until.ok_or(der::NotDer)?, public))
}
