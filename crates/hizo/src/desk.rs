//! The desk: pages for people, made by this program and shown in this machine's own browser. This is its shell: who is let in, who has
//! unlocked what, what stands around a page, and work that takes long. What a page says belongs to its feature.
//!
//! See docs/spec/desk.md. Requests are taken up here, and answered by functions that wait like any command, on threads of their own.

mod arriving;
mod door;
mod glances;
mod guard;
mod last_seen;
mod opening;
pub(crate) mod picker;
mod routes;
mod session;
pub(crate) mod shown;
pub(crate) mod stage;
#[cfg(test)]
mod tests;
mod texts;
mod unsent;
mod upload;
mod visit;
pub(crate) mod work;

use std::future::poll_fn;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, HttpBody as _, to_bytes};
use axum::extract::{RawPathParams, Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use axum::routing::{MethodFilter, get, on};
use hizo_keeper::connections::{Connections, Limits, Room, Stopped};
use hyper_util::service::TowerToHyperService;
use zeroize::Zeroizing;

use crate::dropped;
use crate::failure::{Failure, Outcome};
use crate::system;
use crate::words::{Language, words};

pub(crate) use door::is_safe;
#[cfg(test)]
pub(crate) use last_seen::LastSeen;
#[cfg(test)]
pub(crate) use session::Key;
pub(crate) use session::{Looked, Unlocked};
pub(crate) use texts::Text;
pub(crate) use upload::{Part, Upload};
pub(crate) use visit::{Frame, Reply, Visit};

use guard::Stranger;
use routes::{Of, Page};
use session::Sessions;

/// What a form may hold at most.
///
/// An account of 32 KiB comes in up to three bytes for each of its own.
const FORM_BYTES_MAX: usize = 128 << 10;

/// A browser that is silent for so long is locked.
const IDLE: Duration = Duration::from_secs(15 * 60);

/// How often is looked for such ones.
const LOOK: Duration = Duration::from_secs(10);

/// How long answers that are under way may take when the desk is to end.
const PATIENCE: Duration = Duration::from_secs(2);

/// What others may take up: everybody comes from this machine, and nobody has a share by where he comes from.
const LIMITS: Limits = Limits {
    room: Room::of(64),
    head: Duration::from_secs(20),
    // Browsers send the cookies of every other program of this machine, too.
    head_bytes: 64 << 10,
    head_lines: 100,
    stalled: Duration::from_secs(30),
    // A folder that a browser hands over may come for hours.
    life: None,
};

/// Pages for whoever is not known yet, in both languages.
const COMES_IN: &str = include_str!("../pages/comes-in.html");
const ASK_AGAIN: &str = include_str!("../pages/ask-again.html");

const ICON: &str = include_str!("../pages/icon.svg");
/// The icons, side by side; whose they are, assets/icons says.
const ICONS: &str = include_str!("../pages/icons.svg");
const LOOKS: &str = include_str!("../pages/look.css");
/// Shows how far an upload has come; the page works without it.
const PROGRESS: &str = include_str!("../pages/drop.js");

/// What the desk is to show.
pub(crate) struct Plan {
    /// Folders of safes; the first one is begun where there is none yet.
    pub safes: Vec<PathBuf>,
    /// Where their keepers are reached, if somebody said so.
    pub keeper: Option<String>,
    pub port: u16,
    pub language: Language,
}

/// A desk, as all its requests see it.
pub(crate) struct Desk {
    safes: Vec<PathBuf>,
    keeper: Option<String>,
    language: Language,
    /// `127.0.0.1:PORT`.
    authority: String,
    /// The prefix of every address: a cookie of this desk is sent beneath it alone, and to no other program of this machine.
    at: String,
    sessions: Sessions,
    /// What the printed link ends with, until somebody has followed it.
    ticket: Mutex<Option<String>>,
}

/// A desk that is ready to answer.
pub(crate) struct Ready {
    listener: TcpListener,
    limits: Limits,
    desk: Arc<Desk>,
    /// The printed link.
    pub link: String,
}

/// Cases that an emergency card begins at one desk. Nobody has so many emergencies; each is looked for.
const APART_MAX: usize = 16;

/// Where cases lie that an emergency card has begun, and the next one will: beside the folder of the first safe, which stays free for the
/// safe itself.
fn apart(first: &Path) -> Vec<PathBuf> {
    let first = std::path::absolute(first).unwrap_or_else(|_| first.to_owned());
    let Some(name) = first.file_name() else { return Vec::new() };
    let numbered = (1..=APART_MAX).map(|number| {
        let mut name = name.to_owned();
        name.push(if number == 1 { String::from("-case") } else { format!("-case-{number}") });
        first.with_file_name(name)
    });
    numbered.collect()
}

impl Plan {
    /// Takes a port on this machine's own loopback.
    pub(crate) fn open(self) -> Outcome<Ready> {
        let safes = self.safes.iter().cloned().chain(self.safes.first().into_iter().flat_map(|first| apart(first)));
        safes.flat_map(|safe| session::homes_of(&safe)).for_each(|home| dropped::sweep(&home));
        let listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, self.port)));
        let cannot = |error: io::Error| {
            Failure::fixable(words!("the desk cannot open: {error}", "画面を開けません: {error}"))
                .hint(words!("Choose another port with --port.", "--port で別のポートを指定してください。"))
                .source(error)
        };
        let listener = listener.map_err(cannot)?;
        let authority = listener.local_addr().map_err(cannot)?.to_string();
        let at = format!("/{}", &session::secret()[..16]);
        let desk = Desk {
            safes: self.safes,
            keeper: self.keeper,
            language: self.language,
            authority,
            at,
            sessions: Sessions::new(IDLE),
            ticket: Mutex::default(),
        };
        let link = desk.new_link();
        Ok(Ready { listener, limits: LIMITS, desk: Arc::new(desk), link })
    }
}

