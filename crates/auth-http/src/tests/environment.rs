//! What the process's environment changes, and what it must not. Each of these runs in a process of its own.

use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;

use auth_core::error::{Sent, TransportFault};
use auth_core::ports::{Transport as _, Unreachable};
use auth_core::wire::Request;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use super::faults::{compressed, endless};
use super::servers::{Server, bearer, in_a_process, read_request, send, shown_in_a_process, token, url};
use super::{CLIENT, Subject, TUNNELS_ALL, post};
use crate::tls;

/// The name of one of these tests, for a process of its own.
fn named(test: &str) -> String {
    let here = module_path!().split_once("::").unwrap().1;
    format!("{here}::{test}")
}

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

#[test]
fn a_proxy_is_never_used_for_this_machine_n4() {
    let proxy = Server::of("HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n");
    let server = Server::of(OK);
    let proxied = |name| (name, format!("http://user:pass@127.0.0.1:{}", proxy.port()));
    let environment = [
        proxied("ALL_PROXY"),
        proxied("HTTPS_PROXY"),
        proxied("HTTP_PROXY"),
        ("AUTH_HTTP_TEST_PORT", server.port().to_string()),
    ];
    if in_a_process(&named("a_proxy_is_never_used_for_this_machine_n4"), &environment) {
        assert_eq!((server.requests().len(), proxy.requests()), (2, vec![]));
        return;
    }
    let port = std::env::var("AUTH_HTTP_TEST_PORT").unwrap();
    for host in ["127.0.0.1", "localhost"] {
        assert_eq!(send(&post(url(&format!("http://{host}:{port}/")))).unwrap().body().expose(), "ok");
    }
    let nobody = send(&post(url("http://[::1]:9/"))).unwrap_err();
    assert_eq!(nobody, Unreachable { fault: TransportFault::Connect, sent: Sent::No });
}

/// Other clients take a host's credentials from `.netrc` in the home directory, or from the file that `NETRC` names.
#[test]
fn a_netrc_file_adds_no_credential_n4() {
    let server = Server::of(OK);
    let home = std::env::temp_dir().join(format!("auth-http-netrc-{}", std::process::id()));
    let test = named("a_netrc_file_adds_no_credential_n4");
    if std::env::var_os("AUTH_HTTP_TEST_PORT").is_none() {
        std::fs::create_dir_all(&home).unwrap();
        let trap = "machine 127.0.0.1 login trapped password sprung\n\
                    machine localhost login trapped password sprung\n\
                    default login trapped password sprung\n";
        for name in [".netrc", "_netrc", "named"] {
            std::fs::write(home.join(name), trap).unwrap();
        }
    }
    let path = |path: &Path| path.to_str().unwrap().to_owned();
    let environment = [
        ("HOME", path(&home)),
        ("USERPROFILE", path(&home)),
        ("NETRC", path(&home.join("named"))),
        ("AUTH_HTTP_TEST_PORT", server.port().to_string()),
    ];
    if in_a_process(&test, &environment) {
        std::fs::remove_dir_all(&home).unwrap();
        let requests = server.requests();
        assert_eq!(requests.len(), 4);
        for request in requests {
            let request = request.to_ascii_lowercase();
            assert!(!request.contains("trapped") && !request.contains("basic "), "{request}");
            assert!(!request.contains("dhjhchblzdpzchj1bmc="), "{request}");
            assert_eq!(request.contains("authorization: "), request.starts_with("get /with "), "{request}");
        }
        return;
    }
    let port = std::env::var("AUTH_HTTP_TEST_PORT").unwrap();
    for host in ["127.0.0.1", "localhost"] {
        let at = |path: &str| url(&format!("http://{host}:{port}{path}"));
        send(&Request::get(at("/without"))).unwrap();
        send(&Request::get(at("/with")).authorized(bearer())).unwrap();
    }
}

