//! What can go wrong, whose fault it is, and what now.

pub use auth_core::Error as AuthError;
pub use auth_core::error::{
    Blame, CannotPrompt, Misuse, NotApproved, PageFault, Peer, Policy, Remedy, Sent, SignsIn, StoreFault,
    StoreFaultKind, TransportFault, Trouble,
};

use auth_core::Foreign;
use auth_core::tiled::UriError;

/// Why something could not be done.
///
/// Most of what goes wrong is an [`AuthError`]; the rest is found before anybody is spoken to.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Signing in, renewing, asking or signing out came to nothing.
    #[error(transparent)]
    Auth(#[from] AuthError),
    /// The address is not that of a Tiled server.
    #[error(transparent)]
    Address(#[from] UriError),
    /// The address carries an API key, where a session is meant.
    #[error("the address carries an API key, and this is about a session; leave api_key out of it")]
    ApiKey,
    /// An API key was given in two ways.
    #[error("an API key stands in the address, and another was given; which one is meant?")]
    TwoKeys,
    /// An API key was given, and somebody to sign in.
    #[error("an API key and a user or provider to sign in with were given; which one is meant?")]
    KeyAndName,
    /// What was to be ended is no session's name.
    #[error("this is not the name of a session, which has 32 hexadecimal digits")]
    NoSession,
    /// No site is named, and none is known.
    #[error("no site is named, none is fixed or configured, and nobody has signed in to one")]
    NoSite,
    /// The program's [`DefaultsManager`](crate::shotgun::DefaultsManager) panicked, or no thread could be started for it.
    #[cfg(feature = "shotgun")]
    #[error("the DefaultsManager of this program panicked, or no thread could be started for it")]
    Defaults,
    /// A file of authorities cannot be used.
    #[error("the file of certificate authorities {file} cannot be used: {why}")]
    Authorities {
        /// The file.
        file: Foreign,
        /// What is wrong with it.
        why: Foreign,
    },
    /// The `User-Agent` cannot be written in a header, or is empty.
    #[error("the User-Agent is empty, or has characters that a header cannot hold")]
    UserAgent,
    /// The machine's random source gives nothing.
    #[error("this machine's random source gives nothing, and without it nobody can be signed in")]
    NoEntropy,
}

impl Error {
    /// Whose fault it is.
    pub fn blame(&self) -> Blame {
        match self {
            Self::Auth(error) => error.blame(),
            Self::Address(_)
            | Self::ApiKey
            | Self::TwoKeys
            | Self::KeyAndName
            | Self::NoSession
            | Self::NoSite => Blame::Person,
            Self::UserAgent => Blame::Program,
            #[cfg(feature = "shotgun")]
            Self::Defaults => Blame::Program,
            Self::NoEntropy | Self::Authorities { .. } => Blame::Machine,
        }
    }

    /// What helps.
    pub fn remedy(&self) -> Remedy {
        match self {
            Self::Auth(error) => error.remedy(),
            Self::Address(_) | Self::ApiKey | Self::TwoKeys | Self::KeyAndName | Self::NoSite => {
                Remedy::CheckAddress
            }
            Self::NoSession => Remedy::PresentAnother,
            Self::Authorities { .. } => Remedy::MendStore,
            Self::UserAgent => Remedy::Report,
            #[cfg(feature = "shotgun")]
            Self::Defaults => Remedy::Report,
            Self::NoEntropy => Remedy::TryLater,
        }
    }

    /// What became of a flow, if it is that.
    pub fn as_auth(&self) -> Option<&AuthError> {
        match self {
            Self::Auth(error) => Some(error),
            _ => None,
        }
    }
}

impl From<StoreFault> for Error {
    fn from(fault: StoreFault) -> Self {
        Self::Auth(fault.into())
    }
}

#[cfg(any(feature = "async", feature = "blocking"))]
impl From<auth_http::TransportError> for Error {
    fn from(error: auth_http::TransportError) -> Self {
        match error {
            auth_http::TransportError::Authorities { file, why } => {
                Self::Authorities { file: Foreign::new(file), why: Foreign::new(why) }
            }
            _ => Self::UserAgent,
        }
    }
}

impl From<Policy> for Error {
    fn from(policy: Policy) -> Self {
        Self::Auth(policy.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_error_says_whose_fault_it_is_and_what_helps() {
        let address = "nowhere".parse::<auth_core::tiled::TiledUri>().unwrap_err();
        let cases = [
            (AuthError::NotSignedIn.into(), Blame::Person, Remedy::SignIn),
            (Policy::AnotherUser.into(), Blame::Program, Remedy::SignIn),
            (Error::Address(address), Blame::Person, Remedy::CheckAddress),
            (Error::ApiKey, Blame::Person, Remedy::CheckAddress),
            (Error::TwoKeys, Blame::Person, Remedy::CheckAddress),
            (Error::KeyAndName, Blame::Person, Remedy::CheckAddress),
            (Error::NoSession, Blame::Person, Remedy::PresentAnother),
            (
                Error::Authorities { file: "/ca.pem".into(), why: "it is empty".into() },
                Blame::Machine,
                Remedy::MendStore,
            ),
            (Error::UserAgent, Blame::Program, Remedy::Report),
            #[cfg(feature = "shotgun")]
            (Error::Defaults, Blame::Program, Remedy::Report),
            (Error::NoEntropy, Blame::Machine, Remedy::TryLater),
        ];
        for (error, blame, remedy) in cases {
            assert_eq!((error.blame(), error.remedy()), (blame, remedy), "{error}");
            assert!(!error.to_string().is_empty());
        }
    }
}