impl Ready {
    /// What makes another link, for a browser that was closed or one more: the link before it serves no longer.
    pub(crate) fn links(&self) -> impl Fn() -> String + Send + 'static {
        let desk = Arc::clone(&self.desk);
        move || desk.new_link()
    }

    /// Answers until it is stopped.
    pub(crate) fn serve(self) -> Outcome<()> {
        let failed = |error: io::Error| Failure::internal(error);
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
        let runtime = runtime.map_err(failed)?;
        let served = runtime.block_on(self.answer());
        runtime.shutdown_timeout(PATIENCE);
        dropped::end();
        served.map_err(failed)
    }

    async fn answer(self) -> io::Result<()> {
        let (asked, closed) = (system::asked_to_stop()?, system::terminal_closed()?);
        let mut connections = Connections::new(self.limits);
        connections.listen(self.listener, TowerToHyperService::new(router(&self.desk)))?;
        let desk = Arc::clone(&self.desk);
        let idle = tokio::spawn(async move {
            loop {
                tokio::time::sleep(LOOK).await;
                desk.sessions.lock_idle();
            }
        });
        tokio::select! {
            () = asked => (),
            () = closed => (),
        }
        self.desk.sessions.lock_all();
        // Whoever holds half a request open does not hold the desk.
        connections.end(PATIENCE).await;
        idle.abort();
        Ok(())
    }
}

fn router(desk: &Arc<Desk>) -> Router {
    let at = &desk.at;
    let mut router = Router::new()
        .route(&format!("{at}/open/{{ticket}}"), get(sit_down))
        .route(&format!("{at}/look.css"), get(async || file("text/css; charset=utf-8", LOOKS)))
        .route(&format!("{at}/drop.js"), get(async || file("text/javascript; charset=utf-8", PROGRESS)))
        .route(&format!("{at}/icons.svg"), get(async || file("image/svg+xml", ICONS)))
        .route(&format!("{at}/icon.svg"), get(async || file("image/svg+xml", ICON)));
    for (method, path, page) in routes::table() {
        let filter = if method == Method::POST { MethodFilter::POST } else { MethodFilter::GET };
        let answer = move |State(desk): State<Arc<Desk>>, params: RawPathParams, request: Request| async move {
            let params = params.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
            desk.answer(page, params, request).await
        };
        router = router.route(&format!("{at}{path}"), on(filter, answer));
    }
    let desk = Arc::clone(desk);
    router
        .method_not_allowed_fallback(
            |State(desk): State<Arc<Desk>>, request: Request| async move { desk.nowhere(&request) },
        )
        .fallback(|State(desk): State<Arc<Desk>>, request: Request| async move { desk.nowhere(&request) })
        .layer(from_fn_with_state(Arc::clone(&desk), keep_out_strangers))
        .with_state(desk)
}