#[test]
fn nothing_is_sent_until_a_proxy_has_made_the_connection() {
    // Connects, and then answers as the server would, or leaves.
    let proxy = Server::new(|stream| {
        let _ = stream.write_all(b"HTTP/1.1 200 Connected\r\n\r\n");
        let mut first = [0; 12];
        if stream.read_exact(&mut first).is_ok() && &first == b"GET /answer " {
            let _ = stream.write_all(OK.as_bytes());
        }
    });
    let refusing = Server::of("HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n");
    let test = named("nothing_is_sent_until_a_proxy_has_made_the_connection");
    let environment = |proxy: &Server, what: &str| {
        let address = format!("http://127.0.0.1:{}", proxy.port());
        [("HTTP_PROXY", address.clone()), ("HTTPS_PROXY", address), ("AUTH_HTTP_TEST", what.to_owned())]
    };
    if in_a_process(&test, &environment(&proxy, "connects")) {
        assert!(in_a_process(&test, &environment(&refusing, "refuses")));
        for request in [proxy.requests(), refusing.requests()].concat() {
            assert!(request.starts_with("CONNECT off.invalid:"), "{request}");
            canary::assert_silent(&request);
        }
        assert_eq!((proxy.requests().len(), refusing.requests().len()), (if TUNNELS_ALL { 3 } else { 1 }, 1));
        return;
    }
    let get = |address: &str| send(&Request::get(url(address)).authorized(bearer()));
    let fault = |fault, sent| Err(Unreachable { fault, sent });
    if std::env::var("AUTH_HTTP_TEST").unwrap() == "refuses" {
        let scheme = if TUNNELS_ALL { "http" } else { "https" };
        assert_eq!(get(&format!("{scheme}://off.invalid/")), fault(TransportFault::Proxy, Sent::No));
    } else {
        if TUNNELS_ALL {
            assert_eq!(get("http://off.invalid/answer").unwrap().body().expose(), "ok");
            assert_eq!(get("http://off.invalid/leave"), fault(TransportFault::Closed, Sent::Maybe));
        }
        assert_eq!(get("https://off.invalid/leave"), fault(TransportFault::Tls, Sent::No));
    }
}

#[test]
fn the_first_proxy_that_is_named_is_for_every_server_but_those_that_no_proxy_names_n4() {
    let proxy = Server::of("HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n");
    let other = Server::of("HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n");
    let test = named("the_first_proxy_that_is_named_is_for_every_server_but_those_that_no_proxy_names_n4");
    let address = |proxy: &Server| format!("http://127.0.0.1:{}", proxy.port());
    let aside = ("NO_PROXY", "direct.invalid,.beside.invalid".to_owned());
    for (at, mut environment) in [
        vec![("HTTP_PROXY", address(&proxy)), aside.clone()],
        vec![("HTTPS_PROXY", address(&proxy)), ("HTTP_PROXY", address(&other)), aside.clone()],
        vec![("ALL_PROXY", address(&proxy)), ("HTTPS_PROXY", address(&other)), aside.clone()],
        vec![("https_proxy", address(&proxy)), ("no_proxy", aside.1.clone())],
    ]
    .into_iter()
    .enumerate()
    {
        environment.push(("AUTH_HTTP_TEST", "proxied".to_owned()));
        if !in_a_process(&test, &environment) {
            break;
        }
        let requests = proxy.requests();
        assert_eq!((requests.len(), other.requests().len()), (at + 1, 0), "{environment:?}");
        assert!(requests.iter().all(|request| request.starts_with("CONNECT off.invalid:443 ")));
    }
    if std::env::var_os("AUTH_HTTP_TEST").is_none() {
        return;
    }
    let get = |host: &str| send(&Request::get(url(&format!("https://{host}/")))).unwrap_err().fault;
    assert_eq!(get("off.invalid"), TransportFault::Proxy);
    for host in ["direct.invalid", "a.beside.invalid"] {
        assert_eq!(get(host), TransportFault::Resolve, "{host}");
    }
}

#[test]
fn a_proxy_is_told_its_own_credentials_and_no_others_n4() {
    // Asks who it is, and makes the connection for who says so.
    let proxy = Server::heads(|head, stream| {
        let said = head.to_ascii_lowercase().contains("proxy-authorization: basic ywxpy2u6b3blbg==");
        let answer = if said {
            "HTTP/1.1 200 Connected\r\n\r\n"
        } else {
            "HTTP/1.1 407 Proxy Authentication Required\r\nproxy-authenticate: Basic\r\ncontent-length: 0\r\n\r\n"
        };
        let _ = stream.write_all(answer.as_bytes());
    });
    let test = named("a_proxy_is_told_its_own_credentials_and_no_others_n4");
    let environment = |who: &str, what: &str| {
        let address = format!("http://{who}127.0.0.1:{}", proxy.port());
        [("HTTPS_PROXY", address), ("AUTH_HTTP_TEST", what.to_owned())]
    };
    if in_a_process(&test, &environment("", "asks")) {
        assert!(in_a_process(&test, &environment("alice:open@", "connects")));
        let requests = proxy.requests();
        assert!(requests.iter().all(|request| request.starts_with("CONNECT off.invalid:443 ")));
        canary::assert_silent(requests.concat());
        assert_eq!(requests.len(), 2);
        return;
    }
    let answer = send(&Request::get(url("https://off.invalid/")).authorized(bearer()));
    let fault = match std::env::var("AUTH_HTTP_TEST").unwrap().as_str() {
        "asks" => TransportFault::Proxy,
        _ => TransportFault::Tls,
    };
    assert_eq!(answer, Err(Unreachable { fault, sent: Sent::No }));
}

