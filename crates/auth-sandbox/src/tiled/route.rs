//! Which address is answered how.

use auth_core::wire::form::percent_decode;

use super::base;
use super::config::Config;

/// What a request is for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Route {
    Landing,
    Health,
    About,
    /// A password, for the provider of this name.
    Token(String),
    Refresh,
    Revoke,
    /// The name of a session as it was given.
    RevokeById(String),
    Whoami,
    Logout,
    /// What only administrators may read, and nobody here is one.
    Principals,
    Metadata(String),
    Search(String),
}

/// What is found at a path.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Found {
    /// This, by this method.
    Route(Route, &'static str),
    /// Nothing, but something with or without a slash at the end: there.
    Beside(String),
    Nothing,
}

pub(super) fn find(config: &Config, path: &str) -> Found {
    if let Some((route, method)) = at(config, path) {
        return Found::Route(route, method);
    }
    let other = path.strip_suffix('/').map_or_else(|| format!("{path}/"), str::to_owned);
    if at(config, &other).is_some() { Found::Beside(other) } else { Found::Nothing }
}

fn at(config: &Config, path: &str) -> Option<(Route, &'static str)> {
    let path = percent_decode(path);
    // A proxy may have taken the root path off, or not.
    let root = base::root_path(config);
    let path = path.strip_prefix(&root).filter(|rest| rest.starts_with('/')).unwrap_or(&path);
    let Some(api) = path.strip_prefix("/api/v1/") else {
        return match path {
            "/" => Some((Route::Landing, "GET")),
            "/healthz" => Some((Route::Health, "GET")),
            _ => None,
        };
    };
    if let Some(auth) = api.strip_prefix("auth/") {
        // Without providers there are no accounts and no such addresses.
        return if config.providers.is_empty() { None } else { account(config, auth) };
    }
    if api.is_empty() {
        return Some((Route::About, "GET"));
    }
    let node = |prefix| api.strip_prefix(prefix).map(str::to_owned);
    node("metadata/")
        .map(|node| (Route::Metadata(node), "GET"))
        .or_else(|| node("search/").map(|node| (Route::Search(node), "GET")))
}

fn account(config: &Config, path: &str) -> Option<(Route, &'static str)> {
    if let Some(id) = path.strip_prefix("session/revoke/") {
        let one = !id.is_empty() && !id.contains('/');
        return one.then(|| (Route::RevokeById(id.to_owned()), "DELETE"));
    }
    if let Some(provider) = path.strip_prefix("provider/") {
        let name = provider.strip_suffix("/token")?;
        let known = config.providers.iter().any(|p| p.name == name && p.mode.takes_password());
        return known.then(|| (Route::Token(name.to_owned()), "POST"));
    }
    Some(match path {
        "whoami" => (Route::Whoami, "GET"),
        "session/refresh" => (Route::Refresh, "POST"),
        "session/revoke" => (Route::Revoke, "POST"),
        "logout" => (Route::Logout, "POST"),
        "principal" => (Route::Principals, "GET"),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::super::config::{Mode, Provider};
    use super::*;

    #[test]
    fn addresses_are_those_of_a_tiled_server() {
        let config = Config {
            providers: vec![
                Provider::new("toy", Mode::Internal),
                Provider::new("orcid", Mode::External),
                Provider::new("a b", Mode::Password),
            ],
            root_path: "tiled/".to_owned(),
            ..Config::default()
        };
        let cases = [
            ("/", Some((Route::Landing, "GET"))),
            ("/healthz", Some((Route::Health, "GET"))),
            ("/api/v1/", Some((Route::About, "GET"))),
            ("/tiled/api/v1/", Some((Route::About, "GET"))),
            ("/tiledx/api/v1/", None),
            ("/other/api/v1/", None),
            ("/api/v2/", None),
            ("/api/v1/auth/provider/toy/token", Some((Route::Token("toy".to_owned()), "POST"))),
            ("/api/v1/auth/provider/a%20b/token", Some((Route::Token("a b".to_owned()), "POST"))),
            ("/api/v1/auth/provider/orcid/token", None),
            ("/api/v1/auth/provider/nope/token", None),
            ("/api/v1/auth/session/refresh", Some((Route::Refresh, "POST"))),
            ("/api/v1/auth/session/revoke", Some((Route::Revoke, "POST"))),
            ("/api/v1/auth/session/revoke/x", Some((Route::RevokeById("x".to_owned()), "DELETE"))),
            ("/api/v1/auth/session/revoke/x/y", None),
            ("/api/v1/auth/whoami", Some((Route::Whoami, "GET"))),
            ("/api/v1/auth/logout", Some((Route::Logout, "POST"))),
            ("/api/v1/auth/principal", Some((Route::Principals, "GET"))),
            ("/api/v1/auth/", None),
            ("/api/v1/metadata/", Some((Route::Metadata(String::new()), "GET"))),
            ("/api/v1/metadata/a/b", Some((Route::Metadata("a/b".to_owned()), "GET"))),
            ("/api/v1/search/", Some((Route::Search(String::new()), "GET"))),
        ];
        for (path, route) in cases {
            let expected = route.map_or(Found::Nothing, |(route, method)| Found::Route(route, method));
            assert_eq!(find(&config, path), expected, "{path}");
        }
    }

    #[test]
    fn a_missing_or_needless_slash_leads_to_the_address_beside() {
        let cases = [("/api/v1", "/api/v1/"), ("/api/v1/auth/whoami/", "/api/v1/auth/whoami"), ("", "/")];
        for (path, beside) in cases {
            assert_eq!(find(&Config::default(), path), Found::Beside(beside.to_owned()));
        }
    }

    #[test]
    fn without_providers_there_are_no_accounts() {
        let config = Config { providers: Vec::new(), ..Config::default() };
        for path in ["/api/v1/auth/whoami", "/api/v1/auth/session/refresh", "/api/v1/auth/provider/toy/token"]
        {
            assert_eq!(find(&config, path), Found::Nothing, "{path}");
        }
        assert!(matches!(find(&config, "/api/v1/"), Found::Route(Route::About, _)));
    }
}
