//! Every public type, with secrets wherever one fits: none of them shows it. S1
//!
//! `cargo xtask tidy` sees to it that no type is left out.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on says why by panicking")]

use std::time::Duration;

use auth_core::error::{
    Blame, CannotPrompt, Misuse, NotApproved, PageFault, Peer, Policy, Remedy, Sent, SignsIn, StoreFault,
    StoreFaultKind, TransportFault, Trouble,
};
use auth_core::flow::{
    Call, Called, Discover, Discovered, Event, Flights, Flow, Governor, Granted, Held, LoggedOut, Login,
    LoginOptions, Logout, Outcome, Password, Pending, Refusals, Renewal, Renewed, Resource, Revocation, Seat,
    SignedIn, Step, Tell, Warning, Whoami, WhoamiAnswer,
};
use auth_core::oauth::{self, TokenAnswer};
use auth_core::ports::{
    Applied, Asked, Change, Dismiss, Key, Loaded, LockKind, Locking, SiteEntry, Stored, Unreachable,
};
use auth_core::session::{Facts, Generation, Identity, Links, Session, Tokens};
use auth_core::shotgun::app_session::{Created, Polled};
use auth_core::shotgun::rpc::{Credentials, Envelope, Fault, FaultKind, RpcReply};
use auth_core::shotgun::session_token::SessionTokenAnswer;
use auth_core::shotgun::{
    AuthenticationKind, Console, Gui, GuiChoice, Infos, MethodError, Proxy, ProxyError, ShotgunSite,
    SignInMethod, SiteInfo, app_session, info, on_console, rpc, session_token,
};
use auth_core::site::{Origin, Scheme, Url, UrlError};
use auth_core::tiled::Owner;
use auth_core::tiled::{
    About, GrantAnswer, Mode, Principal, Provider, RefreshAnswer, RevokeAnswer, SessionEntry, TiledUri,
    UriError, read_grant, read_refresh, refresh,
};
use auth_core::time::{Now, SpanError, Tick, Timestamp, parse_span};
use auth_core::wire::json::{Json, NotJson};
use auth_core::wire::{Authorization, Body, Method, Request, Response};
use auth_core::{
    Answer, BrowserQuestion, CodeQuestion, Digest, Error, Foreign, Holder, KeyQuestion, MethodQuestion,
    Notice, PageQuestion, PasswordQuestion, PromptFault, ProviderQuestion, Question, Secret, Seed,
    SiteQuestion,
};
use canary::{has_debug, plant, silent, silent_error, silent_text};

const NOW: Now = Now { tick: Tick(1_000), wall: Timestamp(10_000) };

fn secret(name: &str) -> Secret {
    Secret::from(plant(name))
}

fn tokens() -> Tokens {
    Tokens {
        access: Some(secret("access")),
        refresh: Some(secret("refresh")),
        id: Some(secret("id")),
        metadata: Some(secret("metadata")),
    }
}

fn session() -> Session {
    let facts =
        Facts { received: Some(Timestamp(9_000)), expires: Some(Timestamp(9_900)), ..Facts::default() };
    Session { tokens: tokens(), facts, links: Links { whoami: None, refresh: Some("/refresh".to_owned()) } }
}

fn stored() -> Box<Stored> {
    Box::new(Stored { session: session(), intent: Some(Digest::of(&secret("refresh"))) })
}

/// With a key of its user in it.
fn uri() -> TiledUri {
    format!("http://127.0.0.1:8000/api/v1?api_key={}", plant("key")).parse().unwrap()
}

fn url() -> Url {
    format!("http://127.0.0.1:8000/a?code={}#{}", plant("code"), plant("fragment")).parse().unwrap()
}

fn key() -> Key {
    uri().key()
}

fn seed() -> Seed {
    Seed::new(plant("seed").as_bytes()[..32].try_into().unwrap())
}