#[test]
fn a_files_authorities_are_trusted_besides_the_systems_and_nothing_else_is_n7() {
    let ours = concat!(env!("CARGO_MANIFEST_DIR"), "/src/tests/tls/ca.pem");
    let test = named("a_files_authorities_are_trusted_besides_the_systems_and_nothing_else_is_n7");
    if in_a_process(&test, &[("AUTH_HTTP_TEST", "none".to_owned())]) {
        let named = [("SHOTGUN_API_CACERTS", ours.to_owned()), ("AUTH_HTTP_TEST", "named".to_owned())];
        assert!(in_a_process(&test, &named));
        return;
    }
    let is_named = std::env::var("AUTH_HTTP_TEST").unwrap() == "named";
    let stranger: &[u8] = include_bytes!("tls/stranger.der");
    let with = [Path::new(ours).to_owned()];
    for (files, certificate, accepted) in [
        (&[][..], &include_bytes!("tls/good.der")[..], is_named),
        (&with, include_bytes!("tls/good.der"), true),
        (&with, include_bytes!("tls/expired.der"), false),
        (&with, include_bytes!("tls/other-host.der"), false),
        (&with, stranger, false),
    ] {
        let server = secured(certificate);
        let transport = Subject::with_authorities("auth-http-tests/1.0", files).unwrap();
        let answer = transport.send(&post(url(&format!("https://localhost:{}/", server.port()))));
        assert_eq!(answer.is_ok(), accepted, "{files:?}");
        assert_eq!(server.requests().concat().contains(&token()), accepted);
    }
    let missing = Subject::with_authorities("auth-http-tests/1.0", &["/nowhere/ca.pem".into()]);
    assert!(format!("{:?}", missing.unwrap_err()).contains("/nowhere/ca.pem"));
}

#[test]
fn a_proxy_that_breaks_connections_open_is_talked_to_only_with_an_authority_for_it_n7() {
    // Connects to itself, with a certificate for the host that was wanted.
    let proxy = Server::accepting(
        |mut stream| {
            let head = read_request(&mut stream);
            assert!(head.starts_with("CONNECT example.org:443 "), "{head}");
            stream.write_all(b"HTTP/1.1 200 Connected\r\n\r\n")?;
            let certificate = CertificateDer::from(&include_bytes!("tls/other-host.der")[..]);
            let mut connection =
                ServerConnection::new(configured(certificate)).map_err(std::io::Error::other)?;
            connection.complete_io(&mut stream)?;
            Ok(StreamOwned::new(connection, stream))
        },
        |stream| {
            let _ = stream.write_all(OK.as_bytes());
            let _ = stream.flush();
        },
    );
    let test = named("a_proxy_that_breaks_connections_open_is_talked_to_only_with_an_authority_for_it_n7");
    let environment = |more: &[(&'static str, String)]| {
        let address = format!("http://127.0.0.1:{}", proxy.port());
        [&[("HTTPS_PROXY", address)], more].concat()
    };
    if in_a_process(&test, &environment(&[])) {
        canary::assert_silent(proxy.requests().concat());
        let ours = concat!(env!("CARGO_MANIFEST_DIR"), "/src/tests/tls/ca.pem").to_owned();
        assert!(in_a_process(&test, &environment(&[("SHOTGUN_API_CACERTS", ours)])));
        assert!(proxy.requests().concat().contains(&token()));
        return;
    }
    let answer = send(&post(url("https://example.org/")).authorized(bearer()));
    if std::env::var_os("SHOTGUN_API_CACERTS").is_some() {
        assert_eq!(answer.unwrap().body().expose(), "ok");
    } else {
        assert_eq!(answer, Err(Unreachable { fault: TransportFault::Tls, sent: Sent::No }));
    }
}

/// TLS with one of the certificates in `tls/`.
pub(super) fn configured(certificate: CertificateDer<'static>) -> Arc<ServerConfig> {
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(&include_bytes!("tls/key.der")[..]));
    let config = ServerConfig::builder_with_provider(tls::provider())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    Arc::new(config)
}

