//! Local sites to sign in to: for tests, for trying things out, and for showing how signing in works.
//!
//! A [`TiledSite`] is a pure machine: give it the time and a request, and it gives the answer that a Tiled 0.2.20
//! server would give. It speaks from its own reading of the protocol and shares no code with the flows that sign in
//! to it, only the types of messages. A [`ShotgunSite`] is the same for what Shotgun's own clients ask when they sign
//! in. There are two ways to a [`Site`] of either kind:
//!
//! - [`InProcess`], a transport that needs no socket;
//! - [`Server`], HTTP on a loopback address, for any client in any language.
//!
//! Both use a [`SiteClock`], which can be turned so that tokens expire without waiting, and both let the site's
//! [`Faults`] happen: answers that get lost, servers that are overloaded, pages that are not the site's.
//!
//! Nothing here is a real account: versions, greetings, refusals and pages say `SANDBOX`, and every token of a
//! Tiled-shaped site carries a claim `"sandbox": true`.
//!
//! ```
//! use auth_core::{Secret, Seed, time::Timestamp};
//! use auth_sandbox::{SiteRequest, TiledSite};
//!
//! let mut site = TiledSite::demo([7; 32]);
//! let user = site.config.users[0].clone();
//! let body = format!("grant_type=password&username={}&password={}", user.name, user.password.expose());
//! let request = SiteRequest::new("POST", "/api/v1/auth/provider/sandbox/token")
//!     .with_header("content-type", "application/x-www-form-urlencoded")
//!     .with_body(Secret::from(body));
//! assert_eq!(site.answer(Timestamp(1_800_000_000), &request).status(), 200);
//! ```

mod clock;
mod faults;
mod in_process;
mod jwt;
mod message;
mod record;
mod server;
mod shotgun;
mod site;
mod tiled;

pub use clock::SiteClock;
pub use faults::{Fault, Faults, Which};
pub use in_process::InProcess;
pub use message::{Reply, SiteRequest, SiteResponse};
pub use record::{Counters, Entry};
pub use server::{Limits, Server};
pub use shotgun::{
    PendingApproval, Person, Script, SecondFactor, SessionLife, ShotgunConfig, ShotgunCounters, ShotgunSite,
    SiteInfo,
};
pub use site::Site;
pub use tiled::{Config, ExpiresIn, Lifetimes, Mode, Provider, RefreshRule, TiledSite, TokenShape, User};
