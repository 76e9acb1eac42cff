//! Shotgun, now Autodesk Flow Production Tracking: addresses, calls, site info, and getting a session.
//!
//! One file per message: what is sent, and what each answer means. Who sends what when is decided by flows.

pub mod app_session;
pub mod find;
pub mod info;
mod login;
mod method;
mod proxy;
pub mod rpc;
pub mod session_token;
mod site;

pub use app_session::{Created, Polled};
pub use info::{AuthenticationKind, Infos, SiteInfo};
pub use login::same_login;
pub use method::{Console, Gui, GuiChoice, MethodError, SignInMethod, on_console};
pub use proxy::{Proxy, ProxyError};
pub use rpc::{Credentials, Envelope, Fault, FaultKind, RpcReply};
pub use session_token::SessionTokenAnswer;
pub use site::ShotgunSite;

use crate::error::{Error, Trouble};
use crate::foreign::Foreign;
use crate::tiled::retry_after;
use crate::wire::Response;
use crate::wire::json::Json;

/// What a session of a Shotgun site names as its provider.
pub const PROVIDER: &str = "shotgun";

/// An answer's content as JSON, if it is said to be JSON and is (spec: Shotgun, section 2.5). A content of unknown
/// type counts as JSON.
fn json(response: &Response) -> Option<Json> {
    let kind =
        response.header("content-type").unwrap_or("application/json").trim_start().to_ascii_lowercase();
    let is_json = kind.starts_with("application/json") || kind.starts_with("text/javascript");
    is_json.then(|| Json::read(response.body()).ok()).flatten()
}

/// The same, if no object in it names a member twice.
fn strict_json(response: &Response) -> Option<Json> {
    json(response).filter(|_| Json::read_strict(response.body()).is_ok())
}

/// Where a redirect points, without what may be secret in it.
fn redirected(response: &Response) -> Option<Foreign> {
    let place = response.header("location").filter(|_| response.is_redirect())?;
    Some(Foreign::new(place.split(['?', '#']).next().unwrap_or_default()))
}

/// An answer that means nothing to the question asked. No redirect is followed.
fn failure(response: &Response) -> Error {
    if let Some(to) = redirected(response) {
        return Trouble::Redirected { to }.into();
    }
    match response.status() {
        200..=299 => Trouble::Unreadable.into(),
        status => {
            let message = json(response).and_then(|json| json.text("message").map(Foreign::new));
            let retry_after = retry_after(response);
            Trouble::Status { status, detail: message.unwrap_or_default(), retry_after }.into()
        }
    }
}