/// A server with one of the certificates in `tls/`.
fn secured(certificate: &'static [u8]) -> Server {
    let config = configured(CertificateDer::from(certificate));
    Server::accepting(
        move |mut stream| {
            let mut connection = ServerConnection::new(Arc::clone(&config)).map_err(std::io::Error::other)?;
            connection.complete_io(&mut stream)?;
            Ok(StreamOwned::new(connection, stream))
        },
        |stream| {
            let _ = stream.write_all(OK.as_bytes());
            let _ = stream.flush();
        },
    )
}

#[test]
fn a_certificate_is_accepted_only_for_its_host_its_time_and_from_a_known_authority_n7() {
    let authorities = concat!(env!("CARGO_MANIFEST_DIR"), "/src/tests/tls/ca.pem").to_owned();
    let test = named("a_certificate_is_accepted_only_for_its_host_its_time_and_from_a_known_authority_n7");
    if in_a_process(&test, &[("SSL_CERT_FILE", authorities)]) {
        return;
    }
    let cases: [(&str, &[u8], bool); 6] = [
        ("good", include_bytes!("tls/good.der"), true),
        ("expired", include_bytes!("tls/expired.der"), false),
        ("not valid yet", include_bytes!("tls/early.der"), false),
        ("of another host", include_bytes!("tls/other-host.der"), false),
        ("of an unknown authority", include_bytes!("tls/stranger.der"), false),
        ("signed by itself", include_bytes!("tls/self-signed.der"), false),
    ];
    for (name, certificate, accepted) in cases {
        let server = secured(certificate);
        let answer = send(&post(url(&format!("https://localhost:{}/", server.port()))));
        let refused = Unreachable { fault: TransportFault::Tls, sent: Sent::No };
        assert_eq!(
            answer.map(|answer| answer.status()),
            if accepted { Ok(200) } else { Err(refused) },
            "{name}"
        );
        let arrived = server.requests().concat();
        assert_eq!(arrived.contains(&token()), accepted, "{name}");
    }
}

/// What a server can send without end must not fill the machine.
#[cfg(target_os = "linux")]
#[test]
fn whatever_is_sent_takes_little_memory_n6() {
    let most_mebibytes = 64;
    let test = named("whatever_is_sent_takes_little_memory_n6");
    let server = Server::new(|stream| {
        let chunk = [&b"8000\r\n"[..], &vec![b'x'; 0x8000], b"\r\n"].concat();
        endless(stream, b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", &chunk);
    });
    let headers = Server::new(|stream| {
        endless(stream, b"HTTP/1.1 200 OK\r\n", format!("x-a: {}\r\n", "a".repeat(4096)).as_bytes());
    });
    let bomb = compressed(20 << 20);
    let ports = [&server, &headers, &bomb].map(|server| server.port().to_string()).join(" ");
    if in_a_process(&test, &[("AUTH_HTTP_TEST", ports)]) {
        return;
    }
    for port in std::env::var("AUTH_HTTP_TEST").unwrap().split(' ') {
        let answer = send(&post(url(&format!("http://127.0.0.1:{port}/"))));
        assert_eq!(answer, Err(Unreachable { fault: TransportFault::TooLarge, sent: Sent::Maybe }));
    }
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let most = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let kibibytes: u64 = most.trim().trim_end_matches(" kB").parse().unwrap();
    assert!(kibibytes < most_mebibytes * 1024, "{kibibytes} kB");
}

#[test]
fn no_credential_is_logged_at_any_level_s6() {
    let test = named("no_credential_is_logged_at_any_level_s6");
    if let Some(logged) = shown_in_a_process(&test, &[]) {
        assert!(logged.contains(&format!("DEBUG {CLIENT}")), "{logged}");
        // ureq would log bytes as hexadecimal numbers, two by two.
        let digits: Vec<_> = token().bytes().map(|byte| format!("{byte:02x}")).collect();
        for shown in [0, 1].map(|from| digits[from..from + 4].concat()) {
            let shown = format!("{} {}", &shown[..4], &shown[4..]);
            assert!(!logged.contains(&shown), "{logged}");
        }
        return;
    }
    let token = token();
    let server = Server::of(format!(
        "HTTP/1.1 302 Found\r\nlocation: http://x/?code={token}\r\nset-cookie: {token}\r\ncontent-length: {}\r\n\r\n{token}",
        token.len()
    ));
    let request = post(server.url(&format!("/t?code={token}"))).authorized(bearer());
    assert_eq!(send(&request).unwrap().body().expose(), token);
    assert!(canary::recorded() > 0);
}
