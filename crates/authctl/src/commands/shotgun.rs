//! The commands on a Shotgun site. What it cannot do is said.

use auth_native::blocking::SystemClock;
use auth_native::error::{AuthError, CannotPrompt};
use auth_native::ports::{Clock as _, SiteEntry};
use auth_native::shotgun::{
    Expired, HumanUser, LoginOptions, SessionDetails, ShotgunSite, SignInMethod, User,
};
use auth_native::{Error, Foreign, Outcome, Warning};
use serde::Serialize;
use serde_json::Value;

use super::{status, token};
use crate::args::Method;
use crate::client::Client;
use crate::exit::Exit;
use crate::output;
use crate::plan::Login;
use crate::report::{Doing, Failure, quoted};
use crate::stdin;

/// What helps who is signing in, where what helps on a Tiled server does not.
fn remedy(error: &AuthError, site: &ShotgunSite, unasked: bool) -> Option<String> {
    Some(match error {
        AuthError::CannotPrompt(CannotPrompt::NotAllowed) if unasked => {
            "The site wants a code besides the password, or an approval: leave --password-stdin out to be asked."
                .to_owned()
        }
        AuthError::CannotPrompt(CannotPrompt::NoTerminal) => {
            let site = quoted(&site.to_string());
            format!("Give the password with --user NAME --password-stdin, or run `authctl login {site}` at a terminal.")
        }
        AuthError::Rejected(_) => "Check the login and the password.".to_owned(),
        _ => return None,
    })
}

/// Signs in.
pub(crate) fn sign_in(
    client: &Client,
    site: &ShotgunSite,
    plan: &Login,
    username: Option<Foreign>,
    password: Option<auth_native::Secret>,
) -> Result<Exit, Failure> {
    if plan.provider.is_some() {
        return Err(Failure::usage(
            "a Shotgun site has no providers to choose from",
            "Leave --provider out.",
        ));
    }
    let password = match password {
        None if plan.password_stdin => Some(stdin::password()?),
        password => password,
    };
    let method = plan.method.and_then(|method| match method {
        Method::Password => Some(SignInMethod::Password),
        Method::AppSession => Some(SignInMethod::AppSession),
        _ => None,
    });
    let options = LoginOptions {
        never_ask: plan.password_stdin,
        username,
        password,
        method,
        allow_http: plan.allow_http,
        ..LoginOptions::default()
    };
    let doing = if plan.password_stdin { Doing::SigningInUnasked } else { Doing::SigningIn };
    let studio = client.studio(plan.password_stdin, plan.allow_http)?;
    let failed = |error: Error| {
        let failure = client.failure(&error, &site.to_string(), doing);
        match error.as_auth().and_then(|error| remedy(error, site, plan.password_stdin)) {
            Some(remedy) => Failure { remedy, ..failure },
            None => failure,
        }
    };
    let Outcome { value: user, warnings } = studio.login(site, options).map_err(failed)?;
    for warning in warnings {
        match warning {
            // It would end with this program.
            Warning::NotSaved(fault) => return Err(Failure::not_saved(&site.to_string(), &fault)),
            warning => output::warning(&warning),
        }
    }
    output::text(&format!("Signed in to {site} as {user}.\n"))?;
    Ok(Exit::OK)
}

/// Signs in for a command that is to be run.
pub(crate) fn sign_in_for(
    client: &Client,
    usual: &Client,
    site: &ShotgunSite,
    username: Option<Foreign>,
    reuse: bool,
) -> Result<(), Failure> {
    let name = site.to_string();
    let failed = |error| client.failure(&error, &name, Doing::Running);
    // Where a session of its own is wanted, what was allowed for the site still holds.
    let allow_http = usual.known()?.iter().any(|entry| entry.key.site == name && entry.allow_http);
    let options = LoginOptions { reuse, username, allow_http, ..LoginOptions::default() };
    let signed_in = client.studio(false, allow_http)?.login(site, options).map_err(failed)?;
    signed_in.warnings.iter().for_each(|warning| output::warning(warning));
    Ok(())
}

