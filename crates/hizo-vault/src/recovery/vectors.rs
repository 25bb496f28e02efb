//! The test vectors of SLIP-39 itself, in `vectors/slip39`: all of them, groups, passphrases and short secrets included.
#![allow(clippy::unwrap_used)]

use super::Card;
use super::share::{self, Share};
use super::sharing;

/// What the vectors, and shares of another implementation, are combined with.
fn combined(words: &[String], passphrase: &[u8]) -> Option<Vec<u8>> {
    let shares: Vec<Share> = words.iter().map(|words| Share::parse(words)).collect::<Result<_, _>>().ok()?;
    sharing::combine(&shares, passphrase).ok().map(|secret| secret.to_vec())
}

#[test]
fn every_vector_of_the_specification_is_taken_or_refused_as_it_says() {
    let text = include_str!("../../../../vectors/slip39/vectors.json");
    let vectors: Vec<(String, Vec<String>, String, String)> = serde_json::from_str(text).unwrap();
    let mut taken = 0;
    for (about, words, secret, _) in &vectors {
        let expected = (!secret.is_empty()).then(|| hex::decode(secret).unwrap());
        assert_eq!(combined(words, b"TREZOR"), expected, "{about}");
        taken += usize::from(expected.is_some());
    }
    assert_eq!((vectors.len(), taken), (45, 15));
}

#[test]
fn words_are_written_as_they_were_read() {
    let text = include_str!("../../../../vectors/slip39/vectors.json");
    let vectors: Vec<(String, Vec<String>, String, String)> = serde_json::from_str(text).unwrap();
    let mut read = 0;
    for words in vectors.iter().flat_map(|(_, words, _, _)| words) {
        let Ok(share) = Share::parse(words) else { continue };
        assert_eq!(*share.words(), *words);
        // None of them is a card of ours: they are of another exponent, of several groups, or for one alone.
        assert!(Card::parse(words).is_err(), "{words}");
        read += 1;
    }
    assert!(read > 60, "{read}");
}

#[test]
fn the_first_fault_of_words_is_named() {
    let good = "theory painting academic academic armed sweater year military elder discuss acne wildlife boring employer fused large satoshi bundle carbon diagnose anatomy hamster leaves tracks paces beyond phantom capital marvel lips brave detect luck";
    let fault = |words: &str| Share::parse(words).err();
    assert_eq!(fault(good), None);
    assert_eq!(fault(&good.to_uppercase().replace(' ', "\n  ")), None);
    assert_eq!(fault(&good.replace("year", "jear")), Some(share::Error::Word { at: 7 }));
    assert_eq!(fault(&good.replace(" luck", "")), Some(share::Error::WordCount { found: 32 }));
    assert_eq!(fault(&good.replace("luck", "lunar")), Some(share::Error::Checksum));
    assert_eq!(fault(""), Some(share::Error::WordCount { found: 0 }));
    assert_eq!(fault(&"acid ".repeat(65)), Some(share::Error::WordCount { found: 65 }));
}
