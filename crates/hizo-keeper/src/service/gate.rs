//! What every request goes through: rates, a longest time, a line in the log.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::body::HttpBody as _;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderName, Method};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use tokio::time::{Instant, timeout};

use crate::connections::{Peer, sender_of};

use super::answer::{Cause, Refusal};
use super::sessions::token_of;
use super::telling::Told;
use super::{Rated, SESSIONS, Shared};

const FORWARDED: HeaderName = HeaderName::from_static("x-forwarded-for");

pub(super) async fn pass(State(shared): State<Arc<Shared>>, request: Request, next: Next) -> Response {
    let began = Instant::now();
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned());
    let peer = request.extensions().get::<Peer>().map(|peer| peer.0);
    let sender = peer.map(|peer| sender(&shared, peer, request.headers()));
    // An object comes at its own pace, which has its own limit.
    let is_long = method == Method::PUT;
    let starts = method == Method::POST && route.as_deref() == Some(SESSIONS);
    let answer = if let Some(refusal) = too_many(&shared, sender, request.headers(), starts) {
        refusal.into_response()
    } else if is_long {
        next.run(request).await
    } else {
        let answered = timeout(shared.limits.answer, next.run(request)).await;
        answered.unwrap_or_else(|_| Refusal::slow().into_response())
    };
    let bytes = answer.body().size_hint().exact().unwrap_or(0);
    shared.telling.bytes_out.fetch_add(bytes, Ordering::Relaxed);
    let told = Told {
        method: name_of(&method),
        route: route.as_deref().unwrap_or("none"),
        status: answer.status().as_u16(),
        bytes,
        milliseconds: u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX),
        address: sender.filter(|_| shared.addresses),
        cause: answer.extensions().get::<Cause>().map(|cause| cause.0.as_str()),
    };
    shared.telling.request(&told, shared.now());
    answer
}

/// A method may be any word that the other side likes.
fn name_of(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        _ => "other",
    }
}

fn too_many(shared: &Shared, sender: Option<IpAddr>, headers: &HeaderMap, starts: bool) -> Option<Refusal> {
    let Rated { of_address, of_token, starts_of_address } = &shared.rates;
    let address = sender.is_none_or(|sender| of_address.take(sender_of(sender)));
    let start = !starts || sender.is_none_or(|sender| starts_of_address.take(sender_of(sender)));
    let token = token_of(headers).is_none_or(|token| of_token.take(token));
    (!address || !start || !token).then(Refusal::too_many)
}

/// Who sent it: the other end of the connection, or whom the proxy in front names last.
fn sender(shared: &Shared, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
    if shared.proxy.map(|proxy| proxy.to_canonical()) != Some(peer.to_canonical()) {
        return peer;
    }
    let named = headers.get_all(FORWARDED).iter().next_back().and_then(|value| value.to_str().ok());
    named.and_then(|named| named.rsplit(',').next()?.trim().parse().ok()).unwrap_or(peer)
}
