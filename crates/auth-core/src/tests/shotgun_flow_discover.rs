use super::*;
use crate::error::Peer;
use crate::error::Sent;
use crate::flow::script::{Expected, reply, run, seed, send};
use crate::flow::shotgun::script::*;
use crate::shotgun::AuthenticationKind;

fn flow() -> Discover {
    Discover::new(site(), seed())
}

#[test]
fn a_site_is_asked_once_what_it_is() {
    let info = run(flow(), [knows("ldap", true)]).unwrap().value;
    assert_eq!((info.authentication, info.app_session), (AuthenticationKind::Ldap, true));
}

#[test]
fn what_passes_by_itself_is_asked_again_and_nothing_else_is() {
    let closed = Event::Unreachable { fault: TransportFault::Closed, sent: Sent::Maybe };
    for passing in [reply(502, ""), reply(504, ""), closed] {
        let again = || [(ask_info(), passing.clone()), pause(200..=800)];
        let turns = again().into_iter().chain(again()).chain([knows("default", false)]);
        assert!(run(flow(), turns).is_ok());
        let turns = again().into_iter().chain(again()).chain([(ask_info(), passing.clone())]);
        assert!(matches!(run(flow(), turns), Err(Error::Transient(_))));
    }
    let refused = Event::Unreachable { fault: TransportFault::Proxy, sent: Sent::No };
    let proxy = Trouble::Unreachable(TransportFault::Proxy).into();
    assert_eq!(run(flow(), [(ask_info(), refused)]), Err(proxy));
    let slow = Trouble::Unreachable(TransportFault::Timeout).into();
    assert_eq!(run(flow(), [(ask_info(), Event::TimedOut)]), Err(slow));
    assert!(matches!(run(flow(), [(ask_info(), reply(500, ""))]), Err(Error::Transient(_))));
}

#[test]
fn a_permanent_redirect_within_the_origin_is_followed_and_no_other_n2() {
    let moved = Request { url: site().at("/new/json"), ..info::request(&site()) };
    let turns = [(ask_info(), redirect(308, "/new/json")), (send(moved), says("default", false))];
    assert!(run(flow(), turns).is_ok());
    for (status, to) in
        [(308, "https://evil.example/"), (301, "/new"), (302, "/new"), (303, "/new"), (307, "/new")]
    {
        let error = run(flow(), [(ask_info(), redirect(status, to))]).unwrap_err();
        let is_refused = matches!(error, Error::Peer(Peer::NotShotgun { .. } | Peer::Elsewhere { .. }));
        assert!(is_refused, "{status} {to} {error:?}");
    }
    // In circles, but not for ever.
    let hop = |number: u8| {
        let url = site().at(&format!("/{number}"));
        let asked = if number == 0 { ask_info() } else { send(Request { url, ..info::request(&site()) }) };
        (asked, redirect(308, &format!("/{}", number + 1)))
    };
    let turns: Vec<(Expected, Event)> = (0..=HOPS).map(hop).collect();
    assert!(run(flow(), turns).is_err());
}

#[test]
fn what_is_no_shotgun_site_is_said() {
    let error = run(flow(), [(ask_info(), reply(404, "<html>"))]).unwrap_err();
    assert!(matches!(error, Error::Peer(Peer::NotShotgun { status: 404, .. })), "{error:?}");
}
