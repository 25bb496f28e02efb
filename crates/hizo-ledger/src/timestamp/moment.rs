//! Moments with fractions of a second, in the forms of certificates and stamps.

use std::fmt;

use crate::record::ClaimedTime;

use super::der::{self, Element, tag};

/// Most digits that a fraction of a second may have.
pub const FRACTION_DIGITS_MAX: usize = 9;

const NANOS_PER_SECOND: u64 = 1_000_000_000;

/// A moment in UTC from 1970 to 9999, leap seconds not counted, to the nanosecond.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Moment {
    seconds: u64,
    nanos: u32,
}

impl Moment {
    /// So many seconds and nanoseconds after 1970-01-01T00:00:00Z; `None` past the year 9999 or for a whole second of
    /// nanoseconds.
    pub fn from_unix(seconds: u64, nanos: u32) -> Option<Self> {
        ClaimedTime::from_unix_seconds(seconds).ok()?;
        (u64::from(nanos) < NANOS_PER_SECOND).then_some(Self { seconds, nanos })
    }

    /// Reads `2027-05-03T09:12:44Z`, the form in which a record has a time.
    pub fn parse(text: &str) -> Option<Self> {
        Some(Self { seconds: ClaimedTime::parse(text).ok()?.unix_seconds(), nanos: 0 })
    }

    /// Whole seconds since 1970-01-01T00:00:00Z.
    pub const fn unix_seconds(&self) -> u64 {
        self.seconds
    }

    /// Nanoseconds beyond the second.
    pub const fn nanos(&self) -> u32 {
        self.nanos
    }

    /// The first whole second that is not before this moment.
    pub const fn unix_seconds_rounded_up(&self) -> u64 {
        if self.nanos == 0 { self.seconds } else { self.seconds.saturating_add(1) }
    }

    /// This moment and so much more; the last one there is when that is past the year 9999.
    #[must_use]
    pub fn plus(&self, seconds: u64, nanos: u64) -> Self {
        let nanos = u64::from(self.nanos).saturating_add(nanos);
        let whole = self.seconds.saturating_add(seconds).saturating_add(nanos / NANOS_PER_SECOND);
        let nanos = u32::try_from(nanos % NANOS_PER_SECOND).unwrap_or(0);
        let last = ClaimedTime::parse("9999-12-31T23:59:59Z").map_or(0, |time| time.unix_seconds());
        Self::from_unix(whole, nanos).unwrap_or(Self { seconds: last, nanos: 0 })
    }

    /// The content of a GeneralizedTime as DER wants it: `20270503091244Z`, or with a fraction that does not end in 0.
    pub(crate) fn from_generalized(content: &[u8]) -> Option<Self> {
        let digits = content.strip_suffix(b"Z")?;
        let (whole, fraction) = match digits.split_at_checked(14)? {
            (whole, []) => (whole, &[][..]),
            (whole, [b'.', fraction @ ..]) if !fraction.is_empty() => (whole, fraction),
            _ => return None,
        };
        let all_digits = whole.iter().chain(fraction).all(u8::is_ascii_digit);
        if !all_digits || fraction.len() > FRACTION_DIGITS_MAX || fraction.last() == Some(&b'0') {
            return None;
        }
        let padding = std::iter::repeat(&b'0');
        let nanos =
            fraction.iter().chain(padding).take(FRACTION_DIGITS_MAX).fold(0_u32, |nanos, digit| {
                nanos.saturating_mul(10).saturating_add(u32::from(digit.saturating_sub(b'0')))
            });
        Some(Self { seconds: seconds(std::str::from_utf8(whole).ok()?)?, nanos })
    }

    /// The content of a UTCTime as DER wants it: `270503091244Z`; years 50 to 99 are of the twentieth century.
    pub(crate) fn from_utc(content: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(content.strip_suffix(b"Z")?).ok()?;
        if text.len() != 12 || !text.bytes().all(|digit| digit.is_ascii_digit()) {
            return None;
        }
        let century = if text < "5" { "20" } else { "19" };
        Some(Self { seconds: seconds(&format!("{century}{text}"))?, nanos: 0 })
    }

    /// The moment of a certificate: a UTCTime or a GeneralizedTime.
    pub fn from_certificate_time(time: Element<'_>) -> Option<Self> {
        match time.tag {
            tag::UTC_TIME => Self::from_utc(time.content),
            tag::GENERALIZED_TIME => Self::from_generalized(time.content),
            _ => None,
        }
    }

    /// The moment as a GeneralizedTime.
    pub fn to_generalized(&self) -> Vec<u8> {
        let digits: String = self.whole().chars().filter(char::is_ascii_digit).collect();
        der::element(tag::GENERALIZED_TIME, format!("{digits}{}Z", self.fraction()).as_bytes())
    }

    /// The moment's whole second as certificates have it: a UTCTime until 2049, then a GeneralizedTime (RFC 5280).
    pub fn to_certificate_time(&self) -> Vec<u8> {
        let digits: String = self.whole().chars().filter(char::is_ascii_digit).collect();
        match digits.split_at_checked(2) {
            Some(("19", rest)) if rest >= "5" => der::element(tag::UTC_TIME, format!("{rest}Z").as_bytes()),
            Some(("20", rest)) if rest < "5" => der::element(tag::UTC_TIME, format!("{rest}Z").as_bytes()),
            Some(_) | None => der::element(tag::GENERALIZED_TIME, format!("{digits}Z").as_bytes()),
        }
    }

