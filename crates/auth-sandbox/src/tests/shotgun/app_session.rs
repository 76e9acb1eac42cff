use super::*;
use crate::faults::Which;

#[test]
fn a_session_is_given_once_when_it_was_approved_of() {
    let mut rig = Rig::new();
    let id = rig.asked();
    let pending = rig.site.pending();
    assert_eq!((pending[0].app_name.as_str(), pending[0].machine_id.as_str()), ("App", "box"));
    for _ in 0..2 {
        let waiting = rig.poll(&id);
        assert_eq!((waiting.status(), body(&waiting)), (200, json!({ "approved": false })));
    }
    assert!(!rig.site.approve(&id, "nobody") && !rig.site.approve(&id, "alan"));
    assert!(rig.site.approve(&id, "ada"));
    assert!(!rig.site.approve(&id, "grace") && !rig.site.deny(&id), "what is decided is decided");
    assert_eq!(rig.site.pending(), []);
    let given = rig.poll(&id);
    let token = body(&given)["sessionToken"].as_str().unwrap().to_owned();
    assert_eq!((&body(&given)["approved"], &body(&given)["userLogin"]), (&json!(true), &json!("ada")));
    assert_eq!(rig.refusal("read", &json!([shown(&token), { "type": "HumanUser" }])), 0);
    assert_eq!(rig.poll(&id).status(), 404);
}

#[test]
fn what_was_denied_or_waited_too_long_is_gone() {
    let mut rig = Rig::new();
    let (denied, late, approved) = (rig.asked(), rig.asked(), rig.asked());
    assert!(rig.site.deny(&denied) && rig.site.approve(&approved, "ada"));
    let gone = rig.poll(&denied);
    assert_eq!((gone.status(), gone.header("content-type")), (404, Some("application/json")));
    rig.pass(299);
    assert_eq!(rig.poll(&late).status(), 200);
    rig.pass(1);
    assert_eq!((rig.poll(&late).status(), rig.poll(&approved).status()), (404, 404));
    assert!(!rig.site.approve(&late, "ada"));
    assert_eq!(rig.site.counters().approvals, 1);
}

#[test]
fn where_it_is_off_it_is_refused_in_json() {
    let mut rig = Rig::with(ShotgunConfig { app_sessions: false, ..ShotgunConfig::default() });
    let path = "/internal_api/app_session_request";
    let refused = rig.form(path, &[("appName", "App"), ("machineId", "box")]);
    assert_eq!((refused.status(), refused.header("content-type")), (403, Some("application/json")));
    assert_eq!(rig.poll(&Secret::from("7")).status(), 403);
    rig.site.config.app_sessions = true;
    for fields in [&[("appName", "App")][..], &[("appName", ""), ("machineId", "box")]] {
        assert_eq!(rig.form(path, fields).status(), 400);
    }
}

#[test]
fn those_who_ask_and_go_do_not_fill_the_site() {
    let mut rig = Rig::new();
    let first = rig.asked();
    for _ in 0..1_024 {
        rig.asked();
    }
    assert_eq!(rig.site.pending().len(), 1_024);
    assert_eq!(rig.poll(&first).status(), 404);
}

#[test]
fn a_poll_can_be_answered_in_every_way() {
    let approved = [
        r#"{"approved":null}"#,
        r#"{"approved":"false"}"#,
        r#"{"approved":1}"#,
        r#"{"approved":[]}"#,
        r#"{"approved":true}"#,
        r#"{"approved":true,"sessionToken":"","userLogin":"ada"}"#,
        "{}",
        "[]",
        "{",
        "",
    ];
    let mut faults: Vec<Fault> = approved.into_iter().map(|body| Fault::json(200, body)).collect();
    faults.extend([201, 202, 204, 400, 403, 404, 500, 502].map(|status| Fault::json(status, "{}")));
    faults.push(Fault::Instead {
        status: 404,
        content_type: "text/html".to_owned(),
        body: Secret::from("<p>SANDBOX"),
    });
    faults.extend(
        [301, 302, 303, 307, 308]
            .map(|status| Fault::Redirect { status, location: "http://127.0.0.1:1/elsewhere".to_owned() }),
    );
    let mut rig = Rig::new();
    let id = rig.asked();
    let path = format!("/internal_api/app_session_request/{}", id.expose());
    let (mut plan, all) = (Faults::none(), faults.len());
    for (fault, n) in faults.iter().zip(1..) {
        plan = plan.nth(Which::under("/internal_api/app_session_request/"), n, fault.clone());
    }
    rig.site.faults = plan;
    for fault in faults {
        let got = rig.site.serve(START, &SiteRequest::new("PUT", &path)).response.unwrap();
        let wanted = fault.answer().unwrap();
        assert_eq!((got.status(), got.body()), (wanted.status(), wanted.body()), "{fault:?}");
        assert_eq!(got.header("location"), wanted.header("location"), "{fault:?}");
        assert_eq!(got.header("content-type"), wanted.header("content-type"), "{fault:?}");
    }
    assert_eq!(rig.site.log().len(), all + 1);
    assert_eq!(rig.poll(&id).status(), 200);
}
