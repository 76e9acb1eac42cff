//! Signing a person or a script in to a server from a native tool.
//!
//! ```no_run
//! # #[cfg(feature = "blocking")]
//! # fn main() -> Result<(), auth_native::Error> {
//! use auth_native::blocking::Authenticator;
//!
//! let auth = Authenticator::builder().user_agent("mytool/1.0").build()?;
//! let connection = auth.connect("http://127.0.0.1:8000")?; // stored, renewed or asked for
//! println!("signed in as {}", connection.whoami()?.name());
//! println!("{}", connection.get("metadata/")?.body().expose());
//! # Ok(())
//! # }
//! # #[cfg(not(feature = "blocking"))]
//! # fn main() {}
//! ```
//!
//! That is all a script needs. Whoever is signed in already, by this crate, by the command `authctl` or by Tiled's
//! Python client on the same machine, is asked nothing.
//!
//! # Features
//!
//! None is on by default, and each only adds.
//!
//! | feature | what it adds |
//! |---|---|
//! | `blocking` | the module `blocking`: signing in on the calling thread, over HTTP with ureq |
//! | `async` | the module `nonblocking`: the same on a tokio runtime, with reqwest |
//! | `ureq`, `reqwest-middleware`, `tower` | `Authorize`, `AuthorizeLayer`: a client of one's own shows a connection's credential |
//! | `file` | `TiledDirectory`: sessions are kept in the token directory of Tiled's Python client, shared with it |
//! | `profiles` | `Profiles`: the names that the Python client's users give to servers |
//! | `shotgun` | the modules `shotgun`: people and scripts of Shotgun sites, and calls of theirs |
//! | `terminal` | `TerminalPrompt`: questions are asked at the terminal |
//! | `browser` | `WithBrowser`: a prompt whose pages open in the person's browser |
//!
//! Without `file` sessions are kept in memory, without `terminal` nobody is asked, unless the program brings a store
//! or a prompt of its own: everything that touches the world is a trait in [`ports`].
//!
//! # What is asked, and when
//!
//! `connect` asks only if nothing is stored that can be used or renewed. A program that must not ask says
//! `never_ask()`, and gets [`NotSignedIn`](error::AuthError::NotSignedIn) or [`CannotPrompt`](error::CannotPrompt)
//! instead of a question; where it brings the password itself, it puts it into [`LoginOptions`]. `token`, `whoami` and
//! `logout` of an `Authenticator` never ask; a `Connection` asks again when its session is over.
//!
//! # What is kept where
//!
//! With `file`, tokens are in `tokens` below `TILED_CACHE_DIR`, or else below `tiled` in the user's cache folder. What a
//! token does not say of itself, the list of sites and the locks are in `AUTHCTL_STATE_DIR`, or else in `auth-native`
//! in the user's state folder. The only secrets there are in `.damaged` copies of token files that were found broken.
//!
//! # When it fails
//!
//! [`Error`] says what happened, [`Error::blame`] whose fault it is, and [`Error::remedy`] what helps. A failure of the
//! network, of the server or of the disk never ends a session: only
//! [`ends_session`](error::AuthError::ends_session) errors do.
//!
//! # Coming from Python's `tiled`
//!
//! | Python | here |
//! |---|---|
//! | `from_uri(uri)` | `Authenticator::connect` |
//! | `Context.authenticate(provider=…)` | `Authenticator::login` with [`LoginOptions`] |
//! | `Context.use_cached_tokens()` | `Authenticator::token`, which asks nobody |
//! | `Context.force_auth_refresh()` | `Authenticator::token` with a validity that is longer than what is left |
//! | `Context.whoami()` | `Authenticator::whoami`, `Connection::whoami` |
//! | `Context.logout()` | `Authenticator::logout` |
//! | `CannotRefreshAuthentication` | [`NotSignedIn`](error::AuthError::NotSignedIn), [`Expired`](error::AuthError::Expired), [`Revoked`](error::AuthError::Revoked) |
//! | `TILED_CACHE_DIR` | the same |

#![cfg_attr(test, allow(clippy::duplicate_mod, reason = "both engines pass the same tests"))]

#[cfg(any(feature = "async", feature = "blocking"))]
mod access;
mod address;
#[cfg(feature = "blocking")]
pub mod blocking;
#[cfg(any(feature = "async", feature = "blocking"))]
mod builder;
pub mod error;
#[cfg(feature = "async")]
pub mod nonblocking;
#[cfg(any(feature = "reqwest-middleware", feature = "tower", feature = "ureq"))]
mod origin;
pub mod ports;
#[cfg(any(feature = "async", feature = "blocking"))]
mod shared;
#[cfg(all(feature = "shotgun", any(feature = "async", feature = "blocking")))]
pub mod shotgun;
#[cfg(any(feature = "async", feature = "blocking"))]
mod status;
#[cfg(any(feature = "async", feature = "blocking"))]
mod user;

pub use address::address;
pub use error::Error;

#[cfg(any(feature = "async", feature = "blocking"))]
#[doc(inline)]
pub use auth_http::ProxyChoice;

#[cfg(any(feature = "async", feature = "blocking"))]
pub use access::Access;
#[cfg(any(feature = "async", feature = "blocking"))]
pub use builder::Builder;
#[cfg(any(feature = "async", feature = "blocking"))]
pub use shared::{SessionEvent, Subscription};
#[cfg(any(feature = "async", feature = "blocking"))]
pub use status::{State, Status};
#[cfg(any(feature = "async", feature = "blocking"))]
pub use user::User;

#[doc(inline)]
pub use auth_core::flow::{
    Discovered, LoggedOut, LoginOptions, Outcome, Renewed, Revocation, SignedIn, Warning,
};
#[doc(inline)]
pub use auth_core::session::{Facts, Generation, Identity, Links, Session, Tokens};
#[doc(inline)]
pub use auth_core::site::{Origin, Scheme, Url, UrlError};
#[doc(inline)]
pub use auth_core::tiled::{About, Mode, Principal, Provider, SessionEntry, TiledUri, UriError};
#[doc(inline)]
pub use auth_core::time::{Now, SpanError, Tick, Timestamp, parse_span};
#[doc(inline)]
pub use auth_core::wire::{Authorization, Body, Method, Request, Response};
#[doc(inline)]
pub use auth_core::{
    Answer, BrowserQuestion, CodeQuestion, Digest, Foreign, Holder, KeyQuestion, MethodQuestion, Notice,
    PageQuestion, PasswordQuestion, PromptFault, ProviderQuestion, Question, Secret, Seed, SiteQuestion,
};
#[cfg(feature = "browser")]
#[doc(inline)]
pub use auth_prompt_browser::{OpenFault, WithBrowser, open};
#[cfg(all(feature = "terminal", unix))]
#[doc(inline)]
pub use auth_prompt_cli::program_handles_signals;
#[cfg(feature = "terminal")]
#[doc(inline)]
pub use auth_prompt_cli::{NoPrompt, TerminalPrompt, Waiting};
#[doc(inline)]
pub use auth_store::MemoryStore;
#[cfg(feature = "file")]
#[doc(inline)]
pub use auth_store::{LockMethod, TiledDirectory};
#[cfg(feature = "profiles")]
#[doc(inline)]
pub use auth_store::{Profile, ProfileError, ProfileList, Profiles};
