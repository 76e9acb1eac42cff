//! Calls: JSON, posted to one address (spec: Shotgun, section 2).

use super::info::{SESSIONS, SUDO};
use super::{ShotgunSite, SiteInfo, failure, json as json_of};
use crate::error::{Error, Trouble};
use crate::foreign::Foreign;
use crate::secret::Secret;
use crate::wire::json::{self, Json};
use crate::wire::{Body, Method, READ_BUDGET, Request, Response, TOKEN_BUDGET};

/// The call that gives a session token.
pub const GET_SESSION_TOKEN: &str = "get_session_token";
/// The call that needs no credentials.
pub const INFO: &str = "info";

/// What a call shows to be let in (spec: Shotgun, section 2.3).
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Credentials {
    /// A person's.
    Password {
        /// Who.
        login: Foreign,
        /// Their password.
        password: Secret,
        /// The code of the second factor, or a backup code.
        code: Option<Secret>,
    },
    /// A program's.
    Script {
        /// The script's name.
        name: Foreign,
        /// Its key.
        key: Secret,
        /// The person it acts as; for servers that [take it](super::SiteInfo::takes_sudo).
        sudo_as_login: Option<Foreign>,
    },
    /// Somebody's who is signed in.
    Session {
        /// The session's token.
        token: Secret,
        /// Asks for a fault where the session has expired; for servers that
        /// [know it](super::SiteInfo::rejects_expired).
        reject_if_expired: bool,
    },
}

impl Credentials {
    /// The first version that takes these, where a server is older
    /// ([`Policy::TooOld`](crate::error::Policy::TooOld)).
    pub fn lacks(&self, info: &SiteInfo) -> Option<&'static str> {
        match self {
            Self::Session { .. } if !info.takes_sessions() => Some(SESSIONS.1),
            Self::Script { sudo_as_login: Some(_), .. } if !info.takes_sudo() => Some(SUDO.1),
            _ => None,
        }
    }

    /// The names of the user and the script.
    pub(crate) fn names(&self) -> impl Iterator<Item = &Foreign> {
        let (name, acts_as) = match self {
            Self::Password { login, .. } => (Some(login), None),
            Self::Script { name, sudo_as_login, .. } => (Some(name), sudo_as_login.as_ref()),
            Self::Session { .. } => (None, None),
        };
        name.into_iter().chain(acts_as)
    }
}

/// What goes around a call's arguments.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct Envelope {
    /// Who calls. Never sent with `info`, which everybody may ask for.
    pub credentials: Option<Credentials>,
    /// Tells the events of one program's run from others.
    pub session_uuid: Option<Foreign>,
}

impl From<Credentials> for Envelope {
    fn from(credentials: Credentials) -> Self {
        Self { credentials: Some(credentials), session_uuid: None }
    }
}

/// What a member of the object in front of the arguments holds.
enum Value<'a> {
    Text(&'a str),
    True,
}

impl Envelope {
    /// In the order in which the Python client writes them.
    fn members(&self) -> Vec<(&'static str, Value<'_>)> {
        let mut members = Vec::new();
        let mut sudo = None;
        match &self.credentials {
            None => return members,
            Some(Credentials::Password { login, password, code }) => {
                members.push(("user_login", Value::Text(login.raw())));
                members.push(("user_password", Value::Text(password.expose())));
                members.extend(code.as_ref().map(|code| ("auth_token", Value::Text(code.expose()))));
            }
            Some(Credentials::Script { name, key, sudo_as_login }) => {
                members.push(("script_name", Value::Text(name.raw())));
                members.push(("script_key", Value::Text(key.expose())));
                sudo = sudo_as_login.as_ref();
            }
            Some(Credentials::Session { token, reject_if_expired }) => {
                members.push(("session_token", Value::Text(token.expose())));
                members.extend(reject_if_expired.then_some(("reject_if_expired", Value::True)));
            }
        }
        members.extend(self.session_uuid.as_ref().map(|uuid| ("session_uuid", Value::Text(uuid.raw()))));
        members.extend(sudo.map(|login| ("sudo_as_login", Value::Text(login.raw()))));
        members
    }
}

/// A call. `args` is the text of a JSON value, which whoever made it answers for; it goes out as it is, and as the
/// empty list of arguments if it is missing (spec: Shotgun, section 2.2).
///
/// ```
/// use auth_core::Secret;
/// use auth_core::shotgun::{ShotgunSite, rpc};
/// let site: ShotgunSite = "studio.example".parse()?;
/// let request = rpc::request(&site, "info", &rpc::Envelope::default(), None);
/// assert_eq!(request.content().unwrap().expose(), r#"{"method_name": "info", "params": []}"#);
/// # Ok::<(), auth_core::site::UrlError>(())
/// ```
pub fn request(site: &ShotgunSite, method: &str, envelope: &Envelope, args: Option<&Secret>) -> Request {
    let members = if method == INFO { Vec::new() } else { envelope.members() };
    let budget = if method == GET_SESSION_TOKEN { TOKEN_BUDGET } else { READ_BUDGET };
    Request {
        method: Method::Post,
        url: site.rpc(),
        authorization: None,
        body: Some(Body::Json(body(method, &members, args.map(Secret::expose)))),
        budget,
    }
}

