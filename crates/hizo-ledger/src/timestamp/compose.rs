//! Putting together what an authority signs. The key stays with whoever signs; here are only the bytes.

use super::der::{self, NotDer, Reader, tag};
use super::imprint::DigestAlgorithm;
use super::oid::known;

/// A token that waits for its signature: ECDSA with SHA-256, over [`Draft::to_sign`].
#[derive(Debug, Clone)]
pub struct Draft {
    info: Vec<u8>,
    signer_id: Vec<u8>,
    attributes: Vec<u8>,
}

impl Draft {
    /// Begins a token around a TSTInfo, by the authority with this certificate in DER.
    ///
    /// # Errors
    /// [`NotDer`] when the certificate is none.
    pub fn new(info: &[u8], certificate: &[u8]) -> Result<Self, NotDer> {
        let attribute =
            |oid: &[u8], value: Vec<u8>| der::sequence(&[&der::element(tag::OID, oid), &der::set_of(vec![value])]);
        let hash = |bytes: &[u8]| der::element(tag::OCTET_STRING, &DigestAlgorithm::Sha256.hash(bytes));
        // SHA-256 is the default of ESSCertIDv2, and so is not named.
        let bound = der::sequence(&[&der::sequence(&[&der::sequence(&[&hash(certificate)])])]);
        let attributes = der::set_of(vec![
            attribute(known::CONTENT_TYPE, der::element(tag::OID, known::TST_INFO)),
            attribute(known::MESSAGE_DIGEST, hash(info)),
            attribute(known::SIGNING_CERTIFICATE_V2, bound),
        ]);
        Ok(Self { info: info.to_vec(), signer_id: issuer_and_serial(certificate)?, attributes })
    }

    /// The bytes that the authority signs: the attributes as a SET OF.
    pub fn to_sign(&self) -> &[u8] {
        &self.attributes
    }

    /// The token, with these certificates in it.
    ///
    /// # Errors
    /// [`NotDer`], which no draft of ours gives.
    pub fn finish(&self, signature: &[u8], certificates: &[Vec<u8>]) -> Result<Vec<u8>, NotDer> {
        let digest = DigestAlgorithm::Sha256.to_der();
        let attributes = Reader::new(&self.attributes).take(tag::SET)?;
        let signer = der::sequence(&[
            &der::integer(&[1]),
            &self.signer_id,
            &digest,
            &der::element(tag::CONTEXT_0, attributes),
            &der::sequence(&[&der::element(tag::OID, known::ECDSA_SHA256)]),
            &der::element(tag::OCTET_STRING, signature),
        ]);
        let content = der::element(tag::CONTEXT_0, &der::element(tag::OCTET_STRING, &self.info));
        let mut sorted = certificates.to_vec();
        sorted.sort();
        let certificates = if sorted.is_empty() { Vec::new() } else { der::element(tag::CONTEXT_0, &sorted.concat()) };
        let data = der::sequence(&[
            &der::integer(&[3]),
            &der::set_of(vec![digest]),
            &der::sequence(&[&der::element(tag::OID, known::TST_INFO), &content]),
            &certificates,
            &der::set_of(vec![signer]),
        ]);
        Ok(der::sequence(&[&der::element(tag::OID, known::SIGNED_DATA), &der::element(tag::CONTEXT_0, &data)]))
    }
}

/// IssuerAndSerialNumber of a certificate.
fn issuer_and_serial(certificate: &[u8]) -> Result<Vec<u8>, NotDer> {
    let mut signed = Reader::new(certificate).inside(tag::SEQUENCE)?.inside(tag::SEQUENCE)?;
    signed.take(tag::CONTEXT_0)?;
    let serial = signed.element(tag::INTEGER)?;
    signed.take(tag::SEQUENCE)?;
    let issuer = signed.element(tag::SEQUENCE)?;
    Ok(der::sequence(&[issuer.whole, serial.whole]))
}
