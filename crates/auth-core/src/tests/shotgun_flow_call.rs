use super::*;
use crate::error::Sent;
use crate::flow::script::{reply, send};
use crate::flow::shotgun::script::*;

fn session(reject_if_expired: bool) -> Credentials {
    Credentials::Session { token: secret("token"), reject_if_expired }
}

fn script(sudo: Option<&str>) -> Credentials {
    Credentials::Script { name: "bot".into(), key: secret("key"), sudo_as_login: sudo.map(Foreign::from) }
}

fn flow(method: &str, credentials: Credentials) -> Call {
    Call::new(site(), method, Some(Secret::from("{}")), Some(credentials), seed())
}

fn called(method: &str) -> crate::flow::script::Expected {
    call(method, Some(session(true)), Some("{}"))
}

#[test]
fn a_site_is_asked_what_it_is_before_a_token_goes_there_and_only_once() {
    let turns = [knows("default", false), (called("create"), results(r#"{"id":1}"#))];
    let value = run(flow("create", session(false)), turns).unwrap().value;
    assert_eq!((value.results, value.has_ended), (Ok(Secret::from(r#"{"id":1}"#)), false));
    let known = flow("create", session(false)).knowing(Some(value.info));
    assert!(run(known, [(called("create"), results("1"))]).is_ok());
}

#[test]
fn only_a_session_ends_and_a_script_is_refused() {
    let ended = |event| {
        let turns = [knows("default", false), (called("read"), event)];
        run(flow("read", session(false)), turns).unwrap().value
    };
    let over = ended(fault(102));
    assert_eq!((over.results, over.has_ended), (Err(Error::Expired("no".into())), true));
    for place in ["/saml/saml_login_request", "/saml/saml_login_request?x=1"] {
        let claims = ended(redirect(302, place));
        assert!(claims.has_ended && matches!(claims.results, Err(Error::Expired(_))));
    }
    for number in [101, 106, 108] {
        let other = ended(fault(number));
        assert_eq!(
            (other.results, other.has_ended),
            (Err(Peer::Fault { message: "no".into() }.into()), false)
        );
    }
    let refused = [knows("default", false), (call("read", Some(script(None)), Some("{}")), fault(102))];
    let refused = run(flow("read", script(None)), refused).unwrap().value;
    assert_eq!((refused.results, refused.has_ended), (Err(Error::Rejected("no".into())), false));
}

#[test]
fn reads_are_made_again_and_nothing_else_is() {
    let closed = Event::Unreachable { fault: TransportFault::Closed, sent: Sent::Maybe };
    for trouble in [reply(502, ""), reply(504, ""), closed] {
        let again = || [(called("read"), trouble.clone()), pause(200..=800)];
        let turns = [knows("default", false)].into_iter().chain(again()).chain(again());
        let turns = turns.chain([(called("read"), results("1"))]);
        assert!(run(flow("read", session(false)), turns).is_ok());
        let turns = [knows("default", false), (called("create"), trouble)];
        assert!(matches!(run(flow("create", session(false)), turns), Err(Error::Transient(_))));
    }
}

#[test]
fn credentials_follow_a_permanent_redirect_within_the_origin_only_n2() {
    let moved = Request {
        url: site().at("/new"),
        ..rpc::request(
            &site(),
            "read",
            &Envelope { credentials: Some(session(true)), session_uuid: None },
            Some(&Secret::from("{}")),
        )
    };
    let turns =
        [knows("default", false), (called("read"), redirect(308, "/new")), (send(moved), results("1"))];
    assert!(run(flow("read", session(false)), turns).is_ok());
    for (status, to) in
        [(308, "https://evil.example/"), (307, "/new"), (301, "/new"), (303, "/new"), (302, "/new")]
    {
        let turns = [knows("default", false), (called("read"), redirect(status, to))];
        let end = run(flow("read", session(false)), turns);
        assert!(matches!(end, Err(Error::Transient(Trouble::Redirected { .. }))), "{status} {to}");
    }
}

#[test]
fn an_old_server_is_not_asked_for_what_it_does_not_know() {
    let old = |version: &str| (ask_info(), results(&format!(r#"{{"version":{version}}}"#)));
    let too_old = |needs| Policy::TooOld { needs };
    let end = run(flow("read", session(false)), [old("[5,2,9]")]);
    assert_eq!(end, Err(too_old("5.3.0").into()));
    let end = run(flow("read", script(Some("ada"))), [old("[5,3,11]")]);
    assert_eq!(end, Err(too_old("5.3.12").into()));
    let turns = [old("[5,4,3]"), (call("read", Some(session(false)), Some("{}")), results("1"))];
    assert!(run(flow("read", session(true)), turns).is_ok());
}

#[test]
fn nothing_goes_over_a_network_in_clear_unless_that_is_allowed_n1() {
    let site: ShotgunSite = "http://studio.example".parse().unwrap();
    let call = Call::new(site.clone(), "read", None, Some(session(false)), seed());
    assert_eq!(run(call, []), Err(Policy::PlainHttp(site.origin().clone()).into()));
}
