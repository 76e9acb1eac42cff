//! Where sessions are kept.
//!
//! Each store here is an [`auth_core::ports::Store`]:
//!
//! - [`MemoryStore`] keeps everything in this process and forgets it with the process;
//! - `TiledDirectory` (feature `file`) is the token directory of Tiled's Python client, shared with it, and beside it
//!   a folder of our own for what a token does not say, the list of sites, and locks.
//!
//! `Profiles` (feature `profiles`) are no store: they are the names that people give to servers.
//!
//! What every store promises is the suite `contract` (feature `contract`), for the tests of these and of any other.

mod memory;

#[cfg(feature = "file")]
mod atomic;
#[cfg(feature = "file")]
mod binding;
#[cfg(feature = "file")]
mod change;
#[cfg(feature = "file")]
mod document;
#[cfg(feature = "file")]
mod fault;
#[cfg(feature = "file")]
mod index;
#[cfg(feature = "file")]
mod lock;
#[cfg(feature = "file")]
mod order;
#[cfg(feature = "file")]
mod os;
#[cfg(feature = "profiles")]
mod profiles;
#[cfg(feature = "file")]
mod roots;
#[cfg(feature = "file")]
mod sidecar;
#[cfg(feature = "file")]
mod steps;
#[cfg(feature = "file")]
mod tiled;
#[cfg(feature = "file")]
mod tokens;

#[cfg(feature = "contract")]
pub mod contract;

#[cfg(test)]
#[cfg(all(unix, feature = "file"))]
#[path = "tests/rig.rs"]
mod rig;
#[cfg(test)]
#[path = "tests/samples.rs"]
mod samples;

#[cfg(feature = "file")]
pub use lock::LockMethod;
pub use memory::MemoryStore;
#[cfg(feature = "profiles")]
pub use profiles::{Profile, ProfileError, ProfileList, Profiles};
#[cfg(feature = "file")]
pub use tiled::TiledDirectory;
