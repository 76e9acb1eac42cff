//! One connection: requests in, answers out, until either side has enough.

use core::fmt::Write as _;
use std::io::{self, Write as _};
use std::net::TcpStream;
use std::sync::PoisonError;

use auth_core::Secret;

use super::Open;
use super::http::{Ended, Reader, Received, reason};
use crate::message::SiteResponse;
use crate::site::Site;

/// Serves a connection to its end.
pub(super) fn serve<S: Site>(stream: &TcpStream, open: &Open<S>) {
    let shared = &open.shared;
    // What cannot be set costs speed or patience, and the connection goes on.
    let _ = stream.set_nodelay(true);
    let _ = stream.set_write_timeout(Some(shared.limits.request));
    let mut reader = Reader::new(stream, shared.limits);
    while !shared.is_stopping() {
        open.is_silent(true);
        let begun = reader.begin();
        open.is_silent(false);
        let received = match begun.and_then(|()| reader.next()) {
            Ok(received) => received,
            Err(Ended::Quietly) => return,
            Err(Ended::With(status)) => {
                let response = SiteResponse::plain(status, reason(status));
                let _ = write(stream, &response, false, true);
                reader.drain();
                return;
            }
        };
        let Received { request, keep_alive } = received;
        let reply = {
            let mut site = shared.site.lock().unwrap_or_else(PoisonError::into_inner);
            site.serve(shared.clock.wall(), &request)
        };
        if !reply.delay.is_zero() && !shared.pause(reply.delay) {
            return;
        }
        let Some(response) = reply.response else { return };
        let close = !keep_alive || shared.is_full();
        if write(stream, &response, request.method() == "HEAD", close).is_err() {
            return;
        }
        if close {
            // The server closes first, and the client has read its answer before the connection goes.
            reader.drain();
            return;
        }
    }
}

fn write(mut stream: &TcpStream, response: &SiteResponse, head_only: bool, close: bool) -> io::Result<()> {
    let status = response.status();
    let body = response.body().expose();
    // Writing to a string cannot fail.
    let mut message = String::with_capacity(1_024 + body.len());
    let _ = write!(message, "HTTP/1.1 {status} {}\r\n", reason(status));
    for (name, value) in response.headers() {
        for part in [name, ": ", value, "\r\n"] {
            message.push_str(part);
        }
    }
    // 204 and 304 have no content and must not say how long it is (RFC 9110 section 8.6).
    let has_content = !matches!(status, 100..=199 | 204 | 304);
    if has_content {
        let _ = write!(message, "content-length: {}\r\n", body.len());
    }
    message.push_str(if close { "connection: close\r\n\r\n" } else { "connection: keep-alive\r\n\r\n" });
    if has_content && !head_only {
        message.push_str(body);
    }
    stream.write_all(Secret::from(message).expose().as_bytes())
}
