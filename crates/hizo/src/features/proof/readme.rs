//! The page in a bundle that says what it is and how to check it, for somebody who has never heard of hizo.

use std::fmt::Write as _;

use super::certificate::Facts;

/// The page, Japanese first.
pub(super) fn text(facts: &Facts, policy: &str) -> String {
    let mut text = include_str!("README.bundle.md").to_owned();
    let mut stamps = String::new();
    for stamp in &facts.stamps {
        let (token, chain, time) = (&stamp.token, &stamp.chain, stamp.time);
        // An independent root comes from the authority. The keeper's own can come from nowhere but here, and proves nothing.
        let root = if stamp.is_independent { "roots.pem" } else { chain.as_str() };
        let _ = writeln!(
            stamps,
            "openssl ts -verify -data checkpoint -in {token} -CAfile {root} -untrusted {chain} -attime {time}"
        );
    }
    for (mark, value) in [
        ("{record}", facts.record.to_string()),
        ("{policy}", policy.trim_end().to_owned()),
        ("{stamps}", stamps.trim_end().to_owned()),
        ("{before}", date(facts.refresh_before)),
    ] {
        text = text.replace(mark, &value);
    }
    text
}

fn date(seconds: u64) -> String {
    let time = hizo_ledger::record::ClaimedTime::from_unix_seconds(seconds);
    time.map_or_else(|_| seconds.to_string(), |time| time.to_string())
}
