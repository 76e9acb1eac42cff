use super::*;
use crate::error::{Sent, StoreFaultKind};
use crate::flow::Flow as _;
use crate::flow::script::*;
use crate::foreign::Foreign;
use crate::wire::{Method, READ_BUDGET};

const ABOUT: &str =
    r#"{"library_version":"0.2.20","authentication":{"required":true,"links":{},"providers":[]}}"#;

fn on(address: &str) -> Discover {
    Discover::new(address.parse().unwrap(), seed())
}

fn local() -> Discover {
    Discover::new(uri(), seed())
}

fn root() -> Url {
    at("/api/v1/")
}

fn elsewhere(to: &str) -> Error {
    Peer::Elsewhere { from: root().origin().clone(), to: Foreign::from(to) }.into()
}

fn not_tiled(status: u16, why: &str) -> Error {
    Peer::NotTiled { url: Foreign::from("http://127.0.0.1:8000/api/v1/"), status, why: Foreign::from(why) }
        .into()
}

#[test]
fn the_handshake_is_one_read_of_the_root_without_any_credential() {
    let handshake = Request {
        method: Method::Get,
        url: url("https://example.org/tiled/api/v1/"),
        authorization: None,
        body: None,
        budget: READ_BUDGET,
    };
    let flow = on("https://example.org/tiled/api/v1/metadata/a?api_key=canary");
    let found = run(flow, [(send(handshake), reply(200, ABOUT))]).unwrap();
    assert_eq!(found.warnings, []);
    assert_eq!(found.value.uri.api(), &url("https://example.org/tiled/api/v1/"));
    assert_eq!((found.value.about.required, found.value.about.version.raw()), (true, "0.2.20"));
}

#[test]
fn five_redirects_on_one_origin_are_followed_and_a_sixth_goes_in_circles_n6() {
    let hop = |n: u32| (get(if n == 0 { root() } else { at(&format!("/hop/{n}")) }), n + 1);
    for (hops, statuses) in [(1, [301; 6]), (5, [301, 302, 303, 307, 308, 0]), (6, [307; 6])] {
        let mut talk = Talk::start(local());
        for (n, status) in (0..hops).zip(statuses) {
            let (asked, next) = hop(n);
            talk = talk.turn((asked, redirect(status, &format!("/hop/{next}"))));
        }
        if hops == 6 {
            assert_eq!(talk.end(), Err(Peer::Circles.into()));
        } else {
            let found = talk.turn((hop(hops).0, reply(200, ABOUT))).end().unwrap();
            // Where it was found does not matter: links are read from the root that was asked for.
            assert_eq!(found.value.uri, uri());
        }
    }
}

#[test]
fn references_of_every_shape_are_followed_on_the_same_origin_only_n3() {
    let followed = [
        ("/a/b", "/a/b"),
        ("login?next=1", "/api/v1/login?next=1"),
        ("http://127.0.0.1:8000/c", "/c"),
        ("//127.0.0.1:8000/d", "/d"),
    ];
    for (location, path) in followed {
        let turns = [(get(root()), redirect(302, location)), (get(at(path)), reply(200, ABOUT))];
        assert!(run(local(), turns).is_ok(), "{location}");
    }
    let refused = [
        ("https://evil.example/login?token=canary#x", "https://evil.example/login"),
        ("http://127.0.0.1:8001/", "http://127.0.0.1:8001/"),
        ("https://127.0.0.1:8000/", "https://127.0.0.1:8000/"),
        ("http://localhost:8000/", "http://localhost:8000/"),
        ("//evil.example/?a", "//evil.example/"),
        ("http://127.0.0.1:8000@evil.example/", "http://127.0.0.1:8000@evil.example/"),
    ];
    for (location, named) in refused {
        let turns = [(get(root()), redirect(307, location))];
        assert_eq!(run(local(), turns), Err(elsewhere(named)), "{location}");
    }
}