/// Asks the site who is signed in.
pub(crate) fn whoami(client: &Client, site: &ShotgunSite, json: bool) -> Result<Exit, Failure> {
    let failed = |error| client.failure(&error, &site.to_string(), Doing::Using);
    let studio = client.studio(true, false)?;
    let user = signed_in(client, site)?;
    let connection = studio.connect(User::Human(user.clone()));
    let filter = [("login", user.login().raw())];
    let entity = connection.find_one("HumanUser", &filter, &["id", "login", "name"]).map_err(failed)?;
    let text = |name: &str| entity.as_ref()?.get(name)?.as_str().map(str::to_owned);
    let answer = Whoami {
        site: site.to_string(),
        user: user.login().raw().to_owned(),
        kind: "HumanUser",
        id: entity.as_ref().and_then(|entity| entity.get("id")).and_then(Value::as_u64),
        name: text("name"),
    };
    output::answer(json, &answer, || {
        let login = user.login();
        let name = answer.name.as_deref().filter(|name| *name != login.raw());
        let name = name.map(|name| format!(" ({})", Foreign::from(name)));
        format!("{login}{} at {site}\n", name.unwrap_or_default())
    })?;
    Ok(Exit::OK)
}

#[derive(Serialize)]
struct Whoami {
    site: String,
    user: String,
    #[serde(rename = "type")]
    kind: &'static str,
    id: Option<u64>,
    name: Option<String>,
}

/// Prints the session token.
pub(crate) fn token(
    client: &Client,
    site: &ShotgunSite,
    wants_life: bool,
    json: bool,
) -> Result<Exit, Failure> {
    let user = signed_in(client, site)?;
    if wants_life {
        output::warning(&"a Shotgun site does not say how long a session lasts: --min-validity is ignored");
    }
    let session = user.session();
    let Some(token) = &session.tokens.access else {
        return Err(Failure::internal("a session without a token was taken for a good one"));
    };
    if json {
        let (name, place) = (user.login().raw(), site.to_string());
        let answer =
            token::Answer::new(token, session, SystemClock.now(), &place, Some(name)).of_kind("session");
        output::object(&answer)?;
    } else {
        output::secret_line(token)?;
    }
    Ok(Exit::OK)
}

/// Removes the session. Who else is signed in to the site stays so.
pub(crate) fn sign_out(
    client: &Client,
    entry: Option<&SiteEntry>,
    site: &ShotgunSite,
) -> Result<(), Failure> {
    let failed = |error| client.failure(&error, &site.to_string(), Doing::Using);
    let user = match entry {
        Some(entry) => stored(client, site, &entry.key.slot)?,
        None => signed_in(client, site)?,
    };
    let user = User::Human(user);
    client.studio(true, false)?.clear_user(&user).map_err(failed)?;
    let words = format!("Signed out of {site} as {user}, here; the site ends the session by itself.\n");
    output::text(&words)
}

/// What is stored of whoever signed in last, and whether the site still accepts it.
pub(crate) fn status(
    client: &Client,
    site: &ShotgunSite,
    check: bool,
) -> Result<(status::Entry, Option<Failure>), Failure> {
    let failed = |error| client.failure(&error, &site.to_string(), Doing::Using);
    let studio = client.studio(true, false)?;
    let user = studio.default_user(site).map_err(failed)?;
    let known = client.known()?;
    let name = site.to_string();
    let listed = known.iter().find(|entry| entry.key.site == name);
    let entry = status::Entry::of_shotgun(site, user.as_ref(), listed);
    let (Some(user), true) = (user, check) else {
        let failure = check.then(|| failed(AuthError::NotSignedIn.into()));
        return Ok((entry, failure));
    };
    Ok(match studio.connect(user).are_credentials_expired() {
        Expired::No => (entry.checked("valid"), None),
        Expired::Yes => {
            let over = AuthError::Expired(Foreign::default());
            (entry.checked("expired"), Some(failed(over.into())))
        }
        Expired::Unknown(error) => (entry.checked("unknown"), Some(failed(error))),
    })
}

/// Whoever signed in last, for a command that asks nobody.
pub(crate) fn signed_in(client: &Client, site: &ShotgunSite) -> Result<HumanUser, Failure> {
    let failed = |error| client.failure(&error, &site.to_string(), Doing::Using);
    match client.studio(true, false)?.default_user(site).map_err(failed)? {
        Some(User::Human(user)) => Ok(user),
        _ => Err(failed(AuthError::NotSignedIn.into())),
    }
}

fn stored(client: &Client, site: &ShotgunSite, login: &str) -> Result<HumanUser, Failure> {
    let failed = |error: Error| client.failure(&error, &site.to_string(), Doing::Using);
    let details =
        SessionDetails { site: Some(site.clone()), login: login.into(), ..SessionDetails::default() };
    match client.studio(true, false)?.session_user(details).map_err(failed)?.value {
        User::Human(user) => Ok(user),
        _ => Err(failed(AuthError::NotSignedIn.into())),
    }
}
