//! A server, a person and a clock, as far as the facade needs them.

use core::time::Duration;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use auth_core::error::{CannotPrompt, Sent, StoreFault, StoreFaultKind, TransportFault};
use auth_core::ports::{
    Applied, Asked, Change, Clock, Dismiss, Key, Loaded, LockKind, Locking, Prompt, SiteEntry, Store,
    Transport, Unreachable,
};
use auth_core::time::{Now, Tick, Timestamp};
use auth_core::wire::{Authorization, Request, Response};
use auth_core::{Answer, Foreign, Notice, PromptFault, Question, Secret};
use auth_store::MemoryStore;

use super::subject::{Authenticator, Builder};

pub(super) const URL: &str = "http://127.0.0.1:8000";
/// How long an access token lives.
pub(super) const LIFE: Duration = Duration::from_mins(15);

/// The secret that is called so.
pub(super) fn secret(name: &str) -> Secret {
    Secret::from(canary::plant(name))
}

/// A server that takes the password called `sesame` and gives tokens that are called by numbers.
#[derive(Default)]
pub(super) struct Site {
    state: Mutex<SiteState>,
}

#[derive(Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fault of its own")]
struct SiteState {
    given: u32,
    user: String,
    log: Vec<String>,
    down: bool,
    /// What it says instead of renewing: that it has too much to do, for so many seconds.
    busy: Option<u32>,
    open: bool,
    /// True if it has forgotten everybody who was signed in.
    forgot: bool,
    /// True if it refuses every token that is shown.
    refuses: bool,
    /// True if it gives the tokens again that it gave last.
    repeats: bool,
}

impl Site {
    /// What was asked, as `METHOD URL CREDENTIAL` with the credential's name, since this was last called.
    pub(super) fn log(&self) -> Vec<String> {
        core::mem::take(&mut self.state.lock().unwrap().log)
    }

    pub(super) fn let_everybody_in(&self) {
        self.state.lock().unwrap().open = true;
    }

    /// Knows no session that it has given so far.
    pub(super) fn forget_everybody(&self) {
        self.state.lock().unwrap().forgot = true;
    }

    /// Refuses every token from now on, and gives them as before.
    pub(super) fn refuse_everything(&self) {
        self.state.lock().unwrap().refuses = true;
    }

    /// Gives the tokens that it gave last to every user who signs in from now on.
    pub(super) fn repeat_tokens(&self) {
        self.state.lock().unwrap().repeats = true;
    }

    /// Renews nothing from now on, and wants to be left alone so many seconds.
    pub(super) fn is_busy(&self, seconds: u32) {
        self.state.lock().unwrap().busy = Some(seconds);
    }

    pub(super) fn take_down(&self) {
        self.state.lock().unwrap().down = true;
    }
}

impl SiteState {
    fn answer(&mut self, request: &Request) -> Response {
        let path = request.url.path();
        let content = request.content().map(Secret::expose).unwrap_or_default();
        let tokens = |this: &mut Self| {
            this.given += u32::from(!this.repeats);
            let (n, user) = (this.given, &this.user);
            let body = format!(
                r#"{{"access_token":"{}","refresh_token":"{}","expires_in":{},
                    "refresh_token_expires_in":86400,"token_type":"bearer","principal":"p-{user}",
                    "identity":{{"id":"{user}","provider":"toy"}}}}"#,
                secret(&format!("access-{n}")).expose(),
                secret(&format!("refresh-{n}")).expose(),
                LIFE.as_secs()
            );
            Response::new(200, [], body)
        };
        let known = match &request.authorization {
            Some(Authorization::Bearer(token)) => {
                !self.forgot && !self.refuses && *token == secret(&format!("access-{}", self.given))
            }
            Some(Authorization::ApiKey(key)) => *key == secret("api-key"),
            None => self.open,
        };
        let has_key = matches!(&request.authorization, Some(Authorization::ApiKey(_)));
        match (request.method.as_str(), path.trim_start_matches("/api/v1/")) {
            ("GET", "") => Response::new(
                200,
                [],
                r#"{"authentication":{"required":REQUIRED,"providers":[{"provider":"toy","mode":"internal",
                    "links":{"auth_endpoint":"/api/v1/auth/provider/toy/token"}}],
                    "links":{"whoami":"/api/v1/auth/whoami","refresh_session":"/api/v1/auth/session/refresh"}}}"#
                    .replace("REQUIRED", if self.open { "false" } else { "true" }),
            ),
            ("POST", "auth/provider/toy/token")
                if content.ends_with(&format!("password={}", secret("sesame").expose())) =>
            {
                let user = content.split("username=").nth(1).and_then(|rest| rest.split('&').next());
                self.user = user.unwrap_or_default().to_owned();
                self.forgot = false;
                tokens(self)
            }
            ("POST", "auth/session/refresh") if self.busy.is_some() => {
                let seconds = self.busy.unwrap_or_default().to_string();
                Response::new(503, [("retry-after", seconds.as_str())], "")
            }
            ("POST", "auth/session/refresh")
                if !self.forgot && content.contains(secret(&format!("refresh-{}", self.given)).expose()) =>
            {
                tokens(self)
            }
            ("POST", "auth/session/revoke") => Response::new(204, [], ""),
            ("GET", "auth/whoami") if known && has_key => {
                Response::new(200, [], r#"{"uuid":"svc","type":"service"}"#)
            }
            ("DELETE", path) if known && path.starts_with("auth/session/revoke/") => {
                Response::new(204, [], "")
            }
            ("GET", "auth/whoami") if known => Response::new(
                200,
                [],
                format!(
                    r#"{{"uuid":"p-{0}","type":"user","identities":[{{"id":"{0}","provider":"toy"}}],
                        "sessions":[{{"uuid":"0123456789abcdef0123456789abcdef","revoked":false}}]}}"#,
                    self.user
                ),
            ),
            ("GET", _) if known => Response::new(200, [], "{}"),
            _ => Response::new(401, [], r#"{"detail":"Could not validate credentials"}"#),
        }
    }
}

