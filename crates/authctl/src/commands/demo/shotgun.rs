//! The same on a Shotgun site, where a session that has ended is replaced by asking somebody.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use auth_native::blocking::shotgun::Authenticator;
use auth_native::ports::{Clock as _, Dismiss, Prompt};
use auth_native::shotgun::{LoginOptions, Program, ScriptUser, SignInMethod, User};
use auth_native::{
    Answer, Digest, Error, Foreign, MemoryStore, Notice, PromptFault, Question, Secret, blocking,
};
use auth_sandbox::{Limits, Person, Script, Server, ShotgunSite, SiteClock};

use super::{NOW, SEED, expect, failed, strange};
use crate::report::Failure;

const DAY: Duration = Duration::from_hours(24);

/// Somebody who knows the password, and counts how often it was asked for.
struct Known {
    login: Foreign,
    password: Secret,
    asked: AtomicU32,
}

impl Prompt for Known {
    fn ask(&self, question: &Question, _dismissed: &Dismiss) -> Result<Answer, PromptFault> {
        match question {
            Question::Password(_) => {
                self.asked.fetch_add(1, Ordering::SeqCst);
                Ok(Answer::Password { username: self.login.clone(), password: self.password.clone() })
            }
            Question::Method(question) => {
                let is_password = |method: &SignInMethod| *method == SignInMethod::Password;
                let at = question.methods.iter().position(is_password);
                at.map(Answer::Method).ok_or(PromptFault::Cancelled)
            }
            _ => Err(PromptFault::Cancelled),
        }
    }

    fn tell(&self, _notice: &Notice) {}
}

/// The steps, counted from the eighth on.
pub(super) fn steps(say: &mut dyn FnMut(String)) -> Result<(), Failure> {
    let site = ShotgunSite::demo(SEED);
    let none = || strange("the site has nobody");
    let Person { login, password, .. } = site.config.people.first().cloned().ok_or_else(none)?;
    let Script { name, key, .. } = site.config.scripts.first().cloned().ok_or_else(none)?;
    let clock = SiteClock::standing(NOW);
    let any_port = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let server = Server::start_at(any_port, site, clock.clone(), Limits::default())
        .map_err(|error| strange(format!("the site cannot be served: {error}")))?;
    let person = Arc::new(Known { login: login.as_str().into(), password, asked: AtomicU32::new(0) });
    let auth = authenticator(&clock, &person)?;
    let at = server.url().origin().clone().into();
    let logins = || server.site().lock().unwrap_or_else(PoisonError::into_inner).counters().logins;

    let user = auth.login(&at, LoginOptions::default()).map_err(failed("signing in"))?.value;
    say(format!("8. At a Shotgun site: signed in as {user}; the session is {}.", digest(&user)?));

    let connection = auth.connect(user);
    let find = || connection.find_one("HumanUser", &[("login", &login)], &["id"]);
    let entity = |found: Result<Option<serde_json::Value>, Error>| {
        let found = found.map_err(failed("calling"))?.ok_or_else(|| strange("nobody was found"))?;
        Ok(format!("{} {}", found["type"].as_str().unwrap_or("?"), found["id"]))
    };
    say(format!("9. Called a method with it: {login} is {}.", entity(find())?));

    clock.advance(DAY);
    say(format!("10. Turned the clock on by a day, to {}: the session has ended.", clock.now().wall));

    let asked = person.asked.load(Ordering::SeqCst);
    let found = entity(find())?;
    let asked = person.asked.load(Ordering::SeqCst) - asked;
    expect((asked, logins()) == (1, 2), "somebody was not asked once")?;
    say(format!(
        "11. Called it again: {login} gave the password, once, and the call was made once more: {found}. The session is \
         now {}.",
        digest(&connection.user())?
    ));

    let script = User::Script(ScriptUser::new(at, name.as_str(), key));
    let found = entity(auth.connect(script).resolve_entity())?;
    say(format!("12. Called as the script {name} under its key, which asks nobody: it is {found}."));

    auth.clear_user(&connection.user()).map_err(failed("signing out"))?;
    expect(auth.default_user(connection.user().site()) == Ok(None), "the session is still there")?;
    say("13. Signed out: nothing is kept here.".to_owned());
    Ok(())
}

fn authenticator(clock: &SiteClock, person: &Arc<Known>) -> Result<Authenticator, Failure> {
    let prompt: Arc<dyn Prompt> = person.clone();
    let name = concat!("authctl/", env!("CARGO_PKG_VERSION"), " (demo)");
    let builder = blocking::Authenticator::builder().store(Arc::new(MemoryStore::new())).prompt(prompt);
    let program = Program { product: "authctl demo".into(), machine: "sandbox".into() };
    builder.clock(Arc::new(clock.clone())).user_agent(name).build_shotgun(program).map_err(failed("starting"))
}

/// A name for a session that says nothing of it.
fn digest(user: &User) -> Result<String, Failure> {
    let User::Human(user) = user else { return Err(strange("a script has no session")) };
    let token = user.session().tokens.access.as_ref().ok_or_else(|| strange("there is no token"))?;
    Ok(format!("{:?}", Digest::of(token)))
}
