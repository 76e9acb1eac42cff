//! A Shotgun-shaped site, as a pure machine.

mod app_session;
mod auth;
mod config;
mod page;
mod read;
mod rpc;
mod sessions;

use core::fmt;

use auth_core::time::Timestamp;
use auth_core::wire::form::percent_decode;
use auth_core::{Secret, Seed};

pub use app_session::PendingApproval;
pub use config::{Person, Script, SecondFactor, SessionLife, ShotgunConfig, SiteInfo};

use self::app_session::{Asked, Decision, hex};
use self::page::page;
use self::sessions::{Sessions, Who};
use crate::faults::{Fault, Faults};
use crate::message::{Reply, SiteRequest, SiteResponse, http_date};
use crate::record::{Entry, Record};
use crate::site::{self, Machine, Site};

/// A site that answers what Shotgun's own clients ask when they sign in: `info`, `get_session_token`, reading who there
/// is, and sessions that a person approves of in a browser. What the real server does besides is not here.
///
/// The same seed, times and requests give the same answers, byte for byte.
///
/// ```
/// use auth_core::{Secret, time::Timestamp};
/// use auth_sandbox::{ShotgunSite, SiteRequest};
///
/// let mut site = ShotgunSite::demo([7; 32]);
/// let person = &site.config.people[0];
/// let call = format!(
///     r#"{{"method_name":"get_session_token","params":[{{"user_login":"{}","user_password":"{}"}}]}}"#,
///     person.login,
///     person.password.expose(),
/// );
/// let request = SiteRequest::new("POST", "/api3/json").with_body(Secret::from(call));
/// assert_eq!(site.answer(Timestamp(1_800_000_000), &request).status(), 200);
/// assert_eq!(site.counters().logins, 1);
/// ```
#[derive(Clone)]
pub struct ShotgunSite {
    /// How it is set up.
    pub config: ShotgunConfig,
    /// What goes wrong, for [`serve`](Self::serve).
    pub faults: Faults,
    seed: Seed,
    /// How often chance was asked for.
    drawn: u32,
    sessions: Sessions,
    asked: Vec<Asked>,
    record: Record<ShotgunCounters>,
}

/// How often something happened at a Shotgun-shaped site.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct ShotgunCounters {
    /// Methods called, refused or not. What a fault kept from the site is not counted.
    pub calls: u64,
    /// Calls refused.
    pub refused: u64,
    /// Calls of `info`.
    pub infos: u64,
    /// Sessions given for a password or a key.
    pub logins: u64,
    /// Sessions that were asked for to be approved of in a browser, granted or not.
    pub app_session_requests: u64,
    /// Those that were approved of.
    pub approvals: u64,
}

impl ShotgunSite {
    /// A site without sessions. Its tokens are as secret as the seed.
    pub fn new(config: ShotgunConfig, seed: Seed) -> Self {
        Self {
            config,
            faults: Faults::none(),
            seed,
            drawn: 0,
            sessions: Sessions::default(),
            asked: Vec::new(),
            record: Record::default(),
        }
    }

    /// A site to try things out with: one person, `demo`, and one program, `demo_script`, whose password and key follow
    /// from the seed and stand in [`ShotgunConfig::people`] and [`ShotgunConfig::scripts`].
    pub fn demo(seed: [u8; 32]) -> Self {
        let seed = Seed::new(seed);
        let people = vec![Person::new("demo", site::words(&seed, "demo password"))];
        let scripts = vec![Script::new("demo_script", site::words(&seed, "demo key"))];
        Self::new(ShotgunConfig { people, scripts, ..ShotgunConfig::default() }, seed)
    }

    /// Answers a request; nothing goes wrong on the way.
    pub fn answer(&mut self, now: Timestamp, request: &SiteRequest) -> SiteResponse {
        Machine::answer(self, now, request)
    }

    /// Answers a request as far as [`faults`](Self::faults) let it.
    pub fn serve(&mut self, now: Timestamp, request: &SiteRequest) -> Reply {
        site::serve(self, now, request)
    }

    /// The requests it got, the oldest first; of very many, the last 4,096.
    pub fn log(&self) -> Vec<Entry> {
        self.record.entries.iter().cloned().collect()
    }

    /// How often what happened.
    pub fn counters(&self) -> ShotgunCounters {
        self.record.counters
    }

    /// Forgets the requests and what was counted. Sessions and plans of faults stay.
    pub fn clear_log(&mut self) {
        self.record = Record::default();
    }

    /// Ends the session of this token; false if there is none.
    pub fn revoke(&mut self, token: &Secret) -> bool {
        self.sessions.end(token.expose())
    }

    /// Ends all sessions of a person's login or a script's name.
    pub fn revoke_all(&mut self, name: &str) {
        self.sessions.end_of(name);
    }

