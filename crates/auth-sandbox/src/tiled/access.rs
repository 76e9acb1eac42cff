//! Who is asking, and what they may do (spec: Tiled, sections 10, 12 and 19).

use auth_core::Secret;
use auth_core::time::Timestamp;
use auth_core::wire::form;
use serde_json::Value;

use super::accounts::Uuid;
use super::{TiledSite, base, csrf};
use crate::jwt::{self, Refusal};
use crate::message::{SiteRequest, SiteResponse};

/// What anyone may do where no credential is required.
const PUBLIC: [&str; 2] = ["read:metadata", "read:data"];
/// What the key of a site without accounts may do.
const SINGLE_USER: [&str; 11] = [
    "read:metadata",
    "read:data",
    "write:metadata",
    "write:data",
    "create:node",
    "delete:revision",
    "delete:node",
    "register",
    "metrics",
    "read:webhooks",
    "write:webhooks",
];
/// What somebody who is signed in may do: the role `user`.
pub(super) const USER: [&str; 9] = [
    "read:metadata",
    "read:data",
    "create:node",
    "write:metadata",
    "write:data",
    "delete:revision",
    "delete:node",
    "create:apikeys",
    "revoke:apikeys",
];

/// Who is asking.
pub(super) struct Caller {
    /// The account, if somebody is signed in.
    pub(super) principal: Option<Uuid>,
    scopes: Vec<String>,
}

impl Caller {
    fn with(principal: Option<Uuid>, scopes: &[&str]) -> Self {
        Self { principal, scopes: scopes.iter().map(|&scope| scope.to_owned()).collect() }
    }

    /// The refusal of what this caller may not do. It is a 401 like that of a token which has expired.
    pub(super) fn lacks(&self, scope: &str, site: &TiledSite, request: &SiteRequest) -> Option<SiteResponse> {
        if self.scopes.iter().any(|has| has == scope) {
            return None;
        }
        let had: Vec<_> = self.scopes.iter().map(|scope| format!("'{scope}'")).collect();
        let detail = format!(
            "Not enough permissions. Requires scopes ['{scope}']. Request had scopes [{}]",
            had.join(", ")
        );
        Some(
            SiteResponse::detail(401, detail)
                .with_header("www-authenticate", format!("Bearer scope=\"{scope}\""))
                .with_header("x-tiled-root", base::api(&site.config, request)),
        )
    }
}

/// Reads what the request shows; a credential that is not good is refused, also where none is required.
pub(super) fn caller(
    site: &TiledSite,
    now: Timestamp,
    request: &SiteRequest,
) -> Result<Caller, SiteResponse> {
    let (token, header_key) = header(request)?;
    let claims = match token {
        None => None,
        Some(token) => Some(claims(site, now, request, token)?),
    };
    let query_key = request
        .query()
        .and_then(|query| form::decode(query).into_iter().find(|(name, _)| name == "api_key"))
        .map(|(_, value)| Secret::from(value));
    let key = query_key.or(header_key).or_else(|| request.cookie(csrf::KEY_COOKIE).map(Secret::from));
    if let Some(key) = key.filter(|key| !key.is_empty()) {
        let known = site.config.providers.is_empty() && site.config.single_user_key.as_ref() == Some(&key);
        return if known {
            Ok(Caller::with(None, &SINGLE_USER))
        } else {
            Err(unauthorized(site, request, "Invalid API key"))
        };
    }
    let Some(claims) = claims else {
        return Ok(Caller::with(None, if site.config.required { &[] } else { &PUBLIC }));
    };
    // A refresh token says nothing of these, and the server stumbles over it.
    let principal = claims.get("sub").and_then(Value::as_str).and_then(Uuid::parse);
    let scopes = claims.get("scp").and_then(Value::as_array);
    let (Some(principal), Some(scopes)) = (principal, scopes) else { return Err(stumble()) };
    let scopes = scopes.iter().filter_map(Value::as_str).map(str::to_owned).collect();
    Ok(Caller { principal: Some(principal), scopes })
}

/// A bearer token or an API key from the header; the value of neither is ever empty.
fn header(request: &SiteRequest) -> Result<(Option<&str>, Option<Secret>), SiteResponse> {
    let value = request.header("authorization").unwrap_or_default();
    let (scheme, parameter) = value.split_once(' ').unwrap_or((value, ""));
    let parameter = Some(parameter).filter(|parameter| !parameter.is_empty());
    match scheme.to_ascii_lowercase().as_str() {
        "" => Ok((None, None)),
        "bearer" => Ok((parameter, None)),
        "apikey" => Ok((None, parameter.map(Secret::from))),
        _ => Err(SiteResponse::detail(
            400,
            "Authorization header must include the authorization type followed by a space and then the secret, as in \
             'Bearer SECRET' or 'Apikey SECRET'. ",
        )),
    }
}

fn claims(
    site: &TiledSite,
    now: Timestamp,
    request: &SiteRequest,
    token: &str,
) -> Result<Value, SiteResponse> {
    jwt::read(&site.key(), token, now).map_err(|refusal| match refusal {
        Refusal::Bad => bad_token(),
        Refusal::Expired => unauthorized(site, request, "Access token has expired. Refresh token."),
    })
}

fn unauthorized(site: &TiledSite, request: &SiteRequest, detail: &str) -> SiteResponse {
    SiteResponse::detail(401, detail)
        .with_header("www-authenticate", "Bearer")
        .with_header("x-tiled-root", base::api(&site.config, request))
}

/// The refusal of what is not a token of this server, whatever it was shown for.
pub(super) fn bad_token() -> SiteResponse {
    SiteResponse::detail(401, "Could not validate credentials").with_header("www-authenticate", "Bearer")
}

/// What the server answers where it has a fault of its own.
pub(super) fn stumble() -> SiteResponse {
    SiteResponse::detail(500, "Internal server error")
}
