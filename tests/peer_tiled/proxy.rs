//! A reverse proxy as studios have them: TLS with a private authority outside, plain HTTP inside, a path of its own, and
//! no word to the server behind it about any of that.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// What the server behind it hears that it is called.
const WITHIN: &str = "internal.example:9999";

/// The authority that signed its certificate.
pub(crate) fn authority() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../crates/auth-http/src/tests/tls/ca.pem")
}

/// Serves what is at `behind` below `path`, and gives its own address.
pub(crate) fn start(behind: &str, path: &'static str) -> String {
    let behind = behind.strip_prefix("http://").unwrap().to_owned();
    let key = include_bytes!("../../crates/auth-http/src/tests/tls/key.der");
    let certificate = include_bytes!("../../crates/auth-http/src/tests/tls/good.der");
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![CertificateDer::from(&certificate[..])],
            PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(&key[..])),
        )
        .unwrap();
    let (config, listener) = (Arc::new(config), TcpListener::bind("127.0.0.1:0").unwrap());
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let (config, behind) = (Arc::clone(&config), behind.clone());
            std::thread::spawn(move || {
                let stream = stream.unwrap();
                stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
                // A client that leaves is what the test makes of it.
                let _ = pass_on(stream, config, &behind, path);
            });
        }
    });
    format!("https://localhost:{port}")
}

fn pass_on(stream: TcpStream, config: Arc<ServerConfig>, behind: &str, path: &str) -> std::io::Result<()> {
    let tls = ServerConnection::new(config).map_err(std::io::Error::other)?;
    let mut outside = StreamOwned::new(tls, stream);
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") {
        outside.read_exact(&mut byte)?;
        head.extend(byte);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let (line, headers) = head.split_once("\r\n").unwrap();
    let named = |line: &str, name: &str| line.to_ascii_lowercase().starts_with(&format!("{name}:"));
    let length = headers.lines().find(|line| named(line, "content-length"));
    let length = length.and_then(|line| line.split(':').nth(1)?.trim().parse().ok()).unwrap_or(0);
    let mut content = vec![0; length];
    outside.read_exact(&mut content)?;
    let kept = headers
        .lines()
        .filter(|line| !line.is_empty() && !["host", "connection"].iter().any(|name| named(line, name)));
    let asked = line.replacen(&format!(" {path}/"), " /", 1);
    if asked == line {
        return outside
            .write_all(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    }
    let mut inside = TcpStream::connect(behind)?;
    let mut text = format!("{asked}\r\nHost: {WITHIN}\r\nConnection: close\r\n");
    kept.for_each(|line| text.extend([line, "\r\n"]));
    inside.write_all(text.as_bytes())?;
    inside.write_all(b"\r\n")?;
    inside.write_all(&content)?;
    let mut answer = Vec::new();
    inside.read_to_end(&mut answer)?;
    outside.write_all(&answer)?;
    outside.flush()
}
