//! Whether the runtime has what is needed of it.

use std::net::{Ipv4Addr, UdpSocket};
use std::panic::catch_unwind;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use auth_core::error::Misuse;
use tokio::runtime::{Handle, Id};

/// Fails outside a runtime, and on one without timers or, if it is needed, without I/O.
///
/// tokio does not say what a runtime was built with: it panics where something is missing, which is caught here.
pub(super) fn check(needs_io: bool) -> Result<(), Misuse> {
    let id = Handle::try_current().map_err(|_| Misuse::NoRuntime)?.id();
    catch_unwind(|| drop(tokio::time::sleep(Duration::ZERO))).map_err(|_| Misuse::NoTimers)?;
    if needs_io { check_io(id) } else { Ok(()) }
}

/// Once for each runtime, because it takes a socket.
fn check_io(id: Id) -> Result<(), Misuse> {
    static LAST: Mutex<Option<Id>> = Mutex::new(None);

    let last = || LAST.lock().unwrap_or_else(PoisonError::into_inner);
    if *last() == Some(id) {
        return Ok(());
    }
    // Without a socket to try it with, the exchange will tell.
    let Ok(socket) = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)) else { return Ok(()) };
    if socket.set_nonblocking(true).is_ok() {
        catch_unwind(|| drop(tokio::net::UdpSocket::from_std(socket))).map_err(|_| Misuse::NoIo)?;
        *last() = Some(id);
    }
    Ok(())
}
