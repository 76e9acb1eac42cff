//! A site and somebody who asks it, for the tests of what it answers.

mod about;
mod access;
mod quirks;
mod session;
mod token;

use core::time::Duration;

use serde_json::Value;

use super::*;

/// When these tests happen.
const START: Timestamp = Timestamp(1_800_000_000);

/// A text with planted secrets in place of their names.
fn planted(text: &str) -> String {
    ["secret1", "secret2", "rigsecret"]
        .into_iter()
        .fold(text.to_owned(), |text, name| text.replace(name, &canary::plant(name)))
}

struct Rig {
    site: TiledSite,
    now: Timestamp,
}

impl Rig {
    fn new() -> Self {
        Self::with(Config::default())
    }

    /// Two users, alice and bob, whatever else is set up.
    fn with(config: Config) -> Self {
        let users = vec![User::new("alice", planted("secret1")), User::new("bob", planted("secret2"))];
        Self { site: TiledSite::new(Config { users, ..config }, Seed::new([5; 32])), now: START }
    }

    fn pass(&mut self, seconds: u64) {
        self.now = self.now.after(Duration::from_secs(seconds));
    }

    fn ask(&mut self, request: SiteRequest) -> SiteResponse {
        self.site.answer(self.now, &request.with_header("host", "127.0.0.1:8000"))
    }

    fn get(&mut self, path: &str, authorization: &str) -> SiteResponse {
        let request = SiteRequest::new("GET", &planted(path));
        self.ask(match authorization {
            "" => request,
            value => request.with_header("authorization", planted(value)),
        })
    }

    fn post(&mut self, path: &str, content_type: &str, body: &str) -> SiteResponse {
        let request = SiteRequest::new("POST", path).with_header("content-type", content_type);
        self.ask(request.with_body(Secret::from(planted(body))))
    }

    fn password(&mut self, body: &str) -> SiteResponse {
        self.post("/api/v1/auth/provider/sandbox/token", "application/x-www-form-urlencoded", body)
    }

    fn login(&mut self) -> Tokens {
        Tokens::of(&self.password("grant_type=password&username=alice&password=secret1"))
    }

    fn present(&mut self, path: &str, refresh_token: &str) -> SiteResponse {
        let body = json!({ "refresh_token": refresh_token }).to_string();
        self.post(&format!("/api/v1/auth/session/{path}"), "application/json", &body)
    }

    fn refresh(&mut self, refresh_token: &str) -> SiteResponse {
        self.present("refresh", refresh_token)
    }

    fn whoami(&mut self, access_token: &str) -> SiteResponse {
        self.get("/api/v1/auth/whoami", &format!("Bearer {access_token}"))
    }

    fn delete(&mut self, session: &str, authorization: &str) -> SiteResponse {
        let request = SiteRequest::new("DELETE", &format!("/api/v1/auth/session/revoke/{session}"));
        self.ask(match authorization {
            "" => request,
            value => request.with_header("authorization", value),
        })
    }
}

struct Tokens {
    access: String,
    refresh: String,
    body: Value,
}

impl Tokens {
    fn of(response: &SiteResponse) -> Self {
        assert_eq!(response.status(), 200, "{}", response.body().expose());
        let body = body(response);
        let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
        let (access, refresh) = (text("access_token"), text("refresh_token"));
        canary::also("an access token of the site", &access);
        canary::also("a refresh token of the site", &refresh);
        Self { access, refresh, body }
    }
}

fn body(response: &SiteResponse) -> Value {
    serde_json::from_str(response.body().expose()).unwrap()
}

/// The claims of a token, unchecked.
fn claims(token: &str) -> Value {
    use base64::Engine as _;
    let part = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

#[test]
fn the_same_seed_and_requests_give_the_same_bytes() {
    let run = || {
        let mut rig = Rig::new();
        let tokens = rig.login();
        rig.pass(10);
        let refreshed = rig.refresh(&tokens.refresh);
        (tokens.body, refreshed, rig.whoami(&tokens.access), rig.site.log())
    };
    assert_eq!(run(), run());
}

#[test]
fn the_demo_user_can_sign_in_and_its_password_follows_from_the_seed() {
    let password = |seed: u8| TiledSite::demo([seed; 32]).config.users[0].password.clone();
    assert_eq!(password(1), password(1));
    assert_ne!(password(1), password(2));
    let shown = password(3);
    let groups: Vec<_> = shown.expose().split('-').collect();
    assert!(groups.len() == 3 && groups.iter().all(|group| group.len() == 4), "three groups of four");

    let mut site = TiledSite::demo([3; 32]);
    let name = site.config.users[0].name.clone();
    assert_eq!(name, "demo");
    let form = format!("username={name}&password={}", shown.expose());
    let request = SiteRequest::new("POST", "/api/v1/auth/provider/sandbox/token")
        .with_header("content-type", "application/x-www-form-urlencoded")
        .with_body(Secret::from(form));
    assert_eq!(site.answer(START, &request).status(), 200);
}

#[test]
fn the_log_holds_no_secret_s2() {
    let mut rig = Rig::new();
    let tokens = rig.login();
    rig.refresh(&tokens.refresh);
    rig.whoami(&tokens.access);
    rig.get(&format!("/api/v1/{}", tokens.access), "");
    rig.get(&format!("/api/v1/?api_key={}", tokens.access), "");
    rig.delete(&tokens.refresh, &format!("Bearer {}", tokens.access));
    canary::silent(&rig.site.log());
    canary::silent(&rig.site);
    canary::silent(&rig.site.config);
    assert_eq!(rig.site.log().len(), 6);
    rig.site.clear_log();
    assert_eq!((rig.site.log().len(), rig.site.counters()), (0, Counters::default()));
}
