//! Every public type, with secrets wherever one fits: none of them shows it. S1
//!
//! `cargo xtask tidy` sees to it that no type is left out.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on says why by panicking")]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use auth_core::site::Url;
use auth_core::time::Timestamp;
use auth_core::{Secret, Seed};
use auth_sandbox::{
    Config, Counters, Entry, ExpiresIn, Fault, Faults, InProcess, Lifetimes, Limits, Mode, PendingApproval,
    Person, Provider, RefreshRule, Reply, Script, SecondFactor, Server, SessionLife, ShotgunConfig,
    ShotgunCounters, ShotgunSite, SiteClock, SiteInfo, SiteRequest, SiteResponse, TiledSite, TokenShape,
    User, Which,
};
use canary::{also, has_debug, plant, silent};

const NOW: Timestamp = Timestamp(1_800_000_000);

fn config() -> Config {
    let users = vec![User::new("alice", plant("alice's password"))];
    Config { users, single_user_key: Some(Secret::from(plant("the site's key"))), ..Config::default() }
}

fn site() -> TiledSite {
    let seed = plant("seed").as_bytes()[..32].try_into().unwrap();
    TiledSite::new(config(), Seed::new(seed))
}

fn sign_in() -> SiteRequest {
    let body = format!("grant_type=password&username=alice&password={}", plant("alice's password"));
    SiteRequest::new("POST", &format!("/api/v1/auth/provider/sandbox/token?code={}", plant("code")))
        .with_header("host", "127.0.0.1:8000")
        .with_header("content-type", "application/x-www-form-urlencoded")
        .with_body(Secret::from(body))
}

/// Remembers the tokens in an answer.
fn issued(answer: &SiteResponse) {
    let json: serde_json::Value = serde_json::from_str(answer.body().expose()).unwrap();
    for name in ["access_token", "refresh_token"] {
        also(&format!("the issued {name}"), json[name].as_str().unwrap());
    }
}

#[test]
fn messages_and_records_show_none_s1() {
    let mut site = site();
    let request = sign_in();
    silent::<SiteRequest>(&request);
    let token = format!("Bearer {}", plant("another token"));
    silent(&request.clone().with_header("authorization", token).with_header("cookie", plant("a cookie")));
    let reply = site.serve(NOW, &request);
    let answer = reply.response.clone().unwrap();
    issued(&answer);
    silent::<SiteResponse>(&answer);
    silent::<Reply>(&reply);
    silent::<TiledSite>(&site);
    for entry in &site.log() {
        silent::<Entry>(entry);
    }
    silent::<Counters>(&site.counters());
}

#[test]
fn what_is_set_up_shows_none_s1() {
    let config = config();
    silent::<User>(&config.users[0]);
    silent::<Config>(&config);
    silent::<Provider>(&config.providers[0]);
    silent::<Mode>(&Mode::Other("telepathy".to_owned()));
    silent::<Lifetimes>(&config.lifetimes);
    silent::<RefreshRule>(&config.refresh_rule);
    silent::<TokenShape>(&config.login_answer);
    silent::<ExpiresIn>(&ExpiresIn::Number(1.0));
    let seed = || Seed::new(plant("seed").as_bytes()[..32].try_into().unwrap());
    let faults = Faults::none().drawn(Which::any(), seed(), 10, vec![Fault::LostReply]);
    silent::<Fault>(&Fault::Page);
    silent::<Which>(&Which::ending("/refresh"));
    silent::<Faults>(&faults);
    silent::<Limits>(&Limits::default());
}

#[test]
fn a_shotgun_shaped_site_shows_none_s1() {
    let person = Person::new("ada", plant("ada's password")).with_code(plant("ada's code"));
    silent::<Person>(&person);
    silent::<SecondFactor>(person.second_factor.as_ref().unwrap());
    let script = Script::new("robot", plant("the robot's key"));
    silent::<Script>(&script);
    let config = ShotgunConfig { people: vec![person], scripts: vec![script], ..ShotgunConfig::default() };
    silent::<ShotgunConfig>(&config);
    silent::<SiteInfo>(&config.info);
    silent::<SessionLife>(&config.session_life);
    silent::<Fault>(&Fault::json(200, plant("an answer")));

    let seed = plant("seed").as_bytes()[..32].try_into().unwrap();
    let mut site = ShotgunSite::new(config, Seed::new(seed));
    let call = format!(
        r#"{{"method_name":"get_session_token","params":[{{"script_name":"robot","script_key":"{}"}}]}}"#,
        plant("the robot's key")
    );
    let answer = site.answer(NOW, &SiteRequest::new("POST", "/api3/json").with_body(Secret::from(call)));
    let json: serde_json::Value = serde_json::from_str(answer.body().expose()).unwrap();
    also("the issued session", json["results"]["session_id"].as_str().unwrap());
    let ask = SiteRequest::new("POST", "/internal_api/app_session_request")
        .with_body(Secret::from("appName=a&machineId=b"));
    silent(&site.answer(NOW, &ask));
    let pending = site.pending();
    also("the id of a pending session", pending[0].id.expose());
    let path = format!("/internal_api/app_session_request/{}", pending[0].id.expose());
    let poll = SiteRequest::new("PUT", &path);
    silent(&poll);
    silent(&site.answer(NOW, &poll));
    silent::<PendingApproval>(&pending[0]);
    silent::<ShotgunSite>(&site);
    silent::<ShotgunCounters>(&site.counters());
    site.log().iter().for_each(silent::<Entry>);
}

#[test]
fn ways_to_a_site_show_none_s1() {
    let clock = SiteClock::standing(NOW);
    clock.advance(Duration::from_secs(1));
    silent::<SiteClock>(&clock);
    let origin = "http://127.0.0.1:8000".parse::<Url>().unwrap().origin().clone();
    let mut busy = site();
    issued(&busy.answer(NOW, &sign_in()));
    silent::<InProcess>(&InProcess::new(Arc::new(Mutex::new(busy.clone())), clock.clone(), origin));
    assert!(has_debug!(Server));
    let server = Server::start(busy, clock).unwrap();
    silent::<Server>(&server);
}
