//! What stands in for parts that are not there.

use auth_core::error::{Sent, TransportFault};
use auth_core::ports::{Transport, Unreachable};
use auth_core::wire::{Request, Response};

/// Asks nobody and tells nothing.
#[cfg(not(feature = "terminal"))]
pub(crate) struct Silent;

#[cfg(not(feature = "terminal"))]
impl auth_core::ports::Prompt for Silent {
    fn ask(
        &self,
        _question: &auth_core::Question,
        _dismissed: &auth_core::ports::Dismiss,
    ) -> Result<auth_core::Answer, auth_core::PromptFault> {
        Err(auth_core::PromptFault::Cannot(auth_core::error::CannotPrompt::NotAllowed))
    }

    fn tell(&self, _notice: &auth_core::Notice) {}
}

/// Reaches nobody.
pub(crate) struct Unplugged;

impl Transport for Unplugged {
    fn send(&self, _request: &Request) -> Result<Response, Unreachable> {
        Err(Unreachable { fault: TransportFault::Connect, sent: Sent::No })
    }
}
