//! Who may speak with the desk: this machine's own browser, on a page of the desk's own.
//!
//! See docs/spec/desk.md, "Who is let in".

use axum::http::{HeaderMap, Method, header};

/// What every answer carries: nothing comes from elsewhere, nothing frames it, nothing keeps it.
pub(super) const HEADERS: [(&str, &str); 8] = [
    (
        "content-security-policy",
        "default-src 'none'; style-src 'self'; img-src 'self'; script-src 'self'; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    ),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("referrer-policy", "same-origin"),
    ("cache-control", "no-store"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("permissions-policy", "camera=(), microphone=(), geolocation=(), usb=()"),
];

/// The policy of what somebody else has made: it runs nothing, asks for nothing, and belongs to no origin.
pub(super) const FOREIGN: &str = "sandbox; default-src 'none'; frame-ancestors 'none'";

/// Why a request is not answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stranger {
    /// It names another host: a name that somebody else made to point here.
    Host,
    /// It comes from a page that is not the desk's.
    Origin,
}

/// Lets a request in that this desk's own page makes, or that a person makes by typing or following the printed link.
///
/// `authority` is the desk's own, `127.0.0.1:PORT`. The printed link may be followed from anywhere: what it ends with is secret.
pub(super) fn admit(method: &Method, headers: &HeaderMap, authority: &str, is_link: bool) -> Result<(), Stranger> {
    let one = |name: header::HeaderName| {
        let mut values = headers.get_all(name).iter();
        match (values.next(), values.next()) {
            (Some(value), None) => Some(value.to_str().unwrap_or("?")),
            (None, _) => None,
            (Some(_), Some(_)) => Some("?"),
        }
    };
    if one(header::HOST) != Some(authority) {
        return Err(Stranger::Host);
    }
    let is_own = |origin: &str| origin.strip_prefix("http://") == Some(authority);
    match one(header::ORIGIN) {
        Some(origin) if !is_own(origin) => return Err(Stranger::Origin),
        // Every browser says where a form comes from.
        None if method != Method::GET && method != Method::HEAD => return Err(Stranger::Origin),
        Some(_) | None => (),
    }
    match headers.get("sec-fetch-site").map(|value| value.to_str().unwrap_or("?")) {
        None | Some("same-origin" | "none") => Ok(()),
        Some(_) if is_link => Ok(()),
        Some(_) => Err(Stranger::Origin),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWN: &str = "127.0.0.1:4321";

    fn asked(method: Method, headers: &[(&'static str, &str)]) -> Result<(), Stranger> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().unwrap());
        }
        admit(&method, &map, OWN, false)
    }

    #[test]
    fn the_printed_link_may_be_followed_from_anywhere_and_goes_to_the_desks_own_address() {
        let followed = |name: &str| {
            let mut map = HeaderMap::new();
            map.append("host", name.parse().unwrap());
            map.append("sec-fetch-site", "cross-site".parse().unwrap());
            admit(&Method::GET, &map, OWN, true)
        };
        assert_eq!(followed(OWN), Ok(()));
        assert_eq!(followed("evil.example:4321"), Err(Stranger::Host));
    }

    #[test]
    fn a41_a_page_of_somebody_else_and_a_name_that_was_made_to_point_here_are_not_answered() {
        let host = ("host", OWN);
        let origin = ("origin", "http://127.0.0.1:4321");
        assert_eq!(asked(Method::GET, &[host]), Ok(()));
        assert_eq!(asked(Method::GET, &[host, ("sec-fetch-site", "none")]), Ok(()));
        assert_eq!(asked(Method::POST, &[host, origin, ("sec-fetch-site", "same-origin")]), Ok(()));
        for name in ["evil.example:4321", "127.0.0.1", "127.0.0.1:4322", "localhost:4321", "127.0.0.1:4321.", ""] {
            assert_eq!(asked(Method::GET, &[("host", name)]), Err(Stranger::Host), "{name}");
        }
        assert_eq!(asked(Method::GET, &[]), Err(Stranger::Host));
        assert_eq!(asked(Method::GET, &[host, host]), Err(Stranger::Host));
        for other in ["https://127.0.0.1:4321", "http://127.0.0.1:4322", "null", "http://evil.example", ""] {
            assert_eq!(asked(Method::POST, &[host, ("origin", other)]), Err(Stranger::Origin), "{other}");
            assert_eq!(asked(Method::GET, &[host, ("origin", other)]), Err(Stranger::Origin), "{other}");
        }
        assert_eq!(asked(Method::POST, &[host]), Err(Stranger::Origin));
        for site in ["cross-site", "same-site", "?"] {
            assert_eq!(asked(Method::GET, &[host, ("sec-fetch-site", site)]), Err(Stranger::Origin), "{site}");
        }
    }
}
