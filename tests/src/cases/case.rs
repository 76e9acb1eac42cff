//! What a case file may say. A member that is not listed here is refused, so that a typing error is not a test that
//! checks nothing.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;

/// One conversation with a server, and what must come of it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// The behaviour that is kept, as one sentence.
    pub about: String,
    /// The requirements it shows, by their ids in `tests/requirements.yml`.
    #[serde(default)]
    pub tags: Vec<String>,
    /// Who answers.
    #[serde(default)]
    pub peer: Peer,
    /// The address that the client is given, if not simply the server's own; `{origin}` stands for that.
    #[serde(default = "origin")]
    pub site: String,
    /// What the clock shows at the beginning, in seconds since 1970. A real server has its own.
    #[serde(default = "beginning")]
    pub clock: i64,
    /// The session that is there at the beginning.
    pub stored: Option<Kept>,
    /// What happens, in order.
    pub steps: Vec<Step>,
}

fn origin() -> String {
    "{origin}".to_owned()
}

fn beginning() -> i64 {
    1_800_000_000
}

/// Who answers: the case itself with literal answers, unless a server is named.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Peer {
    /// A server by the name of its configuration in `tests/peers/tiled`: the sandbox set up alike, and the real one.
    pub server: Option<String>,
    /// What only the sandbox can be set up to.
    pub sandbox: Option<Setup>,
    /// What goes wrong on the way, which happens on the sandbox only.
    #[serde(default)]
    pub faults: Vec<SiteFault>,
}

/// How the sandbox differs from the server that is named, or from one with the users of `plain`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Setup {
    /// Refresh tokens can be redeemed once.
    #[serde(default)]
    pub single_use: bool,
    /// The answer to a refresh token brings no refresh token.
    #[serde(default)]
    pub no_new_refresh_token: bool,
    /// All links in About are built on this origin.
    pub links_on: Option<String>,
    /// What stands before `/api/v1`.
    #[serde(default)]
    pub root_path: String,
    /// How long an access token lives, in seconds.
    pub access_life: Option<u64>,
    /// How long a refresh token lives, in seconds.
    pub refresh_life: Option<u64>,
}

/// One thing that goes wrong on the way to the sandbox.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SiteFault {
    /// The requests meant: those whose path ends so.
    pub on: String,
    /// Which of them, counted from 1; all of them without it.
    pub nth: Option<u32>,
    /// `drop`, `lost-reply`, `malformed`, `page` or a status.
    pub fault: String,
    /// The value of `Retry-After`, for a status.
    pub retry_after: Option<u64>,
}

/// A stored session. Moments are seconds from the beginning.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Kept {
    /// The access token.
    pub access: Option<String>,
    /// The refresh token.
    pub refresh: Option<String>,
    /// The id token.
    pub id: Option<String>,
    /// Whose it is.
    pub user: Option<String>,
    /// Who vouched for them.
    pub provider: Option<String>,
    /// The server's name of the account.
    pub principal: Option<String>,
    /// When the access token was received.
    pub received: Option<i64>,
    /// When it ends.
    pub expires: Option<i64>,
    /// Where the refresh token is redeemed, if that was learnt: a path.
    pub refresh_link: Option<String>,
    /// Somebody set out to redeem the refresh token and did not report on it.
    #[serde(default)]
    pub redeeming: bool,
}

/// One thing that happens. It has exactly one of the members up to `server`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// Somebody signs in.
    pub login: Option<Login>,
    /// A session is needed.
    pub renew: Option<Renew>,
    /// The server is asked who is signed in.
    pub whoami: Option<Nothing>,
    /// Somebody signs out.
    pub logout: Option<Nothing>,
    /// Something is read: a path below the API's root.
    pub get: Option<String>,
    /// The server is looked at.
    pub discover: Option<Nothing>,
    /// So many seconds pass. With a real server they really do.
    pub advance: Option<u64>,
    /// The client's clock goes wrong by so many seconds.
    pub skew: Option<i64>,
    /// Another program stores this session.
    pub elsewhere: Option<Kept>,
    /// The sandbox's operator acts: `change-keys`, or `forget NAME`.
    pub server: Option<String>,

    /// The access token that `get` is asked with, in place of the stored one.
    pub with: Option<String>,
    /// The API key that `get` or `whoami` is asked with, in place of a session.
    pub key: Option<String>,
    /// Credentials may go in clear.
    #[serde(default)]
    pub allow_http: bool,
    /// What the person is asked and told, in order, and what they answer.
    #[serde(default)]
    pub person: Vec<Turn>,
    /// What the store does wrong.
    #[serde(default)]
    pub store: Vec<StoreFault>,
    /// Somebody says stop while this request, counted from 1, is on its way.
    pub cancel: Option<usize>,
    /// The requests, in order, and their answers.
    #[serde(default)]
    pub exchanges: Vec<Exchange>,
    /// How it ends.
    pub outcome: Option<String>,
    /// What is stored afterwards; not looked at without it.
    pub stored: Option<String>,
}

/// Says that something happens, and no more.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Nothing {}

/// How somebody signs in.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Login {
    /// The name, if it is not asked for.
    pub user: Option<String>,
    /// The password, if it is not asked for.
    pub password: Option<String>,
    /// The provider, if it is not asked for.
    pub provider: Option<String>,
    /// A stored session will do.
    #[serde(default)]
    pub reuse: bool,
    /// Nobody is asked.
    #[serde(default)]
    pub never_ask: bool,
    /// Where everybody is let in, nobody signs in.
    #[serde(default)]
    pub anonymous: bool,
}

