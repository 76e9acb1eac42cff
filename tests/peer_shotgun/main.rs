//! Shotgun's own Python client and a sandbox in the shape of its server.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says why by panicking")]

use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::Duration;

use auth_core::{Secret, Seed};
use auth_sandbox::{
    Fault, Faults, Person, Script, Server, ShotgunConfig, ShotgunCounters, ShotgunSite, SiteClock,
    SiteRequest, Which,
};
use canary::plant;
use conformance::python;
use serde_json::{Value, json};

mod bodies;

const CLIENT: &str = include_str!("client.py");

fn served(set_up: impl FnOnce(&mut ShotgunSite)) -> Server<ShotgunSite> {
    let mut grace = Person::new("grace", plant("grace's password")).with_code(plant("code"));
    grace.second_factor.as_mut().unwrap().backup = vec![Secret::from(plant("backup"))];
    let config = ShotgunConfig {
        people: vec![Person::new("ada", plant("ada's password")), grace],
        scripts: vec![Script::new("robot", plant("key"))],
        ..ShotgunConfig::default()
    };
    let mut site = ShotgunSite::new(config, Seed::new([7; 32]));
    set_up(&mut site);
    Server::start(site, SiteClock::running()).unwrap()
}

/// Ada's session.
fn token(server: &Server<ShotgunSite>) -> String {
    let ada = json!({ "user_login": "ada", "user_password": plant("ada's password") });
    let call = json!({ "method_name": "get_session_token", "params": [ada] });
    let request = SiteRequest::new("POST", "/api3/json").with_body(Secret::from(call.to_string()));
    let answer = server.site().lock().unwrap().answer(server.clock().wall(), &request);
    let body: Value = serde_json::from_str(answer.body().expose()).unwrap();
    body["results"]["session_id"].as_str().unwrap().to_owned()
}

/// Plays a scene of the client; the steps that it did.
fn play(server: &Server<ShotgunSite>, scene: &str, token: &str) -> Vec<String> {
    play_by(server, scene, token, "")
}

/// The same by a proxy.
fn play_by(server: &Server<ShotgunSite>, scene: &str, token: &str, proxy: &str) -> Vec<String> {
    let given = json!({
        "url": server.url().to_string(),
        "ada": plant("ada's password"),
        "grace": plant("grace's password"),
        "code": plant("code"),
        "backup": plant("backup"),
        "robot": plant("key"),
        "token": token,
        "proxy": proxy,
    });
    let mut command = Command::new(python());
    command.args(["-c", CLIENT, scene]).env("no_proxy", "*").env("PYTHONDONTWRITEBYTECODE", "1");
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(given.to_string().as_bytes()).unwrap();
    let run = child.wait_with_output().unwrap();
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    String::from_utf8(run.stdout).unwrap().lines().map(str::to_owned).collect()
}

#[test]
fn shotguns_own_client_signs_in_in_every_way() {
    let server = served(|_| ());
    let steps = play(&server, "signing_in", "");
    let all = ["info", "password", "code", "backup code", "script", "sudo", "authenticate_human_user"];
    assert_eq!(steps, all);
    let site = server.site();
    let ShotgunCounters { logins, refused, .. } = site.lock().unwrap().counters();
    assert_eq!((logins, refused), (4, 2));
}

#[test]
fn every_refusal_is_the_one_its_client_knows() {
    assert_eq!(play(&served(|_| ()), "faults", ""), ["102", "106", "other"]);
    for (method, scene, number) in [("saml2", "sso", "108"), ("oxygen", "identity", "110")] {
        let server = served(|site| site.config.info.authentication_method = Some(method.to_owned()));
        assert_eq!(play(&server, scene, ""), [number]);
    }
}

#[test]
fn a_session_that_is_over_is_refused_and_one_without_claims_is_sent_away() {
    let server = served(|_| ());
    let theirs = token(&server);
    server.clock().advance(Duration::from_hours(24));
    assert_eq!(play(&server, "over", &theirs), ["over"]);

    let server = served(|site| site.config.claims_life = Some(Duration::from_mins(5)));
    let theirs = token(&server);
    server.clock().advance(Duration::from_mins(5));
    assert_eq!(play(&server, "claims", &theirs), ["claims"]);
}

#[test]
fn its_client_asks_three_times_where_a_gateway_fails_and_once_where_there_is_maintenance() {
    let status = |status| Fault::Status { status, retry_after: None };
    let server = served(|site| {
        site.faults = Faults::none().first(Which::calling("info"), 2, status(502)).nth(
            Which::calling("info"),
            5,
            status(503),
        );
    });
    assert_eq!(play(&server, "busy", ""), ["502", "503"]);
    let statuses = server.site().lock().unwrap().log().into_iter().map(|entry| entry.status);
    assert_eq!(statuses.collect::<Vec<_>>(), [502, 502, 200, 200, 503].map(Some));
}

#[test]
fn a_session_is_approved_of_and_denied_in_a_browser() {
    let server = served(|_| ());
    assert_eq!(play(&server, "app_session", ""), ["waiting", "approved", "denied"]);
    assert_eq!(server.site().lock().unwrap().counters().approvals, 1);
    let server = served(|site| site.config.app_sessions = false);
    assert_eq!(play(&server, "app_session_off", ""), ["off"]);
}
