use core::time::Duration;

use auth_core::Seed;
use auth_core::time::{Tick, Timestamp};
use auth_core::wire::{Authorization, Body, form, json};

use super::*;
use crate::faults::{Fault, Faults, Which};
use crate::tiled::{Config, User};

fn site() -> (InProcess, SiteClock) {
    let config = Config { users: vec![User::new("alice", canary::plant("secret1"))], ..Config::default() };
    let site = Arc::new(Mutex::new(TiledSite::new(config, Seed::new([1; 32]))));
    let clock = SiteClock::standing(Timestamp(1_800_000_000));
    let origin = "https://tiled.example.org".parse::<auth_core::site::Url>().unwrap().origin().clone();
    (InProcess::new(site, clock.clone(), origin), clock)
}

fn at(path: &str) -> auth_core::site::Url {
    format!("https://tiled.example.org{path}").parse().unwrap()
}

#[test]
fn a_sign_in_a_renewal_and_a_sign_out_go_through() {
    let (transport, clock) = site();
    let about = transport.send(&Request::get(at("/api/v1/"))).unwrap();
    assert!(about.body().expose().contains("https://tiled.example.org/api/v1/auth/provider/sandbox/token"));

    let body = form::encode(&[
        ("grant_type", "password"),
        ("username", "alice"),
        ("password", &canary::plant("secret1")),
    ]);
    let login = Request::token(at("/api/v1/auth/provider/sandbox/token"), Body::Form(body));
    let read = |response: &Response| json::Json::read(response.body()).unwrap();
    let tokens = read(&transport.send(&login).unwrap());
    let (access, refresh) = (tokens.secret("access_token").unwrap(), tokens.secret("refresh_token").unwrap());

    let whoami = Request::get(at("/api/v1/auth/whoami")).authorized(Authorization::Bearer(access));
    assert_eq!(transport.send(&whoami).unwrap().status(), 200);
    clock.advance(Duration::from_mins(15));
    let expired = transport.send(&whoami).unwrap();
    assert_eq!((expired.status(), expired.header("www-authenticate")), (401, Some("Bearer")));
    assert_eq!(expired.header("date"), Some("Fri, 15 Jan 2027 08:15:00 GMT"));

    let present = |path: &str| {
        let body = json::object(&[("refresh_token", refresh.expose())]);
        transport.send(&Request::token(at(path), Body::Json(body))).unwrap().status()
    };
    assert_eq!(present("/api/v1/auth/session/refresh"), 200);
    assert_eq!(present("/api/v1/auth/session/revoke"), 204);
    assert_eq!(present("/api/v1/auth/session/refresh"), 401);
}

#[test]
fn a_site_of_the_other_kind_is_carried_too() {
    let site = Arc::new(Mutex::new(crate::ShotgunSite::demo([1; 32])));
    let origin = at("/").origin().clone();
    let transport = InProcess::new(site, SiteClock::standing(Timestamp(1_800_000_000)), origin);
    let call = auth_core::Secret::from(r#"{"method_name":"info","params":[]}"#);
    let answer = transport.clone().send(&Request::token(at("/api3/json"), Body::Json(call))).unwrap();
    assert!(answer.body().expose().contains("8.60.0.0 SANDBOX"));
    assert_eq!(transport.site().lock().unwrap().counters().infos, 1);
}

#[test]
fn nobody_is_found_elsewhere_and_it_is_noted_n3() {
    let (transport, _) = site();
    for other in ["http://tiled.example.org/", "https://evil.example/", "https://tiled.example.org:8443/"] {
        let request = Request::get(other.parse().unwrap());
        let fault = Unreachable { fault: TransportFault::Connect, sent: Sent::No };
        assert_eq!(transport.send(&request), Err(fault), "{other}");
    }
    assert_eq!(transport.strays().len(), 3);
    assert!(transport.site().lock().unwrap().log().is_empty());
}

#[test]
fn faults_look_as_they_do_over_a_network() {
    let request = Request::get(at("/healthz"));
    let lost = |fault| Err(Unreachable { fault, sent: Sent::Maybe });
    let (short, long) = (Duration::from_secs(3), Duration::from_mins(5));
    let cases = [
        (Fault::Drop, lost(TransportFault::Closed), Duration::ZERO),
        (Fault::LostReply, lost(TransportFault::Closed), Duration::ZERO),
        (Fault::Huge(10_000_000), lost(TransportFault::TooLarge), Duration::ZERO),
        (Fault::Delay(short), Ok(200), short),
        (Fault::Delay(long), lost(TransportFault::Timeout), request.budget),
        (Fault::Status { status: 429, retry_after: Some(5) }, Ok(429), Duration::ZERO),
    ];
    for (fault, expected, passed) in cases {
        let (transport, clock) = site();
        transport.site().lock().unwrap().faults = Faults::none().always(Which::any(), fault.clone());
        let status = transport.send(&request).map(|response| response.status());
        assert_eq!(status, expected, "{fault:?}");
        assert_eq!(clock.now().tick, Tick(0).after(passed), "{fault:?}");
    }
}

#[test]
fn a_transport_shows_nothing_secret_s1() {
    let (transport, _) = site();
    assert_eq!(format!("{transport:?}"), "InProcess(https://tiled.example.org)");
}
