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
    Config, Counters, Entry, ExpiresIn, Fault, Faults, InProcess, Lifetimes, Limits, Mode, Provider,
    RefreshRule, Reply, Server, SiteClock, SiteRequest, SiteResponse, TiledSite, TokenShape, User, Which,
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