impl Transport for Site {
    fn send(&self, request: &Request) -> Result<Response, Unreachable> {
        let mut state = self.state.lock().unwrap();
        let credential = match &request.authorization {
            Some(Authorization::Bearer(token) | Authorization::ApiKey(token)) => {
                canary::named(token.expose())
            }
            None => "-".to_owned(),
        };
        let credential = credential.trim_matches(['<', '>']);
        let line = format!("{} {} {credential}", request.method.as_str(), request.url.to_request());
        state.log.push(line);
        if state.down {
            return Err(Unreachable { fault: TransportFault::Connect, sent: Sent::No });
        }
        Ok(state.answer(request))
    }
}

/// Somebody who answers in turn, and remembers what was said.
#[derive(Default)]
pub(super) struct Person {
    answers: Mutex<VecDeque<Result<Answer, PromptFault>>>,
    pub(super) told: Mutex<Vec<Notice>>,
}

impl Person {
    /// With the password that is called so.
    pub(super) fn answers(&self, username: &str, password: &str) {
        let answer = Answer::Password { username: Foreign::from(username), password: secret(password) };
        self.answers.lock().unwrap().push_back(Ok(answer));
    }

    pub(super) fn declines(&self) {
        self.answers.lock().unwrap().push_back(Err(PromptFault::Cancelled));
    }

    pub(super) fn told(&self) -> Vec<Notice> {
        core::mem::take(&mut self.told.lock().unwrap())
    }
}

impl Prompt for Person {
    fn ask(&self, _question: &Question, _dismissed: &Dismiss) -> Result<Answer, PromptFault> {
        let answer = self.answers.lock().unwrap().pop_front();
        answer.unwrap_or(Err(PromptFault::Cannot(CannotPrompt::Unanswered)))
    }

    fn tell(&self, notice: &Notice) {
        self.told.lock().unwrap().push(notice.clone());
    }
}

/// A clock that is turned.
#[derive(Default)]
pub(super) struct Hand(AtomicI64);

impl Hand {
    pub(super) fn turn(&self, by: Duration) {
        self.0.fetch_add(i64::try_from(by.as_millis()).unwrap(), Ordering::SeqCst);
    }
}

impl Clock for Hand {
    fn now(&self) -> Now {
        let millis = self.0.load(Ordering::SeqCst);
        Now { tick: Tick(millis.unsigned_abs()), wall: Timestamp(1_800_000_000 + millis / 1_000) }
    }
}

/// A store that can be made read-only, wholly or for sessions only.
#[derive(Default)]
pub(super) struct Shelf {
    pub(super) inner: MemoryStore,
    read_only: Mutex<bool>,
    saves_nothing: Mutex<bool>,
}

impl Shelf {
    pub(super) fn make_read_only(&self) {
        *self.read_only.lock().unwrap() = true;
    }

    /// Saves no session from now on, and makes every other change.
    pub(super) fn refuse_saves(&self) {
        *self.saves_nothing.lock().unwrap() = true;
    }
}

impl Store for Shelf {
    fn load(&self, key: &Key) -> Result<Loaded, StoreFault> {
        self.inner.load(key)
    }

    fn apply(&self, change: &Change) -> Result<Applied, StoreFault> {
        let is_refused_save = matches!(change, Change::Save { .. }) && *self.saves_nothing.lock().unwrap();
        if is_refused_save || *self.read_only.lock().unwrap() {
            return Err(StoreFault { kind: StoreFaultKind::ReadOnly, path: Foreign::from("/shelf") });
        }
        self.inner.apply(change)
    }

    fn lock(&self, kind: LockKind, key: &Key, wait: Duration) -> Result<Locking, StoreFault> {
        self.inner.lock(kind, key, wait)
    }

    fn sites(&self) -> Result<Vec<SiteEntry>, StoreFault> {
        self.inner.sites()
    }

    fn asked(&self, key: &Key) -> Result<Asked, StoreFault> {
        self.inner.asked(key)
    }

    fn note_asked(&self, key: &Key, asked: Asked) -> Result<(), StoreFault> {
        self.inner.note_asked(key, asked)
    }
}

/// All of them.
#[derive(Default)]
pub(super) struct Rig {
    pub(super) site: Arc<Site>,
    pub(super) person: Arc<Person>,
    pub(super) clock: Arc<Hand>,
    pub(super) store: Arc<Shelf>,
}

impl Rig {
    pub(super) fn builder(&self) -> Builder {
        Authenticator::builder()
            .transport(Arc::clone(&self.site) as Arc<dyn Transport>)
            .prompt(Arc::clone(&self.person) as Arc<dyn Prompt>)
            .clock(Arc::clone(&self.clock) as Arc<dyn Clock>)
            .store(Arc::clone(&self.store) as Arc<dyn Store>)
            .ignore_environment_key()
    }

    pub(super) fn auth(&self) -> Authenticator {
        self.builder().build().unwrap()
    }

    /// As if `TILED_API_KEY` held the key that is called so.
    pub(super) fn auth_with_environment_key(&self, name: &str) -> Authenticator {
        let mut auth = self.auth();
        auth.shared_mut().settings.key = Some(if name.is_empty() { Secret::default() } else { secret(name) });
        auth
    }
}