#[test]
fn what_passes_by_itself_is_asked_again_after_growing_waits_and_three_times_in_all_n8() {
    let passing = [
        (reply(502, ""), status(502, "")),
        (reply(504, r#"{"detail":"no upstream"}"#), status(504, "no upstream")),
        (unreachable(TransportFault::Closed), Trouble::Unreachable(TransportFault::Closed).into()),
    ];
    for (event, error) in passing {
        let once = |event: &Event| (get(root()), event.clone());
        let turns = [once(&event), pause(200..400), once(&event), pause(400..800), once(&event)];
        assert_eq!(run(local(), turns), Err(error), "{event:?}");
        let turns = [once(&event), pause(200..400), once(&event), pause(400..800), once(&reply(200, ABOUT))];
        assert!(run(local(), turns).is_ok(), "{event:?}");
    }
}

#[test]
fn nothing_else_is_asked_again() {
    let cases = [
        (reply(500, r#"{"detail":"boom"}"#), status(500, "boom")),
        (reply(503, ""), status(503, "")),
        (reply(429, ""), status(429, "")),
        (unreachable(TransportFault::Resolve), Trouble::Unreachable(TransportFault::Resolve).into()),
        (unreachable(TransportFault::Connect), Trouble::Unreachable(TransportFault::Connect).into()),
        (unreachable(TransportFault::Tls), Trouble::Unreachable(TransportFault::Tls).into()),
        (unreachable(TransportFault::TooLarge), Trouble::Unreachable(TransportFault::TooLarge).into()),
        (unreachable(TransportFault::Timeout), timed_out()),
        (Event::TimedOut, timed_out()),
        (Event::Cancel, Error::Cancelled),
    ];
    for (event, error) in cases {
        assert_eq!(run(local(), [(get(root()), event.clone())]), Err(error), "{event:?}");
    }
}

#[test]
fn a_server_that_is_not_tiled_is_said_to_be_none() {
    let no_authentication = "what came has no `authentication`";
    let cases = [
        (200, "<!DOCTYPE html><title>Welcome</title>", "what came is not JSON"),
        (200, "", "what came is not JSON"),
        (200, r#"{"api_version":0}"#, no_authentication),
        (200, r#"{"authentication":"yes"}"#, no_authentication),
        (200, "[]", no_authentication),
        (404, "Not Found", ""),
        (401, ABOUT, ""),
        (204, "", ""),
        (304, "", ""),
    ];
    for (status, body, why) in cases {
        assert_eq!(
            run(local(), [(get(root()), reply(status, body))]),
            Err(not_tiled(status, why)),
            "{status} {body}"
        );
    }
}

#[test]
fn the_upgrade_probe_is_made_off_this_machine_only_and_carries_no_key_h1_n1() {
    for here in ["http://127.0.0.1:8000", "http://localhost", "http://[::1]:8000/", "http://127.9.9.9"] {
        let asked: TiledUri = here.parse().unwrap();
        assert!(run(on(here), [(get(asked.api().clone()), reply(200, ABOUT))]).is_ok(), "{here}");
    }
    let probes = [
        ("http://example.org", "http://example.org/"),
        ("http://example.org/a?api_key=canary&b=1", "http://example.org/a?b=1"),
        ("http://127.0.0.1.example.org/api/v1/", "http://127.0.0.1.example.org/api/v1/"),
        ("http://10.0.0.1:8000/?api%5Fkey=canary", "http://10.0.0.1:8000/"),
    ];
    for (given, asked) in probes {
        let turns = [(get(url(asked)), reply(200, ABOUT))];
        let origin = url(asked).origin().clone();
        assert_eq!(run(on(given), turns), Err(Policy::PlainHttp(origin).into()), "{given}");
    }
}

#[test]
fn a_host_without_an_address_is_said_to_have_none_before_how_it_is_spoken_to() {
    let unreachable = |fault| Event::Unreachable { fault, sent: Sent::No };
    let ends = [
        (TransportFault::Resolve, Trouble::Unreachable(TransportFault::Resolve).into()),
        (TransportFault::Connect, Policy::PlainHttp(url("http://example.org").origin().clone()).into()),
    ];
    for (fault, error) in ends {
        let turns = [(get(url("http://example.org/")), unreachable(fault))];
        assert_eq!(run(on("http://example.org"), turns), Err(error));
    }
}

#[test]
fn an_upgrade_is_believed_to_the_same_host_and_the_default_port_only_n1() {
    let taken = [
        ("http://example.org", "https://example.org/", "https://example.org/api/v1/"),
        ("http://example.org:8000", "https://example.org", "https://example.org/api/v1/"),
        ("http://example.org", "https://EXAMPLE.org:443/tiled?x=1", "https://example.org/tiled/api/v1/"),
    ];
    for (given, location, api) in taken {
        let probe: TiledUri = given.parse().unwrap();
        let turns =
            [(get(probe.given().clone()), redirect(301, location)), (get(url(api)), reply(200, ABOUT))];
        let found = run(on(given), turns).unwrap();
        assert_eq!(found.value.uri.api(), &url(api), "{location}");
    }
    let plain = || Err(Policy::PlainHttp(url("http://example.org").origin().clone()).into());
    let ignored = [
        (301, "https://evil.example/"),
        (301, "https://example.org.evil.example/"),
        (301, "https://www.example.org/"),
        (301, "https://example.org:8443/"),
        (301, "https://example.org@evil.example/"),
        (301, "http://example.org/api/v1/"),
        (301, "//example.org/"),
        (301, "/api/v1/"),
        (301, ""),
        (200, "https://example.org/"),
        (404, "https://example.org/"),
        (300, "https://example.org/"),
    ];
    for (status, location) in ignored {
        let turns = [(get(url("http://example.org/")), redirect(status, location))];
        assert_eq!(run(on("http://example.org"), turns), plain(), "{status} {location}");
    }
    // A probe that fails, in whatever way, changes nothing and is not made again.
    for event in [reply(502, ""), unreachable(TransportFault::Closed), Event::TimedOut] {
        let turns = [(get(url("http://example.org/")), event.clone())];
        assert_eq!(run(on("http://example.org"), turns), plain(), "{event:?}");
    }
}

#[test]
fn plain_http_is_used_where_it_was_allowed_and_told_before_anything_else_is_sent_n1() {
    let origin = url("http://example.org").origin().clone();
    let turns = [
        (get(url("http://example.org/")), reply(200, "")),
        (tell(Notice::PlainHttp(origin)), Event::Told),
        (get(url("http://example.org/api/v1/")), reply(200, ABOUT)),
    ];
    let found = run(on("http://example.org").allow_http(true), turns).unwrap();
    assert_eq!(found.value.uri.api(), &url("http://example.org/api/v1/"));
    // Where there is an https address it is used, and there is nothing to tell.
    let turns = [
        (get(url("http://example.org/")), redirect(308, "https://example.org/")),
        (get(url("https://example.org/api/v1/")), reply(200, ABOUT)),
    ];
    assert!(run(on("http://example.org").allow_http(true), turns).is_ok());
}

#[test]
fn a_handshake_can_be_cancelled_wherever_it_is() {
    let closed = || (get(root()), unreachable(TransportFault::Closed));
    let cases = [
        (local(), vec![closed(), (pause(200..400).0, Event::Cancel)]),
        (local(), vec![closed(), pause(200..400), (get(root()), Event::Cancel)]),
        (on("http://example.org"), vec![(get(url("http://example.org/")), Event::Cancel)]),
    ];
    for (flow, turns) in cases {
        assert_eq!(run(flow, turns), Err(Error::Cancelled));
    }
}

#[test]
fn a_handshake_has_thirty_seconds_and_not_less() {
    let talk = Talk::start(local());
    assert_eq!(talk.flow.deadline(), Some(talk.now.tick.after(secs(30))));
    assert_eq!(talk.refuses(Event::TimedOut), Some(Misuse::TooEarly));
    assert_eq!(talk.refuses(Event::StoreFailed(store_fault(StoreFaultKind::Full))), Some(Misuse::Unexpected));
}
