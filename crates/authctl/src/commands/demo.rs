//! Signing in, renewing and signing out, shown on sites inside this program.

mod shotgun;

use std::fmt::Display;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use auth_native::blocking::Authenticator;
use auth_native::error::AuthError;
use auth_native::ports::{Change, Clock, Replaces, Store};
use auth_native::{
    Digest, Error, Foreign, LoginOptions, MemoryStore, NoPrompt, Revocation, Session, Timestamp, Tokens,
    address,
};
use auth_sandbox::{Counters, Limits, Server, SiteClock, TiledSite};

use crate::exit::Exit;
use crate::output;
use crate::report::Failure;

/// The same every time: what is shown depends on nothing but the port.
const SEED: [u8; 32] = *b"nothing here is real: authctl   ";
/// When it happens: 2027-01-15T08:00:00Z.
const NOW: Timestamp = Timestamp(1_800_000_000);
const LIFE: Duration = Duration::from_mins(15);

pub(crate) fn run() -> Result<Exit, Failure> {
    let (lines, result) = show();
    for line in lines {
        output::text(&format!("SANDBOX  {line}\n"))?;
    }
    result.map(|()| Exit::OK)
}

/// What is said, as far as it came, and how it ended.
fn show() -> (Vec<String>, Result<(), Failure>) {
    let mut lines = Vec::new();
    let result = Demo::start().and_then(|demo| demo.steps(&mut |line| lines.push(line)));
    (lines, result)
}

struct Demo {
    server: Server,
    clock: SiteClock,
    url: String,
    options: LoginOptions,
}

impl Demo {
    fn start() -> Result<Self, Failure> {
        let mut site = TiledSite::demo(SEED);
        site.config.lifetimes.access = LIFE;
        let user = site.config.users.first().cloned().ok_or_else(|| strange("the site has no user"))?;
        let clock = SiteClock::standing(NOW);
        let any_port = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let server = Server::start_at(any_port, site, clock.clone(), Limits::default())
            .map_err(|error| strange(format!("the site cannot be served: {error}")))?;
        let url = server.url().to_string();
        // The answers of a person, given before they are asked.
        let options = LoginOptions {
            never_ask: true,
            username: Some(Foreign::from(user.name)),
            password: Some(user.password),
            ..LoginOptions::default()
        };
        Ok(Self { server, clock, url, options })
    }

    fn steps(self, say: &mut dyn FnMut(String)) -> Result<(), Failure> {
        say("Nothing here is real: the sites are inside this program, their clocks are turned by hand,"
            .to_owned());
        say("and sessions are kept in memory. No question is asked.".to_owned());
        let store = MemoryStore::new();
        let auth = self.authenticator(store.clone())?;

        let signed_in = auth.login(&self.url, self.options.clone()).map_err(failed("signing in"))?.value;
        let first = signed_in.session;
        let identity = first.facts.identity.clone().unwrap_or_default();
        let (name, provider, end) = (&identity.id, &identity.provider, end(&first)?);
        say(format!("1. Signed in as {name} (provider {provider}); the access token is good until {end}."));

        let before = self.counters();
        let found = auth.token(&self.url, None).map_err(failed("using the session"))?.value;
        expect(!found.fresh && self.counters() == before, "a good token was renewed")?;
        say(format!("2. Used the token, {}: no request was needed.", digest(&found.session)?));

        self.clock.advance(LIFE);
        say(format!(
            "3. Turned the clock on by 15 minutes, to {}: the token has expired.",
            self.clock.now().wall
        ));

        let renewed = auth.token(&self.url, None).map_err(failed("renewing the session"))?.value;
        expect(renewed.fresh, "an expired token was not renewed")?;
        let requests = self.counters().token_requests - before.token_requests;
        expect(requests == 1, &format!("{requests} token requests were made, not 1"))?;
        let (old, new) = (digest(&first)?, digest(&renewed.session)?);
        expect(old != new, "the token did not change")?;
        say(format!(
            "4. Used it again: renewed without a question, by exactly 1 token request. {old} is now {new}."
        ));

        let user = auth.whoami(&self.url).map_err(failed("asking who is signed in"))?.value;
        say(format!("5. The site says who is signed in: {}.", user.name()));

        let refresh = renewed.session.tokens.refresh.clone();
        let logged_out = auth.logout(&self.url).map_err(failed("signing out"))?;
        expect(logged_out.revocation == Revocation::Revoked, "the session was not revoked")?;
        say("6. Signed out: the site has ended the session, and nothing is kept here.".to_owned());

        let error =
            self.present(Session { tokens: Tokens { refresh, ..Tokens::default() }, ..renewed.session })?;
        let error = error.to_string();
        say(format!(
            "7. Presented the old refresh token once more. Refused: {}.",
            error.trim_end_matches('.')
        ));
        shotgun::steps(say)?;
        say("All of it went as it should. For sites of your own to play with: authctl sandbox".to_owned());
        Ok(())
    }