/// Nobody but this desk's own pages gets further, and every answer says what browsers must not do with it.
async fn keep_out_strangers(State(desk): State<Arc<Desk>>, request: Request, next: Next) -> Response {
    let mut response = match guard::admit(request.method(), request.headers(), &desk.authority, desk.is_link(&request))
    {
        Ok(()) => next.run(request).await,
        Err(Stranger::Host) => plain(StatusCode::MISDIRECTED_REQUEST, "this desk answers to its own address only"),
        Err(Stranger::Origin) => plain(StatusCode::FORBIDDEN, "this desk answers to its own pages only"),
    };
    for (name, value) in guard::HEADERS {
        // An answer that allows less of something than the others has said so itself.
        response.headers_mut().entry(name).or_insert(HeaderValue::from_static(value));
    }
    response
}

/// Somebody follows the printed link: once.
async fn sit_down(State(desk): State<Arc<Desk>>, params: RawPathParams, request: Request) -> Response {
    let given = params.iter().next().map_or("", |(_, ticket)| ticket);
    let mut ticket = desk.ticket.lock().unwrap_or_else(PoisonError::into_inner);
    let holds = ticket.as_deref().is_some_and(|ticket| session::is_same(ticket, given));
    if holds {
        *ticket = None;
    }
    drop(ticket);
    if !holds {
        // Whoever sits here already and comes back by the link goes on.
        return match desk.session(request.headers()) {
            Some(_) => go(&format!("{}/", desk.at)),
            None => desk.told(StatusCode::FORBIDDEN, false),
        };
    }
    let cookie = desk.sessions.begin(language_of(request.headers()).unwrap_or(desk.language));
    // Not by a redirection: that would still be on the way from wherever the link stood, and the cookie is not sent then.
    let mut response = desk.told(StatusCode::OK, true);
    let cookie = format!("{}={cookie}; Path={}; HttpOnly; SameSite=Strict", COOKIE, desk.at);
    if let Ok(cookie) = HeaderValue::from_str(&cookie) {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    response
}

const COOKIE: &str = "hizo-desk";

/// The first language that a browser asks for.
fn language_of(headers: &HeaderMap) -> Option<Language> {
    let first = headers.get(header::ACCEPT_LANGUAGE)?.to_str().ok()?.split([',', ';', '-']).next()?.trim();
    match first {
        "ja" => Some(Language::Japanese),
        "en" => Some(Language::English),
        _ => None,
    }
}

impl Desk {
    fn new_link(&self) -> String {
        let ticket = session::secret();
        let link = format!("http://{}{}/open/{ticket}", self.authority, self.at);
        *self.ticket.lock().unwrap_or_else(PoisonError::into_inner) = Some(ticket);
        link
    }

    fn session(&self, headers: &HeaderMap) -> Option<Arc<session::Session>> {
        let cookies = headers.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok());
        let mut named = cookies.flat_map(|line| line.split(';')).filter_map(|cookie| cookie.trim().split_once('='));
        named.find(|(name, _)| *name == COOKIE).and_then(|(_, value)| self.sessions.of(value))
    }

    async fn answer(self: Arc<Self>, page: Page, mut params: Vec<(String, String)>, request: Request) -> Response {
        let Some(session) = self.session(request.headers()) else {
            return self.told(StatusCode::UNAUTHORIZED, false);
        };
        let (method, uri) = (request.method().clone(), request.uri().clone());
        let path = uri.path().strip_prefix(self.at.as_str()).unwrap_or_default().to_owned();
        let query = uri.query().unwrap_or_default().to_owned();
        let values = form_urlencoded::parse(query.as_bytes());
        params.extend(values.map(|(name, value)| (name.into_owned(), value.into_owned())));
        let beside = match page {
            Page::Unlocked(Of::Beside, _) | Page::Upload(Of::Beside, _) => {
                params.first().map(|(_, space)| space.clone())
            }
            Page::Open(_) | Page::Unlocked(Of::Own, _) | Page::Upload(Of::Own, _) => None,
        };
        let mut visit = Visit { desk: self, session, path, query, beside, params, form: Vec::new() };
        if let Page::Upload(_, page) = page {
            return visit.take(page, request).await;
        }
        visit.form = match to_bytes(request.into_body(), FORM_BYTES_MAX).await {
            Ok(body) => form_urlencoded::parse(&Zeroizing::new(body.to_vec()))
                .map(|(name, value)| (name.into_owned(), Zeroizing::new(value.into_owned())))
                .collect(),
            Err(error) if Stopped::has_stalled(&error) => {
                return plain(StatusCode::REQUEST_TIMEOUT, "the form did not come to its end");
            }
            Err(_) => return plain(StatusCode::PAYLOAD_TOO_LARGE, "the form is too long"),
        };
        if method == Method::POST && !session::is_same(visit.field("csrf"), &visit.session.csrf) {
            return plain(StatusCode::FORBIDDEN, "this form is not of a page of this desk");
        }
        let answered = tokio::task::spawn_blocking(move || {
            // What somebody had written when the desk was locked is given back to him.
            if method == Method::POST && matches!(page, Page::Unlocked(..)) && visit.session.unlocked().is_none() {
                visit.session.keep_unsent(&visit.path, &visit.form);
            }
            visit.answer(page)
        })
        .await;
        answered.unwrap_or_else(|_| plain(StatusCode::INTERNAL_SERVER_ERROR, "hizo stopped inside"))
    }

    /// Whether this is the printed link.
    fn is_link(&self, request: &Request) -> bool {
        let below = request.uri().path().strip_prefix(self.at.as_str());
        request.method() == Method::GET && below.is_some_and(|path| path.starts_with("/open/"))
    }

    /// What somebody sees who comes in by the link, or who has not followed it, or whose browser has forgotten that.
    fn told(&self, status: StatusCode, comes_in: bool) -> Response {
        let page = match comes_in {
            true => COMES_IN,
            false => ASK_AGAIN,
        };
        let mut response = file("text/html; charset=utf-8", page.replace("{at}", &self.at));
        *response.status_mut() = status;
        response
    }

    fn nowhere(&self, request: &Request) -> Response {
        match self.session(request.headers()) {
            Some(_) if request.uri().path().starts_with(&self.at) => go(&format!("{}/", self.at)),
            _ => self.told(StatusCode::NOT_FOUND, false),
        }
    }
}

