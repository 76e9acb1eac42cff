//! Tiled servers: addresses, the handshake, tokens, who is signed in.

mod about;
mod hints;
mod owner;
mod session;
mod uri;
mod whoami;

pub use about::{About, Mode, Provider, confirmation};
pub use hints::{hints, is_whole};
pub use owner::Owner;
pub use session::{
    GrantAnswer, RefreshAnswer, RevokeAnswer, has_ended, read_grant, read_refresh, read_revoke, refresh,
    revoke,
};
pub(crate) use session::{detail, elsewhere, failure, retry_after, wrong_clock};
pub use uri::{TiledUri, UriError};
pub use whoami::{Principal, SessionEntry, read_revoke_session, read_whoami, revoke_session, whoami};
