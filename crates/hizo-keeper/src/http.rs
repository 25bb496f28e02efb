//! How a keeper asks others over HTTP. What they answer is signed and verified, so nothing else protects the way.

use std::time::Duration;

/// Most bytes of headers that an answer may have.
const HEADER_BYTES_MAX: usize = 16 << 10;

/// Asks over HTTP. It follows no redirection, uses no proxy of the environment and keeps no cookies.
pub(crate) fn agent(connect: Duration, answer: Duration) -> ureq::Agent {
    ureq::Agent::config_builder()
        .timeout_connect(Some(connect))
        .timeout_global(Some(answer))
        .max_redirects(0)
        .max_redirects_will_error(false)
        .http_status_as_error(false)
        .max_response_header_size(HEADER_BYTES_MAX)
        .proxy(None)
        .user_agent("hizo")
        .build()
        .new_agent()
}