/// Which session is needed.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Renew {
    /// One that lasts so many seconds.
    pub lasting: Option<u64>,
}

/// One question or notice.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Turn {
    /// What is asked.
    pub asked: Option<String>,
    /// What is told.
    pub told: Option<String>,
    /// `NAME / PASSWORD`, the number of a provider, `cancel`, `no terminal` or `hung up`.
    pub answer: Option<String>,
}

/// What a store does wrong.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoreFault {
    /// `load`, `save`, `clear`, `intent`, `prefer` or `lock`.
    pub on: String,
    /// Which of these calls in this step, counted from 1; all of them without it.
    pub nth: Option<u32>,
    /// `denied`, `read-only`, `full`, `timeout`; of `load` also `torn`, of `lock` also `busy`.
    pub fault: String,
}

/// One request, and in a case without a server what comes of it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exchange {
    /// The request: method and path, the headers that matter, an empty line, the content.
    pub request: String,
    /// The answer.
    pub answer: Option<Answer>,
    /// In place of an answer: `resolve`, `connect`, `tls`, `timeout`, `closed`, `too-large` or `not-http`.
    pub fault: Option<String>,
    /// The status that a server must answer with.
    pub status: Option<u16>,
}

/// An answer to the letter; `{origin}` stands for the server's own.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The headers; `content-type: application/json` without any.
    #[serde(default = "json")]
    pub headers: BTreeMap<String, String>,
    /// The content.
    #[serde(default)]
    pub body: String,
}

fn json() -> BTreeMap<String, String> {
    BTreeMap::from([("content-type".to_owned(), "application/json".to_owned())])
}

/// Why a case file is not one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Unreadable(pub String);

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Case {
    /// Reads a case, and says what it leaves unsaid.
    pub fn read(text: &str) -> Result<Self, Unreadable> {
        let case: Self = serde_yaml::from_str(text).map_err(|error| Unreadable(error.to_string()))?;
        case.check().map_err(Unreadable)?;
        Ok(case)
    }

    /// True if the case itself answers.
    pub fn is_scripted(&self) -> bool {
        self.peer.server.is_none() && self.peer.sandbox.is_none()
    }

    fn check(&self) -> Result<(), String> {
        if self.steps.iter().all(|step| step.action().is_none()) {
            return Err("nothing in it makes a client act".to_owned());
        }
        if self.is_scripted() && !self.peer.faults.is_empty() {
            return Err("peer: faults need a server".to_owned());
        }
        for (at, step) in self.steps.iter().enumerate() {
            step.check(self.is_scripted()).map_err(|why| format!("step {}: {why}", at + 1))?;
        }
        Ok(())
    }
}

impl Step {
    /// What the client does, by its name in the file.
    pub fn action(&self) -> Option<&'static str> {
        self.given().into_iter().find(|name| !EVENTS.contains(name))
    }

    fn given(&self) -> Vec<&'static str> {
        let given = [
            ("login", self.login.is_some()),
            ("renew", self.renew.is_some()),
            ("whoami", self.whoami.is_some()),
            ("logout", self.logout.is_some()),
            ("get", self.get.is_some()),
            ("discover", self.discover.is_some()),
            ("advance", self.advance.is_some()),
            ("skew", self.skew.is_some()),
            ("elsewhere", self.elsewhere.is_some()),
            ("server", self.server.is_some()),
        ];
        given.into_iter().filter(|(_, there)| *there).map(|(name, _)| name).collect()
    }

    fn check(&self, scripted: bool) -> Result<(), String> {
        let given = self.given();
        if given.len() != 1 {
            return Err(format!(
                "it must be one thing that happens, and is {}: {}",
                given.len(),
                given.join(", ")
            ));
        }
        if self.action().is_some() && self.outcome.is_none() {
            return Err("it has no outcome".to_owned());
        }
        for (at, exchange) in self.exchanges.iter().enumerate() {
            let answered = [exchange.answer.is_some(), exchange.fault.is_some()];
            let answers = answered.into_iter().filter(|there| *there).count();
            let problem = match (scripted, answers) {
                (true, 1) if exchange.status.is_some() => "a scripted answer has its status already",
                (true, 1) | (false, 0) => continue,
                (true, _) => "it needs either an answer or a fault",
                (false, _) => "the server answers, not the case",
            };
            return Err(format!("exchange {}: {problem}", at + 1));
        }
        Ok(())
    }
}

/// What happens without the client.
const EVENTS: [&str; 4] = ["advance", "skew", "elsewhere", "server"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_case_that_checks_nothing_is_refused() {
        let cases = [
            ("about: x\nsteps: []\n", "nothing in it"),
            ("about: x\nsteps: [{advance: 1}]\n", "nothing in it"),
            ("about: x\nsteps: [{renew: {}}]\n", "step 1: it has no outcome"),
            ("about: x\nsteps: [{renew: {}, whoami: {}, outcome: x}]\n", "is 2: renew, whoami"),
            ("about: x\nsteps: [{renew: {}, outcom: x}]\n", "unknown field `outcom`"),
            (
                "about: x\nsteps: [{renew: {}, outcome: x, exchanges: [{request: GET /}]}]\n",
                "step 1: exchange 1: it needs either an answer or a fault",
            ),
            (
                "about: x\npeer: {server: plain}\nsteps: [{renew: {}, outcome: x, exchanges: [{request: GET /, fault: closed}]}]\n",
                "the server answers, not the case",
            ),
        ];
        for (text, expected) in cases {
            let why = Case::read(text).unwrap_err().0;
            assert!(why.contains(expected), "{text}: {why}");
        }
    }
}