    /// Has the identity provider vouch for a person again, as their browser would: the claims of all their sessions
    /// begin anew.
    pub fn renew_claims(&mut self, now: Timestamp, login: &str) {
        self.sessions.claim(login, now);
    }

    /// What was asked for and nobody has decided on yet, the oldest first. What waited too long is there until the next
    /// request.
    pub fn pending(&self) -> Vec<PendingApproval> {
        let open = self.asked.iter().filter(|asked| asked.decision == Decision::None);
        open.map(|asked| asked.pending.clone()).collect()
    }

    /// Approves of a session, as this person would in a browser. False if nobody waits for it, or there is no such
    /// person.
    pub fn approve(&mut self, id: &Secret, login: &str) -> bool {
        self.is_open(&Who::Person(login.to_owned()))
            && self.decide(id.expose(), Decision::Approved(login.to_owned()))
    }

    /// Denies a session, as a person would in a browser. False if nobody waits for it.
    pub fn deny(&mut self, id: &Secret) -> bool {
        self.decide(id.expose(), Decision::Denied)
    }

    fn respond(&mut self, now: Timestamp, request: &SiteRequest) -> SiteResponse {
        self.forget_late(now);
        let path = percent_decode(request.path());
        // A proxy may have taken the root path off, or not.
        let root = self.root();
        let path = path.strip_prefix(&root).filter(|rest| rest.starts_with('/')).unwrap_or(&path);
        let not_allowed =
            |allow: &str| SiteResponse::plain(405, "SANDBOX: not by this method").with_header("allow", allow);
        if let Some(id) = path.strip_prefix("/internal_api/app_session_request/") {
            return match request.method() {
                "PUT" => self.poll_for_session(now, id),
                _ => not_allowed("PUT"),
            };
        }
        if let Some(id) = path.strip_prefix("/app_session_request/") {
            return match request.method() {
                "GET" => self.show_approval(request, id),
                "POST" => self.take_approval(request, id),
                _ => not_allowed("GET, POST"),
            };
        }
        match (path, request.method()) {
            ("/api3/json", "POST") => self.call(now, request),
            ("/internal_api/app_session_request", "POST") => self.ask_for_session(now, request),
            ("/api3/json" | "/internal_api/app_session_request", _) => not_allowed("POST"),
            ("/", "GET") => page(200, "Shotgun SANDBOX", ""),
            ("/", _) => not_allowed("GET"),
            _ => page(404, "Not found", ""),
        }
    }

    /// The root path in its one form: empty, or `/` and no slash at the end.
    fn root(&self) -> String {
        let bare = self.config.root_path.trim_matches('/');
        if bare.is_empty() { String::new() } else { format!("/{bare}") }
    }

    /// Where the site is, as the client sees it.
    fn base(&self, request: &SiteRequest) -> String {
        let host = request.header("host").unwrap_or("localhost");
        format!("{}://{host}{}", request.scheme(), self.root())
    }

    /// A new session.
    fn open(&mut self, who: Who, now: Timestamp) -> Secret {
        let random = self.draw("session");
        let token = Secret::from(hex(random.first_chunk::<16>().map_or(&[], <[u8; 16]>::as_slice)));
        self.sessions.open(token.clone(), who, self.config.session_life, now);
        token
    }

    /// Bytes that never come again.
    fn draw(&mut self, usage: &str) -> [u8; 32] {
        self.drawn = self.drawn.wrapping_add(1);
        self.seed.derive(usage, self.drawn)
    }
}

impl Site for ShotgunSite {
    fn serve(&mut self, now: Timestamp, request: &SiteRequest) -> Reply {
        site::serve(self, now, request)
    }

    fn root_path(&self) -> &str {
        &self.config.root_path
    }
}

impl Machine for ShotgunSite {
    type Counters = ShotgunCounters;

    fn fault(&mut self, request: &SiteRequest) -> Option<Fault> {
        self.faults.next(request)
    }

    fn answer(&mut self, now: Timestamp, request: &SiteRequest) -> SiteResponse {
        let response = self.respond(now, request);
        self.finish(now, request, response)
    }

    fn finish(&mut self, now: Timestamp, request: &SiteRequest, response: SiteResponse) -> SiteResponse {
        self.record.note(request.method(), request.path(), Some(response.status()));
        response.with_header("date", http_date(now))
    }

    fn record(&mut self) -> &mut Record<ShotgunCounters> {
        &mut self.record
    }
}

/// Shows how it is set up and what was counted.
impl fmt::Debug for ShotgunSite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ShotgunSite")
            .field("config", &self.config)
            .field("counters", &self.counters())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
#[path = "tests/shotgun.rs"]
mod tests;