    fn authenticator(&self, store: MemoryStore) -> Result<Authenticator, Failure> {
        let clock: Arc<dyn Clock> = Arc::new(self.clock.clone());
        let name = concat!("authctl/", env!("CARGO_PKG_VERSION"), " (demo)");
        let parts = Authenticator::builder().store(Arc::new(store)).clock(clock).prompt(Arc::new(NoPrompt));
        parts.user_agent(name).build().map_err(failed("starting"))
    }

    /// Presents what is left of a session, and says how it was refused.
    fn present(&self, session: Session) -> Result<AuthError, Failure> {
        let store = MemoryStore::new();
        let key = address(&self.url).map_err(failed("reading the address"))?.key();
        store
            .apply(&Change::Save { key, session: Box::new(session), replaces: Replaces::Anything })
            .map_err(|fault| failed("keeping a session in memory")(fault.into()))?;
        match self.authenticator(store)?.token(&self.url, None) {
            Err(Error::Auth(error)) if error.ends_session() => Ok(error),
            Err(error) => Err(failed("presenting the old refresh token")(error)),
            Ok(_) => Err(strange("the old refresh token was accepted")),
        }
    }

    fn counters(&self) -> Counters {
        self.server.site().lock().unwrap_or_else(PoisonError::into_inner).counters()
    }
}

fn end(session: &Session) -> Result<Timestamp, Failure> {
    session.facts.expires.ok_or_else(|| strange("the site did not say how long its token lives"))
}

/// A name for a token that says nothing of it.
fn digest(session: &Session) -> Result<String, Failure> {
    let token = session.tokens.access.as_ref().ok_or_else(|| strange("there is no access token"))?;
    Ok(format!("{:?}", Digest::of(token)))
}

fn expect(fulfilled: bool, otherwise: &str) -> Result<(), Failure> {
    if fulfilled { Ok(()) } else { Err(strange(otherwise)) }
}

fn failed(doing: &'static str) -> impl Fn(Error) -> Failure {
    move |error| strange(format!("{doing}: {error}"))
}

fn strange(what: impl Display) -> Failure {
    Failure::internal(format!("the demo did not go as it should: {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_step_is_told_and_the_same_each_time() {
        let (lines, result) = show();
        assert_eq!(result, Ok(()));
        assert_eq!(
            lines,
            [
                "Nothing here is real: the sites are inside this program, their clocks are turned by hand,",
                "and sessions are kept in memory. No question is asked.",
                "1. Signed in as demo (provider sandbox); the access token is good until 2027-01-15T08:15:00Z.",
                "2. Used the token, 5fe9eb68…: no request was needed.",
                "3. Turned the clock on by 15 minutes, to 2027-01-15T08:15:00Z: the token has expired.",
                "4. Used it again: renewed without a question, by exactly 1 token request. 5fe9eb68… is now ed7050b1….",
                "5. The site says who is signed in: demo.",
                "6. Signed out: the site has ended the session, and nothing is kept here.",
                "7. Presented the old refresh token once more. Refused: the session has ended: Session has expired. \
                 Please re-authenticate.",
                "8. At a Shotgun site: signed in as demo; the session is a4f392a0….",
                "9. Called a method with it: demo is HumanUser 1.",
                "10. Turned the clock on by a day, to 2027-01-16T08:00:00Z: the session has ended.",
                "11. Called it again: demo gave the password, once, and the call was made once more: HumanUser 1. \
                 The session is now 20e27727….",
                "12. Called as the script demo_script under its key, which asks nobody: it is ApiUser 1.",
                "13. Signed out: nothing is kept here.",
                "All of it went as it should. For sites of your own to play with: authctl sandbox",
            ]
        );
        assert_eq!(show().0, lines);
    }

    #[test]
    fn what_is_told_holds_no_token_s2() {
        let demo = Demo::start().unwrap();
        let site = demo.server.site();
        let password = site.lock().unwrap().config.users[0].password.clone();
        let text = show().0.join("\n");
        assert!(!text.contains(password.expose()) && !text.contains("eyJ"), "{text}");
    }
}
