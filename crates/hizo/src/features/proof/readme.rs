//! The page in a bundle that says what it is and how to check it, for somebody who has never heard of hizo.

use super::certificate::{Facts, Stamp};

/// The page, Japanese first.
pub(super) fn text(facts: &Facts, policy: &str) -> String {
    let mut text = include_str!("README.bundle.md").to_owned();
    for (mark, value) in [
        ("{record}", facts.record.to_string()),
        ("{policy}", policy.trim_end().to_owned()),
        ("{stamps}", stock_commands(facts).join("\n")),
        ("{before}", date(facts.refresh_before)),
    ] {
        text = text.replace(mark, &value);
    }
    text
}

/// One for each stamp, in the order of the certificate.
pub(super) fn stock_commands(facts: &Facts) -> Vec<String> {
    let command = |stamp: &Stamp| {
        let Stamp { token, chain, time, .. } = stamp;
        // An independent root comes from the authority. The keeper's own can come from nowhere but here, and proves nothing.
        let root = if stamp.is_independent { "roots.pem" } else { chain.as_str() };
        let head = token.split_once("stamps/").map_or("", |(place, _)| place).to_owned() + "checkpoint";
        format!("openssl ts -verify -data {head} -in {token} -CAfile {root} -untrusted {chain} -attime {time}")
    };
    facts.stamps.iter().map(command).collect()
}

fn date(seconds: u64) -> String {
    let time = hizo_ledger::record::ClaimedTime::from_unix_seconds(seconds);
    time.map_or_else(|_| seconds.to_string(), |time| time.to_string())
}
