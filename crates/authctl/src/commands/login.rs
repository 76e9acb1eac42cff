//! Signing in.

use auth_native::error::{AuthError, CannotPrompt, Peer, Policy};
use auth_native::{Error, Foreign, LoginOptions, Outcome, Secret, SignedIn, Warning};

use super::shotgun;
use crate::args::Method;
use crate::client::{Client, Place, shown};
use crate::exit::Exit;
use crate::kind::{self, Kind};
use crate::plan::Login;
use crate::report::{Doing, Failure};
use crate::{output, stdin};

pub(crate) fn run(plan: &Login) -> Result<Exit, Failure> {
    let client = Client::new()?;
    let place = client.place_to_sign_in(plan.site.clone())?;
    let kind = Kind::of(&place.site, &client.known()?, plan.method);
    let username = plan.username.clone().or(place.username.clone());
    if plan.password_stdin && username.is_none() {
        return Err(Failure::no_name());
    }
    if let Kind::Shotgun(site) = kind {
        return shotgun::sign_in(&client, &site, plan, username, None);
    }
    if plan.method.is_some_and(Method::is_of_shotgun) {
        return Err(Failure::usage(
            "nobody signs in to a Tiled server by that method",
            "Leave --method out, or say --method password.",
        ));
    }
    let password = if plan.password_stdin { Some(stdin::password()?) } else { None };
    let failed = match tiled(&client, &place, plan, username.clone(), password.clone()) {
        Ok(exit) => return Ok(exit),
        Err(failed) => failed,
    };
    let Kind::Unknown(Some(site)) = kind else { return Err(failed.failure) };
    // Nobody was asked and nothing was shown then: a server says first what it is.
    if !failed.may_be_another {
        return Err(failed.failure);
    }
    match client.studio(true, plan.allow_http)?.discover(&site) {
        Ok(_) => shotgun::sign_in(&client, &site, plan, username, password),
        Err(Error::Auth(AuthError::Peer(Peer::NotShotgun { .. }))) => Err(neither(&failed.failure)),
        Err(error) => {
            let doing = if plan.password_stdin { Doing::SigningInUnasked } else { Doing::SigningIn };
            Err(client.failure(&error, &site.to_string(), doing))
        }
    }
}

/// Why nobody was signed in.
struct Failed {
    failure: Failure,
    /// True if whoever answered is no Tiled server.
    may_be_another: bool,
}

fn tiled(
    client: &Client,
    place: &Place,
    plan: &Login,
    username: Option<Foreign>,
    password: Option<Secret>,
) -> Result<Exit, Failed> {
    let site = &place.site;
    let provider = plan.provider.clone().or(place.provider.clone());
    let options = LoginOptions {
        reuse: false,
        anonymous: false,
        never_ask: plan.password_stdin,
        provider,
        username: username.clone(),
        password,
        allow_http: plan.allow_http,
    };
    let doing = if plan.password_stdin { Doing::SigningInUnasked } else { Doing::SigningIn };
    let Outcome { value, warnings } = client.auth.login(site, options).map_err(|error| {
        let mut failure = client.failure(&error, site, doing);
        let is_unknown = matches!(error.as_auth(), Some(AuthError::Policy(Policy::NoSuchProvider { .. })));
        if let Some(name) = place.profile.as_ref().filter(|_| is_unknown && plan.provider.is_none()) {
            failure = failure.in_profile(name);
        }
        if plan.password_stdin && error.as_auth() == Some(&CannotPrompt::NotAllowed.into()) {
            name_providers(client, site, &mut failure);
        }
        let may_be_another = error.as_auth().is_some_and(kind::may_be_another);
        Failed { failure, may_be_another }
    })?;
    let failed = |failure| Failed { failure, may_be_another: false };
    let place = shown(&value.uri.key().site);
    for warning in warnings {
        match warning {
            // It would end with this program.
            Warning::NotSaved(fault) => return Err(failed(Failure::not_saved(&place, &fault))),
            warning => output::warning(&warning),
        }
    }
    output::text(&format!("Signed in to {place} as {}.\n", name(&value, username))).map_err(failed)?;
    Ok(Exit::OK)
}

/// It was asked as either.
fn neither(failure: &Failure) -> Failure {
    Failure {
        message: format!("{}; and it is not a Shotgun site", failure.message),
        remedy: "Check the address: that of a Tiled server is like http://127.0.0.1:8000, that of a Shotgun site like \
                 https://studio.shotgrid.autodesk.com."
            .to_owned(),
        ..failure.clone()
    }
}

fn name(signed_in: &SignedIn, username: Option<Foreign>) -> Foreign {
    let identity = signed_in.session.facts.identity.as_ref().map(|identity| identity.id.clone());
    identity.or(username).unwrap_or_else(|| Foreign::from("unknown"))
}

/// Says which providers there are to choose from, if the server still says so.
fn name_providers(client: &Client, site: &str, failure: &mut Failure) {
    if let Ok(found) = client.auth.discover(site) {
        let names: Vec<_> =
            found.value.about.providers.iter().map(|provider| format!("{:?}", provider.name)).collect();
        failure.message = format!("{} has several providers to sign in with", shown(site));
        failure.remedy = format!("Name one of them with --provider: {}.", names.join(", "));
    }
}