/// What a page does with a form that has files.
type Taking = fn(&Visit, &Arc<Unlocked>, &mut Upload) -> Outcome<Reply>;

/// Frames of a body that are on their way to whoever reads them.
const FRAMES_AHEAD: usize = 8;

impl Visit {
    /// Hands the body over as it comes. Nothing of it is looked at before its first field, the session's `csrf`, was compared.
    async fn take(self, page: Taking, request: Request) -> Response {
        let kind = request.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        let kind = kind.unwrap_or_default().to_owned();
        let (frames, taken) = tokio::sync::mpsc::channel(FRAMES_AHEAD);
        let mut body = request.into_body();
        tokio::spawn(async move {
            while let Some(frame) = poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await {
                let data = frame.map_err(io::Error::other).map(|frame| frame.into_data().unwrap_or_default());
                if frames.send(data).await.is_err() {
                    return;
                }
            }
        });
        let answered = tokio::task::spawn_blocking(move || {
            let Some(mut upload) = Upload::of(&kind, arriving::Body::new(taken)) else {
                return plain(StatusCode::UNSUPPORTED_MEDIA_TYPE, "this is no form with files");
            };
            let first = upload.next().ok().flatten().filter(|part| part.name == "csrf" && part.file.is_none());
            let given = first.and_then(|_| upload.text().ok()).unwrap_or_default();
            if !session::is_same(&given, &self.session.csrf) {
                return plain(StatusCode::FORBIDDEN, "this form is not of a page of this desk");
            }
            let reply = self.in_safe(|unlocked| page(&self, unlocked, &mut upload));
            upload.drain();
            self.respond(reply)
        });
        answered.await.unwrap_or_else(|_| plain(StatusCode::INTERNAL_SERVER_ERROR, "hizo stopped inside"))
    }

