//! Why an exchange failed, and whether anything was sent.

use std::error::Error;
use std::io;

use auth_core::error::{Sent, TransportFault};
use auth_core::ports::Unreachable;

use super::lookup::Unresolved;

/// More came than is taken (N6).
pub(super) const TOO_LARGE: Unreachable = Unreachable { fault: TransportFault::TooLarge, sent: Sent::Maybe };

/// Nothing was sent if there was no connection, TLS included; of everything else nobody knows.
pub(super) fn of(error: &reqwest::Error) -> Unreachable {
    let is_early = error.is_connect() || error.is_builder();
    let fault = if error.is_timeout() || any(error, timed_out) {
        TransportFault::Timeout
    } else if any(error, <dyn Error>::is::<Unresolved>) {
        TransportFault::Resolve
    } else if is_early && any(error, is_tunnel) {
        TransportFault::Proxy
    } else if any(error, is_tls) || (is_early && any(error, is_cut_off)) {
        TransportFault::Tls
    } else if is_early {
        TransportFault::Connect
    } else if any(error, is_nonsense) {
        TransportFault::NotHttp
    } else {
        cause::<hyper::Error>(error).map_or(TransportFault::Closed, read)
    };
    Unreachable { fault, sent: if is_early { Sent::No } else { Sent::Maybe } }
}

fn read(error: &hyper::Error) -> TransportFault {
    if error.is_parse_too_large() {
        TransportFault::TooLarge
    } else if error.is_parse() {
        TransportFault::NotHttp
    } else {
        TransportFault::Closed
    }
}

/// True for what a proxy answers in place of making the connection. hyper does not tell otherwise.
fn is_tunnel(cause: &(dyn Error + 'static)) -> bool {
    let said = cause.to_string();
    said == "tunnel error"
        || said.starts_with("tunnel error: ")
        || said.contains("proxy authorization required")
}

fn timed_out(cause: &(dyn Error + 'static)) -> bool {
    let is_late = |error: &io::Error| matches!(error.kind(), io::ErrorKind::TimedOut);
    cause.downcast_ref::<io::Error>().is_some_and(is_late)
}

fn is_tls(cause: &(dyn Error + 'static)) -> bool {
    cause.is::<rustls::Error>() || inner(cause).is_some_and(is_tls)
}

/// True for the end of a handshake in its middle.
fn is_cut_off(cause: &(dyn Error + 'static)) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    let is_end = |error: &io::Error| {
        matches!(error.kind(), UnexpectedEof | ConnectionReset | ConnectionAborted | BrokenPipe)
    };
    cause.downcast_ref::<io::Error>().is_some_and(is_end) || inner(cause).is_some_and(is_cut_off)
}

/// True for content that is not framed as HTTP frames it.
fn is_nonsense(cause: &(dyn Error + 'static)) -> bool {
    let is_wrong =
        |error: &io::Error| matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData);
    cause.downcast_ref::<io::Error>().is_some_and(is_wrong)
}

/// What an error of the system carries, which is not its source.
fn inner<'a>(cause: &'a (dyn Error + 'static)) -> Option<&'a (dyn Error + 'static)> {
    cause.downcast_ref::<io::Error>()?.get_ref().map(|inner| inner as _)
}

fn cause<'a, T: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a T> {
    causes(error).find_map(|cause| cause.downcast_ref())
}

fn any(error: &(dyn Error + 'static), is: impl FnMut(&(dyn Error + 'static)) -> bool) -> bool {
    causes(error).any(is)
}

fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error| error.source())
}
