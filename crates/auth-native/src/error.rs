//! What can go wrong, whose fault it is, and what now.

pub use auth_core::Error as AuthError;
pub use auth_core::error::{
    Blame, CannotPrompt, Misuse, Peer, Policy, Remedy, Sent, StoreFault, StoreFaultKind, TransportFault,
    Trouble,
};

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
    /// The address carries an API key.
    #[error("the address carries an API key, and API keys are not supported yet; leave api_key out of it")]
    ApiKey,
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
            Self::Address(_) | Self::ApiKey => Blame::Person,
            Self::UserAgent => Blame::Program,
            Self::NoEntropy => Blame::Machine,
        }
    }

    /// What helps.
    pub fn remedy(&self) -> Remedy {
        match self {
            Self::Auth(error) => error.remedy(),
            Self::Address(_) | Self::ApiKey => Remedy::CheckAddress,
            Self::UserAgent => Remedy::Report,
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
            (Policy::AnotherUser.into(), Blame::Program, Remedy::CheckAddress),
            (Error::Address(address), Blame::Person, Remedy::CheckAddress),
            (Error::ApiKey, Blame::Person, Remedy::CheckAddress),
            (Error::UserAgent, Blame::Program, Remedy::Report),
            (Error::NoEntropy, Blame::Machine, Remedy::TryLater),
        ];
        for (error, blame, remedy) in cases {
            assert_eq!((error.blame(), error.remedy()), (blame, remedy), "{error}");
            assert!(!error.to_string().is_empty());
        }
    }
}