    /// What its page answers; on a thread that may wait.
    fn answer(&self, page: Page) -> Response {
        // Whoever pressed twice finds what came of the first time.
        if self.has("once") && !self.session.is_first(self.field("once")) {
            return go(&self.at(&self.instead()));
        }
        if self.has(unsent::AGAIN) && self.session.unlocked().is_some() {
            self.session.forget_unsent(self.field(unsent::AGAIN));
        }
        self.respond(match page {
            Page::Open(page) => page(self),
            Page::Unlocked(_, page) => self.in_safe(|unlocked| page(self, unlocked)),
            Page::Upload(..) => Ok(door::locked_or_begin(self)),
        })
    }

    /// Has a page answer for the safe that it is about, if whoever asks has unlocked one.
    fn in_safe(&self, page: impl FnOnce(&Arc<Unlocked>) -> Outcome<Reply>) -> Outcome<Reply> {
        let Some(unlocked) = self.session.unlocked() else { return Ok(door::locked_or_begin(self)) };
        match &self.beside {
            None => page(&unlocked),
            Some(space) => match unlocked.home_of(space)? {
                Some(home) if home == unlocked.folder => page(&unlocked),
                Some(home) => page(&unlocked.beside(&home)?),
                None => Err(Failure::fixable(words!(
                    "there is no such case here",
                    "その相談はこのコンピューターにありません"
                ))),
            },
        }
    }

    fn respond(&self, reply: Outcome<Reply>) -> Response {
        match reply.or_else(|failure| self.failed(&failure)) {
            Ok(Reply::Page(page)) => file("text/html; charset=utf-8", page),
            Ok(Reply::Go(path)) => go(&path),
            Ok(Reply::File { kind, bytes }) => file(kind, bytes),
            Ok(Reply::Foreign { kind, saved, bytes }) => {
                let mut response = file(kind, bytes);
                let shown = saved.map_or_else(|| "inline".into(), |name| format!("attachment; filename=\"{name}\""));
                response
                    .headers_mut()
                    .insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(guard::FOREIGN));
                if let Ok(shown) = HeaderValue::from_str(&shown) {
                    response.headers_mut().insert(header::CONTENT_DISPOSITION, shown);
                }
                response
            }
            Ok(Reply::Save { name, bytes }) => {
                let mut response = file("application/octet-stream", bytes);
                let saved = HeaderValue::from_str(&format!("attachment; filename=\"{name}\""));
                saved
                    .into_iter()
                    .for_each(|saved| drop(response.headers_mut().insert(header::CONTENT_DISPOSITION, saved)));
                response
            }
            Ok(Reply::Failed(status, page)) => {
                let mut response = file("text/html; charset=utf-8", page);
                *response.status_mut() = status;
                response
            }
            Err(_) => plain(StatusCode::INTERNAL_SERVER_ERROR, "hizo stopped inside"),
        }
    }
}

fn file(kind: &'static str, bytes: impl Into<Body>) -> Response {
    let mut response = Response::new(bytes.into());
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}

fn plain(status: StatusCode, line: &'static str) -> Response {
    let mut response = file("text/plain; charset=utf-8", format!("{line}\n"));
    *response.status_mut() = status;
    response
}

/// Another page, asked for anew.
fn go(path: &str) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SEE_OTHER;
    if let Ok(path) = HeaderValue::from_str(path) {
        response.headers_mut().insert(header::LOCATION, path);
    }
    response
}
