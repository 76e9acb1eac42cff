//! Serving a site to try things out with.

use std::net::{Ipv4Addr, SocketAddr};

use auth_native::Foreign;
use auth_native::blocking::seed;
use auth_sandbox::{Limits, Server, SiteClock, TiledSite};
use serde::Serialize;

use crate::client::shown;
use crate::exit::Exit;
use crate::output;
use crate::plan::Sandbox;
use crate::report::Failure;

pub(crate) fn run(plan: &Sandbox) -> Result<Exit, Failure> {
    let seed = seed().map_err(|error| Failure::internal(error.to_string()))?;
    let mut site = TiledSite::demo(seed.derive("sandbox", 0));
    site.config.lifetimes.access = plan.access_life;
    let Some(user) = site.config.users.first().cloned() else {
        return Err(Failure::internal("the sandbox has no user"));
    };
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, plan.port));
    // Before anybody learns that there is something to stop.
    let end = End::watch()?;
    let server = Server::start_at(address, site, SiteClock::running(), Limits::default())
        .map_err(|error| cannot_listen(address, &error))?;
    let url = server.url().to_string();
    let tiled = Tiled { url: &url, username: &user.name, password: user.password.expose() };
    output::answer(plan.json, &Served { tiled: &tiled }, || lines(&tiled))?;
    end.wait();
    Ok(Exit::OK)
}

#[derive(Serialize)]
struct Served<'a> {
    tiled: &'a Tiled<'a>,
}

#[derive(Serialize)]
struct Tiled<'a> {
    url: &'a str,
    username: &'a str,
    password: &'a str,
}

fn lines(tiled: &Tiled<'_>) -> String {
    let Tiled { url, username, password } = tiled;
    let place = shown(url);
    format!(
        "\
SANDBOX: a site to try things out with. Nothing on it is real.
  address   {place}
  user      {username}
  password  {password}
In another terminal:
  authctl login {place} --user {username}
  authctl whoami {place}
  authctl token {place}
  authctl logout {place}
Ctrl-C ends it.
"
    )
}

fn cannot_listen(address: SocketAddr, error: &std::io::Error) -> Failure {
    Failure {
        kind: "port",
        ..Failure::usage(
            &format!("the sandbox cannot listen at {address}: {}", Foreign::new(error.to_string())),
            "Name another --port, or none for any that is free.",
        )
    }
}

/// The signals that end it.
#[cfg(unix)]
struct End(signal_hook::iterator::Signals);

#[cfg(unix)]
impl End {
    fn watch() -> Result<Self, Failure> {
        use signal_hook::consts::{SIGINT, SIGTERM};
        let signals = signal_hook::iterator::Signals::new([SIGINT, SIGTERM]);
        signals.map(Self).map_err(|error| Failure::internal(format!("signals cannot be watched: {error}")))
    }

    fn wait(mut self) {
        let _ = self.0.forever().next();
    }
}

#[cfg(not(unix))]
struct End;

#[cfg(not(unix))]
impl End {
    #[allow(clippy::unnecessary_wraps, reason = "elsewhere this can fail")]
    fn watch() -> Result<Self, Failure> {
        Ok(Self)
    }

    /// The system ends this program.
    fn wait(self) {
        loop {
            std::thread::park();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::to_string;

    const TILED: Tiled<'_> = Tiled { url: "http://127.0.0.1:8000/", username: "demo", password: "a-b-c" };

    #[test]
    fn where_it_is_and_how_to_sign_in_is_one_object() {
        assert_eq!(
            to_string(&Served { tiled: &TILED }),
            r#"{"tiled":{"url":"http://127.0.0.1:8000/","username":"demo","password":"a-b-c"}}"#
        );
    }

    #[test]
    fn a_person_is_told_what_to_type() {
        let text = lines(&TILED);
        assert!(text.starts_with("SANDBOX: "));
        assert!(text.contains("\n  authctl login http://127.0.0.1:8000 --user demo\n"));
    }
}
