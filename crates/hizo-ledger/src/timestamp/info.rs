//! TSTInfo: what an authority signs.

use std::fmt;

use super::Error;
use super::der::{self, Reader, tag};
use super::imprint::{Imprint, Nonce};
use super::moment::{Accuracy, Moment};
use super::oid::Oid;

/// Most bytes that a stamp's or a certificate's serial number may have (RFC 3161: 160 bits).
pub const SERIAL_BYTES_MAX: usize = 20;

/// What a stamp says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Info {
    /// The policy under which it was given.
    pub policy: Oid,
    /// The hash of the data.
    pub imprint: Imprint,
    /// Its number at its authority.
    pub serial: Serial,
    /// The authority's time, `genTime`.
    pub time: Moment,
    /// How far that may be from the true time; `None` when the authority does not say.
    pub accuracy: Option<Accuracy>,
    /// Whether stamps of this authority can be ordered by their times alone.
    pub ordering: bool,
    /// The number that the request carried.
    pub nonce: Option<Nonce>,
}

/// A stamp's number: with its authority it names one stamp.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Serial(Vec<u8>);

impl Serial {
    /// A number of these 16 random bytes.
    pub fn from_random(random: [u8; 16]) -> Self {
        Self(random.iter().copied().skip_while(|byte| *byte == 0).collect())
    }

    fn read(content: &[u8]) -> Result<Self, Error> {
        let digits = der::unsigned(content)?;
        if digits.len() > SERIAL_BYTES_MAX {
            return Err(Error::SerialLength);
        }
        Ok(Self(digits.to_vec()))
    }
}

impl fmt::Display for Serial {
    /// Hexadecimal digits, two a byte, as other tools print it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("00");
        }
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Serial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Serial({self})")
    }
}

impl Info {
    /// Reads a TSTInfo. Its `tsa` name is passed over: the certificate says who signed.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, Error> {
        let mut info = der::only(bytes, tag::SEQUENCE)?;
        if info.take(tag::INTEGER)? != [1] {
            return Err(Error::Version);
        }
        let policy = Oid::from_content(info.take(tag::OID)?).map_err(|_| Error::PolicyForm)?;
        let imprint = Imprint::read(info.inside(tag::SEQUENCE)?)?;
        let serial = Serial::read(info.take(tag::INTEGER)?)?;
        let time = Moment::from_generalized(info.take(tag::GENERALIZED_TIME)?).ok_or(Error::Time)?;
        let accuracy = info.optional(tag::SEQUENCE)?.map(|accuracy| read_accuracy(accuracy.content)).transpose()?;
        let ordering = match info.optional(tag::BOOLEAN)? {
            None => false,
            // DER leaves out what is the default.
            Some(ordering) if der::boolean(ordering.content)? => true,
            Some(_) => return Err(der::NotDer.into()),
        };
        let nonce = info.optional(tag::INTEGER)?.map(|nonce| Nonce::read(nonce.content)).transpose()?;
        info.optional(tag::CONTEXT_0)?;
        if let Some(extensions) = info.optional(tag::CONTEXT_1)? {
            refuse_critical(Reader::new(extensions.content))?;
        }
        info.end()?;
        Ok(Self { policy, imprint, serial, time, accuracy, ordering, nonce })
    }

    /// The TSTInfo in DER.
    pub fn to_der(&self) -> Vec<u8> {
        let accuracy = self.accuracy.as_ref().map(write_accuracy).unwrap_or_default();
        let ordering = if self.ordering { der::element(tag::BOOLEAN, &[0xff]) } else { Vec::new() };
        let nonce = self.nonce.as_ref().map(Nonce::to_der).unwrap_or_default();
        der::sequence(&[
            &der::integer(&[1]),
            &self.policy.to_der(),
            &self.imprint.to_der(),
            &der::integer(&self.serial.0),
            &self.time.to_generalized(),
            &accuracy,
            &ordering,
            &nonce,
        ])
    }

    /// The latest moment at which the data can have come to the authority: its time and its accuracy. An authority that
    /// states no accuracy is taken at its time.
    pub fn latest(&self) -> Moment {
        self.accuracy.map_or(self.time, |accuracy| self.time.plus(u64::from(accuracy.seconds), accuracy.nanos()))
    }
}

fn read_accuracy(content: &[u8]) -> Result<Accuracy, Error> {
    let mut accuracy = Reader::new(content);
    let seconds = accuracy.optional(tag::INTEGER)?.map(|seconds| der::small(seconds.content)).transpose();
    let seconds = seconds.map_err(|_| Error::Accuracy)?.unwrap_or(0);
    let mut thousandth = |tag| match accuracy.optional(tag)? {
        None => Ok(0),
        Some(part) => match der::small(part.content).ok().and_then(|part| u16::try_from(part).ok()) {
            Some(part @ 1..=999) => Ok(part),
            Some(_) | None => Err(Error::Accuracy),
        },
    };
    let (millis, micros) = (thousandth(tag::IMPLICIT_0)?, thousandth(tag::IMPLICIT_1)?);
    accuracy.end()?;
    Ok(Accuracy { seconds, millis, micros })
}

fn write_accuracy(accuracy: &Accuracy) -> Vec<u8> {
    let part = |tag, number: u32| match (number, der::integer(&number.to_be_bytes())) {
        (0, _) => Vec::new(),
        (_, integer) => der::element(tag, Reader::new(&integer).take(tag::INTEGER).unwrap_or_default()),
    };
    der::sequence(&[
        &part(tag::INTEGER, accuracy.seconds),
        &part(tag::IMPLICIT_0, accuracy.millis.into()),
        &part(tag::IMPLICIT_1, accuracy.micros.into()),
    ])
}

/// No extension of a stamp is known; one that is critical must be.
fn refuse_critical(mut extensions: Reader<'_>) -> Result<(), Error> {
    while !extensions.is_empty() {
        let mut extension = extensions.inside(tag::SEQUENCE)?;
        extension.take(tag::OID)?;
        if let Some(critical) = extension.optional(tag::BOOLEAN)?
            && der::boolean(critical.content)?
        {
            return Err(Error::CriticalExtension);
        }
        extension.take(tag::OCTET_STRING)?;
        extension.end()?;
    }
    Ok(())
}
