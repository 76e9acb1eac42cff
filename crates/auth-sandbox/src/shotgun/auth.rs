//! Who is calling (spec: Shotgun, section 2.3).

use auth_core::Secret;
use auth_core::time::Timestamp;
use serde_json::{Map, Value};

use super::ShotgunSite;
use super::rpc::{CODE_MISSING, Exception, IDENTITY, NOT_AUTHENTIC, SSO};
use super::sessions::Who;

/// Why a call is not answered.
pub(super) enum Refusal {
    Exception(Exception),
    /// The identity provider has to be asked again.
    Unclaimed,
}

impl From<Exception> for Refusal {
    fn from(exception: Exception) -> Self {
        Self::Exception(exception)
    }
}

/// Who is calling.
pub(super) struct Caller {
    pub(super) who: Who,
    /// What was shown, if that was a session's.
    pub(super) token: Option<Secret>,
}

impl ShotgunSite {
    /// Of several forms the one that clients would use counts: password, key, token.
    pub(super) fn caller(&mut self, now: Timestamp, auth: Option<&Value>) -> Result<Caller, Refusal> {
        let none = Map::new();
        let auth = auth.and_then(Value::as_object).unwrap_or(&none);
        let text = |name| auth.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
        let (who, token) = if let (Some(login), Some(password)) = (text("user_login"), text("user_password"))
        {
            let kind = self.config.info.authentication_method.as_deref();
            if kind == Some("saml2") {
                return Err(Exception::new(SSO, "this site takes no passwords: sign in with SSO").into());
            }
            if kind == Some("oxygen") {
                let message = "this site takes no passwords: sign in with an Autodesk Identity";
                return Err(Exception::new(IDENTITY, message).into());
            }
            (self.person(login, password, text("auth_token"))?, None)
        } else if let (Some(name), Some(key)) = (text("script_name"), text("script_key")) {
            (self.script(name, key)?, None)
        } else if let Some(token) = text("session_token") {
            let strictly = auth.get("reject_if_expired") == Some(&Value::Bool(true));
            (self.session(token, strictly, now)?, Some(Secret::from(token)))
        } else {
            return Err(Exception::new(NOT_AUTHENTIC, "nothing was shown to sign in with").into());
        };
        let Some(login) = text("sudo_as_login") else { return Ok(Caller { who, token }) };
        if !matches!(who, Who::Script(_)) {
            return Err(Exception::other("only scripts may act as somebody else").into());
        }
        if !self.is_open(&Who::Person(login.to_owned())) {
            return Err(Exception::other("there is nobody of that name to act as").into());
        }
        // The script's own token must not be given away as that of another.
        Ok(Caller { who: Who::Person(login.to_owned()), token: None })
    }

    /// Somebody who shows a password. A wrong password is told before a missing code, so that a code is asked for only
    /// of who knows the password.
    pub(super) fn person(
        &mut self,
        login: &str,
        password: &str,
        code: Option<&str>,
    ) -> Result<Who, Exception> {
        let wrong = || Exception::new(NOT_AUTHENTIC, "wrong login or password");
        let known = self.config.people.iter_mut().find(|person| person.login == login);
        let person = known.filter(|p| !p.disabled && p.password.expose() == password).ok_or_else(wrong)?;
        if let Some(factor) = &mut person.second_factor {
            let code = code.ok_or_else(|| Exception::new(CODE_MISSING, "a code is wanted too"))?;
            if factor.code.expose() != code {
                let spare = factor.backup.iter().position(|backup| backup.expose() == code);
                let spare = spare.ok_or_else(|| Exception::new(NOT_AUTHENTIC, "wrong code"))?;
                factor.backup.remove(spare);
            }
        }
        Ok(Who::Person(person.login.clone()))
    }

    fn script(&self, name: &str, key: &str) -> Result<Who, Exception> {
        let wrong = || Exception::new(NOT_AUTHENTIC, "wrong script name or key");
        let known = self.config.scripts.iter().find(|script| script.name == name);
        let script = known.filter(|script| script.key.expose() == key).ok_or_else(wrong)?;
        Ok(Who::Script(script.name.clone()))
    }

    fn session(&mut self, token: &str, strictly: bool, now: Timestamp) -> Result<Who, Refusal> {
        let over = || Exception::new(NOT_AUTHENTIC, "the session is over");
        let session = self.sessions.used(token, strictly, self.config.session_life, now).ok_or_else(over)?;
        let (who, unclaimed) = (session.who.clone(), session.is_unclaimed(&self.config, now));
        if !self.is_open(&who) {
            return Err(over().into());
        }
        if unclaimed { Err(Refusal::Unclaimed) } else { Ok(who) }
    }

    /// True if there is such an account and it is not closed.
    pub(super) fn is_open(&self, who: &Who) -> bool {
        match who {
            Who::Person(login) => self.config.people.iter().any(|p| p.login == *login && !p.disabled),
            Who::Script(name) => self.config.scripts.iter().any(|script| script.name == *name),
        }
    }
}
