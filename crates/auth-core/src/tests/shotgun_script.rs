//! What conversations with a Shotgun site are made of.

use crate::flow::script::{Expected, Turn, reply, send};
pub(super) use crate::flow::script::{HELD, WALL, ask, opened, run, secret, seed, tell, url};
use crate::flow::shotgun::Program;
use crate::flow::{Event, Resource, Step};
use crate::foreign::Foreign;
use crate::ports::{Change, Key, Loaded, LockKind, Replaces, SiteEntry, Stored};
use crate::secret::Secret;
use crate::session::Session;
use crate::shotgun::rpc::{Credentials, Envelope};
use crate::shotgun::{ShotgunSite, SignInMethod, app_session, info, rpc, session_token};
use crate::time::{Now, Tick, Timestamp};
use crate::wire::Response;

pub(super) fn site() -> ShotgunSite {
    "http://127.0.0.1:8000".parse().unwrap()
}

pub(super) fn key(login: &str) -> Key {
    if login.is_empty() { site().site_key() } else { site().key(login).unwrap() }
}

pub(super) fn program() -> Program {
    Program { product: "tool".into(), machine: "render07".into() }
}

/// A session of a user, with the token called `NAME`, as it is got at the beginning.
pub(super) fn session(login: &str, name: &str) -> Session {
    let now = Now { tick: Tick(0), wall: Timestamp(WALL) };
    session_token::session(now, &login.into(), secret(name))
}

pub(super) fn ask_info() -> Expected {
    send(info::request(&site()))
}

/// What a site says that knows its people in this way.
pub(super) fn says(kind: &str, app_session: bool) -> Event {
    results(&format!(
        r#"{{"version":[8,0,0],"user_authentication_method":"{kind}",
            "authentication_app_session_launcher_enabled":{app_session}}}"#
    ))
}

pub(super) fn knows(kind: &str, app_session: bool) -> Turn {
    (ask_info(), says(kind, app_session))
}

pub(super) fn results(json: &str) -> Event {
    reply(200, &format!(r#"{{"results":{json}}}"#))
}

pub(super) fn fault(code: i64) -> Event {
    reply(200, &format!(r#"{{"exception":true,"error_code":{code},"message":"no"}}"#))
}

pub(super) fn sign_in(login: &str, password: &str, code: Option<&str>) -> Expected {
    let (password, code) = (secret(password), code.map(secret));
    let credentials = Credentials::Password { login: login.into(), password, code };
    send(session_token::request(&site(), credentials))
}

/// The token called `NAME`.
pub(super) fn granted(name: &str) -> Event {
    results(&format!(r#"{{"session_id":"{}"}}"#, secret(name).expose()))
}

pub(super) fn call(method: &str, credentials: Option<Credentials>, args: Option<&str>) -> Expected {
    let envelope = Envelope { credentials, session_uuid: None };
    send(rpc::request(&site(), method, &envelope, args.map(Secret::from).as_ref()))
}

pub(super) fn create() -> Expected {
    send(app_session::create(&site(), "tool", "render07"))
}

pub(super) fn poll() -> Expected {
    send(app_session::poll(&site(), &Secret::from("i")))
}

pub(super) fn begun() -> Event {
    reply(200, r#"{"sessionRequestId":"i","url":"http://127.0.0.1:8000/approve?i"}"#)
}

/// A page of another origin.
pub(super) const ELSEWHERE: &str = "https://pages.example/approve?i";

pub(super) fn begun_elsewhere() -> Event {
    reply(200, &format!(r#"{{"sessionRequestId":"i","url":"{ELSEWHERE}"}}"#))
}

pub(super) fn approved(login: &str, name: &str) -> Event {
    let token = secret(name);
    reply(200, &format!(r#"{{"approved":true,"userLogin":"{login}","sessionToken":"{}"}}"#, token.expose()))
}

pub(super) fn not_yet() -> Event {
    reply(200, r#"{"approved":false}"#)
}

pub(super) fn pause(millis: core::ops::RangeInclusive<u64>) -> Turn {
    (Expected::Pause(*millis.start()..millis.end() + 1), Event::TimedOut)
}

pub(super) fn redirect(status: u16, to: &str) -> Event {
    Event::Response(Response::new(status, [("location", to)], ""))
}

pub(super) fn load(login: &str) -> Expected {
    Expected::Step(Step::Load(key(login)))
}

pub(super) fn found(session: &Session) -> Event {
    Event::Loaded(Loaded::Found(Box::new(Stored { session: session.clone(), intent: None })))
}

/// The steps from a token to its being kept.
pub(super) fn kept(login: &str, name: &str, method: SignInMethod) -> Vec<Turn> {
    kept_over(login, name, method, Replaces::Anything)
}

pub(super) fn kept_over(login: &str, name: &str, method: SignInMethod, replaces: Replaces) -> Vec<Turn> {
    let what = Resource::Lock { kind: LockKind::Renewal, key: key(login) };
    let session = Box::new(session(login, name));
    let entry = SiteEntry {
        key: key(login),
        user: Some(Foreign::from(login)),
        allow_http: false,
        method: Some(method),
        pages: None,
    };
    vec![
        (Expected::Step(Step::Open { what, wait: false }), opened()),
        (Expected::Step(Step::Apply(Change::Save { key: key(login), session, replaces })), Event::Applied),
        (Expected::Step(Step::Close(HELD)), Event::Closed),
        (Expected::Step(Step::Apply(Change::Prefer(entry))), Event::Applied),
    ]
}
