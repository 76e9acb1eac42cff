//! Signing in.

use auth_native::error::{AuthError, CannotPrompt, Policy, StoreFault};
use auth_native::{Foreign, LoginOptions, Outcome, SignedIn, Warning};

use crate::client::{Client, shown};
use crate::exit::Exit;
use crate::plan::Login;
use crate::report::{Doing, Failure, mend};
use crate::{output, stdin};

pub(crate) fn run(plan: Login) -> Result<Exit, Failure> {
    let Login { site, username, provider, password_stdin, allow_http } = plan;
    let client = Client::new()?;
    let profile = client.place_to_sign_in(site)?;
    let site = profile.site;
    let chose_provider = provider.is_some();
    let (username, provider) = (username.or(profile.username), provider.or(profile.provider));
    if password_stdin && username.is_none() {
        return Err(Failure::no_name());
    }
    let password = if password_stdin { Some(stdin::password()?) } else { None };
    let options = LoginOptions {
        reuse: false,
        anonymous: false,
        never_ask: password_stdin,
        provider,
        username: username.clone(),
        password,
        allow_http,
    };
    let doing = if password_stdin { Doing::SigningInUnasked } else { Doing::SigningIn };
    let Outcome { value, warnings } = match client.auth.login(&site, options) {
        Ok(outcome) => outcome,
        Err(error) => {
            let mut failure = client.failure(&error, &site, doing);
            let is_unknown =
                matches!(error.as_auth(), Some(AuthError::Policy(Policy::NoSuchProvider { .. })));
            if let Some(name) = profile.profile.filter(|_| is_unknown && !chose_provider) {
                failure = failure.in_profile(&name);
            }
            if password_stdin && error.as_auth() == Some(&CannotPrompt::NotAllowed.into()) {
                name_providers(&client, &site, &mut failure);
            }
            return Err(failure);
        }
    };
    let place = shown(&value.uri.key().site);
    for warning in warnings {
        match warning {
            // It would end with this program.
            Warning::NotSaved(fault) => return Err(lost(&place, &fault)),
            warning => output::warning(&warning),
        }
    }
    output::text(&format!("Signed in to {place} as {}.\n", name(&value, username)))?;
    Ok(Exit::OK)
}

fn name(signed_in: &SignedIn, username: Option<Foreign>) -> Foreign {
    let identity = signed_in.session.facts.identity.as_ref().map(|identity| identity.id.clone());
    identity.or(username).unwrap_or_else(|| Foreign::from("unknown"))
}

/// A session that could not be kept is none for a program that ends now.
fn lost(place: &str, fault: &StoreFault) -> Failure {
    Failure {
        exit: Exit::STORE,
        kind: "store",
        message: format!("the server {place} signed you in, but the session could not be saved: {fault}"),
        remedy: mend(fault),
    }
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

#[cfg(test)]
mod tests {
    use auth_native::error::StoreFaultKind;

    use super::*;

    #[test]
    fn a_session_that_was_not_saved_is_a_failure_of_the_store() {
        let fault = StoreFault { kind: StoreFaultKind::Full, path: "/home/a".into() };
        let failure = lost("http://127.0.0.1:8000", &fault);
        assert_eq!(failure.exit, Exit::STORE);
        assert_eq!(
            failure.message,
            "the server http://127.0.0.1:8000 signed you in, but the session could not be saved: /home/a: no space left"
        );
        assert!(failure.remedy.starts_with("Make room"), "{}", failure.remedy);
    }
}
