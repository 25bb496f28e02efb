//! Asking outside authorities. Nothing that they answer is handed on before it was verified.

use std::thread;
use std::time::Duration;

use hizo_ledger::timestamp::{
    Authority, DigestAlgorithm, Error as Rule, Expected, Failure, Imprint, Moment, Nonce, RESPONSE_BYTES_MAX,
    REVOCATION_LIST_BYTES_MAX, Request, Token, parse_response,
};

use super::Error;
use crate::http::{self, Patience};

const QUERY_TYPE: &str = "application/timestamp-query";
const REPLY_TYPE: &str = "application/timestamp-reply";

impl Default for Patience {
    /// With an authority: three tries in about a minute and a half at most.
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self { connect: seconds(10), answer: seconds(20), between: vec![seconds(2), seconds(15)] }
    }
}

/// What an authority answered, and what it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The answer as it came: what is kept, and what stock tools read.
    pub response: Vec<u8>,
    /// The stamp in it, verified.
    pub token: Token,
}

/// Asks authorities over HTTP. It follows no redirection, uses no proxy of the environment and keeps no cookies.
pub struct Client {
    agent: ureq::Agent,
    between: Vec<Duration>,
}

impl Client {
    /// A client with this patience.
    pub fn new(patience: &Patience) -> Self {
        Self { agent: http::agent(patience.connect, patience.answer), between: patience.between.clone() }
    }

    /// Asks one authority for a stamp over these bytes, and verifies its answer against that authority alone. Each try
    /// has a nonce of its own out of `random`. An answer that came and does not verify is not asked for again.
    ///
    /// # Errors
    /// [`Error::NoAddress`], [`Error::Address`], [`Error::NotInOffice`]; what went wrong in the last try.
    pub fn stamp(
        &self,
        authority: &Authority,
        data: &[u8],
        now: Moment,
        random: &mut dyn FnMut() -> [u8; 16],
    ) -> Result<Answer, Error> {
        let url = authority.url().ok_or(Error::NoAddress)?;
        if !url.starts_with("http://") {
            return Err(Error::Address);
        }
        if !authority.counts_at(now) {
            return Err(Error::NotInOffice);
        }
        let mut waits = self.between.iter();
        loop {
            let nonce = Nonce::from_random(random());
            let error = match self.ask(url, authority, data, nonce) {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            match waits.next() {
                Some(wait) if may_pass(&error) => thread::sleep(*wait),
                Some(_) | None => return Err(error),
            }
        }
    }

    /// Asks each authority in turn; what one of them does not do never keeps another from being asked.
    pub fn stamp_by_all<'a>(
        &self,
        authorities: &'a [Authority],
        data: &[u8],
        now: Moment,
        random: &mut dyn FnMut() -> [u8; 16],
    ) -> Vec<(&'a Authority, Result<Answer, Error>)> {
        authorities.iter().map(|authority| (authority, self.stamp(authority, data, now, random))).collect()
    }

    /// Fetches the lists of what was revoked that the certificates of a stamp name, once each. One that cannot be had, or
    /// that their issuers did not sign, is left out: a stamp counts without.
    pub fn revocation_lists(&self, token: &Token) -> Vec<Vec<u8>> {
        let lists = token.revocation_addresses().into_iter().filter_map(|url| self.fetch(&url));
        lists.filter(|list| token.has_issuer_of(list)).collect()
    }

    fn fetch(&self, url: &str) -> Option<Vec<u8>> {
        let mut response = self.agent.get(url).call().ok().filter(|response| response.status().as_u16() == 200)?;
        let limit = u64::try_from(REVOCATION_LIST_BYTES_MAX).unwrap_or(u64::MAX);
        response.body_mut().with_config().limit(limit).read_to_vec().ok()
    }

    fn ask(&self, url: &str, authority: &Authority, data: &[u8], nonce: Nonce) -> Result<Answer, Error> {
        let imprint = Imprint::of(DigestAlgorithm::Sha256, data);
        let policy = authority.policy().cloned();
        let request = Request { imprint, policy, nonce: Some(nonce.clone()), certificates: true };
        let response = self.send(url, &request.to_der())?;
        let authorities = std::slice::from_ref(authority);
        let expected = Expected { data, nonce: Some(&nonce), certificates: &[], authorities };
        let token = parse_response(&response).and_then(|token| token.verify(&expected)).map_err(Error::Refused)?;
        Ok(Answer { response, token })
    }

    fn send(&self, url: &str, request: &[u8]) -> Result<Vec<u8>, Error> {
        let unreachable = |error| match error {
            ureq::Error::BadUri(_) | ureq::Error::Http(_) => Error::Address,
            error => Error::Unreachable(Box::new(error)),
        };
        let sent = self.agent.post(url).header("content-type", QUERY_TYPE).header("accept", REPLY_TYPE).send(request);
        let mut response = sent.map_err(unreachable)?;
        let status = response.status().as_u16();
        if status != 200 {
            return Err(Error::Http { status });
        }
        // Parameters may follow the type, which is the same in capitals.
        let kind = response.headers().get("content-type").and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        let kind = kind.split(';').next().unwrap_or_default().trim();
        if !kind.eq_ignore_ascii_case(REPLY_TYPE) {
            return Err(Error::NotAReply);
        }
        let limit = u64::try_from(RESPONSE_BYTES_MAX).unwrap_or(u64::MAX);
        response.body_mut().with_config().limit(limit).read_to_vec().map_err(|error| match error {
            ureq::Error::BodyExceedsLimit(_) => Error::Refused(Rule::TooLong),
            other => unreachable(other),
        })
    }
}

/// Whether the same question may be answered a little later.
fn may_pass(error: &Error) -> bool {
    match error {
        Error::Unreachable(_) => true,
        Error::Http { status } => *status == 429 || *status >= 500,
        Error::Refused(Rule::Rejected { failure }) => {
            matches!(failure, Failure::TimeNotAvailable | Failure::SystemFailure)
        }
        Error::Refused(_)
        | Error::NotAReply
        | Error::NoAddress
        | Error::Address
        | Error::NotInOffice
        | Error::NotAsked
        | Error::Damaged
        | Error::Key
        | Error::File { .. } => false,
    }
}
