use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::time::Timestamp;

fn site() -> ShotgunSite {
    "https://studio.example".parse().unwrap()
}

fn answer(status: u16, headers: &[(&str, &str)], body: &str) -> Result<SiteInfo, Error> {
    read(&site(), &Response::new(status, headers.iter().copied(), body))
}

fn ok(results: &serde_json::Value) -> Result<SiteInfo, Error> {
    answer(200, &[("content-type", "application/json")], &json!({"results": results}).to_string())
}

fn info(version: [u32; 3]) -> SiteInfo {
    SiteInfo {
        version,
        authentication: AuthenticationKind::NotSaid,
        unified_login: false,
        app_session: false,
        page: 500,
    }
}

fn not_shotgun(status: u16, why: &str) -> Error {
    Peer::NotShotgun { url: "https://studio.example/api3/json".into(), status, why: why.into() }.into()
}

#[test]
fn everybody_may_ask_what_a_site_is() {
    let request = request(&site());
    assert_eq!(request.content().unwrap().expose(), r#"{"method_name": "info", "params": []}"#);
    assert_eq!(request.url.to_string(), "https://studio.example/api3/json");
}

#[test]
fn a_site_says_what_signing_in_needs() {
    let whole = json!({
        "version": [8, 48, 0, "Dev"],
        "full_version": [8, 48, 0, 1],
        "api_max_entities_per_page": 5000,
        "user_authentication_method": "oxygen",
        "unified_login_flow_enabled": true,
        "authentication_app_session_launcher_enabled": true,
        "s3_uploads_enabled": {},
    });
    let authentication = AuthenticationKind::Oxygen;
    let read =
        SiteInfo { version: [8, 48, 0], authentication, unified_login: true, app_session: true, page: 5000 };
    assert_eq!(ok(&whole), Ok(read));
    assert_eq!(ok(&json!({"version": [2, 4, 0]})), Ok(info([2, 4, 0])));
    assert_eq!(ok(&json!({"version": [8]})), Ok(info([8, 0, 0])));
    let strange = json!({
        "version": [8, 1, 2],
        "api_max_entities_per_page": "500",
        "user_authentication_method": null,
        "unified_login_flow_enabled": "false",
        "authentication_app_session_launcher_enabled": 1,
    });
    assert_eq!(ok(&strange), Ok(info([8, 1, 2])));
    for page in [json!(0), json!(-1), json!(1e20)] {
        assert_eq!(ok(&json!({"version": [8], "api_max_entities_per_page": page})).unwrap().page, 500);
    }
}

#[test]
fn who_signs_people_in_is_named_or_kept_as_it_came() {
    let cases = [
        ("default", AuthenticationKind::Default, false, false),
        ("ldap", AuthenticationKind::Ldap, false, false),
        ("saml2", AuthenticationKind::Saml2, true, false),
        ("oxygen", AuthenticationKind::Oxygen, false, true),
        ("SAML2", AuthenticationKind::Unknown("SAML2".into()), false, false),
        ("", AuthenticationKind::Unknown("".into()), false, false),
    ];
    for (name, kind, sso, identity) in cases {
        let info = ok(&json!({"version": [8], "user_authentication_method": name})).unwrap();
        assert_eq!((info.is_sso(), info.is_identity()), (sso, identity), "{name}");
        assert_eq!(info.authentication, kind);
    }
}

#[test]
fn what_a_version_can_do_begins_at_its_number() {
    let cases = [
        ([5, 2, 99], [false, false, false]),
        ([5, 3, 0], [true, false, false]),
        ([5, 3, 11], [true, false, false]),
        ([5, 3, 12], [true, true, false]),
        ([5, 4, 3], [true, true, false]),
        ([5, 4, 4], [true, true, true]),
        ([10, 0, 0], [true, true, true]),
    ];
    for (version, can) in cases {
        let info = info(version);
        assert_eq!([info.takes_sessions(), info.takes_sudo(), info.rejects_expired()], can, "{version:?}");
    }
    assert_eq!(ok(&json!({"version": [2, 3, 9]})), Err(Policy::TooOld { needs: "2.4.0" }.into()));
}

#[test]
fn what_is_not_a_shotgun_site_says_why() {
    let no_version = "what came has no `version`";
    for results in [
        json!({}),
        json!({"version": null}),
        json!({"version": []}),
        json!({"version": "8.1.0"}),
        json!({"version": ["8", 1, 0]}),
        json!({"version": [8, -1, 0]}),
        json!({"version": [8, 0.5]}),
        json!({"version": [4_294_967_296_u64]}),
        json!([]),
        json!(null),
        json!("text"),
    ] {
        assert_eq!(ok(&results), Err(not_shotgun(200, no_version)), "{results}");
    }
    // A Tiled server's own answer to such a request, and a page.
    assert_eq!(answer(404, &[], r#"{"detail":"Not Found"}"#), Err(not_shotgun(404, "")));
    assert_eq!(answer(405, &[("content-type", "text/html")], "<p>"), Err(not_shotgun(405, "")));
    let page = answer(200, &[("content-type", "text/html; charset=utf-8")], "<!doctype html>");
    assert_eq!(page, Err(not_shotgun(200, "what came is not JSON")));
    assert_eq!(answer(200, &[], ""), Err(not_shotgun(200, "what came is not JSON")));
    assert_eq!(answer(302, &[("location", "/login?x")], ""), Err(not_shotgun(302, "it redirects")));
    assert_eq!(answer(302, &[("location", "ftp://x")], ""), Err(not_shotgun(302, "it redirects")));
}

#[test]
fn an_outage_is_not_another_kind_of_server() {
    let status =
        |status| Err(Error::from(Trouble::Status { status, detail: Foreign::default(), retry_after: None }));
    for code in [408, 429, 500, 502, 503, 504] {
        assert_eq!(answer(code, &[], "<p>"), status(code));
    }
    let fault = answer(200, &[], r#"{"exception":true,"error_code":1,"message":"down"}"#);
    assert_eq!(fault, Err(Peer::Fault { message: "down".into() }.into()));
}

#[test]
fn a_redirect_is_told_and_not_followed_n2() {
    let from = site().origin().clone();
    for place in ["https://new.example/api3/json", "http://studio.example/x?a=b", "//new.example/"] {
        let to = Foreign::from(place.split('?').next().unwrap());
        let elsewhere = Peer::Elsewhere { from: from.clone(), to };
        assert_eq!(answer(301, &[("location", place)], ""), Err(elsewhere.into()), "{place}");
    }
    let place = "/saml/saml_login_request";
    let expired = answer(302, &[("location", place)], "");
    assert_eq!(expired, Err(Trouble::Redirected { to: place.into() }.into()));
}

fn at(millis: u64) -> Now {
    // The civil clock jumps about and means nothing here.
    Now { tick: Tick(millis), wall: Timestamp(i64::try_from(millis % 7).unwrap() * 100_000) }
}

#[test]
fn what_a_site_said_is_believed_for_thirty_seconds() {
    let mut infos = Infos::default();
    infos.put(at(1_000), &site(), "", info([8, 0, 0]));
    for (millis, known) in [(999, false), (1_000, true), (30_999, true), (31_000, false)] {
        assert_eq!(infos.get(at(millis), &site(), "").is_some(), known, "{millis}");
    }
    infos.put(at(31_000), &site(), "", info([9, 0, 0]));
    assert_eq!(infos.get(at(31_000), &site(), ""), Some(&info([9, 0, 0])));
    infos.put(at(32_000), &site(), "", info([10, 0, 0]));
    assert_eq!(infos.get(at(32_000), &site(), ""), Some(&info([10, 0, 0])));
    assert_eq!(infos.0.len(), 1);
}

#[test]
fn what_one_site_said_is_not_another_s() {
    let mut infos = Infos::default();
    infos.put(at(0), &site(), "joe:PaSs@proxy:1", info([8, 0, 0]));
    let others: [ShotgunSite; 3] =
        ["http://studio.example", "studio.example:444", "other.example"].map(|text| text.parse().unwrap());
    for other in &others {
        assert_eq!(infos.get(at(0), other, "joe:PaSs@proxy:1"), None, "{other}");
    }
    for via in ["", "proxy:1", "joe:pass@proxy:1"] {
        assert_eq!(infos.get(at(0), &site(), via), None, "{via}");
    }
    assert!(infos.get(at(0), &site(), "joe:PaSs@proxy:1").is_some());
    assert!(!format!("{infos:?}").contains("PaSs"));
}

#[test]
fn the_oldest_of_many_sites_is_forgotten() {
    let mut infos = Infos::default();
    let site = |number: u64| format!("s{number}.example").parse::<ShotgunSite>().unwrap();
    for number in 0..100 {
        infos.put(at(number), &site(number), "", info([8, 0, 0]));
    }
    assert_eq!(infos.0.len(), MOST);
    assert_eq!(infos.get(at(100), &site(35), ""), None);
    assert!(infos.get(at(100), &site(36), "").is_some());
}

proptest! {
    #[test]
    fn no_answer_stops_the_reader_p9(
        status in prop_oneof![Just(200_u16), Just(302), any::<u16>()],
        place in any::<String>(),
        body in prop::collection::vec(any::<u8>(), 0..64),
        version in "\\[?[-0-9,.\"a]{0,12}\\]?",
    ) {
        let _ = read(&site(), &Response::new(status, [("location", place.as_str())], body));
        let _ = answer(status, &[], &format!(r#"{{"results":{{"version":{version}}}}}"#));
    }
}