fn response() -> Response {
    let names = ["access", "refresh", "id"];
    let members = names.map(|name| format!(r#""{name}_token":"{}""#, plant(name)));
    let headers = [("location", plant("code")), ("set-cookie", plant("cookie"))];
    let headers = headers.iter().map(|(name, value)| (*name, value.as_str()));
    Response::new(200, headers, format!("{{{}}}", members.join(",")))
}

fn request() -> Request {
    Request { body: Some(Body::Json(secret("body"))), ..Request::get(url()) }
        .authorized(Authorization::Bearer(secret("access")))
}

/// Every state that a flow comes to by these answers, and each step on the way, is silent.
fn play<F: Flow + std::fmt::Debug>(mut flow: F, events: impl IntoIterator<Item = Event>)
where
    F::Output: std::fmt::Debug,
{
    silent(&flow);
    for event in [Event::Start].into_iter().chain(events) {
        silent(&event);
        let step = flow.resume(NOW, event).unwrap_or_else(|misuse| panic!("{misuse}: {flow:?}"));
        silent::<Step<F::Output>>(&step);
        silent(&flow);
    }
}

#[test]
fn secrets_sessions_and_messages_show_none_s1() {
    silent::<Secret>(&secret("access"));
    silent::<Seed>(&seed());
    silent_text::<Digest>(&Digest::of(&secret("access")));
    silent::<Tokens>(&tokens());
    silent::<Generation>(&tokens().generation());
    silent::<Owner>(&Owner::compare(&session(), &session()));
    silent::<Session>(&session());
    silent::<Facts>(&session().facts);
    silent::<Links>(&session().links);
    silent::<Identity>(&Identity::default());
    silent_text::<Foreign>(&Foreign::from("somebody"));

    silent_text::<Url>(&url());
    silent_text::<Origin>(url().origin());
    silent_text::<Scheme>(&url().origin().scheme());
    silent::<Method>(&Method::Post);
    for kind in [Authorization::Bearer, Authorization::ApiKey] {
        silent::<Authorization>(&kind(secret("access")));
    }
    for kind in [Body::Form, Body::Json] {
        silent::<Body>(&kind(secret("body")));
    }
    silent::<Request>(&request());
    silent(&request().headers());
    silent::<Response>(&response());
    assert!(!has_debug!(Json));
    silent::<TokenAnswer>(&TokenAnswer::read(&Json::read(response().body()).ok().unwrap()).unwrap());
    silent(&oauth::password::request(url(), "alice", &secret("password")));

    silent::<Tick>(&NOW.tick);
    silent::<Timestamp>(&NOW.wall);
    silent::<Now>(&NOW);
}

#[test]
fn what_tiled_says_shows_none_s1() {
    let (uri, old) = (uri(), session());
    assert!(uri.api_key().is_some());
    silent::<TiledUri>(&uri);
    silent(uri.given());
    let mode = Mode::Password(url());
    silent::<Mode>(&mode);
    let provider = Provider { name: Foreign::from("toy"), mode, confirmation: Foreign::default() };
    silent::<Provider>(&provider);
    let about = About {
        version: Foreign::default(),
        required: true,
        providers: vec![provider],
        links: old.links.clone(),
    };
    silent::<About>(&about);
    silent::<Discovered>(&Discovered { uri, about });
    silent::<Principal>(&Principal::default());
    silent::<SessionEntry>(&SessionEntry::default());
    let granted = read_grant(NOW, &response());
    assert!(matches!(granted, GrantAnswer::Granted(_)));
    silent::<GrantAnswer>(&granted);
    let renewed = read_refresh(NOW, &old, &response());
    assert!(matches!(renewed, RefreshAnswer::Renewed(_)));
    silent::<RefreshAnswer>(&renewed);
    silent::<RevokeAnswer>(&RevokeAnswer::Over);
    silent(&refresh(url(), &secret("refresh")));
}

fn shotgun() -> ShotgunSite {
    format!("http://127.0.0.1:8000/a?b={}#{}", plant("code"), plant("fragment")).parse().unwrap()
}

#[test]
fn what_a_shotgun_site_is_told_and_says_shows_none_s1() {
    silent_text::<ShotgunSite>(&shotgun());
    for credentials in [
        Credentials::Password {
            login: Foreign::from("ada"),
            password: secret("password"),
            code: Some(secret("code")),
        },
        Credentials::Script { name: Foreign::from("robot"), key: secret("key"), sudo_as_login: None },
        Credentials::Session { token: secret("access"), reject_if_expired: true },
    ] {
        silent::<Credentials>(&credentials);
        let envelope = Envelope::from(credentials);
        silent::<Envelope>(&envelope);
        silent(&rpc::request(&shotgun(), "read", &envelope, Some(&secret("body"))));
    }
    let answer = |body: String| Response::new(200, [("content-type", "application/json")], body);
    let given = answer(format!(r#"{{"results":{{"session_id":"{}"}}}}"#, plant("access")));
    let reply = rpc::read(&given);
    assert!(matches!(reply, RpcReply::Results(_)));
    silent::<RpcReply>(&reply);
    silent::<RpcReply>(&RpcReply::ClaimsExpired);
    let fault = Fault { code: Some(102), message: Foreign::from("no") };
    silent::<FaultKind>(&fault.kind());
    silent::<Fault>(&fault);
    let granted = session_token::read(NOW, &Foreign::from("ada"), &given);
    assert!(matches!(granted, SessionTokenAnswer::Granted(_)));
    silent::<SessionTokenAnswer>(&granted);

    let page = url().to_request();
    let begun = answer(format!(r#"{{"sessionRequestId":"{}","url":"{page}"}}"#, plant("request")));
    let begun = app_session::read_created(&begun);
    assert!(matches!(begun, Created::Begun { .. }));
    silent::<Created>(&begun);
    silent(&app_session::poll(&shotgun(), &secret("request")));
    silent_text(&app_session::poll(&shotgun(), &secret("request")).url);
    let approved =
        answer(format!(r#"{{"approved":true,"userLogin":"ada","sessionToken":"{}"}}"#, plant("access")));
    let approved = app_session::read_poll(&approved);
    assert!(matches!(approved, Polled::Approved { .. }));
    silent::<Polled>(&approved);

    let said = info::read(&shotgun(), &answer(r#"{"results":{"version":[8,0,0]}}"#.to_owned())).unwrap();
    silent::<SiteInfo>(&said);
    silent::<AuthenticationKind>(&said.authentication);
    silent_text::<SignInMethod>(&SignInMethod::Web);
    silent::<Console>(&on_console(&said, None));
    silent::<Gui>(&Gui::default());
    silent::<GuiChoice>(&Gui::default().choose(&said));
    let proxy = format!("ada:{}@127.0.0.1:8080", plant("proxy"));
    let mut infos = Infos::default();
    infos.put(NOW, &shotgun(), &proxy, said);
    silent::<Infos>(&infos);
    let proxy = Proxy::read(&proxy).unwrap().unwrap();
    silent_text::<Proxy>(&proxy);
    silent(&proxy.to_url());
}

#[test]
fn ports_and_questions_show_none_s1() {
    silent::<Key>(&key());
    silent::<Stored>(&stored());
    silent::<Loaded>(&Loaded::Found(stored()));
    silent::<SiteEntry>(&SiteEntry { key: key(), user: None, allow_http: false, method: None, pages: None });
    let generation = tokens().generation();
    for change in [
        Change::Save {
            key: key(),
            session: Box::new(session()),
            replaces: auth_core::ports::Replaces::Anything,
        },
        Change::ClearIf { key: key(), generation },
        Change::Intent { key: key(), redeeming: Digest::of(&secret("refresh")) },
        Change::Withdraw { key: key(), redeeming: Digest::of(&secret("refresh")) },
        Change::Forget(key()),
    ] {
        silent::<Change>(&change);
    }
    silent::<Applied>(&Applied::Conflict(Some(stored())));
    silent::<LockKind>(&LockKind::Renewal);
    silent::<Asked>(&Asked::default());
    silent::<Locking>(&Locking::Held(Box::new(secret("held"))));
    silent::<Unreachable>(&Unreachable { fault: TransportFault::Closed, sent: Sent::Maybe });
    let dismiss = Dismiss::new();
    let held = secret("held");
    dismiss.on_dismiss(move || drop(held));
    silent::<Dismiss>(&dismiss);

    let origin = url().origin().clone();
    let asked = PasswordQuestion {
        origin: origin.clone(),
        provider: Foreign::from("toy"),
        username: Some(Foreign::from("alice")),
        suggested: None,
        refused: true,
        left: 1,
    };
    silent::<PasswordQuestion>(&asked);
    silent::<Question>(&Question::Password(asked));
    silent::<ProviderQuestion>(&ProviderQuestion { origin: origin.clone(), providers: Vec::new() });
    silent::<SiteQuestion>(&SiteQuestion { recent: Vec::new(), suggested: None, refused: None });
    let methods = vec![SignInMethod::Password];
    silent::<MethodQuestion>(&MethodQuestion { origin: origin.clone(), methods, suggested: 0 });
    let username = Foreign::from("alice");
    silent::<CodeQuestion>(&CodeQuestion { origin: origin.clone(), username, refused: false, left: 1 });
    silent::<KeyQuestion>(&KeyQuestion { origin: origin.clone(), name: Foreign::from("robot") });
    silent::<BrowserQuestion>(&BrowserQuestion { origin: origin.clone(), username: None });
    let page = url().with_query(&plant("query"));
    silent::<PageQuestion>(&PageQuestion { origin: origin.clone(), page: page.clone() });
    silent::<Answer>(&Answer::Code(secret("code")));
    silent::<Answer>(&Answer::Key(secret("key")));
    silent::<Notice>(&Notice::Page { page, origin: origin.clone() });
    let answer = Answer::Password { username: Foreign::from("alice"), password: secret("password") };
    silent::<Answer>(&answer);
    silent::<Event>(&Event::Answer(answer));
    silent::<Notice>(&Notice::PlainHttp(origin));
    silent::<Holder>(&Holder::default());
    silent::<PromptFault>(&PromptFault::Cancelled);
}

#[test]
fn errors_and_what_they_came_from_show_none_s1_s2() {
    // A server that puts a secret into an address or a page, and a person who types one into an address.
    let code = plant("code");
    let redirect = Response::new(302, [("location", format!("https://h/x?code={code}").as_str())], "");
    for answer in
        [redirect, Response::new(200, [], format!("<p>{code}")), Response::new(500, [], code.as_str())]
    {
        let GrantAnswer::Failed(error) = read_grant(NOW, &answer) else { panic!("{answer:?}") };
        silent_error::<Error>(&error);
        let RefreshAnswer::Failed(error) = read_refresh(NOW, &session(), &answer) else {
            panic!("{answer:?}")
        };
        silent_error::<Error>(&error);
    }
    for text in [
        format!("http://alice:{code}@h/"),
        format!("ftp://h/?api_key={code}"),
        format!("//u:{code}@h"),
        format!("http://h:99999/a?{code}"),
        format!("http://h /?{code}"),
        format!("http://alice:{code}?x@h/"),
        format!("http://alice:{code}#x@h/"),
        format!("http://alice:{code}?x"),
        format!("http://alice:{code}"),
        format!("alice:{code}"),
        format!("http://h /?api_key=x@{code}"),
    ] {
        text.parse::<TiledUri>().err().iter().for_each(silent_error::<UriError>);
        silent_error::<UrlError>(&text.parse::<Url>().unwrap_err());
        text.parse::<ShotgunSite>().err().iter().for_each(silent_error::<UrlError>);
        Proxy::read(&text).err().iter().for_each(silent_error::<ProxyError>);
    }
    silent_error::<MethodError>(&code.parse::<SignInMethod>().unwrap_err());
    let page = format!(r#"{{"sessionRequestId":"x","url":"https://u:{code}@h/"}}"#);
    let begun = app_session::read_created(&Response::new(200, [], page));
    let Created::Failed(error) = begun else { panic!("{begun:?}") };
    silent_error::<Error>(&error);
    silent_error::<PageFault>(&PageFault::Exposed);
    silent_error::<NotApproved>(&NotApproved::Gone);
    silent_text::<SignsIn>(&SignsIn::SingleSignOn);
    silent_error::<SpanError>(&parse_span(&code).unwrap_err());
    silent::<NotJson>(&Json::read(&Secret::from(code)).err().unwrap());

    let origin = url().origin().clone();
    let (place, fault) = (Foreign::from("/a"), StoreFaultKind::Denied);
    silent_error::<StoreFaultKind>(&fault);
    let fault = StoreFault { kind: fault, path: place.clone() };
    silent_error::<StoreFault>(&fault);
    silent_error::<Warning>(&Warning::NotSaved(fault));
    silent_error::<Trouble>(&Trouble::Redirected { to: place.clone() });
    silent_error::<TransportFault>(&TransportFault::Tls);
    silent::<Sent>(&Sent::No);
    silent_error::<Policy>(&Policy::PlainHttp(origin.clone()));
    silent_error::<Peer>(&Peer::Elsewhere { from: origin, to: place });
    silent_error::<CannotPrompt>(&CannotPrompt::HungUp);
    silent_error::<Misuse>(&Misuse::NotNow);
    silent::<Blame>(&Error::Cancelled.blame());
    silent::<Remedy>(&Error::Cancelled.remedy());
}

#[test]
fn flows_and_their_ends_show_none_s1() {
    let about = format!(
        r#"{{"authentication":{{"required":true,"providers":[{{"provider":"toy","mode":"internal",
            "links":{{"auth_endpoint":"/token?state={}"}}}}]}}}}"#,
        plant("code")
    );
    let about = Event::Response(Response::new(200, [], about));
    let (answered, found) = (Event::Response(response()), Event::Loaded(Loaded::Found(stored())));
    let opened = Event::Opened(Held(1));
    silent::<Held>(&Held(1));
    silent::<Resource>(&Resource::Lock { kind: LockKind::Renewal, key: key() });
    silent::<Pending>(&Pending::default());

    let options = LoginOptions {
        username: Some(Foreign::from("alice")),
        password: Some(secret("password")),
        ..LoginOptions::default()
    };
    silent::<LoginOptions>(&options);
    let (sign_in, save) =
        ([about.clone(), answered.clone()], [opened.clone(), Event::Applied, Event::Closed]);
    play::<Login>(
        Login::new(uri(), options, seed()),
        sign_in.into_iter().chain(save).chain([Event::Applied]),
    );
    play::<Discover>(Discover::new(uri(), seed()), [about.clone()]);
    let typed = Answer::Password { username: Foreign::from("alice"), password: secret("password") };
    let asking = Login::new(uri(), LoginOptions::default(), seed());
    let recalled = Event::Recalled(Asked::Answered);
    let to_ask = [about.clone(), opened.clone(), recalled];
    let governed = to_ask.into_iter().chain([Event::Answer(typed.clone()), answered.clone(), opened.clone()]);
    play::<Governor<_, _>>(Governor::new(asking), governed);
    play::<Password>(
        Password::new(url(), Foreign::from("toy"), None),
        [Event::Answer(typed), answered.clone()],
    );
    let password = Password::new(url(), Foreign::from("toy"), Some(Foreign::from("alice")));
    play::<Password>(password.given(Some(secret("password"))), [answered.clone()]);
    let renewing = [found.clone(), opened.clone(), found.clone(), Event::Applied, answered.clone()];
    let renewed: Vec<_> = renewing.into_iter().chain([Event::Applied, Event::Closed]).collect();
    play::<Renewal>(Renewal::new(uri(), seed()).lasting(Some(Duration::from_secs(1))), renewed.clone());
    play::<Whoami>(Whoami::new(uri(), seed()), renewed.into_iter().chain([answered.clone()]));
    play::<Call>(Call::new(uri(), request(), session(), seed()), [answered]);
    play::<Tell>(Tell::new(Notice::Confirmation(Foreign::from("hi"))), [Event::Told]);
    let gone = Event::Response(Response::new(204, [], ""));
    play::<Logout>(Logout::new(uri()), [opened, found, gone, Event::Applied, Event::Closed]);

    let mut flights = Flights::default();
    silent::<Seat>(&flights.join(&key()));
    let mut backoff = auth_core::flow::Backoff::default();
    backoff.failed(Now::default(), Error::from(Trouble::Unreadable), &seed());
    silent::<auth_core::flow::Backoff>(&backoff);
    silent::<Flights>(&flights);
    silent::<Refusals>(&Refusals::default());
    silent::<Granted>(&Granted { session: session() });
    let signed_in = SignedIn { uri: uri(), session: session(), reused: false };
    silent::<SignedIn>(&signed_in);
    silent::<Outcome<SignedIn>>(&Outcome::clean(signed_in));
    silent::<Renewed>(&Renewed { session: session(), fresh: true });
    silent::<Called>(&Called { response: Ok(response()), session: session(), has_ended: false });
    silent::<WhoamiAnswer>(&WhoamiAnswer { principal: Ok(Principal::default()), session: session() });
    let revocation = Revocation::Failed(Error::NotSignedIn);
    silent::<Revocation>(&revocation);
    silent::<LoggedOut>(&LoggedOut { revocation });
}

#[test]
fn flows_of_shotgun_and_their_ends_show_none_s1() {
    use auth_core::flow::shotgun::{
        AppSession, Call, ChooseSite, Discover, Granted, Login, LoginOptions, Password, Program,
    };

    let json = |body: String| Event::Response(Response::new(200, [], body));
    let site = || -> ShotgunSite { "http://127.0.0.1:8000".parse().unwrap() };
    let info = || json(r#"{"results":{"version":[8,0,0]}}"#.to_owned());
    let token = || json(format!(r#"{{"results":{{"session_id":"{}"}}}}"#, plant("session")));
    let program = Program { product: "tool".into(), machine: "m".into() };
    silent::<Program>(&program);
    silent::<Granted>(&Granted { login: "ada".into(), session: session() });
    let options = LoginOptions {
        username: Some(Foreign::from("alice")),
        password: Some(secret("password")),
        code: Some(secret("code")),
        ..LoginOptions::default()
    };
    silent::<LoginOptions>(&options);
    let kept = [Event::Opened(Held(1)), Event::Applied, Event::Closed, Event::Applied];
    play::<Login>(
        Login::new(site(), program.clone(), options, seed()).refused(&session()),
        [Event::Told, info(), token()].into_iter().chain(kept),
    );
    play::<Discover>(Discover::new(site(), seed()), [info()]);
    play::<ChooseSite>(ChooseSite::new(&[site()], None), [Event::Answer(Answer::Site("x://y".into()))]);
    let typed = Answer::Password { username: Foreign::from("alice"), password: secret("password") };
    let wants = json(r#"{"exception":true,"error_code":106}"#.to_owned());
    let code = Event::Answer(Answer::Code(secret("code")));
    play::<Password>(Password::new(site(), None), [Event::Answer(typed), wants, code, token()]);
    let begun = json(format!(r#"{{"sessionRequestId":"{}","url":"http://127.0.0.1/"}}"#, plant("request")));
    play::<AppSession>(
        AppSession::new(site(), program, None, seed()),
        [Event::Answer(Answer::Proceed), begun, Event::Answer(Answer::Proceed), Event::Told],
    );
    let credentials = Credentials::Session { token: secret("session"), reject_if_expired: false };
    let results = json(format!(r#"{{"results":"{}"}}"#, plant("results")));
    let args = Some(secret("arguments"));
    play::<Call>(Call::new(site(), "read", args, Some(credentials), seed()), [info(), results]);
}
