//! A proxy that was named, whatever the environment names.

use auth_core::error::{Sent, TransportFault};
use auth_core::ports::{Transport as _, Unreachable};
use auth_core::shotgun::Proxy;
use auth_core::wire::Request;

use super::servers::{Server, bearer, in_a_process, read_request, transport, url};
use super::{Subject, TUNNELS_ALL, post};
use crate::ProxyChoice;

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

fn through(who: &str, proxy: &Server) -> Subject {
    let setting = format!("{who}127.0.0.1:{}", proxy.port());
    transport().proxied(Proxy::read(&setting).unwrap().into())
}

#[test]
fn a_proxy_that_was_named_is_told_its_own_credentials_as_they_were_written_n4() {
    let proxy = Server::of("HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n");
    // A password with what an address gives a meaning to.
    let subject = through("Joe:P@s/S+%20:@", &proxy);
    assert!(!format!("{subject:?}").contains("P@s"));
    let refused = subject.send(&Request::get(url("https://off.invalid/")).authorized(bearer()));
    assert_eq!(refused, Err(Unreachable { fault: TransportFault::Proxy, sent: Sent::No }));
    let requests = proxy.requests().concat();
    assert!(requests.starts_with("CONNECT off.invalid:443 "), "{requests}");
    assert!(requests.contains("Sm9lOlBAcy9TKyUyMDo="), "{requests}");
    canary::assert_silent(requests);
}

#[test]
fn a_proxy_on_this_machine_serves_for_this_machine_if_it_was_named_n4() {
    let proxy = Server::new(|stream| {
        if !TUNNELS_ALL {
            let _ = stream.write_all(OK.as_bytes());
            return;
        }
        let _ = stream.write_all(b"HTTP/1.1 200 Connected\r\n\r\n");
        read_request(stream);
        let _ = stream.write_all(OK.as_bytes());
    });
    let answer = through("", &proxy).send(&post(url("http://127.0.0.1:9/"))).unwrap();
    assert_eq!(answer.body().expose(), "ok");
    let first = if TUNNELS_ALL { "CONNECT 127.0.0.1:9 " } else { "POST http://127.0.0.1:9/ " };
    assert!(proxy.requests().concat().starts_with(first));
}

#[test]
fn a_proxy_that_wants_to_know_who_asks_is_no_answer_of_a_server_in_clear() {
    let proxy = Server::of("HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n");
    let refused = through("", &proxy).send(&post(url("http://off.invalid/")));
    assert_eq!(refused, Err(Unreachable { fault: TransportFault::Proxy, sent: Sent::No }));
    // One that stands in the way and was not named.
    let refused = transport().proxied(ProxyChoice::Direct).send(&post(proxy.url("/")));
    assert_eq!(refused, Err(Unreachable { fault: TransportFault::Proxy, sent: Sent::No }));
}

#[test]
fn what_was_chosen_goes_before_what_the_environment_names() {
    let proxy = Server::of("HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n");
    let (_, here) = module_path!().split_once("::").unwrap();
    let test = format!("{here}::what_was_chosen_goes_before_what_the_environment_names");
    let environment =
        [("ALL_PROXY", format!("http://127.0.0.1:{}", proxy.port())), ("NO_PROXY", "off.invalid".to_owned())];
    if in_a_process(&test, &environment) {
        assert_eq!(proxy.requests(), Vec::<String>::new());
        return;
    }
    let named = Server::of("HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n");
    let get = |subject: Subject, address| subject.send(&Request::get(url(address))).unwrap_err().fault;
    let direct = || transport().proxied(ProxyChoice::Direct);
    assert_eq!(get(direct(), "https://other.invalid/"), TransportFault::Resolve);
    // Neither the variable's proxy nor its exceptions are those of the one that was named.
    for address in ["https://other.invalid/", "https://off.invalid/"] {
        assert_eq!(get(through("", &named), address), TransportFault::Proxy, "{address}");
    }
    assert_eq!(named.requests().len(), 2);
}
