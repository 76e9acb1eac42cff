//! In which ways a case can be played, and why it cannot in some.

use std::fmt;

use super::case::Case;
use super::names::ORIGIN;
use super::scripted;

/// How many seconds a case may really wait.
const PATIENCE: u64 = 10;

/// Who answers.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Peer {
    /// The case itself.
    Script,
    /// The sandbox.
    Sandbox,
    /// A real Tiled server.
    Tiled,
}

/// How requests get there.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Transport {
    /// They do not: the flow is stepped by hand, and no socket is open.
    Bare,
    /// The blocking driver and ureq, over a socket.
    Ureq,
    /// The driver that keeps no thread waiting and reqwest, over a socket.
    Reqwest,
}

/// Where sessions are kept.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Store {
    /// In memory.
    Memory,
    /// In Tiled's token directory.
    Directory,
}

/// One way to play a case.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Cell {
    /// Who answers.
    pub peer: Peer,
    /// How.
    pub transport: Transport,
    /// Kept where.
    pub store: Store,
}

/// The names on the command line and in the matrix.
macro_rules! named {
    ($type:ty, $($value:ident = $name:literal),+) => {
        impl $type {
            /// All there are.
            pub const ALL: &'static [Self] = &[$(Self::$value),+];

            /// By its name.
            pub fn by_name(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|value| value.to_string() == name)
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(match self { $(Self::$value => $name),+ })
            }
        }
    };
}

named!(Peer, Script = "script", Sandbox = "sandbox", Tiled = "tiled");
named!(Transport, Bare = "bare", Ureq = "ureq", Reqwest = "reqwest");
named!(Store, Memory = "memory", Directory = "directory");

impl Cell {
    /// All there are, in the order of the matrix.
    pub fn all() -> Vec<Self> {
        let mut cells = Vec::new();
        for &peer in Peer::ALL {
            for &transport in Transport::ALL {
                cells.extend(Store::ALL.iter().map(|&store| Self { peer, transport, store }));
            }
        }
        cells
    }

    /// Why a case is not played in this way, if it is not. `tiled` says whether real servers are running.
    pub fn skips(self, case: &Case, tiled: bool) -> Option<String> {
        let reason = match self.peer {
            Peer::Script if !case.is_scripted() => "the case leaves the answers to a server",
            Peer::Sandbox | Peer::Tiled if case.is_scripted() => "the case has its own answers",
            Peer::Tiled if self.transport == Transport::Bare => "the bare machine has no sockets",
            Peer::Tiled if case.peer.sandbox.is_some() || !case.peer.faults.is_empty() => {
                "a real server cannot be made to do this"
            }
            Peer::Tiled if case.steps.iter().any(|step| step.skew.is_some() || step.server.is_some()) => {
                "only the sandbox has a clock and an operator that obey"
            }
            Peer::Tiled if case.steps.iter().any(|step| step.advance.is_some_and(|secs| secs > PATIENCE)) => {
                "it would really take that long"
            }
            Peer::Tiled if !tiled => "no real server is running",
            _ if self.transport != Transport::Bare && !case.site.starts_with(ORIGIN) => {
                "the site is not on this machine"
            }
            _ => return self.skips_fault(case),
        };
        Some(reason.to_owned())
    }

    fn skips_fault(self, case: &Case) -> Option<String> {
        let over_socket = self.transport != Transport::Bare;
        let mut faults =
            case.steps.iter().flat_map(|step| &step.exchanges).filter_map(|one| one.fault.as_deref());
        faults.find_map(scripted::only_in_memory).filter(|_| over_socket).map(str::to_owned)
    }
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.peer, self.transport, self.store)
    }
}
