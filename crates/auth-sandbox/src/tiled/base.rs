//! Where a site is, as the client sees it (spec: Tiled, section 2).

use super::config::Config;
use crate::message::SiteRequest;

/// The root path in its one form: empty, or `/` and no slash at the end.
pub(super) fn root_path(config: &Config) -> String {
    let bare = config.root_path.trim_matches('/');
    if bare.is_empty() { String::new() } else { format!("/{bare}") }
}

/// `scheme://host[:port]`, believing what a proxy says.
fn origin(request: &SiteRequest) -> String {
    let host = request.header("x-forwarded-host").or_else(|| request.header("host"));
    format!("{}://{}", scheme(request), host.unwrap_or("localhost"))
}

fn scheme(request: &SiteRequest) -> String {
    request.header("x-forwarded-proto").map_or_else(|| request.scheme().to_string(), str::to_owned)
}

/// The address of the API without its slash at the end.
pub(super) fn api(config: &Config, request: &SiteRequest) -> String {
    format!("{}{}/api/v1", origin(request), root_path(config))
}

/// The same request at another path. Unlike the links, it names the host that was asked, proxy or not.
pub(super) fn sibling(request: &SiteRequest, path: &str) -> String {
    let host = request.header("host").unwrap_or("localhost");
    let query = request.query().map(|query| format!("?{query}")).unwrap_or_default();
    format!("{}://{host}{path}{query}", scheme(request))
}
