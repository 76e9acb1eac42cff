//! Odd answers and faults, as configured.

use super::*;
use crate::faults::Which;

#[test]
fn token_answers_take_the_shape_asked_for_h2_h3_h4() {
    let shape = |expires_in: ExpiresIn| TokenShape { expires_in, ..TokenShape::default() };
    let expiries = [
        (ExpiresIn::Usual, Some(json!(900))),
        (ExpiresIn::Absent, None),
        (ExpiresIn::Number(12.5), Some(json!(12.5))),
        (ExpiresIn::Number(-1.0), Some(json!(-1.0))),
        (ExpiresIn::Number(1e300), Some(json!(1e300))),
        (ExpiresIn::Number(f64::NAN), Some(Value::Null)),
        (ExpiresIn::Text("900".to_owned()), Some(json!("900"))),
    ];
    let mut rig = Rig::new();
    let tokens = rig.login();
    for (expires_in, value) in expiries {
        rig.site.config.refresh_answer = shape(expires_in);
        assert_eq!(Tokens::of(&rig.refresh(&tokens.refresh)).body.get("expires_in"), value.as_ref());
    }
    rig.site.config.refresh_answer =
        TokenShape { token_type: Some("mac".to_owned()), no_refresh_token: true, ..TokenShape::default() };
    let answer = Tokens::of(&rig.refresh(&tokens.refresh)).body;
    assert_eq!((&answer["token_type"], answer.get("refresh_token")), (&json!("mac"), None));
    assert!(answer.get("refresh_token_expires_in").is_none());

    rig.site.config.login_answer = shape(ExpiresIn::Absent);
    assert!(rig.login().body.get("expires_in").is_none());
}

#[test]
fn without_a_new_refresh_token_the_old_one_stays_good_h2() {
    let no_refresh_token = TokenShape { no_refresh_token: true, ..TokenShape::default() };
    let mut rig = Rig::with(Config {
        refresh_rule: RefreshRule::SingleUse,
        refresh_answer: no_refresh_token,
        ..Config::default()
    });
    let token = rig.login().refresh;
    for _ in 0..3 {
        assert_eq!(rig.refresh(&token).status(), 200);
    }
}

fn serve(rig: &mut Rig, request: SiteRequest) -> Reply {
    rig.site.serve(rig.now, &request.with_header("host", "h"))
}

fn refresh(token: &str) -> SiteRequest {
    SiteRequest::new("POST", "/api/v1/auth/session/refresh")
        .with_body(Secret::from(json!({ "refresh_token": token }).to_string()))
}

#[test]
fn each_fault_acts_or_does_not_and_is_logged() {
    let late = Duration::from_secs(3);
    let status = |status: u16| Fault::Status { status, retry_after: None };
    let away = || Fault::Redirect { status: 307, location: "https://evil.example/".to_owned() };
    // The fault, whether the site acted, the status in the log and on the wire, the delay.
    let cases = [
        (status(500), false, Some(500), Some(500), Duration::ZERO),
        (away(), false, Some(307), Some(307), Duration::ZERO),
        (Fault::Page, false, Some(200), Some(200), Duration::ZERO),
        (Fault::Huge(10), false, Some(200), Some(200), Duration::ZERO),
        (Fault::Drop, false, None, None, Duration::ZERO),
        (Fault::LostReply, true, None, None, Duration::ZERO),
        (Fault::Delay(late), true, Some(200), Some(200), late),
        (Fault::Malformed, true, Some(200), Some(200), Duration::ZERO),
    ];
    for (fault, acted, logged, answered, delay) in cases {
        let mut rig = Rig::with(Config { refresh_rule: RefreshRule::SingleUse, ..Config::default() });
        let token = rig.login().refresh;
        rig.site.faults = Faults::none().nth(Which::ending("/session/refresh"), 1, fault.clone());
        let reply = serve(&mut rig, refresh(&token));
        assert_eq!(reply.response.as_ref().map(SiteResponse::status), answered, "{fault:?}");
        assert_eq!(reply.delay, delay, "{fault:?}");
        assert!(reply.response.is_none_or(|r| r.header("date").is_some()), "{fault:?}");
        assert_eq!(rig.site.counters().refreshes == 1, acted, "{fault:?}");
        let entry = rig.site.log().pop().unwrap();
        assert_eq!((entry.path.as_str(), entry.status), ("/api/v1/auth/session/refresh", logged));
        // Whoever got no answer and asks again is taken for a thief if the site had acted.
        let again = serve(&mut rig, refresh(&token)).response.unwrap().status();
        assert_eq!(again, if acted { 401 } else { 200 }, "{fault:?}");
    }
}

#[test]
fn a_redirect_of_about_can_end_or_go_in_circles() {
    let about = || SiteRequest::new("GET", "/api/v1/");
    let here = || Fault::Redirect { status: 302, location: "/api/v1/".to_owned() };
    let statuses = |faults: Faults| {
        let mut rig = Rig::new();
        rig.site.faults = faults;
        (0..7).map(|_| serve(&mut rig, about()).response.unwrap().status()).collect::<Vec<_>>()
    };
    let ends = statuses(Faults::none().first(Which::ending("/api/v1/"), 2, here()));
    assert_eq!(ends, [302, 302, 200, 200, 200, 200, 200]);
    assert_eq!(statuses(Faults::none().always(Which::ending("/api/v1/"), here())), [302; 7]);
}
