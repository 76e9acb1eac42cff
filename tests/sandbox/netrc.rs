//! What other HTTP clients read beside what they are told: `.netrc`.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::thread;

use auth_sandbox::{Server, SiteClock, TiledSite};
use conformance::{Home, authctl};

/// Passes connections on to a server, and keeps all that clients send. Its threads live as long as the program.
fn relay(port: u16) -> (String, Arc<Mutex<Vec<u8>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let heard = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&heard);
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let noted = Arc::clone(&noted);
            // A connection that breaks off is the business of both its ends.
            thread::spawn(move || drop(pass_on(client, port, &noted)));
        }
    });
    (url, heard)
}

fn pass_on(mut client: TcpStream, port: u16, noted: &Mutex<Vec<u8>>) -> std::io::Result<()> {
    let mut server = TcpStream::connect(("127.0.0.1", port))?;
    let (mut answers, mut to_client) = (server.try_clone()?, client.try_clone()?);
    thread::spawn(move || {
        let _ended = std::io::copy(&mut answers, &mut to_client);
        let _gone = to_client.shutdown(Shutdown::Both);
    });
    let mut bytes = [0; 4096];
    loop {
        let count = client.read(&mut bytes)?;
        if count == 0 {
            return server.shutdown(Shutdown::Write);
        }
        noted.lock().unwrap().extend(&bytes[..count]);
        server.write_all(&bytes[..count])?;
    }
}

/// A sign-in, two reads and a sign-out by `authctl`, with `.netrc` in its home and another file in `NETRC`.
#[test]
fn authctl_sends_nothing_of_a_netrc_file_n4() {
    let home = Home::new();
    let site = TiledSite::demo([7; 32]);
    let password = site.config.users[0].password.expose().to_owned();
    let server = Server::start(site, SiteClock::running()).unwrap();
    let port: u16 =
        server.url().to_string().trim_end_matches('/').rsplit(':').next().unwrap().parse().unwrap();
    let (url, heard) = relay(port);
    let trap = "machine 127.0.0.1 login trapped password sprung\ndefault login trapped password sprung\n";
    for name in [".netrc", "named"] {
        std::fs::write(home.path().join(name), trap).unwrap();
    }
    let run = |args: &[&str], input: &str| {
        let mut command = home.command("setsid");
        command.arg("--wait").arg(authctl()).args(args).env("NETRC", home.path().join("named"));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    };
    run(&["login", &url, "--user", "demo", "--password-stdin"], &format!("{password}\n"));
    run(&["whoami", &url], "");
    run(&["status", "--check", &url], "");
    run(&["logout", &url], "");

    let heard = String::from_utf8_lossy(&heard.lock().unwrap()).to_lowercase();
    // The site was spoken to through the relay: the sign-in went there, and the session.
    assert!(
        heard.contains("post /api/v1/auth/provider/") && heard.contains("authorization: bearer "),
        "{heard}"
    );
    // As it stands, and as Basic authentication has it: base64 of `trapped:sprung`.
    for trapped in ["trapped", "sprung", "basic ", "dhjhchblzdpzchj1bmc="] {
        assert!(!heard.contains(trapped), "{trapped}");
    }
}
