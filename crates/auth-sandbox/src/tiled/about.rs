//! What a site says of itself (spec: Tiled, section 2).

use core::time::Duration;

use auth_core::time::Timestamp;
use serde_json::{Value, json};

use super::config::{Config, Mode, Provider};
use super::{agent, base};
use crate::message::{SiteRequest, SiteResponse, http_date};

/// The version whose behaviour this is, marked as a local one (PEP 440).
const LIBRARY_VERSION: &str = "0.2.20+SANDBOX";

pub(super) fn about(config: &Config, now: Timestamp, request: &SiteRequest) -> SiteResponse {
    let root = base::root_path(config);
    let api = match &config.links_on {
        None => base::api(config, request),
        Some(origin) => format!("{}{root}/api/v1", origin.trim_end_matches('/')),
    };
    let providers: Vec<_> = config.providers.iter().map(|p| provider(p, &api, request)).collect();
    let links = if providers.is_empty() {
        Value::Null
    } else {
        json!({
            "whoami": format!("{api}/auth/whoami"),
            "apikey": format!("{api}/auth/apikey"),
            "refresh_session": format!("{api}/auth/session/refresh"),
            "revoke_session": format!("{api}/auth/session/revoke/{{session_id}}"),
            "logout": format!("{api}/auth/logout"),
        })
    };
    let body = json!({
        "api_version": 0,
        "library_version": LIBRARY_VERSION,
        "formats": { "container": ["application/json"] },
        "aliases": { "container": { "application/json": ["json"] } },
        "queries": [],
        "authentication": { "required": config.required, "providers": providers, "links": links },
        "links": { "self": api, "documentation": format!("{api}/docs") },
        "meta": { "root_path": format!("{root}/api") },
    });
    let expires = http_date(now.after(Duration::from_mins(10)));
    SiteResponse::json(200, &body).with_header("expires", expires)
}

fn provider(provider: &Provider, api: &str, request: &SiteRequest) -> Value {
    let mode = match &provider.mode {
        Mode::Internal if !agent::says_password(request) => "internal",
        Mode::Internal | Mode::Password => "password",
        Mode::External => "external",
        Mode::Other(mode) => mode,
    };
    let action = if provider.mode == Mode::External { "authorize" } else { "token" };
    let endpoint = format!("{api}/auth/provider/{}/{action}", provider.name);
    json!({
        "provider": provider.name,
        "mode": mode,
        "links": { "auth_endpoint": endpoint },
        "confirmation_message": provider.confirmation_message,
        "extra_scopes": null,
    })
}