    fn whole(&self) -> String {
        ClaimedTime::from_unix_seconds(self.seconds).map(|time| time.to_string()).unwrap_or_default()
    }

    /// The fraction with its dot, or nothing.
    fn fraction(&self) -> String {
        if self.nanos == 0 {
            return String::new();
        }
        format!(".{:09}", self.nanos).trim_end_matches('0').to_owned()
    }
}

/// Seconds since 1970 of fourteen digits.
fn seconds(digits: &str) -> Option<u64> {
    let part = |places: std::ops::Range<usize>| digits.get(places);
    let (year, month, day) = (part(0..4)?, part(4..6)?, part(6..8)?);
    let (hour, minute, second) = (part(8..10)?, part(10..12)?, part(12..14)?);
    let text = format!("{year}-{month}-{day}T{hour}:{minute}:{second}Z");
    ClaimedTime::parse(&text).ok().map(|time| time.unix_seconds())
}

impl fmt::Display for Moment {
    /// `2027-05-03T09:12:44.5Z`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}Z", self.whole().trim_end_matches('Z'), self.fraction())
    }
}

/// How far from the true time a stamp's time may be, as its authority says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Accuracy {
    /// Whole seconds.
    pub seconds: u32,
    /// Thousandths of a second, 0 to 999.
    pub millis: u16,
    /// Millionths of a second beyond, 0 to 999.
    pub micros: u16,
}

impl Accuracy {
    /// The fraction of a second in nanoseconds.
    pub(crate) const fn nanos(&self) -> u64 {
        (self.millis as u64).saturating_mul(1_000_000).saturating_add((self.micros as u64).saturating_mul(1_000))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_generalized_time_has_one_form() {
        for (text, seconds, nanos) in [
            ("19700101000000Z", 0, 0),
            ("20270503091244Z", 1_809_335_564, 0),
            ("20270503091244.5Z", 1_809_335_564, 500_000_000),
            ("20270503091244.000000001Z", 1_809_335_564, 1),
            ("20270503091244.1234567Z", 1_809_335_564, 123_456_700),
        ] {
            let moment = Moment::from_generalized(text.as_bytes()).unwrap();
            assert_eq!((moment.unix_seconds(), moment.nanos()), (seconds, nanos), "{text}");
            assert_eq!(moment.to_generalized().get(2..), Some(text.as_bytes()));
        }
    }

    #[test]
    fn other_forms_of_a_generalized_time_are_refused() {
        for wrong in [
            "",
            "Z",
            "20270503091244",
            "202705030912Z",
            "20270503091244.Z",
            "20270503091244.50Z",
            "20270503091244.0Z",
            "20270503091244,5Z",
            "20270503091244.1234567891Z",
            "20270503091244+0900",
            "20270503091244z",
            "20270503091260Z",
            "20270503240000Z",
            "20270229091244Z",
            "19691231235959Z",
            "+0270503091244Z",
            "2027050309124\u{ff14}Z",
        ] {
            assert_eq!(Moment::from_generalized(wrong.as_bytes()), None, "{wrong:?}");
        }
    }

    #[test]
    fn a_utc_time_is_of_the_century_that_rfc_5280_says() {
        let year = |text: &str| Moment::from_utc(text.as_bytes()).map(|moment| moment.to_string());
        assert_eq!(year("491231235959Z").as_deref(), Some("2049-12-31T23:59:59Z"));
        assert_eq!(year("700101000000Z").as_deref(), Some("1970-01-01T00:00:00Z"));
        for wrong in ["500101000000Z", "4912312359Z", "491231235959+0000", "4912312359599Z", "49123123595.Z"] {
            assert_eq!(year(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_certificate_has_two_digits_for_the_year_until_2049() {
        for text in ["1970-01-01T00:00:00Z", "1999-12-31T23:59:59Z", "2049-12-31T23:59:59Z", "2050-01-01T00:00:00Z"] {
            let moment = Moment::parse(text).unwrap();
            let bytes = moment.to_certificate_time();
            let content = bytes.get(2..).unwrap();
            let read = if bytes.first() == Some(&tag::UTC_TIME) { Moment::from_utc } else { Moment::from_generalized };
            assert_eq!((read(content), content.len() == 13), (Some(moment), text < "2050"), "{text}");
        }
    }

    #[test]
    fn accuracy_carries_into_the_seconds() {
        let moment = Moment::from_generalized(b"20270503091259.9995Z").unwrap();
        let accuracy = Accuracy { seconds: 1, millis: 0, micros: 500 };
        assert_eq!(moment.plus(1, accuracy.nanos()).to_string(), "2027-05-03T09:13:01Z");
        assert_eq!(moment.plus(u64::MAX, 0).to_string(), "9999-12-31T23:59:59Z");
        assert_eq!((moment.unix_seconds_rounded_up(), moment.plus(0, 500_000).unix_seconds_rounded_up()), {
            (1_809_335_580, 1_809_335_580)
        });
    }
}