fn body(method: &str, members: &[(&str, Value<'_>)], args: Option<&str>) -> Secret {
    const AROUND: usize = r#"{"method_name": , "params": [{}, ]}"#.len();
    let longest = |(name, value): &(&str, Value<'_>)| {
        let value = match value {
            Value::Text(text) => json::longest(text),
            Value::True => "true".len(),
        };
        json::longest(name) + value + ", : ".len()
    };
    let length = AROUND
        + json::longest(method)
        + members.iter().map(longest).sum::<usize>()
        + args.map_or(0, str::len);
    // Reserved at once: a string that grows leaves copies of the password behind.
    let mut out = String::with_capacity(length);
    out.push_str(r#"{"method_name": "#);
    json::push(&mut out, method);
    out.push_str(r#", "params": ["#);
    if !members.is_empty() {
        for (number, (name, value)) in members.iter().enumerate() {
            out.push_str(if number == 0 { "{" } else { ", " });
            json::push(&mut out, name);
            out.push_str(": ");
            match value {
                Value::Text(text) => json::push(&mut out, text),
                Value::True => out.push_str("true"),
            }
        }
        out.push('}');
    }
    if let Some(args) = args {
        out.push_str(if members.is_empty() { "" } else { ", " });
        out.push_str(args);
    }
    out.push_str("]}");
    debug_assert!(out.len() <= length, "the length is an upper bound");
    Secret::from(out)
}

/// What the server made of a call.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum RpcReply {
    /// It did it. The JSON text of `results`, or of the whole answer where there is no such member.
    Results(Secret),
    /// It did not.
    Fault(Fault),
    /// The site wants its person to sign in again with whoever signs people in there: the claims of SAML have expired
    /// (spec: Shotgun, sections 2.7 and 21).
    ClaimsExpired,
    /// No answer to the call.
    Failed(Error),
}

/// A server's no (spec: Shotgun, section 2.6).
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Fault {
    /// Which, if the server says so with a number. A number in a string is none.
    pub code: Option<i64>,
    /// In words. They may repeat what was sent.
    pub message: Foreign,
}

/// The faults that mean something to whoever signs in.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum FaultKind {
    /// 102: these credentials are not accepted; an expired session is not told from a wrong password.
    Authentication,
    /// 106: the code of a second factor is missing.
    MissingTwoFactor,
    /// 108: the site signs people in by single sign-on.
    NoPasswordsSso,
    /// 110: the site signs people in by Autodesk Identity.
    NoPasswordsIdentity,
    /// Anything else: nothing about the credentials.
    Other,
}

impl Fault {
    /// Which of them it is.
    pub fn kind(&self) -> FaultKind {
        match self.code {
            Some(102) => FaultKind::Authentication,
            Some(106) => FaultKind::MissingTwoFactor,
            Some(108) => FaultKind::NoPasswordsSso,
            Some(110) => FaultKind::NoPasswordsIdentity,
            _ => FaultKind::Other,
        }
    }
}

/// The place that a site with expired claims redirects to.
const CLAIMS: &str = "/saml/saml_login_request";

/// Reads the answer to [`request`] (spec: Shotgun, sections 2.5 to 2.7).
pub fn read(response: &Response) -> RpcReply {
    if !response.is_success() {
        let place = response.header("location").unwrap_or_default();
        let place = place.split(['?', '#']).next().unwrap_or_default();
        let expired = response.status() == 302 && place.ends_with(CLAIMS);
        return if expired { RpcReply::ClaimsExpired } else { RpcReply::Failed(failure(response)) };
    }
    let Some(json) = json_of(response) else { return RpcReply::Failed(Trouble::Unreadable.into()) };
    if let Some(fault) = fault(&json) {
        return RpcReply::Fault(fault);
    }
    // The text itself and not what was read of it: numbers stay as they were written, and it is copied once.
    RpcReply::Results(match json::member(response.body().expose(), "results") {
        None => response.body().clone(),
        Some(results) => Secret::from(results),
    })
}

fn fault(json: &Json) -> Option<Fault> {
    use serde_json::Value;
    let is_fault = match json.value().get("exception")? {
        Value::Null => false,
        Value::Bool(value) => *value,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(members) => !members.is_empty(),
    };
    is_fault.then(|| Fault {
        code: json.value().get("error_code").and_then(Value::as_i64),
        message: json.text("message").map(Foreign::new).unwrap_or_default(),
    })
}

/// The calls that change nothing, by the names of the Python client: they may be sent again after a 502, a 504 or a
/// connection that was dropped. A name that is not here may do anything, `batch` and what a later server adds.
const READS: [&str; 8] = [
    INFO,
    "read",
    "summarize",
    "schema_read",
    "schema_entity_read",
    "schema_field_read",
    "preferences_read",
    "work_schedule_read",
];

/// True for a call that only reads, and may be repeated.
pub fn is_read(method: &str) -> bool {
    READS.contains(&method)
}

#[cfg(test)]
#[path = "../tests/shotgun_rpc.rs"]
mod tests;
